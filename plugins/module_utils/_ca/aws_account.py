# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What both ways to a certificate at AWS share: the account's calls, its private CAs, orders that a token makes one.

Knows neither what is ordered nor how it is asked for afterwards. :source: ca-connectors §4.6.
"""

from __future__ import annotations

import re
from abc import abstractmethod
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from .._core.clock import to_text
from .._core.errors import AuthError, ClmError, InputError, RemoteError
from .._core.redact import Secret
from .._core.types import Bundle
from . import aws_pca_options as own
from .answer_base import Answer, Handle, Issued, Pending, Rejected, Revocation, read_state
from .aws_api import Api, endpoint, json_headers, kind_of, rest_of
from .aws_credentials import Credentials
from .aws_sigv4 import Keys
from .base import CaConnector, Check, Choice, Order, Tools
from .before_order import before_order, is_lost, once_more
from .connection import reachable, tried
from .rest import Rest
from .shapes import part, rows

KIND, PCA_SERVICE = "aws_pca", "ACMPrivateCA"
# One order with all its tries ends before the lease of its request does.
_AGAIN_S = 60.0


class AwsAccount(CaConnector):
    """One AWS account in one region.

    :cvar what: the order, for messages; ``operation`` is AWS's name of it.
    :cvar refusals: errors that the order itself is at fault for; anything else is the account's fault, or nobody's.
    :cvar vendor_states: from AWS's words to ``answer_base.STATES``.
    """

    what: str
    operation: str
    refusals: tuple[str, ...]
    vendor_states: Mapping[str, str]

    def __init__(self, name: str, options: Mapping[str, Any], secrets: Mapping[str, Secret], tools: Tools) -> None:
        self._name, self._options, self._secrets, self._tools = name, options, secrets, tools
        self._region = str(options.get("region") or "") or own.part_of(str(options["ca_arn"]), 3)
        self._made: list[Rest] = []
        self._hidden: list[Secret] = []
        self._credentials = Credentials(options, secrets, tools.clock, self._sts, self._hide)
        self._signing: dict[str, Api] = {}
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
        return self._rest(self._url("sts_url", "sts"), "sts", keys)

    def _url(self, option: str, service: str) -> str:
        return str(self._options.get(option) or "") or endpoint(service, self._region)

    def _api(self, option: str, service: str, prefix: str) -> Api:
        """Give the calls to a service.

        :param option: of the account, with another address than the region's own; ``prefix`` of its targets.
        """
        if service not in self._signing:
            rest = self._rest(self._url(option, service), service, self._credentials.keys)
            self._signing[service] = Api(rest, self._tools, prefix, self._credentials.renew)
        return self._signing[service]

    @property
    def _pca(self) -> Api:
        return self._api("url", "acm-pca", PCA_SERVICE)

    @property
    @abstractmethod
    def _orders(self) -> Api:
        """Give the calls to the service that takes the orders."""

    # -- the account -----------------------------------------------------------------------------------------------

    def _tested(
        self, place: tuple[str, str, str], checks: Sequence[tuple[str, Callable[[str], Check]]]
    ) -> Sequence[Check]:
        """Try address, clock and credentials, and what a mode adds; nothing is issued.

        :param place: option of the address, service, and a target that only asks.
        """
        option, service, target = place
        # Without a signature: AWS says that there is none, and that is an answer.
        plain, headers = self._rest(self._url(option, service), service, None), json_headers(target)
        found = list(reachable(plain, self._tools, "/", method="POST", raw=b"{}", headers=headers))
        return tried(found, (("credentials", self._source_told), *checks))

    def _source_told(self, name: str) -> Check:
        self._credentials.keys()
        return Check(name, True, self._credentials.source())

    def _ca_told(self, name: str) -> Check:
        told = self._described(str(self._options["ca_arn"]))
        state, ends = str(told.get("Status") or ""), own.moment_of(told.get("NotAfter"))
        until = f", until {to_text(ends)}" if ends else ""
        return Check(name, state == "ACTIVE", f"{own.name_of(told)} is {state or 'in no state'}{until}")

    def _described(self, arn: str) -> Mapping[str, Any]:
        found = self._pca.read("look at the CA", "DescribeCertificateAuthority", {"CertificateAuthorityArn": arn})
        return part(found, "CertificateAuthority")

    def choices(self, kind: str) -> Sequence[Choice]:
        """List the CAs that are active."""
        if kind != "issuer_name" or kind not in self.capabilities().choices:
            there = ", ".join(self.capabilities().choices) or "none"
            raise InputError(f"CA account {self._name} has no list {kind!r}; there are: {there}")
        return [Choice(str(one["Arn"]), own.name_of(one)) for one in self._listed() if one.get("Status") == "ACTIVE"]

    def _listed(self) -> list[Mapping[str, Any]]:
        """Give the CAs of this AWS account, and those that others share with it."""
        if self._known is None:
            found: list[Mapping[str, Any]] = []
            for owner in ("SELF", "OTHER_ACCOUNTS"):
                more = ""
                while True:
                    asked = {"ResourceOwner": owner, **({"NextToken": more} if more else {})}
                    told = self._pca.read("list the CAs", "ListCertificateAuthorities", asked)
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

    def _issuer(self, order: Order) -> str:
        """Give the ARN of the private CA that is to sign; empty for none."""
        return str(order.options.get("issuer_name") or self._options.get("ca_arn") or "")

    def _issuers(self, order: Order) -> list[Mapping[str, Any]]:
        """Give the CA that is to sign as AWS describes it; none where it may not be seen."""
        try:
            return [one for one in self._listed() if one.get("Arn") == self._issuer(order)]
        except AuthError:
            return []

    # -- orders ----------------------------------------------------------------------------------------------------

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
        return once_more(lambda: self._written(body, False), lost, lambda exc: kind_of(exc) in self.refusals)

    def _written(self, body: Mapping[str, Any], is_first: bool) -> Mapping[str, Any]:
        def ready() -> None:
            with before_order(is_first):
                self._credentials.ready()

        return self._orders.write(self.what, self.operation, body, ready)

    def _refused(self, exc: RemoteError) -> Rejected:
        """Give the refusal of an order.

        :raises RemoteError: it is no word of AWS on the order itself.
        """
        if exc.status != 400 or kind_of(exc) not in self.refusals:
            raise exc
        return Rejected(exc.message)

    def _first_look(self, handle: Handle) -> Answer:
        """Fetch what was just ordered; whatever goes wrong with that, the order is placed."""
        if not handle["order_id"]:
            raise RemoteError(f"Cannot {self.what}: the answer of AWS names no certificate", code="no_order")
        try:
            return self.collect(handle)
        except ClmError as exc:
            word = kind_of(exc) if isinstance(exc, RemoteError) else ""
            told = f"AWS took the order, and it could not be fetched yet: {exc.message}"
            return Pending(handle, told, 5.0, read_state(self.vendor_states, word).state, vendor_state=word)

    def _issued(self, handle: Handle, found: Mapping[str, Any]) -> Issued:
        """Read a certificate.

        :param found: ``Certificate`` and ``CertificateChain``, as both services give them.
        :raises InputError: it cannot be read.
        """
        from .._pki.chain import order_chain
        from .._pki.x509 import certificate_facts

        leaf, chain = str(found.get("Certificate") or ""), str(found.get("CertificateChain") or "")
        ordered = order_chain(leaf, [chain] if chain else [], at=self._tools.clock.now()).bundle
        serial = ":".join(re.findall("..", certificate_facts(leaf).serial))
        return Issued(Bundle(ordered.leaf, ordered.chain, ordered.root), {**handle, "serial": serial})

    def _revoked_by_ca(self, handle: Handle, reason: str) -> Revocation:
        """Revoke at the private CA by the serial number; it keeps no comment, and says no time."""
        body = {
            "CertificateAuthorityArn": str(handle["ca"]),
            "CertificateSerial": str(handle["serial"]),
            "RevocationReason": own.REASONS[reason],
        }
        try:
            self._pca.write("revoke a certificate", "RevokeCertificate", body)
        except RemoteError as exc:
            if kind_of(exc) != "RequestAlreadyProcessedException":
                raise
        return Revocation()
