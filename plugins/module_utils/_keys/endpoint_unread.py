# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Entries of a contract's list that cannot be read, weighed before an enrollment is opened: may it be the one?

An entry is known by its names: CPS adds the common name to the SANs (cps-protocol §2.3), so either tells. One without
any is read alone. What stays without a name may be the order's only where an earlier create may have been done: CPS
itself opens no second enrollment of a common name unless it is told to, and then nothing is begun again beside doubts.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from .._core.errors import RemoteError
from .._cps.client import CpsClient
from .._cps.errors import RemoteNotFound
from .._cps.models import EnrollmentRecord
from .._cps.scanning import Unreadable
from .base import KeyOrder, Obstacle

# More of them are a fault of the list, and reading each would cost the budget of the account.
_READ_ALONE = 5
_REMEDY = "have it repaired or removed in Akamai Control Center, then run again"


class Unread:
    """What is left unread of the list of one contract, after those without a name were read alone.

    :ivar readable: the enrollments that could be read alone.
    """

    def __init__(self, client: CpsClient, contract_id: str, entries: Sequence[Unreadable]) -> None:
        self.readable: list[EnrollmentRecord] = []
        self._contract_id = contract_id
        self._left: list[Unreadable] = []
        asked = 0
        for entry in entries:
            if entry.names or entry.enrollment_id is None or asked == _READ_ALONE:
                self._left.append(entry)
                continue
            asked += 1
            self._left += self._read(client, entry, entry.enrollment_id)

    def _read(self, client: CpsClient, entry: Unreadable, enrollment_id: int) -> list[Unreadable]:
        try:
            found = client.get_enrollment(enrollment_id)
        except RemoteNotFound:
            return []
        except RemoteError as exc:
            if exc.code != "unreadable_answer":
                raise
            return [entry]
        self.readable.append(replace(found, contract_id=self._contract_id))
        return []

    def obstacles(self, order: KeyOrder) -> list[Obstacle]:
        """Give those that have the order's common name."""
        name = order.spec.common_name.lower()
        return [
            Obstacle(
                "enrollment_unreadable",
                f"{self._said(entry)} and bears the name {name}, so that it may be what is to be opened; {_REMEDY}",
            )
            for entry in self._left
            if name in entry.names
        ]

    def doubts(self) -> list[str]:
        """Give a sentence for each that may be any enrollment."""
        return [self._said(entry) for entry in self._left if not entry.names]

    def notes(self) -> list[str]:
        """Give a sentence for each that was passed over."""
        return [f"{self._said(entry)}; it was passed over" for entry in self._left]

    def _said(self, entry: Unreadable) -> str:
        which = f"enrollment {entry.enrollment_id}" if entry.enrollment_id else "an enrollment"
        return f"{which} on contract {self._contract_id} cannot be read ({entry.reason})"
