# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The record of one work order: stored, moved by the table, audited, held by a lease. Knows no target."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from typing import Any

from .._core.clock import to_text
from .._core.errors import ConflictError
from .._core.types import AuditEntry, WorkOrder
from .._store.base import Unit
from . import intents, states
from .managed import managed_device
from .ports import Ports
from .views import work_order_brief

# A little over the longest wait of one call; renewed before each pause.
LEASE_S = 420.0


class WorkOrderKeeper:
    """Keeps one work order.

    :ivar order: as stored last.
    """

    def __init__(self, ports: Ports, order: WorkOrder) -> None:
        self._ports, self.order = ports, order

    @property
    def upload_key(self) -> tuple[str, str, str]:
        """Name the intents of its uploads."""
        return intents.UPLOAD_CERTIFICATE, "work_order", self.order.work_order_id

    @property
    def acknowledge_key(self) -> tuple[str, str, str]:
        """Name the intents of its acknowledgements."""
        return intents.ACKNOWLEDGE_WARNINGS, "work_order", self.order.work_order_id

    @property
    def _lease_name(self) -> str:
        return f"enrollment:{self.order.device}:{self.order.change.get('enrollment_id')}"

    def record(self) -> bool:
        """Store the new work order; another one for the same push, or still open, refuses it.

        :raises ConflictError: there is such a one.
        """
        order = self.order
        with self._ports.store.write() as unit:
            managed_device(unit, order.device)
            rivals = [
                other
                for other in unit.work_orders.find(certificate_id=order.certificate_id, network=order.network)
                if not states.is_final(states.WORK_ORDER, other.state) or self._is_same_push(other)
            ]
            if rivals:
                raise ConflictError(
                    f"Cannot push {order.certificate_id}: work order {rivals[0].work_order_id} is {rivals[0].state}; "
                    "run again to go on with it",
                    details={"work_order_id": rivals[0].work_order_id},
                )
            self.order = unit.work_orders.add(order)
            self._audit(unit, None, "work_order_submitted")
        return True

    def _is_same_push(self, other: WorkOrder) -> bool:
        return other.state == "completed" and (other.connector, other.fingerprints) == (
            self.order.connector,
            self.order.fingerprints,
        )

    def save(self, action: str, **changes: Any) -> None:
        """Store a change with its audit line, in a unit of its own."""
        with self._ports.store.write() as unit:
            self.save_in(unit, action, **changes)

    def save_in(self, unit: Unit, action: str, **changes: Any) -> None:
        """Store a change with its audit line; a new state has to be allowed by the table.

        :raises StateError: it is not.
        """
        before, now = self.order, self._ports.clock.now()
        state = changes.get("state", before.state)
        if state != before.state:
            states.checked(states.WORK_ORDER, "Work order", before.work_order_id, before.state, state)
            comment = changes.get("message", "")
            condition = {"type": state, "at": to_text(now), "actor": self._ports.actor, "comment": comment}
            changes["conditions"] = (*before.conditions, condition)
        changes.setdefault("reason", "")
        changes.setdefault("message", "")
        self.order = unit.work_orders.put(replace(before, updated_at=now, **changes))
        if states.is_final(states.WORK_ORDER, state):
            # A side effect whose reply was lost is settled by how the order ended.
            for key in (self.upload_key, self.acknowledge_key):
                intents.close_all(unit, *key, {"order": state}, now)
        self._audit(unit, before, action)

    def _audit(self, unit: Unit, before: WorkOrder | None, action: str) -> None:
        after = self.order
        unit.audit(
            AuditEntry(
                self._ports.actor,
                action,
                "work_order",
                after.work_order_id,
                before=work_order_brief(before) if before else None,
                after=work_order_brief(after),
                comment=after.comment if before is None else "",
                tracking_id=after.tracking_id,
            )
        )

    def reach(self, state: str, action: str, **changes: Any) -> None:
        """Go to a state by way of those between: the target, or a person at it, may be faster than we look."""
        if state == self.order.state:
            return
        for between in ("implementing", "deploying_staging"):
            following = states.WORK_ORDER[self.order.state]
            if state not in following and between in following:
                self.save(action, state=between)
        self.save(action, state=state, **changes)

    def park(self, reason: str, message: str, look_again_s: float) -> bool:
        """Keep why the order waits and when to look again; no progress, so no audit line."""
        at = self._ports.clock.now() + timedelta(seconds=look_again_s)
        parked = replace(self.order, reason=reason, message=message, next_look_at=at)
        with self._ports.store.write() as unit:
            self.order = unit.work_orders.put(parked)
        return False

    @contextmanager
    def lease(self) -> Iterator[None]:
        """Hold the enrollment for the time of one step.

        :raises ConflictError: another run holds it, or moved the work order since this one planned.
        :raises PolicyError: the device is not managed any more.
        """
        planned = self.order
        with self._ports.store.lease(self._lease_name, LEASE_S):
            with self._ports.store.read() as unit:
                current = unit.work_orders.get(planned.work_order_id)
                managed_device(unit, planned.device)
            if current is None or (current.state, current.notices) != (planned.state, planned.notices):
                raise ConflictError(
                    f"Cannot go on with work order {planned.work_order_id} for {planned.certificate_id}: another run "
                    "moved it meanwhile; run again to go on from there",
                    details={"work_order_id": planned.work_order_id},
                )
            self.order = current
            yield

    def still_ours(self) -> None:
        """Before a write after a wait: hold the lease on, and look whether the device may still be acted on.

        :raises ConflictError: another run took the lease over.
        :raises PolicyError: the device is not managed any more (D5).
        """
        self._ports.store.renew(self._lease_name, LEASE_S)
        with self._ports.store.read() as unit:
            managed_device(unit, self.order.device)
