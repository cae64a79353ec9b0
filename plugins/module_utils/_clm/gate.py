# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The way of a request or work order from its submission to its implementation (E24, W2, W4).

What time alone allows is done by whoever looks next: a scheduled approval counts, a scheduled implementation begins, an
expired or void approval is taken away. Knows neither CA nor target.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any, Generic

from .._core.clock import from_text, to_text
from .._core.errors import PolicyError, StateError
from .._core.plan import Step
from .._core.types import CertRequest, WorkOrder
from .._store.base import Unit
from . import approvals, states
from .keeper import FREEZE_OVERRIDDEN, Keeper, R

TIME_PASSED = "time_passed"
"""Reason of what was approved only after the time it was to be implemented at."""


def submitted(record: R, *, comment: str, now: datetime, actor: str = "", why_free: str = "", override: str = "") -> R:
    """Give the record as it stands once submitted: what needs no approval goes on at once.

    :param record: its ``policy``, ``manual_implementation`` and ``scheduled_at`` are set.
    :param actor: who submits it; empty for who made it.
    :param why_free: why nobody has to approve, where the policy does not say so by itself.
    :param override: the reason for which a freeze was passed over.
    """
    who: str = actor or record.actor
    steps: list[Mapping[str, Any]] = [_step("submitted", who, comment, now), *_overridden(override, who, now)]
    state = "submitted"
    if not approvals.levels(record):
        steps.append(_step("approved", approvals.POLICY, why_free or _why_free(record), now))
        state = "approved"
        following = _after_approval(record, now)
        if following:
            steps.append(_step(following, who, "", now))
            state = following
    return replace(record, state=state, conditions=(*record.conditions, *steps))


def _overridden(reason: str, actor: str, now: datetime) -> list[dict[str, Any]]:
    return [_step(FREEZE_OVERRIDDEN, actor, reason.strip(), now)] if reason.strip() else []


def overridden_at(record: CertRequest | WorkOrder) -> datetime | None:
    """Give when somebody last gave a reason to implement it although its group is frozen, UTC; None for never."""
    given = [step["at"] for step in record.conditions if step["type"] == FREEZE_OVERRIDDEN]
    return from_text(given[-1]) if given else None


def _why_free(record: CertRequest | WorkOrder) -> str:
    if record.policy.get("auto_approve"):
        return f"group {record.policy.get('group')} approves by itself"
    return "no approval is asked for"


def _after_approval(record: CertRequest | WorkOrder, now: datetime) -> str:
    """Say which state follows an approval without anybody's doing; empty when somebody has to implement it."""
    if record.scheduled_at is not None and record.scheduled_at > now:
        return "scheduled"
    return "" if record.manual_implementation else "implementing"


def _too_late(record: CertRequest | WorkOrder) -> str:
    """Say that the time it was to be implemented at had passed before it was approved; empty when it had not.

    Implemented then, it would be at a time that nobody has chosen.
    """
    from_then = max((from_text(entry["effective_at"]) for entry in record.approvals), default=None)
    if record.scheduled_at is None or from_then is None or from_then <= record.scheduled_at:
        return ""
    return (
        f"the time it was scheduled for, {to_text(record.scheduled_at)}, had passed when it was approved; implement it "
        "or schedule it anew with edgecert.clm.cert_workflow"
    )


def state_after_approval(record: CertRequest | WorkOrder, now: datetime) -> str:
    """Give the state a record is in once its last approval was given."""
    if not approvals.is_complete(record, now):
        is_short = len(record.approvals) < approvals.levels(record)
        return "review_in_progress" if is_short and isinstance(record, WorkOrder) else record.state
    return "scheduled" if _after_approval(record, now) == "scheduled" else "approved"


def _step(kind: str, actor: str, comment: str, now: datetime) -> dict[str, Any]:
    return {"type": kind, "at": to_text(now), "actor": actor, "comment": comment}


def due(record: CertRequest | WorkOrder, now: datetime) -> str:
    """Name what time alone allows now: ``expire``, ``approve``, ``implement``; empty when it waits."""
    if record.state not in states.BEFORE_IMPLEMENTING or record.state == "draft":
        return ""
    ends = approvals.expires_at(record)
    if ends is not None and ends <= now:
        return "expire"
    if record.state in ("submitted", "review_in_progress"):
        return "approve" if approvals.is_complete(record, now) else ""
    if record.scheduled_at is not None:
        return "implement" if record.scheduled_at <= now else ""
    return "" if record.manual_implementation else "implement"


def due_at(record: CertRequest | WorkOrder, now: datetime) -> datetime | None:
    """Give when ``due`` will name something next; None when that hangs on a person."""
    if due(record, now):
        return now
    moments = [approvals.expires_at(record)]
    if record.state in ("approved", "scheduled"):
        moments.append(record.scheduled_at)
    elif record.state != "draft" and len(record.approvals) >= approvals.levels(record):
        moments += [from_text(entry["effective_at"]) for entry in record.approvals]
    return min((moment for moment in moments if moment is not None and moment > now), default=None)


def waits_for(record: CertRequest | WorkOrder, now: datetime) -> str:
    """Say what a record before its implementation waits for, for people."""
    if record.state == "draft":
        return "waits to be submitted"
    if record.state in ("submitted", "review_in_progress"):
        return approvals.missing(record, now)
    if record.scheduled_at is not None and record.scheduled_at > now:
        return f"is scheduled for {to_text(record.scheduled_at)}"
    ends = approvals.expires_at(record)
    until = f"; its approvals expire at {to_text(ends)}" if ends else ""
    return f"waits to be implemented{until}"


class Gate(Generic[R]):
    """Takes one record through review to implementation.

    :param parts: gives what would be implemented now, for the approvals' digest; may ask the target.
    :param check_freeze: raises PolicyError while nothing may be implemented.
    :param override: the reason for which it does not, kept on record.
    """

    def __init__(
        self,
        keeper: Keeper[R],
        parts: Callable[[], approvals.Parts],
        check_freeze: Callable[[datetime], None],
        override: str = "",
    ) -> None:
        self.keeper: Keeper[R] = keeper
        self._parts, self._freeze, self._override = parts, check_freeze, override

    def check_freeze(self) -> None:
        """Refuse to implement now, where the group is frozen.

        :raises PolicyError: it is.
        """
        self._freeze(self._now)

    @property
    def _now(self) -> datetime:
        return self.keeper.ports.clock.now()

    def pass_over(self, reason: str) -> bool:
        """Keep the reason for which a freeze is passed over that began after the implementation did."""
        keeper, record = self.keeper, self.keeper.record
        steps = _overridden(reason, keeper.ports.actor, self._now)
        stands: dict[str, Any] = {"reason": record.reason, "message": record.message}
        keeper.save(f"{keeper.kind.noun}_freeze_overridden", comment=reason.strip(), steps=steps, **stands)
        return True

    def submit(self, comment: str) -> None:
        """Submit a draft.

        :raises PolicyError: it needs no approval, and nothing may be implemented now.
        """
        keeper, now = self.keeper, self._now
        actor = keeper.ports.actor
        wanted = submitted(keeper.record, comment=comment, now=now, actor=actor, override=self._override)
        if wanted.state == "implementing":
            self._freeze(now)
        with keeper.ports.store.write() as unit:
            known = len(keeper.record.conditions)
            steps = wanted.conditions[known:]
            notes = [step for step in steps if step["type"] == FREEZE_OVERRIDDEN]
            if actor != keeper.record.actor:
                notes.append(_step(approvals.CHANGED, actor, "submitted the draft", now))
            keeper.save_in(unit, "request_submitted", comment=comment, state="submitted", steps=notes)
            for step in steps:
                if step["type"] not in ("submitted", FREEZE_OVERRIDDEN):
                    action = f"{keeper.kind.noun}_{step['type']}"
                    keeper.save_in(unit, action, state=step["type"], message=step["comment"])

    def approve(self, *, at: datetime | None, comment: str) -> None:
        """Give the next approval, and go on when it was the last one and counts now.

        :raises ClmError: this person may not, or the time is wrong.
        """
        keeper: Keeper[R] = self.keeper
        now = self._now
        if due(keeper.record, now) == "expire":
            self.take_back(*self._why_expired(now))
        entry = approvals.given(
            keeper.record, actor=keeper.ports.actor, at=at, comment=comment, parts=self._parts(), now=now
        )
        given = (*keeper.record.approvals, entry)
        step = _step(f"approval_{entry['level']}", entry["actor"], comment, now)
        after = state_after_approval(replace(keeper.record, approvals=given), now)
        state = after if after == "review_in_progress" else keeper.record.state
        action = f"{keeper.kind.noun}_approval_given"
        keeper.save(action, comment=comment, approvals=given, steps=[step], state=state)
        self.count()

    def _why_expired(self, now: datetime) -> tuple[str, str]:
        return approvals.why_unusable(self.keeper.record, {}, now) or ("approval_expired", "")

    def count(self) -> bool:
        """Go on when every level is approved now; says whether it did."""
        keeper, now = self.keeper, self._now
        if keeper.record.state not in ("submitted", "review_in_progress"):
            return False
        if not approvals.is_complete(keeper.record, now):
            return False
        given = keeper.record.approvals
        said = f"the last one was {given[-1]['actor']}" if given else "no approval is asked for"
        if late := _too_late(keeper.record):
            changes: dict[str, Any] = {"scheduled_at": None, "manual_implementation": True}
            keeper.save(f"{keeper.kind.noun}_approved", state="approved", reason=TIME_PASSED, message=late, **changes)
            return True
        keeper.save(f"{keeper.kind.noun}_approved", state="approved", message=said)
        if _after_approval(keeper.record, now) == "scheduled":
            keeper.save(f"{keeper.kind.noun}_scheduled", state="scheduled")
        return True

    def take_back(self, reason: str, message: str) -> None:
        """Take the approvals away: they do not count any more, and who gave them stays on record."""
        with self.keeper.ports.store.write() as unit:
            self.take_back_in(unit, reason, message)

    def take_back_in(self, unit: Unit, reason: str, message: str) -> None:
        """Do so in the unit of what makes them void."""
        keeper, now = self.keeper, self._now
        record = keeper.record
        wanted: dict[str, Any] = {
            "approvals": (),
            "steps": approvals.void_steps(record, reason, approvals.POLICY, now),
            "reason": reason,
            "message": message,
        }
        if record.scheduled_at is not None and record.scheduled_at <= now:
            # Not begun and approved again, it would be implemented at once, and nobody has chosen that time.
            is_manual = record.manual_implementation or record.state in states.BEFORE_IMPLEMENTING
            wanted.update(scheduled_at=None, manual_implementation=is_manual)
        keeper.save_in(unit, f"{keeper.kind.noun}_{reason}", state="submitted", **wanted)

    def reject(self, comment: str) -> None:
        """End it as rejected."""
        keeper = self.keeper
        keeper.save(
            f"{keeper.kind.noun}_rejected",
            comment=comment,
            state="rejected",
            reason="rejected",
            message=f"rejected by {keeper.ports.actor}{': ' if comment else ''}{comment}",
        )

    def schedule(self, at: datetime, comment: str) -> None:
        """Set when it is implemented.

        :raises InputError: the time is past, or the approvals expire before it.
        """
        keeper = self.keeper
        approvals.check_schedule(keeper.record, at, self._now)
        action = f"{keeper.kind.noun}_scheduled"
        # Another time is no other state, and who set it belongs on record all the same.
        is_again = keeper.record.state == "scheduled"
        steps = [_step("scheduled", keeper.ports.actor, comment, self._now)] if is_again else []
        keeper.save(action, comment=comment, state="scheduled", scheduled_at=at, steps=steps)

    def begin(self, comment: str = "") -> None:
        """Begin the implementation, if the approvals still hold for what it would do.

        :raises StateError: an approval expired or is void; it has been taken back, and that is on record.
        :raises PolicyError: nothing may be implemented now.
        """
        keeper, now = self.keeper, self._now
        self._freeze(now)
        unusable = approvals.why_unusable(keeper.record, self._parts(), now)
        if unusable:
            self.take_back(*unusable)
            raise StateError(
                f"Cannot implement {keeper.kind.title.lower()} {keeper.record_id}: {unusable[1]}",
                code=unusable[0],
                details={keeper.kind.noun + "_id": keeper.record_id},
            )
        said = f"freeze overridden: {self._override.strip()}" if self._override.strip() else ""
        keeper.save(
            f"{keeper.kind.noun}_implementing",
            comment="; ".join(part for part in (comment, said) if part),
            state="implementing",
            steps=_overridden(self._override, keeper.ports.actor, now),
        )

    def review(self) -> None:
        """Do what time alone allows to approvals: take expired ones away, count those given for a later time."""
        if due(self.keeper.record, self._now) == "expire":
            self.take_back(*self._why_expired(self._now))
        self.count()

    def advance(self) -> bool:
        """Do what time alone allows; says whether the record is being implemented now.

        :raises StateError: as ``begin``.
        :raises PolicyError: as ``begin``.
        """
        self.review()
        if due(self.keeper.record, self._now) == "implement":
            self.begin()
        return self.keeper.record.state not in states.BEFORE_IMPLEMENTING

    def cancel(self, comment: str, left_behind: str) -> None:
        """End it as cancelled, and say what is left at the remote side; what had failed keeps its reason."""
        keeper = self.keeper
        message = f"cancelled by {keeper.ports.actor}{': ' if comment else ''}{comment}"
        said = f"{message}; {left_behind}" if left_behind else message
        # What it failed for says whether its renewal is tried again by itself.
        reason = keeper.record.reason if keeper.record.state == "failed" else "cancelled"
        wanted: dict[str, Any] = {"reason": reason, "message": said, "next_look_at": None}
        keeper.save(f"{keeper.kind.noun}_cancelled", comment=comment, state="cancelled", **wanted)

    def outlook(self) -> tuple[str, str] | None:
        """Say why a retry leads back to the review, as reason and sentence; None when its approvals still hold."""
        record, now = self.keeper.record, self._now
        unusable = approvals.why_unusable(record, self._parts(), now)
        if unusable or approvals.is_complete(record, now):
            return unusable
        return "approval_void", "it has to be approved again"

    def retry(self, comment: str, **changes: Any) -> None:
        """Take a failed record up again, from its approval if that still holds, else from its submission."""
        keeper, again = self.keeper, self.outlook()
        if again:
            steps = approvals.void_steps(keeper.record, again[0], approvals.POLICY, self._now)
            changes.update(approvals=(), steps=steps, reason=again[0], message=again[1])
        state = "submitted" if again else "approved"
        keeper.save(f"{keeper.kind.noun}_retried", comment=comment, state=state, **changes)


def passing_freeze(passage: Gate[R], reason: str) -> list[Step]:
    """Give the step that keeps the reason to go on in a freeze which began after the implementation did.

    :param passage: without that reason; nothing holds what is not frozen, or had a reason before.
    :returns: empty where there is none to keep.
    """
    if not reason.strip():
        return []
    try:
        passage.check_freeze()
    except PolicyError:
        what = f"{passage.keeper.kind.title.lower()} {passage.keeper.record_id}"
        return [Step(f"Keep why the freeze is passed over for {what}", lambda: passage.pass_over(reason))]
    return []
