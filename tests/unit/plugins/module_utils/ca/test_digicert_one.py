# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is particular to Trust Lifecycle Manager, before its fake: seats, profiles, pickups, renewals, lost orders."""

from __future__ import annotations

import base64
import pathlib
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, pkcs7

from ansible_collections.edgecert.clm.plugins.module_utils._ca import digicert_one
from ansible_collections.edgecert.clm.plugins.module_utils._ca import digicert_one_words as words
from ansible_collections.edgecert.clm.plugins.module_utils._ca.answer_base import (
    PENDING_APPROVAL,
    PROCESSING,
    REVOKED,
    STATES,
    CannotTell,
    Issued,
    NotThere,
    Pending,
    Rejected,
)
from ansible_collections.edgecert.clm.plugins.module_utils._ca.digicert_one_answers import certificates_of, leaf_first
from ansible_collections.edgecert.clm.plugins.module_utils._clm.ca_orders import is_surely_not_taken
from ansible_collections.edgecert.clm.plugins.module_utils._core.errors import AuthError, InputError, RemoteError
from ansible_collections.edgecert.clm.plugins.module_utils._core.vocabulary import REVOCATION_REASONS
from ansible_collections.edgecert.clm.plugins.module_utils._pki.x509 import certificate_facts
from ansible_collections.edgecert.clm.tests.support.ca_sites.digicert import csr, issued
from ansible_collections.edgecert.clm.tests.support.ca_sites.digicert_one import Bench, running
from ansible_collections.edgecert.clm.tests.support.csrs import SPEC
from ansible_collections.edgecert.clm.tests.support.fake_ca.core import Call
from ansible_collections.edgecert.clm.tests.support.fake_ca.digicert_one import AT_ONCE, BY_HAND, BY_SCEP, ruled_profile
from ansible_collections.edgecert.clm.tests.support.faulty_transport import Script


@pytest.fixture
def bench(tmp_path: pathlib.Path) -> Iterator[Bench]:
    with running(tmp_path) as made:
        yield made


def under(profile: str, **more: str) -> dict[str, str]:
    return {"certificate_profile": profile, **more}


# -- words and answers ---------------------------------------------------------------------------------------------


def test_words_are_ours(bench: Bench) -> None:
    """Issue 6: state table and reasons; every reason of ours has a word there."""
    assert set(words.STATES.values()) <= set(STATES)
    assert set(words.REASONS) == set(REVOCATION_REASONS)
    assert bench.connect().capabilities().csr_sources == ("endpoint", "local", "upload")


def test_certificates_are_read_in_every_form_they_come_in(bench: Bench) -> None:
    """ca-connectors §3.2: PEM, PKCS#7 with armour and without, base64 of DER."""
    bundle = issued(bench.connect(), bench.order(), csr()).bundle
    pems = [bundle.leaf, *bundle.chain, bundle.root]
    loaded = [x509.load_pem_x509_certificate(one.encode()) for one in pems]
    packed = pkcs7.serialize_certificates(loaded[::-1], Encoding.DER)
    forms = [
        "".join(pems),
        pkcs7.serialize_certificates(loaded, Encoding.PEM).decode(),
        base64.b64encode(packed).decode(),
    ]
    for text in forms:
        leaf, others = leaf_first(certificates_of(text))
        assert leaf == bundle.leaf and set(others) == {*bundle.chain, bundle.root}
    bare = base64.b64encode(loaded[0].public_bytes(Encoding.DER)).decode()
    assert certificates_of(bare) == [bundle.leaf]
    for broken in ("", "no certificate", base64.b64encode(b"nothing").decode(), bare[:40]):
        with pytest.raises(InputError):
            certificates_of(broken)
    with pytest.raises(InputError, match="none but of CAs"):
        leaf_first([bundle.root])


# -- accounts ------------------------------------------------------------------------------------------------------


def test_an_account_has_something_to_authenticate_with(bench: Bench) -> None:
    """C rows."""
    with pytest.raises(InputError, match="api_key, or client_certificate"):
        bench.connect(secrets={"api_key": ""})


def test_with_a_client_certificate_no_token_is_sent(tmp_path: pathlib.Path) -> None:
    """ca-connectors §4.8: the header has to be left out at the host that wants a certificate."""
    with running(tmp_path, mutual=True) as bench:
        checks = bench.connect(secrets={"api_key": "left-from-before"}).test()
        assert all(check.passed for check in checks) and checks[0].name == "client certificate"
        assert all("x-api-key" not in call.headers for call, _reply in bench.vendor.seen)


def test_a_client_certificate_that_ended_fails_the_test(tmp_path: pathlib.Path) -> None:
    """C rows: told by name, with what to do."""
    with running(tmp_path, mutual=True) as bench:
        ends = bench.site.kind().expires_at(bench.site.options)
        assert ends is not None
        bench.site.clock.sleep((ends - bench.site.clock.now()).total_seconds() + 1)
        [failed] = [check for check in bench.connect().test() if check.name == "client certificate"]
        assert not failed.passed and "give the account another one" in failed.detail


def test_the_test_of_an_account_looks_at_its_profile(bench: Bench) -> None:
    """C rows: an unknown profile lists those there are."""
    assert all(check.passed for check in bench.connect(certificate_profile="Web server").test())
    [failed] = [check for check in bench.connect(certificate_profile="gone").test() if not check.passed]
    assert "Web server" in failed.detail


def test_an_order_is_not_looked_for_in_a_profile_that_is_gone(bench: Bench) -> None:
    """W5: renamed while the order was in doubt; to take it for not there would order it twice."""
    order = bench.order()
    issued(bench.connect(), order, csr())
    with pytest.raises(RemoteError, match="certificate_profile 'gone' is not there.*Web server") as caught:
        bench.connect().find(replace(order, options={"certificate_profile": "gone"}), csr())
    assert caught.value.code == "unknown_choice"


# -- seats ---------------------------------------------------------------------------------------------------------


def test_a_seat_is_the_requests_or_the_accounts_or_one_of_its_own(bench: Bench) -> None:
    """E22, table 14."""
    order = bench.order()
    issued(bench.connect(), order, csr())
    assert bench.last["seat"] == {"seat_id": f"clm-{order.intent_id}"}
    issued(bench.connect(seat_id="edge"), bench.order(), csr())
    assert bench.last["seat"] == {"seat_id": "edge"}
    issued(bench.connect(seat_id="edge"), bench.order(options=under(AT_ONCE, seat_id="mine")), csr())
    assert bench.last["seat"] == {"seat_id": "mine"}


def test_a_seat_is_not_taken_where_the_account_does_not_let_it(bench: Bench) -> None:
    """E22: the field is there only with *Allow Seat ID during enrollment*."""
    connector = bench.connect(allow_seat_id=False)
    [told] = connector.validate(bench.order(options=under(AT_ONCE, seat_id="mine")))
    assert "seat_id is no option" in told


# -- profiles ------------------------------------------------------------------------------------------------------


def fixed(bench: Bench, **more: Any) -> None:
    """Let the profile have the organization fixed, require a country, and take the locality out of the CSR."""
    profile = bench.vendor.profiles[AT_ONCE]
    told = [
        *profile["certificate"]["subject"]["attributes"],
        {"type": "organization_name", "mandatory": True, "sources": [{"source": "FIXED_VALUE", "value": "Acme"}]},
        {"type": "country", "mandatory": True, "sources": [{"source": "REST_REQUEST", "mandatory": True}]},
        {"type": "locality", "mandatory": True, "sources": [{"source": "FROM_CSR"}]},
    ]
    certificate = {**profile["certificate"], "subject": {"attributes": told}}
    bench.vendor.profiles[AT_ONCE] = {**profile, "certificate": certificate, **more}


def test_what_a_profile_has_fixed_is_not_sent_and_not_to_be_had_otherwise(bench: Bench) -> None:
    """E22, table 14's note: static values are filled in and cannot be edited."""
    fixed(bench)
    [told] = bench.connect().validate(bench.order())
    assert "'Example Ltd'" in told and "'Acme' fixed" in told
    order = bench.order(spec=replace(SPEC, organization="Acme", locality="Berlin"))
    assert list(bench.connect().validate(order)) == []
    issued(bench.connect(), order, csr())
    assert bench.last["attributes"]["subject"] == {"common_name": "www.example.com", "country": "US"}


def test_what_a_profile_requires_is_asked_for(bench: Bench) -> None:
    """E14, E22."""
    fixed(bench)
    [told] = bench.connect().validate(bench.order(spec=replace(SPEC, organization="", country="")))
    assert "country is missing" in told


def test_a_lifetime_is_sent_where_the_profile_lets_it_be(bench: Bench) -> None:
    """E15: otherwise the profile's own holds, and the difference is told by who compares."""
    fixed(bench, override_cert_validity_via_api=False)
    issued(bench.connect(), bench.order(spec=replace(SPEC, organization="")), csr())
    assert "validity" not in bench.last


def test_profiles_that_enrol_otherwise_are_not_offered(bench: Bench) -> None:
    """E5."""
    connector = bench.connect()
    assert [choice.value for choice in connector.choices("certificate_profile")] == [AT_ONCE, BY_HAND]
    [told] = connector.validate(bench.order(options=under(BY_SCEP)))
    assert "Web server" in told


def test_profiles_that_may_not_be_read_refuse_nothing(bench: Bench) -> None:
    """What DigiCert's own provider sends is sent then."""
    bench.vendor.may_read_profiles = False
    connector = bench.connect()
    with pytest.raises(AuthError):
        connector.choices("certificate_profile")
    assert list(connector.validate(bench.order())) == []
    answer = issued(connector, bench.order(), csr())
    assert answer.bundle.root and "validity" not in bench.last
    assert bench.last["attributes"]["subject"] == {"common_name": "www.example.com"}


def test_names_of_every_kind_are_sent(bench: Bench) -> None:
    """E13."""
    spec = replace(SPEC, ip_addresses=("192.0.2.1",), emails=("a@example.com",), uris=("https://e.com/x",))
    issued(bench.connect(tags=["edge", "lab"]), bench.order(spec=spec), csr())
    assert bench.last["attributes"]["extensions"]["san"] == {
        "dns_names": list(SPEC.dns_names),
        "ip_addresses": ["192.0.2.1"],
        "emails": ["a@example.com"],
        "uris": ["https://e.com/x"],
    }
    assert bench.last["tags"] == ["edge", "lab"]


def test_names_that_a_profile_has_fixed_or_takes_out_of_the_csr_are_not_sent(bench: Bench) -> None:
    """E13, E22: and those that it requires are asked for."""
    ruled = ruled_profile()
    bench.vendor.profiles[ruled["id"]] = ruled
    spec = replace(SPEC, emails=("pki@example.com",), uris=("https://e.com/x",))
    [told] = bench.connect().validate(bench.order(options=under(ruled["id"]), spec=spec))
    assert "ip_addresses are missing" in told
    other = replace(spec, ip_addresses=("192.0.2.1",), emails=("a@example.com",))
    [told] = bench.connect().validate(bench.order(options=under(ruled["id"]), spec=other))
    assert "a@example.com" in told and "'pki@example.com' fixed" in told
    order = bench.order(options=under(ruled["id"]), spec=replace(spec, ip_addresses=("192.0.2.1",)))
    assert list(bench.connect().validate(order)) == []
    issued(bench.connect(), order, csr())
    assert bench.last["attributes"]["extensions"]["san"] == {
        "dns_names": list(SPEC.dns_names),
        "ip_addresses": ["192.0.2.1"],
    }


# -- pickups -------------------------------------------------------------------------------------------------------


def test_an_order_that_waits_is_picked_up(bench: Bench) -> None:
    """ca-connectors §4.8: PENDING, then certificate-pickup; a person's profile is looked at seldom."""
    bench.vendor.orders.polls = 2
    for profile, state, least in ((AT_ONCE, PROCESSING, 60), (BY_HAND, PENDING_APPROVAL, 600)):
        connector = bench.connect()
        answer = connector.submit(bench.order(options=under(profile)), csr())
        assert isinstance(answer, Pending) and (answer.state, answer.vendor_state) == (state, "PENDING")
        assert answer.look_again_s >= least
        again = connector.collect(answer.handle)
        assert isinstance(again, Pending)
        done = connector.collect(again.handle)
        assert isinstance(done, Issued) and "placed_at" not in done.handle


def test_an_order_that_waits_is_looked_at_ever_more_seldom(bench: Bench) -> None:
    """ca-connectors §3.3: 60 seconds, doubling to 15 minutes."""
    bench.vendor.orders.polls, waits = 9, []
    connector = bench.connect()
    answer = connector.submit(bench.order(options=under(AT_ONCE)), csr())
    for _look in range(7):
        assert isinstance(answer, Pending)
        waits.append(answer.look_again_s)
        bench.site.clock.sleep(answer.look_again_s)
        answer = connector.collect(answer.handle)
    assert waits == [60, 60, 120, 240, 480, 900, 900]


def test_an_order_that_is_refused_says_so(bench: Bench) -> None:
    bench.vendor.allows_duplicates = False
    connector = bench.connect(seat_id="edge")
    issued(connector, bench.order(), csr())
    answer = connector.submit(bench.order(), csr())
    assert isinstance(answer, Rejected) and "duplicate" in answer.reason


# -- lost orders ---------------------------------------------------------------------------------------------------


def test_a_lost_renewal_is_found_and_the_certificate_before_is_not_taken_for_it(bench: Bench) -> None:
    """Issue 6: the same key on the same seat, too."""
    connector, same = bench.connect(), csr()
    first = issued(connector, bench.order(), same)
    bench.site.clock.sleep(70 * 86400)
    order = bench.order(action="renew", parent=first.handle)
    assert isinstance(connector.find(order, same), CannotTell)
    script = Script()
    script.add("lost_after", "POST", "/renew$")
    with pytest.raises(RemoteError):
        bench.connect(script).renew(first.handle, order, same)
    found = connector.find(order, same)
    assert isinstance(found, Issued)
    assert int(certificate_facts(found.bundle.leaf).serial, 16) == int(bench.vendor.orders.found["1001"].serial, 16)


def test_the_certificate_of_a_moment_ago_is_not_taken_for_its_successor(bench: Bench) -> None:
    """E4: regenerated at once, with the same key on the same seat."""
    connector, same = bench.connect(), csr()
    first = issued(connector, bench.order(), same)
    order = bench.order(action="regenerate", parent=first.handle)
    bench.site.clock.sleep(400)
    assert isinstance(connector.find(order, same), NotThere)


def test_an_order_of_long_ago_on_the_same_seat_is_not_the_lost_one(bench: Bench) -> None:
    connector, same = bench.connect(seat_id="edge"), csr()
    issued(connector, bench.order(), same)
    bench.site.clock.sleep(3 * 86400)
    order = bench.order()
    bench.site.clock.sleep(400)
    assert isinstance(connector.find(order, same), NotThere)


def test_a_search_that_lags_leaves_the_order_in_doubt_for_a_while(bench: Bench) -> None:
    """in_doubt where the CA cannot be asked yet."""
    order, text = bench.order(), csr()
    issued(bench.connect(), order, text)
    bench.vendor.is_listed = False
    found = bench.connect().find(order, text)
    assert isinstance(found, CannotTell) and 0 < found.look_again_s <= 300 and order.intent_id in found.look_at
    bench.vendor.is_listed = True
    assert isinstance(bench.connect().find(order, text), Issued)


def test_what_waits_for_a_person_is_in_doubt_until_one_looks(bench: Bench) -> None:
    """Never ordered again by itself: the search does not know what waits."""
    bench.vendor.orders.polls = 5
    order, text = bench.order(options=under(BY_HAND)), csr()
    assert isinstance(bench.connect().submit(order, text), Pending)
    bench.site.clock.sleep(3600)
    found = bench.connect().find(order, text)
    assert isinstance(found, CannotTell) and found.look_again_s >= 86400
    bench.vendor.orders.finish(bench.vendor.orders.found["1000"])
    assert isinstance(bench.connect().find(order, text), Issued)


def test_a_public_ca_behind_a_profile_may_let_orders_wait(bench: Bench) -> None:
    """Paid orders: that the search has none says nothing there."""
    order = bench.order()
    bench.site.clock.sleep(3600)
    assert isinstance(bench.connect().find(order, csr()), NotThere)
    assert isinstance(bench.connect(trust="public").find(order, csr()), CannotTell)


def test_a_name_that_is_gone_surely_left_no_order(bench: Bench) -> None:
    """W5: it fails before anything is sent, and leaves nothing in doubt."""
    with pytest.raises(RemoteError, match="Web server") as caught:
        bench.connect().submit(bench.order(options=under("gone")), csr())
    assert is_surely_not_taken(caught.value) and bench.vendor.orders.found == {}


def test_a_profile_that_cannot_be_read_may_wait_for_a_person(bench: Bench) -> None:
    bench.vendor.may_read_profiles = False
    order = bench.order()
    bench.site.clock.sleep(3600)
    assert isinstance(bench.connect().find(order, csr()), CannotTell)


def searches(bench: Bench) -> list[Call]:
    return [call for call, _reply in bench.vendor.seen if call.path.endswith("/certificate-search")]


def test_a_search_of_many_pages_is_read_to_its_end_if_it_has_one(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """Paid orders: what was not read to its end does not say that nothing is there."""
    connector, text = bench.connect(seat_id="edge"), csr()
    order = bench.order()
    issued(connector, order, text)
    for _each in range(101):
        issued(connector, bench.order(), csr())
    assert isinstance(connector.find(order, text), Issued) and len(searches(bench)) == 2
    monkeypatch.setattr(digicert_one, "_MOST_PAGES", 1)
    with pytest.raises(RemoteError) as caught:
        connector.find(order, csr())
    assert caught.value.code == "too_many_found" and not is_surely_not_taken(caught.value)


@pytest.mark.parametrize("is_mandatory", [True, False])
def test_a_search_is_by_common_name_where_there_surely_is_one(bench: Bench, is_mandatory: bool) -> None:
    """A seat of the account's may hold thousands; a profile without common names would hide what is there."""
    bench.vendor.profiles[AT_ONCE]["certificate"]["subject"]["attributes"][0].update(
        mandatory=is_mandatory, sources=[{"source": "REST_REQUEST", "mandatory": is_mandatory}]
    )
    order, text = bench.order(), csr()
    issued(bench.connect(), order, text)
    assert isinstance(bench.connect().find(order, text), Issued)
    assert searches(bench)[0].query.get("common_name") == ("www.example.com" if is_mandatory else None)


# -- revoking ------------------------------------------------------------------------------------------------------


def test_a_serial_number_that_two_cas_gave_is_told_apart_by_the_fingerprint(bench: Bench) -> None:
    """ca-connectors §4.8: *Collision occurred*, then once more with thumbprint_sha256."""
    connector = bench.connect()
    first = issued(connector, bench.order(), csr())
    bench.vendor.collides = True
    told = connector.revoke(first.handle, "key_compromise", "")
    again = connector.revoke(first.handle, "key_compromise", "")
    assert told.state == again.state == REVOKED and told.at is not None and told.at == again.at
    assert len(bench.vendor.orders.revoked) == 1


def test_one_that_is_revoked_meanwhile_is_success(bench: Bench) -> None:
    """By another's hand, between our question and our order."""
    connector = bench.connect()
    first = issued(connector, bench.order(), csr())
    inner = bench.vendor.orders.revoked
    serial = bench.vendor.orders.found["1000"].serial
    script = Script()
    script.add("server_error_before", "PUT", "/revoke$")
    with pytest.raises(RemoteError):
        bench.connect(script).revoke(first.handle, "superseded", "")
    inner[serial] = ("superseded", bench.site.clock.now())
    assert connector.revoke(first.handle, "superseded", "").at == bench.site.clock.now()
