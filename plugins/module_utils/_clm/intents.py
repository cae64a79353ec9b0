# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Intents: a remote side effect is written down before it happens and closed after (design §3)."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from .._core.types import Intent
from .._store.base import Store, Unit

OPEN_ENROLLMENT = "open_enrollment"
AMEND_ENROLLMENT = "amend_enrollment"
ORDER_CERTIFICATE = "order_certificate"
CANCEL_ORDER = "cancel_order"
REVOKE_CERTIFICATE = "revoke_certificate"
UPLOAD_CERTIFICATE = "upload_certificate"
ACKNOWLEDGE_WARNINGS = "acknowledge_warnings"
GO_TO_PRODUCTION = "go_to_production"
CANCEL_CHANGE = "cancel_change"
REMOVE_ENROLLMENT = "remove_enrollment"
CHANGE_SETTINGS = "change_settings"
RUN_SCRIPT = "run_script"

REFUSED = "refused"
"""Member of what came of an intent: the remote side took it not, and said why."""
LATE = "an earlier run ended before this was on record; what came of it was seen now"
"""Comment of what is put on record late, because the run that did it was killed or got no answer."""


def begin(
    store: Store, kind: str, noun: str, key: str, wanted: Mapping[str, Any], now: datetime
) -> tuple[Intent, bool]:
    """Write the intent, or give the one an earlier run left open.

    :returns: the intent, and whether it is new; one that is not asks the caller to look before he acts.
    """
    with store.write() as unit:
        left = unit.intents.find(kind=kind, noun=noun, key=key, finished_at=None)
        if left:
            return left[0], False
        return add(unit, kind, noun, key, wanted, now), True


def add(unit: Unit, kind: str, noun: str, key: str, wanted: Mapping[str, Any], now: datetime) -> Intent:
    """Write a new intent in the unit of what it follows from."""
    return unit.intents.add(Intent(uuid.uuid4().hex, kind, noun, key, wanted, created_at=now))


def tried_again(store: Store, intent: Intent, told: Mapping[str, Any]) -> Intent:
    """Write down that what an open intent stands for is about to be tried once more."""
    with store.write() as unit:
        return unit.intents.put(replace(intent, wanted={**intent.wanted, **told}))


def open_again(unit: Unit, intent: Intent, told: Mapping[str, Any]) -> Intent:
    """Write in a unit that what a closed intent stands for is about to be done once more."""
    return unit.intents.put(replace(intent, wanted={**intent.wanted, **told}, result={}, finished_at=None))


def left_open(unit: Unit, kind: str, noun: str, key: str) -> Intent | None:
    """Give such an intent that an earlier run left open, or None."""
    left = unit.intents.find(kind=kind, noun=noun, key=key, finished_at=None)
    return left[0] if left else None


def is_open(unit: Unit, kind: str, noun: str, key: str) -> bool:
    """Say whether an earlier run left such an intent open."""
    return left_open(unit, kind, noun, key) is not None


def close(unit: Unit, intent: Intent, result: Mapping[str, Any], now: datetime) -> None:
    """Write what came of it, in the unit that writes the result itself."""
    unit.intents.put(replace(intent, result=result, finished_at=now))


def of(unit: Unit, kind: str, noun: str, key: str) -> list[Intent]:
    """Give the intents of that kind for a record, closed ones too."""
    return unit.intents.find(kind=kind, noun=noun, key=key)


def may_be_done(unit: Unit, kind: str, noun: str, key: str) -> bool:
    """Say whether anything of that kind was done for a record, or nobody knows; what was refused was not."""
    return any(REFUSED not in one.result for one in of(unit, kind, noun, key))


def lately(unit: Unit, kind: str, noun: str, key: str, since: datetime) -> list[Intent]:
    """Give those of that kind for a record that came to something since then; the remote side may not show it yet."""
    return [one for one in of(unit, kind, noun, key) if one.finished_at is not None and one.finished_at > since]


def close_all(unit: Unit, kind: str, noun: str, key: str, result: Mapping[str, Any], now: datetime) -> None:
    """Close what is left open of that kind for a record, also what a lost reply left."""
    for left in unit.intents.find(kind=kind, noun=noun, key=key, finished_at=None):
        close(unit, left, result, now)


def close_all_of(unit: Unit, noun: str, key: str, result: Mapping[str, Any], now: datetime) -> None:
    """Close whatever is left open for a record, and for its parts, whose keys begin with the record's."""
    for left in _of_all(unit, noun, key):
        close(unit, left, result, now)


def _of_all(unit: Unit, noun: str, key: str) -> list[Intent]:
    found = unit.intents.find(noun=noun, finished_at=None)
    return [left for left in found if left.key == key or left.key.startswith(f"{key}/")]


def hand_over(unit: Unit, noun: str, key: str, to: str, *, kind: str = "", but: Sequence[str] = ()) -> None:
    """Let a later record look for what an earlier one may have done: what is left open is the later one's.

    What is being taken back stays with the one that did it.

    :param key: of the earlier record; its parts' keys begin with it.
    :param kind: only those of this kind; empty for all ``but`` some.
    """
    for left in _of_all(unit, noun, key):
        if kind in ("", left.kind) and left.kind not in (CANCEL_CHANGE, *but):
            unit.intents.put(replace(left, key=to + left.key.removeprefix(key)))
