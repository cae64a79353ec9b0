# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rate limits by a clock handed in: windows, styles, block; and the faults' book."""

from __future__ import annotations

import pytest
from edgecert_sandbox import faults, limits
from edgecert_sandbox.replies import limit_reply
from edgecert_sandbox.wire import Request
from hypothesis import given
from hypothesis import strategies as st


class Clock:
    """A clock that stands still until it is moved."""

    def __init__(self) -> None:
        self.moment = 1_700_000_000.0

    def __call__(self) -> float:
        return self.moment


def counted(clock: Clock, **settings: object) -> limits.Limits:
    return limits.Limits(clock, limits.changed(limits.LimitSettings(), settings))


def take(the_limits: limits.Limits, clock: Clock, times: int, step: float, *, active: bool = False) -> list[bool]:
    taken = []
    for _round in range(times):
        taken.append(the_limits.take("main", active_certificates=active).passes)
        clock.moment += step
    return taken


def test_thirty_five_calls_a_minute_pass_and_the_next_waits_for_the_oldest() -> None:
    clock = Clock()
    the_limits = counted(clock)
    assert take(the_limits, clock, 36, 1.0) == [True] * 35 + [False]
    clock.moment += 59.0 - 36.0
    assert the_limits.take("main").wait_s == pytest.approx(1.0)
    clock.moment += 1.0
    assert the_limits.take("main").passes


def test_twenty_calls_in_two_seconds_pass_and_the_next_waits() -> None:
    clock = Clock()
    the_limits = counted(clock)
    assert take(the_limits, clock, 21, 0.01) == [True] * 20 + [False]
    clock.moment += 2.0
    assert the_limits.take("main").passes


def test_ten_reads_of_active_certificates_a_minute_pass_and_others_go_on() -> None:
    clock = Clock()
    the_limits = counted(clock)
    assert take(the_limits, clock, 11, 1.0, active=True) == [True] * 10 + [False]
    assert the_limits.take("main").passes


def test_accounts_do_not_share_their_limits() -> None:
    clock = Clock()
    the_limits = counted(clock, per_minute=1)
    assert the_limits.take("main").passes
    assert not the_limits.take("main").passes
    assert the_limits.take("partner").passes


def test_what_remains_is_told() -> None:
    clock = Clock()
    the_limits = counted(clock)
    assert [the_limits.take("main").remaining for _round in range(3)] == [34, 33, 32]


def test_a_client_that_hammers_on_is_blocked_for_a_minute() -> None:
    clock = Clock()
    the_limits = counted(clock, block_after=5)
    take(the_limits, clock, 24, 0.01)
    assert the_limits.take("main").blocked
    clock.moment += 59.0
    assert the_limits.take("main").blocked
    clock.moment += 2.0
    assert the_limits.take("main").passes


@given(st.lists(st.floats(min_value=0.0, max_value=30.0), max_size=120))
def test_no_window_ever_lets_more_pass_than_its_limit(steps: list[float]) -> None:
    clock = Clock()
    the_limits = counted(clock, block_after=0)
    passed = []
    for step in steps:
        clock.moment += step
        if the_limits.take("main").passes:
            passed.append(clock.moment)
    for start in passed:
        assert sum(1 for moment in passed if start <= moment < start + 60.0) <= 35
        assert sum(1 for moment in passed if start <= moment < start + 2.0) <= 20


@pytest.mark.parametrize(
    ("style", "headers", "detail_end"),
    [
        ("retry-after", {"Retry-After": "13", "X-RateLimit-Limit": "35", "X-RateLimit-Remaining": "0"}, "limit."),
        (
            "next",
            {"X-RateLimit-Next": "2023-11-14T22:13:32.346Z", "X-RateLimit-Limit": "35", "X-RateLimit-Remaining": "0"},
            "limit.",
        ),
        ("text", {}, "Please try after 2023-11-14T22:13:32.346Z"),
    ],
)
def test_each_style_tells_the_wait_in_its_one_place(style: str, headers: dict[str, str], detail_end: str) -> None:
    request = Request("GET", "/cps/v2/enrollments", {"host": "localhost:1"})
    reply = limit_reply(style, 12.3456, 35, request, 1_700_000_000.0)
    assert reply.status == 429
    assert {k: v for k, v in reply.headers.items() if k != "Content-Type"} == headers
    assert reply.body.decode().partition('"detail":"')[2].partition('"')[0].endswith(detail_end)


def test_styles_rotate_or_stay() -> None:
    clock = Clock()
    assert [counted(clock).next_style()] == ["retry-after"]
    rotating = counted(clock)
    assert [rotating.next_style() for _round in range(4)] == ["retry-after", "next", "text", "retry-after"]
    assert counted(clock, style="text").next_style() == "text"


@pytest.mark.parametrize("wanted", [{"speed": 1}, {"style": "loud"}, {"per_minute": "35"}, {"per_minute": -1}])
def test_a_wrong_limit_setting_is_refused(wanted: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="limit|style"):
        limits.changed(limits.LimitSettings(), wanted)


def test_a_fault_hits_the_nth_matching_call_and_the_times_it_was_told() -> None:
    book = faults.Faults()
    book.add(faults.parse({"kind": "empty", "method": "GET", "path": "/changes/", "nth": 2, "times": 2}))
    paths = ["/cps/v2/enrollments", "/a/changes/1", "/a/changes/2", "/a/changes/3", "/a/changes/4"]
    assert [bool(book.strike("GET", path)) for path in paths] == [False, False, True, True, False]
    assert book.strike("POST", "/a/changes/1") is None
    assert book.describe() == []


def test_a_fault_without_end_hits_until_it_is_forgotten() -> None:
    book = faults.Faults()
    book.add(faults.parse({"kind": "empty", "times": 0}))
    assert all(book.strike("GET", "/") for _round in range(5))
    assert book.clear() == 1
    assert book.strike("GET", "/") is None


def test_two_faults_of_one_call_strike_one_after_the_other() -> None:
    book = faults.Faults()
    book.add(faults.parse({"kind": "empty"}))
    book.add(faults.parse({"kind": "garbage"}))
    struck = [book.strike("GET", "/") for _round in range(3)]
    assert [fault.kind if fault else None for fault in struck] == ["empty", "garbage", None]


@pytest.mark.parametrize(
    "order",
    [
        {},
        {"kind": "fire"},
        {"kind": "empty", "nth": 0},
        {"kind": "empty", "path": "("},
        {"kind": "empty", "when": "x"},
        {"kind": "empty", "times": "1"},
        {"kind": "empty", "colour": "red"},
        {"kind": "rate_limited", "style": "loud"},
        {"kind": "server_error", "status": 200},
        {"kind": "empty", "fault_id": 1},
    ],
)
def test_a_wrong_order_is_refused(order: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="fault|style|nth"):
        faults.parse(order)
