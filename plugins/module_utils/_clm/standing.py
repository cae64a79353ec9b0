# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What stands already where a certificate is asked for: the request to go on with, or the ended one that a new one
follows. Reads records alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from .._core.csr_sources import ALLOW_DUPLICATE
from .._core.errors import ConflictError, StateError
from .._core.types import Certificate, CertRequest
from .._store.base import Store, Unit
from . import form, intents, opened_changes, requests, standby, states
from .ports import Params

# In these a request may differ from the one before and go on at its place.
_SAME_PLACE = {*form.METADATA, "validity", ALLOW_DUPLICATE}


def newest(unit: Unit, certificate_id: str, certificate: Certificate | None) -> CertRequest | None:
    """Give the newest request of a certificate; where that is a renewal which came to nothing, the one it followed.

    One that was issued and rolled back came to nothing, too: the certificate is of another request then.
    """
    latest = requests.latest(unit, certificate_id)
    if latest is None or not latest.renews:
        return latest
    own = certificate.request_id if certificate is not None else ""
    is_back = latest.state == "issued" and own not in ("", latest.request_id)
    if is_back or latest.action == "revoke" or latest.state in ("failed", "rejected", "cancelled"):
        return unit.requests.get(own) if own else None
    return latest


def is_going_on(request: CertRequest, certificate: Certificate | None) -> bool:
    """Say whether a request still stands for its certificate; one whose enrollment is gone at CPS does not.

    Neither does one whose certificate was taken out of the inventory, whether or not a discovery found that again.
    """
    is_gone = certificate is None or certificate.state == "vanished" or not certificate.request_id
    return request.state not in ("failed", "rejected", "cancelled") and not (request.state == "issued" and is_gone)


def compare(request: CertRequest, wish: Mapping[str, Any], params: Params) -> None:
    """Refuse a wish that an existing request does not fulfil; silence would be a lie."""
    differing = [name for name in form.differences(wish, request.wish) if name not in form.METADATA]
    if ALLOW_DUPLICATE in differing and (request.key_reference or states.is_final(request.state)):
        differing.remove(ALLOW_DUPLICATE)
    first = standby.as_asked(request)
    if params.get("ca") and params["ca"] != first.ca:
        differing.append("ca")
    if params.get("csr_source") and params["csr_source"] != request.csr_source:
        differing.append("csr_source")
    if (params.get("ca_options") or first.ca_options) != first.ca_options:
        differing.append("ca_options")
    if params.get("group") and request.state != "issued" and params["group"] != (request.group or "default"):
        differing.append("group")
    if not differing:
        return
    shown = ", ".join(
        f"{name} is {request.wish.get(name, getattr(request, name, None))!r}, not {wish.get(name, params.get(name))!r}"
        for name in differing
    )
    done = states.is_final(request.state)
    todo = "action: regenerate edits it in place" if done else "wait for it to end before asking for something else"
    raise StateError(
        f"Cannot enrol {request.certificate_id} again: request {request.request_id} is {request.state} with other "
        f"values ({shown}); {todo}, or give another certificate id",
        code="already_enrolled" if done else "request_open",
        details={"request_id": request.request_id, "state": request.state, "differing": differing},
    )


def taken_over(request: CertRequest, failed: CertRequest) -> CertRequest:
    """Go on at the place that a failed request opened, if it was opened for the same names and keys.

    CPS has one enrollment of a name, so the place is used again or the name is lost.
    """
    other = set(form.differences(request.wish, failed.wish)) - _SAME_PLACE
    if other or failed.key_reference.get(opened_changes.TAKING_BACK):
        return request
    return replace(request, key_reference=dict(failed.key_reference))


def shared_keys(store: Store, request: CertRequest, known: CertRequest | None) -> list[str]:
    """Tell of other certificates with the key of an uploaded CSR, a sentence each.

    :param known: the draft as it is stored, or the request that is followed; with its CSR nothing is told again.
    :raises StateError: CPS made the CSR for a request of this store.
    """
    csr = request.wish.get("csr")
    if not csr or (known is not None and known.wish.get("csr") == csr):
        return []
    from . import csr_upload

    with store.read() as unit:
        return csr_upload.refuse_known(unit, csr, request.certificate_id)


def refuse_taken(certificate_id: str, certificate: Certificate | None, latest: CertRequest | None) -> None:
    """Refuse a new request under the id of a certificate that is there, unless it is of the request that ended.

    :raises ConflictError: it is there.
    """
    is_of_failed = certificate is not None and latest is not None and certificate.request_id == latest.request_id
    if certificate is not None and certificate.state != "vanished" and not is_of_failed:
        raise ConflictError(
            f"Cannot enrol {certificate_id}: a certificate of that id is in the inventory (enrollment "
            f"{certificate.enrollment_id} on device {certificate.device}, {certificate.origin}); give another id",
            code="certificate_exists",
            details={"enrollment_id": certificate.enrollment_id, "device": certificate.device},
        )


def follows(request: CertRequest, ended: CertRequest | None) -> str:
    """Name the cancelled request whose lost answers a new one of the same names has to look for; empty for none."""
    if ended is None or ended.state != "cancelled":
        return ""
    other = set(form.differences(request.wish, ended.wish)) - _SAME_PLACE
    return "" if other else ended.request_id


def hand_over(unit: Unit, ended_id: str, request: CertRequest) -> None:
    """Let a new request look for what a cancelled one may have done; for its orders where it asks the CA for the same.

    :param ended_id: as ``follows`` gave it.
    """
    ended = unit.requests.get(ended_id)
    is_other = ended is not None and (ended.ca_options, ended.wish.get("validity")) != (
        request.ca_options,
        request.wish.get("validity"),
    )
    but = (intents.ORDER_CERTIFICATE,) if is_other else ()
    intents.hand_over(unit, "request", ended_id, request.request_id, but=but)
