# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tell people what they have to do: each thing once, by every channel, and again when it changed or grew old."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from .._core.clock import Clock, from_text, to_text
from .._core.errors import ClmError, InputError, RemoteError
from .._core.files import check_new, replacing
from .._core.notices import SEVERITIES, Notice
from .._core.plan import Outcome, Plan, Step
from .._notify.base import Channel
from . import moments, notices
from .ports import Params

_WHAT = "Cannot tell anybody"
_VERSION = 1

Told = dict[str, dict[str, Any]]
"""By event id: when it was told (``at``) and what was told (``digest``)."""


class Memory:
    """What was told by which channel, in a file of its own; without a path nothing is remembered.

    :raises InputError: code ``state_unreadable``: the file is no such one; or it cannot be written there.
    """

    def __init__(self, path: str) -> None:
        self._path = path
        self._told: dict[str, Told] = {}
        if path:
            # Before anything is sent: what cannot be remembered would be told again and again.
            check_new(path, "the file of what was told", force=True, taken=())
            self._told = _read(path)

    def of(self, channel: Channel) -> Told:
        """Give what was told by a channel."""
        return dict(self._told.get(channel.key, {}))

    def keep(self, channel: Channel, told: Told) -> None:
        """Keep what was told by a channel, at once: the next one may fail.

        :raises StoreError: the file cannot be written.
        """
        self._told[channel.key] = told
        if self._path:
            with replacing(self._path, "the file of what was told") as part, open(part, "w", encoding="utf-8") as file:
                json.dump({"version": _VERSION, "told": self._told}, file, indent=1, sort_keys=True)


def _read(path: str) -> dict[str, Told]:
    try:
        with open(path, encoding="utf-8") as file:
            held = json.load(file)
        told: dict[str, Told] = held["told"]
        if held["version"] == _VERSION and all(entry["at"] for one in told.values() for entry in one.values()):
            return told
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        told = {}
    raise InputError(
        f"{_WHAT}: state_path {path} holds nothing that this module wrote; remove it, or name another file",
        code="state_unreadable",
    )


class _Telling:
    """One call: what there is to tell, what of it is new to each channel, and what came of it."""

    def __init__(self, params: Params, channels: Sequence[Channel], clock: Clock) -> None:
        self.params, self.channels, self.now = params, channels, clock.now()
        self.notices = _wanted(params, self.now)
        self.memory = Memory(params.get("state_path") or "")
        self.deliveries: list[dict[str, Any]] = []
        self.failures: list[ClmError] = []
        self.told: set[str] = set()
        self.new = {channel.key: [one for one in self.notices if self._is_new(channel, one)] for channel in channels}

    def _is_new(self, channel: Channel, notice: Notice) -> bool:
        before = self.memory.of(channel).get(notice.event_id)
        if before is None or before.get("digest") != _digest(notice):
            return True
        hours = self.params["repeat_after_hours"]
        return bool(hours) and self.now - from_text(before["at"]) >= timedelta(hours=hours)

    def steps(self) -> tuple[Step, ...]:
        """Give a step for each channel that has something new; a failure of one keeps no other from it."""
        return tuple(
            Step(f"Send {len(self.new[channel.key])} notices by {channel.shown}", self._deliver(channel))
            for channel in self.channels
            if self.new[channel.key]
        )

    def _deliver(self, channel: Channel) -> Any:
        def deliver() -> bool:
            new = self.new[channel.key]
            told, is_told = {"channel": channel.shown, "notices": len(new), "message": ""}, True
            try:
                channel.deliver(notices.message(new, self.params["subject_prefix"], self.now))
            except ClmError as exc:
                self.failures.append(exc)
                told["message"] = exc.message
                # Who took it is not told again with each run because somebody else is not to be reached.
                is_told = bool(exc.details.get("is_taken"))
            if is_told:
                self.told |= {notice.event_id for notice in new}
                self.memory.keep(channel, self._remembered(channel, new))
            self.deliveries.append({**told, "is_delivered": not told["message"]})
            return True

        return deliver

    def _remembered(self, channel: Channel, new: Sequence[Notice]) -> Told:
        """Give what is to be remembered: what is settled is forgotten, and told again should it come back."""
        before, open_ids = self.memory.of(channel), {notice.event_id for notice in self.notices}
        kept = {event_id: entry for event_id, entry in before.items() if event_id in open_ids}
        return {**kept, **{one.event_id: {"at": to_text(self.now), "digest": _digest(one)} for one in new}}

    def forget(self) -> None:
        """Forget what is settled where nothing was sent, too; who was handed no list knows of nothing that is."""
        if all(self.params.get(name) is None for name in ("events", "pending", "lifecycle")):
            return
        for channel in self.channels:
            kept = self._remembered(channel, ())
            if kept != self.memory.of(channel):
                self.memory.keep(channel, kept)

    def record(self, told: set[str] | None = None) -> dict[str, Any]:
        """Give the module's record.

        :param told: ids of what a channel took; None for all that is new to one.
        """
        new = {notice.event_id for notices_ in self.new.values() for notice in notices_}
        told = new if told is None else told
        failed = [one["channel"] for one in self.deliveries if not one["is_delivered"]]
        return {
            "notices": [notice.as_dict() for notice in self.notices],
            "told": [one.event_id for one in self.notices if one.event_id in told],
            "told_before": [notice.event_id for notice in self.notices if notice.event_id not in new],
            "deliveries": self.deliveries,
            "failed_channels": failed,
        }


def plan(params: Params, channels: Sequence[Channel], clock: Clock) -> Plan:
    """Work out what ``clm_notify`` would send; sends nothing where there is nothing new to tell.

    :raises InputError: an option cannot be used.
    """
    if not channels:
        raise InputError(f"{_WHAT}: give mail, webhooks or both")
    if params["repeat_after_hours"] < 0:
        raise InputError(f"{_WHAT}: repeat_after_hours is less than 0; 0 tells nothing twice")
    telling = _Telling(params, channels, clock)

    def finish() -> Outcome:
        return Outcome(telling.record(telling.told), failure=_failure(telling.failures))

    return Plan(
        telling.record(set()),
        telling.record(),
        telling.steps(),
        finish,
        note=telling.forget,
    )


def _wanted(params: Params, now: datetime) -> list[Notice]:
    """Give what there is to tell, with the options that narrow it down."""
    since = params.get("since")
    start = moments.read(since, _WHAT, "since", datetime.min.replace(tzinfo=now.tzinfo)) if since else None
    found = notices.joined(
        notices.of_events(params.get("events") or []),
        notices.of_pending(params.get("pending") or [], now),
        notices.of_lifecycle(params.get("lifecycle") or {}),
    )
    least = SEVERITIES.index(params["severity"])
    found = [notice for notice in found if SEVERITIES.index(notice.severity) >= least]
    return [notice for notice in found if start is None or _is_since(notice, start)]


def _is_since(notice: Notice, start: datetime) -> bool:
    try:
        return not notice.since or from_text(notice.since) >= start
    except ValueError:
        return True


def _digest(notice: Notice) -> str:
    told: Mapping[str, Any] = {name: value for name, value in notice.as_dict().items() if name != "since"}
    return hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()[:16]


def _failure(failures: Sequence[ClmError]) -> ClmError | None:
    if not failures:
        return None
    return RemoteError(
        "; ".join(one.message for one in failures),
        code=failures[0].code if len({one.code for one in failures}) == 1 else "not_delivered",
        retryable=all(one.retryable for one in failures),
        details={"failures": [one.failure() for one in failures]},
    )
