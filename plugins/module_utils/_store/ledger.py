# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The shared count of API calls, kept in the store: one row an account."""

from __future__ import annotations

import json
from datetime import datetime, timedelta

from .._core.ledger import MINUTE_S, Call, Limits, decide
from .codec import json_text, time_of, time_text
from .sql import Database


class StoreLedger:
    """A call ledger whose lock is the account's row: on PostgreSQL it waits for no other writer."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def reserve(self, account: str, family: str, limits: Limits, now: datetime) -> float:
        """Count one call, or give the seconds to wait."""
        with self._database.transaction(self._database.begin_short):
            calls, blocked = self._locked(account)
            oldest = now - timedelta(seconds=MINUTE_S)
            recent = [call for call in calls if call[0] > oldest]
            wait = decide(recent, blocked, family, limits, now)
            if wait == 0:
                kept = [[time_text(moment), of] for moment, of in [*recent, (now, family)]]
                self._database.run("UPDATE ledger SET calls = ? WHERE account = ?", (json_text(kept), account))
        return wait

    def block(self, account: str, until: datetime) -> None:
        """Let no call go before that moment."""
        with self._database.transaction(self._database.begin_short):
            _calls, known = self._locked(account)
            if known is None or known < until:
                self._database.run("UPDATE ledger SET blocked_until = ? WHERE account = ?", (time_text(until), account))

    def _locked(self, account: str) -> tuple[list[Call], datetime | None]:
        """Lock the account's row, which is made at the first call, and read it."""
        self._database.run(
            "INSERT INTO ledger (account, blocked_until, calls) VALUES (?, NULL, '[]') "
            "ON CONFLICT (account) DO NOTHING",
            (account,),
        )
        found = self._database.rows(
            f"SELECT calls, blocked_until FROM ledger WHERE account = ?{self._database.row_lock}", (account,)
        )
        calls, blocked = found[0]
        history = [(time_of(moment), family) for moment, family in json.loads(calls)]
        return history, time_of(blocked) if blocked else None
