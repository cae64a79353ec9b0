# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A bench for use cases: a real store, the real parts towards a running sandbox, the own CA, a clock that tests move.

Knows the core and no Ansible.
"""

from __future__ import annotations

import configparser
import itertools
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

from edgecert_sandbox.handle import Handle

from ansible_collections.edgecert.clm.plugins.module_utils._ca.answer_base import Answer, Found, NotThere, Pending
from ansible_collections.edgecert.clm.plugins.module_utils._ca.base import (
    CaConnector,
    Check,
    Choice,
    Order,
    RenewalHint,
)
from ansible_collections.edgecert.clm.plugins.module_utils._ca.capability_base import Capabilities
from ansible_collections.edgecert.clm.plugins.module_utils._clm import (
    ca_accounts,
    connectors,
    devices,
    enroll,
    lifecycle,
    push,
    queries,
    settings,
    workflow,
)
from ansible_collections.edgecert.clm.plugins.module_utils._clm.ports import Ports
from ansible_collections.edgecert.clm.plugins.module_utils._core.clock import from_text
from ansible_collections.edgecert.clm.plugins.module_utils._core.governance import Group
from ansible_collections.edgecert.clm.plugins.module_utils._core.plan import Outcome, Plan
from ansible_collections.edgecert.clm.plugins.module_utils._core.types import CaAccount
from ansible_collections.edgecert.clm.plugins.module_utils._glue.wire_ca import ca_maker, ca_type_maker
from ansible_collections.edgecert.clm.plugins.module_utils._glue.wire_scripts import scripts_maker
from ansible_collections.edgecert.clm.plugins.module_utils._glue.wire_target import (
    key_provider_maker,
    probe_maker,
    target_maker,
)
from ansible_collections.edgecert.clm.plugins.module_utils._store.open import open_store
from ansible_collections.edgecert.clm.plugins.module_utils._store.seal import StoreKey
from ansible_collections.edgecert.clm.plugins.module_utils._store.store import SqlStore

ENROLLMENTS = r"/enrollments\?"
ENGINE = {
    "pre_verification_s": 1,
    "csr_s": 3,
    "second_csr_s": 0,
    "verify_s": 2,
    "staging_s": 5,
    "production_s": 5,
    "lag_s": 1,
    "empty_input_s": 1,
    "create_interval_s": 0,
    "deprovision_s": 3,
    "pre_verification_warnings": [],
    "post_verification_warnings": [],
    "deprovision_warnings": [],
    "deprovision_stops": False,
    "traffic_names": [],
    "inaccessible_contracts": [],
    "contracts_without_cps": [],
    "child_contracts": [],
    "parents_list_children": False,
    "unknown_versions": [],
    "hidden_enrollments": [],
    "broken_enrollments": [],
    "active_certificates_available": True,
    "active_certificates_refused": [],
    "max_san_names": 100,
    "max_wildcard_names": 100,
    "strange_words": False,
    "network_change_wants_certificate": False,
    "cancel_keeps_document": False,
}
ORGANIZATION = {
    "name": "Example GmbH",
    "address": "Weg 1",
    "country": "DE",
    "city": "Berlin",
    "state": "Berlin",
    "postal_code": "10115",
    "phone": "+49 30 1234567",
}
CONTACT = {"first_name": "Ada", "last_name": "Example", "phone": "+49 30 1234567", "email": "ada@example.com"}
TECH_CONTACT = {**CONTACT, "email": "tech@akamai.com"}


class FlowClock:
    """The computer's clock and the sandbox's, moved together; sleeping moves them instead of waiting."""

    def __init__(self, sandbox: Handle) -> None:
        self._sandbox = sandbox
        self.ahead_s = 0.0
        self.slept: list[float] = []

    def now(self) -> datetime:
        """Give the moved time."""
        return datetime.now(timezone.utc) + timedelta(seconds=self.ahead_s)

    def sleep(self, seconds: float) -> None:
        """Move both clocks."""
        self.slept.append(seconds)
        self.ahead_s += seconds
        self._sandbox.advance(seconds)

    def monotonic(self) -> float:
        """Give moved seconds."""
        return time.monotonic() + self.ahead_s

    def catch_up(self) -> None:
        """Follow the sandbox, whose clock a test may have moved alone."""
        there = from_text(self._sandbox.advance(0)["now"])
        self.ahead_s = max(self.ahead_s, (there - datetime.now(timezone.utc)).total_seconds())


@dataclass
class Account:
    """A sandbox for the tests of one file; each test gets contracts that no other one has."""

    sandbox: Handle
    contracts: list[str]
    clock: FlowClock
    _next: Iterator[int] = field(default_factory=itertools.count)

    def take_contract(self) -> str:
        """Give a contract nobody used yet."""
        return self.contracts[next(self._next)]


@dataclass
class LeanAccount(Account):
    """One that has the contracts of the present test alone, so that its lists stay short in a long run."""

    _present: list[str] = field(default_factory=list)

    def end(self) -> None:
        """End a test; its contracts leave with those of the next one."""
        self._present.clear()

    def take_contract(self) -> str:
        """Give a contract nobody used yet, and let the account have it."""
        self._present.append(super().take_contract())
        self.sandbox.configure({"contracts": self._present})
        return self._present[-1]


def contract_names(count: int) -> list[str]:
    """Name so many contracts."""
    return [f"C-T{number:04d}" for number in range(count)]


def section(sandbox: Handle, name: str = "default") -> dict[str, str]:
    """Give the members of one section of the sandbox's credentials file."""
    parser = configparser.RawConfigParser()
    parser.read(sandbox.edgerc)
    return dict(parser.items(name))


def inline(sandbox: Handle, name: str = "default") -> dict[str, str]:
    """Give a device's inline credential options."""
    values = section(sandbox, name)
    return {key: values[key] for key in ("host", "client_token", "client_secret", "access_token")}


class Bench:
    """Everything a use case needs, and short ways to run each."""

    def __init__(
        self, account: Account, folder: Path, *, actor: str = "tester", url: str = "", key: StoreKey | None = None
    ) -> None:
        self.account, self.sandbox, self.clock = account, account.sandbox, account.clock
        self.contract = account.take_contract()
        self.url, self.key = url or f"sqlite:///{folder}/clm.db", key or StoreKey()
        self.store = self.open_store()
        self.environment: dict[str, str] = {"HOME": str(folder)}
        self.ports = self.make_ports(self.store, actor)

    def open_store(self, holder: str = "tester") -> SqlStore:
        """Open the bench's store once more."""
        return open_store(self.url, self.key, self.clock, holder, create=True)

    def make_ports(self, store: SqlStore, actor: str = "tester") -> Ports:
        """Wire the real parts."""
        clock, environment = self.clock, self.environment
        return Ports(
            store=store,
            clock=clock,
            actor=actor,
            target=target_maker(store, clock, environment),
            key_provider=key_provider_maker(store, clock, environment),
            ca=ca_maker(store, clock, environment),
            ca_type=ca_type_maker(store, clock, environment),
            probe=probe_maker,
            scripts=scripts_maker(store, clock, environment),
            environment=environment,
        )

    def use_ca(self, connector: CaConnector) -> None:
        """Let every CA account be this connector."""

        def connect(_account: CaAccount) -> CaConnector:
            return connector

        self.ports = replace(self.ports, ca=connect)

    def close(self) -> None:
        """Close the store."""
        self.store.close()

    # -- devices ---------------------------------------------------------------------------------------------------

    def device_params(self, **changes: Any) -> dict[str, Any]:
        """Give the options of a device as a module would: edgerc of the sandbox, this test's contract."""
        wanted: dict[str, Any] = {
            "name": "edge",
            "state": "present",
            "edgerc": self.sandbox.edgerc,
            "section": "default",
            "ca_path": self.sandbox.ca_path,
            "contracts": [self.contract],
            "validate": True,
            "discover": "changes",
        }
        return {**wanted, **changes}

    def plan_device(self, **changes: Any) -> Plan:
        """Plan the onboarding."""
        return devices.plan(self.device_params(**changes), self.ports)

    def device(self, **changes: Any) -> Outcome:
        """Onboard, or change."""
        return self.plan_device(**changes).execute()

    def again(self, **changes: Any) -> Plan:
        """Plan a call for the known device that names nothing but what is to change."""
        return devices.plan(
            {"name": "edge", "state": "present", "validate": True, "discover": "changes", **changes}, self.ports
        )

    # -- the rest --------------------------------------------------------------------------------------------------

    def settings_params(self, **changes: Any) -> dict[str, Any]:
        """Give whole vendor settings."""
        wanted = {
            "state": "present",
            "organization": dict(ORGANIZATION),
            "admin_contact": dict(CONTACT),
            "tech_contact": dict(TECH_CONTACT),
        }
        return {**wanted, **changes}

    def settings(self, **changes: Any) -> Outcome:
        """Save vendor settings."""
        return settings.plan(self.settings_params(**changes), self.ports).execute()

    def plan_ca(self, **changes: Any) -> Plan:
        """Plan a CA account."""
        wanted = {"name": "house", "state": "present", "type": "own_ca", "options": {"key_type": "ec"}}
        return ca_accounts.plan({**wanted, **changes}, self.ports)

    def ca(self, **changes: Any) -> Outcome:
        """Save a CA account."""
        return self.plan_ca(**changes).execute()

    def prepare(self, **device: Any) -> None:
        """Have a device, settings and a CA."""
        self.device(discover="none", **device)
        self.settings()
        self.ca()
        self.free()

    def free(self) -> None:
        """Let the default group ask for no approval, as tests that are not about approvals want it."""
        self.group(approvals={"push": 0})

    def group(self, name: str = "default", **changes: Any) -> None:
        """Store a group, or change it."""
        with self.store.write() as unit:
            stored = unit.groups.get(name)
            wanted = replace(stored or Group(name), **changes)
            unit.groups.put(wanted) if stored else unit.groups.add(wanted)

    def enroll_params(self, **changes: Any) -> dict[str, Any]:
        """Give the options of an enrolment; the name holds the contract, so that tests do not meet."""
        wanted: dict[str, Any] = {
            "common_name": self.name(),
            "ca": "house",
            "device": "edge",
            "wait": True,
            "wait_timeout": 900,
        }
        return {**wanted, **changes}

    def name(self, first: str = "www") -> str:
        """Give a host name of this test's own."""
        return f"{first}.{self.contract.lower()}.example.com"

    def plan_enroll(self, **changes: Any) -> Plan:
        """Plan an enrolment."""
        return enroll.plan(self.enroll_params(**changes), self.ports)

    def enroll(self, **changes: Any) -> Outcome:
        """Enrol, or go on."""
        return self.plan_enroll(**changes).execute()

    def enroll_action(self, action: str, certificate: str, **changes: Any) -> Outcome:
        """Do something else than enrolling with ``cert_enroll``."""
        return enroll.plan({"action": action, "certificate": certificate, **changes}, self.ports).execute()

    def connector(self, **changes: Any) -> Outcome:
        """Add the application connector."""
        wanted = {"certificate": self.name(), "name": "app", "state": "present", "devices": ["edge"]}
        return connectors.plan({**wanted, **changes}, self.ports).execute()

    def plan_push(self, **changes: Any) -> Plan:
        """Plan a push."""
        wanted = {"certificate": self.name(), "network": "staging", "wait": True, "wait_timeout": 900}
        return push.plan({**wanted, **changes}, self.ports)

    def push(self, **changes: Any) -> Outcome:
        """Push, or go on."""
        return self.plan_push(**changes).execute()

    def acting(self, actor: str) -> Ports:
        """Give the parts as somebody else uses them."""
        return replace(self.ports, actor=actor)

    def act(self, actor: str, action: str, **options: Any) -> Outcome:
        """Do something with a request or work order as a person does with ``cert_workflow``."""
        return workflow.plan({"action": action, **options}, self.acting(actor)).execute()

    def run_due(self, **options: Any) -> dict[str, Any]:
        """Do what is due."""
        return dict(lifecycle.plan(options, self.ports).execute().extra)

    def issued(self, **changes: Any) -> Outcome:
        """Have an issued certificate with a connector, from nothing."""
        self.prepare()
        outcome = self.enroll(**changes)
        self.connector()
        return outcome

    # -- looking ---------------------------------------------------------------------------------------------------

    def calls(self) -> list[tuple[str, str]]:
        """Give method and path of the API calls since the last time, and forget them."""
        return [(call["method"], call["path"]) for call in self.sandbox.calls(reset=True)]

    def enrollments(self) -> list[dict[str, Any]]:
        """Give this contract's enrollments as the sandbox lists them."""
        with self.store.read() as unit:
            device = unit.devices.find()[0]
        found = self.ports.target(replace(device, sync="managed")).discover([self.contract])
        return [vars(one) for one in found.found]

    def audit(self) -> list[str]:
        """Give the actions on record; the chain must hold."""
        assert self.store.verify_audit() == []
        with self.store.read() as unit:
            return [row.entry.action for row in unit.audit_rows()]

    def records(self) -> Mapping[str, int]:
        """Count the stored records by kind."""
        counts: dict[str, int] = dict(self.store.describe()["records"])
        return counts

    def renewals(self) -> int:
        """Count the requests that renew something."""
        with self.store.read() as unit:
            return sum(bool(request.renews) for request in unit.requests.find())

    def certificates(self, **filters: Any) -> list[dict[str, Any]]:
        """Ask ``cert_info`` for the list."""
        plan = queries.plan_certificates({"view": "list", **filters}, self.ports)
        return list(plan.extra["certificates"])

    def advance(self, seconds: float) -> None:
        """Let time pass."""
        self.clock.sleep(seconds)


class StubCa(CaConnector):
    """A CA that answers as a test wants.

    :ivar hint: when it would like its certificates to be renewed.
    """

    def __init__(self, make: Callable[[str], Answer], *, immediate: bool = True) -> None:
        self._make, self._immediate = make, immediate
        self.submitted: list[str] = []
        self.hint: RenewalHint | None = None

    def capabilities(self) -> Capabilities:
        """Promise nothing special."""
        return Capabilities(is_public=False, is_immediate=self._immediate)

    def test(self) -> Sequence[Check]:
        """Check nothing."""
        return ()

    def choices(self, kind: str) -> Sequence[Choice]:
        """Offer nothing."""
        return ()

    def validate(self, order: Order) -> Sequence[str]:
        """Take everything."""
        return ()

    def submit(self, order: Order, csr_pem: str) -> Answer:
        """Answer at once, or later."""
        self.submitted.append(order.intent_id)
        return Pending({"csr": csr_pem}, "a person signs", 60.0) if not self._immediate else self._make(csr_pem)

    def find(self, order: Order, csr_pem: str) -> Found:
        """Remember nothing, and mind nothing."""
        return NotThere("a stub keeps no orders")

    def collect(self, handle: Mapping[str, Any]) -> Answer:
        """Answer now."""
        return self._make(str(handle["csr"]))

    def renewal_hint(self, bundle_leaf_pem: str) -> RenewalHint | None:
        """Ask for what the test wants."""
        return self.hint
