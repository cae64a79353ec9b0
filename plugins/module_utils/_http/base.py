# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""HTTP as a port: request, response, transport and pacer. Knows no vendor and no library."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from .._core.redact import Secret


@dataclass(frozen=True)
class ClientIdentity:
    """What a client authenticates with in TLS.

    :ivar certificate: PEM, the leaf first, then its chain.
    :ivar key: its private key, PEM without passphrase.
    """

    certificate: str
    key: Secret


@dataclass(frozen=True)
class TransportOptions:
    """How one remote host is reached.

    :ivar host: name or address, with an optional ``:port``; no scheme, no path.
    :ivar proxy: URL of an HTTP proxy used for every call, or None to follow no proxy at all.
    :ivar ca_path: file of PEM CA certificates that replaces the system's, or None.
    :ivar validate_certs: False accepts any server certificate (laboratories only).
    :ivar timeout_s: seconds for connecting and for each read.
    :ivar client: for mutual TLS, or None.
    :ivar scheme: ``https``, or ``http`` for what is signed itself and published so.
    :ivar max_bytes: of an answer, unpacked; 0 for no limit.
    :ivar max_seconds: for the whole of an answer, however steadily it comes; 0 for no limit.
    """

    host: str
    proxy: str | None = None
    ca_path: str | None = None
    validate_certs: bool = True
    timeout_s: float = 60.0
    client: ClientIdentity | None = None
    scheme: str = "https"
    max_bytes: int = 0
    max_seconds: float = 0


@dataclass(frozen=True)
class Request:
    """One HTTP request; the URL is built once, then signed and sent unaltered.

    Its ``repr`` shows neither headers nor body, which may hold credentials.

    :ivar path: begins with a slash, percent-encoded, without query.
    :ivar query: in the order to be sent.
    :ivar family: the limit it counts under beside the account's, as ``active-certificates``; empty for none.
    """

    method: str
    path: str
    query: tuple[tuple[str, str], ...] = ()
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    body: bytes | None = field(default=None, repr=False)
    family: str = ""


@dataclass(frozen=True)
class Response:
    """A complete answer; header names are lower-case."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    elapsed_s: float = 0.0


class Transport(Protocol):
    """Sends one request over a kept-alive session; follows no redirect, repeats nothing."""

    def send(self, request: Request) -> Response:
        """Send and read the whole answer, whatever its status.

        :raises TransportError: no complete answer; ``sent`` tells whether it may have been processed.
        """

    def close(self) -> None:
        """Close the connections."""


TransportMaker = Callable[[TransportOptions], Transport]
"""Builds a transport to one host; no traffic."""


class Pacer(Protocol):
    """Keeps the calls of every process to one account within what the vendor allows."""

    calls: int

    def before(self, family: str) -> None:
        """Count one call, waiting first where the limits ask for it.

        :param family: a limit of its own beside the account's; empty for none.
        :raises RateLimited: the wait would be longer than the caller allows.
        """

    def told_to_wait(self, seconds: float) -> None:
        """Note that the vendor asked every caller to wait that long from now."""

    def remaining(self, left: int, limit: int) -> None:
        """Note what the vendor says is left of the current window."""
