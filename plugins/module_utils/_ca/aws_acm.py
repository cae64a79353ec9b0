# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""AWS Certificate Manager: makes the key itself, so no CSR is sent; signed by a private CA, or by Amazon after a proof.

It knows the same order by a token for an hour, and every order by our tag for ever. :source: botocore's model of
``acm``; ca-connectors §4.6.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

from .._core.clock import from_text, to_text
from .._core.errors import AuthError, ClmError, InputError, RemoteError
from . import answer_base as states
from . import aws_acm_words as words
from . import aws_pca_options as own
from . import option_table
from .answer_base import (
    CANCELLED,
    PENDING_VALIDATION,
    PROCESSING,
    REFUSED_STATES,
    Answer,
    CannotTell,
    Found,
    Handle,
    NotThere,
    Pending,
    Rejected,
    Revocation,
    read_state,
)
from .aws_account import AwsAccount
from .aws_api import Api, kind_of
from .base import Check, Order
from .before_order import before_order
from .capability_base import FIND_TOKEN, Capabilities
from .shapes import part, rows

_SERVICE = "CertificateManager"
_NOT_FOUND, _IN_PROGRESS = "ResourceNotFoundException", "RequestInProgressException"
# A token is known for an hour from when AWS first saw it, which is no earlier than the order was written down. An order
# that is sent again in the first 50 minutes is placed, with all its tries, within the seven that a lease lives.
TOKEN_S = 3000.0
# ACM shows an order "several seconds" after it took it; a few minutes are beyond every lag.
_LAG = timedelta(minutes=5)
_SOON_S, _DNS_S, _MAIL_S, _HOUR_S = 5.0, 60.0, 900.0, 3600.0
_MOST_PAGES = 20
_ISSUER_NAME = {
    "required": False,
    "choices_from": "issuer_name",
    "description": "ARN of the private CA that signs, where it is another one than the account's.",
}


class AwsAcm(AwsAccount):
    """The certificates of one AWS account in one region, with keys that AWS makes and keeps."""

    what, operation = "request a certificate", "RequestCertificate"
    refusals = ("InvalidParameterException", "InvalidDomainValidationOptionsException", "ValidationException")
    vendor_states = words.STATES

    @property
    def _orders(self) -> Api:
        return self._api("acm_url", "acm", _SERVICE)

    # -- what it can -----------------------------------------------------------------------------------------------

    def capabilities(self) -> Capabilities:
        """Give what it can take: no CSR, and DNS names alone."""
        is_public = not self._options.get("ca_arn")
        proof = "email" if self._by_mail else "cname"
        return Capabilities(
            is_public=is_public,
            is_immediate=False,
            revoke_reasons=tuple(words.REASONS),
            can_cancel=True,
            find=FIND_TOKEN,
            can_adopt=True,
            csr_sources=("ca",),
            validity="profile",
            # Of an account for Amazon's certificates public trust holds, so that no request makes it a private one.
            request_options={} if is_public else {"issuer_name": _ISSUER_NAME},
            choices=() if is_public else ("issuer_name",),
            dcv_methods=(proof,) if is_public else (),
            chain_with_root=True,
        )

    @property
    def _by_mail(self) -> bool:
        return self._options.get("validation_method") == own.EMAIL

    def test(self) -> Sequence[Check]:
        """Try address, clock, credentials, the right to list, and the CA; nothing is ordered."""
        checks = [("certificates", self._list_told)]
        if self._options.get("ca_arn"):
            checks.append(("CA", self._ca_told))
        return self._tested(("acm_url", "acm", f"{_SERVICE}.ListCertificates"), checks)

    def _list_told(self, name: str) -> Check:
        self._orders.read("list the certificates", "ListCertificates", {"MaxItems": 1})
        return Check(name, True, f"the certificates in {self._region} can be listed")

    # -- orders ----------------------------------------------------------------------------------------------------

    def validate(self, order: Order) -> Sequence[str]:
        """Give every problem of the order; its lifetime is ACM's."""
        described = self.capabilities().request_options
        found = option_table.request_problems(f"CA account {self._name}", order.options, described, self._values)
        found += words.order_problems(order.spec)
        if found or not self._issuer(order):
            return found
        return [text for told in self._issuers(order) for text in words.family_problems(told, order.spec)]

    def submit(self, order: Order, csr_pem: str) -> Answer:
        """Have key and certificate made; no CSR is sent, and one that is there is of another key."""
        problems = words.order_problems(order.spec)
        if csr_pem:
            problems.insert(0, "ACM takes no CSR, it makes the key itself")
        if problems:
            return Rejected("; ".join(problems))
        is_first = order.last_sent_at is None
        with before_order(is_first):
            self._credentials.ready()
        try:
            told = self._placed(self._body(order), is_first)
        except RemoteError as exc:
            if not is_first and self._is_known_by_token(order):
                # The first may have been taken while the account was another; later the list tells.
                raise
            return self._refused(exc)
        arn = str(told.get("CertificateArn") or "")
        return self._first_look({"order_id": arn, "ca": self._issuer(order), "ordered_at": self._now})

    def _body(self, order: Order) -> dict[str, Any]:
        spec, issuer = order.spec, self._issuer(order)
        others = [name for name in spec.dns_names if name != spec.common_name]
        body: dict[str, Any] = {
            "DomainName": spec.common_name,
            "KeyAlgorithm": words.algorithm_of(spec),
            "IdempotencyToken": hashlib.sha256(order.intent_id.encode()).hexdigest()[:32],
            "Tags": [{"Key": words.TAG, "Value": order.intent_id}],
        }
        if others:
            body["SubjectAlternativeNames"] = others
        if issuer:
            return {**body, "CertificateAuthorityArn": issuer}
        return {**body, "ValidationMethod": "EMAIL" if self._by_mail else "DNS"}

    @property
    def _now(self) -> str:
        return to_text(self._tools.clock.now())

    def _is_known_by_token(self, order: Order) -> bool:
        """Say whether AWS surely takes the order sent again for the same one.

        Counted from when it was written down, and not from when it was sent last: nobody says that a token lives
        longer for being used again.
        """
        return (self._tools.clock.now() - order.at).total_seconds() <= TOKEN_S

    def find(self, order: Order, csr_pem: str) -> Found:
        """Tell by the token's time; after it by ACM's list, in which an order bears our tag."""
        if self._is_known_by_token(order):
            # Nothing is doubled: the same token within its hour is the same order to AWS, also while it is at work.
            return NotThere("AWS takes the order sent again for the same one, by its token, for an hour")
        look_at = (
            f"in the list of certificates of ACM in {self._region}, for {order.spec.common_name}, requested at "
            f"{to_text(order.at)} or later, with the tag {words.TAG} = {order.intent_id}; its ARN is what it is taken "
            "over by"
        )
        try:
            arn = self._tagged(order)
        except AuthError as exc:
            if exc.status != 403:
                raise
            return CannotTell(f"the account may not look for it ({exc.message})", look_at, _HOUR_S)
        if arn:
            told = self._certificate(arn)
            # The account, or what was asked of it, may have been changed since.
            if reason := words.other_than(told, order, self._issuer(order)):
                return CannotTell(f"the certificate {arn} bears its tag, and {reason}", look_at, _HOUR_S)
            return self._answer({"order_id": arn, "ca": ""}, told)
        left = order.sent_at + _LAG - self._tools.clock.now()
        if left > timedelta(0):
            # It may have been sent again at the token's very end, and AWS lists an order some seconds after it.
            return CannotTell("ACM's list may not have it yet", look_at, max(1.0, left.total_seconds()))
        # Nothing is doubled: the list is of the whole region, of every kind of key and state, and no lag lasts so long.
        # One that was deleted is not in it, and is no certificate any more.
        return NotThere(f"no certificate of ACM in {self._region} bears the tag of this order")

    def _tagged(self, order: Order) -> str:
        """Give the ARN of the certificate that bears an order's tag; empty for none."""
        for row in self._summaries():
            if words.may_be(row, order) and self._tag_of(str(row["CertificateArn"])) == order.intent_id:
                return str(row["CertificateArn"])
        return ""

    def _summaries(self) -> list[Mapping[str, Any]]:
        """Give the whole list: ACM searches by no name, and would leave most kinds of keys out.

        :raises RemoteError: it has no end.
        """
        found: list[Mapping[str, Any]] = []
        asked: dict[str, Any] = {"MaxItems": 1000, "Includes": {"keyTypes": list(words.LISTED_KEYS)}}
        for _page in range(_MOST_PAGES):
            told = self._orders.read("list the certificates", "ListCertificates", asked)
            if "CertificateSummaryList" not in told:
                raise RemoteError("Cannot list the certificates: the answer of AWS has no list", code="not_json")
            found += rows(told, "CertificateSummaryList", "CertificateArn")
            if not told.get("NextToken"):
                return found
            asked["NextToken"] = str(told["NextToken"])
        raise RemoteError(f"Cannot look for a certificate: ACM lists more than {len(found)}", code="too_many_found")

    def _tag_of(self, arn: str) -> str:
        try:
            told = self._orders.read("read a certificate's tags", "ListTagsForCertificate", {"CertificateArn": arn})
        except RemoteError as exc:
            if kind_of(exc) != _NOT_FOUND:
                raise
            return ""
        return next((str(one.get("Value") or "") for one in rows(told, "Tags") if one.get("Key") == words.TAG), "")

    # -- what became of it -----------------------------------------------------------------------------------------

    def _certificate(self, arn: str) -> Mapping[str, Any]:
        """Give what ACM says of a certificate.

        :raises RemoteError: it does not know it, or says nothing of it.
        """
        found = self._orders.read("look at the certificate", "DescribeCertificate", {"CertificateArn": arn})
        told = part(found, "Certificate")
        if not told.get("Status"):
            raise RemoteError("Cannot look at the certificate: the answer of AWS has no status", code="not_json")
        return told

    def _is_young(self, handle: Handle, exc: RemoteError) -> bool:
        """Say whether ACM does not know an order only because it was just placed."""
        at = str(handle.get("ordered_at") or "")
        return kind_of(exc) == _NOT_FOUND and bool(at) and self._tools.clock.now() - from_text(at) < _LAG

    def collect(self, handle: Handle) -> Answer:
        """Ask for the state, and fetch what is issued."""
        try:
            told = self._certificate(str(handle["order_id"]))
        except RemoteError as exc:
            if self._is_young(handle, exc):
                waits = "ACM does not show the order yet"
                return Pending(handle, waits, _SOON_S, PROCESSING, vendor_state=kind_of(exc))
            if kind_of(exc) != _NOT_FOUND:
                raise
            # With the credentials of another AWS account it would be told the same, so that this is no refusal.
            raise RemoteError(
                f"{exc.message}; if it was deleted there, cancel the request and ask anew, else see whether the "
                "account's credentials and region are those it was ordered with",
                status=exc.status,
                problem=exc.problem,
                request_id=exc.request_id,
            ) from exc
        return self._answer(handle, told)

    def _answer(self, handle: Handle, told: Mapping[str, Any]) -> Answer:
        handle = {**handle, "ca": str(told.get("CertificateAuthorityArn") or "")}
        found = read_state(words.STATES, told["Status"])
        if found.state == states.ISSUED:
            return self._fetched(handle)
        if found.state in REFUSED_STATES:
            return Rejected(words.reason_of(told), handle, found.state, found.raw)
        if found.state != PENDING_VALIDATION or words.is_private(told) or words.is_validated(told):
            return Pending(handle, "ACM is at work on it", _SOON_S, PROCESSING, vendor_state=found.raw)
        todo = words.actions(told)
        is_mail = any(one.kind == "email" for one in todo)
        seconds = (_MAIL_S if is_mail else _DNS_S) if words.is_told(told) else _SOON_S
        return Pending(handle, words.waits_for(todo), seconds, found.state, todo, found.raw)

    def _fetched(self, handle: Handle) -> Answer:
        asked = {"CertificateArn": str(handle["order_id"])}
        try:
            found = self._orders.read("fetch the certificate", "GetCertificate", asked)
        except RemoteError as exc:
            if kind_of(exc) != _IN_PROGRESS:
                raise
            return Pending(handle, "ACM is at work on it", _SOON_S, PROCESSING, vendor_state=_IN_PROGRESS)
        return self._issued(handle, found)

    def adopt(self, order_id: str, order: Order, csr_pem: str) -> Answer:
        """Take over a certificate by its ARN: one that ACM made, with the names and the key that are asked for."""
        arn = order_id.strip()
        reason = words.arn_reason(arn)
        if reason:
            raise InputError(reason)
        try:
            told = self._certificate(arn)
        except RemoteError as exc:
            if kind_of(exc) not in (_NOT_FOUND, "InvalidArnException"):
                raise
            raise InputError(f"CA account {self._name} has no certificate {arn}") from exc
        reason = words.other_than(told, order, self._issuer(order)) or self._of_another(arn, order)
        if reason:
            raise InputError(f"the certificate {arn} {reason}")
        return self._answer({"order_id": arn, "ca": ""}, told)

    def _of_another(self, arn: str, order: Order) -> str:
        """Say that a certificate bears another order's tag; empty where it does not, or tags may not be read."""
        try:
            tag = self._tag_of(arn)
        except AuthError:
            return ""
        return f"is of another order, by its tag {words.TAG} = {tag}" if tag not in ("", order.intent_id) else ""

    # -- taking back and revoking ----------------------------------------------------------------------------------

    def cancel(self, handle: Handle) -> Answer:
        """Delete what waits for a proof; never what is issued, or is just being."""
        arn, done = str(handle["order_id"]), Rejected("the order is taken back", handle, CANCELLED)
        try:
            told = self._certificate(arn)
        except RemoteError as exc:
            if kind_of(exc) != _NOT_FOUND:
                raise
            waits = "nothing was deleted, as ACM does not show the order yet"
            young = Pending(handle, waits, _SOON_S, PROCESSING, vendor_state=_NOT_FOUND)
            return young if self._is_young(handle, exc) else done
        answer = self._answer(handle, told)
        # What waits for nobody but AWS is issued in a moment: deleting it would race with that, and a private CA would
        # have signed all the same.
        if isinstance(answer, Pending) and answer.state != PENDING_VALIDATION:
            return replace(answer, message="nothing was deleted, as ACM issues it in a moment; revoke it then")
        if not isinstance(answer, Pending):
            return answer
        try:
            self._orders.write("take back an order", "DeleteCertificate", {"CertificateArn": arn})
        except RemoteError as exc:
            if kind_of(exc) in ("ConflictException", "ResourceInUseException"):
                return self._answer(handle, self._certificate(arn))
            if kind_of(exc) != _NOT_FOUND:
                raise
        return done

    def revoke(self, handle: Handle, reason: str, comment: str) -> Revocation:
        """Revoke at the private CA by serial number; of Amazon's those alone that were exported, as AWS has it."""
        if handle.get("ca"):
            return self._revoked_by_ca(handle, reason)
        arn = str(handle["order_id"])
        told = self._certificate(arn)
        self._check_serial(handle, told)
        if read_state(words.STATES, told["Status"]).state == states.REVOKED:
            return Revocation(at=words.revoked_at(told))
        body = {"CertificateArn": arn, "RevocationReason": words.REASONS[reason]}
        self._orders.write("revoke a certificate", "RevokeCertificate", body)
        try:
            return Revocation(at=words.revoked_at(self._certificate(arn)))
        except ClmError:
            # It is revoked; only the time is not to be had.
            return Revocation()

    def _check_serial(self, handle: Handle, told: Mapping[str, Any]) -> None:
        """See that the ARN stands for this certificate still: ACM renews what is in use by itself, under the same one.

        :raises InputError: it stands for another one.
        """
        mine, found = words.serial_of(handle.get("serial")), words.serial_of(told.get("Serial"))
        if mine and found and mine != found:
            raise InputError(
                f"Cannot revoke the certificate with the serial number {mine}: ACM has renewed it by itself, and "
                f"{handle['order_id']} stands for {found} now",
                code="cannot_revoke",
            )
