# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Questions to single name servers: DNS over UDP, and over TCP where an answer is too long for that.

A resolver would answer from its memory; a certificate authority asks the zone's own servers, and so does this.
"""

from __future__ import annotations

import secrets
import socket
import struct
from collections.abc import Callable

from .._core.errors import TransportError
from .base import CNAME, NS, TXT, NameServers

PORT = 53
TIMEOUT_S = 4.0
TRIES = 2
_NUMBERS = {NS: 2, CNAME: 5, TXT: 16}
_NO_ERROR, _NO_NAME = 0, 3
_WORDS = {1: "it did not understand the question", 2: "it failed", 4: "it does not know such questions",
          5: "it refuses to answer for this name"}  # fmt: skip
_MOST_JUMPS = 64
_HEADER = 12
"""Octets before the questions and answers; some servers leave the question out of what they cut short."""


class _Malformed(ValueError):
    """An answer that is none."""


class DirectNameServers(NameServers):
    """Asks over the network.

    :param timeout_s: seconds for one try.
    """

    def __init__(self, timeout_s: float = TIMEOUT_S) -> None:
        self._timeout_s = timeout_s

    def shown(self, server: str, name: str, kind: str) -> tuple[str, ...]:
        """Ask each address of the server in turn until one answers."""
        host, port = _host_port(server)
        try:
            found = socket.getaddrinfo(host, port, type=socket.SOCK_DGRAM)
        except (OSError, UnicodeError) as exc:
            raise _failed(server, name, f"its name does not resolve ({exc})", sent=False, kind="resolve") from exc
        why = "it has no address"
        for family, _type, _protocol, _canonical, address in dict.fromkeys(found):
            try:
                return self._asked(family, address, name, _NUMBERS[kind])
            except TimeoutError:
                why = f"no answer within {self._timeout_s:g} seconds"
            except _Malformed as exc:
                why = str(exc)
            except OSError as exc:
                why = exc.strerror or "the network refused"
        raise _failed(server, name, why, sent=True, kind="timeout")

    def _asked(self, family: int, address: tuple[object, ...], name: str, number: int) -> tuple[str, ...]:
        question = _ask_for(name, number)
        for attempt in range(TRIES):
            try:
                answer = self._by_datagram(family, address, question)
                break
            except TimeoutError:
                if attempt == TRIES - 1:
                    raise
        if answer[2] & 0x02:
            answer = self._by_stream(family, address, question)
        return _values(answer, number)

    def _by_datagram(self, family: int, address: tuple[object, ...], question: bytes) -> bytes:
        with socket.socket(family, socket.SOCK_DGRAM) as channel:
            channel.settimeout(self._timeout_s)
            channel.connect(address)
            channel.send(question)
            while True:
                answer = channel.recv(65535)
                # A late or forged answer to another question is no answer to this one.
                if len(answer) >= _HEADER and answer[:2] == question[:2] and answer[2] & 0x80:
                    return answer

    def _by_stream(self, family: int, address: tuple[object, ...], question: bytes) -> bytes:
        with socket.socket(family, socket.SOCK_STREAM) as channel:
            channel.settimeout(self._timeout_s)
            channel.connect(address)
            channel.sendall(struct.pack(">H", len(question)) + question)
            with channel.makefile("rb") as stream:
                length = stream.read(2)
                answer = stream.read(struct.unpack(">H", length)[0]) if len(length) == 2 else b""
        if len(answer) < _HEADER or answer[:2] != question[:2]:
            raise _Malformed("its answer broke off")
        return answer


def _failed(server: str, name: str, why: str, *, sent: bool, kind: str) -> TransportError:
    return TransportError(
        f"Cannot ask name server {server} for {name}: {why}; check its address, and that port 53 is let through",
        kind=kind,
        sent=sent,
        details={"name_server": server},
    )


def _host_port(server: str) -> tuple[str, int]:
    host, bracket, rest = server.rpartition("]")
    if bracket:
        return host.lstrip("["), int(rest.lstrip(":") or PORT)
    if server.count(":") == 1:
        name, _colon, port = server.partition(":")
        return name, int(port)
    return server, PORT


def _ask_for(name: str, number: int) -> bytes:
    """Write a question. The wish for recursion is for resolvers; the zone's own servers take no notice of it."""
    labels = b"".join(bytes([len(label)]) + label.encode("ascii") for label in name.split("."))
    head = struct.pack(">HHHHHH", secrets.randbelow(65536), 0x0100, 1, 0, 0, 0)
    return head + labels + b"\0" + struct.pack(">HH", number, 1)


def _values(answer: bytes, number: int) -> tuple[str, ...]:
    """Give the values of an answer; what it tells of other names and types is left out.

    :raises _Malformed: it is none, or the server cannot answer.
    """
    code = answer[3] & 0x0F
    if code == _NO_NAME:
        return ()
    if code != _NO_ERROR:
        raise _Malformed(_WORDS.get(code, f"it answered with code {code}"))
    try:
        questions, count = struct.unpack_from(">HH", answer, 4)
        position, found = _HEADER, []
        for _question in range(questions):
            position = _name(answer, position)[1] + 4
        for _entry in range(count):
            position = _name(answer, position)[1]
            kind, _class, _ttl, length = struct.unpack_from(">HHIH", answer, position)
            position += 10
            if kind == number:
                found.append(_READERS[number](answer, position, length))
            position += length
            if position > len(answer):
                raise _Malformed("its answer broke off")
    except (struct.error, IndexError, UnicodeDecodeError) as exc:
        raise _Malformed("its answer cannot be read") from exc
    return tuple(found)


def _name(message: bytes, position: int) -> tuple[str, int]:
    """Read a name that may point to an earlier place (RFC 1035 §4.1.4); gives it and where it ends."""
    labels, end, jumps = [], 0, 0
    while message[position]:
        length = message[position]
        if length >= 0xC0:
            end = end or position + 2
            position = (length & 0x3F) << 8 | message[position + 1]
            jumps += 1
            if jumps > _MOST_JUMPS:
                raise _Malformed("its answer points in circles")
            continue
        position += 1
        labels.append(_piece(message, position, length).decode("ascii"))
        position += length
    return ".".join(labels).lower(), end or position + 1


def _piece(message: bytes, start: int, size: int) -> bytes:
    end = start + size
    return message[start:end]


def _text(message: bytes, position: int, length: int) -> str:
    end, parts = position + length, []
    while position < end:
        size = message[position]
        position += 1
        parts.append(_piece(message, position, size))
        position += size
    return b"".join(parts).decode("latin-1")


def _target(message: bytes, position: int, _length: int) -> str:
    return _name(message, position)[0]


_READERS: dict[int, Callable[[bytes, int, int], str]] = {16: _text, 5: _target, 2: _target}
