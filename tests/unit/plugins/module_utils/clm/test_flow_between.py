# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What lies between asking and doing: approvals that end, freezes that begin, times that pass, settings that change."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.edgecert.clm.plugins.module_utils._ca.answer_base import (
    Answer,
    Found,
    NotThere,
    Pending,
    Rejected,
)
from ansible_collections.edgecert.clm.plugins.module_utils._ca.base import Order
from ansible_collections.edgecert.clm.plugins.module_utils._clm import ca_accounts, enroll, policy, requests
from ansible_collections.edgecert.clm.plugins.module_utils._core.clock import to_text
from ansible_collections.edgecert.clm.plugins.module_utils._core.errors import (
    ClmError,
    InputError,
    PolicyError,
    RemoteError,
)
from ansible_collections.edgecert.clm.plugins.module_utils._core.governance import Group
from ansible_collections.edgecert.clm.tests.support.flow import StubCa
from ansible_collections.edgecert.clm.tests.support.virtual_bench import VirtualBench

WWW = "www.example.com"


class CountingCa(StubCa):
    """Refuses every order, and counts them."""

    def __init__(self) -> None:
        super().__init__(lambda _csr: Rejected("not today"))


class SlowCa(StubCa):
    """Has a person sign."""

    def __init__(self) -> None:
        super().__init__(lambda csr: Pending({"csr": csr}, "a person signs", 60.0), immediate=False)


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[VirtualBench]:
    """Give a bench in virtual time."""
    made = VirtualBench(tmp_path)
    yield made
    made.close()


def frozen(bench: VirtualBench, begins_in: float, days: float, kinds: tuple[str, ...] = ("enroll", "push")) -> Any:
    """Give a freeze that begins in so many days."""
    begin = bench.clock.moment + timedelta(days=begins_in)
    ends = begin + timedelta(days=days)
    return {"name": f"from {begin:%d %b}", "starts_at": to_text(begin), "ends_at": to_text(ends), "kinds": list(kinds)}


def begun(bench: VirtualBench, **group: Any) -> dict[str, Any]:
    """Have a request that was approved and begun, and waits for its CSR."""
    bench.prepare(**{"approvals": {"enroll": 1, "push": 0, "valid_hours": 1}, **group})
    asked = dict(bench.enroll(wait=False).record or {})
    bench.act("bob", "approve", request_id=asked["request_id"])
    return dict(bench.enroll(wait=False).record or {})


# -- before the order, which is what is paid -----------------------------------------------------------------------


def test_nothing_is_ordered_on_an_approval_that_ended_meanwhile(bench: VirtualBench) -> None:
    """E24, W2: it waits for another approval, and goes on from where it stood."""
    ca = CountingCa()
    request = begun(bench)
    assert request["state"] == "implementing"
    bench.use_ca(ca)
    bench.advance(hours=5)
    with pytest.raises(ClmError) as caught:
        bench.enroll()
    assert caught.value.code == "approval_expired"
    assert ca.submitted == []
    after = bench.requests()[-1]
    assert (after.state, after.reason, after.approvals) == ("submitted", "approval_expired", ())
    bench.wrap_ca = lambda own: own
    bench.act("bob", "approve", request_id=request["request_id"])
    done = bench.enroll().record
    assert done is not None and (done["request_id"], done["state"]) == (request["request_id"], "issued")
    assert len(bench.cps.enrollments) == 1


def test_nothing_is_ordered_at_a_ca_account_that_changed_since_it_was_approved(bench: VirtualBench) -> None:
    """E24, W2."""
    begun(bench, approvals={"enroll": 1, "push": 0})
    options = {"key_type": "ec", "max_validity_days": 60}
    changed = {"name": "house", "state": "present", "type": "own_ca", "options": options}
    ca_accounts.plan(changed, bench.ports).execute()
    bench.advance(hours=1)
    with pytest.raises(ClmError) as caught:
        bench.enroll()
    assert caught.value.code == "approval_void" and "the CA account" in caught.value.message


def test_nothing_is_ordered_in_a_freeze_that_began_meanwhile(bench: VirtualBench) -> None:
    """E24, G: it waits, and is ordered once the freeze is over."""
    begun(bench, approvals={"enroll": 1, "push": 0})
    bench.group(freeze_windows=(frozen(bench, 0.1, 2),))
    bench.advance(hours=5)
    told = bench.run_due(fail=False)
    assert [entry["reason"] for entry in told["waiting"]] == ["frozen"]
    assert bench.requests()[-1].state == "implementing"
    bench.advance(days=2)
    bench.run_due()
    assert bench.requests()[-1].state == "issued"


def test_nothing_is_revoked_in_a_freeze_that_began_meanwhile(bench: VirtualBench, tmp_path: Path) -> None:
    """E4, G: what was approved before it waits like an order."""
    bench.prepare()
    options = {"key_type": "ec", "max_validity_days": 398, "crl_path": str(tmp_path / "own.crl")}
    changed = {"name": "house", "state": "present", "type": "own_ca", "options": options}
    ca_accounts.plan(changed, bench.ports).execute()
    bench.enroll()
    bench.group(approvals={"enroll": 1, "push": 0})
    wanted = {"action": "revoke", "certificate": WWW, "wait": False}
    asked = dict(enroll.plan(wanted, bench.ports).execute().record or {})
    with bench.store.read() as unit:
        assert unit.requests.get(asked["request_id"]) is not None
    bench.act("bob", "approve", request_id=asked["request_id"])
    mover = requests.mover_of(bench.requests()[-1], bench.ports, wait_s=0.0)
    requests.gate_of(mover).begin()
    bench.group(freeze_windows=(frozen(bench, -1, 2),))
    told = bench.run_due(fail=False)
    assert [entry["reason"] for entry in told["waiting"]] == ["frozen"]
    assert bench.certificate().state == "issued"
    bench.advance(days=2)
    bench.run_due()
    assert bench.certificate().state == "revoked"


class AwayCa(StubCa):
    """Cannot be reached while an order is sent, and says afterwards that it has none."""

    def __init__(self) -> None:
        super().__init__(lambda _csr: Rejected("not today"))

    def submit(self, order: Order, csr_pem: str) -> Answer:
        super().submit(order, csr_pem)
        raise RemoteError("the CA is away", status=503, code="http_error")

    def find(self, order: Order, csr_pem: str) -> Found:
        return NotThere("it has no such order")


def test_an_order_that_never_arrived_is_not_sent_again_on_an_approval_that_ended_since(bench: VirtualBench) -> None:
    """E24, W2, W5: it is looked for first, and what is not there needs an approval like any other order."""
    request, ca = begun(bench), AwayCa()
    bench.use_ca(ca)
    bench.advance(minutes=10)
    with pytest.raises(RemoteError):
        bench.enroll()
    assert len(ca.submitted) == 1
    bench.advance(hours=5)
    with pytest.raises(ClmError) as caught:
        bench.enroll()
    assert caught.value.code == "approval_expired" and len(ca.submitted) == 1
    assert bench.requests()[-1].state == "submitted"
    bench.wrap_ca = lambda own: own
    bench.act("bob", "approve", request_id=request["request_id"])
    done = bench.enroll().record
    assert done is not None and done["state"] == "issued"


@pytest.mark.parametrize("way", ["enroll", "implement"])
def test_a_freeze_that_begins_while_it_is_implemented_is_passed_over_with_a_reason(
    bench: VirtualBench, way: str
) -> None:
    """E24, G: as the refusal says; the reason is on record once, whatever the same call finds later."""
    request = begun(bench, approvals={"enroll": 1, "push": 0})
    bench.group(freeze_windows=(frozen(bench, -1, 2),))
    bench.advance(minutes=10)
    with pytest.raises(PolicyError, match="freeze_override"):
        bench.enroll()
    if way == "enroll":
        bench.enroll(freeze_override="CHG-7")
    else:
        wanted = {"request_id": request["request_id"], "wait": True, "wait_timeout": 600, "freeze_override": "CHG-7"}
        bench.act("olga", "implement", **wanted)
    done = bench.requests()[-1]
    assert done.state == "issued"
    assert [step["comment"] for step in done.conditions if step["type"] == "freeze_overridden"] == ["CHG-7"]


# -- freezes that somebody gave a reason for -----------------------------------------------------------------------


def test_a_reason_given_when_asking_goes_through_the_freeze_it_was_given_in(bench: VirtualBench) -> None:
    """G, W2: approvals lie between, and the reason still holds; what is on record is what happens."""
    bench.issued()
    bench.group(approvals={"push": 1}, freeze_windows=(frozen(bench, -1, 10),))
    order = dict(bench.push(wait=False, freeze_override="emergency CHG-1").record or {})
    bench.act("bob", "approve", work_order_id=order["work_order_id"])
    bench.run_until_quiet()
    assert bench.orders()[-1].state == "completed"


def test_a_reason_for_one_freeze_is_none_for_a_later_one(bench: VirtualBench) -> None:
    """G, W2."""
    bench.issued()
    bench.group(approvals={"push": 1}, freeze_windows=(frozen(bench, -1, 2), frozen(bench, 3, 2)))
    order = dict(bench.push(wait=False, freeze_override="emergency CHG-1").record or {})
    bench.advance(days=3, hours=1)
    bench.act("bob", "approve", work_order_id=order["work_order_id"])
    told = bench.run_due(fail=False)
    assert [entry["reason"] for entry in told["waiting"]] == ["frozen"]


def test_a_reason_given_before_a_freeze_is_for_the_next_one(bench: VirtualBench) -> None:
    """G, W2: who plans a push into a freeze says so when asking for it."""
    bench.issued()
    bench.group(approvals={"push": 1}, freeze_windows=(frozen(bench, 1, 2),))
    at = to_text(bench.clock.moment + timedelta(days=1, hours=2))
    order = dict(bench.push(wait=False, schedule_at=at, freeze_override="agreed").record or {})
    bench.act("bob", "approve", work_order_id=order["work_order_id"])
    bench.advance(days=1, hours=3)
    bench.run_until_quiet()
    assert bench.orders()[-1].state == "completed"


# -- times that passed ---------------------------------------------------------------------------------------------


def test_what_is_approved_after_its_time_is_not_implemented_at_a_time_that_nobody_chose(bench: VirtualBench) -> None:
    """W2, W4: it waits for somebody to implement it, or to set another time."""
    bench.issued()
    bench.group(approvals={"push": 1})
    at = to_text(bench.clock.moment + timedelta(hours=2))
    order = dict(bench.push(wait=False, schedule_at=at).record or {})
    bench.advance(hours=20)
    late = bench.act("bob", "approve", work_order_id=order["work_order_id"]).record
    assert late is not None
    assert (late["state"], late["reason"], late["scheduled_at"]) == ("approved", "time_passed", None)
    assert at in late["message"] and "implement it" in late["message"]
    assert bench.run_due()["done"] == []
    assert bench.orders()[-1].state == "approved"
    anew = to_text(bench.clock.moment + timedelta(hours=1))
    bench.act("dora", "schedule", work_order_id=order["work_order_id"], at=anew)
    bench.advance(hours=1)
    bench.run_until_quiet()
    assert bench.orders()[-1].state == "completed"


def test_what_was_approved_in_time_is_implemented_by_a_run_that_comes_late(bench: VirtualBench) -> None:
    """W4."""
    bench.issued()
    bench.group(approvals={"push": 1})
    at = to_text(bench.clock.moment + timedelta(hours=2))
    order = dict(bench.push(wait=False, schedule_at=at).record or {})
    bench.act("bob", "approve", work_order_id=order["work_order_id"])
    bench.advance(hours=20)
    bench.run_until_quiet()
    assert bench.orders()[-1].state == "completed"


def test_an_approval_from_after_the_time_of_implementation_is_refused(bench: VirtualBench) -> None:
    """W2, W4."""
    bench.issued()
    bench.group(approvals={"push": 1})
    at = to_text(bench.clock.moment + timedelta(hours=2))
    order = dict(bench.push(wait=False, schedule_at=at).record or {})
    with pytest.raises(InputError) as caught:
        bench.act(
            "bob", "approve", work_order_id=order["work_order_id"], at=to_text(bench.clock.moment + timedelta(hours=3))
        )
    assert caught.value.code == "approval_too_late"
    assert bench.orders()[-1].approvals == ()


# -- settings that change while a renewal is under way -------------------------------------------------------------


def test_automatic_renewal_is_off_at_once_though_a_renewal_is_under_way(bench: VirtualBench) -> None:
    """E3: what was switched off is not renewed again when that renewal fails."""
    bench.prepare()
    bench.live(WWW, auto_renew={"enabled": True})
    line = bench.certificate()
    assert line.not_after is not None and line.not_before is not None
    bench.clock.moment = line.not_after - (line.not_after - line.not_before) / 3
    bench.cps.settle()
    bench.use_ca(SlowCa())
    bench.run_due(fail=False)
    bench.advance(minutes=30)
    bench.run_due(fail=False)
    assert bench.requests()[-1].state == "retrieval_in_progress"
    bench.enroll(wait=False, auto_renew={"enabled": False}, attributes={"team": "web"})
    assert bench.certificate().auto_renew == {"enabled": False}
    assert bench.certificate().attributes == {"team": "web"}
    bench.use_ca(CountingCa())
    bench.advance(hours=1)
    bench.run_due(fail=False)
    assert bench.requests()[-1].state == "failed"
    known = len(bench.requests())
    bench.advance(hours=3)
    bench.run_due(fail=False)
    assert len(bench.requests()) == known


# -- groups that are easier ----------------------------------------------------------------------------------------

STRICT = Group("strict", approvals={"push": 2}, warnings={"block": ["re:danger"]})
EASIER: dict[str, dict[str, Any]] = {
    "approvals.distinct_approvers": {"approvals": {"push": 2, "distinct_approvers": False}},
    "approvals.requester_may_approve": {"approvals": {"push": 2, "requester_may_approve": True}},
    "approvals.valid_hours": {"approvals": {"push": 2, "valid_hours": 2160}},
    "warnings.block": {"warnings": {}},
}


@pytest.mark.parametrize("rule", EASIER)
def test_each_rule_that_is_easier_in_another_group_is_named(rule: str, bench: VirtualBench) -> None:
    """G."""
    same: dict[str, Any] = {"approvals": {"push": 2}, "warnings": {"block": ["re:danger"]}}
    lax = Group("lax", **{**same, **EASIER[rule]})
    found = policy.weaker(STRICT, lax, bench.clock.moment)
    assert len(found) == 1 and f"rule {rule}" in found[0]
    assert policy.weaker(STRICT, Group("same", **same), bench.clock.moment) == []
    assert policy.weaker(lax, STRICT, bench.clock.moment) == []


def test_a_freeze_of_the_group_before_is_not_evaded_by_moving(bench: VirtualBench) -> None:
    """G: one that is over, or stands in the other group under another name, holds nobody."""
    window = frozen(bench, 1, 2)
    present = Group("strict", freeze_windows=(window, frozen(bench, -5, 2)))
    found = policy.weaker(present, Group("lax"), bench.clock.moment)
    assert len(found) == 1 and window["name"] in found[0] and "rule freeze_windows" in found[0]
    renamed = Group("lax", freeze_windows=({**window, "name": "shop"},))
    assert policy.weaker(present, renamed, bench.clock.moment) == []


def test_who_asked_cannot_approve_alone_by_way_of_another_group(bench: VirtualBench) -> None:
    """G, W2."""
    bench.issued()
    bench.group(approvals={"push": 2})
    rules = {"push": 2, "distinct_approvers": False, "requester_may_approve": True}
    with bench.store.write() as unit:
        unit.groups.add(Group("lax", approvals=rules))
    with pytest.raises(PolicyError) as caught:
        bench.enroll(group="lax")
    assert "rule approvals.requester_may_approve" in caught.value.message
    assert "rule approvals.distinct_approvers" in caught.value.message
