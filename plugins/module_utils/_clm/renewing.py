# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A new certificate for one that was enrolled here: asked for by a person, or due by itself (E3, E4).

The successor is a request of its own with the wish of the one it follows, as far as nobody asks for other names,
another subject or kind of key in the same enrollment (E9, E10), or to have an earlier one back. Why and when is decided
in ``renewal``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from .._core import csr_sources, vocabulary
from .._core.clock import to_text
from .._core.errors import InputError
from .._core.governance import DEFAULT_GROUP, Group
from .._core.plan import Plan, Step
from .._core.types import Certificate, CertRequest
from .._store.base import Unit
from . import (
    attachments,
    edits,
    enroll,
    form,
    key_secrets,
    policy,
    prediction,
    renewal,
    request_changes,
    requests,
    returning,
    standby,
    standing,
    states,
    successors,
    usage,
)
from .connectors import required_certificate
from .moves import Mover
from .ports import Params, Ports
from .requests import Submission
from .views import certificate_view
from .work_views import request_view


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
            raise returning.other_is_open(latest, action)
        if latest.state != "draft":
            return _going_on(latest, params, certificate, ports)
    draft = latest if latest is not None and latest.state == "draft" else None
    return _successor_plan(params, ports, certificate, group, draft, drafts)


def _successor_plan(
    params: Params,
    ports: Ports,
    certificate: Certificate,
    group: Group,
    draft: CertRequest | None,
    drafts: list[attachments.Draft],
) -> Plan:
    """Plan a new request, or what becomes of its draft; nothing before it is due, where it edits nothing."""
    action, now = params["action"], ports.clock.now()
    with ports.store.read() as unit:
        parent = standby.followed(successors.enrolled(unit, certificate, action, now), params)
        edits.refuse_misplaced(params, draft or parent)
        back = returning.wanted(params, certificate, parent, draft, unit)
        wish = _wish(params, draft or parent, unit, now, filled=back.filled)
    what, edited = f"Cannot {action} {certificate.certificate_id}", edits.between(wish, parent.wish)
    back.refuse_edits(what, edited)
    if back.told:
        return _left(certificate, parent, back.told, ports)
    opens, given = _opens(certificate, group, action), key_secrets.given(params)
    source = params.get("csr_source") or (draft or parent).csr_source
    is_otherwise = source != parent.csr_source or key_secrets.is_other_challenge(ports.store, parent, params)
    is_asked = draft is not None or params.get("force") or back.has_work or is_otherwise
    is_early = not is_asked and opens is not None and opens > now
    if is_early and not edited and opens is not None:
        if edits.names_measure(wish, parent.wish):
            requests.mover_of(replace(parent, wish=wish), ports, wait_s=0.0, challenge=given).validate()
        return _too_early(certificate, parent, opens, action, ports)
    submission, ca = _submission(params, ports, what, draft), params.get("ca") or (draft or parent).ca
    named = _placed(successors.Named(action, wish, ca, source), params, certificate, draft)
    made = successors.successor(ports, group, submission, named, certificate=certificate, parent=parent, edited=edited)
    request = back.on(_asked(made, params, draft), parent)
    if is_early and not edited.needs_certificate and submission.submit:
        _refuse_attachments(what, drafts)
        return _amended(request, group, ports, submission, certificate=certificate, parent=parent, edited=edited)
    wait_s, shared = enroll.wait_of(params), standing.shared_keys(ports.store, request, draft or parent)
    mover = successors.checked(request, group, ports, wait_s=wait_s, override=submission.override, challenge=given)
    mover.warnings = policy.warning_lists(group, wish["warnings"])
    steps = _new(mover) if draft is None else _of_draft(mover, draft, submission)
    return _planned(mover, draft, certificate, [*steps[:1], *_attached(mover, drafts), *steps[1:]], shared)


def _placed(
    named: successors.Named, params: Params, certificate: Certificate, draft: CertRequest | None
) -> successors.Named:
    """Have key and CSR of a regeneration made here, where the certificate is set to that (E4).

    Whoever names where they are made this time is not overruled, nor is a draft that was made before.
    """
    if draft is not None or named.action != renewal.REGENERATE or not renewal.is_local_forced(certificate):
        return named
    places = ("csr_source", "csr", "csr_path", "device", *csr_sources.DEVICE_OPTIONS)
    return named if any(params.get(name) for name in places) else named.here()


def _attached(mover: Mover, drafts: list[attachments.Draft]) -> list[Step]:
    return attachments.steps(drafts, mover.request.certificate_id, mover.request.request_id, mover.ports)


def _refuse_attachments(what: str, drafts: list[attachments.Draft]) -> None:
    if drafts:
        raise InputError(f"{what}: attachments go with a request, and this needs none; give them with force: true")


def _submission(params: Params, ports: Ports, what: str, draft: CertRequest | None) -> Submission:
    """Read how it is submitted; what the call leaves out is as the draft has it."""
    submission = enroll.submission_of(params, ports, what, draft.scheduled_at if draft else None)
    if draft is None or params.get("manual_implementation") is not None:
        return submission
    return replace(submission, manual=draft.manual_implementation and submission.at is None)


def _amended(
    request: CertRequest,
    group: Group,
    ports: Ports,
    submission: Submission,
    *,
    certificate: Certificate,
    parent: CertRequest,
    edited: edits.Edits,
) -> Plan:
    """Plan what needs no certificate, and so no request."""
    from . import amending

    requests.refuse_violations(request, group)
    mover = requests.mover_of(request, ports, wait_s=0.0)
    mover.validate()
    return amending.plan(mover, certificate, parent, edited, override=submission.override)


def _asked(request: CertRequest, params: Params, draft: CertRequest | None) -> CertRequest:
    """Give a new successor with what this call says beside the wish, or else what its draft said."""
    if params.get("ca_options") is not None:
        request = replace(request, ca_options=dict(params["ca_options"]))
    elif draft is not None:
        request = replace(request, ca_options=dict(draft.ca_options))
    if params.get(usage.ALLOWED) or (draft is not None and draft.renews.get(usage.ALLOWED)):
        request = replace(request, renews={**request.renews, usage.ALLOWED: True})
    return request


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


def _new(mover: Mover) -> list[Step]:
    request = mover.request
    text = f"Record request {request.request_id} to {request.action} {request.certificate_id}"
    return [Step(text, mover.record), *(mover.steps() if request.state == "implementing" else [])]


def _of_draft(mover: Mover, draft: CertRequest, submission: Submission) -> list[Step]:
    """Give the steps of a draft as it is wanted now: everything about it may have changed, the policy too."""
    wanted = mover.request
    names = (*request_changes.OF_DRAFT, "wish", "group", "tracking_id", "renews")
    edited = replace(draft, **{name: getattr(wanted, name) for name in names})
    mover.keeper.record = edited

    def submit() -> bool:
        with mover.ports.store.write() as unit:
            key_secrets.keep_challenge(unit, edited, mover.challenge, mover.now)
        requests.gate_of(mover, override=submission.override).submit(submission.comment)
        return mover.request.state == "implementing"

    def save() -> bool:
        with mover.ports.store.write() as unit:
            mover.keeper.save_in(unit, "request_changed", comment=submission.comment)
            key_secrets.keep_challenge(unit, mover.request, mover.challenge, mover.now)
        return True

    if submission.submit:
        following = mover.steps() if wanted.state == "implementing" else []
        return [Step(f"Submit request {draft.request_id}", submit), *following]
    is_same = edited == draft and mover.challenge is None
    return [] if is_same else [Step(f"Change request {draft.request_id}", save)]


def _going_on(request: CertRequest, params: Params, certificate: Certificate, ports: Ports) -> Plan:
    """Plan the next moves of a renewal that is open.

    :raises StateError: this call wants it otherwise.
    """
    with ports.store.read() as unit:
        wish = _wish(params, request, unit, ports.clock.now(), keep=True)
        group = policy.group_of(unit, request.group)
    standing.compare(request, wish, params)
    key_secrets.refuse_other_challenge(ports.store, request, params)
    returning.refuse_other(request, params)
    settings, present = wish["settings"], request.wish["settings"]
    if params.get("take_settings") and any(settings.get(n) != present.get(n) for n in edits.PARTIES):
        raise returning.other_is_open(request, f"{params['action']} (with take_settings)")
    mover = requests.mover_of(request, ports, wait_s=enroll.wait_of(params))
    mover.warnings = policy.warning_lists(group, wish["warnings"])
    changes = request_changes.steps(mover, request, wish, params)
    steps = requests.steps(mover, override=params.get("freeze_override") or "")
    if steps and mover.next_move() == "begin":
        # It is refused where it would be done, so that the request says what it waits for.
        mover.look_for_uses()
    return _planned(mover, request, certificate, [*changes, *usage.allowing(mover, params), *steps])


def _planned(
    mover: Mover, before: CertRequest | None, certificate: Certificate, steps: list[Step], shared: Sequence[str] = ()
) -> Plan:
    """Give the plan of a renewal.

    :param shared: warnings about the key of its uploaded CSR.
    """
    request, ports = mover.request, mover.ports
    is_moving = any(step.sentence.startswith(("Retrieve", "Have")) for step in steps)
    predicted = replace(request, state=mover.predicted_state()) if is_moving else request
    told = prediction.of(mover, certificate, edits.of_request(request), has_steps=bool(steps), is_moving=is_moving)
    extra = {"certificate": certificate_view(certificate, ports.clock.now()), "prediction": told}
    extra.update(_notes(mover, certificate, shared))
    return Plan(
        request_view(before) if before else None,
        request_view(predicted),
        tuple(steps),
        lambda: enroll.outcome(request.certificate_id, request.request_id, ports),
        note=mover.keep_next_look,
        extra=extra,
    )


def _notes(mover: Mover, certificate: Certificate, shared: Sequence[str]) -> dict[str, Any]:
    """Tell where dropped names are used; warn where nobody could look, and where renewing by itself comes to an end."""
    found, wish = mover.usage, mover.request.wish
    warnings = [*shared, *standby.warnings(mover), *([found.problem] if found is not None and found.problem else [])]
    ending = [
        name
        for name in ("auto_renew", "auto_regenerate")
        if getattr(certificate, name).get("enabled") and not (wish.get(name) or {}).get("enabled")
    ]
    if ending:
        warnings.append(
            f"{certificate.certificate_id} has {' and '.join(ending)} and its successor, as a person asks for it, does "
            f"not inherit it; give {' and '.join(ending)} with it to keep that"
        )
    used = {"names_in_use": found.view()} if found is not None else {}
    return {**used, **({"warnings": warnings} if warnings else {})}


def _too_early(certificate: Certificate, parent: CertRequest, opens: datetime, action: str, ports: Ports) -> Plan:
    told = f"{certificate.certificate_id} is due to {action} from {to_text(opens)} on; force: true does it now"
    return _left(certificate, parent, told, ports)


def _left(certificate: Certificate, parent: CertRequest, told: str, ports: Ports) -> Plan:
    """Give the plan that leaves all as it is, and says why."""
    view = request_view(parent)
    extra = {
        "certificate": certificate_view(certificate, ports.clock.now()),
        "not_due": told,
        "prediction": prediction.quiet(ports),
    }
    return Plan(
        view, view, (), lambda: enroll.outcome(certificate.certificate_id, parent.request_id, ports), extra=extra
    )


def _opens(certificate: Certificate, group: Group, action: str) -> datetime | None:
    """Give when the window opens, as if it were to be done by itself."""
    setting = "auto_renew" if action == renewal.RENEW else "auto_regenerate"
    kept: Mapping[str, Any] = getattr(certificate, setting)
    asked: dict[str, Any] = {setting: {**kept, "enabled": True}}
    return renewal.window_opens(replace(certificate, **asked), group, None, action)


def _wish(
    params: Params,
    parent: CertRequest,
    unit: Unit,
    now: datetime,
    *,
    keep: bool = False,
    filled: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Give the wish of a renewal that a person asks for: automatic renewal is not inherited (E3).

    :param parent: what it follows, or the draft or open renewal itself; that one keeps what it has.
    :param filled: options that a snapshot fills.
    :raises InputError: another value of what an enrollment never changes is given.
    """
    # What is added to a dual stack is no successor: it renews as what it is added to.
    kept = keep or parent.state == "draft" or bool(params.get("only_missing"))
    left = () if kept else ("auto_renew", "auto_regenerate")
    fresh = {name: value for name, value in parent.wish.items() if name not in left}
    asked = form.overlaid(params, fresh, parent.csr_source)
    asked = {**asked, "ca": params.get("ca") or parent.ca, **(filled or {})}
    what = f"Cannot {params['action']} {parent.certificate_id}"
    edits.refuse_other_place(what, asked["csr_source"], parent.csr_source)
    if not asked.get("dual_stack") and params.get("allow_missing") is None:
        asked["allow_missing"] = False
    edits.refuse_immutable(what, asked, parent.wish)
    wish = form.build(asked, unit, now)
    if asked["csr_source"] == vocabulary.UPLOAD and not keep and parent.state == "issued":
        from . import csr_upload

        csr_upload.refuse_old(params, wish, parent)
    return {**wish, "settings": edits.settings_of(params, wish["settings"], parent.wish["settings"])}
