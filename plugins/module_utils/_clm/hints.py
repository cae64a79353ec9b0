# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a CA asks about the time of a renewal, kept with the certificate so that it is not asked at every look.

Kept as ``ca_hint`` beside the certificate's automatic renewal: ``at, until, source, asked_at``, times as ISO 8601, and
``ask_again_s`` where the CA said when it wants to be asked again.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from .._core.clock import from_text, to_text
from .._core.errors import ClmError
from .._core.types import Certificate
from . import renewal
from .ports import Ports

if TYPE_CHECKING:
    from .._ca.base import CaConnector, RenewalHint

# RFC 9773 §4.3.2 lets clients ask again after six hours where the CA names no time.
ASK_AGAIN = timedelta(hours=6)
# Between these a CA may say itself, by Retry-After: more often is a burden, and more seldom would miss what is urgent.
_SOONEST, _LATEST = timedelta(hours=1), timedelta(days=7)


def hint_of(certificate: Certificate) -> RenewalHint | None:
    """Give what the CA said last; None when it said nothing, or was never asked."""
    kept: Mapping[str, Any] = certificate.auto_renew.get(renewal.HINT) or {}
    if not kept.get("at"):
        return None
    from .._ca.base import RenewalHint

    until = kept.get("until")
    return RenewalHint(from_text(kept["at"]), from_text(until) if until else None, str(kept.get("source", "")))


def ask(ports: Ports, now: datetime) -> list[str]:
    """Ask every CA that has a say about the certificates that renew by themselves, when it said, else every six hours.

    :returns: a sentence for each CA that could not be asked; the windows hold then.
    """
    failed: list[str] = []
    talking = _talking(ports, failed)
    if not talking:
        return failed
    with ports.store.read() as unit:
        issued = unit.certificates.find(origin="enrolled", state="issued", ca=list(talking))
    for certificate in issued:
        if not certificate.auto_renew.get("enabled") or not _is_due(certificate, now):
            continue
        connector = talking[certificate.ca]
        try:
            with ports.store.read() as unit:
                pem = unit.pems.get(certificate.fingerprint)
            hint = connector.renewal_hint(pem.leaf) if pem is not None else None
        except ClmError as exc:
            failed.append(f"CA account {certificate.ca} could not be asked about {certificate.certificate_id}: {exc}")
            hint = hint_of(certificate)
        _keep(ports, certificate.certificate_id, hint, now)
    return failed


def _talking(ports: Ports, failed: list[str]) -> dict[str, CaConnector]:
    """Give the connectors of the CAs that have a say, by account; one that cannot be built stops no other."""
    with ports.store.read() as unit:
        used = [a for a in unit.ca_accounts.find() if unit.certificates.count(origin="enrolled", ca=a.name)]
    talking = {}
    for account in used:
        try:
            connector = ports.ca(account)
        except ClmError as exc:
            failed.append(f"CA account {account.name} cannot be asked about renewals: {exc}")
            continue
        if connector.capabilities().gives_renewal_hints:
            talking[account.name] = connector
    return talking


def _is_due(certificate: Certificate, now: datetime) -> bool:
    kept: Mapping[str, Any] = certificate.auto_renew.get(renewal.HINT) or {}
    if not kept.get("asked_at"):
        return True
    wait = timedelta(seconds=kept["ask_again_s"]) if kept.get("ask_again_s") else ASK_AGAIN
    return from_text(kept["asked_at"]) + wait <= now


def _keep(ports: Ports, certificate_id: str, hint: RenewalHint | None, now: datetime) -> None:
    kept: dict[str, Any] = {"asked_at": to_text(now)}
    if hint is not None and hint.ask_again_s is not None:
        shortest, longest = _SOONEST.total_seconds(), _LATEST.total_seconds()
        kept["ask_again_s"] = min(max(hint.ask_again_s, shortest), longest)
    if hint is not None:
        kept.update(at=to_text(hint.at), until=to_text(hint.until) if hint.until else "", source=hint.source)
    with ports.store.write() as unit:
        certificate = unit.certificates.get(certificate_id)
        if certificate is not None:
            unit.certificates.put(replace(certificate, auto_renew={**certificate.auto_renew, renewal.HINT: kept}))
