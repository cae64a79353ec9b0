# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The server name of a ClientHello, read before the handshake begins (RFC 8446 §4.1.2, RFC 6066 §3).

The ssl module tells it when the version has been settled already, which is too late for an edge that allows each name
versions of its own.
"""

from __future__ import annotations

import contextlib
import socket
import time

_HANDSHAKE, _CLIENT_HELLO, _SERVER_NAME, _HOST_NAME = 22, 1, 0, 0
_RECORD = 5
_LONGEST = _RECORD + 16_384


def peeked_name(connection: socket.socket, wait_s: float = 10.0) -> str | None:
    """Look at a connection's first record, which stays to be read; gives None where it names no server."""
    until = time.monotonic() + wait_s
    seen, wanted = b"", _RECORD
    with contextlib.suppress(OSError):
        while len(seen) < wanted and time.monotonic() < until:
            before, seen = len(seen), connection.recv(min(wanted, _LONGEST), socket.MSG_PEEK)
            if len(seen) >= _RECORD:
                wanted = _RECORD + int.from_bytes(seen[3:5], "big")
            if not seen:
                return None
            if len(seen) == before:
                # The rest is on its way, and peeking does not wait for it.
                time.sleep(0.002)
    return server_name(seen)


def server_name(record: bytes) -> str | None:
    """Read the server name out of a TLS record that holds a ClientHello; None where there is none."""
    try:
        return _name(_Reader(record))
    except (IndexError, UnicodeDecodeError):
        return None


def _name(record: _Reader) -> str | None:
    if record.number(1) != _HANDSHAKE:
        return None
    record.take(2)
    hello = _Reader(record.vector(2))
    if hello.number(1) != _CLIENT_HELLO:
        return None
    body = _Reader(hello.vector(3))
    body.take(2 + 32)
    for length in (1, 2, 1):
        body.vector(length)
    extensions = _Reader(body.vector(2))
    while extensions.left:
        kind, content = extensions.number(2), extensions.vector(2)
        if kind == _SERVER_NAME:
            names = _Reader(_Reader(content).vector(2))
            return names.vector(2).decode("ascii") if names.number(1) == _HOST_NAME else None
    return None


class _Reader:
    """Takes numbers and vectors off the front of bytes.

    :raises IndexError: from every method, where fewer bytes are left than are asked for.
    """

    def __init__(self, content: bytes) -> None:
        self.left = content

    def take(self, count: int) -> bytes:
        """Take so many bytes."""
        if len(self.left) < count:
            raise IndexError("the message ends early")
        taken, self.left = self.left[:count], self.left[count:]
        return taken

    def number(self, width: int) -> int:
        """Take a number of so many bytes."""
        return int.from_bytes(self.take(width), "big")

    def vector(self, width: int) -> bytes:
        """Take what a length of so many bytes stands before."""
        return self.take(self.number(width))
