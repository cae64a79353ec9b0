# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A bench for use cases in virtual time: the real store and the own CA over a CPS in memory.

As ``flow.Bench``, without a sandbox: thousands of pushes a minute, and time that stands still until a test moves it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any, NoReturn

from ansible_collections.edgecert.clm.plugins.module_utils._ca.base import CaConnector
from ansible_collections.edgecert.clm.plugins.module_utils._clm import (
    ca_accounts,
    connectors,
    enroll,
    lifecycle,
    push,
    workflow,
)
from ansible_collections.edgecert.clm.plugins.module_utils._clm.ports import Ports
from ansible_collections.edgecert.clm.plugins.module_utils._core.clock import from_text, to_text
from ansible_collections.edgecert.clm.plugins.module_utils._core.governance import Group
from ansible_collections.edgecert.clm.plugins.module_utils._core.plan import Outcome, Plan
from ansible_collections.edgecert.clm.plugins.module_utils._core.types import (
    Certificate,
    CertRequest,
    Device,
    VendorSettings,
    WorkOrder,
)
from ansible_collections.edgecert.clm.plugins.module_utils._glue.wire_ca import ca_maker, ca_type_maker
from ansible_collections.edgecert.clm.plugins.module_utils._store.open import open_store
from ansible_collections.edgecert.clm.plugins.module_utils._store.seal import StoreKey
from ansible_collections.edgecert.clm.plugins.module_utils._store.store import SqlStore
from ansible_collections.edgecert.clm.tests.support.flow import CONTACT, ORGANIZATION, TECH_CONTACT
from ansible_collections.edgecert.clm.tests.support.virtual import VirtualClock, VirtualCps, VirtualKeys, VirtualTarget

# A Monday; certificates for 47 days at most are the rule from 2029 on.
START = datetime(2030, 1, 7, 8, tzinfo=timezone.utc)
DAYS = 47
# More than CPS takes for all it does between the upload and staging.
PUSH_S = 3600.0


def _unused(*_arguments: Any) -> NoReturn:
    raise AssertionError("this part is not to be used here")


class VirtualBench:
    """Store, CPS and clock, and short ways to run each use case."""

    def __init__(self, folder: Path, *, actor: str = "tester") -> None:
        self.clock = VirtualClock(START)
        self.cps = VirtualCps(self.clock)
        self.url = f"sqlite:///{folder}/clm.db"
        self.wrap_ca: Callable[[CaConnector], CaConnector] = lambda connector: connector
        self.store = self.open_store()
        self.ports = self.make_ports(self.store, actor)

    def open_store(self, holder: str = "tester") -> SqlStore:
        """Open the bench's store once more."""
        store = open_store(self.url, StoreKey(), self.clock, holder, create=True)
        # Only here: no power is cut under a test, and thousands of commits need not reach the disk.
        store._database.run("PRAGMA synchronous = OFF")
        return store

    def make_ports(self, store: SqlStore, actor: str = "tester") -> Ports:
        """Wire the parts; a new run counts its calls from 0."""
        connect, before = ca_maker(store, self.clock, {}), self.cps.calls.total()
        return Ports(
            store=store,
            clock=self.clock,
            actor=actor,
            target=lambda _device: VirtualTarget(self.cps),
            key_provider=lambda _source, _device: VirtualKeys(self.cps),
            ca=lambda account: self.wrap_ca(connect(account)),
            ca_type=ca_type_maker(store, self.clock, {}),
            probe=_unused,
            scripts=_unused,
            environment={},
            calls=lambda: self.cps.calls.total() - before,
        )

    def use_ca(self, connector: CaConnector) -> None:
        """Let every CA account be this connector."""
        self.wrap_ca = lambda _own: connector

    def close(self) -> None:
        """Close the store."""
        self.store.close()

    def prepare(self, **group: Any) -> None:
        """Have a device, settings, a CA, and a group that asks for no approval unless told otherwise."""
        with self.store.write() as unit:
            unit.devices.add(Device("edge", contracts=("C-1",), credential_source="environment", status="managed"))
            place = ("third-party", "standard-tls", "third-party")
            unit.vendor_settings.add(VendorSettings(*place, ORGANIZATION, CONTACT, TECH_CONTACT))
            unit.groups.add(Group("default", **{"approvals": {"push": 0}, **group}))
        options = {"key_type": "ec", "max_validity_days": 398}
        wanted = {"name": "house", "state": "present", "type": "own_ca", "options": options}
        ca_accounts.plan(wanted, self.ports).execute()

    def group(self, **changes: Any) -> None:
        """Change the group."""
        with self.store.write() as unit:
            group = unit.groups.get("default")
            assert group is not None
            unit.groups.put(replace(group, **changes))

    # -- use cases -------------------------------------------------------------------------------------------------

    def enroll(self, name: str = "www.example.com", **changes: Any) -> Outcome:
        """Enrol, or go on."""
        wanted = {
            "common_name": name,
            "ca": "house",
            "key_type": "ec",
            "validity": {"count": DAYS, "unit": "days"},
            "wait": True,
            "wait_timeout": PUSH_S,
        }
        return enroll.plan({**wanted, **changes}, self.ports).execute()

    def connector(self, name: str = "www.example.com", **changes: Any) -> Outcome:
        """Add the application connector."""
        wanted = {"certificate": name, "name": "app", "state": "present", "devices": ["edge"]}
        return connectors.plan({**wanted, **changes}, self.ports).execute()

    def push(self, name: str = "www.example.com", **changes: Any) -> Outcome:
        """Push, or go on."""
        wanted = {"certificate": name, "network": "staging", "wait": True, "wait_timeout": PUSH_S}
        return push.plan({**wanted, **changes}, self.ports).execute()

    def issued(self, name: str = "www.example.com", **changes: Any) -> None:
        """Have an issued certificate with its application connector."""
        self.prepare()
        self.enroll(name, **changes)
        self.connector(name)

    def live(self, name: str = "www.example.com", **changes: Any) -> None:
        """Have a certificate that serves on production, and a CPS that is at rest."""
        self.enroll(name, **changes)
        self.connector(name, push_automatically=True)
        self.push(name)
        self.to_production()

    def to_production(self) -> None:
        """Let everything on staging go to production, and wait for it."""
        for enrollment in self.cps.enrollments.values():
            if enrollment.change is not None and enrollment.change.phase == "on_staging":
                self.cps.acknowledge_production(enrollment)
        self.advance(hours=2)

    def act(self, actor: str, action: str, **options: Any) -> Outcome:
        """Do something with a request or work order as a person does."""
        return workflow.plan({"action": action, **options}, replace(self.ports, actor=actor)).execute()

    def plan_due(self, **options: Any) -> Plan:
        """Plan what is due, as a run of its own."""
        self.ports = self.make_ports(self.store)
        return lifecycle.plan(options, self.ports)

    def run_due(self, **options: Any) -> dict[str, Any]:
        """Do what is due."""
        return dict(self.plan_due(**options).execute().extra)

    def run_until_quiet(self, hours: float = 12) -> list[dict[str, Any]]:
        """Run whenever the last run said, for so long; gives what every run told."""
        ends, told = self.clock.moment + timedelta(hours=hours), []
        while self.clock.moment < ends:
            told.append(self.run_due(fail=False))
            following = told[-1]["next_due_at"]
            if following is None or following > to_text(ends):
                break
            self.clock.moment = max(from_text(following), self.clock.moment + timedelta(seconds=1))
            assert len(told) < 200, told[-1]
        return told

    # -- looking and moving ----------------------------------------------------------------------------------------

    def advance(self, **delta: float) -> None:
        """Let time pass."""
        self.clock.moment += timedelta(**delta)
        self.cps.settle()

    def certificate(self, name: str = "www.example.com") -> Certificate:
        """Read a certificate."""
        with self.store.read() as unit:
            found = unit.certificates.get(name)
        assert found is not None
        return found

    def requests(self, name: str = "www.example.com") -> list[CertRequest]:
        """Read the requests of a certificate, the oldest first."""
        with self.store.read() as unit:
            found = unit.requests.find(certificate_id=name)
        return sorted(found, key=lambda request: request.created_at or START)

    def orders(self, name: str = "www.example.com") -> list[WorkOrder]:
        """Read the work orders of a certificate, the oldest first."""
        with self.store.read() as unit:
            found = unit.work_orders.find(certificate_id=name)
        return sorted(found, key=lambda order: order.created_at or START)

    def audited(self) -> int:
        """Count the audit's lines."""
        return int(self.store.describe()["records"]["audit"])
