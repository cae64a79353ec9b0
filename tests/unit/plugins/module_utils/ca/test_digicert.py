# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is particular to CertCentral, before its fake: words, what is sent, what is told before."""

from __future__ import annotations

import pathlib
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from ansible_collections.edgecert.clm.plugins.module_utils._ca import digicert_words as words
from ansible_collections.edgecert.clm.plugins.module_utils._ca.answer_base import (
    PENDING_APPROVAL,
    STATES,
    Issued,
    Pending,
    Rejected,
)
from ansible_collections.edgecert.clm.plugins.module_utils._clm.ca_orders import is_surely_not_taken
from ansible_collections.edgecert.clm.plugins.module_utils._core.errors import AuthError, InputError, RemoteError
from ansible_collections.edgecert.clm.plugins.module_utils._core.vocabulary import REVOCATION_REASONS
from ansible_collections.edgecert.clm.tests.support.ca_sites.digicert import Bench, csr, issued, running
from ansible_collections.edgecert.clm.tests.support.csrs import SPEC


@pytest.fixture
def bench(tmp_path: pathlib.Path) -> Iterator[Bench]:
    with running(tmp_path) as made:
        yield made


# -- words -------------------------------------------------------------------------------------------------------------


def test_every_word_for_a_state_is_one_of_ours() -> None:
    """Issue 6: the whole table; ``expired`` was issued, and is no failure."""
    assert set(words.STATES.values()) <= set(STATES)
    assert {"needs_approval", "issued", "rejected", "canceled", "revoked", "expired"} <= set(words.STATES)
    assert words.STATES["expired"] == "issued" and words.STATES["reissue_pending"] == "processing"
    assert set(words.REASONS) < set(REVOCATION_REASONS)


def test_a_csr_is_the_same_whatever_its_lines() -> None:
    """find and adopt compare by it."""
    text = csr()
    joined = text.replace("\n", "")
    assert words.csr_digest(text) == words.csr_digest(text.replace("\n", "\r\n")) == words.csr_digest(joined)
    assert words.csr_digest(text) == words.csr_digest(text.replace("CERTIFICATE REQ", "NEW CERTIFICATE REQ"))
    assert words.csr_digest(text) != words.csr_digest(csr())
    assert words.csr_digest("") == words.csr_digest(None) == words.csr_digest("<csr>") == ""


# -- what is sent ------------------------------------------------------------------------------------------------------


def test_every_field_of_the_form_reaches_the_order(bench: Bench) -> None:
    """E5, E19, E22: table 13, division, attributes; names that the CSR has are sent beside it."""
    own = {
        "division": "Laboratory",
        "organization_id": "Example GmbH",
        "server_type": "nginx",
        "payment_method": "profile",
        "additional_emails": ["a@example.com", "b@example.com"],
        "renewal_message": "renew soon",
        "notes": "INC-77",
        "order_years": "2",
    }
    order = bench.order(options={**bench.site.request_options, **own}, attributes={"cost_center": "4711", "team": "x"})
    connector = bench.connect()
    assert list(connector.validate(order)) == []
    issued(connector, order, csr())
    sent = bench.last
    assert (sent["container"], sent["organization"]) == ({"id": 13}, {"id": 502})
    assert sent["certificate"]["server_platform"] == {"id": 45}
    assert (sent["payment_method"], sent["custom_renewal_message"]) == ("profile", "renew soon")
    assert (sent["comments"], sent["additional_emails"]) == ("INC-77", ["a@example.com", "b@example.com"])
    assert (sent["order_validity"], sent["certificate"]["cert_validity"]) == ({"years": 2}, {"days": 90})
    assert sent["custom_fields"] == [{"metadata_id": 11, "value": "4711"}]
    assert sent["alternative_order_id"] == order.intent_id
    assert (sent["certificate"]["common_name"], sent["certificate"]["dns_names"]) == (
        "www.example.com",
        ["*.shop.example.com"],
    )


def test_what_the_account_says_holds_where_a_request_says_nothing(bench: Bench) -> None:
    """E22: and nothing is sent that nobody asked for."""
    connector = bench.connect(certificate_type="ssl_basic", division="12", additional_emails=["ops@example.com"])
    issued(connector, bench.order(options={}), csr())
    assert bench.last["container"] == {"id": 12} and bench.last["additional_emails"] == ["ops@example.com"]
    assert not {"payment_method", "comments", "dcv_method", "renewal_of_order_id"} & set(bench.last)


def test_an_organizational_unit_goes_to_private_products_alone(bench: Bench) -> None:
    """ca-connectors §3.4."""
    order = bench.order(spec=replace(SPEC, organizational_unit="Edge"))
    issued(bench.connect(), order, csr())
    assert "organization_units" not in bench.last["certificate"]
    private = {**bench.site.request_options, "certificate_type": "private_ssl_plus"}
    connector = bench.connect(trust="private", ca_cert_id="10A1")
    issued(connector, replace(order, options=private), csr())
    assert bench.last["certificate"]["organization_units"] == ["Edge"]
    assert bench.last["certificate"]["ca_cert_id"] == "10A1"


# -- what is told before -----------------------------------------------------------------------------------------------


def test_lifetimes_stay_a_day_below_public_trust(bench: Bench) -> None:
    """E15: 199 days now; what is private takes what its product takes."""
    connector = bench.connect()
    assert connector.capabilities().max_validity_days == 199
    [told] = connector.validate(bench.order(validity_days=200))
    assert "199" in told
    assert list(connector.validate(bench.order(validity_days=199))) == []
    assert list(bench.connect(trust="private").validate(bench.order(validity_days=700))) == []


@pytest.mark.parametrize(
    ("options", "words_"),
    [
        ({"certificate_type": "no_such"}, "ssl_basic, ssl_dv_rapidssl, private_ssl_plus"),
        ({"division": "Nowhere"}, "Main, 13, Laboratory"),
        ({"server_type": "abacus"}, "Apache, 45, nginx"),
        ({"payment_method": "barter"}, "balance, profile, wire_transfer"),
        ({"order_years": "9"}, "from 0 to 3"),
    ],
)
def test_a_wrong_choice_lists_those_there_are(bench: Bench, options: dict[str, Any], words_: str) -> None:
    """E5."""
    [told] = bench.connect().validate(bench.order(options={**bench.site.request_options, **options}))
    assert words_ in told


def test_a_missing_organization_is_told_where_the_product_names_one(bench: Bench) -> None:
    """E5: and not for products that prove domains alone."""
    connector = bench.connect(organization_id="")
    [told] = connector.validate(bench.order())
    assert "organization_id is missing" in told and "Example Ltd" in told
    domain = {**bench.site.request_options, "certificate_type": "ssl_dv_rapidssl"}
    assert list(connector.validate(bench.order(options=domain))) == []


def test_a_custom_field_that_is_required_is_asked_for_as_an_attribute(bench: Bench) -> None:
    """E19."""
    bench.vendor.fields = [{**bench.vendor.fields[0], "is_required": True}]
    [told] = bench.connect().validate(bench.order())
    assert "cost_center" in told and "Cost Center" in told
    assert list(bench.connect().validate(bench.order(attributes={"cost_center": "1"}))) == []


def test_lists_that_may_not_be_read_refuse_nothing(bench: Bench) -> None:
    """The order itself says what is wrong; ids go without a list."""
    bench.vendor.may_list = set()
    connector = bench.connect(division="12")
    with pytest.raises(AuthError):
        connector.choices("division")
    assert list(connector.validate(bench.order())) == []
    assert isinstance(connector.submit(bench.order(), csr()), Issued)
    with pytest.raises(AuthError):
        bench.connect(division="Main").submit(bench.order(), csr())
    assert len(bench.vendor.orders.found) == 1


def test_the_test_of_an_account_looks_at_what_it_names(bench: Bench) -> None:
    """C rows."""
    checks = {one.name: one for one in bench.connect(division="Main", certificate_type="gone").test()}
    assert checks["division"].passed and checks["key"].passed
    assert not checks["certificate_type"].passed and "ssl_basic" in checks["certificate_type"].detail


def test_a_name_that_is_gone_surely_left_no_order(bench: Bench) -> None:
    """W5: it fails before anything is sent, and leaves nothing in doubt."""
    with pytest.raises(RemoteError, match="Main") as caught:
        bench.connect(division="Gone").submit(bench.order(), csr())
    assert is_surely_not_taken(caught.value) and bench.vendor.orders.found == {}


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"url": "http://certcentral.digicert.eu"}, "https"),
        ({"order_years": 4}, "0 to 3"),
        ({"trust": "some"}, "public, private"),
        ({"api_key": "x"}, "give api_key under secrets"),
        ({"dcv_type": "pigeon"}, "dns-txt-token"),
    ],
)
def test_options_that_cannot_be_are_told(bench: Bench, changes: dict[str, Any], told: str) -> None:
    """C rows."""
    with pytest.raises(InputError, match=told):
        bench.connect(**changes)


# -- refusals ----------------------------------------------------------------------------------------------------------


def test_an_order_that_certcentral_refuses_is_rejected_in_its_words(bench: Bench) -> None:
    spec = replace(SPEC, dns_names=("www.example.com", "under_score.example.com"))
    answer = bench.connect().submit(bench.order(spec=spec), csr())
    assert isinstance(answer, Rejected) and "invalid_dns_name" in answer.reason
    assert bench.vendor.orders.found == {}


def test_a_key_that_may_not_pass_approvers_by_is_the_accounts_fault(bench: Bench) -> None:
    """The order is not refused: another account setting would do."""
    bench.vendor.is_approver = False
    with pytest.raises(AuthError, match="may not skip"):
        bench.connect().submit(bench.order(), csr())
    answer = bench.connect(skip_approval=False).submit(bench.order(), csr())
    assert isinstance(answer, Pending) and answer.state == PENDING_APPROVAL
