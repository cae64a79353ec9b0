# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Certificates in the forms in which CAs hand them out: PEM, PKCS#7, one in DER, base64 without armour.

:source: RFC 7468 §5, §8 for the armour; RFC 5652 for PKCS#7, which has no order.
"""

from __future__ import annotations

import base64
import binascii
import re
import warnings
from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from .._core.deps import needed
from .._core.errors import InputError
from .._core.types import Bundle
from . import pem
from .chain import order_chain
from .x509 import certificate_facts

if TYPE_CHECKING:
    from cryptography import x509

_FEATURE = "reading certificates"
_ARMOUR = re.compile(rb"-----BEGIN (PKCS7|CMS)-----(.*?)-----END \1-----", re.DOTALL)


def certificates_in(content: bytes, what: str) -> list[str]:
    """Give certificates as PEM, in the order in which they are given.

    :param content: PEM of any number, or PKCS#7 or one certificate, in DER, base64 or armour.
    :param what: names it in errors, as ``certificate of the CA``.
    :returns: may be empty where it is PEM.
    :raises InputError: it is none of these.
    """
    if b"-----BEGIN" in content and not _ARMOUR.search(content):
        return list(pem.split_certificates(content.decode("utf-8", "replace"), what))
    der = der_in(content, what)
    with needed("cryptography", _FEATURE):
        from cryptography import x509
    try:
        return [_pem(x509.load_der_x509_certificate(der))]
    except (ValueError, x509.InvalidVersion):
        return _held(der, what)


def certificates_of_pkcs7(content: bytes, what: str) -> list[str]:
    """Give the certificates in a PKCS#7 message as PEM, in the order in which it holds them; at least one.

    :param content: DER, base64 or armour.
    :raises InputError: it is none, or an empty one.
    """
    return _held(der_in(content, what), what)


def leaf_among(certificates: Sequence[str]) -> str:
    """Give the first certificate that is no CA's, PEM; empty where there is none."""
    return next((one for one in certificates if not certificate_facts(one).is_ca), "")


def bundle_of(certificates: Sequence[str], what: str, *, at: datetime) -> Bundle:
    """Put certificates in order, wherever the leaf stands among them.

    :param certificates: PEM; where all are of CAs, the first one is taken for the leaf.
    :param at: the time to hold validity against, UTC.
    :raises InputError: there are none, or one cannot be read.
    """
    if not certificates:
        raise InputError(f"Cannot read the {what}: there is none in it")
    return order_chain(leaf_among(certificates) or certificates[0], certificates, at=at).bundle


def der_in(content: bytes, what: str) -> bytes:
    """Take off armour of PKCS#7, and base64, where there are any.

    :raises InputError: it is neither DER nor base64.
    """
    if content[:1] == b"\x30":
        return content
    armoured = _ARMOUR.search(content)
    inner = armoured.group(2) if armoured else content
    try:
        return base64.b64decode(b"".join(inner.split()), validate=True)
    except (ValueError, binascii.Error) as exc:
        raise InputError(f"Cannot read the {what}: it is neither PEM, nor DER, nor base64 of it") from exc


def _held(der: bytes, what: str) -> list[str]:
    with needed("cryptography", _FEATURE):
        from cryptography.exceptions import UnsupportedAlgorithm
        from cryptography.hazmat.primitives.serialization import pkcs7
    try:
        # Servers that use OpenSSL do not sort the set of certificates as DER has it; that is taken, with a warning.
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)
            found = pkcs7.load_der_pkcs7_certificates(der)
    except (ValueError, UnsupportedAlgorithm) as exc:
        raise InputError(f"Cannot read the {what}: it is neither a certificate nor PKCS#7 with certificates") from exc
    if not found:
        raise InputError(f"Cannot read the {what}: its PKCS#7 holds no certificate")
    return [_pem(one) for one in found]


def _pem(certificate: x509.Certificate) -> str:
    from cryptography.hazmat.primitives.serialization import Encoding

    return certificate.public_bytes(Encoding.PEM).decode("ascii")
