# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Any CA that speaks ACME: names are proved by what a playbook publishes, and the order's URL is all that is kept.

An order costs nothing and ends by itself if nobody goes on with it, so a lost answer is harmless.
:source: RFC 8555, RFC 8738, RFC 9773; ca-connectors §4.5.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

from .._core.clock import to_text
from .._core.csr_spec import CsrSpec
from .._core.errors import ClmError, InputError, RemoteError
from .._core.redact import Secret
from .._http.base import Response
from .._http.retry import wait_told
from . import acme_account, acme_certificates, acme_proof, option_table
from .acme_account import DCV, PROFILE, REASONS, TABLE
from .acme_jws import unb64
from .acme_orders import LOOK_AGAIN_S, AcmeOrders, is_refusal
from .acme_server import ANOTHER_KEY, AcmeServer, word_of
from .answer_base import (
    CANCELLED,
    FAILED,
    REJECTED,
    SUBMITTED,
    Answer,
    Found,
    Handle,
    Issued,
    NotThere,
    Pending,
    Rejected,
    Revocation,
)
from .base import CaConnector, Check, Choice, Order, RenewalHint, StoredAccount, Tools
from .before_order import before_order
from .capability_base import FIND_HARMLESS, Capabilities
from .connection import reachable
from .rest import POLICY
from .table_type import TableType

# What an order is before it is finalized for this CSR.
_LEFT = ("pending", "ready", "valid")


class Acme(CaConnector):
    """One account at one directory."""

    def __init__(self, name: str, options: Mapping[str, Any], secrets: Mapping[str, Secret], tools: Tools) -> None:
        self._name, self._options, self._tools = name, options, tools
        self._server = AcmeServer(options, secrets, tools)
        self._orders = AcmeOrders(self._server, options, tools)

    def capabilities(self) -> Capabilities:
        """Give what it can take."""
        profile = {"required": False, "choices_from": PROFILE, "description": "Profile of the CA."}
        proof = {"required": False, "choices_from": DCV, "description": "How names are proved."}
        found = Capabilities(
            is_public=bool(self._options.get("is_public")),
            is_immediate=False,
            revoke_reasons=tuple(self._options["revoke_reasons"]),
            can_cancel=True,
            find=FIND_HARMLESS,
            can_adopt=True,
            csr_is_truth=True,
            san_types=("dns", "ip"),
            key_types=("rsa", "ec", "ed25519"),
            validity="profile" if self._options["lifetime_as"] == "profile" else "seconds",
            request_options={PROFILE: profile, DCV: proof},
            choices=(PROFILE, DCV),
            dcv_methods=acme_proof.METHODS,
            gives_renewal_hints=True,
        )
        return option_table.overridden(found, self._options)

    def test(self) -> Sequence[Check]:
        """Try address, clock, directory, terms and account; registers nothing, for a binding serves but once."""
        found = [*reachable(self._server.rest(), self._tools, self._server.path)]
        if not all(check.passed for check in found if check.name == "reachable"):
            return found
        try:
            meta = self._server.meta()
            found.append(Check("directory", True, "it is an ACME directory"))
            due = self._server.due()
            problems = self._server.unready(meta) if due == "register" else []
        except ClmError as exc:
            return [*found, Check("account", False, exc.message)]
        told = {"": "the CA knows the account", ANOTHER_KEY: "the CA is to be given the new key"}.get(
            due, "it is not registered yet; that is done for a stored account, or with the first order"
        )
        return [*found, Check("account", not problems, "; ".join(problems) or told)]

    def care_due(self) -> str:
        """Say that the account is to be registered, or to be given its new key."""
        try:
            due = self._server.due()
            is_ready = due != "register" or not self._server.unready(self._server.meta())
        except ClmError:
            # The test of the account has said it.
            return ""
        if not due or not is_ready:
            return ""
        return f"{'Register' if due == 'register' else 'Give its new key to'} CA account {self._name} at the CA"

    def care(self) -> None:
        """Register the account, or give it its new key."""
        self._server.opened()

    def choices(self, kind: str) -> Sequence[Choice]:
        """List the directory's profiles, which may be none, or the ways to prove a name."""
        if kind == DCV:
            return [Choice(one, one) for one in acme_proof.METHODS]
        if kind != PROFILE:
            raise InputError(f"CA account {self._name} has no list {kind!r}; there are: {PROFILE}, {DCV}")
        found = self._server.meta().get("profiles")
        return [Choice(str(one), str(text)) for one, text in found.items()] if isinstance(found, Mapping) else []

    def validate(self, order: Order) -> Sequence[str]:
        """Give every problem of the options and the names."""
        problems = [] if order.validity_days >= 1 else [f"a validity of {order.validity_days} days cannot be asked for"]
        names = [*order.spec.dns_names, *order.spec.ip_addresses]
        if order.spec.common_name not in names:
            problems.append(f"the common name {order.spec.common_name} has to be one of the names, too")
        described = self.capabilities().request_options
        wanted = self._profile(order)
        profiles = [one.value for one in self.choices(PROFILE)] if wanted else []
        if wanted and not profiles:
            problems.append(f"{PROFILE} {wanted!r} is not there; the CA has no profiles, leave it out")
        known = {PROFILE: profiles, DCV: list(acme_proof.METHODS)}
        return problems + option_table.request_problems(
            f"CA account {self._name}", order.options, described, lambda kind: known[kind]
        )

    def _profile(self, order: Order) -> str:
        return str(order.options.get(PROFILE) or self._options.get(PROFILE) or "")

    def submit(self, order: Order, csr_pem: str) -> Answer:
        """Place the order, and no more; says what is to be published, or that it can go on where all names are proved.

        An order that is finalized is a certificate: that waits for ``collect``, with a handle that is kept.
        """
        reason = csr_reason(order.spec, csr_pem)
        if reason:
            return Rejected(reason)
        with before_order():
            kid = self._server.opened()
            body = self._body(order)
        try:
            url, told = self._orders.place(body)
        except RemoteError as exc:
            if not is_refusal(exc):
                raise
            return Rejected(exc.message, {}, REJECTED, word_of(exc))
        handle = self._handle(url, kid, order, csr_pem)
        try:
            return self._orders.go_on(handle, told, may_act=False, is_new=True)
        except ClmError as exc:
            # It is placed; whatever failed since is tried again.
            return Pending(handle, f"the order is placed; {exc.message}", LOOK_AGAIN_S, SUBMITTED)

    def _handle(self, url: str, kid: str, order: Order, csr_pem: str) -> dict[str, str]:
        made = {
            **{"order_id": url, "account_id": kid, "csr": csr_pem, "told_at": to_text(self._tools.clock.now())},
            **{DCV: str(order.options.get(DCV) or self._options[DCV]), "profile": self._profile(order)},
        }
        end = self._not_after(order)
        return {**made, "not_after": end} if end else made

    def _not_after(self, order: Order) -> str:
        """Give the end that is asked for; empty where the CA decides."""
        is_asked = self._options["lifetime_as"] == "not_after"
        return to_text(order.at + timedelta(days=order.validity_days)) if is_asked else ""

    def _body(self, order: Order) -> dict[str, Any]:
        spec = order.spec
        named = [{"type": "dns", "value": name.lower()} for name in spec.dns_names]
        body: dict[str, Any] = {
            "identifiers": [*named, *({"type": "ip", "value": one} for one in spec.ip_addresses)],
        }
        profile, replaced = self._profile(order), order.parent.get("leaf")
        if profile:
            body["profile"] = profile
        if end := self._not_after(order):
            body["notAfter"] = end
        if replaced and self._server.directory().get("renewalInfo"):
            body["replaces"] = acme_certificates.renewal_id(_pem_of(str(replaced)))
        return {name: value for name, value in body.items() if value}

    def find(self, order: Order, csr_pem: str) -> Found:
        """Answer that nothing is lost: an order without its CSR is nobody's, costs nothing, and ends by itself.

        CAs that list an account's orders tell names and no key, so that a list would not say whose an order is.
        """
        return NotThere("an order that nobody finalizes costs nothing, issues nothing, and ends by itself")

    def collect(self, handle: Handle) -> Answer:
        """Go on with an order: tell the CA of proofs that can be seen, finalize it, fetch the certificate."""
        return self._gone_on(handle, may_act=True)

    def peek(self, handle: Handle) -> Answer:
        """Ask alone."""
        return self._gone_on(handle, may_act=False)

    def _gone_on(self, handle: Handle, *, may_act: bool) -> Answer:
        url = str(handle["order_id"])
        if not self._server.is_here(url):
            why = (
                f"the address of CA account {self._name} was changed to {self._server.host}, and the order is at "
                f"{url}: nobody can go on with it; order anew"
            )
            return Rejected(why, handle, FAILED)
        try:
            told = self._orders.read(url)
        except RemoteError as exc:
            if exc.status != 404:
                raise
            return Rejected(f"the CA has no such order any more: {exc.message}", handle, FAILED, word_of(exc))
        return self._orders.go_on(handle, told, may_act=may_act)

    def adopt(self, order_id: str, order: Order, csr_pem: str) -> Answer:
        """Take over an order by its URL."""
        names = {(one["type"], one["value"]) for one in self._body(order)["identifiers"]}
        try:
            told = self._orders.read(order_id)
        except RemoteError as exc:
            if exc.code != "other_host" and exc.status not in (400, 403, 404, 405):
                raise
            raise InputError(f"CA account {self._name} has no order {order_id}; give its URL") from exc
        found = {(str(one.get("type")), str(one.get("value"))) for one in told.get("identifiers") or ()}
        if found != names:
            raise InputError(f"order {order_id} of CA account {self._name} is of other names than this CSR")
        handle = self._handle(order_id, self._server.kid(), order, csr_pem)
        answer = self._orders.go_on(handle, told, may_act=False)
        if isinstance(answer, Pending) and told.get("status") == "valid":
            raise InputError(f"order {order_id} of CA account {self._name} was issued for another key than this CSR's")
        return answer

    def cancel(self, handle: Handle) -> Answer:
        """Leave an order: nothing is issued that nobody finalizes, and the CA lets it end."""
        answer = self.peek(handle)
        is_left = isinstance(answer, Pending) and answer.vendor_state in _LEFT
        if not is_left and not isinstance(answer, Rejected):
            return answer
        why = answer.reason if isinstance(answer, Rejected) else "the order was not finalized, and is left to end"
        return Rejected(why, handle, CANCELLED)

    def revoke(self, handle: Handle, reason: str, comment: str) -> Revocation:
        """Revoke with the account's key; the CA tells no time."""
        leaf = str(handle.get("leaf") or "")
        if not leaf:
            answer = self.peek(handle)
            if not isinstance(answer, Issued):
                raise InputError("there is no certificate of this order to revoke", code="cannot_revoke")
            leaf = str(answer.handle["leaf"])
        body = {"certificate": leaf, "reason": REASONS[reason]}
        try:
            self._server.post("revoke a certificate", str(self._server.directory()["revokeCert"]), body)
        except RemoteError as exc:
            if word_of(exc) == "badRevocationReason":
                advice = f"leave {reason} out of revoke_reasons of CA account {self._name}"
                raise InputError(f"{exc.message}; {advice}", code="reason_not_taken") from exc
            if word_of(exc) != "alreadyRevoked":
                raise
        return Revocation()

    def renewal_hint(self, bundle_leaf_pem: str) -> RenewalHint | None:
        """Ask for the renewal information (ARI), where the CA has any."""
        url = str(self._server.directory().get("renewalInfo") or "")
        name = acme_certificates.renewal_id(bundle_leaf_pem) if url else ""
        if not name:
            return None
        answer = self._server.rest().call("GET", f"{self._server.path_of(url).rstrip('/')}/{name}")
        if answer.status == 404:
            return None
        if answer.status == 429 or answer.status >= 500:
            self._server.rest().checked("ask when to renew", answer)
        hint = acme_certificates.hint_of(answer.value()) if answer.is_success else None
        if hint is None or "retry-after" not in answer.headers:
            return hint
        told = Response(answer.status, answer.headers, b"")
        return replace(hint, ask_again_s=wait_told(told, self._tools.clock.now(), POLICY))


def _pem_of(leaf: str) -> str:
    import base64

    return f"-----BEGIN CERTIFICATE-----\n{base64.encodebytes(unb64(leaf)).decode()}-----END CERTIFICATE-----\n"


def csr_reason(spec: CsrSpec, csr_pem: str) -> str:
    """Say why a CSR cannot be finalized for an order of these names; empty when it can.

    :source: RFC 8555 §7.4: it has to hold exactly the order's names.
    """
    from .._pki.x509 import csr_facts

    facts = csr_facts(csr_pem)
    if not facts.is_signature_valid:
        return "the CSR's signature does not verify, and no CA would take it"
    wanted = {*(name.lower() for name in spec.dns_names), *map(_address, spec.ip_addresses)}
    found = {*(name.lower() for name in facts.sans.dns), *map(_address, facts.sans.ips)}
    if wanted != found:
        differ = ", ".join(sorted(wanted ^ found))
        return f"the CSR has to hold exactly the names of the order; they differ in {differ}"
    if facts.common_name and facts.common_name.lower() not in found:
        return f"the CSR's common name {facts.common_name} is none of its names"
    return ""


def _address(text: str) -> str:
    return str(ipaddress.ip_address(text))


class AcmeType(TableType):
    """Makes and reads accounts."""

    name = acme_account.KIND
    table = TABLE
    connector = Acme
    # RFC 8555 wants many calls for one order; Let's Encrypt takes 20 a second.
    calls_per_second = 10

    def prepare(
        self, name: str, options: Mapping[str, Any], secrets: Mapping[str, str], before: StoredAccount
    ) -> tuple[Mapping[str, Any], Mapping[str, str]]:
        """Check an account's options and complete them; a key is made where there is none."""

        def due() -> str:
            kept = {one: Secret(text) for one, text in before.secrets.items()}
            return AcmeServer(before.options, kept, self._tools).due()

        return acme_account.prepared(name, options, secrets, before, due)
