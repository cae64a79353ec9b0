# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Groups and their policy: checked, saved, removed (G rows). What a policy means is in ``policy`` and ``freeze``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, replace
from typing import Any

from .._core.errors import InputError, StateError
from .._core.governance import DEFAULT_GROUP, Group
from .._core.hosts import proxy_reasons
from .._core.plan import Outcome, Plan, Step
from .._core.types import AuditEntry
from .._core.vocabulary import WARNING_LISTS
from .._store.base import Unit
from . import freeze, rules, states
from .edges import PROOFS
from .freeze_windows import KINDS
from .group_view import group_status, group_view
from .policy import APPROVALS, REVOCATION_CHECKS, approvals_of
from .ports import Params, Ports

MAX_LEVELS = 5
MAX_VALID_HOURS = 2160
MAX_RENEWAL_DAYS = 120
MAX_EXPIRY_WARNING_DAYS = 400
MAX_HOURS_BETWEEN_CHECKS = 720
_EMPTY: tuple[Any, ...] = ("", [], {}, ())
_LIMITS: Mapping[str, tuple[int, int]] = {
    "enroll": (0, MAX_LEVELS),
    "push": (0, MAX_LEVELS),
    "valid_hours": (1, MAX_VALID_HOURS),
}
# By field of the record, the option it comes from; where the two are called alike, nothing stands here.
_OPTIONS = {"renewal_window_days": "renewal_window"}
_BOOKKEEPING = ("name", "created_at", "updated_at", "version")


def plan(params: Params, ports: Ports) -> Plan:
    """Work out what ``cert_group`` would do.

    :raises InputError: everything wrong with the policy, at once.
    :raises StateError: the group cannot be removed.
    """
    name = params["name"].strip()
    with ports.store.read() as unit:
        stored = unit.groups.get(name)
        if params["state"] == "absent":
            return _plan_absent(name, stored, unit, ports)
        # The default group exists without being stored.
        before = stored or (Group(DEFAULT_GROUP) if name == DEFAULT_GROUP else None)
        wanted = _checked(params, before or Group(name), unit, ports)

    def save() -> bool:
        now = ports.clock.now()
        with ports.store.write() as unit:
            if stored is None:
                saved = unit.groups.add(replace(wanted, created_at=now, updated_at=now))
            else:
                saved = unit.groups.put(replace(wanted, updated_at=now))
            action = "group_added" if before is None else "group_changed"
            view_before = group_view(before) if before else None
            unit.audit(AuditEntry(ports.actor, action, "group", name, view_before, group_view(saved)))
        return True

    def finish() -> Outcome:
        with ports.store.read() as unit:
            saved = unit.groups.get(name) or before
        return Outcome(group_status(saved, ports.clock.now()) if saved else None, extra)

    now = ports.clock.now()
    extra = {"warnings_found": _warnings(wanted)}
    verb = f"Add group {name}" if before is None else f"Change {_differing(before, wanted)} of group {name}"
    steps = () if wanted == before else (Step(verb, save),)
    view_before = group_status(before, now) if before else None
    return Plan(view_before, group_status(wanted, now), steps, finish, extra=extra)


def _plan_absent(name: str, stored: Group | None, unit: Unit, ports: Ports) -> Plan:
    if name == DEFAULT_GROUP:
        raise StateError(
            f"Cannot remove group {DEFAULT_GROUP}: it holds for every certificate without a group; to go back to what "
            "is built in, clear its options instead",
            code="group_needed",
        )
    if stored is None:
        return Plan(None, None, (), lambda: Outcome(None))
    group = stored
    _refuse_used(unit, name)

    def remove() -> bool:
        with ports.store.write() as unit:
            # Somebody may have begun to use it since it was planned.
            _refuse_used(unit, name)
            unit.groups.remove(group)
            unit.audit(AuditEntry(ports.actor, "group_removed", "group", name, group_view(group)))
        return True

    before = group_status(group, ports.clock.now())
    return Plan(before, None, (Step(f"Remove group {name}", remove),), lambda: Outcome(None))


def _refuse_used(unit: Unit, name: str) -> None:
    """Refuse to remove a group that something hangs on.

    :raises StateError: names what.
    """
    requests, orders = unit.requests.find(group=name), unit.work_orders.find(group=name)
    used = {
        "certificates": [c.certificate_id for c in unit.certificates.find(group=name)],
        "requests": [r.request_id for r in requests if not states.is_final(r.state)],
        "work_orders": [o.work_order_id for o in orders if not states.is_final(o.state)],
    }
    used = {noun: ids for noun, ids in used.items() if ids}
    if used:
        named = "; ".join(f"{noun.replace('_', ' ')} {', '.join(ids)}" for noun, ids in used.items())
        raise StateError(
            f"Cannot remove group {name}: it is still used by {named}; move them to another group, or let them end",
            code="group_needed",
            details=used,
        )


# -- reading the options -------------------------------------------------------------------------------------------


def _checked(params: Params, group: Group, unit: Unit, ports: Ports) -> Group:
    """Lay the options over a group.

    :raises InputError: everything wrong, at once.
    """
    problems: list[str] = []
    if not group.name or not group.name.isprintable():
        problems.append(f"name {group.name!r} is no name: it needs a letter, and no control characters")
    wanted = replace(
        group,
        description=group.description if params.get("description") is None else params["description"].strip(),
        defaults=rules.read_defaults(_overlaid(group.defaults, params.get("defaults")), problems),
        allowed=rules.read_allowed(_overlaid(group.allowed, _flat(params.get("allowed"))), problems),
        ca_accounts=_ca_accounts(params, group, unit, problems),
        standby_cas=_standby_cas(params, group, problems),
        approvals=_approvals(params, group, problems),
        auto_approve=_flag(params, "auto_approve", group.auto_approve),
        push_automatically=_flag(params, "push_automatically", group.push_automatically),
        automatic_network=params.get("automatic_network") or group.automatic_network,
        renewal_window_days=_renewal_window(params, group, problems),
        expiry_warning_days=_expiry_warning(params, group, problems),
        freeze_windows=_freeze_windows(params, group, problems),
        warnings=_warning_lists(params, group, problems),
        revocation_checks=_revocation_checks(params, group, problems),
        proof=_proof(params, group, problems),
    )
    problems = problems or rules.contradictions(wanted.defaults, wanted.allowed)
    if wanted.standby_cas and (params.get("standby_cas") or not problems):
        from . import standby_rules

        # With a problem the rest of the group may not be what it seems, and the accounts are named all the same.
        problems += standby_rules.problems_of(wanted, unit, ports)
    if problems:
        raise InputError.of_problems(f"Cannot save group {group.name}", problems)
    return wanted


def _overlaid(stored: Mapping[str, Any], given: Mapping[str, Any] | None) -> dict[str, Any]:
    """Lay given members over stored ones: one left out keeps what is stored, an empty one clears it.

    Without any member, as ``{}``, everything is cleared.
    """
    if given is None:
        return dict(stored)
    members = {name: value for name, value in given.items() if value is not None}
    if not members:
        return {}
    return {name: value for name, value in {**stored, **members}.items() if value not in _EMPTY}


def _flat(allowed: Mapping[str, Any] | None) -> dict[str, Any] | None:
    return None if allowed is None else rules.flattened(allowed)


def _flag(params: Params, option: str, stored: bool) -> bool:
    given = params.get(option)
    return stored if given is None else bool(given)


def _ca_accounts(params: Params, group: Group, unit: Unit, problems: list[str]) -> tuple[str, ...]:
    given = params.get("ca_accounts")
    if given is None:
        return group.ca_accounts
    accounts = tuple(sorted({str(name).strip() for name in given}))
    known = [account.name for account in unit.ca_accounts.find()] if accounts else []
    if unknown := [name for name in accounts if name not in known]:
        problems.append(f"ca_accounts {', '.join(unknown)} not in the store; there is {', '.join(known) or 'none yet'}")
    return accounts


def _standby_cas(params: Params, group: Group, problems: list[str]) -> tuple[Mapping[str, Any], ...]:
    if params.get("standby_cas") is None:
        return group.standby_cas
    from . import standby_rules

    return standby_rules.read(params["standby_cas"], group, problems)


def _approvals(params: Params, group: Group, problems: list[str]) -> dict[str, Any]:
    approvals = _overlaid(group.approvals, params.get("approvals"))
    for name, (least, most) in _LIMITS.items():
        if name in approvals:
            _check_number(f"approvals.{name}", approvals[name], least, most, problems)
    return {name: value for name, value in approvals.items() if value != APPROVALS[name]}


def _revocation_checks(params: Params, group: Group, problems: list[str]) -> dict[str, Any]:
    wanted = _overlaid(group.revocation_checks, params.get("revocation_checks"))
    if "every_hours" in wanted:
        _check_number("revocation_checks.every_hours", wanted["every_hours"], 0, MAX_HOURS_BETWEEN_CHECKS, problems)
    if "proxy" in wanted:
        # The policy is shown to everybody who may look, so that it can hold no password.
        reasons = proxy_reasons(wanted["proxy"])
        reasons += ["it bears a user name; give a proxy that wants none"] if "@" in wanted["proxy"] else []
        problems += [f"revocation_checks.proxy: {reason}" for reason in reasons]
    return {name: value for name, value in wanted.items() if value != REVOCATION_CHECKS[name]}


def _renewal_window(params: Params, group: Group, problems: list[str]) -> int | None:
    given = params.get("renewal_window")
    if given is None:
        return group.renewal_window_days
    if given == 0:
        return None
    return _check_number("renewal_window", given, 1, MAX_RENEWAL_DAYS, problems)


def _expiry_warning(params: Params, group: Group, problems: list[str]) -> int:
    given = params.get("expiry_warning_days")
    if given is None:
        return group.expiry_warning_days
    return _check_number("expiry_warning_days", given, 0, MAX_EXPIRY_WARNING_DAYS, problems)


def _check_number(where: str, value: int, least: int, most: int, problems: list[str]) -> int:
    if not least <= value <= most:
        problems.append(f"{where} {value} is not one of {least} to {most}")
    return value


def _freeze_windows(params: Params, group: Group, problems: list[str]) -> tuple[Mapping[str, Any], ...]:
    given = params.get("freeze_windows")
    if given is None:
        return group.freeze_windows
    problems += freeze.problems(given)
    # A set: each has a name of its own.
    return tuple(sorted(freeze.normalized(given), key=lambda window: str(window["name"])))


def _warning_lists(params: Params, group: Group, problems: list[str]) -> dict[str, list[str]]:
    from .decisions import policy_of

    given = _overlaid(group.warnings, params.get("warnings"))
    lists = {name: sorted(set(given[name])) for name in WARNING_LISTS if name in given}
    try:
        policy_of(lists)
    except InputError as exc:
        problems += [f"warnings.{problem}" for problem in exc.details["problems"]]
    return lists


def _proof(params: Params, group: Group, problems: list[str]) -> dict[str, str]:
    wanted = _overlaid(group.proof, params.get("proof"))
    wrong = {network: kind for network, kind in wanted.items() if kind not in PROOFS}
    problems += [f"proof.{network} {kind!r} is none of {', '.join(PROOFS)}" for network, kind in wrong.items()]
    return wanted


# -- telling -------------------------------------------------------------------------------------------------------


def _differing(before: Group, after: Group) -> str:
    """Name the options in which two groups differ."""
    names = [f.name for f in fields(Group) if f.name not in _BOOKKEEPING]
    return ", ".join(_OPTIONS.get(name, name) for name in names if getattr(before, name) != getattr(after, name))


def _warnings(group: Group) -> list[str]:
    """Say what is allowed, but hardly meant."""
    approvals, found = approvals_of(group), []
    asked = [kind for kind in KINDS if approvals[kind]]
    if asked and approvals["requester_may_approve"] and not approvals["distinct_approvers"]:
        found.append(
            f"approvals for {' and '.join(asked)} can all be given by whoever asks for it, since distinct_approvers is "
            "false and requester_may_approve is true"
        )
    if asked and group.auto_approve:
        found.append(f"auto_approve gives the approvals for {' and '.join(asked)} by itself: nobody is asked")
    return found
