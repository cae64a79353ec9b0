# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a role says of itself in three places is one and the same: its specification, its defaults, its page."""

from __future__ import annotations

import pathlib
import re
from typing import Any

import pytest
import yaml

ROLES = sorted((pathlib.Path(__file__).resolve().parents[2] / "roles").iterdir())


def _read(path: pathlib.Path) -> Any:
    return yaml.safe_load(path.read_text(encoding="utf-8"))


def _options(role: pathlib.Path) -> dict[str, Any]:
    found: dict[str, Any] = _read(role / "meta" / "argument_specs.yml")["argument_specs"]["main"]["options"]
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
