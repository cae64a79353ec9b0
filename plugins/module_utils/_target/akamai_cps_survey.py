# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What two lists tell of every enrollment of a contract, as long as they are fresh; each is read when it is needed.

The list of what is live tells which changes are open, and what the networks serve; that of the enrollments which
changes are open, and how each enrollment is set up. While nothing moves one of them is enough for all who wait.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from .._core.clock import Clock
from .._core.errors import RemoteError
from .._cps.client import CpsClient
from .._cps.models import ActiveRecord, EnrollmentRecord
from .akamai_cps_discovery import active_facts
from .base import NetworkFacts

FRESH_S = 60.0
"""So long what was read of an enrollment is taken for what is there."""

Record = TypeVar("Record", ActiveRecord, EnrollmentRecord)


@dataclass(frozen=True)
class Live:
    """What the list of what is live tells of one enrollment.

    :ivar changes: ids of those that are open.
    :ivar sans: names of its certificate.
    """

    changes: tuple[int, ...]
    sans: tuple[str, ...]
    staging: NetworkFacts
    production: NetworkFacts


def told(network: NetworkFacts) -> Mapping[str, Any]:
    """Give the settings that a list tells of a network; empty where it serves nothing."""
    return network.settings or (network.read_settings() if network.read_settings else {})


class _List(Generic[Record]):
    """One of the lists, of any contracts, by enrollment."""

    def __init__(self, read: Callable[[str | None], Sequence[Record]], clock: Clock) -> None:
        self._read: Callable[[str | None], Sequence[Record]] = read
        self._clock = clock
        self._found: dict[int, tuple[float, Record]] = {}
        self._taken: dict[str, float] = {}

    def of(self, enrollment_id: int, contracts: Sequence[str] = ()) -> Record | None:
        """Give what is listed of an enrollment; None when it is not, or not lately.

        :param contracts: whose lists are read first, where they are not fresh.
        """
        for contract_id in contracts:
            self._take(contract_id)
        at, found = self._found.get(enrollment_id, (0.0, None))
        return found if found is not None and self._clock.monotonic() - at < FRESH_S else None

    def forget(self, enrollment_id: int) -> None:
        """Take nothing for granted of an enrollment any more."""
        self._found.pop(enrollment_id, None)

    def _take(self, contract_id: str) -> None:
        now = self._clock.monotonic()
        if now - self._taken.get(contract_id, now - FRESH_S) < FRESH_S:
            return
        self._taken[contract_id] = now
        try:
            records = self._read(contract_id or None)
        except RemoteError:
            # What cannot be listed is asked for one by one by all who wait, and tells each what is wrong.
            return
        self._found.update({record.id: (now, record) for record in records})


class Survey:
    """Answers from lists, which are read when something is asked that one of them tells.

    :source: cps-protocol §4.4.
    """

    def __init__(self, client: CpsClient, clock: Clock) -> None:
        # One that cannot be read is asked for by itself, where anybody waits for it.
        self._enrollments = _List(lambda contract_id: client.list_enrollments(contract_id, []), clock)
        # Not open to every account, and its limit is lower.
        self._live = _List(lambda contract_id: client.active_certificates(contract_id, []), clock)
        self._contracts: tuple[str, ...] = ()
        self._is_of_staging = False

    def take(self, contracts: Sequence[str], *, is_of_staging: bool) -> None:
        """Let the lists of these contracts be read from now on, and those of no other one.

        :param is_of_staging: somebody waits for staging: the list that tells of it is read first, and does for all.
        """
        self._contracts, self._is_of_staging = tuple(contracts), is_of_staging

    def changes(self, enrollment_id: int) -> Sequence[int] | None:
        """Give the ids of the changes that are open, by either list; None when neither tells of the enrollment."""
        live = self._live.of(enrollment_id, self._contracts if self._is_of_staging else ())
        record = live or self._enrollments.of(enrollment_id, self._contracts)
        return None if record is None else [change.change_id for change in record.pending_changes]

    def enrollment(self, enrollment_id: int) -> EnrollmentRecord | None:
        """Give an enrollment as it is listed; None when it is not."""
        return self._enrollments.of(enrollment_id, self._contracts)

    def live(self, enrollment_id: int) -> Live | None:
        """Give what its networks serve; None when that is not listed, or the list not to be had."""
        record = self._live.of(enrollment_id, self._contracts)
        if record is None:
            return None
        changes = tuple(change.change_id for change in record.pending_changes)
        return Live(changes, record.sans, active_facts(record.staging), active_facts(record.production))

    def forget(self, enrollment_id: int) -> None:
        """Take nothing for granted of an enrollment any more: something was sent to it."""
        self._enrollments.forget(enrollment_id)
        self._live.forget(enrollment_id)
