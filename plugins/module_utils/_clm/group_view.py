# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How a group looks to a user: its policy in the words of ``cert_group``, and whether it is frozen."""

from __future__ import annotations

from datetime import datetime

from .._core.governance import Group
from .._core.redact import redacted
from .._core.vocabulary import NETWORKS, WARNING_LISTS
from . import freeze
from .policy import approvals_of, revocation_checks_of
from .views import View, text_of


def group_view(group: Group) -> View:
    """Show a group's policy; the approvals as they hold, the built-in ones where the group says nothing."""
    return {
        "name": group.name,
        "description": group.description,
        "defaults": redacted(group.defaults),
        "allowed": redacted(group.allowed),
        "ca_accounts": list(group.ca_accounts),
        "standby_cas": redacted(group.standby_cas),
        "approvals": approvals_of(group),
        "auto_approve": group.auto_approve,
        "push_automatically": group.push_automatically,
        "automatic_network": group.automatic_network,
        "renewal_window": group.renewal_window_days,
        "expiry_warning_days": group.expiry_warning_days,
        "freeze_windows": redacted(group.freeze_windows),
        "warnings": {name: list(group.warnings.get(name) or ()) for name in WARNING_LISTS},
        "revocation_checks": revocation_checks_of(group),
        "proof": {network: str(group.proof.get(network) or "") for network in NETWORKS},
        "created_at": text_of(group.created_at),
        "updated_at": text_of(group.updated_at),
    }


def group_status(group: Group, now: datetime) -> View:
    """Show a group's policy and what is frozen at that moment."""
    return {**group_view(group), "freeze": [_freeze(group, kind, network, now) for kind, network in freeze.FREEZABLE]}


def _freeze(group: Group, kind: str, network: str, now: datetime) -> View:
    held = freeze.frozen(group.freeze_windows, kind=kind, network=network, at=now)
    return {
        "kind": kind,
        "network": network,
        "is_frozen": held is not None,
        "window": held.window if held else "",
        "until": text_of(held.until if held else None),
        "next_start_at": text_of(freeze.next_start(group.freeze_windows, kind=kind, network=network, at=now)),
    }
