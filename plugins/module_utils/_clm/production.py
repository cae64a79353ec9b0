# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From staging to production: proved on staging, then acknowledged with the hash that was approved (cps-protocol §3.4).

An approval that was given with the change on staging already is bound to CPS's validation result. One that was given
before binds all the rest; the result is then held against the lists of warnings, and an error in it ends the push.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from .._core.clock import to_text
from .._core.errors import RemoteError
from .._core.plan import Step
from . import acknowledging, completion, decisions, deployment_date, edges, impossible, intents, push_stages
from .patience import ASK_AGAIN_S, HELD_UNTIL

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .._core.types import Notice
    from .._store.base import Unit
    from .._target.base import Review
    from .deployment import Deployer


# Phases in which there is nothing to acknowledge, and never will be.
_NOT_HERE = ("deploying_production", "failed", "cancelled", "none")


def steps(deployer: Deployer) -> list[Step]:
    """Give the steps that follow once staging serves what is pushed."""
    name, where = deployer.certificate.certificate_id, edges.described(deployer.order, "staging")
    return [
        Step(f"Prove that staging serves {name}, {where}", lambda: _prove_staging(deployer)),
        Step(f"Acknowledge at CPS that {name} goes on to production", lambda: _go_on(deployer)),
        Step(f"Follow the change until production serves {name}", lambda: _follow(deployer)),
    ]


def can_move(deployer: Deployer) -> bool:
    """Say whether an order whose certificate is on staging can be moved on now."""
    phase, order = deployer.state.phase, deployer.order
    if phase == "on_staging":
        # What CPS warns of may be something else by now, or nothing.
        return not acknowledging.is_let_go_on(deployer)
    if _is_past_stop(deployer):
        return True
    return phase == "deploying_production" and order.state != "deploying_production"


def _is_past_stop(deployer: Deployer) -> bool:
    """Say whether CPS took an acknowledgement, ours whose answer was lost or somebody's at Control Center.

    It works, with the certificate on staging, where it asked before; or it waits for the date that a push to staging
    set, which nobody but us will clear.
    """
    if deployer.state.phase != "busy" or not deployer.is_staged:
        return False
    with deployer.ports.store.read() as unit:
        is_in_doubt = intents.is_open(unit, *deployer.keeper.production_key)
    return is_in_doubt or completion.is_held_by_us(deployer)


def _settle(deployer: Deployer) -> None:
    """Put on record that an acknowledgement of ours was taken, whose answer was lost."""
    with deployer.ports.store.read() as unit:
        is_in_doubt = intents.is_open(unit, *deployer.keeper.production_key)
    if is_in_doubt:
        deployer.keeper.settle(deployer.keeper.production_key, "production_acknowledged")
        deployer.reach_network("production")


def _prove_staging(deployer: Deployer) -> bool:
    with deployer.keeper.lease():
        is_proved = any(entry.get("network") == "staging" for entry in deployer.order.evidence)
        if is_proved or deployer.order.state == "deploying_production" or deployer.is_deployed:
            return True
        evidence = deployer.prove("staging")
        if evidence is None:
            return False
        deployer.reach_network("staging")
        deployer.keeper.save("staging_proved", evidence=tuple(evidence))
    return True


def _go_on(deployer: Deployer) -> bool:
    with deployer.keeper.lease():
        return _pass_stop(deployer)


def _pass_stop(deployer: Deployer) -> bool:
    """Let CPS go on from its stop on staging; False when the order has to wait."""
    while True:
        # Somebody may have acted since planning, at Control Center too.
        deployer.look()
        deployer.settle()
        if deployer.order.state == "deploying_production" and deployer.state.phase != "on_staging":
            return True
        if deployer.is_deployed or deployer.state.phase in _NOT_HERE or acknowledging.is_let_go_on(deployer):
            return True
        if _is_past_stop(deployer):
            _settle(deployer)
            return True
        is_asked = deployer.state.phase == "on_staging"
        review = deployer.target.review(deployer.pushed.reference) if is_asked else None
        if is_asked:
            deployer.watch.stopped(has_stopped=review is not None)
        if review is not None:
            break
        # Staging serves it, and CPS has not stopped there yet; or it went on, and that is told by what is deployed.
        if not deployer.watch.pause():
            message = f"CPS is at work: {deployer.state.status}"
            return deployer.keeper.park("busy", message, deployer.watch.park_s())
    _refuse(deployer, review)
    left = _left(deployer, review.warnings)
    if left:
        return _ask(deployer, review, left)
    deployer.reach_network("staging")
    deployer.keep_review(review)
    deployer.keeper.still_ours()
    deployer.check_approved()
    if not any(entry["stage"] == "pre" and not entry["failed"] for entry in deployer.order.scripts):
        # Nothing was sent for this order yet: it found its certificate on staging.
        push_stages.before(deployer)
    refused = deployment_date.set_at_cps(deployer)
    if refused:
        return deployer.keeper.park("busy", refused, ASK_AGAIN_S)
    return _acknowledge(deployer, review)


def _refuse(deployer: Deployer, review: Review) -> None:
    """End an order for what CPS would not deploy, or would deploy otherwise."""
    if review.errors:
        deployer.fail("validation_failed", "; ".join(review.errors))
    served, pushed = deployer.pushed.fingerprints, deployer.pushed.bundles
    # What a certificate was added to may be shown with it or not.
    sent, known = {served[name] for name in pushed}, set(served.values())
    if pushed and review.fingerprints and not sent <= review.fingerprints <= known:
        others = ", ".join(sorted(review.fingerprints))
        deployer.fail("deployed_otherwise", f"{others} waits for production, which is not what was pushed")


def _left(deployer: Deployer, warnings: Sequence[Notice]) -> str:
    return decisions.undecided(deployer.decided(warnings), deployer.otherwise)


def _ask(deployer: Deployer, review: Review, left: str) -> bool:
    notices = deployer.decided(review.warnings)
    if deployer.order.state != "needs_decision" or tuple(deployer.order.notices) != notices:
        if deployer.order.state not in ("needs_decision", "deploying_production"):
            deployer.reach_network("staging")
        deployer.keeper.save("push_needs_decision", state="needs_decision", notices=notices)
    return deployer.keeper.park("needs_decision", left, ASK_AGAIN_S)


def _acknowledge(deployer: Deployer, review: Review) -> bool:
    """Let CPS go on, for what was seen and nothing else; a date that holds it back is cleared when it did."""
    notices, held = deployer.decided(review.warnings), deployer.state.held_until
    # No list tells of a date: the change itself is asked until it is cleared.
    is_held = held is not None and completion.is_held_by_us(deployer)
    kept = {HELD_UNTIL: to_text(held)} if held is not None and is_held else {}

    def keep(unit: Unit) -> None:
        deployer.keeper.save_in(
            unit,
            "production_acknowledged",
            state="deploying_production",
            change={**deployer.order.change, **kept},
            notices=notices or deployer.order.notices,
            told=({}, {"validation_hash": review.validation_hash}),
        )

    refused = acknowledging.let_go_on(deployer, review.validation_hash, keep)
    if not refused:
        return True
    deployer.observe()
    if deployer.is_deployed or deployer.state.phase != "on_staging":
        # It went on by itself, or somebody was faster.
        return True
    message = f"CPS took no acknowledgement ({refused}); it is looked at again"
    return deployer.keeper.park("busy", message, deployer.look_again_s)


def _follow(deployer: Deployer) -> bool:
    with deployer.keeper.lease():
        if not deployer.pause_after_sending():
            return deployer.keeper.park("busy", "CPS puts it on production", deployer.watch.park_s())
        while True:
            deployer.look()
            deployer.settle()
            deployer.watch.saw()
            if deployer.is_deployed:
                deployer.reach_network("production")
                return True
            if _is_at_stop(deployer):
                if not _pass_stop(deployer):
                    return False
                if not deployer.pause_after_sending():
                    return deployer.keeper.park("busy", "CPS puts it on production", deployer.watch.park_s())
                continue
            message = _waits_for(deployer) or _let_go(deployer)
            if not deployer.watch.pause():
                return deployer.keeper.park("busy", message, deployment_date.look_again_s(deployer))


def _is_at_stop(deployer: Deployer) -> bool:
    """Say whether what was taken to be past its stop on staging had only just come to it."""
    is_there = deployer.order.state == "on_staging" and deployer.state.phase == "on_staging"
    return is_there and not acknowledging.is_let_go_on(deployer)


def _waits_for(deployer: Deployer) -> str:
    """Say what is waited for; empty where it is a date of ours."""
    state = deployer.state
    if state.phase == "deploying_production":
        deployer.reach_network("production")
    # What CPS says of a change may be older than what it took.
    if state.phase in ("failed", "cancelled", "none") and not acknowledging.is_let_go_on(deployer):
        deployer.fail_over("production")
    if completion.is_held_by_us(deployer):
        return ""
    if state.held_until is not None and state.held_until > deployer.ports.clock.now():
        return f"CPS puts it on production at {to_text(state.held_until)}, the date that is set there"
    return f"CPS is at work: {state.status}"


def _let_go(deployer: Deployer) -> str:
    """Clear the date by which a push to staging was held back, and say why to wait then.

    CPS may show the old date for a while, and may take no other one any more: there is a pause after each try.

    :raises StateError: its certificate is on hold or revoked by now.
    """
    impossible.refuse_untrusted(deployer)
    wanted = deployment_date.of(deployer.order)
    until = wanted if wanted is not None and wanted > deployer.ports.clock.now() else None
    try:
        # What was seen before is over, whatever comes back: a date that is cleared is not cleared once more.
        deployer.sent()
        deployer.target.hold_back(deployer.pushed.reference, until)
    except RemoteError as exc:
        if exc.code != "conflict":
            raise
        return f"CPS is at work: {deployer.state.status}; the date set there could not be cleared ({exc.message})"
    if until is not None:
        return f"CPS puts it on production at {to_text(until)}, the date that is set there now"
    return "the date that held it back is cleared, CPS has not gone on yet"
