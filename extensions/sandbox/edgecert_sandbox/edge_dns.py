# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Edge DNS: the zones of an account and their record sets, and what its name servers tell of them a while later.

Source of the shape: Akamai's Go client and its tests, and its plugin for certbot; the words of refusals: reports of
them by users of its tools.
Knows no HTTP; ``name_server`` asks it what is published.
"""

from __future__ import annotations

import json
import re
import threading
import uuid
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import unquote

from jsonschema import Draft202012Validator
from jsonschema.exceptions import best_match

from .clock import iso
from .model import Wire, WorldConfig
from .problems import Answer, Problem

TYPES = ("A", "AAAA", "CNAME", "NS", "SOA", "TXT")
ZONE_TYPES = ("PRIMARY", "SECONDARY", "ALIAS")
PAGE_SIZE = 25
MAX_TTL = 2147483647
NAME_SERVERS = ("a1-64.akam.example.", "a2-65.akam.example.")
_BODY = Draft202012Validator(
    {
        "type": "object",
        "additionalProperties": False,
        "required": ["name", "type", "ttl", "rdata"],
        "properties": {
            "name": {"type": "string", "minLength": 1},
            "type": {"type": "string", "minLength": 1},
            "ttl": {"type": "integer", "minimum": 0, "maximum": MAX_TTL},
            "rdata": {"type": "array", "minItems": 1, "uniqueItems": True, "items": {"type": "string", "minLength": 1}},
        },
    }
)
_LABEL = re.compile(r"[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?|\*")
# Akamai's own plugin for certbot sends a bare word, and expects it back in quotes.
_BARE = re.compile(r'[^\s"\\]+')
_QUOTED = re.compile(r'"((?:[^"\\]|\\.)*)"')

Key = tuple[str, str]


@dataclass(frozen=True)
class RecordSet:
    """All records of one name and type.

    :ivar rdata: one text for each record as a zone file has it, TXT in quotes.
    """

    name: str
    type: str
    ttl: int
    rdata: tuple[str, ...]

    def wire(self) -> Wire:
        """Write it as the API does."""
        return {"name": self.name, "type": self.type, "ttl": self.ttl, "rdata": list(self.rdata)}


@dataclass
class Zone:
    """A zone, and for each record set what it was since when; None where it was taken away."""

    name: str
    kind: str
    contract: str
    changed_at: datetime
    version: str = field(default_factory=lambda: str(uuid.uuid4()))
    versions: dict[Key, list[tuple[datetime, RecordSet | None]]] = field(default_factory=dict)

    def now(self, key: Key) -> RecordSet | None:
        """Give a record set as the API has it."""
        found = self.versions.get(key)
        return found[-1][1] if found else None

    def at(self, key: Key, moment: datetime) -> RecordSet | None:
        """Give a record set as it was at a time."""
        seen = [record for since, record in self.versions.get(key, []) if since <= moment]
        return seen[-1] if seen else None

    def put(self, key: Key, record: RecordSet | None, now: datetime) -> None:
        """Change a record set."""
        self.versions.setdefault(key, []).append((now, record))
        self.changed_at, self.version = now, str(uuid.uuid4())

    def types_at(self, name: str, moment: datetime) -> list[str]:
        """Give the types of records a name has at a time."""
        return [kind for owner, kind in self.versions if owner == name and self.at((owner, kind), moment)]


class EdgeDns:
    """The zones of one account.

    :param now: the engine's clock.
    """

    def __init__(self, config: Callable[[], WorldConfig], now: Callable[[], datetime]) -> None:
        self._config, self._now = config, now
        self._zones: dict[str, Zone] = {}
        self._lock = threading.RLock()

    def get_zones(self, query: Mapping[str, str]) -> Answer:
        """List the zones, a page of them unless all are asked for."""
        with self._lock:
            found = [one for one in self._read().values() if _fits(one, query)]
            found.sort(key=lambda one: one.name)
            show_all = query.get("showAll", "false") == "true"
            page, size = int(query.get("page", "1")), int(query.get("pageSize", str(PAGE_SIZE)))
            if page < 1 or size < 1:
                raise refused(400, "badRequest", "Bad Request", "page and pageSize start at 1")
            shown = found if show_all else found[(page - 1) * size : page * size]
            metadata = {
                "page": page,
                "pageSize": len(found) if show_all else size,
                "showAll": show_all,
                "totalElements": len(found),
                "contractIds": sorted({one.contract for one in found}),
            }
            return Answer(200, "json", {"metadata": metadata, "zones": [_zone_wire(one) for one in shown]})

    def get_zone(self, zone: str) -> Answer:
        """Read one zone."""
        with self._lock:
            return Answer(200, "json", _zone_wire(self._zone(zone)))

    def get_record_set(self, zone: str, name: str, kind: str) -> Answer:
        """Read one record set."""
        with self._lock:
            key = _key(name, kind)
            found = self._zone(zone).now(key)
            if found is None:
                raise refused(404, "notFound", "Not Found", f"Unable to find record set '{key[0]}' of type '{key[1]}'")
            return Answer(200, "json", found.wire())

    def post_record_set(self, zone: str, name: str, kind: str, body: bytes) -> Answer:
        """Make a record set; there must be none."""
        with self._lock:
            held, record = self._writable(zone), self._checked(zone, name, kind, body)
            key = (record.name, record.type)
            if held.now(key) is not None:
                detail = f"Duplicate record set found with name {record.name} and type {record.type}"
                raise refused(409, "modificationConflict", "Modification Conflict", detail)
            self._refuse_beside_cname(held, record)
            held.put(key, record, self._now())
            return Answer(201, "json", record.wire())

    def put_record_set(self, zone: str, name: str, kind: str, body: bytes) -> Answer:
        """Replace a record set whole."""
        with self._lock:
            held, record = self._writable(zone), self._checked(zone, name, kind, body)
            self.get_record_set(zone, name, kind)
            held.put((record.name, record.type), record, self._now())
            return Answer(200, "json", record.wire())

    def delete_record_set(self, zone: str, name: str, kind: str) -> Answer:
        """Take a record set away."""
        with self._lock:
            held, key = self._writable(zone), _key(name, kind)
            self.get_record_set(zone, name, kind)
            if key[0] == held.name and key[1] in ("NS", "SOA"):
                raise refused(400, "invalidOperation", "Invalid Operation", f"A zone needs its {key[1]} record set")
            held.put(key, None, self._now())
            return Answer(204, "json", None)

    def published(self, name: str, kind: str) -> tuple[str, list[RecordSet]]:
        """Give what a name server says of a name: ``answer``, ``no_name`` or ``refused``, and the records."""
        with self._lock:
            zone = next((one for one in _above(name) if one in self._read()), "")
            if not zone:
                return "refused", []
            held, moment = self._zones[zone], self._now() - timedelta(seconds=self._config().dns_lag_s)
            found = held.at((name, kind), moment) or held.at((name, "CNAME"), moment)
            if found is not None:
                return "answer", [found]
            return ("answer" if held.types_at(name, moment) else "no_name"), []

    def describe(self) -> list[Wire]:
        """Give every record set beside SOA and NS of a zone, for the admin interface."""
        with self._lock:
            found = [held.now(key) for held in self._read().values() for key in held.versions if key[1] != "SOA"]
            return [record.wire() for record in found if record is not None and record.type != "NS"]

    def _read(self) -> dict[str, Zone]:
        """Bring the zones in line with the settings; what stays keeps its records."""
        config = self._config()
        wanted: dict[str, Zone] = {}
        for text in config.dns_zones:
            words = text.split()
            name, kind, contract = (words + ["", "PRIMARY", config.contracts[0]][len(words) :])[:3]
            name = name.lower().rstrip(".")
            wanted[name] = self._zones.get(name) or _new_zone(name, kind.upper(), contract, self._now())
        self._zones = wanted
        return wanted

    def _zone(self, zone: str) -> Zone:
        name = unquote(zone).lower().rstrip(".")
        found = self._read().get(name)
        if found is None:
            raise refused(404, "notFound", "Not Found", f"Unable to find zone '{name}'")
        return found

    def _writable(self, zone: str) -> Zone:
        held = self._zone(zone)
        if held.kind != "PRIMARY":
            detail = f"Record sets of zone '{held.name}' of type {held.kind} cannot be changed"
            raise refused(400, "invalidOperation", "Invalid Operation", detail)
        return held

    def _checked(self, zone: str, name: str, kind: str, body: bytes) -> RecordSet:
        try:
            value = json.loads(body.decode("utf-8"))
        except ValueError:
            raise refused(400, "badRequest", "Bad Request", "The request body is not JSON in UTF-8") from None
        worst = best_match(_BODY.iter_errors(value))
        if worst is not None:
            where = ".".join(str(part) for part in worst.absolute_path) or "body"
            raise refused(400, "invalidRecordSet", "Invalid Record Set", f"{where}: {worst.message[:200]}")
        rdata = tuple(_in_quotes(text) if value["type"] == "TXT" else text for text in value["rdata"])
        record = RecordSet(value["name"].lower(), value["type"], value["ttl"], rdata)
        problems = _problems(record, self._zone(zone).name)
        if (record.name, record.type) != _key(name, kind):
            problems.append(f"name and type of the body are not those of the path, {unquote(name)} and {kind}")
        if problems:
            raise refused(400, "invalidRecordSet", "Invalid Record Set", f"[{'; '.join(problems)}]")
        return record

    def _refuse_beside_cname(self, held: Zone, record: RecordSet) -> None:
        others = [kind for kind in held.types_at(record.name, self._now()) if kind != record.type]
        if others and (record.type == "CNAME" or "CNAME" in others):
            detail = f"[CNAME record set at {record.name} conflicts with record sets of other types]"
            raise refused(400, "invalidOperation", "Invalid Operation", detail)


def check(zones: Iterable[str]) -> None:
    """Check the setting of zones.

    :raises ValueError: an entry is no zone, or of a type that is not there.
    """
    for text in zones:
        words = text.split()
        if not 1 <= len(words) <= 3 or (len(words) > 1 and words[1].upper() not in ZONE_TYPES):
            raise ValueError(f"zone {text!r} must be written as NAME [{'|'.join(ZONE_TYPES)} [CONTRACT]]")


def refused(status: int, slug: str, title: str, detail: str) -> Problem:
    """Make a refusal of Edge DNS."""
    return Problem(status, slug, title, detail)


def character_strings(rdata: str) -> list[bytes] | None:
    """Read the strings of a TXT record; None for a text that is neither one bare word nor some of them in quotes."""
    if _BARE.fullmatch(rdata):
        return [rdata.encode()]
    rest = _QUOTED.sub("", rdata)
    found = [re.sub(rb"\\(.)", rb"\1", one.encode()) for one in _QUOTED.findall(rdata)]
    return found if found and not rest.strip() else None


def _in_quotes(rdata: str) -> str:
    return f'"{rdata}"' if _BARE.fullmatch(rdata) else rdata


def _problems(record: RecordSet, zone: str) -> list[str]:
    problems = []
    if record.name != zone and not record.name.endswith(f".{zone}"):
        problems.append(f"'{record.name}' is not in zone '{zone}'")
    if len(record.name) > 253 or not all(_LABEL.fullmatch(label) for label in record.name.split(".")):
        problems.append(f"'{record.name}' is no name of a record")
    if record.type not in TYPES:
        problems.append(f"type '{record.type}' is not known")
    if record.type == "CNAME" and len(record.rdata) > 1:
        problems.append("a CNAME record set has one record")
    for text in record.rdata if record.type == "TXT" else ():
        strings = character_strings(text)
        if strings is None:
            problems.append(f"TXT rdata {text} is neither one word nor in quotes")
        elif max(map(len, strings)) > 255:
            problems.append("a string of a TXT record has more than 255 characters")
    return problems


def _key(name: str, kind: str) -> Key:
    return unquote(name).lower().rstrip("."), kind


def _above(name: str) -> list[str]:
    labels = name.split(".")
    return [".".join(labels[start:]) for start in range(len(labels))]


def _new_zone(name: str, kind: str, contract: str, now: datetime) -> Zone:
    zone = Zone(name, kind, contract, now)
    soa = f"{NAME_SERVERS[0]} hostmaster.{name}. 2026010100 3600 600 604800 300"
    for record in (RecordSet(name, "SOA", 86400, (soa,)), RecordSet(name, "NS", 86400, NAME_SERVERS)):
        # As old as the world, so that no lag hides them.
        zone.put((name, record.type), record, now - timedelta(days=3650))
    zone.changed_at = now
    return zone


def _zone_wire(zone: Zone) -> Wire:
    return {
        "contractId": zone.contract,
        "zone": zone.name,
        "type": zone.kind.lower(),
        "aliasCount": 0,
        "signAndServe": False,
        "versionId": zone.version,
        "lastModifiedDate": iso(zone.changed_at),
        "lastModifiedBy": "sandbox",
        "lastActivationDate": iso(zone.changed_at),
        "activationState": "ACTIVE",
    }


def _fits(zone: Zone, query: Mapping[str, str]) -> bool:
    def named(member: str) -> list[str]:
        return [word for word in query.get(member, "").lower().split(",") if word]

    tests: tuple[Any, ...] = (
        query.get("search", "").lower() in zone.name,
        not named("types") or zone.kind.lower() in named("types"),
        not named("contractIds") or zone.contract.lower() in named("contractIds"),
    )
    return all(tests)
