# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What stands around a certificate in the holistic view: its CA connector, and its application connectors (V2).

Pure functions of records.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from .._core.types import CertRequest, Connector, Device, WorkOrder
from .._core.vocabulary import NETWORKS
from .pushed import is_of_settings
from .views import View, connector_view
from .work_views import request_view, work_order_view


def grouped(records: Iterable[Any]) -> dict[str, list[Any]]:
    """Give records by the certificate they are about, in their order."""
    groups: dict[str, list[Any]] = defaultdict(list)
    for record in records:
        groups[record.certificate_id].append(record)
    return groups


def ca_connector(requests: Sequence[CertRequest], kinds: Mapping[str, str]) -> View | None:
    """Give the CA connector of the newest request; None for a certificate that was only discovered."""
    if not requests:
        return None
    newest = requests[-1]
    return {
        "name": newest.wish.get("ca_connector_name") or newest.ca,
        "ca": newest.ca,
        "type": kinds.get(newest.ca),
        "csr_source": newest.csr_source,
        "request": request_view(newest),
    }


def with_devices(connector: Connector, orders: Sequence[WorkOrder], devices: Mapping[str, Device]) -> View:
    """Show an application connector with its devices, each with its newest work orders by network.

    Those about network settings stand apart: they tell nothing of which certificate is where.
    """
    shown = []
    for name in connector.devices:
        newest: dict[bool, dict[str, View]] = {False: {}, True: {}}
        for order in orders:
            if order.connector == connector.name and order.device == name:
                newest[is_of_settings(order)][order.network] = work_order_view(order)
        device = devices.get(name)
        shown.append(
            {
                "name": name,
                "status": device.status if device else None,
                "cert_sync": device.sync if device else None,
                "work_orders": [newest[False][network] for network in NETWORKS if network in newest[False]],
                "settings_orders": [newest[True][network] for network in NETWORKS if network in newest[True]],
            }
        )
    return {**connector_view(connector), "devices": shown}
