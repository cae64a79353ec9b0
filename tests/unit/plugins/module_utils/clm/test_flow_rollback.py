# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Pushes taken back: cancelled at CPS before production has them, refused with a way forward after that (U5)."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.edgecert.clm.plugins.module_utils._clm.rollback import MOST_TRIES
from ansible_collections.edgecert.clm.plugins.module_utils._core.errors import RemoteError, StateError
from ansible_collections.edgecert.clm.plugins.module_utils._core.types import Certificate
from ansible_collections.edgecert.clm.plugins.module_utils._target.akamai_cps import AkamaiCpsTarget
from ansible_collections.edgecert.clm.plugins.module_utils._target.base import PushState
from ansible_collections.edgecert.clm.tests.support.flow import Bench
from ansible_collections.edgecert.clm.tests.support.undoing import deletes, line, live, undo

DAY_S = 86_400


def roll_back(bench: Bench, **changes: Any) -> dict[str, Any]:
    """Roll back, or go on; give the work order."""
    return undo(bench, "rollback", **changes)


def renewed(bench: Bench) -> Certificate:
    """Have a certificate on production, renewed and on staging; give it as it was before."""
    before = live(bench, validity={"count": 47, "unit": "days"}, auto_renew={"enabled": True, "days_before": 20})
    bench.advance(28 * DAY_S)
    assert dict(bench.enroll(action="renew", force=True).record or {})["state"] == "issued"
    assert dict(bench.push().record or {})["state"] == "completed"
    assert line(bench).fingerprint != before.fingerprint
    bench.calls()
    return before


def test_a_renewal_is_rolled_back_by_cancelling_its_change(bench: Bench) -> None:
    """U5: production is untouched, and the inventory tells of what it serves again."""
    before = renewed(bench)
    after_renewal = line(bench)
    plan = bench.plan_push(action="rollback")
    assert [step.sentence.split()[0] for step in plan.steps] == ["Record", "Cancel"]
    assert (plan.after or {})["state"] == "completed"
    order = roll_back(bench)
    assert (order["state"], order["action"]) == ("completed", "rollback")
    assert len(deletes(bench)) == 1
    [found] = bench.enrollments()
    assert found["pending_changes"] == ()
    assert [facts["fingerprint"] for facts in found["production"].certificates] == [before.fingerprint]
    now = line(bench)
    assert (now.fingerprint, now.request_id, now.not_after) == (before.fingerprint, before.request_id, before.not_after)
    assert (now.state, now.parent, now.auto_renew) == ("issued", "", before.auto_renew)
    with bench.store.read() as unit:
        [aside] = unit.certificates.find(state="superseded")
    assert (aside.fingerprint, aside.successor) == (after_renewal.fingerprint, bench.name())
    assert bench.audit()[-2:] == ["push_rolled_back", "certificate_rolled_back"]


def test_the_same_rollback_again_does_nothing(bench: Bench) -> None:
    """U5: also where what came back is on production; a later renewal can be taken back in its turn."""
    renewed(bench)
    order = roll_back(bench)
    bench.calls()
    plan = bench.plan_push(action="rollback")
    assert not plan.changed and (plan.finish().record or {})["work_order_id"] == order["work_order_id"]
    assert bench.calls() == []
    assert dict(bench.enroll(action="renew", force=True).record or {})["state"] == "issued"
    assert roll_back(bench)["work_order_id"] != order["work_order_id"]


def test_a_renewal_that_was_rolled_back_is_not_tried_again_by_itself_but_by_a_person(bench: Bench) -> None:
    """U5, E3: the runner tells that it stopped; a person's renewal goes all the way."""
    before = renewed(bench)
    bench.group(push_automatically=True)
    bench.connector(push_automatically=True)
    roll_back(bench)
    report = bench.run_due()
    assert [entry["reason"] for entry in report["failures"]] == ["renewal_stopped"], (report, line(bench))
    assert "rolled back" in report["failures"][0]["message"] and line(bench).fingerprint == before.fingerprint
    assert dict(bench.enroll(action="renew", force=True).record or {})["state"] == "issued"
    assert dict(bench.push(network="production").record or {})["state"] == "completed"
    assert line(bench).fingerprint == line(bench).production["fingerprint"] != before.fingerprint


def test_what_production_serves_cannot_be_rolled_back_and_the_way_forward_is_told(bench: Bench) -> None:
    """U5: before anything is sent."""
    renewed(bench)
    bench.push(network="production")
    bench.calls()
    with pytest.raises(StateError, match="action: regenerate") as caught:
        bench.plan_push(action="rollback", network="production")
    assert caught.value.code == "rollback_impossible" and "Before it there was" in caught.value.message
    assert deletes(bench) == []


def test_a_first_certificate_is_rolled_back_with_its_enrollment(bench: Bench) -> None:
    """U5, cps-protocol §3.8: CPS takes an enrollment that never went live away with its first change."""
    bench.issued()
    bench.push()
    assert roll_back(bench)["state"] == "completed"
    assert bench.enrollments() == [] and line(bench).state == "vanished"
    assert dict(bench.enroll().record or {})["state"] == "issued", "it can be enrolled anew"


def test_a_rollback_waits_for_approval_and_ends_the_push_it_takes_back(bench: Bench) -> None:
    """U5, W2: a push to production that waits for people is over with the change."""
    before = renewed(bench)
    bench.group(approvals={"push": 1})
    waiting = dict(bench.push(network="production").record or {})
    order = roll_back(bench)
    assert (waiting["state"], order["state"]) == ("submitted", "submitted") and deletes(bench) == []
    bench.act("alice", "approve", work_order_id=order["work_order_id"])
    bench.run_due()
    with bench.store.read() as unit:
        orders = {one.work_order_id: one for one in unit.work_orders.find()}
    assert orders[order["work_order_id"]].state == "completed"
    ended = orders[waiting["work_order_id"]]
    assert (ended.state, ended.reason) == ("cancelled", "rolled_back")
    assert line(bench).fingerprint == before.fingerprint


def test_a_lost_reply_to_the_cancellation_is_looked_into(bench: Bench) -> None:
    """U5, W5: taken or not, it is cancelled once, and the inventory goes back."""
    before = renewed(bench)
    bench.sandbox.fault("lost_after", method="DELETE", path="/changes/")
    with pytest.raises(RemoteError):
        roll_back(bench)
    assert roll_back(bench)["state"] == "completed" and line(bench).fingerprint == before.fingerprint
    with bench.store.read() as unit:
        assert unit.intents.find(finished_at=None) == []


def test_a_change_that_cps_will_not_cancel_is_tried_a_few_times_and_can_be_retried(bench: Bench) -> None:
    """U5, cps-protocol §5.2: the order ends with what to do, said with CPS's own words; a retry goes on."""
    before = renewed(bench)
    bench.sandbox.fault("server_error", status=409, method="DELETE", path="/changes/", times=0)
    with pytest.raises(StateError, match="then retry this work order") as caught:
        roll_back(bench)
    bench.sandbox.clear_faults()
    assert caught.value.code == "cancel_refused" and len(deletes(bench)) == MOST_TRIES
    key = caught.value.details["work_order_id"]
    with bench.store.read() as unit:
        assert unit.intents.find(finished_at=None) == []
    bench.advance(60)
    bench.act("bob", "retry", work_order_id=key, wait=True, wait_timeout=900)
    assert line(bench).fingerprint == before.fingerprint and len(deletes(bench)) == 1


def test_a_409_that_passes_a_moment_later_ends_nothing(bench: Bench) -> None:
    """U5, cps-protocol §5.2: the same call tries again where it may wait, else the next one or the runner."""
    before = renewed(bench)
    bench.sandbox.fault("conflict", method="DELETE", path="/changes/", times=2)
    order = roll_back(bench, wait=False)
    assert (order["state"], order["reason"]) == ("implementing", "cancel_refused") and order["next_look_at"]
    bench.advance(60)
    assert bench.run_due()["failures"] == [] and line(bench).fingerprint != before.fingerprint
    bench.advance(120)
    bench.run_due()
    with bench.store.read() as unit:
        [again] = unit.work_orders.find(action="rollback")
    assert (again.work_order_id, again.state) == (order["work_order_id"], "completed")
    assert line(bench).fingerprint == before.fingerprint and len(deletes(bench)) == 3


def test_a_409_because_somebody_cancelled_it_is_a_cancellation(bench: Bench) -> None:
    """cps-protocol §5.5: already done."""
    before = renewed(bench)
    with bench.store.read() as unit:
        device, order = unit.devices.find()[0], unit.work_orders.find()[-1]
    plan = bench.plan_push(action="rollback")
    bench.ports.target(device).cancel(order.change)
    bench.sandbox.fault("conflict", method="DELETE", path="/changes/")
    outcome = plan.execute()
    assert (outcome.record or {})["state"] == "completed" and line(bench).fingerprint == before.fingerprint


def test_a_certificate_that_was_never_pushed_is_rolled_back_too(bench: Bench) -> None:
    """U5: nothing was uploaded; the change that waits for it is cancelled."""
    bench.issued()
    assert roll_back(bench)["state"] == "completed" and bench.enrollments() == []


def test_a_change_that_cps_still_shows_after_it_was_cancelled_is_not_cancelled_again(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """U5, cps-protocol §3.3: the old status stays for a while; the inventory goes back when it is gone, not before."""
    before = renewed(bench)
    look, is_old = AkamaiCpsTarget.observe, [True]
    shown: dict[str, PushState] = {}

    def observe(target: AkamaiCpsTarget, *args: Any, **kwargs: Any) -> PushState:
        if not shown or not is_old[0]:
            shown["state"] = look(target, *args, **kwargs)
        return shown["state"]

    monkeypatch.setattr(AkamaiCpsTarget, "observe", observe)
    order = roll_back(bench, wait=False)
    assert (order["state"], order["reason"]) == ("implementing", "busy")
    assert roll_back(bench, wait=False)["state"] == "implementing" and line(bench).fingerprint != before.fingerprint
    is_old[0] = False
    assert roll_back(bench)["state"] == "completed" and line(bench).fingerprint == before.fingerprint
    assert len(deletes(bench)) == 1
