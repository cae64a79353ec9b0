# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""AWS Certificate Manager as a fake: it makes the key, forgets it at once, and has the fake's own CA sign.

Fields, lengths, patterns and words are those of the published model, with which a test compares them.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID

from ansible_collections.edgecert.clm.tests.support.fake_ca.aws_front import ACCOUNT, REGION, Fields, Refusal, Service
from ansible_collections.edgecert.clm.tests.support.fake_ca.core import Order, Orders

_ARN = {"CertificateArn"}
FIELDS: Fields = {
    "RequestCertificate": (
        {"DomainName"},
        {
            *("ValidationMethod", "SubjectAlternativeNames", "IdempotencyToken", "DomainValidationOptions", "Options"),
            *("CertificateAuthorityArn", "Tags", "KeyAlgorithm", "ManagedBy", "CertificateUsage", "RootHierarchyType"),
        },
    ),
    "DescribeCertificate": (_ARN, set()),
    "GetCertificate": (_ARN, set()),
    "ListCertificates": (
        set(),
        {
            *("CertificateStatuses", "CertificateKeyPairOrigins", "RootHierarchyTypes", "Includes", "NextToken"),
            *("MaxItems", "SortBy", "SortOrder"),
        },
    ),
    "ListTagsForCertificate": (_ARN, set()),
    "DeleteCertificate": (_ARN, set()),
    "RevokeCertificate": (_ARN | {"RevocationReason"}, set()),
}
STATUSES = (*("PENDING_VALIDATION", "ISSUED", "INACTIVE", "EXPIRED", "VALIDATION_TIMED_OUT", "REVOKED", "FAILED"),)
KEY_ALGORITHMS = (*("RSA_1024", "RSA_2048", "RSA_3072", "RSA_4096", "EC_prime256v1", "EC_secp384r1", "EC_secp521r1"),)
REASONS = (
    *("UNSPECIFIED", "KEY_COMPROMISE", "CA_COMPROMISE", "AFFILIATION_CHANGED", "SUPERCEDED", "SUPERSEDED"),
    *("CESSATION_OF_OPERATION", "CERTIFICATE_HOLD", "REMOVE_FROM_CRL", "PRIVILEGE_WITHDRAWN", "A_A_COMPROMISE"),
)
NAME = r"(\*\.)?(((?!-)[A-Za-z0-9-]{0,62}[A-Za-z0-9])\.)+((?!-)[A-Za-z0-9-]{1,62}[A-Za-z0-9])"
# What it says of keys of a request; the others are for what is imported.
MADE: Mapping[str, Callable[[], Any]] = {
    "RSA_2048": lambda: rsa.generate_private_key(65537, 2048),
    "EC_prime256v1": lambda: ec.generate_private_key(ec.SECP256R1()),
    "EC_secp384r1": lambda: ec.generate_private_key(ec.SECP384R1()),
}
LISTED_BY_DEFAULT = ("RSA_1024", "RSA_2048")
TOKEN_S, PROVED_WITHIN, DAYS = 3600.0, timedelta(hours=72), 395
MAILBOXES = ("admin", "administrator", "hostmaster", "postmaster", "webmaster")


@dataclass
class Certificate:
    """What ACM keeps of one.

    :ivar is_proved: the domains are; always for a private CA.
    :ivar kind: its ``Type``; ``origin`` of its key.
    :ivar in_use: by another service, so that it cannot be deleted; ``exported`` makes a public one revocable.
    """

    arn: str
    body: Mapping[str, Any]
    order: Order
    made_at: datetime
    kind: str
    is_proved: bool
    origin: str = "AWS_MANAGED"
    failure: str = ""
    in_use: bool = False
    exported: bool = False
    status: str = ""
    revoked: tuple[str, datetime] | None = None

    @property
    def names(self) -> list[str]:
        """Give all of its names, the first one first."""
        return list(dict.fromkeys((self.body["DomainName"], *self.body.get("SubjectAlternativeNames", ()))))

    @property
    def algorithm(self) -> str:
        """Give its key's."""
        return str(self.body.get("KeyAlgorithm", "RSA_2048"))


@dataclass
class AcmVendor:
    """The service; the switches are for tests.

    :ivar private_failure: says why a private CA, by ARN, signs nothing for a family of keys; empty where it does.
    :ivar shown_after_s: before that a new certificate cannot be looked at, nor is it listed.
    :ivar records_after_s: before that it is not told how a domain is to be proved.
    :ivar page: most entries on a page of the list.
    """

    orders: Orders
    private_failure: Callable[[str, str], str]
    kept: dict[str, Certificate] = field(default_factory=dict)
    shown_after_s: float = 0.0
    records_after_s: float = 10.0
    page: int = 1
    _tokens: dict[str, tuple[datetime, str, Mapping[str, Any]]] = field(default_factory=dict)

    def service(self) -> Service:
        """Give it as the front door wants it; its switches are named as rights are."""
        does = {
            "RequestCertificate": self._request,
            "DescribeCertificate": lambda body: {"Certificate": self._detail(self._found(body))},
            "GetCertificate": self._get,
            "ListCertificates": self._list,
            "ListTagsForCertificate": lambda body: {"Tags": self._found(body).body.get("Tags", [])},
            "DeleteCertificate": self._delete,
            "RevokeCertificate": self._revoke,
        }
        return Service("acm", "acm:", FIELDS, does)

    def prove(self, arn: str = "") -> None:
        """Have the domains of one certificate, or of all, proved."""
        for one in self.kept.values():
            if arn in ("", one.arn):
                one.is_proved = True

    # -- orders ----------------------------------------------------------------------------------------------------

    def _request(self, body: Mapping[str, Any]) -> dict[str, str]:
        _judge(body)
        token, now = str(body.get("IdempotencyToken", "")), self.orders.clock.now()
        known = self._tokens.get(token) if token else None
        if known is not None and now - known[0] < timedelta(seconds=TOKEN_S):
            if known[2] != body:
                raise Refusal("InvalidParameterException", "The idempotency token was used with other parameters.")
            return {"CertificateArn": known[1]}
        arn = f"arn:aws:acm:{REGION}:{ACCOUNT}:certificate/{uuid.uuid4()}"
        number, algorithm = str(1000 + len(self.orders.found)), str(body.get("KeyAlgorithm", "RSA_2048"))
        issuer = str(body.get("CertificateAuthorityArn", ""))
        order = Order(number, _made(body, algorithm), {}, now, polls_left=self.orders.polls, ends=self.orders.ends)
        self.orders.found[number] = order
        made = Certificate(arn, body, order, now, "PRIVATE" if issuer else "AMAZON_ISSUED", bool(issuer))
        order.wanted = {"names": made.names, "days": DAYS}
        made.failure = self.private_failure(issuer, algorithm.partition("_")[0]) if issuer else ""
        order.ends = "FAILED" if made.failure else order.ends
        self.kept[arn] = made
        self._tokens[token] = (now, arn, body)
        return {"CertificateArn": arn}

    def _found(self, body: Mapping[str, Any]) -> Certificate:
        arn = str(body["CertificateArn"])
        if not re.fullmatch(r"arn:[\w+=/,.@-]+:acm:[\w+=/,.@-]*:[0-9]+:[\w+=,.@-]+(/[\w+=,.@-]+)*", arn):
            raise Refusal("ValidationException", f"Value at 'certificateArn' failed to satisfy constraint: {arn}")
        found = self.kept.get(arn)
        if found is None or not self._is_shown(found):
            raise Refusal("ResourceNotFoundException", f"Could not find certificate {arn}.")
        return found

    def _is_shown(self, one: Certificate) -> bool:
        return self.orders.clock.now() - one.made_at >= timedelta(seconds=self.shown_after_s)

    def _state(self, one: Certificate, *, moves: bool = False) -> str:
        if one.status or one.revoked:
            return one.status or "REVOKED"
        now = self.orders.clock.now()
        if moves and one.is_proved:
            self.orders.poll(one.order)
        if one.order.status == "done":
            ends = x509.load_pem_x509_certificate(one.order.leaf.encode()).not_valid_after_utc
            return "EXPIRED" if now > ends else "ISSUED"
        if one.order.status != "new":
            return one.order.status
        if not one.is_proved and now - one.made_at > PROVED_WITHIN:
            return "VALIDATION_TIMED_OUT"
        return self.orders.strange_word or "PENDING_VALIDATION"

    def _detail(self, one: Certificate) -> dict[str, Any]:
        state = self._state(one, moves=True)
        told: dict[str, Any] = {
            "CertificateArn": one.arn,
            "DomainName": one.body["DomainName"],
            "SubjectAlternativeNames": one.names,
            "CreatedAt": one.made_at.timestamp(),
            "Status": state,
            # As its own examples have it, whatever its list of words says.
            "KeyAlgorithm": one.algorithm.replace("RSA_", "RSA-"),
            "Type": one.kind,
            "InUseBy": ["arn:aws:elasticloadbalancing:eu-west-1:123456789012:loadbalancer/x"] if one.in_use else [],
            "CertificateKeyPairOrigin": one.origin,
            "Options": {"Export": "DISABLED"},
        }
        if one.kind == "PRIVATE":
            told["CertificateAuthorityArn"] = one.body["CertificateAuthorityArn"]
        elif one.kind == "AMAZON_ISSUED":
            told["DomainValidationOptions"] = [self._proof(one, name, state) for name in one.names]
        if state == "FAILED":
            told["FailureReason"] = one.failure or "OTHER"
        if one.order.serial:
            digits = len(one.order.serial)
            told["Serial"] = ":".join(re.findall("..", one.order.serial.zfill(digits + digits % 2)))
        if one.revoked:
            told |= {"RevocationReason": one.revoked[0], "RevokedAt": one.revoked[1].timestamp()}
        return told

    def _proof(self, one: Certificate, name: str, state: str) -> dict[str, Any]:
        status = {"VALIDATION_TIMED_OUT": "FAILED", "FAILED": "FAILED"}.get(state, "PENDING_VALIDATION")
        told = {
            "DomainName": name,
            "ValidationStatus": "SUCCESS" if one.is_proved else status,
            "ValidationMethod": one.body["ValidationMethod"],
        }
        plain = name.removeprefix("*.")
        if self.orders.clock.now() - one.made_at < timedelta(seconds=self.records_after_s):
            return told
        if one.body["ValidationMethod"] == "EMAIL":
            return {**told, "ValidationDomain": plain, "ValidationEmails": [f"{box}@{plain}" for box in MAILBOXES]}
        record = {"Name": f"_0123abcd.{plain}.", "Type": "CNAME", "Value": f"_4567ef.{'x' * 6}.acm-validations.aws."}
        return {**told, "ResourceRecord": record}

    def _get(self, body: Mapping[str, Any]) -> dict[str, str]:
        one = self._found(body)
        if not one.order.leaf:
            raise Refusal("RequestInProgressException", f"Certificate request for {one.arn} is in progress.")
        return {
            "Certificate": self.orders.shown(one.order.leaf),
            "CertificateChain": "".join(self.orders.chain()),
        }

    # -- lists -----------------------------------------------------------------------------------------------------

    def _list(self, body: Mapping[str, Any]) -> dict[str, Any]:
        """Give a page; without a filter those with small RSA keys alone, as AWS does."""
        if not 1 <= body.get("MaxItems", 1000) <= 1000:
            raise Refusal("ValidationException", "MaxItems")
        wanted = body.get("Includes", {}).get("keyTypes", LISTED_BY_DEFAULT)
        if not set(wanted) <= set(KEY_ALGORITHMS):
            raise Refusal("ValidationException", f"keyTypes {wanted}")
        states = body.get("CertificateStatuses", STATUSES)
        rows = [
            self._summary(one)
            for one in self.kept.values()
            if one.algorithm in wanted and self._is_shown(one) and self._state(one) in states
        ]
        start = str(body.get("NextToken", "from-0")).removeprefix("from-")
        if not start.isdigit():
            raise Refusal("ValidationException", "NextToken")
        first, last = int(start), int(start) + min(self.page, body.get("MaxItems", 1000))
        more = {"NextToken": f"from-{last}"} if last < len(rows) else {}
        return {"CertificateSummaryList": rows[first:last], **more}

    def _summary(self, one: Certificate) -> dict[str, Any]:
        return {
            "CertificateArn": one.arn,
            "DomainName": one.body["DomainName"],
            "SubjectAlternativeNameSummaries": one.names,
            "Status": self._state(one),
            "Type": one.kind,
            "KeyAlgorithm": one.algorithm.replace("RSA_", "RSA-"),
            "CreatedAt": one.made_at.timestamp(),
        }

    # -- ends ------------------------------------------------------------------------------------------------------

    def _delete(self, body: Mapping[str, Any]) -> None:
        one = self._found(body)
        if one.in_use:
            raise Refusal("ResourceInUseException", f"Certificate {one.arn} is in use.")
        del self.kept[one.arn]

    def _revoke(self, body: Mapping[str, Any]) -> dict[str, str]:
        one = self._found(body)
        if body["RevocationReason"] not in REASONS:
            raise Refusal("ValidationException", f"RevocationReason {body['RevocationReason']}")
        if one.kind != "AMAZON_ISSUED" or not one.exported:
            raise Refusal("ValidationException", "Only certificates that were exported can be revoked.")
        if one.revoked:
            raise Refusal("ConflictException", "The certificate is revoked already.")
        one.revoked = (body["RevocationReason"], self.orders.clock.now())
        self.orders.revoke(one.order.serial, body["RevocationReason"])
        return {"CertificateArn": one.arn}


def _judge(body: Mapping[str, Any]) -> None:
    """Refuse what the model, or its sentences, refuse."""
    others, tags = body.get("SubjectAlternativeNames", [body["DomainName"]]), body.get("Tags", [{"Key": "k"}])
    names = (body["DomainName"], *others)
    fits = (
        (1 <= len(others) <= 100, "SubjectAlternativeNames"),
        (all(len(one) <= 253 and re.fullmatch(NAME, one) for one in names), "a name"),
        (re.fullmatch(r"\w{1,32}", body.get("IdempotencyToken", "x")), "IdempotencyToken"),
        (body.get("KeyAlgorithm", "RSA_2048") in KEY_ALGORITHMS, "KeyAlgorithm"),
        (body.get("ValidationMethod", "DNS") in ("EMAIL", "DNS", "HTTP"), "ValidationMethod"),
        (1 <= len(tags) <= 50 and all(_is_tag(one) for one in tags), "Tags"),
    )
    for is_fit, what in fits:
        if not is_fit:
            raise Refusal("ValidationException", f"1 validation error detected: {what} failed to satisfy constraint")
    if body.get("KeyAlgorithm", "RSA_2048") not in MADE or len(body["DomainName"]) > 64:
        raise Refusal("InvalidParameterException", "The key algorithm or the length of the domain name is not allowed.")
    if ("ValidationMethod" in body) == ("CertificateAuthorityArn" in body):
        raise Refusal("InvalidParameterException", "Either a validation method or a private CA has to be given.")


def _is_tag(one: Mapping[str, str]) -> bool:
    key, value = one.get("Key", ""), one.get("Value", "")
    if not {"Key"} <= set(one) <= {"Key", "Value"} or key.startswith("aws:"):
        return False
    return bool(re.fullmatch(r"[\w .:/=+\-@]{1,128}", key) and re.fullmatch(r"[\w .:/=+\-@]{0,256}", value))


def _made(body: Mapping[str, Any], algorithm: str) -> str:
    """Make a key, and give a CSR of it; nobody has the key afterwards."""
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, body["DomainName"])])
    csr = x509.CertificateSigningRequestBuilder().subject_name(subject).sign(MADE[algorithm](), hashes.SHA256())
    return csr.public_bytes(serialization.Encoding.PEM).decode()
