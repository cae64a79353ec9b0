# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Changes of settings, pushes and removals that somebody at Control Center, or a script, comes between (U3, U5)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from ansible_collections.edgecert.clm.plugins.module_utils._clm import push_stages
from ansible_collections.edgecert.clm.plugins.module_utils._clm.deployment import Deployer
from ansible_collections.edgecert.clm.plugins.module_utils._core.clock import to_text
from ansible_collections.edgecert.clm.plugins.module_utils._core.errors import (
    ClmError,
    InputError,
    PolicyError,
    RemoteError,
    StateError,
)
from ansible_collections.edgecert.clm.plugins.module_utils._cps import changes
from ansible_collections.edgecert.clm.plugins.module_utils._cps.client import CpsClient
from ansible_collections.edgecert.clm.plugins.module_utils._cps.enrollment_wire import enrollment_update
from ansible_collections.edgecert.clm.plugins.module_utils._cps.errors import RemoteNotFound
from ansible_collections.edgecert.clm.plugins.module_utils._target.akamai_cps import AkamaiCpsTarget
from ansible_collections.edgecert.clm.plugins.module_utils._target.base import Presence, PushState
from ansible_collections.edgecert.clm.tests.support.flow import Bench
from ansible_collections.edgecert.clm.tests.support.meanwhile import Elsewhere, writes

TLS = {"disallowed_tls_versions": ["TLSv1", "TLSv1_1"]}


def live(bench: Bench, **changes: Any) -> Elsewhere:
    """Have a certificate on production; give somebody at Control Center."""
    bench.issued(**changes)
    assert dict(bench.push(network="production").record or {})["state"] == "completed"
    bench.calls()
    return Elsewhere(bench)


def configure(bench: Bench, **changes: Any) -> dict[str, Any]:
    """Change settings, or go on; give the work order."""
    wanted = {"action": "configure", "network_settings": TLS, "network": "production", **changes}
    return dict(bench.push(**wanted).record or {})


def edited(somebody: Elsewhere, **network: Any) -> int:
    """Change network settings at Control Center; give the change."""
    return somebody.put(edit=lambda body: body["networkConfiguration"].update(network))


def test_a_change_of_others_is_not_taken_for_the_one_that_was_refused(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """U3: CPS refuses our update for a change that asks for the same and more; that one stays theirs."""
    somebody, plain, theirs = live(bench), CpsClient.update_enrollment, list[int]()

    def racing(client: CpsClient, *args: Any, **more: Any) -> Any:
        if client is not somebody.client and not theirs:
            theirs.append(edited(somebody, disallowedTlsVersions=["TLSv1", "TLSv1_1"], quicEnabled=True))
        return plain(client, *args, **more)

    monkeypatch.setattr(CpsClient, "update_enrollment", racing)
    with pytest.raises(ClmError):
        configure(bench)
    bench.advance(600)
    writes(bench)
    with pytest.raises(ClmError) as caught:
        configure(bench)
    assert caught.value.code == "change_pending" and theirs == somebody.open_changes()
    assert not writes(bench)


def scripted(bench: Bench, monkeypatch: pytest.MonkeyPatch, act: Callable[[], None]) -> None:
    """Have a pre-push script during which somebody acts."""

    def run(deployer: Deployer, stage: str, _result: str) -> dict[str, Any]:
        act()
        return {"stage": stage, "exit_code": 0, "failed": False}

    monkeypatch.setattr(push_stages, "_run", run)
    bench.connector(pre_push_script="/bin/true", script_location="device", script_timeout=30)


def test_a_removal_looks_again_after_its_script_and_cancels_no_change_that_nobody_named(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """U5: the change that was named is over by then, and another one is open."""
    somebody = live(bench)
    named, theirs = edited(somebody, quicEnabled=True), list[int]()

    def act() -> None:
        somebody.client.cancel_change(somebody.enrollment_id, named)
        bench.advance(60)
        theirs.append(edited(somebody, disallowedTlsVersions=["TLSv1"]))
        writes(bench)

    scripted(bench, monkeypatch, act)
    with pytest.raises(ClmError) as caught:
        bench.push(action="remove", network="production", cancel_changes=[named])
    assert caught.value.code == "pending_change" and theirs == somebody.open_changes()
    assert not writes(bench)


def test_a_freeze_that_begins_while_the_script_runs_keeps_the_certificate_from_being_uploaded(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """W2: the script may take an hour."""
    bench.issued()

    def act() -> None:
        begin, end = bench.clock.now() - timedelta(minutes=1), bench.clock.now() + timedelta(days=1)
        window = {"name": "holidays", "starts_at": to_text(begin), "ends_at": to_text(end), "kinds": ["push"]}
        bench.group(freeze_windows=[window])

    scripted(bench, monkeypatch, act)
    bench.calls()
    with pytest.raises(ClmError) as caught:
        bench.push(network="staging")
    assert caught.value.code == "frozen" and not writes(bench)


def test_a_change_that_is_late_to_wait_for_its_certificate_is_given_none_that_would_not_wait_for_its_date(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """U2+: without change management CPS would put it on production at once; at planning that was not to be seen."""
    somebody = live(bench, validity={"count": 90, "unit": "days"})
    raw = somebody.client.get_enrollment(somebody.enrollment_id).raw
    somebody.client.update_enrollment(somebody.enrollment_id, enrollment_update(raw, {"changeManagement": False}))
    bench.advance(600)
    bench.enroll(action="regenerate", force=True)
    plain, looks = AkamaiCpsTarget.observe, list[PushState]()

    def observe(target: AkamaiCpsTarget, *args: Any, **more: Any) -> PushState:
        looks.append(plain(target, *args, **more))
        return replace(looks[0], phase="busy") if len(looks) == 1 else looks[-1]

    monkeypatch.setattr(AkamaiCpsTarget, "observe", observe)
    writes(bench)
    with pytest.raises(PolicyError) as caught:
        bench.push(network="production", deploy_not_before=to_text(bench.clock.now() + timedelta(days=5)))
    assert caught.value.code == "would_reach_production" and looks[0].phase == "wants_certificate"
    assert not writes(bench)


def test_settings_on_staging_go_on_though_a_date_of_ours_holds_their_change(bench: Bench) -> None:
    """U3: somebody acknowledged at Control Center what a change to staging held back there."""
    somebody = live(bench, validity={"count": 47, "unit": "days"})
    first = configure(bench, network="staging")
    assert first["state"] == "completed" and "held back" in first["message"]
    ids = somebody.enrollment_id, int(first["change_id"])
    info = somebody.client.get_change_management_info(*ids)
    somebody.client.acknowledge(changes.CHANGE_MANAGEMENT, *ids, hash_text=info.hash)
    bench.advance(300)
    order = configure(bench, wait_timeout=7200)
    assert order["state"] == "completed", order
    assert order["evidence"][-1]["network"] == "production"


def test_the_runner_ends_an_order_whose_change_was_cancelled_though_the_enrollment_kept_what_it_asked_for(
    bench: Bench,
) -> None:
    """U3, W4: nobody brings the settings any more; one look is not enough to say so, for production may lag."""
    somebody = live(bench)
    bench.sandbox.configure({"cancel_keeps_document": True})
    order = configure(bench, wait=False)
    bench.advance(300)
    somebody.client.cancel_change(somebody.enrollment_id, int(order["change_id"]))
    seen, messages = [], list[str]()
    for _round in range(4):
        bench.advance(3600)
        bench.run_due()
        with bench.store.read() as unit:
            found = unit.work_orders.get(order["work_order_id"])
        assert found is not None
        seen.append((found.state, found.reason))
        messages.append(found.message)
    assert seen == [("implementing", "change_over"), *[("failed", "change_failed")] * 3]
    assert f"change {order['change_id']} is over" in messages[-1]


def test_settings_that_reach_production_before_they_are_cancelled_are_not_told_to_be_back(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """U5, cps-protocol §6.5: CPS does not find the change (404), for it is completed."""
    somebody = live(bench)
    order = configure(bench, wait=False)
    ids = somebody.enrollment_id, int(order["change_id"])
    bench.advance(1500)

    def cancel(_client: CpsClient, *_ids: int) -> None:
        info = somebody.client.get_change_management_info(*ids)
        somebody.client.acknowledge(changes.CHANGE_MANAGEMENT, *ids, hash_text=info.hash)
        bench.advance(7200)
        raise RemoteNotFound("no such change", status=404)

    monkeypatch.setattr(CpsClient, "cancel_change", cancel)
    with pytest.raises(StateError, match="production has it by now") as caught:
        bench.push(action="rollback", network="production")
    assert caught.value.code == "rollback_impossible" and somebody.open_changes() == []


def test_settings_are_rolled_forward_under_a_rule_that_wants_handshakes(bench: Bench) -> None:
    """U5, U6: edges are named, or are those where the settings were proved that are taken back; neither is refused."""
    live(bench)
    old = {"disallowed_tls_versions": ["TLSv1"]}
    assert configure(bench, network_settings=old)["state"] == "completed"
    assert configure(bench)["state"] == "completed"
    bench.group(proof={"production": "handshake"})
    wanted = {"action": "rollback", "rollback_of": "settings", "roll_forward": True, "network": "production"}
    with pytest.raises(PolicyError) as caught:
        bench.plan_push(**wanted)
    assert caught.value.code == "edge_needed"
    plan = bench.plan_push(**wanted, edge={"production": ["127.0.0.1:9"]})
    assert any("by a handshake with 127.0.0.1:9" in step.sentence for step in plan.steps)
    with bench.store.write() as unit:
        done = unit.work_orders.find(action="configure")[-1]
        unit.work_orders.put(replace(done, edges={"staging": ["127.0.0.1:7"], "production": ["127.0.0.1:8"]}))
    plan = bench.plan_push(**wanted)
    assert any("by a handshake with 127.0.0.1:8" in step.sentence for step in plan.steps)
    first = dict(bench.push(**wanted, wait=False, edge={"production": ["127.0.0.1:9"]}).record or {})
    again = dict(bench.push(**wanted, wait=False).record or {})
    assert again["work_order_id"] == first["work_order_id"] and again["edges"]["production"] == ["127.0.0.1:9"]


def test_edges_are_refused_where_the_settings_that_come_back_show_in_no_handshake(bench: Bench) -> None:
    """U6: before anything is sent."""
    live(bench)
    assert configure(bench)["state"] == "completed"
    writes(bench)
    with pytest.raises(InputError, match="a handshake shows no other one"):
        edge = {"production": ["127.0.0.1:9"]}
        bench.push(action="rollback", rollback_of="settings", roll_forward=True, network="production", edge=edge)
    assert not writes(bench)


def test_an_acknowledgement_of_a_removal_that_was_not_taken_is_not_put_on_record_for_what_a_list_says(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """W5, cps-protocol §3.8: no answer, then a 409; a list shows it at work, and it stands at its stop all the same."""
    live(bench)
    bench.sandbox.configure({"deprovision_stops": True})
    bench.push(action="remove", network="production", wait=False)
    bench.advance(30)
    for fault in ("lost_before", "conflict"):
        bench.sandbox.fault(fault, method="POST", path="change-management-ack")
    with pytest.raises(RemoteError):
        bench.push(action="remove", network="production", wait=False)
    parked = dict(bench.push(action="remove", network="production", wait=False).record or {})
    assert (parked["state"], parked["reason"]) == ("implementing", "busy")
    plain = AkamaiCpsTarget.presence

    def listed(target: AkamaiCpsTarget, reference: Any, *, waits_for: str = "") -> Presence:
        found = plain(target, reference)
        return replace(found, state=PushState("busy")) if waits_for and found.is_there else found

    monkeypatch.setattr(AkamaiCpsTarget, "presence", listed)
    bench.advance(600)
    bench.calls()
    done = dict(bench.push(action="remove", network="production").record or {})
    assert writes(bench) == {"POST change-management-ack": 1} and done["state"] == "completed"
    assert bench.audit().count("production_acknowledged") == 2, "that of the push, and that of the removal"
