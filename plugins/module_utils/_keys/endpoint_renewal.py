# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A new key and CSR for a live enrollment, in place: CPS's own renewal is taken up, else one is forced (E3, E4).

Other names, another subject or kind of key come with it, where the order asks for them (E9, E10).

Cancels nothing, ever: a change that is open belongs to whoever opened it, and its CSR may be at a CA already.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .._core.errors import RemoteError
from .._cps import changes
from .._cps.client import CpsClient
from .._cps.enrollment_wire import enrollment_update
from .._cps.errors import IN_RENEWAL_WINDOW, PENDING_CHANGE, RemoteConflict, RemoteNotFound
from .._cps.models import EnrollmentRecord, EnrollmentStatus
from . import endpoint_edits as edits
from . import endpoint_restores as restores
from .base import TAKEN_UP, KeyOrder, Obstacle, Reference
from .endpoint_limits import too_many_for
from .endpoint_orders import reference_to

_GONE = "enrollment_gone"
_DIFFERS = "enrollment_differs"
CHANGE_PENDING = "change_pending"
"""Code of a refusal because another change is open."""

# Changes that always bring a new certificate. A ``modify-certificate`` may be about the network alone, and then it
# never asks for one; cps-protocol §3.7.
_NEEDS_CERTIFICATE = ("renewal", "new-certificate", "modify-san")
_MAKES_CSR = "generate-csr"
# Names that go may have to be acknowledged before the CSR is made; cps-protocol §3.7.
_MODIFIES_NAMES, _MODIFIES_SUBJECT = "modify-san", "modify-certificate"
_REVIEWS_NAMES = "wait-review-cert-warning"
# While CPS is at work no input tells how far it is, so its words have to, though the list is open (cps-protocol §3.1):
# these come after the certificate was handed over.
_AFTER_CERTIFICATE = (
    "verify-third-party-cert",
    "wait-review-third-party-cert",
    "wait-review-cert-warning",
    "create-slot-files",
    "deploy-",
    "live-check-action",
    "wait-ack-change-management",
    "forward-",
    "complete",
    "abandon-",
    "delete-csr",
    "deprovision-cert",
)

# Of these, the words of a change that is being cancelled.
_ENDS = ("abandon-", "delete-csr")


@dataclass(frozen=True)
class _Place:
    """An enrollment as it is now, with the newest change that is open on it.

    :ivar change: None when no change is open.
    """

    enrollment: EnrollmentRecord
    change_id: int | None = None
    change_type: str | None = None
    change: changes.ChangeRecord | None = None

    def over(self, order: KeyOrder) -> dict[str, Any]:
        """Give the members that are still to be edited."""
        if order.renews.get("restores"):
            return restores.members(self.enrollment, order)
        return edits.members(self.enrollment, order)

    def differences(self, order: KeyOrder) -> list[str]:
        """Say in what the enrollment is neither what it was, nor what it is to be."""
        if order.renews.get("restores"):
            # All else is sent as it was.
            return restores.fixed_differences(self.enrollment, order)
        is_edited = order.was is None or not self.over(order)
        return edits.differences(self.enrollment, order if is_edited or order.was is None else order.was)


class Renewals:
    """Renewals in place, for one device.

    :param client: gives the client; called at the first call that needs one.
    """

    def __init__(self, client: Callable[[], CpsClient]) -> None:
        self._client = client
        self._seen: dict[int, _Place | None] = {}

    def predict(self, order: KeyOrder) -> str:
        """Say what ``begin`` would do; no traffic."""
        number, name = order.renews["enrollment_id"], order.spec.common_name
        edited = edits.words(order)
        if order.renews.get("restores") or order.renews.get("adds"):
            return restores.predict(order, edited)
        if edited:
            place = self._seen.get(int(number))
            left = edits.unserved(place.enrollment, order) if place is not None else ""
            what = f"Edit enrollment {number} for {name} in place ({edited})"
            return f"{what}, for which CPS makes a new key and CSR{left}"
        return f"Force a renewal of enrollment {number} for {name}"

    def find(self, order: KeyOrder) -> Sequence[Reference]:
        """Look for a renewal that is open and whose CSR was not handed out yet: CPS's own, or a lost call's."""
        self._forget(order)
        place = self._look(order)
        if place is None or place.over(order) or place.differences(order) or not _is_usable(place, order):
            return []
        return [reference_to(place.enrollment.id, place.change_id)]

    def conflicts(self, order: KeyOrder) -> Sequence[Obstacle]:
        """Look for what stands in the way: it is gone, was edited, takes fewer names, or a change is open."""
        place = self._look(order)
        if place is None:
            return [Obstacle(_GONE, _gone(order))]
        found = [Obstacle(_DIFFERS, sentence) for sentence in place.differences(order)]
        found += too_many_for(place.enrollment, order)
        if _is_blocked(place, order):
            found.append(Obstacle(CHANGE_PENDING, _pending(place, order), place.change_id))
        return found

    def settings(self, order: KeyOrder) -> Mapping[str, Any]:
        """Give the enrollment's JSON as it was read last; empty when it is gone."""
        place = self._look(order)
        return place.enrollment.raw if place is not None else {}

    def begin(self, order: KeyOrder) -> Reference:
        """Take up the renewal that is open, or force one.

        :raises RemoteNotFound: the enrollment is gone.
        :raises RemoteConflict: it was edited, or another change is open by now; nothing was sent.
        :source: put-enrollment, force-renewal.
        """
        place = self._checked(order)
        if place.change is not None:
            return {**reference_to(place.enrollment.id, place.change_id), TAKEN_UP: True}
        status = self._put(place.enrollment, order)
        if status.change_ids:
            return reference_to(place.enrollment.id, status.change_ids[-1])
        return self._opened(order, status)

    def amend(self, order: KeyOrder) -> None:
        """Send what is in no certificate, if it is not so yet.

        :raises RemoteError: CPS opened a change for it, which it does for what has to be deployed.
        :source: put-enrollment; 200 says that all is done.
        """
        place = self._checked(order)
        over = place.over(order)
        if not over:
            return
        number = place.enrollment.id
        status = self._client().update_enrollment(number, enrollment_update(place.enrollment.raw, over))
        if status.change_ids:
            raise RemoteError(
                f"Cannot change {', '.join(over)} of enrollment {number} alone: CPS opened change "
                f"{status.change_ids[-1]} for it; look at it in Akamai Control Center, then run again",
                status=status.http_status,
                code="change_opened",
            )

    def calls_to_amend(self, order: KeyOrder) -> int:
        """Count the calls of ``amend`` by what was seen last: a look, and a write where something is to be sent."""
        place = self._seen.get(int(order.renews["enrollment_id"]))
        return 1 if place is not None and not place.over(order) else 2

    def _checked(self, order: KeyOrder) -> _Place:
        """Look directly before a write: somebody may have acted at Control Center meanwhile (cps-protocol §5.5).

        :raises RemoteNotFound: the enrollment is gone.
        :raises RemoteConflict: it was edited, or another change is open by now.
        """
        self._forget(order)
        place = self._look(order)
        self._forget(order)
        what = f"Cannot renew {order.spec.common_name}"
        if place is None:
            raise RemoteNotFound(f"{what}: {_gone(order)}", code=_GONE)
        differences = place.differences(order)
        if differences:
            raise RemoteConflict(f"{what}: {'; '.join(differences)}", code=_DIFFERS)
        if _is_blocked(place, order):
            details = {"change_id": place.change_id}
            told = f"{what}: {_pending(place, order)}"
            raise RemoteConflict(told, code=CHANGE_PENDING, retryable=True, details=details)
        return place

    def _opened(self, order: KeyOrder, status: EnrollmentStatus) -> Reference:
        """Look for the change that an answer did not name."""
        found = self.find(order)
        if found:
            return found[0]
        raise RemoteError(
            f"Cannot renew {order.spec.common_name}: CPS took the forced renewal of enrollment "
            f"{status.enrollment_id} with HTTP {status.http_status} and opened no change; look at it in Akamai Control "
            "Center, then run again",
            status=status.http_status,
            code="no_change_opened",
        )

    def _put(self, enrollment: EnrollmentRecord, order: KeyOrder) -> EnrollmentStatus:
        """Send the whole enrollment back, edited, with the order to renew it where the edits do not mean that."""
        body, flags = restores.update(enrollment, order)
        return update(self._client(), enrollment.id, body, **flags)

    def _look(self, order: KeyOrder) -> _Place | None:
        """Read the enrollment and its newest open change, once; None when it is gone."""
        enrollment_id = int(order.renews["enrollment_id"])
        if enrollment_id not in self._seen:
            self._seen[enrollment_id] = self._read(enrollment_id)
        return self._seen[enrollment_id]

    def _read(self, enrollment_id: int) -> _Place | None:
        try:
            enrollment = self._client().get_enrollment(enrollment_id)
        except RemoteNotFound:
            return None
        newest = enrollment.newest_change
        if newest is None:
            return _Place(enrollment)
        try:
            change = self._client().get_change(enrollment_id, newest.change_id)
        except RemoteNotFound:
            # It ended between the two looks.
            return _Place(enrollment)
        return _Place(enrollment, newest.change_id, newest.change_type, change)

    def _forget(self, order: KeyOrder) -> None:
        self._seen.pop(int(order.renews["enrollment_id"]), None)


def update(client: CpsClient, enrollment_id: int, body: Mapping[str, Any], **flags: Any) -> EnrollmentStatus:
    """Send a whole enrollment back, also while CPS's own renewal is due and not open: ours takes its place.

    :raises RemoteConflict: a change is open (``change_pending``), or CPS does not take it for another reason.
    """
    try:
        try:
            return client.update_enrollment(enrollment_id, body, **flags)
        except RemoteConflict as exc:
            if exc.code != IN_RENEWAL_WINDOW:
                raise
        return client.update_enrollment(enrollment_id, body, renewal_date_check_override=True, **flags)
    except RemoteConflict as exc:
        if exc.code == PENDING_CHANGE:
            exc.code = CHANGE_PENDING
        raise


def is_past_csr(change: changes.ChangeRecord, change_type: str | None) -> bool:
    """Say whether a change was given its certificate, or never needed one and deploys; what ends it is no such step."""
    if change.state not in ("new", "running", "awaiting-input") or change.takes(changes.PRE_WARNINGS):
        return False
    if change_type == _MODIFIES_NAMES and change.status == _REVIEWS_NAMES:
        return False
    if change.takes(changes.CSR):
        return change.takes(changes.POST_WARNINGS)
    if change.allowed_inputs:
        return True
    return change.status.startswith(_AFTER_CERTIFICATE) and not change.status.startswith(_ENDS)


def _is_blocked(place: _Place, order: KeyOrder) -> bool:
    """Say whether a change is in the way: what is open cannot take up edits, however far it is."""
    return place.change is not None and (bool(place.over(order)) or not _is_usable(place, order))


def _is_usable(place: _Place, order: KeyOrder) -> bool:
    """Say whether the open change will give, or gives, a CSR that nobody was handed yet."""
    change = place.change
    if change is None or place.change_id == order.renews.get("change_id"):
        return False
    if not restores.may_be_of(place.change_type, order):
        return False
    if change.takes(changes.CSR):
        # After an upload CPS takes a corrected certificate beside the acknowledgement.
        return not change.takes(changes.POST_WARNINGS)
    # What was to be edited is edited, by this change: such a one is about the certificate.
    is_edit = order.was is not None and place.change_type == _MODIFIES_SUBJECT
    is_certain = is_edit or restores.is_meant(order) or place.change_type in _NEEDS_CERTIFICATE
    if place.change_type == _MODIFIES_NAMES and change.status == _REVIEWS_NAMES:
        return True
    if change.allowed_inputs:
        return is_certain and change.takes(changes.PRE_WARNINGS)
    if change.state not in ("new", "running", "awaiting-input"):
        return False
    return change.status == _MAKES_CSR or (is_certain and not change.status.startswith(_AFTER_CERTIFICATE))


def _gone(order: KeyOrder) -> str:
    return (
        f"enrollment {order.renews['enrollment_id']} is gone at CPS, so it cannot be renewed in place; enrol the "
        "certificate anew, or look at the device to bring the inventory up to date"
    )


def _pending(place: _Place, order: KeyOrder) -> str:
    """Say which change is open, and what can be done about it; it is never cancelled from here."""
    status = place.change.status if place.change else ""
    kind = place.change_type or "of no known type"
    not_after = order.renews.get("not_after")
    hurry = f"; its certificate ends {not_after}" if not_after else ""
    is_first = not place.enrollment.production_slots
    taken = " (it is the first one, so that the enrollment goes with it)" if is_first else ""
    beside = "edits" if place.over(order) else "renews"
    return (
        f"change {place.change_id} of enrollment {place.enrollment.id} is open ({kind}, {status}) and CPS {beside} "
        f"nothing beside it; finish it with cert_push where its certificate is issued, or cancel it in Akamai Control "
        f"Center{taken}{hurry}"
    )
