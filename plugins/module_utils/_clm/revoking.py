# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Revoking a certificate at its CA: a request of its own, with the approvals that its group asks for (E4).

What is revoked is the certificate of an inventory line, of both keys where there are two; a superseded one has a line
of its own. Knows no CA, and sends nothing to Akamai: what is live there stays until another one is pushed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from .._core.clock import to_text
from .._core.errors import InputError, StateError
from .._core.plan import Plan, Step
from .._core.vocabulary import REVOCATION_REASONS
from . import attachments, ca_accounts, dual_stack, enroll, form, policy, requests, states
from .connectors import required_certificate
from .returning import other_is_open
from .revoker import REVOKES, Revoker
from .views import certificate_view
from .work_views import request_view

if TYPE_CHECKING:
    from .._core.types import CaAccount, Certificate, CertRequest
    from .._store.base import Unit
    from .ports import Params, Ports

# What a revocation takes of the form; the rest would be a wish for another certificate.
_TAKES = (
    *("action", "certificate", "common_name", "comment", "reason", "wait", "wait_timeout", "freeze_override"),
    *("manual_implementation", "schedule_at", "submit", "attachments"),
)


def plan(params: Params, ports: Ports) -> Plan:
    """Work out what ``cert_enroll`` would do with action ``revoke``.

    :raises InputError: the options do not go with it, or the CA cannot, or not for that reason.
    :raises StateError: nothing was issued here, it has ended, or another request is open.
    """
    now = ports.clock.now()
    _refuse_unused(params)
    with ports.store.read() as unit:
        certificate = required_certificate(unit, form.certificate_id(enroll.named(params), unit, now))
        latest = requests.latest(unit, certificate.certificate_id)
    if latest is not None and not states.is_final(latest.state):
        if latest.action != "revoke":
            raise other_is_open(latest, "revoke")
        return _going_on(latest, certificate, params, ports)
    if certificate.state == "revoked":
        return _revoked(certificate, latest, ports)
    return _new(certificate, params, ports)


def _refuse_unused(params: Params) -> None:
    """Refuse options that say how a certificate should be.

    :raises InputError: some are given, or no reason that could be kept.
    """
    unused = sorted(name for name, value in params.items() if name not in _TAKES and value not in (None, False))
    problems = [f"{name} goes not with action: revoke" for name in unused]
    if params.get("submit") is False:
        problems.append("submit: false goes not with action: revoke; a revocation is no draft")
    reason = params.get("reason") or REVOCATION_REASONS[0]
    if reason not in REVOCATION_REASONS:
        problems.append(f"reason {reason!r} is not taken; there are {', '.join(REVOCATION_REASONS)}")
    if problems:
        named = params.get("certificate") or params.get("common_name")
        raise InputError.of_problems(f"Cannot revoke {named}", problems)


def _new(certificate: Certificate, params: Params, ports: Ports) -> Plan:
    reason = params.get("reason") or REVOCATION_REASONS[0]
    what = f"Cannot revoke {certificate.certificate_id}"
    with ports.store.read() as unit:
        parent = _issued(unit, certificate)
        handles = _handles(unit, parent)
        account = ca_accounts.required(unit, parent.ca)
        group = policy.group_of(unit, certificate.group)
    if certificate.not_after is not None and certificate.not_after <= ports.clock.now():
        raise StateError(
            f"{what}: it ended {to_text(certificate.not_after)}, and what has ended is trusted by nobody",
            code="certificate_not_valid",
            details={"state": certificate.state},
        )
    _refuse_reason(what, account, reason, ports)
    drafts = attachments.read(params)
    submission = enroll.submission_of(params, ports, what)
    made = requests.new(
        ports,
        group,
        submission,
        certificate_id=certificate.certificate_id,
        action="revoke",
        wish=parent.wish,
        ca=parent.ca,
        ca_options={},
        csr_source=parent.csr_source,
        renews={"request_id": parent.request_id, REVOKES: _revokes(reason, parent)},
    )
    request = replace(made, ca_handles=handles, fingerprints=dict(parent.fingerprints))
    mover = Revoker(ports, request, account, wait_s=enroll.wait_of(params))
    if request.state == "implementing":
        requests.gate_of(mover, override=submission.override).check_freeze()
    record = Step(f"Record request {request.request_id} to revoke {request.certificate_id}", mover.record)
    kept = attachments.steps(drafts, certificate.certificate_id, request.request_id, ports)
    following = mover.steps() if request.state == "implementing" else []
    return _planned(mover, None, certificate, [record, *kept, *following])


def _revokes(reason: str, parent: CertRequest) -> dict[str, Any]:
    return {"reason": reason, "fingerprints": dict(parent.fingerprints)}


def _issued(unit: Unit, certificate: Certificate) -> CertRequest:
    """Give the request that a certificate was issued for here.

    :raises StateError: there is none, so that its CA is not known.
    """
    request = unit.requests.get(certificate.request_id) if certificate.request_id else None
    is_ours = request is not None and request.state == "issued" and request.action != "adopt"
    if request is None or not is_ours or not certificate.fingerprint:
        raise StateError(
            f"Cannot revoke {certificate.certificate_id}: no certificate was issued for it here, so its CA account is "
            "not known; revoke it at its CA",
            code="certificate_not_issued",
        )
    return request


def _handles(unit: Unit, request: CertRequest) -> dict[str, Any]:
    """Give the CA's handles of all certificates of a request, those it was added to among them.

    :raises StateError: they are of several CAs; one would be told to revoke what it knows nothing of.
    """
    found = dict(request.ca_handles)
    while dual_stack.is_addition(request):
        earlier = unit.requests.get(request.renews["request_id"])
        if earlier is None:
            break
        if earlier.ca != request.ca:
            raise StateError(
                f"Cannot revoke {request.certificate_id}: its {' and '.join(request.ca_handles)} certificate is of CA "
                f"account {request.ca}, and what that was added to of {earlier.ca}; revoke both at their CAs",
                code="several_cas",
                details={"cas": [request.ca, earlier.ca]},
            )
        request, found = earlier, {**earlier.ca_handles, **found}
    return {name: dict(handle) for name, handle in found.items()}


def _refuse_reason(what: str, account: CaAccount, reason: str, ports: Ports) -> None:
    """Refuse what the CA cannot do, or cannot say.

    :raises InputError: it cannot revoke, or has no word for the reason.
    """
    reasons = ports.ca(account).capabilities().revoke_reasons
    if not reasons:
        raise InputError(
            f"{what}: CA account {account.name} ({account.type}) cannot revoke; ask the CA's operator",
            code="cannot_revoke",
        )
    if reason not in reasons:
        raise InputError(
            f"{what} for reason {reason}: CA account {account.name} ({account.type}) takes {', '.join(reasons)}",
            code="reason_not_taken",
            details={"reasons": list(reasons)},
        )


def _going_on(request: CertRequest, certificate: Certificate, params: Params, ports: Ports) -> Plan:
    asked = params.get("reason")
    kept: Mapping[str, Any] = request.renews[REVOKES]
    if asked and asked != kept["reason"]:
        raise StateError(
            f"Cannot revoke {request.certificate_id} for reason {asked}: request {request.request_id} to revoke it for "
            f"reason {kept['reason']} is {request.state}; cancel that first, or leave reason out",
            code="request_open",
            details={"request_id": request.request_id, "state": request.state},
        )
    mover = requests.mover_of(request, ports, wait_s=enroll.wait_of(params))
    steps = requests.steps(mover, override=params.get("freeze_override") or "")
    return _planned(mover, request, certificate, steps)


def _planned(mover: Any, before: CertRequest | None, certificate: Certificate, steps: list[Step]) -> Plan:
    request, ports = mover.request, mover.ports
    is_moving = any(step.sentence.startswith("Have CA account") for step in steps)
    predicted = replace(request, state=mover.predicted_state()) if is_moving else request
    extra: dict[str, Any] = {"certificate": certificate_view(certificate, ports.clock.now())}
    served = live_on(certificate)
    if served:
        extra["warnings"] = [
            f"{certificate.certificate_id} is still served on {' and '.join(served)}, where clients will refuse it "
            "once it is revoked; push its successor first (action: regenerate)"
        ]
    return Plan(
        request_view(before) if before else None,
        request_view(predicted),
        tuple(steps),
        lambda: enroll.outcome(request.certificate_id, request.request_id, ports),
        note=mover.keep_next_look,
        extra=extra,
    )


def live_on(certificate: Certificate) -> list[str]:
    """Name the networks that serve a certificate."""
    served = {"staging": certificate.staging, "production": certificate.production}
    return [name for name, told in served.items() if told.get("fingerprint") == certificate.fingerprint]


def _revoked(certificate: Certificate, latest: CertRequest | None, ports: Ports) -> Plan:
    """Plan nothing: it is revoked."""
    request_id = latest.request_id if latest is not None else ""
    view = request_view(latest) if latest is not None else None
    extra = {"certificate": certificate_view(certificate, ports.clock.now())}
    return Plan(view, view, (), lambda: enroll.outcome(certificate.certificate_id, request_id, ports), extra=extra)
