# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The key pairs in a token: listed, found by id, made so that they cannot leave, and handed out as keys that sign.

Labels are not unique in a token, so a pair is known by its id (CKA_ID) alone; private and public key bear the same.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from .._core.errors import RemoteError, StateError
from .failures import GONE, failure, told
from .kinds import CURVE_BITS, CURVES, ECDSA, ED25519, EDWARDS_PARAMS, GENERATION, RSA, Kind, signing_mechanisms
from .private_keys import as_private_key

if TYPE_CHECKING:
    from pkcs11.types import Session

_ED25519_BYTES = 32


@dataclass(frozen=True)
class PairEntry:
    """One private key of a token, by what it may tell.

    :ivar algorithm: ``RSA``, ``ECDSA``, ``Ed25519``; empty for any other.
    :ivar stays: sensitive and not extractable.
    :ivar private: the session's object.
    """

    id: bytes
    label: str
    algorithm: str
    stays: bool
    private: Any


class KeyPairs:
    """The key pairs seen in one session.

    :param place: where they are, for errors, as "token clm".
    """

    def __init__(self, session: Session, place: str) -> None:
        self._session, self._place = session, place
        self._mechanisms: frozenset[str] | None = None

    @property
    def mechanisms(self) -> frozenset[str]:
        """Give the names of the mechanisms the token has, as far as they have names."""
        if self._mechanisms is None:
            with told(f"Cannot list the mechanisms of {self._place}"):
                self._mechanisms = mechanism_names(self._session.token)
        return self._mechanisms

    def entries(self, **wanted: Any) -> list[PairEntry]:
        """Give the private keys.

        :param wanted: ``id`` or ``label`` they bear; all of the token when left out.
        """
        from pkcs11.constants import Attribute, ObjectClass

        template = {Attribute[name.upper()]: value for name, value in wanted.items()}
        with told(f"Cannot list the keys of {self._place}"):
            found = list(self._session.get_objects({**template, Attribute.CLASS: ObjectClass.PRIVATE_KEY}))
            return [entry for entry in map(_entry, found) if entry is not None]

    def is_whole(self, entry: PairEntry) -> bool:
        """Say whether the public key of a pair can be had; it cannot when making the pair was broken off."""
        with told(f"Cannot look for the public key of {entry.label} in {self._place}"):
            return entry.algorithm == RSA or bool(self._publics(entry.id))

    def _publics(self, key_id: bytes) -> list[Any]:
        from pkcs11.constants import Attribute, ObjectClass

        return list(self._session.get_objects({Attribute.CLASS: ObjectClass.PUBLIC_KEY, Attribute.ID: key_id}))

    def _clear(self, key_id: bytes) -> None:
        """Remove halves of a pair whose making was broken off: nothing was signed with them."""
        halves = [entry for entry in self.entries(id=key_id) if not self.is_whole(entry)]
        whole = len(self.entries(id=key_id)) > len(halves)
        for private in halves:
            private.private.destroy()
        for public in [] if whole else self._publics(key_id):
            public.destroy()

    def make(self, kind: Kind, label: str, key_id: bytes) -> PairEntry:
        """Make a key pair that cannot leave the token.

        :raises ClmError: the token does not make it; then there is none.
        """
        what = f"Cannot make an {kind} key {label} in {self._place}"
        with told(what):
            self._clear(key_id)
            _public, private = self._generated(kind, label, key_id)
            entry = _entry(private)
        if entry is None:
            raise failure(what, GONE)
        if not entry.stays:
            self.destroy(entry)
            raise RemoteError(
                f"{what}: the token made a key that can be read out, although it was to be sensitive and not "
                "extractable; it was removed again, and the token's policy has to be changed",
                code="key_not_protected",
            )
        return entry

    def _generated(self, kind: Kind, label: str, key_id: bytes) -> tuple[Any, Any]:
        from pkcs11.constants import Attribute, MechanismFlag
        from pkcs11.exceptions import PKCS11Error
        from pkcs11.mechanisms import KeyType, Mechanism

        words: dict[str, Any] = {
            "id": key_id,
            "label": label,
            "store": True,
            # For signing alone: what a server does with a key since TLS 1.3, and with forward secrecy before.
            "capabilities": MechanismFlag.SIGN | MechanismFlag.VERIFY,
            "mechanism": Mechanism[GENERATION[kind.algorithm]],
            "private_template": {Attribute.SENSITIVE: True, Attribute.EXTRACTABLE: False},
        }
        if kind.algorithm == RSA:
            return self._session.generate_keypair(KeyType.RSA, kind.size, **words)
        if kind.algorithm == ECDSA:
            return self._on_curve(KeyType.EC, CURVES[kind.curve], words)
        first, second = EDWARDS_PARAMS
        try:
            return self._on_curve(KeyType.EC_EDWARDS, first, words)
        except PKCS11Error:
            # The other spelling of the curve may be the one that is taken; if not, its refusal is as good.
            return self._on_curve(KeyType.EC_EDWARDS, second, words)

    def _on_curve(self, key_type: Any, params: bytes, words: dict[str, Any]) -> tuple[Any, Any]:
        from pkcs11.constants import Attribute

        domain = self._session.create_domain_parameters(key_type, {Attribute.EC_PARAMS: params}, local=True)
        return domain.generate_keypair(**words)

    def destroy(self, entry: PairEntry) -> None:
        """Remove a pair that was made just now."""
        with told(f"Cannot remove key {entry.label} from {self._place}"):
            for public in self._publics(entry.id):
                public.destroy()
            entry.private.destroy()

    def signer(self, entry: PairEntry) -> Any:
        """Give a pair as a private key that cryptography's builders take.

        :raises StateError: its public key is not in the token, or is of a kind not known.
        """
        what = f"Cannot sign with key {entry.label} in {self._place}"
        public = self.public_key(entry)
        return as_private_key(entry.algorithm, entry.private, public, self.mechanisms, what)

    def public_key(self, entry: PairEntry) -> Any:
        """Give the public key of a pair as cryptography's."""
        what = f"Cannot read the public key of {entry.label} in {self._place}"
        with told(what):
            objects = self._publics(entry.id)
            # An RSA private key tells its public part itself.
            source = objects[0] if objects else entry.private if entry.algorithm == RSA else None
            if source is None or not entry.algorithm:
                raise StateError(
                    f"{what}: there is no public key of id {entry.id.hex()} beside it, or it is no RSA, EC or Ed25519 "
                    "key",
                    code="public_key_missing",
                )
            return _public(entry.algorithm, source)

    def missing(self, kind: Kind, hash_name: str) -> str:
        """Say what the token lacks to make such a key and sign with it; empty when nothing."""
        generation = GENERATION[kind.algorithm]
        signing = signing_mechanisms(kind.algorithm, hash_name)
        if generation not in self.mechanisms:
            return f"{self._place} has no mechanism to make {kind.algorithm} keys (CKM_{generation})"
        if not any(name in self.mechanisms for name in signing):
            names = " or ".join(f"CKM_{name}" for name in signing)
            return f"{self._place} has no mechanism to sign with {kind.algorithm} keys and {hash_name} ({names})"
        return _size_problem(self._session.token, kind, self._place)


def mechanism_names(token: Any) -> frozenset[str]:
    """Give the names of a token's mechanisms, as ``RSA_PKCS``; a vendor's own have none."""
    return frozenset(one.name for one in token.slot.get_mechanisms() if hasattr(one, "name"))


def _size_problem(token: Any, kind: Kind, place: str) -> str:
    from pkcs11.mechanisms import Mechanism

    with told(f"Cannot look at the mechanisms of {place}"):
        info = token.slot.get_mechanism_info(Mechanism[GENERATION[kind.algorithm]])
    least, most = info.min_key_length or 0, info.max_key_length or 0
    # Some tokens count in bytes, or give nothing: limits below any key that is used say nothing.
    if not kind.bits or most < 256 or (kind.algorithm == RSA and most < 1024) or least <= kind.bits <= most:
        return ""
    return f"{place} makes {kind.algorithm} keys of {least} to {most} bits, {kind.bits} are asked for"


def _entry(private: Any) -> PairEntry | None:
    """Read what a private key tells; None when another process is just making or removing it."""
    from pkcs11.constants import Attribute
    from pkcs11.exceptions import ObjectHandleInvalid
    from pkcs11.mechanisms import KeyType

    names = {KeyType.RSA: RSA, KeyType.EC: ECDSA, KeyType.EC_EDWARDS: ED25519}
    try:
        stays = _told_by(private, Attribute.SENSITIVE, False) and not _told_by(private, Attribute.EXTRACTABLE, True)
        return PairEntry(
            bytes(_told_by(private, Attribute.ID, b"")),
            str(_told_by(private, Attribute.LABEL, "")),
            names.get(_told_by(private, Attribute.KEY_TYPE, None), ""),
            stays,
            private,
        )
    except ObjectHandleInvalid:
        return None


def _told_by(private: Any, attribute: Any, otherwise: Any) -> Any:
    """Read an attribute; one that a token does not keep counts as what is least to be trusted."""
    from pkcs11.exceptions import AttributeTypeInvalid

    try:
        return private[attribute]
    except AttributeTypeInvalid:
        return otherwise


def _public(algorithm: str, source: Any) -> Any:
    from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
    from pkcs11.constants import Attribute

    if algorithm == RSA:
        exponent, modulus = (
            int.from_bytes(source[name], "big") for name in (Attribute.PUBLIC_EXPONENT, Attribute.MODULUS)
        )
        return rsa.RSAPublicNumbers(exponent, modulus).public_key()
    point = bytes(source[Attribute.EC_POINT])
    if algorithm == ED25519:
        return ed25519.Ed25519PublicKey.from_public_bytes(_bare(point, _ED25519_BYTES))
    params = bytes(source[Attribute.EC_PARAMS])
    name = next((name for name, oid in CURVES.items() if oid == params), "")
    if not name:
        raise StateError(
            "The key is on a curve that no certificate has; P-256, P-384 and P-521 are taken", code="key_not_taken"
        )
    curves = {"secp256r1": ec.SECP256R1(), "secp384r1": ec.SECP384R1(), "secp521r1": ec.SECP521R1()}
    size = 1 + 2 * ((CURVE_BITS[name] + 7) // 8)
    return ec.EllipticCurvePublicKey.from_encoded_point(curves[name], _bare(point, size))


def _bare(point: bytes, size: int) -> bytes:
    """Take a point out of its OCTET STRING, in which the standard wants it; some tokens give it bare.

    :param size: bytes of the bare point; its content does not tell, for both may begin with the same byte.
    """
    return point if len(point) == size else point[-size:]
