# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a look at a device tells: its status and its status log (D8, D9)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any


@dataclass(frozen=True)
class LogEntry:
    """One entry of the device status log (D9).

    :ivar result: ``ok``, ``warning``, ``failed`` or ``skipped``.
    """

    name: str
    result: str
    at: datetime
    duration_ms: int
    detail: str


@dataclass(frozen=True)
class Inspection:
    """What a look at a device found.

    :ivar status: ``reached``, ``failed`` or ``unresolved`` (D8).
    :ivar log: communication, version, instance, in that order; discovery is added by the caller.
    :ivar instance: contracts, account id and name, grants; empty when not reached.
    :ivar problems: what is missing or refused, a sentence each with what to grant or set.
    """

    status: str
    log: tuple[LogEntry, ...]
    instance: Mapping[str, Any]
    problems: tuple[str, ...] = ()
