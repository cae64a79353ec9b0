# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What views have in common that ask the devices themselves, on demand: reads only, within a budget of calls."""

from __future__ import annotations

from .._core.errors import InputError
from .._core.types import Device
from .ports import Ports

VIEWS = ("usage", "validation")
_IGNORED = "ignored"


def refuse(budget: int | None, view: str) -> None:
    """Refuse a budget that is none, or of a view that makes no call.

    :raises InputError: it is such a one.
    """
    if budget is None:
        return
    if view not in VIEWS:
        raise InputError(
            f"Cannot show the {view} within a budget of calls: budget goes with view: {' and '.join(VIEWS)}, others "
            "call none"
        )
    if budget < 1:
        raise InputError(f"Cannot show the {view}: budget is {budget}; give a number from 1")


def why_not(device: Device | None, name: str, ports: Ports, budget: int | None) -> str:
    """Say why a device is not asked, as a sentence; empty where it may be.

    :param budget: API calls after which nothing further is asked; None for no such limit.
    """
    if device is None or device.sync == _IGNORED:
        why = "is ignored" if device else "is not in the store"
        return f"device {name or 'none'} {why}, so nothing is asked of it"
    if budget is not None and ports.calls() >= budget:
        return f"device {name} was not asked, for the budget of {budget} calls was used"
    return ""
