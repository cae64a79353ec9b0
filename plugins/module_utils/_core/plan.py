# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a use case answers: a plan, whose steps run only outside check mode, and its outcome.

``changed`` is never set by hand: a plan with steps changes something.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from .errors import ClmError

Record = Mapping[str, Any]


@dataclass(frozen=True)
class Step:
    """One change: a sentence for people, and the code that makes it.

    :ivar sentence: imperative, as "Create an enrollment for www.example.com on contract C-1".
    :ivar run: makes the change; answers True to go on with the next step, False when the rest has to wait
        for somebody else (a CA, CPS, a person).
    """

    sentence: str
    run: Callable[[], bool]


@dataclass(frozen=True)
class Outcome:
    """What a call reached.

    :ivar record: the record after the call, JSON-ready; None when it is gone.
    :ivar extra: further results beside the record, by name.
    :ivar steps: sentences of what was done to its end; those of the plan unless the use case names its own.
    :ivar failure: the call fails with it, and its result holds all the same what was done.
    """

    record: Record | None
    extra: Mapping[str, Any] = field(default_factory=dict)
    steps: tuple[str, ...] = ()
    failure: ClmError | None = None


@dataclass(frozen=True)
class Plan:
    """What would be done, worked out from reads alone.

    :ivar before: the record as it is now, None when there is none.
    :ivar after: the record as predicted.
    :ivar steps: in order; empty when all is as wanted.
    :ivar finish: reads the real outcome after the steps ran; also called when there was no step.
    :ivar note: bookkeeping of what was seen (times of a look, a cache); runs outside check mode, changes no setting
        and so does not count as a change.
    :ivar extra: further results known already in check mode.
    :ivar failure: raised after the note: what was seen is kept although the call fails.
    :ivar noun: name of the record in the result, where it hangs on the options; empty for the module's own.
    :ivar diff: what a diff shows before and after, where that is not the record itself.
    """

    before: Record | None
    after: Record | None
    steps: tuple[Step, ...]
    finish: Callable[[], Outcome]
    note: Callable[[], None] | None = None
    extra: Mapping[str, Any] = field(default_factory=dict)
    failure: ClmError | None = None
    noun: str = ""
    diff: tuple[Mapping[str, Any], Mapping[str, Any]] | None = None

    @property
    def changed(self) -> bool:
        """Say whether there is anything to do."""
        return bool(self.steps)

    def execute(self) -> Outcome:
        """Run the steps until one has to wait, then read the outcome.

        :raises ClmError: a step failed, or the plan itself is of something that failed.
        """
        done = []
        for step in self.steps:
            if not step.run():
                break
            done.append(step.sentence)
        if self.note is not None:
            self.note()
        if self.failure is not None:
            raise self.failure
        outcome = self.finish()
        return outcome if outcome.steps else replace(outcome, steps=tuple(done))
