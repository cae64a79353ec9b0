# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Requests whose keys are made in a real token, through the modules: killed, refused, gone on with."""

from __future__ import annotations

import os
import pathlib
import signal
from collections.abc import Callable
from contextlib import closing
from datetime import timedelta
from typing import Any
from unittest import mock

import pytest

from ansible_collections.edgecert.clm.plugins.module_utils._clm import opening
from ansible_collections.edgecert.clm.plugins.module_utils._core.clock import SystemClock
from ansible_collections.edgecert.clm.plugins.module_utils._keys import pkcs11_keys
from ansible_collections.edgecert.clm.plugins.module_utils._pki.csr_building import CHALLENGE_PASSWORD_OID
from ansible_collections.edgecert.clm.plugins.module_utils._store.open import open_store
from ansible_collections.edgecert.clm.plugins.module_utils._store.seal import StoreKey
from ansible_collections.edgecert.clm.plugins.module_utils._token.keypairs import KeyPairs
from ansible_collections.edgecert.clm.plugins.modules import ca_account, cert_enroll, cert_lifecycle, key_device
from ansible_collections.edgecert.clm.tests.support import softhsm
from ansible_collections.edgecert.clm.tests.support.children import in_children
from ansible_collections.edgecert.clm.tests.support.lives import PAST_LEASES_S
from ansible_collections.edgecert.clm.tests.support.run_module import run
from ansible_collections.edgecert.clm.tests.support.softhsm import PIN, SoftToken

NAME = "app.example.com"


class Place:
    """A store with a token and a CA in it."""

    def __init__(self, folder: pathlib.Path) -> None:
        self.token: SoftToken = softhsm.new_token(folder)
        self.url = f"sqlite:///{folder}/clm.db"
        self.call(ca_account.main, name="own", type="own_ca")
        self.device()

    def call(self, main: Callable[[], None], **options: Any) -> dict[str, Any]:
        """Call a module."""
        result: dict[str, Any] = run(main, {"store": self.url, "actor": "ada", **options})
        return result

    def device(self, pin: str = PIN, **options: Any) -> dict[str, Any]:
        """Keep the token as a key device."""
        secrets = {"pin": pin}
        return self.call(
            key_device.main, name="hsm", type="pkcs11", options=self.token.options(), secrets=secrets, **options
        )

    def enroll(self, **options: Any) -> dict[str, Any]:
        """Enrol with a key in the token."""
        wanted = {"common_name": NAME, "ca": "own", "organization": "Example Ltd", "country": "GB"}
        key = {"csr_source": "hsm", "hsm": {"device": "hsm", "key_handler": "app"}, "key_type": "ec"}
        return self.call(cert_enroll.main, **{**wanted, **key, **options})

    def requests(self) -> list[str]:
        """Give the states of all requests."""
        with closing(open_store(self.url, StoreKey(), SystemClock(), "test")) as store, store.read() as unit:
            return [request.state for request in unit.requests.find()]


@pytest.fixture
def place(tmp_path: pathlib.Path) -> Place:
    try:
        return Place(tmp_path)
    except softhsm.NoTokens as reason:
        pytest.skip(str(reason))


def die(*_arguments: Any) -> None:
    """End as by ``kill -9``."""
    os.kill(os.getpid(), signal.SIGKILL)


@pytest.mark.parametrize(
    ("owner", "name", "keys_left"),
    [
        (KeyPairs, "make", 0),
        (pkcs11_keys, "build_csr", 1),
        (opening, "_keep", 1),
    ],
    ids=["before the key", "between key and CSR", "before the result is stored"],
)
def test_a_run_that_is_killed_is_gone_on_with_and_leaves_one_key_and_one_request(
    place: Place, monkeypatch: pytest.MonkeyPatch, owner: Any, name: str, keys_left: int
) -> None:
    """E8, W5: whatever the killed run left, the next one ends with one key, one request and one certificate."""

    def work() -> None:
        with mock.patch.object(owner, name, die):
            place.enroll()

    [ended] = in_children([work])
    assert ended.is_killed, ended.error
    assert len(place.token.labels()) == keys_left
    assert place.enroll()["failure"]["code"] == "lease_held"
    later = SystemClock().now() + timedelta(seconds=PAST_LEASES_S)
    monkeypatch.setattr(SystemClock, "now", lambda _self: later)
    result = place.enroll()
    assert "failed" not in result, result["msg"]
    assert result["request"]["state"] == "issued"
    assert place.token.labels() == ["app"]
    assert place.requests() == ["issued"]
    assert place.enroll()["changed"] is False


def test_a_wrong_pin_fails_the_call_and_no_schedule_tries_it_again(place: Place) -> None:
    """E8: the PIN is tried once; with the right one the same call goes through."""
    place.device("wrong-pin-0815")
    first, second = place.enroll(), place.enroll()
    due = place.call(cert_lifecycle.main)
    assert first["failure"]["code"] == second["failure"]["code"] == "pin_incorrect"
    assert first["failure"]["details"]["pkcs11"] == "PinIncorrect" and "pkcs11" not in second["failure"]["details"]
    assert "wrong-pin-0815" not in str([first, second, due])
    assert place.token.labels() == []
    place.device(PIN)
    assert place.enroll()["request"]["state"] == "issued"
    assert place.token.labels() == ["app"]


def test_a_challenge_password_reaches_the_ca_and_no_record(place: Place, tmp_path: pathlib.Path) -> None:
    """E16: the CSR that bears it is sealed; the one that is shown does not bear it."""
    from cryptography import x509

    words = {"challenge_password": "Aa1!hushed", "challenge_password_confirm": "Aa1!hushed"}
    result = place.enroll(**words)
    assert result["request"]["state"] == "issued"
    [pem] = result["request"]["csrs"].values()
    oids = [attribute.oid.dotted_string for attribute in x509.load_pem_x509_csr(pem.encode()).attributes]
    assert CHALLENGE_PASSWORD_OID not in oids
    assert "Aa1!hushed" not in str(result)
    assert not [path for path in tmp_path.iterdir() if path.is_file() and b"Aa1!hushed" in path.read_bytes()]


def test_what_is_foretold_in_check_mode_makes_nothing(place: Place) -> None:
    """E8: the token is looked at, and what stands in the way is told."""
    wanted = {"store": place.url, "common_name": NAME, "ca": "own", "organization": "Example Ltd", "country": "GB"}
    key = {"csr_source": "hsm", "hsm": {"device": "hsm", "key_handler": "app"}}
    result = run(cert_enroll.main, {**wanted, **key}, check=True)
    assert result["changed"] is True
    assert f"Make an RSA 2048 key, app, on key device hsm and sign a CSR for {NAME} there" in str(result["steps"])
    assert place.token.labels() == [] and place.requests() == []
