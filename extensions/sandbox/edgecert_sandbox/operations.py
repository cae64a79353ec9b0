# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Creating, updating, deleting and cancelling: the writing operations on enrollments. Knows nothing of HTTP."""

from __future__ import annotations

from datetime import datetime, timedelta

from . import rules, views
from .changes import Machine
from .model import Account, Change, Enrollment, Wire, WorldConfig
from .phases import MID_DEPLOYMENT, PHASES, REMOVES
from .problems import Answer, Problem, cannot_cancel, invalid, wrong_state
from .warning_texts import worded

STATUS_ENTITY = "enrollment-status"


def check_contract(config: WorldConfig, contract_id: str) -> str:
    """Give the bare contract id, or refuse it.

    :raises Problem: 403 outside the client's scope, 400 unknown or without CPS.
    """
    bare = contract_id.removeprefix("ctr_")
    if bare in config.inaccessible_contracts:
        raise Problem(403, "not-allowed", "Forbidden", f"Contract {bare} is outside the client's scope.")
    if bare in config.contracts_without_cps:
        raise invalid("Invalid contract", f"Contract {bare} has no CPS.")
    if bare not in config.contracts and bare not in config.children:
        raise invalid("Invalid contract", f"Contract {bare or '(none)'} does not exist or is not yours.")
    return bare


def check_listable(config: WorldConfig, contract_id: str) -> None:
    """Refuse the list of what is live to a contract whose enrollments may be listed.

    :raises Problem: as ``active_certificates_refused`` has it, by words ``CONTRACT=STATUS``.
    """
    bare = contract_id.removeprefix("ctr_")
    status = dict(word.rsplit("=", 1) for word in config.active_certificates_refused).get(bare)
    if status == "400":
        raise invalid("Invalid contract", f"Contract {bare} has no CPS.")
    if status is not None:
        raise Problem(int(status), "not-allowed", "Forbidden", f"Contract {bare} is outside the client's scope.")


def create(machine: Machine, contract_id: str, body: Wire, query: dict[str, str], now: datetime) -> Answer:
    """Create an enrollment and open its first change.

    :raises Problem: 400, 403, or 409 for a duplicate common name or a second create within the interval.
    """
    account, config = machine.account, machine.config
    contract = check_contract(config, contract_id)
    doc = rules.normalise(body)
    rules.check(doc, config)
    rules.check_create(doc)
    not_before, not_after = rules.dates(query)
    _check_duplicate(account, doc, rules.flag(query, "allow-duplicate-cn"))
    last = account.last_create.get(contract)
    if last is not None and now < last + timedelta(seconds=config.create_interval_s):
        raise wrong_state(f"Another enrollment was created on contract {contract} within the last five minutes.")
    account.last_create[contract] = now
    enrollment = Enrollment(account.next("id"), contract, doc, now)
    account.enrollments[enrollment.id] = enrollment
    account.note(now, "enrollment-created", enrollment.id, None, doc["csr"]["cn"])
    change = machine.open(enrollment, "new-certificate", "new-certificate", now)
    change.not_before, change.not_after = not_before, not_after
    return Answer(202, STATUS_ENTITY, views.status_view(config, enrollment.id, [change]))


def _check_duplicate(account: Account, doc: Wire, allowed: bool) -> None:
    if allowed:
        return
    cn = doc["csr"]["cn"].lower()
    for other in account.enrollments.values():
        if other.doc["csr"]["cn"].lower() == cn:
            raise Problem(
                409,
                "duplicate-common-name",
                "Duplicate Common Name",
                f"Enrollment {other.id} has the common name {cn}; pass allow-duplicate-cn=true to have another.",
            )


def update(machine: Machine, enrollment: Enrollment, body: Wire, query: dict[str, str], now: datetime) -> Answer:
    """Update an enrollment; opens a change when something has to be deployed.

    :raises Problem: 400 for what cannot change, 409 for a pending change or the renewal window.
    """
    config, old = machine.config, enrollment.doc
    doc = rules.carry_over(rules.normalise(body), body, old)
    rules.check_immutable(old, doc)
    rules.check(doc, config)
    not_before, not_after = rules.dates(query)
    kind = _kind_of_update(enrollment, doc, query)
    if kind == "network" and config.network_change_wants_certificate:
        kind = "modify-certificate"
    if config.put_mid_deployment_500 and any(one.phase in MID_DEPLOYMENT for one in enrollment.pending):
        raise Problem(500, "internal-error", "Internal Server Error", "")
    needs_certificate = kind not in ("metadata", "nothing", "network")
    if needs_certificate and enrollment.production is not None:
        _check_window(enrollment, query, now)
    _clear_pending(machine, enrollment, query, now)
    old = enrollment.doc
    enrollment.doc = doc
    if kind in ("metadata", "nothing"):
        machine.account.note(now, "enrollment-updated", enrollment.id, None, kind)
        return Answer(200, STATUS_ENTITY, views.status_view(config, enrollment.id, []))
    change = _open_for(machine, enrollment, kind, old, now)
    change.skips_staging = not change.needs_certificate and rules.flag(query, "allow-staging-bypass")
    change.not_before, change.not_after = not_before, not_after
    return Answer(202, STATUS_ENTITY, views.status_view(config, enrollment.id, [change]))


def _kind_of_update(enrollment: Enrollment, doc: Wire, query: dict[str, str]) -> str:
    """Name the change an update means; an enrollment that never went live always starts over."""
    if enrollment.production is None:
        return "new-certificate"
    kind = rules.classify(enrollment.doc, doc)
    if kind in ("modify-san", "modify-certificate"):
        return kind
    if rules.flag(query, "force-renewal"):
        return "renewal"
    if rules.flag(query, "allow-missing-certificate-addition") and missing_algorithms(enrollment):
        return "missing-certificate"
    return kind


def missing_algorithms(enrollment: Enrollment) -> list[str]:
    """Name the key algorithms a multi-stacked enrollment could have deployed and has not."""
    live = enrollment.production
    if live is None or not enrollment.doc["enableMultiStackedCertificates"]:
        return []
    deployed = {entry.key_algorithm for entry in live.certificates}
    return [algorithm for algorithm in ("RSA", "ECDSA") if algorithm not in deployed]


def _check_window(enrollment: Enrollment, query: dict[str, str], now: datetime) -> None:
    opens = enrollment.auto_renewal_at
    if opens is not None and opens <= now and not rules.flag(query, "renewal-date-check-override"):
        raise wrong_state(
            f"Enrollment {enrollment.id} is in its automatic renewal window; "
            "pass renewal-date-check-override=true to change it now."
        )


def _clear_pending(machine: Machine, enrollment: Enrollment, query: dict[str, str], now: datetime) -> None:
    pending = enrollment.pending
    if not pending:
        return
    if not rules.flag(query, "allow-cancel-pending-changes"):
        raise wrong_state(
            f"Enrollment {enrollment.id} has the pending change {pending[-1].id}; "
            "pass allow-cancel-pending-changes=true to cancel it."
        )
    for change in reversed(pending):
        _check_cancellable(change)
    for change in reversed(pending):
        machine.cancel(enrollment, change, now, keep_enrollment=True)


def _check_cancellable(change: Change) -> None:
    if not PHASES[change.phase].cancellable:
        raise cannot_cancel(f"Change {change.id} can no longer be cancelled; status {PHASES[change.phase].status}.")


def _open_for(machine: Machine, enrollment: Enrollment, kind: str, old: Wire, now: datetime) -> Change:
    if kind == "network":
        # The real service labels this "renew" in the history, though no certificate is renewed.
        return machine.open(
            enrollment,
            "modify-certificate",
            "renew",
            now,
            previous=old,
            needs_certificate=False,
            first_phase="checks",
        )
    if kind == "missing-certificate":
        change = machine.open(enrollment, "modify-certificate", "renew", now, previous=old)
        change.algorithms, change.adds_missing = missing_algorithms(enrollment), True
        return change
    actions = {"modify-san": "modify-san", "new-certificate": "new-certificate"}
    gone = sorted(rules.names(old) - rules.names(enrollment.doc)) if kind == "modify-san" else []
    review = machine.config.san_removal_review if gone else ""
    change = machine.open(
        enrollment,
        kind,
        actions.get(kind, "renew"),
        now,
        previous=old,
        needs_certificate=review != "deploy",
        first_phase="review_names" if review else "",
    )
    if review:
        change.found_warnings = [
            f"The SANs [{', '.join(gone)}] are scheduled to be removed with this operation. Removing SANs from this "
            "enrollment may result in a disruption of your service for TLS connections."
        ]
    return change


def delete(machine: Machine, enrollment: Enrollment, query: dict[str, str], now: datetime) -> Answer:
    """Delete an enrollment: at once when it never went live, else by a deprovisioning change.

    :raises Problem: 409 for live traffic or a pending change.
    """
    config = machine.config
    pending = enrollment.pending
    if any(change.phase in REMOVES for change in pending):
        raise wrong_state(f"Enrollment {enrollment.id} is being deleted already.")
    if enrollment.production is not None:
        _check_traffic(config, enrollment)
    _clear_pending(machine, enrollment, query, now)
    if enrollment.production is None:
        machine.remove(enrollment, now)
        return Answer(200, STATUS_ENTITY, views.status_view(config, enrollment.id, []))
    not_before, not_after = rules.dates(query)
    first = "removal_review" if config.deprovision_warnings else machine.first_of_removal(enrollment)
    change = machine.open(
        enrollment,
        None,
        "update-network-configuration",
        now,
        needs_certificate=False,
        first_phase=first,
    )
    change.found_warnings = worded(config.deprovision_warnings)
    change.not_before, change.not_after = not_before, not_after
    return Answer(202, STATUS_ENTITY, views.status_view(config, enrollment.id, [change]))


def _check_traffic(config: WorldConfig, enrollment: Enrollment) -> None:
    names = {
        name for entry in (enrollment.production.certificates if enrollment.production else []) for name in entry.names
    }
    live = sorted(names & {name.lower() for name in config.traffic_names})
    if live:
        raise Problem(
            409,
            "certificate-live-on-network",
            "Certificate Live On Network",
            f"These host names still resolve to the network: {', '.join(live)}.",
        )


def cancel(machine: Machine, enrollment: Enrollment, change: Change, now: datetime) -> Answer:
    """Cancel a change by its own address.

    :raises Problem: 409 when it is too late or another change lies on top.
    """
    pending = enrollment.pending
    if change not in pending:
        raise cannot_cancel(f"Change {change.id} has ended; status {PHASES[change.phase].status}.")
    if pending[-1] is not change:
        raise cannot_cancel(f"Change {pending[-1].id} lies on top of change {change.id}.")
    _check_cancellable(change)
    location = views.change_path(machine.config, change)
    machine.cancel(enrollment, change, now)
    return Answer(200, "change-id", {"change": location})
