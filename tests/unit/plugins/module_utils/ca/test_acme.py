# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Orders at an ACME CA, against a fake that errs on demand: refusals, crashes, what comes after."""

from __future__ import annotations

import json
import pathlib
from collections.abc import Iterator
from datetime import timedelta

import pytest

from ansible_collections.edgecert.clm.plugins.module_utils._ca.answer_base import (
    Issued,
    NotThere,
    Pending,
    Rejected,
)
from ansible_collections.edgecert.clm.plugins.module_utils._clm.ca_orders import is_surely_not_taken
from ansible_collections.edgecert.clm.plugins.module_utils._core.csr_spec import CsrSpec
from ansible_collections.edgecert.clm.plugins.module_utils._core.errors import (
    InputError,
    RateLimited,
    RemoteError,
)
from ansible_collections.edgecert.clm.plugins.module_utils._pki.x509 import certificate_facts, csr_facts
from ansible_collections.edgecert.clm.tests.support.acme_world import World, of, running
from ansible_collections.edgecert.clm.tests.support.csrs import KEYS, SPEC, make_csr
from ansible_collections.edgecert.clm.tests.support.fake_ca import core
from ansible_collections.edgecert.clm.tests.support.fake_ca.acme import problem
from ansible_collections.edgecert.clm.tests.support.fake_ca.core import Reply
from ansible_collections.edgecert.clm.tests.support.faulty_transport import Script


@pytest.fixture
def world(tmp_path: pathlib.Path) -> Iterator[World]:
    with running(tmp_path) as made:
        yield made


# -- refusals ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("word", ["rejectedIdentifier", "unsupportedIdentifier", "caa", "malformed", "invalidProfile"])
def test_a_refusal_of_the_order_is_rejected_in_the_cas_words(world: World, word: str) -> None:
    """Reasons: what was ordered."""
    world.vendor.refuse["new-order"] = problem(word, "not here", 403 if word == "caa" else 400)
    answer = of(Rejected, world.submitted(world.connect()))
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
    assert "x.y caa: forbidden" in of(Rejected, world.submitted(world.connect())).reason


def test_a_csr_with_other_names_is_refused_before_anything_is_sent(world: World) -> None:
    """RFC 8555 §7.4."""
    answer = of(Rejected, world.submitted(world.connect(), make_csr(KEYS["p256"](), names=("other.example.com",))))
    assert "other.example.com, www.example.com" in answer.reason
    assert world.fake.calls == []


def test_a_csr_that_the_ca_does_not_take_ends_the_order(world: World) -> None:
    """badCSR at the end of a proved order."""
    connector = world.connect()
    world.vendor.refuse["finalize"] = problem("badCSR", "weak key")
    answer = of(Pending, world.submitted(connector))
    assert "weak key" in of(Rejected, connector.collect(answer.handle)).reason


def test_what_fails_after_the_order_was_placed_is_pending(world: World) -> None:
    """W5: nothing is raised any more."""
    connector = world.connect()
    world.orders.polls = 1
    world.vendor.refuse["authz"] = problem("serverInternal", "oops", 500)
    answer = of(Pending, world.submitted(connector))
    assert answer.state == "submitted" and "oops" in answer.message
    assert of(Pending, connector.collect(answer.handle)).actions
    assert len(world.vendor.placed) == 1


def test_a_directory_that_is_none_is_told(world: World) -> None:
    """C rows: a wrong address."""
    checks = world.connect(url=f"{world.fake.url}/nowhere").test()
    assert any(not check.passed and "read the directory" in check.detail for check in checks)
    script = Script()
    script.add("empty", "GET", "/directory$", times=9)
    with pytest.raises(RemoteError, match="as an ACME directory: it has no .*; check the") as caught:
        world.submitted(world.connect(script=script))
    assert caught.value.code == "no_directory" and not world.vendor.placed


def test_addresses_of_another_host_get_nothing_signed(world: World) -> None:
    """Security: an order may not lead the account's signature elsewhere."""
    world.orders.polls = 1
    connector = world.connect(dcv_wait_s=0)
    answer = of(Pending, world.submitted(connector))
    world.vendor.moved["authz"] = "https://evil.example.net"
    for ask in (connector.peek, connector.collect):
        with pytest.raises(RemoteError, match="another server's") as caught:
            ask(answer.handle)
        assert caught.value.code == "other_host"


def test_an_order_at_an_address_that_the_account_left_has_failed(world: World) -> None:
    """A changed url: nothing is signed for the former server, and the request is not stuck."""
    handle = {"order_id": "https://former.example.net/order/1", "csr": "", "told_at": "2026-11-23T12:00:00Z"}
    connector = world.connect()
    for ask in (connector.peek, connector.collect):
        ended = of(Rejected, ask(handle))
        assert ended.state == "failed" and "order anew" in ended.reason and "former.example.net" in ended.reason
    assert world.fake.calls == []
    assert of(Rejected, connector.cancel(handle)).state == "cancelled"


# -- orders --------------------------------------------------------------------------------------------------------


def test_two_orders_that_the_ca_gave_one_url_end_with_a_certificate_each(world: World) -> None:
    """E10: a dual stack asks twice for the same names, and Boulder gives both one order."""
    world.orders.polls, world.vendor.is_sharing = 1, True
    connector = world.connect(dcv_wait_s=0)
    csrs = [make_csr(KEYS[kind](), names=("www.example.com",)) for kind in ("rsa", "p256")]
    waiting = [of(Pending, world.submitted(connector, csr)) for csr in csrs]
    assert waiting[0].handle["order_id"] == waiting[1].handle["order_id"]
    world.orders.polls = 0
    first = connector.collect(waiting[0].handle)
    assert isinstance(first, Issued)
    assert of(Pending, connector.peek(waiting[1].handle)).look_again_s == 0
    again = of(Pending, connector.collect(waiting[1].handle))
    assert again.handle["order_id"] != waiting[1].handle["order_id"]
    second = of(Issued, connector.collect(again.handle))
    keys = [certificate_facts(one.bundle.leaf).key.spki_sha256 for one in (first, second)]
    assert keys == [csr_facts(csr).key.spki_sha256 for csr in csrs]


def test_an_order_that_is_placed_anew_asks_for_the_same(world: World) -> None:
    """E10: names, profile, and the end of the lifetime."""
    world.orders.polls, world.vendor.is_sharing = 1, True
    connector = world.connect(dcv_wait_s=0, lifetime_as="not_after", certificate_profile="short")
    csrs = [make_csr(KEYS[kind](), names=("www.example.com",)) for kind in ("rsa", "p256")]
    waiting = [of(Pending, world.submitted(connector, csr, validity_days=10)) for csr in csrs]
    world.orders.polls = 0
    assert isinstance(connector.collect(waiting[0].handle), Issued)
    world.orders.clock.sleep(3600)
    again = of(Pending, connector.collect(json.loads(json.dumps(waiting[1].handle))))
    assert again.handle["order_id"] != waiting[0].handle["order_id"]
    first, second = world.vendor.placed
    assert "notAfter" in first.wanted and second.wanted == first.wanted


def test_an_order_that_was_finalized_by_a_run_that_died_is_fetched(world: World) -> None:
    """Resuming: the handle of before is as good as the one that was lost."""
    world.orders.polls = 1
    account = world.stored(dcv_wait_s=0)
    connector = world.connect(account)
    answer = of(Pending, world.submitted(connector))
    first = of(Issued, connector.collect(answer.handle))
    again = of(Issued, world.connect(account).collect(answer.handle))
    assert again.bundle == first.bundle and len(world.vendor.placed) == 1


def test_an_order_whose_names_are_proved_is_finalized_only_with_a_handle_that_is_kept(world: World) -> None:
    """A certificate costs: a run that died before the handle was kept has ordered none."""
    account, order = world.stored(), world.order()
    csr = make_csr(KEYS["p256"](), names=("www.example.com",))
    for _crashed in range(2):
        answer = of(Pending, world.connect(account).submit(order, csr))
        assert answer.look_again_s == 0 and answer.vendor_state == "ready" and "finalized" in answer.message
        assert isinstance(world.connect(account).find(order, csr), NotThere)
    assert [one.leaf for one in world.vendor.placed] == ["", ""]
    script = Script()
    script.add("lost_after", "POST", "/finalize$")
    with pytest.raises(RemoteError):
        world.connect(account, script).collect(answer.handle)
    found = [of(Issued, world.connect(account).collect(answer.handle)).bundle for _twice in range(2)]
    assert found[0] == found[1] and found[0].leaf == world.vendor.placed[1].leaf
    assert [one.leaf != "" for one in world.vendor.placed] == [False, True]


def test_an_order_that_is_gone_is_rejected(world: World) -> None:
    """CAs forget orders."""
    world.orders.polls = 1
    connector = world.connect()
    answer = of(Pending, world.submitted(connector))
    world.vendor.placed[0].account = "nobody"
    ended = of(Rejected, connector.collect(answer.handle))
    assert ended.state == "failed" and "no such order" in ended.reason


def test_an_order_is_left_and_one_that_was_issued_meanwhile_is_told(world: World) -> None:
    """W5."""
    world.orders.polls = 1
    connector = world.connect(dcv_wait_s=0)
    answer = of(Pending, world.submitted(connector))
    assert of(Rejected, connector.cancel(answer.handle)).state == "cancelled"
    issued = of(Issued, connector.collect(answer.handle))
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
    again = of(Pending, world.connect(account).submit(order, csr))
    assert isinstance(world.connect(account).collect(again.handle), Issued)
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
    first = world.issued(connector)
    hint = connector.renewal_hint(first.bundle.leaf)
    assert hint is not None and hint.until is not None and hint.source == "ARI"
    assert hint.until - hint.at == timedelta(days=2) and hint.ask_again_s == 21600
    for _twice in range(2):
        world.issued(connector, action="renew", parent=first.handle)
    assert ["replaces" in one.wanted for one in world.vendor.placed] == [False, True, False]
    world.vendor.has_ari = False
    assert world.connect().renewal_hint(first.bundle.leaf) is None


@pytest.mark.parametrize(
    ("word", "status"),
    [("unauthorized", 403), ("malformed", 404), ("malformed", 400), ("alreadyReplaced", 409), ("serverInternal", 422)],
)
def test_a_renewal_goes_on_without_what_the_ca_does_not_let_it_replace(world: World, word: str, status: int) -> None:
    """RFC 9773 §5: of another account, forgotten, replaced before; CAs say it in their own ways."""
    connector = world.connect()
    first = world.issued(connector)
    world.vendor.refuse["new-order"] = problem(word, "not yours", status)
    assert world.issued(connector, action="renew", parent=first.handle)
    assert ["replaces" in one.wanted for one in world.vendor.placed] == [False, False]


@pytest.mark.parametrize(
    ("word", "status"), [("rateLimited", 429), ("rateLimited", 403), ("userActionRequired", 403), ("oops", 500)]
)
def test_a_renewal_is_not_sent_again_for_what_holds_for_any_order(world: World, word: str, status: int) -> None:
    """Nor after a server's fault: nobody knows whether that was taken."""
    script = Script()
    connector = world.connect(script=script)
    first = world.issued(connector)
    sent = len(script.sent)
    world.vendor.refuse["new-order"] = problem(word, "see there", status, Retry_After="7200")
    with pytest.raises(RemoteError):
        world.submitted(connector, action="renew", parent=first.handle)
    assert [one.path for one in script.sent[sent:] if one.method == "POST"].count("/new-order") == 1


def test_a_renewal_of_what_another_ca_issued_has_no_wish(world: World) -> None:
    """E3: 404 is none, and what cannot be read is none."""
    connector = world.connect()
    stranger = core.Orders(core.FakeClock())
    leaf = stranger.core.sign(make_csr(KEYS["p256"]()), list(SPEC.dns_names), stranger.clock.now(), 90)[0]
    assert connector.renewal_hint(leaf) is None


def test_a_reason_that_the_ca_does_not_take_is_told(world: World) -> None:
    """W rows: with the option that says so."""
    connector = world.connect()
    handle = world.issued(connector).handle
    world.vendor.refuse["revoke"] = problem("badRevocationReason", "no reasons here")
    with pytest.raises(InputError, match="leave superseded out of revoke_reasons") as caught:
        connector.revoke(handle, "superseded", "")
    assert caught.value.code == "reason_not_taken"
    assert world.connect(revoke_reasons=["unspecified"]).capabilities().revoke_reasons == ("unspecified",)


def test_an_order_is_taken_over_only_for_its_names_and_key(world: World) -> None:
    """The way on from in_doubt."""
    connector = world.connect()
    csr = make_csr(KEYS["p256"](), names=("www.example.com",))
    url = str(world.issued(connector, csr).handle["order_id"])
    assert isinstance(connector.adopt(url, world.order(), csr), Issued)
    other = CsrSpec("a.example.com", ("a.example.com",))
    for order_id, order in ((url, world.order(spec=other)), ("https://evil.example.net/1", world.order())):
        with pytest.raises(InputError, match="order"):
            connector.adopt(order_id, order, csr)
