# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a request that came to nothing has opened at CPS, whether that is its own, and how it is taken back.

Reads records in the caller's unit; sends nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from .._core import vocabulary
from .._core.types import CertRequest
from .._keys.base import TAKEN_UP
from . import intents

if TYPE_CHECKING:
    from .._core.snapshots import Snapshot
    from .._store.base import Unit

OPTION = "cancel_change"
"""Option of ``cert_workflow`` that takes it back."""
TAKING_BACK = "taking_back"
"""Member of a request's ``key_reference`` from when its change is to be taken back on: nobody goes on with it."""
ENDED = ("rejected", "cancelled")
"""States of a request that nobody takes up any more, so that what it opened can be taken back."""
CAME_TO_NOTHING = ("failed", *ENDED)
"""States of a request whose change nobody needs."""


def key_of(request: CertRequest) -> tuple[str, str, str]:
    """Name the intents of cancelling the change of a request."""
    return intents.CANCEL_CHANGE, "request", request.request_id


def reference_of(unit: Unit, request: CertRequest) -> Mapping[str, Any]:
    """Give the enrollment and the change that a request opened and that was not taken back; empty for none.

    A failed request forgets a place that it cannot use any more; what it opened is on record all the same.
    """
    if request.csr_source != vocabulary.ENDPOINT or request.action == "revoke":
        return {}
    found: Mapping[str, Any] = request.key_reference
    if not found and request.state == "failed":
        opened = intents.of(unit, intents.OPEN_ENROLLMENT, "request", request.request_id)
        found = next((one.result for one in reversed(opened) if one.result.get("change_id")), {})
    if found.get("change_id") is None or found["change_id"] in _taken_back(unit, request):
        return {}
    return found


def _taken_back(unit: Unit, request: CertRequest) -> list[Any]:
    done = [one for one in intents.of(unit, *key_of(request)) if one.finished_at is not None]
    return [one.wanted.get("change_id") for one in done if intents.REFUSED not in one.result]


def before(unit: Unit, request: CertRequest) -> Snapshot | None:
    """Give what the enrollment was directly before a request wrote to it; None for a new one."""
    if not request.renews:
        return None
    from . import snapshots

    known = unit.snapshots.find(certificate_id=request.certificate_id)
    return next((s for s in known if s.request_id == request.request_id and s.before == snapshots.UPDATE), None)


def was_open_before(unit: Unit, request: CertRequest, reference: Mapping[str, Any]) -> bool:
    """Say whether a request found its change open, as CPS opens renewals by itself, and took it up."""
    if reference.get(TAKEN_UP):
        return True
    taken = before(unit, request)
    pending = (taken.enrollment.get("pendingChanges") if taken is not None else None) or ()
    locations = [str(one.get("location") if isinstance(one, Mapping) else one) for one in pending]
    return any(location.rstrip("/").rsplit("/", 1)[-1] == str(reference["change_id"]) for location in locations)


def user_of(unit: Unit, request: CertRequest, reference: Mapping[str, Any]) -> CertRequest | None:
    """Give another request that goes on with the change, or went on with it to its certificate; None for none."""
    for other in unit.requests.find(certificate_id=request.certificate_id):
        if other.request_id == request.request_id or other.state in CAME_TO_NOTHING:
            continue
        if other.key_reference.get("change_id") == reference["change_id"]:
            return other
    return None


def left_by(unit: Unit, certificate_id: str, change_id: int | None = None) -> CertRequest | None:
    """Give the newest request that came to nothing and left something at CPS; None for none.

    :param change_id: only if it opened this change; None for any.
    """
    for request in reversed(unit.requests.find(certificate_id=certificate_id, state=CAME_TO_NOTHING)):
        reference = reference_of(unit, request)
        is_meant = bool(reference) and change_id in (None, reference.get("change_id"))
        if is_meant and not was_open_before(unit, request, reference) and not user_of(unit, request, reference):
            return request
    return None


def way(request_id: str) -> str:
    """Say which call takes back what a request opened, after "take it back with"."""
    return f"edgecert.clm.cert_workflow, request_id: {request_id}, action: cancel and {OPTION}: true"


def advice(unit: Unit, certificate_id: str, change_id: int | None = None) -> str:
    """Say how what a request left at CPS is taken back, as the end of a sentence; empty where none left anything.

    :param change_id: as of ``left_by``.
    """
    request = left_by(unit, certificate_id, change_id)
    if request is None:
        return ""
    number = reference_of(unit, request)["change_id"]
    return (
        f"; change {number} was opened by request {request.request_id}, which is {request.state}: take it back with "
        f"{way(request.request_id)}"
    )


def left_at_place(unit: Unit, request: CertRequest) -> str:
    """Say what a request that is cancelled leaves at CPS, and what to do about it; empty for nothing."""
    reference = reference_of(unit, request)
    if not reference:
        return ""
    label = reference.get("label", "what was opened")
    if was_open_before(unit, request, reference):
        return f"{label} stays at CPS, where it was open before: the next renewal takes it up"
    again = "" if request.renews else "enrol the same names again to use it, or "
    return f"{label} stays at CPS: {again}take it back with {way(request.request_id)}"
