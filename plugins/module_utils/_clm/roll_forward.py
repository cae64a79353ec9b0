# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Takes back what production serves already: the snapshot of before with a new key and certificate, then a push (U5).

A regeneration and a push, one after the other, each under its own approvals; both are those that a person would ask
for. Each call does what can be done now, and the same call again goes on.
"""

from __future__ import annotations

from typing import Any

from .._core.errors import InputError, StateError
from .._core.plan import Outcome, Plan, Step
from .._core.types import CertRequest, WorkOrder
from . import push, renewing, requests, states
from .connectors import required_certificate
from .ports import Params, Ports
from .snapshots import PREVIOUS
from .work_views import request_view, work_order_view

_IMPOSSIBLE = "rollback_impossible"
# What goes with rolling forward, and with neither of the two things it does.
_ALONE = {"roll_forward": False, "allow_names_in_use": False}


def plan(params: Params, ports: Ports) -> Plan:
    """Work out a rollback that may roll forward: by cancelling as long as CPS can, else by a new certificate.

    :raises InputError: it is for a date.
    :raises StateError: CPS is putting it on production now, or there is nothing to go back to.
    """
    if params.get("deploy_not_before"):
        raise InputError(
            f"Cannot roll back {params['certificate']}: deploy_not_before goes with action: push; give it with the "
            "push of what was rolled forward to"
        )
    alone = {**params, **_ALONE}
    with ports.store.read() as unit:
        certificate = required_certificate(unit, params["certificate"])
        issued = unit.requests.get(certificate.request_id) if certificate.request_id else None
        latest = requests.latest(unit, certificate.certificate_id)
    is_open = latest is not None and not states.is_final(latest.state)
    if is_open and _restores(latest):
        return _regenerated(params, ports)
    if _restores(issued) and not is_open:
        return push.plan({**alone, "action": "push", "rollback_of": None}, ports)
    try:
        return push.plan(alone, ports)
    except StateError as exc:
        if exc.code != _IMPOSSIBLE or not exc.details.get("from_snapshot"):
            raise
    return _regenerated(params, ports)


def _restores(request: CertRequest | None) -> bool:
    return request is not None and bool(request.renews.get("restores"))


def _regenerated(params: Params, ports: Ports) -> Plan:
    """Plan the certificate that is rolled forward to, and its push once it is issued."""
    began = ports.clock.monotonic()
    again = {
        "certificate": params["certificate"],
        "action": "regenerate",
        "from_snapshot": PREVIOUS,
        "allow_names_in_use": bool(params.get("allow_names_in_use")),
        **{name: params.get(name) for name in ("comment", "freeze_override", "warnings", "wait", "wait_timeout")},
    }
    made = renewing.plan(again, ports)

    def push_it() -> bool:
        left = max(0.0, float(params.get("wait_timeout") or 0) - (ports.clock.monotonic() - began))
        pushed = push.plan({**params, **_ALONE, "action": "push", "rollback_of": None, "wait_timeout": left}, ports)
        return (pushed.execute().record or {}).get("state") == "completed"

    steps = [*made.steps]
    if steps:
        steps.append(Step(f"Push what was issued to {params['network']}", push_it))
    extra: dict[str, Any] = {"skipped_devices": [], "request": made.after}
    return Plan(None, None, tuple(steps), lambda: _reached(params, ports), note=made.note, extra=extra)


def _reached(params: Params, ports: Ports) -> Outcome:
    """Give how far it came: the request, and the work order that pushes its certificate once there is one."""
    with ports.store.read() as unit:
        latest = requests.latest(unit, params["certificate"])
        orders = unit.work_orders.find(certificate_id=params["certificate"], action="push")
    made = [order for order in orders if latest is not None and _is_of(order, latest)]
    extra: dict[str, Any] = {"skipped_devices": [], "request": request_view(latest) if latest is not None else None}
    return Outcome(work_order_view(made[-1]) if made else None, extra)


def _is_of(order: WorkOrder, request: CertRequest) -> bool:
    return bool(request.fingerprints) and dict(order.fingerprints) == dict(request.fingerprints)
