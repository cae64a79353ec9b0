# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A wrapper that keeps secrets out of text, and the redaction of records for output."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, ClassVar

MASK = "***"
_PLAIN = frozenset((str, int, float, bool, type(None)))


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
        text = self._opened()
        if text:
            Secret.revealed.add(text)
        return text

    def disclose(self) -> str:
        """Give the secret text for a result that was asked to hold it: unlike after ``reveal``, it is not masked."""
        return self._opened()

    def _opened(self) -> str:
        return self._text

    def __repr__(self) -> str:
        return MASK

    __str__ = __repr__

    def __format__(self, spec: str) -> str:
        return MASK

    def __bool__(self) -> bool:
        return bool(self._opened())

    def __eq__(self, other: object) -> bool:
        return self is other or (isinstance(other, Secret) and other._opened() == self._opened())

    def __hash__(self) -> int:
        return hash(self._opened())

    def __reduce__(self) -> Any:
        raise TypeError("a Secret is not to be pickled")


class SealedSecret(Secret):
    """A secret that is opened when it is first needed: most calls that read its record never do.

    :param sealed: as it is kept; ``place`` names what it is bound to.
    :param unseal: opens it, and raises when the key is wrong or missing.
    """

    __slots__ = ("_is_open", "_unseal", "place", "sealed")

    def __init__(self, sealed: bytes, place: str, unseal: Callable[[str, bytes], str]) -> None:
        super().__init__("")
        self.sealed, self.place, self._unseal, self._is_open = sealed, place, unseal, False

    def _opened(self) -> str:
        if not self._is_open:
            self._text, self._is_open = self._unseal(self.place, self.sealed), True
        return self._text

    def __bool__(self) -> bool:
        # Nobody seals an empty text, so asking whether there is one opens nothing.
        return True

    __hash__ = Secret.__hash__


def redacted(value: Any) -> Any:
    """Copy a JSON-ready value with every Secret replaced by the mask.

    :param value: mappings, lists, tuples and scalars, nested.
    """
    # Most of what comes here, by far, and no question to an abstract class.
    if value.__class__ in _PLAIN:
        return value
    if isinstance(value, Secret):
        return MASK if value else None
    if isinstance(value, Mapping):
        return {key: redacted(entry) for key, entry in value.items()}
    if isinstance(value, (list, tuple)):
        return [redacted(entry) for entry in value]
    return value
