# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The date from which CPS may put a push on production: all is done before, CPS waits for it (cps-protocol §4.5)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from .._core.clock import from_text, to_text
from .._core.errors import InputError, RemoteError, StateError
from . import moments

if TYPE_CHECKING:
    from .._core.types import Certificate, WorkOrder
    from .deployment import Deployer
    from .ports import Params

OPTION = "deploy_not_before"
NOT_BEFORE = "not_before"
"""Member of an order's ``change``: the date to be set at CPS, ISO 8601 UTC."""

# Somebody may cancel a change that waits for its date.
_LOOK_AGAIN_S = 3600.0


def read(
    params: Params, certificate: Certificate, before: WorkOrder | None, at: datetime | None, now: datetime
) -> datetime | None:
    """Read the date a call gives; None when it gives none.

    :param at: when the order is to be implemented; None for as soon as it may be.
    :raises InputError: it is no time, past, or not for a push to production.
    :raises StateError: production serves nothing, or what it serves ends before.
    :source: CPS keeps dates for what is live already; cps-protocol §4.5.
    """
    what = f"Cannot push {params['certificate']}"
    moment = moments.read(params.get(OPTION), what, OPTION, now, known=of(before) if before else None)
    if moment is None:
        return None
    if params["network"] != "production" or (params.get("action") or "push") != "push":
        raise InputError(f"{what}: {OPTION} is a date for production; leave it out, or push with network: production")
    if at is not None and at >= moment:
        raise InputError(
            f"{what}: schedule_at {to_text(at)} is not before {OPTION} {to_text(moment)}; it is implemented at the "
            "first and put on production from the second on, so leave time for staging in between"
        )
    if before is not None and of(before) == moment:
        return moment
    ends = certificate.production.get("not_after")
    if not ends:
        raise StateError(
            f"{what}: CPS keeps a date only for what is live already, and production serves nothing for it; use "
            "schedule_at",
            code="nothing_live",
        )
    if moment >= from_text(ends):
        raise StateError(
            f"{what}: what production serves ends at {ends}, before {OPTION} {to_text(moment)}; give an earlier date",
            code="date_too_late",
            details={"live_until": ends},
        )
    return moment


def kept(moment: datetime | None) -> dict[str, str]:
    """Give the member of a new order's ``change`` that keeps the date; empty for none."""
    return {NOT_BEFORE: to_text(moment)} if moment else {}


def of(order: WorkOrder) -> datetime | None:
    """Give an order's date, UTC; None when it has none."""
    text = order.change.get(NOT_BEFORE)
    return from_text(text) if text else None


def changed(order: WorkOrder, wanted: datetime | None) -> Mapping[str, Any] | None:
    """Give the ``change`` of a stored order with another date; None where no other one is wanted.

    :raises StateError: CPS was let go on already.
    """
    if wanted is None or wanted == of(order):
        return None
    if order.state == "deploying_production":
        raise StateError(
            f"Cannot change {OPTION} of work order {order.work_order_id}: CPS was let go on to production with "
            f"the date it has ({order.change.get(NOT_BEFORE) or 'none'}); roll it back, or change the date in "
            "Akamai Control Center",
            code="order_in_progress",
            details={"state": order.state},
        )
    return {**order.change, **kept(wanted)}


def set_at_cps(deployer: Deployer) -> str:
    """Set the order's date at CPS before it is let go on; what is set already is not set again.

    :returns: why CPS may not be let go on now, as it would deploy at once; empty when it may.
    """
    moment = of(deployer.order)
    if moment is None or moment <= deployer.ports.clock.now() or moment == deployer.state.held_until:
        return ""
    try:
        deployer.target.hold_back(deployer.pushed.reference, moment)
    except RemoteError as exc:
        if exc.code != "conflict":
            raise
        return f"CPS took no date before which not to deploy it ({exc.message}), so it is not let go on yet"
    return ""


def look_again_s(deployer: Deployer) -> float:
    """Give the seconds until it is worth looking at a change that waits for a date, or for anything else."""
    held, now = deployer.state.held_until, deployer.ports.clock.now()
    left = (held - now) if held is not None else timedelta()
    return max(deployer.watch.park_s(), min(left.total_seconds(), _LOOK_AGAIN_S))
