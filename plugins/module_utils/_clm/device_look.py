# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A look at a device: validation, discovery, and what is fetched after it (D5, D7, D8, D9). Reads; what is kept is kept
by the steps of ``devices``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from .._core import vocabulary
from .._core.clock import to_text
from .._core.errors import ClmError
from .._core.types import Device
from .._target.base import Reading, Target
from .._target.inspection_base import Inspection, LogEntry
from . import discovery
from .fetching import Fetched, Fetcher
from .ports import Params, Ports

# The ids of so many enrollments that could not be read are remembered, to be tried last.
_REMEMBERED = 500


class DeviceError(ClmError):
    """A device was looked at and cannot be used; its code says what it is, and the log how far the look got."""


@dataclass
class Look:
    """What planning found out at the device, and what the steps fetched.

    :ivar budget: API calls after which no further enrollment is read by itself; None for no such limit.
    :ivar difference: None when nothing was discovered.
    """

    device: Device
    target: Target | None = None
    problems: tuple[str, ...] = ()
    budget: int | None = None
    difference: discovery.Difference | None = None
    fetched: Fetched | None = None
    discovery_calls: int = 0

    def may_call(self) -> bool:
        """Say whether another enrollment may be read by itself."""
        return self.budget is None or self.target is None or self.target.calls < self.budget

    def fetcher(self, target: Target, ports: Ports) -> Fetcher:
        """Make what fetches for this device."""
        last = self.device.discovery.get("unreadable_ids", ())
        return Fetcher(self.device.name, ports.actor, target, ports.store, self.may_call, last)

    def extra(self) -> dict[str, Any]:
        """Give the results beside the record."""
        if self.target is None:
            return {}
        extra: dict[str, Any] = {"warnings_found": list(self.problems)}
        if self.difference is not None:
            fetched = self.fetched or Fetched()
            counts = {**self.difference.counts(), **fetched.counts()}
            notes = [*self.difference.notes, *fetched.bounded_notes()]
            extra["discovery"] = {**counts, "notes": notes, "calls": self.discovery_calls}
        return extra

    def keep(self, ports: Ports) -> None:
        """Keep status, log and times of the look, and where a later discovery goes on; nothing a user set."""
        with ports.store.write() as unit:
            stored = unit.devices.get(self.device.name)
            if stored is not None:
                seen = {name: getattr(self.device, name) for name in ("status", "status_log", "instance", "checked_at")}
                unit.devices.put(replace(stored, discovery=self._summary() or stored.discovery, **seen))

    def _summary(self) -> dict[str, Any]:
        summary = dict(self.device.discovery)
        if self.difference is None:
            return summary
        fetched = self.fetched or Fetched()
        unreadable = sorted(self.difference.unreadable | fetched.unreadable)
        return {
            **summary,
            "unreadable": len(unreadable),
            "unreadable_ids": unreadable[:_REMEMBERED],
            "unread": self.difference.unread,
            "resume": self.difference.resume,
        }

    def failure(self) -> DeviceError:
        """Make the error for a device that cannot be used."""
        device, problems = self.device, self.problems
        text = problems[0] if len(problems) == 1 else "; ".join(f"({n}) {one}" for n, one in enumerate(problems, 1))
        return DeviceError(
            f"Device {device.name} is {device.status}: {text}",
            code=f"device_{device.status}",
            details={"problems": list(problems)},
        )


def look_at(wanted: Device, params: Params, ports: Ports, now: datetime) -> Look:
    """Validate and discover, as far as asked for and possible (D7, D8, D9)."""
    discover = params["discover"] != "none" and wanted.sync != vocabulary.SYNC_IGNORED
    if not params["validate"] and params["discover"] == "none":
        known = wanted.status in vocabulary.SYNC_MODES
        return Look(replace(wanted, status=wanted.sync) if known else wanted)
    target = ports.target(wanted)
    is_written = wanted.sync == vocabulary.SYNC_MANAGED
    inspection = target.inspect(will_write=is_written and not ports.check_mode)
    reached = inspection.status == "reached"
    status = wanted.sync if reached else inspection.status
    look = Look(
        replace(
            wanted, status=status, instance=dict(inspection.instance) if reached else wanted.instance, checked_at=now
        ),
        target,
        inspection.problems,
        params.get("budget"),
    )
    entries = list(inspection.log)
    if reached and discover:
        entries.append(_discover(look, target, inspection, params, ports))
    else:
        entries.append(_skipped(now, wanted, reached))
    before = {entry["name"]: entry for entry in wanted.status_log}
    log = tuple(_entry(entry, before.get(entry.name) or {}) for entry in entries)
    look.device = replace(look.device, status_log=log)
    return look


def _discover(look: Look, target: Target, inspection: Inspection, params: Params, ports: Ports) -> LogEntry:
    wanted = look.device
    started, began_with = ports.clock.monotonic(), target.calls
    at = ports.clock.now()
    contracts = wanted.contracts or tuple(inspection.instance.get("contracts", ()))
    known = discovery.KnownIds(ports.store, wanted.name)
    reading = Reading(look.may_call, str(wanted.discovery.get("resume", "")), known)
    difference = discovery.compare(
        wanted.name,
        target.discover(contracts, reading),
        ports.store,
        at,
        contracts=contracts,
        want_pem=params["discover"] == "full",
        want_history=bool(params.get("history")),
    )
    look.difference = difference
    # The list of contracts is the one call that a discovery shares with the inspection.
    look.discovery_calls = target.calls - began_with + (0 if wanted.contracts else 1)
    counts = difference.counts()
    summary = {key: value for key, value in counts.items() if key in ("enrollments", "vanished")}
    found = {**wanted.discovery, **summary, "at": to_text(at), "calls": look.discovery_calls}
    look.device = replace(look.device, discovery=found)
    detail = f"{difference.seen} enrollments on {len(contracts)} contracts"
    if difference.unread:
        detail += f"; {difference.unread} of them are read by later discoveries"
    if difference.notes:
        detail += "; " + "; ".join(difference.notes)
    took = round((ports.clock.monotonic() - started) * 1000)
    result = "warning" if difference.notes or difference.unread else "ok"
    return LogEntry(vocabulary.LOG_DISCOVERY, result, at, took, detail)


def _skipped(now: datetime, wanted: Device, reached: bool) -> LogEntry:
    if not reached:
        detail = "not tried, the device was not reached"
    elif wanted.sync == vocabulary.SYNC_IGNORED:
        detail = "not done, the device is ignored"
    else:
        detail = "not asked for"
    return LogEntry(vocabulary.LOG_DISCOVERY, "skipped", now, 0, detail)


def _entry(entry: LogEntry, before: Mapping[str, Any]) -> dict[str, Any]:
    """Give an entry as it is kept.

    :param before: the one of that name of the look before; empty for none. As long as the result stays, so does since
        when it is so.
    """
    is_as_before = before.get("result") == entry.result
    return {
        "name": entry.name,
        "result": entry.result,
        "at": to_text(entry.at),
        "since": str((is_as_before and (before.get("since") or before.get("at"))) or to_text(entry.at)),
        "duration_ms": entry.duration_ms,
        "detail": entry.detail,
    }
