# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The records of one kind within a unit, for any table and either back end."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any, TypeVar

from .._core.errors import ConflictError, StoreError
from . import sql
from .base import Repository
from .codec import Sealing, decode_all, encode, encode_value
from .tables import SEARCHED, Table

R = TypeVar("R")


class SqlRepository(Repository[R]):
    """A repository over one table.

    :param writable: False in a reading unit.
    """

    def __init__(self, table: Table[R], database: sql.Database, sealing: Sealing, *, writable: bool) -> None:
        self._table = table
        self._database = database
        self._sealing = sealing
        self._writable = writable

    def get(self, *key: str) -> R | None:
        """Give the record of that key, or None."""
        if len(key) != len(self._table.key):
            raise ValueError(f"the key of a {self._table.noun} is {self._table.key}, not {len(key)} values")
        rows = self._database.rows(sql.select_key(self._table), key)
        return decode_all(self._table, rows, self._sealing)[0] if rows else None

    def find(self, **equal: Any) -> list[R]:
        """Give the records whose columns equal the values, in the table's order: by key, or the oldest first."""
        condition, parameters = self._condition(equal)
        rows = self._database.rows(sql.select(self._table, condition), parameters)
        return decode_all(self._table, rows, self._sealing)

    def outlines(self, **equal: Any) -> list[R]:
        """Give the records that ``find`` would give, without their secrets, as version 0."""
        condition, parameters = self._condition(equal)
        rows = self._database.rows(sql.select_outlines(self._table, condition), parameters)
        return [self._as_version(record, 0) for record in decode_all(self._table, rows, self._sealing)]

    def count(self, **equal: Any) -> int:
        """Count the records that ``find`` would give."""
        condition, parameters = self._condition(equal)
        return int(self._database.rows(sql.count(self._table, condition), parameters)[0][0])

    def add(self, record: R) -> R:
        """Store a new record and give it back as version 1."""
        self._check_writable()
        stored = self._as_version(record, 1)
        if self._database.run(sql.insert(self._table), encode(self._table, stored, self._sealing)) != 1:
            raise self._taken(record)
        return stored

    def put(self, record: R) -> R:
        """Store a changed record and give it back with its new version."""
        self._check_writable()
        stored = self._as_version(record, self._version(record) + 1)
        if self._database.run(sql.update(self._table), self._update_row(record)) != 1:
            raise self._clash(record)
        return stored

    def add_many(self, records: Sequence[R]) -> None:
        """Store many new records; one taken key and none is written."""
        self._check_writable()
        rows = (encode(self._table, self._as_version(record, 1), self._sealing) for record in records)
        if not self._all_written(sql.insert(self._table), rows, len(records)):
            raise self._taken(self._first_odd(records, expected=lambda record: None))

    def put_many(self, records: Sequence[R]) -> None:
        """Store many changed records; one clash and none is written."""
        self._check_writable()
        if not self._all_written(sql.update(self._table), map(self._update_row, records), len(records)):
            raise self._clash(self._first_odd(records, expected=self._version))

    def remove(self, record: R) -> None:
        """Remove the record at the version that was read."""
        self._check_writable()
        parameters = (*self._table.key_of(record), self._version(record))
        if self._database.run(sql.delete(self._table), parameters) != 1:
            raise self._clash(record)

    def _check_writable(self) -> None:
        if not self._writable:
            raise StoreError(f"Cannot write a {self._table.noun}: this unit of work only reads")

    def _version(self, record: R) -> int:
        read: Any = record
        version: int = read.version
        return version

    def _as_version(self, record: R, version: int) -> R:
        changed: Any = record
        stored: R = replace(changed, version=version)
        return stored

    def _update_row(self, record: R) -> list[Any]:
        read = self._version(record)
        values = encode(self._table, self._as_version(record, read + 1), self._sealing)
        return [*values, *self._table.key_of(record), read]

    def _condition(self, equal: dict[str, Any]) -> tuple[str, list[Any]]:
        """Give the condition of a search and its parameters."""
        parts: list[str] = []
        parameters: list[Any] = []
        for name, value in equal.items():
            column = self._table.by_name.get(name)
            if column is None or column.kind not in SEARCHED:
                raise ValueError(f"a {self._table.noun} cannot be searched by {name}")
            quoted = sql.quoted(name)
            if isinstance(value, (list, tuple)):
                some = [encode_value(column, entry) for entry in value if entry is not None]
                either = [f"{quoted} {self._database.any_of}"] + [f"{quoted} IS NULL"] * (len(some) < len(value))
                parts.append(f"({' OR '.join(either)})")
                parameters.append(self._database.packed(some))
            elif value is None:
                parts.append(f"{quoted} IS NULL")
            else:
                parts.append(f"{quoted} = ?")
                parameters.append(encode_value(column, value))
        return " AND ".join(parts), parameters

    def _all_written(self, statement: str, rows: Iterator[list[Any]], wanted: int) -> bool:
        """Write rows; when not every one was written, undo it and say so."""
        try:
            with self._database.savepoint():
                if self._database.run_many(statement, rows) != wanted:
                    raise _Incomplete
        except _Incomplete:
            return False
        return True

    def _stored_version(self, record: R) -> int | None:
        rows = self._database.rows(sql.select_version(self._table), self._table.key_of(record))
        return rows[0][0] if rows else None

    def _first_odd(self, records: Sequence[R], *, expected: Callable[[R], int | None]) -> R:
        """Find the record that stopped a batch: stored in another version than expected, or named twice."""
        seen = set()
        for record in records:
            key = self._table.key_of(record)
            if key in seen or self._stored_version(record) != expected(record):
                return record
            seen.add(key)
        return records[-1]

    def _taken(self, record: R) -> ConflictError:
        named = self._table.called(self._table.key_of(record))
        return ConflictError(
            f"Cannot store {named}: the store has one of that name already; read it and change it, "
            "or choose another name",
            details={"kind": self._table.name, "key": list(self._table.key_of(record))},
        )

    def _clash(self, record: R) -> ConflictError:
        named = self._table.called(self._table.key_of(record))
        found = self._stored_version(record)
        happened = "removed" if found is None else f"changed (version {found})"
        return ConflictError(
            f"Cannot store {named}: somebody else has {happened} it since it was read (version "
            f"{self._version(record)}); nothing was written, run the task again",
            details={"kind": self._table.name, "key": list(self._table.key_of(record))},
        )


class _Incomplete(Exception):
    """Leaves a savepoint whose statement did not write every row."""
