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
    database, own_file = _connected(url, key, clock, create=create)
    try:
        before = schema.ensure(database, create=create, migrate=migrate, migrations=schema.MIGRATIONS)
    except BaseException:
        database.close()
        raise
    return SqlStore(database, Seal(database, key, own_file), clock, holder, before)


def _connected(url: str, key: StoreKey, clock: Clock, *, create: bool) -> tuple[Database, str]:
    """Connect, and name the key file the back end keeps by itself, if it does."""
    path = sqlite_path(url)
    if path is not None:
        from .sqlite import SqliteDatabase

        return SqliteDatabase(masked(url), path, clock, create=create), f"{path}.key"
    uri = postgres_uri(url)
    if uri is None:
        raise StoreError(
            f"Cannot open the store {masked(url)}: no back end has such URLs; write sqlite:////absolute/path.db or "
            "postgresql://user:password@host:port/database",
            code="store_url",
        )
    if not key:
        raise missing_key("a PostgreSQL store keeps no key by itself and none is given")
    from .postgres import PostgresDatabase

    return PostgresDatabase(masked(url), uri), ""
