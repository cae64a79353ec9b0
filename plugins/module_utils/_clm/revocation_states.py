# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What CAs say of the certificates of a line, as it is kept with the line, and what state that puts the line in.

Kept by fingerprint: ``state, reason, revoked_at, source, checked_at, message``, times as ISO 8601, and ``failures``
while nothing can be told. Pure.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any

from .._core.clock import to_text
from .._core.errors import StateError
from .._core.types import Certificate, CertRequest
from .._core.vocabulary import NETWORKS

Entry = dict[str, Any]

GOOD, REVOKED, SUSPENDED, UNKNOWN = "good", "revoked", "suspended", "unknown"
NOT_TOLD = "not_told"
"""State of what names neither a responder nor a CRL, so that nobody can be asked."""
BAD = (REVOKED, SUSPENDED)
IN_USE = ("issued", SUSPENDED)
"""States of the lines whose certificate is of interest yet; what is revoked stays so."""
HELD = "its CA has put it on hold"
IS_HELD = "certificate_suspended"
"""Code of what is refused, or waits, while a certificate is on hold."""


def entry(
    state: str,
    *,
    reason: str = "",
    revoked_at: datetime | None = None,
    source: str = "",
    checked_at: datetime | None = None,
    message: str = "",
    failures: int = 0,
) -> Entry:
    """Write what is kept of one certificate.

    :param reason: of ``REVOCATION_REASONS``, or empty.
    :param source: URL that told it; empty where a request of ours revoked it, or nobody told anything.
    :param failures: how often in a row nothing could be told, which says when it is asked again; left out where 0.
    """
    told: Entry = {
        "state": state,
        "reason": reason,
        "revoked_at": to_text(revoked_at) if revoked_at else "",
        "source": source,
        "checked_at": to_text(checked_at) if checked_at else "",
        "message": message,
    }
    return {**told, "failures": failures} if failures else told


def told_of(certificate: Certificate, fingerprint: str) -> Mapping[str, Any]:
    """Give what is kept of one certificate of a line; empty where nothing is."""
    found: Mapping[str, Any] = certificate.revocation.get(fingerprint) or {}
    return found


def on_network(served: Mapping[str, Any]) -> list[str]:
    """Give the fingerprints that a network serves, the primary first.

    :param served: as a certificate's record has it.
    """
    both = (served, *(served.get("others") or ()))
    return [str(one["fingerprint"]) for one in both if one.get("fingerprint")]


def own(certificate: Certificate, request: CertRequest | None = None) -> set[str]:
    """Give the fingerprints that are the line's certificate: the primary, and its second key's.

    :param request: that it was issued for, which knows a second key also while no network serves it.
    """
    found = {certificate.fingerprint} - {""}
    for network in NETWORKS:
        served = on_network(getattr(certificate, network))
        if certificate.fingerprint in served[:1]:
            found.update(served)
    return found | {str(one) for one in (request.fingerprints.values() if request else ())}


def all_of(certificate: Certificate, request: CertRequest | None = None) -> set[str]:
    """Give every fingerprint of a line: its own, and those that a network still serves in their place."""
    found = {certificate.fingerprint, *on_network(certificate.production), *on_network(certificate.staging)} - {""}
    return found | {str(one) for one in (request.fingerprints.values() if request else ())}


def state_of(certificate: Certificate, fingerprints: Iterable[str]) -> str:
    """Give the state of a line that was found, issued or on hold, by what is known of its own fingerprints."""
    states = {told_of(certificate, one).get("state") for one in fingerprints}
    return next((state for state in BAD if state in states), "issued")


def bad_ones(certificate: Certificate) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Give the fingerprints that are revoked or on hold, with what is kept of them."""
    for fingerprint, told in certificate.revocation.items():
        if told.get("state") in BAD:
            yield fingerprint, told


def refuse_untrusted(certificate: Certificate) -> None:
    """Refuse to bring a line to a network that is revoked or on hold.

    :raises StateError: it is.
    """
    what = f"Cannot push {certificate.certificate_id}"
    if certificate.state == REVOKED:
        raise StateError(f"{what}: it is revoked; have another one with action: regenerate", code="certificate_revoked")
    if certificate.state == SUSPENDED:
        raise StateError(
            f"{what}: {HELD}; ask the CA why, and push it when the hold has ended, or have another one with action: "
            "renew",
            code=IS_HELD,
        )
