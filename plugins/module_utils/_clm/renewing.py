# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A new certificate for one that was enrolled here: asked for by a person, or due by itself (E3, E4).

The successor is a request of its own with the wish of the one it follows. Why and when is decided in ``renewal``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from .._core.clock import to_text
from .._core.errors import InputError, StateError
from .._core.governance import DEFAULT_GROUP, Group
from .._core.plan import Plan, Step
from .._core.snapshots import Snapshot
from .._core.types import Certificate, CertRequest
from .._store.base import Unit
from . import attachments, dual_stack, enroll, form, hints, opening, policy, removals, renewal, requests, states
from .connectors import required_certificate
from .moves import Mover
from .ports import Params, Ports
from .requests import Submission
from .snapshots import PREVIOUS, form_of, named
from .views import certificate_view
from .work_views import request_view

# What a renewal may say otherwise than the request it follows; names and subject stay.
_FREE = ("validity", *form.METADATA)


def plan(params: Params, ports: Ports) -> Plan:
    """Work out what ``cert_enroll`` would do with action ``renew`` or ``regenerate``.

    Before its window opens a certificate is left as it is, unless ``force`` says otherwise: the same task may run every
    day.

    :raises StateError: nothing was enrolled here that could be renewed, or another request is open.
    """
    action, now = params["action"], ports.clock.now()
    drafts = attachments.read(params)
    with ports.store.read() as unit:
        certificate = required_certificate(unit, form.certificate_id(enroll.named(params), unit, now))
        latest = requests.latest(unit, certificate.certificate_id)
        group = policy.group_of(unit, certificate.group)
    _refuse_group(params, certificate)
    if latest is not None and not states.is_final(latest.state):
        if latest.action != action:
            raise _other_is_open(latest, action)
        if latest.state != "draft":
            return _going_on(latest, params, certificate, ports)
    draft = latest if latest is not None and latest.state == "draft" else None
    with ports.store.read() as unit:
        parent = enrolled(unit, certificate, action, now)
        back = _snapshot(params, certificate, parent, unit) if draft is None else None
        wish = _wish(params, draft or parent, unit, now, back=back)
    left = _as_it_is(params, certificate, parent, wish, back, group, ports) if draft is None else None
    if left is not None:
        return left
    what = f"Cannot {action} {certificate.certificate_id}"
    submission = enroll.submission_of(params, ports, what, draft.scheduled_at if draft else None)
    request = _asked_for(params, ports, group, submission, certificate, parent, draft, wish)
    if back is not None:
        restored = {"snapshot_id": back.snapshot_id, "enrollment": dict(back.enrollment)}
        request = replace(request, renews={**request.renews, "restores": restored})
    mover = checked(request, group, ports, wait_s=enroll.wait_of(params), override=submission.override)
    mover.warnings = policy.warning_lists(group, wish["warnings"])
    steps = _new(mover) if draft is None else _of_draft(mover, draft, submission)
    kept = attachments.steps(drafts, certificate.certificate_id, mover.request.request_id, ports)
    return _planned(mover, draft, certificate, [*steps[:1], *kept, *steps[1:]])


def _as_it_is(
    params: Params,
    certificate: Certificate,
    parent: CertRequest,
    wish: Mapping[str, Any],
    back: Snapshot | None,
    group: Group,
    ports: Ports,
) -> Plan | None:
    """Give the plan that leaves all as it is, as nothing is due or nothing is missing; None when there is work."""
    if params.get("from_snapshot"):
        return _restored(certificate, parent, ports) if back is None else None
    if params.get("only_missing"):
        return None if dual_stack.missing(parent) else _nothing_missing(certificate, parent, ports)
    opens = _opens(certificate, group, params["action"])
    is_other = wish["dual_stack"] != parent.wish["dual_stack"]
    if params.get("force") or is_other or opens is None or opens <= ports.clock.now():
        return None
    return _too_early(certificate, parent, opens, params["action"], ports)


def _asked_for(
    params: Params,
    ports: Ports,
    group: Group,
    submission: Submission,
    certificate: Certificate,
    parent: CertRequest,
    draft: CertRequest | None,
    wish: Mapping[str, Any],
) -> CertRequest:
    """Make the request that a person asks for; stores nothing."""
    ca = params.get("ca") or (draft or parent).ca
    request = successor(
        ports, group, submission, certificate=certificate, parent=parent, action=params["action"], wish=wish, ca=ca
    )
    if params.get("only_missing"):
        request = dual_stack.adding(request, parent)
    if params.get("ca_options") is not None:
        request = replace(request, ca_options=dict(params["ca_options"]))
    return request


def _snapshot(params: Params, certificate: Certificate, parent: CertRequest, unit: Unit) -> Snapshot | None:
    """Give the snapshot that a call goes back to, unless its certificate was made from that one already.

    What was rolled forward has the certificate from before as its previous one again, and must not go to and fro.

    :raises NotFoundError: there is no such snapshot.
    """
    word = params.get("from_snapshot")
    if not word:
        return None
    done = (parent.renews.get("restores") or {}).get("snapshot_id")
    return None if done and word in (done, PREVIOUS) else named(unit, certificate, word)


def _restored(certificate: Certificate, parent: CertRequest, ports: Ports) -> Plan:
    made_from = parent.renews["restores"]["snapshot_id"]
    told = f"{certificate.certificate_id} was made from {made_from} already; to go back further, name a snapshot"
    return _left(certificate, parent, told, ports)


def _refuse_group(params: Params, certificate: Certificate) -> None:
    """Refuse another group than the certificate's: its policy is what holds for the renewal.

    :raises InputError: another one is named.
    """
    group = certificate.group or DEFAULT_GROUP
    if params.get("group") and params["group"] != group:
        raise InputError(
            f"Cannot {params['action']} {certificate.certificate_id} in group {params['group']}: it is in group "
            f"{group}; leave group out, or move it first with action: enroll"
        )


def _other_is_open(request: CertRequest, action: str) -> StateError:
    return StateError(
        f"Cannot {action} {request.certificate_id}: request {request.request_id} to {request.action} it is "
        f"{request.state}; let it end, or cancel it with edgecert.clm.cert_workflow",
        code="request_open",
        details={"request_id": request.request_id, "state": request.state},
    )


def _new(mover: Mover) -> list[Step]:
    request = mover.request
    text = f"Record request {request.request_id} to {request.action} {request.certificate_id}"
    return [Step(text, mover.record), *(mover.steps() if request.state == "implementing" else [])]


def _of_draft(mover: Mover, draft: CertRequest, submission: Submission) -> list[Step]:
    """Give the steps of a draft as it is wanted now: everything about it may have changed, the policy too."""
    wanted = mover.request
    names = ("wish", "ca", "ca_options", "group", "policy", "manual_implementation", "scheduled_at", "tracking_id")
    edited = replace(draft, **{name: getattr(wanted, name) for name in names})
    mover.keeper.record = edited

    def submit() -> bool:
        requests.gate_of(mover, override=submission.override).submit(submission.comment)
        return mover.request.state == "implementing"

    def save() -> bool:
        mover.keeper.save("request_changed", comment=submission.comment)
        return True

    if submission.submit:
        following = mover.steps() if wanted.state == "implementing" else []
        return [Step(f"Submit request {draft.request_id}", submit), *following]
    return [] if edited == draft else [Step(f"Change request {draft.request_id}", save)]


def _going_on(request: CertRequest, params: Params, certificate: Certificate, ports: Ports) -> Plan:
    """Plan the next moves of a renewal that is open.

    :raises StateError: this call wants it otherwise.
    """
    with ports.store.read() as unit:
        wish = _wish(params, request, unit, ports.clock.now(), keep=True)
    enroll.compare(request, wish, params)
    _refuse_other_kind(request, params)
    mover = requests.mover_of(request, ports, wait_s=enroll.wait_of(params))
    steps = requests.steps(mover, override=params.get("freeze_override") or "")
    return _planned(mover, request, certificate, steps)


def _refuse_other_kind(request: CertRequest, params: Params) -> None:
    """Refuse to go on with an open regeneration of another kind than this call asks for.

    :raises StateError: it goes back to no snapshot, or adds nothing, and this call does.
    """
    word, restored = params.get("from_snapshot"), (request.renews.get("restores") or {}).get("snapshot_id")
    is_other = bool(word) and (restored is None or word not in (restored, PREVIOUS))
    if is_other or (params.get("only_missing") and not dual_stack.is_addition(request)):
        raise _other_is_open(request, f"{params['action']} (with {'from_snapshot' if is_other else 'only_missing'})")


def _planned(mover: Mover, before: CertRequest | None, certificate: Certificate, steps: list[Step]) -> Plan:
    request, ports = mover.request, mover.ports
    is_moving = any(step.sentence.startswith(("Retrieve", "Have")) for step in steps)
    predicted = replace(request, state=mover.predicted_state()) if is_moving else request
    extra = {"certificate": certificate_view(certificate, ports.clock.now())}
    return Plan(
        request_view(before) if before else None,
        request_view(predicted),
        tuple(steps),
        lambda: enroll.outcome(request.certificate_id, request.request_id, ports),
        note=mover.keep_next_look,
        extra=extra,
    )


def _nothing_missing(certificate: Certificate, parent: CertRequest, ports: Ports) -> Plan:
    there = " and ".join(parent.fingerprints)
    told = f"nothing is missing of {certificate.certificate_id}: {there} is there, as it was asked for"
    return _left(certificate, parent, told, ports)


def _too_early(certificate: Certificate, parent: CertRequest, opens: datetime, action: str, ports: Ports) -> Plan:
    told = f"{certificate.certificate_id} is due to {action} from {to_text(opens)} on; force: true does it now"
    return _left(certificate, parent, told, ports)


def _left(certificate: Certificate, parent: CertRequest, told: str, ports: Ports) -> Plan:
    """Give the plan that leaves all as it is, and says why."""
    view = request_view(parent)
    extra = {"certificate": certificate_view(certificate, ports.clock.now()), "not_due": told}
    return Plan(
        view, view, (), lambda: enroll.outcome(certificate.certificate_id, parent.request_id, ports), extra=extra
    )


def _opens(certificate: Certificate, group: Group, action: str) -> datetime | None:
    """Give when the window opens, as if it were to be done by itself."""
    setting = "auto_renew" if action == renewal.RENEW else "auto_regenerate"
    kept: Mapping[str, Any] = getattr(certificate, setting)
    asked: dict[str, Any] = {setting: {**kept, "enabled": True}}
    return renewal.window_opens(replace(certificate, **asked), group, None, action)


def enrolled(unit: Unit, certificate: Certificate, action: str, now: datetime) -> CertRequest:
    """Give the request that a certificate was issued for here.

    :raises StateError: there is none, it is to be removed, or E4: only valid certificates are regenerated.
    """
    removals.refuse_beside(unit, certificate.certificate_id, action)
    what = f"Cannot {action} {certificate.certificate_id}"
    request = unit.requests.get(certificate.request_id) if certificate.request_id else None
    if request is None or request.state != "issued":
        raise StateError(
            f"{what}: no certificate was issued for it here; enrol it with edgecert.clm.cert_enroll",
            code="certificate_not_issued",
        )
    is_valid = certificate.state == "issued" and certificate.not_after is not None and certificate.not_after > now
    if certificate.state != "issued" or (action == renewal.REGENERATE and not is_valid):
        ends = to_text(certificate.not_after) if certificate.not_after else "at an unknown time"
        raise StateError(
            f"{what}: it is {certificate.state} and ends {ends}; only a valid certificate can be regenerated, and one "
            "that is gone at CPS has to be enrolled anew",
            code="certificate_not_valid",
            details={"state": certificate.state},
        )
    return request


def _wish(
    params: Params,
    parent: CertRequest,
    unit: Unit,
    now: datetime,
    *,
    keep: bool = False,
    back: Snapshot | None = None,
) -> dict[str, Any]:
    """Give the wish of a renewal that a person asks for: automatic renewal is not inherited (E3).

    :param parent: what it follows, or the draft or open renewal itself; that one keeps what it has.
    :raises InputError: names, subject or key are given otherwise than they are.
    """
    kept = keep or parent.state == "draft"
    left = () if kept else ("auto_renew", "auto_regenerate")
    fresh = {name: value for name, value in parent.wish.items() if name not in left}
    asked = {**form.overlaid(params, fresh), "ca": params.get("ca") or parent.ca}
    restored = form_of(back, parent.wish) if back is not None else {}
    asked.update(restored)
    if not asked.get("dual_stack") and params.get("allow_missing") is None:
        asked["allow_missing"] = False
    wish = form.build(asked, unit, now)
    free = (*_FREE, "dual_stack", *restored) if params["action"] == renewal.REGENERATE else _FREE
    other = [name for name in form.differences(wish, parent.wish) if name not in free]
    if other:
        raise InputError(
            f"Cannot {params['action']} {parent.certificate_id} with another {', '.join(other)}: a renewal keeps "
            "names, subject and key type (action: regenerate may change dual_stack); enrol what is wanted now as a new "
            "certificate",
            code="renewal_differs",
            details={"differing": other},
        )
    # As it was enrolled: settings saved since are for new enrollments, CPS keeps those of this one.
    return {**wish, "settings": parent.wish["settings"]}


def successor(
    ports: Ports,
    group: Group,
    submission: Submission,
    *,
    certificate: Certificate,
    parent: CertRequest,
    action: str,
    wish: Mapping[str, Any],
    ca: str,
    is_automatic: bool = False,
) -> CertRequest:
    """Make the request of a successor; stores nothing."""
    reference = parent.key_reference
    renews = {
        "request_id": parent.request_id,
        "enrollment_id": reference.get("enrollment_id"),
        "change_id": reference.get("change_id"),
        "fingerprints": dict(parent.fingerprints),
        "csrs": dual_stack.csrs_of(parent),
        "not_after": to_text(certificate.not_after) if certificate.not_after else "",
        "automatic": is_automatic,
    }
    if bool(wish["dual_stack"]) != bool(parent.wish["dual_stack"]):
        renews["switches_stack"] = True
    return requests.new(
        ports,
        group,
        submission,
        certificate_id=certificate.certificate_id,
        action=action,
        wish=wish,
        ca=ca,
        ca_options=parent.ca_options,
        csr_source=parent.csr_source,
        renews=renews,
    )


def of_itself(
    ports: Ports, certificate: Certificate, parent: CertRequest, group: Group, due: renewal.Due
) -> CertRequest:
    """Make the request of a successor that is due: it inherits what makes it due again (E3, E4)."""
    inherited = renewal.inherited(certificate, automatic=True)
    settings = {name: hints.without(inherited.get(name, {})) for name in ("auto_renew", "auto_regenerate")}
    return successor(
        ports,
        group,
        Submission(comment=f"due: {due.message}"),
        certificate=certificate,
        parent=parent,
        action=due.action,
        wish={**parent.wish, **settings},
        ca=parent.ca,
        is_automatic=True,
    )


def checked(request: CertRequest, group: Group, ports: Ports, *, wait_s: float, override: str = "") -> Mover:
    """Give what moves a new successor on, after it was held against policy, CA and key provider.

    :raises ClmError: one of them refuses it; nothing was sent or stored.
    """
    requests.refuse_violations(request, group)
    mover = requests.mover_of(request, ports, wait_s=wait_s)
    mover.validate()
    if request.state == "implementing":
        requests.gate_of(mover, override=override).check_freeze()
        opening.refuse(mover, mover.keys.conflicts(mover.order))
    return mover
