# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""When a change is looked at: first when the pace of its device says so, then in steps that grow (design §6)."""

from __future__ import annotations

import pathlib
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timezone
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.edgecert.clm.plugins.module_utils._clm import paces, patience
from ansible_collections.edgecert.clm.plugins.module_utils._clm.paces import CSR, PRODUCTION, STAGING, VERIFY, Pace
from ansible_collections.edgecert.clm.plugins.module_utils._clm.ports import Ports
from ansible_collections.edgecert.clm.tests.support.flow import Bench
from ansible_collections.edgecert.clm.tests.support.virtual_bench import VirtualBench

STAGES = (CSR, VERIFY, STAGING, PRODUCTION)
USUAL = {CSR: 86.0, VERIFY: 65.0, STAGING: 901.0, PRODUCTION: 1805.0}
"""About what CPS takes, seconds."""
SLOW = Pace(least={CSR: 30.0})
known = st.dictionaries(st.sampled_from(STAGES), st.floats(0, 10_000))
any_pace = st.builds(Pace, known, known, st.booleans())


def follow(pace: Pace, stage: str, takes_s: float) -> tuple[Pace, int, float]:
    """Look until a stage is over; give what is known then, the looks, and the seconds at the last one."""
    waited_s, looks = 0.0, 0
    while True:
        waited_s, looks = pace.next_s(stage, waited_s), looks + 1
        if waited_s >= takes_s:
            return pace.after(stage, waited_s, waited_s), looks, waited_s
        pace = pace.after_vain(stage, waited_s)


@given(pace=any_pace, stage=st.sampled_from(STAGES), waited_s=st.floats(0, 100_000), is_waited=st.booleans())
def test_a_look_is_always_ahead_and_never_an_hour_away(
    pace: Pace, stage: str, waited_s: float, is_waited: bool
) -> None:
    following = pace.next_s(stage, waited_s, is_waited=is_waited)
    assert waited_s + 0.1 < following <= max(waited_s + 900, 3600)


@pytest.mark.parametrize("stage", STAGES)
def test_a_stage_at_a_device_of_which_nothing_is_known_takes_few_looks(stage: str) -> None:
    """Design §6: at the pace of CPS itself."""
    _pace, looks, seen_at = follow(SLOW, stage, USUAL[stage])
    assert looks <= 4 and seen_at <= USUAL[stage] * 1.4


@given(stage=st.sampled_from(STAGES), share=st.floats(1.0, 2.0))
def test_who_waits_waits_no_longer_than_half_of_it_more_or_a_minute(stage: str, share: float) -> None:
    takes_s = share * {CSR: 30, VERIFY: 30, STAGING: 300, PRODUCTION: 600}[stage]
    _pace, _looks, seen_at = follow(SLOW, stage, takes_s)
    assert seen_at - takes_s <= max(60.0, takes_s / 2) + 0.1


@given(stage=st.sampled_from((STAGING, PRODUCTION)), takes_s=st.floats(320, 1700))
def test_a_pace_that_holds_is_learned(stage: str, takes_s: float) -> None:
    """After a few lives: two looks a stage on average, and a fifth of the stage at most is waited in vain."""
    pace, looks, late = SLOW, [], []
    for _life in range(60):
        pace, count, seen_at = follow(pace, stage, takes_s)
        looks.append(count)
        late.append(seen_at / takes_s - 1)
    assert sum(looks[20:]) / 40 <= 2.2, looks
    assert max(late[20:]) <= 0.34 and sum(late[20:]) / 40 <= 0.2, late


def test_one_that_was_very_late_spoils_no_pace() -> None:
    pace = Pace(seen={PRODUCTION: 1800.0})
    pace, _looks, seen_at = follow(pace, PRODUCTION, 20_000.0)
    assert seen_at < 20_900 and pace.next_s(PRODUCTION, 0.0) <= 3600


def test_a_device_as_fast_as_a_sandbox_is_looked_at_as_soon() -> None:
    """Playbooks that run in real time do not wait for minutes there."""
    pace, waited_s = Pace(), 0.0
    for stage in STAGES:
        pace, _looks, seen_at = follow(pace, stage, 0.2)
        waited_s += seen_at
    assert waited_s <= 4.0
    assert pace.next_s(STAGING, 0.0) <= 1.0 and pace.is_at_once(CSR)


def test_a_device_that_is_no_faster_than_cps_is_not_looked_at_in_vain() -> None:
    pace, looks, _seen_at = follow(Pace(), CSR, USUAL[CSR])
    assert looks == 4
    assert [pace.next_s(stage, 0.0) for stage in (VERIFY, STAGING, PRODUCTION)] == [30.0, 300.0, 600.0]


def test_nobody_waits_so_an_unknown_device_is_taken_for_cps() -> None:
    assert Pace().next_s(STAGING, 0.0, is_waited=False) == 300.0
    assert Pace().next_s(STAGING, 0.0) == 1.0
    assert Pace(seen={CSR: 0.1}).next_s(STAGING, 0.0, is_waited=False) == 1.0


def test_who_comes_an_hour_late_learns_nothing_of_what_was_unknown() -> None:
    assert SLOW.after(STAGING, 5000.0, 300.0) == SLOW
    assert Pace(seen={STAGING: 900.0}).after(STAGING, 5000.0, 900.0).seen[STAGING] == pytest.approx(765.0)


def test_what_was_looked_at_in_vain_is_not_looked_at_so_soon_elsewhere() -> None:
    """A hundred that were begun together: what the first look of one found holds for the others."""
    vain = SLOW.after_vain(STAGING, 300.0)
    assert vain.next_s(STAGING, 0.0) == 450.0
    assert not vain.may_be_over_by(STAGING, 400.0) and vain.may_be_over_by(STAGING, 450.0)
    assert vain.after(STAGING, 450.0, 450.0).least == {CSR: 30.0}


def test_what_was_learned_is_kept_with_the_device_and_told_as_no_open_work(bench: Bench) -> None:
    now = bench.clock.now()
    paces.learn(bench.store, "edge", lambda pace: pace.after(CSR, 90.0, 90.0).warned(is_warned=True), now)
    paces.learn(bench.store, "edge", lambda pace: pace.after_vain(STAGING, 300.0), now)
    paces.learn(bench.store, "other", lambda pace: pace, now)
    with bench.store.read() as unit:
        assert paces.of(unit, "edge") == Pace({CSR: 90.0}, {STAGING: 450.0}, is_warned=True)
        assert paces.of(unit, "other") == Pace()
        assert unit.intents.count() == 1 and unit.intents.count(finished_at=None) == 0
    assert bench.audit() == []


@given(seconds=st.floats(0.1, 3000), place=st.text(max_size=20), at=st.integers(0, 4_000_000_000))
def test_a_look_on_the_beat_is_put_off_by_half_at_most(seconds: float, place: str, at: int) -> None:
    given_s = patience.on_beat(seconds, place, datetime.fromtimestamp(at, timezone.utc))
    assert seconds - 1e-3 <= given_s <= seconds * 1.5 + 1e-3


def test_those_that_wait_at_one_place_are_looked_at_on_the_same_beat() -> None:
    moments = {
        round(at + patience.on_beat(600.0, "edge/C-1", datetime.fromtimestamp(at, timezone.utc)))
        for at in range(1_800_000_000, 1_800_000_300, 7)
    }
    assert len(moments) <= 3


def test_each_store_looks_on_a_beat_of_its_own(virtual: VirtualBench) -> None:
    """CPS protocol §5.3, jitter: two machines with a store each do not ask at the same moments for ever."""

    def marked(mark: str) -> Ports:
        return replace(virtual.ports, mark=lambda: mark)

    now = virtual.clock.now()
    beats = {
        round((now.timestamp() + patience.on_beat(600.0, patience.place_of(marked(mark), "edge", "C-1"), now)) % 150)
        for mark in ("", "a", "b", "c")
    }
    assert patience.place_of(virtual.ports, "edge", "C-1") == "edge/C-1" and len(beats) > 1


def test_a_store_is_told_from_every_other_one_and_stays_itself(tmp_path: pathlib.Path) -> None:
    benches = []
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        benches.append(VirtualBench(tmp_path / name, actor=name))
    one, other = benches
    assert one.store.mark == other.store.mark == ""
    for bench in benches:
        bench.prepare()
    again = one.open_store("somebody else")
    assert again.mark and again.mark == one.open_store().mark and again.mark != other.open_store().mark


@given(seconds=st.floats(0, 4000), chance=st.floats(0, 1))
def test_a_wait_is_spread_to_later_and_by_little(seconds: float, chance: float) -> None:
    """CPS protocol §5.3, jitter: a call that waits by itself goes on when it would, or a little later."""
    ports: Any = SimpleNamespace(chance=lambda: chance)
    assert seconds <= patience.spread(seconds, ports) <= seconds + min(seconds * 0.2, 30.0) + 1e-9


@pytest.mark.parametrize("chance", [0.5, 1.0])
def test_calls_that_began_together_do_not_go_on_together(tmp_path: pathlib.Path, chance: float) -> None:
    """CPS protocol §5.3, jitter: it costs no more calls; where chance says nothing, time is what it was."""

    def at(found: float) -> Callable[[], float]:
        return lambda: found

    taken = []
    for number, given_chance in enumerate((0.0, chance)):
        (tmp_path / str(number)).mkdir()
        bench = VirtualBench(tmp_path / str(number))
        bench.prepare()
        bench.ports = replace(bench.ports, chance=at(given_chance))
        bench.enroll()
        bench.connector()
        assert dict(bench.push(wait_timeout=7200).record or {})["state"] == "completed"
        taken.append((bench.clock.moment, bench.cps.calls.total()))
        bench.close()
    assert taken[1][0] > taken[0][0] and taken[1][1] <= taken[0][1]


def test_a_long_wait_holds_on_what_is_held() -> None:
    """Leases last minutes."""
    slept: list[float] = []
    held: list[float] = []

    class Moved:
        def now(self) -> datetime:
            raise AssertionError

        def monotonic(self) -> float:
            return sum(slept)

        def sleep(self, seconds: float) -> None:
            slept.append(seconds)

    patience.sleep(Moved(), 1000.0, lambda: held.append(sum(slept)))
    assert max(slept) <= 300.0 and sum(slept) == 1000.0 and len(held) == len(slept)


def test_what_one_slow_life_left_does_not_stand_for_ever() -> None:
    """Where the end is always found late, the first look comes earlier from life to life, as far as CPS's own pace."""
    pace = Pace(least={CSR: 30.0, PRODUCTION: 3600.0})
    for _life in range(12):
        pace = pace.after(PRODUCTION, 9000.0, pace.next_s(PRODUCTION, 0.0))
    assert pace.next_s(PRODUCTION, 0.0) == 600.0 and pace.least[CSR] == 30.0
