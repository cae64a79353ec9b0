# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a renewal or an edit in place will cost: calls, orders, deployments, approvals, warnings; for check mode and for
the run alike. Reads what planning has read already, and sends nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from .._core import csr_sources
from .._core.governance import Group
from .._core.types import Certificate, CertRequest, Notice
from .._keys.base import CsrReady
from .._store.base import Unit
from . import approvals, ca_made, decisions, dual_stack, policy
from .edits import Edits
from .ports import Ports

if TYPE_CHECKING:
    from .moves import Mover

NOTHING, METADATA, NEW_CERTIFICATE = "nothing", "metadata", "new_certificate"
"""What comes of a call: no change at CPS, one without a certificate, or a new key, CSR and certificate."""
_DROPPED = "SANS_REMOVED_REQUIRE_ACKNOWLEDGEMENT"
_DROPPED_LIVE = "CERTIFICATE_VS_NETWORK_SAN_REMOVED_FROM_CERT_LIVE_ON_NETWORK"
_ADDED = "CSR_VS_CERTIFICATE_ADDITIONAL_SAN_IN_SAN_LIST_IN_CERTIFICATE"
_OWN_ROOT = "TRUST_CHAIN_TERMINATES_WITH_NON_STANDARD_CERTIFICATE"


def quiet(ports: Ports, edited: Edits | None = None, *, outcome: str = NOTHING, calls: int = 0) -> dict[str, Any]:
    """Predict a call after which no certificate is issued.

    :param calls: API calls still to come.
    """
    made = ports.calls()
    return {
        "outcome": outcome,
        "edits": (edited or Edits()).view(),
        "from_snapshot": "",
        "csrs": [],
        "ca_orders": 0,
        "networks": [],
        "calls": {"at_least": made + calls, "at_most": made + calls, "is_exact": True},
        "approvals": [],
        "automatic_pushes": {},
        "warnings": [],
    }


def of(
    mover: Mover, certificate: Certificate, edited: Edits, *, has_steps: bool, is_moving: bool = False
) -> dict[str, Any]:
    """Predict what comes of a request, from where it stands.

    :param has_steps: whether this call does anything about it.
    :param is_moving: whether it goes on to the certificate, whatever state the request is in now.
    """
    request, ports = mover.request, mover.ports
    with ports.store.read() as unit:
        group = policy.group_of(unit, request.group)
        automatic = _automatic(unit, certificate, group)
    algorithms = [name for name in dual_stack.wanted(request) if name not in request.refusals]
    return {
        "outcome": NEW_CERTIFICATE,
        "edits": edited.view(),
        "from_snapshot": (request.renews.get("restores") or {}).get("snapshot_id", ""),
        "csrs": [name for name in algorithms if name not in request.csrs and not ca_made.is_so(request)],
        "ca_orders": len([name for name in algorithms if name not in request.ca_handles]),
        "networks": networks(certificate),
        "calls": _calls(mover, has_steps=has_steps, is_moving=is_moving),
        "approvals": [_enroll_approvals(request), *_push_approvals(request, group)],
        "automatic_pushes": automatic,
        "warnings": _warnings(mover, certificate, edited),
    }


def _calls(mover: Mover, *, has_steps: bool, is_moving: bool) -> dict[str, Any]:
    """Count the API calls of this call from its begin: those made while it was planned, and those to come.

    :param has_steps: something is to be done; else the planning was all.
    """
    least = most = mover.ports.calls()
    if has_steps and (is_moving or mover.request.state in ("implementing", "retrieval_in_progress")):
        ahead = mover.keys.calls_ahead(mover.order, mover.next_move(), mover.wait_s)
        if mover.seen is not None:
            # The run begins with what planning saw.
            ahead = (0, 0 if isinstance(mover.seen, CsrReady) else ahead[1])
        is_again = mover.request.version > 0 and mover.next_move() == "begin"
        # What an earlier run may have begun is looked for first: the enrollment, and its change.
        least, most = least + ahead[0], most + ahead[1] + (2 if is_again else 0)
    return {"at_least": least, "at_most": most, "is_exact": least == most}


def networks(certificate: Certificate) -> list[str]:
    """Name the networks that serve the present certificate, on which a new one has to be deployed to be seen."""
    if certificate.production:
        return ["staging", "production"]
    return ["staging"] if certificate.staging else []


def _automatic(unit: Unit, certificate: Certificate, group: Group) -> dict[str, str]:
    connectors = unit.connectors.find(certificate_id=certificate.certificate_id)
    found = {one.name: policy.automatic_network(one, group) for one in connectors}
    return {name: network for name, network in found.items() if network}


def _enroll_approvals(request: CertRequest) -> dict[str, Any]:
    needed = approvals.levels(request)
    return {
        "kind": "enroll",
        "group": str(request.policy.get("group") or ""),
        "levels": needed,
        "given": len(request.approvals),
        "distinct_approvers": bool(request.policy.get("distinct_approvers")),
        "may_not_approve": sorted(approvals.barred(request)) if needed else [],
    }


def _push_approvals(request: CertRequest, group: Group) -> list[dict[str, Any]]:
    """Tell of the approvals of a push that a person asks for; an automatic one needs none.

    None for a certificate that can never be pushed.
    """
    if request.csr_source not in csr_sources.PUSHABLE:
        return []
    rule = policy.snapshot(group, "push")
    needed = 0 if rule["auto_approve"] else int(rule["levels"])
    asked = {
        "kind": "push",
        "group": group.name,
        "levels": needed,
        "given": 0,
        "distinct_approvers": bool(rule["distinct_approvers"]),
        "may_not_approve": ["who submits the push"] if needed and not rule["requester_may_approve"] else [],
    }
    return [asked]


def _warnings(mover: Mover, certificate: Certificate, edited: Edits) -> list[dict[str, Any]]:
    """Give the warnings of CPS that may come, with what would be decided on them as things are.

    :source: cps-protocol §3.6, §3.7.
    """
    if mover.request.csr_source not in csr_sources.PUSHABLE:
        return []
    is_private = not mover.ca.capabilities().is_public
    expected: list[tuple[str, str, bool, str]] = []
    if edited.dropped:
        names = ", ".join(edited.dropped)
        expected.append((_DROPPED, "csr", False, f"CPS may ask whether {names} may go before it makes the CSR"))
        if certificate.production:
            found = mover.usage.found if mover.usage else ()
            used = f"; properties use {len(found)} host names of it" if found else ""
            expected.append((_DROPPED_LIVE, "production", True, f"production still serves {names}{used}"))
    if mover.request.wish["exclude_sans"]:
        expected.append((_ADDED, "verification", False, "the CA adds the names that the CSR leaves out"))
    if is_private:
        why = f"CPS does not know the root of CA account {mover.request.ca}"
        expected.append((_OWN_ROOT, "verification", False, why))
    lists = mover.warnings
    if lists is None:
        lists = mover.request.wish.get("warnings") or {}
    return [_decided(*entry, lists, is_private=is_private) for entry in expected]


def _decided(
    code: str, when: str, is_certain: bool, why: str, lists: Mapping[str, Sequence[str]], *, is_private: bool
) -> dict[str, Any]:
    [decided] = decisions.decisions([Notice(code, why)], decisions.policy_of(lists), is_private=is_private)
    return {"code": code, "when": when, "is_certain": is_certain, "decision": decided["decision"], "why": why}
