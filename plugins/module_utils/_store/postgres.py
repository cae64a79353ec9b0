# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Connections to PostgreSQL: reaching the server, locks, dialect. No statement about records."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from .._core.deps import needed
from .._core.errors import StoreError
from .sql import BUSY_S, Database, Row

if TYPE_CHECKING:
    import psycopg

# Any number will do, as long as no other program takes the same one in the same database.
_WRITERS_LOCK = 4_207_310_915_533_842_001
_CONNECT_S = 10
# A server that is gone without a word, as behind a firewall that forgot the connection, is noticed in a minute: systems
# wait two hours, and a watcher would say nothing all the while. Milliseconds, and seconds. The URL may say otherwise.
_ALIVE = {"keepalives_idle": 30, "keepalives_interval": 10, "keepalives_count": 3, "tcp_user_timeout": 60_000}
# A unit never spans a remote call, so a transaction that is idle for long belongs to a machine that is gone.
_SESSION = f"-c lock_timeout={BUSY_S * 1000} -c idle_in_transaction_session_timeout=60000 -c client_encoding=UTF8"
_BUSY_STATES = frozenset({"55P03", "40P01", "40001", "57014"})
_NO_RIGHT = "42501"
# Writing to a view that hides secrets.
_MASKED = frozenset({"0A000", "55000"})
_HINTS = {
    **dict.fromkeys(_MASKED, "this login is shown devices and CA accounts without secrets; use one of clm_operator"),
    _NO_RIGHT: "grant the user the right to do this (to create and use tables in the schema, or the role of "
    "extensions/postgresql/roles.sql that may), or use another login",
    "25006": "the server only reads; name the primary server",
    "25P03": "the connection was idle for too long within one transaction; run the task again",
    "42703": "the schema holds a table of another program by the same name; give the store a schema of its own",
}


class PostgresDatabase(Database):
    """One connection to a PostgreSQL database.

    :param url: without its password, for messages.
    :param uri: as libpq reads it; its parameters and libpq's environment variables hold.
    :raises StoreError: the server cannot be reached, or refuses.
    :raises MissingLibrary: psycopg is missing.
    """

    backend = "postgresql"
    # Keys sort by code point, as SQLite sorts them, whatever the language of the database.
    types = {"text": 'TEXT COLLATE "C"', "integer": "BIGINT", "boolean": "BOOLEAN", "blob": "BYTEA"}
    any_of = "= ANY(?)"
    row_lock = " FOR UPDATE"
    begin_write = f"BEGIN ISOLATION LEVEL READ COMMITTED; SELECT pg_advisory_xact_lock({_WRITERS_LOCK})"
    # Counts of calls are worth nothing after a power cut: their commits need not wait for the disk.
    begin_short = "BEGIN ISOLATION LEVEL READ COMMITTED; SET LOCAL synchronous_commit = off"
    begin_read = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"

    def __init__(self, url: str, uri: str) -> None:
        with needed("psycopg", "a PostgreSQL store"):
            import psycopg
        self.url = url
        self._error = psycopg.Error
        self._connection = _connect(url, uri)

    def rows(self, sql: str, parameters: Row = ()) -> list[Row]:
        """Run a statement and give its rows."""
        try:
            found: list[Row] = list(self._connection.execute(_marked(sql), parameters or None).fetchall())
        except (self._error, UnicodeEncodeError) as exc:
            raise self._wrapped(exc) from exc
        return found

    def run(self, sql: str, parameters: Row = ()) -> int:
        """Run a statement and give the number of rows it changed."""
        try:
            return self._connection.execute(_marked(sql), parameters or None).rowcount
        except (self._error, UnicodeEncodeError) as exc:
            raise self._wrapped(exc) from exc

    def run_many(self, sql: str, parameters: Iterable[Row]) -> int:
        """Run a statement for each row of parameters and give the number of rows changed in all."""
        try:
            with self._connection.cursor() as cursor:
                cursor.executemany(_marked(sql), parameters)
                return max(0, cursor.rowcount)
        except (self._error, UnicodeEncodeError) as exc:
            raise self._wrapped(exc) from exc

    def packed(self, values: Sequence[Any]) -> Any:
        """Give a list, which travels as an array."""
        return list(values)

    def has_table(self, name: str) -> bool:
        """Say whether the table exists in the search path."""
        # Not to_regclass: it may answer from a cache that is older than the lock this connection has just waited for.
        visible = (
            "SELECT 1 FROM pg_catalog.pg_class WHERE relname = ? AND relkind IN ('r', 'p') "
            "AND pg_catalog.pg_table_is_visible(oid)"
        )
        return bool(self.rows(visible, (name,)))

    def prepare_empty(self) -> None:
        """Do nothing: the database is made by its owner."""

    def abandon(self) -> None:
        """Roll back; never raises."""
        try:
            self._connection.execute("ROLLBACK")
        except self._error:
            # The server is out of reach; it rolls back by itself.
            self._connection.close()

    def close(self) -> None:
        """Close the connection; again does nothing."""
        self._connection.close()

    def _wrapped(self, exc: Exception) -> StoreError:
        state = getattr(exc, "sqlstate", None) or ""
        if state in _BUSY_STATES:
            error = StoreError(
                f"The store {self.url} was locked by another process for {BUSY_S} seconds; run the task again, and if "
                "this goes on, look for a job that hangs while it writes (pg_stat_activity shows it)",
                code="store_busy",
            )
            error.retryable = True
            return error
        # What the server says beside the sentence is where in its program it was said.
        diagnosis = getattr(exc, "diag", None)
        text = getattr(diagnosis, "message_primary", None) or str(exc)
        advice = getattr(diagnosis, "message_hint", None) or _HINTS.get(state, "")
        message = " ".join(f"Cannot use the store {self.url}: {text}{'; ' if advice else ''}{advice}".split())
        return StoreError(message, code="store_refused" if state in {_NO_RIGHT, *_MASKED} else None)


def _marked(sql: str) -> Any:
    """Mark parameters as psycopg reads them; no statement holds these signs otherwise."""
    return sql.replace("?", "%s")


def _connect(url: str, uri: str) -> psycopg.Connection[Any]:
    import psycopg
    from psycopg.conninfo import conninfo_to_dict

    try:
        given = conninfo_to_dict(uri)
    except psycopg.Error:
        # Not chained: the library's message repeats the URL with its password.
        raise StoreError(
            f"Cannot open the store {url}: the URL is not well formed; write "
            "postgresql://user:password@host:port/database, with special characters of the password as %XX",
            code="store_url",
        ) from None
    settings: dict[str, Any] = {"connect_timeout": _CONNECT_S, "application_name": "edgecert.clm", **_ALIVE, **given}
    settings["options"] = f"{_SESSION} {given.get('options') or ''}"
    try:
        return psycopg.connect(autocommit=True, **settings)
    except psycopg.Error as exc:
        raise _unreachable(url, str(exc), str(given.get("password") or "")) from None


def _unreachable(url: str, text: str, password: str) -> StoreError:
    shown = " ".join(text.split())
    if password:
        shown = shown.replace(password, "***")
    if "authentication" in text or "no password" in text:
        return StoreError(
            f"The server of the store {url} refuses the login: {shown}; check user and password in the store's URL",
            code="store_refused",
        )
    return StoreError(
        f"Cannot reach the store {url}: {shown}; check host, port and database name, and that the server runs",
        code="store_unreachable",
    )
