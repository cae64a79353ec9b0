# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Orders at a CA that costs money: never twice, in doubt where nobody can tell, what the CA asks for is data."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from ansible_collections.edgecert.clm.plugins.module_utils._ca.answer_base import Issued, NotThere, Rejected
from ansible_collections.edgecert.clm.plugins.module_utils._clm import enroll, workflow
from ansible_collections.edgecert.clm.plugins.module_utils._core.errors import (
    AuthError,
    ClmError,
    ConflictError,
    InputError,
    RateLimited,
    RemoteError,
    StateError,
    TransportError,
)
from ansible_collections.edgecert.clm.tests.support.doubtful_ca import CANNOT, DoubtfulCa
from ansible_collections.edgecert.clm.tests.support.meanwhile import signing
from ansible_collections.edgecert.clm.tests.support.virtual_bench import VirtualBench

NAME = "www.example.com"
LOST = (
    TransportError("no answer", kind="timeout", sent=True),
    TransportError("broke off", kind="truncated", sent=True),
    RemoteError("server error", status=500),
    RemoteError("bad gateway", status=502),
    RemoteError("a web page", status=200),
    RemoteError("took too long", status=408),
    InputError("the certificate cannot be read"),
)
NOT_TAKEN = (
    TransportError("refused", kind="connect", sent=False),
    RateLimited("later", retry_after_s=60.0, status=429),
    AuthError("who are you", status=401),
    RemoteError("no such profile", status=400),
)


def named(errors: tuple[ClmError, ...]) -> dict[str, Any]:
    """Name the errors of a table."""
    return {"argvalues": errors, "ids": [error.message.replace(" ", "-") for error in errors]}


@pytest.fixture
def ca(virtual: VirtualBench) -> DoubtfulCa:
    """Have a CA that signs, and everything that an enrolment needs."""
    virtual.prepare()
    made = DoubtfulCa(signing(virtual))
    virtual.use_ca(made)
    return made


def lost_at(ca: DoubtfulCa, error: ClmError | None = None) -> None:
    """Let the next answer be lost, and let the CA not tell."""
    ca.loses, ca.tells = error or LOST[0], CANNOT


def record_of(outcome: Any) -> dict[str, Any]:
    """Give an outcome's record."""
    assert outcome.record is not None
    return dict(outcome.record)


@pytest.mark.parametrize("error", **named(LOST))
def test_a_lost_answer_is_looked_for_at_once_and_never_sent_again(
    virtual: VirtualBench, ca: DoubtfulCa, error: ClmError
) -> None:
    """E24, W5, design §8: what may have been done is found in the same run."""
    ca.loses = error
    assert record_of(virtual.enroll())["state"] == "issued"
    assert ca.calls == ["submit", "find"] and len(ca.orders) == 1


@pytest.mark.parametrize("error", **named(LOST))
def test_where_the_ca_cannot_tell_the_request_is_in_doubt_and_says_what_to_do(
    virtual: VirtualBench, ca: DoubtfulCa, error: ClmError
) -> None:
    """W5: no run orders again by itself, however often it runs and whatever time passes."""
    lost_at(ca, error)
    record = record_of(virtual.enroll())
    assert (record["state"], record["label"], record["reason"]) == ("in_doubt", "In doubt", "order_in_doubt")
    assert CANNOT.message in record["message"] and CANNOT.look_at in record["message"]
    assert "action: retry" in record["message"] and "order_id" in record["message"]
    ca.loses = None
    for _day in range(5):
        virtual.advance(days=1)
        assert virtual.enroll(wait=False).record == {**record, **just_parked(virtual)}
        virtual.run_due()
    assert len(ca.orders) == 1 and ca.calls.count("submit") == 1
    assert virtual.store.verify_audit() == []


def just_parked(bench: VirtualBench) -> dict[str, Any]:
    """Give the times of a request that was parked since."""
    from ansible_collections.edgecert.clm.plugins.module_utils._clm.work_views import request_view

    [request] = bench.requests()
    view = request_view(request)
    return {name: view[name] for name in ("next_look_at", "updated_at")}


@pytest.mark.parametrize("error", **named(NOT_TAKEN))
def test_what_was_surely_not_taken_is_ordered_again_without_a_look(
    virtual: VirtualBench, ca: DoubtfulCa, error: ClmError
) -> None:
    """W5: a refusal, or an order that never left, is no doubt."""
    lost_at(ca, error)
    with pytest.raises(type(error)):
        virtual.enroll()
    ca.orders.clear()
    ca.loses = None
    assert record_of(virtual.enroll())["state"] == "issued"
    assert ca.calls == ["submit", "submit"], "it was not looked for"
    first, second = ca.submitted
    assert first != second, "another order is another intent"


def test_a_doubt_ends_by_itself_once_the_ca_can_tell(virtual: VirtualBench, ca: DoubtfulCa) -> None:
    """W4: the runner of due work asks again."""
    lost_at(ca)
    virtual.enroll()
    ca.loses = ca.tells = None
    virtual.advance(days=2)
    virtual.run_due()
    [request] = virtual.requests()
    assert request.state == "issued" and len(ca.orders) == 1
    with virtual.store.read() as unit:
        assert "doubt_settled" in [row.entry.action for row in unit.audit_rows()]


def test_a_doubt_over_nothing_orders_under_the_same_intent(virtual: VirtualBench, ca: DoubtfulCa) -> None:
    """W5: the list can be searched again, and there is no such order."""
    lost_at(ca)
    virtual.enroll()
    ca.orders.clear()
    ca.loses, ca.tells = None, NotThere("the list is complete by now")
    virtual.advance(days=2)
    assert record_of(virtual.enroll())["state"] == "issued"
    first, second = ca.submitted
    assert first == second


def test_a_person_takes_over_the_order_that_is_there(virtual: VirtualBench, ca: DoubtfulCa) -> None:
    """W5: the way on from in_doubt; another's order is refused, and leaves the doubt."""
    lost_at(ca)
    request_id = record_of(virtual.enroll())["request_id"]
    ca.loses = None
    ca.orders["9"] = "another CSR"
    with pytest.raises(InputError, match="not of this CSR"):
        virtual.act("bob", "retry", request_id=request_id, order_id="9")
    assert virtual.requests()[0].state == "in_doubt"
    record = record_of(virtual.act("bob", "retry", request_id=request_id, order_id="4711"))
    assert record["state"] == "issued" and record["ca_handles"] == {"ECDSA": {"order_id": "4711"}}
    assert ca.calls.count("submit") == 1
    assert any("bob found order 4711" in step["comment"] for step in record["conditions"])


def test_a_person_says_that_there_is_none_and_it_is_ordered_again(virtual: VirtualBench, ca: DoubtfulCa) -> None:
    """W5: on record is who said so."""
    lost_at(ca)
    request_id = record_of(virtual.enroll())["request_id"]
    ca.loses = None
    record = record_of(virtual.act("bob", "retry", request_id=request_id, comment="asked their support"))
    assert record["state"] == "issued" and ca.calls.count("submit") == 2
    first, second = ca.submitted
    assert first != second
    assert ("bob", "asked their support") in [(step["actor"], step["comment"]) for step in record["conditions"]]


def test_an_order_id_goes_with_a_doubt_alone(virtual: VirtualBench, ca: DoubtfulCa) -> None:
    """Every refusal names what would do."""
    ca.signs = False
    request_id = record_of(virtual.enroll(wait_timeout=120))["request_id"]
    with pytest.raises(InputError, match="order_id goes with action: retry"):
        virtual.act("bob", "cancel", request_id=request_id, order_id="4711")
    lost_at(ca)
    ca.changes = {"can_adopt": False}
    other = record_of(virtual.enroll("b.example.com"))
    assert other["state"] == "in_doubt" and "order_id" not in other["message"]
    with pytest.raises(InputError, match="cannot be taken over by an id") as caught:
        virtual.act("bob", "retry", request_id=other["request_id"], order_id="4711")
    assert caught.value.code == "cannot_adopt"


def test_check_mode_of_a_retry_sends_nothing(virtual: VirtualBench, ca: DoubtfulCa) -> None:
    """Check mode reads at most."""
    lost_at(ca)
    request_id = record_of(virtual.enroll())["request_id"]
    calls = list(ca.calls)
    for options in ({}, {"order_id": "4711"}):
        plan = workflow.plan(
            {"action": "retry", "request_id": request_id, **options}, replace(virtual.ports, check_mode=True)
        )
        assert plan.changed
    assert ca.calls == calls


def test_what_the_ca_asks_for_is_data_in_the_request(virtual: VirtualBench, ca: DoubtfulCa) -> None:
    """Issue 6: DCV actions are kept and shown, and change on record with the CA's word."""
    ca.signs = False
    record = record_of(virtual.enroll(wait_timeout=120))
    assert record["state"] == "retrieval_in_progress" and record["message"] == "the domain has to be proved"
    assert record["actions"] == [
        {
            "kind": "dns-01",
            "domain": "example.com",
            "name": "_acme-challenge.example.com",
            "value": "token-1",
            "url": "",
            "who": "DNS",
        }
    ]
    progress = record["ca_progress"]["ECDSA"]
    assert (progress["state"], progress["vendor_state"]) == ("pending_validation", "WAITING")
    lines = virtual.audited()
    virtual.advance(minutes=10)
    assert not plan_again(virtual).changed and virtual.audited() == lines
    ca.progress = {"state": "pending_approval"}
    assert plan_again(virtual).changed
    record = record_of(virtual.enroll(wait_timeout=120))
    assert record["actions"] == [] and record["ca_progress"]["ECDSA"]["state"] == "pending_approval"
    assert virtual.audited() == lines + 1
    ca.signs = True
    record = record_of(virtual.enroll(wait_timeout=120))
    assert record["state"] == "issued" and record["ca_progress"]["ECDSA"]["state"] == "issued"


def plan_again(bench: VirtualBench) -> Any:
    """Plan the same enrolment once more."""
    return enroll.plan({"common_name": NAME, "ca": "house", "wait": False}, bench.ports)


def test_a_cancelled_request_takes_its_order_back(virtual: VirtualBench, ca: DoubtfulCa) -> None:
    """W5: and says what became of it; a CA that cannot is named as before."""
    ca.signs = False
    first = record_of(virtual.enroll(wait_timeout=120))
    ended = record_of(virtual.act("bob", "cancel", request_id=first["request_id"]))
    assert ca.calls[-1] == "cancel 4711" and "the order for the ECDSA CSR is cancelled" in ended["message"]
    assert "may sign" not in ended["message"]
    ca.changes = {"can_cancel": False}
    second = record_of(virtual.enroll("b.example.com", wait_timeout=120))
    ended = record_of(virtual.act("bob", "cancel", request_id=second["request_id"]))
    assert ca.calls[-1] != "cancel 4712" and "may issue for the ECDSA CSR all the same" in ended["message"]


def test_an_order_that_was_taken_back_is_not_taken_up_by_the_next_request(
    virtual: VirtualBench, ca: DoubtfulCa
) -> None:
    """W5, E24: CPS shows the same CSR, and the CA gets another order for it."""
    ca.signs = False
    first = record_of(virtual.enroll(wait_timeout=120))
    virtual.act("bob", "cancel", request_id=first["request_id"])
    ca.signs = True
    assert record_of(virtual.enroll())["state"] == "issued"
    assert list(ca.orders) == ["4711", "4712"] and len(set(ca.orders.values())) == 1


def test_an_order_whose_cancellation_was_not_answered_fails_one_request_at_most(
    virtual: VirtualBench, ca: DoubtfulCa
) -> None:
    """W5: nobody knows, so it is taken up; once the CA says that it is over it is left alone."""
    ca.signs = False
    first = record_of(virtual.enroll(wait_timeout=120))
    ca.fails["cancel"] = TransportError("no answer", kind="timeout", sent=True)
    virtual.act("bob", "cancel", request_id=first["request_id"])
    ca.signs = True
    with pytest.raises(ClmError, match="it was cancelled"):
        virtual.enroll()
    assert len(ca.orders) == 1
    assert record_of(virtual.enroll())["state"] == "issued" and list(ca.orders) == ["4711", "4712"]


def test_a_cancellation_of_what_another_run_moved_tells_the_ca_nothing(virtual: VirtualBench, ca: DoubtfulCa) -> None:
    """W5: the certificate came between the plan and the step; the order is not taken back under it."""
    ca.signs = False
    request_id = record_of(virtual.enroll(wait_timeout=120))["request_id"]
    plan = workflow.plan({"action": "cancel", "request_id": request_id}, replace(virtual.ports, actor="bob"))
    ca.signs = True
    virtual.advance(hours=1)
    virtual.run_due()
    with pytest.raises(ConflictError, match="another run moved it meanwhile, it is issued now"):
        plan.execute()
    assert "cancel 4711" not in ca.calls and virtual.requests()[0].state == "issued"


def test_a_look_of_another_run_keeps_nobody_from_cancelling(virtual: VirtualBench, ca: DoubtfulCa) -> None:
    """W5: a request that waits as before is cancelled, although it was stored anew since the plan."""
    ca.signs = False
    request_id = record_of(virtual.enroll(wait_timeout=120))["request_id"]
    plan = workflow.plan({"action": "cancel", "request_id": request_id}, replace(virtual.ports, actor="bob"))
    virtual.advance(hours=1)
    virtual.run_due()
    assert record_of(plan.execute())["state"] == "cancelled" and ca.calls[-1] == "cancel 4711"


def test_a_ca_that_is_away_keeps_nobody_from_cancelling(virtual: VirtualBench, ca: DoubtfulCa) -> None:
    """W5."""
    ca.signs = False
    request_id = record_of(virtual.enroll(wait_timeout=120))["request_id"]
    ca.fails["cancel"] = TransportError("the CA does not answer", kind="connect", sent=False)
    ended = record_of(virtual.act("bob", "cancel", request_id=request_id))
    assert ended["state"] == "cancelled" and "cancel it there: the CA does not answer" in ended["message"]


@pytest.mark.parametrize(
    ("action", "changes", "wanted"),
    [
        ("renew", {"renew": "native"}, ["renew 4711", "submit"]),
        ("renew", {"renew": "reenroll"}, ["submit"]),
        ("regenerate", {"reissue": "native"}, ["reissue 4711", "submit"]),
        ("regenerate", {"renew": "native"}, ["submit"]),
    ],
)
def test_a_successor_is_ordered_in_the_cas_own_way(
    virtual: VirtualBench, ca: DoubtfulCa, action: str, changes: dict[str, Any], wanted: list[str]
) -> None:
    """E3, E4, ca-connectors §2: by data, never by a CA's name."""
    virtual.live()
    ca.changes, ca.calls = changes, []
    virtual.enroll(action=action, force=True)
    assert ca.calls == wanted


def test_a_ca_that_does_not_renew_says_so_before_anything_is_sent(virtual: VirtualBench, ca: DoubtfulCa) -> None:
    """E5: IDnomic renews only what a registration authority enrolled; the sentence is the CA's."""
    virtual.enroll()
    ca.changes, ca.calls = {"renew": "none", "renew_refusal": "only with a RA workflow"}, []
    with pytest.raises(InputError, match="only with a RA workflow"):
        virtual.enroll(action="renew", force=True)
    assert ca.calls == [] and len(virtual.requests()) == 1


def test_a_csr_without_names_is_refused_for_a_ca_that_believes_it_alone(virtual: VirtualBench, ca: DoubtfulCa) -> None:
    """ca-connectors §3.1."""
    ca.changes = {"csr_is_truth": True}
    with pytest.raises(InputError, match="leave exclude_sans out"):
        virtual.enroll(exclude_sans=True)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"key_types": ("rsa",)}, "takes no ec keys; it takes rsa"),
        ({"hashes": ("sha384",)}, "takes no hash sha256; it takes sha384"),
        ({"csr_sources": ("upload",)}, "csr_source endpoint is not to be had"),
    ],
)
def test_what_the_capabilities_rule_out_is_told_at_once(
    virtual: VirtualBench, ca: DoubtfulCa, changes: dict[str, Any], words: str
) -> None:
    """E7-E9, E17: by data, before anything is stored."""
    ca.changes = changes
    with pytest.raises(InputError, match=words):
        virtual.enroll()
    assert virtual.requests() == [] and ca.calls == []


def test_other_validity_and_what_the_ca_says_are_told_as_differences(virtual: VirtualBench, ca: DoubtfulCa) -> None:
    """E15, issue 6: what came back is compared with what was asked."""
    plain = ca._make
    ca._make = lambda csr: told(plain(csr))
    record = record_of(virtual.enroll(validity={"count": 20, "unit": "days"}))
    found = record["ca_progress"]["ECDSA"]["differences"]
    assert any("20 days were asked for" in one for one in found)
    assert "the CA says: the profile has a limit" in found


def told(answer: Any) -> Any:
    """Let the CA say something beside the certificate."""
    assert isinstance(answer, Issued)
    return replace(answer, notes=("the profile has a limit",))


def test_an_order_that_the_ca_refused_meanwhile_ends_the_request(virtual: VirtualBench, ca: DoubtfulCa) -> None:
    """A doubt may end badly, too."""
    lost_at(ca)
    virtual.enroll()
    ca.loses, ca.tells = None, Rejected("not vetted", state="failed")
    virtual.advance(days=2)
    with pytest.raises(StateError, match="not vetted"):
        virtual.enroll()
    assert virtual.requests()[0].state == "failed"
