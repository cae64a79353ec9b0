# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Takes back at CPS what a request opened that came to nothing: its change, and what CPS keeps of its edits.

Nothing of it ever reached a network, so nobody has to approve it and no freeze holds it (cps-protocol §6.5). Only a
change that was opened here is ever cancelled. All of it stands under one intent, which says how far it is; a run that
finds it open looks before it goes on.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from .._core.clock import from_text, to_text
from .._core.errors import ConflictError, RemoteError, StateError, TransportError
from .._core.plan import Step
from .._core.types import AuditEntry, CaAccount, Certificate, CertRequest, Intent
from .._keys.base import Left
from . import completion, intents, opened_changes, opening, places, requests, snapshots
from .managed import managed_device
from .moves import Mover
from .patience import LAG_S
from .rollback import CANCELLED, MOST_TRIES
from .work_orders import LEASE_S

if TYPE_CHECKING:
    from .._store.base import Unit
    from .ports import Ports

_NEAR_S = 10.0
# Members of the intent: the change in turn that putting the edits back opened is one more to be cancelled.
_ASKED, _PUTTING, _PUT, _TRIES, _SAID = "asked", "putting_back", "put_back", "tries", "said"


class TakingBack:
    """Takes back what one request opened.

    :param wait_s: how long to wait for CPS, 0 for not at all.
    """

    def __init__(self, ports: Ports, request: CertRequest, *, wait_s: float) -> None:
        self.ports, self._wait_s = ports, wait_s
        self._planned = request
        self._mover: Mover | None = None
        self._intent: Intent | None = None
        self._last: Left | None = None
        with ports.store.read() as unit:
            self.reference = opened_changes.reference_of(unit, request)
            left = intents.is_open(unit, intents.OPEN_ENROLLMENT, "request", request.request_id)
            self._may_be_lost = left and not self.reference and request.csr_source == "endpoint"
            taken = opened_changes.before(unit, request)
            self._user = opened_changes.user_of(unit, request, self.reference) if self.reference else None
            self.is_anothers = bool(self.reference) and opened_changes.was_open_before(unit, request, self.reference)
            self._left = opened_changes.left_at_place(unit, request)
        self.before: Mapping[str, Any] = taken.enrollment if taken is not None else {}
        self._served = taken.production if taken is not None else {}

    @property
    def mover(self) -> Mover:
        """Give what reaches the place of the key; its CA is not asked, and may be gone.

        :raises PolicyError: the device is not managed any more.
        """
        if self._mover is None:
            request = self._planned
            with self.ports.store.read() as unit:
                account = unit.ca_accounts.get(request.ca) or CaAccount(request.ca, "")
                device = places.required(unit, request)
            self._mover = Mover(self.ports, request, device, account, wait_s=self._wait_s)
        return self._mover

    def steps(self) -> list[Step]:
        """Give the step that takes it back; none where nothing was opened, or that is taken back already.

        :raises ConflictError: another request goes on with it.
        :raises StateError: it was gone on with elsewhere.
        """
        request, reference = self._planned, self.reference
        if self._may_be_lost:
            text = f"Look for what request {request.request_id} may have opened at CPS, and take it back"
            return [Step(text, self._run)]
        if not reference or self.is_anothers:
            return []
        what = f"change {reference['change_id']} of enrollment {reference['enrollment_id']}"
        self._refuse_used(what)
        left = self._look(reference)
        self._refuse_moved_on(left, reference)
        if not left.is_there:
            return [Step(f"Put on record that enrollment {reference['enrollment_id']} is gone at CPS", self._run)]
        text = f"Cancel {what} at CPS" if left.is_open else f"Put on record that {what} is over"
        kept = f", and put {', '.join(left.kept)} back where CPS keeps that" if left.kept else ""
        return [Step(text + kept, self._run)]

    @property
    def note(self) -> str:
        """Say why nothing is taken back that stays open; empty where that is not so."""
        return self._left if self.is_anothers else ""

    def _refuse_used(self, what: str) -> None:
        """Refuse to take back what another request goes on with.

        :raises ConflictError: one does.
        """
        if self._user is not None:
            raise ConflictError(
                f"Cannot take {what} back: request {self._user.request_id}, which is {self._user.state}, goes on with "
                f"it; leave {opened_changes.OPTION} out, or cancel that one",
                code="change_in_use",
                details={"request_id": self._user.request_id, "change_id": self.reference["change_id"]},
            )

    def _look(self, reference: Mapping[str, Any]) -> Left:
        return self.mover.keys.left(self.mover.order, reference, self.before)

    def _refuse_moved_on(self, left: Left, reference: Mapping[str, Any]) -> None:
        """Refuse to take back what somebody else made something of.

        :raises StateError: it is so.
        """
        if not left.moved_on:
            return
        number = reference["change_id"]
        self._give_up(left.status)
        todo = "let it end, or cancel it, in Akamai Control Center" if left.is_open else "discover the device"
        raise StateError(
            f"Cannot take change {number} of enrollment {reference['enrollment_id']} back: it was gone on with outside "
            f"of request {self._planned.request_id} and is past its CSR ({left.status}); {todo}",
            code="change_moved_on",
            details={"change_id": number, "status": left.status},
        )

    # -- running ---------------------------------------------------------------------------------------------------

    @contextmanager
    def _lease(self) -> Iterator[None]:
        """Hold the request.

        :raises ConflictError: another run holds it, or moved it since this one planned.
        """
        with self.ports.store.lease(requests.lease_of(self._planned), LEASE_S):
            with self.ports.store.read() as unit:
                current = requests.stored(unit, self._planned.request_id)
                places.required(unit, current)
            if current.state not in opened_changes.ENDED:
                raise ConflictError(
                    f"Cannot take back what request {current.request_id} opened: another run moved it meanwhile, it is "
                    f"{current.state} now; run again"
                )
            self.mover.request = current
            yield

    @property
    def _place_lease(self) -> str:
        """Name what work orders hold as well: one enrollment takes one change at a time."""
        return f"enrollment:{self._planned.device}:{self.reference['enrollment_id']}"

    def _still_ours(self) -> None:
        """Before a write or a wait: hold both leases on, and look whether the device may still be acted on."""
        self.ports.store.renew(self._place_lease, LEASE_S)
        self.mover.still_ours()

    def _run(self) -> bool:
        with self._lease():
            if self._may_be_lost and not self._find():
                return True
            with self.ports.store.lease(self._place_lease, LEASE_S):
                self._begin()
                left = self._end(self.reference)
                told = self._restored(left) if left is not None else None
                if left is None or told is None:
                    return False
                self._complete(self._last or left, told)
        return True

    def _find(self) -> bool:
        """Look for what was opened by a call whose answer was lost; says whether something is to be taken back."""
        request, found = self.mover.request, opening.adoptable(self.mover)
        with self.ports.store.write() as unit:
            self.reference = found or {}
            if found is not None and not opened_changes.was_open_before(unit, request, found):
                self._user = opened_changes.user_of(unit, request, found)
                self._refuse_used(str(found["label"]))
                return True
            intents.close_all(unit, intents.OPEN_ENROLLMENT, "request", request.request_id, {}, self.mover.now)
            self._save(unit, "nothing was found at CPS that it opened")
        return False

    def _begin(self) -> None:
        """Write the intent, or go on with the one an earlier run left; nobody goes on with the place from then on."""
        ids = {name: self.reference[name] for name in ("enrollment_id", "change_id")}
        key, request = opened_changes.key_of(self.mover.request), self.mover.request
        with self.ports.store.write() as unit:
            left = intents.left_open(unit, *key)
            self._intent = left or intents.add(unit, *key, ids, self.mover.now)
            marked = {**self.reference, opened_changes.TAKING_BACK: True}
            if dict(request.key_reference) != marked:
                self.mover.request = unit.requests.put(replace(request, key_reference=marked))

    def _mark(self, **told: Any) -> None:
        if self._intent is not None:
            self._intent = intents.tried_again(self.ports.store, self._intent, told)

    @property
    def _marks(self) -> Mapping[str, Any]:
        return self._intent.wanted if self._intent is not None else {}

    def _give_up(self, why: str) -> None:
        """Close the intent as refused: what was opened stays, and may be gone on with."""
        if self._intent is None:
            return
        request = self.mover.request
        with self.ports.store.write() as unit:
            intents.close_all(unit, *opened_changes.key_of(request), {intents.REFUSED: why}, self.mover.now)
            reference = {n: v for n, v in request.key_reference.items() if n != opened_changes.TAKING_BACK}
            self.mover.request = unit.requests.put(replace(request, key_reference=reference))

    def _end(self, reference: Mapping[str, Any]) -> Left | None:
        """Cancel a change, and follow it to its end; None where CPS is at it still."""
        while True:
            left = self._last = self._look(reference)
            self._refuse_moved_on(left, reference)
            if not left.is_open:
                return left
            if not self._is_asked_lately(reference):
                self._cancel(reference)
                continue
            self._still_ours()
            if not self.mover.pause(_NEAR_S):
                number = reference["change_id"]
                self._wait(f"CPS is about to cancel change {number} ({left.status})")
                return None

    def _is_asked_lately(self, reference: Mapping[str, Any]) -> bool:
        """Say whether CPS took it so lately that it may still show it open, or refused it and is asked again later."""
        asked = self._marks.get(_ASKED) or {}
        if asked.get("change_id") != reference["change_id"]:
            return False
        pace = LAG_S if asked["is_taken"] else _NEAR_S
        return (self.mover.now - from_text(asked["at"])).total_seconds() < pace

    def _cancel(self, reference: Mapping[str, Any]) -> None:
        """Tell CPS to cancel exactly this change, once; how it stands then is looked at.

        :raises StateError: CPS refused it too often.
        """
        self._still_ours()
        is_taken = True
        try:
            self.mover.keys.take_back(reference)
        except RemoteError as exc:
            if exc.status == 409:
                is_taken = False
                self._refused(exc, reference)
            elif exc.status != 404 and (not _may_be_done(exc) or self._look(reference).is_open):
                # It is over, or the answer was lost after it was done.
                raise
        asked = {"change_id": reference["change_id"], "at": to_text(self.mover.now), "is_taken": is_taken}
        self._mark(**{_ASKED: asked})

    def _refused(self, exc: RemoteError, reference: Mapping[str, Any]) -> None:
        tries = int(self._marks.get(_TRIES) or 0) + 1
        self._mark(**{_TRIES: tries})
        if tries < MOST_TRIES:
            return
        self._give_up(exc.message)
        raise StateError(
            f"Cannot take change {reference['change_id']} of enrollment {reference['enrollment_id']} back: CPS refused "
            f"to cancel it {tries} times ({exc.message}); wait until CPS is done with what it does, or see in Akamai "
            "Control Center what lies on top of it, then run the same again",
            code="cancel_refused",
            details={"change_id": reference["change_id"]},
        ) from exc

    def _wait(self, message: str) -> None:
        """Put on record what is waited for."""
        request = self.mover.request
        said = f"{message}; take it to its end with {opened_changes.way(request.request_id)}"
        with self.ports.store.write() as unit:
            self.mover.request = unit.requests.put(replace(request, message=self._told(said)))
        self._mark(**{_SAID: said})

    def _told(self, told: str) -> str:
        """Give the request's message with what is told in place of what it said of CPS before."""
        message, before = self.mover.request.message, str(self._marks.get(_SAID) or self._left)
        return message.replace(before, told) if before and before in message else f"{message}; {told}"

    # -- what CPS keeps --------------------------------------------------------------------------------------------

    def _restored(self, left: Left) -> str | None:
        """Put back what the enrollment keeps of the edits; gives what is left there, or None where that has to wait."""
        opened = self._marks.get(_PUT) or self._opened_by_lost(left)
        if opened:
            ended = self._end(opened)
            if ended is None:
                return None
            left = ended
        number = self.reference["enrollment_id"]
        if not left.kept:
            return _foreign(left, number)
        if _PUT in self._marks:
            return f"CPS keeps {', '.join(left.kept)} in enrollment {number}, and was told to put it back"
        if left.beside:
            changes = ", ".join(map(str, left.beside))
            kept = ", ".join(left.kept)
            self._wait(f"CPS keeps {kept} in enrollment {number}, where change {changes} is open by now")
            return None
        if self._is_live_elsewhere():
            return f"enrollment {number} keeps {', '.join(left.kept)}, for production serves another certificate by now"
        snapshots.before_update(self.mover, seen=left.settings)
        self._still_ours()
        self._mark(**{_PUTTING: to_text(self.mover.now)})
        opened = self.mover.keys.put_back(self.mover.order, self.before)
        self._mark(**{_PUT: dict(opened or {})})
        return self._restored(self._look(self.reference))

    def _opened_by_lost(self, left: Left) -> Mapping[str, Any]:
        """Give the change of an update whose answer was lost: the edits are back, and only that can have opened it."""
        newer = [one for one in left.beside if one > int(self.reference["change_id"])]
        if _PUTTING not in self._marks or _PUT in self._marks or left.kept or len(newer) != 1:
            return {}
        opened = {**self.reference, "change_id": newer[0]}
        self._mark(**{_PUT: opened})
        return opened

    def _is_live_elsewhere(self) -> bool:
        """Say whether production serves another certificate than before: then its names are not to be taken away."""
        with self.ports.store.read() as unit:
            device = managed_device(unit, self._planned.device)
        state = self.ports.target(device).observe({**self.reference, "change_id": None}, {})
        was = self._served.get("fingerprint")
        return bool(was) and completion.primary(state.production) != was

    def _complete(self, left: Left, told: str) -> None:
        """Put on record that it is taken back."""
        ids = self.reference
        done = f"change {ids['change_id']} of enrollment {ids['enrollment_id']} is taken back at CPS"
        if not left.is_there:
            done += ", and the enrollment is gone with it"
        elif not self._planned.renews:
            done += (
                "; the enrollment stays, and nothing of it is deployed: remove it with edgecert.clm.cert_push, action: "
                "remove and remove_from: akamai"
            )
        with self.ports.store.write() as unit:
            is_asked = (self._marks.get(_ASKED) or {}).get("is_taken")
            result = {CANCELLED: True} if is_asked else {"gone": True}
            intents.close_all(unit, *opened_changes.key_of(self._planned), result, self.mover.now)
            key = ("request", self._planned.request_id)
            intents.close_all(unit, intents.OPEN_ENROLLMENT, *key, dict(ids), self.mover.now)
            self._save(unit, "; ".join(part for part in (done, told) if part))
            self._show(unit, is_there=left.is_there)

    def _save(self, unit: Unit, told: str) -> None:
        kept: dict[str, Any] = {"reason": self.mover.request.reason, "message": self._told(told)}
        self.mover.save(unit, "change_taken_back", key_reference={}, **kept)

    def _show(self, unit: Unit, *, is_there: bool) -> None:
        """Let the inventory tell that the change is over, and a new enrollment gone with it."""
        certificate = unit.certificates.get(self._planned.certificate_id)
        if certificate is None or certificate.enrollment_id != self.reference["enrollment_id"]:
            return
        is_gone = not is_there and certificate.request_id == self._planned.request_id
        after = _shown(certificate, self.reference, is_gone=is_gone)
        if after == certificate:
            return
        unit.certificates.put(replace(after, updated_at=self.mover.now))
        key, told = certificate.certificate_id, [_brief(one) for one in (certificate, after)]
        entry = AuditEntry(self.ports.actor, "certificate_change_taken_back", "certificate", key, told[0], told[1])
        unit.audit(replace(entry, tracking_id=self._planned.tracking_id))


def _shown(certificate: Certificate, reference: Mapping[str, Any], *, is_gone: bool) -> Certificate:
    open_ones = tuple(one for one in certificate.pending_changes if one.get("change_id") != reference["change_id"])
    state = "vanished" if is_gone else certificate.state
    return replace(certificate, pending_changes=open_ones, state=state)


def _brief(certificate: Certificate) -> dict[str, Any]:
    return {"state": certificate.state, "pending_changes": list(certificate.pending_changes)}


def _foreign(left: Left, number: Any) -> str:
    if not left.foreign:
        return ""
    members = ", ".join(left.foreign)
    return f"{members} of enrollment {number} was set otherwise by somebody else meanwhile, and stays so"


def _may_be_done(exc: RemoteError) -> bool:
    return exc.sent if isinstance(exc, TransportError) else (exc.status or 0) >= 500
