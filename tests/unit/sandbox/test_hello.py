# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The server name of a ClientHello as OpenSSL writes it, and of anything else; edges that refuse versions by name."""

from __future__ import annotations

import socket
import ssl
import warnings
from collections.abc import Iterator

import pytest
from edgecert_sandbox.hello import peeked_name, server_name
from edgecert_sandbox.pki import Authority, server_context
from edgecert_sandbox.server import Server
from edgecert_sandbox.wire import Reply
from hypothesis import given
from hypothesis import strategies as st

VERSIONS = ("TLSv1", "TLSv1_1", "TLSv1_2", "TLSv1_3")


def client(version: str = "") -> ssl.SSLContext:
    """Give a client that trusts anybody, of one version if it is named."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    if version:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            context.minimum_version = context.maximum_version = getattr(ssl.TLSVersion, version)
        context.set_ciphers("ALL:@SECLEVEL=0")
    return context


def hello(name: str | None, version: str = "") -> bytes:
    """Give the first record of a handshake."""
    out = ssl.MemoryBIO()
    connection = client(version).wrap_bio(ssl.MemoryBIO(), out, server_hostname=name)
    with pytest.raises(ssl.SSLWantReadError):
        connection.do_handshake()
    return out.read()


@pytest.mark.parametrize("version", ["", *VERSIONS])
@pytest.mark.parametrize("name", ["www.example.com", "a" * 60 + ".example.com", None])
def test_the_name_in_what_openssl_writes_is_read(name: str | None, version: str) -> None:
    """U6: of each version; a client that names no server has none."""
    assert server_name(hello(name, version)) == name


@given(st.binary(max_size=80), st.integers(0, 600), st.integers(0, 255))
def test_anything_else_is_no_name_and_no_error(noise: bytes, at: int, byte: int) -> None:
    assert server_name(noise) is None or noise[:1] == b"\x16"
    spoiled = bytearray(hello("www.example.com"))
    spoiled[at % len(spoiled)] = byte
    found = server_name(bytes(spoiled[: at + 1]))
    assert found is None or isinstance(found, str)


def test_a_record_that_comes_in_pieces_is_waited_for_and_left_to_be_read() -> None:
    """Peeking takes nothing away."""
    ours, theirs = socket.socketpair()
    record = hello("www.example.com")
    with ours, theirs:
        ours.sendall(record[:40])
        assert peeked_name(theirs, wait_s=0.05) is None
        ours.sendall(record[40:])
        assert peeked_name(theirs) == "www.example.com"
        assert theirs.recv(65536) == record
        ours.shutdown(socket.SHUT_WR)
        assert peeked_name(theirs) is None


@pytest.fixture
def served() -> Iterator[int]:
    """Serve each name by versions of its own; give the port."""
    identity = Authority("test").issue("www", ["www.example.com"])
    rules = {"modern.test": VERSIONS[:2], "gap.test": ("TLSv1_2",), "open.test": ()}

    def choose(name: str) -> ssl.SSLContext | None:
        return server_context([identity], rules[name]) if name in rules else None

    server = Server(lambda _request: Reply(200), context=server_context([identity]), choose=choose)
    server.start()
    yield server.port
    server.stop()


@pytest.mark.parametrize(
    ("name", "taken"),
    [
        ("modern.test", VERSIONS[2:]),
        ("gap.test", ("TLSv1", "TLSv1_1", "TLSv1_3")),
        ("open.test", VERSIONS),
        ("unknown.test", VERSIONS[2:]),
    ],
)
def test_each_name_takes_the_versions_it_is_allowed(served: int, name: str, taken: tuple[str, ...]) -> None:
    """U6: in the handshake, as an edge does."""
    found = []
    for version in VERSIONS:
        try:
            with (
                socket.create_connection(("127.0.0.1", served)) as plain,
                client(version).wrap_socket(plain, server_hostname=name),
            ):
                found.append(version)
        except ssl.SSLError:
            continue
    assert tuple(found) == taken
