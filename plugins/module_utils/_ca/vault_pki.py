# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The PKI secrets engine of HashiCorp Vault and of OpenBao: signs at once, and costs nothing.

A role may ignore names and lifetime of the order and say so in ``warnings`` alone; these are passed on, and what came
back is held against the order by the caller. :source: ca-connectors §4.2.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from typing import Any

from .._core.clock import to_text
from .._core.errors import AuthError, InputError, RemoteError
from .._core.redact import Secret
from .._core.types import Bundle
from .._http.base import Request
from . import client_certificate, option_table, vault_pki_auth
from .answer_base import Answer, Found, Handle, Issued, NotThere, Rejected, Revocation
from .base import CaConnector, Check, Choice, Order, Tools
from .before_order import before_order
from .capability_base import FIND_HARMLESS, Capabilities
from .connection import connected, reachable, tried, url_reason
from .option_table import Option
from .rest import Rest, quoted
from .shapes import part
from .table_type import TableType

_KIND = "vault_pki"
# A node that stands by answers 429 without these, which would be waited for as a limit; it hands every call on.
_STANDBY_IS_WELL = (("standbyok", "true"), ("perfstandbyok", "true"))
_LISTS = {"role": "roles", "issuer": "issuers"}
TABLE: option_table.Table = {
    **option_table.NETWORK,
    **option_table.CLIENT_CERTIFICATE,
    **vault_pki_auth.OPTIONS,
    "url": Option("str", "Address of the server, as https://vault.example.com:8200.", required=True, check=url_reason),
    "namespace": Option("str", "Namespace of the engine.", default=""),
    "mount": Option("str", "Where the PKI engine is mounted.", default="pki"),
    "role": Option("str", "Role that signs, where a request names none.", default=""),
    "issuer": Option(
        "str", "Issuer that signs, by name or id, where a request names none; usually the default.", default=""
    ),
    "sign": Option(
        "str", "By the role's rules, or verbatim, as the CSR says.", default="role", choices=("role", "verbatim")
    ),
    "lifetime_as": Option(
        "str",
        "How the lifetime is asked for: as seconds to live, or as its end.",
        default="ttl",
        choices=("ttl", "not_after"),
    ),
}


class VaultPki(CaConnector):
    """One mount of the engine, with one way to log in."""

    def __init__(self, name: str, options: Mapping[str, Any], secrets: Mapping[str, Secret], tools: Tools) -> None:
        self._name, self._options, self._secrets, self._tools = name, options, secrets, tools
        self._mount = f"/v1/{'/'.join(quoted(part) for part in str(options['mount']).strip('/').split('/'))}"
        self._login = vault_pki_auth.Login(options, secrets, self._plain, self._hide)
        self._made: dict[str, Rest] = {}
        self._hidden: list[Secret] = []
        self._known: dict[str, list[Choice]] = {}

    # -- calls -----------------------------------------------------------------------------------------------------

    @property
    def calls(self) -> int:
        """Count the calls made so far."""
        return sum(rest.calls for rest in self._made.values())

    def _plain(self) -> Rest:
        """Give the calls that need no token."""
        return self._rest("plain", lambda request: self._with(request, {}))

    def _with(self, request: Request, more: Mapping[str, str]) -> Request:
        namespace = str(self._options.get("namespace") or "")
        headers = {**request.headers, **more, **({"X-Vault-Namespace": namespace} if namespace else {})}
        # Vault refuses requests without it that a browser was lured into; agents between want it, too.
        return replace(request, headers={**headers, "X-Vault-Request": "true"})

    def _rest(self, kind: str, sign: Any) -> Rest:
        if kind not in self._made:
            url = str(self._options["url"])
            self._made[kind] = connected(self._tools, url, self._options, self._secrets, sign=sign)
            for secret in self._hidden:
                self._made[kind].hide(secret)
        return self._made[kind]

    def _hide(self, secret: Secret) -> None:
        """Blot a secret out in all calls, those made later among them: the server repeats a token to any of them."""
        self._hidden.append(secret)
        for rest in self._made.values():
            rest.hide(secret)

    def _ask(self, what: str, method: str, path: str, *, is_order: bool = False, **more: Any) -> Mapping[str, Any]:
        """Call with the token; once more with another one where this one is refused, as it may have ended."""

        def signed(request: Request) -> Request:
            # Without a token nothing is sent. Of an order that has to be said, or it would be taken for a lost one.
            with before_order() if is_order else nullcontext():
                token = self._login.token()
            return self._with(request, {"X-Vault-Token": token})

        rest = self._rest("order" if is_order else "token", signed)
        try:
            return rest.mapping(what, method, path, **more)
        except AuthError:
            if not self._login.can_log_in:
                raise
            self._login.forget()
            return rest.mapping(what, method, path, **more)

    # -- contract --------------------------------------------------------------------------------------------------

    def capabilities(self) -> Capabilities:
        """Give what it can take."""
        found = Capabilities(
            is_public=False,
            is_immediate=True,
            revoke_reasons=("unspecified",),
            find=FIND_HARMLESS,
            can_adopt=True,
            csr_is_truth=self._options["sign"] == "verbatim",
            san_types=("dns", "ip", "email", "uri"),
            key_types=("rsa", "ec", "ed25519"),
            validity="seconds",
            request_options={
                "role": {
                    "required": not self._options.get("role") and self._options["sign"] == "role",
                    "choices_from": "role",
                    "description": "Role that signs.",
                },
                "issuer": {"required": False, "choices_from": "issuer", "description": "Issuer that signs."},
            },
            choices=tuple(_LISTS),
            chain_with_root=True,
        )
        return option_table.overridden(found, self._options)

    def test(self) -> Sequence[Check]:
        """Try address, seal, token and the right to sign; issues nothing."""
        now = self._tools.clock.now()
        found = [
            *client_certificate.checks(self._options, now),
            *reachable(self._plain(), self._tools, "/v1/sys/health", _STANDBY_IS_WELL),
        ]
        return tried(found, (("logged in", self._token_told), ("may sign", self._right_told)))

    def _token_told(self, name: str) -> Check:
        data = part(self._ask("look at its own token", "GET", "/v1/auth/token/lookup-self"), "data")
        ttl = int(data.get("ttl") or 0)
        ends = f"until {to_text(self._tools.clock.now() + timedelta(seconds=ttl))}" if ttl else "without end"
        return Check(name, True, f"token of {data.get('display_name') or 'the account'}, {ends}")

    def _right_told(self, name: str) -> Check:
        path = self._path({}, "").removeprefix("/v1/")
        if not self._options.get("role") and self._options["sign"] == "role":
            return Check(name, True, "not tried: the account has no role, each request names one")
        found = self._ask("ask what its token may do", "POST", "/v1/sys/capabilities-self", body={"paths": [path]})
        granted = set((part(found, "data") or found).get(path) or ())
        if granted & {"update", "root", "sudo"}:
            return Check(name, True, f"update on {path}")
        return Check(
            name, False, f"its policies grant {', '.join(sorted(granted)) or 'nothing'} on {path}; grant update"
        )

    def choices(self, kind: str) -> Sequence[Choice]:
        """List roles or issuers.

        :raises AuthError: the token may not.
        """
        if kind not in _LISTS:
            raise InputError(f"CA account {self._name} has no list {kind!r}; there are: {', '.join(_LISTS)}")
        if kind not in self._known:
            path = f"{self._mount}/{_LISTS[kind]}"
            try:
                found = self._ask(f"list the {_LISTS[kind]}", "GET", path, query=(("list", "true"),))
            except RemoteError as exc:
                # An empty list is a 404 there.
                if exc.status != 404:
                    raise
                found = {}
            data = part(found, "data")
            about, keys = part(data, "key_info"), [str(key) for key in data.get("keys") or ()]
            named = {key: part(about, key).get("issuer_name") for key in keys}
            self._known[kind] = [Choice(named[key] or key, key) for key in keys]
        return self._known[kind]

    def _values(self, kind: str) -> list[str]:
        """Give the values of a list; none where the token may sign and not list, and then the CA itself says."""
        try:
            found = self.choices(kind)
        except AuthError:
            return []
        return [value for choice in found for value in dict.fromkeys((choice.value, choice.label))]

    def validate(self, order: Order) -> Sequence[str]:
        """Give every problem of the options; names are held by the role, which says so when it signs."""
        problems = [] if order.validity_days >= 1 else [f"a validity of {order.validity_days} days cannot be asked for"]
        described = self.capabilities().request_options
        what = f"CA account {self._name}"
        return problems + option_table.request_problems(what, order.options, described, self._values)

    def _path(self, asked: Mapping[str, Any], verb: str) -> str:
        """Give the path that signs: by role or verbatim, by the default issuer or another."""
        role = str(asked.get("role") or self._options.get("role") or "")
        issuer = str(asked.get("issuer") or self._options.get("issuer") or "")
        what = "sign" if self._options["sign"] == "role" else "sign-verbatim"
        middle = f"/issuer/{quoted(issuer)}" if issuer else ""
        return f"{self._mount}{middle}/{what}{f'/{quoted(role)}' if role else ''}{verb}"

    def submit(self, order: Order, csr_pem: str) -> Answer:
        """Have it signed at once."""
        spec = order.spec
        body: dict[str, Any] = {
            "csr": csr_pem,
            "common_name": spec.common_name,
            "alt_names": ",".join((*spec.dns_names, *spec.emails)),
            "ip_sans": ",".join(spec.ip_addresses),
            "uri_sans": ",".join(spec.uris),
            "format": "pem",
        }
        if self._options["lifetime_as"] == "ttl":
            body["ttl"] = f"{order.validity_days * 24}h"
        else:
            body["not_after"] = to_text(order.at + timedelta(days=order.validity_days))
        try:
            found = self._ask("have a CSR signed", "POST", self._path(order.options, ""), is_order=True, body=body)
        except RemoteError as exc:
            # A 400 is the role's own no; anything else is the account's, or nobody's.
            if exc.status != 400:
                raise
            return Rejected(exc.message)
        data, warnings = part(found, "data"), tuple(str(one) for one in found.get("warnings") or ())
        chain = list(data.get("ca_chain") or ()) or [data.get("issuing_ca") or ""]
        return self._issued(str(data.get("certificate") or ""), [str(one) for one in chain if one], warnings)

    def _issued(self, leaf: str, chain: Sequence[str], notes: tuple[str, ...] = ()) -> Issued:
        from .._pki.chain import order_chain
        from .._pki.x509 import certificate_facts

        ordered = order_chain(leaf, chain, at=self._tools.clock.now()).bundle
        serial = certificate_facts(leaf).serial
        bundle = Bundle(ordered.leaf, ordered.chain, ordered.root)
        return Issued(bundle, {"serial": _with_colons(serial)}, notes)

    def find(self, order: Order, csr_pem: str) -> Found:
        """Answer that nothing is lost: what was signed and not received is known to nobody, and cost nothing."""
        return NotThere("signing again costs nothing, and a certificate that nobody received harms nobody")

    def collect(self, handle: Handle) -> Answer:
        """Give a certificate that was signed, by its serial number."""
        found = self._ask("read a certificate", "GET", f"{self._mount}/cert/{quoted(str(handle['serial']))}")
        data = part(found, "data")
        leaf, chain = str(data.get("certificate") or ""), list(data.get("ca_chain") or ())
        if not chain:
            told = self._ask("read the chain", "GET", f"{self._mount}/cert/ca_chain")
            above = part(told, "data")
            chain = [str(above.get("ca_chain") or above.get("certificate") or "")]
        return self._issued(leaf, [str(one) for one in chain if one])

    def adopt(self, order_id: str, order: Order, csr_pem: str) -> Answer:
        """Take over a certificate by its serial number, in hex with or without colons."""
        from .._pki.x509 import certificate_facts, csr_facts

        plain = order_id.replace(":", "").replace("-", "").lower()
        serial = _with_colons(plain)
        try:
            answer = self.collect({"serial": serial})
        except RemoteError as exc:
            if exc.status not in (400, 404):
                raise
            raise InputError(f"CA account {self._name} has no certificate with the serial {order_id}") from exc
        if isinstance(answer, Issued):
            leaf = certificate_facts(answer.bundle.leaf)
            if leaf.key.spki_sha256 != csr_facts(csr_pem).key.spki_sha256:
                raise InputError(
                    f"the certificate {order_id} of CA account {self._name} is of another key than this CSR"
                )
        return answer

    def revoke(self, handle: Handle, reason: str, comment: str) -> Revocation:
        """Revoke by the serial number; the engine keeps no reason, and once more is the first time again."""
        found = self._ask(
            "revoke a certificate", "POST", f"{self._mount}/revoke", body={"serial_number": handle["serial"]}
        )
        at = int(part(found, "data").get("revocation_time") or 0)
        return Revocation(at=datetime.fromtimestamp(at, timezone.utc) if at else None)


def _with_colons(serial: str) -> str:
    """Write a serial number in hex as the engine does, two digits at a time."""
    even = serial.zfill(len(serial) + len(serial) % 2)
    return ":".join(re.findall("..", even))


class VaultPkiType(TableType):
    """Makes and reads accounts."""

    name = _KIND
    table = TABLE
    connector = VaultPki

    def problems(self, options: Mapping[str, Any], secrets: Mapping[str, str]) -> Sequence[str]:
        """Say what the way to log in lacks."""
        return vault_pki_auth.problems(options, secrets)
