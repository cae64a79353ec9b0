# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A place where a store may stand, for tests: opens it, reaches under it, and works on it in other processes."""

from __future__ import annotations

import contextlib
import sqlite3
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta, timezone
from multiprocessing import get_context
from typing import Any

from ansible_collections.edgecert.clm.plugins.module_utils._core.clock import SystemClock
from ansible_collections.edgecert.clm.plugins.module_utils._core.errors import ConflictError
from ansible_collections.edgecert.clm.plugins.module_utils._core.ledger import Limits
from ansible_collections.edgecert.clm.plugins.module_utils._core.redact import Secret
from ansible_collections.edgecert.clm.plugins.module_utils._core.types import AuditEntry, Certificate, Device
from ansible_collections.edgecert.clm.plugins.module_utils._store.open import open_store
from ansible_collections.edgecert.clm.plugins.module_utils._store.seal import StoreKey
from ansible_collections.edgecert.clm.plugins.module_utils._store.store import SqlStore

KEY = "a test's store key"
NOON = datetime(2026, 11, 23, 12, tzinfo=timezone.utc)


@dataclass
class StandingClock:
    """Time that moves only when told to."""

    moment: datetime = NOON

    def now(self) -> datetime:
        """Give the moment it stands at."""
        return self.moment

    def sleep(self, seconds: float) -> None:
        """Move on."""
        self.moment += timedelta(seconds=seconds)

    def monotonic(self) -> float:
        """Give the moment as seconds."""
        return self.moment.timestamp()


@dataclass
class StorePlace:
    """One database that holds a store, or will."""

    url: str
    key: StoreKey = field(default_factory=lambda: StoreKey(Secret(KEY)))
    clock: StandingClock = field(default_factory=StandingClock)

    @property
    def is_sqlite(self) -> bool:
        """Say which back end it is."""
        return self.url.startswith("sqlite")

    @contextlib.contextmanager
    def open(self, holder: str = "tester", key: StoreKey | None = None, **options: bool) -> Iterator[SqlStore]:
        """Open the store for a block."""
        store = open_store(self.url, self.key if key is None else key, self.clock, holder, **options)
        with contextlib.closing(store):
            yield store

    def execute(self, sql: str, *parameters: Any) -> list[Any]:
        """Reach under the store, as somebody with the database's password could; ``?`` marks parameters."""
        if self.is_sqlite:
            with contextlib.closing(sqlite3.connect(self.url[len("sqlite:///") :])) as lite:
                rows = lite.execute(sql, parameters).fetchall()
                lite.commit()
                return rows
        import psycopg

        with psycopg.connect(self.url) as connection:
            cursor = connection.execute(sql.replace("?", "%s").encode(), parameters or None)
            return cursor.fetchall() if cursor.description else []


def care(place: StorePlace, action: str, *, check: bool = False, diff: bool = False, **options: Any) -> Any:
    """Run ``clm_store`` on the store, through the real AnsibleModule, and give its result."""
    from ansible_collections.edgecert.clm.plugins.modules import clm_store
    from ansible_collections.edgecert.clm.tests.support.run_module import run

    key = {"store_key": place.key.text.reveal()} if place.key.text else {"store_key_file": place.key.path or None}
    return run(clm_store.main, {"store": place.url, **key, "action": action, **options}, check=check, diff=diff)


def in_processes(work: Callable[..., Any], url: str, processes: int, *arguments: Any) -> list[Any]:
    """Run ``work(url, number, *arguments)`` in that many fresh processes at once."""
    # A fresh interpreter each: a forked one would share this one's connections.
    context = get_context("spawn")
    with ProcessPoolExecutor(processes, mp_context=context, initializer=sys.path.extend, initargs=(sys.path,)) as pool:
        futures = [pool.submit(work, url, number, *arguments) for number in range(processes)]
        return [future.result() for future in futures]


@contextlib.contextmanager
def opened(url: str, number: int) -> Iterator[SqlStore]:
    """Open a store as a working process does."""
    with contextlib.closing(open_store(url, StoreKey(Secret(KEY)), SystemClock(), f"worker {number}")) as store:
        yield store


def count_up(url: str, number: int, times: int) -> int:
    """Add one to a shared record and one record of its own, that many times; answer the clashes of versions."""
    clashes = 0
    with opened(url, number) as store:
        for turn in range(times):
            while True:
                with store.read() as unit:
                    seen = unit.certificates.get("shared")
                assert seen is not None
                try:
                    with store.write() as unit:
                        # First what reads before it writes: without the writers' lock two would read the same end.
                        unit.audit(AuditEntry(f"worker {number}", "counted", "certificate", "shared"))
                        unit.certificates.add(Certificate(f"own-{number}-{turn}", "enrolled", "own.example.com"))
                        unit.certificates.put(replace(seen, san_count=seen.san_count + 1))
                    break
                except ConflictError:
                    clashes += 1
    return clashes


def mixed_work(url: str, number: int, turns: int) -> dict[str, int]:
    """Do a bit of everything, that many times; answer how often what others did was met."""
    met = {"clashes": 0, "leases": 0, "waits": 0, "reads": 0}
    limits = Limits(per_minute=1_000_000, burst=1_000_000)
    with opened(url, number) as store:
        for turn in range(turns):
            met["waits"] += store.ledger.reserve("account", "", limits, SystemClock().now()) > 0
            try:
                with store.lease(f"certificate {turn % 3}", 600):
                    met["clashes"] += _raise_counter(store, f"leased-{turn % 3}")
                    _raise_counter(store, f"of-{number}")
            except ConflictError as exc:
                if exc.code != "lease_held":
                    raise
                met["leases"] += 1
                met["clashes"] += _raise_counter(store, "shared")
            with store.read() as unit:
                # One consistent view: every change of a counter has its line in the audit.
                counted = sum(one.san_count for one in unit.certificates.find())
                met["reads"] += counted == sum(1 for _row in unit.audit_rows())
    return met


def _raise_counter(store: SqlStore, name: str) -> int:
    """Add one to a counter that others change too; answer the clashes of versions."""
    clashes = 0
    while True:
        with store.read() as unit:
            seen = unit.certificates.get(name)
        assert seen is not None
        try:
            with store.write() as unit:
                unit.audit(AuditEntry("worker", "counted", "certificate", name))
                unit.certificates.put(replace(seen, san_count=seen.san_count + 1))
            return clashes
        except ConflictError:
            clashes += 1


def seal_one(url: str, number: int) -> None:
    """Store a device with a secret, in a store that may not have a data key yet."""
    with opened(url, number) as store, store.write() as unit:
        unit.devices.add(Device(f"device-{number}", client_secret=Secret(f"hush-{number}")))


def reserve_calls(url: str, number: int, tries: int, now: datetime) -> int:
    """Ask the ledger for calls at one moment; answer how many were granted."""
    with opened(url, number) as store:
        limits = Limits(per_minute=25, burst=25)
        return sum(store.ledger.reserve("account", "", limits, now) == 0 for _try in range(tries))


def take_lease(url: str, number: int) -> bool:
    """Take a lease and keep it until the process ends, without giving it back; answer whether it was got."""
    store = open_store(url, StoreKey(Secret(KEY)), SystemClock(), f"worker {number}")
    lease = store.lease("certificate www.example.com", 600)
    _KEPT.append((store, lease))
    try:
        lease.__enter__()
    except ConflictError:
        return False
    return True


_KEPT: list[Any] = []


def migrate_and_count(url: str, number: int) -> tuple[int, int]:
    """Open a store that may need its migration; answer the schema it had, and its certificates."""
    with (
        contextlib.closing(
            open_store(url, StoreKey(Secret(KEY)), SystemClock(), f"worker {number}", migrate=True)
        ) as store,
        store.read() as unit,
    ):
        return store.schema_before, unit.certificates.count()
