# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Enrolments whose runs break off, meet, or get bad certificates: nothing happens twice, nothing wrong is kept."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from ansible_collections.edgecert.clm.plugins.module_utils._ca.answer_base import Answer, Issued, Rejected
from ansible_collections.edgecert.clm.plugins.module_utils._ca.base import CaConnector
from ansible_collections.edgecert.clm.plugins.module_utils._clm import enroll
from ansible_collections.edgecert.clm.plugins.module_utils._clm.moves import Mover
from ansible_collections.edgecert.clm.plugins.module_utils._core.errors import (
    ClmError,
    ConflictError,
    RemoteError,
    StateError,
)
from ansible_collections.edgecert.clm.plugins.module_utils._core.types import Bundle, CaAccount
from ansible_collections.edgecert.clm.tests.support.flow import ENROLLMENTS, Bench, StubCa
from ansible_collections.edgecert.clm.tests.support.sandbox_client import ApiClient, enrollment
from ansible_collections.edgecert.clm.tests.support.sandbox_world import LabAuthority, pem


def creates(bench: Bench) -> int:
    """Count the creates CPS was sent since the last look."""
    return sum(method == "POST" and path.startswith("/cps/v2/enrollments?") for method, path in bench.calls())


# What the first create meets, and whether CPS did it.
LOST = [
    ("lost_before", {}, False),
    ("lost_after", {}, True),
    ("server_error", {"when": "before"}, False),
    ("server_error", {"when": "after"}, True),
    ("plain_text", {"when": "after"}, True),
    ("truncated", {}, True),
    ("garbage", {}, True),
    ("empty", {}, True),
]
LOST_IDS = [f"{kind}-{'done' if done else 'not-done'}" for kind, _more, done in LOST]


def until_issued(bench: Bench, runs: int = 3) -> list[str]:
    """Run the same call until it is issued; gives the codes of the errors on the way."""
    codes = []
    for _run in range(runs):
        try:
            outcome = bench.enroll()
        except ClmError as exc:
            codes.append(exc.code)
            continue
        assert outcome.record is not None and outcome.record["state"] == "issued"
        return codes
    raise AssertionError(f"not issued after {runs} runs: {codes}")


@pytest.mark.parametrize(("kind", "more", "done"), LOST, ids=LOST_IDS)
def test_a_lost_reply_to_the_create_leads_to_exactly_one_enrollment(
    bench: Bench, kind: str, more: dict[str, Any], done: bool
) -> None:
    """E9, W5, design §8: the next moves find what an earlier one left."""
    bench.prepare()
    bench.sandbox.fault(kind, method="POST", path=ENROLLMENTS, **more)
    codes = until_issued(bench)
    # What may have been done is looked into by the very run that was not told.
    assert len(codes) == (0 if done else 1)
    assert len(bench.enrollments()) == 1
    assert creates(bench) == (1 if done else 2)
    with bench.store.read() as unit:
        assert all(intent.finished_at for intent in unit.intents.find())
        assert len(unit.requests.find()) == 1


@pytest.mark.parametrize("kind", ["lost_after", "truncated"])
def test_a_run_that_cannot_look_after_a_lost_reply_leaves_the_next_one_to_adopt(bench: Bench, kind: str) -> None:
    """W5: the reply is lost, and so is every look after it; the intent stays."""
    bench.prepare()
    plan = bench.plan_enroll()
    bench.sandbox.fault(kind, method="POST", path=ENROLLMENTS)
    bench.sandbox.fault("server_error", method="GET", path=ENROLLMENTS, nth=1, times=0)
    with pytest.raises(RemoteError):
        plan.execute()
    bench.sandbox.clear_faults()
    again = bench.plan_enroll()
    assert again.steps[0].sentence.startswith("Adopt what an earlier run left")
    outcome = again.execute()
    assert outcome.record is not None and outcome.record["state"] == "issued"
    assert len(bench.enrollments()) == 1 and creates(bench) == 1


@pytest.mark.parametrize("changes", [{"csr": {"cn": "other"}}, {"csr": {"sans": ["more"]}}], ids=["name", "sans"])
def test_only_what_the_lost_create_would_have_made_is_adopted(bench: Bench, changes: dict[str, Any]) -> None:
    """W5: another tool's enrollment that is being made on the same contract stays another tool's."""
    bench.prepare()
    plan = bench.plan_enroll()
    bench.sandbox.fault("lost_before", method="POST", path=ENROLLMENTS)
    with pytest.raises(RemoteError):
        plan.execute()
    body = enrollment(bench.name())
    for name, value in changes["csr"].items():
        body["csr"][name] = bench.name(value) if name == "cn" else [bench.name(), *map(bench.name, value)]
    path = f"/cps/v2/enrollments?contractId={bench.contract}"
    answer = ApiClient(bench.sandbox).call("POST", path, "enrollment-status.v1", body, "enrollment.v11")
    assert answer.status_code == 202, answer.text
    if "sans" in changes["csr"]:
        with pytest.raises(ConflictError):
            bench.enroll()
        return
    outcome = bench.enroll()
    assert outcome.record is not None and outcome.record["state"] == "issued"
    assert len(bench.enrollments()) == 2


def test_a_discovery_between_a_crash_and_the_next_run_does_no_harm(bench: Bench) -> None:
    """W5, E21: what discovery put into the inventory meanwhile becomes the enrolled certificate."""
    bench.prepare()
    other = bench.plan_enroll(certificate="shop")
    bench.sandbox.fault("lost_after", method="POST", path=ENROLLMENTS)
    bench.sandbox.fault("server_error", method="GET", path=ENROLLMENTS, nth=1, times=0)
    with pytest.raises(RemoteError):
        other.execute()
    bench.sandbox.clear_faults()
    bench.device()
    assert [c["certificate"] for c in bench.certificates()] == [bench.name()]
    bench.enroll(certificate="shop")
    found = bench.certificates()
    assert [(c["certificate"], c["origin"], c["state"]) for c in found] == [("shop", "enrolled", "issued")]
    assert not [step for step in bench.again().steps if "1 new" in step.sentence]
    assert len(bench.enrollments()) == 1


def test_another_tools_enrollment_is_not_adopted_after_a_create_that_was_refused(bench: Bench) -> None:
    """W5: a create refused for coming too soon made nothing, so nothing found later is ours."""
    bench.prepare()
    bench.enroll(common_name=bench.name("first"))
    bench.sandbox.configure({"create_interval_s": 300})
    parked = bench.enroll(wait=False).record
    assert parked is not None and parked["reason"] == "create_too_soon"
    bench.sandbox.configure({"create_interval_s": 0})
    # Somebody else opens the very same enrollment meanwhile, from a store of his own.
    body_of = bench.make_ports(bench.store).key_provider
    with bench.store.read() as unit:
        device = unit.devices.get("edge")
        request = unit.requests.get(parked["request_id"])
        account = unit.ca_accounts.get("house")
    assert request is not None and device is not None and account is not None
    mover = Mover(bench.ports, request, device, account, wait_s=0)
    body_of("endpoint", device).begin(mover.order)
    with pytest.raises(ConflictError):
        bench.enroll()


def test_a_run_that_another_one_overtook_orders_nothing_a_second_time(bench: Bench) -> None:
    """W5, design §8: planned before the other one ordered, executed after."""
    bench.prepare()
    answers: list[BaseException | None] = [RemoteError("the CA is down", status=503), None, None]

    def sign(csr_pem: str) -> Answer:
        problem = answers.pop(0)
        if problem is not None:
            raise problem
        return made(bench)(csr_pem)

    ca = StubCa(sign)
    bench.use_ca(ca)
    with pytest.raises(RemoteError):
        bench.enroll()
    late = bench.plan_enroll()
    assert bench.enroll().record
    with pytest.raises(ConflictError):
        late.execute()
    assert len(set(ca.submitted)) == 1 and len(ca.submitted) == 2
    assert bench.enroll().record


def test_several_that_fit_are_left_to_a_person(bench: Bench) -> None:
    """W5: two enrollments that cannot be told apart; neither is adopted, none is opened."""
    bench.prepare()
    plan = bench.plan_enroll()
    bench.sandbox.fault("lost_after", method="POST", path=ENROLLMENTS)
    bench.sandbox.fault("server_error", method="GET", path=ENROLLMENTS, nth=1, times=0)
    with pytest.raises(RemoteError):
        plan.execute()
    bench.sandbox.clear_faults()
    path = f"/cps/v2/enrollments?contractId={bench.contract}&allow-duplicate-cn=true"
    body = enrollment(bench.name())
    answer = ApiClient(bench.sandbox).call("POST", path, "enrollment-status.v1", body, "enrollment.v11")
    assert answer.status_code == 202, answer.text
    creates(bench)
    with pytest.raises(StateError) as caught:
        bench.enroll()
    assert caught.value.code == "in_doubt" and len(caught.value.details["candidates"]) == 2
    assert creates(bench) == 0


def test_a_create_refused_after_one_in_doubt_that_left_nothing_is_taken_back(bench: Bench) -> None:
    """W5: looked for and not found, then refused outright: nothing exists, nothing stays in the way."""
    bench.prepare()
    plan = bench.plan_enroll()
    bench.sandbox.fault("lost_before", method="POST", path=ENROLLMENTS)
    with pytest.raises(RemoteError):
        plan.execute()
    assert bench.records()["requests"] == 1
    bench.sandbox.fault("forbidden", method="POST", path=ENROLLMENTS)
    with pytest.raises(RemoteError):
        bench.enroll()
    assert bench.records()["requests"] == bench.records()["intents"] == 0
    assert bench.enroll(key_type="ec").record


def test_two_runs_at_once_open_one_enrollment(bench: Bench) -> None:
    """W5, design §8: two movers race on one request."""
    bench.prepare()
    first = bench.enroll(wait=False, wait_timeout=0).record
    assert first is not None
    outcomes: list[str] = []

    def race() -> None:
        with closing(bench.open_store("racer")) as store:
            try:
                record = enroll.plan(bench.enroll_params(), bench.make_ports(store, "racer")).execute().record
                outcomes.append(str(record and record["state"]))
            except ClmError as exc:
                outcomes.append(exc.code)

    threads = [threading.Thread(target=race) for _number in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert set(outcomes) <= {"issued", "conflict", "lease_held"} and "issued" in outcomes, outcomes
    assert len(bench.enrollments()) == 1
    with bench.store.read() as unit:
        assert [request.state for request in unit.requests.find()] == ["issued"]
    actions = bench.audit()
    assert actions.count("certificate_ordered") == actions.count("key_place_opened") == 1


def test_two_new_requests_at_once_make_one(bench: Bench) -> None:
    """W5: both were planned before either was recorded."""
    bench.prepare()
    plans = [bench.plan_enroll(), bench.plan_enroll()]
    assert plans[0].execute().record
    with pytest.raises(ConflictError) as caught:
        plans[1].execute()
    assert caught.value.code in ("conflict", "enrollment_exists", "certificate_exists")
    assert len(bench.enrollments()) == 1 and creates(bench) == 1
    with bench.store.read() as unit:
        assert len(unit.requests.find()) == 1


def test_who_is_overtaken_while_planning_is_not_told_to_remove_what_the_other_one_opened(bench: Bench) -> None:
    """W5: looked into the store before the other run was recorded, and at CPS after that one's create."""
    bench.prepare()
    ports, other, asked = bench.ports, enroll.plan(bench.enroll_params(), bench.ports), []

    def connect(account: CaAccount) -> CaConnector:
        asked.append(account.name)
        # First the form asks what the CA takes, while it looks into the store.
        if len(asked) == 2:
            assert other.execute().record
        return ports.ca(account)

    with pytest.raises(ConflictError) as caught:
        enroll.plan(bench.enroll_params(), replace(ports, ca=connect))
    assert (caught.value.code, "remove" in caught.value.message) == ("conflict", False)
    outcome = bench.enroll()
    assert outcome.record is not None and outcome.record["request_id"] == caught.value.details["request_id"]
    assert creates(bench) == 1


def test_a_mover_that_another_one_overtook_does_nothing_a_second_time(bench: Bench) -> None:
    """W5: planned before the other one moved, executed after."""
    bench.prepare()
    bench.sandbox.fault("lost_before", method="POST", path=ENROLLMENTS, times=0)
    with pytest.raises(RemoteError):
        bench.enroll()
    bench.sandbox.clear_faults()
    late = bench.plan_enroll()
    assert bench.enroll().record
    creates(bench)
    with pytest.raises(ConflictError):
        late.execute()
    assert creates(bench) == 0 and len(bench.enrollments()) == 1
    assert bench.enroll().record


# -- bad certificates ----------------------------------------------------------------------------------------------


def made(bench: Bench, **wishes: Any) -> Callable[[str], Answer]:
    """Give a CA's hand: signs with a fresh root and issuing CA, as wished."""
    authority = LabAuthority(bench.clock.now())
    chain: Mapping[str, tuple[str, ...]] = {
        "whole": (pem(authority.issuing),),
        "none": (),
        "shuffled": (pem(authority.root), pem(authority.issuing)),
    }
    which = wishes.pop("chain", "whole")
    is_other_key = wishes.pop("other_key", False)
    age: timedelta = wishes.pop("age", timedelta())

    def sign(csr_pem: str) -> Answer:
        start: datetime = bench.clock.now() - age - timedelta(minutes=1)
        key = authority.issuing_key.public_key() if is_other_key else None
        leaf = authority.sign(csr_pem, start=start, key=key, **wishes)
        root = "" if which == "shuffled" else pem(authority.root)
        return Issued(Bundle(leaf, chain[which], root), {"order": 1})

    return sign


BAD_CERTIFICATES = [
    ({"other_key": True}, "key"),
    ({"age": timedelta(days=200)}, "expired"),
    ({"chain": "none"}, "is missing"),
    ({"names": ["other.example.com"]}, "name"),
]


@pytest.mark.parametrize("immediate", [True, False], ids=["at-once", "later"])
@pytest.mark.parametrize(("wishes", "word"), BAD_CERTIFICATES, ids=[b[1] for b in BAD_CERTIFICATES])
def test_a_certificate_that_cannot_be_used_ends_the_request_and_is_not_kept(
    bench: Bench, wishes: dict[str, Any], word: str, immediate: bool
) -> None:
    """U6: key, time, chain and names are looked at before anything could be pushed."""
    bench.prepare()
    bench.use_ca(StubCa(made(bench, **wishes), immediate=immediate))
    with pytest.raises(StateError) as caught:
        bench.enroll()
    assert caught.value.code == "certificate_unusable" and word in caught.value.message.lower()
    with bench.store.read() as unit:
        [request] = unit.requests.find()
        assert request.state == "failed" and request.reason == "certificate_unusable" and not request.fingerprints
        assert unit.pems.find() == []
        assert all(intent.finished_at for intent in unit.intents.find())
    assert bench.audit()[-1] == "request_failed"


def test_a_shuffled_chain_is_put_right(bench: Bench) -> None:
    """U6: the order is mended where nothing is missing."""
    bench.prepare()
    bench.use_ca(StubCa(made(bench, chain="shuffled")))
    outcome = bench.enroll()
    assert outcome.record is not None and outcome.record["state"] == "issued"
    with bench.store.read() as unit:
        [kept] = unit.pems.find()
    assert kept.chain.count("BEGIN") == 1 and kept.root.count("BEGIN") == 1


def test_a_refusal_of_the_ca_ends_the_request_in_its_words(bench: Bench) -> None:
    """E24."""
    bench.prepare()
    bench.use_ca(StubCa(lambda _csr: Rejected("the domain is on the deny list")))
    with pytest.raises(StateError, match="the domain is on the deny list") as caught:
        bench.enroll()
    assert caught.value.code == "ca_rejected"


def test_a_run_killed_between_order_and_record_orders_under_the_same_intent(bench: Bench) -> None:
    """W5: no second order; the CA is asked under the id it knows."""
    bench.prepare()
    answers: list[BaseException | None] = [KeyboardInterrupt(), None]

    def sign(csr_pem: str) -> Answer:
        problem = answers.pop(0)
        if problem is not None:
            raise problem
        return made(bench)(csr_pem)

    ca = StubCa(sign)
    bench.use_ca(ca)
    with pytest.raises(KeyboardInterrupt):
        bench.enroll()
    outcome = bench.enroll()
    assert outcome.record is not None and outcome.record["state"] == "issued"
    assert len(ca.submitted) == 2 and len(set(ca.submitted)) == 1
