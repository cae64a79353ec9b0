# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Changing the store key: what opens the store afterwards, and that no moment to be killed at locks it."""

from __future__ import annotations

import base64
import os
import pathlib
import subprocess
import sys
from typing import Any

import pytest

from ansible_collections.edgecert.clm.plugins.module_utils._core.errors import StoreError
from ansible_collections.edgecert.clm.plugins.module_utils._core.redact import Secret
from ansible_collections.edgecert.clm.plugins.module_utils._core.types import AuditEntry, Device
from ansible_collections.edgecert.clm.plugins.module_utils._store.seal import StoreKey
from ansible_collections.edgecert.clm.tests.support.stores import StorePlace, care

HUSH = "hush-a-long-client-secret"
NEW = base64.b64encode(bytes(range(32))).decode()


def sealed(place: StorePlace) -> None:
    """Store a device with a secret."""
    with place.open() as store, store.write() as unit:
        unit.devices.add(Device("cps", client_secret=Secret(HUSH)))


def opens(place: StorePlace) -> bool:
    """Say whether the device's secret opens."""
    with place.open() as store, store.read() as unit:
        device = unit.devices.get("cps")
        assert device is not None and device.client_secret is not None
        try:
            return device.client_secret.reveal() == HUSH
        except StoreError as exc:
            assert exc.code == "store_key_wrong"
            return False


@pytest.fixture
def own(tmp_path: pathlib.Path) -> StorePlace:
    """Give a store that keeps its own key file."""
    place = StorePlace(f"sqlite:///{tmp_path}/store.db", StoreKey())
    sealed(place)
    return place


def key_file(place: StorePlace, suffix: str = "") -> pathlib.Path:
    """Give the path of one of a store's own key files."""
    return pathlib.Path(f"{place.url[len('sqlite:///') :]}.key{suffix}")


def test_the_old_key_stops_opening_and_the_audit_has_a_line(place: StorePlace, tmp_path: pathlib.Path) -> None:
    sealed(place)
    told = care(place, "rekey", check=True, new_store_key=NEW)
    assert told["changed"] is True
    assert opens(place)
    done = care(place, "rekey", new_store_key=NEW)
    assert (done["changed"], done["store"], done["steps"]) == (True, told["store"], told["steps"])
    assert "give the new key" in done["notice"]
    assert NEW not in str(done)
    assert not opens(place)
    file = tmp_path / "key"
    file.write_text(NEW)
    file.chmod(0o600)
    new = StorePlace(place.url, StoreKey(path=str(file)))
    assert opens(new)
    with new.open() as store:
        with store.read() as unit:
            assert [row.entry.action for row in unit.audit_rows()] == ["store_rekeyed"]
        assert store.verify_audit() == []


def test_a_new_key_may_come_from_a_file(place: StorePlace, tmp_path: pathlib.Path) -> None:
    sealed(place)
    file = tmp_path / "new"
    file.write_text("some other text\n")
    file.chmod(0o644)
    assert care(place, "rekey", new_store_key_file=str(file))["failure"]["code"] == "store_key_exposed"
    file.chmod(0o600)
    assert care(place, "rekey", new_store_key_file=str(file))["changed"] is True
    assert opens(StorePlace(place.url, StoreKey(Secret("some other text"))))


def test_what_is_wrong_with_a_key_is_told_and_nothing_is_changed(place: StorePlace, tmp_path: pathlib.Path) -> None:
    sealed(place)
    wrong = StorePlace(place.url, StoreKey(Secret("another store's key")))
    present = place.key.text
    assert present is not None
    cases: list[tuple[StorePlace, dict[str, Any], str]] = [
        (place, {}, "store_key_missing"),
        (wrong, {"new_store_key": NEW}, "store_key_wrong"),
        (place, {"new_store_key": present.reveal()}, "invalid_input"),
        (place, {"new_store_key": NEW, "new_store_key_file": "/nowhere/key"}, "invalid_input"),
        (place, {"new_store_key_file": f"{tmp_path}/nowhere"}, "store_key_missing"),
        (place, {"new_store_key": "   "}, "store_key_missing"),
        (place, {"new_store_key": NEW, "path": "/x"}, "invalid_input"),
    ]
    before = place.execute("SELECT salt, wrapped FROM seal")
    for at, options, code in cases:
        for check in (True, False):
            refused = care(at, "rekey", check=check, **options)
            assert refused.get("failure", {}).get("code") == code, refused
            assert NEW not in str(refused)
    assert place.execute("SELECT salt, wrapped FROM seal") == before
    assert place.execute("SELECT COUNT(*) FROM audit") == [(0,)]


def test_a_store_with_a_key_file_of_its_own_makes_another_key(own: StorePlace) -> None:
    before = key_file(own).read_text()
    done = care(own, "rekey")
    assert done["changed"] is True, done
    assert ".old" in done["notice"]
    assert opens(own)
    now = key_file(own).read_text()
    assert now != before
    assert len(base64.b64decode(now)) == 32
    assert key_file(own, ".old").read_text() == before
    assert not key_file(own, ".new").exists()
    assert {key_file(own, end).stat().st_mode & 0o777 for end in ("", ".old")} == {0o600}
    assert not opens(StorePlace(own.url, StoreKey(path=str(key_file(own, ".old")))))


def test_a_key_given_to_such_a_store_goes_into_its_key_file(own: StorePlace) -> None:
    assert care(own, "rekey", new_store_key=NEW)["changed"] is True
    assert key_file(own).read_text().strip() == NEW
    assert opens(own)


def test_a_backup_taken_before_needs_the_key_of_then(own: StorePlace, tmp_path: pathlib.Path) -> None:
    care(own, "backup", path=f"{tmp_path}/before.backup")
    care(own, "rekey")
    given = StorePlace(f"sqlite:///{tmp_path}/other.db", StoreKey(path=str(key_file(own))))
    assert care(given, "restore", path=f"{tmp_path}/before.backup")["failure"]["code"] == "store_key_wrong"
    given.key = StoreKey(path=str(key_file(own, ".old")))
    assert care(given, "restore", path=f"{tmp_path}/before.backup")["changed"] is True
    assert opens(given)


def test_init_with_a_key_makes_the_data_key_at_once(place: StorePlace) -> None:
    """So that a login that may not write it can store the first secret, and a wrong key is found out from then on."""
    assert care(place, "init")["changed"] is True
    assert place.execute("SELECT COUNT(*) FROM seal") == [(1,)]
    assert care(place, "init")["changed"] is False


# Each step a rekeying of a store with its own key file takes, by what it calls and how often before.
STEPS = [
    ("seal.os.replace", 1),
    ("files.sync", 1),
    ("files.sync", 2),
    ("seal.Seal._store", 1),
    ("audit.AuditChain.append", 1),
    ("audit.AuditChain.finish", 1),
    ("seal.Seal.settle", 2),
    ("seal.os.replace", 2),
    ("files.sync", 3),
    ("seal.os.replace", 3),
    ("seal.sync", 1),
    ("seal.Seal.adopt", 1),
]
PROGRAM = """
import os
from ansible_collections.edgecert.clm.plugins.module_utils._core import files
from ansible_collections.edgecert.clm.plugins.module_utils._core.redact import Secret
from ansible_collections.edgecert.clm.plugins.module_utils._core.types import AuditEntry
from ansible_collections.edgecert.clm.plugins.module_utils._store import audit, seal
from ansible_collections.edgecert.clm.plugins.module_utils._store.seal import StoreKey
from ansible_collections.edgecert.clm.tests.support.stores import StorePlace
made, original = 0, {step}
def killed(*arguments):
    global made
    made += 1
    if made == {count}:
        os._exit(9)
    return original(*arguments)
{step} = killed
with StorePlace({url!r}, StoreKey()).open() as store:
    store.rekey(StoreKey(Secret({new!r})), AuditEntry("a", "store_rekeyed", "store", ""))
os._exit(0)
"""


@pytest.mark.parametrize(("step", "count"), STEPS)
def test_killed_at_any_step_the_store_opens_and_can_be_rekeyed_again(step: str, count: int, own: StorePlace) -> None:
    program = PROGRAM.format(step=step, count=count, url=own.url, new=NEW)
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 9
    assert opens(own)
    with own.open() as store, store.write() as unit:
        unit.devices.add(Device("sealed after", client_secret=Secret("x")))
        assert store._seal.is_own_file_used
    for _again in range(2):
        assert care(own, "rekey")["changed"] is True
        assert opens(own)
        assert not key_file(own, ".new").exists()
    with own.open() as store:
        assert store.verify_audit() == []


def test_who_reads_the_key_file_while_it_is_replaced_opens_the_store(own: StorePlace) -> None:
    """A unit that began before sees the data key as it was wrapped then, and the file as it is now."""
    with own.open() as store, store.read() as unit:
        device = unit.devices.get("cps")
        assert device is not None and device.client_secret is not None
        with own.open() as another:
            another.rekey(StoreKey(Secret(NEW)), AuditEntry("a", "store_rekeyed", "store", ""))
        assert device.client_secret.reveal() == HUSH


def test_a_key_file_that_fits_no_more_is_never_put_in_its_place(own: StorePlace) -> None:
    """What a stopped rekeying left behind is no key until it was committed."""
    key_file(own, ".new").write_text(NEW)
    os.chmod(key_file(own, ".new"), 0o600)
    before = key_file(own).read_text()
    assert care(own, "rekey")["changed"] is True
    assert key_file(own, ".old").read_text() == before
    assert key_file(own).read_text().strip() != NEW
    assert opens(own)
