# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Asking for an order that waits at a CA, which may be ordering once more. Knows no CA.

There are CAs that are asked by the very request that ordered: one that forgot the order takes the question for a new
one. So the order's intent is open again while it is asked for, and the order is not on record as one that stands. A
run that is killed, or gets no answer, leaves it so: it is looked for like any order whose answer was lost.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from .._core.clock import to_text
from . import ca_orders, intents

if TYPE_CHECKING:
    from .._ca.answer_base import Answer, Handle
    from .._core.types import CertRequest, Intent
    from .._store.base import Unit
    from .moves import Mover


def collected(mover: Mover, algorithm: str) -> Answer | None:
    """Ask for an order, and move it on.

    :returns: None where nobody knows what came of asking: the order is to be looked for.
    :raises ClmError: the CA surely did nothing, or asking again does no harm.
    """
    from .._ca.answer_base import Pending

    request, ca = mover.request, mover.ca
    handle = request.ca_handles[algorithm]
    if not ca.capabilities().asking_orders:
        return ca_orders.asked_for(mover, algorithm, handle, ca.collect)
    seen = ca_orders.asked_for(mover, algorithm, handle, ca.peek)
    if not isinstance(seen, Pending) or seen.look_again_s > 0:
        return seen
    # What was asked before this may have taken longer than the lease lives: another run would ask, too. Before the
    # intent, which would leave a doubt about what was not sent.
    mover.still_ours()
    intent = _opened(mover, algorithm, handle)
    try:
        return ca_orders.asked_for(mover, algorithm, handle, ca.collect)
    except Exception as exc:
        if not ca_orders.is_surely_not_taken(exc):
            return None
        with mover.ports.store.write() as unit:
            intents.close(unit, intent, {"handle": handle}, mover.now)
            _keep(unit, mover, {**mover.request.ca_handles, algorithm: handle})
        raise


def _opened(mover: Mover, algorithm: str, handle: Handle) -> Intent:
    """Write down, before it is done, that an order is asked for."""
    request, now = mover.request, mover.ports.clock.now()
    key = ca_orders.key_of(request, algorithm)
    told = {"algorithm": algorithm, "ca": request.ca, ca_orders.SENT_AT: to_text(now), ca_orders.ASKED: handle}
    with mover.ports.store.write() as unit:
        others = {name: one for name, one in request.ca_handles.items() if name != algorithm}
        _keep(unit, mover, others)
        placed = _placed(unit, request, key)
        if placed is None:
            return intents.add(unit, intents.ORDER_CERTIFICATE, "request", key, told, now)
        return intents.open_again(unit, placed, told)


def _placed(unit: Unit, request: CertRequest, key: str) -> Intent | None:
    """Give the intent that the order was placed under; None for that of an earlier request of the same CSR."""
    kept = [
        one
        for one in intents.of(unit, intents.ORDER_CERTIFICATE, "request", key)
        if one.wanted.get("ca", request.ca) == request.ca and intents.REFUSED not in one.result
    ]
    return kept[-1] if kept else None


def _keep(unit: Unit, mover: Mover, handles: dict[str, Any]) -> None:
    # Asking is no progress, so no audit line: the intent is what tells of it.
    mover.request = unit.requests.put(replace(mover.request, ca_handles=handles))
