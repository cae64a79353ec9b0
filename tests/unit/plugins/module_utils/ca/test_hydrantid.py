# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is HydrantID's own: Hawk, policies and their fields, domains to prove, renewals, words for states."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from ansible_collections.edgecert.clm.plugins.module_utils._ca import hydrantid_answers, hydrantid_hawk
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
from ansible_collections.edgecert.clm.plugins.module_utils._ca.hydrantid import HydrantIdType
from ansible_collections.edgecert.clm.plugins.module_utils._ca.hydrantid_policy import lifetime
from ansible_collections.edgecert.clm.plugins.module_utils._clm.ca_orders import is_surely_not_taken
from ansible_collections.edgecert.clm.plugins.module_utils._core.errors import AuthError, InputError, RemoteError
from ansible_collections.edgecert.clm.plugins.module_utils._core.redact import Secret
from ansible_collections.edgecert.clm.plugins.module_utils._core.vocabulary import REVOCATION_REASONS
from ansible_collections.edgecert.clm.plugins.module_utils._http.transport import RequestsTransport
from ansible_collections.edgecert.clm.tests.support.ca_site import Site
from ansible_collections.edgecert.clm.tests.support.ca_sites.hydrantid import lab
from ansible_collections.edgecert.clm.tests.support.csrs import KEYS, SPEC, make_csr
from ansible_collections.edgecert.clm.tests.support.fake_ca.core import FakeClock
from ansible_collections.edgecert.clm.tests.support.faulty_transport import Script

if TYPE_CHECKING:
    from ansible_collections.edgecert.clm.tests.support.fake_ca.hydrantid import HydrantVendor


@pytest.fixture
def both(tmp_path: Path) -> Iterator[tuple[Site, HydrantVendor]]:
    with lab(tmp_path) as made:
        yield made


def ordered(site: Site, **changes: Any) -> Order:
    """Give an order under an intent of its own."""
    return replace(Order(SPEC, 90, uuid.uuid4().hex, site.clock.now(), site.request_options), **changes)


def csr() -> str:
    """Give a CSR of a new key."""
    return make_csr(KEYS["p256"]())


def issued(connector: CaConnector, order: Order, csr_pem: str) -> Issued:
    """Have it signed at once."""
    answer = connector.submit(order, csr_pem)
    assert isinstance(answer, Issued), answer
    return answer


def test_the_signature_is_mohawks() -> None:
    """ca-connectors §5.2: a second implementation signs the same request the same way."""
    mohawk = pytest.importorskip("mohawk", reason="mohawk is the second opinion on Hawk")
    resource = hydrantid_hawk.target("/api/v2/certificates/a%2Fb/pem", (("chain", "true"), ("q", "a b")))
    for netloc in ("acm.hydrantid.com", "ACM.example.com:8443"):
        sender = mohawk.Sender(
            {"id": "id-1", "key": "key-1", "algorithm": "sha256"},
            f"https://{netloc}{resource}",
            "GET",
            always_hash_content=False,
            nonce="n1",
            _timestamp="1353832234",
        )
        moment = FakeClock().now().fromtimestamp(1353832234).astimezone()
        ours = hydrantid_hawk.header(
            "id-1", "key-1", netloc=netloc, method="GET", resource=resource, now=moment, nonce="n1"
        )
        assert _parts(ours["Authorization"]) == _parts(sender.request_header)


def _parts(header: str) -> dict[str, str]:
    pairs = (part.strip().partition("=") for part in header.removeprefix("Hawk ").split(","))
    return {name: value.strip('"') for name, _is, value in pairs}


def test_every_word_is_one_of_ours() -> None:
    """ca-connectors §4.12: the state table and the reasons, and nothing beside."""
    assert set(hydrantid_answers.STATES.values()) <= set(STATES)
    assert set(hydrantid_answers.STATES) == {
        *("pending", "in_process", "approval_required", "issued", "rejected", "cancelled", "failed"),
    }
    assert set(hydrantid_answers.REASONS) <= set(REVOCATION_REASONS)
    assert sorted(hydrantid_answers.REASONS.values()) == ["0", "1", "3", "4", "5"]


def test_hash_is_sha256_and_nothing_else(both: tuple[Site, Any]) -> None:
    """E17: HydrantID always signs with SHA-256."""
    able = both[0].connect().capabilities()
    assert able.hashes == ("sha256",) and set(able.csr_sources) == {"endpoint", "local", "upload", "hsm", "adc"}


def test_policies_that_the_api_may_not_order_are_no_choice(both: tuple[Site, Any]) -> None:
    """E5: choices are policies with rest enabled; a wrong one lists them."""
    site, _vendor = both
    connector = site.connect()
    assert [choice.value for choice in connector.choices("certificate_type")] == ["TLS Server", "TLS Short"]
    (told,) = connector.validate(ordered(site, options={"certificate_type": "By hand"}))
    assert "TLS Server" in told and "TLS Short" in told
    answer = connector.submit(ordered(site, options={"certificate_type": "nope"}), csr())
    assert isinstance(answer, Rejected) and "there are TLS Server, TLS Short" in answer.reason


def test_an_accounts_policy_is_tried_by_its_test(both: tuple[Site, Any]) -> None:
    """E2: a policy that is not there fails the test, with those there are; a good one needs no option."""
    site, _vendor = both
    (failed,) = [one for one in site.connect(certificate_type="nope").test() if not one.passed]
    assert failed.name == "certificate type" and "TLS Server" in failed.detail
    connector = site.connect(certificate_type="TLS Short")
    assert not connector.validate(ordered(site, options={}))
    assert isinstance(connector.submit(ordered(site, options={}), csr()), Issued)


def test_fields_of_a_policy_are_held_against_the_order(both: tuple[Site, HydrantVendor]) -> None:
    """E5, E14, E19: all at once, each with what to do; attributes are the policy's custom fields."""
    site, vendor = both
    details = vendor.policies[0]["details"]
    details["customFields"] = [
        {"tag": "cost", "label": "Cost Center", "required": True, "modifiable": True, "defaultValue": ""},
        {"tag": "kind", "label": "Kind", "required": True, "modifiable": True, "defaultValue": "web"},
    ]
    details["dnComponents"].append({"tag": "OU", "label": "Unit", "required": True, "modifiable": True})
    details["expiryEmails"] = {"required": True, "modifiable": True}
    spec = replace(SPEC, emails=("a@example.com",))
    told = " | ".join(site.connect().validate(ordered(site, spec=spec)))
    for words in ("Unit (OU) in the subject", "takes no e-mail", "Cost Center (cost)", "expiry_emails is missing"):
        assert words in told
    good = ordered(
        site,
        spec=replace(SPEC, organizational_unit="Edge"),
        options={**site.request_options, "expiry_emails": ["ops@example.com"]},
        attributes={"cost_center": "4711", "colour": "blue"},
    )
    assert not site.connect().validate(good)
    answer = issued(site.connect(), good, csr())
    (sent,) = vendor.orders.found.values()
    assert sent.wanted["customFields"] == {"cost": "4711"} and sent.wanted["expiryEmails"] == ["ops@example.com"]
    assert sent.wanted["dnComponents"]["OU"] == ["Edge"] and good.intent_id in sent.wanted["comment"]
    assert answer.handle["expiry_emails"] == ["ops@example.com"]


def test_what_a_policy_keeps_for_itself_is_not_sent(both: tuple[Site, HydrantVendor]) -> None:
    """A component that cannot be modified is the policy's own; addresses likewise are refused before."""
    site, vendor = both
    vendor.policies[0]["details"]["dnComponents"][1]["modifiable"] = False
    vendor.policies[0]["details"]["expiryEmails"] = {"required": False, "modifiable": False}
    options = {**site.request_options, "expiry_emails": "ops@example.com"}
    (told,) = site.connect().validate(ordered(site, options=options))
    assert "has expiry_emails of its own" in told
    issued(site.connect(), ordered(site), csr())
    (sent,) = vendor.orders.found.values()
    assert "O" not in sent.wanted["dnComponents"] and sent.wanted["dnComponents"]["C"] == "US"


@pytest.mark.parametrize(
    ("validity", "days", "sent"),
    [
        ({}, 90, {"days": 90}),
        ({"count": 90, "unit": "days"}, 90, {"days": 90}),
        ({"count": 1, "unit": "years"}, 365, {"years": 1}),
        ({"count": 3, "unit": "months"}, None, {"months": 3}),
        ({"count": 1, "unit": "years"}, 200, {"days": 200}),
    ],
)
def test_a_lifetime_is_asked_for_in_its_own_unit_unless_it_was_shortened(
    validity: dict[str, Any], days: int | None, sent: dict[str, int]
) -> None:
    """E15."""
    at = FakeClock().now().replace(year=2027, month=1, day=10)
    order = Order(SPEC, days or (at.replace(month=4) - at).days, "i", at, validity=validity)
    assert lifetime(order) == sent


def test_renewal_keeps_addresses_and_refuses_others(both: tuple[Site, HydrantVendor]) -> None:
    """E22: expiry emails cannot be changed by a renewal."""
    site, vendor = both
    connector = site.connect()
    options = {**site.request_options, "expiry_emails": ["ops@example.com"]}
    first = issued(connector, ordered(site, options=options), csr()).handle
    renewal = ordered(site, action="renew", parent=first)
    changed = replace(renewal, options={**site.request_options, "expiry_emails": ["x@example.com"]})
    (told,) = connector.validate(changed)
    assert "which keeps them (ops@example.com)" in told
    assert not connector.validate(replace(renewal, options=options)) and not connector.validate(renewal)
    answer = connector.renew(first, renewal, csr())
    assert isinstance(answer, Issued) and answer.handle["expiry_emails"] == ["ops@example.com"]
    assert list(vendor.orders.found.values())[1].wanted["expiryEmails"] == ["ops@example.com"]


@pytest.mark.parametrize("state", ["revoked", "about to be", "expired"])
def test_what_follows_a_certificate_that_ended_is_an_order(both: tuple[Site, HydrantVendor], state: str) -> None:
    """E3: HydrantID renews what is valid alone."""
    site, vendor = both
    connector = site.connect()
    answer = issued(connector, ordered(site), csr())
    first = answer.handle
    if state == "expired":
        site.clock.sleep(91 * 86400)
    else:
        connector.revoke(first, "superseded", "")
        vendor.revoking = {first["serial"]} if state == "about to be" else set()
    renewal = ordered(site, action="renew", parent=first)
    after = connector.renew(first, renewal, csr())
    assert isinstance(after, Issued) and vendor.renewed == 0 and len(vendor.orders.found) == 2


def test_renewal_with_other_names_or_another_policy_is_an_order(both: tuple[Site, HydrantVendor]) -> None:
    """E3: the renewal of the API keeps names and policy; the replaced one's reminders stop."""
    site, vendor = both
    connector = site.connect()
    first = issued(connector, ordered(site), csr()).handle
    more = replace(SPEC, dns_names=(*SPEC.dns_names, "new.example.com"))
    for changes in ({"spec": more}, {"options": {"certificate_type": "TLS Short"}}):
        answer = connector.renew(first, ordered(site, action="renew", parent=first, **changes), csr())
        assert isinstance(answer, Issued)
        sent = list(vendor.orders.found.values())[-1].wanted
        assert sent["clearRemindersCertificateId"] == first["certificate_id"]


def test_a_renewal_drops_neither_a_lifetime_nor_fields_that_changed(both: tuple[Site, HydrantVendor]) -> None:
    """E3, E15, E19: HydrantID renews what was; anything else is ordered, with the addresses that a renewal keeps."""
    site, vendor = both
    field = {"tag": "cost", "label": "Cost Center", "required": False, "modifiable": True}
    vendor.policies[0]["details"]["customFields"] = [field]
    connector = site.connect()
    options = {**site.request_options, "expiry_emails": ["ops@example.com"]}
    first = issued(connector, ordered(site, options=options, attributes={"cost": "1"}), csr()).handle
    same = ordered(site, action="renew", parent=first, attributes={"cost": "1"})
    assert isinstance(connector.renew(json.loads(json.dumps(first)), same, csr()), Issued) and vendor.renewed == 1
    others: list[dict[str, Any]] = [{"validity_days": 30}, {"attributes": {"cost": "2"}}, {"attributes": {}}]
    for changes in others:
        answer = connector.renew(first, replace(same, **changes), csr())
        sent = list(vendor.orders.found.values())[-1].wanted
        assert isinstance(answer, Issued) and sent["expiryEmails"] == ["ops@example.com"]
        assert sent["validity"] == {"days": changes.get("validity_days", 90)}
        assert sent.get("customFields", {}) == changes.get("attributes", {"cost": "1"})
    old = {name: value for name, value in first.items() if name != "lifetime"}
    assert isinstance(connector.renew(old, same, csr()), Issued) and vendor.renewed == 1


def test_an_answer_without_an_id_leaves_the_order_in_doubt(both: tuple[Site, HydrantVendor]) -> None:
    """W5: the order is there; what was issued is found."""
    site, vendor = both
    vendor.nameless = True
    order, csr_pem = ordered(site), csr()
    with pytest.raises(RemoteError, match="has no id; it may have taken it") as caught:
        site.connect().submit(order, csr_pem)
    assert caught.value.code == "not_json" and not is_surely_not_taken(caught.value)
    assert isinstance(site.connect().find(order, csr_pem), Issued) and len(vendor.orders.found) == 1


def test_domains_are_proved_before_anything_is_ordered(both: tuple[Site, HydrantVendor]) -> None:
    """W5, ca-connectors §4.12: what to publish is told as data; nothing is ordered, and nothing in doubt."""
    site, vendor = both
    vendor.policies[0]["details"]["validator"] = "v-1"
    for _time in range(2):
        with pytest.raises(RemoteError, match="publish hid-1") as caught:
            site.connect().submit(ordered(site), csr())
        assert is_surely_not_taken(caught.value) and caught.value.code == "domains_not_validated"
    actions = caught.value.details["actions"]
    assert [(one["kind"], one["domain"], one["value"]) for one in actions] == [
        ("txt", "www.example.com", "hid-1"),
        ("txt", "shop.example.com", "hid-2"),
    ]
    assert len(vendor.domains) == 2 and not vendor.orders.found
    vendor.published = {"www.example.com", "shop.example.com"}
    assert isinstance(site.connect().submit(ordered(site), csr()), Issued)


def test_a_validated_parent_covers_its_names_until_it_ends(both: tuple[Site, HydrantVendor]) -> None:
    """Records that ended, or were deleted, prove nothing."""
    site, vendor = both
    vendor.policies[0]["details"]["validator"] = "v-1"
    soon = "2099-01-01T00:00:00Z"
    record = {"id": "d-0", "domain": "example.com", "validator": "v-1", "status": "VALIDATED", "domainValidUntil": soon}
    vendor.domains.append(record)
    assert isinstance(site.connect().submit(ordered(site), csr()), Issued)
    for change in ({"deletedAt": "2020-01-01T00:00:00Z"}, {"domainValidUntil": "2020-01-01T00:00:00Z"}):
        vendor.domains[:] = [{**record, **change}]
        with pytest.raises(RemoteError, match="not validated every domain"):
            site.connect().submit(ordered(site), csr())


@pytest.mark.parametrize("kind", ["server_error_before", "html", "lost_after"])
def test_a_question_before_the_order_leaves_nothing_in_doubt(both: tuple[Site, HydrantVendor], kind: str) -> None:
    """Issue 6: only the order itself can be in doubt."""
    site, vendor = both
    script = Script()
    script.add(kind, "GET", "/policies", times=20)
    with pytest.raises(RemoteError, match="the order was not sent") as caught:
        site.connect(script).submit(ordered(site), csr())
    assert is_surely_not_taken(caught.value) and not vendor.orders.found


def test_an_approver_is_waited_for(both: tuple[Site, HydrantVendor]) -> None:
    """Issue 6: APPROVAL_REQUIRED is a person's turn; waits grow from one minute to fifteen."""
    site, vendor = both
    vendor.approves, vendor.orders.polls = True, 4
    connector = site.connect()
    answer = connector.submit(ordered(site), csr())
    waits = []
    for _poll in range(3):
        assert isinstance(answer, Pending)
        assert (answer.state, answer.vendor_state) == ("pending_approval", "APPROVAL_REQUIRED")
        assert [one.kind for one in answer.actions] == ["approval"]
        waits.append(answer.look_again_s)
        site.clock.sleep(600)
        answer = connector.collect(answer.handle)
    assert waits == [60.0, 600.0, 900.0]


def test_a_request_that_waits_and_was_lost_is_for_a_person(both: tuple[Site, HydrantVendor]) -> None:
    """W5: the list holds certificates alone; the request is taken over by its id, and only with its CSR."""
    site, vendor = both
    vendor.orders.polls = 3
    script = Script()
    script.add("lost_after", "POST", "/csr$")
    order, csr_pem = ordered(site), csr()
    with pytest.raises(RemoteError):
        site.connect(script).submit(order, csr_pem)
    found = site.connect().find(order, csr_pem)
    assert isinstance(found, CannotTell) and order.intent_id in found.look_at and "www.example.com" in found.look_at
    (number,) = [one.wanted["request"] for one in vendor.orders.found.values()]
    with pytest.raises(InputError, match="another CSR"):
        site.connect().adopt(number, order, csr())
    assert isinstance(site.connect().adopt(number, order, csr_pem), Pending)


def test_an_older_certificate_of_the_same_key_is_not_this_order(both: tuple[Site, HydrantVendor]) -> None:
    """A key that is used again has certificates of earlier orders."""
    site, _vendor = both
    connector, csr_pem = site.connect(), csr()
    issued(connector, ordered(site), csr_pem)
    site.clock.sleep(3600)
    assert isinstance(connector.find(ordered(site), csr_pem), CannotTell)


@pytest.mark.parametrize("text", ["", "nothing", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"])
def test_what_is_no_certificate_is_refused(text: str) -> None:
    """Bad answers of the far side."""
    with pytest.raises(InputError):
        hydrantid_answers.bundle_of({"pem": text}, "", FakeClock().now())


def test_a_clock_that_is_wrong_is_named(both: tuple[Site, HydrantVendor]) -> None:
    """C rows: Hawk refuses a request of another time, and the message says why."""
    site, _vendor = both
    late = FakeClock(site.clock.now() + timedelta(minutes=10))
    kind = HydrantIdType(Tools(late, RequestsTransport))
    options, secrets = kind.prepare("lab", site.options, site.secrets, StoredAccount())
    connector = kind.connect("lab", options, {name: Secret(text) for name, text in secrets.items()})
    with pytest.raises(AuthError, match="clock is 600 seconds ahead of the CA's"):
        connector.choices("certificate_type")
    assert {one.name for one in connector.test() if not one.passed} == {"clock", "credential"}


def test_a_revocation_that_waits_is_asked_for_again(both: tuple[Site, HydrantVendor]) -> None:
    """Issue 6: PENDING is no failure, FAILED is one; asked for twice it is sent once."""
    site, vendor = both
    connector = site.connect()
    answer = issued(connector, ordered(site), csr())
    vendor.revoking.update(one.serial for one in vendor.orders.found.values())
    assert connector.revoke(answer.handle, "superseded", "").state == REVOCATION_PENDING
    assert not vendor.orders.revoked
    vendor.revoking.clear()
    done = connector.revoke(answer.handle, "superseded", "")
    assert (done.state, connector.revocation(answer.handle).at) == (REVOKED, done.at)
    odd = hydrantid_answers.revocation_of({"revocationStatus": "REVOKED", "revocationDate": "yesterday"})
    assert (odd.state, odd.at) == (REVOKED, None), "it is revoked, whenever that was"
    with pytest.raises(RemoteError, match="FAILED") as caught:
        hydrantid_answers.revocation_of({"revocationStatus": "FAILED"})
    assert caught.value.code == "not_revoked"


@pytest.mark.parametrize(
    ("options", "secrets", "words"),
    [
        ({"hawk_id": ""}, {}, "hawk_id is missing"),
        ({"hawk_id": 'a"b'}, {}, "quotation mark"),
        ({"url": "http://acm.hydrantid.com"}, {}, "begins with https://"),
        ({"hawk_key": "x"}, {}, "hawk_key is a secret"),
        ({"public_trust": "maybe"}, {}, "true or false"),
        ({}, {"hawk_key": ""}, "hawk_key is missing among the secrets"),
    ],
)
def test_bad_options_are_told(options: dict[str, Any], secrets: dict[str, str], words: str) -> None:
    """Bad input: before any traffic."""
    kind = HydrantIdType(Tools(FakeClock(), RequestsTransport))
    with pytest.raises(InputError) as caught:
        kind.prepare("lab", {"hawk_id": "id", **options}, {"hawk_key": "k", **secrets}, StoredAccount())
    assert words in caught.value.message
