# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""IDnomic's CA alone (IDCA): signs at once by a profile. It cannot be searched, and nothing is renewed.

:source: ca-connectors §4.11; names and shapes from one client that worked. What no document says is our reading: the
members of the two questions about profiles, and all of the revocation, whose operation the account names.
"""

from __future__ import annotations

import base64
import binascii
import xml.etree.ElementTree as ET
from collections.abc import Mapping, Sequence
from typing import Any

from .._core.clock import to_text
from .._core.errors import ClmError, InputError, RemoteError
from .._core.redact import Secret
from . import option_table, soap
from .answer_base import Answer, CannotTell, Found, Handle, Issued, Pending, Rejected, Revocation
from .base import CaConnector, Check, Choice, Order, Tools
from .before_order import before_order
from .capability_base import NONE, Capabilities
from .idnomic_account import ONLY_WITH_RA, REASONS
from .idnomic_calls import Question, calls, tested, values
from .idnomic_certificates import armoured, issued, issuer_of
from .soap import Content

WS_NS = "http://www.idnomic.com/ngca/connector/ws/1_2"
TYPES_NS = "http://www.idnomic.com/ngca/connector/1_2"
_LIST = "certificate_profile"


class IdnomicCa(CaConnector):
    """One client certificate at a CA."""

    def __init__(self, name: str, options: Mapping[str, Any], secrets: Mapping[str, Secret], tools: Tools) -> None:
        self._name, self._options, self._secrets, self._tools = name, options, secrets, tools
        self._calls: soap.Soap | None = None
        self._profiles: list[Choice] | None = None

    @property
    def _soap(self) -> soap.Soap:
        if self._calls is None:
            self._calls = calls(self._tools, self._options, self._secrets, str(self._options["soap_version"]))
        return self._calls

    def _ask(self, what: str, body: ET.Element) -> ET.Element:
        return self._soap.ask(what, str(self._options["idca_path"]), body)

    def _revokes_by(self) -> str:
        return str(self._options.get("idca_revoke_operation") or "")

    def capabilities(self) -> Capabilities:
        """Give what it can take."""
        profile = {"required": not self._options.get(_LIST), "choices_from": _LIST, "description": "Profile of the CA."}
        found = Capabilities(
            is_public=False,
            is_immediate=True,
            renew=NONE,
            renew_refusal=ONLY_WITH_RA,
            revoke_reasons=tuple(REASONS) if self._revokes_by() else (),
            find=NONE,
            san_types=("dns",),
            validity="profile",
            request_options={_LIST: profile},
            choices=(_LIST,),
            chain_with_root=True,
        )
        return option_table.overridden(found, self._options)

    # -- profiles --------------------------------------------------------------------------------------------------

    def _listing(self) -> ET.Element:
        return soap.element(f"{{{WS_NS}}}listCertificateProfiles", (("caName", str(self._options["ca_name"])),))

    def test(self) -> Sequence[Check]:
        """Try address, clock, client certificate and the right to list profiles; enrols nothing."""
        question = Question(str(self._options["idca_path"]), self._listing())
        wanted = ("profile", str(self._options.get(_LIST) or ""))
        return tested(self._soap, self._tools, self._options, question, lambda: self.choices(_LIST), wanted)

    def choices(self, kind: str) -> Sequence[Choice]:
        """List the CA's profiles."""
        if kind != _LIST:
            raise InputError(f"CA account {self._name} has no list {kind!r}; there is: {_LIST}")
        if self._profiles is None:
            found = self._ask("list the profiles", self._listing())
            names = [soap.text(one) for one in found.iter() if not len(one) and soap.text(one)]
            self._profiles = [Choice(name, name) for name in names]
        return self._profiles

    def validate(self, order: Order) -> Sequence[str]:
        """Give every problem of the options."""
        problems = [] if order.validity_days >= 1 else [f"a validity of {order.validity_days} days cannot be asked for"]
        described = self.capabilities().request_options
        return problems + option_table.request_problems(
            *(f"CA account {self._name}", order.options, described), lambda kind: values(lambda: self.choices(kind))
        )

    # -- orders ----------------------------------------------------------------------------------------------------

    @staticmethod
    def _typed(operation: str, request: str, kind: str, content: Content) -> ET.Element:
        """Give an operation's element, whose request says of which kind it is."""
        made = ET.Element(f"{{{WS_NS}}}{operation}")
        inner = soap.element(f"{{{TYPES_NS}}}{request}", content)
        # A qualified name is written with the prefix that its namespace gets.
        named: Any = ET.QName(TYPES_NS, kind)
        inner.set(soap.XSI_TYPE, named)
        made.append(inner)
        return made

    def submit(self, order: Order, csr_pem: str) -> Answer:
        """Have it signed at once."""
        from .._pki.pem import der_of

        profile = str(order.options.get(_LIST) or self._options.get(_LIST) or "")
        with before_order():
            try:
                name = self._qualified(profile)
            except soap.SoapFault as exc:
                if exc.is_refusal:
                    return Rejected(f"{exc.message}; the order was not sent")
                raise
        name_of = str(self._options["idca_name_param"])
        params = [(name_of, one) for one in order.spec.dns_names or (order.spec.common_name,)]
        params.append(("csr", base64.b64encode(der_of(csr_pem)).decode("ascii")))
        data = [("param", (("name", key), ("value", text))) for key, text in params]
        content = (("certificateProfile", name), ("certificateData", data))
        try:
            body = self._typed("enroll", "EnrollmentRequest", "X509EnrollmentRequestType", content)
            found = self._ask("enrol the certificate", body)
        except soap.SoapFault as exc:
            if not exc.is_refusal:
                raise
            return Rejected(exc.message)
        return self._signed(found, profile)

    def _qualified(self, profile: str) -> str:
        """Give the name that enrolments call a profile by."""
        body = soap.element(f"{{{WS_NS}}}getCertificateProfileProperties", (("certificateProfile", profile),))
        found = self._ask(f"read profile {profile}", body)
        return next((soap.text(one) for one in soap.anywhere(found, "qName")), profile)

    def _signed(self, found: ET.Element, profile: str) -> Answer:
        """Read what an enrolment gave; without the chain it is taken all the same."""
        leaf = _certificate(found, "certificate")
        if not leaf:
            raise RemoteError("Cannot enrol the certificate: the answer to enroll holds none", status=200)
        from .._pki.x509 import certificate_facts

        # A serial number without its zeros is what the CA wants to be asked for.
        serial = certificate_facts(leaf).serial.lstrip("0") or "0"
        handle = {"serial": serial, "issuer": issuer_of(leaf, as_encoded=True), "profile": profile, "leaf": leaf}
        try:
            return self.collect(handle)
        except ClmError as exc:
            return Pending(handle, f"it is signed, and its chain cannot be read yet: {exc.message}", 60.0)

    def collect(self, handle: Handle) -> Answer:
        """Read the chain of a certificate that was signed; the certificate itself is in the handle."""
        wanted = (
            ("issuerDn", str(handle["issuer"])),
            ("withCaChain", "true"),
            ("serialNumber", str(handle["serial"])),
        )
        body = self._typed("download", "DownloadRequest", "X509DownloadRequestType", wanted)
        found = self._ask("read the chain", body)
        above = [armoured(soap.text(one)) for one in soap.anywhere(found, "authority")]
        return self._issued(str(handle["leaf"]), above, handle)

    def _issued(self, leaf: str, above: Sequence[str], handle: Handle) -> Issued:
        return issued(leaf, above, self._tools.clock.now(), dict(handle))

    def find(self, order: Order, csr_pem: str) -> Found:
        """Say that nobody can tell: there is no search in this connector."""
        return CannotTell(
            "IDCA's connector cannot be searched for what was enrolled",
            f"certificates for {order.spec.common_name} at the CA, since {to_text(order.at)}",
        )

    def revoke(self, handle: Handle, reason: str, comment: str) -> Revocation:
        """Revoke by the operation that the account names."""
        operation = self._revokes_by()
        if not operation:
            raise InputError(
                f"CA account {self._name} has no idca_revoke_operation; set it to the name that the connector's "
                "WSDL has, or revoke at the CA",
                code="cannot_revoke",
            )
        wanted = (
            ("issuerDn", str(handle["issuer"])),
            ("serialNumber", str(handle["serial"])),
            ("reason", REASONS[reason]),
        )
        body = self._typed(operation, "RevocationRequest", "X509RevocationRequestType", wanted)
        try:
            self._ask("revoke the certificate", body)
        except soap.SoapFault as exc:
            # Nothing can be asked about a certificate's state; the fault's words are all there is.
            if not (exc.is_refusal and "already" in exc.message.lower()):
                raise
        return Revocation()


def _certificate(found: ET.Element, name: str) -> str:
    """Give the first certificate of a name, as PEM; empty where there is none, or it is no base64."""
    text = next((soap.text(one) for one in soap.anywhere(found, name)), "")
    try:
        base64.b64decode("".join(text.split()), validate=True)
    except binascii.Error:
        return ""
    return armoured(text)
