# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The calls to one EJBCA: by certificate or token, its lists, and what it says of end entities. Orders nothing.

:source: ca-connectors §4.3; EJBCA's published OpenAPI document.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import nullcontext
from dataclasses import dataclass, replace
from typing import Any

from .._core.errors import AuthError, InputError, RemoteError
from .._core.redact import Secret
from .._http.base import Request
from . import ejbca_auth, ejbca_wire
from .base import Choice, Tools
from .before_order import before_order
from .connection import connected
from .rest import Rest, quoted
from .shapes import rows

ORDER_PATH = "/v1/certificate/pkcs10enroll"
LISTS = ("end_entity_profile", "certificate_profile", "issuer_common_name")
_MOST = 100


@dataclass(frozen=True)
class Issuer:
    """A CA of an EJBCA.

    :ivar value: what a user calls it: the common name, or the CA's name where two have the same or none.
    """

    value: str
    name: str
    subject_dn: str


class EjbcaCalls:
    """One account's calls; lists are asked for once."""

    def __init__(self, name: str, options: Mapping[str, Any], secrets: Mapping[str, Secret], tools: Tools) -> None:
        self.name, self._options, self._secrets, self._tools = name, options, secrets, tools
        self._bearer = (
            ejbca_auth.Bearer(options, secrets, tools, self.hide) if options["auth_method"] == "oauth" else None
        )
        self._made: dict[bool, Rest] = {}
        self._known: dict[str, Any] = {}

    # -- calls -----------------------------------------------------------------------------------------------------

    def rest(self, *, is_known: bool = True) -> Rest:
        """Give the calls, with what authenticates them or without."""
        if is_known not in self._made:
            sign = self._signed if is_known else self._marked
            self._made[is_known] = connected(
                self._tools, str(self._options["url"]), self._options, self._secrets, sign=sign
            )
        return self._made[is_known]

    def hide(self, secret: Secret) -> None:
        """Blot a secret out of whatever EJBCA says."""
        self.rest().hide(secret)

    @staticmethod
    def _marked(request: Request) -> Request:
        # Some installations refuse requests without it, that a browser may have been lured into.
        return replace(request, headers={**request.headers, "X-Keyfactor-Requested-With": "XMLHttpRequest"})

    def _signed(self, request: Request) -> Request:
        marked = self._marked(request)
        if self._bearer is None:
            return marked
        # Without a token nothing is sent. Of an order that has to be said, or it would be taken for a lost one.
        with before_order() if request.path.endswith(ORDER_PATH) else nullcontext():
            token = self._bearer.token()
        return replace(marked, headers={**marked.headers, "Authorization": f"Bearer {token}"})

    def ask(self, what: str, method: str, path: str, **more: Any) -> Mapping[str, Any]:
        """Call for a JSON object; once more with another token where this one is refused, as it may have ended.

        :raises RemoteError: as ``Rest.mapping``.
        """
        try:
            return self.rest().mapping(what, method, path, **more)
        except AuthError:
            if self._bearer is None:
                raise
            self._bearer.forget()
            return self.rest().mapping(what, method, path, **more)

    def chain(self, subject_dn: str) -> list[str]:
        """Give a CA's own chain as PEM."""
        what, rest = "read the chain of the CA", self.rest()
        path = f"/v1/ca/{quoted(subject_dn)}/certificate/download"
        return [rest.checked(what, rest.call("GET", path, headers={"Accept": "*/*"})).text()]

    # -- lists -----------------------------------------------------------------------------------------------------

    def issuers(self) -> list[Issuer]:
        """List the CAs."""
        if "issuers" not in self._known:
            found = rows(self.ask("list the CAs", "GET", "/v1/ca"), "certificate_authorities")
            seen = [(str(one.get("name") or ""), str(one.get("subject_dn") or "")) for one in found]
            named = [(ejbca_wire.common_name(subject_dn), name, subject_dn) for name, subject_dn in seen]
            alike = [common for common, _name, _subject_dn in named]
            self._known["issuers"] = [
                Issuer(common if common and alike.count(common) == 1 else name, name, subject_dn)
                for common, name, subject_dn in named
            ]
        known: list[Issuer] = self._known["issuers"]
        return known

    def issuer(self, asked: str) -> Issuer:
        """Give the CA that is called so.

        :raises InputError: there is none; names those there are.
        """
        for one in self.issuers():
            if asked in (one.value, one.name):
                return one
        known = ", ".join(one.value for one in self.issuers()) or "none"
        raise InputError(f"issuer_common_name {asked!r} is not there; CA account {self.name} sees {known}")

    def profiles(self) -> list[str]:
        """List the end entity profiles that the account may use."""
        if "profiles" not in self._known:
            found = self.ask("list the end entity profiles", "GET", "/v2/endentity/profiles/authorized")
            # Spelled like that.
            self._known["profiles"] = [str(one.get("name")) for one in rows(found, "end_entitie_profiles")]
        known: list[str] = self._known["profiles"]
        return known

    def profile(self, name: str) -> Mapping[str, Any]:
        """Give what an end entity profile allows."""
        key = f"profile {name}"
        if key not in self._known:
            path = f"/v2/endentity/profile/{quoted(name)}"
            self._known[key] = self.ask(f"read the end entity profile {name}", "GET", path)
        known: Mapping[str, Any] = self._known[key]
        return known

    def choices(self, kind: str) -> list[Choice]:
        """Give a list by the name of the option it is for.

        :raises InputError: there is no such list.
        """
        if kind == "issuer_common_name":
            return [Choice(one.value, one.name) for one in self.issuers()]
        if kind == "end_entity_profile":
            return [Choice(name, name) for name in self.profiles()]
        if kind == "certificate_profile":
            own = str(self._options.get("end_entity_profile") or "")
            allowed = [self.profile(name) for name in ([own] if own else self.profiles())]
            names = [str(one) for found in allowed for one in found.get("available_certificate_profiles") or ()]
            return [Choice(name, name) for name in dict.fromkeys(names)]
        raise InputError(f"CA account {self.name} has no list {kind!r}; there are: {', '.join(LISTS)}")

    # -- what is there ---------------------------------------------------------------------------------------------

    def certificates(self, query: str) -> tuple[list[Mapping[str, Any]], bool]:
        """Search certificates by the end entity's name or by serial number, and say whether these are all."""
        criteria = [{"property": "QUERY", "value": query, "operation": "EQUAL"}]
        body = {"max_number_of_results": _MOST, "criteria": criteria}
        found = self.ask("search the certificates", "POST", "/v1/certificate/search", body=body)
        return rows(found, "certificates"), not found.get("more_results")

    def entity_status(self, username: str) -> str:
        """Give the state of an end entity; empty when there is none, or the account may not see it."""
        criteria = [{"property": "QUERY", "value": username, "operation": "EQUAL"}]
        body = {"max_number_of_results": _MOST, "current_page": 0, "criteria": criteria}
        try:
            found = self.ask("search the end entities", "POST", "/v1/endentity/search", body=body)
        except RemoteError as exc:
            # Not every edition and role has that; nothing depends on it but what an approver has let pass.
            if exc.status not in (403, 404):
                raise
            return ""
        states = [one.get("status") for one in rows(found, "end_entities") if one.get("username") == username]
        return str(states[0] or "") if states else ""
