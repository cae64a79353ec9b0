# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Enrol a certificate: a new request, or the next moves of one that stands somewhere (E24).

Planning reads only; when the next move waits for somebody else and the caller does not want to wait, there is no step.
A renewal of what is enrolled is planned in ``renewing``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

from .._core import fields, vocabulary
from .._core.csr_sources import ALLOW_DUPLICATE
from .._core.errors import InputError
from .._core.governance import Group
from .._core.plan import Outcome, Plan, Step
from .._core.types import CaAccount, Certificate, CertRequest, Device
from . import (
    attachments,
    ca_accounts,
    edits,
    form,
    form_extras,
    form_places,
    gate,
    key_secrets,
    moments,
    places,
    policy,
    removals,
    request_changes,
    requests,
    standby,
    standing,
)
from .dual_stack import refuse_only_missing
from .ports import Params, Ports
from .requests import Submission
from .views import certificate_view
from .work_views import request_view

if TYPE_CHECKING:
    from .._core.field_records import CaFacts
    from .._core.key_records import KeyDevice
    from .moves import Mover

ACTIONS = ("enroll", "renew", "regenerate", "revoke", "adopt")


def plan(params: Params, ports: Ports) -> Plan:
    """Work out what ``cert_enroll`` would do.

    :raises InputError: the form, the CA's rules or the key provider's, all problems at once.
    :raises PolicyError: the group's policy refuses it.
    :raises StateError: the certificate is enrolled, or being enrolled, with other values.
    """
    params, otherwise = _read(params)
    if (params.get("action") or "enroll") != "enroll":
        return _other_action(params, ports, otherwise)
    _refuse_reason(params)
    edits.refuse_unused(params)
    drafts, wrong = attachments.drafted(params)
    seen = _look(params, ports, [*otherwise, *wrong])
    latest, certificate = seen.latest, seen.certificate
    if latest is not None:
        if latest.state == "draft":
            latest = _drafted(latest, seen, params, ports)
        else:
            _refuse_other_csr(latest, params)
            standing.compare(latest, seen.wish, params)
            key_secrets.refuse_other_challenge(ports.store, latest, params)
        if latest.state == "issued" and not _has_changes(latest, seen.wish, params) and not drafts:
            return _as_wanted(latest, certificate, ports)
        _refuse_move(latest, seen, ports)
    # Most calls of a schedule end above, and need none of this.
    from . import moves

    request = latest or _new_request(seen, params, ports)
    mover = moves.Mover(ports, request, seen.device, seen.account, wait_s=wait_of(params))
    mover.warnings = policy.warning_lists(seen.group, seen.wish["warnings"])
    mover.challenge = key_secrets.given(params)
    mover.follows = standing.follows(request, seen.ended) if latest is None else ""
    _check_new(mover, seen, params.get("freeze_override") or "")
    # With another CSR than its own only a draft comes so far.
    warnings = [*standing.shared_keys(ports.store, request, seen.latest), *standby.warnings(mover)]
    return _plan(params, ports, mover, seen, drafts, warnings)


def _read(params: Params) -> tuple[Params, list[str]]:
    """Refuse options that do not go together, and fill the form from an uploaded CSR.

    :returns: the form, and where it says something else than its CSR.
    """
    refuse_only_missing(params)
    otherwise: list[str] = []
    if params.get("csr") or params.get("csr_path"):
        from . import csr_upload

        params = csr_upload.filled(params, otherwise)
    if params.get("from_snapshot"):
        from .snapshots import refuse_filled

        refuse_filled(params)
    return params, otherwise


def _other_action(params: Params, ports: Ports, otherwise: list[str]) -> Plan:
    """Plan what follows a first enrolment: another certificate, or the end of this one."""
    if otherwise:
        raise InputError.of_problems(f"Cannot {params['action']} {params['common_name']}", otherwise)
    if params.get(ALLOW_DUPLICATE):
        raise InputError(f"Cannot {params['action']} with allow_duplicate: only action: enroll opens enrollments")
    if params["action"] == "revoke":
        from . import revoking

        return revoking.plan(params, ports)
    _refuse_reason(params)
    if params["action"] == "adopt":
        from . import adopting

        return adopting.plan(params, ports)
    from . import renewing

    return renewing.plan(params, ports)


def _refuse_reason(params: Params) -> None:
    if params.get("reason"):
        raise InputError("Cannot enrol a certificate for a reason: reason goes with action: revoke alone")


@dataclass(frozen=True)
class _Seen:
    """What the store says about what is asked for.

    :ivar latest: the request to go on with; None for a new one, then ``ended`` is the one before it, if any.
    :ivar asked: the form, with what is stored or the group's defaults laid under it; ``wish`` what it makes.
    """

    certificate_id: str
    certificate: Certificate | None
    latest: CertRequest | None
    ended: CertRequest | None
    group: Group
    asked: Params
    wish: Mapping[str, Any]
    account: CaAccount
    device: Device | KeyDevice | None


def _look(params: Params, ports: Ports, wrong: list[str]) -> _Seen:
    """Read what the store says.

    :param wrong: what is wrong with the form already, told with the rest of it.
    """
    now = ports.clock.now()
    with ports.store.read() as unit:
        certificate_id = form.certificate_id(named(params), unit, now)
        certificate = unit.certificates.get(certificate_id)
        found = standing.newest(unit, certificate_id, certificate)
        latest = found if found is not None and standing.is_going_on(found, certificate) else None
        group = policy.group_of(unit, params.get("group") or (latest.group if latest else ""))
        if latest is None:
            removals.refuse_beside(unit, certificate_id, "enrol")
        if latest is not None:
            asked = {**form.overlaid(params, latest.wish, latest.csr_source), "ca": params.get("ca") or latest.ca}
        else:
            asked = policy.filled(named(params), group)
        try:
            asked["ca"] = requests.named_ca(asked, group, certificate_id)
        except InputError as exc:
            asked["ca"], wrong = "", [*wrong, exc.message.partition(": ")[2]]
        # What goes on, or is done, was held against its CA before; to ask that again costs its libraries.
        is_judged = bool(asked["ca"]) and (latest is None or latest.state == "draft" or fields.asks_ca(params))

        def capabilities() -> CaFacts:
            return ports.ca(ca_accounts.required(unit, asked["ca"])).capabilities()

        if latest is not None and latest.state == "issued" and params.get("auto_regenerate"):
            from . import renewal

            wrong = [*wrong, *renewal.toggle_problems(certificate, params["auto_regenerate"], now)]
        wish = form.build(asked, unit, now, capabilities=capabilities if is_judged else None, also=wrong)
        # One that is under way may have turned to a standby account; what a call names is compared.
        at = latest.ca if latest is not None and latest.state != "draft" else asked["ca"]
        account = ca_accounts.required(unit, at)
        device = places.of_wish(unit, form_places.source_of(asked), wish)
    ended = None if latest else found
    return _Seen(certificate_id, certificate, latest, ended, group, asked, wish, account, device)


def _drafted(draft: CertRequest, seen: _Seen, params: Params, ports: Ports) -> CertRequest:
    """Give a draft as it is wanted now: until it is submitted, everything may change."""
    submission = submission_of(params, ports, f"Cannot enrol {draft.certificate_id}", draft.scheduled_at)
    is_manual = draft.manual_implementation if params.get("manual_implementation") is None else submission.manual
    return replace(
        draft,
        wish=seen.wish,
        csr_source=form_places.source_of(seen.asked),
        device=seen.wish["device"],
        ca=seen.asked["ca"],
        ca_options=dict(seen.asked.get("ca_options") or draft.ca_options),
        group=seen.group.name,
        policy=policy.snapshot(seen.group, "enroll"),
        manual_implementation=is_manual,
        scheduled_at=submission.at or draft.scheduled_at,
        tracking_id=form_extras.tracking_id(seen.wish),
    )


def _refuse_other_csr(request: CertRequest, params: Params) -> None:
    if params.get("csr") and request.csr_source == vocabulary.UPLOAD:
        from . import csr_upload

        csr_upload.refuse_other(request, params)


def _check_new(mover: Mover, seen: _Seen, override: str) -> None:
    """Hold a new request against policy, CA and key provider before anything is sent or stored."""
    from . import csrs, opening

    if mover.request.version and mover.request.state != "draft":
        return
    requests.refuse_violations(mover.request, seen.group)
    mover.validate()
    csrs.refuse_bought(mover, seen.ended)
    if mover.request.state == "implementing":
        requests.gate_of(mover, override=override).check_freeze()
    if mover.next_move() == "begin" and mover.request.state not in ("draft", "submitted"):
        opening.refuse(mover, opening.in_the_way(mover))


def _as_wanted(request: CertRequest, certificate: Certificate | None, ports: Ports) -> Plan:
    """Plan nothing: the certificate is issued as asked for."""
    view = request_view(request)
    extra = {"certificate": certificate_view(certificate, ports.clock.now())} if certificate is not None else {}
    return Plan(view, view, (), lambda: outcome(request.certificate_id, request.request_id, ports), extra=extra)


def _refuse_move(request: CertRequest, seen: _Seen, ports: Ports) -> None:
    """Refuse to move what is issued to a group whose rules it breaks, or that asks for fewer approvals.

    :raises PolicyError: it is such a group.
    """
    if request.state != "issued" or seen.group.name == (request.group or "default"):
        return
    requests.refuse_violations(request, seen.group)
    with ports.store.read() as unit:
        present = policy.group_of(unit, request.group)
    found = policy.weaker(present, seen.group, ports.clock.now())
    policy.refuse(f"Cannot move {request.certificate_id} from group {present.name} to {seen.group.name}", found)


def _has_changes(request: CertRequest, wish: Mapping[str, Any], params: Params) -> bool:
    is_moved = bool(params.get("group")) and params["group"] != (request.group or "default")
    return is_moved or bool(form.changed_metadata(wish, request.wish))


def named(params: Params) -> Params:
    """Give the options with a common name: the certificate's id where none is given (E12, E21).

    :raises InputError: neither is given.
    """
    if not (params.get("common_name") or "").strip():
        if params.get("certificate"):
            return {**params, "common_name": params["certificate"]}
        raise InputError("Cannot enrol a certificate: common_name is missing (E12)")
    return params


def wait_of(params: Params) -> float:
    """Give the seconds that a call may wait."""
    return float(params["wait_timeout"]) if params.get("wait") else 0.0


def _new_request(seen: _Seen, params: Params, ports: Ports) -> CertRequest:
    standing.refuse_taken(seen.certificate_id, seen.certificate, seen.ended)
    request = requests.new(
        ports,
        seen.group,
        submission_of(params, ports, f"Cannot enrol {seen.certificate_id}"),
        certificate_id=seen.certificate_id,
        action="enroll",
        wish=seen.wish,
        ca=seen.asked["ca"],
        ca_options=seen.asked.get("ca_options") or {},
        csr_source=form_places.source_of(seen.asked),
    )
    is_place_gone = seen.certificate is not None and seen.certificate.state == "vanished"
    ended = seen.ended
    # A key that is there already has its CSR with the password of before.
    is_same = ended is not None and not key_secrets.is_other_challenge(ports.store, ended, params)
    if ended is not None and ended.state in ("failed", "cancelled") and not is_place_gone and is_same:
        return standing.taken_over(request, ended)
    return request


def submission_of(params: Params, ports: Ports, what: str, known: datetime | None = None) -> Submission:
    """Read how a request is submitted.

    :param known: the time it has now.

    :raises InputError: its time is none, or past.
    """
    moments.refuse_both(params, what)
    return Submission(
        comment=params.get("comment") or "",
        override=params.get("freeze_override") or "",
        submit=params.get("submit") is not False,
        manual=bool(params.get("manual_implementation")),
        at=moments.read(params.get("schedule_at"), what, "schedule_at", ports.clock.now(), known=known),
    )


def _plan(
    params: Params, ports: Ports, mover: Mover, seen: _Seen, drafts: list[attachments.Draft], warnings: list[str]
) -> Plan:
    from . import opening

    request, stored, certificate = mover.request, seen.latest, seen.certificate
    steps: list[Step] = []
    if stored is None:
        steps.append(Step(f"Record request {request.request_id} for {request.certificate_id}", mover.record))
    else:
        steps += request_changes.steps(mover, stored, seen.wish, params)
    steps += attachments.steps(drafts, request.certificate_id, request.request_id, ports)
    moves = _moves(mover, params)
    predicted = request_view(replace(request, state=mover.predicted_state() if moves else request.state))

    def finish() -> Outcome:
        return outcome(request.certificate_id, request.request_id, ports)

    extra: dict[str, Any] = {"warnings": warnings} if warnings else {}
    if certificate is not None:
        extra["certificate"] = certificate_view(certificate, ports.clock.now())
    extra.update(opening.notes(mover))
    before = request_view(stored) if stored is not None else None
    return Plan(before, predicted, (*steps, *moves), finish, note=mover.keep_next_look, extra=extra)


def _moves(mover: Mover, params: Params) -> list[Step]:
    """Give the moves that can be made now, those of a request that is submitted first among them."""
    request = mover.request
    if request.state == "draft" and request.version and params.get("submit") is not False:
        comment, override = params.get("comment") or "", params.get("freeze_override") or ""

        def submit() -> bool:
            requests.gate_of(mover, override=override).submit(comment)
            return mover.request.state == "implementing"

        wanted = gate.submitted(request, comment=comment, now=mover.ports.clock.now())
        following = mover.steps() if wanted.state == "implementing" else []
        return [Step(f"Submit request {request.request_id}", submit), *following]
    if request.version == 0:
        return mover.steps() if request.state == "implementing" else []
    return requests.steps(mover, override=params.get("freeze_override") or "")


def outcome(certificate_id: str, request_id: str, ports: Ports) -> Outcome:
    """Give a request and its certificate as they stand in the store."""
    with ports.store.read() as unit:
        request = unit.requests.get(request_id)
        certificate = unit.certificates.get(certificate_id)
        pems = {}
        if request is not None:
            found = {alg: unit.pems.get(fingerprint) for alg, fingerprint in request.fingerprints.items()}
            pems = {
                alg: {"certificate": p.leaf, "chain": p.chain, "root": p.root}
                for alg, p in found.items()
                if p is not None
            }
    left = request.key_reference.get("left") if request is not None else None
    extra: dict[str, Any] = {"warnings": list(left)} if left else {}
    if certificate is not None:
        extra["certificate"] = {**certificate_view(certificate, ports.clock.now()), "pem": pems}
    return Outcome(request_view(request) if request is not None else None, extra)
