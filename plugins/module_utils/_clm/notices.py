# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who has to do what by when, out of what others found: events, a run of due work, what is pending. Pure functions.

What is handed in may come from anywhere, so that everything in it is taken as a text that steers nothing.
"""

from __future__ import annotations

import html
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from .._core.clock import from_text, to_text
from .._core.errors import InputError
from .._core.notices import SEVERITIES, Message, Notice, plain

_WHAT = "Cannot tell anybody"
# Words of others for the same four.
_SEVERITIES: Mapping[str, str] = {
    **{word: word for word in SEVERITIES},
    **{"notice": "info", "low": "info", "medium": "warning", "minor": "warning"},
    **{"high": "error", "major": "error", "failed": "error"},
}
# With less than that left somebody has to hurry: below it CPS may do things by itself, and people have weekends.
_HURRY = timedelta(days=7)
# Of an event source: what it told of is not so any more.
_OVER = ("cleared", "recovered")
_PERSON_STATES = ("submitted", "review_in_progress", "needs_decision", "in_doubt", "failed")


def of_events(events: Sequence[Mapping[str, Any]]) -> list[Notice]:
    """Read the records of an event source or of a view of what wants attention.

    :raises InputError: one has no id or no kind.
    """
    found, problems = [], []
    for number, event in enumerate(events, 1):
        kind, event_id = plain(event.get("kind")), plain(event.get("event_id"))
        if not kind or not event_id:
            problems.append(f"event {number} has no {'kind' if not kind else 'event_id'}")
            continue
        is_over = plain(event.get("status")) in _OVER
        found.append(
            Notice(
                event_id=event_id,
                kind=kind,
                severity=_SEVERITIES.get(plain(event.get("severity")).lower(), "warning"),
                what=_what(event, is_over) or kind.replace("_", " "),
                who="" if is_over else _who(event),
                deadline="" if is_over else plain(event.get("deadline")),
                **{name: plain(event.get(name)) for name in ("certificate", "device", "since", "network", "reason")},
                **{name: plain(event.get(name)) for name in ("request_id", "work_order_id")},
                status="over" if is_over else "",
            )
        )
    if problems:
        raise InputError.of_problems(_WHAT, problems)
    return found


def _who(event: Mapping[str, Any]) -> str:
    """Say who can do something about it, and who of them may not."""
    who, barred = _people(event.get("who")), _people(event.get("may_not_act"))
    return plain(f"{who or 'somebody'}, but not {barred}" if barred else who)


def _what(event: Mapping[str, Any], is_over: bool) -> str:
    """Say what is so, and behind it what to do; of what is over there is nothing to do."""
    message, to_do = plain(event.get("message")), plain(event.get("what_to_do") or event.get("what"))
    if is_over:
        return f"over: {message or plain(event.get('kind')).replace('_', ' ')}"
    return plain("; ".join(dict.fromkeys(part for part in (message, to_do) if part)))


def of_pending(records: Sequence[Mapping[str, Any]], now: datetime) -> list[Notice]:
    """Take what waits for a person out of the view C(pending)."""
    found = []
    for record in records:
        state = plain(record.get("state"))
        is_approval = state in ("submitted", "review_in_progress")
        if state not in _PERSON_STATES:
            continue
        barred = _people(record.get("may_not_approve"))
        network = f" to {plain(record['network'])}" if record.get("network") else ""
        deadline = min(
            (plain(record.get(name)) for name in ("last_safe_at", "not_after") if record.get(name)), default=""
        )
        waits = plain(record.get("waits_for"))
        wanted = f"{plain(record.get('action'))}{network}, asked for by {plain(record.get('actor'))}: {waits}"
        found.append(
            Notice(
                event_id=_event_id("approval_wanted" if is_approval else state, record),
                kind="approval_wanted" if is_approval else state,
                severity=_hurry(deadline, now, "warning" if is_approval else "error"),
                what=wanted,
                who=(f"somebody other than {barred}" if barred else "somebody") if is_approval else "an operator",
                deadline=deadline,
                network=plain(record.get("network")),
                **_names(record),
            )
        )
    return found


def of_lifecycle(result: Mapping[str, Any]) -> list[Notice]:
    """Take what failed, and what waits for a person, out of the result of M(edgecert.clm.cert_lifecycle)."""
    found = []
    for entry in _entries(result, "failures"):
        found.append(
            Notice(
                event_id=_event_id(f"work_failed:{plain(entry.get('reason'))}", entry),
                kind="work_failed",
                severity="error",
                what=f"{plain(entry.get('kind'))}: {plain(entry.get('message'))}",
                who="an operator",
                **_names(entry),
            )
        )
    for entry in _entries(result, "waiting"):
        is_asked = entry.get("is_moving") is False and plain(entry.get("state")) not in ("approved", "scheduled")
        if not is_asked:
            continue
        following, message = plain(entry.get("next")), plain(entry.get("message"))
        if message and entry.get("next_look_at") and plain(entry["next_look_at"]) in following:
            # When it is looked at again is another time in each run, and nothing that a person does.
            following = ""
        found.append(
            Notice(
                event_id=_event_id(f"waits:{plain(entry.get('state'))}", entry),
                kind="waits_for_a_person",
                severity="warning",
                what=f"{following}: {message}" if following and message else following or message,
                since=plain(entry.get("since")),
                **_names(entry),
            )
        )
    return found


def _entries(result: Mapping[str, Any], name: str) -> list[Mapping[str, Any]]:
    entries = result.get(name) or []
    if not isinstance(entries, (list, tuple)) or not all(isinstance(entry, Mapping) for entry in entries):
        raise InputError(f"{_WHAT}: {name} of lifecycle is no list of entries; give the result of cert_lifecycle")
    return list(entries)


def joined(*sources: Sequence[Notice]) -> list[Notice]:
    """Join what several sources say: of one record the first source is heard, and each event is told once.

    The most severe come first, and among them those with the nearest deadline.
    """
    found: dict[str, Notice] = {}
    heard: set[str] = set()
    for notices in sources:
        for notice in notices:
            if not notice.record or notice.record not in heard:
                found.setdefault(notice.event_id, notice)
        heard |= {notice.record for notice in notices if notice.record}
    rank = {word: number for number, word in enumerate(reversed(SEVERITIES))}
    return sorted(found.values(), key=lambda one: (rank[one.severity], one.deadline or "9", one.certificate))


def _names(record: Mapping[str, Any]) -> dict[str, str]:
    return {name: plain(record.get(name)) for name in ("certificate", "device", "request_id", "work_order_id")}


def _event_id(word: str, record: Mapping[str, Any]) -> str:
    key = record.get("work_order_id") or record.get("request_id") or record.get("certificate") or record.get("message")
    return plain(f"{word}:{key}")


def _people(who: Any) -> str:
    if isinstance(who, (list, tuple)):
        return ", ".join(plain(one, 100) for one in who)
    return plain(who)


def _hurry(deadline: str, now: datetime, usual: str) -> str:
    try:
        return "critical" if deadline and from_text(deadline) - now < _HURRY else usual
    except ValueError:
        return usual


# -- in words ------------------------------------------------------------------------------------------------------

_STYLE = (
    "body{font-family:sans-serif}table{border-collapse:collapse}td,th{border:1px solid #888;padding:4px 8px;"
    "text-align:left;vertical-align:top}"
)


def message(notices: Sequence[Notice], prefix: str, now: datetime) -> Message:
    """Write what people are told.

    :param notices: one or more, in their order.
    :param prefix: begins the subject.
    """
    return Message(_subject(notices, prefix), _text(notices, now), _html(notices, now), tuple(notices), now)


def _subject(notices: Sequence[Notice], prefix: str) -> str:
    first = min((notice.deadline for notice in notices if notice.deadline), default="")
    by = f", by {first}" if first else ""
    if len(notices) == 1:
        [one] = notices
        return plain(f"{prefix} {one.certificate or one.device}: {one.what}{by}", 200)
    critical = sum(notice.severity == "critical" and not notice.is_over for notice in notices)
    worst = f", {critical} of them critical" if critical else ""
    over = sum(notice.is_over for notice in notices)
    things = f"{len(notices)} things are over" if over == len(notices) else f"{len(notices)} things to do"
    return plain(f"{prefix} {things}{worst}{f', the first{by[1:]}' if by else ''}", 200)


def _facts(notice: Notice) -> Iterable[tuple[str, str]]:
    """Give what is known of it beside its name and what to do, with a word for each."""
    yield from (
        (word, value)
        for word, value in (
            ("kind", f"{notice.kind}, {notice.reason}" if notice.reason else notice.kind),
            ("network", notice.network),
            ("who", notice.who),
            ("by", notice.deadline),
            ("since", notice.since),
            ("device", notice.device),
            ("work order", notice.work_order_id),
            ("request", notice.request_id),
        )
        if value
    )


def _text(notices: Sequence[Notice], now: datetime) -> str:
    lines = []
    for number, notice in enumerate(notices, 1):
        about = notice.certificate or notice.device or notice.kind
        lines.append(f"{number}. {notice.severity}: {about}: {notice.what}")
        lines += [f"   {word}: {value}" for word, value in _facts(notice)]
    return "\n".join([*lines, "", f"As of {to_text(now)}, by edgecert.clm"]) + "\n"


def _row(notice: Notice) -> str:
    about = notice.certificate or notice.device or notice.kind
    cells = (notice.severity, about, notice.what, notice.who, notice.deadline, notice.kind, notice.network)
    inside = "".join(f"<td>{html.escape(cell)}</td>" for cell in (*cells, notice.record))
    return f"<tr>{inside}</tr>"


def _html(notices: Sequence[Notice], now: datetime) -> str:
    rows = [_row(notice) for notice in notices]
    words = ("", "certificate", "what to do", "who", "by", "kind", "network", "id")
    heads = "".join(f"<th>{word}</th>" for word in words)
    return (
        f'<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"><style>{_STYLE}</style></head><body><table>'
        f"<tr>{heads}</tr>{''.join(rows)}</table><p>As of {to_text(now)}, by edgecert.clm</p></body></html>\n"
    )
