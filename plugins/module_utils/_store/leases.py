# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Named locks with an expiry, held across remote calls by whoever does long work."""

from __future__ import annotations

import os
from datetime import timedelta

from .._core.clock import Clock
from .._core.errors import ConflictError
from .codec import time_text
from .sql import Database


class Leases:
    """The leases of one store.

    Each step is one statement, so that two takers cannot both succeed. Machines compare their own clocks with the
    expiry: let a lease be longer than the clocks may differ.

    :param holder: names this call to those it keeps waiting, as ``alice@host pid 4711``.
    """

    def __init__(self, database: Database, clock: Clock, holder: str) -> None:
        self._database = database
        self._clock = clock
        self._holder = holder

    def take(self, name: str, seconds: float) -> str:
        """Take a lease that is free or expired, and give the token that proves it.

        :raises ConflictError: somebody holds it, this store's own holder too.
        """
        self._database.check_alone()
        now = self._clock.now()
        # Not the holder's name: one person's two jobs must exclude each other, too.
        token = os.urandom(16).hex()
        taken = self._database.run(
            "INSERT INTO leases (name, holder, token, expires_at) VALUES (?, ?, ?, ?) "
            "ON CONFLICT (name) DO UPDATE SET holder = excluded.holder, token = excluded.token, "
            "expires_at = excluded.expires_at WHERE leases.expires_at <= ?",
            (name, self._holder, token, time_text(now + timedelta(seconds=seconds)), time_text(now)),
        )
        if taken != 1:
            raise self._held(name)
        return token

    def renew(self, name: str, token: str, seconds: float) -> None:
        """Move the expiry to that many seconds from now.

        :raises ConflictError: the lease expired and was taken over.
        """
        expires = time_text(self._clock.now() + timedelta(seconds=seconds))
        renewed = self._database.run(
            "UPDATE leases SET expires_at = ? WHERE name = ? AND token = ?", (expires, name, token)
        )
        if renewed != 1:
            raise self._held(name)

    def release(self, name: str, token: str) -> None:
        """Give the lease back; nothing happens when somebody took it over."""
        self._database.run("DELETE FROM leases WHERE name = ? AND token = ?", (name, token))

    def drop_expired(self) -> list[tuple[str, str]]:
        """Forget what expired and give name and holder of each; who takes one meanwhile keeps it."""
        self._database.check_alone()
        now = time_text(self._clock.now())
        rows = self._database.rows("SELECT name, holder, token FROM leases WHERE expires_at <= ? ORDER BY name", (now,))
        gone = "DELETE FROM leases WHERE name = ? AND token = ? AND expires_at <= ?"
        return [(name, holder) for name, holder, token in rows if self._database.run(gone, (name, token, now))]

    def _held(self, name: str) -> ConflictError:
        rows = self._database.rows("SELECT holder, expires_at FROM leases WHERE name = ?", (name,))
        holder, until = rows[0] if rows else ("somebody who has just finished", "now")
        return ConflictError(
            f"Cannot work on {name}: {holder} is at it, until {until} at the latest; run the task again later",
            code="lease_held",
            details={"lease": name, "holder": holder, "until": until},
        )
