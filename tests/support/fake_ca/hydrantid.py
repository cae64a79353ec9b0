# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""HydrantID's ACM API v2 as ca-connectors §4.12 has it: Hawk, policies, requests, certificates, domains.

Signatures are checked by mohawk, which is not ours.
"""

from __future__ import annotations

import secrets
import uuid
from datetime import datetime, timedelta, timezone
from typing import Any
from urllib.parse import quote, urlencode

import mohawk
from cryptography import x509
from mohawk.exc import HawkFail

from ansible_collections.edgecert.clm.plugins.module_utils._core.clock import to_text
from ansible_collections.edgecert.clm.tests.support.fake_ca.core import Call, Order, Orders, Reply

TLS, SHORT, PORTAL = (str(uuid.UUID(int=number)) for number in (1, 2, 3))
ALLOWED = {
    *("policy", "csr", "dnComponents", "subjectAltNames", "validity", "customFields", "customExtensions", "comment"),
    *("expiryEmails", "clearRemindersCertificateId"),
}
SEARCHED = {
    *("commonName", "serial", "notBefore", "notAfter", "expired", "status", "account", "organization", "policy"),
    *("limit", "offset", "sortType", "sortDirection", "pem"),
}
WORDS = {"new": "IN_PROCESS", "done": "ISSUED", "refused": "REJECTED"}
REASONS = ("0", "1", "3", "4", "5")


def policy(number: str, name: str, *, rest: bool = True, **details: Any) -> dict[str, Any]:
    """Give a policy with the fields that all have, and its own."""
    subject = [{"tag": "CN", "label": "Common Name", "required": True, "modifiable": True}]
    subject += [{"tag": tag, "label": tag, "required": False, "modifiable": True} for tag in ("O", "C")]
    sans = [{"tag": tag, "label": tag, "required": False, "modifiable": True} for tag in ("DNSNAME", "IPADDRESS")]
    return {
        "id": number,
        "name": name,
        "organizationId": "org-1",
        "enabled": {"ui": True, "rest": rest, "acme": False, "scep": False, "est": False},
        "details": {"dnComponents": subject, "subjectAltNames": sans, "validity": {}, "customFields": [], **details},
    }


class HydrantVendor:
    """The API.

    :ivar key: of the credential ``key_id``; ``policies`` what it may order.
    :ivar approves: a person has to agree to what is pending.
    :ivar nameless: requests are answered without their id.
    :ivar renewed: how many were renewed as such.
    :ivar published: domains whose code is in the DNS.
    """

    def __init__(self, orders: Orders) -> None:
        self.orders, self.key_id, self.key = orders, "id-1", secrets.token_hex(24)
        self.policies = [policy(TLS, "TLS Server"), policy(SHORT, "TLS Short"), policy(PORTAL, "By hand", rest=False)]
        self.approves = self.nameless = False
        self.renewed = 0
        self.domains: list[dict[str, Any]] = []
        self.published: set[str] = set()
        self.nonces: set[tuple[str, str, str]] = set()
        self.revoking: set[str] = set()

    def handle(self, call: Call) -> Reply:
        """Answer a request, if Hawk's MAC is right."""
        told = self._refused(call)
        if told:
            return Reply(401, {"status": "Failure", "message": told})
        if call.parts[:2] != ("api", "v2") or len(call.parts) < 3:
            return Reply(404, {"status": "Failure", "message": "not found"})
        route = (call.method, *call.parts[2:])
        match route:
            case ("GET", "policies"):
                return Reply(200, self.policies)
            case ("POST", "csr"):
                return self._place(call)
            case ("GET", "csr", number) | ("GET", "csr", number, "status"):
                return self._request(number, is_whole=len(route) == 3)
            case ("POST", "certificates"):
                return self._search(call)
            case (_, "certificates", number, *rest):
                return self._certificate(call, number, rest)
            case (_, "domains", *rest):
                return self._domain(call, rest)
        return Reply(404, {"status": "Failure", "message": "not found"})

    def _refused(self, call: Call) -> str:
        url = f"https://{call.headers['host']}{call.path}"
        if call.query:
            url += f"?{urlencode(call.query, quote_via=quote)}"
        offset = (self.orders.clock.now() - datetime.now(timezone.utc)).total_seconds()
        try:
            mohawk.Receiver(
                lambda _id: {"id": self.key_id, "key": self.key, "algorithm": "sha256"},
                call.headers.get("authorization", ""),
                url,
                call.method,
                content=call.body,
                content_type=call.headers.get("content-type", ""),
                accept_untrusted_content=True,
                localtime_offset_in_seconds=round(offset),
                seen_nonce=self._seen,
            )
        except HawkFail as exc:
            return f"Unauthorized: {type(exc).__name__}"
        return "" if f'id="{self.key_id}"' in call.headers["authorization"] else "Unauthorized: unknown id"

    def _seen(self, key_id: str, nonce: str, stamp: str) -> bool:
        one = (key_id, nonce, stamp)
        is_seen = one in self.nonces
        self.nonces.add(one)
        return is_seen

    # -- requests --------------------------------------------------------------------------------------------------

    def _place(self, call: Call) -> Reply:
        body = call.json()
        fault = self._fault(body)
        return _failure(400, fault) if fault else self._taken(body)

    def _taken(self, body: dict[str, Any]) -> Reply:
        names = [name for tag in ("DNSNAME", "IPADDRESS") for name in body.get("subjectAltNames", {}).get(tag, [])]
        unit, count = next(iter(body.get("validity", {"years": 1}).items()))
        days = min(count * {"days": 1, "months": 30, "years": 365}[unit], 10 if body["policy"] == SHORT else 10000)
        kept = {**body, "request": str(uuid.uuid4()), "certificate": str(uuid.uuid4())}
        try:
            order = self.orders.place(body["csr"], kept, names=names, days=days)
        except ValueError as exc:
            return _failure(400, str(exc))
        told = self._status(order)
        return Reply(200, {name: text for name, text in told.items() if name != "id"} if self.nameless else told)

    def _fault(self, body: dict[str, Any]) -> str:
        """Say what a document of the API, or a policy, forbids."""
        if set(body) - ALLOWED or not {"policy", "csr", "dnComponents"} <= set(body):
            return f"instance does not match the schema: {sorted(set(body) ^ {'policy', 'csr', 'dnComponents'})}"
        wanted = next((one for one in self.policies if one["id"] == body["policy"]), None)
        if wanted is None or not wanted["enabled"]["rest"]:
            return f"policy {body['policy']} is not available"
        details = wanted["details"]
        for part, name in (("dnComponents", "dnComponents"), ("subjectAltNames", "subjectAltNames")):
            unknown = set(body.get(part, {})) - {one["tag"] for one in details[name]}
            if unknown:
                return f"{part} {sorted(unknown)} are not in the policy"
        for field in (*details["dnComponents"], *details["customFields"]):
            given = {**body["dnComponents"], **body.get("customFields", {})}
            if field["required"] and not given.get(field["tag"]) and not field.get("defaultValue"):
                return f"{field['tag']} is required"
        if set(body.get("customFields", {})) - {one["tag"] for one in details["customFields"]}:
            return "unknown custom field"
        if len(body.get("validity", {"years": 1})) != 1 or set(body.get("validity", {})) - {"years", "months", "days"}:
            return "validity is not valid"
        return self._domain_fault(details, body)

    def _domain_fault(self, details: dict[str, Any], body: dict[str, Any]) -> str:
        validated = {one["domain"] for one in self.domains if one["status"] == "VALIDATED"}
        for name in body.get("subjectAltNames", {}).get("DNSNAME", []) if details.get("validator") else []:
            if not any(name.endswith(one) for one in validated):
                return f"No valid domains associated with organization for {details['validator']} policy"
        return ""

    def _status(self, order: Order) -> dict[str, Any]:
        word = WORDS[order.status]
        if order.status == "new":
            word = self.orders.strange_word or ("APPROVAL_REQUIRED" if self.approves else word)
        told = {"id": order.wanted["request"], "issuanceStatus": word, "issuanceStatusDetails": order.ends or None}
        if order.leaf:
            told["certificateId"] = order.wanted["certificate"]
        return told

    def _request(self, number: str, *, is_whole: bool) -> Reply:
        order = next((one for one in self.orders.found.values() if one.wanted["request"] == number), None)
        if order is None:
            return _failure(404, "certRequest not found")
        if not is_whole:
            self.orders.poll(order)
            return Reply(200, self._status(order))
        told = {"id": number, "csr": order.csr_pem, "issuanceStatus": self._status(order)["issuanceStatus"]}
        return Reply(200, {**told, "createdAt": to_text(order.placed_at)})

    # -- certificates ----------------------------------------------------------------------------------------------

    def _told(self, order: Order, *, pem: bool = True) -> dict[str, Any]:
        cert = x509.load_pem_x509_certificate(order.leaf.encode())
        leaf = self.orders.shown(order.leaf)
        revoked = self.orders.revoked.get(order.serial)
        status = "PENDING" if order.serial in self.revoking else "REVOKED" if revoked else "VALID"
        told = {
            "id": order.wanted["certificate"],
            "serial": order.serial,
            "commonName": cert.subject.get_attributes_for_oid(x509.NameOID.COMMON_NAME)[0].value,
            "notBefore": to_text(cert.not_valid_before_utc),
            "notAfter": to_text(cert.not_valid_after_utc),
            "revocationStatus": status,
            **({"revocationReason": revoked[0], "revocationDate": to_text(revoked[1])} if revoked else {}),
        }
        return {**told, "pem": leaf, "createdAt": to_text(order.placed_at)} if pem else told

    def _search(self, call: Call) -> Reply:
        asked = call.json()
        if set(asked) - SEARCHED:
            return _failure(400, f"unknown {sorted(set(asked) - SEARCHED)}")
        mine = [self._told(one, pem=False) for one in self.orders.found.values() if one.leaf]
        mine = [one for one in mine if one["commonName"] == asked.get("commonName", one["commonName"])]
        start = asked.get("offset", 0)
        return Reply(200, {"count": len(mine), "items": mine[start : start + asked.get("limit", 10)]})

    def _certificate(self, call: Call, number: str, rest: list[str]) -> Reply:
        order = next((one for one in self.orders.found.values() if one.wanted["certificate"] == number), None)
        if order is None or not order.leaf:
            return _failure(404, "certificate not found")
        match (call.method, *rest):
            case ("GET",):
                return Reply(200, self._told(order))
            case ("GET", "pem"):
                chain = "".join(self.orders.chain()) if call.query.get("chain") == "true" else ""
                content = (self._told(order)["pem"] + chain).encode()
                return Reply(200, content, {"Content-Type": "application/x-pem-file"})
            case ("PATCH",):
                return self._revoke(call, order)
            case ("POST", "renew"):
                body = call.json()
                if set(body) != {"reuseCsr", "csr"}:
                    return _failure(400, "reuseCsr and csr are required")
                ends = x509.load_pem_x509_certificate(order.leaf.encode()).not_valid_after_utc
                if self._told(order)["revocationStatus"] != "VALID" or ends <= self.orders.clock.now():
                    return _failure(400, "certificate is not valid")
                self.renewed += 1
                kept = {name: value for name, value in order.wanted.items() if name in ALLOWED}
                return self._taken({**kept, "csr": order.csr_pem if body["reuseCsr"] else body["csr"]})
        return _failure(405, "not allowed")

    def _revoke(self, call: Call, order: Order) -> Reply:
        body = call.json()
        if set(body) != {"reason"} or body["reason"] not in REASONS:
            return _failure(400, f"reason has to be one of {', '.join(REASONS)}, as a string")
        if order.serial in self.orders.revoked:
            return _failure(400, "certificate is revoked")
        self.orders.revoke(order.serial, body["reason"])
        return Reply(200, {name: value for name, value in self._told(order, pem=False).items() if "evo" in name})

    # -- domains ---------------------------------------------------------------------------------------------------

    def _domain(self, call: Call, rest: list[str]) -> Reply:
        if (call.method, rest) == ("GET", []):
            return Reply(200, self.domains)
        if (call.method, rest) == ("POST", []):
            body = call.json()
            if set(body) - {"domain", "validator", "method", "organizationIds", "payload"} or body["method"] != "DNS":
                return _failure(400, "payload is not valid")
            made = {
                **body,
                "id": f"d-{len(self.domains) + 1}",
                "status": "PENDING",
                "code": f"hid-{len(self.domains) + 1}",
                "codeInstructions": "Create a TXT record with the code",
                "codeValidUntil": to_text(self.orders.clock.now() + timedelta(days=30)),
                "deletedAt": None,
            }
            self.domains.append(made)
            return Reply(200, made)
        found = next((one for one in self.domains if [one["id"], "validate"] == rest), None)
        if found is None:
            return _failure(404, "domain not found")
        if found["domain"] in self.published:
            found["status"] = "VALIDATED"
        return Reply(200, found)


def _failure(status: int, message: str) -> Reply:
    return Reply(status, {"status": "Failure", "message": message})
