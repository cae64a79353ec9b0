# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the modules say of themselves: documentation, argument specs, and the names that their code reads.

Knows Ansible's tools and the folders of plugins; nothing of any one module.
"""

from __future__ import annotations

import ast
import importlib
import json
import pathlib
import subprocess
import sys
from collections.abc import Iterator, Mapping
from typing import Any
from unittest import mock

import yaml
from ansible.module_utils.basic import AnsibleModule
from ansible.playbook.block import Block
from ansible.playbook.play import Play
from ansible.playbook.task import Task

NAME = "edgecert.clm"
PLUGINS = pathlib.Path(__file__).resolve().parents[2] / "plugins"
Spec = Mapping[str, Mapping[str, Any]]


class _Stopped(Exception):
    """Carries the arguments that AnsibleModule was called with."""


def plugin_names(folder: str) -> list[str]:
    """Give the names of the plugins in a folder of plugins/, sorted; none when there is no such folder."""
    return sorted(path.stem for path in (PLUGINS / folder).glob("*.py") if path.stem != "__init__")


def documentation(kind: str, names: list[str]) -> dict[str, Any]:
    """Ask ansible-doc for plugins of a kind (``module``, ``inventory``), fragments merged, by short name.

    Where one of several cannot be read they are asked for one by one, and the unreadable ones are left out.
    """
    if not names:
        return {}
    command = [sys.executable, "-m", "ansible", "doc", "-t", kind, "--json", *(f"{NAME}.{name}" for name in names)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL)
    if done.returncode == 0:
        return {name.rpartition(".")[2]: content for name, content in json.loads(done.stdout).items()}
    print(done.stderr)
    found = [documentation(kind, [name]) for name in names] if len(names) > 1 else []
    return {name: content for one in found for name, content in one.items()}


def argument_spec(module: str) -> Spec:
    """Give the argument spec that a module hands to AnsibleModule; its ``main`` is stopped there."""

    def stop(_self: AnsibleModule, argument_spec: Spec, **_others: Any) -> None:
        raise _Stopped(argument_spec)

    code = importlib.import_module(f"ansible_collections.{NAME}.plugins.modules.{module}")
    with mock.patch.object(AnsibleModule, "__init__", stop):
        try:
            code.main()
        except _Stopped as stopped:
            spec: Spec = stopped.args[0]
            return spec
    raise AssertionError(f"{module} ended without AnsibleModule")


def _shape(option: Mapping[str, Any], children: str) -> dict[str, Any]:
    """Give what documentation and spec must agree on; absent and empty are the same."""
    kind = option.get("type", "str")
    default = option.get("default")
    if kind == "bool" and isinstance(default, str):
        default = default.lower() in ("true", "yes")
    return {
        "type": kind,
        "elements": option.get("elements"),
        "required": bool(option.get("required", False)),
        "default": default,
        "choices": list(option.get("choices") or []),
        "aliases": sorted(option.get("aliases") or []),
        "children": sorted(option.get(children) or {}),
    }


def differences(documented: Spec, spec: Spec, prefix: str = "") -> list[str]:
    """Say where documented options and an argument spec differ, suboptions too."""
    found = [f"{prefix}{name} is in the spec, but not documented" for name in sorted(set(spec) - set(documented))]
    found += [f"{prefix}{name} is documented, but not in the spec" for name in sorted(set(documented) - set(spec))]
    for name in sorted(set(spec) & set(documented)):
        said, real = _shape(documented[name], "suboptions"), _shape(spec[name], "options")
        found += [
            f"{prefix}{name}: {key} is documented as {said[key]!r}, the spec has {real[key]!r}"
            for key in said
            if said[key] != real[key]
        ]
        found += differences(
            documented[name].get("suboptions") or {}, spec[name].get("options") or {}, f"{prefix}{name}."
        )
    return found


def option_names(spec: Spec) -> Iterator[str]:
    """Give the name of every option and suboption."""
    for name, option in spec.items():
        yield name
        yield from option_names(option.get("options") or {})


def _declares(value: ast.expr) -> bool:
    """Tell whether a value is an entry of an argument spec: its key declares a name and does not read it."""
    return isinstance(value, ast.Dict) and any(
        isinstance(key, ast.Constant) and key.value == "type" for key in value.keys
    )


def names_read(source: str) -> set[str]:
    """Give the names that a file reads: attributes, fields, keyword arguments, texts that no spec declares."""
    tree = ast.parse(source)
    declared: set[int] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Dict):
            pairs = zip(node.keys, node.values, strict=True)
            declared |= {id(key) for key, value in pairs if key is not None and _declares(value)}
    names: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute):
            names.add(node.attr)
        elif isinstance(node, ast.keyword) and node.arg:
            names.add(node.arg)
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            names.add(node.target.id)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in declared:
            names.add(node.value)
    return names


def all_names_read() -> set[str]:
    """Give the names that any plugin code reads."""
    files = (path for path in PLUGINS.rglob("*.py") if "doc_fragments" not in path.parts)
    return set().union(*(names_read(path.read_text(encoding="utf-8")) for path in files))


def _keywords(*kinds: Any) -> set[str]:
    return {name for kind in kinds for name in kind.fattributes} | {"local_action", "loop", "with_items"}


TASK_WORDS = _keywords(Task, Block)
PLAY_WORDS = _keywords(Play)


def example_tasks(examples: str) -> list[dict[str, Any]]:
    """Give the tasks of an EXAMPLES text, those in plays and blocks too.

    :raises AssertionError: it is no list of tasks and plays.
    """
    loaded = yaml.safe_load(examples)
    assert isinstance(loaded, list) and loaded, "EXAMPLES is no list of tasks"
    return list(_flat(loaded))


def _flat(entries: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    for entry in entries:
        lists = [
            entry[word]
            for word in ("pre_tasks", "tasks", "post_tasks", "handlers", "block", "rescue", "always")
            if word in entry
        ]
        if not lists:
            yield entry
        for tasks in lists:
            yield from _flat(tasks)


def task_faults(task: Mapping[str, Any], docs: Mapping[str, Any]) -> list[str]:
    """Say what is wrong with an example's task: its action's name, the options it gives, the choices it makes."""
    actions = [word for word in task if word not in TASK_WORDS]
    if len(actions) != 1:
        return [f"a task needs one action, this has {actions}"]
    collection, _dot, module = actions[0].rpartition(".")
    if collection != NAME:
        return [] if collection.count(".") == 1 else [f"{actions[0]} is not named by its full name"]
    if module not in docs:
        return [f"there is no module {actions[0]}"]
    faults = [] if task.get("name") else ["a task has no name"]
    return faults + _option_faults(task[actions[0]] or {}, docs[module]["doc"]["options"], "")


def _option_faults(given: Any, documented: Spec, prefix: str) -> list[str]:
    faults = []
    for part in given if isinstance(given, list) else [given]:
        for name, value in part.items() if isinstance(part, dict) else ():
            option = documented.get(name)
            if option is None:
                faults.append(f"there is no option {prefix}{name}")
                continue
            choices = option.get("choices")
            if choices and isinstance(value, str) and "{{" not in value and value not in choices:
                faults.append(f"{prefix}{name} cannot be {value!r}")
            if option.get("suboptions"):
                faults += _option_faults(value, option["suboptions"], f"{prefix}{name}.")
    return faults
