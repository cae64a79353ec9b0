# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What tests of removals and rollbacks share: a certificate that is live, and looks at what is left of it."""

from __future__ import annotations

from typing import Any

from ansible_collections.edgecert.clm.plugins.module_utils._core.types import Certificate, WorkOrder
from ansible_collections.edgecert.clm.tests.support.flow import Bench


def undo(bench: Bench, action: str, **changes: Any) -> dict[str, Any]:
    """Remove or roll back, or go on with it; give the work order."""
    outcome = bench.push(**{"action": action, **changes})
    assert outcome.record is not None
    return dict(outcome.record)


def deletes(bench: Bench) -> list[str]:
    """Give the paths of the DELETEs since the last look."""
    return [path for method, path in bench.calls() if method == "DELETE"]


def line(bench: Bench) -> Certificate:
    """Give the certificate as stored."""
    with bench.store.read() as unit:
        stored = unit.certificates.get(bench.name())
    assert stored is not None
    return stored


def kept(bench: Bench, order: dict[str, Any]) -> WorkOrder:
    """Give a work order as stored."""
    with bench.store.read() as unit:
        found = unit.work_orders.get(order["work_order_id"])
    assert found is not None
    return found


def live(bench: Bench, **changes: Any) -> Certificate:
    """Have a certificate that production serves, and forget the calls; give it."""
    bench.issued(**changes)
    assert dict(bench.push(network="production").record or {})["state"] == "completed"
    bench.calls()
    return line(bench)
