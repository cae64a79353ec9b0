# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""DigiCert ONE, Trust Lifecycle Manager: certificates by profile, each on a seat, which is what a lost one is found by.

:source: ca-connectors §4.8; DigiCert's OpenAPI document of the API, version 1.0.0; DigiCert's own Terraform provider.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

from .._core.clock import to_text
from .._core.errors import AuthError, ClmError, InputError, RemoteError
from .._core.redact import Secret
from .._core.types import Bundle
from .._http.base import Request
from . import client_certificate, option_table
from . import digicert_one_words as words
from .answer_base import (
    ISSUED,
    PENDING_APPROVAL,
    PROCESSING,
    REFUSED_STATES,
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
from .connection import connected, reachable
from .digicert_one_answers import certificates_of, leaf_first, subject_of
from .digicert_one_profile import Profile, Profiles
from .rest import Rest, quoted
from .shapes import part, rows
from .table_type import TableType
from .wording import share_of_age

_KIND = "digicert_one"
_API = "/mpki/api/v1"
_LAG = timedelta(minutes=5)
"""How long a certificate may take to be seen in the search; our reading, no document says."""
_FIRST_S, _LONGEST_S = 60.0, 900.0
_MOST_PAGES = 20


class DigiCertOne(CaConnector):
    """One account, by a token or a client certificate."""

    def __init__(self, name: str, options: Mapping[str, Any], secrets: Mapping[str, Secret], tools: Tools) -> None:
        self._name, self._options, self._secrets, self._tools = name, options, secrets, tools
        self._made: Rest | None = None
        self._profiles = Profiles(name, self._rest)

    def _sign(self, request: Request) -> Request:
        key = self._secrets.get("api_key")
        # With a client certificate, and its own host, the header has to be left out.
        if key is None or self._secrets.get("client_key"):
            return request
        return replace(request, headers={**request.headers, "x-api-key": key.reveal()})

    def _rest(self) -> Rest:
        if self._made is None:
            url = str(self._options["url"])
            self._made = connected(self._tools, url, self._options, self._secrets, prefix=_API, sign=self._sign)
        return self._made

    # -- what it is ------------------------------------------------------------------------------------------------

    def capabilities(self) -> Capabilities:
        """Give what it can take."""
        asked: dict[str, dict[str, Any]] = {
            "certificate_profile": {
                "required": not self._options.get("certificate_profile"),
                "choices_from": "certificate_profile",
                "description": "Profile that issues.",
            }
        }
        if self._options["allow_seat_id"]:
            asked["seat_id"] = {"required": False, "choices_from": "", "description": "Seat it is assigned to."}
        found = Capabilities(
            is_public=self._options["trust"] == "public",
            is_immediate=False,
            renew=NATIVE,
            revoke_reasons=words.REASONS,
            find=FIND_EXACT,
            can_adopt=True,
            san_types=("dns", "ip", "email", "uri"),
            csr_sources=("endpoint", "local", "upload"),
            request_options=asked,
            choices=("certificate_profile",),
            may_need_approval=True,
            chain_with_root=True,
        )
        return option_table.overridden(found, self._options)

    def test(self) -> Sequence[Check]:
        """Try address, clock, and whether the profiles can be read; issues nothing."""
        found = [
            *client_certificate.checks(self._options, self._tools.clock.now()),
            *reachable(self._rest(), self._tools, "/hello"),
        ]
        if not all(check.passed for check in found if check.name == "reachable"):
            return found
        try:
            there = [choice.value for choice in self.choices("certificate_profile")]
            found.append(Check("key", bool(there), f"the account may use {len(there)} profiles"))
            wanted = str(self._options.get("certificate_profile") or "")
            if wanted:
                profile = self._profiles.get(self._profiles.id_of(wanted))
                found.append(Check("certificate_profile", True, f"{profile.name} is there"))
        except ClmError as exc:
            found.append(Check("key", False, exc.message))
        return found

    def choices(self, kind: str) -> Sequence[Choice]:
        """List the profiles that issue by the API.

        :raises AuthError: the key may not read them.
        """
        if kind != "certificate_profile":
            raise InputError(f"CA account {self._name} has no list {kind!r}; there is: certificate_profile")
        return self._profiles.choices()

    def _asked_profile(self, order: Order) -> str:
        return str(order.options.get("certificate_profile") or self._options.get("certificate_profile") or "")

    def validate(self, order: Order) -> Sequence[str]:
        """Give every problem of the order, what its profile has fixed among them."""
        found = [] if order.validity_days >= 1 else [f"a validity of {order.validity_days} days cannot be asked for"]
        told = option_table.request_problems(
            f"CA account {self._name}",
            order.options,
            self.capabilities().request_options,
            lambda _kind: self._profiles.values(),
        )
        asked = self._asked_profile(order)
        if asked and not any(one.startswith("certificate_profile") for one in told):
            found += self._profiles.get(self._profiles.id_of(asked)).problems(order.spec)
        return found + told

    # -- orders ----------------------------------------------------------------------------------------------------

    def _seat(self, order: Order) -> str:
        """Give the seat of an order: as asked for, the account's, that of what it follows, or one of its own."""
        asked = order.options.get("seat_id") if self._options["allow_seat_id"] else ""
        common, before = self._options.get("seat_id"), order.parent.get("seat_id")
        return str(asked or common or before or f"clm-{order.intent_id}")

    def submit(self, order: Order, csr_pem: str) -> Answer:
        """Place an order."""
        with before_order():
            profile = self._profiles.get(self._profiles.id_of(self._asked_profile(order)))
        seat_id = self._seat(order)
        body: dict[str, Any] = {
            "profile": {"id": profile.profile_id},
            "seat": {"seat_id": seat_id},
            "csr": csr_pem,
            "attributes": profile.attributes(order.spec),
            **self._form(order, profile),
        }
        if self._options.get("tags"):
            body["tags"] = list(self._options["tags"])
        return self._sent("/certificate", body, profile, seat_id)

    def _form(self, order: Order, profile: Profile) -> dict[str, Any]:
        body: dict[str, Any] = {"delivery_format": self._options["delivery_format"], "include_ca_chain": True}
        if profile.takes_lifetimes:
            body["validity"] = {"unit": "days", "duration": order.validity_days}
        return body

    def renew(self, handle: Handle, order: Order, csr_pem: str) -> Answer:
        """Renew on the same seat; by another order where it is too early for the profile, or for another subject."""
        serial, seat_id = str(handle.get("serial") or ""), self._seat(order)
        with before_order():
            profile = self._profiles.get(self._profiles.id_of(self._asked_profile(order)))
        if not serial or profile.profile_id != handle.get("profile_id") or seat_id != handle.get("seat_id"):
            return self.submit(order, csr_pem)
        with before_order():
            told = self._details(serial)
        if not self._can_renew(told, profile, order):
            return self.submit(order, csr_pem)
        body = {"csr": words.bare(csr_pem), **self._form(order, profile)}
        return self._sent(f"/certificate/{quoted(serial)}/renew", body, profile, seat_id)

    def _can_renew(self, told: Mapping[str, Any], profile: Profile, order: Order) -> bool:
        from .._pki.x509 import certificate_facts

        if str(told.get("status") or "").lower() != "issued":
            return False
        try:
            leaf = leaf_first(certificates_of(str(told.get("certificate") or "")))[0]
            facts = certificate_facts(leaf)
        except InputError:
            return False
        is_time = self._tools.clock.now() >= facts.not_after - timedelta(days=profile.renewal_days)
        return is_time and profile.is_had(order.spec, subject_of(leaf), facts.sans)

    def _details(self, serial: str, fingerprint: str = "") -> Mapping[str, Any]:
        """Give a certificate; by its fingerprint, where two CAs gave the same serial number."""
        try:
            return self._rest().mapping("look at a certificate", "GET", f"/certificate/{quoted(serial)}")
        except RemoteError as exc:
            if "ollision" not in exc.message or not fingerprint:
                raise
            query = (("thumbprint", fingerprint),)
            told = self._rest().mapping("search for a certificate", "GET", "/certificate-search", query=query)
            return next(iter(rows(told, "items")), {})

    def _sent(self, path: str, body: Mapping[str, Any], profile: Profile, seat_id: str) -> Answer:
        """Send an order in one call; nothing is raised any more once it is taken."""
        try:
            told = self._rest().ask("place an order", "POST", path, body=body)
        except RemoteError as exc:
            if exc.status not in (400, 409, 422):
                raise
            return Rejected(exc.message)
        if not isinstance(told, Mapping) or not (told.get("serial_number") or told.get("request_id")):
            raise RemoteError("Cannot place an order: the answer names none", code="not_json")
        placed_at = to_text(self._tools.clock.now())
        handle = {"profile_id": profile.profile_id, "seat_id": seat_id, "placed_at": placed_at}
        for theirs, ours in (("serial_number", "serial"), ("request_id", "request_id")):
            if told.get(theirs):
                handle[ours] = str(told[theirs])
        try:
            return self._answer(told, handle)
        except ClmError:
            return Pending(handle, "the order is placed, and its certificate could not be read", _FIRST_S)

    def _answer(self, told: Mapping[str, Any], handle: Mapping[str, Any]) -> Answer:
        if told.get("certificate"):
            kept = {**handle, **({"serial": str(told["serial_number"])} if told.get("serial_number") else {})}
            return self._issued(str(told["certificate"]), kept)
        state = read_state(words.STATES, told.get("status"))
        if state.state in REFUSED_STATES:
            reason = f"the order on seat {handle['seat_id']} was refused in DigiCert ONE, which has it as {state.raw}"
            return Rejected(reason, handle, state.state, state.raw)
        profile = self._profiles.get(str(handle["profile_id"]))
        kind = PROCESSING if state.state == ISSUED or profile.is_at_once else state.state
        who = "an approver in DigiCert ONE" if kind == PENDING_APPROVAL else "DigiCert ONE"
        # As long again as it has waited; a person is given more time from the first.
        now, least_s = self._tools.clock.now(), _LONGEST_S if kind == PENDING_APPROVAL else _FIRST_S
        seconds = share_of_age(handle.get("placed_at"), now, share=1.0, least_s=least_s, most_s=_LONGEST_S)
        return Pending(handle, f"the order on seat {handle['seat_id']} waits for {who}", seconds, kind, (), state.raw)

    def _issued(self, text: str, handle: Mapping[str, Any]) -> Issued:
        from .._pki.chain import order_chain
        from .._pki.x509 import certificate_facts

        leaf, others = leaf_first(certificates_of(text))
        facts = certificate_facts(leaf)
        above = order_chain(leaf, others, at=self._tools.clock.now())
        if above.missing_issuer:
            # Details of a certificate, and answers of some profiles, hold no chain; the profile does.
            known = [
                one for part in self._profiles.get(str(handle["profile_id"])).chain() for one in certificates_of(part)
            ]
            above = order_chain(leaf, [*others, *known], at=self._tools.clock.now())
        bundle = Bundle(above.bundle.leaf, above.bundle.chain, above.bundle.root)
        kept = {"serial": facts.serial.upper(), **handle, "fingerprint": facts.fingerprint.upper()}
        return Issued(bundle, {name: value for name, value in kept.items() if name not in ("request_id", "placed_at")})

    def collect(self, handle: Handle) -> Answer:
        """Ask for a certificate, or pick up what an order came to."""
        if handle.get("serial"):
            told = self._details(str(handle["serial"]), str(handle.get("fingerprint") or ""))
            return self._answer(told, handle)
        body = {"profile": {"id": handle["profile_id"]}}
        path = f"/certificate-pickup/{quoted(str(handle['request_id']))}"
        return self._answer(self._rest().mapping("pick up a certificate", "POST", path, body=body), handle)

    # -- after a lost answer ---------------------------------------------------------------------------------------

    def find(self, order: Order, csr_pem: str) -> Found:
        """Search the seat for a certificate of this CSR's key; what waits for a person cannot be searched."""
        profile = self._profiles.get(self._profiles.id_of(self._asked_profile(order)))
        seat_id = self._seat(order)
        for serial, told in self._on_seat(seat_id, profile, order):
            if serial != str(order.parent.get("serial") or "") and words.is_of(told, csr_pem, order):
                handle = {"profile_id": profile.profile_id, "seat_id": seat_id, "serial": serial}
                return self._answer(self._details(serial), handle)
        look_at = (
            f"in DigiCert ONE under Trust Lifecycle, Certificates and Enrollments, for seat {seat_id} and profile "
            f"{profile.name}, since {to_text(order.at)}"
        )
        # A public CA behind it may validate for hours, whatever the profile says.
        if not profile.is_at_once or self._options["trust"] == "public":
            return CannotTell("its profile may let orders wait, and what waits cannot be searched", look_at)
        left = order.sent_at + _LAG - self._tools.clock.now()
        if left > timedelta(0):
            return CannotTell("its search may not have it yet", look_at, max(1.0, left.total_seconds()))
        return NotThere(f"no certificate of this CSR's key is on seat {seat_id}")

    def _on_seat(self, seat_id: str, profile: Profile, order: Order) -> list[tuple[str, Mapping[str, Any]]]:
        """Give the certificates on a seat, of an order's name, with their serial numbers, the newest first.

        :raises RemoteError: they are more than anybody should go through.
        """
        found: list[Mapping[str, Any]] = []
        asked = [("seat_id", seat_id), ("profile_id", profile.profile_id)]
        # Where the profile may have no common name, a search by it would miss what is there.
        asked += [("common_name", order.spec.common_name)] if profile.names_common_name else []
        for _page in range(_MOST_PAGES):
            query = (*asked, ("offset", str(len(found))), ("limit", "100"))
            told = self._rest().mapping("search for certificates", "GET", "/certificate-search", query=query)
            items = rows(told, "items")
            found += items
            if not items or (told.get("total") is not None and len(found) >= int(told["total"])):
                break
        else:
            raise RemoteError(
                f"Cannot look for a certificate at DigiCert ONE: more than {len(found)} are on seat {seat_id}",
                code="too_many_found",
            )
        newest = sorted(found, key=lambda one: str(one.get("valid_from") or ""), reverse=True)
        return [(str(one.get("serial_number") or ""), one) for one in newest]

    def adopt(self, order_id: str, order: Order, csr_pem: str) -> Answer:
        """Take over a certificate by its serial number, in hex."""
        serial = order_id.replace(":", "").strip().upper()
        try:
            told = self._details(serial)
        except RemoteError as exc:
            if exc.status not in (400, 404):
                raise
            raise InputError(f"CA account {self._name} has no certificate with the serial {order_id}") from exc
        if not words.is_of(told, csr_pem, None):
            raise InputError(f"the certificate {order_id} of CA account {self._name} is of another key than this CSR")
        profile_id = str(part(told, "profile").get("id") or self._profiles.id_of(self._asked_profile(order)))
        seat_id = str(part(told, "seat").get("seat_id") or "")
        return self._answer(told, {"profile_id": profile_id, "seat_id": seat_id, "serial": serial})

    # -- after issuing ---------------------------------------------------------------------------------------------

    def revoke(self, handle: Handle, reason: str, comment: str) -> Revocation:
        """Revoke by serial number; by fingerprint, too, where two CAs gave the same."""
        serial, fingerprint = str(handle["serial"]), str(handle.get("fingerprint") or "")
        before = self._details(serial, fingerprint)
        if str(before.get("status") or "").lower() == "revoked":
            return words.revoked(before)
        path, body = f"/certificate/{quoted(serial)}/revoke", {"revocation_reason": reason}
        try:
            self._rest().ask("revoke a certificate", "PUT", path, body=body)
        except RemoteError as exc:
            if exc.status is None or not 400 <= exc.status < 500 or isinstance(exc, AuthError):
                raise
            if "ollision" in exc.message:
                query = (("thumbprint_sha256", fingerprint),)
                self._rest().ask("revoke a certificate", "PUT", path, body=body, query=query)
            elif "already" not in exc.message or "revoked" not in exc.message:
                raise
        return words.revoked(self._details(serial, fingerprint))


class DigiCertOneType(TableType):
    """Makes and reads accounts."""

    name = _KIND
    table = words.TABLE
    connector = DigiCertOne

    def problems(self, options: Mapping[str, Any], secrets: Mapping[str, str]) -> Sequence[str]:
        """Say where there is nothing to log in with."""
        if secrets.get("api_key") or secrets.get("client_key"):
            return ()
        return ["nothing to authenticate with; give api_key, or client_certificate with client_key"]
