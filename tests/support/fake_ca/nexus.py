# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The REST API of Nexus Certificate Manager as ca-connectors §4.13 has it: forms in, certificates out, errors in JSON.

The officer's signatures are verified by ``openssl cms``, and their content is what was handed out.
"""

from __future__ import annotations

import base64
import secrets
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, pkcs7

from ansible_collections.edgecert.clm.plugins.module_utils._core.clock import from_text, to_text
from ansible_collections.edgecert.clm.tests.support.fake_ca.core import Call, Order, Orders, Reply

FORM = {"pkcs10", "procname", "validfrom", "validto", "signature"}
REASONS = ("0", "1", "3", "4", "5", "6", "9")
PROCEDURES = ("Server TLS", "Device")
SEARCHED = {
    *("searchLimit", "searchOffset", "subjectCommonName", "certificateSerialNumber", "subjectKeyIdentifier"),
    *("isNotRevoked", "isExpired"),
}
MSG_SIGN = "Sign request and send again"


class NexusVendor:
    """The API behind the gateway.

    :ivar signs: the gateway signs itself (VRO mode); else a write wants an officer's signature.
    :ivar officer: certificate, PEM, whose signature counts; ``ca_path`` what it is verified by; ``folder`` for openssl.
    :ivar busy: how many further calls are answered with -40.
    :ivar is_pkcs7: certificates are given as PKCS#7; ``other_identifiers`` key identifiers are made another way.
    :ivar lacks: the officer has no right to write; ``lists_nothing`` none to list procedures.
    :ivar is_silent: answers bear no id of the certificate; ``says`` is given in place of a certificate that was signed.
    :ivar most: certificates in an answer of the list, whatever was asked for; ``hidden`` are counted and not given.
    """

    def __init__(self, orders: Orders, folder: Path, *, signs: bool = True) -> None:
        self.orders, self.folder, self.signs = orders, folder, signs
        self.officer, self.ca_path = "", ""
        self.busy, self.is_pkcs7, self.other_identifiers, self.lacks = 0, False, False, False
        self.lists_nothing = self.is_silent = False
        self.says, self.most, self.hidden = b"", 100, 0
        self.handed: dict[str, tuple[tuple[str, str], ...]] = {}
        self.signatures: list[bytes] = []

    def handle(self, call: Call) -> Reply:
        """Answer an officer's request."""
        if not call.client:
            return Reply(401, {"error": -15, "msg": "No client certificate"})
        if call.parts[:2] != ("pgwy", "api"):
            return Reply(404, b"<html><head><title>404</title></head></html>", {"Content-Type": "text/html"})
        if self.busy:
            self.busy -= 1
            return _failure(-40, "Too many requests")
        match (call.method, *call.parts[2:]):
            case ("GET", "procedures"):
                if self.lists_nothing:
                    return _failure(-15, "Officer lacks the role")
                if call.query != {"mediaType": "pkcs10"}:
                    return _failure(-14, "mediaType")
                listed = [{"procid": str(number), "procname": name} for number, name in enumerate(PROCEDURES, 10)]
                return Reply(200, {"error": 0, "msg": "", "procedures": listed})
            case ("POST", "certificates", "pkcs10"):
                return self._written(call, FORM, self._issue)
            case ("POST", "certificates", "revoke"):
                return self._written(call, {"certid", "reason", "signature"}, self._revoke)
            case ("GET", "certificates"):
                return self._search(call)
            case ("GET", "certificates", number, "details"):
                order = self._order(number)
                told = {"error": 0, "msg": "", "certificate": self._told(order)} if order else None
                return Reply(200, told) if told else _failure(-14, f"No certificate with id {number}")
            case ("GET", "certificates", number, "download"):
                order = self._order(number)
                return self._certificate(order) if order else _failure(-14, f"No certificate with id {number}")
        return _failure(-1, "Not found", status=404)

    # -- writes ----------------------------------------------------------------------------------------------------

    def _written(self, call: Call, allowed: set[str], do: Callable[[Call, dict[str, str]], Reply]) -> Reply:
        """Take a form; where signatures are wanted, the same form twice, the second time with one."""
        if call.headers.get("content-type") != "application/x-www-form-urlencoded":
            return _failure(-8, "Unsupported content type", status=415)
        form = dict(parse_qsl(call.body.decode(), keep_blank_values=True))
        if set(form) - allowed:
            return _failure(-14, f"Unknown field {sorted(set(form) - allowed)}")
        if self.lacks:
            return _failure(-15, "Officer lacks the role")
        signature = form.pop("signature", "")
        if self.signs:
            return do(call, form)
        if not signature:
            data = secrets.token_bytes(24) + b"\r\nline\n"
            self.handed[base64.b64encode(data).decode()] = tuple(sorted(form.items()))
            return Reply(200, {"error": -19, "msg": MSG_SIGN, "dataToSign": base64.b64encode(data).decode()})
        content = self._verified(base64.b64decode(signature))
        wanted = self.handed.pop(base64.b64encode(content).decode(), None)
        if wanted != tuple(sorted(form.items())):
            return _failure(-17, "Signature is not valid for the request")
        return do(call, form)

    def _verified(self, signature: bytes) -> bytes:
        """Give what was signed by the officer; empty where openssl says no."""
        (self.folder / "officer.pem").write_text(self.officer)
        signed, content, signer = (self.folder / name for name in ("signed.der", "content", "signer.pem"))
        signed.write_bytes(signature)
        command = [
            "openssl",
            "cms",
            "-verify",
            "-binary",
            "-inform",
            "DER",
            "-in",
            str(signed),
            "-CAfile",
            self.ca_path,
        ]
        command += ["-purpose", "any", "-out", str(content), "-signer", str(signer)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        is_officer = done.returncode == 0 and _same(signer.read_text(), self.officer)
        self.signatures.append(signature)
        return content.read_bytes() if is_officer else b""

    def _issue(self, call: Call, form: dict[str, str]) -> Reply:
        if not form.get("pkcs10"):
            return _failure(-7, "pkcs10 is missing")
        if form.get("procname", PROCEDURES[0]) not in PROCEDURES:
            return _failure(-14, f"Procedure {form['procname']} not found")
        try:
            csr = x509.load_der_x509_csr(base64.b64decode(form["pkcs10"], validate=True))
            begin = self.orders.clock.now()
            days = (from_text(form["validto"]) - begin).days if form.get("validto") else 365
            pem = csr.public_bytes(Encoding.PEM).decode()
            kept = {**form, "officer": call.client}
            order = self.orders.place(pem, kept, names=_names(csr), days=max(days, 1))
        except ValueError as exc:
            return _failure(-8, str(exc))
        return self._certificate(order, self.says)

    def _revoke(self, call: Call, form: dict[str, str]) -> Reply:
        order = self._order(form.get("certid", ""))
        if order is None or form.get("reason") not in REASONS:
            told = {"certid": form.get("certid"), "errorcode": -14, "errormessage": "No such certificate or reason"}
            return Reply(200, {"error": -14, "msg": "Could not revoke", "errors": [told]})
        if order.serial in self.orders.revoked:
            return _failure(-14, "Certificate is already revoked")
        self.orders.revoke(order.serial, form["reason"])
        return Reply(200, {"error": 0, "msg": "OK"})

    # -- what there is ---------------------------------------------------------------------------------------------

    def _order(self, number: str) -> Order | None:
        order = self.orders.found.get(number)
        return order if order and order.leaf else None

    def _certificate(self, order: Order, says: bytes = b"") -> Reply:
        leaf = self.orders.shown(order.leaf)
        chain = self.orders.chain()
        if self.is_pkcs7:
            certificates = [x509.load_pem_x509_certificate(one.encode()) for one in (*chain, leaf)]
            content, kind = pkcs7.serialize_certificates(certificates, Encoding.DER), "application/pkcs7-mime"
        else:
            content, kind = "".join([leaf, *chain]).encode(), "application/pem-certificate-chain"
        return Reply(
            200, says or content, {"Content-Type": kind, **({} if self.is_silent else {"certId": order.order_id})}
        )

    def _told(self, order: Order) -> dict[str, Any]:
        cert = x509.load_pem_x509_certificate(order.leaf.encode())
        identifier = cert.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value.digest.hex()
        revoked = self.orders.revoked.get(order.serial)
        return {
            "certid": order.order_id,
            "status": "revoked" if revoked else "active",
            "validfrom": int(cert.not_valid_before_utc.timestamp() * 1000),
            "validto": int(cert.not_valid_after_utc.timestamp() * 1000),
            "certificateserialnumber": order.serial,
            "subject": cert.subject.rfc4514_string(),
            "subjectKeyIdentifier": "00" * 20 if self.other_identifiers else identifier,
            **({"revocationtime": to_text(revoked[1]), "reason": "superseded"} if revoked else {}),
        }

    def _search(self, call: Call) -> Reply:
        if set(call.query) - SEARCHED:
            return _failure(-14, f"Unknown parameter {sorted(set(call.query) - SEARCHED)}")
        found = [self._told(order) for order in self.orders.found.values() if order.leaf]
        for asked, field in (
            ("subjectKeyIdentifier", "subjectKeyIdentifier"),
            ("certificateSerialNumber", "certificateserialnumber"),
        ):
            # Whole bytes or not: leading noughts say nothing.
            wanted = call.query.get(asked, "").lower().lstrip("0")
            found = [one for one in found if asked not in call.query or wanted == one[field].lstrip("0")]
        if call.query.get("subjectCommonName"):
            found = [one for one in found if f"CN={call.query['subjectCommonName']}" in one["subject"]]
        start, size = int(call.query.get("searchOffset", "0")), int(call.query.get("searchLimit", "100"))
        page = found[start : start + min(size, self.most)]
        hits = len(found) + (self.hidden if found else 0)
        return Reply(200, {"error": 0, "searchHits": hits, "certificates": page})


def _names(csr: x509.CertificateSigningRequest) -> list[str]:
    try:
        return csr.extensions.get_extension_for_class(x509.SubjectAlternativeName).value.get_values_for_type(
            x509.DNSName
        )
    except x509.ExtensionNotFound:
        return []


def _same(one: str, other: str) -> bool:
    return x509.load_pem_x509_certificate(one.encode()) == x509.load_pem_x509_certificate(other.encode())


def _failure(code: int, message: str, status: int = 200) -> Reply:
    return Reply(status, {"error": code, "msg": message})
