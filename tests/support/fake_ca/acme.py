# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An ACME server that errs on demand: what Pebble and others do not, as a public CA does it (RFC 8555, RFC 9773)."""

from __future__ import annotations

import json
import random
import re
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from ansible_collections.edgecert.clm.tests.support.fake_ca.acme_jws import (
    Refused,
    Signed,
    b64,
    check_binding,
    checked,
    unb64,
)
from ansible_collections.edgecert.clm.tests.support.fake_ca.core import Call, Orders, Reply

PROFILES = {"classic": "https://ca.example.com/classic", "short": "https://ca.example.com/short"}
REASONS = (0, 1, 3, 4, 5)
DAYS = 90
_PROBLEM = "urn:ietf:params:acme:error:"
_ORDER_FIELDS = {"identifiers", "notBefore", "notAfter", "profile", "replaces"}
_ACCOUNT_FIELDS = {"contact", "termsOfServiceAgreed", "onlyReturnExisting", "externalAccountBinding"}


@dataclass
class Authorization:
    """One name's; ``left`` counts the looks until it has come to its end, ``is_asked`` since it counts."""

    identifier: Mapping[str, str]
    left: int
    status: str = "pending"
    is_asked: bool = False
    token: str = field(default_factory=lambda: secrets.token_urlsafe(24))
    error: dict[str, str] = field(default_factory=dict)


@dataclass
class Placed:
    """One order."""

    account: str
    wanted: Mapping[str, Any]
    proofs: list[int]
    status: str = "pending"
    leaf: str = ""


class AcmeVendor:
    """The server; the switches are for tests.

    :ivar macs: MAC keys by key id; not empty, accounts have to be bound, each key id once.
    :ivar bad_nonces: how many nonces more are refused.
    :ivar is_sharing: two orders for the same names get one URL while the first is not finalized, as with Boulder.
    :ivar refuse: problems to answer with, by the path's first segment or ``finalize``, each once;
        ``refuse_registration`` likewise.
    :ivar moved: servers that addresses lead to instead, by the path's first segment; only ``authz``.
    :ivar typed: the host as the directory writes it, though it is called by another writing.
    :ivar has_ari, has_profiles: what the directory offers.
    :ivar offered: challenges, by type; ``is_generous`` offers them for names that they cannot prove, too.
    :ivar placed: the orders; ``accounts`` the public keys by URL.
    """

    def __init__(self, orders: Orders) -> None:
        self.orders, self.nonces = orders, set[str]()
        self.macs: dict[str, bytes] = {}
        self.bad_nonces, self.is_sharing, self.has_ari, self.has_profiles = 0, False, True, True
        self.terms = "https://ca.example.com/terms"
        self.moved: dict[str, str] = {}
        self.typed = ""
        self.refuse: dict[str, Reply] = {}
        self.refuse_registration: Reply | None = None
        self.is_generous = False
        self.offered: tuple[str, ...] = ("http-01", "dns-01", "tls-alpn-01")
        self.accounts: dict[str, Mapping[str, str]] = {}
        self.contacts: dict[str, Any] = {}
        self.placed: list[Placed] = []
        self.proofs: list[Authorization] = []
        self.replaced: set[str] = set()
        self.revoked: dict[str, int] = {}
        self.retry_after, self.ask_again = "", "21600"
        self.links: str = ""
        self._base = ""

    # -- calls -----------------------------------------------------------------------------------------------------

    def handle(self, call: Call) -> Reply:
        """Answer a request; a new nonce goes with each answer."""
        self._base = f"https://{call.headers['host']}"
        nonce = secrets.token_urlsafe(16)
        self.nonces.add(nonce)
        try:
            reply = self._answered(call)
        except Refused as exc:
            reply = problem(exc.word, exc.detail, exc.status)
        more = {"Retry-After": self.retry_after} if self.retry_after else {}
        return Reply(reply.status, reply.body, {"Replay-Nonce": nonce, **more, **reply.headers})

    def _answered(self, call: Call) -> Reply:
        kind = call.parts[0] if call.parts else ""
        if kind == "directory" and call.method == "GET":
            return Reply(200, self._directory())
        if kind == "nonce" and call.method in ("HEAD", "GET"):
            return Reply(200)
        if kind == "renewal" and call.method == "GET":
            return self._renewal(call.parts[1])
        routes: Mapping[str, Callable[[Call, Signed], Reply]] = {
            **{"new-account": self._account, "key-change": self._key_change, "new-order": self._new_order},
            **{"order": self._order, "authz": self._authz, "challenge": self._challenge, "cert": self._cert},
            "revoke": self._revoke,
        }
        if call.method != "POST" or kind not in routes:
            return problem("malformed", "no such thing", 404)
        signed = self._signed(call, kind)
        named = "finalize" if kind == "order" and len(call.parts) == 3 else kind
        if named in self.refuse:
            return self.refuse.pop(named)
        return routes[kind](call, signed)

    def _signed(self, call: Call, kind: str) -> Signed:
        if call.headers.get("content-type") != "application/jose+json":
            raise Refused("malformed", "the content type", 415)
        signed = checked(call.json(), self.accounts)
        if self.bad_nonces:
            self.bad_nonces -= 1
            raise Refused("badNonce", "refused, as a test wants it")
        if signed.header["nonce"] not in self.nonces:
            raise Refused("badNonce", "unknown or used")
        self.nonces.remove(signed.header["nonce"])
        if signed.header["url"] != self._base + call.path:
            raise Refused("unauthorized", f"signed for {signed.header['url']}", 401)
        if ("jwk" in signed.header) != (kind == "new-account"):
            raise Refused("malformed", "jwk or kid")
        return signed

    def _directory(self) -> dict[str, Any]:
        paths = {"newNonce": "nonce", "newAccount": "new-account", "newOrder": "new-order", "revokeCert": "revoke"}
        found: dict[str, Any] = {name: f"{self._base}/{path}" for name, path in paths.items()}
        found["keyChange"] = f"{self._base}/key-change"
        if self.typed:
            found = {name: re.sub("//[^:/]+", f"//{self.typed}", url) for name, url in found.items()}
        found["meta"] = {"termsOfService": self.terms} if self.terms else {}
        if self.macs:
            found["meta"]["externalAccountRequired"] = True
        if self.has_profiles:
            found["meta"]["profiles"] = PROFILES
        if self.has_ari:
            found["renewalInfo"] = f"{self._base}/renewal"
        return found

    # -- accounts --------------------------------------------------------------------------------------------------

    def _account(self, call: Call, signed: Signed) -> Reply:
        body = signed.payload
        _only(body, _ACCOUNT_FIELDS)
        known = [kid for kid, jwk in self.accounts.items() if jwk == signed.jwk]
        if known:
            return Reply(200, {"status": "valid"}, {"Location": known[0]})
        if body.get("onlyReturnExisting"):
            raise Refused("accountDoesNotExist", "no account of this key")
        if self.refuse_registration is not None:
            return self.refuse_registration
        if self.terms and not body.get("termsOfServiceAgreed"):
            raise Refused("malformed", "the terms are not agreed to")
        if self.macs:
            if "externalAccountBinding" not in body:
                raise Refused("externalAccountRequired", "a binding is wanted", 403)
            url = self._base + call.path
            self.macs.pop(check_binding(body["externalAccountBinding"], signed.jwk, url, self.macs))
            self.macs.setdefault("used up", secrets.token_bytes(32))
        kid = f"{self._base}/account/{len(self.accounts) + 1}"
        self.accounts[kid], self.contacts[kid] = signed.jwk, body.get("contact")
        return Reply(201, {"status": "valid", "contact": body.get("contact") or []}, {"Location": kid})

    def _key_change(self, call: Call, signed: Signed) -> Reply:
        inner = checked(signed.payload, {}, has_nonce=False)
        kid = signed.header["kid"]
        if inner.header["url"] != signed.header["url"]:
            raise Refused("malformed", "the inner address")
        if inner.payload != {"account": kid, "oldKey": dict(signed.jwk)}:
            raise Refused("malformed", "the inner payload")
        if inner.jwk in self.accounts.values():
            return problem("malformed", "the key is in use", 409)
        self.accounts[kid] = inner.jwk
        return Reply(200, {"status": "valid"})

    # -- orders ----------------------------------------------------------------------------------------------------

    def _new_order(self, call: Call, signed: Signed) -> Reply:
        body, kid = signed.payload, signed.header["kid"]
        _only(body, _ORDER_FIELDS)
        if "profile" in body and body["profile"] not in PROFILES:
            raise Refused("invalidProfile", f"profile {body['profile']} is not there")
        if not body.get("identifiers") or any(set(one) != {"type", "value"} for one in body["identifiers"]):
            raise Refused("malformed", "the identifiers")
        if "replaces" in body:
            if body["replaces"] in self.replaced:
                raise Refused("alreadyReplaced", "it was replaced before", 409)
            self.replaced.add(body["replaces"])
        for number, one in enumerate(self.placed):
            is_same = one.account == kid and one.wanted["identifiers"] == body["identifiers"]
            if self.is_sharing and is_same and self._status(one) in ("pending", "ready"):
                return Reply(201, self._told(number), {"Location": f"{self._base}/order/{number}"})
        first = len(self.proofs)
        polls = self.orders.polls
        for one in body["identifiers"]:
            self.proofs.append(Authorization(one, polls, "pending" if polls else "valid"))
        self.placed.append(Placed(kid, body, list(range(first, len(self.proofs)))))
        number = len(self.placed) - 1
        return Reply(201, self._told(number), {"Location": f"{self._base}/order/{number}"})

    def _status(self, order: Placed) -> str:
        if order.status != "pending":
            return order.status
        found = {self.proofs[one].status for one in order.proofs}
        return "invalid" if "invalid" in found else "pending" if "pending" in found else "ready"

    def _told(self, number: int) -> dict[str, Any]:
        order = self.placed[number]
        status = self._status(order)
        proofs = f"{self.moved.get('authz', self._base)}/authz"
        told: dict[str, Any] = {
            "status": self.orders.strange_word or status,
            "identifiers": order.wanted["identifiers"],
            # In no order that anybody could rely on.
            "authorizations": random.sample([f"{proofs}/{one}" for one in order.proofs], len(order.proofs)),
            "finalize": f"{self._base}/order/{number}/finalize",
        }
        if status == "valid":
            told["certificate"] = f"{self._base}/cert/{number}"
        return told

    def _order(self, call: Call, signed: Signed) -> Reply:
        number = int(call.parts[1]) if call.parts[1].isdigit() else -1
        if not 0 <= number < len(self.placed) or self.placed[number].account != signed.header["kid"]:
            return problem("malformed", "no such order", 404)
        if len(call.parts) == 2:
            _read_only(signed)
            return Reply(200, self._told(number))
        order = self.placed[number]
        if self._status(order) != "ready":
            raise Refused("orderNotReady", f"the order is {self._status(order)}", 403)
        _only(signed.payload, {"csr"})
        order.leaf = self._sign(order, unb64(signed.payload["csr"]))
        order.status = "valid"
        return Reply(200, self._told(number), {"Location": f"{self._base}/order/{number}"})

    def _sign(self, order: Placed, der: bytes) -> str:
        csr = x509.load_der_x509_csr(der)
        names = [str(one["value"]) for one in order.wanted["identifiers"]]
        sans = csr.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        if sorted(str(one.value) for one in sans) != sorted(names):
            raise Refused("badCSR", "the CSR has other names than the order")
        pem, key = csr.public_bytes(Encoding.PEM).decode(), "other" if self.orders.wrong_key else ""
        return self.orders.core.sign(pem, names, self.orders.clock.now(), DAYS, key=key)[0]

    # -- proofs ----------------------------------------------------------------------------------------------------

    def _authz(self, call: Call, signed: Signed) -> Reply:
        _read_only(signed)
        number = int(call.parts[1])
        self._look(self.proofs[number])
        return Reply(200, self._proof(number))

    def _look(self, one: Authorization) -> None:
        if not one.is_asked or one.status != "pending":
            return
        one.left -= 1
        if one.left > 0:
            return
        one.status = "invalid" if self.orders.ends else "valid"
        if self.orders.ends:
            one.error = {"type": f"{_PROBLEM}dns", "detail": f"{self.orders.ends}: no TXT record"}

    def _proof(self, number: int) -> dict[str, Any]:
        one = self.proofs[number]
        name = one.identifier["value"]
        kinds = [kind for kind in self.offered if self.is_generous or not name.startswith("*.") or kind == "dns-01"]
        kinds = [kind for kind in kinds if self.is_generous or one.identifier["type"] == "dns" or kind != "dns-01"]
        found = {
            "status": one.status,
            "identifier": {**one.identifier, "value": name.removeprefix("*.")},
            "challenges": [self._told_challenge(number, kind) for kind in kinds],
        }
        return {**found, "wildcard": True} if name.startswith("*.") else found

    def _told_challenge(self, number: int, kind: str) -> dict[str, Any]:
        one = self.proofs[number]
        told = {"type": kind, "url": f"{self._base}/challenge/{number}/{kind}", "token": one.token}
        return {**told, "status": one.status, **({"error": one.error} if one.error else {})}

    def _challenge(self, call: Call, signed: Signed) -> Reply:
        if signed.payload != {}:
            raise Refused("malformed", "an empty object is wanted")
        number = int(call.parts[1])
        self.proofs[number].is_asked = True
        self._look(self.proofs[number])
        up = {"Link": f'<{self._base}/authz/{number}>;rel="up"'}
        return Reply(200, self._told_challenge(number, call.parts[2]), up)

    # -- certificates ----------------------------------------------------------------------------------------------

    def _cert(self, call: Call, signed: Signed) -> Reply:
        _read_only(signed)
        leaf = self.placed[int(call.parts[1])].leaf
        text = self.orders.shown(leaf) + ("" if self.orders.is_garbled else "".join(self.orders.chain()))
        headers = {"Content-Type": "application/pem-certificate-chain"}
        return Reply(200, text.encode(), {**headers, **({"Link": self.links} if self.links else {})})

    def _revoke(self, call: Call, signed: Signed) -> Reply:
        _only(signed.payload, {"certificate", "reason"})
        der, reason = signed.payload["certificate"], signed.payload["reason"]
        known = [x509.load_pem_x509_certificate(one.leaf.encode()) for one in self._issued()]
        if der not in {b64(one.public_bytes(Encoding.DER)) for one in known}:
            return problem("unauthorized", "not issued to this account", 403)
        if reason not in REASONS:
            raise Refused("badRevocationReason", f"reason {reason}")
        if der in self.revoked:
            raise Refused("alreadyRevoked", "it is revoked")
        self.revoked[der] = reason
        return Reply(200)

    def _issued(self) -> list[Placed]:
        return [one for one in self.placed if one.leaf]

    def _renewal(self, name: str) -> Reply:
        key_id, _dot, number = name.partition(".")
        for one in self._issued():
            cert = x509.load_pem_x509_certificate(one.leaf.encode())
            issuer = cert.extensions.get_extension_for_class(x509.AuthorityKeyIdentifier).value.key_identifier
            if unb64(key_id) == issuer and int.from_bytes(unb64(number), "big", signed=True) == cert.serial_number:
                end = cert.not_valid_after_utc
                window = {"start": _time(end - timedelta(days=30)), "end": _time(end - timedelta(days=28))}
                return Reply(200, {"suggestedWindow": window}, {"Retry-After": self.ask_again})
        return problem("malformed", "no such certificate", 404)


def problem(word: str, detail: str, status: int = 400, **headers: str) -> Reply:
    """Give a problem document."""
    body = json.dumps({"type": _PROBLEM + word, "detail": detail, "status": status}).encode()
    named = {name.replace("_", "-"): text for name, text in headers.items()}
    return Reply(status, body, {"Content-Type": "application/problem+json", **named})


def _time(moment: Any) -> str:
    return str(moment.strftime("%Y-%m-%dT%H:%M:%SZ"))


def _only(body: Any, names: set[str]) -> None:
    if not isinstance(body, Mapping) or not set(body) <= names:
        raise Refused("malformed", f"fields are {sorted(names)}")


def _read_only(signed: Signed) -> None:
    if signed.payload is not None:
        raise Refused("malformed", "reading has no payload")
