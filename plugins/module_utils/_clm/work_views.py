# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How requests and work orders look to a user: as ``views``, with what was approved, by whom and until when.

Pure functions of a record; reads no store and knows no Ansible.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from .._core.redact import redacted
from .._core.types import CertRequest, WorkOrder
from .._core.vocabulary import REQUEST_LABELS, WORK_ORDER_LABELS
from . import approvals, dual_stack, standby, states
from .deployment_date import NOT_BEFORE
from .views import View, group_name, text_of, times

# Of an approval; what its digest is over would repeat the whole record.
_OF_APPROVAL = ("level", "actor", "at", "effective_at", "expires_at", "comment", "digest")


def approvals_view(given: Sequence[Mapping[str, Any]]) -> list[View]:
    """Show approvals, the first level first."""
    return [{name: entry.get(name) for name in _OF_APPROVAL} for entry in given]


def _governed(record: CertRequest | WorkOrder) -> View:
    """Show what both have: the policy that holds for it, approvals, and when it is to be implemented (W2, E24)."""
    return {
        "group": group_name(record),
        "policy": redacted(record.policy),
        "approvals": approvals_view(record.approvals),
        "approvals_needed": approvals.levels(record),
        "approvals_expire_at": text_of(approvals.expires_at(record)),
        "manual_implementation": record.manual_implementation,
        "scheduled_at": text_of(record.scheduled_at),
    }


def actions_view(request: CertRequest) -> list[View]:
    """Show what somebody has to do before the CA signs, each once: a renewal of two keys proves a name once."""
    found: list[View] = []
    if states.is_final(request.state):
        return found
    for progress in request.ca_progress.values():
        found += [dict(action) for action in progress.get("actions") or () if dict(action) not in found]
    return found


def request_view(request: CertRequest) -> View:
    """Show a request, with the manual's label beside its state."""
    return {
        "request_id": request.request_id,
        "certificate": request.certificate_id,
        "action": request.action,
        "state": request.state,
        "label": REQUEST_LABELS.get(request.state, request.state),
        "reason": request.reason,
        "message": request.message,
        "ca": request.ca,
        "ca_options": redacted(request.ca_options),
        "ca_plan": redacted(standby.view(request)),
        "csr_source": request.csr_source,
        "device": request.device,
        "enrollment_id": request.key_reference.get("enrollment_id"),
        "change_id": request.key_reference.get("change_id"),
        "wish": redacted(request.wish),
        "csrs": redacted({name: text for name, text in request.csrs.items() if text}),
        "ca_handles": redacted(request.ca_handles),
        "ca_progress": redacted(request.ca_progress),
        "actions": actions_view(request),
        "fingerprints": redacted(request.fingerprints),
        "missing": dual_stack.missing(request),
        "refusals": redacted(request.refusals),
        "conditions": redacted(request.conditions),
        "actor": request.actor,
        "comment": request.comment,
        "tracking_id": request.tracking_id,
        **_governed(request),
        "renews": redacted(request.renews),
        "next_look_at": text_of(request.next_look_at),
        **times(request),
    }


def _settings(order: WorkOrder) -> View:
    """Show which network settings an order changes, what they were before, and where they come back from, if they do;
    nothing for one that changes none."""
    settings, restores = order.change.get("settings"), order.change.get("restores")
    found = {"network_settings": redacted(settings)} if settings else {}
    return {**found, "restores": redacted(restores)} if settings and restores else found


def work_order_brief(order: WorkOrder) -> View:
    """Show of a work order what an audit line is about."""
    return {
        "state": order.state,
        "reason": order.reason,
        "certificate": order.certificate_id,
        "network": order.network,
        "fingerprints": dict(order.fingerprints),
        "notices": redacted(order.notices),
    }


def work_order_view(order: WorkOrder) -> View:
    """Show a work order, with the manual's label beside its state."""
    return {
        "work_order_id": order.work_order_id,
        "certificate": order.certificate_id,
        "connector": order.connector,
        "device": order.device,
        "action": order.action,
        "network": order.network,
        "state": order.state,
        "label": WORK_ORDER_LABELS.get(order.state, order.state),
        "reason": order.reason,
        "message": order.message,
        "enrollment_id": order.change.get("enrollment_id"),
        "change_id": order.change.get("change_id"),
        "deploy_not_before": order.change.get(NOT_BEFORE),
        "fingerprints": redacted(order.fingerprints),
        "notices": redacted(order.notices),
        **_settings(order),
        "evidence": redacted(order.evidence),
        "conditions": redacted(order.conditions),
        "actor": order.actor,
        "comment": order.comment,
        "tracking_id": order.tracking_id,
        **_governed(order),
        "warnings": redacted(order.warnings),
        "edges": redacted(order.edges),
        "is_automatic": order.is_automatic,
        "scripts": redacted(order.scripts),
        "last_safe_at": text_of(order.last_safe_at),
        "next_look_at": text_of(order.next_look_at),
        **times(order),
    }
