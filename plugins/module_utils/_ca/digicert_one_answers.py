# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Certificates as Trust Lifecycle Manager gives them: PEM, PKCS#7, or the base64 of either without armour. Pure.

:source: ca-connectors §3.2, §4.8; RFC 7468 §5, §8.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from .._core.deps import needed
from .._core.errors import InputError

if TYPE_CHECKING:
    from cryptography import x509

_WHAT = "certificate of DigiCert ONE"


def certificates_of(text: str) -> list[str]:
    """Give the certificates in an answer as PEM, in the order given.

    :raises InputError: there are none, or they cannot be read.
    """
    from .._pki import pem

    if "-----BEGIN CERTIFICATE" in text or "-----BEGIN X509" in text:
        return list(pem.split_certificates(text, _WHAT))
    armour = "PKCS7" if "-----BEGIN PKCS7" in text else "CMS" if "-----BEGIN CMS" in text else ""
    inner = text
    if armour:
        inner = text.partition(f"-----BEGIN {armour}-----")[2].partition(f"-----END {armour}-----")[0]
    try:
        der = base64.b64decode("".join(inner.split()), validate=True)
    except (ValueError, binascii.Error) as exc:
        raise InputError(f"Cannot read the {_WHAT}: it is neither PEM nor base64") from exc
    return [_pem(one) for one in _loaded(der)]


def _loaded(der: bytes) -> Sequence[x509.Certificate]:
    with needed("cryptography", "reading certificates"):
        from cryptography import x509
        from cryptography.exceptions import UnsupportedAlgorithm
        from cryptography.hazmat.primitives.serialization import pkcs7
    try:
        return [x509.load_der_x509_certificate(der)]
    except ValueError:
        pass
    try:
        return pkcs7.load_der_pkcs7_certificates(der)
    except (ValueError, UnsupportedAlgorithm) as exc:
        raise InputError(f"Cannot read the {_WHAT}: it is neither a certificate nor PKCS#7") from exc


def _pem(certificate: Any) -> str:
    from cryptography.hazmat.primitives.serialization import Encoding

    return str(certificate.public_bytes(Encoding.PEM).decode("ascii"))


def leaf_first(certificates: Sequence[str]) -> tuple[str, list[str]]:
    """Give the leaf, and the others; PKCS#7 has no order.

    :raises InputError: there is no leaf among them.
    """
    from .._pki.x509 import certificate_facts

    leaves = [one for one in certificates if not certificate_facts(one).is_ca]
    if not leaves:
        raise InputError(f"Cannot read the {_WHAT}: there is none but of CAs")
    return leaves[0], [one for one in certificates if one != leaves[0]]


def subject_of(certificate: str) -> dict[str, str]:
    """Give the subject of a certificate by the words of our options, those that are there."""
    from .._pki.x509 import certificate_facts, subject_fields

    with needed("cryptography", "reading certificates"):
        from cryptography import x509
    name = x509.load_pem_x509_certificate(certificate.encode("ascii")).subject
    return {**subject_fields(name), "common_name": certificate_facts(certificate).common_name}
