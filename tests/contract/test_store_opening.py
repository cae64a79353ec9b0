# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The store's contract: opening, creating, migrating; what a user is told when a database cannot be used."""

from __future__ import annotations

import pathlib
import sqlite3
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from ansible_collections.edgecert.clm.plugins.module_utils._core.errors import MissingLibrary, StoreError
from ansible_collections.edgecert.clm.plugins.module_utils._core.redact import Secret
from ansible_collections.edgecert.clm.plugins.module_utils._core.types import Certificate, Device
from ansible_collections.edgecert.clm.plugins.module_utils._store import schema, sqlite
from ansible_collections.edgecert.clm.plugins.module_utils._store.sql import Database
from ansible_collections.edgecert.clm.plugins.module_utils._store.tables import TABLES, Kind
from ansible_collections.edgecert.clm.tests.support.stores import StorePlace

COLUMN_TYPES = {Kind.INTEGER: "integer", Kind.BOOLEAN: "boolean", Kind.SECRET: "blob"}


def _remarked(types: schema.Types) -> Iterator[str]:
    yield f"ALTER TABLE certificates ADD COLUMN remark {types['text']} NOT NULL DEFAULT 'none'"


def code_of(place: StorePlace, **options: Any) -> str:
    """Open a store that cannot be opened and give the error's code."""
    with pytest.raises(StoreError) as caught, place.open(**options):
        pass
    return caught.value.code


def test_the_first_use_creates_the_store(place: StorePlace) -> None:
    with place.open() as store:
        assert store.schema_before == 0
        assert store.describe()["schema"] == len(schema.MIGRATIONS)
    with place.open() as store:
        assert store.schema_before == len(schema.MIGRATIONS)


def test_a_missing_store_is_not_created_unasked(place: StorePlace) -> None:
    assert code_of(place, create=False) == "store_missing"
    with place.open():
        pass
    with place.open(create=False) as store:
        assert store.schema_before == len(schema.MIGRATIONS)


def test_the_migrations_make_exactly_the_columns_of_the_records(place: StorePlace) -> None:
    class Ddl(dict[str, str]):
        """Column types that show as their own names."""

        def __missing__(self, key: str) -> str:
            return key

    with place.open() as store, store.read():
        pass
    created: dict[str, set[str]] = {}
    for migration in schema.MIGRATIONS:
        for statement in migration(Ddl()):
            words, _open, columns = statement.partition(" (")
            if words.startswith("CREATE TABLE"):
                listed, _comma, key = columns.removesuffix(")").partition(", PRIMARY KEY ")
                created[words.split()[-1].strip('"')] = {*listed.split(", "), key}
            elif statement.startswith("ALTER TABLE"):
                name, _add, column = statement.removeprefix("ALTER TABLE ").partition(" ADD COLUMN ")
                created[name.strip('"')].add(column.partition(" DEFAULT")[0])
    for table in TABLES:
        wanted = {
            f'"{c.name}" {COLUMN_TYPES.get(c.kind, "text")}{"" if c.nullable else " NOT NULL"}' for c in table.columns
        }
        keys = ", ".join(f'"{name}"' for name in table.key)
        assert created[table.name] == {*wanted, f"({keys})"}


def test_an_older_schema_waits_for_the_user_and_then_migrates(
    place: StorePlace, monkeypatch: pytest.MonkeyPatch
) -> None:
    with place.open() as store, store.write() as unit:
        unit.certificates.add(Certificate("www.example.com", "enrolled", "www.example.com"))
    present = len(schema.MIGRATIONS)
    monkeypatch.setattr(schema, "MIGRATIONS", (*schema.MIGRATIONS, _remarked))
    with pytest.raises(StoreError, match="clm_store with action: migrate") as caught, place.open():
        pass
    assert caught.value.code == "store_needs_migration"
    assert caught.value.details == {"schema": present, "newest": present + 1}
    with place.open(migrate=True) as store:
        assert store.schema_before == present
        assert store.describe()["schema"] == present + 1
    assert place.execute("SELECT remark FROM certificates") == [("none",)]
    with place.open(migrate=True) as store:
        assert store.schema_before == present + 1


def test_a_failed_migration_leaves_the_schema_as_it_was(place: StorePlace, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(types: schema.Types) -> Iterator[str]:
        yield from _remarked(types)
        yield "ALTER TABLE no_such_table ADD COLUMN x INTEGER"

    with place.open():
        pass
    monkeypatch.setattr(schema, "MIGRATIONS", (*schema.MIGRATIONS, broken))
    assert code_of(place, migrate=True) == "store_error"
    monkeypatch.setattr(schema, "MIGRATIONS", (*schema.MIGRATIONS[:-1], _remarked))
    with place.open(migrate=True):
        assert place.execute("SELECT COUNT(remark) FROM certificates") == [(0,)]


def test_a_newer_schema_is_refused(place: StorePlace) -> None:
    with place.open():
        pass
    place.execute("UPDATE meta SET value = '4711' WHERE name = 'schema'")
    assert code_of(place) == "store_too_new"
    assert code_of(place, migrate=True) == "store_too_new"


def test_opening_a_current_store_takes_three_statements_at_most(
    place: StorePlace, monkeypatch: pytest.MonkeyPatch
) -> None:
    with place.open():
        pass
    seen: list[str] = []
    backend: Any = sqlite.SqliteDatabase
    if not place.is_sqlite:
        from ansible_collections.edgecert.clm.plugins.module_utils._store import postgres

        backend = postgres.PostgresDatabase
    for method in ("rows", "run", "run_many"):
        original = getattr(backend, method)

        def counting(self: Database, sql: str, parameters: Any = (), original: Any = original) -> Any:
            seen.append(sql)
            return original(self, sql, parameters)

        monkeypatch.setattr(backend, method, counting)
    with place.open():
        pass
    assert 1 <= len(seen) <= 3


def test_a_sqlite_store_is_its_owners_alone(tmp_path: pathlib.Path) -> None:
    place = StorePlace(f"sqlite:///{tmp_path}/a/b/store.db")
    with place.open() as store:
        with store.write() as unit:
            unit.devices.add(Device("cps", client_secret=Secret("x")))
        folder = tmp_path / "a" / "b"
        modes = {file.name: file.stat().st_mode & 0o777 for file in folder.iterdir()}
        assert modes == {"store.db": 0o600, "store.db-wal": 0o600, "store.db-shm": 0o600}
        assert folder.stat().st_mode & 0o777 == 0o700
        assert place.execute("PRAGMA journal_mode") == [("wal",)]


def test_a_sqlite_commit_reaches_the_disk_before_it_returns(tmp_path: pathlib.Path) -> None:
    database = sqlite.SqliteDatabase("x", str(tmp_path / "x.db"), StorePlace("").clock, create=True)
    assert database.rows("PRAGMA synchronous") == [(2,)]
    database.close()


def test_an_empty_file_becomes_a_store(tmp_path: pathlib.Path) -> None:
    (tmp_path / "store.db").touch()
    with StorePlace(f"sqlite:///{tmp_path}/store.db").open() as store:
        assert store.schema_before == 0


def test_a_file_that_is_no_database_is_told(tmp_path: pathlib.Path) -> None:
    (tmp_path / "store.db").write_text("not a database, " * 100)
    with (
        pytest.raises(StoreError, match="something else, or damaged"),
        StorePlace(f"sqlite:///{tmp_path}/store.db").open(),
    ):
        pass


def test_a_folder_that_cannot_be_made_is_told(tmp_path: pathlib.Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StoreError, match="choose a folder"), StorePlace(f"sqlite:///{tmp_path}/file/store.db").open():
        pass


def test_a_lock_that_stays_is_told_with_what_to_do(place: StorePlace, monkeypatch: pytest.MonkeyPatch) -> None:
    with place.open():
        pass
    if place.is_sqlite:
        monkeypatch.setattr(sqlite, "BUSY_S", 0.05)
    else:
        from ansible_collections.edgecert.clm.plugins.module_utils._store import postgres

        monkeypatch.setattr(postgres, "_SESSION", "-c lock_timeout=50")
    with place.open() as one, place.open() as other, one.write():
        with pytest.raises(StoreError, match="run the task again") as caught, other.write():
            pass
        assert (caught.value.code, caught.value.retryable) == ("store_busy", True)
    with place.open() as other, other.write() as unit:
        unit.certificates.add(Certificate("www.example.com", "enrolled", "www.example.com"))


@pytest.mark.parametrize(
    "url",
    [
        "mysql://clm:s3cr3t@db/clm",
        "/var/lib/clm.db",
        "sqlite://",
        "sqlite:///",
        "sqlite:///:memory:",
        "sqlite:///clm.db?mode=ro",
        "postgresql+asyncpg://clm:s3cr3t@db/clm",
        "postgresql://clm:s3cr3t@db:port:5/clm?nonsense=1",
        "postgresql://clm:s3cr3t@[db/clm",
    ],
)
def test_a_url_that_cannot_be_used_is_refused_without_its_password(url: str) -> None:
    if url.startswith("postgresql://"):
        pytest.importorskip("psycopg", reason="psycopg, which reads such URLs, is not installed")
    with pytest.raises(StoreError) as caught, StorePlace(url).open():
        pass
    assert caught.value.code == "store_url"
    assert "s3cr3t" not in "".join(map(str, (caught.value, caught.value.__cause__, caught.value.details)))


@pytest.mark.postgres
def test_a_server_that_does_not_answer_is_told_without_the_password(postgres_url: str) -> None:
    for url in (
        "postgresql://clm:s3cr3t@127.0.0.1:1/clm",
        postgres_url.replace("clm@", "clm:s3cr3t@").rpartition("/")[0] + "/no_such_database",
    ):
        with pytest.raises(StoreError, match="Cannot reach the store") as caught, StorePlace(url).open():
            pass
        assert caught.value.code == "store_unreachable"
        assert "s3cr3t" not in str(caught.value)


@pytest.mark.postgres
def test_a_refused_login_is_told_without_the_password(postgres_url: str) -> None:
    admin = StorePlace(postgres_url)
    rules = pathlib.Path(admin.execute("SHOW hba_file")[0][0])
    before = rules.read_text()
    admin.execute("DROP ROLE IF EXISTS with_password")
    admin.execute("CREATE ROLE with_password LOGIN PASSWORD 'the-right-one'")
    rules.write_text(f"host all with_password 127.0.0.1/32 scram-sha-256\n{before}")
    try:
        admin.execute("SELECT pg_reload_conf()")
        for password in (":s3cr3t", ""):
            url = postgres_url.replace("clm@", f"with_password{password}@")
            with pytest.raises(StoreError, match="refuses the login") as caught, StorePlace(url).open():
                pass
            assert caught.value.code == "store_refused"
            assert "s3cr3t" not in str(caught.value)
    finally:
        rules.write_text(before)
        admin.execute("SELECT pg_reload_conf()")
        admin.execute("DROP ROLE with_password")


@pytest.mark.postgres
def test_a_user_without_rights_is_told_what_to_grant(postgres_url: str) -> None:
    admin = StorePlace(postgres_url)
    admin.execute("DROP ROLE IF EXISTS nobody_here")
    admin.execute("CREATE ROLE nobody_here LOGIN")
    try:
        with (
            pytest.raises(StoreError, match="grant the user the right"),
            StorePlace(postgres_url.replace("clm@", "nobody_here@")).open(),
        ):
            pass
    finally:
        admin.execute("DROP ROLE nobody_here")


@pytest.mark.postgres
def test_a_server_that_is_gone_is_noticed_in_a_minute_unless_the_url_says_otherwise(postgres_url: str) -> None:
    """A watcher over a connection that nobody answers any more would hang, and tell nothing."""
    from ansible_collections.edgecert.clm.plugins.module_utils._store.postgres import PostgresDatabase

    for url, idle in ((postgres_url, "30"), (f"{postgres_url}?keepalives_idle=7", "7")):
        database = PostgresDatabase(postgres_url, url)
        told = database._connection.info.get_parameters()
        database.close()
        assert told["keepalives_idle"] == idle
        assert (told["keepalives_interval"], told["keepalives_count"], told["tcp_user_timeout"]) == ("10", "3", "60000")


@pytest.mark.postgres
def test_a_search_path_puts_stores_beside_each_other(postgres_url: str) -> None:
    """The option travels in the URL, as libpq knows it."""
    StorePlace(postgres_url).execute("CREATE SCHEMA team_a")
    team = StorePlace(f"{postgres_url}?options=-csearch_path%3Dteam_a".replace("postgresql:", "postgresql+psycopg:"))
    with team.open() as store, store.write() as unit:
        unit.certificates.add(Certificate("www.example.com", "enrolled", "www.example.com"))
    with StorePlace(postgres_url).open() as store, store.read() as unit:
        assert store.schema_before == 0
        assert unit.certificates.count() == 0
    with team.open() as store, store.read() as unit:
        assert unit.certificates.count() == 1


@pytest.mark.postgres
def test_missing_psycopg_is_told_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with (
        pytest.raises(MissingLibrary, match="psycopg is needed for a PostgreSQL store"),
        StorePlace("postgresql://clm@127.0.0.1:1/clm").open(),
    ):
        pass


def test_the_default_store_is_in_the_users_data_folder(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    with StorePlace("").open() as store:
        assert store.describe()["url"] == f"sqlite:///{tmp_path}/edgecert/clm.db"
    assert (tmp_path / "edgecert" / "clm.db").stat().st_mode & 0o777 == 0o600


def test_a_store_without_the_right_to_write_is_told(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place = StorePlace(f"sqlite:///{tmp_path}/store.db")
    with place.open():
        pass
    # The tests may run as root, who may write everywhere: SQLite itself is told to refuse.
    connect = sqlite3.connect

    def read_only(path: str, **options: Any) -> sqlite3.Connection:
        connection: sqlite3.Connection = connect(f"file:{path}?mode=ro", uri=True, **options)
        return connection

    monkeypatch.setattr(sqlite3, "connect", read_only)
    words = "give the user that runs the module the right"
    with place.open() as store, pytest.raises(StoreError, match=words), store.write() as unit:
        unit.certificates.add(Certificate("www.example.com", "enrolled", "www.example.com"))
