# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Certificates taken out of the store alone: nothing is sent, what happened stays on record, a discovery finds them."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.edgecert.clm.plugins.module_utils._core.errors import ConflictError, StateError
from ansible_collections.edgecert.clm.plugins.module_utils._core.plan import Outcome
from ansible_collections.edgecert.clm.tests.support.flow import Bench


def forget(bench: Bench, **changes: Any) -> Outcome:
    """Remove from the store."""
    return bench.push(**{"action": "remove", "remove_from": "store", **changes})


def live(bench: Bench, **changes: Any) -> None:
    """Have a certificate that production serves."""
    bench.issued(**changes)
    assert dict(bench.push(network="production").record or {})["state"] == "completed"
    bench.calls()


def test_a_live_certificate_is_forgotten_without_a_call_and_what_happened_stays(bench: Bench) -> None:
    """U5, W6, cps-protocol §6.6: said beforehand; requests, orders and each audit line are there as before."""
    live(bench, auto_renew={"enabled": True, "days_before": 20})
    before = bench.records()
    plan = bench.plan_push(action="remove", remove_from="store")
    [step] = plan.steps
    assert "stays at CPS as enrollment" in step.sentence and "not renewed by itself any more" in step.sentence
    assert bench.certificates() != []
    outcome = forget(bench, comment="handed over")
    assert (outcome.record, outcome.extra) == (None, {"forgotten": [bench.name()]}) and bench.calls() == []
    after = bench.records()
    changed = {name: (count, after[name]) for name, count in before.items() if after[name] != count}
    assert changed == {
        "certificates": (1, 0),
        "connectors": (1, 0),
        "audit": (before["audit"], before["audit"] + 1),
    }
    with bench.store.read() as unit:
        last = list(unit.audit_rows())[-1].entry
    assert (last.action, last.comment, last.key) == ("certificate_forgotten", "handed over", bench.name())
    assert (last.before or {})["connectors"] == ["app"] and len(bench.enrollments()) == 1
    assert bench.run_due()["failures"] == []


def test_forgetting_again_does_nothing(bench: Bench) -> None:
    """U5."""
    live(bench)
    forget(bench)
    audited = len(bench.audit())
    plan = bench.plan_push(action="remove", remove_from="store")
    assert not plan.changed and plan.finish().extra == {"forgotten": []} and len(bench.audit()) == audited


def test_a_discovery_finds_again_what_still_exists(bench: Bench) -> None:
    """D5: as a discovered certificate; nothing of its enrolment is taken up, and enrolling it says that it exists."""
    live(bench)
    forget(bench)
    with pytest.raises(ConflictError) as caught:
        bench.enroll()
    assert caught.value.code == "enrollment_exists"
    bench.again(discover="full").execute()
    [found] = bench.certificates()
    assert (found["certificate"], found["origin"], found["request_id"]) == (bench.name(), "discovered", "")
    with pytest.raises(StateError) as renewal:
        bench.enroll(action="renew", force=True)
    assert renewal.value.code == "certificate_not_issued"


@pytest.mark.parametrize("sync", ["monitored", "ignored"])
def test_it_is_forgotten_whatever_the_device_is(bench: Bench, sync: str) -> None:
    """D5: nothing is done to the device."""
    live(bench)
    bench.again(cert_sync=sync, discover="none").execute()
    bench.calls()
    assert forget(bench).extra["forgotten"] == [bench.name()] and bench.calls() == []


def test_a_line_goes_with_what_it_followed(bench: Bench) -> None:
    """E3: parents have no line of their own to stay for."""
    live(bench)
    assert dict(bench.enroll(action="renew", force=True).record or {})["state"] == "issued"
    assert dict(bench.push(network="production").record or {})["state"] == "completed"
    with bench.store.read() as unit:
        [parent] = unit.certificates.find(state="superseded")
    assert forget(bench).extra["forgotten"] == [bench.name(), parent.certificate_id]
    assert bench.records()["certificates"] == 0


def test_it_is_refused_while_something_is_open_for_it(bench: Bench) -> None:
    """W5: a request, a work order, and the change of ours that waits at CPS."""
    bench.issued()
    bench.group(approvals={"push": 1})
    order = dict(bench.push().record or {})
    with pytest.raises(StateError) as caught:
        forget(bench)
    assert (caught.value.code, caught.value.details["work_order_id"]) == ("order_open", order["work_order_id"])
    bench.act("tester", "cancel", work_order_id=order["work_order_id"])
    with bench.store.read() as unit:
        [request] = unit.requests.find()
    with pytest.raises(StateError) as pending:
        forget(bench)
    assert pending.value.code == "pending_change"
    assert pending.value.details == {
        "pending": [request.key_reference["change_id"]],
        "request_id": request.request_id,
    }
    bench.advance(5)
    bench.again(discover="changes").execute()
    with pytest.raises(StateError, match="is open at CPS"):
        forget(bench)
    bench.free()
    assert dict(bench.push(action="rollback").record or {})["state"] == "completed"
    assert forget(bench).extra["forgotten"] == [bench.name()]


def test_a_change_that_a_discovery_no_longer_saw_is_not_in_the_way(bench: Bench) -> None:
    """W5: a renewal that somebody cancelled at Control Center."""
    live(bench)
    assert dict(bench.enroll(action="renew", force=True).record or {})["state"] == "issued"
    with pytest.raises(StateError) as caught:
        forget(bench)
    assert caught.value.code == "pending_change"
    with bench.store.read() as unit:
        [device] = unit.devices.find()
        renewal = unit.requests.find(action="renew")[0].key_reference
    bench.ports.target(device).cancel(renewal)
    bench.advance(5)
    bench.again(discover="changes").execute()
    assert len(forget(bench).extra["forgotten"]) == 2


def test_what_was_removed_at_akamai_can_be_forgotten_after(bench: Bench) -> None:
    """U5."""
    live(bench)
    assert dict(bench.push(action="remove").record or {})["state"] == "completed"
    assert forget(bench).extra["forgotten"] == [bench.name()]
    assert dict(bench.enroll().record or {})["state"] == "issued"
