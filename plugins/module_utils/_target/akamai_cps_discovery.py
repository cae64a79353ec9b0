# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Discovery at CPS: two calls for each contract, one contract in memory at a time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from .._core.clock import to_text
from .._core.errors import RemoteError
from .._cps.client import CpsClient
from .._cps.deployments import DeploymentRecord
from .._cps.models import ActiveNetwork, ActiveRecord, EnrollmentRecord
from .._cps.network_wire import deployed_words
from .._pki import x509
from .base import Found, NetworkFacts, Sweep


def discover(client: CpsClient, contracts: Sequence[str]) -> Sweep:
    """Go through the enrollments of the contracts; of all visible ones when none is known.

    :source: cps-protocol §4.4.
    """
    sweep = Sweep(iter(()))
    sweep.found = _found(client, [*contracts] or [""], sweep)
    return sweep


def _found(client: CpsClient, contracts: Sequence[str], sweep: Sweep) -> Iterator[Found]:
    is_list_open = True
    for contract_id in contracts:
        try:
            enrollments = client.list_enrollments(contract_id or None)
        except RemoteError as exc:
            if not _is_skippable(exc):
                raise
            sweep.skipped_contracts.append(contract_id)
            sweep.notes.append(f"contract {contract_id or 'unknown'} was passed over: {exc.message}")
            continue
        active = _active(client, contract_id, sweep) if is_list_open else None
        # It is the account that is refused the list: another contract would only cost another call.
        is_list_open = active is not None
        for enrollment in enrollments:
            if active is None:
                yield _read_alone(client, enrollment)
            else:
                yield _of(enrollment, active.get(enrollment.id))


def _is_skippable(exc: RemoteError) -> bool:
    """Say whether only this contract is out of reach: it has no CPS (400), or the user does not see it (403).

    Everything else, a burst block that looks like a bad request among it, says nothing about the contract.
    """
    return exc.code == "contract_not_accessible" and not exc.retryable


def _active(client: CpsClient, contract_id: str, sweep: Sweep) -> dict[int, ActiveRecord] | None:
    """List what is live; None where this account is refused the list, which is not open to every account."""
    try:
        return {record.id: record for record in client.active_certificates(contract_id or None)}
    except RemoteError as exc:
        if exc.status not in (403, 404, 406) or exc.retryable:
            raise
        sweep.notes.append(
            f"active-certificates is refused (HTTP {exc.status}); what is live was read from each enrollment's "
            "deployments, one call each"
        )
        return None


def _of(enrollment: EnrollmentRecord, active: ActiveRecord | None) -> Found:
    return _made(
        enrollment,
        active_facts(active.production if active else None),
        active_facts(active.staging if active else None),
    )


def _read_alone(client: CpsClient, enrollment: EnrollmentRecord) -> Found:
    found = client.get_deployments(enrollment.id)
    return _made(enrollment, deployed_facts(found.production), deployed_facts(found.staging))


def _made(enrollment: EnrollmentRecord, production: NetworkFacts, staging: NetworkFacts) -> Found:
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
    )


def active_facts(network: ActiveNetwork | None) -> NetworkFacts:
    """Read what a list tells of a network, without PEM."""
    certificates: list[Mapping[str, Any]] = []
    for facts in network.certificates if network else ():
        certificates.append(
            {
                "fingerprint": facts.fingerprint or "",
                "serial": facts.serial or "",
                "issuer": facts.issuer or "",
                "not_after": to_text(facts.expiry) if facts.expiry else "",
                "key_algorithm": facts.key_algorithm or "",
            }
        )
    return NetworkFacts(tuple(certificates), read_settings=lambda: deployed_words(network.network) if network else {})


def deployed_facts(deployment: DeploymentRecord | None) -> NetworkFacts:
    """Read what is served out of the PEM itself, which is surer than what stands beside it."""
    certificates = []
    for certificate in deployment.certificates if deployment else ():
        facts = x509.certificate_facts(certificate.certificate)
        certificates.append(
            {
                "fingerprint": facts.fingerprint,
                "serial": facts.serial,
                "issuer": facts.issuer,
                "not_after": to_text(facts.not_after),
                "key_algorithm": facts.key.algorithm,
            }
        )
    return NetworkFacts(tuple(certificates), deployed_words(deployment.network) if deployment else {})
