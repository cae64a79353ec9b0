# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One value among the DNS records of a name: put there beside those of others, and taken away alone.

Several orders may prove the same name at once, each with a value of its own, and the API replaces record sets whole:
what is there is read, merged, written, and read again until the own value is in it, under a lease for all who share
this store. Knows no vendor.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from .._core.errors import ClmError, ConflictError, InputError, NotFoundError, RemoteError, StateError, TransportError
from .._core.plan import Outcome, Plan, Step
from .._core.types import AuditEntry
from .._dns.base import CNAME, NS, TXT
from .._edns.base import RecordSet
from .dns_places import is_in, place_of
from .managed import managed_device
from .ports import Params, Ports

if TYPE_CHECKING:
    from .._edns.base import DnsRecords

NEW_TTL = 60
MAX_TTL = 2147483647
MAX_VALUE = 4000
TRIES = 4
LEASE_S = 120.0
LEASE_WAIT_S = 60.0
LOOK_EVERY_S = 5.0
_LABEL = re.compile(r"[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?")


@dataclass(frozen=True)
class Wanted:
    """What one call is about; ``ttl`` is None where it does not matter."""

    name: str
    type: str
    value: str
    ttl: int | None
    is_present: bool

    def over(self, found: RecordSet | None) -> RecordSet | None:
        """Give a record set as it has to be, the values of others kept.

        :raises StateError: the name has another target already.
        """
        values = found.values if found else ()
        if not self.is_present:
            left = tuple(value for value in values if value != self.value)
            return replace(found, values=left) if found and left else None
        if self.type == CNAME and values and self.value not in values:
            raise StateError(
                f"Cannot point {self.name} to {self.value}: it is a CNAME of {values[0]}, and a name has one alone; "
                "remove that one first if it is not needed any more",
                code="dns_name_taken",
                details={"name": self.name, "values": list(values)},
            )
        ttl = self.ttl if self.ttl is not None else found.ttl if found else NEW_TTL
        kept = values if self.value in values else (*values, self.value)
        return RecordSet(self.name, self.type, ttl, kept)


def plan(params: Params, ports: Ports) -> Plan:
    """Work out what ``edge_dns_record`` would do.

    :raises InputError: name, value or another option cannot be used.
    :raises NotFoundError: no zone for the name.
    :raises StateError: the zone's records cannot be changed, or the name is a CNAME of something else.
    """
    wanted, servers = _read(params)
    with ports.store.read() as unit:
        device = managed_device(unit, params["device"])
    dns = ports.dns(device)
    follows = bool(params.get("follow_cname")) and wanted.type == TXT
    given = (params["zone"] or "").strip().lower().rstrip(".")
    place = place_of(dns, given, wanted.name, wanted.type, follows=follows)
    wanted, zone, before = replace(wanted, name=place.name), place.zone, place.found
    after = wanted.over(before)
    work = _Work(ports, dns, zone, wanted, device.name)
    steps = () if after == before else (Step(_sentence(wanted, before, after, zone), work.change),)

    def finish() -> Outcome:
        record = _view(dns.find(zone, wanted.name, wanted.type), device.name, zone)
        if not (wanted.is_present and params["wait"]):
            return Outcome(record)
        asked = servers or _servers_of(dns, zone)
        shown, failure = _wait(ports, wanted, asked, params["wait_timeout"])
        return Outcome(record, {"name_servers": shown}, failure=failure)

    extra = {"zone": zone, "followed": list(place.aliases)}
    return Plan(_view(before, device.name, zone), _view(after, device.name, zone), steps, finish, extra=extra)


def _sentence(wanted: Wanted, before: RecordSet | None, after: RecordSet | None, zone: str) -> str:
    where = f"the {wanted.type} records of {wanted.name} in zone {zone}"
    if not wanted.is_present:
        return f"Take the value away from {where}" if after else f"Remove {where}"
    if before and wanted.value in before.values and after:
        return f"Set the TTL of {where} to {after.ttl} seconds"
    return f"Add the value to {where}" if before else f"Make {where}"


def _view(record: RecordSet | None, device: str, zone: str) -> Mapping[str, Any] | None:
    if record is None:
        return None
    return {
        "device": device,
        "zone": zone,
        "name": record.name,
        "type": record.type,
        "ttl": record.ttl,
        # Not "values", which templates read as the method of a dictionary.
        "contents": sorted(record.values),
    }


# -- reading the options -------------------------------------------------------------------------------------------


def _read(params: Params) -> tuple[Wanted, list[str]]:
    problems: list[str] = []
    kind = params["type"]
    name = _name(params["name"], "name", problems)
    zone = _name(params["zone"] or "", "zone", problems) if params["zone"] else ""
    if zone and not is_in(name, zone):
        problems.append(f"name {name} is not in zone {zone}")
    value = params["value"]
    if kind == CNAME:
        value = _name(value, "value", problems)
    elif not value or not value.isascii() or not value.isprintable():
        problems.append("value must be printable ASCII characters, at least one")
    elif len(value) > MAX_VALUE:
        problems.append(f"value has {len(value)} characters, {MAX_VALUE} are allowed")
    if params["ttl"] is not None and not 1 <= params["ttl"] <= MAX_TTL:
        problems.append(f"ttl must be 1 to {MAX_TTL} seconds")
    if params["wait_timeout"] < 0:
        problems.append("wait_timeout must be 0 seconds or more")
    servers = [server.strip().rstrip(".") for server in params["name_servers"] or ()]
    wrong = [server for server in servers if not _is_server(server)]
    problems += [f"{server!r} is no name server; write HOST or HOST:PORT" for server in wrong]
    if problems:
        raise InputError.of_problems("Cannot use the options of the record", problems)
    return Wanted(name, kind, value, params["ttl"], params["state"] == "present"), servers


def _name(text: str, option: str, problems: list[str]) -> str:
    name = text.strip().lower().rstrip(".")
    labels = name.split(".")
    labels = labels[1:] if labels[0] == "*" and option == "name" else labels
    if not 1 <= len(name) <= 253 or not labels or not all(_LABEL.fullmatch(label) for label in labels):
        problems.append(f"{option} {text!r} is no DNS name; write it whole, as _acme-challenge.www.example.com")
    return name


def _is_server(text: str) -> bool:
    from .._core.hosts import host_reasons

    return not host_reasons(text)


# -- changing ------------------------------------------------------------------------------------------------------


class _Work:
    """Makes one change."""

    def __init__(self, ports: Ports, dns: DnsRecords, zone: str, wanted: Wanted, device: str) -> None:
        self._ports, self._dns, self._zone, self._wanted, self._device = ports, dns, zone, wanted, device

    def change(self) -> bool:
        """Merge, write, and look until it is so.

        :raises ConflictError: others replaced the records each time, or another run is at this name.
        """
        wanted = self._wanted
        with _leased(self._ports, f"dns/{self._zone}/{wanted.name}"):
            before = found = self._dns.find(self._zone, wanted.name, wanted.type)
            lost: RemoteError | None = None
            for _attempt in range(TRIES):
                target = wanted.over(found)
                if target == found:
                    break
                lost = self._sent(found, target)
                try:
                    found = self._dns.find(self._zone, wanted.name, wanted.type)
                except ClmError:
                    # A good write is on record now or never: the next run finds nothing to change.
                    if lost is None:
                        self._note(before, target)
                    raise
            else:
                if wanted.over(found) != found:
                    raise lost or self._overwritten()
            if found != before:
                self._note(before, found)
        return True

    def _sent(self, found: RecordSet | None, target: RecordSet | None) -> RemoteError | None:
        """Write; gives the failure after which looking tells what came of it."""
        wanted = self._wanted
        try:
            if target is None:
                self._dns.remove(self._zone, wanted.name, wanted.type)
            elif found is None:
                self._dns.create(self._zone, target)
            else:
                self._dns.replace(self._zone, target)
        except RemoteError as exc:
            is_lost = exc.sent if isinstance(exc, TransportError) else (exc.status or 0) >= 500
            # Somebody made or removed the record set since it was read.
            if is_lost or isinstance(exc, (ConflictError, NotFoundError)):
                return exc
            raise
        return None

    def _overwritten(self) -> ConflictError:
        return ConflictError(
            f"The {self._wanted.type} records of {self._wanted.name} were replaced {TRIES} times while the value was "
            "put in place; see who else writes them, then run it again",
            details={"name": self._wanted.name, "zone": self._zone},
        )

    def _note(self, before: RecordSet | None, after: RecordSet | None) -> None:
        action = "dns_value_added" if self._wanted.is_present else "dns_value_removed"
        was, now = (_view(record, self._device, self._zone) for record in (before, after))
        with self._ports.store.write() as unit:
            unit.audit(AuditEntry(self._ports.actor, action, "dns_record", self._wanted.name, was, now))


@contextmanager
def _leased(ports: Ports, name: str) -> Iterator[None]:
    """Hold a lease, waiting a while for another run that is at the same name."""
    clock, waited = ports.clock, 0.0
    with ExitStack() as stack:
        while True:
            try:
                stack.enter_context(ports.store.lease(name, LEASE_S))
                break
            except ConflictError:
                if waited >= LEASE_WAIT_S:
                    raise
            clock.sleep(1.0)
            waited += 1.0
        yield


# -- waiting -------------------------------------------------------------------------------------------------------


def _servers_of(dns: DnsRecords, zone: str) -> Sequence[str]:
    """Give the zone's own name servers, as Edge DNS has them."""
    record = dns.find(zone, zone, NS)
    if record is None:
        raise NotFoundError(
            f"Zone {zone} has no NS records, so that nobody can be asked; give name_servers", code="no_name_servers"
        )
    return record.values


def _wait(
    ports: Ports, wanted: Wanted, servers: Sequence[str], timeout_s: float
) -> tuple[list[dict[str, Any]], StateError | None]:
    """Ask until every server shows the value; gives what each said last, and the failure when time is over."""
    asker, clock = ports.name_servers(), ports.clock
    end = clock.monotonic() + timeout_s
    said = dict.fromkeys(servers, "")
    missing = list(servers)
    while True:
        for server in list(missing):
            try:
                values = asker.shown(server, wanted.name, wanted.type)
            except TransportError as exc:
                said[server] = exc.message
                continue
            said[server] = "" if wanted.value in values else f"it shows {len(values)} values, not this one"
            if not said[server]:
                missing.remove(server)
        left = end - clock.monotonic()
        if not missing or left <= 0:
            break
        clock.sleep(min(LOOK_EVERY_S, left))
    shown = [{"name_server": one, "shows": one not in missing, "message": said[one]} for one in servers]
    return shown, _not_shown(wanted, missing, said, timeout_s) if missing else None


def _not_shown(wanted: Wanted, missing: Sequence[str], said: Mapping[str, str], timeout_s: float) -> StateError:
    words = "; ".join(f"{server}: {said[server]}" for server in missing)
    error = StateError(
        f"The {wanted.type} record of {wanted.name} is set, and after {timeout_s:g} seconds not every name server "
        f"shows it ({words}); run it again, wait longer, or name others as name_servers",
        code="not_published",
        details={"name_servers": list(missing)},
    )
    error.retryable = True
    return error
