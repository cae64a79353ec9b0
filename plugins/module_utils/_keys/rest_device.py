# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A device behind a REST API: calls sent, answers decoded, refusals told in the device's own words. Knows no vendor.

A vendor says how its refusals are written (``Reader``) and what they mean (``Rule``); the first rule that fits decides.
"""

from __future__ import annotations

import json
import random
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import urlsplit

from .._core.clock import Clock
from .._core.errors import AuthError, ConflictError, RemoteError, TransportError
from .._core.redact import MASK, Secret
from .._http.base import Request, Response, Transport
from .._http.retry import SAFE_METHODS, RetryPolicy, send

POLICY = RetryPolicy(attempts=3, base_s=0.5, ceiling_s=4.0, told_attempts=2, fallback_wait_s=5.0, max_wait_s=60.0)
BUSY = (502, 503, 504)
# What a status means whoever answers; a page with any other comes from something that is not the API.
_PLAIN = (401, 403, *BUSY)
_SHOWN = 300


class DeviceConflict(RemoteError, ConflictError):
    """What is asked for does not go with what the device holds, or with the state it is in."""

    code = "conflict"


@dataclass(frozen=True)
class Call:
    """One call.

    :ivar what: for messages, as "read key shop.key"; the sentence begins "Cannot".
    :ivar path: as of ``Request``.
    :ivar body: JSON-ready, or None.
    :ivar is_read: it changes nothing though it is posted, and may be repeated.
    """

    what: str
    method: str
    path: str
    query: tuple[tuple[str, str], ...] = ()
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)
    is_read: bool = False


@dataclass(frozen=True)
class Said:
    """A refusal as the device worded it.

    :ivar code: the device's own code as text, or empty.
    """

    code: str
    text: str


@dataclass(frozen=True)
class Rule:
    """What a refusal means: it fits by status, by the device's code, or by words in its text, whichever is given.

    :ivar code: our stable code; ``words`` are lower-case.
    """

    code: str
    kind: type[RemoteError]
    advice: str
    statuses: tuple[int, ...] = ()
    codes: tuple[str, ...] = ()
    words: tuple[str, ...] = ()
    retryable: bool = False

    def fits(self, status: int, said: Said) -> bool:
        """Say whether this is it."""
        text = said.text.lower()
        return status in self.statuses or said.code in self.codes or any(word in text for word in self.words)


Reader = Callable[[int, Any], "Said | None"]
"""Reads status and JSON value; None for a good answer."""

# What no device means differently. The words are those of the systems below: OpenSSL, the file system, licences.
COMMON_RULES = (
    Rule(
        "device_busy",
        RemoteError,
        "its management is starting, or busy; run it again in some minutes",
        statuses=BUSY,
        retryable=True,
    ),
    Rule(
        "disk_full",
        RemoteError,
        "free space on the device's disk, then run it again",
        words=("no space left", "disk full", "disk is full", "file system full", "filesystem is full"),
    ),
    Rule(
        "not_licensed",
        RemoteError,
        "the device's licence, or a hardware module in it, does not allow this; look at its licence",
        words=("not licensed", "license", "fips card", "fips device", "fips is not", "hsm is not", "nethsm"),
    ),
)


class RestDevice:
    """Makes calls to one device.

    :param label: for messages, as "F5 BIG-IP lb1 at lb1.example.com".
    :param open_transport: called at the first call.
    :param secrets: never to be seen in what the device said.
    """

    def __init__(
        self,
        label: str,
        open_transport: Callable[[], Transport],
        clock: Clock,
        reader: Reader,
        rules: Sequence[Rule],
        secrets: Iterable[Secret] = (),
        *,
        policy: RetryPolicy = POLICY,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self.label = label
        self._open = open_transport
        self._clock = clock
        self._reader = reader
        self._rules = (*rules, *COMMON_RULES)
        self._secrets = list(secrets)
        self._policy = policy
        self._chance = chance
        self._transport: Transport | None = None

    def hide(self, secret: Secret) -> None:
        """Keep one more secret, as a session's token, out of what is shown."""
        self._secrets.append(secret)

    def call(self, call: Call, headers: Mapping[str, str] | None = None) -> Any:
        """Make a call and give the JSON value of its answer; None for an empty one.

        :param headers: those of the session, added to the call's own.
        :raises RemoteError: it was refused; the code says why.
        :raises TransportError: no usable answer; of a change, its effect is unknown when ``sent`` is set.
        """
        response = self._sent(call, {**call.headers, **(headers or {})})
        status = response.status
        if 300 <= status < 400:
            raise self._redirected(call, response)
        text = response.body.decode("utf-8", "replace").strip()
        try:
            value = json.loads(text) if text else None
        except ValueError:
            raise self._unreadable(call, status, text) from None
        said = self._reader(status, value)
        if said is None and status >= 400:
            said = Said("", "")
        if said is not None:
            raise self._refused(call, status, said)
        return value

    def close(self) -> None:
        """Close the connections; the next call opens them again."""
        if self._transport is not None:
            self._transport.close()
            self._transport = None

    def shown(self, text: str) -> str:
        """Make a device's words fit for a message: one line, printable, not long, no secret in it."""
        for secret in self._secrets:
            if secret:
                text = text.replace(secret.reveal(), MASK)
        plain = "".join(char if char.isprintable() else " " for char in text)
        plain = re.sub(r"\s+", " ", plain).strip().rstrip(".")
        return plain if len(plain) <= _SHOWN else f"{plain[:_SHOWN]}..."

    def refusal(self, what: str, came_back: str, advice: str, code: str) -> RemoteError:
        """Make the error for a good answer that says what cannot be used."""
        return RemoteError(
            f"Cannot {what} on {self.label}: {self.shown(came_back)}; {advice}",
            code=code,
            details={"device": self.label},
        )

    def _sent(self, call: Call, headers: Mapping[str, str]) -> Response:
        if self._transport is None:
            self._transport = self._open()
        body = None
        all_headers = {"Accept": "application/json", **headers}
        if call.body is not None:
            body = json.dumps(call.body, separators=(",", ":")).encode()
            all_headers.setdefault("Content-Type", "application/json")
        request = Request(call.method, call.path, call.query, all_headers, body)
        transport: Transport = self._transport
        if call.is_read and call.method not in SAFE_METHODS:
            transport = _Posted(transport, call.method)
            request = replace(request, method="GET")
        try:
            return send(request, transport, clock=self._clock, policy=self._policy, chance=self._chance)
        except TransportError as exc:
            message = f"Cannot {call.what} on {self.label}: {exc.message}"
            raise TransportError(message, kind=exc.kind, sent=exc.sent, details=exc.details) from exc

    def _refused(self, call: Call, status: int, said: Said) -> RemoteError:
        shown = self.shown(said.text) or "nothing more"
        words = f"HTTP {status}, {f'code {said.code}, ' if said.code else ''}it says: {shown}"
        details = {"device": self.label, "method": call.method, "device_code": said.code or None}
        for rule in self._rules:
            if rule.fits(status, said):
                message = f"Cannot {call.what} on {self.label}: {words}; {rule.advice}"
                return rule.kind(message, status=status, code=rule.code, retryable=rule.retryable, details=details)
        advice = "correct what it says, then run it again"
        if status >= 500 and call.method not in SAFE_METHODS:
            advice = "the next run looks what came of it before it repeats anything"
        message = f"Cannot {call.what} on {self.label}: {words}; {advice}"
        return RemoteError(message, status=status, code="device_refused", retryable=status >= 500, details=details)

    def _redirected(self, call: Call, response: Response) -> RemoteError:
        target = urlsplit(response.headers.get("location", ""))
        where = self.shown(target.hostname or "") or "another place"
        return RemoteError(
            f"Cannot {call.what} on {self.label}: HTTP {response.status} sends the call to {where}, which is not "
            "followed, as it would take the credentials along; check host and port",
            status=response.status,
            code="redirected",
            details={"device": self.label},
        )

    def _unreadable(self, call: Call, status: int, text: str) -> RemoteError:
        # Status first: a device whose management restarts answers with a page of the web server before it.
        if status in _PLAIN and any(status in rule.statuses for rule in self._rules):
            return self._refused(call, status, Said("", _title(text)))
        kind = "HTML" if text.startswith("<") else "no JSON"
        title = self.shown(_title(text))
        came_back = f"HTTP {status} with {kind}" + (f" ({title})" if title else "")
        is_done = status < 400 and call.method not in SAFE_METHODS and not call.is_read
        look = "; the next run looks what came of it" if is_done else ""
        return RemoteError(
            f"Cannot {call.what} on {self.label}: {came_back} where the API answers with JSON; check that host and "
            f"port are those of the device's management, and that no proxy or login page stands before it{look}",
            status=status,
            code="not_the_api",
            details={"device": self.label},
        )


class _Posted:
    """Sends with its own method what the retry rules take for a read."""

    def __init__(self, inner: Transport, method: str) -> None:
        self._inner = inner
        self._method = method

    def send(self, request: Request) -> Response:
        """Send it."""
        return self._inner.send(replace(request, method=self._method))

    def close(self) -> None:
        """Close the connections."""
        self._inner.close()


def _title(text: str) -> str:
    found = re.search(r"<title[^>]*>(.*?)</title>", text, re.IGNORECASE | re.DOTALL)
    return found.group(1) if found else ""


def inside(value: Any, *names: str) -> Any:
    """Give a member of a JSON value, by the names on the way to it; None where there is none."""
    for name in names:
        if not isinstance(value, Mapping):
            return None
        value = value.get(name)
    return value


def entries(value: Any, name: str) -> list[Mapping[str, Any]]:
    """Give the objects of a member that is a list of them, or one of them alone; empty where there is none."""
    found = inside(value, name)
    listed = found if isinstance(found, list) else [found]
    return [one for one in listed if isinstance(one, Mapping)]


def may_have_been_done(exc: RemoteError) -> bool:
    """Say whether a change may have been made although its call failed."""
    if isinstance(exc, TransportError):
        return exc.sent
    return exc.code == "not_the_api" or (exc.status is not None and exc.status >= 500)


__all__ = [
    "AuthError",
    "Call",
    "DeviceConflict",
    "RestDevice",
    "Rule",
    "Said",
    "entries",
    "inside",
    "may_have_been_done",
]
