# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What may be repeated and when, as tables; time and chance are handed in."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.edgecert.clm.plugins.module_utils._core.errors import TransportError
from ansible_collections.edgecert.clm.plugins.module_utils._http.base import Request, Response
from ansible_collections.edgecert.clm.plugins.module_utils._http.retry import (
    RetryPolicy,
    asks_to_wait,
    backoff_s,
    may_repeat_failure,
    may_repeat_status,
    send,
    wait_told,
)

NOW = datetime(2026, 11, 23, 12, 0, 0, tzinfo=timezone.utc)
DATE = "Mon, 23 Nov 2026 12:00:00 GMT"
POLICY = RetryPolicy()
BURST = b'{"detail":"WAF deny rule IPBLOCK-BURST4-12345"}'
METHODS = ("GET", "HEAD", "POST", "PUT", "DELETE")


class Scripted:
    """A transport that gives prepared answers in order."""

    def __init__(self, *answers: Response | TransportError) -> None:
        self.answers = list(answers)

    def send(self, request: Request) -> Response:
        answer = self.answers.pop(0)
        if isinstance(answer, TransportError):
            raise answer
        return answer

    def close(self) -> None:
        self.answers.clear()


class Recorder:
    """A clock and a pacer that note what is asked of them."""

    def __init__(self) -> None:
        self.calls = 0
        self.slept: list[float] = []
        self.told: list[float] = []
        self.left: list[tuple[int, int]] = []

    def now(self) -> datetime:
        return NOW + timedelta(seconds=sum(self.slept))

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)

    def monotonic(self) -> float:
        return sum(self.slept)

    def before(self, family: str) -> None:
        self.calls += 1

    def told_to_wait(self, seconds: float) -> None:
        self.told.append(seconds)

    def remaining(self, left: int, limit: int) -> None:
        self.left.append((left, limit))


def answer(status: int, body: bytes = b"", **headers: str) -> Response:
    return Response(status, {name.replace("_", "-"): value for name, value in headers.items()}, body)


def failure(kind: str, *, sent: bool = True) -> TransportError:
    return TransportError("Cannot", kind=kind, sent=sent)


def run(method: str, *answers: Response | TransportError, policy: RetryPolicy = POLICY) -> tuple[Response, Recorder]:
    noted = Recorder()
    request = Request(method, "/x")
    last = send(request, Scripted(*answers), clock=noted, pacer=noted, policy=policy, chance=lambda: 0.0)
    return last, noted


@pytest.mark.parametrize(
    ("response", "expected"),
    [
        (answer(429, retry_after="7"), 7.0),
        (answer(429, retry_after="0"), 1.0),
        (answer(429, retry_after="Mon, 23 Nov 2026 12:00:30 GMT", date=DATE), 31.0),
        (answer(429, retry_after="2026-11-23T12:00:30Z", date=DATE), 31.0),
        (answer(429, x_ratelimit_next="2026-11-23T12:00:12.500Z", date=DATE), 13.5),
        # Our clock is an hour off; only the Date header tells how long the wait really is.
        (answer(429, x_ratelimit_next="2026-11-23T13:00:12.000Z", date="Mon, 23 Nov 2026 13:00:00 GMT"), 13.0),
        (answer(429, x_ratelimit_next="2026-11-23T11:59:00.000Z", date=DATE), 1.0),
        (answer(429, b"Please try after 2026-11-23T12:00:40.098Z", date=DATE), 41.098),
        (answer(429, b'{"detail":"Please try after 2026-11-23T12:00:40.098Z"}'), 41.098),
        (answer(429, b'{"requestTime":"2026-11-23T11:00:00Z"}'), 60.0),
        (answer(429, retry_after="soon"), 60.0),
        (answer(429), 60.0),
        (answer(400, BURST), 60.0),
        (answer(429, b"Please try after 2026-11-23T12:00:40Z", retry_after="5"), 5.0),
    ],
)
def test_told_wait_is_found_wherever_it_stands(response: Response, expected: float) -> None:
    assert asks_to_wait(response)
    assert wait_told(response, NOW, POLICY) == pytest.approx(expected)


@given(st.text(max_size=40), st.text(max_size=40), st.binary(max_size=200))
def test_any_header_and_body_gives_a_wait_of_at_least_a_second(after: str, following: str, body: bytes) -> None:
    response = Response(429, {"retry-after": after, "x-ratelimit-next": following, "date": DATE}, body)
    assert wait_told(response, NOW, POLICY) >= 1.0


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("status", [200, 400, 401, 404, 409, 500, 501, 502, 503, 504])
def test_only_reads_are_repeated_after_a_server_error(method: str, status: int) -> None:
    expected = method in ("GET", "HEAD") and status in (500, 502, 503, 504)
    assert may_repeat_status(method, status) is expected


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("kind", ["resolve", "connect", "tls", "proxy", "tunnel", "timeout", "truncated", "reset"])
def test_only_reads_are_repeated_after_a_lost_reply(method: str, kind: str) -> None:
    expected = method in ("GET", "HEAD") and kind in ("reset", "truncated")
    assert may_repeat_failure(method, failure(kind)) is expected


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("refusal", [answer(429, retry_after="3"), answer(400, BURST, retry_after="3")])
def test_every_method_is_repeated_after_the_wait_it_was_told(method: str, refusal: Response) -> None:
    last, noted = run(method, refusal, answer(200))
    assert (last.status, noted.slept, noted.told, noted.calls) == (200, [3.0], [3.0], 2)


def test_read_is_tried_four_times_with_growing_pauses() -> None:
    last, noted = run("GET", *[answer(503)] * 4)
    assert (last.status, noted.slept, noted.calls) == (503, [0.25, 0.5, 1.0], 4)


def test_last_failure_of_a_read_is_raised() -> None:
    with pytest.raises(TransportError):
        run("GET", *[failure("reset")] * 4)


def test_write_without_a_reply_is_raised_at_once() -> None:
    with pytest.raises(TransportError) as caught:
        run("PUT", failure("reset"), answer(200))
    assert caught.value.sent


def test_wait_is_given_back_when_all_waits_together_would_be_too_long() -> None:
    policy = RetryPolicy(max_wait_s=100)
    last, noted = run("POST", *[answer(429, retry_after="40")] * 3, policy=policy)
    assert (last.status, noted.slept, noted.told) == (429, [40.0, 40.0], [40.0, 40.0, 40.0])


def test_what_is_left_is_told_to_the_pacer() -> None:
    _last, noted = run("GET", answer(200, x_ratelimit_remaining="3", x_ratelimit_limit="35"))
    assert noted.left == [(3, 35)]


@given(st.integers(1, 12), st.floats(0, 1))
def test_backoff_stays_between_half_and_whole_of_a_doubling_capped_step(attempt: int, chance: float) -> None:
    whole = min(8.0, 0.5 * 2 ** (attempt - 1))
    assert whole / 2 <= backoff_s(attempt, POLICY, chance) <= whole
