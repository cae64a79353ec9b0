# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Changes network settings of a live enrollment: one update, followed to its network and proved there.

What is to be is held against what is there at every look: nothing is sent twice, and nothing of others is undone. A
change that somebody else opened is never touched. Where CPS wants a certificate for the settings, the way on is said.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

from .._core import network_settings
from .._core.clock import to_text
from .._core.errors import PolicyError, RemoteError, StateError, TransportError
from .._core.plan import Step
from .._core.types import Notice
from .._target.base import NetworkFacts, Standing
from . import acknowledging, completion, intents, patience, production, proof, refusal_proof, snapshots, states
from .deployment import Deployer
from .impossible import refuse_late, refuse_open_change, want_certificate
from .keeper import Told
from .patience import LAG_S
from .pushed import RESTORES, SETTINGS

OVER = "change_over"
"""Reason of an order that waits: its change is over, and its network does not show yet what that was to bring."""


class Configuring(Deployer):
    """Drives one work order that changes network settings.

    :ivar standing: how the enrollment was set up when it was looked at last; None while that is not known.
    """

    otherwise = "take the settings back with edgecert.clm.cert_push and action: rollback"

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.standing: Standing | None = None
        self._is_early = False
        # Scripts are about certificates that come and go; none does.
        self.connector = replace(self.connector, pre_push_script="", post_push_script="")

    @property
    def after(self) -> Mapping[str, Any]:
        """Give the settings that are to be."""
        found: Mapping[str, Any] = self.order.change[SETTINGS]["after"]
        return found

    @property
    def is_opened(self) -> bool:
        """Say whether the change of this order is known."""
        return self.pushed.reference.get("change_id") is not None

    @property
    def is_asked(self) -> bool:
        """Say whether the enrollment asks for the settings already."""
        if self.is_opened and self.state.phase != "none":
            return True
        return self.standing is not None and not self._differing(self.standing)

    def _differing(self, standing: Standing) -> dict[str, Any]:
        """Give what an enrollment still has to be asked for; the two words about DNS names come together."""
        words = set(network_settings.differing(standing.settings, {**standing.settings, **self.after}))
        if words & set(network_settings.DNS):
            words |= set(network_settings.DNS)
        return {word: value for word, value in self.after.items() if word in words}

    @property
    def bound(self) -> dict[str, Any]:
        """Give what an approval is bound to: the settings, and what they were before."""
        before = self.order.change[SETTINGS]["before"]
        if self.standing is not None and not self.is_opened and not self.is_asked:
            before = {word: self.standing.settings[word] for word in self.after}
        return {"before": before, "after": dict(self.after)}

    def see_settings(self) -> None:
        """Keep with the order what the settings are before: that is part of what is approved."""
        if self.bound != self.order.change[SETTINGS]:
            self.keeper.record = replace(self.order, change={**self.order.change, SETTINGS: self.bound})

    def observe(self) -> None:
        """Ask the target how the enrollment is set up, and where the change stands."""
        number = int(self.pushed.reference["enrollment_id"])
        if not self.is_opened:
            self.standing = self.target.standing(number)
            self._find_own()
        waits_for = patience.waits_for(self.order, self.ports.clock.now())
        self.state = self.target.observe(self.pushed.reference, {}, waits_for=waits_for, settings=self.after)
        self._is_early = False
        if self.is_opened and self.state.phase == "none":
            # It is over, or not shown yet.
            self.standing = self.target.standing(number)
        elif self.standing is not None and not self.is_opened:
            self.state = replace(self.state, goes_on=self.standing.goes_on)
        if self.state.phase == "wants_csr":
            notices, self._is_early = tuple(self.target.checks(self.pushed.reference)), True
            self.state = replace(self.state, phase="wants_decision" if notices else "busy", notices=notices)
        self._looked_at = self.ports.clock.monotonic()

    def _find_own(self) -> None:
        """Take up the change that an earlier run asked for and did not put on record."""
        with self.ports.store.read() as unit:
            was_sent = intents.may_be_done(unit, *self.keeper.settings_key)
        if was_sent and self.standing is not None and self.standing.changes and self.is_asked:
            self._refer(self.standing.changes[-1]["change_id"])

    def _refer(self, change_id: int | None) -> None:
        self.pushed = replace(self.pushed, reference={**self.pushed.reference, "change_id": change_id})

    # -- where it stands -------------------------------------------------------------------------------------------

    def _serves(self, network: NetworkFacts) -> bool:
        return bool(network.certificates) and not self._hidden(network)

    def _hidden(self, network: NetworkFacts) -> list[str]:
        sans = self.standing.sans if self.standing is not None else tuple(self.certificate.sans)
        return network_settings.hidden(self.after, network.settings, sans)

    @property
    def is_deployed(self) -> bool:
        """Say whether the order's network has the settings: it tells them, and no change is left that brings them."""
        if not self.is_asked:
            return False
        if self.state.phase == "none":
            return self._serves(self.state.production) and not (self._is_untold and self._is_coming)
        return self.order.network == "staging" and self._is_shown_on_staging

    @property
    def _is_untold(self) -> bool:
        """Say whether something is wanted that no network tells of."""
        return network_settings.MUTUAL in self.after

    @property
    def _is_coming(self) -> bool:
        """Say whether a change may still bring what is asked for: one is open, or ours was never seen to be."""
        if self.standing is None or self.standing.changes:
            return True
        return self.is_opened and self.order.state == "implementing" and self._is_sent_lately()

    @property
    def _is_shown_on_staging(self) -> bool:
        return self.state.phase == "on_staging" and self._serves(self.state.staging)

    @property
    def is_staged(self) -> bool:
        """Say whether staging has the settings, or the order is past that."""
        is_past = self.order.state == "deploying_production" or self._waits_for_a_date
        return self.is_deployed or is_past or self._is_shown_on_staging

    @property
    def is_possible(self) -> bool:
        """Say whether the order can still lead to its network; what speaks against that is refused beforehand."""
        return True

    @property
    def is_begun(self) -> bool:
        """Say whether something was sent for it."""
        if self.order.state not in states.BEFORE_IMPLEMENTING:
            return True
        with self.ports.store.read() as unit:
            return bool(intents.of(unit, *self.keeper.settings_key))

    @property
    def purpose(self) -> str:
        """Say what the order is there for, after "Record work order wo-1"."""
        back = ", ".join(str(key) for key in self.order.change.get(RESTORES, {}).values())
        as_in = f" to what they were in {back}" if back else ""
        return f"to change {', '.join(self.after)} of {self.certificate.certificate_id}{as_in}"

    def refuse_impossible(self) -> None:
        """Refuse what CPS cannot do, or would do too much of, before anything is sent.

        :raises StateError: another change is open, nothing is live yet, or the change of this order came to nothing.
        :raises PolicyError: CPS would deploy to production without being asked.
        """
        what, number = f"Cannot configure {self.certificate.certificate_id}", self.pushed.reference["enrollment_id"]
        state, standing = self.state, self.standing
        if not self.is_opened and standing is not None and standing.changes:
            refuse_open_change(self, standing.changes[-1])
        if not self.is_opened and not state.production.certificates:
            raise StateError(
                f"{what}: production serves nothing of enrollment {number} yet; settings of a new enrollment come from "
                "edgecert.clm.akamai_vendor_settings. Push it to production with edgecert.clm.cert_push first",
                code="not_live",
            )
        is_ended = state.phase == "none" and (self._came_to_nothing() or self._is_seen_over())
        if state.phase in ("failed", "cancelled") or is_ended:
            raise StateError(
                f"{what}: change {self.pushed.reference['change_id']} is over and production does not have the "
                f"settings ({state.error or state.status}); it was cancelled, or others were set since: run again to "
                "begin anew",
                code="change_failed",
                details={"status": state.status},
            )
        if state.goes_on and self.order.network == "staging":
            raise PolicyError(
                f"{what} on staging only: change management is off in enrollment {number}, so CPS would go on to "
                "production by itself; turn it on in Akamai Control Center, or use network: production",
                code="would_reach_production",
            )
        if not self.is_opened:
            refuse_late(self)

    def _came_to_nothing(self) -> bool:
        return self.is_opened and not self.is_asked and not self._is_sent_lately()

    @property
    def _is_over(self) -> bool:
        """Say whether its change is over, and production is not seen to have what that was to bring."""
        return self.is_opened and self.state.phase == "none" and not self.is_deployed and not self._is_coming

    def _is_seen_over(self) -> bool:
        """Say whether an earlier look saw that too, so long ago that production would be seen to have it by now."""
        due, now = self.order.next_look_at, self.ports.clock.now()
        return self._is_over and self.order.reason == OVER and (due is None or due <= now)

    def note(self) -> None:
        """Keep what was seen of an order that waits; that its change is over is for the next look to decide on."""
        super().note()
        if self._is_over:
            message = f"change {self.pushed.reference['change_id']} is over, and production does not show the settings"
            self.keeper.park(OVER, f"{message} yet; it is looked at once more", LAG_S)

    def _is_sent_lately(self) -> bool:
        """Say whether it was sent so lately that CPS may not show it yet."""
        with self.ports.store.read() as unit:
            since = self.ports.clock.now() - timedelta(seconds=LAG_S)
            return bool(intents.lately(unit, *self.keeper.settings_key, since))

    def can_move(self) -> bool:
        """Say whether something can be done, or waited for, now."""
        if self.is_deployed or self.wait_s > 0 or self._is_due or self.state.phase == "wants_certificate":
            return True
        if self.is_staged:
            return production.can_move(self)
        if (self.state.phase, self.order.state) == ("deploying_staging", "implementing"):
            return True
        return self.state.phase == "wants_decision" and (
            not self._undecided(self.state.notices) or self.order.state != "needs_decision"
        )

    # -- steps -----------------------------------------------------------------------------------------------------

    @property
    def _is_due(self) -> bool:
        """Say whether the enrollment has to be asked, or what came of an earlier run has to be put on record."""
        if self.order.change.get("change_id"):
            return False
        return self.is_opened or not self.is_asked or self._is_left_undeployed

    @property
    def _is_left_undeployed(self) -> bool:
        """Say whether the enrollment asks for it and nobody brings it to the networks, as after a cancelled change; it
        is sent once more then, and not a second time."""
        if self.is_deployed or self._is_coming or self.state.phase != "none":
            return False
        with self.ports.store.read() as unit:
            return not intents.of(unit, *self.keeper.settings_key)

    def steps(self) -> list[Step]:
        """Give the steps from where the enrollment stands."""
        network, name = self.order.network, self.certificate.certificate_id
        steps = []
        if self._is_due:
            number = self.pushed.reference["enrollment_id"]
            steps.append(Step(f"Change {', '.join(self.after)} of enrollment {number} at CPS", self._configure))
        if not self.is_staged:
            steps.append(Step(f"Follow the change until staging has the settings of {name}", self._follow))
        if network == "production" and not self.is_deployed:
            steps += production.steps(self)
        text = f"Prove that {network} has the settings of {name}, {refusal_proof.described(self.order, network)}"
        return [*steps, Step(text, lambda: completion.complete(self))]

    def _configure(self) -> bool:
        with self.keeper.lease():
            # Somebody may have acted since planning, or an earlier run of ours after its intent.
            self.observe()
            if not self._is_due:
                return True
            if self.is_opened:
                return self._keep_change(self.pushed.reference["change_id"], intents.LATE)
            self.refuse_impossible()
            self.check_approved()
            if self.standing is None:
                return False
            self.see_settings()
            wanted = self._differing(self.standing) or dict(self.after)
            snapshots.before_write(self, snapshots.UPDATE)
            intent = {**self.bound, "sent": wanted}
            intents.begin(self.ports.store, *self.keeper.settings_key, intent, self.ports.clock.now())
            try:
                opened = self.target.configure(self.standing, wanted)
            except RemoteError as exc:
                self._not_taken(exc)
                raise
            self.sent()
            return self._keep_change(opened, "")

    def _keep_change(self, change_id: int | None, comment: str) -> bool:
        self._refer(change_id)
        key, now = self.keeper.settings_key, self.ports.clock.now()
        resumed = {"state": "implementing"} if self.order.state == "in_doubt" else {}
        with self.ports.store.write() as unit:
            intents.close_all(unit, *key, {"change_id": change_id}, now)
            change = {**self.order.change, "change_id": change_id}
            told: Told = ({}, {SETTINGS: self.order.change[SETTINGS], "change_id": change_id})
            self.keeper.save_in(unit, "settings_changed", comment=comment, change=change, told=told, **resumed)
        return True

    def _not_taken(self, exc: RemoteError) -> None:
        """Keep what is known of an update that was not answered as it should: refused, or nobody knows."""
        is_unknown = exc.sent if isinstance(exc, TransportError) else (exc.status or 0) >= 500
        if not is_unknown:
            with self.ports.store.write() as unit:
                intents.close_all(unit, *self.keeper.settings_key, {"refused": exc.message}, self.ports.clock.now())
        elif self.order.state != "in_doubt":
            message = (
                f"the settings were sent to enrollment {self.pushed.reference['enrollment_id']} and no answer came "
                f"({exc.message}); run again to look whether CPS took them"
            )
            self.keeper.save("push_in_doubt", state="in_doubt", reason="settings_unknown", message=message)

    def settle(self) -> None:
        """Leave the doubt once the target shows what came of it, and make up for what an earlier run did not say."""
        if self.is_deployed:
            self.keeper.settle(self.keeper.production_key, "production_acknowledged")
        if self.is_asked:
            self.keeper.settle(self.keeper.settings_key, "settings_changed")
        if self.state.phase not in ("none", "wants_decision"):
            self.keeper.settle(self.keeper.acknowledge_key, "warnings_acknowledged")
        if self.order.state == "in_doubt" and self.is_asked:
            self.keeper.save("push_doubt_settled", state="implementing")

    def acknowledge(self, found: Sequence[Notice]) -> bool:
        """Acknowledge warnings that were decided on, those from before the change as those of it."""
        acknowledge = self.target.acknowledge_checks if self._is_early else self.target.acknowledge
        return acknowledge(self.pushed.reference, found)

    def _react(self) -> tuple[str, str]:
        """Do what the change asks for, and say why to wait then."""
        state = self.state
        if state.phase == "wants_certificate":
            want_certificate(self)
        if state.phase in ("failed", "cancelled") or (state.phase == "none" and self._came_to_nothing()):
            self.fail("change_failed", state.error or state.status or state.phase)
        if state.phase == "wants_decision":
            return acknowledging.decide(self, state.notices)
        if state.phase == "deploying_staging" and self.order.state not in ("on_staging", "deploying_production"):
            self.keeper.reach("deploying_staging", "staging_deployment_seen")
        if state.phase in ("on_staging", "none"):
            network = state.staging if state.phase == "on_staging" else state.production
            missing = ", ".join(self._hidden(network)) or "the change"
            if self._is_coming or self._is_sent_lately():
                return states.NOT_PROVEN, f"CPS does not show {missing} yet"
            number = self.pushed.reference["enrollment_id"]
            left = f"enrollment {number} asks for {missing}, production does not have it, and no change is open"
            return OVER if self.is_opened else states.NOT_PROVEN, f"{left}; look at it in Akamai Control Center"
        return "busy", f"CPS is at work: {state.status}"

    def prove(self, network: str) -> proof.Evidence | None:
        """Give the evidence that a network has the settings; None, and why on record, when there is none in time."""
        while True:
            evidence, missing = self._proof_of(network)
            if not missing:
                return refusal_proof.of_versions(self, network, evidence)
            if not self.pause():
                self.reach_network(network)
                self.keeper.park(states.NOT_PROVEN, "; ".join(missing), self.look_again_s)
                return None

    def _proof_of(self, network: str) -> tuple[proof.Evidence, list[str]]:
        """Give what the deployments API tells of the settings, and what it does not show yet."""
        facts = self.state.production if network == "production" or self.state.phase == "none" else self.state.staging
        missing = self._hidden(facts)
        if missing:
            # For the next look.
            self.observe()
            return [], [f"{network} does not show {', '.join(missing)} yet"]
        at = to_text(self.ports.clock.now())
        told = [word for word in self.after if word != network_settings.MUTUAL and facts.settings.get(word) is not None]
        entry = {"kind": "api", "network": network, "at": at, "fingerprint": completion.primary(facts)}
        evidence = [{**entry, "where": "deployments", "settings": ", ".join(told)}]
        if network_settings.MUTUAL in self.after:
            # No network tells of it: the enrollment has it, and the change that brings it has come this far.
            evidence.append({**entry, "where": "enrollment", "settings": network_settings.MUTUAL})
        return evidence, []
