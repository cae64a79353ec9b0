# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One order at a CA: placed once, looked for where its answer was lost, in doubt where nobody can tell, taken back.

What a CA says of an order is kept in the request's ``ca_progress``, by key algorithm: ``state, vendor_state, message,
actions[], differences[]``. Knows no CA.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from .._core.clock import from_text, to_text
from .._core.errors import ClmError, InputError, MissingLibrary, RateLimited, RemoteError, TransportError, unexpected
from . import ca_made, dual_stack, form_csr, intents, key_secrets, lifetimes, requests

if TYPE_CHECKING:
    from .._ca.answer_base import Answer, CannotTell, Found, Handle, Issued, NotThere, Pending
    from .._ca.base import Order
    from .._core.types import CertRequest, Intent
    from .._store.base import Unit
    from .moves import Mover

IN_DOUBT = "order_in_doubt"
"""Reason of a request that is in doubt."""
_SHOWN = ("state", "vendor_state", "actions")
SENT_AT = "sent_at"
"""Member of an intent's ``wanted``: when the order was sent once more, ISO 8601 UTC."""
ASKED = "asked"
"""Member of an intent's ``wanted``: the handle of an order that was placed and is asked for, as ``asking`` does."""


def progress_of(answer: Answer, differences: tuple[str, ...] = ()) -> dict[str, Any]:
    """Give what is kept of an answer."""
    from .._ca.answer_base import ISSUED, Issued, Pending

    if isinstance(answer, Issued):
        return {"state": ISSUED, "vendor_state": "", "message": "", "actions": [], "differences": list(differences)}
    told = {"state": answer.state, "vendor_state": answer.vendor_state, "differences": []}
    if isinstance(answer, Pending):
        return {**told, "message": answer.message, "actions": [action.shown() for action in answer.actions]}
    return {**told, "message": answer.reason, "actions": []}


def has_news(request: CertRequest, algorithm: str, answer: Pending) -> bool:
    """Say whether the CA says of a pending order what is not on record yet, or it can be moved on now."""
    kept: Mapping[str, Any] = request.ca_progress.get(algorithm) or {}
    told = progress_of(answer)
    # Orders of before this was kept have none; asked again, they say nothing new by that.
    return answer.look_again_s <= 0 or (bool(kept) and any(kept.get(name) != told[name] for name in _SHOWN))


def note_pending(mover: Mover, algorithm: str, answer: Pending) -> None:
    """Keep what the CA says of a pending order; on record where it asks for something else than before."""
    request = mover.request
    handles = {**request.ca_handles, algorithm: dict(answer.handle)}
    progress = {**request.ca_progress, algorithm: progress_of(answer)}
    if has_news(request, algorithm, replace(answer, look_again_s=1.0)):
        with mover.ports.store.write() as unit:
            answered(unit, mover, algorithm, answer)
            mover.save(unit, "order_progressed", ca_handles=handles, ca_progress=progress)
    elif handles != dict(request.ca_handles) or set(progress) != set(request.ca_progress):
        # Messages count seconds; another one alone is not worth a write.
        with mover.ports.store.write() as unit:
            answered(unit, mover, algorithm, answer)
            mover.request = unit.requests.put(replace(request, ca_handles=handles, ca_progress=progress))


def answered(unit: Unit, mover: Mover, algorithm: str, answer: Pending | Issued) -> None:
    """Close the intent of an order that was asked for, in the unit that keeps what the CA said."""
    key, result = key_of(mover.request, algorithm), {"handle": dict(answer.handle)}
    intents.close_all(unit, intents.ORDER_CERTIFICATE, "request", key, result, mover.ports.clock.now())


def key_of(request: CertRequest, algorithm: str) -> str:
    """Name what the intent of an order stands for."""
    return f"{request.request_id}/{algorithm}"


def order_of(mover: Mover, algorithm: str, intent: Intent) -> Order:
    """Give the order that an intent stands for."""
    from .._ca.base import Order

    request, wish = mover.request, mover.request.wish
    at = intent.created_at or mover.now
    return Order(
        form_csr.spec_of(wish),
        lifetimes.days(wish, at, mover.ca.capabilities()),
        intent.intent_id,
        at,
        request.ca_options,
        action=request.action,
        parent=parent_handle(mover, algorithm),
        validity=wish.get("validity") or {},
        certificate_id=request.certificate_id,
        attributes=wish.get("attributes") or {},
        generic=wish.get("generic") or {},
        last_sent_at=from_text(intent.wanted[SENT_AT]) if intent.wanted.get(SENT_AT) else None,
    )


def parent_handle(mover: Mover, algorithm: str) -> Mapping[str, Any]:
    """Give the CA's handle of the certificate that is followed; empty where another account issued it, or none."""
    request = mover.request
    if not request.renews.get("request_id") or dual_stack.is_addition(request):
        return {}
    with mover.ports.store.read() as unit:
        parent = unit.requests.get(request.renews["request_id"])
    if parent is None or parent.ca != request.ca:
        return {}
    handle: Mapping[str, Any] = parent.ca_handles.get(algorithm) or {}
    return handle


def ordered(mover: Mover, algorithm: str) -> tuple[Intent, Found]:
    """Hand a CSR to the CA, or find what an earlier run left there.

    :returns: the intent, still open, and what came of it; never ``NotThere``.
    :raises ClmError: it was not ordered, or nobody could look; the next run looks first.
    """
    from .._ca.answer_base import NotThere

    ports, request = mover.ports, mover.request
    intent, is_new = intents.begin(
        ports.store,
        intents.ORDER_CERTIFICATE,
        "request",
        key_of(request, algorithm),
        {"algorithm": algorithm, "ca": request.ca},
        ports.clock.now(),
    )
    if intent.wanted.get("ca", request.ca) != request.ca:
        from . import failover

        failover.follow(mover, intent)
    asked = order_of(mover, algorithm, intent)
    csr_pem = key_secrets.csr_to_send(ports.store, request, algorithm)
    if not is_new:
        found = _looked(mover, intent, asked, csr_pem, mover.ca.collect)
        if not isinstance(found, NotThere):
            return intent, _showable(mover, algorithm, csr_pem, found)
        intent = _sent_again(mover, intent, found)
        asked = order_of(mover, algorithm, intent)
    # Looking, or the order before, may have taken longer than the lease lives: another run would order, too.
    mover.still_ours()
    told = _sent(mover, asked, csr_pem)
    if isinstance(told, ClmError) and is_surely_not_taken(told):
        if is_new or not _counts_as_one(mover):
            _refused(mover, algorithm, intent, told)
        raise told
    answer = _looked_for(mover, asked, csr_pem, told) if isinstance(told, ClmError) else told
    return intent, _showable(mover, algorithm, csr_pem, answer)


def _sent_again(mover: Mover, intent: Intent, found: NotThere) -> Intent:
    """Note that an order which the CA does not have is sent once more: nothing was bought, and time has passed.

    :raises ClmError: the approvals do not hold any more, or the group is frozen by now.
    """
    ports = mover.ports
    leave_doubt(mover, found.why)
    requests.check_approved(mover)
    return intents.tried_again(ports.store, intent, {SENT_AT: to_text(ports.clock.now())})


def _fault(ca: str, exc: Exception) -> RemoteError:
    """Tell of what no connector should raise, as an answer that none can read."""
    return RemoteError(f"CA account {ca}: {unexpected(exc)}", code="internal_error")


def _refused(mover: Mover, algorithm: str, intent: Intent, exc: ClmError) -> None:
    """Close the intent of an order that the CA surely did not take; what it wants done before it does is kept."""
    from .._ca.answer_base import PENDING_VALIDATION

    ports, told = mover.ports, mover.request.ca_progress
    actions = [dict(action) for action in exc.details.get("actions") or ()]
    with ports.store.write() as unit:
        intents.close(unit, intent, {intents.REFUSED: exc.message}, ports.clock.now())
        if actions and actions != (told.get(algorithm) or {}).get("actions"):
            wanted = {"state": PENDING_VALIDATION, "vendor_state": "", "message": exc.message, "actions": actions}
            mover.save(unit, "order_progressed", ca_progress={**told, algorithm: {**wanted, "differences": []}})


def _counts_as_one(mover: Mover) -> bool:
    """Say whether the CA takes an order sent again for the same one: what it says of that says nothing of the first."""
    from .._ca.capability_base import FIND_TOKEN

    return mover.ca.capabilities().find == FIND_TOKEN


def _showable(mover: Mover, algorithm: str, sent: str, found: Found) -> Found:
    from .._ca.answer_base import CannotTell, NotThere

    return found if isinstance(found, (CannotTell, NotThere)) else showable(mover, algorithm, sent, found)


def showable(mover: Mover, algorithm: str, sent: str, answer: Answer) -> Answer:
    """Leave out of a handle what is not to be shown: the CSR that bears a challenge password."""
    return replace(answer, handle=key_secrets.without_sent(answer.handle, sent, mover.request.csrs[algorithm]))


def asked_for(mover: Mover, algorithm: str, handle: Handle, ask: Callable[[Handle], Answer]) -> Answer:
    """Ask for an order by its handle as the CA left it: with the CSR that was sent, which is kept elsewhere.

    Some CAs know an order by that alone, and would take another CSR of the same key for another order.

    :param ask: the CA's ``collect`` or ``peek``.
    """
    request = mover.request
    sent = key_secrets.held_csr(mover.ports.store, request, algorithm)
    if not sent:
        return ask(handle)
    return showable(mover, algorithm, sent, ask(key_secrets.without_sent(handle, request.csrs[algorithm], sent)))


def is_surely_not_taken(exc: Exception) -> bool:
    """Say whether the CA surely has no order after a ``submit`` that failed so.

    Only what the CA said, or that nothing reached it, can tell: anything else may be about an answer that nobody could
    read, as one with a broken certificate in it.

    :source: the contract of ``CaConnector.submit``; RFC 9110 §15.5 for 4xx, of which 408 says nothing.
    """
    if not isinstance(exc, RemoteError):
        return False
    if isinstance(exc, RateLimited):
        return True
    if isinstance(exc, TransportError):
        return not exc.sent
    return exc.status is not None and 400 <= exc.status < 500 and exc.status != 408


def _sent(mover: Mover, asked: Order, csr_pem: str) -> Answer | ClmError:
    """Hand an order to the CA, and give what came of it, errors among that.

    A connector that fails by a fault of ours has sent the order, or has not: the CA is asked, as ever.
    """
    try:
        return _handed_over(mover, asked, csr_pem)
    except ClmError as exc:
        return exc
    except Exception as exc:
        return _fault(mover.request.ca, exc)


def _handed_over(mover: Mover, asked: Order, csr_pem: str) -> Answer:
    from .._ca.capability_base import NATIVE

    capabilities = mover.ca.capabilities()
    if asked.parent and asked.action == "renew" and capabilities.renew == NATIVE:
        return mover.ca.renew(asked.parent, asked, csr_pem)
    if asked.parent and asked.action == "regenerate" and capabilities.reissue == NATIVE:
        return mover.ca.reissue(asked.parent, asked, csr_pem)
    return mover.ca.submit(asked, csr_pem)


def _looked_for(mover: Mover, asked: Order, csr_pem: str, exc: ClmError) -> Found:
    """Look at once for an order whose answer was lost."""
    from .._ca.answer_base import NotThere

    try:
        found = _readable(mover, lambda: mover.ca.find(asked, csr_pem))
    except ClmError:
        # Nothing was learned; the intent stays, and the next run looks first.
        raise exc from None
    if isinstance(found, NotThere):
        raise exc
    return found


def put_in_doubt(mover: Mover, algorithm: str, told: CannotTell) -> bool:
    """Let the request wait for a person who looks at the CA; never orders again by itself."""
    request = mover.request
    ordered = ca_made.ordered_for(request, algorithm)
    message = (
        f"CA account {request.ca} may have taken the order for the {ordered}, for its answer was lost: "
        f"{told.message}. {_advice(mover, told.look_at)}"
    )
    if request.state == "in_doubt":
        return mover.park(IN_DOUBT, message, told.look_again_s)
    at = mover.now + timedelta(seconds=told.look_again_s)
    with mover.ports.store.write() as unit:
        mover.save(unit, IN_DOUBT, state="in_doubt", reason=IN_DOUBT, message=message, next_look_at=at)
    return False


def _advice(mover: Mover, look_at: str) -> str:
    adopt = ""
    if mover.ca.capabilities().can_adopt:
        adopt = "with action: retry and its order_id to take it over, or, "
    none = "if there is surely none, with action: retry alone to order again"
    return f"Look {look_at}; then run edgecert.clm.cert_workflow {adopt}{none}"


def leave_doubt(mover: Mover, why: str) -> None:
    """Go on with a request whose order is not in doubt any more; nothing for any other."""
    if mover.request.state == "in_doubt":
        with mover.ports.store.write() as unit:
            mover.save(unit, "doubt_settled", comment=why, state="implementing", next_look_at=None)


def still_in_doubt_s(mover: Mover) -> float | None:
    """Give the seconds after which asking the CA again makes sense; None when it can tell now. Reads only."""
    from .._ca.answer_base import CannotTell

    for algorithm in dual_stack.unordered(mover.request):
        found = found_again(mover, algorithm)
        if isinstance(found, CannotTell):
            return found.look_again_s
    return None


def found_again(mover: Mover, algorithm: str) -> Found | None:
    """Look for an order whose answer was lost; None where none was begun. Reads only."""
    intent = _open_intent(mover, algorithm)
    if intent is None:
        return None
    csr_pem = key_secrets.csr_to_send(mover.ports.store, mover.request, algorithm)
    return _looked(mover, intent, order_of(mover, algorithm, intent), csr_pem, mover.ca.peek)


def _looked(mover: Mover, intent: Intent, asked: Order, csr_pem: str, ask: Callable[[Handle], Answer]) -> Found:
    """Look for what may have been ordered; one that was asked for is asked for again where that is no order by now."""
    placed: Handle | None = intent.wanted.get(ASKED)
    if placed is None or mover.ca.capabilities().asking_orders:
        return _readable(mover, lambda: mover.ca.find(asked, csr_pem))
    handle = placed
    return _readable(mover, lambda: asked_for(mover, str(intent.wanted["algorithm"]), handle, ask))


def _readable(mover: Mover, look: Callable[[], Found]) -> Found:
    """Look for an order; what the CA says and nobody can read is that nobody can tell, for a person to see to it.

    :raises RemoteError: the CA refused to say, or is away, which may pass.
    :raises MissingLibrary: it cannot be asked from here.
    """
    from .._ca.answer_base import CannotTell

    try:
        return look()
    except ClmError as exc:
        passes = isinstance(exc, RemoteError) and (exc.retryable or (exc.status or 0) >= 400)
        if passes or isinstance(exc, MissingLibrary):
            raise
        why = exc.message
    except Exception as exc:
        why = _fault(mover.request.ca, exc).message
    return CannotTell(f"what it says of its orders cannot be read ({why})", f"at CA account {mover.request.ca}")


def is_begun(mover: Mover, algorithm: str) -> bool:
    """Say whether a CSR may have been handed over before."""
    return _open_intent(mover, algorithm) is not None


def _open_intent(mover: Mover, algorithm: str) -> Intent | None:
    with mover.ports.store.read() as unit:
        key = key_of(mover.request, algorithm)
        return intents.left_open(unit, intents.ORDER_CERTIFICATE, "request", key)


def in_doubt(mover: Mover) -> tuple[str, Intent]:
    """Give the key algorithm whose order is in doubt, with its intent.

    :raises InputError: there is none.
    """
    for algorithm in dual_stack.unordered(mover.request):
        intent = _open_intent(mover, algorithm)
        if intent is not None:
            return algorithm, intent
    raise InputError(f"No order of request {mover.request.request_id} is in doubt; run cert_enroll to go on with it")


def given_up(mover: Mover, comment: str) -> None:
    """Take a person's word that the CA has no order: the next move orders anew, under another intent."""
    algorithm, intent = in_doubt(mover)
    ports = mover.ports
    ordered = ca_made.ordered_for(mover.request, algorithm)
    said = comment or f"{ports.actor} says that CA account {mover.request.ca} has no order for the {ordered}"
    with ports.store.write() as unit:
        intents.close(unit, intent, {"given_up": ports.actor}, ports.clock.now())
        mover.save(unit, "order_given_up", comment=said, state="implementing", next_look_at=None)
