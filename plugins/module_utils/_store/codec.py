# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Values of records as values of columns, and back. Knows kinds, no SQL and no database."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timezone
from typing import Any, Protocol, TypeVar

from .._core.errors import InputError, StoreError
from .._core.redact import MASK, SealedSecret, Secret
from .tables import Column, Kind, Table

R = TypeVar("R")


class Sealing(Protocol):
    """What turns secrets into sealed bytes and back; the place is associated data."""

    def seal(self, place: str, text: str) -> bytes:
        """Seal a text so that it opens at that place only."""

    def open(self, place: str, sealed: bytes) -> str:
        """Open what was sealed for that place."""


def time_text(moment: datetime) -> str:
    """Write a moment in UTC, always with six digits of fraction, so that text order is time order."""
    aware = moment if moment.tzinfo else moment.replace(tzinfo=timezone.utc)
    return aware.astimezone(timezone.utc).isoformat(timespec="microseconds")


def time_of(text: str) -> datetime:
    """Read what ``time_text`` wrote."""
    return datetime.fromisoformat(text)


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, datetime):
        return time_text(value)
    if isinstance(value, Secret):
        # A secret has its own sealed column; what reaches JSON is for people to read.
        return MASK
    raise TypeError(f"{type(value).__name__} is no plain value")


# Made once: json.dumps makes an encoder for each call that differs from its defaults.
_ENCODER = json.JSONEncoder(separators=(",", ":"), default=_plain, allow_nan=False)
_CANONICAL = json.JSONEncoder(separators=(",", ":"), sort_keys=True)
_DECODER = json.JSONDecoder()


def json_text(value: Any) -> str:
    """Write a plain value as JSON in ASCII.

    :raises InputError: it holds something JSON cannot.
    """
    try:
        return _ENCODER.encode(value)
    except (TypeError, ValueError) as exc:
        raise InputError(f"Cannot keep a value in the store: {exc}; use texts, numbers, lists and mappings") from exc


def canonical(value: Any) -> str:
    """Write a plain value as the one JSON text it has: ASCII, keys sorted, no spaces."""
    # Keys become text on the first way through JSON; only then do they sort the same way each time.
    return _CANONICAL.encode(json.loads(json_text(value)))


def place_of(table: Table[Any], key: Sequence[str], column: str) -> str:
    """Name a value's place; no stored text holds a NUL, so two places never get one name."""
    return "\0".join((table.name, *key, column))


def encode(table: Table[R], record: R, sealing: Sealing) -> list[Any]:
    """Give the column values of a record, in the table's order.

    :raises InputError: a value cannot be stored.
    """
    values = list(table.values_of(record))
    for number, column in table.converted:
        value = values[number]
        if value is None:
            continue
        if column.kind is Kind.SECRET:
            place = place_of(table, table.key_of(record), column.name)
            values[number] = _sealed(value, place, sealing)
        else:
            values[number] = _ENCODERS[column.kind](column.name, value)
    return values


def _sealed(secret: Secret, place: str, sealing: Sealing) -> bytes:
    """Seal a secret, or give back the sealed bytes of one that nobody opened or changed."""
    if isinstance(secret, SealedSecret) and secret.place == place:
        return secret.sealed
    return sealing.seal(place, secret.reveal())


def encode_value(column: Column, value: Any) -> Any:
    """Give the column's value for a value that is no secret; for searching."""
    encoder = _ENCODERS.get(column.kind)
    return value if value is None or encoder is None else encoder(column.name, value)


def checked(name: str, text: str) -> str:
    """Refuse what one back end or the other cannot keep in a text column."""
    if not text.isascii():
        try:
            text.encode("utf-8")
        except UnicodeEncodeError as exc:
            raise InputError(f"Cannot store {name}: the text is not valid Unicode ({exc.reason})") from exc
    if "\0" in text:
        raise InputError(f"Cannot store {name}: the text holds a NUL character; remove it")
    return text


_ENCODERS: Mapping[Kind, Callable[[str, Any], Any]] = {
    Kind.TEXT: checked,
    Kind.TIME: lambda _name, moment: time_text(moment),
    Kind.MAP: lambda _name, value: json_text(value) if value else "{}",
    Kind.MAPS: lambda _name, value: json_text(value) if value else "[]",
    Kind.WORDS: lambda _name, value: json_text(value) if value else "[]",
}


def _map(text: str) -> dict[str, Any]:
    # Most of these columns are empty; reading thousands of records shows the difference.
    return {} if text == "{}" else _DECODER.decode(text)


def _sequence(text: str) -> tuple[Any, ...]:
    return () if text == "[]" else tuple(_DECODER.decode(text))


_DECODERS: Mapping[Kind, Callable[[Any], Any]] = {
    Kind.BOOLEAN: bool,
    Kind.TIME: time_of,
    Kind.MAP: _map,
    Kind.MAPS: _sequence,
    Kind.WORDS: _sequence,
}


def decode_all(table: Table[R], rows: Sequence[Sequence[Any]], sealing: Sealing) -> list[R]:
    """Give the records of rows whose columns stand in the table's order.

    A secret is opened when it is first needed; whether it opens is found out then.

    :raises StoreError: a row holds what was never stored so.
    """
    kinds = table.kinds
    plain = [(n, decoder) for kind, decoder in _DECODERS.items() for n in kinds.get(kind, ())]
    secret = [(n, table.names[n]) for n in kinds.get(Kind.SECRET, ())]
    keys = [table.names.index(name) for name in table.key]
    records = []
    for row in rows:
        values = list(row)
        key = tuple(values[n] for n in keys)
        try:
            for n, decoder in plain:
                if values[n] is not None:
                    values[n] = decoder(values[n])
        except (TypeError, ValueError) as exc:
            raise StoreError(
                f"Cannot read {table.called(key)} from the store: the row is damaged ({exc}); restore a backup",
                code="store_damaged",
            ) from exc
        for n, name in secret:
            if values[n] is not None:
                values[n] = SealedSecret(bytes(values[n]), place_of(table, key, name), sealing.open)
        records.append(table.record(*values))
    return records
