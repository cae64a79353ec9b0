# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What owes who finds edge servers and looks at what they present. No vendor here."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Presented:
    """What an edge server presents in one handshake.

    :ivar fingerprint: of the leaf.
    :ivar chain: fingerprints of what it presents beside the leaf, in its order; None where this Python's TLS library
        does not tell.
    :ivar subject: of the leaf, RFC 4514; empty when it cannot be read.
    """

    fingerprint: str
    chain: tuple[str, ...] | None = None
    subject: str = ""


class EdgeProbe(ABC):
    """Looks at what an edge server really presents."""

    @abstractmethod
    def presented(self, address: str, server_name: str, key_algorithm: str) -> Presented:
        """Give what is presented in a TLS handshake.

        :param address: ``host:port`` or ``host`` (port 443).
        :param key_algorithm: ``RSA`` or ``ECDSA``: what the handshake is limited to.
        :raises TransportError: no handshake.
        """

    @abstractmethod
    def takes_version(self, address: str, server_name: str, version: str) -> bool | None:
        """Say whether a server shakes hands by one version of TLS; None where this machine's library cannot offer it.

        Refused is what is turned down by an alert or by hanging up, which says nothing of why: only beside a version
        that the same server takes for the same name is it the version that was refused.

        :param version: of ``vocabulary.TLS_VERSIONS``.
        :raises TransportError: the server was not reached, or did not answer in time.
        """


@dataclass(frozen=True)
class Place:
    """One address of an edge server.

    :ivar address: IP address, with a port where it is another one than 443; IPv6 in brackets then.
    :ivar via: the host name that led to it; empty when the address itself was given.
    """

    address: str
    via: str = ""

    @property
    def shown(self) -> str:
        """Give it for messages."""
        return f"{self.address} ({self.via})" if self.via else self.address


class Edges(EdgeProbe):
    """Finds edge servers at the time they are asked, and looks at them."""

    @abstractmethod
    def host_reasons(self, host: str) -> Sequence[str]:
        """Say why a host name is none by which this vendor's edges are found, a part of a sentence each; no traffic."""

    @abstractmethod
    def host_of(self, host: str, network: str) -> str:
        """Give the host name by which the edges of a network are found, from that of either network; no traffic."""

    @abstractmethod
    def places(self, address: str, family: str) -> Sequence[Place]:
        """Give every address behind a host name, or the address that was given.

        :param address: host name or IP address, with an optional port.
        :param family: ``all``, ``ipv4`` or ``ipv6``: which addresses of a host name are wanted.
        :raises TransportError: kind ``resolve``, the name leads to no such address.
        """

    @abstractmethod
    def places_of_name(self, server_name: str, network: str, family: str) -> Sequence[Place]:
        """Give the edges of a network that the DNS names for a host name that is served.

        :raises TransportError: kind ``resolve`` as ``places``, kind ``elsewhere`` when it does not lead to an edge.
        """
