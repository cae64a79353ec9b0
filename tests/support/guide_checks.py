# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Says what is wrong with a code block of a page without running it: options, choices, variables, files, commands."""

from __future__ import annotations

import argparse
import configparser
import json
import re
import shlex
import subprocess
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import yaml
from edgecert_sandbox.cli import build_parser

from ansible_collections.edgecert.clm.plugins.module_utils._ca.registry import connector_type
from ansible_collections.edgecert.clm.tests.support import module_docs
from ansible_collections.edgecert.clm.tests.support.walking import TOP, Block

NAME = "edgecert.clm."
PLAYBOOKS = TOP / "playbooks"
# Tools of the system, whose words are not ours to know.
OTHERS = {
    *(".", "cat", "cd", "chmod", "cp", "crontab", "curl", "date", "dig", "docker", "echo", "export", "jq", "ls"),
    *("mkdir", "mv", "openssl", "pip", "pkcs11-tool", "podman", "printf", "psql", "rm", "softhsm2-util", "sqlite3"),
    *("ansible-builder", "ansible-doc", "ansible-galaxy", "ansible-inventory", "ansible-navigator", "ansible-runner"),
    *("ansible-rulebook", "awx", "molecule", "tar"),
}
# Options of ansible-playbook that take a word.
_TAKE_ONE = {"-i", "--inventory", "-e", "--extra-vars", "-l", "--limit", "-t", "--tags", "-u", "-c", "-f", "--vault-id"}
_CRON = re.compile(r"^(?:[*/0-9,-]+ ){5}")
_VARIABLE = re.compile(r"^(\w+)=", re.ASCII)
Docs = Mapping[str, Any]


def _commands(block: Block) -> Iterator[str]:
    yield from block.commands
    if block.language == "console":
        yield from (line for line in block.text.splitlines() if _CRON.match(line))


def _words(command: str) -> list[str]:
    """Give the words of a command without its comment, its schedule and the variables before it."""
    words = shlex.split(_CRON.sub("", command), comments=True)
    while words and _VARIABLE.match(words[0]):
        words.pop(0)
    return words


def _variables(words: list[str]) -> Iterator[str]:
    """Give the names of the extra variables of a command."""
    for word, value in zip(words, words[1:], strict=False):
        if word in ("-e", "--extra-vars") and value.startswith("{"):
            yield from yaml.safe_load(value)
        elif word in ("-e", "--extra-vars") and not value.startswith("@"):
            yield from (part.partition("=")[0] for part in shlex.split(value) if "=" in part)


def _playbook(words: list[str], files: set[str]) -> list[str]:
    places = range(1, len(words))
    plain = [words[at] for at in places if not words[at].startswith("-") and words[at - 1] not in _TAKE_ONE]
    named = plain[0] if plain else ""
    if not named.startswith(NAME):
        # One without a folder is whatever the reader has; one at home was saved from a page.
        return [f"no page has {named} saved"] if named.startswith("~") and named not in files else []
    path = PLAYBOOKS / f"{named.removeprefix(NAME)}.yml"
    if not path.is_file():
        return [f"there is no playbook {named}"]
    text = path.read_text(encoding="utf-8")
    for other in re.findall(r"import_playbook: (\S+)", text):
        text += (PLAYBOOKS / other).read_text(encoding="utf-8")
    return [f"{named} knows no {name}" for name in _variables(words) if not re.search(rf"\b{name}\b", text)]


def _adhoc(words: list[str], docs: Docs) -> list[str]:
    options = argparse.ArgumentParser(exit_on_error=False)
    options.add_argument("-m")
    options.add_argument("-a", default="")
    given, _rest = options.parse_known_args(words[1:])
    arguments = {name: value for name, _sign, value in (part.partition("=") for part in shlex.split(given.a))}
    return module_docs.task_faults({"name": "ad hoc", given.m: arguments}, docs)


def _sandbox(words: list[str]) -> list[str]:
    try:
        build_parser().parse_args(words[2:])
    except SystemExit:
        return ["the sandbox knows no such command"]
    return []


def _make(words: list[str]) -> list[str]:
    text = (TOP / "Makefile").read_text(encoding="utf-8")
    targets = {*re.findall(r"(?m)^([a-z]+):", text), *text.partition("GATES := ")[2].split("\n")[0].split()}
    return [f"make has no {word}" for word in words[1:] if word not in targets]


def _command(command: str, docs: Docs, files: set[str]) -> list[str]:
    words = _words(command)
    first = words[0] if words else ""
    if first == "ansible-playbook":
        return _playbook(words, files)
    if first == "ansible":
        return _adhoc(words, docs)
    if words[:2] == ["python", "extensions/sandbox"]:
        return _sandbox(words)
    if first == "make":
        return _make(words)
    named = [word for word in words if word.startswith(("tools/", "tests/", "requirements", ".venv/bin/pytest"))]
    missing = [f"there is no {word}" for word in named if word[0] != "." and not (TOP / word).exists()]
    is_known = first in OTHERS or first.startswith((".venv/bin/", "tools/"))
    return missing if is_known else [f"nobody knows the command {first}"]


def shell_faults(block: Block, docs: Docs, files: set[str]) -> list[str]:
    """Say what is wrong with commands."""
    script = "\n".join(_CRON.sub("", command) for command in _commands(block))
    done = subprocess.run(["bash", "-n"], input=script, capture_output=True, text=True, check=False)
    if done.returncode:
        return [done.stderr.strip()]
    return [fault for command in _commands(block) for fault in _command(command, docs, files)]


def _mapping_faults(found: Mapping[str, Any], docs: Docs, inventory: Docs) -> list[str]:
    """Say what is wrong with a file that is no playbook: an inventory source, variables, a part of a play."""
    if "plugin" in found:
        known = {**inventory["akamai_cps"]["doc"]["options"], "plugin": {}}
        return [f"the inventory plugin has no {name}" for name in found if name not in known]
    defaults = found.get("module_defaults", {})
    everywhere = set.intersection(*(set(one["doc"]["options"]) for one in docs.values()))
    faults = []
    for group, given in defaults.items():
        taken = everywhere if group == f"group/{NAME}clm" else set(docs[group.removeprefix(NAME)]["doc"]["options"])
        faults += [f"{group} takes no {name}" for name in given if name not in taken]
    texts = "".join(path.read_text(encoding="utf-8") for path in PLAYBOOKS.glob("*.yml"))
    ours = [name for name in found if name.startswith("clm_")]
    return faults + [f"no playbook knows {name}" for name in ours if not re.search(rf"\b{name}\b", texts)]


def _roles(found: Any) -> Iterator[str]:
    """Give the names of roles that plays and tasks use."""
    for entry in found if isinstance(found, list) else ():
        for word in ("pre_tasks", "tasks", "post_tasks", "block", "rescue", "always"):
            yield from _roles(entry.get(word))
        for role in entry.get("roles", ()):
            yield role if isinstance(role, str) else role["role"]
        for word in ("include_role", "import_role"):
            if f"ansible.builtin.{word}" in entry:
                yield entry[f"ansible.builtin.{word}"]["name"]


def account_faults(task: Mapping[str, Any]) -> list[str]:
    """Say which options and secrets of a CA account its type does not have."""
    given = task.get(f"{NAME}ca_account") or {}
    if not isinstance(given.get("type"), str) or "{{" in given["type"]:
        return []
    known = connector_type(given["type"]).options()
    faults = []
    for word, is_secret in (("options", False), ("secrets", True)):
        names = {name for name, option in known.items() if bool(option.get("secret")) == is_secret}
        faults += [f"{given['type']} has none of {word} {name}" for name in given.get(word, ()) if name not in names]
    return faults


def yaml_faults(block: Block, docs: Docs, inventory: Docs) -> list[str]:
    """Say what is wrong with tasks, plays, and files beside them."""
    faults: list[str] = []
    for found in yaml.safe_load_all(block.text):
        if isinstance(found, list):
            # Rulebooks are ansible-rulebook's, which has a schema for them.
            if any("sources" in entry for entry in found):
                continue
            used = [name.removeprefix(NAME) for name in _roles(found) if name.startswith(NAME)]
            faults += [f"there is no role {name}" for name in used if not (TOP / "roles" / name).is_dir()]
            for task in module_docs.example_tasks(yaml.safe_dump(found)):
                faults += module_docs.task_faults(task, docs) + account_faults(task)
        else:
            faults += _mapping_faults(found, docs, inventory)
    return faults


def _python(block: Block) -> list[str]:
    compile(block.text, block.page, "exec")
    return []


def _ini(block: Block) -> list[str]:
    configparser.ConfigParser().read_string(block.text)
    return []


def _json(block: Block) -> list[str]:
    json.loads(block.text)
    return []


# What is held elsewhere: diagrams are made of the tables of states, SQL is run by the walk through PostgreSQL.
PLAIN: Mapping[str, Callable[[Block], list[str]]] = {
    "python": _python,
    "ini": _ini,
    "json": _json,
    "text": lambda _block: [],
    "sql": lambda _block: [],
}


def faults(block: Block, docs: Docs, inventory: Docs, files: set[str]) -> list[str]:
    """Say what is wrong with a block.

    :param docs: what ansible-doc says of the modules; ``inventory`` of the inventory plugin.
    :param files: names that pages have files saved under.
    """
    if block.language == "yaml":
        return yaml_faults(block, docs, inventory)
    if block.language in ("bash", "console", "sh", "shell"):
        return shell_faults(block, docs, files)
    if block.language in PLAIN:
        return PLAIN[block.language](block)
    return [f"nobody looks at a block of {block.language}"]
