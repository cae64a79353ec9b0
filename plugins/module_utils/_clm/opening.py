# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Opening the place where key and CSR are made, once: looked for first, begun under an intent, never begun twice."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from .._core.clock import from_text, to_text
from .._core.csr_sources import ALLOW_DUPLICATE
from .._core.errors import ClmError, ConflictError, InputError, RateLimited, RemoteError, StateError, TransportError
from .._core.types import AuditEntry, CertRequest, Intent
from . import approvals, intents, key_secrets, lifetimes, opened_changes, requests, snapshots
from .binding import bind_certificate

if TYPE_CHECKING:
    from .._keys.base import Obstacle, Reference
    from .._store.base import Unit
    from .moves import Mover

# Members of the intent: enrollments of the same name that were there before, and when it was tried last.
_THERE, _TRIED = "there", "tried_at"
# CPS opens no second enrollment on a contract within five minutes of the last; cps-protocol §5.2.
_CREATE_INTERVAL_S = 300.0
_TOO_SOON = "create_too_soon"
# What a person, or CPS, ends sooner or later.
_PASSING = frozenset(["change_pending", "enrollment_unreadable"])
_LOOK_AGAIN_S = 900.0
_MAY_BE_OURS = frozenset(["change_pending", "enrollment_differs", "enrollment_exists"])
_CONFLICTS = frozenset(["enrollment_exists", "enrollment_gone", "enrollment_differs", *_PASSING])


def refuse(mover: Mover, obstacles: Sequence[Obstacle]) -> None:
    """Refuse to begin where something stands in the way.

    :raises ConflictError: there is an enrollment of that name, or another run made one since this one planned.
    :raises InputError: CPS would not take the order.
    """
    if not obstacles:
        return
    from .rivals import refuse_rivals

    # What stands in the way may be what another run has just opened for the same certificate: nothing to be removed.
    with mover.ports.store.read() as unit:
        refuse_rivals(unit, mover.request)
    what = f"Cannot enrol {mover.request.certificate_id}"
    code = obstacles[0].code
    if code in _CONFLICTS:
        said = "; ".join(o.sentence for o in obstacles)
        raise ConflictError(f"{what}: {said}{_way_out(mover, obstacles)}", code=code)
    error = InputError.of_problems(what, [o.sentence for o in obstacles])
    error.code = code
    raise error


def in_the_way(mover: Mover) -> list[Obstacle]:
    """Give what stands in the way of beginning; an enrollment of the same name does not, where another is allowed.

    It does where it is the certificate's own, and where it may be what an earlier run opened: then only what was there
    before that run is passed over.
    """
    found = list(mover.keys.conflicts(mover.order))
    if not mover.request.wish.get(ALLOW_DUPLICATE):
        return found
    with mover.ports.store.read() as unit:
        certificate = unit.certificates.get(mover.request.certificate_id)
    own, left = certificate.enrollment_id if certificate is not None else None, _left_open(mover)

    def is_allowed(obstacle: Obstacle) -> bool:
        number = obstacle.enrollment_id
        is_before = left is None or number in left.wanted.get(_THERE, ())
        return obstacle.code == "enrollment_exists" and number is not None and number != own and is_before

    return [obstacle for obstacle in found if not is_allowed(obstacle)]


def _of_same_name(mover: Mover) -> list[int]:
    """Give the enrollments of the same name that are there directly before a create."""
    mover.keys.find(mover.order)
    found = (obstacle.enrollment_id for obstacle in mover.keys.conflicts(mover.order))
    return [number for number in found if number is not None]


def _too_early(mover: Mover, left: Intent) -> RemoteError | None:
    """Keep a create that may have been done from being sent again at once where CPS would not refuse a second one.

    CPS takes no other one on the contract within five minutes of one that it took, and shows that one by then.
    """
    if not mover.request.wish.get(ALLOW_DUPLICATE):
        return None
    tried, began = left.wanted.get(_TRIED), left.created_at
    at = from_text(tried) if tried else began
    if at is None or (mover.now - at).total_seconds() >= _CREATE_INTERVAL_S:
        return None
    return RemoteError(
        "CPS was asked for another enrollment of the name and its answer was lost; it is looked for once more before "
        "it is asked again",
        code=_TOO_SOON,
        retryable=True,
    )


def _way_out(mover: Mover, obstacles: Sequence[Obstacle]) -> str:
    """Say how what stands in the way is taken back, where a request of this certificate that came to nothing left it.

    Of several obstacles one may be the open change; what is edited in an enrollment, or a new one, is of any.
    """
    if not any(o.code in _MAY_BE_OURS for o in obstacles):
        return ""
    change_id = next((o.change_id for o in obstacles if o.change_id is not None), None)
    with mover.ports.store.read() as unit:
        return opened_changes.advice(unit, mover.request.certificate_id, change_id)


def notes(mover: Mover) -> dict[str, Any]:
    """Give what was passed over in looking before a begin, as an entry of the result; empty when nothing was."""
    found = list(mover.keys.notes) if mover.next_move() == "begin" else []
    return {"notes": found} if found else {}


def sentence(mover: Mover) -> str:
    """Say what the move will do."""
    with mover.ports.store.read() as unit:
        left = intents.is_open(unit, intents.OPEN_ENROLLMENT, "request", mover.request.request_id)
    begins = mover.keys.predict(mover.order)
    return f"Adopt what an earlier run left, or else: {begins}" if left else begins


def begin(mover: Mover) -> bool:
    """Open the place, or go on with what an earlier run opened."""
    with mover.lease():
        while True:
            too_soon = _try(mover)
            if too_soon is None:
                return True
            if not mover.pause(_CREATE_INTERVAL_S):
                return mover.park(_TOO_SOON, too_soon.message, _CREATE_INTERVAL_S)


def _try(mover: Mover) -> RemoteError | None:
    """Open the place once; gives the refusal that time heals, raises any other."""
    left = _left_open(mover)
    reference = adoptable(mover) if left is not None else None
    if reference is None:
        if left is None and (why := lifetimes.refusal(mover)):
            _give_up(mover, None, lifetimes.REFUSED, why)
        requests.check_approved(mover)
        obstacles = in_the_way(mover)
        if obstacles and left is None:
            said = f"{obstacles[0].sentence}{_way_out(mover, obstacles)}"
            _give_up(mover, None, obstacles[0].code, said)
        # After a create in doubt, an enrollment of the same name may be ours all the same: the request stays.
        refuse(mover, obstacles)
        _refuse_uses(mover)
        mover.still_ours()
        snapshots.before_update(mover)
        if left is not None and (waits := _too_early(mover, left)):
            return waits
        answer = _create(mover, is_first=left is None)
        if isinstance(answer, RemoteError):
            return answer
        reference = answer
    _keep(mover, reference)
    return None


def _refuse_uses(mover: Mover) -> None:
    """Look again before names are dropped, where an approval or a date lay between: traffic may have come to them.

    :raises ConflictError: they are in use, and nobody allowed it; the request waits.
    """
    if not mover.request.renews.get("before"):
        return
    from . import usage

    mover.look_for_uses()
    if why := usage.reason(mover.request, mover.usage):
        mover.park(usage.IN_USE, why, _LOOK_AGAIN_S)
        usage.refuse(mover.request, mover.usage)


def _left_open(mover: Mover) -> Intent | None:
    with mover.ports.store.read() as unit:
        return intents.left_open(unit, intents.OPEN_ENROLLMENT, "request", mover.request.request_id)


def _create(mover: Mover, *, is_first: bool) -> Reference | RemoteError:
    """Begin under an intent, written directly before; what the answer says of it decides what is left of both.

    :param is_first: no earlier run may have begun: where nothing can have been made now, nothing has been.
    """
    request, ports = mover.request, mover.ports
    wanted = {"contract_id": request.wish["contract_id"], "common_name": request.wish["common_name"]}
    if is_duplicate := bool(request.wish.get(ALLOW_DUPLICATE)):
        wanted[_THERE] = _of_same_name(mover)
    intent, is_new = intents.begin(
        ports.store, intents.OPEN_ENROLLMENT, "request", request.request_id, wanted, ports.clock.now()
    )
    if is_duplicate and not is_new:
        intent = intents.tried_again(ports.store, intent, {_TRIED: to_text(ports.clock.now())})
    try:
        return mover.keys.begin(mover.order)
    except RemoteError as exc:
        if _may_have_been_done(exc):
            # The answer was lost, perhaps after it was done: look at once, and again at the next run.
            reference = adoptable(mover)
            if reference is None:
                raise
            return reference
        if exc.details.get("made"):
            # Refused midway: a request of another id would not find what is there, and have all of it made again.
            raise
        if is_first:
            _forget(mover, intent)
        if exc.code == _TOO_SOON:
            return exc
        is_same_name = exc.code == "duplicate_common_name"
        if not _is_passing(exc) and (is_first or not is_same_name):
            _give_up(mover, intent, exc.code, exc.message)
        raise


def _may_have_been_done(exc: RemoteError) -> bool:
    if isinstance(exc, TransportError):
        return exc.sent
    return exc.status is not None and exc.status >= 500


def _is_passing(exc: ClmError) -> bool:
    """Say whether the same call may go through later, so that the request should stay."""
    return exc.retryable or isinstance(exc, (RateLimited, TransportError))


def adoptable(mover: Mover) -> Reference | None:
    """Find what an earlier run opened, leaving out what belongs to other certificates.

    :raises StateError: several fit, or none does and one cannot be read; a person has to tell which.
    """
    request = mover.request
    with mover.ports.store.read() as unit:
        bound = {
            c.enrollment_id
            for c in unit.certificates.find(device=request.device, origin="enrolled")
            if c.certificate_id != request.certificate_id and c.enrollment_id is not None
        }
    left = _left_open(mover)
    there = left.wanted.get(_THERE, ()) if left is not None else ()
    found = [r for r in mover.keys.find(mover.order) if r.get("enrollment_id") not in {*bound, *there}]
    if len(found) > 1:
        labels = [str(r["label"]) for r in found]
        raise StateError(
            f"Cannot go on with request {request.request_id}: an earlier run may have opened one of these, and they "
            f"cannot be told apart: {', '.join(labels)}; remove those that are not wanted, then run again",
            code="in_doubt",
            details={"candidates": labels},
        )
    if not found and (doubts := mover.keys.doubts(mover.order)):
        raise StateError(
            f"Cannot go on with request {request.request_id}: an earlier run may have opened what cannot be read now: "
            f"{'; '.join(doubts)}; have it repaired or removed in Akamai Control Center, then run again",
            code="in_doubt",
            details={"unreadable": list(doubts)},
        )
    return found[0] if found else None


def _keep(mover: Mover, reference: Reference) -> None:
    ports, made = mover.ports, mover.keys.made()
    if made:
        # A later request may go on with this one's place; what is sealed stays with this one.
        reference = {**reference, "held_by": mover.request.request_id}
    with ports.store.write() as unit:
        key = ("request", mover.request.request_id)
        intents.close_all(unit, intents.OPEN_ENROLLMENT, *key, reference, ports.clock.now())
        mover.save(unit, "key_place_opened", key_reference=reference, next_look_at=None)
        key_secrets.keep_made(unit, mover.request, made, ports.clock.now())
        # What a renewal follows stays in the inventory as it is until its successor is issued.
        if not mover.request.renews:
            bind_certificate(unit, mover.request, reference, ports.clock.now())


def _forget(mover: Mover, intent: Intent) -> None:
    """Take the intent back: nothing was made, so what may be found later is somebody else's."""
    with mover.ports.store.write() as unit:
        _remove(unit, intent)


def _give_up(mover: Mover, intent: Intent | None, code: str, message: str) -> None:
    """End a request that was refused outright: nothing exists, so nothing may be left in the way.

    One that nobody was asked about is taken back. One that people have seen, and may have approved, stays: it waits
    for what passes, and has failed otherwise.

    :raises ConflictError: it waits.
    :raises StateError: it has failed.
    """
    request, what = mover.request, f"Cannot {mover.request.action} {mover.request.certificate_id}"
    if intent is not None:
        _forget(mover, intent)
    if not _is_governed(request):
        _withdraw(mover, message)
    elif code in _PASSING:
        mover.park(code, message, _LOOK_AGAIN_S)
        raise ConflictError(f"{what}: {message}", code=code)
    else:
        mover.fail(code, message)


def _is_governed(request: CertRequest) -> bool:
    """Say whether people have seen, approved or scheduled it before it was begun."""
    return bool(approvals.levels(request)) or request.manual_implementation or request.scheduled_at is not None


def _withdraw(mover: Mover, message: str) -> None:
    """Take back a request that nobody has seen yet."""
    request = mover.request
    with mover.ports.store.write() as unit:
        unit.requests.remove(request)
        before = {"state": request.state, "certificate": request.certificate_id, "action": request.action}
        after = {"message": message, "certificate": request.certificate_id}
        entry = AuditEntry(mover.ports.actor, "request_refused", "request", request.request_id, before, after)
        unit.audit(replace(entry, tracking_id=request.tracking_id))


def _remove(unit: Unit, intent: Intent) -> None:
    stored = unit.intents.get(intent.intent_id)
    if stored is not None:
        unit.intents.remove(stored)
