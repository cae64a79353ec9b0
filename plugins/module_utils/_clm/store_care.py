# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Care for the store itself: make it, migrate it, verify its audit, rekey it, keep copies of it.

Knows where a store is and what can be done with it, and no database. Copies are in ``store_copies``.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager
from typing import Any, Protocol

from .._core.errors import InputError, StateError, StoreError
from .._core.plan import Outcome, Plan, Step
from .._core.redact import Secret
from .._core.types import AuditEntry
from .._store.base import Store
from .ports import Params

# What each action takes beside the common options; a mark says that it cannot do without.
ACTIONS: Mapping[str, tuple[str, ...]] = {
    "init": (),
    "migrate": (),
    "verify": (),
    "info": (),
    "backup": ("path!", "force"),
    "restore": ("path!", "force"),
    "rekey": ("new_store_key", "new_store_key_file"),
    "export_audit": ("path!", "force", "since"),
}

# Those that make the store where there is none.
MAKING = frozenset(["init", "restore"])
MISSING = "store_missing"
_OLD = "store_needs_migration"


class StoreAt(Protocol):
    """A place where a store is, or may be made.

    :ivar url: without password.
    :ivar actor: who acts, for the audit.
    """

    url: str
    backend: str
    newest_schema: int
    actor: str

    def open(self, *, create: bool = False, migrate: bool = False) -> AbstractContextManager[Store]:
        """Open the store for a block."""

    def create(self) -> None:
        """Make the store, and its data key where a store key is named."""

    def look(self) -> Mapping[str, Any]:
        """Give ``schema``, ``records`` and ``problems`` of the store, which may be of an earlier schema."""

    def check_path(self, path: str, what: str, *, force: bool) -> None:
        """Refuse a path that a file cannot, or must not, be written to."""

    def backup(self, path: str) -> Mapping[str, Any]:
        """Write a backup and give what ``look`` gives, of the file."""

    def look_into(self, path: str) -> Mapping[str, Any]:
        """Give what ``look`` gives, of a backup; also ``taken_at``.

        :raises StoreError: it cannot be restored here: damaged, newer, sealed with another key.
        """

    def restore(self, path: str, entry: AuditEntry) -> None:
        """Replace everything in the store, which is made where there is none, by a backup."""

    def export_audit(self, path: str, since: int) -> Mapping[str, int]:
        """Write the audit's lines after that number; give ``lines``, their count, and ``last``, the last number."""

    def check_rekey(self, text: Secret | None, path: str) -> bool:
        """Refuse a new key that ``rekey`` would refuse; say whether the store keeps its key by itself.

        :param text: the new key, or empty for that in the file; both empty for one made by the store.
        """

    def rekey(self, text: Secret | None, path: str, entry: AuditEntry) -> None:
        """Seal the store's data key with another key."""


def plan(params: Params, place: StoreAt) -> Plan:
    """Work out what ``clm_store`` would do.

    :raises InputError: an option is missing, or does not belong to the action.
    :raises StoreError: the store cannot be used, or the action does not fit its state.
    """
    action = params["action"]
    _check_options(action, params)
    if action == "init":
        return _plan_init(place)
    if action == "migrate":
        return _plan_migrate(place)
    if action == "rekey":
        return _plan_rekey(params, place)
    if action in ("verify", "info"):
        return _plan_look(place, verify=action == "verify")
    from . import store_copies

    return store_copies.plan(action, params, place)


def _check_options(action: str, params: Params) -> None:
    taken = [name.rstrip("!") for name in ACTIONS[action]]
    known = {name.rstrip("!") for names in ACTIONS.values() for name in names}
    problems = [f"{name} is missing" for name in taken if f"{name}!" in ACTIONS[action] and not params.get(name)]
    others = sorted(name for name in known.difference(taken) if params.get(name))
    problems += [f"there is nothing to do with {name}, leave it out" for name in others]
    if params.get("new_store_key") and params.get("new_store_key_file"):
        problems.append("new_store_key and new_store_key_file are both given, give one of them")
    if params.get("since") is not None and params["since"] < 0:
        problems.append(f"since is {params['since']}, give the number of an audit line, or 0 for all")
    if problems:
        raise InputError.of_problems(f"Cannot run clm_store with action {action}", problems)


def described(place: StoreAt) -> dict[str, Any]:
    """Give the record of a store at the present schema."""
    with place.open() as store:
        return dict(store.describe())


def predicted(place: StoreAt, records: Mapping[str, int]) -> dict[str, Any]:
    """Give the record of a store as it is going to be."""
    return {"url": place.url, "backend": place.backend, "schema": place.newest_schema, "records": dict(records)}


def broken(what: str, problems: list[str], advice: str) -> StoreError | None:
    """Give the failure for a broken audit; None when it holds.

    :param what: whose audit, as "the store sqlite:////srv/clm.db".
    """
    if not problems:
        return None
    return StoreError(
        f"The audit of {what} was tampered with or damaged in {len(problems)} places, the first: "
        f"{problems[0]}; {advice}",
        code="audit_broken",
        details={"problems": problems[:100]},
    )


def _plan_init(place: StoreAt) -> Plan:
    found: dict[str, Any] | None = None
    try:
        found = described(place)
    except StoreError as exc:
        if exc.code != MISSING:
            raise

    def create() -> bool:
        place.create()
        return True

    steps = () if found else (Step(f"Create the store {place.url} at schema {place.newest_schema}", create),)
    return Plan(found, found or predicted(place, {}), steps, lambda: Outcome(described(place)))


def _plan_migrate(place: StoreAt) -> Plan:
    try:
        found = described(place)
    except StoreError as exc:
        if exc.code == MISSING:
            raise StateError(
                f"Cannot migrate the store {place.url}: there is none; make it with action init, or correct the URL",
                code=MISSING,
            ) from exc
        if exc.code != _OLD:
            raise
        return _plan_raise(place)
    return Plan(found, found, (), lambda: Outcome(found))


def _plan_raise(place: StoreAt) -> Plan:
    """Plan the migration of a store of an earlier schema."""
    seen = place.look()
    schema, records = seen["schema"], dict(seen["records"])
    before = {**predicted(place, records), "schema": schema}

    def raise_it() -> bool:
        with place.open(migrate=True) as store:
            # Another one may have been quicker; then the line about it is there.
            if store.schema_before < place.newest_schema:
                was, now = {"schema": schema}, {"schema": place.newest_schema}
                with store.write() as unit:
                    unit.audit(AuditEntry(place.actor, "store_migrated", "store", "", was, now))
        return True

    after = predicted(place, {**records, "audit": records["audit"] + 1})
    sentence = f"Migrate the store {place.url} from schema {schema} to {place.newest_schema}"
    return Plan(before, after, (Step(sentence, raise_it),), lambda: Outcome(described(place)))


def _plan_rekey(params: Params, place: StoreAt) -> Plan:
    text, path = params.get("new_store_key"), params.get("new_store_key_file") or ""
    secret = Secret(text) if text else None
    found = described(place)
    is_own = place.check_rekey(secret, path)
    if is_own:
        notice = (
            "The key file beside the store holds the new key; the one before is kept beside it as .old, since backups "
            "taken until now need it. Copy the new one to where its copies are kept."
        )
    else:
        notice = "From now on give the new key; backups taken until now need the one before, so keep it with them."

    def rekey() -> bool:
        place.rekey(secret, path, AuditEntry(place.actor, "store_rekeyed", "store", ""))
        return True

    records = {**found["records"], "audit": found["records"]["audit"] + 1}
    steps = (Step(f"Seal the data key of the store {place.url} with another store key", rekey),)
    extra = {"notice": notice}
    return Plan(found, {**found, "records": records}, steps, lambda: Outcome(described(place)), extra=extra)


def _plan_look(place: StoreAt, *, verify: bool) -> Plan:
    with place.open() as store:
        found = dict(store.describe())
        problems = list(store.verify_audit()) if verify else []
    extra = {"problems": problems} if verify else {}
    advice = "keep a copy of the store as evidence and compare it with a backup"
    failure = broken(f"the store {place.url}", problems, advice)
    return Plan(found, found, (), lambda: Outcome(found), extra=extra, failure=failure)
