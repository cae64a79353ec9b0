# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""At which stage a request or work order is, since when, and what comes after it: for whoever waits for it.

Pure functions of a record; reads no store.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .._core.clock import to_text
from .._core.types import CertRequest, WorkOrder
from .._core.vocabulary import REQUEST_LABELS, WORK_ORDER_LABELS
from . import approvals, states

_REQUEST_NEXT: Mapping[str, str] = {
    "draft": "somebody submits it",
    "submitted": "approval {given} of {needed}",
    "approved": "it is implemented",
    "scheduled": "it is implemented at {scheduled_at}",
    "implementing": "the CSR goes to the CA",
    "in_doubt": "somebody looks what became of the order at the CA",
    "retrieval_in_progress": "the certificate is fetched once the CA has signed it",
}
_ORDER_NEXT: Mapping[str, str] = {
    "submitted": "approval {given} of {needed}",
    "review_in_progress": "approval {given} of {needed}",
    "approved": "it is implemented",
    "scheduled": "it is implemented at {scheduled_at}",
    "implementing": "CPS deploys it to staging",
    "needs_decision": "somebody decides about the warnings",
    "in_doubt": "somebody looks what became of it at CPS",
    "deploying_staging": "it is proved on staging",
    "on_staging": "it goes on to production",
    "deploying_production": "it is proved on production",
}
# What goes to no network by way of an upload has steps of its own.
_OTHER_NEXT: Mapping[str, str] = {
    "revoke": "the CA revokes it",
    "rollback": "CPS gives the change up",
    "remove": "CPS removes the enrollment",
}
MOVING = frozenset(["implementing", "retrieval_in_progress", "deploying_staging", "on_staging", "deploying_production"])
"""States that go on by themselves; in every other one a person or a time is waited for, or nothing."""


def stage(record: CertRequest | WorkOrder) -> dict[str, Any]:
    """Tell where it is.

    :returns: ``label`` in words; ``since`` when, ISO 8601 in UTC, None for what has no step yet; ``next``, what comes
        after that, empty for what has ended; ``is_moving``, whether it goes on by itself, which it does not while the
        CA asks somebody for something.
    """
    is_request = isinstance(record, CertRequest)
    labels = REQUEST_LABELS if is_request else WORK_ORDER_LABELS
    steps = [step["at"] for step in record.conditions if step.get("at")]
    began = steps[-1] if steps else to_text(record.updated_at) if record.updated_at else None
    return {
        "label": labels.get(record.state, record.state),
        "since": began,
        "next": _next(record),
        "is_moving": record.state in MOVING and not _asked(record),
    }


def _next(record: CertRequest | WorkOrder) -> str:
    if states.is_final(record.state):
        return ""
    if record.state == "implementing" and record.action in _OTHER_NEXT:
        return _OTHER_NEXT[record.action]
    if isinstance(record, WorkOrder) and (record.state, record.network) == ("on_staging", "staging"):
        return "it is completed"
    if _asked(record):
        return "somebody does what the CA asks for in its actions"
    table = _REQUEST_NEXT if isinstance(record, CertRequest) else _ORDER_NEXT
    given = len(record.approvals) + 1
    at = to_text(record.scheduled_at) if record.scheduled_at else "its time"
    return table.get(record.state, "").format(given=given, needed=approvals.levels(record), scheduled_at=at)


def _asked(record: CertRequest | WorkOrder) -> bool:
    """Say whether the CA asks somebody for something before it signs."""
    return isinstance(record, CertRequest) and any(progress.get("actions") for progress in record.ca_progress.values())
