# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The one module that runs without an open store: it makes it and cares for it."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from .._clm.ports import Params
from .._clm.store_care import MAKING, StoreAt
from .._core.clock import Clock, SystemClock
from .._core.plan import Plan, Step
from .actor import who_acts
from .options import Spec, split
from .run import carry_out, finished, started
from .wire_store_care import StorePlace


def run_store_module(
    spec: Spec,
    plan: Callable[[Params, StoreAt], Plan],
    record: str,
    *,
    clock: Clock | None = None,
    **constraints: Any,
) -> None:
    """Run a module that is about the store itself; does not return."""
    module = started(spec, constraints)
    own, common = split(module.params)
    environment = dict(os.environ)
    done: list[Step] = []

    def counted(step: Step) -> Step:
        def run() -> bool:
            goes_on = step.run()
            done.append(step)
            return goes_on

        return replace(step, run=run)

    def work() -> dict[str, Any]:
        actor = who_acts(common["actor"], environment)
        makes = own["action"] in MAKING
        place = StorePlace(common, clock or SystemClock(), actor, environment, makes=makes)
        planned = plan(own, place)
        # Not every change here stands in the audit, as a file that was written: what was done is counted instead.
        planned = replace(planned, steps=tuple(map(counted, planned.steps)))
        return carry_out(module, planned, record, lambda: len(done))

    finished(module, work)
