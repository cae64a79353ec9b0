# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""AWS Private CA: signs a CSR in a moment, and knows the same order by a token for five minutes.

Its operations are called over the transport of all CAs, and not by boto3, so that proxy, trust, time-outs, waits and
what may be repeated are those of the account. :source: ca-connectors §4.6.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from .._core.clock import to_text
from .._core.errors import AuthError, ClmError, InputError, RemoteError
from .._core.redact import Secret
from .._core.types import Bundle
from . import aws_pca_options as own
from . import option_table
from .answer_base import (
    FAILED,
    PROCESSING,
    Answer,
    CannotTell,
    Found,
    Handle,
    Issued,
    NotThere,
    Pending,
    Rejected,
    Revocation,
    read_state,
)
from .aws_api import Api, endpoint, json_headers, kind_of, rest_of
from .aws_credentials import Credentials
from .aws_sigv4 import Keys
from .base import CaConnector, Check, Choice, Order, Tools
from .before_order import before_order, is_lost, once_more
from .capability_base import CSR_SOURCES, FIND_TOKEN, Capabilities
from .connection import reachable, tried
from .rest import Rest
from .shapes import part, rows
from .table_type import TableType

_KIND, _SERVICE = "aws_pca", "ACMPrivateCA"
_STATES = {"requestinprogressexception": PROCESSING, "requestfailedexception": FAILED}
# What the order itself is at fault for; anything else is the account's fault, or nobody's.
_REFUSALS = ("InvalidArgsException", "MalformedCSRException", "ValidationException")
# A token is known for five minutes: an order that begins in its first is placed, with all its tries, in time; and none
# begins to be placed that much later than it was written down.
TOKEN_S, LATEST_S = 60.0, 180.0
_DAY_S = 86400.0
# One order with all its tries ends before the lease of its request does.
_AGAIN_S = 60.0


class AwsPca(CaConnector):
    """The private CAs of one AWS account in one region."""

    def __init__(self, name: str, options: Mapping[str, Any], secrets: Mapping[str, Secret], tools: Tools) -> None:
        self._name, self._options, self._secrets, self._tools = name, options, secrets, tools
        self._region = str(options.get("region") or "") or own.part_of(str(options["ca_arn"]), 3)
        self._url = str(options.get("url") or "") or endpoint("acm-pca", self._region)
        self._made: list[Rest] = []
        self._hidden: list[Secret] = []
        self._credentials = Credentials(options, secrets, tools.clock, self._sts, self._hide)
        self._signing: Api | None = None
        self._known: list[Mapping[str, Any]] | None = None

    # -- calls -----------------------------------------------------------------------------------------------------

    def _rest(self, url: str, service: str, keys: Callable[[], Keys] | None) -> Rest:
        made = rest_of(self._tools, url, (self._region, service), self._options, self._secrets, keys)
        for secret in self._hidden:
            made.hide(secret)
        self._made.append(made)
        return made

    def _hide(self, secret: Secret) -> None:
        self._hidden.append(secret)
        for rest in self._made:
            rest.hide(secret)

    def _sts(self, keys: Callable[[], Keys]) -> Rest:
        return self._rest(str(self._options.get("sts_url") or "") or endpoint("sts", self._region), "sts", keys)

    @property
    def _api(self) -> Api:
        if self._signing is None:
            rest = self._rest(self._url, "acm-pca", self._credentials.keys)
            self._signing = Api(rest, self._tools, _SERVICE, self._credentials.renew)
        return self._signing

    # -- what it can -----------------------------------------------------------------------------------------------

    def capabilities(self) -> Capabilities:
        """Give what it can take; the names of the CSR alone where the account's template copies no others."""
        has_names = own.takes_names(str(self._options["template"]))
        found = Capabilities(
            is_public=False,
            is_immediate=False,
            revoke_reasons=tuple(own.REASONS),
            find=FIND_TOKEN,
            can_adopt=True,
            csr_is_truth=not has_names,
            san_types=("dns", "ip", "email", "uri") + (() if has_names else ("other", "directory")),
            key_types=("rsa", "ec"),
            csr_sources=tuple(one for one in CSR_SOURCES if one != "upload"),
            request_options={
                "issuer_name": {
                    "required": not self._options.get("ca_arn"),
                    "choices_from": "issuer_name",
                    "description": "ARN of the CA that signs.",
                },
                "certificate_type": {
                    "required": False,
                    "choices_from": "certificate_type",
                    "description": "Template that the certificate is made by.",
                },
            },
            choices=("issuer_name", "certificate_type"),
            chain_with_root=True,
        )
        if self._options["mode"] == own.ACM:
            return replace(found, csr_sources=(), csr_refusal=own.WHY_NO_CSR)
        return option_table.overridden(found, self._options)

    def test(self) -> Sequence[Check]:
        """Try address, clock, credentials and the CA; AWS has no way to try signing without a certificate."""
        # Without a signature: AWS says that there is none, and that is an answer.
        headers = json_headers(f"{_SERVICE}.ListCertificateAuthorities")
        plain = self._rest(self._url, "acm-pca", None)
        found = list(reachable(plain, self._tools, "/", method="POST", raw=b"{}", headers=headers))
        return tried(found, (("credentials", self._source_told), ("CA", self._ca_told)))

    def _source_told(self, name: str) -> Check:
        self._credentials.keys()
        return Check(name, True, self._credentials.source())

    def _ca_told(self, name: str) -> Check:
        arn = str(self._options.get("ca_arn") or "")
        if not arn:
            count = len(self.choices("issuer_name"))
            return Check(name, count > 0, f"{count} active CAs in {self._region}; each request names one")
        told = self._described(arn)
        state, ends = str(told.get("Status") or ""), own.moment_of(told.get("NotAfter"))
        until = f", until {to_text(ends)}" if ends else ""
        return Check(name, state == "ACTIVE", f"{own.name_of(told)} is {state or 'in no state'}{until}")

    def _described(self, arn: str) -> Mapping[str, Any]:
        asked = {"CertificateAuthorityArn": arn}
        found = self._api.read("look at the CA", "DescribeCertificateAuthority", asked)
        return part(found, "CertificateAuthority")

    def choices(self, kind: str) -> Sequence[Choice]:
        """List the CAs that are active, or the templates of servers' certificates."""
        if kind == "certificate_type":
            names = dict.fromkeys((str(self._options["template"]), *own.TEMPLATES))
            return [Choice(name, name.removesuffix("/V1")) for name in names]
        if kind != "issuer_name":
            raise InputError(
                f"CA account {self._name} has no list {kind!r}; there are: issuer_name, certificate_type"
            )
        return [Choice(str(one["Arn"]), own.name_of(one)) for one in self._listed() if one.get("Status") == "ACTIVE"]

    def _listed(self) -> list[Mapping[str, Any]]:
        """Give the CAs of this AWS account, and those that others share with it."""
        if self._known is None:
            found: list[Mapping[str, Any]] = []
            for owner in ("SELF", "OTHER_ACCOUNTS"):
                more = ""
                while True:
                    asked = {"ResourceOwner": owner, **({"NextToken": more} if more else {})}
                    told = self._api.read("list the CAs", "ListCertificateAuthorities", asked)
                    found += rows(told, "CertificateAuthorities", "Arn")
                    more = str(told.get("NextToken") or "")
                    if not more:
                        break
            self._known = found
        return self._known

    def _values(self, kind: str) -> list[str]:
        """Give the values of a list; none where it may not be read, and then AWS itself says."""
        try:
            return [choice.value for choice in self.choices(kind)]
        except AuthError:
            return []

    # -- orders ----------------------------------------------------------------------------------------------------

    def validate(self, order: Order) -> Sequence[str]:
        """Give every problem of the order."""
        if self._options["mode"] == own.ACM:
            return [own.WHY_NO_CSR]
        if order.validity_days < 1:
            return [f"a validity of {order.validity_days} days cannot be asked for"]
        described = self.capabilities().request_options
        found = option_table.request_problems(f"CA account {self._name}", order.options, described, self._values)
        return found or self._lifetime_problems(order)

    def _lifetime_problems(self, order: Order) -> list[str]:
        try:
            mine = [one for one in self._listed() if one.get("Arn") == self._issuer(order)]
        except AuthError:
            return []
        return [text for told in mine for text in own.lifetime_problems(told, order.validity_days, order.at)]

    def _issuer(self, order: Order) -> str:
        return str(order.options.get("issuer_name") or self._options.get("ca_arn") or "")

    def submit(self, order: Order, csr_pem: str) -> Answer:
        """Have it signed, and fetch it if that is done in the same breath."""
        template = str(order.options.get("certificate_type") or self._options["template"])
        refusal = self._refusal(order, csr_pem, template)
        if refusal:
            return Rejected(refusal)
        arn = self._issuer(order)
        is_first = order.last_sent_at is None
        with before_order(is_first):
            algorithm = self._options.get("signing_algorithm") or self._algorithm(arn)
            self._credentials.ready()
        body: dict[str, Any] = {
            "CertificateAuthorityArn": arn,
            "Csr": base64.b64encode(csr_pem.encode()).decode(),
            "SigningAlgorithm": algorithm,
            "TemplateArn": own.template_arn(template, arn),
            "Validity": {"Value": order.validity_days, "Type": "DAYS"},
            "IdempotencyToken": hashlib.sha256(order.intent_id.encode()).hexdigest()[:32],
        }
        if own.takes_names(template):
            body["ApiPassthrough"] = {"Extensions": {"SubjectAlternativeNames": own.names_told(order.spec)}}
        self._check_age(order)
        try:
            told = self._placed(body, is_first)
        except RemoteError as exc:
            if exc.status != 400 or kind_of(exc) not in _REFUSALS:
                raise
            return Rejected(exc.message)
        return self._first_look({"order_id": str(told.get("CertificateArn") or ""), "ca": arn})

    def _check_age(self, order: Order) -> None:
        """Stop an order that may have been sent before, and whose token AWS may forget while it is sent again.

        :raises RemoteError: nobody can tell.
        """
        passed = (self._tools.clock.now() - order.at).total_seconds()
        if passed > LATEST_S:
            raise RemoteError(
                f"Cannot have a CSR signed: {passed:.0f} seconds went by since the order was written down, and AWS may "
                "take it for another one soon; nothing was sent now",
                code="order_too_old",
            )

    def _placed(self, body: Mapping[str, Any], is_first: bool) -> Mapping[str, Any]:
        """Place an order; once more where its answer was lost, for its token makes both the same one to AWS."""
        began = self._tools.clock.monotonic()
        try:
            return self._written(body, is_first)
        except RemoteError as exc:
            is_late = self._tools.clock.monotonic() - began > _AGAIN_S
            if is_late or not is_lost(exc):
                raise
            lost = exc
        return once_more(lambda: self._written(body, False), lost, lambda exc: kind_of(exc) in _REFUSALS)

    def _written(self, body: Mapping[str, Any], is_first: bool) -> Mapping[str, Any]:
        def ready() -> None:
            with before_order(is_first):
                self._credentials.ready()

        return self._api.write("have a CSR signed", "IssueCertificate", body, ready)

    def _first_look(self, handle: Handle) -> Answer:
        """Fetch what was just ordered; whatever goes wrong with that, the order is placed."""
        if not handle["order_id"]:
            raise RemoteError("Cannot have a CSR signed: the answer of AWS names no certificate", code="no_order")
        try:
            return self.collect(handle)
        except ClmError as exc:
            word = kind_of(exc) if isinstance(exc, RemoteError) else ""
            told = f"AWS took the order, and it could not be fetched yet: {exc.message}"
            return Pending(handle, told, 5.0, read_state(_STATES, word).state, vendor_state=word)

    def _refusal(self, order: Order, csr_pem: str, template: str) -> str:
        """Say why nothing is sent; empty where it is."""
        if self._options["mode"] == own.ACM:
            return own.WHY_NO_CSR
        return own.names_refusal(template, order.spec, csr_pem)

    def _algorithm(self, arn: str) -> str:
        """Give what the CA signs with; it has to be of the kind of the CA's key, not of the CSR's."""
        found = part(self._described(arn), "CertificateAuthorityConfiguration")
        return str(found.get("SigningAlgorithm") or "SHA256WITHRSA")

    def find(self, order: Order, csr_pem: str) -> Found:
        """Tell by the token's time: AWS cannot be asked for certificates, but takes the same order twice as one."""
        passed = (self._tools.clock.now() - order.at).total_seconds()
        if passed <= TOKEN_S:
            return NotThere("AWS takes the order sent again for the same one, by its token, for five minutes")
        arn = self._issuer(order)
        return CannotTell(
            "AWS keeps no list of the certificates of a private CA, and knows the same order for five minutes alone",
            f"the event IssueCertificate in CloudTrail, or an audit report of {arn}, for {order.spec.common_name} at "
            f"{to_text(order.at)} or soon after; its certificateArn is what the order is taken over by",
            _DAY_S,
        )

    def collect(self, handle: Handle) -> Answer:
        """Fetch a certificate by its ARN."""
        asked = {"CertificateAuthorityArn": str(handle["ca"]), "CertificateArn": str(handle["order_id"])}
        try:
            found = self._api.read("fetch the certificate", "GetCertificate", asked)
        except RemoteError as exc:
            word = kind_of(exc)
            if word == "RequestFailedException":
                return Rejected(exc.message, handle, FAILED, word)
            if word != "RequestInProgressException":
                raise
            return Pending(handle, "AWS is signing it", 1.0, PROCESSING, vendor_state=word)
        return self._issued(handle, str(found.get("Certificate") or ""), str(found.get("CertificateChain") or ""))

    def _issued(self, handle: Handle, leaf: str, chain: str) -> Issued:
        from .._pki.chain import order_chain
        from .._pki.x509 import certificate_facts

        ordered = order_chain(leaf, [chain] if chain else [], at=self._tools.clock.now()).bundle
        serial = ":".join(re.findall("..", certificate_facts(leaf).serial))
        return Issued(Bundle(ordered.leaf, ordered.chain, ordered.root), {**handle, "serial": serial})

    def adopt(self, order_id: str, order: Order, csr_pem: str) -> Answer:
        """Take over a certificate by its ARN."""
        from .._pki.x509 import certificate_facts, csr_facts

        ca, slash, _certificate = order_id.strip().partition("/certificate/")
        if own.arn_reason(ca) or not slash:
            raise InputError(f"{order_id!r} is no ARN of a certificate of a private CA; CloudTrail shows it")
        try:
            answer = self.collect({"order_id": order_id.strip(), "ca": ca})
        except RemoteError as exc:
            if kind_of(exc) not in ("ResourceNotFoundException", "InvalidArnException"):
                raise
            raise InputError(f"CA account {self._name} has no certificate {order_id}") from exc
        if isinstance(answer, Issued):
            leaf = certificate_facts(answer.bundle.leaf)
            if leaf.key.spki_sha256 != csr_facts(csr_pem).key.spki_sha256:
                raise InputError(f"the certificate {order_id} is of another key than this CSR")
        return answer

    def revoke(self, handle: Handle, reason: str, comment: str) -> Revocation:
        """Revoke by the serial number; AWS keeps no comment, and says no time."""
        body = {
            "CertificateAuthorityArn": str(handle["ca"]),
            "CertificateSerial": str(handle["serial"]),
            "RevocationReason": own.REASONS[reason],
        }
        try:
            self._api.write("revoke a certificate", "RevokeCertificate", body)
        except RemoteError as exc:
            if kind_of(exc) != "RequestAlreadyProcessedException":
                raise
        return Revocation()


class AwsPcaType(TableType):
    """Makes and reads accounts."""

    name = _KIND
    table = own.TABLE
    connector = AwsPca
    # AWS takes 25 orders a second.
    calls_per_second = 10

    def problems(self, options: Mapping[str, Any], secrets: Mapping[str, str]) -> Sequence[str]:
        """Hold mode, region, CA and credentials against each other."""
        return own.problems(options, secrets)
