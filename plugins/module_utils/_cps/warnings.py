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
from .._core.warning_ids import DEFAULT_BLOCK, SUBJECT_FIELDS, WARNING_IDS
from .warning_texts import FIELD_CASE, FIELD_TEXTS, TEXTS

_FIELD = re.compile(r"\bvalue for (?P<field>\S+) (?P<what>.*)", re.IGNORECASE)

# The dangerous first: a text that fits two is taken for the worse.
_PATTERNS = tuple(
    (re.compile(words, re.IGNORECASE), code)
    for words, code in sorted(TEXTS, key=lambda entry: entry[1] not in DEFAULT_BLOCK)
)
# CPS names a warning by its id where it has one to give, as in the code of a validation message.
_ID = re.compile(r"\W*([A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+)\b")

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
_BASE64 = re.compile(r"[A-Za-z0-9+/]+={0,2}")
_HEADER = re.compile(r"\s*\[WARNINGS\]\s*:?\s*", re.IGNORECASE)


def recognise(text: str) -> tuple[Notice, ...]:
    """Take CPS's warning text apart.

    :param text: messages by line, some with a listing below them, ``[WARNINGS]`` in front or not; may be empty.
    :return: in their order, each text as CPS wrote it; the code is empty where the words are not known.
    :source: cps-protocol §3.6; get-change-allowed-input-param, ``warnings.v1``.
    """
    messages: list[list[str]] = []
    header = _HEADER.match(text)
    body = text.replace(header.group(0), "", 1) if header else text
    for line in body.replace("\r\n", "\n").replace("\r", "\n").split("\n"):
        if not line.strip():
            continue
        if messages and _is_listing(line, messages[-1]):
            messages[-1].append(line.rstrip())
        else:
            messages.append([line.strip()])
    return tuple(Notice(_code(lines[0]), "\n".join(lines)) for lines in messages)


def _is_listing(line: str, message: list[str]) -> bool:
    if _code(line):
        return False
    if _LISTING.fullmatch(line):
        return True
    # Base64 is taken for part of a certificate only inside its armour: a single word looks just like it.
    armour = [kept.strip() for kept in message if kept.strip().startswith("-----")]
    in_armour = bool(armour) and armour[-1] == "-----BEGIN CERTIFICATE-----"
    return in_armour and _BASE64.fullmatch(line.strip()) is not None


def _code(line: str) -> str:
    found = next((code for pattern, code in _PATTERNS if pattern.search(line)), "")
    if found in DEFAULT_BLOCK:
        return found
    named = _ID.match(line)
    if named and named.group(1) in WARNING_IDS:
        return named.group(1)
    return _field_code(line) or found


def _field_code(line: str) -> str:
    if re.search(FIELD_CASE[0], line, re.IGNORECASE):
        return FIELD_CASE[1]
    field = _FIELD.search(line)
    if field is None:
        return ""
    name, words = field.group("field").strip("[]'\""), field.group("what")
    for pattern, with_field, without in FIELD_TEXTS:
        if re.search(pattern, words, re.IGNORECASE):
            # CPS has been seen to leave its placeholder in: the field is then unknown, the kind of fault is not.
            return with_field.format(field=name) if name in SUBJECT_FIELDS else without
    return ""
