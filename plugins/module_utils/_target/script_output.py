# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a script wrote, made fit to be kept: bounded while it comes in, then printable, with secrets masked.

Knows no process. A secret or key that the bounds cut in two is not shown in part either.
"""

from __future__ import annotations

import re
from collections.abc import Set

from .._core.redact import MASK

KEPT_CHARACTERS = 16_384
"""So many characters of the output are kept at most: the first half and the last half of them."""

_HALF = KEPT_CHARACTERS // 2
# What may be cut in two at a bound and so is thrown away there: the longest secret, but a little in any case, for the
# first line of a key, and no more than this.
_LEAST_MARGIN, _MOST_MARGIN = 256, 65_536

_BEGIN, _END = r"-----BEGIN [A-Z0-9 ]*PRIVATE KEY", r"-----END [A-Z0-9 ]*PRIVATE KEY-----"
_KEY = re.compile(rf"{_BEGIN}.*?(?:{_END}|\Z)", re.DOTALL)
# After a bound a key may go on whose beginning was thrown away: up to its end, or as lines of base64 alone.
_KEY_END = re.compile(rf"\A(?:(?!{_BEGIN}).)*?{_END}", re.DOTALL)
_KEY_LINES = re.compile(r"\A[A-Za-z0-9+/=]*(?:\n[A-Za-z0-9+/=]{16,})*(?=\n|\Z)")

# Sequences that terminals obey: CSI, the ones that carry a text (OSC, DCS and such), two characters; in this order.
_ESCAPES = re.compile(r"(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]|\x1b[\]PX^_][^\x07\x1b\n]*(?:\x07|\x1b\\)?|\x1b[ -/]*[0-~]")
# Other control characters, and those that turn the direction of a line or begin one unseen.
_CONTROLS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069]")


def printable(text: str) -> str:
    """Take the terminal sequences out of a text and spell its other control characters; line ends and tabs stay."""
    text = _ESCAPES.sub("", text).replace("\r\n", "\n").replace("\r", "\n")
    return _CONTROLS.sub(lambda found: ascii(found.group())[1:-1], text)


class BoundedOutput:
    """Takes what a script writes, in pieces of any length, and keeps its beginning and its end.

    :param secrets: texts to mask.
    """

    def __init__(self, secrets: Set[str]) -> None:
        # The longest first: of a secret that begins as another one does nothing is to be left over.
        ordered = sorted(secrets - {""}, key=len, reverse=True)
        self._secrets = re.compile("|".join(map(re.escape, ordered))) if ordered else None
        longest = len(ordered[0].encode("utf-8", "replace")) if ordered else 0
        self._margin = min(max(longest, _LEAST_MARGIN), _MOST_MARGIN)
        # A character is four bytes at most.
        self._room = 4 * _HALF + self._margin
        self._head, self._tail = bytearray(), bytearray()
        self.size = 0

    def feed(self, piece: bytes) -> None:
        """Take the next piece."""
        self.size += len(piece)
        free = self._room - len(self._head)
        self._head += piece[:free]
        rest = max(free, 0)
        self._tail += piece[rest:]
        if len(self._tail) > 2 * self._room:
            del self._tail[: -self._room]

    def text(self) -> tuple[str, bool]:
        """Give what is kept, and whether that is not all."""
        if self.size <= len(self._head) + len(self._tail):
            whole = self._clean(bytes(self._head + self._tail))
            if len(whole) <= KEPT_CHARACTERS:
                return whole, False
            first, last = whole, whole
        else:
            first = self._clean(bytes(self._head))[: -self._margin]
            margin = self._margin
            last = self._after_cut(self._clean(bytes(self._tail))[margin:])
        note = f"\n[... the middle of {self.size} bytes of output is left out ...]\n"
        return f"{first[:_HALF]}{note}{last[-_HALF:]}", True

    def _clean(self, raw: bytes) -> str:
        """Mask, make printable, and mask again what terminal sequences had been in."""
        return self._masked(printable(self._masked(raw.decode("utf-8", "replace"))))

    def _masked(self, text: str) -> str:
        text = _KEY.sub(MASK, text)
        return self._secrets.sub(MASK, text) if self._secrets else text

    @staticmethod
    def _after_cut(text: str) -> str:
        """Mask what may be the rest of a private key at the beginning."""
        text = _KEY_END.sub(MASK, text, count=1)
        return _KEY_LINES.sub(lambda found: MASK if found.group() else "", text, count=1)
