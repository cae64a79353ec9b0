# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What people are told: who has to do what by when. Values alone; sends nothing."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

SEVERITIES = ("info", "warning", "error", "critical")
"""The least first."""
_LONGEST = 600


def plain(text: object, longest: int = _LONGEST) -> str:
    """Give a text in one line that steers nothing: no control character, no change of writing direction, not endless.

    :param text: from a store, a CA or a user; None gives an empty text.
    :param longest: characters that are kept.
    """
    shown = "" if text is None else str(text)
    cleaned = " ".join("".join(char if char.isprintable() else " " for char in shown).split())
    kept = longest - 1
    return cleaned if len(cleaned) <= longest else f"{cleaned[:kept]}…"


@dataclass(frozen=True)
class Notice:
    """One thing that somebody has to do, or to know.

    :ivar event_id: the same for the same thing, however often it is told.
    :ivar kind: what it is, a word; ``severity`` of ``SEVERITIES``.
    :ivar who: who has to act, for people; empty when nobody knows.
    :ivar what: what is so, and what to do, in a sentence.
    :ivar since: and ``deadline``: ISO 8601, UTC; empty for none.
    :ivar reason: a word for programs, where there is more than one.
    :ivar status: ``over`` for what was told before and is settled, so that nobody has to do anything; else empty.
    """

    event_id: str
    kind: str
    severity: str
    what: str
    who: str = ""
    certificate: str = ""
    device: str = ""
    since: str = ""
    deadline: str = ""
    request_id: str = ""
    work_order_id: str = ""
    network: str = ""
    reason: str = ""
    status: str = ""

    @property
    def is_over(self) -> bool:
        """Tell whether it is settled."""
        return self.status == "over"

    @property
    def record(self) -> str:
        """Name the request or work order it is about; empty for none."""
        return self.work_order_id or self.request_id

    def as_dict(self) -> dict[str, Any]:
        """Give it as JSON-ready values."""
        return dict(vars(self))


@dataclass(frozen=True)
class Message:
    """What is delivered at once, in words for people and as values for programs.

    :ivar subject: one line.
    :ivar html: a whole document in which every value is escaped, without anything from elsewhere.
    :ivar at: UTC.
    """

    subject: str
    text: str
    html: str
    notices: tuple[Notice, ...]
    at: datetime
