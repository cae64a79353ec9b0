# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The request of a new certificate for one that was enrolled here: made, and held against all that may refuse it.

Shared by who asks for it and by what is due by itself; stores and sends nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

from .._core import vocabulary
from .._core.clock import to_text
from .._core.errors import StateError
from .._core.governance import Group
from .._core.types import Certificate, CertRequest
from .._store.base import Unit
from . import csrs, dual_stack, edits, form_places, key_secrets, opening, removals, renewal, requests, standby, usage
from .moves import Mover
from .ports import Ports
from .requests import Submission
from .revocation_states import BAD, HELD, IS_HELD, SUSPENDED

if TYPE_CHECKING:
    from .._core.redact import Secret


def enrolled(unit: Unit, certificate: Certificate, action: str, now: datetime) -> CertRequest:
    """Give the request that a certificate was issued for here.

    :raises StateError: there is none, it is to be removed, on hold, or it ended (E4); a revoked one is followed by
        hand only, and so is one on hold, by a renewal.
    """
    removals.refuse_beside(unit, certificate.certificate_id, action)
    what = f"Cannot {action} {certificate.certificate_id}"
    request = unit.requests.get(certificate.request_id) if certificate.request_id else None
    if request is None or request.state != "issued":
        raise StateError(
            f"{what}: no certificate was issued for it here; enrol it with edgecert.clm.cert_enroll",
            code="certificate_not_issued",
        )
    if certificate.state == SUSPENDED and action == renewal.REGENERATE:
        raise StateError(
            f"{what}: {HELD}, and only a valid certificate is regenerated; ask the CA why, and regenerate it when the "
            "hold has ended, or have another one with action: renew",
            code=IS_HELD,
        )
    is_valid = certificate.not_after is not None and certificate.not_after > now
    if certificate.state not in ("issued", *BAD) or (action == renewal.REGENERATE and not is_valid):
        ends = to_text(certificate.not_after) if certificate.not_after else "at an unknown time"
        raise StateError(
            f"{what}: it is {certificate.state} and ends {ends}; only a valid certificate can be regenerated, and one "
            "that is gone at CPS has to be enrolled anew",
            code="certificate_not_valid",
            details={"state": certificate.state},
        )
    return request


@dataclass(frozen=True)
class Named:
    """What a successor is to be, as the call or the certificate's settings name it.

    :ivar action: ``renew`` or ``regenerate``.
    """

    action: str
    wish: Mapping[str, Any]
    ca: str
    csr_source: str

    def here(self) -> Named:
        """Give it with key and CSR made here, wherever those before were made."""
        return replace(self, wish=form_places.made_here(self.wish), csr_source=vocabulary.LOCAL)


def successor(
    ports: Ports,
    group: Group,
    submission: Submission,
    named: Named,
    *,
    certificate: Certificate,
    parent: CertRequest,
    edited: edits.Edits | None = None,
    is_automatic: bool = False,
) -> CertRequest:
    """Make the request of a successor; stores nothing."""
    reference = parent.key_reference
    held_by = key_secrets.holders_of(parent, dual_stack.algorithms(named.wish))
    renews = {
        "request_id": parent.request_id,
        "enrollment_id": reference.get("enrollment_id"),
        "change_id": reference.get("change_id"),
        "fingerprints": dict(parent.fingerprints),
        "csrs": dual_stack.csrs_of(parent),
        "not_after": to_text(certificate.not_after) if certificate.not_after else "",
        "automatic": is_automatic,
        # The requests that hold the keys which may be used again.
        **({"held_by": held_by} if held_by else {}),
        **({"before": dict(edited.before)} if edited else {}),
    }
    return requests.new(
        ports,
        group,
        submission,
        certificate_id=certificate.certificate_id,
        action=named.action,
        wish=named.wish,
        ca=named.ca,
        ca_options=parent.ca_options,
        csr_source=named.csr_source,
        renews=renews,
    )


def of_itself(
    ports: Ports, certificate: Certificate, parent: CertRequest, group: Group, due: renewal.Due
) -> CertRequest:
    """Make the request of a successor that is due: it inherits what makes it due again (E3, E4).

    With ``force_local_csr`` key and CSR of a regeneration are made here, wherever those before were made.
    """
    parent, inherited = standby.as_asked(parent), renewal.inherited(certificate, automatic=True)
    settings = {name: inherited.get(name, {}) for name in ("auto_renew", "auto_regenerate")}
    named = Named(due.action, {**parent.wish, **settings}, parent.ca, parent.csr_source)
    if due.action == renewal.REGENERATE and renewal.is_local_forced(certificate):
        named = named.here()
    submission = Submission(comment=f"due: {due.message}")
    return successor(ports, group, submission, named, certificate=certificate, parent=parent, is_automatic=True)


def checked(
    request: CertRequest,
    group: Group,
    ports: Ports,
    *,
    wait_s: float,
    override: str = "",
    challenge: Secret | None = None,
) -> Mover:
    """Give what moves a new successor on, after it was held against policy, CA and key provider.

    :param override: the reason to pass over a freeze.
    :param challenge: the challenge password that the call brings.
    :raises ClmError: one of them refuses it; nothing was sent or stored.
    """
    requests.refuse_violations(request, group)
    mover = requests.mover_of(request, ports, wait_s=wait_s, challenge=challenge)
    mover.validate()
    csrs.refuse_bought(mover)
    if request.state == "implementing":
        requests.gate_of(mover, override=override).check_freeze()
    mover.look_for_uses()
    usage.refuse(request, mover.usage)
    if request.state == "implementing":
        opening.refuse(mover, opening.in_the_way(mover))
    return mover
