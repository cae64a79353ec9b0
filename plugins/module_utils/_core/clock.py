# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Time as a port: the one place that reads the computer's clock."""

from __future__ import annotations

import re
import time
from datetime import datetime, timezone
from typing import Protocol

_FRACTION = re.compile(r"\.(\d+)")
_PLAIN_OFFSET = re.compile(r"([+-]\d\d)(\d\d)$")


class Clock(Protocol):
    """What code that needs the time is given."""

    def now(self) -> datetime:
        """Give the current time, UTC, aware."""

    def sleep(self, seconds: float) -> None:
        """Wait; a test's clock moves itself instead."""

    def monotonic(self) -> float:
        """Give seconds that never go back, for durations and deadlines."""


class SystemClock:
    """The computer's own clock."""

    def now(self) -> datetime:
        """Give the current time, UTC, aware."""
        return datetime.now(timezone.utc)

    def sleep(self, seconds: float) -> None:
        """Wait that many seconds; nothing for zero and below."""
        if seconds > 0:
            time.sleep(seconds)

    def monotonic(self) -> float:
        """Give seconds that never go back."""
        return time.monotonic()


def to_text(moment: datetime) -> str:
    """Write a moment as ISO 8601 in UTC with a Z, to the second.

    :param moment: aware; naive is taken as UTC.
    """
    aware = moment if moment.tzinfo else moment.replace(tzinfo=timezone.utc)
    return aware.astimezone(timezone.utc).replace(microsecond=0).isoformat().replace("+00:00", "Z")


def from_text(text: str) -> datetime:
    """Read ISO 8601; ``Z``, ``z``, offsets and none (then UTC) are taken, fractions of any length too.

    :raises ValueError: the text is no such time.
    """
    cleaned = text.strip()
    if cleaned[-1:] in {"Z", "z"}:
        cleaned = cleaned[:-1] + "+00:00"
    # Python before 3.11 takes offsets with a colon only, and fractions of three or six digits; CPS writes one to nine.
    cleaned = _PLAIN_OFFSET.sub(r"\1:\2", cleaned)
    match = _FRACTION.search(cleaned)
    if match:
        fraction = (match.group(1) + "000000")[:6]
        cleaned = cleaned.replace(match.group(0), f".{fraction}", 1)
    moment = datetime.fromisoformat(cleaned)
    return moment.replace(tzinfo=timezone.utc) if moment.tzinfo is None else moment.astimezone(timezone.utc)
