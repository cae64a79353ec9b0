# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The gate before implementation: whatever people and time do, nothing passes it that was not approved as it is."""

from __future__ import annotations

import itertools
import pathlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ansible_collections.edgecert.clm.plugins.module_utils._clm import approvals, gate, orders
from ansible_collections.edgecert.clm.plugins.module_utils._clm.keeper import WORK_ORDER, Keeper
from ansible_collections.edgecert.clm.plugins.module_utils._core.clock import from_text, to_text
from ansible_collections.edgecert.clm.plugins.module_utils._core.errors import ClmError, StateError
from ansible_collections.edgecert.clm.plugins.module_utils._core.types import WorkOrder
from ansible_collections.edgecert.clm.plugins.module_utils._cps.enrollment_wire import enrollment_update
from ansible_collections.edgecert.clm.plugins.module_utils._glue.wire_target import client_of
from ansible_collections.edgecert.clm.tests.support.flow import Bench
from ansible_collections.edgecert.clm.tests.support.virtual_bench import VirtualBench

PEOPLE = ("tester", "bob", "carol", "dave")
PARTS = ("fingerprints", "chain", "network", "place", "warnings", "settings", "scripts")


# -- any sequence of what people and time do -----------------------------------------------------------------------


@dataclass
class World:
    """One order under review, with what would be implemented now, and who acts on it."""

    bench: VirtualBench
    record: WorkOrder
    present: dict[str, Any] = field(default_factory=lambda: dict.fromkeys(PARTS, 0))
    begun: int = 0

    def do(self, actor: str, action: str, value: int) -> None:
        """Do something, as a call does that reads the record first; what is refused is refused."""
        with self.bench.store.read() as unit:
            stored = unit.work_orders.get(self.record.work_order_id)
        assert stored is not None
        ports = replace(self.bench.ports, actor=actor)
        passage = gate.Gate(Keeper(ports, WORK_ORDER, stored), lambda: dict(self.present), lambda _now: None)
        # As cert_workflow does: what the state does not allow is not tried.
        if action in WORK_ORDER.actions and stored.state not in WORK_ORDER.actions[action]:
            return
        try:
            self._act(passage, action, value)
        except ClmError:
            pass
        finally:
            with self.bench.store.read() as unit:
                after = unit.work_orders.get(self.record.work_order_id)
            assert after is not None
            if stored.state in ("submitted", "review_in_progress", "approved", "scheduled", "failed"):
                self._check(stored, after)

    def _act(self, passage: gate.Gate[WorkOrder], action: str, value: int) -> None:
        now = self.bench.clock.moment
        later = now + timedelta(hours=value) if value > 3 else None
        if action == "approve":
            passage.approve(at=later, comment="")
        elif action == "schedule":
            passage.schedule(now + timedelta(hours=value), "")
        elif action == "implement":
            passage.begin()
        elif action == "retry":
            passage.retry("")
        elif action == "run":
            passage.advance()
        elif action == "change":
            self.present[PARTS[value % len(PARTS)]] += 1
        elif action == "wait":
            self.bench.clock.moment += timedelta(hours=value)
        elif passage.keeper.record.state == "implementing":
            passage.keeper.save("push_failed", state="failed")

    def _check(self, before: WorkOrder, after: WorkOrder) -> None:
        """Hold a beginning against the rules, told here in other words than the code's."""
        if after.state != "implementing":
            return
        self.begun += 1
        now, policy, given = self.bench.clock.moment, after.policy, after.approvals
        assert len(given) == policy["levels"]
        for entry in given:
            assert from_text(entry["effective_at"]) <= now < from_text(entry["expires_at"])
            assert dict(entry["binds"]) == self.present
            assert policy["requester_may_approve"] or entry["actor"] != "tester"
        if policy["distinct_approvers"]:
            assert len({entry["actor"] for entry in given}) == len(given)


STEPS = st.lists(
    st.tuples(
        st.sampled_from(PEOPLE),
        st.sampled_from(
            ("approve", "approve", "approve", "schedule", "implement", "run", "run", "change", "wait", "fail", "retry")
        ),
        st.integers(0, 6),
    ),
    min_size=4,
    max_size=24,
)
_NUMBERS = itertools.count()


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[VirtualBench]:
    made = VirtualBench(pathlib.Path(tmp_path_factory.mktemp("gate")))
    yield made
    made.close()


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    steps=STEPS,
    levels=st.sampled_from((1, 2, 2, 3, 0)),
    people=st.lists(st.sampled_from(PEOPLE), max_size=3),
    begun=st.sampled_from(((), ("run", "fail"), ("run", "fail", "wait", "retry"), ("wait", "implement"), ("run",))),
    distinct=st.booleans(),
    own=st.booleans(),
    manual=st.booleans(),
    hours=st.sampled_from((2, 8)),
)
def test_nothing_is_implemented_without_its_approvals_whatever_happens(
    shared: VirtualBench,
    steps: Any,
    levels: int,
    people: list[str],
    begun: tuple[str, ...],
    distinct: bool,
    own: bool,
    manual: bool,
    hours: int,
) -> None:
    """W2, E24, design §5: enough unexpired approvals by permitted people, for exactly what is there now."""
    policy = {
        "group": "web",
        "levels": levels,
        "distinct_approvers": distinct,
        "requester_may_approve": own,
        "valid_hours": hours,
    }
    named = (f"wo-{next(_NUMBERS)}", "www", "app", "edge", "push", "staging", "submitted")
    record = WorkOrder(*named, actor="tester", policy=policy, manual_implementation=manual)
    with shared.store.write() as unit:
        world = World(shared, unit.work_orders.add(record))
    # Left to chance alone, few orders would come as far as to be approved, or to fail.
    first = [*((actor, "approve", 0) for actor in people), *(("dave", action, 3) for action in begun)]
    for actor, action, value in [*first, *steps]:
        world.do(actor, action, value)


def test_the_sequences_do_come_to_an_implementation(shared: VirtualBench) -> None:
    """The property above is about something: the straight way leads through."""
    record = WorkOrder("wo-straight", "www", "app", "edge", "push", "staging", "submitted", actor="tester")
    policy = {"levels": 2, "distinct_approvers": True, "requester_may_approve": False, "valid_hours": 8}
    with shared.store.write() as unit:
        world = World(shared, unit.work_orders.add(replace(record, policy=policy)))
    for actor, action in (("bob", "approve"), ("carol", "approve"), ("dave", "run")):
        world.do(actor, action, 0)
    assert world.begun == 1


# -- what changed between approval and implementation --------------------------------------------------------------


def approved_order(bench: VirtualBench) -> WorkOrder:
    """Have an order that two people approved."""
    bench.issued()
    bench.group(approvals={"push": 2})
    bench.push()
    for actor in ("bob", "carol"):
        bench.act(actor, "approve", work_order_id=bench.orders()[0].work_order_id)
    return bench.orders()[0]


@pytest.mark.parametrize("name", ["fingerprints", "chain", "network", "place", "warnings", "settings"])
@pytest.mark.parametrize("way", ["implement", "push", "run"])
def test_a_part_that_changed_stops_every_way_to_implement_and_is_named(
    virtual: VirtualBench, monkeypatch: pytest.MonkeyPatch, name: str, way: str
) -> None:
    """Design §5: void when anything changed, whoever comes to implement; nothing is sent."""
    order = approved_order(virtual)
    honest = orders.parts

    def changed(deployer: Any) -> Mapping[str, Any]:
        return {**honest(deployer), name: "another"}

    monkeypatch.setattr(orders, "parts", changed)
    if way == "run":
        [told] = virtual.run_due()["waiting"]
        assert told["reason"] == "approval_void"
    else:
        with pytest.raises(StateError) as caught:
            if way == "implement":
                virtual.act("dave", "implement", work_order_id=order.work_order_id)
            else:
                virtual.push()
        assert caught.value.code == "approval_void"
    [after] = virtual.orders()
    assert (after.state, after.reason, after.approvals) == ("submitted", "approval_void", ())
    assert approvals._CALLED[name] in after.message
    kept = [step for step in after.conditions if step["type"] == "approval_void"]
    assert [("bob" in step["comment"], "carol" in step["comment"]) for step in kept] == [(True, False), (False, True)]
    assert virtual.cps.calls["upload"] == 0


def test_after_a_void_approval_the_same_people_may_look_again(virtual: VirtualBench) -> None:
    """Design §5: they approve what is there now, and that is what is done."""
    order = approved_order(virtual)
    [enrollment] = virtual.cps.enrollments.values()
    enrollment.settings["quicEnabled"] = True
    with pytest.raises(StateError, match="network settings pending at CPS"):
        virtual.act("dave", "implement", work_order_id=order.work_order_id)
    for actor in ("bob", "carol"):
        virtual.act(actor, "approve", work_order_id=order.work_order_id)
    done = virtual.act("dave", "implement", work_order_id=order.work_order_id, wait=True, wait_timeout=7200).record
    assert done is not None and done["state"] == "completed"


def test_metadata_that_changes_leaves_the_approval_of_a_request_standing(virtual: VirtualBench) -> None:
    """E24, E18-E20: a description is in no CSR and no order."""
    virtual.prepare(approvals={"enroll": 1, "push": 0})
    virtual.enroll()
    [request] = virtual.requests()
    virtual.act("bob", "approve", request_id=request.request_id)
    virtual.enroll(description="said later", attributes={"team": "web"})
    [request] = virtual.requests()
    assert request.state == "issued" and request.wish["description"] == "said later"


def test_an_edit_at_control_center_that_replaces_the_approved_change_is_not_pushed_to(bench: Bench) -> None:
    """Design §5: CPS takes an edit only in place of the open change, and nobody approved the one that is there then."""
    bench.issued()
    bench.group(approvals={"push": 1})
    record = bench.push(wait=False).record
    assert record is not None
    bench.act("bob", "approve", work_order_id=record["work_order_id"])
    with bench.store.read() as unit:
        [device], [request] = unit.devices.find(), unit.requests.find()
    client = client_of(device, bench.store, bench.clock, bench.environment)
    enrollment_id = int(request.key_reference["enrollment_id"])
    over = {"networkConfiguration": {"quicEnabled": True}}
    body = enrollment_update(client.get_enrollment(enrollment_id).raw, over)
    client.update_enrollment(enrollment_id, body, allow_cancel_pending_changes=True)
    bench.calls()
    with pytest.raises(StateError) as caught:
        bench.act("dave", "implement", work_order_id=record["work_order_id"])
    assert caught.value.code == "no_open_change"
    assert [method for method, _path in bench.calls() if method != "GET"] == []


# -- time ----------------------------------------------------------------------------------------------------------


def test_an_approval_that_expires_while_it_waits_is_taken_back_by_whoever_looks(virtual: VirtualBench) -> None:
    """Design §5: an expired one cannot be used and says so ahead of time."""
    virtual.issued()
    virtual.group(approvals={"push": 1, "valid_hours": 2})
    virtual.push(manual_implementation=True)
    [order] = virtual.orders()
    virtual.act("bob", "approve", work_order_id=order.work_order_id)
    ends = to_text(virtual.clock.moment + timedelta(hours=2))
    assert f"its approvals expire at {ends}" in gate.waits_for(virtual.orders()[0], virtual.clock.moment)
    assert virtual.run_due()["next_due_at"] == ends
    virtual.advance(hours=2)
    told = virtual.run_due()
    [after] = virtual.orders()
    assert (after.state, after.reason, after.approvals) == ("submitted", "approval_expired", ())
    assert told["done"][0]["from"] == "approved" and told["next_due_at"] is None
