# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Revoking: with the approvals its group asks for, once, in the CA's own words; nothing revoked renews by itself."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timezone
from typing import Any

import pytest

from ansible_collections.edgecert.clm.plugins.module_utils._ca.answer_base import Revocation
from ansible_collections.edgecert.clm.plugins.module_utils._clm import enroll, lineage
from ansible_collections.edgecert.clm.plugins.module_utils._core.errors import (
    InputError,
    NotFoundError,
    StateError,
    TransportError,
)
from ansible_collections.edgecert.clm.tests.support.doubtful_ca import DoubtfulCa
from ansible_collections.edgecert.clm.tests.support.meanwhile import signing
from ansible_collections.edgecert.clm.tests.support.virtual_bench import VirtualBench

NAME = "www.example.com"
AT = datetime(2030, 1, 7, 9, tzinfo=timezone.utc)


@pytest.fixture
def ca(virtual: VirtualBench) -> DoubtfulCa:
    """Have a CA that revokes, and an issued certificate."""
    virtual.prepare()
    made = DoubtfulCa(signing(virtual))
    virtual.use_ca(made)
    virtual.enroll()
    made.calls.clear()
    return made


def plan_of(bench: VirtualBench, **changes: Any) -> Any:
    """Plan a revocation as the module would."""
    return enroll.plan({"action": "revoke", "certificate": NAME, "submit": True, **changes}, bench.ports)


def revoked(bench: VirtualBench, **changes: Any) -> dict[str, Any]:
    """Revoke, and give the request."""
    outcome = plan_of(bench, **changes).execute()
    assert outcome.record is not None
    return dict(outcome.record)


def test_a_certificate_is_revoked_once_and_the_inventory_says_so(virtual: VirtualBench, ca: DoubtfulCa) -> None:
    """Design §4: reason and comment reach the CA; the same call again changes nothing."""
    ca.revocations = [Revocation(at=AT)]
    record = revoked(virtual, reason="key_compromise", comment="laptop lost")
    assert (record["action"], record["state"], record["label"]) == ("revoke", "revoked", "Revoked")
    assert ca.told == [("key_compromise", "laptop lost")] and ca.calls == ["revoke 4711"]
    assert record["ca_progress"]["ECDSA"]["at"] == "2030-01-07T09:00:00Z"
    assert virtual.certificate().state == "revoked"
    again = plan_of(virtual, reason="key_compromise")
    assert not again.changed and again.execute().record["request_id"] == record["request_id"]
    assert ca.calls == ["revoke 4711"] and virtual.store.verify_audit() == []


def test_check_mode_predicts_and_sends_nothing(virtual: VirtualBench, ca: DoubtfulCa) -> None:
    """Check mode."""
    plan = plan_of(virtual)
    assert plan.changed and plan.after["state"] == "revoked" and ca.calls == []
    assert len(virtual.requests()) == 1


def test_a_group_that_asks_for_approval_is_asked(virtual: VirtualBench, ca: DoubtfulCa) -> None:
    """E24: as an enrolment; a rejected one leaves the certificate as it is."""
    virtual.group(approvals={"enroll": 1, "push": 0})
    waiting = revoked(virtual, reason="superseded")
    assert waiting["state"] == "submitted" and ca.calls == []
    virtual.act("bob", "reject", request_id=waiting["request_id"])
    assert virtual.certificate().state == "issued"
    again = revoked(virtual, reason="superseded")
    assert again["request_id"] != waiting["request_id"]
    virtual.act("bob", "approve", request_id=again["request_id"])
    virtual.run_due()
    assert virtual.certificate().state == "revoked" and ca.calls == ["revoke 4711"]


def test_another_reason_voids_nothing_and_is_refused_while_one_is_open(virtual: VirtualBench, ca: DoubtfulCa) -> None:
    """E24: what was approved is what is done."""
    virtual.group(approvals={"enroll": 1, "push": 0})
    revoked(virtual, reason="superseded")
    with pytest.raises(StateError, match="for reason superseded is submitted"):
        plan_of(virtual, reason="key_compromise")
    with pytest.raises(StateError, match="to revoke it is submitted"):
        virtual.enroll(action="renew", force=True)


def test_an_approval_is_bound_to_the_reason(virtual: VirtualBench, ca: DoubtfulCa) -> None:
    """Design §5."""
    virtual.group(approvals={"enroll": 1, "push": 0})
    request_id = revoked(virtual, reason="superseded")["request_id"]
    virtual.act("bob", "approve", request_id=request_id)
    request = virtual.requests()[-1]
    other = {**request.renews["revokes"], "reason": "key_compromise"}
    with virtual.store.write() as unit:
        unit.requests.put(replace(request, renews={**request.renews, "revokes": other}))
    with pytest.raises(StateError, match="what is revoked, or why"):
        virtual.act("bob", "implement", request_id=request_id)
    assert ca.calls == []


def test_a_revocation_that_the_ca_delays_is_asked_for_until_it_is_done(virtual: VirtualBench, ca: DoubtfulCa) -> None:
    """ca-connectors §4.7: revocation_pending; nothing is told twice."""
    pending = Revocation("revocation_pending", message="an administrator approves it", look_again_s=600)
    ca.revocations = [pending, pending, Revocation(at=AT)]
    record = revoked(virtual)
    assert (record["state"], record["message"]) == ("retrieval_in_progress", "an administrator approves it")
    assert virtual.certificate().state == "issued"
    virtual.advance(minutes=11)
    virtual.run_due()
    virtual.advance(minutes=11)
    virtual.run_due()
    assert virtual.certificate().state == "revoked" and ca.calls.count("revoke 4711") == 1


def test_a_lost_answer_is_repeated_by_the_next_run(virtual: VirtualBench, ca: DoubtfulCa) -> None:
    """W5: revoking twice is revoking once."""
    ca.fails["revoke"] = TransportError("no answer", kind="timeout", sent=True)
    with pytest.raises(TransportError):
        revoked(virtual)
    assert virtual.certificate().state == "issued"
    ca.fails.clear()
    assert revoked(virtual)["state"] == "revoked"
    with virtual.store.read() as unit:
        assert all(intent.finished_at for intent in unit.intents.find())


@pytest.mark.parametrize(
    ("changes", "options", "code", "words"),
    [
        ({"revoke_reasons": ()}, {}, "cannot_revoke", "cannot revoke"),
        ({}, {"reason": "aa_compromise"}, "reason_not_taken", "takes unspecified, key_compromise, superseded"),
        ({}, {"reason": "bad mood"}, "invalid_input", "bad mood"),
        ({}, {"key_type": "rsa", "organization": "Other"}, "invalid_input", "key_type goes not with action: revoke"),
        ({}, {"submit": False}, "invalid_input", "no draft"),
    ],
)
def test_what_cannot_be_is_refused_before_anything_is_stored(
    virtual: VirtualBench, ca: DoubtfulCa, changes: dict[str, Any], options: dict[str, Any], code: str, words: str
) -> None:
    """Issue 6: refused where the CA cannot or the reason is not mapped."""
    ca.changes = changes
    with pytest.raises(InputError, match=words) as caught:
        plan_of(virtual, **options)
    assert caught.value.code == code and len(virtual.requests()) == 1 and ca.calls == []


def test_only_what_was_issued_here_and_lives_is_revoked(virtual: VirtualBench, ca: DoubtfulCa) -> None:
    """Names the certificate and what to do."""
    with pytest.raises(NotFoundError):
        plan_of(virtual, certificate="no.example.com")
    certificate = virtual.certificate()
    with virtual.store.write() as unit:
        unit.certificates.put(replace(certificate, request_id=""))
    with pytest.raises(StateError, match="revoke it at its CA"):
        plan_of(virtual)
    blank = virtual.certificate()
    with virtual.store.write() as unit:
        unit.certificates.put(replace(blank, request_id=certificate.request_id))
    virtual.advance(days=500)
    with pytest.raises(StateError, match="it ended") as caught:
        plan_of(virtual)
    assert caught.value.code == "certificate_not_valid"
    with pytest.raises(StateError, match="only a valid certificate can be regenerated") as caught:
        virtual.enroll(action="regenerate")
    assert caught.value.code == "certificate_not_valid"


def test_what_is_live_is_warned_about_and_revoked_all_the_same(virtual: VirtualBench, ca: DoubtfulCa) -> None:
    """Issue 6: the user is told which network serves it."""
    virtual.connector()
    virtual.push()
    certificate = virtual.certificate()
    with virtual.store.write() as unit:
        served = {"fingerprint": certificate.fingerprint}
        unit.certificates.put(replace(certificate, staging=served, production=served))
    plan = plan_of(virtual)
    assert "still served on staging and production" in plan.extra["warnings"][0]
    plan.execute()
    assert virtual.certificate().state == "revoked"


def test_nothing_revoked_renews_by_itself_and_a_person_may_replace_it(virtual: VirtualBench, ca: DoubtfulCa) -> None:
    """E4: only valid certificates regenerate by themselves; the parent stays revoked in the inventory."""
    days = {"enabled": True, "days_before": 30}
    virtual.enroll(auto_renew=days, auto_regenerate=days)
    virtual.live()
    revoked(virtual)
    virtual.advance(days=75)
    assert virtual.run_due()["done"] == [] and len(virtual.requests()) == 2
    parent = lineage.parent_id(virtual.certificate())
    record = virtual.enroll(action="regenerate").record
    assert record is not None and record["state"] == "issued"
    assert virtual.certificate().state == "issued"
    with virtual.store.read() as unit:
        kept = unit.certificates.get(parent)
    assert kept is not None and kept.state == "revoked"


def test_a_superseded_certificate_is_revoked_under_its_own_id(virtual: VirtualBench, ca: DoubtfulCa) -> None:
    """An incident's way: a new key first, pushed, then the old one is revoked."""
    virtual.live()
    parent = lineage.parent_id(virtual.certificate())
    virtual.enroll(action="regenerate", force=True)
    ca.calls.clear()
    assert revoked(virtual, certificate=parent, reason="key_compromise")["state"] == "revoked"
    assert ca.calls == ["revoke 4711"] and virtual.certificate().state == "issued"


def test_a_revoked_certificate_is_not_pushed(virtual: VirtualBench, ca: DoubtfulCa) -> None:
    """U6."""
    virtual.connector()
    revoked(virtual)
    with pytest.raises(StateError, match="it is revoked"):
        virtual.push()


def test_an_enrolment_as_before_changes_nothing_beside_a_revocation(virtual: VirtualBench, ca: DoubtfulCa) -> None:
    """The same task may run every day."""
    revoked(virtual)
    assert virtual.enroll().record is not None
    assert [request.action for request in virtual.requests()] == ["enroll", "revoke"]
    with pytest.raises(InputError, match="reason goes with action: revoke"):
        virtual.enroll(reason="superseded")
    cancelled = virtual.enroll("b.example.com").record
    assert cancelled is not None and cancelled["state"] == "issued"


def test_a_cancelled_revocation_stops_no_renewal(virtual: VirtualBench, ca: DoubtfulCa) -> None:
    """W5: what came to nothing is no failed renewal."""
    virtual.enroll(auto_renew={"enabled": True, "days_before": 30})
    virtual.live()
    virtual.group(approvals={"enroll": 1, "push": 0})
    request_id = revoked(virtual)["request_id"]
    record = virtual.act("bob", "cancel", request_id=request_id).record
    assert record is not None and record["state"] == "cancelled" and "told to revoke" not in record["message"]
    virtual.group(approvals={"push": 0})
    virtual.advance(days=75)
    done = virtual.run_due()
    assert not done["failures"] and any(entry["kind"] == "renewals" for entry in done["done"])


def cancelled(bench: VirtualBench) -> str:
    """Cancel the last request; give what it says."""
    record = bench.act("bob", "cancel", request_id=bench.requests()[-1].request_id).record
    assert record is not None and record["state"] == "cancelled"
    return str(record["message"])


def test_a_cancelled_revocation_whose_answer_was_lost_says_so(virtual: VirtualBench, ca: DoubtfulCa) -> None:
    """W5: it may be revoked, and nobody is told that nothing was sent."""
    ca.fails["revoke"] = TransportError("no answer", kind="timeout", sent=True)
    with pytest.raises(TransportError):
        revoked(virtual)
    assert virtual.requests()[-1].ca_progress == {}
    assert "CA account house may have been told to revoke the ECDSA certificate" in cancelled(virtual)


def test_a_revocation_cancelled_half_way_names_what_is_revoked(virtual: VirtualBench, ca: DoubtfulCa) -> None:
    """W5: of two certificates one is revoked, one is waited for."""
    issued = virtual.requests()[-1]
    two = {"RSA": issued.fingerprints["ECDSA"], **issued.fingerprints}
    with virtual.store.write() as unit:
        handles = {"RSA": {"order_id": "4710"}, **issued.ca_handles}
        unit.requests.put(replace(issued, fingerprints=two, ca_handles=handles))
    pending = Revocation("revocation_pending", message="a person approves it", look_again_s=600)
    ca.revocations = [pending, Revocation(at=AT), pending]
    revoked(virtual)
    message = cancelled(virtual)
    assert "has revoked the RSA certificate" in message and "told to revoke the ECDSA certificate" in message


def renewed_on_staging(bench: VirtualBench) -> tuple[str, str]:
    """Have a live certificate followed by another one on staging; give the ids both are set aside under."""
    bench.live()
    parent = lineage.parent_id(bench.certificate())
    bench.enroll(action="regenerate", force=True)
    bench.push()
    return parent, lineage.parent_id(bench.certificate())


def rolled_back(bench: VirtualBench) -> None:
    """Take the push back."""
    record = bench.push(action="rollback").record
    assert record is not None and record["state"] == "completed"


def state_of(bench: VirtualBench, certificate_id: str) -> str:
    """Give a line's state."""
    return bench.certificate(certificate_id).state


def test_a_rollback_to_what_is_revoked_leaves_it_revoked(virtual: VirtualBench, ca: DoubtfulCa) -> None:
    """U5, U6: it is neither pushed nor renewed by itself."""
    parent, successor = renewed_on_staging(virtual)
    revoked(virtual, certificate=parent)
    rolled_back(virtual)
    assert lineage.parent_id(virtual.certificate()) == parent
    assert (state_of(virtual, NAME), state_of(virtual, successor)) == ("revoked", "superseded")
    with pytest.raises(StateError, match="it is revoked"):
        virtual.push()
    before = len(virtual.requests())
    virtual.advance(days=40)
    virtual.run_due()
    assert len(virtual.requests()) == before


def test_what_is_revoked_on_staging_is_rolled_back_and_stays_revoked(virtual: VirtualBench, ca: DoubtfulCa) -> None:
    """U5: the way out of an incident; the line goes on with what production serves, which lives."""
    parent, successor = renewed_on_staging(virtual)
    revoked(virtual, reason="key_compromise")
    rolled_back(virtual)
    assert lineage.parent_id(virtual.certificate()) == parent
    assert (state_of(virtual, NAME), state_of(virtual, successor)) == ("issued", "revoked")
    with virtual.store.read() as unit:
        assert unit.certificates.get(parent) is None


@pytest.mark.parametrize("which", ["parent", "successor"])
def test_a_rollback_while_a_revocation_is_pending_hides_it_from_nobody(
    virtual: VirtualBench, ca: DoubtfulCa, which: str
) -> None:
    """ca-connectors §4.7: what the CA revokes in the end is shown as such under the id that it has by then."""
    parent, successor = renewed_on_staging(virtual)
    ca.revocations = [Revocation("revocation_pending", message="a person approves it", look_again_s=600)]
    revoked(virtual, certificate=parent if which == "parent" else NAME)
    rolled_back(virtual)
    ca.revocations = [Revocation(at=AT)]
    virtual.advance(hours=1)
    virtual.run_due()
    states = (state_of(virtual, NAME), state_of(virtual, successor))
    assert states == (("revoked", "superseded") if which == "parent" else ("issued", "revoked"))
