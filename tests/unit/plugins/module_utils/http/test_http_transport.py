# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The transport against real TLS servers and a real proxy on loopback, sound and broken."""

from __future__ import annotations

import gzip
import socket
import struct
import threading
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import parse_qsl

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.edgecert.clm.plugins.module_utils._core.errors import InputError, TransportError
from ansible_collections.edgecert.clm.plugins.module_utils._core.redact import Secret
from ansible_collections.edgecert.clm.plugins.module_utils._core.version import VERSION
from ansible_collections.edgecert.clm.plugins.module_utils._edgegrid.auth import edgegrid_auth
from ansible_collections.edgecert.clm.plugins.module_utils._edgegrid.credentials import Credentials
from ansible_collections.edgecert.clm.plugins.module_utils._http.base import Request, TransportOptions
from ansible_collections.edgecert.clm.plugins.module_utils._http.transport import RequestsTransport, url_of

from .conftest import MakeServer, ServerCertificate, answering

GET = Request("GET", "/cps/v2/enrollments", (("contractId", "C-1"),), {"Accept": "application/json"})
POST = Request("POST", "/cps/v2/enrollments", body=b"{}")
TOP = Path(__file__).resolve().parents[5]


def transport_to(port: int, certificate: ServerCertificate, **options: Any) -> RequestsTransport:
    auth = options.pop("auth", None)
    host = options.pop("host", "localhost")
    chosen = {"ca_path": certificate.certificate, "timeout_s": 3, **options}
    return RequestsTransport(TransportOptions(f"{host}:{port}", **chosen), auth)


def failure_of(port: int, certificate: ServerCertificate, request: Request = GET, **options: Any) -> TransportError:
    transport = transport_to(port, certificate, **options)
    with pytest.raises(TransportError) as caught:
        transport.send(request)
    transport.close()
    assert f":{port}" in caught.value.message or options.get("proxy")
    assert request.path in caught.value.message and "; " in caught.value.message
    return caught.value


def lines_of(request: bytes) -> list[str]:
    return request.partition(b"\r\n\r\n")[0].decode().split("\r\n")


def reset(connection: socket.socket, _request: bytes) -> None:
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


def test_answer_comes_whole_with_lower_case_headers_over_one_connection(
    make_server: MakeServer, server_certificate: ServerCertificate
) -> None:
    server = make_server(answering(b'{"a":1}', "404 Not Found", "X-RateLimit-Next: soon\r\nSet-Cookie: a=b\r\n"))
    transport = transport_to(server.port, server_certificate)
    answers = [transport.send(GET) for _call in range(3)]
    assert {(one.status, one.body, one.headers["x-ratelimit-next"]) for one in answers} == {(404, b'{"a":1}', "soon")}
    assert server.connections == 1
    head = lines_of(server.requests[2])
    assert head[0] == "GET /cps/v2/enrollments?contractId=C-1 HTTP/1.1"
    assert f"User-Agent: edgecert.clm/{VERSION}" in head and "Accept: application/json" in head
    assert not [line for line in head if line.lower().startswith(("cookie:", "expect:", "authorization:"))]


def test_version_of_the_user_agent_is_the_collections() -> None:
    assert yaml.safe_load((TOP / "galaxy.yml").read_text(encoding="utf-8"))["version"] == VERSION


def test_compressed_answer_is_unpacked(make_server: MakeServer, server_certificate: ServerCertificate) -> None:
    server = make_server(answering(gzip.compress(b"{}" * 500), headers="Content-Encoding: gzip\r\n"))
    assert transport_to(server.port, server_certificate).send(GET).body == b"{}" * 500


def test_redirect_is_given_back_and_not_followed(
    make_server: MakeServer, server_certificate: ServerCertificate
) -> None:
    server = make_server(answering(b"", "302 Found", "Location: https://elsewhere.example.com/\r\n"))
    assert transport_to(server.port, server_certificate).send(GET).status == 302
    assert len(server.requests) == 1


def test_server_with_an_untrusted_certificate_is_refused(
    make_server: MakeServer, server_certificate: ServerCertificate
) -> None:
    server = make_server(answering())
    error = failure_of(server.port, server_certificate, ca_path=None)
    assert (error.kind, error.sent) == ("tls", False)
    assert "certificate is not trusted (self" in error.message and "ca_path" in error.message
    assert server.requests == []


def test_server_with_a_certificate_of_another_name_is_refused(
    make_server: MakeServer, server_certificate: ServerCertificate
) -> None:
    server, tunnel = make_server(answering()), Tunnel(far=("127.0.0.1", 0))
    tunnel.far = ("127.0.0.1", server.port)
    transport = RequestsTransport(
        TransportOptions(
            "akab.example.com", proxy=f"http://127.0.0.1:{tunnel.port}", ca_path=server_certificate.certificate
        )
    )
    with pytest.raises(
        TransportError, match="not trusted .*ostname mismatch.*is the name in the certificate"
    ) as caught:
        transport.send(GET)
    tunnel.close()
    assert (caught.value.kind, caught.value.sent, server.requests) == ("tls", False, [])


def test_any_certificate_is_taken_when_told_so(make_server: MakeServer, server_certificate: ServerCertificate) -> None:
    server = make_server(answering())
    assert transport_to(server.port, server_certificate, ca_path=None, validate_certs=False).send(GET).status == 200


def test_server_without_tls_is_told(server_certificate: ServerCertificate) -> None:
    # What a web server says to a TLS greeting it does not understand.
    plain = socket.create_server(("127.0.0.1", 0))
    threading.Thread(target=lambda: plain.accept()[0].sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n"), daemon=True).start()
    error = failure_of(plain.getsockname()[1], server_certificate)
    plain.close()
    assert (error.kind, error.sent) == ("tls", False)
    assert "speak HTTPS" in error.message


def test_refused_connection_is_told(server_certificate: ServerCertificate) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    error = failure_of(port, server_certificate)
    assert (error.kind, error.sent) == ("connect", False)
    assert "refused" in error.message


def test_server_that_never_answers_times_out_after_the_request_was_sent(
    make_server: MakeServer, server_certificate: ServerCertificate
) -> None:
    done = threading.Event()
    server = make_server(lambda _connection, _request: done.wait(10) and None)
    error = failure_of(server.port, server_certificate, POST, timeout_s=0.3)
    done.set()
    assert (error.kind, error.sent) == ("timeout", True)
    assert "within 0.3 seconds" in error.message and "look what came of it" in error.message


@pytest.mark.parametrize("behaviour", [reset, lambda connection, _request: connection.close()])
def test_connection_ended_after_the_request_may_have_been_processed(
    make_server: MakeServer, server_certificate: ServerCertificate, behaviour: Any
) -> None:
    error = failure_of(make_server(behaviour).port, server_certificate, POST)
    assert (error.kind, error.sent) == ("reset", True)


def _cut(connection: socket.socket, _request: bytes) -> None:
    connection.sendall(b'HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n{"enrollments":[')
    connection.shutdown(socket.SHUT_RDWR)
    connection.close()


def _cut_chunks(connection: socket.socket, _request: bytes) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n10\r\n{}")
    connection.shutdown(socket.SHUT_RDWR)
    connection.close()


@pytest.mark.parametrize("behaviour", [_cut, _cut_chunks])
def test_body_that_breaks_off_is_no_answer(
    make_server: MakeServer, server_certificate: ServerCertificate, behaviour: Any
) -> None:
    error = failure_of(make_server(behaviour).port, server_certificate)
    assert (error.kind, error.sent) == ("truncated", True)
    assert "broke off" in error.message


def test_body_that_stops_coming_times_out(make_server: MakeServer, server_certificate: ServerCertificate) -> None:
    done = threading.Event()

    def stall(connection: socket.socket, _request: bytes) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n{")
        done.wait(10)

    error = failure_of(make_server(stall).port, server_certificate, timeout_s=0.3)
    done.set()
    assert (error.kind, error.sent) == ("timeout", True)


class Tunnel:
    """A CONNECT proxy; with a status other than 200 it refuses, with ``far`` it goes elsewhere than asked."""

    def __init__(self, status: str = "200 OK", far: tuple[str, int] | None = None) -> None:
        self.heads: list[str] = []
        self.far = far
        self._status = status
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._run, daemon=True).start()

    def _run(self) -> None:
        while True:
            try:
                near, _address = self._listener.accept()
            except OSError:
                return
            head = b""
            while b"\r\n\r\n" not in head:
                head += near.recv(4096)
            self.heads.append(head.decode())
            near.sendall(f"HTTP/1.1 {self._status}\r\n\r\n".encode())
            if not self._status.startswith("200"):
                near.close()
                continue
            name, _colon, port = head.split()[1].decode().partition(":")
            far = socket.create_connection(self.far or (name, int(port)))
            for source, sink in ((near, far), (far, near)):
                threading.Thread(target=self._pump, args=(source, sink), daemon=True).start()

    @staticmethod
    def _pump(source: socket.socket, sink: socket.socket) -> None:
        try:
            while data := source.recv(65536):
                sink.sendall(data)
        except OSError:
            return
        finally:
            sink.close()

    def close(self) -> None:
        self._listener.close()


def test_proxy_given_is_used_with_its_password_for_every_call(
    make_server: MakeServer, server_certificate: ServerCertificate
) -> None:
    """D4"""
    server, tunnel = make_server(answering()), Tunnel()
    proxy = f"http://ann:pa%24s@127.0.0.1:{tunnel.port}"
    transport = transport_to(server.port, server_certificate, proxy=proxy)
    assert transport.send(GET).status == 200
    tunnel.close()
    assert tunnel.heads[0].startswith(f"CONNECT localhost:{server.port} ")
    assert "Proxy-Authorization: Basic YW5uOnBhJHM=" in tunnel.heads[0]
    assert not [line for line in lines_of(server.requests[0]) if line.startswith("Proxy-")]


def test_proxy_and_netrc_of_the_environment_play_no_part(
    make_server: MakeServer, server_certificate: ServerCertificate, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine localhost login ann password secret\n", encoding="utf-8")
    netrc.chmod(0o600)
    tunnel, server = Tunnel(), make_server(answering())
    for name in ("https_proxy", "HTTPS_PROXY", "all_proxy"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{tunnel.port}")
    monkeypatch.setenv("NETRC", str(netrc))
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(netrc))
    assert transport_to(server.port, server_certificate).send(GET).status == 200
    tunnel.close()
    assert tunnel.heads == []
    assert "authorization" not in server.requests[0].decode().lower()


@pytest.mark.parametrize(
    ("status", "words"),
    [("407 Proxy Authentication Required", "407.*user and password"), ("403 Forbidden", "403 Forb")],
)
def test_proxy_that_refuses_is_told_without_its_password(
    server_certificate: ServerCertificate, status: str, words: str
) -> None:
    tunnel = Tunnel(status)
    error = failure_of(443, server_certificate, proxy=f"http://proxyuser:geheim@127.0.0.1:{tunnel.port}")
    tunnel.close()
    assert (error.kind, error.sent) == ("tunnel", False)
    with pytest.raises(TransportError, match=words):
        raise error
    assert "geheim" not in error.message and "proxyuser" not in error.message


@pytest.mark.parametrize("where", ["127.0.0.1:1", "proxy.invalid:3128"])
def test_dead_proxy_is_told_without_its_password(server_certificate: ServerCertificate, where: str) -> None:
    error = failure_of(443, server_certificate, proxy=f"http://ann:geheim@{where}")
    assert (error.kind, error.sent) == ("proxy", False)
    assert where in error.message and "geheim" not in error.message


def test_ca_file_that_cannot_be_used_is_refused_before_traffic(tmp_path: Path) -> None:
    empty = tmp_path / "empty.pem"
    empty.write_text("no certificate\n", encoding="utf-8")
    for path, words in ((str(tmp_path / "none.pem"), "no such file"), (str(empty), "PEM CA certificates")):
        with pytest.raises(InputError, match=words):
            RequestsTransport(TransportOptions("localhost", ca_path=path))


def test_unusable_host_or_proxy_is_refused_before_traffic() -> None:
    """D2, D4"""
    with pytest.raises(InputError, match="has a scheme"):
        RequestsTransport(TransportOptions("https://localhost"))
    with pytest.raises(InputError) as caught:
        RequestsTransport(TransportOptions("localhost", proxy="socks5://ann:geheim@localhost:1080"))
    assert "http://" in caught.value.message and "geheim" not in caught.value.message


@pytest.mark.parametrize("family", [socket.AF_INET, socket.AF_INET6])
def test_address_in_place_of_a_name_is_reached(
    make_server: MakeServer, server_certificate: ServerCertificate, family: socket.AddressFamily
) -> None:
    """D2"""
    server = make_server(answering(), family=family)
    host = "[::1]" if family == socket.AF_INET6 else "127.0.0.1"
    transport = transport_to(server.port, server_certificate, host=host)
    assert transport.send(GET).status == 200
    assert f"Host: {host}:{server.port}" in lines_of(server.requests[0])


def signed_again(server_port: int, head: list[str], body: bytes, credentials: Credentials) -> str:
    """Sign what arrived at the server with Akamai's library, by the time and nonce the request bears."""
    from akamai.edgegrid.edgegrid import EdgeGridAuthHeaders

    method, target, _version = head[0].split()
    url = f"https://localhost:{server_port}{target}"
    arrived = SimpleNamespace(method=method, url=url, headers={}, body=body)
    sent = next(line for line in head if line.startswith("Authorization: ")).removeprefix("Authorization: ")
    parts = dict(part.split("=", 1) for part in sent.split(" ", 1)[1].split(";"))
    headers = EdgeGridAuthHeaders(
        credentials.client_token, credentials.client_secret.reveal(), credentials.access_token
    )
    assert headers.make_auth_header(arrived, parts["timestamp"], parts["nonce"]) == sent
    return parts["nonce"]


@pytest.mark.parametrize("method", ["GET", "POST", "PUT"])
def test_what_arrives_is_what_was_signed(
    make_server: MakeServer, server_certificate: ServerCertificate, method: str
) -> None:
    """D10: the switch key, blanks, slashes, plus signs and letters outside ASCII, in the query and in the body."""
    credentials = Credentials("localhost", "akab-ct", Secret("c2VjcmV0=="), "akab-at")
    server = make_server(answering())
    query = (("contractId", "C 1/+&=é~"), ("accountSwitchKey", "1-ABCDE:1-2RBL;x"))
    body = '{"o":"Zoë"}'.encode() if method != "GET" else None
    transport = transport_to(server.port, server_certificate, auth=edgegrid_auth(credentials))
    nonces = set()
    for _call in range(2):
        transport.send(Request(method, "/cps/v2/enrollments/1", query, {}, body))
        raw = server.requests[-1]
        head = lines_of(raw)
        arrived = raw.partition(b"\r\n\r\n")[2]
        assert parse_qsl(head[0].split()[1].partition("?")[2]) == list(query)
        assert arrived == (body or b"")
        nonces.add(signed_again(server.port, head, arrived, credentials))
    assert len(nonces) == 2


@settings(max_examples=200)
@given(st.lists(st.tuples(st.text(max_size=8), st.text(max_size=12)), max_size=4))
def test_no_library_writes_the_url_differently(query: list[tuple[str, str]]) -> None:
    import requests

    pairs = tuple(
        (name.encode("utf-8", "replace").decode(), value.encode("utf-8", "replace").decode()) for name, value in query
    )
    url = url_of("localhost:8443", Request("GET", "/cps/v2/enrollments/1", pairs))
    assert requests.Request("GET", url).prepare().url == url
