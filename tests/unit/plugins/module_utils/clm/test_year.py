# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A year of virtual time at 47-day lifetimes: renewed and pushed by the runner of due work alone."""

from __future__ import annotations

import pathlib

import pytest

from ansible_collections.edgecert.clm.tests.support.virtual_bench import VirtualBench
from ansible_collections.edgecert.clm.tests.support.year import Troubles, lived, quiet


@pytest.mark.slow
def test_a_year_ends_with_no_certificate_expired_and_none_renewed_twice(tmp_path: pathlib.Path) -> None:
    """W4, W5, W6, E3, E4, A5: every step in the audit, every line of certificates whole."""
    year = lived(VirtualBench(tmp_path), certificates=25, days=365, troubles=quiet())
    assert year.problems() == []
    assert dict(year.failed) == {}
    assert year.renewals() >= 25 * 8


@pytest.mark.slow
def test_troubles_end_no_certificate_either(tmp_path: pathlib.Path) -> None:
    """W5: outages, refusals, lost replies, killed runs, two runs at once, a freeze each weekend."""
    year = lived(VirtualBench(tmp_path), certificates=10, days=120, troubles=Troubles())
    assert year.problems() == []
    assert year.counts["killed"] and year.counts["met"] and year.failed["ca_rejected"]
    assert year.renewals() >= 25
