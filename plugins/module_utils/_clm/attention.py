# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What needs attention: every fact of the store that somebody has to do something about, in one place. Reads only.

The store knows what the last look at a device, at a CA and at the edge found. Nothing is asked of them here, so what
happened there since the last discovery, or the last run of due work, is not told yet.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from functools import cached_property
from typing import Any

from .._core.errors import InputError
from .._core.governance import DEFAULT_GROUP, Group
from .._core.types import Certificate, CertRequest, Device, WorkOrder
from .._core.vocabulary import SYNC_IGNORED
from .._store.base import Unit
from . import approvals, drift, due, revocation_states, states
from . import attention_records as records
from . import attention_served as served
from . import attention_work as work
from .attention_records import KINDS, Attention
from .filters import STATES, Filters, groups_by_name, has_attributes, select
from .pushed import is_of_settings
from .removals import REMOVE

# Superseded ones grow with the years, and nothing is to be done about them.
_LOOKED_AT = ("pending", "issued", "suspended", "revoked", "vanished")


def collect(unit: Unit, now: datetime, *, within_days: int | None = None) -> list[Attention]:
    """Give everything that needs attention, the worst first, then what ends first.

    Certificates of ignored devices are left out, as everywhere.

    :param now: UTC.
    :param within_days: from how many days before its end a certificate counts as expiring; None: as its group says.
    """
    scene = Scene(unit, now, within_days)
    found = [
        *_of_certificates(scene),
        *(one for record in scene.open for one in work.of_open(record, scene)),
        *work.of_failed(scene.failed(), scene),
        *_stopped(scene),
        *(one for device in scene.devices.values() for one in served.of_device(device)),
    ]
    # Were one told of twice, a poller would take each for a change of the other.
    return sorted({one.event_id: one for one in found}.values(), key=records.rank)


def select_attention(unit: Unit, filters: Filters, kinds: Sequence[str], now: datetime) -> list[Attention]:
    """Give what needs attention of what is asked for.

    :param filters: those of certificates; ``expires_within_days`` says what counts as expiring, and filters nothing.
    :param kinds: of ``KINDS``; empty means every one.
    :raises InputError: there is no such kind.
    """
    check_kinds(kinds)
    found = collect(unit, now, within_days=filters.expires_within_days)
    rest = replace(filters, certificate="", device=(), group=(), expires_within_days=None)
    fits = _fitting(unit, rest, now) if not rest.is_empty else None
    return [
        one
        for one in found
        if not kinds or one.kind in kinds
        if filters.certificate in ("", one.certificate_id)
        if not filters.device or one.device in filters.device
        if not filters.group or one.group in filters.group
        if fits is None or fits(one)
    ]


def _fitting(unit: Unit, filters: Filters, now: datetime) -> Callable[[Attention], bool]:
    """Say what filters of certificates leave.

    There may be no certificate yet, as before an approval: then it is what was asked for that counts.
    """
    # What is hidden from lists may need attention all the same.
    ids = {one.certificate_id for one in select(unit, replace(filters, state=filters.state or STATES), now)[0]}
    of_wishes = replace(filters, attributes={}, tracking_id="").is_empty

    def fits(one: Attention) -> bool:
        if one.certificate_id in ids:
            return True
        if not of_wishes or not one.request_id or unit.certificates.get(one.certificate_id) is not None:
            return False
        is_meant = filters.tracking_id in ("", one.tracking_id)
        return is_meant and has_attributes(one.attributes, filters.attributes)

    return fits


def check_kinds(kinds: Sequence[str]) -> None:
    """Refuse a kind that there is not.

    :raises InputError: one is none of ``KINDS``.
    """
    unknown = [str(kind) for kind in kinds if kind not in KINDS]
    if unknown:
        raise InputError(f"There is no kind of attention {', '.join(unknown)}; there are {', '.join(KINDS)}")


class Scene:
    """What the store knows that something may need attention of.

    :ivar certificates: by id, those that a device which is not ignored has, or none.
    :ivar open: requests and work orders that go on yet, without expired approvals.
    :ivar within_days: as ``collect`` takes it.
    """

    def __init__(self, unit: Unit, now: datetime, within_days: int | None) -> None:
        self.unit, self.now, self.within_days = unit, now, within_days
        devices = {device.name: device for device in unit.devices.find()}
        self._ignored = {name for name, device in devices.items() if device.sync == SYNC_IGNORED}
        self.devices: dict[str, Device] = {k: v for k, v in devices.items() if k not in self._ignored}
        self.groups = groups_by_name(unit)
        looked_at = unit.certificates.find(state=list(_LOOKED_AT))
        self.certificates = {c.certificate_id: c for c in looked_at if c.device not in self._ignored}
        going_on = {"state": [state for state in states.REQUEST if not states.is_final(state)]}
        orders_on = {"state": [state for state in states.WORK_ORDER if not states.is_final(state)]}
        open_work: list[CertRequest | WorkOrder] = [
            *(approvals.without_expired(record, now) for record in unit.requests.find(**going_on)),
            *(approvals.without_expired(record, now) for record in unit.work_orders.find(**orders_on)),
        ]
        self.open = [record for record in open_work if record.device not in self._ignored]

    @cached_property
    def open_of(self) -> dict[str, list[str]]:
        """Name the open requests and orders of each certificate."""
        found: dict[str, list[str]] = defaultdict(list)
        for record in self.open:
            found[record.certificate_id].append(work.id_of(record))
        return found

    def group(self, name: str) -> Group:
        """Give a group; one that is gone counts as the default one."""
        return self.groups.get(name) or self.groups.get(DEFAULT_GROUP) or Group(DEFAULT_GROUP)

    def orders_of(self, certificates: Sequence[Certificate], **equal: Any) -> dict[str, list[WorkOrder]]:
        """Give the orders of some certificates, the oldest first."""
        return _by_certificate(self.unit.work_orders, [one.certificate_id for one in certificates], **equal)

    def failed(self) -> list[CertRequest | WorkOrder]:
        """Give the failed requests and orders that nothing has followed."""
        found: list[CertRequest | WorkOrder] = []
        requests = self.unit.requests.find(state="failed")
        newest = _by_certificate(self.unit.requests, [one.certificate_id for one in requests])
        found += [one for one in requests if newest[one.certificate_id][-1].request_id == one.request_id]
        orders = self.unit.work_orders.find(state="failed")
        others = _by_certificate(self.unit.work_orders, [one.certificate_id for one in orders])
        found += [one for one in orders if not _is_followed(one, others[one.certificate_id])]
        return [one for one in found if one.device not in self._ignored]


def _is_followed(failed: WorkOrder, orders: Sequence[WorkOrder]) -> bool:
    """Say whether another order of the same sort was made for its network since, or one that came by that.

    Settings and certificates go their own ways: a certificate that was pushed says nothing of settings that were not
    set, nor the other way round.

    :param orders: of its certificate, the oldest first.
    """
    begin = [one.work_order_id for one in orders].index(failed.work_order_id) + 1
    later = [one for one in orders[begin:] if is_of_settings(one) == is_of_settings(failed)]
    passed = [one for one in later if failed.network in states.PASSES.get(one.network, ())]
    return any(one.network == failed.network for one in later) or any(one.state == "completed" for one in passed)


def _by_certificate(repository: Any, ids: Sequence[str], **equal: Any) -> dict[str, list[Any]]:
    found: dict[str, list[Any]] = defaultdict(list)
    for record in repository.find(certificate_id=sorted(set(ids)), **equal) if ids else ():
        found[record.certificate_id].append(record)
    return found


def _of_certificates(scene: Scene) -> Iterator[Attention]:
    """Give what is so of certificates; work is only read of those that it can be so of."""
    everyone = scene.certificates.values()
    for certificate in everyone:
        yield from served.of_end(certificate, scene)
    yield from _of_changes(scene)
    told = [one for one in everyone if one.production.get(drift.TOLD)]
    orders = scene.orders_of(told, state="completed")
    for certificate in told:
        yield from served.of_drift(certificate, orders[certificate.certificate_id])
    yield from _of_edges(scene)
    yield from _of_gone(scene)


def _of_changes(scene: Scene) -> Iterator[Attention]:
    """Give the changes of others; while ten thousand are renewed each has an open one, so all work is read at once."""
    changing = [one for one in scene.certificates.values() if served.has_foreign(one, scene.devices.get(one.device))]
    requests = _by_certificate(scene.unit.requests, [one.certificate_id for one in changing])
    orders = scene.orders_of(changing)
    for certificate in changing:
        key = certificate.certificate_id
        yield from served.of_changes(certificate, requests[key], orders[key])


def _of_edges(scene: Scene) -> Iterator[Attention]:
    everyone = scene.certificates.values()
    told = [states.NOT_PROVEN, states.REACHED_PRODUCTION]
    unproved = {one.certificate_id for one in scene.unit.work_orders.find(state="completed", reason=told)}
    looked_at = [
        one for one in everyone if served.serves_other(one) or one.certificate_id in unproved or served.is_held(one)
    ]
    orders = scene.orders_of(looked_at, state="completed")
    for certificate in looked_at:
        found = orders[certificate.certificate_id]
        if certificate.state in revocation_states.IN_USE:
            yield from served.of_edge(certificate, found, scene.now)
        if served.is_held(certificate):
            yield from served.of_held(certificate, found, scene)


def _of_gone(scene: Scene) -> Iterator[Attention]:
    everyone = scene.certificates.values()
    revoked = [one.fingerprint for one in everyone if one.state == "revoked" and one.fingerprint]
    ended = scene.unit.requests.find(state="revoked") if revoked else []
    at = {str(print_): one.updated_at for one in ended for print_ in one.fingerprints.values()}
    bad: dict[str, served.Bad] = {}
    for certificate in everyone:
        bad.update(served.bad_of(certificate, at))
    for certificate in everyone:
        if certificate.state == "revoked" and certificate.successor:
            # Set aside: its line goes on with another one.
            continue
        yield from served.of_revoked(certificate, bad, scene.now)
    vanished = [one for one in everyone if one.state == "vanished"]
    removals = scene.orders_of(vanished, state="completed", action=REMOVE)
    for certificate in vanished:
        yield from served.of_vanished(certificate, removals[certificate.certificate_id], scene)


def _stopped(scene: Scene) -> Iterator[Attention]:
    """Tell of renewals that do not happen by themselves any more, and should."""
    for entry in due.collect(scene.unit, scene.now, only=[due.RENEWALS]).stuck:
        certificate = scene.certificates.get(entry["certificate"])
        if certificate is not None:
            yield served.stopped(certificate, entry)
