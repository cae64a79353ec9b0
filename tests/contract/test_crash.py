# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A run killed as by ``kill -9`` at every step of a certificate's life, then run again: everything happens once.

A life has five phases: enrolment, push after two approvals, automatic renewal with its automatic push, the push of
that to production, or the rollback of that, and removal. Each phase is run in a child that dies at one place; then the
same calls are made again, as the next scheduled job would make them. The places are counted in a run that is not
killed. On SQLite every state that a killed run can leave is driven, on PostgreSQL one place of each kind.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from unittest import mock

import pytest

from ansible_collections.edgecert.clm.plugins.module_utils._clm import intents, opening
from ansible_collections.edgecert.clm.plugins.module_utils._core.errors import ClmError
from ansible_collections.edgecert.clm.plugins.module_utils._core.types import Intent
from ansible_collections.edgecert.clm.plugins.module_utils._store.base import Store
from ansible_collections.edgecert.clm.tests.support.crash import distinct, one_of_each_kind
from ansible_collections.edgecert.clm.tests.support.flow import Account
from ansible_collections.edgecert.clm.tests.support.lives import PAST_LEASES_S, Life, Stores, instant_account
from ansible_collections.edgecert.clm.tests.support.meanwhile import ALLOWED, WARNING

DAY_S = 86400.0
ENROLLED = "request_submitted key_place_opened warnings_acknowledged csr_fetched certificate_ordered certificate_issued"
PUSHED = "work_order_submitted certificate_uploaded certificate_on_staging push_completed post_push_script_ran"
LIFE = {"validity": {"count": 30, "unit": "days"}, "auto_renew": {"enabled": True, "days_before": 15}}


@dataclass
class Places(Stores):
    """Where lives begin, and how far they have come.

    :ivar found: by phase, the names of the places that a run comes by which nobody kills.
    :ivar kinds: of places where one was driven.
    :ivar since: by phase, when the first of those that are kept was.
    :ivar reached: by phase, lives that were killed in it, ended it all the same and were found in order: as good for
        the next phase as any.
    """

    found: dict[str, list[str]] = field(default_factory=dict)
    kinds: set[str] = field(default_factory=set)
    reached: dict[str, list[Life]] = field(default_factory=lambda: defaultdict(list))
    since: dict[str, datetime] = field(default_factory=dict)

    def keep(self, phase: Phase, life: Life) -> None:
        """Keep a life that came to the end of a phase."""
        if not self.reached[phase.name]:
            self.since[phase.name] = life.clock.now()
        self.reached[phase.name].append(life)

    def is_stale(self, phase: Phase) -> bool:
        """Say whether so much time passed, in whatever test, that certificates end, and CPS goes on by itself."""
        since = self.since.get(phase.name)
        return since is not None and self.account.clock.now() - since > timedelta(days=3)

    def begin(self) -> Life:
        """Begin a life whose pushes have scripts."""
        life = super().begin()
        life.write_scripts()
        return life


@pytest.fixture(scope="module")
def account() -> Iterator[Account]:
    with instant_account(pre_verification_warnings=[WARNING], deprovision_warnings=[WARNING]) as made:
        yield made


@pytest.fixture(scope="module", params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def places(
    request: pytest.FixtureRequest, account: Account, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Places]:
    cluster = None if request.param == "sqlite" else request.getfixturevalue("postgres_cluster")
    made = Places(account, tmp_path_factory.mktemp(request.param), cluster)
    made.prepare(delay_s=60, approvals={"push": 2}, push_automatically=True, warnings=ALLOWED)
    whole = made.begin()
    for phase in (ENROL, PUSH, RENEWAL, PRODUCTION, REMOVAL):
        made.found[phase.name] = places_of(made, whole, phase)
    [other] = ended(made, RENEWAL, 1)
    made.found[ROLLBACK.name] = places_of(made, other, ROLLBACK)
    yield made
    made.drop()


# -- what a schedule runs --------------------------------------------------------------------------------------------


def enrol(life: Life) -> None:
    """Enrol and wait until it is issued, then say where it goes."""
    record = life.enroll(contract_id=life.contract, **LIFE).record
    assert record is not None and record["state"] == "issued", record


def push(life: Life) -> None:
    """Push to staging after two people approved."""
    wanted = {"certificate": life.name(), "name": "app", "devices": ["edge"], "state": "present"}
    scripts = {"pre_push_script": "pre.sh", "post_push_script": "post.sh", "push_automatically": True}
    life.connector(**wanted, **scripts)
    push_to(life, "staging")


def produce(life: Life) -> None:
    """Push to production after two people approved; what is on staging was renewed and pushed by itself."""
    push_to(life, "production")


def roll_back(life: Life) -> None:
    """Take the automatic push of the renewal back after two people approved."""
    push_to(life, "staging", action="rollback")


def remove(life: Life) -> None:
    """Remove the certificate after two people approved; CPS halts on a warning on the way."""
    push_to(life, "production", action="remove")


def push_to(life: Life, network: str, action: str = "push") -> None:
    """Push to a network, or take that back, after two people approved."""
    life.push(network=network, action=action, wait=False)
    for actor in ("bob", "carol"):
        with life.store.read() as unit:
            *_earlier, order = unit.work_orders.find(network=network, action=action)
        if order.state in ("submitted", "review_in_progress") and actor not in {a["actor"] for a in order.approvals}:
            life.act(actor, "approve", work_order_id=order.work_order_id)
    record = life.push(network=network, action=action).record
    assert record is not None and record["state"] == "completed", record


def renew(life: Life) -> None:
    """Do what is due, as a schedule would every minute, until nothing is open."""
    for _minute in range(20):
        report = life.run_due()
        assert report["failures"] == [], report
        if not report["waiting"] and renewed(life):
            return
        life.advance(60)
    raise AssertionError(f"the renewal did not come to its end: {report}")


def renewed(life: Life) -> bool:
    """Say whether a successor was issued and pushed."""
    with life.store.read() as unit:
        requests, orders = unit.requests.find(), unit.work_orders.find(is_automatic=True)
    done = [request for request in requests if request.renews and request.state == "issued"]
    return bool(done) and [order.state for order in orders] == ["completed"]


def again(life: Life, phase: Callable[[Life], None]) -> list[str]:
    """Run the same calls as the next job does, then once more after the leases expired; give the refusals.

    The first run may find the lease of the killed one, and nothing else may keep it from its end.
    """
    refused = []
    for _run in range(3):
        try:
            phase(life)
        except ClmError as exc:
            refused.append(exc.code)
            life.advance(PAST_LEASES_S)
            continue
        assert set(refused) <= {"lease_held"}, refused
        return refused
    raise AssertionError(f"not at the end after three runs: {refused}")


# -- what must be so at the end --------------------------------------------------------------------------------------


def check_traces(life: Life, times: int, actions: str) -> None:
    """Hold what is left of the runs themselves.

    :param actions: that are in the audit so often, parted by spaces.
    """
    told = life.check_traces()
    assert {action: told[action] for action in actions.split()} == dict.fromkeys(actions.split(), times), told


def check_enrolled(life: Life) -> None:
    """One request, one enrollment, one order, one certificate."""
    assert life.accepted() == {"POST enrollment": 1, "POST pre-ack": 1}
    check_ordered(life, 1)
    with life.store.read() as unit:
        [request], [certificate], [_pem] = unit.requests.find(), unit.certificates.find(), unit.pems.find()
    assert (request.state, certificate.state, certificate.request_id) == ("issued", "issued", request.request_id)
    assert [one["enrollment_id"] for one in life.enrollments()] == [certificate.enrollment_id]
    check_traces(life, 1, ENROLLED)


def check_ordered(life: Life, count: int) -> None:
    """So many orders, each with a certificate of its own."""
    asked, given = life.ordered()
    assert (len(asked), len(given)) == (count, count), f"orders under {len(asked)} intents, {len(given)} certificates"


def check_pushed(life: Life) -> None:
    """One work order, one upload, each approval once."""
    assert life.accepted() == {"POST upload": 1, "POST post-ack": 1}
    with life.store.read() as unit:
        [order] = unit.work_orders.find()
    assert [entry["actor"] for entry in order.approvals] == ["bob", "carol"]
    assert order.state == "completed" and order.evidence
    check_scripts(life, 1)
    check_traces(life, 1, f"{ENROLLED} {PUSHED}".replace("warnings_acknowledged ", ""))
    check_traces(life, 2, "warnings_acknowledged")


def check_scripts(life: Life, orders: int) -> None:
    """Each script ran for each order, and again only where the run was killed before that was on record."""
    ran = Counter(life.script_log.read_text("ascii").splitlines())
    assert len(ran) == 2 * orders and set(ran.values()) <= {1, 2}, ran
    with life.store.read() as unit:
        for order in unit.work_orders.find():
            kept = [entry["stage"] for entry in order.scripts]
            assert kept[0] == "pre" and kept[-1] == "post" and kept.count("post") == 1, kept


def check_renewed(life: Life) -> None:
    """One renewal, one order, one upload; the parent superseded once."""
    assert life.accepted() == {"PUT enrollment": 1, "POST pre-ack": 1, "POST upload": 1, "POST post-ack": 1}
    check_ordered(life, 2)
    check_scripts(life, 2)
    with life.store.read() as unit:
        requests, orders = unit.requests.find(), unit.work_orders.find()
        parents = unit.certificates.find(state="superseded")
        certificate = unit.certificates.get(life.name())
    [successor] = [request for request in requests if request.renews]
    assert len(requests) == len(orders) == 2 and len(parents) == 1
    assert certificate is not None
    assert (certificate.request_id, certificate.parent) == (successor.request_id, parents[0].certificate_id)
    assert sorted(order.state for order in orders) == ["completed", "completed"]
    assert certificate.fingerprint in {facts["fingerprint"] for facts in [certificate.staging]}
    check_traces(life, 1, "certificate_superseded")
    check_traces(life, 2, f"{ENROLLED} {PUSHED}".replace("warnings_acknowledged ", ""))
    check_traces(life, 4, "warnings_acknowledged")


def check_produced(life: Life) -> None:
    """One acknowledgement, no upload, and production serves the renewed certificate."""
    assert life.accepted() == {"POST to production": 1}
    check_scripts(life, 3)
    with life.store.read() as unit:
        [order], certificate = unit.work_orders.find(network="production"), unit.certificates.get(life.name())
    assert certificate is not None and certificate.production["fingerprint"] == certificate.fingerprint
    assert {entry["network"] for entry in order.evidence} == {"staging", "production"}
    check_traces(life, 1, "staging_proved production_acknowledged")
    check_traces(life, 3, "push_completed")


def check_rolled_back(life: Life) -> None:
    """One cancellation; the inventory is back at the certificate that production serves."""
    assert life.accepted() == {"DELETE enrollment": 1}
    with life.store.read() as unit:
        [order], certificate = unit.work_orders.find(action="rollback"), unit.certificates.get(life.name())
        [aside] = unit.certificates.find(state="superseded")
    assert certificate is not None and certificate.production["fingerprint"] == certificate.fingerprint
    assert (order.state, order.fingerprints) == ("completed", {"RSA": aside.fingerprint}), aside
    check_traces(life, 1, "push_rolled_back certificate_rolled_back")


def check_removed(life: Life) -> None:
    """One removal, one acknowledgement; CPS knows the enrollment no more, and the inventory says so."""
    assert life.accepted() == {"DELETE enrollment": 1, "POST post-ack": 1}
    check_scripts(life, 4)
    with life.store.read() as unit:
        [order], certificate = unit.work_orders.find(action="remove"), unit.certificates.get(life.name())
    assert certificate is not None and (certificate.state, certificate.production) == ("vanished", {})
    assert [entry["actor"] for entry in order.approvals] == ["bob", "carol"]
    assert [entry["network"] for entry in order.evidence] == ["staging", "production"]
    assert certificate.enrollment_id not in [one["enrollment_id"] for one in life.enrollments()]
    check_traces(life, 1, "removal_begun enrollment_removed certificate_removed")
    check_traces(life, 5, "warnings_acknowledged")


# -- the tests -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Phase:
    """A part of a life.

    :ivar follows: the phase a life has behind it.
    """

    name: str
    work: Callable[[Life], None]
    check: Callable[[Life], None]
    follows: Phase | None = None


ENROL = Phase("enrol", enrol, check_enrolled)
PUSH = Phase("push", push, check_pushed, ENROL)
RENEWAL = Phase("renewal", renew, check_renewed, PUSH)
PRODUCTION = Phase("production", produce, check_produced, RENEWAL)
ROLLBACK = Phase("rollback", roll_back, check_rolled_back, RENEWAL)
REMOVAL = Phase("removal", remove, check_removed, PRODUCTION)


def ended(places: Places, phase: Phase | None, count: int) -> list[Life]:
    """Have lives that a phase is behind of: those that were killed in it, and others where they do not suffice."""
    if phase is None:
        return [places.begin() for _number in range(count)]
    reached = places.reached[phase.name]
    if places.is_stale(phase) or (phase is RENEWAL and len(reached) < count):
        # Others have to grow old first, and these would with them.
        reached.clear()
    found = [reached.pop() for _number in range(min(count, len(reached)))]
    others = ended(places, phase.follows, count - len(found))
    if phase is RENEWAL and others:
        until_due(places, others)
    for life in others:
        with life.opened():
            phase.work(life)
    return found + others


def lives(places: Places, phase: Phase, count: int) -> list[Life]:
    """Have lives that stand before a phase."""
    begun = ended(places, phase.follows, count)
    if phase is RENEWAL:
        until_due(places, begun)
    return begun


def until_due(places: Places, begun: list[Life]) -> None:
    """Bring lives to production and let half of the certificates' time pass.

    It passes for all: what is renewed already would be taken to production by CPS itself, and is of no use any more.
    """
    places.reached[RENEWAL.name].clear()
    for life in begun:
        with life.opened():
            life.to_production()
    begun[0].advance(16 * DAY_S)


def drive(life: Life, phase: Phase, number: int, name: str, *, fresh: bool = True) -> str:
    """Kill a phase at a place and run it again; give what is wrong at the end, empty when nothing is.

    :param fresh: nothing was done in this phase before.
    """
    if fresh:
        life.sandbox.calls(reset=True)
        forget_pace(life)
    run = life.until_killed(phase.work, number)
    if not run.is_killed:
        return f"{name}: the run was not killed there: {run}"
    try:
        with life.opened("next job"):
            again(life, phase.work)
            phase.check(life)
    except (AssertionError, ClmError, ValueError) as exc:
        return f"{name}: {type(exc).__name__}: {exc}"
    return ""


@pytest.mark.slow
@pytest.mark.parametrize("phase", [ENROL, PUSH, RENEWAL, PRODUCTION, ROLLBACK, REMOVAL], ids=lambda phase: phase.name)
def test_a_run_killed_anywhere_and_run_again_does_everything_once(
    places: Places, phase: Phase, record_property: Callable[[str, object], None]
) -> None:
    """W5, design §3 and §8: one enrolment, one order, one upload, one renewal, wherever the run died."""
    found = places.found[phase.name]
    chosen = one_of_each_kind(found, places.kinds) if places.cluster else distinct(found)
    told = f"{phase.name}: {len(found)} places, {len(distinct(found))} states, {len(chosen)} driven"
    record_property("places", told)
    wrong = []
    for life, number in zip(lives(places, phase, len(chosen)), chosen, strict=True):
        problem = drive(life, phase, number, f"{phase.name}-{number} of {len(found)}: {found[number - 1]}")
        wrong += [problem] if problem else []
        if not problem:
            places.keep(phase, life)
    assert not wrong, "\n".join([told, *wrong])


def forget_pace(life: Life) -> None:
    """Forget how fast CPS is: each life learned something else, and would look at other times than another one."""
    with life.opened(), life.store.write() as unit:
        for row in unit.intents.find(kind="follow_change"):
            unit.intents.remove(row)


def places_of(places: Places, life: Life, phase: Phase) -> list[str]:
    """Name the places of a run that nobody kills."""
    if phase is RENEWAL:
        until_due(places, [life])
    life.sandbox.calls(reset=True)
    forget_pace(life)
    whole = life.until_killed(phase.work, 0)
    assert not whole.error, whole.error
    with life.opened():
        phase.check(life)
    return list(whole.value)


# Where a run of an enrolment dies that the next one has to take up by looking outside first.
IN_DOUBT = ["after POST /cps/vN/enrollments", "after submit to the CA"]


@pytest.mark.slow
@pytest.mark.parametrize("first", IN_DOUBT, ids=["create", "order"])
def test_a_run_killed_while_it_takes_up_what_a_killed_one_left_is_taken_up_too(places: Places, first: str) -> None:
    """W5: looking for what was left may be cut off itself, by a CA's ``find`` too."""

    def killed(life: Life) -> Life:
        assert life.until_killed(enrol, places.found[ENROL.name].index(first) + 1).is_killed
        life.advance(PAST_LEASES_S)
        return life

    [whole] = lives(places, ENROL, 1)
    found = killed(whole).until_killed(enrol, 0).value
    assert "before find at the CA" in found or first == IN_DOUBT[0]
    wrong = []
    for number in one_of_each_kind(found, places.kinds if places.cluster else set()):
        [life] = lives(places, ENROL, 1)
        life.sandbox.calls(reset=True)
        wrong.append(drive(killed(life), ENROL, number, f"{number} of {len(found)}: {found[number - 1]}", fresh=False))
    assert not any(wrong), "\n".join(filter(None, wrong))


def forgetful(
    store: Store, kind: str, noun: str, key: str, wanted: Mapping[str, Any], now: datetime
) -> tuple[Intent, bool]:
    """Begin as if no run before had left an intent."""
    with store.write() as unit:
        return intents.add(unit, kind, noun, key, wanted, now), True


@pytest.mark.parametrize(
    ("module", "name", "blind", "first", "seen"),
    [
        (intents, "begin", forgetful, IN_DOUBT[1], "orders under 2 intents"),
        (opening, "_left_open", lambda _mover: None, IN_DOUBT[0], "enrollment_exists"),
    ],
    ids=["order", "create"],
)
def test_runs_that_do_not_look_for_what_was_left_are_found_out(
    places: Places, module: Any, name: str, blind: Callable[..., Any], first: str, seen: str
) -> None:
    """The tests above are worth something: they tell a second order, and a create that is in the way of the next."""
    [life] = lives(places, ENROL, 1)
    with mock.patch.object(module, name, blind):
        problem = drive(life, ENROL, places.found[ENROL.name].index(first) + 1, first)
    assert seen in problem, problem
