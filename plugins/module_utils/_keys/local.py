# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Keys and CSRs made here, in memory (E6): nothing exists before the caller seals the key beside the reference.

``KeyOrder.place`` holds ``reuse_of`` where keys are to be used again: by key algorithm the request that holds each,
empty where none does.

The reference bears the CSRs, so that collecting asks nobody; it bears no secret. A run that is killed before the caller
has stored both leaves nothing, and after it there is nothing left to be made.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

from .._core import vocabulary
from .._core.csr_spec import CsrSpec
from .._core.errors import InputError, StateError
from .._core.redact import Secret
from .base import KeyOrder, MadeSecret, Obstacle, PromptKeyProvider, Reference

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.types import CertificateIssuerPrivateKeyTypes

MIN_BITS, MAX_BITS, BITS_STEP = 2048, 8192, 8
# Our defaults: what every public CA takes, and every client can use.
DEFAULT_BITS, DEFAULT_CURVE = 2048, "secp256r1"
_KEY_TYPES = {vocabulary.RSA: "rsa", vocabulary.ECDSA: "ec", vocabulary.ED25519: "ed25519"}
PRIVATE_KEY, CSR = "private_key", "csr"
"""Names of held secrets, before a slash and the key algorithm."""


class KeyVault(Protocol):
    """Where keys that were made here are kept sealed."""

    def private_key(self, holder: str, algorithm: str) -> Secret | None:
        """Give the private key that a request holds, PKCS#8 PEM, or None."""


class LocalKeys(PromptKeyProvider):
    """This machine as the maker of keys."""

    def __init__(self, vault: KeyVault) -> None:
        self._vault = vault
        self._made: tuple[MadeSecret, ...] = ()

    def validate(self, order: KeyOrder) -> Sequence[str]:
        """Give what cannot be made of a key or a CSR."""
        spec, problems = order.spec, []
        sized = spec.key_type == "rsa" or spec.dual_stack
        size = spec.key_size
        if sized and size is not None and (not MIN_BITS <= size <= MAX_BITS or size % BITS_STEP):
            problems.append(
                f"key_size {size}: RSA keys made here have {MIN_BITS} to {MAX_BITS} bits, in steps of {BITS_STEP}"
            )
        if spec.curve and _curve(spec) not in vocabulary.CURVES:
            problems.append(f"curve {spec.curve!r} is none of {', '.join(vocabulary.CURVES)}")
        if spec.key_type not in vocabulary.KEY_TYPES:
            problems.append(f"key_type {spec.key_type!r} is none of {', '.join(vocabulary.KEY_TYPES)}")
        if spec.hash_name not in vocabulary.HASHES:
            problems.append(f"hash {spec.hash_name!r} is none of {', '.join(vocabulary.HASHES)}")
        unheld = [_gone("", name) for name in algorithms(order) if _is_reused(order) and not _holder(order, name)]
        return [*problems, *unheld, *_unwritable(spec)]

    def predict(self, order: KeyOrder) -> str:
        """Say which keys ``begin`` makes."""
        if _is_reused(order):
            holders = dict.fromkeys(_holder(order, name) for name in algorithms(order))
            return f"Make a new CSR for {order.spec.common_name} with the key of request {' and '.join(holders)}"
        kinds = " and ".join(_told(order.spec, algorithm) for algorithm in algorithms(order))
        return f"Make {kinds} and its CSR for {order.spec.common_name}, the key sealed in the store"

    def find(self, order: KeyOrder) -> Sequence[Reference]:
        """Find nothing: what was not stored with its request never was."""
        return ()

    def conflicts(self, order: KeyOrder) -> Sequence[Obstacle]:
        """Look whether a key that is to be used again is there."""
        if not _is_reused(order):
            return []
        absent = [name for name in algorithms(order) if self._held(order, name) is None]
        return [Obstacle("key_missing", _gone(_holder(order, name), name)) for name in absent]

    def begin(self, order: KeyOrder) -> Reference:
        """Make the keys and their CSRs; ``made`` gives the keys."""
        from .._pki.csr_building import build_csr
        from .._pki.private_keys import public_digest, sealed_form

        keys = {name: self._key(order, name) for name in algorithms(order)}
        digests = {name: public_digest(key) for name, key in keys.items()}
        csrs = {name: build_csr(order.spec, key) for name, key in keys.items()}
        told = {name: {"algorithm": name, "public_key_sha256": digests[name]} for name in keys}
        made = [MadeSecret(f"{PRIVATE_KEY}/{name}", sealed_form(key), told[name]) for name, key in keys.items()]
        if password := order.challenge_password:
            made += [
                MadeSecret(f"{CSR}/{name}", Secret(build_csr(order.spec, key, password)), told[name])
                for name, key in keys.items()
            ]
        self._made = tuple(made)
        return {"label": "key made here", "held_by": order.request_id, "csrs": csrs, "public_keys": digests}

    def made(self) -> Sequence[MadeSecret]:
        """Give the keys that were just made, or are used again, and what bears the challenge password."""
        return self._made

    def _held(self, order: KeyOrder, algorithm: str) -> Secret | None:
        holder = _holder(order, algorithm)
        return self._vault.private_key(holder, algorithm) if holder else None

    def _key(self, order: KeyOrder, algorithm: str) -> CertificateIssuerPrivateKeyTypes:
        from .._pki.private_keys import make_key, opened

        if not _is_reused(order):
            return make_key(_KEY_TYPES[algorithm], order.spec.key_size or DEFAULT_BITS, _curve(order.spec))
        holder, kept = _holder(order, algorithm), self._held(order, algorithm)
        if kept is None:
            raise StateError(f"Cannot make a CSR: {_gone(holder, algorithm)}", code="key_missing")
        return opened(kept, f"the {algorithm} key of request {holder}")


def algorithms(order: KeyOrder) -> list[str]:
    """Name the key algorithms of an order, RSA first."""
    if adds := order.renews.get("adds"):
        return list(adds)
    if order.spec.dual_stack:
        return [vocabulary.RSA, vocabulary.ECDSA]
    return [next((name for name, kind in _KEY_TYPES.items() if kind == order.spec.key_type), vocabulary.RSA)]


def _is_reused(order: KeyOrder) -> bool:
    return "reuse_of" in order.place


def _holder(order: KeyOrder, algorithm: str) -> str:
    return str(order.place["reuse_of"].get(algorithm) or "")


def _curve(spec: CsrSpec) -> str:
    return vocabulary.curve_name(spec.curve) if spec.curve else DEFAULT_CURVE


def _told(spec: CsrSpec, algorithm: str) -> str:
    if algorithm == vocabulary.RSA:
        return f"an RSA key of {spec.key_size or DEFAULT_BITS} bits"
    return f"an EC key on {_curve(spec)}" if algorithm == vocabulary.ECDSA else "an Ed25519 key"


def _gone(holder: str, algorithm: str) -> str:
    what = f"request {holder} holds no {algorithm} key" if holder else f"no {algorithm} key is held here"
    return f"{what} that could be used again; give reuse_key: false to make a new one"


def _unwritable(spec: CsrSpec) -> list[str]:
    """Try what can only be told by writing it; a form with names and a subject alone needs no look."""
    if not spec.extensions:
        return []
    from .._pki.csr_building import requested_extensions

    try:
        requested_extensions(spec.extensions)
    except InputError as exc:
        return list(exc.details.get("problems") or [exc.message])
    return []
