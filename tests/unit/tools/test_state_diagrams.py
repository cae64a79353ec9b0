# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The guide on states says what the tables say."""

from __future__ import annotations

import dataclasses

import pytest
import state_diagrams


def test_the_guide_is_what_the_tables_make() -> None:
    assert state_diagrams.GUIDE.read_text(encoding="utf-8") == state_diagrams.text(), "run tools/state_diagrams.py"


def test_every_state_says_what_it_waits_for_and_no_other_does() -> None:
    assert set(state_diagrams.WAITS) == {state for kind in state_diagrams.KINDS for state in kind.machine}


def test_every_step_and_action_of_a_table_is_in_its_diagram() -> None:
    for kind in state_diagrams.KINDS:
        drawn = [line.strip() for line in state_diagrams.diagram(kind) if "-->" in line and "[*]" not in line]
        assert drawn == [f"{state} --> {name}" for state, following in kind.machine.items() for name in following]


def test_a_step_that_is_added_to_a_table_changes_the_guide(monkeypatch: pytest.MonkeyPatch) -> None:
    first, *others = state_diagrams.KINDS
    more = dataclasses.replace(first, machine={**first.machine, "issued": ("failed",)})
    before = state_diagrams.text()
    monkeypatch.setattr(state_diagrams, "KINDS", (more, *others))
    assert "issued --> failed" in state_diagrams.text() and state_diagrams.text() != before
