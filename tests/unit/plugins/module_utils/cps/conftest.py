# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A sandbox for the tests of the CPS client, started once, and clients that speak to it."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta, timezone

import pytest
from edgecert_sandbox.handle import Handle, SandboxOptions, start

from ansible_collections.edgecert.clm.plugins.module_utils._core.ledger import Limits, MemoryLedger
from ansible_collections.edgecert.clm.plugins.module_utils._cps.client import CpsClient
from ansible_collections.edgecert.clm.plugins.module_utils._cps.pacing import LedgerPacer
from ansible_collections.edgecert.clm.plugins.module_utils._edgegrid.auth import edgegrid_auth
from ansible_collections.edgecert.clm.plugins.module_utils._edgegrid.credentials import CredentialOptions, resolve
from ansible_collections.edgecert.clm.plugins.module_utils._http.base import TransportOptions
from ansible_collections.edgecert.clm.plugins.module_utils._http.transport import RequestsTransport

WIDE = Limits(per_minute=10_000, burst=10_000, family_per_minute={})
MakeClient = Callable[..., CpsClient]


class MovedClock:
    """The computer's clock, moved by some seconds; sleeping moves it instead of waiting."""

    def __init__(self, ahead_s: float = 0.0) -> None:
        self.ahead_s = ahead_s
        self.slept: list[float] = []

    def now(self) -> datetime:
        return datetime.now(timezone.utc) + timedelta(seconds=self.ahead_s)

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.ahead_s += seconds

    def monotonic(self) -> float:
        return self.ahead_s


@pytest.fixture(scope="session")
def cps_sandbox() -> Iterator[Handle]:
    with start(SandboxOptions(limits=False, instant=True, contracts=("C-1", "C-2"))) as handle:
        handle.configure({"create_interval_s": 0})
        yield handle


@pytest.fixture
def make_client(cps_sandbox: Handle) -> Iterator[MakeClient]:
    opened: list[CpsClient] = []

    def make(
        section: str = "default", *, clock: MovedClock | None = None, prefix: str = "/cps/v2", secret: str = ""
    ) -> CpsClient:
        found = resolve(CredentialOptions(edgerc=cps_sandbox.edgerc, section=section), os.environ)
        auth = edgegrid_auth(found)
        if secret:
            auth.ah.client_secret = secret
        moved = clock or MovedClock()
        transport = RequestsTransport(TransportOptions(found.host, ca_path=cps_sandbox.ca_path, timeout_s=10), auth)
        client = CpsClient(
            transport,
            LedgerPacer(MemoryLedger(), "account", moved, limits=WIDE),
            moved,
            host=found.host,
            account_switch_key=found.account_switch_key,
            prefix=prefix,
            chance=lambda: 0.0,
        )
        opened.append(client)
        return client

    yield make
    for client in opened:
        client.close()
    cps_sandbox.clear_faults()
