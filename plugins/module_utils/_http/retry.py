# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What may be repeated and when: rules as data and pure functions, and the loop that follows them.

Knows no vendor beyond the places where a wait may be told, and no library.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timezone
from email.utils import parsedate_to_datetime

from .._core.clock import Clock, from_text
from .._core.errors import TransportError
from .base import Pacer, Request, Response, Transport

SAFE_METHODS = ("GET", "HEAD")
TRANSIENT_STATUS = (500, 502, 503, 504)
TRANSIENT_KINDS = ("reset", "truncated")

_ISO = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:[Zz]|[+-]\d\d:?\d\d)?")
_BURST = re.compile(rb"IPBLOCK-BURST", re.IGNORECASE)
_LOOKED_THROUGH = 8192


@dataclass(frozen=True)
class RetryPolicy:
    """How long and how often.

    :ivar attempts: tries of a safe call in all.
    :ivar base_s: first backoff; doubled each time up to ``ceiling_s``, then jittered between half and whole.
    :ivar told_attempts: how often a wait the remote side asks for is kept before giving up.
    :ivar fallback_wait_s: the wait when the remote side asks for one and names none.
    :ivar margin_s: added to an absolute time, as clocks are read to the second.
    :ivar max_wait_s: seconds one call may wait in all.
    """

    attempts: int = 4
    base_s: float = 0.5
    ceiling_s: float = 8.0
    told_attempts: int = 5
    fallback_wait_s: float = 60.0
    margin_s: float = 1.0
    max_wait_s: float = 300.0


def is_burst_block(response: Response) -> bool:
    """Say whether a firewall in front refused for the rate of calls, which looks like a bad request.

    :source: observed with Akamai's gateway: 400 (also 403) with "WAF deny rule IPBLOCK-BURST".
    """
    return response.status in (400, 403) and bool(_BURST.search(response.body[:_LOOKED_THROUGH]))


def asks_to_wait(response: Response) -> bool:
    """Say whether nothing was done and the same call may be sent after a wait, whatever its method."""
    return response.status == 429 or is_burst_block(response)


def remote_now(response: Response, now: datetime) -> datetime:
    """Give the remote side's time when it answered, from the Date header; ours when it has none.

    :param now: UTC.
    """
    return date_header(response) or now


def date_header(response: Response) -> datetime | None:
    """Read the Date header, UTC; None when it is missing or unreadable."""
    return _http_date(response.headers.get("date", ""))


def _http_date(text: str) -> datetime | None:
    try:
        moment = parsedate_to_datetime(text)
    except (TypeError, ValueError, IndexError):
        return None
    return moment.replace(tzinfo=timezone.utc) if moment.tzinfo is None else moment.astimezone(timezone.utc)


def _iso(text: str) -> datetime | None:
    match = _ISO.search(text)
    if match is None:
        return None
    try:
        return from_text(match.group())
    except ValueError:
        return None


def _retry_after(value: str) -> float | datetime | None:
    """Read seconds, an HTTP date or an ISO time."""
    cleaned = value.strip()
    if re.fullmatch(r"\d+(\.\d+)?", cleaned):
        return float(cleaned)
    return _iso(cleaned) or _http_date(cleaned)


def wait_told(response: Response, now: datetime, policy: RetryPolicy) -> float:
    """Give the seconds the remote side asks to wait, at least one.

    Looked at in turn: Retry-After, X-RateLimit-Next, a time in the text, else the policy's own.

    :param now: UTC; absolute times are held against the Date header when there is one.
    """
    told: float | datetime | None = _retry_after(response.headers.get("retry-after", ""))
    if told is None:
        told = _iso(response.headers.get("x-ratelimit-next", ""))
    if told is None:
        told = _time_in(response.body)
    if told is None:
        return policy.fallback_wait_s
    if isinstance(told, datetime):
        told = (told - remote_now(response, now)).total_seconds() + policy.margin_s
    return max(1.0, told)


def _time_in(body: bytes) -> datetime | None:
    """Find the time after words that announce it; other times in the text, as that of the request, are none."""
    text = body[:_LOOKED_THROUGH].decode("utf-8", "replace")
    match = re.search(r"(?:try|retry)\s+(?:again\s+)?(?:after|at)\s+(\S+)", text, re.IGNORECASE)
    return _iso(match.group(1)) if match else None


def backoff_s(attempt: int, policy: RetryPolicy, chance: float) -> float:
    """Give the seconds before the next try.

    :param attempt: tries made so far, from 1.
    :param chance: 0 to 1, from the caller's source of randomness.
    """
    whole = min(policy.ceiling_s, policy.base_s * float(2 ** (attempt - 1)))
    return whole * (0.5 + 0.5 * chance)


def may_repeat_status(method: str, status: int) -> bool:
    """Say whether a call that got this status may be sent again without looking first."""
    return method in SAFE_METHODS and status in TRANSIENT_STATUS


def may_repeat_failure(method: str, failure: TransportError) -> bool:
    """Say whether a call without a usable answer may be sent again without looking first.

    A write never is: it may have been processed, so its caller looks.
    """
    return method in SAFE_METHODS and failure.kind in TRANSIENT_KINDS


class _Budget:
    """Counts tries and waits of one call."""

    def __init__(self, policy: RetryPolicy, clock: Clock, chance: Callable[[], float]) -> None:
        self._policy = policy
        self._clock = clock
        self._chance = chance
        self._waited = 0.0
        self._tries = 0
        self._told = 0

    def try_again(self) -> bool:
        """Wait after a transient failure; False when tries or time are used up."""
        self._tries += 1
        if self._tries >= self._policy.attempts:
            return False
        return self._wait(backoff_s(self._tries, self._policy, self._chance()))

    def keep_wait(self, seconds: float) -> bool:
        """Wait as told; False when that is too long or was done too often."""
        self._told += 1
        if self._told > self._policy.told_attempts:
            return False
        # Callers told the same moment must not come back together.
        return self._wait(seconds, seconds + self._chance())

    def _wait(self, least: float, really: float | None = None) -> bool:
        if self._waited + least > self._policy.max_wait_s:
            return False
        length = least if really is None else min(really, self._policy.max_wait_s - self._waited)
        self._waited += length
        self._clock.sleep(length)
        return True


def send(
    request: Request,
    transport: Transport,
    *,
    clock: Clock,
    pacer: Pacer | None = None,
    policy: RetryPolicy | None = None,
    chance: Callable[[], float] = random.random,
    inspect: Callable[[Response], None] | None = None,
) -> Response:
    """Send a request, repeating what is safe to repeat; the last answer or failure is given as it is.

    :param pacer: asked before every single try.
    :param chance: source of randomness, 0 to 1.
    :param inspect: looks at each answer; raises TransportError for one that is not whole although it looked so.
    :raises TransportError: no usable answer.
    :raises RateLimited: the pacer would have to wait longer than it may.
    """
    rules = policy or RetryPolicy()
    budget = _Budget(rules, clock, chance)
    while True:
        if pacer is not None:
            pacer.before(request.family)
        try:
            response = transport.send(request)
            if inspect is not None:
                inspect(response)
        except TransportError as failure:
            if may_repeat_failure(request.method, failure) and budget.try_again():
                continue
            raise
        if not _is_to_repeat(request, response, pacer, budget, clock.now(), rules):
            return response


def _is_to_repeat(
    request: Request, response: Response, pacer: Pacer | None, budget: _Budget, now: datetime, rules: RetryPolicy
) -> bool:
    """Tell whether the answer is to be asked for again, after the wait that goes with it."""
    if asks_to_wait(response):
        seconds = wait_told(response, now, rules)
        if pacer is not None:
            pacer.told_to_wait(seconds)
        return budget.keep_wait(seconds)
    _note_remaining(response, request, pacer)
    return may_repeat_status(request.method, response.status) and budget.try_again()


def _note_remaining(response: Response, request: Request, pacer: Pacer | None) -> None:
    """Tell the pacer what is left; a family's own limit says nothing about the account's."""
    left, limit = response.headers.get("x-ratelimit-remaining", ""), response.headers.get("x-ratelimit-limit", "")
    if pacer is not None and not request.family and left.isdigit() and limit.isdigit():
        pacer.remaining(int(left), int(limit))
