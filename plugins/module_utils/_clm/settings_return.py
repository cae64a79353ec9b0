# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What ``cert_push`` does with ``action: rollback`` of a change of network settings.

Before production has them their change is cancelled. After that, where it is asked for, they are set to what they were.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from .._core import network_settings
from .._core.errors import InputError, StateError
from .._core.plan import Outcome, Plan
from .._core.types import Certificate, WorkOrder
from .._store.base import Unit
from .._target.base import Standing
from . import configure_plan, moments, orders, policy, push, removals, snapshots, states
from .connectors import required_certificate
from .managed import managed_device
from .ports import Params, Ports
from .pushed import RESTORES, SETTINGS, configured, is_of_settings
from .refusal_proof import DISALLOWED
from .settings_rollback import ROLLS_BACK
from .work_views import work_order_view

_ENDED_BADLY = ("failed", "cancelled", "rejected")


def asked_for(params: Params, ports: Ports) -> WorkOrder | None:
    """Give the work order whose settings a rollback takes back; None where it is about a push.

    Where ``rollback_of`` says nothing it is about what is under way: CPS takes one change at a time.

    :raises StateError: settings are to be taken back, and none were set from here.
    """
    word = params.get("rollback_of")
    if word == "push":
        return None
    with ports.store.read() as unit:
        certificate = unit.certificates.get(params["certificate"])
        found = _last(unit, certificate, params) if certificate is not None else None
        if word is None:
            return found if found is not None and certificate and _is_under_way(unit, certificate, found) else None
    if found is None:
        raise StateError(
            f"Cannot roll the settings of {params['certificate']} back: no work order changed any of its present "
            "enrollment; what an earlier state was, snapshots tell: edgecert.clm.cert_info with view: history",
            code="nothing_to_roll_back",
        )
    return found


def _last(unit: Unit, certificate: Certificate, params: Params) -> WorkOrder | None:
    """Give the last order that opened a change for settings; of one that goes back already, what it goes back from."""
    known = unit.work_orders.find(certificate_id=certificate.certificate_id, action=states.CONFIGURE)
    opened = [
        one
        for one in known
        if one.change.get("enrollment_id") == certificate.enrollment_id and one.change.get("change_id") is not None
    ]
    open_now = [one for one in known if not states.is_final(one.state) and one.change.get(RESTORES)]
    last = open_now[-1] if open_now and params.get("roll_forward") else opened[-1] if opened else None
    from_id = (last.change.get(RESTORES) or {}).get("work_order_id") if last is not None else None
    if from_id and params.get("roll_forward"):
        return unit.work_orders.get(from_id)
    return last


def _is_under_way(unit: Unit, certificate: Certificate, order: WorkOrder) -> bool:
    """Say whether an order's change of settings is the last thing that was begun, and not known to be on production."""
    if (order.network, order.state) == ("production", "completed") or order.created_at is None:
        return False
    name = certificate.certificate_id
    requests = [one.created_at for one in unit.requests.find(certificate_id=name)]
    pushes = [one.created_at for one in unit.work_orders.find(certificate_id=name, action="push")]
    return all(at is None or at < order.created_at for at in (*requests, *pushes))


def plan(params: Params, ports: Ports, done: WorkOrder) -> Plan:
    """Work out what taking the settings of an order back would do.

    :param done: that order.
    :raises StateError: production has them, and nobody asked to roll forward; or there is nothing to take back.
    :raises PolicyError: the device is not managed, or the group refuses it.
    """
    what = f"Cannot roll the settings of {params['certificate']} back"
    _refuse_options(params, what)
    moments.refuse_both(params, what)
    with ports.store.read() as unit:
        certificate = required_certificate(unit, params["certificate"])
        connector = push.connector_of(unit, params)
        device = managed_device(unit, push.holder(certificate, connector))
        removals.refuse_beside(unit, certificate.certificate_id, "roll back the settings of")
        group, pushed = policy.group_of(unit, certificate.group), configured(unit, certificate, done.change)
        before, is_going = _before(unit, done), _is_going_forward(unit, done)
    standing = ports.target(device).standing(int(done.change["enrollment_id"]))
    is_open = any(change["change_id"] == done.change["change_id"] for change in standing.changes)
    is_back = before is not None and before.state == "completed"
    if params.get("roll_forward") and not is_open and (before is None or (is_back and _left(done, standing))):
        return _forward(params, ports, done)
    if params.get("roll_forward") and is_going:
        return _forward(params, ports, done)
    if before is not None and is_back:
        return _already_back(before, push.skipped(connector, device))
    wanted = _wanted(params, ports, before, policy.warning_lists(group, params.get("warnings"), connector))
    order = before
    if order is None:
        order = orders.new(ports, group, wanted, certificate, connector, pushed, action="rollback")
        order = replace(order, last_safe_at=None, change={**order.change, **_taken_back(done)})
    deployer = orders.driver(ports, order, pushed, certificate, connector, wait_s=push.wait_of(params))
    deployer.observe()
    return push.planned(deployer, before, wanted, params.get("freeze_override") or "", device)


def _wanted(params: Params, ports: Ports, before: WorkOrder | None, lists: Mapping[str, Any]) -> orders.Wanted:
    return orders.Wanted(
        network=params["network"],
        warnings=before.warnings if before and params.get("warnings") is None else lists,
        edges={},
        manual=params.get("manual_implementation"),
        at=push.schedule_of(params, before, ports),
        comment=params.get("comment") or "",
    )


def _refuse_options(params: Params, what: str) -> None:
    # Rolling forward is a change of its own, which edges may be asked about.
    given = ["edge"] if any((params.get("edge") or {}).values()) and not params.get("roll_forward") else []
    given += ["deploy_not_before"] if params.get("deploy_not_before") else []
    if given:
        raise InputError(f"{what}: {' and '.join(given)} goes with a push only; no certificate is deployed")


def _before(unit: Unit, done: WorkOrder) -> WorkOrder | None:
    """Give the order that takes, or took, the settings back, if it has not failed."""
    found = [
        one
        for one in unit.work_orders.find(certificate_id=done.certificate_id, action="rollback")
        if is_of_settings(one) and one.change.get(ROLLS_BACK) == done.work_order_id and one.state not in _ENDED_BADLY
    ]
    return found[-1] if found else None


def _is_going_forward(unit: Unit, done: WorkOrder) -> bool:
    """Say whether an order that sets them to what they were is open."""
    found = unit.work_orders.find(certificate_id=done.certificate_id, action=states.CONFIGURE)
    going = [one for one in found if not states.is_final(one.state)]
    return any((one.change.get(RESTORES) or {}).get("work_order_id") == done.work_order_id for one in going)


def _left(done: WorkOrder, standing: Standing) -> list[str]:
    """Name the settings that the enrollment asks for otherwise than before the order."""
    wanted = {**standing.settings, **done.change[SETTINGS]["before"]}
    return network_settings.differing(wanted, standing.settings)


def _taken_back(done: WorkOrder) -> dict[str, Any]:
    """Give what the order is about: the settings it takes back, and what they were before."""
    settings = done.change[SETTINGS]
    return {ROLLS_BACK: done.work_order_id, SETTINGS: {"before": settings["after"], "after": settings["before"]}}


def _forward(params: Params, ports: Ports, done: WorkOrder) -> Plan:
    """Plan an order that sets what the other one changed to what that found."""
    restores = {"work_order_id": done.work_order_id}
    with ports.store.read() as unit:
        for taken in unit.snapshots.find(certificate_id=done.certificate_id):
            if taken.work_order_id == done.work_order_id and taken.before == snapshots.UPDATE:
                restores["snapshot_id"] = taken.snapshot_id
    settings = done.change[SETTINGS]["before"]
    is_shown = bool(settings.get(DISALLOWED))
    if not is_shown and any((params.get("edge") or {}).values()):
        raise InputError(
            f"Cannot roll the settings of {params['certificate']} back: edge goes with settings that disallow versions "
            "of TLS, for a handshake shows no other one, and those that come back disallow none; leave it out"
        )
    # Where it was proved, its taking back can be proved as well.
    return configure_plan.back_to(params, ports, settings, restores, known=done.edges if is_shown else {})


def _already_back(order: WorkOrder, skipped: list[dict[str, str]]) -> Plan:
    view, extra = work_order_view(order), {"skipped_devices": skipped}
    return Plan(view, view, (), lambda: Outcome(view, extra), extra=extra)
