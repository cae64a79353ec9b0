# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The request and work order machines: tables, no code beyond reading them."""

from __future__ import annotations

from collections.abc import Mapping

from .._core.errors import StateError

Machine = Mapping[str, tuple[str, ...]]

# Which states may follow which; design §5. A void or expired approval leads back to ``submitted``, a retry from
# ``failed`` as far as the approvals still hold. Any other end has no successor.
REQUEST: Machine = {
    "draft": ("submitted", "cancelled"),
    "submitted": ("approved", "rejected", "cancelled"),
    "approved": ("submitted", "scheduled", "implementing", "cancelled"),
    "scheduled": ("submitted", "implementing", "cancelled"),
    "implementing": ("submitted", "in_doubt", "retrieval_in_progress", "revoked", "cancelled", "failed"),
    # With the answer to an order lost, and a CA that cannot tell; of two orders the other one may be there already.
    "in_doubt": ("implementing", "retrieval_in_progress", "cancelled", "failed"),
    "retrieval_in_progress": ("in_doubt", "issued", "revoked", "cancelled", "failed"),
    "issued": (),
    "revoked": (),
    "rejected": (),
    "cancelled": (),
    "failed": ("submitted", "approved", "cancelled"),
}

WORK_ORDER: Machine = {
    "submitted": ("review_in_progress", "approved", "rejected", "cancelled"),
    "review_in_progress": ("submitted", "approved", "rejected", "cancelled"),
    "approved": ("submitted", "scheduled", "implementing", "cancelled"),
    "scheduled": ("submitted", "implementing", "cancelled"),
    # Only a rollback or a removal is completed from there, they go to no network.
    "implementing": (
        "needs_decision",
        "in_doubt",
        "deploying_staging",
        "on_staging",
        "completed",
        "cancelled",
        "failed",
    ),
    "needs_decision": ("submitted", "implementing", "cancelled", "failed"),
    "in_doubt": ("implementing", "deploying_staging", "on_staging", "cancelled", "failed"),
    "deploying_staging": ("on_staging", "needs_decision", "cancelled", "failed"),
    "on_staging": ("needs_decision", "deploying_production", "completed", "cancelled", "failed"),
    "deploying_production": ("needs_decision", "completed", "failed"),
    "completed": (),
    "rejected": (),
    "cancelled": (),
    "failed": ("submitted", "approved"),
}

# What a person may do in which state (``cert_workflow``); E24, W2, W5.
_OPEN_REQUEST = ("submitted", "approved", "scheduled", "implementing", "in_doubt", "retrieval_in_progress")
CONFIGURE = "configure"
"""Action of a work order about network settings, not about a certificate."""
VERBS = {"push": "push", "rollback": "roll back", "remove": "remove", CONFIGURE: "configure"}
PASSES: Machine = {"staging": ("staging",), "production": ("staging", "production")}
"""Networks that a push to one comes by."""
_BEFORE_PRODUCTION = (
    "submitted",
    "review_in_progress",
    "approved",
    "scheduled",
    "implementing",
    "needs_decision",
    "in_doubt",
    "deploying_staging",
    "on_staging",
)
REQUEST_ACTIONS: Machine = {
    "approve": ("submitted",),
    "reject": ("submitted",),
    "schedule": ("approved", "scheduled"),
    "implement": ("approved", "scheduled", "implementing", "in_doubt", "retrieval_in_progress"),
    "retry": ("failed", "in_doubt"),
    "cancel": ("draft", *_OPEN_REQUEST, "failed"),
}
WORK_ORDER_ACTIONS: Machine = {
    "approve": ("submitted", "review_in_progress"),
    "reject": ("submitted", "review_in_progress"),
    "schedule": ("approved", "scheduled"),
    "implement": (
        "approved",
        "scheduled",
        "implementing",
        "needs_decision",
        "in_doubt",
        "deploying_staging",
        "on_staging",
        "deploying_production",
    ),
    "retry": ("failed",),
    "cancel": _BEFORE_PRODUCTION,
}

NOT_PROVEN = "not_proven"
"""Reason of an order that waits for edge servers to show it, or was completed although they did not."""
REACHED_PRODUCTION = "reached_production"
"""Reason of a completed order to staging alone whose certificate came to production all the same."""
BEFORE_IMPLEMENTING = ("draft", "submitted", "review_in_progress", "approved", "scheduled")
ENDS = frozenset(["issued", "revoked", "completed", "rejected", "cancelled", "failed"])


def is_final(state: str) -> bool:
    """Say whether a request or work order goes nowhere from there by itself."""
    return state in ENDS


def checked(machine: Machine, noun: str, record_id: str, state: str, wanted: str) -> str:
    """Give the wanted state, if it may follow.

    :raises StateError: it may not; names what may.
    """
    allowed = machine[state]
    if wanted not in allowed:
        raise StateError(
            f"{noun} {record_id} is {state} and cannot become {wanted}; it can become "
            f"{', '.join(allowed) or 'nothing'}",
            details={"from": state, "to": wanted, "allowed": list(allowed)},
        )
    return wanted


def check_action(actions: Machine, noun: str, record_id: str, state: str, action: str) -> None:
    """Refuse an action that a state does not allow.

    :raises StateError: names the actions it does allow.
    """
    if state in actions[action]:
        return
    allowed = [name for name, states in actions.items() if state in states]
    raise StateError(
        f"Cannot {action} {noun} {record_id}: it is {state}, which allows {', '.join(allowed) or 'nothing'}",
        details={"state": state, "action": action, "allowed": allowed},
    )
