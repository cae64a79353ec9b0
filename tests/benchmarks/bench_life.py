# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Counts the API calls of certificates from nothing to production, at the pace and under the limits of CPS.

Run with the project's Python: ``python tests/benchmarks/bench_life.py [--count 20]``. Time is the sandbox's: an hour
takes seconds. One certificate goes alone, by two calls that wait; then many go together, by a runner of due work that
comes back when it says that something is due. Counts are exact; that none was refused with a 429 is asserted.
"""

from __future__ import annotations

import argparse
import pathlib
import tempfile
from collections.abc import Sequence
from typing import Any

from ansible_collections.edgecert.clm.plugins.module_utils._core.clock import from_text
from ansible_collections.edgecert.clm.tests.benchmarks import measuring
from ansible_collections.edgecert.clm.tests.support.flow import Account, Bench, FlowClock, contract_names

AIMS = {"alone": 25, "together": 12}
# About what CPS takes, seconds.
PACE = {"pre_verification_s": 20, "csr_s": 60, "verify_s": 60, "staging_s": 900, "production_s": 1800, "lag_s": 5}


def counted(bench: Bench) -> int:
    """Count the calls since the last look; a refused one is a fault of the pacing."""
    calls = bench.sandbox.calls(reset=True)
    refused = [call for call in calls if call["status"] == 429]
    assert not refused, f"{len(refused)} of {len(calls)} calls were over the limits"
    return len(calls)


def alone(bench: Bench) -> tuple[int, float]:
    """Bring one certificate to production; give calls and hours."""
    began = bench.clock.now()
    issued: Any = bench.enroll(wait_timeout=3600).record
    bench.connector()
    pushed: Any = bench.push(network="production", wait_timeout=6 * 3600).record
    assert (issued["state"], pushed["state"]) == ("issued", "completed"), pushed["message"]
    return counted(bench), (bench.clock.now() - began).total_seconds() / 3600


def together(bench: Bench, count: int) -> tuple[int, float]:
    """Bring many to production, all begun before any is waited for; give calls and hours."""
    began, names = bench.clock.now(), [bench.name(f"c{number}") for number in range(count)]
    for name in names:
        # CPS opens one enrollment on a contract in five minutes.
        bench.enroll(common_name=name, wait=False)
        bench.advance(301)
    pushed: set[str] = set()
    while True:
        report = bench.run_due()
        assert report["failures"] == [], report["failures"]
        issued = {one["certificate"] for one in bench.certificates(state="issued")} & set(names)
        for name in sorted(issued - pushed):
            bench.connector(certificate=name)
            bench.push(certificate=name, network="production", wait=False)
            pushed.add(name)
        with bench.store.read() as unit:
            states = [order.state for order in unit.work_orders.find(certificate_id=names)]
        if states == ["completed"] * count:
            return counted(bench), (bench.clock.now() - began).total_seconds() / 3600
        following = report["next_due_at"]
        left = (from_text(following) - bench.clock.now()).total_seconds() if following else 60.0
        bench.advance(max(60.0, left))


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=20, help="certificates that go together")
    count = parser.parse_args(arguments).count
    contracts = contract_names(2)
    rows = []
    with measuring.sandbox_of_pace(contracts, PACE) as sandbox, tempfile.TemporaryDirectory() as folder:
        account = Account(sandbox, contracts, FlowClock(sandbox))
        for number, (way, of) in enumerate((("alone", 1), ("together", count))):
            bench = Bench(account, pathlib.Path(folder) / str(number))
            bench.prepare()
            sandbox.calls(reset=True)
            calls, hours = alone(bench) if of == 1 else together(bench, of)
            rows.append([way, of, calls, f"{calls / of:.1f}", AIMS[way], f"{hours:.1f}"])
    measuring.print_machine()
    measuring.print_table(["way", "certificates", "calls", "calls each", "aim", "hours in the sandbox"], rows)


if __name__ == "__main__":
    main()
