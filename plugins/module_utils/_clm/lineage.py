# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Parent and successor: a renewed certificate keeps its id, what it follows stays in the inventory as superseded.

Writes in the caller's unit; sends nothing.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from .._core.types import AuditEntry, Certificate, CertRequest
from .._store.base import Unit


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
        state="superseded",
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


def _follow(unit: Unit, earlier: str, kept: str, now: datetime) -> None:
    """Let the certificate before the parent name it by the id it has from now on."""
    grandparent = unit.certificates.get(earlier) if earlier else None
    if grandparent is not None:
        unit.certificates.put(replace(grandparent, successor=kept, updated_at=now))
