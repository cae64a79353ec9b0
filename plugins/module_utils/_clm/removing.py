# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What ``cert_push`` does with ``action: remove``: a work order of its own kind, planned and taken up from the store.

Works for what was enrolled here and for what was discovered. Removal from the store alone is in ``forgetting``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from .._core.errors import InputError, StateError
from .._core.governance import Group
from .._core.plan import Plan
from .._core.types import Certificate, Connector, WorkOrder
from .._core.vocabulary import NETWORKS
from .._store.base import Unit
from . import deployment_date, edges, moments, orders, policy, push, removals, states
from . import removal as removal_of
from .connectors import required_certificate
from .managed import managed_device
from .ports import Params, Ports

_ENDED_BADLY = ("failed", "cancelled", "rejected")


def plan(params: Params, ports: Ports) -> Plan:
    """Work out what removing a certificate would do.

    :raises StateError: there is no application connector (U1), nothing to remove, or something is open for it.
    :raises PolicyError: the device is not managed (D5), or its group is frozen.
    """
    if (params.get("remove_from") or "akamai") == "store":
        from . import forgetting

        return forgetting.plan(params, ports)
    certificate_id = params["certificate"]
    what = f"Cannot remove {certificate_id}"
    _refuse_options(params, what)
    with ports.store.read() as unit:
        certificate = required_certificate(unit, certificate_id)
        connector = push.connector_of(unit, params)
        device = managed_device(unit, push.holder(certificate, connector))
        _refuse_superseded(certificate, what)
        before = _before(unit, certificate)
        pushed = removal_of.subject(unit, certificate)
        group = policy.group_of(unit, certificate.group)
        removals.refuse_open_work(unit, certificate_id, "remove", but=before.work_order_id if before else "")
    wanted = _wanted(params, ports, before, group, connector, certificate.sans)
    named = sorted(set(params.get("cancel_changes") or ()))
    if before is None:
        order = orders.new(ports, group, wanted, certificate, connector, pushed, action=removals.REMOVE)
        order = replace(order, last_safe_at=None, change={**order.change, "cancel_changes": named})
    else:
        order = before
        _refuse_other_changes(before, named, is_given=params.get("cancel_changes") is not None)
    removal = removal_of.Removal(
        ports, lambda: ports.target(device), order, pushed, certificate, connector, wait_s=push.wait_of(params)
    )
    removal.check_approved = lambda: orders.check_approved(removal)
    removal.observe()
    if before is None:
        _see_gone(removal)
    _refuse_unknown_edges(removal, wanted)
    return push.planned(removal, before, wanted, params.get("freeze_override") or "", device)


def _refuse_unknown_edges(removal: removal_of.Removal, wanted: orders.Wanted) -> None:
    """Refuse a removal whose group wants it proved by handshakes where a network serves it, and no edge is known.

    :raises PolicyError: it is so.
    """
    state, order = removal.state, removal.order
    served = [n for n, facts in zip(NETWORKS, (state.staging, state.production), strict=True) if facts.certificates]
    if served and not states.is_final(order.state):
        edges.refuse_unknown(replace(order, edges=wanted.edges), served)


def _wanted(
    params: Params,
    ports: Ports,
    before: WorkOrder | None,
    group: Group,
    connector: Connector,
    sans: Sequence[str],
) -> orders.Wanted:
    """Read how it is to be submitted.

    :raises InputError: its time is none, or past.
    """
    what = f"Cannot remove {params['certificate']}"
    moments.refuse_both(params, what)
    known, given = before.scheduled_at if before else None, params.get("warnings")
    places = edges.read(params.get("edge"), what, sans, NETWORKS, ports.probe)
    return orders.Wanted(
        # Freezes and work orders know one network each; production is the one that is missed.
        network="production",
        warnings=before.warnings if before and given is None else policy.warning_lists(group, given, connector),
        edges={**(before.edges if before else {}), **places},
        manual=params.get("manual_implementation"),
        at=moments.read(params.get("schedule_at"), what, "schedule_at", ports.clock.now(), known=known),
        comment=params.get("comment") or "",
    )


def _refuse_options(params: Params, what: str) -> None:
    """Refuse options that say nothing about a removal.

    :raises InputError: one is given.
    """
    found = []
    if (params.get("edge") or {}).get("from_dns"):
        found.append(
            "edge.from_dns goes with a push: the names of what is removed lead elsewhere by then; name the edges that "
            "served it in edge.staging, edge.production or edge.hostnames"
        )
    if params.get(deployment_date.OPTION):
        found.append(f"{deployment_date.OPTION} goes with a push only: a removal has no date at CPS")
    if found:
        raise InputError.of_problems(what, found)


def _refuse_superseded(certificate: Certificate, what: str) -> None:
    if certificate.enrollment_id is None:
        follows = f"; {certificate.successor} followed it, remove that" if certificate.successor else ""
        raise StateError(
            f"{what}: no enrollment of it is known ({certificate.state}){follows}",
            code="no_enrollment",
            details={"state": certificate.state, "successor": certificate.successor},
        )


def _before(unit: Unit, certificate: Certificate) -> WorkOrder | None:
    """Give the work order that removes, or has removed, this enrollment, if it has not failed."""
    found = [
        order
        for order in unit.work_orders.find(certificate_id=certificate.certificate_id, action=removals.REMOVE)
        if order.change.get("enrollment_id") == certificate.enrollment_id and order.state not in _ENDED_BADLY
        if order.state != "completed" or certificate.state == "vanished"
    ]
    return found[-1] if found else None


def _refuse_other_changes(order: WorkOrder, named: list[int], *, is_given: bool) -> None:
    """Refuse to let other changes be cancelled than the order was asked for with.

    :raises StateError: others are named.
    """
    known = list(order.change.get("cancel_changes", ()))
    if is_given and named != known and not states.is_final(order.state):
        raise StateError(
            f"Cannot remove {order.certificate_id} with cancel_changes {named}: work order {order.work_order_id} was "
            f"asked for with {known}; cancel it with edgecert.clm.cert_workflow and ask anew, so that what is approved "
            "is what is done",
            code="order_differs",
            details={"work_order_id": order.work_order_id},
        )


def _see_gone(removal: removal_of.Removal) -> None:
    """Hold a new order against what is there.

    Where the enrollment is gone already, nothing is sent and nobody has to approve it; should it be there again, the
    order ends.

    :raises InputError: a change is named that is not open.
    """
    order = removal.order
    named, open_now = order.change["cancel_changes"], removal.pending
    if removal.is_gone:
        free = {**order.policy, "levels": 0}
        removal.keeper.record = replace(order, policy=free, change={**order.change, "was_gone": True})
        return
    unknown = [one for one in named if one not in open_now]
    if unknown:
        raise InputError(
            f"Cannot remove {order.certificate_id} with cancel_changes {named}: change "
            f"{', '.join(str(one) for one in unknown)} is not open in enrollment {order.change['enrollment_id']}; open "
            f"there: {', '.join(str(one) for one in open_now) or 'none'}",
            code="change_not_open",
            details={"pending": open_now},
        )
