# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a role says of itself in three places is one and the same: its specification, its defaults, its page.

A variable that holds options of a module holds all of them, and each reaches the module.
"""

from __future__ import annotations

import pathlib
import re
from typing import Any

import pytest
import yaml
from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar

from ansible_collections.edgecert.clm.tests.support import module_docs

try:
    from ansible.template import trust_as_template
except ImportError:  # ansible-core before 2.19 trusts all
    trust_as_template = str

ROLES = sorted((pathlib.Path(__file__).resolve().parents[2] / "roles").iterdir())


def _read(path: pathlib.Path) -> Any:
    return yaml.safe_load(path.read_text(encoding="utf-8"))


def _options(role: pathlib.Path) -> dict[str, Any]:
    """Give the variables of all entry points."""
    found: dict[str, Any] = {}
    for entry in _read(role / "meta" / "argument_specs.yml")["argument_specs"].values():
        found.update(entry["options"])
    return found


@pytest.mark.parametrize("role", ROLES, ids=lambda role: str(role.name))
def test_the_defaults_are_those_of_the_specification(role: pathlib.Path) -> None:
    described = {name: option["default"] for name, option in _options(role).items() if "default" in option}
    assert _read(role / "defaults" / "main.yml") == described


@pytest.mark.parametrize("role", ROLES, ids=lambda role: str(role.name))
def test_every_variable_is_on_the_page_and_used(role: pathlib.Path) -> None:
    names = set(_options(role))
    page = (role / "README.md").read_text(encoding="utf-8")
    assert sorted(name for name in names if f"`{name}`" not in page) == []
    tasks = "".join(path.read_text(encoding="utf-8") for path in (role / "tasks").glob("*.yml"))
    used = set(re.findall(rf"\b{role.name}_[a-z0-9_]+", tasks))
    assert sorted(names - used) == []
    own = set(re.findall(rf"(?m)^ *(?:register: |loop_var: |)({role.name}_[a-z0-9_]+)(?::|$)", tasks))
    assert sorted(used - names - own) == [], "a variable that nobody sets and no specification knows"


@pytest.mark.parametrize("role", ROLES, ids=lambda role: str(role.name))
def test_a_role_acts_as_who_runs_it(role: pathlib.Path) -> None:
    """W2: no variable of a role names store or actor; they are those of the play."""
    tasks = "".join(path.read_text(encoding="utf-8") for path in (role / "tasks").glob("*.yml"))
    assert not re.search(r"(?m)^ *(store|actor|store_key|store_key_file):", tasks)


NOT_ASKED = {"store", "store_key", "store_key_file", "actor", "wait", "wait_timeout"}


def _handed_on(role: str, file: str, module: str) -> dict[str, str]:
    """Give the options that a role's task hands to a module, as they are written."""
    tasks = _read(ROLES[0].parent / role / "tasks" / file)
    found: dict[str, str] = next(task[f"edgecert.clm.{module}"] for task in tasks if f"edgecert.clm.{module}" in task)
    return found


@pytest.mark.parametrize(
    ("variable", "file", "module", "is_whole"),
    [("enroll_request", "main.yml", "cert_enroll", True), ("enroll_push", "push.yml", "cert_push", False)],
)
def test_what_is_asked_for_are_the_options_of_the_module(variable: str, file: str, module: str, is_whole: bool) -> None:
    """E1 to E24: an option that the role did not know would be dropped without a word."""
    spec = module_docs.argument_spec(module)
    options = _options(ROLES[0].parent / "enroll")[variable]["options"]
    assert set(options) <= set(spec) - NOT_ASKED and (not is_whole or set(options) == set(spec) - NOT_ASKED)
    assert [name for name, option in options.items() if option["type"] != spec[name].get("type", "str")] == []
    hidden = {name for name, option in options.items() if option.get("no_log")}
    assert hidden == {name for name in options if spec[name].get("no_log")}
    handed = _handed_on("enroll", file, module)
    for name in options:
        assert handed[name] == f"{{{{ {variable}.{name} | default(omit) }}}}"


ENTRIES = {
    "onboard_ca_accounts": "ca_account",
    "onboard_groups": "cert_group",
    "onboard_devices": "akamai_cps_device",
    "onboard_vendor_settings": "akamai_vendor_settings",
}


@pytest.mark.parametrize("variable", ENTRIES)
def test_an_entry_to_be_onboarded_has_the_options_of_its_module_and_is_not_shown(variable: str) -> None:
    """D1 to D10, S1 to S4: all of them, those that are secret as such; what is looped over is a number."""
    spec = module_docs.argument_spec(ENTRIES[variable])
    options = _options(ROLES[0].parent / "onboard")[variable]["options"]
    assert set(options) == set(spec) - NOT_ASKED
    for name, option in options.items():
        same = [(option.get(key) or None, spec[name].get(key) or None) for key in ("no_log", "required", "elements")]
        assert not [pair for pair in same if pair[0] != pair[1]], name
        assert option["type"] == spec[name].get("type", "str")
    handed = _handed_on("onboard", "main.yml", ENTRIES[variable])
    assert handed == {name: f"{{{{ {variable}[index].{name} | default(omit) }}}}" for name in options}
    tasks = _read(ROLES[0].parent / "onboard" / "tasks" / "main.yml")
    [task] = [task for task in tasks if f"edgecert.clm.{ENTRIES[variable]}" in task]
    assert task["loop"] == f"{{{{ range({variable} | length) | list }}}}"


def test_what_is_included_of_a_role_is_an_entry_point_whose_variables_are_checked() -> None:
    """Ansible finds them by the name as it is written: with C(.yml) nothing would be checked, without a word."""
    top = ROLES[0].parents[1]
    found = []
    for path in [*(top / "playbooks").glob("*.yml"), *(top / "roles").glob("*/tasks/*.yml")]:
        text = path.read_text(encoding="utf-8")
        found += re.findall(r"name: edgecert\.clm\.(\w+)\n +tasks_from: (\S+)", text)
    assert len(found) > 5
    specs = {role.name: set(_read(role / "meta" / "argument_specs.yml")["argument_specs"]) for role in ROLES}
    assert sorted({(role, entry) for role, entry in found if entry not in specs[role]}) == []


@pytest.mark.parametrize(
    ("looked", "pending"),
    [
        ({"pending": [{"state": "submitted"}]}, [{"state": "submitted"}]),
        ({"skipped": True}, []),
        ({"msg": "MODULE FAILURE", "rc": 1}, "left out"),
        ({"failure": {"code": "store_unreachable"}}, "left out"),
    ],
)
def test_what_nobody_could_look_at_is_not_settled(looked: dict[str, Any], pending: Any) -> None:
    """W4: a module that died says nothing of itself, and none of what it would have found is over for that."""
    [task] = [one for one in _read(ROLES[0].parent / "notify" / "tasks" / "main.yml") if one["name"] == "Tell them"]
    given = {"omit": "left out", "notify_looked": looked, "failed": trust_as_template(task["vars"]["failed"])}
    text = task["edgecert.clm.clm_notify"]["pending"]
    assert Templar(DataLoader(), given).template(trust_as_template(text)) == pending


@pytest.mark.parametrize(
    ("limit", "budget", "wanted"),
    [(0, 0, ("left out", "left out")), (5, 100, (3, 60)), ("5", "100", (3, 60)), (-1, 0, (-3, "left out"))],
)
def test_a_limit_holds_for_all_rounds_together(limit: Any, budget: Any, wanted: tuple[Any, Any]) -> None:
    """Design §6: a round is no call of its own, else a night of rounds would have as many budgets as minutes."""
    [task] = [one for one in _read(ROLES[0].parent / "run_due" / "tasks" / "round.yml") if one["name"] == "Do it"]
    done = [{"kind": "pushes"}, {"kind": "leases"}, {"kind": "retrievals"}]
    given = {"run_due_limit": limit, "run_due_budget": budget, "run_due_result": {"done": done, "calls": 40}}
    variables = {"omit": "left out", "moved": trust_as_template(task["vars"]["moved"]), **given}
    asked = task["edgecert.clm.cert_lifecycle"]
    found = [Templar(DataLoader(), variables).template(trust_as_template(asked[name])) for name in ("limit", "budget")]
    assert [str(one) for one in found] == [str(one) for one in wanted]
