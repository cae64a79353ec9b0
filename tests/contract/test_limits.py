# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From nothing to production at CPS's pace and under its limits, in moved time: calls are counted, none is refused."""

from __future__ import annotations

import pathlib

from ansible_collections.edgecert.clm.tests.benchmarks import bench_life, measuring
from ansible_collections.edgecert.clm.tests.support.flow import Account, Bench, FlowClock, contract_names

# What many cost each of so few as there are here; README has the figures of a hundred.
MOST_EACH, COUNT = 13, 8


def test_lives_stay_within_the_limits_and_cost_what_is_said(tmp_path: pathlib.Path) -> None:
    """U3+, design §6: a certificate alone, the next one, and some together; a call over the limits fails."""
    contracts = contract_names(2)
    with measuring.sandbox_of_pace(contracts, bench_life.PACE) as sandbox:
        account = Account(sandbox, contracts, FlowClock(sandbox))
        benches = [Bench(account, tmp_path / str(number)) for number in range(2)]
        for bench in benches:
            bench.prepare()
        sandbox.calls(reset=True)
        first, _hours = bench_life.alone(benches[0])
        following, _hours = bench_life.alone(benches[0], "next")
        many, _hours = bench_life.together(benches[1], COUNT)
        for bench in benches:
            bench.close()
    taken = len(first), len(following), len(many) / COUNT
    assert taken[0] <= bench_life.AIMS["alone"] and taken[1] < taken[0] and taken[2] <= MOST_EACH, taken
