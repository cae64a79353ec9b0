# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Vendor settings: one saved set for each combination of validation type, network and certificate type (S1–S5)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from .._core import names, vocabulary
from .._core.errors import InputError, NotFoundError
from .._core.plan import Outcome, Plan, Step
from .._core.types import AuditEntry, VendorSettings
from .._store.base import Unit
from .ports import Params, Ports
from .views import settings_view

Key = tuple[str, str, str]

_ORGANIZATION = ("name", "address", "country", "city", "state", "postal_code", "phone")
_CONTACT = ("first_name", "last_name", "phone", "email")
_LABELS = {
    "validation_type": vocabulary.VALIDATION_TYPES,
    "secure_network": vocabulary.SECURE_NETWORKS,
    "vendor_certificate_type": vocabulary.VENDOR_CERTIFICATE_TYPES,
}


def combination(params: Params) -> Key:
    """Read the key of a combination, friendly spellings accepted.

    :raises InputError: an unknown word, or a combination CPS does not have.
    """
    problems, key = [], []
    for option, choices in _LABELS.items():
        word = params.get(option) or choices[0]
        canonical = vocabulary.canonical(word, choices)
        if canonical is None:
            problems.append(f"{option} {word!r} is none of {', '.join(choices)}")
        key.append(canonical or "")
    validation_type, secure_network, certificate_type = key
    possible = vocabulary.CERTIFICATE_TYPES_OF.get(validation_type, ())
    if not problems and certificate_type not in possible:
        problems.append(
            f"CPS has no vendor_certificate_type {certificate_type} for validation_type {validation_type}; "
            f"it has {', '.join(possible)}"
        )
    if problems:
        raise InputError.of_problems("Cannot use this combination of vendor settings", problems)
    return validation_type, secure_network, certificate_type


def required(unit: Unit, key: Key) -> VendorSettings:
    """Give the settings of a combination.

    :raises NotFoundError: none are saved (S5).
    """
    settings = unit.vendor_settings.get(*key)
    if settings is None:
        raise NotFoundError(
            "Cannot enrol with the endpoint as CSR source: no vendor settings are saved for validation_type "
            f"{key[0]}, secure_network {key[1]}, vendor_certificate_type {key[2]}; save them with "
            "edgecert.clm.akamai_vendor_settings",
            code="vendor_settings_missing",
            details={"validation_type": key[0], "secure_network": key[1], "vendor_certificate_type": key[2]},
        )
    return settings


def plan(params: Params, ports: Ports) -> Plan:
    """Work out what ``akamai_vendor_settings`` would do.

    :raises InputError: everything wrong with the options, at once.
    """
    key = combination(params)
    with ports.store.read() as unit:
        before = unit.vendor_settings.get(*key)
    if params["state"] == "absent":
        return _plan_absent(before, ports)
    wanted = _merged(params, key, before)
    problems, warnings = _problems(wanted), _warnings(wanted)
    if problems:
        raise InputError.of_problems(f"Cannot save the vendor settings of {', '.join(key)}", problems)

    def save() -> bool:
        now = ports.clock.now()
        with ports.store.write() as unit:
            if before is None:
                stored = unit.vendor_settings.add(replace(wanted, created_at=now, updated_at=now))
            else:
                stored = unit.vendor_settings.put(replace(wanted, updated_at=now))
            action = "vendor_settings_saved" if before is None else "vendor_settings_changed"
            view_before = settings_view(before) if before else None
            unit.audit(
                AuditEntry(ports.actor, action, "vendor_settings", "/".join(key), view_before, settings_view(stored))
            )
        return True

    def finish() -> Outcome:
        with ports.store.read() as unit:
            stored = unit.vendor_settings.get(*key)
        return Outcome(settings_view(stored) if stored else None, {"warnings_found": warnings})

    steps = () if wanted == before else (Step(f"Save the vendor settings of {', '.join(key)}", save),)
    extra = {"warnings_found": warnings}
    return Plan(settings_view(before) if before else None, settings_view(wanted), steps, finish, extra=extra)


def _plan_absent(before: VendorSettings | None, ports: Ports) -> Plan:
    if before is None:
        return Plan(None, None, (), lambda: Outcome(None))
    settings = before
    key = f"{settings.validation_type}/{settings.secure_network}/{settings.vendor_certificate_type}"

    def remove() -> bool:
        with ports.store.write() as unit:
            unit.vendor_settings.remove(settings)
            entry = AuditEntry(ports.actor, "vendor_settings_removed", "vendor_settings", key, settings_view(settings))
            unit.audit(entry)
        return True

    return Plan(
        settings_view(settings), None, (Step(f"Remove the vendor settings of {key}", remove),), lambda: Outcome(None)
    )


def _overlaid(before: Mapping[str, Any] | None, given: Mapping[str, Any] | None) -> dict[str, Any]:
    """Lay given members over stored ones, without blank edges; a member left out keeps what is stored."""
    values = {name: value for name, value in (given or {}).items() if value is not None}
    return {
        **(before or {}),
        **{name: value.strip() if isinstance(value, str) else value for name, value in values.items()},
    }


def _network(before: Mapping[str, Any], given: Mapping[str, Any] | None) -> dict[str, Any]:
    """Lay the network options over the stored ones; lists that are sets in one order, named DNS names not cloned."""
    network = _overlaid(before, given)
    if network.get("disallowed_tls_versions"):
        network["disallowed_tls_versions"] = sorted(set(network["disallowed_tls_versions"]))
    if network.get("dns_names"):
        network["dns_names"] = sorted({name.strip().lower() for name in network["dns_names"]})
    wanted = given or {}
    if wanted.get("dns_names") is not None and wanted.get("clone_dns_names") is None:
        # CPS ignores the names unless it is told not to clone; nobody names some to have all the others, too.
        network.pop("clone_dns_names", None)
        if network["dns_names"]:
            network["clone_dns_names"] = False
    return network


def _merged(params: Params, key: Key, before: VendorSettings | None) -> VendorSettings:
    base = before or VendorSettings(*key, organization={}, admin_contact={}, tech_contact={})
    contract = params.get("contract_id")
    change_management = params.get("change_management")
    return replace(
        base,
        organization=_overlaid(base.organization, params.get("organization")),
        admin_contact=_overlaid(base.admin_contact, params.get("admin_contact")),
        tech_contact=_overlaid(base.tech_contact, params.get("tech_contact")),
        contract_id=base.contract_id if contract is None else contract.strip().removeprefix("ctr_"),
        change_management=base.change_management if change_management is None else change_management,
        network=_network(base.network, params.get("network")),
    )


def _problems(settings: VendorSettings) -> list[str]:
    problems = [f"organization.{name} is missing (S2)" for name in _ORGANIZATION if not settings.organization.get(name)]
    country, phone = settings.organization.get("country"), settings.organization.get("phone")
    if country and (reason := names.country_reason(country)):
        problems.append(f"organization.country {country!r} {reason}")
    if phone and (reason := names.phone_reason(phone)):
        problems.append(f"organization.phone {phone!r} {reason}")
    for noun, contact, row in (
        ("admin_contact", settings.admin_contact, "S3"),
        ("tech_contact", settings.tech_contact, "S4"),
    ):
        problems += [f"{noun}.{name} is missing ({row})" for name in _CONTACT if not contact.get(name)]
        if contact.get("email") and (reason := names.email_reason(contact["email"])):
            problems.append(f"{noun}.email {contact['email']!r} {reason}")
        if contact.get("phone") and (reason := names.phone_reason(contact["phone"])):
            problems.append(f"{noun}.phone {contact['phone']!r} {reason}")
    return problems + _network_problems(settings)


def _network_problems(settings: VendorSettings) -> list[str]:
    problems, network = [], settings.network
    if network.get("client_mutual_authentication") is not None:
        problems.append(
            "network.client_mutual_authentication cannot be had in a new enrollment, CPS refuses it there: enrol, push "
            "to production, then add it with edgecert.clm.cert_push and action: configure"
        )
    is_sni = network.get("sni_only", True)
    if not is_sni and settings.secure_network != "enhanced-tls":
        problems.append("network.sni_only false (a dedicated address) is only to be had on enhanced-tls")
    if not is_sni and (network.get("dns_names") or network.get("clone_dns_names")):
        problems.append("network.dns_names and clone_dns_names go with sni_only true; CPS refuses them otherwise")
    if network.get("clone_dns_names") is False and not network.get("dns_names"):
        problems.append("network.clone_dns_names false needs network.dns_names, the names to be served")
    if is_sni and network.get("clone_dns_names") and network.get("dns_names"):
        problems.append(
            "network.clone_dns_names true serves every name of the certificate, network.dns_names only some: leave out "
            "one of the two, or give dns_names as an empty list"
        )
    for name in network.get("dns_names") or ():
        if reason := names.dns_reason(name):
            problems.append(f"network.dns_names {name!r} {reason}")
    unknown = [v for v in network.get("disallowed_tls_versions") or () if v not in vocabulary.TLS_VERSIONS]
    if unknown:
        problems.append(
            f"network.disallowed_tls_versions {', '.join(unknown)} unknown; CPS has "
            f"{', '.join(vocabulary.TLS_VERSIONS)}"
        )
    return problems


def _warnings(settings: VendorSettings) -> list[str]:
    email = settings.tech_contact.get("email", "")
    if email.lower().endswith("@akamai.com"):
        return []
    return [
        f"tech_contact.email {email!r} is not an @akamai.com address; CPS wants an Akamai employee as the technical "
        "contact and may refuse the enrollment"
    ]
