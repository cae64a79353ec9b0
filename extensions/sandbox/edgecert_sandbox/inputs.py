# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reading and giving the inputs a change waits for: CSR, certificate, acknowledgements. Knows nothing of HTTP."""

from __future__ import annotations

from datetime import datetime

from . import verification, views
from .changes import Machine
from .model import Change, Enrollment, KeyPair, Wire
from .phases import CERTIFICATE, CHALLENGES, CHANGE_MANAGEMENT, INFOS, PHASES, POST_WARNINGS, PRE_WARNINGS, UPDATES
from .problems import Answer, Problem, invalid, not_found, wrong_state
from .warning_texts import worded

ENTITIES = {
    CERTIFICATE.info: ("csr",),
    PRE_WARNINGS.info: ("warnings",),
    POST_WARNINGS.info: ("warnings",),
    CHANGE_MANAGEMENT.info: ("change-management-info", "deployment"),
    CHALLENGES.info: ("dv-challenges",),
}
V1_CHALLENGE_MEMBERS = ("fullPath", "redirectFullPath", "responseBody", "token")


def read_info(
    machine: Machine, enrollment: Enrollment, change: Change, tail: str, entity: str, version: int, now: datetime
) -> Answer:
    """Answer an input's ``info`` address.

    :raises Problem: 404 when the change does not wait for that input (not yet, or no longer); 406 for another entity.
    """
    wanted = INFOS.get(tail)
    if wanted is None:
        raise not_found(f"Input information {tail}")
    if entity not in ENTITIES[tail]:
        raise Problem(406, "not-acceptable", "Not Acceptable", f"{tail} cannot be given as {entity}.")
    if tail not in [one.info for one in machine.inputs(change, now)]:
        raise not_found(f"Input information {tail} of change {change.id}")
    if entity == "deployment":
        if enrollment.staging is None:
            raise not_found(f"A staging deployment of enrollment {enrollment.id}")
        return Answer(200, entity, views.deployment_view(enrollment.staging, version))
    if entity == "csr":
        return Answer(200, entity, views.csr_view(machine.offered(enrollment, change, now), version))
    if entity == "dv-challenges":
        return Answer(200, entity, _challenges_view(change, version))
    if entity == "change-management-info":
        return Answer(200, entity, views.change_management_view(machine, enrollment, change, version))
    if tail == PRE_WARNINGS.info:
        return Answer(200, entity, {"warnings": verification.warnings_text(change.pre_warnings, headed=False)})
    return Answer(200, entity, {"warnings": verification.warnings_text(change.found_warnings)})


def _challenges_view(change: Change, version: int) -> Wire:
    if version >= 2:
        return {"dv": change.challenges}
    flat = []
    for domain in change.challenges:
        http = domain["challenges"][0]
        outer = {name: value for name, value in domain.items() if name not in ("challenges", "validationStatus")}
        flat.append({**outer, **{name: http[name] for name in V1_CHALLENGE_MEMBERS}})
    return {"challenges": flat}


def give_input(machine: Machine, enrollment: Enrollment, change: Change, tail: str, body: Wire, now: datetime) -> None:
    """Take what was posted to an input's ``update`` address.

    :raises Problem: 404 unknown input, 409 not waited for now, 400 unusable, 409 a hash of another state.
    """
    if tail not in UPDATES:
        raise not_found(f"Input {tail}")
    if tail not in [one.update for one in machine.inputs(change, now)]:
        raise wrong_state(f"Change {change.id} does not wait for {tail}; its status is {PHASES[change.phase].status}.")
    if tail == CERTIFICATE.update:
        _upload(machine, enrollment, change, body, now)
        return
    if body.get("acknowledgement") not in ("acknowledge", "deny"):
        raise invalid("Invalid acknowledgement", "acknowledgement must be acknowledge or deny.")
    if tail == CHANGE_MANAGEMENT.update:
        _check_approval(enrollment, change, body)
    if body["acknowledgement"] == "deny":
        machine.account.note(now, "denied", enrollment.id, change.id, tail)
        machine.cancel(enrollment, change, now)
        return
    machine.account.note(now, "acknowledged", enrollment.id, change.id, tail)
    machine.answer_input(enrollment, change, _after_acknowledgement(machine, enrollment, change, tail, now), now)


def _after_acknowledgement(machine: Machine, enrollment: Enrollment, change: Change, tail: str, now: datetime) -> str:
    if tail == PRE_WARNINGS.update:
        return machine.after_review(change)
    if change.phase == "removal_approval":
        return "remove"
    if tail == CHANGE_MANAGEMENT.update:
        return machine.to_production(enrollment, change, now)
    if tail == CHALLENGES.update:
        return "issuing"
    if change.phase == "review_names":
        return machine.after_review(change)
    return machine.first_of_removal(enrollment) if change.phase == "removal_review" else "slots"


def _check_approval(enrollment: Enrollment, change: Change, body: Wire) -> None:
    given = body.get("hash")
    if given is not None and given != views.validation_hash(enrollment, change):
        raise wrong_state("The validation result has changed since it was read; read it again.")
    if change.validation_errors and body["acknowledgement"] == "acknowledge":
        raise wrong_state(f"The change has validation errors: {'; '.join(change.validation_errors)}")


def _upload(machine: Machine, enrollment: Enrollment, change: Change, body: Wire, now: datetime) -> None:
    given = body.get("certificatesAndTrustChains")
    if given is None:
        # Version 1 of the body carries one certificate and does not name its algorithm.
        given = [{**body, "keyAlgorithm": change.algorithms[0]}]
    pairs = {pair.key_algorithm: pair for pair in machine.offered(enrollment, change, now)}
    algorithms = [one["keyAlgorithm"] for one in given]
    if not algorithms or len(set(algorithms)) < len(algorithms):
        raise invalid("Invalid certificate", "Give one certificate per key algorithm.")
    unknown = [name for name in algorithms if name not in pairs]
    if unknown:
        raise invalid("Invalid certificate", f"No CSR was made for {', '.join(unknown)}; offered: {', '.join(pairs)}.")
    change.uploads, change.found_errors, change.found_warnings = [], [], []
    for one in given:
        _check_one(machine, enrollment, change, one, pairs[one["keyAlgorithm"]], now)
    change.found_warnings += worded(machine.config.post_verification_warnings)
    machine.account.note(now, "uploaded", enrollment.id, change.id, ", ".join(algorithms))
    machine.answer_input(enrollment, change, "verify", now)


def _check_one(
    machine: Machine, enrollment: Enrollment, change: Change, given: Wire, pair: KeyPair, now: datetime
) -> None:
    found = verification.check_upload(
        given.get("certificate") or "",
        given.get("trustChain") or "",
        pair,
        enrollment.doc["csr"],
        now,
        machine.config.standard_roots,
    )
    change.found_errors += found.errors
    change.found_warnings += found.warnings
    if found.entry is not None:
        change.uploads.append(found.entry)
