# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Each code block of guides, README and CONTRIBUTING names what there is: options, choices, variables, commands."""

from __future__ import annotations

import pathlib
from typing import Any

import pytest

from ansible_collections.edgecert.clm.plugins.module_utils._ca.registry import type_names
from ansible_collections.edgecert.clm.tests.support import guide_checks, module_docs, walking

PAGES = walking.pages()
FILES = {block.file for page in PAGES for block in walking.blocks(page) if block.file}


@pytest.fixture(scope="module")
def docs() -> dict[str, Any]:
    return module_docs.documentation("module", module_docs.plugin_names("modules"))


@pytest.fixture(scope="module")
def inventory() -> dict[str, Any]:
    return module_docs.documentation("inventory", module_docs.plugin_names("inventory"))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.stem))
def test_every_block_of_a_page_can_be_used(page: pathlib.Path, docs: dict[str, Any], inventory: dict[str, Any]) -> None:
    """R."""
    found = {
        f"block {number}": faults
        for number, block in enumerate(walking.blocks(page), 1)
        if (faults := guide_checks.faults(block, docs, inventory, FILES))
    }
    assert found == {}


def test_each_kind_of_ca_has_an_account_as_an_example() -> None:
    """C: who comes with a CA finds how its account is written."""
    text = (walking.GUIDES / "guide_cas.rst").read_text(encoding="utf-8")
    assert [name for name in type_names() if f"        type: {name}\n" not in text] == []


def test_readme_and_contributing_name_what_there_is() -> None:
    """R: modules, playbooks, roles, plugins and packages; a new one has its line."""
    readme = (walking.TOP / "README.md").read_text(encoding="utf-8")
    plain = [*(walking.TOP / "plugins" / "modules").glob("[a-z]*.py"), *(walking.TOP / "playbooks").glob("*.yml")]
    plain += [path for path in (walking.TOP / "roles").iterdir() if path.is_dir()]
    plain += (walking.TOP / "plugins" / "inventory").glob("[a-z]*.py")
    assert [path.name for path in plain if f"`{path.stem}`" not in readme] == []
    house = (walking.TOP / "CONTRIBUTING.md").read_text(encoding="utf-8")
    packages = [path.name for path in (walking.TOP / "plugins" / "module_utils").glob("_*/")]
    assert [name for name in packages if name != "__pycache__" and f"| `{name}` |" not in house] == []
    assert [path.name for path in (walking.TOP / "tools").glob("*.py") if f"`{path.name}`" not in house] == []
    gates = (walking.TOP / "Makefile").read_text(encoding="utf-8").partition("GATES := ")[2].split("\n")[0].split()
    assert [name for name in gates if f"| `make {name}` |" not in house] == []


def test_no_block_is_passed_over() -> None:
    """What begins a block in a page is a block that is looked at."""
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        begun = text.count("```") // 2 if page.suffix == ".md" else text.count(".. code-block::")
        assert len(list(walking.blocks(page))) == begun, page.name


@pytest.mark.parametrize(
    ("language", "text", "fault"),
    [
        ("console", "$ ansible-playbook edgecert.clm.pusch", "there is no playbook edgecert.clm.pusch"),
        ("console", "$ ansible-playbook edgecert.clm.push -e clm_cert=x", "edgecert.clm.push knows no clm_cert"),
        ("console", "0 3 * * * ansible-playbook ~/clm/other.yml", "no page has ~/clm/other.yml saved"),
        ("console", "$ ansible localhost -m edgecert.clm.cert_info -a 'view=all'", "view cannot be 'all'"),
        ("console", "$ python extensions/sandbox move 3d", "the sandbox knows no such command"),
        ("console", "$ make tests", "make has no tests"),
        ("sh", "tools/chek unit", "there is no tools/chek"),
        ("sh", "frobnicate", "nobody knows the command frobnicate"),
        ("yaml", "- name: Push\n  edgecert.clm.cert_push: {cert: x}", "there is no option cert"),
        ("yaml", "plugin: edgecert.clm.akamai_cps\ndevice: x", "the inventory plugin has no device"),
        ("yaml", "clm_edgrc: x", "no playbook knows clm_edgrc"),
        ("yaml", "module_defaults:\n  group/edgecert.clm.clm: {key: x}", "group/edgecert.clm.clm takes no key"),
        ("yaml", "- hosts: all\n  roles: [edgecert.clm.enrol]\n  tasks: []", "there is no role enrol"),
        (
            "yaml",
            "- name: CA\n  edgecert.clm.ca_account: {name: x, type: own_ca, options: {url: x}}",
            "own_ca has none of options url",
        ),
        ("perl", "1", "nobody looks at a block of perl"),
    ],
)
def test_what_is_wrong_in_a_block_is_said(
    language: str, text: str, fault: str, docs: dict[str, Any], inventory: dict[str, Any]
) -> None:
    assert guide_checks.faults(walking.Block("page", language, f"{text}\n"), docs, inventory, FILES) == [fault]
