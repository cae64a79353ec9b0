# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Other names, challenge passwords and which option goes with which source: pure rules (E6-E9, E13, E16)."""

from __future__ import annotations

import string
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.edgecert.clm.plugins.module_utils._core import (
    challenge_rules,
    csr_sources,
    other_names,
    vocabulary,
)
from ansible_collections.edgecert.clm.plugins.module_utils._core.csr_spec import UPN_OID


@given(st.text(max_size=80))
def test_every_text_is_a_name_or_has_a_reason(text: str) -> None:
    """E13: nothing raises, and what is written reads back as itself."""
    reason = other_names.reason(text)
    written = other_names.written(text)
    if not reason:
        assert other_names.reason(written) == "" and other_names.written(written) == written
        assert other_names.split(written) == other_names.split(text)


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("ada@example.com", f"{UPN_OID}:ada@example.com"),
        ("UPN: ada@example.com ", f"{UPN_OID}:ada@example.com"),
        ("1.3.6.1.4.1.99:a:b", "1.3.6.1.4.1.99:a:b"),
        ("2.999.1:x", "2.999.1:x"),
    ],
)
def test_other_names_are_written_in_one_form(text: str, written: str) -> None:
    """E13."""
    assert other_names.reason(text) == "" and other_names.written(text) == written


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "no value"),
        ("nobody", "no user principal name"),
        ("a@b@c", "no user principal name"),
        ("a b@example.com", "no user principal name"),
        ("1.2.3:", "no value"),
        ("3.1:x", "no usable object id"),
        ("1.40:x", "no usable object id"),
        ("1.02:x", "no usable object id"),
        ("1.2.3:line\nbreak", "line break"),
        ("1.2.3:" + "x" * 256, "256 characters"),
    ],
)
def test_what_is_no_other_name_says_why(text: str, said: str) -> None:
    """E13."""
    assert said in other_names.reason(text)


@given(st.text(alphabet=string.printable, max_size=40), st.one_of(st.none(), st.text(max_size=10)))
def test_a_challenge_password_is_never_quoted(password: str, confirmation: str | None) -> None:
    """E16: and passes only with one of each kind, given twice."""
    found = challenge_rules.problems(password, confirmation)
    if len(password) > 12:
        assert not any(password in problem for problem in found)
    kinds = (str.isupper, str.islower, str.isdigit, lambda char: not char.isalnum())
    has_all = all(any(kind(char) for char in password) for kind in kinds)
    if not found:
        assert has_all and confirmation == password
    assert (not any("lacks" in problem for problem in found)) is has_all


@pytest.mark.parametrize("source", vocabulary.CSR_SOURCES)
def test_each_option_that_belongs_elsewhere_is_named_with_where(source: str) -> None:
    """E6-E9: the table is the rule, and nothing left out counts as given."""
    for option, (sources, why) in csr_sources.ONLY_WITH.items():
        found = csr_sources.misplaced({option: "x"}, source)
        assert bool(found) is (source not in sources) is not csr_sources.applies(option, source)
        assert all(option in told and why in told for told in found)
        nothing: tuple[Any, ...] = (None, "", False, {}, [])
        for empty in nothing:
            assert csr_sources.misplaced({option: empty}, source) == []
    assert source in csr_sources.WHERE
