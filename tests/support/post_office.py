# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An SMTP server of others (aiosmtpd) and a receiver of webhooks, on loopback and over TLS, that keep what they get."""

from __future__ import annotations

import contextlib
import json
import pathlib
import ssl
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, Envelope, LoginPassword, Session

from ansible_collections.edgecert.clm.tests.support import lab_pki
from ansible_collections.edgecert.clm.tests.support.ports import free_port

LOGIN = ("robot", "S3cret-of-mail")


@dataclass
class Box:
    """What arrived, and how a server is to behave.

    :ivar refuses: addresses that are not taken.
    :ivar answer: to the whole message; another one than 250 refuses it.
    """

    letters: list[EmailMessage] = field(default_factory=list)
    people: list[list[str]] = field(default_factory=list)
    refuses: tuple[str, ...] = ()
    answer: str = "250 taken"

    async def handle_RCPT(
        self, server: Any, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        """Take a recipient or refuse it."""
        if address in self.refuses:
            return "550 no such\tperson"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: Any, session: Session, envelope: Envelope) -> str:
        """Keep a message."""
        content = envelope.content
        assert isinstance(content, bytes)
        if self.answer.startswith("250"):
            letter = message_from_bytes(content, policy=default)
            assert isinstance(letter, EmailMessage)
            self.letters.append(letter)
            self.people.append(list(envelope.rcpt_tos))
        return self.answer


@dataclass
class PostOffice:
    """A server that wants STARTTLS and a login, one that speaks TLS at once, and a plain one.

    :ivar ports: by the option ``security``.
    """

    ports: dict[str, int]
    ca_path: str
    box: Box

    def mail(self, security: str = "starttls", **changes: Any) -> dict[str, Any]:
        """Give the option ``mail``."""
        login = {} if security == "none" else {"username": LOGIN[0], "password": LOGIN[1], "ca_path": self.ca_path}
        wanted = {"host": "localhost", "port": self.ports[security], "security": security, **login}
        people = {"sender": "certificates@example.com", "to": ["ops@example.com"], "timeout": 10}
        return {**wanted, **people, **changes}


def plain_text(letter: EmailMessage, kind: str = "plain") -> str:
    """Give the text of a message's part, ``plain`` or ``html``."""
    found = letter.get_body((kind,))
    assert found is not None
    return str(found.get_content())


def _login(_server: Any, _session: Any, _envelope: Any, _mechanism: str, data: Any) -> AuthResult:
    assert isinstance(data, LoginPassword)
    return AuthResult(success=(data.login.decode(), data.password.decode()) == LOGIN, handled=False)


def _tls(folder: pathlib.Path) -> tuple[ssl.SSLContext, str]:
    root = lab_pki.make("Lab root", ca=True)
    server = lab_pki.make("localhost", root)
    (folder / "server.pem").write_text(server.pem + server.key_pem(), encoding="utf-8")
    (folder / "root.pem").write_text(root.pem, encoding="utf-8")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "server.pem")
    return context, str(folder / "root.pem")


@contextlib.contextmanager
def post_office(folder: pathlib.Path) -> Iterator[PostOffice]:
    """Run the three servers.

    :param folder: an empty one, for keys.
    """
    context, ca_path = _tls(folder)
    box, ports = Box(), {}
    wants: dict[str, dict[str, Any]] = {
        "starttls": {"tls_context": context, "require_starttls": True, "auth_required": True, "authenticator": _login},
        "tls": {"ssl_context": context, "auth_require_tls": False, "authenticator": _login},
        "none": {},
    }
    with contextlib.ExitStack() as stack:
        for security, more in wants.items():
            ports[security] = free_port()
            one = Controller(box, hostname="127.0.0.1", port=ports[security], **more)
            one.start()
            stack.callback(one.stop)
        yield PostOffice(ports, ca_path, box)


@dataclass
class Chat:
    """A receiver of webhooks.

    :ivar calls: path, headers and JSON of each.
    :ivar status: what it answers, with ``body``.
    """

    url: str
    ca_path: str
    calls: list[tuple[str, dict[str, str], Any]] = field(default_factory=list)
    status: int = 200
    body: str = "ok"


@contextlib.contextmanager
def chat(folder: pathlib.Path) -> Iterator[Chat]:
    """Run a receiver over TLS.

    :param folder: an empty one, for keys.
    """
    context, ca_path = _tls(folder)

    class Handler(BaseHTTPRequestHandler):
        """Keeps what is posted."""

        def do_POST(self) -> None:
            """Take one message."""
            body = self.rfile.read(int(self.headers["Content-Length"]))
            found.calls.append((self.path, dict(self.headers), json.loads(body)))
            self.send_response(found.status)
            self.send_header("Content-Length", str(len(found.body)))
            self.end_headers()
            self.wfile.write(found.body.encode())

        def log_message(self, format: str, *args: Any) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    found = Chat(f"https://localhost:{server.server_address[1]}/services/T00/S3cret-of-hook", ca_path)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield found
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)
