# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""CSC Global: what goes by an order's uuid, which a reissue may keep, and answers that name no order."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from ansible_collections.edgecert.clm.plugins.module_utils._ca.answer_base import REVOKED, Handle, Issued, Pending
from ansible_collections.edgecert.clm.plugins.module_utils._ca.base import CaConnector, Order
from ansible_collections.edgecert.clm.plugins.module_utils._clm.ca_orders import is_surely_not_taken
from ansible_collections.edgecert.clm.plugins.module_utils._core.errors import InputError, RemoteError
from ansible_collections.edgecert.clm.tests.support.ca_site import Site
from ansible_collections.edgecert.clm.tests.support.ca_sites.csc_global import lab
from ansible_collections.edgecert.clm.tests.support.csrs import KEYS, SPEC, make_csr
from ansible_collections.edgecert.clm.tests.support.fake_ca.csc_global import CscVendor


@pytest.fixture
def both(tmp_path: Path) -> Iterator[tuple[Site, CscVendor]]:
    with lab(tmp_path) as made:
        yield made


def ordered(site: Site, parent: Handle | None = None) -> Order:
    """Give an order under an intent of its own."""
    order = Order(SPEC, 90, uuid.uuid4().hex, site.clock.now(), site.request_options)
    return replace(order, parent=parent) if parent else order


def csr() -> str:
    """Give a CSR of a new key."""
    return make_csr(KEYS["p256"]())


def collected(connector: CaConnector, answer: object) -> Handle:
    """Collect what was ordered; give its handle."""
    assert isinstance(answer, Pending), answer
    done = connector.collect(answer.handle)
    assert isinstance(done, Issued), done
    return done.handle


def test_a_predecessor_under_the_same_uuid_is_not_revoked_in_its_successors_place(both: tuple[Site, CscVendor]) -> None:
    """W5: CSC revokes by order; the live certificate stays, and the message says whose serial it is."""
    site, vendor = both
    connector = site.connect()
    first = collected(connector, connector.submit(ordered(site), csr()))
    vendor.keeps_uuid = True
    second = collected(connector, connector.reissue(first, ordered(site, first), csr()))
    assert first["order_id"] == second["order_id"] and first["serial"] != second["serial"]
    asked: list[Callable[[], object]] = [
        lambda: connector.revoke(first, "unspecified", ""),
        lambda: connector.revocation(first),
    ]
    for ask in asked:
        with pytest.raises(InputError, match=str(second["serial"])) as caught:
            ask()
        assert caught.value.code == "cannot_revoke" and str(first["serial"]) in caught.value.message
    assert not vendor.orders.revoked
    assert connector.revoke(second, "unspecified", "").state == REVOKED
    with pytest.raises(InputError, match="another certificate"):
        connector.revocation(first)


def test_an_order_that_is_signed_anew_just_now_is_not_revoked(both: tuple[Site, CscVendor]) -> None:
    """W5: while a reissue under the same uuid waits, there is no certificate to compare with."""
    site, vendor = both
    connector = site.connect()
    first = collected(connector, connector.submit(ordered(site), csr()))
    vendor.keeps_uuid, vendor.orders.polls = True, 9
    connector.reissue(first, ordered(site, first), csr())
    with pytest.raises(InputError, match="has no certificate now"):
        connector.revoke(first, "unspecified", "")
    assert not vendor.orders.revoked


NAMELESS = [{}, {"message": "ok"}, {"result": None}, {"result": []}, {"result": {"status": "Pending"}}]


@pytest.mark.parametrize("says", [*NAMELESS, {"result": {"status": {"code": "Pending"}}}], ids=str)
def test_an_answer_that_names_no_order_leaves_it_in_doubt(both: tuple[Site, CscVendor], says: object) -> None:
    """W5: a renewal is not waited for under the uuid of the certificate before, which will never be another."""
    site, vendor = both
    connector = site.connect(renewal_window_days=180)
    first = collected(connector, connector.submit(ordered(site), csr()))
    site.clock.sleep(86400 * 190)
    vendor.says = says
    asked: list[Callable[[], object]] = [
        lambda: connector.submit(ordered(site), csr()),
        lambda: connector.renew(first, ordered(site), csr()),
    ]
    for ask in asked:
        with pytest.raises(RemoteError, match="names no order; it may have taken it") as caught:
            ask()
        assert caught.value.code == "not_json" and not is_surely_not_taken(caught.value)
    assert vendor.paths == ["registration", "registration", "renewal"]


@pytest.mark.parametrize("says", NAMELESS, ids=str)
def test_a_reissue_keeps_its_uuid_only_where_csc_tells_of_an_order(both: tuple[Site, CscVendor], says: object) -> None:
    """W5: a reissue may stay under its uuid without saying so; what says nothing at all is in doubt."""
    site, vendor = both
    connector = site.connect()
    first = collected(connector, connector.submit(ordered(site), csr()))
    vendor.keeps_uuid, vendor.says = True, says
    with pytest.raises(RemoteError, match="names no order"):
        connector.reissue(first, ordered(site, first), csr())
    vendor.says = {"result": {"status": {"code": "Pending"}, "price": "none"}}
    answer = connector.reissue(first, ordered(site, first), csr())
    assert isinstance(answer, Pending) and answer.handle["order_id"] == first["order_id"]
    assert vendor.paths == ["registration", "reissue", "reissue"]
