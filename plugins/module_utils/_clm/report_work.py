# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The work in a report: who must do what by when, and what was done, step by step. Pure functions of records."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from .._core.types import CertRequest, WorkOrder
from .attention_work import DECISIONS
from .holistic_views import ca_connector
from .views import View
from .work_views import actions_view

HISTORY_LIMIT = 60
"""Steps of a certificate's requests and work orders that a report shows; the newest are kept."""

_DECISION = ("needs_decision", "in_doubt")
# In the order in which they count where two fall on one moment.
_LIMITS = (
    ("last_safe_at", "from then on CPS deploys by itself what is on staging"),
    ("not_after", "the certificate in use expires"),
)


def entry(waiting: Mapping[str, Any], request: CertRequest | None, kinds: Mapping[str, str]) -> View:
    """Give an entry of ``pending`` as a report shows it, with the ``task`` that it is to somebody.

    Before its first approval a request may have no certificate yet; its CA connector stands with it all the same (E23).

    :param waiting: who asks stands in no report, so whether they may approve does not either.
    :param request: the request it is of; None for a work order.
    :param kinds: types of CA accounts by their names.
    """
    shown = {name: value for name, value in waiting.items() if name != "may_approve"}
    at_ca = actions_view(request) if request is not None else []
    connector = ca_connector([request], kinds) if request is not None else None
    return {
        **shown,
        "ca_connector": connector and {name: connector[name] for name in ("name", "ca", "type", "csr_source")},
        "ca_actions": at_ca,
        "task": task(waiting, is_wanted_at_ca=bool(at_ca)),
    }


def task(waiting: Mapping[str, Any], *, is_wanted_at_ca: bool = False) -> View:
    """Say ``what`` is to be done, ``who`` does it, and until when.

    What is to be done is ``approve``, ``decide``, ``implement``, ``ca_action`` (the CA waits for somebody) or ``wait``.

    :returns: ``by`` is None where nothing sets an end; ``by_reason`` says what happens then.
    """
    what = _what(waiting)
    if what == "wait" and is_wanted_at_ca:
        what = "ca_action"
    ends = [(waiting[name], reason) for name, reason in _LIMITS if waiting.get(name)]
    by, reason = min(ends, key=lambda pair: pair[0]) if ends else (None, "")
    return {"what": what, "who": _who(what, waiting), "by": by, "by_reason": reason}


def _what(waiting: Mapping[str, Any]) -> str:
    # A request, or an order at work, has no state of its own for what it asks people.
    if waiting["state"] in _DECISION or waiting["reason"] in DECISIONS:
        return "decide"
    if "approve" in waiting["actions"] and waiting["approvals_given"] < waiting["approvals_needed"]:
        return "approve"
    # What is scheduled is implemented at its time without anybody's doing.
    if waiting["state"] == "approved" and waiting["manual_implementation"] and not waiting["scheduled_at"]:
        return "implement"
    return "wait"


def _who(what: str, waiting: Mapping[str, Any]) -> str:
    if what == "wait":
        return "nobody: cert_lifecycle goes on with it"
    if what != "approve":
        return "an operator"
    barred = waiting["may_not_approve"]
    return f"an approver other than {', '.join(barred)}" if barred else "an approver"


def history(requests: Sequence[CertRequest], orders: Sequence[WorkOrder]) -> list[View]:
    """Give the steps that requests and work orders of a certificate took, the newest first."""
    steps: list[View] = []
    for request in requests:
        steps += _steps("request", request.request_id, request.action, "", request.conditions)
    for order in orders:
        steps += _steps("work_order", order.work_order_id, order.action, order.network, order.conditions)
    # Stable, so that steps of one second keep their order once all is turned round.
    return sorted(steps, key=lambda step: str(step["at"]))[::-1][:HISTORY_LIMIT]


def _steps(kind: str, key: str, action: str, network: str, conditions: Sequence[Mapping[str, Any]]) -> list[View]:
    return [
        {
            "at": step.get("at"),
            "kind": kind,
            "id": key,
            "action": action,
            "network": network,
            "step": step.get("type"),
            "actor": step.get("actor") or "",
            "comment": step.get("comment") or "",
        }
        for step in conditions
    ]
