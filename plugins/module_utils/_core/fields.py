# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every field of the enrollment form, read from the tables: what is wrong with a form, and what a field may be.

Validation, the guide on fields and the surveys of AWX all go by these rows; no limit and no rule stands twice.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from . import field_table, field_table_csr, field_table_extras, vocabulary
from .field_records import FLAG, LINES, MAP, NUMBER, TEXT, CaFacts, Field
from .field_rules import length_reason, line_reason, lines_reason
from .vocabulary import CA_MADE

ROWS: tuple[Field, ...] = (*field_table.ROWS, *field_table_csr.ROWS, *field_table_extras.ROWS)
BY_OPTION: Mapping[str, Field] = {row.option: row for row in ROWS}

_ANY_CA, _SANS = "the CA", "subject_alternative_names"
# Whether what a CA offers of these holds the value, and the capability's name.
_SHAPES = {TEXT: line_reason, LINES: lines_reason}
_LISTED = {"hash": "hashes", "key_type": "key_types"}


def field(option: str) -> Field:
    """Give the row of an option.

    :param option: as ``generic.uuid`` or ``attachments[].name``.
    """
    return BY_OPTION[option]


def limit(option: str) -> int:
    """Give the limit of an option that has one."""
    found = BY_OPTION[option].limit
    if found is None:
        raise ValueError(f"{option} has no limit")
    return found


def members(top: str) -> tuple[str, ...]:
    """Give the members of an option, as ``device_name`` of ``generic``, in the manual's order."""
    return tuple(row.member for row in ROWS if row.top == top and row.member)


def applies(option: str, source: str) -> bool:
    """Say whether an option goes with a source; one that is not in the tables goes with all."""
    rows = [row for row in ROWS if row.top == option or row.option == option]
    return not rows or any(source in row.sources for row in rows)


def choices(row: Field, source: str) -> tuple[str, ...]:
    """Give the choices of a field that a source has."""
    return row.narrowed.get(source, row.choices)


def reason(option: str, value: Any) -> str:
    """Give why a value cannot be an option's, by limit, choices and rule alone; empty where nothing is wrong."""
    return _reason(BY_OPTION[option], value)


def problems(
    params: Mapping[str, Any],
    source: str,
    capabilities: CaFacts | None = None,
    *,
    asked: Mapping[str, Any] | None = None,
    ca: str = _ANY_CA,
    rows: Iterable[Field] = ROWS,
) -> list[str]:
    """Give everything wrong with the fields of a form, a sentence each.

    :param params: the form with defaults filled in.
    :param source: ``csr_source``.
    :param capabilities: of the CA that is to sign; None leaves out what it decides.
    :param asked: what was really asked for, for what does not go with the source; left out it is ``params``.
    :param ca: who signs, in words for a sentence, as "CA account house".
    :param rows: the fields to look at.
    """
    wanted = params if asked is None else asked
    found: list[str] = []
    for row in rows:
        if source not in row.sources:
            found += _misplaced(row, wanted, source)
            continue
        given = values(params, row)
        untaken = [] if capabilities is None else _of_ca(row, _offered(row, given, params), capabilities, ca)
        if row.checked_by or untaken:
            found += untaken
            continue
        if row.needed is not None and not given and row.needed(params, source):
            found.append(f"{_noun(row)} is missing ({row.requirement})")
        if row.loosened is not None and values(params, BY_OPTION[row.loosened[0]]):
            row = replace(row, limit=None, rule=row.loosened[1])
        found += [problem for value in given for problem in _of_value(row, value, source)]
    return list(dict.fromkeys(found))


def misplaced(asked: Mapping[str, Any], source: str) -> list[str]:
    """Give a sentence for each field that is asked for and does not go with the source."""
    rows = [row for row in ROWS if source not in row.sources]
    return list(dict.fromkeys(problem for row in rows for problem in _misplaced(row, asked, source)))


def ca_problems(params: Mapping[str, Any], capabilities: CaFacts, ca: str) -> list[str]:
    """Give what a CA does not take of a form, a sentence each; nothing that it says itself."""
    asked = [(row, _offered(row, values(params, row), params)) for row in ROWS]
    return [problem for row, given in asked for problem in _of_ca(row, given, capabilities, ca)]


def asks_ca(params: Mapping[str, Any]) -> bool:
    """Say whether something is asked for that only some CAs take, and that may be asked for at any time."""
    late = [row for row in ROWS if row.offer is not None and row.top == "generic"]
    return any(values(params, row) for row in late)


def values(params: Mapping[str, Any], row: Field) -> list[Any]:
    """Give the values that a form has of a field, several of a list; none where it is left out or empty."""
    value = params.get(row.top)
    if row.member:
        entries = value if isinstance(value, (list, tuple)) else [value]
        taken = [entry.get(row.member) for entry in entries if isinstance(entry, Mapping)]
    else:
        taken = [value]
    found = [part for one in taken for part in (one if isinstance(one, (list, tuple)) and row.kind != MAP else [one])]
    return [one for one in found if not _is_left_out(row, one)]


def _is_left_out(row: Field, value: Any) -> bool:
    if row.kind == FLAG:
        # Not wanting what is not to be had asks for nothing.
        return value is None or value is False
    return value is None or (isinstance(value, str) and not value.strip()) or (row.kind == MAP and not value)


def _noun(row: Field) -> str:
    return row.noun or row.option.replace("[]", "")


def _misplaced(row: Field, asked: Mapping[str, Any], source: str) -> list[str]:
    given = values(asked, row)
    if not given:
        return []
    why = row.whys.get(source, "")
    if row.top == _SANS:
        return [f"{why} ({', '.join(map(str, given))}; csr_source {source})"]
    told = f": {why}" if why else ""
    # Of an option that does not go with it at all, not each member is told.
    is_whole = not any(source in other.sources for other in ROWS if other.top == row.top)
    name = row.top if is_whole else _noun(row)
    return [f"{name} does not go with csr_source {source}{told}; it goes with {' and '.join(row.sources)}"]


def _of_value(row: Field, value: Any, source: str) -> list[str]:
    if row.whole is not None:
        return row.whole(value)
    few = row.narrowed.get(source)
    if few is not None and not _reason(row, value) and _plain(row, value) not in few:
        return [f"{_noun(row)} {value}: {row.whys[source]}"]
    reason_of = _reason(row, value)
    return [f"{_noun(row)} {reason_of}"] if reason_of else []


def _plain(row: Field, value: Any) -> str:
    text = str(value).lower()
    return vocabulary.CURVE_ALIASES.get(text, text) if row.option == "curve" else text


def _reason(row: Field, value: Any) -> str:
    if row.kind == NUMBER:
        return _number_reason(row, value)
    if row.kind == FLAG:
        return ""
    is_counted = row.unit == "characters" and row.limit is not None
    too_long = length_reason(str(value), limit(row.option)) if is_counted else ""
    if too_long:
        return too_long
    told = row.rule(str(value)) if row.rule is not None else ""
    if told or row.kind in _SHAPES:
        return told or _SHAPES[row.kind](str(value))
    if row.choices and vocabulary.canonical(str(value), row.choices) is None:
        return f"{value!r} is none of {', '.join(row.choices)}"
    return ""


def _number_reason(row: Field, value: Any) -> str:
    is_one = isinstance(value, int) and not isinstance(value, bool)
    is_within = is_one and (row.least is None or value >= row.least) and (row.limit is None or value <= row.limit)
    if row.rule is not None:
        return str(row.rule(value))
    if is_within:
        return ""
    most = "" if row.limit is None else f" to {row.limit}"
    return f"{value!r} is not a whole number from {row.least}{most}"


def _offered(row: Field, given: list[Any], params: Mapping[str, Any]) -> list[Any]:
    """Give what a CA has to take of a field: of a dual stack both kinds of keys."""
    return ["rsa", "ec"] if row.option == "key_type" and params.get("dual_stack") else given


def _of_ca(row: Field, given: list[Any], capabilities: CaFacts, ca: str) -> list[str]:
    if not given or row.offer is None or row.top == "ca_options":
        # Its own options a CA checks itself, with the choices there are.
        return []
    if row.option in _LISTED:
        known: tuple[str, ...] = getattr(capabilities, _LISTED[row.option])
        words = "{} keys" if row.option == "key_type" else "hash {}"
        return [f"{ca} takes no {words.format(one)}; it takes {', '.join(known)}" for one in given if one not in known]
    if row.offer.has(capabilities):
        return []
    if row.top == _SANS:
        return [f"{ca} {row.offer.refusal} ({', '.join(map(str, given))})"]
    return [f"{_noun(row)} {row.offer.refusal}"]


def source_problems(source: str, capabilities: CaFacts, ca: str) -> list[str]:
    """Give why a CA is not used with a source (E7 to E9)."""
    if source in capabilities.csr_sources:
        return []
    if tuple(capabilities.csr_sources) == (CA_MADE,):
        return [
            f"csr_source {source} is not to be had with {ca}, which makes the key itself and takes no CSR; give "
            f"csr_source: {CA_MADE} for a certificate that is not for Akamai CPS, else another CA account"
        ]
    return [f"csr_source {source} is not to be had with {ca}, which takes {', '.join(capabilities.csr_sources)}"]
