# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What changes of a stored request: beside the CSR at any time, and of a draft everything. Sends nothing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from .._core.clock import to_text
from .._core.plan import Step
from .._core.types import CertRequest
from .._store.base import Unit
from . import approvals, form, form_extras, key_secrets, requests, states
from .dual_stack import refuse_late
from .ports import Params, Ports

if TYPE_CHECKING:
    from .moves import Mover

_RULES = {"warnings": "the lists of warnings", "allow_missing": "what may be missing"}
OF_DRAFT = ("csr_source", "device", "ca", "ca_options", "policy", "manual_implementation", "scheduled_at")
"""What may change of a draft beside its wish and group."""


def steps(mover: Mover, stored: CertRequest, wish: Mapping[str, Any], params: Params) -> list[Step]:
    """Take over what is in no CSR and no order, as the description, and the group it moves to; of a draft all of it.

    :param stored: the request as it is in the store.
    """
    request, ports = mover.request, mover.ports
    if request.state == "draft":
        group, changed = request.group, _draft_changes(mover, stored, wish, params)
    else:
        group, changed = params.get("group") or request.group, sorted(form.changed_metadata(wish, request.wish))
    changed += ["group"] if group != stored.group else []
    if not changed:
        return []
    renewed = {name: wish[name] for name in changed if name in wish}
    rules = [name for name in ("warnings", "allow_missing") if name in changed]
    is_asked_anew = bool(rules) and bool(approvals.levels(request))
    refuse_late(request, is_asked_anew and "allow_missing" in rules)
    kept = {**request.wish, **renewed}
    told = ({name: stored.wish.get(name) for name in renewed}, renewed)

    def save() -> bool:
        now = ports.clock.now()
        step = {"type": approvals.CHANGED, "at": to_text(now), "actor": ports.actor, "comment": ", ".join(changed)}
        wanted: dict[str, Any] = {"wish": kept, "group": group, "tracking_id": form_extras.tracking_id(kept)}
        if request.state == "draft":
            wanted.update({name: getattr(request, name) for name in OF_DRAFT})
        with ports.store.write() as unit:
            mover.keeper.record = stored
            is_counted = request.state == "draft" or is_asked_anew
            mover.keeper.save_in(unit, "request_changed", told=told, steps=[step] if is_counted else (), **wanted)
            if request.state == "draft":
                key_secrets.keep_challenge(unit, mover.request, mover.challenge, now)
            if is_asked_anew and "submitted" in states.REQUEST[request.state]:
                what = " and ".join(_RULES[name] for name in rules)
                requests.gate_of(mover).take_back_in(unit, "approval_void", f"{what} changed; have them approved")
            _change_certificate(unit, mover.request, renewed, ports)
        # What is void waits for approval; nothing after this step may be done.
        return mover.request.state == request.state

    return [Step(f"Change {', '.join(changed)} of request {request.request_id}", save)]


def _draft_changes(mover: Mover, stored: CertRequest, wish: Mapping[str, Any], params: Params) -> list[str]:
    """Name what is to be another than a stored draft has it."""
    options = ("ca", "ca_options", "csr_source")
    changed = sorted(name for name in {*wish, *stored.wish} if wish.get(name) != stored.wish.get(name))
    changed += [name for name in options if getattr(mover.request, name) != getattr(stored, name)]
    is_other = key_secrets.is_other_challenge(mover.ports.store, stored, params)
    return [*changed, "challenge_password"] if is_other else changed


def _change_certificate(unit: Unit, request: CertRequest, renewed: Mapping[str, Any], ports: Ports) -> None:
    """Let the inventory show what its request says outside the CSR.

    While a successor is under way the line has the certificate before it: what holds for the line holds at once, and
    not only when the successor is issued, which it may never be.
    """
    certificate = unit.certificates.get(request.certificate_id)
    if certificate is None:
        return
    if certificate.request_id == request.request_id:
        wanted = replace(form_extras.on_certificate(certificate, request.wish), group=request.group)
    elif request.state == "draft":
        return
    else:
        wanted = form_extras.on_certificate(certificate, renewed)
    if wanted == certificate:
        return
    unit.certificates.put(replace(wanted, updated_at=ports.clock.now()))
    before = unit.requests.get(certificate.request_id) if certificate.request_id != request.request_id else None
    if before is not None:
        told = {name: renewed[name] for name in form_extras.ON_CERTIFICATE if name in renewed}
        unit.requests.put(replace(before, wish={**before.wish, **told}, updated_at=ports.clock.now()))
