# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The published table of CPS's warnings, and its texts filled in as CPS might fill them in."""

from __future__ import annotations

import pathlib
import re
from collections.abc import Callable

from hypothesis import strategies as st

FILE = pathlib.Path(__file__).with_name("cps_warnings.txt")
CHAIN = "<trustChainData>"
# As the newer table spells it.
MISSPELT = "TRUST_CHAIN_PREVIOIS_NULL_OR_EMPTY"
LISTING = """Trust Chain
Certificate: Subject: CN=www.example.com,O=Example Ltd
     Issuer: CN=Issuing CA
     Serial Number: 01:a2:
The chain that will be used is:
1. Subject: CN=Issuing CA
     Issuer: CN=Root CA
     Serial Number: 0f:
-----BEGIN CERTIFICATE-----
MIIBszCCAVmgAwIBAgIUGQ==
-----END CERTIFICATE-----"""


def published() -> list[tuple[str, str]]:
    """Give every id with a wording of it, those of the older table first."""
    lines = [line for line in FILE.read_text().splitlines() if not line.startswith("#")]
    rows = [line.split("|", 1) for line in lines]
    return [(code.replace("PREVIOIS", "PREVIOUS"), text.replace("\\n", "\n")) for code, text in rows]


def filled(wording: str, value: Callable[[], str]) -> str:
    """Give a wording with each placeholder filled in, the listing of a chain with one."""
    return re.sub(r"<\w+>", lambda found: LISTING if found.group() == CHAIN else value(), wording)


# What ends a message and begins another is no value.
VALUES = st.one_of(
    st.sampled_from(
        [
            "",
            " ",
            "RSA",
            "%s",
            "[",
            "]",
            "a] vs [b",
            "'RSA'",
            'O="Müller, [Sons] & Co.", C=DE',
            "CN=*.example.com",
            "missing",
            "3",
            "null",
            "for 'ECDSA'",
            "İstanbul",
            "<name>",
            "\\d+(",
            "a.example.com, b.example.com",
        ]
    ),
    st.text("[]'\"<>().,;:%#-+* aZ09éß", max_size=30),
    st.text(st.characters(exclude_characters="\n\r", exclude_categories=["Cs"]), max_size=30),
).filter(lambda value: not re.search(r"\]\s*\.\s*,?\s", value + " "))
