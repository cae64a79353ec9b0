# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""CertCentral as its pages describe it: paid orders, reissues, approvers, proofs of control, PEM on demand.

What a body may hold is in ``digicert_bodies``. Codes and words of errors are those of the pages where they tell any;
the others are ours. :source: ca-connectors §4.7.
"""

from __future__ import annotations

import io
import secrets
import zipfile
from datetime import datetime, timedelta
from typing import Any

from ansible_collections.edgecert.clm.tests.support.fake_ca import digicert_bodies as bodies
from ansible_collections.edgecert.clm.tests.support.fake_ca.core import Call, Order, Orders, Reply
from ansible_collections.edgecert.clm.tests.support.fake_ca.digicert_bodies import Refused

PRODUCTS = {
    "ssl_basic": ("Basic OV", "ssl_certificate"),
    "ssl_dv_rapidssl": ("RapidSSL Standard DV", "dv_ssl_certificate"),
    "private_ssl_plus": ("Private SSL Plus", "private_ssl_certificate"),
}
DIVISIONS = {"12": "Main", "13": "Laboratory"}
ORGANIZATIONS = {"501": "Example Ltd", "502": "Example GmbH"}
PLATFORMS = {"2": "Apache", "45": "nginx", "-1": "OTHER"}
FIELDS = [{"id": 11, "label": "Cost Center", "is_required": False, "is_active": True, "data_type": "anything"}]
_WORDS = {"new": "pending", "done": "issued", "refused": "rejected", "withdrawn": "canceled"}
_HELD = 10**6


class CertCentral:
    """The API.

    :ivar key: what ``X-DC-DEVKEY`` has to be; ``is_approver`` says whether its user may pass approvals by.
    :ivar keeps_reference: our own reference of an order is kept, and can be looked for.
    :ivar tells_csr: the CSR is in what is told of an order.
    :ivar proves: orders that name a way to prove control wait for it; ``says_method`` is how they call it.
    :ivar is_listed: orders are in the lists; not while these lag behind.
    :ivar fields: custom fields of the account; ``may_list`` says which lists the key may read.
    """

    def __init__(self, orders: Orders) -> None:
        self.orders, self.key = orders, secrets.token_hex(32)
        self.is_approver, self.keeps_reference, self.proves, self.is_listed = True, True, False, True
        self.says_method = ""
        self.tells_csr = True
        self.fields, self.may_list = list(FIELDS), {"container", "organization", "account", "product"}
        self.requests: dict[int, dict[str, Any]] = {}
        self.bodies: list[dict[str, Any]] = []
        self.seen: list[tuple[Call, Reply]] = []
        self._told: set[str] = set()

    def handle(self, call: Call) -> Reply:
        """Answer a request, and keep both."""
        reply = self._handled(call)
        self.seen.append((call, reply))
        return reply

    def _handled(self, call: Call) -> Reply:
        """Answer a request; a wrong key is the first thing seen."""
        given = call.headers.get("x-dc-devkey", "")
        if given != self.key:
            return _error(401, "access_denied|invalid_api_key", f"The API key {given} is not valid.")
        if call.parts[:2] != ("services", "v2"):
            return _error(404, "not_found", "There is no such page.")
        parts = call.parts[2:]
        try:
            return self._routed(call, parts)
        except Refused as exc:
            return _error(exc.status, exc.code, str(exc))

    def _routed(self, call: Call, parts: tuple[str, ...]) -> Reply:
        if "zip" not in call.headers.get("accept", "") and call.headers.get("accept") in ("text/html", "text/plain"):
            return _error(406, "not_acceptable", "The Accept header is not valid.")
        match (call.method, *parts):
            case ("GET", "product" | "container" | "organization" | "account" as kind, *rest):
                return self._list(kind, rest)
            case ("GET", "order", "alternate", reference):
                return Reply(200, {"orders": self._with_reference(reference), "page": _page()})
            case ("GET", "order", "certificate"):
                return self._orders(call)
            case ("POST", "order", "certificate", product):
                return self._place(product, bodies.read(call))
            case (_, "order", "certificate", order_id, *rest):
                return self._of_order(call, self._order(order_id), tuple(rest))
            case (_, "certificate", certificate_id, *rest):
                return self._of_certificate(call, self._order(str(int(certificate_id) - 50000)), tuple(rest))
            case (_, "request", request_id, *rest):
                return self._of_request(call, int(request_id), tuple(rest))
        return _error(404, "not_found", "There is no such page.")

    # -- lists -----------------------------------------------------------------------------------------------------

    def _list(self, kind: str, rest: list[str]) -> Reply:
        if kind not in self.may_list:
            return _error(403, "access_denied", "The API key may not read this.")
        if kind == "account" and rest == ["metadata"]:
            return Reply(200, {"metadata": self.fields})
        if kind == "product" and rest:
            if rest[0] not in PRODUCTS:
                return _error(404, "not_found", "There is no such product.")
            platforms = [{"id": int(one), "name": name} for one, name in PLATFORMS.items()]
            return Reply(200, {"name_id": rest[0], "server_platforms": platforms, "csr_required": True})
        if kind == "product":
            told = [{"name_id": one, "name": name, "type": word} for one, (name, word) in PRODUCTS.items()]
            return Reply(200, {"products": told})
        names = DIVISIONS if kind == "container" else ORGANIZATIONS
        entries = [{"id": int(one), "name": name, "is_active": True} for one, name in names.items()]
        return Reply(200, {f"{kind}s": entries, "page": _page()})

    def _with_reference(self, reference: str) -> list[dict[str, Any]]:
        return [
            {"order_id": int(one.order_id), "certificate_id": _cert_id(one), "status": self._status(one)}
            for one in self._orders_alone()
            if self.is_listed and self.keeps_reference and one.wanted.get("alternative_order_id") == reference
        ]

    def _orders_alone(self) -> list[Order]:
        return [one for one in self.orders.found.values() if "reissue_of" not in one.wanted]

    def _orders(self, call: Call) -> Reply:
        bodies.only(call.query, {"filters[common_name]", "filters[status]", "sort", "limit", "offset"})
        name = call.query.get("filters[common_name]")
        told = [self._info(one) for one in self._orders_alone() if self.is_listed]
        told = [one for one in told if name in (None, one["certificate"]["common_name"])]
        for one in told:
            one["certificate"].pop("csr")
        told.sort(key=lambda one: str(one["date_created"]), reverse=call.query.get("sort") == "-date_created")
        return Reply(200, {"orders": told[: int(call.query.get("limit", "1000"))], "page": _page()})

    # -- orders ----------------------------------------------------------------------------------------------------

    def _order(self, order_id: str) -> Order:
        order = self.orders.found.get(order_id)
        if order is None:
            raise Refused("not_found", f"Order {order_id} was not found.", 404)
        return order

    def _place(self, product: str, body: dict[str, Any]) -> Reply:
        if product not in PRODUCTS:
            raise Refused("invalid_product", f"There is no product {product}.", 404)
        bodies.check_order(body, is_dv=PRODUCTS[product][1].startswith("dv_"), is_private=product.startswith("private"))
        if "organization" in body and str(body["organization"]["id"]) not in ORGANIZATIONS:
            raise Refused("invalid_organization", "The organization was not found.")
        if body.get("renewal_of_order_id"):
            self._check_renewed(self.orders.found.get(str(body["renewal_of_order_id"])))
        missing = [one["label"] for one in self.fields if one["is_required"]]
        given = {one["metadata_id"] for one in body.get("custom_fields", ())}
        if missing and not {one["id"] for one in self.fields if one["is_required"]} <= given:
            raise Refused("missing_custom_field", f"The field {missing[0]} is required.")
        days = int(body["certificate"].get("cert_validity", body["order_validity"]).get("days", 199))
        lasts = int(body["order_validity"].get("years", 0)) * 365 or days
        order = self._taken({**body, "product": product}, days, lasts)
        return Reply(201, self._answered(order, order.order_id, body, "new_request"))

    def _check_renewed(self, order: Order | None) -> None:
        if order is None:
            raise Refused("invalid_renewal_order_id", "The order to renew was not found.")
        left = (_end(order) - self.orders.clock.now()).days
        if self._status(order) not in ("issued", "expired") or not -31 < left <= 90:
            raise Refused("invalid_renewal_order_id", "The order cannot be renewed.")

    def _taken(self, body: dict[str, Any], days: int, lasts: int) -> Order:
        if body["skip_approval"] and not self.is_approver:
            raise Refused("access_denied", "The API key may not skip the approval.", 403)
        certificate, usual = body["certificate"], self.orders.polls
        waits = not body["skip_approval"] or (self.proves and "dcv_method" in body)
        self.orders.polls = _HELD if waits else usual
        self.bodies.append(body)
        names = [certificate["common_name"], *certificate["dns_names"]]
        kept = {**body, "lasts": lasts, "held": not body["skip_approval"], "token": secrets.token_hex(16)}
        try:
            return self.orders.place(certificate["csr"], kept, names=names, days=days)
        except ValueError as exc:
            raise Refused("invalid_csr", f"The CSR is not valid: {exc}.") from exc
        finally:
            self.orders.polls = usual

    def _answered(self, order: Order, order_id: str, body: dict[str, Any], kind: str) -> dict[str, Any]:
        status = "approved" if body["skip_approval"] else "pending"
        request = self._asked(order, kind, status, str(body.get("comments", "")))
        told: dict[str, Any] = {"id": int(order_id), "requests": [{"id": request, "status": status}]}
        if order.leaf:
            leaf = self.orders.shown(order.leaf)
            chain = [{"subject_common_name": "a name", "pem": one} for one in (leaf, *self.orders.chain())]
            told.update(certificate_id=_cert_id(order), certificate_chain=chain)
        if self.proves and body.get("dcv_method", "email") != "email":
            told["dcv_random_value"] = order.wanted["token"]
        return told

    def _asked(self, order: Order, kind: str, status: str, comments: str) -> int:
        number = 9000 + len(self.requests)
        date = self.orders.clock.now().isoformat()
        certificate = {"id": _cert_id(order), "csr": order.csr_pem}
        about = {"id": int(order.wanted.get("reissue_of") or order.order_id), "certificate": certificate}
        told = {"id": number, "date": date, "type": kind, "status": status, "comments": comments, "order": about}
        self.requests[number] = {**told, "of": order.order_id}
        return number

    def _of_order(self, call: Call, order: Order, rest: tuple[str, ...]) -> Reply:
        match (call.method, *rest):
            case ("GET",):
                if order.order_id in self._told and not order.wanted["held"]:
                    self.orders.poll(order)
                # What is asked in the same breath as it was placed brings nothing nearer.
                self._told.add(order.order_id)
                return Reply(200, self._info(order))
            case ("GET", "reissue"):
                return Reply(200, {"certificates": [self._reissue(one) for one in self._reissues(order)]})
            case ("POST", "reissue"):
                body = bodies.read(call)
                bodies.check_reissue(body)
                if self._status(order) != "issued":
                    raise Refused("order_not_issued", "The order has no certificate to reissue.")
                left = (_end(order) - self.orders.clock.now()).days
                days = min(int(body["certificate"].get("cert_validity", {}).get("days", left)), left)
                made = self._taken({**body, "reissue_of": order.order_id}, days, order.wanted["lasts"])
                return Reply(201, self._answered(made, order.order_id, body, "reissue"))
            case ("PUT", "status"):
                bodies.exactly(bodies.read(call), {"status": "CANCELED", "note": str})
                if order.status != "new" or order.wanted["held"]:
                    raise Refused("order_not_pending", "Only pending orders can be canceled.")
                order.status = "withdrawn"
                return Reply(204)
            case ("PUT", "dcv-random-value"):
                return Reply(
                    200, {"dcv_random_value": order.wanted["token"], "expiration_date": "2099-01-01T00:00:00Z"}
                )
            case ("PUT", "check-dcv"):
                order.polls_left = min(order.polls_left, 1) if not self.proves else order.polls_left
                return Reply(200, {"order_status": self._status(order), "dns_name_validations": []})
        return _error(404, "not_found", "There is no such page.")

    def _reissues(self, order: Order) -> list[Order]:
        # One that waits for an approver, or was refused by one, is a request, and no reissue.
        own = [one for one in self.orders.found.values() if one.wanted.get("reissue_of") == order.order_id]
        return [one for one in own if not one.wanted["held"]]

    def _reissue(self, order: Order) -> dict[str, Any]:
        if order.order_id in self._told:
            self.orders.poll(order)
        self._told.add(order.order_id)
        return {**self._certificate(order), "status": self._status(order)}

    def _status(self, order: Order) -> str:
        if self.orders.revoked.get(f"order {order.order_id}"):
            return "revoked"
        if order.status == "new" and order.wanted["held"]:
            return "needs_approval"
        if order.status == "new" and self.orders.strange_word:
            return self.orders.strange_word
        if order.status == "done" and _end(order) < self.orders.clock.now():
            return "expired"
        return _WORDS[order.status]

    def _certificate(self, order: Order) -> dict[str, Any]:
        asked = order.wanted["certificate"]
        told = {
            "id": _cert_id(order),
            "common_name": asked["common_name"],
            "dns_names": asked["dns_names"],
            "date_created": order.placed_at.isoformat(),
            "csr": order.csr_pem.replace("\n", "\r\n") if self.tells_csr else "",
            "signature_hash": asked["signature_hash"],
        }
        if order.leaf:
            ends = order.placed_at + timedelta(days=int(order.wanted["days"]))
            told.update(serial_number=order.serial.upper(), valid_till=ends.date().isoformat())
        return told

    def _info(self, order: Order) -> dict[str, Any]:
        body = order.wanted
        told: dict[str, Any] = {
            "id": int(order.order_id),
            "certificate": self._certificate(order),
            "status": self._status(order),
            "is_renewal": "renewal_of_order_id" in body,
            "date_created": order.placed_at.isoformat(),
            "order_valid_till": _end(order).date().isoformat(),
            "product": {"name_id": body["product"], "name": PRODUCTS[body["product"]][0]},
            "requests": [self._short(one) for one in self.requests.values() if self._parent(one) == order.order_id],
        }
        if self.keeps_reference:
            told["alternative_order_id"] = body.get("alternative_order_id", "")
        method = self.says_method or body.get("dcv_method")
        return {**told, **({"dcv_method": method} if "dcv_method" in body and self.proves else {})}

    @staticmethod
    def _short(request: dict[str, Any]) -> dict[str, Any]:
        return {name: request[name] for name in ("id", "date", "type", "status", "comments")}

    @staticmethod
    def _parent(request: dict[str, Any]) -> str:
        return str(request["order"]["id"])

    # -- certificates and requests ---------------------------------------------------------------------------------

    def _of_certificate(self, call: Call, order: Order, rest: tuple[str, ...]) -> Reply:
        if call.method == "GET" and rest[:2] == ("download", "format"):
            if not order.leaf:
                raise Refused("certificate_not_issued", "The certificate is not issued.", 404)
            if rest[2] != "pem_all":
                packed = io.BytesIO()
                zipfile.ZipFile(packed, "w").close()
                return Reply(200, packed.getvalue(), {"Content-Type": "application/zip"})
            if "*/*" not in call.headers["accept"] and "x-pem-file" not in call.headers["accept"]:
                raise Refused("not_acceptable", "The Accept header is not valid.", 406)
            leaf = self.orders.shown(order.leaf)
            text = "".join((leaf, *self.orders.chain())).replace("\n", "\r\n")
            return Reply(200, text.encode(), {"Content-Type": "application/x-pem-file"})
        if call.method == "PUT" and rest == ("revoke",):
            return self._revoke(order, bodies.read(call))
        return _error(404, "not_found", "There is no such page.")

    def _revoke(self, order: Order, body: dict[str, Any]) -> Reply:
        bodies.check_revocation(body)
        if order.serial in self.orders.revoked:
            raise Refused("certificate_revoked", "The certificate has already been revoked.")
        if any(one.status == "new" for one in self._reissues(order)):
            raise Refused("reissue_pending", "A certificate with a pending reissue cannot be revoked.")
        if body.get("skip_approval"):
            if not self.is_approver:
                raise Refused("access_denied", "The API key may not skip the approval.", 403)
            self.orders.revoke(order.serial, str(body.get("revocation_reason", "unspecified")))
            return Reply(204)
        number = self._asked(order, "revoke", "pending", str(body.get("comments", "")))
        return Reply(201, self._short(self.requests[number]))

    def _of_request(self, call: Call, number: int, rest: tuple[str, ...]) -> Reply:
        request = self.requests.get(number)
        if request is None:
            raise Refused("not_found", "The request was not found.", 404)
        if call.method == "GET" and not rest:
            return Reply(200, {name: value for name, value in request.items() if name != "of"})
        if call.method == "PUT" and rest == ("status",):
            body = bodies.read(call)
            bodies.exactly(body, {"status": str, "processor_comment": str})
            self.decide(number, str(body["status"]))
            return Reply(204)
        return _error(404, "not_found", "There is no such page.")

    def decide(self, number: int, word: str) -> None:
        """Let an approver approve or reject a request."""
        request, order = self.requests[number], self.orders.found[str(self.requests[number]["of"])]
        if request["status"] != "pending":
            raise Refused("request_not_pending", "The request was decided before.")
        request["status"] = word
        if request["type"] == "revoke" and word == "approved":
            self.orders.revoke(order.serial, "unspecified")
        elif request["type"] != "revoke" and word == "rejected":
            order.status = "refused"
        elif request["type"] != "revoke":
            order.wanted = {**order.wanted, "held": False}
            order.polls_left = self.orders.polls
            if not self.orders.polls:
                self.orders.finish(order)


def _end(order: Order) -> datetime:
    return order.placed_at + timedelta(days=int(order.wanted["lasts"]))


def _cert_id(order: Order) -> int:
    return 50000 + int(order.order_id)


def _page() -> dict[str, int]:
    return {"total": 1, "limit": 1000, "offset": 0}


def _error(status: int, code: str, message: str) -> Reply:
    return Reply(status, {"errors": [{"code": code, "message": message}]})
