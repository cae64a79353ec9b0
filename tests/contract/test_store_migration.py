# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The store's contract: stores of every earlier schema migrate, and nothing in them is lost."""

from __future__ import annotations

import contextlib
from collections.abc import Callable

import pytest

from ansible_collections.edgecert.clm.plugins.module_utils._core.errors import StoreError
from ansible_collections.edgecert.clm.plugins.module_utils._core.redact import Secret
from ansible_collections.edgecert.clm.plugins.module_utils._core.types import AuditEntry
from ansible_collections.edgecert.clm.plugins.module_utils._store.base import Unit
from ansible_collections.edgecert.clm.plugins.module_utils._store.schema import MIGRATIONS
from ansible_collections.edgecert.clm.tests.support import old_stores
from ansible_collections.edgecert.clm.tests.support.stores import StorePlace, in_processes, migrate_and_count

NEWEST = len(MIGRATIONS)
NUMBERS = range(1, len(old_stores.MAKERS) + 1)
RECORDS = {
    "devices": 1,
    "vendor_settings": 1,
    "ca_accounts": 1,
    "certificates": 2,
    "pems": 1,
    "requests": 2,
    "connectors": 1,
    "work_orders": 1,
    "intents": 2,
    "groups": 0,
    "attachments": 0,
    "snapshots": 0,
    "key_devices": 0,
    "held_secrets": 0,
    "audit": 4,
}


@pytest.fixture(params=NUMBERS)
def old(request: pytest.FixtureRequest, place: StorePlace) -> StorePlace:
    """Give the place of a store of an earlier schema, each in turn."""
    make: Callable[[StorePlace], None] = old_stores.MAKERS[request.param - 1]
    make(place)
    return place


def test_there_is_a_maker_for_every_schema_before_the_present() -> None:
    assert len(old_stores.MAKERS) == NEWEST - 1


def test_it_is_not_opened_without_being_asked_to_migrate(old: StorePlace) -> None:
    with pytest.raises(StoreError, match="action: migrate") as caught, old.open():
        pass
    assert caught.value.code == "store_needs_migration"
    assert old.execute("SELECT value FROM meta WHERE name = 'schema'") != [(str(NEWEST),)]


def test_every_record_is_there_and_its_audit_holds(old: StorePlace) -> None:
    with old.open(migrate=True) as store:
        assert store.describe()["records"] == RECORDS
        assert store.describe()["schema"] == NEWEST
        assert store.verify_audit() == []
        with store.read() as unit:
            for name in RECORDS:
                if name != "audit":
                    assert len(getattr(unit, name).find()) == RECORDS[name]
        with store.write() as unit:
            assert unit.audit(AuditEntry("a", "x", "store", "")).sequence == RECORDS["audit"] + 1
        assert store.verify_audit() == []


def test_its_secrets_open(old: StorePlace) -> None:
    with old.open(migrate=True) as store, store.read() as unit:
        device, account = unit.devices.get("edge"), unit.ca_accounts.get("own")
        assert device is not None and account is not None
        assert device.client_secret == Secret(old_stores.DEVICE_SECRET)
        assert account.secrets == Secret(old_stores.CA_SECRET)


def test_what_came_later_has_the_value_that_changes_nothing(old: StorePlace) -> None:
    with old.open(migrate=True) as store, store.read() as unit:
        certificate, connector = (
            unit.certificates.get("www.example.com"),
            unit.connectors.get("www.example.com", "edge"),
        )
        order = unit.work_orders.get("w-1")
        assert certificate is not None and connector is not None and order is not None
        assert (certificate.group, certificate.auto_renew, certificate.auto_regenerate) == ("", {}, {})
        assert (certificate.parent, certificate.successor, certificate.revocation) == ("", "", {})
        assert certificate.attributes == {"owner": "web team"}
        assert (connector.script_location, connector.pre_push_script, connector.post_push_script) == (
            "controller",
            "",
            "",
        )
        assert (connector.script_timeout_s, connector.push_automatically) == (60, False)
        assert (order.policy, order.approvals, order.manual_implementation) == ({}, (), False)
        assert (order.scheduled_at, order.last_safe_at, order.is_automatic) == (None, None, False)
        assert (order.warnings, order.edges, order.scripts, order.group) == ({}, {}, (), "")


def _in_flight(unit: Unit) -> None:
    request, intent = unit.requests.get("r-2"), unit.intents.get("i-2")
    assert request is not None and intent is not None
    assert (request.state, request.reason, request.version) == ("implementing", "csr_pending", 5)
    assert (request.policy, request.approvals, request.renews, request.group) == ({}, (), {}, "")
    assert [step["type"] for step in request.conditions] == ["submitted", "approved", "implementing"]
    assert (intent.key, intent.finished_at) == ("r-2", None)


def test_a_request_under_way_goes_on(old: StorePlace) -> None:
    with old.open(migrate=True) as store:
        with store.read() as unit:
            _in_flight(unit)
            request = unit.requests.get("r-2")
        assert request is not None
        with store.write() as unit:
            assert unit.requests.put(request).version == 6


@pytest.mark.slow
def test_of_eight_openers_one_migrates_and_the_others_wait(old: StorePlace) -> None:
    before = in_processes(migrate_and_count, old.url, 8)
    assert len([number for number, _count in before if number != NEWEST]) == 1
    assert {count for _number, count in before} == {RECORDS["certificates"]}


def test_a_newer_store_is_refused(old: StorePlace) -> None:
    old.execute("UPDATE meta SET value = ? WHERE name = 'schema'", str(NEWEST + 1))
    with pytest.raises(StoreError) as caught, contextlib.ExitStack() as stack:
        stack.enter_context(old.open(migrate=True))
    assert caught.value.code == "store_too_new"
    assert caught.value.details == {"schema": NEWEST + 1, "newest": NEWEST}
