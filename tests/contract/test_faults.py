# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every call of a certificate's life with every fault of the sandbox: all ends well once the fault is gone.

A fault hits a call once, or until somebody mends it. The same jobs are run as a schedule runs them: the job itself,
what is due, and the job again when the fault is gone. Whatever they say, nothing is done twice or left open.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from ansible_collections.edgecert.clm.tests.support.fault_phases import (
    DISCOVER,
    ENROL_BOTH,
    ONBOARD,
    PHASES,
    RESTAGE,
    Phase,
)
from ansible_collections.edgecert.clm.tests.support.faulty import OF_WRITES, SHAPES_BY_NAME, Matrix
from ansible_collections.edgecert.clm.tests.support.lives import instant_account
from ansible_collections.edgecert.clm.tests.support.meanwhile import ALLOWED, WARNING


@pytest.fixture(scope="module")
def matrix(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Matrix]:
    stops = {"pre_verification_warnings": [WARNING], "deprovision_warnings": [WARNING], "deprovision_stops": True}
    with instant_account(contracts=600, **stops) as account:
        made = Matrix(account, tmp_path_factory.mktemp("matrix"))
        made.prepare(approvals={"push": 0}, warnings=ALLOWED)
        made.record()
        yield made


# Some are of writes alone; only a write has to be looked for after a time limit that passed.
CELLS = [
    pytest.param(phase, name, id=f"{name}-{phase.name}")
    for name in SHAPES_BY_NAME
    for phase in PHASES
    if name not in ("slow", *OF_WRITES) or phase not in (ONBOARD, DISCOVER, ENROL_BOTH)
]


@pytest.mark.slow
@pytest.mark.parametrize(("phase", "shape"), CELLS)
def test_a_fault_in_any_call_ends_well_once_it_is_gone(matrix: Matrix, phase: Phase, shape: str) -> None:
    """W5, U3+, cps-protocol §5: nothing twice, nothing lost, nothing open, no traceback."""
    wrong, cells = [], list(matrix.cells(phase, shape))
    assert cells, "this phase makes no call of its own"
    for call, times in cells:
        if (phase, shape) == (RESTAGE, "conflict") and call.route.endswith("deployment-schedule"):
            # CPS's own no to the date: the order completes and says so; it has a test of its own.
            continue
        problem = matrix.drive(phase, call, SHAPES_BY_NAME[shape], times)
        wrong += [f"{call} ({'once' if times else 'lasting'}): {problem}"] if problem else []
    assert not wrong, "\n".join(wrong)
