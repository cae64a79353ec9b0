# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""HTTP/1.1 servers on loopback, with TLS or without: from socket to Request, from Reply to socket. No API here."""

from __future__ import annotations

import contextlib
import email.utils
import http.server
import socket
import socketserver
import ssl
import threading
import traceback
from collections.abc import Callable
from typing import Any

from .hello import peeked_name
from .wire import Reply, Request

MAX_BODY = 10_000_000
LOOPBACK = "127.0.0.1"
Handler = Callable[[Request], "Reply | None"]
Chooser = Callable[[str], "ssl.SSLContext | None"]


class Server:
    """A server that answers each connection in a thread of its own."""

    def __init__(
        self,
        handle: Handler,
        *,
        port: int = 0,
        context: ssl.SSLContext | None = None,
        choose: Chooser | None = None,
        now: Callable[[], float] | None = None,
    ) -> None:
        """Listen at once; serve after :meth:`start`.

        :param context: TLS settings; None speaks plain HTTP.
        :param choose: gives the TLS settings for a server name, in place of ``context`` unless it gives None.
        :param now: clock of the Date header, seconds since the epoch; None takes the machine's.
        :raises OSError: the port is taken.
        """
        self._http = _Listener((LOOPBACK, port), _Connection)
        self._http.handle_call, self._http.context, self._http.now = handle, context, now
        self._http.choose = choose
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.02,), daemon=True)

    @property
    def port(self) -> int:
        """The port it listens on."""
        return int(self._http.server_address[1])

    def start(self) -> None:
        """Serve in the background."""
        self._thread.start()

    def stop(self) -> None:
        """Stop listening; connections under way end with the process."""
        self._http.shutdown()
        self._http.server_close()
        self._thread.join()


class _Listener(socketserver.ThreadingMixIn, http.server.HTTPServer):
    daemon_threads = True
    # Many forks connect at once; the default queue of five makes them wait for retransmissions.
    request_queue_size = 128
    handle_call: Handler
    context: ssl.SSLContext | None
    choose: Chooser | None
    now: Callable[[], float] | None

    def server_bind(self) -> None:
        """Bind without looking up the machine's name, which may ask a name server."""
        socketserver.TCPServer.server_bind(self)
        self.server_name, self.server_port = LOOPBACK, int(self.server_address[1])

    def finish_request(self, request: Any, client_address: Any) -> None:
        """Shake hands in the connection's own thread, so that a silent client blocks nobody else."""
        if self.context is None:
            super().finish_request(request, client_address)
            return
        request.settimeout(30)
        name = peeked_name(request) if self.choose else None
        chosen = self.choose(name) if self.choose and name else None
        try:
            wrapped = (chosen or self.context).wrap_socket(request, server_side=True)
        except OSError:
            return
        try:
            super().finish_request(wrapped, client_address)
        finally:
            with contextlib.suppress(OSError):
                wrapped.close()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Report nothing for clients that hang up; anything else goes the usual way."""
        with contextlib.suppress(OSError):
            super().handle_error(request, client_address)


class _Connection(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1
    timeout = 120
    server: _Listener

    def handle(self) -> None:
        """Serve one connection until the client hangs up."""
        with contextlib.suppress(ConnectionError, TimeoutError, ssl.SSLError):
            super().handle()

    def finish(self) -> None:
        """Close the files; a client that has hung up is no error."""
        with contextlib.suppress(OSError):
            super().finish()

    def handle_one_request(self) -> None:
        """Read one request and answer it, whatever its method."""
        self.raw_requestline = self.rfile.readline(65537)
        if not self.raw_requestline or len(self.raw_requestline) > 65536:
            self.close_connection = True
            return
        if not self.parse_request():
            self.wfile.flush()
            return
        body = self._body()
        if body is None:
            return
        headers = {name.lower(): value for name, value in self.headers.items()}
        request = Request(self.command, self.path, headers, body, str(self.client_address[0]))
        reply = self._reply(request)
        if reply is None:
            self._hang_up()
            return
        self._write(reply)

    def log_message(self, format: str, *args: Any) -> None:
        """Write no access log: calls are kept in memory and asked for."""

    def version_string(self) -> str:
        """Name the server as the gateway does."""
        return "AkamaiGHost"

    def date_time_string(self, timestamp: float | None = None) -> str:
        """Write the Date header by the gateway's clock."""
        if timestamp is None and self.server.now is not None:
            timestamp = self.server.now()
        return email.utils.formatdate(timestamp, usegmt=True)

    def _reply(self, request: Request) -> Reply | None:
        try:
            return self.server.handle_call(request)
        except Exception:
            # A fault of the sandbox itself: the client sees what it would see of CPS, the log says why.
            traceback.print_exc()
            return Reply(500, {"Content-Type": "text/plain"}, b"The sandbox failed; its log has the traceback.")

    def _body(self) -> bytes | None:
        length = self.headers.get("Content-Length", "0")
        if "Transfer-Encoding" in self.headers or not length.isdigit() or int(length) > MAX_BODY:
            self.close_connection = True
            self._write(Reply(411 if "Transfer-Encoding" in self.headers else 413))
            return None
        body = self.rfile.read(int(length))
        if len(body) == int(length):
            return body
        self._hang_up()
        return None

    def _write(self, reply: Reply) -> None:
        self.send_response(reply.status)
        for name, value in reply.headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(reply.body)))
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(reply.body if reply.cut_after is None else reply.body[: reply.cut_after])
        self.wfile.flush()
        if reply.cut_after is not None:
            self._hang_up()

    def _hang_up(self) -> None:
        self.close_connection = True
        with contextlib.suppress(OSError):
            self.connection.shutdown(socket.SHUT_RDWR)
