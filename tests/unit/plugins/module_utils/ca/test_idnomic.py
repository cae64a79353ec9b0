# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is particular to IDnomic: workflows, officers, certificates found by subject and key, and a CA without a RA."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from ansible_collections.edgecert.clm.plugins.module_utils._ca import idnomic_ra
from ansible_collections.edgecert.clm.plugins.module_utils._ca.answer_base import (
    REVOCATION_PENDING,
    STATES,
    CannotTell,
    Issued,
    NotThere,
    Pending,
    Rejected,
)
from ansible_collections.edgecert.clm.plugins.module_utils._ca.base import CaConnector, Order
from ansible_collections.edgecert.clm.plugins.module_utils._ca.idnomic_account import REASONS
from ansible_collections.edgecert.clm.plugins.module_utils._ca.idnomic_certificates import (
    armoured,
    looks_like_one,
    plain_serial,
)
from ansible_collections.edgecert.clm.plugins.module_utils._ca.soap import SoapFault
from ansible_collections.edgecert.clm.plugins.module_utils._clm.ca_orders import is_surely_not_taken
from ansible_collections.edgecert.clm.plugins.module_utils._core.errors import InputError, RemoteError, TransportError
from ansible_collections.edgecert.clm.plugins.module_utils._core.vocabulary import REVOCATION_REASONS
from ansible_collections.edgecert.clm.plugins.module_utils._pki.x509 import certificate_facts
from ansible_collections.edgecert.clm.tests.support.ca_site import Site
from ansible_collections.edgecert.clm.tests.support.ca_sites.idnomic import alone, with_ra
from ansible_collections.edgecert.clm.tests.support.csrs import KEYS, SPEC, make_csr
from ansible_collections.edgecert.clm.tests.support.faulty_transport import Script
from ansible_collections.edgecert.clm.tests.support.lab_pki import make

_TWO_NAMES = [("subjectAltNameDNS1", "1"), ("subjectAltNameDNS2", "1")]
BY_REQUEST: dict[str, Any] = {"enrollment": "request", "revocation": "request"}


@pytest.fixture
def ra(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with with_ra()(tmp_path_factory.mktemp("ra")) as made:
        yield made


@pytest.fixture
def ca(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with alone()(tmp_path_factory.mktemp("ca")) as made:
        yield made


def order(site: Site, **changes: Any) -> Order:
    return replace(Order(SPEC, 90, "intent", site.clock.now(), site.request_options), **changes)


def placed(site: Site, connector: CaConnector, csr: str = "", **changes: Any) -> Issued:
    """Have something issued."""
    answer = connector.submit(order(site, **changes), csr or make_csr(KEYS["p256"]()))
    assert isinstance(answer, Issued), answer
    return answer


def settled(site: Site, connector: CaConnector, wanted: Order, csr: str) -> object:
    """Ask as often as the connector says."""
    found = connector.find(wanted, csr)
    assert isinstance(found, CannotTell) and found.look_again_s <= 300
    site.clock.sleep(found.look_again_s)
    return connector.find(wanted, csr)


# -- accounts ------------------------------------------------------------------------------------------------------


def test_options_of_the_other_setting_are_refused(ra: Site, ca: Site) -> None:
    """E5: what goes with which setting, every problem at once."""
    with pytest.raises(InputError) as caught:
        ra.connect(ca_name="X", idca_revoke_operation="re voke", ra_field_map=["nobody=x"])
    text = caught.value.message
    assert "ca_name goes with mode ca alone" in text and "the name of an operation is wanted" in text
    assert "ra_field_map holds 'nobody=x'" in text
    with pytest.raises(InputError, match="zone goes with mode ca_ra alone, and the mode is ca") as caught:
        ca.connect(zone="Lab", ca_name="")
    assert "ca_name is missing; mode ca needs it" in caught.value.message


def test_an_account_without_a_client_certificate_is_refused(ra: Site) -> None:
    """C rows: IDnomic knows callers by it alone."""
    with pytest.raises(InputError, match="client_certificate is missing"):
        ra.connect(client_certificate="", secrets={"client_key": ""})


def test_a_client_certificate_that_ended_fails_the_test(ra: Site) -> None:
    """C rows."""
    old = make("client", make("old CA", ca=True, now=ra.clock.now() - timedelta(days=90), days=60))
    connector = ra.connect(client_certificate=old.pem, secrets={"client_key": old.key_pem()})
    ra.clock.sleep(86400.0 * 400)
    failed = {check.name: check.detail for check in connector.test() if not check.passed}
    assert "it ended" in failed["client certificate"]


def test_a_workflow_or_profile_that_is_not_there_fails_the_test_with_those_there_are(ra: Site, ca: Site) -> None:
    for site, name, there in ((ra, "ra_workflow", "TLS with holder"), (ca, "certificate_profile", "TLS short")):
        wrong: dict[str, Any] = {name: "Acme"}
        failed = [check for check in site.connect(**wrong).test() if not check.passed]
        assert [check.name for check in failed] == ["may list"]
        assert "Acme" in failed[0].detail and there in failed[0].detail


def test_a_ca_that_is_not_there_is_told_in_its_words(ca: Site) -> None:
    failed = [check for check in ca.connect(ca_name="Acme").test() if not check.passed]
    assert "CA Acme does not exist" in failed[0].detail


# -- the RA --------------------------------------------------------------------------------------------------------


def test_the_states_are_words_of_ours() -> None:
    assert set(idnomic_ra.STATES.values()) <= set(STATES) and all(one.islower() for one in idnomic_ra.STATES)
    assert set(REASONS) <= set(REVOCATION_REASONS)


@pytest.mark.parametrize(
    ("word", "state"),
    [
        ("PENDING", "pending_approval"),
        ("Initial", "submitted"),
        ("V", "submitted"),
        ("REFUSED", "rejected"),
        ("CANCELLED", "cancelled"),
        ("ESCROWED", "processing"),
    ],
)
def test_each_status_of_a_request_has_a_meaning(ra: Site, word: str, state: str) -> None:
    """ca-connectors §4.11; an issued one whose certificate is not listed yet is no failure either."""
    assert ra.orders is not None
    ra.orders.polls, ra.orders.strange_word = 5, word
    answer = ra.connect(**BY_REQUEST).submit(order(ra), make_csr(KEYS["p256"]()))
    assert isinstance(answer, (Pending, Rejected))
    assert (answer.state, answer.vendor_state) == (state, word)
    if state == "pending_approval":
        assert isinstance(answer, Pending) and answer.actions[0].kind == "approval"


def test_a_workflow_that_answers_with_a_request_is_waited_for(ra: Site) -> None:
    """Whether a workflow signs at once is the site's affair; the answer says it."""
    assert ra.orders is not None
    ra.orders.polls = 1
    connector = ra.connect()
    answer = connector.submit(order(ra), make_csr(KEYS["p256"]()))
    assert isinstance(answer, Pending) and answer.handle["request_id"] == "REQ-1000"
    done = connector.collect(answer.handle)
    assert isinstance(done, Issued) and done.bundle.root


@pytest.mark.parametrize("has_ids", [True, False])
def test_requests_are_told_apart_by_their_ids_or_by_their_keys(ra: Site, has_ids: bool) -> None:
    assert ra.orders is not None
    ra.vendor.has_ids, ra.orders.polls = has_ids, 2
    connector, keys = ra.connect(**BY_REQUEST), [make_csr(KEYS["p256"]()) for _two in range(2)]
    waiting = [connector.submit(order(ra), csr) for csr in keys]
    serials = set()
    for answer in waiting:
        while isinstance(answer, Pending):
            answer = connector.collect(answer.handle)
        assert isinstance(answer, Issued)
        serials.add(answer.handle["serial"])
    assert len(serials) == 2


def test_zone_and_generic_fields_reach_the_ra(ra: Site) -> None:
    """E5, E20."""
    connector = ra.connect(ra_workflow="TLS with holder", zone="Lab")
    generic = {"tracking_id": "T-1", "holder_email": "ada@example.com", "comment": "two\nlines"}
    placed(ra, connector, options={}, generic=generic)
    assert ra.orders is not None
    (made,) = ra.orders.found.values()
    values = made.wanted["values"]
    assert values["zone"] == "Lab" and values["trackingId1"] == "T-1" and values["comment1"] == "two\nlines"
    refused = connector.submit(order(ra, options={"zone": "Mars"}), make_csr(KEYS["p256"]()))
    assert isinstance(refused, Rejected) and "zone Mars does not exist" in refused.reason


def test_a_revocation_code_is_a_secret_and_reaches_its_field(ra: Site) -> None:
    ra.vendor.workflows["TLS with code"] = [("commonName1", "0"), ("revocationCode1", "0"), *_TWO_NAMES]
    connector = ra.connect(secrets={"revocation_code": "s3cret-code"})
    answer = placed(ra, connector, options={"ra_workflow": "TLS with code"})
    assert ra.orders is not None
    assert next(iter(ra.orders.found.values())).wanted["values"]["revocationCode1"] == "s3cret-code"
    assert "s3cret-code" not in str(answer)


@pytest.mark.parametrize("optional", ["0", "1"])
def test_a_workflow_with_a_revocation_code_wants_the_secret(ra: Site, optional: str) -> None:
    """Security: no certificate gets a code that everybody can guess, whether the field must have a value or not."""
    ra.vendor.workflows["TLS with code"] = [("commonName1", "0"), ("revocationCode1", optional), *_TWO_NAMES]
    connector, wanted = ra.connect(), order(ra, options={"ra_workflow": "TLS with code"})
    (problem,) = connector.validate(wanted)
    assert "has the field revocationCode1, and the account has no revocation_code" in problem
    answer = connector.submit(wanted, make_csr(KEYS["p256"]()))
    assert isinstance(answer, Rejected) and answer.reason == problem
    assert ra.bought is not None and ra.bought() == 0
    assert list(connector.validate(order(ra))) == []
    assert list(ra.connect(secrets={"revocation_code": "s3cret-code"}).validate(wanted)) == []


def test_what_the_workflow_lacks_is_told_before_and_by_submit(ra: Site) -> None:
    """E15, E20: nothing is enrolled."""
    connector, wanted = ra.connect(), order(ra, generic={"uuid": "u"})
    (problem,) = connector.validate(wanted)
    assert "generic.uuid goes into the field uuid of RA workflow TLS Server, which has none" in problem
    answer = connector.submit(wanted, make_csr(KEYS["p256"]()))
    assert isinstance(answer, Rejected) and answer.reason == problem
    assert ra.bought is not None and ra.bought() == 0


@pytest.mark.parametrize("name", ["ra", "ca"])
def test_a_question_that_fails_leaves_no_order_in_doubt(name: str, request: pytest.FixtureRequest) -> None:
    """Nothing was enrolled yet, and the error says so; a workflow or profile that is not there is a refusal."""
    site, script = request.getfixturevalue(name), Script()
    script.add("server_error_before", "POST", body="profile_properties>|getCertificateProfileProperties>")
    with pytest.raises(TransportError, match="the order was not sent") as caught:
        site.connect(script).submit(order(site), make_csr(KEYS["p256"]()))
    assert is_surely_not_taken(caught.value)
    wrong = order(site, options={"ra_workflow" if name == "ra" else "certificate_profile": "Acme"})
    answer = site.connect().submit(wrong, make_csr(KEYS["p256"]()))
    assert isinstance(answer, Rejected) and "profile Acme does not exist" in answer.reason and not site.bought()


@pytest.mark.parametrize(("code", "is_refusal"), [("Client", True), ("PKI.42", True), ("Server", False)])
def test_a_fault_refuses_unless_the_server_failed(ra: Site, code: str, is_refusal: bool) -> None:
    connector, wanted, csr = ra.connect(), order(ra), make_csr(KEYS["p256"]())
    ra.vendor.fails_with = code
    if is_refusal:
        answer = connector.submit(wanted, csr)
        assert isinstance(answer, Rejected) and "internal error" in answer.reason
        return
    with pytest.raises(SoapFault, match="internal error") as caught:
        connector.submit(wanted, csr)
    assert caught.value.code == "soap_fault"
    assert isinstance(connector.find(wanted, csr), Issued)


def test_a_key_that_was_used_before_leads_to_the_new_certificate_alone(ra: Site) -> None:
    """reuse_key: neither the parent nor one of long before."""
    connector, csr = ra.connect(), make_csr(KEYS["p256"]())
    first = placed(ra, connector, csr)
    assert isinstance(settled(ra, connector, order(ra, parent=first.handle), csr), NotThere)
    ra.clock.sleep(2 * 3600)
    assert isinstance(settled(ra, connector, order(ra), csr), NotThere)
    second = placed(ra, connector, csr)
    found = connector.find(order(ra, parent=first.handle), csr)
    assert isinstance(found, Issued) and found.handle["serial"] == second.handle["serial"]


def test_a_request_that_waits_and_names_no_key_is_for_a_person(ra: Site) -> None:
    """NotThere only where a second request surely doubles nothing."""
    assert ra.orders is not None
    ra.orders.polls = 9
    connector = ra.connect(**BY_REQUEST)
    connector.submit(order(ra), make_csr(KEYS["p256"]()))
    found = connector.find(order(ra), make_csr(KEYS["p256"]()))
    assert isinstance(found, CannotTell) and "do not tell their key" in found.message


def test_a_certificate_is_taken_over_by_its_serial_however_it_is_written(ra: Site) -> None:
    connector, csr = ra.connect(), make_csr(KEYS["p256"]())
    serial = str(placed(ra, connector, csr).handle["serial"]).zfill(42)
    written = ":".join(serial[at : at + 2] for at in range(0, len(serial), 2)).upper()
    assert isinstance(connector.adopt(written, order(ra), csr), Issued)


def test_a_revoked_certificate_is_not_collected(ra: Site) -> None:
    connector = ra.connect()
    handle = placed(ra, connector).handle
    connector.revoke(handle, "superseded", "")
    assert ra.orders is not None and [reason for reason, _at in ra.orders.revoked.values()] == ["superseded"]
    answer = connector.collect(handle)
    assert isinstance(answer, Rejected) and answer.state == "revoked"


def test_a_revocation_may_wait_for_an_officer(ra: Site) -> None:
    connector = ra.connect(**BY_REQUEST, ra_workflow="TLS Server")
    handle = placed(ra, ra.connect()).handle
    ra.vendor.approves_revocations = False
    told = connector.revoke(handle, "key_compromise", "")
    assert told.state == REVOCATION_PENDING and "officer" in told.message
    ra.vendor.approves_revocations = True
    assert connector.revoke(handle, "key_compromise", "").state == "revoked"
    assert connector.revocation(handle).state == "revoked"


def test_a_certificate_of_another_ca_is_not_revoked(ra: Site) -> None:
    with pytest.raises(SoapFault, match="no certificate 7 of CN=Nobody"):
        ra.connect().revoke({"serial": "7", "issuer": "CN=Nobody"}, "superseded", "")
    with pytest.raises(RemoteError, match="lists no certificate 7"):
        ra.connect().collect({"serial": "7", "issuer": "CN=Nobody"})


# -- the CA alone --------------------------------------------------------------------------------------------------


def test_without_a_ra_nothing_is_renewed_and_the_reason_is_told(ca: Site, ra: Site) -> None:
    """E5: certificates renew only when enrolled through a RA workflow."""
    able = ca.connect().capabilities()
    assert able.renew == "none" and "only when they were enrolled through a RA workflow" in able.renew_refusal
    assert not able.registration_authority and ra.connect().capabilities().registration_authority
    assert ra.connect().capabilities().renew == "reenroll"


def test_without_the_name_of_the_operation_nothing_is_revoked(ca: Site) -> None:
    """No document names it: it is the account's."""
    connector = ca.connect()
    assert connector.capabilities().revoke_reasons == ()
    with pytest.raises(InputError, match="idca_revoke_operation") as caught:
        connector.revoke(placed(ca, connector).handle, "superseded", "")
    assert caught.value.code == "cannot_revoke"


def test_a_lost_enrolment_is_for_a_person(ca: Site) -> None:
    """In doubt, where the CA cannot be asked."""
    found = ca.connect().find(order(ca), make_csr(KEYS["p256"]()))
    assert isinstance(found, CannotTell) and found.look_again_s == 86400.0 and "www.example.com" in found.look_at


def test_each_name_is_a_parameter_and_the_chain_is_the_cas(ca: Site) -> None:
    answer = placed(ca, ca.connect(certificate_profile="TLS short"), options={})
    assert set(certificate_facts(answer.bundle.leaf).sans.dns) == set(SPEC.dns_names)
    assert len(answer.bundle.chain) == 1 and answer.bundle.root


def test_a_chain_that_cannot_be_read_yet_comes_later(ca: Site) -> None:
    """The contract of submit: it is signed."""
    script = Script()
    script.add("server_error_before", "POST", body=":download>")
    answer = ca.connect(script).submit(order(ca), make_csr(KEYS["p256"]()))
    assert isinstance(answer, Pending) and "its chain cannot be read yet" in answer.message
    assert isinstance(ca.connect().collect(answer.handle), Issued)


def test_the_other_version_of_soap_is_refused_and_told(ca: Site) -> None:
    """The version is the account's, as no document says it."""
    failed = [check for check in ca.connect(soap_version="1.1").test() if not check.passed]
    assert failed and "application/soap+xml" in failed[0].detail


# -- shapes --------------------------------------------------------------------------------------------------------


def test_certificates_are_read_with_half_of_their_armour_too() -> None:
    pem = make("x").pem
    bare = "\n".join(pem.strip().splitlines()[1:])
    assert armoured(pem) == armoured(bare) and certificate_facts(armoured(bare)).common_name == "x"
    assert armoured("") == "" and looks_like_one(pem) and not looks_like_one("REQ-1")


@pytest.mark.parametrize(("given", "plain"), [("00AB", "ab"), ("0a:bc", "abc"), ("0", "0"), ("00", "0"), ("A0", "a0")])
def test_serials_are_lower_case_without_leading_zeros(given: str, plain: str) -> None:
    assert plain_serial(given) == plain
