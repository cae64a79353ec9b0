# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How a push watches its change: which stage that is in, when to look next, what each look teaches of the device."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from .._core.clock import from_text
from .._target.base import REVIEW, STAGED, WARNINGS
from . import intents, paces, patience, states
from .deployment_date import NOT_BEFORE
from .patience import HELD_UNTIL, LAG_S

if TYPE_CHECKING:
    from .._core.types import Intent
    from .deployment import Deployer

# States of an order whose change is followed.
_FOLLOWED = ("implementing", "deploying_staging", "deploying_production")
# Phases of a change that is not at the end of a stage.
_AT_WORK = ("busy", "deploying_staging", "deploying_production", "wants_certificate")


class Watch:
    """Watches the change of one work order.

    Stages are told by what was sent, and when; that is in the store, so that the next run knows it too.
    """

    def __init__(self, deployer: Deployer) -> None:
        self._deployer = deployer
        self._due_s: float | None = None
        self._learned: set[str] = set()
        self._expected = ""

    def stage(self) -> tuple[str, datetime]:
        """Give the stage and when it began, UTC."""
        keeper, order = self._deployer.keeper, self._deployer.order
        with self._deployer.ports.store.read() as unit:
            uploaded, acknowledged, let_go, changed = (
                _last(intents.of(unit, *key))
                for key in (keeper.upload_key, keeper.acknowledge_key, keeper.production_key, keeper.settings_key)
            )
        if order.state == "deploying_production":
            return paces.PRODUCTION, let_go or self._entered(order.state)
        sent = max((one for one in (uploaded, changed) if one), default=None)
        if acknowledged and (sent is None or acknowledged > sent):
            return paces.STAGING, acknowledged
        is_verified = order.state in ("deploying_staging", "on_staging")
        return paces.STAGING if is_verified else paces.VERIFY, sent or self._entered(order.state)

    def _entered(self, state: str) -> datetime:
        """Give when the order came to a state, as far as is on record."""
        order = self._deployer.order
        at = [from_text(step["at"]) for step in order.conditions if step["type"] == state]
        return at[-1] if at else order.updated_at or self._deployer.ports.clock.now()

    @property
    def pace(self) -> paces.Pace:
        """Give what is known of the device."""
        with self._deployer.ports.store.read() as unit:
            return paces.of(unit, self._deployer.order.device)

    def park_s(self) -> float:
        """Give the seconds until the next look is worth it, together with all that wait at the same place."""
        deployer, (stage, since) = self._deployer, self.stage()
        place = patience.place_of(deployer.ports, deployer.order.device, deployer.certificate.contract_id)
        waited_s = self._waited_s(since)
        left_s = self.pace.next_s(stage, waited_s, is_waited=deployer.wait_s > 0) - waited_s
        return patience.on_beat(left_s, place, deployer.ports.clock.now())

    def pause(self) -> bool:
        """Wait until the next look; False when the time to wait is over."""
        stage, since = self.stage()
        waited_s = self._waited_s(since)
        self._due_s = self.pace.next_s(stage, waited_s)
        return self._deployer.sleep(self._due_s - waited_s)

    def expects(self) -> str:
        """Name what the next look is expected to find, so that it costs the fewest calls; empty for nothing known.

        Whatever else it finds then is told all the same.
        """
        order, self._expected = self._deployer.order, ""
        if order.state in (*_FOLLOWED, "on_staging"):
            stage, since = self.stage()
            waited_s = self._waited_s(since)
            if stage == paces.VERIFY:
                pace = self.pace
                self._expected = WARNINGS if pace.is_warned and pace.is_over_by(stage, waited_s) else ""
            elif stage == paces.STAGING and order.action == "push":
                self._expected = self._of_staging(since, waited_s)
            else:
                self._expected = patience.waits_for(order, self._deployer.ports.clock.now())
        return self._expected

    def _of_staging(self, since: datetime, waited_s: float) -> str:
        """Name what is expected of a change that deploys to staging, and stops there if it is to go to production."""
        order = self._deployer.order
        # What was acknowledged may still be shown as it was before; a date that is set, and whether CPS took an
        # acknowledgement whose answer was lost, is told by the change alone.
        is_there = order.network == "staging" and order.state == "on_staging"
        if waited_s < LAG_S or self._is_told_by_change() or is_there:
            return ""
        network = patience.asked_of_lists("staging", order, since, self._deployer.ports.clock.now())
        if not network or order.network == "staging":
            return network
        return REVIEW if self.pace.may_be_over_by(paces.STAGING, waited_s) else STAGED

    def _is_told_by_change(self) -> bool:
        """Say whether an order of ours set a date for this change at CPS, or may have let it go on."""
        order, key = self._deployer.order, self._deployer.keeper.production_key
        with self._deployer.ports.store.read() as unit:
            if intents.is_open(unit, *key):
                return True
            others = unit.work_orders.find(certificate_id=order.certificate_id)
        change_id = order.change.get("change_id")
        return any(one.change.get(HELD_UNTIL) for one in others if one.change.get("change_id") == change_id)

    def saw(self) -> None:
        """Learn from the look that was made: how long the stage takes at this device."""
        deployer, order = self._deployer, self._deployer.order
        phase = deployer.state.phase
        if order.state not in _FOLLOWED or order.action != "push":
            return
        stage, since = self.stage()
        # How long a date was waited for, or a proof, tells nothing of how long CPS takes.
        if order.reason == states.NOT_PROVEN or (stage == paces.PRODUCTION and self._is_dated):
            return
        waited_s = self._waited_s(since)
        # A list shows what staging serves, and not whether the change has come to its stop there.
        is_presumed = self._expected in (REVIEW, STAGED) and deployer.is_staged
        if stage in self._learned or is_presumed or not self._is_ours(stage):
            return
        is_warned = phase == "wants_decision"
        is_over = {
            paces.VERIFY: is_warned or phase in ("deploying_staging", "on_staging") or deployer.is_staged,
            paces.STAGING: phase == "on_staging" or deployer.is_staged,
            paces.PRODUCTION: deployer.is_deployed,
        }[stage]
        if is_over:
            self._end(stage, since, is_warned=is_warned)
        elif phase in _AT_WORK:
            self._learn(lambda pace: pace.after_vain(stage, waited_s))

    @property
    def _is_dated(self) -> bool:
        """Say whether CPS waits, or waited, for a date before it goes on to production."""
        change = self._deployer.order.change
        return bool(change.get(NOT_BEFORE) or change.get(HELD_UNTIL)) or self._deployer.state.held_until is not None

    def stopped(self, *, has_stopped: bool) -> None:
        """Learn from the review: whether the change has come to its stop on staging."""
        stage, since = self.stage()
        if stage != paces.STAGING or stage in self._learned or self._expected != REVIEW or not self._is_ours(stage):
            return
        if has_stopped:
            self._end(stage, since)
        else:
            waited_s = self._waited_s(since)
            self._learn(lambda pace: pace.after_vain(stage, waited_s))

    def _end(self, stage: str, since: datetime, *, is_warned: bool = False) -> None:
        self._learned.add(stage)
        waited_s, due_s = self._waited_s(since), self._planned_s(stage, since)

        def end(pace: paces.Pace) -> paces.Pace:
            known = pace.after(stage, waited_s, due_s)
            return known.warned(is_warned=is_warned) if stage == paces.VERIFY else known

        self._learn(end)

    def _is_ours(self, stage: str) -> bool:
        """Say whether this order began the stage: else nobody knows when it did."""
        keeper = self._deployer.keeper
        key = keeper.production_key if stage == paces.PRODUCTION else keeper.upload_key
        with self._deployer.ports.store.read() as unit:
            return _last(intents.of(unit, *key)) is not None

    def _planned_s(self, stage: str, since: datetime) -> float:
        """Give when this look was planned, in seconds since the stage began."""
        planned = self._deployer.order.next_look_at
        if self._due_s is not None:
            return self._due_s
        if planned is not None and planned > since:
            return (planned - since).total_seconds()
        return self.pace.next_s(stage, 0.0)

    def _learn(self, change: paces.Change) -> None:
        ports = self._deployer.ports
        paces.learn(ports.store, self._deployer.order.device, change, ports.clock.now())

    def _waited_s(self, since: datetime) -> float:
        return max(0.0, (self._deployer.ports.clock.now() - since) / timedelta(seconds=1))


def _last(found: list[Intent]) -> datetime | None:
    """Give when such a thing was done last; None for never, as far as is known."""
    at = [one.finished_at for one in found if one.finished_at is not None and intents.REFUSED not in one.result]
    return max(at, default=None)
