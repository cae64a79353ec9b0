# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The change state machine as a table: what each phase is called on the wire, how long it lasts, what it waits for.

Data only; ``changes`` walks it. Knows nothing of requests.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Input:
    """An allowed input: ``type`` as returned, and the tails of its two addresses."""

    type: str
    info: str
    update: str
    required: bool = True


@dataclass(frozen=True)
class Phase:
    """One phase of a change.

    :param status: status on the wire; several phases may share one, as on the real service.
    :param lasts: name of the duration in the configuration; empty waits for input (or for a date).
    :param share: part of that duration spent here.
    :param then: phase that follows by itself, or the name of a decision of the machine (begins with ``decide_``).
    :param cancellable: whether a change can still be cancelled here.
    """

    status: str
    state: str
    description: str
    lasts: str = ""
    share: float = 1.0
    then: str = ""
    inputs: tuple[Input, ...] = ()
    cancellable: bool = True


PRE_WARNINGS = Input(
    "pre-verification-warnings-acknowledgement", "pre-verification-warnings", "pre-verification-warnings-ack"
)
POST_WARNINGS = Input(
    "post-verification-warnings-acknowledgement", "post-verification-warnings", "post-verification-warnings-ack"
)
CERTIFICATE = Input("third-party-certificate", "third-party-csr", "third-party-cert-and-trust-chain")
CERTIFICATE_AGAIN = Input(CERTIFICATE.type, CERTIFICATE.info, CERTIFICATE.update, required=False)
CHANGE_MANAGEMENT = Input("change-management", "change-management-info", "change-management-ack")
CHALLENGES = Input(
    "lets-encrypt-challenges", "lets-encrypt-challenges", "lets-encrypt-challenges-completed", required=False
)

WAITING = "awaiting-input"
RUNNING = "running"

PHASES: dict[str, Phase] = {
    "checks": Phase(
        "pre-verification-safety-checks",
        RUNNING,
        "Running pre-verification safety checks.",
        "pre_verification_s",
        then="decide_after_checks",
    ),
    "review_checks": Phase(
        "wait-review-pre-verification-safety-checks",
        WAITING,
        "Waiting for you to review and acknowledge pre-verification warnings.",
        inputs=(PRE_WARNINGS,),
    ),
    "generate": Phase("generate-csr", RUNNING, "Generating the CSR.", "csr_s", then="upload"),
    "upload": Phase(
        "wait-upload-third-party",
        WAITING,
        "Waiting for you to upload and submit your third party certificate and trust chain.",
        inputs=(CERTIFICATE,),
    ),
    "verify": Phase(
        "verify-third-party-cert",
        RUNNING,
        "Verifying the third party certificate.",
        "verify_s",
        then="decide_after_verify",
    ),
    "review_certificate": Phase(
        "wait-review-third-party-cert",
        WAITING,
        "Waiting for you to review and acknowledge post-verification warnings.",
        inputs=(POST_WARNINGS, CERTIFICATE_AGAIN),
    ),
    "challenges": Phase(
        "coodinate-domain-validation",
        "suspended",
        "Waiting for domain validation to be completed.",
        inputs=(CHALLENGES,),
    ),
    "vetting": Phase("check-for-cert", RUNNING, "Waiting for the certificate authority."),
    "issuing": Phase("check-for-cert", RUNNING, "Fetching the certificate.", "verify_s", then="decide_after_issuing"),
    "slots": Phase(
        "create-slot-files", RUNNING, "Creating slot files.", "staging_s", 0.2, then="decide_kind_of_deployment"
    ),
    "stage": Phase(
        "deploy-cert-to-staging", RUNNING, "Deploying the certificate to staging.", "staging_s", 0.6, then="stage_check"
    ),
    "stage_config": Phase(
        "deploy-changes-to-staging", RUNNING, "Deploying changes to staging.", "staging_s", 0.6, then="stage_check"
    ),
    "stage_check": Phase(
        "live-check-action",
        RUNNING,
        "Checking the staging network.",
        "staging_s",
        0.2,
        then="decide_after_staging",
    ),
    "approval": Phase(
        "wait-ack-change-management",
        WAITING,
        "Waiting for you to acknowledge the change on staging.",
        inputs=(CHANGE_MANAGEMENT,),
    ),
    "scheduled": Phase("deploy-cert-to-production", RUNNING, "Waiting for the scheduled deployment date."),
    "produce": Phase(
        "deploy-cert-to-production",
        RUNNING,
        "Deploying the certificate to production.",
        "production_s",
        0.8,
        then="produce_check",
        cancellable=False,
    ),
    "produce_check": Phase(
        "live-check-action",
        RUNNING,
        "Checking the production network.",
        "production_s",
        0.2,
        then="complete",
        cancellable=False,
    ),
    "complete": Phase("complete", "completed", "The change is complete.", cancellable=False),
    "cancelled": Phase("abandon-slots-action", "cancelled", "The change was cancelled.", cancellable=False),
    "removal_review": Phase(
        "wait-review-cert-warning",
        WAITING,
        "Waiting for you to review and acknowledge warnings.",
        inputs=(POST_WARNINGS,),
    ),
    "remove_staging": Phase(
        "deprovision-cert",
        RUNNING,
        "Removing the certificate from the staging network.",
        "deprovision_s",
        then="decide_after_staging_removal",
    ),
    "removal_approval": Phase(
        "wait-ack-change-management",
        WAITING,
        "Waiting for you to acknowledge the removal on staging.",
        inputs=(CHANGE_MANAGEMENT,),
    ),
    "review_names": Phase(
        "wait-review-cert-warning",
        WAITING,
        "Waiting for you to review and acknowledge the names that are removed.",
        inputs=(POST_WARNINGS,),
    ),
    "remove": Phase(
        "deprovision-cert",
        RUNNING,
        "Removing the certificate from the network.",
        "deprovision_s",
        then="decide_after_removal",
        cancellable=False,
    ),
}

REMOVES = ("removal_review", "remove_staging", "removal_approval", "remove")
"""Phases of a change that takes its enrollment away."""
FIRST_PHASE = {"third-party": "checks", "dv": "challenges", "ov": "vetting", "ev": "vetting"}
MID_DEPLOYMENT = ("slots", "stage", "stage_config", "stage_check", "scheduled", "produce", "produce_check")

UPDATES = {
    phase_input.update: phase_input
    for phase_input in (PRE_WARNINGS, POST_WARNINGS, CERTIFICATE, CHANGE_MANAGEMENT, CHALLENGES)
}
INFOS = {phase_input.info: phase_input for phase_input in UPDATES.values()}
