# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""HTTP as CA connectors speak it: JSON and forms, what may be repeated, and errors that say what came back.

No redirect leads to another host, no order is repeated that may have been taken, no secret gets into a message. Knows
no vendor: how a call is signed, and how an error is written, is handed in.
"""

from __future__ import annotations

import json
import random
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import parse_qsl, quote, urlsplit

from .._core.clock import Clock
from .._core.errors import AuthError, RateLimited, RemoteError, TransportError
from .._core.redact import MASK, Secret
from .._http.base import Request, Response, Transport
from .._http.retry import SAFE_METHODS, RetryPolicy, asks_to_wait, date_header, send, wait_told

MAX_REDIRECTS = 3
MAX_SKEW_S = 60.0
_SHOWN = 300
# An order at a CA is worth waiting for, and no worth hammering.
POLICY = RetryPolicy(attempts=3, told_attempts=3, max_wait_s=120.0)

Query = Sequence[tuple[str, str]]


@dataclass(frozen=True)
class Answer:
    """What came back; header names are lower-case."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def is_success(self) -> bool:
        """Say whether the status is a 2xx."""
        return 200 <= self.status < 300

    def text(self) -> str:
        """Give the body as text; what is no UTF-8 is replaced."""
        return self.body.decode("utf-8", "replace")

    @property
    def is_html(self) -> bool:
        """Say whether it is a web page, as of a proxy, a login or a wrong address."""
        kind = self.headers.get("content-type", "").lower()
        return "html" in kind or self.text().lstrip()[:15].lower().startswith(("<!doctype html", "<html"))

    def value(self) -> Any:
        """Give the body's JSON; None for none, or for what is no JSON."""
        try:
            return json.loads(self.body) if self.body.strip() else None
        except (ValueError, RecursionError):
            return None


def quoted(segment: str) -> str:
    """Write one segment of a path; slashes, commas and blanks in it are encoded, too."""
    return quote(segment, safe="")


def words_of(answer: Answer) -> str:
    """Read the reason of an error as most APIs write it; empty when there is none."""
    found = answer.value()
    if isinstance(found, Mapping):
        for name in ("errors", "error", "error_message", "error_description", "detail", "message", "msg", "title"):
            if found.get(name):
                return _spoken(found[name])
    return ""


def _spoken(value: Any) -> str:
    if isinstance(value, Mapping):
        words = [str(value[name]) for name in ("code", "message", "detail", "description") if value.get(name)]
        return ": ".join(words) or json.dumps(value)
    if isinstance(value, (list, tuple)):
        return "; ".join(_spoken(entry) for entry in value)
    return str(value)


class Rest:
    """Calls to one host.

    :param transport: to that host; ``host`` names it in messages, ``prefix`` goes before each path.
    :param sign: gives a request with what authenticates it; asked for each try, as signatures have their time.
    :param explain: gives an error's reason in the vendor's words.
    :param secrets: blotted out wherever a remote text repeats one.
    :param speaks: what is due where a web page comes, for messages.
    """

    def __init__(
        self,
        transport: Transport,
        clock: Clock,
        *,
        host: str,
        prefix: str = "",
        sign: Callable[[Request], Request] | None = None,
        explain: Callable[[Answer], str] = words_of,
        secrets: Sequence[Secret] = (),
        policy: RetryPolicy = POLICY,
        speaks: str = "JSON",
    ) -> None:
        self._speaks = speaks
        self._transport, self._clock, self._host, self._prefix = transport, clock, host, prefix
        self._sign, self._explain, self._policy = sign, explain, policy
        self._secrets = list(secrets)
        self.calls = 0

    def hide(self, secret: Secret) -> None:
        """Blot out one more secret, as a token that was just given."""
        self._secrets.append(secret)

    def ask(self, what: str, method: str, path: str, **options: Any) -> Any:
        """Call, and give the answer's JSON; None for an empty body.

        :param what: for messages, as "list the roles".
        :param options: as of ``call``.
        :raises RemoteError: any status but 2xx, and a body that is no JSON.
        """
        return self._value(what, self.checked(what, self.call(method, path, **options)))

    def mapping(self, what: str, method: str, path: str, **options: Any) -> Mapping[str, Any]:
        """Call for a JSON object; empty for a 204, which has no content to give.

        :raises RemoteError: as ``ask``, and for an answer that is no object.
        """
        answer = self.checked(what, self.call(method, path, **options))
        found = {} if answer.status == 204 else self._value(what, answer)
        if not isinstance(found, Mapping):
            raise self._failed(what, answer, "its answer is no JSON object; check the account's URL", code="not_json")
        return found

    def _value(self, what: str, answer: Answer) -> Any:
        found = answer.value()
        if found is None and answer.body.strip():
            raise self._failed(what, answer, self._no_json(answer), code="not_json")
        return found

    def checked(self, what: str, answer: Answer) -> Answer:
        """Give the answer if it is a success.

        :raises AuthError: 401 and 403, with the clocks' difference where that may be why.
        :raises RateLimited: 429, when the waits were kept in vain.
        :raises RemoteError: any other status but 2xx, and a web page.
        """
        if answer.is_success and not answer.is_html:
            return answer
        if answer.is_html:
            raise self._failed(what, answer, self._no_json(answer), code="not_json")
        if answer.status == 429:
            seconds = wait_told(Response(429, answer.headers, answer.body), self._clock.now(), self._policy)
            raise RateLimited(
                self._message(what, answer, f"it asks to wait {seconds:.0f} seconds"), retry_after_s=seconds, status=429
            )
        raise self._failed(what, answer, self._explain(answer))

    def call(
        self,
        method: str,
        path: str,
        *,
        body: Any = None,
        form: Query | None = None,
        raw: bytes | None = None,
        query: Query = (),
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """Call, whatever the status of the answer.

        GETs are repeated freely; anything else only where it was surely not taken: never sent, 429, or 503 that names
        a time (ca-connectors §3.3); no try of it begins later than the policy's ``max_wait_s`` after the first.

        :param path: percent-encoded, below the prefix.
        :param body: sent as JSON; ``form`` as urlencoded, ``raw`` as it is with a Content-Type among ``headers``.
        :raises TransportError: no usable answer.
        """
        sent_headers = {"Accept": "application/json", **(headers or {})}
        content = raw
        if body is not None:
            content = json.dumps(body).encode()
            sent_headers.setdefault("Content-Type", "application/json")
        elif form is not None:
            content = "&".join(f"{quote(name, safe='')}={quote(value, safe='')}" for name, value in form).encode()
            sent_headers.setdefault("Content-Type", "application/x-www-form-urlencoded")
        request = Request(method, self._prefix + path, tuple(query), sent_headers, content)
        for _turn in range(MAX_REDIRECTS + 1):
            response = self._send(request)
            target = self._redirect(request, response)
            if target is None:
                return Answer(response.status, response.headers, response.body)
            request = target
        raise RemoteError(
            f"Cannot {method} {self._prefix}{path} at {self._host}: it redirects in circles; check the account's URL",
            status=response.status,
        )

    def _send(self, request: Request) -> Response:
        """Send, repeating what is safe; a write also where it was never sent, or told to come later."""
        if request.method in SAFE_METHODS:
            return self._send_safe(request)
        # No wait within ``send``: it would not count how long the tries take, and the caller's lease runs meanwhile.
        at_once = replace(self._policy, told_attempts=0)
        began, tries = self._clock.monotonic(), 0
        while True:
            tries += 1
            is_last = tries >= self._policy.attempts
            try:
                response = send(request, _Signing(self), clock=self._clock, policy=at_once)
            except TransportError as failure:
                seconds = self._policy.base_s * 2 ** (tries - 1)
                if failure.sent or failure.kind == "tls" or is_last or not self._has_time(began, seconds):
                    raise
                self._clock.sleep(seconds)
                continue
            is_told = asks_to_wait(response) or (response.status == 503 and "retry-after" in response.headers)
            seconds = wait_told(response, self._clock.now(), self._policy)
            if not is_told or is_last or not self._has_time(began, seconds):
                return response
            # Callers told the same moment must not come back together.
            self._clock.sleep(seconds + random.random())

    def _send_safe(self, request: Request) -> Response:
        """Send what may be repeated freely."""
        tries = 0
        while True:
            tries += 1
            try:
                return send(request, _Signing(self), clock=self._clock, policy=self._policy)
            except TransportError as failure:
                if failure.sent or failure.kind == "tls" or tries >= self._policy.attempts:
                    raise
                self._clock.sleep(self._policy.base_s * 2 ** (tries - 1))

    def _has_time(self, began: float, seconds: float) -> bool:
        """Say whether a write may be tried again after a wait, by the time that its tries and waits took so far.

        :param began: monotonic seconds at the first try.
        """
        return self._clock.monotonic() + seconds - began <= self._policy.max_wait_s

    def send_once(self, request: Request) -> Response:
        """Sign and send one try."""
        self.calls += 1
        return self._transport.send(self._sign(request) if self._sign else request)

    def _redirect(self, request: Request, response: Response) -> Request | None:
        """Give where a GET is to be asked instead, on the same host; None when it is no redirect.

        :raises RemoteError: it leads to another host, or a write is to be sent elsewhere.
        """
        where = response.headers.get("location", "")
        if response.status not in (301, 302, 303, 307, 308) or not where:
            return None
        parts = urlsplit(where)
        shown = f"{parts.scheme}://{parts.netloc}{parts.path}" if parts.netloc else parts.path
        is_here = not parts.netloc or (parts.scheme == "https" and parts.netloc.lower() == self._host.lower())
        if not is_here or request.method not in SAFE_METHODS:
            raise RemoteError(
                f"Cannot {request.method} {request.path} at {self._host}: it redirects to {self.masked(shown)}, which "
                "is not followed, for credentials would go along; if that is the CA, give its address in the account",
                status=response.status,
                code="redirected",
                details={"location": self.masked(shown)},
            )
        # The transport encodes what it is given.
        return replace(request, path=parts.path, query=tuple(parse_qsl(parts.query, keep_blank_values=True)))

    def masked(self, text: str) -> str:
        """Give a text without the secrets of this account."""
        for secret in self._secrets:
            word = secret.reveal()
            if word:
                text = text.replace(word, MASK)
        return text

    def _no_json(self, answer: Answer) -> str:
        if not answer.is_html:
            return f"its answer is no {self._speaks}; check the account's URL, and what stands between"
        title = re.search(r"<title[^>]*>(.*?)</title", answer.text(), re.IGNORECASE | re.DOTALL)
        told = f" ({' '.join(title.group(1).split())[:80]})" if title else ""
        due = f"a web page{told} where {self._speaks} was due"
        return f"it answered with {due}; check the account's URL, its path, and proxies"

    def told(self, what: str, answer: Answer, reason: str) -> str:
        """Write the message of an error that was found in an answer, without secrets."""
        return self._message(what, answer, reason)

    def _message(self, what: str, answer: Answer, reason: str) -> str:
        plain = "".join(char if char.isprintable() else " " for char in self.masked(reason))[:_SHOWN]
        return f"Cannot {what} at {self._host}: HTTP {answer.status}{': ' if plain else ''}{plain}"

    def _failed(self, what: str, answer: Answer, reason: str, code: str | None = None) -> RemoteError:
        message = self._message(what, answer, reason)
        kind = AuthError if answer.status in (401, 403) and code is None else RemoteError
        if answer.status == 401:
            message += self._skew(answer)
        return kind(message, status=answer.status, code=code, retryable=answer.status in (500, 502, 503, 504))

    def _skew(self, answer: Answer) -> str:
        """Say that the clocks differ, where signatures and tokens with a time may be refused for it."""
        there = date_header(Response(answer.status, answer.headers, answer.body))
        if there is None:
            return ""
        skew = (self._clock.now() - there).total_seconds()
        if abs(skew) <= MAX_SKEW_S:
            return ""
        way = "ahead of" if skew > 0 else "behind"
        return f"; this machine's clock is {abs(skew):.0f} seconds {way} the CA's, set it (NTP) and try again"


class _Signing:
    """A transport that signs each try anew."""

    def __init__(self, rest: Rest) -> None:
        self._rest = rest

    def send(self, request: Request) -> Response:
        """Sign and send."""
        return self._rest.send_once(request)

    def close(self) -> None:
        """Leave the connection to its owner."""
