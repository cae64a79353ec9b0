# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Counts the API calls of certificates from nothing to production, at the pace and under the limits of CPS.

Run with the project's Python: ``python tests/benchmarks/bench_life.py [--count 20] [--trace]``. Time is the sandbox's:
an hour takes seconds. One certificate goes alone, by two calls that wait, at a device of which nothing is known; then a
second one there; then many go together at another one, by a runner of due work that comes back when it says that
something is due. Counts are exact; that none was refused with a 429 is asserted.
"""

from __future__ import annotations

import argparse
import bisect
import pathlib
import re
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ansible_collections.edgecert.clm.plugins.module_utils._core.clock import from_text
from ansible_collections.edgecert.clm.tests.benchmarks import measuring
from ansible_collections.edgecert.clm.tests.support.flow import Account, Bench, FlowClock, contract_names

AIMS = {"alone": 25, "the next one": 25, "together": 12}
# About what CPS takes, seconds.
PACE = {"pre_verification_s": 20, "csr_s": 60, "verify_s": 60, "staging_s": 900, "production_s": 1800, "lag_s": 5}


Calls = Sequence[Mapping[str, Any]]


class NotedClock(FlowClock):
    """The moved clock, which also remembers when it was moved: the log of calls goes by the computer's own."""

    def __init__(self, sandbox: measuring.Handle) -> None:
        super().__init__(sandbox)
        self._moves = [(0.0, 0.0)]

    def sleep(self, seconds: float) -> None:
        """Move both clocks."""
        super().sleep(seconds)
        self._moves.append((time.time(), self.ahead_s))

    def moved(self, at: float) -> float:
        """Give a moment of the computer's clock, seconds since the epoch, as the moved one had it."""
        return at + self._moves[bisect.bisect(self._moves, (at, float("inf"))) - 1][1]


# What each call is for, by the end of its path; the first that fits.
_WHY = (
    (r"^POST .*/enrollments$", "open the enrollment"),
    (r"third-party-csr$", "fetch the CSR"),
    (r"^POST .*third-party-cert-and-trust-chain$", "upload"),
    (r"^GET .*post-verification-warnings$", "read the warnings"),
    (r"^POST .*post-verification-warnings-ack$", "acknowledge the warnings that were read"),
    (r"change-management-info$", "read what is acknowledged next, with its hash"),
    (r"^POST .*change-management-ack$", "let it go on to production"),
    (r"/changes/\d+$", "look how far the change is"),
    (r"/deployments$", "prove what the networks serve"),
    (r"/enrollments/\d+$", "read the enrollment before it is written to"),
    (r"active-certificates$", "look what the networks serve, for all at once"),
    (r"/enrollments$", "look what there is, before a create or for all at once"),
)


def why(call: Mapping[str, Any]) -> str:
    """Say what a call is for."""
    line = f"{call['method']} {call['path'].split('?')[0]}"
    return next((text for pattern, text in _WHY if re.search(pattern, line)), "other")


def counted(bench: Bench) -> Calls:
    """Give the calls since the last look; a refused one is a fault of the pacing."""
    calls = bench.sandbox.calls(reset=True)
    refused = [call for call in calls if call["status"] == 429]
    assert not refused, f"{len(refused)} of {len(calls)} calls were over the limits"
    return calls


def print_trace(way: str, calls: Calls, clock: NotedClock, *, is_whole: bool) -> None:
    """Print the calls: each with its minute in the sandbox, or how many there were of each kind."""
    print(f"\n{way}: {len(calls)} calls")
    paths = [call["path"].split("?")[0].removeprefix("/cps/v2") for call in calls]
    lines = [f"{call['method']:<5}{path}" for call, path in zip(calls, paths, strict=True)]
    reasons = [why(call) for call in calls]
    if not is_whole:
        lines = [re.sub(r"[0-9]+(?=/|$)", "{id}", line) for line in lines]
        for (line, reason), count in sorted(Counter(zip(lines, reasons, strict=True)).items()):
            print(f"{count:>6}  {line}  ({reason})")
        return
    moments = [clock.moved(call["time"]) for call in calls]
    for moment, line, reason in zip(moments, lines, reasons, strict=True):
        print(f"{(moment - moments[0]) / 60:>6.1f}  {line}  ({reason})")


def alone(bench: Bench, first: str = "www") -> tuple[Calls, float]:
    """Bring one certificate to production; give calls and hours."""
    began, name = bench.clock.now(), bench.name(first)
    issued: Any = bench.enroll(common_name=name, wait_timeout=3600).record
    bench.connector(certificate=name)
    pushed: Any = bench.push(certificate=name, network="production", wait_timeout=6 * 3600).record
    assert (issued["state"], pushed["state"]) == ("issued", "completed"), pushed["message"]
    return counted(bench), (bench.clock.now() - began).total_seconds() / 3600


def together(bench: Bench, count: int) -> tuple[Calls, float]:
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
    parser.add_argument("--trace", action="store_true", help="print the calls, those of many by their kind")
    parser.add_argument("--whole", action="store_true", help="with --trace: print each call of many, too")
    given = parser.parse_args(arguments)
    contracts, rows = contract_names(2), []
    with measuring.sandbox_of_pace(contracts, PACE) as sandbox, tempfile.TemporaryDirectory() as folder:
        clock = NotedClock(sandbox)
        account = Account(sandbox, contracts, clock)
        benches = [Bench(account, pathlib.Path(folder) / str(number)) for number in range(len(contracts))]
        for bench in benches:
            bench.prepare()
        sandbox.calls(reset=True)
        lives: dict[str, tuple[int, Callable[[], tuple[Calls, float]]]] = {
            "alone": (1, lambda: alone(benches[0])),
            "the next one": (1, lambda: alone(benches[0], "next")),
            "together": (given.count, lambda: together(benches[1], given.count)),
        }
        for way, (count, live) in lives.items():
            calls, hours = live()
            rows.append([way, count, len(calls), f"{len(calls) / count:.1f}", AIMS[way], f"{hours:.1f}"])
            if given.trace:
                print_trace(way, calls, clock, is_whole=count == 1 or given.whole)
    measuring.print_machine()
    measuring.print_table(["way", "certificates", "calls", "calls each", "aim", "hours in the sandbox"], rows)


if __name__ == "__main__":
    main()
