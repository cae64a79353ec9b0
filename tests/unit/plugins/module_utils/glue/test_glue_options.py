# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The common options and who acts."""

from __future__ import annotations

import os
import pwd

import pytest
import yaml

from ansible_collections.edgecert.clm.plugins.doc_fragments._store import ModuleDocFragment
from ansible_collections.edgecert.clm.plugins.module_utils._glue import actor, options


def test_the_fragment_describes_the_table() -> None:
    documented = yaml.safe_load(ModuleDocFragment.DOCUMENTATION)["options"]
    assert {name: entry["type"] for name, entry in documented.items()} == {
        name: option.type for name, option in options.COMMON.items()
    }
    for name, option in options.COMMON.items():
        assert f"E({option.env})" in " ".join(documented[name]["description"])


def test_the_plugins_fragment_names_the_same_options_and_variables() -> None:
    documented = yaml.safe_load(ModuleDocFragment.PLUGIN)["options"]
    reading = {name: option for name, option in options.COMMON.items() if option.for_reading}
    assert {name: (entry["type"], entry["env"]) for name, entry in documented.items()} == {
        name: (option.type, [{"name": option.env}]) for name, option in reading.items()
    }
    assert options.reading_options(lambda name: name.upper()) == {name: name.upper() for name in reading}


def test_a_module_cannot_take_a_common_name_for_itself() -> None:
    with pytest.raises(ValueError, match="actor"):
        options.argument_spec({"actor": {"type": "str"}})


@pytest.mark.parametrize(
    ("option", "environment", "expected"),
    [
        ("ada", {"AWX_USER_NAME": "bob"}, "ada"),
        (" ada ", {}, "ada"),
        (None, {"AWX_USER_NAME": "bob", "TOWER_USER_NAME": "eve"}, "bob"),
        ("  ", {"TOWER_USER_NAME": "eve"}, "eve"),
        (None, {"USER": "somebody else"}, pwd.getpwuid(os.getuid()).pw_name),
    ],
)
def test_who_acts_is_the_option_then_the_job_user_then_the_login(
    option: str | None, environment: dict[str, str], expected: str
) -> None:
    assert actor.who_acts(option, environment) == expected


def test_a_process_without_a_name_acts_by_its_number(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "getuid", lambda: 987654)
    assert actor.who_acts(None, {}) == "uid 987654"
