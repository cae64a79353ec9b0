# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The name server of the sandbox's zones: DNS over UDP and TCP on loopback, with what Edge DNS has published by now.

Knows the worlds only to ask them that.
"""

from __future__ import annotations

import socketserver
import struct
import threading
from collections.abc import Sequence
from typing import Any

from .edge_dns import EdgeDns, RecordSet, character_strings

KINDS = {1: "A", 2: "NS", 5: "CNAME", 6: "SOA", 16: "TXT", 28: "AAAA"}
NUMBERS = {kind: number for number, kind in KINDS.items()}
MOST_UDP = 512
_AUTHORITATIVE, _TRUNCATED = 0x8400, 0x0200
_NO_NAME, _REFUSED, _NOT_IMPLEMENTED = 3, 5, 4


def reply(zones: Sequence[EdgeDns], message: bytes, most: int = 65535) -> bytes:
    """Answer a DNS message.

    :param most: bytes the answer may have; a longer one is sent without its records, marked as truncated.
    :raises ValueError: it is no question.
    """
    name, kind, question = _question(message)
    flags = _AUTHORITATIVE | (message[2] & 1) << 8
    if kind not in KINDS:
        return _message(message, flags | _NOT_IMPLEMENTED, question, [])
    told = [one.published(name, KINDS[kind]) for one in zones]
    word, records = next((found for found in told if found[0] != "refused"), ("refused", []))
    flags |= {"answer": 0, "no_name": _NO_NAME, "refused": _REFUSED}[word]
    whole = _message(message, flags, question, [entry for record in records for entry in _entries(record)])
    return whole if len(whole) <= most else _message(message, flags | _TRUNCATED, question, [])


def _question(message: bytes) -> tuple[str, int, bytes]:
    if len(message) < 17 or message[2] & 0x80 or message[4:6] != b"\0\1":
        raise ValueError("no question")
    labels, position = [], 12
    while message[position]:
        length = message[position]
        labels.append(message[position + 1 : position + 1 + length].decode("ascii"))
        position += 1 + length
        if length > 63 or position + 5 > len(message):
            raise ValueError("no name")
    end = position + 5
    return ".".join(labels).lower(), struct.unpack(">H", message[position + 1 : position + 3])[0], message[12:end]


def _message(asked: bytes, flags: int, question: bytes, answers: list[bytes]) -> bytes:
    return asked[:2] + struct.pack(">HHHHH", flags, 1, len(answers), 0, 0) + question + b"".join(answers)


def _entries(record: RecordSet) -> list[bytes]:
    # The owner of every record is the name that was asked for, at its place in the question.
    found = []
    for text in record.rdata:
        data = _rdata(record.type, text)
        found.append(b"\xc0\x0c" + struct.pack(">HHIH", NUMBERS[record.type], 1, record.ttl, len(data)) + data)
    return found


def _rdata(kind: str, text: str) -> bytes:
    if kind == "TXT":
        return b"".join(bytes([len(one)]) + one for one in character_strings(text) or [])
    if kind in ("CNAME", "NS"):
        return b"".join(bytes([len(label)]) + label.encode() for label in text.rstrip(".").split(".")) + b"\0"
    return b""


class NameServer:
    """Serves one port of loopback over UDP and TCP."""

    def __init__(self, zones: Sequence[EdgeDns], *, port: int = 0) -> None:
        """Listen.

        :raises OSError: the port is taken.
        """

        class Datagram(socketserver.BaseRequestHandler):
            def handle(self) -> None:
                data, channel = self.request
                _quietly(lambda: channel.sendto(reply(zones, data, MOST_UDP), self.client_address))

        class Stream(socketserver.BaseRequestHandler):
            def handle(self) -> None:
                def answer() -> None:
                    with self.request.makefile("rb") as stream:
                        data = stream.read(struct.unpack(">H", stream.read(2))[0])
                    told = reply(zones, data)
                    self.request.sendall(struct.pack(">H", len(told)) + told)

                _quietly(answer)

        self._udp, self._tcp = _pair(Datagram, Stream, port)
        self.address = f"127.0.0.1:{self._udp.server_address[1]}"

    def start(self) -> None:
        """Serve."""
        for server in (self._udp, self._tcp):
            threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()

    def stop(self) -> None:
        """Stop and free the port."""
        for server in (self._udp, self._tcp):
            server.shutdown()
            server.server_close()


class _Udp(socketserver.ThreadingUDPServer):
    daemon_threads = True


class _Tcp(socketserver.ThreadingTCPServer):
    daemon_threads = True
    allow_reuse_address = True


def _pair(datagram: Any, stream: Any, port: int) -> tuple[_Udp, _Tcp]:
    """Take one port for both; a free one for UDP may be taken for TCP, so others are tried."""
    for attempt in range(20):
        udp = _Udp(("127.0.0.1", port), datagram)
        try:
            return udp, _Tcp(("127.0.0.1", udp.server_address[1]), stream)
        except OSError:
            udp.server_close()
            if port or attempt == 19:
                raise
    raise AssertionError


def _quietly(act: Any) -> None:
    """A client that sends no question, or leaves, gets no answer."""
    try:
        act()
    except (OSError, ValueError, IndexError, struct.error):
        return
