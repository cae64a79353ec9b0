# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The module ``key_device`` through the real AnsibleModule and a real store; no token is needed."""

from __future__ import annotations

import json
import pathlib
from contextlib import closing
from typing import Any

import pytest

from ansible_collections.edgecert.clm.plugins.module_utils._core.clock import SystemClock
from ansible_collections.edgecert.clm.plugins.module_utils._core.errors import InputError
from ansible_collections.edgecert.clm.plugins.module_utils._core.key_records import KeyDevice
from ansible_collections.edgecert.clm.plugins.module_utils._core.redact import Secret
from ansible_collections.edgecert.clm.plugins.module_utils._core.types import Certificate, CertRequest
from ansible_collections.edgecert.clm.plugins.module_utils._glue.wire_keys import StoredRefusals, keys_on, secrets_of
from ansible_collections.edgecert.clm.plugins.module_utils._keys.device_registry import type_names
from ansible_collections.edgecert.clm.plugins.module_utils._store.base import Store
from ansible_collections.edgecert.clm.plugins.module_utils._store.open import open_store
from ansible_collections.edgecert.clm.plugins.module_utils._store.seal import StoreKey
from ansible_collections.edgecert.clm.plugins.modules import key_device
from ansible_collections.edgecert.clm.tests.support.run_module import run

OPTIONS = {"module_path": "/usr/lib/vendor/pkcs11.so", "token_label": "clm"}
PIN = "pin-of-the-token-4711"


@pytest.fixture
def url(tmp_path: pathlib.Path) -> str:
    return f"sqlite:///{tmp_path}/clm.db"


def _open(url: str) -> Store:
    return open_store(url, StoreKey(), SystemClock(), "test")


def call(url: str, *, check: bool = False, diff: bool = False, **options: Any) -> dict[str, Any]:
    result: dict[str, Any] = run(
        key_device.main, {"store": url, "actor": "ada", "name": "hsm", **options}, check=check, diff=diff
    )
    return result


def kept(url: str) -> dict[str, Any]:
    return call(url, type="pkcs11", options=OPTIONS, secrets={"pin": PIN})


def test_a_device_is_kept_once_changed_and_removed(url: str) -> None:
    """E8: upsert, check mode, diff; what is left out stays as it is."""
    assert call(url, type="pkcs11", options=OPTIONS, check=True)["changed"] is True
    first = kept(url)
    assert first["steps"] == ["Add key device hsm (pkcs11)"]
    assert first["key_device"]["secrets_set"] is True and first["key_device"]["kind"] == "hsm"
    assert call(url)["changed"] is False
    assert kept(url)["changed"] is False
    changed = call(url, options={"token_label": "", "slot": 3}, diff=True)
    assert changed["diff"]["before"]["options"] == OPTIONS
    assert changed["diff"]["after"]["options"] == {"module_path": OPTIONS["module_path"], "slot": 3}
    assert changed["key_device"]["secrets_set"] is True
    assert call(url, state="absent", check=True)["changed"] is True
    assert call(url, state="absent")["key_device"] is None
    assert call(url, state="absent")["changed"] is False


def test_the_pin_is_sealed_and_stands_in_no_result_and_no_audit(url: str, tmp_path: pathlib.Path) -> None:
    """Design §8."""
    results = [kept(url), call(url, diff=True), call(url, secrets={"pin": f"{PIN}-new"}, diff=True)]
    assert [one["changed"] for one in results] == [True, False, True]
    assert PIN not in json.dumps(results)
    assert not [path.name for path in tmp_path.iterdir() if path.is_file() and PIN.encode() in path.read_bytes()]
    with closing(_open(url)) as store, store.read() as unit:
        assert PIN not in str(list(unit.audit_rows()))
        [device] = unit.key_devices.find()
        assert device.secrets is not None and json.loads(device.secrets.disclose()) == {"pin": f"{PIN}-new"}


def test_everything_wrong_is_told_at_once_and_nothing_is_kept(url: str) -> None:
    result = call(url, type="pkcs11", options={"slot": "x", "lable": "clm"}, secrets={"puk": "1"})
    assert len(result["failure"]["details"]["problems"]) == 4
    assert call(url)["failure"]["code"] == "invalid_input"
    with closing(_open(url)) as store, store.read() as unit:
        assert unit.key_devices.find() == [] and list(unit.audit_rows()) == []


def test_a_test_that_fails_is_told_and_changes_nothing(url: str) -> None:
    kept(url)
    result = call(url, test=True)
    assert result["changed"] is False
    assert [check["passed"] for check in result["checks"]] == [False]


def request(request_id: str, state: str, source: str, wish: dict[str, Any]) -> CertRequest:
    return CertRequest(request_id, f"c-{request_id}", "enroll", state, "own", source, wish=wish)


def test_removal_is_refused_while_a_request_waits_or_a_certificate_has_its_key_there(url: str) -> None:
    """E8: a renewal would look for the device; keys on it are not touched by any removal."""
    kept(url)
    wish = {"hsm": {"device": "hsm", "key_handler": "www", "reuse": False}}
    other = {"hsm": {"device": "other", "key_handler": "www", "reuse": False}}
    with closing(_open(url)) as store, store.write() as unit:
        unit.requests.add(request("req-open", "approved", "hsm", wish))
        unit.requests.add(request("req-other", "approved", "hsm", other))
        unit.requests.add(request("req-cps", "approved", "endpoint", {}))
        unit.requests.add(request("req-failed", "failed", "hsm", wish))
        unit.requests.add(request("req-issued", "issued", "hsm", wish))
        unit.certificates.add(
            Certificate("www", "enrolled", "www.example.com", state="issued", request_id="req-issued")
        )
        unit.certificates.add(
            Certificate("old", "enrolled", "www.example.com", state="superseded", request_id="req-issued")
        )
    refused = call(url, state="absent")
    assert refused["failure"]["code"] == "wrong_state"
    assert refused["failure"]["details"] == {"requests": ["req-open"], "certificates": ["www"]}
    assert "req-open" in refused["msg"] and "certificates have their keys on it (www)" in refused["msg"]
    with closing(_open(url)) as store, store.write() as unit:
        for name, repository in (("req-open", unit.requests), ("www", unit.certificates)):
            found: Any = repository.get(name)
            repository.remove(found)
    assert call(url, state="absent")["changed"] is True


def test_the_type_is_needed_once_and_stays(url: str) -> None:
    assert "type is missing" in call(url)["msg"]
    kept(url)
    spec: Any = key_device.SPEC
    assert set(spec["type"]["choices"]) == set(type_names())


def test_a_pin_comes_from_the_store_or_from_the_variable_that_is_named(url: str) -> None:
    """A credential of AWX sets a variable; where it is not set there is no PIN, which the login tells."""
    stored = KeyDevice("hsm", "pkcs11", OPTIONS, Secret(json.dumps({"pin": PIN})))
    named = KeyDevice("hsm", "pkcs11", {**OPTIONS, "pin_env": "CLM_PIN"})
    assert secrets_of(stored, {"CLM_PIN": "other"}) == {"pin": Secret(PIN)}
    assert secrets_of(named, {"CLM_PIN": PIN}) == {"pin": Secret(PIN)}
    assert secrets_of(named, {"CLM_PIN": ""}) == secrets_of(named, {}) == {}


def test_a_refused_pin_is_remembered_sealed_until_it_is_taken_or_the_device_is_removed(
    url: str, tmp_path: pathlib.Path
) -> None:
    """Tokens lock: the next run has to know what this one was told."""
    kept(url)
    with closing(_open(url)) as store:
        memory = StoredRefusals(store, SystemClock(), "hsm")
        assert not memory.is_refused(Secret(PIN))
        memory.taken()
        memory.refused(Secret("first-wrong-pin"))
        memory.refused(Secret("second-wrong-pin"))
        assert memory.is_refused(Secret("second-wrong-pin")) and not memory.is_refused(Secret("first-wrong-pin"))
        assert not StoredRefusals(store, SystemClock(), "other").is_refused(Secret("second-wrong-pin"))
    assert not [path for path in tmp_path.iterdir() if path.is_file() and b"second-wrong" in path.read_bytes()]
    with closing(_open(url)) as store:
        memory = StoredRefusals(store, SystemClock(), "hsm")
        assert memory.is_refused(Secret("second-wrong-pin"))
        memory.taken()
        assert not memory.is_refused(Secret("second-wrong-pin"))
        memory.refused(Secret("second-wrong-pin"))
    call(url, state="absent")
    with closing(_open(url)) as store, store.read() as unit:
        assert unit.held_secrets.find() == []


def test_a_device_is_not_used_for_another_source_than_its_kind(url: str) -> None:
    device = KeyDevice("hsm", "pkcs11", OPTIONS)
    with closing(_open(url)) as store:
        assert keys_on("hsm", device, store, SystemClock(), {}).abilities().can_reuse
        with pytest.raises(InputError, match="goes with csr_source hsm, not with adc") as caught:
            keys_on("adc", device, store, SystemClock(), {})
    assert caught.value.code == "key_device_kind"
