# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The sandbox's clock: runs with the machine's or stands still, and can be moved forward. Knows nothing of CPS."""

from __future__ import annotations

import threading
from datetime import datetime, timedelta, timezone


class SandboxClock:
    """Give the sandbox's time; moving it is how a rehearsal skips days.

    :param start: moment (UTC) the sandbox begins at; None takes the machine's time.
    :param frozen: True stands still between calls of :meth:`advance`; False runs on with the machine's clock.
    """

    def __init__(self, start: datetime | None = None, frozen: bool = False) -> None:
        self._lock = threading.Lock()
        self._frozen = frozen
        machine = datetime.now(timezone.utc)
        self._base = start.astimezone(timezone.utc) if start is not None else machine
        self._machine = machine

    def now(self) -> datetime:
        """Give the sandbox's present moment, UTC, timezone-aware."""
        with self._lock:
            return self._now()

    def advance(self, seconds: float) -> datetime:
        """Move the clock forward and give the new moment.

        :param seconds: zero or more; the clock never goes back.
        :raises ValueError: ``seconds`` is negative.
        """
        if seconds < 0:
            raise ValueError("the sandbox clock only moves forward")
        with self._lock:
            self._base += timedelta(seconds=seconds)
            return self._now()

    def _now(self) -> datetime:
        if self._frozen:
            return self._base
        return self._base + (datetime.now(timezone.utc) - self._machine)


def iso(moment: datetime) -> str:
    """Write a UTC moment the way CPS does: ``2026-11-23T12:00:00Z``."""
    return moment.astimezone(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


def parse_iso(text: str) -> datetime:
    """Read an ISO-8601 moment; ``Z``, ``z`` and a missing zone all mean UTC.

    :raises ValueError: the text is no moment.
    """
    cleaned = text.strip()
    if cleaned[-1:] in ("Z", "z"):
        cleaned = cleaned[:-1] + "+00:00"
    moment = datetime.fromisoformat(cleaned)
    return moment.replace(tzinfo=timezone.utc) if moment.tzinfo is None else moment.astimezone(timezone.utc)
