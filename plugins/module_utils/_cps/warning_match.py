# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which warning of CPS a message is: held against every wording that is known, whatever CPS filled in.

No order of the tables plays a part. A message is what the most specific wording says that fits it whole; what is
dangerous is found also in the place of a value, or in the middle of words that nobody knows.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from .._core.warning_ids import DEFAULT_BLOCK, SPELLINGS, SUBJECT_FIELDS, WARNING_IDS
from . import warning_texts, warning_texts_more

_VALUE = re.compile(r"\s*<[^<>]*>\s*")
_LISTING = "<listing>"

# CPS names a warning by its id where it has one to give, as in the code of a validation message.
_ID = re.compile(r"\W*([A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+)\b")
# Said at the end where an enrollment has two keys, as in "Certificate data is blank or missing for 'RSA'."
_FOR_KEY = re.compile(r" for (?:the )?'[\w%.-]+'(?: certificate)?$")
# No value, but the end of one message and the start of the next: CPS has been seen to write several in one line.
_NEXT = re.compile(r"\]\.,? ")
_LONG = 10


@dataclass(frozen=True)
class Wording:
    """One wording of a warning.

    :ivar pieces: what stands before, between and after the values, in lower case; one piece if there is no value.
    :ivar has_listing: lines below the message belong to it.
    """

    code: str
    pieces: tuple[str, ...]
    has_listing: bool

    @property
    def weight(self) -> int:
        """Count the characters that a text must have to fit: the more, the more specific."""
        return sum(map(len, self.pieces))


def _wording(code: str, text: str) -> Wording:
    has_listing = text.endswith(_LISTING)
    body = _ended(_plain(text.removesuffix(_LISTING)))
    return Wording(code, tuple(_VALUE.split(body)), has_listing)


def _plain(text: str) -> str:
    return " ".join(text.lower().split())


def _ended(text: str) -> str:
    return text.rstrip(". ")


def _read(table: str) -> Iterator[Wording]:
    of_id = ""
    for line in filter(None, table.split("\n")):
        if line.startswith(" "):
            yield _wording(of_id, line)
        else:
            of_id = line


def _of_fields() -> Iterator[Wording]:
    for of_field, general, texts in warning_texts.FIELDS:
        for lead in ("", "The "):
            for text in texts:
                yield from (
                    _wording(of_field.format(field=field), lead + text.format(field=field)) for field in SUBJECT_FIELDS
                )
                yield _wording(general, lead + text.format(field="%s"))


WORDINGS: tuple[Wording, ...] = (
    *_read(warning_texts.CERTIFICATE),
    *_read(warning_texts.KEY_STORE),
    *_read(warning_texts.CSR),
    *_of_fields(),
    *_read(warning_texts_more.CHAIN),
    *_read(warning_texts_more.NAMES),
    *_read(warning_texts_more.OTHER),
)
"""Every wording that is known whole."""

_DANGEROUS = tuple(one for one in WORDINGS if one.code in DEFAULT_BLOCK)
_MARKS = tuple(_read(warning_texts_more.MARKS))


def known_id(name: str) -> str:
    """Give the id of a warning as it is written here; empty when there is none of that name."""
    spelled = SPELLINGS.get(name, name)
    return spelled if spelled in WARNING_IDS else ""


def code_of(message: str, listing: str = "") -> str:
    """Give the id of the warning that a message is; empty when nobody knows.

    :param message: one message, of one line, or of several where CPS's wording has several.
    :param listing: the lines below it; empty if there are none.
    """
    whole = _whole(message, listing)
    if whole and whole[0].code in DEFAULT_BLOCK:
        return whole[0].code
    # A value may hold anything: what else was said must not be acknowledged with the words around it.
    text = _plain(message)
    values = "\n".join(whole[1]) if whole else text
    dangerous = _heaviest(
        one for part, known in ((text, _DANGEROUS), (values, _MARKS)) for one in known if _is_within(one, part)
    )
    named = _ID.match(message)
    by_id = known_id(named.group(1)) if named else ""
    if dangerous or by_id in DEFAULT_BLOCK:
        return dangerous or by_id
    return whole[0].code if whole else by_id


def fits(message: str) -> bool:
    """Say whether a message is, from its first to its last word, one that is known."""
    return _whole(message, "") is not None


def _heaviest(found: Iterable[Wording]) -> str:
    return max(((one.weight, one.code) for one in found), default=(0, ""))[1]


def _whole(message: str, listing: str) -> tuple[Wording, tuple[str, ...]] | None:
    """Find the most specific wording that fits from the first to the last word, and what stands for its values."""
    found = [
        (one, values)
        for text in _readings(message)
        for one in WORDINGS
        if (values := _values(one.pieces, text)) is not None
    ]

    def rank(entry: tuple[Wording, tuple[str, ...]]) -> tuple[int, bool, str, tuple[str, ...]]:
        one, values = entry
        return one.weight, one.has_listing is bool(listing), one.code, values

    return max(found, key=rank, default=None)


def _readings(message: str) -> set[str]:
    """Give a message as it stands, without brackets around it, and without a word for which key it is."""
    text = _ended(_plain(message))
    bare = _ended(text[1:-1]) if text.startswith("[") and text.endswith("]") else text
    return {text, bare, _ended(_FOR_KEY.sub("", text)), _ended(_FOR_KEY.sub("", bare))}


def _values(pieces: tuple[str, ...], text: str) -> tuple[str, ...] | None:
    """Give what stands between the pieces of a text that consists of them; None when it does not."""
    if len(pieces) == 1:
        return () if text == pieces[0] else None
    first, *middle, last = pieces
    at, end = len(first), len(text) - len(last)
    if at > end or not text.startswith(first) or not text.endswith(last):
        return None
    values = []
    for piece in middle:
        found = text.find(piece, at, end)
        if found < 0:
            return None
        values.append(text[at:found].strip())
        at = found + len(piece)
    values.append(text[at:end].strip())
    return None if any(_is_more(value, pieces) for value in values) else tuple(values)


def _is_more(value: str, pieces: tuple[str, ...]) -> bool:
    """Say whether there is another message in the place of a value."""
    return _NEXT.search(value) is not None or any(len(piece) > _LONG and piece in value for piece in pieces)


def _is_within(one: Wording, text: str) -> bool:
    at = 0
    for piece in one.pieces:
        found = text.find(piece, at)
        if found < 0:
            return False
        at = found + len(piece)
    return True
