# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The guides name what the code says: every code and reason by which something governed is refused or told."""

from __future__ import annotations

import pathlib
import re

import pytest

from ansible_collections.edgecert.clm.plugins.module_utils._clm import states
from ansible_collections.edgecert.clm.tests.support import failure_codes

TOP = pathlib.Path(__file__).resolve().parents[2]
GUIDES = TOP / "docs" / "docsite" / "rst"
CLM = TOP / "plugins" / "module_utils" / "_clm"
GOVERNED = (
    *("approvals", "enroll", "freeze", "gate", "groups", "order_changes", "orders", "policy", "push"),
    *("push_scripts", "renewing", "requests", "successors", "workflow"),
)
CPS = ("../_cps/errors",)
RUN = ("due", "lifecycle")
NOTIFY = ("../_notify/mail", "../_notify/webhook")
ADC = tuple(
    f"../_keys/{name}" for name in ("adc_driver", "adc_keys", "f5_bigip", "netscaler", "rest_device", "rest_session")
)


def said(files: tuple[str, ...], pattern: str) -> set[str]:
    """Give the words that stand in the code of some files."""
    texts = [(CLM / f"{name}.py").read_text(encoding="utf-8") for name in files]
    return {word for text in texts for word in re.findall(pattern, text)}


@pytest.mark.parametrize(
    ("guide", "files", "pattern"),
    [
        ("guide_approvals", GOVERNED, r'code="([a-z_]+)"'),
        ("guide_approvals", ("approvals",), r'^ +"(approval_[a-z]+)",$'),
        ("guide_faults", CPS, r'^(?:[A-Z_]+ = |            )"([a-z_]+)"(?:,|$)'),
        ("guide_faults", CPS, r'(?:Error|refusal), (?:[A-Za-z]+, )?"([a-z_]+)"'),
        ("guide_faults", CPS, r'^    code = "([a-z_]+)"$'),
        ("guide_proof", ("edges",), r'code="([a-z_]+)"'),
        ("guide_network_settings", ("configure_plan", "configuring"), r'code="([a-z_]+)"'),
        ("guide_network_settings", ("configuring",), r'reason="([a-z_]+)"'),
        ("guide_lifecycle", RUN, r'"reason": "([a-z_]+)"'),
        ("guide_events", ("attention_records",), r'^[A-Z_]+ = "([a-z_]+)"$'),
        ("guide_events", ("attention_served", "attention_work"), r'reason"?[=:] ?"([a-z_]+)"'),
        ("guide_edge_dns", ("dns_records", "../_edns/client"), r'code="([a-z_]+)"'),
        ("guide_report", ("reporting", "../_report/mermaid"), r'code="([a-z_]+)"'),
        ("guide_notifications", NOTIFY, r'code="([a-z_]+)"'),
        ("guide_notifications", ("notifying",), r'code="([a-z_]+)"'),
        ("guide_adc", ADC, r'code="([a-z_]+)"'),
        ("guide_adc", ADC, r'Rule\(\s*"([a-z_]+)"'),
        ("guide_adc", ADC, r'^[A-Z_]+ = "([a-z]+_[a-z_]+)"$'),
    ],
)
def test_every_code_is_in_its_guide(guide: str, files: tuple[str, ...], pattern: str) -> None:
    """Whoever branches on a code finds it, with what to do."""
    found = said(files, f"(?m){pattern}")
    assert found, "the code is read wrongly"
    text = (GUIDES / f"{guide}.rst").read_text(encoding="utf-8")
    assert sorted(word for word in found if f"``{word}``" not in text) == []


TROUBLE = re.compile(r"(?m)^   \* - ``([a-z_0-9]+)``\n     - (.+)\n     - (.+)\n     - (.+)\n")


def test_troubleshooting_has_each_code_once_and_no_other() -> None:
    """R: whoever has a code finds what it means, what to look at and what to do; what nothing raises is not there."""
    entries = TROUBLE.findall((GUIDES / "guide_troubleshooting.rst").read_text(encoding="utf-8"))
    assert sorted(word for word, *_cells in entries) == sorted(failure_codes.collected())


def test_the_code_of_a_class_counts_where_it_is_let_out_only() -> None:
    """Bases of the tree whose every error has a code of its own are met by nobody under theirs."""
    codes = failure_codes.collected()
    assert {"clm_error", "script_failed", "device_not_usable"}.isdisjoint(codes)
    assert {"store_error", "soap_fault", "missing_library"} <= set(codes), "the source is read wrongly"


def test_a_rollback_is_told_of_for_each_state_of_a_work_order() -> None:
    """U5: what CPS can take back, and what it cannot."""
    text = (GUIDES / "guide_rollback.rst").read_text(encoding="utf-8")
    table = text.partition("\nState by state\n")[2].partition("\nIn commands\n")[0]
    assert [state for state in states.WORK_ORDER if f"``{state}``" not in table] == []
    codes = failure_codes.collected()
    assert {"rollback_impossible", "rollback_too_late", "nothing_to_roll_back"} <= {
        word for word in re.findall(r"``([a-z_]+)``", table) if word in codes
    }


def test_every_kind_of_due_work_is_in_the_guide() -> None:
    """W4."""
    text = (GUIDES / "guide_lifecycle.rst").read_text(encoding="utf-8")
    kinds = said(("due",), r'(?m)^[A-Z_]+ = "([a-z_]+)"$')
    assert len(kinds) == 8 and all(f"* - ``{kind}``" in text for kind in kinds)


def test_how_to_write_a_connector_is_named_after_the_table_of_cas() -> None:
    """Who finds no row of theirs is told there what to do, and not in the section of some CA."""
    text = (GUIDES / "guide_cas.rst").read_text(encoding="utf-8")
    table = re.search(r"(?s)\nThe CAs, and what was proved\n-+\n(.*?)\n-{4,}\n", text)
    assert table and "\n\nAnother CA is one file: :ref:`Writing a CA connector" in table.group(1)


def test_no_line_of_a_guide_is_followed_by_another_writing_of_it() -> None:
    """Two branches that change one sentence may leave both of it."""
    found = []
    for path in sorted(GUIDES.glob("*.rst")):
        lines = path.read_text(encoding="utf-8").splitlines()
        pairs = zip(lines, lines[1:], strict=False)
        # Commands are indented, and may well begin alike.
        alike = [one for one, other in pairs if one[:1].isalpha() and len(one) > 60 and one[:60] == other[:60]]
        found += [f"{path.name}: {one}" for one in alike]
    assert found == []
