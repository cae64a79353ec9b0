# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Others act at CPS while a certificate is on its way: what they did is adopted or yielded to, never undone."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from ansible_collections.edgecert.clm.plugins.module_utils._core.clock import to_text
from ansible_collections.edgecert.clm.plugins.module_utils._core.errors import ClmError, RemoteError, StateError
from ansible_collections.edgecert.clm.plugins.module_utils._cps import changes
from ansible_collections.edgecert.clm.plugins.module_utils._cps.client import CpsClient
from ansible_collections.edgecert.clm.tests.support.flow import Bench
from ansible_collections.edgecert.clm.tests.support.meanwhile import (
    ALLOWED,
    WARNING,
    Elsewhere,
    just_before,
    open_intents,
    writes,
)

# As CPS is at its slowest: everything given shows its old state for long, and waits for input without naming it.
SLUGGISH = {"lag_s": 100, "empty_input_s": 60, "csr_s": 200, "verify_s": 150, "staging_s": 600, "production_s": 600}
WARNED = {"pre_verification_warnings": [WARNING], "post_verification_warnings": [WARNING]}
ONCE = {
    "POST enrollment": 1,
    "POST pre-verification-warnings-ack": 1,
    "POST third-party-cert-and-trust-chain": 1,
    "POST post-verification-warnings-ack": 1,
    "POST change-management-ack": 1,
}
RENEWED = {**{name: count for name, count in ONCE.items() if name != "POST enrollment"}, "PUT enrollment": 1}


def to(bench: Bench, network: str, **changes: Any) -> dict[str, Any]:
    """Push to a network, or go on; give the work order."""
    outcome = bench.push(network=network, **{"wait_timeout": 20_000, **changes})
    assert outcome.record is not None
    return dict(outcome.record)


def live(bench: Bench) -> dict[str, Any]:
    """Have a certificate on production, and a renewal that is issued; give its request."""
    bench.issued()
    assert to(bench, "production")["state"] == "completed"
    record = bench.enroll(action="renew", force=True).record
    assert record is not None and record["state"] == "issued"
    writes(bench)
    return dict(record)


# -- CPS as it is ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("engine", [{"strange_words": True}, SLUGGISH, {**SLUGGISH, "strange_words": True}])
@pytest.mark.parametrize("patience", [20_000, 0], ids=["waiting", "in-steps"])
def test_the_whole_way_is_gone_by_state_and_input_whatever_cps_calls_it_and_however_late_it_shows_it(
    bench: Bench, engine: dict[str, Any], patience: int
) -> None:
    """U1 to U3+, cps-protocol §3.1 and §3.3: each input is given once, though its old state is shown long after."""
    bench.sandbox.configure({**WARNED, **engine})
    bench.prepare()
    bench.group(warnings=ALLOWED)
    wait = {"wait": bool(patience), "wait_timeout": patience}

    def until(state: str, work: Callable[[], Any]) -> None:
        for _call in range(1000):
            try:
                if work().record["state"] == state:
                    return
            except ClmError as exc:
                # Production serves it, and CPS still has the change open for its last look.
                assert exc.code == "change_pending", exc
            bench.advance(45)
        raise AssertionError(f"never {state}: {work().record}")

    writes(bench)
    until("issued", lambda: bench.enroll(**wait))
    bench.connector()
    until("completed", lambda: bench.push(network="production", **wait))
    assert writes(bench) == ONCE
    until("issued", lambda: bench.enroll(action="renew", force=not bench.renewals(), **wait))
    until("completed", lambda: bench.push(network="production", **wait))
    assert writes(bench) == RENEWED and open_intents(bench) == []


# -- an input that somebody else gives between look and post -----------------------------------------------------------


@pytest.mark.parametrize("kind", [changes.PRE_WARNINGS, changes.POST_WARNINGS, changes.CHANGE_MANAGEMENT])
def test_an_input_that_a_person_gives_just_before_is_adopted(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, kind: changes.InputKind
) -> None:
    """U2, U3+, cps-protocol §5.5: every step tolerates that it is done already."""
    bench.sandbox.configure(WARNED)
    bench.prepare()
    bench.group(warnings=ALLOWED)
    met = just_before(monkeypatch, bench, kind)
    record = bench.enroll().record
    assert record is not None and record["state"] == "issued"
    bench.connector()
    assert to(bench, "production")["state"] == "completed"
    assert met == [kind.update] and open_intents(bench) == []


def test_a_certificate_that_a_person_uploads_just_before_is_yielded_to(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """U2: ours is refused by CPS; the next run sees what is there, and acknowledges nothing for it."""
    bench.sandbox.configure({"post_verification_warnings": [WARNING]})
    bench.issued()
    bench.group(warnings=ALLOWED)
    other = Elsewhere(bench)
    plain = CpsClient.upload_certificates

    def upload(client: CpsClient, *arguments: Any) -> int:
        monkeypatch.setattr(CpsClient, "upload_certificates", plain)
        other.upload()
        return plain(client, *arguments)

    monkeypatch.setattr(CpsClient, "upload_certificates", upload)
    with pytest.raises(RemoteError) as caught:
        bench.push()
    assert caught.value.code == "conflict" and caught.value.retryable
    writes(bench)
    bench.advance(300)
    order = to(bench, "staging", wait_timeout=60)
    assert (order["state"], order["reason"]) == ("needs_decision", "uploaded_elsewhere"), order
    assert "Control Center" in order["message"] and writes(bench) == {}
    other.acknowledge(changes.POST_WARNINGS)
    with pytest.raises(StateError) as ended:
        to(bench, "staging")
    assert ended.value.code == "deployed_otherwise" and writes(bench)["DELETE change"] == 0


def test_warnings_about_a_certificate_that_was_not_uploaded_here_are_not_acknowledged(bench: Bench) -> None:
    """U2: they are about something else than what was approved."""
    bench.sandbox.configure({"post_verification_warnings": [WARNING]})
    bench.issued()
    bench.group(warnings=ALLOWED)
    other = Elsewhere(bench)
    other.upload()
    bench.advance(60)
    writes(bench)
    order = to(bench, "staging", wait_timeout=60)
    assert (order["state"], order["reason"]) == ("needs_decision", "uploaded_elsewhere")
    report = bench.run_due()
    assert report["failures"] == [] and writes(bench) == {}
    other.cancel()
    with pytest.raises(StateError) as ended:
        to(bench, "staging")
    assert ended.value.code in ("no_open_change", "change_failed")


# -- changes that others cancel, reschedule or replace -----------------------------------------------------------------


@pytest.mark.parametrize("stage", ["wants_certificate", "wants_decision", "on_staging", "held_back"])
def test_a_change_that_is_cancelled_elsewhere_ends_the_push_and_the_next_renewal_goes_all_the_way(
    bench: Bench, stage: str
) -> None:
    """U2, U5, cps-protocol §5.5: production keeps what it has, and nothing is cancelled from here."""
    live(bench)
    other = Elsewhere(bench)
    bench.sandbox.configure({"post_verification_warnings": [WARNING]})
    if stage == "wants_certificate":
        bench.group(approvals={"push": 1})
        to(bench, "production")
    elif stage == "wants_decision":
        assert to(bench, "production")["state"] == "needs_decision"
    else:
        bench.group(warnings=ALLOWED)
        to(bench, "staging")
        if stage == "on_staging":
            to(bench, "production", edge={"staging": ["127.0.0.1:1"]}, wait_timeout=60)
    other.cancel()
    writes(bench)
    bench.group(approvals={"push": 0}, warnings=ALLOWED)
    bench.advance(300)
    report = bench.run_due(fail=False)
    assert "internal_error" not in {entry["reason"] for entry in report["failures"]}
    with pytest.raises(ClmError) as caught:
        for _again in range(2):
            to(bench, "production")
    assert caught.value.code in ("no_open_change", "change_failed", "work_order_obsolete"), caught.value
    assert "cert_enroll" in caught.value.message or "Control Center" in caught.value.message
    assert writes(bench) == {} and open_intents(bench) == []
    record = bench.enroll(action="renew", force=True).record
    assert record is not None and record["state"] == "issued"
    assert to(bench, "production")["state"] == "completed"


@pytest.mark.parametrize("stage", ["wants_certificate", "on_staging"])
def test_a_change_that_another_tool_replaced_is_yielded_to(bench: Bench, stage: str) -> None:
    """U2, cps-protocol §5.5: its change gets none of our certificates, and is not cancelled."""
    live(bench)
    if stage == "on_staging":
        to(bench, "staging")
    other = Elsewhere(bench)
    theirs = other.put(force_renewal=True, allow_cancel_pending_changes=True)
    assert theirs != other.change_id
    writes(bench)
    bench.advance(300)
    with pytest.raises(ClmError) as caught:
        to(bench, "production")
    assert caught.value.code in ("no_open_change", "change_failed") and writes(bench) == {}
    assert other.open_changes() == [theirs]
    # The renewal that is open now has a CSR that nobody was handed: it is adopted.
    record = bench.enroll(action="renew", force=True).record
    assert record is not None and record["state"] == "issued" and record["change_id"] == theirs
    assert to(bench, "production")["state"] == "completed"
    assert writes(bench)["PUT enrollment"] == 0


def test_a_network_change_of_another_tool_is_waited_for_and_never_cancelled(bench: Bench) -> None:
    """E3, cps-protocol §3.7: told by its number, with what can be done; afterwards the renewal goes on."""
    bench.issued()
    assert to(bench, "production")["state"] == "completed"
    other = Elsewhere(bench)
    theirs = other.put(edit=lambda body: body["networkConfiguration"].update(quicEnabled=True))
    writes(bench)
    with pytest.raises(ClmError) as caught:
        bench.enroll(action="renew", force=True)
    assert caught.value.code == "change_pending" and str(theirs) in caught.value.message
    assert writes(bench) == {} and other.open_changes() == [theirs]
    other.change_id = theirs
    bench.advance(300)
    other.acknowledge(changes.CHANGE_MANAGEMENT)
    bench.advance(300)
    record = bench.enroll(action="renew", force=True).record
    assert record is not None and record["state"] == "issued"


def test_a_renewal_that_cps_opened_by_itself_is_adopted(bench: Bench) -> None:
    """E3, cps-protocol §3.7: no second change beside it."""
    bench.issued(validity={"count": 90, "unit": "days"})
    assert to(bench, "production")["state"] == "completed"
    bench.advance(61 * 86_400)
    [theirs] = Elsewhere(bench).open_changes()
    writes(bench)
    record = bench.enroll(action="renew", force=True).record
    assert record is not None and record["state"] == "issued" and record["change_id"] == theirs
    assert writes(bench)["PUT enrollment"] == 0


def test_a_date_that_is_set_at_control_center_after_the_acknowledgement_is_told_and_waited_for(bench: Bench) -> None:
    """U3+: whoever set it had a reason."""
    live(bench)
    to(bench, "staging")
    other = Elsewhere(bench)
    at = bench.clock.now() + timedelta(days=1)
    other.schedule(at)
    writes(bench)
    order = to(bench, "production", wait_timeout=600)
    assert order["state"] == "deploying_production" and "date that is set there" in order["message"], order
    assert writes(bench) == {"POST change-management-ack": 1}
    bench.advance(86_400)
    assert to(bench, "production")["state"] == "completed" and writes(bench) == {}


@pytest.mark.parametrize("is_strange", [False, True], ids=["known words", "unknown words"])
@pytest.mark.parametrize("is_lost", [False, True], ids=["at Control Center", "by a run whose answer was lost"])
def test_what_was_acknowledged_while_a_date_of_ours_holds_it_back_is_let_go(
    bench: Bench, is_lost: bool, is_strange: bool
) -> None:
    """U3+, W5: a push to staging set the date; who wants it on production gets it there."""
    live(bench)
    bench.sandbox.configure({"strange_words": is_strange})
    assert "held back" in to(bench, "staging")["message"]
    if is_lost:
        bench.sandbox.fault("lost_after", method="POST", path="change-management-ack")
        with pytest.raises(RemoteError):
            to(bench, "production")
    else:
        Elsewhere(bench).acknowledge(changes.CHANGE_MANAGEMENT)
    writes(bench)
    bench.advance(300)
    assert to(bench, "production")["state"] == "completed"
    assert writes(bench) == {"PUT deployment-schedule": 1}
    assert open_intents(bench) == []


def test_a_push_to_staging_that_could_not_be_held_back_stays_open_until_it_is(bench: Bench) -> None:
    """U2, cps-protocol §3.4: a call that failed says nothing of the date; CPS would go on by itself."""
    live(bench)
    bench.sandbox.fault("server_error", status=503, method="PUT", path="deployment-schedule", times=0)
    with pytest.raises(RemoteError):
        to(bench, "staging")
    bench.sandbox.clear_faults()
    bench.advance(300)
    order = to(bench, "staging")
    assert order["state"] == "completed" and "held back" in order["message"]


def test_a_change_that_is_listed_and_not_found_is_looked_at_again(bench: Bench) -> None:
    """W5, cps-protocol §5.2: one 404 alone ends nothing."""
    bench.issued()
    bench.sandbox.fault("not_found", method="GET", path=r"/changes/\d+$", times=3)
    order = to(bench, "staging")
    assert order["state"] == "completed"


def test_what_cps_answers_without_a_hash_is_not_acknowledged(bench: Bench) -> None:
    """U3+: an acknowledgement without a hash would be one for whatever is there."""
    bench.issued()
    to(bench, "staging")
    writes(bench)
    bench.sandbox.fault("other_json", method="GET", path="change-management-info", times=0)
    with pytest.raises(RemoteError) as caught:
        to(bench, "production")
    assert caught.value.code == "unreadable_answer" and writes(bench) == {}
    bench.sandbox.clear_faults()
    assert to(bench, "production")["state"] == "completed"


def test_what_is_deployed_elsewhere_is_no_reason_to_say_that_all_is_gone(bench: Bench) -> None:
    """U5, D7: an answer that tells of no network says nothing about what they serve."""
    live(bench)
    to(bench, "staging")
    bench.sandbox.fault("other_json", method="GET", path="/deployments$", times=0)
    with pytest.raises(RemoteError) as caught:
        bench.push(action="rollback")
    assert caught.value.code == "unreadable_answer"
    bench.sandbox.clear_faults()
    rolled_back = bench.push(action="rollback").record
    assert rolled_back is not None and rolled_back["state"] == "completed"
    with bench.store.read() as unit:
        stored = unit.certificates.get(bench.name())
    assert stored is not None and stored.state == "issued"
    assert replace(stored, production={}) != stored


def test_an_acknowledgement_for_a_date_whose_answer_was_lost_is_on_record_and_waited_for(bench: Bench) -> None:
    """U3+, W5: CPS took it and waits for the date; it is not asked a second time, and the date stays."""
    live(bench)
    at = (bench.clock.now() + timedelta(days=2)).replace(microsecond=0)
    bench.sandbox.fault("lost_after", method="POST", path="change-management-ack")
    with pytest.raises(RemoteError):
        to(bench, "production", deploy_not_before=to_text(at))
    writes(bench)
    bench.advance(300)
    order = to(bench, "production", wait_timeout=600)
    assert order["state"] == "deploying_production" and to_text(at) in order["message"], order
    assert "production_acknowledged" in bench.audit() and open_intents(bench) == []
    bench.advance(2 * 86_400)
    assert to(bench, "production")["state"] == "completed" and writes(bench) == {}
