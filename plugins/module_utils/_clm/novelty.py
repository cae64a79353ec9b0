# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which warnings are new: not met when the certificate was pushed, or issued, the last time. Decides nothing by that.

Two texts are the same warning when they differ in their numbers and times alone, as those of two renewals do. What is
listed below a message plays no part.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from .._core.types import CertRequest, WorkOrder
from .._store.base import Store, Unit
from . import intents

Decided = tuple[dict[str, Any], ...]
_TIME = re.compile(r"\d{4}-\d\d-\d\d(?:[t ][\d:.]+(?:z|[+-][\d:]+)?)?")
_HEX = re.compile(r"\b(?:[0-9a-f]{2}:){3,}[0-9a-f]{2}\b:?|\b(?=[0-9a-f]*\d)[0-9a-f]{16,}\b")
# Not the digits of a host name: a warning about another name is another one.
_NUMBER = re.compile(r"(?<![\w.-])\d+(?![\w-]|\.\w)")


def same(text: str) -> str:
    """Give what two texts of one warning have in common."""
    first = " ".join(text.partition("\n")[0].lower().split())
    for pattern in (_TIME, _HEX, _NUMBER):
        first = pattern.sub("#", first)
    return first


def of_push(store: Store, order: WorkOrder, decided: Iterable[Mapping[str, Any]]) -> Decided:
    """Mark warnings met in a push: ``is_new`` where they were not when this certificate was pushed before.

    Looked at are the completed pushes of the certificate that is pushed now and of the one that was before it.
    """
    with store.read() as unit:
        found = unit.work_orders.find(certificate_id=order.certificate_id, action="push", state="completed")
        before = [other for other in found if other.work_order_id != order.work_order_id]
        other = next((o for o in reversed(before) if o.fingerprints != order.fingerprints), None)
        looked_at = (order.fingerprints, other.fingerprints if other else None)
        known = [text for one in before if one.fingerprints in looked_at for text in _met(unit, one)]
    return _marked(decided, known)


def _met(unit: Unit, order: WorkOrder) -> list[str]:
    """Give the texts an order met: those of its last stop, and those that were acknowledged on the way."""
    acknowledged = _acknowledged(unit, "work_order", order.work_order_id)
    return [str(entry["text"]) for entry in order.notices] + acknowledged


def of_request(store: Store, request: CertRequest, decided: Iterable[Mapping[str, Any]]) -> Decided:
    """Mark warnings from before the CSR: ``is_new`` where they were not when the certificate was issued last."""
    with store.read() as unit:
        issued = unit.requests.find(certificate_id=request.certificate_id, state="issued")
        last = [other.request_id for other in issued if other.request_id != request.request_id][-1:]
        known = [text for request_id in last for text in _acknowledged(unit, "request", request_id)]
    return _marked(decided, known)


def _acknowledged(unit: Unit, noun: str, key: str) -> list[str]:
    found = intents.of(unit, intents.ACKNOWLEDGE_WARNINGS, noun, key)
    return [str(entry["text"]) for intent in found for entry in intent.wanted.get("notices") or ()]


def _marked(decided: Iterable[Mapping[str, Any]], known: Sequence[str]) -> Decided:
    texts = {same(text) for text in known}
    return tuple({**entry, "is_new": same(entry["text"]) not in texts} for entry in decided)
