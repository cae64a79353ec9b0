# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What CA accounts and key devices share: a named record of a type, with options and sealed secrets, kept in the store.

Knows neither of them: a ``Family`` says how its records are read, completed, shown, and what stands on them.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Generic, TypeVar

from .._core.errors import InputError, NotFoundError, StateError
from .._core.key_records import KeyDevice
from .._core.plan import Outcome, Plan, Step
from .._core.redact import Secret
from .._core.types import AuditEntry, CaAccount
from .._store.base import Repository, Unit
from .ports import Params, Ports

R = TypeVar("R", CaAccount, KeyDevice)


@dataclass(frozen=True)
class Family(Generic[R]):
    """One kind of such records.

    :ivar noun: of results and the audit, as ``ca_account``; ``words`` the same in sentences.
    :ivar example: a type, and ``hang`` what hangs on a record, both in messages.
    :ivar records: the repository in a unit.
    :ivar new: makes a record of a name and a type.
    :ivar merged: lays what the user gave over what is stored, None for a new one, and has it checked.
    :ivar asked: the test, and lists asked for; reads only.
    :ivar stored_view: what the audit keeps; ``view`` is that with what the type can do, for results.
    :ivar refuses_failing: a check that fails is a failure, and nothing new is stored. A device is: its checks tell what
        it can make and whether it is the active one, and each of that may be fine.
    :ivar needed_by: what stands on a record, a sentence's part each; removal is refused while there is any.
    """

    noun: str
    words: str
    example: str
    hang: str
    records: Callable[[Unit], Repository[R]]
    new: Callable[[str, str], R]
    merged: Callable[[Params, R | None, Ports], R]
    asked: Callable[[Params, R, Ports], dict[str, Any]]
    stored_view: Callable[[R], dict[str, Any]]
    view: Callable[[R, Ports], Mapping[str, Any]]
    needed_by: Callable[[Unit, R], Mapping[str, list[str]]]
    refuses_failing: bool = False


def secrets_of(record: CaAccount | KeyDevice) -> dict[str, str]:
    """Open the secret options of a record; keep the answer away from every output."""
    return dict(json.loads(record.secrets.reveal())) if record.secrets else {}


def sealed(secrets: Mapping[str, str]) -> Secret | None:
    """Put secret options together to be sealed; None where there are none."""
    return Secret(json.dumps(dict(secrets), sort_keys=True)) if secrets else None


def given(params: Params) -> tuple[dict[str, Any], dict[str, str]]:
    """Give the options and secrets that the user gave; what is null was left out."""
    options = {name: value for name, value in (params.get("options") or {}).items() if value is not None}
    secrets = {name: str(value) for name, value in (params.get("secrets") or {}).items() if value is not None}
    return options, secrets


def required(family: Family[R], unit: Unit, name: str) -> R:
    """Give the record of that name.

    :raises NotFoundError: there is none; names those there are.
    """
    record = family.records(unit).get(name)
    if record is None:
        known = ", ".join(one.name for one in family.records(unit).find()) or "none yet"
        raise NotFoundError(
            f"No {family.words} {name!r} is in the store (there is: {known}); add it with edgecert.clm.{family.noun}",
            code=f"{family.noun}_missing",
        )
    return record


def begun(family: Family[R], params: Params, before: R | None) -> R:
    """Give the record that the user's options are laid over: the stored one, or a new one of the type given.

    :raises InputError: a new one has no type, or a stored one another.
    """
    asked = params.get("type")
    if before is None and not asked:
        raise InputError(
            f"Cannot add {family.words} {params['name']}: type is missing; it says which kind, as {family.example}"
        )
    if before is not None and asked and asked != before.type:
        raise InputError(
            f"Cannot change {family.words} {before.name} from {before.type} to {asked}: {family.hang} hang on it; add "
            "another one, or remove this one first"
        )
    return before or family.new(params["name"], params["type"])


def _refuse_failing(family: Family[R], record: R, checks: list[dict[str, Any]], *, is_new: bool) -> None:
    """Refuse to store a record whose test failed: what worked before stays. One that is stored so stays, and is told.

    :raises StateError: a check did not pass.
    """
    failed = [check for check in checks if not check["passed"]]
    if failed:
        told = "; ".join(f"{check['name']}: {check['detail']}" for check in failed)
        what = f"{family.words} {record.name}: its test failed ({told})"
        raise StateError(
            f"Cannot store {what}; nothing was stored. Mend that, or leave test out to store it untested"
            if is_new
            else f"Cannot use {what}; it stays as it is stored. Mend that, and test it once more",
            code="test_failed",
            details={"checks": checks},
        )


def plan(family: Family[R], params: Params, ports: Ports) -> Plan:
    """Work out what adding, changing, testing or removing a record would do.

    :raises InputError: the options cannot be used.
    :raises StateError: it is to be removed while something needs it.
    """
    with ports.store.read() as unit:
        before = family.records(unit).get(params["name"])
        users = family.needed_by(unit, before) if before and params["state"] == "absent" else {}
    if params["state"] == "absent":
        return _absent(family, before, users, ports)
    wanted = family.merged(params, before, ports)
    extra = family.asked(params, wanted, ports)
    if family.refuses_failing:
        _refuse_failing(family, wanted, extra.get("checks") or [], is_new=wanted != before)

    def finish() -> Outcome:
        with ports.store.read() as unit:
            stored = family.records(unit).get(wanted.name)
        return Outcome(family.view(stored, ports) if stored else None, extra)

    verb = "Add" if before is None else "Change"
    step = Step(f"{verb} {family.words} {wanted.name} ({wanted.type})", lambda: _save(family, before, wanted, ports))
    steps = () if wanted == before else (step,)
    view_before = family.view(before, ports) if before else None
    return Plan(view_before, family.view(wanted, ports), steps, finish, extra=extra)


def _save(family: Family[R], before: R | None, wanted: R, ports: Ports) -> bool:
    now = ports.clock.now()
    with ports.store.write() as unit:
        records = family.records(unit)
        if before is None:
            stored = records.add(replace(wanted, created_at=now, updated_at=now))
        else:
            stored = records.put(replace(wanted, updated_at=now))
        action = f"{family.noun}_added" if before is None else f"{family.noun}_changed"
        view_before = family.stored_view(before) if before else None
        entry = AuditEntry(ports.actor, action, family.noun, wanted.name, view_before, family.stored_view(stored))
        unit.audit(entry)
    return True


def _absent(family: Family[R], before: R | None, users: Mapping[str, list[str]], ports: Ports) -> Plan:
    if before is None:
        return Plan(None, None, (), lambda: Outcome(None))
    record = before
    if users:
        why = "; ".join(f"{what} ({', '.join(keys)})" for what, keys in users.items())
        details = {what.partition(" ")[0]: keys for what, keys in users.items()}
        raise StateError(f"Cannot remove {family.words} {record.name}: {why}", details=details)

    def remove() -> bool:
        with ports.store.write() as unit:
            family.records(unit).remove(record)
            for left in unit.held_secrets.find(noun=family.noun, owner=record.name):
                unit.held_secrets.remove(left)
            entry = AuditEntry(
                ports.actor, f"{family.noun}_removed", family.noun, record.name, family.stored_view(record)
            )
            unit.audit(entry)
        return True

    step = Step(f"Remove {family.words} {record.name} and the secrets it holds", remove)
    return Plan(family.stored_view(record), None, (step,), lambda: Outcome(None))
