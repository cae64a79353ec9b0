# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Lineage out of CPS's history: only when asked for, once for each live certificate, within the budget."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ansible_collections.edgecert.clm.plugins.module_utils._clm import devices, history, queries
from ansible_collections.edgecert.clm.plugins.module_utils._core.clock import to_text
from ansible_collections.edgecert.clm.plugins.module_utils._core.errors import ClmError
from ansible_collections.edgecert.clm.plugins.module_utils._core.types import Bundle, Certificate
from ansible_collections.edgecert.clm.plugins.module_utils._target.base import Former
from ansible_collections.edgecert.clm.tests.support.flow import Bench

NOW = datetime(2027, 1, 1, tzinfo=timezone.utc)


def found(outcome: Any) -> dict[str, Any]:
    """Give what a discovery says of itself."""
    return dict(outcome.extra["discovery"])


def lineage(bench: Bench, certificate_id: str) -> list[dict[str, Any]]:
    """Give the line of a certificate as the holistic view shows it."""
    plan = queries.plan_certificates({"view": "holistic", "certificate": certificate_id}, bench.ports)
    return list(plan.extra["holistic"][0]["lineage"])


def read(bench: Bench) -> list[str]:
    """Give the calls for histories since the last time."""
    return [path for _method, path in bench.calls() if path.endswith("/history/certificates")]


def superseded(bench: Bench) -> list[dict[str, Any]]:
    """Give the earlier certificates without their days, which may pass between two looks."""
    rows = bench.certificates(state=["superseded"])
    return [{name: value for name, value in row.items() if not name.endswith("days_left")} for row in rows]


def test_history_is_read_only_when_it_is_asked_for(bench: Bench) -> None:
    """V1, design §6."""
    bench.sandbox.seed(2, contracts=[bench.contract], former=2)
    assert found(bench.device(discover="full"))["former"] == 0
    assert read(bench) == [] and bench.certificates(state=["superseded"]) == []


def test_earlier_certificates_stand_behind_the_one_that_is_live(bench: Bench) -> None:
    """V1, V2: parents and successors, the newest first, hidden from lists, with facts and PEM of their own."""
    bench.sandbox.seed(1, contracts=[bench.contract], former=2)
    told = found(bench.device(history=True))
    assert (told["former"], told["histories_left"], told["enrollments"]) == (2, 0, 1)
    [live] = bench.certificates()
    older = {row["certificate"]: row for row in bench.certificates(state=["superseded"])}
    line = lineage(bench, live["certificate"])
    assert [row["certificate"] for row in line] == [live["parent"], older[live["parent"]]["parent"]]
    assert line[0]["not_after"] > line[1]["not_after"] and live["not_after"] > line[0]["not_after"]
    assert older[live["parent"]]["successor"] == live["certificate"]
    assert older[line[1]["certificate"]]["successor"] == live["parent"] and not older[line[1]["certificate"]]["parent"]
    for row in older.values():
        assert (row["state"], row["origin"], row["device"]) == ("superseded", "discovered", "edge")
        assert row["certificate"] == f"{live['certificate']}~{row['fingerprint'][:12]}"
        assert row["sans"] == live["sans"] and row["enrollment_id"] is None and row["issuer"] and row["serial"]
    with bench.store.read() as unit:
        assert {pem.fingerprint for pem in unit.pems.find()} == {live["fingerprint"], *(r["fingerprint"] for r in line)}


def test_a_history_is_read_once_and_again_when_another_certificate_is_live(bench: Bench) -> None:
    """Design §6: one call for each change, none for what did not change; what was there stays as it was."""
    bench.sandbox.seed(3, contracts=[bench.contract], former=1)
    bench.device(history=True)
    assert len(read(bench)) == 3
    assert not bench.again(history=True).changed
    renewed = bench.enrollments()[0]["enrollment_id"]
    with bench.store.write() as unit:
        certificate = unit.certificates.find(enrollment_id=renewed)[0]
        unit.certificates.put(replace(certificate, history_read="0" * 64))
    before = superseded(bench)
    bench.calls()
    told = found(bench.again(history=True).execute())
    assert (len(read(bench)), told["former"]) == (1, 0)
    assert superseded(bench) == before


def test_histories_are_read_within_the_budget_and_go_on_with_the_next_run(bench: Bench) -> None:
    """Design §6; PEM is fetched first."""
    bench.sandbox.seed(4, contracts=[bench.contract], former=1)
    bench.device(discover="none")
    runs = []
    for _run in range(4):
        bench.calls()
        told = found(bench.again(discover="full", history=True, budget=8).execute())
        runs.append((told["fetched"], told["pems_left"], told["former"], told["histories_left"]))
    # The history brings the PEM of the earlier ones.
    assert runs == [(3, 1, 0, 4), (3, 0, 2, 2), (2, 0, 2, 0), (0, 0, 0, 0)]
    assert bench.records()["pems"] == 8 and len(bench.certificates(state=["superseded"])) == 4


def test_a_run_that_breaks_off_keeps_what_it_read(bench: Bench) -> None:
    """Design §6."""
    bench.sandbox.seed(6, contracts=[bench.contract], former=1)
    bench.device()
    bench.sandbox.fault("server_error", method="GET", path="/history/certificates", nth=3, times=0)
    with pytest.raises(ClmError):
        bench.again(history=True).execute()
    assert len(bench.certificates(state=["superseded"])) == 2
    bench.sandbox.clear_faults()
    assert found(bench.again(history=True).execute())["former"] == 4


def test_a_history_that_cannot_be_read_is_told_of_and_the_others_are_kept(bench: Bench) -> None:
    """D7."""
    first = bench.sandbox.seed(3, contracts=[bench.contract], former=1)["first"]
    bench.sandbox.configure({"broken_enrollments": [f"{first}=no-certificate"]})
    told = found(bench.device(history=True))
    assert told["former"] == 2 and str(first) in told["notes"][0]
    bench.sandbox.configure({"broken_enrollments": []})
    assert found(bench.again(history=True).execute())["former"] == 1


def test_a_certificate_enrolled_here_keeps_following_none(bench: Bench) -> None:
    """E3: what it follows is what it was renewed from, whatever the enrollment served before."""
    bench.issued()
    bench.push()
    bench.again(history=True).execute()
    [certificate] = bench.certificates()
    assert (certificate["origin"], certificate["parent"]) == ("enrolled", "")


def test_a_line_goes_with_its_device(bench: Bench) -> None:
    """D1: what was only discovered on it, the earlier ones among it."""
    bench.sandbox.seed(1, contracts=[bench.contract], former=2)
    bench.device(history=True)
    assert bench.records()["certificates"] == 3
    devices.plan({"name": "edge", "state": "absent"}, bench.ports).execute()
    assert bench.records()["certificates"] == 0


def mark(day: int) -> str:
    """Give the fingerprint of the certificate that begins on that day."""
    return hashlib.sha256(str(day).encode()).hexdigest()


def former(day: int, *, is_live: bool = False) -> Former:
    """Give an entry of a history whose certificate begins on that day of a year."""
    fingerprint = mark(day)
    begins = NOW - timedelta(days=400 - day)
    facts = {
        "fingerprint": fingerprint,
        "serial": f"{day:x}",
        "issuer": "CN=CA",
        "not_before": to_text(begins),
        "not_after": to_text(begins + timedelta(days=90)),
        "key_algorithm": "RSA",
    }
    return Former(facts, ("www.example.com",), is_live, {fingerprint: Bundle("leaf")})


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    days=st.lists(st.integers(1, 300), max_size=8),
    known=st.sets(st.integers(1, 300), max_size=3),
    live=st.integers(150, 320),
    order=st.randoms(use_true_random=False),
)
def test_whatever_the_history_says_and_in_whatever_order_the_line_is_one_and_by_age(
    bench: Bench, days: list[int], known: set[int], live: int, order: Any
) -> None:
    """V1: no loop, nothing twice, parents older than what follows them; a second reading changes nothing."""
    entries = [former(day) for day in [*days, *days[:2]]] + [former(live, is_live=True)]
    order.shuffle(entries)
    line = Certificate(
        "www.example.com",
        "discovered",
        "www.example.com",
        state="issued",
        device="edge",
        enrollment_id=1,
        fingerprint=mark(live),
        production={"fingerprint": mark(live)},
    )
    with bench.store.write() as unit:
        for old in unit.certificates.find():
            unit.certificates.remove(old)
        unit.certificates.add(line)
        for day in sorted(known):
            stored, _added = history.adopt(unit, unit.certificates.get(line.certificate_id) or line, [former(day)], NOW)
            unit.certificates.put(stored)
    for _time in range(2):
        with bench.store.write() as unit:
            head = unit.certificates.get(line.certificate_id)
            assert head is not None
            stored, _added = history.adopt(unit, head, entries, NOW)
            unit.certificates.put(stored)
    line_now = lineage(bench, line.certificate_id)
    begins = [row["not_before"] for row in line_now]
    assert begins == sorted(begins, reverse=True) and len(begins) == len(set(begins))
    expected = {mark(day) for day in days if day < live} | {mark(day) for day in known if day != live}
    assert {row["fingerprint"] for row in line_now} == expected
    with bench.store.read() as unit:
        assert len(unit.certificates.find(state="superseded")) == len(line_now)
