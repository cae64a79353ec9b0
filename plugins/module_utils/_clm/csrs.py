# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Keeping the CSRs that somebody else made: held against the wish, waited for when one is late.

Sends nothing; the move around it holds the lease.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from .._core.clock import from_text, to_text
from .._core.errors import StateError
from . import ca_made, ca_orders, doubts, dual_stack, intents, key_orders, signing, standby

if TYPE_CHECKING:
    from .._core.types import CertRequest
    from .._keys.base import CsrReady
    from .._store.base import Unit
    from .moves import Mover

MISSING = "csr_missing"
"""Reason of a request, and step of it, when a CSR it needs is not there while another is."""
UNUSABLE = "certificate_unusable"
"""Reason of a request whose certificate the CA issued otherwise than it was asked for."""
LOOK_AGAIN_S = 60.0
# How long a late CSR is waited for where the request may go on without it, and where it cannot.
LATE = timedelta(minutes=5)
GIVEN_UP_AFTER = timedelta(hours=1)


def keep(mover: Mover, answer: CsrReady) -> str:
    """Keep the CSRs that are wanted.

    :returns: what is still waited for, as a sentence; empty when the request can go on.
    :raises StateError: a CSR cannot be used, or the only one wanted does not come; the request has failed.
    """
    request = mover.request
    wanted = dual_stack.wanted(request)
    there = {name: answer.csrs[name] for name in wanted if name in answer.csrs}
    problems = signing.csr_problems(request, there)
    if problems:
        mover.fail("csr_unusable", "; ".join(problems))
    if reused := _reused(request, there):
        mover.fail("csr_reused", reused)
    with mover.ports.store.read() as unit:
        bought = _bought_in_vain(unit, request, there)
    if bought and not dual_stack.may_go_on(request, bought):
        mover.fail(UNUSABLE, "; ".join(bought.values()))
    absent = [name for name in wanted if name not in there]
    message = _message(request, answer, absent) if absent else ""
    since = _since(request) or mover.now
    if absent and _is_given_up(request, there, since, mover.now):
        mover.fail("csr_algorithm_missing", message)
    refusals = {**request.refusals, **bought, **dict.fromkeys(absent, message)}
    goes_on = not absent or (mover.now - since >= LATE and dual_stack.may_go_on(request, refusals))
    if goes_on or there != dict(request.csrs) or _since(request) is None:
        told = "; ".join(filter(None, (message, *bought.values())))
        _save(mover, there, refusals if (absent or bought) and goes_on else {}, told, goes_on=goes_on)
    return "" if goes_on else message


def is_nothing_new(mover: Mover, answer: CsrReady) -> bool:
    """Say whether a look gave what is kept already, and there is nothing to be done but to wait."""
    request = mover.request
    wanted, since = dual_stack.wanted(request), _since(request)
    there = {name: answer.csrs[name] for name in wanted if name in answer.csrs}
    absent = [name for name in wanted if name not in there]
    if not absent or since is None or there != dict(request.csrs):
        return False
    may_go_on = dual_stack.may_go_on(request, dict.fromkeys(absent, ""))
    is_due = may_go_on and mover.now - since >= LATE
    return not is_due and not _is_given_up(request, there, since, mover.now)


def _is_given_up(request: CertRequest, there: Mapping[str, str], since: datetime, now: datetime) -> bool:
    """Say whether a CSR was waited for long enough, where without it there is nothing to sign at all."""
    return not there and now - since >= GIVEN_UP_AFTER


def _since(request: CertRequest) -> datetime | None:
    """Give when the first look found a CSR missing."""
    return next((from_text(step["at"]) for step in request.conditions if step["type"] == MISSING), None)


def _message(request: CertRequest, answer: CsrReady, absent: list[str]) -> str:
    offered = " and ".join(answer.csrs) or "none"
    said = f"no {' and no '.join(absent)} CSR is there yet; there is: {offered}"
    others = [name for name in dual_stack.wanted(request) if name not in absent]
    if not others:
        return f"{said}; wait for it, or cancel the request"
    if request.wish.get("allow_missing"):
        return f"{said}; it is waited for {int(LATE.total_seconds() // 60)} minutes, then {' and '.join(others)} alone"
    return (
        f"{said}, and nothing is ordered before both are; wait for it, or run edgecert.clm.cert_enroll again with "
        f"allow_missing: true to go on with {' and '.join(others)} alone, or cancel the request"
    )


def _reused(request: CertRequest, csrs: Mapping[str, str]) -> str:
    """Say which CSR of a renewal has the key of the one before; empty when none has, or it was to have it."""
    if key_orders.may_reuse(request):
        return ""
    from .._pki.csr import same_key

    earlier = request.renews.get("csrs") or {}
    same = [name for name, pem in csrs.items() if pem and earlier.get(name) and same_key(pem, earlier[name])]
    return f"the {' and the '.join(same)} CSR has the key of the certificate it is to follow" if same else ""


def refuse_bought(mover: Mover, ended: CertRequest | None = None) -> None:
    """Refuse a request for a CSR that the CA has signed already, with what could not be used.

    :param ended: the failed request at whose place, and so with whose CSRs, this one goes on.
    :raises StateError: it would be bought once more.
    """
    request = mover.request
    known = dict(ended.csrs) if ended is not None and request.key_reference == ended.key_reference else {}
    if ca_made.is_so(request):
        known = dict.fromkeys(dual_stack.wanted(request), "")
    if request.wish.get("csr"):
        known = {dual_stack.wanted(request)[0]: request.wish["csr"]}
    with mover.ports.store.read() as unit:
        bought = _bought_in_vain(unit, request, known)
    if bought and not dual_stack.may_go_on(request, bought):
        raise StateError(
            f"Cannot {request.action} {request.certificate_id}: {'; '.join(bought.values())}", code=UNUSABLE
        )


def _bought_in_vain(unit: Unit, request: CertRequest, csrs: Mapping[str, str]) -> dict[str, str]:
    """Give the CSRs for which this CA has issued what could not be used, by the same order; each with a sentence.

    A person may order again all the same, by retrying the request that failed.
    """
    found = {}
    for earlier in _of_same_order(unit, request, ["failed"]) if csrs else ():
        if earlier.reason != UNUSABLE:
            continue
        names = [name for name in earlier.refusals if name in csrs and csrs[name] == earlier.csrs.get(name)]
        for name in names:
            found[name] = (
                f"CA account {earlier.ca} has issued a certificate for this very {_order(request, name)} by request "
                f"{earlier.request_id}, which could not be used ({earlier.refusals[name]}), and another order would "
                f"buy the same again; have the CA correct that, then run edgecert.clm.cert_workflow with request_id: "
                f"{earlier.request_id} and action: retry to order once more, or enrol with another CSR, CA, ca_options "
                "or validity"
            )
    return found


def _order(request: CertRequest, name: str) -> str:
    return f"order of a key of the kind {name}" if ca_made.is_so(request) else f"{name} CSR"


def _save(mover: Mover, csrs: Mapping[str, str], refusals: Mapping[str, str], message: str, *, goes_on: bool) -> None:
    request = mover.request
    with mover.ports.store.write() as unit:
        left = intents.left_open(unit, intents.ACKNOWLEDGE_WARNINGS, "request", request.request_id)
        if left is not None:
            mover.acknowledged(unit, left.wanted["notices"], intents.LATE)
        changes: dict[str, Any] = {"csrs": dict(csrs), "next_look_at": None}
        if not goes_on:
            step = {"type": MISSING, "at": to_text(mover.now), "actor": mover.ports.actor, "comment": message}
            mover.save(unit, "csr_fetched", steps=[step], reason=MISSING, message=message, **changes)
            return
        _go_where_ordered(unit, mover, csrs)
        changes.update(_ordered_before(unit, mover.request, csrs))
        _take_doubts(unit, request, csrs)
        mover.save(unit, "csr_fetched", **changes)
        if refusals:
            dual_stack.go_without(mover, unit, refusals, message)


def _ordered_before(unit: Unit, request: CertRequest, csrs: Mapping[str, str]) -> dict[str, Any]:
    """Give the orders that an earlier request placed for the very same CSRs, so that none is placed twice.

    CPS shows the CSR of a change as long as the change is open, and a failed request's place is used again. Orders
    that the CA cancelled or refused are over.
    """
    handles, fingerprints = dict(request.ca_handles), dict(request.fingerprints)
    for earlier, standing in _standing_orders(unit, request, csrs):
        if earlier.ca == request.ca:
            handles.update(standing)
            fingerprints.update({name: one for name, one in earlier.fingerprints.items() if name in standing})
    return {"ca_handles": handles, "fingerprints": fingerprints}


def _standing_orders(
    unit: Unit, request: CertRequest, csrs: Mapping[str, str]
) -> list[tuple[CertRequest, dict[str, Any]]]:
    """Give the earlier requests with what stands of their orders for the very same CSRs."""
    ended = unit.requests.find(certificate_id=request.certificate_id, state=["failed", "cancelled"])
    # A CSR is of one request; without one an order may have come to a certificate by a later request already.
    issued = unit.requests.find(certificate_id=request.certificate_id, state=["issued", "revoked"])
    used = [handle for one in issued if ca_made.is_so(one) for handle in one.ca_handles.values()]
    over = [handle for one in ended for name, handle in one.ca_handles.items() if _is_over(unit, one, name)]
    found = []
    for earlier in _of_same_order(unit, request, ["failed", "cancelled"]):
        is_cancelled = earlier.state == "cancelled"
        kept = earlier.ca_handles if is_cancelled else dual_stack.kept_orders(earlier)
        same = {name: kept[name] for name in kept if csrs.get(name) == earlier.csrs.get(name)}
        standing = {name: one for name, one in same.items() if one not in over and not _is_used(one, used)}
        if standing:
            found.append((earlier, standing))
    return found


def _is_used(handle: Mapping[str, Any], used: Sequence[Mapping[str, Any]]) -> bool:
    """Say whether a certificate came of an order by another request: the connector keeps what it knew of it."""
    return any(handle.items() <= later.items() for later in used)


def _go_where_ordered(unit: Unit, mover: Mover, csrs: Mapping[str, str]) -> None:
    """Go to the standby account at which an earlier request of the very same CSRs has an order that stands."""
    from . import failover

    for earlier, _standing in _standing_orders(unit, mover.request, csrs):
        if earlier.ca != mover.request.ca and standby.may_ask(mover.request, earlier.ca):
            failover.join(unit, mover, earlier.ca)


def _take_doubts(unit: Unit, request: CertRequest, csrs: Mapping[str, str]) -> None:
    """Take over the orders that a cancelled request may have placed for the very same CSRs: they are looked for first.

    A renewal that is asked for again finds its change, and so its CSR, as the cancelled one left it.
    """
    for earlier in _of_same_order(unit, request, ["cancelled"]):
        if not standby.may_ask(request, earlier.ca):
            continue
        for name in csrs:
            if csrs[name] == earlier.csrs.get(name):
                keys = ca_orders.key_of(earlier, name), ca_orders.key_of(request, name)
                intents.hand_over(unit, "request", *keys, kind=intents.ORDER_CERTIFICATE)


def _of_same_order(unit: Unit, request: CertRequest, states: list[str]) -> list[CertRequest]:
    """Give the earlier requests of the certificate, in those states, that asked the same CA for the same.

    One that turned to a standby account asked both.
    """

    def asked(one: CertRequest) -> list[tuple[Any, ...]]:
        more = ca_made.told_apart_by(one)
        return [(at.ca, at.ca_options, one.wish.get("validity"), *more) for at in (standby.as_asked(one), one)]

    found = unit.requests.find(certificate_id=request.certificate_id, state=states)
    mine = asked(request)[0]
    return [one for one in found if one.request_id != request.request_id and mine in asked(one)]


def _is_over(unit: Unit, request: CertRequest, name: str) -> bool:
    return name in request.refusals or doubts.is_taken_back(unit, request, name)
