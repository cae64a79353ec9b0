# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rows of a search at IDnomic's RA: which of them are of an order, and that only its own row ends it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from ansible_collections.edgecert.clm.plugins.module_utils._ca.answer_base import (
    CannotTell,
    Issued,
    NotThere,
    Pending,
    Rejected,
)
from ansible_collections.edgecert.clm.plugins.module_utils._ca.base import CaConnector, Order
from ansible_collections.edgecert.clm.plugins.module_utils._ca.idnomic_certificates import (
    is_named,
    number_of,
    told_name,
)
from ansible_collections.edgecert.clm.tests.support.ca_site import Site
from ansible_collections.edgecert.clm.tests.support.ca_sites.idnomic import with_ra
from ansible_collections.edgecert.clm.tests.support.csrs import KEYS, SPEC, make_csr

BY_REQUEST: dict[str, Any] = {"enrollment": "request", "revocation": "request"}
NEAR = replace(SPEC, common_name="www.example.com.example.net", dns_names=("www.example.com.example.net",))


@pytest.fixture
def ra(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with with_ra()(tmp_path_factory.mktemp("ra")) as made:
        yield made


def order(site: Site, **changes: Any) -> Order:
    return replace(Order(SPEC, 90, "intent", site.clock.now(), site.request_options), **changes)


def waiting(ra: Site, connector: CaConnector, csr: str = "", **changes: Any) -> Pending:
    """Give a request that waits for an officer."""
    assert ra.orders is not None
    ra.orders.polls = 9
    answer = connector.submit(order(ra, **changes), csr or make_csr(KEYS["p256"]()))
    assert isinstance(answer, Pending), answer
    return answer


def end(ra: Site, at: int, status: str) -> None:
    """Have an officer end a request, by its place."""
    assert ra.orders is not None
    list(ra.orders.found.values())[at].status = status


@pytest.mark.parametrize("status", ["refused", "withdrawn"])
def test_a_refused_row_without_an_id_ends_no_request(ra: Site, status: str) -> None:
    """It may be that of any other request for the name; this one waits, and then comes."""
    connector = ra.connect(**BY_REQUEST)
    ra.vendor.has_ids = False
    mine = waiting(ra, connector)
    waiting(ra, connector)
    end(ra, 1, status)
    assert isinstance(connector.collect(mine.handle), Pending)
    end(ra, 0, status)
    answer = connector.collect(mine.handle)
    assert isinstance(answer, Pending) and "look there, and cancel this request if it is this one" in answer.message


@pytest.mark.parametrize("status", ["refused", "withdrawn"])
def test_only_the_row_of_its_own_id_ends_a_request(ra: Site, status: str) -> None:
    connector = ra.connect(**BY_REQUEST)
    first, second = waiting(ra, connector), waiting(ra, connector)
    end(ra, 1, status)
    assert isinstance(connector.collect(first.handle), Pending)
    assert isinstance(connector.collect(second.handle), Rejected)


def test_a_request_whose_id_was_not_told_is_ended_by_no_row(ra: Site) -> None:
    connector = ra.connect(**BY_REQUEST)
    handle = {**waiting(ra, connector).handle, "request_id": ""}
    end(ra, 0, "refused")
    assert isinstance(connector.collect(handle), Pending)


def test_a_revoked_certificate_of_the_same_key_ends_no_request(ra: Site) -> None:
    """reuse_key: revoked and asked for again within the hour."""
    csr = make_csr(KEYS["p256"]())
    first = ra.connect().submit(order(ra), csr)
    assert isinstance(first, Issued)
    ra.connect().revoke(first.handle, "superseded", "")
    ra.vendor.has_ids = False
    connector = ra.connect(**BY_REQUEST)
    handle = waiting(ra, connector, csr).handle
    assert isinstance(connector.collect(handle), Pending)
    found = connector.find(order(ra), csr)
    assert isinstance(found, CannotTell) and "was revoked" in found.message


@pytest.mark.parametrize("tells_subjects", [True, False])
def test_another_subject_that_the_search_finds_too_is_not_taken_for_this_one(ra: Site, tells_subjects: bool) -> None:
    """*{common_name}* finds longer names as well; where rows do not tell their subject, a person looks."""
    connector = ra.connect(**BY_REQUEST)
    ra.vendor.has_ids, ra.vendor.tells_subjects = False, tells_subjects
    waiting(ra, connector, make_csr(KEYS["p256"](), (), NEAR.common_name), spec=NEAR)
    csr, wanted = make_csr(KEYS["p256"]()), order(ra)
    found = connector.find(wanted, csr)
    assert isinstance(found, CannotTell) and ("do not tell their key" in found.message) is not tells_subjects
    ra.clock.sleep(300)
    assert isinstance(connector.find(wanted, csr), NotThere if tells_subjects else CannotTell)


def test_a_certificate_of_the_same_key_and_another_name_is_not_this_one(ra: Site) -> None:
    """reuse_key: two names, one key, within the hour."""
    key = KEYS["p256"]()
    connector, wanted, csr = ra.connect(), order(ra), make_csr(key)
    near = connector.submit(order(ra, spec=NEAR), make_csr(key, (), NEAR.common_name))
    assert isinstance(near, Issued)
    assert isinstance(connector.find(wanted, csr), CannotTell)
    mine = connector.submit(wanted, csr)
    found = connector.find(wanted, csr)
    assert isinstance(mine, Issued) and isinstance(found, Issued)
    assert found.handle["serial"] == mine.handle["serial"] != near.handle["serial"]


@pytest.mark.parametrize(
    ("told", "name"),
    [
        ("CN=www.example.com,O=Example Ltd", "www.example.com"),
        ("O=Example Ltd, cn = WWW.example.com ", "WWW.example.com"),
        ("/O=Example/CN=www.example.com", "www.example.com"),
        (r"CN=Smith\, John,O=x", "Smith, John"),
        ("O=CN Ltd", ""),
        ("", None),
    ],
)
def test_a_rows_common_name_is_read(told: str, name: str | None) -> None:
    assert told_name({"DN": told}) == name


def test_names_are_the_same_in_upper_and_lower_case_alone() -> None:
    assert is_named("WWW.example.com", "www.example.com") and is_named(None, "www.example.com")
    assert not is_named("www.example.com.example.net", "www.example.com") and not is_named("", "www.example.com")
    assert number_of({"id": "", "request_id": 7}) == "7" and number_of({}) == ""
