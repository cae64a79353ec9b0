# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Snapshots: what an enrollment was before each write that changes it, so that it can come back (cps-protocol §6.5).

Costs no call: settings are those that were read for the write, deployments those last seen. The newest ``KEPT`` of each
certificate stay.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from .._core.clock import to_text
from .._core.errors import InputError, NotFoundError, StateError
from .._core.redact import redacted
from .._core.snapshots import Snapshot
from . import completion

if TYPE_CHECKING:
    from .._core.types import Certificate
    from .._store.base import Unit
    from .deployment import Deployer
    from .moves import Mover
    from .ports import Ports
    from .views import View

KEPT = 10
PREVIOUS = "previous"
UPDATE, UPLOAD, CANCEL, REMOVE = "update", "upload", "cancel", "remove"
# What CPS says of the moment in an enrollment, which is no setting.
_OF_THE_MOMENT = ("pendingChanges",)
# Members of ``csr`` and the option each fills.
_SUBJECT = {
    "o": "organization",
    "ou": "organizational_unit",
    "l": "locality",
    "st": "state_or_province",
    "c": "country",
}
# Members of the parties, and the word of each in the vendor settings.
_PLACE = {
    "addressLineOne": "address",
    "addressLineTwo": "address_line_two",
    "city": "city",
    "region": "state",
    "postalCode": "postal_code",
    "country": "country",
    "phone": "phone",
}
_PERSON = {
    "firstName": "first_name",
    "lastName": "last_name",
    "email": "email",
    "title": "title",
    "organizationName": "organization_name",
}
_PARTIES = {
    "organization": ("org", {"name": "name", **_PLACE}),
    "admin_contact": ("adminContact", {**_PERSON, **_PLACE}),
    "tech_contact": ("techContact", {**_PERSON, **_PLACE}),
}
_KEY = ("key_type", "key_size", "curve")
FILLED = ("subject_alternative_names", "dual_stack", *_KEY, "exclude_sans", *_SUBJECT.values())
"""Options of the form that a snapshot fills."""


def before_update(mover: Mover, request_id: str = "", seen: Mapping[str, Any] | None = None) -> None:
    """Keep the enrollment before a renewal or an edit of it is sent; nothing for a place that is not there yet.

    :param request_id: that the edit is of; empty for the mover's own.
    :param seen: the enrollment where it was read already.
    """
    request = mover.request
    settings = seen or (mover.keys.settings(mover.order) if request.renews else {})
    if not settings:
        return
    with mover.ports.store.write() as unit:
        certificate = unit.certificates.get(request.certificate_id)
        if certificate is not None:
            taken = _taken(mover.ports, certificate, UPDATE, settings)
            keep(unit, replace(taken, request_id=request_id or request.request_id))


def before_write(deployer: Deployer, before: str) -> None:
    """Keep the enrollment before something is uploaded to it, or its change is cancelled."""
    settings, state = deployer.target.settings(deployer.pushed.reference), deployer.state
    if not settings:
        return
    with deployer.ports.store.write() as unit:
        taken = _taken(deployer.ports, deployer.certificate, before, settings)
        seen: dict[str, Any] = {}
        if state.production.certificates or state.staging.certificates:
            seen = {name: completion.served(getattr(state, name)) for name in ("production", "staging")}
        request_id, order_id = deployer.pushed.request.request_id, deployer.order.work_order_id
        keep(unit, replace(taken, request_id=request_id, work_order_id=order_id, **seen))


def _taken(ports: Ports, certificate: Certificate, before: str, settings: Mapping[str, Any]) -> Snapshot:
    return Snapshot(
        f"snap-{uuid.uuid4().hex[:12]}",
        certificate.certificate_id,
        certificate.enrollment_id,
        before,
        enrollment=dict(settings),
        production=dict(certificate.production),
        staging=dict(certificate.staging),
        actor=ports.actor,
        created_at=ports.clock.now(),
    )


def keep(unit: Unit, taken: Snapshot) -> None:
    """Store a snapshot, unless the newest one says the same, and forget the oldest beyond ``KEPT``."""
    known = unit.snapshots.find(certificate_id=taken.certificate_id)
    if known and _said(known[-1]) == _said(taken):
        return
    unit.snapshots.add(taken)
    for old in known[: max(0, len(known) + 1 - KEPT)]:
        unit.snapshots.remove(old)


def _said(snapshot: Snapshot) -> tuple[Any, ...]:
    settings = {name: value for name, value in snapshot.enrollment.items() if name not in _OF_THE_MOMENT}
    served = dict(snapshot.production), dict(snapshot.staging)
    return snapshot.before, snapshot.request_id, snapshot.work_order_id, settings, *served


def snapshot_view(snapshot: Snapshot) -> View:
    """Show a snapshot, with the enrollment as CPS had it."""
    return {
        "snapshot_id": snapshot.snapshot_id,
        "certificate": snapshot.certificate_id,
        "enrollment_id": snapshot.enrollment_id,
        "before": snapshot.before,
        "request_id": snapshot.request_id,
        "work_order_id": snapshot.work_order_id,
        "production": redacted(snapshot.production),
        "staging": redacted(snapshot.staging),
        "enrollment": redacted(snapshot.enrollment),
        "actor": snapshot.actor,
        "created_at": to_text(snapshot.created_at) if snapshot.created_at else None,
    }


def previous(unit: Unit, certificate: Certificate) -> Snapshot | None:
    """Give the snapshot of the time before what production serves now, with the settings of then; None for none.

    The newest one with another certificate on production; of those taken for the same request the first, since the
    later ones have its new settings already.
    """
    present = certificate.production.get("fingerprint") or certificate.fingerprint
    known = _of(unit, certificate)
    others = [one for one in known if one.production.get("fingerprint") not in (None, present)]
    if not others:
        return None
    return next(one for one in others if one.request_id == others[-1].request_id)


def named(unit: Unit, certificate: Certificate, word: str) -> Snapshot:
    """Give the snapshot of that id, or the ``previous`` one.

    :raises NotFoundError: the certificate has none of that id; names those it has.
    :raises StateError: nothing else was on production since snapshots are kept.
    """
    what = f"Cannot go back to a snapshot of {certificate.certificate_id}"
    known = _of(unit, certificate)
    ids = ", ".join(f"{one.snapshot_id} ({to_text(one.created_at)})" for one in known if one.created_at) or "none"
    if word == PREVIOUS:
        found = previous(unit, certificate)
        if found is None:
            raise StateError(
                f"{what}: none is from a time when production served another certificate (there is: {ids}); name one "
                "by its id",
                code="snapshot_missing",
            )
        return found
    found = next((one for one in known if one.snapshot_id == word), None)
    if found is None:
        raise NotFoundError(f"{what}: it has no snapshot {word!r} (there is: {ids})", code="snapshot_missing")
    return found


def _of(unit: Unit, certificate: Certificate) -> list[Snapshot]:
    """Give the snapshots of a certificate's present enrollment, the oldest first."""
    known = unit.snapshots.find(certificate_id=certificate.certificate_id)
    return [one for one in known if one.enrollment_id == certificate.enrollment_id]


def refuse_filled(params: Mapping[str, Any]) -> None:
    """Refuse what does not go with going back to a snapshot.

    :raises InputError: the action is another one, or the call names what the snapshot fills.
    """
    action = params.get("action") or "enroll"
    given = [name for name in FILLED if params.get(name) is not None]
    given += ["only_missing"] if params.get("only_missing") else []
    if action != "regenerate" or given:
        others = f"; leave {', '.join(given)} out, the snapshot fills it" if given else "; give action: regenerate"
        name = params.get("certificate") or params.get("common_name")
        raise InputError(f"Cannot {action} {name} with from_snapshot{others}")


def parties_of(enrollment: Mapping[str, Any], settings: Mapping[str, Any]) -> dict[str, Any]:
    """Give organization and contacts as an enrollment has them, in the words of the vendor settings.

    :param enrollment: of a snapshot.
    :param settings: those kept with the certificate; a word that has no member in the enrollment is emptied, not lost.
    """
    found: dict[str, Any] = {}
    for party, (member, words) in _PARTIES.items():
        there: Mapping[str, Any] = enrollment.get(member) or {}
        told = {word: str(there[name]) for name, word in words.items() if there.get(name)}
        found[party] = {**dict.fromkeys(settings.get(party) or {}, ""), **told}
    return found


def form_of(snapshot: Snapshot, wish: Mapping[str, Any]) -> dict[str, Any]:
    """Give the options of the form that a snapshot fills: names, subject, and which kinds of keys are made.

    :param wish: of the certificate now. A single EC key looks like a dual stack at CPS; what production served then
        tells them apart, or else what there is now.
    """
    settings = snapshot.enrollment
    csr: Mapping[str, Any] = settings.get("csr") or {}
    is_multi = bool(settings.get("enableMultiStackedCertificates"))
    was = snapshot.production
    is_ec = not wish["dual_stack"] and wish["key_type"] == "ec"
    if was.get("fingerprint"):
        is_ec = not was.get("others") and str(was.get("key_algorithm") or "").upper().startswith("EC")
    is_ec = is_ec and is_multi
    return {
        "subject_alternative_names": {"dns": [str(name).lower() for name in csr.get("sans") or ()]},
        "dual_stack": is_multi and not is_ec,
        "key_type": "ec" if is_ec else "rsa",
        "key_size": None if is_ec else wish["key_size"],
        "curve": wish["curve"] if is_multi else None,
        "exclude_sans": bool((settings.get("thirdParty") or {}).get("excludeSans")),
        **{option: str(csr.get(member) or "") for member, option in _SUBJECT.items()},
    }
