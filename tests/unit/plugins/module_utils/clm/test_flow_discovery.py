# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Discovery against a running sandbox: number of calls, differences, contracts out of reach, PEM, sync policy."""

from __future__ import annotations

import pathlib
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from edgecert_sandbox.handle import SandboxOptions, start

from ansible_collections.edgecert.clm.plugins.module_utils._core.errors import ClmError, RemoteError
from ansible_collections.edgecert.clm.tests.support.flow import ENGINE, Account, Bench, FlowClock
from ansible_collections.edgecert.clm.tests.support.sandbox_client import ApiClient

CONTRACTS = ["C-1", "C-2", "C-3"]


@pytest.fixture(scope="module")
def small_account() -> Iterator[Account]:
    """Give a sandbox of three contracts with six enrollments."""
    with start(SandboxOptions(limits=False, contracts=CONTRACTS, seed=6)) as sandbox:
        yield Account(sandbox, CONTRACTS * 50, FlowClock(sandbox))


@pytest.fixture
def small(small_account: Account, tmp_path: pathlib.Path) -> Iterator[Bench]:
    """Give a bench on all three contracts."""
    small_account.sandbox.clear_faults()
    small_account.sandbox.configure(ENGINE)
    small_account.sandbox.calls(reset=True)
    made = Bench(small_account, tmp_path)
    yield made
    made.close()


def counts(outcome: Any) -> tuple[int, ...]:
    """Give enrollments, added, changed, vanished."""
    found = outcome.extra["discovery"]
    return tuple(found[name] for name in ("enrollments", "added", "changed", "vanished"))


def remove(bench: Bench, enrollment_id: int) -> None:
    """Remove an enrollment behind the store's back, as another tool would."""
    path = f"/cps/v2/enrollments/{enrollment_id}?allow-cancel-pending-changes=true"
    answer = ApiClient(bench.sandbox).call("DELETE", path, "enrollment-status.v1")
    assert answer.status_code in (200, 202), answer.text
    bench.advance(60)


def test_a_discovery_takes_two_calls_for_each_contract_and_one(small: Bench) -> None:
    """D7, design §6: counted at the sandbox, not only by ourselves."""
    outcome = small.device(contracts=[])
    listing = [
        path for _m, path in small.calls() if "identifiers" in path or "contractId=" in path or "active-cert" in path
    ]
    assert len(listing) == 2 * len(CONTRACTS) + 1 == outcome.extra["discovery"]["calls"]
    assert counts(outcome) == (6, 6, 0, 0)
    assert outcome.record is not None and outcome.record["discovery"]["enrollments"] == 6


def test_a_second_discovery_changes_nothing(small: Bench) -> None:
    """D7."""
    small.device(contracts=[])
    plan = small.plan_device(contracts=[])
    assert not plan.changed
    assert counts(plan.execute()) == (6, 0, 0, 0)
    assert small.audit() == ["device_onboarded", "certificates_discovered"]


def test_a_contract_out_of_reach_is_passed_over_and_nothing_of_it_vanishes(small: Bench) -> None:
    """D7, D9: 403 and 400 alike; the log says which."""
    small.device(contracts=[])
    small.sandbox.configure({"inaccessible_contracts": ["C-2"], "contracts_without_cps": ["C-3"]})
    outcome = small.again().execute()
    seen, _added, _changed, vanished = counts(outcome)
    assert seen < 6 and vanished == 0
    assert outcome.record is not None
    entry = outcome.record["status_log"][-1]
    assert entry["result"] == "warning" and "C-2" in entry["detail"] and "C-3" in entry["detail"]
    assert {c["state"] for c in small.certificates()} == {"issued"}


def test_a_refused_list_of_what_is_live_is_made_up_for(small: Bench) -> None:
    """Design §6: asked once, not for each contract; one call for each enrollment instead, and the same result."""
    small.device(contracts=[])
    before = small.certificates()
    small.sandbox.configure({"active_certificates_available": False})
    plan = small.again()
    assert not plan.changed
    outcome = plan.execute()
    assert outcome.extra["discovery"]["notes"] and outcome.extra["discovery"]["calls"] == 3 + 1 + 1 + 6
    assert small.certificates() == before


def by_contract(bench: Bench) -> dict[str, list[str]]:
    """Count what was read of each contract, as the sandbox saw it: lists of what is live, and single deployments."""
    paths = [path for _method, path in bench.calls()]
    return {
        "lists": [path.partition("contractId=")[2] for path in paths if "active-certificates" in path],
        "alone": [path for path in paths if path.endswith("/deployments")],
    }


@pytest.mark.parametrize("status", ["400", "403"])
def test_a_contract_refused_the_list_of_what_is_live_spoils_nothing_for_the_others(small: Bench, status: str) -> None:
    """D7, D9, cps-protocol §4.3: what was known of it stays, nothing vanishes, and the others cost what they did."""
    small.device(contracts=[])
    before = small.certificates()
    assert all(row["production"] for row in before)
    small.sandbox.configure({"active_certificates_refused": [f"C-2={status}"]})
    small.calls()
    plan = small.again()
    assert by_contract(small) == {"lists": CONTRACTS, "alone": []}
    assert not plan.changed
    outcome = plan.execute()
    assert counts(outcome) == (6, 0, 0, 0) and outcome.extra["discovery"]["unreadable"] == 0
    [note] = outcome.extra["discovery"]["notes"]
    assert "C-2" in note and f"HTTP {status}" in note
    assert outcome.record is not None and outcome.record["status_log"][-1]["result"] == "warning"
    assert small.certificates() == before


def test_what_is_new_of_a_contract_refused_that_list_is_found_without_what_is_live(small: Bench) -> None:
    """D7: and told in full when it is listed again."""
    small.sandbox.configure({"active_certificates_refused": ["C-2=403"]})
    assert counts(small.device(contracts=[])) == (6, 6, 0, 0)
    unknown = [row["contract_id"] for row in small.certificates() if not row["production"]]
    assert unknown == ["C-2", "C-2"]
    small.sandbox.configure(ENGINE)
    assert counts(small.again().execute()) == (6, 0, 2, 0)
    assert {row["state"] for row in small.certificates()} == {"issued"}


@pytest.mark.parametrize(("kind", "asked"), [("forbidden", ["C-1"]), ("unknown_version", ["C-1", "C-1"])])
def test_what_the_account_is_refused_is_asked_once(small: Bench, kind: str, asked: list[str]) -> None:
    """Design §6: a missing grant, or that no version is known, is the same for each contract."""
    small.device(contracts=[])
    small.sandbox.fault(kind, method="GET", path="active-certificates", times=0)
    small.calls()
    assert not small.again().changed
    found = by_contract(small)
    assert (found["lists"], len(found["alone"])) == (asked, 6)


def test_enrollments_of_child_contracts_are_found_in_two_calls_more_for_each_child(bench: Bench) -> None:
    """D7, D10, cps-protocol §4.4: parents and children are listed in the one call for the contracts."""
    child = f"{bench.contract}-CHILD"
    bench.sandbox.configure({"child_contracts": [f"{child}={bench.contract}"]})
    bench.sandbox.seed(5, contracts=[bench.contract, child])
    bench.device(contracts=[bench.contract, child], discover="none")
    [identifiers] = [path for _method, path in bench.calls() if "identifiers" in path]
    assert identifiers.endswith("depth=ALL")
    outcome = bench.again().execute()
    assert counts(outcome) == (5, 5, 0, 0) and outcome.extra["discovery"]["calls"] == 2 * 2
    by_child = [row["contract_id"] for row in bench.certificates()]
    assert (by_child.count(bench.contract), by_child.count(child)) == (3, 2)


@pytest.mark.parametrize("is_open", [True, False], ids=["lists", "one by one"])
def test_what_a_parent_lists_of_its_children_is_read_once(small: Bench, is_open: bool) -> None:
    """D7, cps-protocol §4.4: without duplicates by the id of the enrollment."""
    small.sandbox.configure({"child_contracts": ["C-4=C-1"], "parents_list_children": True})
    small.sandbox.configure({"active_certificates_available": is_open})
    number = small.sandbox.seed(1, contracts=["C-4"])["first"]
    try:
        outcome = small.device(contracts=[])
        assert counts(outcome) == (7, 7, 0, 0) and outcome.extra["discovery"]["unreadable"] == 0
        read = [path for _method, path in small.calls() if path.endswith("/deployments")]
        assert len(read) == len(set(read)) == (0 if is_open else 7)
        assert outcome.extra["discovery"]["calls"] == 1 + (2 * 4 if is_open else 4 + 1 + 7)
        assert not small.again().changed
    finally:
        remove(small, number)


def test_a_named_child_contract_is_one_the_client_sees(bench: Bench) -> None:
    """D10: enrolled on, and looked at alone."""
    child = f"{bench.contract}-CHILD"
    bench.sandbox.configure({"child_contracts": [f"{child}={bench.contract}"]})
    bench.prepare(contracts=[child])
    assert bench.enroll().record
    found = bench.again().execute()
    assert found.record is not None and found.record["status"] == "managed"
    assert [row["contract_id"] for row in bench.certificates()] == [child]


def test_older_versions_of_the_lists_are_read_and_told_of(small: Bench) -> None:
    """D7, D9, cps-protocol §5.2: one call more for each, however many contracts, and the same certificates."""
    small.device(contracts=[])
    before = small.certificates()
    small.sandbox.configure({"unknown_versions": ["enrollments.v11", "active-certificates.v2"]})
    found = small.again().execute().extra["discovery"]
    assert found["calls"] == 2 * len(CONTRACTS) + 1 + 2
    [note] = found["notes"]
    assert "active-certificates v1, enrollments v10" in note
    assert (found["vanished"], found["unreadable"]) == (0, 0)
    served = ("certificate", "state", "fingerprint", "sans", "not_after", "contract_id")
    assert [[row[name] for name in served] for row in small.certificates()] == [
        [row[name] for name in served] for row in before
    ]


def test_an_error_of_the_service_ends_a_discovery_and_keeps_the_store(small: Bench) -> None:
    """D9: a contract that fails for another reason is not passed over."""
    small.device(contracts=[])
    before = small.certificates()
    small.sandbox.fault("server_error", method="GET", path="contractId=C-2", times=0)
    with pytest.raises(RemoteError):
        small.again()
    assert small.certificates() == before


@pytest.mark.parametrize(
    ("kind", "more"),
    [("burst_block", {}), ("unauthorized", {}), ("forbidden", {}), ("rate_limited", {"seconds": 600.0})],
)
def test_what_says_nothing_about_a_contract_passes_none_over(small: Bench, kind: str, more: dict[str, Any]) -> None:
    """D9: the calls are used up, or the credential is refused; the contract is there all the same."""
    small.device(contracts=[])
    small.sandbox.fault(kind, method="GET", path=r"enrollments\?contractId=C-2", times=0, **more)
    with pytest.raises(RemoteError):
        small.again()
    small.sandbox.clear_faults()
    assert not small.again().changed


def test_a_block_at_the_list_of_what_is_live_is_no_refusal_of_it(small: Bench) -> None:
    """D9, design §6: no call for each enrollment because too many calls were made."""
    small.device(contracts=[])
    small.sandbox.fault("burst_block", method="GET", path="active-certificates", times=0)
    small.calls()
    with pytest.raises(RemoteError):
        small.again()
    assert not [path for _method, path in small.calls() if path.endswith("/deployments")]


def test_contracts_that_are_deselected_do_not_vanish(small: Bench) -> None:
    """D10: a contract that is not read proves nothing about its certificates."""
    small.device(contracts=[])
    outcome = small.again(contracts=["C-1"]).execute()
    assert counts(outcome)[3] == 0
    assert {c["contract_id"] for c in small.certificates()} == set(CONTRACTS)


def test_full_fetches_only_what_was_never_seen_and_resumes(small: Bench) -> None:
    """Design §6: PEM once for each fingerprint; what was fetched before a failure stays."""
    small.device(contracts=[])
    small.sandbox.fault("server_error", method="GET", path="/deployments", nth=4, times=0)
    with pytest.raises(ClmError):
        small.again(discover="full").execute()
    kept = small.records()["pems"]
    assert kept == 3
    small.sandbox.clear_faults()
    small.calls()
    outcome = small.again(discover="full").execute()
    assert small.records()["pems"] == 6 and outcome.extra["discovery"]["fetched"] == 3
    assert len([path for _m, path in small.calls() if path.endswith("/deployments")]) == 3
    assert not small.again(discover="full").changed


def test_two_devices_on_one_account_get_ids_of_their_own(small: Bench) -> None:
    """E21: ids are unique, whoever leads to the enrollment, and stay the same at the next discovery."""
    for name in ("edge", "second", "third"):
        small.device(name=name, contracts=[])
    ids = [c["certificate"] for c in small.certificates()]
    assert len(ids) == len(set(ids)) == 18
    for name in ("edge", "second", "third"):
        assert not small.plan_device(name=name, contracts=[]).changed


def test_vanished_and_reappeared_and_changed_ones_are_told(bench: Bench) -> None:
    """D7: what is gone is kept as vanished; what comes back is issued again."""
    bench.sandbox.seed(2, contracts=[bench.contract])
    assert counts(bench.device()) == (2, 2, 0, 0)
    gone, _stays = bench.enrollments()
    remove(bench, gone["enrollment_id"])
    outcome = bench.again().execute()
    assert counts(outcome) == (1, 0, 0, 1)
    assert not bench.again().changed
    assert [c["state"] for c in bench.certificates(state=["vanished"])] == ["vanished"]
    assert len(bench.certificates()) == 1
    with bench.store.read() as unit:
        rows = [row.entry for row in unit.audit_rows() if row.entry.action == "certificates_discovered"]
    assert rows[-1].after is not None and len(rows[-1].after["vanished_ids"]) == 1


def test_a_certificate_that_is_there_again_is_no_longer_vanished(bench: Bench) -> None:
    """D7: found again by its enrollment."""
    bench.sandbox.seed(1, contracts=[bench.contract])
    bench.device()
    with bench.store.write() as unit:
        [known] = unit.certificates.find()
        unit.certificates.put(replace(known, state="vanished", production={}, staging={}))
    assert counts(bench.again().execute()) == (1, 0, 1, 0)
    [found] = bench.certificates()
    assert found["state"] == "issued" and found["production"]


def test_an_enrolled_certificate_stays_what_its_request_says(bench: Bench) -> None:
    """E21, D7: discovery adds what the networks serve and touches nothing else."""
    bench.issued()
    before = bench.certificates()[0]
    bench.push()
    bench.again().execute()
    [after] = bench.certificates()
    assert after["fingerprint"] == before["fingerprint"] == after["staging"]["fingerprint"]
    assert (after["origin"], after["state"], after["ca"]) == ("enrolled", "issued", "house")
    assert not bench.again().changed


def test_a_pending_change_is_seen(bench: Bench) -> None:
    """D7."""
    bench.prepare()
    bench.sandbox.configure({"csr_s": 120})
    bench.enroll(wait=False)
    bench.again().execute()
    [found] = bench.certificates()
    assert found["pending_changes"][0]["change_id"] and found["state"] == "pending"


def test_changing_the_sync_policy_applies_to_what_was_discovered_before(bench: Bench) -> None:
    """D5: managed, monitored, ignored and back."""
    bench.sandbox.seed(2, contracts=[bench.contract])
    bench.device()
    assert {c["cert_sync"] for c in bench.certificates()} == {"managed"}
    bench.again(cert_sync="monitored").execute()
    assert {c["cert_sync"] for c in bench.certificates()} == {"monitored"} and len(bench.certificates()) == 2
    bench.again(cert_sync="ignored").execute()
    assert bench.certificates() == []
    assert len(bench.certificates(sync=["ignored"])) == 2
    bench.sandbox.seed(1, contracts=[bench.contract])
    outcome = bench.again(cert_sync="managed").execute()
    assert counts(outcome) == (3, 1, 0, 0)
    assert {c["cert_sync"] for c in bench.certificates()} == {"managed"} and len(bench.certificates()) == 3
