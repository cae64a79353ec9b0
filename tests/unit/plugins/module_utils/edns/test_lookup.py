# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Values as zone files write them, and single name servers: the sandbox's, ones that answer badly, and none."""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.edgecert.clm.plugins.module_utils._core.errors import TransportError
from ansible_collections.edgecert.clm.plugins.module_utils._dns import lookup
from ansible_collections.edgecert.clm.plugins.module_utils._dns.lookup import DirectNameServers
from ansible_collections.edgecert.clm.plugins.module_utils._edns.rdata import from_rdata, to_rdata

from .conftest import NAME, Records

PRINTABLE = st.text(st.characters(min_codepoint=32, max_codepoint=126), min_size=1, max_size=600)


@given(PRINTABLE)
def test_a_text_survives_its_quotes(value: str) -> None:
    assert from_rdata("TXT", to_rdata("TXT", value)) == value


@given(PRINTABLE)
def test_another_reader_of_zone_files_reads_the_same(value: str) -> None:
    """dnspython, the second opinion."""
    pytest.importorskip("dns", reason="dnspython of requirements-dev.txt is not installed")
    import dns.rdata

    read: Any = dns.rdata.from_text("IN", "TXT", to_rdata("TXT", value))
    assert b"".join(read.strings).decode() == value
    assert from_rdata("TXT", read.to_text()) == value


@pytest.mark.parametrize(
    ("kind", "text", "value"),
    [
        ("TXT", "unquoted", "unquoted"),
        ("TXT", '"one" "two"', "onetwo"),
        ("TXT", r'"\065\"\\"', 'A"\\'),
        ("TXT", '""', ""),
        ("CNAME", "Target.Example.NET.", "target.example.net"),
        ("NS", "a1-64.akam.net.", "a1-64.akam.net"),
    ],
)
def test_values_are_read_in_every_form(kind: str, text: str, value: str) -> None:
    assert from_rdata(kind, text) == value


def test_the_questions_and_answers_are_those_of_another_resolver(records: Records) -> None:
    """dnspython reads our question as we mean it, and the sandbox's answers, whole and cut short, as we do."""
    pytest.importorskip("dns", reason="dnspython of requirements-dev.txt is not installed")
    import dns.flags
    import dns.message
    import dns.query

    asked = dns.message.from_wire(lookup._ask_for(NAME, 16)).question[0]
    assert (str(asked.name), asked.rdtype, asked.rdclass) == (f"{NAME}.", 16, 1)
    values = [f"value-{number}-{'x' * 200}" for number in range(5)]
    for value in values:
        records.put(value=value)
    host, _colon, port = records.bench.sandbox.name_server.partition(":")
    question = dns.message.make_query(NAME, "TXT")
    short = dns.query.udp(question, host, port=int(port), timeout=5)
    assert short.flags & dns.flags.TC and not short.answer
    whole = dns.query.tcp(question, host, port=int(port), timeout=5)
    theirs = sorted(b"".join(one.strings).decode() for one in whole.answer[0])
    assert theirs == values and whole.flags & dns.flags.AA
    assert sorted(DirectNameServers().shown(f"{host}:{port}", NAME, "TXT")) == values


def test_names_and_types_that_are_not_there_are_no_failure(records: Records) -> None:
    server, asker = records.bench.sandbox.name_server, DirectNameServers()
    records.put(name="alias.example.com", type="CNAME", value="www.example.net")
    assert asker.shown(server, "alias.example.com", "CNAME") == ("www.example.net",)
    assert asker.shown(server, "alias.example.com", "TXT") == ()
    assert asker.shown(server, "nothing.example.com", "TXT") == ()
    assert asker.shown(server, "example.com", "NS") == ("a1-64.akam.example", "a2-65.akam.example")
    with pytest.raises(TransportError, match="it refuses to answer for this name"):
        asker.shown(server, "www.example.org", "TXT")


@contextlib.contextmanager
def server(answer: Callable[[bytes], bytes | None]) -> Iterator[str]:
    """Run a name server that answers as it likes."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as channel:
        channel.bind(("127.0.0.1", 0))
        channel.settimeout(0.1)
        ended = threading.Event()

        def serve() -> None:
            while not ended.is_set():
                with contextlib.suppress(TimeoutError):
                    asked, client = channel.recvfrom(512)
                    told = answer(asked)
                    if told is not None:
                        channel.sendto(told, client)

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield f"127.0.0.1:{channel.getsockname()[1]}"
        finally:
            ended.set()
            thread.join()


def _told(asked: bytes, flags: int, count: int, rest: bytes = b"") -> bytes:
    return asked[:2] + struct.pack(">HHHHH", flags, 1, count, 0, 0) + asked[12:] + rest


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (lambda asked: None, "no answer within 0.2 seconds"),
        (lambda asked: b"no", "no answer within"),
        (lambda asked: b"\0\0" + _told(asked, 0x8400, 0)[2:] if asked[:2] != b"\0\0" else None, "no answer within"),
        (lambda asked: _told(asked, 0x8402, 0), "it failed"),
        (lambda asked: _told(asked, 0x840B, 0), "code 11"),
        (lambda asked: _told(asked, 0x8400, 1), "cannot be read"),
        (lambda asked: _told(asked, 0x8400, 1, b"\xc0\x0c" + struct.pack(">HHIH", 16, 1, 60, 50)), "cannot be read"),
        (lambda asked: _told(asked, 0x8400, 1, struct.pack(">H", 0xC000 | len(asked)) + b"\0" * 10), "circles"),
        (lambda asked: _told(asked, 0x8600, 0), "refused"),
    ],
    ids=["nothing", "noise", "another question", "failure", "odd code", "no record", "cut off", "circle", "no TCP"],
)
def test_a_server_that_answers_badly_is_told(answer: Callable[[bytes], bytes | None], why: str) -> None:
    with server(answer) as address, pytest.raises(TransportError, match=f"(?i)name server {address}.*{why}") as caught:
        DirectNameServers(timeout_s=0.2).shown(address, NAME, "TXT")
    assert caught.value.details["name_server"] == address


def test_what_an_answer_tells_beside_the_question_is_left_out() -> None:
    """A resolver that follows a CNAME tells of it, too."""
    text = b"\x05other"

    def answer(asked: bytes) -> bytes:
        alias = b"\xc0\x0c" + struct.pack(">HHIH", 5, 1, 60, 2) + b"\xc0\x0c"
        record = b"\xc0\x0c" + struct.pack(">HHIH", 16, 1, 60, len(text)) + text
        return _told(asked, 0x8180, 2, alias + record)

    with server(answer) as address:
        assert DirectNameServers().shown(address, NAME, "TXT") == ("other",)


@pytest.mark.parametrize(
    ("text", "host", "port"),
    [
        ("a1-64.akam.net", "a1-64.akam.net", 53),
        ("127.0.0.1:5353", "127.0.0.1", 5353),
        ("2001:db8::1", "2001:db8::1", 53),
        ("[2001:db8::1]:5353", "2001:db8::1", 5353),
        ("[2001:db8::1]", "2001:db8::1", 53),
    ],
)
def test_servers_are_written_with_and_without_a_port(text: str, host: str, port: int) -> None:
    assert lookup._host_port(text) == (host, port)
