# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Lives of certificates on stores copied from a prepared one, for runs that are killed and runs that meet."""

from __future__ import annotations

import base64
import contextlib
import itertools
import shutil
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from edgecert_sandbox.handle import SandboxOptions, start

from ansible_collections.edgecert.clm.plugins.module_utils._ca.base import CaConnector
from ansible_collections.edgecert.clm.plugins.module_utils._core.redact import Secret
from ansible_collections.edgecert.clm.plugins.module_utils._core.types import CaAccount
from ansible_collections.edgecert.clm.plugins.module_utils._cps import changes
from ansible_collections.edgecert.clm.plugins.module_utils._glue.wire_target import client_of
from ansible_collections.edgecert.clm.plugins.module_utils._store.seal import StoreKey
from ansible_collections.edgecert.clm.tests.support.children import Ended, SharedClock, in_children
from ansible_collections.edgecert.clm.tests.support.crash import Points, WatchedCa, WatchedScripts, watch
from ansible_collections.edgecert.clm.tests.support.flow import ENGINE, Account, Bench, contract_names
from ansible_collections.edgecert.clm.tests.support.postgres import Cluster
from ansible_collections.edgecert.clm.tests.support.stores import StorePlace

# Nothing at CPS takes time, so that time passes only where a run itself waits.
PACE = ("pre_verification_s", "csr_s", "verify_s", "staging_s", "production_s", "lag_s", "empty_input_s")
INSTANT = {**ENGINE, **dict.fromkeys(PACE, 0.0)}

# As ``clm_store`` would make one: a passphrase would be stretched, at some cost, at each opening.
_KEY = StoreKey(Secret(base64.b64encode(bytes(range(32))).decode()))


# A lease of a killed run holds for seven minutes, and for the time limit of a script beyond that.
PAST_LEASES_S = 730.0
_INPUTS = {
    "third-party-cert-and-trust-chain": "upload",
    "pre-verification-warnings-ack": "pre-ack",
    "post-verification-warnings-ack": "post-ack",
    "change-management-ack": "to production",
}


class Life(Bench):
    """A bench on a store that is opened for a block of work only, so that a child may be forked between two.

    :ivar ca_log: what the CA was asked to sign; ``script_log`` the scripts that ran.
    """

    def __init__(self, account: Account, folder: Path, url: str = "") -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.ca_log, self.script_log = folder / "ca.log", folder / "scripts.log"
        super().__init__(account, folder, url=url or f"sqlite:///{folder}/clm.db", key=_KEY)
        self.environment["EDGECERT_SCRIPT_LIBRARY"] = str(folder)
        self.close()

    @contextlib.contextmanager
    def opened(self, holder: str = "tester", points: Points | None = None) -> Iterator[None]:
        """Open the store for a block, as one process does."""
        with contextlib.closing(self.open_store(holder)) as self.store:
            ports, seen = self.make_ports(self.store, holder), points or Points()

            def ca(account: CaAccount) -> CaConnector:
                return WatchedCa(ports.ca(account), self.ca_log, seen)

            self.ports = replace(ports, ca=ca, scripts=lambda: WatchedScripts(ports.scripts(), seen))
            yield

    def write_scripts(self) -> None:
        """Put a script for before and one for after a push into the library; each leaves a line when it runs."""
        for stage in ("pre", "post"):
            path = self.script_log.with_name(f"{stage}.sh")
            path.write_text(f'#!/bin/sh\necho "$CLM_STAGE $CLM_WORK_ORDER_ID" >>"{self.script_log}"\n', "ascii")
            path.chmod(0o700)

    def ordered(self) -> tuple[set[str], set[str]]:
        """Give the intents under which the CA was asked, and the serials it gave."""
        lines = [line.split() for line in self.ca_log.read_text("ascii").splitlines()]
        return {intent for intent, _serial in lines}, {serial for _intent, serial in lines} - {"pending"}

    def leases(self) -> list[str]:
        """Name the leases that are in the store."""
        return [str(row[0]) for row in StorePlace(self.url).execute("SELECT name FROM leases ORDER BY name")]

    def accepted(self) -> Counter[str]:
        """Count the writes CPS accepted since the last look, by what they are."""
        calls = self.sandbox.calls(reset=True)
        written = [call for call in calls if call["status"] < 300 and call["method"] != "GET"]
        words = [call["path"].partition("?")[0].rpartition("/")[2] for call in written]
        return Counter(
            f"{call['method']} {_INPUTS.get(word, 'enrollment')}" for call, word in zip(written, words, strict=True)
        )

    def to_production(self) -> None:
        """Approve at Control Center, as a person does, whatever is on staging."""
        with self.store.read() as unit:
            [device], requests = unit.devices.find(), unit.requests.find(state="issued")
        client = client_of(device, self.store, self.clock, self.environment)
        for request in requests:
            enrollment_id, change_id = (int(request.key_reference[k]) for k in ("enrollment_id", "change_id"))
            shown = client.get_change_management_info(enrollment_id, change_id)
            client.acknowledge(changes.CHANGE_MANAGEMENT, enrollment_id, change_id, hash_text=shown.hash)

    def check_traces(self) -> Counter[str]:
        """Hold what is left of runs: nothing open, nothing held, an audit without a gap; count its actions."""
        self.advance(PAST_LEASES_S)
        self.run_due(only=["leases"])
        assert self.leases() == []
        with self.store.read() as unit:
            assert unit.intents.find(finished_at=None) == []
            rows = list(unit.audit_rows())
        assert self.store.verify_audit() == []
        assert [row.sequence for row in rows] == list(range(1, len(rows) + 1))
        return Counter(row.entry.action for row in rows)

    def until_killed(self, work: Callable[[Life], None], fatal: int) -> Ended:
        """Do the work in a child that dies at that place; with 0 it comes by all of them.

        :returns: its value is the list of places it came by, where it was not killed.
        """

        def run() -> list[str]:
            points = Points(fatal)
            watch(points)
            with self.opened(points=points):
                work(self)
            return points.names

        return in_children([run])[0]


@contextlib.contextmanager
def instant_account(contracts: int = 300, **engine: Any) -> Iterator[Account]:
    """Start a sandbox where nothing takes time, for processes that share its clock."""
    names = contract_names(contracts)
    with start(SandboxOptions(limits=False, instant=True, contracts=names)) as sandbox:
        sandbox.configure({**INSTANT, **engine})
        yield Account(sandbox, names, SharedClock(sandbox))


@dataclass
class Stores:
    """Where lives begin: each with a copy of a prepared store and a contract of its own.

    :ivar cluster: None for SQLite files.
    """

    account: Account
    folder: Path
    cluster: Cluster | None = None
    _urls: list[str] = field(default_factory=list)
    _numbers: Iterator[int] = field(default_factory=itertools.count)

    @property
    def contracts(self) -> list[str]:
        """Name the contracts of the prepared device."""
        return self.account.contracts

    def prepare(self, *, delay_s: int = 0, **group: Any) -> None:
        """Have a store with a device, settings, a CA and a policy.

        :param delay_s: seconds the CA takes for an order.
        """
        self._urls = [self.cluster.new_database()] if self.cluster else []
        life = Life(self.account, self.folder / "prepared", *self._urls)
        with life.opened():
            life.device(discover="none", contracts=self.contracts)
            life.settings()
            life.ca(options={"key_type": "ec", "delay_s": delay_s})
            life.group(**group)

    def begin(self) -> Life:
        """Begin a life."""
        folder = self.folder / str(next(self._numbers))
        folder.mkdir()
        if self.cluster:
            self._urls.append(self.cluster.new_database(self._urls[0]))
            return self._made(folder, self._urls[-1])
        shutil.copy(self.folder / "prepared" / "clm.db", folder / "clm.db")
        return self._made(folder)

    def _made(self, folder: Path, *url: str) -> Life:
        return Life(self.account, folder, *url)

    def drop(self) -> None:
        """Remove the databases."""
        for url in self._urls:
            if self.cluster:
                self.cluster.drop(url)
