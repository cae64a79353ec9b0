# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Lifetimes and the limits of public trust."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.edgecert.clm.plugins.module_utils._core import validity
from ansible_collections.edgecert.clm.plugins.module_utils._core.errors import InputError
from ansible_collections.edgecert.clm.plugins.module_utils._core.validity import Validity


def day(year: int, month: int, number: int, hour: int = 0) -> datetime:
    return datetime(year, month, number, hour, tzinfo=timezone.utc)


@pytest.mark.parametrize(
    ("issued", "limit"),
    [
        (day(2026, 3, 14, 23), 398),
        (day(2026, 3, 15), 200),
        (day(2027, 3, 14, 23), 200),
        (day(2027, 3, 15), 100),
        (day(2029, 3, 14, 23), 100),
        (day(2029, 3, 15), 47),
        (day(2040, 1, 1), 47),
        (datetime(2026, 3, 15, 1, tzinfo=timezone(timedelta(hours=2))), 398),
    ],
)
def test_limit_of_public_trust_goes_by_the_date_of_issue(issued: datetime, limit: int) -> None:
    """E15: a table by date, in UTC."""
    assert validity.public_limit_days(issued) == limit


@pytest.mark.parametrize(
    ("start", "count", "unit", "end"),
    [
        (day(2026, 11, 23), 90, "days", day(2027, 2, 21)),
        (day(2026, 1, 31), 1, "months", day(2026, 2, 28)),
        (day(2028, 1, 31), 1, "months", day(2028, 2, 29)),
        (day(2026, 11, 30), 3, "months", day(2027, 2, 28)),
        (day(2026, 12, 15), 1, "months", day(2027, 1, 15)),
        (day(2028, 2, 29), 1, "years", day(2029, 2, 28)),
        (day(2026, 11, 23), 1, "years", day(2027, 11, 23)),
    ],
)
def test_lifetime_ends_on_the_day_of_the_calendar(start: datetime, count: int, unit: str, end: datetime) -> None:
    """E15: days, months, years."""
    assert validity.not_after(start, Validity(count, unit)) == end
    assert validity.days_from(start, Validity(count, unit)) == (end - start).days


@given(
    st.datetimes(datetime(2020, 1, 1), datetime(2100, 1, 1), timezones=st.just(timezone.utc)),
    st.integers(1, 600),
    st.sampled_from(["days", "months"]),
)
def test_longer_asked_for_is_never_shorter(start: datetime, count: int, unit: str) -> None:
    shorter, longer = Validity(count, unit), Validity(count + 1, unit)
    assert start < validity.not_after(start, shorter) < validity.not_after(start, longer)


@given(st.datetimes(datetime(2020, 1, 1), datetime(2100, 1, 1), timezones=st.just(timezone.utc)), st.integers(1, 50))
def test_years_are_twelve_months_each(start: datetime, years: int) -> None:
    assert validity.not_after(start, Validity(years, "years")) == validity.not_after(
        start, Validity(years * 12, "months")
    )


@pytest.mark.parametrize(
    ("value", "word"),
    [
        ({"count": 0}, "count 0"),
        ({"count": -1, "unit": "days"}, "count -1"),
        ({"count": True}, "count True"),
        ({"count": "1"}, "count '1'"),
        ({}, "count None"),
        ({"count": 1, "unit": "weeks"}, "none of days, months, years"),
        ({"count": 101, "unit": "years"}, "more than 100 years"),
        ({"count": 10**12, "unit": "days"}, "more than 100 years"),
    ],
)
def test_validity_that_cannot_be_is_refused_with_the_reason(value: dict[str, Any], word: str) -> None:
    """E15."""
    with pytest.raises(InputError) as caught:
        validity.read_validity(value)
    assert word in caught.value.message


def test_unit_is_days_when_left_out_and_taken_in_any_case() -> None:
    assert validity.read_validity({"count": 3}) == Validity(3, "days")
    assert validity.read_validity({"count": 1, "unit": "Years"}).text == "1 year"


def test_limits_of_ca_and_of_public_trust_are_both_told() -> None:
    """E15: the CA's own limit and the limit in force on that date."""
    found = validity.validity_problems(300, day(2026, 11, 23), is_public=True, max_days=199, ca="CA account lab")
    assert len(found) == 2
    assert "CA account lab issues for at most 199" in found[0]
    assert "issued on 2026-11-23 may have at most 200" in found[1]
    assert validity.validity_problems(300, day(2026, 11, 23), is_public=False) == ()
    assert validity.validity_problems(200, day(2026, 11, 23), is_public=True) == ()


def test_last_second_of_a_certificate_counts() -> None:
    begin = day(2026, 11, 23)
    assert validity.is_within(begin, begin + timedelta(days=200) - timedelta(seconds=1), 200)
    assert not validity.is_within(begin, begin + timedelta(days=200), 200)
