# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an order means at a device that makes keys: names there, what it cannot make, whether a CSR is it. No traffic.

A key and its CSR are called after the key reference name, the certificate and the request, the latter two as digits
that follow from their ids: a run that was killed finds what it made, nobody takes the key of another certificate, and
the key that a service uses is never written over.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from .._core.field_rules import key_name_reason
from .._core.vocabulary import ECDSA, RSA, curve_name
from .._pki.csr import wanted_problems
from .._pki.x509 import csr_facts, load_csr
from .base import KeyOrder

if TYPE_CHECKING:
    from .._core.csr_spec import CsrSpec
    from .._core.redact import Secret
    from .device_base import DeviceAbilities

DEFAULT_BITS = 2048
DEFAULT_CURVE = "secp256r1"
KEY_ENDING = ".key"
CSR_ENDING = ".csr"
CHALLENGE_OID = "1.2.840.113549.1.9.7"
# What every device here takes in a name, and no shell, path or query reads as anything else.
_OWNER_DIGITS, _REQUEST_DIGITS = 6, 8
_SEALED = "-c"
# Of the two keys of a dual stack; the only key of a request has none.
_MARKS: Mapping[str, str] = {RSA: "-rsa", ECDSA: "-ec"}
_LONGEST_ENDING = len("-012345-01234567-rsa-c.csr")


@dataclass(frozen=True)
class Part:
    """One key and its CSR, as they are to be made.

    :ivar algorithm: ``RSA`` or ``ECDSA``.
    :ivar bits: of an RSA key; ``curve``, by the option's name, of an EC key.
    :ivar key: name of the key on the device; ``csr`` likewise, and ``sealed_csr`` of the one that bears the challenge
        password, where there is one (E16).
    """

    algorithm: str
    bits: int
    curve: str
    key: str
    csr: str
    sealed_csr: str

    @property
    def words(self) -> str:
        """Name the kind of key for a sentence."""
        return f"RSA key of {self.bits} bits" if self.algorithm == RSA else f"ECDSA key on {self.curve}"


def _owner_of(order: KeyOrder) -> str:
    owner = order.place.get("certificate_id") or order.spec.common_name.lower()
    return _digits(str(owner), _OWNER_DIGITS)


def stem_of(order: KeyOrder) -> str:
    """Give what the names of an order's keys and CSRs begin with."""
    own = _digits(order.request_id, _REQUEST_DIGITS)
    return f"{order.place['name']}-{_owner_of(order)}-{own}"


def _digits(text: str, count: int) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:count]


def parts_of(order: KeyOrder) -> tuple[Part, ...]:
    """Give the keys and CSRs of an order, each under a name of its own."""
    spec, stem = order.spec, stem_of(order)
    bits, curve = spec.key_size or DEFAULT_BITS, curve_name(spec.curve or DEFAULT_CURVE)
    wanted = order.renews.get("adds") or [RSA, ECDSA]
    marks = _MARKS if spec.dual_stack else {RSA if spec.key_type == "rsa" else ECDSA: ""}
    return tuple(
        Part(
            algorithm,
            bits if algorithm == RSA else 0,
            curve if algorithm == ECDSA else "",
            f"{stem}{mark}{KEY_ENDING}",
            f"{stem}{mark}{CSR_ENDING}",
            f"{stem}{mark}{_SEALED}{CSR_ENDING}",
        )
        for algorithm, mark in marks.items()
        if algorithm in wanted
    )


def marked_algorithm(name: str) -> str:
    """Read the algorithm off the name of a key that was made here; empty where it says none."""
    stem = name[: -len(KEY_ENDING)]
    return next((algorithm for algorithm, mark in _MARKS.items() if stem.endswith(mark)), "")


def exact_key(order: KeyOrder) -> str:
    """Give the name of a key that somebody made by hand under the key reference name."""
    name = str(order.place["name"])
    return name if name.endswith(KEY_ENDING) else name + KEY_ENDING


def is_own(name: str, order: KeyOrder) -> bool:
    """Say whether a key on the device was made here under the reference name for the same certificate."""
    return _is_made_here(name, order, _owner_of(order))


def is_anothers(name: str, order: KeyOrder) -> bool:
    """Say whether a key on the device was made here under the reference name for another certificate."""
    return _is_made_here(name, order, rf"[0-9a-f]{{{_OWNER_DIGITS}}}") and not is_own(name, order)


def _is_made_here(name: str, order: KeyOrder, owner: str) -> bool:
    request = rf"[0-9a-f]{{{_REQUEST_DIGITS}}}"
    pattern = rf"{re.escape(str(order.place['name']))}-{owner}-{request}(?:-rsa|-ec)?{re.escape(KEY_ENDING)}"
    return re.fullmatch(pattern, name) is not None


def alternative_names(order: KeyOrder) -> list[str]:
    """Write the subject alternative names as OpenSSL's configuration has them, kind before each."""
    spec = order.spec
    pairs = (("DNS", spec.dns_names), ("IP", spec.ip_addresses), ("email", spec.emails), ("URI", spec.uris))
    return [f"{kind}:{name}" for kind, names in pairs for name in names]


def reference_problems(name: Any, longest: int) -> list[str]:
    """Give every reason why a key reference name cannot be used.

    :param longest: characters that the device takes in a file or object name.
    """
    if not name:
        return ["the key reference name is missing; it says under which name the device keeps the key"]
    if not isinstance(name, str):
        return [f"key reference name {name!r} is no text"]
    if reason := key_name_reason(name):
        return [f"key reference name {reason}"]
    room = longest - _LONGEST_ENDING
    if len(name) > room:
        return [f"key reference name {name!r} has {len(name)} characters, {room} are allowed on this device"]
    return []


def ability_problems(spec: CsrSpec, abilities: DeviceAbilities, title: str) -> list[str]:
    """Give everything of a spec that a device cannot make, as sentences (E13, E17)."""
    problems = _key_problems(spec, abilities, title)
    if spec.hash_name not in abilities.hashes:
        problems.append(f"hash {spec.hash_name}: {title} signs its CSRs with {_list(abilities.hashes)} only")
    given: Mapping[str, Iterable[str]] = {
        "dns": spec.dns_names,
        "ip": spec.ip_addresses,
        "email": spec.emails,
        "uri": spec.uris,
        "other": (f"{oid}:{value}" for oid, value in spec.other_names),
        "directory": spec.directory_names,
    }
    for kind, names in given.items():
        shown = list(names)
        if shown and kind not in abilities.san_types:
            problems.append(
                f"{title} cannot put subject alternative names of the kind {kind} into a CSR ({', '.join(shown)})"
            )
    wanted = [name for name, value in spec.extensions.items() if value]
    if wanted:
        problems.append(f"{title} cannot put extensions into a CSR beside the names ({', '.join(sorted(wanted))})")
    return problems


def _key_problems(spec: CsrSpec, abilities: DeviceAbilities, title: str) -> list[str]:
    types = ("rsa", "ec") if spec.dual_stack else (spec.key_type,)
    problems = []
    for word in types:
        if word not in abilities.key_types:
            problems.append(f"key_type {word}: {title} makes {_list(abilities.key_types)} keys")
    bits, curve = spec.key_size or DEFAULT_BITS, curve_name(spec.curve or DEFAULT_CURVE)
    if "rsa" in types and bits not in abilities.key_sizes:
        problems.append(f"key_size {bits}: {title} makes RSA keys of {_list(map(str, abilities.key_sizes))} bits")
    if "ec" in types and "ec" in abilities.key_types and curve not in abilities.curves:
        problems.append(f"curve {curve}: {title} makes EC keys on {_list(abilities.curves)}")
    return problems


def _list(words: Iterable[str]) -> str:
    *first, last = words
    return f"{', '.join(first)} and {last}" if first else last


def mismatches(text: str, part: Part, order: KeyOrder, challenge: Secret | None) -> list[str]:
    """Hold a CSR that a device made against what was asked for; everything that differs, as sentences.

    :param text: PEM.
    :param challenge: the password that it is to bear; None for none.
    :raises InputError: it is no CSR.
    """
    facts = csr_facts(text, "CSR of the device")
    spec = replace(order.spec, key_size=part.bits or None, curve=part.curve)
    problems = wanted_problems(facts, spec, part.algorithm)
    if facts.signature_hash != spec.hash_name:
        problems.append(f"it is signed with {facts.signature_hash or 'no known hash'}, {spec.hash_name} was asked for")
    bears = _challenge_in(text)
    if bears is None and challenge is not None:
        problems.append("it lacks the challenge password")
    if bears is not None and (challenge is None or challenge.reveal().encode() != bears):
        problems.append("it bears a challenge password that was not asked for")
    return problems


def _challenge_in(text: str) -> bytes | None:
    found = [one.value for one in load_csr(text).attributes if one.oid.dotted_string == CHALLENGE_OID]
    return found[0] if found else None
