# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The SQL, written once: statements generated from table descriptors, and the port to a database connection.

A statement marks its parameters with ``?``; no statement holds a question or percent sign otherwise.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from typing import Any

from .tables import Kind, Table

Row = Sequence[Any]
BUSY_S = 30
"""Seconds a statement waits for a lock of somebody else."""


class Database(ABC):
    """One connection, and all in which one back end differs from the other.

    :cvar backend: ``sqlite`` or ``postgresql``.
    :cvar types: column type by kind of value: ``text``, ``integer``, ``boolean``, ``blob``.
    :cvar any_of: condition that a column is among the values of one parameter.
    :cvar row_lock: ends a SELECT whose rows are to be locked.
    :cvar begin_write: begins a transaction that excludes every other such.
    :cvar begin_short: begins a writing transaction that excludes only those on the same rows.
    :cvar begin_read: begins a transaction with one consistent view.
    :ivar url: the URL without its password.
    :ivar in_unit: a transaction is running.
    """

    backend: str
    types: dict[str, str]
    any_of: str
    row_lock: str
    begin_write: str
    begin_short: str
    begin_read: str
    url: str
    in_unit = False

    @abstractmethod
    def rows(self, sql: str, parameters: Row = ()) -> list[Row]:
        """Run a statement and give its rows.

        :raises StoreError: as every method here.
        """

    @abstractmethod
    def run(self, sql: str, parameters: Row = ()) -> int:
        """Run a statement and give the number of rows it changed."""

    @abstractmethod
    def run_many(self, sql: str, parameters: Iterable[Row]) -> int:
        """Run a statement for each row of parameters and give the number of rows changed in all."""

    @abstractmethod
    def packed(self, values: Sequence[Any]) -> Any:
        """Give the one parameter that ``any_of`` takes for these values."""

    @abstractmethod
    def has_table(self, name: str) -> bool:
        """Say whether the table exists."""

    @abstractmethod
    def prepare_empty(self) -> None:
        """Set what a database keeps about itself, before the first table is made."""

    @abstractmethod
    def close(self) -> None:
        """Close the connection; again does nothing."""

    @contextmanager
    def transaction(self, begin: str) -> Iterator[None]:
        """Commit when the block ends, roll back when it raises."""
        self.check_alone()
        self.in_unit = True
        try:
            self.run(begin)
            yield
            self.run("COMMIT")
        except BaseException:
            self.abandon()
            raise
        finally:
            self.in_unit = False

    def check_alone(self) -> None:
        """Refuse what commits on its own while a unit runs; it would be part of that unit unnoticed."""
        if self.in_unit:
            raise RuntimeError(
                "a unit of work is running on this store; units, leases and the ledger do not nest in it"
            )

    @abstractmethod
    def abandon(self) -> None:
        """Roll back; never raises, since the reason is already on its way."""

    @contextmanager
    def savepoint(self) -> Iterator[None]:
        """Undo what the block did when it raises, and keep the transaction."""
        self.run("SAVEPOINT batch")
        try:
            yield
        except Exception:
            self.run("ROLLBACK TO SAVEPOINT batch")
            self.run("RELEASE SAVEPOINT batch")
            raise
        self.run("RELEASE SAVEPOINT batch")


def quoted(name: str) -> str:
    """Quote an identifier; some fields are called as SQL words are."""
    return f'"{name}"'


def listed(names: Iterable[str]) -> str:
    """Quote identifiers and join them with commas."""
    return ", ".join(quoted(name) for name in names)


def matches(names: Iterable[str]) -> str:
    """Give the condition that each column equals a parameter."""
    return " AND ".join(f"{quoted(name)} = ?" for name in names)


@cache
def insert(table: Table[Any]) -> str:
    """Insert a row unless its key is taken; parameters in the table's order.

    A taken key shows in the row count: an error would end a PostgreSQL transaction.
    """
    marks = ", ".join("?" for _column in table.columns)
    return (
        f"INSERT INTO {quoted(table.name)} ({listed(table.names)}) VALUES ({marks}) "
        f"ON CONFLICT ({listed(table.key)}) DO NOTHING"
    )


@cache
def update(table: Table[Any]) -> str:
    """Write a row at the version it was read; parameters: the columns, the key, the version read."""
    setters = ", ".join(f"{quoted(name)} = ?" for name in table.names)
    return f"UPDATE {quoted(table.name)} SET {setters} WHERE {matches((*table.key, 'version'))}"


@cache
def delete(table: Table[Any]) -> str:
    """Delete a row at the version it was read; parameters: the key, the version."""
    return f"DELETE FROM {quoted(table.name)} WHERE {matches((*table.key, 'version'))}"


@cache
def select_key(table: Table[Any]) -> str:
    """Read one row by its key."""
    return f"SELECT {listed(table.names)} FROM {quoted(table.name)} WHERE {matches(table.key)}"


@cache
def select_version(table: Table[Any]) -> str:
    """Read the version of one row by its key."""
    return f"SELECT {quoted('version')} FROM {quoted(table.name)} WHERE {matches(table.key)}"


def select(table: Table[Any], condition: str) -> str:
    """Read the rows of a condition, in the table's order."""
    return _ordered(table, listed(table.names), condition)


def select_outlines(table: Table[Any], condition: str) -> str:
    """Read the rows of a condition, in the table's order, with NULL in place of each secret."""
    wanted = ", ".join("NULL" if column.kind is Kind.SECRET else quoted(column.name) for column in table.columns)
    return _ordered(table, wanted, condition)


def _ordered(table: Table[Any], wanted: str, condition: str) -> str:
    where = f" WHERE {condition}" if condition else ""
    return f"SELECT {wanted} FROM {quoted(table.name)}{where} ORDER BY {listed(table.order)}"


def count(table: Table[Any], condition: str) -> str:
    """Count the rows of a condition."""
    where = f" WHERE {condition}" if condition else ""
    return f"SELECT COUNT(*) FROM {quoted(table.name)}{where}"
