# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The store over either database: units of work, leases, the ledger, the audit put together."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeVar

from .._core.clock import Clock
from .._core.errors import StoreError
from .._core.types import AuditEntry, AuditRow
from . import tables
from .base import Store, Unit
from .repository import SqlRepository
from .schema import number_in
from .seal import Seal, StoreKey
from .sql import Database, quoted

# Audit, leases and ledger are imported when first used: most calls change nothing, and need none of them.
if TYPE_CHECKING:
    from .._core.ledger import CallLedger
    from .audit import AuditChain
    from .leases import Leases
    from .ledger import StoreLedger

R = TypeVar("R")


class SqlUnit(Unit):
    """One running transaction with its repositories."""

    def __init__(self, database: Database, seal: Seal, clock: Clock, *, writable: bool) -> None:
        def over(table: tables.Table[R]) -> SqlRepository[R]:
            return SqlRepository(table, database, seal, writable=writable)

        self._database, self._clock, self._writable = database, clock, writable
        self.audited = 0
        self.devices = over(tables.DEVICES)
        self.vendor_settings = over(tables.VENDOR_SETTINGS)
        self.ca_accounts = over(tables.CA_ACCOUNTS)
        self.certificates = over(tables.CERTIFICATES)
        self.pems = over(tables.PEMS)
        self.requests = over(tables.REQUESTS)
        self.connectors = over(tables.CONNECTORS)
        self.work_orders = over(tables.WORK_ORDERS)
        self.intents = over(tables.INTENTS)
        self.groups = over(tables.GROUPS)
        self.attachments = over(tables.ATTACHMENTS)
        self.snapshots = over(tables.SNAPSHOTS)
        self.key_devices = over(tables.KEY_DEVICES)
        self.held_secrets = over(tables.HELD_SECRETS)

    @cached_property
    def _chain(self) -> AuditChain:
        from .audit import AuditChain

        return AuditChain(self._database, writable=self._writable)

    def audit(self, entry: AuditEntry) -> AuditRow:
        """Chain one line to the audit, in this transaction."""
        self.audited += 1
        return self._chain.append(entry, self._clock.now())

    def audit_rows(self, *, noun: str = "", key: str = "", limit: int | None = None) -> Iterator[AuditRow]:
        """Give audit lines in order; with a limit the newest that many, still oldest first."""
        return self._chain.rows(noun, key, limit)

    def finish(self) -> None:
        """Write what is written once a unit, before it is committed."""
        if "_chain" in vars(self):
            self._chain.finish()


class SqlStore(Store):
    """An open store. One thread and one process use it: a fork or a thread opens its own.

    Units do not nest, and leases and the ledger are used between units, not inside: they commit on their own.

    :param database: its schema is current.
    """

    def __init__(self, database: Database, seal: Seal, clock: Clock, holder: str, schema_before: int) -> None:
        self.schema_before = schema_before
        self.audited = 0
        self._database = database
        self._seal = seal
        self._clock = clock
        self._holder = holder
        self._held: dict[str, str] = {}

    @cached_property
    def _leases(self) -> Leases:
        from .leases import Leases

        return Leases(self._database, self._clock, self._holder)

    @cached_property
    def _ledger(self) -> StoreLedger:
        from .ledger import StoreLedger

        return StoreLedger(self._database)

    @contextmanager
    def write(self) -> Iterator[Unit]:
        """Begin a writing unit."""
        try:
            with self._database.transaction(self._database.begin_write):
                unit = SqlUnit(self._database, self._seal, self._clock, writable=True)
                yield unit
                unit.finish()
            self.audited += unit.audited
        except BaseException:
            self._seal.forget()
            raise

    @contextmanager
    def read(self) -> Iterator[Unit]:
        """Begin a reading unit."""
        with self._database.transaction(self._database.begin_read):
            yield SqlUnit(self._database, self._seal, self._clock, writable=False)

    @contextmanager
    def lease(self, name: str, seconds: float) -> Iterator[None]:
        """Hold the named lease for the block."""
        token = self._held[name] = self._leases.take(name, seconds)
        try:
            yield
        finally:
            del self._held[name]
            self._leases.release(name, token)

    def renew(self, name: str, seconds: float) -> None:
        """Move the expiry of a lease held by this store to that many seconds from now.

        :raises ConflictError: it expired and was taken over.
        """
        self._leases.renew(name, self._held[name], seconds)

    def drop_expired_leases(self) -> Sequence[tuple[str, str]]:
        """Forget expired leases; gives name and holder of each."""
        return self._leases.drop_expired()

    @property
    def ledger(self) -> CallLedger:
        """Give the shared count of API calls."""
        return self._ledger

    @property
    def mark(self) -> str:
        """Tell this store from all others."""
        return self._mark

    @cached_property
    def _mark(self) -> str:
        from .audit import first_hash

        with self._database.transaction(self._database.begin_read):
            return first_hash(self._database)

    def describe(self) -> Mapping[str, Any]:
        """Give ``url`` (password masked), ``backend``, ``schema``, ``records`` (counts by kind)."""
        from .audit import read_head

        counted = ", ".join(f"(SELECT COUNT(*) FROM {quoted(table.name)})" for table in tables.TABLES)
        with self._database.transaction(self._database.begin_read):
            counts = self._database.rows(f"SELECT {counted}")[0]
            records = {table.name: count for table, count in zip(tables.TABLES, counts, strict=True)}
            records["audit"] = read_head(self._database)[0]
            schema = number_in(self._database)
        return {"url": self._database.url, "backend": self._database.backend, "schema": schema, "records": records}

    def verify_audit(self) -> Sequence[str]:
        """Give a sentence for each broken place of the audit chain; empty when it holds."""
        from .audit import broken_places

        with self._database.transaction(self._database.begin_read):
            return list(broken_places(self._database))

    @contextmanager
    def audit_lines(self, since: int) -> Iterator[Iterator[tuple[int, str]]]:
        """Give the audit's lines after that number, each with its number, as they are exported; for a block."""
        from .audit import exported

        with self._database.transaction(self._database.begin_read):
            yield exported(self._database, since)

    def prepare_seal(self) -> None:
        """Make the data key before the first secret needs it: who stores that one may not write it."""
        with self._database.transaction(self._database.begin_write):
            self._seal.prepare()

    def check_rekey(self, new: StoreKey) -> bool:
        """Refuse a new store key that ``rekey`` would refuse; say whether the store keeps its key by itself.

        :raises StoreError: the present key is wrong, or the new one is missing or cannot be used.
        :raises InputError: it is the present one.
        """
        if not new:
            raise StoreError("Cannot rekey the store: no new key is given", code="store_key_missing")
        with self._database.transaction(self._database.begin_read):
            self._seal.check_new(new)
        return self._seal.is_own_file_used

    def rekey(self, new: StoreKey, entry: AuditEntry) -> None:
        """Wrap the store's data key with another key; from then on only that one opens the store.

        :param entry: the audit's line about it.
        :raises StoreError, InputError: as ``check_rekey``.
        """
        self.check_rekey(new)
        with self.write() as unit:
            self._seal.rekey(new)
            unit.audit(entry)
        with self._database.transaction(self._database.begin_write):
            self._seal.settle()
        self._seal.adopt(new)

    def restore(self, backup: Database, entry: AuditEntry) -> None:
        """Replace everything by a backup at the present schema, in one transaction.

        :param entry: the line that goes to the end of the restored audit.
        :raises ConflictError: somebody is at work on the store.
        """
        from .backup import load

        with self.write() as unit:
            load(backup, self._database, self._clock.now())
            unit.audit(entry)
        self._seal.forget()

    def close(self) -> None:
        """Close the connection."""
        self._database.close()
