# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a person does with a request or work order: approve, reject, schedule, implement, retry, cancel (E24, W1-W5).

Approving, rejecting, scheduling and cancelling send nothing to CPS, so that an approver needs no credential of it;
cancelling does where it is told to take back what a request opened there.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from .._core.errors import ConflictError, InputError
from .._core.plan import Outcome, Plan, Step
from .._core.types import CertRequest, WorkOrder
from .._store.base import Unit
from . import approvals, doubts, gate, impossible, moments, opened_changes, orders, requests, standby, states
from .deployment import Deployer
from .keeper import REQUEST, WORK_ORDER, Keeper, Kind
from .moves import Mover
from .ports import Params, Ports
from .work_orders import LEASE_S
from .work_views import request_view, work_order_view

ACTIONS = ("approve", "reject", "schedule", "implement", "retry", "cancel")
_TIMED = ("approve", "schedule")
_SENDS_NOTHING = ("reject", "cancel")
# What says that a record is not where it was planned from; a work order has the first alone.
_MOVED = ("state", "ca_handles", "fingerprints", "refusals")


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
    if (params.get("order_id") or "").strip() and (action != "retry" or given[0] != "request_id"):
        raise InputError(f"{what}: order_id goes with action: retry of a request alone")
    if params.get(opened_changes.OPTION) and (action != "cancel" or given[0] != "request_id"):
        raise InputError(
            f"{what}: cancel_change goes with action: cancel of a request alone; what a work order sent is taken back "
            "with edgecert.clm.cert_push and action: rollback"
        )
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
        if self.params.get(opened_changes.OPTION):
            return self._taking_back(request)
        self._check(REQUEST, request, request.request_id)
        mover = None
        if self.action not in _SENDS_NOTHING:
            mover = requests.mover_of(request, self.ports, wait_s=self.wait_s)
        steps = self._steps_of_request(request, mover)
        end = mover.predicted_state() if mover is not None and len(steps) > 1 else ""
        return Plan(
            request_view(request),
            request_view(self._predicted(request, end)),
            steps,
            lambda: Outcome(request_view(self._now_stored(request))),
            note=mover.keep_next_look if mover is not None else None,
            noun="request",
        )

    def _taking_back(self, request: CertRequest) -> Plan:
        """Plan to cancel a request, if that is not done, and to take back what it opened at CPS."""
        from .taking_back import TakingBack

        steps: list[Step] = []
        if request.state not in opened_changes.ENDED:
            self._check(REQUEST, request, request.request_id)
            steps += self._steps_of_request(request, None)
        taking = TakingBack(self.ports, request, wait_s=self.wait_s)
        back = taking.steps()
        predicted = replace(request, state="cancelled") if steps else request
        return Plan(
            request_view(request),
            request_view(replace(predicted, key_reference={}) if back else predicted),
            (*steps, *back),
            lambda: Outcome(request_view(self._now_stored(request))),
            noun="request",
            extra={"warnings": [taking.note]} if taking.note else {},
        )

    def on_work_order(self) -> Plan:
        """Plan it for a work order."""
        with self.ports.store.read() as unit:
            order = orders.stored(unit, self.params["work_order_id"])
        self._check(WORK_ORDER, order, order.work_order_id)
        deployer = None
        if self.action not in _SENDS_NOTHING:
            deployer = orders.deployer_of(order, self.ports, wait_s=self.wait_s)
        steps = self._steps_of_order(order, deployer)
        return Plan(
            work_order_view(order),
            work_order_view(self._predicted(order, "completed" if len(steps) > 1 else "")),
            steps,
            lambda: Outcome(work_order_view(self._now_stored(order))),
            note=deployer.note if deployer is not None and not steps else None,
            noun="work_order",
        )

    def _check(self, kind: Kind[Any], record: Any, record_id: str) -> None:
        """Refuse the action where the state does not allow it; approvals that expired count as taken back."""
        is_expired = self.action == "approve" and gate.due(record, self.ports.clock.now()) == "expire"
        state = "submitted" if is_expired else record.state
        states.check_action(kind.actions, kind.title.lower(), record_id, state, self.action)

    def _now_stored(self, record: Any) -> Any:
        with self.ports.store.read() as unit:
            if isinstance(record, CertRequest):
                return requests.stored(unit, record.request_id)
            return orders.stored(unit, record.work_order_id)

    # -- steps -----------------------------------------------------------------------------------------------------

    def _steps_of_request(self, request: CertRequest, mover: Mover | None) -> tuple[Step, ...]:
        named = f"request {request.request_id} for {request.certificate_id}"
        if mover is None:
            return (self._end(Keeper(self.ports, REQUEST, request), requests.lease_of(request), named),)
        passage = requests.gate_of(mover, override=self.override)
        if self.action in ("approve", "schedule"):
            return (self._review(request, passage, lambda: standby.parts(mover), named),)
        order_id = (self.params.get("order_id") or "").strip()
        if self.action == "retry" and (request.state == "in_doubt" or order_id):
            return tuple(doubts.steps(mover, order_id, self.comment))
        if self.action == "implement":
            if request.state not in states.BEFORE_IMPLEMENTING:
                return tuple(requests.steps(mover, override=self.override))
            passage.check_freeze()
            return (Step(f"Implement {named}", self._begin(passage)), *mover.steps())
        return self._taken_up(passage, lambda: mover.retry(passage, self.comment), mover.steps_again(), named)

    def _taken_up(
        self, passage: gate.Gate[Any], again: Callable[[], None], following: Sequence[Step], named: str
    ) -> tuple[Step, ...]:
        """Give the steps of a retry, which ends at the review where the approvals do not hold any more."""
        is_free = passage.outlook() is None
        if is_free and not passage.keeper.record.manual_implementation:
            passage.check_freeze()

        def retry() -> bool:
            again()
            return passage.advance()

        return (Step(f"Take up {named} again", retry), *(following if is_free else ()))

    def _end(self, keeper: Keeper[Any], lease: str, named: str) -> Step:
        """Give the step that rejects or cancels; nothing is sent to CPS, so a device that may not be acted on any more
        is no obstacle. An order that the CA can take back is taken back."""
        passage: gate.Gate[Any] = gate.Gate(keeper, dict, lambda _now: None)

        def end() -> bool:
            if self.action == "reject":
                passage.reject(self.comment)
                return True
            with self.ports.store.lease(lease, LEASE_S):
                # Before the CA is told: what it is told cannot be taken back.
                keeper.record = self._unmoved(keeper.record, named)
                settled = doubts.cancelled_at_ca(self.ports, keeper.record)
                with self.ports.store.read() as unit:
                    left = left_behind(unit, keeper.record, settled)
                passage.cancel(self.comment, left)
            return True

        return Step(f"{self.action.capitalize()} {named}", end)

    def _unmoved(self, planned: Any, named: str) -> Any:
        """Give the record as it is stored now.

        :raises ConflictError: another run moved it since this one planned.
        """
        current = self._now_stored(planned)
        moved = [name for name in _MOVED if getattr(current, name, None) != getattr(planned, name, None)]
        if moved:
            raise ConflictError(
                f"Cannot {self.action} {named}: another run moved it meanwhile, it is {current.state} now; nothing was "
                f"sent, run again to {self.action} it from there",
                details={"state": current.state, "moved": moved},
            )
        return current

    def _steps_of_order(self, order: WorkOrder, deployer: Deployer | None) -> tuple[Step, ...]:
        named = f"work order {order.work_order_id} for {order.certificate_id}"
        if deployer is None:
            keeper = orders.keeper_of(order, self.ports)
            return (self._end(keeper, keeper.lease_name, named),)
        passage = orders.gate_of(deployer, override=self.override)
        if self.action in ("approve", "schedule"):
            self._refuse_time(order, deployer)
            return (self._review(order, passage, lambda: orders.parts(deployer), named),)
        deployer.observe()
        if self.action == "implement":
            if order.state not in states.BEFORE_IMPLEMENTING:
                return tuple(orders.steps(deployer, override=self.override))
            passage.check_freeze()
            self._refuse_impossible(deployer)
            return (Step(f"Implement {named}", self._begin(passage)), *deployer.steps())

        def again() -> None:
            with self.ports.store.read() as unit:
                deployer.keeper.refuse_rivals(unit)
            passage.retry(self.comment)

        self._refuse_impossible(deployer)
        return self._taken_up(passage, again, deployer.steps(), named)

    @staticmethod
    def _refuse_impossible(deployer: Deployer) -> None:
        """Refuse what CPS cannot do; where all is deployed and under review again, the proof alone is left."""
        if not deployer.is_deployed:
            deployer.refuse_impossible()

    def _refuse_time(self, order: WorkOrder, deployer: Deployer) -> None:
        """Refuse a time by which the order cannot be implemented any more: of that, or of the approval it waits for.

        :raises PolicyError: it is so.
        """
        if self.at is not None:
            at = self.at if self.action == "schedule" else max(self.at, order.scheduled_at or self.at)
            impossible.refuse_at(deployer, at)

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
            elif self.at is not None:
                passage.schedule(self.at, self.comment)
            return True

        return Step(f"{self.action.capitalize()} {named}", act)

    def _predicted(self, record: Any, end: str) -> Any:
        """Give the record as it will stand if nobody makes it wait."""
        now = self.ports.clock.now()
        if self.action == "approve":
            fresh: Any = approvals.without_expired(record, now)
            entry = approvals.given(fresh, actor=self.ports.actor, at=self.at, comment=self.comment, parts={}, now=now)
            after = replace(fresh, approvals=(*fresh.approvals, entry))
            return replace(after, state=gate.state_after_approval(after, now))
        words = {"reject": "rejected", "schedule": "scheduled", "cancel": "cancelled"}
        state = words.get(self.action, end or record.state)
        return replace(record, state=state, scheduled_at=self.at if self.action == "schedule" else record.scheduled_at)


def left_behind(unit: Unit, record: CertRequest | WorkOrder, settled: Mapping[str, str]) -> str:
    """Say what a cancelled request or work order leaves at CPS and the CA; empty when nothing was sent.

    :param settled: what became of orders at the CA, by key algorithm.
    """
    if isinstance(record, CertRequest):
        return requests.left_behind(unit, record, settled)
    return orders.left_behind(unit, record)
