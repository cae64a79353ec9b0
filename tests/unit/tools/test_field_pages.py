# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The guide on fields and the surveys say what the tables say, and AWX takes the surveys and their answers."""

from __future__ import annotations

import dataclasses
import json
import re
from typing import Any

import awx_pack
import field_pages
import pytest
from common import TOP

from ansible_collections.edgecert.clm.plugins.module_utils._core import fields, vocabulary

PLAYBOOK = TOP / "playbooks" / "enroll.yml"
SOURCES = vocabulary.CSR_SOURCES
# What AWX knows, and of which kind a default is; awx/api/views, JobTemplateSurveySpec.
TYPES = {
    "text": str,
    "textarea": str,
    "password": str,
    "multiplechoice": str,
    "multiselect": str,
    "integer": int,
    "float": float,
}


def faults(spec: dict[str, Any]) -> list[str]:
    """Hold a survey against the rules by which AWX takes one; a reading of what it answers to others."""
    found = [name for name, kind in (("name", str), ("description", str), ("spec", list)) if not _is(spec, name, kind)]
    variables = [asked.get("variable") for asked in spec["spec"]]
    found += [f"{name} twice" for name in set(variables) if variables.count(name) > 1]
    for asked in spec["spec"]:
        found += [f"{asked['variable']}: {fault}" for fault in _question_faults(asked)]
    return found or ([] if spec["spec"] else ["spec is empty"])


def _is(spec: dict[str, Any], name: str, kind: type) -> bool:
    return isinstance(spec.get(name), kind)


def _question_faults(asked: dict[str, Any]) -> list[str]:
    found = [name for name in ("type", "question_name", "variable") if not _is(asked, name, str) or not asked[name]]
    found += [] if _is(asked, "required", bool) else ["required"]
    found += [] if asked["type"] in TYPES else [f"type {asked['type']}"]
    found += [name for name in ("min", "max") if asked.get(name) is not None and not isinstance(asked[name], int)]
    default = asked.get("default", "")
    found += [] if default == "" or isinstance(default, TYPES[asked["type"]]) else ["default"]
    if asked["type"] in ("multiplechoice", "multiselect"):
        choices = asked.get("choices")
        lines = choices.splitlines() if isinstance(choices, str) else choices or []
        found += [] if lines and all(isinstance(one, str) and one.strip() for one in lines) else ["choices"]
        found += [] if default == "" or default in lines else ["default is no choice"]
    found += ["default is encrypted"] if str(default).startswith("$encrypted$") else []
    return found


def refusals(asked: dict[str, Any], answers: dict[str, Any]) -> list[str]:
    """Hold an answer against the rules by which AWX starts a job."""
    name, kind = asked["variable"], asked["type"]
    if name not in answers:
        return [f"{name} is missing"] if asked["required"] else []
    value = answers[name]
    if kind in ("text", "textarea", "password"):
        length = len(value) if isinstance(value, str) else -1
        is_fine = length >= (asked["min"] or 0) and (asked["max"] is None or length <= asked["max"])
        return [] if is_fine else [f"{name} has the wrong length"]
    return [] if kind == "multiplechoice" and value in asked["choices"] else [f"{name} is no choice"]


def test_the_guide_and_the_surveys_are_what_the_tables_make() -> None:
    for path, text in {field_pages.GUIDE: field_pages.text(), **field_pages.surveys()}.items():
        assert path.read_text(encoding="utf-8") == text, f"run tools/field_pages.py ({path.name})"
    others = {path for path in awx_pack.files() if path.parent == field_pages.SURVEYS}
    assert set(field_pages.SURVEYS.iterdir()) == set(field_pages.surveys()) | others


def test_every_field_is_in_the_guide_with_its_limit_and_id() -> None:
    text = field_pages.text()
    for row in fields.ROWS:
        assert f"\n``{row.option}``\n" in text
        entry = "\n".join(field_pages.entry(row))
        assert row.requirement in entry and (row.limit is None or str(row.limit) in entry)


def test_a_limit_that_changes_changes_the_guide_and_the_surveys(monkeypatch: pytest.MonkeyPatch) -> None:
    before = field_pages.text(), field_pages.survey_text("local")
    rows = [dataclasses.replace(row, limit=77) if row.option == "description" else row for row in fields.ROWS]
    monkeypatch.setattr(fields, "ROWS", tuple(rows))
    assert (field_pages.text() != before[0]) and (field_pages.survey_text("local") != before[1])


@pytest.mark.parametrize("source", SOURCES)
def test_awx_takes_the_survey(source: str) -> None:
    assert faults(json.loads(field_pages.survey_text(source))) == []


def test_what_awx_does_not_take_is_seen() -> None:
    asked = {**field_pages.CA_OPTIONS}
    bad = [
        {**asked, "type": "date"},
        {**asked, "required": "true"},
        {**asked, "max": "5"},
        {**asked, "type": "multiplechoice", "choices": [], "default": ""},
        {**asked, "type": "multiplechoice", "choices": ["a"], "default": "b"},
    ]
    assert all(faults({"name": "x", "description": "", "spec": [one]}) for one in bad)
    assert faults({"name": "x", "description": "", "spec": [asked, asked]}) == ["clm_ca_options twice"]


@pytest.mark.parametrize("source", SOURCES)
def test_what_is_left_out_is_taken_by_awx(source: str) -> None:
    """AWX sends an empty text for a question that nobody answered, and holds it against the question."""
    spec = field_pages.survey(source)["spec"]
    answers = {asked["variable"]: asked["default"] for asked in spec}
    assert [refusal for asked in spec if not asked["required"] for refusal in refusals(asked, answers)] == []


@pytest.mark.parametrize("source", SOURCES)
def test_a_survey_asks_for_what_goes_with_its_source(source: str) -> None:
    """E6 to E9: and for nothing else; who acts and which store is no question."""
    asked = {question["variable"] for question in field_pages.survey(source)["spec"]} - {"clm_ca_options"}
    wanted = {f"clm_{row.variable}" for row in fields.ROWS if row.variable and source in row.sources}
    assert asked == wanted | ({"clm_connector"} if source == "endpoint" else set())
    assert not asked & {"clm_store", "awx_user_name", "tower_user_name"}
    choices = {question["variable"]: question["choices"] for question in field_pages.survey(source)["spec"]}
    if source == "ca":
        assert "clm_hash" not in choices and "clm_subject_organization" not in choices
    else:
        assert choices["clm_hash"] == ["default", *(["sha256"] if source == "endpoint" else vocabulary.HASHES)]


def test_every_question_is_understood_by_the_playbook() -> None:
    """R: a survey's variable is one of the playbook's, told at its head and used."""
    head, _line, body = PLAYBOOK.read_text(encoding="utf-8").partition("\n- name:")
    for source in SOURCES:
        for asked in field_pages.survey(source)["spec"]:
            assert re.search(rf"\b{asked['variable']}\b", head) and re.search(rf"\b{asked['variable']}\b", body)


def test_a_password_is_asked_for_as_one() -> None:
    """E16."""
    kinds = {asked["variable"]: asked["type"] for asked in field_pages.survey("hsm")["spec"]}
    assert kinds["clm_challenge_password"] == kinds["clm_challenge_password_confirm"] == "password"
