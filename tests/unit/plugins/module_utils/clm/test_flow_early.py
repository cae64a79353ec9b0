# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Certificates whose validity is still to come, as the clocks of CAs and controllers differ: kept, and pushed then."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from ansible_collections.edgecert.clm.plugins.module_utils._ca.answer_base import Answer, Rejected
from ansible_collections.edgecert.clm.plugins.module_utils._ca.base import CaConnector, Order
from ansible_collections.edgecert.clm.plugins.module_utils._clm import ca_accounts
from ansible_collections.edgecert.clm.plugins.module_utils._core.clock import to_text
from ansible_collections.edgecert.clm.plugins.module_utils._glue.wire_ca import ca_maker
from ansible_collections.edgecert.clm.tests.support.flow import StubCa
from ansible_collections.edgecert.clm.tests.support.meanwhile import signing
from ansible_collections.edgecert.clm.tests.support.virtual import VirtualClock
from ansible_collections.edgecert.clm.tests.support.virtual_bench import VirtualBench

WWW = "www.example.com"


class AheadClock(VirtualClock):
    """The CA's clock, ahead of ours."""

    def __init__(self, ours: VirtualClock, ahead: timedelta) -> None:
        super().__init__(ours.moment)
        self._ours, self._ahead = ours, ahead

    def now(self) -> datetime:
        return self._ours.moment + self._ahead


class AheadCa(StubCa):
    """A CA whose clock is ahead, and which does not backdate."""

    def __init__(self, own: CaConnector, ahead: timedelta) -> None:
        super().__init__(lambda _csr: Rejected("it signs by its own hand"))
        self._own, self._ahead = own, ahead

    def submit(self, order: Order, csr_pem: str) -> Answer:
        self.submitted.append(order.intent_id)
        return self._own.submit(replace(order, at=order.at + self._ahead), csr_pem)


def with_ca(virtual: VirtualBench, seconds: float) -> AheadCa:
    """Let the CA of the bench be ahead by so much."""
    wanted = {"name": "house", "state": "present", "type": "own_ca", "options": {"backdate_minutes": 0}}
    ca_accounts.plan(wanted, virtual.ports).execute()
    with virtual.store.read() as unit:
        account = unit.ca_accounts.get("house")
    assert account is not None
    ahead = timedelta(seconds=seconds)
    ca = AheadCa(ca_maker(virtual.store, AheadClock(virtual.clock, ahead), {})(account), ahead)
    virtual.use_ca(ca)
    return ca


@pytest.mark.parametrize("seconds", [5, 3600])
def test_a_renewal_that_is_early_is_ordered_once_and_pushed_when_it_is_valid(
    virtual: VirtualBench, seconds: float
) -> None:
    """E3, U6: nothing is ordered again, and CPS is given nothing that is not valid."""
    virtual.prepare(push_automatically=True)
    virtual.live(WWW, auto_renew={"enabled": True})
    one = virtual.certificate()
    assert one.not_after is not None and one.not_before is not None
    virtual.clock.moment = one.not_after - (one.not_after - one.not_before) / 3
    ca = with_ca(virtual, seconds)
    virtual.run_until_quiet(hours=72)
    assert len(ca.submitted) == 1 and [request.state for request in virtual.requests()] == ["issued", "issued"]
    assert (virtual.orders()[-1].state, virtual.cps.calls["upload"]) == ("completed", 2)
    assert virtual.cps.refused == []
    differences = virtual.requests()[-1].ca_progress["ECDSA"]["differences"]
    assert any("it is not valid before" in one for one in differences)


def test_a_push_of_what_is_early_waits_and_says_until_when(virtual: VirtualBench) -> None:
    """U6: without waiting, by the runner, and within a call that waits."""
    virtual.prepare()
    with_ca(virtual, 3600)
    virtual.enroll()
    virtual.connector()
    begins = virtual.certificate().not_before
    assert begins is not None and begins > virtual.clock.moment
    order = dict(virtual.push(wait=False).record or {})
    wanted = ("implementing", "not_yet_valid", to_text(begins))
    assert (order["state"], order["reason"], order["next_look_at"]) == wanted and to_text(begins) in order["message"]
    told = virtual.run_due(fail=False)
    assert (told["failures"], told["next_due_at"]) == ([], to_text(begins))
    # Whoever looks all the same finds nothing to do.
    again = dict(virtual.push(wait=False).record or {})
    assert (again["state"], again["reason"], again["next_look_at"]) == wanted and virtual.cps.calls["upload"] == 0
    done = dict(virtual.push(wait_timeout=3 * 3600).record or {})
    assert done["state"] == "completed" and virtual.cps.refused == []


def test_a_renewal_that_came_unusable_is_not_ordered_again_by_itself(virtual: VirtualBench) -> None:
    """E3, W4: it was paid for; a person is told, and decides."""
    virtual.prepare(push_automatically=True)
    virtual.live(WWW, auto_renew={"enabled": True})
    one = virtual.certificate()
    assert one.not_after is not None and one.not_before is not None
    virtual.clock.moment = one.not_after - (one.not_after - one.not_before) / 3
    ca = StubCa(signing(virtual, ["other.example.com"]))
    virtual.use_ca(ca)
    virtual.run_until_quiet(hours=72)
    assert len(ca.submitted) == 1
    assert [(r.state, r.reason) for r in virtual.requests()][1:] == [("failed", "certificate_unusable")]
    told = virtual.run_due(fail=False)["failures"]
    assert [entry["reason"] for entry in told] == ["renewal_stopped"]
    assert "was issued and cannot be used" in told[0]["message"] and "action: renew" in told[0]["message"]
