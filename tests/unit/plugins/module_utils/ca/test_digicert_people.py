# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who else has a say at CertCentral: approvers of orders and revocations, and who proves control of a domain."""

from __future__ import annotations

import pathlib
from collections.abc import Iterator
from datetime import timedelta

import pytest

from ansible_collections.edgecert.clm.plugins.module_utils._ca.answer_base import (
    CANCELLED,
    PENDING_APPROVAL,
    PENDING_VALIDATION,
    REVOCATION_PENDING,
    REVOKED,
    Issued,
    Pending,
    Rejected,
)
from ansible_collections.edgecert.clm.plugins.module_utils._core.errors import InputError, RemoteError
from ansible_collections.edgecert.clm.tests.support.ca_sites.digicert import Bench, csr, issued, running
from ansible_collections.edgecert.clm.tests.support.faulty_transport import Script


@pytest.fixture
def bench(tmp_path: pathlib.Path) -> Iterator[Bench]:
    with running(tmp_path) as made:
        yield made


# -- approvers ---------------------------------------------------------------------------------------------------------


def test_an_order_waits_for_its_approver(bench: Bench) -> None:
    """W5, E24: it is looked at seldom, for a person has to act."""
    connector = bench.connect(skip_approval=False)
    answer = connector.submit(bench.order(), csr())
    assert isinstance(answer, Pending)
    assert (answer.state, answer.vendor_state) == (PENDING_APPROVAL, "needs_approval") and answer.look_again_s >= 600
    bench.vendor.decide(9000, "approved")
    assert isinstance(connector.collect(answer.handle), Issued)


def test_an_order_that_its_approver_refuses_is_rejected(bench: Bench) -> None:
    connector = bench.connect(skip_approval=False)
    answer = connector.submit(bench.order(), csr())
    assert isinstance(answer, Pending)
    bench.vendor.decide(9000, "rejected")
    ended = connector.collect(answer.handle)
    assert isinstance(ended, Rejected) and ended.vendor_state == "rejected"


def test_an_order_before_its_approver_is_taken_back_by_rejecting_it(bench: Bench) -> None:
    """W5: it is no order yet that could be cancelled."""
    connector = bench.connect(skip_approval=False)
    answer = connector.submit(bench.order(), csr())
    assert isinstance(answer, Pending)
    for _twice in range(2):
        ended = connector.cancel(answer.handle)
        assert isinstance(ended, Rejected) and ended.state == CANCELLED
    assert bench.vendor.requests[9000]["status"] == "rejected"


def test_a_reissue_before_its_approver_is_a_request_and_found_as_one(bench: Bench) -> None:
    """It is in no list of reissues yet; a lost one is told from the requests of others by its CSR."""
    first = issued(bench.connect(), bench.order(), csr())
    bench.site.clock.sleep(3600)
    connector, order, text = bench.connect(skip_approval=False), bench.order(parent=first.handle), csr()
    answer = connector.reissue(first.handle, order, text)
    assert isinstance(answer, Pending) and answer.state == PENDING_APPROVAL
    found = connector.find(order, text)
    assert isinstance(found, Pending) and found.state == PENDING_APPROVAL
    assert not isinstance(connector.find(order, csr()), (Pending, Issued))
    bench.vendor.decide(9001, "approved")
    assert isinstance(connector.collect(answer.handle), Issued)


@pytest.mark.parametrize("by_us", [True, False])
def test_a_reissue_before_its_approver_is_taken_back_or_refused(bench: Bench, by_us: bool) -> None:
    """W5: the request is rejected, and the order with its certificate stays."""
    first = issued(bench.connect(), bench.order(), csr())
    connector = bench.connect(skip_approval=False)
    answer = connector.reissue(first.handle, bench.order(parent=first.handle), csr())
    assert isinstance(answer, Pending)
    if not by_us:
        bench.vendor.decide(9001, "rejected")
    for _twice in range(2):
        ended = connector.cancel(answer.handle) if by_us else connector.collect(answer.handle)
        assert isinstance(ended, Rejected) and ended.state == (CANCELLED if by_us else "rejected")
    assert isinstance(connector.collect(first.handle), Issued)


def test_the_reissue_of_another_is_not_rejected_in_the_place_of_ours(bench: Bench) -> None:
    """W5: someone else's request in the same order is newer."""
    first = issued(bench.connect(), bench.order(), csr())
    connector = bench.connect(skip_approval=False)
    ours, theirs = (connector.reissue(first.handle, bench.order(parent=first.handle), csr()) for _each in range(2))
    assert isinstance(ours, Pending) and isinstance(theirs, Pending)
    ended = connector.cancel(ours.handle)
    assert isinstance(ended, Rejected) and ended.state == CANCELLED
    assert [bench.vendor.requests[number]["status"] for number in (9001, 9002)] == ["rejected", "pending"]


def test_a_reissue_without_a_request_of_its_own_is_taken_back_by_hand(bench: Bench) -> None:
    """W5: it was approved, and what waits for an approver is another's."""
    first = issued(bench.connect(), bench.order(), csr())
    bench.vendor.orders.polls = 9
    connector = bench.connect(skip_approval=False)
    ours = bench.connect().reissue(first.handle, bench.order(parent=first.handle), csr())
    theirs = connector.reissue(first.handle, bench.order(parent=first.handle), csr())
    assert isinstance(ours, Pending) and isinstance(theirs, Pending)
    with pytest.raises(InputError, match="take the reissue back in CertCentral") as caught:
        connector.cancel(ours.handle)
    assert caught.value.code == "cannot_cancel" and bench.vendor.requests[9002]["status"] == "pending"


def test_an_order_that_was_signed_meanwhile_is_not_taken_back(bench: Bench) -> None:
    bench.vendor.orders.polls = 3
    connector = bench.connect()
    answer = connector.submit(bench.order(), csr())
    assert isinstance(answer, Pending)
    bench.vendor.orders.finish(bench.vendor.orders.found["1000"])
    assert isinstance(connector.cancel(answer.handle), Issued)


# -- proofs of control -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("method", "kind", "name", "value"),
    [
        ("dns-txt-token", "txt", "www.example.com", "{}"),
        ("dns-cname-token", "cname", "_dnsauth.www.example.com", "{}.dcv.digicert.com"),
        ("http-token", "http-01", "/.well-known/pki-validation/fileauth.txt", "{}"),
    ],
)
def test_what_proves_control_is_told_for_each_name(bench: Bench, method: str, kind: str, name: str, value: str) -> None:
    """E22, issue 6: DCV as data, and known again where the answer was lost."""
    bench.vendor.proves = True
    connector = bench.connect(dcv_type=method, certificate_type="ssl_dv_rapidssl", organization_id="")
    order, text = bench.order(options={}), csr()
    answer = connector.submit(order, text)
    assert isinstance(answer, Pending) and answer.state == PENDING_VALIDATION
    token = bench.vendor.orders.found["1000"].wanted["token"]
    assert [one.domain for one in answer.actions] == ["www.example.com", "shop.example.com"]
    assert (answer.actions[0].kind, answer.actions[0].name, answer.actions[0].value) == (
        kind,
        name,
        value.format(token),
    )
    found = connector.find(order, text)
    assert isinstance(found, Pending) and found.state == PENDING_VALIDATION
    collected = connector.collect(found.handle)
    assert isinstance(collected, Pending) and collected.actions == answer.actions


@pytest.mark.parametrize(("method", "calls"), [("dns-persistent-token", 0), ("email", 0), ("dns-txt-token", 1)])
def test_a_random_value_is_asked_for_once_and_for_tokens_alone(bench: Bench, method: str, calls: int) -> None:
    """E22: another value makes worthless what was published of the one before; of a way unknown here none is asked."""
    bench.vendor.proves, bench.vendor.says_method = True, method
    answer = bench.connect(dcv_type="dns-txt-token").submit(bench.order(), csr())
    assert isinstance(answer, Pending) and answer.state == PENDING_VALIDATION
    script, handle = Script(), {name: value for name, value in answer.handle.items() if name != "dcv_value"}
    for _look in range(3):
        looked = bench.connect(script).collect(handle)
        assert isinstance(looked, Pending)
        handle = dict(looked.handle)
    asked = [one.path.rpartition("/")[2] for one in script.writes()]
    assert asked.count("dcv-random-value") == calls


def test_what_waits_is_looked_at_ever_more_seldom(bench: Bench) -> None:
    """ca-connectors §3.3: a validation takes days; after 60 seconds, doubling to 15 minutes."""
    bench.vendor.proves = True
    connector = bench.connect(dcv_type="dns-txt-token")
    answer = connector.submit(bench.order(), csr())
    waits = []
    for _look in range(7):
        assert isinstance(answer, Pending)
        waits.append(answer.look_again_s)
        bench.site.clock.sleep(answer.look_again_s)
        answer = connector.collect(answer.handle)
    assert waits == [60, 60, 120, 240, 480, 900, 900]


def test_looking_changes_nothing_and_collecting_has_digicert_look(bench: Bench) -> None:
    """Check mode: peek only asks."""
    bench.vendor.proves = True
    connector = bench.connect(dcv_type="dns-txt-token")
    answer = connector.submit(bench.order(), csr())
    assert isinstance(answer, Pending)
    script = Script()
    bench.connect(script).peek(answer.handle)
    assert script.writes() == []
    bench.connect(script).collect(answer.handle)
    assert [one.path.rpartition("/")[2] for one in script.writes()] == ["check-dcv"]


# -- revoking ----------------------------------------------------------------------------------------------------------


def test_a_revocation_waits_for_its_approver_and_is_asked_for_once(bench: Bench) -> None:
    """Requests that wait for an approver."""
    connector = bench.connect(skip_revocation_approval=False)
    first = issued(connector, bench.order(), csr())
    for _twice in range(2):
        told = connector.revoke(first.handle, "superseded", "INC-77")
        assert told.state == REVOCATION_PENDING and told.message
    assert [one["type"] for one in bench.vendor.requests.values()].count("revoke") == 1
    assert connector.revocation(first.handle).state == REVOCATION_PENDING
    bench.vendor.decide(9001, "approved")
    assert connector.revocation(first.handle).state == REVOKED
    assert connector.revoke(first.handle, "superseded", "").state == REVOKED


def test_a_revocation_that_is_refused_says_so_and_may_be_asked_again(bench: Bench) -> None:
    connector = bench.connect(skip_revocation_approval=False)
    first = issued(connector, bench.order(), csr())
    connector.revoke(first.handle, "superseded", "")
    bench.vendor.decide(9001, "rejected")
    with pytest.raises(RemoteError, match="refused") as caught:
        connector.revocation(first.handle)
    assert caught.value.code == "revocation_refused"
    assert connector.revoke(first.handle, "superseded", "").state == REVOCATION_PENDING


def test_revoking_a_reissue_leaves_the_first_certificate(bench: Bench) -> None:
    """ca-connectors §4.7: by certificate, not by order."""
    connector = bench.connect()
    first = issued(connector, bench.order(), csr())
    second = connector.reissue(first.handle, bench.order(parent=first.handle), csr())
    assert isinstance(second, Issued)
    connector.revoke(second.handle, "key_compromise", "")
    serials = {one.serial: one.serial in bench.vendor.orders.revoked for one in bench.vendor.orders.found.values()}
    assert serials[bench.vendor.orders.found["1000"].serial] is False
    assert serials[bench.vendor.orders.found["1001"].serial] is True


def test_a_certificate_whose_reissue_is_pending_is_not_revoked_and_the_reason_told(bench: Bench) -> None:
    connector = bench.connect()
    first = issued(connector, bench.order(), csr())
    bench.vendor.orders.polls = 9
    connector.reissue(first.handle, bench.order(parent=first.handle), csr())
    with pytest.raises(RemoteError, match="pending reissue"):
        connector.revoke(first.handle, "superseded", "")


def test_certificates_are_never_asked_for_as_an_archive(bench: Bench) -> None:
    """ca-connectors §3.2: PEM, never ZIP."""
    bench.vendor.orders.polls = 1
    connector = bench.connect()
    answer = connector.submit(bench.order(), csr())
    assert isinstance(answer, Pending)
    script = Script()
    assert isinstance(bench.connect(script).collect(answer.handle), Issued)
    assert [one.path for one in script.sent if "download" in one.path][0].endswith("/format/pem_all")


def test_the_time_is_the_clocks(bench: Bench) -> None:
    """E15: the limit of public trust moves with the date."""
    bench.site.clock.sleep(timedelta(days=120).total_seconds())
    assert bench.connect().capabilities().max_validity_days == 99
