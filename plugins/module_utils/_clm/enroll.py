# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Enrol a certificate: a new request, or the next moves of one that stands somewhere (E24).

Planning reads only; when the next move waits for somebody else and the caller does not want to wait, there is no step.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from .._core.clock import to_text
from .._core.errors import ConflictError, InputError, StateError
from .._core.plan import Outcome, Plan, Step
from .._core.types import AuditEntry, Certificate, CertRequest
from .._store.base import Unit
from . import ca_accounts, conditions, form, states
from .managed import managed_device
from .ports import Params, Ports
from .views import certificate_view
from .work_views import request_view

if TYPE_CHECKING:
    from .moves import Mover


def plan(params: Params, ports: Ports) -> Plan:
    """Work out what ``cert_enroll`` would do.

    :raises InputError: the form, the CA's rules or the key provider's, all problems at once.
    :raises StateError: the certificate is enrolled, or being enrolled, with other values.
    """
    now = ports.clock.now()
    with ports.store.read() as unit:
        certificate_id = form.certificate_id(_named(params), unit, now)
        latest = _latest(unit, certificate_id)
        certificate = unit.certificates.get(certificate_id)
        is_going_on = latest is not None and _is_going_on(latest, certificate)
        stored = latest.wish if latest is not None and is_going_on else {}
        wish = form.build(form.overlaid(params, stored), unit, now)
        account = ca_accounts.required(unit, params["ca"])
        device = managed_device(unit, wish["device"])
    if latest is not None and is_going_on:
        _compare(latest, wish, params)
        if latest.state == "issued" and not _changed_metadata(latest, wish):
            return _as_wanted(latest, certificate, ports)
        request = latest
    else:
        _refuse_taken(certificate_id, certificate, latest)
        request = _new_request(certificate_id, wish, params, ports)
        is_place_gone = certificate is not None and certificate.state == "vanished"
        if latest is not None and latest.state == "failed" and not is_place_gone:
            request = _taken_over(request, latest)
    # Most calls of a schedule end above, and need none of this.
    from . import moves, opening

    mover = moves.Mover(ports, request, device, account, wait_s=_wait(params))
    mover.warnings = wish["warnings"]
    if request.version == 0:
        mover.validate()
        if mover.next_move() == "begin":
            opening.refuse(mover, mover.keys.conflicts(mover.order))
    return _plan(params, ports, mover, wish, certificate)


def _as_wanted(request: CertRequest, certificate: Certificate | None, ports: Ports) -> Plan:
    """Plan nothing: the certificate is issued as asked for."""
    view = request_view(request)
    extra = {"certificate": certificate_view(certificate, ports.clock.now())} if certificate is not None else {}
    return Plan(view, view, (), lambda: _outcome(request.certificate_id, request.request_id, ports), extra=extra)


def _changed_metadata(request: CertRequest, wish: Mapping[str, Any]) -> dict[str, Any]:
    return form.changed_metadata(wish, request.wish)


def _named(params: Params) -> Params:
    if not (params.get("common_name") or "").strip():
        if params.get("certificate"):
            return {**params, "common_name": params["certificate"]}
        raise InputError("Cannot enrol a certificate: common_name is missing (E12)")
    return params


def _wait(params: Params) -> float:
    return float(params["wait_timeout"]) if params.get("wait") else 0.0


def _latest(unit: Unit, certificate_id: str) -> CertRequest | None:
    requests = unit.requests.find(certificate_id=certificate_id)
    return max(requests, key=lambda r: (to_text(r.created_at) if r.created_at else "", r.request_id), default=None)


def _compare(request: CertRequest, wish: Mapping[str, Any], params: Params) -> None:
    """Refuse a wish that an existing request does not fulfil; silence would be a lie."""
    differing = [name for name in form.differences(wish, request.wish) if name not in form.METADATA]
    if params["ca"] != request.ca:
        differing.append("ca")
    if (params.get("ca_options") or request.ca_options) != request.ca_options:
        differing.append("ca_options")
    if not differing:
        return
    shown = ", ".join(
        f"{name} is {request.wish.get(name, getattr(request, name, None))!r}, not {wish.get(name, params.get(name))!r}"
        for name in differing
    )
    done = states.is_final(request.state)
    todo = "a change needs a new certificate" if done else "wait for it to end before asking for something else"
    raise StateError(
        f"Cannot enrol {request.certificate_id} again: request {request.request_id} is {request.state} with other "
        f"values ({shown}); {todo}, or give another certificate id",
        code="already_enrolled" if done else "request_open",
        details={"request_id": request.request_id, "state": request.state, "differing": differing},
    )


def _is_going_on(request: CertRequest, certificate: Certificate | None) -> bool:
    """Say whether a request still stands for its certificate; one whose enrollment is gone at CPS does not."""
    is_gone = certificate is not None and certificate.state == "vanished"
    return request.state not in ("failed", "rejected", "cancelled") and not (request.state == "issued" and is_gone)


def _taken_over(request: CertRequest, failed: CertRequest) -> CertRequest:
    """Go on at the place that a failed request opened, if it was opened for the same names and keys.

    CPS has one enrollment of a name, so the place is used again or the name is lost.
    """
    other = set(form.differences(request.wish, failed.wish)) - {*form.METADATA, "validity"}
    return request if other else replace(request, key_reference=dict(failed.key_reference))


def _refuse_taken(certificate_id: str, certificate: Certificate | None, latest: CertRequest | None) -> None:
    is_of_failed = certificate is not None and latest is not None and certificate.request_id == latest.request_id
    if certificate is not None and certificate.state != "vanished" and not is_of_failed:
        raise ConflictError(
            f"Cannot enrol {certificate_id}: a certificate of that id is in the inventory (enrollment "
            f"{certificate.enrollment_id} on device {certificate.device}, {certificate.origin}); give another id",
            code="certificate_exists",
            details={"enrollment_id": certificate.enrollment_id, "device": certificate.device},
        )


def _new_request(certificate_id: str, wish: Mapping[str, Any], params: Params, ports: Ports) -> CertRequest:
    now = ports.clock.now()
    comment = params.get("comment") or ""
    steps = conditions.begun(ports.actor, comment, now)
    return CertRequest(
        request_id=f"req-{uuid.uuid4().hex[:12]}",
        certificate_id=certificate_id,
        action="enroll",
        state="implementing",
        ca=params["ca"],
        csr_source=params.get("csr_source") or "endpoint",
        device=wish["device"],
        ca_options=dict(params.get("ca_options") or {}),
        wish=wish,
        conditions=steps,
        actor=ports.actor,
        comment=comment,
        created_at=now,
        updated_at=now,
    )


def _plan(params: Params, ports: Ports, mover: Mover, wish: Mapping[str, Any], certificate: Certificate | None) -> Plan:
    request = mover.request
    is_new = request.version == 0
    steps: list[Step] = []
    if is_new:
        steps.append(Step(f"Record request {request.request_id} for {request.certificate_id}", mover.record))
    else:
        steps += _metadata(mover, wish, ports)
    can_move = is_new or mover.peek()
    if can_move:
        steps += mover.steps()
    predicted = request_view(replace(request, state=mover.predicted_state() if can_move else request.state))

    def finish() -> Outcome:
        return _outcome(request.certificate_id, request.request_id, ports)

    extra: dict[str, Any] = {}
    if certificate is not None:
        extra["certificate"] = certificate_view(certificate, ports.clock.now())
    before = None if is_new else request_view(request)
    return Plan(before, predicted, tuple(steps), finish, note=mover.keep_next_look, extra=extra)


def _metadata(mover: Mover, wish: Mapping[str, Any], ports: Ports) -> list[Step]:
    """Take over what is in no CSR and no order, as the description."""
    changed = _changed_metadata(mover.request, wish)
    if not changed:
        return []

    def save() -> bool:
        before = mover.request
        with ports.store.write() as unit:
            mover.request = unit.requests.put(
                replace(before, wish={**before.wish, **changed}, updated_at=ports.clock.now())
            )
            entry = AuditEntry(
                ports.actor,
                "request_changed",
                "request",
                before.request_id,
                before={name: before.wish.get(name) for name in changed},
                after=changed,
                tracking_id=before.tracking_id,
            )
            unit.audit(entry)
        return True

    return [Step(f"Change {', '.join(sorted(changed))} of request {mover.request.request_id}", save)]


def _outcome(certificate_id: str, request_id: str, ports: Ports) -> Outcome:
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
    extra: dict[str, Any] = {}
    if certificate is not None:
        extra["certificate"] = {**certificate_view(certificate, ports.clock.now()), "pem": pems}
    return Outcome(request_view(request) if request is not None else None, extra)
