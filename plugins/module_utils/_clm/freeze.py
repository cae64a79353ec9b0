# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Freeze windows of a group: whether a moment is frozen, until when, and the refusal. Pure; is told the moment."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import Any

from .._core.clock import to_text
from .._core.errors import InputError, PolicyError
from .._core.governance import Group
from .._core.vocabulary import NETWORKS
from .freeze_windows import Window, read_all

# What may be frozen: kind and network.
FREEZABLE: tuple[tuple[str, str], ...] = (("enroll", ""), *(("push", network) for network in NETWORKS))

# Weekly windows that follow one another for so long never end.
_ENDLESS = timedelta(days=15)
_LONGEST_CHAIN = timedelta(days=400)


@dataclass(frozen=True)
class Frozen:
    """A moment is frozen.

    :ivar window: name of a window it lies in.
    :ivar until: UTC; from then on no window holds, those included that overlap or follow without a gap.
    """

    window: str
    until: datetime


def problems(windows: Sequence[Mapping[str, Any]]) -> list[str]:
    """Say everything that is wrong with the option ``freeze_windows``."""
    read, found = read_all(windows)
    called = Counter(window.name for window in read)
    found += [f"freeze_windows: {times} are named {name}" for name, times in called.items() if times > 1]
    return found or _endless(read)


def normalized(windows: Sequence[Mapping[str, Any]]) -> tuple[dict[str, Any], ...]:
    """Write windows in one way, as they are stored; those with a problem are left out."""
    return tuple(window.written() for window in read_all(windows)[0])


def frozen(windows: Sequence[Mapping[str, Any]], *, kind: str, network: str, at: datetime) -> Frozen | None:
    """Say whether a moment is frozen, and until when.

    :param kind: ``enroll`` or ``push``.
    :param network: ``staging`` or ``production`` of a push; plays no part in an enrolment.
    :param at: aware.
    :raises InputError: a stored window cannot be read any more, as where the time zone database is gone.
    """
    return _frozen(_about(windows, kind, network), at, _LONGEST_CHAIN)


def next_start(windows: Sequence[Mapping[str, Any]], *, kind: str, network: str, at: datetime) -> datetime | None:
    """Give the first moment after ``at`` at which a window begins, UTC; None when none is to come.

    :raises InputError: as ``frozen``.
    """
    starts = [
        begin
        for window in _about(windows, kind, network)
        for begin, end in window.spans(at, days_ahead=9)
        if at < begin < end
    ]
    return min(starts, default=None)


def is_meant(
    windows: Sequence[Mapping[str, Any]], *, kind: str, network: str, given_at: datetime | None, at: datetime
) -> bool:
    """Say whether a reason that was given once is one for the freeze of a moment.

    It is for the freeze in which it was given; given before one, for the next. A later freeze nobody had in mind.

    :param given_at: UTC; None where no reason was given.
    """
    if given_at is None:
        return False
    first: datetime | None = given_at
    if frozen(windows, kind=kind, network=network, at=given_at) is None:
        first = next_start(windows, kind=kind, network=network, at=given_at)
    held = frozen(windows, kind=kind, network=network, at=first) if first is not None else None
    return held is not None and at < held.until


def left_out(windows: Sequence[Mapping[str, Any]], others: Sequence[Mapping[str, Any]], now: datetime) -> list[str]:
    """Name the windows that are not over, and are none of the others, whatever those are called."""

    def without_name(window: Window) -> dict[str, Any]:
        return {**window.written(), "name": ""}

    kept = [without_name(window) for window in read_all(others)[0]]
    to_come = [window for window in read_all(windows)[0] if window.ends is None or window.ends > now]
    return [window.name for window in to_come if without_name(window) not in kept]


def check(
    group: Group, *, what: str, kind: str, network: str, at: datetime, override: str, given_at: datetime | None = None
) -> None:
    """Refuse to implement in a freeze window of the group.

    :param what: the sentence's beginning, as "Cannot push www.example.com to production".
    :param override: reason to do it all the same; a blank one counts as none.
    :param given_at: when a reason was given earlier, UTC; None where none was.
    :raises PolicyError: the moment is frozen, and no reason was given for this freeze.
    """
    windows = group.freeze_windows
    held = None if (override or "").strip() else frozen(windows, kind=kind, network=network, at=at)
    if held is None or is_meant(windows, kind=kind, network=network, given_at=given_at, at=at):
        return
    until = to_text(held.until)
    raise PolicyError(
        f"{what}: group {group.name} is frozen by window {held.window} until {until} (rule freeze_windows); run again "
        "then, or say in freeze_override why it cannot wait",
        code="frozen",
        details={"group": group.name, "window": held.window, "until": until},
    )


def _about(windows: Sequence[Mapping[str, Any]], kind: str, network: str) -> list[Window]:
    read, found = read_all(windows)
    if found:
        raise InputError.of_problems("Cannot tell whether it is frozen", found)
    return [window for window in read if window.holds_for(kind, network)]


def _frozen(windows: Sequence[Window], at: datetime, limit: timedelta) -> Frozen | None:
    """Follow the windows that hold, one after another, to the moment none does."""
    until, name = at.astimezone(timezone.utc), ""
    while until - at < limit:
        ends = [(end, window.name) for window in windows for begin, end in window.spans(until) if begin <= until < end]
        if not ends:
            break
        until, latest = max(ends)
        name = name or latest
    return Frozen(name, until) if name else None


def _endless(windows: Sequence[Window]) -> list[str]:
    """Say where weekly windows leave no time at all."""
    weekly = [window for window in windows if window.is_weekly]
    # In January no clock is changed, north or south.
    start = datetime(2026, 1, 5, tzinfo=timezone.utc)
    found = []
    for kind, network in FREEZABLE:
        held = _frozen([window for window in weekly if window.holds_for(kind, network)], start, _ENDLESS)
        if held is not None and held.until - start >= _ENDLESS:
            found.append(f"freeze_windows leave no time at all for {kind}{' to ' if network else ''}{network}")
    return found
