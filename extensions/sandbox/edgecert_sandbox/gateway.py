# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The gateway before the APIs: signature, grants, limits, faults, the log of calls. Knows no socket."""

from __future__ import annotations

import dataclasses
import threading
from collections.abc import Callable, Mapping

from . import api, auth, replies
from .faults import Fault, Faults
from .limits import Limits
from .problems import Problem, not_found, wrong_state
from .routes import Match
from .wire import Reply, Request
from .world import World

OTHER_JSON = b'{"status": "OK", "message": "Welcome"}'
GARBAGE = b'\x1f\x8b<<<{"enrollments": [}\xff\xfe not what you asked for'


# What the gateway, and what the API behind it, says for a fault of that kind.
_REFUSALS = {
    "unauthorized": auth.denied("Signature does not match"),
    "forbidden": auth.forbidden("The client does not have the grant needed for the request"),
    "bad_timestamp": auth.bad_request("Invalid timestamp"),
}
_PROBLEMS: dict[str, Callable[[Request], Problem]] = {
    "not_found": lambda request: not_found(request.path),
    "conflict": lambda _request: wrong_state("The enrollment is not in a state that allows this."),
    "unknown_version": lambda request: (
        Problem(415, "unsupported-media-type", "Unsupported Media Type", "This version of the body is not known.")
        if request.body
        else Problem(406, "not-acceptable", "Not Acceptable", "This version of the answer is not known.")
    ),
}


@dataclasses.dataclass(frozen=True)
class CallRecord:
    """One API call as the log keeps it.

    :ivar path: path with query, the account switch key taken out.
    :ivar status: status answered; 0 when the connection was closed instead.
    :ivar time: the gateway's clock, seconds since the epoch.
    """

    number: int
    time: float
    method: str
    path: str
    status: int
    client: str
    fault: str


class CallLog:
    """The calls made so far, oldest first; keeps the newest 100,000."""

    KEPT = 100_000

    def __init__(self) -> None:
        self._records: list[CallRecord] = []
        self._count = 0
        self._lock = threading.Lock()

    def add(self, now: float, request: Request, status: int, client: str, fault: str) -> None:
        """Keep one call."""
        shown = "&".join(p for p in request.target.partition("?")[2].split("&") if p and "accountSwitchKey" not in p)
        with self._lock:
            self._count += 1
            path = request.path + (f"?{shown}" if shown else "")
            self._records.append(CallRecord(self._count, now, request.method, path, status, client, fault))
            del self._records[: -self.KEPT]

    def read(self, *, reset: bool = False) -> list[CallRecord]:
        """Give the calls, and forget them if told."""
        with self._lock:
            records = list(self._records)
            if reset:
                self._records.clear()
                self._count = 0
            return records


class Memory:
    """The last good answer to each GET, for those that are to see an old one; keeps the newest 1,000 small ones."""

    KEPT, LARGEST = 1_000, 100_000

    def __init__(self) -> None:
        self._replies: dict[tuple[str, str], Reply] = {}
        self._lock = threading.Lock()

    def keep(self, request: Request, reply: Reply) -> None:
        """Keep an answer."""
        if request.method != "GET" or reply.status >= 300 or len(reply.body) > self.LARGEST:
            return
        with self._lock:
            self._replies.pop(self._key(request), None)
            self._replies[self._key(request)] = reply
            if len(self._replies) > self.KEPT:
                del self._replies[next(iter(self._replies))]

    def find(self, request: Request) -> Reply | None:
        """Give the answer that the same GET got last."""
        with self._lock:
            return self._replies.get(self._key(request)) if request.method == "GET" else None

    @staticmethod
    def _key(request: Request) -> tuple[str, str]:
        return request.target, request.headers.get("accept", "")


@dataclasses.dataclass
class Gateway:
    """All that stands between the wire and the change engine.

    :ivar worlds: account to its world.
    :ivar now: the gateway's clock, seconds since the epoch; signatures and limits go by it.
    :ivar pause: waits some seconds, less when the sandbox stops.
    """

    worlds: Mapping[str, World]
    gate: auth.Gate
    limits: Limits
    faults: Faults
    calls: CallLog
    now: Callable[[], float]
    pause: Callable[[float], object]
    memory: Memory = dataclasses.field(default_factory=Memory)

    def handle(self, request: Request) -> Reply | None:
        """Answer a request; None closes the connection without a word."""
        fault = self.faults.strike(request.method, request.target)
        client = ""
        reply: Reply | None = None
        if fault is None or fault.is_processed:
            reply, client = self._process(request)
            self.memory.keep(request, reply)
        if fault is not None:
            reply = self._strike(fault, request, reply)
        self.calls.add(self.now(), request, reply.status if reply else 0, client, fault.kind if fault else "")
        return reply

    def _process(self, request: Request) -> tuple[Reply, str]:
        client = ""
        try:
            caller = self.gate.admit(request)
            client = caller.client.name
            return self._admitted(request, caller), client
        except auth.Refusal as refusal:
            return replies.refusal_reply(refusal, request, self.now()), client
        except Problem as problem:
            return api.refuse(problem, request), client

    def _admitted(self, request: Request, caller: auth.Caller) -> Reply:
        match = api.locate(request)
        auth.require(caller, match.route.service, match.route.level)
        if match.route.service != "cps" or not self.limits.settings.enabled:
            return self._serve(match, request, caller)
        is_active = match.route.operation == "get_active_certificates"
        verdict = self.limits.take(caller.account, active_certificates=is_active)
        if verdict.blocked:
            return replies.burst_reply(request, self.now())
        if not verdict.passes:
            return replies.limit_reply(verdict.style, verdict.wait_s, verdict.limit, request, self.now())
        return self._serve(match, request, caller).with_headers(
            {"X-RateLimit-Limit": str(verdict.limit), "X-RateLimit-Remaining": str(verdict.remaining)}
        )

    def _serve(self, match: Match, request: Request, caller: auth.Caller) -> Reply:
        try:
            return api.serve(self.worlds[caller.account], match, request)
        except Problem as problem:
            return api.refuse(problem, request)

    def _strike(self, fault: Fault, request: Request, reply: Reply | None) -> Reply | None:
        if fault.kind in ("lost_before", "lost_after"):
            return None
        if fault.kind in ("truncated", "garbage", "empty", "other_json", "slow"):
            return self._spoil(fault, request, reply)
        if fault.kind == "stale":
            return self.memory.find(request) or self._process(request)[0]
        return self._refuse(fault, request, self.now())

    def _refuse(self, fault: Fault, request: Request, now: float) -> Reply:
        if fault.kind == "server_error":
            return replies.problem_reply(request, fault.status, "internal-error", "Internal Server Error", "")
        if fault.kind == "plain_text":
            return replies.plain_reply(fault.status, "internal_error", "Internal Server Error", "Please try again")
        if fault.kind == "rate_limited":
            style = fault.style or self.limits.next_style()
            return replies.limit_reply(style, fault.seconds, self.limits.settings.per_minute, request, now)
        if fault.kind == "burst_block":
            return replies.burst_reply(request, now)
        if fault.kind == "redirect":
            location = fault.location or f"https://{request.host}{request.target}"
            return Reply(302, {"Location": location})
        if fault.kind == "unavailable":
            return replies.unavailable_reply(fault.status)
        if fault.kind in _PROBLEMS:
            return api.refuse(_PROBLEMS[fault.kind](request), request)
        return replies.refusal_reply(_REFUSALS[fault.kind], request, now)

    def _spoil(self, fault: Fault, request: Request, reply: Reply | None) -> Reply | None:
        if fault.kind == "slow":
            self.pause(fault.seconds)
            return reply if reply else self._process(request)[0]
        if reply is None:
            return None
        if fault.kind == "truncated":
            return dataclasses.replace(reply, cut_after=len(reply.body) // 2)
        bodies = {"garbage": GARBAGE, "other_json": OTHER_JSON}
        return dataclasses.replace(reply, body=bodies.get(fault.kind, b""))
