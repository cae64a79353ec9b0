# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a CSR and a certificate are both written from: subject, key usages, and the hash a key signs with."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING

from .._core.deps import needed
from .._core.errors import InputError

if TYPE_CHECKING:
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric.types import CertificateIssuerPrivateKeyTypes

KEY_USAGES = (
    "digital_signature",
    "content_commitment",
    "key_encipherment",
    "data_encipherment",
    "key_agreement",
    "key_cert_sign",
    "crl_sign",
    "encipher_only",
    "decipher_only",
)
_FEATURE = "writing certificates and CSRs"


def subject_name(fields: Mapping[str, str]) -> x509.Name:
    """Write a subject, in the order that is customary; a field that is left out or empty is not written.

    :param fields: texts by the words of the vocabulary, as ``common_name``.
    :raises InputError: one cannot be written; names it.
    :source: RFC 5280 appendix A.1 for the limits.
    """
    with needed("cryptography", _FEATURE):
        from cryptography import x509
        from cryptography.x509.oid import NameOID
    table = {
        "country": NameOID.COUNTRY_NAME,
        "state_or_province": NameOID.STATE_OR_PROVINCE_NAME,
        "locality": NameOID.LOCALITY_NAME,
        "organization": NameOID.ORGANIZATION_NAME,
        "organizational_unit": NameOID.ORGANIZATIONAL_UNIT_NAME,
        "common_name": NameOID.COMMON_NAME,
        "email": NameOID.EMAIL_ADDRESS,
    }
    attributes = []
    for word, oid in table.items():
        if value := fields.get(word):
            try:
                attributes.append(x509.NameAttribute(oid, value))
            except ValueError as exc:
                raise InputError(f"{word} {value!r} cannot stand in a subject: {exc}") from exc
    return x509.Name(attributes)


def key_usage(granted: Collection[str]) -> x509.KeyUsage:
    """Give the extension that grants these usages, words of ``KEY_USAGES``, and no others."""
    with needed("cryptography", _FEATURE):
        from cryptography import x509
    return x509.KeyUsage(**{usage: usage in granted for usage in KEY_USAGES})


def signing_hash(
    key: CertificateIssuerPrivateKeyTypes, name: str
) -> hashes.SHA256 | hashes.SHA384 | hashes.SHA512 | None:
    """Give the hash that a key signs with; None for Ed25519, which brings its own, so that naming one is an error.

    :param name: ``sha256``, ``sha384`` or ``sha512``.
    """
    with needed("cryptography", _FEATURE):
        from cryptography.hazmat.primitives import hashes
        from cryptography.hazmat.primitives.asymmetric import ed25519
    if isinstance(key, ed25519.Ed25519PrivateKey):
        return None
    table: dict[str, hashes.SHA256 | hashes.SHA384 | hashes.SHA512] = {
        "sha256": hashes.SHA256(),
        "sha384": hashes.SHA384(),
        "sha512": hashes.SHA512(),
    }
    return table[name]
