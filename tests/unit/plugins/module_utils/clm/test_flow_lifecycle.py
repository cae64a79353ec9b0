# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The runner of due work, from run to run: its limits, what it tells, what stops nothing, renewals over generations."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from ansible_collections.edgecert.clm.plugins.module_utils._ca.answer_base import Answer, Issued, Rejected
from ansible_collections.edgecert.clm.plugins.module_utils._ca.base import RenewalHint
from ansible_collections.edgecert.clm.plugins.module_utils._ca.capability_base import Capabilities
from ansible_collections.edgecert.clm.plugins.module_utils._clm import due, lifecycle
from ansible_collections.edgecert.clm.plugins.module_utils._clm.lineage import parent_id
from ansible_collections.edgecert.clm.plugins.module_utils._core.clock import from_text, to_text
from ansible_collections.edgecert.clm.plugins.module_utils._core.errors import (
    ClmError,
    InputError,
    StateError,
    StoreError,
)
from ansible_collections.edgecert.clm.plugins.module_utils._core.types import Certificate
from ansible_collections.edgecert.clm.tests.support.flow import Bench, StubCa
from ansible_collections.edgecert.clm.tests.support.meanwhile import signing
from ansible_collections.edgecert.clm.tests.support.virtual_bench import VirtualBench

WWW = "www.example.com"
RENEWS: dict[str, Any] = {"auto_renew": {"enabled": True}}


def live(bench: VirtualBench, *names: str, group: dict[str, Any] | None = None, **form: Any) -> None:
    """Have certificates that renew by themselves and serve on production."""
    bench.prepare(**{"push_automatically": True, **(group or {})})
    for name in names or (WWW,):
        bench.live(name, **{**RENEWS, **form})


def window(bench: VirtualBench, name: str = WWW) -> datetime:
    """Give when a third of a certificate's life is left."""
    one = bench.certificate(name)
    assert one.not_before is not None and one.not_after is not None
    return one.not_after - (one.not_after - one.not_before) / 3


def to_window(bench: VirtualBench, name: str = WWW) -> None:
    """Let time pass until the window of a certificate opens."""
    bench.clock.moment = max(window(bench, name), bench.clock.moment)
    bench.cps.settle()


def kinds(told: dict[str, Any]) -> list[str]:
    """Name the kinds of what was done."""
    return [entry["kind"] for entry in told["done"]]


# -- one run after the other ---------------------------------------------------------------------------------------


def test_a_renewal_goes_from_its_window_to_staging_by_itself(virtual: VirtualBench) -> None:
    """E3, A5, W4: the operator calls when the last call said, and nothing else."""
    live(virtual)
    due_at = virtual.run_due()["next_due_at"]
    assert due_at == to_text(window(virtual))
    virtual.clock.moment = from_text(due_at) + timedelta(seconds=1)
    told = virtual.run_until_quiet()
    assert [kind for one in told for kind in kinds(one)] == [
        "renewals",
        "retrievals",
        "automatic_pushes",
        "pushes",
        "pushes",
    ]
    assert [request.state for request in virtual.requests()] == ["issued", "issued"]
    assert [(order.state, order.is_automatic) for order in virtual.orders()] == [
        ("completed", False),
        ("completed", True),
    ]
    assert all(one["failures"] == [] for one in told) and virtual.cps.refused == []
    assert virtual.store.verify_audit() == []


def test_nothing_due_is_no_call_and_no_write(virtual: VirtualBench) -> None:
    """W4: a schedule may run it every minute."""
    live(virtual)
    lines, calls = virtual.audited(), virtual.cps.calls.total()
    for _minute in range(3):
        told = virtual.run_due()
        assert (told["done"], told["waiting"], told["failures"], told["calls"]) == ([], [], [], 0)
    assert (virtual.audited(), virtual.cps.calls.total()) == (lines, calls)


@pytest.mark.parametrize("kind", due.KINDS)
def test_only_what_is_asked_for_is_done(virtual: VirtualBench, kind: str) -> None:
    """W4: each kind alone; what it leads to waits for a call that is asked for it."""
    live(virtual, "a.example.com", "b.example.com", "c.example.com")
    to_window(virtual, "c.example.com")
    virtual.run_due(only=["renewals"])
    virtual.advance(minutes=5)
    virtual.run_due(only=["retrievals"], limit=1)
    told = virtual.run_due(only=[kind])
    assert kinds(told) == [kind] * {"retrievals": 2, "automatic_pushes": 1}.get(kind, 0)
    assert {entry["kind"] for entry in told["waiting"]} <= {kind}


def test_the_nearest_expiry_is_done_first_and_a_limit_leaves_the_rest(virtual: VirtualBench) -> None:
    """W4: priority, limit; what is left is told with its reason, and is due at once."""
    live(virtual, "a.example.com", "b.example.com", "c.example.com")
    to_window(virtual, "c.example.com")
    told = virtual.run_due(limit=1)
    assert [entry["certificate"] for entry in told["done"]] == ["a.example.com"]
    left = {entry["certificate"]: entry["reason"] for entry in told["waiting"] if entry["reason"] == "limit"}
    assert left == {"b.example.com": "limit", "c.example.com": "limit"}
    assert told["next_due_at"] == to_text(virtual.clock.moment)
    told = virtual.run_due()
    assert [entry["certificate"] for entry in told["done"]] == ["b.example.com", "c.example.com"]


def test_once_the_budget_is_spent_nothing_new_is_begun(virtual: VirtualBench) -> None:
    """W4, D10: what is begun is done as far as it goes; the rest is told as waiting for the budget."""
    live(virtual, *(f"{letter}.example.com" for letter in "abcd"))
    to_window(virtual, "d.example.com")
    one = virtual.make_ports(virtual.store)
    told = dict(lifecycle.plan({"budget": 4}, one).execute().extra)
    assert 4 <= told["calls"] <= 6 and told["calls"] == one.calls()
    assert len(told["done"]) == 2
    left = [entry for entry in told["waiting"] if entry["reason"] == "budget"]
    assert [entry["certificate"] for entry in left] == ["c.example.com", "d.example.com"]
    assert "left for the next call by budget" in left[0]["message"]
    assert told["next_due_at"] == to_text(virtual.clock.moment)


def test_a_budget_is_counted_in_calls_that_cps_saw(bench: Bench) -> None:
    """D10: towards a running CPS."""
    bench.issued()
    bench.push(wait=False)
    for first in ("b", "c"):
        bench.enroll(common_name=bench.name(first), wait=False)
    seen: list[Any] = []
    bench.calls()

    def calls() -> int:
        seen.extend(bench.calls())
        return len(seen)

    bench.ports = replace(bench.ports, calls=calls)
    bench.advance(30)
    told = bench.run_due(budget=1)
    assert told["calls"] == len(seen) >= 1
    assert [entry["reason"] for entry in told["waiting"]].count("budget") >= 1


@pytest.mark.parametrize("option", ["limit", "budget"])
def test_a_limit_of_nothing_is_refused(virtual: VirtualBench, option: str) -> None:
    with pytest.raises(InputError, match=f"{option} is 0"):
        virtual.run_due(**{option: 0})


def test_until_a_time_one_call_goes_on_and_sleeps_in_between(virtual: VirtualBench) -> None:
    """W4: it does what becomes due meanwhile, and ends before what is due later."""
    live(virtual)
    to_window(virtual)
    ends = virtual.clock.moment + timedelta(hours=3)
    told = virtual.run_due(until=to_text(ends))
    assert virtual.orders()[-1].state == "completed"
    assert kinds(told)[0] == "renewals" and kinds(told)[-1] == "pushes"
    assert told["waiting"] == [] and told["failures"] == []
    assert virtual.clock.moment < ends < from_text(told["next_due_at"])


def test_until_a_time_that_is_past_is_refused(virtual: VirtualBench) -> None:
    with pytest.raises(InputError) as caught:
        virtual.run_due(until=to_text(virtual.clock.moment - timedelta(minutes=1)))
    assert caught.value.code == "time_passed"


def test_check_mode_tells_from_the_store_alone_what_would_be_begun(virtual: VirtualBench) -> None:
    """W4: no call and no write."""
    live(virtual, "a.example.com", "b.example.com")
    to_window(virtual, "b.example.com")
    lines, calls = virtual.audited(), virtual.cps.calls.total()
    plan = lifecycle.plan({}, replace(virtual.make_ports(virtual.store), check_mode=True))
    assert plan.changed
    assert [(entry["kind"], entry["certificate"]) for entry in plan.extra["done"]] == [
        ("renewals", "a.example.com"),
        ("renewals", "b.example.com"),
    ]
    assert (virtual.audited(), virtual.cps.calls.total()) == (lines, calls)
    assert [entry["certificate"] for entry in virtual.run_due()["done"]] == ["a.example.com", "b.example.com"]


# -- what goes wrong -----------------------------------------------------------------------------------------------


def test_what_fails_with_one_certificate_stops_no_other(virtual: VirtualBench) -> None:
    """W4: it is told, the call fails at its end unless told otherwise, and the others are done."""
    live(virtual, "a.example.com", "b.example.com")
    to_window(virtual, "b.example.com")
    with virtual.store.write() as unit:
        stored = unit.certificates.get("a.example.com")
        assert stored is not None
        unit.certificates.put(replace(stored, group="gone"))
    outcome = virtual.plan_due().execute()
    assert [entry["certificate"] for entry in outcome.extra["done"]] == ["b.example.com"]
    [failed] = outcome.extra["failures"]
    assert (failed["certificate"], failed["reason"]) == ("a.example.com", "group_missing")
    assert failed["failure"]["code"] == "group_missing"
    assert outcome.failure is not None and outcome.failure.code == "work_failed"
    assert "a.example.com" in outcome.failure.message
    assert outcome.extra["next_due_at"] is not None
    assert virtual.plan_due(fail=False).execute().failure is None


def test_a_ca_account_that_cannot_be_opened_stops_no_push(virtual: VirtualBench) -> None:
    """W4: not even where it would only be asked about renewals."""
    live(virtual)
    to_window(virtual)
    virtual.run_due()
    virtual.advance(minutes=5)
    virtual.run_due()

    def broken(_own: Any) -> Any:
        raise StoreError("the key is gone", code="store_key_wrong")

    virtual.wrap_ca = broken
    virtual.advance(hours=1)
    told = virtual.run_due(fail=False)
    assert [entry["reason"] for entry in told["failures"]] == ["hint_failed"]
    assert virtual.orders()[-1].state == "completed"


def test_while_cps_is_down_everything_waits_and_is_told_when_to_try_again(virtual: VirtualBench) -> None:
    """W4: next_due_at is there although nothing is to come by itself."""
    live(virtual)
    to_window(virtual)
    virtual.cps.is_down = True
    told = virtual.run_due()
    assert [entry["reason"] for entry in told["waiting"]] == ["no_answer"] and told["failures"] == []
    assert told["next_due_at"] == to_text(virtual.clock.moment + timedelta(minutes=1))
    virtual.cps.is_down = False
    virtual.advance(minutes=1)
    assert kinds(virtual.run_due()) == ["renewals"]


def test_a_frozen_group_is_told_as_waiting_until_the_freeze_ends(virtual: VirtualBench) -> None:
    """G, W4: the next call is due when the freeze ends, not every minute."""
    live(virtual)
    to_window(virtual)
    begin, end = virtual.clock.moment - timedelta(hours=1), virtual.clock.moment + timedelta(days=2)
    frozen = {"name": "sales", "starts_at": to_text(begin), "ends_at": to_text(end), "kinds": ["enroll", "push"]}
    virtual.group(freeze_windows=(frozen,))
    calls = virtual.cps.calls.total()
    told = virtual.run_due()
    [waiting] = told["waiting"]
    assert (waiting["reason"], waiting["certificate"]) == ("frozen", WWW) and to_text(end) in waiting["message"]
    assert told["next_due_at"] == waiting["next_look_at"] == to_text(end) and told["failures"] == []
    assert virtual.cps.calls.total() == calls
    virtual.clock.moment = end
    assert kinds(virtual.run_due()) == ["renewals"]


@pytest.mark.parametrize("kind", ["enroll", "push"])
def test_a_freeze_of_one_kind_holds_back_that_kind_alone(virtual: VirtualBench, kind: str) -> None:
    """G: enrolments frozen, or pushes."""
    live(virtual)
    to_window(virtual)
    begin, end = virtual.clock.moment - timedelta(hours=1), virtual.clock.moment + timedelta(days=2)
    frozen = {"name": "sales", "starts_at": to_text(begin), "ends_at": to_text(end), "kinds": [kind]}
    virtual.group(freeze_windows=(frozen,))
    told = virtual.run_until_quiet(hours=6)
    assert len(virtual.requests()) == (1 if kind == "enroll" else 2)
    assert len(virtual.orders()) == 1 and told[-1]["waiting"][0]["reason"] == "frozen"
    virtual.clock.moment = end
    virtual.run_until_quiet()
    assert virtual.orders()[-1].state == "completed" and len(virtual.orders()) == 2


def test_a_change_that_somebody_else_opened_is_waited_for_and_never_cancelled(virtual: VirtualBench) -> None:
    """E3, cps-protocol §5.5."""
    live(virtual)
    to_window(virtual)
    [enrollment] = virtual.cps.enrollments.values()
    theirs = virtual.cps.open_change(enrollment, "modify-certificate")
    theirs.phase = "verifying"
    told = virtual.run_due()
    assert [entry["reason"] for entry in told["waiting"]] == ["change_pending"]
    assert str(theirs.change_id) in told["waiting"][0]["message"]
    assert len(virtual.requests()) == 1 and enrollment.change is theirs
    virtual.advance(hours=1)
    virtual.cps.acknowledge_production(enrollment)
    virtual.advance(hours=2)
    assert kinds(virtual.run_due()) == ["renewals"]


class NoCa(StubCa):
    """A CA that refuses everything."""

    def __init__(self) -> None:
        super().__init__(lambda _csr: Rejected("not today"))


def test_a_renewal_that_the_ca_refuses_is_tried_again_later_and_later_and_then_told(virtual: VirtualBench) -> None:
    """E3, W4: after 1, 2, 4 and 8 hours; five times in all, at one place, and then a person has to look."""
    live(virtual)
    to_window(virtual)
    virtual.use_ca(NoCa())
    virtual.run_until_quiet(hours=72)
    tries = [request.updated_at for request in virtual.requests() if request.state == "failed"]
    waits = [later - earlier for earlier, later in zip(tries, tries[1:], strict=False) if earlier and later]
    assert [round(wait.total_seconds() / 3600) for wait in waits] == [1, 2, 4, 8]
    assert len({str(r.key_reference) for r in virtual.requests() if r.state == "failed"}) == 1
    told = virtual.run_due(fail=False)
    [stuck] = told["failures"]
    assert (stuck["reason"], stuck["certificate"]) == ("renewal_stopped", WWW) and "not today" in stuck["message"]
    assert (told["done"], told["waiting"], told["next_due_at"]) == ([], [], None)
    virtual.wrap_ca = lambda own: own
    record = virtual.enroll(action="renew", force=True).record
    assert record is not None and record["state"] == "issued"
    assert virtual.run_due()["failures"] == []


@pytest.mark.parametrize("action", ["reject", "cancel"])
def test_a_renewal_that_a_person_stopped_stays_stopped(virtual: VirtualBench, action: str) -> None:
    """E3, W5: it is told with each call, and not begun again."""
    live(virtual)
    virtual.group(approvals={"enroll": 1, "push": 0})
    to_window(virtual)
    virtual.run_due()
    virtual.act("bob", action, request_id=virtual.requests()[-1].request_id, comment="we move to another CA")
    for _day in range(2):
        told = virtual.run_due(fail=False)
        assert [entry["reason"] for entry in told["failures"]] == ["renewal_stopped"] and told["done"] == []
        virtual.advance(days=1)
    assert len(virtual.requests()) == 2


@pytest.mark.parametrize("change", [True, False], ids=["cancel-change", "request-alone"])
def test_taking_back_what_a_failed_renewal_left_does_not_stop_renewing(virtual: VirtualBench, change: bool) -> None:
    """E3, W4, W1: it failed all the same; the next one waits its hour from the failure on, and is issued."""
    live(virtual)
    to_window(virtual)
    virtual.use_ca(NoCa())
    virtual.run_until_quiet(hours=0.5)
    failed = virtual.requests()[-1]
    assert (failed.state, failed.reason) == ("failed", "ca_rejected")
    virtual.advance(minutes=30)
    virtual.act("bob", "cancel", request_id=failed.request_id, cancel_change=change, comment="tidied up")
    after = virtual.requests()[-1]
    assert (after.state, after.reason, after.request_id) == ("cancelled", "ca_rejected", failed.request_id)
    virtual.wrap_ca = lambda own: own
    told = virtual.run_due(only=["renewals"])
    assert failed.updated_at is not None and (told["done"], told["failures"]) == ([], [])
    assert told["next_due_at"] == to_text(failed.updated_at + timedelta(hours=1))
    virtual.run_until_quiet()
    assert [request.state for request in virtual.requests()] == ["issued", "cancelled", "issued"]


def test_a_renewal_under_review_waits_for_its_approval_and_then_goes_on(virtual: VirtualBench) -> None:
    """E3, W2: the runner asked for it, so anybody who may approve does."""
    live(virtual)
    virtual.group(approvals={"enroll": 1, "push": 0})
    to_window(virtual)
    calls = virtual.cps.calls.total()
    told = virtual.run_due()
    request = virtual.requests()[-1]
    assert (request.state, request.renews["automatic"]) == ("submitted", True)
    assert told["waiting"][0]["message"].startswith("waits for approval 1 of 1")
    assert virtual.cps.calls.total() == calls and virtual.run_due()["done"] == []
    virtual.act("bob", "approve", request_id=request.request_id)
    virtual.run_until_quiet()
    assert [r.state for r in virtual.requests()] == ["issued", "issued"]
    assert virtual.orders()[-1].state == "completed"


# -- two at once, and leases ---------------------------------------------------------------------------------------


def at_call(bench: VirtualBench, number: int, act: Callable[[], None]) -> None:
    """Let something happen once, at the call with that number."""
    left = iter(range(number))

    def called(_name: str) -> None:
        if next(left, None) is None:
            bench.cps.at_call = None
            act()

    bench.cps.at_call = called


@pytest.mark.parametrize("number", range(4))
@pytest.mark.parametrize("stage", ["renewal", "order", "push"])
def test_two_runs_at_once_do_nothing_twice(virtual: VirtualBench, stage: str, number: int) -> None:
    """W4, W5: the second runs whole in the middle of the first, at any of its calls."""
    live(virtual)
    to_window(virtual)
    if stage != "renewal":
        virtual.run_due()
        virtual.advance(minutes=5)
    if stage == "push":
        virtual.run_due(only=["retrievals"])
    other: list[dict[str, Any]] = []

    def meet() -> None:
        store = virtual.open_store("other")
        other.append(dict(lifecycle.plan({}, virtual.make_ports(store)).execute().extra))
        store.close()

    at_call(virtual, number, meet)
    told = [virtual.run_due(), *other]
    virtual.cps.at_call = None
    assert all(one["failures"] == [] for one in told)
    virtual.run_until_quiet()
    assert [request.state for request in virtual.requests()] == ["issued", "issued"]
    assert [order.state for order in virtual.orders()] == ["completed", "completed"]
    [enrollment] = virtual.cps.enrollments.values()
    assert len(enrollment.history) == 2 and virtual.cps.calls["upload"] == 2 and virtual.cps.refused == []


def test_a_run_that_slept_through_a_whole_renewal_begins_no_second_one(virtual: VirtualBench) -> None:
    """E3, W5: it looked while the certificate was due; one successor for each parent."""
    live(virtual)
    to_window(virtual)

    def sleep() -> None:
        store = virtual.open_store("other")
        for _look in range(12):
            lifecycle.plan({}, virtual.make_ports(store)).execute()
            virtual.advance(minutes=10)
        store.close()
        virtual.to_production()

    at_call(virtual, 0, sleep)
    told = virtual.run_due()
    assert [entry["reason"] for entry in told["waiting"]] == ["conflict"] and told["failures"] == []
    virtual.run_until_quiet()
    assert [request.state for request in virtual.requests()] == ["issued", "issued"]
    [enrollment] = virtual.cps.enrollments.values()
    assert len(enrollment.history) == 2


def test_a_run_that_was_planned_before_another_one_ran_finds_nothing_left(virtual: VirtualBench) -> None:
    """W4: what is due is looked up when it is done."""
    live(virtual)
    to_window(virtual)
    first = lifecycle.plan({}, virtual.make_ports(virtual.store))
    second = lifecycle.plan({}, virtual.make_ports(virtual.store))
    assert kinds(dict(first.execute().extra)) == ["renewals"]
    assert kinds(dict(second.execute().extra)) == []
    assert len(virtual.requests()) == 2


def test_a_lease_that_another_run_holds_is_waited_for_and_one_that_expired_is_dropped(virtual: VirtualBench) -> None:
    """W4, W5: a killed run gives nothing back; time does."""
    live(virtual)
    to_window(virtual)
    virtual.run_due()
    name = f"request:{virtual.requests()[-1].request_id}"
    other = virtual.open_store("a run that was killed")
    held = other.lease(name, 400)
    held.__enter__()
    virtual.advance(minutes=5)
    told = virtual.run_due()
    assert [entry["reason"] for entry in told["waiting"]] == ["lease_held"] and told["failures"] == []
    assert told["next_due_at"] == to_text(virtual.clock.moment + timedelta(minutes=1))
    virtual.advance(minutes=5)
    told = virtual.run_due(only=["leases"])
    assert told["done"] == [
        {"kind": "leases", "lease": name, "message": "the lease of a run that was killed had expired"}
    ]
    assert kinds(virtual.run_due())[0] == "retrievals"
    held.__exit__(None, None, None)
    other.close()


# -- generations ---------------------------------------------------------------------------------------------------


def renew_once(bench: VirtualBench) -> Certificate:
    """Let one renewal happen and go to production; gives the certificate that it followed."""
    before = bench.certificate()
    to_window(bench)
    bench.run_until_quiet()
    bench.to_production()
    assert bench.certificate().fingerprint != before.fingerprint
    return before


def test_three_generations_stand_in_line(virtual: VirtualBench) -> None:
    """E3: ids, links both ways, the setting moves on by itself and is off on the parents; one request for each."""
    live(virtual, generic={"tracking_id": "CHG-7"})
    line = [renew_once(virtual) for _generation in range(3)]
    newest = virtual.certificate()
    ids = [parent_id(one) for one in line]
    for number, kept in enumerate(ids):
        parent = virtual.certificate(kept)
        assert (parent.state, parent.fingerprint) == ("superseded", line[number].fingerprint)
        assert parent.successor == (ids[number + 1] if number < 2 else WWW)
        assert parent.parent == (ids[number - 1] if number else "")
        assert (parent.auto_renew, parent.auto_regenerate) == ({}, {})
    assert (newest.parent, newest.successor) == (ids[-1], "")
    assert newest.auto_renew == {"enabled": True}
    requests = virtual.requests()
    assert [r.renews.get("request_id") for r in requests[1:]] == [r.request_id for r in requests[:-1]]
    assert {request.tracking_id for request in requests} == {"CHG-7"}
    assert len({str(request.csrs) for request in requests}) == 4, "each has a key of its own"


def test_a_renewal_that_a_person_asks_for_inherits_no_setting(virtual: VirtualBench) -> None:
    """E3: only the toggle hands itself on."""
    live(virtual)
    to_window(virtual)
    record = virtual.enroll(action="renew").record
    assert record is not None and record["state"] == "issued"
    newest = virtual.certificate()
    assert newest.auto_renew == {} and virtual.certificate(newest.parent).auto_renew == {}
    virtual.run_until_quiet()
    virtual.to_production()
    virtual.advance(days=40)
    assert virtual.run_due()["done"] == [] and len(virtual.requests()) == 2


def test_a_regeneration_happens_by_itself_too(virtual: VirtualBench) -> None:
    """E4: action, key and setting."""
    live(virtual, auto_renew={}, auto_regenerate={"enabled": True, "days_before": 20})
    to_window(virtual)
    virtual.run_until_quiet()
    first, second = virtual.requests()
    assert (second.action, second.state) == ("regenerate", "issued") and first.csrs != second.csrs
    assert virtual.certificate().auto_regenerate["enabled"] is True


class Asking(StubCa):
    """A CA that has a say about renewals, and counts how often it is asked."""

    def __init__(self, make: Callable[[str], Answer]) -> None:
        super().__init__(make)
        self.asked = 0
        self.is_away = False

    def capabilities(self) -> Capabilities:
        """Promise hints."""
        return replace(super().capabilities(), gives_renewal_hints=True)

    def renewal_hint(self, bundle_leaf_pem: str) -> RenewalHint | None:
        """Answer, or be away."""
        self.asked += 1
        if self.is_away:
            raise StateError("the CA does not answer", code="no_answer")
        return self.hint


def asking(bench: VirtualBench) -> Asking:
    """Let every certificate be of a CA that asks for renewals."""
    hand: Any = bench
    made = Asking(signing(hand))
    bench.use_ca(made)
    return made


def test_a_ca_is_asked_about_renewals_every_six_hours_at_most_and_heard(virtual: VirtualBench) -> None:
    """E3, RFC 9773 §4.3.2."""
    ca = asking(virtual)
    live(virtual)
    for _hour in range(13):
        virtual.run_due()
        virtual.advance(hours=1)
    assert ca.asked == 3
    ca.hint = RenewalHint(virtual.clock.moment - timedelta(days=1), virtual.clock.moment, "ARI")
    virtual.advance(hours=6)
    told = virtual.run_due()
    assert ca.asked == 4 and kinds(told) == ["renewals"]
    assert "its CA asks for a renewal" in virtual.requests()[-1].comment
    ca.hint = None
    virtual.run_until_quiet()
    newest = virtual.certificate()
    assert "ca_hint" not in str(virtual.requests()[-1].wish), "what a CA said of one certificate is not the next one's"
    assert newest.parent and len(virtual.requests()) == 2


@pytest.mark.parametrize(("told", "hours"), [(60.0, 1), (2 * 3600.0, 2), (30 * 86400.0, 7 * 24)])
def test_a_ca_says_when_it_wants_to_be_asked_again_within_bounds(
    virtual: VirtualBench, told: float, hours: int
) -> None:
    """E3, RFC 9773 §4.3: Retry-After of the renewal information."""
    ca = asking(virtual)
    live(virtual)
    ca.hint = RenewalHint(virtual.clock.moment + timedelta(days=60), None, "ARI", told)
    virtual.run_due()
    asked = ca.asked
    virtual.advance(hours=hours - 0.1)
    virtual.run_due()
    assert ca.asked == asked
    virtual.advance(hours=0.2)
    virtual.run_due()
    assert ca.asked == asked + 1


def test_a_ca_that_cannot_be_asked_keeps_its_last_word_and_stops_nothing(virtual: VirtualBench) -> None:
    """E3."""
    ca = asking(virtual)
    live(virtual)
    ca.hint = RenewalHint(virtual.clock.moment + timedelta(days=5), None, "ARI")
    virtual.run_due()
    ca.is_away = True
    virtual.advance(hours=6)
    told = virtual.run_due(fail=False)
    assert [entry["reason"] for entry in told["failures"]] == ["hint_failed"] and WWW in told["failures"][0]["message"]
    assert told["next_due_at"] == to_text(ca.hint.at)


# -- automatic pushes ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("connector", "group"), [(True, True), (True, False), (False, True)])
def test_only_what_both_allow_is_pushed_by_itself_and_only_once_renewed(
    virtual: VirtualBench, connector: bool, group: bool
) -> None:
    """A5, W2: then nobody is asked for an approval; else a person pushes, and two approve."""
    live(virtual, group={"push_automatically": group})
    virtual.group(approvals={"push": 2})
    virtual.connector(push_automatically=connector)
    virtual.run_due()
    assert len(virtual.orders()) == 1, "what was enrolled by a person is pushed by a person"
    to_window(virtual)
    virtual.run_until_quiet()
    assert virtual.requests()[-1].state == "issued"
    pushed = [order for order in virtual.orders() if order.is_automatic]
    assert [order.state for order in pushed] == ["completed"] * (connector and group)
    virtual.run_until_quiet()
    assert len(virtual.orders()) == 1 + len(pushed)


def test_an_automatic_push_is_proved_at_the_edges_of_the_last_one(virtual: VirtualBench) -> None:
    """A5, U6: where a person named edge addresses for a push, renewals are looked at there too."""
    live(virtual)
    [last] = virtual.orders()
    assert last.created_at is not None
    earlier: dict[str, Any] = {"work_order_id": "wo-zzz", "edges": {"staging": ["192.0.2.9"]}}
    earlier["created_at"] = last.created_at - timedelta(days=1)
    with virtual.store.write() as unit:
        unit.work_orders.put(replace(last, edges={"staging": ["192.0.2.1"]}))
        unit.work_orders.add(replace(last, **earlier, fingerprints={"ECDSA": "of another certificate"}))
    to_window(virtual)
    virtual.run_due()
    virtual.advance(minutes=5)
    virtual.run_due()
    assert virtual.orders()[-1].is_automatic and virtual.orders()[-1].edges == {"staging": ["192.0.2.1"]}


def test_an_automatic_push_that_could_not_be_proved_is_not_begun_and_told_each_time(virtual: VirtualBench) -> None:
    """A5, U6: the group wants a handshake and nobody ever named an edge server; nothing is sent until somebody does."""
    live(virtual)
    virtual.group(proof={"staging": "handshake"})
    to_window(virtual)
    virtual.run_due()
    for _run in range(2):
        virtual.advance(hours=1)
        told = virtual.run_due(fail=False)
        assert [entry["reason"] for entry in told["failures"]] == ["edge_needed"]
        assert "rule proof.staging" in told["failures"][0]["message"]
    assert len(virtual.orders()) == 1


def test_an_automatic_push_that_failed_is_not_tried_again_by_itself(virtual: VirtualBench) -> None:
    """A5: once; the failure is told when it happens, and a person decides."""
    live(virtual)
    to_window(virtual)
    virtual.run_due()
    virtual.advance(minutes=5)
    virtual.run_due()
    [enrollment] = virtual.cps.enrollments.values()
    virtual.cps.cancel_change(enrollment)
    virtual.advance(hours=1)
    told = virtual.run_due(fail=False)
    assert [entry["reason"] for entry in told["failures"]] == ["no_open_change"]
    assert virtual.orders()[-1].state == "failed"
    virtual.advance(hours=2)
    again = virtual.run_due(fail=False)
    assert again["done"] == [] and again["failures"] == [] and len(virtual.orders()) == 2


def test_an_error_never_hides_what_was_done(virtual: VirtualBench) -> None:
    """W4: a run that fails tells its steps all the same."""
    live(virtual, "a.example.com", "b.example.com")
    to_window(virtual, "b.example.com")
    virtual.run_due()
    virtual.advance(minutes=5)
    # The CA signs one order and refuses the other.
    answers = iter([True, False])
    hand: Any = virtual
    sign = signing(hand)

    def answer(csr_pem: str) -> Answer:
        made = sign(csr_pem) if next(answers) else Rejected("not this one")
        assert isinstance(made, (Issued, Rejected))
        return made

    virtual.use_ca(StubCa(answer))
    outcome = virtual.plan_due(only=["retrievals"]).execute()
    assert isinstance(outcome.failure, ClmError) and outcome.failure.details["reasons"] == ["ca_rejected"]
    assert [entry["certificate"] for entry in outcome.extra["done"]] == ["a.example.com"]
    assert [entry["certificate"] for entry in outcome.extra["failures"]] == ["b.example.com"]
    assert any("a.example.com" in step or "CSR" in step for step in outcome.extra["steps"])


# -- in rounds -----------------------------------------------------------------------------------------------------


def rounds(bench: VirtualBench, hours: float, **options: Any) -> list[dict[str, Any]]:
    """Call in rounds as the role does, until it is over; gives what every call told."""
    told: list[dict[str, Any]] = []
    until = to_text(bench.clock.moment + timedelta(hours=hours))
    while not told or not told[-1]["is_over"]:
        bench.cps.settle()
        told.append(bench.run_due(**{"until": until, "round": 60, "fail": False, **options}))
        assert len(told) < 2000, told[-1]
    return told


def test_rounds_do_what_one_long_call_does_and_ask_nobody_in_between(virtual: VirtualBench) -> None:
    """W4: a round that has nothing to do makes no call, lasts as long as it was given, and tells how far it is."""
    live(virtual)
    to_window(virtual)
    told = rounds(virtual, 12)
    assert [kind for one in told for kind in kinds(one)][-1] == "pushes" and virtual.orders()[-1].state == "completed"
    quiet = [one for one in told if not one["done"] and not one["waiting"] and not one["is_over"]]
    assert len(quiet) > 5 and {one["calls"] for one in quiet} == {0}
    times = [from_text(one["at"]) for one in told]
    # A round lasts a minute; one with calls in it also as long as those take.
    pauses = {(later - one).total_seconds() for one, later in zip(times, times[1:], strict=False)}
    assert min(pauses) >= 0 and max(pauses) <= 62
    moving = [entry for one in told for entry in one["waiting"] if entry["is_moving"]]
    assert {entry["label"] for entry in moving} >= {"Deploying to staging"}
    assert {entry["next"] for entry in moving} >= {"it is proved on staging"}
    assert all(from_text(entry["since"]) <= times[-1] for entry in moving)
    assert told[-1]["is_over"] and {one["until"] for one in told} == {told[0]["until"]}


def test_a_wait_in_rounds_ends_when_its_time_is_over(virtual: VirtualBench) -> None:
    live(virtual)
    to_window(virtual)
    began = virtual.clock.moment
    told = rounds(virtual, 0.1)
    assert virtual.clock.moment - began <= timedelta(minutes=7) and len(told) <= 8
    assert virtual.run_due(until=to_text(began), round=60, fail=False)["is_over"], "a round may have taken longer"


def test_only_the_work_of_a_certificate_is_done_where_one_is_named(virtual: VirtualBench) -> None:
    live(virtual, WWW, "other.example.com")
    to_window(virtual, "other.example.com")
    virtual.run_due(certificate=["other.example.com"], wait_timeout=3600, round=60)
    assert len(virtual.requests()) == 1 and len(virtual.requests("other.example.com")) == 2


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"round": 60}, "round goes with until or wait_timeout"),
        ({"round": 0, "wait_timeout": 60}, "round is 0; give a number from 1"),
        ({"until": "2099-01-01T00:00:00Z", "wait_timeout": 60}, "leave one of them out"),
        ({"until": "2001-01-01T00:00:00Z"}, "is in the past"),
        ({"action": "replace", "certificate": [WWW]}, "certificate goes with action: due alone"),
        ({"action": "stop", "round": 60}, "round goes with action: due and replace alone"),
    ],
)
def test_a_wait_that_makes_no_sense_is_refused(virtual: VirtualBench, options: dict[str, Any], words: str) -> None:
    with pytest.raises(InputError, match=words):
        virtual.run_due(**options)
