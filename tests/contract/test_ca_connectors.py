# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What every CA connector owes, whoever signs; each way a connector can be set up is one line of ``ca_makers``."""

from __future__ import annotations

import contextlib
import json
import re
import subprocess
import traceback
import uuid
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from operator import methodcaller
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization

from ansible_collections.edgecert.clm.plugins.module_utils._ca.answer_base import (
    ACTION_KINDS,
    PENDING_STATES,
    REFUSED_STATES,
    REVOKED,
    Answer,
    CannotTell,
    Issued,
    NotThere,
    Pending,
    Rejected,
)
from ansible_collections.edgecert.clm.plugins.module_utils._ca.base import CaConnector, Order, StoredAccount
from ansible_collections.edgecert.clm.plugins.module_utils._ca.capability_base import (
    CSR_SOURCES,
    FIND_HARMLESS,
    FIND_TOKEN,
    FINDS,
    NONE,
    VALIDITY_UNITS,
    WAYS_ON,
)
from ansible_collections.edgecert.clm.plugins.module_utils._ca.registry import type_names
from ansible_collections.edgecert.clm.plugins.module_utils._clm.ca_orders import is_surely_not_taken
from ansible_collections.edgecert.clm.plugins.module_utils._core.errors import (
    AuthError,
    ClmError,
    InputError,
    RateLimited,
    RemoteError,
    TransportError,
)
from ansible_collections.edgecert.clm.plugins.module_utils._core.vocabulary import CA_TYPES, HASHES, REVOCATION_REASONS
from ansible_collections.edgecert.clm.plugins.module_utils._http.base import Response
from ansible_collections.edgecert.clm.plugins.module_utils._pki.preflight import WantedNames, check_bundle
from ansible_collections.edgecert.clm.plugins.module_utils._pki.x509 import certificate_facts
from ansible_collections.edgecert.clm.tests.support.ca_makers import MAKERS
from ansible_collections.edgecert.clm.tests.support.ca_site import Site
from ansible_collections.edgecert.clm.tests.support.csrs import KEYS, SPEC, make_csr
from ansible_collections.edgecert.clm.tests.support.fake_ca.signing import SERIALS
from ansible_collections.edgecert.clm.tests.support.faulty_transport import Script, operation_of

KINDS = {"rsa": "rsa", "ed25519": "ed25519"}


@pytest.fixture(params=sorted(MAKERS), scope="module")
def site(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with MAKERS[request.param](tmp_path_factory.mktemp("site")) as made:
        yield made


@pytest.fixture
def fresh(site: Site) -> Site:
    """Give the site with its switches as they begin."""
    if site.orders is not None:
        orders = site.orders
        orders.polls, orders.ends, orders.wrong_key, orders.strange_word = 0, "", False, ""
        orders.is_garbled = orders.is_empty = False
        orders.core.serial = x509.random_serial_number
    return site


@pytest.fixture
def connector(fresh: Site) -> CaConnector:
    return fresh.connect()


@pytest.fixture
def networked(fresh: Site) -> Site:
    if not fresh.is_networked:
        pytest.skip("this CA is not reached over a network")
    return fresh


@pytest.fixture
def fake(fresh: Site) -> Site:
    if fresh.orders is None:
        pytest.skip("a real CA does not err on demand; its fake would")
    return fresh


@pytest.fixture
def slow(fake: Site) -> Site:
    able = fake.connect().capabilities()
    if able.is_immediate and not able.may_need_approval:
        pytest.skip("this CA signs at once or refuses, and says so: no order of it ever waits")
    return fake


def make_order(site: Site, **changes: Any) -> Order:
    """Give an order under an intent of its own."""
    made = Order(SPEC, 90, uuid.uuid4().hex, site.clock.now(), site.request_options)
    return replace(made, **changes)


def issued(site: Site, connector: CaConnector, order: Order, csr_pem: str) -> Issued:
    """Submit, do what is to be done, and wait as long as the connector says."""
    return settled(site, connector, connector.submit(order, csr_pem))


def settled(site: Site, connector: CaConnector, answer: Answer) -> Issued:
    """Go on with an order until it is issued."""
    for _round in range(6):
        if not isinstance(answer, Pending):
            break
        if site.act is not None and answer.actions:
            site.act(answer.actions)
        site.clock.sleep(answer.look_again_s)
        answer = connector.collect(json.loads(json.dumps(dict(answer.handle))))
    assert isinstance(answer, Issued), answer
    return answer


def now_of(site: Site) -> Any:
    """Give the time, a little later: a real CA's clock is another one."""
    return site.clock.now() + timedelta(seconds=2)


def scripted(site: Site, *faults: tuple[str, str]) -> tuple[CaConnector, Script]:
    """Give a connector in whose way something is.

    :param faults: kind and method; of writes only the one that places an order.
    """
    script = Script()
    for kind, method in faults:
        is_write = method == "POST"
        script.add(kind, method, site.write_path if is_write else "", body=site.write_body if is_write else "")
    return site.connect(script), script


def test_every_kind_of_ca_is_held_to_this() -> None:
    """A connector that is registered has a maker, and its own word in the vocabulary."""
    assert set(type_names()) == set(CA_TYPES) <= {name.split()[0].rstrip(",") for name in MAKERS}


# -- what it says of itself ----------------------------------------------------------------------------------------


def test_capabilities_are_words_of_the_vocabulary(connector: CaConnector) -> None:
    """ca-connectors §2: data that others read."""
    able = connector.capabilities()
    assert able.renew in WAYS_ON and able.reissue in WAYS_ON and able.find in FINDS and able.validity in VALIDITY_UNITS
    assert bool(able.renew_refusal) == (able.renew == NONE)
    assert set(able.revoke_reasons) <= set(REVOCATION_REASONS) and set(able.hashes) <= set(HASHES) and able.hashes
    assert set(able.csr_sources) <= set(CSR_SOURCES) and set(able.dcv_methods) <= set(ACTION_KINDS)
    assert set(able.san_types) <= {"dns", "ip", "email", "uri", "other", "directory"}
    assert set(able.key_types) <= {"rsa", "ec", "ed25519"}
    assert json.loads(json.dumps(able.shown())) == able.shown()


def test_csr_sources_are_what_the_owner_of_the_account_says(fresh: Site) -> None:
    """E7-E9: the usual limits are data, which an account's option overrides."""
    able = fresh.connect(csr_sources=["upload"]).capabilities()
    assert able.csr_sources == ("upload",)
    with pytest.raises(InputError, match="csr_sources"):
        fresh.connect(csr_sources=["post card"])


def test_what_is_not_promised_is_refused_and_what_is_promised_is_done(fresh: Site, connector: CaConnector) -> None:
    """ca-connectors §5.2: capabilities are honest."""
    able, order, csr = connector.capabilities(), make_order(fresh), make_csr(KEYS["p256"]())
    handle = issued(fresh, connector, order, csr).handle
    if not able.can_adopt:
        with pytest.raises(InputError):
            connector.adopt("1", order, csr)
    if not able.can_cancel:
        with pytest.raises(InputError):
            connector.cancel(handle)
    if not able.revoke_reasons:
        with pytest.raises(InputError):
            connector.revoke(handle, "unspecified", "")


def test_options_are_described_with_words(fresh: Site) -> None:
    described = fresh.kind().options()
    assert described and all(one["description"].endswith(".") for one in described.values())
    assert {name for name, one in described.items() if one["secret"]} >= set(fresh.secrets) - {"root_private_key"}


def test_account_prepared_again_is_unchanged(fresh: Site) -> None:
    kind = fresh.kind()
    options, secrets = (
        kind.prepare("lab", fresh.options, fresh.secrets, StoredAccount())
        if fresh.is_networked
        else (
            fresh.options,
            fresh.secrets,
        )
    )
    again = kind.prepare("lab", options, {}, StoredAccount(options, secrets))
    assert again == (options, secrets)


def test_all_problems_of_an_account_are_told_at_once(fresh: Site) -> None:
    """Bad input loses nothing, and an unknown option lists those there are."""
    with pytest.raises(InputError) as caught:
        fresh.kind().prepare(
            "lab", {**fresh.options, "no_such": 1, "csr_sources": ["x"]}, {"nothing": "y"}, StoredAccount()
        )
    text = caught.value.message
    assert "no_such" in text and "csr_sources" in text and "nothing" in text and "there are" in text


def test_a_good_account_passes_its_test_and_issues_nothing(fresh: Site, connector: CaConnector) -> None:
    """C rows: reachability, authentication, rights."""
    before = fresh.bought() if fresh.bought else 0
    checks = connector.test()
    assert checks and all(check.passed and check.detail for check in checks), checks
    assert (fresh.bought() if fresh.bought else 0) == before


def test_planning_and_testing_only_ask(networked: Site) -> None:
    """Check mode sends nothing that changes; a login, a question that needs a POST, or a request without an order in
    it, is no change."""
    script = Script()
    connector = networked.connect(script)
    connector.test()
    connector.validate(make_order(networked))
    connector.find(make_order(networked), make_csr(KEYS["p256"]()))
    for kind in connector.capabilities().choices:
        connector.choices(kind)
    assert [one for one in script.writes() if not networked.only_asks(one)] == []


# -- orders --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", sorted(KEYS))
def test_issued_bundle_passes_the_check_before_a_push(fresh: Site, connector: CaConnector, kind: str) -> None:
    """E2, E17, U6: key, names, dates and chain are what was asked for; the root stands apart."""
    if KINDS.get(kind, "ec") not in connector.capabilities().key_types:
        pytest.skip(f"this CA takes no {kind} keys, and says so")
    csr, order = make_csr(KEYS[kind]()), make_order(fresh)
    bundle = issued(fresh, connector, order, csr).bundle
    names = WantedNames(SPEC.common_name, SPEC.dns_names)
    found = check_bundle(bundle, csr_pem=csr, names=names, at=now_of(fresh), is_public=False)
    assert found.problems == () and found.notes == ()
    assert found.bundle == bundle, "a connector answers with the chain in order and the root apart"
    assert found.facts is not None
    if connector.capabilities().validity not in ("terms", "profile"):
        assert abs(found.facts.not_after - order.at - timedelta(days=90)) < timedelta(hours=3)


def test_openssl_accepts_the_issued_chain(fresh: Site, connector: CaConnector, tmp_path: Path) -> None:
    bundle = issued(fresh, connector, make_order(fresh), make_csr(KEYS["p256"]())).bundle
    for name, text in (
        ("leaf", bundle.leaf),
        ("mid", "".join(bundle.chain)),
        ("root", bundle.root or fresh.root),
    ):
        (tmp_path / f"{name}.pem").write_text(text)
    moment = str(int(now_of(fresh).timestamp()))
    command = ["openssl", "verify", "-attime", moment, "-purpose", "sslserver"]
    command += ["-verify_hostname", "www.example.com", "-CAfile", "root.pem", "-untrusted", "mid.pem", "leaf.pem"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_handle_and_notes_are_ready_for_json_and_hold_no_secret(fresh: Site, connector: CaConnector) -> None:
    answer = issued(fresh, connector, make_order(fresh), make_csr(KEYS["p256"]()))
    text = json.dumps([dict(answer.handle), answer.notes, connector.capabilities().shown()])
    assert "PRIVATE KEY" not in text
    assert [name for name, secret in fresh.secrets.items() if secret in text] == []


def test_connector_that_says_it_is_immediate_is(fresh: Site, connector: CaConnector) -> None:
    answer = connector.submit(make_order(fresh), make_csr(KEYS["p256"]()))
    if connector.capabilities().is_immediate:
        assert isinstance(answer, Issued)
    assert isinstance(answer, (Issued, Pending))


def test_an_issued_order_can_be_collected_and_peeked_at_again(fresh: Site, connector: CaConnector) -> None:
    first = issued(fresh, connector, make_order(fresh), make_csr(KEYS["p256"]()))
    for ask in (connector.collect, connector.peek):
        again = ask(json.loads(json.dumps(dict(first.handle))))
        assert isinstance(again, Issued)
        assert certificate_facts(again.bundle.leaf).serial == certificate_facts(first.bundle.leaf).serial
        assert (again.bundle.chain, again.bundle.root) == (first.bundle.chain, first.bundle.root)


def test_other_intent_is_another_certificate(fresh: Site, connector: CaConnector) -> None:
    csr = make_csr(KEYS["p256"]())
    first = issued(fresh, connector, make_order(fresh), csr).bundle.leaf
    second = issued(fresh, connector, make_order(fresh), csr).bundle.leaf
    assert certificate_facts(first).serial != certificate_facts(second).serial


def test_renewing_and_reissuing_are_orders_of_their_own(fresh: Site, connector: CaConnector) -> None:
    """E3, E4: a native renewal or a new order, another certificate in either case."""
    first = issued(fresh, connector, make_order(fresh), make_csr(KEYS["p256"]()))
    csr = make_csr(KEYS["p256"]())
    for go_on, action in ((connector.renew, "renew"), (connector.reissue, "regenerate")):
        order = make_order(fresh, action=action, parent=first.handle)
        answer = settled(fresh, connector, go_on(first.handle, order, csr))
        assert certificate_facts(answer.bundle.leaf).serial != certificate_facts(first.bundle.leaf).serial


def test_csr_without_names_gets_the_names_of_the_order(fresh: Site, connector: CaConnector) -> None:
    """CPS leaves the SANs out of its CSR when told so; a CA that believes the CSR alone says so."""
    if connector.capabilities().csr_is_truth:
        pytest.skip("this CA takes names from the CSR alone, and says so")
    leaf = issued(fresh, connector, make_order(fresh), make_csr(KEYS["rsa"](), names=())).bundle.leaf
    assert set(certificate_facts(leaf).sans.dns) == set(SPEC.dns_names)


def test_csr_whose_signature_is_broken_is_rejected(fresh: Site, connector: CaConnector) -> None:
    good = x509.load_pem_x509_csr(make_csr(KEYS["p256"]()).encode())
    der = bytearray(good.public_bytes(serialization.Encoding.DER))
    der[der.index(b"www.example.com")] = ord("v")
    broken = x509.load_der_x509_csr(bytes(der)).public_bytes(serialization.Encoding.PEM).decode()
    spec = replace(SPEC, common_name="vww.example.com", dns_names=("vww.example.com", *SPEC.dns_names))
    answer = connector.submit(make_order(fresh, spec=spec), broken)
    assert isinstance(answer, Rejected) and answer.reason and answer.state in REFUSED_STATES


def test_a_wish_for_a_renewal_is_a_time_or_none(fresh: Site, connector: CaConnector) -> None:
    """E3: RFC 9773; a CA without it has no say in that."""
    leaf = issued(fresh, connector, make_order(fresh), make_csr(KEYS["p256"]())).bundle.leaf
    hint = connector.renewal_hint(leaf)
    assert (hint is None) or connector.capabilities().gives_renewal_hints
    assert hint is None or (hint.source and (hint.until is None or hint.at < hint.until))


# -- what is told before -------------------------------------------------------------------------------------------


def test_good_order_has_no_problem(fresh: Site, connector: CaConnector) -> None:
    assert list(connector.validate(make_order(fresh))) == []


@pytest.mark.parametrize(
    ("changes", "words"), [({"validity_days": 0}, "a validity of 0 days"), ({"options": {"no_such": 1}}, "no_such")]
)
def test_order_that_cannot_be_is_told_before_anything_is_sent(
    fresh: Site, connector: CaConnector, changes: dict[str, Any], words: str
) -> None:
    """E5, E15."""
    if "options" in changes:
        changes = {"options": {**fresh.request_options, **changes["options"]}}
    problems = connector.validate(make_order(fresh, **changes))
    assert len(problems) == 1 and words in problems[0]


def test_every_choice_that_is_announced_can_be_listed_and_ordered(fresh: Site, connector: CaConnector) -> None:
    """E5: options of a request, with the choices read from the CA; a wrong one lists them."""
    able = connector.capabilities()
    for name, option in able.request_options.items():
        kind = option.get("choices_from")
        if not kind:
            continue
        assert kind in able.choices
        choices = connector.choices(kind)
        assert bool(choices) == (kind not in fresh.empty_lists)
        if not choices:
            assert len(connector.validate(make_order(fresh, options={**fresh.request_options, name: "no such"}))) == 1
            continue
        for choice in choices:
            wanted = {**fresh.request_options, name: choice.value}
            spec = fresh.spec_for(choice.value) if fresh.spec_for else SPEC
            assert list(connector.validate(make_order(fresh, options=wanted, spec=spec))) == []
        wrong = connector.validate(make_order(fresh, options={**fresh.request_options, name: "no such"}))
        assert len(wrong) == 1 and choices[0].value in wrong[0]
    with pytest.raises(InputError):
        connector.choices("no such list")


def test_a_missing_option_that_is_required_is_told_with_its_choices(fresh: Site, connector: CaConnector) -> None:
    """E5."""
    needed = [name for name, one in connector.capabilities().request_options.items() if one.get("required")]
    problems = connector.validate(make_order(fresh, options={}))
    assert len(problems) == len(needed) and all(any(name in one for one in problems) for name in needed)


# -- after a lost answer -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["lost_after", "server_error_after", "html_after", "garbage_after"])
def test_an_order_is_never_sent_twice_by_itself_and_is_found(networked: Site, kind: str) -> None:
    """Issue 6, design §8: paid orders; a lost reply leads to find, never to a resend."""
    connector, script = scripted(networked, (kind, "POST"))
    order, csr = make_order(networked), make_csr(KEYS["p256"]())
    before = networked.bought() if networked.bought else 0
    try:
        answer = connector.submit(order, csr)
    except RemoteError as exc:
        assert not (isinstance(exc, TransportError) and not exc.sent)
        assert exc.status is None or not 400 <= exc.status < 500
    else:
        assert connector.capabilities().find == FIND_TOKEN and isinstance(answer, (Issued, Pending))
    assert networked.bought is None or networked.bought() == before + 1, "it was taken once"
    found = networked.connect().find(order, csr)
    if connector.capabilities().find == FIND_TOKEN:
        assert_one_by_its_token(networked, order, csr, found, before)
    elif connector.capabilities().find == FIND_HARMLESS:
        assert isinstance(found, NotThere) and found.why
    elif connector.capabilities().find == NONE:
        # One that cannot rule an order out may still come upon it.
        assert isinstance(found, Issued) or (isinstance(found, CannotTell) and found.message and found.look_at)
        assert networked.bought is None or networked.bought() == before + 1
    else:
        assert isinstance(found, (Issued, Pending)), found
        assert networked.bought is None or networked.bought() == before + 1


def assert_one_by_its_token(site: Site, order: Order, csr: str, found: object, before: int) -> None:
    """Hold that the same order sent again is the same one to the CA, and that later nobody can tell."""
    assert isinstance(found, NotThere) and found.why
    connector = site.connect()
    assert isinstance(connector.submit(order, csr), (Issued, Pending))
    assert site.bought is None or site.bought() == before + 1, "one order, though it was sent twice"
    long_ago = replace(order, at=order.at - timedelta(days=1))
    told = connector.find(long_ago, csr)
    assert isinstance(told, CannotTell) and told.message and told.look_at


def test_what_was_never_ordered_is_not_found(fresh: Site, connector: CaConnector) -> None:
    """The third answer: surely not there, or nobody can tell; never somebody else's order."""
    issued(fresh, connector, make_order(fresh), make_csr(KEYS["p256"]()))
    order, csr = make_order(fresh), make_csr(KEYS["p256"]())
    found = connector.find(order, csr)
    if connector.capabilities().find != NONE and isinstance(found, CannotTell):
        # Lists of paid orders may lag behind for a while, by what the connector says; then it can tell.
        assert found.look_again_s <= 900
        fresh.clock.sleep(found.look_again_s)
        found = connector.find(order, csr)
    assert isinstance(found, (CannotTell if connector.capabilities().find == NONE else NotThere)), found


@pytest.mark.parametrize("switch", ["is_garbled", "is_empty"])
def test_an_order_whose_answer_cannot_be_read_is_no_refusal_and_is_found(fake: Site, switch: str) -> None:
    """W5: the certificate in the answer is broken, or none is in it, and the order is paid for all the same."""
    assert fake.orders is not None and fake.bought is not None
    setattr(fake.orders, switch, True)
    order, csr, before = make_order(fake), make_csr(KEYS["p256"]()), fake.bought()
    connector = fake.connect()
    try:
        assert isinstance(connector.submit(order, csr), Pending)
    except ClmError as exc:
        assert not is_surely_not_taken(exc), exc
    setattr(fake.orders, switch, False)
    found = connector.find(order, csr)
    if connector.capabilities().find == FIND_TOKEN:
        assert_one_by_its_token(fake, order, csr, found, before)
        return
    ways: dict[str, tuple[type, ...]] = {NONE: (CannotTell, Issued), FIND_HARMLESS: (NotThere,)}
    wanted = ways.get(connector.capabilities().find, (Issued, Pending))
    assert isinstance(found, wanted) and fake.bought() == before + 1


def test_an_order_that_was_never_sent_is_tried_again(networked: Site) -> None:
    """ca-connectors §3.3: refused connections are repeated, also for writes."""
    connector, script = scripted(networked, ("refused", "POST"))
    answer = connector.submit(make_order(networked), make_csr(KEYS["p256"]()))
    assert isinstance(answer, (Issued, Pending))


@pytest.mark.parametrize("kind", ["rate_limited", "rate_limited_without_time", "unavailable"])
def test_a_wait_that_the_ca_asks_for_is_kept(networked: Site, kind: str) -> None:
    """ca-connectors §3.3: 429 with and without a time, 503 with one; the clock is the one that was handed in."""
    connector, script = scripted(networked, (kind, "POST"))
    begin = networked.clock.now()
    answer = connector.submit(make_order(networked), make_csr(KEYS["p256"]()))
    assert isinstance(answer, (Issued, Pending))
    slept = getattr(networked.clock, "slept", None)
    passed = sum(slept) if slept is not None else (networked.clock.now() - begin).total_seconds()
    assert passed >= 5
    if slept is not None:
        slept.clear()


def test_a_ca_that_only_asks_to_wait_is_given_up_on(networked: Site) -> None:
    """And the request says for how long."""
    script = Script()
    script.add("rate_limited", "POST", networked.write_path, times=100)
    with pytest.raises(RateLimited) as caught:
        networked.connect(script).submit(make_order(networked), make_csr(KEYS["p256"]()))
    assert caught.value.retry_after_s >= 1 and len(script.sent) < 20


def test_an_order_is_taken_over_by_its_id_only_for_its_own_csr(fresh: Site, connector: CaConnector) -> None:
    """The way on from in_doubt."""
    if not connector.capabilities().can_adopt:
        pytest.skip("orders of this CA cannot be taken over, and it says so")
    order, csr = make_order(fresh), make_csr(KEYS["p256"]())
    handle = issued(fresh, connector, order, csr).handle
    order_id = str(handle.get("order_id") or handle.get("serial"))
    taken = connector.adopt(order_id, order, csr)
    assert isinstance(taken, (Issued, Pending))
    with pytest.raises(InputError, match=order_id):
        connector.adopt(order_id, order, make_csr(KEYS["p256"]()))
    with pytest.raises(InputError):
        connector.adopt("00112233445566", order, csr)


_DOWN = {
    "503": Response(503, {"content-type": "text/html"}, b"<html>maintenance</html>"),
    "timeout": TransportError("no answer", kind="timeout", sent=True),
}


@pytest.mark.parametrize("answer", _DOWN.values(), ids=_DOWN)
def test_a_ca_that_is_down_before_the_order_itself_is_sent_leaves_no_doubt(
    networked: Site, answer: Response | TransportError
) -> None:
    """W5: directories, logins and lists come before it; a standby account can be turned to."""
    if networked.write_body == "signature=":
        pytest.skip("a gateway that signs itself takes the first call for the order; which it is shows in its answer")
    script = Script()
    with pytest.raises(ClmError) as caught:
        networked.answered(answer, script).submit(make_order(networked), make_csr(KEYS["p256"]()))
    placed = [
        one
        for one in script.sent
        if one.method == "POST"
        and re.search(networked.write_path, operation_of(one))
        and re.search(networked.write_body, (one.body or b"").decode("utf-8", "replace"))
    ]
    assert placed or is_surely_not_taken(caught.value), caught.value


# -- the far side errs ---------------------------------------------------------------------------------------------


def test_a_web_page_instead_of_json_is_told_as_one(networked: Site) -> None:
    """Issue 6: HTML instead of JSON, as of a proxy or a login."""
    connector, _script = scripted(networked, ("html", "POST"))
    with pytest.raises(RemoteError, match="web page") as caught:
        connector.submit(make_order(networked), make_csr(KEYS["p256"]()))
    assert "Please sign in" in caught.value.message and caught.value.code == "not_json"


_MEMBERS = (
    *("data", "items", "orders", "products", "containers", "organizations", "metadata", "requests", "certificates"),
    *("certificate", "certificate_chain", "certificate_authorities", "end_entitie_profiles", "end_entities", "details"),
    *("caPools", "locations", "certificateTemplates", "results", "customFields", "procedures", "CertificateAuthority"),
    *("CertificateAuthorities", "auth", "result", "profile", "seat", "order", "authorizations", "identifiers", "meta"),
)
_STRANGE = [
    *(b"null", b"{}", b"[]", b'"x"', b"5", b"[null]", b'[["x"]]', b"[" * 9000 + b"]" * 9000),
    *(
        json.dumps(dict.fromkeys(_MEMBERS, value)).encode()
        for value in (None, "x", 5, [], {}, [None], ["x"], {"a": 5}, [{"a": 5}])
    ),
    *(json.dumps({"id": 1, "status": "issued", **dict.fromkeys(_MEMBERS, value)}).encode() for value in ("x", [5])),
]


def test_json_of_another_shape_is_told_in_our_words(networked: Site) -> None:
    """Issue 6, C rows: valid JSON, and not what is documented. An account's test is a failed check, not an error."""
    if networked.orders is None and networked.is_tried_late:
        pytest.skip("a real ACME server is asked by a clock of its own; its fake is asked the same")
    if "credentials" in networked.secrets:
        pytest.skip("Google's library is slow to log in; what it makes of strange answers is in test_google_cas")
    able, order, csr = networked.connect().capabilities(), make_order(networked), make_csr(KEYS["p256"]())
    handle = issued(networked, networked.connect(), order, csr).handle
    following = make_order(networked, action="renew", parent=handle)
    headers = {"content-type": "application/json", "replay-nonce": "n", "location": "https://ca.example.com/acme/1"}
    asks: dict[str, Callable[[CaConnector], object]] = {
        "test": lambda one: one.test(),
        "validate": lambda one: one.validate(order),
        "submit": lambda one: one.submit(order, csr),
        "find": lambda one: one.find(order, csr),
        "collect": lambda one: one.collect(handle),
        "peek": lambda one: one.peek(handle),
        "renew": lambda one: one.renew(handle, following, csr),
        "reissue": lambda one: one.reissue(handle, following, csr),
        "adopt": lambda one: one.adopt(str(handle.get("order_id") or handle.get("serial")), order, csr),
        "cancel": lambda one: one.cancel(handle),
        "revoke": lambda one: one.revoke(handle, able.revoke_reasons[0], "") if able.revoke_reasons else None,
        "revocation": lambda one: one.revocation(handle),
        **{f"choices {kind}": methodcaller("choices", kind) for kind in able.choices},
    }
    wrong: dict[str, tuple[str, bytes]] = {}
    for body in _STRANGE:
        for name, ask in asks.items():
            try:
                ask(networked.answered(Response(200, headers, body)))
            except ClmError as exc:
                wrong.update({exc.message: (name, body[:60])} if name == "test" else {})
            except Exception as exc:
                at = traceback.extract_tb(exc.__traceback__)[-1]
                wrong[f"{type(exc).__name__}: {exc}, {at.filename}:{at.lineno}"] = (name, body[:60])
    assert wrong == {}


def test_a_redirect_to_another_host_is_not_followed(networked: Site) -> None:
    """Issue 6: credentials would go along."""
    connector, script = scripted(networked, ("redirect", "POST"))
    with pytest.raises(RemoteError, match="redirects to https://evil.example.net/collect") as caught:
        connector.submit(make_order(networked), make_csr(KEYS["p256"]()))
    assert caught.value.code == "redirected" and "x=1" not in caught.value.message


def test_clocks_that_differ_are_told(networked: Site) -> None:
    """Issue 6: at a 401, and by the test of the account."""
    script = Script(date="Mon, 02 Jan 2006 15:04:05 GMT")
    script.add("unauthorized", "POST", networked.write_path, times=5)
    with pytest.raises(AuthError, match="clock is .* seconds ahead of"):
        networked.connect(script).submit(make_order(networked), make_csr(KEYS["p256"]()))
    late = [check for check in networked.connect(Script(date=script.date)).test() if not check.passed]
    assert any("differ by" in check.detail for check in late)


def test_wrong_credentials_are_told_without_showing_them(networked: Site) -> None:
    """C rows: the test fails, says why, and nothing repeats the secret, not even where the CA does."""
    wrong = {name: "wrong-" + "x" * 24 for name in networked.secrets if name != "client_key"}
    if not wrong:
        pytest.skip("this account has a client certificate alone")
    try:
        connector = networked.connect(secrets=wrong)
    except InputError as exc:
        # A secret that has a form is refused as soon as it is read.
        assert all(secret not in exc.message for secret in wrong.values())
        return
    failed = [check for check in connector.test() if not check.passed]
    assert bool(failed) != networked.is_tried_late
    assert all(secret not in check.detail for check in failed for secret in wrong.values())
    with pytest.raises(ClmError) as caught:
        connector.submit(make_order(networked), make_csr(KEYS["p256"]()))
    assert all(secret not in json.dumps([caught.value.message, caught.value.failure()]) for secret in wrong.values())


def test_secrets_are_in_no_url(networked: Site) -> None:
    """Brief: neither in path nor in query."""
    script = Script()
    connector = networked.connect(script)
    connector.test()
    connector.submit(make_order(networked), make_csr(KEYS["p256"]()))
    urls = [one.path + str(one.query) for one in script.sent]
    assert urls and not any(secret in url for url in urls for secret in networked.secrets.values())


def test_an_unreachable_ca_fails_the_test_and_not_the_module(networked: Site) -> None:
    """C rows."""
    script = Script()
    script.add("refused", "", times=100)
    checks = networked.connect(script).test()
    assert any(not check.passed and check.name == "reachable" for check in checks)


@pytest.mark.parametrize("switch", ["is_garbled", "is_empty"])
def test_whatever_is_asked_about_an_order_errs_in_our_words(fake: Site, switch: str) -> None:
    """W5: an answer whose certificate is broken, or missing, is no fault of the collection."""
    assert fake.orders is not None
    connector, order, csr = fake.connect(), make_order(fake), make_csr(KEYS["p256"]())
    handle = issued(fake, connector, order, csr).handle
    setattr(fake.orders, switch, True)
    asks: list[Callable[[], object]] = [lambda: connector.find(order, csr)]
    asks += [lambda: connector.collect(handle), lambda: connector.peek(handle)]
    if connector.capabilities().can_cancel:
        asks.append(lambda: connector.cancel(handle))
    for ask in asks:
        with contextlib.suppress(ClmError):
            ask()


# -- after issuing -------------------------------------------------------------------------------------------------


def test_every_reason_that_is_announced_revokes_and_once_more_is_the_first_time(
    fresh: Site, connector: CaConnector
) -> None:
    """Issue 6: every reason mapped; repeating is success."""
    for reason in connector.capabilities().revoke_reasons:
        handle = issued(fresh, connector, make_order(fresh), make_csr(KEYS["p256"]())).handle
        first = connector.revoke(handle, reason, "as a test")
        fresh.clock.sleep(5)
        again = connector.revoke(handle, reason, "as a test")
        assert first.state == again.state == REVOKED and first.at == again.at


@pytest.mark.parametrize("form", sorted(SERIALS))
def test_a_serial_number_of_any_length_stands_for_its_certificate(fake: Site, form: str) -> None:
    """Issue 6: hex is written with and without a zero before it, in pairs, in either case; it is one number."""
    assert fake.orders is not None
    fake.orders.core.serial = SERIALS[form]
    connector = fake.connect()
    answer = issued(fake, connector, make_order(fake), make_csr(KEYS["p256"]()))
    assert connector.collect(json.loads(json.dumps(dict(answer.handle)))) == answer
    for reason in connector.capabilities().revoke_reasons[:1]:
        first = connector.revoke(answer.handle, reason, "as a test")
        fake.clock.sleep(5)
        again = connector.revoke(answer.handle, reason, "as a test")
        assert first.state == again.state == REVOKED and first.at == again.at


# -- fakes alone ---------------------------------------------------------------------------------------------------


def test_a_pending_order_says_what_it_waits_for_in_our_words(slow: Site) -> None:
    """Issue 6: DCV actions as data; the vendor's word is kept."""
    assert slow.orders is not None
    slow.orders.polls = 2
    connector = slow.connect()
    answer = connector.submit(make_order(slow), make_csr(KEYS["p256"]()))
    assert isinstance(answer, Pending)
    assert answer.state in PENDING_STATES and answer.message and answer.look_again_s > 0
    assert all(action.kind in ACTION_KINDS for action in answer.actions)
    # Some CAs want their time to be kept: RFC 7030 §4.2.3.
    slow.clock.sleep(answer.look_again_s)
    again = connector.collect(answer.handle)
    assert isinstance(again, Pending)
    slow.clock.sleep(again.look_again_s)
    assert isinstance(connector.collect(again.handle), Issued)


def test_a_word_that_no_table_has_is_at_work_and_stays_visible(slow: Site) -> None:
    """ca-connectors §2: never failed."""
    assert slow.orders is not None
    slow.orders.polls, slow.orders.strange_word = 3, "Quantum-Superposed"
    answer = slow.connect().submit(make_order(slow), make_csr(KEYS["p256"]()))
    assert isinstance(answer, Pending)
    assert (answer.state, answer.vendor_state) == ("processing", "Quantum-Superposed")


def test_a_refused_order_is_rejected_in_the_cas_words(slow: Site) -> None:
    assert slow.orders is not None
    slow.orders.polls, slow.orders.ends = 1, "refused"
    connector = slow.connect()
    answer = connector.submit(make_order(slow), make_csr(KEYS["p256"]()))
    assert isinstance(answer, Pending)
    slow.clock.sleep(answer.look_again_s)
    ended = connector.collect(answer.handle)
    assert isinstance(ended, Rejected) and ended.state in REFUSED_STATES and "refused" in ended.reason


def test_a_pending_order_is_taken_back_and_once_more_is_success(slow: Site) -> None:
    """W5."""
    assert slow.orders is not None
    slow.orders.polls = 5
    connector = slow.connect()
    if not connector.capabilities().can_cancel:
        pytest.skip("orders of this CA cannot be taken back, and it says so")
    answer = connector.submit(make_order(slow), make_csr(KEYS["p256"]()))
    assert isinstance(answer, Pending)
    for _twice in range(2):
        ended = connector.cancel(answer.handle)
        assert isinstance(ended, Rejected) and ended.state == "cancelled"


def test_a_certificate_of_another_key_does_not_pass_the_check(fake: Site) -> None:
    """U6: refused by whoever keeps it; no connector hides it."""
    assert fake.orders is not None
    fake.orders.wrong_key = True
    csr = make_csr(KEYS["p256"]())
    connector = fake.connect()
    bundle = issued(fake, connector, make_order(fake), csr).bundle
    names = WantedNames(SPEC.common_name, SPEC.dns_names)
    found = check_bundle(bundle, csr_pem=csr, names=names, at=now_of(fake), is_public=False)
    assert any("not the CSR's" in problem for problem in found.problems)
