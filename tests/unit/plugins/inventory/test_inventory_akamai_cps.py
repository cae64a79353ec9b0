# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The inventory plugin over a real store: hosts, groups, names, filters, constructed features, cache, errors."""

from __future__ import annotations

import json
import os
import pathlib
import subprocess
import sys
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
import yaml

from ansible_collections.edgecert.clm.plugins.module_utils._core.clock import SystemClock
from ansible_collections.edgecert.clm.plugins.module_utils._core.governance import Group
from ansible_collections.edgecert.clm.plugins.module_utils._core.types import Certificate
from ansible_collections.edgecert.clm.plugins.module_utils._store.base import Store
from ansible_collections.edgecert.clm.plugins.module_utils._store.open import open_store
from ansible_collections.edgecert.clm.plugins.module_utils._store.seal import StoreKey
from ansible_collections.edgecert.clm.tests.benchmarks import inventory_seed
from ansible_collections.edgecert.clm.tests.support.inventory_worker import Parsed, Worker

# Of 100: numbers 20, 40, … and 1, 21, … are on the monitored device, 2, 22, … on the ignored one.
COUNT = 100


def _open(folder: pathlib.Path) -> Store:
    return open_store(f"sqlite:///{folder}/clm.db", StoreKey(), SystemClock(), "test")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    folder: pathlib.Path = tmp_path_factory.mktemp("inventory")
    store, now = _open(folder), SystemClock().now()
    inventory_seed.fill(store, COUNT, now)
    with store.write() as unit:
        unit.certificates.add(Certificate("new.example.com", "enrolled", "new.example.com", device="cps-managed"))
        gone = inventory_seed.certificate(1000, now + timedelta(days=60), "cps-managed")
        unit.certificates.add(Certificate(**{**vars(gone), "state": "vanished"}))
        hostile = inventory_seed.certificate(1001, now, "cps-managed")
        unsafe = {"issuer": "{{ 1 + 1 }}", "attributes": {"note": "{{ 1 + 1 }}", "{{ 2 }}": "x"}}
        unit.certificates.add(Certificate(**{**vars(hostile), **unsafe}))
        old = inventory_seed.certificate(1002, now, "cps-managed")
        unit.certificates.add(Certificate(**{**vars(old), "state": "superseded", "group": "eager"}))
        unit.groups.add(Group("eager", expiry_warning_days=60))
        for number in (34, 90):
            known = unit.certificates.get(f"www{number}.example.com")
            assert known is not None
            unit.certificates.put(Certificate(**{**vars(known), "group": "eager"}))
    store.close()
    return folder


@pytest.fixture(scope="module")
def worker() -> Iterator[Worker]:
    with Worker() as worker:
        yield worker


class Source:
    """Writes a source file over a store and parses it."""

    def __init__(self, worker: Worker, store_folder: pathlib.Path, folder: pathlib.Path) -> None:
        self.worker, self.folder = worker, folder
        self.store = f"sqlite:///{store_folder}/clm.db"

    def parse(self, *, cache_read: bool = True, **options: Any) -> Parsed:
        source = self.folder / "certificates.akamai_cps.yml"
        source.write_text(yaml.safe_dump({"plugin": "edgecert.clm.akamai_cps", "store": self.store, **options}))
        return self.worker.parse(source, cache=cache_read)

    def hosts_of(self, **options: Any) -> Parsed:
        parsed = self.parse(**options)
        assert parsed.error == ""
        return parsed


@pytest.fixture
def source(worker: Worker, folder: pathlib.Path, tmp_path: pathlib.Path) -> Source:
    return Source(worker, folder, tmp_path)


def _members(parsed: Parsed, group: str) -> set[str]:
    return set(parsed.groups.get(group, []))


def test_managed_and_monitored_certificates_are_hosts_and_ignored_or_vanished_ones_are_not(source: Source) -> None:
    """V3, D5."""
    inventory = source.hosts_of()
    assert "www3.example.com" in _members(inventory, "managed")
    assert "www1.example.com" in _members(inventory, "monitored")
    assert "www2.example.com" not in inventory.hosts
    assert "www1000.example.com" not in inventory.hosts
    assert len(inventory.hosts) == COUNT - 5 + 2


def test_groups_tell_expired_expiring_and_pending(source: Source) -> None:
    """V3."""
    inventory = source.hosts_of(expiring_days=20)
    assert _members(inventory, "expired") == {"www50.example.com", "www100.example.com"}
    assert "www14.example.com" in _members(inventory, "expiring")
    assert "www15.example.com" not in _members(inventory, "expiring")
    assert not _members(inventory, "expiring") & _members(inventory, "expired")
    assert _members(inventory, "pending") == {"www40.example.com", "www80.example.com", "new.example.com"}


def test_expiring_goes_by_the_groups_warning_unless_the_source_says_otherwise(source: Source) -> None:
    """V3, G: 39 days are left for www34, 40 for www35, 95 for www90; the group eager warns 60 days before."""
    by_group = _members(source.hosts_of(), "expiring")
    assert {"www24.example.com", "www34.example.com"} <= by_group
    assert not by_group & {"www25.example.com", "www35.example.com", "www90.example.com"}
    by_source = _members(source.hosts_of(expiring_days=41), "expiring")
    assert {"www34.example.com", "www35.example.com"} <= by_source and "www36.example.com" not in by_source
    assert "www34.example.com" not in _members(source.hosts_of(expiring_days=30), "expiring")


def test_group_and_attributes_are_variables_to_group_by(source: Source) -> None:
    """V3, E1, E19."""
    inventory = source.hosts_of(
        keyed_groups=[{"key": "cert_group", "prefix": "policy"}, {"key": "cert_attributes.team", "prefix": ""}]
    )
    assert _members(inventory, "policy_eager") == {"www34.example.com", "www90.example.com"}
    assert "www3.example.com" in _members(inventory, "_team_3")
    own = inventory.hosts["www34.example.com"]
    assert (own["cert_group"], own["cert_expiry_warning_days"], own["cert_attachments"]) == ("eager", 60, 0)
    assert own["cert_production_days_left"] == own["cert_days_left"] == 39


def test_superseded_ones_are_left_out_unless_asked_for(source: Source) -> None:
    """V3."""
    assert "www1002.example.com" not in source.hosts_of().hosts
    for filters in ({"state": "superseded"}, {"certificate": "www1002.example.com"}):
        assert list(source.hosts_of(filters=filters).hosts) == ["www1002.example.com"]


def test_variables_bear_the_prefix_and_the_words_of_cert_info(source: Source) -> None:
    variables = source.hosts_of().hosts["www3.example.com"]
    magic = ("inventory_", "group_names")
    own = {name: value for name, value in variables.items() if not name.startswith(magic)}
    assert all(name.startswith("cert_") for name in own)
    assert own["cert_id"] == own["cert_common_name"] == "www3.example.com"
    assert own["cert_sync"] == "managed"
    assert own["cert_days_left"] == 8
    assert own["cert_expired"] is False
    assert own["cert_networks"] == ["staging", "production"]
    assert own["cert_attributes"] == {"team": "team-3"}


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        ({"sync": "monitored"}, 10),
        ({"sync": ["ignored"]}, 5),
        ({"device": "cps-monitored", "expires_within_days": 10}, 2),
        ({"certificate": "www3.example.com"}, 1),
        ({"state": "vanished"}, 1),
        ({"state": "pending"}, 1),
        ({"network": "production", "device": "cps-managed"}, COUNT - 15 + 1),
        ({"ca": "nobody"}, 0),
        ({"attributes": {"team": "team-3"}, "expires_within_days": 60}, 8),
        ({"attributes": {"team": "~team-[34]"}, "group": "eager"}, 0),
        ({"attributes": {"team": "~team-\\d"}, "group": "eager"}, 2),
        ({"expiring": True, "group": ["eager"]}, 1),
        ({"enrollment_id": 10003}, 1),
        ({"attachment": "order"}, 0),
        ({"tracking_id": "CHG-1"}, 0),
    ],
)
def test_filters_narrow_down(source: Source, filters: dict[str, Any], expected: int) -> None:
    """V3."""
    assert len(source.hosts_of(filters=filters).hosts) == expected


def test_constructed_features_work_as_users_know_them(source: Source) -> None:
    """V3."""
    inventory = source.hosts_of(
        strict=True,
        compose={"cert_weeks_left": "(cert_days_left | default(0, true)) // 7"},
        groups={"short": "(cert_weeks_left | int) < 2", "rsa": "cert_key_algorithm == 'RSA'"},
        keyed_groups=[{"key": "cert_device", "prefix": "device"}, {"key": "cert_sync", "separator": ""}],
    )
    # Before ansible-core 2.19 a template gives text.
    assert int(inventory.hosts["www30.example.com"]["cert_weeks_left"]) == 5
    assert "www3.example.com" in _members(inventory, "short")
    assert "www30.example.com" not in _members(inventory, "short")
    assert "new.example.com" not in _members(inventory, "rsa")
    assert _members(inventory, "device_cps_monitored") == _members(inventory, "monitored")


def test_an_expression_that_fails_is_an_error_only_when_strict(source: Source) -> None:
    assert source.hosts_of(compose={"x": "cert_nothing.at_all"}).hosts
    assert "cert_nothing" in source.parse(strict=True, compose={"x": "cert_nothing.at_all"}).error


def test_hosts_are_named_by_variable_or_expression_and_never_twice_the_same(source: Source) -> None:
    named = source.hosts_of(hostnames=["cert_enrollment_id"])
    assert "10003" in named.hosts
    assert "new.example.com" in named.hosts
    by_expression = source.hosts_of(hostnames=["cert_common_name | replace('.', '-')"])
    assert "www3-example-com" in by_expression.hosts
    clashing = source.hosts_of(hostnames=["cert_device"])
    assert len(clashing.hosts) == len(named.hosts)
    assert "cps-managed" in clashing.hosts


def test_a_remote_text_is_never_a_template(source: Source) -> None:
    inventory = source.hosts_of(compose={"copied": "cert_issuer"})
    assert inventory.hosts["www1001.example.com"]["cert_issuer"] == "{{ 1 + 1 }}"
    assert inventory.hosts["www1001.example.com"]["copied"] == "{{ 1 + 1 }}"
    assert inventory.hosts["www1001.example.com"]["cert_attributes"] == {"note": "{{ 1 + 1 }}", "{{ 2 }}": "x"}


def test_the_cache_is_used_also_when_it_is_empty_and_days_are_counted_anew(
    worker: Worker, tmp_path: pathlib.Path
) -> None:
    cached: dict[str, Any] = {
        "cache": True,
        "cache_plugin": "ansible.builtin.jsonfile",
        "cache_connection": str(tmp_path / "cache"),
    }
    own = Source(worker, tmp_path, tmp_path)
    store = _open(tmp_path)
    assert own.hosts_of(**cached).hosts == {}
    inventory_seed.fill(store, 5, SystemClock().now())
    store.close()
    assert own.hosts_of(**cached).hosts == {}
    assert len(own.hosts_of(cache_read=False, **cached).hosts) == 4
    (tmp_path / "clm.db").unlink()
    cached_one = own.hosts_of(**cached).hosts["www3.example.com"]
    assert cached_one["cert_days_left"] == cached_one["cert_production_days_left"] == 8
    assert "AnsibleParserError" in own.parse(**{**cached, "filters": {"sync": "managed"}}).error


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"filters": {"colour": "red"}}, "no filter colour"),
        ({"filters": {"sync": "sometimes"}}, "sometimes"),
        ({"filters": {"device": 5, "state": 5}}, "state '5'"),
        ({"filters": {"attributes": {"team": "~("}}}, "no pattern"),
        ({"filters": {"expiring": "soon"}}, "neither true nor false"),
        ({"filters": {"expires_within_days": "soon"}}, "soon"),
        ({"store": "sqlite:////nowhere/at/all.db"}, "no such file"),
        ({"store": "mysql://host/db"}, "no back end"),
    ],
)
def test_a_mistake_is_one_parser_error_that_says_what_to_do(
    source: Source, options: dict[str, Any], words: str
) -> None:
    error = source.parse(**options).error
    assert error.startswith("AnsibleParserError: ")
    assert words in error


@pytest.mark.parametrize("name", ["x.akamai_cps.yml", "akamai_cps.yaml", "other.yml", "akamai_cps.json"])
def test_only_files_of_that_name_are_taken(worker: Worker, tmp_path: pathlib.Path, name: str) -> None:
    (tmp_path / name).write_text("plugin: edgecert.clm.akamai_cps\n")
    assert worker.parse(tmp_path / name).taken is name.endswith(("akamai_cps.yml", "akamai_cps.yaml"))


def test_ansible_inventory_lists_the_certificates(folder: pathlib.Path, tmp_path: pathlib.Path) -> None:
    """V3; the store comes from the environment, as for the modules."""
    source = tmp_path / "akamai_cps.yml"
    source.write_text("plugin: edgecert.clm.akamai_cps\n")
    environment = {
        **os.environ,
        "EDGECERT_STORE": f"sqlite:///{folder}/clm.db",
        "ANSIBLE_INVENTORY_ENABLED": "edgecert.clm.akamai_cps",
        "ANSIBLE_INVENTORY_UNPARSED_FAILED": "true",
    }
    command = [str(pathlib.Path(sys.executable).with_name("ansible-inventory")), "-i", str(source), "--list"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    listed = json.loads(done.stdout)
    assert "www3.example.com" in listed["managed"]["hosts"]
    assert "store" not in done.stderr.lower()
