# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Push a certificate through its application connector to staging (U1, U2, U6).

A work order goes by what the target says of the change, never by what was done last: look, decide, act, look again.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import replace

from .._core.clock import to_text
from .._core.errors import InputError, NotFoundError, PolicyError, StateError
from .._core.hosts import host_reasons
from .._core.plan import Outcome, Plan, Step
from .._core.types import Bundle, Certificate, CertRequest, Connector, Device, WorkOrder
from .._store.base import Unit
from . import conditions, decisions
from . import ports as port
from .connectors import required_certificate
from .deployment import Deployer, Pushed
from .managed import managed_device
from .work_views import work_order_view


def plan(params: port.Params, ports: port.Ports) -> Plan:
    """Work out what ``cert_push`` would do.

    :raises StateError: there is no connector (U1), no issued certificate, or no change that could take it.
    :raises PolicyError: the device is not managed, or CPS would go on to production by itself.
    """
    warnings = decisions.policy_of(params.get("warnings"))
    edges = _edges(params)
    with ports.store.read() as unit:
        certificate = required_certificate(unit, params["certificate"])
        connector = _connector(unit, params)
        device = managed_device(unit, _holder(certificate, connector))
        request = unit.requests.get(certificate.request_id) if certificate.request_id else None
        pushed = _pushed(unit, certificate, request)
        before = _latest(unit, certificate, connector, params["network"], pushed.fingerprints)
    if before is None or before.state != "completed":
        _refuse_unusable(pushed, certificate, ports)
    target = ports.target(device)
    order = before or _new_order(params, certificate, connector, device, pushed, ports)
    wait_s = float(params["wait_timeout"]) if params.get("wait") else 0.0
    deployer = Deployer(ports, target, order, pushed, certificate, warnings, edges, wait_s=wait_s)
    deployer.observe()
    steps = _steps(deployer, before, certificate)
    predicted = replace(order, state="completed") if steps and deployer.is_possible else order

    def finish() -> Outcome:
        with ports.store.read() as unit:
            stored = unit.work_orders.get(deployer.order.work_order_id)
        extra = {"skipped_devices": _skipped(connector, device)}
        return Outcome(work_order_view(stored) if stored else None, extra)

    extra = {"skipped_devices": _skipped(connector, device)}
    view_before = work_order_view(before) if before else None
    note = deployer.note if not steps else None
    return Plan(view_before, work_order_view(predicted), steps, finish, note=note, extra=extra)


def _edges(params: port.Params) -> tuple[str, ...]:
    """Give the edge addresses to prove against.

    :raises InputError: one is no address; said before anything is sent.
    """
    edges = tuple((params.get("edge") or {}).get(params["network"]) or ())
    problems = [f"{edge!r}: {reason}" for edge in edges for reason in host_reasons(edge)]
    if problems:
        raise InputError.of_problems(f"Cannot push {params['certificate']}: edge.{params['network']}", problems)
    return edges


def _connector(unit: Unit, params: port.Params) -> Connector:
    """Give the application connector to push through: the one named, else the only one (U1)."""
    certificate_id = params["certificate"]
    connectors = unit.connectors.find(certificate_id=certificate_id)
    known = ", ".join(connector.name for connector in connectors)
    if params.get("connector"):
        found = [connector for connector in connectors if connector.name == params["connector"]]
        if not found:
            raise NotFoundError(
                f"Cannot push {certificate_id}: it has no application connector {params['connector']!r} (it has: "
                f"{known or 'none'}); add it with edgecert.clm.cert_connector",
                code="connector_missing",
            )
        return found[0]
    if not connectors:
        raise StateError(
            f"Cannot push {certificate_id}: it has no application connector; add one with edgecert.clm.cert_connector",
            code="connector_missing",
        )
    if len(connectors) > 1:
        raise InputError(f"Cannot push {certificate_id}: it has several application connectors ({known}); name one")
    return connectors[0]


def _holder(certificate: Certificate, connector: Connector) -> str:
    """Give the device whose enrollment holds the key."""
    if certificate.device not in connector.devices:
        raise StateError(
            f"Cannot push {certificate.certificate_id} through {connector.name}: its key is on device "
            f"{certificate.device}, the application connector goes to {', '.join(connector.devices)}; add "
            f"{certificate.device} to it",
            code="key_elsewhere",
        )
    return certificate.device


def _skipped(connector: Connector, device: Device) -> list[dict[str, str]]:
    return [
        {"device": name, "reason": f"the key is in an enrollment on {device.name}, no other device can take it"}
        for name in connector.devices
        if name != device.name
    ]


def _pushed(unit: Unit, certificate: Certificate, request: CertRequest | None) -> Pushed:
    """Give what is to be deployed, out of the certificate's issued request."""
    if request is None or request.state != "issued":
        at = (
            f"its request {request.request_id} is {request.state}"
            if request
            else "it was discovered, not enrolled here"
        )
        raise StateError(
            f"Cannot push {certificate.certificate_id}: no certificate was issued for it here ({at}); run "
            "edgecert.clm.cert_enroll until the request is issued",
            code="certificate_not_issued",
        )
    bundles = {}
    for algorithm, fingerprint in request.fingerprints.items():
        pem = unit.pems.get(fingerprint)
        if pem is None:
            raise NotFoundError(
                f"Cannot push {certificate.certificate_id}: the PEM of {fingerprint} is not in the store"
            )
        bundles[algorithm] = Bundle(pem.leaf, (pem.chain,) if pem.chain else (), pem.root)
    account = unit.ca_accounts.get(request.ca)
    return Pushed(
        bundles, dict(request.fingerprints), dict(request.csrs), dict(request.key_reference), request, account
    )


def _latest(
    unit: Unit, certificate: Certificate, connector: Connector, network: str, fingerprints: Mapping[str, str]
) -> WorkOrder | None:
    """Give the work order that already pushes just this, if it has not failed."""
    orders = [
        order
        for order in unit.work_orders.find(
            certificate_id=certificate.certificate_id, connector=connector.name, network=network
        )
        if order.fingerprints == fingerprints and order.state not in ("failed", "cancelled", "rejected")
    ]
    return max(orders, key=lambda order: to_text(order.created_at) if order.created_at else "", default=None)


def _new_order(
    params: port.Params,
    certificate: Certificate,
    connector: Connector,
    device: Device,
    pushed: Pushed,
    ports: port.Ports,
) -> WorkOrder:
    now = ports.clock.now()
    comment = params.get("comment") or ""
    steps = conditions.begun(ports.actor, comment, now)
    return WorkOrder(
        work_order_id=f"wo-{uuid.uuid4().hex[:12]}",
        certificate_id=certificate.certificate_id,
        connector=connector.name,
        device=device.name,
        action="push",
        network=params["network"],
        state="implementing",
        fingerprints=pushed.fingerprints,
        change=pushed.reference,
        conditions=steps,
        actor=ports.actor,
        comment=comment,
        tracking_id=pushed.request.tracking_id,
        created_at=now,
        updated_at=now,
    )


def _steps(deployer: Deployer, before: WorkOrder | None, certificate: Certificate) -> tuple[Step, ...]:
    """Give the steps from where the target stands; none when all is there, or has to wait."""
    if before is not None and before.state == "completed" and deployer.is_deployed:
        return ()
    if before is not None and before.state == "completed":
        raise StateError(
            f"Work order {before.work_order_id} had completed, and staging no longer serves what it pushed; something "
            "else was deployed since: look at the certificate's history with edgecert.clm.cert_info",
            code="deployed_otherwise",
        )
    if not deployer.is_deployed:
        try:
            deployer.refuse_impossible()
        except StateError as exc:
            if before is None or exc.code not in ("no_open_change", "change_failed"):
                raise
            return (deployer.end_by(exc),)
    steps = []
    if before is None:
        text = f"Record work order {deployer.order.work_order_id} for {certificate.certificate_id}"
        steps.append(Step(text, deployer.keeper.record_new))
    elif not deployer.can_move():
        return ()
    return (*steps, *deployer.steps())


def _refuse_unusable(pushed: Pushed, certificate: Certificate, ports: port.Ports) -> None:
    """Look at the certificates once more before they are handed over: time has passed since they were issued (U6)."""
    from .._pki import preflight

    found: list[str] = []
    for algorithm, bundle in pushed.bundles.items():
        wish = pushed.request.wish
        sans = wish["subject_alternative_names"]
        found += preflight.check_bundle(
            bundle,
            csr_pem=pushed.csrs.get(algorithm),
            names=preflight.WantedNames(wish["common_name"], tuple(sans["dns"])),
            at=ports.clock.now(),
            is_public=False,
            key_algorithm=algorithm,
        ).problems
    if found:
        raise PolicyError(
            f"Cannot push {certificate.certificate_id}: {'; '.join(found)}",
            code="certificate_unusable",
            details={"problems": found},
        )
