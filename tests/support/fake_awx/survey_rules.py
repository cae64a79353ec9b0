# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What AWX says of a survey, and of the answers to one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

# awx/api/views, JobTemplateSurveySpec.
TYPES: Mapping[str, type] = {
    "text": str,
    "textarea": str,
    "password": str,
    "multiplechoice": str,
    "multiselect": str,
    "integer": int,
    "float": float,
}


def spec_fault(spec: Any) -> str:
    """Give the reason why AWX takes no such survey; empty when it does."""
    if not isinstance(spec, dict):
        return "Expected an object."
    for name, kind in (("name", str), ("description", str), ("spec", list)):
        if name not in spec:
            return f"Field '{name}' is missing from survey spec."
        if not isinstance(spec[name], kind):
            return f"Expected {kind.__name__} for field '{name}'."
    strange = sorted(set(spec) - {"name", "description", "spec"})
    if strange or not spec["spec"]:
        return f"Nobody reads {strange[0]}." if strange else "'spec' doesn't contain any items."
    seen: set[str] = set()
    for number, asked in enumerate(spec["spec"]):
        told = _question_fault(number, asked)
        if told:
            return told
        if asked["variable"] in seen:
            return f"'variable' '{asked['variable']}' duplicated in survey question {number}."
        seen.add(asked["variable"])
    return ""


def _question_fault(number: int, asked: Any) -> str:
    if not isinstance(asked, dict):
        return f"Survey question {number} is not a json object."
    for name in ("type", "question_name", "variable", "required"):
        if name not in asked:
            return f"'{name}' missing from survey question {number}"
        if not isinstance(asked[name], bool if name == "required" else str):
            return f"'{name}' in survey question {number} expected to be another type."
    kind, default = asked["type"], asked.get("default", "")
    if kind not in TYPES:
        return f"'{kind}' in survey question {number} is not one of the allowed question types."
    if default != "" and not isinstance(default, TYPES[kind]):
        return f"Default value {default} in survey question {number} expected to be {kind}."
    for limit in ("min", "max"):
        if asked.get(limit) is not None and not isinstance(asked[limit], int):
            return f"The {limit} limit in survey question {number} expected to be integer."
    if kind in ("multiplechoice", "multiselect"):
        if not asked.get("choices"):
            return f"Survey question {number} of type {kind} must specify choices."
        if default not in ("", *asked["choices"]):
            return "Default choice must be answered from the choices listed."
    if str(default).startswith("$encrypted$"):
        return f"$encrypted$ is a reserved keyword for password question defaults, survey question {number}."
    return ""


def answer_faults(spec: Mapping[str, Any], answers: Mapping[str, Any]) -> list[str]:
    """Give everything that AWX refuses of the answers with which a template is launched."""
    asked = {one["variable"]: one for one in spec.get("spec", [])}
    found = [f"Variables {name} are not allowed on launch." for name in answers if name not in asked]
    for name, one in asked.items():
        if name not in answers:
            found += [f"'{name}' value missing"] if one["required"] else []
        else:
            found += _answer_faults(name, one, answers[name])
    return found


def _answer_faults(name: str, asked: Mapping[str, Any], value: Any) -> list[str]:
    kind = asked["type"]
    if kind in ("text", "textarea", "password"):
        if not isinstance(value, str):
            return [f"Value {value} for '{name}' expected to be a string."]
        least, most = asked.get("min") or 0, asked.get("max")
        found = [f"'{name}' value {value} is too small (length is {len(value)})"] if len(value) < least else []
        return found + ([f"'{name}' value {value} is too large"] if most is not None and len(value) > most else [])
    if kind == "integer":
        least, most = asked.get("min"), asked.get("max")
        is_wrong = not isinstance(value, int) or value < (least or value) or value > (most or value)
        return [f"{value} for '{name}' is no integer from {least} to {most}"] if is_wrong else []
    return (
        []
        if value in asked["choices"]
        else [f"Value {value} for '{name}' expected to be one of {list(asked['choices'])}."]
    )
