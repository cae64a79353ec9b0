# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What certificates and devices need of people: what ends, what another tool did, what the edge serves instead, what is
gone. Reads records alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from .._core.clock import from_text, to_text
from .._core.types import Certificate, CertRequest, Device, WorkOrder
from .._core.vocabulary import NETWORKS, STATUS_FAILED, STATUS_UNRESOLVED, SYNC_MANAGED
from . import attention_records as records
from . import drift, due, renewal, states
from .attention_records import Attention
from .attention_work import NEAR
from .filters import warning_days
from .hints import hint_of
from .removals import REMOVE, opener_of
from .revocation_states import BAD, IN_USE, SUSPENDED, bad_ones, on_network
from .views import group_name

if TYPE_CHECKING:
    from .attention import Scene

CRITICAL_DAYS = timedelta(days=7)
"""With so much left, or a quarter of the warning window where that is less, an end that is near is critical."""
WINDOW_SHARE = 4
REMEMBERED = timedelta(days=30)
"""So long a vanished certificate of unknown end is told of, and what edge servers did not show."""
_THIRD_PARTY, _RENEWAL = "third-party", "renewal"


def _told(certificate: Certificate, kind: str, severity: str, message: str, todo: str, **more: Any) -> Attention:
    told: dict[str, Any] = {"identity": (certificate.certificate_id,), "who": records.OPERATOR, **more}
    return Attention(
        kind,
        severity,
        message=message,
        todo=todo,
        certificate_id=certificate.certificate_id,
        device=certificate.device,
        group=group_name(certificate),
        attributes=certificate.attributes,
        **told,
    )


# -- what ends ---------------------------------------------------------------------------------------------------------


def of_end(certificate: Certificate, scene: Scene) -> Iterator[Attention]:
    """Tell of a certificate whose end is near, or has passed: of what clients see of it."""
    ends = due.ends_of(certificate) if certificate.state in IN_USE else None
    if ends is None:
        return
    days = scene.within_days
    window = timedelta(days=warning_days(scene.groups, group_name(certificate)) if days is None else days)
    if scene.now < ends - window:
        return
    is_live, at = bool(certificate.production), to_text(ends)
    told = {"identity": (certificate.certificate_id, at), "deadline": ends, "network": "production" if is_live else ""}
    todo, where = _renewing(certificate, ends, scene), " on production" if is_live else ""
    if ends <= scene.now:
        severity = records.CRITICAL if is_live else records.WARNING
        message = f"certificate {certificate.certificate_id}{where} ended at {at}"
        yield _told(certificate, records.EXPIRED, severity, message, todo, since=ends, **told)
        return
    is_close = scene.now >= ends - min(CRITICAL_DAYS, window / WINDOW_SHARE)
    severity = records.CRITICAL if is_live and is_close else records.WARNING
    message = f"certificate {certificate.certificate_id}{where} ends at {at}"
    yield _told(certificate, records.EXPIRING, severity, message, todo, since=ends - window, **told)


def _renewing(certificate: Certificate, ends: datetime, scene: Scene) -> str:
    """Say what to do about an end."""
    name, device = certificate.certificate_id, scene.devices.get(certificate.device)
    if device is not None and device.sync != SYNC_MANAGED:
        return f"renew it with the tool that looks after it: device {device.name} is {device.sync}"
    open_work = scene.open_of.get(name)
    if open_work:
        return f"see what {' and '.join(open_work)} of it wait{'s' if len(open_work) == 1 else ''} for"
    if certificate.not_after is not None and certificate.not_after > ends:
        return "push it to production with edgecert.clm.cert_push: it was renewed, and the edge has not got it yet"
    if certificate.validation_type not in ("", _THIRD_PARTY):
        return "look in Akamai Control Center why CPS has not renewed it: it renews such certificates by itself"
    if certificate.origin == "discovered":
        return "renew it with the tool that enrolled it: it was found at the device and is not of this store"
    opens = renewal.next_at(certificate, scene.group(certificate.group), hint=hint_of(certificate))
    if opens is not None:
        return f"run edgecert.clm.cert_lifecycle, which renews it by itself from {to_text(opens)} on"
    return "renew it with edgecert.clm.cert_enroll and action: renew"


# -- what others did ---------------------------------------------------------------------------------------------------


def has_foreign(certificate: Certificate, device: Device | None) -> bool:
    """Say whether there may be a change of another tool.

    On a monitored device every one is; and where CPS gets the certificate itself, it opens changes itself. Neither is
    news.
    """
    is_managed = device is not None and device.sync == SYNC_MANAGED
    return bool(certificate.pending_changes) and is_managed and certificate.validation_type in ("", _THIRD_PARTY)


def of_changes(
    certificate: Certificate, requests: Sequence[CertRequest], orders: Sequence[WorkOrder]
) -> Iterator[Attention]:
    """Tell of changes that are open at CPS and that nothing in the store has opened.

    :param requests: of the certificate, as ``orders`` are.
    """
    for change in certificate.pending_changes:
        change_id, kind = change.get("change_id"), change.get("change_type") or "of unknown type"
        if not isinstance(change_id, int) or opener_of(change_id, requests, orders):
            continue
        severity, reason, todo = _about_change(kind)
        message = (
            f"change {change_id} ({kind}) of enrollment {certificate.enrollment_id} for {certificate.certificate_id} "
            "is open at CPS, and was not opened from this store"
        )
        more = {"identity": (certificate.certificate_id, str(change_id)), "reason": reason}
        yield _told(certificate, records.FOREIGN_CHANGE, severity, message, todo, **more)


def _about_change(kind: str) -> tuple[str, str, str]:
    """Give severity, reason and what to do of a change of somebody else's.

    :source: cps-protocol §3.7: CPS opens a renewal by itself, and one that is asked for here goes on with that.
    """
    if kind != _RENEWAL:
        todo = "ask who opened it, and end it in Akamai Control Center: until then nothing else can be done there"
        return records.WARNING, "not_ours", todo
    todo = "renew it with edgecert.clm.cert_enroll and action: renew, which goes on with a renewal that CPS opened"
    return records.INFO, "renewal_of_cps", todo


def of_drift(certificate: Certificate, orders: Sequence[WorkOrder]) -> Iterator[Attention]:
    """Tell of network settings that were set here and that production was not seen to have at the last look.

    :param orders: of the certificate, the oldest first.
    """
    told = drift.view(certificate, orders)
    if not told or not told["differing"] or not certificate.production:
        return
    words = ", ".join(told["differing"])
    message = f"production has other network settings for {certificate.certificate_id} than were set here: {words}"
    todo = "set them again, or what is wanted now, with edgecert.clm.cert_push and network_settings"
    more = {"network": "production", "reason": "settings_differ"}
    yield _told(certificate, records.DRIFT, records.WARNING, message, todo, **more)


# -- what the edge serves ----------------------------------------------------------------------------------------------


def serves_other(certificate: Certificate) -> bool:
    """Say whether a network serves something else than the certificate that the store has for the line."""
    if certificate.origin != "enrolled" or certificate.state not in IN_USE:
        return False
    served = (certificate.staging.get("fingerprint"), certificate.production.get("fingerprint"))
    return any(one and one != certificate.fingerprint for one in served)


def of_edge(certificate: Certificate, orders: Sequence[WorkOrder], now: datetime) -> Iterator[Attention]:
    """Tell where a network serves something else than what was pushed to it last, and where a push was not proved.

    :param orders: of the certificate, the oldest first.
    :param now: UTC; that a push was not proved is told for a while: CPS's word was to be enough for it, so nothing is
        pushed again, and nobody looks at the edge once more.
    """
    for network in NETWORKS:
        last = _last_to(network, orders)
        if last is None or last.action != "push":
            continue
        served, pushed = str(getattr(certificate, network).get("fingerprint") or ""), set(last.fingerprints.values())
        if served and pushed and served not in pushed:
            message = (
                f"{network} serves {served} for {certificate.certificate_id}, and work order {last.work_order_id} "
                f"pushed {', '.join(sorted(pushed))}"
            )
            todo = "ask who deployed it; push again with edgecert.clm.cert_push if it is not wanted"
            yield _mismatch(certificate, last, network, "served_otherwise", message, todo)
            continue
        is_told = now.timestamp() < _ended_at(last) + REMEMBERED.total_seconds()
        if last.reason == states.REACHED_PRODUCTION and last.network == network and is_told:
            message = f"work order {last.work_order_id} put {certificate.certificate_id} on staging: {last.message}"
            todo = "look at what production serves, and push again with edgecert.clm.cert_push what is wanted there"
            yield _mismatch(certificate, last, network, states.REACHED_PRODUCTION, message, todo)
        told = [one for one in last.evidence if one.get("network") == network]
        missing = [str(one["not_proved"]) for one in told if one.get("not_proved")]
        if missing and is_told:
            message = (
                f"CPS says that work order {last.work_order_id} is deployed to {network}, and edge servers did not "
                f"show it for {certificate.certificate_id}: {missing[0]}"
            )
            todo = "look at the edge servers it names"
            yield _mismatch(certificate, last, network, states.NOT_PROVEN, message, todo)


def _mismatch(
    certificate: Certificate, order: WorkOrder, network: str, reason: str, message: str, todo: str
) -> Attention:
    is_live = network == "production" and reason != states.NOT_PROVEN
    severity = records.CRITICAL if is_live or reason == states.REACHED_PRODUCTION else records.WARNING
    more: dict[str, Any] = {"network": network, "reason": reason, "work_order_id": order.work_order_id}
    more["identity"] = (certificate.certificate_id, network, order.work_order_id, reason)
    more["tracking_id"] = order.tracking_id
    return _told(certificate, records.EDGE_MISMATCH, severity, message, todo, **more)


def _last_to(network: str, orders: Sequence[WorkOrder]) -> WorkOrder | None:
    """Give the order that brought, or took, a certificate to or from a network last."""
    done = [one for one in orders if one.state == "completed" and one.action != states.CONFIGURE]
    done = [one for one in done if network in states.PASSES.get(one.network, NETWORKS)]
    return max(done, key=_ended_at, default=None)


def _ended_at(order: WorkOrder) -> float:
    at = order.updated_at or order.created_at
    return at.timestamp() if at is not None else 0.0


def is_held(certificate: Certificate) -> bool:
    """Say whether something stands on staging that production does not have."""
    served = certificate.staging.get("fingerprint")
    return certificate.state in IN_USE and bool(served) and served != certificate.production.get("fingerprint")


def of_held(certificate: Certificate, orders: Sequence[WorkOrder], scene: Scene) -> Iterator[Attention]:
    """Tell of what is on staging alone, when the moment is near at which CPS puts it on production by itself."""
    last = _last_to("staging", orders)
    if last is None or last.action != "push" or last.network != "staging" or last.last_safe_at is None:
        return
    is_there = certificate.staging.get("fingerprint") in last.fingerprints.values()
    if not is_there or scene.now < last.last_safe_at - NEAR or scene.open_of.get(certificate.certificate_id):
        return
    severity = records.CRITICAL if scene.now >= last.last_safe_at else records.WARNING
    message = f"work order {last.work_order_id} put {certificate.certificate_id} on staging alone: {last.message}"
    todo = "push it to production with edgecert.clm.cert_push, or take it back with action: rollback"
    more: dict[str, Any] = {"network": "staging", "reason": "held_on_staging", "work_order_id": last.work_order_id}
    more.update(identity=("held", last.work_order_id), tracking_id=last.tracking_id, who=records.REQUESTER)
    more.update(since=last.last_safe_at - NEAR, deadline=last.last_safe_at)
    yield _told(certificate, records.DEADLINE_NEAR, severity, message, todo, **more)


# -- what is gone ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Bad:
    """Why a certificate is trusted by nobody.

    :ivar state: ``revoked``, or ``suspended`` while its CA has it on hold.
    :ivar since: UTC; None where the store does not know.
    """

    state: str = "revoked"
    since: datetime | None = None


def bad_of(certificate: Certificate, ended: Mapping[str, datetime | None]) -> dict[str, Bad]:
    """Give what is revoked or on hold of a line, by fingerprint.

    :param ended: when requests to revoke ended, UTC, by fingerprint: all that is known of what was revoked by an
        earlier version of the collection.
    """
    found = {
        one: Bad(str(told["state"]), from_text(told["revoked_at"]) if told.get("revoked_at") else ended.get(one))
        for one, told in bad_ones(certificate)
    }
    if found or certificate.state != "revoked" or not certificate.fingerprint:
        return found
    return {certificate.fingerprint: Bad(since=ended.get(certificate.fingerprint))}


def of_revoked(certificate: Certificate, bad: Mapping[str, Bad], now: datetime) -> Iterator[Attention]:
    """Tell of a certificate that is revoked or on hold: one that a network serves, or a line that nothing has followed.

    Not for ever: what nothing serves matters to nobody once it would have ended anyway.

    :param bad: by fingerprint, what is so of all such certificates.
    :param now: UTC.
    """
    name = certificate.certificate_id
    on = {network: [one for one in on_network(getattr(certificate, network)) if one in bad] for network in NETWORKS}
    served = [network for network in NETWORKS if on[network]]
    has_ended = certificate.not_after is not None and certificate.not_after <= now
    if not served and (certificate.state not in BAD or has_ended):
        return
    mine = on[served[-1]] if served else [one for one, _told_of in bad_ones(certificate)]
    fingerprint = mine[0] if mine else certificate.fingerprint
    is_held = (bad[fingerprint].state if fingerprint in bad else certificate.state) == SUSPENDED
    severity = records.CRITICAL if "production" in served else records.WARNING
    message = f"the certificate {fingerprint} of {name} is {'on hold at its CA' if is_held else 'revoked'}"
    todo = "have another one with edgecert.clm.cert_enroll and action: regenerate"
    if is_held:
        todo = "ask the CA why; have another one with edgecert.clm.cert_enroll and action: renew where that is to stay"
    if served:
        message += f", and {' and '.join(served)} still serve{'s' if len(served) == 1 else ''} it"
        todo += ", and push it with edgecert.clm.cert_push"
    more: dict[str, Any] = {"identity": (name, fingerprint), "network": served[-1] if served else ""}
    more.update(since=bad[fingerprint].since if fingerprint in bad else None)
    more.update(reason=SUSPENDED if is_held else "revoked")
    yield _told(certificate, records.REVOKED, severity, message, todo, **more)


def of_vanished(certificate: Certificate, removals: Sequence[WorkOrder], scene: Scene) -> Iterator[Attention]:
    """Tell of a certificate whose enrollment is gone, and was not removed from here; not for ever.

    :param removals: completed orders of the certificate that removed one.
    """
    gone_at = certificate.updated_at
    until = certificate.not_after or (gone_at + REMEMBERED if gone_at else scene.now)
    removed = [one.change.get("enrollment_id") for one in removals if one.action == REMOVE]
    if certificate.enrollment_id in removed or scene.now >= until:
        return
    message = (
        f"enrollment {certificate.enrollment_id} of {certificate.certificate_id} is not at device {certificate.device} "
        "any more, and was not removed from this store"
    )
    todo = "ask who removed it; enrol it anew, or take it out with edgecert.clm.cert_push and action: remove"
    more: dict[str, Any] = {"since": gone_at, "reason": "not_listed"}
    more["identity"] = (certificate.certificate_id, str(certificate.enrollment_id))
    yield _told(certificate, records.VANISHED, records.WARNING, message, todo, **more)


def stopped(certificate: Certificate, entry: Mapping[str, Any]) -> Attention:
    """Tell of a renewal that does not happen by itself any more, and should.

    :param entry: as ``due.collect`` tells it.
    """
    record_id = str(entry.get("request_id") or entry.get("work_order_id") or "")
    message = f"{certificate.certificate_id} is not renewed by itself: {entry['message']}"
    todo = "do what the message says, before the certificate ends"
    more: dict[str, Any] = {"reason": str(entry["reason"]), "who": records.REQUESTER}
    more["deadline"] = due.ends_of(certificate)
    more.update(request_id=str(entry.get("request_id") or ""), work_order_id=str(entry.get("work_order_id") or ""))
    more["identity"] = (certificate.certificate_id, record_id, more["reason"])
    return _told(certificate, records.RENEWAL_STOPPED, records.WARNING, message, todo, **more)


def of_device(device: Device) -> Iterator[Attention]:
    """Tell of a device that could not be reached, or refused, at the last look (D8, D9)."""
    if device.status not in (STATUS_FAILED, STATUS_UNRESOLVED):
        return
    wrong = [entry for entry in device.status_log if entry.get("result") == "failed"]
    detail = str(wrong[0].get("detail") or "") if wrong else ""
    since = str(wrong[0].get("since") or "") if wrong else ""
    message = f"device {device.name} is {device.status}{': ' if detail else ''}{detail}"
    todo = "correct what it says, then look again with edgecert.clm.akamai_cps_device"
    yield Attention(
        records.DEVICE_FAILED,
        records.CRITICAL if device.sync == SYNC_MANAGED else records.WARNING,
        (device.name,),
        message,
        todo,
        records.OPERATOR,
        device=device.name,
        reason=f"device_{device.status}",
        since=from_text(since) if since else None,
    )
