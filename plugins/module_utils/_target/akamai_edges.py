# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where Akamai's edge servers are found: by an edge hostname, by its form for staging, by the DNS of a name served.

Looks names up each time it is asked: Akamai's answer differs by place and time, and staging servers change.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence

from .._core.errors import TransportError
from .._core.hosts import HostPort, host_reasons, parse_host
from .edge import TlsEdgeProbe
from .edge_base import Edges, Place
from .resolver import Resolver, SystemResolver

_STAGING = "-staging"
DOMAINS = ("edgekey.net", "edgesuite.net", "akamaized.net", "akamaihd.net", "akamaiedge.net", "akamai.net")
"""Domains of edge hostnames, and of what they are aliases of; those of staging have ``-staging`` before ``.net``.

:source: Akamai, Edge Hostnames, "Edge hostname domains"; Property Manager, "Test your property".
"""


class AkamaiEdges(TlsEdgeProbe, Edges):
    """The edges of both networks.

    :param resolver: of host names; the machine's own when left out.
    """

    def __init__(self, timeout_s: float = 10.0, resolver: Resolver | None = None) -> None:
        super().__init__(timeout_s)
        self._resolver = resolver or SystemResolver()

    def host_reasons(self, host: str) -> Sequence[str]:
        """Say why a host name is no edge hostname."""
        reasons = host_reasons(host)
        if reasons or _form(parse_host(host).name, "production"):
            return reasons
        return [
            f"it is no edge hostname of Akamai, which ends in .{', .'.join(DOMAINS)}; name other addresses in "
            "edge.staging and edge.production"
        ]

    def host_of(self, host: str, network: str) -> str:
        """Give an edge hostname in the form of a network; a port stays with it."""
        place = parse_host(host)
        return HostPort(_form(place.name, network) or place.name, place.port).netloc

    def places(self, address: str, family: str) -> Sequence[Place]:
        """Give every address behind a host name."""
        place = parse_host(address, "the address of an edge server")
        if _is_number(place.name):
            return (_place(place.name, place.port),)
        found = self._resolver.lookup(place.name, family)
        return tuple(_place(one, place.port, place.name) for one in found.addresses)

    def places_of_name(self, server_name: str, network: str, family: str) -> Sequence[Place]:
        """Follow a name's aliases to Akamai's domains; staging is found beside production.

        A zone apex that Akamai answers for without an alias cannot be told from a foreign address: it is not taken.
        """
        found = self._resolver.lookup(server_name, family)
        host = _form(found.canonical, network)
        if not host:
            alias = "" if found.canonical == server_name else f"{found.canonical}, "
            raise TransportError(
                f"Cannot find an edge server for {server_name}: the DNS leads to {alias}{', '.join(found.addresses)}, "
                "which is not known to be Akamai's; let the name lead to its edge hostname, or name that in "
                "edge.hostnames",
                kind="elsewhere",
                sent=False,
            )
        if host != found.canonical:
            found = self._resolver.lookup(host, family)
        return tuple(_place(one, None, host) for one in found.addresses)


def _place(address: str, port: int | None, via: str = "") -> Place:
    return Place(address if port is None else HostPort(address, port).netloc, via)


def _form(name: str, network: str) -> str:
    """Give a name of Akamai's in the form of a network, from that of either; empty for another name."""
    for domain in DOMAINS:
        stem = domain.removesuffix(".net")
        for ending in (f".{stem}.net", f".{stem}{_STAGING}.net"):
            if name.endswith(ending) and len(name) > len(ending):
                mark = _STAGING if network == "staging" else ""
                return f"{name.removesuffix(ending)}.{stem}{mark}.net"
    return ""


def _is_number(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True
