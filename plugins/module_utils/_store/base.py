# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a store owes: units of work, repositories, leases, the call ledger, the audit. No SQL here.

A *unit* is one short transaction. Writing units exclude one another (SQLite's single writer; an advisory lock on
PostgreSQL), so the audit chain has one order on both and no deadlock is possible. A unit never spans a remote call.
A unit left by an exception leaves nothing behind.

Every stored record has a ``version``: ``add`` stores version 1, ``put`` names the version it read and stores the next
one; when the stored version is another, ``put`` raises ``ConflictError`` and nothing is written.

Secrets (``Secret`` fields) are sealed: AES-256-GCM under the store's data key, with table, key and column as
associated data, so a value moved to another row does not open. The data key is wrapped by the store key. A read
secret opens when it is first needed, while the store is open; nothing else of the store can be read back into clear
text from a dump.

A *lease* is a named lock with an expiry, held across remote calls; a stale one is taken over.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from .._core.governance import Attachment, Group
from .._core.key_records import HeldSecret, KeyDevice
from .._core.snapshots import Snapshot
from .._core.types import (
    AuditEntry,
    AuditRow,
    CaAccount,
    Certificate,
    CertRequest,
    Connector,
    Device,
    Intent,
    StoredPem,
    VendorSettings,
    WorkOrder,
)

if TYPE_CHECKING:
    from .._core.ledger import CallLedger

R = TypeVar("R")


class Repository(ABC, Generic[R]):
    """The records of one kind, within a unit."""

    @abstractmethod
    def get(self, *key: str) -> R | None:
        """Give the record of that key, or None.

        :param key: the parts of the key in the order of the record's first fields.
        """

    @abstractmethod
    def find(self, **equal: Any) -> list[R]:
        """Give the records whose columns equal the values: by key, or the oldest first.

        Requests, work orders and intents come the oldest first, because their keys are random.

        :param equal: by field name; a list or tuple means any of its values; none at all means every record.
        """

    @abstractmethod
    def outlines(self, **equal: Any) -> list[R]:
        """Give the records that ``find`` would give, without their secrets, which may be large.

        Each is version 0: it cannot be put or removed, since what was left out would be lost.
        """

    @abstractmethod
    def count(self, **equal: Any) -> int:
        """Count the records that ``find`` would give."""

    @abstractmethod
    def add(self, record: R) -> R:
        """Store a new record and give it back as version 1.

        :raises ConflictError: the key is taken.
        """

    @abstractmethod
    def put(self, record: R) -> R:
        """Store a changed record and give it back with its new version.

        :raises ConflictError: it was changed or removed since it was read.
        """

    @abstractmethod
    def add_many(self, records: Sequence[R]) -> None:
        """Store many new records in few statements."""

    @abstractmethod
    def put_many(self, records: Sequence[R]) -> None:
        """Store many changed records; one clash and none is written."""

    @abstractmethod
    def remove(self, record: R) -> None:
        """Remove the record at the version that was read.

        :raises ConflictError: it was changed or removed since.
        """


class Unit(ABC):
    """One transaction with every repository in it."""

    devices: Repository[Device]
    vendor_settings: Repository[VendorSettings]
    ca_accounts: Repository[CaAccount]
    certificates: Repository[Certificate]
    pems: Repository[StoredPem]
    requests: Repository[CertRequest]
    connectors: Repository[Connector]
    work_orders: Repository[WorkOrder]
    intents: Repository[Intent]
    groups: Repository[Group]
    attachments: Repository[Attachment]
    snapshots: Repository[Snapshot]
    key_devices: Repository[KeyDevice]
    held_secrets: Repository[HeldSecret]

    @abstractmethod
    def audit(self, entry: AuditEntry) -> AuditRow:
        """Chain one line to the audit, in this transaction."""

    @abstractmethod
    def audit_rows(self, *, noun: str = "", key: str = "", limit: int | None = None) -> Iterator[AuditRow]:
        """Give audit lines in order; with a limit the newest that many, still oldest first."""


class Store(ABC):
    """An open store at the current schema."""

    audited: int = 0
    """Audit lines written through this object: whatever changes something writes one, so 0 means nothing changed."""

    schema_before: int
    """Number of the schema found at opening: 0 when the store was created, less than the present one when it was
    migrated."""

    @abstractmethod
    def write(self) -> AbstractContextManager[Unit]:
        """Begin a writing unit; committed when the block ends, rolled back on an exception."""

    @abstractmethod
    def read(self) -> AbstractContextManager[Unit]:
        """Begin a reading unit: one consistent view; writing in it raises StoreError."""

    @abstractmethod
    def lease(self, name: str, seconds: float) -> AbstractContextManager[None]:
        """Hold the named lease for the block.

        :raises ConflictError: another holds it and it has not expired; says who and until when.
        """

    @abstractmethod
    def renew(self, name: str, seconds: float) -> None:
        """Hold a lease of this store for that many seconds more, as long work does before it waits.

        :raises ConflictError: it expired and another took it over.
        """

    @abstractmethod
    def drop_expired_leases(self) -> Sequence[tuple[str, str]]:
        """Forget leases that expired, as those of a killed run do; gives name and holder of each."""

    @property
    @abstractmethod
    def mark(self) -> str:
        """Give a text that no other store has and that stays; empty as long as nothing was written to it."""

    @property
    @abstractmethod
    def ledger(self) -> CallLedger:
        """Give the shared count of API calls."""

    @abstractmethod
    def describe(self) -> Mapping[str, Any]:
        """Give ``url`` (password masked), ``backend``, ``schema``, ``records`` (counts by kind)."""

    @abstractmethod
    def verify_audit(self) -> Sequence[str]:
        """Give a sentence for each broken place of the audit chain; empty when it holds."""

    @abstractmethod
    def close(self) -> None:
        """Close the connection."""
