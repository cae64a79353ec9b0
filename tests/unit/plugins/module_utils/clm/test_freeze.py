# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Freeze windows: what is frozen until when, over changes of the clock, against an oracle that looks at each minute."""

from __future__ import annotations

import zoneinfo
from collections.abc import Iterator
from datetime import date, datetime, time, timedelta, timezone
from typing import Any

import pytest
import yaml
from hypothesis import example, given, settings
from hypothesis import strategies as st

from ansible_collections.edgecert.clm.plugins.module_utils._clm import freeze
from ansible_collections.edgecert.clm.plugins.module_utils._core.errors import InputError, PolicyError
from ansible_collections.edgecert.clm.plugins.module_utils._core.governance import Group

MINUTE = timedelta(minutes=1)
WEEK = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
NIGHTS = {"name": "nights", "weekdays": ["fri", "sat"], "from": "18:00", "until": "06:00", "time_zone": "Europe/Berlin"}
HOLIDAYS = {"name": "holidays", "starts_at": "2026-12-20", "ends_at": "2027-01-03", "time_zone": "Europe/Berlin"}


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=timezone.utc)


def until(windows: list[dict[str, Any]], at: str, kind: str = "push", network: str = "production") -> str | None:
    held = freeze.frozen(windows, kind=kind, network=network, at=utc(at))
    return None if held is None else f"{held.until:%Y-%m-%d %H:%M}"


# Windows, the moment in UTC, and until when it is frozen.
MOMENTS: list[tuple[list[dict[str, Any]], str, str | None]] = [
    ([], "2026-11-27 18:00", None),
    ([NIGHTS], "2026-11-27 16:59", None),
    ([NIGHTS], "2026-11-27 17:00", "2026-11-28 05:00"),
    ([NIGHTS], "2026-11-28 04:59", "2026-11-28 05:00"),
    ([NIGHTS], "2026-11-28 05:00", None),
    ([NIGHTS], "2026-11-28 17:00", "2026-11-29 05:00"),
    ([NIGHTS], "2026-11-29 17:00", None),
    # In summer an hour earlier, and over the change of the clock an hour longer or shorter.
    ([NIGHTS], "2026-07-03 16:00", "2026-07-04 04:00"),
    ([NIGHTS], "2026-03-28 17:00", "2026-03-29 04:00"),
    ([NIGHTS], "2026-10-24 16:00", "2026-10-25 05:00"),
    # A day alone counts whole; overlapping windows, and those without a gap, are one.
    ([HOLIDAYS], "2026-12-19 22:59", None),
    ([HOLIDAYS], "2026-12-19 23:00", "2027-01-03 23:00"),
    ([NIGHTS, HOLIDAYS], "2026-12-19 17:00", "2027-01-03 23:00"),
    ([{**HOLIDAYS, "ends_at": "2027-01-01"}, NIGHTS], "2026-12-21 00:00", "2027-01-02 05:00"),
    ([{**HOLIDAYS, "ends_at": "2027-01-01T18:00"}, NIGHTS], "2026-12-21 00:00", "2027-01-02 05:00"),
    ([{**HOLIDAYS, "ends_at": "2027-01-01T17:59"}, NIGHTS], "2026-12-21 00:00", "2027-01-01 16:59"),
    ([{**HOLIDAYS, "starts_at": "2026-12-20T00:00:00Z"}], "2026-12-19 23:59", None),
    ([{**HOLIDAYS, "starts_at": "2026-12-20T05:00:00+05:00"}], "2026-12-20 00:00", "2027-01-03 23:00"),
    ([{"name": "d", "weekdays": ["mon"], "from": "08:00", "until": "08:00"}], "2026-11-24 07:59", "2026-11-24 08:00"),
    ([{"name": "d", "weekdays": "Monday", "from": "0:00", "until": "24:00"}], "2026-11-23 00:00", "2026-11-24 00:00"),
]


@pytest.mark.parametrize(("windows", "at", "end"), MOMENTS, ids=[f"{n}-{m[1]}" for n, m in enumerate(MOMENTS)])
def test_a_moment_is_frozen_until_no_window_holds(windows: list[dict[str, Any]], at: str, end: str | None) -> None:
    """W2: so do the windows as they are stored."""
    assert freeze.problems(windows) == []
    assert until(windows, at) == end
    assert until(list(freeze.normalized(windows)), at) == end


KINDS: list[tuple[dict[str, Any], list[bool]]] = [
    ({}, [False, True, True]),
    ({"kinds": ["enroll"]}, [True, False, False]),
    ({"kinds": ["push", "enroll"]}, [True, True, True]),
    ({"networks": ["production"]}, [False, False, True]),
    ({"networks": ["staging"], "kinds": ["enroll", "push"]}, [True, True, False]),
    ({"networks": [], "kinds": None}, [False, True, True]),
]


@pytest.mark.parametrize(("which", "expected"), KINDS, ids=[str(k[0]) for k in KINDS])
def test_a_window_is_about_kinds_and_networks(which: dict[str, Any], expected: list[bool]) -> None:
    """W2: pushes alone by default; an enrolment goes to no network."""
    windows = [{**HOLIDAYS, **which}]
    assert freeze.problems(windows) == []
    held = [until(windows, "2026-12-24 12:00", kind, network) for kind, network in freeze.FREEZABLE]
    assert [end is not None for end in held] == expected
    group = Group("web", freeze_windows=tuple(windows))
    for (kind, network), is_frozen in zip(freeze.FREEZABLE, expected, strict=True):
        start = freeze.next_start(windows, kind=kind, network=network, at=utc("2026-12-01 00:00"))
        assert start == (utc("2026-12-19 23:00") if is_frozen else None)
        about: dict[str, Any] = {"kind": kind, "network": network, "at": utc("2026-12-24 12:00")}
        if not is_frozen:
            freeze.check(group, what="Cannot push x", override="", **about)
            continue
        with pytest.raises(PolicyError) as caught:
            freeze.check(group, what="Cannot push x", override=" \t", **about)
        assert caught.value.code == "frozen"
        assert caught.value.details == {"group": "web", "window": "holidays", "until": "2027-01-03T23:00:00Z"}
        assert caught.value.message.startswith("Cannot push x: group web is frozen by window holidays until 2027-01-03")
        freeze.check(group, what="Cannot push x", override="the old one is compromised", **about)


def test_the_next_window_is_told() -> None:
    """W2: while frozen, the one after."""
    about = {"kind": "push", "network": "staging"}
    assert freeze.next_start([NIGHTS, HOLIDAYS], **about, at=utc("2026-11-27 16:59")) == utc("2026-11-27 17:00")
    assert freeze.next_start([NIGHTS], **about, at=utc("2026-11-28 17:00")) == utc("2026-12-04 17:00")
    assert freeze.next_start([HOLIDAYS], **about, at=utc("2026-12-21 00:00")) is None


# -- what is typed ---------------------------------------------------------------------------------------------------


def window(**changes: Any) -> dict[str, Any]:
    return {"name": "w", "weekdays": ["mon"], "from": "08:00", "until": "09:00", **changes}


BAD: list[tuple[Any, str]] = [
    ("monday", "freeze_windows[1] 'monday' is not a dictionary"),
    (window(name=" "), "name is missing"),
    (window(colour="red"), "unknown members colour; known are name, starts_at"),
    ({"name": "w"}, "it needs either starts_at and ends_at, or weekdays, from and until"),
    (window(starts_at="2026-01-01"), "it needs either"),
    (window(weekdays=[]), "weekdays is missing"),
    (window(until=None), "until is missing"),
    (window(weekdays=["mon", "xyz"]), "weekdays xyz unknown; there are mon, tue"),
    (window(kinds=["pull"]), "kinds pull unknown; there are enroll, push"),
    (window(networks=["test"]), "networks test unknown; there are staging, production"),
    (window(time_zone="Europe/Atlantis"), "time_zone 'Europe/Atlantis' is unknown"),
    (window(time_zone="Europe"), "time_zone 'Europe' is unknown"),
    (window(time_zone="../../etc/passwd"), "time_zone '../../etc/passwd' is unknown"),
    (window(**{"from": "24:00"}), 'from 24:00 is no time of day; write it in quotes, as "18:00"'),
    (window(**{"from": "8"}), "from 8 is no time of day"),
    (window(**{"from": 384}), "from 384 is no time of day"),
    (window(**{"from": True}), "from True is no time of day"),
    (window(until="0600"), "until 0600 is no time of day"),
    (window(until="25:00"), "until 25:00 is no time of day"),
    (window(until="23:60"), "until 23:60 is no time of day"),
    ({**HOLIDAYS, "ends_at": "2026-12-19T23:59"}, "ends_at 2026-12-19T23:59 is not after starts_at 2026-12-20"),
    ({**HOLIDAYS, "ends_at": None}, "ends_at is missing"),
    ({**HOLIDAYS, "starts_at": "soon"}, "starts_at soon is no time like"),
    ({**HOLIDAYS, "starts_at": "2026-02-30"}, "starts_at 2026-02-30 is no time like"),
    ({**HOLIDAYS, "starts_at": "2026-12-20T25:00"}, "starts_at 2026-12-20T25:00 is no time like"),
    ({**HOLIDAYS, "starts_at": "0001-01-01"}, "the year is not one of 2000 to 2999"),
    ({**HOLIDAYS, "ends_at": "9999-12-31"}, "the year is not one of 2000 to 2999"),
]


@pytest.mark.parametrize(("given_window", "words"), BAD, ids=[b[1][:50] for b in BAD])
def test_a_window_that_cannot_be_is_refused(given_window: Any, words: str) -> None:
    """G: with its number and name; and never taken for a free time."""
    (problem,) = freeze.problems([given_window])
    assert words in problem and problem.startswith("freeze_windows[1]")
    with pytest.raises(InputError, match="Cannot tell whether it is frozen"):
        freeze.frozen([given_window], kind="push", network="staging", at=utc("2026-01-01 00:00"))


def test_every_problem_of_every_window_is_told() -> None:
    """G."""
    windows = [window(weekdays=["x"], until="y"), window(name="v", kinds=["z"]), window(name="u"), window(name="u")]
    found = freeze.problems(windows)
    assert [problem.split(":")[0] for problem in found] == [
        "freeze_windows[1] (w)",
        "freeze_windows[1] (w)",
        "freeze_windows[2] (v)",
        "freeze_windows",
    ]
    assert found[-1] == "freeze_windows: 2 are named u"


ENDLESS: list[tuple[list[dict[str, Any]], list[str]]] = [
    ([window(weekdays=WEEK, until="08:00")], ["push to staging", "push to production"]),
    ([window(weekdays=WEEK, until="08:00", networks=["staging"])], ["push to staging"]),
    ([window(weekdays=WEEK, until="08:00", kinds=["enroll"])], ["enroll"]),
    (
        [window(weekdays=WEEK, until="20:00"), {**window(weekdays=WEEK, name="n", until="08:00"), "from": "20:00"}],
        ["push to staging", "push to production"],
    ),
    ([window(weekdays=WEEK, until="20:00"), {**window(weekdays=WEEK, name="n", until="08:00"), "from": "20:01"}], []),
    ([window(weekdays=WEEK, until="07:59")], []),
]


@pytest.mark.parametrize(("windows", "stopped"), ENDLESS, ids=range(len(ENDLESS)))
def test_windows_that_leave_no_time_at_all_are_refused(windows: list[dict[str, Any]], stopped: list[str]) -> None:
    """G: a policy under which nothing could ever be done is a mistake."""
    assert freeze.problems(windows) == [f"freeze_windows leave no time at all for {what}" for what in stopped]


def test_what_yaml_makes_of_times_and_days_is_taken() -> None:
    """G: YAML 1.1 reads 18:00 as a number and 2026-12-20 as a date."""
    text = """
    - {name: n, weekdays: [fri], from: 18:00, until: 06:00}
    - {name: d, starts_at: 2026-12-20, ends_at: 2027-01-02}
    - {name: t, starts_at: 2027-03-01 10:00:00, ends_at: 2027-03-02T10:00:00+01:00}
    """
    windows = yaml.safe_load(text)
    assert windows[0]["from"] == 1080 and windows[1]["starts_at"] == date(2026, 12, 20)
    quoted: list[dict[str, Any]] = [
        {"name": "n", "weekdays": ["fri"], "from": "18:00", "until": "06:00"},
        {"name": "d", "starts_at": "2026-12-20", "ends_at": "2027-01-02"},
        {"name": "t", "starts_at": "2027-03-01T10:00:00", "ends_at": "2027-03-02T09:00:00Z"},
    ]
    as_text = [{key: value if isinstance(value, list) else str(value) for key, value in w.items()} for w in windows]
    for given_windows in (windows, as_text):
        assert freeze.problems(given_windows) == []
        assert freeze.normalized(given_windows) == freeze.normalized(quoted)


def test_windows_are_written_in_one_way() -> None:
    """G: written again they stay as they are."""
    written = freeze.normalized([NIGHTS, HOLIDAYS])
    assert written[0] == {**NIGHTS, "kinds": ["push"], "networks": ["staging", "production"]}
    assert (written[1]["starts_at"], written[1]["ends_at"]) == ("2026-12-20T00:00:00", "2027-01-04T00:00:00")
    assert freeze.normalized(written) == written


def test_a_python_without_time_zones_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    """G: and UTC needs none."""
    zoneinfo.ZoneInfo.clear_cache()
    monkeypatch.setattr(zoneinfo, "available_timezones", set)

    def missing(name: str) -> None:
        raise zoneinfo.ZoneInfoNotFoundError(name)

    monkeypatch.setattr(zoneinfo, "ZoneInfo", missing)
    assert freeze.problems([window()]) == []
    (problem,) = freeze.problems([window(time_zone="Europe/Berlin")])
    assert "this Python has no time zone database; install the Python library tzdata" in problem


# -- the oracle ------------------------------------------------------------------------------------------------------

ZONES = ("Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata", "America/Sao_Paulo", "UTC")
# About the days on which clocks are changed, by half an hour in Lord Howe.
STARTS = ("2026-03-06", "2026-03-27", "2026-04-03", "2026-10-02", "2026-10-23", "2026-10-30", "2018-11-02")


def shown(at: datetime, zone: zoneinfo.ZoneInfo) -> datetime:
    """Say what the clock on the wall shows."""
    return at.astimezone(zone).replace(tzinfo=None)


def covered(windows: list[dict[str, Any]], minutes: list[datetime]) -> list[bool]:
    """Say of each minute whether a window holds, by looking at the clock in each of them.

    From the first minute in which the clock shows the beginning or later, to the one before it shows the end for the
    last time, or passes it.
    """
    held = [False] * len(minutes)
    for w in windows:
        zone = zoneinfo.ZoneInfo(w["time_zone"])
        clock = [shown(at, zone) for at in minutes]
        for begin, end in walls(w, clock[0].date(), clock[-1].date()):
            first = next((n for n, wall in enumerate(clock) if wall >= begin), len(clock))
            shows = [n for n, wall in enumerate(clock) if wall == end]
            over = shows[-1] if shows else next((n for n, wall in enumerate(clock) if wall > end), len(clock))
            for number in range(first, over):
                held[number] = True
    return held


def walls(w: dict[str, Any], first: date, last: date) -> Iterator[tuple[datetime, datetime]]:
    """Give beginning and end of a window as clocks show them."""
    if "starts_at" in w:
        yield datetime.fromisoformat(w["starts_at"]), datetime.fromisoformat(w["ends_at"])
        return
    begin, end = time.fromisoformat(w["from"]), time.fromisoformat(w["until"])
    for number in range((last - first).days + 1):
        day = first + timedelta(days=number)
        if WEEK[day.weekday()] in w["weekdays"]:
            ends_on = day if end > begin else day + timedelta(days=1)
            yield datetime.combine(day, begin), datetime.combine(ends_on, end)


CLOCKS = st.times().map(lambda t: f"{t:%H:%M}") | st.sampled_from(["01:30", "02:00", "02:30", "03:00", "00:00"])
WEEKLY = st.fixed_dictionaries(
    {
        "weekdays": st.lists(st.sampled_from(WEEK), min_size=1, max_size=4, unique=True),
        "from": CLOCKS,
        "until": CLOCKS,
        "time_zone": st.sampled_from(ZONES),
    }
)


def absolute(start: str) -> st.SearchStrategy[dict[str, Any]]:
    walls_of = st.integers(0, 5 * 24 * 60).map(
        lambda m: (datetime.fromisoformat(start) + m * MINUTE).isoformat(timespec="minutes")
    )
    ends = st.tuples(walls_of, walls_of).map(sorted)
    return st.tuples(ends, st.sampled_from(ZONES)).map(
        lambda drawn: {"starts_at": drawn[0][0], "ends_at": drawn[0][1], "time_zone": drawn[1]}
    )


CASES = st.sampled_from(STARTS).flatmap(
    lambda start: st.tuples(
        st.just(start),
        st.lists(st.one_of(WEEKLY, absolute(start)), min_size=1, max_size=4),
        st.lists(st.integers(0, 5 * 24 * 60), min_size=1, max_size=25),
    )
)
BERLIN_NIGHT = {"weekdays": ["sat", "sun"], "from": "02:30", "until": "03:30", "time_zone": "Europe/Berlin"}


@settings(max_examples=60, deadline=None)
@given(CASES)
@example(("2026-10-23", [BERLIN_NIGHT], list(range(48 * 60, 52 * 60, 5))))
@example(("2026-10-23", [{**BERLIN_NIGHT, "until": "02:45"}], list(range(48 * 60, 52 * 60, 5))))
@example(("2026-10-23", [{**BERLIN_NIGHT, "from": "01:00", "until": "02:00"}], list(range(46 * 60, 52 * 60, 5))))
@example(("2026-10-23", [{**BERLIN_NIGHT, "from": "02:00", "until": "03:00"}], list(range(46 * 60, 52 * 60, 5))))
@example(("2026-03-27", [BERLIN_NIGHT], list(range(48 * 60, 52 * 60, 5))))
@example(("2026-03-27", [{**BERLIN_NIGHT, "from": "01:00", "until": "02:30"}], list(range(48 * 60, 52 * 60, 5))))
@example(("2026-03-27", [{**BERLIN_NIGHT, "from": "02:10", "until": "02:50"}], list(range(48 * 60, 52 * 60, 5))))
def test_frozen_is_what_a_look_at_every_minute_says(case: tuple[str, list[dict[str, Any]], list[int]]) -> None:
    """W2: over both changes of the clock, for windows that overlap, follow one another, or lie in a skipped hour."""
    start, drawn, numbers = case
    windows = [{"name": f"w{number}", **w} for number, w in enumerate(drawn)]
    if freeze.problems(windows):
        # An absolute window that is empty, or a week without any time: refused when saved, never asked about.
        return
    lead, tail = 3 * 24 * 60, 14 * 24 * 60
    first = utc(start) - lead * MINUTE
    minutes = [first + number * MINUTE for number in range(lead + 5 * 24 * 60 + tail)]
    held = covered(windows, minutes)
    for number in numbers:
        at = lead + number
        free = next(n for n in range(at, len(held)) if not held[n])
        expected = None if free == at else minutes[free]
        found = freeze.frozen(windows, kind="push", network="production", at=minutes[at])
        assert (found.until if found else None) == expected
        if found is None:
            begins = (n for n in range(at + 1, at + 8 * 24 * 60) if held[n])
            coming = freeze.next_start(windows, kind="push", network="staging", at=minutes[at])
            begin = next(begins, None)
            if begin is not None:
                assert coming == minutes[begin]
            else:
                assert coming is None or coming >= minutes[at + 8 * 24 * 60]
