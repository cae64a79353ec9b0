# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Proof, by handshakes, of what an edge does no more: it refuses a version of TLS, it presents a certificate no longer.

A refusal alone proves nothing, for a server that is down refuses everything: beside the versions that are refused one
has to be taken, and that a certificate is gone is told by an address that answers.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from .._core.clock import Clock, to_text
from .._core.errors import TransportError
from .._core.vocabulary import RSA, TLS_VERSIONS
from .._target.edge_base import Edges, Place
from . import edges, proof, states

if TYPE_CHECKING:
    from .._core.types import WorkOrder
    from .deployment import Deployer

DISALLOWED = "disallowed_tls_versions"
# An edge that knows the name no more, or has no certificate for it, ends the handshake.
_NO_CERTIFICATE = ("tls", "reset")


class _Prover(Protocol):
    def look(self) -> list[str]:
        """Ask for what is not proved yet; gives a sentence for each thing that still is not, empty when all is."""

    @property
    def evidence(self) -> proof.Evidence:
        """Give what is proved so far."""


@dataclass(frozen=True)
class Versions:
    """What the edges of a network are to refuse.

    :ivar sans: names to ask for.
    :ivar fingerprint: of the certificate that the network serves, with the setting; empty when not known.
    :ivar key_algorithm: of its key.
    :ivar is_strict: a version that this machine cannot offer is not proved, rather than told.
    """

    network: str
    edges: Mapping[str, Any]
    sans: Sequence[str]
    disallowed: Sequence[str]
    fingerprint: str = ""
    key_algorithm: str = RSA
    is_strict: bool = False


class VersionProver:
    """Asks each edge server for each name and version of TLS; what is proved once is not asked again.

    :param alive: called from time to time, so that what is held for the work stays held.
    """

    def __init__(
        self, question: Versions, probe: Edges, clock: Clock, alive: Callable[[], None] = lambda: None
    ) -> None:
        self._question, self._probe, self._clock, self._pulse = question, probe, clock, proof.Pulse(clock, alive)
        self._proved: dict[tuple[Place, str], dict[str, Any]] = {}

    @property
    def evidence(self) -> proof.Evidence:
        """Give what is proved so far, an entry for each address and name."""
        return list(self._proved.values())

    def look(self) -> list[str]:
        """Ask for what is not proved yet."""
        question = self._question
        sentences: list[str] = []
        silent: set[Place] = set()
        named = list(question.edges.get("names") or ()) or question.sans[:1]
        asked = proof.Question(question.network, question.edges, named, {})
        for place, name in proof.places_asked(asked, self._probe, sentences):
            if place in silent or (place, name) in self._proved:
                continue
            try:
                wrong = self._ask(place, name)
            except TransportError as exc:
                wrong = exc.message
                silent |= {place} if exc.kind in proof.OF_ADDRESS else set()
            sentences += [wrong] if wrong else []
        if not self._proved and not sentences:
            sentences.append("there is no name to ask an edge for")
        return proof.bounded(sentences)

    def _ask(self, place: Place, name: str) -> str:
        """Ask one server for one name, and say what is wrong; empty when it is as wanted.

        :raises TransportError: it was not reached.
        """
        disallowed = [version for version in TLS_VERSIONS if version in self._question.disallowed]
        allowed = [version for version in reversed(TLS_VERSIONS) if version not in disallowed]
        takes = {version: self._takes(place, name, version) for version in disallowed}
        taken = next((one for one in allowed if self._takes(place, name, one)), "")
        if not taken:
            return f"{place.shown} takes none of {', '.join(allowed)} for {name}, which are allowed"
        if other := self._presents_another(place, name):
            return other
        still = [version for version, is_taken in takes.items() if is_taken]
        if still:
            return f"{place.shown} still takes {', '.join(still)} for {name}"
        untold = [version for version, is_taken in takes.items() if is_taken is None]
        if untold and (self._question.is_strict or len(untold) == len(disallowed)):
            return (
                f"whether {place.shown} refuses {', '.join(untold)} cannot be told here: the TLS library of this "
                "machine does not offer it; run it where it does, or let the group be content with proof: api"
            )
        self._proved[place, name] = {
            **_entry(self._question.network, place, [name], self._clock),
            "fingerprint": self._question.fingerprint,
            "refused": [version for version in disallowed if version not in untold],
            "not_told": untold,
            "taken": taken,
        }
        return ""

    def _takes(self, place: Place, name: str, version: str) -> bool | None:
        self._pulse.beat()
        return self._probe.takes_version(place.address, name, version)

    def _presents_another(self, place: Place, name: str) -> str:
        """Say so where a server presents another certificate, and so speaks by another one's settings."""
        wanted = self._question.fingerprint
        if not wanted:
            return ""
        shown = self._probe.presented(place.address, name, self._question.key_algorithm).fingerprint
        return "" if shown == wanted else f"{place.shown} presents {shown} for {name}, and the settings are {wanted}'s"


@dataclass(frozen=True)
class Absence:
    """What the edges of a network are to present no more.

    :ivar gone: fingerprints by key algorithm.
    """

    network: str
    edges: Mapping[str, Any]
    sans: Sequence[str]
    gone: Mapping[str, str]


class AbsenceProver:
    """Asks each edge server for each name that a certificate was for; what is proved once is not asked again.

    :param alive: called from time to time, so that what is held for the work stays held.
    """

    def __init__(self, question: Absence, probe: Edges, clock: Clock, alive: Callable[[], None] = lambda: None) -> None:
        self._question, self._probe, self._clock, self._pulse = question, probe, clock, proof.Pulse(clock, alive)
        self._proved: dict[tuple[Place, str], list[str]] = {}

    @property
    def evidence(self) -> proof.Evidence:
        """Give what is proved so far, an entry for each address and kind of key."""
        return [
            {
                **_entry(self._question.network, place, names, self._clock),
                "key_algorithm": algorithm,
                "fingerprint": "",
                "absent": self._question.gone[algorithm],
            }
            for (place, algorithm), names in self._proved.items()
        ]

    def look(self) -> list[str]:
        """Ask for what is not proved yet."""
        question = self._question
        sentences: list[str] = []
        silent: set[Place] = set()
        asked = proof.Question(question.network, question.edges, question.sans, {})
        for place, name in proof.places_asked(asked, self._probe, sentences):
            for algorithm, fingerprint in question.gone.items():
                names = self._proved.get((place, algorithm), [])
                if place in silent or name in names:
                    continue
                try:
                    is_there = self._presents(place, name, algorithm, fingerprint)
                except TransportError as exc:
                    sentences.append(exc.message)
                    silent |= {place} if exc.kind in proof.OF_ADDRESS else set()
                    continue
                if is_there:
                    sentences.append(f"{place.shown} still presents {fingerprint} for {name}")
                else:
                    self._proved[place, algorithm] = [*names, name]
        return proof.bounded(sentences)

    def _presents(self, place: Place, name: str, algorithm: str, fingerprint: str) -> bool:
        self._pulse.beat()
        try:
            return self._probe.presented(place.address, name, algorithm).fingerprint == fingerprint
        except TransportError as exc:
            if exc.kind not in _NO_CERTIFICATE:
                raise
            return False


def _entry(network: str, place: Place, names: Sequence[str], clock: Clock) -> dict[str, Any]:
    where = f"{names[0] if len(names) == 1 else f'{len(names)} names'} at {place.address}"
    found = {"kind": "handshake", "network": network, "where": where, "address": place.address, "via": place.via}
    return {**found, "names": list(names), "at": to_text(clock.now())}


def is_shown(order: WorkOrder, network: str) -> bool:
    """Say whether handshakes can show what an order of another kind than a push did to a network."""
    return bool(disallowed(order)) or bool(_gone(order, network))


def disallowed(order: WorkOrder) -> Sequence[str]:
    """Give the versions that an order about settings disallows."""
    return tuple((order.change.get("settings") or {}).get("after", {}).get(DISALLOWED) or ())


def described(order: WorkOrder, network: str) -> str:
    """Say how what an order does no more will be proved, after "Prove that ..."."""
    by = edges.described(order, network) if is_shown(order, network) else ""
    return f"by the deployments API and {by}" if by.startswith("by a handshake") else "by the deployments API"


def of_versions(deployer: Deployer, network: str, evidence: proof.Evidence) -> proof.Evidence | None:
    """Add to the evidence of the API that the edges refuse what is disallowed, where they are known.

    :returns: None when that is not so in the time to wait; the order is then parked with the reason.
    """
    order, wanted = deployer.order, edges.proof_of(deployer.order, network)
    versions = disallowed(order)
    if not versions:
        return evidence
    fingerprint = next((str(entry.get("fingerprint") or "") for entry in evidence), "")
    served = [*deployer.state.staging.certificates, *deployer.state.production.certificates]
    kinds = [str(facts.get("key_algorithm") or RSA) for facts in served if facts.get("fingerprint") == fingerprint]
    sans, is_strict = deployer.certificate.sans, wanted == edges.HANDSHAKE
    question = Versions(network, order.edges, sans, versions, fingerprint, kinds[0] if kinds else RSA, is_strict)
    clock, alive = deployer.ports.clock, deployer.keeper.still_ours
    found = _settled(deployer, network, evidence, lambda probe: VersionProver(question, probe, clock, alive))
    if found is None:
        deployer.reach_network(network)
    return found


def of_absence(deployer: Deployer, network: str, evidence: proof.Evidence) -> proof.Evidence | None:
    """Add to the evidence of the API that the edges present what was removed no more, where they are known.

    :returns: None when they still do when the time to wait is over; the order is then parked with the reason.
    """
    order = deployer.order
    gone = _gone(order, network)
    if not gone:
        return evidence
    question = Absence(network, order.edges, order.change.get("names") or deployer.certificate.sans, gone)
    clock, alive = deployer.ports.clock, deployer.keeper.still_ours
    return _settled(deployer, network, evidence, lambda probe: AbsenceProver(question, probe, clock, alive))


def _gone(order: WorkOrder, network: str) -> dict[str, str]:
    if order.action != "remove":
        return {}
    prefix = f"{network}-"
    return {
        name.removeprefix(prefix) or RSA: fingerprint
        for name, fingerprint in order.fingerprints.items()
        if name.startswith(prefix)
    }


def _settled(
    deployer: Deployer, network: str, evidence: proof.Evidence, make: Callable[[Edges], _Prover]
) -> proof.Evidence | None:
    order, wanted = deployer.order, edges.proof_of(deployer.order, network)
    is_known = edges.is_known(order.edges, network)
    if not is_known and wanted != edges.HANDSHAKE:
        return evidence
    prover = make(deployer.ports.probe()) if is_known else None
    while True:
        missing = prover.look() if prover else [edges.wanting(order, [network])]
        if prover and not missing:
            return [*evidence, *prover.evidence]
        if not deployer.pause():
            break
    if prover and wanted == edges.API:
        return [*prover.evidence, *({**entry, "not_proved": "; ".join(missing)} for entry in evidence)]
    deployer.keeper.park(states.NOT_PROVEN, "; ".join(missing), deployer.look_again_s)
    return None
