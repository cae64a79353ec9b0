# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A fake of GlobalSign MSSL: both services, as strict as their schemas, with the CA's own codes under HTTP 200."""

from __future__ import annotations

import secrets
import xml.etree.ElementTree as ET
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta, timezone
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, pkcs7

from ansible_collections.edgecert.clm.tests.support.fake_ca import globalsign_types as known
from ansible_collections.edgecert.clm.tests.support.fake_ca.core import Call, Order, Orders, Reply
from ansible_collections.edgecert.clm.tests.support.fake_ca.soap_schema import fault_of, wsdl
from ansible_collections.edgecert.clm.tests.support.fake_ca.soap_wire import NotSoap, enveloped, fault, opened, xml

PROFILES = {"5501_OV": "Example Ltd", "5502_OV": "Example Holding"}
DOMAINS = {
    "DOM-1": ("5501_OV", "example.com"),
    "DOM-2": ("5501_OV", "eu.example.com"),
    "DOM-3": ("5502_OV", "example.com"),
}
PRODUCTS = ("PV_SHA2", "PEV_SHA2", "PV_INTRA_SHA2", "PV_INTRA_ECCP256", "PV_CLOUD", "PV_CLOUD_ECC2")
_NUMBERS = {"done": "4", "refused": "10", "withdrawn": "3", "locked": "9"}
_MESSAGES = {
    "-101": "Invalid parameter entered.",
    "-102": "Mandatory parameter missing",
    "-105": "Invalid parameter combination",
    "-4001": "Login failure invalid user ID",
    "-6102": "The renewal of the certificate failed.",
    "-9401": "No profile was found using the supplied MSSLProfileID.",
    "-9440": "No domain was found using the supplied MSSLDomainID.",
    "-9443": "The account used does not have access to the domain.",
    "-9916": "Cannot find the certificate that is associated with the order id you have supplied",
    "-9933": "The expiration date you have entered is not compatible with the product you have selected",
    "-9938": "The status of the certificate has already been changed",
}


class Refused(Exception):
    """A code of the CA's; ``field`` names a field of the request."""

    def __init__(self, code: str, field: str = "", words: str = "") -> None:
        super().__init__(code)
        self.code, self.field, self.words = code, field, words or _MESSAGES.get(code, "")


class GlobalsignVendor:
    """Both services.

    :ivar waiting: number of the state of orders that are not done.
    :ivar fails_with: code that the next write is answered with, after it was done; empty for none.
    :ivar is_slow_to_revoke: revocations stay under way.
    :ivar tells_csr: orders tell the CSR they are of.
    :ivar zone: times are those of a place so far from UTC, and do not say so.
    :ivar identity: files of a client certificate and its key, where one is demanded.
    :ivar adds_twins: the name without ``www.`` is put beside one with it, as the real CA does.
    """

    def __init__(self, orders: Orders) -> None:
        self.orders, self.user, self.password = orders, "PAR00001_clm", f"p&<{secrets.token_hex(16)}>"
        self.waiting, self.fails_with, self.is_slow_to_revoke, self.tells_csr = "2", "", False, True
        self.adds_twins, self.zone = False, timedelta(0)
        self.url, self.identity = "", ()
        self._operations: Mapping[str, Callable[[ET.Element], list[tuple[str, Any]]]] = {
            "PVOrder": self._place,
            "ModifyMSSLOrder": self._modify,
            "GetMSSLProfiles": self._profiles,
            "GetMSSLDomains": self._domains,
            "ReIssue": self._reissue,
            "GetOrderByOrderID": self._by_id,
            "GetOrderByDateRange": self._by_range,
        }

    def handle(self, call: Call) -> Reply:
        """Answer a request."""
        service = {
            known.ORDER_PATH: (known.ORDER_NS, "ManagedSSLService", known.ORDER_TYPES, known.ORDER_OPERATIONS),
            known.QUERY_PATH: (known.QUERY_NS, "GASService", known.QUERY_TYPES, known.QUERY_OPERATIONS),
        }.get(call.path)
        if service is None:
            return Reply(404, b"<html><title>Not Found</title></html>", {"Content-Type": "text/html"})
        if call.method == "GET":
            text = wsdl(*service, address=self.url + call.path)
            return Reply(200, text.encode(), {"Content-Type": "text/xml"}) if "wsdl" in call.query else Reply(405)
        try:
            node = opened(call)
        except NotSoap as exc:
            return fault("Client", str(exc))
        namespace, _name, types, operations = service
        operation = node.tag.removeprefix(f"{{{namespace}}}")
        request = node.find("Request")
        if call.headers["soapaction"] not in ('""', "") or operation not in operations or request is None:
            return fault("Client", f"Message part {node.tag} was not recognized")
        return self._answered(namespace, operation, request, types, operations[operation])

    def _answered(
        self, namespace: str, operation: str, request: ET.Element, types: Mapping[str, str], kinds: tuple[str, str]
    ) -> Reply:
        wrong = fault_of(types, kinds[0], request)
        if wrong and not wrong.is_missing:
            return fault("Client", f'Unmarshalling Error: unexpected element (uri:"", local:"{wrong.name}").')
        head = types[kinds[1]].split(":")[0].rstrip("?")
        try:
            if wrong:
                raise Refused("-102", wrong.name)
            self._log_in(request)
            content, code = self._operations[operation](request), ""
            if self.fails_with and head == "OrderResponseHeader" and operation != "GetOrderByOrderID":
                code, self.fails_with = self.fails_with, ""
                raise Refused(code)
            told = [(head, [("SuccessCode", "0"), ("Timestamp", self._time(self.orders.clock.now()))]), *content]
        except Refused as exc:
            entry = [("ErrorCode", exc.code), ("ErrorField", exc.field or None), ("ErrorMessage", exc.words)]
            told = [(head, [("SuccessCode", "-1"), ("Errors", [("Error", entry)])])]
        inner = xml([("Response", told)])
        return enveloped(f'<k:{operation}Response xmlns:k="{namespace}">{inner}</k:{operation}Response>')

    def _log_in(self, request: ET.Element) -> None:
        given = request[0].find("AuthToken") if len(request) else None
        if given is None or (_text(given, "UserName"), _text(given, "Password")) != (self.user, self.password):
            shown = "" if given is None else f"{_text(given, 'UserName')}/{_text(given, 'Password')}"
            raise Refused("-4001", "", f"Login failure invalid user ID {shown}")

    # -- lists -----------------------------------------------------------------------------------------------------

    def _profiles(self, request: ET.Element) -> list[tuple[str, Any]]:
        found = []
        for number, organization in PROFILES.items():
            place = [("Country", "GB"), ("StateOrProvince", "Kent"), ("Locality", "Maidstone")]
            profile = [*place, ("OrganizationName", organization)]
            info = [("MSSLOVProfile", profile), ("OVSealInfo", []), ("BusinessOVInfo", [])]
            entry: list[tuple[str, Any]] = [("MSSLProfileId", number), ("VettingLevel", "OV")]
            entry += [("MSSLPlofileStatus", "3")]
            entry += [("RequestDate", "2026-01-01T00:00:00.000Z"), ("MSSLOVProfileInfo", info)]
            found.append(("SearchMsslProfileDetail", entry))
        return [("SearchMSSLProfileDetails", found)]

    def _domains(self, request: ET.Element) -> list[tuple[str, Any]]:
        wanted = _text(request, "MSSLProfileID")
        found = [
            ("SearchMsslDomainDetail", [("MSSLDomainID", one), ("MSSLProfileID", owner), ("MSSLDomainName", name)])
            for one, (owner, name) in DOMAINS.items()
            if wanted in ("", owner)
        ]
        return [("SearchMsslDomainDetails", found)]

    # -- orders ----------------------------------------------------------------------------------------------------

    def _place(self, request: ET.Element) -> list[tuple[str, Any]]:
        parameter = request.find("OrderRequestParameter")
        assert parameter is not None
        csr_pem = _text(parameter, "CSR")
        common_name = _common_name(csr_pem)
        names = self._names(request, parameter, common_name)
        renews = _text(parameter, "RenewalTargetOrderID")
        if (_text(parameter, "OrderKind") == "renewal") != bool(renews):
            raise Refused("-105", "OrderKind")
        if renews:
            self._renewable(renews, common_name)
        days = self._days(parameter)
        wanted: dict[str, Any] = {"common_name": common_name, "renews": renews}
        ends_at = self.orders.clock.now() + timedelta(days=days)
        wanted.update(product=_text(parameter, "ProductCode"), ends_at=ends_at)
        order = self._signed(csr_pem, wanted, names, days)
        told = [("CertificateInfo", self._info(order))]
        if order.leaf:
            told.append(("Fulfillment", self._fulfilled(order)))
        return [("OrderID", order.order_id), ("PVOrderDetail", told)]

    def _signed(self, csr_pem: str, wanted: dict[str, Any], names: list[str], days: int) -> Order:
        try:
            return self.orders.place(csr_pem, wanted, names=names, days=days)
        except ValueError as exc:
            raise Refused("-101", "CSR", f"{_MESSAGES['-101']} {exc}") from exc

    def _names(self, request: ET.Element, parameter: ET.Element, common_name: str) -> list[str]:
        product, is_wild = _text(parameter, "ProductCode"), common_name.startswith("*.")
        private = product.startswith("PV_INTRA")
        base = "private" if private else "wildcard" if is_wild else ""
        if product not in PRODUCTS or _text(parameter, "BaseOption") != base:
            raise Refused("-101", "ProductCode" if product not in PRODUCTS else "BaseOption")
        if _text(parameter, "Licenses") != "1" or _text(parameter, "OrderKind") not in ("new", "renewal"):
            raise Refused("-101", "Licenses")
        self._allowed(_text(request, "MSSLProfileID"), _text(request, "MSSLDomainID"), common_name, private)
        bare = common_name.removeprefix("*.").removeprefix("www.")
        twins = {common_name, bare} if bare != common_name else {common_name}
        entries = [(_text(one, "SANOptionType"), _text(one, "SubjectAltName")) for one in request.iter("SANEntry")]
        for kind, name in entries:
            wanted = "13" if name.startswith("*.") else ("4" if private else "3") if _is_ip(name) else "7"
            if kind != wanted or name in twins:
                raise Refused("-101", "SANEntries")
        has_option = any(_text(one, "OptionName") == "SAN" for one in parameter.iter("Option"))
        if has_option != bool(entries):
            raise Refused("-105", "Options")
        more = [bare] if self.adds_twins and bare != common_name else []
        return [common_name, *more, *(name for _kind, name in entries)]

    def _allowed(self, profile: str, domain: str, common_name: str, private: bool) -> None:
        if profile not in PROFILES:
            raise Refused("-9401", "MSSLProfileID")
        if private and domain == "INTRANETSSLDOMAIN":
            return
        if domain not in DOMAINS or DOMAINS[domain][0] != profile:
            raise Refused("-9440", "MSSLDomainID")
        if not f".{common_name}".endswith(f".{DOMAINS[domain][1]}"):
            raise Refused("-9443", "MSSLDomainID")

    def _renewable(self, number: str, common_name: str) -> None:
        before = self.orders.found.get(number)
        used = any(one.wanted.get("renews") == number for one in self.orders.found.values())
        if before is None or not self._stands(before) or before.wanted["common_name"] != common_name or used:
            raise Refused("-6102")

    def _stands(self, order: Order) -> bool:
        return order.status == "done" and order.serial not in self.orders.revoked

    def _days(self, parameter: ET.Element) -> int:
        period = parameter.find("ValidityPeriod")
        assert period is not None
        months, begin, end = int(_text(period, "Months")), _text(period, "NotBefore"), _text(period, "NotAfter")
        if not end:
            return months * 30
        first, last = _moment(begin), _moment(end)
        if (last - first).days > months * 31:
            raise Refused("-9933", "ValidityPeriod")
        return round((last - self.orders.clock.now()) / timedelta(days=1))

    def _reissue(self, request: ET.Element) -> list[tuple[str, Any]]:
        before = self._known(_text(request, "TargetOrderID"))
        parameter = request.find("OrderParameter")
        assert parameter is not None
        csr_pem = _text(parameter, "CSR")
        if not self._stands(before) or _common_name(csr_pem) != before.wanted["common_name"]:
            raise Refused("-101" if self._stands(before) else "-9938", "CSR")
        more = [name for name in _text(parameter, "DNSNames").split(",") if name]
        names = [before.wanted["common_name"], *more]
        # No lifetime is asked for: it ends with its order.
        days = (before.wanted["ends_at"] - self.orders.clock.now()).days
        order = self._signed(csr_pem, {**before.wanted, "renews": ""}, names, days)
        return [("OrderID", order.order_id), ("TargetOrderID", before.order_id)]

    def _known(self, number: str) -> Order:
        if number not in self.orders.found:
            raise Refused("-9916", "OrderID")
        return self.orders.found[number]

    def _modify(self, request: ET.Element) -> list[tuple[str, Any]]:
        order, wanted = self._known(_text(request, "OrderID")), _text(request, "ModifyOrderOperation")
        if wanted == "Revoke" and order.status == "done" and order.serial not in self.orders.revoked:
            self.orders.revoke(order.serial, "unspecified")
        elif wanted == "Cancel" and order.status == "new":
            order.status = "withdrawn"
        elif wanted in ("Revoke", "Cancel"):
            raise Refused("-9938", "OrderID")
        else:
            raise Refused("-101", "ModifyOrderOperation")
        return []

    def _by_id(self, request: ET.Element) -> list[tuple[str, Any]]:
        order = self._known(_text(request, "OrderID"))
        self.orders.poll(order)
        return [("OrderID", order.order_id), ("OrderDetail", self._detail(order, request))]

    def _by_range(self, request: ET.Element) -> list[tuple[str, Any]]:
        begin, end = _moment(_text(request, "FromDate")), _moment(_text(request, "ToDate"))
        listed = [one for one in self.orders.found.values() if begin <= one.placed_at <= end]
        found = [("OrderDetail", self._detail(one, request)) for one in listed]
        return [("FromDate", _text(request, "FromDate")), ("OrderDetails", found or None)]

    # -- what is told ----------------------------------------------------------------------------------------------

    def _number(self, order: Order) -> str:
        if order.serial in self.orders.revoked:
            return "6" if self.is_slow_to_revoke else "7"
        return _NUMBERS.get(order.status) or self.orders.strange_word or self.waiting

    def _info(self, order: Order) -> list[tuple[str, Any]]:
        begin = self._time(order.placed_at)
        name = order.wanted["common_name"]
        dates = [("CertificateStatus", self._number(order)), ("StartDate", begin), ("EndDate", begin)]
        return [*dates, ("CommonName", name), ("SerialNumber", order.serial), ("SubjectName", f"CN={name}")]

    def _fulfilled(self, order: Order, csr: str | None = None) -> list[tuple[str, Any]]:
        leaf = self.orders.shown(order.leaf)
        both = pkcs7.serialize_certificates([x509.load_pem_x509_certificate(order.leaf.encode())], Encoding.PEM)
        above = [("CACertificate", [("CACertType", "INTER"), ("CACert", one)]) for one in self.orders.chain()]
        server = [("X509Cert", leaf), ("PKCS7Cert", both.decode())]
        return [("CACertificates", above), ("ServerCertificate", server), ("OriginalCSR", csr)]

    def _detail(self, order: Order, request: ET.Element) -> list[tuple[str, Any]]:
        wants = {one.tag for one in request.iter() if one.tag.startswith("Return") and one.text == "true"}
        at = self.orders.revoked.get(order.serial, ("", None))[1]
        info = [("OrderId", order.order_id), ("ProductCode", order.wanted["product"]), ("OrderKind", "new")]
        info += [("Licenses", "1"), ("DomainName", order.wanted["common_name"])]
        info += [("OrderDate", self._time(order.placed_at)), ("OrderDeactivatedDate", self._time(at) if at else None)]
        info += [("OrderStatus", self._number(order)), ("Price", "0"), ("Currency", "EUR")]
        info += [("ValidityPeriod", [("Months", "3")])]
        names = ("CSRSkipOrderFlag", "DNSOrderFlag", "TrustedOrderFlag", "P12DeleteStatus")
        flags = [(name, "false") for name in names]
        told: list[tuple[str, Any]] = [("OrderInfo", info), ("OrderSubInfo", [*flags, ("SubId", "")])]
        if "ReturnCertificateInfo" in wants:
            told.append(("CertificateInfo", self._info(order)))
        csr = order.csr_pem if "ReturnOriginalCSR" in wants and self.tells_csr else None
        if "ReturnFulfillment" in wants and order.leaf:
            told.append(("Fulfillment", self._fulfilled(order, csr)))
        elif csr:
            told.append(("Fulfillment", [("OriginalCSR", csr)]))
        return told

    def _time(self, moment: datetime) -> str:
        return (moment + self.zone).strftime("%Y-%m-%dT%H:%M:%S.000") + ("" if self.zone else "Z")


def _text(node: ET.Element, name: str) -> str:
    return node.findtext(name) or ""


def _common_name(csr_pem: str) -> str:
    try:
        subject = x509.load_pem_x509_csr(csr_pem.encode()).subject
    except ValueError as exc:
        raise Refused("-101", "CSR") from exc
    return str(subject.get_attributes_for_oid(x509.NameOID.COMMON_NAME)[0].value)


def _moment(text: str) -> datetime:
    try:
        return datetime.strptime(text, "%Y-%m-%dT%H:%M:%S.000Z").replace(tzinfo=timezone.utc)
    except ValueError as exc:
        raise Refused("-101", "Date") from exc


def _is_ip(name: str) -> bool:
    return name.replace(".", "").isdigit() or ":" in name
