# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a playbook of the collection may not do by itself: send what nobody gave, approve for others, end too well."""

from __future__ import annotations

import json
import pathlib
import re
from typing import Any

import pytest
import yaml
from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar

try:
    from ansible.template import trust_as_template
except ImportError:  # ansible-core before 2.19 trusts all
    trust_as_template = str

FOLDER = pathlib.Path(__file__).resolve().parents[2] / "playbooks"
IMPORT = "ansible.builtin.import_playbook"
SETS_STATS = "ansible.builtin.set_stats"


def _plays(path: pathlib.Path, *, imported: bool) -> list[dict[str, Any]]:
    """Give the plays of a playbook: those that import another one, or its own."""
    plays = yaml.safe_load(path.read_text(encoding="utf-8"))
    return [dict(play) for play in plays if (IMPORT in play) == imported]


def _play(path: pathlib.Path) -> dict[str, Any]:
    [play] = _plays(path, imported=False)
    return play


EVERY = sorted(FOLDER.glob("*.yml"))
PLAYBOOKS = [path for path in EVERY if _plays(path, imported=False)]


@pytest.mark.parametrize(
    "path", [path for path in EVERY if _plays(path, imported=True)], ids=lambda path: str(path.stem)
)
def test_a_playbook_that_imports_another_only_sets_what_that_one_takes(path: pathlib.Path) -> None:
    """Or says when; one that has a play of its own gives the variables of the other at its head."""
    [play] = _plays(path, imported=True)
    other = FOLDER / play[IMPORT]
    assert other in PLAYBOOKS and {"name", IMPORT} <= set(play) <= {"name", IMPORT, "vars", "when"}
    head = other.read_text(encoding="utf-8").partition("\n- name:")[0]
    assert not [name for name in play.get("vars", {}) if name not in head]


ROLE_TASKS = sorted(FOLDER.parent.glob("roles/*/tasks/*.yml"))
SETS = re.compile(r"^ +(?:register: (\w+)|ansible\.builtin\.set_fact:\n((?: {4,}.*\n)+))", re.MULTILINE)


def _set_by(path: pathlib.Path) -> set[str]:
    """Give the names of what the tasks of a file set."""
    found = SETS.findall(path.read_text(encoding="utf-8"))
    return {one for one, _facts in found if one} | {
        name for _one, facts in found for name in re.findall(r"^ +(\w+):", facts, re.MULTILINE)
    }


@pytest.mark.parametrize(
    "path", [path for path in EVERY if _plays(path, imported=True)], ids=lambda path: str(path.stem)
)
def test_when_another_playbook_is_run_is_by_nothing_that_it_sets_itself(path: pathlib.Path) -> None:
    """The condition of an import is one of each of its tasks: what changes on the way would end it in the middle."""
    [play] = _plays(path, imported=True)
    changed = _set_by(FOLDER / play[IMPORT]).union(*map(_set_by, ROLE_TASKS))
    assert "run_due_followed" in changed
    assert not changed & set(re.findall(r"\w+", str(play.get("when", ""))))


def _tasks() -> dict[str, Any]:
    play = _play(next(path for path in PLAYBOOKS if path.stem == "first_certificate"))
    modules = {key: value for task in play["tasks"] for key, value in task.items() if "." in key}
    return {"vars": play["vars"], **modules, "last": play["tasks"][-1]}


def test_the_first_certificate_is_of_given_names_and_given_people_only() -> None:
    found = _tasks()
    names = found["edgecert.clm.cert_enroll"]["subject_alternative_names"]
    assert names["dns"] == "{{ clm_names | default([clm_common_name], true) }}"
    given = ("clm_common_name", "clm_organization", "clm_admin_contact", "clm_tech_contact")
    assert not set(given) & set(found["vars"])
    saved = found["edgecert.clm.akamai_vendor_settings"]
    for name in ("organization", "admin_contact", "tech_contact"):
        # What is not given must stay as it is saved.
        assert saved[name] == f"{{{{ clm_{name} | default(omit, true) }}}}"
    assert "change_management" not in saved


def test_the_first_certificate_ends_well_only_on_staging_or_waiting_for_people() -> None:
    wanted = "in ['completed', 'submitted', 'review_in_progress', 'approved', 'scheduled']"
    assert _tasks()["last"]["ansible.builtin.assert"]["that"] == f"run_due_followed.state {wanted}"


@pytest.mark.parametrize("path", PLAYBOOKS, ids=lambda path: str(path.stem))
def test_a_playbook_acts_as_who_runs_it(path: pathlib.Path) -> None:
    """W2: as the job user of AWX, else by the environment; no variable of a survey names somebody else.

    Behind an approval node it is who approved there, and not who launched the workflow.
    """
    play = _play(path)
    defaults = play["module_defaults"]["group/edgecert.clm.clm"]
    launched = "{{ awx_user_name | default(tower_user_name | default(omit)) }}"
    assert defaults["actor"] == ("{{ awx_approval_by }}" if path.stem == "awx_approve" else launched)
    assert defaults["store"] == "{{ clm_store | default(omit) }}"
    given = [options for task in play["tasks"] for options in task.values() if isinstance(options, dict)]
    assert not [options for options in given if "actor" in options]


@pytest.mark.parametrize("path", PLAYBOOKS, ids=lambda path: str(path.stem))
def test_a_playbook_runs_where_the_api_is_and_says_which_variables_it_takes(path: pathlib.Path) -> None:
    play, text = _play(path), path.read_text(encoding="utf-8")
    assert (play["hosts"], play["gather_facts"]) == ("localhost", False)
    registered = {task["register"] for task in play["tasks"] if "register" in task}
    sets = [task.get(key, {}) for task in play["tasks"] for key in ("vars", "ansible.builtin.set_fact")]
    own = {name for variables in sets for name in variables}
    names = set(re.findall(r"(?<!-e )\bclm_\w+", text)) - registered - own - {"clm_store"}
    head = text.partition("\n- name:")[0]
    unsaid = sorted(name for name in names - set(play.get("vars", {})) if name not in head)
    assert unsaid == [], "a variable that users may give stands at the head of its playbook"


@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        ({"clm_certificate": "a"}, "a"),
        ({"clm_certificate": "a", "clm_enrolled_certificate": "b"}, "a"),
        ({"clm_certificate": "", "clm_enrolled_certificate": "b"}, "b"),
        ({"clm_certificate": ""}, ""),
        ({}, ""),
    ],
)
def test_a_workflow_pushes_what_its_first_job_enrolled(given: dict[str, str], wanted: str) -> None:
    """V1: its survey asks both jobs, and an answer that is left empty goes before what the first one tells."""
    play = _play(FOLDER / "push.yml")
    assert _templated(play["vars"]["clm_pushes"], **given) == wanted
    [push, rolled] = [task["edgecert.clm.cert_push"] for task in play["tasks"] if "edgecert.clm.cert_push" in task]
    assert push == rolled and push["certificate"] == "{{ clm_pushes }}"
    last = _play(FOLDER / "enroll.yml")["tasks"][-1]["ansible.builtin.set_stats"]["data"]
    assert last["clm_enrolled_certificate"] == last["clm_certificate"]


@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        ({}, []),
        ({"clm_enrolled_certificate": "a"}, ["a"]),
        ({"clm_enrolled_certificate": "a", "clm_certificates": ["b"]}, ["b"]),
        ({"clm_enrolled_certificate": None, "clm_certificates": None}, []),
    ],
)
def test_a_workflow_does_what_is_due_of_its_own_certificate_alone(given: dict[str, Any], wanted: list[str]) -> None:
    """W3: the work of others is done in nobody's name by it, and what failed of theirs does not fail it."""
    [task] = [one for one in _play(FOLDER / "run_due.yml")["tasks"] if "vars" in one]
    assert _templated(task["vars"]["run_due_certificates"], **given) == wanted
    for playbook in ("enroll", "push", "renew"):
        tasks = _play(FOLDER / f"{playbook}.yml")["tasks"]
        told = [one[SETS_STATS]["data"] for one in tasks if SETS_STATS in one]
        assert all("clm_enrolled_certificate" in data for data in told) and told


def _of_replace_ca(task: str) -> dict[str, Any]:
    play = _play(FOLDER / "replace_ca.yml")
    return dict(next(one for one in play["tasks"] if one["name"] == task))


def _templated(text: str, **variables: Any) -> Any:
    templar = Templar(DataLoader(), {"omit": "left out", **variables})
    return templar.template(trust_as_template(text))


@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        ({}, {}),
        ({"clm_from_ca": "old"}, {"ca": ["old"]}),
        ({"clm_select": {"group": "shop"}}, {"group": "shop"}),
        ({"clm_from_ca": ["old", "older"], "clm_select": {"group": "shop"}}, {"group": "shop", "ca": ["old", "older"]}),
    ],
    ids=["neither", "ca", "filters", "both"],
)
def test_a_replacement_is_of_what_is_asked_for_and_of_no_other_ca(given: dict[str, Any], wanted: Any) -> None:
    """With filters alone beside a CA account, the certificates of every other account would be replaced, too."""
    task = _of_replace_ca("Replace")
    assert task["vars"]["clm_form"]["select"] == "{{ clm_asked }}"
    assert _templated(task["vars"]["clm_asked"], **given) == wanted


@pytest.mark.parametrize(
    ("given", "is_clear"),
    [
        ({"clm_from_ca": "old"}, True),
        ({"clm_select": {"ca": ["old"]}}, True),
        ({"clm_from_ca": "old", "clm_select": {"ca": ["new"]}}, False),
    ],
    ids=["ca", "filters", "both"],
)
def test_a_replacement_of_two_answers_to_which_ca_is_refused(given: dict[str, Any], is_clear: bool) -> None:
    that = _of_replace_ca("Refuse two answers to which CA")["ansible.builtin.assert"]["that"]
    assert _templated("{{ " + that + " }}", **given) is is_clear


def test_what_another_request_keeps_busy_is_left_to_be_replaced() -> None:
    counts = {"to_do": 1, "under_way": 2, "replaced": 4, "failed": 8, "busy": 16, "impossible": 32}
    data = _of_replace_ca("Keep the numbers for other jobs")["ansible.builtin.set_stats"]["data"]
    assert _templated(data["clm_left_count"], run_due_replaced={"counts": counts}) == 19


SURVEYS = FOLDER.parent / "extensions" / "awx" / "surveys"


def _choices() -> list[tuple[str, dict[str, Any]]]:
    """Give each choice that a survey leaves open, with the playbook whose survey it is."""
    return [
        (path.stem, asked)
        for path in sorted(SURVEYS.glob("*.json"))
        for asked in json.loads(path.read_text(encoding="utf-8"))["spec"]
        if asked["type"] == "multiplechoice" and not asked["required"] and (FOLDER / f"{path.stem}.yml") in EVERY
    ]


def _texts(value: Any) -> list[str]:
    """Give all texts of a task, at any depth."""
    if isinstance(value, dict):
        return [text for one in value.values() for text in _texts(one)]
    if isinstance(value, list):
        return [text for one in value for text in _texts(one)]
    return [value] if isinstance(value, str) else []


def _uses(playbook: str, variable: str) -> list[str]:
    """Give the options of modules that are made of a variable alone."""
    plays = _plays(FOLDER / f"{playbook}.yml", imported=False)
    imported = [_play(FOLDER / play[IMPORT]) for play in _plays(FOLDER / f"{playbook}.yml", imported=True)]
    options = [
        value
        for play in plays + imported
        for task in play["tasks"]
        for name, value in task.items()
        if name.startswith("edgecert.clm.")
    ]
    return [text for text in _texts(options) if set(re.findall(r"\bclm_\w+", text)) == {variable}]


@pytest.mark.parametrize(
    ("playbook", "asked"), _choices(), ids=lambda one: one if isinstance(one, str) else str(one["variable"])
)
def test_a_choice_that_nobody_makes_is_left_out_and_one_that_is_made_is_kept(
    playbook: str, asked: dict[str, Any]
) -> None:
    """V1: AWX lets a choice be left empty that is not required; a false that is given is not left out."""
    texts = _uses(playbook, asked["variable"])
    of_roles = ("clm_retry_failed", "clm_resume")
    assert texts or asked["variable"] in ("clm_approve_all", "clm_network", *of_roles)
    for text in texts:
        for nothing in ("", *(["default"] if "default" in asked["choices"] else [])):
            assert _templated(text, **{asked["variable"]: nothing}) in ("left out", asked["default"], True)
        for choice in asked["choices"][asked["choices"][0] == "default" :]:
            assert str(_templated(text, **{asked["variable"]: choice})).lower() == choice
        if "false" in asked["choices"]:
            given = _templated(text, **{asked["variable"]: False})
            assert given is False or (given == "left out" and asked["default"] == "false")
