# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A year of an operator who lets ``cert_lifecycle`` do everything: schedules, troubles, what has to hold at the end.

Every run is one of its own, as a job is: it opens the store, runs, and is gone; some are killed on the way. All
trouble is drawn from one seed; ids and keys are new each time, so that the same seed meets it in another order.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from ansible_collections.edgecert.clm.plugins.module_utils._ca.answer_base import Answer, Found, Rejected
from ansible_collections.edgecert.clm.plugins.module_utils._ca.base import CaConnector, Check, Choice, Order
from ansible_collections.edgecert.clm.plugins.module_utils._ca.capability_base import Capabilities
from ansible_collections.edgecert.clm.plugins.module_utils._clm import devices, lifecycle, states
from ansible_collections.edgecert.clm.plugins.module_utils._core.clock import from_text
from ansible_collections.edgecert.clm.plugins.module_utils._core.errors import StoreError, TransportError
from ansible_collections.edgecert.clm.plugins.module_utils._core.types import AuditRow, Certificate, CertRequest
from ansible_collections.edgecert.clm.plugins.module_utils._store.store import SqlStore
from ansible_collections.edgecert.clm.tests.support.virtual_bench import DAYS, VirtualBench

FROZEN: Mapping[str, Any] = {"time_zone": "Europe/Berlin", "kinds": ["enroll", "push"]}
WEEKEND = (
    {"name": "weekend", "weekdays": ["fri"], "from": "18:00", "until": "00:00", **FROZEN},
    {"name": "rest", "weekdays": ["sat", "sun"], "from": "00:00", "until": "00:00", **FROZEN},
)
# How certificates of the year are renewed: by the share of their life, by days, and with a new key.
SETTINGS: Sequence[Mapping[str, Any]] = (
    {"auto_renew": {"enabled": True}},
    {"auto_renew": {"enabled": True, "days_before": 20}},
    {"auto_renew": {"enabled": True}},
    {"auto_regenerate": {"enabled": True, "days_before": 18}},
    {"auto_renew": {"enabled": True, "days_before": 16}},
)
LONGEST: Mapping[str, Any] = {"auto_renew": {"enabled": True, "days_before": DAYS - 1}}


@dataclass(frozen=True)
class Troubles:
    """How often something goes wrong.

    :ivar outages: times in a year that CPS is down for two days.
    :ivar ca_refuses, ca_fails: share of the orders that the CA refuses, or does not answer.
    :ivar lost: share of the writes to CPS whose reply is lost.
    :ivar killed, twice: share of the runs that are killed, or meet a second one.
    :ivar absent: share of the changes that nobody acknowledges, so that CPS goes on by itself.
    """

    outages: int = 8
    ca_refuses: float = 0.04
    ca_fails: float = 0.04
    lost: float = 0.03
    killed: float = 0.08
    twice: float = 0.08
    absent: float = 0.1


class Killed(BaseException):
    """A run is gone, as after kill -9."""


class MoodyCa(CaConnector):
    """The own CA on its bad days; one order is signed for one CSR only.

    :ivar signed: the CSRs it signed, by the intent's id.
    """

    def __init__(self, own: CaConnector, year: Year) -> None:
        self._own, self._year = own, year

    def capabilities(self) -> Capabilities:
        """As the own CA."""
        return self._own.capabilities()

    def test(self) -> Sequence[Check]:
        """As the own CA."""
        return self._own.test()

    def choices(self, kind: str) -> Sequence[Choice]:
        """As the own CA."""
        return self._own.choices(kind)

    def validate(self, order: Order) -> Sequence[str]:
        """As the own CA."""
        return self._own.validate(order)

    def submit(self, order: Order, csr_pem: str) -> Answer:
        """Sign, refuse, or be away."""
        year = self._year
        year.bench.cps.calls["order_certificate"] += 1
        drawn = year.luck.random()
        # What it has signed it does not refuse later.
        if drawn < year.troubles.ca_refuses and order.intent_id not in year.signed.get(csr_pem, ()):
            return Rejected("the auditor is in the house")
        answer = self._own.submit(order, csr_pem)
        assert not isinstance(answer, Rejected), answer
        year.signed.setdefault(csr_pem, set()).add(order.intent_id)
        if drawn < year.troubles.ca_refuses + year.troubles.ca_fails:
            raise TransportError("Cannot order a certificate: the CA does not answer", kind="timeout", sent=True)
        return answer

    def find(self, order: Order, csr_pem: str) -> Found:
        """As the own CA."""
        return self._own.find(order, csr_pem)

    def collect(self, handle: Mapping[str, Any]) -> Answer:
        """As the own CA."""
        return self._own.collect(handle)


class Year:
    """A fleet of certificates, and the operator who looks after it.

    :param step: the schedule calls when something is due, no more often than this, and daily when nothing is.
    """

    def __init__(
        self,
        bench: VirtualBench,
        *,
        certificates: int,
        troubles: Troubles,
        seed: int = 2030,
        step: timedelta,
    ) -> None:
        self.bench, self.troubles, self.step = bench, troubles, step
        self.luck = random.Random(seed)
        self.signed: dict[str, set[str]] = {}
        self.counts: Counter[str] = Counter()
        self.failed: Counter[str] = Counter()
        self.errors: list[str] = []
        self.names = [f"host-{number:03d}.example.com" for number in range(certificates)]
        self._absent: dict[int, bool] = {}
        self._down: list[tuple[datetime, datetime]] = []
        bench.cps.lose = lambda _name: self.luck.random() < self.troubles.lost

    # -- the fleet -------------------------------------------------------------------------------------------------

    def enroll(self, over: timedelta, batch: int = 20) -> None:
        """Enrol the certificates, some each time over so long, and bring them to production; no trouble yet."""
        bench, lose = self.bench, self.bench.cps.lose
        bench.cps.lose = lambda _name: False
        bench.prepare(push_automatically=True)
        batches = [self.names[first : first + batch] for first in range(0, len(self.names), batch)]
        for number, name in enumerate(self.names):
            generic = {"tracking_id": f"CHG-{number:05d}"}
            # A few ask for more than their life, which is as early as can be.
            setting = LONGEST if number % 20 == 19 else SETTINGS[number % len(SETTINGS)]
            bench.enroll(name, generic=generic, **setting)
            bench.connector(name, push_automatically=True)
            bench.push(name, wait=False)
            if name != self.names[min(number // batch * batch + batch, len(self.names)) - 1]:
                continue
            bench.advance(hours=1)
            for pushed in batches[number // batch]:
                bench.push(pushed, wait=False)
            bench.to_production()
            bench.advance(seconds=over.total_seconds() / len(batches) - 4 * 3600.0)
        bench.cps.lose = lose
        bench.group(freeze_windows=WEEKEND)
        bench.wrap_ca = lambda own: MoodyCa(own, self)

    # -- the operator ----------------------------------------------------------------------------------------------

    def live(self, length: timedelta) -> None:
        """Live so long."""
        bench, begin = self.bench, self.bench.clock.moment
        share = length / max(1, self.troubles.outages)
        self._down = [
            (at, at + timedelta(days=2))
            for number in range(self.troubles.outages)
            for at in [begin + number * share + self.luck.random() * (share - timedelta(days=3))]
        ]
        discovered = begin
        bench.close()
        while bench.clock.moment < begin + length:
            now = bench.clock.moment
            bench.cps.is_down = any(first <= now < last for first, last in self._down)
            bench.cps.settle()
            self._acknowledge(now)
            if now - discovered >= timedelta(days=7) and not bench.cps.is_down:
                self._discover()
                discovered = now
            told = self._run()
            self._wait(told, now)
        bench.clock.at_tick = bench.cps.at_call = None
        bench.cps.is_down = False
        bench.cps.settle()
        bench.store = bench.open_store()
        bench.ports = bench.make_ports(bench.store)

    def _wait(self, told: str | None, now: datetime) -> None:
        """Let time pass as a schedule does: until something is due, a step at least, a day at most."""
        following = from_text(told) + timedelta(seconds=1) if told else now
        self.bench.clock.moment = min(max(following, now + self.step), now + timedelta(days=1))

    def _acknowledge(self, now: datetime) -> None:
        """Let a day-old change go to production, unless nobody minds it."""
        for enrollment in self.bench.cps.enrollments.values():
            change = enrollment.change
            if change is None or change.phase != "on_staging" or now - change.since < timedelta(days=1):
                continue
            if self._absent.setdefault(change.change_id, self.luck.random() < self.troubles.absent):
                continue
            self.bench.cps.acknowledge_production(enrollment)

    def _discover(self) -> None:
        store = self.bench.open_store("discovery")
        try:
            params = {"name": "edge", "state": "present", "validate": False, "discover": "changes"}
            devices.plan(params, self.bench.make_ports(store)).execute()
        finally:
            store.close()

    def _run(self) -> str | None:
        """Run once, perhaps not to the end, perhaps beside another one; gives when the next thing is due."""
        bench, luck = self.bench, self.luck
        store, fate = bench.open_store("operator"), luck.random()
        bench.clock.at_tick = bench.cps.at_call = None
        if fate < self.troubles.killed:
            bench.clock.at_tick = self._fuse(store, luck.randrange(1, 60))
        elif fate < self.troubles.killed + self.troubles.twice:
            self._meet(store, luck.randrange(5))
        try:
            return self._told(store)
        except (Killed, StoreError):
            # A killed process gives nothing back: its connection is gone, its lease stays.
            if bench.clock.at_tick is None:
                raise
            self.counts["killed"] += 1
            return None
        finally:
            bench.clock.at_tick = bench.cps.at_call = None
            store.close()

    def _told(self, store: SqlStore) -> str | None:
        self.counts["runs"] += 1
        extra = lifecycle.plan({"fail": False}, self.bench.make_ports(store)).execute().extra
        self.failed.update(entry["reason"] for entry in extra["failures"])
        self.errors += [f"{entry['reason']}: {entry['message']}" for entry in extra["failures"]]
        return str(extra["next_due_at"]) if extra["next_due_at"] else None

    def _fuse(self, store: SqlStore, ticks: int) -> Any:
        left = iter(range(ticks))

        def burn() -> None:
            if next(left, None) is None:
                store.close()
                raise Killed

        return burn

    def _meet(self, store: SqlStore, calls: int) -> None:
        """Let a whole other run happen in the middle of this one, at one of its calls."""
        left = iter(range(calls))

        def meet(name: str) -> None:
            assert not store._database.in_unit, f"{name} is called inside a unit of work"
            if next(left, None) is None:
                self.bench.cps.at_call = None
                other = self.bench.open_store("other operator")
                try:
                    self.counts["met"] += 1
                    self._told(other)
                finally:
                    other.close()

        self.bench.cps.at_call = meet

    # -- what has to hold ------------------------------------------------------------------------------------------

    def problems(self) -> list[str]:
        """Say everything that must not have happened."""
        found = [*self.bench.cps.expired, *self.bench.cps.refused, *self.bench.store.verify_audit()]
        found += [error for error in self.errors if not error.startswith("ca_rejected: ")]
        found += [f"{len(ids)} orders were signed for one CSR" for ids in self.signed.values() if len(ids) > 1]
        with self.bench.store.read() as unit:
            requests, orders = unit.requests.find(), unit.work_orders.find()
            certificates = {one.certificate_id: one for one in unit.certificates.find()}
            rows = list(unit.audit_rows())
        found += [*_renewed_twice(requests), *_too_early(requests, certificates)]
        for number, name in enumerate(self.names):
            issued = [r for r in requests if r.certificate_id == name and r.state == "issued"]
            found += _lineage_problems(certificates, name, issued)
            found += _tracking_problems(rows, name, f"CHG-{number:05d}", [*requests, *orders])
        return found + _audit_problems(rows, [*requests, *orders])

    def renewals(self) -> int:
        """Count the certificates that were issued by themselves."""
        with self.bench.store.read() as unit:
            return sum(r.state == "issued" and bool(r.renews.get("automatic")) for r in unit.requests.find())


def _renewed_twice(requests: Sequence[CertRequest]) -> list[str]:
    """Say which certificates have more than one successor."""
    parents = Counter(r.renews["request_id"] for r in requests if r.renews and r.state == "issued")
    return [f"{parent} was renewed {times} times" for parent, times in parents.items() if times > 1]


def _too_early(requests: Sequence[CertRequest], certificates: Mapping[str, Certificate]) -> list[str]:
    """Say which certificates were followed before a third of their life had passed."""
    by_request = {one.request_id: one for one in certificates.values()}
    found = []
    for request in requests:
        parent = by_request.get(str(request.renews.get("request_id")))
        if parent is None or parent.not_before is None or parent.not_after is None or request.created_at is None:
            continue
        if request.created_at < parent.not_before + (parent.not_after - parent.not_before) / 3:
            found.append(f"{request.request_id} renews {request.certificate_id} before a third of its life has passed")
    return found


def _lineage_problems(certificates: Mapping[str, Certificate], name: str, issued: Sequence[CertRequest]) -> list[str]:
    """Follow a certificate back to the first one: every one that was issued stands there, linked both ways."""
    one, line = certificates[name], [certificates[name].fingerprint]
    while one.parent:
        parent = certificates.get(one.parent)
        if parent is None or parent.successor != one.certificate_id:
            return [f"{one.certificate_id} follows {one.parent}, which does not lead to it"]
        if parent.auto_renew or parent.auto_regenerate or parent.state != "superseded":
            return [f"{parent.certificate_id} is {parent.state} and still renews by itself"]
        one = parent
        line.append(one.fingerprint)
    wanted = sorted(fingerprint for request in issued for fingerprint in request.fingerprints.values())
    return [] if sorted(line) == wanted else [f"{name} has {len(line)} in its line, {len(wanted)} were issued"]


def _tracking_problems(rows: Sequence[AuditRow], name: str, wanted: str, records: Sequence[Any]) -> list[str]:
    """Say which lines about a certificate do not bear its tracking id."""
    ids = {name, *(_id_of(record) for record in records if record.certificate_id == name)}
    about = [row for row in rows if row.entry.key in ids and row.entry.noun in ("request", "work_order", "certificate")]
    without = [row for row in about if row.entry.tracking_id != wanted and row.entry.action not in _BEFORE]
    return [f"audit line {row.sequence} ({row.entry.action} of {name}) does not bear {wanted}" for row in without]


# What was done when the fleet was set up says nothing of a change.
_BEFORE = ("connector_added",)


def _id_of(record: Any) -> str:
    return str(record.request_id if isinstance(record, CertRequest) else record.work_order_id)


def _audit_problems(rows: Sequence[AuditRow], records: Sequence[Any]) -> list[str]:
    """Hold every record's states against its audit lines: one line for each, in the order of the table."""
    lines: dict[str, list[AuditRow]] = {}
    for row in rows:
        lines.setdefault(row.entry.key, []).append(row)
    found = []
    for record in records:
        machine = states.REQUEST if isinstance(record, CertRequest) else states.WORK_ORDER
        about, key = lines.get(_id_of(record), []), _id_of(record)
        seen = [str((row.entry.after or {}).get("state", "")) for row in about if row.entry.before is not None]
        first = (about[0].entry.after or {})["state"] if about else ""
        moved = [first, *(after for before, after in zip([first, *seen], seen, strict=False) if after != before)]
        gone = [f"{a} to {b}" for a, b in zip(moved, moved[1:], strict=False) if b not in machine[a]]
        # What was submitted and needed nobody is stored with its first steps done.
        kept = [step["type"] for step in record.conditions if step["type"] in machine]
        if gone or kept[-len(moved) :] != moved or moved[-1] != record.state:
            found.append(f"{key}: the audit has {moved}, the record {kept} and is {record.state}")
    return found


def lived(
    bench: VirtualBench,
    *,
    certificates: int,
    days: int,
    troubles: Troubles,
    seed: int = 2030,
    step: timedelta = timedelta(hours=1),
) -> Year:
    """Give a year, or a part of one, as it was lived."""
    year = Year(bench, certificates=certificates, troubles=troubles, seed=seed, step=step)
    year.enroll(timedelta(days=DAYS * 0.6))
    year.live(timedelta(days=days))
    return year


def quiet() -> Troubles:
    """Give a year in which nothing goes wrong."""
    return replace(Troubles(), outages=0, ca_refuses=0, ca_fails=0, lost=0, killed=0, twice=0, absent=0)
