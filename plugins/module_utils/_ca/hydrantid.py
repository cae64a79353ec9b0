# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""HydrantID (HID Account Certificate Manager): policies, approvals, domains to prove; each call signed by Hawk.

Its list has what was issued, and no requests that wait: after a lost answer an issued certificate is found, and
anything else is for a person to look at. :source: ca-connectors §4.12.
"""

from __future__ import annotations

import secrets as random_words
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from .._core.clock import to_text
from .._core.errors import ClmError, InputError, RemoteError
from .._core.redact import Secret
from .._http.base import Request
from . import answer_base as states
from . import hydrantid_answers, hydrantid_domains, hydrantid_hawk, hydrantid_policy, option_table
from .answer_base import Action, Answer, CannotTell, Found, Handle, Issued, Pending, Rejected, Revocation
from .base import CaConnector, Check, Choice, Order, Tools
from .before_order import before_order
from .capability_base import NATIVE, NONE, Capabilities
from .connection import address_of, connected, reachable, tried, url_reason
from .option_table import Option
from .rest import Rest, quoted
from .shapes import rows
from .table_type import TableType
from .wording import listed, share_of_age

_KIND = "hydrantid"
_REFUSALS = (400, 409, 422)
_PAGE, _PAGES = 100, 5
TABLE: option_table.Table = {
    **option_table.NETWORK,
    "url": Option(
        *("str", "Address of the API, with its path."),
        default="https://acm.hydrantid.com/api/v2",
        check=url_reason,
    ),
    "hawk_id": Option("str", "Id of the API credential.", required=True),
    "certificate_type": Option("str", "Policy, by name or id, where a request names none.", default=""),
    "public_trust": Option("bool", "Whether browsers trust its roots, so that lifetimes have limits.", default=True),
    "hawk_key": Option("str", "Key of the API credential.", secret=True, required=True),
}


class HydrantId(CaConnector):
    """One API credential."""

    def __init__(self, name: str, options: Mapping[str, Any], secrets: Mapping[str, Secret], tools: Tools) -> None:
        self._name, self._options, self._secrets, self._tools = name, options, secrets, tools
        self._made: Rest | None = None
        self._policies: list[Mapping[str, Any]] | None = None

    def _sign(self, request: Request) -> Request:
        made = hydrantid_hawk.header(
            str(self._options["hawk_id"]),
            self._secrets["hawk_key"].reveal(),
            netloc=address_of(str(self._options["url"])).host,
            method=request.method,
            resource=hydrantid_hawk.target(request.path, request.query),
            now=self._tools.clock.now(),
            nonce=random_words.token_hex(8),
        )
        return replace(request, headers={**request.headers, **made})

    @property
    def _rest(self) -> Rest:
        if self._made is None:
            url = str(self._options["url"])
            self._made = connected(
                self._tools, url, self._options, self._secrets, sign=self._sign, explain=hydrantid_answers.explained
            )
        return self._made

    # -- what it offers --------------------------------------------------------------------------------------------

    def capabilities(self) -> Capabilities:
        """Give what it can take."""
        is_needed = not self._options.get("certificate_type")
        found = Capabilities(
            is_public=bool(self._options.get("public_trust", True)),
            is_immediate=False,
            renew=NATIVE,
            revoke_reasons=tuple(hydrantid_answers.REASONS),
            find=NONE,
            can_adopt=True,
            san_types=("dns", "ip", "email", "other"),
            hashes=("sha256",),
            request_options={
                "certificate_type": {
                    "required": is_needed,
                    "choices_from": "certificate_type",
                    "description": "Policy, by name or id.",
                },
                "expiry_emails": {
                    "required": False,
                    "choices_from": "",
                    "description": "Addresses that are told of the expiry; a renewal keeps them.",
                },
            },
            choices=("certificate_type",),
            dcv_methods=("txt",),
            may_need_approval=True,
        )
        return option_table.overridden(found, self._options)

    def test(self) -> Sequence[Check]:
        """Try address, clock, credential, and that the account's policy is one that can be ordered."""
        checks = [("credential", self._credential_told)]
        checks += [("certificate type", self._type_told)] if self._options.get("certificate_type") else []
        return tried(reachable(self._rest, self._tools, "/policies"), checks)

    def _credential_told(self, name: str) -> Check:
        return Check(name, True, f"it may list policies, {len(self._listed())} of them")

    def _type_told(self, name: str) -> Check:
        wanted = str(self._options["certificate_type"])
        policy = self._policy(wanted)
        return Check(name, policy is not None, f"{wanted!r} can be ordered" if policy else self._unknown(wanted))

    def _listed(self) -> list[Mapping[str, Any]]:
        """Give the policies, read once."""
        if self._policies is None:
            found = self._rest.ask("list the policies", "GET", "/policies")
            told = found if isinstance(found, Mapping) else {"items": found}
            self._policies = [one for one in rows(told, "items") if one.get("id")]
        return self._policies

    def choices(self, kind: str) -> Sequence[Choice]:
        """List the policies that can be ordered through the API."""
        if kind != "certificate_type":
            raise InputError(f"CA account {self._name} has no list {kind!r}; there is: certificate_type")
        able = [one for one in self._listed() if hydrantid_policy.can_order(one)]
        return [Choice(str(one.get("name") or one["id"]), str(one["id"])) for one in able]

    def _policy(self, word: str) -> Mapping[str, Any] | None:
        able = [one for one in self._listed() if hydrantid_policy.can_order(one)]
        return next((one for one in able if word in (str(one["id"]), str(one.get("name") or ""))), None)

    def _unknown(self, word: str) -> str:
        known = ", ".join(choice.value for choice in self.choices("certificate_type")) or "none"
        return f"certificate_type {word!r} is not there; there are {known}"

    def _asked(self, order: Order) -> str:
        return str(order.options.get("certificate_type") or self._options.get("certificate_type") or "")

    def validate(self, order: Order) -> Sequence[str]:
        """Give every problem, held against the policy's own fields."""
        problems = [] if order.validity_days >= 1 else [f"a validity of {order.validity_days} days cannot be asked for"]
        described = self.capabilities().request_options
        problems += option_table.request_problems(f"CA account {self._name}", order.options, described, self._values)
        policy = self._policy(self._asked(order)) if self._asked(order) else None
        return problems + (hydrantid_policy.problems(policy, order) if policy else [])

    def _values(self, kind: str) -> list[str]:
        return [word for choice in self.choices(kind) for word in (choice.value, choice.label)]

    # -- orders ----------------------------------------------------------------------------------------------------

    def submit(self, order: Order, csr_pem: str) -> Answer:
        """Place the order, once every domain is proved."""
        policy = self._ready(order)
        if policy is None:
            return Rejected(self._unknown(self._asked(order)))
        return self._placed("place the order", "/csr", hydrantid_policy.body(policy, order, csr_pem), order)

    def _ready(self, order: Order) -> Mapping[str, Any] | None:
        """Give the policy of an order that can be placed; None where it is not there.

        :raises RemoteError: a domain is not proved yet, or nobody can tell.
        """
        with before_order():
            policy = self._policy(self._asked(order))
            if policy is not None:
                names = (order.spec.common_name, *order.spec.dns_names)
                hydrantid_domains.ensure(self._rest, policy, names, self._tools.clock.now())
        return policy

    def renew(self, handle: Handle, order: Order, csr_pem: str) -> Answer:
        """Renew, which keeps all but the key; with other names, policy, lifetime or fields it is an order.

        So is what follows a certificate that is revoked, expired, or was renewed before.
        """
        policy = self._ready(order)
        if policy is None or handle.get("policy") not in ("", None, str(policy["id"])):
            return self.submit(order, csr_pem)
        emails = listed(order.options.get("expiry_emails")) or handle.get("expiry_emails") or []
        order = replace(order, options={**order.options, "expiry_emails": emails})
        wanted = self._kept(order)
        # What a handle does not know, as one that was kept by an older version, may have changed.
        is_same = all(handle.get(name) == wanted[name] for name in ("names", "lifetime", "custom_fields"))
        keeps_emails = sorted(emails) == sorted(handle.get("expiry_emails") or [])
        if not (handle.get("certificate_id") and is_same and keeps_emails and self._is_good(handle)):
            return self.submit(order, csr_pem)
        path = f"/certificates/{quoted(str(handle['certificate_id']))}/renew"
        return self._placed("renew the certificate", path, {"reuseCsr": False, "csr": csr_pem}, order)

    def _is_good(self, handle: Handle) -> bool:
        """Say whether a certificate is neither revoked, nor about to be, nor at its end."""
        with before_order():
            told = self._certificate(str(handle["certificate_id"]))
        return hydrantid_answers.is_renewable(told, self._tools.clock.now())

    def _placed(self, what: str, path: str, body: Mapping[str, Any], order: Order) -> Answer:
        try:
            told = self._rest.ask(what, "POST", path, body=body)
        except RemoteError as exc:
            if exc.status not in _REFUSALS:
                raise
            return Rejected(exc.message)
        if not isinstance(told, Mapping) or not told.get("id"):
            raise RemoteError(f"Cannot {what}: HydrantID's answer has no id; it may have taken it", code="not_json")
        handle = {**self._kept(order), "order_id": str(told["id"])}
        try:
            return self._answer(handle, told)
        except ClmError as exc:
            message = f"HydrantID took the order; its certificate cannot be read yet: {exc.message}"
            return Pending(handle, message, 60.0, vendor_state=str(told.get("issuanceStatus") or ""))

    def _kept(self, order: Order) -> dict[str, Any]:
        """Give what a handle has from its order."""
        policy = self._policy(self._asked(order))
        return {
            "policy": str(policy["id"]) if policy else "",
            "names": hydrantid_policy.names(order.spec),
            "lifetime": hydrantid_policy.lifetime(order),
            "custom_fields": hydrantid_policy.custom_fields(policy, order.attributes) if policy else {},
            "expiry_emails": listed(order.options.get("expiry_emails")),
            "placed_at": to_text(order.at),
        }

    def collect(self, handle: Handle) -> Answer:
        """Ask for the request, and fetch its certificate."""
        if handle.get("certificate_id"):
            return self._issued(handle, str(handle["certificate_id"]))
        path = f"/csr/{quoted(str(handle['order_id']))}/status"
        return self._answer(handle, self._rest.mapping("ask for the request", "GET", path))

    def _answer(self, handle: Handle, told: Mapping[str, Any]) -> Answer:
        state = states.read_state(hydrantid_answers.STATES, told.get("issuanceStatus"))
        details = str(told.get("issuanceStatusDetails") or "")
        if state.state == states.ISSUED and told.get("certificateId"):
            return self._issued(handle, str(told["certificateId"]))
        if state.state in states.REFUSED_STATES:
            reason = f"HydrantID says {state.raw}" + (f": {details}" if details else "")
            return Rejected(self._rest.masked(reason), handle, state.state, state.raw)
        waits = state.state == states.PENDING_APPROVAL
        message = "an approver at HydrantID has to agree" if waits else "HydrantID is at work"
        pending = state.state if state.state in states.PENDING_STATES else states.PROCESSING
        return Pending(
            handle,
            message + (f" ({details})" if details else ""),
            self._patience(handle),
            pending,
            (Action("approval", who="an approver of the policy at HydrantID"),) if waits else (),
            state.raw,
        )

    def _patience(self, handle: Handle) -> float:
        """Give the seconds to wait: as long again as it has waited, from one minute to fifteen."""
        placed_at, now = handle.get("placed_at"), self._tools.clock.now()
        return share_of_age(placed_at, now, share=1.0, least_s=60.0, most_s=900.0)

    def _issued(self, handle: Handle, certificate_id: str) -> Issued:
        from .._pki.x509 import certificate_facts

        told = self._certificate(certificate_id)
        accepted = {"Accept": "application/x-pem-file, text/plain, application/json;q=0.5"}
        path = f"/certificates/{quoted(certificate_id)}/pem"
        answer = self._rest.call("GET", path, query=(("chain", "true"),), headers=accepted)
        chain = hydrantid_answers.text_of(self._rest.checked("read the chain", answer))
        bundle = hydrantid_answers.bundle_of(told, chain, self._tools.clock.now())
        serial = certificate_facts(bundle.leaf).serial
        return Issued(bundle, {**handle, "certificate_id": certificate_id, "serial": serial})

    def _certificate(self, certificate_id: str) -> Mapping[str, Any]:
        path = f"/certificates/{quoted(certificate_id)}"
        return self._rest.mapping("read the certificate", "GET", path)

    # -- after a lost answer ---------------------------------------------------------------------------------------

    def find(self, order: Order, csr_pem: str) -> Found:
        """Look among the issued certificates for one of this key; requests that wait cannot be listed."""
        for one in self._issued_since(order):
            if self._is_of(one, order, csr_pem):
                return self._issued(self._kept(order), str(one["id"]))
        name = order.spec.common_name
        return CannotTell(
            "HydrantID lists what it issued, among which it is not, and no requests that wait",
            f"at HydrantID's portal among the certificate requests for a request for {name} of {to_text(order.at)} or "
            f"later, with the comment ({order.intent_id})",
            900.0,
        )

    def _issued_since(self, order: Order) -> list[Mapping[str, Any]]:
        """Give the certificates of the order's name that are not expired."""
        found: list[Mapping[str, Any]] = []
        for page in range(_PAGES):
            asked = {
                "commonName": order.spec.common_name,
                "expired": False,
                "limit": _PAGE,
                "offset": page * _PAGE,
                "pem": True,
            }
            told = self._rest.mapping("look for the certificate", "POST", "/certificates", body=asked)
            items = [one for one in rows(told, "items") if one.get("id")]
            found += items
            if len(items) < _PAGE:
                break
        return found

    def _is_of(self, item: Mapping[str, Any], order: Order, csr_pem: str) -> bool:
        """Say whether a certificate is what this order became."""
        if str(item["id"]) == str(order.parent.get("certificate_id") or ""):
            return False
        is_whole = item.get("pem") and item.get("createdAt")
        told = item if is_whole else self._certificate(str(item["id"]))
        return hydrantid_answers.is_made_for(told, csr_pem, order.at)

    def adopt(self, order_id: str, order: Order, csr_pem: str) -> Answer:
        """Take over a request by its id."""
        from .._pki.x509 import csr_facts

        try:
            told = self._rest.mapping("read the request", "GET", f"/csr/{quoted(order_id)}")
        except RemoteError as exc:
            if exc.status not in (400, 404):
                raise
            raise InputError(f"CA account {self._name} has no request {order_id}") from exc
        if csr_facts(str(told.get("csr") or "")).fingerprint != csr_facts(csr_pem).fingerprint:
            raise InputError(f"request {order_id} of CA account {self._name} is of another CSR")
        return self.collect({**self._kept(order), "order_id": order_id})

    # -- after issuing ---------------------------------------------------------------------------------------------

    def revoke(self, handle: Handle, reason: str, comment: str) -> Revocation:
        """Revoke; what is revoked already, or about to be, is left as it is."""
        certificate_id = str(handle["certificate_id"])
        told = self._certificate(certificate_id)
        if not hydrantid_answers.is_under_way(told):
            path, body = f"/certificates/{quoted(certificate_id)}", {"reason": hydrantid_answers.REASONS[reason]}
            told = self._rest.mapping("revoke a certificate", "PATCH", path, body=body)
        return hydrantid_answers.revocation_of(told)

    def revocation(self, handle: Handle) -> Revocation:
        """Ask whether it is revoked."""
        return hydrantid_answers.revocation_of(self._certificate(str(handle["certificate_id"])))


class HydrantIdType(TableType):
    """Makes and reads accounts."""

    name = _KIND
    table = TABLE
    connector = HydrantId

    def problems(self, options: Mapping[str, Any], secrets: Mapping[str, str]) -> Sequence[str]:
        """Refuse an id that would end a Hawk header too early."""
        return ["hawk_id holds a quotation mark; give the id alone"] if '"' in str(options["hawk_id"] or "") else ()
