# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""API clients, their grants, and the check of EdgeGrid signatures as the gateway does it.

Knows nothing of CPS; time and client list are handed in.
"""

from __future__ import annotations

import base64
import calendar
import dataclasses
import hashlib
import hmac
import re
import secrets
import threading
import time
from collections.abc import Callable, Iterable, Mapping

from .wire import Request

SCHEME = "EG1-HMAC-SHA256"
WINDOW_S = 30
MAX_BODY = 131072
READ, WRITE = "READ-ONLY", "READ-WRITE"
MAIN_ACCOUNT, PARTNER_ACCOUNT = "main", "partner"
PARTNER_SWITCH_KEY = "1-SANDB:1-PARTN"

_HEADER = re.compile(
    r"(?P<unsigned>EG1-HMAC-SHA256 client_token=(?P<client_token>[^;\s]+);access_token=(?P<access_token>[^;\s]+);"
    r"timestamp=(?P<timestamp>[^;\s]+);nonce=(?P<nonce>[^;\s]+);)signature=(?P<signature>[A-Za-z0-9+/=]+)"
)
_TIMESTAMP = re.compile(r"\d{8}T\d\d:\d\d:\d\d\+0000")


@dataclasses.dataclass(frozen=True)
class ApiClient:
    """One API client of the sandbox.

    :ivar grants: API service (``cps``, ``contracts``, ``papi``, ``dns``) to access level; a missing one is not granted.
    :ivar switch_keys: account switch key to the account it leads to.
    """

    name: str
    client_token: str
    access_token: str
    client_secret: str = dataclasses.field(repr=False)
    account: str = MAIN_ACCOUNT
    grants: Mapping[str, str] = dataclasses.field(default_factory=dict)
    switch_keys: Mapping[str, str] = dataclasses.field(default_factory=dict)
    active: bool = True


@dataclasses.dataclass(frozen=True)
class Caller:
    """Who is calling, and on which account."""

    client: ApiClient
    account: str


class Refusal(Exception):
    """The gateway refuses a request before any API sees it.

    :ivar kind: end of the problem type, as ``/-/pep-authn/deny``.
    """

    def __init__(self, status: int, kind: str, title: str, detail: str, realm: str = "") -> None:
        super().__init__(detail)
        self.status = status
        self.kind = kind
        self.title = title
        self.detail = detail
        self.realm = realm


def bad_request(detail: str) -> Refusal:
    """Give the refusal of a request that is not signed in a way the gateway can read."""
    return Refusal(400, "/-/pep-authn/request-error", "Bad request", detail)


def denied(detail: str, realm: str = "") -> Refusal:
    """Give the refusal of credentials."""
    return Refusal(401, "/-/pep-authn/deny", "Not authorized", detail, realm)


def forbidden(detail: str, realm: str = "") -> Refusal:
    """Give the refusal of a client that lacks a grant."""
    return Refusal(403, "/-/pep-authz/deny", "Forbidden", detail, realm)


def sign(client_secret: str, unsigned: str, timestamp: str, request: Request, max_body: int = MAX_BODY) -> str:
    """Compute the signature a request must carry.

    :param unsigned: the Authorization value up to and with the semicolon before ``signature=``.
    :source: EdgeGrid; only the body of a POST is hashed, at most its first ``max_body`` bytes.
    """
    key = _mac(client_secret.encode(), timestamp)
    content = request.body[:max_body] if request.method == "POST" else b""
    digest = base64.b64encode(hashlib.sha256(content).digest()).decode() if content else ""
    data = "\t".join((request.method, "https", request.host, request.target, "", digest, unsigned))
    return _mac(key.encode(), data)


def _mac(key: bytes, text: str) -> str:
    return base64.b64encode(hmac.new(key, text.encode(), hashlib.sha256).digest()).decode()


class Gate:
    """Checks the signature of each request; remembers nonces as long as they could be replayed."""

    def __init__(
        self,
        clients: Iterable[ApiClient],
        now: Callable[[], float],
        *,
        host_names: frozenset[str] | None = None,
        max_body: int = MAX_BODY,
    ) -> None:
        """Make a gate.

        :param now: the gateway's clock, seconds since the epoch.
        :param host_names: names (without port) the tokens are good for; None takes any.
        """
        self._clients = {client.client_token: client for client in clients}
        self._now = now
        self._host_names = host_names
        self._max_body = max_body
        self._nonces: dict[tuple[str, str], float] = {}
        self._lock = threading.Lock()

    def admit(self, request: Request) -> Caller:
        """Check one request.

        :raises Refusal: 400 without a readable header or in time, 401 for credentials and signature, 403 for an
            account switch key the client has not.
        """
        match = _HEADER.fullmatch(request.headers.get("authorization", "").strip())
        if match is None:
            raise bad_request("Authorization header missing")
        self._check_time(match["timestamp"])
        client = self._clients.get(match["client_token"])
        if client is None:
            raise denied("Invalid client token")
        realm = f"{client.client_token}.{client.access_token}"
        if not client.active:
            raise denied("Inactive client token", realm)
        if not hmac.compare_digest(client.access_token, match["access_token"]):
            raise denied("Invalid access token", realm)
        self._check_signature(client, match, request, realm)
        self._check_nonce(client, match["nonce"], realm)
        return Caller(client, self._account(client, request, realm))

    def _check_time(self, text: str) -> None:
        if not _TIMESTAMP.fullmatch(text):
            raise bad_request("Invalid timestamp")
        try:
            stamp = calendar.timegm(time.strptime(text, "%Y%m%dT%H:%M:%S+0000"))
        except ValueError:
            raise bad_request("Invalid timestamp") from None
        # A timestamp has whole seconds: the request may be up to a second younger than it says.
        if not -WINDOW_S <= self._now() - stamp < WINDOW_S + 1:
            raise bad_request("Invalid timestamp")

    def _check_signature(self, client: ApiClient, match: re.Match[str], request: Request, realm: str) -> None:
        wanted = sign(client.client_secret, match["unsigned"], match["timestamp"], request, self._max_body)
        name = request.host.rsplit(":", 1)[0].lower()
        is_ours = self._host_names is None or name in self._host_names
        if not is_ours or not hmac.compare_digest(wanted, match["signature"]):
            raise denied("Signature does not match", realm)

    def _check_nonce(self, client: ApiClient, nonce: str, realm: str) -> None:
        now = self._now()
        with self._lock:
            if len(self._nonces) > 5000:
                self._nonces = {key: end for key, end in self._nonces.items() if end > now}
            if self._nonces.get((client.client_token, nonce), 0.0) > now:
                raise denied("Nonce was already used", realm)
            self._nonces[(client.client_token, nonce)] = now + 2 * WINDOW_S + 2

    @staticmethod
    def _account(client: ApiClient, request: Request, realm: str) -> str:
        keys = [value for name, value in request.query if name == "accountSwitchKey"]
        if not keys:
            return client.account
        if keys[0] not in client.switch_keys:
            raise forbidden("The client may not use this account switch key", realm)
        return client.switch_keys[keys[0]]


def require(caller: Caller, service: str, level: str) -> None:
    """Refuse a client that lacks a grant.

    :raises Refusal: 403, the service is not granted or only for reading.
    """
    held = caller.client.grants.get(service)
    if held in (WRITE, level):
        return
    realm = f"{caller.client.client_token}.{caller.client.access_token}"
    raise forbidden("The client does not have the grant needed for the request", realm)


ALL_GRANTS = {"cps": WRITE, "contracts": READ, "papi": READ, "dns": WRITE}


def make_clients() -> list[ApiClient]:
    """Make the sandbox's API clients with fresh tokens: one good, the others each lacking one thing."""
    kinds: list[tuple[str, dict[str, str], bool]] = [
        ("default", ALL_GRANTS, True),
        ("readonly", {**ALL_GRANTS, "cps": READ, "dns": READ}, True),
        *((f"no-{service}", _all_but(service), True) for service in ALL_GRANTS),
        ("inactive", ALL_GRANTS, False),
        ("partner", ALL_GRANTS, True),
    ]
    return [_make_client(name, grants, active) for name, grants, active in kinds]


def _all_but(service: str) -> dict[str, str]:
    return {name: level for name, level in ALL_GRANTS.items() if name != service}


def _make_client(name: str, grants: dict[str, str], active: bool) -> ApiClient:
    return ApiClient(
        name=name,
        client_token=f"akab-{secrets.token_hex(8)}-{secrets.token_hex(8)}",
        access_token=f"akab-{secrets.token_hex(8)}-{secrets.token_hex(8)}",
        client_secret=base64.b64encode(secrets.token_bytes(32)).decode(),
        grants=grants,
        switch_keys={PARTNER_SWITCH_KEY: PARTNER_ACCOUNT} if name in ("default", "partner") else {},
        active=active,
    )


def edgerc_text(clients: Iterable[ApiClient], host: str) -> str:
    """Write the clients as a credentials file; section ``partner`` carries its account switch key."""
    lines = []
    for client in clients:
        lines += [
            f"[{client.name}]",
            f"host = {host}",
            f"client_token = {client.client_token}",
            f"client_secret = {client.client_secret}",
            f"access_token = {client.access_token}",
            f"max_body = {MAX_BODY}",
        ]
        if client.name == "partner":
            lines.append(f"account_key = {PARTNER_SWITCH_KEY}")
        lines.append("")
    return "\n".join(lines)
