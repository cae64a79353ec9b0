# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The kinds of keys a token makes for certificates, and the mechanisms each needs, as data. No library at run time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

RSA, ECDSA, ED25519 = "RSA", "ECDSA", "Ed25519"
HASHES = ("sha256", "sha384", "sha512")

# Content of EC_PARAMS: the curve's object id, DER.
CURVES: Mapping[str, bytes] = {
    "secp256r1": bytes.fromhex("06082a8648ce3d030107"),
    "secp384r1": bytes.fromhex("06052b81040022"),
    "secp521r1": bytes.fromhex("06052b81040023"),
}
CURVE_BITS: Mapping[str, int] = {"secp256r1": 256, "secp384r1": 384, "secp521r1": 521}
# RFC 8410's object id, and the name that PKCS#11 3.0 takes too (PrintableString).
EDWARDS_PARAMS = (bytes.fromhex("06032b6570"), bytes.fromhex("130c") + b"edwards25519")


@dataclass(frozen=True)
class Kind:
    """One kind of key.

    :ivar algorithm: ``RSA``, ``ECDSA`` or ``Ed25519``.
    :ivar size: bits of an RSA key; ``curve`` of an EC key, as ``secp256r1``.
    """

    algorithm: str
    size: int = 0
    curve: str = ""

    def __str__(self) -> str:
        return " ".join(str(part) for part in (self.algorithm, self.size or self.curve) if part)

    @property
    def bits(self) -> int:
        """Give the size that a mechanism's limits are held against; 0 for Ed25519, where tokens do not agree."""
        return self.size or CURVE_BITS.get(self.curve, 0)


# Names of pkcs11.Mechanism, the best first.
GENERATION: Mapping[str, str] = {
    RSA: "RSA_PKCS_KEY_PAIR_GEN",
    ECDSA: "EC_KEY_PAIR_GEN",
    ED25519: "EC_EDWARDS_KEY_PAIR_GEN",
}


def signing_mechanisms(algorithm: str, hash_name: str) -> tuple[str, ...]:
    """Give the mechanisms any one of which signs, the best first.

    The token hashes for RSA where it can, for some forbid bare signatures; for ECDSA few can, so the hash comes ready.
    """
    word = hash_name.upper()
    if algorithm == RSA:
        return (f"{word}_RSA_PKCS", "RSA_PKCS")
    return ("ECDSA", f"ECDSA_{word}") if algorithm == ECDSA else ("EDDSA",)


# What PKCS#1 v1.5 puts before the hash where the token does not do so itself; RFC 8017 §9.2, note 1.
DIGEST_INFO: Mapping[str, bytes] = {
    "sha256": bytes.fromhex("3031300d060960864801650304020105000420"),
    "sha384": bytes.fromhex("3041300d060960864801650304020205000430"),
    "sha512": bytes.fromhex("3051300d060960864801650304020305000440"),
}
