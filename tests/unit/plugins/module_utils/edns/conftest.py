# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A sandbox with zones of Edge DNS, and for each test a store with a device that reaches it."""

from __future__ import annotations

import pathlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import pytest
from edgecert_sandbox.handle import SandboxOptions, start

from ansible_collections.edgecert.clm.plugins.module_utils._clm import dns_records
from ansible_collections.edgecert.clm.plugins.module_utils._core.plan import Outcome, Plan
from ansible_collections.edgecert.clm.plugins.module_utils._glue.wire_dns import dns_maker, name_server_maker
from ansible_collections.edgecert.clm.tests.support.flow import Account, Bench, FlowClock, contract_names

ZONES = ["example.com", "shop.example.com", "away.example.com SECONDARY"]
NAME = "_acme-challenge.www.example.com"
DEFAULTS: dict[str, Any] = {
    "device": None,
    "zone": None,
    "name": NAME,
    "type": "TXT",
    "value": "first",
    "follow_cname": False,
    "ttl": None,
    "state": "present",
    "wait": False,
    "wait_timeout": 60,
    "name_servers": None,
}


@dataclass
class Records:
    """A bench that puts records."""

    bench: Bench

    def plan(self, **changes: Any) -> Plan:
        """Plan a record."""
        ports = replace(
            self.bench.ports,
            dns=dns_maker(self.bench.store, self.bench.clock, self.bench.environment),
            name_servers=name_server_maker,
        )
        return dns_records.plan({**DEFAULTS, **changes}, ports)

    def put(self, **changes: Any) -> Outcome:
        """Put a record."""
        return self.plan(**changes).execute()

    def there(self) -> list[dict[str, Any]]:
        """Give what the sandbox has, by its own word."""
        found: list[dict[str, Any]] = self.bench.sandbox.state()["records"]
        return found

    def calls(self) -> list[str]:
        """Give the calls of Edge DNS since the last time, as ``METHOD last-part``."""
        made = [call for call in self.bench.sandbox.calls(reset=True) if "/config-dns/" in call["path"]]
        return [f"{call['method']} {call['path'].partition('?')[0].rpartition('/')[2]}" for call in made]


@pytest.fixture(scope="session")
def account() -> Iterator[Account]:
    names = contract_names(200)
    with start(SandboxOptions(limits=False, instant=True, contracts=names)) as sandbox:
        yield Account(sandbox, names, FlowClock(sandbox))


@pytest.fixture
def records(account: Account, tmp_path: pathlib.Path) -> Iterator[Records]:
    account.sandbox.clear_faults()
    # Taken out and in again, the zones are new ones.
    account.sandbox.configure({"dns_zones": []})
    account.sandbox.state()
    account.sandbox.configure({"dns_zones": ZONES, "dns_lag_s": 0})
    bench = Bench(account, tmp_path)
    bench.device()
    made = Records(bench)
    made.calls()
    yield made
    bench.close()
