# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Takes a certificate out of the inventory and leaves it where it is: nothing is sent (cps-protocol §6.6).

Its line goes, with the lines it followed and its application connectors. Requests, work orders, attachments and the
audit stay, for they tell what happened. A discovery finds again what still exists.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from .._core.clock import from_text
from .._core.errors import InputError, StateError
from .._core.plan import Outcome, Plan, Step
from .._core.types import AuditEntry, Certificate, CertRequest
from .._store.base import Unit
from . import opened_changes, removals, states
from .ports import Params, Ports
from .revocation_states import IN_USE

_NOT_HERE = (
    "cancel_changes",
    "schedule_at",
    "deploy_not_before",
    "manual_implementation",
    "freeze_override",
    "warnings",
)


def plan(params: Params, ports: Ports) -> Plan:
    """Work out what removing a certificate from the store alone would do.

    :raises InputError: an option says something about the remote side.
    :raises StateError: something is open for it, here or at CPS.
    """
    certificate_id = params["certificate"]
    _refuse_options(params)
    with ports.store.read() as unit:
        certificate = unit.certificates.get(certificate_id)
        if certificate is None:
            return Plan(None, None, (), lambda: Outcome(None, {"forgotten": []}), extra={"forgotten": []})
        _refuse(unit, certificate)
        ids = [line.certificate_id for line in _lines(unit, certificate)]

    def forget() -> bool:
        with ports.store.write() as unit:
            _forget(unit, certificate_id, ports.actor, params.get("comment") or "")
        return True

    stays = f", which stays at CPS as enrollment {certificate.enrollment_id}" if certificate.enrollment_id else ""
    off = " and is not renewed by itself any more" if _renews_itself(certificate) else ""
    step = Step(f"Remove {certificate_id} from the inventory{stays}{off}; nothing is sent", forget)
    extra = {"forgotten": ids}
    return Plan(_brief(certificate, ids, ()), None, (step,), lambda: Outcome(None, extra), extra=extra)


def _refuse_options(params: Params) -> None:
    given = [name for name in _NOT_HERE if params.get(name)]
    given += ["edge"] if any((params.get("edge") or {}).values()) else []
    if given:
        raise InputError(
            f"Cannot remove {params['certificate']} from the store: {', '.join(given)} goes with remove_from: akamai "
            "only; nothing is sent, and nobody has to approve it"
        )


def _refuse(unit: Unit, certificate: Certificate) -> None:
    """Refuse to forget what is still at work.

    :raises StateError: it is a part of another line, or something is open for it.
    """
    what = f"Cannot remove {certificate.certificate_id} from the store"
    if certificate.state == "superseded" and unit.certificates.get(certificate.successor) is not None:
        raise StateError(
            f"{what}: it belongs to {certificate.successor}, which followed it; remove that one",
            code="superseded",
            details={"successor": certificate.successor},
        )
    removals.refuse_open_work(unit, certificate.certificate_id, "remove")
    _refuse_open_settings(unit, certificate, what)
    owner = _open_change(unit, certificate)
    if owner is not None:
        change_id = owner.key_reference["change_id"]
        raise StateError(
            f"{what}: change {change_id} of enrollment {certificate.enrollment_id}, which request {owner.request_id} "
            f"opened, is open at CPS as far as is known here; {_way(owner)}, or remove it with remove_from: akamai. If "
            "the change is over, discover the device first",
            code="pending_change",
            details={"pending": [change_id], "request_id": owner.request_id},
        )


def _way(owner: CertRequest) -> str:
    if owner.state in opened_changes.CAME_TO_NOTHING:
        return f"take it back with {opened_changes.way(owner.request_id)}"
    return "push the certificate to production, roll it back"


def _refuse_open_settings(unit: Unit, certificate: Certificate, what: str) -> None:
    """Refuse to forget a change of settings that may be open at CPS.

    :raises StateError: one is.
    """
    orders = unit.work_orders.find(certificate_id=certificate.certificate_id, action=states.CONFIGURE)
    of_it = [one for one in orders if one.change.get("enrollment_id") == certificate.enrollment_id]
    opened = [one for one in of_it if one.change.get("change_id") is not None]
    if not opened or certificate.state == "vanished":
        return
    last, device = opened[-1], unit.devices.get(certificate.device)
    seen = device.discovery.get("at") if device is not None else None
    listed = [change.get("change_id") for change in certificate.pending_changes]
    is_seen = bool(seen and last.updated_at and from_text(seen) > last.updated_at)
    is_over = is_seen and last.change["change_id"] not in listed
    taken_back = unit.work_orders.find(certificate_id=certificate.certificate_id, action="rollback", state="completed")
    is_over = is_over or any(one.change.get("change_id") == last.change["change_id"] for one in taken_back)
    if not is_over and (last.network, last.state) != ("production", "completed"):
        raise StateError(
            f"{what}: change {last.change['change_id']}, which work order {last.work_order_id} opened, is open at CPS "
            "as far as is known here; let it go to production, or take it back with action: rollback; if it ended in "
            "Akamai Control Center, discover the device",
            code="pending_change",
            details={"pending": [last.change["change_id"]], "work_order_id": last.work_order_id},
        )


def _open_change(unit: Unit, certificate: Certificate) -> CertRequest | None:
    """Give the request whose change may be open at CPS; None when it is known to be over.

    CPS takes one change of an enrollment at a time, so that the last one stands for all.
    """
    if certificate.state == "vanished":
        return None
    requests = unit.requests.find(certificate_id=certificate.certificate_id)
    enrollment_id = certificate.enrollment_id
    opened = [one for one in requests if one.key_reference.get("enrollment_id") == enrollment_id]
    last = max(opened, key=lambda one: str(one.created_at), default=None) if enrollment_id is not None else None
    if last is None or last.key_reference.get("change_id") is None:
        return None
    change_id = last.key_reference["change_id"]
    if change_id in [change.get("change_id") for change in certificate.pending_changes]:
        return last
    if certificate.production.get("fingerprint") in last.fingerprints.values():
        return None
    orders = [
        order
        for order in unit.work_orders.find(certificate_id=certificate.certificate_id)
        if order.change.get("change_id") == change_id
    ]
    if any((order.action, order.state) == ("rollback", "completed") for order in orders):
        return None
    device = unit.devices.get(certificate.device)
    seen = device.discovery.get("at") if device is not None else None
    moments = (last.updated_at, *(order.updated_at for order in orders))
    touched = [moment for moment in moments if moment is not None]
    return None if seen and all(from_text(seen) > at for at in touched) else last


def _lines(unit: Unit, certificate: Certificate) -> list[Certificate]:
    """Give a certificate's line and those it followed, or that followed it and were taken back, the line first."""
    found, ids = [certificate], {certificate.certificate_id}
    left = unit.certificates.find(state="superseded")
    while True:
        following = [one for one in left if one.successor in ids and one.certificate_id not in ids]
        if not following:
            return found
        found += following
        ids |= {one.certificate_id for one in following}


def _renews_itself(certificate: Certificate) -> bool:
    is_on = certificate.auto_renew.get("enabled") or certificate.auto_regenerate.get("enabled")
    return certificate.state in IN_USE and bool(is_on)


def _brief(certificate: Certificate, ids: Sequence[str], connectors: Sequence[str]) -> dict[str, Any]:
    return {
        "certificate": certificate.certificate_id,
        "state": certificate.state,
        "origin": certificate.origin,
        "device": certificate.device,
        "enrollment_id": certificate.enrollment_id,
        "fingerprint": certificate.fingerprint,
        "sans": list(certificate.sans),
        "request_id": certificate.request_id,
        "lines": list(ids),
        "connectors": list(connectors),
    }


def _forget(unit: Unit, certificate_id: str, actor: str, comment: str) -> None:
    """Take it out; somebody may have begun something with it since planning."""
    certificate = unit.certificates.get(certificate_id)
    if certificate is None:
        return
    _refuse(unit, certificate)
    lines, connectors = _lines(unit, certificate), unit.connectors.find(certificate_id=certificate_id)
    for line in lines:
        unit.certificates.remove(line)
    for connector in connectors:
        unit.connectors.remove(connector)
    names = [connector.name for connector in connectors]
    before = _brief(certificate, [line.certificate_id for line in lines], names)
    request = unit.requests.get(certificate.request_id) if certificate.request_id else None
    tracking_id = request.tracking_id if request is not None else ""
    unit.audit(
        AuditEntry(actor, "certificate_forgotten", "certificate", certificate_id, before, None, comment, tracking_id)
    )
