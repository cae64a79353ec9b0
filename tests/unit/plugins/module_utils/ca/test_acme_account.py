# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Accounts at an ACME CA: keys, registration, bindings, what a directory may not do."""

from __future__ import annotations

import base64
import json
import pathlib
import secrets as library
from collections.abc import Iterator
from typing import Any

import pytest

from ansible_collections.edgecert.clm.plugins.module_utils._ca.acme_jws import unb64
from ansible_collections.edgecert.clm.plugins.module_utils._ca.acme_server import AcmeServer
from ansible_collections.edgecert.clm.plugins.module_utils._ca.answer_base import (
    Issued,
)
from ansible_collections.edgecert.clm.plugins.module_utils._ca.base import Tools
from ansible_collections.edgecert.clm.plugins.module_utils._core.errors import (
    AuthError,
    InputError,
    RemoteError,
    TransportError,
)
from ansible_collections.edgecert.clm.plugins.module_utils._core.redact import Secret
from ansible_collections.edgecert.clm.plugins.module_utils._http.transport import RequestsTransport
from ansible_collections.edgecert.clm.tests.support.acme_world import World, running
from ansible_collections.edgecert.clm.tests.support.fake_ca.acme import problem
from ansible_collections.edgecert.clm.tests.support.faulty_transport import Script


@pytest.fixture
def world(tmp_path: pathlib.Path) -> Iterator[World]:
    with running(tmp_path) as made:
        yield made


def binding() -> tuple[bytes, str]:
    """Make a MAC key, as bytes and as a CA shows it."""
    mac = library.token_bytes(32)
    return mac, base64.urlsafe_b64encode(mac).rstrip(b"=").decode()


def test_a_key_is_made_kept_and_shown_nowhere(world: World) -> None:
    """C rows: ES256 unless RSA is asked for; the account's view has no key."""
    account = world.stored()
    assert "PRIVATE KEY" in account.secrets["account_key"]
    assert not any("PRIVATE KEY" in str(value) for value in account.options.values())
    again = world.stored(account)
    assert again.secrets == account.secrets
    rsa = world.stored(account_key_type="rsa")
    assert len(rsa.secrets["account_key"]) > 2000 > len(account.secrets["account_key"])
    assert world.issued(world.connect(rsa))


def test_a_directory_may_be_told_by_its_query(world: World) -> None:
    """ca-connectors §4.5: which order a renewal at DigiCert follows is in it; it is kept, and asked for."""
    script, url = Script(), f"{world.fake.url}/directory?orderId=1%2F2&b="
    account = world.stored(url=url)
    assert account.options["url"] == url
    connector = world.connect(account, script)
    assert all(check.passed for check in connector.test())
    asked = [one.path for one in script.sent if one.path.startswith("/directory")]
    assert set(asked) == {"/directory?orderId=1%2F2&b="} and not any(one.query for one in script.sent)
    assert [call for call in world.fake.calls if call.startswith("GET /directory")]
    for wrong in (f"{url}#x", url.replace("https://", "https://me:secret@"), url.replace("https", "http")):
        with pytest.raises(InputError, match="url "):
            world.stored(url=wrong)


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
    assert world.issued(world.connect(account))
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
    with pytest.raises(TransportError, match="terms_agreed.*the order was not sent") as caught:
        world.submitted(world.connect(terms_agreed=False))
    assert (caught.value.code, caught.value.retryable, caught.value.sent) == ("invalid_input", False, False)


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
    handle = world.issued(world.connect(first)).handle
    second = world.stored(first, secrets={"account_key": "new"})
    assert second.secrets["account_key"] != first.secrets["account_key"]
    connector = world.connect(second)
    assert all(check.passed for check in connector.test())
    assert connector.care_due() == "Give its new key to CA account lab at the CA"
    assert isinstance(world.connect(second).collect(handle), Issued), "read before the change, by the former key"
    connector.care()
    for account, works in ((second, True), (first, False)):
        assert (world.connect(account).care_due() == "") == works
    assert isinstance(world.connect(second).collect(handle), Issued)
    assert len(world.vendor.accounts) == 1


def test_addresses_are_signed_as_they_are_called_however_they_are_typed(world: World) -> None:
    """RFC 8555 §6.4: a server holds the signed address against its own; what a call wraps has the same one."""
    mac, text = binding()
    world.vendor.macs = {"kid-1": mac}
    script = Script()
    url = f"{world.fake.url.replace('127.0.0.1', 'LocalHost')}/directory"
    world.vendor.typed = "LOCALHOST"
    account = world.stored(url=url, eab_kid="kid-1", secrets={"eab_hmac_key": text})
    handle = world.issued(world.connect(account, script)).handle
    account = world.stored(account, secrets={"account_key": "new"})
    world.connect(account, script).care()
    assert isinstance(world.connect(account, script).collect(handle), Issued)
    heads = [json.loads(one.body or b"{}")["protected"] for one in script.sent if one.method == "POST"]
    told = {json.loads(unb64(one))["url"].rpartition(":")[0] for one in heads}
    assert told == {"https://localhost"}
    options = {**account.options, "url": "https://CA.Example.com:443/directory"}
    tools = Tools(world.orders.clock, script.over(RequestsTransport))
    server = AcmeServer(options, {name: Secret(one) for name, one in account.secrets.items()}, tools)
    for there in ("https://ca.example.com/a?b=1", "https://CA.example.com:443/a?b=1"):
        assert server.signed_url(there) == "https://ca.example.com/a?b=1"


def test_a_key_that_the_ca_knows_is_never_lost_to_a_task_that_is_repeated(world: World) -> None:
    """C rows, rotation: ``new`` makes a key each time it is run; one that the CA was not told of is enough."""
    first = world.stored()
    handle = world.issued(world.connect(first)).handle
    account = world.stored(first, secrets={"account_key": "new"})
    for _repeated in range(6):
        with pytest.raises(InputError, match="test: true and without account_key") as caught:
            world.stored(account, secrets={"account_key": "new"})
        assert caught.value.code == "key_untold"
    world.connect(account).care()
    told = account
    account = world.stored(account, secrets={"account_key": "new"})
    assert json.loads(account.secrets["former_account_keys"]) == [told.secrets["account_key"]]
    # Keys that are given are no repetition: as many as there are, the one that the CA knows stays.
    for _changed in range(6):
        given = world.stored().secrets["account_key"]
        account = world.stored(account, secrets={"account_key": given})
    assert isinstance(world.connect(account).collect(handle), Issued)
    world.connect(account).care()
    assert world.connect(account).care_due() == "" and len(world.vendor.accounts) == 1


def test_a_key_is_not_replaced_once_more_where_nobody_can_say_whether_the_ca_knows_it(world: World) -> None:
    """A CA that is away; of an account that it never had, nothing can be lost."""
    account = world.stored()
    for _unregistered in range(3):
        account = world.stored(account, secrets={"account_key": "new"})
    assert len(json.loads(account.secrets["former_account_keys"])) == 1
    script = Script()
    script.add("refused", "", times=100)
    with pytest.raises(InputError, match="nobody can say") as caught:
        world.stored(account, script, secrets={"account_key": "new"})
    assert caught.value.code == "key_untold"
    assert world.stored(account, script).secrets == account.secrets


def test_a_server_whose_headers_do_not_come_through_is_told(world: World) -> None:
    """RFC 8555 §7.2 and §7.3: Vault's mounts pass a header on only where they are told to."""
    script = Script()
    script.add("empty", "HEAD", times=9)
    with pytest.raises(RemoteError, match="without Replay-Nonce; where it is the PKI engine of Vault") as caught:
        world.submitted(world.connect(script=script))
    assert caught.value.code == "no_nonce"
    script = Script()
    script.add("empty", "POST", "/new-account$", times=9)
    with pytest.raises(RemoteError, match="Cannot register the account: the answer names none") as caught:
        world.submitted(world.connect(script=script))
    assert caught.value.code == "no_account" and not world.vendor.placed


def test_a_nonce_that_was_refused_is_replaced_and_the_call_sent_again(world: World) -> None:
    """RFC 8555 §6.5: badNonce says that nothing was done."""
    world.vendor.bad_nonces = 3
    assert world.issued(world.connect())
    assert len(world.vendor.placed) == 1
    world.vendor.bad_nonces = 100
    with pytest.raises(RemoteError, match="badNonce"):
        world.submitted(world.connect())
