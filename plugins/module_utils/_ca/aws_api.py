# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Calls to AWS over our own transport: endpoints, JSON 1.1, AWS's words for errors, and its ways to say "later".

Proxy, CA file, time-outs and what may be repeated are thereby those of every other CA. Knows neither what is asked
nor where the keys come from.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from .._core.errors import AuthError, RemoteError, TransportError
from .._core.redact import Secret
from .._http.base import Request, Response, Transport, TransportOptions
from .._http.retry import TRANSIENT_KINDS, TRANSIENT_STATUS, backoff_s
from . import rest
from .aws_sigv4 import Keys, Scope, signed
from .base import Tools
from .connection import address_of, connected
from .rest import Answer, Rest

# AWS limits calls by the second; where it names no time, a few seconds are what its own clients wait.
POLICY = replace(rest.POLICY, fallback_wait_s=5.0, max_wait_s=60.0)
TARGET = "X-Amz-Target"
_LATER = {
    *("ThrottlingException", "Throttling", "ThrottledException", "RequestThrottled", "RequestThrottledException"),
    *("TooManyRequestsException", "RequestLimitExceeded"),
}
_NOT_WHO = {
    *("ExpiredTokenException", "ExpiredToken", "RequestExpired", "InvalidSignatureException", "SignatureDoesNotMatch"),
    *("UnrecognizedClientException", "InvalidClientTokenId", "MissingAuthenticationTokenException"),
    *("MissingAuthenticationToken", "IncompleteSignatureException", "IncompleteSignature", "NotAuthorized"),
}
_MAY_NOT = {"AccessDeniedException", "AccessDenied", "OptInRequired", "UnauthorizedOperation"}


def error_type(headers: Mapping[str, str], body: bytes) -> str:
    """Read AWS's own name of an error, as ``InvalidArgsException``; empty when there is none."""
    told = headers.get("x-amzn-errortype", "")
    if not told and body.lstrip()[:1] == b"{":
        found = Answer(0, headers, body).value()
        told = str(found.get("__type") or found.get("code") or "") if isinstance(found, Mapping) else ""
    if not told and b"<Code>" in body:
        told = body.partition(b"<Code>")[2].partition(b"</Code>")[0].decode("utf-8", "replace")
    return told.partition(":")[0].rpartition("#")[2].strip()


def explain(answer: Answer) -> str:
    """Give an error in AWS's words."""
    kind, found = error_type(answer.headers, answer.body), answer.value()
    words = ""
    if isinstance(found, Mapping):
        words = str(found.get("message") or found.get("Message") or "")
    elif "<Message>" in answer.text():
        words = answer.text().partition("<Message>")[2].partition("</Message>")[0]
    return ": ".join(part for part in (kind, words) if part)


class _Plain:
    """A transport whose answers bear the status that their error stands for.

    AWS says 400 for most; what is repeated, and what speaks of the credentials, is told by the status here.
    """

    def __init__(self, inner: Transport) -> None:
        self._inner = inner

    def send(self, request: Request) -> Response:
        """Send, and read the error's name."""
        answer = self._inner.send(request)
        if not 400 <= answer.status < 500:
            return answer
        kind = error_type(answer.headers, answer.body)
        statuses = ((_LATER, 429), (_NOT_WHO, 401), (_MAY_NOT, 403))
        return replace(answer, status=next((status for names, status in statuses if kind in names), answer.status))

    def close(self) -> None:
        """Close the real one."""
        self._inner.close()


def endpoint(service: str, region: str) -> str:
    """Give a service's address in a region."""
    return f"https://{service}.{region}.amazonaws.com{'.cn' if region.startswith('cn-') else ''}"


def rest_of(
    tools: Tools,
    url: str,
    scope: tuple[str, str],
    options: Mapping[str, Any],
    secrets: Mapping[str, Secret],
    keys: Callable[[], Keys] | None,
) -> Rest:
    """Build the calls to one service.

    :param scope: region and service that signatures are for.
    :param keys: gives what signs; None for calls that need no signature.
    """

    def made(options: TransportOptions) -> Transport:
        return _Plain(tools.transports(options))

    host = address_of(url).host.removesuffix(":443")

    def sign(request: Request) -> Request:
        return signed(request, keys(), Scope(host, *scope), tools.clock.now()) if keys is not None else request

    plain = Tools(tools.clock, made)
    return connected(plain, url, options, secrets, sign=sign, explain=explain, policy=POLICY)


class Api:
    """Operations of a service that speaks JSON 1.1.

    :param rest: its calls; ``prefix`` goes before an operation's name in the target.
    :param renew: has other keys got, where that can be done; False where it cannot.
    """

    def __init__(self, rest: Rest, tools: Tools, prefix: str, renew: Callable[[], bool]) -> None:
        self._rest, self._tools, self._prefix, self._renew = rest, tools, prefix, renew

    def write(
        self, what: str, operation: str, body: Mapping[str, Any], ready: Callable[[], object] | None = None
    ) -> Mapping[str, Any]:
        """Call an operation that changes something: repeated only where it surely was not done.

        :param ready: gets other keys after the first were refused; without it they are got while the call is signed.
        :raises RemoteError: ``problem`` has AWS's name of the error as ``type``.
        """
        try:
            return self._once(what, operation, body)
        except AuthError as exc:
            # Keys of a role or of a machine end; those that are refused were used for nothing.
            if exc.status != 401 or not self._renew():
                raise
            if ready is not None:
                ready()
            return self._once(what, operation, body)

    def read(self, what: str, operation: str, body: Mapping[str, Any]) -> Mapping[str, Any]:
        """Call an operation that only asks; every operation is a POST here, but this one is repeated freely."""
        tries = 0
        while True:
            tries += 1
            try:
                return self.write(what, operation, body)
            except RemoteError as exc:
                passes = exc.status in TRANSIENT_STATUS or (
                    isinstance(exc, TransportError) and exc.sent and exc.kind in TRANSIENT_KINDS
                )
                if not passes or tries >= POLICY.attempts:
                    raise
                self._tools.clock.sleep(backoff_s(tries, POLICY, random.random()))

    def _once(self, what: str, operation: str, body: Mapping[str, Any]) -> Mapping[str, Any]:
        headers = json_headers(f"{self._prefix}.{operation}")
        answer = self._rest.call("POST", "/", raw=json.dumps(body).encode(), headers=headers)
        try:
            found = self._rest.checked(what, answer)
        except RemoteError as exc:
            exc.problem["type"] = error_type(answer.headers, answer.body)
            raise
        value = found.value() if found.body.strip() else {}
        if not isinstance(value, Mapping):
            raise RemoteError(
                f"Cannot {what}: the answer is no JSON object; check the account's url, and what stands between",
                status=answer.status,
                code="not_json",
            )
        return value


def json_headers(target: str) -> dict[str, str]:
    """Give the headers of a call in JSON 1.1.

    :param target: prefix and operation.
    """
    return {"Content-Type": "application/x-amz-json-1.1", TARGET: target}


def kind_of(exc: RemoteError) -> str:
    """Give AWS's name of an error that a call raised; empty for none."""
    return str(exc.problem.get("type") or "")
