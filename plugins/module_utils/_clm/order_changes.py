# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a later call may want otherwise of a stored work order, and what that does to its approvals."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from .._core.clock import to_text
from .._core.errors import StateError
from .._core.plan import Step
from .._core.types import WorkOrder
from . import approvals, deployment_date, edges, impossible, orders, policy, states
from .deployment import Deployer

# What a call may want otherwise and that is part of what is approved, as it is called.
_APPROVED = {
    "warnings": "the lists of warnings",
    "change": "the date before which CPS does not deploy it",
    "edges": "the edge servers that prove it",
}


def steps(deployer: Deployer, wanted: orders.Wanted) -> list[Step]:
    """Give the step that takes over what a call wants otherwise of a stored order.

    Other lists of warnings, another date and other edge servers are not what was approved: the approvals go, whatever
    the order waits for.
    """
    order = deployer.order
    changed = _differing(deployer, wanted)
    if not changed:
        return []
    is_void = False
    if set(_APPROVED) & set(changed):
        changed.update(_asked_again(deployer, order))
        is_void = bool(approvals.levels(replace(order, policy=changed.get("policy", order.policy))))
        _refuse_in_flight(order, _called(changed), is_void=is_void)
    told = ({name: getattr(order, name) for name in changed}, changed)

    def save() -> bool:
        keeper, now = deployer.keeper, deployer.ports.clock.now()
        step = {"type": approvals.CHANGED, "at": to_text(now), "actor": keeper.ports.actor, "comment": wanted.comment}
        with keeper.ports.store.write() as unit:
            if is_void and not _returns(order.state):
                # Nothing but the proof is left to be done, and that is held up for what is approved next.
                keeper.save_in(unit, "push_needs_decision", state="needs_decision", message=order.message)
            keeper.save_in(
                unit,
                "work_order_changed",
                comment=wanted.comment,
                told=told,
                steps=[step] if is_void else (),
                **{"reason": order.reason, "message": order.message, **changed},
            )
            if is_void:
                orders.gate_of(deployer).take_back_in(
                    unit, "approval_void", f"{_called(changed)} changed; have it approved"
                )
        # What is void waits for approval; nothing after this step may be done.
        return not is_void

    return [Step(f"Change {', '.join(sorted(changed))} of work order {order.work_order_id}", save)]


def _differing(deployer: Deployer, wanted: orders.Wanted) -> dict[str, Any]:
    """Give the fields that a call wants otherwise, as far as they may still be changed."""
    order = deployer.order
    changed: dict[str, Any] = {}
    given = edges.plain(wanted.edges)
    if given != dict(order.edges):
        changed["edges"] = given
    if _lists(wanted.warnings) != _lists(order.warnings):
        changed["warnings"] = wanted.warnings
    dated = deployment_date.changed(order, wanted.not_before)
    if dated is not None:
        changed["change"] = dated
    if order.state in states.BEFORE_IMPLEMENTING:
        if wanted.manual is not None and wanted.manual != order.manual_implementation:
            changed["manual_implementation"] = wanted.manual
        if wanted.at is not None and wanted.at != order.scheduled_at:
            approvals.check_schedule(order, wanted.at, deployer.ports.clock.now())
            impossible.refuse_at(deployer, wanted.at)
            changed["scheduled_at"] = wanted.at
    return changed


def _lists(warnings: Mapping[str, Any]) -> dict[str, list[str]]:
    return {name: sorted(entries) for name, entries in warnings.items() if entries}


def _asked_again(deployer: Deployer, order: WorkOrder) -> dict[str, Any]:
    """Give what makes an automatic push one that a person asks for: it is not what was let go by itself any more."""
    if not order.is_automatic:
        return {}
    with deployer.ports.store.read() as unit:
        group = policy.group_of(unit, order.group)
    return {"is_automatic": False, "policy": policy.snapshot(group, "push")}


def _called(changed: Mapping[str, Any]) -> str:
    return " and ".join(said for name, said in _APPROVED.items() if name in changed)


def _refuse_in_flight(order: WorkOrder, what: str, *, is_void: bool) -> None:
    """Refuse something else while what was approved is being sent.

    :raises StateError: it is, and the rest would have to be approved first.
    """
    is_waiting = order.reason == states.NOT_PROVEN and "needs_decision" in states.WORK_ORDER[order.state]
    if is_void and not (_returns(order.state) or is_waiting):
        raise StateError(
            f"Cannot change {what} of work order {order.work_order_id}: it is {order.state} with what was approved; "
            "wait until it asks for a decision, or cancel it",
            code="order_in_progress",
            details={"state": order.state},
        )


def _returns(state: str) -> bool:
    return state == "submitted" or "submitted" in states.WORK_ORDER[state]
