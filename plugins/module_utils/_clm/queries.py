# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What users may ask the store: certificates by filters, the holistic view, history, audit, devices. Reads only."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from .._core.errors import InputError, NotFoundError
from .._core.governance import DEFAULT_GROUP, Group
from .._core.plan import Outcome, Plan
from .._core.types import Certificate, CertRequest, WorkOrder
from .._store.base import Unit
from . import drift, on_demand, usage_view, validation_view
from .attachments import attachment_view, content_of
from .filters import Filters, certificate_list, groups_by_name, in_groups, is_hidden, listed, select
from .holistic_views import ca_connector, grouped, with_devices
from .line_views import lines_of
from .ports import Params, Ports
from .views import View, audit_view, device_view, group_name, pem_view
from .work_views import request_view, work_order_view

VIEWS = ("list", "holistic", "history", "pending", "attention", "audit", "attachments", "groups", "snapshots",
         *on_demand.VIEWS)  # fmt: skip
COMPARED = ("list", "holistic", "history")

Found = dict[str, Any]


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
    now, view = ports.clock.now(), params["view"]
    compares = _compares(params.get("compare"), view, filters)
    budget = params.get("budget")
    on_demand.refuse(budget, view)
    if view in on_demand.VIEWS:
        with ports.store.read() as unit:
            selected, devices = select(unit, filters, now)
        ask = usage_view.used if view == "usage" else validation_view.validations
        return _answer({view: ask(selected, devices, ports, budget)})
    kinds = _kinds(params.get("kinds"), view)
    looks: dict[str, Callable[[Unit], Found]] = {
        "list": lambda unit: {"certificates": _list(unit, filters, now, compares)},
        "holistic": lambda unit: {"holistic": _holistic(unit, filters, now, compares)},
        "history": lambda unit: _history_views(unit, filters, now, compares),
        "pending": lambda unit: {"pending": _pending(unit, filters, now, ports.actor)},
        "attention": lambda unit: {"attention": _attention(unit, filters, kinds, now)},
        "audit": lambda unit: {"audit": _audit(unit, filters, now, limit)},
        "attachments": lambda unit: {"attachments": _attachments(unit, filters, now)},
        "groups": lambda unit: {"groups": _groups(unit, filters, now)},
        "snapshots": lambda unit: {"snapshots": _snapshots(unit, filters, now)},
    }
    with_content = bool(params.get("with_content"))
    if with_content:
        _check_content(view, filters)
        looks["attachments"] = lambda unit: {"attachments": [_with_content(unit, filters)]}
    with ports.store.read() as unit:
        found = looks[view](unit)
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


def work_of(unit: Unit, filters: Filters, now: datetime) -> tuple[list[CertRequest], list[WorkOrder]]:
    """Give requests and work orders of what is asked for, oldest first.

    :param now: UTC.

    What they bear themselves is looked for in them: there may be no certificate yet, as before an approval.
    """
    rest = replace(filters, certificate="", group=(), device=(), tracking_id="")
    equal: dict[str, Any] = {"device": list(filters.device)} if filters.device else {}
    if filters.group:
        equal["group"] = in_groups(filters.group)
    if filters.tracking_id:
        equal["tracking_id"] = filters.tracking_id
    if not rest.is_empty:
        equal["certificate_id"] = _ids(unit, replace(rest, certificate=filters.certificate), now)
    elif filters.certificate:
        equal["certificate_id"] = filters.certificate
    return unit.requests.find(**equal), unit.work_orders.find(**equal)


def _ids(unit: Unit, filters: Filters, now: datetime) -> list[str]:
    return [certificate.certificate_id for certificate in select(unit, filters, now)[0]]


def _compares(wanted: bool | None, view: str, filters: Filters) -> bool:
    """Say whether to read CSRs and certificates: where it is wanted, and for all that is around one certificate.

    :raises InputError: the view has nothing to compare.
    """
    if wanted and view not in COMPARED:
        raise InputError(f"Cannot compare in view {view}: compare goes with view {', '.join(COMPARED)}")
    return bool(filters.certificate) and view == "holistic" if wanted is None else wanted


def _list(unit: Unit, filters: Filters, now: datetime, compares: bool) -> list[View]:
    if not compares:
        return certificate_list(unit, filters, now)
    selected, devices = select(unit, filters, now)
    return [
        {**shown, **_comparison(unit, certificate)}
        for certificate, shown in zip(selected, listed(unit, selected, devices, now), strict=True)
    ]


def _comparison(unit: Unit, record: Certificate | CertRequest) -> View:
    # Reads X.509, which most looks do without.
    from . import comparison

    if isinstance(record, CertRequest):
        return {"comparison": comparison.of_request(unit, record)}
    return {"comparison": comparison.of_certificate(unit, record)}


def _history_views(unit: Unit, filters: Filters, now: datetime, compares: bool) -> Found:
    requests, orders = work_of(unit, filters, now)
    return {
        "requests": [
            {**request_view(request), **(_comparison(unit, request) if compares else {})} for request in requests
        ],
        "work_orders": [work_order_view(order) for order in orders],
    }


def _pending(unit: Unit, filters: Filters, now: datetime, actor: str) -> list[View]:
    from .pending import pending

    requests, orders = work_of(unit, filters, now)
    return pending(unit, requests, orders, now, actor)


def _kinds(wanted: Sequence[str] | None, view: str) -> Sequence[str]:
    """Give the kinds of attention that are asked for; empty for every one.

    :raises InputError: the view has no kinds.
    """
    if wanted and view != "attention":
        raise InputError(f"Cannot choose kinds in view {view}: kinds go with view attention")
    return wanted or ()


def _attention(unit: Unit, filters: Filters, kinds: Sequence[str], now: datetime) -> list[View]:
    # Reads more modules than most looks need.
    from . import attention

    return [one.view() for one in attention.select_attention(unit, filters, kinds, now)]


def _groups(unit: Unit, filters: Filters, now: datetime) -> list[View]:
    """Give the groups, of those named only these; the default one is there without being stored."""
    from .group_view import group_status

    groups = {DEFAULT_GROUP: Group(DEFAULT_GROUP), **groups_by_name(unit)}
    counts = Counter(group_name(one) for one in unit.certificates.find() if not is_hidden(one))
    return [
        {**group_status(groups[name], now), "certificates": counts[name]}
        for name in sorted(groups)
        if not filters.group or name in filters.group
    ]


def _snapshots(unit: Unit, filters: Filters, now: datetime) -> list[View]:
    """Give the snapshots of certificates that fit, the oldest first."""
    from .snapshots import snapshot_view

    of = {} if filters.is_empty else {"certificate_id": _ids(unit, filters, now)}
    return [snapshot_view(one) for one in unit.snapshots.find(**of)]


def _attachments(unit: Unit, filters: Filters, now: datetime) -> list[View]:
    """Give the attachments whose name fits; they may be there before the certificate is."""
    others = replace(filters, attachment="")
    of: dict[str, Any] = {}
    if others == Filters(certificate=filters.certificate) and filters.certificate:
        of["certificate_id"] = filters.certificate
    elif not others.is_empty:
        of["certificate_id"] = _ids(unit, others, now)
    part = filters.attachment.lower()
    found = sorted(unit.attachments.outlines(**of), key=lambda one: (one.certificate_id, one.name))
    return [attachment_view(one) for one in found if part in one.name.lower()]


def _check_content(view: str, filters: Filters) -> None:
    if view == "attachments" and filters.certificate and filters.attachment:
        return
    raise InputError(
        "Cannot give the content of an attachment: with_content goes with view: attachments, the id of one certificate "
        "and the whole name of one attachment"
    )


def _with_content(unit: Unit, filters: Filters) -> View:
    """Give one attachment with its content.

    :raises NotFoundError: the certificate has none of that name.
    :raises StoreError: its content is not what was attached.
    """
    kept = unit.attachments.outlines(certificate_id=filters.certificate)
    named = [one.attachment_id for one in kept if one.name == filters.attachment]
    attachment = unit.attachments.get(named[0]) if named else None
    if attachment is None:
        listed_names = ", ".join(sorted(one.name for one in kept)) or "none"
        raise NotFoundError(
            f"No attachment {filters.attachment!r} is kept with certificate {filters.certificate!r} (there is: "
            f"{listed_names})",
            code="attachment_missing",
        )
    return {**attachment_view(attachment), "content": content_of(attachment)}


def _audit(unit: Unit, filters: Filters, now: datetime, limit: int | None) -> list[View]:
    """Give the audit's lines; with filters those about the certificates that fit and what belongs to them.

    A tracking id alone gives every line that bears it; beside other filters, those of the others that bear it.
    """
    if filters.is_empty:
        return [audit_view(row) for row in unit.audit_rows(limit=limit)]
    tracking_id = filters.tracking_id
    others = replace(filters, tracking_id="")
    keys = None if others.is_empty else _audited(unit, others, now)
    rows = [
        audit_view(row)
        for row in unit.audit_rows()
        if tracking_id in ("", row.entry.tracking_id) and (keys is None or (row.entry.noun, row.entry.key) in keys)
    ]
    surplus = 0 if limit is None else max(0, len(rows) - limit)
    return rows[surplus:]


def _audited(unit: Unit, filters: Filters, now: datetime) -> set[tuple[str, str]]:
    """Name what the audit may tell of the certificates that fit, as noun and key."""
    requests, orders = work_of(unit, filters, now)
    ids = {*_ids(unit, filters, now), *(one.certificate_id for one in requests)}
    ids |= {one.certificate_id for one in orders}
    if filters == Filters(certificate=filters.certificate):
        # One that is gone, or not there yet, has left its traces all the same.
        ids.add(filters.certificate)
    keys = {("certificate", certificate_id) for certificate_id in ids} | {("group", name) for name in filters.group}
    keys |= {("request", request.request_id) for request in requests}
    keys |= {("work_order", order.work_order_id) for order in orders}
    connectors = unit.connectors.find(certificate_id=sorted(ids))
    return keys | {("connector", f"{one.certificate_id}/{one.name}") for one in connectors}


def _holistic(unit: Unit, filters: Filters, now: datetime, compares: bool) -> list[View]:
    """Give CA connector, certificate, application connectors and their devices for each certificate (V2)."""
    selected, devices = select(unit, filters, now)
    of = {"certificate_id": [certificate.certificate_id for certificate in selected]}
    requests, orders = unit.requests.find(**of), unit.work_orders.find(**of)
    requests_of, orders_of = grouped(requests), grouped(orders)
    connectors_of = grouped(unit.connectors.find(**of))
    kinds = {account.name: account.type for account in unit.ca_accounts.find()}
    lines = lines_of(unit, selected)
    return [
        {
            "ca_connector": ca_connector(requests_of.get(certificate.certificate_id, []), kinds),
            "certificate": {
                **shown,
                "network_settings": drift.view(certificate, orders_of.get(certificate.certificate_id, [])),
                "pem": pem_view(unit.pems.get(certificate.fingerprint) if certificate.fingerprint else None),
                **(_comparison(unit, certificate) if compares else {}),
            },
            "connectors": [
                with_devices(connector, orders_of.get(certificate.certificate_id, []), devices)
                for connector in connectors_of.get(certificate.certificate_id, [])
            ],
            "lineage": lines[certificate.certificate_id],
        }
        for certificate, shown in zip(selected, listed(unit, selected, devices, now), strict=True)
    ]
