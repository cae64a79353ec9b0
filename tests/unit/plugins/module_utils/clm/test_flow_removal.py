# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Certificates removed at Akamai: at once, by a change that is followed, or refused with what to do (D5, U5)."""

from __future__ import annotations

import pathlib
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from ansible_collections.edgecert.clm.plugins.module_utils._core.clock import to_text
from ansible_collections.edgecert.clm.plugins.module_utils._core.errors import (
    InputError,
    NotFoundError,
    PolicyError,
    RemoteError,
    ScriptError,
    StateError,
)
from ansible_collections.edgecert.clm.plugins.module_utils._cps.client import CpsClient
from ansible_collections.edgecert.clm.plugins.module_utils._cps.enrollment_wire import enrollment_update
from ansible_collections.edgecert.clm.plugins.module_utils._glue.wire_target import client_of
from ansible_collections.edgecert.clm.plugins.module_utils._target.akamai_cps import AkamaiCpsTarget
from ansible_collections.edgecert.clm.plugins.module_utils._target.base import Presence
from ansible_collections.edgecert.clm.tests.support.flow import Bench
from ansible_collections.edgecert.clm.tests.support.undoing import deletes, kept, line, live, undo

DAY_S = 86_400
SAN_WARNING = "A SAN name is scheduled to be removed."


def remove(bench: Bench, **changes: Any) -> dict[str, Any]:
    """Remove, or go on; give the work order."""
    return undo(bench, "remove", **changes)


def client(bench: Bench) -> CpsClient:
    """Give what somebody else acts with, as at Control Center."""
    with bench.store.read() as unit:
        [device] = unit.devices.find()
    return client_of(device, bench.store, bench.clock, {})


def renewal_at_cps(bench: Bench) -> int:
    """Open a renewal as somebody else does; give its change."""
    there = client(bench)
    enrollment = line(bench).enrollment_id or 0
    body = enrollment_update(there.get_enrollment(enrollment).raw)
    status = there.update_enrollment(enrollment, body, force_renewal=True, renewal_date_check_override=True)
    bench.calls()
    return status.change_ids[0]


# -- what goes well --------------------------------------------------------------------------------------------------


def test_a_live_certificate_is_removed_by_a_change_that_is_followed_until_cps_knows_it_no_more(bench: Bench) -> None:
    """D5, U5, cps-protocol §3.8: said beforehand, done once, proved by CPS's own answer; its history stays."""
    before = live(bench)
    plan = bench.plan_push(action="remove")
    sentences = [step.sentence for step in plan.steps]
    assert [sentence.split()[0] for sentence in sentences] == ["Record", "Remove", "Follow"]
    assert before.fingerprint in sentences[1] and "by a change of its own" in sentences[1]
    assert (plan.after or {})["state"] == "completed" and deletes(bench) == []
    order = remove(bench)
    assert (order["state"], order["action"], order["network"]) == ("completed", "remove", "production")
    assert order["enrollment_id"] == before.enrollment_id and order["change_id"] is not None
    assert order["fingerprints"] == {"production-RSA": before.fingerprint, "staging-RSA": before.fingerprint}
    assert {(entry["kind"], entry["network"]) for entry in order["evidence"]} == {
        ("api", "staging"),
        ("api", "production"),
    }
    assert len(deletes(bench)) == 1 and bench.enrollments() == []
    after = line(bench)
    assert (after.state, after.production, after.staging) == ("vanished", {}, {})
    assert (after.fingerprint, after.request_id) == (before.fingerprint, before.request_id)
    assert bench.audit()[-3:] == ["removal_begun", "enrollment_removed", "certificate_removed"]


def test_the_same_removal_again_does_nothing(bench: Bench) -> None:
    """U5: neither sends anything but a look, nor asks anybody."""
    live(bench)
    order = remove(bench)
    bench.calls()
    plan = bench.plan_push(action="remove")
    assert not plan.changed and (plan.finish().record or {})["work_order_id"] == order["work_order_id"]
    assert deletes(bench) == []


def test_one_that_never_went_live_is_gone_at_once_when_its_change_may_go_too(bench: Bench) -> None:
    """cps-protocol §3.8: our own change is in the way until it is named, and it is said whose it is."""
    bench.issued()
    bench.push()
    with bench.store.read() as unit:
        [request] = unit.requests.find()
    change = request.key_reference["change_id"]
    bench.calls()
    with pytest.raises(StateError, match=f"opened by request {request.request_id}") as caught:
        bench.plan_push(action="remove")
    assert caught.value.code == "pending_change" and caught.value.details["pending"] == [change]
    assert deletes(bench) == []
    plan = bench.plan_push(action="remove", cancel_changes=[change])
    assert f"with its open change {change}, which is gone at once" in plan.steps[1].sentence
    order = remove(bench, cancel_changes=[change])
    assert order["state"] == "completed" and bench.enrollments() == []
    assert [path.endswith("allow-cancel-pending-changes=true") for path in deletes(bench)] == [True]


def test_a_discovered_certificate_is_removed_too(bench: Bench) -> None:
    """D5: what was never enrolled here; a connector is enough."""
    before = live(bench)
    assert bench.push(action="remove", remove_from="store").extra["forgotten"] == [bench.name()]
    bench.again(discover="full").execute()
    assert (line(bench).origin, line(bench).fingerprint) == ("discovered", before.fingerprint)
    with pytest.raises(StateError) as caught:
        remove(bench)
    assert caught.value.code == "connector_missing"
    bench.connector()
    assert remove(bench)["state"] == "completed"
    assert line(bench).state == "vanished" and bench.enrollments() == []


def test_its_name_can_be_enrolled_anew_and_that_is_removed_by_a_new_order(bench: Bench) -> None:
    """E21: the line goes on with another enrollment."""
    before = live(bench)
    first = remove(bench)
    assert dict(bench.enroll().record or {})["state"] == "issued"
    assert line(bench).enrollment_id != before.enrollment_id
    assert dict(bench.push(network="production").record or {})["state"] == "completed"
    second = remove(bench)
    assert second["work_order_id"] != first["work_order_id"] and second["state"] == "completed"


def test_one_that_is_gone_already_is_marked_so_and_nobody_is_asked(bench: Bench) -> None:
    """cps-protocol §3.8: 404 is success; nothing is sent, so nothing is approved."""
    before = live(bench)
    bench.group(approvals={"push": 2})
    client(bench).delete_enrollment(before.enrollment_id or 0)
    bench.advance(10)
    bench.calls()
    plan = bench.plan_push(action="remove")
    assert [step.sentence.split()[0] for step in plan.steps] == ["Record", "Mark"]
    order = remove(bench)
    assert order["state"] == "completed" and deletes(bench) == [] and line(bench).state == "vanished"


def test_what_was_gone_and_is_there_again_is_not_removed_without_approval(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """U5, W2: a 404 that passes must not open a way around the approvals."""
    live(bench)
    bench.group(approvals={"push": 2})
    look, looks = AkamaiCpsTarget.presence, []

    def presence(target: AkamaiCpsTarget, reference: Any, **kwargs: Any) -> Presence:
        looks.append(reference)
        return Presence(False) if len(looks) == 1 else look(target, reference)

    monkeypatch.setattr(AkamaiCpsTarget, "presence", presence)
    with pytest.raises(StateError):
        remove(bench)
    assert deletes(bench) == [] and line(bench).state == "issued"
    assert remove(bench)["state"] == "submitted", "asked anew, it has to be approved"


def test_a_removal_of_what_was_gone_does_not_become_one_of_what_is_there(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """U5, W2: nobody approved that one, whoever implements it when."""
    live(bench)
    bench.group(approvals={"push": 2})
    monkeypatch.setattr(AkamaiCpsTarget, "presence", lambda _target, _reference, **_look: Presence(False))
    order = remove(bench, manual_implementation=True)
    assert (order["state"], order["approvals_needed"]) == ("approved", 0)
    monkeypatch.undo()
    with pytest.raises(StateError, match="is there again"):
        bench.act("bob", "implement", work_order_id=order["work_order_id"])
    bench.advance(1)
    assert deletes(bench) == [] and line(bench).state == "issued"


def test_what_changes_between_the_decision_and_the_removal_is_seen(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Design §5: held against the approval once more before anything is sent."""
    live(bench)
    bench.group(approvals={"push": 1})
    order = remove(bench, manual_implementation=True)
    bench.act("alice", "approve", work_order_id=order["work_order_id"])
    look, looks = AkamaiCpsTarget.presence, []

    def presence(target: AkamaiCpsTarget, reference: Any, **kwargs: Any) -> Presence:
        looks.append(reference)
        found = look(target, reference)
        return found if len(looks) == 1 else replace(found, names=(*found.names, "zz.example.com"))

    monkeypatch.setattr(AkamaiCpsTarget, "presence", presence)
    with pytest.raises(StateError, match="its names changed since alice approved it") as caught:
        bench.act("bob", "implement", work_order_id=order["work_order_id"])
    assert caught.value.code == "approval_void" and deletes(bench) == []
    assert kept(bench, order).state == "failed"


# -- what is refused -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("sync", ["monitored", "ignored"])
def test_nothing_is_removed_on_a_device_that_is_not_managed(bench: Bench, sync: str) -> None:
    """D5: read-only; the store alone may forget."""
    live(bench)
    bench.again(cert_sync=sync, discover="none").execute()
    bench.calls()
    with pytest.raises(PolicyError) as caught:
        remove(bench)
    assert caught.value.code == "device_not_managed" and bench.calls() == []


def test_a_device_that_is_monitored_meanwhile_is_left_alone(bench: Bench) -> None:
    """D5: approved before or not."""
    live(bench)
    order = remove(bench, manual_implementation=True)
    bench.again(cert_sync="monitored", discover="none").execute()
    with pytest.raises(PolicyError):
        bench.act("bob", "implement", work_order_id=order["work_order_id"])
    assert deletes(bench) == [] and kept(bench, order).state == "approved"


def test_live_names_stop_it_and_are_listed_with_what_to_do(bench: Bench) -> None:
    """cps-protocol §3.8: 409; the order has failed, and is taken up again once the traffic is gone."""
    other = bench.name("api")
    live(bench, subject_alternative_names={"dns": [other]})
    bench.sandbox.configure({"traffic_names": [other, "elsewhere.example.com"]})
    with pytest.raises(StateError, match="move their traffic away first") as caught:
        remove(bench)
    assert (caught.value.code, caught.value.details["live_names"]) == ("certificate_live", [other])
    assert line(bench).state == "issued" and len(bench.enrollments()) == 1
    with bench.store.read() as unit:
        [order] = unit.work_orders.find(action="remove")
        assert unit.intents.find(finished_at=None) == []
    assert (order.state, order.reason) == ("failed", "certificate_live")
    bench.sandbox.configure({"traffic_names": []})
    bench.act("tester", "retry", work_order_id=order.work_order_id, wait=True, wait_timeout=900)
    assert kept(bench, {"work_order_id": order.work_order_id}).state == "completed"


def test_another_ones_change_is_in_the_way_until_it_is_named(bench: Bench) -> None:
    """cps-protocol §3.8, design §8: never cancelled unasked; named, it is, and that was what was approved."""
    live(bench)
    change = renewal_at_cps(bench)
    with pytest.raises(StateError, match="not opened from here") as caught:
        remove(bench)
    assert caught.value.code == "pending_change" and f"cancel_changes: [{change}]" in caught.value.message
    with pytest.raises(InputError) as wrong:
        remove(bench, cancel_changes=[change, 4711])
    assert wrong.value.code == "change_not_open" and deletes(bench) == []
    assert remove(bench, cancel_changes=[change])["state"] == "completed"


def test_a_change_that_was_opened_after_the_approval_makes_it_void(bench: Bench) -> None:
    """W2, design §5: what is open is part of what was approved."""
    live(bench)
    bench.group(approvals={"push": 1})
    order = remove(bench, manual_implementation=True)
    bench.act("alice", "approve", work_order_id=order["work_order_id"])
    change = renewal_at_cps(bench)
    with pytest.raises(StateError) as caught:
        bench.act("bob", "implement", work_order_id=order["work_order_id"])
    assert caught.value.code == "pending_change" and deletes(bench) == []
    client(bench).cancel_change(line(bench).enrollment_id or 0, change)
    bench.act("bob", "implement", work_order_id=order["work_order_id"])
    assert deletes(bench) != []


def test_a_certificate_that_was_renewed_after_the_approval_is_not_removed_by_it(bench: Bench) -> None:
    """W2, design §5: approvals bind what is served."""
    live(bench)
    bench.group(approvals={"push": 1})
    order = remove(bench, manual_implementation=True)
    bench.act("alice", "approve", work_order_id=order["work_order_id"])
    with bench.store.write() as unit:
        found = unit.work_orders.get(order["work_order_id"])
        assert found is not None
        [entry] = found.approvals
        earlier = {**entry, "binds": {**entry["binds"], "fingerprints": {"production-RSA": "00"}}}
        unit.work_orders.put(replace(found, approvals=(earlier,)))
    bench.calls()
    with pytest.raises(StateError, match="the certificate changed since alice approved it") as caught:
        bench.act("bob", "implement", work_order_id=order["work_order_id"])
    assert caught.value.code == "approval_void" and deletes(bench) == []


def test_it_is_refused_while_something_is_open_for_the_certificate(bench: Bench) -> None:
    """W5: nothing is taken away from under a request or a work order."""
    live(bench)
    draft = dict(bench.enroll(action="renew", force=True, submit=False).record or {})
    with pytest.raises(StateError) as caught:
        remove(bench)
    assert (caught.value.code, caught.value.details["request_id"]) == ("request_open", draft["request_id"])
    bench.act("tester", "cancel", request_id=draft["request_id"])
    assert remove(bench)["state"] == "completed"


def test_nothing_else_begins_while_a_removal_is_open(bench: Bench) -> None:
    """W5: neither a push, a rollback nor a renewal."""
    live(bench)
    bench.group(approvals={"push": 1})
    order = remove(bench)
    assert order["state"] == "submitted"
    for action in ("push", "rollback"):
        with pytest.raises(StateError) as caught:
            bench.plan_push(action=action)
        assert caught.value.code == "removal_open"
    for action in ("renew", "regenerate"):
        with pytest.raises(StateError) as caught:
            bench.plan_enroll(action=action, force=True)
        assert caught.value.code == "removal_open"
    bench.act("bob", "cancel", work_order_id=order["work_order_id"])
    assert dict(bench.enroll(action="renew", force=True).record or {})["state"] == "issued"


def test_options_that_say_nothing_about_it_are_refused(bench: Bench) -> None:
    """Before any call."""
    live(bench)
    for options in (
        {"action": "remove", "edge": {"from_dns": True}},
        {"action": "remove", "deploy_not_before": to_text(bench.clock.now() + timedelta(days=1))},
        {"action": "push", "cancel_changes": [1]},
        {"action": "rollback", "remove_from": "store"},
        {"action": "remove", "remove_from": "store", "cancel_changes": [1]},
    ):
        with pytest.raises(InputError):
            bench.plan_push(**options)
    assert bench.calls() == []


def test_a_freeze_holds_for_removals(bench: Bench) -> None:
    """G rows: as for a push to production, unless somebody gives a reason."""
    live(bench)
    now = bench.clock.now()
    hour = timedelta(hours=1)
    window = {"name": "sale", "starts_at": to_text(now - hour), "ends_at": to_text(now + hour)}
    bench.group(freeze_windows=(window,))
    with pytest.raises(PolicyError, match="remove .* from production"):
        remove(bench)
    assert deletes(bench) == []
    assert remove(bench, freeze_override="told to")["state"] == "completed"


def test_a_removal_that_waits_for_approval_keeps_what_it_was_asked_for(bench: Bench) -> None:
    """W2, D5: what is approved is what is done."""
    bench.issued()
    bench.group(approvals={"push": 1})
    with bench.store.read() as unit:
        change = unit.requests.find()[0].key_reference["change_id"]
    assert remove(bench, cancel_changes=[change])["state"] == "submitted"
    with pytest.raises(StateError, match=f"was asked for with .{change}.; cancel it") as caught:
        remove(bench, cancel_changes=[])
    assert caught.value.code == "order_differs" and deletes(bench) == []


def test_an_unknown_certificate_and_a_superseded_one_are_told(bench: Bench) -> None:
    """A superseded one belongs to its line."""
    live(bench)
    with pytest.raises(NotFoundError):
        remove(bench, certificate="nobody.example.com")
    assert dict(bench.enroll(action="renew", force=True).record or {})["state"] == "issued"
    with bench.store.read() as unit:
        [parent] = unit.certificates.find(state="superseded")
    bench.connector(certificate=parent.certificate_id)
    with pytest.raises(StateError, match="no enrollment of it is known.*followed it, remove that") as caught:
        remove(bench, certificate=parent.certificate_id)
    assert caught.value.code == "no_enrollment"
    with pytest.raises(StateError) as caught:
        bench.plan_push(action="remove", remove_from="store", certificate=parent.certificate_id)
    assert caught.value.code == "superseded"


# -- on its way ------------------------------------------------------------------------------------------------------


def test_a_removal_that_halts_on_warnings_goes_by_the_lists_of_warnings(bench: Bench) -> None:
    """cps-protocol §3.8: blocked by default; allowed, it is acknowledged and goes on."""
    live(bench)
    bench.sandbox.configure({"deprovision_warnings": [SAN_WARNING]})
    order = remove(bench)
    assert (order["state"], order["reason"]) == ("needs_decision", "needs_decision")
    assert "rollback" not in order["message"] and SAN_WARNING in order["message"]
    assert remove(bench)["state"] == "needs_decision"
    done = remove(bench, warnings={"allow": [order["notices"][0]["code"] or SAN_WARNING]})
    assert done["state"] == "completed" and done["notices"][0]["decision"] == "allowed"
    assert len(deletes(bench)) == 1


def test_a_slow_removal_is_left_and_taken_up_by_the_runner(bench: Bench) -> None:
    """W4: no process is kept alive; one call each time it is looked at."""
    live(bench)
    bench.sandbox.configure({"deprovision_s": 1800})
    order = remove(bench, wait=False)
    assert (order["state"], order["reason"]) == ("implementing", "busy") and order["next_look_at"]
    bench.advance(60)
    bench.calls()
    report = bench.run_due()
    assert [entry["state"] for entry in report["waiting"]] == ["implementing"] and len(bench.calls()) == 1
    bench.advance(1800)
    bench.run_due()
    assert kept(bench, order).state == "completed" and line(bench).state == "vanished"


def test_a_removal_waits_for_approval_and_is_done_by_the_runner(bench: Bench) -> None:
    """W2, W4: two levels as for a push; bound to names, certificates and changes."""
    before = live(bench)
    bench.group(approvals={"push": 2})
    [step] = bench.plan_push(action="remove").steps
    assert "by a change of its own" in step.sentence, "said before anybody approves it"
    order = remove(bench)
    assert (order["state"], order["approvals_needed"]) == ("submitted", 2) and deletes(bench) == []
    bench.act("alice", "approve", work_order_id=order["work_order_id"])
    bench.run_due()
    assert deletes(bench) == []
    bench.act("carol", "approve", work_order_id=order["work_order_id"])
    binds = kept(bench, order).approvals[0]["binds"]
    assert binds["names"] == [bench.name()] and binds["place"] == {"enrollment_id": before.enrollment_id}
    assert set(binds["fingerprints"].values()) == {before.fingerprint}
    bench.run_due()
    bench.advance(300)
    bench.run_due()
    assert kept(bench, order).state == "completed"


@pytest.mark.parametrize(("fault", "sent"), [("lost_after", 1), ("lost_before", 2)])
def test_a_lost_reply_is_looked_into_before_anything_is_sent_again(bench: Bench, fault: str, sent: int) -> None:
    """U5, W5: taken or not; the change it opened is found and followed."""
    live(bench)
    bench.sandbox.configure({"deprovision_s": 1800})
    bench.sandbox.fault(fault, method="DELETE")
    with pytest.raises(RemoteError):
        remove(bench)
    with bench.store.read() as unit:
        [order] = unit.work_orders.find(action="remove")
    assert (order.state, order.reason) == ("in_doubt", "removal_unknown")
    assert remove(bench, wait=False)["state"] == "implementing"
    assert remove(bench, wait_timeout=7200)["state"] == "completed"
    assert len(deletes(bench)) == sent
    with bench.store.read() as unit:
        assert unit.intents.find(finished_at=None) == []


def test_a_lost_reply_to_what_was_gone_at_once_is_found_gone(bench: Bench) -> None:
    """U5, W5."""
    bench.issued()
    with bench.store.read() as unit:
        change = unit.requests.find()[0].key_reference["change_id"]
    bench.calls()
    bench.sandbox.fault("lost_after", method="DELETE")
    with pytest.raises(RemoteError):
        remove(bench, cancel_changes=[change])
    assert remove(bench)["state"] == "completed" and len(deletes(bench)) == 1


def test_an_enrollment_that_cps_still_shows_after_it_was_gone_at_once_is_not_removed_again(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """cps-protocol §3.3: the old state stays for a while; the inventory says so when it is gone, not before."""
    bench.issued()
    with bench.store.read() as unit:
        change = unit.requests.find()[0].key_reference["change_id"]
    bench.calls()
    look, shown = AkamaiCpsTarget.presence, list[Presence]()

    def presence(target: AkamaiCpsTarget, reference: Any, **kwargs: Any) -> Presence:
        if len(shown) != 1:
            shown.append(look(target, reference, **kwargs))
        return shown[0]

    monkeypatch.setattr(AkamaiCpsTarget, "presence", presence)
    order = remove(bench, wait=False, cancel_changes=[change])
    assert (order["state"], order["reason"]) == ("implementing", "busy")
    assert remove(bench, wait=False)["state"] == "implementing" and line(bench).state != "vanished"
    monkeypatch.undo()
    assert remove(bench)["state"] == "completed" and len(deletes(bench)) == 1


@pytest.mark.parametrize("is_retried", [True, False], ids=["retry", "again"])
def test_a_removal_that_somebody_cancelled_has_failed_and_can_be_asked_for_again(
    bench: Bench, is_retried: bool
) -> None:
    """cps-protocol §5.5: a person at Control Center may act meanwhile."""
    live(bench)
    bench.sandbox.configure({"deprovision_warnings": [SAN_WARNING]})
    order = remove(bench, wait=False)
    bench.advance(10)
    client(bench).cancel_change(order["enrollment_id"], kept(bench, order).change["change_id"])
    bench.advance(300)
    with pytest.raises(StateError) as caught:
        remove(bench)
    assert caught.value.code == "removal_cancelled" and kept(bench, order).state == "failed"
    bench.sandbox.configure({"deprovision_warnings": []})
    if is_retried:
        bench.act("bob", "retry", work_order_id=order["work_order_id"], wait=True, wait_timeout=900)
        assert kept(bench, order).state == "completed"
    else:
        assert remove(bench)["state"] == "completed"
    assert line(bench).state == "vanished"


def test_a_cancelled_order_says_what_goes_on_at_cps(bench: Bench) -> None:
    """W5: what was begun is not taken back."""
    live(bench)
    bench.sandbox.configure({"deprovision_s": 1800})
    order = remove(bench, wait=False)
    bench.act("bob", "cancel", work_order_id=order["work_order_id"])
    assert "CPS goes on to remove" in kept(bench, order).message


# -- renewals --------------------------------------------------------------------------------------------------------


def test_what_is_to_be_removed_or_was_is_not_renewed_by_itself(bench: Bench) -> None:
    """E3, W4: the runner tells that a removal is in its way, and knows nothing of it after."""
    live(bench, validity={"count": 47, "unit": "days"}, auto_renew={"enabled": True, "days_before": 20})
    bench.group(push_automatically=True, approvals={"push": 1})
    bench.connector(push_automatically=True)
    order = remove(bench)
    bench.advance(30 * DAY_S)
    bench.calls()
    report = bench.run_due(fail=False)
    assert [entry["reason"] for entry in report["failures"]] == ["removal_open"]
    assert order["work_order_id"] in report["failures"][0]["message"] and bench.calls() == []
    fresh = remove(bench)
    assert fresh["work_order_id"] == order["work_order_id"]
    bench.act("alice", "approve", work_order_id=order["work_order_id"])
    bench.run_due(fail=False)
    bench.advance(600)
    bench.run_due(fail=False)
    assert line(bench).state == "vanished"
    assert bench.run_due()["failures"] == []
    with bench.store.read() as unit:
        assert len(unit.requests.find()) == 1


# -- scripts ---------------------------------------------------------------------------------------------------------


def write_script(folder: pathlib.Path, text: str) -> str:
    """Write a script of the device; give its path."""
    path = folder / "script.sh"
    path.write_text(f"#!/bin/sh\n{text}\n", encoding="ascii")
    path.chmod(0o700)
    return str(path)


def test_scripts_are_told_that_it_is_a_removal_and_a_failing_one_stops_it(bench: Bench, tmp_path: pathlib.Path) -> None:
    """A4: before anything is sent."""
    before = live(bench)
    told, where = tmp_path / "told", {"script_location": "device", "script_timeout": 30}
    path = write_script(tmp_path, f'echo "$CLM_ACTION $CLM_FINGERPRINTS" >> {told}; exit 3')
    bench.connector(pre_push_script=path, **where)
    with pytest.raises(ScriptError, match="Cannot remove .* from production") as caught:
        remove(bench)
    assert caught.value.code == "pre_push_failed" and deletes(bench) == [] and line(bench).state == "issued"
    served = f"production-RSA={before.fingerprint} staging-RSA={before.fingerprint}"
    assert told.read_text("ascii").splitlines() == [f"remove {served}"]
    write_script(tmp_path, f'echo "$CLM_STAGE $CLM_RESULT" >> {told}')
    bench.connector(post_push_script=path, **where)
    assert remove(bench)["state"] == "completed"
    assert told.read_text("ascii").splitlines()[1:] == ["pre ", "post completed"]
