# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Everything a report shows, out of the store in a few reads: JSON-ready, stable, without a secret (V1, V2, E23).

``SCHEMA_VERSION`` counts changes that break readers: a member that goes away, or that means something else.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from .._core.clock import to_text
from .._core.governance import DEFAULT_GROUP, Group
from .._core.types import Certificate, CertRequest, Device, WorkOrder
from .._store.base import Unit
from . import drift, report_work
from .filters import Filters, groups_by_name, listed, select
from .holistic_views import ca_connector, grouped, with_devices
from .line_views import lines_of
from .pending import pending
from .queries import work_of
from .revocation_states import IN_USE
from .views import View, device_view

SCHEMA = "edgecert.clm/report"
SCHEMA_VERSION = 1

_OF_DEVICE = (
    *("name", "cert_sync", "status", "host", "data_center", "contracts", "api_version"),
    *("status_log", "checked_at"),
)
# What a certificate's record has and a report need not repeat: settings of the enrollment that other views show.
_NOT_OF_CERTIFICATE = frozenset(["change_management"])
_OF_CONNECTOR = ("name", "description", "push_automatically", "automatic_network")
_OF_REQUEST = (
    *("request_id", "action", "state", "label", "reason", "message", "actor", "comment", "tracking_id", "actions"),
    *("approvals_needed", "created_at", "updated_at"),
)
_OF_ORDER = (
    *("work_order_id", "action", "network", "state", "label", "reason", "message", "actor", "comment", "tracking_id"),
    *("scheduled_at", "last_safe_at", "created_at", "updated_at"),
)


@dataclass(frozen=True)
class _Around:
    """What stands around the certificates, by certificate where it is of one."""

    requests: Mapping[str, list[CertRequest]]
    orders: Mapping[str, list[WorkOrder]]
    connectors: Mapping[str, list[Any]]
    lines: Mapping[str, list[View]]
    kinds: Mapping[str, str]
    devices: Mapping[str, Device]


def gather(unit: Unit, filters: Filters, now: datetime, title: str) -> View:
    """Give the report of the certificates that fit, ordered by id, and of what stands around them.

    :param now: UTC, the moment of writing.
    """
    selected, devices = select(unit, filters, now)
    shown = listed(unit, selected, devices, now)
    of: dict[str, Any] = {} if filters.is_empty else {"certificate_id": [one["certificate"] for one in shown]}
    requests, orders = unit.requests.find(**of), unit.work_orders.find(**of)
    # Work of what is asked for may have no certificate yet, as before its first approval.
    open_requests, open_orders = (requests, orders) if filters.is_empty else work_of(unit, filters, now)
    kinds = {account.name: account.type for account in unit.ca_accounts.find()}
    asked = {request.request_id: request for request in open_requests}
    waiting = [
        report_work.entry(one, asked.get(one["request_id"]), kinds)
        for one in pending(unit, open_requests, open_orders, now, "")
    ]
    around = _Around(
        grouped(requests),
        grouped(orders),
        grouped(unit.connectors.find(**of)),
        lines_of(unit, selected),
        kinds,
        devices,
    )
    certificates = [_certificate(record, view, around) for record, view in zip(selected, shown, strict=True)]
    shown_devices = _devices(devices, selected, filters)
    return {
        "schema": SCHEMA,
        "version": SCHEMA_VERSION,
        "title": title,
        "generated_at": to_text(now),
        "filters": _asked(filters),
        "summary": _summary(certificates, shown_devices, waiting),
        "groups": _groups(groups_by_name(unit), filters),
        "ca_accounts": [{"name": name, "type": kinds[name]} for name in sorted(kinds)],
        "devices": shown_devices,
        "pending": waiting,
        "certificates": certificates,
    }


def _asked(filters: Filters) -> View:
    """Give the filters that are set, in the words of the options."""
    nothing = Filters()
    asked = {name: value for name, value in vars(filters).items() if value != getattr(nothing, name)}
    return {name: list(value) if isinstance(value, tuple) else value for name, value in asked.items()}


def _picked(view: Mapping[str, Any], names: Iterable[str]) -> View:
    return {name: view[name] for name in names}


def _devices(devices: Mapping[str, Device], selected: Sequence[Certificate], filters: Filters) -> list[View]:
    """Give the devices: all, or with filters those that are asked for or have one of the certificates."""
    counts = Counter(one.device for one in selected)
    names = sorted(devices) if filters.is_empty else sorted({*filters.device, *counts} & set(devices))
    return [{**_picked(device_view(devices[name]), _OF_DEVICE), "certificates": counts[name]} for name in names]


def _groups(stored: Mapping[str, Group], filters: Filters) -> list[View]:
    """Give from when groups warn; the default one is there without being stored."""
    groups = {DEFAULT_GROUP: Group(DEFAULT_GROUP), **stored}
    return [
        {"name": name, "expiry_warning_days": groups[name].expiry_warning_days}
        for name in sorted(groups)
        if not filters.group or name in filters.group
    ]


def _certificate(record: Certificate, view: View, around: _Around) -> View:
    key = record.certificate_id
    requests, orders = around.requests.get(key, []), around.orders.get(key, [])
    connector = ca_connector(requests, around.kinds)
    return {
        **{name: value for name, value in view.items() if name not in _NOT_OF_CERTIFICATE},
        "ca_connector": connector and {**connector, "request": _picked(connector["request"], _OF_REQUEST)},
        "connectors": [_connector(with_devices(one, orders, around.devices)) for one in around.connectors.get(key, [])],
        "network_settings": drift.view(record, orders),
        "lineage": around.lines[key],
        "history": report_work.history(requests, orders),
    }


def _connector(view: View) -> View:
    devices = [
        {
            **device,
            "work_orders": [_picked(order, _OF_ORDER) for order in device["work_orders"]],
            "settings_orders": [_picked(order, _OF_ORDER) for order in device["settings_orders"]],
        }
        for device in view["devices"]
    ]
    return {**_picked(view, _OF_CONNECTOR), "devices": devices}


def _days_left(one: View) -> list[int]:
    """Give the days left of a certificate, and of what production still serves in its place."""
    return [one[name] for name in ("days_left", "production_days_left") if one[name] is not None]


def _summary(certificates: Sequence[View], devices: Sequence[View], waiting: Sequence[View]) -> View:
    """Count what a glance should tell; what expires is counted among what is in use alone, as clients see it."""
    left = [
        (min(days), one["expiry_warning_days"])
        for one in certificates
        if one["state"] in IN_USE and (days := _days_left(one))
    ]
    expired = [days for days, _warned in left if days < 0]
    expiring = [days for days, warned in left if 0 <= days < warned]
    return {
        "certificates": len(certificates),
        "by_state": dict(sorted(Counter(one["state"] for one in certificates).items())),
        "expired": len(expired),
        "expiring": len(expiring),
        "devices": len(devices),
        "devices_by_status": dict(sorted(Counter(one["status"] or "unknown" for one in devices).items())),
        "pending": len(waiting),
        "waiting_for_people": sum(one["task"]["what"] != "wait" for one in waiting),
    }
