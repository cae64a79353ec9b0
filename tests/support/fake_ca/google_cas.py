# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Google's CA Service, its token endpoint and its exchange of tokens as one fake; fields are held against the lists.

The lists are those of the published discovery document, with which a test compares them.
"""

from __future__ import annotations

import base64
import json
import re
import secrets
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import parse_qsl

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from ansible_collections.edgecert.clm.plugins.module_utils._core.clock import to_text
from ansible_collections.edgecert.clm.tests.support.fake_ca.core import Call, Order, Orders, Reply
from ansible_collections.edgecert.clm.tests.support.fake_ca.csr_names import names_of

PROJECT, LOCATION = "edgecert-lab", "europe-west1"
LOCATIONS = (LOCATION, "us-east1")
POOLS = {"web": "ENTERPRISE", "quick": "DEVOPS"}
CAS = {"ca-1": "ENABLED", "ca-2": "DISABLED"}
TEMPLATES = ("server", "short")
ACCOUNT = "clm@edgecert-lab.iam.gserviceaccount.com"
AUDIENCE = "https://oauth2.googleapis.com/token"
REASONS = (
    *("REVOCATION_REASON_UNSPECIFIED", "KEY_COMPROMISE", "CERTIFICATE_AUTHORITY_COMPROMISE", "AFFILIATION_CHANGED"),
    *("SUPERSEDED", "CESSATION_OF_OPERATION", "CERTIFICATE_HOLD", "PRIVILEGE_WITHDRAWN"),
    "ATTRIBUTE_AUTHORITY_COMPROMISE",
)
# What may be written of a certificate, and what a request for one may ask for beside its body.
FIELDS = {
    *("certificateTemplate", "config", "labels", "lifetime", "name", "pemCsr", "requestedNotBeforeTime"),
    "subjectMode",
}
QUERY = {"certificateId", "issuingCertificateAuthorityId", "requestId", "validateOnly"}
# Google's own client names the encoding of its answers.
_ANY_QUERY = {"$alt", "alt"}
_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[1-5][0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")


class Refusal(Exception):
    """An error in Google's words."""

    def __init__(self, code: int, status: str, message: str) -> None:
        super().__init__(message)
        self.body = {"error": {"code": code, "message": message, "status": status}}
        self.code = code


class GoogleVendor:
    """The services.

    :ivar tokens: those that are good, with their ends.
    :ivar granted: whether the account may sign; ``listing`` whether it may look at pools and lists.
    :ivar errors: what the next calls that sign or revoke are refused with.
    """

    def __init__(self, orders: Orders) -> None:
        self.orders = orders
        self.tokens: dict[str, datetime] = {}
        self.granted = self.listing = True
        self.errors: list[Refusal] = []
        self.asked: list[Call] = []
        self.subjects: list[str] = []
        self._key = rsa.generate_private_key(65537, 2048)
        self._by_name: dict[str, Order] = {}
        self._requests: dict[str, tuple[datetime, bytes, tuple[str, Order]]] = {}

    # -- who asks --------------------------------------------------------------------------------------------------

    def new_token(self, *, days: float = 1 / 24) -> str:
        """Give a token that is good."""
        made = f"ya29.{secrets.token_urlsafe(40)}"
        self.tokens[made] = self.orders.clock.now() + timedelta(days=days)
        return made

    def service_account(self, url: str) -> str:
        """Give the key file of the service account."""
        pem = self._key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
        return json.dumps(
            {
                "type": "service_account",
                "project_id": PROJECT,
                "private_key_id": "1",
                "private_key": pem,
                "client_email": ACCOUNT,
                "token_uri": f"{url}/token",
            }
        )

    def _grant(self, call: Call) -> Reply:
        """Give a token for a signed assertion (RFC 7523), or for a token of somebody else (RFC 8693)."""
        form = dict(parse_qsl(call.body.decode()))
        if form.get("grant_type") == "urn:ietf:params:oauth:grant-type:token-exchange" and form.get("subject_token"):
            self.subjects.append(form["subject_token"])
            kind = "urn:ietf:params:oauth:token-type:access_token"
            told = {"access_token": self.new_token(), "issued_token_type": kind, "token_type": "Bearer"}
            return Reply(200, {**told, "expires_in": 3600})
        if form.get("grant_type") != "urn:ietf:params:oauth:grant-type:jwt-bearer":
            return Reply(400, {"error": "unsupported_grant_type"})
        wrong = self._assertion_fault(form.get("assertion", ""))
        if wrong:
            return Reply(400, {"error": "invalid_grant", "error_description": wrong})
        return Reply(200, {"access_token": self.new_token(), "expires_in": 3600, "token_type": "Bearer"})

    def _assertion_fault(self, assertion: str) -> str:
        try:
            head, claims, signature = assertion.split(".")
            told, named = json.loads(_decoded(claims)), json.loads(_decoded(head))
            signed = f"{head}.{claims}".encode()
            self._key.public_key().verify(_decoded(signature), signed, padding.PKCS1v15(), hashes.SHA256())
        except (ValueError, InvalidSignature):
            return "Invalid JWT Signature."
        if named.get("alg") != "RS256" or told.get("iss") != ACCOUNT or told.get("aud") != AUDIENCE:
            return "Invalid JWT."
        return "" if "cloud-platform" in told.get("scope", "") else "Invalid scope."

    def _verify(self, call: Call) -> None:
        token = call.headers.get("authorization", "").removeprefix("Bearer ")
        ends = self.tokens.get(token)
        if ends is None or self.orders.clock.now() >= ends:
            raise Refusal(401, "UNAUTHENTICATED", f"Request had invalid authentication credentials: {token}")

    # -- what is asked ---------------------------------------------------------------------------------------------

    def handle(self, call: Call) -> Reply:
        """Answer a request."""
        if call.method == "POST" and call.parts[-1:] == ("token",):
            return self._grant(call)
        self.asked.append(call)
        try:
            self._verify(call)
            return Reply(200, self._answer(call))
        except Refusal as exc:
            return Reply(exc.code, exc.body)

    def _answer(self, call: Call) -> Any:
        name = "/".join(call.parts[1:])
        top = f"projects/{PROJECT}/locations"
        if call.parts[:1] != ("v1",) or not name.startswith(top):
            raise Refusal(403, "PERMISSION_DENIED", f"Permission denied on resource {name} (or it may not exist).")
        rest = [part for part in name.removeprefix(top).split("/") if part]
        if rest and rest[0] not in LOCATIONS:
            raise Refusal(404, "NOT_FOUND", f"Location {rest[0]} is not found.")
        if call.method == "GET":
            return self._read(rest, name, call.query)
        if call.method != "POST":
            raise Refusal(404, "NOT_FOUND", "Method not found.")
        body = call.json()
        if rest[1] == "caPools" and len(rest) == 3 and rest[2].endswith(":testIamPermissions"):
            self._pool(rest[2].removesuffix(":testIamPermissions"))
            return {"permissions": [one for one in body["permissions"] if self.granted or not one.endswith("create")]}
        if rest[1] == "caPools" and rest[3:] == ["certificates"]:
            return self._create(rest[2], name, call)
        if name.endswith(":revoke"):
            return self._revoke(name.removesuffix(":revoke"), body)
        raise Refusal(404, "NOT_FOUND", "Method not found.")

    def _pool(self, pool: str) -> str:
        if pool not in POOLS:
            raise Refusal(404, "NOT_FOUND", f"Resource caPools/{pool} was not found.")
        return POOLS[pool]

    def _read(self, rest: list[str], name: str, query: Mapping[str, str]) -> Any:
        if set(query) - _ANY_QUERY - {"pageToken", "pageSize"}:
            raise Refusal(400, "INVALID_ARGUMENT", f"Unknown name in query: {sorted(query)}")
        if rest[3:4] == ["certificates"] and len(rest) == 5:
            return self._told(name)
        if not self.listing:
            raise Refusal(403, "PERMISSION_DENIED", f"Permission denied to look at {name}.")
        if rest[1:2] == ["caPools"] and len(rest) == 3:
            return {"name": name, "tier": self._pool(rest[2])}
        if not rest:
            return {"locations": [{"locationId": one, "name": f"{name}/{one}"} for one in LOCATIONS]}
        kind, found = rest[-1], []
        if kind == "caPools":
            found = [{"name": f"{name}/{one}", "tier": tier} for one, tier in POOLS.items()]
        elif kind == "certificateTemplates":
            found = [{"name": f"{name}/{one}"} for one in TEMPLATES]
        elif kind == "certificateAuthorities":
            found = [{"name": f"{name}/{one}", "state": state} for one, state in CAS.items()]
        else:
            raise Refusal(404, "NOT_FOUND", "Method not found.")
        # One entry a page.
        at = int(query.get("pageToken", "0"))
        more = {"nextPageToken": str(at + 1)} if at + 1 < len(found) else {}
        return {kind: found[at : at + 1], **more}

    def _create(self, pool: str, parent: str, call: Call) -> Any:
        tier, query, body = self._pool(pool), call.query, call.json()
        if set(body) - FIELDS or set(query) - QUERY - _ANY_QUERY:
            raise Refusal(400, "INVALID_ARGUMENT", f"Unknown name: {sorted((set(body) - FIELDS) | set(query))}")
        if self.errors:
            raise self.errors.pop(0)
        if not self.granted:
            raise Refusal(403, "PERMISSION_DENIED", f"Permission 'privateca.certificates.create' denied on '{parent}'")
        request, number = query.get("requestId", ""), query.get("certificateId", "")
        if request and not _UUID.fullmatch(request):
            raise Refusal(400, "INVALID_ARGUMENT", "request_id must be a valid UUID")
        known = self._requests.get(request)
        if known is not None and self.orders.clock.now() - known[0] < timedelta(minutes=60):
            if known[1] != call.body:
                raise Refusal(400, "INVALID_ARGUMENT", "request_id was used for another request")
            return self._shown(*known[2])
        if tier == "ENTERPRISE" and not re.fullmatch(r"[a-zA-Z0-9_-]{1,63}", number):
            raise Refusal(400, "INVALID_ARGUMENT", "certificate_id is required in the Enterprise tier")
        ca = query.get("issuingCertificateAuthorityId", "ca-1")
        if CAS.get(ca) != "ENABLED":
            raise Refusal(400, "FAILED_PRECONDITION", f"certificateAuthorities/{ca} is not enabled")
        name = f"{parent}/{number if tier == 'ENTERPRISE' else secrets.token_hex(8)}"
        if name in self._by_name:
            raise Refusal(409, "ALREADY_EXISTS", f"Resource '{name}' already exists")
        order = self._signed(name, body)
        self._requests[request] = (self.orders.clock.now(), call.body, (name, order))
        if tier == "ENTERPRISE":
            self._by_name[name] = order
        return self._shown(name, order)

    def _signed(self, name: str, body: Mapping[str, Any]) -> Order:
        lifetime = re.fullmatch(r"(\d+)s", str(body.get("lifetime", "")))
        if lifetime is None or int(lifetime[1]) < 1:
            raise Refusal(400, "INVALID_ARGUMENT", "lifetime: a positive duration is wanted")
        if not body.get("pemCsr"):
            raise Refusal(400, "INVALID_ARGUMENT", "certificate_config: one of pem_csr and config is wanted")
        top, template = "/".join(name.split("/")[:4]), str(body.get("certificateTemplate", ""))
        if template and template not in {f"{top}/certificateTemplates/{one}" for one in TEMPLATES}:
            raise Refusal(404, "NOT_FOUND", f"Resource '{template}' was not found")
        try:
            return self.orders.place(
                body["pemCsr"], body, names=names_of(body["pemCsr"]), days=int(lifetime[1]) // 86400
            )
        except ValueError as exc:
            raise Refusal(400, "INVALID_ARGUMENT", f"pem_csr: {exc}") from exc

    def _told(self, name: str) -> dict[str, Any]:
        order = self._by_name.get(name)
        if order is None:
            raise Refusal(404, "NOT_FOUND", f"Resource '{name}' was not found")
        return self._shown(name, order)

    def _shown(self, name: str, order: Order) -> dict[str, Any]:
        leaf = self.orders.shown(order.leaf)
        told = {
            "name": name,
            "lifetime": order.wanted["lifetime"],
            "pemCsr": order.csr_pem,
            "pemCertificate": leaf,
            "pemCertificateChain": self.orders.chain(),
            "createTime": to_text(order.placed_at),
        }
        if order.serial in self.orders.revoked:
            reason, at = self.orders.revoked[order.serial]
            told["revocationDetails"] = {"revocationState": reason, "revocationTime": to_text(at)}
        return told

    def _revoke(self, name: str, body: Mapping[str, Any]) -> Any:
        # Google's own client writes the numbers of words, as its encoding of JSON allows.
        told = body.get("reason")
        reason = REASONS[told] if isinstance(told, int) else told
        if set(body) - {"reason", "requestId"} or reason not in REASONS:
            raise Refusal(400, "INVALID_ARGUMENT", f"reason: {reason}")
        if self.errors:
            raise self.errors.pop(0)
        if "requestId" in body and not _UUID.fullmatch(body["requestId"]):
            raise Refusal(400, "INVALID_ARGUMENT", "request_id must be a valid UUID")
        if "revocationDetails" in self._told(name):
            raise Refusal(400, "FAILED_PRECONDITION", f"Certificate '{name}' is already revoked")
        self.orders.revoke(self._by_name[name].serial, reason)
        return self._told(name)


def _decoded(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
