# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a watcher of the store has told already, and what is news at its next look. Reads no store and no clock."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby
from operator import attrgetter
from typing import Any

from .._core.clock import from_text, to_text
from .views import View

RAISED, CHANGED, REPEATED, CLEARED = "raised", "changed", "repeated", "cleared"
STATUSES = (RAISED, CHANGED, REPEATED, CLEARED)
_MARK = re.compile(r"\{(?=[{%#])")
_OVERRIDE = "#jinja2"


@dataclass(frozen=True)
class Told:
    """One fact that was told.

    :ivar view: as it was told last.
    :ivar at: when, UTC.
    """

    view: View
    at: datetime


Known = Mapping[str, Told]
"""Facts that were told and have not ended, by event id."""


@dataclass(frozen=True)
class News:
    """One thing to tell: a fact with what happened to it, of ``STATUSES``."""

    status: str
    view: View


def news(known: Known, found: Sequence[View], now: datetime, repeat_after: timedelta | None) -> list[News]:
    """Say what is to be told: what is new, what stands otherwise, what was not told for long, and what has ended.

    What has ended comes first, so that who follows a fact that became another one, as an end that was near and has
    passed, sees it go before the other one comes.

    :param found: views of all facts there are now, each id once.
    :param repeat_after: how long after it was told a fact that stands unchanged is told again; None for never.
    """
    present = {str(view["event_id"]) for view in found}
    ended = [News(CLEARED, told.view) for event_id, told in known.items() if event_id not in present]
    told_now = [News(_status(known.get(str(view["event_id"])), view, now, repeat_after), view) for view in found]
    # Those of one status stand together, in the order in which they were found.
    return ended + sorted((one for one in told_now if one.status), key=lambda one: STATUSES.index(one.status))


def _status(told: Told | None, view: View, now: datetime, repeat_after: timedelta | None) -> str:
    if told is None:
        return RAISED
    if told.view != view:
        return CHANGED
    return REPEATED if repeat_after is not None and now >= told.at + repeat_after else ""


def bundles(told: Sequence[News], most: int) -> Iterator[Sequence[News]]:
    """Put together what follows one another and has one status.

    :param most: so many at most, from 1.
    """
    for _status, run in groupby(told, key=attrgetter("status")):
        rest = list(run)
        yield from (rest[begin:][:most] for begin in range(0, len(rest), most))


def note(known: dict[str, Told], one: News, now: datetime) -> None:
    """Keep in what is known that a piece of news was told."""
    event_id = str(one.view["event_id"])
    if one.status == CLEARED:
        known.pop(event_id, None)
    else:
        known[event_id] = Told(one.view, now)


def to_plain(known: Known) -> dict[str, Any]:
    """Write what is known as plain data, for a file."""
    return {event_id: {"at": to_text(told.at), "view": told.view} for event_id, told in known.items()}


def from_plain(data: Any) -> dict[str, Told]:
    """Read what ``to_plain`` wrote.

    :raises ValueError: it is something else.
    """
    try:
        return {str(key): Told(_view(entry["view"], key), from_text(entry["at"])) for key, entry in data.items()}
    except (AttributeError, KeyError, TypeError) as exc:
        raise ValueError(f"no facts: {exc}") from exc


def _view(view: Any, event_id: str) -> View:
    if not isinstance(view, dict) or view.get("event_id") != event_id:
        raise ValueError(f"no fact of the id {event_id}")
    return view


def harmless(value: Any) -> Any:
    """Give a value in which no text, at any depth, is a template for Ansible.

    An event becomes variables of a playbook, and variables given from outside are templated there. Names in an account
    and messages of a CA are other people's texts: a blank behind a brace keeps them readable, and dead.
    """
    if isinstance(value, str):
        dead = _MARK.sub("{ ", value)
        return f" {dead}" if dead.lower().startswith(_OVERRIDE) else dead
    if isinstance(value, Mapping):
        return {harmless(key): harmless(entry) for key, entry in value.items()}
    return [harmless(entry) for entry in value] if isinstance(value, (list, tuple)) else value
