# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is due, and what will be: worked out from the store alone, nearest expiry first (W4).

Sends and writes nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from .._core.clock import from_text
from .._core.governance import Group
from .._core.types import Certificate, CertRequest, Connector, WorkOrder
from .._store.base import Unit
from . import gate, intents, policy, removals, renewal, states
from .hints import hint_of
from .holistic_views import grouped
from .revocation_states import HELD, IS_HELD, SUSPENDED

APPROVALS = "approvals"
IMPLEMENTATIONS = "implementations"
RETRIEVALS = "retrievals"
PUSHES = "pushes"
RENEWALS = "renewals"
AUTOMATIC_PUSHES = "automatic_pushes"
LEASES = "leases"
REVOCATION_CHECKS = "revocation_checks"
KINDS = (APPROVALS, IMPLEMENTATIONS, RETRIEVALS, PUSHES, RENEWALS, AUTOMATIC_PUSHES, LEASES, REVOCATION_CHECKS)

# After a renewal that failed the next one waits: an hour, then twice as long each time. After so many
# a person has to look, since an order at a CA may cost money each time.
FIRST_BACKOFF = timedelta(hours=1)
MOST_FAILURES = 5
# A renewal that was issued is the certificate's own request; where it is not, it was rolled back.
# An edit, an addition, a replacement or a way back that came to nothing says nothing about renewing.
_NO_RENEWAL = ("before", "adds", "restores", "revokes", "replacement")
_ENDED = ("rejected", "cancelled", "failed", "issued")


@dataclass(frozen=True)
class Item:
    """One thing to do.

    :ivar kind: of ``KINDS``; ``noun`` and ``key`` name the record.
    :ivar due_at: UTC.
    :ivar ends_at: when the certificate that is at stake ends; None when nobody knows.
    :ivar why: what is due, for people.
    """

    kind: str
    noun: str
    key: str
    certificate_id: str
    due_at: datetime
    ends_at: datetime | None = None
    why: str = ""

    @property
    def identity(self) -> tuple[str, str, str]:
        """Tell one piece of work from another."""
        return self.kind, self.noun, self.key


@dataclass
class Agenda:
    """What is due now, nearest expiry first, and when the next thing will be.

    :ivar stuck: what will never be due by itself and should be: certificate, reason and what to do.
    :ivar certificates: only work of these counts; empty for all.
    """

    certificates: frozenset[str] = frozenset()
    items: list[Item] = field(default_factory=list)
    next_at: datetime | None = None
    stuck: list[dict[str, Any]] = field(default_factory=list)

    def note(self, item: Item, now: datetime) -> None:
        """Take an item up, as due or as the next to be."""
        if self.certificates and item.certificate_id not in self.certificates:
            return
        if item.due_at <= now:
            self.items.append(item)
        else:
            self.next_at = min(self.next_at or item.due_at, item.due_at)


def collect(unit: Unit, now: datetime, only: Sequence[str] = KINDS, certificates: Sequence[str] = ()) -> Agenda:
    """Work out what is due.

    :param only: of ``KINDS``.
    :param certificates: ids of those that it is about; empty for all.
    """
    agenda, scene = Agenda(frozenset(certificates)), _Scene(unit)
    for request in scene.requests:
        _of_record(agenda, request, "request", RETRIEVALS, scene, now, only)
    for order in scene.orders:
        _of_record(agenda, order, "work_order", PUSHES, scene, now, only)
    if PUSHES in only:
        _left_scripts(agenda, scene, now)
    if RENEWALS in only:
        _renewals(agenda, scene, now)
    if AUTOMATIC_PUSHES in only:
        _automatic_pushes(agenda, scene, now)
    if certificates:
        agenda.stuck = [entry for entry in agenda.stuck if entry["certificate"] in agenda.certificates]
    far = now + timedelta(days=36500)
    agenda.items.sort(key=lambda item: (item.ends_at or far, item.due_at, item.identity))
    return agenda


class _Scene:
    """What the store knows that something may be due of."""

    def __init__(self, unit: Unit) -> None:
        self.unit = unit
        open_requests = [state for state in states.REQUEST if not states.is_final(state)]
        open_orders = [state for state in states.WORK_ORDER if not states.is_final(state)]
        self.requests = unit.requests.find(state=open_requests)
        self.orders = unit.work_orders.find(state=open_orders)
        # Those that were superseded grow with the years and are due for nothing.
        found = unit.certificates.find(origin="enrolled", state=["issued", SUSPENDED])
        self.certificates = {c.certificate_id: c for c in found}
        self._groups: dict[str, Group] = {}

    def group(self, name: str) -> Group:
        """Give a group; one that is gone counts as the default one."""
        if name not in self._groups:
            stored = self.unit.groups.get(name) if name else None
            self._groups[name] = stored or policy.group_of(self.unit, "")
        return self._groups[name]

    def ends_at(self, certificate_id: str) -> datetime | None:
        """Give when what a certificate's clients see ends: what production serves, else the certificate itself."""
        certificate = self.certificates.get(certificate_id) or self.unit.certificates.get(certificate_id)
        return ends_of(certificate) if certificate is not None else None


def ends_of(certificate: Certificate) -> datetime | None:
    """Give when what clients see of a certificate ends, UTC."""
    served: Mapping[str, Any] = certificate.production
    moments = [certificate.not_after, from_text(served["not_after"]) if served.get("not_after") else None]
    return min((moment for moment in moments if moment is not None), default=None)


def _of_record(
    agenda: Agenda,
    record: CertRequest | WorkOrder,
    noun: str,
    going_on: str,
    scene: _Scene,
    now: datetime,
    only: Sequence[str],
) -> None:
    """Take up an open request or work order."""
    if record.state in states.BEFORE_IMPLEMENTING:
        word = gate.due(record, now)
        kind = IMPLEMENTATIONS if word == "implement" or record.state in ("approved", "scheduled") else APPROVALS
        at = gate.due_at(record, now)
    else:
        word, kind, at = "look again", going_on, record.next_look_at or now
    if at is None or kind not in only:
        return
    key = record.request_id if isinstance(record, CertRequest) else record.work_order_id
    ends = scene.ends_at(record.certificate_id)
    agenda.note(Item(kind, noun, key, record.certificate_id, at, ends, word), now)


def _left_scripts(agenda: Agenda, scene: _Scene, now: datetime) -> None:
    """Take up completed pushes whose run was killed before their post-push script was on record (A4)."""
    for left in scene.unit.intents.find(kind=intents.RUN_SCRIPT, finished_at=None):
        order = scene.unit.work_orders.get(left.key)
        if order is not None:
            why, ends = "its post-push script is left", scene.ends_at(order.certificate_id)
            agenda.note(Item(PUSHES, "work_order", left.key, order.certificate_id, now, ends, why), now)


def _renewals(agenda: Agenda, scene: _Scene, now: datetime) -> None:
    busy = {request.certificate_id: request for request in scene.requests}
    removed = {order.certificate_id: order for order in scene.orders if order.action == removals.REMOVE}
    open_by: dict[str, datetime] = {}
    whys: dict[str, str] = {}
    for certificate in scene.certificates.values():
        if not (certificate.auto_renew.get("enabled") or certificate.auto_regenerate.get("enabled")):
            continue
        group, hint = scene.group(certificate.group), hint_of(certificate)
        if certificate.state == SUSPENDED:
            if certificate.certificate_id in busy:
                continue
            _note_suspended(agenda, certificate, renewal.next_at(replace(certificate, state="issued"), group), now)
            continue
        opens = renewal.next_at(certificate, group, hint=hint)
        if opens is None:
            continue
        if certificate.certificate_id in removed:
            _note_removal(agenda, removed[certificate.certificate_id], opens, now)
            continue
        if certificate.certificate_id in busy:
            _note_draft(agenda, busy[certificate.certificate_id], opens, now)
            continue
        found = renewal.due(certificate, group, now, hint=hint) if opens <= now else None
        if found is None and opens <= now:
            continue
        name = certificate.certificate_id
        open_by[name] = opens
        if found is not None:
            whys[name] = found.message
    # All at once: after an outage of a CA those of ten thousand are due, and have failed.
    ended = grouped(scene.unit.requests.find(certificate_id=sorted(whys), state=_ENDED)) if whys else {}
    for name, opens in open_by.items():
        certificate, why = scene.certificates[name], whys.get(name, "")
        at = _after_failures(agenda, ended.get(name, ()), certificate, opens) if name in whys else opens
        if at is not None:
            agenda.note(Item(RENEWALS, "certificate", name, name, at, ends_of(certificate), why), now)


def _note_suspended(agenda: Agenda, certificate: Certificate, opens: datetime | None, now: datetime) -> None:
    """Tell of a hold that keeps a certificate from being renewed by itself (E4)."""
    if opens is not None and opens <= now:
        agenda.stuck.append(
            {
                "kind": RENEWALS,
                "certificate": certificate.certificate_id,
                "reason": IS_HELD,
                "message": f"{HELD}, so it is not renewed by itself; ask the CA why, and renew it with "
                "edgecert.clm.cert_enroll and action: renew where the hold is to stay",
            }
        )


def _note_draft(agenda: Agenda, request: CertRequest, opens: datetime, now: datetime) -> None:
    """Tell of a draft that keeps a certificate from being renewed by itself."""
    if request.state == "draft" and opens <= now:
        agenda.stuck.append(
            {
                "kind": RENEWALS,
                "certificate": request.certificate_id,
                "request_id": request.request_id,
                "reason": "draft_in_the_way",
                "message": f"request {request.request_id} is a draft, so it is not renewed by itself; submit the draft "
                "with edgecert.clm.cert_enroll, or cancel it with edgecert.clm.cert_workflow",
            }
        )


def _note_removal(agenda: Agenda, order: WorkOrder, opens: datetime, now: datetime) -> None:
    """Tell of a removal that keeps a certificate from being renewed by itself."""
    if opens <= now:
        agenda.stuck.append(
            {
                "kind": RENEWALS,
                "certificate": order.certificate_id,
                "work_order_id": order.work_order_id,
                "reason": "removal_open",
                "message": f"work order {order.work_order_id} to remove it is {order.state}, so it is not renewed by "
                "itself; let that end, or cancel it with edgecert.clm.cert_workflow",
            }
        )


def _as_failed(request: CertRequest) -> CertRequest:
    """Give a request that was cancelled once it had failed as it failed: who tidied up stopped no renewal."""
    steps = [step for step in request.conditions if step["type"] in states.REQUEST]
    if [step["type"] for step in steps[-2:]] != ["failed", "cancelled"]:
        return request
    # Its reason is what it failed for still.
    failed = steps[-2]
    return replace(request, state="failed", updated_at=from_text(failed["at"]), message=failed["comment"])


def _after_failures(
    agenda: Agenda, over: Sequence[CertRequest], certificate: Certificate, opens: datetime
) -> datetime | None:
    """Give when a renewal that is due may be tried, given how earlier ones of the same certificate ended.

    :param over: the certificate's requests that have ended.
    """
    earlier = [
        _as_failed(request)
        for request in over
        if request.renews.get("request_id") == certificate.request_id
        if not any(request.renews.get(name) for name in _NO_RENEWAL)
    ]
    stopped = [request for request in earlier if request.state in ("rejected", "cancelled", "issued")]
    failed = [request for request in earlier if request.state == "failed"]
    # Something was issued, and is paid for: the next one would be no better, and paid for too.
    unusable = [request for request in failed if request.reason == "certificate_unusable"]
    if stopped or unusable or len(failed) >= MOST_FAILURES:
        last = max(stopped or unusable or failed, key=lambda request: request.updated_at or opens)
        ended = "rolled back" if last.state == "issued" else last.state
        why = f"was {ended}" if stopped else f"failed {len(failed)} times, the last time with: {last.message}"
        why = f"failed with a certificate that was issued and cannot be used: {last.message}" if unusable else why
        agenda.stuck.append(
            {
                "kind": RENEWALS,
                "certificate": certificate.certificate_id,
                "request_id": last.request_id,
                "reason": "renewal_stopped",
                "message": f"its renewal {why}; it is not tried again by itself, run edgecert.clm.cert_enroll with "
                "action: renew",
            }
        )
        return None
    if not failed:
        return opens
    last_at: datetime = max(request.updated_at or opens for request in failed)
    wait: timedelta = FIRST_BACKOFF * (1 << (len(failed) - 1))
    return last_at + wait


def _automatic_pushes(agenda: Agenda, scene: _Scene, now: datetime) -> None:
    """Take up renewed certificates that application connector and group let be pushed by themselves (A5)."""
    renewed = [c.certificate_id for c in scene.certificates.values() if _is_renewed_only(c)]
    found = scene.unit.connectors.find(certificate_id=renewed, push_automatically=True) if renewed else []
    for connector in found:
        certificate = scene.certificates[connector.certificate_id]
        if not automatic_push(scene.unit, connector, certificate):
            continue
        key = f"{connector.certificate_id}/{connector.name}"
        why = "renewed, and not pushed yet"
        ends = ends_of(certificate)
        agenda.note(Item(AUTOMATIC_PUSHES, "connector", key, certificate.certificate_id, now, ends, why), now)


def _is_renewed_only(certificate: Certificate) -> bool:
    """Say whether a certificate is a renewed one that no network is known to serve."""
    served = (certificate.staging.get("fingerprint"), certificate.production.get("fingerprint"))
    return bool(certificate.parent) and certificate.state == "issued" and certificate.fingerprint not in served


def automatic_push(unit: Unit, connector: Connector, certificate: Certificate) -> str:
    """Say to which network a certificate is now to be pushed without being asked for; empty for none."""
    if not connector.push_automatically or not _is_renewed_only(certificate):
        return ""
    network = policy.automatic_network(connector, unit.groups.get(certificate.group or "default"))
    if not network or certificate.device not in connector.devices:
        return ""
    request = unit.requests.get(certificate.request_id)
    if request is None or request.state != "issued":
        return ""
    if removals.open_removal(unit, certificate.certificate_id) is not None:
        return ""
    # Whatever came of an order for it: a person decides about the next one.
    is_decided = any(
        dict(order.fingerprints) == dict(request.fingerprints) and order.reason != "overtaken"
        for order in unit.work_orders.find(certificate_id=certificate.certificate_id, connector=connector.name)
    )
    return "" if is_decided else network
