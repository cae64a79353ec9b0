# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A variable that is null or empty is one that nobody gave (V1), in every playbook and for each of its variables.

AWX marks each answer of a survey, and each artifact of a job before, as unsafe; newer ansible-core reads an empty text
that is so marked as null.
"""

from __future__ import annotations

import pathlib
import re
from collections.abc import Iterator
from typing import Any

import pytest
import yaml
from ansible.errors import AnsibleError
from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar

try:
    from ansible.template import trust_as_template
except ImportError:  # ansible-core before 2.19 trusts all
    trust_as_template = str

FOLDER = pathlib.Path(__file__).resolve().parents[2] / "playbooks"
WORD = re.compile(r"\bclm_\w+")
OF_ROLES = ("enroll_", "run_due_", "notify_", "onboard_", "report_")


def _plays() -> list[Any]:
    """Give each play that has tasks, with the names of the variables that users may give."""
    found = []
    for path in sorted(FOLDER.glob("*.yml")):
        text = path.read_text(encoding="utf-8")
        head = text.partition("\n- name:")[0]
        for play in yaml.safe_load(text):
            if "tasks" in play:
                found.append(pytest.param(play, sorted(set(WORD.findall(head))), id=path.stem))
    return found


def _trusted(value: Any) -> Any:
    """Give a value as Ansible reads it: its texts are templates. The environment is empty."""
    if isinstance(value, dict):
        return {key: _trusted(one) for key, one in value.items()}
    if isinstance(value, list):
        return [_trusted(one) for one in value]
    if isinstance(value, str):
        value = re.sub(r"lookup\('ansible\.builtin\.env', '\w+'\)", "''", value)
        value = value.replace("query('ansible.builtin.env', *named)", "secrets | map('truncate', 0, True, '', 0)")
        return trust_as_template(value)
    return value


def _all_tasks(tasks: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    for task in tasks:
        yield task
        yield from _all_tasks([*task.get("block", []), *task.get("rescue", [])])


def _texts(value: Any, where: str) -> Iterator[tuple[str, str]]:
    """Give all texts in it, at any depth, with where they stand."""
    if isinstance(value, dict):
        for key, one in value.items():
            yield from _texts(one, f"{where}.{key}")
    elif isinstance(value, list):
        for number, one in enumerate(value):
            yield from _texts(one, f"{where}.{number}")
    elif isinstance(value, str):
        yield where, value


def _taken(task: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Give what a task makes of variables: options, conditions, and variables of a role."""
    [module] = [key for key in task if "." in key] or [""]
    conditions = task.get("when", [])
    for one in [conditions] if isinstance(conditions, str) else conditions:
        yield "when", f"{{{{ {one} }}}}"
    if module == "ansible.builtin.assert":
        that = task[module]["that"]
        for one in [that] if isinstance(that, str) else that:
            yield "that", f"{{{{ {one} }}}}"
    elif module.startswith("edgecert.clm."):
        yield from _texts(task[module], module)
    elif module.endswith("_role"):
        yield from _texts({key: one for key, one in task.get("vars", {}).items() if key.startswith(OF_ROLES)}, module)


def _made(text: str, known: dict[str, Any]) -> Any:
    """Give what a text becomes; of one that is made of what other tasks register, that it becomes nothing yet."""
    try:
        return Templar(DataLoader(), {**known, "omit": "left out"}).template(_trusted(text))
    except AnsibleError as reason:
        return type(reason)


@pytest.mark.parametrize("nothing", [None, ""], ids=["null", "empty"])
@pytest.mark.parametrize(("play", "names"), _plays())
def test_a_variable_that_is_nothing_is_one_that_was_not_given(
    play: dict[str, Any], names: list[str], nothing: str | None
) -> None:
    """R: on each ansible-core, of which the oldest looks at what it does not take, too."""
    given = dict.fromkeys((name for name in names if name != "clm_store"), nothing)
    tasks = list(_all_tasks(play["tasks"]))
    needed = {
        name: "x" for task in tasks for where, text in _taken(task) if where == "that" for name in WORD.findall(text)
    }
    for task in tasks:
        known = {"ansible_check_mode": False, **_trusted({**play.get("vars", {}), **task.get("vars", {})})}
        for where, text in _taken(task):
            # What is refused when it is not there has to be there for the tasks behind that.
            with_needed = {**known, **(needed if isinstance(_made(text, known), type) else {})}
            missing = {name: one for name, one in given.items() if name not in needed or with_needed == known}
            made, wanted = _made(text, {**with_needed, **missing}), _made(text, with_needed)
            assert made == wanted, f"{task['name']}, {where}: {text}"
