# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a record of a token may hold (D1, E8): every problem at once, before anything is loaded."""

from __future__ import annotations

import sys
from typing import Any

import pytest

from ansible_collections.edgecert.clm.plugins.module_utils._core.clock import SystemClock
from ansible_collections.edgecert.clm.plugins.module_utils._core.errors import InputError
from ansible_collections.edgecert.clm.plugins.module_utils._core.redact import Secret
from ansible_collections.edgecert.clm.plugins.module_utils._http.base import Transport, TransportOptions
from ansible_collections.edgecert.clm.plugins.module_utils._keys.base import KeyOrder
from ansible_collections.edgecert.clm.plugins.module_utils._keys.device_base import DeviceKeys, DeviceTools
from ansible_collections.edgecert.clm.plugins.module_utils._keys.device_registry import device_type, type_names
from ansible_collections.edgecert.clm.tests.support.softhsm import Remembered, order

GOOD = {"module_path": "/usr/lib/vendor/pkcs11.so", "token_label": "clm"}


def no_transport(_options: TransportOptions) -> Transport:
    raise AssertionError("a token is not reached by HTTP")


TOOLS = DeviceTools(SystemClock(), no_transport, lambda _name: Remembered())
KIND = device_type("pkcs11", TOOLS)


def problems(options: dict[str, Any], secrets: dict[str, str] | None = None) -> list[str]:
    """Give what is wrong with options."""
    with pytest.raises(InputError) as caught:
        KIND.prepare("hsm", options, secrets or {})
    assert caught.value.message.startswith("Cannot use the options of key device hsm: ")
    return list(caught.value.details["problems"])


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"module_path": ""}, "module_path is missing"),
        ({"module_path": "pkcs11.so"}, "module_path 'pkcs11.so' is not absolute"),
        ({"token_label": ""}, "nothing says which token"),
        ({"token_label": "x" * 33}, "token_label has 33 bytes"),
        ({"token_label": "\u00e4" * 17}, "token_label has 34 bytes"),
        ({"token_serial": "1" * 17}, "token_serial has 17 bytes"),
        ({"slot": "first"}, "slot is 'first'"),
        ({"slot": -1}, "slot is -1"),
        ({"slot": True}, "slot is True"),
        ({"label": "clm"}, "label is no option of pkcs11; there is"),
        ({"pin": "1234"}, "pin is no option of pkcs11"),
        ({"pin_env": "CLM PIN"}, "'CLM PIN' is no name of an environment variable"),
        ({"library_environment": "SOFTHSM2_CONF=/x"}, "a dictionary of variables"),
        ({"library_environment": {"A=B": "x"}}, "'A=B' is no name of an environment variable"),
        ({"library_environment": {"CONF": ["x"]}}, "library_environment.CONF is no text"),
    ],
)
def test_what_cannot_be_used_is_refused_with_the_reason(changes: dict[str, Any], words: str) -> None:
    [problem] = problems({**GOOD, **changes})
    assert words in problem


def test_all_problems_are_told_at_once() -> None:
    found = problems({"module_path": "x.so", "slot": "a", "nonsense": 1}, {"pin": "1234", "so_pin": "1"})
    assert len(found) == 4
    both = problems({**GOOD, "pin_env": "CLM_PIN"}, {"pin": "1234"})
    assert both == ["pin_env and secrets.pin are both given; clear one of them with an empty text"]
    assert "1234" not in str(found) + str(both)


def test_what_is_cleared_is_left_out_and_a_number_may_be_a_text() -> None:
    """Templates hand numbers over as texts; an empty text clears."""
    wanted = {**GOOD, "token_label": "", "slot": "7", "pin_env": "", "library_environment": {}}
    assert KIND.prepare("hsm", wanted, {}) == {"module_path": GOOD["module_path"], "slot": 7}


def test_the_description_of_the_options_is_what_is_taken() -> None:
    described = KIND.options()
    plain = {name for name, entry in described.items() if not entry["secret"]}
    assert {name for name, entry in described.items() if entry["required"]} == {"module_path"}
    values = {"slot": 1, "library_environment": {"A": "b"}, "module_path": "/x"}
    prepared = KIND.prepare("hsm", {name: values.get(name, "text") for name in plain}, {})
    assert set(prepared) == plain
    assert KIND.prepare("hsm", GOOD, dict.fromkeys(set(described) - plain, "x")) == GOOD


def test_an_unknown_kind_of_device_is_refused_with_those_there_are() -> None:
    with pytest.raises(InputError, match="There is no kind of key device 'luna'") as caught:
        device_type("luna", TOOLS)
    assert caught.value.code == "unknown_key_device_type"
    assert all(name in caught.value.message for name in type_names())


# -- orders ------------------------------------------------------------------------------------------------------------


@pytest.fixture
def keys() -> DeviceKeys:
    return KIND.connect("hsm", GOOD, {"pin": Secret("1234")})


@pytest.mark.parametrize(
    ("wanted", "words"),
    [
        (order(handler=""), "key handler name ''"),
        (order(handler="-x"), "key handler name '-x'"),
        (order(handler="a b"), "key handler name 'a b'"),
        (order(handler="x" * 65), "64 are allowed"),
        (order(key_size=1024), "key_size 1024: there are 2048, 3072, 4096, 8192"),
        (order(key_type="dsa"), "key_type dsa: there are rsa, ec, ed25519"),
        (order(key_type="ec", curve="secp256k1"), "curve secp256k1: there are secp256r1"),
        (order(hash_name="sha1"), "hash sha1: there are sha256"),
        (order(key_type="ed25519", dual_stack=True), "a dual stack is of rsa and ec"),
    ],
)
def test_an_order_that_no_token_can_fulfil_is_refused_without_looking_at_one(
    keys: DeviceKeys, wanted: KeyOrder, words: str
) -> None:
    """E8, E17."""
    [problem] = keys.validate(wanted)
    assert words in problem


def test_all_problems_of_an_order_are_told_at_once(keys: DeviceKeys) -> None:
    wanted = order(handler="", dual_stack=True, key_size=1000, curve="k", hash_name="md5")
    assert len(keys.validate(wanted)) == 4
    assert keys.validate(order(handler="www.example.com", key_type="ec", curve="P-384", hash_name="sha384")) == []


@pytest.mark.parametrize(
    ("wanted", "sentence"),
    [
        (order(), "Make an RSA 2048 key, www, on key device hsm and sign a CSR for www.example.com there"),
        (
            order(dual_stack=True, renews=True),
            "Make an RSA 2048 key and an ECDSA secp256r1 key, the next generation of www, on key device hsm and sign a "
            "CSR for www.example.com there",
        ),
        (
            order(reuse=True, renews=True),
            "Sign a CSR for www.example.com on key device hsm with the newest key www",
        ),
        (
            order(reuse=True, key_type="ed25519"),
            "Sign a CSR for www.example.com on key device hsm with the newest key www, or with an Ed25519 key made for "
            "it where there is none",
        ),
    ],
)
def test_what_would_be_done_is_foretold_without_looking_at_the_token(
    keys: DeviceKeys, wanted: KeyOrder, sentence: str
) -> None:
    assert keys.predict(wanted) == sentence
    assert keys.calls_ahead(wanted, "begin", 60.0) == (0, 0)


def test_a_missing_library_is_one_clear_error(keys: DeviceKeys, monkeypatch: pytest.MonkeyPatch) -> None:
    """Design §2: names the package and what needs it."""
    monkeypatch.setitem(sys.modules, "pkcs11", None)
    [check] = keys.test()
    assert not check.passed
    assert "python-pkcs11 is needed for keys in a token behind PKCS#11" in check.detail
