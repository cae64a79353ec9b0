# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The shared count of calls to one account: what a store owes, and the rule every store applies.

Knows no vendor; the limits are handed in. The rule is a pure function, so that every store decides alike.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol

MINUTE_S = 60.0
"""Calls older than this many seconds play no part any more; a store may delete them."""

Call = tuple[datetime, str]
"""When a call went out (UTC), and the family it counts under (empty for none)."""


def _active_certificates() -> Mapping[str, int]:
    return {"active-certificates": 9}


@dataclass(frozen=True)
class Limits:
    """How many calls may start in a sliding window; a little under what the vendor allows.

    :ivar per_minute: calls of the account in 60 seconds.
    :ivar burst: calls of the account in ``burst_window_s``.
    :ivar family_per_minute: calls of one family in 60 seconds.
    :source: CPS documentation: 35 a minute and 20 in two seconds for an account, 10 a minute for active-certificates.
    """

    per_minute: int = 30
    burst: int = 10
    burst_window_s: float = 2.0
    family_per_minute: Mapping[str, int] = field(default_factory=_active_certificates)


class CallLedger(Protocol):
    """A count of calls that all processes on one account share.

    ``reserve`` decides and counts in one transaction, under a lock on the account: of two callers that see one place
    left, one gets it. Rows older than ``MINUTE_S`` may be deleted in the same transaction.
    """

    def reserve(self, account: str, family: str, limits: Limits, now: datetime) -> float:
        """Count one call, if ``decide`` lets it go.

        :param account: key of the account; any text.
        :param now: UTC.
        :returns: 0.0 when the call was counted and may go; else the seconds to wait, and nothing was counted.
        """

    def block(self, account: str, until: datetime) -> None:
        """Let no call of the account go before that moment (UTC); an earlier one than already noted changes nothing."""


def _room_in(times: list[datetime], limit: int, window_s: float, now: datetime) -> float:
    """Give the seconds until fewer than ``limit`` of the times are inside the window that ends now."""
    if limit < 1:
        return MINUTE_S
    window = timedelta(seconds=window_s)
    # A time far ahead comes from a clock that was put back; it must not stop the account for as long.
    inside = sorted(moment for moment in times if abs(now - moment) < window)
    if len(inside) < limit:
        return 0.0
    return (inside[-limit] + window - now).total_seconds()


def decide(
    history: Iterable[Call], blocked_until: datetime | None, family: str, limits: Limits, now: datetime
) -> float:
    """Give the seconds to wait before one more call may start; 0.0 when it may start now.

    :param history: at least all calls of the account that began less than ``MINUTE_S`` before now, in any order.
    :param blocked_until: end of a wait the vendor asked for (UTC), or None.
    :param now: UTC.
    """
    calls = list(history)
    times = [moment for moment, _family in calls]
    waits = [
        _room_in(times, limits.per_minute, MINUTE_S, now),
        _room_in(times, limits.burst, limits.burst_window_s, now),
    ]
    if blocked_until is not None:
        waits.append((blocked_until - now).total_seconds())
    if family in limits.family_per_minute:
        own = [moment for moment, of in calls if of == family]
        waits.append(_room_in(own, limits.family_per_minute[family], MINUTE_S, now))
    return max(0.0, *waits)


class MemoryLedger:
    """A ledger of this process alone, for reads without a store; threads may share it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._calls: dict[str, list[Call]] = {}
        self._blocked: dict[str, datetime] = {}

    def reserve(self, account: str, family: str, limits: Limits, now: datetime) -> float:
        """Count one call, or give the seconds to wait."""
        with self._lock:
            oldest = now - timedelta(seconds=MINUTE_S)
            recent = [call for call in self._calls.get(account, []) if call[0] > oldest]
            wait = decide(recent, self._blocked.get(account), family, limits, now)
            self._calls[account] = recent if wait else [*recent, (now, family)]
            return wait

    def block(self, account: str, until: datetime) -> None:
        """Let no call go before that moment."""
        with self._lock:
            known = self._blocked.get(account)
            self._blocked[account] = until if known is None else max(known, until)
