# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Takes back what an order opened at CPS: its change is cancelled, and what CPS keeps of its edits is put back.

Whether CPS keeps what a cancelled change had asked for is not documented, so it is looked at (cps-protocol §6.5).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from .._cps.client import CpsClient
from .._cps.enrollment_wire import enrollment_update
from .._cps.errors import RemoteConflict, RemoteNotFound
from .._cps.models import EnrollmentRecord
from . import endpoint_renewal as renewal
from . import endpoint_restores as restores
from .base import KeyOrder, Left, Reference
from .endpoint_orders import reference_to

_OVER = ("completed", "cancelled")


class TakeBack:
    """Takes back for one device.

    :param client: gives the client; called at the first call that needs one.
    """

    def __init__(self, client: Callable[[], CpsClient]) -> None:
        self._client = client

    def left(self, order: KeyOrder, reference: Reference, before: Mapping[str, Any]) -> Left:
        """Look at the enrollment and the change, and at what the enrollment keeps of the edits.

        :source: get-enrollment, get-enrollment-change.
        """
        number, change_id = int(reference["enrollment_id"]), int(reference["change_id"])
        try:
            enrollment = self._client().get_enrollment(number)
        except RemoteNotFound:
            # One answer that does not find it may be a lag.
            is_open = self._client().is_open(number, change_id)
            return Left(f"enrollment {number} is gone", is_there=is_open, is_open=is_open)
        types = {one.change_id: one.change_type for one in enrollment.pending_changes}
        beside = tuple(one for one in types if one != change_id)
        _wanted, kept, foreign = _undone(enrollment, order, before)
        found = Left("is over", is_there=True, kept=kept, foreign=foreign, beside=beside, settings=enrollment.raw)
        try:
            change = self._client().get_change(number, change_id)
        except RemoteNotFound:
            return replace(found, is_open=change_id in types)
        if change.state in _OVER:
            # Finished by somebody else, it has brought what it was to bring.
            return replace(found, status=change.status_text, moved_on=change.state == "completed")
        moved_on = renewal.is_past_csr(change, types.get(change_id))
        return replace(found, status=change.status_text, is_open=True, moved_on=moved_on)

    def cancel(self, reference: Reference) -> None:
        """Cancel the change.

        :source: delete-enrollment-change.
        """
        self._client().cancel_change(int(reference["enrollment_id"]), int(reference["change_id"]))

    def put_back(self, order: KeyOrder, before: Mapping[str, Any]) -> Reference | None:
        """Put back what is kept, as it is read directly before.

        :raises RemoteConflict: a change is open; nothing was sent.
        :source: put-enrollment.
        """
        number = int(order.renews["enrollment_id"])
        enrollment = self._client().get_enrollment(number)
        wanted, kept, _foreign = _undone(enrollment, order, before)
        if not kept:
            return None
        newest = enrollment.newest_change
        if newest is not None:
            raise RemoteConflict(
                f"Cannot put {', '.join(kept)} of enrollment {number} back: change {newest.change_id} is open there; "
                "let it end, then run again",
                code="change_pending",
                details={"change_id": newest.change_id},
                retryable=True,
            )
        status = renewal.update(self._client(), number, wanted)
        return reference_to(number, status.change_ids[-1]) if status.change_ids else None


def _undone(
    enrollment: EnrollmentRecord, order: KeyOrder, before: Mapping[str, Any]
) -> tuple[dict[str, Any], list[str], list[str]]:
    if not order.renews or not before:
        return {}, [], []
    was = EnrollmentRecord.from_wire(before)
    sent, _flags = restores.update(was, order)
    return restores.without(enrollment_update(enrollment.raw), enrollment_update(before), sent)
