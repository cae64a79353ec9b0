# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Application connectors: where a certificate goes, and what is run around its push (A1–A5)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from .._core import vocabulary
from .._core.errors import ClmError, InputError, NotFoundError, PolicyError, StateError
from .._core.governance import DEFAULT_GROUP, Group
from .._core.plan import Outcome, Plan, Step
from .._core.types import AuditEntry, Certificate, Connector, Device
from .._store.base import Unit
from . import decisions, policy, push_scripts, pushable, states
from .managed import checked_managed
from .ports import Params, Ports
from .views import View, connector_view

SCRIPT_TIMEOUTS_S = (1, 3600)
"""Shortest and longest time limit of a script."""

# Options that are stored as they are given; ``script_timeout`` is in seconds.
_PLAIN = {
    "description": "description",
    "script_location": "script_location",
    "pre_push_script": "pre_push_script",
    "post_push_script": "post_push_script",
    "script_timeout": "script_timeout_s",
    "push_automatically": "push_automatically",
    "automatic_network": "automatic_network",
}
_SCRIPT_OPTIONS = ("script_location", "pre_push_script", "post_push_script")


def required_certificate(unit: Unit, certificate_id: str) -> Certificate:
    """Give the certificate of that id.

    :raises NotFoundError: there is none.
    """
    certificate = unit.certificates.get(certificate_id)
    if certificate is None:
        raise NotFoundError(
            f"No certificate {certificate_id!r} is in the inventory; enrol it with edgecert.clm.cert_enroll, or "
            "discover it with edgecert.clm.akamai_cps_device",
            code="certificate_missing",
        )
    return certificate


def plan(params: Params, ports: Ports) -> Plan:
    """Work out what ``cert_connector`` would do.

    :raises InputError: fixed values were set otherwise (A3), no device is named, or a script cannot be run (A4).
    """
    with ports.store.read() as unit:
        before = unit.connectors.get(params["certificate"], params["name"])
        if params["state"] == "absent":
            return _plan_absent(before, unit, ports)
        certificate = required_certificate(unit, params["certificate"])
        what = f"Cannot save application connector {params['name']} of {certificate.certificate_id}"
        pushable.refuse(unit, certificate, what)
        wanted = _merged(params, before)
        _refuse_wrong(params, wanted, certificate, unit, ports)
        group = unit.groups.get(certificate.group or DEFAULT_GROUP)

    def save() -> bool:
        now = ports.clock.now()
        with ports.store.write() as unit:
            if before is None:
                stored = unit.connectors.add(replace(wanted, created_at=now, updated_at=now))
            else:
                stored = unit.connectors.put(replace(wanted, updated_at=now))
            action = "connector_added" if before is None else "connector_changed"
            view_before = connector_view(before) if before else None
            key = f"{wanted.certificate_id}/{wanted.name}"
            unit.audit(AuditEntry(ports.actor, action, "connector", key, view_before, connector_view(stored)))
        return True

    def finish() -> Outcome:
        with ports.store.read() as unit:
            stored = unit.connectors.get(wanted.certificate_id, wanted.name)
        return Outcome(_shown(stored, group))

    verb = "Add" if before is None else "Change"
    sentence = f"{verb} application connector {wanted.name} of {wanted.certificate_id} to {', '.join(wanted.devices)}"
    steps = () if wanted == before else (Step(sentence, save),)
    return Plan(_shown(before, group), _shown(wanted, group), steps, finish)


def _shown(connector: Connector | None, group: Group | None) -> View | None:
    """Show an application connector, and whether its automatic push has an effect, and how far it goes."""
    if connector is None:
        return None
    network = policy.automatic_network(connector, group)
    effect = {"push_automatically_effective": bool(network), "automatic_network_effective": network}
    return {**connector_view(connector), **effect}


def _plan_absent(before: Connector | None, unit: Unit, ports: Ports) -> Plan:
    if before is None:
        return Plan(None, None, (), lambda: Outcome(None))
    connector = before
    key = f"{connector.certificate_id}/{connector.name}"
    orders = [
        order
        for order in unit.work_orders.find(certificate_id=connector.certificate_id, connector=connector.name)
        if not states.is_final(order.state)
    ]
    if orders:
        raise StateError(
            f"Cannot remove application connector {key}: work order {orders[0].work_order_id} is {orders[0].state}; "
            "let it end first",
            details={"work_orders": [order.work_order_id for order in orders]},
        )

    def remove() -> bool:
        with ports.store.write() as unit:
            unit.connectors.remove(connector)
            unit.audit(AuditEntry(ports.actor, "connector_removed", "connector", key, connector_view(connector)))
        return True

    return Plan(
        connector_view(connector), None, (Step(f"Remove application connector {key}", remove),), lambda: Outcome(None)
    )


def _merged(params: Params, before: Connector | None) -> Connector:
    connector = before or Connector(params["certificate"], params["name"])
    changes: dict[str, Any] = {
        field: params[option] for option, field in _PLAIN.items() if params.get(option) is not None
    }
    if params.get("devices") is not None:
        changes["devices"] = tuple(sorted(set(params["devices"])))
    if params.get("warnings") is not None:
        changes["warnings"] = _lists(connector.warnings, params["warnings"])
    return replace(connector, **changes)


def _lists(stored: Mapping[str, Any], given: Mapping[str, Any]) -> dict[str, list[str]]:
    """Lay lists of warnings over stored ones; one left out keeps what is stored, ``{}`` clears them all."""
    wanted = {name: entries for name, entries in given.items() if entries is not None}
    lists = {**stored, **wanted} if wanted else {}
    return {name: sorted(set(entries)) for name, entries in lists.items() if entries}


def _list_problems(wanted: Connector) -> list[str]:
    try:
        decisions.policy_of(wanted.warnings)
    except InputError as exc:
        return [f"warnings.{problem}" for problem in exc.details["problems"]]
    return []


def _refuse_wrong(params: Params, wanted: Connector, certificate: Certificate, unit: Unit, ports: Ports) -> None:
    """Refuse what cannot be saved, with every reason there is.

    :raises InputError: an option has a value that is not to be had; a device that is wrong, too, is told of beside.
    :raises ClmError: only a device is wrong; the code says how.
    """
    what = f"Cannot save application connector {wanted.name} of {wanted.certificate_id}"
    problems = [*_fixed_problems(params), *_script_problems(params, wanted, ports), *_list_problems(wanted)]
    if not wanted.devices:
        problems.append("devices is empty; name at least one onboarded device")
    try:
        _check_devices(what, wanted, certificate, unit)
    except ClmError as exc:
        if not problems:
            raise
        problems.append(exc.message.removeprefix(f"{what}: "))
    if problems:
        raise InputError.of_problems(what, problems)


def _script_problems(params: Params, wanted: Connector, ports: Ports) -> list[str]:
    """Say what is wrong with scripts and their time limit (A4).

    Scripts are looked at when this call names one or where they are: who changes a description may do so on a host
    that has none of them. The push looks again in any case.
    """
    shortest, longest = SCRIPT_TIMEOUTS_S
    problems = []
    if not shortest <= wanted.script_timeout_s <= longest:
        problems.append(f"script_timeout {wanted.script_timeout_s} is not between {shortest} and {longest} seconds")
    if any(params.get(option) is not None for option in _SCRIPT_OPTIONS):
        problems += push_scripts.script_problems(ports, wanted)
    return problems


def _fixed_problems(params: Params) -> list[str]:
    """Say which values are others than CPS allows (A3)."""
    problems = []
    kind = params.get("certificate_type")
    if kind is not None and kind.lower() != "pem":
        problems.append(f"certificate_type {kind!r} cannot be had: CPS takes certificates as PEM only")
    if params.get("private_key_in_device") is False:
        problems.append("private_key_in_device cannot be false: the key is made at Akamai and never leaves CPS")
    if params.get("push_chain") is False:
        problems.append("push_chain cannot be false: CPS deploys a certificate only together with its chain")
    return problems


def _check_devices(what: str, wanted: Connector, certificate: Certificate, unit: Unit) -> None:
    """Every device is onboarded and managed, and one of them holds the certificate's key (A2)."""
    devices: list[Device] = []
    missing = []
    for name in wanted.devices:
        device = unit.devices.get(name)
        if device is None:
            missing.append(name)
        else:
            devices.append(device)
    if missing:
        known = ", ".join(d.name for d in unit.devices.find(sync=vocabulary.SYNC_MANAGED)) or "none"
        raise NotFoundError(
            f"{what}: no device {', '.join(missing)} is onboarded; managed ones are {known}", code="device_missing"
        )
    for device in devices:
        checked_managed(device)
    if wanted.devices and certificate.device and certificate.device not in wanted.devices:
        raise PolicyError(
            f"{what}: its key is in enrollment {certificate.enrollment_id} on device {certificate.device}, and CPS "
            f"takes a certificate only for a key of its own; add {certificate.device} to devices",
            code="key_elsewhere",
            details={"device": certificate.device},
        )
