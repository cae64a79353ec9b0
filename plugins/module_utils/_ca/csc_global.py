# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""CSC Global: orders of a year, that are paid for; domains proved by CNAME or e-mail; reissues under an order are free.

Its list has no CSR and no reference of ours: after a lost answer a certificate is found by its key, and an order that
is not signed yet is for a person to tell. Lifetimes are CSC's. :source: ca-connectors §4.9.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from .._core import validity
from .._core.clock import to_text
from .._core.errors import AuthError, InputError, RemoteError
from .._core.redact import Secret
from .._http.base import Request
from . import answer_base as states
from . import csc_global_answers as answers
from . import csc_global_orders as orders
from . import option_table
from .answer_base import Action, Answer, CannotTell, Found, Handle, Issued, Pending, Rejected, Revocation
from .base import CaConnector, Check, Choice, Order, Tools
from .before_order import before_order
from .capability_base import NATIVE, NONE, Capabilities
from .connection import connected, reachable, tried, url_reason
from .option_table import Option
from .rest import Rest, quoted
from .shapes import rows
from .table_type import TableType
from .wording import share_of_age

_KIND = "csc_global"
_REFUSALS = (400, 409, 422)
_REISSUE = "/tls/reissue"
_FIRST_S, _LONGEST_S = 900.0, 6 * 3600.0
TABLE: option_table.Table = {
    **option_table.NETWORK,
    **orders.OPTIONS,
    "url": Option(
        *("str", "Address of the API, with its path."),
        default="https://apis.cscglobal.com/dbs/api/v2",
        check=url_reason,
    ),
    "api_key": Option("str", "API key.", secret=True, required=True),
    "bearer_token": Option("str", "Bearer token that goes with the API key.", secret=True, required=True),
}


class CscGlobal(CaConnector):
    """One API key."""

    def __init__(self, name: str, options: Mapping[str, Any], secrets: Mapping[str, Secret], tools: Tools) -> None:
        self._name, self._options, self._secrets, self._tools = name, options, secrets, tools
        self._made: Rest | None = None
        self._fields: list[Mapping[str, Any]] | None = None

    def _sign(self, request: Request) -> Request:
        own = {
            "apikey": self._secrets["api_key"].reveal(),
            "Authorization": f"Bearer {self._secrets['bearer_token'].reveal()}",
        }
        return replace(request, headers={**request.headers, **own})

    @property
    def _rest(self) -> Rest:
        if self._made is None:
            url = str(self._options["url"])
            self._made = connected(
                self._tools, url, self._options, self._secrets, sign=self._sign, explain=answers.explained
            )
        return self._made

    # -- what it offers --------------------------------------------------------------------------------------------

    def capabilities(self) -> Capabilities:
        """Give what it can take."""
        found = Capabilities(
            is_public=True,
            is_immediate=False,
            renew=NATIVE,
            reissue=NATIVE,
            revoke_reasons=("unspecified",),
            find=NONE,
            can_adopt=True,
            csr_sources=("local", "upload"),
            validity="terms",
            request_options=orders.request_options(self._options),
            choices=("certificate_type", "dcv_type", "custom_field"),
            dcv_methods=("cname", "email"),
            may_need_approval=True,
        )
        return option_table.overridden(found, self._options)

    def test(self) -> Sequence[Check]:
        """Try address, clock, key and token."""
        found = reachable(self._rest, self._tools, "/admin/customfields")
        return tried(found, [("credentials", self._credentials_told)])

    def _credentials_told(self, name: str) -> Check:
        return Check(name, True, f"key and token may list custom fields, {len(self._custom())} of them")

    def _custom(self) -> list[Mapping[str, Any]]:
        """Give CSC's custom fields, read once."""
        if self._fields is None:
            told = self._rest.mapping("list the custom fields", "GET", "/admin/customfields")
            self._fields = rows(told, "customFields")
        return self._fields

    def choices(self, kind: str) -> Sequence[Choice]:
        """List certificate types and proofs, which are fixed, or the custom fields."""
        if kind == "certificate_type":
            return [Choice(word, f"{one.label} ({one.code})") for word, one in orders.PRODUCTS.items()]
        if kind == "dcv_type":
            return [Choice(orders.CNAME, "a CNAME record"), Choice(orders.EMAIL, "an e-mail message")]
        if kind == "custom_field":
            return [
                Choice(str(one.get("label")), "mandatory" if one.get("mandatory") else "") for one in self._custom()
            ]
        raise InputError(
            f"CA account {self._name} has no list {kind!r}; there are: certificate_type, dcv_type, custom_field"
        )

    def _values(self, kind: str) -> list[str]:
        codes = [one.code for one in orders.PRODUCTS.values()] if kind == "certificate_type" else []
        return [*(choice.value for choice in self.choices(kind)), *codes]

    def validate(self, order: Order) -> Sequence[str]:
        """Give every problem; business units and contacts are known to CSC alone, which says so."""
        problems = [] if order.validity_days >= 1 else [f"a validity of {order.validity_days} days cannot be asked for"]
        described = self.capabilities().request_options
        problems += option_table.request_problems(f"CA account {self._name}", order.options, described, self._values)
        problems += orders.Asked(self._options, order).problems()
        try:
            return problems + orders.custom_fields(self._custom(), order.attributes)[1]
        except AuthError:
            return problems

    # -- orders ----------------------------------------------------------------------------------------------------

    def submit(self, order: Order, csr_pem: str) -> Answer:
        """Place an order of its own."""
        return self._placed("place the order", "/tls/registration", order, csr_pem, {})

    def renew(self, handle: Handle, order: Order, csr_pem: str) -> Answer:
        """Follow a certificate: free under its order, or paid for where that is about to end."""
        return self._followed(handle, order, csr_pem)

    def reissue(self, handle: Handle, order: Order, csr_pem: str) -> Answer:
        """Have another key; as a renewal, for what decides is how long the order runs yet."""
        return self._followed(handle, order, csr_pem)

    def _followed(self, handle: Handle, order: Order, csr_pem: str) -> Answer:
        with before_order():
            told = self._told(handle)
        now, before = self._tools.clock.now(), {"uuid": str(handle["order_id"])}
        expired = answers.moment(told.get("expirationDate"))
        if str(told.get("status") or "").upper() != "ACTIVE" or (expired is not None and expired <= now):
            return self.submit(order, csr_pem)
        days = int(self._options["renewal_window_days"])
        ends, kept = self._order_ends(told), {"replaces": str(handle.get("serial") or "")}
        if ends is None or ends - now <= timedelta(days=days):
            return self._placed("renew the order", "/tls/renewal", order, csr_pem, before, kept)
        return self._placed("have it reissued", _REISSUE, order, csr_pem, before, kept)

    def _order_ends(self, told: Mapping[str, Any]) -> datetime | None:
        """Give when the order of a certificate ends; its own end where CSC does not say when it was ordered."""
        began = answers.moment(told.get("orderDate"))
        if began is None:
            return answers.moment(told.get("expirationDate"))
        return validity.not_after(began, validity.Validity(int(self._options["term_months"]), "months"))

    def _placed(
        self,
        what: str,
        path: str,
        order: Order,
        csr_pem: str,
        more: Mapping[str, str],
        kept: Mapping[str, str] | None = None,
    ) -> Answer:
        asked = orders.Asked(self._options, order)
        product = asked.product
        if product is None:
            return Rejected(f"certificate_type is not there; there are {', '.join(orders.PRODUCTS)}")
        with before_order():
            fields, _missing = orders.custom_fields(self._custom_or_none(), order.attributes)
        try:
            told = self._rest.ask(what, "POST", path, body={**asked.body(product, csr_pem, fields), **more})
        except RemoteError as exc:
            if exc.status not in _REFUSALS:
                raise
            return Rejected(exc.message)
        # A reissue may stay under its uuid, and need not say it; any other order has one of its own.
        number = more.get("uuid", "") if path == _REISSUE else ""
        return self._taken(what, told, order, number, kept or {})

    def _custom_or_none(self) -> list[Mapping[str, Any]]:
        try:
            return self._custom()
        except AuthError:
            return []

    def _taken(self, what: str, told: Any, order: Order, number: str, kept: Mapping[str, str]) -> Answer:
        result = told.get("result") if isinstance(told, Mapping) else None
        status = result.get("status") if isinstance(result, Mapping) else None
        number = str(status.get("uuid") or number) if isinstance(status, Mapping) else ""
        if not isinstance(result, Mapping) or not isinstance(status, Mapping) or not number:
            raise RemoteError(f"Cannot {what}: CSC's answer names no order; it may have taken it", code="not_json")
        todo = answers.actions(result.get("dcvDetails"))
        handle = {"order_id": number, "dcv": todo, "placed_at": to_text(order.at), **kept}
        price = result.get("price")
        price = price if isinstance(price, Mapping) else {}
        cost = f"; it costs {price['total']} {price.get('currency') or ''}".rstrip() if price.get("total") else ""
        return self._pending(handle, states.read_state(answers.STATES, status.get("code")), cost)

    def _pending(self, handle: Handle, state: states.VendorState, more: str = "") -> Pending:
        todo = [dict(one) for one in handle.get("dcv") or ()]
        is_known = state.raw.lower() in answers.STATES or not state.raw
        word = states.PENDING_VALIDATION if todo and is_known else states.PROCESSING
        actions = tuple(Action(**one) for one in todo)
        return Pending(handle, answers.message(todo) + more, self._patience(handle), word, actions, state.raw)

    def _patience(self, handle: Handle) -> float:
        """Give the seconds to wait: as long again as it has waited, from a quarter of an hour to six hours."""
        placed_at, now = handle.get("placed_at"), self._tools.clock.now()
        return share_of_age(placed_at, now, share=1.0, least_s=_FIRST_S, most_s=_LONGEST_S)

    def _told(self, handle: Handle) -> Mapping[str, Any]:
        path = f"/tls/certificate/{quoted(str(handle['order_id']))}"
        return self._rest.mapping("ask for the certificate", "GET", path)

    def collect(self, handle: Handle) -> Answer:
        """Ask for the certificate."""
        return self._answer(handle, self._told(handle))

    def _answer(self, handle: Handle, told: Mapping[str, Any]) -> Answer:
        from .._pki.x509 import certificate_facts

        state = states.read_state(answers.STATES, told.get("status"))
        # One that is revoked since was issued all the same, if this order is known to have been.
        was_issued = state.state == states.REVOKED and bool(handle.get("serial"))
        if (state.state == states.ISSUED or was_issued) and told.get("certificate"):
            bundle = answers.bundle_of(str(told["certificate"]), self._tools.clock.now())
            serial = certificate_facts(bundle.leaf).serial
            if serial == handle.get("replaces"):
                return self._pending(
                    handle, states.VendorState(states.PROCESSING, state.raw), "; it gives the one before"
                )
            kept = {name: value for name, value in handle.items() if name not in ("dcv", "replaces")}
            return Issued(bundle, {**kept, "serial": serial})
        if state.state in states.REFUSED_STATES:
            return Rejected(
                f"CSC refused the order, or took it back: it says {state.raw}", handle, state.state, state.raw
            )
        return self._pending(handle, state)

    # -- after a lost answer ---------------------------------------------------------------------------------------

    def find(self, order: Order, csr_pem: str) -> Found:
        """Look among the certificates of this name for one of this key; other orders cannot be told apart."""
        name = order.spec.common_name
        try:
            told = self._rest.mapping(
                *("look for the certificate", "GET", "/tls/certificate"), query=(("filter", f"commonName=={name}"),)
            )
        except RemoteError as exc:
            if exc.status != 400:
                raise
            return self._doubt(order, f"CSC cannot be asked for it ({exc.message})", [])
        waiting = []
        for one in rows(told, "results"):
            # An asterisk in a name stands for anything there.
            if not one.get("uuid") or one.get("commonName") != name:
                continue
            number = str(one["uuid"])
            if not one.get("certificate"):
                waiting.append(number)
            elif self._is_of(one, csr_pem) and self._is_since(one, order):
                found = self._answer({"order_id": number, "placed_at": to_text(order.at)}, one)
                if isinstance(found, Issued) and found.handle["serial"] != order.parent.get("serial"):
                    return found
        return self._doubt(order, "CSC's list has no CSR and no reference of ours to search by", waiting)

    def _doubt(self, order: Order, why: str, waiting: list[str]) -> CannotTell:
        told = f"; those without a certificate yet are {', '.join(waiting)}" if waiting else ""
        return CannotTell(
            why,
            f"at CSC's portal for an order for {order.spec.common_name} of {to_text(order.at)} or later{told}",
            _FIRST_S,
        )

    def _is_since(self, told: Mapping[str, Any], order: Order) -> bool:
        """Say whether a certificate may be of this order: CSC names days, and they may be of another time zone."""
        begin = answers.moment(told.get("effectiveDate")) or answers.moment(told.get("orderDate"))
        return begin is None or begin >= order.at - timedelta(days=2)

    def _is_of(self, told: Mapping[str, Any], csr_pem: str) -> bool:
        from .._pki.x509 import certificate_facts, csr_facts

        try:
            leaf = answers.bundle_of(str(told.get("certificate") or ""), self._tools.clock.now()).leaf
        except InputError:
            return False
        return certificate_facts(leaf).key.spki_sha256 == csr_facts(csr_pem).key.spki_sha256

    def adopt(self, order_id: str, order: Order, csr_pem: str) -> Answer:
        """Take over an order by its uuid; before it is signed, its names are all there is to compare."""
        try:
            told = self._told({"order_id": order_id})
        except RemoteError as exc:
            if exc.status not in (400, 404):
                raise
            raise InputError(f"CA account {self._name} has no order {order_id}") from exc
        is_same_name = str(told.get("commonName") or "").lower() == order.spec.common_name.lower()
        if not is_same_name or (told.get("certificate") and not self._is_of(told, csr_pem)):
            raise InputError(f"order {order_id} of CA account {self._name} is of another CSR")
        return self._answer({"order_id": order_id, "placed_at": to_text(order.at)}, told)

    # -- after issuing ---------------------------------------------------------------------------------------------

    def revoke(self, handle: Handle, reason: str, comment: str) -> Revocation:
        """Revoke; CSC takes no reason, and what is revoked already is left as it is.

        :raises InputError: the order has another certificate by now, or none.
        """
        told = self._told(handle)
        done = self._revocation(handle, told)
        if done.state == states.REVOKED:
            return done
        if not told.get("certificate"):
            raise answers.not_its_own(handle, "")
        path = f"/tls/revoke/{quoted(str(handle['order_id']))}"
        self._rest.ask("revoke a certificate", "PUT", path)
        return self.revocation(handle)

    def revocation(self, handle: Handle) -> Revocation:
        """Ask whether it is revoked.

        :raises InputError: the order has another certificate by now.
        """
        return self._revocation(handle, self._told(handle))

    def _revocation(self, handle: Handle, told: Mapping[str, Any]) -> Revocation:
        from .._pki.x509 import certificate_facts

        if told.get("certificate"):
            leaf = answers.bundle_of(str(told["certificate"]), self._tools.clock.now()).leaf
            found = certificate_facts(leaf).serial
            if found != handle.get("serial"):
                raise answers.not_its_own(handle, found)
        word = str(told.get("status") or "")
        if states.read_state(answers.STATES, word).state == states.REVOKED:
            return Revocation()
        return Revocation(states.REVOCATION_PENDING, None, f"CSC says {word}")


class CscGlobalType(TableType):
    """Makes and reads accounts."""

    name = _KIND
    table = TABLE
    connector = CscGlobal
