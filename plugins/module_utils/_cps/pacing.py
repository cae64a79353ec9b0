# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The pacer of calls: counts and waits by a ledger that all processes on one account share.

Knows the ledger's contract, not where it is kept.
"""

from __future__ import annotations

from datetime import timedelta

from .._core.clock import Clock
from .._core.errors import RateLimited
from .._core.ledger import CallLedger, Limits

ACTIVE_CERTIFICATES = "active-certificates"
"""The family of calls that has a limit of its own."""

_SLOW_SHARE = 8
_WINDOW_S = 60.0
_LEAST_WAIT_S = 0.001
# CPS's windows are minutes; a longer wait is a slip of somebody's clock, and would hold back every job for as long.
_LONGEST_TOLD_S = 900.0


class LedgerPacer:
    """Keeps the calls of one account within its limits.

    :param account: key of the account in the ledger: one for all clients of that account.
    :param max_wait_s: seconds one call may wait before it is refused.
    :param service: what is called, for messages.
    """

    def __init__(
        self,
        ledger: CallLedger,
        account: str,
        clock: Clock,
        *,
        max_wait_s: float = 300.0,
        limits: Limits | None = None,
        service: str = "CPS",
    ) -> None:
        self._ledger = ledger
        self._account = account
        self._clock = clock
        self._max_wait_s = max_wait_s
        self._limits, self._service = limits or Limits(), service
        self.calls = 0

    def before(self, family: str) -> None:
        """Count one call, waiting first where the limits ask for it.

        :raises RateLimited: the wait would be longer than allowed.
        """
        waited = 0.0
        while True:
            wait = self._ledger.reserve(self._account, family, self._limits, self._clock.now())
            if wait <= 0.0:
                self.calls += 1
                return
            wait = max(wait, _LEAST_WAIT_S)
            if waited + wait > self._max_wait_s:
                raise RateLimited(
                    f"Cannot call {self._service} now: the calls of this account are used up for another {wait:.0f} "
                    f"seconds, and this run may wait {self._max_wait_s:.0f} seconds for one call; run it again later, "
                    "or run fewer jobs on this account at a time",
                    retry_after_s=wait,
                    details={"family": family or None},
                )
            self._clock.sleep(wait)
            waited += wait

    def told_to_wait(self, seconds: float) -> None:
        """Hold back every caller of the account for that long from now, 15 minutes at most."""
        held_s = min(seconds, _LONGEST_TOLD_S)
        self._ledger.block(self._account, self._clock.now() + timedelta(seconds=held_s))

    def remaining(self, left: int, limit: int) -> None:
        """Slow every caller down when others used the account nearly up: the less is left, the longer the pause."""
        threshold = limit // _SLOW_SHARE
        if limit > 0 and left <= threshold:
            self.told_to_wait((threshold - left + 1) * _WINDOW_S / limit)
