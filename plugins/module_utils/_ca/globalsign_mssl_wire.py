# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""GlobalSign MSSL on the wire: its numbers and codes as tables, its requests built, its answers read.

:source: ca-connectors §4.10; the published WSDLs ``ManagedSSLService`` (v2) and ``GASService`` (v1).
"""

from __future__ import annotations

import ipaddress
import re
import xml.etree.ElementTree as ET
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta, timezone
from typing import Any

from .._core.clock import from_text
from .._core.errors import AuthError, InputError, RemoteError
from .._core.redact import Secret
from . import soap
from .answer_base import CANCELLED, ISSUED, PENDING_APPROVAL, PROCESSING, REJECTED, REVOKED, SUBMITTED
from .base import Order
from .rest import Rest
from .soap import Content, Soap

ORDER_NS = "https://system.globalsign.com/kb/ws/v2/"
QUERY_NS = "https://system.globalsign.com/kb/ws/v1/"
PRIVATE_PREFIX = "PV_INTRA"
PRIVATE_DOMAIN = "INTRANETSSLDOMAIN"
PRODUCTS: Mapping[str, str] = {
    "PV_SHA2": "organisation validated",
    "PEV_SHA2": "extended validation",
    "PV_CLOUD": "cloud, RSA",
    "PV_CLOUD_ECC2": "cloud, ECDSA",
    "PV_INTRA_SHA2": "private names, RSA",
    "PV_INTRA_ECCP256": "private names, ECDSA",
}
STATES: Mapping[str, str] = {
    "1": SUBMITTED,
    "2": PROCESSING,
    "3": CANCELLED,
    "4": ISSUED,
    "5": CANCELLED,
    "6": REVOKED,
    "7": REVOKED,
    "8": PENDING_APPROVAL,
    "9": PROCESSING,
    "10": REJECTED,
}
REVOKING = "6"
WORDS: Mapping[str, str] = {
    "1": "the order has just begun",
    "2": "the CA is at work on the order",
    "3": "the order was cancelled",
    "5": "the order was cancelled after it was issued",
    "6": "the certificate is being revoked",
    "7": "the certificate is revoked",
    "8": "the order waits for approval at GlobalSign's portal",
    "9": "the order is locked at the CA",
    "10": "the order was refused (denied)",
}
LOGIN_CODES = ("-4001", "-4201", "-9403")
# After these nobody knows whether there is an order.
UNSURE_CODES = ("-1", "-300", "-301", "-9942", "-9943")
CHANGED_CODES = ("-9915", "-9938")
NO_ORDER = "-9916"
HINTS: Mapping[str, str] = {
    "-300": "its database failed, try again later",
    "-4001": "user_name or password is wrong",
    "-4201": "it takes calls from registered addresses alone, register this one",
    "-6007": "a key may be used again for the same common name alone",
    "-6101": "the account's balance does not cover the order",
    "-6102": "a renewal has the common name of an order that is issued and was not renewed before",
    "-9401": "the account has no such MSSL profile",
    "-9403": "the user has no rights to MSSL",
    "-9440": "the profile has no such domain",
    "-9443": "the account may not use the domain",
    "-9933": "the dates are longer apart than the months",
    "-9936": "the key is too short, or known to be weak",
}
_CONTACT = ("FirstName", "LastName", "Phone", "Email")
# The CA's clock may be behind, or an intent a little older than its order.
_BEFORE = timedelta(minutes=10)
_SAN_FQDN, _SAN_WILDCARD, _SAN_PUBLIC_IP, _SAN_PRIVATE_IP = "7", "13", "3", "4"
_ZONED = re.compile(r"(?:[Zz]|[+-]\d\d:?\d\d)$")
DETAILS: Content = tuple(
    (f"Return{name}", "true")
    for name in ("OrderOption", "CertificateInfo", "Fulfillment", "CACerts", "OriginalCSR", "SANEntries")
)


class MsslError(RemoteError):
    """The CA answered with a code of its own, under HTTP 200.

    :ivar codes: as it gave them.
    """

    code = "ca_error"

    def __init__(self, message: str, *, codes: Sequence[str], **kwargs: Any) -> None:
        super().__init__(message, retryable="-300" in codes, **kwargs)
        self.codes = tuple(codes)
        self.details.setdefault("ca_codes", list(self.codes))

    @property
    def is_refusal(self) -> bool:
        """Say whether the CA surely did nothing."""
        return not set(self.codes) & set(UNSURE_CODES)


class Services:
    """The two services of an account; user and password go into each request.

    :param paths: of the order and of the query service.
    """

    def __init__(self, rest: Rest, paths: tuple[str, str], user_name: str, password: Secret) -> None:
        self.rest, self._soap, self.paths = rest, Soap(rest), paths
        self._login = (user_name, password)

    def order(self, what: str, operation: str, *content: tuple[str, Content], header: str = "Order") -> ET.Element:
        """Call the order service."""
        return self._ask(what, self.paths[0], ORDER_NS, operation, header, content)

    def query(self, what: str, operation: str, *content: tuple[str, Content], header: str = "Query") -> ET.Element:
        """Call the query service."""
        return self._ask(what, self.paths[1], QUERY_NS, operation, header, content)

    def _ask(
        self, what: str, path: str, namespace: str, operation: str, header: str, content: Sequence[tuple[str, Content]]
    ) -> ET.Element:
        """Give the ``Response`` of an operation that the CA calls a success.

        :raises AuthError: the login was refused; status 401 is what it means, though HTTP says 200.
        :raises MsslError: any other error of the CA's.
        """
        token = (("UserName", self._login[0]), ("Password", self._login[1].reveal()))
        request = ((f"{header}RequestHeader", (("AuthToken", token),)), *content)
        wrapped = soap.element(f"{{{namespace}}}{operation}", (("Request", request),))
        found = soap.find(self._soap.ask(what, path, wrapped), "Response")
        head = _head(found)
        if found is None or head is None:
            raise RemoteError(f"Cannot {what}: the answer to {operation} has no header", status=200, code="not_xml")
        if soap.text(head, "SuccessCode") not in ("0", "1"):
            self._refuse(what, head)
        return found

    def _refuse(self, what: str, head: ET.Element) -> None:
        codes = [soap.text(one, "ErrorCode") for one in soap.every(soap.find(head, "Errors"), "Error")]
        message = self.rest.masked(f"Cannot {what}: {'; '.join(errors_of(head)) or 'the CA gives no reason'}")
        if set(codes) & set(LOGIN_CODES):
            raise AuthError(message, status=401, details={"ca_codes": codes})
        raise MsslError(message, codes=codes or ["-1"], status=200)


def _head(response: ET.Element | None) -> ET.Element | None:
    """Find the header; some answers to queries call it the one of an order."""
    for name in ("OrderResponseHeader", "QueryResponseHeader"):
        found = soap.find(response, name)
        if found is not None:
            return found
    return None


def errors_of(head: ET.Element | None) -> list[str]:
    """Give the CA's errors, or warnings, as sentences, with what to do about those we know."""
    found = []
    for one in soap.every(soap.find(head, "Errors"), "Error"):
        code, where, words = (soap.text(one, name) for name in ("ErrorCode", "ErrorField", "ErrorMessage"))
        hint = HINTS.get(code, "")
        told = ", ".join(part for part in (words, f"field {where}" if where else "", hint) if part)
        found.append(f"{code} {told}".strip())
    return found


def warnings_of(response: ET.Element) -> tuple[str, ...]:
    """Give what the CA remarks on a success."""
    return tuple(errors_of(_head(response)))


# -- requests ------------------------------------------------------------------------------------------------------


def is_private(product: str) -> bool:
    """Say whether a product is for names that are not public."""
    return product.startswith(PRIVATE_PREFIX)


def wire_time(moment: datetime) -> str:
    """Write a time as the services do. :source: our reading; they keep it as a text."""
    return moment.astimezone(timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.000Z")


def months_of(begin: datetime, days: int) -> int:
    """Give the least months that cover days, at least one: dates may not be longer apart than they.

    :source: error -9933.
    """
    end = begin + timedelta(days=days)
    months = (end.year - begin.year) * 12 + end.month - begin.month
    is_over = (end.day, end.time()) > (begin.day, begin.time())
    return max(1, months + (1 if is_over else 0))


def twins_of(common_name: str) -> tuple[str, ...]:
    """Give the names that the CA puts beside a common name by itself, so that they may not be asked for."""
    for prefix in ("*.", "www."):
        if common_name.startswith(prefix):
            base = common_name.removeprefix(prefix)
            return (common_name, base, f"www.{base}") if prefix == "*." else (common_name, base)
    return (common_name,)


def san_entries(order: Order, product: str) -> list[tuple[str, Content]]:
    """Give the names beside the common name, each with the number of its kind."""
    left_out = twins_of(order.spec.common_name)
    found: list[tuple[str, Content]] = []
    for name in (*order.spec.dns_names, *order.spec.ip_addresses):
        if name not in left_out:
            found.append(("SANEntry", (("SANOptionType", _san_kind(name, product)), ("SubjectAltName", name))))
    return found


def _san_kind(name: str, product: str) -> str:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return _SAN_WILDCARD if name.startswith("*.") else _SAN_FQDN
    return _SAN_PRIVATE_IP if is_private(product) else _SAN_PUBLIC_IP


def contact_of(options: Mapping[str, Any]) -> list[tuple[str, Content]]:
    """Give the contact of each order out of the account's options."""
    names = {name: re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower() for name in _CONTACT}
    return [(name, str(options[f"contact_{option}"])) for name, option in names.items()]


def reissue_content(order: Order, csr_pem: str, order_id: str) -> tuple[tuple[str, Content], ...]:
    """Give what a ReIssue holds after its header; it has a place for DNS names, and none for addresses or dates."""
    more = ",".join(name for name in order.spec.dns_names if name not in twins_of(order.spec.common_name))
    parameter = [("CSR", csr_pem), *([("DNSNames", more)] if more else [])]
    return (("OrderParameter", parameter), ("TargetOrderID", order_id), ("HashAlgorithm", "SHA256"))


def order_content(
    order: Order, csr_pem: str, *, product: str, profile: str, domain: str, contact: Content, renews: str, dates: bool
) -> tuple[tuple[str, Content], ...]:
    """Give what a PVOrder holds after its header, in the order of its schema.

    :param renews: id of the order that is renewed; empty for none.
    :param dates: say to the day when it ends, beside the months.
    """
    entries = san_entries(order, product)
    is_wild = order.spec.common_name.startswith("*.")
    base = "private" if is_private(product) else "wildcard" if is_wild else ""
    validity: list[tuple[str, Content]] = [("Months", str(months_of(order.at, order.validity_days)))]
    if dates:
        end = order.at + timedelta(days=order.validity_days)
        validity += [("NotBefore", wire_time(order.at)), ("NotAfter", wire_time(end))]
    parameter: list[tuple[str, Content]] = [("ProductCode", product)]
    parameter += [("BaseOption", base)] if base else []
    parameter += [("OrderKind", "renewal" if renews else "new"), ("Licenses", "1")]
    if entries:
        parameter.append(("Options", (("Option", (("OptionName", "SAN"), ("OptionValue", "true"))),)))
    parameter += [("ValidityPeriod", validity), ("CSR", csr_pem)]
    parameter += [("RenewalTargetOrderID", renews)] if renews else []
    content: list[tuple[str, Content]] = [("OrderRequestParameter", parameter)]
    content += [("MSSLProfileID", profile), ("MSSLDomainID", domain), ("ContactInfo", contact)]
    content += [("SANEntries", entries)] if entries else []
    return tuple(content)


# -- answers -------------------------------------------------------------------------------------------------------


def status_of(detail: ET.Element | None) -> str:
    """Give the number of an order's state; the certificate's, and the order's where there is no certificate yet."""
    return soap.text(detail, "CertificateInfo", "CertificateStatus") or soap.text(detail, "OrderInfo", "OrderStatus")


def certificates_of(detail: ET.Element | None) -> tuple[str, list[str]]:
    """Give an order's certificate and those of CAs, PEM; the first is empty where it is not issued."""
    fulfilled = soap.find(detail, "Fulfillment")
    leaf = soap.text(fulfilled, "ServerCertificate", "X509Cert")
    above = [soap.text(one, "CACert") for one in soap.every(soap.find(fulfilled, "CACertificates"), "CACertificate")]
    return _armoured(leaf, "CERTIFICATE"), [_armoured(one, "CERTIFICATE") for one in above if one]


def ends_at(detail: ET.Element | None) -> datetime | None:
    """Give when an order ends, as its certificate does; None where it is not issued, or that cannot be read."""
    from .._pki.x509 import certificate_facts

    leaf, _above = certificates_of(detail)
    try:
        return certificate_facts(leaf).not_after if STATES.get(status_of(detail)) == ISSUED else None
    except InputError:
        return None


def may_be(order: Order, detail: ET.Element) -> bool:
    """Say whether a listed order can be this one: not the one that it follows, nor one of long before."""
    number, at = soap.text(detail, "OrderInfo", "OrderId"), moment_of(detail, "OrderDate")
    if number == str(order.parent.get("order_id") or ""):
        return False
    return at is None or at >= order.at - _BEFORE


def _armoured(text: str, label: str) -> str:
    if not text or "-----BEGIN" in text:
        return text
    return f"-----BEGIN {label}-----\n{text}\n-----END {label}-----\n"


def is_of_csr(detail: ET.Element, fingerprint: str) -> bool | None:
    """Say whether an order is of a CSR; None where the order does not tell.

    :param fingerprint: SHA-256 of the CSR's DER.
    """
    from .._pki.x509 import csr_facts

    text = soap.text(detail, "Fulfillment", "OriginalCSR")
    if not text:
        return None
    try:
        return csr_facts(_armoured(text, "CERTIFICATE REQUEST")).fingerprint == fingerprint
    except InputError:
        return None


def moment_of(detail: ET.Element | None, name: str) -> datetime | None:
    """Give a time of an order; None where there is none, or it cannot be read.

    One without a zone counts as none: no document says whose time it is, and an order of now must not look like one of
    hours ago.
    """
    text = soap.text(detail, "OrderInfo", name)
    try:
        return from_text(text) if _ZONED.search(text) else None
    except ValueError:
        return None
