# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The store's contract: secrets at rest, the store key and its file."""

from __future__ import annotations

import base64
import os
import pathlib
import subprocess
import sys
from dataclasses import replace
from typing import Any

import pytest

from ansible_collections.edgecert.clm.plugins.module_utils._core.errors import InputError, StoreError
from ansible_collections.edgecert.clm.plugins.module_utils._core.redact import Secret
from ansible_collections.edgecert.clm.plugins.module_utils._core.types import AuditEntry, CaAccount, Certificate, Device
from ansible_collections.edgecert.clm.plugins.module_utils._store.seal import StoreKey
from ansible_collections.edgecert.clm.tests.support.postgres import server_binaries
from ansible_collections.edgecert.clm.tests.support.stores import KEY, StorePlace, in_processes, seal_one

HUSH = "hush-a-long-client-secret"
REKEYED = AuditEntry("a", "store_rekeyed", "store", "")
DEVICE = Device("cps", client_secret=Secret(HUSH), access_token=Secret(f"{HUSH}-token"), proxy=Secret(""))


def stored(place: StorePlace, key: StoreKey | None = None) -> None:
    """Store the device."""
    with place.open(key=key) as store, store.write() as unit:
        unit.devices.add(DEVICE)


def opened(device: Device) -> Device:
    """Open every secret of a device, while its store is open."""
    values: dict[str, Any] = {
        name: Secret(value.reveal()) for name, value in vars(device).items() if isinstance(value, Secret)
    }
    return replace(device, **values)


def read(place: StorePlace, key: StoreKey | None = None) -> Device | None:
    """Read the device back, with its secrets."""
    with place.open(key=key) as store, store.read() as unit:
        device = unit.devices.get("cps")
        return device and opened(device)


def test_a_dump_of_the_database_reveals_no_secret(place: StorePlace) -> None:
    with place.open() as store:
        with store.write() as unit:
            unit.devices.add(DEVICE)
            unit.audit(AuditEntry("a", "onboarded", "device", "cps", None, {"client_secret": Secret(HUSH)}))
        if place.is_sqlite:
            folder = pathlib.Path(place.url[len("sqlite:///") :]).parent
            files = sorted(folder.iterdir())
            assert "store.db-wal" in [file.name for file in files]
            dump = b"".join(file.read_bytes() for file in files)
        else:
            command = [str(server_binaries() / "pg_dump"), "--inserts", place.url]
            dump = subprocess.run(command, capture_output=True, check=True).stdout
        assert b"cps" in dump
        for secret in (HUSH, HUSH[::-1], HUSH.encode().hex(), base64.b64encode(HUSH.encode()).decode()[:20], KEY):
            assert secret.encode() not in dump


def test_a_sealed_value_is_different_each_time_and_each_place(place: StorePlace) -> None:
    with place.open() as store, store.write() as unit:
        unit.devices.add(Device("a", client_secret=Secret(HUSH), access_token=Secret(HUSH)))
        unit.devices.put(unit.devices.add(Device("b", client_secret=Secret(HUSH))))
    rows = place.execute("SELECT client_secret, access_token FROM devices")
    sealed = {bytes(value) for row in rows for value in row if value is not None}
    assert len(sealed) == 3


@pytest.mark.parametrize(
    "move",
    [
        "UPDATE devices SET client_secret = (SELECT client_secret FROM devices WHERE name = 'cps') WHERE name = 'b'",
        "UPDATE devices SET client_secret = access_token WHERE name = 'cps'",
        "UPDATE devices SET client_secret = (SELECT secrets FROM ca_accounts)",
        "UPDATE devices SET client_secret = (SELECT wrapped FROM seal)",
        "UPDATE devices SET name = 'renamed' WHERE name = 'cps'",
    ],
)
def test_a_sealed_value_moved_elsewhere_does_not_open(move: str, place: StorePlace) -> None:
    with place.open() as store, store.write() as unit:
        unit.devices.add(DEVICE)
        unit.devices.add(Device("b", client_secret=Secret("other")))
        unit.ca_accounts.add(CaAccount("cps", "own_ca", secrets=Secret("{}")))
    place.execute(move)
    with place.open() as store, store.read() as unit, pytest.raises(StoreError, match="does not open") as caught:
        for device in unit.devices.find():
            opened(device)
    assert caught.value.code == "store_damaged"
    assert HUSH not in str(caught.value)


@pytest.mark.parametrize("length", [0, 5, 13, 30])
def test_a_shortened_sealed_value_does_not_open(length: int, place: StorePlace) -> None:
    stored(place)
    place.execute(f"UPDATE devices SET client_secret = substr(client_secret, 1, {length})")
    with pytest.raises(StoreError, match="does not open"):
        read(place)


def test_a_wrong_key_is_found_out_before_anything_is_written(place: StorePlace) -> None:
    stored(place)
    wrong = StoreKey(Secret("another key"))
    with place.open(key=wrong) as store:
        with store.write() as unit:
            unit.certificates.add(Certificate("no-secret", "enrolled", "www.example.com"))
        with pytest.raises(StoreError) as caught, store.write() as unit:
            unit.certificates.add(Certificate("undone", "enrolled", "www.example.com"))
            unit.devices.add(Device("b", client_secret=Secret("other")))
        assert caught.value.code == "store_key_wrong"
        assert "another key" not in str(caught.value)
    with pytest.raises(StoreError) as caught:
        read(place, wrong)
    assert caught.value.code == "store_key_wrong"
    with place.open() as store, store.read() as unit:
        assert [one.name for one in unit.devices.find()] == ["cps"]
        assert [one.certificate_id for one in unit.certificates.find()] == ["no-secret"]


def test_a_rolled_back_first_secret_leaves_no_key_in_memory(place: StorePlace) -> None:
    with place.open() as store:
        with pytest.raises(KeyError), store.write() as unit:
            unit.devices.add(DEVICE)
            raise KeyError("a bug")
        with store.write() as unit:
            unit.devices.add(DEVICE)
    assert read(place) == Device(**{**vars(DEVICE), "version": 1})


def test_rekeying_changes_the_key_and_no_sealed_value(place: StorePlace) -> None:
    stored(place)
    before = place.execute("SELECT client_secret FROM devices")
    new = StoreKey(Secret(base64.b64encode(os.urandom(32)).decode()))
    with place.open() as store:
        store.rekey(new, REKEYED)
        with store.write() as unit:
            unit.devices.add(Device("b", client_secret=Secret("other")))
    assert place.execute("SELECT client_secret FROM devices WHERE name = 'cps'") == before
    found = read(place, new)
    assert found is not None
    assert found.client_secret == Secret(HUSH)
    with pytest.raises(StoreError) as caught:
        read(place)
    assert caught.value.code == "store_key_wrong"


def test_rekeying_needs_the_present_key_and_a_new_one(place: StorePlace) -> None:
    stored(place)
    with place.open(key=StoreKey(Secret("wrong"))) as store, pytest.raises(StoreError) as caught:
        store.rekey(StoreKey(Secret("new")), REKEYED)
    assert caught.value.code == "store_key_wrong"
    with place.open() as store, pytest.raises(StoreError) as caught:
        store.rekey(StoreKey(), REKEYED)
    assert caught.value.code == "store_key_missing"
    assert read(place) is not None


@pytest.mark.parametrize("write", [lambda key: key.hex(), lambda key: base64.b64encode(key).decode() + "\n"])
def test_a_key_file_serves_as_the_text_in_it(write: object, place: StorePlace, tmp_path: pathlib.Path) -> None:
    raw = os.urandom(32)
    file = tmp_path / "key"
    file.write_text(write(raw) if callable(write) else "")
    file.chmod(0o600)
    stored(place, StoreKey(path=str(file)))
    assert read(place, StoreKey(Secret(raw.hex()))) is not None


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o644])
def test_a_key_file_that_others_can_reach_is_refused(mode: int, place: StorePlace, tmp_path: pathlib.Path) -> None:
    file = tmp_path / "key"
    file.write_text("some key")
    file.chmod(mode)
    with pytest.raises(StoreError, match=f"chmod 600 {file}") as caught:
        stored(place, StoreKey(path=str(file)))
    assert caught.value.code == "store_key_exposed"


@pytest.mark.parametrize(("content", "code"), [(b"  \n", "store_key_missing"), (b"\xff\xfe\x00", "store_key_wrong")])
def test_a_key_file_without_a_key_is_refused(
    content: bytes, code: str, place: StorePlace, tmp_path: pathlib.Path
) -> None:
    file = tmp_path / "key"
    file.write_bytes(content)
    file.chmod(0o600)
    with pytest.raises(StoreError) as caught:
        stored(place, StoreKey(path=str(file)))
    assert caught.value.code == code


def test_a_named_key_file_is_never_made(place: StorePlace, tmp_path: pathlib.Path) -> None:
    with pytest.raises(StoreError) as caught:
        stored(place, StoreKey(path=str(tmp_path / "none")))
    assert caught.value.code == "store_key_missing"
    assert not (tmp_path / "none").exists()


def test_a_key_given_twice_is_refused(place: StorePlace) -> None:
    with pytest.raises(InputError, match="given twice"):
        stored(place, StoreKey(Secret("key"), "/some/file"))


def test_sqlite_makes_a_key_file_beside_itself_at_the_first_secret(tmp_path: pathlib.Path) -> None:
    place = StorePlace(f"sqlite:///{tmp_path}/store.db", StoreKey())
    file = tmp_path / "store.db.key"
    with place.open() as store:
        assert not file.exists()
        with store.write() as unit:
            unit.devices.add(DEVICE)
    assert file.stat().st_mode & 0o777 == 0o600
    assert len(base64.b64decode(file.read_text())) == 32
    assert read(place) is not None


def test_a_lost_key_file_is_told_and_not_made_anew(tmp_path: pathlib.Path) -> None:
    place = StorePlace(f"sqlite:///{tmp_path}/store.db", StoreKey())
    stored(place)
    file = tmp_path / "store.db.key"
    file.rename(tmp_path / "away")
    with pytest.raises(StoreError) as caught:
        read(place)
    assert caught.value.code == "store_key_missing"
    with pytest.raises(StoreError), place.open() as store, store.write() as unit:
        unit.devices.add(Device("b", client_secret=Secret("x")))
    assert not file.exists()


@pytest.mark.postgres
def test_postgresql_without_a_key_is_refused_at_once(postgres_url: str) -> None:
    with (
        pytest.raises(StoreError, match="store_key or store_key_file") as caught,
        StorePlace(postgres_url).open(key=StoreKey()),
    ):
        pass
    assert caught.value.code == "store_key_missing"


def test_a_call_without_secrets_imports_no_cryptography(place: StorePlace) -> None:
    stored(place)
    program = (
        "import sys\n"
        "from ansible_collections.edgecert.clm.tests.support.stores import StorePlace\n"
        f"with StorePlace({place.url!r}).open() as store, store.write() as unit:\n"
        "    unit.certificates.find()\n"
        "    [device] = unit.devices.find()\n"
        "    unit.devices.put(device)\n"
        "    unit.requests.count()\n"
        "assert 'cryptography' not in sys.modules\n"
        "assert 'hashlib' in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True)


@pytest.mark.slow
def test_eight_processes_agree_on_one_data_key(place: StorePlace) -> None:
    in_processes(seal_one, place.url, 8)
    with place.open() as store, store.read() as unit:
        secrets = {one.name: opened(one).client_secret for one in unit.devices.find()}
    assert secrets == {f"device-{number}": Secret(f"hush-{number}") for number in range(8)}
