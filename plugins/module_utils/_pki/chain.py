# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From a leaf and any heap of certificates to a chain in order, with every signature tried and every fault told.

Trusts nothing and knows no trust store: whether a root is a good one is for others to say.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from .._core.clock import to_text
from .._core.types import Bundle
from . import pem
from .x509 import CertificateFacts, facts_of, is_issued_by, load_certificate

if TYPE_CHECKING:
    from cryptography import x509


@dataclass(frozen=True)
class Chain:
    """A leaf's chain in order.

    :ivar bundle: the leaf, the intermediates with the leaf's issuer first, the root apart if it was given.
    :ivar facts: of the same certificates: leaf, intermediates, root.
    :ivar problems: faults that forbid using the chain, a sentence each.
    :ivar notes: what was left out, a sentence each; harmless.
    :ivar missing_issuer: name of the issuer of the topmost certificate when it was not given; empty at a root.
    """

    bundle: Bundle
    facts: tuple[CertificateFacts, ...]
    problems: tuple[str, ...]
    notes: tuple[str, ...]
    missing_issuer: str


@dataclass(frozen=True)
class _Member:
    cert: x509.Certificate
    facts: CertificateFacts
    pem: str


def order_chain(leaf: str, others: Iterable[str], *, at: datetime, needs_root: bool = False) -> Chain:
    """Put the certificates above a leaf in order, by name and by signature.

    :param leaf: PEM.
    :param others: PEM texts of one or more certificates each, in any order; the leaf itself, doubles and strangers may
        be among them.
    :param at: the time to hold validity against, UTC.
    :param needs_root: a chain that does not end at a given root is a problem. Without it a missing *topmost* issuer
        is taken for a root that the CA does not send, unless certificates are left over that show a gap.
    :raises InputError: one of the texts cannot be read.
    """
    first = _member(leaf, "certificate")
    heap = _unique(others, first)
    path = _best_path(first, heap, at)
    top = path[-1]
    root = top if top.facts.is_self_signed else None
    used = {member.facts.fingerprint for member in path}
    rest = [member for key, member in heap.items() if key not in used]
    missing = "" if root else top.facts.issuer
    problems = _missing_problems(path, rest, needs_root) if missing else ()
    return Chain(
        bundle=Bundle(
            leaf=first.pem,
            chain=tuple(member.pem for member in path[1:] if member is not root),
            root=root.pem if root and root is not first else "",
        ),
        facts=tuple(member.facts for member in path),
        problems=(*problems, *_member_problems(path, at), *_length_problems(path)),
        notes=tuple(f"{_name(member.facts)} is not part of the chain and is left out" for member in rest),
        missing_issuer=missing,
    )


def _member(text: str, what: str) -> _Member:
    cert = load_certificate(text, what)
    return _Member(cert, facts_of(cert, what), pem.one_certificate(text, what))


def _unique(others: Iterable[str], leaf: _Member) -> dict[str, _Member]:
    heap: dict[str, _Member] = {}
    for text in others:
        for single in pem.split_certificates(text):
            member = _member(single, f"certificate {len(heap) + 1} of the chain")
            if member.facts.fingerprint != leaf.facts.fingerprint:
                heap.setdefault(member.facts.fingerprint, member)
    return heap


def _best_path(leaf: _Member, heap: Mapping[str, _Member], at: datetime) -> list[_Member]:
    """Prefer a way to a root over certificates valid now; an expired one is taken only where nothing else is."""
    valid = {key: one for key, one in heap.items() if one.facts.not_before <= at <= one.facts.not_after}
    path = _path(leaf, valid)
    return path if path[-1].facts.is_self_signed else _path(leaf, heap)


def _path(leaf: _Member, heap: Mapping[str, _Member]) -> list[_Member]:
    """Find the shortest way to a root, breadth first; without a root the longest way found.

    Cross-signed CAs give several ways, and two CAs may sign each other: each certificate is visited once.
    """
    waiting = deque([[leaf]])
    seen = {leaf.facts.fingerprint}
    way = [leaf]
    while waiting:
        way = waiting.popleft()
        if way[-1].facts.is_self_signed:
            break
        for issuer in _issuers(way[-1], heap):
            if issuer.facts.fingerprint not in seen:
                seen.add(issuer.facts.fingerprint)
                waiting.append([*way, issuer])
    return way


def _issuers(member: _Member, heap: Mapping[str, _Member]) -> list[_Member]:
    """Give the certificates whose name and key signed this one, the one that lives longest first."""
    found = [other for other in heap.values() if is_issued_by(member.cert, other.cert)]
    return sorted(found, key=lambda other: (other.facts.is_ca, other.facts.not_after), reverse=True)


def _name(facts: CertificateFacts) -> str:
    return facts.subject or f"the certificate with serial {facts.serial}"


def _missing_problems(path: list[_Member], rest: list[_Member], needs_root: bool) -> tuple[str, ...]:
    top = path[-1]
    namesakes = [member for member in rest if member.cert.subject == top.cert.issuer]
    if namesakes:
        return (
            f"{_name(top.facts)} names {top.facts.issuer} as its issuer, and a certificate of that name is given, but "
            "its key did not sign it; the CA has another certificate of the same name",
        )
    has_gap = any(member.facts.is_ca for member in rest)
    if len(path) == 1 or has_gap or needs_root:
        return (f"the certificate of {top.facts.issuer} is missing; it issued {_name(top.facts)}",)
    return ()


def _member_problems(path: list[_Member], at: datetime) -> list[str]:
    problems = []
    for number, member in enumerate(path):
        facts, name = member.facts, _name(member.facts)
        if facts.not_after < at:
            problems.append(f"{name} expired on {to_text(facts.not_after)}")
        if facts.not_before > at:
            problems.append(f"{name} is not valid before {to_text(facts.not_before)}")
        if number and not facts.is_ca:
            problems.append(f"{name} is not a CA certificate, yet it issued {_name(path[number - 1].facts)}")
    return problems


def _length_problems(path: list[_Member]) -> list[str]:
    """Hold the path length constraints.

    :source: RFC 5280 §4.2.1.9: the number of intermediates that may stand between this CA and the leaf.
    """
    from cryptography import x509

    problems = []
    for number, member in enumerate(path[1:]):
        if not member.facts.is_ca:
            continue
        limit = member.cert.extensions.get_extension_for_class(x509.BasicConstraints).value.path_length
        if limit is not None and number > limit:
            problems.append(f"{_name(member.facts)} allows {limit} CA certificates below it, the chain has {number}")
    return problems
