# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The record of one work order: stored, moved by the table, audited, held by a lease. Knows no target."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from .._core.errors import ConflictError
from .._core.types import WorkOrder
from .._store.base import Unit
from . import intents, removals, states
from .keeper import NOTHING_MORE, WORK_ORDER, Keeper, Told
from .managed import managed_device
from .ports import Ports
from .pushed import is_of_settings

# A little over the longest wait of one call; renewed before each pause.
LEASE_S = 420.0
# What a move changes; an order that differs in one of these was moved by somebody else.
_MOVED = ("state", "notices", "approvals", "scheduled_at", "warnings")


class WorkOrderKeeper(Keeper[WorkOrder]):
    """Keeps one work order.

    :ivar order: as stored last.
    """

    def __init__(self, ports: Ports, order: WorkOrder) -> None:
        super().__init__(ports, WORK_ORDER, order)

    @property
    def order(self) -> WorkOrder:
        """Give the order as stored last."""
        return self.record

    @property
    def upload_key(self) -> tuple[str, str, str]:
        """Name the intents of its uploads."""
        return intents.UPLOAD_CERTIFICATE, "work_order", self.order.work_order_id

    @property
    def acknowledge_key(self) -> tuple[str, str, str]:
        """Name the intents of its acknowledgements."""
        return intents.ACKNOWLEDGE_WARNINGS, "work_order", self.order.work_order_id

    @property
    def production_key(self) -> tuple[str, str, str]:
        """Name the intents of its going on to production."""
        return intents.GO_TO_PRODUCTION, "work_order", self.order.work_order_id

    @property
    def cancel_key(self) -> tuple[str, str, str]:
        """Name the intents of cancelling its change."""
        return intents.CANCEL_CHANGE, "work_order", self.order.work_order_id

    @property
    def remove_key(self) -> tuple[str, str, str]:
        """Name the intents of removing its enrollment."""
        return intents.REMOVE_ENROLLMENT, "work_order", self.order.work_order_id

    @property
    def settings_key(self) -> tuple[str, str, str]:
        """Name the intents of changing network settings."""
        return intents.CHANGE_SETTINGS, "work_order", self.order.work_order_id

    @property
    def _keys(self) -> tuple[tuple[str, str, str], ...]:
        return (
            self.upload_key,
            self.acknowledge_key,
            self.production_key,
            self.cancel_key,
            self.remove_key,
            self.settings_key,
        )

    @property
    def lease_name(self) -> str:
        """Name what is held while the order is worked on: one enrollment takes one change at a time."""
        return f"enrollment:{self.order.device}:{self.order.change.get('enrollment_id')}"

    def record_new(self) -> bool:
        """Store the new work order; another one for the same push, or still open, refuses it.

        :raises ConflictError: there is such a one.
        """
        order = self.order
        with self.ports.store.write() as unit:
            managed_device(unit, order.device)
            if order.action != removals.REMOVE:
                self._end_overtaken(unit)
            self.refuse_rivals(unit)
            self.add(unit, "work_order_submitted")
        return True

    def _end_overtaken(self, unit: Unit) -> None:
        """End orders that were not begun and would push what another certificate has followed since."""
        order = self.order
        wanted = {"certificate_id": order.certificate_id, "state": states.BEFORE_IMPLEMENTING}
        for other in unit.work_orders.find(**wanted):
            # Settings are of the enrollment, whichever certificate it has.
            is_of_certificate = not any(is_of_settings(o) or o.action == removals.REMOVE for o in (order, other))
            if is_of_certificate and other.fingerprints != order.fingerprints:
                message = f"another certificate was issued since; work order {order.work_order_id} pushes that one"
                WorkOrderKeeper(self.ports, other).save_in(
                    unit, "work_order_overtaken", state="cancelled", reason="overtaken", message=message
                )

    def refuse_rivals(self, unit: Unit) -> None:
        """Refuse an order beside another one that is open, or did the same; a removal beside whatever is open.

        :raises ConflictError: there is such a one.
        :raises StateError: it removes, or is to be removed, beside something that is open.
        """
        order = self.order
        if order.action == removals.REMOVE:
            removals.refuse_open_work(unit, order.certificate_id, order.action, but=order.work_order_id)
            return
        removals.refuse_beside(unit, order.certificate_id, states.VERBS[order.action])
        rivals = [
            other
            for other in unit.work_orders.find(certificate_id=order.certificate_id, network=order.network)
            if other.action == order.action and other.work_order_id != order.work_order_id
            if not states.is_final(other.state) or self._is_same_push(other)
        ]
        if rivals:
            first, verb = rivals[0], states.VERBS[order.action]
            raise ConflictError(
                f"Cannot {verb} {order.certificate_id}: work order {first.work_order_id} is {first.state}; "
                "run again to go on with it",
                details={"work_order_id": rivals[0].work_order_id},
            )

    def _is_same_push(self, other: WorkOrder) -> bool:
        if is_of_settings(self.order):
            # The same settings may have to be set again, where somebody else set others since.
            return False
        return other.state == "completed" and (other.connector, other.fingerprints) == (
            self.order.connector,
            self.order.fingerprints,
        )

    def save_in(self, unit: Unit, action: str, *, comment: str = "", told: Told = NOTHING_MORE, **changes: Any) -> None:
        """Store a change as every keeper does, and settle what is in doubt when it is the order's end."""
        super().save_in(unit, action, comment=comment, told=told, **changes)
        if states.is_final(self.order.state):
            # A side effect whose reply was lost is settled by how the order ended.
            for key in self._keys:
                intents.close_all(unit, *key, {"order": self.order.state}, self.ports.clock.now())

    def reach(self, state: str, action: str, **changes: Any) -> None:
        """Go to a state by way of those between: the target, or a person at it, may be faster than we look."""
        if state == self.order.state:
            return
        for between in ("implementing", "deploying_staging"):
            following = states.WORK_ORDER[self.order.state]
            if state not in following and between in following:
                self.save(action, state=between)
        self.save(action, state=state, **changes)

    def settle(self, key: tuple[str, str, str], action: str) -> None:
        """Put on record what was seen to be done, where an earlier run left its intent open.

        :param key: of the intent.
        """
        with self.ports.store.read() as unit:
            left = intents.left_open(unit, *key)
        if left is None:
            return
        kept: dict[str, Any] = {"reason": self.order.reason, "message": self.order.message}
        if "notices" in left.wanted:
            kept["notices"] = tuple(left.wanted["notices"])
        with self.ports.store.write() as unit:
            intents.close_all(unit, *key, {"seen": True}, self.ports.clock.now())
            self.save_in(unit, action, comment=intents.LATE, **kept)

    @contextmanager
    def lease(self) -> Iterator[None]:
        """Hold the enrollment for the time of one step.

        :raises ConflictError: another run holds it, or moved the work order since this one planned.
        :raises PolicyError: the device is not managed any more.
        """
        planned = self.order
        with self.ports.store.lease(self.lease_name, LEASE_S):
            with self.ports.store.read() as unit:
                current = unit.work_orders.get(planned.work_order_id)
                managed_device(unit, planned.device)
            if current is None or any(getattr(current, name) != getattr(planned, name) for name in _MOVED):
                raise ConflictError(
                    f"Cannot go on with work order {planned.work_order_id} for {planned.certificate_id}: another run "
                    "moved it meanwhile; run again to go on from there",
                    details={"work_order_id": planned.work_order_id},
                )
            self.record = current
            yield

    def hold(self, seconds: float) -> None:
        """Hold the lease for so much longer, before something that takes as long.

        :raises ConflictError: it expired and another run took it over.
        """
        self.ports.store.renew(self.lease_name, seconds + LEASE_S)

    def still_ours(self) -> None:
        """Before a write after a wait: hold the lease on, and look whether the device may still be acted on.

        :raises ConflictError: another run took the lease over.
        :raises PolicyError: the device is not managed any more (D5).
        """
        self.ports.store.renew(self.lease_name, LEASE_S)
        with self.ports.store.read() as unit:
            managed_device(unit, self.order.device)
