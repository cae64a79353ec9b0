# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""AWS Private CA and STS as one fake: every signature is computed anew, every field held against AWS's own lists.

The lists are those of the published model, with which a test compares them.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import re
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import Any
from urllib.parse import parse_qsl

from ansible_collections.edgecert.clm.tests.support.fake_ca.core import Call, Order, Orders, Reply
from ansible_collections.edgecert.clm.tests.support.fake_ca.csr_names import names_of

REGION, ACCOUNT = "eu-west-1", "123456789012"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/edgecert"
TOKEN_S = 300.0
# Operation: fields that have to be there, and those that may be.
FIELDS: Mapping[str, tuple[set[str], set[str]]] = {
    "IssueCertificate": (
        {"CertificateAuthorityArn", "Csr", "SigningAlgorithm", "Validity"},
        {"ApiPassthrough", "TemplateArn", "ValidityNotBefore", "IdempotencyToken"},
    ),
    "GetCertificate": ({"CertificateAuthorityArn", "CertificateArn"}, set()),
    "RevokeCertificate": ({"CertificateAuthorityArn", "CertificateSerial", "RevocationReason"}, set()),
    "DescribeCertificateAuthority": ({"CertificateAuthorityArn"}, set()),
    "ListCertificateAuthorities": (set(), {"MaxResults", "NextToken", "ResourceOwner"}),
}
REASONS = (
    *("UNSPECIFIED", "KEY_COMPROMISE", "CERTIFICATE_AUTHORITY_COMPROMISE", "AFFILIATION_CHANGED", "SUPERSEDED"),
    *("CESSATION_OF_OPERATION", "PRIVILEGE_WITHDRAWN", "A_A_COMPROMISE"),
)
GENERAL_NAMES = {
    *("OtherName", "Rfc822Name", "DnsName", "DirectoryName", "EdiPartyName", "UniformResourceIdentifier"),
    *("IpAddress", "RegisteredId"),
}
TEMPLATES = {
    f"{kind}{way}/V1"
    for kind in ("EndEntityCertificate", "EndEntityServerAuthCertificate", "EndEntityClientAuthCertificate")
    for way in ("", "_APIPassthrough", "_CSRPassthrough", "_APICSRPassthrough")
}
_AUTHORIZATION = re.compile(
    r"AWS4-HMAC-SHA256 Credential=([\w-]+)/(\d{8})/([\w-]+)/([\w-]+)/aws4_request, "
    r"SignedHeaders=([\w;-]+), Signature=([0-9a-f]{64})"
)


@dataclass(frozen=True)
class FakeKeys:
    """Keys that the fake knows; ``ends`` is None for lasting ones."""

    access_key_id: str
    secret: str
    token: str = ""
    ends: datetime | None = None


class Refusal(Exception):
    """An error in AWS's words."""

    def __init__(self, kind: str, message: str, status: int = 400) -> None:
        super().__init__(message)
        self.kind, self.message, self.status = kind, message, status


class AwsVendor:
    """The two services.

    :ivar user: lasting keys; ``roles`` are the keys that were given for the role, the last one last.
    :ivar errors: by operation, what the next calls of it are refused with, the first one first.
    :ivar denied: operations that the keys may not use.
    :ivar status: of the CA; ``usage`` the way it is used.
    """

    def __init__(self, orders: Orders) -> None:
        self.orders = orders
        self.ca_arn = f"arn:aws:acm-pca:{REGION}:{ACCOUNT}:certificate-authority/0a1b2c3d-0000-4000-8000-000000000000"
        self.user = FakeKeys("AKIA" + secrets.token_hex(8).upper(), secrets.token_hex(20))
        self.roles: list[FakeKeys] = []
        self.errors: dict[str, list[Refusal]] = {}
        self.denied: set[str] = set()
        self.status, self.usage = "ACTIVE", "GENERAL_PURPOSE"
        self.asked: list[tuple[str, Any]] = []
        self._tokens: dict[str, tuple[datetime, str, Mapping[str, Any]]] = {}

    def handle(self, call: Call) -> Reply:
        """Answer a request."""
        if call.method != "POST" or call.path != "/":
            return Reply(404, b"<UnknownOperationException/>", {"Content-Type": "application/xml"})
        is_sts = "x-amz-target" not in call.headers
        try:
            self._verify(call, "sts" if is_sts else "acm-pca")
            return self._assume(call) if is_sts else self._operate(call)
        except Refusal as exc:
            if is_sts:
                inner = f"<Error><Code>{exc.kind}</Code><Message>{exc.message}</Message></Error>"
                content = f"<ErrorResponse>{inner}</ErrorResponse>".encode()
                return Reply(exc.status, content, {"Content-Type": "text/xml"})
            return Reply(exc.status, {"__type": exc.kind, "message": exc.message}, _JSON)

    # -- who asks --------------------------------------------------------------------------------------------------

    def _verify(self, call: Call, service: str) -> None:
        found = _AUTHORIZATION.fullmatch(call.headers.get("authorization", ""))
        if found is None:
            raise Refusal("MissingAuthenticationTokenException", "Missing Authentication Token")
        key_id, day, region, signed_for, names, signature = found.groups()
        keys = next((one for one in (self.user, *self.roles) if one.access_key_id == key_id), None)
        if keys is None or call.headers.get("x-amz-security-token", "") != keys.token:
            raise Refusal("UnrecognizedClientException", "The security token included in the request is invalid.")
        stamp = call.headers["x-amz-date"]
        at = datetime.strptime(stamp, "%Y%m%dT%H%M%SZ").replace(tzinfo=timezone.utc)
        now = self.orders.clock.now()
        if abs(at - now) > timedelta(minutes=5):
            raise Refusal("InvalidSignatureException", f"Signature expired: {stamp} is now not {now} (5 min.)")
        if (day, region, signed_for) != (stamp[:8], REGION, service):
            raise Refusal("InvalidSignatureException", "Credential should be scoped to a valid region.")
        if _signature(call, names, stamp, f"{day}/{region}/{service}/aws4_request", keys.secret) != signature:
            raise Refusal("InvalidSignatureException", "The request signature we calculated does not match yours.")
        if keys.ends is not None and now >= keys.ends:
            raise Refusal("ExpiredTokenException", "The security token included in the request is expired")

    def _assume(self, call: Call) -> Reply:
        form = dict(parse_qsl(call.body.decode()))
        if form.get("Action") != "AssumeRole" or form.get("Version") != "2011-06-15":
            raise Refusal("InvalidAction", "Could not find operation")
        if set(form) - {"Action", "Version", "RoleArn", "RoleSessionName", "ExternalId"} or not form["RoleSessionName"]:
            raise Refusal("ValidationError", f"fields {sorted(form)}")
        if form["RoleArn"] != ROLE or form.get("ExternalId") != "our-agreement":
            raise Refusal("AccessDenied", f"not authorized to perform: sts:AssumeRole on {form['RoleArn']}", 403)
        ends = self.orders.clock.now() + timedelta(hours=1)
        made = FakeKeys("ASIA" + secrets.token_hex(8).upper(), secrets.token_hex(20), secrets.token_hex(64), ends)
        self.roles.append(made)
        text = (
            '<AssumeRoleResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><AssumeRoleResult><Credentials>'
            f"<AccessKeyId>{made.access_key_id}</AccessKeyId><SecretAccessKey>{made.secret}</SecretAccessKey>"
            f"<SessionToken>{made.token}</SessionToken><Expiration>{ends:%Y-%m-%dT%H:%M:%SZ}</Expiration>"
            "</Credentials></AssumeRoleResult></AssumeRoleResponse>"
        )
        return Reply(200, text.encode(), {"Content-Type": "text/xml"})

    # -- what is asked ---------------------------------------------------------------------------------------------

    def _operate(self, call: Call) -> Reply:
        service, _dot, operation = call.headers["x-amz-target"].partition(".")
        if service != "ACMPrivateCA" or operation not in FIELDS:
            raise Refusal("UnknownOperationException", "")
        if call.headers.get("content-type") != "application/x-amz-json-1.1":
            raise Refusal("SerializationException", "content type")
        try:
            body = call.json()
        except ValueError:
            raise Refusal("SerializationException", "no JSON") from None
        needed, allowed = FIELDS[operation]
        if not needed <= set(body) <= needed | allowed:
            raise Refusal("ValidationException", f"fields of {operation}: {sorted(set(body) ^ needed)}")
        self.asked.append((operation, body))
        if operation in self.denied:
            raise Refusal("AccessDeniedException", f"User is not authorized to perform: acm-pca:{operation}")
        if self.errors.get(operation):
            raise self.errors[operation].pop(0)
        if "CertificateAuthorityArn" in body and body["CertificateAuthorityArn"] != self.ca_arn:
            raise Refusal("ResourceNotFoundException", f"Could not find {body['CertificateAuthorityArn']}")
        does: Mapping[str, Callable[[Any], Any]] = {
            "IssueCertificate": self._issue,
            "GetCertificate": self._get,
            "RevokeCertificate": self._revoke,
            "DescribeCertificateAuthority": lambda _body: {"CertificateAuthority": self._ca()},
            "ListCertificateAuthorities": self._list,
        }
        return Reply(200, does[operation](body), _JSON)

    def _ca(self) -> dict[str, Any]:
        return {
            "Arn": self.ca_arn,
            "OwnerAccount": ACCOUNT,
            "Status": self.status,
            "UsageMode": self.usage,
            "NotAfter": self.orders.core.issuing.cert.not_valid_after_utc.timestamp(),
            "CertificateAuthorityConfiguration": {
                "KeyAlgorithm": "EC_prime256v1",
                "SigningAlgorithm": "SHA256WITHECDSA",
                "Subject": {"CommonName": "Fake issuing"},
            },
        }

    def _list(self, body: Mapping[str, Any]) -> dict[str, Any]:
        """Give the CAs on two pages, one that is not active among them; none of others."""
        if body.get("ResourceOwner") == "OTHER_ACCOUNTS":
            return {"CertificateAuthorities": []}
        if body.get("NextToken") == "page-2":
            return {"CertificateAuthorities": [self._ca()]}
        if "NextToken" in body:
            raise Refusal("InvalidNextTokenException", "The token specified in the NextToken argument is not valid.")
        off = {**self._ca(), "Arn": self.ca_arn[:-1] + "f", "Status": "DISABLED"}
        return {"CertificateAuthorities": [off], "NextToken": "page-2"}

    def _issue(self, body: Mapping[str, Any]) -> dict[str, Any]:
        if self.status != "ACTIVE":
            raise Refusal("InvalidStateException", "The state of the private CA does not allow this action to occur.")
        token, now = body.get("IdempotencyToken", ""), self.orders.clock.now()
        if "IdempotencyToken" in body and not 1 <= len(token) <= 36:
            raise Refusal("ValidationException", "IdempotencyToken: length 1 to 36")
        known = self._tokens.get(token)
        if known is not None and now - known[0] < timedelta(seconds=TOKEN_S):
            if known[2] != body:
                raise Refusal("InvalidArgsException", "The token was used with other parameters.")
            return {"CertificateArn": known[1]}
        names, csr = _judged(body)
        try:
            order = self.orders.place(csr, body, names=names, days=int(body["Validity"]["Value"]))
        except ValueError as exc:
            raise Refusal("MalformedCSRException", f"The certificate signing request is invalid: {exc}") from exc
        # The question that follows at once is not one of those a test waits for.
        order.polls_left += 1
        arn = f"{self.ca_arn}/certificate/{int(order.order_id):032x}"
        self._tokens[token] = (now, arn, body)
        return {"CertificateArn": arn}

    def _order(self, arn: str) -> Order:
        number = arn.rpartition("/certificate/")[2]
        found = self.orders.found.get(str(int(number, 16))) if re.fullmatch(r"[0-9a-f]{32}", number) else None
        if found is None or not arn.startswith(self.ca_arn + "/certificate/"):
            raise Refusal("ResourceNotFoundException", f"Could not find certificate {arn}")
        return found

    def _get(self, body: Mapping[str, Any]) -> dict[str, Any]:
        order = self._order(body["CertificateArn"])
        self.orders.poll(order)
        if order.status == "new":
            raise Refusal(self.orders.strange_word or "RequestInProgressException", "It is not issued yet.")
        if order.ends:
            raise Refusal("RequestFailedException", f"The request has failed: {order.ends}")
        leaf = self.orders.shown(order.leaf)
        return {"Certificate": leaf, "CertificateChain": "".join(self.orders.chain())}

    def _revoke(self, body: Mapping[str, Any]) -> dict[str, Any]:
        if body["RevocationReason"] not in REASONS:
            raise Refusal("ValidationException", f"RevocationReason {body['RevocationReason']}")
        serial = body["CertificateSerial"].replace(":", "").lstrip("0")
        if serial not in {one.serial.lstrip("0") for one in self.orders.found.values()}:
            raise Refusal("ResourceNotFoundException", f"Could not find certificate {serial}")
        if serial in self.orders.revoked:
            raise Refusal("RequestAlreadyProcessedException", "Your request has already been completed.")
        self.orders.revoke(serial, body["RevocationReason"])
        return {}


_JSON = {"Content-Type": "application/x-amz-json-1.1"}


def _judged(body: Mapping[str, Any]) -> tuple[list[str], str]:
    """Give the names that a certificate will bear, and the CSR."""
    validity = body["Validity"]
    if set(validity) != {"Value", "Type"} or validity["Type"] != "DAYS" or int(validity["Value"]) < 1:
        raise Refusal("ValidationException", f"Validity {json.dumps(validity)}")
    if body["SigningAlgorithm"] != "SHA256WITHECDSA":
        raise Refusal("InvalidArgsException", "The signing algorithm does not match the key of the CA.")
    template = str(body.get("TemplateArn", "arn:aws:acm-pca:::template/EndEntityCertificate/V1"))
    name = template.removeprefix("arn:aws:acm-pca:::template/")
    if name not in TEMPLATES:
        raise Refusal("InvalidArgsException", f"The template {template} is not known.")
    csr = base64.b64decode(body["Csr"], validate=True).decode()
    if "ApiPassthrough" not in body:
        return names_of(csr), csr
    if "_API" not in name:
        raise Refusal("InvalidArgsException", "ApiPassthrough goes with an APIPassthrough template.")
    told = body["ApiPassthrough"]["Extensions"]["SubjectAlternativeNames"]
    if any(len(one) != 1 or not set(one) <= GENERAL_NAMES for one in told):
        raise Refusal("ValidationException", "GeneralName")
    return [text for one in told for text in one.values()], csr


def _signature(call: Call, names: str, stamp: str, place: str, secret: str) -> str:
    """Compute a signature as AWS does, from what arrived."""
    covered = "".join(f"{name}:{call.headers.get(name, '')}\n" for name in names.split(";"))
    for name in ("host", "x-amz-date"):
        if name not in names.split(";"):
            raise Refusal("IncompleteSignatureException", f"'{name}' must be a signed header")
    digest = hashlib.sha256(call.body).hexdigest()
    canonical = f"{call.method}\n{call.path}\n\n{covered}\n{names}\n{digest}"
    text = f"AWS4-HMAC-SHA256\n{stamp}\n{place}\n{hashlib.sha256(canonical.encode()).hexdigest()}"
    key = ("AWS4" + secret).encode()
    for part in (*place.split("/"), text):
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    return key.hex()
