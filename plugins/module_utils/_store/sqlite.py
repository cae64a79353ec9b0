# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Connections to SQLite: files, modes, locks, dialect. No statement about records."""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Iterable, Sequence
from typing import Any

from .._core.clock import Clock
from .._core.errors import StoreError
from .sql import BUSY_S, Database, Row


class SqliteDatabase(Database):
    """One connection to one database file.

    :param path: absolute.
    :param create: make the file, and its folder, when there is none.
    :raises StoreError: the file cannot be made, opened or found.
    """

    backend = "sqlite"
    types = {"text": "TEXT", "integer": "INTEGER", "boolean": "INTEGER", "blob": "BLOB"}
    any_of = "IN (SELECT value FROM json_each(?))"
    row_lock = ""
    begin_write = "BEGIN IMMEDIATE"
    begin_short = "BEGIN IMMEDIATE"
    begin_read = "BEGIN"

    def __init__(self, url: str, path: str, clock: Clock, *, create: bool) -> None:
        self.url = url
        self._clock = clock
        self.path = path
        if not os.path.exists(path):
            if not create:
                raise StoreError(
                    f"Cannot open the store {url}: there is no such file; create it with edgecert.clm.clm_store, "
                    "action: init, or correct the store's URL",
                    code="store_missing",
                )
            _make_file(url, path)
        try:
            self._connection = sqlite3.connect(path, timeout=BUSY_S, isolation_level=None)
        except sqlite3.Error as exc:
            raise self._wrapped(exc) from exc
        try:
            # WAL with NORMAL may lose the last commits to a power cut. An intent that was committed must still be
            # there after one, or the remote effect it announces would be repeated: so each commit reaches the disk.
            self.run("PRAGMA synchronous = FULL")
        except StoreError:
            self.close()
            raise

    def prepare_empty(self) -> None:
        """Choose WAL, which the file then keeps: readers and the writer do not stop each other."""
        deadline = self._clock.monotonic() + BUSY_S
        while True:
            try:
                self._connection.execute("PRAGMA journal_mode = WAL").fetchall()
                return
            except sqlite3.Error as exc:
                # SQLite does not wait by itself while another process chooses WAL for the same new file.
                if not _is_busy(exc) or self._clock.monotonic() > deadline:
                    raise self._wrapped(exc) from exc
                self._clock.sleep(0.02)

    def rows(self, sql: str, parameters: Row = ()) -> list[Row]:
        """Run a statement and give its rows."""
        try:
            return self._connection.execute(sql, parameters).fetchall()
        except (sqlite3.Error, OverflowError, UnicodeEncodeError) as exc:
            raise self._wrapped(exc) from exc

    def run(self, sql: str, parameters: Row = ()) -> int:
        """Run a statement and give the number of rows it changed."""
        try:
            return self._connection.execute(sql, parameters).rowcount
        except (sqlite3.Error, OverflowError, UnicodeEncodeError) as exc:
            raise self._wrapped(exc) from exc

    def run_many(self, sql: str, parameters: Iterable[Row]) -> int:
        """Run a statement for each row of parameters and give the number of rows changed in all."""
        try:
            return max(0, self._connection.executemany(sql, parameters).rowcount)
        except (sqlite3.Error, OverflowError, UnicodeEncodeError) as exc:
            raise self._wrapped(exc) from exc

    def packed(self, values: Sequence[Any]) -> Any:
        """Give a JSON array: the number of parameters of a statement is limited."""
        return json.dumps(list(values))

    def has_table(self, name: str) -> bool:
        """Say whether the table exists."""
        return bool(self.rows("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = ?", (name,)))

    def abandon(self) -> None:
        """Roll back; never raises."""
        try:
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
        except sqlite3.Error:
            # The file is out of reach, or the connection closed already; closing it rolls back as well.
            self._connection.close()

    def close(self) -> None:
        """Close the connection; again does nothing."""
        self._connection.close()

    def _wrapped(self, exc: Exception) -> StoreError:
        if _is_busy(exc):
            error = StoreError(
                f"The store {self.url} was locked by another process for {BUSY_S} seconds; run the task again, and if "
                "this goes on, look for a job that hangs while it writes, or move the store to PostgreSQL",
                code="store_busy",
            )
            error.retryable = True
            return error
        return StoreError(f"Cannot use the store {self.url}: {_explained(exc)}")


def _is_busy(exc: Exception) -> bool:
    return isinstance(exc, sqlite3.OperationalError) and ("locked" in str(exc) or "busy" in str(exc))


def _explained(exc: Exception) -> str:
    text = str(exc)
    if "readonly" in text or "unable to open" in text:
        return f"{text}; give the user that runs the module the right to write the file and its folder"
    if "not a database" in text:
        return f"{text}; the file is something else, or damaged: correct the URL or restore a backup"
    if "full" in text:
        return f"{text}; make room"
    return text


def _make_file(url: str, path: str) -> None:
    """Make the file for its owner only; SQLite gives its companions the same mode."""
    folder = os.path.dirname(path)
    try:
        os.makedirs(os.path.dirname(folder), exist_ok=True)
        if not os.path.isdir(folder):
            os.makedirs(folder, mode=0o700, exist_ok=True)
        os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
    except OSError as exc:
        raise StoreError(
            f"Cannot create the store {url}: {exc.strerror}: {exc.filename}; choose a folder that the user who runs "
            "the module may write"
        ) from exc
