# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The policy of a group, applied: defaults filled in, rules held against a wish, approvals asked for (G rows, E1, W2).

Nothing here is stored or sent; what is refused names the rule that refused it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from .._core import csr_sources
from .._core.errors import InputError, NotFoundError, PolicyError
from .._core.governance import DEFAULT_GROUP, Group
from .._core.types import Connector
from .._core.vocabulary import WARNING_LISTS
from .._core.warning_policy import meant
from .._store.base import Unit
from . import freeze, rules
from .ports import Params

# What holds where a group says nothing; a push needs two approvals (W2).
APPROVALS: Mapping[str, Any] = {
    "enroll": 0,
    "push": 2,
    "distinct_approvers": True,
    "requester_may_approve": False,
    "valid_hours": 168,
}
# How CAs are asked what they have revoked, where a group says nothing.
REVOCATION_CHECKS: Mapping[str, Any] = {"every_hours": 24, "proxy": ""}


def group_of(unit: Unit, name: str) -> Group:
    """Give the group of that name; the default one exists without being stored.

    :param name: empty means the default group.
    :raises NotFoundError: there is none; names those there are.
    """
    wanted = name.strip() or DEFAULT_GROUP
    group = unit.groups.get(wanted)
    if group is not None:
        return group
    if wanted == DEFAULT_GROUP:
        return Group(DEFAULT_GROUP)
    known = sorted({DEFAULT_GROUP, *(g.name for g in unit.groups.find())})
    raise NotFoundError(
        f"No group {wanted!r} is in the store (there is: {', '.join(known)}); add it with edgecert.clm.cert_group",
        code="group_missing",
        details={"group": wanted, "groups": known},
    )


def approvals_of(group: Group) -> dict[str, Any]:
    """Give how approvals are given in a group: its own settings laid over the built-in ones."""
    return {**APPROVALS, **group.approvals}


def revocation_checks_of(group: Group) -> dict[str, Any]:
    """Give how CAs are asked in a group what they have revoked: its own settings laid over the built-in ones."""
    return {**REVOCATION_CHECKS, **group.revocation_checks}


def filled(params: Params, group: Group) -> dict[str, Any]:
    """Fill the group's defaults into a form where it leaves an option out; one given empty stays empty (E1, E14).

    What does not go with the form's source of the CSR is not filled, as a contract where no enrollment is opened. A
    dictionary is filled only where it is left out whole. The size of an RSA key is no default for an EC key, nor a
    curve for an RSA key.
    """
    form = dict(params)
    source = form.get("csr_source") or group.defaults.get("csr_source") or csr_sources.DEFAULT
    for name, value in group.defaults.items():
        if form.get(name) is None and csr_sources.applies(name, source):
            form[name] = dict(value) if isinstance(value, Mapping) else value
    # A dual stack has a key of each.
    kind = "dual" if form.get("dual_stack") else form.get("key_type") or "rsa"
    for name, kinds in (("key_size", ("rsa", "dual")), ("curve", ("ec", "dual"))):
        if params.get(name) is None and kind not in kinds:
            form[name] = None
    return form


def violations(wish: Mapping[str, Any], group: Group, *, ca: str, csr_source: str) -> list[str]:
    """Say everything in a wish that the group does not allow, a sentence each that names the rule.

    :param wish: as ``form.build`` makes it.
    :param ca: CA account that is to sign.
    """
    found = []
    if group.ca_accounts and ca not in group.ca_accounts:
        found.append(_sentence(group, "ca_accounts", f"CA accounts {', '.join(group.ca_accounts)}", ca))
    for rule, permitted, asked in rules.broken(wish, group.allowed, csr_source):
        found.append(_sentence(group, f"allowed.{rule}", permitted, asked))
    return found


def refuse(what: str, found: Sequence[str]) -> None:
    """Refuse what breaks a group's rules, all at once; nothing when nothing does.

    :param what: the sentence's beginning, as "Cannot enrol www.example.com".
    :raises PolicyError: something was found.
    """
    if found:
        joined = InputError.of_problems(what, found)
        raise PolicyError(joined.message, details={"violations": list(found)})


def weaker(present: Group, wanted: Group, now: datetime) -> list[str]:
    """Say where a group asks for fewer approvals or less proof than another, holds less up, or lets keys out.

    What belongs to the one may not evade it by moving to the other.

    :param now: UTC; freezes that are over hold nothing up.
    """
    found = [*_easier_approvals(present, wanted), *_more_allowed(present, wanted, now)]
    for kind in ("enroll", "push"):
        before, after = snapshot(present, kind), snapshot(wanted, kind)
        levels = [0 if rule["auto_approve"] else rule["levels"] for rule in (before, after)]
        if levels[1] < levels[0]:
            found.append(
                f"group {wanted.name} asks for {levels[1]} approvals to {kind} (rule approvals.{kind}), group "
                f"{present.name} for {levels[0]}"
            )
    for network, kind in present.proof.items():
        if kind == "handshake" and wanted.proof.get(network) != kind:
            found.append(
                f"group {wanted.name} wants no handshake as proof of {network} (rule proof.{network}), group "
                f"{present.name} does"
            )
    if lets_keys_out(wanted) and not lets_keys_out(present):
        found.append(
            f"group {wanted.name} lets keys out, group {present.name} does not (rule allowed.{rules.EXPORTABLE})"
        )
    return found


def _easier_approvals(present: Group, wanted: Group) -> list[str]:
    """Say where the approvals that a group asks for are easier to give, or hold longer."""
    before, after = approvals_of(present), approvals_of(wanted)
    most = 0 if present.auto_approve else max(before["enroll"], before["push"])
    found = []
    if most > 1 and before["distinct_approvers"] and not after["distinct_approvers"]:
        found.append(
            f"group {wanted.name} lets one person give several approvals (rule approvals.distinct_approvers), group "
            f"{present.name} does not"
        )
    if most and after["requester_may_approve"] and not before["requester_may_approve"]:
        found.append(
            f"group {wanted.name} lets people approve what they asked for (rule approvals.requester_may_approve), "
            f"group {present.name} does not"
        )
    if most and after["valid_hours"] > before["valid_hours"]:
        found.append(
            f"approvals hold {after['valid_hours']} hours in group {wanted.name} (rule approvals.valid_hours), "
            f"{before['valid_hours']} in group {present.name}"
        )
    return found


def _more_allowed(present: Group, wanted: Group, now: datetime) -> list[str]:
    """Say what a group does not hold up, and another one does."""
    found = []
    kept = wanted.warnings.get("block") or ()
    blocked = [str(entry) for entry in present.warnings.get("block") or () if entry not in kept]
    if blocked:
        found.append(
            f"group {wanted.name} does not block warnings {', '.join(blocked)} (rule warnings.block), group "
            f"{present.name} does"
        )
    lost = freeze.left_out(present.freeze_windows, wanted.freeze_windows, now)
    if lost:
        found.append(
            f"group {wanted.name} is not frozen by {', '.join(lost)} (rule freeze_windows), group {present.name} is"
        )
    return found


def lets_keys_out(group: Group) -> bool:
    """Say whether a group allows that private keys are exported (E6)."""
    allowed = group.allowed.get(rules.EXPORTABLE)
    return allowed is None or True in allowed


def snapshot(group: Group, kind: str) -> dict[str, Any]:
    """Give the part of a policy that a request or work order keeps: changing the group later changes it no more.

    :param kind: ``enroll`` or ``push``.
    """
    approvals = approvals_of(group)
    more: dict[str, Any] = {"proof": dict(group.proof)} if kind == "push" and group.proof else {}
    if kind == "enroll" and group.standby_cas:
        more = {"standby_cas": [dict(one) for one in group.standby_cas]}
    if kind == "enroll" and not lets_keys_out(group):
        more[rules.EXPORTABLE] = False
    return {
        "group": group.name,
        "kind": kind,
        "levels": approvals[kind],
        "distinct_approvers": approvals["distinct_approvers"],
        "requester_may_approve": approvals["requester_may_approve"],
        "valid_hours": approvals["valid_hours"],
        "auto_approve": group.auto_approve,
        **more,
    }


def warning_lists(
    group: Group, given: Mapping[str, Any] | None, connector: Connector | None = None
) -> dict[str, list[str]]:
    """Lay the warning lists of a call over the group's, entry by entry: what the call allows or asks, it decides.

    What the group blocks stays blocked.

    :param connector: an application connector's lists lie between the two.
    :raises InputError: an entry is neither a known id nor a regular expression.
    :raises PolicyError: the call allows what the group blocks.
    """
    from .decisions import policy_of

    own = {name: list((given or {}).get(name) or ()) for name in WARNING_LISTS}
    policy_of(own)
    ruled = {name: list(group.warnings.get(name) or ()) for name in own}
    if clash := [entry for entry in own["allow"] if meant(entry) in map(meant, ruled["block"])]:
        raise PolicyError(
            f"Cannot allow warnings {', '.join(clash)}: group {group.name} blocks them (rule warnings.block); leave "
            "them out of warnings.allow, or change the group",
            details={"violations": [f"group {group.name} blocks {entry} (rule warnings.block)" for entry in clash]},
        )
    decided = {meant(entry) for entries in own.values() for entry in entries}
    between = {name: list(connector.warnings.get(name) or ()) if connector else [] for name in WARNING_LISTS}
    own = {name: [*own[name], *(entry for entry in between[name] if meant(entry) not in decided)] for name in own}
    decided |= {meant(entry) for entries in between.values() for entry in entries}
    left = {name: [e for e in ruled[name] if name == "block" or meant(e) not in decided] for name in own}
    lists = {name: [*own[name], *left[name]] for name in own}
    return {name: list(dict.fromkeys(entries)) for name, entries in lists.items()}


def _sentence(group: Group, rule: str, permitted: str, asked: str) -> str:
    verb = "were" if ", " in asked else "was"
    return f"group {group.name} allows {permitted} (rule {rule}); {asked} {verb} asked for"


def automatic_network(connector: Connector, group: Group | None) -> str:
    """Say to which network a renewed certificate is pushed without being asked for (A5); empty for none.

    Production only where application connector and group both say so.

    :param group: of the certificate; None when it is gone.
    """
    if group is None or not (connector.push_automatically and group.push_automatically):
        return ""
    return "production" if connector.automatic_network == group.automatic_network == "production" else "staging"
