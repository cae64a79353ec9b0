# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A replacement of many certificates: what is replaced by what, on record under a name, and within which limits.

The record is a row of the intents, closed at any time; which request belongs to it stands in the request. So progress
is what the requests say, and nothing has to be kept in step.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

from .._core import validity
from .._core.errors import InputError, NotFoundError, StateError
from .._core.types import AuditEntry, CertRequest, Intent
from . import freeze, renewal
from .filters import Filters

if TYPE_CHECKING:
    from .._store.base import Unit
    from .ports import Params, Ports

MEMBER = "replacement"
"""Member of what a request follows: name of the replacement that made it."""
RUNNING, STOPPED, ABORTED = "running", "stopped", "aborted"
LIVE, IMPORTANCE, EXPIRY = "live", "importance", "expiry"
ORDERS = (LIVE, IMPORTANCE, EXPIRY)
BATCH = 10
_KIND, _NOUN = "replace_certificates", "replacement"
_DEFINITION = ("select", "to_ca", "ca_options", "renewal", "validity")
_NUMBERS = ("batch", "max_orders", "per_hour")


@dataclass(frozen=True)
class Wanted:
    """What is wanted of a replacement.

    :ivar select: filters as ``cert_info`` has them; ``to_ca`` is empty for the account that each has.
    :ivar ca_options: of requests at ``to_ca``; None for those that each has, at its own account, else none.
    :ivar renewal: ``renew`` or ``regenerate``; ``validity`` is empty for that which each has.
    :ivar batch: requests that are open at once; ``max_orders`` at the CA in all, ``per_hour`` requests made; None for
        no such limit.
    :ivar windows: times in which requests are made, as a group's freeze windows; empty for always.
    :ivar retry_failed: what failed is begun anew; ``retried`` are the requests that this is about, None for all.
    """

    name: str
    select: Mapping[str, Any]
    to_ca: str = ""
    ca_options: Mapping[str, Any] | None = None
    renewal: str = renewal.RENEW
    validity: Mapping[str, Any] | None = None
    order_by: tuple[str, ...] = ORDERS
    importance: str = "importance"
    batch: int = BATCH
    max_orders: int | None = None
    per_hour: int | None = None
    windows: tuple[Mapping[str, Any], ...] = ()
    retry_failed: bool = False
    retried: frozenset[str] | None = None

    @property
    def definition(self) -> dict[str, Any]:
        """Give what stays as it is as long as the replacement lives."""
        return {name: getattr(self, name) for name in _DEFINITION}

    def retries(self, failed: CertRequest) -> bool:
        """Say whether a certificate whose request failed is begun anew."""
        return self.retry_failed and (self.retried is None or failed.request_id in self.retried)


def row_of(unit: Unit, name: str) -> Intent | None:
    """Give the record of a replacement, or None before it was begun."""
    rows = unit.intents.find(kind=_KIND, noun=_NOUN, key=name)
    return rows[0] if rows else None


def required_row(unit: Unit, name: str) -> Intent:
    """Give the record of a replacement.

    :raises NotFoundError: it was never begun; names those that were.
    """
    row = row_of(unit, name)
    if row is None:
        known = ", ".join(sorted(one.key for one in unit.intents.find(kind=_KIND, noun=_NOUN))) or "none yet"
        raise NotFoundError(f"No replacement {name!r} was begun; there is {known}", code="replacement_missing")
    return row


def running_to(unit: Unit, ca: str) -> list[str]:
    """Give the names of the replacements that are running and order at a CA account."""
    rows = unit.intents.find(kind=_KIND, noun=_NOUN)
    return sorted(row.key for row in rows if state_of(row) == RUNNING and row.wanted.get("to_ca") == ca)


def is_of(request: CertRequest, name: str) -> bool:
    """Say whether a replacement made a request."""
    return bool(request.renews.get(MEMBER) == name)


def read(params: Params, ports: Ports, row: Intent | None) -> Wanted:
    """Read the option ``replacement``; what it leaves out of the definition is as on record.

    :param row: its record, if it was begun.
    :raises InputError: everything that cannot be used, at once.
    """
    given = {name: value for name, value in (params.get(_NOUN) or {}).items() if value is not None}
    if given.get("validity"):
        members = {"unit": "days", **{name: value for name, value in given["validity"].items() if value is not None}}
        given["validity"] = members
    kept: Mapping[str, Any] = row.wanted if row is not None else {}
    asked: dict[str, Any] = {name: given.get(name, kept.get(name)) for name in _DEFINITION}
    asked = {name: value for name, value in asked.items() if value is not None}
    problems = _problems(given, asked, ports)
    differing = [name for name in _DEFINITION if row is not None and name in given and given[name] != kept.get(name)]
    if differing:
        problems.append(
            f"it was begun with other values of {', '.join(differing)}; leave them out to go on with it, or give "
            "another name"
        )
    if problems:
        raise InputError.of_problems(f"Cannot replace certificates ({given.get('name')})", problems)
    limits: dict[str, Any] = {name: given[name] for name in (*_NUMBERS, "importance") if name in given}
    return Wanted(
        name=given["name"],
        order_by=tuple(given.get("order_by") or ORDERS),
        windows=freeze.normalized([{**one, "kinds": ["enroll"]} for one in given.get("windows") or ()]),
        retry_failed=bool(given.get("retry_failed")),
        **asked,
        **limits,
    )


def _problems(given: Mapping[str, Any], asked: Mapping[str, Any], ports: Ports) -> list[str]:
    select, found = asked.get("select") or {}, []
    if not str(given.get("name") or "").strip():
        found.append("name is missing")
    if not select:
        found.append("select is missing; name which certificates, as {ca: [old]}")
    try:
        Filters.from_options(select)
    except InputError as exc:
        found += list(exc.details["problems"])
    with ports.store.read() as unit:
        accounts = [account.name for account in unit.ca_accounts.find()]
    if asked.get("to_ca") and asked["to_ca"] not in accounts:
        found.append(f"to_ca {asked['to_ca']} is not in the store; there is {', '.join(accounts) or 'none yet'}")
    if asked.get("ca_options") and not asked.get("to_ca"):
        found.append("ca_options are for one CA; name it as to_ca")
    found += [f"{name} {given[name]} is no number from 1" for name in _NUMBERS if given.get(name, 1) < 1]
    found += freeze.problems([{**one, "kinds": ["enroll"]} for one in given.get("windows") or ()])
    if asked.get("validity"):
        try:
            validity.read_validity(asked["validity"])
        except InputError as exc:
            found.append(f"validity: {exc.message}")
    return [text.replace("freeze_windows", "windows") for text in found]


def begin(ports: Ports, wanted: Wanted) -> None:
    """Put a replacement on record; nothing where it is."""
    now = ports.clock.now()
    with ports.store.write() as unit:
        if row_of(unit, wanted.name) is not None:
            return
        definition, state = wanted.definition, {"state": RUNNING}
        unit.intents.add(Intent(uuid.uuid4().hex, _KIND, _NOUN, wanted.name, definition, state, now, now))
        unit.audit(AuditEntry(ports.actor, "replacement_begun", _NOUN, wanted.name, None, definition))


def set_state(ports: Ports, name: str, state: str, comment: str, *, resume: bool = False) -> bool:
    """Stop, abort or take up a replacement; says whether that was a change.

    :param resume: a stopped one is taken up again.
    :raises StateError: somebody has stopped or aborted it, perhaps since this call was planned.
    """
    with ports.store.write() as unit:
        row = required_row(unit, name)
        before = state_of(row)
        if before == state:
            return False
        if state == RUNNING or before == ABORTED:
            refuse_ended(row, resume=resume)
        unit.intents.put(replace(row, result={**row.result, "state": state}, finished_at=ports.clock.now()))
        told = ({"state": before}, {"state": state})
        unit.audit(AuditEntry(ports.actor, f"replacement_{state}", _NOUN, name, *told, comment=comment))
    return True


def state_of(row: Intent | None) -> str:
    """Give the state of a replacement; one that was not begun yet would run."""
    return str(row.result["state"]) if row is not None else RUNNING


def refuse_ended(row: Intent | None, *, resume: bool) -> None:
    """Refuse to go on with what somebody stopped or aborted.

    :param resume: a stopped one is taken up again.
    :raises StateError: it is such a one.
    """
    state = state_of(row)
    if row is None or state == RUNNING or (state == STOPPED and resume):
        return
    todo = "give resume: true to go on" if state == STOPPED else "begin another one under another name"
    raise StateError(
        f"Cannot go on with replacement {row.key}: it is {state}; {todo}",
        code=f"replacement_{state}",
        details={"replacement": row.key, "state": state},
    )


def window_opens(wanted: Wanted, now: datetime) -> datetime | None:
    """Give when requests may be made again; None when they may be now.

    A day ahead where no window is to come within its horizon.
    """
    if not wanted.windows or freeze.frozen(wanted.windows, kind="enroll", network="", at=now) is not None:
        return None
    return freeze.next_start(wanted.windows, kind="enroll", network="", at=now)
