# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a policy of HydrantID asks for, held against an order, and the body that the order becomes. Pure.

A policy names each field it takes, says which are required, and which may be given at all; the rest is its own.
:source: ca-connectors §4.12.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from .._core import validity
from .._core.csr_spec import UPN_OID, CsrSpec
from .._core.errors import InputError
from .base import Order
from .wording import attribute_name, attributes_by_name, listed

# Our words for its SAN types, and what they are called in messages.
_SANS = (
    ("DNSNAME", "DNS names", lambda spec: spec.dns_names),
    ("IPADDRESS", "IP addresses", lambda spec: spec.ip_addresses),
    ("RFC822NAME", "e-mail addresses", lambda spec: spec.emails),
    ("UPN", "user principal names", lambda spec: tuple(text for oid, text in spec.other_names if oid == UPN_OID)),
)
_SUBJECT = (
    ("CN", "common_name"),
    ("O", "organization"),
    ("OU", "organizational_unit"),
    ("L", "locality"),
    ("ST", "state_or_province"),
    ("C", "country"),
    ("EMAIL", "email"),
)
# Those it takes as lists.
_LISTED = ("OU", "DC")


def can_order(policy: Mapping[str, Any]) -> bool:
    """Say whether certificates of a policy can be ordered through the API."""
    return bool((policy.get("enabled") or {}).get("rest"))


def _details(policy: Mapping[str, Any]) -> Mapping[str, Any]:
    return policy.get("details") or {}


def _may_give(field: Mapping[str, Any]) -> bool:
    return field.get("modifiable") is not False


def _wants(field: Mapping[str, Any]) -> bool:
    return bool(field.get("required")) and not field.get("defaultValue") and _may_give(field)


def _fields(policy: Mapping[str, Any], name: str) -> Sequence[Mapping[str, Any]]:
    return [one for one in _details(policy).get(name) or () if isinstance(one, Mapping) and one.get("tag")]


def custom_fields(policy: Mapping[str, Any], attributes: Mapping[str, Any]) -> dict[str, str]:
    """Give the certificate's attributes that are fields of a policy, by the policy's own tags."""
    ours = attributes_by_name(attributes)
    found = {}
    for field in _fields(policy, "customFields"):
        value = ours.get(attribute_name(str(field["tag"]))) or ours.get(attribute_name(str(field.get("label") or "")))
        if value and _may_give(field):
            found[str(field["tag"])] = value
    return found


def _subject(policy: Mapping[str, Any], spec: CsrSpec) -> dict[str, Any]:
    """Give what a policy takes of a subject."""
    ours = {tag: str(getattr(spec, name)) for tag, name in _SUBJECT if getattr(spec, name)}
    taken = {str(one["tag"]).upper(): _may_give(one) for one in _fields(policy, "dnComponents")}
    wanted = {tag: text for tag, text in ours.items() if taken.get(tag, not taken or tag == "CN")}
    return {tag: [text] if tag in _LISTED else text for tag, text in wanted.items()}


def _names(spec: CsrSpec) -> dict[str, list[str]]:
    return {tag: list(take(spec)) for tag, _words, take in _SANS if take(spec)}


def names(spec: CsrSpec) -> list[str]:
    """Give every name of an order, the common name first, to compare."""
    return [spec.common_name, *sorted(f"{tag}:{name}" for tag, values in _names(spec).items() for name in values)]


def problems(policy: Mapping[str, Any], order: Order) -> list[str]:
    """Give what a policy refuses about an order, as sentences."""
    name, spec, found = str(policy.get("name") or policy.get("id")), order.spec, []
    if not can_order(policy):
        return [f"certificate_type {name!r} cannot be ordered through the API; have HydrantID allow it (enabled, rest)"]
    ours = _subject(policy, spec)
    for field in _fields(policy, "dnComponents"):
        if _wants(field) and not ours.get(str(field["tag"]).upper()):
            found.append(f"certificate_type {name!r} wants {_label(field)} in the subject")
    sans = [str(one["tag"]).upper() for one in _fields(policy, "subjectAltNames")]
    for tag, words, take in _SANS:
        if sans and take(spec) and tag not in sans:
            found.append(f"certificate_type {name!r} takes no {words}")
    given = custom_fields(policy, order.attributes)
    for field in _fields(policy, "customFields"):
        if _wants(field) and str(field["tag"]) not in given:
            found.append(
                f"certificate_type {name!r} wants its field {_label(field)}; give it among the attributes, as "
                f"{attribute_name(str(field['tag']))}"
            )
    return found + _email_problems(policy, name, order)


def _label(field: Mapping[str, Any]) -> str:
    tag, label = str(field["tag"]), str(field.get("label") or "")
    return f"{label} ({tag})" if label and label != tag else tag


def _email_problems(policy: Mapping[str, Any], name: str, order: Order) -> list[str]:
    field = _details(policy).get("expiryEmails") or {}
    given = listed(order.options.get("expiry_emails"))
    if order.action == "renew" and order.parent:
        kept = listed(order.parent.get("expiry_emails"))
        if given and sorted(given) != sorted(kept):
            had = ", ".join(kept) or "none"
            return [f"expiry_emails cannot be changed by a renewal, which keeps them ({had}); leave them out"]
        return []
    if given and not _may_give(field):
        return [f"certificate_type {name!r} has expiry_emails of its own; leave them out"]
    if not given and _wants(field):
        return [f"expiry_emails is missing; certificate_type {name!r} wants addresses"]
    return []


def lifetime(order: Order) -> dict[str, int]:
    """Give a lifetime in the unit it was asked for, where that says the same; in days else."""
    try:
        asked = validity.read_validity(order.validity)
    except InputError:
        return {"days": order.validity_days}
    is_same = (validity.not_after(order.at, asked) - order.at).days == order.validity_days
    return {asked.unit: asked.count} if is_same else {"days": order.validity_days}


def body(policy: Mapping[str, Any], order: Order, csr_pem: str) -> dict[str, Any]:
    """Give the body that orders a certificate."""
    wanted: dict[str, Any] = {
        "policy": str(policy["id"]),
        "csr": csr_pem,
        "dnComponents": _subject(policy, order.spec),
        "subjectAltNames": _names(order.spec),
        "validity": lifetime(order),
        "customFields": custom_fields(policy, order.attributes),
        "expiryEmails": listed(order.options.get("expiry_emails")),
        "comment": f"{order.certificate_id or order.spec.common_name} ({order.intent_id})",
        "clearRemindersCertificateId": str(order.parent.get("certificate_id") or ""),
    }
    return {name: value for name, value in wanted.items() if value or name == "dnComponents"}
