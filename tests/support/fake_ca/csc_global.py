# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The TLS part of CSC Global's API as ca-connectors §4.9 has it: orders, proofs of domains, reissues, a list."""

from __future__ import annotations

import base64
import io
import re
import secrets
import uuid
import zipfile
from typing import Any

from cryptography import x509

from ansible_collections.edgecert.clm.tests.support.fake_ca.core import Call, Order, Orders, Reply

NEEDED = {
    *("csr", "certificateType", "term", "serverSoftware", "businessUnit", "organizationContact"),
    *("applicantFirstName", "applicantLastName", "applicantEmailAddress", "applicantPhoneNumber"),
    "domainControlValidation",
}
ALLOWED = {
    *NEEDED,
    *("subjectAlternativeNames", "evCertificateDetails", "notifications", "customFields", "showPrice", "uuid"),
}
UNITS = ("Web Shop", "Corporate")
CONTACTS = ("pki@example.com",)
WORDS = {"new": "Pending", "done": "ACTIVE", "refused": "REJECTED"}
PHONE = re.compile(r"\+\d{1,3}\.\d{4,14}")
# A day below what public trust allows, as CAs have it: they date certificates back by minutes.
DAYS = 199


class CscVendor:
    """The API.

    :ivar fields: custom fields, ``label, mandatory``.
    :ivar keeps_uuid: a reissue keeps its order's uuid.
    :ivar is_zipped: certificates are given as ZIP.
    :ivar has_filter: the list may be searched by name.
    :ivar says: what orders are answered with, taken as they are; None for the API's own answer.
    :ivar revoking: uuids whose revocation takes its time.
    """

    def __init__(self, orders: Orders) -> None:
        self.orders = orders
        self.key, self.token = secrets.token_hex(16), secrets.token_hex(16)
        self.fields: list[dict[str, Any]] = [{"label": "Cost Center", "mandatory": False}]
        self.keeps_uuid, self.is_zipped, self.has_filter = False, False, True
        self.says: object = None
        self.revoking: set[str] = set()
        self.paths: list[str] = []

    def handle(self, call: Call) -> Reply:
        """Answer a request, if key and token are right."""
        if call.headers.get("apikey") != self.key:
            return Reply(403, b"Forbidden", {"Content-Type": "text/plain"})
        if call.headers.get("authorization") != f"Bearer {self.token}":
            return Reply(401, b"Unauthorized", {"Content-Type": "text/plain"})
        match (call.method, *call.parts[3:]):
            case ("GET", "admin", "customfields"):
                return Reply(200, {"customFields": self.fields})
            case ("POST", "tls", "registration" | "renewal" | "reissue" as what):
                return self._place(call, what)
            case ("GET", "tls", "certificate"):
                return self._list(call)
            case ("GET", "tls", "certificate", number):
                order = self._order(number)
                if order is None:
                    return _failure(404, "NOT_FOUND", "Certificate not found", number)
                self.orders.poll(order)
                return Reply(200, self._told(order))
            case ("PUT", "tls", "revoke", number):
                return self._revoke(call, number)
        return _failure(404, "NOT_FOUND", "No such resource", call.path)

    def _order(self, number: str) -> Order | None:
        mine = [one for one in self.orders.found.values() if one.wanted["uuid"] == number]
        return mine[-1] if mine else None

    # -- orders ----------------------------------------------------------------------------------------------------

    def _place(self, call: Call, what: str) -> Reply:
        self.paths.append(what)
        body = call.json()
        fault = self._fault(body, what)
        if fault:
            return _failure(400, "INVALID", *fault)
        before = self._order(body["uuid"]) if what != "registration" else None
        pem = base64.b64decode(body["csr"]).decode()
        try:
            csr = x509.load_pem_x509_csr(pem.encode())
            name = str(csr.subject.get_attributes_for_oid(x509.NameOID.COMMON_NAME)[0].value)
            names = [name, *(one["domainName"] for one in body.get("subjectAlternativeNames", []))]
            number = body["uuid"] if before and what == "reissue" and self.keeps_uuid else str(uuid.uuid4())
            ordered = before.wanted["ordered"] if before and what == "reissue" else self.orders.clock.now()
            kept = {**body, "uuid": number, "ordered": ordered, "name": name}
            order = self.orders.place(pem, kept, names=names, days=DAYS)
        except ValueError as exc:
            return _failure(400, "INVALID_CSR", str(exc), "csr")
        status = {"code": self._word(order), "message": "Order received", "additionalInformation": None, "uuid": number}
        price = {"currency": "USD", "total": None if what == "reissue" else 99.5}
        proofs = [self._proof(one, body) for one in names] if order.status == "new" else []
        told = {"commonName": name, "status": status, "price": price, "dcvDetails": proofs}
        if self.says is not None:
            return Reply(200, self.says)
        return Reply(201, {"result": {**told, "certificateType": body["certificateType"]}})

    def _fault(self, body: dict[str, Any], what: str) -> tuple[str, str] | None:
        """Give what a field is refused for, and the field."""
        unknown, missing = set(body) - ALLOWED, {name for name in NEEDED if not body.get(name)}
        if unknown or missing or ("uuid" in body) != (what != "registration"):
            return "Unknown or missing fields", str(sorted(unknown | missing))
        if body["certificateType"] not in "0123456" or ("subjectAlternativeNames" in body) != (
            body["certificateType"] in ("2", "6")
        ):
            return "Certificate type does not fit", body["certificateType"]
        if body["businessUnit"] not in UNITS or body["organizationContact"] not in CONTACTS:
            return "Business unit or contact is not known", body["businessUnit"]
        if not PHONE.fullmatch(body["applicantPhoneNumber"]) or body["term"] not in ("12", "24"):
            return "Phone or term is not valid", body["applicantPhoneNumber"]
        proofs = [one["domainControlValidation"] for one in body.get("subjectAlternativeNames", [])]
        for proof in (body["domainControlValidation"], *proofs):
            if proof["methodType"] not in ("EMAIL", "CNAME") or (proof["methodType"] == "EMAIL") != (
                "@" in proof.get("emailAddress", "")
            ):
                return "Domain control validation is not valid", str(proof)
        return self._late_fault(body, what)

    def _late_fault(self, body: dict[str, Any], what: str) -> tuple[str, str] | None:
        given = {one["name"] for one in body.get("customFields", [])}
        labels = {one["label"] for one in self.fields}
        if given - labels or {one["label"] for one in self.fields if one["mandatory"]} - given:
            return "Custom fields do not fit", str(sorted(given))
        if body["certificateType"] == "3" and not body.get("evCertificateDetails", {}).get("country"):
            return "EV details are missing", "evCertificateDetails"
        if what != "registration" and self._order(body["uuid"]) is None:
            return "Certificate not found", body["uuid"]
        if not base64.b64decode(body["csr"]).startswith(b"-----BEGIN"):
            return "CSR is not base64 of PEM", "csr"
        return None

    def _proof(self, name: str, body: dict[str, Any]) -> dict[str, Any]:
        plain = name.removeprefix("*.")
        proofs = {one["domainName"]: one["domainControlValidation"] for one in body.get("subjectAlternativeNames", [])}
        proof = proofs.get(name, body["domainControlValidation"])
        if proof["methodType"] == "EMAIL":
            return {"domainName": name, "actionNeeded": "Y", "email": proof["emailAddress"], "cname": None}
        record = {"name": f"_csc.{plain}.", "value": f"proof-{plain}.dcv.cscglobal.com."}
        return {"domainName": name, "actionNeeded": "Y", "email": None, "cname": record}

    # -- what there is ---------------------------------------------------------------------------------------------

    def _word(self, order: Order) -> str:
        if order.serial and order.serial in self.orders.revoked and order.wanted["uuid"] not in self.revoking:
            return "REVOKED"
        return self.orders.strange_word if order.status == "new" and self.orders.strange_word else WORDS[order.status]

    def _told(self, order: Order) -> dict[str, Any]:
        told = {
            "uuid": order.wanted["uuid"],
            "commonName": order.wanted["name"],
            "additionalNames": order.wanted["names"][1:],
            "certificateType": order.wanted["certificateType"],
            "status": self._word(order),
            "businessUnit": order.wanted["businessUnit"],
            "orderedBy": "api",
            "orderDate": order.wanted["ordered"].strftime("%Y-%m-%d"),
            "serverSoftware": order.wanted["serverSoftware"],
            "certificate": None,
        }
        if not order.leaf:
            return told
        cert = x509.load_pem_x509_certificate(order.leaf.encode())
        for name, moment in (
            ("effectiveDate", cert.not_valid_before_utc),
            ("expirationDate", cert.not_valid_after_utc),
        ):
            told[name] = moment.strftime("%Y-%m-%d")
        leaf = self.orders.shown(order.leaf)
        return {**told, "certificate": base64.b64encode(self._wrapped("".join([*self.orders.chain(), leaf]))).decode()}

    def _wrapped(self, text: str) -> bytes:
        if not self.is_zipped:
            return text.encode()
        made = io.BytesIO()
        with zipfile.ZipFile(made, "w") as file:
            file.writestr("readme.txt", "Thank you")
            file.writestr("certificates.crt", text)
        return made.getvalue()

    def _list(self, call: Call) -> Reply:
        found = re.fullmatch(r"commonName==([^;,]+)", call.query.get("filter", ""))
        if set(call.query) != {"filter"} or not found or not self.has_filter:
            return _failure(400, "INVALID_FILTER", "Filter is not valid", call.query.get("filter", ""))
        pattern = re.escape(found.group(1)).replace(r"\*", ".*")
        results = [
            self._told(one)
            for one in self.orders.found.values()
            if one.status in WORDS and (one.leaf or one.status == "new") and re.fullmatch(pattern, one.wanted["name"])
        ]
        return Reply(200, {"meta": {"numResults": len(results)}, "results": results})

    def _revoke(self, call: Call, number: str) -> Reply:
        order = self._order(number)
        if call.body:
            return _failure(400, "INVALID", "No body is expected", "")
        if order is None or not order.leaf or order.serial in self.orders.revoked:
            return _failure(400, "NOT_REVOCABLE", "Certificate cannot be revoked", number)
        self.orders.revoke(order.serial, "")
        return Reply(200, {"result": {"commonName": order.wanted["name"], "status": self._word(order)}})


def _failure(status: int, code: str, description: str, value: str) -> Reply:
    return Reply(status, {"code": code, "description": description, "value": value})
