# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is EJBCA's own: approvers and lost numbers, end entities, tokens, profiles that fit, its published document."""

from __future__ import annotations

import json
import pathlib
import uuid
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from ansible_collections.edgecert.clm.plugins.module_utils._ca.answer_base import (
    PENDING_APPROVAL,
    REVOCATION_PENDING,
    REVOKED,
    CannotTell,
    Issued,
    NotThere,
    Pending,
    Rejected,
)
from ansible_collections.edgecert.clm.plugins.module_utils._ca.base import CaConnector, Order, StoredAccount
from ansible_collections.edgecert.clm.plugins.module_utils._core.errors import AuthError, InputError, RemoteError
from ansible_collections.edgecert.clm.plugins.module_utils._core.redact import Secret
from ansible_collections.edgecert.clm.tests.support.ca_sites import ejbca
from ansible_collections.edgecert.clm.tests.support.ca_sites.ejbca import EjbcaSite
from ansible_collections.edgecert.clm.tests.support.csrs import KEYS, SPEC, make_csr
from ansible_collections.edgecert.clm.tests.support.fake_ca import core
from ansible_collections.edgecert.clm.tests.support.fake_ca import ejbca as fake
from ansible_collections.edgecert.clm.tests.support.faulty_transport import Script


@pytest.fixture
def site(tmp_path: pathlib.Path) -> Iterator[EjbcaSite]:
    with ejbca.running(tmp_path) as made:
        yield made


@pytest.fixture
def by_token(tmp_path: pathlib.Path) -> Iterator[EjbcaSite]:
    with ejbca.running(tmp_path, by_token=True) as made:
        yield made


@pytest.fixture
def csr() -> str:
    return make_csr(KEYS["p256"]())


def order_of(site: EjbcaSite, **options: str) -> Order:
    """Give an order under an intent of its own."""
    wanted = {**site.request_options, **options}
    return Order(SPEC, 90, uuid.uuid4().hex, site.clock.now(), wanted, certificate_id="www.example.com~5f0c1a2b3c4d")


def vendor_of(site: EjbcaSite) -> fake.EjbcaVendor:
    """Give the other side."""
    assert site.vendor is not None
    return site.vendor


def serial_of(issued: Issued) -> str:
    """Give a serial number as the fake keeps it, without a zero before it."""
    return format(int(str(issued.handle["serial"]), 16), "x")


def waiting(site: EjbcaSite, connector: CaConnector, csr: str, polls: int = 2) -> Pending:
    """Give an order that waits for an approver."""
    vendor_of(site).orders.polls = polls
    answer = connector.submit(order_of(site), csr)
    assert isinstance(answer, Pending)
    return answer


# -- approvers -----------------------------------------------------------------------------------------------------


def test_an_order_waits_for_an_approver_and_is_asked_for_ever_more_rarely(site: EjbcaSite, csr: str) -> None:
    """W5: 202, then finalize; ca-connectors §3.3: 60 seconds doubling to 15 minutes."""
    connector = site.connect()
    answer = waiting(site, connector, csr, polls=6)
    assert answer.state == PENDING_APPROVAL and answer.handle["request_id"] == "1000"
    assert [action.kind for action in answer.actions] == ["approval"] and "1000" in answer.actions[0].who
    waits = [answer.look_again_s]
    while len(waits) < 6:
        site.clock.sleep(waits[-1])
        again = connector.collect(answer.handle)
        assert isinstance(again, Pending) and {**again.handle, "due_at": ""} == {**answer.handle, "due_at": ""}
        waits.append(again.look_again_s)
    assert waits == [60, 60, 120, 240, 480, 900]
    assert isinstance(connector.collect(answer.handle), Issued)


def test_peeking_never_finalizes_and_says_when_it_is_due(site: EjbcaSite, csr: str) -> None:
    """Check mode: only finalizing shows whether an order was approved, and that signs it; it is due at its time."""
    script = Script()
    connector = site.connect(script)
    answer = waiting(site, connector, csr, polls=1)
    for passed, left in ((0, 60), (45, 15), (15, 0), (3600, 0)):
        site.clock.sleep(passed)
        seen = connector.peek(answer.handle)
        assert isinstance(seen, Pending) and seen.look_again_s == left and seen.handle == answer.handle
    assert not [one for one in script.sent if "finalize" in one.path]
    assert isinstance(connector.collect(answer.handle), Issued)
    assert isinstance(connector.peek(answer.handle), Issued)


@pytest.mark.parametrize(("word", "state"), [("rejected", "rejected"), ("expired", "failed"), ("failed", "failed")])
def test_an_approver_who_says_no_ends_the_order(site: EjbcaSite, csr: str, word: str, state: str) -> None:
    vendor_of(site).orders.ends = word
    connector = site.connect()
    ended = connector.collect(waiting(site, connector, csr, polls=1).handle)
    assert isinstance(ended, Rejected) and ended.state == state and "Request with Id '1000'" in ended.reason


def test_a_lost_answer_to_finalizing_loses_nothing(site: EjbcaSite, csr: str) -> None:
    """W5: the next look finds the certificate, and no second one is made."""
    script = Script()
    connector = site.connect(script)
    answer = waiting(site, connector, csr, polls=1)
    script.add("lost_after", "POST", "/finalize$")
    with pytest.raises(RemoteError):
        connector.collect(answer.handle)
    assert isinstance(connector.collect(answer.handle), Issued)
    assert sum(1 for one in vendor_of(site).orders.found.values() if one.leaf) == 1


def test_an_order_finalized_elsewhere_and_not_listed_yet_is_no_refusal(
    site: EjbcaSite, csr: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    connector, vendor = site.connect(), vendor_of(site)
    answer = waiting(site, connector, csr, polls=1)
    vendor.orders.poll(vendor.orders.found["1000"])
    nothing = core.Reply(200, {"certificates": [], "more_results": False})
    monkeypatch.setattr(fake.EjbcaVendor, "_search", lambda *_arguments: nothing)
    with pytest.raises(RemoteError, match="already been finalized"):
        connector.collect(answer.handle)


def test_an_order_whose_number_was_lost_is_signed_once_it_is_approved(site: EjbcaSite, csr: str) -> None:
    """W5: the 202 is lost; EJBCA takes no second request for the name, and the approved end entity is enrolled."""
    script, vendor = Script(), vendor_of(site)
    script.add("lost_after", "POST", site.write_path)
    vendor.orders.polls = 2
    order, connector = order_of(site), site.connect(script)
    with pytest.raises(RemoteError):
        connector.submit(order, csr)
    assert isinstance(connector.find(order, csr), NotThere)
    again = connector.submit(order, csr)
    assert isinstance(again, Pending) and again.state == PENDING_APPROVAL and "request_id" not in again.handle
    assert len(vendor.orders.found) == 1
    handle = json.loads(json.dumps(dict(again.handle)))
    for ask in (connector.peek, connector.collect):
        still = ask(handle)
        assert isinstance(still, Pending) and still.state == PENDING_APPROVAL and still.look_again_s >= 60
    vendor.approve(handle["username"])
    found = connector.find(order, csr)
    assert isinstance(found, Pending) and found.vendor_state == "NEW"
    due = connector.peek(handle)
    assert isinstance(due, Pending) and due.look_again_s == 0
    assert isinstance(connector.collect(handle), Issued) and len(vendor.orders.found) == 1


# -- end entities --------------------------------------------------------------------------------------------------


def test_each_order_has_an_end_entity_of_its_own(site: EjbcaSite, csr: str) -> None:
    """E11: left out, the name is made of certificate and intent, so that finding is exact and nobody is overwritten."""
    first, second = order_of(site), order_of(site)
    for order in (first, second, first):
        site.connect().submit(order, csr)
    names = list(vendor_of(site).entities)
    assert names == [f"www.example.com-5f0c1a2b3c4d-{one.intent_id}" for one in (first, second)]


def test_an_end_entity_of_the_users_naming_is_used_as_it_is(site: EjbcaSite, csr: str) -> None:
    """E11: and of its certificates only one since the order counts, as an earlier one may have the same key."""
    connector = site.connect()
    issued = connector.submit(order_of(site, end_entity_username="web server 1"), csr)
    assert isinstance(issued, Issued) and issued.handle["username"] == "web server 1"
    site.clock.sleep(86400)
    order = order_of(site, end_entity_username="web server 1")
    assert isinstance(connector.find(order, csr), NotThere)
    renewed = connector.submit(order, csr)
    found = connector.find(order, csr)
    assert isinstance(renewed, Issued) and isinstance(found, Issued) and found.bundle == renewed.bundle


def test_an_end_entity_with_more_certificates_than_are_listed_cannot_be_told(
    site: EjbcaSite, csr: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer = core.Reply(200, {"certificates": [], "more_results": True})
    monkeypatch.setattr(fake.EjbcaVendor, "_search", lambda *_arguments: answer)
    found = site.connect().find(order_of(site, end_entity_username="web"), csr)
    assert isinstance(found, CannotTell) and "web" in found.look_at


def test_a_name_that_ejbca_would_change_is_told_before(site: EjbcaSite) -> None:
    """E5: a search for the name as it was given would find nothing."""
    problems = site.connect().validate(order_of(site, end_entity_username="web;server~1"))
    assert len(problems) == 1 and "';'" in problems[0] and "'~'" in problems[0]
    assert "200" in site.connect().validate(order_of(site, end_entity_username="w" * 201))[0]


def test_the_enrolment_code_stays_the_same_with_the_account_and_is_shown_nowhere(site: EjbcaSite, csr: str) -> None:
    """Security: finalizing asks for the code of the order; it is in no handle and no message, even where repeated."""
    kind = site.kind()
    options, secrets = kind.prepare("lab", site.options, site.secrets, StoredAccount())
    stored = StoredAccount(options, secrets)
    _options, kept = kind.prepare("lab", {**options, "timeout_s": 40}, {"client_key": secrets["client_key"]}, stored)
    assert kept["enrolment_seed"] == secrets["enrolment_seed"] and len(secrets["enrolment_seed"]) >= 32
    sealed = {name: Secret(text) for name, text in secrets.items()}
    answer = waiting(site, kind.connect("lab", options, sealed), csr, polls=1)
    code = vendor_of(site).entities[str(answer.handle["username"])].password
    assert len(code) == 32 and code not in json.dumps(dict(answer.handle))
    with pytest.raises(AuthError, match=r"Wrong username or password, \*\*\*$"):
        site.connect(secrets={"enrolment_seed": "another"}).collect(answer.handle)
    assert isinstance(kind.connect("lab", options, sealed).collect(answer.handle), Issued)


# -- login ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"auth_method": "certificate", "client_certificate": ""}, ["client_certificate", "client_key"]),
        ({"auth_method": "oauth"}, ["token_url", "client_id", "client_secret"]),
        ({"auth_method": "oauth", "token_url": "http://x", "client_id": "i"}, ["token_url", "client_secret"]),
    ],
)
def test_what_a_login_needs_is_told_at_once(site: EjbcaSite, changes: dict[str, Any], told: list[str]) -> None:
    """C rows."""
    with pytest.raises(InputError) as caught:
        options = {**site.options, "client_certificate": "", **changes}
        site.kind().prepare("lab", options, {}, StoredAccount())
    assert all(word in caught.value.message for word in told)


@pytest.mark.parametrize("where", ["basic", "post"])
def test_a_token_is_got_by_client_credentials(by_token: EjbcaSite, csr: str, where: str) -> None:
    """RFC 6749 §2.3.1 and §4.4: in a header, or in the form, with scope and audience where there are any."""
    connector = by_token.connect(client_login=where, scope="ejbca ra", audience="pki")
    assert isinstance(connector.submit(order_of(by_token), csr), Issued)
    form = vendor_of(by_token).token_forms[0]
    assert (form["scope"], form["audience"], "client_secret" in form) == ("ejbca ra", "pki", where == "post")
    assert len(vendor_of(by_token).token_forms) == 1


@pytest.mark.parametrize("where", ["basic", "post"])
def test_a_wrong_client_is_a_login_that_failed_and_no_refusal_of_the_order(
    by_token: EjbcaSite, csr: str, where: str
) -> None:
    """RFC 6749 §5.2 answers it with 400, too."""
    connector = by_token.connect(client_login=where, secrets={"client_secret": "wrong/secret"})
    with pytest.raises(AuthError) as caught:
        connector.submit(order_of(by_token), csr)
    assert "invalid_client" in caught.value.message or "is wrong" in caught.value.message
    assert "wrong/secret" not in caught.value.message


def test_a_token_that_ends_or_is_refused_is_got_anew(by_token: EjbcaSite, csr: str) -> None:
    connector, vendor = by_token.connect(), vendor_of(by_token)
    connector.submit(order_of(by_token), csr)
    by_token.clock.sleep(280)
    connector.submit(order_of(by_token), csr)
    assert len(vendor.token_forms) == 2, "it would have ended on the way"
    vendor.tokens.clear()
    assert isinstance(connector.submit(order_of(by_token), csr), Issued) and len(vendor.token_forms) == 3


def test_a_token_is_in_no_message(by_token: EjbcaSite, csr: str) -> None:
    """Security: EJBCA repeats it."""
    vendor = vendor_of(by_token)
    vendor.knows_tokens = False
    with pytest.raises(AuthError, match=r"token \*\*\*$"):
        by_token.connect().submit(order_of(by_token), csr)
    assert len(vendor.token_forms) == 2, "tried once more with another one"


def test_a_client_certificate_that_ended_fails_the_test(site: EjbcaSite) -> None:
    """C rows."""
    site.clock.sleep(40 * 86400)
    told = {check.name: check for check in site.connect().test()}
    assert not told["client certificate"].passed and "ended" in told["client certificate"].detail


# -- profiles and CAs ----------------------------------------------------------------------------------------------


def test_profiles_that_do_not_fit_are_told_before_anything_is_sent(site: EjbcaSite) -> None:
    """E5, E11: the end entity profile says what goes with it."""
    connector = site.connect()
    wanted = {"end_entity_profile": "Other servers", "certificate_profile": "SHORT"}
    assert connector.validate(order_of(site, **wanted)) == [
        "end_entity_profile Other servers allows certificate_profile SERVER, not SHORT"
    ]
    assert [one.value for one in connector.choices("certificate_profile")] == ["SERVER", "SHORT"]
    assert [(one.value, one.label) for one in connector.choices("issuer_common_name")] == [
        ("Fake issuing", "IssuingCA"),
        ("Other CA", "OtherCA"),
    ]


def test_a_ca_may_be_named_by_its_own_name_or_by_its_common_name(site: EjbcaSite, csr: str) -> None:
    """E11: EJBCA wants its own name, users know the common name."""
    for name in ("IssuingCA", "Fake issuing"):
        order = order_of(site, issuer_common_name=name)
        assert site.connect().validate(order) == []
        assert isinstance(site.connect().submit(order, csr), Issued)


def test_cas_of_the_same_common_name_are_told_apart_by_their_own(
    site: EjbcaSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fake, "CAS", {"New": "CN=Same,C=SE", "Old": "C=SE,CN=Same", "Nameless": "O=Sample"})
    values = [one.value for one in site.connect().choices("issuer_common_name")]
    assert values == ["New", "Old", "Nameless"]


def test_an_account_with_a_profile_or_ca_that_is_not_there_fails_its_test(by_token: EjbcaSite) -> None:
    """C rows: and says what there is."""
    for changes, words in (
        ({"end_entity_profile": "No such"}, "Web servers, Other servers"),
        ({"certificate_profile": "No such"}, "SERVER, SHORT"),
        ({"issuer_common_name": "No such"}, "Fake issuing, Other CA"),
    ):
        failed = [check for check in by_token.connect(None, **changes).test() if not check.passed]
        assert len(failed) == 1 and words in failed[0].detail


def test_lists_that_may_not_be_read_leave_the_word_to_ejbca(site: EjbcaSite, csr: str) -> None:
    vendor_of(site).lists = False
    connector = site.connect()
    with pytest.raises(AuthError):
        connector.choices("end_entity_profile")
    assert connector.validate(order_of(site, certificate_profile="No such")) == []
    ended = connector.submit(order_of(site, certificate_profile="No such"), csr)
    assert isinstance(ended, Rejected) and "No such is not allowed" in ended.reason
    order = order_of(site)
    assert isinstance(connector.find(order, csr), NotThere)
    assert isinstance(connector.submit(order, csr), Issued)


@pytest.mark.parametrize(
    ("changes", "status"), [({"end_entity_profile": "No such"}, 404), ({"issuer_common_name": "OtherCA"}, 503)]
)
def test_a_fault_of_the_account_or_of_the_ca_is_no_refusal(
    site: EjbcaSite, csr: str, changes: dict[str, str], status: int
) -> None:
    """The contract of submit: another profile, or the CA back on line, and the same order is good."""
    with pytest.raises(RemoteError) as caught:
        site.connect().submit(order_of(site, **changes), csr)
    assert caught.value.status == status and len(vendor_of(site).orders.found) == 0


def test_a_rest_interface_that_is_off_says_where_it_is_switched_on(site: EjbcaSite) -> None:
    """C rows: EJBCA answers with a web page then."""
    url = str(site.options["url"])
    for wrong in (url.replace("ejbca-rest-api", "nothing"), f"{url}/v9"):
        failed = [check for check in site.connect(url=wrong).test() if not check.passed]
        assert failed and any("Protocol Configuration" in one.detail or "web page" in one.detail for one in failed)


# -- certificates --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("layers", [1, 2])
def test_certificates_are_read_in_base64_once_or_twice(site: EjbcaSite, csr: str, layers: int) -> None:
    vendor_of(site).layers = layers
    connector = site.connect()
    issued = connector.submit(order_of(site), csr)
    assert isinstance(issued, Issued) and issued.bundle.chain and issued.bundle.root
    assert connector.collect(issued.handle) == issued


def test_a_chain_that_is_not_in_the_answer_is_fetched_and_later_where_that_fails(site: EjbcaSite, csr: str) -> None:
    """The contract of submit: once EJBCA signed, nothing is raised any more."""
    vendor_of(site).gives_chain = False
    issued = site.connect().submit(order_of(site), csr)
    assert isinstance(issued, Issued) and issued.bundle.root
    script = Script()
    script.add("server_error_before", "GET", "/download$", times=10)
    connector = site.connect(script)
    answer = connector.submit(order_of(site), csr)
    assert isinstance(answer, Pending) and answer.handle["serial"] and "chain" in answer.message
    script.faults.clear()
    assert isinstance(connector.collect(answer.handle), Issued)


def test_a_revocation_may_wait_for_an_approver(site: EjbcaSite, csr: str) -> None:
    """Issue 6: 202 without a link, asked for by its status."""
    connector, vendor = site.connect(), vendor_of(site)
    issued = connector.submit(order_of(site), csr)
    assert isinstance(issued, Issued)
    vendor.revoke_waits = True
    first = connector.revoke(issued.handle, "superseded", "")
    assert first.state == REVOCATION_PENDING and connector.revocation(issued.handle).state == REVOCATION_PENDING
    vendor.orders.revoke(serial_of(issued), "SUPERSEDED")
    done = connector.revocation(issued.handle)
    assert done.state == REVOKED and done.at == site.clock.now()


def test_every_reason_has_ejbcas_word(site: EjbcaSite, csr: str) -> None:
    """Issue 6."""
    connector, vendor = site.connect(), vendor_of(site)
    for reason in connector.capabilities().revoke_reasons:
        issued = connector.submit(order_of(site), csr)
        assert isinstance(issued, Issued)
        connector.revoke(issued.handle, reason, "")
        word = vendor.orders.revoked[serial_of(issued)][0]
        assert word.lower().replace("privileges", "privilege") == reason
    with pytest.raises(InputError, match="certificate_hold"):
        connector.revoke(issued.handle, "certificate_hold", "")


def test_a_lost_answer_to_a_revocation_is_asked_for_again(site: EjbcaSite, csr: str) -> None:
    script = Script()
    connector = site.connect(script)
    issued = connector.submit(order_of(site), csr)
    assert isinstance(issued, Issued)
    script.add("lost_after", "PUT")
    with pytest.raises(RemoteError):
        connector.revoke(issued.handle, "superseded", "")
    first = site.clock.now()
    site.clock.sleep(3600)
    again = connector.revoke(issued.handle, "superseded", "")
    assert again.state == REVOKED and again.at == first


@pytest.mark.published
def test_every_call_and_answer_is_as_the_published_document_says(
    site: EjbcaSite, csr: str, shared_openapi: pathlib.Path
) -> None:
    """Second opinion, ca-connectors §5.2: fake and connector can share no field that EJBCA does not have."""
    for library in ("yaml", "jsonschema"):
        pytest.importorskip(library, reason=f"{library} reads the published document, and is not installed")
    script = Script()
    document, vendor, connector = site.document, vendor_of(site), site.connect(script)
    assert shared_openapi.is_dir() and document is not None
    assert all(check.passed for check in connector.test())
    assert connector.validate(order_of(site)) == []
    issued = connector.submit(order_of(site), csr)
    assert isinstance(issued, Issued)
    connector.revoke(issued.handle, "superseded", "")
    vendor.gives_chain = False
    answer = waiting(site, connector, csr, polls=1)
    assert isinstance(connector.collect(answer.handle), Issued)
    script.add("lost_after", "POST", site.write_path)
    order = order_of(site)
    with pytest.raises(RemoteError):
        connector.submit(order, csr)
    entity = next(one for one in vendor.entities.values() if order.intent_id in one.username)
    vendor.approve(entity.username)
    found = connector.find(order, csr)
    assert isinstance(found, Pending) and isinstance(connector.collect(found.handle), Issued)
    assert set(document.held) == {
        *("status_2 200", "listCas 200", "getAuthorizedEndEntityProfiles 200", "profile 200", "searchCertificates 200"),
        *("enrollPkcs10Certificate 201", "revokeCertificate 200", "revocationStatus 200", "finalizeEnrollment 201"),
        *("getCertificateAsPem 200", "search 200", "certificateRequest 201"),
    }
    assert connector.renew(issued.handle, replace(order_of(site), at=site.clock.now() + timedelta(days=1)), csr)
