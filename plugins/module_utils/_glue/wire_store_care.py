# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From the common options to a store that is cared for; apart, so that no other module bundles it."""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextlib import AbstractContextManager, closing
from typing import Any

from .._core import files
from .._core.clock import Clock
from .._core.errors import InputError, StoreError
from .._core.redact import Secret
from .._core.types import AuditEntry
from .._store import backup
from .._store.open import connected, own_key_file
from .._store.schema import MIGRATIONS
from .._store.seal import Seal, StoreKey, new_key_text
from .._store.store import SqlStore
from .._store.url import default_url, masked
from .job_container import refuse_vanishing
from .wire_store import key_of, opened, own_files


class StorePlace:
    """Where the store is; opens it on demand, and is what ``StoreAt`` says.

    :param makes: the action makes the store where there is none.
    :ivar url: as shown to users, without password.
    :ivar backend: ``sqlite`` or ``postgresql``.
    :ivar newest_schema: what this version of the collection works with.
    """

    def __init__(
        self, options: Mapping[str, Any], clock: Clock, actor: str, environment: Mapping[str, str], *, makes: bool
    ) -> None:
        self._options, self._clock, self.actor = options, clock, actor
        self._url = options.get("store") or default_url(environment)
        self._environment = environment
        refuse_vanishing(options.get("store") or "", environment, create=makes)
        self.url = masked(self._url)
        self.backend = "sqlite" if self._url.startswith("sqlite:") else "postgresql"
        self.newest_schema = len(MIGRATIONS)

    def open(self, *, create: bool = False, migrate: bool = False) -> AbstractContextManager[SqlStore]:
        """Open the store for a block.

        :raises StoreError: it cannot be opened as asked.
        """
        return opened(self._options, self._clock, self.actor, create=create, migrate=migrate)

    def create(self) -> None:
        """Make the store, and its data key where a store key is named."""
        with self.open(create=True) as store:
            if key_of(self._options):
                store.prepare_seal()

    def look(self) -> Mapping[str, Any]:
        """Look at the store, which may be of an earlier schema; needs no key."""
        with (
            closing(connected(self._url, self._clock, create=False)) as database,
            database.transaction(database.begin_read),
        ):
            return _seen(backup.contents(database))

    def check_path(self, path: str, what: str, *, force: bool) -> None:
        """Refuse a path that a file cannot, or must not, be written to."""
        files.check_new(path, what, force=force, taken=own_files(self._options, self._environment))

    def backup(self, path: str) -> Mapping[str, Any]:
        """Write a backup; needs no key."""
        with closing(connected(self._url, self._clock, create=False)) as database:
            return _seen(backup.write(database, path, self._clock))

    def look_into(self, path: str) -> Mapping[str, Any]:
        """Look at a backup, and whether its secrets would open here."""
        if os.path.realpath(path) in map(os.path.realpath, own_files(self._options, self._environment)):
            raise InputError(f"Cannot restore from {path}: that is the store itself; name a backup of it")
        with backup.opened(path, self._clock) as file, file.transaction(file.begin_read):
            try:
                Seal(file, key_of(self._options), own_key_file(self._url)).check()
            except StoreError as exc:
                raise StoreError(
                    f"Cannot restore from {path}: {exc}; what counts is the key the store had when the backup was "
                    "taken",
                    code=exc.code,
                ) from exc
            return _seen(backup.contents(file))

    def restore(self, path: str, entry: AuditEntry) -> None:
        """Replace everything in the store by a backup."""
        with backup.at_present_schema(path, self._clock) as file, self.open(create=True) as store:
            store.restore(file, entry)

    def export_audit(self, path: str, since: int) -> Mapping[str, int]:
        """Write the audit's lines after that number, one JSON object a line."""
        lines, last = 0, since
        with (
            self.open() as store,
            store.audit_lines(since) as found,
            files.replacing(path, "the export") as part,
            open(part, "w", encoding="ascii") as file,
        ):
            for number, line in found:
                file.write(f"{line}\n")
                lines, last = lines + 1, number
        return {"lines": lines, "last": last}

    def check_rekey(self, text: Secret | None, path: str) -> bool:
        """Refuse a new key that ``rekey`` would refuse; say whether the store keeps its key by itself."""
        with self.open() as store:
            return store.check_rekey(self._new_key(text, path))

    def rekey(self, text: Secret | None, path: str, entry: AuditEntry) -> None:
        """Seal the store's data key with another key."""
        with self.open() as store:
            store.rekey(self._new_key(text, path), entry)

    def _new_key(self, text: Secret | None, path: str) -> StoreKey:
        """Give the key that is to be; a store that keeps its key by itself makes one when none is given."""
        if not text and not path and own_key_file(self._url) and not key_of(self._options):
            text = Secret(new_key_text())
        return StoreKey(text, path)


def _seen(found: backup.Contents) -> dict[str, Any]:
    return {
        "schema": found.schema,
        "records": dict(found.records),
        "problems": list(found.problems),
        "taken_at": found.taken.get("at", ""),
    }
