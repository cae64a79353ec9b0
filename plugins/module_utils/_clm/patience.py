# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How long is waited for what."""

from __future__ import annotations

import zlib
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from .deployment_date import NOT_BEFORE

if TYPE_CHECKING:
    from collections.abc import Callable

    from .._core.clock import Clock
    from .._core.types import WorkOrder
    from .ports import Ports

HELD_UNTIL = "held_until"
"""Member of an order's ``change``: the date that was set at CPS to keep it on staging."""
ASK_AGAIN_S = 300.0
"""From one look to the next at what waits for a person."""
LAG_S = 120.0
"""How long CPS may show an old status after it was given something; cps-protocol §3.3."""
DEPLOYS_BEFORE_END = timedelta(days=7)
"""So long before the live certificate ends CPS deploys by itself what is on staging; cps-protocol §3.4."""

_BEAT_S, _LONGEST_S = 60.0, 300.0
# The longer until a look, the more may be looked at with it: seconds from which on, and the beat.
_BEATS = ((900.0, 300.0), (300.0, 150.0), (60.0, 30.0))
# By so much of it, and by no more, a wait of one call is longer.
_SPREAD, _MOST_SPREAD_S = 0.2, 30.0
# From one look at a change to the next at most: the longest step of a pace, and its beat.
_LONGEST_STEP_S = 1350.0
# A change that deploys is asked itself so often, for what no list of deployments tells: that it failed.
_ASKED_EVERY_S = 1800.0


def waits_for(order: WorkOrder, now: datetime) -> str:
    """Name the network that an order waits to see deployed, where nothing else is to be expected; empty for none."""
    if not order.state.startswith("deploying_") or order.change.get(NOT_BEFORE) or order.change.get(HELD_UNTIL):
        return ""
    return asked_of_lists(order.state.removeprefix("deploying_"), order, order.updated_at or now, now)


def removal_waits_for(order: WorkOrder, now: datetime, *, is_let_go_on: bool) -> str:
    """Name the network that a removal waits to be taken from, where nothing else is to be expected; empty for none.

    Warnings come first, and may be shown late: for a while after each step the change itself is asked.

    :param is_let_go_on: change management was acknowledged: it does not stop after staging any more.
    """
    is_quiet = order.state == "implementing" and order.reason == "busy" and order.change.get("change_id") is not None
    lag = timedelta(seconds=2 * LAG_S)
    since = order.updated_at or now
    if not is_quiet or now - since < lag:
        return ""
    return asked_of_lists("production" if is_let_go_on else "staging", order, since, now)


def asked_of_lists(network: str, order: WorkOrder, since: datetime, now: datetime) -> str:
    """Give the network that lists tell enough of; empty where it is time to ask the change itself.

    :param since: when the order began to wait, UTC.
    """
    every = timedelta(seconds=_ASKED_EVERY_S)
    # The look before this one was no earlier than that, however rarely anybody looks.
    before = max(since, (order.next_look_at or now) - timedelta(seconds=_LONGEST_STEP_S))
    return "" if (now - since) // every > (before - since) // every else network


def place_of(ports: Ports, *names: str) -> str:
    """Name the place where something is waited for: one of this store, since others look at it on a beat of theirs."""
    return "/".join(name for name in (ports.mark(), *names) if name)


def spread(seconds: float, ports: Ports) -> float:
    """Give the seconds of a wait, a little longer by chance, so that calls that began together do not go on so.

    On one beat they would ask CPS at the same moments, each for itself, on every machine.
    """
    return seconds + min(seconds * _SPREAD, _MOST_SPREAD_S) * ports.chance()


def on_beat(seconds: float, place: str, now: datetime) -> float:
    """Give the seconds to a look, put off a little to the beat of a place, so that many are looked at together.

    :param place: where it is waited; those at different places are looked at at different times.
    :param now: UTC.
    """
    beat = next((beat for least, beat in _BEATS if seconds >= least), 0.0)
    if not beat:
        return seconds
    offset = zlib.crc32(place.encode()) % int(beat)
    return seconds + (offset - now.timestamp() - seconds) % beat


def sleep(clock: Clock, seconds: float, still_ours: Callable[[], None]) -> None:
    """Wait, and hold what is held on: no lease lasts as long as some waits.

    :param still_ours: raises when it is not to be gone on with.
    """
    left = seconds
    while left > 0:
        step = min(left, _LONGEST_S)
        clock.sleep(step)
        still_ours()
        left -= step


def look_again_s(least_s: float, waited_s: float, place: str, now: datetime) -> float:
    """Give the seconds to the next look: the longer nothing moved, the more, so that an hour costs few calls.

    :param least_s: what the target says.
    :param waited_s: since something was done last; the first look is due at once, each further one when as long has
        passed again.
    :param place: where it is waited. Those that wait longer at one place are looked at together, in one call for all,
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
