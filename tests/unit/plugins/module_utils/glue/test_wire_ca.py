# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How a CA account is reached: no faster than its CA bears, whoever calls."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any

import pytest

from ansible_collections.edgecert.clm.plugins.module_utils._ca.base import StoredAccount, Tools
from ansible_collections.edgecert.clm.plugins.module_utils._ca.registry import connector_type, type_names
from ansible_collections.edgecert.clm.plugins.module_utils._core.ledger import MemoryLedger
from ansible_collections.edgecert.clm.plugins.module_utils._core.redact import Secret
from ansible_collections.edgecert.clm.plugins.module_utils._core.types import CaAccount
from ansible_collections.edgecert.clm.plugins.module_utils._glue.wire_ca import ca_maker
from ansible_collections.edgecert.clm.plugins.module_utils._http import transport
from ansible_collections.edgecert.clm.plugins.module_utils._http.base import Request, Response
from ansible_collections.edgecert.clm.plugins.module_utils._http.transport import RequestsTransport
from ansible_collections.edgecert.clm.tests.support.fake_ca.core import FakeClock

OPTIONS = {"hawk_id": "id-1", "url": "https://acm.example.com/api/v2", "certificate_type": ""}


class Noted:
    """A far side that notes when it is called."""

    def __init__(self, clock: FakeClock, at: list[float]) -> None:
        self._clock, self._at = clock, at

    def send(self, _request: Request) -> Response:
        """Note it."""
        self._at.append(self._clock.monotonic())
        return Response(200, {"content-type": "application/json"}, b"[]")

    def close(self) -> None:
        """Close nothing."""


def test_all_who_call_one_account_are_as_slow_as_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """ca-connectors §3.3: two requests a second where the CA publishes no limit; by the store's ledger."""
    clock, at = FakeClock(), list[float]()
    monkeypatch.setattr(transport, "RequestsTransport", lambda _options: Noted(clock, at))
    kind = connector_type("hydrantid", Tools(clock, RequestsTransport))
    options, secrets = kind.prepare("hid", OPTIONS, {"hawk_key": "k" * 24}, StoredAccount())
    store: Any = SimpleNamespace(ledger=MemoryLedger())
    account = CaAccount("hid", "hydrantid", options=options, secrets=Secret(json.dumps(dict(secrets))))
    for _process in range(6):
        connector: Any = ca_maker(store, clock, {})(account)
        connector.choices("certificate_type")
    assert len(at) == 6 and all(later - at[number] >= 1.0 for number, later in enumerate(at[2:]))


def test_every_kind_of_ca_has_a_rate() -> None:
    """ca-connectors §3.3: more than two a second only where the CA publishes what it bears."""
    tools = Tools(FakeClock(), RequestsTransport)
    rates = {name: connector_type(name, tools).calls_per_second for name in type_names()}
    faster = {name for name, rate in rates.items() if rate > 2}
    assert faster == {"acme", "aws_pca", "digicert", "google_cas"} and min(rates.values()) == 2
