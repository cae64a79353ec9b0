# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Certificate requests: how one is made, what its approval is bound to, how it is taken up again from the store.

Shared by the form, the workflow and the runner of due work.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

from .._core import csr_sources, vocabulary
from .._core.errors import InputError, NotFoundError, StateError
from .._core.governance import Group
from .._core.plan import Step
from .._core.types import CaAccount, CertRequest
from .._store.base import Unit
from . import (
    approvals,
    ca_accounts,
    ca_made,
    form,
    form_extras,
    gate,
    intents,
    opened_changes,
    places,
    policy,
    standby,
    states,
)
from .ports import Ports

if TYPE_CHECKING:
    from .._core.redact import Secret
    from .moves import Mover


@dataclass(frozen=True)
class Submission:
    """How a request or work order is submitted.

    :ivar submit: False keeps it as a draft.
    :ivar manual: it waits for somebody to implement it.
    :ivar at: not implemented before; None for as soon as it may be.
    :ivar override: reason to pass over a freeze.
    """

    comment: str = ""
    override: str = ""
    submit: bool = True
    manual: bool = False
    at: datetime | None = None


def new(
    ports: Ports,
    group: Group,
    submission: Submission,
    *,
    certificate_id: str,
    action: str,
    wish: Mapping[str, Any],
    ca: str,
    ca_options: Mapping[str, Any],
    csr_source: str,
    renews: Mapping[str, Any] | None = None,
) -> CertRequest:
    """Make a request as it stands once submitted, or as a draft; stores nothing."""
    now = ports.clock.now()
    request = CertRequest(
        request_id=f"req-{uuid.uuid4().hex[:12]}",
        certificate_id=certificate_id,
        action=action,
        state="draft",
        ca=ca,
        csr_source=csr_source,
        device=wish["device"],
        ca_options=dict(ca_options),
        wish=wish,
        actor=ports.actor,
        comment=submission.comment,
        tracking_id=form_extras.tracking_id(wish),
        group=group.name,
        policy=policy.snapshot(group, "enroll"),
        manual_implementation=submission.manual,
        scheduled_at=submission.at,
        renews=dict(renews or {}),
        created_at=now,
        updated_at=now,
    )
    if not submission.submit:
        return request
    return gate.submitted(request, comment=submission.comment, now=now, override=submission.override)


def refuse_violations(request: CertRequest, group: Group) -> None:
    """Hold a wish against its group's policy, before any call.

    :raises PolicyError: every rule it breaks.
    """
    found = policy.violations(request.wish, group, ca=request.ca, csr_source=request.csr_source)
    policy.refuse(f"Cannot enrol {request.certificate_id}", found)


def parts(request: CertRequest, account: CaAccount) -> dict[str, Any]:
    """Give what an approval of the request is bound to; metadata, which is in no CSR and no order, is not."""
    wish = {name: value for name, value in request.wish.items() if name not in form.METADATA}
    restored, revoked = request.renews.get("restores"), request.renews.get("revokes")
    return {
        **({"revokes": approvals.sha256(revoked)} if revoked else {}),
        "action": request.action,
        "restores": approvals.sha256(restored) if restored else None,
        "wish": approvals.sha256(wish),
        "ca": approvals.sha256({"name": account.name, "type": account.type, "options": dict(account.options)}),
        "ca_options": approvals.sha256(dict(request.ca_options)),
        "warnings": approvals.sha256(request.wish.get("warnings") or {}),
        "allow_missing": bool(request.wish.get("allow_missing")),
    }


def stored(unit: Unit, request_id: str) -> CertRequest:
    """Give the request of that id.

    :raises NotFoundError: there is none; names those that are open.
    """
    request = unit.requests.get(request_id)
    if request is None:
        known = [r.request_id for r in unit.requests.find() if not states.is_final(r.state)]
        raise NotFoundError(
            f"No request {request_id!r} is in the store; open ones are {', '.join(known[:20]) or 'none'}",
            code="request_missing",
            details={"open": known[:20]},
        )
    return request


def latest(unit: Unit, certificate_id: str) -> CertRequest | None:
    """Give the newest request of a certificate."""
    requests = unit.requests.find(certificate_id=certificate_id)
    return requests[-1] if requests else None


def mover_of(request: CertRequest, ports: Ports, *, wait_s: float, challenge: Secret | None = None) -> Mover:
    """Give what moves a stored request on.

    :param challenge: the challenge password that a call brings with it; None for the one that is kept.
    :raises PolicyError: its device is not managed any more.
    """
    from .moves import Mover

    with ports.store.read() as unit:
        account = ca_accounts.required(unit, request.ca)
        if request.action == "revoke":
            from .revoker import Revoker

            return Revoker(ports, request, account, wait_s=wait_s)
        device = places.required(unit, request)
    mover = Mover(ports, request, device, account, wait_s=wait_s)
    mover.challenge = challenge
    return mover


def lease_of(request: CertRequest) -> str:
    """Name what is held while a request is worked on."""
    return f"request:{request.request_id}"


def left_behind(unit: Unit, request: CertRequest, settled: Mapping[str, str]) -> str:
    """Say what a cancelled request leaves at the place of its key and at the CA; empty when nothing was sent.

    :param settled: what became of orders that the CA was told to take back, by key algorithm.
    """
    left = []
    if request.action == "revoke":
        return _left_of_revocation(unit, request)
    at_place = opened_changes.left_at_place(unit, request)
    left += [at_place] if at_place else []
    is_begun = intents.is_open(unit, intents.OPEN_ENROLLMENT, "request", request.request_id)
    if is_begun and request.csr_source == vocabulary.ENDPOINT:
        left.append(
            "an enrollment or a change may have been opened whose answer was lost: have it looked for and taken back "
            f"with {opened_changes.way(request.request_id)}"
        )
    if request.csr_source in csr_sources.DEVICE_OPTIONS and (request.key_reference or is_begun):
        left += _keys_on_device(request)
    open_ones = [name for name in request.csrs if name not in {*request.fingerprints, *request.refusals}]
    left += settled.values()
    in_doubt = [name for name in open_ones if name not in settled and _is_ordered(unit, request, name)]
    if in_doubt:
        ordered = " and the ".join(ca_made.ordered_for(request, name) for name in in_doubt)
        left.append(f"CA account {request.ca} may issue for the {ordered} all the same")
    return "; ".join(left)


def _keys_on_device(request: CertRequest) -> list[str]:
    """Say which keys on a device nobody needs any more; none where the request was to use one that is in service."""
    option, _member = csr_sources.DEVICE_OPTIONS[request.csr_source]
    named, reference = request.wish[option], request.key_reference
    if named.get("reuse"):
        return []
    # A key is not named as the form names it: a renewal's has a number, or its request, in its name.
    labels = [repr(str(key["label"])) for key in reference.get("keys") or ()]
    if not labels:
        return [f"the key made for request {request.request_id} stays on key device {named['device']}, if it was made"]
    keys = f"key {labels[0]} stays" if len(labels) == 1 else f"keys {' and '.join(labels)} stay"
    return [f"{keys} on key device {named['device']}: remove what this request alone had made there"]


def _left_of_revocation(unit: Unit, request: CertRequest) -> str:
    """Say what the CA has revoked, or may have: an intent is open where its answer was lost."""
    states_told = {name: str(told.get("state") or "") for name, told in request.ca_progress.items()}
    done = [name for name in request.fingerprints if states_told.get(name) == "revoked"]
    told = [
        name
        for name in request.fingerprints
        if name not in done and (name in states_told or _is_begun(unit, intents.REVOKE_CERTIFICATE, request, name))
    ]
    left = [f"CA account {request.ca} has revoked the {name} certificate, which stays so" for name in done]
    if told:
        certificates = " and the ".join(told)
        left.append(f"CA account {request.ca} may have been told to revoke the {certificates} certificate; look there")
    return "; ".join(left)


def _is_begun(unit: Unit, kind: str, request: CertRequest, algorithm: str) -> bool:
    return intents.is_open(unit, kind, "request", f"{request.request_id}/{algorithm}")


def _is_ordered(unit: Unit, request: CertRequest, algorithm: str) -> bool:
    return algorithm in request.ca_handles or _is_begun(unit, intents.ORDER_CERTIFICATE, request, algorithm)


def gate_of(mover: Mover, *, override: str = "") -> gate.Gate[CertRequest]:
    """Give the gate of a request.

    :param override: the reason to pass over a freeze.
    """

    def check_freeze(now: datetime) -> None:
        from . import freeze

        request = mover.request
        with mover.ports.store.read() as unit:
            group = policy.group_of(unit, request.group)
        what = f"Cannot implement request {request.request_id} for {request.certificate_id}"
        given_at = gate.overridden_at(request)
        freeze.check(group, what=what, kind="enroll", network="", at=now, override=override, given_at=given_at)

    return gate.Gate(mover.keeper, lambda: standby.parts(mover), check_freeze, override)


def check_approved(mover: Mover) -> None:
    """Hold what is about to be opened, ordered or revoked against approvals and freeze: time has passed since it began.

    :raises StateError: an approval expired or is void; it has been taken back, and that is on record.
    :raises PolicyError: the group is frozen by now.
    """
    passage, request = gate_of(mover), mover.request
    if request.state != "implementing":
        # Something of it was ordered already: the rest follows, whatever the time.
        return
    passage.check_freeze()
    unusable = approvals.why_unusable(request, standby.parts(mover), mover.now)
    if unusable:
        passage.take_back(*unusable)
        raise StateError(
            f"Cannot go on with request {request.request_id} for {request.certificate_id}: {unusable[1]}",
            code=unusable[0],
            details={"request_id": request.request_id},
        )


def steps(mover: Mover, *, override: str = "") -> list[Step]:
    """Give the steps that can be done now; none when the request waits for somebody or for its time.

    :param override: the reason to pass over a freeze.
    """
    request, now = mover.request, mover.ports.clock.now()
    if request.state not in states.BEFORE_IMPLEMENTING:
        return [*gate.passing_freeze(gate_of(mover), override), *mover.steps()] if mover.peek() else []
    word = gate.due(request, now)
    if not word:
        return []
    if word == "expire":
        text = f"Take back the expired approvals of request {request.request_id}"
        return [Step(text, gate_of(mover).advance)]
    after = replace(request, state="approved") if word == "approve" else request
    if gate.due(after, now) != "implement":
        return [Step(f"Count the approvals of request {request.request_id}", gate_of(mover).advance)]
    text = f"Implement request {request.request_id} for {request.certificate_id}"
    return [Step(text, gate_of(mover, override=override).advance), *mover.steps()]


def named_ca(asked: Mapping[str, Any], group: Group, certificate_id: str) -> str:
    """Give the CA account that a form names, or the only one its group allows.

    :raises InputError: neither names one.
    """
    ca = str(asked.get("ca") or "")
    if not ca and len(group.ca_accounts) == 1:
        ca = group.ca_accounts[0]
    if not ca:
        allowed = f" of {', '.join(group.ca_accounts)}" if group.ca_accounts else ""
        raise InputError(f"Cannot enrol {certificate_id}: ca is missing; name a CA account{allowed} (E2)")
    return ca
