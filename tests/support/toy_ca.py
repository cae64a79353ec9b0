# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The connector of the toy CA: all a connector needs, in the order in which one is written. The guide quotes it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timezone
from typing import Any

from ansible_collections.edgecert.clm.plugins.module_utils._ca import client_certificate, option_table
from ansible_collections.edgecert.clm.plugins.module_utils._ca.answer_base import (
    CANCELLED,
    PENDING_APPROVAL,
    PENDING_STATES,
    PENDING_VALIDATION,
    REFUSED_STATES,
    Action,
    Answer,
    Found,
    Issued,
    NotThere,
    Pending,
    Rejected,
    Revocation,
    read_state,
)
from ansible_collections.edgecert.clm.plugins.module_utils._ca.base import (
    CaConnector,
    Check,
    Choice,
    Order,
    Tools,
)
from ansible_collections.edgecert.clm.plugins.module_utils._ca.capability_base import FIND_EXACT, Capabilities
from ansible_collections.edgecert.clm.plugins.module_utils._ca.connection import connected, reachable, url_reason
from ansible_collections.edgecert.clm.plugins.module_utils._ca.option_table import Option
from ansible_collections.edgecert.clm.plugins.module_utils._ca.rest import Rest, quoted
from ansible_collections.edgecert.clm.plugins.module_utils._ca.shapes import part, rows
from ansible_collections.edgecert.clm.plugins.module_utils._ca.table_type import TableType
from ansible_collections.edgecert.clm.plugins.module_utils._core.errors import ClmError, InputError, RemoteError
from ansible_collections.edgecert.clm.plugins.module_utils._core.redact import Secret
from ansible_collections.edgecert.clm.plugins.module_utils._core.types import Bundle
from ansible_collections.edgecert.clm.plugins.module_utils._http.base import Request
from ansible_collections.edgecert.clm.plugins.module_utils._pki.chain import order_chain

STATES = {
    "validating": PENDING_VALIDATION,
    "waiting": PENDING_APPROVAL,
    "done": "issued",
    "refused": "rejected",
    "withdrawn": CANCELLED,
}
REASONS = {"unspecified": "unspecified", "key_compromise": "key_compromise", "superseded": "superseded"}
TABLE: option_table.Table = {
    **option_table.NETWORK,
    **option_table.CLIENT_CERTIFICATE,
    "url": Option("str", "Address of the API.", required=True, check=url_reason),
    "api_key": Option("str", "Key of the API.", secret=True, required=True),
}


class Toy(CaConnector):
    """One account."""

    def __init__(self, name: str, options: Mapping[str, Any], secrets: Mapping[str, Secret], tools: Tools) -> None:
        self._name, self._options, self._secrets, self._tools = name, options, secrets, tools
        self._made: Rest | None = None

    def _sign(self, request: Request) -> Request:
        return replace(request, headers={**request.headers, "X-Toy-Key": self._secrets["api_key"].reveal()})

    @property
    def _rest(self) -> Rest:
        if self._made is None:
            url = str(self._options["url"])
            self._made = connected(self._tools, url, self._options, self._secrets, prefix="/api", sign=self._sign)
        return self._made

    def capabilities(self) -> Capabilities:
        """Give what it can do."""
        profile = {"required": True, "choices_from": "profile", "description": "Profile."}
        found = Capabilities(
            is_public=False,
            is_immediate=False,
            revoke_reasons=tuple(REASONS),
            can_cancel=True,
            find=FIND_EXACT,
            can_adopt=True,
            san_types=("dns", "ip"),
            key_types=("rsa", "ec", "ed25519"),
            request_options={"profile": profile},
            choices=("profile",),
            dcv_methods=("txt",),
            may_need_approval=True,
            chain_with_root=True,
        )
        return option_table.overridden(found, self._options)

    def test(self) -> Sequence[Check]:
        """Try address, clock and key."""
        found = [
            *client_certificate.checks(self._options, self._tools.clock.now()),
            *reachable(self._rest, self._tools, "/ping"),
        ]
        try:
            self.choices("profile")
            return [*found, Check("key", True, "the key may list profiles")]
        except ClmError as exc:
            return [*found, Check("key", False, exc.message)]

    def choices(self, kind: str) -> Sequence[Choice]:
        """List profiles."""
        if kind != "profile":
            raise InputError(f"CA account {self._name} has no list {kind!r}; there is: profile")
        found = self._rest.mapping("list the profiles", "GET", "/profiles")
        return [Choice(one["id"], one["name"]) for one in rows(found, "profiles", "name")]

    def validate(self, order: Order) -> Sequence[str]:
        """Give every problem."""
        problems = [] if order.validity_days >= 1 else [f"a validity of {order.validity_days} days cannot be asked for"]
        return problems + option_table.request_problems(
            f"CA account {self._name}",
            order.options,
            self.capabilities().request_options,
            lambda kind: [choice.value for choice in self.choices(kind)],
        )

    def submit(self, order: Order, csr_pem: str) -> Answer:
        """Place the order in one call; its answer says all."""
        body = {
            "csr": csr_pem,
            "profile": order.options.get("profile"),
            "reference": order.intent_id,
            "names": [*order.spec.dns_names, *order.spec.ip_addresses],
            "days": order.validity_days,
        }
        try:
            return self._answer(self._rest.mapping("place the order", "POST", "/orders", body=body))
        except RemoteError as exc:
            if exc.status not in (400, 422):
                raise
            return Rejected(exc.message)

    def find(self, order: Order, csr_pem: str) -> Found:
        """Search by our own reference."""
        found = self._rest.mapping("look for the order", "GET", "/orders", query=(("reference", order.intent_id),))
        mine = [one for one in rows(found, "orders", "id") if one.get("csr") == csr_pem]
        return self._answer(mine[0]) if mine else NotThere("its list of orders, searched by our reference, has none")

    def collect(self, handle: Mapping[str, Any]) -> Answer:
        """Ask for the order."""
        return self._answer(self._rest.mapping("ask for the order", "GET", f"/orders/{quoted(handle['order_id'])}"))

    def adopt(self, order_id: str, order: Order, csr_pem: str) -> Answer:
        """Take an order over, if it is of this CSR."""
        try:
            found = self._rest.mapping("ask for the order", "GET", f"/orders/{quoted(order_id)}")
        except RemoteError as exc:
            if exc.status != 404:
                raise
            raise InputError(f"CA account {self._name} has no order {order_id}") from exc
        if found.get("csr") != csr_pem:
            raise InputError(f"order {order_id} of CA account {self._name} is of another CSR")
        return self._answer(found)

    def cancel(self, handle: Mapping[str, Any]) -> Answer:
        """Take it back."""
        path = f"/orders/{quoted(handle['order_id'])}/cancel"
        return self._answer(self._rest.mapping("cancel the order", "POST", path))

    def revoke(self, handle: Mapping[str, Any], reason: str, comment: str) -> Revocation:
        """Revoke by serial."""
        path = f"/certificates/{quoted(handle['serial'])}/revoke"
        found = self._rest.mapping("revoke a certificate", "POST", path, body={"reason": REASONS[reason]})
        return Revocation(at=datetime.fromtimestamp(float(found.get("revoked_at") or 0), timezone.utc))

    def _answer(self, told: Mapping[str, Any]) -> Answer:
        """Read an order as the CA tells it."""
        state = read_state(STATES, told.get("status"))
        if not told.get("id"):
            raise RemoteError("Cannot read the CA's answer: it names no order", code="not_json")
        handle = {"order_id": str(told["id"])}
        if state.state == "issued":
            chain = order_chain(told["certificate"], told["chain"], at=self._tools.clock.now()).bundle
            return Issued(Bundle(chain.leaf, chain.chain, chain.root), {**handle, "serial": told["serial"]})
        if state.state in REFUSED_STATES:
            return Rejected(f"the CA says {state.raw}", handle, state.state, state.raw)
        assert state.state in PENDING_STATES
        proof = part(told, "challenge")
        action = Action("txt", proof["domain"], proof["record"], proof["text"], who="DNS") if proof else None
        message = f"publish a TXT record at {proof['record']}" if proof else "the CA is at work"
        return Pending(handle, message, 60.0, state.state, (action,) if action else (), state.raw)


class ToyType(TableType):
    """Makes and reads accounts of the toy."""

    name = "toy"
    table = TABLE
    connector = Toy
