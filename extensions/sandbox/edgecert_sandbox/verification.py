# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The upload check: a signed certificate and its chain against the CSR, worded as CPS words its findings.

Gives errors (the upload is refused) and warnings (to be acknowledged). Knows nothing of changes or HTTP.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from cryptography import x509
from cryptography.exceptions import InvalidSignature

from . import keys
from .model import CertificateEntry, KeyPair

MAX_DAYS = 397
SHORT_DAYS = 30
NEAR_DAYS = 7


@dataclass
class Finding:
    """What the check of one uploaded certificate found; ``entry`` is None when there is nothing usable."""

    entry: CertificateEntry | None = None
    errors: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)


def check_upload(
    certificate_pem: str,
    chain_pem: str,
    pair: KeyPair,
    csr: dict[str, Any],
    now: datetime,
    standard_roots: Sequence[str],
) -> Finding:
    """Check one uploaded certificate.

    :param pair: the key and CSR that the upload names by its ``keyAlgorithm``.
    :param csr: the enrollment's ``csr`` member: names and subject that were asked for.
    :param standard_roots: PEM roots that every browser is taken to know.
    """
    found = Finding()
    leaf = _read_leaf(certificate_pem, pair, found)
    if leaf is None:
        return found
    chain = _read_chain(chain_pem, found)
    if keys.public_der(leaf.public_key()) != pair.public_der:
        found.errors.append("This certificate was not generated from the CSR that Akamai generated.")
    _check_dates(leaf, pair.key_algorithm, now, found)
    _check_names(leaf, pair.key_algorithm, csr, found)
    _check_subject(leaf, csr, found)
    links = _check_chain(leaf, chain, found)
    _check_chain_dates(leaf, links, now, found)
    _check_root(leaf, links, standard_roots, found)
    found.entry = keys.make_entry(leaf, links, pair.csr_pem, pair.key_pem)
    return found


def _read_leaf(text: str, pair: KeyPair, found: Finding) -> x509.Certificate | None:
    if not text.strip():
        found.errors.append(f"Certificate data is blank or missing for '{pair.key_algorithm}'.")
        return None
    blocks = keys.split_pem(text)
    if not blocks:
        found.errors.append(
            "This certificate format is not supported. "
            "The supported format for certificates and trust chains is PEM (base64)."
        )
        return None
    try:
        return x509.load_pem_x509_certificate(blocks[0].encode())
    except ValueError:
        found.errors.append("Error parsing certificate.")
        return None


def _read_chain(text: str, found: Finding) -> list[x509.Certificate]:
    if text.strip() and not keys.split_pem(text):
        found.errors.append(
            "This trust chain format is not supported. "
            "The supported format for certificates and trust chains is PEM (base64)."
        )
        return []
    try:
        return [x509.load_pem_x509_certificate(block.encode()) for block in keys.split_pem(text)]
    except ValueError:
        found.errors.append("Failed to parse trust chain.")
        return []


def _check_dates(leaf: x509.Certificate, algorithm: str, now: datetime, found: Finding) -> None:
    start, end = leaf.not_valid_before_utc, leaf.not_valid_after_utc
    lifetime = end - start
    if end <= now:
        found.errors.append("This certificate has already expired.")
        return
    if start > now:
        found.warnings.append("The certificate is not yet valid.")
    if lifetime > timedelta(days=MAX_DAYS):
        months = int((end - now).days // 30)
        found.warnings.append(
            f"The '{algorithm}' certificate is set to expire in [{months // 12}] years, [{months % 12}] months. "
            "The certificate has a validity period of greater than 397 days. This certificate will not be accepted "
            "by all major browsers for SSL/TLS connections. Please work with your Certificate Authority to reissue "
            "the certificate with an acceptable lifetime."
        )
    if lifetime <= timedelta(days=SHORT_DAYS):
        found.warnings.append("This certificate has a short lifetime and will expire soon.")
    elif end - now <= timedelta(days=NEAR_DAYS):
        found.warnings.append("This certificate will expire in the near future.")


def _check_names(leaf: x509.Certificate, algorithm: str, csr: dict[str, Any], found: Finding) -> None:
    wanted_cn, given_cn = csr["cn"], keys.common_name(leaf.subject)
    if not given_cn:
        found.errors.append("The Common Names (CN) for both certificate and CSR must be non-null and non-empty.")
    elif given_cn.lower() != wanted_cn.lower():
        found.errors.append("The Common Name (CN) on this certificate does not match the CSR.")
    elif given_cn != wanted_cn:
        found.warnings.append("The case of the Common Name (CN) on the certificate does not match the CN on the CSR.")
    written = keys.dns_names(leaf)
    given = {name.lower() for name in written}
    wanted = set(keys.names_of(csr))
    if given_cn and given_cn.lower() not in given:
        found.warnings.append("The Common Name (CN) is missing from the SAN list.")
    found.warnings += [f"SAN name [{name}] is missing from the certificate." for name in sorted(wanted - given)]
    found.warnings += [f"SAN name [{name}] was added to the certificate." for name in sorted(given - wanted)]
    cased = sorted(name for name in written if name != name.lower() and name.lower() in wanted)
    found.warnings += [f"{name} [{name.lower()}] differs in case on the '{algorithm}' certificate." for name in cased]


def _check_subject(leaf: x509.Certificate, csr: dict[str, Any], found: Finding) -> None:
    for member, label, oid in keys.SUBJECT_FIELDS:
        attributes = leaf.subject.get_attributes_for_oid(oid)
        given = str(attributes[0].value) if attributes else ""
        wanted = csr.get(member) or ""
        if given != wanted:
            said, read = (f"[{value}]" if value else "missing" for value in (wanted, given))
            found.warnings.append(f"Value for {label} differs between the CSR and the certificate: {said} vs {read}.")


def _issued(issuer: x509.Certificate, subject: x509.Certificate) -> bool:
    """Say whether one certificate's key signed the other."""
    try:
        subject.verify_directly_issued_by(issuer)
    except (ValueError, TypeError, InvalidSignature):
        return False
    return True


def _check_chain(leaf: x509.Certificate, given: list[x509.Certificate], found: Finding) -> list[x509.Certificate]:
    """Put the chain in order, issuer first, and say what had to be cleaned up."""
    if leaf.issuer == leaf.subject:
        found.errors.append("The Issuer and Subject of the end-entity certificate are identical. This is not allowed.")
        return []
    rest = [link for link in given if link != leaf]
    if len(rest) < len(given):
        found.warnings.append(
            "The end-entity certificate appears in the trust chain. This is not allowed. "
            "It is being automatically removed from the trust chain."
        )
    if not rest:
        return []
    ordered: list[x509.Certificate] = []
    pool, last = list(rest), leaf
    while last.issuer != last.subject:
        step = next((link for link in pool if _issued(link, last)), None)
        if step is None:
            break
        ordered.append(step)
        pool.remove(step)
        last = step
    if not ordered:
        found.errors.append("One of the trust chain certificates or the end-entity failed to verify.")
        return rest
    if ordered != [link for link in rest if link in ordered]:
        found.warnings.append("The trust chain was unsorted, so it has been cleaned up.")
    if pool:
        text = "Extra certificates were found in the chain and are being removed."
        found.warnings.append(_with_dump(text, leaf, ordered))
    return ordered


def _check_chain_dates(leaf: x509.Certificate, links: list[x509.Certificate], now: datetime, found: Finding) -> None:
    for link in links:
        if link.not_valid_after_utc <= now:
            found.errors.append("A certificate in the trust chain is expired.")
        elif link.not_valid_before_utc > now:
            found.warnings.append("A trust chain certificate is not yet valid.")
        elif link.not_valid_after_utc < leaf.not_valid_after_utc:
            found.warnings.append("A certificate in the trust chain expires before the end-entity.")


def _check_root(
    leaf: x509.Certificate, links: list[x509.Certificate], standard_roots: Sequence[str], found: Finding
) -> None:
    if found.errors:
        return
    roots = [x509.load_pem_x509_certificate(pem.encode()) for pem in standard_roots]
    last = links[-1] if links else leaf
    if last in roots:
        found.warnings.append("The trust chain includes a standard root certificate. This is not a typical practice.")
    elif any(_issued(root, last) for root in roots):
        return
    elif not links:
        found.warnings.append(
            "The trust chain is empty and the end-entity certificate may have been signed by a non-standard root "
            "certificate."
        )
    else:
        found.warnings.append(
            _with_dump("The trust chain terminates with a non-standard root certificate.", leaf, links)
        )


def _with_dump(text: str, leaf: x509.Certificate, links: list[x509.Certificate]) -> str:
    """Add the many-line listing that CPS puts below some chain messages."""
    lines = [text, "Trust Chain", f"Certificate: {_describe(leaf)}", "The chain that will be used is:"]
    lines += [f"{number}. {_describe(link)}" for number, link in enumerate(links, start=1)]
    return "\n".join(lines)


def _describe(certificate: x509.Certificate) -> str:
    return (
        f"Subject: {certificate.subject.rfc4514_string()}\n"
        f"     Issuer: {certificate.issuer.rfc4514_string()}\n"
        f"     Serial Number: {keys.serial_text(certificate.serial_number)}:"
    )


def warnings_text(warnings: Sequence[str], headed: bool = True) -> str:
    """Join messages as the API does: one text, newline-separated, with or without the leading ``[WARNINGS]``."""
    return ("[WARNINGS]\n" if headed else "") + "\n".join(warnings)
