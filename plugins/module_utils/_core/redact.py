# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A wrapper that keeps secrets out of text, and the redaction of records for output."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

MASK = "***"


class Secret:
    """Hold a secret text; printing, formatting and comparing by repr show only a mask.

    :param text: the secret; ``reveal()`` gives it back to the one place that needs it.
    """

    __slots__ = ("_text",)

    revealed: ClassVar[set[str]] = set()
    """Every text revealed in this process, for the glue to mask whatever a result may hold of it."""

    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        """Give the secret text; never put the answer in a message, a log or a record."""
        if self._text:
            Secret.revealed.add(self._text)
        return self._text

    def __repr__(self) -> str:
        return MASK

    __str__ = __repr__

    def __format__(self, spec: str) -> str:
        return MASK

    def __bool__(self) -> bool:
        return bool(self._text)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and other._text == self._text

    def __hash__(self) -> int:
        return hash(self._text)

    def __reduce__(self) -> Any:
        raise TypeError("a Secret is not to be pickled")


def redacted(value: Any) -> Any:
    """Copy a JSON-ready value with every Secret replaced by the mask.

    :param value: mappings, lists, tuples and scalars, nested.
    """
    if isinstance(value, Secret):
        return MASK if value else None
    if isinstance(value, Mapping):
        return {key: redacted(entry) for key, entry in value.items()}
    if isinstance(value, (list, tuple)):
        return [redacted(entry) for entry in value]
    return value
