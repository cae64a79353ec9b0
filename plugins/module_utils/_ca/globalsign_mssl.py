# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""GlobalSign Managed SSL: paid orders by SOAP, vetted profiles and domains, found again by their CSR.

Atlas is another API, with ACME: for that there is the type for ACME. :source: ca-connectors §4.10.
"""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from .._core.errors import AuthError, ClmError, InputError
from .._core.redact import Secret
from .._core.types import Bundle
from . import globalsign_mssl_wire as wire
from . import option_table, soap
from .answer_base import (
    ISSUED,
    PENDING_APPROVAL,
    REFUSED_STATES,
    REVOCATION_PENDING,
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
from .globalsign_mssl_account import ACCOUNT
from .globalsign_mssl_directory import Directory, Place, shown
from .table_type import TableType
from .wording import share_of_age

_KIND = "globalsign_mssl"
_FIRST_LOOK_S, _LAST_LOOK_S = 300.0, 3600.0
_AROUND = timedelta(days=1)
# An order whose answer was lost may be made a while later still; nobody says that the list is up to date at once.
_SETTLED = timedelta(minutes=15)
_LISTS = ("certificate_type", "domain", "profile_name")


class GlobalsignMssl(CaConnector):
    """One user of the API."""

    def __init__(self, name: str, options: Mapping[str, Any], secrets: Mapping[str, Secret], tools: Tools) -> None:
        self._name, self._options, self._secrets, self._tools = name, options, secrets, tools
        self._made: wire.Services | None = None
        self._listed: Directory | None = None

    @property
    def _services(self) -> wire.Services:
        if self._made is None:
            given = self._options
            rest = connected(
                *(self._tools, str(given["url"]), given, self._secrets), explain=soap.explained, speaks="XML"
            )
            paths = (str(given["order_path"]), str(given["query_path"]))
            self._made = wire.Services(rest, paths, str(given["user_name"]), self._secrets["password"])
        return self._made

    @property
    def _directory(self) -> Directory:
        self._listed = self._listed or Directory(self._services)
        return self._listed

    def capabilities(self) -> Capabilities:
        """Give what it can take."""
        found = Capabilities(
            is_public=not wire.is_private(str(self._options["certificate_type"])),
            is_immediate=False,
            renew=NATIVE,
            reissue=NATIVE,
            revoke_reasons=("unspecified",),
            can_cancel=True,
            find=FIND_EXACT,
            can_adopt=True,
            san_types=("dns", "ip"),
            validity="days" if self._options["lifetime_as"] == "dates" else "months",
            request_options={
                "profile_name": {
                    "required": not self._options.get("profile_name"),
                    "choices_from": "profile_name",
                    "description": "MSSL profile, by its organisation or its id.",
                },
                "certificate_type": {
                    "required": False,
                    "choices_from": "certificate_type",
                    "description": "Product that is ordered.",
                },
            },
            choices=_LISTS,
            may_need_approval=True,
            chain_with_root=True,
        )
        return option_table.overridden(found, self._options)

    # -- lists -----------------------------------------------------------------------------------------------------

    def test(self) -> Sequence[Check]:
        """Try address, clock, login at both services, and the profile; orders nothing."""
        found = list(reachable(self._services.rest, self._tools, self._services.paths[1], (("wsdl", ""),)))
        return tried(found, (("logged in", self._login_told), ("may read orders", self._reading_told)))

    def _login_told(self, name: str) -> Check:
        listed = self._directory.profiles()
        wanted = str(self._options.get("profile_name") or "")
        if wanted and not self._directory.matching(wanted):
            return Check(name, False, f"it sees no profile {wanted!r}; there are {shown(listed)}")
        return Check(name, bool(listed), f"it sees {len(listed) or 'no'} MSSL profiles")

    def _reading_told(self, name: str) -> Check:
        now = self._tools.clock.now()
        span = (("FromDate", wire.wire_time(now - timedelta(minutes=1))), ("ToDate", wire.wire_time(now)))
        self._services.query("read the list of orders", "GetOrderByDateRange", *span)
        return Check(name, True, "it may read the list of orders, so a lost one is found")

    def choices(self, kind: str) -> Sequence[Choice]:
        """List profiles, their domains, or products of the account's kind.

        :raises AuthError: the user may not.
        """
        if kind not in _LISTS:
            raise InputError(f"CA account {self._name} has no list {kind!r}; there are: {', '.join(_LISTS)}")
        if kind == "profile_name":
            return self._directory.profiles()
        if kind == "domain":
            domains = self._directory.domains("")
            return [Choice(name, number) for name, number in sorted(domains.items())]
        is_private = wire.is_private(str(self._options["certificate_type"]))
        return [Choice(code, told) for code, told in wire.PRODUCTS.items() if wire.is_private(code) == is_private]

    def _values(self, kind: str) -> list[str]:
        """Give what a list has, ids and names; none where it may not be read, and then the CA itself says."""
        try:
            found = self.choices(kind)
        except AuthError:
            return []
        is_named = kind != "certificate_type"
        return [value for one in found for value in (one.value, one.label if is_named else "") if value]

    # -- orders ----------------------------------------------------------------------------------------------------

    def validate(self, order: Order) -> Sequence[str]:
        """Give every problem of the options, and a common name that no domain of the profile covers."""
        problems = [] if order.validity_days >= 1 else [f"a validity of {order.validity_days} days cannot be asked for"]
        described = self.capabilities().request_options
        found = option_table.request_problems(f"CA account {self._name}", order.options, described, self._values)
        if not found:
            try:
                found = [self._place_of(order).why]
            except AuthError:
                found = []
        return problems + [one for one in found if one]

    def _place_of(self, order: Order) -> Place:
        wanted = order.options.get("profile_name") or self._options.get("profile_name") or ""
        return self._directory.place_of(str(wanted), order.spec.common_name, self._product(order))

    def _product(self, order: Order) -> str:
        return str(order.options.get("certificate_type") or self._options["certificate_type"])

    def submit(self, order: Order, csr_pem: str) -> Answer:
        """Order a new certificate."""
        return self._ordered(order, csr_pem, "")

    def renew(self, handle: Handle, order: Order, csr_pem: str) -> Answer:
        """Order it as the renewal of another order, which the CA may price otherwise.

        What is revoked or ended otherwise has no renewal: then it is a new order.
        """
        parent = str(handle["order_id"])
        with before_order():
            is_over = self._is_over(self._parent(parent))
        return self._ordered(order, csr_pem, "" if is_over else parent)

    def _ordered(self, order: Order, csr_pem: str, renews: str) -> Answer:
        with before_order():
            place = self._place_of(order)
        if place.why:
            return Rejected(place.why)
        content = wire.order_content(
            *(order, csr_pem),
            product=self._product(order),
            profile=place.profile,
            domain=place.domain,
            contact=wire.contact_of(self._options),
            renews=renews,
            dates=self._options["lifetime_as"] == "dates",
        )
        try:
            found = self._services.order("place the order", "PVOrder", *content)
        except (wire.MsslError, soap.SoapFault) as exc:
            return self._refused(exc)
        return self._taken(soap.text(found, "OrderID"), soap.find(found, "PVOrderDetail"), wire.warnings_of(found))

    def reissue(self, handle: Handle, order: Order, csr_pem: str) -> Answer:
        """Have it reissued within the order; renew it where that would give less than was asked for.

        A reissue ends with its order: one that is made because the end is near would be due again at once. So less
        than half of the lifetime left is a renewal, and so are addresses, which a reissue has no place for. Nothing
        follows an order that was revoked or ended otherwise: then it is a new one.
        """
        parent = str(handle["order_id"])
        with before_order():
            detail = self._parent(parent)
        if self._is_over(detail):
            return self._ordered(order, csr_pem, "")
        if order.spec.ip_addresses or not self._lasts(detail, order):
            return self._ordered(order, csr_pem, parent)
        content = wire.reissue_content(order, csr_pem, parent)
        try:
            found = self._services.query("have it issued anew", "ReIssue", *content, header="Order")
        except (wire.MsslError, soap.SoapFault) as exc:
            return self._refused(exc)
        return self._taken(soap.text(found, "OrderID"), None, wire.warnings_of(found))

    def _parent(self, order_id: str) -> ET.Element | None:
        """Look at an order that is followed; None where the CA says that it has none."""
        try:
            return self._detail(order_id)
        except wire.MsslError as exc:
            if not exc.is_refusal:
                raise
            return None

    @staticmethod
    def _is_over(detail: ET.Element | None) -> bool:
        """Say whether an order is known to be revoked, cancelled or refused."""
        return read_state(wire.STATES, wire.status_of(detail)).state in REFUSED_STATES

    def _lasts(self, detail: ET.Element | None, order: Order) -> bool:
        """Say whether an order is issued, and has at least half of the asked-for lifetime left."""
        ends = wire.ends_at(detail)
        least = self._tools.clock.now() + timedelta(days=(order.validity_days + 1) // 2)
        # Days count whole: hours that clocks differ by are no reason to pay.
        return ends is not None and ends.date() >= least.date()

    @staticmethod
    def _refused(exc: wire.MsslError | soap.SoapFault) -> Rejected:
        """Give a refusal of the order; what may be none is raised again."""
        if not exc.is_refusal:
            raise exc
        return Rejected(exc.message, vendor_state=", ".join(getattr(exc, "codes", ())))

    def _taken(self, order_id: str, detail: ET.Element | None, notes: tuple[str, ...]) -> Answer:
        """Give what an order that was taken is by now; nothing is raised any more, what is missing comes later."""
        if not order_id:
            raise wire.MsslError("Cannot place the order: its answer names no order", codes=["-1"], status=200)
        handle = {"order_id": order_id, "ordered_at": wire.wire_time(self._tools.clock.now())}
        try:
            is_whole = detail is not None and all(wire.certificates_of(detail))
            if is_whole or (detail is not None and read_state(wire.STATES, wire.status_of(detail)).state != ISSUED):
                return self._read(handle, detail, notes)
            return self.collect(handle)
        except ClmError as exc:
            return Pending(handle, f"the order was taken, and cannot be read yet: {exc.message}", 60.0)

    def _read(self, handle: Handle, detail: ET.Element | None, notes: tuple[str, ...] = ()) -> Answer:
        from .._pki.chain import order_chain
        from .._pki.x509 import certificate_facts

        state = read_state(wire.STATES, wire.status_of(detail))
        words = wire.WORDS.get(state.raw, f"GlobalSign says {state.raw}" if state.raw else "GlobalSign says no state")
        if state.state == ISSUED:
            leaf, above = wire.certificates_of(detail)
            if not leaf:
                return Pending(handle, "the order is issued, and its certificate is not given yet", 60.0)
            chain = order_chain(leaf, above, at=self._tools.clock.now()).bundle
            serial = certificate_facts(leaf).serial
            return Issued(Bundle(chain.leaf, chain.chain, chain.root), {**handle, "serial": serial}, notes)
        if state.state in REFUSED_STATES:
            return Rejected(f"{words} (state {state.raw})", handle, state.state, state.raw)
        is_waiting = state.state == PENDING_APPROVAL
        actions = (Action("approval", url=str(self._options["url"]), who="an approver at GlobalSign"),)
        return Pending(handle, words, self._look_again(handle), state.state, actions if is_waiting else (), state.raw)

    def _look_again(self, handle: Handle) -> float:
        """Give the wait: a quarter of the order's age, from five minutes to an hour."""
        ordered_at, now = handle["ordered_at"], self._tools.clock.now()
        return share_of_age(ordered_at, now, share=0.25, least_s=_FIRST_LOOK_S, most_s=_LAST_LOOK_S)

    def _detail(self, order_id: str) -> ET.Element | None:
        asked = (("OrderID", order_id), ("OrderQueryOption", wire.DETAILS))
        return soap.find(self._services.query("ask for the order", "GetOrderByOrderID", *asked), "OrderDetail")

    def collect(self, handle: Handle) -> Answer:
        """Ask for the order."""
        return self._read(dict(handle), self._detail(str(handle["order_id"])))

    def find(self, order: Order, csr_pem: str) -> Found:
        """Read the orders of the time around, with their CSRs, and take the one of this CSR."""
        from .._pki.x509 import csr_facts

        begin, end = order.at - _AROUND, self._tools.clock.now() + _AROUND
        span = (("FromDate", wire.wire_time(begin)), ("ToDate", wire.wire_time(end)))
        asked = (*span, ("OrderQueryOption", wire.DETAILS))
        found = self._services.query("look for the order", "GetOrderByDateRange", *asked)
        listed = list(soap.every(soap.find(found, "OrderDetails"), "OrderDetail"))
        listed = [one for one in listed if wire.may_be(order, one)]
        fingerprint = csr_facts(csr_pem).fingerprint
        told = [(one, wire.is_of_csr(one, fingerprint)) for one in listed]
        mine = [one for one, is_mine in told if is_mine]
        name = order.spec.common_name
        dumb = [one for one, is_mine in told if is_mine is None and soap.text(one, "OrderInfo", "DomainName") == name]
        if len(mine) > 1 or (dumb and not mine):
            numbers = ", ".join(soap.text(one, "OrderInfo", "OrderId") for one in mine or dumb)
            why = "there are several orders of this CSR" if mine else f"orders for {name} do not tell their CSR"
            return CannotTell(f"{why}: {numbers}", f"the orders {numbers} in GlobalSign's portal, and their CSRs")
        if not mine:
            return self._none_of(order, f"none of {len(listed)} orders since {wire.wire_time(begin)} is of this CSR")
        ordered_at = wire.moment_of(mine[0], "OrderDate") or self._tools.clock.now()
        number = soap.text(mine[0], "OrderInfo", "OrderId")
        return self._read({"order_id": number, "ordered_at": wire.wire_time(ordered_at)}, mine[0])

    def _none_of(self, order: Order, why: str) -> Found:
        """Say that there is no order; until the list has settled that cannot be told."""
        left = (order.sent_at + _SETTLED - self._tools.clock.now()).total_seconds()
        if left <= 0:
            return NotThere(why)
        name = order.spec.common_name
        return CannotTell(f"{why}, and it may be listed later", f"orders for {name} in GlobalSign's portal", left)

    def adopt(self, order_id: str, order: Order, csr_pem: str) -> Answer:
        """Take an order over, if it is of this CSR."""
        from .._pki.x509 import csr_facts

        try:
            detail = self._detail(order_id)
        except wire.MsslError as exc:
            if wire.NO_ORDER not in exc.codes:
                raise
            raise InputError(f"CA account {self._name} has no order {order_id}") from None
        if detail is None or wire.is_of_csr(detail, csr_facts(csr_pem).fingerprint) is not True:
            raise InputError(f"order {order_id} of CA account {self._name} is not of this CSR")
        return self._read({"order_id": order_id, "ordered_at": wire.wire_time(order.at)}, detail)

    # -- afterwards ------------------------------------------------------------------------------------------------

    def _modify(self, what: str, handle: Handle, operation: str) -> ET.Element | None:
        """Change an order, and give what it is now; one that was changed before is success."""
        number = str(handle["order_id"])
        try:
            self._services.order(what, "ModifyMSSLOrder", ("OrderID", number), ("ModifyOrderOperation", operation))
        except wire.MsslError as exc:
            if not set(exc.codes) & set(wire.CHANGED_CODES):
                raise
        return self._detail(number)

    def cancel(self, handle: Handle) -> Answer:
        """Take an order back."""
        return self._read(dict(handle), self._modify("cancel the order", handle, "Cancel"))

    def revoke(self, handle: Handle, reason: str, comment: str) -> Revocation:
        """Revoke; the API takes no reason."""
        return self._revocation(self._modify("revoke the certificate", handle, "Revoke"))

    def revocation(self, handle: Handle) -> Revocation:
        """Ask what became of it."""
        return self._revocation(self._detail(str(handle["order_id"])))

    def _revocation(self, detail: ET.Element | None) -> Revocation:
        state = wire.status_of(detail)
        if read_state(wire.STATES, state).state != "revoked" or state == wire.REVOKING:
            told = wire.WORDS.get(state, f"GlobalSign says {state}")
            return Revocation(REVOCATION_PENDING, None, f"GlobalSign took it; {told}")
        return Revocation(at=wire.moment_of(detail, "OrderDeactivatedDate"))


class GlobalsignMsslType(TableType):
    """Makes and reads accounts."""

    name = _KIND
    table = ACCOUNT
    connector = GlobalsignMssl
