# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A host on loopback that publishes documents by plain HTTP, and counts who asks for them."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

Reply = tuple[int, Mapping[str, str], bytes]


@dataclass
class DocumentHost:
    """What is published, and what was asked.

    :ivar pages: by path with its query, the document, or what gives a reply to a posted body.
    :ivar asked: method and path of each request, with its body's type, in order.
    """

    port: int = 0
    pages: dict[str, bytes | Callable[[bytes], Reply]] = field(default_factory=dict)
    asked: list[tuple[str, str, str]] = field(default_factory=list)

    def url(self, path: str) -> str:
        """Give the URL of a path."""
        return f"http://127.0.0.1:{self.port}{path}"


@contextmanager
def document_host() -> Iterator[DocumentHost]:
    """Run a host for a block."""
    host = DocumentHost()

    class Handler(BaseHTTPRequestHandler):
        """Answers for the host."""

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing."""

        def do_GET(self) -> None:
            """Give a document."""
            self._reply(b"")

        def do_POST(self) -> None:
            """Answer what was posted."""
            self._reply(self.rfile.read(int(self.headers["Content-Length"])))

        def _reply(self, body: bytes) -> None:
            host.asked.append((self.command, self.path, self.headers.get("Content-Type") or ""))
            page = host.pages.get(self.path)
            if page is None:
                reply: Reply = (404, {}, b"nothing here")
            else:
                reply = (200, {}, page) if isinstance(page, bytes) else page(body)
            status, headers, content = reply
            self.send_response(status)
            for name, value in {"Content-Length": str(len(content)), **headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(content)

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    host.port = server.server_port
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    try:
        yield host
    finally:
        server.shutdown()
        server.server_close()
