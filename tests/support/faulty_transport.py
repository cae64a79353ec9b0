# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A real transport on which things go wrong as told: before a request is sent, or after the far side has done it.

It works before any server, a real one too; what was sent stands in ``sent``.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field

from ansible_collections.edgecert.clm.plugins.module_utils._core.errors import TransportError
from ansible_collections.edgecert.clm.plugins.module_utils._http.base import (
    Request,
    Response,
    Transport,
    TransportMaker,
    TransportOptions,
)

HTML = b"<!DOCTYPE html><html><head><title>Please sign in</title></head><body></body></html>"
KINDS = (
    "refused",
    "lost_after",
    "server_error_after",
    "server_error_before",
    "rate_limited",
    "rate_limited_without_time",
    "unavailable",
    "html",
    "html_after",
    "empty",
    "number",
    "garbage_after",
    "redirect",
    "unauthorized",
)


@dataclass
class Fault:
    """One thing that goes wrong.

    :ivar times: for how many requests; ``method``, ``path`` (a pattern of ``operation_of``) and ``body`` say which.
    """

    kind: str
    method: str = "POST"
    path: str = ""
    times: int = 1
    body: str = ""

    def fits(self, request: Request) -> bool:
        """Say whether it is put in the way of a request."""
        content = (request.body or b"").decode("utf-8", "replace")
        is_here = self.method in (request.method, "") and re.search(self.path, operation_of(request))
        return bool(is_here and re.search(self.body, content))


@dataclass
class Script:
    """What goes wrong at the connections of one test, and what was sent.

    :ivar date: Date header of the answers; empty for the server's own.
    """

    faults: list[Fault] = field(default_factory=list)
    sent: list[Request] = field(default_factory=list)
    date: str = ""

    def add(self, kind: str, method: str = "POST", path: str = "", times: int = 1, body: str = "") -> None:
        """Let something go wrong."""
        assert kind in KINDS
        self.faults.append(Fault(kind, method, path, times, body))

    def take(self, request: Request) -> str:
        """Give what goes wrong with this request; empty for nothing."""
        for fault in self.faults:
            if fault.times and fault.fits(request):
                fault.times -= 1
                return fault.kind
        return ""

    def writes(self) -> list[Request]:
        """Give what was sent and is no mere question."""
        return [one for one in self.sent if one.method not in ("GET", "HEAD")]

    def over(self, make: TransportMaker) -> TransportMaker:
        """Give a maker of transports on which this script is played."""

        def made(options: TransportOptions) -> Transport:
            return FaultyTransport(make(options), self)

        return made


def operation_of(request: Request) -> str:
    """Name what is asked for: the path, and the operation where all of them have one path."""
    told = {name.lower(): text for name, text in request.headers.items()}
    return f"{request.path} {told.get('x-amz-target', '')}".strip()


def _plain(status: int, body: bytes = b"", **headers: str) -> Callable[[], Response]:
    return lambda: Response(status, {name.replace("_", "-"): text for name, text in headers.items()}, body)


_INSTEAD = {
    "server_error_before": _plain(500, b'{"errors":["oops"]}', content_type="application/json"),
    "rate_limited": _plain(429, b"{}", retry_after="7"),
    "rate_limited_without_time": _plain(429, b"{}"),
    "unavailable": _plain(503, b"{}", retry_after="5"),
    "html": _plain(200, HTML, content_type="text/html"),
    "empty": _plain(200, b"{}", content_type="application/json"),
    "number": _plain(200, b"5", content_type="application/json"),
    "redirect": _plain(302, b"", location="https://evil.example.net/collect?x=1"),
    "unauthorized": _plain(401, b'{"errors":["who are you"]}', content_type="application/json"),
}
_AFTER = {
    "server_error_after": _plain(502, b"Bad Gateway", content_type="text/plain"),
    "html_after": _plain(200, HTML, content_type="text/html"),
    "garbage_after": _plain(200, b'{"data": {"certif', content_type="application/json"),
}


class FaultyTransport:
    """A transport with a script."""

    def __init__(self, inner: Transport, script: Script) -> None:
        self._inner, self._script = inner, script

    def send(self, request: Request) -> Response:
        """Send, or do what goes wrong."""
        kind = self._script.take(request)
        self._script.sent.append(request)
        if kind == "refused":
            raise TransportError("Cannot send: no connection (refused)", kind="connect", sent=False)
        if kind in _INSTEAD:
            return self._dated(_INSTEAD[kind]())
        response = self._inner.send(request)
        if kind == "lost_after":
            raise TransportError("Cannot send: no answer within 30 seconds", kind="timeout", sent=True)
        return self._dated(_AFTER[kind]() if kind in _AFTER else response)

    def _dated(self, response: Response) -> Response:
        if not self._script.date:
            return response
        headers = {**response.headers, "date": self._script.date}
        return Response(response.status, headers, response.body, response.elapsed_s)

    def close(self) -> None:
        """Close the real one."""
        self._inner.close()
