# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a person does with a request or work order: approve, reject, schedule, implement, retry, cancel (E24, W1-W5).

Approving, rejecting, scheduling and cancelling send nothing, so that an approver needs no credential of CPS.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from typing import Any

from .._core.errors import InputError
from .._core.plan import Outcome, Plan, Step
from .._core.types import CertRequest, WorkOrder
from . import approvals, gate, intents, moments, orders, requests, states
from .deployment import Deployer
from .keeper import REQUEST, WORK_ORDER
from .moves import Mover
from .ports import Params, Ports
from .work_views import request_view, work_order_view

ACTIONS = ("approve", "reject", "schedule", "implement", "retry", "cancel")
_TIMED = ("approve", "schedule")


def plan(params: Params, ports: Ports) -> Plan:
    """Work out what ``cert_workflow`` would do.

    :raises InputError: the options do not fit together, or a time is past.
    :raises NotFoundError: there is no such request or work order.
    :raises StateError: its state does not allow the action.
    :raises PolicyError: this person may not, or nothing may be implemented now.
    """
    given = [name for name in ("request_id", "work_order_id") if (params.get(name) or "").strip()]
    if len(given) != 1:
        raise InputError("Cannot act: give either request_id or work_order_id")
    action, what = params["action"], f"Cannot {params['action']} {params[given[0]]}"
    at = moments.read(params.get("at"), what, "at", ports.clock.now())
    if at is not None and action not in _TIMED:
        raise InputError(f"{what}: at goes with {' and '.join(_TIMED)} only; to implement later, use schedule")
    if at is None and action == "schedule":
        raise InputError(f"{what}: at is missing; say when")
    act = _Act(params, ports, at)
    return act.on_request() if given[0] == "request_id" else act.on_work_order()


class _Act:
    """One action of one person."""

    def __init__(self, params: Params, ports: Ports, at: datetime | None) -> None:
        self.params, self.ports, self.at = params, ports, at
        self.action: str = params["action"]
        self.comment: str = params.get("comment") or ""
        self.override: str = params.get("freeze_override") or ""
        self.wait_s = float(params.get("wait_timeout") or 0) if params.get("wait") else 0.0

    def on_request(self) -> Plan:
        """Plan it for a request."""
        with self.ports.store.read() as unit:
            request = requests.stored(unit, self.params["request_id"])
        states.check_action(REQUEST.actions, "request", request.request_id, request.state, self.action)
        mover = requests.mover_of(request, self.ports, wait_s=self.wait_s)
        passage = requests.gate_of(mover, override=self.override)
        steps = self._steps_of_request(mover, passage)

        def finish() -> Outcome:
            with self.ports.store.read() as unit:
                stored = unit.requests.get(request.request_id)
            return Outcome(request_view(stored) if stored else None)

        after = self._predicted(request, mover.predicted_state() if len(steps) > 1 else "")
        return Plan(
            request_view(request), request_view(after), steps, finish, note=mover.keep_next_look, noun="request"
        )

    def on_work_order(self) -> Plan:
        """Plan it for a work order."""
        with self.ports.store.read() as unit:
            order = orders.stored(unit, self.params["work_order_id"])
        states.check_action(WORK_ORDER.actions, "work order", order.work_order_id, order.state, self.action)
        deployer = None
        if self.action not in ("reject", "cancel"):
            deployer = orders.deployer_of(order, self.ports, wait_s=self.wait_s)
        steps = self._steps_of_order(order, deployer)

        def finish() -> Outcome:
            with self.ports.store.read() as unit:
                stored = unit.work_orders.get(order.work_order_id)
            return Outcome(work_order_view(stored) if stored else None)

        after = self._predicted(order, "completed" if len(steps) > 1 else "")
        note = deployer.note if deployer is not None and not steps else None
        return Plan(
            work_order_view(order), work_order_view(after), steps, finish, note=note, noun="work_order"
        )

    # -- steps -----------------------------------------------------------------------------------------------------

    def _steps_of_request(self, mover: Mover, passage: gate.Gate[CertRequest]) -> tuple[Step, ...]:
        request, named = mover.request, f"request {mover.request.request_id} for {mover.request.certificate_id}"
        if self.action == "implement":
            if request.state not in states.BEFORE_IMPLEMENTING:
                return tuple(requests.steps(mover))
            passage.check_freeze()
            return (Step(f"Implement {named}", self._begin(passage)), *mover.steps())
        if self.action == "retry":

            def retry() -> bool:
                mover.retry(passage, self.comment)
                return passage.advance()

            return (Step(f"Take up {named} again", retry), *mover.steps())
        if self.action == "cancel":

            def cancel() -> bool:
                with mover.lease():
                    passage.cancel(self.comment, mover.left_behind())
                    with self.ports.store.write() as unit:
                        intents.close_all_of(unit, "request", request.request_id, {"cancelled": True}, mover.now)
                return True

            return (Step(f"Cancel {named}", cancel),)
        return (self._review(request, passage, lambda: requests.parts(request, mover.account), named),)

    def _steps_of_order(self, order: WorkOrder, deployer: Deployer | None) -> tuple[Step, ...]:
        named = f"work order {order.work_order_id} for {order.certificate_id}"
        if deployer is None:
            keeper = orders.keeper_of(order, self.ports)
            passage: gate.Gate[WorkOrder] = gate.Gate(keeper, dict, lambda _now: None)
            if self.action == "reject":
                return (self._review(order, passage, dict, named),)

            def cancel() -> bool:
                with keeper.lease():
                    passage.cancel(self.comment, orders.left_behind(keeper.order))
                return True

            return (Step(f"Cancel {named}", cancel),)
        passage = orders.gate_of(deployer, override=self.override)
        if self.action in ("approve", "schedule"):
            return (self._review(order, passage, lambda: orders.parts(deployer), named),)
        deployer.observe()
        if self.action == "implement":
            if order.state not in states.BEFORE_IMPLEMENTING:
                return tuple(orders.steps(deployer))
            passage.check_freeze()
            deployer.refuse_impossible()
            return (Step(f"Implement {named}", self._begin(passage)), *deployer.steps())

        def retry() -> bool:
            with self.ports.store.read() as unit:
                deployer.keeper.refuse_rivals(unit)
            passage.retry(self.comment)
            return passage.advance()

        deployer.refuse_impossible()
        return (Step(f"Take up {named} again", retry), *deployer.steps())

    def _begin(self, passage: gate.Gate[Any]) -> Callable[[], bool]:
        def begin() -> bool:
            passage.begin(self.comment)
            return True

        return begin

    def _review(
        self,
        record: Any,
        passage: gate.Gate[Any],
        parts: Callable[[], approvals.Parts],
        named: str,
    ) -> Step:
        """Give the step of a review; what it would refuse is refused in planning already."""
        now = self.ports.clock.now()
        if self.action == "approve":
            approvals.given(
                approvals.without_expired(record, now),
                actor=self.ports.actor,
                at=self.at,
                comment=self.comment,
                parts=parts(),
                now=now,
            )
        if self.action == "schedule" and self.at is not None:
            approvals.check_schedule(record, self.at, now)

        def act() -> bool:
            if self.action == "approve":
                passage.approve(at=self.at, comment=self.comment)
            elif self.action == "reject":
                passage.reject(self.comment)
            elif self.at is not None:
                passage.schedule(self.at, self.comment)
            return True

        return Step(f"{self.action.capitalize()} {named}", act)

    def _predicted(self, record: Any, end: str) -> Any:
        """Give the record as it will stand if nobody makes it wait."""
        now = self.ports.clock.now()
        if self.action == "approve":
            fresh: Any = approvals.without_expired(record, now)
            entry = approvals.given(
                fresh, actor=self.ports.actor, at=self.at, comment=self.comment, parts={}, now=now
            )
            after = replace(fresh, approvals=(*fresh.approvals, entry))
            return replace(after, state=gate.state_after_approval(after, now))
        words = {"reject": "rejected", "schedule": "scheduled", "cancel": "cancelled"}
        state = words.get(self.action, end or record.state)
        return replace(record, state=state, scheduled_at=self.at if self.action == "schedule" else record.scheduled_at)
