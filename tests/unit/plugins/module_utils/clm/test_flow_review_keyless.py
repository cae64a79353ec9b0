# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reading what holds secrets, without the key that opens them: the records are shown, only a use of a secret fails."""

from __future__ import annotations

import pathlib
from typing import Any

import pytest
import yaml

from ansible_collections.edgecert.clm.plugins.module_utils._core.redact import Secret
from ansible_collections.edgecert.clm.plugins.module_utils._store.open import open_store
from ansible_collections.edgecert.clm.plugins.module_utils._store.seal import StoreKey
from ansible_collections.edgecert.clm.plugins.modules import akamai_cps_device_info, cert_enroll, cert_info
from ansible_collections.edgecert.clm.tests.support import run_module
from ansible_collections.edgecert.clm.tests.support.flow import Bench, inline
from ansible_collections.edgecert.clm.tests.support.inventory_worker import Worker

RIGHT, WRONG = "the key that sealed it", "another key"


def prepare(bench: Bench) -> None:
    """Have an issued certificate; device and CA account hold secrets in the store."""
    bench.device(edgerc=None, section=None, discover="none", **inline(bench.sandbox))
    bench.settings()
    bench.ca()
    bench.enroll()


def read_all(bench: Bench, folder: pathlib.Path, store: dict[str, str]) -> dict[str, Any]:
    """Read with every part that only reads; gives what was found."""
    certificates = run_module.run(cert_info.main, {**store, "view": "list"})
    devices = run_module.run(akamai_cps_device_info.main, store)
    source = folder / "certificates.akamai_cps.yml"
    source.write_text(yaml.safe_dump({"plugin": "edgecert.clm.akamai_cps", **store}))
    with Worker() as worker:
        parsed = worker.parse(source)
    assert parsed.error == ""
    assert not [secret for secret in inline(bench.sandbox).values() if secret in str(certificates)]
    return {
        "certificates": [c["certificate"] for c in certificates["certificates"]],
        "devices": [d["name"] for d in devices["devices"]],
        "secret_set": [d["credential"]["client_secret_set"] for d in devices["devices"]],
        "hosts": list(parsed.hosts),
    }


def enrol_failure(bench: Bench, store: dict[str, str]) -> str:
    """Ask for one more certificate; gives the code of the failure."""
    wanted = {"common_name": bench.name("more"), "ca": "house", "device": "edge"}
    result = run_module.run(cert_enroll.main, {**wanted, **store})
    assert result.get("failed"), result
    return str(result["failure"]["code"])


def test_an_sqlite_store_whose_key_file_is_gone_is_read_and_enrolling_says_so(
    bench: Bench, tmp_path: pathlib.Path
) -> None:
    """V1, D6: the inventory, the list of certificates and the devices open no secret."""
    prepare(bench)
    key = pathlib.Path(bench.url.removeprefix("sqlite:///") + ".key")
    key.unlink()
    store = {"store": bench.url}
    found = read_all(bench, tmp_path, store)
    assert found["certificates"] == [bench.name()] and found["devices"] == ["edge"]
    assert found["secret_set"] == [True] and found["hosts"]
    bench.calls()
    assert enrol_failure(bench, store) == "store_key_missing"
    assert not key.exists() and bench.calls() == [] and bench.records()["requests"] == 1


@pytest.mark.postgres
def test_a_postgresql_store_is_read_with_a_key_that_opens_nothing(
    bench: Bench, postgres_url: str, tmp_path: pathlib.Path
) -> None:
    """V1, D6: the key is looked at when a secret is opened, not before."""
    key = StoreKey(Secret(RIGHT))
    bench.close()
    bench.store = open_store(postgres_url, key, bench.clock, "tester", create=True)
    bench.ports = bench.make_ports(bench.store)
    prepare(bench)
    store = {"store": postgres_url, "store_key": WRONG}
    found = read_all(bench, tmp_path, store)
    assert found["certificates"] == [bench.name()] and found["secret_set"] == [True] and found["hosts"]
    assert enrol_failure(bench, store) == "store_key_wrong"
    assert enrol_failure(bench, {"store": postgres_url}) == "store_key_missing"
