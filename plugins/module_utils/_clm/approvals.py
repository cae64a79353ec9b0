# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Approvals: who may give one, what it is bound to, until when it holds (E24, W2; design §5). Pure; stores nothing.

An approval is ``level, actor, at, effective_at, expires_at, digest, binds, comment``, times as ISO 8601 in UTC.
``binds`` holds the parts the digest is over, so that what changed can be named. How many levels a record needs, and
who may give them, stands in its own ``policy``, which is the group's as it was when the record was submitted.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, TypeVar

from .._core.clock import from_text, to_text
from .._core.errors import InputError, PolicyError, StateError
from .._core.types import CertRequest, WorkOrder
from . import standby

Governed = CertRequest | WorkOrder
R = TypeVar("R", bound=Governed)
Approval = Mapping[str, Any]
Parts = Mapping[str, Any]

_VALID_HOURS = 168
CHANGED = "changed"
"""Step of a record on which somebody changed what is to be approved."""
POLICY = "policy"
"""Who acts where nobody does."""
# How each part is called where it changed.
_CALLED = {
    "fingerprints": "the certificate",
    "names": "its names",
    "pending": "the changes open at CPS",
    "chain": "its chain",
    "network": "the network",
    "place": "the enrollment or its change",
    "warnings": "the lists of warnings",
    "proof": "what proves the push",
    "edges": "the edge servers that prove it",
    "settings": "the network settings pending at CPS",
    "scripts": "the scripts of the application connector",
    "validation_hash": "CPS's validation result",
    "not_before": "the date before which CPS does not deploy it",
    "wish": "what is asked for",
    "ca": "the CA account",
    "ca_options": "the options for the CA",
    "standby_cas": "the standby CA accounts",
    "action": "the action",
    "restores": "the snapshot it goes back to",
    "revokes": "what is revoked, or why",
    "allow_missing": "whether one certificate of a dual stack alone may do",
}


def sha256(value: Any) -> str:
    """Give SHA-256 over the one JSON text of a plain value, in lower-case hex."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), default=str)
    return hashlib.sha256(text.encode("utf-8")).hexdigest()


def levels(record: Governed) -> int:
    """Give how many approvals the record needs; 0 when its policy approves by itself."""
    policy = record.policy
    return 0 if policy.get("auto_approve") else int(policy.get("levels", 0))


def effective(record: Governed, now: datetime) -> list[Approval]:
    """Give the approvals that count now: those given for a later time do not yet."""
    return [entry for entry in record.approvals if from_text(entry["effective_at"]) <= now]


def is_complete(record: Governed, now: datetime) -> bool:
    """Say whether every level has been approved."""
    return len(effective(record, now)) >= levels(record)


def expires_at(record: Governed) -> datetime | None:
    """Give when the first approval expires, and with it all; None when there is none."""
    return min((from_text(entry["expires_at"]) for entry in record.approvals), default=None)


def without_expired(record: R, now: datetime) -> R:
    """Give the record without its approvals where one of them has expired: then none of them counts."""
    ends = expires_at(record)
    return replace(record, approvals=()) if ends is not None and ends <= now else record


def given(
    record: Governed, *, actor: str, at: datetime | None, comment: str, parts: Parts, now: datetime
) -> dict[str, Any]:
    """Give the next approval.

    :param at: when it is to count from; None for now.
    :raises InputError: a time in the past.
    :raises StateError: every level is approved already, some for a later time.
    :raises PolicyError: this person may not give it.
    """
    level = len(record.approvals) + 1
    what = f"Cannot approve {_called(record)}"
    if level > levels(record):
        raise StateError(f"{what}: all {levels(record)} levels are approved already, some for a later time")
    _check_person(what, record, actor)
    begins = _later(what, at, now) or now
    if at is not None and record.scheduled_at is not None and begins > record.scheduled_at:
        raise InputError(
            f"{what} from {to_text(begins)} on: it is to be implemented at {to_text(record.scheduled_at)}; approve it "
            "for then or earlier, or have it scheduled for a later time",
            code="approval_too_late",
        )
    ends = begins + timedelta(hours=float(record.policy.get("valid_hours", _VALID_HOURS)))
    if record.scheduled_at is not None and ends <= record.scheduled_at:
        raise InputError(
            f"{what}: the approval would expire at {to_text(ends)}, before the implementation scheduled for "
            f"{to_text(record.scheduled_at)}; approve later, or with at from "
            f"{to_text(record.scheduled_at - (ends - begins) + timedelta(seconds=1))} on",
            code="approval_too_early",
        )
    return {
        "level": level,
        "actor": actor,
        "at": to_text(now),
        "effective_at": to_text(begins),
        "expires_at": to_text(ends),
        "digest": sha256(parts),
        "binds": dict(parts),
        "comment": comment,
    }


def requesters(record: Governed) -> set[str]:
    """Name those who asked for what is to be approved: who made the record, and everybody who changed it."""
    return {record.actor, *(step["actor"] for step in record.conditions if step["type"] == CHANGED)}


def _check_person(what: str, record: Governed, actor: str) -> None:
    policy = record.policy
    if actor in requesters(record) and not policy.get("requester_may_approve"):
        raise PolicyError(
            f"{what}: {actor} asked for it or changed it, and group {policy.get('group', '')} lets nobody approve "
            "what they asked for; let somebody else approve it",
            code="own_request",
        )
    if policy.get("distinct_approvers", True) and any(entry["actor"] == actor for entry in record.approvals):
        raise PolicyError(
            f"{what}: {actor} has approved a level already, and group {policy.get('group', '')} wants a different "
            "person for each; let somebody else approve it",
            code="approved_twice",
        )


def barred(record: Governed) -> list[str]:
    """Name who may not give the next approval, sorted; the rules are those by which ``given`` refuses."""
    policy = record.policy
    own = set() if policy.get("requester_may_approve") else requesters(record)
    return sorted(own | ({e["actor"] for e in record.approvals} if policy.get("distinct_approvers", True) else set()))


def _later(what: str, at: datetime | None, now: datetime) -> datetime | None:
    if at is not None and at < now:
        raise InputError(f"{what}: {to_text(at)} is in the past (it is {to_text(now)})", code="time_passed")
    return at


def check_schedule(record: Governed, at: datetime, now: datetime) -> None:
    """Refuse a time of implementation that cannot hold.

    :raises InputError: it is in the past, or the approvals will have expired by then.
    """
    what = f"Cannot schedule {_called(record)}"
    _later(what, at, now)
    ends = expires_at(record)
    if ends is not None and ends <= at:
        raise InputError(
            f"{what} for {to_text(at)}: its approvals expire at {to_text(ends)}; choose an earlier time, or have it "
            "approved again",
            code="approval_expires",
        )


def why_unusable(record: Governed, parts: Parts, now: datetime) -> tuple[str, str] | None:
    """Say why the approvals cannot be used now, as reason and sentence; None when they can.

    A part that was unknown when the approval was given binds nothing.

    :param parts: what would be implemented now.
    """
    for entry in record.approvals:
        if from_text(entry["expires_at"]) <= now:
            return (
                "approval_expired",
                f"the approval of {entry['actor']} expired at {entry['expires_at']}; have it approved again",
            )
    for entry in record.approvals:
        changed = changes(entry["binds"], parts)
        if changed:
            return (
                "approval_void",
                f"{', '.join(changed)} changed since {entry['actor']} approved it at {entry['at']}; look at it and "
                "have it approved again",
            )
    return None


def changes(approved: Parts, present: Parts) -> list[str]:
    """Name the parts that differ from what was approved."""
    return [
        _CALLED.get(name, name) for name, value in approved.items() if value is not None and present.get(name) != value
    ]


def missing(record: Governed, now: datetime) -> str:
    """Say what is missing before it may be implemented, and by when; empty when nothing is."""
    needed, counted = levels(record), effective(record, now)
    if len(counted) >= needed:
        return ""
    later = [entry for entry in record.approvals if entry not in counted]
    text = f"waits for approval {len(record.approvals) + 1} of {needed}"
    if len(record.approvals) >= needed:
        text = f"approved by {', '.join(entry['actor'] for entry in later)} from {later[-1]['effective_at']} on"
    accounts = standby.said(record) if isinstance(record, CertRequest) else ""
    text = f"{text} ({accounts})" if accounts else text
    ends = expires_at(record)
    return f"{text}; those given expire at {to_text(ends)}" if ends else text


def void_steps(record: Governed, reason: str, actor: str, now: datetime) -> Sequence[Mapping[str, Any]]:
    """Give the steps that keep on record which approvals do not count any more."""
    return [
        {
            "type": reason,
            "at": to_text(now),
            "actor": actor,
            "comment": f"level {entry['level']}, given by {entry['actor']} at {entry['at']}",
        }
        for entry in record.approvals
    ]


def _called(record: Governed) -> str:
    if isinstance(record, CertRequest):
        return f"request {record.request_id} for {record.certificate_id}"
    return f"work order {record.work_order_id} for {record.certificate_id}"
