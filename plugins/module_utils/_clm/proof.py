# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Proof of a deployment: handshakes with edge servers, or what the remote side says it deployed.

Stores nothing and knows no work order. A handshake proves one name with one kind of key at one address: the leaf is the
one that was pushed, and what it needs to be trusted came with it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from .._core.clock import Clock, to_text
from .._core.errors import TransportError
from .._target.edge_base import Edges, Place
from . import edges

Evidence = list[dict[str, Any]]
COMPLETE, NOT_TOLD = "complete", "not_told"
"""What was found about the chain; the latter where this Python cannot see it."""
_MOST_SENTENCES, _MOST_NAMES = 10, 5
_ALIVE_S = 30.0
OF_ADDRESS = ("resolve", "connect", "timeout")
"""Kinds of trouble of an address, not of the name that was asked for: the other names need not try it."""


@dataclass(frozen=True)
class Expected:
    """What an edge has to present for one kind of key.

    :ivar chain: fingerprints of the intermediates, the leaf's issuer first.
    """

    fingerprint: str
    chain: tuple[str, ...] = ()


@dataclass(frozen=True)
class Question:
    """What is to be proved.

    :ivar edges: as a work order keeps it.
    :ivar expected: by key algorithm.
    :ivar earlier: fingerprints of certificates that were served for these names before.
    :ivar served: names the network answers for by its settings, lower-case; empty for all of the certificate.
    """

    network: str
    edges: Mapping[str, Any]
    sans: Sequence[str]
    expected: Mapping[str, Expected]
    earlier: frozenset[str] = frozenset()
    served: Sequence[str] = ()


def by_api(question: Question, clock: Clock, *, not_proved: str = "") -> Evidence:
    """Give the evidence of the caller's look at the deployments.

    :param not_proved: why there is no handshake, where one was tried.
    """
    at = to_text(clock.now())
    told = {"not_proved": not_proved} if not_proved else {}
    return [
        {**_entry("api", question, "deployments", algorithm, at), "names": list(question.sans), **told}
        for algorithm in question.expected
    ]


def _entry(kind: str, question: Question, where: str, algorithm: str, at: str) -> dict[str, Any]:
    fingerprint = question.expected[algorithm].fingerprint
    left = edges.not_served(question.sans, question.served)
    return {
        **({"not_served": left} if left else {}),
        "kind": kind,
        "network": question.network,
        "where": where,
        "key_algorithm": algorithm,
        "fingerprint": fingerprint,
        "at": at,
    }


class Pulse:
    """Tells from time to time, while many are asked, that the work goes on.

    :param alive: called then, so that what is held for the work stays held; raises when it is not to be gone on with.
    """

    def __init__(self, clock: Clock, alive: Callable[[], None]) -> None:
        self._clock, self._alive = clock, alive
        self._told_at = clock.monotonic()

    def beat(self) -> None:
        """Tell, unless that was done a moment ago."""
        now = self._clock.monotonic()
        if now - self._told_at >= _ALIVE_S:
            self._told_at = now
            self._alive()


class Prover:
    """Asks every edge server for every name and kind of key; what is proved once is not asked again.

    :param alive: called from time to time, so that what is held for the work stays held.
    """

    def __init__(
        self, question: Question, probe: Edges, clock: Clock, alive: Callable[[], None] = lambda: None
    ) -> None:
        self._question, self._probe, self._clock, self._pulse = question, probe, clock, Pulse(clock, alive)
        # By place, kind of key and what was found about the chain: the names, and when the last one was proved.
        self._proved: dict[tuple[Place, str, str], tuple[list[str], str]] = {}

    @property
    def evidence(self) -> Evidence:
        """Give what is proved so far, an entry for each address and kind of key."""
        found = []
        for (place, algorithm, chain), (names, at) in self._proved.items():
            where = f"{names[0] if len(names) == 1 else f'{len(names)} names'} at {place.address}"
            entry = _entry("handshake", self._question, where, algorithm, at)
            found.append({**entry, "address": place.address, "via": place.via, "names": list(names), "chain": chain})
        return found

    def look(self) -> list[str]:
        """Ask for what is not proved yet; gives a sentence for each thing that still is not, empty when all is."""
        sentences: list[str] = []
        wrong: dict[tuple[Place, str], list[str]] = {}
        silent: set[Place] = set()
        asked = list(places_asked(self._question, self._probe, sentences))
        for place, name in asked:
            for algorithm in self._question.expected:
                if place in silent or self._is_proved(place, algorithm, name):
                    continue
                try:
                    fault = self._fault(place, name, algorithm)
                except TransportError as exc:
                    sentences.append(exc.message)
                    if exc.kind in OF_ADDRESS:
                        silent.add(place)
                    continue
                if fault:
                    wrong.setdefault((place, fault), []).append(name)
        if not asked and not sentences:
            sentences.append("the certificate has no name to ask an edge for")
        return bounded([*sentences, *(_said(place, fault, names) for (place, fault), names in wrong.items())])

    def _is_proved(self, place: Place, algorithm: str, name: str) -> bool:
        return any(name in self._proved.get((place, algorithm, chain), ((), ""))[0] for chain in (COMPLETE, NOT_TOLD))

    def _fault(self, place: Place, name: str, algorithm: str) -> str:
        """Shake hands once, and say what is wrong with what is presented; empty when it proves the deployment.

        :raises TransportError: no handshake.
        """
        self._pulse.beat()
        shown, expected = self._probe.presented(place.address, name, algorithm), self._question.expected[algorithm]
        if shown.fingerprint != expected.fingerprint:
            before = ", the certificate before," if shown.fingerprint in self._question.earlier else ""
            subject = f" ({shown.subject})" if shown.subject else ""
            return f"presents {shown.fingerprint}{subject}{before}\n{expected.fingerprint} was pushed"
        lacking = [] if shown.chain is None else [one for one in expected.chain if one not in shown.chain]
        if lacking:
            return f"presents the {algorithm} certificate with an incomplete chain\n{', '.join(lacking)} is missing"
        told = NOT_TOLD if shown.chain is None else COMPLETE
        names, _at = self._proved.get((place, algorithm, told), ([], ""))
        self._proved[(place, algorithm, told)] = ([*names, name], to_text(self._clock.now()))
        return ""


def places_asked(question: Question, probe: Edges, sentences: list[str]) -> Iterator[tuple[Place, str]]:
    """Give each name with each address to ask for it; what leads to none is said."""
    known, network = question.edges, question.network
    family = str(known.get("family") or "all")
    names = edges.server_names(known, question.sans, question.served)
    hosts = [probe.host_of(host, network) for host in known.get("hostnames") or ()]
    shared: list[Place] = []
    for address in (*(known.get(network) or ()), *hosts):
        with _said_in(sentences):
            shared += probe.places(address, family)
    for name in names:
        places = list(shared)
        if known.get("from_dns"):
            with _said_in(sentences, _about(name)):
                places += probe.places_of_name(name, network, family)
        for place in dict.fromkeys(places):
            yield place, name


def bounded(sentences: Sequence[str]) -> list[str]:
    """Give each sentence once; of many the first ones, and how many more there are."""
    found = list(dict.fromkeys(sentences))
    more = len(found) - _MOST_SENTENCES
    return [*found[:_MOST_SENTENCES], f"and {more} more"] if more > 0 else found


def _about(name: str) -> str:
    is_made_up = name.startswith(f"{edges.PROBE_LABEL}.")
    return "; or choose a host name for the wildcard in edge.names" if is_made_up else ""


def _said(place: Place, fault: str, names: Sequence[str]) -> str:
    shown, _line, wanted = fault.partition("\n")
    more = len(names) - _MOST_NAMES
    listed = ", ".join(names[:_MOST_NAMES]) + (f" and {more} more" if more > 0 else "")
    advice = next((advice for advice in map(_about, names) if advice), "")
    return f"{place.shown} {shown} for {listed}, {wanted}{advice}"


@contextmanager
def _said_in(sentences: list[str], advice: str = "") -> Iterator[None]:
    """Say it where a name leads to no edge, and go on with the others."""
    try:
        yield
    except TransportError as exc:
        sentences.append(exc.message + advice)
