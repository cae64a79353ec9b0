# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Network settings of a live enrollment: what it asks for, and the one update that changes them.

The whole object goes back as it was read, so that members unknown here survive. No pending change is ever cancelled.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .._core import network_settings
from .._cps.client import CpsClient
from .._cps.enrollment_wire import enrollment_update
from .._cps.errors import PENDING_CHANGE, RemoteConflict
from .._cps.models import EnrollmentRecord
from .._cps.network_wire import enrollment_words, words_to_wire
from .base import Standing

CHANGE_PENDING = "change_pending"


def settings_words(raw: Mapping[str, Any]) -> dict[str, Any]:
    """Give in normal form what an enrollment asks for.

    :param raw: the JSON of a read.
    """
    return network_settings.normal(enrollment_words(raw))


def standing_of(enrollment: EnrollmentRecord) -> Standing:
    """Read how an enrollment is set up."""
    return Standing(
        enrollment_id=enrollment.id,
        settings=settings_words(enrollment.raw),
        changes=tuple({"change_id": o.change_id, "change_type": o.change_type} for o in enrollment.pending_changes),
        goes_on=not enrollment.change_management,
        sans=tuple(sorted({name.lower() for name in (enrollment.cn, *enrollment.sans)})),
    )


def configure(client: CpsClient, decided_on: Standing, settings: Mapping[str, Any]) -> int | None:
    """Put the settings into the enrollment as it is now, if it is still what was decided on.

    :param settings: some words in normal form.
    :returns: the change this opened, or None.
    :raises RemoteConflict: it is not, or a change is open by now; nothing was changed.
    :source: put-enrollment; cps-protocol §5.5, the pending changes are read directly before a write.
    """
    enrollment = client.get_enrollment(decided_on.enrollment_id)
    found = standing_of(enrollment)
    what = f"Cannot change the network settings of enrollment {found.enrollment_id}"
    if found.changes:
        newest = found.changes[-1]
        raise RemoteConflict(
            f"{what}: change {newest['change_id']} ({newest['change_type'] or 'of no known type'}) was opened "
            "meanwhile; finish or cancel it, then run again",
            code=CHANGE_PENDING,
            retryable=True,
        )
    edited = network_settings.differing(decided_on.settings, found.settings)
    if edited or found.goes_on != decided_on.goes_on:
        named = ", ".join(edited) or "change management"
        raise RemoteConflict(f"{what}: {named} was changed at CPS meanwhile; run again to decide on what is there now")
    body = enrollment_update(enrollment.raw, {"networkConfiguration": words_to_wire(settings)})
    try:
        status = client.update_enrollment(found.enrollment_id, body)
    except RemoteConflict as exc:
        if exc.code == PENDING_CHANGE:
            exc.code = CHANGE_PENDING
        raise
    return status.change_ids[-1] if status.change_ids else None
