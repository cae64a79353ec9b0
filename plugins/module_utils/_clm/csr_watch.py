# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""When to look for the CSRs of a place that was opened, by the pace of its device, and in how few calls."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from .._keys.base import CsrAnswer, CsrPending, CsrReady
from . import intents, paces, patience

if TYPE_CHECKING:
    from .moves import Mover

# What a place says where it knows nothing better; more is a wish of its own.
_USUAL_S = 10.0


def look(mover: Mover) -> CsrAnswer:
    """Look for the CSRs: where they are expected at a new place, at once for them and not for how far it is."""
    request = mover.request
    since = _since(mover)
    if since is not None and not request.renews and _pace(mover).is_over_by(paces.CSR, _waited_s(mover, since)):
        return mover.keys.fetch(request.key_reference)
    # Somebody may have given a certificate to a change that CPS opened: that is told by the change itself.
    return mover.keys.collect(request.key_reference)


def first_s(mover: Mover) -> float:
    """Give the seconds for which no CSR is to be expected of a place that was opened a moment ago; 0 for none."""
    since = _since(mover)
    if since is None or mover.request.renews:
        return 0.0
    pace, waited_s = _pace(mover), _waited_s(mover, since)
    if pace.is_at_once(paces.CSR):
        return 0.0
    return pace.next_s(paces.CSR, 0.0, is_waited=mover.wait_s > 0) - waited_s


def left_s(mover: Mover, pending: CsrPending) -> float:
    """Give the seconds until the next look is worth it."""
    waited_s = _waited_s(mover, _since(mover) or _moved(mover))
    left_s = _pace(mover).next_s(paces.CSR, waited_s, is_waited=mover.wait_s > 0) - waited_s
    return max(left_s, pending.look_again_s) if pending.look_again_s > _USUAL_S else left_s


def park_s(mover: Mover, pending: CsrPending) -> float:
    """Give the seconds until then, together with all that wait at the same device."""
    place = patience.place_of(mover.ports, mover.request.device)
    return patience.on_beat(left_s(mover, pending), place, mover.now)


def saw(mover: Mover, answer: CsrAnswer) -> None:
    """Learn from a look how long CSRs take at this device; not where warnings were in between."""
    since = _since(mover)
    if since is None or _acknowledged(mover) is not None or mover.request.renews:
        return
    waited_s, planned = _waited_s(mover, since), mover.request.next_look_at
    if isinstance(answer, CsrReady):
        at = (planned - since).total_seconds() if planned and planned > since else None
        known = [one for one in (mover.due_s, at) if one is not None]
        due = known[0] if known else _pace(mover).next_s(paces.CSR, 0.0)
        _learn(mover, lambda pace: pace.after(paces.CSR, waited_s, due))
    elif isinstance(answer, CsrPending):
        _learn(mover, lambda pace: pace.after_vain(paces.CSR, waited_s))


def pause(mover: Mover, seconds: float) -> bool:
    """Wait for the next look; False when the time to wait is over."""
    mover.due_s = _waited_s(mover, _since(mover) or _moved(mover)) + seconds
    return mover.pause(seconds)


def _learn(mover: Mover, change: paces.Change) -> None:
    paces.learn(mover.ports.store, mover.request.device, change, mover.now)


def _pace(mover: Mover) -> paces.Pace:
    with mover.ports.store.read() as unit:
        return paces.of(unit, mover.request.device)


def _since(mover: Mover) -> datetime | None:
    """Give when CPS began with the CSR: when the place was opened, or warnings of it were acknowledged."""
    with mover.ports.store.read() as unit:
        opened = intents.of(unit, intents.OPEN_ENROLLMENT, "request", mover.request.request_id)
    at = [one.finished_at for one in opened if one.finished_at is not None]
    return max([*at, _acknowledged(mover) or at[-1]]) if at else None


def _acknowledged(mover: Mover) -> datetime | None:
    with mover.ports.store.read() as unit:
        found = intents.of(unit, intents.ACKNOWLEDGE_WARNINGS, "request", mover.request.request_id)
    return max((one.finished_at for one in found if one.finished_at is not None), default=None)


def _moved(mover: Mover) -> datetime:
    return mover.request.updated_at or mover.now


def _waited_s(mover: Mover, since: datetime) -> float:
    return max(0.0, (mover.now - since) / timedelta(seconds=1))
