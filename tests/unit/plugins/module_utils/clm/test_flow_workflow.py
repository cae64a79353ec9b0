# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Requests and work orders under review: who may do what, what an approval holds for, and what time alone does."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from ansible_collections.edgecert.clm.plugins.module_utils._core.clock import to_text
from ansible_collections.edgecert.clm.plugins.module_utils._core.errors import (
    ClmError,
    InputError,
    NotFoundError,
    PolicyError,
    StateError,
)
from ansible_collections.edgecert.clm.tests.support.flow import Bench

TWO = {"approvals": {"enroll": 0, "push": 2}}


def ready(bench: Bench, **group: Any) -> dict[str, Any]:
    """Have an issued certificate whose push is under review; give the work order."""
    bench.issued()
    bench.group(**(group or TWO))
    record = bench.push(wait=False).record
    assert record is not None
    return dict(record)


def order_of(bench: Bench, work_order_id: str) -> Any:
    """Read a work order."""
    with bench.store.read() as unit:
        return unit.work_orders.get(work_order_id)


def request_of(bench: Bench, request_id: str) -> Any:
    """Read a request."""
    with bench.store.read() as unit:
        return unit.requests.get(request_id)


def later(bench: Bench, **delta: float) -> str:
    """Give a time to come."""
    return to_text(bench.clock.now() + timedelta(**delta))


def test_a_push_waits_for_two_people_and_then_goes_on(bench: Bench) -> None:
    """U4, W1, W2, W3."""
    order = ready(bench)
    assert (order["state"], order["label"]) == ("submitted", "Submitted")
    bench.calls()
    first = bench.act("bob", "approve", work_order_id=order["work_order_id"], comment="looks right").record
    assert first is not None
    assert (first["state"], first["label"]) == ("review_in_progress", "Push-Review In Progress")
    second = bench.act("carol", "approve", work_order_id=order["work_order_id"]).record
    assert second is not None and second["state"] == "approved"
    assert bench.calls() == [], "an approval sends nothing"
    done = bench.push().record
    assert done is not None and done["state"] == "completed" and done["work_order_id"] == order["work_order_id"]
    steps = [(step["type"], step["actor"]) for step in done["conditions"]]
    assert steps[:5] == [
        ("submitted", "tester"),
        ("approval_1", "bob"),
        ("review_in_progress", "bob"),
        ("approval_2", "carol"),
        ("approved", "carol"),
    ]


def test_a_push_under_review_does_nothing_however_often_it_is_called(bench: Bench) -> None:
    """W2."""
    order = ready(bench)
    bench.calls()
    plan = bench.plan_push()
    assert plan.steps == ()
    assert plan.execute().record == bench.push().record
    assert [method for method, _path in bench.calls() if method != "GET"] == []
    assert order_of(bench, order["work_order_id"]).state == "submitted"


@pytest.mark.parametrize(
    ("policy", "actors", "code"),
    [
        ({"push": 2}, ["tester"], "own_request"),
        ({"push": 2}, ["bob", "bob"], "approved_twice"),
        ({"push": 1}, ["bob", "carol"], "wrong_state"),
    ],
)
def test_who_may_not_approve_is_refused(bench: Bench, policy: dict[str, Any], actors: list[str], code: str) -> None:
    """W2: requester and approver differ, and so do approvers; what is approved is not approved again."""
    order = ready(bench, approvals=policy)
    *allowed, refused = actors
    for actor in allowed:
        bench.act(actor, "approve", work_order_id=order["work_order_id"])
    before = order_of(bench, order["work_order_id"])
    with pytest.raises(ClmError) as caught:
        bench.act(refused, "approve", work_order_id=order["work_order_id"])
    assert caught.value.code == code
    assert order_of(bench, order["work_order_id"]) == before


def test_policy_may_let_one_person_do_it_all(bench: Bench) -> None:
    """G: one person may do two levels, and approve what they asked for, where the group says so."""
    policy = {"push": 2, "distinct_approvers": False, "requester_may_approve": True}
    order = ready(bench, approvals=policy)
    for _level in range(2):
        record = bench.act("tester", "approve", work_order_id=order["work_order_id"]).record
    assert record is not None and record["state"] == "approved"


def test_a_policy_changed_later_changes_no_order_that_is_submitted(bench: Bench) -> None:
    """G."""
    order = ready(bench)
    bench.group(approvals={"push": 0}, auto_approve=True)
    assert bench.plan_push().steps == ()
    assert order_of(bench, order["work_order_id"]).policy["levels"] == 2


def test_an_enrolment_under_review_asks_cps_for_nothing(bench: Bench) -> None:
    """E24: submit, approve, implement."""
    bench.prepare()
    bench.group(approvals={"enroll": 1, "push": 0})
    bench.calls()
    request = bench.enroll().record
    assert request is not None and request["state"] == "submitted"
    assert bench.calls() == []
    with pytest.raises(StateError) as caught:
        bench.act("bob", "implement", request_id=request["request_id"])
    assert caught.value.details["allowed"] == ["approve", "reject", "cancel"]
    approved = bench.act("bob", "approve", request_id=request["request_id"]).record
    assert approved is not None and approved["state"] == "approved"
    issued = bench.enroll().record
    assert issued is not None and issued["state"] == "issued" and issued["request_id"] == request["request_id"]


def test_an_approval_is_void_when_what_it_was_given_for_changes(bench: Bench) -> None:
    """Design §5: digest, void when anything changed, and the order says so."""
    order = ready(bench)
    for actor in ("bob", "carol"):
        bench.act(actor, "approve", work_order_id=order["work_order_id"])
    bench.push(warnings={"allow": ["re:something new"], "ask": [], "block": []})
    changed = order_of(bench, order["work_order_id"])
    assert (changed.state, changed.reason, changed.approvals) == ("submitted", "approval_void", ())
    assert [step["type"] for step in changed.conditions[-3:]] == ["approval_void", "approval_void", "submitted"]
    assert "bob" in changed.conditions[-3]["comment"]


def test_an_expired_approval_is_taken_back_and_cannot_be_used(bench: Bench) -> None:
    """Approvals expire; ahead of time the record says when."""
    order = ready(bench, approvals={"push": 1, "valid_hours": 2})
    earliest = later(bench, hours=2)
    approved = bench.act("bob", "approve", work_order_id=order["work_order_id"]).record
    assert approved is not None and earliest <= approved["approvals_expire_at"] <= later(bench, hours=2)
    bench.advance(2 * 3600 + 1)
    with pytest.raises(StateError) as caught:
        bench.act("bob", "implement", work_order_id=order["work_order_id"])
    assert caught.value.code == "approval_expired"
    assert order_of(bench, order["work_order_id"]).state == "submitted"
    again = bench.act("bob", "approve", work_order_id=order["work_order_id"]).record
    assert again is not None and again["state"] == "approved"


def test_a_scheduled_approval_and_implementation_happen_by_themselves(bench: Bench) -> None:
    """W4."""
    order = ready(bench, approvals={"push": 1})
    wanted = {"work_order_id": order["work_order_id"]}
    bench.act("bob", "approve", at=later(bench, hours=1), **wanted)
    assert order_of(bench, order["work_order_id"]).state == "submitted"
    assert bench.run_due()["next_due_at"] == order_of(bench, order["work_order_id"]).approvals[0]["effective_at"]
    bench.advance(3601)
    bench.run_due(only=["approvals"])
    assert order_of(bench, order["work_order_id"]).state == "approved"
    bench.act("dave", "schedule", at=later(bench, hours=3), **wanted)
    assert bench.run_due()["done"] == []
    bench.advance(3 * 3600 + 1)
    assert bench.run_due()["done"][0]["work_order_id"] == order["work_order_id"]
    for _round in range(3):
        bench.advance(60)
        bench.run_due()
    assert order_of(bench, order["work_order_id"]).state == "completed"


def test_a_time_in_the_past_is_refused(bench: Bench) -> None:
    order = ready(bench)
    past = to_text(bench.clock.now() - timedelta(minutes=5))
    for action in ("approve", "schedule"):
        with pytest.raises((InputError, StateError)):
            bench.act("bob", action, at=past, work_order_id=order["work_order_id"])
    with pytest.raises(InputError, match="in the past") as caught:
        bench.push(schedule_at=past)
    assert caught.value.code == "time_passed"


@pytest.mark.parametrize("name", ["request_id", "work_order_id"])
def test_an_unknown_id_is_refused_and_the_open_ones_are_named(bench: Bench, name: str) -> None:
    order = ready(bench)
    with pytest.raises(NotFoundError) as caught:
        bench.act("bob", "approve", **{name: "nothing-such"})
    assert caught.value.details["open"] == ([order["work_order_id"]] if name == "work_order_id" else [])


def test_what_is_rejected_ends_and_a_new_push_is_a_new_order(bench: Bench) -> None:
    """W5."""
    order = ready(bench)
    rejected = bench.act("bob", "reject", work_order_id=order["work_order_id"], comment="not this week").record
    assert rejected is not None and rejected["state"] == "rejected" and "not this week" in rejected["message"]
    again = bench.push().record
    assert again is not None and again["work_order_id"] != order["work_order_id"] and again["state"] == "submitted"


def test_manual_implementation_waits_for_a_person(bench: Bench) -> None:
    """W2: manual implementation on."""
    bench.issued()
    order = bench.push(manual_implementation=True).record
    assert order is not None and order["state"] == "approved"
    assert bench.run_due()["done"] == []
    done = bench.act("dave", "implement", work_order_id=order["work_order_id"], wait=True, wait_timeout=600).record
    assert done is not None and done["state"] == "completed"


def test_a_frozen_group_implements_nothing_unless_told_why(bench: Bench) -> None:
    """G: freeze windows with an override that needs a reason."""
    bench.issued()
    now = bench.clock.now()
    starts, ends = to_text(now - timedelta(hours=1)), to_text(now + timedelta(days=2))
    bench.group(freeze_windows=({"name": "sales", "starts_at": starts, "ends_at": ends},))
    with pytest.raises(PolicyError) as caught:
        bench.push()
    assert caught.value.code == "frozen" and bench.records()["work_orders"] == 0
    done = bench.push(freeze_override="the old one was revoked").record
    assert done is not None and done["state"] == "completed"
    assert "the old one was revoked" in str(done["conditions"])


def test_a_draft_changes_until_it_is_submitted(bench: Bench) -> None:
    """E24: draft."""
    bench.prepare()
    draft = bench.enroll(submit=False).record
    assert draft is not None and draft["state"] == "draft"
    changed = bench.enroll(submit=False, validity={"count": 30, "unit": "days"}).record
    assert changed is not None and changed["request_id"] == draft["request_id"]
    assert changed["wish"]["validity"] == {"count": 30, "unit": "days"}
    issued = bench.enroll().record
    assert issued is not None and (issued["request_id"], issued["state"]) == (draft["request_id"], "issued")
    assert issued["wish"]["validity"] == {"count": 30, "unit": "days"}


def test_a_cancelled_request_says_what_it_leaves_and_its_place_is_used_again(bench: Bench) -> None:
    """W5."""
    bench.prepare()
    begun = bench.enroll(wait=False).record
    assert begun is not None and begun["state"] == "implementing"
    cancelled = bench.act("bob", "cancel", request_id=begun["request_id"], comment="typo").record
    assert cancelled is not None and cancelled["state"] == "cancelled"
    assert str(begun["enrollment_id"]) in cancelled["message"]
    again = bench.enroll().record
    assert again is not None and again["state"] == "issued" and again["enrollment_id"] == begun["enrollment_id"]
    assert len(bench.enrollments()) == 1
