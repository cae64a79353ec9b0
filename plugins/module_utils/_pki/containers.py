# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Keys and certificates as they leave: PEM, encrypted PKCS#8, PKCS#12; and whether a file holds the same already.

Everything encrypted differs with each writing, so that a file is compared by what is in it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from .._core.errors import InputError
from .._core.redact import Secret
from . import pem, private_keys
from .x509 import load_certificate

if TYPE_CHECKING:
    from cryptography import x509

    from .private_keys import HeldKey


@dataclass(frozen=True)
class Contents:
    """What a file is to hold, in this order.

    :ivar key: PKCS#8 PEM in clear; None for none. Kept out of ``repr`` by being a ``Secret``.
    :ivar certificates: PEM, the leaf first; may be empty.
    :ivar name: friendly name, in PKCS#12 alone.
    """

    key: Secret | None = None
    certificates: Sequence[str] = ()
    name: str = ""


def to_pem(contents: Contents, passphrase: Secret | None) -> bytes:
    """Write PEM, the key first; encrypted where there is a passphrase."""
    key = contents.key
    if key is not None and passphrase is not None:
        key = _encrypted(key, passphrase)
    return pem.join([key.reveal() if key is not None else "", *contents.certificates]).encode("ascii")


def is_pem_of(data: bytes, contents: Contents, passphrase: Secret | None) -> bool:
    """Say whether a file holds just this as PEM."""
    if contents.key is None or passphrase is None:
        return data == to_pem(contents, None)
    try:
        found = pem.blocks(data.decode("ascii"), "file")
    except (ValueError, InputError):
        return False
    if not found or found[0].label != "ENCRYPTED PRIVATE KEY":
        return False
    same_rest = pem.join([block.pem for block in found[1:]]) == pem.join(contents.certificates)
    return same_rest and _opens_to(found[0].pem, passphrase, contents.key)


def to_pkcs12(contents: Contents, passphrase: Secret) -> bytes:
    """Write PKCS#12 with AES-256 and HMAC-SHA-256: key, leaf and the certificates above it.

    :source: RFC 7292, with the algorithms of RFC 8018 (PBES2).
    """
    from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, pkcs12

    key, leaf, above = _opened(contents)
    encryption = BestAvailableEncryption(passphrase.reveal().encode())
    return pkcs12.serialize_key_and_certificates(contents.name.encode(), key, leaf, above, encryption)


def is_pkcs12_of(data: bytes, contents: Contents, passphrase: Secret) -> bool:
    """Say whether a file is PKCS#12 that opens with the passphrase and holds just this."""
    from cryptography.hazmat.primitives.serialization import pkcs12

    key, leaf, above = _opened(contents)
    try:
        found = pkcs12.load_pkcs12(data, passphrase.reveal().encode())
    except ValueError:
        return False
    if found.key is None or found.cert is None:
        return False
    certificates = [found.cert.certificate, *(one.certificate for one in found.additional_certs)]
    is_same_key = private_keys.is_same_public(found.key.public_key(), key.public_key())
    is_same_name = found.cert.friendly_name == contents.name.encode()
    return is_same_key and is_same_name and certificates[:1] == [leaf] and set(certificates[1:]) == set(above)


def _opened(contents: Contents) -> tuple[HeldKey, x509.Certificate, list[x509.Certificate]]:
    if contents.key is None:
        raise ValueError("PKCS#12 is written with a key alone")
    certificates = [load_certificate(text) for text in contents.certificates]
    return private_keys.opened(contents.key, "the key to export"), certificates[0], certificates[1:]


def _encrypted(key: Secret, passphrase: Secret) -> Secret:
    """Write a key as encrypted PKCS#8.

    :source: RFC 5958, RFC 8018: PBES2 with AES-256.
    """
    from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, Encoding, PrivateFormat

    encryption = BestAvailableEncryption(passphrase.reveal().encode())
    opened = private_keys.opened(key, "the key to export")
    return Secret(opened.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, encryption).decode("ascii"))


def _opens_to(text: str, passphrase: Secret, key: Secret) -> bool:
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    try:
        found = load_pem_private_key(text.encode(), passphrase.reveal().encode())
    except (ValueError, TypeError, UnsupportedAlgorithm):
        return False
    wanted = private_keys.opened(key, "the key to export")
    return private_keys.is_same_public(found.public_key(), wanted.public_key())
