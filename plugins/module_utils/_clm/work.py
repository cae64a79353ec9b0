# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One piece of due work, done as far as it goes now. Decides nothing about order, limits or reporting."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from .._core.errors import ConflictError, PolicyError, StateError
from .._core.plan import Step
from .._core.types import CertRequest, WorkOrder
from . import due, edges, gate, impossible, orders, policy, push_stages, renewal, requests, stages, states, successors
from .deployment import Deployer
from .due import Item
from .hints import hint_of
from .keeper import REQUEST, Keeper
from .moves import Mover
from .ports import Ports
from .revocation_states import refuse_untrusted


@dataclass(frozen=True)
class Moved:
    """Where a piece of work has come to.

    :ivar noun: ``request`` or ``work_order``; ``key`` its id.
    :ivar before: its state before; empty for one that is new.
    :ivar has_moved: something was changed, not only looked at.
    :ivar stage: as ``stages.stage`` tells it.
    """

    noun: str
    key: str
    before: str
    state: str
    reason: str
    message: str
    next_look_at: datetime | None
    has_moved: bool
    steps: tuple[str, ...] = ()
    stage: Mapping[str, Any] = field(default_factory=dict)

    @property
    def is_open(self) -> bool:
        """Say whether something is still to come."""
        return not states.is_final(self.state)


class Work:
    """Does pieces of work, one after the other."""

    def __init__(self, ports: Ports) -> None:
        self._ports = ports

    def do(self, item: Item) -> Moved:
        """Do one as far as it goes now.

        :raises ClmError: it could not be done; what was reached is stored.
        """
        if item.kind == due.RENEWALS:
            return self._renew(item)
        if item.kind == due.AUTOMATIC_PUSHES:
            return self._push(item)
        if item.kind == due.APPROVALS:
            return self._review(item)
        return self._request(item.key) if item.noun == "request" else self._order(item.key)

    def _review(self, item: Item) -> Moved:
        """Count or take back approvals; nothing is implemented yet, and nothing is sent."""
        audited = self._ports.store.audited
        keeper: Keeper[Any]
        with self._ports.store.read() as unit:
            if item.noun == "request":
                keeper = Keeper(self._ports, REQUEST, requests.stored(unit, item.key))
            else:
                keeper = orders.keeper_of(orders.stored(unit, item.key), self._ports)
        before = keeper.record.state
        gate.Gate(keeper, dict, lambda _now: None).review()
        return self._moved(keeper.record, before, audited, ())

    def put_off(self, item: Item, reason: str, message: str, seconds: float) -> None:
        """Keep with an open record why it could not be moved on, and look at it later: others come first then."""
        with self._ports.store.read() as unit:
            found: Any = unit.requests.get(item.key) if item.noun == "request" else unit.work_orders.get(item.key)
        if found is None or states.is_final(found.state) or found.state in states.BEFORE_IMPLEMENTING:
            return
        keeper: Keeper[Any] = Keeper(self._ports, REQUEST, found)
        if item.noun == "work_order":
            keeper = orders.keeper_of(found, self._ports)
        keeper.park(reason, message, seconds)

    def _request(self, request_id: str) -> Moved:
        with self._ports.store.read() as unit:
            request = requests.stored(unit, request_id)
        mover = requests.mover_of(request, self._ports, wait_s=0.0)
        audited = self._ports.store.audited
        done = _run(requests.steps(mover))
        if self._ports.store.audited == audited:
            mover.keep_next_look()
        return self._moved(mover.request, request.state, audited, done)

    def _order(self, work_order_id: str) -> Moved:
        with self._ports.store.read() as unit:
            order = orders.stored(unit, work_order_id)
        if states.is_final(order.state):
            return self._left_script(order)
        deployer = orders.deployer_of(order, self._ports, wait_s=0.0)
        audited = self._ports.store.audited
        is_before = order.state in states.BEFORE_IMPLEMENTING
        if not is_before or gate.due(order, self._ports.clock.now()) != "expire":
            if is_before and not order.manual_implementation:
                # Before any call: a frozen group has to wait anyhow.
                orders.gate_of(deployer).check_freeze()
            deployer.observe()
            self._end_if_impossible(deployer)
        done = _run(orders.steps(deployer))
        if self._ports.store.audited == audited and not is_before:
            deployer.note()
        return self._moved(deployer.order, order.state, audited, done)

    def _left_script(self, order: WorkOrder) -> Moved:
        """Run the post-push script that a killed run left of a completed push."""
        audited = self._ports.store.audited
        try:
            deployer = orders.deployer_of(order, self._ports, wait_s=0.0)
        except StateError as exc:
            # Told once: another certificate is live by now, and will be at the next call.
            push_stages.forget(self._ports, order, exc.message)
            raise
        done = _run(push_stages.left_steps(deployer))
        return self._moved(deployer.order, order.state, audited, done)

    @staticmethod
    def _end_if_impossible(deployer: Deployer) -> None:
        """End an order for which nothing can be done any more.

        :raises StateError: it is such a one; or PolicyError, where time has brought that.
        """
        if deployer.is_deployed:
            return
        try:
            deployer.refuse_impossible()
        except (PolicyError, StateError) as exc:
            if impossible.is_end(deployer, exc):
                deployer.end_by(exc).run()
            raise

    def _renew(self, item: Item) -> Moved:
        ports, now = self._ports, self._ports.clock.now()
        with ports.store.read() as unit:
            certificate = unit.certificates.get(item.certificate_id)
            group = policy.group_of(unit, certificate.group if certificate else "")
            hint = hint_of(certificate) if certificate else None
            found = renewal.due(certificate, group, now, hint=hint) if certificate else None
            if certificate is None or found is None:
                raise ConflictError(f"Cannot renew {item.certificate_id}: it is not due any more")
            parent = successors.enrolled(unit, certificate, found.action, now)
        request = successors.of_itself(ports, certificate, parent, group, found)
        mover = successors.checked(request, group, ports, wait_s=0.0)
        mover.warnings = policy.warning_lists(group, request.wish["warnings"])
        return self.begun(mover)

    def begun(self, mover: Mover) -> Moved:
        """Record a new successor and move it as far as it goes now."""
        request, audited = mover.request, self._ports.store.audited
        sentence = f"Record request {request.request_id} to {request.action} {request.certificate_id}"
        moves = mover.steps() if request.state == "implementing" else []
        done = _run([Step(sentence, mover.record), *moves])
        return self._moved(mover.request, "", audited, done)

    def _push(self, item: Item) -> Moved:
        ports, certificate_id = self._ports, item.certificate_id
        name = item.key.removeprefix(f"{certificate_id}/")
        now = ports.clock.now()
        with ports.store.read() as unit:
            certificate = unit.certificates.get(certificate_id)
            connector = unit.connectors.get(certificate_id, name)
            network = due.automatic_push(unit, connector, certificate) if certificate and connector else ""
            if certificate is None or connector is None or not network:
                raise ConflictError(f"Cannot push {certificate_id}: it is not due any more")
            refuse_untrusted(certificate)
            pushed = orders.pushed_for(unit, certificate, unit.requests.get(certificate.request_id))
            group = policy.group_of(unit, certificate.group)
            last = orders.last_edges(unit, certificate_id, name, network)
        lists = policy.warning_lists(group, pushed.request.wish["warnings"], connector)
        wanted = orders.Wanted(network, lists, last, comment="renewed")
        new = orders.new(ports, group, wanted, certificate, connector, pushed, is_automatic=True)
        deployer = orders.driver(ports, new, pushed, certificate, connector, wait_s=0.0)
        # Before CPS is asked for anything: a freeze may hold for days.
        orders.gate_of(deployer).check_freeze()
        edges.refuse_unknown(new, states.PASSES[network])
        impossible.refuse_unusable(pushed, certificate, now)
        audited = ports.store.audited
        deployer.observe()
        deployer.see_settings()
        if not deployer.is_deployed:
            deployer.refuse_impossible()
        deployer.keeper.record = orders.submitted(deployer.order, wanted.comment, now)
        sentence = f"Record work order {new.work_order_id} for {certificate_id}"
        done = _run([Step(sentence, deployer.keeper.record_new), *deployer.steps()])
        return self._moved(deployer.order, "", audited, done)

    def _moved(self, record: CertRequest | WorkOrder, before: str, audited: int, done: Sequence[str]) -> Moved:
        is_request = isinstance(record, CertRequest)
        message = record.message
        if not message and record.state in states.BEFORE_IMPLEMENTING:
            message = gate.waits_for(record, self._ports.clock.now())
        return Moved(
            noun="request_id" if is_request else "work_order_id",
            key=record.request_id if isinstance(record, CertRequest) else record.work_order_id,
            before=before,
            state=record.state,
            reason=record.reason,
            message=message,
            next_look_at=record.next_look_at,
            has_moved=self._ports.store.audited > audited,
            steps=tuple(done),
            stage=stages.stage(record),
        )


def _run(steps: Sequence[Step]) -> list[str]:
    """Run steps until one has to wait; gives the sentences of those that were done."""
    done = []
    for step in steps:
        if not step.run():
            break
        done.append(step.sentence)
    return done
