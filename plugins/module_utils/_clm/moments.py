# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Times that a user gives: read, and refused where they are past."""

from __future__ import annotations

from datetime import datetime

from .._core.clock import from_text, to_text
from .._core.errors import InputError
from .ports import Params


def read(text: str | None, what: str, option: str, now: datetime, *, known: datetime | None = None) -> datetime | None:
    """Read a time that has to be to come.

    :param text: ISO 8601; without an offset it is UTC. None or blank means none.
    :param known: what was set before: the same call may come again when it is past.
    :param what: the sentence's beginning, as "Cannot push www.example.com".
    :returns: UTC.
    :raises InputError: it is no time, or past.
    """
    if text is None or not text.strip():
        return None
    try:
        moment = from_text(text)
    except ValueError:
        raise InputError(
            f"{what}: {option} {text!r} is no time; write ISO 8601 with an offset, as 2027-01-31T22:00:00Z"
        ) from None
    if moment < now and moment != known:
        raise InputError(
            f"{what}: {option} {to_text(moment)} is in the past (it is {to_text(now)})", code="time_passed"
        )
    return moment


def refuse_both(params: Params, what: str) -> None:
    """Refuse a time for what is to wait for a person.

    :source: manual implementation on, or off with date and time (W2).
    :raises InputError: both are given.
    """
    if params.get("manual_implementation") and (params.get("schedule_at") or "").strip():
        raise InputError(
            f"{what}: manual_implementation and schedule_at do not go together; leave one out, or schedule it with "
            "edgecert.clm.cert_workflow once it is approved"
        )
