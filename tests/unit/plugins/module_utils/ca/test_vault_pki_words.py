# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a Vault says in answers that no server gives on demand: tokens repeated in errors, nodes that stand by."""

from __future__ import annotations

import json
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest

from ansible_collections.edgecert.clm.plugins.module_utils._ca.base import CaConnector, StoredAccount, Tools
from ansible_collections.edgecert.clm.plugins.module_utils._ca.vault_pki import VaultPkiType
from ansible_collections.edgecert.clm.plugins.module_utils._core.errors import RemoteError
from ansible_collections.edgecert.clm.plugins.module_utils._core.redact import Secret
from ansible_collections.edgecert.clm.plugins.module_utils._http.base import Request, Response, TransportOptions
from ansible_collections.edgecert.clm.tests.support.fake_ca.core import FakeClock

NOW = datetime(2026, 11, 23, 12, tzinfo=timezone.utc)
MINTED = "hvs.minted-just-now"
OPTIONS = {"url": "https://vault.example.com:8200", "role": "web", "auth_method": "approle", "role_id": "id"}


class WordyVault:
    """Gives a token, and repeats it in every error after; its node stands by unless asked not to mind."""

    def __init__(self) -> None:
        self.sent: list[Request] = []
        self.given, self.gives = 0, {"auth": {"client_token": MINTED}}

    def send(self, request: Request) -> Response:
        """Answer."""
        self.sent.append(request)
        if request.path == "/v1/sys/health":
            minds = dict(request.query) != {"standbyok": "true", "perfstandbyok": "true"}
            return self._answer(429 if minds else 200, {"standby": True})
        if request.path == "/v1/auth/approle/login" and not self.given:
            self.given += 1
            return self._answer(200, self.gives)
        return self._answer(500, {"errors": [f"no lease for {MINTED}"]})

    def close(self) -> None:
        """Nothing is open."""

    @staticmethod
    def _answer(status: int, body: dict[str, Any]) -> Response:
        return Response(status, {"content-type": "application/json"}, json.dumps(body).encode())


def connected(vault: WordyVault, clock: FakeClock) -> CaConnector:
    """Give the connector to it."""

    def transports(_options: TransportOptions) -> WordyVault:
        return vault

    kind = VaultPkiType(Tools(clock, transports))
    options, sealed = kind.prepare("lab", OPTIONS, {"secret_id": "secret-id-1"}, StoredAccount())
    return kind.connect("lab", options, {name: Secret(text) for name, text in sealed.items()})


def test_a_token_that_was_just_given_is_in_no_error_of_any_call() -> None:
    """Security: the calls with the token have a list of secrets of their own, and so has a later login."""
    vault = WordyVault()
    connector = connected(vault, FakeClock(NOW))
    for _time in range(2):
        with pytest.raises(RemoteError, match="no lease for") as caught:
            connector.choices("role")
        assert vault.given == 1 and MINTED not in f"{caught.value} {caught.value.details}"
    assert any(MINTED in request.headers.get("X-Vault-Token", "") for request in vault.sent)


def test_an_answer_to_a_login_without_a_token_is_told() -> None:
    """C rows: as of a method that only wraps one."""
    vault = WordyVault()
    vault.gives = {"auth": {}}
    with pytest.raises(RemoteError, match="Cannot log in by approle: the answer holds no token") as caught:
        connected(vault, FakeClock(NOW)).choices("role")
    assert caught.value.code == "no_token"


def test_a_node_that_stands_by_is_reached_at_once() -> None:
    """ca-connectors §4.2: it answers 429 to who minds, which is no limit to wait for."""
    vault, clock = WordyVault(), FakeClock(NOW)
    checks = {check.name: check.passed for check in connected(vault, clock).test()}
    assert checks["reachable"] and clock.now() - NOW < timedelta(minutes=1)
    assert [request.path for request in vault.sent].count("/v1/sys/health") == 1
