# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Eight processes that run the same use cases on one store at once: each thing is done once, nothing is lost.

They act in step, so that all have planned before one of them acts, or as fast as each can; round by round, whoever was
refused runs again, as the next job would.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import pytest

from ansible_collections.edgecert.clm.plugins.module_utils._clm import groups, lifecycle, workflow
from ansible_collections.edgecert.clm.plugins.module_utils._core.errors import ClmError, StoreError
from ansible_collections.edgecert.clm.plugins.module_utils._core.plan import Plan
from ansible_collections.edgecert.clm.tests.support.children import barrier, in_children
from ansible_collections.edgecert.clm.tests.support.flow import Account
from ansible_collections.edgecert.clm.tests.support.lives import Life, Stores, instant_account
from ansible_collections.edgecert.clm.tests.support.stores import StorePlace

EIGHT = 8
DAY_S = 86400.0
WISH = {"validity": {"count": 30, "unit": "days"}, "auto_renew": {"enabled": True, "days_before": 15}}
# What a job is told that met another one: it runs again later, and goes on from there.
MET = {"conflict", "lease_held"}


@pytest.fixture(scope="module")
def account() -> Iterator[Account]:
    with instant_account() as made:
        yield made


@pytest.fixture(scope="module", params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def stores(
    request: pytest.FixtureRequest, account: Account, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Stores]:
    cluster = None if request.param == "sqlite" else request.getfixturevalue("postgres_cluster")
    made = Stores(account, tmp_path_factory.mktemp(request.param), cluster)
    made.prepare(approvals={"push": 0}, push_automatically=True)
    yield made
    made.drop()


@pytest.fixture
def life(stores: Stores) -> Iterator[Life]:
    life = stores.begin()
    life.sandbox.calls(reset=True)
    yield life
    if stores.cluster:
        sql = "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()"
        assert StorePlace(life.url).execute(sql) == [(0,)]


@dataclass(frozen=True)
class Said:
    """What one run of a process came to.

    :ivar record: the record it was given; None when it was refused with ``code``.
    :ivar has_acted: its plan had steps, and they ran.
    """

    code: str = ""
    record: Any = None
    has_acted: bool = False
    message: str = ""


def _nobody() -> None:
    """Wait for nobody."""


def said(plan: Callable[[], Plan], wait: Callable[[], Any]) -> Said:
    """Plan, wait for the others, act.

    :raises StoreError: the store was busy, or worse; no process may see that.
    """
    planned: Plan | None = None
    refused: ClmError | None = None
    try:
        planned = plan()
    except ClmError as exc:
        refused = exc
    wait()
    try:
        if planned is not None:
            outcome = planned.execute()
            if outcome.failure is not None:
                raise outcome.failure
            return Said(record=outcome.record or outcome.extra, has_acted=planned.changed)
    except ClmError as exc:
        refused = exc
    assert refused is not None
    if isinstance(refused, StoreError):
        raise refused
    return Said(refused.code, message=refused.message)


Job = Callable[[Life, int, int], Plan]


def crowd(life: Life, rounds: int, plan: Job, *, in_step: bool = True, pause_s: float = 0.0) -> list[list[Said]]:
    """Let eight processes plan and act at once, round by round; give what each said in each.

    :param plan: of life, number of the process and of the round.
    :param in_step: nobody acts before all have planned; else some may act while others plan.
    :param pause_s: time that passes after each round.
    """
    wait = barrier(EIGHT)

    def work(number: int) -> list[Said]:
        told = []
        with life.opened(f"worker {number}"):
            for turn in range(rounds):
                wait()
                told.append(said(partial(plan, life, number, turn), wait if in_step else _nobody))
                wait()
                if number == 0 and pause_s:
                    life.advance(pause_s)
        return told

    ended = in_children([partial(work, number) for number in range(EIGHT)])
    errors = [one.error or f"exit code {one.exit_code}" for one in ended if one.error or one.exit_code]
    assert not errors, "\n".join(errors)
    return [list(one) for one in zip(*(one.value for one in ended), strict=True)]


def codes(told: list[list[Said]]) -> Counter[str]:
    """Count the refusals."""
    return Counter(one.code for turn in told for one in turn if one.code)


def enrolled(life: Life) -> None:
    """Have a certificate that can be pushed."""
    with life.opened():
        life.enroll(contract_id=life.contract, **WISH)
        life.connector(push_automatically=True)


def version(life: Life, kind: str, *key: str) -> int:
    """Give the version of a record in the store."""
    with life.opened(), life.store.read() as unit:
        return int(getattr(unit, kind).get(*key).version)


@pytest.mark.parametrize("in_step", [True, False], ids=["in-step", "free"])
def test_eight_enrolments_of_one_name_are_one_request_and_one_enrollment(life: Life, in_step: bool) -> None:
    """W5, E24: whoever is refused is told to run again, and finds the one request then."""
    wanted = {"contract_id": life.contract, **WISH}
    told = crowd(life, 4, lambda life, _number, _turn: life.plan_enroll(**wanted), in_step=in_step)
    assert set(codes(told)) <= MET, told
    assert codes(told[:1]), "nobody met anybody: this test shows nothing"
    assert {one.record["state"] for one in told[-1]} == {"issued"}
    assert len({one.record["request_id"] for one in told[-1]}) == 1
    with life.opened():
        assert life.accepted() == {"POST enrollment": 1}
        assert len(life.enrollments()) == 1
        counted = life.records()
        assert (counted["requests"], counted["certificates"], counted["pems"]) == (1, 1, 1)
        actions = life.check_traces()
    for action in ("request_submitted", "key_place_opened", "certificate_ordered", "certificate_issued"):
        assert actions[action] == 1, actions
    asked, given = life.ordered()
    assert len(asked) == len(given) == 1


@pytest.mark.parametrize("in_step", [True, False], ids=["in-step", "free"])
def test_eight_pushes_of_one_certificate_are_one_order_and_one_upload(life: Life, in_step: bool) -> None:
    """W5, U2."""
    enrolled(life)
    life.sandbox.calls(reset=True)
    told = crowd(life, 4, lambda life, _number, _turn: life.plan_push(), in_step=in_step)
    assert set(codes(told)) <= MET, told
    assert codes(told[:1]), "nobody met anybody: this test shows nothing"
    assert {(one.record["state"], one.record["work_order_id"]) for one in told[-1]} == {
        ("completed", told[-1][0].record["work_order_id"])
    }
    with life.opened():
        assert life.accepted() == {"POST upload": 1, "POST post-ack": 1}
        assert life.records()["work_orders"] == 1
        actions = life.check_traces()
    assert (actions["certificate_uploaded"], actions["push_completed"]) == (1, 1)


@pytest.mark.parametrize("in_step", [True, False], ids=["in-step", "free"])
def test_eight_that_go_on_with_one_approved_order_upload_once(life: Life, in_step: bool) -> None:
    """W5, U2: the order is there already, and everybody means to implement it."""
    enrolled(life)
    with life.opened():
        life.group(approvals={"push": 1})
        order = life.push().record
        assert order is not None
        life.act("bob", "approve", work_order_id=order["work_order_id"])
    life.sandbox.calls(reset=True)

    def job(life: Life, number: int, _turn: int) -> Plan:
        return lifecycle.plan({}, life.ports) if number % 2 else life.plan_push()

    told = crowd(life, 4, job, in_step=in_step)
    assert set(codes(told)) <= MET, told
    with life.opened():
        assert life.accepted() == {"POST upload": 1, "POST post-ack": 1}
        actions = life.check_traces()
        with life.store.read() as unit:
            assert [stored.state for stored in unit.work_orders.find()] == ["completed"]
    wanted = ("work_order_implementing", "certificate_uploaded", "warnings_acknowledged", "push_completed")
    assert {action: actions[action] for action in wanted} == dict.fromkeys(wanted, 1), actions


@pytest.mark.parametrize("in_step", [True, False], ids=["in-step", "free"])
def test_eight_approvers_at_once_give_two_approvals(life: Life, in_step: bool) -> None:
    """W2: two levels, eight people; two approvals by two of them, none lost, none too many."""
    enrolled(life)
    with life.opened():
        life.group(approvals={"push": 2})
        order = life.push().record
    assert order is not None and order["state"] == "submitted"
    work_order_id = order["work_order_id"]

    def approve(life: Life, number: int, _turn: int) -> Plan:
        wanted = {"action": "approve", "work_order_id": work_order_id}
        return workflow.plan(wanted, life.acting(f"person {number}"))

    told = crowd(life, 3, approve, in_step=in_step)
    assert set(codes(told)) <= {"conflict", "wrong_state", "approved_twice"}, told
    gave = {f"person {number}" for turn in told for number, one in enumerate(turn) if one.has_acted}
    with life.opened():
        with life.store.read() as unit:
            [stored] = unit.work_orders.find()
        actions = life.check_traces()
    assert stored.state == "approved" and [entry["level"] for entry in stored.approvals] == [1, 2]
    assert {entry["actor"] for entry in stored.approvals} == gave and len(gave) == 2
    assert (actions["work_order_approval_given"], actions["work_order_approved"]) == (2, 1)


@pytest.mark.slow
def test_eight_runners_renew_and_push_each_of_twelve_certificates_once(life: Life) -> None:
    """W4, E3, A5: all due at once, eight ``cert_lifecycle`` at once."""
    names = [f"c{number}" for number in range(12)]
    with life.opened():
        for name in names:
            life.enroll(contract_id=life.contract, common_name=life.name(name), **WISH)
            life.connector(certificate=life.name(name), push_automatically=True)
            life.push(certificate=life.name(name))
        life.to_production()
        life.advance(16 * DAY_S)
    life.sandbox.calls(reset=True)
    told = crowd(life, 6, lambda life, _number, _turn: lifecycle.plan({}, life.ports), pause_s=60)
    assert not codes(told), codes(told)
    with life.opened():
        assert life.accepted() == {"PUT enrollment": 12, "POST upload": 12, "POST post-ack": 12}
        with life.store.read() as unit:
            renewals = [request for request in unit.requests.find() if request.renews]
            pushes = unit.work_orders.find(is_automatic=True)
            superseded = unit.certificates.find(state="superseded")
        actions = life.check_traces()
    wanted = sorted(map(life.name, names))
    assert sorted(request.certificate_id for request in renewals) == wanted
    assert {request.state for request in renewals} == {"issued"}
    assert sorted(order.certificate_id for order in pushes) == wanted
    assert {order.state for order in pushes} == {"completed"}
    assert sorted(one.successor for one in superseded) == wanted
    assert actions["certificate_superseded"] == 12
    asked, given = life.ordered()
    assert len(asked) == len(given) == 24


@pytest.mark.slow
def test_what_eight_processes_of_all_sorts_write_is_all_there(life: Life) -> None:
    """W2, W5, G, E20: a form, a group, approvals and the runner, for some rounds; every success is one version."""
    enrolled(life)
    with life.opened():
        life.group(approvals={"push": 5}, description="as it was")
        order = life.push().record
    assert order is not None
    before = {"group": version(life, "groups", "default")}
    with life.opened(), life.store.read() as unit:
        [request] = unit.requests.find()
    before["request"] = request.version

    def job(life: Life, number: int, turn: int) -> Plan:
        mark = f"{number}/{turn}"
        if number in (0, 1, 2):
            return life.plan_enroll(contract_id=life.contract, attributes={"mark": mark}, **WISH)
        if number in (3, 4):
            return groups.plan({"name": "default", "state": "present", "description": mark}, life.ports)
        if number in (5, 6):
            wanted = {"action": "approve", "work_order_id": order["work_order_id"]}
            return workflow.plan(wanted, life.acting(f"person {mark}"))
        return lifecycle.plan({}, life.ports)

    told = crowd(life, 5, job)
    assert set(codes(told)) <= {*MET, "wrong_state"}, codes(told)
    acted = Counter(number for turn in told for number, one in enumerate(turn) if one.has_acted)
    forms, policies, approvals = acted[0] + acted[1] + acted[2], acted[3] + acted[4], acted[5] + acted[6]
    assert version(life, "requests", request.request_id) - before["request"] == forms
    assert version(life, "groups", "default") - before["group"] == policies
    with life.opened():
        with life.store.read() as unit:
            [stored] = unit.work_orders.find()
        actions = life.check_traces()
    assert len(stored.approvals) == len({entry["actor"] for entry in stored.approvals}) == approvals
    assert (actions["request_changed"], actions["group_changed"]) == (forms, policies), actions
    assert actions["work_order_approval_given"] == approvals
