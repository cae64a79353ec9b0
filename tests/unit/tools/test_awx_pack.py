# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The AWX pack is whole: a row for each playbook, surveys that playbooks understand, tasks as awx.awx wants them."""

from __future__ import annotations

import importlib
import json
import pathlib
import re
import sys
from collections.abc import Iterator
from typing import Any
from unittest import mock

import awx_pack
import awx_tables
import field_pages
import pytest
import yaml
from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar
from common import TOP

from ansible_collections.edgecert.clm.tests.support.awx_collections import collection_path
from ansible_collections.edgecert.clm.tests.support.fake_awx.rules import credential_type
from ansible_collections.edgecert.clm.tests.support.fake_awx.state import State
from ansible_collections.edgecert.clm.tests.support.fake_awx.survey_rules import answer_faults, spec_fault
from ansible_collections.edgecert.clm.tests.support.module_docs import argument_spec

try:
    from ansible.template import trust_as_template
except ImportError:  # ansible-core before 2.19 trusts all
    trust_as_template = str

ROLE = TOP / "roles" / "awx"
PLAYBOOKS = {path.stem for path in (TOP / "playbooks").glob("*.yml")}
OURS = "edgecert.clm."


def pack() -> dict[str, Any]:
    """Give the tables of the role."""
    return dict(yaml.safe_load((ROLE / "vars" / "main.yml").read_text(encoding="utf-8")))


def test_every_playbook_has_a_job_template_and_every_job_template_a_playbook() -> None:
    """R: a playbook that nobody put into the table would have no template, and nobody would notice."""
    rows = pack()["__awx_rows"]
    assert {row["playbook"] for row in rows} == PLAYBOOKS - {"awx"}
    assert len({row["name"] for row in rows}) == len(rows)
    assert set(awx_tables.SURVEYS) | set(awx_tables.NO_SURVEY) >= PLAYBOOKS
    without = {row["playbook"] for row in rows if row.get("survey") == ""} | {"awx", "enroll"}
    assert without == set(awx_tables.NO_SURVEY)


@pytest.mark.parametrize("row", pack()["__awx_rows"], ids=lambda row: str(row["name"]))
def test_a_job_template_has_a_login_a_survey_that_is_there_and_the_right_people(row: dict[str, Any]) -> None:
    """W2: who asks launches nothing that approves, and nothing that AWX's own schedule does."""
    teams = ["requesters", "approvers", "operators"]
    assert row["team"] in [*teams, ""] and row.get("login", row["team"]) in teams
    survey = row.get("survey", row["playbook"])
    assert survey == "" or (field_pages.SURVEYS / f"{survey}.json").is_file()
    is_deciding = row["playbook"] in ("approve", "reject", "awx_approve")
    assert is_deciding is (row.get("login", row["team"]) == "approvers")


def test_files_are_what_the_tables_make() -> None:
    for path, text in awx_pack.files().items():
        assert path.read_text(encoding="utf-8") == text, f"run tools/awx_pack.py ({path.name})"


@pytest.mark.parametrize("playbook", sorted(awx_tables.SURVEYS))
def test_awx_takes_the_survey_and_its_answers_and_the_playbook_knows_them(playbook: str) -> None:
    """R: every variable stands in the playbook, its own head or that of the one it imports."""
    made = awx_pack.survey(playbook)
    assert spec_fault(made) == ""
    assert answer_faults(made, answers(playbook)) == []
    variables = {one["variable"] for one in made["spec"]}
    assert not variables & {"clm_store", "awx_user_name", "tower_user_name"}
    text = "".join((TOP / "playbooks" / f"{name}.yml").read_text(encoding="utf-8") for name in imported(playbook))
    assert sorted(name for name in variables if not re.search(rf"\b{name}\b", text)) == []


def answers(playbook: str) -> dict[str, str]:
    """Give the answers that AWX sends where somebody answers what is required, and nothing else."""
    made = awx_pack.survey(playbook)["spec"]
    return {one["variable"]: one["default"] or ("x" if one["required"] else "") for one in made}


def imported(playbook: str) -> list[str]:
    """Give a playbook and those that it imports."""
    plays = yaml.safe_load((TOP / "playbooks" / f"{playbook}.yml").read_text(encoding="utf-8"))
    others = [pathlib.Path(play["ansible.builtin.import_playbook"]).stem for play in plays if len(play) <= 4]
    return [playbook, *(name for other in others for name in imported(other))]


def tasks_of(playbook: str) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    """Give each task of a playbook and of those it imports, with the variables it sees beside the answers."""
    given: dict[str, Any] = {}
    for name in imported(playbook):
        for play in yaml.safe_load((TOP / "playbooks" / f"{name}.yml").read_text(encoding="utf-8")):
            if "ansible.builtin.import_playbook" in play:
                given.update(play.get("vars", {}))
            for task in play.get("tasks", []):
                yield task, {**play.get("vars", {}), **given, **task.get("vars", {})}


def trusted(value: Any) -> Any:
    """Give a value of a playbook as Ansible reads it: its texts are templates. The environment is empty.

    Looking it up needs loaders that a test cannot start beside another one's imports.
    """
    if isinstance(value, dict):
        return {key: trusted(one) for key, one in value.items()}
    if isinstance(value, list):
        return [trusted(one) for one in value]
    if isinstance(value, str):
        value = value.replace("lookup('ansible.builtin.env', 'AKAMAI_HOST')", "''")
        value = value.replace("query('ansible.builtin.env', *named)", "secrets | map('truncate', 0, True, '', 0)")
        return trust_as_template(value)
    return value


SEEN = {
    "clm_seen": {
        "certificates": [{"common_name": "x"}],
        "holistic": [{"certificate": {"common_name": "x"}, "connectors": [{"name": "edge"}]}],
    },
    "clm_looked": {"pending": []},
    "clm_enrolled": {"request": {"certificate": "x", "device": "d", "state": "issued"}},
    "item": {"request_id": "req-1", "work_order_id": ""},
}


@pytest.mark.parametrize("nothing", ["", None])
@pytest.mark.parametrize("playbook", sorted(awx_tables.SURVEYS))
def test_what_nobody_answered_becomes_no_option_and_what_is_becomes_one_that_the_module_takes(
    playbook: str, nothing: str | None
) -> None:
    """R: AWX sends texts alone, and an empty one, which a job reads as null, for what nobody answered."""
    omitted = "__omit__"
    seen = 0
    for task, variables in tasks_of(playbook):
        [module] = [key for key in task if "." in key]
        if not module.startswith(OURS):
            # What a role makes of it is held by the role's own specification.
            seen += module.endswith("_role")
            continue
        answered = {name: one or nothing for name, one in answers(playbook).items()}
        known = {**SEEN, **trusted(variables), **answered, "omit": omitted}
        given = Templar(DataLoader(), known).template(trusted(task[module] or {}))
        given = without(given, omitted)
        spec = argument_spec(module.removeprefix(OURS))
        result = ArgumentSpecValidator({name: dict(one) for name, one in spec.items()}).validate(given)
        wrong = [text for text in result.error_messages if "missing required" not in text]
        assert wrong == [], f"{task['name']}: {given}"
        # The section of a credential file may well be called so.
        empty = [name for name, value in given.items() if value in ("", "default") and name != "section"]
        assert empty == [], f"{task['name']} hands {empty} over empty"
        seen += 1
    assert seen


def without(value: Any, omitted: str) -> Any:
    """Leave out what is omitted, as Ansible does: of the options, and of the members of their mappings."""
    if isinstance(value, dict):
        return {key: without(one, omitted) for key, one in value.items() if one != omitted}
    return [without(one, omitted) for one in value] if isinstance(value, list) else value


# -- the arguments of awx.awx ------------------------------------------------------------------------------------------


class _Stopped(Exception):
    """Carries what a module hands to AnsibleModule."""


def awx_argument_spec(name: str) -> dict[str, Any]:
    """Give the argument spec of a module of awx.awx, those of how it logs in among it."""

    def stop(_self: AnsibleModule, argument_spec: dict[str, Any], **others: Any) -> None:
        raise _Stopped(argument_spec, others)

    path = str(collection_path())
    with mock.patch.object(sys, "path", [path, *sys.path]), mock.patch.object(AnsibleModule, "__init__", stop):
        namespace = importlib.import_module("ansible_collections")
        with mock.patch.object(namespace, "__path__", [f"{path}/ansible_collections", *namespace.__path__]):
            module = importlib.import_module(f"ansible_collections.awx.awx.plugins.modules.{name}")
            try:
                module.main()
            except _Stopped as stopped:
                return dict(stopped.args[0])
    raise AssertionError(f"{name} ended without AnsibleModule")


def awx_tasks() -> list[tuple[str, str, dict[str, Any]]]:
    """Give every task of the role that is one of awx.awx: file, module, arguments."""
    found = []
    for path in sorted((ROLE / "tasks").glob("*.yml")):
        for task in yaml.safe_load(path.read_text(encoding="utf-8")):
            found += [(path.stem, key, task[key]) for key in task if key.startswith("awx.awx.")]
    return found


@pytest.mark.parametrize(
    ("file", "module", "arguments"), awx_tasks(), ids=[f"{file}-{module}" for file, module, _rest in awx_tasks()]
)
def test_a_task_names_only_options_that_the_module_has(file: str, module: str, arguments: dict[str, Any]) -> None:
    """Held against awx.awx 24.6.1 itself; choices and types where they are written out."""
    spec = awx_argument_spec(module.rpartition(".")[2])
    known = {*spec, *(alias for one in spec.values() for alias in one.get("aliases", ()))}
    assert sorted(set(arguments) - known) == [], file
    assert [name for name, one in spec.items() if one.get("required") and name not in arguments] == []
    for name, value in arguments.items():
        choices = spec[name].get("choices")
        assert not choices or "{{" in str(value) or value in choices, name


# -- credential types --------------------------------------------------------------------------------------------------


def test_awx_takes_every_credential_type_and_each_delivers_all_its_inputs_by_the_environment() -> None:
    """No secret goes to extra variables, which a job shows, and none names who acts but the one for schedules."""
    state = State([])
    for made in awx_pack.credential_types():
        assert credential_type({**made}, state) == {}, made["name"]
        assert set(made["injectors"]) == {"env"}
        delivered = {text.strip("{} ") for text in made["injectors"]["env"].values()}
        assert delivered == {one["id"] for one in made["inputs"]["fields"]}
        assert ("EDGECERT_ACTOR" in made["injectors"]["env"]) is (made["name"] == "Actor of schedules")


def test_what_awx_does_not_take_of_a_credential_type_is_seen() -> None:
    """A test of the fake: what it lets through, AWX would refuse."""
    made = awx_pack.credential_types()[0]
    for env in ({"ANSIBLE_CONFIG": "x"}, {"JOB_ID": "x"}, {"9": "x"}, {"A": "{{ unknown }}"}, {"A": "{{"}):
        assert credential_type({**made, "injectors": {"env": env}}, State([])), env
    for fields in ([{"id": "a"}], [{"id": "a-b", "label": "x", "type": "string"}], [{"id": "a", "label": "x"}]):
        assert credential_type({**made, "inputs": {"fields": fields}, "injectors": {}}, State([]))


def test_the_playbook_reads_every_secret_that_a_credential_type_delivers() -> None:
    """C: of every kind of CA; a new secret of a new kind has to be read, too."""
    [play] = yaml.safe_load((TOP / "playbooks" / "ca_account.yml").read_text(encoding="utf-8"))
    [task] = [one for one in play["tasks"] if f"{OURS}ca_account" in one]
    read = {awx_pack.ca_variable(name) for name in task["vars"]["secrets"]}
    delivered = {
        name
        for made in awx_pack.credential_types()
        for name in made["injectors"]["env"]
        if name.startswith("EDGECERT_CA_")
    }
    assert read == delivered


def test_the_role_and_the_api_have_the_same_credential_types() -> None:
    """What AWX is to fill in is marked, so that no Ansible fills it in."""
    text = (ROLE / "vars" / "credential_types.yml").read_text(encoding="utf-8")
    assert not re.search(r"(?<!!unsafe )\"\{\{", text) and "'{{" not in text
    found = yaml.safe_load(text.replace("!unsafe ", ""))["__awx_types"]
    assert found == json.loads(awx_pack.CREDENTIAL_TYPES.read_text(encoding="utf-8"))
