# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A change of network settings that ends at any place and is called again: one update, one acknowledgement (W5)."""

from __future__ import annotations

import itertools
from collections import Counter
from typing import Any
from unittest import mock

from ansible_collections.edgecert.clm.tests.support.crash import distinct, watch
from ansible_collections.edgecert.clm.tests.support.flow import Bench
from ansible_collections.edgecert.clm.tests.support.lives import PAST_LEASES_S
from ansible_collections.edgecert.clm.tests.support.stopping import Killed, Stops

VERSIONS = (["TLSv1"], ["TLSv1", "TLSv1_1"])


def run(bench: Bench, versions: list[str], fatal: int = 0) -> tuple[list[str], dict[str, Any]]:
    """Change the settings in a run that ends at a place; give the places, and the order where it was not ended."""
    stops, settings = Stops(fatal), {"disallowed_tls_versions": versions}
    watch(stops)
    try:
        plan = bench.plan_push(action="configure", network="production", network_settings=settings)
        return stops.names, dict(plan.execute().record or {})
    except Killed:
        return stops.names, {}
    finally:
        mock.patch.stopall()


def test_a_run_that_ends_anywhere_is_taken_up_and_sends_nothing_twice(bench: Bench) -> None:
    """W5: every state that can be left behind is driven; the next call completes it, whatever CPS shows by then."""
    bench.issued(validity={"count": 300, "unit": "days"})
    assert dict(bench.push(network="production").record or {})["state"] == "completed"
    wanted = itertools.cycle(VERSIONS)
    names, whole = run(bench, next(wanted))
    assert whole["state"] == "completed"
    places = distinct(names)
    assert len(places) > 10, names
    for number in places:
        versions = next(wanted)
        bench.calls()
        before = bench.records()["work_orders"]
        passed, _order = run(bench, versions, number)
        bench.advance(PAST_LEASES_S)
        _names, order = run(bench, versions)
        sent = Counter(f"{method} {path.rsplit('/', 1)[1]}" for method, path in bench.calls() if method != "GET")
        left = passed[-1]
        assert order["state"] == "completed", (left, order)
        assert sent == {f"PUT {order['enrollment_id']}": 1, "POST change-management-ack": 1}, (left, sent)
        assert bench.records()["work_orders"] == before + 1, left
        with bench.store.read() as unit:
            assert unit.intents.find(finished_at=None) == [], left
    assert bench.audit()[-1] == "push_completed"
