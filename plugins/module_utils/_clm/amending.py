# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Organization and contacts of a live enrollment, changed at CPS without a certificate (S2–S4; cps-protocol §2.3).

No request is made of it: the one that the enrollment stands for says what is so from then on.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .._core.errors import ConflictError, PolicyError
from .._core.plan import Plan, Step
from .._core.types import CertRequest
from . import approvals, edits, enroll, intents, opening, prediction, requests, snapshots
from .keeper import REQUEST, Keeper
from .views import certificate_view
from .work_orders import LEASE_S
from .work_views import request_view

if TYPE_CHECKING:
    from .._core.types import Certificate
    from .moves import Mover


def plan(
    mover: Mover, certificate: Certificate, parent: CertRequest, edited: edits.Edits, *, override: str = ""
) -> Plan:
    """Plan the change.

    :param mover: of the renewal that would have made it along with a certificate; that one is never stored.
    :param parent: the request that the enrollment stands for.
    :param override: the reason to pass over a freeze.
    :raises PolicyError: enrolments of its group want approval, for which there has to be a request.
    :raises ConflictError: another change is open, or somebody edited the enrollment.
    """
    ports = mover.ports
    _refuse(mover, certificate, edited)
    requests.gate_of(mover, override=override).check_freeze()
    opening.refuse(mover, mover.keys.conflicts(mover.order))
    number = parent.key_reference.get("enrollment_id")
    text = f"Change {_named(edited)} of enrollment {number} at CPS, for which no certificate is made"
    ahead = mover.keys.calls_ahead(mover.order, "amend", 0.0)[1]
    view = request_view(parent)
    extra: dict[str, Any] = {
        "certificate": certificate_view(certificate, ports.clock.now()),
        "prediction": prediction.quiet(ports, edited, outcome=prediction.METADATA, calls=ahead),
    }
    return Plan(
        view,
        {**view, "wish": {**view["wish"], "settings": dict(mover.request.wish["settings"])}},
        (Step(text, lambda: _amend(mover, parent)),),
        lambda: enroll.outcome(certificate.certificate_id, parent.request_id, ports),
        extra=extra,
    )


def _refuse(mover: Mover, certificate: Certificate, edited: edits.Edits) -> None:
    """Refuse what cannot be done at once.

    :raises PolicyError: it is to be approved, or for later.
    """
    if approvals.levels(mover.request):
        raise PolicyError(
            f"Cannot change {_named(edited)} of {certificate.certificate_id} alone: group {mover.request.group} wants "
            "enrolments approved; give it with force: true, so that it comes with a new certificate that is approved",
            code="approval_needed",
        )
    if mover.request.manual_implementation or mover.request.scheduled_at is not None:
        raise PolicyError(
            f"Cannot change {_named(edited)} of {certificate.certificate_id} alone for later: what needs no "
            "certificate is sent at once; leave manual_implementation and schedule_at out, or give force: true, so "
            "that it comes with a new certificate then",
            code="sent_at_once",
        )


def _named(edited: edits.Edits) -> str:
    return ", ".join(
        name for name in edits.PARTIES if edited.before["settings"][name] != edited.after["settings"][name]
    )


def _amend(mover: Mover, parent: CertRequest) -> bool:
    """Send it under an intent; the place is looked at before, so that a lost reply is not sent again."""
    ports, number = mover.ports, parent.request_id
    settings = mover.request.wish["settings"]
    with ports.store.lease(requests.lease_of(parent), LEASE_S):
        with ports.store.read() as unit:
            current = unit.requests.get(number)
        if current is None or current.version != parent.version:
            raise ConflictError(f"Cannot change request {number}: another run changed it meanwhile; run again")
        wanted = {name: approvals.sha256(settings[name]) for name in edits.PARTIES}
        intents.begin(ports.store, intents.AMEND_ENROLLMENT, "request", number, wanted, ports.clock.now())
        snapshots.before_update(mover, number)
        mover.keys.amend(mover.order)
        told = tuple(
            {name: wish["settings"][name] for name in edits.PARTIES} for wish in (parent.wish, mover.request.wish)
        )
        with ports.store.write() as unit:
            intents.close_all(unit, intents.AMEND_ENROLLMENT, "request", number, {"amended": True}, ports.clock.now())
            keeper = Keeper(ports, REQUEST, current)
            wish = {**current.wish, "settings": settings}
            keeper.save_in(
                unit, "enrollment_amended", comment=mover.request.comment, told=(told[0], told[1]), wish=wish
            )
    return True
