# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Signatures as an ACME server checks them: the shape of a call, its nonce, its address, its key (RFC 8555 §6)."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa, utils

_CURVES: Mapping[str, tuple[ec.EllipticCurve, hashes.HashAlgorithm, str]] = {
    "P-256": (ec.SECP256R1(), hashes.SHA256(), "ES256"),
    "P-384": (ec.SECP384R1(), hashes.SHA384(), "ES384"),
}


class Refused(Exception):
    """An ACME problem: its word, its detail, its status."""

    def __init__(self, word: str, detail: str = "", status: int = 400) -> None:
        super().__init__(word)
        self.word, self.detail, self.status = word, detail, status


@dataclass(frozen=True)
class Signed:
    """A call whose signature holds.

    :ivar payload: None for a POST that only reads.
    """

    header: Mapping[str, Any]
    payload: Any
    jwk: Mapping[str, str]

    @property
    def thumbprint(self) -> str:
        """Name its key."""
        return thumbprint(self.jwk)


def unb64(text: str) -> bytes:
    """Read base64url without padding; anything else is refused."""
    if set(text) & set("=+/"):
        raise Refused("malformed", "no base64url without padding")
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def b64(data: bytes) -> str:
    """Write base64url without padding."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def thumbprint(jwk: Mapping[str, str]) -> str:
    """Name a key (RFC 7638)."""
    return b64(hashlib.sha256(json.dumps(dict(jwk), sort_keys=True, separators=(",", ":")).encode()).digest())


def checked(body: Any, keys: Mapping[str, Mapping[str, str]], *, has_nonce: bool = True) -> Signed:
    """Check a flattened JWS.

    :param keys: public keys by the URL of their account.
    """
    if not isinstance(body, Mapping) or set(body) != {"protected", "payload", "signature"}:
        raise Refused("malformed", "no flattened JWS")
    header = json.loads(unb64(body["protected"]))
    wanted = {"alg", "url", "jwk" if "jwk" in header else "kid", *(["nonce"] if has_nonce else [])}
    if set(header) != wanted:
        raise Refused("malformed", f"the header has {sorted(header)}, not {sorted(wanted)}")
    if "kid" in header and header["kid"] not in keys:
        raise Refused("accountDoesNotExist", "no such account")
    jwk = header.get("jwk") or keys[header["kid"]]
    _verify(jwk, header["alg"], f"{body['protected']}.{body['payload']}".encode(), unb64(body["signature"]))
    content = unb64(body["payload"])
    return Signed(header, json.loads(content) if content else None, jwk)


def _verify(jwk: Mapping[str, str], alg: str, data: bytes, signature: bytes) -> None:
    def number(name: str) -> int:
        return int.from_bytes(unb64(jwk[name]), "big")

    try:
        if jwk["kty"] == "RSA":
            if alg != "RS256" or set(jwk) != {"kty", "n", "e"}:
                raise Refused("badSignatureAlgorithm", alg)
            public = rsa.RSAPublicNumbers(number("e"), number("n")).public_key()
            public.verify(signature, data, padding.PKCS1v15(), hashes.SHA256())
            return
        curve, digest, wanted = _CURVES[jwk["crv"]]
        size = (curve.key_size + 7) // 8
        if alg != wanted or set(jwk) != {"kty", "crv", "x", "y"} or len(signature) != 2 * size:
            raise Refused("badSignatureAlgorithm", alg)
        point = ec.EllipticCurvePublicNumbers(number("x"), number("y"), curve).public_key()
        halves = (int.from_bytes(signature[:size], "big"), int.from_bytes(signature[size:], "big"))
        point.verify(utils.encode_dss_signature(*halves), data, ec.ECDSA(digest))
    except InvalidSignature:
        raise Refused("malformed", "the signature does not verify") from None


def check_binding(found: Any, jwk: Mapping[str, str], url: str, macs: Mapping[str, bytes]) -> str:
    """Check what binds an account's key to an account elsewhere; gives the key id."""
    if not isinstance(found, Mapping) or set(found) != {"protected", "payload", "signature"}:
        raise Refused("malformed", "the binding is no flattened JWS")
    header = json.loads(unb64(found["protected"]))
    if set(header) != {"alg", "kid", "url"} or header["alg"] != "HS256" or header["url"] != url:
        raise Refused("malformed", "the header of the binding")
    if json.loads(unb64(found["payload"])) != dict(jwk):
        raise Refused("malformed", "the binding is of another key")
    mac = hmac.new(macs.get(header["kid"], b"?"), f"{found['protected']}.{found['payload']}".encode(), hashlib.sha256)
    if not hmac.compare_digest(mac.digest(), unb64(found["signature"])):
        raise Refused("unauthorized", f"the binding to {header['kid']} does not verify", 401)
    return str(header["kid"])
