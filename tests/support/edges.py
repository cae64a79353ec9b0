# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A DNS and an Internet of a test's own: names lead to addresses, and addresses to TLS servers on loopback.

As strict as the real ones: a name or address that a test did not set up is not there. The handshakes are real.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass, field

from ansible_collections.edgecert.clm.plugins.module_utils._core.errors import TransportError
from ansible_collections.edgecert.clm.plugins.module_utils._target.akamai_edges import AkamaiEdges
from ansible_collections.edgecert.clm.plugins.module_utils._target.edge_base import Presented
from ansible_collections.edgecert.clm.plugins.module_utils._target.resolver import Resolved, Resolver, unresolved


@dataclass
class TableResolver(Resolver):
    """A DNS of two tables.

    :ivar aliases: name to the name it is an alias of.
    :ivar addresses: name to its IP addresses.
    :ivar asked: the names that were looked up, in order.
    """

    aliases: dict[str, str] = field(default_factory=dict)
    addresses: dict[str, list[str]] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)

    def lookup(self, host: str, family: str) -> Resolved:
        """Follow aliases to addresses of a family."""
        self.asked.append(host)
        name, seen = host, set()
        while name in self.aliases:
            if name in seen:
                raise unresolved(host, family, "its aliases go in a circle")
            seen.add(name)
            name = self.aliases[name]
        found = [one for one in self.addresses.get(name, []) if family in ("all", _family(one))]
        if not found:
            raise unresolved(host, family, "Name or service not known")
        return Resolved(tuple(found), name)


def _family(address: str) -> str:
    return f"ipv{ipaddress.ip_address(address).version}"


class LoopbackEdges(AkamaiEdges):
    """The real edges, with the addresses of a test led to servers on loopback.

    :ivar asked: address, server name and kind of key of each handshake, in order.
    """

    def __init__(self, resolver: Resolver, routes: Mapping[str, str]) -> None:
        super().__init__(5.0, resolver)
        self.routes = dict(routes)
        self.asked: list[tuple[str, str, str]] = []

    def presented(self, address: str, server_name: str, key_algorithm: str) -> Presented:
        """Shake hands with the server an address leads to."""
        self.asked.append((address, server_name, key_algorithm))
        if address not in self.routes and not address.startswith("127.0.0.1:"):
            raise TransportError(f"Cannot look at {address}: no route to host", kind="connect", sent=False)
        return super().presented(self.routes.get(address, address), server_name, key_algorithm)
