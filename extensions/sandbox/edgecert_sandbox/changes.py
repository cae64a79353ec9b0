# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The machine that walks changes through their phases as time passes, and moves certificates onto the networks.

Works on the account's records; knows nothing of requests or wire shapes.
"""

from __future__ import annotations

import copy
import heapq
from datetime import datetime, timedelta

from . import keys
from .authority import Authority
from .clock import iso, parse_iso
from .model import Account, CertificateEntry, Change, Deployment, Enrollment, KeyPair, Wire, WorldConfig
from .phases import FIRST_PHASE, PHASES, Input
from .warning_texts import worded

DEFAULT_PRE_WARNING = (
    "Some of the domains being provisioned (%s) exist on another certificate. Akamai recommends against overlapping "
    "names on Enhanced TLS and Standard TLS certificates except during digital property migrations. Enhanced TLS "
    "traffic could be misdirected in the event of DNS misconfiguration and treated as Standard TLS until the overlap "
    "is eliminated."
)
PUSH_LEAD = timedelta(days=7)
# Phases that a date ends, and the phase after it.
DATED = {"approval": "produce", "scheduled": "produce", "removal_approval": "remove"}


class Machine:
    """Walk every change to where the clock says it is.

    Each step happens at the moment it falls due, not at the moment of looking.
    """

    def __init__(self, account: Account, config: WorldConfig, authority: Authority) -> None:
        self.account = account
        self.config = config
        self.authority = authority

    def run(self, now: datetime) -> None:
        """Do everything that is due, in the order in which it fell due."""
        line = self.account.timeline
        while line and line[0][0] <= now:
            due, _sequence, eid, cid = heapq.heappop(line)
            enrollment = self.account.enrollments.get(eid)
            if enrollment is None:
                continue
            if cid == 0:
                self._auto_renew(enrollment, due)
                continue
            change = next((one for one in enrollment.pending if one.id == cid), None)
            if change is not None and change.due == due:
                self._step(enrollment, change, due)

    def open(
        self,
        enrollment: Enrollment,
        change_type: str | None,
        action: str,
        at: datetime,
        *,
        previous: Wire | None = None,
        needs_certificate: bool = True,
        first_phase: str = "",
        created_by: str = "",
    ) -> Change:
        """Open a change; the first one of an enrollment carries the enrollment's own number."""
        first = not enrollment.changes
        change = Change(
            id=enrollment.id if first else self.account.next("id"),
            enrollment_id=enrollment.id,
            change_type=change_type,
            action=action,
            phase="",
            entered_at=at,
            created_on=at,
            created_by=created_by or self.config.user,
            needs_certificate=needs_certificate,
            previous=previous,
            algorithms=list(keys.ALGORITHMS) if enrollment.doc["enableMultiStackedCertificates"] else ["RSA"],
        )
        enrollment.changes.append(change)
        self.account.note(at, "change-opened", enrollment.id, change.id, action)
        phase = first_phase or FIRST_PHASE[enrollment.doc["validationType"]]
        if phase == "challenges":
            change.challenges = self.authority.challenges(keys.names_of(enrollment.doc["csr"]), at)
        self.enter(enrollment, change, phase, at)
        return change

    def enter(self, enrollment: Enrollment, change: Change, phase: str, at: datetime) -> None:
        """Put a change into a phase and set when the phase ends by itself."""
        if change.phase:
            change.last_updated = at
        change.phase = phase
        change.entered_at = at
        row = PHASES[phase]
        change.due = None
        self.account.note(at, "phase", enrollment.id, change.id, phase)
        if phase == "upload" and not change.csr_ready:
            change.csr_ready, change.csr_ready_at = True, at
        if phase == "complete":
            self._complete(enrollment, change, at)
        elif row.lasts:
            self._plan(change, at + timedelta(seconds=float(getattr(self.config, row.lasts)) * row.share))
        elif phase in DATED:
            self.reschedule(enrollment, change, at)

    def answer_input(self, enrollment: Enrollment, change: Change, phase: str, at: datetime) -> None:
        """Go on after an input was given; readers see the old status for a while."""
        change.shown_phase, change.shown_until = change.phase, at + timedelta(seconds=self.config.lag_s)
        change.last_updated = at
        change.error = None
        self.enter(enrollment, change, phase, at)

    def inputs(self, change: Change, now: datetime) -> tuple[Input, ...]:
        """Give what a change takes now; a phase just entered takes nothing for a moment."""
        if now < change.entered_at + timedelta(seconds=self.config.empty_input_s):
            return ()
        return PHASES[change.phase].inputs

    def keys_of(self, enrollment: Enrollment, change: Change) -> list[KeyPair]:
        """Give a change's keys and CSRs, made once when first asked for; none before the CSR is ready.

        A refused upload comes back to the same CSR; only a new change means a new key.
        """
        if change.csr_ready and not change.keys:
            third_party = enrollment.doc.get("thirdParty") or {}
            exclude = bool(third_party.get("excludeSans"))
            csr = enrollment.doc["csr"]
            change.keys = [keys.make_pair(algorithm, csr, exclude) for algorithm in change.algorithms]
        return change.keys

    def offered(self, enrollment: Enrollment, change: Change, now: datetime) -> list[KeyPair]:
        """Give the keys whose CSRs are shown: a second one may come later than the first."""
        pairs = self.keys_of(enrollment, change)
        second = change.csr_ready_at and change.csr_ready_at + timedelta(seconds=self.config.second_csr_s)
        return pairs[:1] if second is not None and now < second else pairs

    def cancel(self, enrollment: Enrollment, change: Change, at: datetime, keep_enrollment: bool = False) -> None:
        """Cancel a change: what it asked for is undone; an enrollment that never went live vanishes with it."""
        self.keys_of(enrollment, change)
        change.outcome, change.phase, change.due = "cancelled", "cancelled", None
        change.shown_until = None
        change.last_updated = change.entered_at = at
        if change.previous is not None and not self.config.cancel_keeps_document:
            enrollment.doc = change.previous
        if self.config.cancel_restores_staging and change.previous_staging is not None:
            enrollment.staging = change.previous_staging
            self._turn("staging")
        self.account.note(at, "change-cancelled", enrollment.id, change.id, change.action)
        if enrollment.production is None and not keep_enrollment:
            self.remove(enrollment, at)

    def remove(self, enrollment: Enrollment, at: datetime) -> None:
        """Take an enrollment away with all it deployed."""
        del self.account.enrollments[enrollment.id]
        for network in ("staging", "production"):
            if enrollment.deployed(network) is not None:
                self._turn(network)
        self.account.note(at, "enrollment-removed", enrollment.id, None, str(enrollment.doc["csr"]["cn"]))

    def deadline(self, enrollment: Enrollment) -> datetime | None:
        """Give the moment CPS pushes a staged change by itself: seven days before the live certificate ends."""
        live = enrollment.production
        if live is None or not live.certificates:
            return None
        return min(entry.not_after for entry in live.certificates) - PUSH_LEAD

    def reschedule(self, enrollment: Enrollment, change: Change, at: datetime) -> None:
        """Set anew when a waiting change goes on by itself: its date, its end, or CPS's own deadline."""
        moments = [parse_iso(change.not_after)] if change.not_after else []
        if change.phase == "scheduled" and change.not_before:
            moments.append(parse_iso(change.not_before))
        deadline = self.deadline(enrollment)
        if change.phase in ("approval", "removal_approval") and deadline is not None and not change.not_before:
            moments.append(deadline)
        change.due = None
        if change.phase == "scheduled" and not change.not_before:
            moments = [at]
        if moments:
            self._plan(change, max(at, min(moments)))

    def to_production(self, enrollment: Enrollment, change: Change, at: datetime) -> str:
        """Name the phase that follows staging: production now, or waiting for the date."""
        if change.not_before and parse_iso(change.not_before) > at:
            return "scheduled"
        return "produce"

    def watch_renewal(self, enrollment: Enrollment) -> None:
        """Note when CPS will open a renewal by itself, from what is live now."""
        live = enrollment.production
        if live is None or not live.certificates:
            return
        entry = min(live.certificates, key=lambda one: one.not_after)
        lead = min(timedelta(days=self.config.auto_renewal_days), (entry.not_after - entry.not_before) / 3)
        enrollment.auto_renewal_at = entry.not_after - lead
        enrollment.auto_renewal_opened = False
        self._push(enrollment.auto_renewal_at, enrollment.id, 0)

    def _plan(self, change: Change, due: datetime) -> None:
        change.due = due
        self._push(due, change.enrollment_id, change.id)

    def _push(self, due: datetime, eid: int, cid: int) -> None:
        heapq.heappush(self.account.timeline, (due, self.account.next("timeline"), eid, cid))

    def _turn(self, network: str) -> None:
        self.account.generations[network] += 1

    def _step(self, enrollment: Enrollment, change: Change, at: datetime) -> None:
        phase = change.phase
        if phase in DATED:
            self._date_passed(enrollment, change, at)
            return
        if phase in ("stage", "stage_config"):
            self._install(enrollment, change, ("staging",), at)
        elif phase == "produce":
            self._install(enrollment, change, ("staging", "production"), at)
        following = PHASES[phase].then
        if following.startswith("decide_"):
            following = self._decide(following, enrollment, change, at)
        if following:
            self.enter(enrollment, change, following, at)

    def _decide(self, decision: str, enrollment: Enrollment, change: Change, at: datetime) -> str:
        if decision == "decide_after_checks":
            return self._after_checks(change)
        if decision == "decide_after_verify":
            return self._after_verify(change, at)
        if decision == "decide_after_issuing":
            change.uploads = self.authority.issue(enrollment.doc, change.algorithms, at)
            return "slots"
        if decision == "decide_kind_of_deployment":
            if change.skips_staging:
                return self.to_production(enrollment, change, at)
            return "stage" if change.needs_certificate else "stage_config"
        if decision == "decide_after_staging":
            return "approval" if enrollment.doc["changeManagement"] else self.to_production(enrollment, change, at)
        if decision == "decide_after_staging_removal":
            change.previous_staging, enrollment.staging = enrollment.staging, None
            self._turn("staging")
            return "removal_approval"
        self.remove(enrollment, at)
        return ""

    def first_of_removal(self, enrollment: Enrollment) -> str:
        """Name the phase in which taking an enrollment off the networks begins."""
        is_stopped = self.config.deprovision_stops and enrollment.doc["changeManagement"]
        return "remove_staging" if is_stopped else "remove"

    def _after_checks(self, change: Change) -> str:
        setting = self.config.pre_verification_warnings
        texts = [DEFAULT_PRE_WARNING] if setting is True else worded(setting or [])
        change.pre_warnings = texts
        if texts:
            return "review_checks"
        return self.after_review(change)

    def after_review(self, change: Change) -> str:
        """Name the phase after the pre-verification checks."""
        return "generate" if change.needs_certificate else "slots"

    def _after_verify(self, change: Change, at: datetime) -> str:
        if change.found_errors:
            change.error = {
                "code": "third-party-certificate-verification-failed",
                "description": "\n".join(change.found_errors),
                "timestamp": iso(at),
            }
            change.uploads = []
            return "upload"
        return "review_certificate" if change.found_warnings else "slots"

    def _date_passed(self, enrollment: Enrollment, change: Change, at: datetime) -> None:
        if change.not_after and parse_iso(change.not_after) <= at:
            self.account.note(at, "change-lapsed", enrollment.id, change.id, change.not_after)
            self.cancel(enrollment, change, at)
            return
        if change.phase != "scheduled":
            self.account.note(at, "auto-push", enrollment.id, change.id, "seven days before the live certificate ends")
        self.enter(enrollment, change, DATED[change.phase], at)

    def _install(self, enrollment: Enrollment, change: Change, networks: tuple[str, ...], at: datetime) -> None:
        base = enrollment.production.certificates if enrollment.production else []
        certificates = _merged(base, change)
        deployment = Deployment(
            certificates=certificates,
            network=copy.deepcopy(enrollment.doc["networkConfiguration"]),
            dns_names=deployed_names(enrollment.doc),
            at=at,
        )
        if not enrollment.slots:
            enrollment.slots = [self.account.next("slot")]
        if networks == ("staging",):
            change.previous_staging = enrollment.staging
        for network in networks:
            setattr(enrollment, network, deployment)
            self._turn(network)
            self.account.note(at, f"deployed-{network}", enrollment.id, change.id, change.action)
        fingerprints = [entry.fingerprint for entry in certificates]
        if fingerprints not in [[entry.fingerprint for entry in old.certificates] for old in enrollment.past]:
            enrollment.past.append(deployment)

    def _complete(self, enrollment: Enrollment, change: Change, at: datetime) -> None:
        change.outcome = "completed"
        change.last_updated = at
        change.previous = None
        self.account.note(at, "change-completed", enrollment.id, change.id, change.action)
        if change.needs_certificate:
            self.watch_renewal(enrollment)

    def _auto_renew(self, enrollment: Enrollment, at: datetime) -> None:
        planned = enrollment.auto_renewal_at
        if planned is None or at < planned or enrollment.auto_renewal_opened:
            return
        if enrollment.pending:
            self._push(at + timedelta(days=1), enrollment.id, 0)
            return
        enrollment.auto_renewal_opened = True
        self.open(enrollment, "renewal", "renew", at, created_by="CPS")


def _merged(base: list[CertificateEntry], change: Change) -> list[CertificateEntry]:
    """Give the certificates a change leaves deployed, ECDSA first, as CPS lists its primary one."""
    if not change.needs_certificate:
        return base
    kept = [entry for entry in base if change.adds_missing and entry.key_algorithm not in change.algorithms]
    return sorted([*change.uploads, *kept], key=lambda entry: entry.key_algorithm)


def deployed_names(doc: Wire) -> list[str]:
    """Give the names a network answers for: those set, or all of the certificate's."""
    settings = doc["networkConfiguration"].get("dnsNameSettings")
    if settings and not settings["cloneDnsNames"] and settings.get("dnsNames"):
        return sorted(name.lower() for name in settings["dnsNames"])
    return keys.names_of(doc["csr"])
