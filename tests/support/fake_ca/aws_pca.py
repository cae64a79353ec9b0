# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""AWS Private CA as a fake, and the door to ACM: every field is held against AWS's own lists.

The lists are those of the published model, with which a test compares them.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from ansible_collections.edgecert.clm.tests.support.fake_ca.aws_acm import AcmVendor
from ansible_collections.edgecert.clm.tests.support.fake_ca.aws_front import (
    ACCOUNT,
    REGION,
    AwsFront,
    Fields,
    Refusal,
    Service,
)
from ansible_collections.edgecert.clm.tests.support.fake_ca.core import Order, Orders
from ansible_collections.edgecert.clm.tests.support.fake_ca.csr_names import names_of

TOKEN_S = 300.0
FIELDS: Fields = {
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


class AwsVendor(AwsFront):
    """AWS Private CA, with STS and ACM beside it.

    :ivar status: of the CA; ``usage`` the way it is used; ``key`` the kind of its key, as it is told.
    """

    def __init__(self, orders: Orders) -> None:
        super().__init__(orders)
        self.ca_arn = f"arn:aws:acm-pca:{REGION}:{ACCOUNT}:certificate-authority/0a1b2c3d-0000-4000-8000-000000000000"
        self.status, self.usage, self.key = "ACTIVE", "GENERAL_PURPOSE", "EC_prime256v1"
        self._tokens: dict[str, tuple[datetime, str, Mapping[str, Any]]] = {}
        does = {
            "IssueCertificate": self._issue,
            "GetCertificate": self._get,
            "RevokeCertificate": self._revoke,
            "DescribeCertificateAuthority": lambda _body: {"CertificateAuthority": self._ca()},
            "ListCertificateAuthorities": self._list,
        }
        self.services["ACMPrivateCA"] = Service("acm-pca", "", FIELDS, does, self._check)
        self.acm = AcmVendor(orders, self._pca_failure)
        self.services["CertificateManager"] = self.acm.service()

    def _check(self, body: Any) -> None:
        if "CertificateAuthorityArn" in body and body["CertificateAuthorityArn"] != self.ca_arn:
            raise Refusal("ResourceNotFoundException", f"Could not find {body['CertificateAuthorityArn']}")

    def _pca_failure(self, arn: str, family: str) -> str:
        """Say why ACM gets nothing of a private CA; empty where it does."""
        if arn != self.ca_arn:
            return "PCA_RESOURCE_NOT_FOUND"
        if self.status != "ACTIVE":
            return "PCA_INVALID_STATE"
        return "" if self.key.partition("_")[0] == family else "PCA_INVALID_ARGS"

    def _ca(self) -> dict[str, Any]:
        return {
            "Arn": self.ca_arn,
            "OwnerAccount": ACCOUNT,
            "Status": self.status,
            "UsageMode": self.usage,
            "NotAfter": self.orders.core.issuing.cert.not_valid_after_utc.timestamp(),
            "CertificateAuthorityConfiguration": {
                "KeyAlgorithm": self.key,
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
