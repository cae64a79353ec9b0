# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The rules of a group, read and applied: which options of the form it may name, and what fits a rule.

A rule is a list of values, or of regular expressions behind ``~`` that have to match the whole value. Pure; knows no
group and no store.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import datetime, timezone
from typing import Any

from .._core import validity, vocabulary
from .._core.errors import InputError

PATTERN_PREFIX = "~"
VALIDITY_RULE = "validity_days_max"
SAN_KINDS = ("dns", "ip", "email", "uri", "other", "directory")
EXPORTABLE = "exportable"
"""Rule of a group that is about a key, not about the form: whether its keys may be exported (E6)."""
# Short ways to write a rule; ``email`` is not one of them, it is the subject's.
SHORT_NAMES = {kind: f"subject_alternative_names.{kind}" for kind in ("dns", "ip", "uri")}

TEXT, NUMBER, FLAG, NAMES = "text", "number", "flag", "names"

# By option of the form, how its value is written.
_KINDS: Mapping[str, str] = {
    **dict.fromkeys(("organization", "organizational_unit", "locality", "state_or_province", "country", "email"), TEXT),
    **dict.fromkeys(("contract_id", "validation_type", "secure_network", "vendor_certificate_type", "device"), TEXT),
    **dict.fromkeys(("csr_source", "hash", "key_type", "curve", "ca_connector_name", "description"), TEXT),
    "key_size": NUMBER,
    **dict.fromkeys(("dual_stack", "exclude_sans"), FLAG),
}
DEFAULTS: tuple[str, ...] = (*_KINDS, "subject_alternative_names", "validity")
ALLOWED: Mapping[str, str] = {
    "common_name": TEXT,
    **{f"subject_alternative_names.{kind}": NAMES for kind in SAN_KINDS},
    **_KINDS,
    VALIDITY_RULE: NUMBER,
    EXPORTABLE: FLAG,
}

_CHOSEN = ("validation_type", "secure_network", "vendor_certificate_type", "csr_source", "hash", "key_type")
_CHECKED = ("country", "email", "organization", "organizational_unit", "locality", "state_or_province", "description")
# Written in any case and meaning the same; a wish has the names in lower case.
_CASELESS = frozenset({"common_name", "subject_alternative_names.dns", "curve", "country"})
_FLAGS = {"true": True, "yes": True, "on": True, "false": False, "no": False, "off": False}


def read_defaults(given: Mapping[str, Any], problems: list[str]) -> dict[str, Any]:
    """Read the defaults a group gives the form.

    :param given: no member empty.
    :param problems: gets a sentence for each that cannot be used.
    """
    _refuse_unknown("defaults", [name for name in given if name not in DEFAULTS], DEFAULTS, problems)
    read: dict[str, Any] = {}
    for name in (name for name in DEFAULTS if name in given):
        value, where = given[name], f"defaults.{name}"
        if name == "validity":
            read[name] = _read_validity(where, value, problems)
        elif name == "subject_alternative_names":
            read[name] = _read_sans(where, value, problems)
        else:
            read[name] = _read_value(name, value, where, problems)
            if reason := _reason(name, read[name]):
                problems.append(f"{where} {reason}")
    # Blanks alone are no default, as an empty text is none.
    return {name: value for name, value in read.items() if value != ""}


def flattened(allowed: Mapping[str, Any]) -> dict[str, Any]:
    """Write every rule under its full name: ``dns`` and ``subject_alternative_names: {dns: ...}`` mean the same."""
    flat: dict[str, Any] = {}
    for name, rule in allowed.items():
        if name == "subject_alternative_names" and isinstance(rule, Mapping):
            kinds = rule or dict.fromkeys(SAN_KINDS, ())
            flat.update({f"{name}.{kind}": entries for kind, entries in kinds.items()})
        else:
            flat[SHORT_NAMES.get(name, name)] = rule
    return flat


def _reason(name: str, value: Any) -> str:
    if name not in _CHECKED or not value:
        return ""
    from .._core import fields

    return fields.reason(name, value)


def read_allowed(given: Mapping[str, Any], problems: list[str]) -> dict[str, Any]:
    """Read the rules of a group.

    :param given: under full names, no member empty; one value alone is a list of one.
    :param problems: gets a sentence for each that cannot be used.
    """
    known = (*ALLOWED, *SHORT_NAMES)
    _refuse_unknown("allowed", [name for name in given if name not in ALLOWED], known, problems)
    read: dict[str, Any] = {}
    for name in (name for name in ALLOWED if name in given):
        rule, where = given[name], f"allowed.{name}"
        if name == VALIDITY_RULE:
            read[name] = _read_number(rule, where, problems)
            continue
        entries = list(rule) if isinstance(rule, (list, tuple)) else [rule]
        values = [_read_entry(name, entry, where, problems) for entry in entries]
        read[name] = list(dict.fromkeys(value for value in values if value is not None))
    return read


def contradictions(defaults: Mapping[str, Any], allowed: Mapping[str, Any]) -> list[str]:
    """Say which defaults the rules beside them do not allow."""
    found = []
    for name, rule in allowed.items():
        if name == VALIDITY_RULE:
            wanted = defaults.get("validity")
            if wanted and most_days(wanted) > rule:
                found.append(f"defaults.validity {_validity_text(wanted)} is more than allowed.{name}, {rule} days")
            continue
        value = _value_of(defaults, name)
        if value is not None and (unfit := misfits(name, value, rule)):
            found.append(f"defaults.{name} {_listed(unfit)} is not among allowed.{name}, {_listed(rule)}")
    return found


def misfits(name: str, value: Any, rule: Sequence[Any]) -> list[Any]:
    """Give what of a value its rule does not allow; of a list every element has to fit."""
    values = list(value) if isinstance(value, (list, tuple)) else [value]
    return [entry for entry in values if not any(_fits(name, entry, allowed) for allowed in rule)]


def most_days(wanted: Mapping[str, Any]) -> int:
    """Give the most days a lifetime can have, whenever it begins: a rule must not depend on the day it is asked on."""
    read = validity.read_validity(wanted)
    if read.unit == "days":
        return read.count
    # Four years hold every run of months, with and without a leap day.
    starts = (datetime(year, month, 1, tzinfo=timezone.utc) for year in range(2024, 2028) for month in range(1, 13))
    return max(validity.days_from(start, read) for start in starts)


def broken(wish: Mapping[str, Any], allowed: Mapping[str, Any], csr_source: str) -> list[tuple[str, str, str]]:
    """Give what of a wish the rules do not allow: the rule's name, what it allows, what was asked for."""
    found = []
    asked_for = {**wish, "csr_source": csr_source}
    for name, rule in allowed.items():
        if name == VALIDITY_RULE:
            days = most_days(asked_for["validity"])
            if days > rule:
                found.append((name, f"a validity of at most {rule} days", _validity_text(asked_for["validity"])))
            continue
        if name == EXPORTABLE or not _applies(name, asked_for):
            continue
        value = _value_of(asked_for, name)
        value = _made(name) if value is None else value
        if unfit := misfits(name, value, rule):
            found.append((name, f"{name} {_listed(rule)}", _listed(unfit)))
    return found


# What key providers make where the form leaves it out; cps-protocol, table of CSR parameters, "Bit length".
_MADE: Mapping[str, Any] = {"key_size": 2048, "curve": vocabulary.CURVES[0]}


def _made(name: str) -> Any:
    return [] if ALLOWED[name] == NAMES else _MADE.get(name, "")


def _applies(name: str, wish: Mapping[str, Any]) -> bool:
    """Say whether a rule is about what a wish asks for: an EC key has no size, an RSA key no curve, no CSR no hash."""
    if name == "hash" and wish["csr_source"] == vocabulary.CA_MADE:
        return False
    kind = {"key_size": "rsa", "curve": "ec"}.get(name)
    return kind is None or wish.get("key_type") == kind or bool(wish.get("dual_stack"))


def _value_of(values: Mapping[str, Any], name: str) -> Any:
    option, _dot, member = name.partition(".")
    value = values.get(option)
    return value.get(member) if member and isinstance(value, Mapping) else value


def _fits(name: str, value: Any, allowed: Any) -> bool:
    is_caseless = name in _CASELESS
    if name == "curve" and isinstance(value, str):
        value = vocabulary.curve_name(value)
    if isinstance(allowed, str) and allowed.startswith(PATTERN_PREFIX):
        flags = re.IGNORECASE if is_caseless else 0
        return re.fullmatch(allowed.removeprefix(PATTERN_PREFIX), str(value), flags) is not None
    if name == "curve":
        # Groups of before have it as it was typed.
        return bool(value == vocabulary.curve_name(str(allowed)))
    if is_caseless and isinstance(value, str) and isinstance(allowed, str):
        return value.lower() == allowed.lower()
    return bool(value == allowed)


def _refuse_unknown(where: str, unknown: Sequence[str], known: Sequence[str], problems: list[str]) -> None:
    if unknown:
        problems.append(f"{where} has unknown options: {', '.join(map(str, unknown))}; known are {', '.join(known)}")


def _read_entry(name: str, entry: Any, where: str, problems: list[str]) -> Any:
    """Read one entry of a rule: a pattern, or a value."""
    if not isinstance(entry, str) or not entry.startswith(PATTERN_PREFIX):
        return _read_value(name, entry, where, problems)
    if ALLOWED[name] not in (TEXT, NAMES):
        problems.append(f"{where} {entry!r} is a pattern; name values")
        return None
    try:
        re.compile(entry.removeprefix(PATTERN_PREFIX))
    except (re.error, OverflowError, RecursionError) as exc:
        problems.append(f"{where} {entry!r} is not a regular expression ({exc})")
        return None
    return entry


def _read_value(name: str, value: Any, where: str, problems: list[str]) -> Any:
    """Read one value in the way its option is written; None, with a problem, where it is not."""
    kind = ALLOWED[name]
    if kind == NUMBER:
        return _read_number(value, where, problems)
    if kind == FLAG:
        flag = value if isinstance(value, bool) else _FLAGS.get(str(value).strip().lower())
        if flag is None:
            problems.append(f"{where} {value!r} is neither true nor false")
        return flag
    if isinstance(value, bool) or not isinstance(value, (str, int, float)):
        # YAML reads NO, the country, as false.
        problems.append(f"{where} {value!r} is no text; put it in quotes")
        return None
    text = str(value).strip()
    if name == "contract_id":
        text = text.removeprefix("ctr_")
    if name == "curve":
        return vocabulary.curve_name(text)
    if name not in _CHOSEN or not text:
        return text.lower() if name in ("common_name", SHORT_NAMES["dns"]) else text
    # Rules are read when a group is saved, and applied by every call.
    from .._core import fields

    choices = fields.field(name).choices
    choice = vocabulary.canonical(text, choices)
    if choice is None:
        problems.append(f"{where} {text!r} is none of {', '.join(choices)}")
    return choice


def _read_number(value: Any, where: str, problems: list[str]) -> int | None:
    text = str(value).strip()
    if isinstance(value, bool) or not re.fullmatch(r"[0-9]{1,9}", text) or int(text) < 1:
        problems.append(f"{where} {value!r} is not a whole number from 1")
        return None
    return int(text)


def _read_validity(where: str, value: Any, problems: list[str]) -> dict[str, Any] | None:
    if not isinstance(value, Mapping) or set(value) - {"count", "unit", "at_most"}:
        problems.append(f"{where} {value!r} is not of the form {{count: 90, unit: days}}")
        return None
    count = value.get("count")
    is_digits = isinstance(count, str) and re.fullmatch(r"[0-9]{1,9}", count.strip())
    try:
        read = validity.read_validity({**value, "count": int(count) if is_digits and count else count})
    except InputError as exc:
        problems.append(f"{where}: {exc.message}")
        return None
    at_most = value.get("at_most")
    is_most = at_most if isinstance(at_most, bool) or at_most is None else _FLAGS.get(str(at_most).strip().lower())
    if at_most is not None and is_most is None:
        problems.append(f"{where}.at_most {at_most!r} is neither true nor false")
    return {"count": read.count, "unit": read.unit, **({"at_most": True} if is_most else {})}


def _read_sans(where: str, value: Any, problems: list[str]) -> dict[str, Any]:
    if not isinstance(value, Mapping) or set(value) - set(SAN_KINDS):
        problems.append(f"{where} {value!r} is not of the form {{dns: [...]}}; it may have {', '.join(SAN_KINDS)}")
        return {}
    read = {}
    for kind in (kind for kind in SAN_KINDS if value.get(kind)):
        entries = value[kind] if isinstance(value[kind], (list, tuple)) else [value[kind]]
        texts = [_read_value(f"subject_alternative_names.{kind}", e, f"{where}.{kind}", problems) for e in entries]
        read[kind] = sorted({text for text in texts if text})
    return read


def _validity_text(wanted: Mapping[str, Any]) -> str:
    read = validity.read_validity(wanted)
    return read.text if read.unit == "days" else f"{read.text} (up to {most_days(wanted)} days)"


def _listed(values: Sequence[Any]) -> str:
    return ", ".join(str(v).lower() if isinstance(v, bool) else str(v) if v != "" else "none" for v in values)
