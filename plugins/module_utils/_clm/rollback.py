# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rolls a push back as far as CPS can: its change is cancelled before production has it (U5; cps-protocol §6.5).

What production serves by then stays, and the inventory goes back to it. Once the certificate is on production nothing
puts the earlier one back, for CPS has no key for it any more: that is said beforehand, with what to do instead.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

from .._core.clock import from_text, to_text
from .._core.errors import RemoteError, StateError
from .._core.plan import Step
from .._core.types import AuditEntry, WorkOrder
from .._store.base import Unit
from . import completion, dual_stack, intents, lineage, opened_changes, push_stages, snapshots, states
from .deployment import Deployer
from .patience import LAG_S
from .work_orders import WorkOrderKeeper

MOST_TRIES = 4
"""So often a cancellation that CPS refuses is tried, before a person has to look."""


CANCELLED = "cancelled"
"""Member of what came of a cancellation: CPS did it."""


class Rollback(Deployer):
    """Drives one work order that takes a push back.

    :cvar told_as: name of the audit line of its end.
    """

    told_as = "push_rolled_back"

    @property
    def is_deployed(self) -> bool:
        """Say whether the stored order has reached what it is for: the change is over, and production was spared."""
        return bool(self.order.version) and self._is_back

    @property
    def _is_back(self) -> bool:
        return self.state.phase == "none" and not self._is_live

    @property
    def _is_live(self) -> bool:
        """Say whether production has what is to be taken back."""
        return self._serves(self.state.production)

    def refuse_impossible(self) -> None:
        """Refuse what CPS cannot do any more.

        :raises StateError: the certificate is on production or on its way there, or no change of ours is open.
        """
        what, phase = f"Cannot roll {self.certificate.certificate_id} back", self.state.phase
        if self._is_live:
            back, snapshot_id = self._way_back()
            with self.ports.store.read() as unit:
                # Not what is asked for, but what keeps CPS from going anywhere else.
                first = opened_changes.advice(unit, self.certificate.certificate_id)
            raise StateError(
                f"{what}: production serves it, and CPS has no key for the one before it any more. Roll forward: run "
                f"edgecert.clm.cert_enroll with certificate: {self.certificate.certificate_id}, action: regenerate and "
                f"{back}, which orders a certificate for a new key, then edgecert.clm.cert_push with network: "
                f"production; or roll back with roll_forward: true, which does both.{self._before()}"
                f"{' Before that' + first.replace(';', ':', 1) if first else ''}",
                code="rollback_impossible",
                details={"from_snapshot": snapshot_id},
            )
        if phase == "deploying_production" or (phase == "busy" and completion.is_going_on(self)):
            raise StateError(
                f"{what}: CPS is putting it on production ({self.state.status}); wait until it is there, then roll "
                "forward with edgecert.clm.cert_enroll and action: regenerate",
                code="rollback_too_late",
            )
        if phase in ("none", "cancelled"):
            raise StateError(
                f"{what}: its change {self.pushed.reference.get('change_id')} is over and production does not serve "
                "it; there is nothing to take back",
                code="nothing_to_roll_back",
            )

    def _way_back(self) -> tuple[str, str | None]:
        """Give the option that rolls forward, and the snapshot it goes back to, if there is one."""
        present = replace(self.certificate, production=completion.served(self.state.production))
        with self.ports.store.read() as unit:
            found = snapshots.previous(unit, present)
        return (f"from_snapshot: {found.snapshot_id}", found.snapshot_id) if found else ("force: true", None)

    def _before(self) -> str:
        with self.ports.store.read() as unit:
            parent = unit.certificates.get(self.certificate.parent) if self.certificate.parent else None
        return f" Before it there was {parent.fingerprint} for {', '.join(parent.sans)}" if parent else ""

    @property
    def purpose(self) -> str:
        """Say what the order is there for, after "Record work order wo-1"."""
        change = self.pushed.reference.get("change_id")
        return f"to roll {self.certificate.certificate_id} back by cancelling change {change}"

    @property
    def is_possible(self) -> bool:
        """Say whether the order can still lead to where it is to go; what speaks against that is refused beforehand."""
        return True

    def can_move(self) -> bool:
        """Say whether something can be done now: there is nothing to wait for."""
        return True

    def steps(self) -> list[Step]:
        """Give the one step there is."""
        ids = self.pushed.reference
        text = f"Cancel change {ids.get('change_id')} of enrollment {ids.get('enrollment_id')} at CPS"
        return [Step(f"{text}, and go back to what production serves", self._roll_back)]

    def _roll_back(self) -> bool:
        with self.keeper.lease():
            self.observe()
            while not self._is_back and not self._is_cancelled_lately():
                refused = self._cancel()
                self.observe()
                if refused and not self._is_back and not self._try_again(refused):
                    return False
            while not self._is_back:
                if self._is_live:
                    self.fail("rollback_impossible", "production has it by now")
                if not self.pause():
                    return self.keeper.park("busy", f"CPS is at work: {self.state.status}", self.look_again_s)
                self.observe()
            return self._complete()

    def _complete(self) -> bool:
        """Put on record that it is back."""
        evidence = {
            "kind": "api",
            "network": "production",
            "where": f"change {self.pushed.reference.get('change_id')} is over",
            "fingerprint": completion.primary(self.state.production),
            "at": to_text(self.ports.clock.now()),
        }
        with self.ports.store.write() as unit:
            ended: dict[str, Any] = {"evidence": (evidence,), "next_look_at": None, "message": self._left()}
            self.keeper.save_in(unit, self.told_as, state="completed", **ended)
            self._end_pushes(unit)
            self._go_back(unit)
            push_stages.owe(self, unit)
        push_stages.after(self)
        return True

    def _left(self) -> str:
        """Say what is left to do once it is back; empty for nothing."""
        return ""

    def _cancel(self) -> str:
        """Cancel the change that was approved to be cancelled, and no other one.

        :returns: why CPS did not do it (409); empty when it did. Where it stands then is looked at.
        """
        self.refuse_impossible()
        self.check_approved()
        if not any(entry["stage"] == "pre" and not entry["failed"] for entry in self.order.scripts):
            push_stages.before(self)
        snapshots.before_write(self, snapshots.CANCEL)
        self.keeper.still_ours()
        key, store, clock = self.keeper.cancel_key, self.ports.store, self.ports.clock
        intents.begin(store, *key, dict(self.pushed.reference), clock.now())
        result = {CANCELLED: True}
        try:
            self.target.cancel(self.pushed.reference)
        except RemoteError as exc:
            if exc.status == 409:
                with store.write() as unit:
                    intents.close_all(unit, *key, {intents.REFUSED: exc.message}, clock.now())
                return exc.message
            if exc.status != 404:
                raise
            # It is over, which it is as well once production has what it brought.
            result = {"gone": True}
        with store.write() as unit:
            intents.close_all(unit, *key, result, clock.now())
        return ""

    def _try_again(self, refused: str) -> bool:
        """Wait before a cancellation that CPS refused is tried again; False, and on record, where that is later.

        :raises StateError: it is too late, or CPS refused it too often; the order can be retried then.
        :source: cps-protocol §5.2: the state may be another one a moment later.
        """
        self.refuse_impossible()
        tries = self._refusals()
        if tries >= MOST_TRIES:
            way = "wait until CPS is done with what it does, or see in Akamai Control Center what lies on top of it"
            message = f"{refused}. It was refused {tries} times; {way}, then retry this work order"
            self.fail("cancel_refused", message)
        if self.pause():
            self.observe()
            return True
        message = f"CPS did not cancel it ({refused}), and is asked again; tried {tries} of {MOST_TRIES} times"
        return self.keeper.park("cancel_refused", message, self.look_again_s)

    def _refusals(self) -> int:
        """Count how often CPS refused it since the order was implemented last."""
        begun = [from_text(step["at"]) for step in self.order.conditions if step["type"] == "implementing"]
        since = begun[-1] if begun else self.order.created_at or self.ports.clock.now()
        with self.ports.store.read() as unit:
            found = intents.lately(unit, *self.keeper.cancel_key, since)
        return sum(intents.REFUSED in one.result for one in found)

    def _is_cancelled_lately(self) -> bool:
        """Say whether it was cancelled so lately that CPS may still show it open."""
        with self.ports.store.read() as unit:
            since = self.ports.clock.now() - timedelta(seconds=LAG_S)
            found = intents.lately(unit, *self.keeper.cancel_key, since)
        return any(intents.REFUSED not in intent.result for intent in found)

    def _end_pushes(self, unit: Unit) -> None:
        """End the work orders that would have taken the same change further."""
        change = self.pushed.reference.get("change_id")
        for other in unit.work_orders.find(certificate_id=self.order.certificate_id):
            if other.work_order_id != self.order.work_order_id and self._is_open_on(other, change):
                end = "failed" if other.state == "deploying_production" else "cancelled"
                message = f"work order {self.order.work_order_id} rolled it back"
                WorkOrderKeeper(self.ports, other).save_in(
                    unit, "work_order_rolled_back", state=end, reason="rolled_back", message=message
                )

    @staticmethod
    def _is_open_on(order: WorkOrder, change: object) -> bool:
        return order.change.get("change_id") == change and not states.is_final(order.state)

    def _go_back(self, unit: Unit) -> None:
        """Let the inventory tell of what production serves again; without anything there the enrollment is gone."""
        certificate, now = unit.certificates.get(self.certificate.certificate_id), self.ports.clock.now()
        if certificate is None or certificate.request_id != self.pushed.request.request_id:
            return
        staging, production = completion.shown(self, certificate)
        if dual_stack.is_addition(self.pushed.request):
            back = replace(certificate, request_id=str(self.pushed.request.renews["request_id"]))
        elif certificate.parent:
            back = lineage.go_back(unit, certificate, now)
        else:
            back = replace(certificate, state=certificate.state if production else "vanished")
        after = {"fingerprint": back.fingerprint, "state": back.state, "work_order_id": self.order.work_order_id}
        unit.certificates.put(replace(back, staging=staging, production=production, pending_changes=(), updated_at=now))
        before = {"fingerprint": certificate.fingerprint, "state": certificate.state}
        key, tracking_id = certificate.certificate_id, self.order.tracking_id
        entry = AuditEntry(self.ports.actor, "certificate_rolled_back", "certificate", key, before, after)
        unit.audit(replace(entry, tracking_id=tracking_id))
