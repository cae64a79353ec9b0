# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A life is watched by the pace of its device, and what an answer in hand has told is not asked again (design §6)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest

from ansible_collections.edgecert.clm.plugins.module_utils._clm import paces
from ansible_collections.edgecert.clm.plugins.module_utils._core.clock import to_text
from ansible_collections.edgecert.clm.plugins.module_utils._core.types import Bundle
from ansible_collections.edgecert.clm.tests.support.flow import Bench

CPS = {"pre_verification_s": 20, "csr_s": 60, "verify_s": 60, "staging_s": 900, "production_s": 1800, "lag_s": 5}
WARNINGS, ACK = "post-verification-warnings", "post-verification-warnings-ack"


def tails(bench: Bench) -> list[str]:
    """Give method and last part of the path of the calls since the last time; ``change`` for a change itself."""
    found = []
    for method, path in bench.calls():
        *_rest, before, tail = path.split("?")[0].split("/")
        found.append(f"{method} {'change' if before == 'changes' else 'enrollment' if tail.isdigit() else tail}")
    return found


def life(bench: Bench, first: str) -> list[str]:
    """Bring a certificate to production by two calls that wait; give the calls."""
    name = bench.name(first)
    bench.calls()
    issued: Any = bench.enroll(common_name=name, wait_timeout=3600).record
    bench.connector(certificate=name)
    pushed: Any = bench.push(certificate=name, network="production", wait_timeout=6 * 3600).record
    assert (issued["state"], pushed["state"]) == ("issued", "completed"), pushed["message"]
    return tails(bench)


def test_a_life_costs_few_calls_and_the_next_one_fewer(bench: Bench) -> None:
    """U3+, design §6: at CPS's pace, from nothing to production."""
    bench.prepare()
    bench.sandbox.configure(CPS)
    first, second = life(bench, "a"), life(bench, "b")
    assert len(first) <= 25 and len(second) <= 17, (first, second)
    for calls in (first, second):
        assert calls[calls.index("POST change-management-ack") - 1] == "GET change-management-info"
        assert calls[calls.index(f"POST {ACK}") - 1] == f"GET {WARNINGS}"
        assert calls[calls.index("POST enrollments") - 1] == "GET enrollments"
        assert calls[calls.index("POST third-party-cert-and-trust-chain") - 1] == "GET change"
        assert calls[-1] == "GET deployments"


def test_a_csr_that_is_expected_is_fetched_and_not_looked_for(bench: Bench) -> None:
    bench.prepare()
    bench.sandbox.configure(CPS)
    bench.enroll(wait=False)
    assert tails(bench)[-3:] == ["GET enrollments", "POST enrollments", "GET change"]
    bench.advance(300)
    assert dict(bench.enroll(wait=False).record or {})["state"] == "issued"
    assert tails(bench) == ["GET third-party-csr"]
    bench.enroll(common_name=bench.name("b"), wait=False)
    assert tails(bench) == ["GET enrollments", "POST enrollments"], "it is not there at once, as is known by now"


def test_a_csr_that_is_late_is_told_by_the_change(bench: Bench) -> None:
    bench.prepare()
    bench.sandbox.configure({**CPS, "csr_s": 3000})
    bench.enroll(wait=False)
    bench.advance(300)
    bench.calls()
    record = dict(bench.enroll(wait=False).record or {})
    assert tails(bench) == ["GET third-party-csr", "GET change"]
    assert record["state"] == "implementing"


def test_pre_verification_warnings_are_found_where_a_csr_was_expected(bench: Bench) -> None:
    """A warning blocks, whichever way it is found."""
    bench.prepare()
    bench.sandbox.configure({**CPS, "pre_verification_warnings": ["DNS_NAME_LONGER_THEN_255_CHARS"]})
    bench.enroll(wait=False)
    bench.advance(300)
    record = dict(bench.enroll(wait=False).record or {})
    assert record["reason"] == "needs_decision", record
    assert not [call for call in tails(bench) if call.startswith("POST pre")]


def test_the_csr_of_a_renewal_is_taken_only_when_its_change_asks_for_a_certificate(bench: Bench) -> None:
    """CPS may have opened that change, and somebody else may have moved it on: the change is asked first."""
    bench.issued()
    bench.push(network="production")
    bench.calls()
    bench.enroll(action="renew", force=True)
    calls = tails(bench)
    assert calls[calls.index("GET third-party-csr") - 1] == "GET change"


@pytest.mark.parametrize(("seconds", "reads"), [(0, 0), (30, 1)])
def test_warnings_that_were_not_read_directly_before_are_read_again(bench: Bench, seconds: int, reads: int) -> None:
    """U6: nothing is acknowledged that was not seen directly before."""
    bench.issued()
    with bench.store.read() as unit:
        [device], [request] = unit.devices.find(), unit.requests.find()
        pems = {name: unit.pems.get(one) for name, one in request.fingerprints.items()}
    target, reference = bench.ports.target(device), request.key_reference
    bundles = {name: Bundle(pem.leaf, (pem.chain,), pem.root) for name, pem in pems.items() if pem}
    target.upload(reference, bundles, with_root=False)
    bench.advance(30)
    state = target.observe(reference, dict(request.fingerprints))
    assert state.phase == "wants_decision"
    bench.advance(seconds)
    bench.calls()
    assert target.acknowledge(reference, state.notices)
    assert tails(bench) == [f"GET {WARNINGS}"] * reads + [f"POST {ACK}"]
    bench.calls()
    target.acknowledge(reference, state.notices)
    assert tails(bench)[0] == f"GET {WARNINGS}", "what was read serves for one acknowledgement"


def test_a_sandbox_is_not_waited_for_in_minutes(bench: Bench) -> None:
    """Playbooks that run in real time: what was learned from the CSR holds for what follows."""
    bench.sandbox.configure(dict.fromkeys((*CPS, "empty_input_s"), 0))
    bench.prepare()
    began = bench.clock.ahead_s
    life(bench, "a")
    assert bench.clock.ahead_s - began <= 10


def learned(bench: Bench) -> Mapping[str, float]:
    """Give what is known of the device."""
    with bench.store.read() as unit:
        return paces.of(unit, "edge").seen


def test_what_somebody_else_began_teaches_nothing(bench: Bench) -> None:
    """Whose acknowledgement it was that let it go on, and when, nobody here knows."""
    bench.issued()
    bench.push()
    assert set(learned(bench)) == {paces.CSR, paces.VERIFY, paces.STAGING}
    before = dict(learned(bench))
    bench.push(network="production")
    after = learned(bench)
    assert after[paces.STAGING] == before[paces.STAGING] and paces.PRODUCTION in after


def pace(bench: Bench) -> paces.Pace:
    """Give all that is known of the device."""
    with bench.store.read() as unit:
        return paces.of(unit, "edge")


def by_the_runner(bench: Bench, every_s: float, **wanted: Any) -> None:
    """Push what was renewed to production, in calls that wait for nothing."""
    bench.enroll(action="renew", force=True)
    record = dict(bench.push(network="production", wait=False, **wanted).record or {})
    for _round in range(400):
        bench.run_due()
        with bench.store.read() as unit:
            order = unit.work_orders.get(record["work_order_id"])
        if order is not None and order.state == "completed":
            return
        bench.advance(every_s)
    raise AssertionError(order)


def test_the_runner_learns_how_long_production_takes_and_nothing_of_a_date(bench: Bench) -> None:
    """Design §6, U3+: a change that waits for its date is not slow."""
    bench.issued(validity={"count": 90, "unit": "days"})
    bench.push(network="production", wait_timeout=7200)
    paces.learn(bench.store, "edge", lambda _known: paces.Pace(), bench.clock.now())
    bench.sandbox.configure(CPS)
    by_the_runner(bench, 600, deploy_not_before=to_text(bench.clock.now() + timedelta(hours=6)))
    known = pace(bench)
    assert paces.PRODUCTION not in known.seen and paces.PRODUCTION not in known.least, known
    by_the_runner(bench, 60)
    assert 1800 <= pace(bench).seen[paces.PRODUCTION] < 2700
    assert paces.PRODUCTION not in pace(bench).least


def test_warnings_of_a_settings_change_are_found_as_soon_as_those_of_a_certificate(bench: Bench) -> None:
    """U3+: CPS verifies the change first, however long staging takes at this device."""
    bench.issued()
    bench.push(network="production")
    known = paces.Pace(seen={paces.VERIFY: 60.0, paces.STAGING: 1500.0})
    paces.learn(bench.store, "edge", lambda _known: known, bench.clock.now())
    bench.sandbox.configure({"pre_verification_warnings": ["Something nobody has seen before."]})
    began, settings = bench.clock.monotonic(), {"disallowed_tls_versions": ["TLSv1"]}
    record = dict(bench.push(action="configure", network="production", network_settings=settings).record or {})
    assert record["state"] == "needs_decision" and bench.clock.monotonic() - began < 120
