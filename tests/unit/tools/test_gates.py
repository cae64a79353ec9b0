# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The gates' own machinery: a file that breaks a rule is named, a failing gate is counted, packaging lists agree."""

from __future__ import annotations

import pathlib
import subprocess

import common
import gates
import pytest
import rules
import side_by_side
import yaml

TOP = pathlib.Path(__file__).resolve().parents[3]
HEAD = "\n".join(rules.HEADER) + '\n"""Text."""\n\nfrom __future__ import annotations\n'


def written(folder: pathlib.Path, name: str, text: str) -> pathlib.Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("name", "line", "what"),
    [
        ("x.py", "value = 1  # " + "noqa: E501", "a silenced check"),
        ("x.py", "value = 1  # type: " + "ignore[assignment]", "a silenced check"),
        ("x.yml", "- name: x  # skip_" + "ansible_lint", "a silenced check"),
        ("x.py", "# TO" + "DO: later", "unfinished work"),
        ("x.py", "    raise NotImplemented" + "Error", "unfinished work"),
        ("x.py", "@pytest.mark." + "skip(reason='no')", "a disabled test"),
        ("x.md", "see /wo" + "rk/main", "a path of one machine"),
        ("x.rst", "HOME is /ro" + "ot/", "a path of one machine"),
        ("x.txt", "--index-url https://py" + "pi.org/simple", "a package registry's host"),
    ],
)
def test_a_line_that_breaks_a_rule_is_named(tmp_path: pathlib.Path, name: str, line: str, what: str) -> None:
    text = (HEAD if name.endswith(".py") else "") + line + "\n"
    found = rules.breaches(written(tmp_path, name, text))
    assert found == [f"{text.count(chr(10))}: {what}: {line.strip()}"]


def test_a_python_file_without_licence_or_future_import_is_named(tmp_path: pathlib.Path) -> None:
    assert rules.breaches(written(tmp_path, "bare.py", "value = 1\n")) == [
        "1: the three licence lines do not stand at the head",
        "1: 'from __future__ import annotations' is missing",
    ]


def test_a_good_file_and_an_empty_one_are_not_named(tmp_path: pathlib.Path) -> None:
    assert rules.breaches(written(tmp_path, "good.py", HEAD)) == []
    assert rules.breaches(written(tmp_path, "module.py", "#!/usr/bin/python\n" + HEAD)) == []
    assert rules.breaches(written(tmp_path, "__init__.py", "")) == []
    assert rules.breaches(written(tmp_path, "words.md", "the homework/ folder, https://example.com/work/\n")) == []


def test_gates_are_counted_and_the_failed_ones_listed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def good() -> None:
        """Pass."""

    def bad() -> None:
        common.run("false")

    def away() -> None:
        raise gates.Skipped("not here")

    monkeypatch.setattr(gates, "GATES", {"good": good, "bad": bad, "away": away})
    assert gates.main([]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert lines[-2:] == ["Failed: bad. Run one alone with: make bad", "1 passed, 1 failed"]
    assert any(line.startswith("  away") and line.endswith("not here") for line in lines)
    assert gates.main(["good", "away"]) == 0
    assert capsys.readouterr().out.splitlines()[-1] == "1 passed, 0 failed"


GATE = """\
import os
import sys

name = sys.argv[2]
print(f"{name} says this")
if name == "killed":
    sys.stdout.flush()
    os.abort()
print('["failed", "it broke"]' if name == "bad" else '["passed", ""]')
"""


def test_gates_side_by_side_are_shown_whole_and_one_that_is_killed_has_failed(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(side_by_side, "GATES", written(tmp_path, "gate.py", GATE))
    rows = {name: (outcome, reason) for name, outcome, reason, _s in side_by_side.rows(["good", "bad", "killed"])}
    assert rows == {
        "good": ("passed", ""),
        "bad": ("failed", "it broke"),
        "killed": ("failed", "the gate ended with status -6"),
    }
    said = capsys.readouterr().out
    assert all(f"\n== {name}\n{name} says this\n" in said for name in rows)


def test_a_gate_alone_says_its_outcome_last(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def away() -> None:
        raise gates.Skipped("not here")

    monkeypatch.setattr(gates, "GATES", {"away": away})
    assert gates.main(["--alone", "away"]) == 0
    assert capsys.readouterr().out.splitlines()[-1] == '["skipped", "not here"]'


def test_an_unknown_gate_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        gates.main(["tests"])
    assert "no such gate: tests; there are rules, lint" in capsys.readouterr().err


def test_each_gate_has_a_target_in_the_makefile() -> None:
    assert set(gates.ONE_CORE) < set(gates.GATES)
    line = next(
        line for line in (TOP / "Makefile").read_text(encoding="utf-8").splitlines() if line.startswith("GATES :=")
    )
    assert line.split()[2:] == list(gates.GATES)


def test_the_execution_environment_gets_every_requirement() -> None:
    def packages(name: str) -> set[str]:
        lines = (TOP / name).read_text(encoding="utf-8").splitlines()
        return {line for line in lines if line and not line.startswith("#")}

    extras = {path.name for path in TOP.glob("requirements-*.txt")} - {"requirements-dev.txt"}
    wanted = packages("requirements.txt").union(*(packages(name) for name in extras))
    assert packages("meta/ee-requirements.txt") == wanted
    definition = yaml.safe_load((TOP / "meta" / "execution-environment.yml").read_text(encoding="utf-8"))
    assert all((TOP / name).is_file() for name in definition["dependencies"].values())


def test_a_python_that_is_not_there_is_said_so() -> None:
    found = subprocess.run([TOP / "tools" / "find-python", "3.99"], capture_output=True, text=True, check=False)
    assert (found.returncode, found.stdout, found.stderr) == (1, "", "no Python 3.99 with venv was found\n")
