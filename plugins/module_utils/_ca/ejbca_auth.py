# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A bearer token by OAuth 2.0 client credentials, for accounts that do not, or not only, have a client certificate.

:source: RFC 6749 §4.4 and §2.3.1; ca-connectors §4.3.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import quote

from .._core.errors import AuthError, RemoteError
from .._core.redact import Secret
from .base import Tools
from .connection import connected, url_reason
from .option_table import Option, Table
from .rest import Rest

METHODS = ("certificate", "oauth")
OPTIONS: Table = {
    "auth_method": Option(
        "str",
        "How the account logs in: by its client certificate, or by a token.",
        default="certificate",
        choices=METHODS,
    ),
    "token_url": Option("str", "Where tokens are given, for oauth.", default="", check=url_reason),
    "client_id": Option("str", "Client id, for oauth.", default=""),
    "client_secret": Option("str", "Client secret, for oauth.", secret=True),
    "scope": Option("str", "Scopes to ask for, for oauth, separated by blanks.", default=""),
    "audience": Option("str", "Audience to ask for, for oauth.", default=""),
    "client_login": Option(
        "str",
        "Whether id and secret go in a header (basic) or among the form's fields (post).",
        default="basic",
        choices=("basic", "post"),
    ),
}
_NEEDED = {
    "certificate": (("client_certificate",), ("client_key",)),
    "oauth": (("token_url", "client_id"), ("client_secret",)),
}
# A token that ends while the call is on its way is no good.
_MARGIN_S = 30.0
_USUAL_S = 300.0


def problems(options: Mapping[str, Any], secrets: Mapping[str, str]) -> list[str]:
    """Say what the account's way to log in needs and has not."""
    method = str(options.get("auth_method") or "")
    plain, hidden = _NEEDED.get(method, ((), ()))
    told = f"auth_method {method} needs it"
    return [
        *(f"{name} is missing; {told}" for name in plain if not options.get(name)),
        *(f"{name} is missing among the secrets; {told}" for name in hidden if not secrets.get(name)),
    ]


class Bearer:
    """The token of an account, got when it is first needed, and anew when it ends or is refused.

    :param hide: has one more secret blotted out in all calls of the account.
    """

    def __init__(
        self, options: Mapping[str, Any], secrets: Mapping[str, Secret], tools: Tools, hide: Callable[[Secret], None]
    ) -> None:
        self._options, self._secrets, self._tools, self._hide = options, secrets, tools, hide
        self._token: Secret | None = None
        self._ends: datetime | None = None
        self._made: Rest | None = None

    def token(self) -> str:
        """Give the token.

        :raises RemoteError: none was given.
        """
        now = self._tools.clock.now()
        if self._token is None or (self._ends is not None and now >= self._ends):
            self._token = self._new(now)
        return self._token.reveal()

    def forget(self) -> None:
        """Have another token the next time."""
        self._token = None

    def _rest(self) -> Rest:
        if self._made is None:
            url = str(self._options["token_url"])
            self._made = connected(self._tools, url, self._options, self._secrets)
        return self._made

    def _new(self, now: datetime) -> Secret:
        name, secret = str(self._options["client_id"]), self._secrets["client_secret"].reveal()
        form = [("grant_type", "client_credentials")]
        form += [(word, str(self._options[word])) for word in ("scope", "audience") if self._options.get(word)]
        headers = {}
        if self._options["client_login"] == "post":
            form += [("client_id", name), ("client_secret", secret)]
        else:
            # RFC 6749 §2.3.1 has both parts encoded as in a form before they are joined.
            pair = f"{quote(name, safe='')}:{quote(secret, safe='')}"
            both = base64.b64encode(pair.encode()).decode("ascii")
            self._rest().hide(Secret(both))
            headers["Authorization"] = f"Basic {both}"
        try:
            told = self._rest().mapping("get a token", "POST", "", form=form, headers=headers)
        except RemoteError as exc:
            if exc.status != 400:
                raise
            # RFC 6749 §5.2 has a wrong client at 400; nobody is to take it for a refusal of the order.
            raise AuthError(exc.message, status=401) from exc
        token = Secret(str(told.get("access_token") or ""))
        if not token:
            raise RemoteError("Cannot get a token: the answer holds none", code="no_token")
        self._hide(token)
        self._rest().hide(token)
        lives = str(told.get("expires_in"))
        seconds = float(lives) if lives.isdigit() else _USUAL_S
        self._ends = now + timedelta(seconds=max(seconds - _MARGIN_S, 1.0))
        return token
