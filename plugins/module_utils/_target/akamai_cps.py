# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One CPS device as a target: what is there, what is deployed, uploads and acknowledgements.

Decides by the state of a change, the input it takes and what is deployed, never by its status word: that is for
messages, and for what a change that works is called meanwhile.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from .._core import network_settings
from .._core.clock import Clock
from .._core.types import Bundle, Notice
from .._cps import changes
from .._cps.changes import ChangeRecord, InputKind, UploadCertificate
from .._cps.client import CpsClient
from .._cps.errors import RemoteNotFound
from .._cps.models import EnrollmentRecord
from .._cps.notices import Shown, acknowledge_notices, notices_of, read_notices
from .._pki import pem, x509
from .akamai_cps_discovery import bundles_of, deployed_facts, discover
from .akamai_cps_history import fetch_history
from .akamai_cps_inspection import inspect
from .akamai_cps_removal import look_at, seen_in
from .akamai_cps_settings import configure, settings_words, standing_of
from .akamai_cps_survey import Survey, told
from .akamai_cps_usage import uses
from .akamai_cps_validation import validation
from .base import (
    REVIEW,
    STAGED,
    WARNINGS,
    Former,
    HostnameUse,
    NetworkFacts,
    Presence,
    PushState,
    Reading,
    Reference,
    Review,
    Standing,
    Sweep,
    Target,
)
from .inspection_base import Inspection
from .validation_base import Validation

# What a survey can tell of: by what is expected, the network that is deployed to.
_OF_LISTS = {"staging": "staging", STAGED: "staging", REVIEW: "staging", "production": "production"}
_NEAR_S = 10.0
_DEPLOYING_S = 30.0
_DEPLOYED_AGE_S = 300.0


@dataclass(frozen=True)
class _Served:
    """What was deployed when a working change was looked at last.

    :ivar status: the change's word at that time; another one says that something moved, whatever it means.
    :ivar at: by the monotonic clock.
    """

    status: str
    at: float
    staging: NetworkFacts
    production: NetworkFacts


class AkamaiCpsTarget(Target):
    """A device that is reached through one CPS client.

    :param contracts: those the user selected; empty for every visible one.
    """

    def __init__(self, client: CpsClient, clock: Clock, contracts: Sequence[str] = ()) -> None:
        self._client, self._clock, self._contracts = client, clock, tuple(contracts)
        self._survey = Survey(client, clock)
        self._enrollments: dict[int, EnrollmentRecord] = {}
        self._served: dict[int, _Served] = {}
        # Which warnings a change that removes an enrollment was seen to wait with.
        self._asked: dict[int, InputKind] = {}
        self._shown = Shown(clock.monotonic)

    @property
    def calls(self) -> int:
        """Count the API calls made so far."""
        return self._client.calls

    def inspect(self, *, will_write: bool) -> Inspection:
        """Look whether the device can be reached and what the credential may do."""
        return inspect(self._client, self._clock, self._contracts, will_write=will_write)

    def visible_contracts(self) -> Sequence[str]:
        """List the contracts that the credential sees, in one call."""
        return self._client.contract_ids()

    def discover(self, contracts: Sequence[str], reading: Reading | None = None) -> Sweep:
        """Go through every enrollment of the contracts."""
        return discover(self._client, contracts, reading)

    def fetch_pem(self, enrollment_id: int) -> Mapping[str, Bundle]:
        """Fetch what both networks serve, by fingerprint."""
        return bundles_of(self._client.get_deployments(enrollment_id))

    def fetch_history(self, enrollment_id: int) -> Sequence[Former]:
        """Fetch every certificate the enrollment had and has."""
        return fetch_history(self._client, enrollment_id)

    def uses(self, names: Sequence[str]) -> Sequence[HostnameUse]:
        """Look for active host names of properties that these names stand for."""
        return uses(self._client, names)

    def validation(self, enrollment_id: int) -> Validation:
        """Read the open challenges of a DV enrollment, and its validation history."""
        return validation(self._client, enrollment_id)

    def survey(self, contracts: Sequence[str], *, is_of_staging: bool = False) -> None:
        """Let lists of the enrollments of the contracts, and of what is live of them, answer as far as they go."""
        self._survey.take(contracts, is_of_staging=is_of_staging)

    def observe(
        self,
        reference: Reference,
        fingerprints: Mapping[str, str],
        *,
        waits_for: str = "",
        settings: Mapping[str, Any] | None = None,
    ) -> PushState:
        """Tell where the change stands.

        No call where a survey shows that nothing moved, one while CPS works, two when something may have been deployed.
        """
        enrollment_id, wanted = int(reference["enrollment_id"]), set(fingerprints.values())
        try:
            unmoved = self._unmoved(reference, wanted, waits_for, settings or {}) if waits_for in _OF_LISTS else None
            if unmoved is not None:
                return unmoved
            enrollment = self._enrollment(enrollment_id)
            change_id = self._change_id(enrollment, reference)
            warned = self._warned(enrollment, change_id) if waits_for == WARNINGS else None
            if warned is not None:
                return warned
            change = self._client.get_change(enrollment_id, change_id) if change_id is not None else None
        except RemoteNotFound as exc:
            self._forget(enrollment_id)
            if self._client.is_open(enrollment_id, reference.get("change_id")):
                return PushState("busy", f"CPS has it open and does not find it ({exc.message})", look_again_s=_NEAR_S)
            return self._without_change(enrollment_id, str(exc), fingerprints)
        if change is None or change.state in ("completed", "cancelled"):
            status = change.status if change else "no change is open"
            return self._without_change(enrollment_id, status, fingerprints)
        held, pending = change.schedule.not_before, enrollment.raw.get("networkConfiguration") or {}
        state = replace(self._of_change(enrollment, change_id or 0, change), settings=pending, held_until=held)
        if state.phase == "on_staging":
            return self._with_deployments(enrollment_id, state, fingerprints)
        if self._may_have_passed(change, state, waits_for) and wanted:
            return self._at_work(enrollment_id, change, state, wanted)
        return state

    def _may_have_passed(self, change: ChangeRecord, state: PushState, waits_for: str) -> bool:
        """Say whether a working change may have passed staging, and is not told by its end anyhow."""
        if change.state != "running" or change.allowed_inputs or waits_for == "production":
            return False
        is_held = state.held_until is not None and state.held_until > self._clock.now()
        return state.goes_on or ("production" in change.status and not is_held)

    def review(self, reference: Reference) -> Review | None:
        """Read what the change-management acknowledgement would be about."""
        enrollment_id, change_id = int(reference["enrollment_id"]), int(reference["change_id"])
        try:
            info = self._client.get_change_management_info(enrollment_id, change_id)
        except RemoteNotFound:
            return None
        leaves = [entry.certificate for entry in info.certificates if entry.certificate.strip()]
        return Review(
            info.hash,
            info.deadline,
            errors=tuple(error.text or error.code or "" for error in info.errors),
            warnings=tuple(notice for warning in info.warnings for notice in notices_of(warning)),
            fingerprints=frozenset(x509.certificate_facts(leaf).fingerprint for leaf in leaves),
        )

    def settings(self, reference: Reference) -> Mapping[str, Any]:
        """Give the enrollment's JSON, as read once for this run."""
        try:
            return self._enrollment(int(reference["enrollment_id"])).raw
        except RemoteNotFound:
            return {}

    def settings_of(self, place: Mapping[str, Any]) -> Mapping[str, Any]:
        """Read them out of an enrollment's JSON."""
        return settings_words(place)

    def upload(self, reference: Reference, bundles: Mapping[str, Bundle], *, with_root: bool) -> None:
        """Hand over certificates and chains, all in one call."""
        entries = []
        for algorithm, bundle in bundles.items():
            chain = [*bundle.chain, *([bundle.root] if with_root and bundle.root else [])]
            entries.append(UploadCertificate(bundle.leaf, pem.join(chain), algorithm))
        self._client.upload_certificates(int(reference["enrollment_id"]), int(reference["change_id"]), entries)

    def acknowledge(self, reference: Reference, notices: Sequence[Notice]) -> bool:
        """Acknowledge exactly these post-verification warnings, or those a removal was seen to wait with."""
        enrollment_id, change_id = int(reference["enrollment_id"]), int(reference["change_id"])
        kind = self._asked.get(change_id, changes.POST_WARNINGS)
        shown = self._shown.taken(kind, change_id)
        return acknowledge_notices(self._client, kind, enrollment_id, change_id, notices, shown=shown)

    def standing(self, enrollment_id: int) -> Standing:
        """Tell how an enrollment is set up; what is observed from then on goes by this reading."""
        self._forget(enrollment_id)
        return standing_of(self._enrollment(enrollment_id))

    def configure(self, standing: Standing, settings: Mapping[str, Any]) -> int | None:
        """Update the enrollment as it is read directly before."""
        self._forget(standing.enrollment_id)
        return configure(self._client, standing, settings)

    def checks(self, reference: Reference) -> Sequence[Notice]:
        """Read the pre-verification warnings."""
        enrollment_id, change_id = int(reference["enrollment_id"]), int(reference["change_id"])
        return read_notices(self._client, changes.PRE_WARNINGS, enrollment_id, change_id)

    def acknowledge_checks(self, reference: Reference, notices: Sequence[Notice]) -> bool:
        """Acknowledge exactly these pre-verification warnings."""
        enrollment_id, change_id = int(reference["enrollment_id"]), int(reference["change_id"])
        return acknowledge_notices(self._client, changes.PRE_WARNINGS, enrollment_id, change_id, notices)

    def go_on(self, reference: Reference, validation_hash: str) -> None:
        """Acknowledge change management for the validation result that was seen."""
        enrollment_id, change_id = int(reference["enrollment_id"]), int(reference["change_id"])
        self._client.acknowledge(changes.CHANGE_MANAGEMENT, enrollment_id, change_id, hash_text=validation_hash)

    def cancel(self, reference: Reference) -> None:
        """Cancel the change."""
        self._client.cancel_change(int(reference["enrollment_id"]), int(reference["change_id"]))
        self._forget(int(reference["enrollment_id"]))

    def hold_back(self, reference: Reference, until: datetime | None) -> None:
        """Set the change's deployment schedule."""
        enrollment_id, change_id = int(reference["enrollment_id"]), int(reference["change_id"])
        # When it lapses is somebody else's business, and stays.
        not_after = self._client.get_schedule(enrollment_id, change_id).not_after
        self._client.set_schedule(enrollment_id, change_id, changes.Schedule(until, not_after))

    def presence(self, reference: Reference, *, waits_for: str = "") -> Presence:
        """Tell what is there: no call where a survey shows that nothing moved, one while a removal is followed."""
        listed = seen_in(self._survey, reference, waits_for) if waits_for else None
        return listed or look_at(self._client, reference, self._asked)

    def remove(self, reference: Reference, *, cancel_pending: bool) -> int | None:
        """Delete the enrollment."""
        enrollment_id = int(reference["enrollment_id"])
        self._enrollments.pop(enrollment_id, None)
        self._survey.forget(enrollment_id)
        status = self._client.delete_enrollment(enrollment_id, allow_cancel_pending_changes=cancel_pending)
        return status.change_ids[-1] if status.change_ids else None

    def _enrollment(self, enrollment_id: int) -> EnrollmentRecord:
        """Read an enrollment once: whether CPS stops after staging does not change under a pending change."""
        surveyed = self._survey.enrollment(enrollment_id)
        if surveyed is not None:
            return surveyed
        if enrollment_id not in self._enrollments:
            self._enrollments[enrollment_id] = self._client.get_enrollment(enrollment_id)
        return self._enrollments[enrollment_id]

    def _forget(self, enrollment_id: int) -> None:
        self._enrollments.pop(enrollment_id, None)
        self._survey.forget(enrollment_id)

    def _unmoved(
        self, reference: Reference, wanted: set[str], waits_for: str, settings: Mapping[str, Any]
    ) -> PushState | None:
        """Say how far CPS is, where a survey shows it; None where it shows something else, or was not made.

        For production it is enough that the change is open: CPS ends it when it is there.
        """
        enrollment_id, network = int(reference["enrollment_id"]), _OF_LISTS[waits_for]
        live = self._survey.live(enrollment_id) if network == "staging" else None
        if network == "staging" and live is None:
            return None
        open_ids = self._survey.changes(enrollment_id) if live is None else live.changes
        if not self._is_open(open_ids or (), reference):
            return None
        state = PushState(f"deploying_{network}", f"deploys to {network}", look_again_s=_DEPLOYING_S)
        if live is None:
            return state
        state = replace(state, staging=live.staging, production=live.production)
        hidden = network_settings.hidden(settings, told(live.staging), live.sans)
        if hidden or not wanted <= _fingerprints(live.staging):
            return state
        if waits_for == "staging" or not self._enrollment(enrollment_id).change_management:
            return None
        # It stops there; whether it has is told by the review.
        return replace(state, phase="on_staging" if waits_for == REVIEW else state.phase, status="is on staging")

    def _warned(self, enrollment: EnrollmentRecord, change_id: int | None) -> PushState | None:
        """Look for warnings where they are expected: they can be read only while the change waits with them."""
        if change_id is None:
            return None
        notices = self._shown.read(self._client, changes.POST_WARNINGS, enrollment.id, change_id)
        if not notices:
            return None
        settings = enrollment.raw.get("networkConfiguration") or {}
        goes_on = not enrollment.change_management
        return PushState("wants_decision", "waits with warnings", notices=notices, goes_on=goes_on, settings=settings)

    @staticmethod
    def _change_id(enrollment: EnrollmentRecord, reference: Reference) -> int | None:
        """Give our own change if it is still open, and no other one."""
        open_ids = [change.change_id for change in enrollment.pending_changes]
        return int(reference["change_id"]) if AkamaiCpsTarget._is_open(open_ids, reference) else None

    @staticmethod
    def _is_open(open_ids: Sequence[int], reference: Reference) -> bool:
        wanted = reference.get("change_id")
        return wanted is not None and int(wanted) in open_ids

    def _of_change(self, enrollment: EnrollmentRecord, change_id: int, change: ChangeRecord) -> PushState:
        status, error = change.status_text, change.error_text
        goes_on = not enrollment.change_management
        if change.state == "error":
            return PushState("failed", status, error=error or status, goes_on=goes_on)
        needed = change.needed
        if needed is None:
            # A caller waits in either; the word only names what is waited for.
            phase = "deploying_staging" if "staging" in change.status else "busy"
            return PushState(phase, status, error=error, goes_on=goes_on, look_again_s=_pace(phase))
        if needed.kind is changes.CSR:
            return PushState("wants_certificate", status, error=error, goes_on=goes_on, look_again_s=_NEAR_S)
        if needed.kind is changes.PRE_WARNINGS:
            return PushState("wants_csr", status, goes_on=goes_on)
        if needed.kind is changes.POST_WARNINGS:
            notices = self._shown.read(self._client, changes.POST_WARNINGS, enrollment.id, change_id)
            phase = "wants_decision" if notices else "busy"
            return PushState(phase, status, notices=notices, goes_on=goes_on)
        if needed.kind is changes.CHANGE_MANAGEMENT:
            return PushState("on_staging", status, goes_on=goes_on)
        return PushState("busy", f"{status}: waits for {needed.type}, which is not known here", goes_on=goes_on)

    def _at_work(self, enrollment_id: int, change: ChangeRecord, state: PushState, wanted: set[str]) -> PushState:
        """Say so when a working change has passed staging already, as CPS does without change management.

        No input tells it then. Deployments are looked at first, when the change moved and CPS will not stop after
        staging by itself, and from time to time. With change management its word may only hint at it: somebody else
        acknowledged.
        """
        now, known = self._clock.monotonic(), self._served.get(enrollment_id)
        has_moved = known is not None and state.goes_on and known.status != change.status
        if known is None or has_moved or (now - known.at >= _DEPLOYED_AGE_S and not self._is_on_staging(known, wanted)):
            found = self._client.get_deployments(enrollment_id)
            known = _Served(change.status, now, deployed_facts(found.staging), deployed_facts(found.production))
            self._served[enrollment_id] = known
        is_served = self._is_on_staging(known, wanted)
        # With change management it may be before its stop after staging as well as past it.
        served = "deploying_production" if state.goes_on else "busy"
        phase, pace = (served, _DEPLOYING_S) if is_served else (state.phase, state.look_again_s)
        return replace(state, phase=phase, look_again_s=pace, staging=known.staging, production=known.production)

    @staticmethod
    def _is_on_staging(known: _Served, wanted: set[str]) -> bool:
        """Say whether staging served it all; what comes after that is told by the end of the change."""
        return wanted <= _fingerprints(known.staging)

    def _without_change(self, enrollment_id: int, status: str, wanted: Mapping[str, str]) -> PushState:
        """Say what is deployed when our change is over, or the enrollment gone with it."""
        try:
            return self._with_deployments(enrollment_id, PushState("none", status), wanted)
        except RemoteNotFound:
            return PushState("none", f"enrollment {enrollment_id} is gone")

    def _with_deployments(self, enrollment_id: int, state: PushState, wanted: Mapping[str, str]) -> PushState:
        """Add what is deployed: from the survey where it shows what is wanted, else asked for itself."""
        live = self._survey.live(enrollment_id) if wanted else None
        if live is not None:
            last = live.staging if state.phase == "on_staging" else live.production
            if set(wanted.values()) <= _fingerprints(last):
                return replace(state, staging=live.staging, production=live.production)
        found = self._client.get_deployments(enrollment_id)
        return replace(state, staging=deployed_facts(found.staging), production=deployed_facts(found.production))


def _fingerprints(network: NetworkFacts) -> set[str]:
    return {facts["fingerprint"] for facts in network.certificates}


def _pace(phase: str) -> float:
    return _DEPLOYING_S if phase == "deploying_staging" else _NEAR_S
