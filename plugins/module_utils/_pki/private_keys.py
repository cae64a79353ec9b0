# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Private keys in memory: made, written for a sealed place, read back. Keeps none; no message quotes one."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import TYPE_CHECKING

from .._core.deps import needed
from .._core.errors import InputError
from .._core.redact import Secret

if TYPE_CHECKING:
    from typing import TypeAlias

    from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
    from cryptography.hazmat.primitives.asymmetric.types import CertificateIssuerPrivateKeyTypes, PublicKeyTypes

    HeldKey: TypeAlias = "rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey"

_FEATURE = "making keys"
PUBLIC_EXPONENT = 65537


def make_key(key_type: str, key_size: int, curve: str) -> CertificateIssuerPrivateKeyTypes:
    """Make a key.

    :param key_type: ``rsa`` (then ``key_size`` counts), ``ec`` (then ``curve``, of CURVES) or ``ed25519``.
    """
    with needed("cryptography", _FEATURE):
        from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
    if key_type == "rsa":
        return rsa.generate_private_key(PUBLIC_EXPONENT, key_size)
    if key_type == "ed25519":
        return ed25519.Ed25519PrivateKey.generate()
    curves: Mapping[str, ec.EllipticCurve] = {
        "secp256r1": ec.SECP256R1(),
        "secp384r1": ec.SECP384R1(),
        "secp521r1": ec.SECP521R1(),
    }
    return ec.generate_private_key(curves[curve])


def sealed_form(key: CertificateIssuerPrivateKeyTypes) -> Secret:
    """Write a key as PKCS#8 PEM in clear, for a sealed place alone."""
    with needed("cryptography", _FEATURE):
        from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
    return Secret(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode("ascii"))


def opened(kept: Secret, what: str) -> HeldKey:
    """Read a key back from its sealed place.

    :param what: names it, as "the RSA key of request req-1".
    :raises InputError: it is damaged, or of a kind that is not made here.
    """
    with needed("cryptography", _FEATURE):
        from cryptography.exceptions import UnsupportedAlgorithm
        from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
        from cryptography.hazmat.primitives.serialization import load_pem_private_key
    try:
        key = load_pem_private_key(kept.reveal().encode(), None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        # The library's text may quote what it read; it is left out on purpose, the cause too.
        raise InputError(f"Cannot read {what}: it is no private key any more; restore a backup of the store") from None
    if isinstance(key, (rsa.RSAPrivateKey, ec.EllipticCurvePrivateKey, ed25519.Ed25519PrivateKey)):
        return key
    raise InputError(f"Cannot use {what}: it is of a kind that is not made here; RSA, EC and Ed25519 are")


def public_digest(key: CertificateIssuerPrivateKeyTypes) -> str:
    """Give the SHA-256 of a key's SubjectPublicKeyInfo, as ``KeyFacts.spki_sha256``."""
    return hashlib.sha256(_spki(key.public_key())).hexdigest()


def is_same_public(one: PublicKeyTypes, other: PublicKeyTypes) -> bool:
    """Say whether two public keys are the same; with it their private keys are."""
    return _spki(one) == _spki(other)


def _spki(public: PublicKeyTypes) -> bytes:
    with needed("cryptography", _FEATURE):
        from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
    return public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
