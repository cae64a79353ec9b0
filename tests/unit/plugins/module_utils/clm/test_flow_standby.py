# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Standby CA accounts: asked where the one before surely took no order, and never while an order may stand."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import pytest

from ansible_collections.edgecert.clm.plugins.module_utils._ca.answer_base import Issued, NotThere, Rejected
from ansible_collections.edgecert.clm.plugins.module_utils._ca.base import Order
from ansible_collections.edgecert.clm.plugins.module_utils._clm import (
    ca_accounts,
    enroll,
    form_csr,
    lifecycle,
    queries,
    stages,
    standby,
)
from ansible_collections.edgecert.clm.plugins.module_utils._clm.work_views import request_view
from ansible_collections.edgecert.clm.plugins.module_utils._core.clock import to_text
from ansible_collections.edgecert.clm.plugins.module_utils._core.errors import (
    AuthError,
    ClmError,
    ConflictError,
    InputError,
    MissingLibrary,
    PolicyError,
    RateLimited,
    RemoteError,
    StateError,
    TransportError,
)
from ansible_collections.edgecert.clm.plugins.module_utils._core.types import CaAccount
from ansible_collections.edgecert.clm.tests.support.doubtful_ca import CANNOT, DoubtfulCa
from ansible_collections.edgecert.clm.tests.support.virtual_bench import VirtualBench

NAME = "www.example.com"
UNREACHABLE = TransportError("connection refused", kind="connect", sent=False)
LOST = TransportError("no answer", kind="timeout", sent=True)
LIMITED = RateLimited("later", retry_after_s=60.0, status=429)
FOR_AN_HOUR = RateLimited("in an hour", retry_after_s=3600.0, status=429)
FOREIGN = AuthError("who are you", status=401)
REFUSED = RemoteError("no such profile", status=400)
RECORD = {"kind": "txt", "domain": "example.com", "name": "example.com", "value": "hid-1", "who": ""}
UNPROVED = RemoteError(
    "publish hid-1", status=409, retryable=True, code="domains_not_validated", details={"actions": [RECORD]}
)
SECOND, THIRD = {"ca": "second"}, {"ca": "third", "ca_options": {"profile": "server"}, "after_minutes": 0}


class Ca(DoubtfulCa):
    """One of several CAs.

    :ivar down: raised before an order is taken; None to take it.
    :ivar problems: what ``validate`` answers.
    """

    down: ClmError | None = None
    problems: tuple[str, ...] = ()

    def submit(self, order: Any, csr_pem: str) -> Any:
        """Refuse, or take it."""
        if self.down is not None:
            self.calls.append("submit")
            raise self.down
        return super().submit(order, csr_pem)

    def validate(self, order: Any) -> Any:
        """Say what the test wants."""
        return self.problems


@dataclass
class Site:
    """A bench with three CAs, of which the group names two as standby."""

    bench: VirtualBench
    cas: dict[str, Ca]

    def wire(self) -> None:
        """Let each account be its own CA; a run has ports of its own."""
        made = self.bench.make_ports(self.bench.store)
        self.bench.ports = replace(made, ca=lambda account: self.cas[account.name])

    def enroll(self, **changes: Any) -> dict[str, Any]:
        """Enrol, or go on; give the request."""
        self.wire()
        outcome = self.bench.enroll(**changes)
        assert outcome.record is not None
        return dict(outcome.record)

    def live(self, **changes: Any) -> None:
        """Have a certificate that serves on production."""
        self.wire()
        self.bench.live(**changes)

    def run_due(self) -> dict[str, Any]:
        """Do what is due."""
        self.wire()
        return dict(lifecycle.plan({"fail": False}, self.bench.ports).execute().extra)

    def orders(self) -> dict[str, int]:
        """Count the orders that each CA was sent."""
        return {name: ca.calls.count("submit") for name, ca in self.cas.items() if "submit" in ca.calls}

    def audit(self) -> list[str]:
        """Give the actions on record; the chain must hold."""
        assert self.bench.store.verify_audit() == []
        with self.bench.store.read() as unit:
            return [row.entry.action for row in unit.audit_rows()]


@pytest.fixture
def site(virtual: VirtualBench) -> Site:
    virtual.prepare(standby_cas=(SECOND, THIRD))
    with virtual.store.write() as unit:
        unit.ca_accounts.add(CaAccount("second", "own_ca"))
        unit.ca_accounts.add(CaAccount("third", "own_ca"))
    cas = {name: Ca(lambda csr: signed(virtual, csr)) for name in ("house", "second", "third")}
    options = {"profile": {"required": False, "choices_from": "", "description": ""}}
    cas["third"].changes = {"request_options": options}
    made = Site(virtual, cas)
    made.wire()
    return made


def signed(bench: VirtualBench, csr: str) -> Any:
    """Have the own CA sign it, whichever account was asked."""
    with bench.store.read() as unit:
        account = unit.ca_accounts.get("house")
    assert account is not None
    own = bench.make_ports(bench.store).ca(account)
    request = bench.requests()[-1]
    return own.submit(Order(form_csr.spec_of(request.wish), 30, "test", bench.clock.now()), csr)


@pytest.mark.parametrize("error", [FOREIGN, REFUSED, FOR_AN_HOUR], ids=["credentials", "refused", "limited-for-long"])
def test_what_does_not_pass_turns_to_the_standby_at_once(site: Site, error: ClmError) -> None:
    """E2, W5: the first CA surely took none; the next is asked in the same call, and all of it is on record."""
    site.cas["house"].down = error
    request = site.enroll()
    assert (request["state"], request["ca"]) == ("issued", "second")
    assert site.orders() == {"house": 1, "second": 1}
    assert [(one["ca"], one["state"]) for one in request["ca_plan"]] == [
        ("house", "given_up"),
        ("second", "in_use"),
        ("third", "standby"),
    ]
    assert error.message in request["ca_plan"][0]["why"]
    assert site.audit().count("standby_ca_taken") == 1
    assert site.bench.certificate().ca == "second"
    shown = queries.plan_certificates({"view": "holistic", "certificate": NAME}, site.bench.ports).extra["holistic"]
    assert "given_up" in str(shown) and site.enroll()["request_id"] == request["request_id"]
    assert site.orders() == {"house": 1, "second": 1}, "the same form is no new order, though it names the first CA"


@pytest.mark.parametrize("error", [UNREACHABLE, LIMITED], ids=["unreachable", "limited"])
def test_what_may_pass_has_to_last_before_the_standby_is_asked(site: Site, error: ClmError) -> None:
    """E2: a blink of the first CA costs no order elsewhere; when it has lasted a quarter of an hour, it does."""
    site.cas["house"].down = error
    with pytest.raises(type(error)) as caught:
        site.enroll()
    assert caught.value.details["standby"]["ca"] == "second"
    site.bench.advance(minutes=14)
    with pytest.raises(type(error)):
        site.enroll()
    assert site.orders() == {"house": 2}
    site.bench.advance(minutes=2)
    assert site.enroll()["ca"] == "second"
    assert site.orders() == {"house": 3, "second": 1}


def test_a_ca_that_cannot_even_be_asked_beforehand_does_not_keep_a_request_from_being_made(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """E2: some CAs are asked for their choices while a form is checked; one that is away is given up like any other."""

    def away(_order: Any) -> Any:
        raise UNREACHABLE

    site.bench.group(standby_cas=({**SECOND, "after_minutes": 0},))
    monkeypatch.setattr(site.cas["house"], "validate", away)
    site.cas["house"].down = UNREACHABLE
    assert site.enroll()["ca"] == "second"
    site.bench.group(standby_cas=())
    with pytest.raises(TransportError):
        site.enroll(name="other.example.com")


def test_what_somebody_has_to_do_first_is_told_and_turns_nowhere(site: Site) -> None:
    """E2: a CA that wants to see a domain proved refused nothing, however long that takes."""
    site.cas["house"].down = UNPROVED
    for _run in range(2):
        with pytest.raises(RemoteError) as caught:
            site.enroll()
        assert caught.value.details["actions"] == [RECORD] and "standby" not in caught.value.details
        site.bench.advance(minutes=60)
    site.cas["house"].down = None
    assert site.enroll()["ca"] == "house"
    assert site.orders() == {"house": 3}


def test_what_somebody_has_to_do_first_is_kept_with_the_request(site: Site) -> None:
    """E22: nobody reads the error of an unattended run; the role acme_dns01 reads the request's actions."""
    site.cas["house"].down = UNPROVED
    with pytest.raises(RemoteError):
        site.enroll()
    request = site.bench.requests()[0]
    assert request_view(request)["actions"] == [RECORD] and not stages.stage(request)["is_moving"]
    assert site.audit().count("order_progressed") == 1
    told = site.run_due()
    [waiting] = told["waiting"]
    assert waiting["failure"]["details"]["actions"] == [RECORD] and waiting["failure"]["code"] == waiting["reason"]
    assert not waiting["is_moving"]
    assert site.audit().count("order_progressed") == 1, "the same once more is nothing new"
    site.cas["house"].down = None
    done = site.enroll()
    assert done["state"] == "issued" and done["actions"] == []


def test_a_ca_that_comes_back_in_time_signs_itself(site: Site) -> None:
    site.cas["house"].down = UNREACHABLE
    with pytest.raises(TransportError):
        site.enroll()
    site.cas["house"].down = None
    site.bench.advance(minutes=20)
    assert site.enroll()["ca"] == "house" and site.orders() == {"house": 2}


def test_what_is_due_by_itself_turns_too(site: Site) -> None:
    """W4: a schedule alone brings it to the standby."""
    site.cas["house"].down = UNREACHABLE
    with pytest.raises(TransportError):
        site.enroll()
    site.bench.advance(minutes=16)
    done = site.run_due()["done"]
    assert done[-1]["state"] == "issued" and site.orders() == {"house": 2, "second": 1}


@pytest.mark.parametrize("tells", [CANNOT, None], ids=["cannot-tell", "pending"])
def test_no_standby_is_asked_while_an_order_is_in_doubt_or_stands(site: Site, tells: Any) -> None:
    """W5: the first CA took the order and lost its answer; however long that lasts, it is the only order."""
    house = site.cas["house"]
    house.loses, house.tells, house.signs = LOST, tells, False
    state = "in_doubt" if tells else "retrieval_in_progress"
    assert site.enroll()["state"] == state
    house.down = FOREIGN
    for _day in range(3):
        site.bench.advance(days=1)
        site.run_due()
        assert site.enroll()["ca"] == "house"
    assert site.orders() == {"house": 1}


def test_a_run_that_planned_before_another_one_turned_orders_nothing(site: Site) -> None:
    """W5: the other one turned, and ended before it ordered; what this one planned is of the account before."""
    site.bench.group(standby_cas=(SECOND,))
    site.cas["house"].down = UNREACHABLE
    with pytest.raises(TransportError):
        site.enroll()
    planned = enroll.plan({"common_name": NAME, "ca": "house", "key_type": "ec"}, site.bench.ports)
    site.bench.advance(minutes=20)
    site.cas["second"].down = UNREACHABLE
    with pytest.raises(TransportError):
        site.enroll()
    site.cas["house"].down = None
    with pytest.raises(ConflictError):
        planned.execute()
    assert site.orders() == {"house": 2, "second": 1} and site.bench.requests()[0].ca == "second"


def test_an_order_that_waits_at_the_standby_is_fetched_there(site: Site) -> None:
    site.cas["house"].down, site.cas["second"].signs = FOREIGN, False
    assert site.enroll()["state"] == "retrieval_in_progress"
    site.cas["second"].signs = True
    site.bench.advance(hours=1)
    request = site.enroll()
    assert (request["ca"], request["state"]) == ("second", "issued")
    assert site.cas["house"].calls == ["submit"] and "collect" in site.cas["second"].calls


def test_a_look_that_fails_is_no_reason(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """W5: whether the order is there is not known while nobody can look."""
    house = site.cas["house"]
    house.loses = LOST

    def unreachable(_order: Any, _csr: str) -> Any:
        raise UNREACHABLE

    monkeypatch.setattr(house, "find", unreachable)
    for _hour in range(3):
        with pytest.raises(TransportError):
            site.enroll()
        site.bench.advance(hours=1)
    assert site.orders() == {"house": 1}


def test_a_server_that_errs_is_given_up_when_it_says_for_sure_that_it_has_no_order(site: Site) -> None:
    """W5: with a CA that can tell exactly; one that takes an order sent again for the same one is none of these."""
    house = site.cas["house"]
    house.down, house.tells = RemoteError("bad gateway", status=502), NotThere("no such order")
    house.changes = {"find": "token"}
    for _hour in range(3):
        with pytest.raises(RemoteError):
            site.enroll()
        site.bench.advance(hours=1)
    assert "second" not in site.orders()
    house.changes = {}
    assert site.enroll()["ca"] == "second"


@pytest.mark.parametrize("error", [RemoteError("bad gateway", status=502), LOST], ids=["502", "lost"])
def test_a_server_that_errs_is_given_up_where_a_second_order_harms_nobody(site: Site, error: RemoteError) -> None:
    """W5: an ACME order that nobody finalizes, or a certificate of one's own CA that nobody has; in its time alone."""
    house = site.cas["house"]
    house.down, house.tells = error, NotThere("an order that nobody finalizes issues nothing")
    house.changes = {"find": "harmless"}
    with pytest.raises(RemoteError):
        site.enroll()
    assert "second" not in site.orders()
    site.bench.advance(hours=1)
    assert site.enroll()["ca"] == "second" and site.orders() == {"house": 2, "second": 1}


@pytest.mark.parametrize("when", ["at-once", "later"])
def test_an_order_that_the_ca_ended_goes_to_the_standby(site: Site, when: str) -> None:
    """E2: the CA rejects for reasons of its own, at once or after days."""
    house = site.cas["house"]
    house._make = lambda _csr: Rejected("this name is on a list of ours")
    if when == "later":
        house.signs = False
        assert site.enroll()["state"] == "retrieval_in_progress"
        house.signs = True
        site.bench.advance(hours=1)
    request = site.enroll()
    assert (request["state"], request["ca"]) == ("issued", "second") and site.orders() == {"house": 1, "second": 1}
    assert "this name is on a list of ours" in request["ca_plan"][0]["why"]


def test_an_order_that_somebody_cancelled_at_the_ca_goes_nowhere(site: Site) -> None:
    site.cas["house"]._make = lambda _csr: Rejected("cancelled by bob", state="cancelled")
    with pytest.raises(StateError, match="cancelled by bob"):
        site.enroll()
    assert site.orders() == {"house": 1}


def refusing(why: str) -> Callable[[str], Any]:
    """Make a CA that refuses."""
    return lambda _csr: Rejected(why)


def test_the_last_refusal_ends_the_request_and_tells_of_all(site: Site) -> None:
    """E2: each account once, in the order of the list, with its own options; the last one's refusal is the end."""
    for name, ca in site.cas.items():
        ca._make = refusing(f"{name} will not")
    with pytest.raises(StateError, match="third will not"):
        site.enroll()
    [request] = site.bench.requests()
    assert [step["from"] for step in standby.taken(request)] == ["house", "second"]
    assert request.ca_options == {"profile": "server"} and site.orders() == dict.fromkeys(site.cas, 1)


@pytest.mark.parametrize("what", ["refuses", "library", "gone"])
def test_a_standby_that_cannot_take_it_is_passed_over(site: Site, what: str, monkeypatch: pytest.MonkeyPatch) -> None:
    site.cas["house"].down = FOREIGN
    if what == "refuses":
        site.cas["second"].problems = ("no such names here",)
    if what == "library":

        def lacks() -> Any:
            raise MissingLibrary("boto3 is not installed")

        monkeypatch.setattr(site.cas["second"], "capabilities", lacks)
    if what == "gone":
        with site.bench.store.write() as unit:
            account = unit.ca_accounts.get("second")
            assert account is not None
            unit.ca_accounts.remove(account)
    request = site.enroll()
    assert request["ca"] == "third" and "second is passed over" in request["ca_plan"][0]["why"]


def test_a_standby_that_cannot_be_asked_beforehand_is_ordered_from(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """E2: its choices cannot be read for a moment, which says nothing about its orders; the group's order holds."""

    def away(_order: Any) -> Any:
        raise UNREACHABLE

    monkeypatch.setattr(site.cas["second"], "validate", away)
    site.cas["house"].down = FOREIGN
    assert site.enroll()["ca"] == "second" and site.orders() == {"house": 1, "second": 1}


def freeze(site: Site, hours: float) -> str:
    """Freeze enrolments from now on; gives until when."""
    now = site.bench.clock.moment
    until = to_text(now + timedelta(hours=hours))
    window = {"name": "audit", "starts_at": to_text(now), "ends_at": until, "kinds": ["enroll"]}
    site.bench.group(standby_cas=(SECOND,), freeze_windows=(window,))
    return until


def test_a_freeze_of_enrolments_holds_for_an_order_at_a_standby(site: Site) -> None:
    """W2: the request was begun before the freeze, and the first CA fails until it is time for the next one."""
    site.cas["house"].down = UNREACHABLE
    with pytest.raises(TransportError):
        site.enroll()
    site.bench.advance(minutes=20)
    until = freeze(site, hours=5)
    told = site.run_due()
    assert [(one["reason"], one["next_look_at"]) for one in told["waiting"]] == [("frozen", until)]
    assert "second" not in site.orders() and told["failures"] == []
    assert (site.bench.requests()[0].reason, site.bench.requests()[0].state) == ("frozen", "implementing")
    site.bench.advance(hours=6)
    site.run_due()
    assert site.bench.requests()[0].ca == "second" and site.bench.requests()[0].state == "issued"


def test_a_rejection_in_a_freeze_waits_for_its_end(site: Site) -> None:
    house = site.cas["house"]
    house.signs = False
    site.enroll()
    house.signs, house._make = True, refusing("not this name")
    site.bench.advance(hours=1)
    freeze(site, hours=5)
    with pytest.raises(PolicyError, match="not this name") as caught:
        site.enroll()
    assert caught.value.code == "frozen" and site.orders() == {"house": 1}
    site.bench.advance(hours=6)
    assert site.enroll()["ca"] == "second" and site.orders() == {"house": 1, "second": 1}


def test_a_request_that_passes_over_freezes_does_so_at_a_standby(site: Site) -> None:
    freeze(site, hours=5)
    site.cas["house"].down = FOREIGN
    assert site.enroll(freeze_override="the old one is revoked")["ca"] == "second"


def test_check_mode_says_which_ca_it_will_be_which_follows_and_which_could_not(site: Site) -> None:
    """E2: from the record of the plan alone, and nothing was sent."""
    site.cas["third"].changes["key_types"] = ("rsa",)
    ports = replace(site.bench.ports, check_mode=True)
    plan = enroll.plan({"common_name": NAME, "ca": "house", "key_type": "ec"}, ports)
    assert plan.after is not None
    assert [(one["ca"], one["state"]) for one in plan.after["ca_plan"]] == [
        ("house", "in_use"),
        ("second", "standby"),
        ("third", "standby"),
    ]
    assert [text for text in plan.extra["warnings"] if "third could not take this request" in text]
    assert site.orders() == {}


def test_an_approval_names_the_standby_accounts_and_holds_for_them_alone(site: Site) -> None:
    """E24, W2: bound to the list as it was submitted; one that comes later signs nothing of it."""
    site.bench.group(approvals={"push": 0, "enroll": 1}, standby_cas=(SECOND,))
    request = site.enroll()
    [pending] = queries.plan_certificates({"view": "pending"}, site.bench.ports).extra["pending"]
    assert "house signs, and where it cannot, second" in str(pending)
    site.bench.group(standby_cas=(SECOND, THIRD))
    site.cas["house"].down = site.cas["second"].down = FOREIGN
    site.bench.act("bob", "approve", request_id=request["request_id"])
    site.wire()
    with pytest.raises(AuthError):
        site.enroll()
    assert site.orders() == {"house": 1, "second": 1}, "the third was in no plan that was approved"


def test_a_standby_account_that_was_changed_since_needs_another_approval(site: Site) -> None:
    """E24: what was approved is what signs."""
    site.bench.group(approvals={"push": 0, "enroll": 1}, standby_cas=(SECOND,))
    request_id = site.enroll()["request_id"]
    site.bench.act("bob", "approve", request_id=request_id)
    site.cas["house"].down = UNREACHABLE
    with pytest.raises(TransportError):
        site.enroll()
    with site.bench.store.write() as unit:
        account = unit.ca_accounts.get("second")
        assert account is not None
        unit.ca_accounts.put(replace(account, options={"url": "https://elsewhere.example"}))
    site.bench.advance(minutes=20)
    with pytest.raises(StateError, match="the standby CA accounts changed") as caught:
        site.enroll()
    assert caught.value.code == "approval_void" and "second" not in site.orders()
    assert site.bench.requests()[0].state == "submitted"
    site.bench.act("carol", "approve", request_id=request_id)
    assert site.enroll()["ca"] == "second"


def test_a_request_without_standby_accounts_is_approved_as_before(site: Site) -> None:
    site.bench.group(standby_cas=(), approvals={"push": 0, "enroll": 1})
    request = site.enroll()
    site.bench.act("bob", "approve", request_id=request["request_id"])
    [stored] = site.bench.requests()
    assert request["ca_plan"] == [] and standby.LISTED not in stored.approvals[0]["binds"]


@pytest.mark.parametrize("by", ["hand", "itself"])
def test_a_successor_is_asked_of_the_first_ca_again(site: Site, by: str) -> None:
    """E3: a standby is for an outage, not for ever."""
    site.cas["house"].down = FOREIGN
    site.live(auto_renew={"enabled": True, "days_before": 20})
    site.cas["house"].down = None
    if by == "hand":
        again = site.enroll(ca=None, action="renew", force=True)
        assert (again["ca"], again["state"]) == ("house", "issued")
    else:
        site.bench.advance(days=28)
        for _look in range(3):
            site.run_due()
            site.bench.advance(hours=1)
    assert [one.ca for one in site.bench.requests()] == ["second", "house"]
    assert site.bench.certificate().ca == "house"


def test_two_keys_stay_with_one_account(site: Site) -> None:
    """E10: where one of two is signed, the other is not asked elsewhere: both are renewed and revoked as one."""
    site.cas["house"].signs = False
    site.enroll()
    [stored] = site.bench.requests()
    [(algorithm, csr)] = stored.csrs.items()
    with site.bench.store.write() as unit:
        unit.requests.put(replace(stored, csrs={algorithm: csr, "RSA": csr}))
    site.cas["house"].down = FOREIGN
    with pytest.raises(AuthError):
        site.enroll()
    assert site.orders() == {"house": 2} and site.bench.requests()[0].ca == "house"


def test_a_request_asked_anew_goes_where_the_cancelled_one_ordered(site: Site) -> None:
    """W5: the standby has an order that is paid for; the first CA, back again, is not asked for another."""
    site.live()
    site.cas["house"].down, site.cas["second"].signs = FOREIGN, False
    first = site.enroll(action="renew", force=True)
    assert (first["ca"], first["state"]) == ("second", "retrieval_in_progress")
    site.cas["second"].changes = {"can_cancel": False}
    site.wire()
    site.bench.act("bob", "cancel", request_id=first["request_id"])
    site.cas["house"].down, site.cas["second"].signs = None, True
    second = site.enroll(action="renew", force=True)
    assert (second["ca"], second["state"]) == ("second", "issued")
    assert site.orders() == {"house": 2, "second": 1}


@pytest.mark.parametrize("now", ["listed", "named", "neither"])
def test_a_doubt_at_the_standby_is_looked_for_there_by_whatever_is_asked_next(site: Site, now: str) -> None:
    """W5: cancelled in doubt and asked anew, with the list, at that account itself, or without both."""
    site.live()
    site.cas["house"].down = FOREIGN
    second = site.cas["second"]
    second.loses, second.tells = LOST, CANNOT
    first = site.enroll(action="renew", force=True)
    assert (first["ca"], first["state"]) == ("second", "in_doubt")
    site.wire()
    site.bench.act("bob", "cancel", request_id=first["request_id"])
    second.loses = second.tells = site.cas["house"].down = None
    if now != "listed":
        site.bench.group(standby_cas=())
    again = site.enroll(action="renew", force=True, ca="second" if now == "named" else "house")
    assert (again["ca"], again["state"]) == ("house" if now == "neither" else "second", "issued")
    assert site.orders()["second"] == 1, "the order that may have been paid for was found"


def test_an_enrolment_does_not_order_while_the_doubt_is_elsewhere(site: Site) -> None:
    """W5: the doubt of a cancelled first enrolment goes to the next request, which has to look at that very CA."""
    site.cas["house"].down = FOREIGN
    second = site.cas["second"]
    second.loses, second.tells = LOST, CANNOT
    first = site.enroll()
    site.wire()
    site.bench.act("bob", "cancel", request_id=first["request_id"])
    site.cas["house"].down = second.loses = second.tells = None
    site.bench.group(standby_cas=())
    calls = site.cas["house"].calls.count("submit")
    with pytest.raises(StateError) as caught:
        site.enroll()
    assert caught.value.code == "order_elsewhere" and site.cas["house"].calls.count("submit") == calls
    site.wire()
    site.bench.act("bob", "cancel", request_id=site.bench.requests()[-1].request_id)
    site.bench.group(standby_cas=(SECOND,))
    assert site.enroll()["ca"] == "second" and site.orders() == {"house": calls, "second": 1}


def test_an_account_that_stands_by_is_not_removed(site: Site) -> None:
    with pytest.raises(StateError, match="have it as their standby"):
        ca_accounts.plan({"name": "second", "state": "absent"}, site.bench.ports)


def test_what_is_issued_but_cannot_be_used_goes_nowhere_else(site: Site) -> None:
    """W5: that order was taken, and paid for."""

    def wrong(csr: str) -> Any:
        made = signed(site.bench, csr)
        assert isinstance(made, Issued)
        return replace(made, bundle=replace(made.bundle, leaf=made.bundle.root or made.bundle.chain[-1]))

    site.cas["house"]._make = wrong
    with pytest.raises(StateError):
        site.enroll()
    assert set(site.orders()) == {"house"}


def test_input_that_is_wrong_is_wrong_everywhere(site: Site) -> None:
    site.cas["house"].problems = ("the profile is missing",)
    with pytest.raises(InputError, match="the profile is missing"):
        site.enroll()
    assert site.orders() == {}
