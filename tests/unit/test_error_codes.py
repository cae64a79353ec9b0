# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every code that a failure can bear is held by a test, since users branch on it."""

from __future__ import annotations

import pathlib
import textwrap

from ansible_collections.edgecert.clm.tests.support import error_codes

ROOT = pathlib.Path(__file__).resolve().parents[2]


def test_every_code_is_named_in_a_test() -> None:
    """Design §9: a code is stable over releases, which only a test can hold; one that nothing can reach is none."""
    codes = error_codes.collect(ROOT / "plugins")
    assert len(codes) > 200 and {"enrollment_exists", "too_many_names", "invalid_input", "change_failed"} <= set(codes)
    named = error_codes.said(ROOT / "tests")
    assert {code: places for code, places in codes.items() if code not in named} == {}


def test_codes_are_found_wherever_they_are_given(tmp_path: pathlib.Path) -> None:
    """By keyword, by place, as a class attribute, by the name of a constant, and nothing that is made at run time."""
    (tmp_path / "words.py").write_text(
        textwrap.dedent(
            """
            FAILED, OTHER = "has_failed", "is_other"

            class Rule:
                status: int
                code: str

            class Failure(Exception):
                code = "by_class"

            def refuse(message: str, code: str = "") -> None: ...
            """
        ),
        encoding="utf-8",
    )
    (tmp_path / "users.py").write_text(
        textwrap.dedent(
            """
            from .words import FAILED as GONE, Failure, Rule, refuse
            from . import words

            raise Failure("It failed", code="by_keyword" if words else "by_other_branch")
            raise Failure("It failed", code=GONE)
            raise Failure("It failed", code=f"{words}_made")
            RULES = [Rule(404, "by_place")]
            refuse("No", read.get("code"))
            refuse("No", "by_function")
            """
        ),
        encoding="utf-8",
    )
    found = error_codes.collect(tmp_path)
    wanted = {"by_class", "by_keyword", "by_other_branch", "has_failed", "by_place", "by_function"}
    assert set(found) == wanted and found["by_place"] == ["users.py:8"]


def test_words_are_found_in_strings_and_yaml_and_not_in_names(tmp_path: pathlib.Path) -> None:
    (tmp_path / "test_a.py").write_text('def in_a_name(): assert x == "in_a_string"', encoding="utf-8")
    (tmp_path / "a.yml").write_text("that: failure.code == 'in_yaml'", encoding="utf-8")
    said = error_codes.said(tmp_path)
    assert {"in_a_string", "in_yaml"} <= said and "in_a_name" not in said
