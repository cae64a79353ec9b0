# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which certificates are asked about now, by when the next ones are, and what came of it, kept with their lines.

Reads and writes the store alone; ``revocation_checks`` asks in between.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from .._core.clock import from_text, to_text
from .._core.types import AuditEntry, Certificate, CertRequest, StoredPem
from .._core.vocabulary import SYNC_IGNORED
from .._store.base import Unit
from . import policy, revocation_states
from .revocation_states import BAD, IN_USE, NOT_TOLD, REVOKED, UNKNOWN, Entry, told_of
from .views import group_name

AGAIN_AFTER = timedelta(hours=1)
"""What could not be told is asked again so soon, and then after twice, four times as long and so on, up to what the
group says: a host that is never reached costs no write of all its certificates each hour."""
_MOST_DOUBLINGS = 10


@dataclass
class Due:
    """One certificate that is to be asked about, in however many lines it is.

    :ivar lines: ids of its lines.
    :ivar proxy: URL, empty for none.
    :ivar every: how often it is asked about.
    :ivar failures: how often in a row nothing could be told.
    """

    pem: StoredPem
    proxy: str
    every: timedelta
    lines: list[str] = field(default_factory=list)
    failures: int = 0


@dataclass
class Agenda:
    """What is to be asked about now.

    :ivar due: by fingerprint.
    :ivar requests: of the lines it is about, by id; they know second keys.
    :ivar next_at: when the next one is due, UTC; None where nothing will be by itself.
    """

    due: dict[str, Due] = field(default_factory=dict)
    requests: Mapping[str, CertRequest] = field(default_factory=dict)
    next_at: datetime | None = None


def agenda(unit: Unit, now: datetime, certificates: Sequence[str] = ()) -> Agenda:
    """Work out what is to be asked about.

    :param now: UTC.
    :param certificates: ids of the lines that it is about; empty for all.
    """
    found = Agenda()
    lines = list(_lines(unit, now, certificates))
    due, found.next_at = _due_lines(lines, now)
    found.requests = {one.request_id: one for one in unit.requests.find(request_id=[c.request_id for c in due])}
    wanted: dict[str, list[Certificate]] = {}
    every_of = {line.certificate_id: every for line, every in lines}
    for line in due:
        for one in revocation_states.all_of(line, found.requests.get(line.request_id)):
            at = due_at(told_of(line, one), every_of[line.certificate_id], now)
            if at is not None and at <= now:
                wanted.setdefault(one, []).append(line)
    proxies = {name: told["proxy"] for name, told in _policies(unit).items()}
    for pem in unit.pems.find(fingerprint=sorted(wanted)) if wanted else ():
        mine = wanted[pem.fingerprint]
        proxy = proxies.get(group_name(mine[0]), proxies["default"])
        ids = [line.certificate_id for line in mine]
        failures = max(int(told_of(line, pem.fingerprint).get("failures") or 0) for line in mine)
        found.due[pem.fingerprint] = Due(pem, proxy, min(every_of[one] for one in ids), ids, failures)
    return found


def _lines(unit: Unit, now: datetime, certificates: Sequence[str]) -> Iterator[tuple[Certificate, timedelta]]:
    """Give the lines that are asked about, with how often."""
    policies = _policies(unit)
    every = {name: timedelta(hours=told["every_hours"]) for name, told in policies.items()}
    if not any(every.values()):
        return
    ignored = {device.name for device in unit.devices.find(sync=SYNC_IGNORED)}
    chosen = {"certificate_id": list(certificates)} if certificates else {}
    for line in unit.certificates.find(state=list(IN_USE), **chosen):
        is_over = line.not_after is not None and line.not_after <= now
        often = every.get(group_name(line), every["default"])
        if often and not is_over and line.device not in ignored:
            yield line, often


def _policies(unit: Unit) -> dict[str, dict[str, Any]]:
    """Give how CAs are asked, by group; one that is gone counts as the default one."""
    groups = [policy.group_of(unit, ""), *unit.groups.find()]
    return {group.name: policy.revocation_checks_of(group) for group in groups}


def _due_lines(
    lines: Iterable[tuple[Certificate, timedelta]], now: datetime
) -> tuple[list[Certificate], datetime | None]:
    """Part the lines of which something is due from the others; give when the first of those is.

    Times are compared as they are written: of ten thousand lines each run would read as many.
    """
    due: list[Certificate] = []
    since: dict[timedelta, str] = {}
    earliest: dict[timedelta, str] = {}
    for line, every in lines:
        is_due = False
        for one in revocation_states.all_of(line) | set(line.revocation):
            told = told_of(line, one)
            wait = _wait(told, every)
            if wait is None:
                continue
            at = str(told.get("checked_at") or "")
            if at <= (since.get(wait) or since.setdefault(wait, to_text(now - wait))):
                is_due = True
            else:
                earliest[wait] = min(at, earliest.get(wait, at))
        due += [line] * is_due
    return due, min((from_text(at) + wait for wait, at in earliest.items()), default=None)


def _wait(told: Mapping[str, Any], every: timedelta) -> timedelta | None:
    """Give how long nobody is asked again about a certificate; None for ever."""
    if told.get("state") in (REVOKED, NOT_TOLD):
        return None
    if not told.get("message"):
        return every
    doublings = int(told.get("failures") or 1) - 1
    return min(every, AGAIN_AFTER * (1 << min(doublings, _MOST_DOUBLINGS)))


def due_at(told: Mapping[str, Any], every: timedelta, now: datetime) -> datetime | None:
    """Give when a certificate is asked about again; None for never.

    That an answer holds for some days does not put it off: CAs publish new ones long before.

    :param told: what is kept of it; one that nothing is kept of was never looked at.
    """
    wait = _wait(told, every)
    if wait is None:
        return None
    return from_text(told["checked_at"]) + wait if told.get("checked_at") else now


# -- what came of it ---------------------------------------------------------------------------------------------------


def keep(unit: Unit, lines: Iterable[Certificate], answers: Mapping[str, Entry], scene: Agenda, actor: str) -> None:
    """Keep answers with their lines, and put the lines into the state that follows.

    What was set aside, and is revoked now, is told as revoked as well.

    :param answers: what is to be kept, by fingerprint.
    :param actor: for the audit; what changes is told there once.
    """
    changed: list[Certificate] = []
    audits: list[AuditEntry] = []
    for line in lines:
        after = _with_answers(line, answers, scene.requests.get(line.request_id))
        changed.append(after)
        audits += _audit(line, after, answers, actor)
    revoked = [one for one, told in answers.items() if told["state"] == REVOKED]
    for aside in unit.certificates.find(state="superseded", fingerprint=revoked) if revoked else ():
        kept = {one: told for one, told in answers.items() if one == aside.fingerprint}
        after = replace(aside, state=REVOKED, revocation={**aside.revocation, **kept})
        changed.append(after)
        audits += _audit(aside, after, answers, actor)
    unit.certificates.put_many(changed)
    for entry in audits:
        unit.audit(entry)


def _with_answers(line: Certificate, answers: Mapping[str, Entry], request: CertRequest | None) -> Certificate:
    """Lay answers over what a line keeps; of what is no part of it any more nothing is kept."""
    everything = revocation_states.all_of(line, request)
    kept = {one: told for one, told in line.revocation.items() if one in everything}
    for one in everything & set(answers):
        kept[one] = _laid_over(answers[one], kept.get(one) or {})
    after = replace(line, revocation=kept)
    if line.state not in IN_USE:
        return after
    return replace(after, state=revocation_states.state_of(after, revocation_states.own(line, request)))


def _laid_over(answer: Entry, earlier: Mapping[str, Any]) -> Entry:
    """Give what is kept of one certificate: that nothing could be told does not undo what was told before."""
    if answer["state"] == UNKNOWN and earlier.get("state") in BAD:
        return {**earlier, **{name: answer[name] for name in ("checked_at", "message", "failures") if name in answer}}
    return answer


def _audit(before: Certificate, after: Certificate, answers: Mapping[str, Entry], actor: str) -> Iterator[AuditEntry]:
    """Tell what an answer has changed; that a certificate is good still is no news."""
    turned = [one for one in answers if _badness(before, one) != _badness(after, one)]
    if before.state == after.state and not turned:
        return
    states = {_badness(after, one) for one in turned} | {after.state}
    action = next((f"certificate_found_{state}" for state in BAD if state in states), "certificate_hold_ended")
    told_before, told = (
        {"state": of.state, "revocation": {one: dict(told_of(of, one)) for one in turned}} for of in (before, after)
    )
    yield AuditEntry(actor, action, "certificate", after.certificate_id, told_before, told)


def _badness(line: Certificate, fingerprint: str) -> str:
    state = told_of(line, fingerprint).get("state")
    return str(state) if state in BAD else ""
