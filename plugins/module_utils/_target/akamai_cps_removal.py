# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An enrollment that is to go, and the change by which it goes (cps-protocol §3.8).

A removal ends when CPS knows the enrollment no more, not when a change says so. On its way the change may halt like any
other one; the state and the input it takes tell, as for a push.
"""

from __future__ import annotations

from collections.abc import Mapping

from .._cps import changes
from .._cps.changes import ChangeRecord, InputKind
from .._cps.client import CpsClient
from .._cps.errors import RemoteNotFound
from .._cps.notices import read_notices
from .akamai_cps_discovery import deployed_facts
from .akamai_cps_survey import Survey
from .base import Presence, PushState, Reference

_NEAR_S = 10.0
# Taking an enrollment off the network lasts as long as bringing one there; cps-protocol §3.8.
_AT_WORK_S = 30.0
_OVER = ("completed", "cancelled")
_PHASES: Mapping[str, str] = {
    changes.CSR.name: "wants_certificate",
    changes.CHANGE_MANAGEMENT.name: "on_staging",
}


def look_at(client: CpsClient, reference: Reference, asked: dict[int, InputKind]) -> Presence:
    """Look at an enrollment: at the change that removes it while that is open, else at the enrollment itself.

    :param reference: as of ``Target.presence``.
    :param asked: takes up with which warnings a change waits, by its id.
    """
    enrollment_id, change_id = int(reference["enrollment_id"]), reference.get("change_id")
    followed = PushState("none", "no change is open")
    if change_id is not None:
        try:
            change = client.get_change(enrollment_id, int(change_id))
        except RemoteNotFound:
            change = None
        if change is not None and change.state not in _OVER:
            return Presence(True, state=_state(client, enrollment_id, int(change_id), change, asked))
        if change is not None:
            phase = "cancelled" if change.state == "cancelled" else "none"
            followed = PushState(phase, change.status_text, look_again_s=_NEAR_S)
    return _enrollment(client, enrollment_id, followed)


def seen_in(survey: Survey, reference: Reference, waits_for: str) -> Presence | None:
    """Say that a removal is at work still, where a survey shows it; None where it shows something else.

    What is gone from the list is asked for: a list that was cut short is no proof. So is a change that has taken
    staging away, where it may stop.
    """
    enrollment_id, change_id = int(reference["enrollment_id"]), reference.get("change_id")
    # Of staging only the list of what is live tells, and it tells what is open as well.
    live = survey.live(enrollment_id) if waits_for == "staging" else None
    if waits_for == "staging" and (live is None or not live.staging.certificates):
        return None
    changes = survey.changes(enrollment_id) if live is None else live.changes
    if change_id is None or int(change_id) not in (changes or ()):
        return None
    return Presence(True, state=PushState("busy", "is being removed", look_again_s=_AT_WORK_S))


def _enrollment(client: CpsClient, enrollment_id: int, followed: PushState) -> Presence:
    try:
        enrollment = client.get_enrollment(enrollment_id)
        found = client.get_deployments(enrollment_id)
    except RemoteNotFound:
        return Presence(False, state=PushState("none", f"enrollment {enrollment_id} is gone"))
    names = {name.lower() for name in (enrollment.cn, *enrollment.sans) if name}
    state = PushState(
        followed.phase,
        followed.status,
        staging=deployed_facts(found.staging),
        production=deployed_facts(found.production),
        look_again_s=_NEAR_S,
    )
    pending = tuple(
        {"change_id": change.change_id, "change_type": change.change_type or ""}
        for change in enrollment.pending_changes
    )
    return Presence(True, tuple(sorted(names)), pending, state)


def _state(
    client: CpsClient, enrollment_id: int, change_id: int, change: ChangeRecord, asked: dict[int, InputKind]
) -> PushState:
    """Say where an open change stands."""
    status, needed = change.status_text, change.needed
    if change.state == "error":
        return PushState("failed", status, error=change.error_text or status)
    if needed is None:
        return PushState("busy", status, error=change.error_text, look_again_s=_AT_WORK_S)
    if needed.kind in (changes.PRE_WARNINGS, changes.POST_WARNINGS):
        asked[change_id] = needed.kind
        notices = read_notices(client, needed.kind, enrollment_id, change_id)
        return PushState("wants_decision" if notices else "busy", status, notices=notices)
    phase = _PHASES.get(needed.kind.name) if needed.kind is not None else None
    if phase is not None:
        return PushState(phase, status)
    return PushState("busy", f"{status}: waits for {needed.type}, which is not known here", look_again_s=_AT_WORK_S)
