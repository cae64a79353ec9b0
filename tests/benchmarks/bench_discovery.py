# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Discovers a large account in the sandbox: calls, time and memory of the module, and of the store's part alone.

Run with the project's Python: ``python tests/benchmarks/bench_discovery.py [--count 10000] [--rounds 1]``. The number
of API calls is asserted, with the sandbox's rate limits on as well; times and memory are printed beside their aims.
"""

from __future__ import annotations

import argparse
import contextlib
import cProfile
import os
import pathlib
import pstats
import sqlite3
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from typing import Any

from ansible_collections.edgecert.clm.plugins.module_utils._clm import discovery
from ansible_collections.edgecert.clm.plugins.module_utils._core.clock import SystemClock
from ansible_collections.edgecert.clm.plugins.module_utils._core.redact import Secret
from ansible_collections.edgecert.clm.plugins.module_utils._core.types import Device
from ansible_collections.edgecert.clm.plugins.module_utils._glue.wire_target import target_maker
from ansible_collections.edgecert.clm.plugins.module_utils._store.open import open_store
from ansible_collections.edgecert.clm.plugins.module_utils._store.seal import StoreKey
from ansible_collections.edgecert.clm.plugins.module_utils._target.base import Sweep
from ansible_collections.edgecert.clm.tests.benchmarks import measuring
from ansible_collections.edgecert.clm.tests.benchmarks.measuring import Handle
from ansible_collections.edgecert.clm.tests.support.playbooks import Result, run_playbook
from ansible_collections.edgecert.clm.tests.support.postgres import NoServer, cluster

CONTRACTS = [f"C-B{number}" for number in range(5)]
CALLS = 2 * len(CONTRACTS) + 1
KEY = "benchmark"
PLAY = """
- hosts: localhost
  gather_facts: false
  tasks:
    - name: discover
      edgecert.clm.akamai_cps_device:
        name: bench
        edgerc: "{{ bench_edgerc }}"
        section: default
        ca_path: "{{ bench_ca }}"
        store: "{{ bench_store }}"
        store_key: "{{ bench_key }}"
"""


@dataclass(frozen=True)
class Place:
    """What reaches the sandbox, for a process of its own."""

    edgerc: str
    ca_path: str

    def device(self) -> Device:
        """Give the device as a module would store it."""
        return Device("bench", credential_source="edgerc", edgerc=self.edgerc, section="default", ca_path=self.ca_path)


def by_module(
    sandbox: Handle, folder: pathlib.Path, meter: measuring.Meter, store: str
) -> tuple[measuring.Taken, dict[str, Any]]:
    """Run the module once in a playbook; give what its process took and its result."""
    play = folder / "discover.yml"
    play.write_text(PLAY, encoding="utf-8")
    variables = {
        "ansible_python_interpreter": str(meter.path),
        "bench_edgerc": sandbox.edgerc,
        "bench_ca": sandbox.ca_path,
        "bench_store": store,
        "bench_key": KEY,
    }
    meter.taken()
    done: Result = run_playbook(play, variables, timeout_s=900).ok()
    return meter.taken()[-1], done.task("discover").result


def forget_calls(database: pathlib.Path) -> None:
    """Empty the ledger: CPS's limit for a minute would hold a second discovery back, and is not what is measured."""
    with contextlib.closing(sqlite3.connect(database)) as connection:
        connection.execute("UPDATE ledger SET calls = '[]'")
        connection.commit()


def checked(result: dict[str, Any], sandbox: Handle, count: int, *, added: int) -> None:
    """Assert the counts: of what was found, and of calls, as the module says and as the sandbox saw them."""
    found = result["discovery"]
    assert (found["enrollments"], found["added"], found["changed"]) == (count, added, 0), found
    assert found["calls"] == CALLS, found
    calls = sandbox.calls(reset=True)
    listing = [one for one in calls if "/enrollments?" in one["path"] or "/active-certificates" in one["path"]]
    contracts = [one for one in calls if "/contracts/identifiers" in one["path"]]
    assert len(listing) + len(contracts) == CALLS, calls
    assert len(calls) == result["calls"], calls
    assert all(one["status"] != 429 for one in calls), calls


@contextlib.contextmanager
def _profiled(wanted: bool) -> Iterator[None]:
    if not wanted:
        yield
        return
    profile = cProfile.Profile()
    with profile:
        yield
    pstats.Stats(profile).sort_stats("cumulative").print_stats(45)


def in_core(place: Place, url: str, profile: bool) -> tuple[dict[str, float], float, int]:
    """Discover without Ansible: seconds of each part, peak MiB, calls."""
    clock, seconds = SystemClock(), {}
    with contextlib.closing(open_store(url, StoreKey(Secret(KEY)), clock, "benchmark", create=True)) as store:
        target: Any = target_maker(store, clock, dict(os.environ))(place.device())
        with _profiled(profile):
            began = time.perf_counter()
            sweep = target.discover(CONTRACTS)
            difference = discovery.compare("bench", sweep, store, clock.now(), contracts=CONTRACTS, want_pem=False)
            seconds["look"] = time.perf_counter() - began
            began = time.perf_counter()
            with store.write() as unit:
                discovery.write(difference, "bench", "benchmark", unit)
            seconds["write"] = time.perf_counter() - began
    return seconds, measuring.own_peak(), target.calls


def store_alone(place: Place, url: str) -> tuple[float, float, float]:
    """Compare and write what is already in memory: seconds of both, and of comparing it again to the full store."""
    clock = SystemClock()
    with contextlib.closing(open_store(url, StoreKey(Secret(KEY)), clock, "benchmark", create=True)) as store:
        target: Any = target_maker(store, clock, dict(os.environ))(place.device())
        found = list(target.discover(CONTRACTS).found)
        steps = []
        began = time.perf_counter()
        difference = discovery.compare(
            "bench", Sweep(iter(found)), store, clock.now(), contracts=CONTRACTS, want_pem=False
        )
        steps.append(time.perf_counter() - began)
        began = time.perf_counter()
        with store.write() as unit:
            discovery.write(difference, "bench", "benchmark", unit)
        steps.append(time.perf_counter() - began)
        began = time.perf_counter()
        second = discovery.compare("bench", Sweep(iter(found)), store, clock.now(), contracts=CONTRACTS, want_pem=False)
        steps.append(time.perf_counter() - began)
        assert second.is_empty, second.counts()
    return steps[0], steps[1], steps[2]


def alone(work: Any, *arguments: Any) -> Any:
    """Run a function in a fresh process, so that its peak memory is its own."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        return pool.submit(work, *arguments).result()


def measure_module(sandbox: Handle, folder: pathlib.Path, count: int, rounds: int) -> None:
    """Print what onboarding, a second run, and one under rate limits take."""
    meter = measuring.Meter(folder)
    taken: dict[str, list[measuring.Taken]] = {"first run": [], "second run, nothing changed": []}
    for number in range(rounds):
        database = folder / f"module-{number}.db"
        store = f"sqlite:///{database}"
        for label, added in (("first run", count), ("second run, nothing changed", 0)):
            process, result = by_module(sandbox, folder, meter, store)
            checked(result, sandbox, count, added=added)
            taken[label].append(process)
            forget_calls(database)
    sandbox.limits(enabled=True, reset=True)
    process, result = by_module(sandbox, folder, meter, store)
    checked(result, sandbox, count, added=0)
    sandbox.limits(enabled=False)
    taken["the same under CPS's rate limits"] = [process]
    rows = [
        [label, *(measuring.median([getattr(one, name) for one in all_of]) for name in ("wall", "cpu", "peak")), CALLS]
        for label, all_of in taken.items()
    ]
    print("\nModule edgecert.clm.akamai_cps_device, its process (aims: 20 s and 400 MiB; second run 5 s)")
    measuring.print_table(["", "wall s", "cpu s", "peak MiB", "calls"], rows)


def measure_core(place: Place, folder: pathlib.Path, profile: bool) -> None:
    """Print the same without Ansible."""
    rows = []
    for label in ("first run", "second run"):
        seconds, peak, calls = alone(in_core, place, f"sqlite:///{folder}/core.db", profile)
        assert calls == CALLS - 1, calls
        forget_calls(folder / "core.db")
        rows.append([label, seconds["look"], seconds["write"], peak, calls])
    print("\nCore alone, SQLite (the list of contracts, one more call, belongs to the inspection)")
    measuring.print_table(["", "look s", "write s", "peak MiB", "calls"], rows)


def measure_store(place: Place, folder: pathlib.Path) -> None:
    """Print what the store's part takes on each back end."""
    rows = [["sqlite", *alone(store_alone, place, f"sqlite:///{folder}/alone.db")]]
    try:
        with cluster() as server:
            rows.append(["postgresql", *alone(store_alone, place, server.new_database())])
    except (NoServer, ImportError) as reason:
        print(f"\npostgresql is left out: {reason}")
    print("\nStore alone: what was found stands in memory already")
    measuring.print_table(["", "compare s", "write s", "compare again s"], rows)


def main() -> None:
    """Measure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=10_000, help="enrollments in the sandbox (default: 10000)")
    parser.add_argument("--rounds", type=int, default=1, help="times the module is run from an empty store")
    parser.add_argument("--profile", action="store_true", help="print where the core spends its time")
    parser.add_argument("--only", choices=["module", "core", "store"], help="measure one part")
    options = parser.parse_args()
    measuring.print_machine()
    with tempfile.TemporaryDirectory(prefix="edgecert-bench-") as name, measuring.sandbox(CONTRACTS) as sandbox:
        folder, place = pathlib.Path(name), Place(sandbox.edgerc, sandbox.ca_path)
        began = time.perf_counter()
        sandbox.seed(options.count)
        print(
            f"{options.count} enrollments on {len(CONTRACTS)} contracts, seeded in {time.perf_counter() - began:.1f} s"
        )
        if options.only in (None, "module"):
            measure_module(sandbox, folder, options.count, options.rounds)
        if options.only in (None, "core"):
            measure_core(place, folder, options.profile)
        if options.only in (None, "store"):
            measure_store(place, folder)


if __name__ == "__main__":
    main()
