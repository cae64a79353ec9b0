# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Removes a certificate's enrollment, and follows that until the target knows it no more (cps-protocol §3.8, §6.6).

What is removed is what was seen when the order was made: enrollment, names, certificates served, changes that go with
it. An approval is bound to that. A change that nobody named is in the way, whoever opened it.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

from .._core.errors import RemoteError, StateError, TransportError
from .._core.plan import Step
from .._core.types import Bundle, Certificate, CertRequest, Intent
from .._store.base import Unit
from .._target.base import Presence
from . import acknowledging, approvals, completion, intents, push_stages, removal_end, removals, snapshots
from .deployment import Deployer
from .patience import ASK_AGAIN_S, LAG_S
from .pushed import Pushed

# Kinds of changes that bring a certificate, as CPS names them; one that removes an enrollment is none of these.
_BRINGS = ("new-certificate", "modify-certificate", "modify-san", "renewal")
# Phases in which no change is at work on it.
_ENDED = ("none", "cancelled")
PARKED = ("in_doubt", "needs_decision")
_FOLLOWED = ("implementing", *PARKED)
BLOCKED, LIVE, FAILED = "pending_change", "certificate_live", "removal_failed"


class Removal(Deployer):
    """Drives one work order that removes an enrollment.

    :ivar presence: what the target said last; None before it was asked.
    """

    presence: Presence | None = None
    otherwise = removal_end.NO_OTHER

    # -- looking ---------------------------------------------------------------------------------------------------

    def observe(self) -> None:
        """Ask the target what is there, and where the change stands that removes it."""
        reference = {name: self.order.change.get(name) for name in ("enrollment_id", "change_id")}
        self.presence = self.target.presence(reference, waits_for=removal_end.waits_for(self))
        self.state = self.presence.state
        self.pushed = replace(self.pushed, reference=reference)
        self._looked_at = self.ports.clock.monotonic()

    @property
    def is_gone(self) -> bool:
        """Say whether the target knows the enrollment no more."""
        return self.presence is not None and not self.presence.is_there

    @property
    def is_deployed(self) -> bool:
        """Say whether the stored order has reached what it is for."""
        return bool(self.order.version) and self.is_gone

    @property
    def is_under_way(self) -> bool:
        """Say whether the change is open that removes it."""
        return not self.is_gone and self.order.change.get("change_id") is not None and self.state.phase not in _ENDED

    @property
    def pending(self) -> list[int]:
        """Give the ids of the changes that are open and do not remove it."""
        own, found = self.order.change.get("change_id"), self.presence
        return [one["change_id"] for one in (found.pending if found else ()) if one["change_id"] != own]

    def see_settings(self) -> None:
        """Keep with the order what would be removed now, and what is approved; once it is begun, that stays."""
        found = self.presence
        if found is None or not found.names:
            return
        served = {
            f"{network}-{facts.get('key_algorithm', '')}": facts["fingerprint"]
            for network, there in (("production", found.state.production), ("staging", found.state.staging))
            for facts in there.certificates
        }
        # A change that is over removes nothing any more; the one of this order is still to be opened.
        seen = {"names": list(found.names), "pending": self.pending, "change_id": None}
        self.keeper.record = replace(self.order, fingerprints=served, change={**self.order.change, **seen})

    def see_review(self) -> None:
        """Keep with the order what CPS says of the removal, where it has stopped for an acknowledgement already."""
        review = self.target.review(self.pushed.reference) if self.state.phase == "on_staging" else None
        if review is not None:
            self.keep_review(review)

    def parts(self) -> dict[str, Any]:
        """Give what an approval is bound to."""
        order, connector = self.order, self.connector
        scripts = [connector.script_location, connector.pre_push_script, connector.post_push_script]
        change = order.change
        return {
            "action": order.action,
            "fingerprints": dict(order.fingerprints),
            "place": {"enrollment_id": change.get("enrollment_id")},
            "names": list(change.get("names", ())),
            "pending": [list(change.get("pending", ())), list(change.get("cancel_changes", ()))],
            "warnings": approvals.sha256({name: sorted(entries) for name, entries in order.warnings.items()}),
            "scripts": approvals.sha256(scripts),
            "validation_hash": change.get("validation_hash"),
        }

    # -- what can be done ------------------------------------------------------------------------------------------

    def refuse_impossible(self) -> None:
        """Refuse what is in the way of the removal.

        :raises StateError: a change is open that nobody named, or the removal itself has failed or was cancelled.
        """
        what = f"Cannot remove {self.certificate.certificate_id}"
        if self.is_under_way:
            if self.state.phase == "failed":
                raise StateError(f"{what}: CPS says {self.state.error or self.state.status}", code=FAILED)
            return
        if self.is_gone or self._found_own() is not None:
            return
        if self.order.change.get("was_gone"):
            raise StateError(
                f"{what}: enrollment {self._enrollment} was gone at CPS and is there again; ask for its removal anew",
                code=FAILED,
            )
        if self._is_over:
            raise StateError(f"{what}: {self._over}", code=self._over_code)
        named = set(self.order.change.get("cancel_changes", ()))
        others = [one for one in self.pending if one not in named]
        if others:
            raise StateError(f"{what}: {self._in_the_way(others)}", code=BLOCKED, details={"pending": others})

    @property
    def _is_over(self) -> bool:
        """Say whether the change that removes it came to its end without that: somebody may have cancelled it."""
        is_followed = self.order.change.get("change_id") is not None and self.order.state in _FOLLOWED
        return is_followed and self.state.phase in _ENDED and not self._was_asked_lately()

    @property
    def _over(self) -> str:
        return (
            f"the change that removes enrollment {self._enrollment} is over ({self.state.status}), and the enrollment "
            "is there; look at it in Akamai Control Center, then remove it again"
        )

    @property
    def _over_code(self) -> str:
        return "removal_cancelled" if self.state.phase == "cancelled" else FAILED

    def _in_the_way(self, others: list[int]) -> str:
        with self.ports.store.read() as unit:
            owners = {one: removals.opened_by(unit, self.certificate.certificate_id, one) for one in others}
        told = ", ".join(
            f"change {one} ({f'opened by {owner}' if owner else 'not opened from here'})"
            for one, owner in owners.items()
        )
        named = sorted({*self.pending})
        return (
            f"{told} of enrollment {self._enrollment} is open at CPS, and would be cancelled with it; let it end, or "
            f"say that it may be cancelled with cancel_changes: {named}"
        )

    @property
    def _enrollment(self) -> Any:
        return self.order.change.get("enrollment_id")

    @property
    def networks_ahead(self) -> tuple[str, ...]:
        """Name the network whose freezes hold; both are taken away, and nobody misses staging."""
        return ("production",)

    @property
    def purpose(self) -> str:
        """Say what the order is there for, after "Record work order wo-1"; with what CPS will do, where that waits."""
        text = f"to remove {self.certificate.certificate_id} with enrollment {self._enrollment}"
        return text if self.order.state == "implementing" else f"{text}. {self._foretold()}"

    @property
    def is_possible(self) -> bool:
        """Say whether the order can still lead to where it is to go; what speaks against that is refused beforehand."""
        return True

    @property
    def is_begun(self) -> bool:
        """Say whether the order was implemented, as far as it went."""
        if super().is_begun:
            return True
        with self.ports.store.read() as unit:
            return bool(intents.of(unit, *self.keeper.remove_key))

    def can_move(self) -> bool:
        """Say whether something can be done, or waited for, now."""
        if self.wait_s > 0 or self.is_gone:
            return True
        if not self.is_under_way:
            return not self._was_asked_lately()
        if self.state.phase == "wants_decision":
            return not self._undecided(self.state.notices) or self.order.state != "needs_decision"
        if self.state.phase == "on_staging":
            return not acknowledging.is_let_go_on(self)
        return self.state.phase != "busy" or self.order.state == "in_doubt"

    def steps(self) -> list[Step]:
        """Give the steps from where the target stands."""
        name, enrollment = self.certificate.certificate_id, self._enrollment
        if self.is_gone:
            return [Step(f"Mark {name} as vanished: CPS has no enrollment {enrollment} any more", self._until_gone)]
        steps = [] if self.is_under_way else [Step(self._foretold(), self._remove)]
        return [*steps, Step(f"Follow the removal until CPS has no enrollment {enrollment} any more", self._until_gone)]

    def _foretold(self) -> str:
        """Say how CPS will remove it."""
        state, names = self.state, ", ".join(self.presence.names if self.presence else ())
        text = f"Remove enrollment {self._enrollment} for {names} at CPS"
        if self.pending:
            text += f" with its open change {', '.join(str(one) for one in self.pending)}"
        if not state.production.certificates:
            return f"{text}, which is gone at once, for production does not serve it"
        served = completion.primary(state.production)
        return (
            f"{text}, which takes {served} off the networks by a change of its own; CPS refuses that while names still "
            "resolve to it"
        )

    # -- steps -----------------------------------------------------------------------------------------------------

    def _remove(self) -> bool:
        with self.keeper.lease():
            # Somebody may have acted since planning, or an earlier run of ours after its intent.
            is_wanted, ran = self._is_to_be_asked(), len(self.order.scripts)
            if is_wanted and not any(entry["stage"] == "pre" and not entry["failed"] for entry in self.order.scripts):
                push_stages.before(self)
                # While the script ran, others may have opened a change, which would be cancelled along.
                is_wanted = len(self.order.scripts) == ran or self._is_to_be_asked()
            if is_wanted:
                self.keeper.still_ours()
            return not is_wanted or self._ask()

    def _is_to_be_asked(self) -> bool:
        """Look whether it is still to be sent, and as it was approved.

        :raises StateError: something is in the way, and the order has ended with that; or the approval is void.
        """
        self.observe()
        self._take_up_own()
        if self.is_gone or self.is_under_way or self._was_asked_lately():
            return False
        try:
            self.refuse_impossible()
        except StateError as exc:
            self.fail(exc.code, exc.message)
        self.see_settings()
        self.check_approved()
        return True

    def _ask(self) -> bool:
        """Send it, once; what becomes of it is looked at, not believed."""
        key, clock, known = self.keeper.remove_key, self.ports.clock, self._known_changes()
        snapshots.before_write(self, snapshots.REMOVE)
        intents.begin(self.ports.store, *key, {"enrollment_id": self._enrollment, "known": known}, clock.now())
        try:
            change_id = self.target.remove(self.pushed.reference, cancel_pending=bool(self.pending))
        except RemoteError as exc:
            return self._not_taken(exc)
        with self.ports.store.write() as unit:
            intents.close_all(unit, *key, {"change_id": change_id}, clock.now())
            self._note_asked(unit, change_id)
        return True

    def _known_changes(self) -> list[int]:
        """Give the changes that were there before it was asked for first: another one may be the removal's."""
        with self.ports.store.read() as unit:
            left = intents.left_open(unit, *self.keeper.remove_key)
        return list(left.wanted["known"]) if left is not None else self.pending

    def _note_asked(self, unit: Unit, change_id: int | None, comment: str = "", told_as: str = "removal_begun") -> None:
        resumed: dict[str, Any] = {"state": "implementing"} if self.order.state in PARKED else {}
        change = {**self.order.change, "change_id": change_id}
        self.keeper.save_in(unit, told_as, comment=comment, change=change, **resumed)

    def _not_taken(self, exc: RemoteError) -> bool:
        """Tell what came of a removal that CPS did not take, or of which no answer came.

        :raises RemoteError: nobody knows; the next run looks.
        :raises StateError: CPS refuses it, and the order has ended with that.
        """
        if exc.status == 404:
            return True
        if exc.code == LIVE:
            removal_end.fail_live(self, exc, LIVE)
        if exc.status == 409:
            self.observe()
            self._take_up_own()
            if self.is_gone or self.is_under_way:
                return True
            self.fail(BLOCKED, exc.message)
        may_be_done = exc.sent if isinstance(exc, TransportError) else (exc.status or 0) >= 500
        if may_be_done and self.order.state not in PARKED:
            message = (
                f"the removal of enrollment {self._enrollment} was sent and no answer came ({exc.message}); run again "
                "to look whether CPS took it"
            )
            self.keeper.save("removal_in_doubt", state="in_doubt", reason="removal_unknown", message=message)
        raise exc

    def fail(self, reason: str, message: str, details: dict[str, Any] | None = None) -> None:
        """End the order for what CPS says.

        :raises StateError: always.
        """
        with self.ports.store.write() as unit:
            intents.close_all(unit, *self.keeper.remove_key, {"refused": reason}, self.ports.clock.now())
            self.keeper.save_in(unit, "removal_failed", state="failed", reason=reason, message=message)
        raise StateError(
            f"Work order {self.order.work_order_id} to remove {self.order.certificate_id} failed: {message}",
            code=reason,
            details={"work_order_id": self.order.work_order_id, **(details or {})},
        )

    # -- a removal whose reply was lost ----------------------------------------------------------------------------

    def _left(self) -> Intent | None:
        """Give the intent whose change is not known: no answer came, or one that names none."""
        with self.ports.store.read() as unit:
            sent = intents.of(unit, *self.keeper.remove_key)
        last = max(sent, key=lambda one: str(one.created_at), default=None)
        return last if last and last.result.get("change_id", last.finished_at) is None else None

    def _found_own(self) -> int | None:
        """Give the change that an earlier run of ours must have opened, whose answer it never got; None for none."""
        left, found = self._left(), self.presence
        if left is None or found is None or not self.pending:
            return None
        newest = found.pending[-1]
        is_new = newest["change_id"] not in left.wanted["known"]
        return int(newest["change_id"]) if is_new and newest["change_type"] not in _BRINGS else None

    def _take_up_own(self) -> None:
        """Follow such a change."""
        change_id, left = self._found_own(), self._left()
        if change_id is None or left is None:
            return
        with self.ports.store.write() as unit:
            told_as = "removal_begun" if left.finished_at is None else "removal_found"
            intents.close(unit, left, {"seen": change_id}, self.ports.clock.now())
            self._note_asked(unit, change_id, intents.LATE, told_as)
        self.observe()

    def _was_asked_lately(self) -> bool:
        """Say whether CPS took it so lately that it may still show what was there before."""
        with self.ports.store.read() as unit:
            found = intents.lately(unit, *self.keeper.remove_key, self.ports.clock.now() - timedelta(seconds=LAG_S))
        return any("refused" not in intent.result for intent in found)

    # -- until it is gone ------------------------------------------------------------------------------------------

    def _until_gone(self) -> bool:
        with self.keeper.lease():
            while True:
                self.observe()
                if self.order.change.get("change_id") is None:
                    self._take_up_own()
                removal_end.settle(self)
                if self.is_gone:
                    return removal_end.complete(self)
                reason, message = self._next()
                if reason == "needs_decision":
                    return self.keeper.park(reason, message, ASK_AGAIN_S)
                if not self.pause():
                    return self.keeper.park(reason, message, self.look_again_s)

    def _next(self) -> tuple[str, str]:
        """Do what the change asks for, and say why to wait then."""
        state = self.state
        if state.phase == "wants_decision":
            return acknowledging.decide(self, state.notices)
        if state.phase == "on_staging":
            return removal_end.let_go_on(self)
        if state.phase in ("failed", "wants_certificate"):
            self.fail(FAILED, f"CPS says {state.error or state.status}; look at it in Akamai Control Center")
        if state.phase in _ENDED and not self._was_asked_lately():
            self.fail(self._over_code, self._over)
        return "busy", f"CPS removes enrollment {self._enrollment}: {state.status}"


def subject(unit: Unit, certificate: Certificate) -> Pushed:
    """Give what is removed, as far as the store knows it: what is served where is seen by the first look."""
    request = unit.requests.get(certificate.request_id) if certificate.request_id else None
    bundles = {}
    pem = unit.pems.get(certificate.fingerprint) if certificate.fingerprint else None
    if pem is not None:
        bundles[certificate.key_algorithm or "RSA"] = Bundle(pem.leaf, (pem.chain,) if pem.chain else (), pem.root)
    account = unit.ca_accounts.get(request.ca) if request is not None else None
    asked = request or CertRequest("", certificate.certificate_id, "", "issued", certificate.ca, "")
    return Pushed(bundles, {}, {}, {"enrollment_id": certificate.enrollment_id}, asked, account)
