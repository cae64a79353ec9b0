# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""AWX's API over HTTP on loopback: ``/api/v2``, a token for each user, every request kept in order."""

from __future__ import annotations

import contextlib
import json
import os
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from ansible_collections.edgecert.clm.tests.support.fake_awx.api import Api
from ansible_collections.edgecert.clm.tests.support.fake_awx.runs import Runs
from ansible_collections.edgecert.clm.tests.support.fake_awx.state import Refused, State

TOKEN = "a-token-of-the-administrator"


@dataclass
class FakeAwx:
    """A running AWX.

    :ivar calls: method, path with query, and status of each request so far.
    :ivar tokens: the user's id of each token.
    """

    url: str
    state: State
    runs: Runs
    tokens: dict[str, int]
    calls: list[tuple[str, str, int]] = field(default_factory=list)

    @property
    def environment(self) -> dict[str, str]:
        """Give the variables by which modules and playbooks find it.

        Ansible reads the system's certificates for every request, over HTTP too, which is most of what one costs.
        """
        return {"CONTROLLER_HOST": self.url, "CONTROLLER_OAUTH_TOKEN": TOKEN, "SSL_CERT_FILE": os.devnull}

    def writes(self) -> list[tuple[str, str, int]]:
        """Give the requests that were no reads."""
        return [call for call in self.calls if call[0] != "GET"]


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    awx: FakeAwx
    api: Api
    lock: threading.Lock

    def _answer(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        content = self.rfile.read(length) if length else b""
        with self.lock:
            status, body = self._reply(content)
            self.awx.calls.append((self.command, self.path, status))
        data = b"" if status == 204 else json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.send_header("X-API-Product-Name", "AWX")
        self.send_header("X-API-Product-Version", "24.6.1")
        self.end_headers()
        self.wfile.write(data)

    def _reply(self, content: bytes) -> tuple[int, Any]:
        parts = urlsplit(self.path)
        try:
            if parts.path in ("/api/", "/api/v2/ping/"):
                return 200, self.api.root(parts.path)
            user = self.awx.tokens.get(self.headers.get("Authorization", "").removeprefix("Bearer "))
            if user is None:
                raise Refused(401, {"detail": "Authentication credentials were not provided."})
            if not parts.path.startswith("/api/v2/") or not parts.path.endswith("/"):
                raise Refused(404, {"detail": "The requested resource could not be found."})
            query = dict(parse_qsl(parts.query, keep_blank_values=True))
            body = json.loads(content) if content else {}
            return self.api.answer(self.command, parts.path.strip("/").split("/")[2:], query, body, user)
        except Refused as refused:
            return refused.status, refused.body
        except json.JSONDecodeError:
            return 400, {"detail": "JSON parse error"}

    do_GET = do_POST = do_PATCH = do_DELETE = do_OPTIONS = _answer

    def log_message(self, format: str, *args: Any) -> None:
        """Keep quiet."""


@contextlib.contextmanager
def fake_awx(playbooks: list[str]) -> Iterator[FakeAwx]:
    """Run an AWX with one user, an administrator.

    :param playbooks: paths of those in a checkout of any project.
    """
    state = State(playbooks)
    runs = Runs(state)
    admin = state.add("users", {"username": "admin", "is_superuser": True, "password": "secret"})
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    awx = FakeAwx(f"http://127.0.0.1:{server.server_address[1]}", state, runs, {TOKEN: admin})
    members = {"awx": awx, "api": Api(state, runs), "lock": threading.Lock()}
    server.RequestHandlerClass = type("Handler", (_Handler,), members)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield awx
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
