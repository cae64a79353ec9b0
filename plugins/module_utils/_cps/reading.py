# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Liberal reading of single JSON members: what CPS really sends is looser than what it publishes.

Knows no record; every reader takes what came and gives a plain value, or None.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from .._core.clock import from_text
from .._core.errors import RemoteError

_TRUE = {"true", "yes", "on", "1"}
_FALSE = {"false", "no", "off", "0"}


def unusable(what: str, why: str) -> RemoteError:
    """Make the error for an answer that is well-formed but not what was asked for.

    :param what: what was read, as "the enrollment list".
    """
    return RemoteError(
        f"Cannot read {what} as CPS answered it: {why}; repeat the call, and report it if it stays so",
        code="unreadable_answer",
    )


def mapping(value: Any) -> Mapping[str, Any]:
    """Give an object, or an empty one for null, a missing member and anything else."""
    # The plain type first, here and below: asking for the abstract one costs most of the time of a large list.
    return value if isinstance(value, (dict, Mapping)) else {}


def items(value: Any) -> list[Any]:
    """Give an array, or an empty one for null, a missing member and anything else."""
    return list(value) if isinstance(value, (list, tuple)) else []


def objects(value: Any) -> list[Mapping[str, Any]]:
    """Give the objects of an array."""
    return [entry for entry in items(value) if isinstance(entry, (dict, Mapping))]


def text(value: Any) -> str | None:
    """Give a text; None for null and empty; numbers become text."""
    if isinstance(value, str):
        return value.strip() or None
    if value is None or isinstance(value, (bool, list, Mapping)):
        return None
    return str(value).strip() or None


def texts(value: Any) -> tuple[str, ...]:
    """Give the texts of an array, empty ones left out."""
    return tuple([entry for part in items(value) if (entry := text(part))])


def number(value: Any) -> int | None:
    """Give an integer; also from text."""
    if value is None or isinstance(value, bool):
        return None
    if isinstance(value, int):
        return value
    try:
        return int(str(value).strip())
    except ValueError:
        return None


def numbers(value: Any) -> tuple[int, ...]:
    """Give the integers of an array."""
    return tuple([entry for part in items(value) if (entry := number(part)) is not None])


def flag(value: Any) -> bool | None:
    """Give a boolean; also from "true" and "false", which some objects carry as text."""
    if isinstance(value, bool):
        return value
    word = str(value).strip().lower()
    if word in _TRUE:
        return True
    return False if word in _FALSE else None


def moment(value: Any) -> datetime | None:
    """Give a time in UTC; None for null and for what is no time."""
    word = text(value)
    if word is None:
        return None
    try:
        return from_text(word)
    except ValueError:
        return None


def hex_text(value: Any) -> str | None:
    """Give hexadecimal text in lower case without colons and blanks."""
    word = text(value)
    return None if word is None else "".join(word.replace(":", "").split()).lower()


def ids_of(location: Any) -> tuple[int, ...]:
    """Give the integers of a location in order; prefixes differ between answers and are never compared.

    The version in ``/cps/v2/`` is part of a word, not a path segment, and is not among them.
    """
    path = str(location or "").split("?", 1)[0]
    return tuple(int(part) for part in path.split("/") if part.isascii() and part.isdigit())


def last_id(location: Any) -> int | None:
    """Give the last integer of a location, or None."""
    found = ids_of(location)
    return found[-1] if found else None
