# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Private keys that stay in a token, in the shape of cryptography's own, for its builders of CSRs and certificates.

They hold a session's key: used after the session, they fail. Of an abstract key the builders use ``public_key()``,
``key_size`` or ``curve``, and ``sign``; whatever would bring the private part out is refused.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NoReturn

from .._core.errors import StateError
from .failures import told
from .kinds import DIGEST_INFO, ECDSA, RSA, signing_mechanisms

if TYPE_CHECKING:
    from collections.abc import Collection


def _stays(*_args: Any, **_kwargs: Any) -> NoReturn:
    raise StateError("The private key stays in its token and cannot be read out", code="key_stays_in_token")


class TokenKey:
    """What the kinds of keys share.

    :param private: the token's private key object; ``public`` cryptography's public key.
    :param mechanisms: names of those the token has.
    :param what: for errors, as "Cannot sign with key www in token clm".
    """

    def __init__(self, private: Any, public: Any, mechanisms: Collection[str], what: str) -> None:
        self._private, self._public, self._mechanisms, self._what = private, public, mechanisms, what

    private_bytes = private_bytes_raw = private_numbers = decrypt = exchange = _stays
    __copy__ = __deepcopy__ = __reduce__ = _stays

    @property
    def key_size(self) -> int:
        """Give its bits."""
        return int(self._public.key_size)

    def public_key(self) -> Any:
        """Give the public key."""
        return self._public

    def _signed(self, data: bytes, mechanism: str) -> bytes:
        from pkcs11.mechanisms import Mechanism

        with told(self._what):
            return bytes(self._private.sign(data, mechanism=Mechanism[mechanism]))

    def _mechanism(self, algorithm: str, hash_name: str) -> str:
        """Give the first mechanism the token has, or the best one, whose refusal then says what is missing."""
        wanted = signing_mechanisms(algorithm, hash_name)
        return next((name for name in wanted if name in self._mechanisms), wanted[0])


class TokenRsaKey(TokenKey):
    """An RSA key; signs as PKCS#1 v1.5 alone."""

    def sign(self, data: bytes, padding: Any, algorithm: Any) -> bytes:
        """Sign.

        :param padding: cryptography's PKCS1v15.
        :param algorithm: cryptography's hash, of SHA-256, SHA-384 and SHA-512.
        :raises StateError: another padding is asked for.
        """
        if getattr(padding, "name", "") != "EMSA-PKCS1-v1_5":
            raise StateError(f"{self._what}: only PKCS#1 v1.5 signatures are made with it", code="padding_not_taken")
        mechanism = self._mechanism(RSA, algorithm.name)
        if mechanism == "RSA_PKCS":
            return self._signed(DIGEST_INFO[algorithm.name] + _hashed(data, algorithm), mechanism)
        return self._signed(data, mechanism)


class TokenEcKey(TokenKey):
    """An EC key on a named curve."""

    @property
    def curve(self) -> Any:
        """Give its curve, cryptography's."""
        return self._public.curve

    def sign(self, data: bytes, signature_algorithm: Any) -> bytes:
        """Sign; the answer is DER, as certificates hold it.

        :param signature_algorithm: cryptography's ``ec.ECDSA``.
        """
        from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

        digest = signature_algorithm.algorithm
        mechanism = self._mechanism(ECDSA, digest.name)
        raw = self._signed(_hashed(data, digest) if mechanism == "ECDSA" else data, mechanism)
        half = len(raw) // 2
        return encode_dss_signature(int.from_bytes(raw[:half], "big"), int.from_bytes(raw[half:], "big"))


class TokenEd25519Key(TokenKey):
    """An Ed25519 key."""

    def sign(self, data: bytes) -> bytes:
        """Sign."""
        return self._signed(data, "EDDSA")


def as_private_key(algorithm: str, private: Any, public: Any, mechanisms: Collection[str], what: str) -> Any:
    """Give a token's key in the shape of cryptography's private key of that algorithm."""
    from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

    # They count as cryptography's own without inheriting from them, so that this file can be read without the library.
    rsa.RSAPrivateKey.register(TokenRsaKey)
    ec.EllipticCurvePrivateKey.register(TokenEcKey)
    ed25519.Ed25519PrivateKey.register(TokenEd25519Key)
    kinds: dict[str, type[TokenKey]] = {RSA: TokenRsaKey, ECDSA: TokenEcKey}
    return kinds.get(algorithm, TokenEd25519Key)(private, public, mechanisms, what)


def _hashed(data: bytes, algorithm: Any) -> bytes:
    from cryptography.hazmat.primitives import hashes

    digest = hashes.Hash(algorithm)
    digest.update(data)
    return digest.finalize()
