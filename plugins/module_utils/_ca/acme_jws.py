# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Signatures of ACME calls: an account's key, JSON Web Signatures by it, and the binding to an account elsewhere.

Pure: no traffic, no time. :source: RFC 7515 (JWS), RFC 7517 and 7518 (keys, algorithms), RFC 7638 (thumbprint).
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
from collections.abc import Mapping
from typing import Any

from .._core.deps import needed
from .._core.errors import InputError

FEATURE = "accounts at ACME CAs"
KEY_KINDS = ("ec", "rsa")
_RSA_BITS = 3072
_LEAST_RSA_BITS = 2048
# By the name of the curve: algorithm, curve in a JWK, bytes of a number.
_CURVES = {"secp256r1": ("ES256", "P-256", 32), "secp384r1": ("ES384", "P-384", 48)}


def b64(data: bytes) -> str:
    """Write base64 for URLs, without padding."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode("ascii")


def unb64(text: str) -> bytes:
    """Read base64 for URLs, with padding or without; the plain alphabet is taken, too.

    :raises ValueError: it is none.
    """
    plain = "".join(text.split()).rstrip("=").replace("-", "+").replace("_", "/")
    try:
        return base64.b64decode(plain + "=" * (-len(plain) % 4), validate=True)
    except binascii.Error as exc:
        raise ValueError("no base64") from exc


def _text(value: Any) -> str:
    """Write JSON as a thumbprint wants it: sorted, no blanks."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"))


def new_key(kind: str) -> str:
    """Make an account's key; gives PEM without passphrase.

    :param kind: of ``KEY_KINDS``.
    """
    with needed("cryptography", FEATURE):
        from cryptography.hazmat.primitives.asymmetric import ec, rsa
        from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
    key = rsa.generate_private_key(65537, _RSA_BITS) if kind == "rsa" else ec.generate_private_key(ec.SECP256R1())
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode("ascii")


class AccountKey:
    """The key of an account.

    :param pem: RSA with 2048 bits or more, or EC on P-256 or P-384; without passphrase.
    :raises InputError: it is none of them; the message does not quote it.
    """

    def __init__(self, pem: str) -> None:
        with needed("cryptography", FEATURE):
            from cryptography.exceptions import UnsupportedAlgorithm
            from cryptography.hazmat.primitives.asymmetric import ec, rsa
            from cryptography.hazmat.primitives.serialization import load_pem_private_key
        try:
            self._key: Any = load_pem_private_key(pem.encode(), None)
        except (TypeError, ValueError, UnsupportedAlgorithm):
            # The library's text may quote what it read; it is left out on purpose.
            raise InputError(
                "account_key cannot be read: it is no PEM private key, or it has a passphrase; take that off"
            ) from None
        if isinstance(self._key, rsa.RSAPrivateKey) and self._key.key_size >= _LEAST_RSA_BITS:
            self.alg, self._number = "RS256", 0
            self.jwk: Mapping[str, str] = self._rsa_jwk()
        elif isinstance(self._key, ec.EllipticCurvePrivateKey) and self._key.curve.name in _CURVES:
            self.alg, curve, self._number = _CURVES[self._key.curve.name]
            at = self._key.public_key().public_numbers()
            point = {"x": b64(at.x.to_bytes(self._number, "big")), "y": b64(at.y.to_bytes(self._number, "big"))}
            self.jwk = {"kty": "EC", "crv": curve, **point}
        else:
            raise InputError("account_key is of no kind that serves: RSA of 2048 bits or more, or EC on P-256 or P-384")

    def _rsa_jwk(self) -> Mapping[str, str]:
        at = self._key.public_key().public_numbers()
        parts = {"e": at.e, "n": at.n}
        return {"kty": "RSA", **{name: b64(n.to_bytes((n.bit_length() + 7) // 8, "big")) for name, n in parts.items()}}

    @property
    def thumbprint(self) -> str:
        """Give what proofs of control are made with."""
        return b64(hashlib.sha256(_text(self.jwk).encode()).digest())

    def _sign(self, data: bytes) -> bytes:
        from cryptography.hazmat.primitives import hashes
        from cryptography.hazmat.primitives.asymmetric import ec, padding
        from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

        if not self._number:
            return bytes(self._key.sign(data, padding.PKCS1v15(), hashes.SHA256()))
        digest: Any = hashes.SHA256() if self.alg == "ES256" else hashes.SHA384()
        r, s = decode_dss_signature(self._key.sign(data, ec.ECDSA(digest)))
        return r.to_bytes(self._number, "big") + s.to_bytes(self._number, "big")

    def jws(self, payload: bytes, *, url: str, nonce: str = "", kid: str = "") -> dict[str, str]:
        """Sign a payload.

        :param kid: URL of the account; without it the public key itself goes along.
        :param nonce: empty in the inner signature of a change of keys.
        """
        head: dict[str, Any] = {"alg": self.alg, "url": url, **({"kid": kid} if kid else {"jwk": self.jwk})}
        if nonce:
            head["nonce"] = nonce
        protected, body = b64(_text(head).encode()), b64(payload)
        return {
            "protected": protected,
            "payload": body,
            "signature": b64(self._sign(f"{protected}.{body}".encode("ascii"))),
        }


def binding(key: AccountKey, kid: str, mac_key: bytes, url: str) -> dict[str, str]:
    """Bind an account's key to an account elsewhere, which the CA gave a key id and a MAC key for.

    :source: RFC 8555 §7.3.4.
    """
    protected = b64(_text({"alg": "HS256", "kid": kid, "url": url}).encode())
    payload = b64(_text(key.jwk).encode())
    mac = hmac.new(mac_key, f"{protected}.{payload}".encode("ascii"), hashlib.sha256).digest()
    return {"protected": protected, "payload": payload, "signature": b64(mac)}
