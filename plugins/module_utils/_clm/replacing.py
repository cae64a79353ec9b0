# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Replaces many certificates, batch by batch, as ``cert_lifecycle`` does with action ``replace``; stops and aborts it.

Each call does what it can within its limits, and the next goes on: what it finds is what the requests say. No
certificate has two requests, so none has two orders; what failed is told and passed over.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from .._core.clock import to_text
from .._core.errors import ConflictError, InputError
from .._core.plan import Outcome, Plan, Step
from .._core.types import CertRequest, Intent
from . import dual_stack, due, gate, policy, replacement, replacement_plan, requests, states, successors
from .due import Item
from .lifecycle import Report, Runner, failure_of
from .ports import Params, Ports
from .replacement import Wanted
from .replacement_plan import BUSY, FAILED, IMPOSSIBLE, TO_DO, UNDER_WAY, Line, Survey
from .work import Moved, Work
from .work_orders import LEASE_S

REPLACE, STOP, ABORT = "replace", "stop", "abort"
ACTIONS = (REPLACE, STOP, ABORT)
REPLACEMENTS = "replacements"
"""Kind of work, beside those that are due by themselves."""
_REST = ("replacement", "rest")
_SOON = timedelta(minutes=1)


def plan(params: Params, ports: Ports) -> Plan:
    """Work out what ``cert_lifecycle`` would do about a replacement.

    :raises InputError: the replacement cannot be used.
    :raises StateError: somebody stopped or aborted it.
    """
    given = params.get("replacement") or {}
    if not given:
        raise InputError(f"Cannot {params['action']} a replacement: replacement is missing; it has its name")
    with ports.store.read() as unit:
        row = replacement.row_of(unit, given["name"])
        if params["action"] != REPLACE:
            row = replacement.required_row(unit, given["name"])
    wanted = replacement.read(params, ports, row)
    if params["action"] != REPLACE:
        return _ending(params["action"], wanted, row, params, ports)
    resume = bool(given.get("resume"))
    replacement.refuse_ended(row, resume=resume)
    shared = _shared(ports)
    if ports.check_mode:
        return _predicted(wanted, row, shared)
    runner, report = Replacer(params, shared, wanted), Report()

    def run() -> bool:
        replacement.begin(ports, wanted)
        replacement.set_state(ports, wanted.name, replacement.RUNNING, params.get("comment") or "", resume=resume)
        runner.run(report)
        return True

    def finish() -> Outcome:
        is_failed = bool(report.failed) and params.get("fail") is not False
        failure = failure_of(list(report.failed.values())) if is_failed else None
        told = {**report.result(ports.calls()), **report.times(ports.clock.now(), runner.until)}
        told["replacement"] = runner.view(report)
        return Outcome(None, told, tuple(report.steps), failure)

    return Plan(None, None, (Step("Replace certificates", run),), finish)


def _shared(ports: Ports) -> Ports:
    """Give ports that build one connector for each account: hundreds of certificates ask the same one."""
    built: dict[str, Any] = {}

    def connect(account: Any) -> Any:
        known = built.get(account.name)
        if known is None or known[0] != account:
            known = built[account.name] = (account, ports.ca(account))
        return known[1]

    return replace(ports, ca=connect)


def _predicted(wanted: Wanted, row: Intent | None, ports: Ports) -> Plan:
    now = ports.clock.now()
    seen = replacement_plan.survey(ports, wanted, _started(row, now), with_problems=True)
    names = [line.certificate.certificate_id for line in seen.of(TO_DO)]
    verb = f"{wanted.renewal.capitalize()} {{}} at CA account {wanted.to_ca or 'of its own'}"
    steps = tuple(Step(verb.format(name), lambda: True) for name in names)
    shown = replacement_plan.view(wanted, seen, replacement.state_of(row), row.created_at if row else None, now)
    extra = {
        **Report().result(ports.calls()),
        **Report().times(now, None),
        "failures": [
            *(_told(line.certificate.certificate_id, "cannot", line.why) for line in seen.of(IMPOSSIBLE)),
            *(_failed(line, line.request) for line in seen.of(FAILED) if line.request is not None),
        ],
        "waiting": [_told(line.certificate.certificate_id, BUSY, line.why) for line in seen.of(BUSY)],
        "replacement": shown,
        "steps": [step.sentence for step in steps],
    }
    return Plan(None, None, steps, lambda: Outcome(None), extra=extra)


def _told(certificate_id: str, reason: str, message: str) -> dict[str, Any]:
    return {"kind": REPLACEMENTS, "certificate": certificate_id, "reason": reason, "message": message}


def _failed(line: Line, request: CertRequest) -> dict[str, Any]:
    """Tell of a certificate whose request of this replacement came to nothing."""
    told = _told(line.certificate.certificate_id, request.reason or request.state, line.why)
    return {**told, "request_id": request.request_id, "state": request.state}


def _started(row: Intent | None, now: datetime) -> datetime:
    return row.created_at if row is not None and row.created_at is not None else now


def _ending(action: str, wanted: Wanted, row: Intent | None, params: Params, ports: Ports) -> Plan:
    """Plan to stop a replacement, or to abort it: what waits for approval or its time is cancelled then."""
    state = replacement.STOPPED if action == STOP else replacement.ABORTED
    if replacement.state_of(row) == replacement.ABORTED and state == replacement.STOPPED:
        replacement.refuse_ended(row, resume=False)
    comment, now = params.get("comment") or "", ports.clock.now()
    seen = replacement_plan.survey(ports, wanted, _started(row, now), with_problems=False)
    early = [one.request for one in seen.of(UNDER_WAY) if one.request and one.request.state in _NOTHING_SENT]
    steps = []
    if replacement.state_of(row) != state:
        text = f"{action.capitalize()} replacement {wanted.name}"
        steps.append(Step(text, lambda: replacement.set_state(ports, wanted.name, state, comment)))
    if action == ABORT:
        steps += [Step(f"Cancel request {one.request_id}", _cancel(one, wanted, ports)) for one in early]

    def told(at: str) -> dict[str, Any]:
        after = replacement_plan.survey(ports, wanted, _started(row, now), with_problems=False)
        shown = replacement_plan.view(wanted, after, at, row.created_at if row else None, ports.clock.now())
        told = {**Report().result(ports.calls()), **Report().times(ports.clock.now(), None)}
        return {**told, "replacement": shown, "steps": [step.sentence for step in steps]}

    return Plan(None, None, tuple(steps), lambda: Outcome(None, told(state)), extra=told(replacement.state_of(row)))


_NOTHING_SENT = states.BEFORE_IMPLEMENTING


def _cancel(request: CertRequest, wanted: Wanted, ports: Ports) -> Callable[[], bool]:
    def cancel() -> bool:
        from . import workflow

        asked = {"action": "cancel", "request_id": request.request_id, "comment": f"replacement {wanted.name} aborted"}
        workflow.plan(asked, ports).execute()
        return True

    return cancel


@dataclass
class _Room:
    """What is under way of a replacement, and what it has ordered."""

    under_way: int
    orders: int
    made_at: list[datetime]

    def take(self, made: CertRequest, now: datetime) -> None:
        """Count a request that was made."""
        self.orders += replacement_plan.orders_of(made)
        self.under_way += not states.is_final(made.state)
        self.made_at.append(now)


class _Work(Work):
    """Begins replacements, and moves on what was begun."""

    def __init__(self, ports: Ports, wanted: Wanted) -> None:
        super().__init__(ports)
        self._wanted = wanted

    def do(self, item: Item) -> Moved:
        """Do one as far as it goes now."""
        return self._replace(item) if item.kind == REPLACEMENTS else super().do(item)

    def _replace(self, item: Item) -> Moved:
        ports, name = self._ports, self._wanted.name
        with ports.store.read() as unit:
            certificate, row = unit.certificates.get(item.certificate_id), replacement.row_of(unit, name)
            started = _started(row, ports.clock.now())
            # What was seen of it may be old: it may have been renewed meanwhile, by whomever.
            line = replacement_plan.line_now(unit, certificate, self._wanted, started) if certificate else None
            is_running = replacement.state_of(row) == replacement.RUNNING
            if certificate is None or line is None or line.status != TO_DO or not is_running:
                raise ConflictError(f"Cannot replace {item.certificate_id}: it is not to be replaced any more")
            group = policy.group_of(unit, certificate.group)
        request = replacement_plan.request_of(ports, self._wanted, certificate)
        mover = successors.checked(request, group, ports, wait_s=0.0)
        mover.warnings = policy.warning_lists(group, request.wish["warnings"])
        return self.begun(mover)


class Replacer(Runner):
    """Runs a replacement within its limits and those of the call."""

    def __init__(self, params: Params, ports: Ports, wanted: Wanted) -> None:
        super().__init__(params, ports)
        self.wanted = wanted
        self._work = _Work(self.ports, wanted)

    def run(self, report: Report) -> None:
        """Do it; of what failed, what had failed before this call is begun anew, and once."""
        if self.wanted.retry_failed:
            self.wanted = replace(self.wanted, retried=frozenset())
            failed = [line.request.request_id for line in self._survey().of(FAILED) if line.request is not None]
            self.wanted = replace(self.wanted, retried=frozenset(failed))
            self._work = _Work(self.ports, self.wanted)
        super().run(report)

    def _survey(self) -> Survey:
        with self.ports.store.read() as unit:
            row = replacement.row_of(unit, self.wanted.name)
        started = _started(row, self.ports.clock.now())
        return replacement_plan.survey(self.ports, self.wanted, started, with_problems=False)

    def view(self, report: Report) -> dict[str, Any]:
        """Show where it stands; what could not be begun in this call is shown with its reason."""
        with self.ports.store.read() as unit:
            row = replacement.required_row(unit, self.wanted.name)
        seen = self._survey()
        for line in seen.of(TO_DO):
            failed = report.failed.get(("certificate", line.certificate.certificate_id))
            if failed is not None:
                line.status, line.why = IMPOSSIBLE, str(failed["message"])
        state, now = replacement.state_of(row), self.ports.clock.now()
        return replacement_plan.view(self.wanted, seen, state, row.created_at, now)

    def _round(self, report: Report) -> None:
        """Move on what is under way, then begin what may be begun; as long as that comes to something."""
        while True:
            before = len(self._handled)
            self._go_on(self._survey(), report)
            # What ended has made room for others.
            held = self._begin_alone(report)
            if len(self._handled) == before:
                break
        seen, now = self._survey(), self.ports.clock.now()
        self._tell_rest(seen, report)
        moments = [_item(line.request, line.certificate, now)[1] for line in seen.of(UNDER_WAY) if line.request]
        moments += [self._handled.get(_identity(line)) for line in seen.of(TO_DO)]
        # What is due now was handled, and is looked at again in a moment.
        found = [max(at, now + _SOON) for at in (*moments, held) if at is not None]
        report.next_at = min(found, default=None)

    def _go_on(self, seen: Survey, report: Report) -> None:
        """Move on what is due of it."""
        for line in seen.of(UNDER_WAY):
            now = self.ports.clock.now()
            item, at = _item(line.request, line.certificate, now) if line.request else (None, None)
            if item is None or at is None or at > now or item.identity in self._handled:
                continue
            self._handled[item.identity] = now + _SOON
            if not self._postponed(item, report):
                self._one(item, report)

    def _begin_alone(self, report: Report) -> datetime | None:
        """Begin what there is room for, while no other run does: two would have the same room twice."""
        store = self.ports.store
        try:
            with store.lease(self._lease_name, LEASE_S):
                return self._begin(self._survey(), report)
        except ConflictError as exc:
            # Another run is at it, or took over from this one, which was too slow.
            at = self.ports.clock.now() + _SOON
            report.waiting[_REST] = {**_told("", exc.code, exc.message), "next_look_at": to_text(at)}
            return at

    @property
    def _lease_name(self) -> str:
        return f"replacement:{self.wanted.name}"

    def _begin(self, seen: Survey, report: Report) -> datetime | None:
        """Begin what there is room for; gives when there is again, where time alone brings that."""
        room = _Room(len(seen.of(UNDER_WAY)), seen.placed, list(seen.made_at))
        report.waiting.pop(_REST, None)
        todo = [line for line in seen.of(TO_DO) if _identity(line) not in self._handled]
        for number, line in enumerate(todo):
            name, now = line.certificate.certificate_id, self.ports.clock.now()
            cost = self._cost(line)
            held = self._held(room, cost)
            if held is not None:
                reason, message, at = held
                told = _told("", reason, f"{len(todo) - number} certificates wait: {message}")
                report.waiting[_REST] = {**told, "next_look_at": to_text(at) if at else None}
                return at
            item = Item(REPLACEMENTS, "certificate", name, name, now, why=f"replacement {self.wanted.name}")
            self._handled[item.identity] = now + _SOON
            before = self._newest(name)
            self.ports.store.renew(self._lease_name, LEASE_S)
            self._one(item, report)
            # Read from the store: a run that raised may have made its request, and ordered, all the same.
            made = self._newest(name)
            if made is not None and (before is None or made.request_id != before.request_id):
                room.take(made, now)
        return None

    def _cost(self, line: Line) -> int:
        """Count the orders that a certificate takes: as many as the present one has keys."""
        with self.ports.store.read() as unit:
            parent = unit.requests.get(line.certificate.request_id) if line.certificate.request_id else None
        return len(dual_stack.algorithms(parent.wish)) if parent is not None else 1

    def _newest(self, certificate_id: str) -> CertRequest | None:
        """Give the newest request of a certificate, if this replacement made it."""
        with self.ports.store.read() as unit:
            found = requests.latest(unit, certificate_id)
        return found if found is not None and replacement.is_of(found, self.wanted.name) else None

    def _held(self, room: _Room, cost: int) -> tuple[str, str, datetime | None] | None:
        """Say what keeps the next one from being begun: reason, sentence, and until when; None for nothing."""
        wanted, now = self.wanted, self.ports.clock.now()
        with self.ports.store.read() as unit:
            state = replacement.state_of(replacement.row_of(unit, wanted.name))
        if state != replacement.RUNNING:
            return state, f"the replacement is {state}", None
        if self._is_spent():
            return "limit", "limit or budget of this call is used up", now
        if wanted.max_orders is not None and room.orders + cost > wanted.max_orders:
            return "max_orders", f"max_orders allows {wanted.max_orders} orders at the CA", None
        if room.under_way >= wanted.batch:
            return "batch", f"{room.under_way} are under way, as many as batch allows", None
        opens = replacement.window_opens(wanted, now)
        if opens is not None:
            return "window", f"the next of its windows opens {to_text(opens)}", opens
        at = replacement_plan.pace_opens(wanted, room.made_at, now)
        if at is not None:
            return "per_hour", f"{wanted.per_hour} were begun within an hour; the next may be {to_text(at)}", at
        return None

    def _tell_rest(self, seen: Survey, report: Report) -> None:
        """Tell of what failed, is in the way, or waits for people."""
        now = self.ports.clock.now()
        for line in seen.of(FAILED, BUSY, UNDER_WAY):
            request, name = line.request, line.certificate.certificate_id
            if request is None:
                continue
            key, told = ("request_id", request.request_id), _told(name, line.status, line.why)
            told.update(request_id=request.request_id, state=request.state)
            if line.status == FAILED:
                report.failed[key] = _failed(line, request)
            elif line.status == BUSY:
                report.waiting[key] = told
            elif request.state in states.BEFORE_IMPLEMENTING:
                report.waiting.setdefault(key, {**told, "message": gate.waits_for(request, now)})


def _identity(line: Line) -> tuple[str, str, str]:
    return REPLACEMENTS, "certificate", line.certificate.certificate_id


def _item(request: CertRequest, certificate: Any, now: datetime) -> tuple[Item, datetime | None]:
    """Give the piece of work that an open request is, and when it is due; None when that hangs on a person."""
    if request.state in states.BEFORE_IMPLEMENTING:
        word, at = gate.due(request, now), gate.due_at(request, now)
        is_approved = word == "implement" or request.state in ("approved", "scheduled")
        kind = due.IMPLEMENTATIONS if is_approved else due.APPROVALS
    else:
        word, at, kind = "look again", request.next_look_at or now, due.RETRIEVALS
    ends = due.ends_of(certificate)
    return Item(kind, "request", request.request_id, request.certificate_id, at or now, ends, word), at
