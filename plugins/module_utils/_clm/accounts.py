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

from .._core.errors import StateError
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
    :ivar records: the repository in a unit.
    :ivar merged: lays what the user gave over what is stored, None for a new one, and has it checked.
    :ivar asked: the test, and lists asked for; reads only.
    :ivar stored_view: what the audit keeps; ``view`` is that with what the type can do, for results.
    :ivar needed_by: what stands on a record, a sentence's part each; removal is refused while there is any.
    :ivar refuse_failing: refuses to store a new or changed record whose checks did not all pass; None where it is
        stored all the same.
    """

    noun: str
    words: str
    records: Callable[[Unit], Repository[R]]
    merged: Callable[[Params, R | None, Ports], R]
    asked: Callable[[Params, R, Ports], dict[str, Any]]
    stored_view: Callable[[R], dict[str, Any]]
    view: Callable[[R, Ports], Mapping[str, Any]]
    needed_by: Callable[[Unit, R], Mapping[str, list[str]]]
    refuse_failing: Callable[[R, list[dict[str, Any]]], None] | None = None


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
    if wanted != before and family.refuse_failing is not None:
        family.refuse_failing(wanted, extra.get("checks") or [])

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
