# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""CPS's warnings: taken apart, recognised, and decided on by policy."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.edgecert.clm.plugins.module_utils._core import warning_ids
from ansible_collections.edgecert.clm.plugins.module_utils._core.errors import InputError
from ansible_collections.edgecert.clm.plugins.module_utils._core.types import Notice
from ansible_collections.edgecert.clm.plugins.module_utils._core.warning_policy import WarningPolicy, decide
from ansible_collections.edgecert.clm.plugins.module_utils._cps.warnings import recognise
from ansible_collections.edgecert.clm.tests.support.cps_warnings import LISTING

# The words quoted in cps-protocol §3.6, in a sentence each.
QUOTED = {
    "The certificate has a validity period of greater than 397 days.": "CERTIFICATE_EXPIRATION_DATE_BEYOND_MAX_DAYS",
    "This certificate will expire in the near future.": "CERTIFICATE_EXPIRATION_DATE_IN_NEAR_FUTURE",
    "This certificate has a short lifetime.": "CERTIFICATE_EXPIRATION_TOO_SHORT",
    "No KMI data is available for the new certificate.": "CERTIFICATE_KMI_DATA_MISSING",
    "The certificate was not generated from the CSR.": "CSR_VS_CERTIFICATE_KEY_MISMATCH",
    "SAN name [a.example.com] is missing from the certificate.": (
        "CSR_VS_CERTIFICATE_MISSING_SAN_FROM_SAN_LIST_IN_CERTIFICATE"
    ),
    "SAN name [a.example.com] was added to the certificate.": (
        "CSR_VS_CERTIFICATE_ADDITIONAL_SAN_IN_SAN_LIST_IN_CERTIFICATE"
    ),
    "Value for OU differs between the CSR and the certificate.": "CSR_VS_CERTIFICATE_OU_FIELD_MISMATCH",
    "Value for C differs between the CSR and the certificate": "CSR_VS_CERTIFICATE_C_FIELD_MISMATCH",
    "Value for %s differs between the CSR and the certificate": "CSR_VS_CERTIFICATE_SUBJECT_FIELD_MISMATCH",
    "The value for ST is present in the CSR, but missing in the certificate.": (
        "CSR_VS_CERTIFICATE_ST_FIELD_MISSING_IN_CERTIFICATE"
    ),
    "The value for L is missing in the CSR, but is present in the certificate.": (
        "CSR_VS_CERTIFICATE_L_FIELD_ADDITIONAL_IN_CERTIFICATE"
    ),
    "The trust chain includes a standard root certificate.": "TRUST_CHAIN_INCLUDES_STANDARD_ROOT_CERTIFICATE",
    "The trust chain terminates with a non-standard root certificate.": (
        "TRUST_CHAIN_TERMINATES_WITH_NON_STANDARD_CERTIFICATE"
    ),
    "This would overlap domains on another certificate: %s": "OVERLAPPING_TRAFFIC_CLASS",
    "The SANs [a.example.com] are scheduled to be removed.": "SANS_REMOVED_REQUIRE_ACKNOWLEDGEMENT",
    "[SAN name [a.example.com] removed from certificate is still live on the network.]": (
        "CERTIFICATE_VS_NETWORK_SAN_REMOVED_FROM_CERT_LIVE_ON_NETWORK"
    ),
}
NON_STANDARD = "TRUST_CHAIN_TERMINATES_WITH_NON_STANDARD_CERTIFICATE"


@pytest.mark.parametrize("text", sorted(QUOTED))
def test_quoted_words_are_recognised(text: str) -> None:
    """U14."""
    assert recognise(text) == (Notice(QUOTED[text], text),)


def test_messages_are_split_with_their_listings() -> None:
    known = "The trust chain terminates with a non-standard root certificate."
    text = f"[WARNINGS]\n{known}\n{LISTING}\nNew %s thing.\r\nThis certificate has a short lifetime.\n\n"
    found = recognise(text)
    assert [notice.code for notice in found] == [f"{NON_STANDARD}_DETAILED", "", "CERTIFICATE_EXPIRATION_TOO_SHORT"]
    assert found[0].text == f"{known}\n{LISTING}"
    assert found[1].text == "New %s thing."


@pytest.mark.parametrize(
    "line",
    [
        "Revoked",
        "Something quite new.",
        "    Something indented and new.",
        "Certificate: the key is compromised",
        "Subject: nobody knows",
        "reason=compromised",
        "Serial number: it was used before",
    ],
)
def test_unknown_warning_never_travels_in_a_known_one(line: str) -> None:
    """No warning is acknowledged that policy did not allow."""
    known = "The trust chain terminates with a non-standard root certificate."
    assert [notice.code for notice in recognise(f"{known}\n{LISTING}\n{line}")] == [f"{NON_STANDARD}_DETAILED", ""]


def test_known_warning_that_looks_like_a_listing_stands_alone() -> None:
    text = f"Unsorted trust chain downloaded, using\n{LISTING}\nSubject: CN=x was not generated from the CSR"
    assert [notice.code for notice in recognise(text)] == ["UNSORTED_TRUST_CHAIN", "CSR_VS_CERTIFICATE_KEY_MISMATCH"]


def test_nothing_is_no_warning() -> None:
    assert recognise("") == recognise("[WARNINGS]") == recognise(" \n\r\n ") == ()


@given(st.text())
def test_any_text_is_taken_and_no_word_of_it_is_lost(text: str) -> None:
    kept = "".join("".join(notice.text.split()) for notice in recognise(text))
    whole = "".join(text.split())
    assert kept == whole or whole.upper().startswith("[WARNINGS]")


def test_text_that_fits_two_is_taken_for_the_worse() -> None:
    text = "This certificate has a short lifetime and was not generated from the CSR."
    assert recognise(text)[0].code == "CSR_VS_CERTIFICATE_KEY_MISMATCH"


def test_every_id_in_every_table_is_a_known_one() -> None:
    assert len(warning_ids.WARNING_IDS) == 117
    tables = (
        warning_ids.DEFAULT_ALLOW,
        warning_ids.DEFAULT_BLOCK,
        warning_ids.PRIVATE_CA_ALLOW,
        warning_ids.SHORT_VALIDITY_ALLOW,
        set(QUOTED.values()),
        set(warning_ids.SPELLINGS.values()),
    )
    for table in tables:
        assert set(table) <= warning_ids.WARNING_IDS
    assert not warning_ids.DEFAULT_ALLOW & warning_ids.DEFAULT_BLOCK


OU = Notice("CSR_VS_CERTIFICATE_OU_FIELD_MISMATCH", "Value for OU differs")
KEY = Notice("CSR_VS_CERTIFICATE_KEY_MISMATCH", "not generated from the CSR")
ROOT = Notice("TRUST_CHAIN_TERMINATES_WITH_NON_STANDARD_CERTIFICATE", "non-standard root")
CHAIN = Notice("TRUST_CHAIN_VERIFY_FAILED", "The trust chain could not be verified")
SHORT = Notice("CERTIFICATE_EXPIRATION_TOO_SHORT", "short lifetime")
NEW = Notice("", "Something quite new")


def verdict(notice: Notice, policy: WarningPolicy, **flags: bool) -> str:
    found = decide([notice], policy, **flags)
    parts = {"allow": found.allowed, "ask": found.asked, "block": found.blocked}
    assert [len(part) for part in parts.values()].count(1) == 1
    return next(name for name, part in parts.items() if part)


@pytest.mark.parametrize(
    ("notice", "policy", "flags", "wanted"),
    [
        (OU, WarningPolicy(), {}, "allow"),
        (KEY, WarningPolicy(), {}, "block"),
        (NEW, WarningPolicy(), {}, "ask"),
        (ROOT, WarningPolicy(), {}, "ask"),
        (ROOT, WarningPolicy(), {"private_ca": True}, "allow"),
        (SHORT, WarningPolicy(), {"private_ca": True}, "ask"),
        (SHORT, WarningPolicy(), {"short_validity": True}, "allow"),
        (KEY, WarningPolicy(allow=(KEY.code,)), {}, "allow"),
        (KEY, WarningPolicy(allow=("re:not generated",)), {}, "block"),
        (KEY, WarningPolicy(allow=("re:not generated", KEY.code)), {}, "allow"),
        (KEY, WarningPolicy(ask=("re:not generated",)), {}, "ask"),
        (CHAIN, WarningPolicy(allow=("re:trust chain",)), {}, "block"),
        (ROOT, WarningPolicy(allow=("re:non-standard",)), {}, "allow"),
        (OU, WarningPolicy(ask=(OU.code,)), {}, "ask"),
        (OU, WarningPolicy(block=("re:value for OU",)), {}, "block"),
        (OU, WarningPolicy(allow=(OU.code,), ask=(OU.code,)), {}, "ask"),
        (OU, WarningPolicy(allow=(OU.code,), ask=(OU.code,), block=(OU.code,)), {}, "block"),
        (NEW, WarningPolicy(allow=tuple(sorted(warning_ids.WARNING_IDS))), {}, "ask"),
        (NEW, WarningPolicy(allow=("re:^something quite",)), {}, "allow"),
        (NEW, WarningPolicy(allow=("re:^quite",)), {}, "ask"),
    ],
)
def test_policy_decides(notice: Notice, policy: WarningPolicy, flags: dict[str, bool], wanted: str) -> None:
    """Block wins over ask, ask over allow, a list over the default; an unknown text is never allowed by an id.

    A pattern does not lift what is blocked as dangerous: that takes its id.
    """
    assert verdict(notice, policy, **flags) == wanted


@given(st.lists(st.sampled_from([OU, KEY, ROOT, SHORT, NEW]), max_size=8))
def test_every_warning_is_in_exactly_one_of_three(notices: list[Notice]) -> None:
    found = decide(notices, WarningPolicy())
    assert len(found.allowed) + len(found.asked) + len(found.blocked) == len(notices)
    assert found.allowed == tuple(notice for notice in notices if notice == OU)


def test_wrong_entries_are_all_told_with_what_is_near() -> None:
    with pytest.raises(InputError) as caught:
        WarningPolicy(allow=("CERTIFICATE_EXPIRD", "re:("), block=("nothing like it", "re:.*"))
    text = caught.value.message
    assert "allow: 'CERTIFICATE_EXPIRD' is no known warning id; near it: CERTIFICATE_EXPIRED" in text
    assert "'re:(' is not a regular expression" in text
    assert "block: 'nothing like it' is no known warning id" in text
    assert "'re:.*' matches an empty text" in text
