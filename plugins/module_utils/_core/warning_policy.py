# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who decides on a warning: acknowledged by policy, asked of a person, or blocked. Pure; sends no acknowledgement."""

from __future__ import annotations

import difflib
import re
from collections.abc import Sequence
from dataclasses import dataclass

from .errors import InputError
from .types import Notice
from .warning_ids import DEFAULT_ALLOW, DEFAULT_BLOCK, PRIVATE_CA_ALLOW, SAME_WORDS, SHORT_VALIDITY_ALLOW, WARNING_IDS

PATTERN_PREFIX = "re:"


@dataclass(frozen=True)
class WarningPolicy:
    """Three lists of warning ids, or of regular expressions over the warning's text behind ``re:``.

    What no list names falls to the default: informational warnings are allowed, dangerous ones blocked, all others
    asked. A text that was not recognised can be allowed by a regular expression only, a dangerous one by its id only.
    Two ids of the same words, of which one has a chain written out below them, are named by either.

    :raises InputError: an entry is no known id and no regular expression; near ids are named.
    """

    allow: tuple[str, ...] = ()
    ask: tuple[str, ...] = ()
    block: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        problems = [
            f"{name}: {problem}"
            for name, entries in (("allow", self.allow), ("ask", self.ask), ("block", self.block))
            for problem in map(_entry_problem, entries)
            if problem
        ]
        if problems:
            raise InputError.of_problems("Cannot use the warning policy", problems)


@dataclass(frozen=True)
class Decision:
    """The warnings by what is to happen with them, each in one of the three, in their order."""

    allowed: tuple[Notice, ...]
    asked: tuple[Notice, ...]
    blocked: tuple[Notice, ...]


def meant(entry: str) -> str:
    """Give what an entry of a list stands for; the same for two ids of the same words."""
    return SAME_WORDS.get(entry, entry)


def _entry_problem(entry: str) -> str:
    if entry.startswith(PATTERN_PREFIX):
        try:
            pattern = re.compile(entry.removeprefix(PATTERN_PREFIX))
        except re.error as exc:
            return f"{entry!r} is not a regular expression ({exc})"
        if pattern.match("") is not None:
            return f"{entry!r} matches an empty text and so every warning; name what is meant"
        return ""
    if entry in WARNING_IDS:
        return ""
    near = difflib.get_close_matches(entry.upper(), sorted(WARNING_IDS), n=3, cutoff=0.6)
    hint = f"; near it: {', '.join(near)}" if near else ""
    return f"{entry!r} is no known warning id{hint}; a text is matched by a regular expression behind {PATTERN_PREFIX}"


def _names(entries: Sequence[str], notice: Notice) -> bool:
    """Say whether a list names a warning; an unrecognised one has no id, so no id can name it."""
    for entry in entries:
        if entry.startswith(PATTERN_PREFIX):
            if re.search(entry.removeprefix(PATTERN_PREFIX), notice.text, re.IGNORECASE):
                return True
        elif notice.code and meant(entry) == meant(notice.code):
            return True
    return False


def decide(
    notices: Sequence[Notice], policy: WarningPolicy, *, private_ca: bool = False, short_validity: bool = False
) -> Decision:
    """Sort warnings into allowed, asked and blocked; block wins over ask, ask over allow, any list over the default.

    :param private_ca: the issuing CA is declared not to be publicly trusted.
    :param short_validity: the short lifetime is what was asked for.
    :source: cps-protocol §3.6, last paragraph.
    """
    by_default = DEFAULT_ALLOW | (PRIVATE_CA_ALLOW if private_ca else frozenset())
    by_default |= SHORT_VALIDITY_ALLOW if short_validity else frozenset()
    sorted_in: dict[str, list[Notice]] = {"allow": [], "ask": [], "block": []}
    for notice in notices:
        sorted_in[_verdict(notice, policy, by_default)].append(notice)
    return Decision(tuple(sorted_in["allow"]), tuple(sorted_in["ask"]), tuple(sorted_in["block"]))


def _verdict(notice: Notice, policy: WarningPolicy, by_default: frozenset[str]) -> str:
    is_dangerous = notice.code in DEFAULT_BLOCK
    # A pattern meant for one text may fit a dangerous one too; only its id says that it is meant.
    allow = [entry for entry in policy.allow if not entry.startswith(PATTERN_PREFIX)] if is_dangerous else policy.allow
    for name, entries in (("block", policy.block), ("ask", policy.ask), ("allow", allow)):
        if _names(entries, notice):
            return name
    if is_dangerous:
        return "block"
    return "allow" if notice.code in by_default else "ask"
