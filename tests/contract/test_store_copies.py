# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Backup and restore through ``clm_store``, on every back end, from each into each."""

from __future__ import annotations

import pathlib
import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest

from ansible_collections.edgecert.clm.plugins.module_utils._core.governance import Attachment, Group
from ansible_collections.edgecert.clm.plugins.module_utils._core.redact import Secret
from ansible_collections.edgecert.clm.plugins.module_utils._core.types import AuditEntry, Certificate
from ansible_collections.edgecert.clm.plugins.module_utils._store import backup
from ansible_collections.edgecert.clm.plugins.module_utils._store.schema import MIGRATIONS
from ansible_collections.edgecert.clm.plugins.module_utils._store.seal import StoreKey
from ansible_collections.edgecert.clm.plugins.module_utils._store.tables import TABLES
from ansible_collections.edgecert.clm.tests.support.old_stores import DEVICE_SECRET, make_schema_1
from ansible_collections.edgecert.clm.tests.support.stores import KEY, StorePlace, care, count_up, in_processes

NEWEST = len(MIGRATIONS)
LATE = datetime(2126, 1, 1, tzinfo=timezone.utc)


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def other(request: pytest.FixtureRequest, tmp_path: pathlib.Path) -> Iterator[StorePlace]:
    """Give an empty place to restore into, once for each back end."""
    if request.param == "sqlite":
        yield StorePlace(f"sqlite:///{tmp_path}/other/store.db")
        return
    cluster = request.getfixturevalue("postgres_cluster")
    url = cluster.new_database()
    yield StorePlace(url)
    cluster.drop(url)


@pytest.fixture
def file(tmp_path: pathlib.Path) -> pathlib.Path:
    """Give the path of a backup."""
    return tmp_path / "clm.backup"


def fill(place: StorePlace) -> None:
    """Put something of every kind into a store, a held lease and counted calls too."""
    make_schema_1(place)
    with place.open(migrate=True) as store, store.write() as unit:
        unit.groups.add(Group("shop", allowed={"country": ["GB"]}, auto_approve=True, renewal_window_days=20))
        unit.attachments.add(Attachment("www.example.com aa", "www.example.com", "a.txt", content=Secret("YQ==")))
        unit.certificates.add_many([Certificate(f"c-{n:04}", "discovered", "x.example.com") for n in range(1_100)])
        unit.audit(AuditEntry("ada", "group_added", "group", "shop"))
    place.execute("INSERT INTO leases VALUES ('x', 'a job that died', 't', '2026-01-01T00:00:00.000000+00:00')")


def everything(place: StorePlace) -> dict[str, list[Any]]:
    """Read every record with its secrets open, and the audit."""
    with place.open() as store, store.read() as unit:
        found: dict[str, list[Any]] = {}
        for table in TABLES:
            records = getattr(unit, table.name).find()
            found[table.name] = [
                replace(one, **{k: Secret(v.reveal()) for k, v in vars(one).items() if isinstance(v, Secret)})
                for one in records
            ]
        found["audit"] = list(unit.audit_rows())
        return found


def rows(place: StorePlace) -> dict[str, list[Any]]:
    """Read everything as it stands in the tables."""
    names = [table.name for table in TABLES] + ["meta", "seal", "leases", "ledger", "audit"]
    return {name: sorted(map(repr, place.execute(f'SELECT * FROM "{name}"'))) for name in names}


def test_a_backup_of_either_back_end_restores_into_either(
    place: StorePlace, other: StorePlace, file: pathlib.Path
) -> None:
    """W6+: with its audit, which goes on with the line about the restore."""
    fill(place)
    before = everything(place)
    taken = care(place, "backup", path=str(file))
    assert taken["changed"] is True
    assert taken["store"]["file"]["path"] == str(file)
    assert taken["store"]["file"]["records"] == taken["store"]["records"]
    assert "not the store key" in taken["notice"]
    restored = care(other, "restore", path=str(file))
    assert restored["changed"] is True, restored
    assert restored["store"]["file"]["taken_at"]
    after = everything(other)
    line = after["audit"].pop()
    assert after == before
    assert (line.entry.action, line.entry.after["path"]) == ("store_restored", str(file))
    assert other.execute("SELECT COUNT(*) FROM leases UNION ALL SELECT COUNT(*) FROM ledger") == [(0,), (0,)]
    assert care(other, "verify")["problems"] == []
    with other.open() as store, store.write() as unit:
        device = unit.devices.get("edge")
        assert device is not None
        assert device.client_secret == Secret(DEVICE_SECRET)
        unit.devices.put(replace(device, client_token=Secret("another")))


def test_check_mode_says_what_is_going_to_be_and_does_nothing(
    place: StorePlace, other: StorePlace, file: pathlib.Path
) -> None:
    fill(place)
    told = care(place, "backup", check=True, diff=True, path=str(file))
    assert not file.exists()
    assert told["diff"]["before"].get("file") is None
    done = care(place, "backup", diff=True, path=str(file))
    assert (told["store"], told["steps"], told["diff"]) == (done["store"], done["steps"], done["diff"])
    told = care(other, "restore", check=True, diff=True, path=str(file))
    assert care(other, "info")["failure"]["code"] == "store_missing"
    done = care(other, "restore", diff=True, path=str(file))
    assert (told["changed"], told["store"], told["diff"]) == (True, done["store"], done["diff"])


def test_a_store_is_backed_up_before_its_migration_and_migrated_when_restored(
    place: StorePlace, other: StorePlace, file: pathlib.Path
) -> None:
    make_schema_1(place)
    taken = care(place, "backup", path=str(file))
    assert taken["store"]["schema"] == 1, taken
    bytes_before = file.read_bytes()
    restored = care(other, "restore", path=str(file))
    assert " of schema 1 into the store " in restored["steps"][0]
    assert restored["steps"][0].endswith(f" and migrate it to schema {NEWEST}")
    assert restored["store"]["schema"] == NEWEST
    assert file.read_bytes() == bytes_before
    migrated = care(place, "migrate")
    assert migrated["changed"] is True
    left, right = everything(place), everything(other)
    assert [left.pop("audit")[-1].entry.action, right.pop("audit")[-1].entry.action] == [
        "store_migrated",
        "store_restored",
    ]
    assert left == right


def test_a_backup_is_its_owners_alone_and_holds_no_key(tmp_path: pathlib.Path, file: pathlib.Path) -> None:
    place = StorePlace(f"sqlite:///{tmp_path}/clm/store.db", StoreKey())
    with place.open() as store, store.write() as unit:
        unit.groups.add(Group("shop"))
        unit.attachments.add(Attachment("a", "www.example.com", "a.txt", content=Secret("hush-hush-hush")))
    care(place, "backup", path=str(file))
    key = (tmp_path / "clm" / "store.db.key").read_text().strip()
    assert file.stat().st_mode & 0o777 == 0o600
    for word in (key, "hush-hush-hush", KEY):
        assert word.encode() not in file.read_bytes()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["clm", "clm.backup"]


@pytest.mark.slow
def test_backups_taken_while_others_write_are_of_one_moment(place: StorePlace, tmp_path: pathlib.Path) -> None:
    """Each write adds one to a count, one record and one line of the audit; a backup holds as many of each."""
    with place.open() as store, store.write() as unit:
        unit.certificates.add(Certificate("shared", "enrolled", "shared.example.com"))
    working = threading.Thread(target=in_processes, args=(count_up, place.url, 4, 25))
    working.start()
    counts: list[int] = []
    while working.is_alive():
        path = tmp_path / f"{len(counts)}.backup"
        taken = care(place, "backup", path=str(path))
        assert "failed" not in taken, taken
        copy = StorePlace(f"sqlite:///{path}")
        count = copy.execute("SELECT san_count FROM certificates WHERE certificate_id = 'shared'")[0][0]
        assert copy.execute("SELECT COUNT(*) FROM certificates WHERE certificate_id LIKE 'own-%'") == [(count,)]
        assert copy.execute("SELECT COUNT(*) FROM audit") == [(count,)]
        with copy.open() as store:
            assert store.verify_audit() == []
        counts.append(count)
    working.join()
    assert len(set(counts)) > 2, "no backup was taken in between"
    with place.open() as store:
        assert store.describe()["records"]["audit"] == 100


def test_a_store_that_holds_something_is_replaced_only_when_told_to(place: StorePlace, file: pathlib.Path) -> None:
    fill(place)
    care(place, "backup", path=str(file))
    before = everything(place)
    with place.open() as store, store.write() as unit:
        unit.groups.add(Group("made after the backup"))
        unit.audit(AuditEntry("ada", "group_added", "group", "made after the backup"))
    present = rows(place)
    refused = care(place, "restore", path=str(file))
    assert refused["failure"]["code"] == "store_not_empty"
    assert "force: true" in refused["msg"]
    assert rows(place) == present
    assert care(place, "restore", path=str(file), force=True)["changed"] is True
    after = everything(place)
    assert after.pop("audit")[:-1] == before.pop("audit")
    assert after == before


def test_a_restore_that_fails_leaves_the_store_as_it_was(
    place: StorePlace, file: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(place)
    care(place, "backup", path=str(file))
    present = rows(place)

    copy = backup._copy

    def half(source: Any, target: Any, name: str, shape: Any) -> None:
        copy(source, target, name, shape)
        if name == "audit" and target.url == place.url:
            target.run("UPDATE audit SET comment = 'spoilt on the way' WHERE sequence = 2")

    monkeypatch.setattr(backup, "_copy", half)
    failed = care(place, "restore", path=str(file), force=True)
    assert (failed["failure"]["code"], failed.get("changed", False)) == ("audit_broken", False)
    assert rows(place) == present


def test_a_backup_that_fails_leaves_the_one_before(
    place: StorePlace, file: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(place)
    care(place, "backup", path=str(file))
    kept = file.read_bytes()

    def full(*_arguments: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(backup, "_copy", full)
    failed = care(place, "backup", path=str(file), force=True)
    assert failed["failure"]["code"] == "file_unwritable"
    assert "No space left on device" in failed["msg"]
    assert file.read_bytes() == kept
    assert [path.name for path in file.parent.iterdir() if path.name.startswith("clm.backup")] == ["clm.backup"]


def test_a_damaged_store_is_replaced_by_its_backup(place: StorePlace, file: pathlib.Path) -> None:
    fill(place)
    care(place, "backup", path=str(file))
    place.execute("DELETE FROM meta WHERE name = 'audit_head'")
    place.execute("DELETE FROM audit WHERE sequence = 2")
    assert care(place, "verify")["failed"]
    assert care(place, "restore", path=str(file), force=True)["changed"] is True
    assert care(place, "verify")["problems"] == []


def test_a_store_whose_audit_is_broken_is_copied_as_evidence_and_the_copy_is_not_restored(
    place: StorePlace, other: StorePlace, file: pathlib.Path
) -> None:
    fill(place)
    place.execute("UPDATE audit SET actor = 'eve' WHERE sequence = 2")
    assert care(place, "backup", check=True, path=str(file))["failure"]["code"] == "audit_broken"
    assert not file.exists()
    taken = care(place, "backup", path=str(file))
    assert (taken["failure"]["code"], taken["changed"]) == ("audit_broken", True)
    assert file.exists()
    refused = care(other, "restore", path=str(file))
    assert refused["failure"]["code"] == "audit_broken"
    assert f"The audit of the backup {file}" in refused["msg"]
    assert care(other, "info")["failure"]["code"] == "store_missing"


def test_a_store_that_somebody_works_on_is_not_replaced(place: StorePlace, file: pathlib.Path) -> None:
    fill(place)
    care(place, "backup", path=str(file))
    place.clock.moment = LATE
    with place.open("a running job") as store, store.lease("certificate www.example.com", 60):
        present = rows(place)
        refused = care(place, "restore", path=str(file), force=True)
        assert refused["failure"]["code"] == "lease_held"
        assert refused["failure"]["details"]["until"] == (LATE + timedelta(minutes=1)).isoformat("T", "microseconds")
        assert rows(place) == present


def test_secrets_must_open_with_the_key_given(place: StorePlace, other: StorePlace, file: pathlib.Path) -> None:
    """A restored store that nobody can open would be found out too late."""
    fill(place)
    care(place, "backup", path=str(file))
    other.key = StoreKey(Secret("another key"))
    assert care(other, "restore", path=str(file))["failure"]["code"] == "store_key_wrong"
    assert care(other, "info")["failure"]["code"] == "store_missing"
    other.key = StoreKey()
    assert care(other, "restore", path=str(file))["failure"]["code"] == "store_key_missing"


@pytest.mark.parametrize(
    ("spoil", "code", "said"),
    [
        (lambda file: file.unlink(), "backup_missing", "there is no such file"),
        (lambda file: file.write_text("not a database, " * 100), "backup_unusable", "not a database"),
        (lambda file: file.write_bytes(b""), "backup_unusable", "holds no store"),
        (lambda file: file.write_bytes(file.read_bytes()[:20_000]), "backup_unusable", "malformed"),
        (
            lambda file: StorePlace(f"sqlite:///{file}").execute("UPDATE meta SET value = '99' WHERE name = 'schema'"),
            "store_too_new",
            "install the version of edgecert.clm that wrote it",
        ),
        (
            lambda file: StorePlace(f"sqlite:///{file}").execute("UPDATE audit SET hash = '' WHERE sequence = 1"),
            "audit_broken",
            "Audit line 1 was altered",
        ),
    ],
    ids=["missing", "text", "empty", "cut off", "newer", "tampered with"],
)
def test_a_file_that_cannot_be_restored_is_told(
    spoil: Any, code: str, said: str, place: StorePlace, file: pathlib.Path
) -> None:
    fill(place)
    care(place, "backup", path=str(file))
    spoil(file)
    present = rows(place)
    refused = care(place, "restore", path=str(file), force=True)
    assert refused["failure"]["code"] == code, refused
    assert said in refused["msg"]
    assert rows(place) == present


def test_what_cannot_be_written_is_told_before_anything_is(tmp_path: pathlib.Path, file: pathlib.Path) -> None:
    place = StorePlace(f"sqlite:///{tmp_path}/clm/store.db", StoreKey())
    with place.open() as store, store.write() as unit:
        unit.attachments.add(Attachment("a", "www.example.com", "a.txt", content=Secret("x")))
    file.touch()
    (tmp_path / "link").symlink_to(tmp_path / "clm" / "store.db")
    own = tmp_path / "clm" / "store.db"
    faults = [
        (file, False, "file_exists", "force: true"),
        (tmp_path / "nowhere" / "x", False, "file_unwritable", "there is no folder"),
        (file / "x", False, "file_unwritable", "there is no folder"),
        (tmp_path, True, "invalid_input", "that is a folder"),
        (own, True, "invalid_input", "belongs to the store itself"),
        (own.with_name("store.db.key"), True, "invalid_input", "belongs to the store itself"),
        (tmp_path / "link", True, "invalid_input", "belongs to the store itself"),
    ]
    for action in ("backup", "export_audit"):
        for path, force, code, said in faults:
            refused = care(place, action, path=str(path), force=force)
            assert (refused["failure"]["code"], refused.get("changed", False)) == (code, False)
            assert said in refused["msg"]
    refused = care(place, "restore", path=str(own), force=True)
    assert "that is the store itself" in refused["msg"]
    assert sorted(one.name for one in (tmp_path / "clm").iterdir()) == ["store.db", "store.db.key"]
