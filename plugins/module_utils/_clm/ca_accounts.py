# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""CA accounts: kept in the store, tested, asked for their choices (C rows). Knows no CA."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from .._core.clock import to_text
from .._core.errors import AuthError, InputError
from .._core.plan import Plan, Step
from .._core.types import AuditEntry, CaAccount
from .._store.base import Unit
from . import accounts, states
from .accounts import secrets_of
from .ports import Params, Ports
from .views import ca_account_view

if TYPE_CHECKING:
    from .._ca.base import CaConnector

_OPEN_STATES = tuple(state for state in states.REQUEST if not states.is_final(state))


def required(unit: Unit, name: str) -> CaAccount:
    """Give the CA account of that name.

    :raises NotFoundError: there is none; names those there are.
    """
    return accounts.required(_FAMILY, unit, name)


def plan(params: Params, ports: Ports) -> Plan:
    """Work out what ``ca_account`` would do.

    :raises InputError: the options cannot be used.
    """
    made = accounts.plan(_FAMILY, params, ports)
    if made.steps or params["state"] == "absent" or not params.get("test"):
        return made
    with ports.store.read() as unit:
        account = required(unit, params["name"])
    return replace(made, steps=_care(account, ports))


def _care(account: CaAccount, ports: Ports) -> tuple[Step, ...]:
    """Give the step that does what a CA's own records want done by now, if anything."""
    connector = ports.ca(account)
    sentence = connector.care_due()

    def care() -> bool:
        connector.care()
        entry = AuditEntry(ports.actor, "ca_account_cared_for", "ca_account", account.name, None, {"done": sentence})
        with ports.store.write() as unit:
            unit.audit(entry)
        return True

    return (Step(sentence, care),) if sentence else ()


def _needed_by(unit: Unit, account: CaAccount) -> dict[str, list[str]]:
    from . import replacement

    waiting = [one.request_id for one in unit.requests.find(ca=account.name, state=_OPEN_STATES)]
    standing_by = [one.name for one in unit.groups.find() if account.name in [entry["ca"] for entry in one.standby_cas]]
    found = {
        "requests wait for it": waiting,
        "groups have it as their standby": standing_by,
        "replacements order at it, stop or abort them first": replacement.running_to(unit, account.name),
    }
    return {what: names for what, names in found.items() if names}


def _merged(params: Params, before: CaAccount | None, ports: Ports) -> CaAccount:
    from .._ca.base import StoredAccount

    account = accounts.begun(_FAMILY, params, before)
    stored = secrets_of(account)
    given, secrets = accounts.given(params)
    kind = ports.ca_type(account.type)
    options, sealed = kind.prepare(
        account.name, {**account.options, **given}, secrets, StoredAccount(account.options, stored)
    )
    if sealed == stored:
        return replace(account, options=dict(options))
    return replace(account, options=dict(options), secrets=accounts.sealed(sealed))


def _asked(params: Params, account: CaAccount, ports: Ports) -> dict[str, Any]:
    """Run the test and fetch the lists that were asked for; reads only."""
    result: dict[str, Any] = {}
    kinds = params.get("choices") or []
    if not params.get("test") and not kinds:
        return result
    connector = ports.ca(account)
    if params.get("test"):
        result["checks"] = [vars(check) for check in connector.test()]
    if kinds:
        result["choices"], refused = _choices(account, connector, kinds)
        if refused:
            result["warnings"] = refused
    return result


def _choices(
    account: CaAccount, connector: CaConnector, kinds: list[str]
) -> tuple[dict[str, list[dict[str, str]]], list[str]]:
    """Give the lists that may be read, and a sentence for each that may not: that is no fault of the account."""
    offered = connector.capabilities().choices
    unknown = [kind for kind in kinds if kind not in offered]
    if unknown:
        raise InputError(
            f"CA account {account.name} ({account.type}) has no list of {', '.join(unknown)}; it has "
            f"{', '.join(offered) or 'none'}"
        )
    found: dict[str, list[dict[str, str]]] = {}
    refused = []
    for kind in kinds:
        try:
            found[kind] = [vars(choice) for choice in connector.choices(kind)]
        except AuthError as exc:
            found[kind] = []
            refused.append(f"CA account {account.name} may not list {kind}: {exc.message}")
    return found, refused


def _shown(account: CaAccount, ports: Ports) -> Mapping[str, Any]:
    """Show an account with what its CA can do, as data."""
    ends = ports.ca_type(account.type).expires_at(account.options)
    left = (ends - ports.clock.now()).days if ends is not None else None
    return {
        **ca_account_view(account),
        "capabilities": ports.ca(account).capabilities().shown(),
        "client_certificate_expires_at": to_text(ends) if ends is not None else None,
        "client_certificate_days_left": left,
    }


_FAMILY = accounts.Family(
    noun="ca_account",
    words="CA account",
    example="own_ca",
    hang="certificates",
    records=lambda unit: unit.ca_accounts,
    new=CaAccount,
    merged=_merged,
    asked=_asked,
    stored_view=ca_account_view,
    view=_shown,
    needed_by=_needed_by,
    refuses_failing=True,
)
