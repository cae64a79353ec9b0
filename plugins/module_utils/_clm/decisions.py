# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Warnings of the remote side, decided on by the lists a user gave and the defaults. Sends and stores nothing."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from .._core.types import Notice
from .._core.warning_policy import PATTERN_PREFIX, WarningPolicy, decide

ALLOWED = "allowed"
_PATTERN_CHARACTERS = 60
TAKE_BACK = "take the push back with edgecert.clm.cert_push and action: rollback"


def policy_of(lists: Mapping[str, Any] | None) -> WarningPolicy:
    """Read the option ``warnings``.

    :raises InputError: an entry is neither a known id nor a regular expression.
    """
    given = lists or {}
    return WarningPolicy(**{name: tuple(given.get(name) or ()) for name in ("allow", "ask", "block")})


def decisions(notices: Sequence[Notice], policy: WarningPolicy, *, is_private: bool) -> tuple[dict[str, str], ...]:
    """Give ``code, text, decision`` of each warning.

    :param is_private: the CA is one of our own, so that CPS knows neither its root nor its lifetimes; both were asked
        for.
    """
    decision = decide(notices, policy, private_ca=is_private, short_validity=is_private)
    groups = ((ALLOWED, decision.allowed), ("asked", decision.asked), ("blocked", decision.blocked))
    return tuple(
        {"code": notice.code, "text": notice.text, "decision": word} for word, group in groups for notice in group
    )


def undecided(decided: Sequence[Mapping[str, Any]], todo: str) -> str:
    """Say which warnings are not allowed, which of them are new, and what to do; empty when all are allowed.

    :param decided: marked with ``is_new``, as ``novelty`` does.
    :param todo: what can be done beside allowing them.
    """
    left = [entry for entry in decided if entry["decision"] != ALLOWED]
    if not left:
        return ""
    texts = "; ".join(f"{entry['code'] or 'unknown'} ({_word(entry)}): {entry['text']}{_hint(entry)}" for entry in left)
    new = sum(1 for entry in left if entry["is_new"])
    counted = f"{len(left)} warning{'' if len(left) == 1 else 's'}, {new or 'none'} of them new since the last time"
    how = "name them in warnings.allow by their ids and run again"
    if not all(entry["code"] for entry in left):
        how = "name them in warnings.allow, by their ids or, where unknown, as shown behind the text, and run again"
    return f"warnings wait for a decision ({counted}); {how}, or {todo}: {texts}"


def pattern_of(text: str) -> str:
    """Give an entry for a list of warnings that means a text that has no id: its beginning as a regular expression.

    Without blanks and commas, at which AWX's surveys divide such a list, and without a quote that YAML would end at.
    """
    first = text.strip().partition("\n")[0][:_PATTERN_CHARACTERS].strip()
    others = {",": r"\x2c", "'": r"\x27"}
    return f"{PATTERN_PREFIX}^" + "".join(r"\s" if one.isspace() else others.get(one, re.escape(one)) for one in first)


def _hint(entry: Mapping[str, Any]) -> str:
    # What a list blocks is not allowed by another entry beside it.
    if entry["code"] or entry["decision"] != "asked":
        return ""
    return f" [allow it as '{pattern_of(str(entry['text']))}']"


def _word(entry: Mapping[str, Any]) -> str:
    return f"{entry['decision']}, new" if entry["is_new"] else str(entry["decision"])
