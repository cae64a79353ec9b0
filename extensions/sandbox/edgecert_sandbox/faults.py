# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Faults ordered by the admin interface: which call they hit, and what they do to it. Knows no socket."""

from __future__ import annotations

import dataclasses
import itertools
import re
import threading
from collections.abc import Mapping
from typing import Any

from .limits import STYLES, has_type

BEFORE = "before"
AFTER = "after"

# Kind -> whether the API has processed the call by the time the fault strikes.
KINDS = {
    "lost_before": BEFORE,
    "lost_after": AFTER,
    "server_error": BEFORE,
    "truncated": AFTER,
    "plain_text": BEFORE,
    "garbage": AFTER,
    "empty": AFTER,
    "rate_limited": BEFORE,
    "burst_block": BEFORE,
    "slow": AFTER,
    "redirect": BEFORE,
    "unauthorized": BEFORE,
    "forbidden": BEFORE,
    "bad_timestamp": BEFORE,
    "not_found": BEFORE,
    "conflict": BEFORE,
    "unknown_version": BEFORE,
    "unavailable": BEFORE,
    "other_json": AFTER,
    "stale": BEFORE,
}

# Each fault in each of its shapes, as orders without method and path: what a client has to live with.
SHAPES: tuple[Mapping[str, Any], ...] = (
    {"kind": "lost_before"},
    {"kind": "lost_after"},
    {"kind": "server_error", "status": 500},
    {"kind": "server_error", "status": 500, "when": AFTER},
    {"kind": "truncated"},
    {"kind": "plain_text", "status": 500},
    {"kind": "garbage"},
    {"kind": "empty"},
    *({"kind": "rate_limited", "style": style} for style in STYLES),
    {"kind": "burst_block"},
    {"kind": "slow"},
    {"kind": "redirect"},
    {"kind": "unauthorized"},
    {"kind": "forbidden"},
    {"kind": "bad_timestamp"},
    {"kind": "not_found"},
    {"kind": "conflict"},
    {"kind": "unknown_version"},
    {"kind": "unavailable", "status": 502},
    {"kind": "unavailable", "status": 503},
    {"kind": "unavailable", "status": 504, "when": AFTER},
    {"kind": "other_json"},
    {"kind": "stale"},
)


@dataclasses.dataclass(frozen=True)
class Fault:
    """One order.

    :ivar method: HTTP method, or ``*``.
    :ivar path: regular expression searched in the path with its query.
    :ivar nth: the first matching call that is hit, counted from 1.
    :ivar times: how many calls are hit from there on; 0 hits all.
    :ivar when: ``before`` or ``after`` the API processes the call; empty takes the kind's own.
    :ivar seconds: how long ``slow`` waits before it answers; the wait told by ``rate_limited``.
    :ivar status: status of ``server_error``, ``plain_text`` and ``unavailable``.
    :ivar style: style of ``rate_limited``; empty takes the next one of the limits.
    :ivar location: where ``redirect`` leads; empty leads to the same URL.
    """

    kind: str
    method: str = "*"
    path: str = ".*"
    nth: int = 1
    times: int = 1
    when: str = ""
    seconds: float = 5.0
    status: int = 500
    style: str = ""
    location: str = ""
    fault_id: int = 0

    @property
    def is_processed(self) -> bool:
        """Whether the API processes the call all the same."""
        return (self.when or KINDS[self.kind]) == AFTER


def parse(order: Mapping[str, Any]) -> Fault:
    """Read an order.

    :raises ValueError: an unknown member, kind or style, a wrong type, or a pattern that is none.
    """
    fields = {field.name: type(field.default) for field in dataclasses.fields(Fault) if field.name != "fault_id"}
    fields["kind"] = str
    values: dict[str, Any] = {}
    for name, value in order.items():
        if name not in fields:
            raise ValueError(f"unknown member {name!r} of a fault; known are {', '.join(sorted(fields))}")
        if not has_type(value, fields[name]):
            raise ValueError(f"member {name!r} of a fault must be of type {fields[name].__name__}")
        values[name] = float(value) if fields[name] is float else value
    if values.get("kind") not in KINDS:
        raise ValueError(f"unknown kind of fault {values.get('kind')!r}; known are {', '.join(KINDS)}")
    fault = Fault(**values)
    _check(fault)
    return fault


def _check(fault: Fault) -> None:
    if fault.when not in ("", BEFORE, AFTER):
        raise ValueError("member 'when' of a fault must be 'before' or 'after'")
    if fault.style not in ("", *STYLES):
        raise ValueError(f"unknown style {fault.style!r}; known are {', '.join(STYLES)}")
    if fault.nth < 1 or fault.times < 0 or fault.seconds < 0 or not 400 <= fault.status <= 599:
        raise ValueError("nth counts from 1, times and seconds are not negative, status is 400 to 599")
    try:
        re.compile(fault.path)
    except re.error as exc:
        raise ValueError(f"member 'path' of a fault is no regular expression: {exc}") from exc


class Faults:
    """The orders in force; each counts the calls it matches."""

    def __init__(self) -> None:
        self._orders: dict[int, Fault] = {}
        self._seen: dict[int, int] = {}
        self._struck: dict[int, int] = {}
        self._ids = itertools.count(1)
        self._lock = threading.Lock()

    def add(self, fault: Fault) -> Fault:
        """Put an order in force and give it its id."""
        with self._lock:
            numbered = dataclasses.replace(fault, fault_id=next(self._ids))
            self._orders[numbered.fault_id] = numbered
            self._seen[numbered.fault_id] = self._struck[numbered.fault_id] = 0
            return numbered

    def clear(self) -> int:
        """Forget all orders; give how many there were."""
        with self._lock:
            count = len(self._orders)
            self._orders.clear()
            return count

    def describe(self) -> list[dict[str, object]]:
        """Give the orders in force with the calls each has matched."""
        with self._lock:
            return [{**dataclasses.asdict(o), "matched": self._seen[key]} for key, o in self._orders.items()]

    def strike(self, method: str, target: str) -> Fault | None:
        """Count a call and give the fault that hits it, if one does."""
        with self._lock:
            due = []
            for key, order in self._orders.items():
                if order.method in ("*", method) and re.search(order.path, target):
                    self._seen[key] += 1
                    due += [order] if self._seen[key] >= order.nth else []
            if not due:
                return None
            hit = due[0]
            self._struck[hit.fault_id] += 1
            if hit.times and self._struck[hit.fault_id] >= hit.times:
                del self._orders[hit.fault_id]
            return hit
