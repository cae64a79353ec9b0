# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A request whose CA cannot be asked without ordering: it waits, unchanged, until asking is due, and is paid once."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.edgecert.clm.tests.support.ca_site import Site
from ansible_collections.edgecert.clm.tests.support.ca_sites import ejbca, est
from ansible_collections.edgecert.clm.tests.support.flow import Bench

MAKERS = {"ejbca": ejbca.maker(by_token=True), "est": est.maker(by_password=True)}


@pytest.mark.parametrize("make", MAKERS.values(), ids=list(MAKERS))
def test_runs_before_it_is_due_change_nothing_and_the_order_is_one(
    bench: Bench, tmp_path: Path, make: Callable[[Path], AbstractContextManager[Site]]
) -> None:
    """W5: EJBCA is asked by finalizing, EST by sending the CSR again; both have their time."""
    bench.ca()
    bench.group(approvals={"push": 0}, defaults={"organization": "Example AG", "country": "DE"})
    wish: dict[str, Any] = {"device": None, "csr_source": "local", "wait": False}
    with make(tmp_path) as site:
        assert site.orders is not None
        site.orders.polls, site.orders.clock.time = 2, bench.clock.now()
        bench.use_ca(site.connect())
        steps, state = [], ""
        for _round in range(12):
            outcome = bench.enroll(**wish)
            assert outcome.record is not None
            steps.append(outcome.steps)
            state = outcome.record["state"]
            if state == "issued":
                break
            bench.clock.sleep(45)
            site.orders.clock.time = bench.clock.now()
        assert state == "issued" and len(site.orders.found) == 1
        assert len(steps) > 2 and not any(steps[1:-1])
