# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A work order that removes, as a table: each state it comes by with each action of a person (W2, W5)."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from ansible_collections.edgecert.clm.plugins.module_utils._clm import states
from ansible_collections.edgecert.clm.plugins.module_utils._core.clock import to_text
from ansible_collections.edgecert.clm.plugins.module_utils._core.errors import StateError, TransportError
from ansible_collections.edgecert.clm.plugins.module_utils._core.types import WorkOrder
from ansible_collections.edgecert.clm.tests.support.virtual_bench import VirtualBench

ACTIONS = tuple(states.WORK_ORDER_ACTIONS)
# It never comes by what is on its way to a network.
PASSED = tuple(
    state for state in states.WORK_ORDER if state not in ("deploying_staging", "on_staging", "deploying_production")
)
LEADS: dict[str, dict[str, str]] = {
    "submitted": {"approve": "review_in_progress", "reject": "rejected", "cancel": "cancelled"},
    "review_in_progress": {"approve": "approved", "reject": "rejected", "cancel": "cancelled"},
    "approved": {"schedule": "scheduled", "implement": "completed", "cancel": "cancelled"},
    "scheduled": {"schedule": "scheduled", "implement": "completed", "cancel": "cancelled"},
    "implementing": {"implement": "completed", "cancel": "cancelled"},
    "needs_decision": {"implement": "completed", "cancel": "cancelled"},
    "in_doubt": {"implement": "completed", "cancel": "cancelled"},
    "completed": {},
    "rejected": {},
    "cancelled": {},
    # What had no approval before it failed has to get one.
    "failed": {"retry": "submitted"},
}


def removal_in(bench: VirtualBench, state: str) -> WorkOrder:
    """Have a removal of two approvals in a state; the certificate is live at CPS, and nothing was sent."""
    bench.prepare(approvals={"push": 0})
    bench.live()
    bench.group(approvals={"push": 2})
    bench.push(action="remove")
    order: WorkOrder = bench.orders()[-1]
    for actor in ("alice", "bob")[: {"submitted": 0, "review_in_progress": 1, "failed": 0}.get(state, 2)]:
        bench.act(actor, "approve", work_order_id=order.work_order_id)
    order = bench.orders()[-1]
    at = bench.clock.moment + timedelta(hours=1) if state == "scheduled" else None
    if order.state != state:
        with bench.store.write() as unit:
            order = unit.work_orders.put(replace(order, state=state, scheduled_at=at))
    return order


def test_the_table_is_whole() -> None:
    """A new line of the machine's table is not forgotten here."""
    for state in PASSED:
        allowed = {action for action, allowed_in in states.WORK_ORDER_ACTIONS.items() if state in allowed_in}
        assert set(LEADS[state]) == allowed
    assert set(LEADS) == set(PASSED)


@pytest.mark.parametrize("state", PASSED)
@pytest.mark.parametrize("action", ACTIONS)
def test_an_action_on_a_removal_does_what_the_table_says_or_nothing(
    virtual: VirtualBench, state: str, action: str
) -> None:
    """W2, W5, D5: reviewing sends nothing, implementing removes once, a refusal changes nothing."""
    order = removal_in(virtual, state)
    leads, lines, calls = LEADS[state].get(action), virtual.audited(), virtual.cps.calls.total()
    wanted: dict[str, Any] = {"work_order_id": order.work_order_id, "comment": "why", "wait": True}
    wanted["wait_timeout"] = 7200
    if action == "schedule":
        wanted["at"] = to_text(virtual.clock.moment + timedelta(hours=2))
    if leads is None:
        with pytest.raises(StateError) as caught:
            virtual.act("carol", action, **wanted)
        assert caught.value.code == "wrong_state"
        assert (virtual.audited(), virtual.cps.calls.total()) == (lines, calls)
        return
    record: Any = virtual.act("carol", action, **wanted).record
    assert record is not None and record["state"] == leads, record["message"]
    assert virtual.cps.calls["remove"] == (1 if action == "implement" else 0)
    assert bool(virtual.cps.enrollments) == (action != "implement")
    assert virtual.certificate().state == ("vanished" if action == "implement" else "issued")
    assert virtual.audited() > lines and virtual.store.verify_audit() == [] and virtual.cps.refused == []


@pytest.mark.parametrize("is_taken", [True, False], ids=["taken", "not-taken"])
def test_a_removal_whose_reply_is_lost_ends_by_the_runner(virtual: VirtualBench, is_taken: bool) -> None:
    """W5: in doubt, then found out; one removal in either case."""
    virtual.prepare()
    virtual.live()
    virtual.cps.lose = lambda name: name == "remove" and is_taken

    def cut(name: str) -> None:
        if name == "remove" and not is_taken:
            raise TransportError("Cannot remove: the connection was reset", kind="reset", sent=True)

    virtual.cps.at_call = cut
    with pytest.raises(TransportError, match="Cannot remove"):
        virtual.push(action="remove")
    assert virtual.orders()[-1].state == "in_doubt"
    virtual.cps.lose, virtual.cps.at_call = (lambda _name: False), None
    virtual.run_until_quiet(hours=2)
    [order] = [one for one in virtual.orders() if one.action == "remove"]
    assert order.state == "completed" and virtual.certificate().state == "vanished"
    assert virtual.cps.refused == []
