# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Keeps one request or work order: every move by its table, with its step on record and its audit line.

Knows neither CA nor target; which moves make sense is decided elsewhere.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any, Generic, TypeVar

from .._core.clock import to_text
from .._core.types import AuditEntry, CertRequest, WorkOrder
from .._store.base import Repository, Unit
from . import states
from .ports import Ports
from .work_views import work_order_brief

R = TypeVar("R", CertRequest, WorkOrder)
Told = tuple[Mapping[str, Any], Mapping[str, Any]]
NOTHING_MORE: Told = ({}, {})
FREEZE_OVERRIDDEN = "freeze_overridden"
"""Step of a record whose implementation a person began, or submitted, although its group is frozen."""


@dataclass(frozen=True)
class Kind(Generic[R]):
    """What tells requests and work orders apart.

    :ivar noun: in the audit and in intents; ``title`` in messages.
    :ivar brief: what an audit line shows of a record.
    """

    noun: str
    title: str
    machine: states.Machine
    actions: states.Machine
    repository: Callable[[Unit], Repository[R]]
    id_of: Callable[[R], str]
    brief: Callable[[R], dict[str, Any]]


def _request_brief(request: CertRequest) -> dict[str, Any]:
    return {
        "state": request.state,
        "reason": request.reason,
        "certificate": request.certificate_id,
        "action": request.action,
        "ca": request.ca,
        "group": request.group,
        "fingerprints": dict(request.fingerprints),
        **_governance(request),
    }


def _order_brief(order: WorkOrder) -> dict[str, Any]:
    return {**work_order_brief(order), **_governance(order)}


def _governance(record: CertRequest | WorkOrder) -> dict[str, Any]:
    return {
        "approvals": [dict(entry) for entry in record.approvals],
        "scheduled_at": to_text(record.scheduled_at) if record.scheduled_at else None,
        "freeze_overridden": next(
            (step["comment"] for step in reversed(record.conditions) if step["type"] == FREEZE_OVERRIDDEN), ""
        ),
    }


REQUEST: Kind[CertRequest] = Kind(
    "request",
    "Request",
    states.REQUEST,
    states.REQUEST_ACTIONS,
    lambda unit: unit.requests,
    lambda record: record.request_id,
    _request_brief,
)
WORK_ORDER: Kind[WorkOrder] = Kind(
    "work_order",
    "Work order",
    states.WORK_ORDER,
    states.WORK_ORDER_ACTIONS,
    lambda unit: unit.work_orders,
    lambda record: record.work_order_id,
    _order_brief,
)


class Keeper(Generic[R]):
    """Keeps one record.

    :ivar record: as stored last.
    """

    def __init__(self, ports: Ports, kind: Kind[R], record: R) -> None:
        self.ports = ports
        self.kind: Kind[R] = kind
        self.record: R = record

    @property
    def record_id(self) -> str:
        """Give the record's id."""
        return self.kind.id_of(self.record)

    def add(self, unit: Unit, action: str) -> None:
        """Store the new record with its audit line."""
        self.record = self.kind.repository(unit).add(self.record)
        self._audit(unit, None, action, self.record.comment)

    def save(self, action: str, *, comment: str = "", told: Told = NOTHING_MORE, **changes: Any) -> None:
        """Store a change with its audit line, in a unit of its own."""
        with self.ports.store.write() as unit:
            self.save_in(unit, action, comment=comment, told=told, **changes)

    def save_in(self, unit: Unit, action: str, *, comment: str = "", told: Told = NOTHING_MORE, **changes: Any) -> None:
        """Store a change with its audit line; a new state has to be allowed by the table.

        :param comment: of the person who acts, kept with the step and in the audit.
        :param told: what the audit line tells of before and after, beside what it always does.
        :raises StateError: the state cannot be reached from the present one.
        """
        before: R = self.record
        now = self.ports.clock.now()
        state = changes.get("state", before.state)
        if state != before.state:
            states.checked(self.kind.machine, self.kind.title, self.record_id, before.state, state)
            said = comment or changes.get("message", "")
            step = {"type": state, "at": to_text(now), "actor": self.ports.actor, "comment": said}
            changes["conditions"] = (*before.conditions, *changes.pop("steps", ()), step)
        elif "steps" in changes:
            changes["conditions"] = (*before.conditions, *changes.pop("steps"))
        changes.setdefault("reason", "")
        changes.setdefault("message", "")
        self.record = self.kind.repository(unit).put(replace(before, updated_at=now, **changes))
        self._audit(unit, before, action, comment, told)

    def park(self, reason: str, message: str, look_again_s: float) -> bool:
        """Keep why it waits and when to look again; no progress, so no audit line."""
        at = self.ports.clock.now() + timedelta(seconds=look_again_s)
        parked = replace(self.record, reason=reason, message=message, next_look_at=at)
        with self.ports.store.write() as unit:
            self.record = self.kind.repository(unit).put(parked)
        return False

    def _audit(self, unit: Unit, before: R | None, action: str, comment: str, told: Told = NOTHING_MORE) -> None:
        unit.audit(
            AuditEntry(
                self.ports.actor,
                action,
                self.kind.noun,
                self.record_id,
                before={**self.kind.brief(before), **told[0]} if before else None,
                after={**self.kind.brief(self.record), **told[1]},
                comment=comment,
                tracking_id=self.record.tracking_id,
            )
        )
