# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""HydrantID's words and shapes, read: states, revocations, errors, the certificate in an answer. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from .._core.clock import from_text
from .._core.errors import RemoteError
from .._core.types import Bundle
from .._core.vocabulary import REASON_CODES, SUBSCRIBER_REASONS
from . import answer_base as states
from .answer_base import Revocation
from .rest import Answer as Reply
from .rest import words_of

STATES = {
    "pending": states.PROCESSING,
    "in_process": states.PROCESSING,
    "approval_required": states.PENDING_APPROVAL,
    "issued": states.ISSUED,
    "rejected": states.REJECTED,
    "cancelled": states.CANCELLED,
    "failed": states.FAILED,
}
REVOCATIONS = {"revoked": states.REVOKED, "pending": states.REVOCATION_PENDING, "in_process": states.REVOCATION_PENDING}
_ENDED = ("expired", "renewed")
REASONS = {name: str(REASON_CODES[name]) for name in SUBSCRIBER_REASONS}
# Longest difference of the clocks, ours and theirs, that a comparison of times allows for.
_SLACK = timedelta(minutes=2)


def explained(answer: Reply) -> str:
    """Read the reason of an error: ``message``, else ``error``; ``status`` is a word like Failure."""
    found = answer.value()
    if isinstance(found, Mapping) and (found.get("message") or found.get("error")):
        return str(found.get("message") or found.get("error"))
    return words_of(answer)


def text_of(answer: Reply) -> str:
    """Give the PEM in an answer that is text, or JSON about it."""
    found = answer.value()
    if isinstance(found, Mapping):
        return str(found.get("pem") or "")
    return found if isinstance(found, str) else answer.text()


def bundle_of(told: Mapping[str, Any], chain: str, now: datetime) -> Bundle:
    """Put a certificate and what was given with it in order.

    :param told: the certificate as HydrantID shows it; ``chain`` PEM, empty for none.
    :raises InputError: it cannot be read.
    """
    from .._pki import pem, received

    what = "certificate in HydrantID's answer"
    parts = pem.split_certificates(str(told.get("pem") or ""), what)
    others = pem.split_certificates(chain) if parts and "BEGIN" in chain else ()
    return received.bundle_of([*parts, *others], what, at=now)


def is_made_for(told: Mapping[str, Any], csr_pem: str, since: datetime) -> bool:
    """Say whether a certificate is of a CSR's key, and was made since a moment.

    :param told: with ``pem`` and ``createdAt``; without either it is not.
    """
    from .._pki import pem
    from .._pki.x509 import certificate_facts, csr_facts

    try:
        is_since = from_text(str(told.get("createdAt") or "")) >= since - _SLACK
    except ValueError:
        return False
    if not is_since or not told.get("pem"):
        return False
    parts = pem.split_certificates(str(told["pem"]))
    return bool(parts) and certificate_facts(parts[0]).key.spki_sha256 == csr_facts(csr_pem).key.spki_sha256


def _moment(value: Any) -> datetime | None:
    """Read a time; None where it is none."""
    try:
        return from_text(str(value)) if value else None
    except ValueError:
        return None


def is_under_way(told: Mapping[str, Any]) -> bool:
    """Say whether a certificate is revoked, or is about to be."""
    return str(told.get("revocationStatus") or "").lower() in REVOCATIONS


def is_renewable(told: Mapping[str, Any], now: datetime) -> bool:
    """Say whether a certificate stands for what can be renewed; of a word that no document has, HydrantID says so."""
    ends = _moment(told.get("notAfter"))
    has_ended = str(told.get("revocationStatus") or "").lower() in _ENDED or (ends is not None and ends <= now)
    return not has_ended and not is_under_way(told)


def revocation_of(told: Mapping[str, Any]) -> Revocation:
    """Read what became of a revocation that was asked for.

    :raises RemoteError: HydrantID could not.
    """
    word = str(told.get("revocationStatus") or "")
    if word.upper() == "FAILED":
        raise RemoteError("Cannot revoke a certificate: HydrantID says FAILED; look at its portal", code="not_revoked")
    if REVOCATIONS.get(word.lower()) == states.REVOKED:
        return Revocation(at=_moment(told.get("revocationDate")))
    return Revocation(states.REVOCATION_PENDING, None, f"HydrantID says {word}")
