# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Lifetimes: a number of days, months or years from a date, and what public trust allows on that date."""

from __future__ import annotations

import calendar
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta, timezone
from typing import Any

from .errors import InputError
from .vocabulary import VALIDITY_UNITS

MAX_YEARS = 100

# Longest lifetime of a public TLS certificate by date of issue: (from, days), the newest first.
# CA/Browser Forum baseline requirements §6.3.2, ballot SC-081.
PUBLIC_LIMITS: tuple[tuple[date, int], ...] = (
    (date(2029, 3, 15), 47),
    (date(2027, 3, 15), 100),
    (date(2026, 3, 15), 200),
    (date(2020, 9, 1), 398),
    (date(2018, 3, 1), 825),
)


@dataclass(frozen=True)
class Validity:
    """A lifetime as the user gives it.

    :ivar count: at least 1.
    :ivar unit: ``days``, ``months`` or ``years``.
    """

    count: int
    unit: str = "days"

    @property
    def text(self) -> str:
        """Say it in words."""
        return f"{self.count} {self.unit if self.count != 1 else self.unit[:-1]}"


def read_validity(value: Mapping[str, Any]) -> Validity:
    """Read ``{count, unit}``; the unit may be missing (days) and is taken in any case.

    :raises InputError: what is wrong, and what would do.
    """
    count, unit = value.get("count"), str(value.get("unit") or "days").lower()
    problems = []
    if unit not in VALIDITY_UNITS:
        problems.append(f"the unit {unit!r} is none of {', '.join(VALIDITY_UNITS)}")
    if isinstance(count, bool) or not isinstance(count, int) or count < 1:
        problems.append(f"the count {count!r} is not a whole number from 1")
    elif _rough_years(count, unit) > MAX_YEARS:
        problems.append(f"{count} {unit} is more than {MAX_YEARS} years")
    if problems or not isinstance(count, int):
        raise InputError.of_problems("Cannot use the validity", problems)
    return Validity(count, unit)


def _rough_years(count: int, unit: str) -> float:
    return count / {"days": 365.0, "months": 12.0}.get(unit, 1.0)


def not_after(start: datetime, validity: Validity) -> datetime:
    """Give the end of a lifetime; a day that its last month lacks becomes that month's last day.

    :param start: aware.
    """
    if validity.unit == "days":
        return start + timedelta(days=validity.count)
    months = start.month - 1 + validity.count * (12 if validity.unit == "years" else 1)
    year, month = start.year + months // 12, months % 12 + 1
    return start.replace(year=year, month=month, day=min(start.day, calendar.monthrange(year, month)[1]))


def days_from(start: datetime, validity: Validity) -> int:
    """Give the lifetime in days when it begins at ``start``."""
    return (not_after(start, validity) - start).days


def public_limit_days(issued: datetime) -> int:
    """Give the most days that public trust allows for a TLS certificate issued then.

    :param issued: aware; the date counts in UTC.
    """
    day = issued.astimezone(timezone.utc).date()
    for since, days in PUBLIC_LIMITS:
        if day >= since:
            return days
    return PUBLIC_LIMITS[-1][1]


def is_within(begin: datetime, end: datetime, days: int) -> bool:
    """Say whether a certificate's lifetime is at most that many days.

    :param begin: not before; ``end`` is the last second it is valid in, which counts.
    :source: CA/Browser Forum baseline requirements §1.6.1, "Validity Period"; RFC 5280 §4.1.2.5.
    """
    return end - begin + timedelta(seconds=1) <= timedelta(days=days)


def validity_problems(
    days: int, at: datetime, *, is_public: bool, max_days: int | None = None, ca: str = "the CA"
) -> tuple[str, ...]:
    """Give every reason why a lifetime cannot be asked of a CA.

    :param days: asked-for lifetime.
    :param at: time of issue.
    :param max_days: the CA's own limit, None when it has none.
    :source: requirement E15.
    """
    problems = []
    if days < 1:
        problems.append(f"a validity of {days} days is asked for, at least 1 is needed")
    if max_days is not None and days > max_days:
        problems.append(f"a validity of {days} days is asked for, {ca} issues for at most {max_days}")
    if is_public and days > public_limit_days(at):
        problems.append(
            f"a validity of {days} days is asked for, a publicly trusted certificate issued on {at:%Y-%m-%d} may have "
            f"at most {public_limit_days(at)}"
        )
    return tuple(problems)
