# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Keeps two requests of one certificate from standing side by side. Reads in the caller's unit."""

from __future__ import annotations

from .._core.errors import ConflictError
from .._core.types import CertRequest
from .._store.base import Unit
from . import removals, states


def rivals(unit: Unit, request: CertRequest) -> list[CertRequest]:
    """Give the requests beside which a new one may not be opened: open ones, and what it would only repeat."""
    certificate = unit.certificates.get(request.certificate_id)
    is_gone = certificate is None or certificate.state == "vanished"

    if request.renews:
        # Renewed meanwhile: what was to be renewed is not the newest any more.
        is_done = certificate is not None and certificate.request_id not in ("", request.renews["request_id"])
    else:
        is_done = not is_gone
    wanted = [state for state in states.REQUEST if not states.is_final(state) or (is_done and state == "issued")]
    return unit.requests.find(certificate_id=request.certificate_id, state=wanted)


def refuse_rivals(unit: Unit, request: CertRequest) -> None:
    """Refuse a request beside another one of its certificate.

    :raises ConflictError: there is one that is open, or has done the same.
    :raises StateError: the certificate is to be removed.
    """
    removals.refuse_beside(unit, request.certificate_id, request.action)
    others = [other for other in rivals(unit, request) if other.request_id != request.request_id]
    if others:
        raise ConflictError(
            f"Cannot {request.action} {request.certificate_id}: request {others[0].request_id} was opened for it "
            "meanwhile; run again to go on with that one",
            details={"request_id": others[0].request_id},
        )
