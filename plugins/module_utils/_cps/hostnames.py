# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Host names of properties, as Property Manager lists those that are active; wire names stop here.

Knows no HTTP.

:source: PAPI get-hostnames.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from . import reading as read
from .models import bare

NETWORKS = ("staging", "production")
PAGE = 999
"""Most that one page may have."""


@dataclass(frozen=True)
class ActiveHostname:
    """A host name that is active in a property.

    :ivar hostname: what clients ask for; a wildcard is one.
    :ivar property_id: without ``prp_``; ``contract_id``, ``group_id`` without their prefixes likewise.
    :ivar edges: by network it is active on, the edge hostname it leads to.
    :ivar certificate_types: by network, ``CPS_MANAGED``, ``DEFAULT`` or another word; None where it is not told.
    """

    hostname: str
    property_id: str
    property_name: str
    contract_id: str
    group_id: str
    edges: Mapping[str, str]
    certificate_types: Mapping[str, str | None]

    @classmethod
    def from_wire(cls, wire: Mapping[str, Any]) -> ActiveHostname:
        """Read one item; a network it is not active on has no members at all."""
        edges, kinds = {}, {}
        for network in NETWORKS:
            edge = read.text(wire.get(f"{network}CnameTo")) or read.text(wire.get(f"{network}EdgeHostnameId"))
            if edge:
                edges[network], kinds[network] = edge, read.text(wire.get(f"{network}CertType"))
        return cls(
            hostname=(read.text(wire.get("cnameFrom")) or "").lower(),
            property_id=(read.text(wire.get("propertyId")) or "").removeprefix("prp_"),
            property_name=read.text(wire.get("propertyName")) or "",
            contract_id=bare(wire.get("contractId")),
            group_id=bare(wire.get("groupId")),
            edges=edges,
            certificate_types=kinds,
        )


@dataclass(frozen=True)
class HostnamePage:
    """One page of host names.

    :ivar next_offset: where the next page begins; None when there is none.
    """

    items: tuple[ActiveHostname, ...]
    next_offset: int | None


def hostname_page(value: Any, offset: int) -> HostnamePage:
    """Read one page.

    :param offset: where it begins.
    :raises RemoteError: it is no such list.
    """
    listed = read.mapping(read.mapping(value).get("hostnames"))
    if not isinstance(listed.get("items"), list):
        raise read.unusable("the host names of properties", "there is no list of them in it")
    items = tuple(ActiveHostname.from_wire(entry) for entry in read.objects(listed["items"]))
    end, total = offset + len(listed["items"]), read.number(listed.get("totalItems"))
    is_more = bool(items) and (read.text(listed.get("nextLink")) is not None or (total is not None and end < total))
    return HostnamePage(items, end if is_more else None)
