# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What requests and work orders need of people: approvals, decisions, a hand at a CA, another try. Reads records."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from .._core.clock import from_text, to_text
from .._core.types import CertRequest, WorkOrder
from . import acknowledging, approvals, gate, pending, states
from . import attention_records as records
from .attention_records import Attention
from .views import group_name
from .work_views import actions_view

if TYPE_CHECKING:
    from .attention import Scene

Record = CertRequest | WorkOrder

NEAR = timedelta(days=3)
"""So long before its last safe moment what waits for a person is told of once more."""
NEAR_EXPIRY = timedelta(days=1)
"""So long before approvals expire that are not used yet; a quarter of their life where that is less."""
SHORT_LIFE = 4
LATE = timedelta(hours=1)
"""So long edge servers may still present what was there before."""
# Words of ``usage``, which reads X.509; a test compares them.
NAMES_IN_USE = "names_in_use"
DECISIONS = (*acknowledging.FOR_PEOPLE, NAMES_IN_USE)
"""Reasons of a record that a person has to decide about, whatever its state is."""


@dataclass(frozen=True)
class _Wait:
    """What a record waits for: the kind of attention, how bad that is, what is so, what to do, and by whom."""

    kind: str
    severity: str
    message: str
    todo: str
    who: str


def of_open(record: Record, scene: Scene) -> Iterator[Attention]:
    """Give what an open request or work order needs of somebody.

    :param record: expired approvals count for nothing in it already.
    """
    wait = _waits(record, scene.now)
    if wait is not None:
        yield _told(record, scene, wait)
        yield from _near(record, scene, wait)
    if isinstance(record, CertRequest):
        yield from _at_the_ca(record, scene)
    elif record.reason == states.NOT_PROVEN:
        yield _not_proven(record, scene)


def _not_proven(order: WorkOrder, scene: Scene) -> Attention:
    """Tell of an order that is deployed and that edge servers do not show; at first they may only be late."""
    since = entered(order)
    severity = records.WARNING if since is None or scene.now < since + LATE else records.CRITICAL
    todo = "look at the edge servers it names, then let edgecert.clm.cert_lifecycle look again"
    return _told(order, scene, _Wait(records.EDGE_MISMATCH, severity, _said(order), todo, records.OPERATOR))


def _waits(record: Record, now: datetime) -> _Wait | None:
    """Give what a record waits for of somebody; None for what goes on by itself."""
    name, doing = id_of(record), _doing(record)
    if record.state in ("submitted", "review_in_progress") and len(record.approvals) < approvals.levels(record):
        todo = f"approve or reject {name} with edgecert.clm.cert_workflow"
        text = f"{doing} {gate.waits_for(record, now)}"
        return _Wait(records.AWAITING_APPROVAL, records.INFO, text, todo, records.APPROVER)
    if record.state == "approved" and record.manual_implementation and record.scheduled_at is None:
        todo = f"implement or schedule {name} with edgecert.clm.cert_workflow"
        text = f"{doing} {gate.waits_for(record, now)}"
        return _Wait(records.AWAITING_IMPLEMENTATION, records.INFO, text, todo, records.OPERATOR)
    if record.state == "in_doubt":
        todo = f"look what became of it, then go on with {name} with edgecert.clm.cert_workflow"
        return _Wait(records.AWAITING_DECISION, records.WARNING, _said(record), todo, records.OPERATOR)
    if record.state == "needs_decision" or record.reason in DECISIONS:
        todo = f"decide what the message asks for, or cancel {name} with edgecert.clm.cert_workflow"
        return _Wait(records.AWAITING_DECISION, records.WARNING, _said(record), todo, records.REQUESTER)
    return None


def _said(record: Record) -> str:
    return f"{_doing(record)}: {record.message or record.reason or record.state}"


def id_of(record: Record) -> str:
    """Name a record, as ``request req-1``."""
    if isinstance(record, CertRequest):
        return f"request {record.request_id}"
    return f"work order {record.work_order_id}"


def _doing(record: Record) -> str:
    to = f" to {record.network}" if isinstance(record, WorkOrder) and record.network else ""
    return f"{id_of(record)} to {record.action} {record.certificate_id}{to}"


def entered(record: Record) -> datetime | None:
    """Give when a record came to its state, as far as is on record."""
    at = [from_text(step["at"]) for step in record.conditions if step["type"] == record.state]
    return at[-1] if at else record.updated_at or record.created_at


def _told(record: Record, scene: Scene, wait: _Wait, **more: Any) -> Attention:
    certificate = scene.certificates.get(record.certificate_id)
    told: dict[str, Any] = {
        "identity": (id_of(record),),
        "reason": record.reason,
        "since": entered(record),
        "deadline": _deadline(record, scene),
        "request_id": record.request_id if isinstance(record, CertRequest) else "",
        "work_order_id": "" if isinstance(record, CertRequest) else record.work_order_id,
        "network": "" if isinstance(record, CertRequest) else record.network,
        "may_not_act": tuple(approvals.barred(record)) if wait.who == records.APPROVER else (),
        "attributes": certificate.attributes if certificate is not None else _wished(record),
    }
    return Attention(
        wait.kind,
        wait.severity,
        message=wait.message,
        todo=wait.todo,
        who=wait.who,
        certificate_id=record.certificate_id,
        device=record.device,
        group=group_name(record),
        tracking_id=record.tracking_id,
        **{**told, **more},
    )


def _wished(record: Record) -> dict[str, Any]:
    """Give the attributes asked for, where there is no certificate yet."""
    return dict(record.wish.get("attributes") or {}) if isinstance(record, CertRequest) else {}


def _deadline(record: Record, scene: Scene) -> datetime | None:
    """Give until when the work has to be done: CPS's own deployment of it, else the end of what is live."""
    moments = [pending.expiry(record, scene.certificates.get(record.certificate_id))]
    if isinstance(record, WorkOrder):
        moments.append(record.last_safe_at)
    return min((one for one in moments if one is not None), default=None)


def _near(record: Record, scene: Scene, wait: _Wait) -> Iterator[Attention]:
    """Tell once more of what waits for a person, when the moment is near after which it is too late."""
    close = [one for one in _moments(record, scene) if scene.now >= one[0] - one[1]]
    if not close:
        return
    at, near, reason, what = min(close)
    severity = records.CRITICAL if scene.now >= at else records.WARNING
    message = f"{_doing(record)} still waits for somebody, and at {to_text(at)} {what}"
    later = _Wait(records.DEADLINE_NEAR, severity, message, wait.todo, wait.who)
    yield _told(record, scene, later, identity=(id_of(record), reason), reason=reason, since=at - near, deadline=at)


def _moments(record: Record, scene: Scene) -> Iterator[tuple[datetime, timedelta, str, str]]:
    """Give the moments after which it is too late: each with how long before it is near, and in words."""
    expires = approvals.expires_at(record)
    if expires is not None:
        life = min(from_text(one["expires_at"]) - from_text(one["effective_at"]) for one in record.approvals)
        near = min(NEAR_EXPIRY, life / SHORT_LIFE)
        yield expires, near, "approvals_expire", "its approvals expire, and have to be given again"
    if isinstance(record, WorkOrder) and record.last_safe_at is not None:
        yield record.last_safe_at, NEAR, "last_safe_moment", "CPS puts on production by itself what is on staging"
    ends = pending.expiry(record, scene.certificates.get(record.certificate_id))
    if ends is not None:
        yield ends, NEAR, "live_ends", "what is live ends"


def _at_the_ca(request: CertRequest, scene: Scene) -> Iterator[Attention]:
    """Tell of what somebody has to do before the CA signs."""
    asked = actions_view(request)
    if not asked:
        return
    named = sorted({str(action.get("domain") or action.get("who") or "the order") for action in asked})
    kinds = ", ".join(sorted({str(action.get("kind")) for action in asked}))
    message = f"{_doing(request)} waits for what CA account {request.ca} wants done ({kinds}) for {', '.join(named)}"
    todo = f"do what the actions of request {request.request_id} say, see edgecert.clm.cert_info with view: history"
    wait = _Wait(records.AWAITING_ACTION, records.WARNING, message, todo, records.REQUESTER)
    yield _told(request, scene, wait, reason="ca_action")


def of_failed(newest: Sequence[Record], scene: Scene) -> Iterator[Attention]:
    """Give the failed ones of records that nothing has followed.

    :param newest: the newest request of each certificate, and the newest order of each certificate and network.
    """
    for record in newest:
        if record.state != "failed" or _is_over(record, scene):
            continue
        again = "edgecert.clm.cert_enroll" if isinstance(record, CertRequest) else "edgecert.clm.cert_push"
        todo = (
            f"correct what it says, then retry {id_of(record)} with edgecert.clm.cert_workflow, or begin anew with "
            f"{again}"
        )
        message = f"{_doing(record)} failed: {record.message or record.reason}"
        yield _told(record, scene, _Wait(records.FAILED, records.WARNING, message, todo, records.REQUESTER))


def _is_over(record: Record, scene: Scene) -> bool:
    """Say whether a failure matters to nobody any more: the certificate is gone, or another one has followed it."""
    certificate = scene.certificates.get(record.certificate_id)
    if isinstance(record, CertRequest):
        return certificate is not None and certificate.state == "vanished"
    if certificate is None or certificate.state == "vanished":
        return True
    pushed = set(record.fingerprints.values())
    return bool(pushed) and record.action == "push" and certificate.fingerprint not in pushed
