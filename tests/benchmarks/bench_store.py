# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Measure the store with a large inventory: time and peak memory of adding, reading again, finding, changing.

Each step runs in a fresh process, so that its peak memory is its own; the bare start of such a process is shown too.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import resource
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from multiprocessing import get_context

from ansible_collections.edgecert.clm.plugins.module_utils._core.clock import SystemClock
from ansible_collections.edgecert.clm.plugins.module_utils._core.redact import Secret
from ansible_collections.edgecert.clm.plugins.module_utils._core.types import AuditEntry, Certificate
from ansible_collections.edgecert.clm.plugins.module_utils._store.open import open_store
from ansible_collections.edgecert.clm.plugins.module_utils._store.seal import StoreKey
from ansible_collections.edgecert.clm.plugins.module_utils._store.store import SqlStore

BATCH = 500


def certificates(count: int) -> Iterator[Certificate]:
    """Give an inventory as a discovery finds it."""
    ends = datetime(2027, 1, 1, tzinfo=timezone.utc)
    for number in range(count):
        name = f"host-{number:06}.example.com"
        served = {"fingerprint": f"{number:064x}", "serial": f"{number:032x}", "issuer": "CN=Some Issuing CA"}
        yield Certificate(
            name,
            "discovered",
            name,
            state="issued",
            sans=(f"api.{name}", name, f"www.{name}"),
            san_count=3,
            device="cps",
            enrollment_id=number,
            contract_id="C-1",
            fingerprint=f"{number:064x}",
            not_after=ends + timedelta(minutes=number),
            production=served,
            staging=served,
            created_at=ends,
        )


@contextlib.contextmanager
def opened(url: str) -> Iterator[SqlStore]:
    """Open the store as a module does."""
    with contextlib.closing(open_store(url, StoreKey(Secret("benchmark")), SystemClock(), "benchmark")) as store:
        yield store


def nothing(url: str, count: int) -> None:
    """Open and close: what a call without work pays."""
    with opened(url):
        pass


def add(url: str, count: int) -> None:
    """Add every certificate in one unit, in batches."""
    wanted = list(certificates(count))
    with opened(url) as store, store.write() as unit:
        for start in range(0, count, BATCH):
            unit.certificates.add_many(wanted[start : start + BATCH])


def reread(url: str, count: int) -> None:
    """Read the whole inventory and find it unchanged."""
    wanted = {one.certificate_id: replace(one, version=1) for one in certificates(count)}
    with opened(url) as store, store.read() as unit:
        changed = [one for one in unit.certificates.find(device="cps") if one != wanted[one.certificate_id]]
    if changed:
        raise SystemExit(f"{len(changed)} certificates came back changed")


def find(url: str, count: int) -> None:
    """Look 1,000 certificates up, one by one, by an indexed column."""
    with opened(url) as store, store.read() as unit:
        for number in range(min(1_000, count)):
            if len(unit.certificates.find(fingerprint=f"{number:064x}")) != 1:
                raise SystemExit("a certificate was not found")


def change(url: str, count: int) -> None:
    """Change every certificate."""
    with opened(url) as store, store.write() as unit:
        unit.certificates.put_many([replace(one, ca="another") for one in unit.certificates.find()])


def audit(url: str, count: int) -> None:
    """Write 1,000 audit lines in one unit and verify the chain."""
    with opened(url) as store:
        with store.write() as unit:
            for number in range(1_000):
                unit.audit(AuditEntry("benchmark", "changed", "certificate", str(number), None, {"number": number}))
        if store.verify_audit():
            raise SystemExit("the audit chain does not hold")


STEPS: tuple[Callable[[str, int], None], ...] = (nothing, add, reread, find, change, audit)


def measured(step: Callable[[str, int], None], url: str, count: int) -> tuple[float, float]:
    """Run a step and give seconds, and the process's peak memory in MiB."""
    begin = time.perf_counter()
    step(url, count)
    seconds = time.perf_counter() - begin
    # Linux counts in KiB, macOS in bytes.
    unit = 1024 * 1024 if sys.platform == "darwin" else 1024
    return seconds, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit


def table(url: str, count: int) -> None:
    """Run every step in a process of its own and print a line for each."""
    print(f"{count} certificates, {url.partition(':')[0]}")
    print(f"{'step':<10}{'seconds':>10}{'peak MiB':>10}")
    for step in STEPS:
        with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
            seconds, peak = pool.submit(measured, step, url, count).result()
        print(f"{step.__name__:<10}{seconds:>10.3f}{peak:>10.1f}")


def main() -> None:
    """Read the arguments and measure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--url", action="append", default=[], help="an empty store (default: a temporary SQLite file)")
    parser.add_argument("--postgresql", action="store_true", help="also measure on a private PostgreSQL server")
    parser.add_argument("--count", type=int, default=10_000, help="number of certificates (default: 10000)")
    wanted = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        for url in wanted.url or [f"sqlite:///{os.path.join(folder, 'store.db')}"]:
            table(url, wanted.count)
    if wanted.postgresql:
        from ansible_collections.edgecert.clm.tests.support.postgres import cluster

        with cluster() as server:
            table(server.new_database(), wanted.count)


if __name__ == "__main__":
    main()
