# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""CPS's warning text, taken apart into messages, each with the id of the warning as far as its words are known.

Decides nothing. A line is joined to the message above it only when it is plainly the rest of a listing: an unknown
warning must never travel hidden in a known one.
"""

from __future__ import annotations

import re

from .._core.types import Notice
from .warning_match import code_of, fits

# The lines of a listing below a message about a chain; nothing that reads as a sentence of its own.
_LISTING = re.compile(
    r"""\s*(?:
        trust[ ]chain:?
      | the[ ]chain[ ]that[ ]will[ ]be[ ]used[ ]is:?
      | -----(?:BEGIN|END)[ ]CERTIFICATE-----
      | (?:\d+[.)]?\s*)?(?:(?:certificate|subject|issuer|[si])\s*[:=]\s*)*
        (?:CN|OU|O|C|L|ST|S|DC|UID|serialNumber|emailAddress|[0-9]+(?:[.][0-9]+)+)\s?=.*
      | serial(?:[ ]number)?\s*[:=]\s*[0-9a-fx: ]+
      | fingerprint\s*[:=]\s*[0-9a-f: ]+
      | not[ ](?:before|after)\s*[:=].*\d.*
    )\s*""",
    re.IGNORECASE | re.VERBOSE,
)
_ARMOUR = re.compile(r"-----(BEGIN|END) CERTIFICATE-----")
_BASE64 = re.compile(r"[A-Za-z0-9+/]+={0,2}")
_HEADER = re.compile(r"\s*\[WARNINGS\]\s*:?\s*", re.IGNORECASE)


def recognise(text: str) -> tuple[Notice, ...]:
    """Take CPS's warning text apart.

    :param text: messages by line, some with a listing below them, ``[WARNINGS]`` in front or not; may be empty.
    :return: in their order, each text as CPS wrote it; the code is empty where the words are not known.
    :source: cps-protocol §3.6; get-change-allowed-input-param, ``warnings.v1``.
    """
    header = _HEADER.match(text)
    body = text.replace(header.group(0), "", 1) if header else text
    lines = body.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    messages: list[list[str]] = []
    while lines:
        taken = _count_of_chains(lines)
        if taken > 1:
            messages.append([lines[0].strip(), *(line.rstrip() for line in lines[1:taken] if line.strip())])
        elif messages and _is_below(lines[0], messages[-1]):
            messages[-1].append(lines[0].rstrip())
        elif lines[0].strip():
            messages.append([lines[0].strip()])
        del lines[:taken]
    return tuple(_notice(message) for message in messages)


def _notice(lines: list[str]) -> Notice:
    text = "\n".join(lines)
    if len(lines) > 1 and fits(text):
        return Notice(code_of(text), text)
    return Notice(code_of(lines[0], "\n".join(lines[1:])), text)


def _count_of_chains(lines: list[str]) -> int:
    """Give how many lines the next message has by its own words: six where CPS found another chain, else one.

    Name and description of both chains are lines of their own there; they may say anything, and may be empty.
    """
    said = [line.strip().lower() for line in lines[:4]]
    if said[:1] != ["expected to find trust chain:"] or said[3:] != ["instead found:"]:
        return 1
    count = 1
    for line in lines[1:6]:
        if line.strip() and not line[0].isspace():
            break
        count += 1
    return count if count > 3 else 1


def _is_below(line: str, message: list[str]) -> bool:
    """Say whether a line belongs to the message above it."""
    if not line.strip():
        return False
    # Base64 is taken for part of a certificate only inside its armour: a single word looks just like it.
    armour = [edge for kept in message for edge in _ARMOUR.findall(kept)]
    is_in_armour = bool(armour) and armour[-1] == "BEGIN"
    if is_in_armour and line.strip().startswith("-----END") and fits("\n".join([*message, line])):
        return True
    if code_of(line):
        return False
    return _LISTING.fullmatch(line) is not None or (is_in_armour and _BASE64.fullmatch(line.strip()) is not None)
