# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Holds a CSR against what was asked for: proof of possession, strength of the key, names. Makes no CSR."""

from __future__ import annotations

from collections.abc import Iterable

from .._core.csr_spec import CsrSpec
from .._core.vocabulary import CURVES, curve_name
from .x509 import CsrFacts, KeyFacts, csr_facts

MIN_RSA_BITS = 2048
MAX_RSA_BITS = 8192
WEAK_HASHES = ("md5", "sha1")
MIN_EXPONENT, MAX_EXPONENT = 2**16 + 1, 2**256 - 1
SUBJECT_OPTIONS = ("organization", "organizational_unit", "locality", "state_or_province", "country", "email")
# The words of our option key_type, and what the key then is.
ALGORITHM_OF_KEY_TYPE = {"rsa": "RSA", "ec": "ECDSA", "ed25519": "Ed25519"}


def strength_problems(facts: CsrFacts) -> list[str]:
    """Give every reason why no CA should sign this, as sentences.

    :source: requirement E7; RFC 2986 §4.2 for the signature.
    """
    problems = key_problems(facts.key)
    if not facts.is_signature_valid:
        problems.append("its signature was not made by the key it names; make a new CSR with that key")
    if facts.signature_hash in WEAK_HASHES:
        problems.append(f"it is signed with {facts.signature_hash}, which is broken; use sha256, sha384 or sha512")
    return problems


def key_problems(key: KeyFacts) -> list[str]:
    """Give every reason why a public key is not fit for a TLS certificate, as sentences."""
    if key.algorithm == "RSA":
        size = key.size or 0
        if size < MIN_RSA_BITS:
            return [f"its RSA key has {size} bits, at least {MIN_RSA_BITS} are needed"]
        if size > MAX_RSA_BITS:
            return [f"its RSA key has {size} bits, at most {MAX_RSA_BITS} are taken"]
        return _exponent_problems(key.exponent)
    if key.algorithm == "ECDSA":
        return [] if key.curve in CURVES else [f"its curve {key.curve} is none of {', '.join(CURVES)}"]
    if key.algorithm == "Ed25519":
        return []
    return [f"its key is of the kind {key.algorithm}; RSA, ECDSA and Ed25519 are taken"]


def _exponent_problems(exponent: int | None) -> list[str]:
    """Say what is wrong with the public exponent of an RSA key.

    :source: CA/Browser Forum Baseline Requirements §6.1.6: odd, and in this range.
    """
    if exponent is None or (exponent % 2 and MIN_EXPONENT <= exponent <= MAX_EXPONENT):
        return []
    return [f"its RSA key has the public exponent {exponent}; an odd one from {MIN_EXPONENT} is needed, as 65537"]


def csr_problems(
    facts: CsrFacts,
    *,
    common_name: str,
    dns_names: Iterable[str],
    key_algorithm: str = "",
    may_omit_sans: bool = False,
) -> tuple[str, ...]:
    """Hold a CSR that somebody else made against what was asked for.

    :param dns_names: all that were asked for, in any order and case.
    :param key_algorithm: ``RSA``, ``ECDSA`` or ``Ed25519``; empty when any will do.
    :param may_omit_sans: a CSR without any SAN is fine, as CPS makes with ``excludeSans``.
    :source: requirements E9, E10.
    """
    problems = strength_problems(facts)
    if facts.common_name != common_name:
        problems.append(f"its common name is {facts.common_name!r}, {common_name!r} was asked for")
    if key_algorithm and facts.key.algorithm != key_algorithm:
        problems.append(f"its key is of the kind {facts.key.algorithm}, {key_algorithm} was asked for")
    wanted = {name.lower() for name in dns_names}
    found = {name.lower() for name in facts.sans.dns}
    if not (may_omit_sans and not found):
        problems += _difference("lacks the names", wanted - found)
        problems += _difference("has names that were not asked for:", found - wanted)
    return tuple(problems)


def wanted_problems(facts: CsrFacts, spec: CsrSpec, key_algorithm: str = "") -> list[str]:
    """Hold a CSR against all that was asked for: key, every category of names, the subject.

    A CSR without a common name is fine where the name stands among its DNS names.

    :param key_algorithm: ``RSA``, ``ECDSA`` or ``Ed25519``; empty for that of the spec's kind of key.
    :source: requirements E7, E12-E14, E17.
    """
    problems = strength_problems(facts)
    algorithm = key_algorithm or ALGORITHM_OF_KEY_TYPE[spec.key_type]
    if facts.key.algorithm != algorithm:
        problems.append(f"its key is of the kind {facts.key.algorithm}, {algorithm} was asked for")
    elif algorithm == "RSA" and spec.key_size not in (None, facts.key.size):
        problems.append(f"its key has {facts.key.size} bits, {spec.key_size} were asked for")
    elif algorithm == "ECDSA" and spec.curve and curve_name(spec.curve) != facts.key.curve:
        problems.append(f"its key is on {facts.key.curve}, {spec.curve} was asked for")
    if facts.common_name.lower() not in ("", spec.common_name.lower()):
        problems.append(f"its common name is {facts.common_name!r}, {spec.common_name!r} was asked for")
    for option in SUBJECT_OPTIONS:
        found, wanted = facts.subject_fields.get(option, ""), getattr(spec, option)
        if found != wanted:
            problems.append(f"its {option} is {found!r}, {wanted!r} was asked for")
    for kind, wanted_names, found_names in _by_kind(facts, spec):
        problems += _difference(f"lacks the {kind}", wanted_names - found_names)
        problems += _difference(f"has {kind} that were not asked for:", found_names - wanted_names)
    return problems


def lacking_names(facts: CsrFacts, spec: CsrSpec) -> list[str]:
    """Say which names a CSR does not have among its subject alternative names; its common name does not stand for one.

    :source: requirement E7; RFC 9525 §2, by which clients look nowhere else.
    """
    return [
        problem
        for kind, wanted, found in _by_kind(facts, spec, with_common_name=False)
        for problem in _difference(f"lacks the {kind}", wanted - found)
    ]


def _by_kind(facts: CsrFacts, spec: CsrSpec, *, with_common_name: bool = True) -> list[tuple[str, set[str], set[str]]]:
    common_name = {facts.common_name.lower()} - {""} if with_common_name else set()
    others = {f"other:{oid}:{value}" for oid, value in spec.other_names}
    others |= {f"directory:{text}" for text in spec.directory_names}
    return [
        ("DNS names", _folded(spec.dns_names), _folded(facts.sans.dns) | common_name),
        ("IP addresses", set(spec.ip_addresses), set(facts.sans.ips)),
        ("e-mail addresses", _folded(spec.emails), _folded(facts.sans.emails)),
        ("URIs", set(spec.uris), set(facts.sans.uris)),
        ("other names", others, set(facts.sans.others)),
    ]


def _folded(names: Iterable[str]) -> set[str]:
    return {name.lower() for name in names}


def same_key(csr_pem_a: str, csr_pem_b: str) -> bool:
    """Say whether two CSRs are for the same public key; a renewal that was to bring a new one has failed then.

    :raises InputError: one of them cannot be read.
    """
    return csr_facts(csr_pem_a).key.spki_sha256 == csr_facts(csr_pem_b).key.spki_sha256


def _difference(words: str, names: set[str]) -> list[str]:
    return [f"it {words} {', '.join(sorted(names))}"] if names else []
