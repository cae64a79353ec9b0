# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Takes a change of network settings back before production has it: the change that brings them is cancelled.

Only the change of the work order that set them is ever cancelled, never another one (cps-protocol §5.5, §6.5).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from .._core import network_settings
from .._core.errors import StateError
from .._core.types import AuditEntry
from .._store.base import Unit
from .._target.base import Standing
from . import completion, intents
from .pushed import SETTINGS
from .rollback import CANCELLED, Rollback

ROLLS_BACK = "rolls_back"
"""Member of an order's ``change``: id of the work order whose settings it takes back."""


_NOTHING: Mapping[str, Any] = dict.fromkeys(network_settings.WORDS)


class SettingsRollback(Rollback):
    """Drives one work order that takes settings back.

    :ivar standing: how the enrollment was set up when it was looked at last; None before.
    """

    told_as = "settings_rolled_back"

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.standing: Standing | None = None
        # Scripts are about certificates that come and go; none does.
        self.connector = replace(self.connector, pre_push_script="", post_push_script="")

    @property
    def brought(self) -> Mapping[str, Any]:
        """Give the settings that are taken back."""
        found: Mapping[str, Any] = self.order.change[SETTINGS]["before"]
        return found

    def observe(self) -> None:
        """Ask the target how the enrollment is set up, and where the change stands."""
        self.standing = self.target.standing(int(self.pushed.reference["enrollment_id"]))
        self.state = self.target.observe(self.pushed.reference, {})
        self._looked_at = self.ports.clock.monotonic()

    @property
    def _is_live(self) -> bool:
        if self.state.phase != "none" or self.standing is None or not self.state.production.certificates:
            return False
        if self._is_cancelled():
            return False
        missing = network_settings.hidden(self.brought, self.state.production.settings, self.standing.sans)
        return not missing and not self.still_asked

    def _is_cancelled(self) -> bool:
        """Say whether its change is over because of a cancellation, as far as that has to be known.

        What no network tells, as mutual authentication, would look live after a cancellation whose answer was lost.
        """
        settings, key = self.order.change[SETTINGS], self.keeper.cancel_key
        changed = network_settings.differing({**_NOTHING, **settings["before"]}, {**_NOTHING, **settings["after"]})
        with self.ports.store.read() as unit:
            if set(changed) <= {network_settings.MUTUAL, "clone_dns_names"} and intents.may_be_done(unit, *key):
                return True
            return any(CANCELLED in one.result for one in intents.of(unit, *key))

    @property
    def still_asked(self) -> list[str]:
        """Name what the enrollment asks for otherwise than what is taken back."""
        there = self.standing.settings if self.standing is not None else {}
        return network_settings.differing({**there, **self.brought}, there) if there else []

    def refuse_impossible(self) -> None:
        """Refuse what CPS cannot do any more.

        :raises StateError: the settings are on production or on their way there, or their change is over.
        """
        what, change = f"Cannot roll the settings of {self.certificate.certificate_id} back", self.order.change
        number, phase = change.get("change_id"), self.state.phase
        if self._is_live:
            raise StateError(
                f"{what}: production has them. Run it with roll_forward: true and the network, which sets "
                f"{', '.join(self.brought)} to what work order {change[ROLLS_BACK]} found there, by a change of its "
                "own; for the certificate say rollback_of: push",
                code="rollback_impossible",
                details={"work_order_id": change[ROLLS_BACK]},
            )
        if phase == "deploying_production" or (phase == "busy" and completion.is_going_on(self)):
            raise StateError(
                f"{what}: CPS is putting them on production ({self.state.status}); wait until they are there, then run "
                "it with roll_forward: true",
                code="rollback_too_late",
            )
        if phase in ("none", "cancelled"):
            raise StateError(
                f"{what}: change {number}, which work order {change[ROLLS_BACK]} opened, is over and production does "
                "not have them; there is nothing to take back",
                code="nothing_to_roll_back",
            )

    @property
    def purpose(self) -> str:
        """Say what the order is there for, after "Record work order wo-1"."""
        ids, words = self.order.change, ", ".join(self.brought)
        return f"to take back {words} of {self.certificate.certificate_id} by cancelling change {ids.get('change_id')}"

    def _left(self) -> str:
        wanted = self.order.change[SETTINGS]["after"]
        there = self.standing.settings if self.standing is not None else wanted
        left = network_settings.differing({**there, **wanted}, there)
        if not left:
            return ""
        return (
            f"the change is cancelled, and CPS keeps {', '.join(left)} in the enrollment: the next change would bring "
            "them; run the same with roll_forward: true, which sets them back"
        )

    def _go_back(self, unit: Unit) -> None:
        """Let the inventory tell of what the networks have."""
        certificate, now = unit.certificates.get(self.certificate.certificate_id), self.ports.clock.now()
        if certificate is None:
            return
        staging, production = completion.shown(self, certificate)
        shown = replace(certificate, staging=staging, production=production, pending_changes=(), updated_at=now)
        unit.certificates.put(shown)
        settings, key = self.order.change[SETTINGS], certificate.certificate_id
        after = {SETTINGS: dict(settings["after"]), "work_order_id": self.order.work_order_id}
        before = {SETTINGS: dict(settings["before"]), "work_order_id": self.order.change[ROLLS_BACK]}
        entry = AuditEntry(self.ports.actor, "certificate_settings_rolled_back", "certificate", key, before, after)
        unit.audit(replace(entry, tracking_id=self.order.tracking_id))
