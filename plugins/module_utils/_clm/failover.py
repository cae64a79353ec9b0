# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From a CA account that surely took no order to the next one that the group named for it (E2, E24, W5).

An order is never placed while another one may stand: what is in doubt, pending or issued keeps the request where it
is. What passes by itself, an outage or a limit of rates, has to last first; a refusal does not pass.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

from .._core.clock import to_text
from .._core.errors import AuthError, ClmError, PolicyError, RateLimited, RemoteError, StateError, TransportError
from . import approvals, ca_accounts, ca_orders, freeze, gate, intents, policy, signing, standby

if TYPE_CHECKING:
    from .._ca.answer_base import Rejected
    from .._core.types import CaAccount, Intent
    from .._store.base import Unit
    from .moves import Mover
    from .standby import Standby

RATE_LIMITED, UNREACHABLE, UNAVAILABLE = "rate_limited", "unreachable", "unavailable"
NOT_AUTHORIZED, REFUSED, REJECTED = "not_authorized", "refused", "rejected"
_PASSING = (RATE_LIMITED, UNREACHABLE, UNAVAILABLE)


def after_error(mover: Mover, algorithm: str, exc: ClmError) -> bool:
    """Turn to a standby account after an order that failed; False where the request stays with its account.

    :raises StateError: the approvals do not hold for it any more.
    """
    why = reason_of(exc)
    if not why or not standby.left(mover.request) or _has_orders(mover, algorithm):
        return False
    failed_since = _failing_since(mover, algorithm)
    if ca_orders.is_begun(mover, algorithm) and not _is_surely_none(mover, algorithm):
        return False
    wait_s = exc.retry_after_s if isinstance(exc, RateLimited) else 0.0
    if _turn(mover, algorithm, why, exc.message, failed_since=failed_since, wait_s=wait_s):
        return True
    if why in _PASSING:
        following = standby.left(mover.request)[0]
        at = mover.now + timedelta(minutes=following.after_minutes) - timedelta(seconds=failed_since)
        exc.details["standby"] = {"ca": following.ca, "from": to_text(max(at, mover.now))}
    return False


def after_rejection(mover: Mover, algorithm: str, answer: Rejected) -> bool:
    """Turn to a standby account after the CA ended an order; not where somebody took it back there."""
    if answer.state == "cancelled" or not standby.left(mover.request) or _has_orders(mover, algorithm):
        return False
    return _turn(mover, algorithm, REJECTED, answer.reason, failed_since=None)


def reason_of(exc: ClmError) -> str:
    """Name why an account took no order, as far as another one may be better; empty where it would not be."""
    # What somebody has to do before the order is taken is no refusal: it is to be shown, and done.
    if exc.details.get("actions"):
        return ""
    if isinstance(exc, RateLimited):
        return RATE_LIMITED
    if isinstance(exc, AuthError):
        return NOT_AUTHORIZED
    if isinstance(exc, TransportError):
        return UNREACHABLE
    if not isinstance(exc, RemoteError) or exc.status is None:
        return ""
    if exc.status >= 500 or exc.status == 408:
        return UNAVAILABLE
    return REFUSED if exc.status >= 400 else ""


def follow(mover: Mover, intent: Intent) -> None:
    """Go to the account at which an earlier request of the same CSR may have ordered: it is looked for there.

    :raises StateError: that account is none of this request's.
    """
    ca = str(intent.wanted.get("ca") or mover.request.ca)
    if ca != mover.request.ca:
        with mover.ports.store.write() as unit:
            join(unit, mover, ca)


def join(unit: Unit, mover: Mover, ca: str) -> None:
    """Go to a standby account at which an earlier request has an order, or may have one.

    :raises StateError: that account is none of this request's.
    """
    request, account = mover.request, unit.ca_accounts.get(ca)
    found = next((one for one in standby.left(request) if one.ca == ca), None)
    if found is None or account is None:
        raise StateError(
            f"Cannot order at CA account {request.ca} for request {request.request_id}: an earlier request has, or may "
            f"have, an order at {ca} for the same CSR; look there, and settle that one first",
            code="order_elsewhere",
            details={"ca": ca},
        )
    _save(unit, mover, found, account, "earlier_order", f"an earlier request ordered, or may have ordered, at {ca}")


def _turn(
    mover: Mover, algorithm: str, why: str, message: str, *, failed_since: float | None, wait_s: float = 0.0
) -> bool:
    """Turn to the first standby account that takes the request, where it is time for it."""
    passed_over = []
    for one in standby.left(mover.request):
        needed_s = timedelta(minutes=one.after_minutes).total_seconds()
        if why in _PASSING and max(failed_since or 0.0, wait_s) < needed_s:
            break
        account, problem = _usable(mover, one)
        if account is None:
            passed_over.append(f"{one.ca} is passed over: {problem}")
            continue
        if not _is_approved(mover):
            return False
        _refuse_frozen(mover, algorithm, one, why, message)
        said = "; ".join([f"CA account {mover.request.ca} took no order ({why}): {message}", *passed_over])
        with mover.ports.store.write() as unit:
            key = ca_orders.key_of(mover.request, algorithm)
            result = {intents.REFUSED: message}
            intents.close_all(unit, intents.ORDER_CERTIFICATE, "request", key, result, mover.now)
            _save(unit, mover, one, account, why, said)
        return True
    return False


def _save(unit: Unit, mover: Mover, to: Standby, account: CaAccount, why: str, said: str) -> None:
    request = mover.request
    step = {
        "type": standby.TAKEN,
        "at": to_text(mover.now),
        "actor": mover.ports.actor,
        "comment": said,
        "reason": why,
        "from": request.ca,
        "from_options": dict(request.ca_options),
        "to": to.ca,
    }
    changes = {"ca": to.ca, "ca_options": dict(to.options), "ca_handles": {}, "ca_progress": {}, "refusals": {}}
    told = ({"ca_handles": dict(request.ca_handles)}, {"reason": why})
    mover.save(unit, "standby_ca_taken", comment=said, told=told, steps=[step], next_look_at=None, **changes)
    certificate = unit.certificates.get(request.certificate_id)
    if certificate is not None and certificate.request_id == request.request_id:
        unit.certificates.put(replace(certificate, ca=to.ca, updated_at=mover.now))
    mover.use(account)


def _usable(mover: Mover, one: Standby) -> tuple[CaAccount | None, str]:
    """Give the account of a standby that takes the request; None, and why not, for any other."""
    request = replace(mover.request, ca=one.ca, ca_options=dict(one.options))
    try:
        with mover.ports.store.read() as unit:
            account = ca_accounts.required(unit, one.ca)
        # One that is away for a moment is no other than one that takes orders: its own order says so.
        found = signing.problems(mover.at(request, account), may_be_away=True)
    except ClmError as exc:
        return None, exc.message
    return (None, "; ".join(found)) if found else (account, "")


def _is_approved(mover: Mover) -> bool:
    """Say whether the approvals hold for the standby accounts as they are now; those that do not are taken back.

    :raises StateError: they were taken back.
    """
    from . import requests

    request, present = mover.request, standby.parts(mover)
    void = [changed for entry in request.approvals if (changed := approvals.changes(entry["binds"], present))]
    if not void:
        return True
    if request.state != "implementing":
        return False
    message = f"{', '.join(void[0])} changed since it was approved; have it approved again"
    requests.gate_of(mover).take_back("approval_void", message)
    raise StateError(
        f"Cannot turn to a standby CA account for request {request.request_id}: {message}",
        code="approval_void",
        details={"request_id": request.request_id},
    )


def _refuse_frozen(mover: Mover, algorithm: str, to: Standby, why: str, message: str) -> None:
    """Refuse an order at a standby account while enrolments are frozen, unless the request was to pass over that.

    :raises PolicyError: they are; the request waits, and turns once they are not.
    """
    request, given_at = mover.request, gate.overridden_at(mover.request)
    with mover.ports.store.read() as unit:
        group = policy.group_of(unit, request.group)
    windows = group.freeze_windows
    held = freeze.frozen(windows, kind="enroll", network="", at=mover.now)
    if held is None or freeze.is_meant(windows, kind="enroll", network="", given_at=given_at, at=mover.now):
        return
    if why == REJECTED:
        # That order has ended: nobody has to look for it.
        with mover.ports.store.write() as unit:
            key = ca_orders.key_of(request, algorithm)
            intents.close_all(unit, intents.ORDER_CERTIFICATE, "request", key, {intents.REFUSED: message}, mover.now)
    until = to_text(held.until)
    raise PolicyError(
        f"Cannot turn to standby CA account {to.ca} for request {request.request_id}: group {group.name} is frozen by "
        f"window {held.window} until {until} (rule freeze_windows); run again then, or cancel it and ask anew with "
        f"freeze_override. CA account {request.ca} took no order ({why}): {message}",
        code="frozen",
        details={"group": group.name, "window": held.window, "until": until},
    )


def _has_orders(mover: Mover, algorithm: str) -> bool:
    """Say whether another order of the request stands, or may stand, at its account: both are of one account."""
    request = mover.request
    others = [name for name in request.csrs if name != algorithm]
    stands = [name for name in others if name in request.ca_handles and name not in request.refusals]
    # What it is added to is of the same account, and is renewed and revoked with it.
    is_addition = bool(request.renews.get("adds"))
    return is_addition or bool(stands) or any(ca_orders.is_begun(mover, name) for name in others)


def _is_surely_none(mover: Mover, algorithm: str) -> bool:
    """Ask a CA that can tell whether an order whose answer was lost is there.

    Where a second order harms nobody by the CA's own kind, as one that nobody finalizes, it would be placed at the same
    account without a question; at another one it harms as little. A token makes two orders one at its own CA alone.
    """
    from .._ca.answer_base import NotThere
    from .._ca.capability_base import FIND_EXACT, FIND_HARMLESS

    if mover.ca.capabilities().find not in (FIND_EXACT, FIND_HARMLESS):
        return False
    try:
        return isinstance(ca_orders.found_again(mover, algorithm), NotThere)
    except ClmError:
        return False


def _failing_since(mover: Mover, algorithm: str) -> float:
    """Give for how many seconds orders have failed at the present account."""
    request = mover.request
    with mover.ports.store.read() as unit:
        key = ca_orders.key_of(request, algorithm)
        tried = intents.of(unit, intents.ORDER_CERTIFICATE, "request", key)
    begun = [one.created_at for one in tried if one.created_at and one.wanted.get("ca", request.ca) == request.ca]
    return (mover.now - min(begun)).total_seconds() if begun else 0.0
