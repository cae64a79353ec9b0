# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The rules of names, each with its reason."""

from __future__ import annotations

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.edgecert.clm.plugins.module_utils._core import names
from ansible_collections.edgecert.clm.plugins.module_utils._core.countries import COUNTRY_CODES

INNER = string.ascii_letters + string.digits + "_"
LABELS = st.text(INNER + "-", min_size=1, max_size=63).filter(lambda text: text[0] != "-" and text[-1] != "-")
HOSTS = (
    st.lists(LABELS, min_size=2, max_size=4)
    .filter(lambda labels: not labels[-1].isdigit())
    .map(".".join)
    .filter(lambda name: len(name) <= 253)
)


@given(HOSTS, st.booleans())
def test_every_name_of_good_labels_is_taken(host: str, is_wildcard: bool) -> None:
    """E12: letters, digits, '-' and '_', and a leading '*.'."""
    name = f"*.{host}" if is_wildcard else host
    if len(name) <= 253:
        assert names.dns_reason(name) == ""


@given(st.text(max_size=80))
def test_what_is_taken_holds_every_rule(text: str) -> None:
    """E12: whatever is typed, nothing outside the rules slips through."""
    if names.common_name_reason(text) == "":
        assert 0 < len(text) <= 64
        labels = (text[2:] if text.startswith("*.") else text).split(".")
        assert len(labels) >= 2
        assert all(1 <= len(label) <= 63 and set(label) <= set(INNER + "-") for label in labels)
        assert not any(label.startswith("-") or label.endswith("-") for label in labels)


@given(HOSTS, st.sampled_from("!\"#$%&'()+,/:;<=>?@[\\]^`{|}~ \t\n"), st.integers(0, 60))
def test_name_with_any_other_character_is_refused(host: str, wrong: str, place: int) -> None:
    """E12: no special characters but '_' and '-'."""
    place = min(place, len(host))
    assert names.dns_reason(host[:place] + wrong + host[place:])


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("", "is empty"),
        ("192.0.2.1", "is an IP address"),
        ("2001:db8::1", "is an IP address"),
        ("[2001:db8::1]", "is an IP address"),
        ("https://www.example.com", "is a URI"),
        ("admin@example.com", "is an e-mail address"),
        ("www..example.com", "has an empty label"),
        ("www.example.com.", "has an empty label"),
        ("-www.example.com", "begins or ends with '-' (-www)"),
        ("www-.example.com", "begins or ends with '-' (www-)"),
        ("w w.example.com", "has the character ' '"),
        ("www.*.example.com", "'*' may only be the whole first label"),
        ("w*.example.com", "'*' may only be the whole first label"),
        ("*", "'*' may only be the whole first label"),
        ("*.com", "needs at least two labels, as in *.example.com"),
        ("localhost", "needs at least two labels, as in www.example.com"),
        ("www.example.123", "digits only (123)"),
        (f"{'a' * 64}.example.com", "a label of 64 characters"),
        (".".join(["a" * 50] * 6), "has 305 characters, 253 are allowed"),
        ("münchen.example.com", "write its ASCII form xn--mnchen-3ya.example.com"),
        ("straße.example.com", "write its ASCII form, which starts with xn--"),
    ],
)
def test_dns_name_is_refused_with_its_reason(name: str, reason: str) -> None:
    """E12, E13."""
    assert reason in names.dns_reason(name)


def test_common_name_counts_its_characters() -> None:
    """E12: at most 64."""
    good, long = f"{'a' * 52}.example.com", f"{'a' * 53}.example.com"
    assert len(good) == 64 and names.common_name_reason(good) == ""
    assert names.common_name_reason(long).startswith("has 65 characters, 64 are allowed")


def test_single_label_is_taken_where_it_may_be() -> None:
    assert names.dns_reason("localhost", is_qualified=False) == ""


def test_names_are_lowered_and_folded_with_the_common_name_first() -> None:
    """E13: several, counted, each once."""
    found, problems = names.read_names(
        "WWW.example.com",
        ["b.example.com", "www.EXAMPLE.com", "B.example.com"],
        ["2001:0db8::0001", "2001:db8::1", "192.0.2.1"],
        ["a@EXAMPLE.com", "a@example.com", "A@example.com"],
        ["https://example.com/x"],
    )
    assert problems == ()
    assert found.common_name == "www.example.com"
    assert found.dns == ("www.example.com", "b.example.com")
    assert found.ips == ("2001:db8::1", "192.0.2.1")
    assert found.emails == ("a@example.com", "A@example.com")
    assert found.count == 7


def test_all_problems_are_told_at_once_and_none_twice() -> None:
    _names, problems = names.read_names("bad name", ["bad name", "1.2.3.4"], ["x"], ["y"], ["z"])
    assert [problem.kind for problem in problems] == ["common name", "DNS name", "IP address", "e-mail address", "URI"]
    assert problems[0].sentence == (
        "common name 'bad name' has the character ' '; letters, digits, '-' and '_' are allowed"
    )


@pytest.mark.parametrize(
    ("check", "good", "bad"),
    [
        (names.ip_reason, ["192.0.2.1", "2001:db8::1"], ["192.0.2.0/24", "fe80::1%eth0", "192.0.2.256", "www", ""]),
        (
            names.email_reason,
            ["a.b+c@example.com", "o'neil@mail.example.com"],
            ["", "a", "@example.com", "a@", "a@b", "a b@example.com", "a@192.0.2.1", ".a@example.com", "ä@example.com"],
        ),
        (
            names.uri_reason,
            ["https://www.example.com/", "spiffe://example.com/edge", "urn:uuid:1"],
            ["", "www.example.com", "/path", "https://", "https:// x", "1a://x", "https://münchen.de", "http://[x"],
        ),
        (names.country_reason, ["US", "DE", "IN", "GB"], ["", "us", "UK", "USA", "XX", "Germany"]),
        (
            names.phone_reason,
            ["+1 617 444 3000", "0617-444-3000", "(617) 444.3000 x12", "+91 80 1234 5678 ext. 9"],
            ["", "call me", "1234", "+1234567890123456", "+", "12+34567", "555-HELP"],
        ),
    ],
)
def test_other_values_are_taken_or_refused_with_a_reason(check: object, good: list[str], bad: list[str]) -> None:
    """E13, E14, S2 to S4."""
    assert callable(check)
    assert [value for value in good if check(value)] == []
    assert [value for value in bad if not check(value)] == []


def test_lower_case_country_is_told_its_capitals() -> None:
    assert names.country_reason("de") == "is to be written in capitals: DE"


def test_country_table_is_whole() -> None:
    """E14: 249 codes are officially assigned."""
    assert len(COUNTRY_CODES) == 249
    assert all(len(code) == 2 and code.isupper() for code in COUNTRY_CODES)


@pytest.mark.parametrize(
    ("pattern", "host", "is_covered"),
    [
        ("www.example.com", "WWW.example.com", True),
        ("*.example.com", "www.example.com", True),
        ("*.example.com", "*.example.com", True),
        ("*.example.com", "example.com", False),
        ("*.example.com", "a.b.example.com", False),
        ("*.example.com", ".example.com", False),
        ("www.example.com", "*.example.com", False),
    ],
)
def test_wildcard_covers_exactly_one_label(pattern: str, host: str, is_covered: bool) -> None:
    assert names.covers(pattern, host) is is_covered
