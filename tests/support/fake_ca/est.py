# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An EST server as RFC 7030 has it: knows a pending request again by its CSR, and forgets it once it is answered.

So a request that is repeated after its answer is another order, and paid for: a connector must not do that.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import secrets
from datetime import datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, pkcs7

from ansible_collections.edgecert.clm.tests.support.fake_ca.core import Call, Order, Orders, Reply

HOME = (".well-known", "est")
LABELS = ("", "web servers")
SPKI = PublicFormat.SubjectPublicKeyInfo
# The example of RFC 7030 §4.5.2.
CSR_ATTRIBUTES = base64.b64decode(
    "MEEGCSqGSIb3DQEJBzASBgcqhkjOPQIBMQcGBSuBBAAiMBYGCSqGSIb3DQEJDjEJBgcrBgEBAQEWBggqhkjOPQQDAw=="
)


def _text(status: int, words: str, **headers: str) -> Reply:
    more = {name.replace("_", "-"): value for name, value in headers.items()}
    return Reply(status, words.encode(), {"Content-Type": "text/plain; charset=utf-8", **more})


class EstVendor:
    """An EST server.

    :ivar user: who may enrol; empty where a client certificate says it.
    :ivar form: how PKCS#7 is written: ``base64`` in one line (RFC 8951), in ``lines`` (RFC 7030), ``der`` or ``pem``.
    :ivar with_chain: whether the answer to a CSR holds the chain, too.
    :ivar retry_after: the header of a 202, its ``retry_after_s`` as ``seconds`` or ``date``, or ``none`` at all.
    :ivar wishes: answer to ``csrattrs``; empty for 204.
    """

    def __init__(self, orders: Orders, *, by_password: bool) -> None:
        self.orders = orders
        self.user, self.password = ("clm" if by_password else ""), secrets.token_hex(16)
        self.form, self.with_chain, self.wishes = "base64", False, CSR_ATTRIBUTES
        self.retry_after, self.retry_after_s = "seconds", 90
        self.has_cacerts = True
        self.waiting: dict[str, tuple[Order, datetime]] = {}
        self.operations: list[str] = []

    def handle(self, call: Call) -> Reply:
        """Answer a request."""
        if call.parts[:2] != HOME or len(call.parts) not in (3, 4):
            return Reply(404, b"<html><title>Not Found</title></html>", {"Content-Type": "text/html"})
        label, operation = ("" if len(call.parts) == 3 else call.parts[2]), call.parts[-1]
        if label not in LABELS:
            return _text(404, f"there is no label {label}")
        if (call.method, operation) == ("GET", "cacerts"):
            return self._certificates(self.orders.chain()) if self.has_cacerts else _text(500, "no CA is there")
        if (call.method, operation) == ("GET", "csrattrs"):
            body = base64.encodebytes(self.wishes)
            return Reply(200, body, {"Content-Type": "application/csrattrs"}) if self.wishes else Reply(204)
        if operation not in ("simpleenroll", "simplereenroll"):
            return _text(404, "there is no such operation")
        if call.method != "POST":
            return _text(405, "POST is wanted")
        return self._refused(call) or self._enroll(call, operation)

    def _refused(self, call: Call) -> Reply | None:
        if self.user:
            kind, _blank, given = call.headers.get("authorization", "").partition(" ")
            pair = base64.b64decode(given or "").decode()
            if kind != "Basic" or pair != f"{self.user}:{self.password}":
                told = f"{pair.partition(':')[2]} is wrong, as is {given}"
                return _text(401, told, WWW_Authenticate='Basic realm="estrealm"')
        elif not call.client:
            return _text(403, "no client certificate")
        if call.headers.get("content-type") != "application/pkcs10":
            return _text(415, "application/pkcs10 is wanted")
        return None

    def _enroll(self, call: Call, operation: str) -> Reply:
        try:
            der = base64.b64decode(b"".join(call.body.split()), validate=True)
            csr = x509.load_der_x509_csr(der)
            if not csr.is_signature_valid:
                return _text(400, "the signature of the CSR does not verify")
        except (ValueError, binascii.Error):
            return _text(400, "no PKCS#10 in base64")
        if operation == "simplereenroll" and not self._has_predecessor(csr):
            return _text(400, "subject and subject alternative names are those of no certificate")
        self.operations.append(operation)
        key = hashlib.sha256(call.path.encode() + der).hexdigest()
        if key in self.waiting:
            order, since = self.waiting[key]
            if self.orders.clock.now() < since:
                return _text(400, "asked again before Retry-After")
            self.orders.poll(order)
        else:
            names = [str(one.value) for one in _names(csr)]
            order = self.orders.place(csr.public_bytes(Encoding.PEM).decode(), {}, names=names, days=90)
        return self._answered(key, order)

    def _answered(self, key: str, order: Order) -> Reply:
        now = self.orders.clock.now()
        if order.status == "new":
            due = now + timedelta(seconds=self.retry_after_s)
            self.waiting[key] = (order, due)
            named = due.strftime("%a, %d %b %Y %H:%M:%S GMT") if self.retry_after == "date" else str(self.retry_after_s)
            headers = {} if self.retry_after == "none" else {"Retry_After": named}
            return _text(202, self.orders.strange_word or "an operator looks at it", **headers)
        self.waiting.pop(key, None)
        if order.status != "done":
            return _text(400, f"the operator has {order.status} it")
        return self._certificates([order.leaf, *(self.orders.chain() if self.with_chain else ())])

    def _has_predecessor(self, csr: x509.CertificateSigningRequest) -> bool:
        for order in self.orders.found.values():
            if order.leaf:
                cert = x509.load_pem_x509_certificate(order.leaf.encode())
                if (cert.subject, _names(cert)) == (csr.subject, _names(csr)):
                    return True
        return False

    def _certificates(self, pems: list[str]) -> Reply:
        certs = [x509.load_pem_x509_certificate(one.encode()) for one in dict.fromkeys(pems)]
        body = pkcs7.serialize_certificates(certs, Encoding.PEM if self.form == "pem" else Encoding.DER)
        if self.form in ("base64", "lines"):
            body = base64.b64encode(body) if self.form == "base64" else base64.encodebytes(body)
        if self.orders.is_garbled:
            body = body[: len(body) // 2]
        if self.orders.is_empty:
            body = b""
        kind = "application/pkcs7-mime; smime-type=certs-only"
        return Reply(200, body, {"Content-Type": kind, "Content-Transfer-Encoding": "base64"})


def _names(holder: x509.Certificate | x509.CertificateSigningRequest) -> list[x509.GeneralName]:
    try:
        return list(holder.extensions.get_extension_for_class(x509.SubjectAlternativeName).value)
    except x509.ExtensionNotFound:
        return []
