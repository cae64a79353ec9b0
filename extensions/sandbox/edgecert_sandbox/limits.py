# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rate limits per account, the three shapes in which their answer tells the wait, and the burst block.

Time is handed in; knows nothing of routes.
"""

from __future__ import annotations

import collections
import dataclasses
import itertools
import math
import threading
from collections.abc import Callable, Mapping
from datetime import datetime, timezone
from typing import Any

STYLES = ("retry-after", "next", "text")
BLOCK_S = 60.0


@dataclasses.dataclass
class LimitSettings:
    """What is limited.

    :ivar style: one of :data:`STYLES`, or ``rotate`` to use them in turn.
    :ivar block_after: calls refused within ten seconds after which a client is blocked for a minute; 0 never blocks.
    :source: CPS: 35 requests a minute and 20 in two seconds an account; 10 a minute on active-certificates. The
        block's threshold is our reading.
    """

    enabled: bool = True
    style: str = "rotate"
    per_minute: int = 35
    per_two_seconds: int = 20
    active_per_minute: int = 10
    block_after: int = 20


@dataclasses.dataclass(frozen=True)
class Verdict:
    """What the limits say of one call.

    :ivar wait_s: seconds until a call would pass; 0 when this one does.
    :ivar blocked: the burst block refuses it.
    """

    limit: int
    remaining: int
    wait_s: float = 0.0
    style: str = ""
    blocked: bool = False

    @property
    def passes(self) -> bool:
        """Whether the call may go on."""
        return not self.blocked and self.wait_s <= 0


class Limits:
    """Counts calls; those refused do not count, but too many of them lead to the block."""

    def __init__(self, now: Callable[[], float], settings: LimitSettings | None = None) -> None:
        self.settings = settings or LimitSettings()
        self._now = now
        self._calls: dict[tuple[str, str], collections.deque[float]] = collections.defaultdict(collections.deque)
        self._refused: dict[str, collections.deque[float]] = collections.defaultdict(collections.deque)
        self._blocked_until: dict[str, float] = {}
        self._styles = itertools.cycle(STYLES)
        self._lock = threading.Lock()

    def take(self, account: str, *, active_certificates: bool = False) -> Verdict:
        """Count a call of an account, or say why it may not pass."""
        with self._lock:
            now = self._now()
            if self._blocked_until.get(account, 0.0) > now:
                return Verdict(self.settings.per_minute, 0, blocked=True)
            return self._count(account, active_certificates, now)

    def reset(self) -> None:
        """Forget all calls and blocks."""
        with self._lock:
            self._calls.clear()
            self._refused.clear()
            self._blocked_until.clear()

    def next_style(self) -> str:
        """Give the style the next refusal is written in."""
        return next(self._styles) if self.settings.style == "rotate" else self.settings.style

    def _count(self, account: str, active_certificates: bool, now: float) -> Verdict:
        settings = self.settings
        rules = [("all", settings.per_minute, 60.0), ("all", settings.per_two_seconds, 2.0)]
        if active_certificates:
            rules.append(("active", settings.active_per_minute, 60.0))
        waits = [self._wait(account, scope, limit, span, now) for scope, limit, span in rules]
        if max(waits) > 0:
            return self._refuse(account, max(waits), now)
        for scope in {scope for scope, _limit, _span in rules}:
            self._calls[(account, scope)].append(now)
        used = len(self._calls[(account, "all")])
        return Verdict(settings.per_minute, max(0, settings.per_minute - used))

    def _wait(self, account: str, scope: str, limit: int, span: float, now: float) -> float:
        calls = self._calls[(account, scope)]
        while calls and calls[0] <= now - 60.0:
            calls.popleft()
        inside = [moment for moment in calls if moment > now - span]
        return 0.0 if len(inside) < limit else inside[len(inside) - limit] + span - now

    def _refuse(self, account: str, wait_s: float, now: float) -> Verdict:
        refused = self._refused[account]
        refused.append(now)
        while refused[0] <= now - 10.0:
            refused.popleft()
        if self.settings.block_after and len(refused) >= self.settings.block_after:
            refused.clear()
            self._blocked_until[account] = now + BLOCK_S
            return Verdict(self.settings.per_minute, 0, blocked=True)
        return Verdict(self.settings.per_minute, 0, wait_s=wait_s, style=self.next_style())


def wait_headers(style: str, wait_s: float, now: float) -> dict[str, str]:
    """Give the headers of a 429 of one style; the style ``text`` has none."""
    if style == "retry-after":
        return {"Retry-After": str(max(1, math.ceil(wait_s)))}
    if style == "next":
        return {"X-RateLimit-Next": iso_ms(now + wait_s)}
    return {}


def wait_text(style: str, wait_s: float, now: float) -> str:
    """Give the sentence of a 429; only the style ``text`` names the time."""
    sentence = "The number of requests of your account is over its limit."
    return f"{sentence} Please try after {iso_ms(now + wait_s)}" if style == "text" else sentence


def iso_ms(moment: float) -> str:
    """Write a moment as ISO 8601 in UTC with milliseconds, rounded up, as ``2025-12-02T22:00:40.098Z``."""
    milliseconds = math.ceil(moment * 1000)
    text = datetime.fromtimestamp(milliseconds // 1000, timezone.utc).strftime("%Y-%m-%dT%H:%M:%S")
    return f"{text}.{milliseconds % 1000:03d}Z"


def has_type(value: Any, kind: type) -> bool:
    """Tell whether a JSON value is of a setting's type: true is no number, a whole number is a fraction too."""
    if isinstance(value, bool) or kind is bool:
        return isinstance(value, bool) and kind is bool
    return isinstance(value, (int, float) if kind is float else kind)


def changed(settings: LimitSettings, wanted: Mapping[str, Any]) -> LimitSettings:
    """Give settings with some of them changed.

    :raises ValueError: an unknown name, a wrong type, an unknown style or a negative number.
    """
    kinds = {field.name: type(getattr(settings, field.name)) for field in dataclasses.fields(settings)}
    for name, value in wanted.items():
        if name not in kinds:
            raise ValueError(f"unknown limit setting {name!r}; known are {', '.join(sorted(kinds))}")
        if not has_type(value, kinds[name]):
            raise ValueError(f"limit setting {name!r} must be of type {kinds[name].__name__}")
        if isinstance(value, int) and value < 0:
            raise ValueError(f"limit setting {name!r} must not be negative")
    result = dataclasses.replace(settings, **wanted)
    if result.style not in (*STYLES, "rotate"):
        raise ValueError(f"unknown limit style {result.style!r}; known are {', '.join((*STYLES, 'rotate'))}")
    return result
