# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Discovery at CPS: two calls for each contract, one contract in memory at a time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from .._core.clock import to_text
from .._core.errors import InputError, RateLimited, RemoteError
from .._core.types import Bundle
from .._cps.client import CpsClient
from .._cps.deployments import DeployedCertificate, DeploymentRecord, DeploymentsRecord
from .._cps.models import ActiveNetwork, ActiveRecord, EnrollmentRecord
from .._cps.network_wire import deployed_words
from .._cps.scanning import Unreadable
from .._pki import pem, x509
from .base import Found, NetworkFacts, Reading, Sweep

# So many are named in the notes of one discovery; the others are counted.
_NAMED = 20
# After so many failures in a row it is the service that fails, not the enrollment.
_FAILURES_IN_A_ROW = 3
# What a refused list says of the account itself: the list of another contract would only cost another call.
_OF_THE_ACCOUNT = ("missing_grant", "unsupported_version", "not_found")
_NOTHING = NetworkFacts()


def discover(client: CpsClient, contracts: Sequence[str], reading: Reading | None = None) -> Sweep:
    """Go through the enrollments of the contracts; of all visible ones when none is known.

    :source: cps-protocol §4.4.
    """
    sweep = Sweep(iter(()))
    sweep.found = _Round(client, sweep, reading or Reading()).found(sorted(contracts) or [""])
    return sweep


class _Round:
    """One discovery: gives what it finds, and fills the sweep with what it had to pass over."""

    def __init__(self, client: CpsClient, sweep: Sweep, reading: Reading) -> None:
        self._client, self._sweep, self._reading = client, sweep, reading
        contract_id, _slash, number = reading.after.rpartition("/")
        self._after = (contract_id, int(number) if number.isdecimal() else 0)
        self._problems: list[str] = []
        self._failures = 0
        self._is_stopped = False
        self._is_list_open = True
        self._met: set[int] = set()

    def found(self, contracts: Sequence[str]) -> Iterator[Found]:
        """Give the enrollments, one contract after the other."""
        for contract_id in contracts:
            enrollments = self._listed(contract_id)
            if enrollments is None:
                continue
            # A parent contract may list what its children list too; cps-protocol §4.4.
            enrollments = tuple(one for one in enrollments if one.id not in self._met)
            self._met.update(one.id for one in enrollments)
            active = self._active(contract_id) if self._is_list_open else None
            if active is None:
                yield from self._one_by_one(contract_id, enrollments)
            else:
                yield from (_of(enrollment, active.get(enrollment.id)) for enrollment in enrollments)
        self._finish()

    def _finish(self) -> None:
        self._sweep.notes += self._problems[:_NAMED]
        if len(self._problems) > _NAMED:
            self._sweep.notes.append(f"{len(self._problems) - _NAMED} more enrollments could not be read")
        if not self._sweep.unread:
            self._sweep.resume = ""
        told = ", ".join(f"{entity} v{version}" for entity, version in sorted(self._client.older.items()))
        if told:
            self._sweep.notes.append(f"CPS knows older versions only ({told}), which tell less; use a newer release")

    def _listed(self, contract_id: str) -> tuple[EnrollmentRecord, ...] | None:
        unreadable: list[Unreadable] = []
        try:
            enrollments = self._client.list_enrollments(contract_id or None, unreadable)
        except RemoteError as exc:
            if not _is_skippable(exc):
                raise
            self._sweep.skipped_contracts.append(contract_id)
            self._sweep.notes.append(f"contract {contract_id or 'unknown'} was passed over: {exc.message}")
            return None
        self._pass_over(contract_id, unreadable)
        return enrollments

    def _pass_over(self, contract_id: str, unreadable: Sequence[Unreadable]) -> None:
        for one in unreadable:
            if one.enrollment_id is None:
                if contract_id in self._sweep.skipped_contracts:
                    continue
                # It may be any of those that are missed now.
                self._sweep.skipped_contracts.append(contract_id)
                self._problems.append(f"contract {contract_id or 'unknown'}: {one.reason}")
            else:
                self._unread(one.enrollment_id, one.reason)

    def _unread(self, enrollment_id: int, reason: str) -> None:
        if enrollment_id in self._sweep.unreadable:
            return
        self._sweep.unreadable.add(enrollment_id)
        self._problems.append(f"enrollment {enrollment_id} was passed over: {reason}")

    def _active(self, contract_id: str) -> dict[int, ActiveRecord] | None:
        """List what is live; None where it is to be read one by one, for the list is not open to every account.

        Where it is this contract that is refused, nothing is told of it, and what was known of it stays.

        :source: cps-protocol §4.3.
        """
        unreadable: list[Unreadable] = []
        try:
            active = {record.id: record for record in self._client.active_certificates(contract_id or None, unreadable)}
        except RemoteError as exc:
            if contract_id and _is_skippable(exc):
                self._sweep.notes.append(f"what is live of contract {contract_id} is not known: {exc.message}")
                return {}
            if not (_is_skippable(exc) or exc.status in (403, 404, 406)) or exc.retryable:
                raise
            self._is_list_open = exc.code not in _OF_THE_ACCOUNT
            self._sweep.notes.append(
                f"active-certificates is refused (HTTP {exc.status}); what is live was read from each enrollment's "
                "deployments, one call each"
            )
            return None
        self._pass_over(contract_id, unreadable)
        for enrollment_id in sorted(set(active) - self._met - self._sweep.unreadable):
            self._unread(enrollment_id, "active-certificates lists it, and the list of enrollments does not")
        return active

    def _one_by_one(self, contract_id: str, enrollments: Sequence[EnrollmentRecord]) -> Iterator[Found]:
        """Read the deployments of each that is due in this round; of the others only what the list says is known."""
        for enrollment in sorted(enrollments, key=lambda one: one.id):
            place = (contract_id, enrollment.id)
            if place <= self._after and enrollment.id in self._reading.known:
                yield _unknown(enrollment)
            elif self._is_stopped or not self._reading.may_call():
                self._sweep.unread += 1
                self._sweep.resume = self._sweep.resume or self._reading.after
                yield _unknown(enrollment)
            else:
                yield self._read_alone(enrollment)
                if place > self._after and not self._sweep.unread:
                    self._sweep.resume = f"{contract_id}/{enrollment.id}"

    def _read_alone(self, enrollment: EnrollmentRecord) -> Found:
        try:
            deployments = self._client.get_deployments(enrollment.id)
            networks = [deployed_facts(one) for one in (deployments.production, deployments.staging)]
            self._failures = 0
            return _made(enrollment, networks[0], networks[1], bundles=bundles_of(deployments))
        except InputError as exc:
            self._failures = 0
            self._unread(enrollment.id, exc.message)
        except RateLimited as exc:
            self._stop(enrollment.id, exc)
        except RemoteError as exc:
            self._failures += 1
            self._unread(enrollment.id, exc.message)
            if self._failures >= _FAILURES_IN_A_ROW:
                self._stop(enrollment.id, exc)
        return _unknown(enrollment)

    def _stop(self, enrollment_id: int, exc: RemoteError) -> None:
        self._is_stopped = True
        self._sweep.unread += enrollment_id not in self._sweep.unreadable
        self._sweep.notes.append(f"reading enrollments one by one stopped at {enrollment_id}: {exc.message}")


def _is_skippable(exc: RemoteError) -> bool:
    """Say whether only this contract is out of reach: it has no CPS (400), or the user does not see it (403).

    Everything else, a burst block that looks like a bad request among it, says nothing about the contract.
    """
    return exc.code == "contract_not_accessible" and not exc.retryable


def _of(enrollment: EnrollmentRecord, active: ActiveRecord | None) -> Found:
    # An enrollment that serves nothing is listed with nothing; one that is not listed was not told of.
    if active is None:
        return _unknown(enrollment)
    return _made(enrollment, active_facts(active.production), active_facts(active.staging))


def _unknown(enrollment: EnrollmentRecord) -> Found:
    return _made(enrollment, _NOTHING, _NOTHING, is_live_known=False)


def _made(enrollment: EnrollmentRecord, production: NetworkFacts, staging: NetworkFacts, **more: Any) -> Found:
    pending = tuple(
        {"change_id": change.change_id, "change_type": change.change_type or ""}
        for change in enrollment.pending_changes
    )
    return Found(
        enrollment_id=enrollment.id,
        contract_id=enrollment.contract_id or "",
        common_name=enrollment.cn,
        sans=enrollment.sans,
        validation_type=enrollment.validation_type,
        certificate_type=enrollment.certificate_type,
        secure_network=enrollment.secure_network,
        change_management=enrollment.change_management,
        pending_changes=pending,
        production=production,
        staging=staging,
        **more,
    )


def _printable(text: str | None) -> str:
    """Give a text that every store holds; what CPS copied out of a certificate may be anything."""
    if not text or text.isprintable():
        return text or ""
    return "".join(char if char.isprintable() else "?" for char in text)


def active_facts(network: ActiveNetwork | None) -> NetworkFacts:
    """Read what a list tells of a network, without PEM."""
    certificates: list[Mapping[str, Any]] = []
    for facts in network.certificates if network else ():
        certificates.append(
            {
                "fingerprint": _printable(facts.fingerprint),
                "serial": _printable(facts.serial),
                "issuer": _printable(facts.issuer),
                "not_after": to_text(facts.expiry) if facts.expiry else "",
                "key_algorithm": _printable(facts.key_algorithm),
            }
        )
    return NetworkFacts(tuple(certificates), read_settings=lambda: deployed_words(network.network) if network else {})


def deployed_facts(deployment: DeploymentRecord | None) -> NetworkFacts:
    """Read what is served out of the PEM itself, which is surer than what stands beside it."""
    certificates = deployment.certificates if deployment else ()
    facts = tuple(facts_of(x509.certificate_facts(one.certificate)) for one in certificates)
    return NetworkFacts(facts, deployed_words(deployment.network) if deployment else {})


def facts_of(facts: x509.CertificateFacts) -> dict[str, Any]:
    """Write what a certificate says as discoveries tell it."""
    return {
        "fingerprint": facts.fingerprint,
        "serial": facts.serial,
        "issuer": _printable(facts.issuer),
        "not_after": to_text(facts.not_after),
        "key_algorithm": facts.key.algorithm,
    }


def bundles_of(found: DeploymentsRecord) -> dict[str, Bundle]:
    """Give what both networks serve, by fingerprint; what cannot be read is left out unless nothing can.

    :raises InputError: nothing of what is there can be read.
    """
    result: dict[str, Bundle] = {}
    broken = None
    for deployment in (found.production, found.staging):
        for certificate in deployment.certificates if deployment else ():
            try:
                result.update([bundle_of(certificate)])
            except InputError as exc:
                broken = exc
    if broken is not None and not result:
        raise broken
    return result


def bundle_of(certificate: DeployedCertificate) -> tuple[str, Bundle]:
    """Give a certificate with its chain, by its fingerprint.

    :raises InputError: it cannot be read.
    """
    facts = x509.certificate_facts(certificate.certificate)
    chain = pem.split_certificates(certificate.trust_chain) if certificate.trust_chain.strip() else ()
    return facts.fingerprint, Bundle(pem.one_certificate(certificate.certificate), tuple(chain))
