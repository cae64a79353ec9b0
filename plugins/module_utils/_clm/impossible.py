# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which pushes are refused for what the target shows, with what to do about it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from .._core.clock import to_text
from .._core.errors import PolicyError, StateError
from .._core.plan import Step
from . import deployment_date, last_moment, opened_changes, revocation_states, states

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from .._core.errors import ClmError
    from .._core.types import Certificate, WorkOrder
    from .._target.base import PushState
    from .deployment import Deployer
    from .pushed import Pushed
    from .work_orders import WorkOrderKeeper

_OF_A_PUSH = ("no_open_change", "change_failed", "rollback_impossible", "nothing_to_roll_back")
_ENDED_BY = frozenset([*_OF_A_PUSH, "removal_failed", "removal_cancelled", "pending_change"])
_OVERDUE = frozenset([last_moment.CODE, "certificate_unusable"])


def is_end(deployer: Deployer, reason: ClmError) -> bool:
    """Say whether nothing can be done any more for a stored order, for this reason.

    What time has brought no time mends, whether it was begun or not; for all else one that was not begun can wait.
    """
    return reason.code in _OVERDUE or (reason.code in _ENDED_BY and deployer.is_begun)


def refuse(deployer: Deployer) -> None:
    """Refuse what CPS cannot do or would do too much of, before anything is sent.

    :raises StateError: no change takes the certificate, or the change has failed.
    :raises PolicyError: CPS would deploy to production without being asked, or the certificate cannot be used then.
    """
    certificate, order, state = deployer.certificate, deployer.order, deployer.state
    _refuse_phase(certificate, state)
    _refuse_going_on(certificate, order, state)
    if state.phase == "wants_certificate":
        refuse_late(deployer)
        refuse_unusable(deployer.pushed, certificate, begins_at(order, deployer.ports.clock.now()))


def refuse_at(deployer: Deployer, at: datetime) -> None:
    """Refuse a time of implementation by which it cannot be done any more; nothing is asked of the target.

    :param at: UTC.
    :raises PolicyError: it is so.
    """
    last_moment.refuse(deployer.certificate, deployer.order, at)
    if deployer.order.action == "push":
        refuse_unusable(deployer.pushed, deployer.certificate, at)


def refuse_late(deployer: Deployer) -> None:
    """Refuse to put on staging alone what CPS would not leave there (U2).

    :raises PolicyError: it would not.
    """
    at = begins_at(deployer.order, deployer.ports.clock.now())
    last_moment.refuse(deployer.certificate, deployer.order, at, deployer.state)


def begins_at(order: WorkOrder, now: datetime) -> datetime:
    """Give when an order is implemented at the earliest, UTC."""
    return max(order.scheduled_at or now, now) if order.state in states.BEFORE_IMPLEMENTING else now


def refuse_unusable(pushed: Pushed, certificate: Certificate, at: datetime) -> None:
    """Look at the certificates once more before they are handed over: time has passed since they were issued (U6).

    :param at: when they are handed over, UTC.
    :raises PolicyError: everything wrong with them.
    """
    from .._pki import preflight

    found: list[str] = []
    for algorithm, bundle in pushed.bundles.items():
        wish = pushed.request.wish
        sans = wish["subject_alternative_names"]
        found += preflight.check_bundle(
            bundle,
            csr_pem=pushed.csrs.get(algorithm),
            names=preflight.WantedNames(wish["common_name"], tuple(sans["dns"])),
            at=at,
            is_public=False,
            key_algorithm=algorithm,
            # It is not uploaded before it is valid; until then it waits.
            may_be_early=True,
        ).problems
    if found:
        raise PolicyError(
            f"Cannot push {certificate.certificate_id} at {to_text(at)}: {'; '.join(found)}",
            code="certificate_unusable",
            details={"problems": found},
        )


def refuse_untrusted(deployer: Deployer) -> None:
    """Refuse to bring a certificate any further that is on hold, or revoked, by now; the latter ends the order.

    What CPS deploys already is followed all the same: nobody asks this of it.

    :raises StateError: it is so.
    """
    pushed, keeper = deployer.pushed, deployer.keeper
    with deployer.ports.store.read() as unit:
        line = unit.certificates.get(deployer.order.certificate_id)
    if line is None or deployer.order.action != "push":
        return
    if line.request_id != pushed.request.request_id:
        # Another one was issued since, and the state of the line is that one's.
        line = replace(line, state=revocation_states.state_of(line, pushed.fingerprints.values()))
    try:
        revocation_states.refuse_untrusted(line)
    except StateError as exc:
        if line.state == revocation_states.REVOKED:
            keeper.save("push_failed", state="failed", reason=exc.code, message=exc.message)
        raise


def _refuse_phase(certificate: Certificate, state: PushState) -> None:
    name = certificate.certificate_id
    if state.phase == "none":
        raise StateError(
            f"Cannot push {name}: enrollment {certificate.enrollment_id} has no change open that takes a "
            f"certificate ({state.status}); it was cancelled, or something else was deployed. Discover the device, "
            "then run edgecert.clm.cert_enroll to begin anew where the enrollment is gone",
            code="no_open_change",
            details={"status": state.status},
        )
    if state.phase == "wants_csr":
        raise StateError(
            f"Cannot push {name}: its change waits for a decision from before the CSR was made ({state.status}); "
            "run edgecert.clm.cert_enroll",
            code="change_not_ready",
        )
    if state.phase in ("failed", "cancelled"):
        raise StateError(
            f"Cannot push {name}: the change is {state.phase} ({state.error or state.status}); look at it in "
            "Akamai Control Center",
            code="change_failed",
            details={"error": state.error, "status": state.status},
        )


def _refuse_going_on(certificate: Certificate, order: WorkOrder, state: PushState) -> None:
    """Refuse what CPS would put on production by itself before it is to be there."""
    name = certificate.certificate_id
    if state.goes_on and state.phase == "wants_certificate" and deployment_date.of(order) is not None:
        raise PolicyError(
            f"Cannot push {name} with deploy_not_before: change management is off in enrollment "
            f"{certificate.enrollment_id}, so CPS would put it on production at once; turn it on in Akamai Control "
            "Center, or use schedule_at",
            code="would_reach_production",
        )
    if state.goes_on and order.network == "staging":
        raise PolicyError(
            f"Cannot push {name} to staging only: change management is off in enrollment "
            f"{certificate.enrollment_id}, so CPS would go on to production by itself; turn it on in Akamai "
            "Control Center, and set change_management to true in the vendor settings",
            code="would_reach_production",
        )


def want_certificate(deployer: Deployer) -> None:
    """End an order about settings that come with a new certificate only.

    :raises StateError: always.
    """
    ids, order = deployer.pushed.reference, deployer.order
    message = (
        f"change {ids['change_id']} of enrollment {ids['enrollment_id']}, which brings the settings, wants a new "
        f"certificate. Run edgecert.clm.cert_enroll with certificate: {order.certificate_id}, action: regenerate "
        "and force: true, which takes that change up, then edgecert.clm.cert_push: the settings go along; or "
        "cancel the change in Akamai Control Center"
    )
    deployer.keeper.save("push_failed", state="failed", reason="certificate_wanted", message=message)
    raise StateError(
        f"Work order {order.work_order_id} to configure {order.certificate_id} ended: {message}",
        code="certificate_wanted",
        details={"work_order_id": order.work_order_id, "change_id": ids["change_id"]},
    )


def refuse_or_end(deployer: Deployer) -> None:
    """Refuse what cannot be done, under the lease; what no time mends ends the order.

    :raises ClmError: as ``refuse``.
    """
    try:
        deployer.refuse_impossible()
    except (PolicyError, StateError) as exc:
        if is_end(deployer, exc):
            _end(deployer.keeper, exc)
        raise


def refuse_open_change(deployer: Deployer, change: Mapping[str, Any]) -> None:
    """Refuse to set anything beside a change that is open; it says how it is taken back, where that is known.

    :param change: ``change_id`` and ``change_type``, as the target's standing tells them.
    :raises StateError: always.
    """
    number, certificate_id = deployer.pushed.reference["enrollment_id"], deployer.certificate.certificate_id
    with deployer.ports.store.read() as unit:
        way = opened_changes.advice(unit, certificate_id, change["change_id"])
    way = way or "; finish it with edgecert.clm.cert_push, or cancel it in Akamai Control Center"
    kind = change["change_type"] or "of no known type"
    raise StateError(
        f"Cannot configure {certificate_id}: change {change['change_id']} ({kind}) of enrollment {number} is open, and "
        f"CPS takes no other one beside it{way}, then run again",
        code="change_pending",
        details={"change_id": change["change_id"], "change_type": change["change_type"]},
    )


def ending(keeper: WorkOrderKeeper, reason: ClmError) -> Step:
    """Give the step that ends a stored order for which nothing can be done any more."""

    def end() -> bool:
        with keeper.lease():
            _end(keeper, reason)
        raise reason

    return Step(f"End work order {keeper.order.work_order_id} as failed: {reason.message}", end)


def _end(keeper: WorkOrderKeeper, reason: ClmError) -> None:
    # Under review again, it did not fail: nobody is asked about it any more.
    end = "cancelled" if keeper.order.state in states.BEFORE_IMPLEMENTING else "failed"
    keeper.save(f"push_{end}", state=end, reason=reason.code, message=reason.message)
