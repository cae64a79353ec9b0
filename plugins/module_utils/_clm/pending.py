# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What waits, for whom, and until when: every open request and work order, the nearest expiry first. Reads only."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from .._core.clock import from_text
from .._core.types import Certificate, CertRequest, WorkOrder
from .._core.vocabulary import REQUEST_LABELS, WORK_ORDER_LABELS
from .._store.base import Unit
from . import approvals, gate, states
from .views import View, group_name, lifetime_left, text_of

_FAR = float("inf")


def pending(
    unit: Unit, requests: Sequence[CertRequest], orders: Sequence[WorkOrder], now: datetime, actor: str
) -> list[View]:
    """Give those of the records that are open, the nearest expiry first.

    :param now: UTC.
    :param actor: who asks; each says whether they may give its next approval.
    """
    # Whoever looks next takes expired approvals away; they count for nothing already.
    waiting: list[CertRequest | WorkOrder] = [
        *(approvals.without_expired(record, now) for record in requests if not states.is_final(record.state)),
        *(approvals.without_expired(record, now) for record in orders if not states.is_final(record.state)),
    ]
    ids = sorted({record.certificate_id for record in waiting})
    known = {one.certificate_id: one for one in unit.certificates.find(certificate_id=ids)} if ids else {}
    found = [(expiry(record, known.get(record.certificate_id)), record) for record in waiting]
    found.sort(key=lambda pair: (_order(pair[0]), _order(pair[1].created_at)))
    return [_view(record, ends, now, actor) for ends, record in found]


def expiry(record: CertRequest | WorkOrder, certificate: Certificate | None) -> datetime | None:
    """Give when what is live expires, which is by when the work has to be done; None where nothing is live yet."""
    served = certificate.production.get("not_after") if certificate is not None else None
    followed = record.renews.get("not_after") if isinstance(record, CertRequest) else None
    if served or followed:
        return from_text(str(served or followed))
    return certificate.not_after if certificate is not None else None


def _order(moment: datetime | None) -> float:
    return _FAR if moment is None else moment.timestamp()


def _view(record: CertRequest | WorkOrder, ends: datetime | None, now: datetime, actor: str) -> View:
    named, barred = _named(record), _may_not_approve(record)
    is_short = len(record.approvals) < approvals.levels(record)
    return {
        **named,
        "certificate": record.certificate_id,
        "action": record.action,
        "device": record.device,
        "group": group_name(record),
        "state": record.state,
        "reason": record.reason,
        "message": record.message,
        "waits_for": _waits_for(record, now),
        **_settings(record),
        "actor": record.actor,
        "tracking_id": record.tracking_id,
        "approvals_given": len(approvals.effective(record, now)),
        "approvals_needed": approvals.levels(record),
        "may_not_approve": barred,
        "may_approve": "approve" in named["actions"] and is_short and actor not in barred,
        "approvals_expire_at": text_of(approvals.expires_at(record)),
        "manual_implementation": record.manual_implementation,
        "scheduled_at": text_of(record.scheduled_at),
        "last_safe_at": text_of(record.last_safe_at) if isinstance(record, WorkOrder) else None,
        "next_look_at": text_of(record.next_look_at),
        "not_after": text_of(ends),
        **lifetime_left(ends, now),
    }


def _named(record: CertRequest | WorkOrder) -> View:
    """Name the record, and what a person may do with it."""
    if isinstance(record, CertRequest):
        kind, labels, actions = "request", REQUEST_LABELS, states.REQUEST_ACTIONS
        named = {"request_id": record.request_id, "work_order_id": None, "connector": None, "network": None}
    else:
        kind, labels, actions = "work_order", WORK_ORDER_LABELS, states.WORK_ORDER_ACTIONS
        named = {
            "request_id": None,
            "work_order_id": record.work_order_id,
            "connector": record.connector,
            "network": record.network,
        }
    allowed = [action for action, allowed_in in actions.items() if record.state in allowed_in]
    return {"kind": kind, **named, "label": labels.get(record.state, record.state), "actions": allowed}


def _settings(record: CertRequest | WorkOrder) -> View:
    """Show what an approver of network settings approves."""
    settings = record.change.get("settings") if isinstance(record, WorkOrder) else None
    return {"network_settings": settings} if settings else {}


def _waits_for(record: CertRequest | WorkOrder, now: datetime) -> str:
    if record.state in states.BEFORE_IMPLEMENTING:
        return gate.waits_for(record, now) or "waits for the next run"
    return record.message or "waits for the next run"


def _may_not_approve(record: CertRequest | WorkOrder) -> list[str]:
    """Name who may not give the next approval; empty where there is none to give."""
    if record.state not in states.BEFORE_IMPLEMENTING or len(record.approvals) >= approvals.levels(record):
        return []
    return approvals.barred(record)
