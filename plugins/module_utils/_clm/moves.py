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
from typing import TYPE_CHECKING, Any

from .._core.errors import ConflictError, InputError, StateError
from .._core.plan import Step
from .._core.types import AuditEntry, CaAccount, CertRequest, Device
from .._keys.base import CsrAnswer, CsrPending, CsrQuestion, CsrReady, CsrRefused, KeyOrder, KeyProvider
from .._store.base import Unit
from . import (
    acknowledging,
    ca_made,
    csr_watch,
    csrs,
    decisions,
    dual_stack,
    intents,
    key_orders,
    key_secrets,
    novelty,
    opened_changes,
    opening,
    patience,
    places,
    policy,
    signing,
    standby,
    standing,
    states,
)
from .binding import bind_certificate
from .keeper import REQUEST, Keeper
from .ports import Ports
from .rivals import refuse_rivals
from .work_orders import LEASE_S

if TYPE_CHECKING:
    from datetime import datetime

    from .._ca.base import CaConnector
    from .._core.key_records import KeyDevice
    from .._core.redact import Secret
    from .gate import Gate
    from .usage import Usage

# What a move changes; a request that differs in one of these was moved by somebody else.
_MOVED = ("state", "ca", "key_reference", "csrs", "ca_handles", "fingerprints", "refusals")
_NEAR_S = 10.0
_ASK_AGAIN_S = 300.0


class Mover:
    """Moves one request on.

    :ivar wait_s: how long to wait for others, 0 for not at all.
    :ivar follows: id of a cancelled request of the same wish, whose lost answers are looked for first.
    :ivar warnings: the lists of the warning policy that this call brings; None for those of request and group.
    :ivar usage: where names are used that the request drops, once it was looked for; None where it drops none.
    :ivar challenge: the challenge password that this call brings; None for the one that is kept, if there is one.
    :ivar told_before: what CAs said of the orders before this call.
    :ivar due_s: seconds since the place was opened for which the look at its CSR was planned; None for none.

    :param device: where the key is made, None where that is no device.
    """

    def __init__(
        self,
        ports: Ports,
        request: CertRequest,
        device: Device | KeyDevice | None,
        account: CaAccount,
        *,
        wait_s: float,
    ) -> None:
        self.ports, self.device, self.account = ports, device, account
        self.keeper = Keeper(ports, REQUEST, request)
        self.wait_s = wait_s
        self.told_before = request.ca_progress
        self._deadline = ports.clock.monotonic() + wait_s
        self._keys: KeyProvider | None = None
        self._ca: CaConnector | None = None
        self._peeked: CsrAnswer | None = None
        self._next_look_s: float | None = None
        self.follows = ""
        self.warnings: Mapping[str, Any] | None = None
        self.usage: Usage | None = None
        self.challenge: Secret | None = None
        self.due_s: float | None = None

    @property
    def request(self) -> CertRequest:
        """Give the request as stored last."""
        return self.keeper.record

    @request.setter
    def request(self, request: CertRequest) -> None:
        self.keeper.record = request

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

    def use(self, account: CaAccount) -> None:
        """Go on with another CA account; the request names it already."""
        self.account, self._ca = account, None

    def at(self, request: CertRequest, account: CaAccount) -> Mover:
        """Give what would move the request at another account, to ask that one; it moves nothing itself."""
        return Mover(self.ports, request, self.device, account, wait_s=0.0)

    @property
    def order(self) -> KeyOrder:
        """Give the key provider's order."""
        password = self.challenge or key_secrets.challenge_of(self.ports.store, self.request)
        return key_orders.order_of(self.request, password)

    def look_for_uses(self) -> None:
        """Look, once in a call, where names are used that the request drops; reads only."""
        if self.usage is None and self.request.renews.get("before") and isinstance(self.device, Device):
            from . import usage

            self.usage = usage.of_dropped(self.ports, self.device, self.request)

    def validate(self) -> None:
        """Ask key provider and CA for every problem, before anything is sent or stored.

        :raises InputError: all of them.
        """
        has_standby = bool(standby.left(self.request))
        problems = [*self.keys.validate(self.order), *signing.problems(self, may_be_away=has_standby)]
        if problems:
            raise InputError.of_problems(f"Cannot enrol {self.request.certificate_id}", problems)

    def next_move(self) -> str:
        """Name the move that is next, empty when the request has ended."""
        request = self.request
        if states.is_final(request.state):
            return ""
        if not request.key_reference:
            return "begin"
        if dual_stack.lacks_csr(request):
            return "csr"
        return "order" if dual_stack.unordered(request) else "retrieve"

    def peek(self) -> bool:
        """Say whether the next move can be made, or waited for, now; reads only."""
        move = self.next_move()
        if move == "csr":
            self._peeked = csr_watch.look(self)
            if isinstance(self._peeked, CsrPending):
                self._next_look_s = csr_watch.park_s(self, self._peeked)
                return self.wait_s > 0
            if isinstance(self._peeked, CsrReady) and csrs.is_nothing_new(self, self._peeked):
                self._next_look_s = csr_watch.park_s(self, CsrPending("", csrs.LOOK_AGAIN_S))
                return self.wait_s > 0
            if isinstance(self._peeked, CsrQuestion):
                self._next_look_s = _ASK_AGAIN_S
                return not self._undecided(self._peeked) or self.request.reason != "needs_decision"
        if self.request.state == "in_doubt":
            self._next_look_s = signing.in_doubt_for(self)
            return self._next_look_s is None
        if move == "retrieve" and not self.wait_s:
            self._next_look_s = signing.not_ready_for(self)
            return self._next_look_s is None
        return bool(move)

    @property
    def seen(self) -> CsrAnswer | None:
        """Give what planning saw of the CSRs, with which the run begins; None when it did not look."""
        return self._peeked

    def steps(self) -> list[Step]:
        """Give the moves from the next one to the end."""
        is_ca_made = ca_made.is_so(self.request)
        signed = "make key and certificate" if is_ca_made else "sign the CSR"
        names = {
            "begin": (opening.sentence(self) if self.next_move() == "begin" else "", lambda: opening.begin(self)),
            "csr": ("Go on without a CSR" if is_ca_made else "Fetch the CSR", self._fetch_csr),
            "order": (f"Have CA account {self.request.ca} {signed}", lambda: signing.order(self)),
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
            # The device may have been removed, or taken from those that may be acted on, since planning.
            places.required(unit, request)
            refuse_rivals(unit, request)
            if self.follows:
                standing.hand_over(unit, self.follows, request)
            self.keeper.add(unit, "request_submitted" if request.state != "draft" else "request_drafted")
            key_secrets.keep_challenge(unit, request, self.challenge, self.ports.clock.now())
            if request.key_reference:
                bind_certificate(unit, self.request, request.key_reference, self.ports.clock.now())
        return True

    def save(self, unit: Unit, action: str, **changes: Any) -> None:
        """Store a change of the request with its audit line; a new state has to be allowed by the table."""
        self.keeper.save_in(unit, action, **changes)

    def park(self, reason: str, message: str, look_again_s: float) -> bool:
        """Keep why the request waits; no progress, so no audit line."""
        self._next_look_s = look_again_s
        return self.keeper.park(reason, message, look_again_s)

    def keep_next_look(self) -> None:
        """Keep when looking again makes sense, where planning found that it is too early."""
        request = self.request
        if self._next_look_s is None or not request.version or states.is_final(request.state):
            return
        if isinstance(self._peeked, CsrPending):
            csr_watch.saw(self, self._peeked)
        self.park(request.reason, request.message, self._next_look_s)

    @property
    def now(self) -> datetime:
        """Give the current time, UTC."""
        return self.ports.clock.now()

    def fail(self, reason: str, message: str, **changes: Any) -> None:
        """End the request as failed and say so.

        :raises StateError: always.
        """
        with self.ports.store.write() as unit:
            # A place that is gone, or cannot be used, is nothing a later request could go on with.
            lost: dict[str, Any] = {"key_reference": {}} if reason.startswith("csr_") else {}
            self.save(unit, "request_failed", state="failed", reason=reason, message=message, **lost, **changes)
            intents.close_all_of(unit, "request", self.request.request_id, {"failed": reason}, self.now)
        raise StateError(
            f"Request {self.request.request_id} for {self.request.certificate_id} failed: {message}",
            code=reason,
            details={"request_id": self.request.request_id},
        )

    def _again(self) -> CertRequest:
        """Give the failed request as it is taken up: with a new order for what the CA refused, and for nothing else."""
        return replace(self.request, state="approved", ca_handles=dual_stack.kept_orders(self.request), refusals={})

    def steps_again(self) -> list[Step]:
        """Give the moves after a retry."""
        failed, self.request = self.request, self._again()
        steps = self.steps()
        self.request = failed
        return steps

    def retry(self, passage: Gate[CertRequest], comment: str) -> None:
        """Take up a failed request again, from the place where its key is and with a new order to the CA.

        :raises ConflictError: another request stands for the certificate since.
        """
        with self.ports.store.read() as unit:
            refuse_rivals(unit, self.request)
        passage.retry(comment, ca_handles=self._again().ca_handles, refusals={}, next_look_at=None)

    def pause(self, look_again_s: float) -> bool:
        """Wait until the next look, if the deadline lets it.

        :returns: False when the time is over.
        """
        left = self._deadline - self.ports.clock.monotonic()
        if left <= 0:
            return False
        patience.sleep(self.ports.clock, min(patience.spread(look_again_s, self.ports), left), self.still_ours)
        return True

    @property
    def _lease_name(self) -> str:
        return f"request:{self.request.request_id}"

    def still_ours(self) -> None:
        """Before a write after a wait: hold the lease on, and look whether the device may still be acted on.

        :raises ConflictError: another run took the lease over.
        :raises PolicyError: the device is not managed any more (D5).
        """
        self.ports.store.renew(self._lease_name, LEASE_S)
        with self.ports.store.read() as unit:
            places.required(unit, self.request)

    @contextmanager
    def lease(self) -> Iterator[None]:
        """Hold the request for the time of one move.

        :raises ConflictError: another run holds it, or moved it since this one planned.
        """
        planned = self.request
        with self.ports.store.lease(self._lease_name, LEASE_S):
            with self.ports.store.read() as unit:
                current = unit.requests.get(planned.request_id)
                places.required(unit, planned)
            if current is None or any(getattr(current, name) != getattr(planned, name) for name in _MOVED):
                raise ConflictError(
                    f"Cannot go on with request {planned.request_id} for {planned.certificate_id}: another run moved "
                    "it meanwhile; run again to go on from there",
                    details={"request_id": planned.request_id},
                )
            self.request = current
            yield

    # -- csr -------------------------------------------------------------------------------------------------------

    def _fetch_csr(self) -> bool:
        with self.lease():
            left_s = 0.0 if self._peeked else csr_watch.first_s(self)
            if left_s > 0 and not csr_watch.pause(self, left_s):
                return self.park("csr_pending", "CPS was asked for key and CSR, and makes them", left_s)
            while True:
                answer, self._peeked = self._peeked or csr_watch.look(self), None
                reason = "csr_pending"
                csr_watch.saw(self, answer)
                if isinstance(answer, CsrReady):
                    waits = csrs.keep(self, answer)
                    if not waits:
                        return True
                    answer, reason = CsrPending(waits, csrs.LOOK_AGAIN_S), csrs.MISSING
                if isinstance(answer, CsrRefused):
                    self.fail("csr_refused", answer.reason)
                if isinstance(answer, CsrQuestion):
                    left = self._undecided(answer)
                    if left:
                        return self.park("needs_decision", left, _ASK_AGAIN_S)
                    self._acknowledge(answer)
                    answer = CsrPending(acknowledging.SHOWN_STILL, _NEAR_S)
                if isinstance(answer, CsrPending) and not csr_watch.pause(self, csr_watch.left_s(self, answer)):
                    return self.park(reason, answer.message, csr_watch.park_s(self, answer))

    def _decided(self, question: CsrQuestion) -> novelty.Decided:
        is_private = not self.ca.capabilities().is_public
        lists = self.warnings
        if lists is None:
            with self.ports.store.read() as unit:
                group = policy.group_of(unit, self.request.group)
            lists = policy.warning_lists(group, self.request.wish["warnings"])
        found = decisions.decisions(question.notices, decisions.policy_of(lists), is_private=is_private)
        return novelty.of_request(self.ports.store, self.request, found)

    def _undecided(self, question: CsrQuestion) -> str:
        """Say which warnings the policy does not allow; empty when it allows all."""
        way = f"take the change back with {opened_changes.way(self.request.request_id)}"
        return decisions.undecided(self._decided(question), way)

    def _acknowledge(self, question: CsrQuestion) -> None:
        """Acknowledge warnings that are allowed; which ones is on record."""
        self.still_ours()
        decided = self._decided(question)
        acknowledging.once(
            self.ports,
            (intents.ACKNOWLEDGE_WARNINGS, "request", self.request.request_id),
            decided,
            lambda: self.keys.acknowledge(self.request.key_reference, question.notices),
            lambda unit: self.acknowledged(unit, [dict(entry) for entry in decided], ""),
        )

    def acknowledged(self, unit: Unit, notices: Any, comment: str) -> None:
        """Put on record which warnings were acknowledged."""
        request = self.request
        key = (intents.ACKNOWLEDGE_WARNINGS, "request", request.request_id)
        intents.close_all(unit, *key, {"acknowledged": True}, self.now)
        entry = AuditEntry(self.ports.actor, "warnings_acknowledged", "request", request.request_id)
        after = {"state": request.state, "notices": notices}
        unit.audit(replace(entry, after=after, comment=comment, tracking_id=request.tracking_id))
