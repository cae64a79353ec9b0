# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How a removal ends: shown in the inventory, proved by the target's own answer, and nothing of its history gone."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from .._core.clock import to_text
from .._core.types import AuditEntry
from .._core.vocabulary import NETWORKS
from . import acknowledging, decisions, intents, patience, push_stages, refusal_proof
from .keeper import Told

if TYPE_CHECKING:
    from .._core.errors import RemoteError
    from .._store.base import Unit
    from .removal import Removal

NO_OTHER = "cancel its change in Akamai Control Center"
"""What can be done about a removal that waits for a decision, beside allowing it."""


def waits_for(removal: Removal) -> str:
    """Name the network that is taken away, where a list tells enough of it; empty where the change has to be asked."""
    keeper = removal.keeper
    with removal.ports.store.read() as unit:
        is_let_go_on = intents.may_be_done(unit, *keeper.production_key)
        in_doubt = [intents.is_open(unit, *key) for key in (keeper.production_key, keeper.acknowledge_key)]
    if any(in_doubt):
        # No list tells whether an acknowledgement was taken whose answer was lost.
        return ""
    return patience.removal_waits_for(removal.order, removal.ports.clock.now(), is_let_go_on=is_let_go_on)


def let_go_on(removal: Removal) -> tuple[str, str]:
    """Acknowledge change management for a removal that stops before production, for what was seen and nothing else.

    :returns: as ``Deployer._react``: reason and sentence of why to wait then.
    """
    if acknowledging.is_let_go_on(removal):
        return "busy", "the removal was acknowledged, CPS has not gone on yet"
    review = removal.target.review(removal.pushed.reference)
    if review is None:
        return "busy", "CPS went on by itself"
    if review.errors:
        removal.fail("removal_failed", f"CPS says {'; '.join(review.errors)}")
    notices = removal.decided(review.warnings)
    left = decisions.undecided(notices, NO_OTHER)
    if left:
        if removal.order.state != "needs_decision":
            removal.keeper.save("push_needs_decision", state="needs_decision", notices=notices)
        return "needs_decision", left
    removal.keep_review(review)
    removal.keeper.still_ours()
    removal.check_approved()

    def keep(unit: Unit) -> None:
        resumed: dict[str, Any] = {"state": "implementing"} if removal.order.state == "needs_decision" else {}
        told: Told = ({}, {"validation_hash": review.validation_hash})
        removal.keeper.save_in(unit, "production_acknowledged", notices=notices, told=told, **resumed)

    refused = acknowledging.let_go_on(removal, review.validation_hash, keep)
    if refused:
        return "busy", f"CPS took no acknowledgement ({refused}); it is looked at again"
    return "busy", "the removal was acknowledged, CPS has not gone on yet"


def fail_live(removal: Removal, exc: RemoteError, reason: str) -> None:
    """End an order for names that CPS lists as live, with what to do.

    :raises StateError: always.
    """
    words = {word.strip(".,;:()[]\"'").lower() for word in exc.message.split()}
    names = [name for name in removal.order.change.get("names", ()) if name in words]
    message = (
        f"{', '.join(names) or 'names of it'} still resolve to this certificate; move their traffic away first (to "
        f"another edge hostname or off the network) and remove it again then: {exc.message}"
    )
    removal.fail(reason, message, details={"live_names": names})


def settle(removal: Removal) -> None:
    """Leave the doubt once the target shows what came of it, and make up for what an earlier run did not say."""
    keeper, phase = removal.keeper, removal.state.phase
    if removal.is_gone:
        keeper.settle(keeper.remove_key, "removal_begun")
    if phase != "on_staging":
        keeper.settle(keeper.production_key, "production_acknowledged")
    if phase != "wants_decision":
        keeper.settle(keeper.acknowledge_key, "warnings_acknowledged")
    if removal.order.state == "in_doubt":
        keeper.save("push_doubt_settled", state="implementing")


def complete(removal: Removal) -> bool:
    """Put on record that it is gone: the order's end, the inventory's line, and what proves it.

    :returns: False where edges still present it; why is on record.
    """
    order, now = removal.order, removal.ports.clock.now()
    where = f"enrollment {order.change.get('enrollment_id')} does not exist (HTTP 404)"
    evidence = []
    for network in NETWORKS:
        by_api = {"kind": "api", "network": network, "where": where, "fingerprint": "", "at": to_text(now)}
        found = refusal_proof.of_absence(removal, network, [by_api])
        if found is None:
            return False
        evidence += found
    with removal.ports.store.write() as unit:
        if order.state == "needs_decision":
            removal.keeper.save_in(unit, "push_resumed", state="implementing")
        ended: dict[str, Any] = {"state": "completed", "evidence": tuple(evidence)}
        ended.update(next_look_at=None, last_safe_at=None)
        removal.keeper.save_in(unit, "enrollment_removed", **ended)
        _mark(removal, unit)
        push_stages.owe(removal, unit)
    push_stages.after(removal)
    return True


def _mark(removal: Removal, unit: Unit) -> None:
    """Let the inventory say so; nothing of the line's history goes."""
    order, now = removal.order, removal.ports.clock.now()
    certificate, enrollment_id = unit.certificates.get(order.certificate_id), order.change.get("enrollment_id")
    if certificate is None or certificate.enrollment_id != enrollment_id:
        return
    unit.certificates.put(
        replace(certificate, state="vanished", staging={}, production={}, pending_changes=(), updated_at=now)
    )
    before = {"state": certificate.state, "fingerprint": certificate.fingerprint, "sans": list(certificate.sans)}
    after = {"state": "vanished", "enrollment_id": enrollment_id, "work_order_id": order.work_order_id}
    key = certificate.certificate_id
    entry = AuditEntry(removal.ports.actor, "certificate_removed", "certificate", key, before, after)
    unit.audit(replace(entry, tracking_id=order.tracking_id))
