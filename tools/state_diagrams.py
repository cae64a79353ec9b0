# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Write the guide on states from the tables that the code walks; a test compares them, so that they cannot differ."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass

from common import TOP

from ansible_collections.edgecert.clm.plugins.module_utils._clm import states
from ansible_collections.edgecert.clm.plugins.module_utils._core.vocabulary import REQUEST_LABELS, WORK_ORDER_LABELS

GUIDE = TOP / "docs" / "docsite" / "rst" / "guide_states.rst"

HEAD = """\
.. Copyright: (c) 2026, the edgecert.clm authors
   GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
   SPDX-License-Identifier: GPL-3.0-or-later

.. Written by tools/state_diagrams.py from the tables in the code; change those, and run it.

.. _ansible_collections.edgecert.clm.docsite.guide_states:

States of requests and work orders
==================================

``state`` is what programs branch on, ``label`` the same in words; both are in every result. What a person may do is
an ``action`` of ``cert_workflow``; an action that a state does not allow is refused with the code ``wrong_state``, and
``failure.details.allowed`` names those it does allow. The diagrams are in the notation of Mermaid, which many viewers
draw.
"""

# What a record in a state waits for; everything else on the page comes from the code.
WAITS: Mapping[str, str] = {
    "draft": "``cert_enroll`` without ``submit: false``; until then everything may change",
    "submitted": "approvals, or a scheduled one to count",
    "review_in_progress": "the approvals that are missing yet",
    "approved": "the next run; with ``manual_implementation`` a person",
    "scheduled": "its time",
    "implementing": "CPS, or the next run",
    "retrieval_in_progress": "the CA",
    "needs_decision": "a decision about warnings of CPS: push again with them in ``warnings.allow``",
    "in_doubt": "a look at CPS, or at the CA, whose answer was lost",
    "deploying_staging": "CPS",
    "on_staging": "CPS's word, or the edge's, that staging serves it",
    "deploying_production": "CPS",
    "issued": "nothing: the certificate is in the store",
    "revoked": "nothing: the CA has revoked the certificate",
    "completed": "nothing: what was pushed is served",
    "rejected": "nothing; asking again makes a new one",
    "cancelled": "nothing; asking again makes a new one",
    "failed": "a retry; asking again makes a new one",
}
STARTS = ("draft", "submitted")


@dataclass(frozen=True)
class Kind:
    """One kind of record with its tables."""

    title: str
    machine: states.Machine
    actions: states.Machine
    labels: Mapping[str, str]


KINDS = (
    Kind("Certificate requests", states.REQUEST, states.REQUEST_ACTIONS, REQUEST_LABELS),
    Kind("Work orders", states.WORK_ORDER, states.WORK_ORDER_ACTIONS, WORK_ORDER_LABELS),
)


def heading(title: str) -> list[str]:
    """Give a title of the second level."""
    return ["", title, "-" * len(title), ""]


def diagram(kind: Kind) -> list[str]:
    """Give the diagram of one machine, line by line."""
    lines = [".. code-block:: text", "", "    stateDiagram-v2"]
    lines += [f"        [*] --> {state}" for state in STARTS if state in kind.machine]
    for state, following in kind.machine.items():
        lines += [f"        {state} --> {name}" for name in following]
        if states.is_final(state):
            lines.append(f"        {state} --> [*]")
    return lines


def table(kind: Kind) -> list[str]:
    """Give the states of one kind as a table."""
    lines = [".. list-table::", "    :header-rows: 1", "    :widths: 15 20 35 30", ""]
    rows = [("State", "Label", "What it waits for", "Actions")]
    for state in kind.machine:
        actions = [f"``{name}``" for name, allowed in kind.actions.items() if state in allowed]
        rows.append((f"``{state}``", kind.labels[state], WAITS[state], ", ".join(actions) or "none"))
    for first, *others in rows:
        lines += [f"    * - {first}", *(f"      - {text}" for text in others)]
    return lines


def text() -> str:
    """Give the whole guide."""
    lines = [HEAD.rstrip("\n")]
    for kind in KINDS:
        lines += [*heading(kind.title), *diagram(kind), "", *table(kind)]
    return "\n".join(lines) + "\n"


def main() -> int:
    """Write the guide."""
    GUIDE.write_text(text(), encoding="utf-8")
    print(f"wrote {GUIDE.relative_to(TOP)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
