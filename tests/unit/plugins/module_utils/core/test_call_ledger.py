# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The shared rule of call limits, the memory ledger, and the pacer on it."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.edgecert.clm.plugins.module_utils._core.errors import RateLimited
from ansible_collections.edgecert.clm.plugins.module_utils._core.ledger import Call, Limits, MemoryLedger, decide
from ansible_collections.edgecert.clm.plugins.module_utils._cps.pacing import LedgerPacer

START = datetime(2026, 11, 23, 12, tzinfo=timezone.utc)
FAMILY = "active-certificates"
SMALL = Limits(per_minute=6, burst=3, burst_window_s=2.0, family_per_minute={FAMILY: 2})


class SteppingClock:
    """A clock that only sleeping moves."""

    def __init__(self) -> None:
        self.moment = START
        self.slept = 0.0

    def now(self) -> datetime:
        return self.moment

    def sleep(self, seconds: float) -> None:
        self.moment += timedelta(seconds=seconds)
        self.slept += seconds

    def monotonic(self) -> float:
        return self.slept


def most_in_window(times: list[datetime], window_s: float) -> int:
    window = timedelta(seconds=window_s)
    return max((sum(1 for other in times if first <= other < first + window) for first in times), default=0)


def has_room(calls: list[Call], family: str, now: datetime) -> bool:
    """Say by plain counting whether one more call at this moment would keep every limit."""

    def count(window_s: float, only: str | None = None) -> int:
        return sum(1 for at, of in calls if (now - at).total_seconds() < window_s and only in (None, of))

    family_has_room = family != FAMILY or count(60, FAMILY) < 2
    return count(60) < 6 and count(2.0) < 3 and family_has_room


@given(st.lists(st.tuples(st.floats(0, 25), st.sampled_from(["", FAMILY])), max_size=60))
def test_no_window_ever_holds_more_than_its_limit_and_nobody_waits_when_there_is_room(
    steps: list[tuple[float, str]],
) -> None:
    ledger, now, made = MemoryLedger(), START, []
    calls: list[Call] = []
    for pause, family in steps:
        now += timedelta(seconds=pause)
        room = has_room(calls, family, now)
        wait = ledger.reserve("a", family, SMALL, now)
        assert (wait == 0.0) == room
        if wait:
            # The wait told is enough, and no longer than needed.
            almost = now + timedelta(seconds=wait) - timedelta(milliseconds=1)
            assert not has_room(calls, family, almost)
            now += timedelta(seconds=wait)
            assert ledger.reserve("a", family, SMALL, now) == 0.0
        calls.append((now, family))
        made.append(now)
    assert most_in_window(made, 60) <= 6
    assert most_in_window(made, 2.0) <= 3
    assert most_in_window([at for at, family in calls if family == FAMILY], 60) <= 2


@pytest.mark.parametrize(
    ("history", "blocked_s", "family", "expected"),
    [
        ([], None, "", 0.0),
        ([0], None, "", 0.0),
        ([0, 0, 0], None, "", 2.0),
        ([59.9, 59.9, 30, 30, 20, 10], None, "", 0.1),
        ([60, 60, 60, 60, 60, 60], None, "", 0.0),
        ([], 5, "", 5.0),
        ([], -5, "", 0.0),
        ([0, 0, 0], 30, "", 30.0),
        ([-20, -20, -20, -20, -20, -20], None, "", 80.0),
        ([-3600] * 10, None, "", 0.0),
    ],
)
def test_decision_by_example(history: list[float], blocked_s: float | None, family: str, expected: float) -> None:
    """Ages in seconds; negative ones come from a machine whose clock is ahead, or was put back by an hour."""
    calls = [(START - timedelta(seconds=age), "") for age in history]
    until = None if blocked_s is None else START + timedelta(seconds=blocked_s)
    assert decide(calls, until, family, SMALL, START) == pytest.approx(expected)


def test_accounts_do_not_share_their_limits() -> None:
    ledger = MemoryLedger()
    waits = [ledger.reserve(account, "", SMALL, START) for account in ("a", "a", "a", "b")]
    assert waits == [0.0, 0.0, 0.0, 0.0]
    assert ledger.reserve("a", "", SMALL, START) == 2.0


def test_shorter_block_does_not_end_a_longer_one() -> None:
    ledger = MemoryLedger()
    ledger.block("a", START + timedelta(seconds=60))
    ledger.block("a", START + timedelta(seconds=5))
    assert ledger.reserve("a", "", SMALL, START) == 60.0


def test_pacer_waits_for_room_and_counts() -> None:
    clock = SteppingClock()
    pacer = LedgerPacer(MemoryLedger(), "a", clock, limits=SMALL)
    for _call in range(7):
        pacer.before("")
    assert pacer.calls == 7
    assert clock.slept == pytest.approx(60.0)


def test_two_pacers_on_one_ledger_share_one_budget() -> None:
    clock, ledger = SteppingClock(), MemoryLedger()
    one, two = (LedgerPacer(ledger, "a", clock, limits=SMALL) for _pacer in range(2))
    for _round in range(3):
        one.before("")
        two.before("")
    assert clock.slept == pytest.approx(2.0)
    assert (one.calls, two.calls) == (3, 3)


def test_pacer_gives_up_when_the_wait_is_longer_than_allowed() -> None:
    clock = SteppingClock()
    pacer = LedgerPacer(MemoryLedger(), "a", clock, max_wait_s=30, limits=SMALL)
    pacer.told_to_wait(45)
    with pytest.raises(RateLimited, match="another 45 seconds.*run it again later") as caught:
        pacer.before("")
    assert (caught.value.retry_after_s, pacer.calls, clock.slept) == (45.0, 0, 0.0)


@pytest.mark.parametrize("told", [901.0, 86400.0, 1e12, float("inf")])
def test_a_wait_that_is_told_holds_nobody_for_more_than_15_minutes(told: float) -> None:
    clock = SteppingClock()
    pacer = LedgerPacer(MemoryLedger(), "a", clock, max_wait_s=30, limits=SMALL)
    pacer.told_to_wait(told)
    with pytest.raises(RateLimited) as caught:
        pacer.before("")
    assert caught.value.retry_after_s == 900.0


@pytest.mark.parametrize(("left", "waits"), [(20, 0.0), (5, 0.0), (4, 60 / 35), (0, 5 * 60 / 35)])
def test_pacer_slows_down_before_nothing_is_left(left: int, waits: float) -> None:
    clock = SteppingClock()
    pacer = LedgerPacer(MemoryLedger(), "a", clock, limits=SMALL)
    pacer.remaining(left, 35)
    pacer.before("")
    assert clock.slept == pytest.approx(waits, abs=0.01)
