# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The addresses behind a host name, as the system's own resolver gives them: hosts file, DNS, whatever is set up."""

from __future__ import annotations

import socket
from abc import ABC, abstractmethod
from dataclasses import dataclass

from .._core.errors import TransportError

FAMILIES = {"all": socket.AF_UNSPEC, "ipv4": socket.AF_INET, "ipv6": socket.AF_INET6}
"""By the word of the option, the addresses that are wanted."""


@dataclass(frozen=True)
class Resolved:
    """What a host name leads to.

    :ivar addresses: IP addresses as text, each once, never empty.
    :ivar canonical: the name at the end of its aliases, lower-case; the name itself where it has none.
    """

    addresses: tuple[str, ...]
    canonical: str


class Resolver(ABC):
    """Looks up host names."""

    @abstractmethod
    def lookup(self, host: str, family: str) -> Resolved:
        """Give the addresses of a host name.

        :param family: of ``FAMILIES``.
        :raises TransportError: kind ``resolve``: it has none of that family, or the DNS does not answer.
        """


class SystemResolver(Resolver):
    """The resolver of the machine; asked anew each time, since addresses of edges change."""

    def lookup(self, host: str, family: str) -> Resolved:
        """Give the addresses of a host name, of the families that this machine has."""
        flags = socket.AI_CANONNAME | socket.AI_ADDRCONFIG
        try:
            found = socket.getaddrinfo(host, None, FAMILIES[family], socket.SOCK_STREAM, 0, flags)
        except (OSError, UnicodeError) as exc:
            raise unresolved(host, family, str(exc)) from exc
        addresses = tuple(dict.fromkeys(str(place[0]).partition("%")[0] for *_kind, place in found))
        if not addresses:
            raise unresolved(host, family, "no address came back")
        canonical = next((entry[3] for entry in found if entry[3]), host)
        return Resolved(addresses, canonical.lower().rstrip("."))


def unresolved(host: str, family: str, reason: str) -> TransportError:
    """Give the error of a name without an address."""
    kind = "" if family == "all" else f" by {family.replace('ip', 'IP')}"
    return TransportError(
        f"Cannot find the edge servers {host}: the name cannot be resolved{kind} ({reason}); correct the name, wait "
        "until the DNS knows it, or name addresses in edge.staging and edge.production",
        kind="resolve",
        sent=False,
    )
