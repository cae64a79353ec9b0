# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a CSR or a certificate says, in the words of the options, to be laid beside what was asked; JSON-ready."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from .csr_building import EXTENDED_KEY_USAGES
from .signing_parts import KEY_USAGES
from .x509 import Sans, facts_of, load_certificate, load_csr, request_facts, subject_fields, subject_oids

if TYPE_CHECKING:
    from cryptography import x509

    from .x509 import CsrFacts, KeyFacts

KEY_TYPES: Mapping[str, str] = {"RSA": "rsa", "ECDSA": "ec", "Ed25519": "ed25519"}
"""The option's word for a key algorithm; any other one is shown as it is."""

_DAY_S = 86400
_EKU_WORDS = {oid: word for word, oid in EXTENDED_KEY_USAGES.items()}
# What RFC 4514 has no word for, and tools put into subjects all the same.
_SUBJECT_WORDS: Mapping[str, str] = {
    "2.5.4.4": "surname",
    "2.5.4.5": "serialNumber",
    "2.5.4.12": "title",
    "2.5.4.42": "givenName",
    "1.2.840.113549.1.9.1": "emailAddress",
}
# Shown under words of their own, or about the certificate's place in a chain and not about what was asked for.
_TOLD_APART = frozenset(("2.5.29.15", "2.5.29.17", "2.5.29.37", "1.3.6.1.5.5.7.1.24"))


def csr_reading(text: str, what: str = "CSR") -> dict[str, Any]:
    """Tell what a PEM request says.

    :raises InputError: it is none, or a part of it is malformed.
    """
    csr = load_csr(text, what)
    facts: CsrFacts = request_facts(csr, what)
    return _reading(csr, facts.common_name, facts.sans, facts.key, facts.signature_hash)


def surplus_of(holder: x509.Certificate | x509.CertificateSigningRequest) -> list[str]:
    """Give what stands in a subject beside one of each field that options can say, as ``O='Example'``, in its order.

    Of a field that is there twice, all but the one that counts are told.
    """
    from cryptography.x509.oid import NameOID

    attributes = list(holder.subject)
    told: set[int] = set()
    for oid in subject_oids().values():
        told |= {at for at, one in enumerate(attributes) if one.oid == oid and not _oids(attributes[:at], oid)}
    names = [at for at, one in enumerate(attributes) if one.oid == NameOID.COMMON_NAME]
    told |= set(names[-1:])
    found = []
    for one in (one for at, one in enumerate(attributes) if at not in told):
        word = _SUBJECT_WORDS.get(one.oid.dotted_string, one.rfc4514_attribute_name)
        kept = _oids(attributes, one.oid, told)
        beside = f", beside {attributes[kept[0]].value!r}" if kept else ""
        found.append(f"{word}={one.value!r} in its subject{beside}")
    return found


def _oids(attributes: list[Any], oid: Any, among: set[int] | None = None) -> list[int]:
    return [at for at, one in enumerate(attributes) if one.oid == oid and (among is None or at in among)]


def requested_usages(holder: x509.Certificate | x509.CertificateSigningRequest) -> dict[str, Any]:
    """Tell key usage, extended key usage and must-staple, by the words of the option ``extensions``."""
    return {name: value for name, value in _extensions(holder).items() if name != "more"}


def certificate_reading(text: str, what: str = "certificate") -> dict[str, Any]:
    """Tell what a PEM certificate says; its days are whole ones, both ends counted.

    :raises InputError: it is none, or a part of it is malformed.
    """
    cert = load_certificate(text, what)
    facts = facts_of(cert, what)
    seconds = (facts.not_after - facts.not_before).total_seconds()
    return {
        **_reading(cert, facts.common_name, facts.sans, facts.key, facts.signature_hash),
        "validity": {
            "not_before": _text(facts.not_before),
            "not_after": _text(facts.not_after),
            "days": round(seconds / _DAY_S),
        },
        "issuer": facts.issuer,
        "serial": facts.serial,
        "fingerprint": facts.fingerprint,
    }


def _text(moment: Any) -> str:
    from .._core.clock import to_text

    return to_text(moment)


def _reading(
    holder: x509.Certificate | x509.CertificateSigningRequest,
    common_name: str,
    sans: Sans,
    key: KeyFacts,
    hash_name: str,
) -> dict[str, Any]:
    return {
        "common_name": common_name,
        "subject_alternative_names": by_kind(sans),
        "san_count": sans.count,
        **subject_fields(holder.subject),
        "more_subject": surplus_of(holder),
        "key_type": KEY_TYPES.get(key.algorithm, key.algorithm),
        "key_size": key.size if key.algorithm == "RSA" else None,
        "curve": key.curve or None,
        "key_id": key.spki_sha256,
        "hash": hash_name,
        "extensions": _extensions(holder),
    }


def by_kind(sans: Sans) -> dict[str, list[str]]:
    """Give subject alternative names by the kinds of the option, sorted; what is of no kind of it under ``more``."""

    def others(prefix: str) -> list[str]:
        return sorted(name.removeprefix(prefix) for name in sans.others if name.startswith(prefix))

    known = ("other:", "directory:")
    more = sorted(name for name in sans.others if not name.startswith(known))
    return {
        "dns": sorted(sans.dns),
        "ip": sorted(sans.ips),
        "email": sorted(sans.emails),
        "uri": sorted(sans.uris),
        "other": others("other:"),
        "directory": others("directory:"),
        **({"more": more} if more else {}),
    }


def _extensions(holder: x509.Certificate | x509.CertificateSigningRequest) -> dict[str, Any]:
    """Tell the usages, must-staple, and the object ids of all other extensions."""
    from cryptography import x509

    found: dict[str, Any] = {"key_usage": [], "extended_key_usage": [], "must_staple": False, "more": []}
    for one in holder.extensions:
        if isinstance(one.value, x509.KeyUsage):
            found["key_usage"] = _granted(one.value)
        elif isinstance(one.value, x509.ExtendedKeyUsage):
            found["extended_key_usage"] = usage_words(oid.dotted_string for oid in one.value)
        elif isinstance(one.value, x509.TLSFeature):
            found["must_staple"] = x509.TLSFeatureType.status_request in one.value
        if one.oid.dotted_string not in _TOLD_APART:
            found["more"].append(one.oid.dotted_string)
    return {**found, "more": sorted(found["more"])}


def _granted(usage: x509.KeyUsage) -> list[str]:
    # These two have a meaning, and can be read, beside key agreement only.
    only_with_agreement = () if usage.key_agreement else ("encipher_only", "decipher_only")
    return [word for word in KEY_USAGES if word not in only_with_agreement and getattr(usage, word)]


def usage_words(oids: Iterable[str]) -> list[str]:
    """Give extended key usages by the words of the option, sorted; one without a word as it is."""
    return sorted(_EKU_WORDS.get(oid, oid) for oid in oids)
