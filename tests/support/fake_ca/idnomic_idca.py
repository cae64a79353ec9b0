# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A fake of IDnomic's IDCA connector, by our reading: SOAP 1.2, requests of a kind, certificates as DER."""

from __future__ import annotations

import base64
import xml.etree.ElementTree as ET

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from ansible_collections.edgecert.clm.tests.support.fake_ca import idnomic_wire as wire
from ansible_collections.edgecert.clm.tests.support.fake_ca.core import Call, Orders, Reply
from ansible_collections.edgecert.clm.tests.support.fake_ca.soap_wire import NotSoap, enveloped, fault_1_2, opened

PATH, CA_NAME = "/ngca/connector", "Example OpCA"
PROFILES = {"TLS": "Example OpCA/TLS", "TLS short": "Example OpCA/TLS short"}
REVOKES_BY = "revokeCertificate"
DAYS = 90
_TYPE = "{http://www.w3.org/2001/XMLSchema-instance}type"
_REASONS = ("unspecified", "keyCompromise", "affiliationChanged", "superseded", "cessationOfOperation")


class Refused(Exception):
    """The connector's fault."""


class IdcaVendor:
    """The connector.

    :ivar identity: files of a client certificate and its key.
    """

    def __init__(self, orders: Orders) -> None:
        self.orders, self.url = orders, ""
        self.identity: tuple[str, ...] = ()

    def handle(self, call: Call) -> Reply:
        """Answer a request."""
        if call.path != PATH:
            return Reply(404, b"<html><title>404</title></html>", {"Content-Type": "text/html"})
        if call.method == "GET":
            text = wire.idca_wsdl(self.url + PATH, REVOKES_BY)
            return Reply(200, text.encode(), {"Content-Type": "text/xml"}) if "wsdl" in call.query else Reply(405)
        try:
            node = opened(call, "1.2")
            operation = node.tag.removeprefix(f"{{{wire.WS_NS}}}")
            inner = self._told(operation, node, call.body)
        except (NotSoap, Refused) as exc:
            return fault_1_2("Sender", str(exc))
        answer = f'<k:{operation}Response xmlns:k="{wire.WS_NS}">{inner}</k:{operation}Response>'
        return enveloped(answer, version="1.2")

    def _told(self, operation: str, node: ET.Element, body: bytes) -> str:
        if operation == "listCertificateProfiles":
            if node.findtext("caName") != CA_NAME or len(node) != 1:
                raise Refused(f"CA {node.findtext('caName')} does not exist")
            return "".join(f"<profile>{name}</profile>" for name in PROFILES)
        if operation == "getCertificateProfileProperties":
            name = node.findtext("certificateProfile") or ""
            if name not in PROFILES or len(node) != 1:
                raise Refused(f"profile {name} does not exist")
            return f"<qName>{PROFILES[name]}</qName><caName>{CA_NAME}</caName>"
        if operation == "enroll":
            return self._enroll(self._typed(node, "EnrollmentRequest", body))
        if operation == "download":
            return self._download(self._typed(node, "DownloadRequest", body))
        if operation == REVOKES_BY:
            return self._revoke(self._typed(node, "RevocationRequest", body))
        raise Refused(f"no operation {operation}")

    @staticmethod
    def _typed(node: ET.Element, name: str, body: bytes) -> ET.Element:
        """Give the request of an operation, if it says that it is for X.509, by a prefix that is declared."""
        request = node.find(f"{{{wire.TYPES_NS}}}{name}")
        prefix, _colon, kind = ("" if request is None else request.get(_TYPE, "")).partition(":")
        if request is None or kind != f"X509{name}Type" or f'xmlns:{prefix}="{wire.TYPES_NS}"'.encode() not in body:
            raise Refused(f"cannot create an instance of the abstract {name}")
        return request

    def _enroll(self, request: ET.Element) -> str:
        data = request.find("certificateData")
        if [one.tag for one in request] != ["certificateProfile", "certificateData"] or data is None:
            raise Refused("certificateProfile and certificateData are wanted")
        if request.findtext("certificateProfile") not in PROFILES.values():
            raise Refused(f"profile {request.findtext('certificateProfile')} does not exist")
        params = [(one.findtext("name") or "", one.findtext("value") or "") for one in data]
        if {name for name, _value in params} != {"dnsName", "csr"}:
            raise Refused("parameters are dnsName and csr")
        der = base64.b64decode(dict(params)["csr"], validate=True)
        csr = x509.load_der_x509_csr(der).public_bytes(Encoding.PEM).decode()
        names = [value for name, value in params if name == "dnsName"]
        try:
            order = self.orders.place(csr, {}, names=names, days=DAYS)
        except ValueError as exc:
            raise Refused(f"csr: {exc}") from exc
        text = _bare(order.leaf)
        return f"<certificate>{self.orders.shown(text, len(text) // 2 // 4 * 4)}</certificate>"

    def _serial(self, request: ET.Element) -> str:
        name = x509.load_pem_x509_certificate(self.orders.core.issuing.pem.encode()).subject
        wanted = ",".join(part.rfc4514_string() for part in name.rdns)
        asked = request.findtext("serialNumber") or ""
        known = {one.serial.lstrip("0"): one.serial for one in self.orders.found.values() if one.leaf}
        if request.findtext("issuerDn") != wanted or asked not in known:
            raise Refused(f"no certificate {asked} of {request.findtext('issuerDn')}")
        return known[asked]

    def _download(self, request: ET.Element) -> str:
        if [one.tag for one in request] != ["issuerDn", "withCaChain", "serialNumber"]:
            raise Refused("issuerDn, withCaChain and serialNumber are wanted")
        self._serial(request)
        above = "".join(f"<authority>{_bare(one)}</authority>" for one in self.orders.chain())
        return f"<authorities>{above}</authorities>"

    def _revoke(self, request: ET.Element) -> str:
        serial, reason = self._serial(request), request.findtext("reason") or ""
        if reason not in _REASONS:
            raise Refused(f"reason {reason} does not exist")
        if serial in self.orders.revoked:
            raise Refused("the certificate is already revoked")
        self.orders.revoke(serial, reason)
        return ""


def _bare(pem: str) -> str:
    return "".join(line for line in pem.splitlines() if not line.startswith("-----"))
