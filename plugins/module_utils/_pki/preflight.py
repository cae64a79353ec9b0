# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The check of an issued certificate before it is kept or pushed: all that CPS would find, found here first.

Pure: takes texts and a time, gives sentences. Sends nothing and asks nobody.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from .._core import validity
from .._core.clock import to_text
from .._core.errors import InputError
from .._core.types import Bundle
from .chain import order_chain
from .csr import WEAK_HASHES, key_problems
from .x509 import CertificateFacts, CsrFacts, certificate_facts, csr_facts

_SERVER_AUTH = "1.3.6.1.5.5.7.3.1"
_ANY_USAGE = "2.5.29.37.0"


@dataclass(frozen=True)
class WantedNames:
    """The names a certificate has to bear.

    :ivar dns: each must stand in the SAN list itself; a wildcard beside it does not stand for it.
    :ivar others: written as ``x509.Sans.others``.
    :ivar is_exact: the common name is needed, in its case, as CPS wants it (cps-protocol §3.5); otherwise it may be in
        any case, and may be missing where it is among the SANs.
    """

    common_name: str
    dns: tuple[str, ...] = ()
    ips: tuple[str, ...] = ()
    emails: tuple[str, ...] = ()
    uris: tuple[str, ...] = ()
    others: tuple[str, ...] = ()
    is_exact: bool = True


@dataclass(frozen=True)
class Preflight:
    """What the check found.

    :ivar bundle: in order, root apart; as given when it could not be read.
    :ivar facts: of the leaf; None when it could not be read.
    :ivar problems: each forbids using the certificate.
    :ivar notes: harmless, worth telling.
    """

    bundle: Bundle
    facts: CertificateFacts | None
    problems: tuple[str, ...]
    notes: tuple[str, ...] = field(default_factory=tuple)


def check_bundle(
    bundle: Bundle,
    *,
    csr_pem: str | None,
    names: WantedNames,
    at: datetime,
    is_public: bool,
    key_algorithm: str = "",
    may_be_early: bool = False,
) -> Preflight:
    """Check an issued certificate and put its chain in order.

    :param bundle: ``chain`` may be in any order, with root, leaf and doubles in it.
    :param csr_pem: the request it was issued for; None when there is none to hold it against.
    :param at: now, UTC.
    :param is_public: the limits of public trust hold for its lifetime.
    :param key_algorithm: ``RSA``, ``ECDSA`` or ``Ed25519`` when it must be that.
    :param may_be_early: one whose validity is still to come can be used from then on: it is looked at as of then, and
        a note says so. Clocks differ, and not every CA backdates.
    :source: requirement U6; cps-protocol §3.5.
    """
    try:
        begins = certificate_facts(bundle.leaf).not_before
        is_early = may_be_early and begins > at
        chain = order_chain(bundle.leaf, [*bundle.chain, bundle.root], at=begins if is_early else at)
        csr = csr_facts(csr_pem) if csr_pem is not None else None
    except InputError as exc:
        return Preflight(bundle, None, (exc.message,))
    leaf = chain.facts[0]
    problems = [
        *_key_problems(leaf, csr, key_algorithm),
        *_name_problems(leaf, names),
        *_use_problems(leaf),
        *_lifetime_problems(leaf, is_public),
        *chain.problems,
    ]
    early = [f"it is not valid before {to_text(begins)}, and is not pushed before"] if is_early else []
    notes = (*chain.notes, *_extra_names(leaf, names), *_nameless(leaf, names), *early)
    return Preflight(chain.bundle, leaf, tuple(problems), notes)


def _key_problems(leaf: CertificateFacts, csr: CsrFacts | None, key_algorithm: str) -> list[str]:
    problems = [f"the certificate cannot be used: {problem}" for problem in key_problems(leaf.key)]
    if csr is not None and leaf.key.spki_sha256 != csr.key.spki_sha256:
        problems.append(
            f"the certificate's public key ({leaf.key.spki_sha256[:16]}…) is not the CSR's "
            f"({csr.key.spki_sha256[:16]}…); it was not issued for this CSR"
        )
    if key_algorithm and leaf.key.algorithm != key_algorithm:
        problems.append(f"the certificate's key is of the kind {leaf.key.algorithm}, {key_algorithm} is wanted")
    if leaf.signature_hash in WEAK_HASHES:
        problems.append(f"the certificate is signed with {leaf.signature_hash}, which is broken")
    return problems


def _name_problems(leaf: CertificateFacts, names: WantedNames) -> list[str]:
    problems = []
    if leaf.common_name != names.common_name and (names.is_exact or not _is_near(leaf, names)):
        case = " (they differ in case)" if leaf.common_name.lower() == names.common_name.lower() else ""
        problems.append(f"the certificate's common name is {leaf.common_name!r}, {names.common_name!r} is wanted{case}")
    for kind, wanted, found in (
        ("DNS names", names.dns, leaf.sans.dns),
        ("IP addresses", names.ips, leaf.sans.ips),
        ("e-mail addresses", names.emails, leaf.sans.emails),
        ("URIs", names.uris, leaf.sans.uris),
        ("other names", names.others, leaf.sans.others),
    ):
        missing = _missing(wanted, found)
        if missing:
            problems.append(f"the certificate's subject alternative names lack the {kind} {', '.join(missing)}")
    return problems


def _is_near(leaf: CertificateFacts, names: WantedNames) -> bool:
    """Say whether a common name will do where CPS does not look at it: in another case, or left out beside SANs."""
    if not leaf.common_name:
        return not _missing((names.common_name,), leaf.sans.dns)
    return leaf.common_name.lower() == names.common_name.lower()


def _nameless(leaf: CertificateFacts, names: WantedNames) -> Sequence[str]:
    if leaf.common_name or names.is_exact:
        return []
    return [f"the certificate has no common name; {names.common_name} is among its subject alternative names"]


def _missing(wanted: Iterable[str], found: Iterable[str]) -> list[str]:
    there = {name.lower() for name in found}
    return sorted({name for name in wanted if name.lower() not in there})


def _extra_names(leaf: CertificateFacts, names: WantedNames) -> Sequence[str]:
    extra = _missing(leaf.sans.dns, (*names.dns, names.common_name))
    return [f"the CA added the names {', '.join(extra)}"] if extra else []


def _use_problems(leaf: CertificateFacts) -> list[str]:
    problems = []
    if leaf.is_ca:
        problems.append("the certificate is a CA's own, not one for a server")
    elif leaf.is_self_signed:
        problems.append("the certificate is signed by its own key; CPS takes only what a CA signed")
    if leaf.usages is not None and not {_SERVER_AUTH, _ANY_USAGE} & set(leaf.usages):
        problems.append("the certificate's extended key usage does not allow it for a TLS server")
    return problems


def _lifetime_problems(leaf: CertificateFacts, is_public: bool) -> list[str]:
    if leaf.not_after <= leaf.not_before:
        return [f"the certificate ends ({to_text(leaf.not_after)}) before it begins ({to_text(leaf.not_before)})"]
    days = validity.public_limit_days(leaf.not_before)
    if is_public and not validity.is_within(leaf.not_before, leaf.not_after, days):
        return [
            f"the certificate is valid from {to_text(leaf.not_before)} to {to_text(leaf.not_after)}, more than the "
            f"{days} days that a publicly trusted certificate issued on that day may have"
        ]
    return []
