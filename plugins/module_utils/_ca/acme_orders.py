# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An ACME order from its first answer to its certificate, as far as it can go now.

Nothing is kept but the handle: ``order_id`` (the order's URL), ``account_id``, ``csr``, ``told_at``, ``profile``,
``not_after`` (if the CA is asked for one), ``dcv_type``, ``asked`` (the challenges that the CA was told to look at) and
``finalized``; once issued ``leaf``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from .._core.clock import from_text
from .._core.errors import ClmError, RateLimited, RemoteError
from .._http.base import Response
from .._http.retry import RetryPolicy, wait_told
from . import acme_certificates, acme_proof
from .acme_jws import b64
from .acme_proof import Proof
from .acme_server import AcmeServer, reason_of, word_of
from .answer_base import (
    FAILED,
    ISSUED,
    PENDING_VALIDATION,
    PROCESSING,
    REJECTED,
    Action,
    Answer,
    Handle,
    Issued,
    Pending,
    Rejected,
    read_state,
)
from .base import Tools
from .rest import Answer as Told

STATES = {
    "pending": PENDING_VALIDATION,
    "ready": PROCESSING,
    "processing": PROCESSING,
    "valid": ISSUED,
    "invalid": REJECTED,
}
LOOK_AGAIN_S = 5.0
PROOF_LOOK_S = 60.0
# A hundred names whose name server is silent would take longer than anybody waits.
LONGEST_LOOKING_S = 60.0
_POLICY = RetryPolicy(fallback_wait_s=LOOK_AGAIN_S)
_LONGEST_LOOK_S = 86400.0
# What a CA says of the account, the signature or its own state; anything else is about what was ordered.
_OF_ACCOUNT = (
    "accountDoesNotExist",
    "badNonce",
    "badPublicKey",
    "badSignatureAlgorithm",
    "externalAccountRequired",
    "invalidContact",
    "rateLimited",
    "serverInternal",
    "unauthorized",
    "userActionRequired",
)
# These the CA would say of any order.
_NOT_OF_REPLACING = ("badNonce", "rateLimited", "userActionRequired")


def is_refusal(exc: RemoteError) -> bool:
    """Say whether the CA refused what was ordered, and not the account or the call."""
    if isinstance(exc, RateLimited) or exc.status not in (400, 403, 409, 422):
        return False
    word = word_of(exc)
    return bool(word) and word not in _OF_ACCOUNT


@dataclass
class _Proofs:
    """What the authorizations of an order have come to; ``waiting`` are those that the CA looks at."""

    todo: list[Proof] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    waiting: list[Proof] = field(default_factory=list)
    wait_s: float = LOOK_AGAIN_S
    failed: str = ""


class AcmeOrders:
    """The orders of one account.

    :param options: of the account.
    """

    def __init__(self, server: AcmeServer, options: Mapping[str, Any], tools: Tools) -> None:
        self._server, self._options, self._tools = server, options, tools

    # -- calls -----------------------------------------------------------------------------------------------------

    def place(self, body: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
        """Place an order; gives its URL and what the CA told of it.

        The name of the certificate it replaces is left out where the CA refuses the order with it, for whatever reason:
        CAs differ in how they say that another account ordered it, or that they forgot it, and the order is the point.

        :raises RemoteError: it was not taken, or nobody knows.
        """
        url = str(self._server.directory()["newOrder"])
        try:
            answer = self._server.post("place the order", url, body)
        except RemoteError as exc:
            if "replaces" not in body or not _may_be_about_replacing(exc):
                raise
            return self.place({name: value for name, value in body.items() if name != "replaces"})
        found, where = answer.value(), answer.headers.get("location", "")
        if not isinstance(found, Mapping) or not where:
            raise RemoteError(
                f"Cannot place the order at {self._server.host}: HTTP {answer.status}, and the answer names no order",
                status=answer.status,
                code="not_json",
            )
        return where, {**found, "wait_s": self._wait_of(answer)}

    def read(self, url: str) -> dict[str, Any]:
        """Ask for an order.

        :raises RemoteError: it cannot be asked for; 404 says that it is gone.
        """
        return self._object("ask for the order", url, None)

    def _object(self, what: str, url: str, body: Any) -> dict[str, Any]:
        answer = self._server.post(what, url, body)
        found = answer.value()
        if not isinstance(found, Mapping):
            raise RemoteError(
                f"Cannot {what} at {self._server.host}: its answer is no JSON; check what stands between",
                status=answer.status,
                code="not_json",
            )
        return {**found, "wait_s": self._wait_of(answer)}

    def _wait_of(self, answer: Told) -> float:
        """Give the seconds after which to look again, as the CA says in Retry-After."""
        if "retry-after" not in answer.headers:
            return LOOK_AGAIN_S
        told = wait_told(Response(answer.status, answer.headers, b""), self._tools.clock.now(), _POLICY)
        return min(told, _LONGEST_LOOK_S)

    # -- going on --------------------------------------------------------------------------------------------------

    def go_on(self, handle: Handle, told: Mapping[str, Any], *, may_act: bool, is_new: bool = False) -> Answer:
        """Go as far as an order lets itself be brought.

        :param told: the order as the CA told it last.
        :param may_act: anything may be changed; only with a handle that is kept, or a crash would order twice.
        :param is_new: it was placed just now, so that nobody can have proved anything for it.
        :raises ClmError: a call failed; what was done before stands.
        """
        handle = dict(handle)
        if told.get("status") == "pending":
            answer = self._prove(handle, told, is_new=is_new, may_act=may_act)
            if answer is not None:
                return answer
            if not may_act:
                return Pending(handle, "all names are proved; the order can be finalized", 0.0, vendor_state="pending")
            told = self.read(str(handle["order_id"]))
        if told.get("status") == "ready":
            if not may_act:
                return Pending(handle, "the order is ready to be finalized", 0.0, vendor_state="ready")
            try:
                told = self._finalized(handle, told)
            except RemoteError as exc:
                if not is_refusal(exc) or word_of(exc) == "orderNotReady":
                    raise
                return Rejected(exc.message, handle, REJECTED, word_of(exc))
            handle["finalized"] = True
        return self._told(handle, told, may_act)

    def _told(self, handle: dict[str, Any], told: Mapping[str, Any], may_act: bool) -> Answer:
        """Read an order that waits for nobody here."""
        state = read_state(STATES, told.get("status"))
        if state.state == ISSUED:
            return self._fetched(handle, told, may_act)
        if state.state == REJECTED:
            return Rejected(self._why(told), handle, REJECTED, state.raw)
        message = f"the CA is at work: the order is {state.raw or 'in no state it names'}"
        return Pending(handle, message, float(told.get("wait_s") or LOOK_AGAIN_S), state.state, (), state.raw)

    def _why(self, told: Mapping[str, Any]) -> str:
        """Say why an order ended, in the CA's words: its own, or those of the proofs that failed."""
        error = told.get("error")
        words = [reason_of(error)] if isinstance(error, Mapping) else []
        for url in [] if words else told.get("authorizations") or ():
            try:
                found = self._object("ask for a proof", str(url), None)
            except ClmError:
                # The order has ended whatever else can be learned.
                continue
            if found.get("status") not in ("valid", "pending"):
                words.append(acme_proof.failure_of(found))
        return f"the CA says the order is {told.get('status')}: {'; '.join(words) or 'it gives no reason'}"

    def _finalized(self, handle: Mapping[str, Any], told: Mapping[str, Any]) -> dict[str, Any]:
        from .._pki import pem

        body = {"csr": b64(pem.der_of(str(handle["csr"])))}
        return self._object("finalize the order", str(told.get("finalize") or ""), body)

    # -- proofs ----------------------------------------------------------------------------------------------------

    def _prove(self, handle: dict[str, Any], told: Mapping[str, Any], *, is_new: bool, may_act: bool) -> Answer | None:
        """Look at the proofs, and tell the CA of those that can be seen; None when all names are proved.

        :param is_new: nobody was told of them before, so that there is nothing to look at.
        """
        found = self._proofs(handle, told)
        if found.failed:
            return Rejected(found.failed, handle, REJECTED, "invalid")
        looked = [(one, "nobody looked") for one in found.todo] if is_new else self._looked(handle, found.todo)
        done, left = [one for one, why in looked if not why], [(one, why) for one, why in looked if why]
        if may_act:
            for one in done:
                if why := self._ask(one, found):
                    return Rejected(f"the proof for {one.action.domain} is invalid: {why}", handle, REJECTED, "invalid")
            done = []
        handle["asked"] = sorted(found.asked)
        if not left and not done and not found.waiting:
            return None
        return self._unproved(handle, done, left, found)

    def _looked(self, handle: Mapping[str, Any], todo: Sequence[Proof]) -> list[tuple[Proof, str]]:
        """Look at proofs, and say why each cannot be seen yet; for so long as the caller's lease surely lives."""
        clock, told_at, found = self._tools.clock, from_text(str(handle["told_at"])), []
        began = clock.monotonic()
        for one in todo:
            is_late = clock.monotonic() - began > LONGEST_LOOKING_S
            why = "" if is_late else acme_proof.not_done(one.action, self._options, told_at, clock.now())
            found.append((one, "looking took too long; it is looked at the next time" if is_late else why))
        return found

    def _ask(self, one: Proof, found: _Proofs) -> str:
        """Tell the CA to look at a proof; gives why it is no good, where the CA says so at once."""
        answer = self._object("tell the CA to look at a proof", one.url, {})
        found.asked.append(one.url)
        found.wait_s = max(found.wait_s, float(answer["wait_s"]))
        if answer.get("status") == "invalid":
            error = answer.get("error")
            return reason_of(error if isinstance(error, Mapping) else {}) or "the CA gives no reason"
        if answer.get("status") != "valid":
            found.waiting.append(one)
        return ""

    def _proofs(self, handle: Mapping[str, Any], told: Mapping[str, Any]) -> _Proofs:
        found, asked = _Proofs(), set(handle.get("asked") or ())
        for url in told.get("authorizations") or ():
            one = self._object("ask for a proof", str(url), None)
            if one.get("status") == "valid":
                continue
            if one.get("status") != "pending":
                found.failed = acme_proof.failure_of(one)
                return found
            proof = acme_proof.proof_of(one, str(handle.get("dcv_type") or ""), self._server.key)
            if proof is None:
                name = (one.get("identifier") or {}).get("value")
                offered = acme_proof.offered_words(one)
                found.failed = f"the CA offers no proof for {name} that somebody here could give: {offered}"
                return found
            if proof.url in asked or proof.challenge.get("status") in ("processing", "valid"):
                found.asked.append(proof.url)
                found.waiting.append(proof)
                found.wait_s = max(found.wait_s, float(one["wait_s"]))
            else:
                found.todo.append(proof)
        found.todo.sort(key=_place)
        return found

    def _unproved(
        self, handle: Handle, done: Sequence[Proof], left: Sequence[tuple[Proof, str]], found: _Proofs
    ) -> Pending:
        """Say what is waited for: somebody here, the next call, or the CA."""
        # What the CA looks at stays to be done, or whoever publishes would take it away under its eyes.
        # CAs name authorizations in any order; told in another one, actions would look like news.
        shown = sorted([*done, *(proof for proof, _why in left), *found.waiting], key=_place)
        actions: tuple[Action, ...] = tuple(one.action for one in shown)
        if done:
            # What can be seen by now only wants the CA to be told.
            message = "the proofs can be looked at; the CA is to be told"
            return Pending(handle, message, 0.0, PENDING_VALIDATION, actions, "pending")
        if left:
            first, why = left[0]
            message = (
                f"{len(left)} proofs are to be published, as {first.action.name} for {first.action.domain} "
                f"({first.action.kind}); not seen yet: {why}"
            )
            seconds = self._until_told(handle) if self._options["dcv_check"] == acme_proof.WAIT else PROOF_LOOK_S
            return Pending(handle, message, seconds, PENDING_VALIDATION, actions, "pending")
        message = f"the CA looks at {len(found.waiting)} proofs; what was published has to stay until it is done"
        return Pending(handle, message, found.wait_s, PENDING_VALIDATION, actions, "pending")

    def _until_told(self, handle: Handle) -> float:
        passed = (self._tools.clock.now() - from_text(str(handle["told_at"]))).total_seconds()
        return max(1.0, float(self._options["dcv_wait_s"]) - passed)

    # -- the certificate -------------------------------------------------------------------------------------------

    def _fetched(self, handle: dict[str, Any], told: Mapping[str, Any], may_act: bool) -> Answer:
        """Fetch the certificate.

        A CA may give two orders for the same names one URL: where it was finalized by the other one, for another key,
        this one is ordered anew.
        """
        from .._pki.x509 import certificate_facts, csr_facts

        accept = acme_certificates.PEM_CHAIN

        def fetch(url: str) -> Told:
            return self._server.post("fetch the certificate", url, None, accept=accept)

        url, now = str(told.get("certificate") or ""), self._tools.clock.now()
        bundle, notes = acme_certificates.chosen(fetch(url), str(self._options.get("preferred_root") or ""), fetch, now)
        if handle.get("csr") and not handle.get("finalized"):
            key = certificate_facts(bundle.leaf).key.spki_sha256
            if key != csr_facts(str(handle["csr"])).key.spki_sha256:
                return self._anew(handle, told, now, may_act)
        kept = {name: handle[name] for name in ("order_id", "account_id") if handle.get(name)}
        return Issued(bundle, {**kept, "leaf": b64(acme_certificates.der_of(bundle.leaf))}, notes)

    def _anew(self, handle: dict[str, Any], told: Mapping[str, Any], now: datetime, may_act: bool) -> Answer:
        from .._core.clock import to_text

        why = "the CA gave this order's URL to another order for the same names, which was finalized first"
        if not may_act:
            return Pending(handle, f"{why}; it is to be ordered anew", 0.0, PROCESSING, (), "valid")
        body: dict[str, Any] = {"identifiers": told.get("identifiers")}
        for name, kept in (("profile", "profile"), ("notAfter", "not_after")):
            if handle.get(kept):
                body[name] = handle[kept]
        try:
            url, _found = self.place(body)
        except RemoteError as exc:
            if not is_refusal(exc):
                raise
            return Rejected(f"{why}; ordered anew: {exc.message}", handle, FAILED, word_of(exc))
        fresh = {**handle, "order_id": url, "asked": [], "told_at": to_text(now)}
        return Pending(fresh, f"{why}; it was ordered anew", 1.0, PROCESSING, (), "valid")


def _place(one: Proof) -> tuple[str, str, str]:
    return one.action.domain, one.action.kind, one.action.value


def _may_be_about_replacing(exc: RemoteError) -> bool:
    """Say whether an order was refused, and may be taken without the name of what it replaces."""
    if isinstance(exc, RateLimited) or exc.status is None or not 400 <= exc.status < 500 or exc.status == 408:
        return False
    return word_of(exc) not in _NOT_OF_REPLACING
