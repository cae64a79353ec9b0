# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From a stored device to the real parts that keep DNS records for its account and ask name servers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from .wire_target import account_of, credentials_of, transport_to

if TYPE_CHECKING:
    from .._core.clock import Clock
    from .._core.types import Device
    from .._dns.base import NameServers
    from .._edns.base import DnsRecords
    from .._store.base import Store


def dns_maker(store: Store, clock: Clock, environment: Mapping[str, str]) -> Callable[[Device], DnsRecords]:
    """Give the maker of DNS records.

    Calls are counted apart from those of CPS, whose limits are not those of Edge DNS. Akamai publishes none for it:
    that it is called no faster than CPS is our reading.
    """

    def make(device: Device) -> DnsRecords:
        from .._cps.pacing import LedgerPacer
        from .._edns.client import PREFIX, EdgeDnsClient

        credentials = credentials_of(device, environment)
        return EdgeDnsClient(
            transport_to(device, credentials),
            LedgerPacer(store.ledger, f"edge-dns/{account_of(device, credentials)}", clock, service="Edge DNS"),
            clock,
            host=credentials.host,
            account_switch_key=credentials.account_switch_key,
            prefix=PREFIX,
        )

    return make


def name_server_maker() -> NameServers:
    """Give what asks name servers."""
    from .._dns.lookup import DirectNameServers

    return DirectNameServers()
