# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Accounts at the fake of an ACME server, for the tests of what is ACME's own."""

from __future__ import annotations

import contextlib
import pathlib
import secrets as library
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from ansible_collections.edgecert.clm.plugins.module_utils._ca.answer_base import (
    Answer,
    Issued,
    Pending,
)
from ansible_collections.edgecert.clm.plugins.module_utils._ca.base import CaConnector, Order, StoredAccount, Tools
from ansible_collections.edgecert.clm.plugins.module_utils._ca.registry import connector_type
from ansible_collections.edgecert.clm.plugins.module_utils._core.csr_spec import CsrSpec
from ansible_collections.edgecert.clm.plugins.module_utils._core.redact import Secret
from ansible_collections.edgecert.clm.plugins.module_utils._http.transport import RequestsTransport
from ansible_collections.edgecert.clm.tests.support.csrs import KEYS, make_csr
from ansible_collections.edgecert.clm.tests.support.fake_ca import core
from ansible_collections.edgecert.clm.tests.support.fake_ca.acme import AcmeVendor
from ansible_collections.edgecert.clm.tests.support.faulty_transport import Script

ONE = CsrSpec("www.example.com", ("www.example.com",))


@dataclass
class World:
    """A fake with accounts at it."""

    vendor: AcmeVendor
    orders: core.Orders
    fake: core.FakeCa

    def stored(
        self, before: StoredAccount | None = None, script: Script | None = None, **changes: Any
    ) -> StoredAccount:
        """Prepare an account."""
        options = {"url": f"{self.fake.url}/directory", "ca_path": self.fake.ca_path, "terms_agreed": True}
        wanted = {**options, "dcv_check": "wait", "dcv_wait_s": 60, **(before.options if before else {}), **changes}
        secrets = wanted.pop("secrets", {})
        kind = connector_type("acme", Tools(self.orders.clock, (script or Script()).over(RequestsTransport)))
        return StoredAccount(*kind.prepare("lab", wanted, secrets, before or StoredAccount()))

    def connect(
        self, account: StoredAccount | None = None, script: Script | None = None, **changes: Any
    ) -> CaConnector:
        """Give the connector of an account."""
        one = account or self.stored(**changes)
        kind = connector_type("acme", Tools(self.orders.clock, (script or Script()).over(RequestsTransport)))
        return kind.connect("lab", one.options, {name: Secret(text) for name, text in one.secrets.items()})

    def order(self, **changes: Any) -> Order:
        """Give an order."""
        return replace(Order(ONE, 90, library.token_hex(8), self.orders.clock.now()), **changes)

    def submitted(self, connector: CaConnector, csr: str = "", **changes: Any) -> Answer:
        """Submit one."""
        return connector.submit(self.order(**changes), csr or make_csr(KEYS["p256"](), names=("www.example.com",)))

    def issued(self, connector: CaConnector, csr: str = "", **changes: Any) -> Issued:
        """Submit one whose names are proved, and have it finalized."""
        answer = self.submitted(connector, csr, **changes)
        answer = connector.collect(answer.handle) if isinstance(answer, Pending) else answer
        assert isinstance(answer, Issued), answer
        return answer


@contextlib.contextmanager
def running(folder: pathlib.Path) -> Iterator[World]:
    """Run the fake for the time of a block."""
    orders = core.Orders(core.FakeClock())
    vendor = AcmeVendor(orders)
    with core.running(vendor, orders, folder) as fake:
        yield World(vendor, orders, fake)


def of(kind: Any, answer: Any) -> Any:
    """Give an answer that has to be of a kind."""
    assert isinstance(answer, kind), answer
    return answer
