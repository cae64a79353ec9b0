# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where names of a certificate are used: the active host names of properties, read only (cps-protocol §4.4)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from .._core.names import covers
from .._cps.client import CpsClient
from .._cps.hostnames import ActiveHostname
from .base import HostnameUse

# Above that one list of all costs less than a call for each name.
_ONE_BY_ONE = 5
_CPS_MANAGED = "CPS_MANAGED"


def uses(client: CpsClient, names: Sequence[str]) -> tuple[HostnameUse, ...]:
    """Give the active host names that these names of a certificate stand for, sorted.

    Those that Akamai gives a certificate of its own, or one that CPS does not manage, are left out.

    :raises RemoteError: they cannot be looked at.
    """
    filters = list(names) if len(names) <= _ONE_BY_ONE else [""]
    found: dict[tuple[str, str], HostnameUse] = {}
    for one in filters:
        for item in _all(client, one):
            networks = _networks(item)
            if networks and any(covers(name, item.hostname) for name in names):
                edges = {network: item.edges[network] for network in networks}
                found[item.hostname, item.property_id] = HostnameUse(
                    item.hostname, networks, item.property_id, item.property_name, item.contract_id, edges
                )
    return tuple(found[key] for key in sorted(found))


def _all(client: CpsClient, hostname: str) -> Iterator[ActiveHostname]:
    offset: int | None = 0
    while offset is not None:
        page = client.property_hostnames(hostname, offset=offset)
        yield from page.items
        offset = page.next_offset


def _networks(item: ActiveHostname) -> tuple[str, ...]:
    """Name the networks on which a host name is served by a certificate of CPS, or may be."""
    kinds = item.certificate_types
    return tuple(network for network in item.edges if kinds.get(network) in (None, _CPS_MANAGED))
