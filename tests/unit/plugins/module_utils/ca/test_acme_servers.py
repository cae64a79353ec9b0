# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""ACME against real servers of others, beyond the contract: bindings, another key, chains, both proofs, lost nonces."""

from __future__ import annotations

import pathlib
import time
from dataclasses import replace
from typing import Any

import pytest

from ansible_collections.edgecert.clm.plugins.module_utils._ca.answer_base import Answer, Issued, Pending, Rejected
from ansible_collections.edgecert.clm.plugins.module_utils._ca.base import CaConnector, Order, StoredAccount
from ansible_collections.edgecert.clm.plugins.module_utils._core.csr_spec import CsrSpec
from ansible_collections.edgecert.clm.plugins.module_utils._core.errors import AuthError
from ansible_collections.edgecert.clm.plugins.module_utils._core.redact import Secret
from ansible_collections.edgecert.clm.plugins.module_utils._pki import pem
from ansible_collections.edgecert.clm.plugins.module_utils._pki.x509 import certificate_facts
from ansible_collections.edgecert.clm.tests.support import acme2certifier, acme_world, openbao, pebble, proofs_dns
from ansible_collections.edgecert.clm.tests.support.ca_site import Site, registered
from ansible_collections.edgecert.clm.tests.support.ca_sites.acme import PromptClock, enable_acme
from ansible_collections.edgecert.clm.tests.support.csrs import KEYS, SPEC, make_csr


def site_of(options: dict[str, Any], **secrets: str) -> Site:
    """Give a site without its server."""
    return Site(registered("acme"), options, secrets, PromptClock())


def connected(site: Site, account: StoredAccount) -> CaConnector:
    """Give the connector of a stored account."""
    return site.kind().connect("lab", account.options, {name: Secret(text) for name, text in account.secrets.items()})


def stored(site: Site, before: StoredAccount | None = None, **secrets: str) -> StoredAccount:
    """Prepare an account, or change it."""
    given = {**(site.secrets if before is None else {}), **secrets}
    options = before.options if before else site.options
    return StoredAccount(*site.kind().prepare("lab", options, given, before or StoredAccount()))


def finished(site: Site, connector: CaConnector, answer: Answer, act: Any) -> Issued:
    """Go on until it is issued."""
    for _round in range(8):
        if not isinstance(answer, Pending):
            break
        act(answer.actions)
        site.clock.sleep(1)
        answer = connector.collect(answer.handle)
    assert isinstance(answer, Issued), answer
    return answer


def order(site: Site, spec: CsrSpec = SPEC, **changes: Any) -> Order:
    """Give an order."""
    return replace(Order(spec, 90, "intent", site.clock.now()), **changes)


def test_pebble_takes_a_change_of_keys_and_forgets_the_former_one(tmp_path: pathlib.Path) -> None:
    """C rows: rotation, EC to RSA, at a server that wants a binding."""
    with pebble.running(tmp_path, binding=True) as server:
        site = site_of(server.options(eab_kid=pebble.EAB_KID), eab_hmac_key=pebble.EAB_KEY)
        first = stored(site)
        connected(site, first).care()
        wanted = {**first.options, "account_key_type": "rsa"}
        second = stored(site, StoredAccount(wanted, first.secrets), account_key="new")
        assert connected(site, second).care_due()
        connected(site, second).care()
        connector = connected(site, second)
        assert connector.care_due() == ""
        finished(site, connector, connector.submit(order(site), make_csr(KEYS["p256"]())), server.act)
        with pytest.raises(AuthError, match="knows no account") as caught:
            connected(site, first).collect({"order_id": f"{server.url}/x", "csr": "", "told_at": ""})
        assert caught.value.code == "account_missing"


def test_pebble_refuses_a_wrong_binding_and_the_key_is_not_told(tmp_path: pathlib.Path) -> None:
    """C rows: wrong credentials."""
    wrong = "d3Jvbmctd3JvbmctD3Jvbmctd3JvbmctD3Jvbmctd3Jvbmct"
    with pebble.running(tmp_path, binding=True) as server:
        site = site_of(server.options(eab_kid=pebble.EAB_KID), eab_hmac_key=wrong)
        with pytest.raises(AuthError, match="register the account") as caught:
            site.connect().submit(order(site), make_csr(KEYS["p256"]()))
        assert wrong not in caught.value.message


def test_pebble_hands_out_the_chain_to_the_root_that_is_wanted(tmp_path: pathlib.Path) -> None:
    """RFC 8555 §7.4.2; chains of three intermediates are in order, and nonces are refused now and then."""
    more = {"PEBBLE_ALTERNATE_ROOTS": "2", "PEBBLE_CHAIN_LENGTH": "3", "PEBBLE_WFE_NONCEREJECT": "5"}
    with pebble.running(tmp_path, settings=more) as server:
        for number in range(3):
            root = certificate_facts(server.root(number)).common_name
            site = site_of(server.options(preferred_root=root))
            connector = site.connect()
            issued = finished(site, connector, connector.submit(order(site), make_csr(KEYS["p256"]())), server.act)
            assert issued.notes == () and len(issued.bundle.chain) == 3
            assert certificate_facts(issued.bundle.chain[-1]).issuer_common_name == root
        site = site_of(server.options(preferred_root="No Such Root"))
        connector = site.connect()
        issued = finished(site, connector, connector.submit(order(site), make_csr(KEYS["p256"]())), server.act)
        assert len(issued.notes) == 1 and root in issued.notes[0]


def test_pebble_proves_an_address_over_http_once_the_page_can_be_seen(tmp_path: pathlib.Path) -> None:
    """RFC 8738; the CA is not told before."""
    spec = CsrSpec("127.0.0.1", (), ip_addresses=("127.0.0.1",))
    with pebble.running(tmp_path) as server:
        site = site_of(server.options())
        connector = site.connect()
        csr = make_csr(KEYS["p256"](), names=("127.0.0.1",), common_name="127.0.0.1")
        answer = connector.submit(order(site, spec), csr)
        for _twice in range(2):
            assert isinstance(answer, Pending) and answer.actions[0].kind == "http-01"
            answer = connector.collect(answer.handle)
        issued = finished(site, connector, answer, server.act)
        assert certificate_facts(issued.bundle.leaf).sans.ips == ("127.0.0.1",)


def test_pebble_ends_an_order_whose_proof_is_wrong(tmp_path: pathlib.Path) -> None:
    """State table: the reason in the CA's words; why nobody tells it to look too early."""
    with pebble.running(tmp_path) as server:
        site = site_of(server.options(dcv_check="wait", dcv_wait_s=0))
        connector = site.connect()
        answer: Answer = connector.submit(order(site), make_csr(KEYS["p256"]()))
        for _round in range(20):
            if not isinstance(answer, Pending):
                break
            answer = connector.collect(answer.handle)
            time.sleep(0.2)
        assert isinstance(answer, Rejected) and "TXT" in answer.reason


def test_openbao_takes_a_binding_that_it_gave(tmp_path: pathlib.Path) -> None:
    """RFC 8555 §7.3.4: each serves but once."""
    with openbao.running(tmp_path) as bao, proofs_dns.running() as dns:
        enable_acme(bao, dns.address, binding=True)
        made = bao.call("POST", "pki/acme/new-eab", {})["data"]
        options = {"url": f"{bao.url}/v1/pki/acme/directory", "ca_path": bao.ca_path, "dns_servers": [dns.address]}
        site = site_of({**options, "eab_kid": made["id"]}, eab_hmac_key=made["key"])
        account = stored(site)
        for _twice in range(2):
            connector = connected(site, account)
            finished(site, connector, connector.submit(order(site), make_csr(KEYS["p256"]())), dns.act)
        with pytest.raises(AuthError):
            site.connect().submit(order(site), make_csr(KEYS["p256"]()))


def test_acme2certifier_has_a_wish_for_the_time_of_renewal(tmp_path: pathlib.Path) -> None:
    """E3: RFC 9773, with a successor that names what it replaces, and a profile."""
    with acme2certifier.running(tmp_path) as server:
        site = site_of(server.options(), eab_hmac_key=acme2certifier.EAB_KEY)
        connector = site.connect()
        first = finished(site, connector, connector.submit(order(site), make_csr(KEYS["p256"]())), len)
        hint, facts = connector.renewal_hint(first.bundle.leaf), certificate_facts(first.bundle.leaf)
        assert hint is not None and hint.until is not None
        assert facts.not_before < hint.at < hint.until <= facts.not_after
        wanted = order(site, action="renew", parent=first.handle, options={"certificate_profile": "short"})
        assert finished(site, connector, connector.submit(wanted, make_csr(KEYS["p256"]())), len)
        wrong = order(site, options={"certificate_profile": "none"})
        refused = connector.submit(wrong, make_csr(KEYS["p256"]()))
        assert isinstance(refused, Rejected) and "profile" in refused.reason.lower()


def test_the_client_of_certbot_gets_a_certificate_from_the_fake(tmp_path: pathlib.Path) -> None:
    """A second opinion on the fake: what ours takes for an answer, a client of others takes, too."""
    client, challenges, messages = (
        pytest.importorskip(f"acme.{one}", reason="acme, a second opinion, is not installed")
        for one in ("client", "challenges", "messages")
    )
    josepy = pytest.importorskip("josepy", reason="josepy, a second opinion, is not installed")
    with acme_world.running(tmp_path) as world:
        key = josepy.JWKEC(key=KEYS["p256"]())
        network = client.ClientNetwork(key, alg=josepy.ES256, verify_ssl=world.fake.ca_path)
        directory = client.ClientV2.get_directory(f"{world.fake.url}/directory", network)
        theirs = client.ClientV2(directory, network)
        theirs.new_account(messages.NewRegistration.from_data(email="pki@example.com", terms_of_service_agreed=True))
        world.orders.polls = 1
        placed = theirs.new_order(make_csr(KEYS["p256"]()).encode(), profile="short")
        for authorization in placed.authorizations:
            chosen = next(one for one in authorization.body.challenges if isinstance(one.chall, challenges.DNS01))
            theirs.answer_challenge(chosen, chosen.response(key))
        done = theirs.poll_and_finalize(placed)
        leaf = pem.split_certificates(done.fullchain_pem)[0]
        assert set(certificate_facts(leaf).sans.dns) == set(SPEC.dns_names)
        later, _look_again = theirs.renewal_time(done.fullchain_pem.encode())
        hint = world.connect().renewal_hint(leaf)
        assert hint is not None and hint.until is not None and later is not None
