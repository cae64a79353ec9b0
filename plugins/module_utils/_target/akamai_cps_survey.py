# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What two lists tell of every enrollment of a contract, as long as it is fresh: many changes wait for two calls."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .._core.clock import Clock
from .._core.errors import RemoteError
from .._cps.client import CpsClient
from .._cps.models import EnrollmentRecord
from .akamai_cps_discovery import active_facts
from .base import NetworkFacts

FRESH_S = 60.0
"""So long what was read of an enrollment is taken for what is there."""


@dataclass(frozen=True)
class Surveyed:
    """What was listed of one enrollment.

    :ivar staging: what staging serves, production likewise; None where that list is not to be had.
    """

    enrollment: EnrollmentRecord
    staging: NetworkFacts | None = None
    production: NetworkFacts | None = None


def told(network: NetworkFacts) -> Mapping[str, Any]:
    """Give the settings that a list tells of a network; empty where it serves nothing."""
    return network.settings or (network.read_settings() if network.read_settings else {})


class Survey:
    """Keeps what the lists told, by enrollment."""

    def __init__(self, client: CpsClient, clock: Clock) -> None:
        self._client, self._clock = client, clock
        self._found: dict[int, tuple[float, Surveyed]] = {}
        self._taken: dict[str, float] = {}

    def take(self, contracts: Sequence[str]) -> None:
        """Read the lists of these contracts that are not fresh: the enrollments first, so that an end shows in both.

        :source: cps-protocol §4.4.
        """
        for contract_id in contracts:
            now = self._clock.monotonic()
            if now - self._taken.get(contract_id, now - FRESH_S) < FRESH_S:
                continue
            # One that cannot be read is asked for by itself, where anybody waits for it.
            enrollments = self._client.list_enrollments(contract_id or None, [])
            active = self._active(contract_id)
            for enrollment in enrollments:
                found = Surveyed(enrollment)
                if active is not None:
                    found = Surveyed(enrollment, *active.get(enrollment.id, (NetworkFacts(), NetworkFacts())))
                self._found[enrollment.id] = (now, found)
            self._taken[contract_id] = now

    def of(self, enrollment_id: int) -> Surveyed | None:
        """Give what was listed of an enrollment; None when it was not, or not lately."""
        at, found = self._found.get(enrollment_id, (0.0, None))
        return found if found is not None and self._clock.monotonic() - at < FRESH_S else None

    def forget(self, enrollment_id: int) -> None:
        """Take nothing for granted of an enrollment any more: something was sent to it."""
        self._found.pop(enrollment_id, None)

    def _active(self, contract_id: str) -> dict[int, tuple[NetworkFacts, NetworkFacts]] | None:
        try:
            records = self._client.active_certificates(contract_id or None, [])
        except RemoteError:
            # Not open to every account, and its limit is lower; what is served is asked for one by one then.
            return None
        return {record.id: (active_facts(record.staging), active_facts(record.production)) for record in records}
