# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Values of records as zone files write them, and back. Knows no HTTP and no API."""

from __future__ import annotations

import re

from .._dns.base import CNAME, NS, TXT

MOST_OCTETS = 255
_STRING = re.compile(r'"((?:[^"\\]|\\.)*)"|([^\s"]+)', re.DOTALL)
_ESCAPE = re.compile(r"\\(\d{3}|.)", re.DOTALL)


def to_rdata(kind: str, value: str) -> str:
    """Write a value: TXT in quotes, in strings of 255 characters; the target of a CNAME with a dot at its end.

    :source: RFC 1035 §3.3.14 and §5.1.
    """
    if kind != TXT:
        return f"{value.rstrip('.')}."
    parts = re.findall(f".{{1,{MOST_OCTETS}}}", value, re.DOTALL) or [""]
    return " ".join('"' + re.sub(r'(["\\])', r"\\\1", part) + '"' for part in parts)


def from_rdata(kind: str, text: str) -> str:
    """Read a value; the strings of a TXT record are joined, as those who check it do."""
    if kind in (CNAME, NS):
        return text.strip().rstrip(".").lower()
    if kind != TXT:
        return text.strip()
    return "".join(_ESCAPE.sub(_plain, quoted or bare) for quoted, bare in _STRING.findall(text))


def _plain(found: re.Match[str]) -> str:
    word = found[1]
    return chr(int(word) % 256) if word.isdigit() and len(word) == 3 else word
