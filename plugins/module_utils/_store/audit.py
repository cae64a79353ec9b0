# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The audit: lines chained by hash, and the check of the chain.

The hash of a line is SHA-256, in lower-case hex, over one JSON object in ASCII with sorted keys and no spaces. Its
members: ``sequence``, ``at`` (UTC, six digits of fraction, ``+00:00``), those of the entry, and ``previous_hash`` (64
zeros before the first line). The store also keeps the count of lines and the last hash, so that a cut-off end shows.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from .._core.errors import StoreError
from .._core.redact import redacted
from .._core.types import AuditEntry, AuditRow
from .codec import canonical, checked, time_of, time_text
from .sql import Database, Row, listed, quoted

FIRST_HASH = "0" * 64
_ENTRY = ("actor", "action", "noun", "key", "before", "after", "comment", "tracking_id")
_COLUMNS = ("sequence", "at", *_ENTRY, "previous_hash", "hash")
_PAGE = 500


class AuditChain:
    """The audit within one unit.

    :param writable: False in a reading unit.
    """

    def __init__(self, database: Database, *, writable: bool) -> None:
        self._database = database
        self._writable = writable
        self._head: tuple[int, str] | None = None
        self._moved = False

    def append(self, entry: AuditEntry, now: datetime) -> AuditRow:
        """Chain one line; ``finish`` must follow in the same transaction."""
        if not self._writable:
            raise StoreError("Cannot write the audit: this unit of work only reads")
        if self._head is None:
            self._head = read_head(self._database)
        count, previous = self._head
        columns = _columns_of(entry)
        sequence, at = count + 1, time_text(now)
        digest = _digest(sequence, at, columns, previous)
        written = self._database.run(
            f"INSERT INTO audit ({listed(_COLUMNS)}) VALUES ({', '.join('?' for _c in _COLUMNS)}) "
            f"ON CONFLICT ({quoted('sequence')}) DO NOTHING",
            (sequence, at, *columns, previous, digest),
        )
        if written != 1:
            raise StoreError(
                f"Cannot write audit line {sequence} of the store {self._database.url}: there is one the store did "
                "not write; run edgecert.clm.clm_store with action: verify",
                code="store_damaged",
            )
        self._head, self._moved = (sequence, digest), True
        return _row_of((sequence, at, *columns, previous, digest))

    def finish(self) -> None:
        """Note the new end of the chain, once for all lines of the unit."""
        if self._moved and self._head is not None:
            head = f"{self._head[0]} {self._head[1]}"
            self._database.run("UPDATE meta SET value = ? WHERE name = 'audit_head'", (head,))

    def rows(self, noun: str, key: str, limit: int | None) -> Iterator[AuditRow]:
        """Give lines in order; with a limit the newest that many, still oldest first."""
        conditions = [f"{quoted(name)} = ?" for name, value in (("noun", noun), ("key", key)) if value]
        parameters = [value for value in (noun, key) if value]
        if limit is None:
            for row in _pages(self._database, conditions, parameters):
                yield _row_of(row)
            return
        where = f" WHERE {' AND '.join(conditions)}" if conditions else ""
        newest = self._database.rows(
            f"SELECT {listed(_COLUMNS)} FROM audit{where} ORDER BY sequence DESC LIMIT ?", (*parameters, limit)
        )
        for row in reversed(newest):
            yield _row_of(row)


def exported(database: Database, since: int) -> Iterator[tuple[int, str]]:
    """Give the lines after a number (all for 0), each with its own, as they are exported, in a reading unit: one JSON
    object, in ASCII, with sorted keys and no spaces, ``hash`` among its members.

    A record that is no JSON any more is given as the text found: its hash then does not fit, as it should.
    """
    for row in _pages(database, ["sequence > ?"] if since else [], [since] if since else []):
        members = dict(zip(_COLUMNS, row, strict=True))
        for name in ("before", "after"):
            try:
                members[name] = None if members[name] is None else json.loads(members[name])
            except ValueError:
                continue
        yield row[0], canonical(members)


def first_hash(database: Database) -> str:
    """Give the hash of the first line, by which one store is told from all others; empty where there is none."""
    rows = database.rows("SELECT hash FROM audit WHERE sequence = 1")
    return str(rows[0][0]) if rows else ""


def read_head(database: Database) -> tuple[int, str]:
    """Give the number of lines and the hash of the last one, as the store noted them."""
    rows = database.rows("SELECT value FROM meta WHERE name = 'audit_head'")
    count, _space, digest = rows[0][0].partition(" ") if rows else ("", "", "")
    if not count.isdigit():
        raise StoreError(
            f"The store {database.url} has lost its note of the audit's end; restore a backup", code="store_damaged"
        )
    return int(count), digest


def broken_places(database: Database) -> Iterator[str]:
    """Give a sentence for each place where the chain does not hold; call it in a reading unit."""
    noted: tuple[int, str] | None = None
    try:
        noted = read_head(database)
    except StoreError as exc:
        yield str(exc)
    position, previous = 0, FIRST_HASH
    for row in _pages(database, [], []):
        sequence, digest = row[0], row[-1]
        if sequence < 1 or (noted and sequence > noted[0]):
            wrote = f"lines 1 to {noted[0]}" if noted else "lines from 1 on"
            yield f"Audit line {sequence} was inserted: the store wrote {wrote}."
            continue
        if sequence > position + 1:
            yield _removed(position + 1, sequence - 1)
        elif row[-2] != previous:
            yield f"Audit line {sequence} does not follow line {sequence - 1}: one of them was replaced or moved."
        if not _is_intact(row):
            yield f"Audit line {sequence} was altered, or moved there: its hash is not that of its content."
        position, previous = sequence, digest
    if noted and position < noted[0]:
        yield _removed(position + 1, noted[0])
    elif noted and previous != noted[1]:
        yield f"The last audit line, {position}, was replaced: its hash is not the one the store noted."


def _removed(first: int, last: int) -> str:
    return f"Audit line {first} is missing." if first == last else f"Audit lines {first} to {last} are missing."


def _pages(database: Database, conditions: list[str], parameters: list[Any]) -> Iterator[Row]:
    """Read lines in order, some hundred at a time: an audit may be larger than the memory."""
    after: int | None = None
    while True:
        bounds = [*conditions, *(["sequence > ?"] if after is not None else [])]
        where = f" WHERE {' AND '.join(bounds)}" if bounds else ""
        values = [*parameters, *([after] if after is not None else [])]
        page = database.rows(f"SELECT {listed(_COLUMNS)} FROM audit{where} ORDER BY sequence LIMIT {_PAGE}", values)
        yield from page
        if len(page) < _PAGE:
            return
        after = page[-1][0]


def _columns_of(entry: AuditEntry) -> tuple[Any, ...]:
    """Give the entry's columns; records are redacted here, so that no caller can forget it."""
    values = ((name, getattr(entry, name)) for name in _ENTRY)
    return tuple(_record_text(value) if name in {"before", "after"} else checked(name, value) for name, value in values)


def _record_text(record: Any) -> str | None:
    return None if record is None else canonical(redacted(record))


def _digest(sequence: int, at: str, columns: tuple[Any, ...], previous: str) -> str:
    members = dict(zip(_ENTRY, columns, strict=True))
    for name in ("before", "after"):
        members[name] = None if members[name] is None else json.loads(members[name])
    text = canonical({"sequence": sequence, "at": at, **members, "previous_hash": previous})
    return hashlib.sha256(text.encode("ascii")).hexdigest()


def _is_intact(row: Row) -> bool:
    """Say whether a line's hash fits its content, and its content is written as the store writes it."""
    columns = tuple(row[2:-2])
    try:
        records = [columns[_ENTRY.index(name)] for name in ("before", "after")]
        if any(text is not None and canonical(json.loads(text)) != text for text in records):
            return False
        return bool(_digest(row[0], row[1], columns, row[-2]) == row[-1])
    except (TypeError, ValueError):
        return False


def _row_of(row: Row) -> AuditRow:
    members = dict(zip(_ENTRY, row[2:-2], strict=True))
    for name in ("before", "after"):
        members[name] = None if members[name] is None else json.loads(members[name])
    return AuditRow(row[0], time_of(row[1]), AuditEntry(**members), row[-2], row[-1])
