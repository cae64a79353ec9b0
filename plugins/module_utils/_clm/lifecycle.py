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

from .._core.clock import from_text, to_text
from .._core.errors import ClmError, ConflictError, InputError, StateError, unexpected
from .._core.plan import Outcome, Plan, Step
from . import due, hints, moments
from .due import Item
from .ports import Params, Ports
from .revocation_checks import Checks
from .surveys import Surveys
from .work import Moved, Work

DUE = "due"
"""Action that does what is due; the others are of ``replacing``."""
# What passes by itself or waits for a person: told as waiting, not as failed. What else passes says so itself.
_WAITING = frozenset(["frozen", "approval_expired", "approval_void", "change_pending", "in_doubt"])
# Of these somebody has to see to it; the others pass with time.
_FOR_A_PERSON = frozenset(["approval_expired", "approval_void", "in_doubt"])
# Another run is at it.
_OTHERS = frozenset(["lease_held", "conflict"])
# When what could not be done is looked at again, where nobody names a time: what passes by itself soon, what failed
# late, since a person has to mend it first.
_SOON = timedelta(minutes=1)
_LATE = timedelta(hours=1)
# Options that say nothing about a replacement.
_OF_DUE = ("certificate", "wait_timeout")
# How the records are called in the result.
_NAMED = {"request": "request_id", "work_order": "work_order_id"}


@dataclass
class Report:
    """What a call did.

    :ivar next_at: when the next work is due, UTC; ``next_check_at`` when CAs are asked again what they have revoked,
        which alone keeps no call waiting.
    :ivar checked: certificates that CAs were asked about.
    """

    done: list[dict[str, Any]] = field(default_factory=list)
    waiting: dict[tuple[str, str], dict[str, Any]] = field(default_factory=dict)
    failed: dict[tuple[str, str], dict[str, Any]] = field(default_factory=dict)
    steps: list[str] = field(default_factory=list)
    next_at: datetime | None = None
    next_check_at: datetime | None = None
    checked: int = 0
    is_over: bool = True

    def result(self, calls: int) -> dict[str, Any]:
        """Give what every action of the module returns."""
        next_at = min((at for at in (self.next_at, self.next_check_at) if at is not None), default=None)
        return {
            "done": self.done,
            "waiting": list(self.waiting.values()),
            "failures": list(self.failed.values()),
            "next_due_at": to_text(next_at) if next_at else None,
            "calls": calls,
            "steps": self.steps,
        }

    def times(self, now: datetime, until: datetime | None) -> dict[str, Any]:
        """Give what a call that may wait returns beside it."""
        ends = to_text(until) if until else None
        return {"at": to_text(now), "until": ends, "is_over": self.is_over, "revocation_checks": self.checked}


def plan(params: Params, ports: Ports) -> Plan:
    """Work out what ``cert_lifecycle`` would do; in check mode what is due now, from the store alone.

    :raises InputError: an option cannot be used.
    """
    if (params.get("action") or DUE) != DUE:
        return _of_replacement(params, ports)
    if params.get("replacement"):
        raise InputError("Cannot run what is due: replacement goes with action: replace, stop and abort alone")
    runner, report = Runner(params, ports), Report()

    def run() -> bool:
        runner.run(report)
        return True

    def finish() -> Outcome:
        is_failed = bool(report.failed) and params.get("fail") is not False
        failure = failure_of(list(report.failed.values())) if is_failed else None
        result = {**report.result(ports.calls()), **report.times(ports.clock.now(), runner.until)}
        return Outcome(None, result, tuple(report.steps), failure)

    if not ports.check_mode:
        # Always run: a look at what waits is no change, and may lead to one.
        return Plan(None, None, (Step("Do what is due", run),), finish)
    with ports.store.read() as unit:
        agenda = due.collect(unit, ports.clock.now(), runner.only, runner.certificates)
    report.done, report.next_at = [_told(item) for item in agenda.items], agenda.next_at
    if due.REVOCATION_CHECKS in runner.only:
        runner.checks.look_ahead()
        report.next_check_at = runner.checks.next_at
    report.failed = {("stuck", entry["certificate"]): entry for entry in agenda.stuck}
    predicted = {**report.result(0), **report.times(ports.clock.now(), runner.until)}
    steps = tuple(Step(f"{item.kind}: {item.key} ({item.why})", run) for item in agenda.items)
    return Plan(None, None, steps, finish, extra={**predicted, "steps": [step.sentence for step in steps]})


def _of_replacement(params: Params, ports: Ports) -> Plan:
    """Plan what is not about what is due, but about a replacement."""
    given = [name for name in _OF_DUE if params.get(name)]
    if given:
        raise InputError(f"Cannot {params['action']}: {given[0]} goes with action: due alone")
    if params.get("round") is not None and params["action"] in ("stop", "abort"):
        raise InputError(f"Cannot {params['action']}: round goes with action: due and replace alone")
    from . import replacing

    return replacing.plan(params, ports)


def _ends(params: Params, now: datetime) -> tuple[datetime | None, datetime | None]:
    """Give until when it is gone on with, and when this call returns all the same; None for each that is not.

    :raises InputError: the options do not go together.
    """
    what, seconds = "Cannot run what is due", params.get("wait_timeout")
    try:
        until = moments.read(params.get("until"), what, "until", now)
    except InputError as exc:
        if exc.code != "time_passed" or params.get("round") is None:
            raise
        # The round before this one took longer than was left: what is due now is done, and nothing is waited for.
        return None, None
    if until is not None and seconds is not None:
        raise InputError(f"{what}: until and wait_timeout both say how long; leave one of them out")
    if seconds is not None:
        until = now + timedelta(seconds=seconds)
    if params.get("round") is None:
        return until, None
    if until is None:
        raise InputError(f"{what}: round goes with until or wait_timeout; without them there is no second one")
    return until, now + timedelta(seconds=params["round"])


def failure_of(failed: Sequence[Mapping[str, Any]]) -> StateError:
    """Give the failure of a call in which something went wrong."""
    told = "; ".join(f"{entry.get('certificate', entry['kind'])}: {entry['message']}" for entry in failed[:3])
    more = f"; and {len(failed) - 3} more" if len(failed) > 3 else ""
    return StateError(
        f"{len(failed)} pieces of due work failed: {told}{more}; the result lists them all under failures",
        code="work_failed",
        details={"failed": len(failed), "reasons": sorted({str(entry["reason"]) for entry in failed})},
    )


def _told(item: Item) -> dict[str, Any]:
    named = {_NAMED.get(item.noun, item.noun): item.key}
    return {"kind": item.kind, **named, "record": item.key, "certificate": item.certificate_id, "message": item.why}


def _put_off(exc: ClmError, again: datetime) -> dict[str, Any]:
    """Tell of what was put off as ``stages.stage`` does of what goes on."""
    at = to_text(again)
    following = f"it is tried again at {at}"
    is_moving = exc.code not in _FOR_A_PERSON and not exc.details.get("actions")
    return {"label": "Put off", "next": following, "is_moving": is_moving, "next_look_at": at}


def _key(item: Item) -> tuple[str, str]:
    return _NAMED.get(item.noun, item.noun), item.key


class Runner:
    """Does what is due, within its limits.

    :ivar only: kinds of work.
    :ivar limit: pieces of work at most; None for all.
    :ivar budget: API calls after which nothing new is begun; None for no such limit.
    :ivar certificates: ids of those that it is about; empty for all.
    :ivar checks: asks CAs what they have revoked.
    :ivar until: goes on until then, sleeping in between; None for what is due now.
    """

    def __init__(self, params: Params, ports: Ports) -> None:
        self.ports = ports
        self.only = tuple(params.get("only") or due.KINDS)
        self.certificates = tuple(params.get("certificate") or ())
        self.limit, self.budget = params.get("limit"), params.get("budget")
        numbers = {name: params.get(name) for name in ("limit", "budget", "wait_timeout", "round")}
        for name, value in numbers.items():
            if value is not None and value < 1:
                raise InputError(f"Cannot run what is due: {name} is {value}; give a number from 1, or leave it out")
        self.until, self._round_ends = _ends(params, ports.clock.now())
        self._surveys = Surveys(ports)
        self._work = Work(self._surveys.ports)
        self.checks = Checks(ports, self.certificates)
        # What this round has had in hand, with the time at which to look at it again.
        self._handled: dict[tuple[str, str, str], datetime] = {}
        self._count = 0

    def run(self, report: Report) -> None:
        """Do it, round after round, until nothing is due or a limit is reached."""
        while True:
            self._round(report)
            clock, at = self.ports.clock, report.next_at
            if self.until is None or at is None or at > self.until or self._is_spent():
                return
            if self._round_ends is not None and max(at, clock.now()) >= self._round_ends:
                clock.sleep(max(0.0, (self._round_ends - clock.now()).total_seconds()))
                report.is_over = False
                return
            clock.sleep(max(0.0, (at - clock.now()).total_seconds()))
            self._handled.clear()

    def _round(self, report: Report) -> None:
        """Do what is due now, and what becomes due by it."""
        if due.REVOCATION_CHECKS in self.only:
            # Before all else: what is revoked, or on hold, is neither renewed nor pushed by itself. It takes a minute.
            self._check(report)
        if due.RENEWALS in self.only:
            for problem in hints.ask(self.ports, self.ports.clock.now()):
                entry = {"kind": due.RENEWALS, "reason": "hint_failed", "message": problem}
                report.failed["hint", problem] = entry
        if due.LEASES in self.only:
            self._leases(report)
        while True:
            with self.ports.store.read() as unit:
                agenda = due.collect(unit, self.ports.clock.now(), self.only, self.certificates)
            items = [item for item in agenda.items if item.identity not in self._handled]
            if not items:
                break
            self._surveys.begin(items)
            for number, item in enumerate(items):
                self._handled[item.identity] = self.ports.clock.now() + _SOON
                if not self._postponed(item, report):
                    self._surveys.before(items[number:])
                    self._one(item, report)
        report.failed = {key: entry for key, entry in report.failed.items() if key[0] != "stuck"}
        report.failed.update({("stuck", entry["certificate"]): entry for entry in agenda.stuck})
        # What is due still could not be done, or not to its end.
        again = [self._handled[item.identity] for item in agenda.items]
        again += [self.ports.clock.now()] * self.checks.is_more
        report.next_at = min([*again, *([agenda.next_at] if agenda.next_at else [])], default=None)

    def _is_spent(self) -> bool:
        return (self.limit is not None and self._count >= self.limit) or (
            self.budget is not None and self.ports.calls() >= self.budget
        )

    def _postponed(self, item: Item, report: Report) -> bool:
        """Say whether a limit keeps an item for another call, and tell it."""
        if not self._is_spent():
            return False
        is_budget = self.budget is not None and self.ports.calls() >= self.budget
        reason = "budget" if is_budget else "limit"
        entry = {**_told(item), "reason": reason, "message": f"{item.why}; left for the next call by {reason}"}
        report.waiting[_key(item)] = entry
        self._handled[item.identity] = self.ports.clock.now()
        return True

    def _check(self, report: Report) -> None:
        """Ask CAs what they have revoked; what goes wrong with that stops no other work."""
        key, again = (due.REVOCATION_CHECKS, ""), self.ports.clock.now() + _LATE
        entry = {"kind": due.REVOCATION_CHECKS}
        try:
            if self.checks.run():
                report.waiting.pop(key, None)
                report.failed.pop(key, None)
        except ClmError as exc:
            told = {**entry, "reason": exc.code, "message": exc.message, "failure": exc.failure()}
            if exc.retryable:
                report.waiting[key] = {**told, **_put_off(exc, again)}
            else:
                report.failed[key] = told
        except Exception as exc:
            report.failed[key] = {**entry, "reason": "internal_error", "message": unexpected(exc)}
        report.checked, report.next_check_at = self.checks.count, self.checks.next_at
        if key in report.failed or key in report.waiting:
            report.next_check_at = again

    def _leases(self, report: Report) -> None:
        """Drop leases whose holder is gone; what they were held for is taken up by what is due of it."""
        dropped = self.ports.store.drop_expired_leases()
        report.done += [
            {"kind": due.LEASES, "lease": name, "message": f"the lease of {holder} had expired"}
            for name, holder in dropped
        ]

    def _one(self, item: Item, report: Report) -> None:
        """Do one piece of work; what goes wrong with it stops no other."""
        for told_before in (report.waiting, report.failed):
            told_before.pop(_key(item), None)
        audited = self.ports.store.audited
        try:
            moved = self._work.do(item)
        except ClmError as exc:
            # What was done before it went wrong was work, too.
            self._count += self.ports.store.audited > audited
            told = {**_told(item), "reason": exc.code, "message": exc.message, "failure": exc.failure()}
            is_passing = exc.code in _WAITING or exc.retryable
            again = self._again(exc) if is_passing else self.ports.clock.now() + _LATE
            self._handled[item.identity] = again
            self._put_off(item, exc, again)
            if is_passing:
                report.waiting[_key(item)] = {**told, **_put_off(exc, again)}
            else:
                report.failed[_key(item)] = told
            return
        except Exception as exc:
            # A fault of ours with one record must not keep all others from being done.
            self._count += self.ports.store.audited > audited
            self._handled[item.identity] = self.ports.clock.now() + _LATE
            report.failed[_key(item)] = {**_told(item), "reason": "internal_error", "message": unexpected(exc)}
            return
        self._count += moved.has_moved
        report.steps += moved.steps
        self._tell(item, moved, report)

    def _put_off(self, item: Item, exc: ClmError, again: datetime) -> None:
        """Keep with the record why it could not be moved on; another run that is at it keeps its own word."""
        if exc.code in _OTHERS:
            return
        try:
            self._work.put_off(item, exc.code, exc.message, (again - self.ports.clock.now()).total_seconds())
        except ConflictError:
            return

    def _again(self, exc: ClmError) -> datetime:
        """Give when what passes by itself should be tried again: when a freeze ends, or as CPS asks."""
        if exc.code == "frozen":
            return from_text(exc.details["until"])
        seconds = float(exc.details.get("retry_after_s") or 0)
        return self.ports.clock.now() + max(timedelta(seconds=seconds), _SOON)

    def _tell(self, item: Item, moved: Moved, report: Report) -> None:
        key = (moved.noun, moved.key)
        entry = {
            "kind": item.kind,
            moved.noun: moved.key,
            "record": moved.key,
            "certificate": item.certificate_id,
            "state": moved.state,
            "message": moved.message,
        }
        if moved.has_moved:
            report.done.append({**entry, "from": moved.before})
        if moved.is_open:
            next_look = to_text(moved.next_look_at) if moved.next_look_at else None
            report.waiting[key] = {**entry, **moved.stage, "reason": moved.reason, "next_look_at": next_look}
        else:
            report.waiting.pop(key, None)
