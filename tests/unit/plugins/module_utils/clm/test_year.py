# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A year of virtual time: 200 certificates at 47-day lifetimes, renewed and pushed by the runner of due work alone."""

from __future__ import annotations

import pathlib

import pytest

from ansible_collections.edgecert.clm.tests.support.virtual_bench import VirtualBench
from ansible_collections.edgecert.clm.tests.support.year import Troubles, lived, quiet


@pytest.mark.slow
def test_a_year_ends_with_no_certificate_expired_and_none_renewed_twice(tmp_path: pathlib.Path) -> None:
    """W4, W5, W6, E3, E4, A5: outages, refusals, lost replies, killed runs, two runs at once, a freeze each weekend."""
    year = lived(VirtualBench(tmp_path), certificates=200, days=365, troubles=Troubles())
    print(f"{year.renewals()} renewals, {dict(year.counts)}, {dict(year.failed)}, calls {dict(year.bench.cps.calls)}")
    assert year.problems() == []
    assert year.renewals() >= 200 * 8


def test_a_quiet_quarter_needs_nobody(tmp_path: pathlib.Path) -> None:
    """W4: where nothing goes wrong, nothing fails, and every certificate is renewed in its window."""
    year = lived(VirtualBench(tmp_path), certificates=10, days=90, troubles=quiet())
    assert year.problems() == []
    assert dict(year.failed) == {}
    assert year.renewals() >= 20
