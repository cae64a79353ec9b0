# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Standby CA accounts of a group, read and held against what the group's certificates may be (G rows, E2).

An account that could take none of them would be found out in an outage. Asks the CAs' capabilities, which costs no
call; what a CA says of one request, it says when that is made.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from .._core import csr_sources, fields, validity
from .._core.errors import ClmError
from . import rules, signing, standby

if TYPE_CHECKING:
    from .._ca.capability_base import Capabilities
    from .._core.governance import Group
    from .._store.base import Unit
    from .moves import Mover
    from .ports import Ports

_SANS = "subject_alternative_names"
MOST_MINUTES = 10080
"""A week: longer nobody waits for a CA whose certificates are needed."""


def read(given: Sequence[Mapping[str, Any]] | None, group: Group, problems: list[str]) -> tuple[dict[str, Any], ...]:
    """Read the option ``standby_cas``; None keeps what is stored.

    :param problems: gets a sentence for each entry that cannot be used.
    """
    if given is None:
        return tuple(dict(one) for one in group.standby_cas)
    found: list[dict[str, Any]] = []
    for one in given:
        name, minutes = str(one.get("ca") or "").strip(), one.get("after_minutes")
        if any(name == known["ca"] for known in found):
            problems.append(f"standby_cas names {name} twice")
        if minutes is not None and not 0 <= minutes <= MOST_MINUTES:
            problems.append(f"standby_cas {name}: after_minutes {minutes} is not one of 0 to {MOST_MINUTES}")
        after = standby.AFTER_MINUTES if minutes is None else minutes
        found.append({"ca": name, "ca_options": dict(one.get("ca_options") or {}), "after_minutes": after})
    return tuple(found)


def problems_of(group: Group, unit: Unit, ports: Ports) -> list[str]:
    """Say which standby accounts cannot be used for what the group allows, a sentence for each reason."""
    found: list[str] = []
    known = {account.name: account for account in unit.ca_accounts.find()} if group.standby_cas else {}
    for one in group.standby_cas:
        name = str(one["ca"])
        if name not in known:
            found.append(f"standby_cas {name!r} is not in the store; there is {', '.join(sorted(known)) or 'none yet'}")
            continue
        if group.ca_accounts and name not in group.ca_accounts:
            found.append(f"standby_cas {name} is not among ca_accounts, {', '.join(group.ca_accounts)}")
        try:
            capabilities = ports.ca(known[name]).capabilities()
        except ClmError as exc:
            found.append(f"standby_cas {name}: {exc.message}")
            continue
        found += [f"standby_cas {name}: {why}" for why in _of_account(name, one, group, capabilities, ports)]
    return found


def _of_account(name: str, one: Mapping[str, Any], group: Group, capabilities: Capabilities, ports: Ports) -> list[str]:
    who, found = f"CA account {name}", []
    for source in _values(group, "csr_source", csr_sources.DEFAULT):
        found += fields.source_problems(source, capabilities, who)
    for option, default in (("key_type", "rsa"), ("hash", "")):
        for value in _values(group, option, default):
            found += fields.ca_problems({option: value}, capabilities, who)
    if group.defaults.get("dual_stack"):
        found += fields.ca_problems({"key_type": "rsa", "dual_stack": True}, capabilities, who)
    named = dict(group.defaults.get(_SANS) or {})
    named.update({kind: rule for kind in rules.SAN_KINDS if (rule := group.allowed.get(f"{_SANS}.{kind}"))})
    found += fields.ca_problems({_SANS: named}, capabilities, who)
    return [*dict.fromkeys(found), *_of_life(group, capabilities, ports), *_of_options(one, capabilities)]


def _values(group: Group, option: str, default: str) -> list[str]:
    """Give the values that certificates of the group may have for an option, as far as its policy names them."""
    allowed = [str(value) for value in group.allowed.get(option) or ()]
    named = [value for value in allowed if not value.startswith(rules.PATTERN_PREFIX)]
    usual = str(group.defaults.get(option) or default)
    return list(dict.fromkeys([*named, *([] if named or not usual else [usual])]))


def _of_life(group: Group, capabilities: Capabilities, ports: Ports) -> list[str]:
    wanted = group.defaults.get("validity")
    most = group.allowed.get(rules.VALIDITY_RULE)
    days = [most] if most else [rules.most_days(wanted)] if wanted and not wanted.get("at_most") else []
    limit, found = capabilities.max_validity_days, []
    for one in days:
        if limit is not None and one > limit:
            found.append(f"it signs for {limit} days at most, and the group lets {one} be asked for")
        now = ports.clock.now()
        found += validity.validity_problems(one, now, is_public=capabilities.is_public)
    return found


def _of_options(one: Mapping[str, Any], capabilities: Capabilities) -> list[str]:
    given, taken = one.get("ca_options") or {}, capabilities.request_options
    unknown = [name for name in given if name not in taken]
    missing = [name for name, option in taken.items() if option.get("required") and name not in given]
    found = []
    if unknown:
        found.append(f"it takes no ca_options {', '.join(unknown)}; it takes {', '.join(taken) or 'none'}")
    if missing:
        found.append(f"it needs ca_options {', '.join(missing)}")
    return found


def warnings(mover: Mover) -> list[str]:
    """Tell which standby accounts could not take a request, a sentence each; asks their capabilities alone."""
    request, found = mover.request, []
    for one in standby.left(request):
        with mover.ports.store.read() as unit:
            account = unit.ca_accounts.get(one.ca)
        wanted = replace(request, ca=one.ca, ca_options=dict(one.options))
        why = ["it is not in the store any more"]
        if account is not None:
            try:
                why = signing.capability_problems(mover.at(wanted, account))
            except ClmError as exc:
                why = [exc.message]
        if why:
            found.append(f"standby CA account {one.ca} could not take this request: {'; '.join(why)}")
    return found
