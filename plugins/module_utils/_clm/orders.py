# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Work orders: how one is made, what its approval is bound to, how it is taken up again from the store.

Shared by the push, the workflow and the runner of due work. Knows no target beyond its contract.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from .._core.clock import from_text
from .._core.errors import NotFoundError, StateError
from .._core.governance import Group
from .._core.plan import Step
from .._core.types import Bundle, Certificate, CertRequest, Connector, WorkOrder
from .._core.vocabulary import NETWORKS
from .._store.base import Unit
from . import approvals, deployment_date, edges, form_extras, gate, impossible, intents, policy, removals, states
from .configuring import Configuring
from .deployment import Deployer
from .managed import managed_device
from .patience import DEPLOYS_BEFORE_END
from .ports import Ports
from .pushed import RESTORES, Pushed, configured, is_of_settings
from .removal import Removal, subject
from .revocation_states import refuse_untrusted
from .rollback import Rollback
from .settings_rollback import SettingsRollback
from .work_orders import WorkOrderKeeper

# Any other action is a push.
_KINDS: Mapping[str, type[Deployer]] = {"rollback": Rollback, removals.REMOVE: Removal}
# From there an order is begun, for the first time or by a retry.
_TO_BEGIN = (*states.BEFORE_IMPLEMENTING, "failed")
_KINDS_OF_SETTINGS: Mapping[str, type[Deployer]] = {"rollback": SettingsRollback, states.CONFIGURE: Configuring}


@dataclass(frozen=True)
class Wanted:
    """What a call wants of a push.

    :ivar warnings: the lists in force, the group's among them.
    :ivar edges: where it is to be proved, as the option ``edge`` says it.
    :ivar manual: None when the call leaves it open.
    :ivar at: when it is implemented, UTC.
    :ivar not_before: when CPS may put it on production, UTC; it is implemented before.
    """

    network: str
    warnings: Mapping[str, Any]
    edges: Mapping[str, Any]
    manual: bool | None = None
    at: datetime | None = None
    comment: str = ""
    not_before: datetime | None = None


def new(
    ports: Ports,
    group: Group,
    wanted: Wanted,
    certificate: Certificate,
    connector: Connector,
    pushed: Pushed,
    *,
    action: str = "push",
    is_automatic: bool = False,
) -> WorkOrder:
    """Make a work order that is not submitted yet; stores nothing."""
    now = ports.clock.now()
    return WorkOrder(
        work_order_id=f"wo-{uuid.uuid4().hex[:12]}",
        certificate_id=certificate.certificate_id,
        connector=connector.name,
        device=certificate.device,
        action=action,
        network=wanted.network,
        state="submitted",
        fingerprints=pushed.fingerprints,
        change={**pushed.reference, **deployment_date.kept(wanted.not_before)},
        actor=ports.actor,
        comment=wanted.comment,
        tracking_id=form_extras.tracking_id(pushed.request.wish) or pushed.request.tracking_id,
        group=group.name,
        policy=policy.snapshot(group, "push"),
        manual_implementation=bool(wanted.manual),
        scheduled_at=wanted.at,
        warnings=wanted.warnings,
        edges=edges.plain(wanted.edges),
        is_automatic=is_automatic,
        last_safe_at=_last_safe_at(certificate),
        created_at=now,
        updated_at=now,
    )


def submitted(order: WorkOrder, comment: str, now: datetime, override: str = "") -> WorkOrder:
    """Give the order as it stands once submitted.

    An automatic push is what connector and group allow together (A5): nobody is asked again.
    """
    if not order.is_automatic:
        return gate.submitted(order, comment=comment, now=now, override=override)
    free = replace(order, policy={**order.policy, "levels": 0})
    why = f"application connector {order.connector} and group {order.group} let renewals be pushed by themselves"
    return gate.submitted(free, comment=comment, now=now, why_free=why)


def _last_safe_at(certificate: Certificate) -> datetime | None:
    ends = certificate.production.get("not_after")
    return from_text(ends) - DEPLOYS_BEFORE_END if ends else None


def stored(unit: Unit, work_order_id: str) -> WorkOrder:
    """Give the work order of that id.

    :raises NotFoundError: there is none; names those that are open.
    """
    order = unit.work_orders.get(work_order_id)
    if order is None:
        known = [o.work_order_id for o in unit.work_orders.find() if not states.is_final(o.state)]
        raise NotFoundError(
            f"No work order {work_order_id!r} is in the store; open ones are {', '.join(known[:20]) or 'none'}",
            code="work_order_missing",
            details={"open": known[:20]},
        )
    return order


def last_edges(unit: Unit, certificate_id: str, connector: str, network: str) -> dict[str, Any]:
    """Give the edges that the last pushes were proved at, of the networks that one to this comes by."""
    found: dict[str, Any] = {}
    for order in unit.work_orders.find(certificate_id=certificate_id, connector=connector):
        if order.action == "push":
            found.update({name: given for name, given in order.edges.items() if given or given is False})
    return {name: given for name, given in found.items() if name not in NETWORKS or name in states.PASSES[network]}


def pushed_for(unit: Unit, certificate: Certificate, request: CertRequest | None, action: str = "push") -> Pushed:
    """Give what is deployed or, with another action, taken back, out of the certificate's issued request.

    :raises StateError: nothing was issued for it here.
    """
    is_adopted = request is not None and request.action == "adopt" and action == "push"
    if request is None or request.state != "issued" or is_adopted:
        at = "it was discovered, not enrolled here"
        at = f"its request {request.request_id} is {request.state}" if request is not None else at
        at = "it was taken over as production has it; give action: renew" if is_adopted else at
        raise StateError(
            f"Cannot push {certificate.certificate_id}: no certificate was issued for it here ({at}); run "
            "edgecert.clm.cert_enroll until the request is issued",
            code="certificate_not_issued",
        )
    bundles = {}
    for algorithm, fingerprint in request.fingerprints.items():
        if algorithm not in request.csrs:
            # It is deployed already, and stays beside what is added.
            continue
        pem = unit.pems.get(fingerprint)
        if pem is None:
            what = f"Cannot push {certificate.certificate_id}"
            raise NotFoundError(f"{what}: the PEM of {fingerprint} is not in the store")
        bundles[algorithm] = Bundle(pem.leaf, (pem.chain,) if pem.chain else (), pem.root)
    account = unit.ca_accounts.get(request.ca)
    reference = dict(request.key_reference)
    return Pushed(bundles, dict(request.fingerprints), dict(request.csrs), reference, request, account)


def deployer_of(order: WorkOrder, ports: Ports, *, wait_s: float) -> Deployer:
    """Give what drives a stored order on.

    :raises StateError: its certificate or application connector is gone, another certificate was issued since, or a
        push that is not begun is of one that is revoked or on hold.
    """
    what = f"Cannot go on with work order {order.work_order_id} for {order.certificate_id}"
    with ports.store.read() as unit:
        certificate = unit.certificates.get(order.certificate_id)
        connector = unit.connectors.get(order.certificate_id, order.connector)
        if certificate is None or connector is None:
            gone = "certificate" if certificate is None else f"application connector {order.connector}"
            raise StateError(f"{what}: its {gone} is gone; cancel it", code="work_order_obsolete")
        pushed = _pushed_of(unit, order, certificate)
    if order.action == removals.REMOVE or is_of_settings(order):
        _refuse_other_enrollment(order, certificate)
        return driver(ports, order, pushed, certificate, connector, wait_s=wait_s)
    is_begun = order.action == "push" and order.state not in states.BEFORE_IMPLEMENTING
    is_followed = pushed.request.request_id != certificate.request_id and not states.is_final(order.state)
    # What was begun is followed to its end, whatever was issued since, or became of what CPS has.
    if (is_followed and not is_begun) or dict(pushed.fingerprints) != dict(order.fingerprints):
        raise StateError(
            f"{what}: another certificate was issued for it since; cancel the work order, and push the new one",
            code="work_order_obsolete",
        )
    if order.action == "push" and order.state in _TO_BEGIN:
        refuse_untrusted(certificate)
    return driver(ports, order, pushed, certificate, connector, wait_s=wait_s)


def _pushed_of(unit: Unit, order: WorkOrder, certificate: Certificate) -> Pushed:
    """Give what an order of any kind is about."""
    if order.action == removals.REMOVE:
        return subject(unit, certificate)
    if is_of_settings(order):
        return configured(unit, certificate, order.change)
    return pushed_for(unit, certificate, _request_of(unit, order, certificate), order.action)


def _refuse_other_enrollment(order: WorkOrder, certificate: Certificate) -> None:
    """Refuse to go on with what is about an enrollment that is not the certificate's any more.

    :raises StateError: another enrollment bears the certificate's id by now.
    """
    if certificate.enrollment_id != order.change.get("enrollment_id"):
        raise StateError(
            f"Cannot go on with work order {order.work_order_id} for {order.certificate_id}: enrollment "
            f"{certificate.enrollment_id} bears that id by now; cancel the work order",
            code="work_order_obsolete",
        )


def _request_of(unit: Unit, order: WorkOrder, certificate: Certificate) -> CertRequest | None:
    """Give the request whose certificate an order is about: the line's own, unless that was followed or rolled back."""
    for request in unit.requests.find(certificate_id=certificate.certificate_id, state="issued"):
        if dict(request.fingerprints) == dict(order.fingerprints):
            return request
    return unit.requests.get(certificate.request_id) if certificate.request_id else None


def driver(
    ports: Ports, order: WorkOrder, pushed: Pushed, certificate: Certificate, connector: Connector, *, wait_s: float
) -> Deployer:
    """Give what drives an order, new or stored.

    :raises PolicyError: its device is not managed any more.
    """
    with ports.store.read() as unit:
        device = managed_device(unit, order.device)
    kind = (_KINDS_OF_SETTINGS if is_of_settings(order) else _KINDS).get(order.action, Deployer)
    deployer = kind(ports, lambda: ports.target(device), order, pushed, certificate, connector, wait_s=wait_s)
    deployer.check_approved = lambda: check_approved(deployer)
    return deployer


def check_approved(deployer: Deployer) -> None:
    """Hold what is about to be sent against revocations, approvals and the freeze once more: time has passed.

    :raises StateError: an approval expired or is void; the work order has failed with it, and can be retried. Or as
        ``impossible.refuse_untrusted``.
    :raises PolicyError: the group is frozen by now.
    """
    impossible.refuse_untrusted(deployer)
    order, now = deployer.order, deployer.ports.clock.now()
    unusable = approvals.why_unusable(order, parts(deployer), now)
    if unusable:
        deployer.keeper.save("push_failed", state="failed", reason=unusable[0], message=unusable[1])
        raise StateError(
            f"Cannot go on with work order {order.work_order_id}: {unusable[1]}, then retry it with "
            "edgecert.clm.cert_workflow",
            code=unusable[0],
            details={"work_order_id": order.work_order_id},
        )
    gate_of(deployer).check_freeze()


def keeper_of(order: WorkOrder, ports: Ports) -> WorkOrderKeeper:
    """Give what keeps a stored order, for those who send nothing."""
    return WorkOrderKeeper(ports, order)


def left_behind(unit: Unit, order: WorkOrder) -> str:
    """Say what a cancelled order leaves at the target; empty when nothing was sent."""
    if order.action == removals.REMOVE:
        if not intents.of(unit, intents.REMOVE_ENROLLMENT, "work_order", order.work_order_id):
            return ""
        return (
            f"CPS goes on to remove enrollment {order.change.get('enrollment_id')} where it took that; what was begun "
            "is not taken back: look at it in Akamai Control Center, and discover the device"
        )
    if intents.of(unit, intents.CHANGE_SETTINGS, "work_order", order.work_order_id):
        return (
            f"what was asked for of enrollment {order.change.get('enrollment_id')} stays at CPS as it is, change "
            f"{order.change.get('change_id') or 'and its number are not known'}; take that back with "
            "edgecert.clm.cert_push and action: rollback, or go on with it by action: configure"
        )
    if not intents.of(unit, intents.UPLOAD_CERTIFICATE, "work_order", order.work_order_id):
        return ""
    return (
        f"change {order.change.get('change_id')} of enrollment {order.change.get('enrollment_id')} stays at CPS as it "
        "is: what was uploaded is not taken back; do that with edgecert.clm.cert_push and action: rollback"
    )


def parts(deployer: Deployer) -> dict[str, Any]:
    """Give what an approval of the order is bound to; a part not known yet is None."""
    if isinstance(deployer, Removal):
        return {**deployer.parts(), "edges": edges.plain(deployer.order.edges)}
    order, pushed = deployer.order, deployer.pushed
    chains = {name: [*bundle.chain, bundle.root] for name, bundle in pushed.bundles.items()}
    seen = deployer.state.settings or order.change.get("network_settings")
    reference = {name: pushed.reference.get(name) for name in ("enrollment_id", "change_id")}
    if isinstance(deployer, Configuring):
        # The change is opened by what is approved.
        seen, reference["change_id"] = deployer.bound, None
    return {
        "fingerprints": dict(order.fingerprints),
        "chain": approvals.sha256(chains),
        "network": order.network,
        "place": reference,
        "warnings": approvals.sha256({name: sorted(entries) for name, entries in order.warnings.items()}),
        "proof": dict(order.policy.get("proof") or {}) or None,
        "edges": edges.plain(order.edges),
        "settings": approvals.sha256(seen) if seen else None,
        "scripts": approvals.sha256(_scripts(deployer.connector)),
        "validation_hash": order.change.get("validation_hash"),
        "not_before": order.change.get(deployment_date.NOT_BEFORE),
        "restores": order.change.get(RESTORES),
    }


def _scripts(connector: Connector) -> list[str]:
    return [connector.script_location, connector.pre_push_script, connector.post_push_script]


def gate_of(deployer: Deployer, *, override: str = "") -> gate.Gate[WorkOrder]:
    """Give the gate of an order.

    :param override: the reason to pass over a freeze.
    """

    def check_freeze(now: datetime) -> None:
        from . import freeze

        order, given_at = deployer.order, gate.overridden_at(deployer.order)
        with deployer.ports.store.read() as unit:
            group = policy.group_of(unit, order.group)
        for network in deployer.networks_ahead:
            way = "from" if order.action == removals.REMOVE else "to"
            what = f"Cannot {states.VERBS[order.action]} {order.certificate_id} {way} {network}"
            freeze.check(group, what=what, kind="push", network=network, at=now, override=override, given_at=given_at)

    def present() -> dict[str, Any]:
        # Kept with an order whose approvals turn out void: what is approved next is what was seen now.
        deployer.see_settings()
        deployer.see_review()
        return parts(deployer)

    return gate.Gate(deployer.keeper, present, check_freeze, override)


def steps(deployer: Deployer, *, override: str = "", is_changed: bool = False) -> list[Step]:
    """Give the steps that can be done now; none when the order waits for somebody or for its time.

    :param is_changed: a step before these changes what is waited for, and keeps these from being run where it makes
        the approvals void.
    """
    order, now = deployer.order, deployer.ports.clock.now()
    if order.state not in states.BEFORE_IMPLEMENTING:
        is_moving = is_changed or deployer.can_move()
        return [*gate.passing_freeze(gate_of(deployer), override), *deployer.steps()] if is_moving else []
    word = gate.due(order, now)
    if not word:
        return []
    advance = gate_of(deployer, override=override).advance
    after = replace(order, state="approved") if word == "approve" else order
    if word == "expire":
        return [Step(f"Take back the expired approvals of work order {order.work_order_id}", advance)]
    if gate.due(after, now) != "implement":
        return [Step(f"Count the approvals of work order {order.work_order_id}", advance)]
    return [Step(f"Implement work order {order.work_order_id}", advance), *deployer.steps()]
