# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""ACM's words: states, key algorithms, reasons, what an order may ask for, and what somebody has to do. Pure.

:source: botocore's model of ``acm``, whose limits and sentences these are; ACM user guide, "Private certificates".
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from .._core.clock import to_text
from .._core.csr_spec import CsrSpec
from .._core.vocabulary import curve_name
from . import answer_base as states
from . import aws_pca_options as own
from .answer_base import Action
from .base import Order
from .shapes import part, rows

STATES = {
    "pending_validation": states.PENDING_VALIDATION,
    "issued": states.ISSUED,
    # It was issued, and can be fetched still; that it ended is for its reader to say.
    "expired": states.ISSUED,
    "inactive": states.FAILED,
    "validation_timed_out": states.FAILED,
    "failed": states.FAILED,
    "revoked": states.REVOKED,
}
# ACM and AWS Private CA have different words for one of them.
REASONS = {**own.REASONS, "ca_compromise": "CA_COMPROMISE"}
# Its other algorithms are for certificates that are brought to it.
ALGORITHMS = {
    ("rsa", "2048"): "RSA_2048",
    ("ec", "secp256r1"): "EC_prime256v1",
    ("ec", "secp384r1"): "EC_secp384r1",
}
# A list without them has RSA up to 2048 bits alone: an order for another key would seem not to be there.
LISTED_KEYS = (
    *("RSA_1024", "RSA_2048", "RSA_3072", "RSA_4096"),
    *("EC_prime256v1", "EC_secp384r1", "EC_secp521r1"),
)
TAG = "edgecert:order"
MOST_NAMES, LONGEST_DOMAIN, LONGEST_NAME = 100, 64, 253
_NAME = re.compile(r"(\*\.)?(((?!-)[A-Za-z0-9-]{0,62}[A-Za-z0-9])\.)+((?!-)[A-Za-z0-9-]{1,62}[A-Za-z0-9])")
_ARN = re.compile(r"arn:aws[\w-]*:acm:[a-z0-9-]+:\d{12}:certificate/[\w-]+")
# What was asked for may be older than the order by the difference of the clocks, which signatures bound.
_SKEW = timedelta(minutes=10)


def algorithm_of(spec: CsrSpec) -> str:
    """Give ACM's name of the key that is asked for; empty where it makes none like it."""
    size = str(spec.key_size or 2048) if spec.key_type == "rsa" else curve_name(spec.curve) or "secp256r1"
    return ALGORITHMS.get((spec.key_type, size), "")


def order_problems(spec: CsrSpec) -> list[str]:
    """Say what ACM does not make."""
    found = [_name_problem(name) for name in dict.fromkeys((spec.common_name, *spec.dns_names))]
    if len(spec.common_name) > LONGEST_DOMAIN:
        found.append(
            f"the common name has {len(spec.common_name)} characters, ACM takes {LONGEST_DOMAIN}; give a shorter one, "
            "and this one as an alternative name"
        )
    if len(spec.dns_names) > MOST_NAMES:
        found.append(f"{len(spec.dns_names)} names are asked for, ACM takes {MOST_NAMES}")
    if spec.ip_addresses or spec.emails or spec.uris or spec.other_names or spec.directory_names:
        found.append("ACM takes DNS names alone")
    if spec.dual_stack:
        found.append("ACM makes one key for an order; leave dual_stack out")
    elif not algorithm_of(spec):
        told = spec.curve if spec.key_type == "ec" else spec.key_size
        found.append(
            f"ACM makes no key of type {spec.key_type}{f' ({told})' if told else ''}; it makes rsa of 2048 bits, and "
            "ec of secp256r1 and secp384r1"
        )
    if spec.extensions:
        found.append(f"ACM takes no extensions, it sets its own; leave out {', '.join(sorted(spec.extensions))}")
    return [problem for problem in found if problem]


def _name_problem(name: str) -> str:
    if len(name) > LONGEST_NAME:
        return f"the name {name[:40]}… has {len(name)} characters, ACM takes {LONGEST_NAME}"
    return "" if _NAME.fullmatch(name) else f"{name!r} is no DNS name that ACM takes"


def family_problems(told: Mapping[str, Any], spec: CsrSpec) -> list[str]:
    """Say why a private CA does not sign for a key: ACM has both be RSA, or both be EC.

    :param told: the CA as AWS describes it.
    """
    signer = str(part(told, "CertificateAuthorityConfiguration").get("KeyAlgorithm") or "")
    family = {"RSA": "rsa", "EC": "ec"}.get(signer.partition("_")[0], "")
    if not family or family == spec.key_type:
        return []
    return [f"{own.name_of(told)} has a key of type {family}, and ACM wants that of the certificate to be like it"]


def arn_reason(text: str) -> str:
    """Say why a text is no ARN of a certificate in ACM; empty when it is one."""
    if _ARN.fullmatch(text):
        return ""
    wanted = "arn:aws:acm:eu-west-1:123456789012:certificate/…"
    return f"{text!r} is no ARN of a certificate in ACM; one is wanted, as {wanted}"


def is_private(told: Mapping[str, Any]) -> bool:
    """Say whether a private CA signs what ACM describes."""
    return told.get("Type") == "PRIVATE" or bool(told.get("CertificateAuthorityArn"))


def may_be(row: Mapping[str, Any], order: Order) -> bool:
    """Say whether an entry of ACM's list may be what an order left; what an entry does not tell speaks for it."""
    name, at = str(row.get("DomainName") or ""), own.moment_of(row.get("CreatedAt"))
    is_named = not name or name.lower() == order.spec.common_name.lower()
    return is_named and row.get("Type") != "IMPORTED" and (at is None or at >= order.at - _SKEW)


def other_than(told: Mapping[str, Any], order: Order, issuer: str) -> str:
    """Say why a certificate is not the one that an order asks for; empty where it may be.

    :param told: as ACM describes it; ``issuer`` the ARN of the CA that the order is for, empty for none.
    """
    kind, origin = str(told.get("Type") or ""), str(told.get("CertificateKeyPairOrigin") or "AWS_MANAGED")
    if kind not in ("AMAZON_ISSUED", "PRIVATE") or origin != "AWS_MANAGED":
        return f"was not made by ACM (type {kind or 'unknown'}, key {origin})"
    at, name = own.moment_of(told.get("CreatedAt")), str(told.get("DomainName") or "")
    if at is not None and at < order.at - _SKEW:
        return f"was requested at {to_text(at)}, before this order was ({to_text(order.at)})"
    if name.lower() != order.spec.common_name.lower():
        return f"is for {name or 'no name'}, and the order is for {order.spec.common_name}"
    found = str(told.get("CertificateAuthorityArn") or "")
    if found != issuer:
        return f"is signed by {found or 'Amazon'}, and the order is for {issuer or 'Amazon'}"
    names = told.get("SubjectAlternativeNames")
    there = {str(name).lower() for name in (names if isinstance(names, list) else ())}
    there.add(str(told.get("DomainName") or "").lower())
    missing = [name for name in order.spec.dns_names if name.lower() not in there]
    if missing:
        return f"has not {', '.join(missing)}"
    # Its answers are known to write RSA-2048 for RSA_2048.
    key = str(told.get("KeyAlgorithm") or "").replace("-", "_")
    wanted = algorithm_of(order.spec)
    return "" if key == wanted else f"has a key {key or 'that ACM does not name'}, and {wanted or 'none'} is asked for"


def serial_of(text: object) -> str:
    """Give a serial number as it is compared, lower-case hex."""
    return str(text or "").replace(":", "").lower().lstrip("0")


def validations(told: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
    """Give what is still to be proved, a domain each."""
    return [one for one in rows(told, "DomainValidationOptions") if one.get("ValidationStatus") != "SUCCESS"]


def is_validated(told: Mapping[str, Any]) -> bool:
    """Say whether every domain is proved, so that nothing is waited for but ACM itself."""
    return bool(rows(told, "DomainValidationOptions")) and not validations(told)


def actions(told: Mapping[str, Any]) -> tuple[Action, ...]:
    """Give what has to be done to prove the domains, each once: a name and its wildcard have one record."""
    found: list[Action] = []
    for one in validations(told):
        domain, record = str(one.get("DomainName") or "").removeprefix("*."), part(one, "ResourceRecord")
        mails = one.get("ValidationEmails")
        if record.get("Name") and record.get("Value"):
            name, value = (str(record[member]).rstrip(".") for member in ("Name", "Value"))
            # ACM renews by itself as long as the record is there, also certificates that nobody here knows of.
            found.append(Action("cname", domain, name, value, stays=True))
        elif isinstance(mails, list) and mails:
            found.append(Action("email", domain, who=", ".join(str(mail) for mail in mails)))
    return tuple(dict.fromkeys(found))


def is_told(told: Mapping[str, Any]) -> bool:
    """Say whether ACM has said for every domain what is to be done; just after the order it has not."""
    waiting, ready = validations(told), {one.domain for one in actions(told)}
    return bool(waiting) and all(str(one.get("DomainName") or "").removeprefix("*.") in ready for one in waiting)


def waits_for(todo: Sequence[Action]) -> str:
    """Say what a public certificate waits for."""
    records = [f"{one.name} to {one.value}" for one in todo if one.kind == "cname"]
    mails = [f"{one.domain} ({one.who})" for one in todo if one.kind == "email"]
    parts = [f"publish a CNAME record from {'; '.join(records)}"] if records else []
    parts += [f"follow the link in one of the messages for {'; '.join(mails)}"] if mails else []
    return " and ".join(parts) or "ACM has not said yet how the domains are to be proved"


def reason_of(told: Mapping[str, Any]) -> str:
    """Say why there is no certificate, in ACM's words."""
    word, reason = str(told.get("Status") or ""), str(told.get("FailureReason") or told.get("RevocationReason") or "")
    if word == "VALIDATION_TIMED_OUT":
        unproved = ", ".join(str(one.get("DomainName") or "") for one in validations(told))
        return f"the domains were not proved within 72 hours{f': {unproved}' if unproved else ''}"
    if word == "INACTIVE":
        return "ACM calls the certificate inactive"
    return f"ACM says {word}{f': {reason}' if reason else ''}"


def revoked_at(told: Mapping[str, Any]) -> datetime | None:
    """Give when ACM revoked a certificate, UTC; None where it does not say."""
    return own.moment_of(told.get("RevokedAt"))
