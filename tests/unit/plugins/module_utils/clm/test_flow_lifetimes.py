# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The limits of public trust by date: at submission, for a date to come, and again when the order is placed (E15)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta, timezone
from typing import Any

import pytest

from ansible_collections.edgecert.clm.plugins.module_utils._ca.answer_base import Answer, Pending
from ansible_collections.edgecert.clm.plugins.module_utils._ca.base import Order
from ansible_collections.edgecert.clm.plugins.module_utils._ca.capability_base import Capabilities
from ansible_collections.edgecert.clm.plugins.module_utils._clm import lifetimes
from ansible_collections.edgecert.clm.plugins.module_utils._core import validity
from ansible_collections.edgecert.clm.plugins.module_utils._core.clock import to_text
from ansible_collections.edgecert.clm.plugins.module_utils._core.errors import InputError, StateError
from ansible_collections.edgecert.clm.tests.support.flow import Bench, StubCa

PUBLIC = Capabilities(is_public=True, is_immediate=False)
PRIVATE = replace(PUBLIC, is_public=False)
_DAY = timedelta(days=1)


class PublicCa(StubCa):
    """A publicly trusted CA where a person signs.

    :ivar asked: days of each order.
    """

    def __init__(self) -> None:
        super().__init__(lambda csr: Pending({"csr": csr}, "a person signs", 60.0), immediate=False)
        self.asked: list[int] = []

    def capabilities(self) -> Capabilities:
        """Be public."""
        return PUBLIC

    def submit(self, order: Order, csr_pem: str) -> Answer:
        """Keep how long it is to be valid."""
        self.asked.append(order.validity_days)
        return super().submit(order, csr_pem)


def wish(count: int, **more: Any) -> dict[str, Any]:
    """Give what of a wish is looked at."""
    return {"validity": {"count": count, "unit": "days", **more}}


def noon(day: date, after: int = 0) -> datetime:
    """Give noon of a day, or of one so many days later."""
    return datetime(day.year, day.month, day.day, 12, tzinfo=timezone.utc) + after * _DAY


def _borders() -> Sequence[tuple[date, int, int]]:
    limits = validity.PUBLIC_LIMITS
    return [(since, days, before[1]) for (since, days), before in zip(limits, limits[1:], strict=False)]


@pytest.mark.parametrize(("since", "days", "before"), _borders())
def test_a_border_counts_from_its_day_on(since: date, days: int, before: int) -> None:
    """E15: 398, 200, 100 and 47 days, on the last day of the one and the first of the other, for public trust alone."""
    assert lifetimes.problems(wish(before), noon(since, -1), PUBLIC) == []
    assert lifetimes.problems(wish(days), noon(since), PUBLIC) == []
    [told] = lifetimes.problems(wish(days + 1), noon(since), PUBLIC)
    assert f"at most {days}" in told and str(since) in told
    assert lifetimes.problems(wish(before + 1), noon(since, -1), PUBLIC) != []
    assert lifetimes.problems(wish(before + 1), noon(since), PRIVATE) == []


@pytest.mark.parametrize(("since", "days", "before"), _borders())
def test_at_most_takes_what_the_day_allows(since: date, days: int, before: int) -> None:
    """E15."""
    most = wish(before, at_most=True)
    assert lifetimes.days(most, noon(since, -1), PUBLIC) == before
    assert lifetimes.days(most, noon(since), PUBLIC) == days
    assert lifetimes.days(most, noon(since), PRIVATE) == before
    assert lifetimes.days(most, noon(since), replace(PRIVATE, max_validity_days=10)) == 10
    assert lifetimes.problems(most, noon(since), PUBLIC) == []


def test_months_count_from_the_day_of_the_order() -> None:
    """E15: one month is 28 to 31 days."""
    month = {"validity": {"count": 1, "unit": "months"}}
    assert lifetimes.days(month, noon(date(2027, 2, 1)), PUBLIC) == 28
    assert lifetimes.days(month, noon(date(2027, 3, 1)), PUBLIC) == 31


def _ahead(bench: Bench) -> tuple[datetime, int]:
    """Give the next border and the limit that holds before it."""
    now = bench.clock.now()
    coming = [(noon(since), before) for since, _days, before in _borders() if noon(since) > now + _DAY]
    if not coming:
        pytest.skip("every border has passed")
    return min(coming)


def _public(bench: Bench) -> PublicCa:
    bench.prepare()
    ca = PublicCa()
    bench.use_ca(ca)
    return ca


def test_what_is_scheduled_past_a_border_is_refused_at_once(bench: Bench) -> None:
    """E15, E24: nobody has to find out at night."""
    _public(bench)
    border, before = _ahead(bench)
    later = to_text(border + _DAY)
    with pytest.raises(InputError, match="publicly trusted"):
        bench.plan_enroll(validity={"count": before, "unit": "days"}, schedule_at=later)
    assert bench.plan_enroll(validity={"count": before, "unit": "days"}).changed
    assert bench.plan_enroll(validity={"count": before, "unit": "days", "at_most": True}, schedule_at=later).changed


def test_what_waited_across_a_border_is_refused_before_anything_is_sent(bench: Bench) -> None:
    """E15, E24: it is not shortened behind the approvers' backs, and asking for fewer days begins anew."""
    ca = _public(bench)
    border, before = _ahead(bench)
    asked = bench.enroll(validity={"count": before, "unit": "days"}, manual_implementation=True).record
    assert asked is not None and asked["state"] == "approved"
    bench.advance((border + _DAY - bench.clock.now()).total_seconds())
    bench.calls()
    with pytest.raises(StateError, match="publicly trusted.*validity.at_most") as caught:
        bench.act("tester", "implement", request_id=asked["request_id"])
    assert caught.value.code == "validity_refused" and ca.asked == [] and bench.calls() == []
    anew = bench.enroll(validity={"count": before, "unit": "days", "at_most": True}).record
    assert anew is not None and anew["request_id"] != asked["request_id"]
    assert ca.asked == [validity.public_limit_days(bench.clock.now())]


def test_what_waited_for_its_csr_across_a_border_is_not_ordered_and_its_place_is_used_again(bench: Bench) -> None:
    """E15, E9: the CSR is there, the order is refused; fewer days go on at the same enrollment."""
    ca = _public(bench)
    border, before = _ahead(bench)
    bench.enroll(validity={"count": before, "unit": "days"}, wait=False)
    bench.advance((border + _DAY - bench.clock.now()).total_seconds())
    with pytest.raises(StateError, match="publicly trusted") as caught:
        bench.enroll(validity={"count": before, "unit": "days"})
    assert caught.value.code == "validity_refused" and ca.asked == []
    limit = validity.public_limit_days(bench.clock.now())
    bench.enroll(validity={"count": limit, "unit": "days"})
    assert ca.asked == [limit] and len(bench.enrollments()) == 1
