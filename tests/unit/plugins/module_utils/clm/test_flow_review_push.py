# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Pushes beside others who act: at Control Center, at the device's record, in a run of their own, or on staging."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from ansible_collections.edgecert.clm.plugins.module_utils._clm import connectors, enroll, push, states
from ansible_collections.edgecert.clm.plugins.module_utils._clm.ports import Ports
from ansible_collections.edgecert.clm.plugins.module_utils._clm.work_orders import LEASE_S
from ansible_collections.edgecert.clm.plugins.module_utils._core.errors import (
    ClmError,
    ConflictError,
    InputError,
    PolicyError,
    StateError,
)
from ansible_collections.edgecert.clm.plugins.module_utils._core.plan import Plan
from ansible_collections.edgecert.clm.plugins.module_utils._core.types import Bundle, WorkOrder
from ansible_collections.edgecert.clm.tests.support.flow import Bench
from ansible_collections.edgecert.clm.tests.support.meanwhile import (
    ALLOWED,
    WARNING,
    acks,
    cancel_change,
    interrupted,
    open_intents,
    set_monitored,
)
from ansible_collections.edgecert.clm.tests.support.sandbox_world import LabAuthority, pem

UPLOAD = "third-party-cert-and-trust-chain"


def push_params(bench: Bench, **changes: Any) -> dict[str, Any]:
    """Give the options of a push that waits."""
    return {"certificate": bench.name(), "network": "staging", "wait": True, "wait_timeout": 900, **changes}


def order_of(outcome: Any) -> Any:
    """Give the work order of an outcome."""
    assert outcome.record is not None
    return outcome.record


def stored_order(bench: Bench) -> WorkOrder:
    """Give the one work order there is."""
    with bench.store.read() as unit:
        [order] = unit.work_orders.find()
    return order


def uploads(bench: Bench) -> int:
    """Count the uploads since the last look."""
    return sum(method == "POST" and path.endswith(UPLOAD) for method, path in bench.calls())


def parked(bench: Bench) -> Any:
    """Have an issued certificate whose push waits for a decision; gives the record of the enrolment."""
    bench.sandbox.configure({"post_verification_warnings": [WARNING]})
    record = bench.issued().record
    assert order_of(bench.push())["state"] == "needs_decision"
    return record


# -- the device, meanwhile -----------------------------------------------------------------------------------------


def test_a_device_set_to_monitored_while_a_push_waits_is_sent_no_acknowledgement(bench: Bench) -> None:
    """D5, U2."""
    bench.sandbox.configure({"verify_s": 30})
    bench.issued()
    ports = interrupted(bench.ports, lambda pause: set_monitored(bench) if pause == 1 else None)
    bench.calls()
    with pytest.raises(PolicyError) as caught:
        push.plan(push_params(bench), ports).execute()
    assert caught.value.code == "device_not_managed" and acks(bench) == 0


def test_a_device_set_to_monitored_after_planning_is_sent_no_upload(bench: Bench) -> None:
    """D5, U2."""
    bench.issued()
    plan = bench.plan_push()
    set_monitored(bench)
    bench.calls()
    with pytest.raises(PolicyError) as caught:
        plan.execute()
    assert caught.value.code == "device_not_managed" and bench.calls() == []
    assert bench.records()["work_orders"] == 0


def test_a_device_set_to_monitored_after_planning_is_sent_no_acknowledgement(bench: Bench) -> None:
    """D5, U2: a work order that is there already is held to it by its lease."""
    parked(bench)
    plan = bench.plan_push(warnings=ALLOWED)
    set_monitored(bench)
    bench.calls()
    with pytest.raises(PolicyError) as caught:
        plan.execute()
    assert caught.value.code == "device_not_managed" and bench.calls() == []
    assert stored_order(bench).state == "needs_decision"


# -- leases --------------------------------------------------------------------------------------------------------


def plan_push(bench: Bench, ports: Ports) -> Plan:
    """Plan a push that waits long."""
    return push.plan(push_params(bench, wait_timeout=3 * LEASE_S), ports)


def plan_enroll(bench: Bench, ports: Ports) -> Plan:
    """Plan an enrolment that waits long."""
    return enroll.plan(bench.enroll_params(wait_timeout=3 * LEASE_S), ports)


def begin_push(bench: Bench) -> None:
    """Have a push that is at work for long."""
    bench.issued()
    bench.sandbox.configure({"staging_s": 2.5 * LEASE_S})
    bench.push(wait=False)


def begin_enroll(bench: Bench) -> None:
    """Have a CSR that is long in coming."""
    bench.prepare()
    bench.sandbox.configure({"csr_s": 2.5 * LEASE_S})
    bench.enroll(wait=False)


@pytest.mark.parametrize(("begin", "plan"), [(begin_enroll, plan_enroll), (begin_push, plan_push)])
def test_a_lease_is_renewed_while_waiting_and_expires_once_the_holder_is_gone(
    bench: Bench, begin: Callable[[Bench], None], plan: Callable[[Bench, Ports], Plan]
) -> None:
    """W5, design §8: a run that is killed gives nothing back; the time does."""
    begin(bench)
    began, met = bench.clock.monotonic(), list[str]()
    holder = bench.open_store("holder")

    def second_run() -> str:
        with closing(bench.open_store("second")) as store, pytest.raises(ConflictError) as caught:
            plan(bench, bench.make_ports(store)).execute()
        return caught.value.code

    def act(_pause: int) -> None:
        if bench.clock.monotonic() - began > LEASE_S + 60:
            met.append(second_run())
            # As a kill would: nothing can be given back any more.
            holder.close()
            raise KeyboardInterrupt

    with pytest.raises(BaseException) as ended:
        plan(bench, interrupted(bench.make_ports(holder), act)).execute()
    assert not isinstance(ended.value, AssertionError), ended.value
    assert met == ["lease_held"] and second_run() == "lease_held"
    bench.advance(LEASE_S + 1)
    assert order_of(plan(bench, bench.ports).execute())["state"] in ("issued", "completed")


# -- Control Center, meanwhile -------------------------------------------------------------------------------------


@pytest.mark.parametrize("later_s", [0, 600])
def test_warnings_that_a_person_acknowledged_let_the_next_push_complete(bench: Bench, later_s: float) -> None:
    """U2, E24: parked here, decided at Control Center; the way is one the table knows."""
    record = parked(bench)
    with bench.store.read() as unit:
        [device] = unit.devices.find()
        [request] = unit.requests.find()
    target = bench.make_ports(bench.store).target(device)
    target.acknowledge(request.key_reference, target.observe(request.key_reference, request.fingerprints).notices)
    bench.advance(later_s)
    acks(bench)
    order = order_of(bench.push())
    assert order["state"] == "completed" and order["fingerprints"] == record["fingerprints"]
    assert acks(bench) == 0 and order["reason"] == order["message"] == "" and order["next_look_at"] is None
    passed = [condition["type"] for condition in order["conditions"]][2:]
    assert passed[0] == "implementing" and "needs_decision" in passed and passed[-2:] == ["on_staging", "completed"]
    assert all(after in states.WORK_ORDER[before] for before, after in itertools.pairwise(passed)), passed
    assert open_intents(bench) == []


def test_a_change_that_is_cancelled_elsewhere_ends_its_order_and_the_connector_can_go(bench: Bench) -> None:
    """U2, A2, W6."""
    cancel_change(bench, parked(bench))
    bench.advance(30)
    with pytest.raises(StateError) as caught:
        bench.push()
    assert caught.value.code in ("no_open_change", "change_failed")
    assert "edgecert.clm.cert_enroll" in caught.value.message
    order = stored_order(bench)
    assert (order.state, order.reason) == ("failed", caught.value.code) and order.message
    assert bench.audit()[-1] == "push_failed" and open_intents(bench) == []
    gone = {"certificate": bench.name(), "name": "app", "state": "absent"}
    assert connectors.plan(gone, bench.ports).execute().record is None
    assert bench.records()["connectors"] == 0


def test_a_change_that_was_cancelled_before_any_push_stores_nothing(bench: Bench) -> None:
    """U2."""
    cancel_change(bench, bench.issued().record)
    bench.advance(30)
    lines = bench.audit()
    with pytest.raises(StateError) as caught:
        bench.push()
    assert caught.value.code in ("no_open_change", "change_failed")
    assert bench.records()["work_orders"] == 0 and bench.audit() == lines


# -- what hangs on a device ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("planned", ["after", "before"])
def test_a_device_with_an_open_work_order_is_not_removed(bench: Bench, planned: str) -> None:
    """D1: whatever became of connector and certificate; neither when the order began after planning."""
    bench.device(discover="none")
    plan = bench.plan_device(state="absent") if planned == "before" else None
    parked(bench)
    with bench.store.write() as unit:
        for connector in unit.connectors.find():
            unit.connectors.remove(connector)
        for certificate in unit.certificates.find():
            unit.certificates.remove(certificate)
    with pytest.raises(StateError) as caught:
        (plan or bench.plan_device(state="absent")).execute()
    assert caught.value.details["open"] == [stored_order(bench).work_order_id]
    assert bench.records()["devices"] == 1


# -- on record -----------------------------------------------------------------------------------------------------


def test_upload_and_acknowledgement_are_on_record_and_leave_no_open_intent(bench: Bench) -> None:
    """W6, design §8: which warnings, in their words, and what decided."""
    bench.sandbox.configure({"post_verification_warnings": [WARNING]})
    record = bench.issued().record
    assert record is not None and order_of(bench.push(warnings=ALLOWED))["state"] == "completed"
    with bench.store.read() as unit:
        lines = [row.entry for row in unit.audit_rows() if row.entry.noun == "work_order"]
    [uploaded] = [line for line in lines if line.action == "certificate_uploaded"]
    assert uploaded.after is not None and uploaded.after["fingerprints"] == record["fingerprints"]
    [acknowledged] = [line for line in lines if line.action == "warnings_acknowledged"]
    assert acknowledged.after is not None
    notices = acknowledged.after["notices"]
    assert {notice["text"]: notice["decision"] for notice in notices}[WARNING] == "allowed"
    # The private root of the house's own CA is a warning of its own, with a code that is known.
    assert {notice["code"] for notice in notices} >= {"TRUST_CHAIN_TERMINATES_WITH_NON_STANDARD_CERTIFICATE_DETAILED"}
    assert {notice["decision"] for notice in notices} == {"allowed"}
    assert open_intents(bench) == [] and bench.store.verify_audit() == []


def test_a_push_that_cannot_move_keeps_its_state_and_the_time_seen(bench: Bench) -> None:
    """U2, E24: a call that does not wait and has nothing to do."""
    bench.issued()
    bench.sandbox.configure({"verify_s": 300})
    first = order_of(bench.push(wait=False))
    lines = bench.audit()
    bench.advance(150)
    plan = bench.plan_push(wait=False)
    assert not plan.changed
    second = order_of(plan.execute())
    assert (second["state"], second["reason"]) == (first["state"], first["reason"]) == ("implementing", "busy")
    assert second["message"] and second["next_look_at"] > first["next_look_at"]
    assert bench.audit() == lines
    bench.advance(400)
    assert order_of(bench.push())["next_look_at"] is None


# -- proof ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("address", ["", "not an address", "https://edge.example.com", "edge.example.com:port"])
def test_an_edge_that_is_no_address_is_refused_before_anything_is_sent(bench: Bench, address: str) -> None:
    """U6."""
    bench.issued()
    bench.calls()
    with pytest.raises(InputError) as caught:
        bench.push(edge={"staging": [bench.sandbox.edge("staging"), address]})
    assert repr(address) in str(caught.value) and bench.calls() == []
    assert bench.records()["work_orders"] == 0


def test_a_certificate_without_names_is_not_proved_by_asking_no_edge(bench: Bench) -> None:
    """U6: no evidence, no completion."""
    bench.issued()
    with bench.store.write() as unit:
        [certificate] = unit.certificates.find()
        unit.certificates.put(replace(certificate, sans=(), san_count=0))
    order = order_of(bench.push(edge={"staging": [bench.sandbox.edge("staging")]}, wait_timeout=120))
    assert (order["state"], order["reason"]) == ("on_staging", "not_proven")
    assert order["message"] and not order["evidence"]


def deploy_another(bench: Bench) -> None:
    """Let another tool have the same CSR signed elsewhere, and bring that to staging, where the change waits."""
    with bench.store.read() as unit:
        [device], [request] = unit.devices.find(), unit.requests.find()
    authority = LabAuthority(bench.clock.now())
    start = bench.clock.now() - timedelta(minutes=1)
    bundles = {
        algorithm: Bundle(authority.sign(csr, start=start), (pem(authority.issuing),), pem(authority.root))
        for algorithm, csr in request.csrs.items()
    }
    target = bench.make_ports(bench.store).target(device)
    target.upload(request.key_reference, bundles, with_root=False)
    for _look in range(60):
        bench.advance(10)
        state = target.observe(request.key_reference, {"RSA": "0" * 64})
        if state.phase == "wants_decision":
            target.acknowledge(request.key_reference, state.notices)
        if state.phase == "on_staging":
            return
    raise AssertionError(state)


def test_another_certificate_on_staging_where_the_change_waits_ends_the_push_after_the_lag(bench: Bench) -> None:
    """U6: what CPS shows may be old for a while, not for ever."""
    bench.issued()
    deploy_another(bench)
    began = bench.clock.monotonic()
    bench.calls()
    with pytest.raises(ClmError) as caught:
        bench.push()
    assert caught.value.code == "deployed_otherwise"
    assert 120 < bench.clock.monotonic() - began < 300 and uploads(bench) == 0
    order = stored_order(bench)
    assert (order.state, order.reason) == ("failed", "deployed_otherwise") and bench.audit()[-1] == "push_failed"
