# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How long the stages of a change take at a device, learned from look to look, and from that when to look next.

Nothing here is needed to be right: a pace that is wrong costs a look more, or some time.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any, TypeAlias

from .._core.errors import ConflictError
from .._core.types import Intent

if TYPE_CHECKING:
    from .._store.base import Store, Unit

CSR, VERIFY, STAGING, PRODUCTION = "csr", "verify", "staging", "production"
"""Stages of a change, in their order: from its opening to the CSR, from the upload to warnings, to staging, from the
acknowledgement to production."""

# Seconds at which a stage may first be over at CPS, and by when it is; cps-protocol §3.2.
_TYPICAL = {CSR: (30.0, 150.0), VERIFY: (30.0, 300.0), STAGING: (300.0, 1800.0), PRODUCTION: (600.0, 3600.0)}
# What is faster than CPS, as a sandbox is, is looked at then, until it is known not to be.
_AT_ONCE_S, _QUICK_S = 1.0, (6.0, 24.0, 96.0)
# The shortest step between two looks at a pace that is known, and at one that is guessed; the longest at any.
_STEP_S, _GUESSED_STEP_S, _LONGEST_STEP_S = 30.0, 60.0, 900.0
# From one life to the next: how much earlier after a look that came in time, what part of what one was late.
_EARLIER, _LATER = 0.85, 1 / 3


@dataclass(frozen=True)
class Pace:
    """What is known of a device.

    :ivar seen: seconds by which a stage was over, by stage.
    :ivar least: seconds at which one was not over yet, that was never seen to its end.
    :ivar is_warned: what was uploaded last was warned of.
    """

    seen: Mapping[str, float] = field(default_factory=dict)
    least: Mapping[str, float] = field(default_factory=dict)
    is_warned: bool = False

    def next_s(self, stage: str, waited_s: float, *, is_waited: bool = True) -> float:
        """Give the seconds since a stage began at which to look next; later than those that were waited.

        First when it is expected. From there on in steps that grow, a fifth of the stage at first, so that one that is
        late is not looked at often; where nothing is known each step is half of what was waited.

        :param is_waited: somebody waits for it: a device that may be faster than CPS is looked at soon.
        """
        typical = _TYPICAL[stage][0]
        is_known, start = stage in self.seen, self._expected_s(stage, is_waited=is_waited)
        if waited_s < start:
            # One that comes a moment before is not followed by another one at once.
            return max(start, waited_s + _AT_ONCE_S / 2)
        if is_known:
            step = max(min(2 * (waited_s - start), waited_s / 2), start / 5, min(start, _STEP_S))
        elif waited_s < typical:
            return next((one for one in _QUICK_S if waited_s * 1.2 < one < typical / 2), typical)
        else:
            step = max(waited_s / 2, _GUESSED_STEP_S)
        return waited_s + min(step, _LONGEST_STEP_S)

    def _expected_s(self, stage: str, *, is_waited: bool = True) -> float:
        typical, longest = _TYPICAL[stage]
        is_slow = self._is_slow(stage)
        is_guessed = is_slow or (is_slow is None and not is_waited)
        guess = max(typical if is_guessed else 0.0, self.least.get(stage, 0.0))
        return min(max(self.seen.get(stage, guess), _AT_ONCE_S), longest)

    def _is_slow(self, stage: str) -> bool | None:
        """Say whether a device is no faster than CPS, by this stage or the last one before it; None for not known."""
        stages = tuple(_TYPICAL)
        for one in reversed(stages[: stages.index(stage) + 1]):
            half = _TYPICAL[one][0] / 2
            if one in self.seen:
                return self.seen[one] >= half
            if self.least.get(one, 0.0) >= half:
                return True
        return None

    def is_at_once(self, stage: str) -> bool:
        """Say whether a stage may be over as soon as it has begun, for all that is known."""
        return self._expected_s(stage) <= _AT_ONCE_S and stage not in self.least

    def may_be_over_by(self, stage: str, waited_s: float) -> bool:
        """Say whether a stage may be over by then: nobody found it not to be, at that time."""
        return waited_s >= _EARLIER * self.seen.get(stage, 0.0) and waited_s >= self.least.get(stage, 0.0)

    def is_over_by(self, stage: str, waited_s: float) -> bool:
        """Say whether a stage is over by then, as it was before, or as it is at CPS."""
        return waited_s >= self.seen.get(stage, 2 * _TYPICAL[stage][0])

    def after(self, stage: str, took_s: float, due_s: float) -> Pace:
        """Give the pace after a stage was found to be over.

        What the first look finds may have been over before: the next one is a little earlier; after one that was late
        it is not that late at once.

        :param due_s: when it should have been looked at; who comes much later learns little: to look a little earlier.
        """
        known, longest = self.seen.get(stage), _TYPICAL[stage][1]
        if known is None and took_s > 1.5 * max(due_s, _AT_ONCE_S):
            # Nor does what one slow life left stand for ever.
            sooner = {stage: round(self.least[stage] * _EARLIER, 1)} if stage in self.least else {}
            return replace(self, least={**self.least, **sooner})
        found = took_s
        if known is not None:
            found = min(took_s, due_s)
            is_first = found <= known * 1.05 + _AT_ONCE_S
            found = min(found, known * _EARLIER) if is_first else known + (found - known) * _LATER
        least = {name: value for name, value in self.least.items() if name != stage}
        return replace(self, seen={**self.seen, stage: round(min(found, longest), 1)}, least=least)

    def warned(self, *, is_warned: bool) -> Pace:
        """Give the pace after something was verified, with warnings or without."""
        return replace(self, is_warned=is_warned)

    def after_vain(self, stage: str, waited_s: float) -> Pace:
        """Give the pace after a look that found a stage not to be over."""
        if stage in self.seen:
            return self
        following = min(self.next_s(stage, max(waited_s, _AT_ONCE_S)), _TYPICAL[stage][1])
        return replace(self, least={**self.least, stage: max(following, self.least.get(stage, 0.0))})


Change: TypeAlias = Callable[[Pace], Pace]
_KIND, _NOUN = "follow_change", "device"


def of(unit: Unit, device: str) -> Pace:
    """Give what is known of a device."""
    row = _row(unit, device)
    return _read(row.result) if row is not None else Pace()


def learn(store: Store, device: str, change: Change, now: datetime) -> None:
    """Keep what was learned of a device."""
    with store.read() as unit:
        known = of(unit, device)
    if change(known) == known:
        return
    try:
        with store.write() as unit:
            row = _row(unit, device)
            new = change(_read(row.result) if row is not None else Pace())
            if row is None:
                unit.intents.add(Intent(uuid.uuid4().hex, _KIND, _NOUN, device, {}, _written(new), now, now))
            else:
                unit.intents.put(replace(row, result=_written(new), finished_at=now))
    except ConflictError:
        # Another run learned at the same moment; what it learned is as good.
        return


def _row(unit: Unit, device: str) -> Intent | None:
    """Give the row that keeps it: following changes there, and what came of that, closed at any time."""
    rows = unit.intents.find(kind=_KIND, noun=_NOUN, key=device)
    return rows[-1] if rows else None


def _read(told: Mapping[str, Any]) -> Pace:
    def numbers(name: str) -> dict[str, float]:
        return {stage: float(value) for stage, value in (told.get(name) or {}).items() if stage in _TYPICAL}

    return Pace(numbers("seen"), numbers("least"), bool(told.get("is_warned")))


def _written(pace: Pace) -> dict[str, Any]:
    return {"seen": dict(pace.seen), "least": dict(pace.least), "is_warned": pace.is_warned}
