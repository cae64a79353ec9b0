# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An EJBCA account: its options, and the tries that show whether it works.

:source: ca-connectors §4.3.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from .._core.errors import AuthError, ClmError, RemoteError
from . import client_certificate, ejbca_auth, option_table
from .base import Check, Tools
from .connection import reachable, url_reason
from .ejbca_calls import EjbcaCalls
from .option_table import Option

KIND = "ejbca"
_STATUS = "/v1/certificate/status"
_ENABLE = "enable this resource of the REST interface in EJBCA (System Configuration, Protocol Configuration)"
TABLE: option_table.Table = {
    **option_table.NETWORK,
    **option_table.CLIENT_CERTIFICATE,
    **ejbca_auth.OPTIONS,
    "url": Option(
        "str",
        "Address of the REST API, as https://ejbca.example.com:8443/ejbca/ejbca-rest-api.",
        required=True,
        check=url_reason,
    ),
    "end_entity_profile": Option("str", "End entity profile, where a request names none.", default=""),
    "certificate_profile": Option("str", "Certificate profile, where a request names none.", default=""),
    "issuer_common_name": Option(
        "str", "Common name, or EJBCA's name, of the CA that issues, where a request names none.", default=""
    ),
    "enrolment_seed": Option(
        "str",
        "What the enrolment codes of end entities are made from; made at random where it is left out.",
        secret=True,
    ),
}
DESCRIBED = {
    "end_entity_profile": "End entity profile.",
    "certificate_profile": "Certificate profile; the lifetime comes from it.",
    "issuer_common_name": "Common name, or EJBCA's name, of the CA that issues.",
}


def values(calls: EjbcaCalls, kind: str) -> list[str]:
    """Give the values of a list; none where the account may not read it, and then EJBCA itself says."""
    try:
        found = calls.choices(kind)
    except AuthError:
        return []
    return [value for choice in found for value in dict.fromkeys((choice.value, choice.label))]


class Trial:
    """The test of one account."""

    def __init__(self, options: Mapping[str, Any], calls: EjbcaCalls, tools: Tools) -> None:
        self._options, self._calls, self._tools = options, calls, tools

    def run(self) -> list[Check]:
        """Try address, login, rights, and that orders can be looked for; issues nothing."""
        found = [
            *client_certificate.checks(self._options, self._tools.clock.now()),
            *reachable(self._calls.rest(is_known=False), self._tools, _STATUS),
        ]
        if not all(check.passed for check in found if check.name == "reachable"):
            return found
        tried: tuple[tuple[str, Callable[[], tuple[bool, str]]], ...] = (
            ("logged in", self._service_told),
            ("profiles", self._profiles_told),
            ("issuers", self._issuers_told),
            ("orders can be found", self._search_told),
        )
        for name, check in tried:
            try:
                passed, detail = check()
            except ClmError as exc:
                is_off = exc.code == "not_json" or (isinstance(exc, RemoteError) and exc.status == 404)
                passed, detail = False, f"{exc.message}; {_ENABLE}" if is_off else exc.message
                if name == "logged in" and isinstance(exc, AuthError):
                    # The rights of nobody need not be tried.
                    return [*found, Check(name, False, detail)]
            found.append(Check(name, passed, detail))
        return found

    def _service_told(self) -> tuple[bool, str]:
        told = self._calls.ask("ask for its status", "GET", _STATUS)
        word = str(told.get("status") or "nothing")
        return word == "OK", f"{told.get('revision') or 'EJBCA'} says {word}, REST version {told.get('version')}"

    def _profiles_told(self) -> tuple[bool, str]:
        names, own = self._calls.profiles(), str(self._options.get("end_entity_profile") or "")
        if not names:
            return False, "the account's role may use no end entity profile; give it one in EJBCA"
        if own and own not in names:
            return False, f"end_entity_profile {own!r} is not among those the account may use: {', '.join(names)}"
        profile, known = str(self._options.get("certificate_profile") or ""), values(self._calls, "certificate_profile")
        if profile and known and profile not in known:
            return False, f"certificate_profile {profile!r} is not there; there are {', '.join(known)}"
        return True, f"it may use {', '.join(names)}"

    def _issuers_told(self) -> tuple[bool, str]:
        own = str(self._options.get("issuer_common_name") or "")
        if own:
            return True, f"{self._calls.issuer(own).subject_dn} can be asked"
        names = [one.value for one in self._calls.issuers()]
        if not names:
            return False, "the account's role may use no CA; give it one in EJBCA"
        return True, f"there are {', '.join(names)}"

    def _search_told(self) -> tuple[bool, str]:
        self._calls.certificates("edgecert-clm-test-of-the-account")
        return True, "certificates can be searched by their end entity"
