# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A device's management on loopback: TLS with a real certificate, faults on demand, a log of calls. Knows no vendor."""

from __future__ import annotations

import datetime
import ipaddress
import json
import pathlib
import socket
import ssl
import sys
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

HTML = "<html><head><title>{title}</title></head><body>{title}</body></html>"


@dataclass(frozen=True)
class Arrived:
    """One request as it came; ``raw_query`` is not decoded, ``query`` is."""

    method: str
    path: str
    raw_query: str
    headers: Mapping[str, str]
    body: Any

    @property
    def query(self) -> dict[str, str]:
        """Give the query's pairs."""
        return dict(parse_qsl(self.raw_query, keep_blank_values=True))


@dataclass
class Reply:
    """What is answered; ``body`` is JSON-ready, or text that is sent as it is with its content type."""

    status: int = 200
    body: Any = None
    content_type: str = "application/json"
    headers: dict[str, str] = field(default_factory=dict)


@dataclass
class Fault:
    """What goes wrong with the next requests that fit.

    :ivar kind: ``reply`` (this one, nothing is done), ``lost`` (done, and the connection ends without an answer),
        ``slow`` (done, and answered after ``seconds``), ``hang`` (nothing is done, and nobody answers for ``seconds``).
    :ivar skip: so many fitting requests pass before it begins.
    """

    method: str
    path: str
    kind: str = "reply"
    reply: Reply = field(default_factory=Reply)
    seconds: float = 0.0
    times: int = 1
    skip: int = 0


class FakeAdc:
    """A device to be started and spoken to.

    :param names: host names and addresses in its certificate.
    :ivar options: how the vendor's device is.
    """

    options: Any

    def __init__(self, folder: pathlib.Path, names: tuple[str, ...] = ("localhost", "127.0.0.1")) -> None:
        self.log: list[Arrived] = []
        self.faults: list[Fault] = []
        self.lock = threading.RLock()
        self.is_hanging, self.is_released = threading.Event(), threading.Event()
        self.ca_path = str(folder / "ca.pem")
        folder.mkdir(parents=True, exist_ok=True)
        context = _tls(folder, names)
        self._server = _Server(("127.0.0.1", 0), _handler_of(self))
        self._server.daemon_threads = True
        self._server.socket = context.wrap_socket(self._server.socket, server_side=True, do_handshake_on_connect=False)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)

    @property
    def port(self) -> int:
        """Give the port."""
        return int(self._server.server_address[1])

    @property
    def host(self) -> str:
        """Give host and port as the option wants them."""
        return f"localhost:{self.port}"

    def __enter__(self) -> Any:
        self._thread.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self.is_released.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(5)

    def handle(self, arrived: Arrived) -> Reply:
        """Answer a request; for the vendor."""
        return Reply(404, {"path": arrived.path})

    def calls(self, method: str, path: str) -> list[Arrived]:
        """Give the requests of a method whose path ends so."""
        return [one for one in self.log if one.method == method and one.path.endswith(path)]

    def fault_for(self, arrived: Arrived) -> Fault | None:
        """Take the fault that befalls a request, if any."""
        for fault in self.faults:
            if fault.times and fault.method == arrived.method and fault.path in arrived.path:
                if fault.skip:
                    fault.skip -= 1
                    return None
                fault.times -= 1
                return fault
        return None


class _Server(ThreadingHTTPServer):
    """Says nothing of callers that went away, which is what many a test is about."""

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Show what is no broken connection."""
        if not isinstance(sys.exc_info()[1], OSError):
            super().handle_error(request, client_address)


def _handler_of(fake: FakeAdc) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        timeout = 30

        def log_message(self, format: str, *args: Any) -> None:
            """Print nothing."""

        def _serve(self) -> None:
            arrived = self._arrived()
            with fake.lock:
                fake.log.append(arrived)
                fault = fake.fault_for(arrived)
                reply = fault.reply if fault and fault.kind in ("reply", "hang") else fake.handle(arrived)
            if fault and fault.kind == "hang":
                fake.is_hanging.set()
            if fault and fault.kind in ("slow", "hang"):
                fake.is_released.wait(fault.seconds)
            if fault and fault.kind in ("lost", "hang"):
                self.close_connection = True
                self.connection.shutdown(socket.SHUT_RDWR)
                return
            self._send(reply)

        def _arrived(self) -> Arrived:
            parts = urlsplit(self.path)
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            headers = {name.lower(): value for name, value in self.headers.items()}
            value = json.loads(body) if body else None
            return Arrived(self.command, unquote(parts.path), parts.query, headers, value)

        def _send(self, reply: Reply) -> None:
            data = b""
            if reply.body is not None:
                data = reply.body.encode() if isinstance(reply.body, str) else json.dumps(reply.body).encode()
            self.send_response(reply.status)
            for name, value in reply.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Type", reply.content_type)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _serve

    return Handler


def html(status: int, title: str) -> Reply:
    """Give a page, as of a web server or a login form that stands before the API."""
    return Reply(status, HTML.format(title=title), "text/html")


def _tls(folder: pathlib.Path, names: tuple[str, ...]) -> ssl.SSLContext:
    ca_key, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    ca_name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Fake ADC CA")])
    usage = x509.KeyUsage(True, False, False, False, False, True, True, False, False)
    ca = _certificate(ca_name, ca_key.public_key(), ca_name).add_extension(x509.BasicConstraints(True, None), True)
    ca_cert = ca.add_extension(usage, True).sign(ca_key, hashes.SHA256())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, names[0])])
    leaf = _certificate(subject, key.public_key(), ca_name)
    leaf = leaf.add_extension(x509.SubjectAlternativeName([_general(name) for name in names]), False)
    leaf = leaf.add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(ca_key.public_key()), False)
    pem = serialization.Encoding.PEM
    (folder / "ca.pem").write_bytes(ca_cert.public_bytes(pem))
    secret = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    (folder / "server.pem").write_bytes(leaf.sign(ca_key, hashes.SHA256()).public_bytes(pem) + secret)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "server.pem")
    return context


def _general(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def _certificate(subject: x509.Name, public: Any, issuer: x509.Name) -> x509.CertificateBuilder:
    now = datetime.datetime.now(datetime.timezone.utc)
    builder = x509.CertificateBuilder().subject_name(subject).issuer_name(issuer).public_key(public)
    builder = builder.serial_number(x509.random_serial_number()).not_valid_before(now - datetime.timedelta(days=1))
    builder = builder.not_valid_after(now + datetime.timedelta(days=30))
    return builder.add_extension(x509.SubjectKeyIdentifier.from_public_key(public), False)
