# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One freeze window: read from the option, written back in one way, and where it lies in time.

A window is absolute (``starts_at``, ``ends_at``) or weekly (``weekdays``, ``from``, ``until``); both may have
``time_zone``, ``kinds`` and ``networks``. Local times follow the clock on the wall: a window begins when the clock
first shows its beginning, or passes it where that time is skipped, and ends when the clock shows its end for the last
time. So an hour that comes twice makes a window longer, and never opens it in between.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta, timezone, tzinfo
from typing import Any

from .._core.clock import to_text
from .._core.vocabulary import NETWORKS

KINDS = ("enroll", "push")
WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_LONG_WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_ABSOLUTE = ("starts_at", "ends_at")
_WEEKLY = ("weekdays", "from", "until")
MEMBERS = ("name", *_ABSOLUTE, *_WEEKLY, "time_zone", "kinds", "networks")

_UTC = "UTC"
_MOMENT = re.compile(r"(\d{4}-\d\d-\d\d)(?:[Tt ](\d\d:\d\d(?::\d\d)?)(?:\.\d+)? ?([Zz]|[+-]\d\d:\d\d)?)?")
_CLOCK = re.compile(r"(\d{1,2}):(\d\d)")
_YEARS = range(2000, 3000)
_DAY = timedelta(days=1)

Span = tuple[datetime, datetime]


@dataclass(frozen=True)
class Window:
    """A window as read.

    :ivar zone_name: IANA name; ``zone`` is what it stands for.
    :ivar starts, ends: of an absolute window; naive ones are local times of the zone. None for a weekly one.
    :ivar days: of a weekly window, numbers of the weekdays it begins on, Monday is 0.
    :ivar begin, end: on the wall; an end that is not later lies on the next day.
    """

    name: str
    kinds: tuple[str, ...]
    networks: tuple[str, ...]
    zone_name: str
    zone: tzinfo
    starts: datetime | None = None
    ends: datetime | None = None
    days: tuple[int, ...] = ()
    begin: time = time()
    end: time = time()

    @property
    def is_weekly(self) -> bool:
        """Say whether it comes again every week."""
        return self.starts is None

    def holds_for(self, kind: str, network: str) -> bool:
        """Say whether it is about such an implementation; an enrolment goes to no network."""
        return kind in self.kinds and (kind != "push" or not network or network in self.networks)

    def spans(self, around: datetime, days_ahead: int = 1) -> Iterator[Span]:
        """Give from when to when, UTC, it holds: every time that can touch a moment, and in so many days after it."""
        if self.starts is not None and self.ends is not None:
            yield self._between(self.starts, self.ends)
            return
        today = around.astimezone(self.zone).date()
        for number in range(-2, days_ahead + 1):
            day = today + number * _DAY
            if day.weekday() in self.days:
                last = day if self.end > self.begin else day + _DAY
                yield self._between(datetime.combine(day, self.begin), datetime.combine(last, self.end))

    def _between(self, first: datetime, last: datetime) -> Span:
        return _instant(first, self.zone, is_last=False), _instant(last, self.zone, is_last=True)

    def written(self) -> dict[str, Any]:
        """Write it as the option takes it, in one way."""
        if self.starts is not None and self.ends is not None:
            when: dict[str, Any] = {"starts_at": _moment_text(self.starts), "ends_at": _moment_text(self.ends)}
        else:
            when = {
                "weekdays": [WEEKDAYS[day] for day in self.days],
                "from": f"{self.begin:%H:%M}",
                "until": f"{self.end:%H:%M}",
            }
        which = {"time_zone": self.zone_name, "kinds": list(self.kinds), "networks": list(self.networks)}
        return {"name": self.name, **when, **which}


def read_all(windows: Sequence[Any]) -> tuple[list[Window], list[str]]:
    """Read the option ``freeze_windows``: the windows that can be used, and a sentence for each problem."""
    read, problems = [], []
    for number, given in enumerate(windows, 1):
        if not isinstance(given, Mapping):
            problems.append(f"freeze_windows[{number}] {given!r} is not a dictionary")
            continue
        found: list[str] = []
        window = _read({name: value for name, value in given.items() if value not in (None, "", [])}, found)
        problems += [f"freeze_windows[{number}] ({window.name or 'without a name'}): {sentence}" for sentence in found]
        if not found:
            read.append(window)
    return read, problems


def _read(given: Mapping[str, Any], found: list[str]) -> Window:
    if unknown := [str(member) for member in given if member not in MEMBERS]:
        found.append(f"unknown members {', '.join(unknown)}; known are {', '.join(MEMBERS)}")
    zone_name = str(given.get("time_zone", _UTC)).strip()
    window = Window(
        name=str(given.get("name", "")).strip(),
        kinds=_chosen("kinds", given.get("kinds", ["push"]), KINDS, found),
        networks=_chosen("networks", given.get("networks", NETWORKS), NETWORKS, found),
        zone_name=zone_name,
        zone=_zone(zone_name, found),
    )
    if not window.name:
        found.append("name is missing")
    is_absolute, is_weekly = (any(m in given for m in members) for members in (_ABSOLUTE, _WEEKLY))
    if is_absolute == is_weekly:
        found.append("it needs either starts_at and ends_at, or weekdays, from and until")
        return window
    members = _ABSOLUTE if is_absolute else _WEEKLY
    found += [f"{member} is missing" for member in members if member not in given]
    return _with_moments(window, given, found) if is_absolute else _with_week(window, given, found)


def _with_moments(window: Window, given: Mapping[str, Any], found: list[str]) -> Window:
    starts = _moment("starts_at", given.get("starts_at"), found, is_end=False)
    ends = _moment("ends_at", given.get("ends_at"), found, is_end=True)
    if starts is None or ends is None:
        return window
    read = replace(window, starts=starts, ends=ends)
    begin, end = next(read.spans(starts))
    if begin >= end:
        found.append(f"ends_at {given['ends_at']} is not after starts_at {given['starts_at']}")
    return read


def _with_week(window: Window, given: Mapping[str, Any], found: list[str]) -> Window:
    words = given.get("weekdays", ())
    short = [_short_weekday(word) for word in ([words] if isinstance(words, str) else words)]
    days = _chosen("weekdays", short, WEEKDAYS, found)
    begin = _time_of_day("from", given.get("from"), found)
    end = _time_of_day("until", given.get("until"), found)
    numbers = tuple(WEEKDAYS.index(day) for day in days)
    return replace(window, days=numbers, begin=begin or time(), end=end or time())


def _short_weekday(word: Any) -> str:
    plain = str(word).strip().lower()
    return plain[:3] if plain in _LONG_WEEKDAYS else plain


def _chosen(member: str, given: Any, choices: Sequence[str], found: list[str]) -> tuple[str, ...]:
    """Read a list of words, given in their own order and each once; one word alone is a list of one."""
    words = [str(word).strip().lower() for word in ([given] if isinstance(given, str) else given)]
    if unknown := [word for word in words if word not in choices]:
        found.append(f"{member} {', '.join(unknown)} unknown; there are {', '.join(choices)}")
    return tuple(word for word in choices if word in words)


def _zone(name: str, found: list[str]) -> tzinfo:
    if name == _UTC:
        return timezone.utc
    import zoneinfo

    try:
        return zoneinfo.ZoneInfo(name)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        # Of these, a folder of the database raises the last: "Europe" alone.
        if zoneinfo.available_timezones():
            found.append(f"time_zone {name!r} is unknown; give an IANA name, as Europe/Berlin")
        else:
            found.append(
                f"time_zone {name!r} cannot be looked up: this Python has no time zone database; install the Python "
                "library tzdata or the system's package of that name"
            )
    return timezone.utc


def _moment(member: str, value: Any, found: list[str], *, is_end: bool) -> datetime | None:
    """Read ISO 8601, kept naive where it has no offset; a day alone counts whole.

    :param value: text, or what YAML makes of a date or time without quotes.
    """
    if value is None:
        return None
    match = _MOMENT.fullmatch(str(value).strip())
    try:
        if match is None:
            raise ValueError("not of that form")
        day, clock, offset = match.groups()
        if date.fromisoformat(day).year not in _YEARS:
            raise ValueError(f"the year is not one of {_YEARS[0]} to {_YEARS[-1]}")
        if clock is None:
            return datetime.fromisoformat(day) + (_DAY if is_end else timedelta())
        moment = datetime.fromisoformat(f"{day}T{clock}{'+00:00' if (offset or '').upper() == 'Z' else offset or ''}")
    except ValueError as exc:
        found.append(f'{member} {value} is no time like "2026-12-24T18:00" or "2026-12-24T18:00:00+01:00" ({exc})')
        return None
    return moment.astimezone(timezone.utc) if moment.tzinfo else moment


def _time_of_day(member: str, value: Any, found: list[str]) -> time | None:
    """Read a time of day; YAML reads 18:00 without quotes as 18 * 60 + 0, which is taken, too."""
    if value is None:
        return None
    text = str(value).strip()
    if not isinstance(value, bool) and re.fullmatch(r"[1-9]\d{2,3}", text) and 600 <= int(text) <= 1440:
        hour, minute = divmod(int(text), 60)
    elif match := _CLOCK.fullmatch(text):
        hour, minute = int(match[1]), int(match[2])
    else:
        hour, minute = 99, 0
    if (hour, minute) == (24, 0) and member == "until":
        return time()
    if hour > 23 or minute > 59:
        # A smaller number may be 06:24 or 0600, which YAML reads as octal: nothing to guess at.
        found.append(f'{member} {value} is no time of day; write it in quotes, as "18:00"')
        return None
    return time(hour, minute)


def _moment_text(moment: datetime) -> str:
    return to_text(moment) if moment.tzinfo else moment.isoformat()


def _instant(wall: datetime, zone: tzinfo, *, is_last: bool) -> datetime:
    """Give the moment, UTC, at which the clock shows a time, or passes it where it is skipped.

    :param wall: naive; an aware one is a moment already.
    :param is_last: of a time that comes twice, the second.
    """
    if wall.tzinfo is not None:
        return wall
    before = wall.replace(tzinfo=zone, fold=0).astimezone(timezone.utc)
    after = wall.replace(tzinfo=zone, fold=1).astimezone(timezone.utc)
    if before <= after:
        # Shown once, or twice: the first time with fold 0, the second with fold 1 (PEP 495).
        return after if is_last else before
    # Skipped: what fold 1 gives lies before the change of the clock, what fold 0 gives after it. Look for the second.
    low, high = 0, int((before - after).total_seconds())
    while high - low > 1:
        middle = (low + high) // 2
        shown = (after + timedelta(seconds=middle)).astimezone(zone).replace(tzinfo=None)
        low, high = (middle, high) if shown < wall else (low, middle)
    return after + timedelta(seconds=high)
