# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Lists with entries that are broken: each is told of, none stops the others, whatever it holds."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.edgecert.clm.plugins.module_utils._core.errors import RemoteError
from ansible_collections.edgecert.clm.plugins.module_utils._cps.models import ActiveRecord, EnrollmentRecord
from ansible_collections.edgecert.clm.plugins.module_utils._cps.scanning import Unreadable, scanned

GOOD = {"id": 1, "csr": {"cn": "www.example.com", "sans": ["www.example.com"]}}

BROKEN: list[tuple[str, Any, int | None, str]] = [
    ("no name", {**GOOD, "id": 7, "csr": {}}, 7, "common name"),
    ("null", None, None, "no id"),
    ("text", "enrollment", None, "no id"),
    ("list", [GOOD], None, "no id"),
    ("no id", {"csr": GOOD["csr"]}, None, "no id"),
    ("id of location", {"location": "/cps/v2/enrollments/9", "csr": None}, 9, "common name"),
    ("negative id", {**GOOD, "id": -4}, None, "no id"),
    ("id zero", {**GOOD, "id": 0}, None, "no id"),
    ("huge id", {**GOOD, "id": 2**63}, None, "no id"),
    ("endless id", {**GOOD, "id": None, "location": "/enrollments/" + "9" * 5000}, None, "no id"),
    ("control character", {**GOOD, "id": 8, "csr": {"cn": "a\u0000b"}}, 8, "characters"),
    ("surrogate", {**GOOD, "id": 8, "csr": {"cn": "www.example.com", "sans": ["\ud800"]}}, 8, "characters"),
]


@pytest.mark.parametrize(("entry", "known", "words"), [row[1:] for row in BROKEN], ids=[row[0] for row in BROKEN])
def test_a_broken_entry_is_told_of_and_the_others_are_read(entry: Any, known: int | None, words: str) -> None:
    """D7."""
    told: list[Unreadable] = []
    last = {**GOOD, "id": 2}
    found = list(scanned({"enrollments": [GOOD, entry, last]}, "the list", EnrollmentRecord.from_wire, told))
    assert [record.id for record in found] == [1, 2]
    assert [one.enrollment_id for one in told] == [known] and words in told[0].reason


@pytest.mark.parametrize("answer", [None, [], {}, {"enrollments": None}, {"enrollments": {}}, "text"])
def test_an_answer_that_is_no_list_is_an_error(answer: Any) -> None:
    with pytest.raises(RemoteError, match="enrollments"):
        list(scanned(answer, "the list", EnrollmentRecord.from_wire, []))


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=6),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=6,
)
MEMBERS = ("id", "location", "csr", "networkConfiguration", "pendingChanges", "thirdParty", "production", "staging")
ENTRIES = st.dictionaries(st.sampled_from(MEMBERS), ANYTHING, max_size=6) | ANYTHING


@given(st.lists(ENTRIES, max_size=4))
def test_whatever_an_entry_holds_it_is_read_or_told_of(entries: list[Any]) -> None:
    """D7: what comes through can be stored."""
    answer = {"enrollments": [GOOD, *entries]}
    told: list[Unreadable] = []
    enrollments = list(scanned(answer, "the list", EnrollmentRecord.from_wire, told))
    assert len(enrollments) + len(told) == 1 + len(entries)
    of_active: list[Unreadable] = []
    active = list(scanned(answer, "the list", ActiveRecord.from_wire, of_active))
    assert len(active) + len(of_active) == 1 + len(entries)
    names = [(one.id, one.cn) for one in enrollments] + [(one.id, one.cn) for one in active]
    assert all(0 < number < 2**63 and name.isprintable() for number, name in names)
