# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A year of virtual time at 47-day lifetimes: renewed and pushed by the runner of due work alone."""

from __future__ import annotations

import pathlib
from datetime import timedelta

import pytest

from ansible_collections.edgecert.clm.tests.support.virtual_bench import VirtualBench
from ansible_collections.edgecert.clm.tests.support.year import Troubles, Year, lived, quiet


def told(year: Year) -> str:
    """Say what the year took, for whoever reads the log."""
    calls, renewals = year.bench.cps.calls, year.renewals()
    return f"{renewals} renewals, {calls.total() / renewals:.1f} calls each: {dict(calls)}; {dict(year.counts)}"


@pytest.mark.slow
def test_a_year_ends_with_no_certificate_expired_and_none_renewed_twice(tmp_path: pathlib.Path) -> None:
    """W4, W5, W6, E3, E4, A5: outages, refusals, lost replies, killed runs, two runs at once, a freeze each weekend.

    Every step is in the audit with its tracking id, every line of certificates is whole, and nothing is asked of CPS
    that a strict one refuses.
    """
    year = lived(VirtualBench(tmp_path), certificates=60, days=365, troubles=Troubles(), step=timedelta(hours=6))
    print(told(year))
    assert year.problems() == []
    assert year.counts["killed"] > 20 and year.counts["met"] > 20 and year.failed["ca_rejected"] > 20
    assert 60 * 10 <= year.renewals() <= 60 * 13
    # Begin, CSR, order, upload, review, and looks at what CPS is at; outages and losses among them.
    assert year.bench.cps.calls.total() <= 25 * year.renewals()


@pytest.mark.slow
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_troubles_with_an_hourly_schedule_end_no_certificate_either(tmp_path: pathlib.Path, seed: int) -> None:
    """W5: more often, and so in the middle of more."""
    troubles = Troubles(outages=4, killed=0.2, twice=0.4, lost=0.1)
    year = lived(VirtualBench(tmp_path), certificates=10, days=120, troubles=troubles, seed=seed)
    print(told(year))
    assert year.problems() == []
    assert year.counts["killed"] and year.counts["met"]
    assert year.renewals() >= 25


def test_a_quiet_quarter_needs_nobody_and_few_calls(tmp_path: pathlib.Path) -> None:
    """W4, D10: where nothing goes wrong, nothing fails, and a renewal takes as many calls as it has to."""
    year = lived(VirtualBench(tmp_path), certificates=20, days=70, troubles=quiet())
    print(told(year))
    assert year.problems() == []
    assert dict(year.failed) == {}
    assert year.renewals() >= 20 * 2
