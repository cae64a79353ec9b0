# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""All certificates of a CA account replaced: planned, in batches, over many runs, and none ordered twice."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from ansible_collections.edgecert.clm.plugins.module_utils._ca.answer_base import Rejected
from ansible_collections.edgecert.clm.plugins.module_utils._ca.base import Order
from ansible_collections.edgecert.clm.plugins.module_utils._clm import (
    ca_accounts,
    form_csr,
    lifecycle,
    renewal,
    replacement,
    replacing,
    successors,
)
from ansible_collections.edgecert.clm.plugins.module_utils._clm.work_views import request_view
from ansible_collections.edgecert.clm.plugins.module_utils._core.clock import to_text
from ansible_collections.edgecert.clm.plugins.module_utils._core.errors import (
    InputError,
    NotFoundError,
    StateError,
    TransportError,
)
from ansible_collections.edgecert.clm.plugins.module_utils._core.governance import Group
from ansible_collections.edgecert.clm.plugins.module_utils._core.types import Certificate
from ansible_collections.edgecert.clm.tests.support.doubtful_ca import DoubtfulCa
from ansible_collections.edgecert.clm.tests.support.virtual import VirtualKeys
from ansible_collections.edgecert.clm.tests.support.virtual_bench import VirtualBench

NAMES = ("a.example.com", "b.example.com", "c.example.com", "d.example.com")
INCIDENT: dict[str, Any] = {"name": "incident", "select": {"ca": ["house"]}, "to_ca": "other"}


class Site:
    """A bench with four certificates of one CA account; what the other one does is the test's."""

    def __init__(self, bench: VirtualBench) -> None:
        self.bench = bench
        bench.prepare()
        options = {"key_type": "ec", "max_validity_days": 398}
        wanted = {"name": "other", "state": "present", "type": "own_ca", "options": options}
        ca_accounts.plan(wanted, bench.ports).execute()
        for number, name in enumerate(NAMES):
            bench.live(name, validity={"count": 47 - number, "unit": "days"}, attributes={"importance": str(number)})
        self.other = DoubtfulCa(self.signed)
        self.down: TransportError | None = None

    def signed(self, csr: str) -> Any:
        """Have the own CA sign for the names of the request that has the CSR."""
        with self.bench.store.read() as unit:
            account = unit.ca_accounts.get("other")
            request = [one for one in unit.requests.find() if csr in one.csrs.values()][-1]
        assert account is not None
        own = self.bench.make_ports(self.bench.store).ca(account)
        return own.submit(Order(form_csr.spec_of(request.wish), 30, "test", self.bench.clock.now()), csr)

    def at(self, **delta: float) -> str:
        """Give a time from now on, as text."""
        return to_text(self.bench.clock.moment + timedelta(**delta))

    def plan(self, action: str = "replace", *, check: bool = False, **changes: Any) -> Any:
        """Plan a call, as a run of its own."""
        of_call = ("limit", "budget", "until", "round", "comment")
        options: dict[str, Any] = {name: changes.pop(name) for name in of_call if name in changes}
        made = self.bench.make_ports(self.bench.store)

        def connect(account: Any) -> Any:
            return self.other if account.name == "other" else made.ca(account)

        self.bench.ports = replace(made, ca=connect, check_mode=check)
        asked = {**INCIDENT, **changes} if action == "replace" else {"name": "incident"}
        return lifecycle.plan({"action": action, "fail": False, "replacement": asked, **options}, self.bench.ports)

    def run(self, action: str = "replace", **changes: Any) -> dict[str, Any]:
        """Do it."""
        return dict(self.plan(action, **changes).execute().extra)

    def later(self, **changes: Any) -> dict[str, Any]:
        """Do it again after CPS had time to make its CSRs."""
        self.bench.advance(minutes=5)
        return self.run(**changes)

    def finish(self, **changes: Any) -> dict[str, Any]:
        """Run until nothing is under way."""
        for _run in range(12):
            told = self.later(**changes)
            if not told["replacement"]["counts"]["under_way"] and not told["replacement"]["counts"]["to_do"]:
                return told
        raise AssertionError(told)

    def accounts(self) -> list[str]:
        """Name the account of each certificate."""
        return [self.bench.certificate(name).ca for name in NAMES]

    def audit(self) -> list[str]:
        """Give the actions on record; the chain must hold."""
        assert self.bench.store.verify_audit() == []
        with self.bench.store.read() as unit:
            return [row.entry.action for row in unit.audit_rows()]


@pytest.fixture
def site(virtual: VirtualBench) -> Site:
    return Site(virtual)


def begun(told: dict[str, Any]) -> list[str]:
    """Name the certificates of the requests that a call made, in order."""
    return [one["certificate"] for one in told["done"] if one["from"] == ""]


def statuses(told: dict[str, Any]) -> dict[str, str]:
    return {one["certificate"]: one["status"] for one in told["replacement"]["certificates"]}


def test_check_mode_gives_the_whole_plan_and_leaves_nothing(site: Site) -> None:
    """E3, W4: order, calls, hours, orders and approvals, and what cannot be replaced with its reason."""
    with site.bench.store.write() as unit:
        unit.groups.add(Group("strict", ca_accounts=("house",)))
        stored = unit.certificates.get("d.example.com")
        assert stored is not None
        unit.certificates.put(replace(stored, group="strict"))
        unit.certificates.add(Certificate("found.example.com", "discovered", "found", "issued", ca="house"))
    site.bench.group(approvals={"enroll": 1, "push": 2})
    before = site.bench.audited()
    plan = site.plan(check=True, per_hour=2, order_by=["expiry"])
    shown = plan.extra["replacement"]
    assert [one["certificate"] for one in shown["certificates"] if one["status"] == "to_do"] == [
        "c.example.com",
        "b.example.com",
        "a.example.com",
    ]
    assert shown["counts"] == {
        "to_do": 3,
        "under_way": 0,
        "replaced": 0,
        "failed": 0,
        "busy": 0,
        "impossible": 2,
    }
    why = {one["certificate"]: one["message"] for one in plan.extra["failures"]}
    assert "ca_accounts" in why["d.example.com"] and "no certificate was issued for it here" in why["found.example.com"]
    assert shown["ca_orders"] == {"placed": 0, "ahead": 3, "most": None}
    assert shown["approvals"] == {"enroll": 3, "push": 6}, "staging serves them: each has to be pushed there"
    assert shown["hours"]["at_pace"] == 1.5 <= shown["hours"]["at_least"]
    most = shown["calls"]["at_most"]
    assert shown["hours"]["at_rate_limits"] == round(most / 30 / 60, 2) and most > shown["calls"]["at_least"] > 0
    assert len(plan.steps) == 3 and plan.changed
    assert site.bench.audited() == before and site.other.calls == []


def test_what_serves_clients_goes_first_then_what_matters_then_what_ends(site: Site) -> None:
    with site.bench.store.write() as unit:
        served: dict[str, Any] = {"production": {"fingerprint": "x"}}
        for name, changes in (("c.example.com", {"staging": {}}), ("a.example.com", served)):
            stored = unit.certificates.get(name)
            assert stored is not None
            unit.certificates.put(replace(stored, **changes))
    shown = site.plan(check=True).extra["replacement"]
    order = [one["certificate"][0] for one in shown["certificates"]]
    assert order == ["a", "d", "b", "c"], "production, staging with importance 3 before 1, then what serves nobody"
    a, d, _b, c = shown["certificates"]
    assert a["calls"]["at_most"] > d["calls"]["at_most"] > c["calls"]["at_most"]


def test_it_replaces_all_over_runs_and_a_run_more_does_nothing(site: Site) -> None:
    """W4, W5: idempotent; one order for each certificate, one replacement on record."""
    first = site.run()
    assert begun(first) == ["d.example.com", "c.example.com", "b.example.com", "a.example.com"]
    told = site.finish()
    assert told["replacement"]["counts"]["replaced"] == 4 and site.accounts() == ["other"] * 4
    audited = site.bench.audited()
    again = site.later()
    assert (again["done"], again["failures"], site.bench.audited()) == ([], [], audited)
    assert site.other.calls.count("submit") == 4 and site.audit().count("replacement_begun") == 1
    assert again["replacement"]["ca_orders"]["placed"] == 4


def test_the_same_account_replaces_too_and_each_once(site: Site) -> None:
    """A CA that has to revoke what it signed signs anew: what is new is told from what is old by its request."""
    changes: dict[str, Any] = {"to_ca": None, "renewal": "regenerate"}
    site.run(**changes)
    told = site.finish(**changes)
    assert told["replacement"]["counts"]["replaced"] == 4 and site.accounts() == ["house"] * 4
    assert [len(site.bench.requests(name)) for name in NAMES] == [2] * 4
    site.later(**changes)
    assert [len(site.bench.requests(name)) for name in NAMES] == [2] * 4


def test_a_batch_ends_before_the_next_begins(site: Site) -> None:
    told = site.run(batch=2)
    assert len(begun(told)) == 2
    [rest] = [one for one in told["waiting"] if one["reason"] == "batch"]
    assert rest["message"] == "2 certificates wait: 2 are under way, as many as batch allows"
    told = site.later(batch=2)
    assert len(begun(told)) == 2 and told["replacement"]["counts"]["replaced"] == 2


def test_orders_stay_within_what_they_may_cost(site: Site) -> None:
    site.run(max_orders=3)
    for _run in range(3):
        told = site.later(max_orders=3)
    assert told["replacement"]["counts"]["replaced"] == 3 and site.other.calls.count("submit") == 3
    assert [one["reason"] for one in told["waiting"]] == ["max_orders"]
    told = site.finish(max_orders=4)
    assert told["replacement"]["counts"]["replaced"] == 4


def test_the_pace_holds_over_runs(site: Site) -> None:
    told, full = site.run(per_hour=2), site.at(hours=1)
    assert len(begun(told)) == 2
    told = site.later(per_hour=2)
    assert begun(told) == [] and [one["reason"] for one in told["waiting"]] == ["per_hour"]
    assert told["next_due_at"] == full
    site.bench.advance(hours=1)
    assert len(begun(site.run(per_hour=2))) == 2


def test_a_call_has_its_limits_too(site: Site) -> None:
    told = site.run(limit=1)
    assert len(begun(told)) == 1 and [one["reason"] for one in told["waiting"] if not one["certificate"]] == ["limit"]


def test_until_a_time_one_call_does_it_all(site: Site) -> None:
    told = site.run(batch=2, until=site.at(hours=2))
    assert told["replacement"]["counts"]["replaced"] == 4


def test_a_round_ends_before_that_time_and_says_that_there_is_more_to_wait_for(site: Site) -> None:
    """W4: so that somebody who waits for hours is told how far it is."""
    told = site.run(batch=2, until=site.at(hours=2), round=60)
    assert (told["is_over"], told["until"]) == (False, site.at(hours=2, seconds=-60))
    rounds = 1
    while not told["is_over"]:
        told, rounds = site.run(batch=2, until=told["until"], round=60), rounds + 1
    assert rounds > 2 and set(statuses(told).values()) == {"replaced"}


def test_nothing_is_begun_outside_its_windows(site: Site) -> None:
    night = {"name": "night", "starts_at": site.at(hours=6), "ends_at": site.at(hours=8)}
    opens = site.at(hours=6)
    told = site.run(windows=[night])
    assert begun(told) == [] and told["next_due_at"] == opens
    site.bench.advance(hours=7)
    assert len(begun(site.run(windows=[night]))) == 4


def test_a_frozen_group_waits_and_is_gone_on_with(site: Site) -> None:
    """W2: a freeze of enrolments holds for a replacement as for everything else."""
    window = {"name": "audit", "starts_at": site.at(), "ends_at": site.at(hours=16), "kinds": ["enroll"]}
    site.bench.group(freeze_windows=(window,))
    told = site.run()
    assert {one["reason"] for one in told["waiting"]} == {"frozen"} and begun(told) == [] and not told["failures"]
    site.bench.advance(hours=17)
    assert len(begun(site.run())) == 4


def test_each_waits_for_its_approval_and_is_implemented_then(site: Site) -> None:
    """E24: as every request; the batch is what people have before them."""
    site.bench.group(approvals={"enroll": 1, "push": 0})
    told = site.run(batch=2)
    waiting = [one for one in told["waiting"] if one.get("request_id")]
    assert len(waiting) == 2 and all("waits for approval 1 of 1" in one["message"] for one in waiting)
    assert site.later(batch=2)["done"] == [] and site.other.calls == []
    for one in waiting:
        site.bench.act("bob", "approve", request_id=one["request_id"])
    site.later(batch=2)
    assert site.later(batch=2)["replacement"]["counts"]["replaced"] == 2


def test_what_fails_is_told_passed_over_and_tried_anew_only_when_asked(site: Site) -> None:
    """W5: a refusal stops no other; the next run orders nothing for it."""
    answers = [Rejected("not this one")]
    site.other._make = lambda csr: answers.pop() if answers else site.signed(csr)
    site.run()
    told = site.finish()
    counts = told["replacement"]["counts"]
    assert (counts["replaced"], counts["failed"]) == (3, 1)
    [failure] = told["failures"]
    assert "not this one" in failure["message"] and failure["reason"] == "ca_rejected"
    assert site.later()["done"] == [] and site.other.calls.count("submit") == 4
    told = site.later()
    assert "not this one" in told["failures"][0]["message"]
    assert site.plan(check=True).extra["failures"] == told["failures"], "check mode tells of it as a run does"
    assert len(begun(site.run(retry_failed=True))) == 1
    assert site.finish()["replacement"]["counts"]["replaced"] == 4


def test_one_whose_csr_was_uploaded_waits_for_its_owner(site: Site) -> None:
    """E7: nobody here has its key; the others are replaced."""
    with site.bench.store.write() as unit:
        [request] = unit.requests.find(certificate_id="a.example.com")
        unit.requests.put(replace(request, csr_source="upload"))
    told = site.run()
    [failure] = told["failures"]
    assert (failure["certificate"], failure["reason"]) == ("a.example.com", "csr_needed")
    assert "run edgecert.clm.cert_enroll with that CSR" in failure["message"]
    assert site.finish()["replacement"]["counts"]["replaced"] == 3


def test_a_call_tries_anew_what_failed_before_it_and_each_once(site: Site) -> None:
    """W5: a CA that refuses one for good is not asked for it round after round until the call ends."""
    site.other._make = lambda _csr: Rejected("never")
    only: dict[str, Any] = {"select": {"certificate": "a.example.com"}, "retry_failed": True}
    told = site.run(**only, until=site.at(hours=6))
    assert site.other.calls.count("submit") == 1 and told["replacement"]["counts"]["failed"] == 1
    told = site.run(**only, until=site.at(hours=6))
    assert site.other.calls.count("submit") == 2 and "never" in told["failures"][0]["message"]


def test_a_ca_that_is_out_of_reach_loses_nothing(site: Site) -> None:
    site.run()
    site.other.loses = TransportError("no answer", kind="timeout", sent=True)
    site.later()
    site.other.loses = None
    assert site.finish()["replacement"]["counts"]["replaced"] == 4
    assert site.other.calls.count("submit") == 4, "each was looked for, found, and not ordered again"


def csr_at_once(bench: VirtualBench) -> Any:
    """Have a CPS that makes its CSRs while it is asked, so that the call that begins a request orders, too."""
    collect = VirtualKeys.collect

    def collected(keys: VirtualKeys, reference: Any) -> Any:
        change = bench.cps.enrollments[int(reference["enrollment_id"])].change
        if change is not None:
            change.phase = "wants_certificate"
        return collect(keys, reference)

    return collected


@pytest.mark.parametrize("bound", ["batch", "max_orders", "per_hour", "limit"])
def test_a_ca_that_takes_orders_and_answers_nothing_gets_no_more_than_the_limits_allow(
    site: Site, monkeypatch: pytest.MonkeyPatch, bound: str
) -> None:
    """W5: an order may stand for each of these; one whose run raised counts as every other."""

    def lost(*_asked: Any) -> Any:
        raise TransportError("no answer", kind="timeout", sent=True)

    monkeypatch.setattr(VirtualKeys, "collect", csr_at_once(site.bench))
    site.other.loses = TransportError("no answer", kind="timeout", sent=True)
    monkeypatch.setattr(site.other, "find", lost)
    limit: dict[str, Any] = {bound: 1}
    told = site.run(**limit)
    assert site.other.calls.count("submit") == 1
    assert bound in [one["reason"] for one in told["waiting"]]


def test_a_run_that_is_killed_is_gone_on_with(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """W5: killed between the CA's answer and its record; the next run finds that order and places the others."""
    site.run()
    take = site.other.submit

    def killed(order: Any, csr: str) -> Any:
        take(order, csr)
        raise KeyboardInterrupt

    monkeypatch.setattr(site.other, "submit", killed)
    with pytest.raises(KeyboardInterrupt):
        site.later()
    monkeypatch.setattr(site.other, "submit", take)
    site.bench.advance(hours=1)
    assert site.finish()["replacement"]["counts"]["replaced"] == 4
    assert site.other.calls.count("submit") == 4 and "find" in site.other.calls


def test_what_somebody_else_is_at_is_left_to_them(site: Site) -> None:
    site.bench.enroll("a.example.com", action="renew", force=True, wait=False)
    plan = site.plan(check=True)
    assert [one["certificate"] for one in plan.extra["waiting"]] == ["a.example.com"]
    told = site.run()
    assert statuses(told)["a.example.com"] == "busy" and "a.example.com" not in begun(told)


def test_it_is_stopped_by_somebody_and_taken_up(site: Site) -> None:
    """W4: a stop holds for every run, until somebody says that it goes on."""
    site.run(batch=1)
    told = site.run("stop", comment="the CA called")
    assert told["replacement"]["state"] == "stopped"
    assert not site.plan("stop").changed
    with pytest.raises(StateError) as caught:
        site.later()
    assert caught.value.code == "replacement_stopped"
    assert site.finish(resume=True)["replacement"]["counts"]["replaced"] == 4
    assert [one for one in site.audit() if one.startswith("replacement")] == [
        "replacement_begun",
        "replacement_stopped",
        "replacement_running",
    ]


@pytest.mark.parametrize(
    ("ended", "resume", "following"),
    [
        ("stop", False, "replace"),
        ("abort", False, "replace"),
        ("abort", True, "replace"),
        ("abort", False, "stop"),
    ],
)
def test_a_call_planned_before_it_was_ended_does_not_undo_that(
    site: Site, ended: str, resume: bool, following: str
) -> None:
    """W4: a person stops it while a scheduled run is starting; what the person wants holds."""
    site.run(batch=1)
    late = site.plan(following, **({"resume": resume} if following == "replace" else {}))
    state = site.run(ended)["replacement"]["state"]
    with pytest.raises(StateError) as caught:
        late.execute()
    assert caught.value.code == f"replacement_{state}"
    with site.bench.store.read() as unit:
        assert replacement.state_of(replacement.row_of(unit, "incident")) == state
    assert len([name for name in NAMES if len(site.bench.requests(name)) > 1]) == 1


def test_an_abort_cancels_what_nothing_was_sent_for(site: Site) -> None:
    site.bench.group(approvals={"enroll": 1, "push": 0})
    site.run(batch=2)
    told = site.run("abort")
    assert (told["replacement"]["state"], told["replacement"]["counts"]["under_way"]) == ("aborted", 0)
    assert site.audit().count("request_cancelled") == 2
    with pytest.raises(StateError, match="it is aborted") as ended:
        site.later(resume=True)
    assert ended.value.code == "replacement_aborted"
    with pytest.raises(StateError, match="it is aborted"):
        site.run("stop")
    with pytest.raises(NotFoundError, match="no_such.*there is incident") as caught:
        lifecycle.plan({"action": "stop", "replacement": {"name": "no_such"}}, site.bench.ports)
    assert caught.value.code == "replacement_missing"


def test_it_stops_between_two_certificates(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """The stop comes while a run is at it: that run begins no other."""
    before = site.other.submit

    def stopping(order: Any, csr: str) -> Any:
        replacement.set_state(site.bench.ports, "incident", "stopped", "")
        return before(order, csr)

    site.run(batch=1)
    monkeypatch.setattr(site.other, "submit", stopping)
    told = site.later(batch=4)
    assert told["replacement"]["state"] == "stopped" and begun(told) == []
    assert [one["reason"] for one in told["waiting"]] == ["stopped"]
    assert site.other.calls.count("submit") == 1


def test_two_runs_at_once_make_one_request_of_each(site: Site) -> None:
    """W5: the second planned before the first one began."""
    second = site.plan()
    first = site.plan()
    first.execute()
    second.execute()
    assert [len(site.bench.requests(name)) for name in NAMES] == [2] * 4


def test_two_runs_at_once_keep_within_one_limit(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """W5: the second run begins while the first is at its first certificate; max_orders is of all runs together."""
    first, second = site.plan(max_orders=2), site.plan(max_orders=2)
    told: list[Any] = []
    checked = successors.checked

    def beside(*asked: Any, **options: Any) -> Any:
        if not told:
            told.append({})
            told.append(dict(second.execute().extra))
        return checked(*asked, **options)

    monkeypatch.setattr(successors, "checked", beside)
    first.execute()
    assert sum(len(site.bench.requests(name)) - 1 for name in NAMES) == 2
    [rest] = told[1]["waiting"]
    assert rest["reason"] == "lease_held" and rest["next_look_at"] == told[1]["next_due_at"]
    reasons = [one["reason"] for one in site.run(max_orders=2)["waiting"]]
    assert "max_orders" in reasons and "lease_held" not in reasons, "the first one has given it back"


def test_what_another_run_replaced_since_the_look_is_not_replaced_again(site: Site) -> None:
    """W5: the look is old by the time at which the last of many is begun."""
    site.run(limit=1)
    params = {"action": "replace", "replacement": INCIDENT}
    wanted = replacement.read(params, site.bench.ports, None)
    slow = replacing.Replacer(params, site.bench.ports, wanted)
    seen = slow._survey()
    site.finish()
    audited = site.bench.audited()
    report = lifecycle.Report()
    with site.bench.ports.store.lease("replacement:incident", 60.0):
        slow._begin(seen, report)
    assert {one["reason"] for one in report.waiting.values()} == {"conflict"}
    assert site.bench.audited() == audited and [len(site.bench.requests(name)) for name in NAMES] == [2] * 4


def test_what_somebody_renewed_there_since_the_look_is_not_ordered_again(site: Site) -> None:
    """W5: it has what is wanted by the time at which its turn comes."""
    only: dict[str, Any] = {"select": {"certificate": "a.example.com"}, "to_ca": None}
    params = {"action": "replace", "replacement": {**INCIDENT, **only}}
    plan = site.plan(**only)
    wanted = replacement.read(params, site.bench.ports, None)
    replacement.begin(site.bench.ports, wanted)
    slow = replacing.Replacer(params, site.bench.ports, wanted)
    seen = slow._survey()
    site.bench.advance(minutes=1)
    site.bench.enroll("a.example.com", action="renew", force=True)
    site.bench.push("a.example.com")
    site.bench.to_production()
    assert len(site.bench.requests("a.example.com")) == 2
    with site.bench.ports.store.lease("replacement:incident", 60.0):
        slow._begin(seen, lifecycle.Report())
    assert len(site.bench.requests("a.example.com")) == 2
    plan.execute()
    assert len(site.bench.requests("a.example.com")) == 2


def test_the_account_that_is_replaced_does_not_stand_by(site: Site) -> None:
    """E2: the new account fails, and the group still names the old one for that; it signs nothing any more."""
    site.bench.group(standby_cas=({"ca": "house", "after_minutes": 0},))
    site.other._make = lambda _csr: Rejected("not now")
    site.run()
    told = site.finish()
    assert told["replacement"]["counts"]["failed"] == 4
    assert [len(site.bench.requests(name)) for name in NAMES] == [2] * 4
    assert {one["ca_plan"] == [] for one in map(request_view, site.bench.requests(NAMES[0])[-1:])} == {True}


def test_what_was_renewed_at_the_account_meanwhile_counts_as_replaced(site: Site) -> None:
    changes: dict[str, Any] = {"to_ca": None, "batch": 1}
    site.run(**changes)
    site.bench.advance(minutes=1)
    site.bench.enroll("a.example.com", action="renew", force=True)
    told = site.finish(**changes)
    assert told["replacement"]["counts"]["replaced"] == 4 and len(site.bench.requests("a.example.com")) == 2


def test_what_was_enrolled_at_a_third_ca_since_was_not_rolled_back(site: Site) -> None:
    """Whoever reads why it counts as failed is led to what is there now."""
    only: dict[str, Any] = {"select": {"certificate": "a.example.com"}}
    name = "a.example.com"
    site.run(**only)
    assert site.finish(**only)["replacement"]["counts"]["replaced"] == 1
    site.bench.push(name)
    site.bench.to_production()
    site.bench.advance(minutes=1)
    site.bench.enroll(name, action="renew", force=True, ca="house")
    [failure] = site.later(**only)["failures"]
    _first, made, third = site.bench.requests(name)
    assert failure["message"].startswith(
        f"request {made.request_id} was followed by request {third.request_id} at CA account house"
    )


def test_it_says_nothing_about_renewing_by_itself(site: Site) -> None:
    """E3: the successor inherits the toggle, and a replacement that failed stops no renewal."""
    name = "auto.example.com"
    site.bench.live(name, auto_renew={"enabled": True, "days_before": 20})
    site.run(select={"certificate": name})
    site.bench.act("bob", "cancel", request_id=site.bench.requests(name)[-1].request_id)
    certificate = site.bench.certificate(name)
    assert (certificate.ca, certificate.auto_renew["enabled"]) == ("house", True)
    site.bench.advance(days=28)
    ports = site.bench.make_ports(site.bench.store)
    due = dict(lifecycle.plan({"fail": False, "only": ["renewals"]}, ports).execute().extra)
    assert [one["certificate"] for one in due["done"] + due["waiting"]][:1] == [name], due
    assert due["failures"] == [], "nor that its renewal was stopped by somebody"


def test_a_successor_renews_by_itself_as_before(site: Site) -> None:
    name = "auto.example.com"
    site.bench.live(name, auto_renew={"enabled": True, "days_before": 20})
    site.run(select={"certificate": name})
    site.finish(select={"certificate": name})
    certificate = site.bench.certificate(name)
    assert (certificate.ca, certificate.auto_renew) == ("other", {"enabled": True, "days_before": 20})


def test_what_the_old_ca_said_of_a_renewal_is_not_about_its_successor(site: Site) -> None:
    """E3: a CA that has to revoke asks for a renewal now; what the other one issued is not due by that."""
    name = "auto.example.com"
    site.bench.live(name, auto_renew={"enabled": True, "days_before": 5})
    stored = site.bench.certificate(name)
    hint = {"at": site.at(hours=-1), "until": "", "source": "ARI", "asked_at": site.at()}
    with site.bench.store.write() as unit:
        unit.certificates.put(replace(stored, auto_renew={**stored.auto_renew, renewal.HINT: hint}))
    site.run(select={"certificate": name})
    site.finish(select={"certificate": name})
    certificate = site.bench.certificate(name)
    assert (certificate.ca, certificate.auto_renew) == ("other", {"enabled": True, "days_before": 5})
    site.bench.advance(hours=7)
    site.bench.run_due(fail=False, only=["renewals"])
    assert len(site.bench.requests(name)) == 2


def test_another_lifetime_is_asked_for_where_the_other_ca_wants_one(site: Site) -> None:
    site.run(validity={"count": 20, "unit": None, "at_most": None}, select={"certificate": "a.example.com"})
    assert site.bench.requests("a.example.com")[-1].wish["validity"] == {"count": 20, "unit": "days"}


def test_what_cannot_be_used_is_said_at_once(site: Site) -> None:
    wrong: dict[str, Any] = {"select": {"ca": ["house"], "network": "moon"}, "to_ca": "nobody", "batch": 0}
    wrong["windows"] = [{"name": "x"}]
    with pytest.raises(InputError) as caught:
        site.plan(**wrong)
    found = "; ".join(caught.value.details["problems"])
    for word in ("network 'moon'", "to_ca nobody is not in the store", "batch 0", "windows[1] (x)"):
        assert word in found
    with pytest.raises(InputError, match="select is missing"):
        site.plan(select={})
    site.run(batch=1)
    with pytest.raises(InputError, match="begun with other values of to_ca"):
        site.plan(to_ca="house")
    with pytest.raises(InputError, match="replacement is missing"):
        lifecycle.plan({"action": "replace"}, site.bench.ports)
    with pytest.raises(InputError, match="goes with action: replace"):
        lifecycle.plan({"replacement": INCIDENT}, site.bench.ports)


def test_later_calls_need_its_name_alone(site: Site) -> None:
    site.run(batch=1)
    told = site.run(select=None, to_ca=None)
    assert told["replacement"]["to_ca"] == "other" and len(begun(told)) == 3


def test_an_account_at_which_a_replacement_orders_is_not_removed(site: Site) -> None:
    """C rows: until somebody ends it; what it replaces from may go."""
    ports = site.bench.ports
    replacement.begin(ports, replacement.Wanted("incident", {"ca": ["house"]}, to_ca="other"))
    with pytest.raises(StateError, match=r"replacements order at it, stop or abort them first \(incident\)") as caught:
        ca_accounts.plan({"name": "other", "state": "absent"}, ports)
    assert caught.value.details == {"replacements": ["incident"]}
    assert ca_accounts.plan({"name": "house", "state": "absent"}, ports).steps
    for state in (replacement.STOPPED, replacement.ABORTED):
        replacement.set_state(ports, "incident", state, "")
        assert ca_accounts.plan({"name": "other", "state": "absent"}, ports).steps
