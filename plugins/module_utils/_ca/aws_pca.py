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
from collections.abc import Mapping, Sequence
from typing import Any

from .._core.clock import to_text
from .._core.errors import InputError, RemoteError
from .._core.redact import Secret
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
)
from .aws_account import KIND, PCA_SERVICE, AwsAccount
from .aws_acm import AwsAcm
from .aws_api import Api, kind_of
from .base import CaConnector, Check, Choice, Order, StoredAccount
from .before_order import before_order
from .capability_base import CSR_SOURCES, FIND_TOKEN, Capabilities
from .shapes import part
from .table_type import TableType

# A token is known for five minutes: an order that begins in its first is placed, with all its tries, in time; and none
# begins to be placed that much later than it was written down.
TOKEN_S, LATEST_S = 60.0, 180.0
_DAY_S = 86400.0


class AwsPca(AwsAccount):
    """The private CAs of one AWS account in one region, which sign CSRs."""

    what, operation = "have a CSR signed", "IssueCertificate"
    refusals = ("InvalidArgsException", "MalformedCSRException", "ValidationException")
    vendor_states = {"requestinprogressexception": PROCESSING, "requestfailedexception": FAILED}

    @property
    def _orders(self) -> Api:
        return self._pca

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
        return option_table.overridden(found, self._options)

    def test(self) -> Sequence[Check]:
        """Try address, clock, credentials and the CA; AWS has no way to try signing without a certificate."""
        place = ("url", "acm-pca", f"{PCA_SERVICE}.ListCertificateAuthorities")
        return self._tested(place, (("CA", self._ca_told if self._options.get("ca_arn") else self._cas_told),))

    def _cas_told(self, name: str) -> Check:
        count = len(self.choices("issuer_name"))
        return Check(name, count > 0, f"{count} active CAs in {self._region}; each request names one")

    def choices(self, kind: str) -> Sequence[Choice]:
        """List the CAs that are active, or the templates of servers' certificates."""
        if kind == "certificate_type":
            names = dict.fromkeys((str(self._options["template"]), *own.TEMPLATES))
            return [Choice(name, name.removesuffix("/V1")) for name in names]
        return super().choices(kind)

    # -- orders ----------------------------------------------------------------------------------------------------

    def validate(self, order: Order) -> Sequence[str]:
        """Give every problem of the order."""
        if order.validity_days < 1:
            return [f"a validity of {order.validity_days} days cannot be asked for"]
        described = self.capabilities().request_options
        found = option_table.request_problems(f"CA account {self._name}", order.options, described, self._values)
        return found or self._lifetime_problems(order)

    def _lifetime_problems(self, order: Order) -> list[str]:
        mine = self._issuers(order)
        return [text for told in mine for text in own.lifetime_problems(told, order.validity_days, order.at)]

    def submit(self, order: Order, csr_pem: str) -> Answer:
        """Have it signed, and fetch it if that is done in the same breath."""
        template = str(order.options.get("certificate_type") or self._options["template"])
        refusal = own.names_refusal(template, order.spec, csr_pem)
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
            return self._refused(exc)
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
            found = self._pca.read("fetch the certificate", "GetCertificate", asked)
        except RemoteError as exc:
            word = kind_of(exc)
            if word == "RequestFailedException":
                return Rejected(exc.message, handle, FAILED, word)
            if word != "RequestInProgressException":
                raise
            return Pending(handle, "AWS is signing it", 1.0, PROCESSING, vendor_state=word)
        return self._issued(handle, found)

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
        return self._revoked_by_ca(handle, reason)


class AwsPcaType(TableType):
    """Makes and reads accounts."""

    name = KIND
    table = own.TABLE
    connector = AwsPca
    # AWS takes 25 orders a second.
    calls_per_second = 10

    def problems(self, options: Mapping[str, Any], secrets: Mapping[str, str]) -> Sequence[str]:
        """Hold mode, region, CA and credentials against each other."""
        return own.problems(options, secrets)

    def prepare(
        self, name: str, options: Mapping[str, Any], secrets: Mapping[str, str], before: StoredAccount
    ) -> tuple[Mapping[str, Any], Mapping[str, str]]:
        """Check an account's options; its mode stays, for requests under way have a CSR, or have none."""
        taken = super().prepare(name, options, secrets, before)
        known = before.options.get("mode", taken[0]["mode"])
        if taken[0]["mode"] != known:
            raise InputError(
                f"Cannot change CA account {name} from mode {known} to {taken[0]['mode']}: one takes CSRs, the other "
                "makes the keys itself; add another account"
            )
        return taken

    def connect(self, name: str, options: Mapping[str, Any], secrets: Mapping[str, Secret]) -> CaConnector:
        """Build the connector of the account's mode; no traffic."""
        made = AwsAcm if options.get("mode") == own.ACM else AwsPca
        return made(name, options, secrets, self._tools)
