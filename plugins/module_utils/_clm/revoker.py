# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Moves a request to revoke on: one certificate after the other, until the CA has revoked all. Knows no CA.

A revocation may be repeated, so a lost answer needs no more than another run; it is on record all the same before it is
sent. No device has a part in it, so one that is not managed any more is no obstacle.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from .._core.clock import from_text, to_text
from .._core.errors import ConflictError
from .._core.plan import Step
from .._core.types import Device
from . import ca_orders, intents, requests, revocation_states, states
from .moves import Mover
from .rivals import refuse_rivals
from .work_orders import LEASE_S

if TYPE_CHECKING:
    from .._ca.answer_base import Revocation
    from .._core.types import CaAccount, CertRequest
    from .._store.base import Unit
    from .ports import Ports

REVOKES = "revokes"
"""Member of what a request follows: reason and fingerprints of what it revokes."""
_DONE = "revoked"
_PENDING = "revocation_pending"


class Revoker(Mover):
    """Moves one request to revoke on."""

    def __init__(self, ports: Ports, request: CertRequest, account: CaAccount, *, wait_s: float) -> None:
        super().__init__(ports, request, Device(request.device), account, wait_s=wait_s)

    def next_move(self) -> str:
        """Name the move that is next, empty when the request has ended."""
        return "" if states.is_final(self.request.state) else "revoke"

    def peek(self) -> bool:
        """Say whether the CA can be told now, or has something new to tell; reads only."""
        if not self.next_move():
            return False
        waiting = self._waiting()
        if not waiting or self.wait_s or len(waiting) < len(self._left()):
            return True
        answers = [self.ca.revocation(self.request.ca_handles[name]) for name in waiting]
        if any(answer.state == _DONE for answer in answers):
            return True
        self._next_look_s = min(answer.look_again_s for answer in answers)
        return False

    def steps(self) -> list[Step]:
        """Give the one move."""
        return [Step(f"Have CA account {self.request.ca} revoke {self.request.certificate_id}", self._revoke)]

    def predicted_state(self) -> str:
        """Say where it leads if the CA does it at once."""
        return _DONE

    def record(self) -> bool:
        """Store the new request; another one still open for the certificate refuses it."""
        with self.ports.store.write() as unit:
            refuse_rivals(unit, self.request)
            self.keeper.add(unit, "revocation_submitted")
        return True

    def _again(self) -> CertRequest:
        return replace(self.request, state="approved")

    def still_ours(self) -> None:
        """Hold the lease on, before a write after a wait."""
        self.ports.store.renew(self._lease_name, LEASE_S)

    @contextmanager
    def lease(self) -> Iterator[None]:
        """Hold the request for the time of one move.

        :raises ConflictError: another run holds it, or moved it since this one planned.
        """
        planned = self.request
        with self.ports.store.lease(self._lease_name, LEASE_S):
            with self.ports.store.read() as unit:
                current = unit.requests.get(planned.request_id)
            if current is None or (current.state, current.ca_progress) != (planned.state, planned.ca_progress):
                raise ConflictError(
                    f"Cannot go on with request {planned.request_id} to revoke {planned.certificate_id}: another run "
                    "moved it meanwhile; run again to go on from there",
                    details={"request_id": planned.request_id},
                )
            self.request = current
            yield

    def _state(self, algorithm: str) -> str:
        return str((self.request.ca_progress.get(algorithm) or {}).get("state") or "")

    def _left(self) -> list[str]:
        return [name for name in self.request.fingerprints if self._state(name) != _DONE]

    def _waiting(self) -> list[str]:
        return [name for name in self.request.fingerprints if self._state(name) == _PENDING]

    def _revoke(self) -> bool:
        with self.lease():
            for algorithm in self._left():
                if self._state(algorithm) != _PENDING:
                    self._tell(algorithm)
            while self._waiting():
                answers = [self._ask(algorithm) for algorithm in self._waiting()]
                waiting = [answer for answer in answers if answer.state != _DONE]
                if waiting:
                    seconds = min(answer.look_again_s for answer in waiting)
                    if not self.pause(seconds):
                        return self.park(_PENDING, waiting[0].message, seconds)
        return True

    def _tell(self, algorithm: str) -> None:
        """Have one certificate revoked, under an intent."""
        request, ports = self.request, self.ports
        key = ca_orders.key_of(request, algorithm)
        wanted = {"fingerprint": request.fingerprints[algorithm]}
        with ports.store.read() as unit:
            is_begun = intents.is_open(unit, intents.REVOKE_CERTIFICATE, "request", key)
        if not is_begun:
            requests.check_approved(self)
        intent, _is_new = intents.begin(
            ports.store, intents.REVOKE_CERTIFICATE, "request", key, wanted, ports.clock.now()
        )
        reason = request.renews[REVOKES]["reason"]
        answer = self.ca.revoke(request.ca_handles.get(algorithm) or {}, reason, request.comment)
        with ports.store.write() as unit:
            intents.close(unit, intent, {"state": answer.state}, ports.clock.now())
            self._keep(unit, algorithm, answer)

    def _ask(self, algorithm: str) -> Revocation:
        answer = self.ca.revocation(self.request.ca_handles.get(algorithm) or {})
        if answer.state == _DONE:
            with self.ports.store.write() as unit:
                self._keep(unit, algorithm, answer)
        return answer

    def _keep(self, unit: Unit, algorithm: str, answer: Revocation) -> None:
        """Keep what the CA said of one; the last one that is revoked ends the request."""
        request = self.request
        told = {
            "state": answer.state,
            "vendor_state": "",
            "message": answer.message,
            "actions": [],
            "differences": [],
            "at": to_text(answer.at) if answer.at else "",
        }
        changes: dict[str, Any] = {"ca_progress": {**request.ca_progress, algorithm: told}}
        if request.state == "implementing":
            changes["state"] = "retrieval_in_progress"
        self.save(unit, "revocation_told" if answer.state == _DONE else _PENDING, **changes)
        if not self._left():
            self._end(unit)

    def _told(self) -> dict[str, revocation_states.Entry]:
        """Write what is kept of what was revoked, as if the CA had been asked about it."""
        reason, told = self.request.renews[REVOKES]["reason"], {}
        for algorithm, fingerprint in self.request.fingerprints.items():
            at = (self.request.ca_progress.get(algorithm) or {}).get("at")
            when = from_text(at) if at else self.now
            told[str(fingerprint)] = revocation_states.entry(_DONE, reason=reason, revoked_at=when)
        return told

    def _end(self, unit: Unit) -> None:
        """End the request, and let the inventory show the certificate as revoked.

        A renewal, or a rollback, since the request was made keeps the certificate under another id.
        """
        for certificate in unit.certificates.find(request_id=self.request.renews["request_id"]):
            kept = {**certificate.revocation, **self._told()}
            unit.certificates.put(replace(certificate, state=_DONE, revocation=kept, updated_at=self.now))
        self.save(unit, "certificate_revoked", state=_DONE, next_look_at=None)
