# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The modules that need no network, through the real AnsibleModule and a real store."""

from __future__ import annotations

import importlib
import pathlib
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from ansible import release
from ansible.module_utils.basic import AnsibleModule
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from ansible_collections.edgecert.clm.plugins.module_utils._ca.registry import type_names
from ansible_collections.edgecert.clm.plugins.module_utils._core.clock import SystemClock
from ansible_collections.edgecert.clm.plugins.module_utils._core.types import AuditEntry, Certificate, Connector, Device
from ansible_collections.edgecert.clm.plugins.module_utils._store.base import Store
from ansible_collections.edgecert.clm.plugins.module_utils._store.open import open_store
from ansible_collections.edgecert.clm.plugins.module_utils._store.seal import StoreKey
from ansible_collections.edgecert.clm.tests.support.run_module import run

PACKAGE = "ansible_collections.edgecert.clm.plugins.modules"
ORGANIZATION = {
    "name": "Example Ltd.",
    "address": "1 Example Street",
    "country": "GB",
    "city": "London",
    "state": "London",
    "postal_code": "EC1A 1AA",
    "phone": "+44 20 7946 0000",
}
CONTACT = {"first_name": "Ada", "last_name": "Example", "phone": "+44 20 7946 0001", "email": "ada@akamai.com"}
SETTINGS = {"organization": ORGANIZATION, "admin_contact": CONTACT, "tech_contact": CONTACT}


def _main(module: str) -> Callable[[], None]:
    main: Callable[[], None] = importlib.import_module(f"{PACKAGE}.{module}").main
    return main


@pytest.fixture
def url(tmp_path: pathlib.Path) -> str:
    return f"sqlite:///{tmp_path}/clm.db"


def _open(url: str) -> Store:
    return open_store(url, StoreKey(), SystemClock(), "test")


def test_settings_are_saved_once_changed_and_removed(url: str) -> None:
    """S1: friendly spellings name the same combination; a repetition changes nothing."""
    main = _main("akamai_vendor_settings")
    options = {"store": url, **SETTINGS, "validation_type": "Third-party", "secure_network": "Standard TLS"}
    assert run(main, options, check=True)["changed"] is True
    first = run(main, options)
    assert first["vendor_settings"]["secure_network"] == "standard-tls"
    assert run(main, {"store": url, **SETTINGS})["changed"] is False
    changed = run(main, {"store": url, "organization": {"city": "Leeds"}}, diff=True)
    assert changed["diff"]["before"]["organization"]["city"] == "London"
    assert changed["diff"]["after"]["organization"] == {**ORGANIZATION, "city": "Leeds"}
    assert run(main, {"store": url, "state": "absent"})["vendor_settings"] is None
    assert run(main, {"store": url, "state": "absent"})["changed"] is False


def test_everything_missing_in_settings_is_said_at_once_and_nothing_is_saved(url: str) -> None:
    """S2–S4."""
    main = _main("akamai_vendor_settings")
    result = run(main, {"store": url, "organization": {"country": "XX"}})
    problems = " ".join(result["failure"]["details"]["problems"])
    for word in ("organization.city", "organization.country", "admin_contact.email", "tech_contact.phone"):
        assert word in problems
    assert run(_main("clm_store"), {"store": url, "action": "info"})["store"]["records"]["audit"] == 0


def test_a_ca_of_our_own_is_made_tested_and_removed_without_showing_a_key(url: str) -> None:
    main = _main("ca_account")
    added = run(main, {"store": url, "name": "own-ca", "type": "own_ca", "test": True, "choices": ["profiles"]})
    assert added["ca_account"]["capabilities"]["is_public"] is False
    assert added["ca_account"]["secrets_set"] is True
    assert all(check["passed"] for check in added["checks"])
    assert added["choices"]["profiles"]
    assert "PRIVATE KEY" not in str(added)
    assert run(main, {"store": url, "name": "own-ca", "type": "own_ca"})["changed"] is False
    assert run(main, {"store": url, "name": "own-ca", "state": "absent"})["ca_account"] is None


@pytest.mark.parametrize("option", ["private_key", "certificate", "chain", "common_name"])
def test_a_private_key_among_the_options_of_a_ca_is_shown_and_logged_nowhere(
    url: str, option: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Design §8: pasted into the wrong place, alone or in a bundle; the arguments are in the result, too."""
    logged: list[str] = []

    def log(_module: AnsibleModule, message: str, log_args: Any = None) -> None:
        logged.append(f"{message} {log_args}")

    monkeypatch.setattr(AnsibleModule, "log", log)
    key = (
        ec.generate_private_key(ec.SECP256R1())
        .private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        .decode()
    )
    options = {"key_type": "ec", option: f"-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n{key}"}
    arguments = {"store": url, "name": "own-ca", "type": "own_ca", "options": options}
    result = run(_main("ca_account"), arguments, diff=True, invocation=True)
    # ansible-core 2.19 masks every value of an argument that is no_log, the others only those that are secret.
    shown = result["invocation"]["module_args"]["options"]["key_type"]
    assert shown in ("ec", "VALUE_SPECIFIED_IN_NO_LOG_PARAMETER")
    # ansible-core 2.19 does not log the arguments of a module that is called this way.
    assert logged or release.__version__.startswith("2.19.")
    for line in key.splitlines()[1:-1]:
        assert line not in str(result) and line not in str(logged)


def test_the_types_offered_are_those_that_exist() -> None:
    spec = importlib.import_module(f"{PACKAGE}.ca_account").SPEC
    assert spec["type"]["choices"] == list(type_names())


@pytest.mark.parametrize(
    ("option", "value", "reason"),
    [
        ("certificate_type", "pfx", "PEM only"),
        ("private_key_in_device", False, "never leaves CPS"),
        ("push_chain", False, "together with its chain"),
    ],
)
def test_a_connector_is_refused_with_values_cps_cannot_have(url: str, option: str, value: Any, reason: str) -> None:
    """A3."""
    _stocked(url)
    options = {"store": url, "certificate": "a.example.com", "name": "edge", "devices": ["main"], option: value}
    assert reason in run(_main("cert_connector"), options)["msg"]


def test_a_connector_goes_to_managed_devices_only(url: str) -> None:
    """A2, D5."""
    _stocked(url)
    options = {"store": url, "certificate": "a.example.com", "name": "edge"}
    added = run(_main("cert_connector"), {**options, "devices": ["main"]})
    assert added["connector"]["vendor"] == "Akamai CPS"
    assert run(_main("cert_connector"), {**options, "devices": ["main"]})["changed"] is False
    watched = run(_main("cert_connector"), {**options, "devices": ["main", "watched"]})
    assert watched["failure"]["code"] == "device_not_managed"


def test_a_push_without_a_connector_is_refused(url: str) -> None:
    """U1."""
    _stocked(url)
    with _open(url).write() as unit:
        unit.connectors.remove(unit.connectors.find()[0])
    result = run(_main("cert_push"), {"store": url, "certificate": "a.example.com"})
    assert result["failure"]["code"] == "connector_missing"


def test_enrolling_without_settings_names_the_missing_combination(url: str) -> None:
    """S5."""
    _stocked(url)
    options = {"store": url, "ca": "own-ca", "common_name": "new.example.com", "device": "main"}
    result = run(_main("cert_enroll"), {**options, "secure_network": "Enhanced TLS"})
    assert result["failure"]["code"] == "vendor_settings_missing"
    assert result["failure"]["details"]["secure_network"] == "enhanced-tls"


def test_enrolling_on_a_monitored_device_is_refused(url: str) -> None:
    """D5."""
    _stocked(url)
    result = run(_main("cert_enroll"), {"store": url, "ca": "x", "common_name": "n.example.com", "device": "watched"})
    assert result["failure"]["code"] == "device_not_managed"


def _stocked(url: str) -> None:
    """Store two devices, three certificates and a connector."""
    store, clock = _open(url), SystemClock()
    now = clock.now()
    rows = (("a", "main", 5), ("b", "watched", 90), ("c", "hidden", 90))
    with store.write() as unit:
        for name, sync in (("main", "managed"), ("watched", "monitored"), ("hidden", "ignored")):
            unit.devices.add(Device(name, sync=sync, status=sync, data_center="emea" if name == "main" else ""))
        for name, device, days in rows:
            certificate = f"{name}.example.com"
            end = now + timedelta(days=days, hours=1)
            unit.certificates.add(
                Certificate(certificate, "discovered", certificate, "issued", device=device, not_after=end)
            )
        unit.connectors.add(Connector("a.example.com", "old", devices=("main",)))
        unit.audit(AuditEntry("ada", "certificate_found", "certificate", "a.example.com"))
        unit.audit(AuditEntry("bob", "certificate_found", "certificate", "b.example.com"))
    store.close()


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        ({}, ["a", "b"]),
        ({"sync": ["ignored"]}, ["c"]),
        ({"sync": ["monitored", "managed"]}, ["a", "b"]),
        ({"device": ["watched"]}, ["b"]),
        ({"expires_within_days": 30}, ["a"]),
        ({"state": ["vanished"]}, []),
        ({"certificate": "b.example.com"}, ["b"]),
        ({"network": "production"}, []),
        ({"ca": ["own-ca"]}, []),
    ],
)
def test_certificates_are_filtered(url: str, filters: dict[str, Any], expected: list[str]) -> None:
    _stocked(url)
    result = run(_main("cert_info"), {"store": url, **filters})
    assert [entry["certificate"].split(".")[0] for entry in result["certificates"]] == expected
    assert result["changed"] is False


def test_the_views_of_a_certificate(url: str) -> None:
    """V2: CA connector, certificate, application connectors, devices."""
    _stocked(url)
    options = {"store": url, "certificate": "a.example.com"}
    (whole,) = run(_main("cert_info"), {**options, "view": "holistic"})["holistic"]
    assert whole["ca_connector"] is None
    assert whole["certificate"]["days_left"] == 5
    assert whole["connectors"][0]["devices"] == [
        {"name": "main", "status": "managed", "cert_sync": "managed", "work_orders": [], "settings_orders": []}
    ]
    history = run(_main("cert_info"), {**options, "view": "history"})
    assert (history["requests"], history["work_orders"]) == ([], [])
    audit = run(_main("cert_info"), {**options, "view": "audit"})["audit"]
    assert [line["actor"] for line in audit] == ["ada"]
    newest = run(_main("cert_info"), {"store": url, "view": "audit", "limit": 1})["audit"]
    assert [line["actor"] for line in newest] == ["bob"]


@pytest.mark.parametrize("limit", [0, -1])
def test_a_limit_below_one_is_refused(url: str, limit: int) -> None:
    _stocked(url)
    result = run(_main("cert_info"), {"store": url, "view": "audit", "limit": limit})
    assert result["failure"]["code"] == "invalid_input" and "a number from 1" in result["msg"]


def test_a_filter_out_of_range_is_refused(url: str) -> None:
    _stocked(url)
    assert "-1" in run(_main("cert_info"), {"store": url, "expires_within_days": -1})["msg"]


def test_devices_are_listed_with_their_number_of_certificates(url: str) -> None:
    """D3."""
    _stocked(url)
    (device,) = run(_main("akamai_cps_device_info"), {"store": url, "data_center": "emea"})["devices"]
    assert (device["name"], device["certificates"]) == ("main", 1)
    assert device["credential"]["client_secret_set"] is False
    assert len(run(_main("akamai_cps_device_info"), {"store": url})["devices"]) == 3


def test_the_store_is_made_once_and_described(url: str) -> None:
    main = _main("clm_store")
    assert run(main, {"store": url, "action": "info"})["failure"]["code"] == "store_missing"
    assert run(main, {"store": url, "action": "migrate"})["failure"]["code"] == "store_missing"
    predicted = run(main, {"store": url, "action": "init"}, check=True)
    assert run(main, {"store": url, "action": "info"})["failure"]["code"] == "store_missing"
    made = run(main, {"store": url, "action": "init"})
    assert predicted["changed"] is made["changed"] is True
    assert predicted["store"]["schema"] == made["store"]["schema"]
    for action in ("init", "migrate", "info", "verify"):
        assert run(main, {"store": url, "action": action})["changed"] is False


def test_a_damaged_audit_fails_the_verification(url: str, tmp_path: pathlib.Path) -> None:
    _stocked(url)
    connection = sqlite3.connect(tmp_path / "clm.db")
    connection.execute("UPDATE audit SET actor = 'eve' WHERE sequence = 1")
    connection.commit()
    connection.close()
    result = run(_main("clm_store"), {"store": url, "action": "verify"})
    assert result["failure"]["code"] == "audit_broken"
    assert result["problems"]


@pytest.mark.parametrize(
    ("module", "absent"),
    [
        ("cert_info", ("requests", "akamai", "_ca.registry", "_cps", "_target.akamai_cps", "psycopg")),
        ("akamai_vendor_settings", ("requests", "akamai", "_ca.registry", "_cps", "cryptography")),
        ("ca_account", ("requests", "akamai", "_cps")),
        ("akamai_cps_device", ("requests", "akamai", "_ca.registry")),
    ],
)
def test_a_module_loads_only_the_families_it_is_wired_with(module: str, absent: tuple[str, ...]) -> None:
    code = f"import sys, {PACKAGE}.{module}; print('\\n'.join(sys.modules))"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    own = [name.replace("ansible_collections.edgecert.clm.plugins.module_utils.", "") for name in loaded]
    assert [name for name in own if name.startswith(absent)] == []
