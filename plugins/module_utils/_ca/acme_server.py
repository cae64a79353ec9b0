# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An ACME server and one account there: directory, nonces, signed calls, registration, another key.

Reading is a POST there, too (RFC 8555 §6.3). A nonce that was refused is answered with another one, and the call sent
once more: it was not taken. Knows no orders.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from contextlib import nullcontext
from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit

from .._core.errors import AuthError, InputError, RateLimited, RemoteError
from .._core.redact import Secret
from .._http.base import Request
from .acme_jws import AccountKey, binding, unb64
from .base import Tools
from .before_order import before_order
from .connection import transport_options
from .rest import Answer, Rest

PROBLEM = "urn:ietf:params:acme:error:"
_NONCE_TRIES = 4
_NEEDED = ("newNonce", "newAccount", "newOrder", "revokeCert")
_NEVER_HERE = "the address is another server's"
JSON = "application/json"
# What an account may want done, beside being registered.
ANOTHER_KEY = "another key"


def problem_of(answer: Answer) -> dict[str, Any]:
    """Read a problem document (RFC 7807); empty when it is none."""
    found = answer.value()
    return dict(found) if isinstance(found, Mapping) else {}


def word_of(exc: RemoteError) -> str:
    """Give the ACME word of an error, as ``badCSR``; empty for none."""
    kind = str(exc.problem.get("type") or "")
    return kind.removeprefix(PROBLEM) if kind.startswith(PROBLEM) else ""


def reason_of(problem: Mapping[str, Any]) -> str:
    """Give a problem as a sentence's part: its word, its detail, and those of its parts."""
    word = str(problem.get("type") or "").removeprefix(PROBLEM)
    told = ": ".join(one for one in (word, str(problem.get("detail") or "")) if one and one != "about:blank")
    parts = [
        f"{(one.get('identifier') or {}).get('value', '')} {reason_of(one)}".strip()
        for one in problem.get("subproblems") or ()
        if isinstance(one, Mapping)
    ]
    return f"{told} ({'; '.join(parts)})" if parts else told


def _explained(answer: Answer) -> str:
    return reason_of(problem_of(answer))


class AcmeServer:
    """One directory, and the account that a key stands for."""

    def __init__(self, options: Mapping[str, Any], secrets: Mapping[str, Secret], tools: Tools) -> None:
        self._options, self._secrets, self._tools = options, secrets, tools
        parts = urlsplit(str(options["url"]).strip())
        # As it goes out in the Host header: that is what servers hold the signed address against.
        self.host = _plain_host(parts.netloc)
        # A directory may be told by its query, as which order a renewal at DigiCert is to follow.
        self.path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        self.key = AccountKey(secrets["account_key"].reveal())
        former = json.loads(secrets["former_account_keys"].reveal()) if "former_account_keys" in secrets else []
        self._former = [AccountKey(one) for one in former]
        self._transport: Any = None
        self._directory: Mapping[str, Any] | None = None
        self._nonces: list[str] = []
        self._kid = ""

    # -- calls -----------------------------------------------------------------------------------------------------

    def rest(self, sign: Callable[[Request], Request] | None = None) -> Rest:
        """Give calls to the host."""
        if self._transport is None:
            self._transport = self._tools.transports(transport_options(self.host, self._options, self._secrets))
        secrets = list(self._secrets.values())
        clock = self._tools.clock
        return Rest(self._transport, clock, host=self.host, sign=sign, explain=_explained, secrets=secrets)

    def is_here(self, url: str) -> bool:
        """Say whether an address is on the directory's host."""
        parts = urlsplit(url)
        return parts.scheme == "https" and _plain_host(parts.netloc) == self.host

    def path_of(self, url: str) -> str:
        """Give path and query of an address that the server told.

        :raises RemoteError: it is not on the directory's host, to which alone anything signed is sent.
        """
        parts = urlsplit(url)
        if not self.is_here(url):
            shown = f"{parts.scheme}://{parts.netloc}"
            raise RemoteError(
                f"Cannot call {shown} for the directory at {self.host}: {_NEVER_HERE}; what is signed is sent to the "
                "directory's host alone",
                code="other_host",
            )
        return parts.path + (f"?{parts.query}" if parts.query else "")

    def signed_url(self, url: str) -> str:
        """Give an address that the server told as it is signed: the same in a call, and in what the call wraps.

        :source: RFC 8555 §6.4, §7.3.4, §7.3.5.
        """
        return f"https://{self.host}{self.path_of(url)}"

    def directory(self) -> Mapping[str, Any]:
        """Read the directory, once.

        :raises RemoteError: what answers there is none.
        """
        if self._directory is None:
            found = self.rest().ask("read the directory", "GET", self.path)
            missing = [name for name in _NEEDED if not isinstance(found, Mapping) or not found.get(name)]
            if missing:
                raise RemoteError(
                    f"Cannot use {self.path} at {self.host} as an ACME directory: it has no {', '.join(missing)}; "
                    "check the account's URL",
                    code="no_directory",
                )
            self._directory = found
        return self._directory

    def meta(self) -> Mapping[str, Any]:
        """Give what the directory says about itself."""
        found = self.directory().get("meta")
        return found if isinstance(found, Mapping) else {}

    def _nonce(self) -> str:
        if self._nonces:
            return self._nonces.pop()
        answer = self.rest().call("HEAD", self.path_of(str(self.directory()["newNonce"])))
        nonce = answer.headers.get("replay-nonce", "")
        if not nonce:
            raise RemoteError(
                f"Cannot have a nonce from {self.host}: HTTP {answer.status} without Replay-Nonce; where it is the PKI "
                "engine of Vault or OpenBao, its mount has to allow that header",
                code="no_nonce",
            )
        return nonce

    def call(self, what: str, url: str, payload: Any, *, key: AccountKey, kid: str = "", accept: str = JSON) -> Answer:
        """Make a signed call.

        :param payload: None to read; a mapping is sent as JSON.
        :param kid: the account's URL; empty where the key itself goes along.
        :raises RemoteError: any answer but a success, with the ``problem`` that it told.
        """
        path = self.path_of(url)

        def sign(request: Request) -> Request:
            content = request.body or b""
            # Without a nonce nothing is sent. Of an order that has to be said, or it would be taken for a lost one.
            with before_order() if url == str(self.directory()["newOrder"]) else nullcontext():
                nonce = self._nonce()
            signed = key.jws(content, url=self.signed_url(url), nonce=nonce, kid=kid)
            return replace(request, body=json.dumps(signed).encode())

        rest = self.rest(sign)
        raw = b"" if payload is None else json.dumps(payload).encode()
        headers = {"Content-Type": "application/jose+json", "Accept": accept}
        for tries in range(1, _NONCE_TRIES + 1):
            answer = rest.call("POST", path, raw=raw, headers=headers)
            if answer.headers.get("replay-nonce"):
                self._nonces.append(answer.headers["replay-nonce"])
            if problem_of(answer).get("type") != f"{PROBLEM}badNonce" or tries == _NONCE_TRIES:
                break
        return self._checked(rest, what, answer)

    def _checked(self, rest: Rest, what: str, answer: Answer) -> Answer:
        try:
            return rest.checked(what, answer)
        except RemoteError as exc:
            exc.problem = {} if answer.is_success else problem_of(answer)
            if word_of(exc) != "rateLimited" or isinstance(exc, RateLimited):
                raise
            told = answer.headers.get("retry-after", "")
            seconds = float(told) if told.isdigit() else 3600.0
            raise RateLimited(exc.message, retry_after_s=seconds, status=429) from exc

    def post(self, what: str, url: str, payload: Any, *, accept: str = JSON) -> Answer:
        """Make a call of the account; registers nothing."""
        kid = self.kid()
        return self.call(what, url, payload, key=self.key, kid=kid, accept=accept)

    # -- the account -----------------------------------------------------------------------------------------------

    def lookup(self, key: AccountKey) -> str:
        """Ask for the account of a key; empty when there is none."""
        url = str(self.directory()["newAccount"])
        try:
            answer = self.call("look for the account", url, {"onlyReturnExisting": True}, key=key)
        except RemoteError as exc:
            if word_of(exc) == "accountDoesNotExist":
                return ""
            raise _as_login(exc) from exc
        return answer.headers.get("location", "")

    def kid(self) -> str:
        """Give the account's URL.

        A key that is to be replaced still stands for the account, and then signs.

        :raises AuthError: there is none.
        """
        if not self._kid:
            self._kid = self.lookup(self.key)
        if not self._kid:
            former, self._kid = self._known_former()
            self.key = former or self.key
        if not self._kid:
            raise AuthError(
                f"Cannot act at {self.host}: the CA knows no account of this key; the next order registers one",
                status=403,
                code="account_missing",
            )
        return self._kid

    def due(self) -> str:
        """Say what the account wants done: ``register``, ``another key``, or nothing."""
        if self.lookup(self.key):
            return ""
        return ANOTHER_KEY if self._known_former()[0] else "register"

    def _known_former(self) -> tuple[AccountKey | None, str]:
        """Give the former key that the CA knows, with its account."""
        for key in self._former:
            kid = self.lookup(key)
            if kid:
                return key, kid
        return None, ""

    def opened(self) -> str:
        """Give the account's URL; registers it, or gives it its new key, where that is due.

        :raises AuthError: the CA refused.
        """
        if self._kid:
            return self._kid
        self._kid = self.lookup(self.key)
        if not self._kid:
            former, kid = self._known_former()
            if former:
                self._give_new_key(kid, former)
                self._kid = kid
        if not self._kid:
            self._kid = self._register()
        return self._kid

    def _register(self) -> str:
        url, meta = str(self.directory()["newAccount"]), self.meta()
        self._refuse_unready(meta)
        contact = [one if ":" in one else f"mailto:{one}" for one in self._options.get("contact") or ()]
        body: dict[str, Any] = {"contact": contact} if contact else {}
        if self._options.get("terms_agreed"):
            body["termsOfServiceAgreed"] = True
        if self._options.get("eab_kid"):
            mac = unb64(self._secrets["eab_hmac_key"].reveal())
            body["externalAccountBinding"] = binding(self.key, str(self._options["eab_kid"]), mac, self.signed_url(url))
        try:
            answer = self.call("register the account", url, body, key=self.key)
        except RemoteError as exc:
            raise _as_login(exc) from exc
        kid = answer.headers.get("location", "")
        if not kid:
            raise RemoteError("Cannot register the account: the answer names none", code="no_account")
        return kid

    def unready(self, meta: Mapping[str, Any]) -> list[str]:
        """Say what the CA wants of a new account and the options do not give."""
        found = []
        if meta.get("termsOfService") and not self._options.get("terms_agreed"):
            found.append(f"the CA has terms ({meta['termsOfService']}); read them, and set terms_agreed: true")
        if meta.get("externalAccountRequired") and not self._options.get("eab_kid"):
            found.append("the CA binds accounts to one elsewhere; give eab_kid, and eab_hmac_key among the secrets")
        return found

    def _refuse_unready(self, meta: Mapping[str, Any]) -> None:
        problems = self.unready(meta)
        if problems:
            raise InputError.of_problems(f"Cannot register an account at {self.host}", problems)

    def _give_new_key(self, kid: str, former: AccountKey) -> None:
        """Have the CA take the new key for the account (RFC 8555 §7.3.5)."""
        url = str(self.directory().get("keyChange") or "")
        if not url:
            raise InputError(f"{self.host} offers no change of an account's key; go on with the former one")
        inner = {"account": kid, "oldKey": former.jwk}
        content = self.key.jws(json.dumps(inner).encode(), url=self.signed_url(url))
        try:
            self.call("give the account its new key", url, content, key=former, kid=kid)
        except RemoteError as exc:
            raise _as_login(exc) from exc


def _plain_host(netloc: str) -> str:
    return netloc.lower().removesuffix(":443")


def _as_login(exc: RemoteError) -> RemoteError:
    """Give a refusal of the account as one, whatever its status, so that nobody takes it for one of the order."""
    if isinstance(exc, (AuthError, RateLimited)) or exc.status is None or not 400 <= exc.status < 500:
        return exc
    return AuthError(exc.message, status=exc.status, problem=exc.problem)
