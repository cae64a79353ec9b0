# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The inventory's line of a request whose key is being made. Writes in the caller's unit; sends nothing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from .._core.types import Certificate, CertRequest
from .._store.base import Unit
from . import form_extras


def bind_certificate(unit: Unit, request: CertRequest, reference: Mapping[str, Any], now: datetime) -> None:
    """Put the certificate into the inventory, in place of what a discovery may have put there meanwhile."""
    enrollment_id = reference.get("enrollment_id")
    # A key that is not at CPS is in no enrollment, and no discovery finds its certificate.
    found = unit.certificates.find(device=request.device, enrollment_id=enrollment_id) if enrollment_id else []
    for other in found:
        if other.certificate_id != request.certificate_id:
            unit.certificates.remove(other)
    stored = unit.certificates.get(request.certificate_id)
    certificate = _of_request(_base(stored, request, enrollment_id, now), request, enrollment_id, now)
    if stored is None:
        unit.certificates.add(certificate)
    else:
        unit.certificates.put(certificate)


def _base(stored: Certificate | None, request: CertRequest, enrollment_id: int | None, now: datetime) -> Certificate:
    fresh = Certificate(request.certificate_id, "enrolled", request.wish["common_name"], created_at=now)
    if stored is None:
        return fresh
    if stored.enrollment_id == enrollment_id:
        return stored
    # The id was used before by an enrollment that is gone: nothing of its certificate is true of this one.
    return replace(fresh, attributes=stored.attributes, created_at=stored.created_at, version=stored.version)


def named_in(wish: Mapping[str, Any]) -> dict[str, Any]:
    """Give what the inventory tells of a wish's names."""
    sans = wish["subject_alternative_names"]
    return {"sans": tuple(sorted(sans["dns"])), "san_count": sum(len(names) for names in sans.values())}


def _of_request(base: Certificate, request: CertRequest, enrollment_id: int | None, now: datetime) -> Certificate:
    wish = request.wish
    return replace(
        form_extras.on_certificate(base, wish),
        origin="enrolled",
        state="pending",
        common_name=wish["common_name"],
        **named_in(wish),
        device=request.device,
        enrollment_id=enrollment_id,
        contract_id=wish["contract_id"],
        validation_type=wish["validation_type"],
        certificate_type=wish["vendor_certificate_type"],
        secure_network=wish["secure_network"],
        change_management=wish["settings"].get("change_management"),
        ca=request.ca,
        request_id=request.request_id,
        group=request.group,
        updated_at=now,
    )
