# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The two state machines as tables: each state by each state, by each action, each reached by a real flow."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from ansible_collections.edgecert.clm.plugins.module_utils._ca.answer_base import Issued, Pending, Rejected
from ansible_collections.edgecert.clm.plugins.module_utils._clm import states, workflow
from ansible_collections.edgecert.clm.plugins.module_utils._clm.keeper import REQUEST, WORK_ORDER, Keeper
from ansible_collections.edgecert.clm.plugins.module_utils._core.clock import from_text, to_text
from ansible_collections.edgecert.clm.plugins.module_utils._core.errors import ClmError, StateError, TransportError
from ansible_collections.edgecert.clm.plugins.module_utils._core.types import CertRequest, WorkOrder
from ansible_collections.edgecert.clm.tests.support.doubtful_ca import CANNOT, DoubtfulCa
from ansible_collections.edgecert.clm.tests.support.flow import Bench, StubCa
from ansible_collections.edgecert.clm.tests.support.meanwhile import cancel_change, signing
from ansible_collections.edgecert.clm.tests.support.virtual_bench import VirtualBench

ACTIONS = tuple(states.REQUEST_ACTIONS)
# It is reached by a push to production, which the machine provides for and no order asks for yet.
NOT_YET = {"deploying_production"}


# -- state by state ------------------------------------------------------------------------------------------------


def test_the_tables_are_whole() -> None:
    """Nothing leads to a state that is not there; ends lead nowhere but back from a failure."""
    for machine, actions in ((states.REQUEST, states.REQUEST_ACTIONS), (states.WORK_ORDER, states.WORK_ORDER_ACTIONS)):
        assert {after for following in machine.values() for after in following} <= set(machine)
        assert {state for allowed in actions.values() for state in allowed} <= set(machine)
        assert tuple(actions) == workflow.ACTIONS
        for end in states.ENDS & set(machine):
            assert bool(machine[end]) == (end == "failed")
            # What a request opened at CPS is taken back by cancelling it, after it failed too; a push is rolled back.
            ways = ["retry", "cancel"] if actions is states.REQUEST_ACTIONS else ["retry"]
            assert [name for name, allowed in actions.items() if end in allowed] == ways * (end == "failed")
        assert all(machine[state] for state in machine if state not in states.ENDS)


def bare_request(state: str) -> CertRequest:
    """Give a request that says nothing but its state."""
    return CertRequest(f"req-{state}", "www.example.com", "enroll", state, "house", "endpoint", tracking_id="CHG-1")


def bare_order(state: str) -> WorkOrder:
    """Give a work order that says nothing but its state."""
    named = ("www.example.com", "app", "edge", "push", "staging")
    return WorkOrder(f"wo-{state}", *named, state, tracking_id="CHG-1")


def kept(bench: VirtualBench, kind: str, state: str) -> Any:
    """Give the keeper of a stored record in that state."""
    made: Any = Keeper(bench.ports, REQUEST, bare_request(state))
    if kind == "work_order":
        made = Keeper(bench.ports, WORK_ORDER, bare_order(state))
    with bench.store.write() as unit:
        made.add(unit, "made")
    return made


@pytest.mark.parametrize(("kind", "machine"), [("request", states.REQUEST), ("work_order", states.WORK_ORDER)])
def test_a_record_goes_where_its_table_says_and_nowhere_else(
    virtual: VirtualBench, kind: str, machine: states.Machine
) -> None:
    """Design §5: each state by each state; a move leaves one step and one audit line, a refusal nothing."""
    for before in machine:
        for after in machine:
            keeper = kept(virtual, kind, before)
            stored, lines = keeper.record, virtual.audited()
            if after in machine[before] or after == before:
                keeper.save("moved", state=after, comment="why")
                steps = [step["type"] for step in keeper.record.conditions]
                assert keeper.record.state == after and steps == [after] * (after != before)
                assert virtual.audited() == lines + 1
            else:
                with pytest.raises(StateError) as caught:
                    keeper.save("moved", state=after)
                told = {"from": before, "to": after, "allowed": list(machine[before])}
                assert caught.value.code == "wrong_state" and caught.value.details == told
                assert all(state in caught.value.message for state in machine[before])
                assert keeper.record == stored and virtual.audited() == lines
            with virtual.store.write() as unit:
                repository = keeper.kind.repository(unit)
                assert repository.get(keeper.record_id) == keeper.record
                repository.remove(keeper.record)


def test_each_move_in_the_audit_bears_the_tracking_id(virtual: VirtualBench) -> None:
    """E20."""
    keeper = kept(virtual, "request", "submitted")
    keeper.save("request_rejected", state="rejected", comment="no")
    with virtual.store.read() as unit:
        rows = list(unit.audit_rows(noun="request"))
    assert {row.entry.tracking_id for row in rows} == {"CHG-1"}
    moved = rows[-1].entry
    assert moved.before is not None and moved.after is not None
    assert (moved.before["state"], moved.after["state"], moved.comment) == ("submitted", "rejected", "no")


# -- state by action, requests -------------------------------------------------------------------------------------

# Where an action leads from each state that allows it; a person approves level 1 of 1, and a call waits.
REQUEST_LEADS: dict[str, dict[str, str]] = {
    "approve": {"submitted": "approved"},
    "reject": {"submitted": "rejected"},
    "schedule": {"approved": "scheduled", "scheduled": "scheduled"},
    "implement": dict.fromkeys(
        ("approved", "scheduled", "implementing", "in_doubt", "retrieval_in_progress"), "issued"
    ),
    # What had no approval before it failed has to get one.
    "retry": {"failed": "submitted", "in_doubt": "issued"},
    "cancel": dict.fromkeys(
        ("draft", "submitted", "approved", "scheduled", "implementing", "in_doubt", "retrieval_in_progress", "failed"),
        "cancelled",
    ),
}
ORDER_LEADS: dict[str, dict[str, str]] = {
    "approve": {"submitted": "review_in_progress", "review_in_progress": "approved"},
    "reject": {"submitted": "rejected", "review_in_progress": "rejected"},
    "schedule": {"approved": "scheduled", "scheduled": "scheduled"},
    "implement": dict.fromkeys(
        (
            "approved",
            "scheduled",
            "implementing",
            "needs_decision",
            "in_doubt",
            "deploying_staging",
            "on_staging",
            "deploying_production",
        ),
        "completed",
    ),
    "retry": {"failed": "submitted"},
    "cancel": dict.fromkeys(
        (
            "submitted",
            "review_in_progress",
            "approved",
            "scheduled",
            "implementing",
            "needs_decision",
            "in_doubt",
            "deploying_staging",
            "on_staging",
        ),
        "cancelled",
    ),
}


@pytest.mark.parametrize(
    ("leads", "actions"), [(REQUEST_LEADS, states.REQUEST_ACTIONS), (ORDER_LEADS, states.WORK_ORDER_ACTIONS)]
)
def test_the_tests_know_every_action_of_every_state(leads: dict[str, dict[str, str]], actions: states.Machine) -> None:
    """A new line of the table is not forgotten here."""
    assert {action: set(allowed) for action, allowed in leads.items()} == {
        action: set(allowed) for action, allowed in actions.items()
    }


def request_in(bench: VirtualBench, state: str) -> CertRequest:
    """Have a request of one approval in a state, as far along as one in that state is."""
    bench.prepare(approvals={"enroll": 1, "push": 0})
    if state == "draft":
        bench.enroll(submit=False)
        first: CertRequest = bench.requests()[0]
        return first
    bench.enroll()
    request: CertRequest = bench.requests()[0]
    if state in ("submitted", "rejected", "cancelled", "failed", "revoked"):
        ended: CertRequest = put(bench, replace(request, state=state))
        return ended
    bench.act("bob", "approve", request_id=request.request_id)
    if state in ("implementing", "in_doubt", "retrieval_in_progress", "issued"):
        bench.enroll(wait=False)
        bench.advance(minutes=5)
    if state == "retrieval_in_progress":
        bench.use_ca(StubCa(lambda csr: Pending({"csr": csr}, "a person signs", 60.0)))
        bench.enroll(wait=False)
        bench.wrap_ca = lambda own: StubCa(lambda csr: own_signing(bench, csr))
    if state == "in_doubt":
        doubtful = DoubtfulCa(lambda csr: own_signing(bench, csr), TransportError("lost", kind="timeout", sent=True))
        doubtful.tells = CANNOT
        bench.use_ca(doubtful)
        bench.enroll(wait=False)
        # By now the CA can tell, and it has the order.
        doubtful.loses = doubtful.tells = None
    if state == "issued":
        bench.enroll()
    [request] = bench.requests()
    if state in ("approved", "scheduled"):
        at = bench.clock.moment + timedelta(hours=1) if state == "scheduled" else None
        request = put(bench, replace(request, state=state, scheduled_at=at))
    assert request.state == state
    return request


def own_signing(bench: VirtualBench, csr_pem: str) -> Issued:
    """Sign as another CA, for orders that were taken and not signed."""
    answer = signing_of(bench)(csr_pem)
    assert isinstance(answer, Issued)
    return answer


def signing_of(bench: Any) -> Any:
    """Give a CA's hand on the virtual clock."""
    return signing(bench)


def put(bench: VirtualBench, record: Any) -> Any:
    """Store a record as it is."""
    with bench.store.write() as unit:
        return (unit.requests if isinstance(record, CertRequest) else unit.work_orders).put(record)


def options(bench: VirtualBench, action: str) -> dict[str, Any]:
    """Give the options that go with an action."""
    at = {"at": to_text(bench.clock.moment + timedelta(hours=2))} if action == "schedule" else {}
    return {"comment": "why", "wait": True, "wait_timeout": 7200, **at}


@pytest.mark.parametrize("state", list(states.REQUEST))
@pytest.mark.parametrize("action", ACTIONS)
def test_an_action_on_a_request_does_what_the_table_says_or_nothing(
    virtual: VirtualBench, state: str, action: str
) -> None:
    """E24: each state by each action."""
    request = request_in(virtual, state)
    leads = REQUEST_LEADS[action].get(state)
    calls, lines = virtual.cps.calls.total(), virtual.audited()
    wanted = {"request_id": request.request_id, **options(virtual, action)}
    if leads is None:
        check_refused(virtual, request, action, wanted, states.REQUEST_ACTIONS)
        assert virtual.requests() == [request]
        assert (virtual.cps.calls.total(), virtual.audited()) == (calls, lines)
        return
    record: Any = virtual.act("carol", action, **wanted).record
    assert record is not None and record["state"] == leads, record["message"]
    [after] = virtual.requests()
    assert after.state == leads and "carol" in [step["actor"] for step in after.conditions[len(request.conditions) :]]
    if action != "implement" and action != "retry":
        assert virtual.cps.calls.total() == calls, "reviewing sends nothing"
        assert "why" in str(after.conditions[-3:])
    assert virtual.audited() > lines and virtual.store.verify_audit() == []


def check_refused(bench: VirtualBench, record: Any, action: str, wanted: Any, actions: states.Machine) -> None:
    """Hold a refusal against the table: it names what is allowed."""
    with pytest.raises(StateError) as caught:
        bench.act("carol", action, **wanted)
    allowed = [name for name, allowed_in in actions.items() if record.state in allowed_in]
    assert caught.value.code == "wrong_state"
    assert caught.value.details == {"state": record.state, "action": action, "allowed": allowed}
    assert f"it is {record.state}, which allows {', '.join(allowed) or 'nothing'}" in caught.value.message


# -- state by action, work orders ----------------------------------------------------------------------------------


def order_in(bench: VirtualBench, state: str) -> WorkOrder:
    """Have a work order of two approvals in a state; CPS waits for the certificate, or is past that with it."""
    bench.issued()
    bench.group(approvals={"push": 2})
    bench.push(network="production" if state == "deploying_production" else "staging")
    [order] = bench.orders()
    given = {"submitted": 0, "review_in_progress": 1, "failed": 0}.get(state, 2)
    for actor in ("alice", "bob")[:given]:
        bench.act(actor, "approve", work_order_id=order.work_order_id)
    [order] = bench.orders()
    while state == "deploying_production" and order.state != state:
        bench.push(network="production", wait=False)
        bench.advance(minutes=10)
        [order] = bench.orders()
    at = bench.clock.moment + timedelta(hours=1) if state == "scheduled" else None
    return order if order.state == state else put(bench, replace(order, state=state, scheduled_at=at))


@pytest.mark.parametrize("state", list(states.WORK_ORDER))
@pytest.mark.parametrize("action", ACTIONS)
def test_an_action_on_a_work_order_does_what_the_table_says_or_nothing(
    virtual: VirtualBench, state: str, action: str
) -> None:
    """W2, W5: each state by each action."""
    order = order_in(virtual, state)
    leads = ORDER_LEADS[action].get(state)
    calls, lines = called(virtual), virtual.audited()
    wanted = {"work_order_id": order.work_order_id, **options(virtual, action)}
    if leads is None:
        check_refused(virtual, order, action, wanted, states.WORK_ORDER_ACTIONS)
        assert virtual.orders() == [order]
        assert (called(virtual), virtual.audited()) == (calls, lines)
        return
    record: Any = virtual.act("carol", action, **wanted).record
    assert record is not None and record["state"] == leads, record["message"]
    [after] = virtual.orders()
    assert after.state == leads and "carol" in [step["actor"] for step in after.conditions[len(order.conditions) :]]
    assert virtual.cps.calls["upload"] == (1 if action == "implement" else 0)
    assert virtual.audited() > lines and virtual.store.verify_audit() == [] and virtual.cps.refused == []


def called(bench: VirtualBench) -> int:
    """Count the calls so far."""
    return bench.cps.calls.total()


def test_check_mode_predicts_each_action_and_does_none(virtual: VirtualBench) -> None:
    """E24, W2: planning stores nothing, and what it predicts is what comes."""
    order = order_in(virtual, "submitted")
    for actor, action, predicted in (
        ("alice", "approve", "review_in_progress"),
        ("bob", "approve", "approved"),
        ("carol", "schedule", "scheduled"),
        ("carol", "implement", "completed"),
    ):
        params = {"action": action, "work_order_id": order.work_order_id, **options(virtual, action)}
        lines = virtual.audited()
        plan = workflow.plan(params, replace(virtual.ports, actor=actor, check_mode=True))
        assert plan.after is not None and plan.after["state"] == predicted
        assert virtual.audited() == lines
        record = virtual.act(actor, **params).record
        assert record is not None and record["state"] == predicted


# -- each state is reached -----------------------------------------------------------------------------------------


def seen_states(bench: Bench) -> tuple[set[str], set[str]]:
    """Give the states that requests and work orders were ever in, as the audit and their conditions tell."""
    found: dict[str, set[str]] = {"request": set(), "work_order": set()}
    with bench.store.read() as unit:
        for row in unit.audit_rows():
            if row.entry.noun in found and row.entry.after:
                found[row.entry.noun].add(str(row.entry.after.get("state")))
        for request in unit.requests.find():
            found["request"] |= {step["type"] for step in request.conditions} & set(states.REQUEST)
        for order in unit.work_orders.find():
            found["work_order"] |= {step["type"] for step in order.conditions} & set(states.WORK_ORDER)
    return found["request"] - {"None"}, found["work_order"]


def enrolled(bench: Bench, first: str, **changes: Any) -> Any:
    """Enrol one more name, and give its record."""
    record = bench.enroll(common_name=bench.name(first), **changes).record
    assert record is not None
    return record


def later(bench: Bench, hours: float) -> str:
    """Give a time to come."""
    return to_text(bench.clock.now() + timedelta(hours=hours))


def lead_requests_everywhere(bench: Bench) -> None:
    """Lead requests to every state."""
    draft = enrolled(bench, "draft", submit=False)
    bench.act("bob", "cancel", request_id=draft["request_id"])
    bench.group(approvals={"enroll": 1, "push": 2})
    bench.act("bob", "reject", request_id=enrolled(bench, "rejected")["request_id"])
    scheduled = enrolled(bench, "www")["request_id"]
    bench.act("bob", "approve", request_id=scheduled)
    bench.act("bob", "schedule", request_id=scheduled, at=later(bench, 1))
    bench.advance(3700)
    for _round in range(4):
        bench.run_due()
        bench.advance(30)
    bench.group(approvals={"enroll": 0, "push": 2})
    own = bench.ports
    bench.use_ca(StubCa(lambda _csr: Rejected("no")))
    with pytest.raises(StateError):
        enrolled(bench, "failed")
    doubtful = DoubtfulCa(signing(bench), TransportError("lost", kind="timeout", sent=True))
    doubtful.tells = CANNOT
    bench.use_ca(doubtful)
    enrolled(bench, "doubt")
    doubtful.tells = doubtful.loses = None
    enrolled(bench, "doubt")
    bench.enroll_action("revoke", bench.name("doubt"))
    bench.ports = own


def reviewed(bench: Bench, **changes: Any) -> str:
    """Push, and have it approved by two."""
    record = bench.push(wait=False, **changes).record
    assert record is not None
    for actor in ("bob", "carol"):
        bench.act(actor, "approve", work_order_id=record["work_order_id"])
    return str(record["work_order_id"])


def lead_orders_everywhere(bench: Bench) -> None:
    """Lead work orders of the one certificate to every state."""
    bench.connector()
    record = bench.push(wait=False).record
    assert record is not None
    bench.act("bob", "reject", work_order_id=record["work_order_id"])
    bench.act("bob", "cancel", work_order_id=reviewed(bench))
    order = reviewed(bench)
    bench.act("dave", "schedule", work_order_id=order, at=later(bench, 1))
    bench.advance(3700)
    bench.sandbox.configure({"post_verification_warnings": ["A warning nobody has seen before."], "staging_s": 900})
    bench.sandbox.fault("lost_after", method="POST", path="third-party-cert-and-trust-chain")
    for _round in range(4):
        bench.run_due(fail=False)
        bench.advance(70)
    bench.push(warnings={"allow": ["re:nobody has seen before"], "ask": [], "block": []}, wait=False)
    for actor in ("bob", "carol"):
        bench.act(actor, "approve", work_order_id=order)
    for _round in range(12):
        following = bench.run_due(fail=False)["next_due_at"]
        left_s = (from_text(following) - bench.clock.now()).total_seconds() if following else 0.0
        # Somebody else's work may be due far ahead.
        bench.advance(min(max(20.0, left_s), 3600.0))


def fail_an_order(bench: Bench) -> None:
    """Let somebody cancel the change under an order."""
    bench.group(approvals={"enroll": 0, "push": 0})
    issued = enrolled(bench, "gone")
    bench.connector(certificate=bench.name("gone"))
    bench.sandbox.configure({"verify_s": 600})
    bench.push(certificate=bench.name("gone"), wait=False)
    cancel_change(bench, issued)
    with pytest.raises(ClmError):
        bench.push(certificate=bench.name("gone"), wait=False)


def test_each_state_is_reached_by_a_real_flow(bench: Bench) -> None:
    """Design §5: no state is there for nothing; the one of a push to production comes with it."""
    bench.prepare()
    lead_requests_everywhere(bench)
    lead_orders_everywhere(bench)
    fail_an_order(bench)
    requests, orders = seen_states(bench)
    assert requests == set(states.REQUEST)
    assert orders == set(states.WORK_ORDER) - NOT_YET
