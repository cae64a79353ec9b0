# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where a push is proved is part of what is approved (W2, U6)."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from ansible_collections.edgecert.clm.plugins.module_utils._clm import approvals, push
from ansible_collections.edgecert.clm.plugins.module_utils._core.errors import PolicyError, StateError
from ansible_collections.edgecert.clm.plugins.module_utils._core.types import WorkOrder
from ansible_collections.edgecert.clm.tests.support.flow import Bench

NOWHERE = "127.0.0.1:1"


def edge(bench: Bench, **changed: list[str]) -> dict[str, list[str]]:
    return {**{network: [bench.sandbox.edge(network)] for network in ("staging", "production")}, **changed}


def pushed(bench: Bench, actor: str = "tester", **changes: Any) -> WorkOrder:
    """Push, or go on, as somebody; give the order as it is stored."""
    wanted = {"certificate": bench.name(), "network": "production", "wait": True, "wait_timeout": 7200}
    push.plan({**wanted, **changes}, replace(bench.ports, actor=actor)).execute()
    return stored(bench)


def stored(bench: Bench) -> WorkOrder:
    with bench.store.read() as unit:
        [order] = unit.work_orders.find(certificate_id=bench.name())
    return order


def approved(bench: Bench, order: WorkOrder, actor: str) -> WorkOrder:
    bench.act(actor, "approve", work_order_id=order.work_order_id)
    return stored(bench)


def test_other_edge_servers_take_the_approvals_back_and_bar_who_gave_them(bench: Bench) -> None:
    """W2: before it is implemented; the same ones, given again, change nothing."""
    bench.issued()
    bench.group(approvals={"push": 2})
    order = approved(bench, pushed(bench, edge=edge(bench)), "bob")
    assert order.state == "review_in_progress" and order.approvals[0]["binds"]["edges"] == edge(bench)
    assert pushed(bench, "carol", edge=edge(bench)).approvals == order.approvals
    order = pushed(bench, "carol", edge=edge(bench, production=[NOWHERE]))
    assert (order.state, order.reason, order.approvals) == ("submitted", "approval_void", ())
    assert "the edge servers that prove it changed" in order.message
    assert approvals.requesters(order) == {"tester", "carol"}
    with pytest.raises(PolicyError) as caught:
        approved(bench, order, "carol")
    assert caught.value.code == "own_request"
    assert approved(bench, order, "bob").state == "review_in_progress"


def test_an_approval_does_not_hold_for_other_edge_servers_and_an_older_one_binds_none(bench: Bench) -> None:
    """W2, W5: also where the order itself was changed; approvals that were given before edges were part hold."""
    bench.issued()
    bench.group(approvals={"push": 1})
    order = approved(bench, pushed(bench, edge=edge(bench), manual_implementation=True), "bob")
    [given] = order.approvals
    binds = {name: value for name, value in given["binds"].items() if name != "edges"}
    with bench.store.write() as unit:
        order = unit.work_orders.put(replace(order, edges=edge(bench, staging=[NOWHERE])))
    with pytest.raises(StateError, match="the edge servers that prove it changed since bob approved it"):
        bench.act("ada", "implement", work_order_id=order.work_order_id)
    older = replace(stored(bench), state="approved", edges=edge(bench), approvals=({**given, "binds": binds},))
    with bench.store.write() as unit:
        unit.work_orders.put(older)
    bench.act("ada", "implement", work_order_id=order.work_order_id, wait=True, wait_timeout=7200)
    assert stored(bench).state == "completed"


def test_a_proof_that_waits_is_reviewed_again_with_other_edge_servers(bench: Bench) -> None:
    """W2, U6: a wrong address must not leave an order that nobody can end, at staging or at production."""
    bench.issued()
    bench.group(approvals={"push": 1})
    wrong = {"staging": [NOWHERE], "production": [NOWHERE]}
    order = approved(bench, pushed(bench, edge=wrong, manual_implementation=True), "bob")
    bench.act("ada", "implement", work_order_id=order.work_order_id, wait=True, wait_timeout=7200)
    for state, places in (
        ("on_staging", edge(bench, production=[NOWHERE])),
        ("deploying_production", edge(bench)),
    ):
        assert (stored(bench).state, stored(bench).reason) == (state, "not_proven")
        order = pushed(bench, "carol", edge=places)
        assert (order.state, order.approvals) == ("submitted", ())
        approved(bench, order, "bob")
        bench.act("ada", "implement", work_order_id=order.work_order_id, wait=True, wait_timeout=7200)
    order = stored(bench)
    assert (order.state, order.reason) == ("completed", "")
    assert {(one["network"], one["address"]) for one in order.evidence} == {
        (network, address) for network, [address] in edge(bench).items()
    }
