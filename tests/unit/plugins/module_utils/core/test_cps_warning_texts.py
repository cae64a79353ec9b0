# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every warning of CPS that has an id, in Akamai's own published words: recognised, sent by the sandbox, decided on."""

from __future__ import annotations

import random
import re
from functools import partial

import pytest
from edgecert_sandbox.warning_texts import TEXTS, worded
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.edgecert.clm.plugins.module_utils._core.types import Notice
from ansible_collections.edgecert.clm.plugins.module_utils._core.warning_ids import (
    DEFAULT_ALLOW,
    DEFAULT_BLOCK,
    PRIVATE_CA_ALLOW,
    SAME_WORDS,
    SHORT_VALIDITY_ALLOW,
    WARNING_IDS,
)
from ansible_collections.edgecert.clm.plugins.module_utils._core.warning_policy import WarningPolicy, decide, meant
from ansible_collections.edgecert.clm.plugins.module_utils._cps import warning_match
from ansible_collections.edgecert.clm.plugins.module_utils._cps.warnings import recognise
from ansible_collections.edgecert.clm.tests.support.cps_warnings import (
    CHAIN,
    MISSPELT,
    VALUES,
    filled,
    published,
)

IDS = sorted(WARNING_IDS)
QUIET = DEFAULT_ALLOW | PRIVATE_CA_ALLOW | SHORT_VALIDITY_ALLOW
PUBLISHED = published()
ROWS = st.sampled_from(PUBLISHED)


def codes(text: str) -> list[str]:
    """Give the ids of the messages in a text."""
    return [notice.code for notice in recognise(text)]


def test_the_published_table_and_the_ids_are_the_same() -> None:
    """U14: every id of cps-protocol 3.6 occurs, and what Akamai's newer table has beside them."""
    assert {code for code, _text in PUBLISHED} == WARNING_IDS and len(PUBLISHED) == 223
    assert {one.code for one in warning_match.WORDINGS} == WARNING_IDS


@pytest.mark.parametrize(("code", "wording"), PUBLISHED)
def test_every_published_text_is_recognised(code: str, wording: str) -> None:
    """U2, U14: filled, or with its placeholders left in as CPS has been seen to do; in either case and in brackets."""
    for value in ("a.example.com", "%s", "[a] b, 'c'", "missing", "3"):
        text = filled(wording, partial(str, value))
        assert recognise(text) == (Notice(code, text),)
        assert recognise(f"[WARNINGS]\r\n{text}\r\n\r\n") == (Notice(code, text),)
        assert codes(text.upper()) == [code]
        if "\n" not in text:
            bare = text.rstrip(".")
            for varied in (bare, f"[{text}]", f"{bare} for 'RSA'.", f"{bare} for the 'RSA' certificate"):
                assert codes(varied) == [code]


@given(st.data(), ROWS)
def test_whatever_cps_fills_in_the_text_is_recognised(data: st.DataObject, row: tuple[str, str]) -> None:
    """U2: a value may hold blanks, brackets and quotes, and look like the words around it."""
    code, wording = row
    assert codes(filled(wording, lambda: data.draw(VALUES))) == [code]


@given(
    st.lists(st.one_of(ROWS, st.none()), min_size=1, max_size=8),
    st.sampled_from(["", "\n"]),
    st.sampled_from(["\n", "\r\n"]),
)
def test_messages_in_any_company_are_recognised_in_their_order(
    rows: list[tuple[str, str] | None], empty: str, end: str
) -> None:
    """U2: as many as were sent, their listings with them, unknown ones between them."""
    texts = [row or ("", "Something quite new.") for row in rows]
    sent = [(code, filled(text, lambda: "a.example.com")) for code, text in texts]
    whole = f"[WARNINGS]\n{empty}" + f"\n{empty}".join(text for _code, text in sent)
    found = recognise(whole.replace("\n", end))
    assert [(notice.code, notice.text) for notice in found] == sent


@given(ROWS, st.randoms(use_true_random=False))
def test_no_order_of_the_tables_plays_a_part(row: tuple[str, str], chance: random.Random) -> None:
    """U2: the most specific wording counts."""
    code, wording = row
    shuffled = list(warning_match.WORDINGS)
    chance.shuffle(shuffled)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(warning_match, "WORDINGS", tuple(shuffled))
        assert codes(filled(wording, lambda: "x")) == [code]


@pytest.mark.parametrize("codes_by_wording", [(0, 1), (1, 0)])
def test_the_most_specific_wording_counts(codes_by_wording: tuple[int, int], monkeypatch: pytest.MonkeyPatch) -> None:
    """U2: of two that fit, wherever they stand in the table and whatever their ids are."""
    names = [IDS[at] for at in codes_by_wording]
    loose, close = (
        warning_match.Wording(code, pieces, has_listing=False)
        for code, pieces in zip(names, [("name", "is bad"), ("name", "in the chain is bad")], strict=True)
    )
    for table in ((loose, close), (close, loose)):
        monkeypatch.setattr(warning_match, "WORDINGS", table)
        assert codes("Name [a] in the chain is bad.") == [close.code]
        assert codes("Name [a] of the chain is bad.") == [loose.code]


def test_no_two_ids_share_a_wording() -> None:
    """U2: but for the lines below it."""
    seen: dict[tuple[tuple[str, ...], bool], str] = {}
    for one in warning_match.WORDINGS:
        assert seen.setdefault((one.pieces, one.has_listing), one.code) == one.code


@pytest.mark.parametrize("code", [row[0] for row in PUBLISHED if row[1].endswith(CHAIN)])
def test_a_listing_tells_what_is_detailed(code: str) -> None:
    """U2: two ids with the same words, one with lines below it."""
    plain = {"TRUST_CHAIN_NULL_OR_EMPTY_REPORT": "TRUST_CHAIN_NULL_OR_EMPTY"}.get(code, code.removesuffix("_DETAILED"))
    [text] = {text for one, text in PUBLISHED if one == code and text.endswith(CHAIN)}
    assert codes(filled(text, str)) == [code] and codes(text.removesuffix(f"\n{CHAIN}")) == [plain]
    assert SAME_WORDS.get(code, code) == plain


@pytest.mark.parametrize("code", IDS)
def test_cps_may_name_a_warning_by_its_id(code: str) -> None:
    """U2: also one that CPS spells otherwise."""
    for named in (code, f"{code}: it is so", f"[{code}] it is so"):
        assert codes(named) == [code]
    assert codes(MISSPELT) == ["TRUST_CHAIN_PREVIOUS_NULL_OR_EMPTY"]


# What CPS has been seen to write, or may write, otherwise than the table has it.
VARIED = [
    ("Certificate data is blank or missing for 'RSA'.", "CERTIFICATE_DATA_BLANK_OR_MISSING"),
    ("Some of the domains being provisioned (%s) exist on another certificate.", "OVERLAPPING_TRAFFIC_CLASS"),
    ("The SNI names [a.example.com] overlap with those of enrollment [10002].", "SNI_DNS_OVERLAP"),
    ("The following SANs are scheduled to be removed: a.example.com.", "SANS_REMOVED_REQUIRE_ACKNOWLEDGEMENT"),
    ("Value for %s differs between the CSR and the certificate.", "CSR_VS_CERTIFICATE_SUBJECT_FIELD_MISMATCH"),
    (
        "[SAN name [a] removed from certificate is still live on the network., "
        "SAN name [b] removed from certificate is still live on the network.]",
        "CERTIFICATE_VS_NETWORK_SAN_REMOVED_FROM_CERT_LIVE_ON_NETWORK",
    ),
]


@pytest.mark.parametrize(("text", "code"), VARIED)
def test_words_that_vary_are_recognised(text: str, code: str) -> None:
    """U2."""
    assert codes(text) == [code]


PEM = "-----BEGIN CERTIFICATE-----\nMIIBszCCAVmgAwIBAgIUGQ\nMIIB\n-----END CERTIFICATE-----"
ROOT = "THIRD_PARTY_BLACKLISTED_TRUST_CHAIN_ROOT_CERTIFICATE"


def test_a_certificate_in_the_middle_of_a_message_belongs_to_it() -> None:
    """U2: of its lines none becomes a message, and what follows does."""
    text = f"Third party trust chain root certificate: [{PEM}] is blacklisted."
    broken = f"Error parsing certificate: [{PEM}]. Cause: [it is [odd]]."
    assert codes(f"{text}\n{broken}\nQuite new.") == [ROOT, "CERTIFICATE_PARSING_ERROR", ""]
    assert codes(f"Third party trust chain root certificate: [{PEM}] and something quite new.") == [ROOT, ""]
    assert codes(f"{text.partition(' is black')[0]}\nQuite new.") == [ROOT, "", ""]


def test_another_chain_is_named_in_as_many_lines_as_cps_has_for_it() -> None:
    """U2: what is indented below it is a message of its own; descriptions may be empty."""
    text = "Expected to find trust chain:\n    a\n    \n  Instead found:\n    b\n    It is so."
    assert codes(f"{text}\n    Quite new.\nTrust chain is empty.") == [
        "NAMED_TRUST_CHAIN_MISMATCH",
        "",
        "TRUST_CHAIN_NULL_OR_EMPTY",
    ]
    assert codes(f"{text.removesuffix('    It is so.')}Quite new.") == ["NAMED_TRUST_CHAIN_MISMATCH", ""]
    assert codes("Expected to find trust chain:\nQuite new.\nb\n  Instead found:\n") == ["", "", "", ""]
    assert codes(text.replace("It is so.", "This certificate has already expired.")) == ["CERTIFICATE_EXPIRED"]


@given(ROWS, st.sampled_from([row for row in PUBLISHED if row[0] in DEFAULT_BLOCK]))
def test_a_dangerous_text_in_one_line_with_another_is_taken_for_a_dangerous_one(
    other: tuple[str, str], dangerous: tuple[str, str]
) -> None:
    """U2: nothing dangerous is acknowledged for the company it is in, nor in the place of a value."""
    text = filled(dangerous[1], lambda: "a.example.com").partition("\n")[0]
    known = filled(other[1], lambda: "b.example.com").partition("\n")[0]
    for line in (f"{known} {text}", f"{other[0]}: {text}", filled(other[1], lambda: text).partition("\n")[0]):
        found = recognise(line)
        assert len(found) == 1
        assert found[0].code in DEFAULT_BLOCK or text not in line


@pytest.mark.parametrize("between", [" ", ", "])
@given(ROWS.filter(lambda row: row[0] in QUIET and not row[1].endswith("Value>")))
def test_a_new_message_in_one_line_with_a_harmless_one_is_asked_about(between: str, row: tuple[str, str]) -> None:
    """U2: an unknown warning never travels in a known one, though it ends in the same words.

    Where a message ends in a bare value nothing says where the value ends.
    """
    text = filled(row[1], lambda: "a.example.com").partition("\n")[0].rstrip(".")
    for new in ("Something quite new.", "Something quite [new].", f"Something quite new: {text}."):
        for line in (f"{text}.{between}{new}", f"[{text}.{between}{new}]"):
            assert not QUIET & set(codes(line)), line


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
    [notice] = recognise(TEXTS[code])
    pattern = f"re:{re.escape(TEXTS[code])}"
    for entry in (code, pattern):
        policy = WarningPolicy(**{verdict: (entry,)})
        found = decide([notice], policy)
        wanted = "block" if (verdict, entry) == ("allow", pattern) and code in DEFAULT_BLOCK else verdict
        parts = {"allow": found.allowed, "ask": found.asked, "block": found.blocked}
        assert [name for name, part in parts.items() if part] == [wanted]


@pytest.mark.parametrize(("entry", "other"), [*SAME_WORDS.items(), *((b, a) for a, b in SAME_WORDS.items())])
def test_an_entry_names_both_ids_of_the_same_words(entry: str, other: str) -> None:
    """U2: whether CPS writes the chain out below a message decides nothing."""
    for verdict in ("allow", "ask", "block"):
        found = decide([Notice(other, "x")], WarningPolicy(**{verdict: (entry,)}), private_ca=True)
        assert len({"allow": found.allowed, "ask": found.asked, "block": found.blocked}[verdict]) == 1


@pytest.mark.parametrize("row", [row for row in PUBLISHED if row[0] in DEFAULT_BLOCK], ids=lambda row: row[0])
def test_no_pattern_allows_a_dangerous_text(row: tuple[str, str]) -> None:
    """U2: in any of its wordings."""
    notices = recognise(filled(row[1], lambda: "a.example.com"))
    words = re.escape(filled(row[1], lambda: "a.example.com").partition("\n")[0])
    others = [code for code in IDS if meant(code) != meant(row[0])]
    for allow in (("re:.",), ("re:DNS name", f"re:{words}"), (f"re:{words}", *others)):
        assert decide(notices, WarningPolicy(allow=allow), private_ca=True).blocked == notices


def test_the_sandbox_can_send_each_of_them_and_no_other() -> None:
    """W: in the words that Akamai publishes."""
    assert set(TEXTS) == WARNING_IDS
    assert worded([*IDS, "something else"]) == [*(TEXTS[one] for one in IDS), "something else"]
    for code, text in TEXTS.items():
        assert recognise(text) == (Notice(code, text),)
        wordings = [re.escape(re.sub(r"<\w+>", "\0", wording)) for one, wording in PUBLISHED if one == code]
        whole = [re.sub(r"(?:\\ )+", " +", wording.replace("\\\0", ".*")) for wording in wordings]
        assert any(re.fullmatch(wording.replace("\0", ".*"), text, re.DOTALL) for wording in whole), code


def test_what_is_acknowledged_by_itself_is_only_what_is_known_to_be_harmless() -> None:
    """U2: all texts at once, without a list."""
    found = decide([Notice(code, TEXTS[code]) for code in IDS], WarningPolicy(), private_ca=True, short_validity=True)
    assert {notice.code for notice in found.allowed} == set(QUIET)
    assert {notice.code for notice in found.blocked} == set(DEFAULT_BLOCK)
