# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A CA that is asked for an order by ordering: asked under an intent, in doubt once an answer was lost, paid once."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest import mock

import pytest

from ansible_collections.edgecert.clm.plugins.module_utils._ca.answer_base import Answer, Pending
from ansible_collections.edgecert.clm.plugins.module_utils._ca.capability_base import NONE
from ansible_collections.edgecert.clm.plugins.module_utils._clm import intents
from ansible_collections.edgecert.clm.plugins.module_utils._clm.moves import Mover
from ansible_collections.edgecert.clm.plugins.module_utils._core.errors import (
    ClmError,
    ConflictError,
    RemoteError,
    TransportError,
)
from ansible_collections.edgecert.clm.tests.support.ca_sites import est
from ansible_collections.edgecert.clm.tests.support.children import in_children
from ansible_collections.edgecert.clm.tests.support.doubtful_ca import CANNOT, DoubtfulCa
from ansible_collections.edgecert.clm.tests.support.faulty_transport import Script
from ansible_collections.edgecert.clm.tests.support.flow import Bench
from ansible_collections.edgecert.clm.tests.support.meanwhile import signing
from ansible_collections.edgecert.clm.tests.support.virtual_bench import VirtualBench

DUAL: dict[str, Any] = {"device": None, "csr_source": "local", "wait": False, "dual_stack": True}


# -- a real EST client before a server that forgets what it answered -------------------------------------------------


@dataclass
class Lab:
    """A bench whose CA is an EST server; an order waits there for one question, then is signed and forgotten."""

    bench: VirtualBench
    site: est.EstSite

    def enroll(self, **changes: Any) -> dict[str, Any]:
        """Enrol, or go on, with the account as it is now."""
        return dict(self.bench.enroll(wait=False, **changes).record or {})

    def connect(self, script: Script | None = None, **options: Any) -> Any:
        """Let the account have these options from now on."""
        made = self.site.connect(script, **options)
        self.bench.use_ca(made)
        return made

    def advance(self, seconds: float) -> None:
        """Let time pass here and there."""
        self.bench.advance(seconds=seconds)
        assert self.site.orders is not None
        self.site.orders.clock.time = self.bench.clock.moment

    @property
    def paid(self) -> int:
        """Count the orders that the server took."""
        assert self.site.bought is not None
        return self.site.bought()


@pytest.fixture
def lab(virtual: VirtualBench, tmp_path: Path) -> Iterator[Lab]:
    virtual.prepare()
    with est.running(tmp_path, by_password=True) as site:
        made = Lab(virtual, site)
        assert site.orders is not None
        site.orders.polls = 1
        made.connect()
        # CPS has its CSR after a while.
        made.enroll()
        made.advance(3600)
        assert made.enroll()["state"] == "retrieval_in_progress" and made.paid == 1
        made.advance(100)
        yield made


def killed(lab: Lab, *, answered: bool) -> None:
    """Ask in a child that dies as by ``kill -9``, before it sends the question or once it has the answer."""

    def work() -> None:
        connector = lab.site.connect()
        plain = connector.collect

        def collect(handle: Mapping[str, Any]) -> Answer:
            if answered:
                plain(handle)
            os.kill(os.getpid(), signal.SIGKILL)
            raise AssertionError("not reached")

        bench = lab.bench
        bench.ports = bench.make_ports(bench.open_store("killed"))
        bench.use_ca(connector)
        with mock.patch.object(connector, "collect", collect):
            bench.enroll(wait=False)

    lab.bench.store.close()
    [ended] = in_children([work])
    assert ended.is_killed, ended.error
    lab.bench.store = lab.bench.open_store()
    lab.bench.ports = lab.bench.make_ports(lab.bench.store)
    # Past the lease of the killed run.
    lab.advance(3600)


@pytest.mark.parametrize("answered", [True, False], ids=["after the answer", "before it asked"])
def test_a_run_killed_while_it_asks_leaves_a_doubt_and_nobody_orders_twice(lab: Lab, answered: bool) -> None:
    """W5, design §3: whatever the server did, no run sends the request again by itself."""
    killed(lab, answered=answered)
    record = lab.enroll()
    assert (record["state"], record["reason"]) == ("in_doubt", "order_in_doubt")
    assert "EST has no list of orders" in record["message"] and "SHA-256" in record["message"]
    for _day in range(3):
        lab.advance(86400)
        assert lab.enroll()["state"] == "in_doubt"
        lab.bench.run_due()
    assert lab.paid == 1 and lab.bench.store.verify_audit() == []


def test_a_person_settles_the_doubt_of_a_killed_run(lab: Lab) -> None:
    """W5: a retry orders again where there is surely none; here there was one, and it is the person's word."""
    killed(lab, answered=True)
    record = lab.enroll()
    assert lab.site.orders is not None
    lab.site.orders.polls = 0
    done = lab.bench.act("bob", "retry", request_id=record["request_id"], comment="revoked the other").record
    assert done is not None and done["state"] == "issued" and lab.paid == 2


def test_an_account_that_may_repeat_asks_again_after_a_killed_run_and_pays_once(lab: Lab) -> None:
    """W5: the owner of the account says that the server knows its requests; the doubt ends by itself."""
    killed(lab, answered=False)
    assert lab.enroll()["state"] == "in_doubt"
    lab.connect(repeat_lost=True)
    lab.advance(86400)
    assert lab.enroll()["state"] == "issued" and lab.paid == 1


@pytest.mark.parametrize("kind", ["lost_after", "server_error_after", "html_after", "garbage_after"])
def test_a_lost_answer_to_a_question_is_in_doubt_in_the_same_run(lab: Lab, kind: str) -> None:
    """W5: as the answer to the order itself would be."""
    script = Script()
    lab.connect(script)
    script.add(kind, "POST")
    assert lab.enroll()["state"] == "in_doubt"
    before = len(script.writes())
    lab.advance(86400)
    assert lab.enroll()["state"] == "in_doubt" and len(script.writes()) == before and lab.paid == 1


@pytest.mark.parametrize("kind", ["refused", "unauthorized"])
def test_a_question_that_surely_did_nothing_is_asked_again(lab: Lab, kind: str) -> None:
    """W5: the order stands as before, and no intent is left open."""
    script = Script()
    lab.connect(script)
    script.add(kind, "POST", times=9)
    with pytest.raises(RemoteError):
        lab.enroll()
    [request] = lab.bench.requests()
    assert request.state == "retrieval_in_progress" and list(request.ca_handles) == ["ECDSA"] and not left_open(lab)
    script.faults.clear()
    assert lab.enroll()["state"] == "issued" and lab.paid == 1


def test_each_question_is_under_the_intent_of_its_order_and_leaves_none_open(lab: Lab) -> None:
    """Design §3: one intent from the order to the certificate; questions that bring nothing new are not audited."""
    assert lab.site.orders is not None
    [order] = lab.site.orders.found.values()
    order.polls_left = 3
    lines = lab.bench.audited()
    for _question in range(2):
        assert lab.enroll()["state"] == "retrieval_in_progress" and not left_open(lab)
        lab.advance(100)
    assert lab.bench.audited() == lines
    assert lab.enroll()["state"] == "issued" and lab.paid == 1 and not left_open(lab)
    with lab.bench.store.read() as unit:
        assert len(unit.intents.find(kind=intents.ORDER_CERTIFICATE)) == 1


def test_before_its_time_nothing_is_written_and_nothing_is_asked(lab: Lab) -> None:
    assert lab.site.orders is not None and lab.site.vendor is not None
    [order] = lab.site.orders.found.values()
    order.polls_left = 3
    lab.enroll()
    lab.advance(60)
    asked = list(lab.site.vendor.operations)
    [before] = lab.bench.requests()
    lab.enroll()
    assert lab.site.vendor.operations == asked and not left_open(lab)
    assert lab.bench.requests()[0].ca_handles == before.ca_handles


def left_open(lab: Lab) -> list[Any]:
    """Give the intents that are open."""
    with lab.bench.store.read() as unit:
        return list(unit.intents.find(finished_at=None))


# -- two orders of one request ---------------------------------------------------------------------------------------


class AskedByOrdering(DoubtfulCa):
    """A CA whose questions are orders: each that is not known to wait is paid.

    :ivar breaks: raised by the question for an order of that id, once.
    """

    def __init__(self, bench: Bench) -> None:
        super().__init__(signing(bench))
        self.signs, self.tells = False, CANNOT
        self.changes = {"asking_orders": True, "find": NONE, "can_adopt": False}
        self.breaks: dict[str, ClmError] = {}

    def peek(self, handle: Mapping[str, Any]) -> Answer:
        """Say that it is time to ask."""
        return Pending(handle, "it may be asked again", 0.0, **self.progress)

    def collect(self, handle: Mapping[str, Any]) -> Answer:
        """Break once where the test says so."""
        order_id = str(handle["order_id"])
        self.calls.append(f"collect {order_id}")
        if order_id in self.breaks:
            raise self.breaks.pop(order_id)
        return self._answer(order_id)


@pytest.fixture
def ca(bench: Bench) -> AskedByOrdering:
    bench.ca()
    bench.group(approvals={"push": 0}, defaults={"organization": "Example AG", "country": "DE"})
    made = AskedByOrdering(bench)
    bench.use_ca(made)
    bench.enroll(**DUAL)
    assert len(made.orders) == 2
    return made


def test_of_two_orders_the_one_that_was_answered_is_kept_and_the_other_in_doubt(
    bench: Bench, ca: AskedByOrdering
) -> None:
    """E10, W5: a dual stack asks twice, and loses one answer."""
    ca.signs = True
    ca.breaks["4712"] = TransportError("broke off", kind="truncated", sent=True)
    record = bench.enroll(**DUAL).record
    assert record is not None and record["state"] == "in_doubt" and len(record["fingerprints"]) == 1
    asked = [call for call in ca.calls if call.startswith("collect")]
    bench.advance(2 * 86400)
    bench.enroll(**DUAL)
    assert [call for call in ca.calls if call.startswith("collect")] == asked and len(ca.orders) == 2
    ca.tells = None
    bench.advance(2 * 86400)
    done = bench.enroll(**DUAL).record
    assert done is not None and done["state"] == "issued" and len(ca.orders) == 2


def test_of_two_orders_one_that_waits_is_kept_where_the_other_question_fails(bench: Bench, ca: AskedByOrdering) -> None:
    """E10: an error about one is none about the other."""
    ca.breaks["4712"] = TransportError("refused", kind="connect", sent=False)
    with pytest.raises(TransportError):
        bench.enroll(**DUAL)
    with bench.store.read() as unit:
        [request] = unit.requests.find()
        assert sorted(request.ca_handles) == ["ECDSA", "RSA"] and request.state == "retrieval_in_progress"
        assert unit.intents.find(finished_at=None) == []
    ca.signs = True
    done = bench.enroll(**DUAL).record
    assert done is not None and done["state"] == "issued" and len(ca.orders) == 2


def test_a_run_whose_lease_has_gone_asks_nothing_and_leaves_no_doubt(bench: Bench, ca: AskedByOrdering) -> None:
    """W5: what was asked for before took longer than the lease lives, and another run may be at it."""
    ours, asked = Mover.still_ours, list(ca.calls)
    gone = ConflictError("another run has it", code="lease_held")
    with mock.patch.object(Mover, "still_ours", side_effect=gone), pytest.raises(ConflictError):
        bench.enroll(**DUAL)
    assert Mover.still_ours is ours and ca.calls == asked
    with bench.store.read() as unit:
        [request] = unit.requests.find()
        assert sorted(request.ca_handles) == ["ECDSA", "RSA"] and request.state == "retrieval_in_progress"
        assert unit.intents.find(finished_at=None) == []
