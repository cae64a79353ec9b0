# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What users may ask the store: certificates by filters, the holistic view, history, audit, devices. Reads only."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from .._core.errors import InputError
from .._core.plan import Outcome, Plan
from .._core.types import Certificate, CertRequest, Connector, Device, WorkOrder
from .._core.vocabulary import NETWORKS, SYNC_IGNORED, SYNC_MODES
from .._store.base import Unit
from .ports import Params, Ports
from .views import (
    View,
    audit_view,
    certificate_view,
    connector_view,
    device_view,
    pem_view,
)
from .work_views import request_view, work_order_view

STATES = ("pending", "issued", "superseded", "revoked", "vanished")
VIEWS = ("list", "holistic", "history", "audit")

_VANISHED = "vanished"


@dataclass(frozen=True)
class Filters:
    """Which certificates are asked for; empty members filter nothing.

    Certificates of ignored devices are left out unless asked for by ``sync``, vanished ones unless asked for by
    ``state``.

    :ivar expires_within_days: those that expire in so many days, the expired ones among them.
    :ivar network: ``staging`` or ``production``: those that it serves.
    """

    certificate: str = ""
    device: tuple[str, ...] = ()
    sync: tuple[str, ...] = ()
    ca: tuple[str, ...] = ()
    state: tuple[str, ...] = ()
    expires_within_days: int | None = None
    network: str = ""

    @classmethod
    def from_options(cls, options: Mapping[str, Any]) -> Filters:
        """Read the filters out of a module's or plugin's options; a single word stands for a list of it.

        :raises InputError: an unknown filter, word or number; all problems at once.
        """
        problems = []
        values: dict[str, Any] = {}
        for name, value in options.items():
            if name not in cls.__dataclass_fields__:
                problems.append(f"there is no filter {name}; there are {', '.join(cls.__dataclass_fields__)}")
            elif value is not None:
                values[name] = value
        for name in ("device", "sync", "ca", "state"):
            if name in values:
                values[name] = (values[name],) if isinstance(values[name], str) else tuple(values[name])
        for name, known in (("sync", SYNC_MODES), ("state", STATES)):
            unknown = [str(word) for word in values.get(name, ()) if word not in known]
            problems += [f"{name} {word!r} is none of {', '.join(known)}" for word in unknown]
        if values.get("network") and values["network"] not in NETWORKS:
            problems.append(f"network {values['network']!r} is none of {', '.join(NETWORKS)}")
        days = values.get("expires_within_days", 0)
        if isinstance(days, bool) or not isinstance(days, int) or not 0 <= days <= 36500:
            problems.append(f"expires_within_days {days!r} is no number from 0 to 36500")
        if problems:
            raise InputError.of_problems("Cannot filter certificates", problems)
        return cls(**values)

    @property
    def is_empty(self) -> bool:
        """Say whether nothing is filtered."""
        return self == Filters()


def select(unit: Unit, filters: Filters, now: datetime) -> tuple[list[Certificate], dict[str, Device]]:
    """Give the certificates that fit, ordered by id, and the devices by name.

    :param now: UTC.
    """
    devices = {device.name: device for device in unit.devices.find()}
    equal: dict[str, Any] = {name: list(getattr(filters, name)) for name in ("ca", "state") if getattr(filters, name)}
    if filters.certificate:
        equal["certificate_id"] = filters.certificate
    if filters.device:
        equal["device"] = list(filters.device)
    horizon = None
    if filters.expires_within_days is not None:
        horizon = now + timedelta(days=filters.expires_within_days)

    def fits(certificate: Certificate) -> bool:
        device = devices.get(certificate.device)
        sync = device.sync if device else ""
        if filters.sync and sync not in filters.sync:
            return False
        if sync == SYNC_IGNORED and SYNC_IGNORED not in filters.sync:
            return False
        if certificate.state == _VANISHED and _VANISHED not in filters.state:
            return False
        if filters.network and not getattr(certificate, filters.network):
            return False
        return horizon is None or (certificate.not_after is not None and certificate.not_after <= horizon)

    return [certificate for certificate in unit.certificates.find(**equal) if fits(certificate)], devices


def certificate_list(unit: Unit, filters: Filters, now: datetime) -> list[View]:
    """Give the views of the certificates that fit."""
    selected, devices = select(unit, filters, now)
    return [certificate_view(certificate, now, devices.get(certificate.device)) for certificate in selected]


def plan_certificates(params: Params, ports: Ports) -> Plan:
    """Work out what ``cert_info`` answers.

    :raises InputError: a filter or the limit cannot be used.
    """
    filters = Filters.from_options({name: params.get(name) for name in Filters.__dataclass_fields__})
    limit = params.get("limit")
    if limit is not None and limit < 1:
        raise InputError(
            f"Cannot show the newest {limit} lines: limit is a number from 1; leave it out for all of them"
        )
    now = ports.clock.now()
    view = params["view"]
    with ports.store.read() as unit:
        if view == "audit":
            found: dict[str, Any] = {"audit": _audit(unit, filters, now, limit)}
        elif view == "history":
            requests, orders = _history(unit, _ids(unit, filters, now))
            found = {
                "requests": [request_view(request) for request in requests],
                "work_orders": [work_order_view(order) for order in orders],
            }
        elif view == "holistic":
            found = {"holistic": _holistic(unit, filters, now)}
        else:
            found = {"certificates": certificate_list(unit, filters, now)}
    return _answer(found)


def plan_devices(params: Params, ports: Ports) -> Plan:
    """Work out what ``akamai_cps_device_info`` answers."""
    equal = {name: params[name] for name in ("name", "data_center") if params.get(name)}
    with ports.store.read() as unit:
        devices = [
            {**device_view(device), "certificates": unit.certificates.count(device=device.name)}
            for device in unit.devices.find(**equal)
        ]
    return _answer({"devices": devices})


def _answer(found: Mapping[str, Any]) -> Plan:
    return Plan(None, None, (), lambda: Outcome(None), extra=found)


def _ids(unit: Unit, filters: Filters, now: datetime) -> dict[str, list[str]]:
    """Give the ids of the certificates that fit, as a condition; a named one counts before there is a certificate."""
    if filters.is_empty:
        return {}
    ids = [certificate.certificate_id for certificate in select(unit, filters, now)[0]]
    if not ids and filters == Filters(certificate=filters.certificate):
        ids = [filters.certificate]
    return {"certificate_id": ids}


def _oldest_first(record: CertRequest | WorkOrder) -> float:
    return record.created_at.timestamp() if record.created_at else 0.0


def _history(unit: Unit, of: Mapping[str, list[str]]) -> tuple[list[CertRequest], list[WorkOrder]]:
    requests = sorted(unit.requests.find(**of), key=_oldest_first)
    orders = sorted(unit.work_orders.find(**of), key=_oldest_first)
    return requests, orders


def _audit(unit: Unit, filters: Filters, now: datetime, limit: int | None) -> list[View]:
    """Give the audit's lines; with filters those about the certificates that fit and what belongs to them."""
    if filters.is_empty:
        return [audit_view(row) for row in unit.audit_rows(limit=limit)]
    of = _ids(unit, filters, now)
    requests, orders = _history(unit, of)
    keys = {("certificate", i) for i in of["certificate_id"]}
    keys |= {("request", request.request_id) for request in requests}
    keys |= {("work_order", order.work_order_id) for order in orders}
    keys |= {("connector", f"{c.certificate_id}/{c.name}") for c in unit.connectors.find(**of)}
    rows = [audit_view(row) for row in unit.audit_rows() if (row.entry.noun, row.entry.key) in keys]
    surplus = 0 if limit is None else max(0, len(rows) - limit)
    return rows[surplus:]


def _grouped(records: Iterable[Any]) -> dict[str, list[Any]]:
    groups: dict[str, list[Any]] = defaultdict(list)
    for record in records:
        groups[record.certificate_id].append(record)
    return groups


def _holistic(unit: Unit, filters: Filters, now: datetime) -> list[View]:
    """Give CA connector, certificate, application connectors and their devices for each certificate (V2)."""
    selected, devices = select(unit, filters, now)
    of = {"certificate_id": [certificate.certificate_id for certificate in selected]}
    requests, orders = _history(unit, of)
    requests_of, orders_of = _grouped(requests), _grouped(orders)
    connectors_of = _grouped(unit.connectors.find(**of))
    kinds = {account.name: account.type for account in unit.ca_accounts.find()}
    return [
        {
            "ca_connector": _ca_connector(requests_of.get(certificate.certificate_id, []), kinds),
            "certificate": {
                **certificate_view(certificate, now, devices.get(certificate.device)),
                "pem": pem_view(unit.pems.get(certificate.fingerprint) if certificate.fingerprint else None),
            },
            "connectors": [
                _with_devices(connector, orders_of.get(certificate.certificate_id, []), devices)
                for connector in connectors_of.get(certificate.certificate_id, [])
            ],
        }
        for certificate in selected
    ]


def _ca_connector(requests: Sequence[CertRequest], kinds: Mapping[str, str]) -> View | None:
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


def _with_devices(connector: Connector, orders: Sequence[WorkOrder], devices: Mapping[str, Device]) -> View:
    """Show an application connector with its devices, each with its newest work order by network."""
    shown = []
    for name in connector.devices:
        newest: dict[str, View] = {}
        for order in orders:
            if order.connector == connector.name and order.device == name:
                newest[order.network] = work_order_view(order)
        device = devices.get(name)
        shown.append(
            {
                "name": name,
                "status": device.status if device else None,
                "cert_sync": device.sync if device else None,
                "work_orders": [newest[network] for network in NETWORKS if network in newest],
            }
        )
    return {**connector_view(connector), "devices": shown}
