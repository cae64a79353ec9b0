# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Orders at a CA that costs money, where runs are slow, answers unreadable, and requests taken back and asked again."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from ansible_collections.edgecert.clm.plugins.module_utils._ca.answer_base import Answer, Found, NotThere
from ansible_collections.edgecert.clm.plugins.module_utils._ca.base import Order
from ansible_collections.edgecert.clm.plugins.module_utils._ca.capability_base import FIND_TOKEN
from ansible_collections.edgecert.clm.plugins.module_utils._clm import enroll
from ansible_collections.edgecert.clm.plugins.module_utils._clm.work_orders import LEASE_S
from ansible_collections.edgecert.clm.plugins.module_utils._core.errors import (
    ConflictError,
    InputError,
    RemoteError,
    TransportError,
)
from ansible_collections.edgecert.clm.tests.support.doubtful_ca import CANNOT, DoubtfulCa
from ansible_collections.edgecert.clm.tests.support.meanwhile import signing
from ansible_collections.edgecert.clm.tests.support.virtual_bench import VirtualBench

LOST = TransportError("no answer", kind="timeout", sent=True)


class SlowCa(DoubtfulCa):
    """Looks for an order so long, once, that something else happens meanwhile.

    :ivar left: looks before the slow one; ``meanwhile`` is what happens then.
    """

    def __init__(self, make: Callable[[str], Answer]) -> None:
        super().__init__(make)
        self.left, self.meanwhile = -1, lambda: None

    meanwhile: Callable[[], Any]

    def find(self, order: Order, csr_pem: str) -> Found:
        """Look; what was seen is old when it is told."""
        found = super().find(order, csr_pem)
        self.left -= 1
        if self.left == -1:
            self.meanwhile()
        return found


@pytest.fixture
def ca(virtual: VirtualBench) -> SlowCa:
    """Have a CA that signs, and everything that an enrolment needs."""
    virtual.prepare()
    made = SlowCa(signing(virtual))
    virtual.use_ca(made)
    return made


def record_of(outcome: Any) -> dict[str, Any]:
    """Give an outcome's record."""
    assert outcome.record is not None
    return dict(outcome.record)


def test_a_run_that_lost_its_lease_while_it_looked_orders_nothing(virtual: VirtualBench, ca: SlowCa) -> None:
    """W5, E24: another run found nothing, too, and ordered; the slow one must not order once more."""
    ca.loses, ca.tells = LOST, NotThere("nothing came")
    with pytest.raises(TransportError):
        virtual.enroll()
    ca.orders.clear()
    ca.loses = ca.tells = None
    ca.calls.clear()

    def other_run() -> None:
        virtual.clock.moment += timedelta(seconds=LEASE_S + 1)
        ports = virtual.make_ports(virtual.open_store("other"))
        wanted = {"common_name": "www.example.com", "ca": "house", "wait": False}
        assert record_of(enroll.plan(wanted, ports).execute())["state"] == "issued"

    ca.left, ca.meanwhile = 0, other_run
    with pytest.raises(ConflictError):
        virtual.enroll()
    assert ca.calls.count("submit") == 1 and len(ca.orders) == 1


@pytest.mark.parametrize("fault", [ValueError("not enough values"), IndexError("list index"), RecursionError("deep")])
@pytest.mark.parametrize("looks", ["it is found", "looking fails so, too"])
def test_a_connector_that_fails_by_a_fault_of_ours_leaves_a_doubt_and_no_second_order(
    virtual: VirtualBench, ca: SlowCa, fault: Exception, looks: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """W5: an order that may be paid for is looked for whatever was raised, and a person can take it over."""
    ca.loses = fault
    if looks == "it is found":
        assert record_of(virtual.enroll())["state"] == "issued" and ca.calls == ["submit", "find"]
        return

    def failing(_order: Order, _csr: str) -> Found:
        raise fault

    monkeypatch.setattr(ca, "find", failing)
    record = record_of(virtual.enroll())
    assert (record["state"], record["reason"]) == ("in_doubt", "order_in_doubt")
    assert type(fault).__name__ in record["message"] and "please report it" in record["message"]
    virtual.advance(days=1)
    virtual.run_due()
    assert len(ca.orders) == 1 and ca.calls.count("submit") == 1
    virtual.act("bob", "retry", request_id=record["request_id"], order_id="4711")
    assert virtual.requests()[0].state == "issued" and ca.calls.count("submit") == 1


def test_an_order_in_an_answer_that_nobody_can_read_is_in_doubt(
    virtual: VirtualBench, ca: SlowCa, monkeypatch: pytest.MonkeyPatch
) -> None:
    """W5: the list of orders came, and is none. That does not pass by itself, so a person is told."""
    ca.loses = RemoteError("no JSON", code="not_json", status=200)

    def unreadable(_order: Order, _csr: str) -> Found:
        raise InputError("the certificate cannot be read")

    monkeypatch.setattr(ca, "find", unreadable)
    record = record_of(virtual.enroll())
    assert record["state"] == "in_doubt" and "the certificate cannot be read" in record["message"]


@pytest.mark.parametrize("action", ["renew", "regenerate"])
def test_a_successor_in_doubt_that_is_cancelled_and_asked_for_again_is_looked_for(
    virtual: VirtualBench, ca: SlowCa, action: str
) -> None:
    """W5: it meets the same CSR again, for which the CA may have an order that is paid for."""
    virtual.live()
    ca.loses, ca.tells = LOST, CANNOT
    first = record_of(virtual.enroll(action=action, force=True))
    assert first["state"] == "in_doubt"
    virtual.act("bob", "cancel", request_id=first["request_id"])
    paid = dict(ca.orders)
    ca.loses = None
    second = record_of(virtual.enroll(action=action, force=True))
    assert second["csrs"] == first["csrs"] and second["request_id"] != first["request_id"]
    assert second["state"] == "in_doubt" and ca.orders == paid
    ca.tells = None
    virtual.advance(days=1)
    assert record_of(virtual.enroll(action=action, force=True))["state"] == "issued" and ca.orders == paid


def test_an_unreadable_answer_over_nothing_orders_under_the_same_intent(virtual: VirtualBench, ca: SlowCa) -> None:
    """W5: what failed before it was sent is not found, and is sent once more by the next run."""
    ca.loses, ca.tells = InputError("the template is gone"), NotThere("no such order")
    with pytest.raises(InputError, match="the template is gone"):
        virtual.enroll()
    ca.loses = None
    ca.orders.clear()
    assert record_of(virtual.enroll())["state"] == "issued"
    first, second = ca.submitted
    assert first == second and ca.calls == ["submit", "find", "find", "submit"]


class Dated(DoubtfulCa):
    """Keeps the orders that it is asked to find."""

    def __init__(self, make: Callable[[str], Answer]) -> None:
        super().__init__(make)
        self.sought: list[Order] = []

    def find(self, order: Order, csr_pem: str) -> Found:
        """Keep it."""
        self.sought.append(order)
        return super().find(order, csr_pem)


def test_an_order_sent_once_more_is_dated_by_that_where_a_ca_looks_for_it(virtual: VirtualBench) -> None:
    """W5, paid orders: a list that lags counts from the last try; identity and time of the order stay."""
    virtual.prepare()
    made = Dated(signing(virtual))
    virtual.use_ca(made)
    made.loses, made.tells = LOST, NotThere("nothing came")
    for _try in range(3):
        with pytest.raises(TransportError):
            virtual.enroll()
        virtual.advance(hours=1)
    first, *_more, last = made.sought
    assert (last.intent_id, last.at) == (first.intent_id, first.at) and first.sent_at == first.at
    assert last.sent_at - last.at >= timedelta(hours=2) and made.calls.count("submit") == 3


def test_waiting_ends_when_the_ca_asks_for_what_only_the_caller_can_publish(virtual: VirtualBench, ca: SlowCa) -> None:
    """E22: the playbook publishes it after this call; what was told before is waited for."""
    ca.signs = False
    begun = virtual.clock.now()
    first = record_of(virtual.enroll(wait_timeout=900))
    assert first["state"] == "retrieval_in_progress" and first["actions"]
    waited = virtual.clock.now() - begun
    again = virtual.clock.now()
    record_of(virtual.enroll(wait_timeout=900))
    assert virtual.clock.now() - again >= timedelta(seconds=900) > waited


def test_a_refused_second_try_settles_nothing_where_both_count_as_one(virtual: VirtualBench, ca: SlowCa) -> None:
    """W5, paid orders: the first may have been taken, and another intent would buy a second one."""
    ca.changes["find"] = FIND_TOKEN
    ca.loses, ca.tells = LOST, NotThere("the token still holds")
    with pytest.raises(TransportError):
        virtual.enroll()
    ca.loses = RemoteError("not any more", status=400)
    with pytest.raises(RemoteError):
        virtual.enroll()
    ca.loses, ca.tells = None, CANNOT
    assert record_of(virtual.enroll())["state"] == "in_doubt"
    assert ca.calls.count("submit") == 2 and len(set(ca.submitted)) == 1
