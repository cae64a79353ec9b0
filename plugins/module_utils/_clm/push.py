# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Push a certificate through its application connector to staging, or on to production (U1, U2, U3+, U6).

A work order goes by what the target says of the change, never by what was done last: look, decide, act, look again.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from .._core.errors import InputError, NotFoundError, PolicyError, StateError
from .._core.plan import Outcome, Plan, Step
from .._core.types import Certificate, Connector, Device, WorkOrder
from .._store.base import Unit
from . import (
    deployment_date,
    edges,
    impossible,
    moments,
    order_changes,
    orders,
    policy,
    push_stages,
    pushable,
    removals,
    states,
)
from . import ports as port
from .connectors import required_certificate
from .deployment import Deployer
from .managed import managed_device
from .pushed import Pushed, is_of_settings
from .revocation_states import refuse_untrusted
from .work_views import work_order_view

# How the sentence begins of a step after which an order is completed.
_LAST_STEPS = ("Prove", "Cancel", "Remove", "Follow the removal", "Mark")
# Options that say nothing with any other action.
_ONLY_WITH = {
    "remove_from": removals.REMOVE,
    "cancel_changes": removals.REMOVE,
    "network_settings": states.CONFIGURE,
    "from_snapshot": states.CONFIGURE,
    "roll_forward": "rollback",
    "rollback_of": "rollback",
}


def plan(params: port.Params, ports: port.Ports) -> Plan:
    """Work out what ``cert_push`` would do.

    :raises StateError: there is no connector (U1), no issued certificate, or no change that could take it.
    :raises PolicyError: the device is not managed, CPS would go on to production by itself, or the group refuses it.
    """
    _refuse_options(params)
    if params.get("action") == removals.REMOVE:
        from . import removing

        return removing.plan(params, ports)
    if params.get("action") == states.CONFIGURE:
        from . import configure_plan

        return configure_plan.plan(params, ports)
    if params.get("action") == "rollback":
        from . import settings_return

        done = settings_return.asked_for(params, ports)
        if done is not None:
            return settings_return.plan(params, ports, done)
    if params.get("roll_forward"):
        from . import roll_forward

        return roll_forward.plan(params, ports)
    return _plan_one(params, ports)


def _plan_one(params: port.Params, ports: port.Ports) -> Plan:
    what = f"Cannot push {params['certificate']}"
    moments.refuse_both(params, what)
    with ports.store.read() as unit:
        certificate = required_certificate(unit, params["certificate"])
        connector = connector_of(unit, params)
        device = managed_device(unit, holder(certificate, connector))
        removals.refuse_beside(unit, certificate.certificate_id, states.VERBS[params.get("action") or "push"])
        request = unit.requests.get(certificate.request_id) if certificate.request_id else None
        pushed = orders.pushed_for(unit, certificate, request, params.get("action") or "push")
        group = policy.group_of(unit, certificate.group)
        before = _latest(unit, certificate, connector, params, pushed)
        if params.get("action") != "rollback" and not _is_under_way(before):
            refuse_untrusted(certificate)
        done = _rolled_back(unit, certificate, connector, pushed) if params.get("action") == "rollback" else None
    if before is None and done is not None:
        return _already_back(done, ports, skipped(connector, device))
    wanted = _wanted(params, ports, certificate, lambda given: policy.warning_lists(group, given, connector), before)
    action = params.get("action") or "push"
    if action == "push" and (before is None or before.state != "completed"):
        impossible.refuse_unusable(pushed, certificate, ports.clock.now())
    order = before or orders.new(ports, group, wanted, certificate, connector, pushed, action=action)
    if action == "push" and not states.is_final(order.state):
        edges.refuse_unknown(replace(order, edges=wanted.edges), states.PASSES[params["network"]])
    deployer = orders.driver(ports, order, pushed, certificate, connector, wait_s=wait_of(params))
    deployer.observe()
    return planned(deployer, before, wanted, params.get("freeze_override") or "", device)


def _wanted(
    params: port.Params,
    ports: port.Ports,
    certificate: Certificate,
    lists_of: Callable[[Mapping[str, Any] | None], Mapping[str, Any]],
    before: WorkOrder | None,
) -> orders.Wanted:
    """Read what the call wants; what it leaves out stays as it is with a stored order.

    :param lists_of: gives the lists of warnings in force, from those of the call.
    """
    what, given = f"Cannot push {params['certificate']}", params.get("warnings")
    at = schedule_of(params, before, ports)
    places = edges.read(params.get("edge"), what, certificate.sans, states.PASSES[params["network"]], ports.probe)
    return orders.Wanted(
        network=params["network"],
        # Lists that were submitted are not laid over a policy that may have changed since.
        warnings=before.warnings if before and given is None else lists_of(given),
        edges={**(before.edges if before else {}), **places},
        manual=params.get("manual_implementation"),
        at=at,
        comment=params.get("comment") or "",
        not_before=deployment_date.read(params, certificate, before, at, ports.clock.now()),
    )


def _refuse_options(params: port.Params) -> None:
    """Refuse options of another action: silence would be a lie.

    :raises InputError: one is given.
    """
    action = params.get("action") or "push"
    others = {name: of for name, of in _ONLY_WITH.items() if of != action and params.get(name)}
    given = [f"{name} goes with action: {of} only" for name, of in others.items()]
    if params.get("allow_names_in_use") and not params.get("roll_forward"):
        given.append("allow_names_in_use goes with roll_forward: true only, nothing else here drops names")
    if given:
        raise InputError.of_problems(f"Cannot {states.VERBS[action]} {params['certificate']}", given)


def planned(deployer: Deployer, before: WorkOrder | None, wanted: orders.Wanted, override: str, device: Device) -> Plan:
    """Plan a new order, or what is left of a stored one, from where the target stands.

    :param before: the order as stored; None for a new one.
    :param override: the reason to pass over a freeze.
    """
    order, ports = deployer.order, deployer.ports
    if before is None:
        deployer.see_settings()
        deployer.see_review()
        order = orders.submitted(deployer.order, wanted.comment, ports.clock.now(), override)
        deployer.keeper.record = order
    steps = _steps(deployer, before, wanted, override)
    leads_on = any(step.sentence.startswith(_LAST_STEPS) for step in steps)
    predicted = replace(order, state="completed") if leads_on and deployer.is_possible else order
    extra = {"skipped_devices": skipped(deployer.connector, device)}

    def finish() -> Outcome:
        with ports.store.read() as unit:
            stored = unit.work_orders.get(order.work_order_id)
        return Outcome(work_order_view(stored) if stored else None, extra)

    view_before = work_order_view(before) if before else None
    note = deployer.note if not steps else None
    return Plan(view_before, work_order_view(predicted), steps, finish, note=note, extra=extra)


def schedule_of(params: port.Params, before: WorkOrder | None, ports: port.Ports) -> datetime | None:
    """Read when the order is to be implemented; None where the call leaves it open."""
    known, what = before.scheduled_at if before else None, f"Cannot push {params['certificate']}"
    return moments.read(params.get("schedule_at"), what, "schedule_at", ports.clock.now(), known=known)


def wait_of(params: port.Params) -> float:
    """Give the seconds that a call may wait; 0 for not at all."""
    return float(params["wait_timeout"]) if params.get("wait") else 0.0


def connector_of(unit: Unit, params: port.Params) -> Connector:
    """Give the application connector to push through: the one named, else the only one (U1).

    :raises PolicyError: the certificate can never go to CPS.
    """
    certificate_id = params["certificate"]
    what = f"Cannot {states.VERBS[params.get('action') or 'push']} {certificate_id}"
    certificate = unit.certificates.get(certificate_id)
    if certificate is not None:
        pushable.refuse(unit, certificate, what)
    connectors = unit.connectors.find(certificate_id=certificate_id)
    known = ", ".join(connector.name for connector in connectors)
    if params.get("connector"):
        found = [connector for connector in connectors if connector.name == params["connector"]]
        if not found:
            raise NotFoundError(
                f"{what}: it has no application connector {params['connector']!r} (it has: "
                f"{known or 'none'}); add it with edgecert.clm.cert_connector",
                code="connector_missing",
            )
        return found[0]
    if not connectors:
        raise StateError(
            f"{what}: it has no application connector; add one with edgecert.clm.cert_connector",
            code="connector_missing",
        )
    if len(connectors) > 1:
        raise InputError(f"{what}: it has several application connectors ({known}); name one")
    return connectors[0]


def holder(certificate: Certificate, connector: Connector) -> str:
    """Give the device whose enrollment holds the key."""
    if certificate.device not in connector.devices:
        raise StateError(
            f"Cannot push {certificate.certificate_id} through {connector.name}: its key is on device "
            f"{certificate.device}, the application connector goes to {', '.join(connector.devices)}; add "
            f"{certificate.device} to it",
            code="key_elsewhere",
        )
    return certificate.device


def skipped(connector: Connector, device: Device) -> list[dict[str, str]]:
    """Tell of the devices of an application connector that do not have the enrollment."""
    return [
        {"device": name, "reason": f"the key is in an enrollment on {device.name}, no other device can take it"}
        for name in connector.devices
        if name != device.name
    ]


def _latest(
    unit: Unit, certificate: Certificate, connector: Connector, params: port.Params, pushed: Pushed
) -> WorkOrder | None:
    """Give the work order that already pushes, or rolls back, just this, if it has not failed."""
    where = {"certificate_id": certificate.certificate_id, "connector": connector.name, "network": params["network"]}
    found = [
        order
        for order in unit.work_orders.find(**where)
        if order.fingerprints == pushed.fingerprints and order.action == (params.get("action") or "push")
        if order.state not in ("failed", "cancelled", "rejected")
    ]
    return found[-1] if found else None


def _is_under_way(order: WorkOrder | None) -> bool:
    """Say whether an order is begun and not at its end: that is followed, whatever became of its certificate."""
    return order is not None and order.state not in states.BEFORE_IMPLEMENTING and not states.is_final(order.state)


def _rolled_back(unit: Unit, certificate: Certificate, connector: Connector, pushed: Pushed) -> WorkOrder | None:
    """Give the rollback that brought the certificate back to what it is, if nothing was done since."""
    found = unit.work_orders.find(certificate_id=certificate.certificate_id, connector=connector.name)
    # Settings, and a removal that came to nothing, bring no other certificate.
    orders_of = [one for one in found if one.action in ("push", "rollback") and not is_of_settings(one)]
    last = orders_of[-1] if orders_of else None
    if last is None or (last.action, last.state) != ("rollback", "completed"):
        return None
    asked, taken_back = pushed.request.created_at, last.created_at
    return last if asked and taken_back and asked < taken_back else None


def _already_back(order: WorkOrder, ports: port.Ports, skipped: list[dict[str, str]]) -> Plan:
    """Give the plan where all is as the rollback left it; a script of a killed run may be left."""
    extra, steps = {"skipped_devices": skipped}, push_stages.left_steps(orders.deployer_of(order, ports, wait_s=0.0))

    def finish() -> Outcome:
        with ports.store.read() as unit:
            return Outcome(work_order_view(orders.stored(unit, order.work_order_id)), extra)

    return Plan(work_order_view(order), work_order_view(order), steps, finish, extra=extra)


def _steps(deployer: Deployer, before: WorkOrder | None, wanted: orders.Wanted, override: str) -> tuple[Step, ...]:
    """Give the steps from where the order and the target stand; none when all is there, or has to wait."""
    if before is not None and before.state == "completed":
        return _nothing_left(deployer, before)
    if not deployer.is_deployed:
        try:
            deployer.refuse_impossible()
        except (PolicyError, StateError) as exc:
            if before is None or not impossible.is_end(deployer, exc):
                raise
            return (deployer.end_by(exc),)
    if before is None:
        order = deployer.order
        if order.state == "implementing":
            orders.gate_of(deployer, override=override).check_freeze()
        text = f"Record work order {order.work_order_id} {deployer.purpose}"
        following = deployer.steps() if order.state == "implementing" else []
        return (Step(text, deployer.keeper.record_new), *following)
    changed = order_changes.steps(deployer, wanted)
    return (*changed, *orders.steps(deployer, override=override, is_changed=bool(changed)))


def _nothing_left(deployer: Deployer, before: WorkOrder) -> tuple[Step, ...]:
    if deployer.is_deployed:
        return push_stages.left_steps(deployer)
    raise StateError(
        f"Work order {before.work_order_id} had completed, and {before.network} no longer serves what it pushed; "
        "something else was deployed since: look at the certificate's history with edgecert.clm.cert_info",
        code="deployed_otherwise",
    )
