# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is CSC Global's own: products and their names, proofs as actions, free reissues and paid renewals."""

from __future__ import annotations

import base64
import uuid
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.edgecert.clm.plugins.module_utils._ca import csc_global_answers as answers
from ansible_collections.edgecert.clm.plugins.module_utils._ca.answer_base import (
    REVOCATION_PENDING,
    REVOKED,
    STATES,
    CannotTell,
    Issued,
    Pending,
    Rejected,
)
from ansible_collections.edgecert.clm.plugins.module_utils._ca.base import CaConnector, Order, StoredAccount, Tools
from ansible_collections.edgecert.clm.plugins.module_utils._ca.csc_global import CscGlobalType
from ansible_collections.edgecert.clm.plugins.module_utils._ca.csc_global_orders import PRODUCTS
from ansible_collections.edgecert.clm.plugins.module_utils._clm.ca_orders import is_surely_not_taken
from ansible_collections.edgecert.clm.plugins.module_utils._core.errors import AuthError, InputError, RemoteError
from ansible_collections.edgecert.clm.plugins.module_utils._http.transport import RequestsTransport
from ansible_collections.edgecert.clm.plugins.module_utils._pki.x509 import certificate_facts, csr_facts
from ansible_collections.edgecert.clm.tests.support.ca_site import Site
from ansible_collections.edgecert.clm.tests.support.ca_sites.csc_global import lab, spec_for
from ansible_collections.edgecert.clm.tests.support.csrs import KEYS, SPEC, make_csr
from ansible_collections.edgecert.clm.tests.support.fake_ca.core import FakeClock
from ansible_collections.edgecert.clm.tests.support.fake_ca.csc_global import CscVendor
from ansible_collections.edgecert.clm.tests.support.faulty_transport import Script

ACCOUNT = {"applicant_first_name": "Ada", "applicant_last_name": "Lovelace", "applicant_email": "ada@example.com"}
DAY_S = 86400


@pytest.fixture
def both(tmp_path: Path) -> Iterator[tuple[Site, CscVendor]]:
    with lab(tmp_path) as made:
        yield made


def ordered(site: Site, options: dict[str, Any] | None = None, **changes: Any) -> Order:
    """Give an order under an intent of its own, some of whose options are changed."""
    wanted = {**site.request_options, **(options or {})}
    return replace(Order(SPEC, 90, uuid.uuid4().hex, site.clock.now(), wanted), **changes)


def csr() -> str:
    """Give a CSR of a new key."""
    return make_csr(KEYS["p256"]())


def issued(site: Site, connector: CaConnector, order: Order, csr_pem: str = "") -> Issued:
    """Order, and collect."""
    answer = connector.submit(order, csr_pem or csr())
    assert isinstance(answer, Pending), answer
    done = connector.collect(answer.handle)
    assert isinstance(done, Issued), done
    return done


def last(vendor: CscVendor) -> Any:
    """Give what was sent last."""
    return list(vendor.orders.found.values())[-1].wanted


def test_words_and_products_are_those_of_the_reference() -> None:
    """ca-connectors §4.9."""
    assert set(answers.STATES.values()) <= set(STATES)
    assert [one.code for one in PRODUCTS.values()] == list("0123456")
    assert [one.code for one in PRODUCTS.values() if one.has_names] == ["2", "6"]


def test_where_csrs_may_come_from(both: tuple[Site, CscVendor]) -> None:
    """E7-E9: neither HSM nor endpoint, unless the account's owner says so."""
    site, _vendor = both
    assert site.connect().capabilities().csr_sources == ("local", "upload")
    assert site.connect(csr_sources=["hsm"]).capabilities().csr_sources == ("hsm",)


def test_the_body_is_what_csc_wants(both: tuple[Site, CscVendor]) -> None:
    """E22: base64 of the whole PEM, the telephone number as CSC writes it, names and proofs, attributes as fields."""
    site, vendor = both
    csr_pem = csr()
    order = ordered(site, {"server_type": "42"}, attributes={"cost_center": "4711", "colour": "blue"})
    issued(site, site.connect(notification_emails=["ops@example.com"]), order, csr_pem)
    sent = last(vendor)
    assert base64.b64decode(sent["csr"]).decode() == csr_pem
    assert (sent["applicantPhoneNumber"], sent["serverSoftware"], sent["term"]) == ("+49.301234567", "42", "12")
    assert sent["subjectAlternativeNames"] == [
        {"domainName": "*.shop.example.com", "domainControlValidation": {"methodType": "CNAME"}}
    ]
    assert sent["customFields"] == [{"name": "Cost Center", "value": "4711"}]
    assert sent["notifications"]["additionalNotificationEmails"] == ["ops@example.com"]
    assert "evCertificateDetails" not in sent


def test_an_account_may_have_what_its_requests_leave_out(both: tuple[Site, CscVendor]) -> None:
    """E2, E22: options of the account stand in; a request's own go first, also by CSC's number."""
    site, vendor = both
    wanted = {name: value for name, value in site.request_options.items() if name != "dcv_emails"}
    connector = site.connect(**{**wanted, "server_type": "7"})
    plain = replace(ordered(site), options={})
    assert not connector.validate(plain)
    issued(site, connector, plain)
    assert (last(vendor)["businessUnit"], last(vendor)["serverSoftware"]) == ("Web Shop", "7")
    issued(site, connector, replace(plain, options={"certificate_type": "6", "business_unit": "Corporate"}))
    assert (last(vendor)["certificateType"], last(vendor)["businessUnit"]) == ("6", "Corporate")


def test_names_have_to_suit_the_certificate_type(both: tuple[Site, CscVendor]) -> None:
    """E13: told before anything is sent, with the types that would do."""
    connector = both[0].connect()
    wild = spec_for("wildcard")
    for kind, spec, words in (
        ("premium", SPEC, "use uc, dv_uc"),
        ("dv_wildcard", spec_for("dv"), "wants a wildcard"),
        ("uc", wild, "there are premium_wildcard, dv_wildcard"),
    ):
        (told,) = connector.validate(ordered(both[0], {"certificate_type": kind}, spec=spec))
        assert words in told
    (told,) = connector.validate(ordered(both[0], {"certificate_type": "gold"}))
    assert "premium, premium_wildcard, uc, ev" in told


def test_ev_certificates_want_the_place_and_send_what_the_account_has(both: tuple[Site, CscVendor]) -> None:
    """ca-connectors §4.9, evCertificateDetails."""
    site, vendor = both
    bare = replace(spec_for("ev"), locality="")
    (told,) = site.connect().validate(ordered(site, {"certificate_type": "ev"}, spec=bare))
    assert told.startswith("locality is missing")
    connector = site.connect(ev_business_category="Private Organization", ev_date_of_incorporation="2001-02-03")
    issued(site, connector, ordered(site, {"certificate_type": "ev"}, spec=spec_for("ev")))
    assert last(vendor)["evCertificateDetails"] == {
        **{"country": "US", "city": "Boston", "state": "MA", "dateOfIncorporation": "2001-02-03"},
        "businessCategory": "Private Organization",
    }


def test_bad_values_of_a_request_are_told_at_once(both: tuple[Site, CscVendor]) -> None:
    """E22: telephone number, contact, proof; all in one answer."""
    site, _vendor = both
    told = site.connect().validate(
        ordered(site, {"phone": "030 1234", "organization_contact": "someone", "dcv_type": "FAX"})
    )
    assert len(told) == 3 and any("+<country code>-<number>" in one for one in told)
    assert any("CNAME, EMAIL" in one for one in told) and any("organization_contact" in one for one in told)


def test_a_field_that_csc_demands_is_told_with_the_attribute_it_is(both: tuple[Site, CscVendor]) -> None:
    """E19: custom fields are attributes; the list can be asked for."""
    site, vendor = both
    vendor.fields[0]["mandatory"] = True
    (told,) = site.connect().validate(ordered(site))
    assert "Cost Center" in told and "cost_center" in told
    assert [(one.value, one.label) for one in site.connect().choices("custom_field")] == [("Cost Center", "mandatory")]
    assert not site.connect().validate(ordered(site, attributes={"cost_center": "1"}))


def test_the_cname_to_publish_is_an_action(both: tuple[Site, CscVendor]) -> None:
    """E22, issue 6: names without the dot at their end; they stay while it is waited for."""
    site, vendor = both
    vendor.orders.polls = 2
    connector = site.connect()
    answer = connector.submit(ordered(site), csr())
    assert isinstance(answer, Pending) and "99.5 USD" in answer.message
    for _poll in range(2):
        assert isinstance(answer, Pending) and answer.state == "pending_validation"
        assert [(one.kind, one.domain, one.name, one.value) for one in answer.actions] == [
            ("cname", one, f"_csc.{one}", f"proof-{one}.dcv.cscglobal.com")
            for one in ("www.example.com", "shop.example.com")
        ]
        answer = connector.collect(answer.handle)
    assert isinstance(answer, Issued) and "dcv" not in answer.handle


def test_the_message_to_answer_is_an_action_and_each_domain_has_its_address(both: tuple[Site, CscVendor]) -> None:
    """E22: dcv_type EMAIL."""
    site, vendor = both
    vendor.orders.polls = 1
    options = {"dcv_type": "EMAIL", "dcv_emails": ["hostmaster@shop.example.com", "admin@example.com"]}
    answer = site.connect().submit(ordered(site, options), csr())
    assert isinstance(answer, Pending)
    assert [(one.kind, one.domain, one.who) for one in answer.actions] == [
        ("email", "www.example.com", "admin@example.com"),
        ("email", "shop.example.com", "hostmaster@shop.example.com"),
    ]
    (told,) = site.connect().validate(ordered(site, {**options, "dcv_emails": "admin@example.net"}))
    assert "no address at www.example.com, *.shop.example.com" in told


def test_what_nobody_has_to_do_is_no_action() -> None:
    """actionNeeded N, and answers without proofs."""
    told = [{"domainName": "a.example.com", "actionNeeded": "N", "cname": {"name": "x", "value": "y"}}, "odd", {}]
    assert answers.actions(told) == [] and answers.actions(None) == []
    assert answers.message([]) == "CSC is at work"


@pytest.mark.parametrize("ask", ["renew", "reissue"])
def test_a_certificate_is_followed_for_free_until_its_order_is_about_to_end(
    both: tuple[Site, CscVendor], ask: str
) -> None:
    """E3, E4: a reissue under the order; within the window a renewal, which is paid for."""
    site, vendor = both
    connector = site.connect(renewal_window_days=170)
    first = issued(site, connector, ordered(site)).handle
    order = ordered(site, action="renew", parent=first)
    answer = getattr(connector, ask)(first, order, csr())
    assert isinstance(answer, Pending) and vendor.paths[-1] == "reissue" and "costs" not in answer.message
    site.clock.sleep(197 * DAY_S)
    answer = getattr(site.connect(renewal_window_days=170), ask)(first, order, csr())
    assert isinstance(answer, Pending) and vendor.paths[-1] == "renewal" and "99.5" in answer.message
    assert last(vendor)["uuid"] != first["order_id"]


def test_what_has_ended_or_is_revoked_is_followed_by_an_order_of_its_own(both: tuple[Site, CscVendor]) -> None:
    """E3: CSC renews nothing that has ended."""
    site, vendor = both
    connector = site.connect()
    first, second = (issued(site, connector, ordered(site)).handle for _time in range(2))
    connector.revoke(first, "unspecified", "")
    connector.renew(first, ordered(site, parent=first), csr())
    site.clock.sleep(201 * DAY_S)
    connector.renew(second, ordered(site, parent=second), csr())
    assert vendor.paths == ["registration"] * 4


def test_a_reissue_under_the_same_uuid_waits_for_another_certificate(both: tuple[Site, CscVendor]) -> None:
    """The certificate before is not taken for the new one."""
    site, vendor = both
    connector, csr_pem = site.connect(), csr()
    first = issued(site, connector, ordered(site))
    stale = {**first.handle, "replaces": first.handle["serial"]}
    waiting = connector.collect(stale)
    assert isinstance(waiting, Pending) and "the one before" in waiting.message
    vendor.keeps_uuid = True
    answer = connector.reissue(first.handle, ordered(site, parent=first.handle), csr_pem)
    assert isinstance(answer, Pending) and answer.handle["order_id"] == first.handle["order_id"]
    done = connector.collect(answer.handle)
    assert isinstance(done, Issued)
    assert certificate_facts(done.bundle.leaf).key.spki_sha256 == csr_facts(csr_pem).key.spki_sha256


def test_certificates_in_a_zip_file_are_read(both: tuple[Site, CscVendor]) -> None:
    """ca-connectors §3.2: sometimes a ZIP, in any order, with the root."""
    site, vendor = both
    vendor.is_zipped = True
    bundle = issued(site, site.connect(), ordered(site)).bundle
    assert len(bundle.chain) == 1 and bundle.root


@pytest.mark.parametrize("text", ["%%%", base64.b64encode(b"PK but no ZIP").decode(), base64.b64encode(b"x").decode()])
def test_what_is_no_certificate_is_refused(text: str) -> None:
    """Bad answers of the far side."""
    with pytest.raises(InputError):
        answers.bundle_of(text, FakeClock().now())


def test_an_order_that_waits_and_was_lost_is_for_a_person(both: tuple[Site, CscVendor]) -> None:
    """W5: it may be one of those without a certificate, which are named; taken over by its uuid and its names."""
    site, vendor = both
    vendor.orders.polls = 9
    script = Script()
    script.add("lost_after", "POST", "/registration$")
    order, csr_pem = ordered(site), csr()
    with pytest.raises(RemoteError):
        site.connect(script).submit(order, csr_pem)
    found = site.connect().find(order, csr_pem)
    number = str(last(vendor)["uuid"])
    assert isinstance(found, CannotTell) and number in found.look_at and "www.example.com" in found.look_at
    assert isinstance(site.connect().adopt(number, order, csr_pem), Pending)
    other = replace(order, spec=replace(SPEC, common_name="other.example.com"))
    with pytest.raises(InputError, match="another CSR"):
        site.connect().adopt(number, other, csr_pem)


def test_an_asterisk_in_a_name_finds_nobody_elses_order(both: tuple[Site, CscVendor]) -> None:
    """RSQL takes an asterisk for anything."""
    site, _vendor = both
    connector, csr_pem = site.connect(), csr()
    issued(site, connector, ordered(site), csr_pem)
    found = connector.find(ordered(site, spec=spec_for("wildcard")), csr_pem)
    assert isinstance(found, CannotTell)


def test_certificates_before_are_not_this_order(both: tuple[Site, CscVendor]) -> None:
    """A key that is used again: the parent's certificate, and those of days before."""
    site, _vendor = both
    connector, csr_pem = site.connect(), csr()
    parent = issued(site, connector, ordered(site), csr_pem).handle
    assert isinstance(connector.find(ordered(site, parent=parent), csr_pem), CannotTell)
    assert isinstance(connector.find(ordered(site), csr_pem), Issued)
    site.clock.sleep(4 * DAY_S)
    assert isinstance(connector.find(ordered(site), csr_pem), CannotTell)


def test_a_list_that_cannot_be_searched_is_a_doubt(both: tuple[Site, CscVendor]) -> None:
    """ca-connectors §7: that names can be searched for is not certain."""
    site, vendor = both
    vendor.has_filter = False
    found = site.connect().find(ordered(site), csr())
    assert isinstance(found, CannotTell) and "Filter is not valid" in found.message


def test_a_question_before_the_order_leaves_nothing_in_doubt(both: tuple[Site, CscVendor]) -> None:
    """Issue 6: only the order itself can be in doubt."""
    site, vendor = both
    script = Script()
    script.add("server_error_before", "GET", "/customfields", times=9)
    with pytest.raises(RemoteError, match="the order was not sent") as caught:
        site.connect(script).submit(ordered(site), csr())
    assert is_surely_not_taken(caught.value) and not vendor.orders.found


def test_a_refusal_says_what_is_wrong_with_which_value(both: tuple[Site, CscVendor]) -> None:
    """Business units are known to CSC alone."""
    answer = both[0].connect().submit(ordered(both[0], {"business_unit": "Nobody"}), csr())
    assert isinstance(answer, Rejected) and "Business unit or contact is not known (Nobody)" in answer.reason


def test_a_token_that_ended_is_told_as_one(both: tuple[Site, CscVendor]) -> None:
    """C rows: bearer tokens end when they are not used."""
    site, vendor = both
    vendor.token = "another"
    with pytest.raises(AuthError, match="bearer token .* has ended"):
        site.connect().choices("custom_field")
    assert not site.connect().validate(ordered(site)), "a list that may not be read refuses nothing"
    with pytest.raises(AuthError):
        site.connect().submit(ordered(site), csr())


def test_waits_grow_from_a_quarter_of_an_hour_to_six(both: tuple[Site, CscVendor]) -> None:
    """ca-connectors §3.3."""
    site, vendor = both
    vendor.orders.polls = 9
    connector = site.connect()
    answer = connector.submit(ordered(site), csr())
    waits = []
    for _poll in range(3):
        assert isinstance(answer, Pending)
        waits.append(answer.look_again_s)
        site.clock.sleep(7200 if len(waits) == 1 else DAY_S)
        answer = connector.collect(answer.handle)
    assert waits == [900.0, 7200.0, 21600.0]


def test_a_revocation_that_waits_is_asked_for_again(both: tuple[Site, CscVendor]) -> None:
    """Issue 6: no reason can be given, so none but unspecified is taken."""
    site, vendor = both
    connector = site.connect()
    assert connector.capabilities().revoke_reasons == ("unspecified",)
    handle = issued(site, connector, ordered(site)).handle
    vendor.revoking.add(handle["order_id"])
    assert connector.revoke(handle, "unspecified", "").state == REVOCATION_PENDING
    vendor.revoking.clear()
    assert connector.revocation(handle).state == connector.revoke(handle, "unspecified", "").state == REVOKED
    assert isinstance(connector.collect(handle), Issued), "it was issued, whatever became of it"


@pytest.mark.parametrize("text", ["2026-11-30", "2026/11/30", "11/30/2026", "30-Nov-2026", "2026-11-30T00:00:00Z"])
def test_dates_are_read_in_several_shapes(text: str) -> None:
    """Which one CSC writes is not certain."""
    assert answers.moment(text) == datetime(2026, 11, 30, tzinfo=timezone.utc)
    assert answers.moment("soon") is None and answers.moment(None) is None


@pytest.mark.parametrize(
    ("options", "secrets", "words"),
    [
        ({"applicant_email": ""}, {}, "applicant_email is missing"),
        ({"applicant_email": "ada"}, {}, "applicant_email"),
        ({"phone": "12"}, {}, "+<country code>-<number>"),
        ({"certificate_type": "gold"}, {}, "there are premium"),
        ({"dcv_type": "FAX"}, {}, "there are CNAME, EMAIL"),
        ({"term_months": 99}, {}, "1 to 36"),
        ({"api_key": "x"}, {}, "api_key is a secret"),
        ({}, {"bearer_token": ""}, "bearer_token is missing among the secrets"),
    ],
)
def test_bad_options_are_told(options: dict[str, Any], secrets: dict[str, str], words: str) -> None:
    """Bad input: before any traffic."""
    kind = CscGlobalType(Tools(FakeClock(), RequestsTransport))
    given = {"api_key": "k", "bearer_token": "t", **secrets}
    with pytest.raises(InputError) as caught:
        kind.prepare("lab", {**ACCOUNT, **options}, given, StoredAccount())
    assert words in caught.value.message
