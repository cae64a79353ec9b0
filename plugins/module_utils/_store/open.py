# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Opening a store by its URL: the one place that chooses the back end."""

from __future__ import annotations

import os

from .._core.clock import Clock
from .._core.errors import StoreError
from . import schema
from .seal import Seal, StoreKey, missing_key
from .sql import Database
from .store import SqlStore
from .url import default_url, masked, postgres_uri, sqlite_path


def open_store(
    url: str, key: StoreKey, clock: Clock, holder: str, *, create: bool = True, migrate: bool = False
) -> SqlStore:
    """Open a store at the current schema.

    :param url: ``sqlite:////path``, ``postgresql://user:password@host:port/database``, or empty for the user's own.
    :param key: looked at when a secret is sealed or opened, not before; PostgreSQL demands one at once.
    :param holder: names this call where it holds a lease.
    :param create: make the store where there is none; an older one is never raised without ``migrate``.
    :raises StoreError: codes ``store_url``, ``store_missing``, ``store_needs_migration``, ``store_too_new``,
        ``store_key_missing``, ``store_unreachable``, ``store_refused``, ``store_busy``, ``store_error``.
    :raises MissingLibrary: PostgreSQL without psycopg.
    """
    url = url or default_url(os.environ)
    if not key and postgres_uri(url):
        raise missing_key("a PostgreSQL store keeps no key by itself and none is given")
    database = connected(url, clock, create=create)
    try:
        before = schema.ensure(database, create=create, migrate=migrate, migrations=schema.MIGRATIONS)
    except BaseException:
        database.close()
        raise
    return SqlStore(database, Seal(database, key, own_key_file(url)), clock, holder, before)


def own_key_file(url: str) -> str:
    """Name the key file that the store keeps by itself; empty where it keeps none."""
    path = sqlite_path(url)
    return f"{path}.key" if path else ""


def connected(url: str, clock: Clock, *, create: bool) -> Database:
    """Connect to a store of any schema.

    :param create: make the database's file where there is none.
    """
    path = sqlite_path(url)
    if path is not None:
        from .sqlite import SqliteDatabase

        return SqliteDatabase(masked(url), path, clock, create=create)
    uri = postgres_uri(url)
    if uri is None:
        raise StoreError(
            f"Cannot open the store {masked(url)}: no back end has such URLs; write sqlite:////absolute/path.db or "
            "postgresql://user:password@host:port/database",
            code="store_url",
        )
    from .postgres import PostgresDatabase

    return PostgresDatabase(masked(url), uri)
