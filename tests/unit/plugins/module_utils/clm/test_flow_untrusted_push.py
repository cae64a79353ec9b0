# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A push under way whose certificate is found on hold or revoked: followed where CPS deploys it, else held (U6)."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from ansible_collections.edgecert.clm.plugins.module_utils._core.clock import to_text
from ansible_collections.edgecert.clm.plugins.module_utils._core.errors import StateError
from ansible_collections.edgecert.clm.plugins.module_utils._core.types import WorkOrder
from ansible_collections.edgecert.clm.tests.support.virtual_bench import VirtualBench

BOTH = pytest.mark.parametrize("state", ["suspended", "revoked"])
CODES = {"suspended": "certificate_suspended", "revoked": "certificate_revoked"}


def found(virtual: VirtualBench, state: str) -> None:
    """Let the line be in a state, as a check of its CA leaves it."""
    line = virtual.certificate()
    with virtual.store.write() as unit:
        unit.certificates.put(replace(line, state=state))


def order(virtual: VirtualBench) -> WorkOrder:
    """Give the newest order."""
    return virtual.orders()[-1]


def come_to(virtual: VirtualBench, state: str, network: str) -> None:
    """Push, and stop where the order has come to a state."""
    virtual.issued()
    virtual.push(network=network, wait=False)
    for _look in range(40):
        if order(virtual).state == state:
            return
        virtual.advance(minutes=6)
        virtual.run_due()
    raise AssertionError(order(virtual))


def at_rest_on_staging(virtual: VirtualBench) -> None:
    """Have a push to production that is on its way to staging, and a CPS that has come there since."""
    come_to(virtual, "deploying_staging", "production")
    virtual.advance(hours=1)


def reasons(told: dict[str, Any]) -> list[str]:
    """Give why pieces of work failed."""
    return [entry["reason"] for entry in told["failures"]]


@BOTH
@pytest.mark.parametrize("network", ["staging", "production"])
def test_what_cps_deploys_is_followed_to_its_end(virtual: VirtualBench, state: str, network: str) -> None:
    """U6, E4: CPS asks nobody any more; the order is not left open for ever."""
    come_to(virtual, f"deploying_{network}", network)
    found(virtual, state)
    told = virtual.run_until_quiet()
    assert order(virtual).state == "completed" and [reasons(one) for one in told] == [[]] * len(told)
    assert virtual.certificate().state == state


@BOTH
def test_a_call_of_a_person_follows_it_too(virtual: VirtualBench, state: str) -> None:
    """U3: the same push once more; when all is done it says what became of the certificate."""
    come_to(virtual, "deploying_production", "production")
    found(virtual, state)
    record = virtual.push(network="production").record
    assert record is not None and record["state"] == "completed"
    with pytest.raises(StateError) as caught:
        virtual.push(network="production")
    assert caught.value.code == CODES[state]


def test_what_is_on_hold_is_not_let_go_on_to_production_until_the_hold_has_ended(virtual: VirtualBench) -> None:
    """U6, E4: it waits on staging with the code."""
    at_rest_on_staging(virtual)
    found(virtual, "suspended")
    for _look in range(2):
        assert reasons(virtual.run_due(fail=False)) == ["certificate_suspended"]
        assert (order(virtual).state, order(virtual).reason) == ("on_staging", "certificate_suspended")
        virtual.advance(hours=2)
    assert virtual.cps.calls["go_on"] == 0
    found(virtual, "issued")
    virtual.run_until_quiet()
    assert (order(virtual).state, virtual.cps.calls["go_on"]) == ("completed", 1)


def test_what_is_revoked_is_not_let_go_on_to_production_and_its_order_fails(virtual: VirtualBench) -> None:
    """U6: no time mends that; it is told once, and not taken up again."""
    at_rest_on_staging(virtual)
    found(virtual, "revoked")
    assert reasons(virtual.run_due(fail=False)) == ["certificate_revoked"]
    assert (order(virtual).state, order(virtual).reason) == ("failed", "certificate_revoked")
    assert "have another one with action: regenerate" in order(virtual).message
    with pytest.raises(StateError, match="is revoked") as caught:
        virtual.act("bob", "retry", work_order_id=order(virtual).work_order_id)
    assert caught.value.code == "certificate_revoked"
    virtual.advance(hours=2)
    assert virtual.run_due()["failures"] == [] and virtual.cps.calls["go_on"] == 0


@BOTH
def test_a_date_that_keeps_it_from_production_is_not_cleared(virtual: VirtualBench, state: str) -> None:
    """U6, U2: it would go on at once."""
    at_rest_on_staging(virtual)
    [enrollment] = virtual.cps.enrollments.values()
    held = virtual.clock.moment.replace(year=2031)
    assert enrollment.change is not None
    enrollment.change.held_until = held
    before = order(virtual)
    with virtual.store.write() as unit:
        unit.work_orders.put(replace(before, change={**before.change, "held_until": to_text(held)}))
    virtual.run_due()
    assert (order(virtual).state, virtual.cps.calls["go_on"]) == ("deploying_production", 1)
    found(virtual, state)
    with pytest.raises(StateError) as caught:
        virtual.push(network="production")
    assert (caught.value.code, virtual.cps.calls["hold_back"]) == (CODES[state], 0)
    if state == "revoked":
        assert order(virtual).state == "failed"
        return
    found(virtual, "issued")
    virtual.push(network="production", wait_timeout=7200)
    assert (order(virtual).state, virtual.cps.calls["hold_back"]) == ("completed", 1)


@BOTH
def test_what_is_begun_and_not_uploaded_is_not_uploaded(virtual: VirtualBench, state: str) -> None:
    """U6: an order whose upload did not get through waits, or ends; what is not begun is neither approved nor begun."""
    virtual.issued()
    virtual.group(approvals={"push": 1})
    number = str((virtual.push().record or {})["work_order_id"])
    found(virtual, state)
    with pytest.raises(StateError) as caught:
        virtual.act("bob", "approve", work_order_id=number)
    assert caught.value.code == CODES[state]
    found(virtual, "issued")
    virtual.act("bob", "approve", work_order_id=number)
    virtual.cps.at_call = lambda name: found(virtual, state) if name == "look_at_change" else None
    assert reasons(virtual.run_due(fail=False)) == [CODES[state]]
    assert virtual.cps.calls["upload"] == 0
    after = {"suspended": "implementing", "revoked": "failed"}[state]
    assert (order(virtual).state, order(virtual).reason) == (after, CODES[state])
    virtual.cps.at_call = None
    if state == "suspended":
        virtual.advance(hours=2)
        assert reasons(virtual.run_due(fail=False)) == [CODES[state]]
        found(virtual, "issued")
        virtual.run_until_quiet()
        assert order(virtual).state == "completed"


def test_an_older_certificate_that_is_followed_is_judged_by_itself(virtual: VirtualBench) -> None:
    """U6: the line is another one's by now, and well; what waits on staging was revoked."""
    at_rest_on_staging(virtual)
    line, [pushed] = virtual.certificate(), order(virtual).fingerprints.values()
    with virtual.store.write() as unit:
        newer = unit.requests.get(line.request_id)
        assert newer is not None
        unit.requests.add(replace(newer, request_id="req-newer", fingerprints={"ECDSA": "newer"}, version=0))
        told = {pushed: {"state": "revoked"}}
        unit.certificates.put(replace(line, request_id="req-newer", revocation=told))
    assert reasons(virtual.run_due(fail=False)) == ["certificate_revoked"]
    assert (order(virtual).state, virtual.cps.calls["go_on"]) == ("failed", 0)
