# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""CA accounts over a network: new credentials are tried before they replace the old ones; what is denied is told."""

from __future__ import annotations

import json
import pathlib
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from ansible_collections.edgecert.clm.plugins.module_utils._ca.base import Tools
from ansible_collections.edgecert.clm.plugins.module_utils._clm import ca_accounts, enroll
from ansible_collections.edgecert.clm.plugins.module_utils._clm.ports import Ports
from ansible_collections.edgecert.clm.plugins.module_utils._core.errors import StateError
from ansible_collections.edgecert.clm.plugins.module_utils._core.redact import Secret
from ansible_collections.edgecert.clm.plugins.module_utils._core.types import CaAccount
from ansible_collections.edgecert.clm.plugins.module_utils._http.transport import RequestsTransport
from ansible_collections.edgecert.clm.tests.support.fake_ca import core
from ansible_collections.edgecert.clm.tests.support.fake_ca.toy import ToyVendor
from ansible_collections.edgecert.clm.tests.support.toy_ca import ToyType
from ansible_collections.edgecert.clm.tests.support.virtual_bench import VirtualBench


@pytest.fixture
def toy(tmp_path: pathlib.Path) -> Iterator[tuple[core.FakeCa, ToyVendor]]:
    orders = core.Orders(core.FakeClock())
    vendor = ToyVendor(orders)
    with core.running(vendor, orders, tmp_path, mutual=True) as fake:
        yield fake, vendor


def ports_of(bench: VirtualBench, fake: core.FakeCa) -> Ports:
    """Wire the toy."""
    kind = ToyType(Tools(fake.clock, RequestsTransport))

    def connect(account: CaAccount) -> Any:
        opened = json.loads(account.secrets.reveal()) if account.secrets else {}
        return kind.connect(account.name, account.options, {name: Secret(text) for name, text in opened.items()})

    return replace(bench.ports, ca=connect, ca_type=lambda _name: kind, clock=fake.clock)


def plan(ports: Ports, **changes: Any) -> Any:
    """Plan as the module would."""
    return ca_accounts.plan({"name": "toy", "type": "toy", "state": "present", **changes}, ports)


def stored(bench: VirtualBench) -> Any:
    """Give the account as it is in the store."""
    with bench.store.read() as unit:
        return unit.ca_accounts.get("toy")


def test_credentials_are_rotated_once_they_work(virtual: VirtualBench, toy: tuple[core.FakeCa, ToyVendor]) -> None:
    """Issue 6: tested before they are stored; a failing test leaves what worked."""
    fake, vendor = toy
    ports = ports_of(virtual, fake)
    options = {"url": fake.url, "ca_path": fake.ca_path, "client_certificate": fake.client.pem}
    secrets = {"api_key": vendor.key, "client_key": fake.client.key_pem()}
    made = plan(ports, options=options, secrets=secrets, test=True).execute()
    assert all(check["passed"] for check in made.extra["checks"])
    record = made.record
    assert record["client_certificate_days_left"] in (29, 30) and record["client_certificate_expires_at"].endswith("Z")
    assert vendor.key not in json.dumps(record) and "PRIVATE" not in json.dumps(record)
    with pytest.raises(StateError, match="its test failed.*nothing was stored") as caught:
        plan(ports, secrets={"api_key": "wrong-" + "k" * 20}, test=True)
    assert "wrong-k" not in caught.value.message and caught.value.code == "test_failed"
    assert plan(ports, test=True).execute().extra["checks"][-1]["passed"]
    before = stored(virtual)
    vendor.key = "rotated-" + "k" * 24
    with pytest.raises(StateError, match="Cannot use CA account toy: its test failed.*stays as it is stored") as caught:
        plan(ports, test=True)
    failed = [check for check in caught.value.details["checks"] if not check["passed"]]
    assert caught.value.code == "test_failed" and failed and stored(virtual) == before
    assert not plan(ports).changed, "without a test it is told as unchanged"
    rotated = plan(ports, secrets={"api_key": vendor.key}, test=True)
    assert rotated.changed
    rotated.execute()
    assert not plan(ports, secrets={"api_key": vendor.key}, test=True).changed


def test_a_list_that_may_not_be_read_is_a_warning(virtual: VirtualBench, toy: tuple[core.FakeCa, ToyVendor]) -> None:
    """ca-connectors §4.2: "not permitted" is no failure of the account."""
    fake, vendor = toy
    ports = ports_of(virtual, fake)
    options = {"url": fake.url, "ca_path": fake.ca_path, "client_certificate": fake.client.pem}
    secrets = {"api_key": vendor.key, "client_key": fake.client.key_pem()}
    plan(ports, options=options, secrets=secrets).execute()
    assert plan(ports, choices=["profile"]).extra["choices"]["profile"][0]["value"] == "p-1"
    vendor.key = "another"
    extra = plan(ports, choices=["profile"]).extra
    assert extra["choices"] == {"profile": []} and "may not list profile" in extra["warnings"][0]
    assert secrets["api_key"] not in extra["warnings"][0]


def test_a_test_signs_the_own_cas_crl_anew_when_that_is_due_and_not_in_check_mode(
    virtual: VirtualBench, tmp_path: pathlib.Path
) -> None:
    """Issue 6: a change like any other, told beforehand, on record, and none the next time."""
    virtual.prepare()
    path = tmp_path / "own.crl"

    def tested(**changes: Any) -> Any:
        wanted = {"name": "house", "state": "present", "test": True, **changes}
        return ca_accounts.plan(wanted, virtual.ports)

    tested(options={"crl_path": str(path)}).execute()
    virtual.enroll()
    enroll.plan({"action": "revoke", "certificate": "www.example.com", "submit": True}, virtual.ports).execute()
    before = path.read_bytes()
    assert not tested().changed
    virtual.advance(days=8)
    plan = tested()
    assert plan.changed and path.read_bytes() == before and not tested(test=False).changed
    outcome = plan.execute()
    assert outcome.record["name"] == "house" and path.read_bytes() != before
    assert not tested().changed
    with virtual.store.read() as unit:
        assert list(unit.audit_rows())[-1].entry.action == "ca_account_cared_for"
