# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What needs attention in flows as they are, over the sandbox: everything told of was done, nothing is put in."""

from __future__ import annotations

import pytest

from ansible_collections.edgecert.clm.plugins.module_utils._ca.answer_base import Revocation
from ansible_collections.edgecert.clm.plugins.module_utils._clm import attention, queries
from ansible_collections.edgecert.clm.plugins.module_utils._clm.attention_records import Attention
from ansible_collections.edgecert.clm.plugins.module_utils._core.clock import from_text
from ansible_collections.edgecert.clm.plugins.module_utils._core.errors import ClmError
from ansible_collections.edgecert.clm.tests.support.doubtful_ca import DoubtfulCa
from ansible_collections.edgecert.clm.tests.support.flow import Bench
from ansible_collections.edgecert.clm.tests.support.meanwhile import ALLOWED, WARNING, Elsewhere, signing
from ansible_collections.edgecert.clm.tests.support.sandbox_client import ApiClient

DAY_S = 86_400


def told(bench: Bench) -> list[str]:
    """Give what needs attention now, as ``severity kind reason``."""
    return [f"{one.severity} {one.kind} {one.reason}".strip() for one in looked(bench)]


def looked(bench: Bench) -> list[Attention]:
    with bench.store.read() as unit:
        return attention.collect(unit, bench.clock.now())


def live(bench: Bench, days: int = 90) -> None:
    """Have a certificate on production."""
    bench.issued(validity={"count": days, "unit": "days"})
    record = bench.push(network="production").record
    assert record is not None and record["state"] == "completed"
    assert told(bench) == []


def test_an_approval_is_asked_for_level_by_level_and_its_end_is_told_before(bench: Bench) -> None:
    """W2: what waits, who may not, and that the ones given expire."""
    bench.issued()
    bench.group(approvals={"push": 2, "valid_hours": 24})
    record = bench.push().record
    assert record is not None
    [first] = looked(bench)
    assert (first.kind, first.work_order_id) == ("awaiting_approval", record["work_order_id"])
    assert first.may_not_act == ("tester",)
    bench.act("bob", "approve", work_order_id=record["work_order_id"])
    [second] = looked(bench)
    assert (second.event_id, second.may_not_act) == (first.event_id, ("bob", "tester"))
    bench.clock.sleep(19 * 3600)
    assert told(bench) == ["warning approval_deadline_near approvals_expire", "info awaiting_approval"]
    bench.act("carol", "approve", work_order_id=record["work_order_id"])
    assert told(bench) == []


def test_a_warning_that_the_policy_asks_about_waits_for_a_decision(bench: Bench) -> None:
    """U2: until it is allowed."""
    bench.issued()
    bench.sandbox.configure({"post_verification_warnings": [WARNING]})
    bench.push()
    [one] = looked(bench)
    assert (one.kind, one.who) == ("awaiting_decision", "requester")
    assert "nobody has seen before" in one.message
    bench.push(warnings=ALLOWED)
    assert told(bench) == []


def test_a_change_of_another_tool_is_told_of_after_a_discovery_and_one_of_ours_is_not(bench: Bench) -> None:
    """D7: as long as it is open."""
    live(bench)
    other = Elsewhere(bench)
    [change] = [other.put(edit=lambda body: body["networkConfiguration"].update(quicEnabled=True))]
    bench.again().execute()
    assert told(bench) == ["warning foreign_change not_ours"]
    assert f"change {change} (modify-certificate)" in looked(bench)[0].message
    other.client.cancel_change(other.enrollment_id, change)
    bench.advance(60)
    bench.again().execute()
    assert told(bench) == []


def test_a_renewal_that_cps_opened_is_no_fault_and_gone_when_it_is_gone_on_with(bench: Bench) -> None:
    """E3, cps-protocol §3.7."""
    live(bench)
    bench.advance(61 * DAY_S)
    bench.again().execute()
    assert told(bench) == ["warning expiring", "info foreign_change renewal_of_cps"]
    bench.enroll(action="renew", force=True)
    [left] = looked(bench)
    assert (left.kind, left.todo.startswith("push it to production")) == ("expiring", True)
    bench.push(network="production")
    bench.again().execute()
    assert told(bench) == []


def test_what_is_on_staging_alone_is_told_of_before_what_is_live_ends(bench: Bench) -> None:
    """U2+: it is held back until then, and somebody has to push it."""
    live(bench)
    bench.advance(60 * DAY_S + 3600)
    bench.enroll(action="renew", force=True)
    record = bench.push().record
    assert record is not None and record["state"] == "completed" and record["last_safe_at"]
    [early] = looked(bench)
    assert (early.kind, early.severity) == ("expiring", "warning")
    bench.clock.sleep((from_text(record["last_safe_at"]) - bench.clock.now()).total_seconds() - 2 * DAY_S)
    assert told(bench) == ["critical expiring", "warning approval_deadline_near held_on_staging"]


def test_what_another_tool_removed_has_vanished_and_what_was_removed_from_here_has_not(bench: Bench) -> None:
    """D7, U5."""
    live(bench)
    enrollment_id = Elsewhere(bench).enrollment_id
    path = f"/cps/v2/enrollments/{enrollment_id}?allow-cancel-pending-changes=true"
    assert ApiClient(bench.sandbox).call("DELETE", path, "enrollment-status.v1").status_code in (200, 202)
    bench.advance(3600)
    bench.again().execute()
    assert told(bench) == ["warning vanished not_listed"]


def test_a_removal_from_here_needs_no_attention(bench: Bench) -> None:
    """U5."""
    live(bench)
    record = bench.push(action="remove", wait_timeout=20_000).record
    assert record is not None and record["state"] == "completed"
    bench.again().execute()
    assert told(bench) == []


def test_a_revoked_certificate_is_critical_as_long_as_production_serves_it(bench: Bench) -> None:
    """E2, W5: until its successor is there."""
    ca = DoubtfulCa(signing(bench))
    bench.use_ca(ca)
    live(bench)
    ca.revocations = [Revocation(at=bench.clock.now())]
    bench.enroll_action("revoke", bench.name(), reason="key_compromise")
    assert told(bench) == ["critical revoked revoked"]
    bench.enroll(action="regenerate", force=True)
    assert told(bench) == ["critical revoked revoked"]
    bench.push(network="production")
    assert told(bench) == []


def test_a_device_that_refuses_is_told_of_until_it_answers(bench: Bench) -> None:
    """D8, D9."""
    bench.prepare()
    bench.sandbox.fault("unauthorized", path="identifiers", times=0)
    with pytest.raises(ClmError):
        bench.again().execute()
    assert told(bench) == ["critical device_failed device_failed"]
    bench.sandbox.clear_faults()
    bench.again().execute()
    assert told(bench) == []


def test_a_push_that_failed_is_told_of_until_another_one_is_made(bench: Bench) -> None:
    """W5: the newest order counts."""
    live(bench)
    bench.enroll(action="renew", force=True)
    bench.sandbox.configure({"post_verification_warnings": [WARNING]})
    bench.push()
    Elsewhere(bench).cancel()
    with pytest.raises(ClmError):
        bench.push()
    [one] = looked(bench)
    assert (one.kind, one.who, one.reason) == ("failed", "requester", "no_open_change")
    plan = queries.plan_certificates({"view": "attention", "kinds": ["failed"]}, bench.ports)
    assert [shown["event_id"] for shown in plan.extra["attention"]] == [one.event_id]
    bench.sandbox.configure({"post_verification_warnings": []})
    bench.enroll(action="renew", force=True)
    bench.push(network="production")
    assert told(bench) == []
