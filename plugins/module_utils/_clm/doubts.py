# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a person does about orders at a CA: says what became of one that is in doubt, takes back one with its request.

Knows no CA.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from .._core.errors import ClmError, InputError
from .._core.plan import Step
from .._core.types import CertRequest, WorkOrder
from . import ca_accounts, ca_made, ca_orders, intents, key_secrets

if TYPE_CHECKING:
    from .._ca.base import CaConnector
    from .._store.base import Unit
    from .moves import Mover
    from .ports import Ports

TAKEN_BACK, SIGNED = "cancelled", "issued"
"""State in the result of an intent to cancel an order: the CA has done it, and nothing comes of that order any more; or
it had issued already, and a person was told to revoke that."""


def steps(mover: Mover, order_id: str, comment: str) -> Sequence[Step]:
    """Give the steps that settle a doubt and go on.

    :param order_id: the order that a person found at the CA; empty where there is surely none.
    :raises InputError: nothing is in doubt, or this CA's orders cannot be taken over.
    """
    request = mover.request
    if request.state != "in_doubt":
        raise InputError(
            f"Cannot retry request {request.request_id} with an order_id: it is {request.state}, and order_id says "
            "what became of an order in doubt; leave it out"
        )
    algorithm, _intent = ca_orders.in_doubt(mover)
    if order_id and not mover.ca.capabilities().can_adopt:
        raise InputError(
            f"Cannot take over order {order_id}: orders of CA account {request.ca} cannot be taken over by an id; "
            "cancel that order at the CA, then retry without order_id",
            code="cannot_adopt",
        )
    following, ordered = mover.steps(), ca_made.ordered_for(request, algorithm)
    if order_id:
        text = f"Take over order {order_id} of CA account {request.ca} for the {ordered}"
        return (Step(text, lambda: adopt(mover, order_id)), *following)

    def order_again() -> bool:
        with mover.lease():
            ca_orders.given_up(mover, comment)
        return True

    return (Step(f"Order again for the {ordered}", order_again), *following)


def adopt(mover: Mover, order_id: str) -> bool:
    """Take over an order that a person found.

    :raises InputError: the CA has no such order, or it is of another CSR.
    """
    from .._ca.answer_base import Issued
    from . import receiving

    with mover.lease():
        algorithm, intent = ca_orders.in_doubt(mover)
        asked = ca_orders.order_of(mover, algorithm, intent)
        csr_pem = key_secrets.csr_to_send(mover.ports.store, mover.request, algorithm)
        answer = ca_orders.showable(mover, algorithm, csr_pem, mover.ca.adopt(order_id, asked, csr_pem))
        # No CSR shows whose order that is, and a wrong one is no end of the doubt.
        seen = answer if ca_made.is_so(mover.request) and isinstance(answer, Issued) else None
        problems = receiving.inspected(mover, algorithm, seen)[1] if seen is not None else []
        if problems:
            raise InputError(f"Cannot take over order {order_id}: {'; '.join(problems)}")
        ca_orders.leave_doubt(mover, f"{mover.ports.actor} found order {order_id}")
        receiving.take(mover, algorithm, intent, answer)
    return True


def cancelled_at_ca(ports: Ports, record: CertRequest | WorkOrder) -> dict[str, str]:
    """Take back what a request ordered and the CA has not signed; says what became of it, by key algorithm.

    A CA that cannot, or is away, keeps nobody from cancelling: that is said, too. Nothing for a work order.
    """
    if not isinstance(record, CertRequest) or not record.ca_handles or record.action == "revoke":
        return {}
    missing = [name for name in record.ca_handles if name not in {*record.fingerprints, *record.refusals}]
    if not missing:
        return {}
    try:
        with ports.store.read() as unit:
            account = ca_accounts.required(unit, record.ca)
        connector = ports.ca(account)
        if not connector.capabilities().can_cancel:
            return {}
    except ClmError as exc:
        return dict.fromkeys(missing, f"CA account {record.ca} could not be used ({exc.message})")
    return {name: _cancelled(ports, connector, record, name) for name in missing}


def is_taken_back(unit: Unit, request: CertRequest, algorithm: str) -> bool:
    """Say whether the CA has cancelled what a request ordered, or a key that it made is to be revoked with it."""
    over = (TAKEN_BACK, SIGNED) if ca_made.is_so(request) else (TAKEN_BACK,)
    told = intents.of(unit, intents.CANCEL_ORDER, "request", ca_orders.key_of(request, algorithm))
    return any(one.result.get("state") in over for one in told)


def _cancelled(ports: Ports, connector: CaConnector, request: CertRequest, algorithm: str) -> str:
    from .._ca.answer_base import Issued, Rejected

    key, now = ca_orders.key_of(request, algorithm), ports.clock.now
    intent, _is_new = intents.begin(ports.store, intents.CANCEL_ORDER, "request", key, {"algorithm": algorithm}, now())
    ordered = ca_made.ordered_for(request, algorithm)
    what = f"the order for the {ordered}"
    ended: dict[str, str] = {}
    try:
        answer = connector.cancel(request.ca_handles[algorithm])
    except Exception as exc:
        # One that fails by a fault of ours keeps nobody from cancelling either.
        told = f"{what} could not be cancelled at CA account {request.ca}, cancel it there: {exc}"
    else:
        if isinstance(answer, Rejected):
            told, ended = f"{what} is cancelled at CA account {request.ca}", {"state": TAKEN_BACK}
        elif isinstance(answer, Issued):
            told = f"CA account {request.ca} had issued for the {ordered} already; revoke that certificate there"
            ended = {"state": SIGNED}
        else:
            told = f"CA account {request.ca} has not cancelled {what}, so far: {answer.message}"
    with ports.store.write() as unit:
        intents.close(unit, intent, {"told": told, **ended}, now())
    return told
