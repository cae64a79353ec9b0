# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An EJBCA with two CAs, end entities, approvals and tokens, as strict as its documents: unknown fields are refused.

Each request and each answer that the published OpenAPI document describes is held against it, where it is at hand.
"""

from __future__ import annotations

import base64
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import parse_qsl, quote

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from ansible_collections.edgecert.clm.tests.support.fake_ca.core import Call, Order, Orders, Reply

PREFIX = ("ejbca", "ejbca-rest-api")
ISSUING_DN, OTHER_DN = "CN=Fake issuing", "CN=Other CA,O=Sample\\, Inc.,C=SE"
CAS = {"IssuingCA": ISSUING_DN, "OtherCA": OTHER_DN}
LIFETIMES = {"SERVER": 90, "SHORT": 10}
PROFILES = {"Web servers": ("SERVER", "SHORT"), "Other servers": ("SERVER",)}
REASONS = (
    *("NOT_REVOKED", "UNSPECIFIED", "KEY_COMPROMISE", "CA_COMPROMISE", "AFFILIATION_CHANGED", "SUPERSEDED"),
    *("CESSATION_OF_OPERATION", "CERTIFICATE_HOLD", "REMOVE_FROM_CRL", "PRIVILEGES_WITHDRAWN", "AA_COMPROMISE"),
)
ENROLL = {
    *("certificate_request", "certificate_profile_name", "end_entity_profile_name", "certificate_authority_name"),
    *("username", "password", "include_chain"),
}
_ENDS = {"expired": "has expired", "failed": "could not be executed"}


class Refused(Exception):
    """An error as EJBCA's exception mapper answers it."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.reply = Reply(status, {"error_code": status, "error_message": message})


@dataclass
class Entity:
    """An end entity.

    :ivar request: number of its approval request; 0 for none.
    :ivar status: empty while an approver has not let it in.
    """

    username: str
    password: str
    order: Order
    request: int = 0
    status: str = "NEW"


def _pem_to_base64(pem: str, layers: int) -> str:
    data = x509.load_pem_x509_certificate(pem.encode()).public_bytes(Encoding.DER)
    for _layer in range(layers):
        data = base64.b64encode(data)
    return data.decode()


class EjbcaVendor:
    """EJBCA's REST interface.

    :ivar by_token: a bearer token is wanted, where a client certificate is otherwise.
    :ivar layers: how often certificates are base64; EJBCA has both.
    :ivar gives_chain: whether enrolments hold the chain; older ones do not.
    :ivar revoke_waits: revocations wait for an approver.
    :ivar knows_tokens: whether it knows the tokens that were given.
    :ivar lists: whether the account may read profiles and end entities.
    :ivar hold: holds an exchange against a document; gives what is wrong.
    """

    def __init__(self, orders: Orders, hold: Callable[[Call, Reply], str] | None = None, *, by_token: bool) -> None:
        self.orders, self.hold, self.by_token = orders, hold, by_token
        self.entities: dict[str, Entity] = {}
        self.layers, self.gives_chain, self.revoke_waits, self.lists = 2, True, False, True
        self.knows_tokens = True
        self.client_secret, self.tokens = secrets.token_hex(16), dict[str, datetime]()
        self.token_forms: list[dict[str, str]] = []

    def handle(self, call: Call) -> Reply:
        """Answer a request; what the published document does not allow is an error of the test."""
        if call.parts == ("realms", "pki", "token"):
            return self._token(call)
        try:
            reply = self._route(call)
        except Refused as exc:
            reply = exc.reply
        wrong = self.hold(call, reply) if self.hold else ""
        return Reply(599, {"error_message": f"against the published document: {wrong}"}) if wrong else reply

    # -- who asks --------------------------------------------------------------------------------------------------

    def _token(self, call: Call) -> Reply:
        form = dict(parse_qsl(call.body.decode()))
        self.token_forms.append(form)
        given = base64.b64decode(call.headers.get("authorization", "").removeprefix("Basic ")).decode()
        if call.method != "POST" or form.get("grant_type") != "client_credentials":
            return Reply(400, {"error": "unsupported_grant_type"})
        client, secret = form.get("client_id", ""), form.get("client_secret", "")
        pair = given or f"{quote(client, safe='')}:{quote(secret, safe='')}"
        if pair != f"clm%20robot:{self.client_secret}":
            told = {"error": "invalid_client", "error_description": f"{pair.partition(':')[2]} is wrong"}
            return Reply(400 if secret else 401, told)
        token = secrets.token_hex(20)
        self.tokens[token] = self.orders.clock.now() + timedelta(seconds=300)
        return Reply(200, {"access_token": token, "token_type": "Bearer", "expires_in": 300})

    def _authenticate(self, call: Call) -> None:
        if self.by_token:
            kind, _blank, token = call.headers.get("authorization", "").partition(" ")
            ends = self.tokens.get(token)
            if kind != "Bearer" or not self.knows_tokens or ends is None or ends < self.orders.clock.now():
                raise Refused(403, f"Authentication failed for token {token}")
        elif not call.client:
            raise Refused(403, "Authentication failed")
        if call.headers.get("x-keyfactor-requested-with") != "XMLHttpRequest":
            raise Refused(403, "X-Keyfactor-Requested-With is missing")

    def _route(self, call: Call) -> Reply:
        parts = call.parts[len(PREFIX) :]
        if call.parts[: len(PREFIX)] != PREFIX:
            return Reply(404, b"<html><title>WildFly</title></html>", {"Content-Type": "text/html"})
        if (call.method, parts) == ("GET", ("v1", "certificate", "status")):
            return Reply(200, {"status": "OK", "version": "1.0", "revision": "EJBCA 8.3.2 Fake"})
        self._authenticate(call)
        routes: dict[tuple[str, int, str], Callable[[Call, tuple[str, ...]], Reply]] = {
            ("GET", 2, "ca"): self._cas,
            ("GET", 5, "download"): self._download,
            ("GET", 4, "authorized"): self._profiles,
            ("POST", 3, "pkcs10enroll"): self._enroll,
            ("POST", 3, "certificaterequest"): self._enroll_existing,
            ("POST", 4, "finalize"): self._finalize,
            ("POST", 3, "search"): self._search,
            ("PUT", 5, "revoke"): self._revoke,
            ("GET", 5, "revocationstatus"): self._status,
        }
        if call.method == "GET" and parts[:3] == ("v2", "endentity", "profile") and len(parts) == 4:
            return self._profile(call, parts)
        route = routes.get((call.method, len(parts), parts[-1] if parts else ""))
        if route is None:
            return Reply(404, b"<html><title>Not Found</title></html>", {"Content-Type": "text/html"})
        return route(call, parts)

    # -- lists -----------------------------------------------------------------------------------------------------

    def _may_list(self) -> None:
        if not self.lists:
            raise Refused(403, "Administrator is not authorized to resource /ra_functionality/view_end_entity")

    def _cas(self, _call: Call, _parts: tuple[str, ...]) -> Reply:
        ends = "2038-01-19T03:14:07Z"
        rows = [
            {"id": number, "name": name, "subject_dn": dn, "issuer_dn": dn, "expiration_date": ends}
            for number, (name, dn) in enumerate(CAS.items(), 1)
        ]
        return Reply(200, {"certificate_authorities": rows})

    def _download(self, _call: Call, parts: tuple[str, ...]) -> Reply:
        if parts[2] != ISSUING_DN:
            raise Refused(404, f"CA with DN: {parts[2]} doesn't exist.")
        return Reply(200, "".join(self.orders.chain()).encode(), {"Content-Type": "application/octet-stream"})

    def _profiles(self, _call: Call, _parts: tuple[str, ...]) -> Reply:
        self._may_list()
        rows = [{"name": name, "id": number, "description": ""} for number, name in enumerate(PROFILES, 1)]
        return Reply(200, {"end_entitie_profiles": rows})

    def _profile(self, _call: Call, parts: tuple[str, ...]) -> Reply:
        self._may_list()
        if parts[3] not in PROFILES:
            raise Refused(404, f"End entity profile '{parts[3]}' does not exist.")
        told = {
            "end_entity_profile_name": parts[3],
            "available_certificate_profiles": list(PROFILES[parts[3]]),
            "available_cas": list(CAS),
            "subject_distinguished_name_fields": ["CN", "O", "C"],
            "subject_alternative_name_fields": ["DNSNAME", "IPADDRESS"],
        }
        return Reply(200, told)

    # -- orders ----------------------------------------------------------------------------------------------------

    @staticmethod
    def _body(call: Call, fields: set[str]) -> dict[str, Any]:
        try:
            body = call.json()
        except ValueError as exc:
            raise Refused(400, "no JSON") from exc
        if not isinstance(body, dict) or set(body) != fields:
            raise Refused(400, f"Unrecognized or missing field; {sorted(fields)} are wanted, not {sorted(body)}")
        return body

    def _enroll(self, call: Call, _parts: tuple[str, ...]) -> Reply:
        body = self._body(call, ENROLL)
        username, profile = body["username"], body["end_entity_profile_name"]
        if body["certificate_authority_name"] not in CAS:
            raise Refused(404, f"CA with name: {body['certificate_authority_name']} doesn't exist.")
        if profile not in PROFILES:
            raise Refused(404, f"End entity profile '{profile}' does not exist.")
        if body["certificate_profile_name"] not in PROFILES[profile]:
            raise Refused(422, f"Certificate profile {body['certificate_profile_name']} is not allowed")
        if body["certificate_authority_name"] != "IssuingCA":
            raise Refused(503, "CA is offline")
        if not username or not body["password"]:
            raise Refused(400, "username and password are wanted")
        before = self.entities.get(username)
        if before is not None and not before.status and before.order.status == "new":
            raise Refused(400, f"Approval Request with id {before.request} already exists in database.")
        order = self._placed(body)
        entity = self.entities[username] = Entity(username, body["password"], order)
        if order.status == "new":
            return self._wait(entity)
        entity.status = "GENERATED"
        return Reply(201, self._told(order, body["include_chain"]))

    def _placed(self, body: Mapping[str, Any]) -> Order:
        try:
            csr = x509.load_pem_x509_csr(body["certificate_request"].encode())
            try:
                found = csr.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
                names = [str(one.value) for one in found]
            except x509.ExtensionNotFound:
                names = []
            days = LIFETIMES[body["certificate_profile_name"]]
            return self.orders.place(body["certificate_request"], body, names=names, days=days)
        except ValueError as exc:
            raise Refused(400, f"POPO verification failed: {exc}") from exc

    def _wait(self, entity: Entity) -> Reply:
        entity.status, entity.request = "", int(entity.order.order_id)
        told = {"status_code": 202, "info_message": "The request has been added and waits for approval"}
        if self.orders.strange_word:
            return Reply(202, {**told, "info_message": self.orders.strange_word})
        link = f"https://ejbca.example.com/{'/'.join(PREFIX)}/v1/certificate/{entity.request}/finalize"
        return Reply(202, {**told, "link": link})

    def approve(self, username: str) -> None:
        """Let an approver say yes."""
        self.entities[username].status = "NEW"
        self.entities[username].order.polls_left = 0

    def _told(self, order: Order, with_chain: bool) -> dict[str, Any]:
        leaf = _pem_to_base64(order.leaf, self.layers)
        told: dict[str, Any] = {
            "certificate": self.orders.shown(leaf, len(leaf) // 2 + 1),
            "serial_number": order.serial.upper(),
            "response_format": "DER",
            "certificate_profile": order.wanted["certificate_profile_name"],
            "end_entity_profile": order.wanted["end_entity_profile_name"],
        }
        if with_chain and self.gives_chain:
            told["certificate_chain"] = [_pem_to_base64(one, self.layers) for one in self.orders.chain()]
        return told

    def _finalize(self, call: Call, parts: tuple[str, ...]) -> Reply:
        body, number = self._body(call, {"password", "response_format"}), parts[2]
        entity = next((one for one in self.entities.values() if str(one.request) == number), None)
        if entity is None:
            raise Refused(400, f"Could not find request with Id '{number}'")
        if body["response_format"] not in ("P12", "BCFKS", "JKS", "DER"):
            raise Refused(400, "Invalid parameter: response_format")
        order = entity.order
        if order.status == "done":
            raise Refused(400, f"Enrollment with Id '{number}' has already been finalized")
        if order.status == "new" and body["password"] != entity.password and order.polls_left <= 1:
            raise Refused(403, f"Wrong username or password, {body['password']}")
        self.orders.poll(order)
        if order.status == "new":
            return Reply(202, {"status_code": 202, "info_message": f"Request with Id '{number}' is still waiting"})
        if order.status != "done":
            raise Refused(400, f"Request with Id '{number}' {_ENDS.get(order.status, 'has been rejected')}")
        entity.status = "GENERATED"
        return Reply(201, self._told(order, False))

    def _enroll_existing(self, call: Call, _parts: tuple[str, ...]) -> Reply:
        fields = ENROLL - {"certificate_profile_name", "end_entity_profile_name"}
        body = self._body(call, fields)
        entity = self.entities.get(body["username"])
        if entity is None or not entity.status:
            raise Refused(404, f"The end entity '{body['username']}' does not exist")
        if entity.status not in ("NEW", "FAILED", "INPROCESS"):
            raise Refused(403, f"Got request with status {entity.status}")
        if body["password"] != entity.password or body["certificate_request"] != entity.order.csr_pem:
            raise Refused(403, "Wrong username or password")
        self.orders.finish(entity.order)
        entity.status = "GENERATED"
        return Reply(201, self._told(entity.order, body["include_chain"]))

    # -- what is there ---------------------------------------------------------------------------------------------

    def _search(self, call: Call, parts: tuple[str, ...]) -> Reply:
        is_entity = parts[1] == "endentity"
        body = self._body(call, {"max_number_of_results", "criteria", *(("current_page",) if is_entity else ())})
        most, criteria = body["max_number_of_results"], body["criteria"]
        if not 0 < most <= 400 or len(criteria) != 1 or set(criteria[0]) != {"property", "value", "operation"}:
            raise Refused(400, "Invalid criteria value.")
        if (criteria[0]["property"], criteria[0]["operation"]) != ("QUERY", "EQUAL") or not criteria[0]["value"]:
            raise Refused(400, "Invalid search criteria's property, unrecognized.")
        wanted = criteria[0]["value"]
        if is_entity:
            self._may_list()
            found = [one for name, one in self.entities.items() if name == wanted and one.status]
            rows = [{"username": one.username, "dn": "CN=x", "status": one.status} for one in found]
            return Reply(200, {"end_entities": rows, "more_results": False})
        orders = [one for one in self.orders.found.values() if one.leaf]
        mine = [one for one in orders if wanted in (one.wanted["username"], one.serial) or _same(wanted, one.serial)]
        rows = [self._told(one, False) for one in mine[:most]]
        return Reply(200, {"certificates": rows, "more_results": len(mine) > most})

    def _serial(self, parts: tuple[str, ...]) -> Order:
        if parts[2] not in CAS.values():
            raise Refused(404, f"CA '{parts[2]}' does not exist.")
        for order in self.orders.found.values():
            if order.serial and _same(parts[3], order.serial):
                return order
        raise Refused(404, f"Certificate with serial number '{parts[3]}' was not found")

    def _revoke(self, call: Call, parts: tuple[str, ...]) -> Reply:
        reason, order = call.query.get("reason", ""), self._serial(parts)
        if reason not in REASONS or set(call.query) - {"reason", "date"}:
            raise Refused(400, "Invalid revocation reason.")
        if order.serial in self.orders.revoked:
            raise Refused(409, f"Certificate with serial number {parts[3]} has previously been revoked.")
        if self.revoke_waits:
            return Reply(202, {"status_code": 202, "info_message": "The request waits for approval"})
        self.orders.revoke(order.serial, reason)
        return self._status(call, parts, "Successfully revoked")

    def _status(self, _call: Call, parts: tuple[str, ...], message: str = "") -> Reply:
        order = self._serial(parts)
        told: dict[str, Any] = {"issuer_dn": parts[2], "serial_number": parts[3], "revoked": False}
        if order.serial in self.orders.revoked:
            reason, at = self.orders.revoked[order.serial]
            told.update(revoked=True, revocation_reason=reason, revocation_date=at.strftime("%Y-%m-%dT%H:%M:%SZ"))
        return Reply(200, {**told, **({"message": message} if message else {})})


def _same(text: str, serial: str) -> bool:
    try:
        return int(text, 16) == int(serial, 16)
    except ValueError:
        return False
