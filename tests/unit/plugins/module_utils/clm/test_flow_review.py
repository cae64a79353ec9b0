# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Enrolments beside others who act: at CPS, at the device's record, at the store, or in a run of their own."""

from __future__ import annotations

import pytest

from ansible_collections.edgecert.clm.plugins.module_utils._ca.answer_base import Rejected
from ansible_collections.edgecert.clm.plugins.module_utils._clm import enroll
from ansible_collections.edgecert.clm.plugins.module_utils._clm.moves import Mover
from ansible_collections.edgecert.clm.plugins.module_utils._core.errors import (
    ClmError,
    ConflictError,
    PolicyError,
    RemoteError,
    StateError,
)
from ansible_collections.edgecert.clm.tests.support.flow import ENROLLMENTS, Bench, StubCa
from ansible_collections.edgecert.clm.tests.support.meanwhile import (
    ALLOWED,
    WARNING,
    acks,
    cancel_change,
    creates,
    interrupted,
    issued,
    open_intents,
    park_too_soon,
    set_monitored,
    signing,
)


def states(bench: Bench) -> list[str]:
    """Give the states of the requests, the oldest first."""
    with bench.store.read() as unit:
        return [r.state for r in sorted(unit.requests.find(), key=lambda r: r.created_at or bench.clock.now())]


def open_the_same_elsewhere(bench: Bench) -> None:
    """Let another tool open just what the stored request asks for."""
    with bench.store.read() as unit:
        [device], [request] = unit.devices.find(), unit.requests.find()
        account = unit.ca_accounts.get("house")
    assert account is not None
    ports = bench.make_ports(bench.store)
    ports.key_provider("endpoint", device).begin(Mover(ports, request, device, account, wait_s=0).order)


# -- before the create ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["server_error", "rate_limited", "lost_before"])
def test_a_list_that_fails_before_the_create_lets_nothing_be_adopted_later(bench: Bench, kind: str) -> None:
    """W5: no create was sent, so an enrollment found later is somebody else's."""
    bench.prepare()
    park_too_soon(bench)
    bench.sandbox.configure({"create_interval_s": 0})
    bench.calls()
    bench.sandbox.fault(kind, method="GET", path=ENROLLMENTS, times=0)
    with pytest.raises(RemoteError):
        bench.enroll()
    bench.sandbox.clear_faults()
    assert creates(bench) == 0 and bench.records()["intents"] == 0
    open_the_same_elsewhere(bench)
    creates(bench)
    with pytest.raises(ConflictError) as caught:
        bench.enroll()
    assert caught.value.code == "enrollment_exists"
    assert creates(bench) == 0 and len(bench.enrollments()) == 2


# -- the device, meanwhile -----------------------------------------------------------------------------------------


def test_a_device_set_to_monitored_while_a_create_waits_is_sent_no_create(bench: Bench) -> None:
    """D5, E9: CPS asks for five minutes between two creates; a person changes the device in them."""
    bench.prepare()
    bench.enroll(common_name=bench.name("first"))
    bench.sandbox.configure({"create_interval_s": 300})
    creates(bench)
    ports = interrupted(bench.ports, lambda pause: set_monitored(bench) if pause == 1 else None)
    with pytest.raises(PolicyError) as caught:
        enroll.plan(bench.enroll_params(wait_timeout=1200), ports).execute()
    assert caught.value.code == "device_not_managed"
    assert creates(bench) == 1 and len(bench.enrollments()) == 1


def test_a_device_set_to_monitored_while_a_csr_is_waited_for_is_sent_no_acknowledgement(bench: Bench) -> None:
    """D5, E9."""
    bench.prepare()
    bench.sandbox.configure({"pre_verification_s": 20, "pre_verification_warnings": [WARNING]})
    ports = interrupted(bench.ports, lambda pause: set_monitored(bench) if pause == 1 else None)
    with pytest.raises(PolicyError) as caught:
        enroll.plan(bench.enroll_params(warnings=ALLOWED), ports).execute()
    assert caught.value.code == "device_not_managed" and acks(bench) == 0


def test_a_device_set_to_monitored_after_planning_has_no_csr_signed(bench: Bench) -> None:
    """D5: an open request is held to it by its lease."""
    bench.prepare()
    bench.sandbox.configure({"csr_s": 120})
    bench.enroll(wait=False)
    bench.advance(200)
    plan = bench.plan_enroll()
    set_monitored(bench)
    bench.calls()
    with pytest.raises(PolicyError) as caught:
        plan.execute()
    assert caught.value.code == "device_not_managed" and bench.calls() == []
    assert states(bench) == ["implementing"] and "certificate_ordered" not in bench.audit()


# -- going on after an end -----------------------------------------------------------------------------------------


def test_an_issued_certificate_whose_enrollment_is_gone_is_requested_anew(bench: Bench) -> None:
    """E24, D7: cancelling the first change takes the enrollment with it; the inventory says vanished."""
    bench.prepare()
    first = issued(bench.enroll())
    cancel_change(bench, first)
    bench.advance(60)
    bench.again().execute()
    assert [c["state"] for c in bench.certificates(state=["vanished"])] == ["vanished"]
    second = issued(bench.enroll())
    assert second["request_id"] != first["request_id"] and second["enrollment_id"] != first["enrollment_id"]
    assert states(bench) == ["issued", "issued"] and len(bench.enrollments()) == 1
    [shown] = bench.certificates()
    assert (shown["state"], shown["enrollment_id"]) == ("issued", second["enrollment_id"])
    assert set(second["fingerprints"].values()) == {shown["fingerprint"]}
    assert not bench.plan_enroll().changed


def failed_at_the_ca(bench: Bench, code: str, times: int = 1) -> None:
    """Have a request that the CA brought to its end; the house's own CA is there again afterwards."""
    house = bench.ports
    is_signing = code == "certificate_unusable"
    bench.use_ca(StubCa(signing(bench, ["other.example.com"]) if is_signing else lambda _csr: Rejected("not today")))
    for _time in range(times):
        with pytest.raises(StateError) as caught:
            bench.enroll()
        assert caught.value.code == code
    bench.ports = house


@pytest.mark.parametrize("times", [1, 2])
def test_after_a_refusal_of_the_ca_the_same_call_goes_on_at_the_same_enrollment(bench: Bench, times: int) -> None:
    """E24, W5: CPS has one enrollment of a name, so the place is used again."""
    bench.prepare()
    failed_at_the_ca(bench, "ca_rejected", times)
    plan = bench.plan_enroll()
    assert [step.sentence.split()[0] for step in plan.steps] == ["Record", "Fetch", "Have", "Retrieve"]
    record = issued(plan.execute())
    assert creates(bench) == 1 and states(bench) == ["failed"] * times + ["issued"]
    [found] = bench.enrollments()
    assert found["enrollment_id"] == record["enrollment_id"] and open_intents(bench) == []
    [shown] = bench.certificates()
    assert (shown["state"], shown["fingerprint"]) == ("issued", record["fingerprints"]["RSA"])


def test_after_a_certificate_that_cannot_be_used_only_a_person_orders_again(bench: Bench) -> None:
    """E24, U6: the CSR at CPS is the same, so the same call would buy the same again."""
    bench.prepare()
    failed_at_the_ca(bench, "certificate_unusable", times=2)
    with bench.store.read() as unit:
        [failed] = unit.requests.find()
        assert len(unit.intents.find(kind="order_certificate")) == 1
    record = bench.act("tester", "retry", request_id=failed.request_id).record
    assert record is not None and record["state"] == "issued" and creates(bench) == 1


@pytest.mark.parametrize("code", ["ca_rejected", "certificate_unusable"])
def test_other_names_after_a_refusal_of_the_ca_are_refused_clearly(bench: Bench, code: str) -> None:
    """E13, E24: the CSR at CPS is of the old names."""
    bench.prepare()
    failed_at_the_ca(bench, code)
    creates(bench)
    with pytest.raises(ConflictError) as caught:
        bench.enroll(subject_alternative_names={"dns": [bench.name(), bench.name("more")]})
    assert caught.value.code == "enrollment_exists" and bench.name() in caught.value.message
    assert creates(bench) == 0 and states(bench) == ["failed"]
    other_order = {"validity": {"count": 60, "unit": "days"}} if code == "certificate_unusable" else {}
    assert issued(bench.enroll(**other_order))


def test_after_a_cancelled_change_a_new_enrollment_is_opened(bench: Bench) -> None:
    """E24: the place is gone, so there is nothing to go on at."""
    bench.prepare()
    bench.sandbox.configure({"csr_s": 120})
    first = bench.enroll(wait=False).record
    assert first is not None
    cancel_change(bench, first)
    with pytest.raises(StateError) as caught:
        bench.enroll()
    assert caught.value.code == "csr_refused"
    second = issued(bench.enroll())
    assert second["enrollment_id"] != first["enrollment_id"]
    assert creates(bench) == 2 and len(bench.enrollments()) == 1
    [shown] = bench.certificates()
    assert shown["enrollment_id"] == second["enrollment_id"]


@pytest.mark.parametrize("is_discovered", [True, False], ids=["seen-vanished", "not-seen"])
def test_a_place_that_is_gone_after_a_refusal_of_the_ca_is_not_gone_on_at(bench: Bench, is_discovered: bool) -> None:
    """E24, D7: where discovery saw it vanish, the very next call opens a new one."""
    bench.prepare()
    failed_at_the_ca(bench, "ca_rejected")
    [first] = bench.enrollments()
    with bench.store.read() as unit:
        [request] = unit.requests.find()
    cancel_change(bench, request.key_reference)
    bench.advance(60)
    if is_discovered:
        bench.again().execute()
    else:
        with pytest.raises(StateError) as caught:
            bench.enroll()
        assert caught.value.code == "csr_refused"
    assert issued(bench.enroll())["enrollment_id"] != first["enrollment_id"]
    assert creates(bench) == 2 and len(bench.enrollments()) == 1


# -- removing a device ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("planned", ["after", "before"])
def test_a_device_with_a_request_that_has_not_ended_is_not_removed(bench: Bench, planned: str) -> None:
    """D1, W5: neither when it began between planning and removing."""
    bench.prepare()
    plan = bench.plan_device(state="absent") if planned == "before" else None
    record = park_too_soon(bench)
    with pytest.raises(StateError) as caught:
        (plan or bench.plan_device(state="absent")).execute()
    assert caught.value.details["open"] == [record["request_id"]]
    assert bench.records()["devices"] == 1 and "device_removed" not in bench.audit()


def test_a_request_for_a_device_that_was_removed_after_planning_is_not_stored(bench: Bench) -> None:
    """D1, W5: it could never end."""
    bench.prepare()
    plan = bench.plan_enroll()
    bench.device(state="absent")
    with pytest.raises(ClmError):
        plan.execute()
    assert bench.records()["requests"] == 0 and creates(bench) == 0


# -- discovery, meanwhile ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("certificate_id", ["shop", None])
def test_a_discovery_from_before_an_enrolment_adds_no_second_row(bench: Bench, certificate_id: str | None) -> None:
    """D7, E21: the device was read while the enrolment's certificate was not yet in the inventory."""
    bench.prepare()
    named = {"certificate": certificate_id}
    first = bench.plan_enroll(**named)
    bench.sandbox.fault("lost_after", method="POST", path=ENROLLMENTS)
    bench.sandbox.fault("server_error", method="GET", path=ENROLLMENTS, nth=1, times=0)
    with pytest.raises(RemoteError):
        first.execute()
    bench.sandbox.clear_faults()
    discovery = bench.again()
    assert discovery.changed
    record = issued(bench.enroll(**named))
    discovery.execute()
    [shown] = bench.certificates()
    assert (shown["certificate"], shown["origin"]) == (certificate_id or bench.name(), "enrolled")
    assert shown["enrollment_id"] == record["enrollment_id"]


# -- acknowledging before the CSR ----------------------------------------------------------------------------------


def test_an_acknowledgement_before_the_csr_is_on_record_and_leaves_no_open_intent(bench: Bench) -> None:
    """W6, design §8: which warnings, in their words, and what decided."""
    bench.prepare()
    bench.sandbox.configure({"pre_verification_warnings": [WARNING]})
    issued(bench.enroll(warnings=ALLOWED))
    with bench.store.read() as unit:
        [line] = [row.entry for row in unit.audit_rows() if row.entry.action == "warnings_acknowledged"]
    assert line.noun == "request" and line.after is not None
    [notice] = line.after["notices"]
    assert notice["text"] == WARNING and notice["decision"] == "allowed" and "code" in notice
    assert open_intents(bench) == [] and bench.store.verify_audit() == []


@pytest.mark.parametrize("wait", [False, True])
def test_after_an_acknowledgement_before_the_csr_is_not_asked_for_again_at_once(bench: Bench, wait: bool) -> None:
    """E9: the warnings may show for a while; a run that does not wait parks."""
    bench.prepare()
    bench.sandbox.configure({"pre_verification_warnings": [WARNING], "csr_s": 120, "lag_s": 15})
    bench.enroll(wait=False)
    bench.advance(30)
    bench.calls()
    pauses = len(bench.clock.slept)
    record = bench.enroll(wait=wait, warnings=ALLOWED).record
    assert record is not None
    if wait:
        assert record["state"] == "issued" and acks(bench) <= 2
    else:
        assert record["reason"] == "csr_pending" and "acknowledged" in record["message"]
        assert acks(bench) == 1 and len(bench.clock.slept) == pauses
