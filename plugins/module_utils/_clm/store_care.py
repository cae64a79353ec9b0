# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Care for the store itself: make it, bring it to the present schema, verify its audit, describe it.

Knows where a store is and how to open it, and no database.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager
from typing import Any, Protocol

from .._core.errors import StateError, StoreError
from .._core.plan import Outcome, Plan, Step
from .._store.base import Store
from .ports import Params

ACTIONS = ("init", "migrate", "verify", "info")

_MISSING = "store_missing"
_OLD = "store_needs_migration"


class StoreAt(Protocol):
    """A place where a store is, or may be made.

    :ivar url: without password.
    """

    url: str
    backend: str
    newest_schema: int

    def open(self, *, create: bool = False, migrate: bool = False) -> AbstractContextManager[Store]:
        """Open the store for a block."""


def plan(params: Params, place: StoreAt) -> Plan:
    """Work out what ``clm_store`` would do.

    :raises StoreError: the store cannot be used, or the action does not fit its state.
    """
    action = params["action"]
    if action == "init":
        return _plan_init(place)
    if action == "migrate":
        return _plan_migrate(place)
    return _plan_look(place, verify=action == "verify")


def _described(place: StoreAt) -> Mapping[str, Any]:
    with place.open() as store:
        return dict(store.describe())


def _predicted(place: StoreAt, records: Mapping[str, int]) -> dict[str, Any]:
    return {"url": place.url, "backend": place.backend, "schema": place.newest_schema, "records": dict(records)}


def _opening(place: StoreAt, *, create: bool = False, migrate: bool = False) -> Step:
    sentence = f"{'Create' if create else 'Migrate'} the store {place.url} at schema {place.newest_schema}"

    def open_once() -> bool:
        with place.open(create=create, migrate=migrate):
            return True

    return Step(sentence, open_once)


def _plan_init(place: StoreAt) -> Plan:
    try:
        found: Mapping[str, Any] | None = _described(place)
    except StoreError as exc:
        if exc.code != _MISSING:
            raise
        found = None
    steps = () if found else (_opening(place, create=True),)
    return Plan(found, found or _predicted(place, {}), steps, lambda: Outcome(_described(place)))


def _plan_migrate(place: StoreAt) -> Plan:
    try:
        found = _described(place)
    except StoreError as exc:
        if exc.code == _MISSING:
            raise StateError(
                f"Cannot migrate the store {place.url}: there is none; make it with action init, or correct the URL",
                code=_MISSING,
            ) from exc
        if exc.code != _OLD:
            raise
        before = {**_predicted(place, {}), "schema": exc.details.get("schema")}
        steps = (_opening(place, migrate=True),)
        return Plan(before, _predicted(place, {}), steps, lambda: Outcome(_described(place)))
    return Plan(found, found, (), lambda: Outcome(found))


def _plan_look(place: StoreAt, *, verify: bool) -> Plan:
    with place.open() as store:
        found = dict(store.describe())
        problems = list(store.verify_audit()) if verify else []
    extra = {"problems": problems} if verify else {}
    failure = None
    if problems:
        failure = StoreError(
            f"The audit of the store {place.url} was tampered with or damaged in {len(problems)} places, the first: "
            f"{problems[0]}; keep a copy of the store as evidence and compare it with a backup",
            code="audit_broken",
            details={"problems": problems[:100]},
        )
    return Plan(found, found, (), lambda: Outcome(found), extra=extra, failure=failure)
