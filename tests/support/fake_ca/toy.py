# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A CA of no vendor, that proves what fakes are made of: paid orders, a list that can be searched, approval, DCV."""

from __future__ import annotations

import secrets
from typing import Any

from ansible_collections.edgecert.clm.tests.support.fake_ca.core import Call, Order, Orders, Reply

PROFILES = {"p-1": "Server", "p-2": "Short"}
REASONS = ("unspecified", "key_compromise", "superseded")
_FIELDS = {"csr", "profile", "reference", "names", "days"}


class ToyVendor:
    """The toy's API.

    :ivar key: what ``X-Toy-Key`` has to be.
    """

    def __init__(self, orders: Orders) -> None:
        self.orders, self.key = orders, secrets.token_hex(16)

    def handle(self, call: Call) -> Reply:
        """Answer a request; a wrong key is the first thing seen."""
        if call.parts == ("api", "ping"):
            return Reply(200, {"ok": True})
        if call.headers.get("x-toy-key") != self.key:
            return Reply(401, {"errors": [f"key {call.headers.get('x-toy-key')} is not known"]})
        route = (call.method, call.parts[1] if len(call.parts) > 1 else "", len(call.parts))
        if route == ("GET", "profiles", 2):
            return Reply(200, {"profiles": [{"id": one, "name": name} for one, name in PROFILES.items()]})
        if route == ("POST", "orders", 2):
            return self._place(call)
        if route == ("GET", "orders", 2):
            wanted = call.query.get("reference", "")
            mine = [one for one in self.orders.found.values() if one.wanted["reference"] == wanted]
            return Reply(200, {"orders": [self._told(one) for one in mine]})
        order = self.orders.found.get(call.parts[2]) if len(call.parts) > 2 else None
        if call.parts[1:2] == ("certificates",) and call.method == "POST":
            return self._revoke(call)
        if order is None:
            return Reply(404, {"errors": ["there is no such order"]})
        if route == ("GET", "orders", 3):
            self.orders.poll(order)
            return Reply(200, self._told(order))
        if route == ("POST", "orders", 4) and call.parts[3] == "cancel":
            if order.status == "new":
                order.status = "withdrawn"
            return Reply(200, self._told(order))
        return Reply(405, {"errors": ["not allowed"]})

    def _place(self, call: Call) -> Reply:
        try:
            body = call.json()
        except ValueError:
            return Reply(400, {"errors": ["no JSON"]})
        if set(body) != _FIELDS:
            return Reply(400, {"errors": [f"fields are {sorted(_FIELDS)}, not {sorted(body)}"]})
        if body["profile"] not in PROFILES:
            return Reply(400, {"errors": [f"profile {body['profile']} is not there"]})
        days = min(int(body["days"]), 10) if body["profile"] == "p-2" else int(body["days"])
        try:
            order = self.orders.place(body["csr"], body, names=list(body["names"]), days=days)
        except ValueError as exc:
            return Reply(422, {"errors": [str(exc)]})
        return Reply(201, self._told(order))

    def _told(self, order: Order) -> dict[str, Any]:
        status = order.status
        if status == "new":
            status = self.orders.strange_word or "validating"
        told: dict[str, Any] = {"id": order.order_id, "status": status, "csr": order.csr_pem}
        if order.status == "new":
            name = str(order.wanted["names"][0]).removeprefix("*.")
            told["challenge"] = {"record": f"_toy.{name}", "text": f"proof-{order.order_id}", "domain": name}
        if order.leaf:
            leaf = self.orders.shown(order.leaf)
            told.update(certificate=leaf, chain=self.orders.chain(), serial=order.serial)
        return told

    def _revoke(self, call: Call) -> Reply:
        reason = call.json().get("reason")
        if reason not in REASONS:
            return Reply(400, {"errors": [f"reason {reason} is not there"]})
        at = self.orders.revoke(call.parts[2], reason)
        return Reply(200, {"revoked_at": int(at.timestamp())})
