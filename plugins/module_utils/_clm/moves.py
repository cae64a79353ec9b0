# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The moves of one request, each with at most one remote side effect, under an intent and a lease.

``begin`` opens the place of key and CSR, ``csr`` fetches the CSRs, ``order`` hands them to the CA, ``retrieve`` asks
for what the CA had not signed at once. A killed run leaves an intent; the next one looks before it acts.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from .._core.clock import to_text
from .._core.errors import ConflictError, InputError, RemoteError, StateError, TransportError
from .._core.plan import Step
from .._core.types import AuditEntry, CaAccount, CertRequest, Device
from .._core.warning_policy import WarningPolicy, decide
from .._keys.base import CsrAnswer, CsrPending, CsrQuestion, CsrReady, CsrRefused, KeyOrder, KeyProvider, Reference
from .._store.base import Unit
from . import form, intents, managed, signing, states
from .binding import bind_certificate
from .ports import Ports

if TYPE_CHECKING:
    from .._ca.base import CaConnector

_PLACE = ("contract_id", "validation_type", "secure_network", "vendor_certificate_type", "exclude_sans", "settings")
# What a move changes; a request that differs in one of these was moved by somebody else.
_MOVED = ("state", "key_reference", "csrs", "ca_handles", "fingerprints")
_LEASE_S = 900.0
# CPS opens no second enrollment on a contract within five minutes of the last; cps-protocol §5.2.
_CREATE_INTERVAL_S = 300.0


class Mover:
    """Moves one request on.

    :ivar request: as stored last.
    :ivar wait_s: how long to wait for others, 0 for not at all.
    :ivar warnings: the lists of the warning policy; those of the request unless this call brings others.
    """

    def __init__(
        self, ports: Ports, request: CertRequest, device: Device, account: CaAccount, *, wait_s: float
    ) -> None:
        self.ports, self.request, self.device, self.account = ports, request, device, account
        self.wait_s = wait_s
        self._deadline = ports.clock.monotonic() + wait_s
        self._keys: KeyProvider | None = None
        self._ca: CaConnector | None = None
        self._peeked: CsrAnswer | None = None
        self._next_look_s: float | None = None
        self.warnings: Mapping[str, Any] = request.wish["warnings"]

    @property
    def keys(self) -> KeyProvider:
        """Give the key provider, built when first needed."""
        if self._keys is None:
            self._keys = self.ports.key_provider(self.request.csr_source, self.device)
        return self._keys

    @property
    def ca(self) -> CaConnector:
        """Give the CA connector, built when first needed."""
        if self._ca is None:
            self._ca = self.ports.ca(self.account)
        return self._ca

    @property
    def order(self) -> KeyOrder:
        """Give the key provider's order."""
        wish = self.request.wish
        place = {name: wish[name] for name in _PLACE}
        return KeyOrder(form.spec_of(wish), place)

    def validate(self) -> None:
        """Ask key provider and CA for every problem, before anything is sent or stored.

        :raises InputError: all of them.
        """
        problems = [*self.keys.validate(self.order), *signing.problems(self)]
        if problems:
            raise InputError.of_problems(f"Cannot enrol {self.request.certificate_id}", problems)

    def next_move(self) -> str:
        """Name the move that is next, empty when the request has ended."""
        request = self.request
        if states.is_final(states.REQUEST, request.state):
            return ""
        if not request.key_reference:
            return "begin"
        if not request.csrs:
            return "csr"
        return "order" if set(request.ca_handles) != set(request.csrs) else "retrieve"

    def peek(self) -> bool:
        """Say whether the next move can be made, or waited for, now; reads only."""
        move = self.next_move()
        if move == "csr":
            self._peeked = self.keys.collect(self.request.key_reference)
            if isinstance(self._peeked, CsrPending):
                self._next_look_s = self._peeked.look_again_s
                return self.wait_s > 0
            if isinstance(self._peeked, CsrQuestion):
                return not self._undecided(self._peeked) or self.request.reason != "needs_decision"
        if move == "retrieve":
            return self.wait_s > 0 or signing.is_ready(self)
        return bool(move)

    def steps(self) -> list[Step]:
        """Give the moves from the next one to the end."""
        names = {
            "begin": (self._begin_sentence(), self._begin),
            "csr": ("Fetch the CSR", self._fetch_csr),
            "order": (f"Have CA account {self.request.ca} sign the CSR", lambda: signing.order(self)),
            "retrieve": ("Retrieve the certificate", lambda: signing.retrieve(self)),
        }
        first = list(names).index(self.next_move())
        return [Step(sentence, run) for sentence, run in list(names.values())[first:]]

    def predicted_state(self) -> str:
        """Say which state the moves lead to if nobody makes them wait."""
        return "issued" if self.ca.capabilities().is_immediate else "retrieval_in_progress"

    # -- records ---------------------------------------------------------------------------------------------------

    def record(self) -> bool:
        """Store the new request; another one still open for the certificate refuses it."""
        request = self.request
        with self.ports.store.write() as unit:
            rivals = [
                r
                for r in unit.requests.find(certificate_id=request.certificate_id)
                if not states.is_final(states.REQUEST, r.state)
            ]
            if rivals:
                raise ConflictError(
                    f"Cannot enrol {request.certificate_id}: request {rivals[0].request_id} was opened for it "
                    "meanwhile; run again to go on with that one",
                    details={"request_id": rivals[0].request_id},
                )
            self.request = unit.requests.add(request)
            after = {"state": request.state, "certificate": request.certificate_id, "ca": request.ca}
            entry = AuditEntry(
                self.ports.actor, "request_submitted", "request", request.request_id, None, after, request.comment
            )
            unit.audit(entry)
        return True

    def save(self, unit: Unit, action: str, **changes: Any) -> None:
        """Store a change of the request with its audit line; a new state has to be allowed by the table."""
        before = self.request
        now = self.ports.clock.now()
        state = changes.get("state", before.state)
        if state != before.state:
            states.checked(states.REQUEST, "Request", before.request_id, before.state, state)
            condition = {
                "type": state,
                "at": to_text(now),
                "actor": self.ports.actor,
                "comment": changes.get("message", ""),
            }
            changes["conditions"] = (*before.conditions, condition)
        changes.setdefault("reason", "")
        changes.setdefault("message", "")
        self.request = unit.requests.put(replace(before, updated_at=now, **changes))
        entry = AuditEntry(
            self.ports.actor,
            action,
            "request",
            before.request_id,
            before={"state": before.state, "reason": before.reason},
            after={"state": state, **{k: v for k, v in changes.items() if k in ("reason", "message", "fingerprints")}},
            tracking_id=before.tracking_id,
        )
        unit.audit(entry)

    def park(self, reason: str, message: str, look_again_s: float) -> bool:
        """Keep why the request waits; no progress, so no audit line."""
        self._next_look_s = look_again_s
        with self.ports.store.write() as unit:
            at = self.ports.clock.now() + timedelta(seconds=look_again_s)
            self.request = unit.requests.put(replace(self.request, reason=reason, message=message, next_look_at=at))
        return False

    def keep_next_look(self) -> None:
        """Keep when looking again makes sense, where planning found that it is too early."""
        if self._next_look_s is None or self.request.next_look_at is not None or self.request.version == 0:
            return
        with self.ports.store.write() as unit:
            at = self.ports.clock.now() + timedelta(seconds=self._next_look_s)
            self.request = unit.requests.put(replace(self.request, next_look_at=at))

    def fail(self, reason: str, message: str) -> None:
        """End the request as failed and say so.

        :raises StateError: always.
        """
        with self.ports.store.write() as unit:
            self.save(unit, "request_failed", state="failed", reason=reason, message=message)
            for algorithm in self.request.csrs:
                key = f"{self.request.request_id}/{algorithm}"
                result, now = {"failed": reason}, self.ports.clock.now()
                intents.close_all(unit, intents.ORDER_CERTIFICATE, "request", key, result, now)
        raise StateError(
            f"Request {self.request.request_id} for {self.request.certificate_id} failed: {message}",
            code=reason,
            details={"request_id": self.request.request_id},
        )

    def pause(self, look_again_s: float) -> bool:
        """Wait until the next look, if the deadline lets it.

        :returns: False when the time is over.
        """
        left = self._deadline - self.ports.clock.monotonic()
        if left <= 0:
            return False
        self.ports.clock.sleep(min(look_again_s, left))
        return True

    @contextmanager
    def lease(self) -> Iterator[None]:
        """Hold the request for the time of one move.

        :raises ConflictError: another run holds it, or moved it since this one planned.
        """
        planned = self.request
        with self.ports.store.lease(f"request:{planned.request_id}", _LEASE_S):
            with self.ports.store.read() as unit:
                current = unit.requests.get(planned.request_id)
            if current is None or any(getattr(current, name) != getattr(planned, name) for name in _MOVED):
                raise ConflictError(
                    f"Cannot go on with request {planned.request_id} for {planned.certificate_id}: another run moved "
                    "it meanwhile; run again to go on from there",
                    details={"request_id": planned.request_id},
                )
            self.request = current
            yield

    # -- begin -----------------------------------------------------------------------------------------------------

    def _begin_sentence(self) -> str:
        with self.ports.store.read() as unit:
            left = intents.is_open(unit, intents.OPEN_ENROLLMENT, "request", self.request.request_id)
        sentence = self.keys.predict(self.order)
        return f"Adopt what an earlier run left, or else: {sentence}" if left else sentence

    def _begin(self) -> bool:
        with self.lease():
            while True:
                problem = self._try_begin()
                if problem is None:
                    return True
                if not self.pause(problem.details["look_again_s"]):
                    return self.park(problem.code, problem.message, problem.details["look_again_s"])

    def _try_begin(self) -> RemoteError | None:
        """Open the place once; gives an error that time heals, raises any other."""
        ports, request = self.ports, self.request
        wanted = {"contract_id": request.wish["contract_id"], "common_name": request.wish["common_name"]}
        if self.device.sync != "managed":
            managed.checked_managed(self.device)
        intent, is_new = intents.begin(
            ports.store, intents.OPEN_ENROLLMENT, "request", request.request_id, wanted, ports.clock.now()
        )
        reference = None if is_new else self._adoptable()
        try:
            if reference is None:
                self._refuse_conflicts()
                reference = self.keys.begin(self.order)
        except TransportError as exc:
            if not exc.sent:
                raise
            # The answer was lost, perhaps after CPS did it: look at once, and again at the next run.
            reference = self._adoptable()
            if reference is None:
                raise
        except (RemoteError, ConflictError) as exc:
            return self._refused(exc, intent.intent_id, is_new=is_new)
        with ports.store.write() as unit:
            current = unit.intents.get(intent.intent_id)
            if current is not None:
                intents.close(unit, current, reference, ports.clock.now())
            self.save(unit, "key_place_opened", key_reference=reference, next_look_at=None)
            bind_certificate(unit, self.request, reference, ports.clock.now())
        return None

    def _refused(self, exc: RemoteError | ConflictError, intent_id: str, *, is_new: bool) -> RemoteError:
        """Give an error that time heals back, else raise it, the request taken back if nothing can be left of it."""
        if isinstance(exc, RemoteError) and exc.code == "create_too_soon":
            if is_new:
                # Refused, so nothing was made: what may be found later is somebody else's.
                with self.ports.store.write() as unit:
                    _forget(unit, intent_id)
            exc.details["look_again_s"] = _CREATE_INTERVAL_S
            return exc
        # Refused for good, and what an earlier run may have opened was looked for and not found. Only an
        # enrollment of the same name may be that one after all, altered or not listed yet.
        is_same_name = isinstance(exc, ConflictError) or exc.code == "duplicate_common_name"
        is_final = isinstance(exc, ConflictError) or not exc.retryable
        if is_final and (is_new or not is_same_name):
            self._withdraw(intent_id, exc.message)
        raise exc

    def _adoptable(self) -> Reference | None:
        """Find what an earlier run opened, leaving out what belongs to other certificates.

        :raises StateError: several fit; a person has to tell which.
        """
        with self.ports.store.read() as unit:
            bound = {
                c.enrollment_id
                for c in unit.certificates.find(device=self.device.name, origin="enrolled")
                if c.certificate_id != self.request.certificate_id
            }
        found = [r for r in self.keys.find(self.order) if r.get("enrollment_id") not in bound]
        if len(found) > 1:
            labels = ", ".join(str(r["label"]) for r in found)
            raise StateError(
                f"Cannot go on with request {self.request.request_id}: an earlier run may have opened one of these, "
                f"and they cannot be told apart: {labels}; remove those that are not wanted, then run again",
                code="in_doubt",
                details={"candidates": [str(r["label"]) for r in found]},
            )
        return found[0] if found else None

    def _refuse_conflicts(self) -> None:
        conflicts = self.keys.conflicts(self.order)
        if conflicts:
            raise ConflictError(
                f"Cannot enrol {self.request.certificate_id}: {'; '.join(conflicts)}", code="enrollment_exists"
            )

    def _withdraw(self, intent_id: str, message: str) -> None:
        """Take back a request that was refused outright: nothing exists, so nothing may be left in the way."""
        request = self.request
        with self.ports.store.write() as unit:
            _forget(unit, intent_id)
            unit.requests.remove(request)
            after = {"message": message, "certificate": request.certificate_id}
            unit.audit(AuditEntry(self.ports.actor, "request_refused", "request", request.request_id, None, after))

    # -- csr -------------------------------------------------------------------------------------------------------

    def _fetch_csr(self) -> bool:
        with self.lease():
            while True:
                answer, self._peeked = self._peeked or self.keys.collect(self.request.key_reference), None
                if isinstance(answer, CsrReady):
                    self._keep_csrs(answer)
                    return True
                if isinstance(answer, CsrRefused):
                    self.fail("csr_refused", answer.reason)
                if isinstance(answer, CsrQuestion):
                    undecided = self._undecided(answer)
                    if undecided:
                        return self.park("needs_decision", undecided, _CREATE_INTERVAL_S)
                    self.keys.acknowledge(self.request.key_reference, answer.notices)
                    continue
                assert isinstance(answer, CsrPending)
                if not self.pause(answer.look_again_s):
                    return self.park("csr_pending", answer.message, answer.look_again_s)

    def _undecided(self, question: CsrQuestion) -> str:
        """Say which warnings the policy does not allow; empty when it allows all."""
        policy = WarningPolicy(**{name: tuple(entries) for name, entries in self.warnings.items()})
        decision = decide(question.notices, policy, private_ca=not self.ca.capabilities().is_public)
        left = [*decision.asked, *decision.blocked]
        texts = "; ".join(f"{n.code or 'unknown'}: {n.text}" for n in left)
        return (
            f"warnings wait for a decision (allow them in warnings.allow, or change the request): {texts}"
            if left
            else ""
        )

    def _keep_csrs(self, answer: CsrReady) -> None:
        wanted = signing.algorithms(self.request.wish)
        missing = [algorithm for algorithm in wanted if algorithm not in answer.csrs]
        if missing:
            offered = ", ".join(answer.csrs) or "none"
            self.fail("csr_algorithm_missing", f"no {' and no '.join(missing)} CSR was made; there is: {offered}")
        csrs = {algorithm: answer.csrs[algorithm] for algorithm in wanted}
        problems = signing.csr_problems(self.request.wish, csrs)
        if problems:
            self.fail("csr_unusable", "; ".join(problems))
        with self.ports.store.write() as unit:
            self.save(unit, "csr_fetched", csrs=csrs, next_look_at=None)


def _forget(unit: Unit, intent_id: str) -> None:
    intent = unit.intents.get(intent_id)
    if intent is not None:
        unit.intents.remove(intent)
