# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Akamai Edge DNS: zones and record sets by its API, version 2.

Knows nothing of what a record is for, and merges nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote

from .._core.errors import NotFoundError, TransportError
from .._cps.caller import Operation
from .._cps.client_base import ClientBase
from .._cps.errors import RemoteNotFound
from .._cps.media import JSON
from .base import DnsRecords, RecordSet, Zone
from .rdata import from_rdata, to_rdata

PREFIX = "/config-dns/v2"
WRITABLE = "primary"
_ZONES = "/zones"
_RECORD = "/zones/{zone}/names/{name}/types/{type}"


class EdgeDnsClient(ClientBase, DnsRecords):
    """Speaks to Edge DNS for one API client; built as ``ClientBase`` says, with ``PREFIX``.

    What others wrote is written back as it was read, byte for byte: one text can be split and escaped in many ways.

    :source: Akamai's Go client, package ``dns``: paths, members and statuses of list-zones and the record sets.
    """

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._as_read: dict[tuple[str, str, str], str] = {}

    def zones(self) -> Sequence[Zone]:
        """List the zones in one call, whatever their number."""
        what = "the zones of Edge DNS"
        value = self._get(what, _ZONES, JSON, query=(("showAll", "true"),))
        listed = value.get("zones") if isinstance(value, Mapping) else None
        if not isinstance(listed, list):
            raise _unreadable(what, "it lists no zones")
        return [
            Zone(str(one["zone"]).lower().rstrip("."), kind == WRITABLE, kind)
            for one in listed
            if isinstance(one, Mapping) and one.get("zone")
            for kind in [str(one.get("type") or "").lower()]
        ]

    def find(self, zone: str, name: str, kind: str) -> RecordSet | None:
        """Read a record set."""
        what = _named(name, kind, zone)
        try:
            value = self._caller.call(self._operation(f"read {what}", "GET", zone, name, kind)).value
        except RemoteNotFound as exc:
            # Both have the same status, and only the words tell them apart.
            if exc.problem and "find zone" in str(exc.problem.get("detail", "")).lower():
                raise _no_zone(zone, exc) from exc
            return None
        record, texts = _record(value, what)
        self._as_read.update({(record.name, kind, plain): text for plain, text in texts.items()})
        return record

    def create(self, zone: str, record: RecordSet) -> None:
        """Make a record set."""
        self._send("make", "POST", zone, record)

    def replace(self, zone: str, record: RecordSet) -> None:
        """Replace a record set whole."""
        self._send("change", "PUT", zone, record)

    def remove(self, zone: str, name: str, kind: str) -> None:
        """Take a record set away."""
        what = f"remove {_named(name, kind, zone)}"
        self._caller.call(self._operation(what, "DELETE", zone, name, kind, is_empty_allowed=True))

    def _send(self, verb: str, method: str, zone: str, record: RecordSet) -> None:
        body = {
            "name": record.name,
            "type": record.type,
            "ttl": record.ttl,
            "rdata": [
                self._as_read.get((record.name, record.type, value)) or to_rdata(record.type, value)
                for value in record.values
            ],
        }
        what = f"{verb} {_named(record.name, record.type, zone)}"
        self._caller.call(
            self._operation(what, method, zone, record.name, record.type, sends=JSON, body=body, is_empty_allowed=True)
        )

    def _operation(self, what: str, method: str, zone: str, name: str, kind: str, **more: Any) -> Operation:
        ids = tuple(quote(part, safe="") for part in (zone, name, kind))
        return Operation(what, method, self._prefix + _RECORD, ids=ids, **more)


def _named(name: str, kind: str, zone: str) -> str:
    return f"the {kind} records of {name} in zone {zone}"


def _no_zone(zone: str, exc: RemoteNotFound) -> NotFoundError:
    advice = f"check zone: {zone} is no zone that these credentials show"
    return NotFoundError(f"{exc.message}; {advice}", code="zone_not_found")


def _record(value: Any, what: str) -> tuple[RecordSet, dict[str, str]]:
    """Read a record set; gives the text of each value, too. ``rdata`` may come in any order."""
    try:
        kind, ttl, rdata = str(value["type"]), int(value["ttl"]), value["rdata"]
        texts = {from_rdata(kind, text): text for text in rdata}
        return RecordSet(str(value["name"]).lower().rstrip("."), kind, ttl, tuple(texts)), texts
    except (KeyError, TypeError, ValueError, AttributeError) as exc:
        raise _unreadable(what, "it is no record set") from exc


def _unreadable(what: str, why: str) -> TransportError:
    return TransportError(f"Cannot read {what}: the answer is not as expected, {why}", kind="truncated", sent=True)
