# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What CPS stops for is acknowledged once: warnings about what was uploaded from here, and change management."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from .._core.errors import RemoteError
from . import decisions, intents
from .patience import LAG_S
from .work_orders import WorkOrderKeeper

if TYPE_CHECKING:
    from .._core.types import Intent, Notice
    from .._store.base import Unit
    from .deployment import Deployer
    from .ports import Ports

SHOWN_STILL = "the warnings were acknowledged, CPS has not gone on yet"
_NOT_TAKEN = "CPS did not take the acknowledgement, or did not wait for it any more"
NEEDS_DECISION, ELSEWHERE = "needs_decision", "uploaded_elsewhere"
FOR_PEOPLE = (NEEDS_DECISION, ELSEWHERE)
"""Reasons for which it makes no sense to look again soon."""


def once(
    ports: Ports,
    key: tuple[str, str, str],
    decided: Sequence[Mapping[str, str]],
    send: Callable[[], bool],
    keep: Callable[[Unit], None],
) -> None:
    """Acknowledge warnings under an intent, unless that was done so lately that CPS may still show them.

    :param key: of the intents.
    :param decided: the warnings with what was decided, all allowed.
    :param send: acknowledges, and says whether it was taken.
    :param keep: puts it on record, in the unit that closes the intent.
    :source: cps-protocol §3.3: after any POST the old status may persist for a while.
    """
    with ports.store.read() as unit:
        tried = intents.of(unit, *key)
    since = ports.clock.now() - timedelta(seconds=LAG_S)
    shown = {entry["text"] for entry in decided}
    if any(_is_recent(one, since) and shown <= _texts(one) for one in tried):
        return
    wanted: dict[str, Any] = {"notices": [dict(entry) for entry in decided]}
    _intent, is_new = intents.begin(ports.store, *key, wanted, ports.clock.now())
    is_taken = send()
    with ports.store.write() as unit:
        if is_taken:
            intents.close_all(unit, *key, {"acknowledged": True}, ports.clock.now())
            keep(unit)
        elif is_new:
            # After an answer that was lost it stays open: that one may have been taken, and the next look tells.
            intents.close_all(unit, *key, {intents.REFUSED: _NOT_TAKEN}, ports.clock.now())


def _is_recent(intent: Intent, since: Any) -> bool:
    at = intent.finished_at or intent.created_at
    return at is not None and at > since


def _texts(intent: Intent) -> set[str]:
    return {entry["text"] for entry in intent.wanted.get("notices", ())}


def answer(deployer: Deployer, found: Sequence[Notice]) -> tuple[str, str]:
    """Acknowledge the warnings a push waits on, if all are allowed, and say why to wait then; it is on record."""
    keeper = deployer.keeper
    if not _is_ours(deployer):
        if deployer.order.state != "needs_decision":
            keeper.save("push_needs_decision", state="needs_decision", reason=ELSEWHERE)
        return ELSEWHERE, (
            "CPS warns of a certificate that was not uploaded from here; acknowledge that or cancel the change in "
            "Akamai Control Center, then run again"
        )
    return decide(deployer, found)


def decide(deployer: Deployer, found: Sequence[Notice]) -> tuple[str, str]:
    """Acknowledge warnings of a change that is ours, if all are allowed, and say why to wait then."""
    keeper, decided = deployer.keeper, deployer.decided(found)
    left = decisions.undecided(decided, deployer.otherwise)
    if left:
        if deployer.order.state != "needs_decision":
            keeper.save("push_needs_decision", state="needs_decision", notices=decided)
        return NEEDS_DECISION, left
    if deployer.order.state == "needs_decision":
        keeper.save("push_resumed", state="implementing")
    keeper.still_ours()
    deployer.check_approved()
    once(
        deployer.ports,
        keeper.acknowledge_key,
        decided,
        lambda: deployer.acknowledge(found),
        lambda unit: keeper.save_in(unit, "warnings_acknowledged", notices=decided),
    )
    return "busy", SHOWN_STILL


def _is_ours(deployer: Deployer) -> bool:
    """Say whether an order of ours uploaded to this change what is pushed, as far as is known."""
    order, change = deployer.order, deployer.pushed.reference.get("change_id")
    with deployer.ports.store.read() as unit:
        for other in unit.work_orders.find(certificate_id=order.certificate_id):
            if other.change.get("change_id") == change and other.fingerprints == order.fingerprints:
                key = WorkOrderKeeper(deployer.ports, other).upload_key
                if intents.may_be_done(unit, *key):
                    return True
    return False


def let_go_on(deployer: Deployer, validation_hash: str, keep: Callable[[Unit], None]) -> str:
    """Acknowledge change management, for the validation result that was decided on and no other one.

    :param keep: puts it on record, in the unit that closes the intent.
    :returns: why CPS did not take it, as where it is not at its stop any more (409); empty when it did. What is there
        then tells more: the caller looks again.
    :source: cps-protocol §3.4, §5.2.
    """
    key, ports = deployer.keeper.production_key, deployer.ports
    _intent, is_new = intents.begin(ports.store, *key, {"validation_hash": validation_hash}, ports.clock.now())
    try:
        deployer.target.go_on(deployer.pushed.reference, validation_hash)
    except RemoteError as exc:
        if exc.code != "conflict":
            raise
        if is_new:
            # After an answer that was lost it stays open: that one may have been taken, and the next look tells.
            with ports.store.write() as unit:
                intents.close_all(unit, *key, {intents.REFUSED: exc.message}, ports.clock.now())
        return exc.message
    deployer.sent()
    with ports.store.write() as unit:
        intents.close_all(unit, *key, {"acknowledged": True}, ports.clock.now())
        keep(unit)
    return ""


def is_let_go_on(deployer: Deployer) -> bool:
    """Say whether change management was acknowledged so lately that CPS may still show the status from before."""
    with deployer.ports.store.read() as unit:
        since = deployer.ports.clock.now() - timedelta(seconds=LAG_S)
        found = intents.lately(unit, *deployer.keeper.production_key, since)
    return any(intents.REFUSED not in intent.result for intent in found)
