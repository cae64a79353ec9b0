# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A push to staging alone in the last days of what is live: CPS would put it on production by itself (U2)."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from ansible_collections.edgecert.clm.plugins.module_utils._clm import attention, attention_served, last_moment
from ansible_collections.edgecert.clm.plugins.module_utils._core.clock import from_text, to_text
from ansible_collections.edgecert.clm.plugins.module_utils._core.errors import PolicyError
from ansible_collections.edgecert.clm.plugins.module_utils._core.types import WorkOrder
from ansible_collections.edgecert.clm.tests.support.virtual import Enrollment
from ansible_collections.edgecert.clm.tests.support.virtual_bench import VirtualBench

WWW = "www.example.com"
LAST_SAFE = timedelta(days=7) + last_moment.STAGING_TAKES


def renewed(virtual: VirtualBench) -> tuple[Enrollment, datetime]:
    """Have a renewed certificate that waits to be pushed, and its predecessor live; gives when that ends."""
    virtual.prepare()
    virtual.live(WWW)
    virtual.advance(days=20)
    virtual.enroll(action="renew", certificate=WWW, force=True)
    [enrollment] = virtual.cps.enrollments.values()
    shown = {name: value for name, value in enrollment.production.items() if name != "ends"}
    with virtual.store.write() as unit:
        certificate = unit.certificates.get(WWW)
        assert certificate is not None
        # As a discovery keeps it.
        unit.certificates.put(replace(certificate, production=shown))
    return enrollment, from_text(shown["not_after"])


def at(virtual: VirtualBench, moment: datetime) -> None:
    virtual.clock.moment = moment
    virtual.cps.settle()


def newest(virtual: VirtualBench) -> WorkOrder:
    return virtual.orders()[-1]


def uploads(virtual: VirtualBench) -> int:
    return virtual.cps.calls["upload"]


def test_a_push_to_staging_is_taken_as_long_as_it_can_be_held_back_and_no_longer(virtual: VirtualBench) -> None:
    """U2, design section 5, cps-protocol §3.4: nothing is sent or recorded of one that comes too late."""
    _enrollment, ends = renewed(virtual)
    before, sent = len(virtual.orders()), uploads(virtual)
    at(virtual, ends - LAST_SAFE)
    with pytest.raises(PolicyError, match="CPS puts on production by itself") as caught:
        virtual.push()
    assert caught.value.code == "too_late_for_staging"
    assert caught.value.details == {"live_until": to_text(ends), "last_safe_at": to_text(ends - timedelta(days=7))}
    assert (len(virtual.orders()), uploads(virtual)) == (before, sent)
    at(virtual, ends - LAST_SAFE - timedelta(seconds=1))
    record = dict(virtual.push().record or {})
    assert record["state"] == "completed" and record["last_safe_at"] == to_text(ends)


def test_a_push_to_production_in_the_last_days_goes_through(virtual: VirtualBench) -> None:
    """U3+: what CPS would do by itself is what is asked for."""
    enrollment, ends = renewed(virtual)
    at(virtual, ends - timedelta(days=3))
    record = dict(virtual.push(network="production", wait_timeout=4 * 3600).record or {})
    assert record["state"] == "completed"
    assert enrollment.production["fingerprint"] in newest(virtual).fingerprints.values()


def test_a_time_that_is_too_late_for_staging_is_refused_wherever_it_is_set(virtual: VirtualBench) -> None:
    """U2, W2: with the push, by another call, by schedule, and by an approval that counts from then on only."""
    _enrollment, ends = renewed(virtual)
    virtual.group(approvals={"push": 1, "valid_hours": 2160})
    late, early = to_text(ends - timedelta(days=3)), to_text(ends - timedelta(days=9))
    with pytest.raises(PolicyError) as new:
        virtual.push(schedule_at=late)
    virtual.push(schedule_at=early)
    number = newest(virtual).work_order_id
    with pytest.raises(PolicyError) as another:
        virtual.push(schedule_at=late)
    with pytest.raises(PolicyError) as approved:
        virtual.act("bob", "approve", work_order_id=number, at=late)
    assert newest(virtual).approvals == ()
    virtual.act("bob", "approve", work_order_id=number)
    with pytest.raises(PolicyError) as scheduled:
        virtual.act("tester", "schedule", work_order_id=number, at=late)
    assert {one.value.code for one in (new, another, approved, scheduled)} == {"too_late_for_staging"}
    assert newest(virtual).scheduled_at == from_text(early)


def test_an_order_that_was_left_until_it_is_too_late_ends_and_is_not_sent(virtual: VirtualBench) -> None:
    """U2, W4: scheduled in time and not run in time: it is over, once, with the reason, and a new one goes on."""
    _enrollment, ends = renewed(virtual)
    virtual.push(schedule_at=to_text(ends - timedelta(days=9)))
    sent = uploads(virtual)
    at(virtual, ends - timedelta(days=3))
    told = virtual.run_due(fail=False)
    assert [one["reason"] for one in told["failures"]] == ["too_late_for_staging"]
    order = newest(virtual)
    assert (order.state, order.reason) == ("cancelled", "too_late_for_staging")
    assert "network: production" in order.message
    assert virtual.run_due(fail=False)["failures"] == [] and uploads(virtual) == sent
    assert dict(virtual.push(network="production").record or {})["state"] != "cancelled"


def test_a_renewal_that_is_pushed_by_itself_is_late_and_goes_on(virtual: VirtualBench) -> None:
    """A5: nobody said staging only, and what is live would end."""
    virtual.prepare(push_automatically=True)
    virtual.live(WWW, auto_renew={"enabled": True})
    [enrollment] = virtual.cps.enrollments.values()
    ends: datetime = enrollment.production["ends"]
    at(virtual, ends - timedelta(days=3))
    virtual.run_until_quiet(hours=6)
    order = newest(virtual)
    assert (order.state, order.is_automatic, order.reason) == ("completed", True, "")
    virtual.advance(hours=2)
    assert enrollment.production["ends"] > ends


def test_what_came_to_production_all_the_same_is_said_and_told(virtual: VirtualBench) -> None:
    """U2: the store did not know what is live, or somebody let it go on: the order says where its certificate is."""
    enrollment, ends = renewed(virtual)
    at(virtual, ends - timedelta(days=10))
    virtual.push(wait=False)
    # Nobody looks until CPS has passed its deadline with it.
    at(virtual, ends - timedelta(days=3))
    virtual.run_until_quiet(hours=6)
    order = newest(virtual)
    assert enrollment.production["fingerprint"] in order.fingerprints.values()
    assert (order.state, order.network, order.reason) == ("completed", "staging", "reached_production")
    assert "though a push to staging only was asked for" in order.message and order.last_safe_at is None
    with virtual.store.read() as unit:
        found = [one for one in attention.collect(unit, virtual.clock.now()) if one.reason == "reached_production"]
    assert [(one.severity, one.work_order_id) for one in found] == [("critical", order.work_order_id)]
    assert order.message in found[0].message
    virtual.clock.moment += attention_served.REMEMBERED
    with virtual.store.read() as unit:
        assert "reached_production" not in [one.reason for one in attention.collect(unit, virtual.clock.now())]
