# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Backups: every record, the sealed data key and the audit in one SQLite file, whatever back end the store has.

A backup is a store by itself, at the schema of the store it was taken from. What is sealed stays sealed, so it needs
no key to be taken, and its store's key to be of use. Leases and the count of API calls are of the moment and stay out.
"""

from __future__ import annotations

import json
import os
import sqlite3
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, closing, contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from typing import Any

from .._core.clock import Clock
from .._core.errors import ConflictError, InputError, StoreError
from .._core.files import replacing
from .audit import broken_places
from .codec import time_text
from .schema import MIGRATIONS, ensure, number_in
from .sql import Database, Row, listed, quoted
from .sqlite import SqliteDatabase

_OF_THE_MOMENT = ("leases", "ledger")
_BOOKKEEPING = ("meta", "seal", *_OF_THE_MOMENT)
_PAGE = 500


@dataclass(frozen=True)
class Shape:
    """The columns of one table.

    :ivar key: those of the primary key, in its order.
    """

    columns: tuple[str, ...]
    key: tuple[str, ...]
    booleans: frozenset[str]


@dataclass(frozen=True)
class Contents:
    """What a store or a backup holds.

    :ivar records: counts by kind, as a store describes itself.
    :ivar problems: a sentence for each broken place of its audit.
    :ivar taken: ``at`` and ``backend`` of the store it was taken from; empty for a store.
    """

    schema: int
    records: Mapping[str, int]
    problems: tuple[str, ...] = ()
    taken: Mapping[str, str] = field(default_factory=dict)


@cache
def shape_of(number: int) -> Mapping[str, Shape]:
    """Give the tables of a schema as its migrations make them: an old one has no record types to ask."""
    kinds = {"text": "TEXT", "integer": "INTEGER", "boolean": "BOOLEAN", "blob": "BLOB"}
    with closing(sqlite3.connect(":memory:")) as scratch:
        for migration in MIGRATIONS[:number]:
            for statement in migration(kinds):
                scratch.execute(statement)
        names = [name for (name,) in scratch.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        return {name: _shape(scratch.execute(f"PRAGMA table_info({quoted(name)})").fetchall()) for name in names}


def _shape(described: list[Any]) -> Shape:
    columns = tuple(name for _id, name, *_rest in described)
    keys = sorted((place, name) for _id, name, _kind, _not_null, _default, place in described if place)
    booleans = frozenset(name for _id, name, kind, *_rest in described if kind == "BOOLEAN")
    return Shape(columns, tuple(name for _place, name in keys), booleans)


def schema_of(database: Database) -> int:
    """Give the number of a store's schema, which may be an earlier one.

    :raises StoreError: there is no store, or it is newer.
    """
    number = number_in(database)
    if not 0 < number <= len(MIGRATIONS):
        ensure(database, create=False, migrate=False, migrations=MIGRATIONS)
    return number


def contents(database: Database) -> Contents:
    """Look through a store of this or an earlier schema; call it in a reading unit.

    :raises StoreError: as ``schema_of``.
    """
    number = schema_of(database)
    kinds = [name for name in shape_of(number) if name not in _BOOKKEEPING]
    counted = ", ".join(f"(SELECT COUNT(*) FROM {quoted(kind)})" for kind in kinds)
    counts = database.rows(f"SELECT {counted}")[0]
    taken = database.rows("SELECT value FROM meta WHERE name = 'backup'")
    return Contents(
        number,
        dict(zip(kinds, counts, strict=True)),
        tuple(broken_places(database)),
        json.loads(taken[0][0]) if taken else {},
    )


def write(database: Database, path: str, clock: Clock) -> Contents:
    """Write a backup of what the store holds at one moment, while others go on working, and read it through.

    :param path: absolute; a file that is there is replaced when the backup is whole.
    :raises StoreError: the store shows a part of itself only, or the file cannot be written.
    """
    with (
        replacing(path, "the backup") as part,
        closing(SqliteDatabase(f"sqlite:///{path}", part, clock, create=False)) as file,
    ):
        with database.transaction(database.begin_read), file.transaction(file.begin_write):
            _copy_out(database, file, clock.now())
        with file.transaction(file.begin_read):
            return contents(file)


def _copy_out(database: Database, file: Database, now: datetime) -> None:
    number = schema_of(database)
    tables = shape_of(number)
    hidden = [name for name in tables if not database.has_table(name)]
    if hidden:
        # Roles without the right to every secret see views in place of some tables.
        raise StoreError(
            f"Cannot back up the store {database.url}: this user does not see all of {', '.join(sorted(hidden))}; take "
            "the backup as a member of clm_owner",
            code="store_refused",
        )
    for migration in MIGRATIONS[:number]:
        for statement in migration(file.types):
            file.run(statement)
    for name, shape in tables.items():
        if name not in _OF_THE_MOMENT:
            _copy(database, file, name, shape)
    taken = json.dumps({"at": time_text(now), "backend": database.backend})
    file.run("DELETE FROM meta WHERE name = 'backup'")
    file.run("INSERT INTO meta (name, value) VALUES ('backup', ?)", (taken,))


def _copy(source: Database, target: Database, name: str, shape: Shape) -> None:
    """Replace the rows of one table."""
    marks = ", ".join("?" for _column in shape.columns)
    statement = f"INSERT INTO {quoted(name)} ({listed(shape.columns)}) VALUES ({marks})"
    truths = [number for number, column in enumerate(shape.columns) if column in shape.booleans]
    target.run(f"DELETE FROM {quoted(name)}")
    for page in _pages(source, name, shape):
        rows = [list(row) for row in page]
        for row in rows:
            for number in truths:
                row[number] = row[number] if row[number] is None else bool(row[number])
        target.run_many(statement, rows)


def _pages(source: Database, name: str, shape: Shape) -> Iterator[list[Row]]:
    """Read a table by its key, some hundred rows at a time."""
    places = [shape.columns.index(column) for column in shape.key]
    marks = ", ".join("?" for _place in places)
    select = f"SELECT {listed(shape.columns)} FROM {quoted(name)}"
    order = f" ORDER BY {listed(shape.key)} LIMIT {_PAGE}"
    after: list[Any] = []
    while True:
        where = f" WHERE ({listed(shape.key)}) > ({marks})" if after else ""
        page = source.rows(f"{select}{where}{order}", after)
        if page:
            yield page
        if len(page) < _PAGE:
            return
        after = [page[-1][place] for place in places]


def opened(path: str, clock: Clock) -> AbstractContextManager[Database]:
    """Open a backup, which is not changed, for a block.

    :raises InputError: there is no such file.
    :raises StoreError: it is no backup, or of a newer schema.
    """
    if not os.path.isfile(path):
        raise InputError(f"Cannot restore from {path}: there is no such file; correct the path", code="backup_missing")
    file = None
    try:
        file = SqliteDatabase(f"sqlite:///{path}", path, clock, create=False)
        found = [row[0] for row in file.rows("PRAGMA quick_check")]
        _check_usable(path, number_in(file), found)
    except StoreError as exc:
        if file is not None:
            file.close()
        if exc.code != StoreError.code:
            raise
        raise _unusable(path, str(exc)) from exc
    return closing(file)


def _check_usable(path: str, number: int, found: list[str]) -> None:
    if found != ["ok"]:
        raise _unusable(path, f"the file is damaged ({found[0]})")
    if number == 0:
        raise _unusable(path, "the file holds no store")
    if number > len(MIGRATIONS):
        raise StoreError(
            f"Cannot restore from {path}: its schema is number {number} and this version of the collection knows up "
            f"to {len(MIGRATIONS)}; install the version of edgecert.clm that wrote it, or a later one",
            code="store_too_new",
            details={"schema": number, "newest": len(MIGRATIONS)},
        )


def _unusable(path: str, why: str) -> StoreError:
    return StoreError(
        f"Cannot restore from {path}: {why}; name a file that edgecert.clm.clm_store wrote with action: backup",
        code="backup_unusable",
    )


@contextmanager
def at_present_schema(path: str, clock: Clock) -> Iterator[Database]:
    """Open a backup at the present schema for a block; one of an earlier schema is migrated in a copy that goes."""
    with opened(path, clock) as file:
        if number_in(file) == len(MIGRATIONS):
            with file.transaction(file.begin_read):
                yield file
            return
    with tempfile.TemporaryDirectory(prefix="edgecert-") as folder:
        copy = os.path.join(folder, "backup.db")
        with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as old, closing(sqlite3.connect(copy)) as new:
            old.backup(new)
        with closing(SqliteDatabase(f"sqlite:///{path}", copy, clock, create=False)) as file:
            ensure(file, create=False, migrate=True, migrations=MIGRATIONS)
            with file.transaction(file.begin_read):
                yield file


def load(source: Database, target: Database, now: datetime) -> None:
    """Replace everything in a store by a backup of the same schema; call it in a writing unit of the store.

    :raises ConflictError: somebody works on the store, code ``lease_held``.
    :raises StoreError: what was loaded is not whole.
    """
    held = target.rows("SELECT name, holder, expires_at FROM leases WHERE expires_at > ?", (time_text(now),))
    if held:
        name, holder, until = held[0]
        raise ConflictError(
            f"Cannot restore the store {target.url}: {holder} is at work on {name}, until {until} at the latest; end "
            "the jobs that use the store, then restore",
            code="lease_held",
            details={"lease": name, "holder": holder, "until": until},
        )
    for name, shape in shape_of(len(MIGRATIONS)).items():
        if name not in _OF_THE_MOMENT and name != "meta":
            _copy(source, target, name, shape)
    head = source.rows("SELECT value FROM meta WHERE name = 'audit_head'")
    target.run("DELETE FROM meta WHERE name = 'audit_head'")
    target.run_many("INSERT INTO meta (name, value) VALUES ('audit_head', ?)", head)
    problems = list(broken_places(target))
    if problems:
        raise StoreError(
            f"Cannot restore the store {target.url}: {problems[0]}; nothing was changed", code="audit_broken"
        )
