# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Google Cloud Certificate Authority Service: signs a CSR at once, under an id that we choose.

In a pool of the tier enterprise a certificate is found by that id, for good. One of the tier devops keeps nothing:
there the same request is the same order for an hour, and the certificate is kept in the handle.
:source: ca-connectors §4.4.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from .._core.clock import to_text
from .._core.errors import AuthError, InputError, RemoteError
from .._core.redact import Secret
from .._core.types import Bundle
from .._http.base import Request, Response
from . import google_cas_options as own
from . import option_table
from .answer_base import Answer, CannotTell, Found, Handle, Issued, NotThere, Pending, Rejected, Revocation
from .base import CaConnector, Check, Choice, Order, Tools
from .before_order import before_order, is_lost, once_more
from .capability_base import FIND_EXACT, FIND_TOKEN, Capabilities
from .connection import connected, reachable, transport_options, tried
from .google_token import Token, problems
from .rest import Rest
from .shapes import rows
from .table_type import TableType

_KIND = "google_cas"
# Google knows a request again for an hour at least. An order that is sent again may itself take minutes.
TOKEN_S = 3000.0
_AGAIN_S = 60.0
_DAY_S = 86400.0
_CREATE, _GET = "privateca.certificates.create", "privateca.certificates.get"


class GoogleCas(CaConnector):
    """The pools of one project."""

    def __init__(self, name: str, options: Mapping[str, Any], secrets: Mapping[str, Secret], tools: Tools) -> None:
        self._name, self._options, self._secrets, self._tools = name, options, secrets, tools
        self._keeps = options["tier"] == own.ENTERPRISE
        self._token = Token(options, secrets, tools.clock, self._send, self._hide)
        self._made: dict[str, Rest] = {}
        self._hidden: list[Secret] = []
        self._known: dict[tuple[str, str], list[Choice]] = {}

    # -- calls -----------------------------------------------------------------------------------------------------

    def _send(self, host: str, request: Request) -> Response:
        """Make a call for the token, to whatever host the credentials name."""
        transport = self._tools.transports(transport_options(host, self._options, self._secrets))
        try:
            return transport.send(request)
        finally:
            transport.close()

    def _hide(self, secret: Secret) -> None:
        self._hidden.append(secret)
        for rest in self._made.values():
            rest.hide(secret)

    def _rest(self, kind: str, sign: Any) -> Rest:
        if kind not in self._made:
            url = str(self._options.get("url") or own.URL)
            self._made[kind] = connected(self._tools, url, self._options, self._secrets, sign=sign, explain=own.explain)
            for secret in self._hidden:
                self._made[kind].hide(secret)
        return self._made[kind]

    def _bearing(self, request: Request) -> Request:
        return replace(request, headers={**request.headers, "Authorization": f"Bearer {self._token.text()}"})

    def _ask(
        self, what: str, method: str, path: str, *, ready: Callable[[], object] | None = None, **more: Any
    ) -> Mapping[str, Any]:
        """Call with the token; once more with another one where this one is refused.

        :param ready: gets the other one; without it that is got when the call is made.
        """
        rest = self._rest("token", self._bearing)
        try:
            return rest.mapping(what, method, path, **more)
        except AuthError as exc:
            if exc.status != 401 or not self._token.can_renew:
                raise
            self._token.forget()
            if ready is not None:
                ready()
            return rest.mapping(what, method, path, **more)

    def _listed(self, what: str, path: str, word: str) -> list[Mapping[str, Any]]:
        """Give all pages of a list."""
        found: list[Mapping[str, Any]] = []
        query: tuple[tuple[str, str], ...] = ()
        while True:
            told = self._ask(what, "GET", path, query=query)
            found += rows(told, word)
            if not told.get("nextPageToken"):
                return found
            query = (("pageToken", str(told["nextPageToken"])),)

    # -- what it can -----------------------------------------------------------------------------------------------

    def capabilities(self) -> Capabilities:
        """Give what it can take; what can be asked for later depends on the tier."""
        described = {
            "issuer_location": (not self._options.get("location"), "Location of the pool."),
            "issuer_name": (not self._options.get("issuer"), "Pool that signs, or pool/ca for one of its CAs."),
            "certificate_type": (False, "Certificate template."),
        }
        found = Capabilities(
            is_public=False,
            is_immediate=True,
            revoke_reasons=tuple(own.REASONS) if self._keeps else (),
            find=FIND_EXACT if self._keeps else FIND_TOKEN,
            can_adopt=self._keeps,
            csr_is_truth=True,
            san_types=("dns", "ip", "email", "uri"),
            key_types=("rsa", "ec", "ed25519"),
            csr_sources=("local", "upload"),
            validity="seconds",
            request_options={
                name: {"required": is_required, "choices_from": name, "description": text}
                for name, (is_required, text) in described.items()
            },
            choices=own.KINDS,
            chain_with_root=True,
        )
        return option_table.overridden(found, self._options)

    def test(self) -> Sequence[Check]:
        """Try address, clock, token, the pool and the right to sign in it."""
        path = own.path_of(f"projects/{self._options['project']}/locations")
        found = list(reachable(self._rest("plain", None), self._tools, path))
        checks = (("logged in", self._login_told), ("pool", self._pool_told), ("may sign", self._right_told))
        return tried(found, checks)

    def _login_told(self, name: str) -> Check:
        return Check(name, True, self._token.source())

    def _pool_told(self, name: str) -> Check:
        place = own.place_of(self._options, {})
        if not place.location or not place.pool:
            return Check(name, True, "not tried: the account has no location and issuer, each request names them")
        wanted = str(self._options["tier"])
        try:
            tier = str(self._ask("look at the pool", "GET", own.path_of(place.parent)).get("tier") or "").lower()
        except AuthError as exc:
            if exc.status != 403:
                raise
            return Check(name, True, f"it may not be looked at; the account says that {place.pool} is of {wanted}")
        return Check(name, tier == wanted, f"{place.pool} is of the tier {tier}, and the account of {wanted}")

    def _right_told(self, name: str) -> Check:
        place = own.place_of(self._options, {})
        if not place.location or not place.pool:
            return Check(name, True, "not tried: each request names its pool")
        path = f"{own.path_of(place.parent)}:testIamPermissions"
        # What cannot be fetched is not found after a lost answer.
        wanted = [_CREATE, _GET] if self._keeps else [_CREATE]
        granted = self._ask("ask what it may do", "POST", path, body={"permissions": wanted}).get("permissions") or ()
        missing = [one for one in wanted if one not in granted]
        told = f"{', '.join(missing or wanted)} {'missing' if missing else 'granted'} on {place.parent}"
        return Check(name, not missing, told)

    def choices(self, kind: str) -> Sequence[Choice]:
        """List locations; pools with their CAs, and templates, of the account's location."""
        if kind not in own.KINDS:
            raise InputError(f"CA account {self._name} has no list {kind!r}; there are: {', '.join(own.KINDS)}")
        return self._choices(kind, str(self._options.get("location") or ""))

    def _choices(self, kind: str, location: str) -> list[Choice]:
        place = "" if kind == "issuer_location" else location
        if (kind, place) not in self._known:
            self._known[kind, place] = self._fetched(kind, place)
        return self._known[kind, place]

    def _fetched(self, kind: str, location: str) -> list[Choice]:
        top = f"projects/{self._options['project']}/locations"
        if kind == "issuer_location":
            told = {"locations": self._listed("list the locations", own.path_of(top), "locations")}
            found = rows(told, "locations", "locationId")
            return [Choice(str(one["locationId"]), str(one.get("displayName") or one["locationId"])) for one in found]
        if not location:
            return []
        if kind == "certificate_type":
            path = own.path_of(f"{top}/{location}/certificateTemplates")
            found = self._listed("list the templates", path, "certificateTemplates")
            return [Choice(own.last_of(one), str(one.get("description") or own.last_of(one))) for one in found]
        return self._issuers(f"{top}/{location}/caPools")

    def _issuers(self, pools: str) -> list[Choice]:
        """Give the pools of the account's tier, each followed by its CAs that sign."""
        found: list[Choice] = []
        for pool in self._listed("list the pools", own.path_of(pools), "caPools"):
            name, tier = own.last_of(pool), str(pool.get("tier") or "").lower()
            if tier != self._options["tier"]:
                continue
            path = own.path_of(f"{pools}/{name}/certificateAuthorities")
            cas = self._listed("list the CAs", path, "certificateAuthorities")
            found.append(Choice(name, f"{name} ({tier})"))
            found += [
                Choice(f"{name}/{own.last_of(ca)}", own.last_of(ca)) for ca in cas if ca.get("state") == "ENABLED"
            ]
        return found

    def _values(self, kind: str, location: str) -> list[str]:
        """Give the values of a list; none where it may not be read, and then Google itself says."""
        try:
            return [choice.value for choice in self._choices(kind, location)]
        except AuthError:
            return []

    # -- orders ----------------------------------------------------------------------------------------------------

    def validate(self, order: Order) -> Sequence[str]:
        """Give every problem of the order."""
        found = [] if order.validity_days >= 1 else [f"a validity of {order.validity_days} days cannot be asked for"]
        location = own.place_of(self._options, order.options).location
        return found + option_table.request_problems(
            f"CA account {self._name}",
            order.options,
            self.capabilities().request_options,
            lambda kind: self._values(kind, location),
        )

    def submit(self, order: Order, csr_pem: str) -> Answer:
        """Have it signed, under an id of ours."""
        place = own.place_of(self._options, order.options)
        number = own.certificate_id(order.intent_id)
        body = {"lifetime": f"{order.validity_days * 86400}s", "pemCsr": csr_pem}
        template = str(order.options.get("certificate_type") or self._options.get("template") or "")
        if template:
            body["certificateTemplate"] = (
                f"projects/{place.project}/locations/{place.location}/certificateTemplates/{template}"
            )
        query = [("requestId", own.request_id(order.intent_id, csr_pem))]
        query += [("certificateId", number)] if self._keeps else []
        query += [("issuingCertificateAuthorityId", place.ca)] if place.ca else []
        is_first = order.last_sent_at is None
        with before_order(is_first):
            self._token.ready()
        try:
            told = self._placed(f"{own.path_of(place.parent)}/certificates", query, body, is_first)
        except RemoteError as exc:
            if exc.status == 409 and self._keeps:
                # The id is ours alone: an earlier try of this very order was taken.
                return self._held(f"{place.parent}/certificates/{number}", csr_pem)
            if exc.status != 400:
                raise
            return Rejected(exc.message)
        return self._issued(told)

    def _placed(
        self, path: str, query: Sequence[tuple[str, str]], body: Mapping[str, Any], is_first: bool
    ) -> Mapping[str, Any]:
        """Place an order; once more where its answer was lost and Google can only be asked in this way."""
        began = self._tools.clock.monotonic()
        try:
            return self._written(path, query, body, is_first)
        except RemoteError as exc:
            if self._keeps or not is_lost(exc) or self._tools.clock.monotonic() - began > _AGAIN_S:
                raise
            lost = exc
        return once_more(lambda: self._written(path, query, body, False), lost, lambda exc: exc.status == 400)

    def _written(
        self, path: str, query: Sequence[tuple[str, str]], body: Mapping[str, Any], is_first: bool
    ) -> Mapping[str, Any]:
        def ready() -> None:
            with before_order(is_first):
                self._token.ready()

        return self._ask("have a CSR signed", "POST", path, ready=ready, query=query, body=body)

    def _issued(self, told: Mapping[str, Any]) -> Answer:
        """Read a certificate as Google tells it."""
        from .._pki.chain import order_chain
        from .._pki.x509 import certificate_facts

        handle: dict[str, Any] = {"order_id": str(told.get("name") or "")}
        leaf = str(told.get("pemCertificate") or "")
        if not leaf:
            return Pending(handle, "Google has the certificate's id and no certificate yet", 5.0)
        chain = [str(one) for one in told.get("pemCertificateChain") or ()]
        ordered = order_chain(leaf, chain, at=self._tools.clock.now()).bundle
        handle["serial"] = certificate_facts(leaf).serial
        if not self._keeps:
            handle["kept"] = {"pemCertificate": leaf, "pemCertificateChain": chain}
        return Issued(Bundle(ordered.leaf, ordered.chain, ordered.root), handle)

    def _held(self, name: str, csr_pem: str) -> Answer:
        """Give a certificate by its name, if it is of this CSR.

        :raises InputError: it is of another.
        """
        from .._pki.x509 import certificate_facts, csr_facts

        answer = self.collect({"order_id": name})
        if isinstance(answer, Issued):
            leaf = certificate_facts(answer.bundle.leaf)
            if leaf.key.spki_sha256 != csr_facts(csr_pem).key.spki_sha256:
                raise InputError(f"the certificate {name} of CA account {self._name} is of another key than this CSR")
        return answer

    def find(self, order: Order, csr_pem: str) -> Found:
        """Look by the id that the order bears; a pool that keeps nothing is told by the time alone."""
        place = own.place_of(self._options, order.options)
        name = f"{place.parent}/certificates/{own.certificate_id(order.intent_id)}"
        if self._keeps:
            try:
                return self._held(name, csr_pem)
            except RemoteError as exc:
                if exc.status != 404:
                    raise
                return NotThere("Google has no certificate with the id of this order, and takes the id once only")
        if (self._tools.clock.now() - order.at).total_seconds() <= TOKEN_S:
            return NotThere("Google takes the order sent again for the same one, by its request id, for an hour")
        return CannotTell(
            "a pool of the tier devops keeps no certificates, and knows the same request for an hour alone",
            f"the audit log of {place.parent}, method CreateCertificate, for {order.spec.common_name} at "
            f"{to_text(order.at)} or soon after; a certificate that nobody has can only be ordered anew",
            _DAY_S,
        )

    def collect(self, handle: Handle) -> Answer:
        """Fetch a certificate by its name; one of devops is in the handle."""
        if handle.get("kept"):
            return self._issued({"name": handle["order_id"], **handle["kept"]})
        return self._issued(self._ask("fetch the certificate", "GET", own.path_of(str(handle["order_id"]))))

    def adopt(self, order_id: str, order: Order, csr_pem: str) -> Answer:
        """Take over a certificate by its name, or by its id in the pool of the order."""
        if not self._keeps:
            raise InputError("a pool of the tier devops keeps no certificates to take over", code="cannot_adopt")
        text = order_id.strip().strip("/")
        name = text if "/" in text else f"{own.place_of(self._options, order.options).parent}/certificates/{text}"
        try:
            return self._held(name, csr_pem)
        except RemoteError as exc:
            if exc.status not in (400, 404):
                raise
            raise InputError(f"CA account {self._name} has no certificate {order_id}") from exc

    def revoke(self, handle: Handle, reason: str, comment: str) -> Revocation:
        """Revoke by the certificate's name; of one revoked before, the first time."""
        if not self._keeps:
            raise InputError("certificates of a pool of the tier devops cannot be revoked", code="cannot_revoke")
        name = str(handle["order_id"])
        body = {"reason": own.REASONS[reason], "requestId": own.request_id(name, reason)}
        try:
            told = self._ask("revoke a certificate", "POST", f"{own.path_of(name)}:revoke", body=body)
        except RemoteError as exc:
            if exc.status not in (400, 409):
                raise
            told = self._ask("look at the certificate", "GET", own.path_of(name))
            if not told.get("revocationDetails"):
                raise exc from None
        return Revocation(at=own.revoked_at(told))


class GoogleCasType(TableType):
    """Makes and reads accounts."""

    name = _KIND
    table = own.TABLE
    connector = GoogleCas
    # Google has quotas by the minute, of far more.
    calls_per_second = 10

    def problems(self, options: Mapping[str, Any], secrets: Mapping[str, str]) -> Sequence[str]:
        """Say what the way to log in lacks."""
        return problems(options, secrets)
