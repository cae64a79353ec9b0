# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The part that all fakes of CAs share: a server over TLS or mutual TLS, a CA that really signs, a clock to be moved.

A fake of a vendor is one file with a ``Vendor``: it maps the vendor's wire to ``Orders`` and is as strict as that, with
unknown and missing fields refused in the vendor's own words.
"""

from __future__ import annotations

import contextlib
import json
import ssl
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import parse_qsl, unquote, urlsplit

from ansible_collections.edgecert.clm.tests.support.fake_ca.signing import SigningCore
from ansible_collections.edgecert.clm.tests.support.lab_pki import Pair, make


class FakeClock:
    """The one clock of a test: the fake's and the connector's."""

    def __init__(self, start: datetime | None = None) -> None:
        self.time = start or datetime.now(timezone.utc).replace(microsecond=0)

    def now(self) -> datetime:
        """Give the time."""
        return self.time

    def sleep(self, seconds: float) -> None:
        """Let time pass at once."""
        self.time += timedelta(seconds=seconds)

    def monotonic(self) -> float:
        """Give seconds."""
        return self.time.timestamp()


@dataclass(frozen=True)
class Call:
    """One request as a vendor's fake sees it; header names are lower-case.

    :ivar parts: segments of the path, decoded; ``client`` the subject of the client certificate, empty for none.
    """

    method: str
    path: str
    parts: tuple[str, ...]
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes
    client: str

    def json(self) -> Any:
        """Give the body's JSON; ValueError for none."""
        return json.loads(self.body)


@dataclass(frozen=True)
class Reply:
    """An answer."""

    status: int
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)

    def content(self) -> bytes:
        """Give the body as bytes; what is no bytes becomes JSON."""
        if isinstance(self.body, bytes):
            return self.body
        return b"" if self.body is None else json.dumps(self.body).encode()


class Vendor(Protocol):
    """What a fake of one vendor adds."""

    def handle(self, call: Call) -> Reply:
        """Answer one request as the vendor does."""


@dataclass
class Order:
    """One order at a fake, paid for.

    :ivar polls_left: how often it is still asked for before it is done.
    :ivar ends: the vendor's word it ends with, where it is not issued; empty for issued.
    """

    order_id: str
    csr_pem: str
    wanted: Mapping[str, Any]
    placed_at: datetime
    status: str = "new"
    polls_left: int = 0
    ends: str = ""
    leaf: str = ""
    serial: str = ""


class Orders:
    """What a CA knows; the switches are for tests.

    :ivar polls: how often a new order is asked for before it is signed; 0 signs at once.
    :ivar ends: how new orders end instead of being issued.
    :ivar wrong_key: sign another key than the CSR's.
    :ivar is_shuffled: give chains in another order, with the root and a double in them.
    :ivar strange_word: a status that no document names, for all that is pending.
    :ivar is_garbled: certificates are given that nobody can read; ``is_empty`` none are, where they are due.
    """

    def __init__(self, clock: FakeClock) -> None:
        self.clock, self.core = clock, SigningCore(clock.now())
        self.found: dict[str, Order] = {}
        self.revoked: dict[str, tuple[str, datetime]] = {}
        self.polls, self.ends, self.wrong_key, self.is_shuffled, self.strange_word = 0, "", False, True, ""
        self.is_garbled = self.is_empty = False

    def place(self, csr_pem: str, wanted: Mapping[str, Any], *, names: list[str], days: int) -> Order:
        """Take an order, and sign it where nothing is to be waited for."""
        number = str(1000 + len(self.found))
        kept = {**wanted, "names": names, "days": days}
        order = Order(number, csr_pem, kept, self.clock.now(), polls_left=self.polls, ends=self.ends)
        self.found[number] = order
        if not self.polls:
            self.finish(order)
        return order

    def poll(self, order: Order) -> None:
        """Let an order come nearer to its end."""
        if order.status != "new":
            return
        order.polls_left -= 1
        if order.polls_left <= 0:
            self.finish(order)

    def finish(self, order: Order) -> None:
        """Sign an order, or end it as the test wants."""
        if order.ends:
            order.status = order.ends
            return
        key = "other" if self.wrong_key else ""
        names, days = order.wanted["names"], order.wanted["days"]
        order.leaf, order.serial = self.core.sign(order.csr_pem, names, self.clock.now(), days, key=key)
        order.status = "done"

    def shown(self, text: str, half: int | None = None) -> str:
        """Give a certificate as an answer has it: whole, or as the switches want it.

        :param half: where one that nobody can read breaks off; in the middle unless told.
        """
        if self.is_empty:
            return ""
        return text[: len(text) // 2 if half is None else half] if self.is_garbled else text

    def chain(self) -> list[str]:
        """Give what stands above a leaf; none where nothing is given."""
        if self.is_empty:
            return []
        root, issuing = self.core.root.pem, self.core.issuing.pem
        return [root, issuing, issuing] if self.is_shuffled else [issuing]

    def revoke(self, serial: str, reason: str) -> datetime:
        """Revoke; once more is the first time again."""
        return self.revoked.setdefault(serial, (reason, self.clock.now()))[1]


@dataclass
class FakeCa:
    """A running fake.

    :ivar calls: what was asked of it, as ``GET /path``.
    """

    url: str
    ca_path: str
    client: Pair
    orders: Orders
    clock: FakeClock
    calls: list[str]


@contextlib.contextmanager
def running(vendor: Vendor, orders: Orders, folder: Path, *, mutual: bool = False) -> Iterator[FakeCa]:
    """Run a vendor's fake for the time of a block.

    :param mutual: a client certificate of ``FakeCa.client``'s CA is demanded.
    """
    ca = make("fake CA's server CA", ca=True)
    server, client = make("localhost", ca), make("client", ca)
    for name, text in (("ca", ca.pem), ("cert", server.pem), ("key", server.key_pem())):
        (folder / f"{name}.pem").write_text(text)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "cert.pem", folder / "key.pem")
    if mutual:
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(folder / "ca.pem")
    calls: list[str] = []
    http = ThreadingHTTPServer(("127.0.0.1", 0), _handler(vendor, orders.clock, calls))
    http.daemon_threads = True
    http.socket = context.wrap_socket(http.socket, server_side=True, do_handshake_on_connect=False)
    thread = threading.Thread(target=http.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield FakeCa(
            f"https://127.0.0.1:{http.server_address[1]}", str(folder / "ca.pem"), client, orders, orders.clock, calls
        )
    finally:
        http.shutdown()
        http.server_close()
        thread.join(timeout=10)


def _handler(vendor: Vendor, clock: FakeClock, calls: list[str]) -> type[BaseHTTPRequestHandler]:
    lock = threading.Lock()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def answer(self) -> None:
            parts = urlsplit(self.path)
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            certificate = self.connection.getpeercert() if isinstance(self.connection, ssl.SSLSocket) else None
            call = Call(
                self.command,
                parts.path,
                tuple(unquote(one) for one in parts.path.split("/") if one),
                dict(parse_qsl(parts.query, keep_blank_values=True)),
                {name.lower(): text for name, text in self.headers.items()},
                body,
                str((certificate or {}).get("subject", "")),
            )
            with lock:
                calls.append(f"{call.method} {call.path}")
                reply = vendor.handle(call)
            content = reply.content()
            self.send_response_only(reply.status)
            self.send_header("Date", clock.now().strftime("%a, %d %b %Y %H:%M:%S GMT"))
            self.send_header("Content-Length", str(len(content)))
            for name, text in {"Content-Type": "application/json", **reply.headers}.items():
                self.send_header(name, text)
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(content)

        do_GET = do_HEAD = do_POST = do_PUT = do_DELETE = do_PATCH = answer

        def log_message(self, *_arguments: Any) -> None:
            """Say nothing."""

    return Handler
