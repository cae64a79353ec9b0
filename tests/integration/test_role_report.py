# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The role that writes reports: every format it offers is the module's, and is written; wrong variables are refused."""

from __future__ import annotations

import pathlib
from typing import Any

import pytest
import yaml

from ansible_collections.edgecert.clm.tests.support import module_docs
from ansible_collections.edgecert.clm.tests.support.playbooks import Result, run_playbook

TOP = pathlib.Path(__file__).resolve().parents[2]


def report(folder: pathlib.Path, variables: dict[str, Any], *arguments: str) -> Result:
    """Run the role on a store that has been made."""
    tasks = [
        {"name": "Make the store", "edgecert.clm.clm_store": {"action": "init"}},
        {"name": "Role", "ansible.builtin.include_role": {"name": "edgecert.clm.report"}, "vars": variables},
    ]
    path = folder / "play.yml"
    path.write_text(yaml.safe_dump([{"hosts": "localhost", "gather_facts": False, "tasks": tasks}]))
    return run_playbook(path, {}, {"EDGECERT_STORE": f"sqlite:///{folder}/clm.db"}, arguments=arguments)


def test_formats_and_filters_are_those_of_the_module() -> None:
    """V1, V2: an option that the role did not know would be dropped without a word."""
    spec = module_docs.argument_spec("cert_report")
    role = yaml.safe_load((TOP / "roles/report/meta/argument_specs.yml").read_text(encoding="utf-8"))
    options = role["argument_specs"]["main"]["options"]
    assert sorted(options["report_format"]["choices"]) == sorted(spec["format"]["choices"])
    assert sorted(set(options["report_filter"]["options"]) - set(spec)) == []


@pytest.mark.parametrize("form", ["html", "json", "csv", "mermaid", "prometheus"])
def test_a_report_is_written_and_not_in_check_mode(tmp_path: pathlib.Path, form: str) -> None:
    """V1."""
    dest = tmp_path / "report"
    variables = {"report_dest": str(dest), "report_format": form}
    if form == "html":
        report(tmp_path, variables, "--check")
        assert not dest.exists()
    report(tmp_path, variables).ok()
    assert dest.is_file()


@pytest.mark.parametrize(
    ("variables", "words"),
    [
        ({}, "missing required arguments: report_dest"),
        ({"report_dest": "x", "report_format": "pdf"}, "value of report_format must be one of"),
        ({"report_dest": "x", "report_filter": {"colour": "red"}}, "colour"),
    ],
)
def test_a_report_that_cannot_be_written_is_refused(
    tmp_path: pathlib.Path, variables: dict[str, Any], words: str
) -> None:
    done = report(tmp_path, variables)
    assert done.rc and words in done.stdout
