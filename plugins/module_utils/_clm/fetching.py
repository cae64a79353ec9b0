# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a discovery fetches one enrollment at a time: PEM and history. Each is kept at once, so a stopped run goes on.

Knows nothing of CPS beyond the target's contract.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, TypeVar

from .._core.errors import InputError, NotFoundError, RateLimited, RemoteError
from .._core.types import AuditEntry, Bundle, StoredPem
from .._store.base import Store, Unit
from .._target.base import Former, Target
from .discovery import Difference, live_mark
from .history import adopt

T = TypeVar("T")

# After so many failures in a row it is the service that fails, not the enrollment.
_FAILURES_IN_A_ROW = 3
_NAMED = 20


@dataclass
class Fetched:
    """What came of it.

    :ivar pems: certificates stored; ``former``: earlier certificates put into the inventory.
    :ivar pems_left: enrollments left for the next time, ``histories_left`` likewise.
    :ivar unreadable: enrollments whose answer cannot be used; the next run tries them last.
    """

    pems: int = 0
    former: int = 0
    pems_left: int = 0
    histories_left: int = 0
    notes: list[str] = field(default_factory=list)
    unreadable: set[int] = field(default_factory=set)

    def counts(self) -> dict[str, int]:
        """Give the numbers for a result."""
        return {
            "fetched": self.pems,
            "pems_left": self.pems_left,
            "former": self.former,
            "histories_left": self.histories_left,
        }

    def bounded_notes(self) -> list[str]:
        """Give the notes; of many the first ones, and how many more there are."""
        more = len(self.notes) - _NAMED
        return self.notes if more <= 0 else [*self.notes[:_NAMED], f"{more} more enrollments could not be fetched"]


class Fetcher:
    """Fetches for one device.

    :param may_call: asked before each call; once it says no, the rest is left for the next time.
    :param last: enrollments to try last, for they failed before.
    """

    def __init__(
        self, device: str, actor: str, target: Target, store: Store, may_call: Callable[[], bool], last: Iterable[int]
    ) -> None:
        self._device, self._actor, self._target, self._store = device, actor, target, store
        self._may_call, self._last = may_call, frozenset(last)
        self._is_stopped = False
        self.done = Fetched()

    def pems(self, difference: Difference) -> None:
        """Store the PEM that came along with the discovery, and fetch the others that the store lacks.

        :raises RemoteError: the service fails, or refuses; what was fetched before is kept.
        """
        for fingerprint, (enrollment_id, bundle) in difference.bundles.items():
            with self._store.write() as unit:
                self._keep_pems(unit, enrollment_id, {fingerprint: bundle})
        wanted: dict[int, set[str]] = {}
        for fingerprint, enrollment_id in difference.unfetched.items():
            wanted.setdefault(enrollment_id, set()).add(fingerprint)

        def keep(enrollment_id: int, bundles: Mapping[str, Bundle]) -> None:
            with self._store.write() as unit:
                self._keep_pems(unit, enrollment_id, bundles)
            if wanted[enrollment_id] - set(bundles):
                self._note(enrollment_id, "what it serves by now, or can be read of it, is not what was listed")

        self.done.pems_left = self._each(sorted(wanted), self._target.fetch_pem, keep)

    def histories(self, enrollment_ids: Sequence[int], now: datetime) -> None:
        """Read what was live before, and put it into the inventory.

        :raises RemoteError: the service fails, or refuses; what was read before is kept.
        """

        def keep(enrollment_id: int, formers: Sequence[Former]) -> None:
            with self._store.write() as unit:
                self._keep_history(unit, enrollment_id, formers, now)

        self.done.histories_left = self._each(sorted(enrollment_ids), self._target.fetch_history, keep)

    def _each(self, ids: Sequence[int], fetch: Callable[[int], T], keep: Callable[[int, T], None]) -> int:
        """Fetch for each; gives how many were left."""
        failures = 0
        ordered = sorted(ids, key=lambda one: (one in self._last, one))
        for number, enrollment_id in enumerate(ordered):
            if self._is_stopped or not self._may_call():
                return len(ids) - number
            try:
                keep(enrollment_id, fetch(enrollment_id))
                failures = 0
            except NotFoundError:
                self._note(enrollment_id, "it is gone by now")
            except InputError as exc:
                self._note(enrollment_id, exc.message)
            except RateLimited as exc:
                self._is_stopped = True
                self.done.notes.append(f"fetching stopped at enrollment {enrollment_id}: {exc.message}")
                return len(ids) - number
            except RemoteError as exc:
                failures += 1
                if failures >= _FAILURES_IN_A_ROW or exc.status in (401, 403):
                    raise
                self._note(enrollment_id, exc.message)
        return 0

    def _note(self, enrollment_id: int, reason: str) -> None:
        self.done.unreadable.add(enrollment_id)
        self.done.notes.append(f"enrollment {enrollment_id}: {reason}")

    def _keep_pems(self, unit: Unit, enrollment_id: int, bundles: Mapping[str, Bundle]) -> None:
        for fingerprint, bundle in bundles.items():
            if unit.pems.get(fingerprint) is None:
                unit.pems.add(StoredPem(fingerprint, bundle.leaf, "".join(bundle.chain), bundle.root))
                self.done.pems += 1
                after = {"enrollment_id": enrollment_id, "fingerprint": fingerprint}
                unit.audit(AuditEntry(self._actor, "certificate_fetched", "device", self._device, after=after))

    def _keep_history(self, unit: Unit, enrollment_id: int, formers: Sequence[Former], now: datetime) -> None:
        found = unit.certificates.find(device=self._device, enrollment_id=enrollment_id)
        for certificate in found[:1]:
            line, added = adopt(unit, certificate, formers, now)
            unit.certificates.put(replace(line, history_read=live_mark(certificate), updated_at=now))
            self.done.former += len(added)
            for former in formers:
                self._keep_pems(unit, enrollment_id, former.bundles)
            after: dict[str, Any] = {"enrollment_id": enrollment_id, "former": added}
            key = certificate.certificate_id
            unit.audit(AuditEntry(self._actor, "history_read", "certificate", key, after=after))
