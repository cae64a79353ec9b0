# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every warning of CPS that has an id: sent by the sandbox, recognised here, and the other way round."""

from __future__ import annotations

import re

import pytest
from edgecert_sandbox.warning_texts import TEXTS, worded
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.edgecert.clm.plugins.module_utils._core.types import Notice
from ansible_collections.edgecert.clm.plugins.module_utils._core.warning_ids import (
    DEFAULT_ALLOW,
    DEFAULT_BLOCK,
    PRIVATE_CA_ALLOW,
    SHORT_VALIDITY_ALLOW,
    WARNING_IDS,
)
from ansible_collections.edgecert.clm.plugins.module_utils._core.warning_policy import WarningPolicy, decide
from ansible_collections.edgecert.clm.plugins.module_utils._cps import warning_texts
from ansible_collections.edgecert.clm.plugins.module_utils._cps.warnings import recognise

IDS = sorted(WARNING_IDS)
QUIET = DEFAULT_ALLOW | PRIVATE_CA_ALLOW | SHORT_VALIDITY_ALLOW
LISTING = "Trust Chain\nCertificate: Subject: CN=www.example.com,O=Example Ltd\n     Issuer: CN=Issuing CA"


def unfilled(text: str) -> str:
    """Give a text as CPS sends it when it leaves its placeholders open."""
    return re.sub(r"\[[^\]]*\]", "%s", text)


def test_the_sandbox_can_send_each_of_them_and_no_other() -> None:
    """W: both tables are about the same ids."""
    assert set(TEXTS) == WARNING_IDS
    assert worded([*IDS, "something else"]) == [*(TEXTS[one] for one in IDS), "something else"]


@pytest.mark.parametrize("code", IDS)
def test_every_id_is_recognised_from_its_text(code: str) -> None:
    """U2: with its placeholders filled or not, in either case, in brackets, above a listing, and named by its id."""
    text = TEXTS[code]
    for sent in (text, unfilled(text), text.upper() if "_FIELD_" not in code else text, f"[{text}]"):
        assert recognise(sent) == (Notice(code, sent),)
    assert recognise(f"[WARNINGS]\n{text}\n{LISTING}\n") == (Notice(code, f"{text}\n{LISTING}"),)
    for named in (code, f"{code}: it is so", f"[{code}] it is so"):
        assert [notice.code for notice in recognise(named)] == [code]


def test_every_id_has_a_pattern_of_its_own() -> None:
    """No pattern is dead, and none is for an id that does not exist."""
    fields = {code for one in warning_texts.FIELD_TEXTS for code in one[1:]} | {warning_texts.FIELD_CASE[1]}
    expanded = {code.format(field=field) for code in fields for field in ("C", "L", "O", "OU", "ST")}
    assert {code for _words, code in warning_texts.TEXTS} | expanded == WARNING_IDS
    used = {pattern for pattern, _code in warning_texts.TEXTS}
    for text in TEXTS.values():
        used -= {pattern for pattern in used if re.search(pattern, text, re.IGNORECASE)}
    assert used == set()


@given(st.lists(st.sampled_from([*IDS, ""]), min_size=1, max_size=12), st.sampled_from(["\n", "\r\n", "\n\n"]))
def test_messages_in_any_company_are_recognised_in_their_order(codes: list[str], end: str) -> None:
    """U2: as many messages as were sent, unknown ones between them."""
    texts = [TEXTS[code] if code else "Something quite new." for code in codes]
    found = recognise("[WARNINGS]" + end + end.join(texts) + end)
    assert [(notice.code, notice.text) for notice in found] == list(zip(codes, texts, strict=True))


@given(st.sampled_from(IDS), st.sampled_from(sorted(DEFAULT_BLOCK)))
def test_a_dangerous_text_in_one_line_with_another_is_taken_for_a_dangerous_one(other: str, dangerous: str) -> None:
    """U2: nothing dangerous is acknowledged for the company it is in."""
    for line in (f"{TEXTS[other]} {TEXTS[dangerous]}", f"{other}: {TEXTS[dangerous]}"):
        [notice] = recognise(line)
        assert notice.code in DEFAULT_BLOCK


@given(st.text(max_size=60).filter(lambda text: text.strip() and "\n" not in text and "\r" not in text))
def test_what_nobody_knows_is_asked_about(text: str) -> None:
    """U2: unknown stops the push."""
    for notice in recognise(text):
        if not notice.code:
            found = decide([notice], WarningPolicy(allow=tuple(IDS)), private_ca=True, short_validity=True)
            assert found.asked == (notice,)


@pytest.mark.parametrize("code", IDS)
@pytest.mark.parametrize("verdict", ["allow", "ask", "block"])
def test_each_of_them_can_be_allowed_asked_about_and_blocked(code: str, verdict: str) -> None:
    """U2: by its id; by a pattern, too, but for allowing a dangerous one."""
    notice = Notice(code, TEXTS[code])
    pattern = f"re:{re.escape(TEXTS[code])}"
    for entry in (code, pattern):
        policy = WarningPolicy(**{verdict: (entry,)})
        found = decide([notice], policy)
        wanted = "block" if (verdict, entry) == ("allow", pattern) and code in DEFAULT_BLOCK else verdict
        parts = {"allow": found.allowed, "ask": found.asked, "block": found.blocked}
        assert [name for name, part in parts.items() if part] == [wanted]


def test_what_is_acknowledged_by_itself_is_only_what_is_known_to_be_harmless() -> None:
    """U2: all texts at once, without a list."""
    found = decide([Notice(code, TEXTS[code]) for code in IDS], WarningPolicy(), private_ca=True, short_validity=True)
    assert {notice.code for notice in found.allowed} == set(QUIET)
    assert {notice.code for notice in found.blocked} == set(DEFAULT_BLOCK)
