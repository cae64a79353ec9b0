# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Orders at CertCentral that follow others, renewals and reissues, and those whose answer was lost."""

from __future__ import annotations

import pathlib
from collections.abc import Iterator
from datetime import datetime, timedelta

import pytest

from ansible_collections.edgecert.clm.plugins.module_utils._ca.answer_base import (
    CannotTell,
    Issued,
    NotThere,
    Pending,
)
from ansible_collections.edgecert.clm.plugins.module_utils._clm.ca_orders import is_surely_not_taken
from ansible_collections.edgecert.clm.plugins.module_utils._core.errors import InputError, RemoteError
from ansible_collections.edgecert.clm.plugins.module_utils._pki.x509 import certificate_facts
from ansible_collections.edgecert.clm.tests.support.ca_sites.digicert import Bench, csr, issued, running
from ansible_collections.edgecert.clm.tests.support.csrs import KEYS, make_csr
from ansible_collections.edgecert.clm.tests.support.faulty_transport import Script


def at(bench: Bench, moment: datetime) -> None:
    """Let it be some time."""
    bench.site.clock.sleep((moment - bench.site.clock.now()).total_seconds())


@pytest.fixture
def bench(tmp_path: pathlib.Path) -> Iterator[Bench]:
    with running(tmp_path) as made:
        yield made


# -- renewals and reissues ---------------------------------------------------------------------------------------------


def test_a_renewal_is_an_order_of_its_own_that_names_the_one_before(bench: Bench) -> None:
    """E3: renewal_of_order_id; it is paid."""
    connector = bench.connect()
    first = issued(connector, bench.order(), csr())
    bench.site.clock.sleep(60 * 86400)
    answer = connector.renew(first.handle, bench.order(action="renew", parent=first.handle), csr())
    assert isinstance(answer, Issued) and answer.handle["order_id"] != first.handle["order_id"]
    assert bench.last["renewal_of_order_id"] == int(first.handle["order_id"])


@pytest.mark.parametrize(("days", "renewed_at"), [(90, (60, 120, 180, 240, 300)), (199, (169,))])
def test_a_renewal_within_an_order_of_years_is_a_reissue(bench: Bench, days: int, renewed_at: tuple[int, ...]) -> None:
    """E3: free, also at the 199 days of public trust, where no order of a year lasts for all of two lifetimes."""
    connector, began = bench.connect(order_years=1), bench.site.clock.now()
    first = last = issued(connector, bench.order(validity_days=days), csr())
    for day in renewed_at:
        at(bench, began + timedelta(days=day))
        answer = connector.renew(last.handle, bench.order(validity_days=days, parent=last.handle), csr())
        assert isinstance(answer, Issued) and answer.handle["order_id"] == first.handle["order_id"]
        assert answer.handle["is_reissue"] and "renewal_of_order_id" not in bench.last
        last = answer
    assert certificate_facts(last.bundle.leaf).not_after == began + timedelta(days=365)
    at(bench, began + timedelta(days=335))
    paid = connector.renew(last.handle, bench.order(validity_days=days, parent=last.handle), csr())
    assert isinstance(paid, Issued) and bench.last["renewal_of_order_id"] == int(first.handle["order_id"])


def test_a_renewal_that_has_all_it_asks_for_within_the_order_is_not_paid(bench: Bench) -> None:
    """E3: on the day of the order itself, and for a shorter lifetime later."""
    connector = bench.connect()
    last = issued(connector, bench.order(), csr())
    for days in (90, 30):
        answer = connector.renew(last.handle, bench.order(validity_days=days, parent=last.handle), csr())
        assert isinstance(answer, Issued) and answer.handle["is_reissue"]
        bench.site.clock.sleep(50 * 86400)
        last = answer


def test_a_renewal_that_would_end_no_later_is_no_reissue(bench: Bench) -> None:
    """E3: the last certificate of an order ends with it; another of the same end would be due again at once."""
    connector, began = bench.connect(order_years=1), bench.site.clock.now()
    last = issued(connector, bench.order(), csr())
    for day, is_reissue in ((290, True), (300, False)):
        at(bench, began + timedelta(days=day))
        answer = connector.renew(last.handle, bench.order(parent=last.handle), csr())
        assert isinstance(answer, Issued) and bool(answer.handle.get("is_reissue")) is is_reissue
        last = answer


@pytest.mark.parametrize("action", ["renew", "reissue"])
@pytest.mark.parametrize(
    ("day", "is_revoked", "follows"),
    [
        (10, False, "reissue"),
        # Too early to be renewed, and too late for a useful reissue.
        (105, False, "order"),
        (115, False, "renewal"),
        (210, False, "renewal"),
        (240, False, "order"),
        (10, True, "order"),
        (150, True, "order"),
    ],
)
def test_an_order_is_named_as_renewed_where_it_can_be(
    bench: Bench, action: str, day: int, is_revoked: bool, follows: str
) -> None:
    """ca-connectors §4.7: from 90 days before its end, and not once it is revoked or long over."""
    connector, began = bench.connect(), bench.site.clock.now()
    first = issued(connector, bench.order(validity_days=199), csr())
    at(bench, began + timedelta(days=day))
    if is_revoked:
        bench.vendor.orders.revoke(f"order {first.handle['order_id']}", "superseded")
    order = bench.order(validity_days=199, parent=first.handle)
    answer = getattr(connector, action)(first.handle, order, csr())
    assert isinstance(answer, Issued), answer
    assert bool(answer.handle.get("is_reissue")) is (follows == "reissue")
    assert ("renewal_of_order_id" in bench.last) is (follows == "renewal")


def test_a_regeneration_is_a_reissue_until_little_is_left_of_the_order(bench: Bench) -> None:
    """E4: a reissue ends with its order, so one near the end would be due again at once."""
    connector = bench.connect()
    first = issued(connector, bench.order(), csr())
    bench.site.clock.sleep(10 * 86400)
    second = connector.reissue(first.handle, bench.order(parent=first.handle), csr())
    assert isinstance(second, Issued) and second.handle["order_id"] == first.handle["order_id"]
    bench.site.clock.sleep(60 * 86400)
    third = connector.reissue(second.handle, bench.order(parent=second.handle), csr())
    assert isinstance(third, Issued) and third.handle["order_id"] != first.handle["order_id"]


def test_each_certificate_of_an_order_is_told_from_the_others(bench: Bench) -> None:
    """ca-connectors §4.7: an order's first certificate is not the reissue, even of the same CSR."""
    connector, same = bench.connect(), csr()
    first = issued(connector, bench.order(), same)
    bench.site.clock.sleep(86400)
    order = bench.order(parent=first.handle)
    bench.vendor.orders.polls = 2
    pending = connector.reissue(first.handle, order, same)
    assert isinstance(pending, Pending), pending
    again = connector.collect(pending.handle)
    second = connector.collect(again.handle)
    assert isinstance(second, Issued)
    serials = {certificate_facts(one.bundle.leaf).serial for one in (first, second)}
    assert len(serials) == 2
    kept = connector.collect(first.handle)
    assert isinstance(kept, Issued) and kept.bundle.leaf == first.bundle.leaf


def test_a_reissue_that_is_being_made_is_not_taken_back_with_its_order(bench: Bench) -> None:
    """Cancelling would take the order, and the certificate in use, with it."""
    connector = bench.connect()
    first = issued(connector, bench.order(), csr())
    bench.vendor.orders.polls = 9
    pending = connector.reissue(first.handle, bench.order(parent=first.handle), csr())
    assert isinstance(pending, Pending)
    with pytest.raises(InputError, match="take the reissue back in CertCentral"):
        connector.cancel(pending.handle)
    assert isinstance(connector.collect(first.handle), Issued)


@pytest.mark.parametrize(
    ("kind", "path", "call"),
    [
        ("server_error_before", "/container", "submit"),
        ("lost_after", "/container", "reissue"),
        ("garbage_after", "/order/certificate/1000", "renew"),
        ("lost_after", "/order/certificate/1000", "reissue"),
    ],
)
def test_a_question_before_the_order_that_fails_left_no_order(bench: Bench, kind: str, path: str, call: str) -> None:
    """W5: nothing was sent, so nothing is in doubt."""
    first = issued(bench.connect(), bench.order(), csr())
    script, order = Script(), bench.order(parent=first.handle)
    script.add(kind, "GET", path, times=9)
    connector = bench.connect(script, division="Main")
    with pytest.raises(RemoteError) as caught:
        if call == "submit":
            connector.submit(order, csr())
        else:
            getattr(connector, call)(first.handle, order, csr())
    assert is_surely_not_taken(caught.value) and len(bench.vendor.orders.found) == 1


# -- lost orders -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("keeps", [True, False])
def test_a_lost_order_is_found_by_our_reference_or_by_csr_and_time(bench: Bench, keeps: bool) -> None:
    """Issue 6: also where CertCentral does not keep our reference."""
    bench.vendor.keeps_reference = keeps
    script, order, text = Script(), bench.order(), csr()
    script.add("lost_after", "POST", "/order/certificate/")
    with pytest.raises(RemoteError):
        bench.connect(script).submit(order, text)
    found = bench.connect().find(order, text)
    assert isinstance(found, Issued)
    assert int(certificate_facts(found.bundle.leaf).serial, 16) == int(bench.vendor.orders.found["1000"].serial, 16)


def test_the_same_csr_in_another_order_is_not_the_lost_one(bench: Bench) -> None:
    """Paid orders: neither that of another intent nor one of long ago is taken over."""
    connector, same = bench.connect(), csr()
    issued(connector, bench.order(), same)
    bench.site.clock.sleep(3600)
    for keeps in (True, False):
        bench.vendor.keeps_reference = keeps
        order = bench.order()
        bench.site.clock.sleep(400)
        assert isinstance(connector.find(order, same), NotThere)


def test_our_reference_tells_orders_of_the_same_minute_apart(bench: Bench) -> None:
    """The same CSR in two orders: each intent has its own."""
    connector, same, first, second = bench.connect(), csr(), bench.order(), bench.order()
    issued(connector, first, same)
    bench.site.clock.sleep(400)
    assert isinstance(connector.find(first, same), Issued)
    assert isinstance(connector.find(second, same), NotThere)


def test_an_order_of_our_reference_that_tells_no_csr_is_ours(bench: Bench) -> None:
    """Paid orders: the reference says enough; without it, nobody can tell."""
    connector, order, text = bench.connect(), bench.order(), csr()
    issued(connector, order, text)
    bench.site.clock.sleep(400)
    bench.vendor.tells_csr = False
    assert isinstance(connector.find(order, text), Issued)
    bench.vendor.keeps_reference = False
    found = connector.find(order, text)
    assert isinstance(found, CannotTell) and "1000" in found.message


def test_an_order_of_our_reference_with_another_csr_leaves_it_in_doubt(bench: Bench) -> None:
    """Paid orders: it is not taken over, and none is placed beside it."""
    connector, order, text = bench.connect(), bench.order(), csr()
    issued(connector, order, text)
    bench.site.clock.sleep(400)
    bench.vendor.orders.found["1000"].csr_pem = csr()
    found = connector.find(order, text)
    assert isinstance(found, CannotTell) and "1000" in found.message


def test_a_lost_reissue_is_found_in_its_order(bench: Bench) -> None:
    """A reissue bears no reference of ours."""
    first = issued(bench.connect(), bench.order(), csr())
    bench.site.clock.sleep(86400)
    script, order, text = Script(), bench.order(action="regenerate", parent=first.handle), csr()
    script.add("lost_after", "POST", "/reissue")
    with pytest.raises(RemoteError):
        bench.connect(script).reissue(first.handle, order, text)
    found = bench.connect().find(order, text)
    assert isinstance(found, Issued) and found.handle["order_id"] == first.handle["order_id"]
    assert int(certificate_facts(found.bundle.leaf).serial, 16) == int(bench.vendor.orders.found["1001"].serial, 16)


def test_lists_that_lag_leave_the_order_in_doubt_for_a_while(bench: Bench) -> None:
    """in_doubt where the CA cannot be asked yet; then it is found, and not ordered again."""
    order, text = bench.order(), csr()
    issued(bench.connect(), order, text)
    bench.vendor.is_listed = False
    found = bench.connect().find(order, text)
    assert isinstance(found, CannotTell) and 0 < found.look_again_s <= 300
    assert order.intent_id in found.look_at and "www.example.com" in found.look_at
    bench.vendor.is_listed = True
    bench.site.clock.sleep(found.look_again_s)
    assert isinstance(bench.connect().find(order, text), Issued)


def test_too_many_orders_for_a_name_are_not_guessed_among(bench: Bench) -> None:
    connector, order = bench.connect(), bench.order()
    for _each in range(21):
        issued(connector, bench.order(), make_csr(KEYS["p256"]()))
    bench.site.clock.sleep(3600)
    found = connector.find(order, csr())
    assert isinstance(found, CannotTell) and found.look_again_s >= 86400


def test_an_answer_that_names_no_order_is_no_refusal(bench: Bench) -> None:
    """Garbage with a 201: the order may be there."""
    script = Script()
    script.add("garbage_after", "POST", "/order/certificate/")
    with pytest.raises(RemoteError) as caught:
        bench.connect(script).submit(bench.order(), csr())
    assert caught.value.status is None or not 400 <= caught.value.status < 500


def test_a_placed_order_that_cannot_be_looked_at_is_pending(bench: Bench) -> None:
    """The contract of submit: once it is taken nothing is raised."""
    bench.vendor.orders.polls = 2
    script = Script()
    script.add("server_error_before", "GET", "/order/certificate/1000", times=9)
    answer = bench.connect(script).submit(bench.order(), csr())
    assert isinstance(answer, Pending) and answer.handle["order_id"] == "1000"


def test_a_reissue_is_taken_over_by_the_number_of_its_order(bench: Bench) -> None:
    """The way on from in_doubt."""
    connector, text = bench.connect(), csr()
    first = issued(connector, bench.order(), csr())
    connector.reissue(first.handle, bench.order(parent=first.handle), text)
    taken = connector.adopt(str(first.handle["order_id"]), bench.order(), text)
    assert isinstance(taken, Issued) and taken.handle["is_reissue"]
