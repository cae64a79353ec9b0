# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Certificates as Trust Lifecycle Manager gives them: PEM, PKCS#7, or the base64 of either without armour. Pure.

:source: ca-connectors §3.2, §4.8; RFC 7468 §5, §8.
"""

from __future__ import annotations

from collections.abc import Sequence

from .._core.deps import needed
from .._core.errors import InputError

_WHAT = "certificate of DigiCert ONE"


def certificates_of(text: str) -> list[str]:
    """Give the certificates in an answer as PEM, in the order given.

    :raises InputError: there are none, or they cannot be read.
    """
    from .._pki.received import certificates_in

    return certificates_in(text.encode(), _WHAT)


def leaf_first(certificates: Sequence[str]) -> tuple[str, list[str]]:
    """Give the leaf, and the others; PKCS#7 has no order.

    :raises InputError: there is no leaf among them.
    """
    from .._pki.received import leaf_among

    leaf = leaf_among(certificates)
    if not leaf:
        raise InputError(f"Cannot read the {_WHAT}: there is none but of CAs")
    return leaf, [one for one in certificates if one != leaf]


def subject_of(certificate: str) -> dict[str, str]:
    """Give the subject of a certificate by the words of our options, those that are there."""
    from .._pki.x509 import certificate_facts, subject_fields

    with needed("cryptography", "reading certificates"):
        from cryptography import x509
    name = x509.load_pem_x509_certificate(certificate.encode("ascii")).subject
    return {**subject_fields(name), "common_name": certificate_facts(certificate).common_name}
