# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Many changes wait for one list of their contract, and what the lists cannot tell is asked all the same."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.edgecert.clm.plugins.module_utils._clm import patience
from ansible_collections.edgecert.clm.plugins.module_utils._cps.changes import ChangeError, ChangeRecord
from ansible_collections.edgecert.clm.plugins.module_utils._cps.client import CpsClient
from ansible_collections.edgecert.clm.tests.support.flow import Bench

HOUR_S = 3600
# What a network serves, and which changes are open; or the latter alone.
LIVE, OPEN = {"active-certificates": 1}, {"enrollments": 1}
LISTS = {*LIVE, *OPEN}


def many(bench: Bench, count: int = 4, network: str = "staging") -> list[str]:
    """Have so many work orders whose certificates CPS has begun to deploy; give the certificates."""
    bench.prepare()
    bench.sandbox.configure({"staging_s": HOUR_S, "production_s": HOUR_S})
    names = [bench.name(f"c{number}") for number in range(count)]
    for name in names:
        bench.enroll(common_name=name)
        bench.connector(certificate=name)
        bench.push(certificate=name, network=network, wait=False)
    until(bench, "deploying_staging")
    return names


def until(bench: Bench, state: str) -> None:
    """Do what is due until every work order is in a state."""
    for _minute in range(200):
        with bench.store.read() as unit:
            if {order.state for order in unit.work_orders.find()} == {state}:
                return
        report = bench.run_due()
        assert report["failures"] == [], report["failures"]
        bench.advance(60)
    raise AssertionError(f"the work orders never came to {state}")


def round_of(bench: Bench) -> Counter[str]:
    """Wait until all that waits is due, do it, and count the calls by the last part of their path."""
    with bench.store.read() as unit:
        looks = [order.next_look_at for order in unit.work_orders.find()]
    last = max(at for at in looks if at is not None)
    bench.advance((last - bench.clock.now()).total_seconds() + 1)
    bench.calls()
    report = bench.run_due()
    assert report["failures"] == [], report["failures"]
    return Counter(path.split("?")[0].rsplit("/", 1)[1] for _method, path in bench.calls())


@pytest.mark.parametrize("count", [4, 9])
def test_a_round_in_which_nothing_moved_costs_one_list(bench: Bench, count: int) -> None:
    """Design §6: for a contract, however many wait there."""
    many(bench, count)
    assert round_of(bench) == LIVE


def test_production_is_waited_for_by_the_list_of_what_is_open(bench: Bench) -> None:
    """Design §6: what is live is listed where a change has ended, once for all that have."""
    many(bench, network="production")
    bench.sandbox.advance(HOUR_S)
    until(bench, "deploying_production")
    assert round_of(bench) == OPEN
    bench.sandbox.advance(HOUR_S)
    until(bench, "completed")
    with bench.store.read() as unit:
        proved = [{entry["network"] for entry in order.evidence} for order in unit.work_orders.find()]
    assert proved == [{"staging", "production"}] * 4


def test_production_is_waited_for_by_the_list_that_staging_needs(bench: Bench) -> None:
    """Design §6: it tells which changes are open, too, so that one list does for both."""
    first, *_others = many(bench)
    with bench.store.write() as unit:
        [order] = unit.work_orders.find(certificate_id=first)
        unit.work_orders.put(replace(order, state="deploying_production", network="production"))
    assert round_of(bench) == LIVE


def test_few_are_asked_for_one_by_one(bench: Bench) -> None:
    """A list would cost as much, and more to read."""
    many(bench, 2)
    assert not set(round_of(bench)) & LISTS


def test_where_the_list_of_what_is_live_is_refused_each_change_is_asked(bench: Bench) -> None:
    """cps-protocol §4.3: it is not open to every account."""
    many(bench)
    bench.sandbox.configure({"active_certificates_available": False})
    calls = round_of(bench)
    assert calls["enrollments"] == calls["active-certificates"] == 1
    assert sum(calls.values()) == 2 + 4, calls


def test_production_needs_no_list_of_what_is_live(bench: Bench) -> None:
    """cps-protocol §4.3: nor does it have to be open to the account."""
    many(bench, network="production")
    bench.sandbox.configure({"active_certificates_available": False})
    bench.sandbox.advance(HOUR_S)
    until(bench, "deploying_production")
    assert round_of(bench) == OPEN


@pytest.mark.parametrize("path", [r"/enrollments\?", "/active-certificates"])
def test_a_list_that_fails_keeps_nothing_from_being_done(bench: Bench, path: str) -> None:
    """Design §6: each is asked by itself then, and the list is not tried again for each."""
    many(bench)
    bench.sandbox.configure({"active_certificates_available": path == "/active-certificates"})
    bench.sandbox.fault("forbidden", method="GET", path=path, times=1)
    calls = round_of(bench)
    assert calls["active-certificates"] == calls["enrollments"] == 1 and sum(calls.values()) > 4, calls


def test_a_change_that_fails_while_it_deploys_is_found_out(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """No list tells it: the change itself is asked from time to time."""
    many(bench)
    with bench.store.read() as unit:
        failed = unit.work_orders.find()[1]
    read = CpsClient.get_change

    def get_change(client: CpsClient, enrollment_id: int, change_id: int) -> ChangeRecord:
        change = read(client, enrollment_id, change_id)
        if change_id != failed.change["change_id"]:
            return change
        return replace(change, state="error", error=ChangeError("SLOT", "no slot is free", None))

    monkeypatch.setattr(CpsClient, "get_change", get_change)
    told: list[dict[str, Any]] = []
    for _round in range(8):
        bench.advance(300)
        told += bench.run_due(fail=False)["failures"]
    assert [entry["work_order_id"] for entry in told] == [failed.work_order_id]
    assert "no slot is free" in told[0]["message"]


def test_a_change_that_somebody_cancelled_is_seen_in_the_list(bench: Bench) -> None:
    names = many(bench)
    with bench.store.read() as unit:
        order = unit.work_orders.find(certificate_id=names[0])[0]
        [device] = unit.devices.find()
    bench.ports.target(device).cancel(order.change)
    bench.advance(600)
    [told] = bench.run_due(fail=False)["failures"]
    assert told["work_order_id"] == order.work_order_id


def tails(bench: Bench) -> Counter[tuple[str, str]]:
    """Count the calls since the last time by method and the last part of their path."""
    return Counter((method, path.split("?")[0].rsplit("/", 1)[1]) for method, path in bench.calls())


def go_on(bench: Bench, state: str, seconds: float) -> None:
    """Do what is due, when it is, until every work order is in a state or so much time is over."""
    until_at = bench.clock.now() + timedelta(seconds=seconds)
    while bench.clock.now() < until_at:
        with bench.store.read() as unit:
            orders = unit.work_orders.find()
        if {order.state for order in orders} == {state}:
            return
        bench.run_due(fail=False)
        bench.advance(60)
    raise AssertionError(f"the work orders never came to {state}: {[order.state for order in orders]}")


def look_now(bench: Bench) -> list[tuple[str, str]]:
    """Look at everything that waits, now; give the calls: method and last part of the path."""
    with bench.store.write() as unit:
        for order in unit.work_orders.find():
            unit.work_orders.put(replace(order, next_look_at=bench.clock.now()))
    bench.calls()
    report = bench.run_due()
    assert report["failures"] == [], report["failures"]
    return [(method, path.split("?")[0].rsplit("/", 1)[1]) for method, path in bench.calls()]


def test_what_the_lists_show_on_staging_is_reviewed_before_it_is_let_go_on(bench: Bench) -> None:
    """U3+: staging serves it minutes before CPS stops there, and what is acknowledged is read directly before."""
    many(bench, network="production")
    bench.sandbox.advance(0.85 * HOUR_S)
    reads = [("GET", "active-certificates"), ("GET", "enrollments"), ("GET", "change-management-info")]
    first = look_now(bench)
    assert first in (reads, reads[:2]), "what one of them found holds for the others"
    with bench.store.read() as unit:
        assert {order.state for order in unit.work_orders.find()} <= {"deploying_staging", "on_staging"}
    bench.advance(0.3 * HOUR_S)
    sends = [("GET", "change-management-info"), ("POST", "change-management-ack")]
    assert look_now(bench) == reads[:2] + sends * 4, "the lists and the review tell all of it"


@pytest.mark.parametrize("kind", ["lost_after", "lost_before"])
def test_a_lost_reply_to_one_of_many_acknowledgements_is_looked_into(bench: Bench, kind: str) -> None:
    """Design §3: no list tells whether it was taken, so the change itself is asked, and nothing is sent twice."""
    many(bench, network="production")
    bench.sandbox.configure({"production_s": 9 * HOUR_S})
    bench.sandbox.advance(1.1 * HOUR_S)
    bench.sandbox.fault(kind, method="POST", path="change-management-ack", nth=2, times=1)
    bench.calls()
    go_on(bench, "deploying_production", 2 * HOUR_S)
    taken = 4 if kind == "lost_after" else 5
    assert tails(bench)["POST", "change-management-ack"] == taken
    assert bench.audit().count("production_acknowledged") == 4


def test_a_change_with_a_date_of_ours_is_asked_itself(bench: Bench) -> None:
    """No list shows the date."""
    names = many(bench, network="production")
    with bench.store.write() as unit:
        [order] = unit.work_orders.find(certificate_id=names[0])
        dated = {**order.change, "held_until": "2030-01-01T00:00:00Z"}
        before = replace(order, state="completed", network="staging", work_order_id="wo-before", change=dated)
        unit.work_orders.add(before)
    bench.advance(600)
    bench.calls()
    bench.run_due()
    asked = [path for method, path in bench.calls() if path.endswith(f"/changes/{order.change['change_id']}")]
    assert len(asked) == 1


@given(
    least_s=st.floats(1, 60),
    waited_s=st.floats(0, 100_000),
    place=st.text(max_size=20),
    at=st.integers(0, 4_000_000_000),
)
def test_a_look_is_neither_early_nor_much_later_than_it_should_be(
    least_s: float, waited_s: float, place: str, at: int
) -> None:
    wanted = max(least_s, min(waited_s, 300.0))
    given_s = patience.look_again_s(least_s, waited_s, place, datetime.fromtimestamp(at, timezone.utc))
    assert wanted / 2 <= given_s <= wanted * 1.5 + 1e-3


def test_those_that_wait_long_at_one_place_are_looked_at_together() -> None:
    now = datetime(2026, 11, 28, 12, tzinfo=timezone.utc)
    moments: dict[str, set[datetime]] = {}
    for place in ("a", "b", "c", "d"):
        for began in range(0, 300, 37):
            at = now + timedelta(seconds=began)
            due = at + timedelta(seconds=patience.look_again_s(10, 900, place, at))
            moments.setdefault(place, set()).add(due)
    assert all(len(found) <= 2 for found in moments.values()), moments
    assert len(set.union(*moments.values())) > 4, "and other places at other times"


# -- settings and removals -------------------------------------------------------------------------------------------


def live(bench: Bench, count: int = 4) -> list[str]:
    """Have so many certificates on production; give them."""
    bench.prepare()
    names = [bench.name(f"c{number}") for number in range(count)]
    for name in names:
        bench.enroll(common_name=name)
        bench.connector(certificate=name)
        assert dict(bench.push(certificate=name, network="production").record or {})["state"] == "completed"
    return names


def going(bench: Bench, action: str) -> set[str]:
    """Give the states of the work orders of an action."""
    with bench.store.read() as unit:
        return {order.state for order in unit.work_orders.find(action=action)}


TLS = {"disallowed_tls_versions": ["TLSv1", "TLSv1_1"]}


def test_changes_of_settings_are_waited_for_by_a_list(bench: Bench) -> None:
    """Design §6: staging is told by what the list says of its settings, production by the end of the change."""
    names = live(bench)
    bench.sandbox.configure({"staging_s": HOUR_S, "production_s": HOUR_S})
    for name in names:
        bench.push(certificate=name, action="configure", network="production", network_settings=TLS, wait=False)
    for _minute in range(60):
        bench.advance(30)
        bench.run_due()
        if going(bench, "configure") == {"deploying_staging"}:
            break
    assert round_of(bench) == LIVE
    bench.sandbox.advance(HOUR_S)
    for _round in range(10):
        bench.advance(300)
        assert bench.run_due()["failures"] == []
        if going(bench, "configure") == {"deploying_production"}:
            break
    assert round_of(bench) == OPEN
    bench.sandbox.advance(HOUR_S)
    for _round in range(4):
        bench.advance(300)
        bench.run_due()
    assert going(bench, "configure") == {"completed"}


@pytest.mark.parametrize("is_stopped", [False, True], ids=["at once", "stopped after staging"])
def test_removals_are_waited_for_by_a_list(bench: Bench, is_stopped: bool) -> None:
    """Design §6: one that is gone from the list is asked for once, and one that may have stopped is."""
    names = live(bench)
    bench.sandbox.configure({"deprovision_s": 3 * HOUR_S, "deprovision_stops": is_stopped})
    for name in names:
        bench.push(certificate=name, action="remove", wait=False)
    for _round in range(8):
        bench.advance(60)
        assert bench.run_due()["failures"] == []
    assert round_of(bench) == LIVE
    for _round in range(60):
        bench.advance(600)
        assert bench.run_due()["failures"] == []
        if is_stopped and any("change-management-ack" in path for _method, path in bench.calls()):
            bench.advance(600)
            bench.run_due()
            assert round_of(bench) == OPEN, "nothing more is to be asked for once it was let go on"
            is_stopped = False
        if going(bench, "remove") == {"completed"}:
            break
    assert going(bench, "remove") == {"completed"} and not is_stopped and bench.enrollments() == []


def test_a_removal_that_fails_while_it_is_waited_for_is_found_out(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No list tells it: the change itself is asked from time to time."""
    names = live(bench)
    bench.sandbox.configure({"deprovision_s": 9 * HOUR_S})
    for name in names:
        bench.push(certificate=name, action="remove", wait=False)
    for _round in range(8):
        bench.advance(60)
        bench.run_due()
    read = CpsClient.get_change

    def get_change(client: CpsClient, enrollment_id: int, change_id: int) -> ChangeRecord:
        change = read(client, enrollment_id, change_id)
        return replace(change, state="error", error=ChangeError("SLOT", "no slot is free", None))

    monkeypatch.setattr(CpsClient, "get_change", get_change)
    told: list[dict[str, Any]] = []
    for _round in range(8):
        bench.advance(300)
        told += bench.run_due(fail=False)["failures"]
    assert len({entry["work_order_id"] for entry in told}) == 4 and "no slot is free" in told[0]["message"]
