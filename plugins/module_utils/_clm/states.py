# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The request and work order machines: tables, no code beyond reading them."""

from __future__ import annotations

from collections.abc import Mapping

from .._core.errors import StateError

# Which states may follow which; design §5. An end has no successor.
REQUEST: Mapping[str, tuple[str, ...]] = {
    "draft": ("submitted", "cancelled"),
    "submitted": ("approved", "rejected", "cancelled"),
    "approved": ("scheduled", "implementing", "cancelled"),
    "scheduled": ("implementing", "cancelled"),
    "implementing": ("retrieval_in_progress", "cancelled", "failed"),
    "retrieval_in_progress": ("issued", "cancelled", "failed"),
    "issued": (),
    "rejected": (),
    "cancelled": (),
    "failed": (),
}

WORK_ORDER: Mapping[str, tuple[str, ...]] = {
    "submitted": ("review_in_progress", "approved", "rejected", "cancelled"),
    "review_in_progress": ("approved", "rejected", "cancelled"),
    "approved": ("scheduled", "implementing", "cancelled"),
    "scheduled": ("implementing", "cancelled"),
    "implementing": ("needs_decision", "in_doubt", "deploying_staging", "on_staging", "cancelled", "failed"),
    "needs_decision": ("implementing", "cancelled", "failed"),
    "in_doubt": ("implementing", "deploying_staging", "on_staging", "cancelled", "failed"),
    "deploying_staging": ("on_staging", "needs_decision", "cancelled", "failed"),
    "on_staging": ("deploying_production", "completed", "cancelled", "failed"),
    "deploying_production": ("completed", "failed"),
    "completed": (),
    "rejected": (),
    "cancelled": (),
    "failed": (),
}


def is_final(machine: Mapping[str, tuple[str, ...]], state: str) -> bool:
    """Say whether nothing follows the state."""
    return not machine[state]


def checked(machine: Mapping[str, tuple[str, ...]], noun: str, record_id: str, state: str, wanted: str) -> str:
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
