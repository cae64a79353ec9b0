# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How long a push waits for what."""

from __future__ import annotations

import zlib
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from .deployment_date import NOT_BEFORE

if TYPE_CHECKING:
    from .._core.types import WorkOrder

HELD_UNTIL = "held_until"
"""Member of an order's ``change``: the date that was set at CPS to keep it on staging."""
ASK_AGAIN_S = 300.0
"""From one look to the next at what waits for a person."""
LAG_S = 120.0
"""How long CPS may show an old status after it was given something; cps-protocol §3.3."""
DEPLOYS_BEFORE_END = timedelta(days=7)
"""So long before the live certificate ends CPS deploys by itself what is on staging; cps-protocol §3.4."""

_BEAT_S, _LONGEST_S = 60.0, 300.0
# A change that deploys is asked itself so often, for what no list of deployments tells: that it failed.
_ASKED_EVERY_S = 1800.0


def waits_for(order: WorkOrder, now: datetime) -> str:
    """Name the network that an order waits to see deployed, where nothing else is to be expected; empty for none."""
    if not order.state.startswith("deploying_") or order.change.get(NOT_BEFORE) or order.change.get(HELD_UNTIL):
        return ""
    return "" if _is_to_be_asked(order, now) else order.state.removeprefix("deploying_")


def removal_waits_for(order: WorkOrder, now: datetime, *, is_let_go_on: bool) -> str:
    """Name the network that a removal waits to be taken from, where nothing else is to be expected; empty for none.

    Warnings come first, and may be shown late: for a while after each step the change itself is asked.

    :param is_let_go_on: change management was acknowledged: it does not stop after staging any more.
    """
    is_quiet = order.state == "implementing" and order.reason == "busy" and order.change.get("change_id") is not None
    lag = timedelta(seconds=2 * LAG_S)
    if not is_quiet or now - (order.updated_at or now) < lag or _is_to_be_asked(order, now):
        return ""
    return "production" if is_let_go_on else "staging"


def _is_to_be_asked(order: WorkOrder, now: datetime) -> bool:
    """Say whether it is time to ask a change itself."""
    since, every = order.updated_at or now, timedelta(seconds=_ASKED_EVERY_S)
    # The look before this one was no later than that, however rarely anybody looks.
    before = max(since, (order.next_look_at or now) - timedelta(seconds=_LONGEST_S * 1.5))
    return (now - since) // every > (before - since) // every


def look_again_s(least_s: float, waited_s: float, place: str, now: datetime) -> float:
    """Give the seconds to the next look: the longer nothing moved, the more, so that an hour costs few calls.

    :param least_s: what the target says.
    :param waited_s: since something was done last; the first look is due at once, each further one when as long has
        passed again.
    :param place: where it is waited. Those that wait longer at one place are looked at together, in two calls for all,
        and those at different places at different times.
    :param now: UTC.
    """
    seconds = max(least_s, min(waited_s, _LONGEST_S))
    if seconds < _BEAT_S:
        return seconds
    beat = _LONGEST_S if seconds >= _LONGEST_S else _BEAT_S
    offset = zlib.crc32(place.encode()) % int(beat)
    ahead = (now.timestamp() + seconds - offset) % beat
    return seconds - ahead if ahead < beat / 2 else seconds - ahead + beat
