# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Client certificates: from PEM or PKCS#12 to the same kept pair, used without a lasting file, told when they end."""

from __future__ import annotations

import base64
import contextlib
import os
import socket
import ssl
import tempfile
import threading
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.edgecert.clm.plugins.module_utils._ca import client_certificate, nexus_signing
from ansible_collections.edgecert.clm.plugins.module_utils._core.errors import InputError, TransportError
from ansible_collections.edgecert.clm.plugins.module_utils._core.redact import Secret
from ansible_collections.edgecert.clm.plugins.module_utils._http import mutual_tls
from ansible_collections.edgecert.clm.plugins.module_utils._http.base import ClientIdentity, Request, TransportOptions
from ansible_collections.edgecert.clm.plugins.module_utils._http.transport import RequestsTransport
from ansible_collections.edgecert.clm.tests.support.lab_pki import Pair, make

PASSPHRASE = "open sesame 1!"


@pytest.fixture(scope="module")
def pair() -> Pair:
    return make("client", make("CA", ca=True))


def taken(options: dict[str, Any], given: dict[str, str]) -> tuple[dict[str, Any], dict[str, str], list[str]]:
    """Take what a user gives for a new account."""
    return client_certificate.taken(options, given, given)


def test_every_way_to_give_it_keeps_the_same_pair_and_no_passphrase(pair: Pair) -> None:
    """Issue 6: mTLS from PEM or PFX."""
    pfx = base64.b64encode(pair.pfx(PASSPHRASE)).decode()
    ways = [
        taken({"client_certificate": pair.pem}, {"client_key": pair.key_pem()}),
        taken(
            {"client_certificate": pair.pem},
            {"client_key": pair.key_pem(PASSPHRASE), "client_passphrase": PASSPHRASE},
        ),
        taken({}, {"client_pfx": pfx, "client_passphrase": PASSPHRASE}),
    ]
    for options, secrets, problems in ways:
        assert problems == [] and options["client_certificate"] == pair.pem
        assert secrets == {"client_key": pair.key_pem()}


def test_a_path_is_told_as_none_of_it(pair: Pair) -> None:
    """Bad input: what was meant is a file's content."""
    for text in ("/etc/ssl/client.pem", "junk"):
        _options, _secrets, problems = taken({"client_certificate": text}, {"client_key": pair.key_pem()})
        assert problems == ["client_certificate is no PEM; give its content, not a path"]
        with pytest.raises(InputError, match="client_certificate is no PEM; give its content, not a path"):
            client_certificate.expires_at({"client_certificate": text})
        given = {"signing_key": pair.key_pem()}
        _kept, words = nexus_signing.taken({"signing_certificate": text}, given, given)
        assert words == ["signing_certificate is no PEM; give its content, not a path"]
        stored = {"signing_key": Secret(pair.key_pem())}
        with pytest.raises(InputError, match="signing_certificate is no PEM"):
            nexus_signing.signed("AAAA", {"signing_certificate": text}, stored)


@pytest.mark.parametrize("given", ["wrong passphrase", "no passphrase", "other key", "no certificate"])
def test_what_does_not_fit_is_told_without_quoting_it(pair: Pair, given: str) -> None:
    """Bad input: no key in a message."""
    options: dict[str, Any] = {"client_certificate": pair.pem}
    secrets = {"client_key": pair.key_pem(PASSPHRASE), "client_passphrase": PASSPHRASE}
    if given == "wrong passphrase":
        secrets["client_passphrase"] = "wrong"
    elif given == "no passphrase":
        del secrets["client_passphrase"]
    elif given == "other key":
        secrets = {"client_key": make("other").key_pem()}
    else:
        options = {}
    _options, _secrets, problems = taken(options, secrets)
    assert len(problems) == 1 and "client_" in problems[0]
    assert PASSPHRASE not in problems[0] and "PRIVATE" not in problems[0]


def test_the_key_is_in_no_file_after_it_is_loaded(pair: Pair, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Issue 6: without a lasting file, also where it cannot be loaded; in memory, and with a temporary file."""
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr(tempfile, "tempdir", None)
    good = ClientIdentity(pair.pem, Secret(pair.key_pem()))
    bad = ClientIdentity(pair.pem, Secret(make("other").key_pem()))
    seen: list[int] = []
    plain = ssl.SSLContext.load_cert_chain

    def load(self: ssl.SSLContext, path: str, **kwargs: Any) -> None:
        seen.append(os.stat(path).st_mode & 0o077)
        plain(self, path, **kwargs)

    monkeypatch.setattr(ssl.SSLContext, "load_cert_chain", load)
    for _way in ("memory", "file"):
        mutual_tls.load(ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT), good)
        with pytest.raises(InputError, match="belong together"):
            mutual_tls.load(ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT), bad)
        assert list(tmp_path.iterdir()) == []
        monkeypatch.delattr(os, "memfd_create", raising=False)
    assert seen[-2:] == [0, 0], "nobody else may read the temporary file"


class Listener:
    """A server with a certificate, at its port for the time of a block; says nothing beyond the handshake.

    :param clients: the CA of the clients it takes; None for anybody.
    """

    def __init__(self, served: Pair, folder: Path, clients: Pair | None = None) -> None:
        file = folder / "server.pem"
        file.write_text(served.pem + served.key_pem())
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._context.load_cert_chain(file)
        if clients is not None:
            self._context.verify_mode = ssl.CERT_REQUIRED
            self._context.load_verify_locations(cadata=clients.pem)
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.host = f"127.0.0.1:{self._socket.getsockname()[1]}"
        self._thread = threading.Thread(target=self._serve, daemon=True)

    def _serve(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                raw, _peer = self._socket.accept()
                raw.settimeout(10.0)
                secured = self._context.wrap_socket(raw, server_side=True, do_handshake_on_connect=False)
                with contextlib.suppress(OSError), secured:
                    self._answer(secured)

    @staticmethod
    def _answer(secured: ssl.SSLSocket) -> None:
        try:
            secured.do_handshake()
        except ssl.SSLError:
            # A connection that is closed with a request unread is reset, and a client may lose the alert that says why.
            secured.shutdown(socket.SHUT_WR)
            while secured.recv(65_536):
                pass
            return
        secured.recv(65_536)
        secured.sendall(b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n")

    def __enter__(self) -> Listener:
        self._thread.start()
        return self

    def __exit__(self, *_exc: object) -> None:
        self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        self._thread.join(5)


def test_a_ca_path_replaces_the_systems_roots_with_a_client_certificate_too(
    pair: Pair, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """TransportOptions: ``ca_path`` replaces the system's; a root of the system vouches for no server beside it."""
    system, private = make("System", ca=True), make("Private", ca=True)
    for name, root in (("system", system), ("private", private)):
        (tmp_path / f"{name}.pem").write_text(root.pem)
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "system.pem"))
    identity = ClientIdentity(pair.pem, Secret(pair.key_pem()))

    def status(host: str, ca_path: str | None) -> int:
        transport = RequestsTransport(TransportOptions(host, ca_path=ca_path, timeout_s=10.0, client=identity))
        try:
            return transport.send(Request("GET", "/")).status
        finally:
            transport.close()

    with Listener(make("127.0.0.1", system), tmp_path) as there:
        assert status(there.host, None) == 204
        with pytest.raises(TransportError) as caught:
            status(there.host, str(tmp_path / "private.pem"))
        assert caught.value.kind == "tls"
        assert status(there.host, str(tmp_path / "system.pem")) == 204


@pytest.mark.parametrize(
    ("is_given", "words"), [(True, "does not take the client certificate"), (False, "wants a client certificate")]
)
def test_a_server_that_knows_another_certificate_is_told_as_that(
    pair: Pair, tmp_path: Path, is_given: bool, words: str
) -> None:
    """C rows: an officer whom nobody knows, and an account without a certificate where one is wanted."""
    root = make("Private", ca=True)
    (tmp_path / "root.pem").write_text(root.pem)
    identity = ClientIdentity(pair.pem, Secret(pair.key_pem())) if is_given else None
    with Listener(make("127.0.0.1", root), tmp_path, make("Clients", ca=True)) as there:
        options = TransportOptions(there.host, ca_path=str(tmp_path / "root.pem"), timeout_s=10.0, client=identity)
        with contextlib.closing(RequestsTransport(options)) as transport, pytest.raises(TransportError) as caught:
            transport.send(Request("GET", "/"))
    assert words in caught.value.message and caught.value.kind == "tls" and not caught.value.sent


@pytest.mark.parametrize(
    ("days", "passed", "words"), [(60, True, "60 days"), (10, True, "replace it soon"), (-1, False, "it ended")]
)
def test_its_end_is_told_before_it_comes(days: int, passed: bool, words: str) -> None:
    """Issue 6: expiry of client certificates is shown, an expired one fails the test."""
    now = datetime(2030, 1, 1, tzinfo=timezone.utc)
    options = {"client_certificate": make("client", now=now - timedelta(days=100), days=100 + days).pem}
    [check] = client_certificate.checks(options, now)
    assert check.passed is passed and words in check.detail
    assert client_certificate.expires_at(options) == now + timedelta(days=days)
    assert client_certificate.checks({}, now) == [] and client_certificate.expires_at({}) is None
