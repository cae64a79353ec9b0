# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Keeps everything else away from a certificate that is to be removed. Reads in the caller's unit; sends nothing."""

from __future__ import annotations

from collections.abc import Sequence

from .._core.errors import StateError
from .._core.types import CertRequest, WorkOrder
from .._store.base import Unit
from . import states

REMOVE = "remove"
_OPEN_ORDERS = tuple(state for state in states.WORK_ORDER if not states.is_final(state))
_OPEN_REQUESTS = tuple(state for state in states.REQUEST if not states.is_final(state))


def open_removal(unit: Unit, certificate_id: str) -> WorkOrder | None:
    """Give the work order that is to remove a certificate, from its submission to its end; None when there is none."""
    found = unit.work_orders.find(certificate_id=certificate_id, action=REMOVE, state=_OPEN_ORDERS)
    return found[0] if found else None


def refuse_beside(unit: Unit, certificate_id: str, verb: str) -> None:
    """Refuse to do anything else with a certificate that is to be removed.

    :param verb: as "push"; the sentence begins "Cannot".
    :raises StateError: it is to be removed.
    """
    order = open_removal(unit, certificate_id)
    if order is not None:
        raise StateError(
            f"Cannot {verb} {certificate_id}: work order {order.work_order_id} to remove it is {order.state}; let that "
            "end, or cancel it with edgecert.clm.cert_workflow",
            code="removal_open",
            details={"work_order_id": order.work_order_id, "state": order.state},
        )


def open_work(unit: Unit, certificate_id: str, *, but: str = "") -> CertRequest | WorkOrder | None:
    """Give a request or work order of a certificate that is open, or None.

    :param but: id of a work order that does not count.
    """
    for request in unit.requests.find(certificate_id=certificate_id, state=_OPEN_REQUESTS):
        return request
    for order in unit.work_orders.find(certificate_id=certificate_id, state=_OPEN_ORDERS):
        if order.work_order_id != but:
            return order
    return None


def refuse_open_work(unit: Unit, certificate_id: str, verb: str, *, but: str = "") -> None:
    """Refuse to take a certificate away from under what is open for it.

    :raises StateError: something is.
    """
    found = open_work(unit, certificate_id, but=but)
    if found is None:
        return
    is_request = isinstance(found, CertRequest)
    noun, key = ("request", found.request_id) if isinstance(found, CertRequest) else ("work order", found.work_order_id)
    raise StateError(
        f"Cannot {verb} {certificate_id}: {noun} {key} to {states.VERBS.get(found.action, found.action)} it is "
        f"{found.state}; let it end, or cancel it with edgecert.clm.cert_workflow",
        code="request_open" if is_request else "order_open",
        details={"request_id" if is_request else "work_order_id": key, "state": found.state},
    )


def opened_by(unit: Unit, certificate_id: str, change_id: int) -> str:
    """Name the request or work order of this store that opened a change at the target; empty for none."""
    of = {"certificate_id": certificate_id}
    return opener_of(change_id, unit.requests.find(**of), unit.work_orders.find(**of))


def opener_of(change_id: int, requests: Sequence[CertRequest], orders: Sequence[WorkOrder]) -> str:
    """Name the one of these records that opened a change at the target; empty for none."""
    for request in requests:
        if request.key_reference.get("change_id") == change_id:
            return f"request {request.request_id}"
    for order in orders:
        if order.change.get("change_id") == change_id:
            return f"work order {order.work_order_id}"
    return ""
