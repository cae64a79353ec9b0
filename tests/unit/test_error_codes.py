# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every code that a failure can bear is held by a test, since users branch on it."""

from __future__ import annotations

import pathlib

from ansible_collections.edgecert.clm.tests.support import failure_codes

ROOT = pathlib.Path(__file__).resolve().parents[2]


def test_every_code_is_named_in_a_test() -> None:
    """Design §9: a code is stable over releases, which only a test can hold; one that nothing can reach is none."""
    codes = failure_codes.collected()
    assert len(codes) > 200 and {"enrollment_exists", "too_many_names", "invalid_input", "change_failed"} <= set(codes)
    named = failure_codes.said(ROOT / "tests")
    assert {code: places for code, places in codes.items() if code not in named} == {}


def test_words_are_found_in_strings_and_yaml_and_not_in_names(tmp_path: pathlib.Path) -> None:
    (tmp_path / "test_a.py").write_text('def in_a_name(): assert x == "in_a_string"', encoding="utf-8")
    (tmp_path / "a.yml").write_text("that: failure.code == 'in_yaml'", encoding="utf-8")
    said = failure_codes.said(tmp_path)
    assert {"in_a_string", "in_yaml"} <= said and "in_a_name" not in said
