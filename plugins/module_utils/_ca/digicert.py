# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""DigiCert CertCentral: orders that cost money, may wait for people, and are found again by our own reference.

A renewal is an order of its own, paid; a reissue is another certificate in the same order, free, and ends with it.
:source: ca-connectors §4.7; DigiCert's pages on the CertCentral Services API.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

from .._core.clock import to_text
from .._core.errors import ClmError, InputError, RemoteError
from .._core.redact import Secret
from .._core.validity import public_limit_days
from .._http.base import Request
from . import digicert_words as words
from . import option_table
from .answer_base import (
    CANCELLED,
    ISSUED,
    PENDING_APPROVAL,
    PENDING_VALIDATION,
    PROCESSING,
    REFUSED_STATES,
    REJECTED,
    Action,
    Answer,
    CannotTell,
    Found,
    Handle,
    Issued,
    NotThere,
    Pending,
    Rejected,
    Revocation,
    read_state,
)
from .base import CaConnector, Check, Choice, Order, Tools
from .before_order import before_order
from .capability_base import FIND_EXACT, NATIVE, Capabilities
from .connection import connected, reachable, tried
from .digicert_lists import Lists
from .digicert_records import Records, Seen, is_of_intent
from .digicert_revoking import Revoking
from .rest import Rest, quoted
from .shapes import part, rows
from .table_type import TableType
from .wording import share_of_age

_KIND = "digicert"
_LAG = timedelta(minutes=5)
"""How long an order that was placed may take to be seen in the lists; our reading, no document says."""
_FIRST_S, _LONGEST_S = 60.0, 900.0
# DigiCert stays a day below what public trust allows, so that no clock makes a certificate too long.
_BELOW_PUBLIC_LIMIT = 1
_PROVABLE = ("pending", "processing", "reissue_pending")
_WAITS_FOR = {
    PENDING_APPROVAL: "an approver of the CertCentral account",
    PENDING_VALIDATION: "the proof of control of its domains",
}


class DigiCert(CaConnector):
    """One account, by one key."""

    def __init__(self, name: str, options: Mapping[str, Any], secrets: Mapping[str, Secret], tools: Tools) -> None:
        self._name, self._options, self._secrets, self._tools = name, options, secrets, tools
        self._made: Rest | None = None
        self._records = Records(self._rest)
        self._lists = Lists(name, self._rest, options)
        self._revoking = Revoking(self._rest, self._records, options)

    def _sign(self, request: Request) -> Request:
        return replace(request, headers={**request.headers, "X-DC-DEVKEY": self._secrets["api_key"].reveal()})

    def _rest(self) -> Rest:
        if self._made is None:
            url = str(self._options["url"])
            self._made = connected(self._tools, url, self._options, self._secrets, sign=self._sign)
        return self._made

    # -- what it is ------------------------------------------------------------------------------------------------

    def capabilities(self) -> Capabilities:
        """Give what it can take."""
        is_public = self._options["trust"] == "public"
        limit = public_limit_days(self._tools.clock.now()) - _BELOW_PUBLIC_LIMIT if is_public else None
        found = Capabilities(
            is_public=is_public,
            is_immediate=False,
            renew=NATIVE,
            reissue=NATIVE,
            revoke_reasons=words.REASONS,
            can_cancel=True,
            find=FIND_EXACT,
            can_adopt=True,
            san_types=("dns", "ip"),
            max_validity_days=limit,
            request_options=words.request_options(self._options),
            choices=words.LISTS,
            dcv_methods=("txt", "cname", "http-01", "email"),
            may_need_approval=True,
            chain_with_root=True,
        )
        return option_table.overridden(found, self._options)

    def test(self) -> Sequence[Check]:
        """Try address, clock and key, and look whether what the account names is there; orders nothing."""
        named = ("certificate_type", "division", "organization_id", "server_type")
        checks = [("key", self._key_told), *((kind, self._named) for kind in named if self._options.get(kind))]
        return tried(reachable(self._rest(), self._tools, "/product"), checks)

    def _key_told(self, name: str) -> Check:
        products = self._lists.products()
        return Check(name, bool(products), f"the key may order {len(products)} products")

    def _named(self, kind: str) -> Check:
        given, there = str(self._options[kind]), self._lists.values(kind)
        if not there or given in there:
            return Check(kind, True, f"{given} is there" if there else f"{given}; the key may not list them")
        return Check(kind, False, f"{given} is not there; there are {', '.join(there)}")

    def choices(self, kind: str) -> Sequence[Choice]:
        """Give a list; server types are those of the account's product.

        :raises AuthError: the key may not read it.
        """
        return self._lists.choices(kind)

    def validate(self, order: Order) -> Sequence[str]:
        """Give every problem of the order."""
        found, limit = [], self.capabilities().max_validity_days
        if order.validity_days < 1:
            found.append(f"a validity of {order.validity_days} days cannot be asked for")
        elif limit is not None and order.validity_days > limit:
            found.append(f"a validity of {order.validity_days} days is asked for, DigiCert issues for at most {limit}")
        asked = words.wanted(self._options, order)
        if words.order_years(asked["order_years"]) is None:
            found.append(f"order_years {asked['order_years']!r} is no number from 0 to {words.MAX_ORDER_YEARS}")
        product = str(asked["certificate_type"] or "")
        found += option_table.request_problems(
            f"CA account {self._name}",
            order.options,
            self.capabilities().request_options,
            lambda kind: self._lists.values(kind, product),
        )
        if not asked["organization_id"] and product and self._lists.is_domain_validated(product) is False:
            there = ", ".join(self._lists.values("organization_id")) or "none"
            found.append(f"organization_id is missing, and {product} names one; there are {there}")
        return found + self._lists.missing_fields(order.attributes)

    # -- orders ----------------------------------------------------------------------------------------------------

    def submit(self, order: Order, csr_pem: str) -> Answer:
        """Place an order."""
        return self._placed(order, csr_pem, "")

    def renew(self, handle: Handle, order: Order, csr_pem: str) -> Answer:
        """Renew by a reissue, which is free, while it still has a useful end; by another order, paid, after that."""
        return self._followed(handle, order, csr_pem, must_gain=True)

    def reissue(self, handle: Handle, order: Order, csr_pem: str) -> Answer:
        """Reissue within the order; renew it where less than half of what is asked for would be left of it.

        A reissue ends with its order at the latest: without this, one that is made because the end is near would be
        due again at once.
        """
        return self._followed(handle, order, csr_pem, must_gain=False)

    def _followed(self, handle: Handle, order: Order, csr_pem: str, *, must_gain: bool) -> Answer:
        """Reissue while half of the asked lifetime is left of the order; else renew it, where that can be.

        :param must_gain: a reissue has to end later than the certificate before it, or it would renew nothing; unless
            it lasts for all that is asked for, or it is too early for a renewal.
        """
        parent = str(handle.get("order_id") or "")
        if not parent:
            return self._placed(order, csr_pem, "")
        with before_order():
            info = self._records.info(parent)
        now = self._tools.clock.now()
        is_renewable = words.is_renewable(info, now)
        gains = not must_gain or not is_renewable or words.ends_later(info, handle)
        if words.lasts(info, now, (order.validity_days + 1) // 2 if gains else order.validity_days):
            return self._reissued(parent, order, csr_pem)
        return self._placed(order, csr_pem, parent if is_renewable else "")

    def _placed(self, order: Order, csr_pem: str, renewal_of: str) -> Answer:
        with before_order():
            ids = self._lists.ids(order)
        body = words.order_body(order, csr_pem, ids, self._options, renewal_of)
        product = quoted(str(words.wanted(self._options, order)["certificate_type"]))
        return self._sent("place an order", f"/order/certificate/{product}", body, words.handle_of(order, csr_pem))

    def _reissued(self, order_id: str, order: Order, csr_pem: str) -> Answer:
        with before_order():
            ids = self._lists.ids(order)
        body = words.reissue_body(order, csr_pem, ids, self._options)
        handle = {**words.handle_of(order, csr_pem), "order_id": order_id, "is_reissue": True}
        return self._sent("order a reissue", f"/order/certificate/{quoted(order_id)}/reissue", body, handle)

    def _sent(self, what: str, path: str, body: Mapping[str, Any], handle: Mapping[str, Any]) -> Answer:
        """Send an order in one call; nothing is raised any more once it is taken."""
        try:
            told = self._rest().ask(what, "POST", path, body=body)
        except RemoteError as exc:
            if exc.status not in (400, 409, 422):
                raise
            return Rejected(exc.message)
        if not isinstance(told, Mapping) or not told.get("id"):
            raise RemoteError(f"Cannot {what}: the answer names no order", code="not_json")
        taken = {**handle, "order_id": str(told["id"])}
        if told.get("certificate_id"):
            taken["certificate_id"] = str(told["certificate_id"])
        if told.get("dcv_random_value"):
            taken["dcv_value"] = str(told["dcv_random_value"])
        try:
            chain = [str(one.get("pem") or "") for one in rows(told, "certificate_chain")]
            if chain and taken.get("certificate_id"):
                return self._bundled("".join(chain), taken)
        except ClmError:
            # It is taken, and paid for: what cannot be read yet is asked for later.
            return self._unread(taken)
        return self._looked_at(taken)

    def _looked_at(self, handle: Handle) -> Answer:
        """Ask for an order that is there: what cannot be read of it now leaves no doubt about that."""
        try:
            return self.peek(handle)
        except ClmError:
            return self._unread(handle)

    def _unread(self, handle: Handle) -> Pending:
        return Pending(handle, f"order {handle['order_id']} is placed, and could not be looked at yet", _FIRST_S)

    def peek(self, handle: Handle) -> Answer:
        """Ask for an order; changes nothing."""
        if handle.get("certificate_id"):
            return self._fetched(handle)
        return self._answer(handle, self._records.of_csr(handle))

    def collect(self, handle: Handle) -> Answer:
        """Ask for an order; DigiCert is asked to look for records and files now, and not when it gets round to it."""
        if handle.get("certificate_id"):
            return self._fetched(handle)
        seen = self._records.of_csr(handle)
        answer = self._answer(handle, seen)
        if seen is None or not isinstance(answer, Pending) or answer.state != PENDING_VALIDATION:
            return answer
        order_id = quoted(str(handle["order_id"]))
        if not answer.actions:
            # Once: another value would make worthless what was published of the one before.
            if handle.get("dcv_value") or not words.wants_token(seen.info.get("dcv_method")):
                return answer
            told = self._rest().call("PUT", f"/order/certificate/{order_id}/dcv-random-value").value()
            value = str(told.get("dcv_random_value") or "") if isinstance(told, Mapping) else ""
            return self.peek({**handle, "dcv_value": value}) if value else answer
        if all(action.kind != "email" for action in answer.actions):
            answered = self._rest().call("PUT", f"/order/certificate/{order_id}/check-dcv")
            # 400 says that a file is not there yet; anything else is said by the order itself.
            return self.peek(handle) if answered.is_success else answer
        return answer

    def _answer(self, handle: Handle, seen: Seen | None) -> Answer:
        """Read what an order, or a reissue in it, is at."""
        order_id = str(handle["order_id"])
        if seen is None:
            return Pending(handle, f"order {order_id} has the reissue not in its list yet", self._patience(handle))
        state = read_state(words.STATES, seen.status)
        if state.state == ISSUED and seen.certificate_id:
            return self._fetched({**handle, "certificate_id": seen.certificate_id})
        if state.state in REFUSED_STATES:
            said = "refused" if state.state == REJECTED else state.raw
            reason = f"order {order_id} was {said} at CertCentral; its history there says why"
            return Rejected(reason, handle, state.state, state.raw)
        kind = PROCESSING if state.state == ISSUED else state.state
        actions: tuple[Action, ...] = ()
        if state.raw in _PROVABLE and seen.info.get("dcv_method"):
            kind, actions = PENDING_VALIDATION, words.actions_of(seen.info, str(handle.get("dcv_value") or ""))
        message = f"order {order_id} waits for {_WAITS_FOR.get(kind, 'CertCentral')}"
        seconds = _LONGEST_S if kind == PENDING_APPROVAL else self._patience(handle)
        return Pending(handle, message, seconds, kind, actions, state.raw)

    def _patience(self, handle: Handle) -> float:
        """Give the seconds to wait: as long again as it has waited, from one minute to fifteen."""
        now = self._tools.clock.now()
        return share_of_age(handle.get("since"), now, share=1.0, least_s=_FIRST_S, most_s=_LONGEST_S)

    def _fetched(self, handle: Handle) -> Answer:
        try:
            return self._bundled(self._records.download(str(handle["certificate_id"])), handle)
        except RemoteError as exc:
            if exc.status != 404:
                raise
            message = f"order {handle['order_id']} is issued, and its certificate cannot be fetched yet"
            return Pending(handle, message, self._patience(handle))

    def _bundled(self, text: str, handle: Handle) -> Issued:
        from .._pki import pem, received
        from .._pki.x509 import certificate_facts

        what = "certificate of CertCentral"
        bundle = received.bundle_of(pem.split_certificates(text, what), what, at=self._tools.clock.now())
        kept = {name: value for name, value in handle.items() if name != "dcv_value"}
        facts = certificate_facts(bundle.leaf)
        kept.update(serial=facts.serial, ends=to_text(facts.not_after))
        return Issued(bundle, kept)

    # -- after a lost answer ---------------------------------------------------------------------------------------

    def find(self, order: Order, csr_pem: str) -> Found:
        """Look for an order by our reference, by its names, and among the reissues of what it follows."""
        handle = words.handle_of(order, csr_pem)
        parent = str(order.parent.get("order_id") or "")
        if parent:
            seen = self._records.of_csr({**handle, "order_id": parent, "is_reissue": True})
            if seen is not None:
                return self._answer({**handle, "order_id": parent, "is_reissue": True}, seen)
        listed = self._records.named(order.spec.common_name, order.at)
        referenced, unsure = self._records.with_reference(order.intent_id), ""
        for order_id in dict.fromkeys([*referenced, *(listed or ())]):
            if order_id == parent:
                continue
            info = self._records.info(order_id)
            is_own = is_of_intent(info, order, handle["csr_sha256"], order_id in referenced)
            if is_own:
                return self._looked_at({**handle, "order_id": order_id})
            unsure = order_id if is_own is None else unsure
        look_at = (
            f"in CertCentral under Certificates > Orders for {order.spec.common_name}, placed at {to_text(order.at)} "
            f"or later, with the alternative order id {order.intent_id}"
        )
        if listed is None:
            return CannotTell("too many orders were placed for that name since then", look_at)
        if unsure:
            return CannotTell(f"order {unsure} may be it, but its CSR is another, or not told", look_at)
        left = order.sent_at + _LAG - self._tools.clock.now()
        if left > timedelta(0):
            return CannotTell("its lists may not have it yet", look_at, max(1.0, left.total_seconds()))
        return NotThere("neither our reference nor the CSR is in its list of orders")

    def adopt(self, order_id: str, order: Order, csr_pem: str) -> Answer:
        """Take over an order by its number, or the reissue of this CSR in it."""
        try:
            info = self._records.info(order_id.strip())
        except RemoteError as exc:
            if exc.status not in (400, 404):
                raise
            raise InputError(f"CA account {self._name} has no order {order_id}") from exc
        handle = {"csr_sha256": words.csr_digest(csr_pem), "order_id": str(info.get("id") or order_id)}
        if words.csr_digest(part(info, "certificate").get("csr")) != handle["csr_sha256"]:
            reissue = {**handle, "is_reissue": True}
            seen = self._records.of_csr(reissue, info)
            if seen is None:
                raise InputError(f"order {order_id} of CA account {self._name} is of another CSR")
            return self._answer(reissue, seen)
        return self._answer(handle, self._records.of_csr(handle, info))

    def cancel(self, handle: Handle) -> Answer:
        """Take back an order; one that waits for an approver is rejected there, for it is no order yet."""
        if handle.get("certificate_id"):
            return self.peek(handle)
        before = self.peek(handle)
        if isinstance(before, Pending):
            self._revoking.take_back(handle, before.state)
            before = self.peek(handle)
        if isinstance(before, Rejected) and before.state in (CANCELLED, REJECTED):
            return replace(before, state=CANCELLED)
        return before

    def revoke(self, handle: Handle, reason: str, comment: str) -> Revocation:
        """Revoke one certificate of an order; without the right to, it waits for an approver at CertCentral."""
        return self._revoking.revoke(handle, reason, comment)

    def revocation(self, handle: Handle) -> Revocation:
        """Ask what the approver said."""
        return self._revoking.state(handle)


class DigiCertType(TableType):
    """Makes and reads accounts."""

    name = _KIND
    table = words.TABLE
    connector = DigiCert
    # CertCentral takes 1000 calls in three minutes.
    calls_per_second = 5
