# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What happens elsewhere while a run waits: a clock that lets somebody act in a pause, and acts of somebody at CPS.

Knows the bench and no test.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, Protocol

import pytest

from ansible_collections.edgecert.clm.plugins.module_utils._ca.answer_base import Answer, Issued
from ansible_collections.edgecert.clm.plugins.module_utils._clm.ports import Ports
from ansible_collections.edgecert.clm.plugins.module_utils._core.clock import Clock
from ansible_collections.edgecert.clm.plugins.module_utils._core.types import Bundle
from ansible_collections.edgecert.clm.plugins.module_utils._cps.changes import InputKind, Schedule
from ansible_collections.edgecert.clm.plugins.module_utils._cps.client import CpsClient
from ansible_collections.edgecert.clm.plugins.module_utils._cps.enrollment_wire import enrollment_update
from ansible_collections.edgecert.clm.plugins.module_utils._glue.wire_target import client_of
from ansible_collections.edgecert.clm.tests.support.flow import Bench
from ansible_collections.edgecert.clm.tests.support.sandbox_client import ApiClient, enrollment
from ansible_collections.edgecert.clm.tests.support.sandbox_world import LabAuthority, pem

WARNING = "A warning nobody has seen before."
ALLOWED = {"allow": ["re:nobody has seen before"], "ask": [], "block": []}


class Meanwhile:
    """The bench's clock; each pause of a run is told with its number, from 1, after the time has passed."""

    def __init__(self, clock: Clock, act: Callable[[int], None]) -> None:
        self._clock, self._act = clock, act
        self.pauses = 0

    def now(self) -> datetime:
        """Give the time."""
        return self._clock.now()

    def monotonic(self) -> float:
        """Give the seconds."""
        return self._clock.monotonic()

    def sleep(self, seconds: float) -> None:
        """Let time pass, then let somebody act."""
        self._clock.sleep(seconds)
        self.pauses += 1
        self._act(self.pauses)


def interrupted(ports: Ports, act: Callable[[int], None]) -> Ports:
    """Give ports whose pauses somebody uses."""
    return replace(ports, clock=Meanwhile(ports.clock, act))


def set_monitored(bench: Bench) -> None:
    """Take the device from those that may be acted on."""
    bench.again(cert_sync="monitored", discover="none", validate=False).execute()


def cancel_change(bench: Bench, reference: Any) -> None:
    """Cancel a change as a person at CPS would."""
    with bench.store.read() as unit:
        [device] = unit.devices.find()
    client = client_of(device, bench.store, bench.clock, bench.environment)
    client.cancel_change(reference["enrollment_id"], reference["change_id"])


def acks(bench: Bench) -> int:
    """Count the acknowledgements CPS was sent since the last look."""
    return sum(method == "POST" and path.endswith("-ack") for method, path in bench.calls())


def open_intents(bench: Bench) -> list[str]:
    """Name the kinds of the intents that are open."""
    with bench.store.read() as unit:
        return [intent.kind for intent in unit.intents.find(finished_at=None)]


def creates(bench: Bench) -> int:
    """Count the creates CPS was sent since the last look."""
    return sum(method == "POST" and path.startswith("/cps/v2/enrollments?") for method, path in bench.calls())


def issued(outcome: Any) -> Any:
    """Give the record, which must be issued."""
    assert outcome.record is not None and outcome.record["state"] == "issued", outcome.record
    return outcome.record


class Clocked(Protocol):
    """Has the clock of a test."""

    @property
    def clock(self) -> Clock:
        """Give it."""


def signing(bench: Clocked, names: Sequence[str] | None = None) -> Callable[[str], Answer]:
    """Give a CA's hand; it signs the CSR's names, or others. What signs is no older than what it signs."""

    def sign(csr_pem: str) -> Answer:
        authority = LabAuthority(bench.clock.now())
        leaf = authority.sign(csr_pem, start=bench.clock.now() - timedelta(minutes=1), names=names)
        return Issued(Bundle(leaf, (pem(authority.issuing),), pem(authority.root)), {"order": 1})

    return sign


def park_too_soon(bench: Bench) -> Any:
    """Have a request that waits for its create, after somebody else's on the same contract."""
    path = f"/cps/v2/enrollments?contractId={bench.contract}"
    body = enrollment(bench.name("theirs"))
    answer = ApiClient(bench.sandbox).call("POST", path, "enrollment-status.v1", body, "enrollment.v11")
    assert answer.status_code == 202, answer.text
    bench.sandbox.configure({"create_interval_s": 300})
    record = bench.enroll(wait=False).record
    assert record is not None and record["reason"] == "create_too_soon"
    return record


def writes(bench: Bench) -> Counter[str]:
    """Count what CPS was asked to do since the last look, by what it is; a probe for the right to write is nothing."""
    sent = [(method, path.partition("?")[0]) for method, path in bench.calls() if method != "GET"]
    sent = [(method, path) for method, path in sent if "/0/changes/0/" not in path]
    return Counter(f"{method} {_noun(path)}" for method, path in sent)


def _noun(path: str) -> str:
    *_before, parent, last = path.split("/")
    return (parent if last.isdigit() else last).removesuffix("s") if "update" not in path else last


class Elsewhere:
    """Somebody at Control Center, or another tool, with the enrollment of the bench's one certificate.

    :ivar change_id: the change of its newest request.
    """

    def __init__(self, bench: Bench) -> None:
        self._bench = bench
        with bench.store.read() as unit:
            [device] = unit.devices.find()
            *_earlier, self._request = unit.requests.find()
        self.client = client_of(device, bench.store, bench.clock, bench.environment)
        self.target = bench.make_ports(bench.store).target(device)
        self.enrollment_id = int(self._request.key_reference["enrollment_id"])
        self.change_id = int(self._request.key_reference["change_id"])

    def acknowledge(self, kind: InputKind) -> None:
        """Acknowledge, whatever it is about."""
        self.client.acknowledge(kind, self.enrollment_id, self.change_id)

    def cancel(self) -> None:
        """Cancel the change."""
        self.client.cancel_change(self.enrollment_id, self.change_id)

    def schedule(self, not_before: datetime | None) -> None:
        """Set the date."""
        self.client.set_schedule(self.enrollment_id, self.change_id, Schedule(not_before))

    def upload(self) -> None:
        """Have the same CSRs signed by another CA, and upload that."""
        sign = signing(self._bench)
        bundles = {}
        for algorithm, csr in self._request.csrs.items():
            answer = sign(csr)
            assert isinstance(answer, Issued)
            bundles[algorithm] = answer.bundle
        reference = {"enrollment_id": self.enrollment_id, "change_id": self.change_id}
        self.target.upload(reference, bundles, with_root=False)

    def put(self, *, edit: Callable[[Any], None] = lambda _body: None, **flags: Any) -> int:
        """Send the enrollment back, edited; give the change that this opened."""
        body = enrollment_update(self.client.get_enrollment(self.enrollment_id).raw)
        edit(body)
        return self.client.update_enrollment(self.enrollment_id, body, **flags).change_ids[-1]

    def open_changes(self) -> list[int]:
        """Give the changes that are open."""
        return [change.change_id for change in self.client.get_enrollment(self.enrollment_id).pending_changes]


def just_before(monkeypatch: pytest.MonkeyPatch, bench: Bench, kind: InputKind) -> list[str]:
    """Let a person give an input of that kind directly before a run does; gives what was given, once it was."""
    plain, met = CpsClient.acknowledge, list[str]()

    def acknowledge(client: CpsClient, wanted: InputKind, *ids: int, **more: Any) -> int:
        if wanted is kind and not met:
            met.append(kind.update)
            plain(client, wanted, *ids, **more)
            bench.advance(5)
        return plain(client, wanted, *ids, **more)

    monkeypatch.setattr(CpsClient, "acknowledge", acknowledge)
    return met
