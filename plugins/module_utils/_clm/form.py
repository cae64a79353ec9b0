# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From the enrollment form to a wish: defaults, names, lifetimes and choices checked before any traffic (E9–E15, E21).

A *wish* is JSON-ready and in the words of the module's options; it is what a request keeps.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from .._core import fields, names, validity, vocabulary
from .._core.errors import InputError
from .._core.field_records import CaFacts
from .._core.types import CsrSpec, Device, VendorSettings
from .._store.base import Unit
from . import form_extras
from .managed import managed_device
from .ports import Params
from .settings import combination, required

SUBJECT = ("organization", "organizational_unit", "locality", "state_or_province", "country", "email")
# What may change while a request is open or done: it is in no CSR and no order.
METADATA = ("description", "ca_connector_name", "warnings", "allow_missing", *form_extras.EXTRAS)
_DERIVED = ("settings",)
_STAMP = "%Y%m%dT%H%M%SZ"


def certificate_id(params: Params, unit: Unit, now: datetime) -> str:
    """Give the certificate's id (E21): as named; by default the common name; for an empty one with a timestamp.

    Whether a named one can be an id is checked with the rest of the form.
    """
    named, common_name = params.get("certificate"), str(params["common_name"]).strip().lower()
    if named is None:
        return common_name
    if named.strip():
        return str(named)
    stamped = re.compile(re.escape(common_name) + r"-\d{8}T\d{6}Z")
    # The same task run again means the certificate it made before, not one more.
    earlier = [r.certificate_id for r in unit.requests.find() if stamped.fullmatch(r.certificate_id)]
    return max(earlier) if earlier else f"{common_name}-{now.strftime(_STAMP)}"


def build(
    params: Params,
    unit: Unit,
    now: datetime,
    *,
    capabilities: Callable[[], CaFacts] | None = None,
    also: Sequence[str] = (),
) -> dict[str, Any]:
    """Make the wish of a new request.

    :param capabilities: gives those of the CA that is to sign; None where that is not asked again.
    :param also: what is wrong with the form beside its wish, as with attachments, to be told in the same breath.
    :raises InputError: everything wrong with the form, at once.
    :raises NotFoundError: no device, or no settings of the combination (S5).
    """
    device = managed_device(unit, params.get("device"))
    key = combination(params)
    settings = required(unit, key)
    problems = list(also)
    wish: dict[str, Any] = {
        "common_name": (params.get("common_name") or "").strip().lower(),
        **_names(params, problems),
        **_subject(params, settings),
        **_key(params, problems),
        "validity": _validity(params, problems),
        "exclude_sans": bool(params.get("exclude_sans")),
        "device": device.name,
        "contract_id": _contract(params, settings, device, problems),
        "validation_type": key[0],
        "secure_network": key[1],
        "vendor_certificate_type": key[2],
        "description": params.get("description") or "",
        "ca_connector_name": params.get("ca_connector_name") or params["ca"],
        "warnings": _warnings(params),
        "allow_missing": bool(params.get("allow_missing")),
        **form_extras.extras(params, problems),
        "settings": _snapshot(settings),
    }
    problems += _field_problems(params, wish, capabilities, None if problems else now)
    if problems:
        raise InputError.of_problems(f"Cannot enrol {wish['common_name'] or 'a certificate'}", problems)
    return wish


def _field_problems(
    params: Params, wish: Mapping[str, Any], capabilities: Callable[[], CaFacts] | None, at: datetime | None
) -> list[str]:
    """Hold the form, filled by its wish, against the tables of fields.

    :param at: from when its lifetime counts; None where that cannot be read.
    """
    found = []
    if wish["auto_renew"] or wish["auto_regenerate"]:
        found = _automatic_problems(wish, lifetime_days(wish, at) if at is not None else None)
    source, ca = params.get("csr_source") or vocabulary.CSR_SOURCES[0], f"CA account {params['ca']}"
    # Attributes as they were given: the wish writes their names as texts.
    whole = {**params, **wish, "attributes": params.get("attributes")}
    facts = capabilities() if capabilities is not None else None
    return found + fields.problems(whole, source, facts, asked=params, ca=ca)


def overlaid(params: Params, stored: Mapping[str, Any]) -> dict[str, Any]:
    """Lay the options given now over the wish of an earlier request, for comparing."""
    given = {name: value for name, value in params.items() if value is not None}
    kept = {name: value for name, value in stored.items() if name not in _DERIVED}
    return {**kept, **given, **form_extras.laid_over(given, kept)}


def changed_metadata(wish: Mapping[str, Any], stored: Mapping[str, Any]) -> dict[str, Any]:
    """Give the metadata in which a wish differs from the stored one; none and not there yet are the same."""

    def text(value: Any) -> str:
        # As JSON, where true and 1 are two values.
        return json.dumps(value, sort_keys=True) if value else ""

    return {name: wish[name] for name in METADATA if text(wish[name]) != text(stored.get(name))}


def differences(wish: Mapping[str, Any], stored: Mapping[str, Any]) -> list[str]:
    """Name the options in which two wishes differ."""
    keys = (set(wish) | set(stored)) - set(_DERIVED)
    return sorted(key for key in keys if wish.get(key) != stored.get(key))


def spec_of(wish: Mapping[str, Any]) -> CsrSpec:
    """Give what the CSR of a wish is to say."""
    sans = wish["subject_alternative_names"]
    return CsrSpec(
        common_name=wish["common_name"],
        dns_names=tuple(sans["dns"]),
        ip_addresses=tuple(sans["ip"]),
        emails=tuple(sans["email"]),
        uris=tuple(sans["uri"]),
        key_type=wish["key_type"],
        key_size=wish["key_size"],
        curve=wish["curve"] or "",
        hash_name=wish["hash"],
        dual_stack=wish["dual_stack"],
        **{name: wish[name] for name in SUBJECT},
    )


def lifetime_days(wish: Mapping[str, Any], at: datetime) -> int:
    """Give the asked-for lifetime in days from a moment."""
    return validity.days_from(at, validity.read_validity(wish["validity"]))


def _names(params: Params, problems: list[str]) -> dict[str, Any]:
    given = params.get("subject_alternative_names") or {}
    common_name = (params.get("common_name") or "").strip()
    if not common_name:
        problems.append("common_name is missing (E12)")
        return {"subject_alternative_names": {"dns": [], "ip": [], "email": [], "uri": []}}
    found, wrong = names.read_names(
        common_name, given.get("dns") or (), given.get("ip") or (), given.get("email") or (), given.get("uri") or ()
    )
    problems.extend(problem.sentence for problem in wrong)
    # Sorted: SANs are a set, and a wish is compared by value.
    others = sorted(set(found.dns) - {found.common_name})
    sans = {
        "dns": [found.common_name, *others],
        "ip": sorted(found.ips),
        "email": sorted(found.emails),
        "uri": sorted(found.uris),
    }
    return {"subject_alternative_names": sans}


def _subject(params: Params, settings: VendorSettings) -> dict[str, Any]:
    """Fill the subject from the saved organisation where the form leaves it out (E14)."""
    organization = settings.organization
    defaults = {
        "organization": organization.get("name", ""),
        "locality": organization.get("city", ""),
        "state_or_province": organization.get("state", ""),
        "country": organization.get("country", ""),
    }
    subject = {}
    for name in SUBJECT:
        given = params.get(name)
        subject[name] = defaults.get(name, "") if given is None else given.strip()
    return subject


def _key(params: Params, problems: list[str]) -> dict[str, Any]:
    key_type = params.get("key_type") or "rsa"
    size, curve = params.get("key_size"), params.get("curve")
    if key_type == "ec" and size is not None:
        problems.append("key_size goes with key_type rsa; for ec give curve")
    if key_type == "rsa" and curve and not params.get("dual_stack"):
        problems.append("curve goes with key_type ec or dual_stack; for rsa give key_size")
    if params.get("allow_missing") and not params.get("dual_stack"):
        problems.append("allow_missing goes with dual_stack: true; one certificate is all there is without")
    return {
        "key_type": key_type,
        "key_size": size,
        "curve": curve or None,
        "hash": params.get("hash") or "sha256",
        "dual_stack": bool(params.get("dual_stack")),
    }


def _validity(params: Params, problems: list[str]) -> dict[str, Any]:
    given = params.get("validity") or {"count": 90, "unit": "days"}
    try:
        read = validity.read_validity(given)
    except InputError as exc:
        problems.append(exc.message)
        return dict(given)
    # Only where it is asked for: a wish is compared by value, and most have none.
    return {"count": read.count, "unit": read.unit, **({"at_most": True} if given.get("at_most") else {})}


def _contract(params: Params, settings: VendorSettings, device: Device, problems: list[str]) -> str:
    """Give the contract id: as named, as saved with the settings, or the only one there is (E9)."""
    visible = tuple(device.contracts or device.instance.get("contracts", ()))
    named = (params.get("contract_id") or settings.contract_id or "").removeprefix("ctr_")
    if not named and len(visible) == 1:
        return str(visible[0])
    listed = ", ".join(visible) or "none known; look at the device with edgecert.clm.akamai_cps_device"
    if not named:
        problems.append(f"contract_id is missing; device {device.name} sees {listed}")
    elif visible and named not in visible:
        problems.append(f"contract_id {named} is not one that device {device.name} sees ({listed})")
    return named


def _automatic_problems(wish: Mapping[str, Any], days: int | None) -> list[str]:
    # Most forms say nothing of it and need not pay for it.
    from . import renewal

    return renewal.problems(wish["auto_renew"], wish["auto_regenerate"], lifetime_days=days)


def _warnings(params: Params) -> dict[str, list[str]]:
    """Check the lists of the warning policy and keep them as given."""
    given = params.get("warnings") or {}
    lists = {name: list(given.get(name) or ()) for name in ("allow", "ask", "block")}
    if any(lists.values()):
        from .decisions import policy_of

        policy_of(lists)
    return lists


def _snapshot(settings: VendorSettings) -> dict[str, Any]:
    """Keep the settings as they were asked for: changing them later changes no open request."""
    return {
        "organization": dict(settings.organization),
        "admin_contact": dict(settings.admin_contact),
        "tech_contact": dict(settings.tech_contact),
        "change_management": settings.change_management,
        "network": dict(settings.network),
    }
