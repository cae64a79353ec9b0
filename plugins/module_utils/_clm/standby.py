# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Standby CA accounts of a request: which it has, which were taken, what an approval of them is bound to (E2, E24).

A request keeps the list that its group had when it was submitted, as all else of its policy: that list is what is
approved, and an account that comes to the group later is none for it. Reads records alone; ``failover`` turns to them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from .._core.types import CaAccount

if TYPE_CHECKING:
    from .._core.types import CertRequest
    from .moves import Mover

LISTED = "standby_cas"
"""Member of a group and of a request's policy: standby accounts in the order in which they are tried."""
TAKEN = "standby_ca"
"""Step of a request that turned to a standby account."""
AFTER_MINUTES = 15
"""For so long an account has to be out of reach before the next one is tried, where the group says nothing."""


@dataclass(frozen=True)
class Standby:
    """One standby account.

    :ivar options: of a request at that CA.
    :ivar after_minutes: so long the account before it has to be unable, for what may pass by itself.
    """

    ca: str
    options: Mapping[str, Any] = field(default_factory=dict)
    after_minutes: int = AFTER_MINUTES

    @classmethod
    def read(cls, stored: Mapping[str, Any]) -> Standby:
        """Read one as a group keeps it."""
        minutes = stored.get("after_minutes")
        options = dict(stored.get("ca_options") or {})
        return cls(str(stored["ca"]), options, AFTER_MINUTES if minutes is None else int(minutes))


def listed(request: CertRequest) -> list[Standby]:
    """Give the standby accounts of a request, in order; a revocation has none."""
    stored = () if request.action == "revoke" else request.policy.get(LISTED) or ()
    return [Standby.read(one) for one in stored]


def taken(request: CertRequest) -> list[Mapping[str, Any]]:
    """Give the steps by which the request turned from one account to the next, the first one first."""
    return [step for step in request.conditions if step["type"] == TAKEN]


def left(request: CertRequest) -> list[Standby]:
    """Give the standby accounts that were not tried yet; never the account that it was asked of."""
    tried = {request.ca, as_asked(request).ca, *(step["to"] for step in taken(request))}
    return [one for one in listed(request) if one.ca not in tried]


def as_asked(request: CertRequest) -> CertRequest:
    """Give the request with the account and options that were asked for, whichever it turned to since.

    Its successors are asked of that account again, and the same call means the same request.
    """
    turned = taken(request)
    if not turned:
        return request
    return replace(request, ca=str(turned[0]["from"]), ca_options=dict(turned[0]["from_options"]))


def may_ask(request: CertRequest, ca: str) -> bool:
    """Say whether a request may order at an account: its own, or one that stands by."""
    return ca == request.ca or any(one.ca == ca for one in left(request))


def followed(parent: CertRequest, params: Mapping[str, Any]) -> CertRequest:
    """Give what a new request follows: what is added to it is of the account that signed it, a successor as asked."""
    return parent if params.get("only_missing") else as_asked(parent)


def view(request: CertRequest) -> list[dict[str, Any]]:
    """Show which accounts are asked, in order, and where the request stands among them; empty without a standby."""
    if not listed(request) and not taken(request):
        return []
    turned = taken(request)
    given_up = [{"ca": one["from"], "state": "given_up", "why": one["comment"], "at": one["at"]} for one in turned]
    following = [{"ca": one.ca, "state": "standby", "after_minutes": one.after_minutes} for one in left(request)]
    return [*given_up, {"ca": request.ca, "state": "in_use"}, *following]


def said(request: CertRequest) -> str:
    """Name the accounts that an approval of the request is for, for people; empty without a standby."""
    names = [one.ca for one in left(request)]
    if not names:
        return ""
    return f"CA account {request.ca} signs, and where it cannot, {', then '.join(names)}"


def warnings(mover: Mover) -> list[str]:
    """Tell which standby accounts could not take a request, a sentence each."""
    if not left(mover.request):
        return []
    from . import standby_rules

    return standby_rules.warnings(mover)


def parts(mover: Mover) -> dict[str, Any]:
    """Give what an approval of a request is bound to, its standby accounts as they are stored now among it."""
    from . import approvals, requests

    asked = as_asked(mover.request)
    with mover.ports.store.read() as unit:
        known = {one.name: one for one in unit.ca_accounts.find()} if listed(asked) else {}
    account = mover.account
    if account.name != asked.ca:
        account = known.get(asked.ca) or CaAccount(asked.ca, "")
    found = requests.parts(asked, account)
    if known or listed(asked):
        plan = [(one.ca, one.options, one.after_minutes, _shown(known.get(one.ca))) for one in listed(asked)]
        found[LISTED] = approvals.sha256(plan)
    return found


def _shown(account: CaAccount | None) -> list[Any]:
    return [account.type, dict(account.options)] if account is not None else []
