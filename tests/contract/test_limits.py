# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From nothing to production at CPS's pace and under its limits, in moved time: calls are counted, none is refused."""

from __future__ import annotations

import pathlib

from ansible_collections.edgecert.clm.tests.benchmarks import bench_life, measuring
from ansible_collections.edgecert.clm.tests.support.flow import Account, Bench, FlowClock, contract_names

# What it took when it was measured last, and a little: README has the figures and the aims.
MOST_ALONE, MOST_EACH = 50, 26


def test_lives_stay_within_the_limits_and_cost_what_is_said(tmp_path: pathlib.Path) -> None:
    """U3+, design §6: a certificate alone, and some together by a runner of due work; a call over the limits fails."""
    contracts = contract_names(2)
    with measuring.sandbox_of_pace(contracts, bench_life.PACE) as sandbox:
        account, taken = Account(sandbox, contracts, FlowClock(sandbox)), {}
        for count in (1, 8):
            bench = Bench(account, tmp_path / str(count))
            bench.prepare()
            sandbox.calls(reset=True)
            calls, _hours = bench_life.alone(bench) if count == 1 else bench_life.together(bench, count)
            taken[count] = calls / count
            bench.close()
    assert taken[1] <= MOST_ALONE and taken[8] <= MOST_EACH, taken
