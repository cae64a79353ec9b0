# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Change network settings of an enrollment that is live: options to a work order, or to nothing where all is so."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from .._core import network_settings
from .._core.errors import ConflictError, InputError, StateError
from .._core.governance import Group
from .._core.plan import Outcome, Plan
from .._core.types import Certificate, Connector, Device, WorkOrder
from .._core.vocabulary import NETWORKS
from .._store.base import Unit
from .._target.base import Standing, Target
from . import edges, moments, orders, policy, push, refusal_proof, removals, snapshots, states
from . import ports as port
from .connectors import required_certificate
from .managed import managed_device
from .pushed import RESTORES, SETTINGS, Pushed, configured
from .work_views import work_order_view

_ENDED_BADLY = ("failed", "cancelled", "rejected")


def plan(params: port.Params, ports: port.Ports) -> Plan:
    """Work out what ``cert_push`` with ``action: configure`` would do.

    :raises InputError: a setting cannot be had, or not in an enrollment that is there already.
    :raises StateError: there is no connector (U1), nothing is live yet, or another change is open.
    :raises ConflictError: an order for other settings is open.
    :raises PolicyError: the device is not managed, CPS would go on to production by itself, or the group refuses it.
    """
    what, word = f"Cannot configure {params['certificate']}", params.get("from_snapshot")
    given = _given(params, what)
    if not word:
        return _planned(params, ports, lambda *_there: given, {}, {})
    with ports.store.read() as unit:
        taken = snapshots.named(unit, required_certificate(unit, params["certificate"]), word)
    restores = {"snapshot_id": taken.snapshot_id}

    def of_snapshot(target: Target, place: _Place, standing: Standing) -> Mapping[str, Any]:
        return _brought_back(target.settings_of(taken.enrollment), place, standing, restores)

    return _planned(params, ports, of_snapshot, restores, {})


def back_to(
    params: port.Params,
    ports: port.Ports,
    settings: Mapping[str, Any],
    restores: Mapping[str, Any],
    *,
    known: Mapping[str, Any],
) -> Plan:
    """Work out what setting some settings to what they were would do, by an order of its own.

    :param settings: some words in normal form.
    :param restores: where they come from; the order keeps it, and approvals are bound to it.
    :param known: edges, as an order keeps them, that a new order is proved at where the option names no others.
    """
    given = _cleared(settings)
    return _planned(params, ports, lambda *_there: given, restores, known)


def _planned(
    params: port.Params,
    ports: port.Ports,
    given_of: Given,
    restores: Mapping[str, Any],
    known: Mapping[str, Any],
) -> Plan:
    what = f"Cannot configure {params['certificate']}"
    moments.refuse_both(params, what)
    place = _place(params, ports, what)
    target = ports.target(place.device)
    standing = target.standing(place.enrollment_id)
    settings = _settings(given_of(target, place, standing), standing, what)
    before = _open(place.earlier, settings, params, what)
    wanted = _wanted(params, ports, before, place, known)
    order = before or _new(ports, wanted, place, standing, settings, restores)
    if refusal_proof.disallowed(order) and not states.is_final(order.state):
        edges.refuse_unknown(replace(order, edges=wanted.edges), states.PASSES[order.network])
    pushed = replace(place.pushed, reference={**place.pushed.reference, "change_id": order.change.get("change_id")})
    wait_s = push.wait_of(params)
    deployer = orders.driver(ports, order, pushed, place.certificate, place.connector, wait_s=wait_s)
    deployer.observe()
    override = params.get("freeze_override") or ""
    if before is None and deployer.is_deployed:
        found = _nothing_to_do(place, settings, restores)
    else:
        found = push.planned(deployer, before, wanted, override, place.device)
    return replace(found, diff=(_told(order.change[SETTINGS]["before"]), _told(settings["after"])))


@dataclass(frozen=True)
class _Place:
    """What is to be configured.

    :ivar earlier: orders about settings of its enrollment, the oldest first.
    """

    certificate: Certificate
    enrollment_id: int
    connector: Connector
    device: Device
    group: Group
    pushed: Pushed
    earlier: Sequence[WorkOrder]


# Gives the settings that are wanted, as options say them, from what is there.
Given = Callable[[Target, _Place, Standing], Mapping[str, Any]]


def _place(params: port.Params, ports: port.Ports, what: str) -> _Place:
    with ports.store.read() as unit:
        certificate = required_certificate(unit, params["certificate"])
        connector = push.connector_of(unit, params)
        device = managed_device(unit, push.holder(certificate, connector))
        removals.refuse_beside(unit, certificate.certificate_id, states.VERBS[states.CONFIGURE])
        group = policy.group_of(unit, certificate.group)
        earlier, pushed = _earlier(unit, certificate), configured(unit, certificate, {})
    if certificate.enrollment_id is None:
        raise StateError(
            f"{what}: it has no enrollment yet; enrol and push it first, new enrollments take their settings from "
            "edgecert.clm.akamai_vendor_settings",
            code="not_live",
        )
    return _Place(certificate, certificate.enrollment_id, connector, device, group, pushed, earlier)


def _wanted(
    params: port.Params, ports: port.Ports, before: WorkOrder | None, place: _Place, known: Mapping[str, Any]
) -> orders.Wanted:
    lists, networks = params.get("warnings"), states.PASSES[params["network"]]
    what = f"Cannot configure {params['certificate']}"
    places = edges.read(params.get("edge"), what, place.certificate.sans, networks, ports.probe)
    kept = {name: value for name, value in known.items() if name not in NETWORKS or name in networks}
    return orders.Wanted(
        network=params["network"],
        warnings=before.warnings
        if before and lists is None
        else policy.warning_lists(place.group, lists, place.connector),
        edges={**(before.edges if before else kept), **places},
        manual=params.get("manual_implementation"),
        at=push.schedule_of(params, before, ports),
        comment=params.get("comment") or "",
    )


def _new(
    ports: port.Ports,
    wanted: orders.Wanted,
    place: _Place,
    standing: Standing,
    settings: dict[str, Any],
    restores: Mapping[str, Any],
) -> WorkOrder:
    made = orders.new(ports, place.group, wanted, place.certificate, place.connector, place.pushed, action="configure")
    reference = _own_change(place, standing, settings)
    kept = {RESTORES: dict(restores)} if restores else {}
    return replace(made, change={**reference, SETTINGS: settings, **kept})


def _brought_back(
    words: Mapping[str, Any], place: _Place, standing: Standing, restores: Mapping[str, Any]
) -> dict[str, Any]:
    """Give the settings of a snapshot that are others now, and those that an earlier order brought back from it."""
    wanted = set(network_settings.differing(standing.settings, words))
    for order in place.earlier:
        if order.change.get(RESTORES) == restores and order.state not in _ENDED_BADLY:
            wanted |= set(order.change[SETTINGS]["after"])
    if wanted & set(network_settings.DNS):
        wanted |= set(network_settings.DNS)
    return _cleared({word: words[word] for word in network_settings.WORDS if word in wanted})


def _cleared(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Give settings in normal form as options say them: what is not there is cleared, not left out."""
    return {word: {"set_id": ""} if value is None else value for word, value in settings.items()}


def _told(settings: Mapping[str, Any]) -> dict[str, Any]:
    return {"network_settings": dict(settings)}


def _given(params: port.Params, what: str) -> Mapping[str, Any]:
    """Read the options that are given, refusing before any traffic what no enrollment can have.

    :raises InputError: all that is wrong with them.
    """
    given = {word: value for word, value in (params.get("network_settings") or {}).items() if value is not None}
    found = network_settings.problems(given, {})
    if params.get("deploy_not_before"):
        found.append("deploy_not_before goes with a push; use schedule_at to say when the settings are changed")
    is_told = given.get(refusal_proof.DISALLOWED) or params.get("from_snapshot")
    if any((params.get("edge") or {}).values()) and not is_told:
        found.append(f"edge goes with {refusal_proof.DISALLOWED} alone: a handshake shows no other setting")
    if params.get("from_snapshot"):
        found += ["network_settings and from_snapshot say the same twice: leave out one"] if given else []
    elif not network_settings.words_of(given):
        found = ["it names nothing that can be changed", *found]
    if found:
        raise InputError.of_problems(what, found)
    return given


def _settings(given: Mapping[str, Any], standing: Standing, what: str) -> dict[str, Any]:
    """Give what is to be changed, before and after.

    :raises InputError: the enrollment cannot have it.
    """
    found = network_settings.problems(given, standing.settings)
    if found:
        error = InputError.of_problems(f"{what}, enrollment {standing.enrollment_id}", found)
        if network_settings.fixed_problems(given, standing.settings):
            error.code = "needs_new_enrollment"
        raise error
    after, words = network_settings.laid_over(given, standing.settings), network_settings.words_of(given)
    return {"before": {w: standing.settings[w] for w in words}, "after": {w: after[w] for w in words}}


def _earlier(unit: Unit, certificate: Certificate) -> list[WorkOrder]:
    """Give the orders about settings of its enrollment, the oldest first."""
    found = unit.work_orders.find(certificate_id=certificate.certificate_id)
    return [
        order
        for order in found
        if order.action == "configure" and order.change.get("enrollment_id") == certificate.enrollment_id
    ]


def _open(
    earlier: Sequence[WorkOrder], settings: Mapping[str, Any], params: port.Params, what: str
) -> WorkOrder | None:
    """Give the open order for just these settings.

    :raises ConflictError: one for others is open.
    """
    for order in earlier:
        if states.is_final(order.state):
            continue
        if order.network == params["network"] and _is_for(order, settings["after"]):
            return order
        raise ConflictError(
            f"{what}: work order {order.work_order_id} is {order.state}, for {order.network} and "
            f"{_shown(order.change[SETTINGS]['after'])}; go on with that by the same call, or cancel it with "
            "edgecert.clm.cert_workflow",
            code="order_open",
            details={"work_order_id": order.work_order_id},
        )
    return None


def _is_for(order: WorkOrder, after: Mapping[str, Any]) -> bool:
    return network_settings.is_same(order.change[SETTINGS]["after"], after)


def _shown(settings: Mapping[str, Any]) -> str:
    return ", ".join(f"{word} {value!r}" for word, value in settings.items())


def _own_change(place: _Place, standing: Standing, settings: dict[str, Any]) -> dict[str, Any]:
    """Refer to the change that is open, where an order of ours opened it for these settings: one to staging went on
    before; what was before that is what was before."""
    reference: dict[str, Any] = {"enrollment_id": place.enrollment_id, "change_id": None}
    newest = standing.changes[-1]["change_id"] if standing.changes else None
    if newest is None or not network_settings.is_same(settings["after"], settings["before"]):
        return reference
    for order in reversed(place.earlier):
        if order.change.get("change_id") == newest and _is_for(order, settings["after"]):
            settings["before"] = order.change[SETTINGS]["before"]
            return {**reference, "change_id": newest}
    return reference


def _nothing_to_do(place: _Place, settings: Mapping[str, Any], restores: Mapping[str, Any]) -> Plan:
    """Give the plan where all is as wanted, with the order that made it so, if one did."""
    completed = [order for order in place.earlier if order.state == "completed"]
    same = [order for order in completed if _is_for(order, settings["after"])]
    same = same or [order for order in completed if restores and order.change.get(RESTORES) == restores]
    view = work_order_view(same[-1]) if same else None
    extra = {"skipped_devices": push.skipped(place.connector, place.device)}
    return Plan(view, view, (), lambda: Outcome(view, extra), extra=extra)
