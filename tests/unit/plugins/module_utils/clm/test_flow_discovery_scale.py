# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Discovery of what is not as it should be: other validation types, bad enrollments, budgets, what is out of sight."""

from __future__ import annotations

import itertools
import os
import pathlib
import signal
from collections.abc import Iterator
from functools import partial
from typing import Any

import pytest
from edgecert_sandbox.handle import SandboxOptions, start

from ansible_collections.edgecert.clm.plugins.module_utils._core.errors import ClmError, InputError, PolicyError
from ansible_collections.edgecert.clm.plugins.module_utils._target.akamai_cps import AkamaiCpsTarget
from ansible_collections.edgecert.clm.tests.support.children import in_children
from ansible_collections.edgecert.clm.tests.support.flow import ENGINE, Account, Bench, FlowClock

CONTRACTS = ["C-1", "C-2", "C-3"]
COUNT = 9


@pytest.fixture(scope="module")
def nine_account() -> Iterator[Account]:
    """Give a sandbox of three contracts with nine enrollments, 10001 to 10009, three on each."""
    with start(SandboxOptions(limits=False, contracts=CONTRACTS, seed=COUNT)) as sandbox:
        yield Account(sandbox, CONTRACTS * 50, FlowClock(sandbox))


@pytest.fixture
def nine(nine_account: Account, tmp_path: pathlib.Path) -> Iterator[Bench]:
    """Give a bench on all of them."""
    nine_account.sandbox.clear_faults()
    nine_account.sandbox.configure(ENGINE)
    nine_account.sandbox.calls(reset=True)
    made = Bench(nine_account, tmp_path)
    yield made
    made.close()


def found(outcome: Any) -> dict[str, Any]:
    """Give what a discovery says of itself."""
    return dict(outcome.extra["discovery"])


def states(bench: Bench) -> dict[int, str]:
    """Give the state of each certificate by its enrollment, the vanished ones among them."""
    kept = bench.certificates(state=["pending", "issued", "vanished"])
    return {one["enrollment_id"]: one["state"] for one in kept}


def deployments(bench: Bench) -> list[int]:
    """Give the enrollments whose deployments were read since the last time."""
    return [int(path.split("/")[-2]) for _method, path in bench.calls() if path.endswith("/deployments")]


# -- what CPS manages itself ---------------------------------------------------------------------------------------

KINDS = {"dv": "san", "ov": "san", "ev": "san", "third-party": "third-party"}


def test_dv_ov_and_ev_enrollments_are_discovered_like_those_of_third_parties(bench: Bench) -> None:
    """D7, V1: CPS's own certificates are certificates of the inventory, with what the wire says of them."""
    bench.sandbox.seed(4, contracts=[bench.contract], kinds=list(KINDS))
    bench.device(discover="full")
    rows = {row["validation_type"]: row for row in bench.certificates()}
    assert {kind: row["vendor_certificate_type"] for kind, row in rows.items()} == KINDS
    for kind, row in rows.items():
        assert (row["origin"], row["state"], row["contract_id"]) == ("discovered", "issued", bench.contract)
        assert row["issuer"] == "CN=Sandbox Seed CA" and row["networks"] == ["staging", "production"]
        assert row["production"]["fingerprint"] == row["fingerprint"] and row["serial"], kind
        assert row["common_name"] in row["sans"] and row["san_count"] == 2
        assert 0 < row["days_left"] < (90 if kind == "dv" else 366)
    assert bench.records()["pems"] == 4


def test_a_dv_enrollment_that_waits_for_validation_is_pending(bench: Bench) -> None:
    """D7: it has no certificate yet, and a change that waits."""
    bench.sandbox.seed(1, contracts=[bench.contract], kinds=["dv-pending"])
    bench.device()
    [row] = bench.certificates()
    assert (row["validation_type"], row["state"], row["fingerprint"]) == ("dv", "pending", "")
    assert row["pending_changes"][0]["change_type"] == "new-certificate" and row["days_left"] is None


# -- what cannot be read -------------------------------------------------------------------------------------------

BAD = [
    ("no-name", "common name", 1),
    ("strange-name", "characters", 1),
    ("no-id", "no id", 0),
    ("no-object", "no id", 0),
]


@pytest.mark.parametrize(("kind", "words", "counted"), BAD, ids=[row[0] for row in BAD])
def test_a_bad_entry_of_a_list_is_told_of_and_the_others_are_kept(
    nine: Bench, kind: str, words: str, counted: int
) -> None:
    """D7, D9: on the first discovery, and on a later one, when what cannot be read must not count as gone."""
    nine.sandbox.configure({"broken_enrollments": [f"10005={kind}"]})
    outcome = nine.device(contracts=[])
    assert (found(outcome)["enrollments"], found(outcome)["unreadable"]) == (COUNT - 1, counted)
    assert outcome.record is not None
    entry = outcome.record["status_log"][-1]
    assert entry["result"] == "warning" and words in entry["detail"]
    assert len(found(outcome)["notes"]) == 1, "both lists tell of it"
    assert outcome.record["status"] == "managed" and 10005 not in states(nine)
    nine.sandbox.configure({"broken_enrollments": []})
    nine.again().execute()
    assert len(states(nine)) == COUNT
    nine.sandbox.configure({"broken_enrollments": [f"10005={kind}"]})
    assert found(nine.again().execute())["vanished"] == 0
    assert states(nine)[10005] == "issued"


def test_an_entry_without_an_id_does_not_hide_that_others_of_other_contracts_vanished(nine: Bench) -> None:
    """D7: it stands for one of its own contract, 10004 is on C-1 as 10001, 10002 on C-2."""
    nine.device(contracts=[])
    nine.sandbox.configure({"broken_enrollments": ["10001=no-id"], "hidden_enrollments": ["10002", "10004"]})
    assert found(nine.again().execute())["vanished"] == 1
    assert (states(nine)[10002], states(nine)[10004]) == ("vanished", "issued")


def test_what_the_list_of_live_ones_leaves_out_keeps_what_was_known(nine: Bench) -> None:
    """D7: an enrollment that serves nothing is listed with nothing; one that is missing was not told of."""
    nine.device(contracts=[])
    before = nine.certificates()
    nine.sandbox.configure({"broken_enrollments": ["10003=not-live-listed"]})
    assert not nine.again().changed
    assert nine.certificates() == before


def test_of_many_bad_ones_the_first_are_named_and_the_rest_counted(bench: Bench) -> None:
    """D9: a log that names ten thousand is read by nobody."""
    first = bench.sandbox.seed(30, contracts=[bench.contract])["first"]
    bench.sandbox.configure({"broken_enrollments": [f"{first + number}=no-name" for number in range(25)]})
    told = found(bench.device())
    assert (told["enrollments"], told["unreadable"]) == (5, 25)
    assert len(told["notes"]) == 21 and told["notes"][-1].startswith("5 more")


def test_a_certificate_that_cannot_be_parsed_is_told_of_and_does_not_stop_the_others(bench: Bench) -> None:
    """D7: its PEM stays away, everything that the lists say of it is there; the next run tries it last."""
    first = bench.sandbox.seed(5, contracts=[bench.contract])["first"]
    bench.sandbox.configure({"broken_enrollments": [f"{first}=no-certificate"]})
    outcome = bench.device(discover="full")
    assert (found(outcome)["fetched"], len(bench.certificates())) == (4, 5)
    assert any(str(first) in note for note in found(outcome)["notes"])
    assert outcome.record is not None and outcome.record["discovery"]["unreadable_ids"] == [first]
    bench.sandbox.configure({"broken_enrollments": []})
    bench.sandbox.seed(1, contracts=[bench.contract])
    bench.calls()
    assert found(bench.again(discover="full").execute())["fetched"] == 2
    assert deployments(bench)[-1] == first


# -- PEM within a budget -------------------------------------------------------------------------------------------


def test_a_budget_spreads_the_pem_over_several_runs(bench: Bench) -> None:
    """Design §6: each goes on where the last one stopped, and none fetches anything twice."""
    bench.sandbox.seed(7, contracts=[bench.contract])
    bench.device(discover="none")
    fetched, seen = [], []
    for _run in range(4):
        bench.calls()
        told = found(bench.again(discover="full", budget=8).execute())
        fetched.append((told["fetched"], told["pems_left"]))
        seen += deployments(bench)
    # Three calls look at the device, two list its only contract.
    assert fetched == [(3, 4), (3, 1), (1, 0), (0, 0)]
    assert len(seen) == len(set(seen)) == 7
    assert not bench.again(discover="full", budget=8).changed


def test_a_budget_of_no_call_is_refused_before_any_traffic(bench: Bench) -> None:
    with pytest.raises(InputError, match="budget"):
        bench.plan_device(budget=0)
    assert bench.calls() == []


def test_calls_that_are_used_up_end_the_fetching_and_lose_nothing(nine: Bench) -> None:
    """Design §6: what CPS asks to wait for longer than a run may wait is left to the next one."""
    nine.device(contracts=[])
    nine.sandbox.fault("rate_limited", method="GET", path="/deployments", nth=3, times=0, seconds=1200.0)
    told = found(nine.again(discover="full").execute())
    assert (told["fetched"], told["pems_left"]) == (2, COUNT - 2) and "stopped" in told["notes"][-1]
    nine.sandbox.clear_faults()
    nine.advance(1300)
    assert found(nine.again(discover="full").execute())["fetched"] == COUNT - 2


def test_a_run_that_is_killed_loses_nothing_it_fetched(bench: Bench) -> None:
    """Design §6: the next one fetches the rest, PEM and history, and nothing twice."""
    bench.sandbox.seed(5, contracts=[bench.contract], former=1)
    bench.device()
    bench.calls()
    for method in ("fetch_pem", "fetch_history"):
        bench.store.close()
        [ended] = in_children([partial(killed_at, bench, method, 3)])
        assert ended.is_killed, ended
        bench.store = bench.open_store()
        bench.ports = bench.make_ports(bench.store)
    assert (bench.records()["pems"], len(bench.certificates(state=["superseded"]))) == (5 + 2, 2)
    told = found(bench.again(discover="full", history=True).execute())
    assert (told["fetched"], told["former"]) == (3, 3)
    read = [path for _method, path in bench.calls() if path.endswith(("/deployments", "/history/certificates"))]
    assert len(read) == len(set(read)) == 5 + 5


def killed_at(bench: Bench, method: str, number: int) -> None:
    """Discover, and die as by ``kill -9`` before that call of that kind."""
    store = bench.open_store()
    bench.ports = bench.make_ports(store)
    made, calls = getattr(AkamaiCpsTarget, method), itertools.count(1)

    def fetch(target: AkamaiCpsTarget, enrollment_id: int) -> Any:
        if next(calls) == number:
            os.kill(os.getpid(), signal.SIGKILL)
        return made(target, enrollment_id)

    setattr(AkamaiCpsTarget, method, fetch)
    bench.again(discover="full", history=True).execute()


def test_one_enrollment_that_fails_does_not_stop_the_others_and_a_service_that_fails_does(bench: Bench) -> None:
    """D7, design §6."""
    first = bench.sandbox.seed(5, contracts=[bench.contract])["first"]
    bench.device()
    bench.sandbox.fault("server_error", method="GET", path=f"/{first}/deployments", times=0)
    told = found(bench.again(discover="full").execute())
    assert (told["fetched"], told["pems_left"]) == (4, 0) and str(first) in told["notes"][0]
    bench.sandbox.fault("server_error", method="GET", path="/deployments", times=0)
    bench.sandbox.seed(3, contracts=[bench.contract])
    with pytest.raises(ClmError):
        bench.again(discover="full").execute()


# -- where active-certificates is refused --------------------------------------------------------------------------

REFUSALS: list[tuple[str, dict[str, Any]]] = [
    ("forbidden", {}),
    ("plain_text", {"status": 404}),
    ("plain_text", {"status": 406}),
]


@pytest.mark.parametrize(("kind", "more"), REFUSALS, ids=["403", "404", "406"])
def test_deployments_make_up_for_each_refusal_and_their_pem_is_not_fetched_twice(
    nine: Bench, kind: str, more: dict[str, Any]
) -> None:
    """Design §6."""
    nine.sandbox.fault(kind, method="GET", path="active-certificates", times=0, **more)
    told = found(nine.device(contracts=[], discover="full"))
    assert told["enrollments"] == told["fetched"] == nine.records()["pems"] == COUNT
    read = deployments(nine)
    assert len(read) == len(set(read)) == COUNT
    assert {row["state"] for row in nine.certificates()} == {"issued"}
    assert not nine.again(discover="full").changed


def test_without_the_list_a_budget_reads_on_in_turns_until_all_were_read(bench: Bench) -> None:
    """Design §6: a run begins behind the one before; then the round begins anew."""
    first = bench.sandbox.seed(7, contracts=[bench.contract])["first"]
    bench.sandbox.configure({"active_certificates_available": False})
    bench.device(discover="none")
    runs = []
    for run in range(5):
        if run == 4:
            bench.sandbox.seed(1, contracts=[bench.contract])
        bench.calls()
        told = found(bench.again(budget=8).execute())
        runs.append(([one - first for one in deployments(bench)], told["unread"]))
    # Of eight calls three look at the device, one lists its contract, and the refused list takes one as well.
    assert runs[:4] == [([0, 1, 2], 4), ([3, 4, 5], 1), ([6], 0), ([0, 1, 2], 4)]
    assert {row["state"] for row in bench.certificates()} == {"issued", "pending"}
    assert runs[4] == ([3, 4, 5], 2)


def test_an_enrollment_not_read_yet_keeps_what_was_known_of_it(nine: Bench) -> None:
    """D7: what a budget leaves out is neither gone nor without a certificate."""
    nine.device(contracts=[])
    before = nine.certificates()
    nine.sandbox.configure({"active_certificates_available": False})
    plan = nine.again(budget=12)
    assert not plan.changed and found(plan.execute())["unread"] > 0
    assert nine.certificates() == before


# -- what goes out of sight ----------------------------------------------------------------------------------------


def test_what_vanished_comes_back_when_it_comes_back(nine: Bench) -> None:
    """D7: by its enrollment, under its id, with what it serves."""
    nine.device(contracts=[])
    before = {row["enrollment_id"]: row for row in nine.certificates()}[10002]
    nine.sandbox.configure({"hidden_enrollments": ["10002"]})
    assert found(nine.again().execute())["vanished"] == 1
    assert states(nine)[10002] == "vanished"
    [gone] = nine.certificates(state=["vanished"])
    assert (gone["certificate"], gone["production"]) == (before["certificate"], {})
    assert not nine.again().changed
    nine.sandbox.configure({"hidden_enrollments": []})
    assert found(nine.again().execute())["changed"] == 1
    back = {row["enrollment_id"]: row for row in nine.certificates()}[10002]
    assert {**back, "updated_at": ""} == {**before, "updated_at": ""}


LOST = [{"inaccessible_contracts": ["C-2"]}, {"contracts_without_cps": ["C-2"]}]


@pytest.mark.parametrize("setting", LOST, ids=["403", "400"])
@pytest.mark.parametrize("contracts", [[], CONTRACTS], ids=["all", "named"])
def test_a_contract_that_can_no_longer_be_read_lets_nothing_vanish(
    nine: Bench, setting: dict[str, Any], contracts: list[str]
) -> None:
    """D7: neither while it is refused nor after."""
    nine.device(contracts=contracts)
    nine.sandbox.configure(setting)
    assert found(nine.again().execute())["vanished"] == 0
    assert set(states(nine).values()) == {"issued"}
    nine.sandbox.configure(ENGINE)
    assert not nine.again().changed


# -- sync policy ---------------------------------------------------------------------------------------------------

POLICIES = ("managed", "monitored", "ignored")
SWITCHES = [(before, after) for before in POLICIES for after in POLICIES if before != after]


@pytest.mark.parametrize(("before", "after"), SWITCHES, ids=["-".join(pair) for pair in SWITCHES])
def test_each_switch_of_the_sync_policy_holds_for_what_was_discovered_before(
    bench: Bench, before: str, after: str
) -> None:
    """D5: hidden or shown, acted on or refused, and brought up to date where it is looked at again."""
    bench.sandbox.seed(2, contracts=[bench.contract])
    bench.device()
    bench.settings()
    bench.ca()
    if before != "managed":
        bench.again(cert_sync=before).execute()
    bench.calls()
    outcome = bench.again(cert_sync=after).execute()
    assert outcome.record is not None and outcome.record["status"] == after
    listed = [path for _method, path in bench.calls() if "enrollments?" in path]
    rows = bench.certificates(sync=[after])
    assert len(rows) == 2 and {row["cert_sync"] for row in rows} == {after}
    assert bench.certificates(sync=[before]) == []
    assert (len(bench.certificates()), len(listed)) == ((0, 0) if after == "ignored" else (2, 1))
    if after == "managed":
        assert bench.enroll(wait=False).record
    else:
        with pytest.raises(PolicyError) as caught:
            bench.enroll(wait=False)
        assert caught.value.code == "device_not_managed" and after in caught.value.message


def test_a_device_that_is_looked_at_again_catches_up_with_what_happened_meanwhile(bench: Bench) -> None:
    """D5, D7: while it was ignored one went and one came."""
    first = bench.sandbox.seed(3, contracts=[bench.contract])["first"]
    bench.device()
    bench.again(cert_sync="ignored").execute()
    bench.sandbox.configure({"hidden_enrollments": [str(first)]})
    bench.sandbox.seed(1, contracts=[bench.contract])
    told = found(bench.again(cert_sync="monitored").execute())
    assert (told["added"], told["vanished"]) == (1, 1)
    assert {row["cert_sync"] for row in bench.certificates()} == {"monitored"} and len(bench.certificates()) == 3
