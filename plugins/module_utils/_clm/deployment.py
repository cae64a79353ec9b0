# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One work order at one target: look, decide, act, look again, prove. Knows no CPS beyond the target's contract."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cached_property
from typing import Any

from .._core.errors import ClmError, RemoteError, StateError
from .._core.plan import Step
from .._core.types import Certificate, Connector, Notice, WorkOrder
from .._target.base import NetworkFacts, PushState, Review, Target
from . import (
    acknowledging,
    completion,
    decisions,
    deployment_date,
    edges,
    impossible,
    intents,
    novelty,
    patience,
    production,
    proof,
    push_stages,
    snapshots,
    states,
    uploads,
)
from .patience import ASK_AGAIN_S
from .ports import Ports
from .pushed import Pushed
from .watching import Watch
from .work_orders import WorkOrderKeeper

# A look that is no older is not repeated.
_MOMENT_S = 2.0
# Phases in which a change has not taken the certificate, or nobody can tell.
_NOT_TAKEN = ("none", "wants_csr", "wants_certificate", "failed", "cancelled")


class Deployer:
    """Drives one work order to its network, and to production by way of staging.

    :ivar state: what the target said last.
    :ivar check_approved: raises when what is about to be sent is not what was approved, or not any more.
    :ivar otherwise: what a person does who does not allow a warning.
    """

    otherwise = decisions.TAKE_BACK

    def __init__(
        self,
        ports: Ports,
        target: Callable[[], Target],
        order: WorkOrder,
        pushed: Pushed,
        certificate: Certificate,
        connector: Connector,
        *,
        wait_s: float,
    ) -> None:
        self.ports, self._connect, self.pushed = ports, target, pushed
        self.keeper, self.watch = WorkOrderKeeper(ports, order), Watch(self)
        self.certificate, self.connector, self.wait_s = certificate, connector, wait_s
        self.state = PushState("none")
        self._looked_at, self._is_sent = float("-inf"), False
        self.check_approved: Callable[[], None] = lambda: None
        self._deadline = ports.clock.monotonic() + wait_s

    @cached_property
    def target(self) -> Target:
        """Give the target, built when it is first asked: an approver needs no credential for it."""
        return self._connect()

    @property
    def order(self) -> WorkOrder:
        """Give the order as stored last."""
        return self.keeper.order

    def observe(self) -> None:
        """Ask the target where the change stands."""
        expected = self.watch.expects()
        self.state = self.target.observe(self.pushed.reference, self.pushed.fingerprints, waits_for=expected)
        self._looked_at = self.ports.clock.monotonic()

    def look(self) -> None:
        """Ask where the change stands, unless it was asked a moment ago: whoever moved the order since holds it up."""
        if self.ports.clock.monotonic() - self._looked_at > _MOMENT_S:
            self.observe()

    def sent(self) -> None:
        """Keep in mind that something was sent: what was seen before is over, and CPS shows nothing new at once."""
        self._looked_at, self._is_sent = float("-inf"), True

    def pause_after_sending(self) -> bool:
        """Wait where something was sent a moment ago; False when there is no time to."""
        is_sent, self._is_sent = self._is_sent, False
        return not is_sent or self.watch.pause()

    def see_settings(self) -> None:
        """Keep with a new order which network settings are pending: they are part of what is approved."""
        if self.state.settings:
            change = {**self.order.change, "network_settings": dict(self.state.settings)}
            self.keeper.record = replace(self.order, change=change)

    def keep_review(self, review: Review) -> None:
        """Take up CPS's validation result, stored with what is saved next; approvals from then on are bound to it."""
        if self.order.change.get("validation_hash") == review.validation_hash:
            return
        change = {**self.order.change, "validation_hash": review.validation_hash}
        self.keeper.record = replace(self.order, change=change, last_safe_at=review.deadline)

    def see_review(self) -> None:
        """Keep with an order to production what CPS says of it, where it is on staging already."""
        if self.order.network == "production" and self.state.phase == "on_staging":
            review = self.target.review(self.pushed.reference)
            if review is not None:
                self.keep_review(review)

    @property
    def is_deployed(self) -> bool:
        """Say whether the order's network serves all that is pushed."""
        return self._serves(self.state.production if self.order.network == "production" else self.state.staging)

    @property
    def is_staged(self) -> bool:
        """Say whether staging serves all that is pushed, or the order is past that."""
        is_past = self.order.state == "deploying_production" or self._waits_for_a_date
        return self.is_deployed or is_past or self._serves(self.state.staging)

    @property
    def _waits_for_a_date(self) -> bool:
        """Say whether CPS works on what staging was seen to serve: it waits for a date then, and is not asked more."""
        if self.state.phase != "busy" or self.state.held_until is None:
            return False
        return self.order.state == "on_staging" or completion.is_held_by_us(self)

    def _serves(self, network: NetworkFacts) -> bool:
        return set(self.pushed.fingerprints.values()) <= {facts["fingerprint"] for facts in network.certificates}

    @property
    def networks_ahead(self) -> tuple[str, ...]:
        """Name the networks that are still to be touched, as far as the target was asked; only the last one before."""
        if self.order.action == "rollback" or self.is_staged or not self.state.status:
            return (self.order.network,)
        return states.PASSES[self.order.network]

    def reach_network(self, network: str) -> None:
        """Let the order say that a network serves what is pushed, or is about to."""
        if self.order.state != "deploying_production":
            self.keeper.reach("on_staging", "certificate_on_staging", next_look_at=None)
            if network == "production":
                self.keeper.reach("deploying_production", "production_deployment_seen", next_look_at=None)

    def refuse_impossible(self) -> None:
        """Refuse what CPS cannot do or would do too much of, before anything is sent.

        :raises StateError: no change takes the certificate, or the change has failed.
        :raises PolicyError: CPS would deploy to production without being asked.
        """
        impossible.refuse(self)

    @property
    def purpose(self) -> str:
        """Say what the order is there for, after "Record work order wo-1"."""
        return f"for {self.certificate.certificate_id}"

    @property
    def is_possible(self) -> bool:
        """Say whether the order can still lead to the certificate on staging."""
        return self.is_deployed or self.state.phase not in ("none", "failed", "cancelled", "wants_csr")

    def _is_upload_due(self) -> bool:
        """Say whether the change waits for our upload, and not only shows so for a while after it."""
        return uploads.is_due(self)

    def can_move(self) -> bool:
        """Say whether something can be done, or waited for, now."""
        if self.is_deployed or self.wait_s > 0 or self._is_upload_due():
            return True
        if self.is_staged:
            return production.can_move(self)
        if (self.state.phase, self.order.state) == ("deploying_staging", "implementing"):
            return True
        if self.state.phase == "wants_certificate":
            return bool(uploads.refused(self))
        if self.state.phase == "on_staging":
            return bool(uploads.otherwise(self))
        return self.state.phase == "wants_decision" and (
            not self._undecided(self.state.notices) or self.order.state != "needs_decision"
        )

    def steps(self) -> list[Step]:
        """Give the steps from where the target stands."""
        network, name = self.order.network, self.certificate.certificate_id
        steps = []
        if not self.is_staged and self._is_upload_due():
            text = f"Upload the {' and '.join(self.pushed.bundles)} certificate of {name} with its chain to CPS"
            steps.append(Step(text, self._upload))
        if not self.is_staged:
            steps.append(Step(f"Follow the change until staging serves {name}", self._follow))
        if network == "production" and not self.is_deployed:
            steps += production.steps(self)
        where = edges.described(self.order, network)
        steps.append(Step(f"Prove that {network} serves {name}, {where}", lambda: completion.complete(self)))
        return steps

    @property
    def is_begun(self) -> bool:
        """Say whether the order was implemented, as far as it went; it may be under review again since."""
        if self.order.state not in states.BEFORE_IMPLEMENTING:
            return True
        with self.ports.store.read() as unit:
            return bool(intents.of(unit, *self.keeper.upload_key))

    def end_by(self, reason: ClmError) -> Step:
        """Give the step that ends a stored order for which nothing can be done any more."""
        return impossible.ending(self.keeper, reason)

    def note(self) -> None:
        """Keep what was seen of an order that waits: nobody's wish changes by it."""
        order = self.order
        if not order.version or self.is_deployed:
            return
        if early := uploads.waits(self):
            self.keeper.park(*early)
            return
        is_on_its_way = order.state == "on_staging" and order.network == "production"
        if is_on_its_way or order.state in ("implementing", "deploying_staging", "deploying_production"):
            self.watch.saw()
            # Only there a date keeps CPS from its work; a look before it may still bring the order there.
            is_past = order.state == "deploying_production"
            park_s = deployment_date.look_again_s(self) if is_past else self.watch.park_s()
            self.keeper.park("busy", f"CPS is at work: {self.state.status}", park_s)
        elif order.state in ("needs_decision", "in_doubt"):
            self.keeper.park(order.reason, order.message, ASK_AGAIN_S)

    @property
    def look_again_s(self) -> float:
        """Give the seconds until it is worth looking again."""
        now = self.ports.clock.now()
        waited_s = (now - (self.order.updated_at or now)).total_seconds()
        place = patience.place_of(self.ports, self.order.device, self.certificate.contract_id)
        return patience.look_again_s(self.state.look_again_s, waited_s, place, now)

    def pause(self) -> bool:
        """Wait until it is worth looking again; False when the time to wait is over."""
        return self.sleep(self.look_again_s)

    def sleep(self, seconds: float) -> bool:
        """Wait so long and a little longer, or as long as there is time; False when that is over."""
        left = self._deadline - self.ports.clock.monotonic()
        if left > 0:
            patience.sleep(self.ports.clock, min(patience.spread(seconds, self.ports), left), self.keeper.still_ours)
        return left > 0

    # -- steps -----------------------------------------------------------------------------------------------------

    def _upload(self) -> bool:
        with self.keeper.lease():
            # Somebody may have acted since planning, or an earlier run of ours after its intent.
            self.look()
            if not self.is_staged and self._is_upload_due():
                self._send()
        return True

    def _send(self) -> None:
        """Upload what the change waits for."""
        impossible.refuse_or_end(self)
        self.check_approved()
        push_stages.before(self)
        snapshots.before_write(self, snapshots.UPLOAD)
        intent, is_new = uploads.begin(self)
        # The last state still asks for a certificate, so an earlier upload did not happen or was turned down.
        try:
            self.target.upload(self.pushed.reference, self.pushed.bundles, with_root=False)
        except RemoteError as exc:
            # An upload whose reply was lost may have been taken, though the change still showed its old state.
            if is_new or exc.code != "conflict":
                push_stages.doubt(self, exc, intent)
                uploads.end_if_refused(self, exc)
                raise
        self.sent()
        with self.ports.store.write() as unit:
            intents.close_all(unit, *self.keeper.upload_key, {"uploaded": True}, self.ports.clock.now())
            is_parked = self.order.state in ("needs_decision", "in_doubt")
            resumed: dict[str, Any] = {"state": "implementing"} if is_parked else {}
            self.keeper.save_in(unit, "certificate_uploaded", **resumed)

    def settle(self) -> None:
        """Leave the doubt once the target shows what came of it, and make up for what an earlier run did not say."""
        if self.is_deployed or self.state.phase == "deploying_production":
            self.keeper.settle(self.keeper.production_key, "production_acknowledged")
        if self.is_staged or self.state.phase not in _NOT_TAKEN:
            self.keeper.settle(self.keeper.upload_key, "certificate_uploaded")
            if self.state.phase != "wants_decision":
                self.keeper.settle(self.keeper.acknowledge_key, "warnings_acknowledged")
        if self.order.state == "in_doubt" and self.state.phase not in ("none", "wants_certificate"):
            self.keeper.save("push_doubt_settled", state="implementing")

    def _follow(self) -> bool:
        with self.keeper.lease():
            if not self.pause_after_sending():
                return self.keeper.park("busy", "CPS was given the certificate, and looks at it", self.watch.park_s())
            while True:
                self.look()
                self.settle()
                self.watch.saw()
                if self.is_staged:
                    self.reach_network("staging")
                    return True
                if self.state.phase == "wants_certificate" and self.pushed.bundles and not self._is_uploaded():
                    # It was not shown to wait for one when this run looked first.
                    self._send()
                    if self.pause_after_sending():
                        continue
                if early := uploads.waits(self):
                    if not self.sleep(early[2]):
                        return self.keeper.park(*early)
                    continue
                reason, message = self._react()
                if reason in acknowledging.FOR_PEOPLE:
                    return self.keeper.park(reason, message, ASK_AGAIN_S)
                if not self.watch.pause():
                    return self.keeper.park(reason, message, self.watch.park_s())

    def _is_uploaded(self) -> bool:
        """Say whether an upload of this order was taken or refused, or may have been."""
        return not uploads.is_due(self)

    def _react(self) -> tuple[str, str]:
        """Do what the change asks for, and say why to wait then."""
        state = self.state
        if refused := uploads.refused(self):
            self.fail("upload_refused", refused)
        if state.phase in ("failed", "cancelled", "none"):
            self.fail_over("staging")
        if others := uploads.otherwise(self):
            self.fail("deployed_otherwise", f"staging serves {others}, which is not what was pushed")
        if state.phase == "wants_decision":
            return acknowledging.answer(self, state.notices)
        if state.phase == "deploying_staging" and self.order.state not in ("on_staging", "deploying_production"):
            self.keeper.reach("deploying_staging", "staging_deployment_seen")
        return "busy", f"CPS is at work: {state.status}"

    def acknowledge(self, found: Sequence[Notice]) -> bool:
        """Acknowledge warnings that were decided on; False when there were none any more."""
        return self.target.acknowledge(self.pushed.reference, found)

    def prove(self, network: str) -> proof.Evidence | None:
        """Give the evidence that a network serves what is pushed; None, and why on record, when there is none."""
        return completion.proved(self, network)

    def decided(self, notices: Sequence[Notice]) -> novelty.Decided:
        """Give what the order's lists decide of warnings: ``code, text, decision, is_new`` each."""
        account = self.pushed.account
        is_private = account is not None and not self.ports.ca(account).capabilities().is_public
        policy = decisions.policy_of(self.order.warnings)
        found = decisions.decisions(notices, policy, is_private=is_private)
        return novelty.of_push(self.ports.store, self.order, found)

    def _undecided(self, notices: Sequence[Notice]) -> str:
        return decisions.undecided(self.decided(notices), self.otherwise)

    def fail_over(self, network: str) -> None:
        """End the order whose change is over, though the network does not serve what it brings.

        :raises StateError: always.
        """
        state = self.state
        is_told = state.error or state.phase != "none"
        unserved = "" if is_told else f", and {network} does not serve what was pushed"
        self.fail("change_failed", (state.error or state.status or state.phase) + unserved)

    def fail(self, reason: str, message: str) -> None:
        """End the order for what CPS says.

        :raises StateError: always.
        """
        self.keeper.save("push_failed", state="failed", reason=reason, message=message)
        verb = states.VERBS[self.order.action]
        raise StateError(
            f"Work order {self.order.work_order_id} to {verb} {self.order.certificate_id} failed: CPS says {message}; "
            f"correct what it says, then {verb} again",
            code=reason,
            details={"work_order_id": self.order.work_order_id},
        )
