# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Taking back at CPS what a request opened that came to nothing (W1, U5; cps-protocol §6.5)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from ansible_collections.edgecert.clm.plugins.module_utils._ca.answer_base import Rejected
from ansible_collections.edgecert.clm.plugins.module_utils._clm import enroll, workflow
from ansible_collections.edgecert.clm.plugins.module_utils._core.errors import (
    ClmError,
    ConflictError,
    InputError,
    PolicyError,
    StateError,
)
from ansible_collections.edgecert.clm.plugins.module_utils._core.plan import Outcome, Plan
from ansible_collections.edgecert.clm.plugins.module_utils._core.types import CertRequest
from ansible_collections.edgecert.clm.plugins.module_utils._cps.enrollment_wire import enrollment_update
from ansible_collections.edgecert.clm.tests.support.editing import Edited
from ansible_collections.edgecert.clm.tests.support.flow import Bench, StubCa
from ansible_collections.edgecert.clm.tests.support.undoing import deletes, line, live

Record = dict[str, Any]
CSR_IS_SLOW = {"csr_s": 500}


def opened(bench: Bench, *names: str, **options: Any) -> Record:
    """Have a live certificate edited to other names, and stop before the CA signs."""
    bench.sandbox.configure(CSR_IS_SLOW)
    wanted = Edited.sans(*names) if names else None
    params = {"subject_alternative_names": wanted, "force": True, **options}
    return dict(bench.enroll_action("renew", bench.name(), **params).record or {})


def take_back(bench: Bench, request: Record, **options: Any) -> Outcome:
    """Cancel a request, what it opened with it."""
    wanted = {"request_id": request["request_id"], "cancel_change": True, "wait": True, "wait_timeout": 600}
    return bench.act("tester", "cancel", **{**wanted, **options})


def plan_back(bench: Bench, request: Record) -> Plan:
    """Plan that."""
    params = {"action": "cancel", "request_id": request["request_id"], "cancel_change": True}
    return workflow.plan(params, bench.ports)


def stored(bench: Bench, request: Record) -> CertRequest:
    """Give a request as stored."""
    with bench.store.read() as unit:
        found = unit.requests.get(request["request_id"])
    assert found is not None
    return found


def at_cps(bench: Bench) -> Record:
    """Give the enrollment as CPS has it."""
    [found] = bench.enrollments()
    return found


def fast(bench: Bench) -> None:
    """Let CPS make its CSRs quickly again."""
    bench.sandbox.configure({"csr_s": 3})


@pytest.mark.parametrize("keeps", [False, True], ids=["goes-back", "keeps-document"])
def test_a_mistaken_edit_is_taken_back_and_the_right_one_follows(bench: Bench, keeps: bool) -> None:
    """W1, E4, cps-protocol §6.5: the change is over, the names are as before, and whatever was blocked goes on."""
    live(bench)
    bench.sandbox.configure({"cancel_keeps_document": keeps})
    request = opened(bench, bench.name("wrong"))
    bench.calls()
    done = dict(take_back(bench, request).record or {})
    calls = bench.calls()
    assert (done["state"], done["reason"], done["change_id"]) == ("cancelled", "cancelled", None)
    assert (
        f"change {request['change_id']} of enrollment {request['enrollment_id']} is taken back at CPS"
        in (done["message"])
    )
    deleted = [path for method, path in calls if method == "DELETE"]
    assert deleted[0].endswith(f"/changes/{request['change_id']}")
    # What CPS keeps is put back by an update, whose change is cancelled in turn.
    assert (len(deleted), sum(method == "PUT" for method, _path in calls)) == ((2, 1) if keeps else (1, 0))
    there = at_cps(bench)
    assert (set(there["sans"]), there["pending_changes"]) == ({bench.name()}, ())
    assert bench.audit()[-2:] == ["request_cancelled", "change_taken_back"]
    with bench.store.read() as unit:
        assert unit.intents.find(finished_at=None) == []
    fast(bench)
    right = bench.enroll_action(
        "renew",
        bench.name(),
        subject_alternative_names=Edited.sans(bench.name("right")),
        wait=True,
        wait_timeout=600,
    )
    assert dict(right.record or {})["state"] == "issued"


def test_the_second_call_changes_nothing(bench: Bench) -> None:
    """W1: the same call again has nothing to do, and asks CPS nothing."""
    live(bench)
    request = opened(bench, bench.name("wrong"))
    take_back(bench, request)
    bench.calls()
    again = plan_back(bench, request)
    assert again.steps == ()
    assert bench.calls() == []
    assert dict(again.execute().record or {})["state"] == "cancelled"


def test_check_mode_predicts_it_and_sends_nothing(bench: Bench) -> None:
    """M6: the plan looks, says what would be done, and writes nothing."""
    live(bench)
    request = opened(bench, bench.name("wrong"))
    bench.calls()
    plan = plan_back(bench, request)
    assert [method for method, _path in bench.calls()] == ["GET", "GET"]
    assert [step.sentence for step in plan.steps] == [
        f"Cancel request {request['request_id']} for {bench.name()}",
        f"Cancel change {request['change_id']} of enrollment {request['enrollment_id']} at CPS, and put csr.sans back "
        "where CPS keeps that",
    ]
    assert plan.after is not None and (plan.after["state"], plan.after["change_id"]) == ("cancelled", None)
    assert stored(bench, request).state == request["state"]


def test_what_was_cancelled_before_is_repaired_by_the_call_that_each_refusal_names(bench: Bench) -> None:
    """W1, E4, U5: every way that the open change blocks names the call that opens it again, and that one does."""
    live(bench)
    request = opened(bench, bench.name("wrong"))
    told = dict(bench.act("tester", "cancel", request_id=request["request_id"]).record or {})["message"]
    way = f"edgecert.clm.cert_workflow, request_id: {request['request_id']}, action: cancel and cancel_change: true"
    assert way in told
    right = {"subject_alternative_names": Edited.sans(bench.name("right")), "wait": True, "wait_timeout": 600}
    calls: dict[str, Callable[[], Outcome]] = {
        "edit": lambda: bench.enroll_action("renew", bench.name(), **right),
        "renew": lambda: bench.enroll_action("renew", bench.name(), force=True),
        "rollback": lambda: bench.push(action="rollback"),
        "configure": lambda: bench.push(action="configure", network="production", network_settings={"quic": True}),
    }
    refused: dict[str, ClmError] = {}
    for name, blocked in calls.items():
        with pytest.raises(ClmError) as caught:
            blocked()
        refused[name] = caught.value
    assert {name: error.code for name, error in refused.items()} == {
        "edit": "enrollment_differs",
        "renew": "enrollment_differs",
        "rollback": "rollback_impossible",
        "configure": "change_pending",
    }
    assert [name for name, error in refused.items() if way not in error.message] == []
    done = dict(take_back(bench, request).record or {})
    assert done["state"] == "cancelled" and way not in done["message"]
    fast(bench)
    assert dict(bench.enroll_action("renew", bench.name(), **right).record or {})["state"] == "issued"


def test_an_enrollment_that_never_went_live_goes_with_its_change(bench: Bench) -> None:
    """W1, cps-protocol §3.8, §6.5: nothing stays, and the same names can be asked for again as new."""
    bench.prepare()
    bench.sandbox.configure(CSR_IS_SLOW)
    request = dict(bench.enroll(wait=False).record or {})
    done = dict(take_back(bench, request).record or {})
    assert (done["state"], done["enrollment_id"]) == ("cancelled", None)
    assert "the enrollment is gone with it" in done["message"]
    assert bench.enrollments() == []
    assert line(bench).state == "vanished"
    fast(bench)
    anew = dict(bench.enroll().record or {})
    assert anew["state"] == "issued" and anew["enrollment_id"] != request["enrollment_id"]


def test_a_renewal_that_cps_had_opened_is_never_cancelled(bench: Bench) -> None:
    """W1, cps-protocol §5.5: it was open before; that it stays is told, and the next renewal takes it up."""
    edited = Edited(bench)
    bench.sandbox.configure(CSR_IS_SLOW)
    edited.client.update_enrollment(
        at_cps(bench)["enrollment_id"], enrollment_update(edited.live()), force_renewal=True
    )
    request = opened(bench)
    bench.calls()
    [warning] = plan_back(bench, request).extra["warnings"]
    done = take_back(bench, request)
    assert "DELETE" not in [method for method, _path in bench.calls()]
    assert dict(done.record or {})["state"] == "cancelled"
    assert "where it was open before" in warning and warning in dict(done.record or {})["message"]


def test_a_change_that_another_request_goes_on_with_stays(bench: Bench) -> None:
    """W1: what a later request took up, and had issued, is not taken away under it."""
    live(bench)
    request = opened(bench)
    bench.act("tester", "cancel", request_id=request["request_id"])
    fast(bench)
    later = dict(bench.enroll_action("renew", bench.name(), force=True, wait=True, wait_timeout=600).record or {})
    assert (later["state"], later["change_id"]) == ("issued", request["change_id"])
    with pytest.raises(ConflictError) as caught:
        take_back(bench, request)
    assert caught.value.code == "change_in_use" and later["request_id"] in caught.value.message


def test_an_issued_request_and_other_actions_take_nothing_back(bench: Bench) -> None:
    """W1: the option is for a request that is cancelled; what is issued is rolled back by its push."""
    live(bench)
    with bench.store.read() as unit:
        [request] = unit.requests.find()
    with pytest.raises(StateError) as caught:
        take_back(bench, {"request_id": request.request_id})
    assert caught.value.code == "wrong_state"
    for options in ({"action": "retry", "request_id": "req-1"}, {"action": "cancel", "work_order_id": "wo-1"}):
        with pytest.raises(InputError, match="cancel_change goes with action: cancel of a request alone"):
            workflow.plan({"cancel_change": True, **options}, bench.ports)


def test_a_request_whose_key_is_made_here_has_nothing_at_cps(bench: Bench) -> None:
    """W1: it is cancelled, and CPS is not asked."""
    bench.prepare()
    bench.group(approvals={"enroll": 1})
    params = {**bench.enroll_params(csr_source="local", organization="Example GmbH", country="DE"), "wait": False}
    params.pop("device")
    request = dict(enroll.plan(params, bench.ports).execute().record or {})
    bench.calls()
    assert dict(take_back(bench, request).record or {})["state"] == "cancelled"
    assert bench.calls() == []


def test_a_request_that_the_ca_refused_is_cancelled_and_taken_back(bench: Bench) -> None:
    """W1: it failed, and its change keeps others away all the same; cancelled, it is not taken up any more."""
    live(bench)
    ports = bench.ports
    bench.use_ca(StubCa(lambda _csr: Rejected("the name is not ours")))
    with pytest.raises(ClmError):
        bench.enroll_action(
            "renew",
            bench.name(),
            subject_alternative_names=Edited.sans(bench.name("wrong")),
            wait=True,
            wait_timeout=600,
        )
    bench.ports = ports
    with bench.store.read() as unit:
        failed = unit.requests.find(certificate_id=bench.name())[-1]
    assert failed.state == "failed"
    done = dict(take_back(bench, {"request_id": failed.request_id}).record or {})
    assert (done["state"], done["change_id"]) == ("cancelled", None)
    assert at_cps(bench)["pending_changes"] == ()


def test_what_is_open_at_cps_is_not_forgotten_before_it_is_taken_back(bench: Bench) -> None:
    """I3, W1: the inventory keeps what a cancelled request left, and says how it goes."""
    live(bench)
    request = opened(bench, bench.name("wrong"))
    bench.act("tester", "cancel", request_id=request["request_id"])
    with pytest.raises(StateError) as caught:
        bench.push(action="remove", remove_from="store")
    assert caught.value.code == "pending_change" and "action: cancel and cancel_change: true" in caught.value.message
    take_back(bench, request)
    assert bench.plan_push(action="remove", remove_from="store").changed


def test_no_approval_is_needed_and_the_device_has_to_be_managed(bench: Bench) -> None:
    """W2, D5: a group that asks for approvals lets it be taken back at once; a monitored device is not written to."""
    live(bench)
    request = opened(bench, bench.name("wrong"))
    always = {"name": "always", "starts_at": "2020-01-01T00:00:00Z", "ends_at": "2090-01-01T00:00:00Z"}
    bench.group(approvals={"enroll": 2, "push": 2}, freeze_windows=(always,))
    bench.again(cert_sync="monitored", discover="none", validate=False).execute()
    with pytest.raises(PolicyError):
        take_back(bench, request)
    assert stored(bench, request).state == request["state"]
    bench.again(cert_sync="managed", discover="none", validate=False).execute()
    assert dict(take_back(bench, request).record or {})["state"] == "cancelled"
    assert deletes(bench) and at_cps(bench)["pending_changes"] == ()
