# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One call does all that is due: schedules, retrievals, renewals, automatic pushes (W4).

Safe beside others who act: every record is held by its lease while it is moved, and what somebody else is at waits.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from .._core.clock import to_text
from .._core.errors import ClmError, ConflictError, InputError, StateError
from .._core.plan import Outcome, Plan, Step
from . import due, hints, moments
from .due import Item
from .ports import Params, Ports
from .work import Moved, Work

# What passes by itself or waits for a person: told as waiting, not as failed.
_WAITING = frozenset(
    ["frozen", "approval_expired", "approval_void", "change_pending", "lease_held", "conflict", "in_doubt"]
)


@dataclass
class _Report:
    """What a call did."""

    done: list[dict[str, Any]] = field(default_factory=list)
    waiting: dict[tuple[str, str], dict[str, Any]] = field(default_factory=dict)
    failed: list[dict[str, Any]] = field(default_factory=list)
    steps: list[str] = field(default_factory=list)
    next_at: datetime | None = None

    def result(self, calls: int) -> dict[str, Any]:
        """Give the module's result."""
        return {
            "done": self.done,
            "waiting": list(self.waiting.values()),
            "failed": self.failed,
            "next_due_at": to_text(self.next_at) if self.next_at else None,
            "calls": calls,
            "steps": self.steps,
        }


def plan(params: Params, ports: Ports) -> Plan:
    """Work out what ``cert_lifecycle`` would do; in check mode what is due now, from the store alone.

    :raises InputError: an option cannot be used.
    """
    runner = Runner(params, ports)
    with ports.store.read() as unit:
        agenda = due.collect(unit, ports.clock.now(), runner.only)
    report = _Report(next_at=agenda.next_at)

    def run() -> bool:
        runner.run(report)
        return True

    def finish() -> Outcome:
        is_failed = bool(report.failed) and params.get("fail") is not False
        failure = _failure(report.failed) if is_failed else None
        return Outcome(None, report.result(ports.calls()), tuple(report.steps), failure)

    if not ports.check_mode:
        # Always run: a look at what waits is no change, and may lead to one.
        return Plan(None, None, (Step("Do what is due", run),), finish)
    predicted = {
        "done": [_told(item) for item in agenda.items],
        "waiting": [],
        "failed": agenda.stuck,
        "next_due_at": to_text(agenda.next_at) if agenda.next_at else None,
        "calls": 0,
    }
    steps = tuple(Step(f"{item.kind}: {item.key} ({item.why})", run) for item in agenda.items)
    return Plan(None, None, steps, finish, extra={**predicted, "steps": [step.sentence for step in steps]})


def _failure(failed: Sequence[Mapping[str, Any]]) -> StateError:
    """Give the failure of a call in which something went wrong."""
    told = "; ".join(f"{entry.get('certificate', entry['kind'])}: {entry['message']}" for entry in failed[:3])
    more = f"; and {len(failed) - 3} more" if len(failed) > 3 else ""
    return StateError(
        f"{len(failed)} pieces of due work failed: {told}{more}; the result's failed names them all",
        code="work_failed",
        details={"failed": len(failed), "reasons": sorted({str(entry["reason"]) for entry in failed})},
    )


def _told(item: Item) -> dict[str, Any]:
    return {"kind": item.kind, item.noun: item.key, "certificate": item.certificate_id, "message": item.why}


class Runner:
    """Does what is due, within its limits.

    :ivar only: kinds of work.
    :ivar limit: pieces of work at most; None for all.
    :ivar budget: API calls after which nothing new is begun; None for no such limit.
    :ivar until: goes on until then, sleeping in between; None for what is due now.
    """

    def __init__(self, params: Params, ports: Ports) -> None:
        self.ports = ports
        self.only = tuple(params.get("only") or due.KINDS)
        self.limit, self.budget = params.get("limit"), params.get("budget")
        for name, value in (("limit", self.limit), ("budget", self.budget)):
            if value is not None and value < 1:
                raise InputError(f"Cannot run what is due: {name} is {value}; give a number from 1, or leave it out")
        self.until = moments.read(params.get("until"), "Cannot run what is due", "until", ports.clock.now())
        self._work = Work(ports)
        self._handled: set[tuple[str, str, str]] = set()
        self._count = 0

    def run(self, report: _Report) -> None:
        """Do it, round after round, until nothing is due or a limit is reached."""
        while True:
            self._round(report)
            clock, at = self.ports.clock, report.next_at
            if self.until is None or at is None or at > self.until or self._is_spent():
                return
            clock.sleep(max(0.0, (at - clock.now()).total_seconds()))
            self._handled.clear()

    def _round(self, report: _Report) -> None:
        """Do what is due now, and what becomes due by it."""
        report.failed = [entry for entry in report.failed if entry.get("reason") != "renewal_stopped"]
        if due.RENEWALS in self.only:
            for problem in hints.ask(self.ports, self.ports.clock.now()):
                report.failed.append({"kind": due.RENEWALS, "reason": "hint_failed", "message": problem})
        if due.LEASES in self.only:
            self._leases(report)
        while True:
            with self.ports.store.read() as unit:
                agenda = due.collect(unit, self.ports.clock.now(), self.only)
            report.next_at = agenda.next_at
            items = [item for item in agenda.items if item.identity not in self._handled]
            if not items or self._is_spent():
                break
            for item in items:
                self._handled.add(item.identity)
                if not self._postponed(item, report):
                    self._one(item, report)
        report.failed += agenda.stuck
        if items:
            report.next_at = self.ports.clock.now()

    def _is_spent(self) -> bool:
        return (self.limit is not None and self._count >= self.limit) or (
            self.budget is not None and self.ports.calls() >= self.budget
        )

    def _postponed(self, item: Item, report: _Report) -> bool:
        """Say whether a limit keeps an item for another call, and tell it."""
        if not self._is_spent():
            self._count += 1
            return False
        is_budget = self.budget is not None and self.ports.calls() >= self.budget
        reason = "budget" if is_budget else "limit"
        entry = {**_told(item), "reason": reason, "message": f"{item.why}; left for the next call by {reason}"}
        report.waiting[(item.noun, item.key)] = entry
        report.next_at = self.ports.clock.now()
        return True

    def _leases(self, report: _Report) -> None:
        """Drop leases whose holder is gone; what they were held for is taken up by what is due of it."""
        dropped = self.ports.store.drop_expired_leases()
        report.done += [
            {"kind": due.LEASES, "lease": name, "message": f"the lease of {holder} had expired"}
            for name, holder in dropped
        ]

    def _one(self, item: Item, report: _Report) -> None:
        """Do one piece of work; what goes wrong with it stops no other."""
        entry = _told(item)
        try:
            moved = self._work.do(item)
        except ClmError as exc:
            told = {**entry, "reason": exc.code, "message": exc.message}
            if exc.code in _WAITING or isinstance(exc, ConflictError) or exc.retryable:
                report.waiting[(item.noun, item.key)] = told
                report.next_at = self._sooner(report, exc)
            else:
                report.failed.append({**told, "failure": exc.failure()})
            return
        report.steps += moved.steps
        self._tell(item, moved, report)

    def _sooner(self, report: _Report, exc: ClmError) -> datetime | None:
        """Give when what could not be done should be tried again."""
        until: Mapping[str, Any] = exc.details
        again = self.ports.clock.now() + timedelta(seconds=float(until.get("retry_after_s") or 60))
        return min(report.next_at or again, again)

    def _tell(self, item: Item, moved: Moved, report: _Report) -> None:
        key = (moved.noun, moved.key)
        entry = {
            "kind": item.kind,
            moved.noun: moved.key,
            "certificate": item.certificate_id,
            "state": moved.state,
            "message": moved.message,
        }
        if moved.has_moved:
            report.done.append({**entry, "from": moved.before})
        if moved.is_open:
            next_look = to_text(moved.next_look_at) if moved.next_look_at else None
            report.waiting[key] = {**entry, "reason": moved.reason, "next_look_at": next_look}
        else:
            report.waiting.pop(key, None)
