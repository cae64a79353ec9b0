# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Keys and CSRs made in a token behind PKCS#11 (E8): the private key never leaves it, the CSR is signed inside.

``begin`` is safe to be repeated: it looks for the keys of its request by id before it makes any. The CSRs stand in the
reference, so that nothing has to be signed twice.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from .._core.errors import ClmError, ConflictError, InputError, StateError
from .._core.field_rules import key_name_reason, label_reason, length_reason
from .._core.limits import MAX_KEY_NAME, TOKEN_RSA_BITS
from .._core.redact import Secret
from .._core.vocabulary import curve_name
from .._pki.csr_building import build_csr, requested_extensions
from .._pki.x509 import csr_facts
from .._token.access import TokenAccess, TokenPlace
from .._token.keypairs import KeyPairs, PairEntry
from .._token.kinds import CURVES, ECDSA, ED25519, HASHES, RSA, Kind
from .base import KeyOrder, MadeSecret, Obstacle, Reference
from .device_base import DeviceAbilities, DeviceCheck, DeviceKeys
from .token_lines import Line, lines, obstacles
from .token_names import TokenNames
from .token_test import checks

if TYPE_CHECKING:
    from .._core.csr_spec import CsrSpec
    from .device_base import RefusalMemory

_ABILITIES = DeviceAbilities(
    key_types=("rsa", "ec", "ed25519"),
    key_sizes=TOKEN_RSA_BITS,
    curves=tuple(CURVES),
    hashes=HASHES,
    san_types=("dns", "ip", "email", "uri", "other", "directory"),
    can_challenge=True,
    can_reuse=True,
)
_DEFAULT_BITS, _DEFAULT_CURVE = 2048, "secp256r1"


def kinds(order: KeyOrder) -> list[Kind]:
    """Give the keys that an order wants, one of each algorithm."""
    spec = order.spec
    rsa = Kind(RSA, size=spec.key_size or _DEFAULT_BITS)
    ec = Kind(ECDSA, curve=curve_name(spec.curve or _DEFAULT_CURVE))
    if adds := order.renews.get("adds"):
        return [kind for kind in (rsa, ec) if kind.algorithm in adds]
    if spec.dual_stack:
        return [rsa, ec]
    return [{"rsa": rsa, "ec": ec}.get(spec.key_type, Kind(ED25519))]


def unwritable(spec: CsrSpec) -> list[str]:
    """Give what is wrong with the extensions asked for; a form without any needs no look."""
    if not spec.extensions:
        return []
    try:
        requested_extensions(spec.extensions)
    except InputError as exc:
        return list(exc.details.get("problems") or [exc.message])
    return []


def names(order: KeyOrder) -> TokenNames:
    """Give the names of the keys of an order."""
    owner = order.place.get("certificate_id") or order.spec.common_name.lower()
    return TokenNames(order.place["name"], owner, order.request_id)


class Pkcs11Keys(DeviceKeys):
    """The keys of one token.

    :param name: of the key device.
    :param options: as ``Pkcs11Type.prepare`` gives them; ``pin`` None where there is none.
    """

    def __init__(self, name: str, options: Mapping[str, Any], pin: Secret | None, memory: RefusalMemory) -> None:
        self._name = name
        environment = {str(key): str(value) for key, value in options.get("library_environment", {}).items()}
        place = TokenPlace(
            str(options["module_path"]),
            str(options.get("token_label", "")),
            str(options.get("token_serial", "")),
            options.get("slot"),
            environment,
        )
        self._access = TokenAccess(place, pin, memory)
        self._looked: dict[str, Sequence[Obstacle]] = {}
        self._made_secrets: tuple[MadeSecret, ...] = ()

    def abilities(self) -> DeviceAbilities:
        """Give what PKCS#11 knows of; what this token lacks is told by ``conflicts`` and ``test``."""
        return _ABILITIES

    def test(self) -> Sequence[DeviceCheck]:
        """Look at module, token, mechanisms and login; makes nothing."""
        return checks(self._access)

    def validate(self, order: KeyOrder) -> Sequence[str]:
        """Give every problem of handler name, key and hash."""
        spec, handler = order.spec, str(order.place["name"] or "")
        problems = []
        # Whoever made a key that is there may have named it otherwise than it would be here.
        is_given = handler and order.place.get("reuse")
        new = length_reason(handler, MAX_KEY_NAME) or key_name_reason(handler)
        if reason := label_reason(handler) if is_given else new:
            problems.append(f"key handler name {reason}")
        if spec.key_type not in _ABILITIES.key_types:
            problems.append(f"key_type {spec.key_type}: there are {', '.join(_ABILITIES.key_types)}")
        if spec.key_type == "ed25519" and spec.dual_stack:
            problems.append("key_type ed25519: a dual stack is of rsa and ec")
        for kind in kinds(order):
            if kind.size and kind.size not in TOKEN_RSA_BITS:
                problems.append(f"key_size {kind.size}: there are {', '.join(map(str, TOKEN_RSA_BITS))}")
            if kind.algorithm == ECDSA and kind.curve not in CURVES:
                problems.append(f"curve {spec.curve}: there are {', '.join(CURVES)}")
        if spec.hash_name not in HASHES:
            problems.append(f"hash {spec.hash_name}: there are {', '.join(HASHES)}")
        return problems + unwritable(spec)

    @contextmanager
    def signer(self, label: str) -> Iterator[Any]:
        """Give the one key of that label."""
        with self._pairs() as pairs:
            found = pairs.entries(label=label)
            if len(found) != 1:
                many = f"{len(found)} keys" if found else "no key"
                raise StateError(
                    f"There is {many} {label} in {self._place}; exactly one is wanted to sign with",
                    code="key_gone" if not found else "key_taken",
                )
            yield pairs.signer(found[0])

    def predict(self, order: KeyOrder) -> str:
        """Say what ``begin`` would do."""
        what = " and ".join(f"an {kind} key" for kind in kinds(order))
        handler, common_name = order.place["name"], order.spec.common_name
        if order.place.get("reuse"):
            made = "" if order.renews else f", or with {what} made for it where there is none"
            return f"Sign a CSR for {common_name} on key device {self._name} with the newest key {handler}{made}"
        new = "the next generation of " if order.renews else ""
        return f"Make {what}, {new}{handler}, on key device {self._name} and sign a CSR for {common_name} there"

    def find(self, order: KeyOrder) -> Sequence[Reference]:
        """Look for all keys that a killed run made for this request, and sign for them."""
        wanted = names(order)
        with self._pairs() as pairs:
            there = [_own(pairs, wanted, kind) for kind in kinds(order)]
            if not all(line.entry for line in there):
                return []
            return [self._signed(order, pairs, there)]

    def conflicts(self, order: KeyOrder) -> Sequence[Obstacle]:
        """Look whether the handler's name is another's, the key to be reused is there and fits, the token can do it."""
        wanted = names(order)
        key = wanted.request_id
        if key not in self._looked:
            with self._pairs() as pairs:
                self._looked[key] = obstacles(order, wanted, kinds(order), pairs, self._place)
        return self._looked[key]

    def begin(self, order: KeyOrder) -> Reference:
        """Make the keys that are not there yet, and sign the CSRs."""
        wanted = names(order)
        self._looked.pop(wanted.request_id, None)
        with self._pairs(write=True) as pairs:
            standing = obstacles(order, wanted, kinds(order), pairs, self._place)
            if standing:
                sentences = "; ".join(one.sentence for one in standing)
                raise StateError(f"Cannot make a key on key device {self._name}: {sentences}", code=standing[0].code)
            made: list[PairEntry] = []
            try:
                ready = [self._made(line, pairs, made) for line in lines(order, wanted, kinds(order), pairs)]
                return self._signed(order, pairs, ready)
            except Exception as exc:
                # What passes is gone on with by the next run, which finds what was made; what does not, and what nobody
                # thought of, leaves nothing.
                if not (isinstance(exc, ClmError) and exc.retryable):
                    for entry in made:
                        pairs.destroy(entry)
                raise

    def _made(self, line: Line, pairs: KeyPairs, made: list[PairEntry]) -> Line:
        if line.entry is not None:
            return line
        entry = pairs.make(line.kind, line.label, line.id)
        made.append(entry)
        others = [one for one in pairs.entries(label=line.label) if one.private != entry.private]
        others += [one for one in pairs.entries(id=line.id) if one.private != entry.private]
        if others:
            # Whoever sees another one yields, so of two runs at once never both stay.
            pairs.destroy(made.pop())
            raise ConflictError(
                f"Cannot make key {line.label} in {self._place}: another run made one of that name at the same moment, "
                "and the one made here was removed again; run again"
            )
        return Line(line.kind, line.id, line.label, entry)

    def _signed(self, order: KeyOrder, pairs: KeyPairs, ready: Sequence[Line]) -> Reference:
        csrs, secrets = {}, []
        for line in ready:
            if line.entry is None:
                raise StateError(f"There is no key {line.label} in {self._place}", code="key_gone")
            signer, algorithm = pairs.signer(line.entry), line.kind.algorithm
            csrs[algorithm] = self._csr(order, line, signer, None)
            if order.challenge_password:
                text = Secret(self._csr(order, line, signer, order.challenge_password))
                secrets.append(MadeSecret(f"csr/{algorithm}", text, {"algorithm": algorithm}))
        self._made_secrets = tuple(secrets)
        keys = [
            {"algorithm": line.kind.algorithm, "label": line.label, "id": line.entry.id.hex()}
            for line in ready
            if line.entry is not None
        ]
        label = f"{' and '.join(line.label for line in ready)} on key device {self._name}"
        return {"label": label, "key_device": self._name, "keys": keys, "csrs": csrs}

    def _csr(self, order: KeyOrder, line: Line, signer: Any, password: Secret | None) -> str:
        pem = build_csr(order.spec, signer, password)
        if not csr_facts(pem).is_signature_valid:
            raise StateError(
                f"The token's signature with key {line.label} in {self._place} is not of the public key beside it; "
                "choose another key handler name, or remove the pair",
                code="key_mismatch",
            )
        return pem

    def made(self) -> Sequence[MadeSecret]:
        """Give the CSRs that bear the challenge password, as the last ``begin`` or ``find`` signed them."""
        return self._made_secrets

    @property
    def _place(self) -> str:
        return str(self._access.place)

    @contextmanager
    def _pairs(self, *, write: bool = False) -> Iterator[KeyPairs]:
        with self._access.session(write=write) as session:
            yield KeyPairs(session, self._place)


def _own(pairs: KeyPairs, wanted: TokenNames, kind: Kind) -> Line:
    """Give the key that this very request made before, as far as it is there."""
    own_id = wanted.id_of(kind.algorithm)
    entry = next((one for one in pairs.entries(id=own_id) if pairs.is_whole(one)), None)
    return Line(kind, own_id, entry.label if entry else "", entry)
