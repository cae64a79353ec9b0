# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The access token of Google's APIs: given, or got by google-auth, whose calls go over the transport of all CAs.

A token that is given needs no library. Only the metadata server of a machine at Google, which is plain HTTP on the
machine's own network, is asked by google-auth's own calls.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta, timezone
from types import SimpleNamespace
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from .._core.clock import Clock
from .._core.deps import needed
from .._core.errors import AuthError, InputError, RemoteError, TransportError
from .._core.redact import Secret
from .._http.base import Request, Response
from .option_table import Option, Table

PACKAGE = "google-auth"
FEATURE = "Google credentials other than an access token"
SCOPE = "https://www.googleapis.com/auth/cloud-platform"
GIVEN, FILE, AMBIENT, TOKEN = "credentials", "credentials_file", "default", "access_token"
# An order waits two minutes at most before its last try; a token that is got for it is not to be renewed meanwhile.
_EARLY, _THROUGH_ORDER = timedelta(seconds=60), timedelta(seconds=240)
_TYPES = ("service_account", "external_account")
OPTIONS: Table = {
    "auth_method": Option(
        "str",
        "How the account authenticates: by credentials among the secrets, by a file of them, as Google's libraries "
        "find them by default, or by an access token.",
        default=GIVEN,
        choices=(GIVEN, FILE, AMBIENT, TOKEN),
    ),
    "credentials_path": Option(
        "str", "File of credentials where the module runs, as of a workload identity federation.", default=""
    ),
    "credentials": Option(
        "str", "Key file of a service account, or configuration of a workload identity, as its JSON.", secret=True
    ),
    "access_token": Option("str", "Access token that somebody else got, good for an hour at most.", secret=True),
}
_NEEDED = {GIVEN: "credentials", TOKEN: "access_token"}


def problems(options: Mapping[str, Any], secrets: Mapping[str, str]) -> list[str]:
    """Say what the account's way to authenticate needs and has not."""
    method = str(options.get("auth_method") or "")
    found = []
    secret = _NEEDED.get(method)
    if secret and not secrets.get(secret):
        found.append(f"{secret} is missing among the secrets; auth_method {method} needs it")
    elif method == GIVEN:
        found += _form_problems(secrets["credentials"], "credentials")
    if method == FILE and not options.get("credentials_path"):
        found.append(f"credentials_path is missing; auth_method {method} needs it")
    return found


def _form_problems(text: str, what: str) -> list[str]:
    """Say why a text is no credentials; what it holds is not repeated."""
    try:
        found = json.loads(text)
    except ValueError:
        found = None
    if not isinstance(found, Mapping):
        return [f"{what} is no JSON; give the key file of a service account as it is"]
    if found.get("type") not in _TYPES:
        return [f"{what} is of no type that is taken; there are {', '.join(_TYPES)}"]
    source = found.get("credential_source") or ()
    if found["type"] == "external_account" and not {"file", "url"} & set(source):
        # A configuration may name a program to run; whoever can write one would run it as the module's user.
        return [f"{what} has a credential_source that is neither file nor url; auth_method {AMBIENT} takes others"]
    return []


class Token:
    """The access token of an account, got when it is first needed and when it ends.

    :param send: sends a request to a host, by the account's transport.
    :param hide: has one more secret blotted out in all calls of the account.
    """

    def __init__(
        self,
        options: Mapping[str, Any],
        secrets: Mapping[str, Secret],
        clock: Clock,
        send: Callable[[str, Request], Response],
        hide: Callable[[Secret], None],
    ) -> None:
        self._options, self._secrets, self._clock, self._send, self._hide = options, secrets, clock, send, hide
        self._credentials: Any = None
        self._held: tuple[str, datetime | None] | None = None

    @property
    def can_renew(self) -> bool:
        """Say whether another token can be had."""
        return str(self._options["auth_method"]) != TOKEN

    def forget(self) -> None:
        """Have another token the next time."""
        self._held = None

    def source(self) -> str:
        """Say in words whose it is."""
        self.text()
        who = getattr(self._credentials, "service_account_email", "") or ""
        return str(who) or f"by auth_method {self._options['auth_method']}"

    def ready(self) -> None:
        """Have a token that lasts through an order with all its tries, so that none is asked for meanwhile."""
        self.text(_THROUGH_ORDER)

    def text(self, left: timedelta = _EARLY) -> str:
        """Give the token.

        :param left: another one is got where this one ends sooner.
        :raises AuthError: it is refused, or there are no credentials.
        :raises TransportError: nobody answered.
        """
        if not self.can_renew:
            return self._secrets["access_token"].reveal()
        if self._held is None or (self._held[1] is not None and self._clock.now() >= self._held[1] - left):
            self._held = self._got()
        return self._held[0]

    def _got(self) -> tuple[str, datetime | None]:
        with needed(PACKAGE, FEATURE):
            import google.auth.exceptions
        request = Caller(self._send, str(self._options["auth_method"]) == AMBIENT)
        try:
            if self._credentials is None:
                self._credentials = self._loaded(request)
            self._credentials.refresh(request)
        except google.auth.exceptions.GoogleAuthError as exc:
            if request.failure is not None:
                raise request.failure from exc
            # Beside its words the library keeps the answer, which says the same once more.
            words = str(exc.args[0] if exc.args else exc)
            raise AuthError(f"Cannot get an access token of Google: {self._masked(words)}", status=401) from exc
        except (AttributeError, KeyError, TypeError, ValueError) as exc:
            # The library takes any JSON for an answer of a token's server.
            raise RemoteError(
                f"Cannot get an access token of Google: what it answered has another shape ({type(exc).__name__})",
                code="not_json",
            ) from exc
        made = Secret(str(self._credentials.token))
        self._hide(made)
        if request.lives_s is not None:
            return made.reveal(), self._clock.now() + timedelta(seconds=request.lives_s)
        expiry = self._credentials.expiry
        return made.reveal(), expiry.replace(tzinfo=timezone.utc) if expiry is not None else None

    def _loaded(self, request: Any) -> Any:
        import google.auth

        method = self._options["auth_method"]
        if method == AMBIENT:
            return google.auth.default(scopes=[SCOPE], request=request)[0]
        info = self._secrets["credentials"].reveal() if method == GIVEN else self._read()
        wrong = _form_problems(info, "credentials" if method == GIVEN else str(self._options["credentials_path"]))
        if wrong:
            raise InputError(f"Cannot use the Google credentials: {wrong[0]}")
        try:
            return _built(json.loads(info))
        except (ValueError, KeyError) as exc:
            # The library's text may quote what it read; it is left out on purpose.
            raise InputError(
                "Cannot use the Google credentials: a field is missing, or the private key in it cannot be read"
            ) from exc

    def _read(self) -> str:
        path = str(self._options["credentials_path"])
        try:
            with open(path, encoding="utf-8") as file:
                return file.read()
        except (OSError, UnicodeDecodeError) as exc:
            raise InputError(
                f"Cannot read the Google credentials {path}: {getattr(exc, 'strerror', None) or 'it is no text'}"
            ) from exc

    def _masked(self, text: str) -> str:
        for secret in self._secrets.values():
            text = text.replace(secret.reveal(), "***")
        return text


def _built(info: Mapping[str, Any]) -> Any:
    """Make credentials of their own type, and no other."""
    import google.auth.identity_pool
    from google.oauth2 import service_account

    if info["type"] == "service_account":
        return service_account.Credentials.from_service_account_info(info, scopes=[SCOPE])
    return google.auth.identity_pool.Credentials.from_info(info, scopes=[SCOPE])


def _life_in(body: bytes) -> float | None:
    try:
        return float(json.loads(body)["expires_in"])
    except (ValueError, KeyError, TypeError):
        return None


class Caller:
    """What google-auth makes its calls with.

    :param is_ambient: calls in plain HTTP, those to a machine's own metadata server, are left to google-auth.
    :ivar failure: why the last call got no answer.
    :ivar lives_s: seconds that what the last one gave is good for, by the clock that was handed in and not by
        google-auth's; None where it said none.
    """

    def __init__(self, send: Callable[[str, Request], Response], is_ambient: bool) -> None:
        self._send, self._is_ambient = send, is_ambient
        self.failure: TransportError | None = None
        self.lives_s: float | None = None

    def __call__(
        self, url: str, method: str = "GET", body: Any = None, headers: Any = None, timeout: Any = None, **more: Any
    ) -> Any:
        """Make one call, in the form of google.auth.transport.Request."""
        import google.auth.exceptions

        parts = urlsplit(url)
        if parts.scheme != "https":
            return self._plain(url, method, body, headers, timeout, more)
        content = body.encode() if isinstance(body, str) else body
        query = tuple(parse_qsl(parts.query, keep_blank_values=True))
        request = Request(method, parts.path or "/", query, dict(headers or {}), content)
        try:
            answer = self._send(parts.netloc, request)
        except TransportError as exc:
            self.failure = exc
            raise google.auth.exceptions.TransportError(exc.message) from exc
        self.lives_s = _life_in(answer.body)
        return SimpleNamespace(status=answer.status, headers=answer.headers, data=answer.body)

    def _plain(self, url: str, method: str, body: Any, headers: Any, timeout: Any, more: Mapping[str, Any]) -> Any:
        import google.auth.exceptions

        if not self._is_ambient:
            raise google.auth.exceptions.TransportError(f"{urlsplit(url).hostname} is not asked without TLS")
        import google.auth.transport.requests

        return google.auth.transport.requests.Request()(
            url, method=method, body=body, headers=headers, timeout=timeout or 120, **more
        )
