# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Pushes to production by way of staging: proved there, acknowledged for what was seen, proved again."""

from __future__ import annotations

import pathlib
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from ansible_collections.edgecert.clm.plugins.module_utils._clm import workflow
from ansible_collections.edgecert.clm.plugins.module_utils._core.clock import from_text, to_text
from ansible_collections.edgecert.clm.plugins.module_utils._core.errors import (
    InputError,
    RemoteError,
    ScriptError,
    StateError,
)
from ansible_collections.edgecert.clm.plugins.module_utils._cps import changes
from ansible_collections.edgecert.clm.plugins.module_utils._cps.client import CpsClient
from ansible_collections.edgecert.clm.plugins.module_utils._glue.wire_target import client_of
from ansible_collections.edgecert.clm.plugins.module_utils._target.akamai_cps import AkamaiCpsTarget
from ansible_collections.edgecert.clm.tests.support.flow import Bench

ACK = "change-management-ack"
UPLOAD = "third-party-cert-and-trust-chain"
NETWORKS = ("staging", "production")
LIVE_SAN = "CERTIFICATE_VS_NETWORK_SAN_REMOVED_FROM_CERT_LIVE_ON_NETWORK"
DAY_S = 86_400


def to_production(bench: Bench, **changes: Any) -> dict[str, Any]:
    """Push to production, or go on; give the work order."""
    outcome = bench.push(**{"network": "production", **changes})
    assert outcome.record is not None
    return dict(outcome.record)


def edges(bench: Bench) -> dict[str, list[str]]:
    """Give the edges of both networks."""
    return {network: [bench.sandbox.edge(network)] for network in NETWORKS}


def posts(bench: Bench) -> list[str]:
    """Give the last segments of the POSTs since the last look."""
    return [path.rsplit("/", 1)[1] for method, path in bench.calls() if method == "POST"]


def served(bench: Bench, network: str) -> set[str]:
    """Give the fingerprints that a network serves."""
    [found] = bench.enrollments()
    return {facts["fingerprint"] for facts in found[network].certificates}


def passed(order: dict[str, Any]) -> list[str]:
    """Give the states the order went through."""
    return [step["type"] for step in order["conditions"]]


def at_cps(bench: Bench, order: dict[str, Any]) -> tuple[CpsClient, int, int]:
    """Be somebody else at CPS: client, enrollment and change."""
    with bench.store.read() as unit:
        [device] = unit.devices.find()
    client = client_of(device, bench.store, bench.clock, bench.environment)
    return client, int(order["enrollment_id"]), int(order["change_id"])


def finding(bench: Bench, order: dict[str, Any], message: str, *, error: bool = False) -> None:
    """Let CPS's validation find something."""
    wanted = {"enrollment": order["enrollment_id"], "change": order["change_id"], "message": message, "error": error}
    bench.sandbox.admin("POST", "/validation", wanted)


def renewed(bench: Bench) -> dict[str, Any]:
    """Have a certificate on production, renewed after ten days with the new one issued; give the first order."""
    bench.issued(validity={"count": 47, "unit": "days"})
    first = to_production(bench)
    assert first["state"] == "completed"
    bench.advance(20 * DAY_S)
    record = bench.enroll(action="renew", force=True).record
    assert record is not None and record["state"] == "issued", record
    return first


# -- the way there -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("wish", [{}, {"dual_stack": True}], ids=["rsa", "dual"])
def test_a_certificate_reaches_production_by_way_of_staging_and_is_proved_on_both(
    bench: Bench, wish: dict[str, Any]
) -> None:
    """U3+, U6: acknowledged once, after staging was proved, with the hash that was seen."""
    issued = bench.issued(**wish)
    assert issued.record is not None
    plan = bench.plan_push(network="production", edge=edges(bench))
    words = [step.sentence.split()[0] for step in plan.steps]
    assert words == ["Record", "Upload", "Follow", "Prove", "Acknowledge", "Follow", "Prove"]
    posts(bench)
    outcome = plan.execute()
    assert outcome.record is not None
    order = dict(outcome.record)
    assert order["state"] == "completed" and order["last_safe_at"] is None
    assert passed(order)[-3:] == ["on_staging", "deploying_production", "completed"]
    wanted = set(issued.record["fingerprints"].values())
    for network in NETWORKS:
        assert {e["fingerprint"] for e in order["evidence"] if e["network"] == network} == wanted
        assert served(bench, network) == wanted
    assert {e["kind"] for e in order["evidence"]} == {"handshake"}
    sent = posts(bench)
    assert (sent.count(UPLOAD), sent.count(ACK)) == (1, 1)
    [shown] = bench.certificates(network="production")
    assert shown["production"]["fingerprint"] in wanted
    steps = ["staging_proved", "production_acknowledged", "push_completed"]
    assert [action for action in bench.audit() if action in steps] == steps


def test_the_same_push_again_sends_nothing(bench: Bench) -> None:
    """U3+."""
    bench.issued()
    to_production(bench)
    bench.calls()
    plan = bench.plan_push(network="production")
    assert not plan.changed and {method for method, _path in bench.calls()} == {"GET"}


def test_what_is_on_staging_already_is_not_uploaded_again(bench: Bench) -> None:
    """U3+: a second work order goes on where the first one stopped."""
    bench.issued()
    bench.push(edge=edges(bench))
    posts(bench)
    order = to_production(bench, edge=edges(bench))
    assert order["state"] == "completed" and posts(bench) == [ACK]
    assert {(e["kind"], e["network"]) for e in order["evidence"]} == {("handshake", name) for name in NETWORKS}


def test_each_call_without_waiting_goes_as_far_as_it_can(bench: Bench) -> None:
    """U3+, W5: no state is a dead end, and nothing is sent twice."""
    bench.issued()
    posts(bench)
    states: list[str] = []
    for _call in range(40):
        order = to_production(bench, wait=False)
        states.append(order["state"])
        if order["state"] == "completed":
            break
        bench.advance(10)
    assert states[-1] == "completed" and "deploying_production" in states, states
    sent = posts(bench)
    assert (sent.count(UPLOAD), sent.count(ACK)) == (1, 1)


def test_the_runner_of_due_work_takes_it_to_production(bench: Bench) -> None:
    """U3+, W4."""
    bench.issued()
    to_production(bench, wait=False)
    order: dict[str, Any] = {}
    for _run in range(40):
        done = [entry for entry in bench.run_due()["done"] if "work_order_id" in entry]
        order = done[-1] if done else order
        if order.get("state") == "completed":
            break
        bench.advance(60)
    assert order["state"] == "completed"
    [shown] = bench.certificates(network="production")
    assert shown["production"]["fingerprint"]


def test_what_staging_does_not_prove_does_not_go_on(bench: Bench) -> None:
    """U6: the edge that is asked presents something else; CPS is told nothing."""
    bench.issued()
    wrong = {"staging": [bench.sandbox.edge("production")], "production": [bench.sandbox.edge("production")]}
    order = to_production(bench, edge=wrong, wait_timeout=60)
    assert (order["state"], order["reason"]) == ("on_staging", "not_proven")
    assert ACK not in posts(bench) and not served(bench, "production")
    assert to_production(bench, edge=edges(bench))["state"] == "completed"


def test_what_production_does_not_prove_does_not_complete(bench: Bench) -> None:
    """U6."""
    bench.issued()
    order = to_production(bench, edge={**edges(bench), "production": ["127.0.0.1:1"]}, wait_timeout=120)
    assert (order["state"], order["reason"]) == ("deploying_production", "not_proven")
    assert to_production(bench, edge=edges(bench))["state"] == "completed"


def test_an_address_that_is_none_is_refused_for_either_network(bench: Bench) -> None:
    """U6: both at once, before anything is sent."""
    bench.issued()
    bench.calls()
    with pytest.raises(InputError) as caught:
        bench.plan_push(network="production", edge={"staging": ["http://x"], "production": ["y/z"]})
    assert "edge.staging" in caught.value.message and "edge.production" in caught.value.message
    assert bench.calls() == []


def test_without_change_management_cps_goes_on_by_itself(bench: Bench) -> None:
    """U3+: nothing is acknowledged, and it is proved all the same."""
    bench.prepare()
    bench.settings(change_management=False)
    bench.enroll()
    bench.connector()
    posts(bench)
    order = to_production(bench, edge=edges(bench))
    assert order["state"] == "completed" and ACK not in posts(bench)
    assert {e["network"] for e in order["evidence"]} >= {"production"}


# -- what is approved ----------------------------------------------------------------------------------------------


def approved(bench: Bench) -> dict[str, Any]:
    """Have a push to production of what is on staging already, approved by two."""
    bench.issued()
    bench.push()
    bench.group(approvals={"push": 2})
    order = to_production(bench)
    assert order["state"] == "submitted" and order["last_safe_at"] is None
    for actor in ("alice", "bob"):
        bench.act(actor, "approve", work_order_id=order["work_order_id"])
    return order


def test_approvals_of_what_is_on_staging_are_bound_to_cps_validation_result(bench: Bench) -> None:
    """U3+, W2, design §5: another result makes them void, and nothing is acknowledged; approved again, it goes on."""
    order = approved(bench)
    finding(bench, order, "This certificate has a short lifetime.")
    posts(bench)
    with pytest.raises(StateError, match="CPS's validation result changed") as caught:
        to_production(bench)
    assert caught.value.code == "approval_void" and posts(bench) == []
    for actor in ("alice", "bob"):
        bench.act(actor, "approve", work_order_id=order["work_order_id"])
    assert to_production(bench)["state"] == "completed" and posts(bench) == [ACK]


def test_what_was_approved_is_acknowledged(bench: Bench) -> None:
    """U3+, W2: the hash that CPS gets is the one the approvals name."""
    order = approved(bench)
    with bench.store.read() as unit:
        stored = unit.work_orders.get(order["work_order_id"])
    assert stored is not None
    bound = {entry["binds"]["validation_hash"] for entry in stored.approvals}
    assert to_production(bench)["state"] == "completed"
    with bench.store.read() as unit:
        [told] = [row.entry.after for row in unit.audit_rows() if row.entry.action == "production_acknowledged"]
    assert told is not None and bound == {told["validation_hash"]}


def test_approvals_from_before_staging_hold_on_the_way_to_production(bench: Bench) -> None:
    """U3+, W2: there was no result yet that they could be bound to."""
    bench.issued()
    bench.group(approvals={"push": 2})
    order = to_production(bench)
    for actor in ("alice", "bob"):
        bench.act(actor, "approve", work_order_id=order["work_order_id"])
    assert to_production(bench)["state"] == "completed"


# -- what CPS finds ------------------------------------------------------------------------------------------------


def test_a_validation_warning_is_decided_on_by_the_lists(bench: Bench) -> None:
    """U2, U3+: unknown ones and dangerous ones wait; allowed, it goes on."""
    bench.issued()
    finding(bench, dict(bench.push().record or {}), "SAN name [a.example] removed is still live on the network.")
    posts(bench)
    order = to_production(bench)
    assert (order["state"], order["reason"]) == ("needs_decision", "needs_decision")
    assert [notice["code"] for notice in order["notices"]] == [LIVE_SAN] and posts(bench) == []
    assert to_production(bench, wait=False)["state"] == "needs_decision"
    order = to_production(bench, warnings={"allow": [LIVE_SAN]})
    assert order["state"] == "completed" and posts(bench) == [ACK]


def test_a_validation_error_ends_the_push(bench: Bench) -> None:
    """U3+: an acknowledgement would not help."""
    bench.issued()
    finding(bench, dict(bench.push().record or {}), "The trust chain is blacklisted.", error=True)
    with pytest.raises(StateError, match="blacklisted") as caught:
        to_production(bench)
    assert caught.value.code == "validation_failed" and not served(bench, "production")


# -- others act, replies are lost ----------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["lost_after", "lost_before"])
def test_a_lost_reply_to_the_acknowledgement_is_looked_into(bench: Bench, kind: str) -> None:
    """U3+, W5: taken or not, production serves it in the end, and it was acknowledged once."""
    bench.issued()
    bench.push()
    bench.sandbox.fault(kind, method="POST", path=ACK)
    with pytest.raises(RemoteError):
        to_production(bench)
    order = to_production(bench)
    assert order["state"] == "completed"
    assert "production_acknowledged" in bench.audit()


def test_somebody_who_acknowledges_at_control_center_first_is_no_obstacle(bench: Bench) -> None:
    """U3+: what others did already is not done again."""
    bench.issued()
    staged = dict(bench.push().record or {})
    plan = bench.plan_push(network="production")
    client, enrollment, change = at_cps(bench, staged)
    client.acknowledge(changes.CHANGE_MANAGEMENT, enrollment, change)
    posts(bench)
    outcome = plan.execute()
    assert outcome.record is not None and outcome.record["state"] == "completed" and posts(bench) == []


def test_a_change_that_somebody_cancels_on_the_way_ends_the_order(bench: Bench) -> None:
    """U3+: the certificate that production serves stays."""
    first = renewed(bench)
    bench.push()
    before = served(bench, "production")
    staged = to_production(bench, edge={"staging": ["127.0.0.1:1"]}, wait_timeout=30)
    assert staged["state"] == "on_staging" and staged["change_id"] != first["change_id"]
    client, enrollment, change = at_cps(bench, staged)
    client.cancel_change(enrollment, change)
    with pytest.raises(StateError):
        to_production(bench, edge=edges(bench))
    assert to_production_state(bench, staged) == "failed" and served(bench, "production") == before


def to_production_state(bench: Bench, order: dict[str, Any]) -> str:
    """Give the state an order is stored in."""
    with bench.store.read() as unit:
        stored = unit.work_orders.get(order["work_order_id"])
    assert stored is not None
    return stored.state


# -- seven days before the end -------------------------------------------------------------------------------------


def test_a_change_that_ended_and_shows_nothing_on_production_for_minutes_ends_the_order(bench: Bench) -> None:
    """U3: a lag is waited for; after that it is said what is missing, and another push finds it once it is there."""
    bench.issued()
    bench.push()
    bench.sandbox.fault("stale", method="GET", path="/deployments$", times=0)
    began = bench.clock.now()
    with pytest.raises(StateError, match="CPS says .*, and production does not serve what was pushed") as caught:
        bench.push(network="production", wait_timeout=7200)
    assert caught.value.code == "change_failed" and bench.clock.now() - began > timedelta(minutes=2)
    bench.sandbox.clear_faults()
    bench.calls()
    assert dict(bench.push(network="production").record or {})["state"] == "completed" and posts(bench) == []


def test_a_push_to_staging_only_stays_there_when_cps_would_go_on_by_itself(bench: Bench) -> None:
    """U2, cps-protocol §3.4: held back until what production serves ends, and said so; a push to production goes on."""
    renewed(bench)
    order = dict(bench.push().record or {})
    assert order["state"] == "completed"
    [shown] = bench.certificates()
    ends = from_text(shown["production"]["not_after"])
    assert from_text(order["last_safe_at"]) == ends and to_text(ends) in order["message"]
    before = served(bench, "production")
    bench.advance((ends - bench.clock.now() - timedelta(days=1)).total_seconds())
    assert served(bench, "production") == before, "CPS's own deadline has passed"
    order = to_production(bench)
    assert order["state"] == "completed", order["message"]
    assert served(bench, "production") == set(order["fingerprints"].values())


def test_a_push_that_cannot_be_held_back_says_so(bench: Bench) -> None:
    """U2: CPS itself says no; a call that failed leaves the order open instead."""
    renewed(bench)
    bench.sandbox.fault("conflict", method="PUT", path="deployment-schedule", times=0)
    order = dict(bench.push().record or {})
    bench.sandbox.clear_faults()
    assert order["state"] == "completed" and "could not be held back" in order["message"]


def test_a_date_that_somebody_else_set_is_kept(bench: Bench) -> None:
    """U3+: it is acknowledged, and CPS goes on at that date."""
    bench.issued()
    staged = dict(bench.push().record or {})
    client, enrollment, change = at_cps(bench, staged)
    at = (bench.clock.now() + timedelta(hours=3)).replace(microsecond=0)
    client.set_schedule(enrollment, change, changes.Schedule(at, None))
    order = to_production(bench, wait_timeout=300)
    assert order["state"] == "deploying_production" and to_text(at) in order["message"]
    bench.advance(3 * 3600)
    assert to_production(bench)["state"] == "completed"


def test_a_date_of_ours_that_cps_will_not_clear_is_told_and_tried_again(bench: Bench) -> None:
    """U3+: it is acknowledged once; nothing else waits for the date, and no call follows the other at once."""
    renewed(bench)
    bench.push()
    bench.sandbox.fault("server_error", status=409, method="PUT", path="deployment-schedule", times=0)
    posts(bench)
    order = to_production(bench, wait_timeout=120)
    calls = bench.calls()
    bench.sandbox.clear_faults()
    assert order["state"] == "deploying_production" and "could not be cleared" in order["message"]
    assert len([path for method, path in calls if method == "PUT"]) <= 10
    assert len([path for _method, path in calls if path.endswith(ACK)]) == 1
    assert to_production(bench)["state"] == "completed"


def test_a_date_that_cps_still_shows_is_not_cleared_without_a_pause(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Design §6, cps-protocol §3.3: an old status may stay for a while."""
    renewed(bench)
    bench.push()
    asked: list[object] = []
    clear = AkamaiCpsTarget.hold_back
    monkeypatch.setattr(AkamaiCpsTarget, "hold_back", lambda _target, _reference, until: asked.append(until))
    assert to_production(bench, wait_timeout=60)["state"] == "deploying_production"
    assert 1 <= len(asked) <= 8 and set(asked) == {None}
    monkeypatch.setattr(AkamaiCpsTarget, "hold_back", clear)
    assert to_production(bench)["state"] == "completed"


# -- by itself -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("group", "connector", "reached"),
    [
        ("production", "production", "production"),
        ("staging", "production", "staging"),
        ("production", "staging", "staging"),
    ],
)
def test_a_renewal_goes_to_production_by_itself_where_connector_and_group_both_say_so(
    bench: Bench, group: str, connector: str, reached: str
) -> None:
    """A5, E3, U3+: renewed, proved on staging, acknowledged, proved on production; nobody is asked."""
    bench.issued(validity={"count": 47, "unit": "days"}, auto_renew={"enabled": True, "days_before": 20})
    to_production(bench, edge=edges(bench))
    bench.group(push_automatically=True, automatic_network=group, approvals={"push": 2})
    told = bench.connector(push_automatically=True, automatic_network=connector).record
    assert told is not None and told["automatic_network_effective"] == reached
    before = served(bench, "production")
    bench.advance(28 * DAY_S)
    for _run in range(60):
        report = bench.run_due()
        assert report["failures"] == [], report
        if reached in {order.network for order in automatic(bench) if order.state == "completed"}:
            break
        bench.advance(60)
    [order] = automatic(bench)
    assert (order.state, order.network, order.approvals) == ("completed", reached, ())
    passed = ("staging",) if reached == "staging" else NETWORKS
    assert {(entry["kind"], entry["network"]) for entry in order.evidence} == {("handshake", name) for name in passed}
    assert (served(bench, "production") != before) is (reached == "production")
    assert not [entry for entry in bench.run_due()["done"] if "work_order_id" in entry]


def automatic(bench: Bench) -> list[Any]:
    """Give the work orders that nobody asked for."""
    with bench.store.read() as unit:
        return list(unit.work_orders.find(is_automatic=True))


# -- at the pace of CPS --------------------------------------------------------------------------------------------

REAL = {"verify_s": 60, "staging_s": 900, "production_s": 1800, "lag_s": 5, "empty_input_s": 5}


def test_a_push_that_takes_an_hour_is_followed_to_its_end_in_few_calls(bench: Bench) -> None:
    """U3+, design §6: staging serves it minutes before CPS stops there; nothing is taken for granted meanwhile."""
    bench.issued()
    bench.sandbox.configure(REAL)
    bench.calls()
    order = to_production(bench, edge=edges(bench), wait_timeout=7200)
    assert order["state"] == "completed", order["message"]
    calls = bench.calls()
    sent = [path.rsplit("/", 1)[1] for method, path in calls if method == "POST"]
    assert (sent.count(UPLOAD), sent.count(ACK)) == (1, 1)
    assert len(calls) <= 60, len(calls)


def test_a_push_to_staging_is_held_back_before_cps_has_stopped_there(bench: Bench) -> None:
    """U2: it completes as soon as staging serves it."""
    renewed(bench)
    bench.sandbox.configure(REAL)
    order = dict(bench.push(wait_timeout=3600).record or {})
    assert order["state"] == "completed" and "held back" in order["message"]
    [shown] = bench.certificates()
    before = served(bench, "production")
    ends = from_text(shown["production"]["not_after"])
    bench.advance((ends - bench.clock.now() - timedelta(days=1)).total_seconds())
    assert served(bench, "production") == before


# -- orders that meet ----------------------------------------------------------------------------------------------


def acknowledged(bench: Bench) -> dict[str, Any]:
    """Have a push to production that CPS is at work on, with a certificate on production before."""
    renewed(bench)
    bench.push()
    bench.sandbox.configure(REAL)
    order = to_production(bench, wait_timeout=30)
    assert order["state"] == "deploying_production", order["message"]
    return order


def test_what_was_begun_is_followed_to_its_end_although_another_certificate_was_issued(bench: Bench) -> None:
    """W5: nobody looked for weeks; the order completes, or ends, and stands in nobody's way."""
    order = acknowledged(bench)
    bench.advance(DAY_S)
    assert dict(bench.enroll(action="renew", force=True, wait_timeout=1800).record or {})["state"] == "issued"
    report = bench.run_due()
    assert report["failures"] == [] and to_production_state(bench, order) == "completed", report
    assert to_production(bench, wait_timeout=7200)["work_order_id"] != order["work_order_id"]


def test_a_push_to_staging_that_completes_late_does_not_hold_back_what_goes_to_production(bench: Bench) -> None:
    """U2, U3+: two orders on one change."""
    renewed(bench)
    late = dict(bench.push(edge={"staging": ["127.0.0.1:1"]}, wait_timeout=60).record or {})
    assert (late["state"], late["reason"]) == ("on_staging", "not_proven")
    bench.sandbox.configure(REAL)
    order = to_production(bench, edge=edges(bench), wait_timeout=30)
    assert order["state"] == "deploying_production"
    completed = dict(bench.push(edge=edges(bench)).record or {})
    assert completed["state"] == "completed" and completed["message"] == ""
    assert to_production(bench, wait_timeout=7200)["state"] == "completed"


def test_a_date_that_somebody_set_is_not_overwritten_by_a_push_to_staging(bench: Bench) -> None:
    """U2: it is told instead."""
    renewed(bench)
    staged = dict(bench.push(edge={"staging": ["127.0.0.1:1"]}, wait_timeout=60).record or {})
    client, enrollment, change = at_cps(bench, staged)
    at = (bench.clock.now() + timedelta(days=2)).replace(microsecond=0)
    client.set_schedule(enrollment, change, changes.Schedule(at, at + timedelta(days=1)))
    order = dict(bench.push(edge=edges(bench)).record or {})
    assert order["state"] == "completed" and to_text(at) in order["message"]
    assert client.get_schedule(enrollment, change) == changes.Schedule(at, at + timedelta(days=1))


def test_a_push_cannot_be_rolled_back_once_cps_is_taking_it_to_production(bench: Bench) -> None:
    """U5: said before anything is asked for or sent."""
    acknowledged(bench)
    bench.calls()
    with pytest.raises(StateError) as caught:
        bench.plan_push(action="rollback")
    assert caught.value.code == "rollback_too_late" and {method for method, _path in bench.calls()} == {"GET"}


def test_a_rollback_that_waited_does_not_take_a_later_certificate_back(bench: Bench) -> None:
    """U5: the inventory stays with the certificate that was issued since."""
    renewed(bench)
    staged = dict(bench.push().record or {})
    bench.group(approvals={"push": 1})
    order = dict(bench.push(action="rollback").record or {})
    client, enrollment, change = at_cps(bench, staged)
    client.cancel_change(enrollment, change)
    assert dict(bench.enroll(action="renew", force=True).record or {})["state"] == "issued"
    [before] = bench.certificates()
    with pytest.raises(StateError) as caught:
        bench.act("alice", "approve", work_order_id=order["work_order_id"])
    assert caught.value.code == "work_order_obsolete"
    bench.group(approvals={"push": 0})
    assert to_production(bench)["state"] == "completed"
    assert to_production_state(bench, order) == "cancelled", "overtaken"
    [after] = bench.certificates()
    assert after["fingerprint"] == before["fingerprint"]


def test_a_pre_push_script_that_failed_runs_again_before_production(bench: Bench, tmp_path: pathlib.Path) -> None:
    """A4: a retry does not pass over what stopped the push."""
    bench.environment["EDGECERT_SCRIPT_LIBRARY"] = str(tmp_path)
    script, log = tmp_path / "calendar", tmp_path / "log"
    script.write_text(f'#!/bin/sh\necho ran >>"{log}"\nexit 1\n', "ascii")
    script.chmod(0o700)
    bench.issued()
    bench.push()
    bench.connector(pre_push_script="calendar")
    posts(bench)
    with pytest.raises(ScriptError):
        to_production(bench)
    with bench.store.read() as unit:
        [order] = unit.work_orders.find(network="production")
    with pytest.raises(ScriptError):
        bench.act("tester", "retry", work_order_id=order.work_order_id, wait=True, wait_timeout=60)
    assert log.read_text("ascii").count("ran") == 2 and posts(bench) == []


def test_to_plan_a_retry_writes_nothing(bench: Bench) -> None:
    """W5, R: in check mode the reason of the failure stays."""
    order = approved(bench)
    finding(bench, order, "The trust chain is blacklisted.", error=True)
    with bench.store.write() as unit:
        stored = unit.work_orders.get(order["work_order_id"])
        assert stored is not None
        unit.work_orders.put(replace(stored, state="failed", reason="validation_failed", message="why"))
    lines = len(bench.audit())
    wanted = {"action": "retry", "work_order_id": order["work_order_id"]}
    workflow.plan(wanted, bench.acting("alice"))
    with bench.store.read() as unit:
        after = unit.work_orders.get(order["work_order_id"])
    assert after is not None and (after.reason, after.message) == ("validation_failed", "why")
    assert len(bench.audit()) == lines
