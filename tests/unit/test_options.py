# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation, argument specs, code and metadata of the modules agree with one another."""

from __future__ import annotations

import pathlib
from typing import Any

import pytest
import yaml

from ansible_collections.edgecert.clm.tests.support import module_docs

TOP = pathlib.Path(__file__).resolve().parents[2]
MODULES = module_docs.plugin_names("modules")
INVENTORIES = module_docs.plugin_names("inventory")


@pytest.fixture(scope="module")
def docs() -> dict[str, Any]:
    return module_docs.documentation("module", MODULES)


@pytest.fixture(scope="module")
def read() -> set[str]:
    return module_docs.all_names_read()


def test_every_module_has_documentation_that_can_be_read(docs: dict[str, Any]) -> None:
    assert sorted(docs) == MODULES


def test_the_action_group_is_the_folder() -> None:
    runtime = yaml.safe_load((TOP / "meta" / "runtime.yml").read_text(encoding="utf-8"))
    assert runtime["action_groups"]["clm"] == MODULES


@pytest.mark.parametrize("module", MODULES)
def test_documentation_is_the_argument_spec(module: str, docs: dict[str, Any]) -> None:
    assert module_docs.differences(docs[module]["doc"]["options"], module_docs.argument_spec(module)) == []


@pytest.mark.parametrize("module", MODULES)
def test_every_option_is_read_by_some_code(module: str, read: set[str]) -> None:
    names = set(module_docs.option_names(module_docs.argument_spec(module)))
    assert sorted(names - read) == []


@pytest.mark.parametrize("module", MODULES)
def test_a_module_says_that_it_is_in_the_action_group(module: str, docs: dict[str, Any]) -> None:
    attributes = docs[module]["doc"].get("attributes", {})
    assert "edgecert.clm.clm" in attributes.get("action_group", {}).get("membership", [])
    assert {"check_mode", "diff_mode"} <= set(attributes)


@pytest.mark.parametrize("module", MODULES)
def test_examples_use_options_that_exist(module: str, docs: dict[str, Any]) -> None:
    tasks = module_docs.example_tasks(docs[module]["examples"])
    assert [fault for task in tasks for fault in module_docs.task_faults(task, docs)] == []
    assert any(f"edgecert.clm.{module}" in task for task in tasks), "no example uses the module itself"


@pytest.mark.parametrize("module", MODULES)
def test_every_returned_value_is_described(module: str, docs: dict[str, Any]) -> None:
    returned = docs[module]["return"]
    assert returned, "RETURN is empty"
    assert [name for name, value in returned.items() if not {"description", "returned", "type"} <= set(value)] == []
    # Ansible gives these a meaning of its own: a list under "failed" comes back as a truth value.
    taken = {"ansible_facts", "changed", "exception", "failed", "invocation", "rc", "results", "skipped", "unreachable"}
    assert sorted(taken & set(returned)) == []


@pytest.mark.parametrize("inventory", INVENTORIES)
def test_an_inventory_source_in_the_examples_uses_options_that_exist(inventory: str) -> None:
    found = module_docs.documentation("inventory", INVENTORIES)[inventory]
    options = set(found["doc"]["options"])
    sources = [source for source in yaml.safe_load_all(found["examples"]) if source]
    assert sources, "EXAMPLES holds no source"
    for source in sources:
        assert source["plugin"] == f"edgecert.clm.{inventory}"
        assert sorted(set(source) - options) == []


def test_a_difference_between_documentation_and_spec_is_seen() -> None:
    documented: dict[str, dict[str, Any]] = {
        "name": {"type": "str", "required": True},
        "only_here": {"type": "str"},
        "contact": {"type": "dict", "suboptions": {"phone": {"type": "str"}, "mail": {"type": "str"}}},
        "state": {"type": "str", "choices": ["present"], "default": "present"},
    }
    spec: dict[str, dict[str, Any]] = {
        "name": {"type": "str"},
        "contact": {"type": "dict", "options": {"phone": {"type": "int"}}},
        "state": {"choices": ["present", "absent"], "default": "present"},
        "only_there": {},
    }
    found = module_docs.differences(documented, spec)
    assert [line.split(" is documented as")[0] for line in found] == [
        "only_there is in the spec, but not documented",
        "only_here is documented, but not in the spec",
        "contact: children",
        "contact.mail is documented, but not in the spec",
        "contact.phone: type",
        "name: required",
        "state: choices",
    ]


def test_declaring_an_option_is_not_reading_it() -> None:
    source = 'SPEC = {"idle": {"type": "str"}, "used": {"type": "str"}}\nvalue = params["used"]\nrow = record.field\n'
    names = module_docs.names_read(source)
    assert {"used", "field"} <= names
    assert "idle" not in names


def test_a_wrong_example_is_seen() -> None:
    options = {"state": {"choices": ["present"]}, "contact": {"suboptions": {"phone": {}}}}
    docs = {"thing": {"doc": {"options": options}}}
    action = "edgecert.clm.thing"

    def faults(task: dict[str, Any]) -> list[str]:
        return module_docs.task_faults({"name": "Do it", **task}, docs)

    assert faults({action: {"state": "present", "contact": {"phone": "1"}}, "register": "done"}) == []
    assert faults({action: {"state": "absent"}}) == ["state cannot be 'absent'"]
    assert faults({action: {"contact": {"fax": "1"}}}) == ["there is no option contact.fax"]
    assert faults({"edgecert.clm.other": {}}) == ["there is no module edgecert.clm.other"]
    assert faults({"debug": {}}) == ["debug is not named by its full name"]
    assert faults({"register": "done"}) == ["a task needs one action, this has []"]
    assert module_docs.task_faults({action: {}}, docs) == ["a task has no name"]
