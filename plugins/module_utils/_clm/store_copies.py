# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Copies of a store: take a backup, restore one, export the audit."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from .._core.errors import StateError, StoreError
from .._core.plan import Outcome, Plan, Step
from .._core.types import AuditEntry
from .ports import Params
from .store_care import MISSING, StoreAt, broken, described, predicted

_KEY_NOTICE = (
    "The backup holds secrets as they are sealed, and not the store key. Keep the key too, and elsewhere: without it "
    "no secret of the backup opens, and with it all of them do."
)


def plan(action: str, params: Params, place: StoreAt) -> Plan:
    """Work out a backup, a restore or an export."""
    path, force = os.path.abspath(os.path.expanduser(params["path"])), bool(params.get("force"))
    if action == "restore":
        return _plan_restore(path, place, force=force)
    if action == "backup":
        return _plan_backup(path, place, force=force)
    return _plan_export(path, params.get("since") or 0, place, force=force)


def _of_file(path: str, seen: Mapping[str, Any]) -> dict[str, Any]:
    """Give what a result tells of a backup."""
    return {"path": path, "schema": seen["schema"], "records": dict(seen["records"])}


def _plan_backup(path: str, place: StoreAt, *, force: bool) -> Plan:
    place.check_path(path, "the backup", force=force)
    seen = place.look()
    # Before a migration, too, when the store cannot be opened otherwise.
    found = {**predicted(place, seen["records"]), "schema": seen["schema"]}
    written: list[Mapping[str, Any]] = []

    def write() -> bool:
        written.append(place.backup(path))
        return True

    def finish() -> Outcome:
        return Outcome({**found, "file": _of_file(path, written[0])})

    failure = broken(
        f"the store {place.url}",
        seen["problems"],
        f"the backup {path} was written all the same, as evidence, but cannot be restored; compare it with an earlier "
        "one",
    )
    steps = (Step(f"Write a backup of the store {place.url} to {path}", write),)
    after = {**found, "file": _of_file(path, seen)}
    return Plan(found, after, steps, finish, extra={"notice": _KEY_NOTICE}, failure=failure)


def _plan_restore(path: str, place: StoreAt, *, force: bool) -> Plan:
    seen = place.look_into(path)
    failure = broken(f"the backup {path}", seen["problems"], "nothing was restored; take another backup")
    if failure is not None:
        raise failure
    found = _found(place)
    lost = sum(found["records"].values()) if found else 0
    if lost and not force:
        raise StateError(
            f"Cannot restore {path} into the store {place.url}: it holds {lost} records and audit lines, which would "
            "be lost; take a backup of it and restore with force: true, or restore into another store",
            code="store_not_empty",
            details={"records": dict(found["records"]) if found else {}},
        )
    source = {"path": path, "schema": seen["schema"], "taken_at": seen["taken_at"]}
    before = {"records": found["records"]} if found else None
    entry = AuditEntry(place.actor, "store_restored", "store", "", before, source)

    def restore() -> bool:
        place.restore(path, entry)
        return True

    steps = (Step(_restore_sentence(path, seen, place, lost), restore),)
    records = {**seen["records"], "audit": seen["records"]["audit"] + 1}
    file = {**_of_file(path, seen), "taken_at": seen["taken_at"]}
    after = {**predicted(place, records), "file": file}
    return Plan(found, after, steps, lambda: Outcome({**described(place), "file": file}))


def _found(place: StoreAt) -> dict[str, Any] | None:
    """Give the record of the store that is to be replaced, which may be damaged; None where there is none."""
    try:
        seen = place.look()
    except StoreError as exc:
        if exc.code != MISSING:
            raise
        return None
    if seen["schema"] < place.newest_schema:
        # Says what to do with a store of an earlier schema; what is lost must not be raised before.
        described(place)
    return predicted(place, seen["records"])


def _restore_sentence(path: str, seen: Mapping[str, Any], place: StoreAt, lost: int) -> str:
    raised = "" if seen["schema"] == place.newest_schema else f" and migrate it to schema {place.newest_schema}"
    instead = f", in place of the {lost} records and audit lines there" if lost else ""
    return f"Restore the backup {path} of schema {seen['schema']} into the store {place.url}{raised}{instead}"


def _plan_export(path: str, since: int, place: StoreAt, *, force: bool) -> Plan:
    place.check_path(path, "the export", force=force)
    with place.open() as store:
        found = dict(store.describe())
        problems = list(store.verify_audit())

    last = found["records"]["audit"]
    counted: dict[str, int] = {"lines": max(0, last - since), "last": max(last, since)}

    def write() -> bool:
        counted.update(place.export_audit(path, since))
        return True

    def finish() -> Outcome:
        return Outcome({**found, "file": {"path": path, **counted}})

    advice = f"all lines as found were exported to {path}; compare them with an earlier export"
    failure = broken(f"the store {place.url}", problems, advice)
    steps = (Step(f"Export the audit of the store {place.url} after line {since} to {path}", write),)
    after = {**found, "file": {"path": path, **counted}}
    return Plan(found, after, steps, finish, failure=failure)
