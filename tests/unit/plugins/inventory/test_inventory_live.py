# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The inventory plugin on devices themselves: no store, calls counted at the sandbox, secrets kept out of it all."""

from __future__ import annotations

import json
import os
import pathlib
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from typing import Any

import pytest
import yaml
from edgecert_sandbox.handle import Handle, SandboxOptions, start

from ansible_collections.edgecert.clm.plugins.module_utils._clm.filters import Filters
from ansible_collections.edgecert.clm.plugins.module_utils._core.clock import SystemClock
from ansible_collections.edgecert.clm.plugins.module_utils._core.errors import RemoteError
from ansible_collections.edgecert.clm.plugins.module_utils._glue.wire_live import live_devices, live_list
from ansible_collections.edgecert.clm.tests.support.flow import Account, Bench, FlowClock, inline
from ansible_collections.edgecert.clm.tests.support.inventory_worker import Parsed, Worker
from ansible_collections.edgecert.clm.tests.support.playbooks import NOT_HANDED_ON

TOP = pathlib.Path(__file__).resolve().parents[4]
CONTRACTS = ["C-1", "C-2"]
KINDS = ["third-party", "dv", "ov", "ev", "third-party-pending"]
COUNT = 10
CLEAN = {"broken_enrollments": [], "inaccessible_contracts": [], "active_certificates_available": True}
DAY_S = 86400


@pytest.fixture(scope="module")
def account() -> Iterator[Handle]:
    """Give a sandbox of two contracts with ten enrollments of every kind."""
    with start(SandboxOptions(limits=False, contracts=CONTRACTS)) as sandbox:
        sandbox.seed(COUNT, contracts=CONTRACTS, kinds=KINDS, expiring=2)
        yield sandbox


@pytest.fixture
def sandbox(account: Handle) -> Handle:
    """Give it as it was in the beginning."""
    account.clear_faults()
    account.configure(CLEAN)
    account.calls(reset=True)
    return account


@pytest.fixture(scope="module")
def worker() -> Iterator[Worker]:
    with Worker() as worker:
        yield worker


class Source:
    """Writes a live source and parses it."""

    def __init__(self, worker: Worker, sandbox: Handle, folder: pathlib.Path) -> None:
        self.worker, self.sandbox, self.folder = worker, sandbox, folder

    def device(self, **changes: Any) -> dict[str, Any]:
        """Give the options of a device of the sandbox."""
        place = {"edgerc": self.sandbox.edgerc, "section": "default", "ca_path": self.sandbox.ca_path}
        return {"name": "cps", **place, **changes}

    def parse(self, *, cache_read: bool = True, **options: Any) -> Parsed:
        """Parse; a source without devices has the one of the sandbox."""
        source = self.folder / "live.akamai_cps.yml"
        wanted = {"plugin": "edgecert.clm.akamai_cps", "live": True, "devices": [self.device()], **options}
        source.write_text(yaml.safe_dump(wanted))
        return self.worker.parse(source, cache=cache_read)

    def hosts_of(self, **options: Any) -> Parsed:
        """Parse what has no fault."""
        parsed = self.parse(**options)
        assert parsed.error == ""
        return parsed

    def calls(self) -> list[str]:
        """Give the paths called since the last time."""
        return [call["path"] for call in self.sandbox.calls(reset=True)]


@pytest.fixture
def source(worker: Worker, sandbox: Handle, tmp_path: pathlib.Path) -> Source:
    return Source(worker, sandbox, tmp_path)


def test_devices_are_read_without_a_store_in_two_calls_for_each_contract_and_one(source: Source) -> None:
    """V3, design §6: as the sandbox counts them."""
    inventory = source.hosts_of()
    assert len(inventory.hosts) == COUNT
    calls = source.calls()
    assert len(calls) == 2 * len(CONTRACTS) + 1
    assert {path.partition("?")[0].rsplit("/", 1)[-1] for path in calls} == {
        "identifiers",
        "enrollments",
        "active-certificates",
    }
    assert not list(source.folder.glob("**/*.db*"))


def test_named_contracts_are_read_alone_and_their_list_is_not_asked_for(source: Source) -> None:
    """D10."""
    assert len(source.hosts_of(devices=[source.device(contracts="C-1")]).hosts) == COUNT / 2
    assert len(source.calls()) == 2


def test_variables_and_groups_are_those_of_a_store(source: Source, tmp_path: pathlib.Path) -> None:
    """V3: the same account by way of a store and at once; only times of writing differ."""
    live = source.hosts_of(keyed_groups=[{"key": "cert_validation_type", "prefix": "validation"}])
    bench = Bench(Account(source.sandbox, ["C-1"], FlowClock(source.sandbox)), tmp_path)
    bench.device(name="cps", contracts=[])
    bench.close()
    from_store = source.hosts_of(
        live=False, store=bench.url, keyed_groups=[{"key": "cert_validation_type", "prefix": "validation"}]
    )
    assert live.groups == from_store.groups
    times = ("cert_created_at", "cert_updated_at")
    for name, variables in from_store.hosts.items():
        kept = {key: value for key, value in variables.items() if key not in times}
        assert {key: value for key, value in live.hosts[name].items() if key not in times} == kept
    assert set(live.groups["validation_dv"]) and len(live.groups["expiring"]) == 2 and live.groups["pending"]


@pytest.mark.parametrize(("sync", "count"), [("managed", COUNT), ("monitored", COUNT), ("ignored", 0)])
def test_the_sync_policy_of_the_source_holds(source: Source, sync: str, count: int) -> None:
    """D5: an ignored device is not even called."""
    inventory = source.hosts_of(devices=[source.device(cert_sync=sync)])
    assert len(inventory.hosts) == count == len(inventory.groups.get(sync, []))
    assert bool(source.calls()) is (sync != "ignored")


def test_several_devices_are_one_inventory_with_ids_of_their_own(source: Source) -> None:
    """V3, E21: two devices may lead to one account."""
    devices = [source.device(), source.device(name="second", cert_sync="monitored", data_center="fra1")]
    inventory = source.hosts_of(devices=devices, keyed_groups=[{"key": "cert_data_center", "prefix": "dc"}])
    assert len(inventory.hosts) == 2 * COUNT
    assert len(inventory.groups["managed"]) == len(inventory.groups["monitored"]) == COUNT
    assert sorted(inventory.groups["dc_fra1"]) == sorted(inventory.groups["monitored"])


def test_filters_and_constructed_features_work_live(source: Source) -> None:
    """V3."""
    assert len(source.hosts_of(filters={"expires_within_days": 30}).hosts) == 2
    assert len(source.hosts_of(filters={"state": "pending"}).hosts) == 2
    assert len(source.hosts_of(filters={"network": "production"}).hosts) == COUNT - 2
    named = source.hosts_of(
        strict=True,
        hostnames=["cert_enrollment_id"],
        compose={"mark": "cert_fingerprint[:8]"},
        groups={"dv": "cert_validation_type == 'dv'"},
    )
    assert "10001" in named.hosts and len(named.groups["dv"]) == 2
    assert named.hosts["10001"]["mark"] == named.hosts["10001"]["cert_fingerprint"][:8]


MISTAKES: list[tuple[dict[str, Any], str]] = [
    ({"filters": {"attributes": {"team": "edge"}}}, "kept in a store"),
    ({"filters": {"group": "eager", "ca": "house"}}, "group, ca"),
    ({"devices": [{"name": "x", "colour": "red"}]}, "no option colour"),
    ({"devices": [{"name": "x", "cert_sync": "sometimes"}]}, "sometimes"),
    ({"devices": [{"name": "x", "timeout": "soon"}]}, "timeout cannot be used"),
    ({"devices": [{"name": "x", "validate_certs": "perhaps"}]}, "validate_certs cannot be used"),
    ({"devices": [{"name": "x", "section": "a"}, {"name": "x", "section": "b"}]}, "given twice"),
    ({"devices": [{"name": "x", "client_token": "t"}]}, "client_secret"),
    ({"devices": [{"name": "x", "edgerc": "/nowhere/edgerc"}]}, "no such file"),
    ({"devices": ["x"]}, "mapping"),
]


@pytest.mark.parametrize(("options", "words"), MISTAKES, ids=[row[1] for row in MISTAKES])
def test_a_mistake_is_one_parser_error_before_any_call(source: Source, options: dict[str, Any], words: str) -> None:
    error = source.parse(**options).error
    assert error.startswith(("AnsibleParserError: ", "AnsibleOptionsError: ")) and words in error
    assert source.calls() == []


def test_a_device_that_cannot_be_read_fails_the_source(source: Source) -> None:
    """V3: half an inventory would be taken for a whole one."""
    devices = [source.device(), source.device(name="second", section="inactive")]
    assert "client_token" in source.parse(devices=devices).error
    source.sandbox.fault("server_error", method="GET", path="contractId=C-2", times=0)
    assert source.parse().error.startswith("AnsibleParserError: ")


def test_where_each_enrollment_takes_a_call_the_budget_decides(source: Source) -> None:
    """Design §6: read whole, or not at all."""
    source.sandbox.configure({"active_certificates_available": False})
    assert "raise budget" in source.parse(budget=8).error
    device = live_devices([source.device()], {})
    with pytest.raises(RemoteError) as caught:
        live_list(device, Filters(), SystemClock(), {}, 8)
    assert caught.value.code == "live_over_budget"
    source.calls()
    assert len(source.hosts_of(budget=50).hosts) == COUNT
    assert len(source.calls()) == 1 + 2 + 1 + COUNT


# -- cache ---------------------------------------------------------------------------------------------------------


def cached(folder: pathlib.Path) -> dict[str, Any]:
    """Give the options of a cache in a folder."""
    return {
        "cache": True,
        "cache_plugin": "ansible.builtin.jsonfile",
        "cache_connection": str(folder / "cache"),
        "cache_timeout": 3600,
    }


def test_a_cache_saves_the_calls_until_it_expires_and_holds_no_secret(source: Source) -> None:
    """V3, design §8."""
    tokens = inline(source.sandbox)
    options = {**cached(source.folder), "devices": [{"name": "cps", "ca_path": source.sandbox.ca_path, **tokens}]}
    assert len(source.hosts_of(**options).hosts) == COUNT and len(source.calls()) == 5
    assert len(source.hosts_of(**options).hosts) == COUNT and source.calls() == []
    [file] = (source.folder / "cache").iterdir()
    for name in ("client_token", "client_secret", "access_token"):
        assert tokens[name] not in file.read_text() and tokens[name] not in file.name
    old = time.time() - DAY_S
    os.utime(file, (old, old))
    assert len(source.hosts_of(**options).hosts) == COUNT and len(source.calls()) == 5
    assert source.hosts_of(cache_read=False, **options).hosts and len(source.calls()) == 5


def test_another_device_another_contract_and_another_policy_are_other_caches(source: Source) -> None:
    options = cached(source.folder)
    assert len(source.hosts_of(**options).hosts) == COUNT
    assert len(source.hosts_of(**options, devices=[source.device(contracts=["C-1"])]).hosts) == COUNT / 2
    assert len(source.hosts_of(**options, devices=[source.device(cert_sync="monitored")]).groups["monitored"]) == COUNT
    assert len(list((source.folder / "cache").iterdir())) == 3


BAD_CACHES = ["", "no json", "{}", "null", "[1, 2]", '[{"certificate": "x"}]']


@pytest.mark.parametrize("content", [*BAD_CACHES, "bad date"])
def test_a_bad_cache_is_made_anew(source: Source, content: str) -> None:
    """V3: whatever wrote it."""
    options = cached(source.folder)
    source.hosts_of(**options)
    [file] = (source.folder / "cache").iterdir()
    if content == "bad date":
        # Newer cores keep JSON as a text in JSON.
        content = re.sub(r'(not_after\\*": \\*")2', r"\1x", file.read_text())
    file.write_text(content)
    source.calls()
    assert len(source.hosts_of(**options).hosts) == COUNT
    assert len(source.calls()) == 5
    assert len(source.hosts_of(**options).hosts) == COUNT and source.calls() == []


# -- names from outside --------------------------------------------------------------------------------------------


def test_names_from_outside_are_never_templates_and_never_lost(worker: Worker, tmp_path: pathlib.Path) -> None:
    """Design §8, V3: expressions, wildcards, names of other scripts, the same name twice."""
    names = ["{{ 7 * 7 }}.example.com", "*.example.com", "xn--bcher-kva.example.com", "*.example.com", "{% raw %}"]
    with start(SandboxOptions(limits=False, contracts=["C-1"])) as sandbox:
        for name in names:
            sandbox.seed(1, contracts=["C-1"], csr={"cn": name, "sans": [], "o": "{{ lookup('pipe', 'id') }}"})
        source = Source(worker, sandbox, tmp_path)
        inventory = source.hosts_of(
            hostnames=["cert_common_name"],
            compose={"copied": "cert_common_name"},
            keyed_groups=[{"key": "cert_common_name", "prefix": "cn"}],
        )
        assert sorted(inventory.hosts) == sorted(
            [
                "*.example.com",
                "*.example.com-10004",
                "__ 7 * 7 __.example.com",
                "_% raw %_",
                "xn--bcher-kva.example.com",
            ]
        )
        hostile = inventory.hosts["__ 7 * 7 __.example.com"]
        assert hostile["cert_common_name"] == hostile["copied"] == "{{ 7 * 7 }}.example.com"
        assert hostile["cert_sans"] == ["{{ 7 * 7 }}.example.com"]
        assert not any("49" in name or "{" in name for name in inventory.groups)
        as_groups = source.hosts_of(hostnames=["'managed'"])
        assert len(as_groups.hosts) == len(names) and "managed" not in as_groups.hosts
        all_alike = source.hosts_of(hostnames=["'same'"])
        assert len(all_alike.hosts) == len(names) and "same" in all_alike.hosts


# -- as AWX runs it ------------------------------------------------------------------------------------------------


def listed(source: pathlib.Path, environment: dict[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run ansible-inventory as AWX does: no terminal, failures fatal, an export."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(NOT_HANDED_ON)}
    as_awx = {
        "ANSIBLE_INVENTORY_UNPARSED_FAILED": "True",
        "ANSIBLE_INVENTORY_EXPORT": "True",
        "ANSIBLE_VERBOSE_TO_STDERR": "True",
        "AWX_PRIVATE_DATA_DIR": "/nowhere",
    }
    tool = str(pathlib.Path(sys.executable).with_name("ansible-inventory"))
    return subprocess.run(
        [tool, "-i", str(source), "--list", "--export", *arguments],
        env={**kept, **as_awx, **environment},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        start_new_session=True,
        check=False,
    )


def awx_credential(sandbox: Handle) -> dict[str, str]:
    """Give the variables that the credential of the guide sets."""
    names = {f"AKAMAI_{name.upper()}": value for name, value in inline(sandbox).items()}
    return {**names, "EDGECERT_CA_PATH": sandbox.ca_path}


def test_the_live_source_for_awx_works_as_shipped(sandbox: Handle, tmp_path: pathlib.Path) -> None:
    """V3, R: with the credential in the environment; nothing of it is in what is printed, however verbose."""
    environment = {**awx_credential(sandbox), "HOME": str(tmp_path)}
    done = listed(TOP / "extensions" / "awx" / "live.akamai_cps.yml", environment, "-vvvv")
    assert done.returncode == 0, done.stderr
    inventory = json.loads(done.stdout)
    assert len(inventory["monitored"]["hosts"]) == COUNT == len(inventory["_meta"]["hostvars"])
    assert {"contract_C_1", "validation_dv", "network_production", "pending"} <= set(inventory)
    assert "__ansible_unsafe" not in done.stdout
    for name in ("AKAMAI_CLIENT_TOKEN", "AKAMAI_CLIENT_SECRET", "AKAMAI_ACCESS_TOKEN"):
        assert environment[name] not in done.stdout + done.stderr
    assert len(sandbox.calls(reset=True)) == 2 * len(CONTRACTS) + 1


def test_the_live_source_without_a_credential_says_what_to_set(sandbox: Handle, tmp_path: pathlib.Path) -> None:
    """V3: a failed update, with one sentence."""
    done = listed(TOP / "extensions" / "awx" / "live.akamai_cps.yml", {"HOME": str(tmp_path)})
    assert done.returncode != 0 and "AKAMAI_CLIENT_SECRET" in done.stderr and "Traceback" not in done.stderr
    assert sandbox.calls() == []


def test_the_source_of_a_store_for_awx_works_as_shipped(sandbox: Handle, tmp_path: pathlib.Path) -> None:
    """V3, R."""
    bench = Bench(Account(sandbox, ["C-1"], FlowClock(sandbox)), tmp_path)
    bench.device(contracts=[])
    bench.close()
    done = listed(TOP / "extensions" / "awx" / "certificates.akamai_cps.yml", {"EDGECERT_STORE": bench.url})
    assert done.returncode == 0, done.stderr
    inventory = json.loads(done.stdout)
    assert len(inventory["managed"]["hosts"]) == COUNT == len(inventory["device_edge"]["hosts"])
    assert {"policy_default", "data_center_none", "validation_ev", "urgent"} <= set(inventory)
    assert "staged" not in inventory


def test_a_secret_may_stand_in_a_vault(sandbox: Handle, tmp_path: pathlib.Path) -> None:
    """D6: and is not shown by any verbosity."""
    password = tmp_path / "password"
    password.write_text("open sesame")
    tokens = inline(sandbox)
    tool = str(pathlib.Path(sys.executable).with_name("ansible-vault"))
    command = [tool, "encrypt_string", "--vault-password-file", str(password), "--name", "    client_secret"]
    vaulted = subprocess.run([*command, tokens["client_secret"]], capture_output=True, text=True, check=True).stdout
    source = tmp_path / "vault.akamai_cps.yml"
    rest = {name: tokens[name] for name in ("host", "client_token", "access_token")}
    lines = "".join(f"    {name}: {value}\n" for name, value in {**rest, "ca_path": sandbox.ca_path}.items())
    indented = vaulted.replace("\n          ", "\n            ")
    source.write_text(f"plugin: edgecert.clm.akamai_cps\nlive: true\ndevices:\n  - name: cps\n{lines}{indented}")
    done = listed(source, {"ANSIBLE_VAULT_PASSWORD_FILE": str(password)}, "-vvvv")
    assert done.returncode == 0, done.stderr
    assert len(json.loads(done.stdout)["managed"]["hosts"]) == COUNT
    assert tokens["client_secret"] not in done.stdout + done.stderr


def test_what_was_passed_over_is_a_warning(sandbox: Handle, tmp_path: pathlib.Path) -> None:
    """D7: and the rest is there."""
    sandbox.configure({"broken_enrollments": ["10001=no-name"], "inaccessible_contracts": ["C-2"]})
    environment = {**awx_credential(sandbox), "HOME": str(tmp_path)}
    done = listed(TOP / "extensions" / "awx" / "live.akamai_cps.yml", environment)
    assert done.returncode == 0, done.stderr
    assert len(json.loads(done.stdout)["_meta"]["hostvars"]) == COUNT / 2 - 1
    said = " ".join(done.stderr.split())
    assert "enrollment 10001" in said and "contract C-2" in said
