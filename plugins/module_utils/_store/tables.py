# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which record stands in which table: names, keys, indexes. The columns follow from the record's own fields.

Knows no SQL; the DDL of a released schema is frozen in ``schema.py``, and a test compares the two.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from enum import Enum
from functools import cached_property
from operator import attrgetter
from typing import Any, Generic, TypeVar

from .._core.governance import Attachment, Group
from .._core.key_records import HeldSecret, KeyDevice
from .._core.snapshots import Snapshot
from .._core.types import (
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

R = TypeVar("R")


class Kind(Enum):
    """How a field's value is written into a column."""

    TEXT = "text"
    INTEGER = "integer"
    BOOLEAN = "boolean"
    TIME = "time"
    MAP = "map"
    MAPS = "maps"
    WORDS = "words"
    SECRET = "secret"


_KINDS = {
    "str": Kind.TEXT,
    "int": Kind.INTEGER,
    "bool": Kind.BOOLEAN,
    "datetime": Kind.TIME,
    "JsonMap": Kind.MAP,
    "tuple[JsonMap, ...]": Kind.MAPS,
    "tuple[str, ...]": Kind.WORDS,
    "Secret": Kind.SECRET,
}
_AS_THEY_ARE = frozenset({Kind.INTEGER, Kind.BOOLEAN})
SEARCHED = frozenset({Kind.TEXT, Kind.INTEGER, Kind.BOOLEAN, Kind.TIME})


@dataclass(frozen=True)
class Column:
    """One column.

    :ivar name: the field's name, too.
    :ivar nullable: the field may be None.
    """

    name: str
    kind: Kind
    nullable: bool


@dataclass(frozen=True)
class Table(Generic[R]):
    """One kind of record and the table it stands in.

    :ivar name: of the table, and of the unit's repository.
    :ivar noun: what messages call one record.
    :ivar key: the fields that identify a record, in the record's order.
    :ivar indexed: single columns often searched by.
    :ivar dated: its records are found oldest first, by ``created_at``; the keys of such tables are random.
    """

    name: str
    noun: str
    record: type[R]
    key: tuple[str, ...]
    indexed: tuple[str, ...] = ()
    dated: bool = False

    @cached_property
    def columns(self) -> tuple[Column, ...]:
        """Give a column for each field, in the record's order; ``version`` is the last."""
        described: Any = self.record
        return tuple(_column(field.name, str(field.type)) for field in fields(described))

    @property
    def order(self) -> tuple[str, ...]:
        """Give the columns that records are found in the order of."""
        return ("created_at", *self.key) if self.dated else self.key

    @cached_property
    def by_name(self) -> dict[str, Column]:
        """Give the columns by name."""
        return {column.name: column for column in self.columns}

    @cached_property
    def names(self) -> tuple[str, ...]:
        """Give the column names, in the record's order."""
        return tuple(column.name for column in self.columns)

    @cached_property
    def values_of(self) -> Callable[[R], tuple[Any, ...]]:
        """Give what takes the values of all columns from a record."""
        return attrgetter(*self.names)

    @cached_property
    def converted(self) -> tuple[tuple[int, Column], ...]:
        """Give the columns that are not written as they are, with their places."""
        return tuple((number, column) for number, column in enumerate(self.columns) if column.kind not in _AS_THEY_ARE)

    @cached_property
    def kinds(self) -> Mapping[Kind, tuple[int, ...]]:
        """Give the places of the columns of each kind."""
        found: dict[Kind, list[int]] = {}
        for number, column in enumerate(self.columns):
            found.setdefault(column.kind, []).append(number)
        return {kind: tuple(places) for kind, places in found.items()}

    def key_of(self, record: R) -> tuple[str, ...]:
        """Give a record's key."""
        return tuple(getattr(record, name) for name in self.key)

    def called(self, key: tuple[str, ...]) -> str:
        """Name one record in a message, as ``certificate www.example.com``."""
        return f"{self.noun} {' / '.join(part or '(empty)' for part in key)}"


def _column(name: str, annotation: str) -> Column:
    """Read a field's annotation, which is text under postponed evaluation."""
    plain = annotation.removesuffix(" | None")
    if plain not in _KINDS:
        raise TypeError(f"field {name}: the store has no column kind for {annotation}")
    return Column(name, _KINDS[plain], nullable=plain != annotation)


DEVICES = Table("devices", "device", Device, ("name",))
VENDOR_SETTINGS = Table(
    "vendor_settings",
    "vendor settings",
    VendorSettings,
    ("validation_type", "secure_network", "vendor_certificate_type"),
)
CA_ACCOUNTS = Table("ca_accounts", "CA account", CaAccount, ("name",))
CERTIFICATES = Table(
    "certificates",
    "certificate",
    Certificate,
    ("certificate_id",),
    ("common_name", "device", "fingerprint", "enrollment_id", "not_after"),
)
PEMS = Table("pems", "certificate text", StoredPem, ("fingerprint",))
REQUESTS = Table("requests", "request", CertRequest, ("request_id",), ("certificate_id", "state"), dated=True)
CONNECTORS = Table("connectors", "application connector", Connector, ("certificate_id", "name"))
WORK_ORDERS = Table("work_orders", "work order", WorkOrder, ("work_order_id",), ("certificate_id", "state"), dated=True)
INTENTS = Table("intents", "intent", Intent, ("intent_id",), ("key", "finished_at"), dated=True)
GROUPS = Table("groups", "group", Group, ("name",))
ATTACHMENTS = Table("attachments", "attachment", Attachment, ("attachment_id",), ("certificate_id",))
SNAPSHOTS = Table("snapshots", "snapshot", Snapshot, ("snapshot_id",), ("certificate_id",), dated=True)
KEY_DEVICES = Table("key_devices", "key device", KeyDevice, ("name",))
HELD_SECRETS = Table("held_secrets", "secret", HeldSecret, ("noun", "owner", "name"))

TABLES: tuple[Table[Any], ...] = (
    DEVICES,
    VENDOR_SETTINGS,
    CA_ACCOUNTS,
    CERTIFICATES,
    PEMS,
    REQUESTS,
    CONNECTORS,
    WORK_ORDERS,
    INTENTS,
    GROUPS,
    ATTACHMENTS,
    SNAPSHOTS,
    KEY_DEVICES,
    HELD_SECRETS,
)
