# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is particular to ACME, against a fake that errs on demand: accounts, proofs, orders, what ends them."""

from __future__ import annotations

import base64
import json
import pathlib
import secrets as library
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import pytest

from ansible_collections.edgecert.clm.plugins.module_utils._ca import acme_look
from ansible_collections.edgecert.clm.plugins.module_utils._ca.answer_base import (
    Answer,
    Issued,
    NotThere,
    Pending,
    Rejected,
)
from ansible_collections.edgecert.clm.plugins.module_utils._ca.base import CaConnector, Order, StoredAccount, Tools
from ansible_collections.edgecert.clm.plugins.module_utils._ca.registry import connector_type
from ansible_collections.edgecert.clm.plugins.module_utils._clm.ca_orders import is_surely_not_taken
from ansible_collections.edgecert.clm.plugins.module_utils._core.csr_spec import CsrSpec
from ansible_collections.edgecert.clm.plugins.module_utils._core.errors import (
    AuthError,
    InputError,
    RateLimited,
    RemoteError,
)
from ansible_collections.edgecert.clm.plugins.module_utils._core.redact import Secret
from ansible_collections.edgecert.clm.plugins.module_utils._http.transport import RequestsTransport
from ansible_collections.edgecert.clm.plugins.module_utils._pki.x509 import certificate_facts, csr_facts
from ansible_collections.edgecert.clm.tests.support.csrs import KEYS, SPEC, make_csr
from ansible_collections.edgecert.clm.tests.support.fake_ca import core
from ansible_collections.edgecert.clm.tests.support.fake_ca.acme import AcmeVendor, problem
from ansible_collections.edgecert.clm.tests.support.fake_ca.core import Reply
from ansible_collections.edgecert.clm.tests.support.faulty_transport import Script

ONE = CsrSpec("www.example.com", ("www.example.com",))


@dataclass
class World:
    """A fake with accounts at it."""

    vendor: AcmeVendor
    orders: core.Orders
    fake: core.FakeCa

    def stored(self, before: StoredAccount | None = None, **changes: Any) -> StoredAccount:
        """Prepare an account."""
        options = {"url": f"{self.fake.url}/directory", "ca_path": self.fake.ca_path, "terms_agreed": True}
        wanted = {**options, "dcv_check": "wait", "dcv_wait_s": 60, **(before.options if before else {}), **changes}
        secrets = wanted.pop("secrets", {})
        kind = connector_type("acme", self.orders.clock)
        return StoredAccount(*kind.prepare("lab", wanted, secrets, before or StoredAccount()))

    def connect(
        self, account: StoredAccount | None = None, script: Script | None = None, **changes: Any
    ) -> CaConnector:
        """Give the connector of an account."""
        one = account or self.stored(**changes)
        kind = connector_type("acme", Tools(self.orders.clock, (script or Script()).over(RequestsTransport)))
        return kind.connect("lab", one.options, {name: Secret(text) for name, text in one.secrets.items()})

    def order(self, **changes: Any) -> Order:
        """Give an order."""
        return replace(Order(ONE, 90, library.token_hex(8), self.orders.clock.now()), **changes)

    def submitted(self, connector: CaConnector, csr: str = "", **changes: Any) -> Answer:
        """Submit one."""
        return connector.submit(self.order(**changes), csr or make_csr(KEYS["p256"](), names=("www.example.com",)))


@pytest.fixture
def world(tmp_path: pathlib.Path) -> Iterator[World]:
    orders = core.Orders(core.FakeClock())
    vendor = AcmeVendor(orders)
    with core.running(vendor, orders, tmp_path) as fake:
        yield World(vendor, orders, fake)


def binding() -> tuple[bytes, str]:
    """Make a MAC key, as bytes and as a CA shows it."""
    mac = library.token_bytes(32)
    return mac, base64.urlsafe_b64encode(mac).rstrip(b"=").decode()


# -- the account ---------------------------------------------------------------------------------------------------


def test_a_key_is_made_kept_and_shown_nowhere(world: World) -> None:
    """C rows: ES256 unless RSA is asked for; the account's view has no key."""
    account = world.stored()
    assert "PRIVATE KEY" in account.secrets["account_key"]
    assert not any("PRIVATE KEY" in str(value) for value in account.options.values())
    again = world.stored(account)
    assert again.secrets == account.secrets
    rsa = world.stored(account_key_type="rsa")
    assert len(rsa.secrets["account_key"]) > 2000 > len(account.secrets["account_key"])
    assert isinstance(world.submitted(world.connect(rsa)), Issued)


def test_an_account_is_registered_once_with_contact_terms_and_binding(world: World) -> None:
    """RFC 8555 §7.3, §7.3.4: a key id serves but once, so that nothing but an order, or the care, uses it."""
    mac, text = binding()
    world.vendor.macs = {"kid-1": mac}
    account = world.stored(contact=["pki@example.com"], eab_kid="kid-1", secrets={"eab_hmac_key": text})
    assert all(check.passed for check in world.connect(account).test())
    assert not world.vendor.accounts
    assert world.connect(account).care_due() == "Register CA account lab at the CA"
    world.connect(account).care()
    assert world.connect(account).care_due() == ""
    assert list(world.vendor.contacts.values()) == [["mailto:pki@example.com"]]
    assert isinstance(world.submitted(world.connect(account)), Issued)
    assert len(world.vendor.accounts) == 1


def test_a_wrong_binding_is_a_fault_of_the_account_and_shown_without_the_key(world: World) -> None:
    """C rows: nobody takes it for a refusal of the order."""
    world.vendor.macs = {"kid-1": binding()[0]}
    text = binding()[1]
    connector = world.connect(eab_kid="kid-1", secrets={"eab_hmac_key": text})
    with pytest.raises(AuthError, match="register the account") as caught:
        world.submitted(connector)
    assert text not in json.dumps([caught.value.message, caught.value.failure()])
    world.vendor.macs = {}
    connector = world.connect(contact=["tel:1"])
    connector.test()
    world.vendor.refuse_registration = problem("invalidContact", "no telephones", 400)
    with pytest.raises(AuthError, match="no telephones"):
        world.submitted(connector)
    assert not world.vendor.placed


def test_what_the_ca_wants_of_an_account_is_told_by_its_test(world: World) -> None:
    """C rows: terms with their address, and the binding."""
    world.vendor.macs = {"kid-1": binding()[0]}
    failed = [check for check in world.connect(terms_agreed=False).test() if not check.passed]
    assert len(failed) == 1
    assert "https://ca.example.com/terms" in failed[0].detail and "eab_kid" in failed[0].detail
    with pytest.raises(InputError, match="terms_agreed"):
        world.submitted(world.connect(terms_agreed=False))


def test_an_account_that_cannot_be_registered_wants_no_care(world: World) -> None:
    """C rows: its test says what is wrong, and is not lost to an error of the care."""
    assert world.connect(terms_agreed=False).care_due() == ""
    script = Script()
    script.add("refused", "", times=100)
    account = world.stored()
    assert world.connect(account, script).care_due() == ""
    assert any(not check.passed for check in world.connect(account, script).test())


@pytest.mark.parametrize(
    ("options", "secrets", "words"),
    [
        ({"eab_kid": "x"}, {}, "eab_hmac_key"),
        ({}, {"eab_hmac_key": "AAAA"}, "eab_kid"),
        ({"eab_kid": "x"}, {"eab_hmac_key": "not base64!"}, "eab_hmac_key"),
        ({"dns_servers": ["ns.example.com"]}, {}, "dns_servers"),
        ({}, {"account_key": "-----BEGIN no-such-thing-----"}, "account_key"),
        ({"dcv_type": "tls-alpn-01"}, {}, "dns-01, http-01"),
        ({"url": "http://ca.example.com/directory"}, {}, "https://"),
        ({"revoke_reasons": ["because"]}, {}, "superseded"),
    ],
)
def test_options_that_cannot_be_are_told(
    world: World, options: dict[str, Any], secrets: dict[str, str], words: str
) -> None:
    """C rows: before any traffic, and without the secret."""
    with pytest.raises(InputError, match=words) as caught:
        world.stored(**options, secrets=secrets)
    assert not any(text in caught.value.message for text in secrets.values())


def test_an_account_gets_another_key_and_stays_the_same_account(world: World) -> None:
    """C rows, rotation: RFC 8555 §7.3.5; until the CA knows the new key the former one goes on."""
    first = world.stored()
    handle = _of(Issued, world.submitted(world.connect(first))).handle
    second = world.stored(first, secrets={"account_key": "new"})
    assert second.secrets["account_key"] != first.secrets["account_key"]
    # Replaced once more before the CA was told: the key that it knows is not lost.
    second = world.stored(second, secrets={"account_key": "new"})
    assert first.secrets["account_key"] in json.loads(second.secrets["former_account_keys"])
    connector = world.connect(second)
    assert all(check.passed for check in connector.test())
    assert connector.care_due() == "Give its new key to CA account lab at the CA"
    assert isinstance(world.connect(second).collect(handle), Issued), "read before the change, by the former key"
    connector.care()
    for account, works in ((second, True), (first, False)):
        assert (world.connect(account).care_due() == "") == works
    assert isinstance(world.connect(second).collect(handle), Issued)
    assert len(world.vendor.accounts) == 1


def test_a_nonce_that_was_refused_is_replaced_and_the_call_sent_again(world: World) -> None:
    """RFC 8555 §6.5: badNonce says that nothing was done."""
    world.vendor.bad_nonces = 3
    assert isinstance(world.submitted(world.connect()), Issued)
    assert len(world.vendor.placed) == 1
    world.vendor.bad_nonces = 100
    with pytest.raises(RemoteError, match="badNonce"):
        world.submitted(world.connect())


# -- refusals ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("word", ["rejectedIdentifier", "unsupportedIdentifier", "caa", "malformed", "invalidProfile"])
def test_a_refusal_of_the_order_is_rejected_in_the_cas_words(world: World, word: str) -> None:
    """Reasons: what was ordered."""
    world.vendor.refuse["new-order"] = problem(word, "not here", 403 if word == "caa" else 400)
    answer = _of(Rejected, world.submitted(world.connect()))
    assert "not here" in answer.reason and answer.vendor_state == word


@pytest.mark.parametrize(("word", "status"), [("unauthorized", 403), ("userActionRequired", 403), ("badNonce", 400)])
def test_a_fault_of_the_account_is_raised(world: World, word: str, status: int) -> None:
    """Reasons: the account, with nothing taken."""
    world.vendor.bad_nonces = 100 if word == "badNonce" else 0
    connector = world.connect()
    world.vendor.refuse["new-order"] = problem(word, "see https://ca.example.com/why", status)
    with pytest.raises(RemoteError) as caught:
        world.submitted(connector)
    assert is_surely_not_taken(caught.value) and caught.value.status == status


@pytest.mark.parametrize("status", [403, 429])
def test_a_limit_is_told_with_its_time_whatever_its_status(world: World, status: int) -> None:
    """Issue 6: rateLimited, also where it is no 429."""
    script = Script()
    connector = world.connect(script=script)
    world.vendor.refuse = dict.fromkeys(["new-order"], problem("rateLimited", "slowly", status, Retry_After="7200"))
    with pytest.raises(RateLimited) as caught:
        world.submitted(connector)
    assert caught.value.retry_after_s == 7200 and not world.vendor.placed


def test_parts_of_a_refusal_are_told(world: World) -> None:
    """RFC 8555 §6.7.1."""
    where = {"type": "dns", "value": "x.y"}
    one = {"type": "urn:ietf:params:acme:error:caa", "detail": "forbidden", "identifier": where}
    body = {"type": "urn:ietf:params:acme:error:compound", "detail": "several", "subproblems": [one]}
    kind = {"Content-Type": "application/problem+json"}
    world.vendor.refuse["new-order"] = Reply(400, json.dumps(body).encode(), kind)
    assert "x.y caa: forbidden" in _of(Rejected, world.submitted(world.connect())).reason


def test_a_csr_with_other_names_is_refused_before_anything_is_sent(world: World) -> None:
    """RFC 8555 §7.4."""
    answer = _of(Rejected, world.submitted(world.connect(), make_csr(KEYS["p256"](), names=("other.example.com",))))
    assert "other.example.com, www.example.com" in answer.reason
    assert world.fake.calls == []


def test_a_csr_that_the_ca_does_not_take_ends_the_order(world: World) -> None:
    """badCSR at the end of a proved order."""
    connector = world.connect()
    world.vendor.refuse["order"] = problem("badCSR", "weak key")
    assert "weak key" in _of(Rejected, world.submitted(connector)).reason


def test_what_fails_after_the_order_was_placed_is_pending(world: World) -> None:
    """W5: nothing is raised any more."""
    connector = world.connect()
    world.vendor.refuse["order"] = problem("serverInternal", "oops", 500)
    answer = _of(Pending, world.submitted(connector))
    assert answer.state == "submitted" and "oops" in answer.message
    assert isinstance(connector.collect(answer.handle), Issued)
    assert len(world.vendor.placed) == 1


def test_a_directory_that_is_none_is_told(world: World) -> None:
    """C rows: a wrong address."""
    checks = world.connect(url=f"{world.fake.url}/nowhere").test()
    assert any(not check.passed and "read the directory" in check.detail for check in checks)


def test_addresses_of_another_host_get_nothing_signed(world: World) -> None:
    """Security: a directory may not lead the account's signature elsewhere."""
    handle = {"order_id": "https://evil.example.net/order/1", "csr": "", "told_at": "2026-11-23T12:00:00Z"}
    connector = world.connect()
    world.submitted(connector)
    with pytest.raises(RemoteError, match="another server's") as caught:
        connector.collect(handle)
    assert caught.value.code == "other_host"


# -- proofs --------------------------------------------------------------------------------------------------------


def test_wildcards_are_proved_by_dns_and_addresses_by_http_whatever_is_wanted(world: World) -> None:
    """RFC 8555 §7.1.4, RFC 8738 §4; E22: the choice stands for the other names."""
    world.orders.polls, world.vendor.is_generous = 1, True
    names = ("www.example.com", "*.example.com", "192.0.2.7", "2001:db8::7")
    spec = CsrSpec("www.example.com", names[:2], ip_addresses=names[2:])
    csr = make_csr(KEYS["p256"](), names=names)
    for wanted in ("http-01", "dns-01"):
        order = world.order(spec=spec, options={"dcv_type": wanted})
        assert list(world.connect().validate(order)) == []
        answer = _of(Pending, world.connect().submit(order, csr))
        assert answer.state == "pending_validation"
        kinds = {(one.domain, one.kind) for one in answer.actions}
        sure = {("example.com", "dns-01"), ("192.0.2.7", "http-01"), ("2001:db8::7", "http-01")}
        assert kinds == {*sure, ("www.example.com", wanted)}
        by_kind = {one.domain: one for one in answer.actions}
        assert by_kind["example.com"].name == "_acme-challenge.example.com"
        assert by_kind["2001:db8::7"].url.startswith("http://[2001:db8::7]/.well-known/acme-challenge/")
        assert by_kind["192.0.2.7"].value.startswith(by_kind["192.0.2.7"].name.rsplit("/", 1)[1] + ".")


def test_a_name_and_its_wildcard_are_two_values_at_one_record(world: World) -> None:
    """A playbook has to publish both."""
    world.orders.polls = 1
    spec = CsrSpec("example.com", ("example.com", "*.example.com"))
    answer = world.connect().submit(world.order(spec=spec), make_csr(KEYS["p256"](), spec.dns_names, "example.com"))
    actions = _of(Pending, answer).actions
    assert len({one.value for one in actions}) == 2 and {one.name for one in actions} == {"_acme-challenge.example.com"}


def test_what_is_to_be_done_is_told_in_one_order_whatever_the_cas(world: World) -> None:
    """A dozen names; told in another order, each look would count as news and be written down."""
    world.orders.polls = 1
    names = tuple(f"w{number}.example.com" for number in range(12))
    connector = world.connect()
    answer = connector.submit(world.order(spec=CsrSpec(names[0], names)), make_csr(KEYS["p256"](), names, names[0]))
    for _time in range(2):
        assert _of(Pending, connector.peek(_of(Pending, answer).handle)).actions == _of(Pending, answer).actions


def test_the_ca_is_told_when_its_time_has_come_and_not_before(world: World) -> None:
    """A proof that fails ends an order, so that the run that ordered tells nothing, nor any before the time."""
    world.orders.polls = 2
    connector = world.connect()
    answer = _of(Pending, world.submitted(connector))
    assert 59 <= answer.look_again_s <= 60 and len(answer.actions) == 1
    for ask in (connector.peek, connector.collect):
        early = _of(Pending, ask(answer.handle))
        assert early.actions == answer.actions and early.look_again_s > 50
    world.orders.clock.sleep(61)
    assert _of(Pending, connector.peek(answer.handle)).look_again_s == 0
    assert not world.vendor.proofs[0].is_asked, "planning changes nothing"
    asked = _of(Pending, connector.collect(answer.handle))
    assert world.vendor.proofs[0].is_asked and asked.actions == () and asked.look_again_s > 0
    world.vendor.proofs[0].left = 2
    again = _of(Pending, connector.peek(asked.handle))
    assert again.actions == () and again.look_again_s > 0, "it is told once"
    assert isinstance(connector.collect(asked.handle), Issued)


def test_looking_at_many_proofs_ends_in_time(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """A silent name server must not outlast the lease of the request."""
    world.orders.polls = 1
    names = tuple(f"w{number}.example.com" for number in range(40))
    connector = world.connect(dcv_check="look")
    answer = connector.submit(world.order(spec=CsrSpec(names[0], names)), make_csr(KEYS["p256"](), names, names[0]))
    looked = []

    def silent(name: str, _value: str, _servers: object) -> str:
        looked.append(name)
        world.orders.clock.sleep(10)
        return "name server 192.0.2.53 does not answer"

    monkeypatch.setattr(acme_look, "txt_reason", silent)
    again = _of(Pending, connector.collect(_of(Pending, answer).handle))
    assert len(looked) == 7 and len(again.actions) == 40 and "does not answer" in again.message


def test_planning_says_that_a_proved_order_can_go_on_and_changes_nothing(world: World) -> None:
    """The contract of peek."""
    world.orders.polls = 1
    connector = world.connect(dcv_wait_s=0)
    answer = _of(Pending, world.submitted(connector))
    world.vendor.proofs[0].status = "valid"
    for _twice in range(2):
        assert _of(Pending, connector.peek(answer.handle)).look_again_s == 0
    assert world.vendor.placed[0].leaf == ""


def test_the_cas_own_time_for_looking_again_is_kept(world: World) -> None:
    """ca-connectors §3.3: Retry-After."""
    world.orders.polls = 3
    connector = world.connect(dcv_wait_s=0)
    answer = _of(Pending, world.submitted(connector))
    world.vendor.retry_after = "37"
    assert _of(Pending, connector.collect(answer.handle)).look_again_s == 37


def test_a_proof_that_failed_ends_the_order_with_the_cas_reason(world: World) -> None:
    """State table: invalid, told at once or later."""
    world.orders.polls, world.orders.ends = 2, "refused"
    connector = world.connect(dcv_wait_s=0)
    answer = _of(Pending, world.submitted(connector))
    asked = _of(Pending, connector.collect(answer.handle))
    for _twice in range(2):
        ended = _of(Rejected, connector.collect(asked.handle))
        assert "refused: no TXT record" in ended.reason and "www.example.com" in ended.reason


def test_a_ca_without_a_proof_that_can_be_given_is_told(world: World) -> None:
    """It names what the CA offers."""
    world.orders.polls, world.vendor.offered = 1, ("tls-alpn-01",)
    assert "tls-alpn-01" in _of(Rejected, world.submitted(world.connect())).reason
    world.vendor.offered = ("http-01",)
    assert _of(Pending, world.submitted(world.connect())).actions[0].kind == "http-01", "the other one serves"


# -- orders --------------------------------------------------------------------------------------------------------


def test_two_orders_that_the_ca_gave_one_url_end_with_a_certificate_each(world: World) -> None:
    """E10: a dual stack asks twice for the same names, and Boulder gives both one order."""
    world.orders.polls, world.vendor.is_sharing = 1, True
    connector = world.connect(dcv_wait_s=0)
    csrs = [make_csr(KEYS[kind](), names=("www.example.com",)) for kind in ("rsa", "p256")]
    waiting = [_of(Pending, world.submitted(connector, csr)) for csr in csrs]
    assert waiting[0].handle["order_id"] == waiting[1].handle["order_id"]
    world.orders.polls = 0
    first = connector.collect(waiting[0].handle)
    assert isinstance(first, Issued)
    assert _of(Pending, connector.peek(waiting[1].handle)).look_again_s == 0
    again = _of(Pending, connector.collect(waiting[1].handle))
    assert again.handle["order_id"] != waiting[1].handle["order_id"]
    second = _of(Issued, connector.collect(again.handle))
    keys = [certificate_facts(one.bundle.leaf).key.spki_sha256 for one in (first, second)]
    assert keys == [csr_facts(csr).key.spki_sha256 for csr in csrs]


def test_an_order_that_was_finalized_by_a_run_that_died_is_fetched(world: World) -> None:
    """Resuming: the handle of before is as good as the one that was lost."""
    world.orders.polls = 1
    account = world.stored(dcv_wait_s=0)
    connector = world.connect(account)
    answer = _of(Pending, world.submitted(connector))
    first = _of(Issued, connector.collect(answer.handle))
    again = _of(Issued, world.connect(account).collect(answer.handle))
    assert again.bundle == first.bundle and len(world.vendor.placed) == 1


def test_an_order_that_is_gone_is_rejected(world: World) -> None:
    """CAs forget orders."""
    world.orders.polls = 1
    connector = world.connect()
    answer = _of(Pending, world.submitted(connector))
    world.vendor.placed[0].account = "nobody"
    ended = _of(Rejected, connector.collect(answer.handle))
    assert ended.state == "failed" and "no such order" in ended.reason


def test_an_order_is_left_and_one_that_was_issued_meanwhile_is_told(world: World) -> None:
    """W5."""
    world.orders.polls = 1
    connector = world.connect(dcv_wait_s=0)
    answer = _of(Pending, world.submitted(connector))
    assert _of(Rejected, connector.cancel(answer.handle)).state == "cancelled"
    issued = _of(Issued, connector.collect(answer.handle))
    assert isinstance(connector.cancel(issued.handle), Issued)


def test_a_lost_order_is_sent_again_for_it_harms_nobody(world: World) -> None:
    """Design §8: nothing is paid for, and nothing is issued."""
    script = Script()
    script.add("lost_after", "POST", "/new-order$")
    account = world.stored()
    order, csr = world.order(), make_csr(KEYS["p256"](), names=("www.example.com",))
    with pytest.raises(RemoteError):
        world.connect(account, script).submit(order, csr)
    found = world.connect(account).find(order, csr)
    assert isinstance(found, NotThere) and "costs nothing" in found.why
    assert isinstance(world.connect(account).submit(order, csr), Issued)
    assert [one.leaf != "" for one in world.vendor.placed] == [False, True]


def test_a_profile_goes_along_and_a_wrong_one_lists_those_there_are(world: World) -> None:
    """E5."""
    connector = world.connect(certificate_profile="classic")
    assert [one.value for one in connector.choices("certificate_profile")] == ["classic", "short"]
    world.submitted(connector)
    world.submitted(connector, options={"certificate_profile": "short"})
    assert [one.wanted["profile"] for one in world.vendor.placed] == ["classic", "short"]
    problems = connector.validate(world.order(options={"certificate_profile": "long"}))
    assert len(problems) == 1 and "classic, short" in problems[0]
    world.vendor.has_profiles = False
    problems = world.connect().validate(world.order(options={"certificate_profile": "long"}))
    assert len(problems) == 1 and "no profiles" in problems[0]


def test_a_lifetime_is_asked_for_only_where_the_account_says_so(world: World) -> None:
    """E15: most CAs refuse notAfter."""
    world.submitted(world.connect())
    connector = world.connect(lifetime_as="not_after")
    at = world.orders.clock.now()
    world.submitted(connector, validity_days=10)
    assert "notAfter" not in world.vendor.placed[0].wanted
    assert world.vendor.placed[1].wanted["notAfter"] == (at + timedelta(days=10)).strftime("%Y-%m-%dT%H:%M:%SZ")
    assert (world.connect().capabilities().validity, connector.capabilities().validity) == ("profile", "seconds")


# -- afterwards ----------------------------------------------------------------------------------------------------


def test_the_ca_says_when_to_renew_and_learns_what_is_replaced(world: World) -> None:
    """E3: RFC 9773; a successor that the CA knows already is ordered without it."""
    connector = world.connect()
    first = _of(Issued, world.submitted(connector))
    hint = connector.renewal_hint(first.bundle.leaf)
    assert hint is not None and hint.until is not None and hint.source == "ARI"
    assert hint.until - hint.at == timedelta(days=2)
    for _twice in range(2):
        answer = world.submitted(connector, action="renew", parent=first.handle)
        assert isinstance(answer, Issued)
    assert ["replaces" in one.wanted for one in world.vendor.placed] == [False, True, False]
    world.vendor.has_ari = False
    assert world.connect().renewal_hint(first.bundle.leaf) is None


def test_a_renewal_of_what_another_ca_issued_has_no_wish(world: World) -> None:
    """E3: 404 is none, and what cannot be read is none."""
    connector = world.connect()
    stranger = core.Orders(core.FakeClock())
    leaf = stranger.core.sign(make_csr(KEYS["p256"]()), list(SPEC.dns_names), stranger.clock.now(), 90)[0]
    assert connector.renewal_hint(leaf) is None


def test_a_reason_that_the_ca_does_not_take_is_told(world: World) -> None:
    """W rows: with the option that says so."""
    connector = world.connect()
    handle = _of(Issued, world.submitted(connector)).handle
    world.vendor.refuse["revoke"] = problem("badRevocationReason", "no reasons here")
    with pytest.raises(InputError, match="leave superseded out of revoke_reasons") as caught:
        connector.revoke(handle, "superseded", "")
    assert caught.value.code == "reason_not_taken"
    assert world.connect(revoke_reasons=["unspecified"]).capabilities().revoke_reasons == ("unspecified",)


def test_an_order_is_taken_over_only_for_its_names_and_key(world: World) -> None:
    """The way on from in_doubt."""
    connector = world.connect()
    csr = make_csr(KEYS["p256"](), names=("www.example.com",))
    url = str(_of(Issued, world.submitted(connector, csr)).handle["order_id"])
    assert isinstance(connector.adopt(url, world.order(), csr), Issued)
    other = CsrSpec("a.example.com", ("a.example.com",))
    for order_id, order in ((url, world.order(spec=other)), ("https://evil.example.net/1", world.order())):
        with pytest.raises(InputError, match="order"):
            connector.adopt(order_id, order, csr)


def _of(kind: Any, answer: Any) -> Any:
    assert isinstance(answer, kind), answer
    return answer
