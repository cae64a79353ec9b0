# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One thing that needs attention, as a record: what it is, how bad, since when, until when, who may do what about it.

Pure; reads no store. Nothing in a record is counted from the moment of the look, so that the same fact gives the same
record at every look until something about it changes.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from .._core.redact import redacted
from .views import View, text_of

EXPIRING = "expiring"
EXPIRED = "expired"
AWAITING_DECISION = "awaiting_decision"
AWAITING_APPROVAL = "awaiting_approval"
AWAITING_IMPLEMENTATION = "awaiting_implementation"
AWAITING_ACTION = "awaiting_action"
DEADLINE_NEAR = "approval_deadline_near"
DRIFT = "drift"
FOREIGN_CHANGE = "foreign_change"
EDGE_MISMATCH = "edge_mismatch"
REVOKED = "revoked"
VANISHED = "vanished"
FAILED = "failed"
RENEWAL_STOPPED = "renewal_stopped"
DEVICE_FAILED = "device_failed"
KINDS = (
    EXPIRING,
    EXPIRED,
    AWAITING_DECISION,
    AWAITING_APPROVAL,
    AWAITING_IMPLEMENTATION,
    AWAITING_ACTION,
    DEADLINE_NEAR,
    DRIFT,
    FOREIGN_CHANGE,
    EDGE_MISMATCH,
    REVOKED,
    VANISHED,
    FAILED,
    RENEWAL_STOPPED,
    DEVICE_FAILED,
)

STORE_AWAY = "store_away"
"""Kind of what a watcher of the store tells where it cannot look; no look finds it."""

INFO, WARNING, CRITICAL = "info", "warning", "critical"
SEVERITIES = (INFO, WARNING, CRITICAL)

REQUESTER, APPROVER, OPERATOR = "requester", "approver", "operator"
"""Who can do something about it, by role: who asks for certificates, who approves, who runs what is due and looks after
devices."""


@dataclass(frozen=True)
class Attention:
    """One fact that somebody has to do something about.

    :ivar kind: of ``KINDS``; ``severity`` of ``SEVERITIES``.
    :ivar identity: what makes it this fact and no other, beside the kind; never how it stands or what is said of it.
    :ivar message: what is so, as a sentence; ``todo`` what to do about it, as another.
    :ivar who: the role of who can; ``may_not_act`` names those of it who may not, sorted.
    :ivar certificate_id: empty where it is about a device; the other ids and names where there is none.
    :ivar reason: stable word for why, may be empty.
    :ivar since: when it began, UTC; None where the store does not keep that.
    :ivar deadline: until when something has to be done, UTC; None where nothing ends.
    :ivar attributes: of the certificate, so that whoever is told can be chosen by them (E19).
    """

    kind: str
    severity: str
    identity: tuple[str, ...]
    message: str
    todo: str
    who: str
    certificate_id: str = ""
    device: str = ""
    group: str = ""
    network: str = ""
    request_id: str = ""
    work_order_id: str = ""
    reason: str = ""
    may_not_act: tuple[str, ...] = ()
    since: datetime | None = None
    deadline: datetime | None = None
    tracking_id: str = ""
    attributes: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.kind not in (*KINDS, STORE_AWAY) or self.severity not in SEVERITIES:
            raise ValueError(f"{self.kind} with severity {self.severity} is no kind of attention")

    @property
    def event_id(self) -> str:
        """Give the id of the fact: the same at every look and on every machine, another for every other fact."""
        text = json.dumps([self.kind, *self.identity], ensure_ascii=True, separators=(",", ":"))
        return f"ev-{hashlib.sha256(text.encode('utf-8')).hexdigest()[:20]}"

    def view(self) -> View:
        """Show it: plain JSON-ready data, null for what there is none of."""
        return {
            "event_id": self.event_id,
            "kind": self.kind,
            "severity": self.severity,
            "certificate": self.certificate_id or None,
            "device": self.device or None,
            "group": self.group or None,
            "network": self.network or None,
            "request_id": self.request_id or None,
            "work_order_id": self.work_order_id or None,
            "reason": self.reason,
            "message": self.message,
            "what_to_do": self.todo,
            "who": self.who,
            "may_not_act": list(self.may_not_act),
            "since": text_of(self.since),
            "deadline": text_of(self.deadline),
            "tracking_id": self.tracking_id,
            "attributes": redacted(self.attributes),
        }


def store_away(store: str, code: str, message: str, since: datetime) -> Attention:
    """Give the record of a store that a watcher cannot look at.

    :param store: its URL, without a password.
    :param since: of the first look that failed, UTC.
    """
    todo = "do what the message says; nothing of the certificates in it is told until it can be read"
    said = f"the store {store} cannot be looked at: {message}"
    return Attention(STORE_AWAY, CRITICAL, (store,), said, todo, OPERATOR, reason=code, since=since)


def rank(one: Attention) -> tuple[int, float, str, str]:
    """Give the place in a list: the worst first, then what ends first, then by id, so that the order stands still."""
    ends = one.deadline.timestamp() if one.deadline is not None else float("inf")
    return -SEVERITIES.index(one.severity), ends, one.certificate_id or one.device, one.event_id
