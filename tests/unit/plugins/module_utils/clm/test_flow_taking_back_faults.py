# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Taking back what a request opened where runs end midway, answers are lost and others act meanwhile (W1, W5)."""

from __future__ import annotations

from typing import Any
from unittest import mock

import pytest

from ansible_collections.edgecert.clm.plugins.module_utils._ca.answer_base import Issued
from ansible_collections.edgecert.clm.plugins.module_utils._core.errors import ClmError, ConflictError, StateError
from ansible_collections.edgecert.clm.plugins.module_utils._cps.changes import UploadCertificate
from ansible_collections.edgecert.clm.plugins.module_utils._cps.client import CpsClient
from ansible_collections.edgecert.clm.plugins.module_utils._cps.enrollment_wire import enrollment_update
from ansible_collections.edgecert.clm.plugins.module_utils._glue.wire_target import client_of
from ansible_collections.edgecert.clm.tests.support.crash import distinct, watch
from ansible_collections.edgecert.clm.tests.support.editing import Edited
from ansible_collections.edgecert.clm.tests.support.flow import Bench
from ansible_collections.edgecert.clm.tests.support.lives import PAST_LEASES_S
from ansible_collections.edgecert.clm.tests.support.meanwhile import signing
from ansible_collections.edgecert.clm.tests.support.stopping import Killed, Stops
from ansible_collections.edgecert.clm.tests.support.undoing import live

Record = dict[str, Any]
CHANGE = r"/changes/[0-9]+$"
ENROLLMENT = r"/enrollments/[0-9]+(\?|$)"


def opened(bench: Bench, *names: str) -> Record:
    """Have a live certificate edited to other names, and stop before the CA signs."""
    bench.sandbox.configure({"csr_s": 500})
    wanted = Edited.sans(*names) if names else None
    outcome = bench.enroll_action("renew", bench.name(), subject_alternative_names=wanted, force=True)
    return dict(outcome.record or {})


def take_back(bench: Bench, request: Record, **options: Any) -> Record:
    """Cancel a request, what it opened with it."""
    wanted = {"request_id": request["request_id"], "cancel_change": True, "wait": True, "wait_timeout": 600}
    return dict(bench.act("tester", "cancel", **{**wanted, **options}).record or {})


def client(bench: Bench) -> CpsClient:
    """Give what a person at Control Center would use."""
    with bench.store.read() as unit:
        [device] = unit.devices.find()
    return client_of(device, bench.store, bench.clock, bench.environment)


def writes(bench: Bench) -> list[str]:
    """Give what was written since the last look."""
    return [f"{method} {path.partition('?')[0].rsplit('/', 2)[1]}" for method, path in bench.calls() if method != "GET"]


def is_clean(bench: Bench) -> None:
    """Hold that CPS and the store are as before the request."""
    [there] = bench.enrollments()
    assert (set(there["sans"]), there["pending_changes"]) == ({bench.name()}, ())
    with bench.store.read() as unit:
        assert unit.intents.find(finished_at=None) == []


def test_a_run_that_ends_anywhere_is_taken_up_and_cancels_nothing_else(bench: Bench) -> None:
    """W5: every state that can be left behind is driven; the same call ends it, and names are put back once."""
    live(bench)
    bench.sandbox.configure({"cancel_keeps_document": True})
    fatal, places = 0, [0]
    while places:
        request, stops = opened(bench, bench.name(f"wrong{fatal}")), Stops(places.pop())
        fatal += 1
        bench.calls()
        watch(stops)
        try:
            take_back(bench, request)
        except Killed:
            pass
        finally:
            mock.patch.stopall()
        if not stops.fatal:
            places = distinct(stops.names)
            assert len(places) > 8, stops.names
        bench.advance(PAST_LEASES_S)
        done = take_back(bench, request)
        left = stops.names[-1]
        assert (done["state"], done["change_id"]) == ("cancelled", None), left
        sent = writes(bench)
        assert sent.count("PUT enrollments") == 1, (left, sent)
        # An answer that came and was not put on record is asked for once more, of the same change.
        assert sent.count("DELETE changes") in (2, 3), (left, sent)
        is_clean(bench)


@pytest.mark.parametrize("kind", ["lost_after", "server_error", "server_error_after"])
@pytest.mark.parametrize(("method", "path"), [("DELETE", CHANGE), ("PUT", ENROLLMENT)])
def test_a_lost_answer_is_looked_for_before_it_is_sent_again(bench: Bench, kind: str, method: str, path: str) -> None:
    """W5, cps-protocol §5.2: whether it was done or not, the next call ends it."""
    live(bench)
    bench.sandbox.configure({"cancel_keeps_document": True})
    request = opened(bench, bench.name("wrong"))
    more = {"when": "after"} if kind.endswith("_after") and kind != "lost_after" else {}
    bench.sandbox.fault(kind.removesuffix("_after") if more else kind, method=method, path=path, **more)
    bench.calls()
    try:
        take_back(bench, request)
    except ClmError as exc:
        assert exc.code in ("no_answer", "server_error", "remote_error"), exc.code
    done = take_back(bench, request)
    assert (done["state"], done["change_id"]) == ("cancelled", None)
    is_clean(bench)


def test_a_change_that_vanished_meanwhile_is_told_and_its_edits_put_back(bench: Bench) -> None:
    """W1, cps-protocol §5.5: somebody cancelled it at Control Center; nothing is deleted, names are put back."""
    live(bench)
    bench.sandbox.configure({"cancel_keeps_document": True})
    request = opened(bench, bench.name("wrong"))
    client(bench).cancel_change(request["enrollment_id"], request["change_id"])
    bench.calls()
    done = take_back(bench, request)
    assert writes(bench) == ["PUT enrollments", "DELETE changes"]
    assert done["state"] == "cancelled"
    is_clean(bench)


def test_what_somebody_else_set_meanwhile_stays_and_is_told(bench: Bench) -> None:
    """W1, §8: only what the request itself edited is put back."""
    live(bench)
    bench.sandbox.configure({"cancel_keeps_document": True})
    request = opened(bench, bench.name("wrong"))
    person = client(bench)
    person.cancel_change(request["enrollment_id"], request["change_id"])
    there = person.get_enrollment(request["enrollment_id"]).raw
    body = enrollment_update(there, {"csr": {"sans": [bench.name(), bench.name("theirs")]}})
    theirs = person.update_enrollment(request["enrollment_id"], body).change_ids[-1]
    bench.calls()
    done = take_back(bench, request)
    assert writes(bench) == []
    assert "csr.sans of enrollment" in done["message"] and "set otherwise by somebody else" in done["message"]
    [left] = bench.enrollments()
    assert [change["change_id"] for change in left["pending_changes"]] == [theirs]


def test_a_change_that_somebody_opened_meanwhile_is_waited_for(bench: Bench) -> None:
    """W1, cps-protocol §5.5: what CPS keeps is put back once that one has ended."""
    live(bench)
    bench.sandbox.configure({"cancel_keeps_document": True})
    request = opened(bench, bench.name("wrong"))
    person = client(bench)
    person.cancel_change(request["enrollment_id"], request["change_id"])
    there = person.get_enrollment(request["enrollment_id"]).raw
    number = person.update_enrollment(request["enrollment_id"], enrollment_update(there), force_renewal=True).change_ids
    bench.calls()
    waits = take_back(bench, request)
    assert writes(bench) == []
    assert f"change {number[-1]} is open by now" in waits["message"] and waits["change_id"] == request["change_id"]
    person.cancel_change(request["enrollment_id"], number[-1])
    done = take_back(bench, request)
    assert "is open by now" not in done["message"]
    is_clean(bench)


def test_a_change_that_was_given_its_certificate_elsewhere_is_left_alone(bench: Bench) -> None:
    """W1, cps-protocol §5.5: it is past its CSR; nothing is sent, and the request stays as it is."""
    live(bench)
    request = opened(bench)
    bench.sandbox.configure({"staging_s": 500})
    bench.advance(600)
    person = client(bench)
    [csr] = person.get_csrs(request["enrollment_id"], request["change_id"])
    answer = signing(bench)(csr.pem)
    assert isinstance(answer, Issued)
    certificate = UploadCertificate(answer.bundle.leaf, "".join(answer.bundle.chain), "RSA")
    person.upload_certificates(request["enrollment_id"], request["change_id"], [certificate])
    bench.advance(30)
    bench.calls()
    with pytest.raises(StateError) as caught:
        take_back(bench, request)
    assert caught.value.code == "change_moved_on"
    assert writes(bench) == []


def test_cps_that_refuses_is_asked_again_and_told_in_the_end(bench: Bench) -> None:
    """W5: at one moment it refuses, at the next it does it; refused for good, the same call begins anew."""
    live(bench)
    request = opened(bench, bench.name("wrong"))
    bench.sandbox.fault("conflict", method="DELETE", path=CHANGE, times=2)
    assert take_back(bench, request)["change_id"] is None
    is_clean(bench)
    request = opened(bench, bench.name("again"))
    bench.sandbox.fault("conflict", method="DELETE", path=CHANGE, times=0)
    with pytest.raises(StateError) as caught:
        take_back(bench, request)
    assert caught.value.code == "cancel_refused"
    bench.sandbox.clear_faults()
    assert take_back(bench, request)["change_id"] is None
    is_clean(bench)


def test_a_lost_edit_is_found_and_taken_back(bench: Bench) -> None:
    """W5: the answer to the edit itself was lost; what it opened is looked for, and nothing stays."""
    live(bench)
    bench.sandbox.configure({"csr_s": 500})
    stops = Stops()
    watch(stops)

    def end_after_the_edit(name: str) -> None:
        if "after PUT" in name:
            stops.end()

    with mock.patch.object(stops, "reach", side_effect=end_after_the_edit):
        wanted = Edited.sans(bench.name("wrong"))
        with pytest.raises(Killed), mock.patch.object(stops, "names", ["the edit"]):
            bench.enroll_action("renew", bench.name(), subject_alternative_names=wanted, force=True)
    mock.patch.stopall()
    bench.advance(PAST_LEASES_S)
    with bench.store.read() as unit:
        request = unit.requests.find(certificate_id=bench.name())[-1]
    assert not request.key_reference
    done = take_back(bench, {"request_id": request.request_id})
    assert done["state"] == "cancelled"
    is_clean(bench)


def test_without_waiting_the_same_call_goes_on(bench: Bench) -> None:
    """W1: what CPS has taken and not done is told, and is not sent again."""
    live(bench)
    request = opened(bench, bench.name("wrong"))
    path = f"/enrollments/{request['enrollment_id']}$"
    with bench.store.lease(f"enrollment:edge:{request['enrollment_id']}", 60.0), pytest.raises(ConflictError) as caught:
        take_back(bench, request, wait=False)
    assert caught.value.code == "lease_held", path
    done = take_back(bench, request, wait=False)
    assert (done["state"], done["change_id"]) == ("cancelled", None)
    is_clean(bench)
