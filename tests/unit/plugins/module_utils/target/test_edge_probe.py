# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The edge probe against real TLS servers on loopback."""

from __future__ import annotations

import contextlib
import hashlib
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID

from ansible_collections.edgecert.clm.plugins.module_utils._core.errors import InputError, TransportError
from ansible_collections.edgecert.clm.plugins.module_utils._target.edge import TlsEdgeProbe, _handshake_errors

NAME = "www.example.com"
Serve = Callable[..., str]


def make_pair(folder: Path, stem: str, key: Any) -> tuple[Path, str]:
    """Write key and self-signed certificate, expired and for another name: the probe must not care."""
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, stem)])
    begin = datetime.now(timezone.utc) - timedelta(days=30)
    cert = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(7)
        .not_valid_before(begin)
        .not_valid_after(begin + timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path = folder / f"{stem}.pem"
    path.write_bytes(private + cert.public_bytes(serialization.Encoding.PEM))
    return path, hashlib.sha256(cert.public_bytes(serialization.Encoding.DER)).hexdigest()


@pytest.fixture(scope="module")
def pairs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[Path, str]]:
    folder = tmp_path_factory.mktemp("edge")
    return {
        "RSA": make_pair(folder, "rsa", rsa.generate_private_key(65537, 2048)),
        "ECDSA": make_pair(folder, "ecdsa", ec.generate_private_key(ec.SECP256R1())),
    }


@pytest.fixture
def serve(pairs: dict[str, tuple[Path, str]]) -> Iterator[Serve]:
    """Start a TLS server: which certificates, which versions, for which server name; gives its address."""
    with contextlib.ExitStack() as stack:

        def start(*kinds: str, family: int = socket.AF_INET, version: Any = None, seen: list[str] | None = None) -> str:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            for kind in kinds:
                context.load_cert_chain(pairs[kind][0])
            if version is not None:
                context.minimum_version = context.maximum_version = version

            def remember(_socket: Any, name: str | None, _context: Any) -> None:
                if seen is not None:
                    seen.append(name or "")

            context.sni_callback = remember
            host = "127.0.0.1" if family == socket.AF_INET else "::1"
            listener = stack.enter_context(socket.create_server((host, 0), family=family))
            thread = threading.Thread(target=answer, args=(listener, context), daemon=True)
            thread.start()
            port = listener.getsockname()[1]
            return f"{host}:{port}" if family == socket.AF_INET else f"[{host}]:{port}"

        yield start


def answer(listener: socket.socket, context: ssl.SSLContext) -> None:
    while True:
        try:
            plain, _peer = listener.accept()
        except OSError:
            return
        with contextlib.suppress(OSError), context.wrap_socket(plain, server_side=True) as secured:
            secured.recv(1)


@pytest.mark.parametrize("kind", ["RSA", "ECDSA"])
@pytest.mark.parametrize("served", [("RSA", "ECDSA"), ("ECDSA", "RSA")])
def test_each_certificate_of_a_dual_stack_edge_is_seen(
    serve: Serve, pairs: dict[str, tuple[Path, str]], kind: str, served: tuple[str, ...]
) -> None:
    """U6: what the edge serves is looked at for each kind of key."""
    assert TlsEdgeProbe(5).presented(serve(*served), NAME, kind).fingerprint == pairs[kind][1]


def test_server_name_is_sent(serve: Serve) -> None:
    seen: list[str] = []
    TlsEdgeProbe(5).presented(serve("RSA", seen=seen), NAME, "RSA")
    assert seen == [NAME]


@pytest.mark.skipif(not socket.has_ipv6, reason="this Python has no IPv6")
def test_ipv6_address_is_reached(serve: Serve, pairs: dict[str, tuple[Path, str]]) -> None:
    shown = TlsEdgeProbe(5).presented(serve("ECDSA", family=socket.AF_INET6), NAME, "ECDSA")
    assert shown.fingerprint == pairs["ECDSA"][1]


def test_kind_that_the_edge_does_not_serve_is_a_tls_failure(serve: Serve) -> None:
    with pytest.raises(TransportError) as caught:
        TlsEdgeProbe(5).presented(serve("RSA"), NAME, "ECDSA")
    assert caught.value.kind == "tls" and not caught.value.sent
    assert "no certificate of this kind" in caught.value.message


def test_edge_with_tls13_only_is_seen_when_it_chooses_the_kind(
    serve: Serve, pairs: dict[str, tuple[Path, str]]
) -> None:
    address = serve("ECDSA", version=ssl.TLSVersion.TLSv1_3)
    assert TlsEdgeProbe(5).presented(address, NAME, "ECDSA").fingerprint == pairs["ECDSA"][1]


def test_edge_with_tls13_only_that_chooses_the_other_kind_is_no_answer(serve: Serve) -> None:
    with pytest.raises(TransportError, match="chose its ECDSA certificate"):
        TlsEdgeProbe(5).presented(serve("ECDSA", version=ssl.TLSVersion.TLSv1_3), NAME, "RSA")


def test_closed_port_is_a_connect_failure() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with pytest.raises(TransportError) as caught:
        TlsEdgeProbe(5).presented(f"127.0.0.1:{port}", NAME, "RSA")
    assert caught.value.kind == "connect"


def test_silent_server_is_a_timeout() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener, pytest.raises(TransportError) as caught:
        TlsEdgeProbe(0.2).presented(f"127.0.0.1:{listener.getsockname()[1]}", NAME, "RSA")
    assert caught.value.kind == "timeout"


def test_server_that_hangs_up_is_a_reset() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def hang_up() -> None:
            plain, _peer = listener.accept()
            plain.recv(4096)
            plain.close()

        thread = threading.Thread(target=hang_up, daemon=True)
        thread.start()
        with pytest.raises(TransportError) as caught:
            TlsEdgeProbe(5).presented(f"127.0.0.1:{listener.getsockname()[1]}", NAME, "RSA")
        thread.join(5)
    assert caught.value.kind == "reset"


@pytest.mark.parametrize("kind", [ssl.SSLEOFError, ssl.SSLZeroReturnError, ConnectionResetError])
def test_every_python_s_word_for_an_end_of_the_connection_is_a_reset(kind: type[OSError]) -> None:
    with pytest.raises(TransportError) as caught, _handshake_errors("edge"):
        raise kind(6, "connection has been closed (EOF)")
    assert caught.value.kind == "reset"


def test_server_that_speaks_no_tls_is_a_tls_failure() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def greet() -> None:
            plain, _peer = listener.accept()
            plain.sendall(b"220 mail.example.com ESMTP\r\n")
            plain.recv(4096)
            plain.close()

        threading.Thread(target=greet, daemon=True).start()
        with pytest.raises(TransportError) as caught:
            TlsEdgeProbe(5).presented(f"127.0.0.1:{listener.getsockname()[1]}", NAME, "RSA")
    assert caught.value.kind == "tls"


def test_name_that_does_not_exist_is_a_resolve_failure() -> None:
    with pytest.raises(TransportError) as caught:
        TlsEdgeProbe(5).presented("no-such-host.invalid", NAME, "RSA")
    assert caught.value.kind == "resolve"


@pytest.mark.parametrize(
    ("address", "name", "kind"),
    [
        ("https://127.0.0.1/", NAME, "RSA"),
        ("127.0.0.1:70000", NAME, "RSA"),
        ("127.0.0.1", "*.example.com", "RSA"),
        ("127.0.0.1", "", "RSA"),
        ("127.0.0.1", NAME, "Ed25519"),
    ],
)
def test_question_that_cannot_be_asked_is_refused_before_any_traffic(address: str, name: str, kind: str) -> None:
    with pytest.raises(InputError):
        TlsEdgeProbe(5).presented(address, name, kind)


VERSIONS = {"TLSv1_2": ssl.TLSVersion.TLSv1_2, "TLSv1_3": ssl.TLSVersion.TLSv1_3}


@pytest.mark.parametrize("served", list(VERSIONS))
def test_an_edge_takes_the_versions_it_speaks_and_refuses_others(serve: Serve, served: str) -> None:
    """U6: also one older than the library's usual level of security allows."""
    address, probe = serve("RSA", version=VERSIONS[served]), TlsEdgeProbe(5)
    found = {version: probe.takes_version(address, NAME, version) for version in ("TLSv1", "TLSv1_1", *VERSIONS)}
    assert found == {"TLSv1": False, "TLSv1_1": False, "TLSv1_2": served == "TLSv1_2", "TLSv1_3": served == "TLSv1_3"}


def test_a_version_python_was_built_without_is_neither_taken_nor_refused(
    serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    """U6: nothing was asked, so nothing is proved."""
    monkeypatch.setattr(ssl, "HAS_TLSv1", False)
    assert TlsEdgeProbe(5).takes_version(serve("RSA"), NAME, "TLSv1") is None


def test_no_answer_about_a_version_is_a_failure() -> None:
    """U6: it is no refusal."""
    with socket.create_server(("127.0.0.1", 0)) as listener, pytest.raises(TransportError) as caught:
        TlsEdgeProbe(0.2).takes_version(f"127.0.0.1:{listener.getsockname()[1]}", NAME, "TLSv1_2")
    assert caught.value.kind == "timeout"
