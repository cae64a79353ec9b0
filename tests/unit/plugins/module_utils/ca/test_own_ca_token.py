# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The own CA with its key in an HSM: how an account names it, and what is told where it cannot be had."""

from __future__ import annotations

import json
import subprocess
from contextlib import closing
from dataclasses import replace
from datetime import datetime, timezone
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from ansible_collections.edgecert.clm.plugins.module_utils._ca.answer_base import Issued
from ansible_collections.edgecert.clm.plugins.module_utils._ca.base import CaConnector, Order, StoredAccount, Tools
from ansible_collections.edgecert.clm.plugins.module_utils._ca.registry import connector_type
from ansible_collections.edgecert.clm.plugins.module_utils._clm import key_devices
from ansible_collections.edgecert.clm.plugins.module_utils._core.csr_spec import CsrSpec
from ansible_collections.edgecert.clm.plugins.module_utils._core.errors import InputError, StateError
from ansible_collections.edgecert.clm.plugins.module_utils._core.key_records import KeyDevice
from ansible_collections.edgecert.clm.plugins.module_utils._core.redact import Secret
from ansible_collections.edgecert.clm.plugins.module_utils._core.types import CaAccount
from ansible_collections.edgecert.clm.plugins.module_utils._glue.wire_ca import ca_maker, ca_type_maker
from ansible_collections.edgecert.clm.plugins.module_utils._http.transport import RequestsTransport
from ansible_collections.edgecert.clm.plugins.module_utils._store.open import open_store
from ansible_collections.edgecert.clm.plugins.module_utils._store.seal import StoreKey
from ansible_collections.edgecert.clm.tests.support.csrs import KEYS, make_csr
from ansible_collections.edgecert.clm.tests.support.fake_ca.core import FakeClock
from ansible_collections.edgecert.clm.tests.support.lab_pki import make
from ansible_collections.edgecert.clm.tests.support.softhsm import PIN, NoTokens
from ansible_collections.edgecert.clm.tests.support.token_ca import LABEL, TokenCa, new_token_ca

NOW = datetime(2026, 11, 23, 12, tzinfo=timezone.utc)
SPEC = CsrSpec("www.example.com", ("www.example.com",))
CLOCK = FakeClock(NOW)


@pytest.fixture(scope="module", params=["EC:prime256v1", "rsa:2048"])
def token_ca(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> TokenCa:
    try:
        return new_token_ca(tmp_path_factory.mktemp("token"), NOW, request.param)
    except NoTokens as reason:
        pytest.skip(str(reason))


def prepared(ca: TokenCa | None, options: dict[str, Any], secrets: dict[str, str] | None = None) -> Any:
    tools = Tools(CLOCK, RequestsTransport)
    kind = connector_type("own_ca", replace(tools, device_key=ca.device_key) if ca else tools)
    return kind, kind.prepare("corp", options, secrets or {}, StoredAccount())


def connected(ca: TokenCa, **changes: Any) -> CaConnector:
    kind, (options, secrets) = prepared(ca, {**ca.options, **changes})
    assert not secrets
    made: CaConnector = kind.connect("corp", options, {name: Secret(text) for name, text in secrets.items()})
    return made


def test_openssl_believes_what_the_token_signed_and_its_crl(token_ca: TokenCa, tmp_path: Path) -> None:
    """C row own CA, issue 6: leaf and CRL are signed inside the token; no key is in the store."""
    path = tmp_path / "own.crl.pem"
    connector = connected(token_ca, crl_path=str(path))
    assert all(check.passed for check in connector.test())
    answer = connector.submit(Order(SPEC, 90, "intent-1", NOW), make_csr(KEYS["p256"](), names=SPEC.dns_names))
    assert isinstance(answer, Issued)
    for name, text in (("leaf", answer.bundle.leaf), ("mid", answer.bundle.chain[0]), ("root", answer.bundle.root)):
        (tmp_path / f"{name}.pem").write_text(text)
    verify = ["openssl", "verify", "-attime", str(int(NOW.timestamp())), "-CAfile", "root.pem", "-untrusted", "mid.pem"]
    assert subprocess.run([*verify, "leaf.pem"], cwd=tmp_path, check=False).returncode == 0
    connector.revoke(answer.handle, "key_compromise", "")
    told = subprocess.run(
        [*verify, "-crl_check", "-CRLfile", str(path), "leaf.pem"],
        cwd=tmp_path,
        check=False,
        capture_output=True,
        text=True,
    )
    assert "certificate revoked" in told.stdout + told.stderr


@pytest.mark.parametrize(
    ("drop", "more", "secrets", "sentence"),
    [
        (("key_label",), {}, {}, "key_device and key_label go together"),
        (("certificate", "chain"), {}, {}, "key_device is given without certificate"),
        ((), {}, {"private_key": "a key"}, "key_device and private_key are both given"),
        (("key_device", "key_label"), {}, {}, "certificate is given without private_key"),
    ],
)
def test_a_key_is_named_in_one_way(
    token_ca: TokenCa, drop: tuple[str, ...], more: dict[str, Any], secrets: dict[str, str], sentence: str
) -> None:
    """Bad input: told before the token is touched."""
    options = {name: value for name, value in {**token_ca.options, **more}.items() if name not in drop}
    with pytest.raises(InputError, match=sentence):
        prepared(None, options, secrets)


def test_a_label_that_is_not_there_and_a_key_of_another_certificate_are_told(token_ca: TokenCa) -> None:
    with pytest.raises(InputError, match="There is no key other in token"):
        connected(token_ca, key_label="other")
    other = make("Another CA", ca=True)
    with pytest.raises(InputError, match="the private key is not the key of the certificate"):
        connected(token_ca, certificate=other.pem, chain="")


def test_the_account_signs_with_a_stored_device_which_then_stays(token_ca: TokenCa, tmp_path: Path) -> None:
    """As the modules wire it: PIN and module come from the key device, which is not removed under the CA."""
    with closing(open_store(f"sqlite:///{tmp_path}/clm.db", StoreKey(), CLOCK, "test", create=True)) as store:
        device = KeyDevice("hsm", "pkcs11", token_ca.token.options(), Secret(json.dumps({"pin": PIN})))
        ports: Any = SimpleNamespace(store=store, clock=CLOCK, actor="test")
        with store.write() as unit:
            unit.key_devices.add(device)
        kind = ca_type_maker(store, CLOCK, {})("own_ca")
        options, _none = kind.prepare("corp", token_ca.options, {}, StoredAccount())
        with store.write() as unit:
            account = unit.ca_accounts.add(CaAccount("corp", "own_ca", options))
        order = Order(SPEC, 90, "intent-1", NOW)
        answer = ca_maker(store, CLOCK, {})(account).submit(order, make_csr(KEYS["p256"](), names=SPEC.dns_names))
        assert isinstance(answer, Issued)
        with pytest.raises(StateError, match=r"accounts of CAs sign with a key on it \(corp\)"):
            key_devices.plan({"name": "hsm", "state": "absent"}, ports)
        with pytest.raises(InputError, match="No key device 'gone' is in the store"):
            kind.prepare("corp", {**token_ca.options, "key_device": "gone"}, {}, StoredAccount())


def test_where_no_device_is_reached_that_is_told(token_ca: TokenCa) -> None:
    with pytest.raises(InputError, match="No key device is reached here, so not hsm either"):
        prepared(None, token_ca.options)


def test_two_keys_of_one_label_are_not_chosen_between(token_ca: TokenCa) -> None:
    made = token_ca.token.tool("--keypairgen", "--key-type", "EC:prime256v1", "--label", "twice", "--id", "78")
    again = token_ca.token.tool("--keypairgen", "--key-type", "EC:prime256v1", "--label", "twice", "--id", "79")
    assert made.returncode == again.returncode == 0
    with pytest.raises(StateError, match="2 keys twice in token"), token_ca.device_key("hsm", "twice"):
        pass
    with token_ca.device_key("hsm", LABEL) as key, pytest.raises(StateError, match="cannot be read out"):
        key.private_bytes()
