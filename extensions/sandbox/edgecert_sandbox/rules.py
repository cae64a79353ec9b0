# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What CPS accepts in an enrollment document, what it fills in, and what an update means.

Pure; knows no state machine.
"""

from __future__ import annotations

import re
from datetime import date
from typing import Any

from .model import Wire, WorldConfig
from .problems import invalid

KINDS: dict[tuple[str, str], tuple[str, ...]] = {
    ("third-party", "third-party"): ("third-party",),
    ("lets-encrypt", "dv"): ("san", "single", "wildcard", "wildcard-san"),
    ("symantec", "ov"): ("single", "san", "wildcard", "wildcard-san"),
    ("symantec", "ev"): ("single", "san"),
}
READ_ONLY = (
    "id",
    "location",
    "pendingChanges",
    "assignedSlots",
    "productionSlots",
    "stagingSlots",
    "maxAllowedSanNames",
    "maxAllowedWildcardSanNames",
    "autoRenewalStartTime",
)
DEFAULTS: Wire = {
    "certificateChainType": "default",
    "signatureAlgorithm": None,
    "enableMultiStackedCertificates": False,
    "orgId": None,
    "org": None,
    "adminContact": None,
    "techContact": None,
    "thirdParty": None,
}
CSR_DEFAULTS: Wire = dict.fromkeys(("c", "st", "l", "o", "ou", "preferredTrustChain", "sans"))
NETWORK_DEFAULTS: Wire = {
    "mustHaveCiphers": "ak-akamai-default",
    "preferredCiphers": "ak-akamai-default",
    "disallowedTlsVersions": [],
    "dnsNameSettings": None,
    "ocspStapling": "not-set",
    "clientMutualAuthentication": None,
    "fipsMode": None,
}
IMMUTABLE = (
    ("csr", "cn"),
    ("networkConfiguration", "secureNetwork"),
    ("networkConfiguration", "sniOnly"),
    ("ra",),
    ("validationType",),
    ("certificateType",),
)
CERTIFICATE_MEMBERS = ("enableMultiStackedCertificates", "thirdParty", "signatureAlgorithm")
SUBJECT_MEMBERS = ("c", "st", "l", "o", "ou", "preferredTrustChain")
SETS = ("disallowedTlsVersions",)

_LABEL = re.compile(r"(?!-)[A-Za-z0-9_-]{1,63}(?<!-)")
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")


def copy_wire(value: Any) -> Any:
    """Copy nested wire values; five times as fast as a general deep copy, which matters for ten thousand."""
    if isinstance(value, dict):
        return {name: copy_wire(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [copy_wire(inner) for inner in value]
    return value


def is_dns_name(name: str) -> bool:
    """Say whether a name is a host name CPS takes; one leading ``*.`` is allowed, an IP address is not."""
    labels = name.removeprefix("*.").split(".")
    if len(name) > 255 or len(labels) < 2 or labels[-1].isdigit():
        return False
    return all(_LABEL.fullmatch(label) for label in labels)


def normalise(body: Wire) -> Wire:
    """Give the document CPS keeps: read-only members dropped, defaults filled in, old shapes made new."""
    doc: Wire = copy_wire({**DEFAULTS, **{name: value for name, value in body.items() if name not in READ_ONLY}})
    doc["csr"] = {**CSR_DEFAULTS, **doc["csr"]}
    network = dict(doc["networkConfiguration"])
    if "sniOnly" not in network:
        sni = network.pop("sni", None)
        network["sniOnly"] = sni is not None
        network["dnsNameSettings"] = sni
    network.setdefault("quicEnabled", False)
    given = {name: value for name, value in network.items() if value is not None}
    doc["networkConfiguration"] = {**copy_wire(NETWORK_DEFAULTS), **given}
    settings = doc["networkConfiguration"]["dnsNameSettings"]
    if settings is not None:
        settings["dnsNames"] = settings.get("dnsNames") or None
    doc["csr"]["sans"] = doc["csr"]["sans"] or []
    if doc["validationType"] == "third-party":
        doc["signatureAlgorithm"] = None
        doc["thirdParty"] = doc["thirdParty"] or {"excludeSans": False}
    else:
        doc["thirdParty"] = None
    return doc


def carry_over(doc: Wire, body: Wire, old: Wire) -> Wire:
    """Keep what an older media version has no member for: what the body leaves out stays as it was."""
    merged: Wire = copy_wire(doc)
    for member in ("orgId", "enableMultiStackedCertificates", "certificateChainType"):
        if member not in body:
            merged[member] = old[member]
    if "preferredTrustChain" not in body["csr"]:
        merged["csr"]["preferredTrustChain"] = old["csr"]["preferredTrustChain"]
    for member in ("fipsMode", "clientMutualAuthentication", "quicEnabled", "ocspStapling"):
        if member not in body["networkConfiguration"]:
            merged["networkConfiguration"][member] = old["networkConfiguration"].get(member)
    return merged


def check(doc: Wire, config: WorldConfig) -> None:
    """Refuse a document CPS would refuse, new or updated.

    :raises Problem: 400, saying which member and why.
    """
    _check_kind(doc)
    _check_names(doc["csr"], config)
    network = doc["networkConfiguration"]
    if not network["sniOnly"] and network["dnsNameSettings"] is not None:
        raise invalid(
            "Invalid network configuration", "dnsNameSettings must not be set for a VIP (sniOnly=false) enrollment."
        )
    if not network["sniOnly"] and network["secureNetwork"] != "enhanced-tls":
        raise invalid("Invalid network configuration", "A VIP (sniOnly=false) enrollment needs enhanced-tls.")
    if doc["enableMultiStackedCertificates"] and doc["validationType"] == "dv":
        raise invalid("Invalid enrollment", "DV enrollments cannot have multi-stacked certificates.")
    _check_contacts(doc, config)


def check_create(doc: Wire) -> None:
    """Refuse what CPS refuses on creation alone.

    :raises Problem: 400.
    """
    if doc["networkConfiguration"]["clientMutualAuthentication"] is not None:
        raise invalid(
            "Invalid network configuration",
            "Create enrollment request contains client mutual authentication configuration.",
        )


def check_immutable(old: Wire, new: Wire) -> None:
    """Refuse an update of what cannot be changed.

    :raises Problem: 400, naming the member.
    """
    for path in IMMUTABLE:
        before: Any = old
        after: Any = new
        for member in path:
            before, after = before.get(member), after.get(member)
        if before != after:
            raise invalid("Invalid enrollment", f"{'.'.join(path)} cannot be changed from {before!r} to {after!r}.")


def classify(old: Wire, new: Wire) -> str:
    """Name what an update asks for: ``modify-san``, ``modify-certificate``, ``network``, ``metadata``, ``nothing``."""
    if names(old) != names(new):
        return "modify-san"
    subjects_differ = any((old["csr"][name] or "") != (new["csr"][name] or "") for name in SUBJECT_MEMBERS)
    if subjects_differ or any(old[name] != new[name] for name in CERTIFICATE_MEMBERS):
        return "modify-certificate"
    if comparable(old["networkConfiguration"]) != comparable(new["networkConfiguration"]):
        return "network"
    return "nothing" if old == new else "metadata"


def comparable(network: Wire) -> Wire:
    """Give a network configuration with its sets sorted."""
    result: Wire = {name: sorted(value) if name in SETS else value for name, value in network.items()}
    settings = result.get("dnsNameSettings")
    if settings:
        names = sorted(name.lower() for name in settings.get("dnsNames") or [])
        # A list read back from an older version must not look like a change.
        result["dnsNameSettings"] = {"cloneDnsNames": settings["cloneDnsNames"], "dnsNames": names}
    return result


def dates(query: dict[str, str]) -> tuple[str | None, str | None]:
    """Read ``deploy-not-before`` and ``deploy-not-after``, dates in UTC, as moments.

    :raises Problem: 400 for anything that is not ``YYYY-MM-DD``.
    """
    return _day(query, "deploy-not-before", "00:00:00"), _day(query, "deploy-not-after", "23:59:59")


def flag(query: dict[str, str], name: str) -> bool:
    """Read a true/false query parameter; absent is false.

    :raises Problem: 400 for another word.
    """
    value = query.get(name, "false").lower()
    if value not in ("true", "false"):
        raise invalid("Invalid parameter", f"{name} must be true or false, not {query[name]!r}.")
    return value == "true"


def _day(query: dict[str, str], name: str, time: str) -> str | None:
    text = query.get(name)
    if not text:
        return None
    try:
        if not _DATE.fullmatch(text):
            raise ValueError(text)
        date.fromisoformat(text)
    except ValueError:
        raise invalid("Invalid parameter", f"{name} must be a date like 2026-12-31, not {text!r}.") from None
    return f"{text}T{time}Z"


def names(doc: Wire) -> set[str]:
    """Give all names of a document, lower-case, the common name among them."""
    return {name.lower() for name in [*doc["csr"]["sans"], doc["csr"]["cn"]]}


def _check_kind(doc: Wire) -> None:
    pair = (doc["ra"], doc["validationType"])
    if doc["certificateType"] not in KINDS.get(pair, ()):
        raise invalid(
            "Invalid enrollment",
            f"certificateType {doc['certificateType']!r} does not go with ra {pair[0]!r} "
            f"and validationType {pair[1]!r}.",
        )


def _check_names(csr: Wire, config: WorldConfig) -> None:
    if len(csr["cn"]) > 64:
        raise invalid("Invalid CSR", "The common name is longer than 64 characters.")
    for name in [csr["cn"], *csr["sans"]]:
        if not is_dns_name(name):
            raise invalid("Invalid CSR", f"Domain name is invalid: {name!r}.")
    names = {name.lower() for name in [csr["cn"], *csr["sans"]]}
    if len(names) > config.max_san_names:
        raise invalid(
            "Invalid CSR", f"{len(names)} names (common name included) exceed the maximum of {config.max_san_names}."
        )
    wildcards = sum(name.startswith("*.") for name in names)
    if wildcards > config.max_wildcard_names:
        raise invalid("Invalid CSR", f"{wildcards} wildcard names exceed the maximum of {config.max_wildcard_names}.")
    country = csr["c"]
    if country and not re.fullmatch(r"[A-Z]{2}", country):
        raise invalid("Invalid CSR", f"The country must be a two-letter code, not {country!r}.")


def _check_contacts(doc: Wire, config: WorldConfig) -> None:
    if doc["orgId"] is None and not (doc["org"] or {}).get("name"):
        raise invalid("Invalid enrollment", "org.name is required.")
    for member in ("adminContact", "techContact"):
        contact = doc[member]
        if contact is None and doc["orgId"] is not None:
            continue
        missing = [name for name in ("firstName", "lastName", "email", "phone") if not (contact or {}).get(name)]
        if missing:
            raise invalid("Invalid enrollment", f"{member} lacks {', '.join(missing)}.")
    tech = doc["techContact"]
    if config.tech_contact_must_be_akamai and tech and not tech["email"].lower().endswith("@akamai.com"):
        raise invalid("Invalid enrollment", "techContact.email must be an @akamai.com address.")
