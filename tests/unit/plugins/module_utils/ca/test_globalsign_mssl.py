# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is particular to GlobalSign MSSL: its states and codes, profiles and domains, renewals, and lost orders."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest

from ansible_collections.edgecert.clm.plugins.module_utils._ca import globalsign_mssl_wire as wire
from ansible_collections.edgecert.clm.plugins.module_utils._ca import soap
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
from ansible_collections.edgecert.clm.plugins.module_utils._clm.ca_orders import is_surely_not_taken
from ansible_collections.edgecert.clm.plugins.module_utils._core.csr_spec import CsrSpec
from ansible_collections.edgecert.clm.plugins.module_utils._core.errors import (
    AuthError,
    InputError,
    RemoteError,
    TransportError,
)
from ansible_collections.edgecert.clm.plugins.module_utils._pki.x509 import certificate_facts
from ansible_collections.edgecert.clm.tests.support.ca_site import Site
from ansible_collections.edgecert.clm.tests.support.ca_sites.globalsign import globalsign_mssl
from ansible_collections.edgecert.clm.tests.support.csrs import KEYS, SPEC, make_csr
from ansible_collections.edgecert.clm.tests.support.fake_ca.globalsign import Refused
from ansible_collections.edgecert.clm.tests.support.faulty_transport import Script

AT = datetime(2026, 1, 31, 12, tzinfo=timezone.utc)


@pytest.fixture
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with globalsign_mssl()(tmp_path_factory.mktemp("mssl")) as made:
        yield made


def order(site: Site, **changes: Any) -> Order:
    return replace(Order(SPEC, 90, "intent", site.clock.now(), site.request_options), **changes)


def placed(site: Site, connector: CaConnector, wanted: Order | None = None, csr: str = "") -> Issued:
    """Have something issued."""
    answer = connector.submit(wanted or order(site), csr or make_csr(KEYS["p256"]()))
    assert isinstance(answer, Issued), answer
    return answer


def entries(wanted: Order, product: str) -> list[tuple[str, str]]:
    """Give number and name of each entry."""
    made = soap.element("SANEntries", wire.san_entries(wanted, product))
    return [(soap.text(one, "SANOptionType"), soap.text(one, "SubjectAltName")) for one in made]


# -- tables --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("number", "kind", "state"),
    [
        ("1", Pending, "submitted"),
        ("2", Pending, "processing"),
        ("3", Rejected, "cancelled"),
        ("5", Rejected, "cancelled"),
        ("6", Rejected, "revoked"),
        ("7", Rejected, "revoked"),
        ("8", Pending, "pending_approval"),
        ("9", Pending, "processing"),
        ("10", Rejected, "rejected"),
        ("11", Pending, "processing"),
    ],
)
def test_each_number_of_a_state_has_a_meaning(site: Site, number: str, kind: type, state: str) -> None:
    """ca-connectors §4.10: numbers as text; one that no document names is at work, and kept."""
    assert set(wire.STATES.values()) <= set(STATES) and site.orders is not None
    site.orders.polls, site.vendor.waiting = 3, number
    answer = site.connect().submit(order(site), make_csr(KEYS["p256"]()))
    assert isinstance(answer, kind) and isinstance(answer, (Pending, Rejected))
    assert (answer.state, answer.vendor_state) == (state, number)
    if state == "pending_approval":
        assert isinstance(answer, Pending) and [one.kind for one in answer.actions] == ["approval"]


@pytest.mark.parametrize(
    ("days", "months"), [(1, 1), (28, 1), (29, 2), (90, 4), (181, 6), (365, 12), (366, 13), (397, 14)]
)
def test_months_are_the_least_that_cover_the_days(days: int, months: int) -> None:
    """Error -9933: dates may not be longer apart than the months."""
    assert wire.months_of(AT, days) == months


@pytest.mark.parametrize(
    ("common_name", "left"),
    [
        ("www.example.com", ["a.example.com"]),
        ("*.example.com", ["a.example.com"]),
        ("api.example.com", ["example.com", "www.example.com", "a.example.com"]),
    ],
)
def test_the_common_name_and_its_twins_are_not_asked_for(common_name: str, left: list[str]) -> None:
    names = (common_name, "example.com", "www.example.com", "a.example.com")
    assert [name for _kind, name in entries(Order(CsrSpec(common_name, names), 9, "i", AT), "PV_SHA2")] == left


def test_each_kind_of_name_has_its_number() -> None:
    names, ips = ("a.example.com", "*.b.example.com"), ("192.0.2.1", "2001:db8::1")
    wanted = Order(CsrSpec("x.example.com", names, ips), 9, "i", AT)
    for product, number in (("PV_SHA2", "3"), ("PV_INTRA_SHA2", "4")):
        assert [kind for kind, _name in entries(wanted, product)] == ["7", "13", number, number]


def test_every_code_that_is_explained_is_explained_in_the_error(site: Site) -> None:
    """Issue 6: the field and what to do stand in the message."""
    for code, hint in wire.HINTS.items():
        site.vendor.fails_with = code
        try:
            answer = site.connect().submit(order(site), make_csr(KEYS["p256"]()))
            assert isinstance(answer, Rejected)
            text = answer.reason
        except RemoteError as exc:
            text = exc.message
            is_login = code in wire.LOGIN_CODES
            assert isinstance(exc, AuthError) == is_login and (exc.status == 401) == is_login
            assert is_login or code in wire.UNSURE_CODES
        assert code in text and hint in text


# -- accounts ------------------------------------------------------------------------------------------------------


def test_an_account_says_all_that_is_missing_at_once(site: Site) -> None:
    """C rows."""
    with pytest.raises(InputError) as caught:
        site.connect(user_name="", contact_email="", url="http://x", order_path="kb", secrets={"password": ""})
    for word in ("user_name is missing", "contact_email is missing", "password is missing", "https://", "order_path"):
        assert word in caught.value.message


def test_a_profile_that_is_not_there_fails_the_test_with_those_there_are(site: Site) -> None:
    """E22, C rows."""
    failed = [check for check in site.connect(profile_name="Acme").test() if not check.passed]
    assert [check.name for check in failed] == ["logged in"]
    assert "5501_OV (Example Ltd), 5502_OV (Example Holding)" in failed[0].detail


def test_the_password_is_nowhere_though_the_ca_repeats_it(site: Site) -> None:
    """Security: the fake writes user and password into its refusal."""
    wrong = "wrong&<secret>"
    connector = site.connect(secrets={"password": wrong})
    told = [check.detail for check in connector.test()]
    with pytest.raises(AuthError) as caught:
        connector.submit(order(site), make_csr(KEYS["p256"]()))
    text = json.dumps([told, caught.value.message, caught.value.failure()])
    assert "PAR00001_clm/***" in text and wrong not in text


# -- profiles and domains ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("given", ["5501_OV", "Example Ltd", "example ltd"])
def test_a_profile_is_named_by_its_id_or_its_organisation(site: Site, given: str) -> None:
    """E22: the manual's "profile name", where the API has no name."""
    connector, wanted = site.connect(), order(site, options={"profile_name": given})
    assert list(connector.validate(wanted)) == [] or given == "example ltd"
    assert placed(site, connector, wanted).bundle.root


def test_a_name_outside_of_all_domains_is_told_with_the_domains(site: Site) -> None:
    """E5, E15: before anything is sent, and by submit as a refusal, for nothing was ordered."""
    connector, wanted = site.connect(), order(site, spec=CsrSpec("www.example.org", ("www.example.org",)))
    (problem,) = connector.validate(wanted)
    assert "no domain of profile 5501_OV covers www.example.org; there are eu.example.com, example.com" in problem
    answer = connector.submit(wanted, make_csr(KEYS["p256"](), ("www.example.org",), "www.example.org"))
    assert isinstance(answer, Rejected) and answer.reason == problem and site.bought is not None and not site.bought()


def test_the_nearest_domain_is_taken(site: Site) -> None:
    script = Script()
    spec = CsrSpec("*.eu.example.com", ("*.eu.example.com", "eu.example.com"))
    csr = make_csr(KEYS["p256"](), (), "*.eu.example.com")
    site.vendor.adds_twins = True
    leaf = placed(site, site.connect(script), order(site, spec=spec), csr).bundle.leaf
    (sent,) = [one.body or b"" for one in script.sent if b"PVOrder>" in (one.body or b"")]
    assert b"<MSSLDomainID>DOM-2<" in sent and b"<BaseOption>wildcard<" in sent
    assert set(certificate_facts(leaf).sans.dns) == {"*.eu.example.com", "eu.example.com"}


def test_private_products_are_for_names_of_no_domain(site: Site) -> None:
    connector = site.connect(certificate_type="PV_INTRA_SHA2")
    assert not connector.capabilities().is_public and site.connect().capabilities().is_public
    assert {choice.value for choice in connector.choices("certificate_type")} == {"PV_INTRA_SHA2", "PV_INTRA_ECCP256"}
    spec = CsrSpec("host.corp", ("host.corp",), ("10.0.0.1",))
    leaf = placed(site, connector, order(site, spec=spec), make_csr(KEYS["p256"](), (), "host.corp")).bundle.leaf
    assert certificate_facts(leaf).sans.ips == ("10.0.0.1",)


def test_lifetimes_are_to_the_day_or_in_months(site: Site) -> None:
    for unit, days in (("dates", 100), ("months", 120)):
        connector = site.connect(lifetime_as=unit)
        assert connector.capabilities().validity == {"dates": "days", "months": "months"}[unit]
        facts = certificate_facts(placed(site, connector, order(site, validity_days=100)).bundle.leaf)
        assert abs((facts.not_after - site.clock.now()) - timedelta(days=days)) < timedelta(days=1)


# -- going on ------------------------------------------------------------------------------------------------------


def test_a_renewal_names_what_it_renews_and_only_once(site: Site) -> None:
    """E3: OrderKind renewal; -6102 in words for the second."""
    connector = site.connect()
    first = placed(site, connector)
    wanted = order(site, action="renew", parent=first.handle)
    again = connector.renew(first.handle, wanted, make_csr(KEYS["p256"]()))
    assert isinstance(again, Issued) and again.handle["order_id"] != first.handle["order_id"]
    twice = connector.renew(first.handle, wanted, make_csr(KEYS["p256"]()))
    assert isinstance(twice, Rejected) and "-6102" in twice.reason and "was not renewed before" in twice.reason


def test_a_code_of_the_ca_is_told_with_the_failure(site: Site) -> None:
    """It answers with HTTP 200 and a number of its own; -4001 and the like are in its handbook."""
    with pytest.raises(wire.MsslError) as caught:
        site.connect().collect({"order_id": "CE0"})
    assert caught.value.code == "ca_error" and caught.value.details["ca_codes"]


def test_another_key_comes_under_the_same_order(site: Site) -> None:
    """E4: ReIssue, with the names beside the common name."""
    connector, csr = site.connect(), make_csr(KEYS["rsa"]())
    first = placed(site, connector)
    again = connector.reissue(first.handle, order(site, action="regenerate", parent=first.handle), csr)
    assert isinstance(again, Issued)
    assert set(certificate_facts(again.bundle.leaf).sans.dns) == set(SPEC.dns_names)


def test_the_wait_grows_with_the_order(site: Site) -> None:
    """ca-connectors §3.3: five minutes to an hour."""
    assert site.orders is not None
    site.orders.polls = 9
    connector = site.connect()
    answer = connector.submit(order(site), make_csr(KEYS["p256"]()))
    waits = []
    for _round in range(8):
        assert isinstance(answer, Pending)
        waits.append(answer.look_again_s)
        site.clock.sleep(3600)
        answer = connector.collect(answer.handle)
    assert waits[0] == 300 and waits[-1] == 3600 and waits == sorted(waits)


# -- lost answers --------------------------------------------------------------------------------------------------


def test_a_failure_of_the_database_is_no_refusal(site: Site) -> None:
    """Paid orders: after -300 the order may be there, and is looked for."""
    connector, wanted, csr = site.connect(), order(site), make_csr(KEYS["p256"]())
    site.vendor.fails_with = "-300"
    with pytest.raises(RemoteError, match="-300") as caught:
        connector.submit(wanted, csr)
    assert caught.value.retryable and not 400 <= (caught.value.status or 0) < 500
    assert isinstance(connector.find(wanted, csr), Issued)


@pytest.mark.parametrize("kind", ["lost_after", "server_error_before", "html", "garbage_after"])
@pytest.mark.parametrize("operation", ["GetMSSLProfiles>", "GetMSSLDomains>"])
def test_a_list_that_cannot_be_read_leaves_no_order_in_doubt(site: Site, kind: str, operation: str) -> None:
    """Nothing was ordered yet, and the error says so, so that the next run may order."""
    script = Script()
    script.add(kind, "POST", body=operation)
    with pytest.raises(TransportError, match="the order was not sent") as caught:
        site.connect(script).submit(order(site), make_csr(KEYS["p256"]()))
    assert is_surely_not_taken(caught.value) and site.bought is not None and site.bought() == 0


def test_a_csr_that_was_used_before_leads_to_the_new_order_alone(site: Site) -> None:
    """reuse_key: neither the parent nor an order of long before is this one."""
    connector, csr = site.connect(), make_csr(KEYS["p256"]())
    first = placed(site, connector, None, csr)
    assert isinstance(settled(site, connector, order(site, parent=first.handle), csr), NotThere)
    site.clock.sleep(3600)
    assert isinstance(settled(site, connector, order(site), csr), NotThere)
    second = placed(site, connector, order(site), csr)
    found = connector.find(order(site, parent=first.handle), csr)
    assert isinstance(found, Issued) and found.handle["order_id"] == second.handle["order_id"]


@pytest.mark.parametrize("hours", [-8, 9])
def test_an_order_is_found_whatever_the_clock_on_the_cas_wall(site: Site, hours: int) -> None:
    """Paid orders: a time without a zone must not make an order of now one of hours ago."""
    connector, wanted, csr = site.connect(), order(site), make_csr(KEYS["p256"]())
    site.vendor.zone = timedelta(hours=hours)
    placed(site, connector, wanted, csr)
    assert isinstance(connector.find(wanted, csr), Issued)


def settled(site: Site, connector: CaConnector, wanted: Order, csr: str) -> object:
    """Ask as often as the connector says."""
    found = connector.find(wanted, csr)
    assert isinstance(found, CannotTell) and found.look_again_s <= 900
    site.clock.sleep(found.look_again_s)
    return connector.find(wanted, csr)


def test_two_orders_of_one_csr_are_for_a_person(site: Site) -> None:
    connector, csr = site.connect(), make_csr(KEYS["p256"]())
    numbers = {str(placed(site, connector, None, csr).handle["order_id"]) for _twice in range(2)}
    found = connector.find(order(site), csr)
    assert isinstance(found, CannotTell) and all(number in found.look_at for number in numbers)


def test_orders_that_do_not_tell_their_csr_are_for_a_person(site: Site) -> None:
    """NotThere only where a second order surely doubles nothing."""
    connector = site.connect()
    number = placed(site, connector).handle["order_id"]
    site.vendor.tells_csr = False
    found = connector.find(order(site), make_csr(KEYS["p256"]()))
    assert isinstance(found, CannotTell) and number in found.message
    other = order(site, spec=CsrSpec("api.example.com", ("api.example.com",)))
    assert isinstance(settled(site, connector, other, make_csr(KEYS["p256"]())), NotThere)


def test_an_order_that_comes_late_is_not_ordered_again(site: Site) -> None:
    """Paid orders: the answer was lost, and the CA is at it still; that it is not listed says nothing yet."""
    connector, wanted, csr = site.connect(), order(site), make_csr(KEYS["p256"]())
    found = connector.find(wanted, csr)
    assert isinstance(found, CannotTell) and found.look_again_s == 900 and "www.example.com" in found.look_at
    site.clock.sleep(60)
    placed(site, connector, wanted, csr)
    assert isinstance(connector.find(wanted, csr), Issued)


def test_an_order_is_taken_though_its_certificate_cannot_be_fetched_yet(site: Site) -> None:
    """The contract of submit: nothing is raised any more once it was taken."""
    script = Script()
    script.add("server_error_before", "POST", body="<OrderID>1001<")
    connector = site.connect(script)
    first = placed(site, connector)
    answer = connector.reissue(first.handle, order(site), make_csr(KEYS["p256"]()))
    assert isinstance(answer, Pending) and "was taken" in answer.message
    assert isinstance(connector.collect(answer.handle), Issued)


# -- afterwards ----------------------------------------------------------------------------------------------------


def test_a_revocation_may_take_its_time(site: Site) -> None:
    connector = site.connect()
    handle = placed(site, connector).handle
    site.vendor.is_slow_to_revoke = True
    told = connector.revoke(handle, "unspecified", "")
    assert told.state == REVOCATION_PENDING and "being revoked" in told.message
    site.vendor.is_slow_to_revoke = False
    done = connector.revocation(handle)
    assert done.state == "revoked" and done.at == site.clock.now()


def test_an_order_that_was_signed_meanwhile_is_not_taken_back(site: Site) -> None:
    """W5: the CA was quicker, and its certificate comes."""
    connector = site.connect()
    assert isinstance(connector.cancel(placed(site, connector).handle), Issued)


def test_an_order_that_is_not_there_is_told_when_it_is_cancelled(site: Site) -> None:
    with pytest.raises(RemoteError, match="-9916"):
        site.connect().cancel({"order_id": "77", "ordered_at": "2026-01-01T00:00:00Z"})


def test_the_fake_has_words_for_its_codes() -> None:
    assert Refused("-102", "CSR").words == "Mandatory parameter missing"
