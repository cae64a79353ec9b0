# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Parent and successor: a renewed certificate keeps its id, what it follows stays in the inventory as superseded.

Writes in the caller's unit; sends nothing.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Any

from .._core.types import AuditEntry, Certificate, CertRequest
from .._store.base import Unit
from .revocation_states import BAD, own, state_of

# What belongs to one certificate of a line, not to the line.
_OF_THE_CERTIFICATE = (
    "sans",
    "san_count",
    "ca",
    "request_id",
    "key_algorithm",
    "issuer",
    "serial",
    "fingerprint",
    "not_before",
    "not_after",
)


def parent_id(certificate: Certificate) -> str:
    """Give the id under which a superseded certificate is kept."""
    return f"{certificate.certificate_id}~{certificate.fingerprint[:12]}"


def succeed(unit: Unit, certificate: Certificate, request: CertRequest, actor: str, now: datetime) -> Certificate:
    """Set the certificate that was live until now aside, and give the line its successor goes on with.

    The parent's automatic renewal is off from then on; the successor has the settings of its request, which holds the
    parent's only where the automatic renewal made it.

    :source: Table 4, "Renew automatically": inherited by the successor only when the automatic toggle made it (E3).
    """
    kept = parent_id(certificate)
    parent = replace(
        certificate,
        certificate_id=kept,
        state=_aside_state(certificate),
        enrollment_id=None,
        production={},
        staging={},
        pending_changes=(),
        auto_renew={},
        auto_regenerate={},
        successor=certificate.certificate_id,
        updated_at=now,
        version=0,
    )
    if unit.certificates.get(kept) is None:
        unit.certificates.add(parent)
        _follow(unit, certificate.parent, kept, now)
        after = {"parent": kept, "successor": certificate.certificate_id, "request_id": request.request_id}
        entry = AuditEntry(actor, "certificate_superseded", "certificate", certificate.certificate_id, None, after)
        unit.audit(replace(entry, tracking_id=request.tracking_id))
    return replace(certificate, parent=kept)


def _aside_state(certificate: Certificate) -> str:
    """Give the state of a certificate that is set aside: what is revoked stays so, wherever it is kept."""
    return "revoked" if certificate.state == "revoked" else "superseded"


def _state_of_line(certificate: Certificate, parent: Certificate) -> str:
    """Give the state of a line that goes back to its parent.

    That it is revoked or on hold is of the certificate, the rest of the line.
    """
    if parent.state == "revoked":
        return "revoked"
    if certificate.state not in ("issued", *BAD):
        return certificate.state
    return state_of(certificate, own(parent))


def _follow(unit: Unit, earlier: str, kept: str, now: datetime) -> None:
    """Let the certificate before the parent name it by the id it has from now on."""
    grandparent = unit.certificates.get(earlier) if earlier else None
    if grandparent is not None:
        unit.certificates.put(replace(grandparent, successor=kept, updated_at=now))


def go_back(unit: Unit, certificate: Certificate, now: datetime) -> Certificate:
    """Let the parent be what the line tells of again, for its successor was taken back; stores all but the line itself.

    The successor stays in the inventory as superseded, or revoked, under the id that a parent would have; what a user
    set for the certificate since stays with the line.
    """
    parent = unit.certificates.get(certificate.parent)
    if parent is None:
        return certificate
    kept = parent_id(certificate)
    if unit.certificates.get(kept) is None:
        none: dict[str, Any] = {"auto_renew": {}, "auto_regenerate": {}, "pending_changes": (), "version": 0}
        none.update(production={}, staging={}, parent="")
        aside = replace(certificate, certificate_id=kept, state=_aside_state(certificate), enrollment_id=None, **none)
        unit.certificates.add(replace(aside, successor=certificate.certificate_id, updated_at=now))
    unit.certificates.remove(parent)
    _follow(unit, parent.parent, certificate.certificate_id, now)
    certificate = replace(certificate, revocation={**parent.revocation, **certificate.revocation})
    told = {name: getattr(parent, name) for name in _OF_THE_CERTIFICATE}
    told["state"] = _state_of_line(certificate, parent)
    return replace(_with_its_settings(unit, certificate, parent), parent=parent.parent, **told)


def _with_its_settings(unit: Unit, certificate: Certificate, parent: Certificate) -> Certificate:
    """Give the automatic renewal back that the parent was asked for with, where its successor was made without."""
    request = unit.requests.get(parent.request_id) if parent.request_id else None
    if request is None:
        return certificate
    renew, regenerate = (dict(request.wish.get(name) or {}) for name in ("auto_renew", "auto_regenerate"))
    return replace(
        certificate,
        auto_renew=certificate.auto_renew or renew,
        auto_regenerate=certificate.auto_regenerate or regenerate,
    )
