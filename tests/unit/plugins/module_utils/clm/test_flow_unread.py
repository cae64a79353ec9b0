# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A broken entry in a contract's list: it stops the opening of what it may be, and of nothing else."""

from __future__ import annotations

import pytest

from ansible_collections.edgecert.clm.plugins.module_utils._core.errors import (
    ConflictError,
    RemoteError,
    StateError,
    TransportError,
)
from ansible_collections.edgecert.clm.tests.support.flow import ENROLLMENTS, Bench


def broken(bench: Bench, kind: str, name: str) -> int:
    """Have an enrollment of somebody else's on the contract, whose entry in the list is broken."""
    made = bench.sandbox.seed(1, contracts=[bench.contract], csr={"cn": name, "sans": [name]})
    bench.sandbox.configure({"broken_enrollments": [f"{made['first']}={kind}"]})
    return int(made["first"])


def creates(bench: Bench) -> int:
    """Count the creates CPS was sent since the last look."""
    return sum(method == "POST" and path.startswith("/cps/v2/enrollments?") for method, path in bench.calls())


KINDS = ("no-name", "no-id", "no-object", "strange-name")


@pytest.mark.parametrize("kind", KINDS)
def test_a_broken_enrollment_of_another_name_stops_no_new_one_and_is_told(bench: Bench, kind: str) -> None:
    """E9: what bears no name in the list is read alone, and told of where that cannot be."""
    bench.prepare()
    broken(bench, kind, "other.example.com")
    plan = bench.plan_enroll()
    told = plan.extra.get("notes", [])
    assert bool(told) is (kind in ("no-id", "no-object"))
    assert all(bench.contract in note and "cannot be read" in note and "passed over" in note for note in told)
    outcome = plan.execute()
    assert outcome.record is not None and outcome.record["state"] == "issued"
    assert creates(bench) == 1


@pytest.mark.parametrize(
    ("kind", "code"),
    [
        ("no-name", "enrollment_exists"),
        ("strange-name", "enrollment_exists"),
        ("no-id", "enrollment_unreadable"),
    ],
)
def test_a_broken_enrollment_of_the_same_name_stops_it(bench: Bench, kind: str, code: str) -> None:
    """E9, design §8: as one that can be read does; nothing is sent, and nothing is left behind."""
    bench.prepare()
    broken(bench, kind, bench.name())
    with pytest.raises(ConflictError, match=r"have it repaired|remove it in Akamai") as caught:
        bench.enroll()
    assert (caught.value.code, creates(bench)) == (code, 0)
    with bench.store.read() as unit:
        assert unit.requests.find() == []
    bench.sandbox.configure({"broken_enrollments": []})


def test_after_a_lost_answer_nothing_is_opened_beside_what_may_be_ours(bench: Bench) -> None:
    """W5, design §8: the enrollment was made and its entry is no object: it stops, and goes on once it is readable."""
    bench.prepare()
    bench.sandbox.fault("lost_after", method="POST", path=ENROLLMENTS)
    # The look that follows the lost answer is to fail, so that only a later run can find it.
    bench.sandbox.fault("server_error", method="GET", path=ENROLLMENTS, nth=2, times=9)
    with pytest.raises((RemoteError, TransportError)):
        bench.enroll()
    bench.sandbox.clear_faults()
    [made] = bench.enrollments()
    bench.sandbox.configure({"broken_enrollments": [f"{made['enrollment_id']}=no-object"]})
    for _run in range(2):
        with pytest.raises(StateError, match="may have opened what cannot be read now") as caught:
            bench.enroll()
        assert caught.value.code == "in_doubt" and len(caught.value.details["unreadable"]) == 1
    assert creates(bench) == 1
    bench.sandbox.configure({"broken_enrollments": []})
    outcome = bench.enroll()
    assert outcome.record is not None and outcome.record["state"] == "issued"
    assert (creates(bench), len(bench.enrollments())) == (0, 1)


def test_a_request_that_people_approved_waits_for_the_entry_to_be_repaired(bench: Bench) -> None:
    """W5: it does not fail by what somebody will repair."""
    bench.prepare()
    bench.group(approvals={"enroll": 1})
    bench.enroll()
    broken(bench, "no-id", bench.name())
    with bench.store.read() as unit:
        [request] = unit.requests.find()
    bench.act("bob", "approve", request_id=request.request_id)
    with pytest.raises(ConflictError, match="bears the name"):
        bench.enroll()
    with bench.store.read() as unit:
        [request] = unit.requests.find()
    assert (request.state, request.reason) == ("implementing", "enrollment_unreadable")
    bench.sandbox.configure({"broken_enrollments": []})
