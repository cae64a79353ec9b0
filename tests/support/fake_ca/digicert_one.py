# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Trust Lifecycle Manager as its OpenAPI document and DigiCert's own provider describe it: profiles, seats, pickups.

:source: ca-connectors §4.8.
"""

from __future__ import annotations

import base64
import secrets
import uuid
from datetime import datetime, timedelta
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, pkcs7

from ansible_collections.edgecert.clm.tests.support.fake_ca.core import Call, Order, Orders, Reply

AT_ONCE, BY_HAND, BY_SCEP, FIXED = (
    "36f011b7-5fa1-4c6d-83f3-ee59c4d54bb0",
    "36f011b7-5fa1-4c6d-83f3-ee59c4d54bb1",
    "36f011b7-5fa1-4c6d-83f3-ee59c4d54bb2",
    "36f011b7-5fa1-4c6d-83f3-ee59c4d54bb3",
)
REASONS = (
    *("unspecified", "key_compromise", "ca_compromise", "affiliation_changed", "superseded", "cessation_of_operation"),
    *("certificate_hold", "remove_from_crl", "privilege_withdrawn", "aa_compromise"),
)
_ISSUE = {"profile", "seat", "csr", "validity", "delivery_format", "include_ca_chain", "attributes", "tags"}
_RENEW = {"csr", "validity", "delivery_format", "include_ca_chain"}
_SUBJECT = {
    *("common_name", "organization_name", "organization_units", "locality", "state", "country", "email"),
    *("street_address", "postal_code", "serial_number", "domain_component"),
}
_SAN = {"dns_names", "ip_addresses", "emails", "uris", "user_principal_names", "registered_ids", "other_names"}
_SEARCH = {"seat_id", "profile_id", "common_name", "serial_number", "status", "thumbprint", "offset", "limit"}
_WORDS = {"new": "PENDING", "refused": "REJECTED"}


class Refused(Exception):
    """A call is not taken."""

    def __init__(self, code: str, message: str, status: int = 400) -> None:
        super().__init__(message)
        self.code, self.status = code, status


class TrustLifecycle:
    """The API.

    :ivar key: what ``x-api-key`` has to be; empty where a client certificate is wanted, and the header is a fault.
    :ivar may_read_profiles: the key may look at profiles.
    :ivar is_listed: certificates are found by the search; not while it lags behind.
    :ivar collides: other CAs gave the same serial numbers.
    :ivar allows_duplicates: of a common name on a seat.
    """

    def __init__(self, orders: Orders, *, key: str | None = None) -> None:
        self.orders, self.key = orders, secrets.token_hex(24) if key is None else key
        self.may_read_profiles, self.is_listed, self.collides, self.allows_duplicates = True, True, False, True
        self.bodies: list[dict[str, Any]] = []
        self.seen: list[tuple[Call, Reply]] = []
        self.profiles = {
            AT_ONCE: _profile(AT_ONCE, "Web server", "third_party_app"),
            BY_HAND: _profile(BY_HAND, "Web server, approved", "manual_approval"),
            BY_SCEP: {**_profile(BY_SCEP, "Routers", "global_passphrase"), "enrollment_method": "scep"},
        }

    def handle(self, call: Call) -> Reply:
        """Answer a request, and keep both."""
        try:
            reply = self._handled(call)
        except Refused as exc:
            reply = _error(exc.status, exc.code, str(exc))
        self.seen.append((call, reply))
        return reply

    def _handled(self, call: Call) -> Reply:
        given = call.headers.get("x-api-key")
        if call.parts[:3] != ("mpki", "api", "v1"):
            raise Refused("not_found", "There is no such page.", 404)
        if (self.key or None) != given:
            raise Refused("unauthorized", f"The API key {given} is not valid.", 401)
        if call.headers.get("accept") != "application/json":
            raise Refused("not_acceptable", "The Accept header is not valid.", 406)
        match (call.method, *call.parts[3:]):
            case ("GET", "hello"):
                words = b"Hello from DigiCert ONE - Trust Lifecycle Manager REST API!"
                return Reply(200, words, {"Content-Type": "text/plain;charset=utf-8"})
            case ("GET", "profile", *rest):
                return self._of_profiles(rest)
            case ("POST", "certificate"):
                return self._issue(_body(call, _ISSUE))
            case ("POST", "certificate-pickup", number):
                return self._pick_up(number, _body(call, {"profile"}))
            case ("GET", "certificate-search"):
                return self._search(call)
            case ("GET", "certificate", serial):
                return Reply(200, self._details(self._with_serial(serial, collides=self.collides)))
            case ("POST", "certificate", serial, "renew"):
                return self._renew(self._with_serial(serial), _body(call, _RENEW))
            case ("PUT", "certificate", serial, "revoke"):
                return self._revoke(call, serial, _body(call, {"revocation_reason"}))
        raise Refused("not_found", "There is no such page.", 404)

    def _of_profiles(self, rest: list[str]) -> Reply:
        if not self.may_read_profiles:
            raise Refused("no_access", "User has no access to profiles.", 403)
        if not rest:
            short = ("id", "name", "status", "enrollment_method", "authentication_method")
            return Reply(200, [{name: one[name] for name in short} for one in self.profiles.values()])
        if rest[0] not in self.profiles:
            raise Refused("not_found", "There is no such profile.", 404)
        told = dict(self.profiles[rest[0]])
        issuing, root = self.orders.core.issuing.pem, self.orders.core.root.pem
        above = {"subject_dn": "CN=Fake root", "certificate": root, "root": True}
        issuer = {"subject_dn": "CN=Fake issuing", "certificate": issuing, "root": False, "chain": [above]}
        return Reply(200, {**told, "certificate": {**told["certificate"], "issuer": issuer}})

    # -- orders ----------------------------------------------------------------------------------------------------

    def _issue(self, body: dict[str, Any]) -> Reply:
        for name in ("profile", "seat", "csr"):
            if not body.get(name):
                raise Refused("missing_field", f"The field {name} is required.")
        _exactly(body["profile"], {"id"})
        _exactly(body["seat"], {"seat_id"})
        profile = self.profiles.get(body["profile"]["id"])
        if profile is None:
            raise Refused("profile_not_found", "The profile does not exist.")
        if profile["enrollment_method"] != "rest_api":
            raise Refused("wrong_enrollment_method", "The profile does not enroll by the REST API.")
        subject, san = _attributes(body.get("attributes") or {})
        certificate = profile["certificate"]
        _check_rules(certificate["subject"]["attributes"], subject)
        _check_rules(certificate["extensions"]["san"]["attributes"], san)
        if "-----BEGIN" not in body["csr"]:
            raise Refused("invalid_csr", "The CSR is no PEM.")
        names = [*san.get("dns_names", ()), *san.get("ip_addresses", ())]
        is_double = any(
            one.wanted["seat_id"] == body["seat"]["seat_id"] and one.wanted["common_name"] == subject.get("common_name")
            for one in self.orders.found.values()
        )
        if is_double and not self.allows_duplicates:
            raise Refused("duplicate_certificate", "The profile does not allow duplicate certificates.")
        kept = {"seat_id": body["seat"]["seat_id"], "common_name": subject.get("common_name", "")}
        return self._placed(profile, body, body["csr"], names, kept, status=201)

    def _placed(
        self,
        profile: dict[str, Any],
        body: dict[str, Any],
        csr: str,
        names: list[str],
        kept: dict[str, Any],
        status: int,
    ) -> Reply:
        if "validity" in body and not profile["override_cert_validity_via_api"]:
            raise Refused("validity_not_allowed", "The validity cannot be overridden.")
        if body.get("delivery_format", "x509") not in ("x509", "PKCS7"):
            raise Refused("invalid_delivery_format", "The delivery format is not valid.")
        told = body.get("validity") or profile["certificate"]["validity"]
        _exactly(told, {"unit", "duration"})
        if told["unit"] != "days" or not isinstance(told["duration"], int):
            raise Refused("invalid_validity", "The validity is not valid.")
        self.bodies.append(body)
        wanted = {**kept, "profile_id": profile["id"], "format": body.get("delivery_format", "x509")}
        wanted.update(chain=bool(body.get("include_ca_chain")), request_id=uuid.uuid4().hex)
        try:
            order = self.orders.place(csr, wanted, names=names, days=told["duration"])
        except ValueError as exc:
            raise Refused("invalid_csr", f"The CSR is not valid: {exc}.") from exc
        return Reply(status, self._told(order))

    def _told(self, order: Order) -> dict[str, Any]:
        if not order.leaf:
            word = self.orders.strange_word if order.status == "new" and self.orders.strange_word else ""
            return {"status": word or _WORDS[order.status], "request_id": order.wanted["request_id"]}
        leaf = self.orders.shown(order.leaf)
        certificates = [leaf, *(self.orders.chain() if order.wanted["chain"] else ())]
        text = "".join(certificates)
        if order.wanted["format"] == "PKCS7" and not (self.orders.is_garbled or self.orders.is_empty):
            loaded = [x509.load_pem_x509_certificate(one.encode()) for one in reversed(certificates)]
            text = pkcs7.serialize_certificates(loaded, Encoding.PEM).decode()
        told = {"serial_number": order.serial.upper(), "delivery_format": order.wanted["format"], "certificate": text}
        return {**told, "status": "ISSUED"}

    def _pick_up(self, number: str, body: dict[str, Any]) -> Reply:
        for order in self.orders.found.values():
            if order.wanted["request_id"] == number and body["profile"] == {"id": order.wanted["profile_id"]}:
                self.orders.poll(order)
                return Reply(200, self._told(order))
        raise Refused("request_not_found", "The request was not found.", 404)

    def _renew(self, order: Order, body: dict[str, Any]) -> Reply:
        profile = self.profiles[order.wanted["profile_id"]]
        if self._ends(order) - self.orders.clock.now() > timedelta(days=profile["renewal_period_days"]):
            raise Refused("not_in_renewal_period", "The certificate is not within its renewal period.")
        if "-----BEGIN" in body["csr"]:
            raise Refused("invalid_csr", "The CSR is no base64.")
        csr = f"-----BEGIN CERTIFICATE REQUEST-----\n{body['csr']}\n-----END CERTIFICATE REQUEST-----\n"
        kept = {name: order.wanted[name] for name in ("seat_id", "common_name")}
        return self._placed(profile, body, csr, list(order.wanted["names"]), kept, status=200)

    # -- certificates ----------------------------------------------------------------------------------------------

    def _with_serial(self, serial: str, *, collides: bool = False) -> Order:
        for order in self.orders.found.values():
            if order.leaf and order.serial.upper().zfill(40) == serial.upper().zfill(40):
                if collides:
                    message = "Collision occurred! Please specify additional parameter: thumbprint_sha256"
                    raise Refused("collision", message, 409)
                return order
        raise Refused("certificate_not_found", "The certificate was not found.", 404)

    def _ends(self, order: Order) -> datetime:
        return x509.load_pem_x509_certificate(order.leaf.encode()).not_valid_after_utc

    def _details(self, order: Order) -> dict[str, Any]:
        certificate = x509.load_pem_x509_certificate(order.leaf.encode())
        profile = self.profiles[order.wanted["profile_id"]]
        bare = base64.b64encode(certificate.public_bytes(Encoding.DER)).decode()
        told: dict[str, Any] = {
            "profile": {"id": profile["id"], "name": profile["name"]},
            "seat": {"seat_id": order.wanted["seat_id"]},
            "certificate": self.orders.shown(bare, len(bare) // 2 - 2),
            "common_name": order.wanted["common_name"],
            "status": "issued",
            "serial_number": order.serial.upper(),
            "valid_from": certificate.not_valid_before_utc.strftime("%Y-%m-%dT%H:%M:%SZ"),
            "valid_to": certificate.not_valid_after_utc.strftime("%Y-%m-%dT%H:%M:%SZ"),
        }
        if order.serial in self.orders.revoked:
            reason, at = self.orders.revoked[order.serial]
            date = at.strftime("%Y-%m-%dT%H:%M:%SZ")
            told.update(status="revoked", revocation={"reason": reason, "revocation_date": date, "comments": ""})
        return told

    def _search(self, call: Call) -> Reply:
        if set(call.query) - _SEARCH:
            raise Refused("invalid_parameter", f"The parameters are {sorted(_SEARCH)}.")
        found = [one for one in self.orders.found.values() if one.leaf and self.is_listed]
        for name in ("seat_id", "profile_id", "common_name"):
            if name in call.query:
                found = [one for one in found if one.wanted[name] == call.query[name]]
        if "thumbprint" in call.query:
            found = [one for one in found if _fingerprint(one) == call.query["thumbprint"]]
        offset, limit = int(call.query.get("offset", 0)), int(call.query.get("limit", 20))
        items = [self._details(one) for one in found[offset : offset + limit]]
        return Reply(200, {"total": len(found), "offset": offset, "limit": limit, "items": items})

    def _revoke(self, call: Call, serial: str, body: dict[str, Any]) -> Reply:
        thumbprint = call.query.get("thumbprint_sha256")
        order = self._with_serial(serial, collides=self.collides and thumbprint is None)
        if thumbprint not in (None, _fingerprint(order)):
            raise Refused("certificate_not_found", "The certificate was not found.", 404)
        if body.get("revocation_reason") not in REASONS:
            raise Refused("invalid_reason", "The revocation reason is not valid.")
        if order.serial in self.orders.revoked:
            raise Refused("already_revoked", "Certificate already has been revoked")
        self.orders.revoke(order.serial, body["revocation_reason"])
        return Reply(204)


def _rule(name: str, source: str, value: str = "") -> dict[str, Any]:
    told = {"mandatory": True, "source": source, **({"value": value} if value else {})}
    return {"type": name, "mandatory": True, "multiple": True, "sources": [told]}


_RULES = (
    _rule("dns_names", "REST_REQUEST"),
    _rule("ip_addresses", "REST_REQUEST"),
    _rule("emails", "FIXED_VALUE", "pki@example.com"),
    _rule("uris", "FROM_CSR"),
)


def _profile(profile_id: str, name: str, authentication: str, names: tuple[dict[str, Any], ...] = ()) -> dict[str, Any]:
    mandatory = {"type": "common_name", "mandatory": True, "multiple": False}
    sources = [{"mandatory": True, "source": "REST_REQUEST"}]
    return {
        **{"id": profile_id, "name": name, "status": "Active", "signature_algorithm": "SHA256_WITH_RSA"},
        **{"renewal_period_days": 30, "duplicate_cert_policy": True, "override_cert_validity_via_api": True},
        **{"certificate_delivery_format": "X509", "enrollment_method": "rest_api"},
        "authentication_method": authentication,
        "certificate": {
            "subject": {"attributes": [{**mandatory, "sources": sources}]},
            "validity": {"unit": "days", "duration": 365},
            "extensions": {"san": {"critical": False, "attributes": list(names)}},
        },
    }


def ruled_profile() -> dict[str, Any]:
    """Give a profile that has rules for names: it requires some, has some fixed, and takes some out of the CSR."""
    return _profile(FIXED, "Web server, names ruled", "third_party_app", _RULES)


def _check_rules(rules: list[dict[str, Any]], given: dict[str, Any]) -> None:
    for one in rules:
        sources = {source["source"] for source in one["sources"]}
        if one["type"] in given and "REST_REQUEST" not in sources:
            raise Refused("fixed_value", f"The field {one['type']} is not taken from the request.")
        if one["mandatory"] and "REST_REQUEST" in sources and one["type"] not in given:
            raise Refused("missing_field", f"The field {one['type']} is required.")


def _attributes(told: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    if set(told) - {"subject", "extensions"} or set(told.get("extensions") or {}) - {"san"}:
        raise Refused("unknown_field", "The attributes are subject and extensions.san.")
    subject, san = told.get("subject") or {}, (told.get("extensions") or {}).get("san") or {}
    if set(subject) - _SUBJECT or set(san) - _SAN:
        raise Refused("unknown_field", f"There are unknown fields among {sorted({*subject, *san})}.")
    return subject, san


def _body(call: Call, known: set[str]) -> dict[str, Any]:
    try:
        body = call.json()
    except ValueError as exc:
        raise Refused("invalid_json", "The body is no JSON.") from exc
    if not isinstance(body, dict) or set(body) - known:
        raise Refused("unknown_field", f"The fields are {sorted(known)}.")
    return body


def _exactly(given: Any, names: set[str]) -> None:
    if not isinstance(given, dict) or set(given) != names:
        raise Refused("unknown_field", f"The fields are {sorted(names)}.")


def _fingerprint(order: Order) -> str:
    from cryptography.hazmat.primitives.hashes import SHA256

    return x509.load_pem_x509_certificate(order.leaf.encode()).fingerprint(SHA256()).hex().upper()


def _error(status: int, code: str, message: str) -> Reply:
    # The document shows one error, DigiCert's own provider reads several: both are answered.
    told = {"code": code, "message": message}
    return Reply(status, {"error": told} if status in (401, 403) else {"errors": [told]})
