# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The gates of this project: one function each, fastest first, and the runner behind `tools/check`.

Runs in .venv with the standard library alone; what a gate needs beside it is made under .cache and kept.
"""

from __future__ import annotations

import argparse
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence

import docsite
import matrix
import release
import side_by_side
from common import BIN, CACHE, TOP, link_collection, parallel, path_with, run, tests_in


class Skipped(Exception):
    """A gate could not run here; the text says why."""


def pytest(folder: str, *words: str) -> None:
    """Run the tests of one folder, in a process for each core.

    :param words: more for pytest, put after what is said here.
    :raises Skipped: there is none yet.
    """
    if not tests_in(folder):
        raise Skipped(f"{folder} holds no test")
    run(BIN / "python", "-m", "pytest", "-q", *parallel(), *words, folder)


def one_more() -> str:
    """Give the number of processes for tests that often wait for a server: one more than there are cores."""
    return str((os.cpu_count() or 1) + 1)


def shell_scripts() -> list[str]:
    """Give the tracked shell scripts, by their first line."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "tools", ".ci"],
        cwd=TOP,
        check=True,
        capture_output=True,
        text=True,
    ).stdout.split()
    marks = ("#!/bin/sh", "#!/usr/bin/env bash", "# shellcheck shell=")
    texts = {name: (TOP / name).read_text(encoding="utf-8") for name in listed if (TOP / name).is_file()}
    return sorted(name for name, text in texts.items() if text.startswith(marks))


def rules() -> None:
    """Hold every file against the project's own rules."""
    run(BIN / "python", "tools/rules.py")


def lint() -> None:
    """Read the sources with the linters: all of them, so that one look shows everything.

    :raises RuntimeError: one or more complain.
    """
    commands: list[tuple[str | pathlib.Path, ...]] = [
        (BIN / "ruff", "check", "."),
        (BIN / "ruff", "format", "--check", "."),
        (BIN / "yamllint", "--strict", "."),
        (BIN / "antsibull-changelog", "lint"),
        ("shellcheck", "-x", "-P", "SCRIPTDIR", *shell_scripts()),
        (BIN / "ansible-lint", "--offline", "--strict"),
    ]
    complaining = []
    for command in commands:
        name = pathlib.Path(command[0]).name
        if not shutil.which(str(command[0])):
            print(f"{name} is not on this machine: what it checks was not checked")
            continue
        try:
            run(*command, env={"PATH": path_with(BIN)})
        except subprocess.CalledProcessError:
            complaining.append(name)
    if complaining:
        raise RuntimeError(f"{', '.join(complaining)} complain")


def types() -> None:
    """Check types over everything that is Python, from a tree that names the collection."""
    link_collection(CACHE / "tree")
    parts = [part for part in ("plugins", "tests") if any((TOP / part).rglob("*.py"))]
    packages = [f"ansible_collections.edgecert.clm.{part}" for part in parts]
    sandbox = [path.name for path in (TOP / "extensions" / "sandbox").glob("*") if any(path.glob("*.py"))]
    tools = [path.stem for path in (TOP / "tools").glob("*.py")]
    path = os.pathsep.join(str(part) for part in (CACHE / "tree", TOP / "extensions" / "sandbox", TOP / "tools"))
    arguments = [part for name in (*packages, *sandbox) for part in ("-p", name)]
    arguments += [part for name in tools for part in ("-m", name)]
    run(BIN / "mypy", *arguments, env={"MYPYPATH": path})


def unit() -> None:
    """Run the unit tests."""
    pytest("tests/unit")


def contract() -> None:
    """Run each contract's tests over every implementation."""
    pytest("tests/contract", "-n", one_more())


# antsibull-docs reads the collection in a folder of a random name, and takes a name with "_" in it for a reference.
OWN_FOLDER = re.compile(r'Unknown target name: "antsibull-docs-\w+"')


def docs() -> None:
    """Read plugin documentation and guides, and build the documentation site of them without a warning.

    :raises RuntimeError: one of them complains.
    """
    command = [
        str(BIN / "antsibull-docs"),
        "lint-collection-docs",
        "--plugin-docs",
        "--validate-collection-refs=all",
        ".",
    ]
    for _attempt in range(8):
        done = subprocess.run(
            command,
            cwd=TOP,
            env={**os.environ, "PATH": path_with(BIN)},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        said = (done.stdout + done.stderr).splitlines()
        if not done.returncode:
            print(f"the site is in {docsite.build().relative_to(TOP)}")
            return
        if [line for line in said if line.strip() and not OWN_FOLDER.search(line)]:
            break
    raise RuntimeError("antsibull-docs complains:\n" + "\n".join(said))


def build() -> None:
    """Build the artifact and see it accepted."""
    release.check()


def integration() -> None:
    """Run playbooks against the sandbox."""
    pytest("tests/integration", "-n", one_more(), "--dist", "loadscope")


def molecule() -> None:
    """Run the roles' scenarios on one sandbox, each twice, of which the second changes nothing.

    :raises RuntimeError: the sandbox was left running.
    """
    folders = (TOP / "extensions" / "molecule").glob("*/molecule.yml")
    # What the others share comes first.
    names = sorted((path.parent.name for path in folders), key=lambda name: (name != "default", name))
    words = [word for name in names for word in ("-s", name)]
    # Colours and frames are for terminals; the collection is the one that setup linked.
    home = str(CACHE / "molecule" / "ansible")
    env = {"PATH": path_with(BIN), "NO_COLOR": "1", "PY_COLORS": "0", "ANSIBLE_HOME": home}
    try:
        run(BIN / "molecule", "test", *words, env=env)
    except subprocess.CalledProcessError:
        run(BIN / "molecule", "destroy", "-s", "default", env=env)
        raise
    left = sandboxes_running(CACHE / "molecule")
    if left:
        raise RuntimeError(f"it left a sandbox running: {', '.join(left)}")


def demonstration() -> None:
    """Run the demonstration as a new user would, twice: the second run finds what the first one left.

    :raises RuntimeError: it says something else than it should, or leaves a sandbox running.
    """
    with tempfile.TemporaryDirectory(prefix="clm-demo-tmp-") as folder:
        for turn in ("first", "second"):
            done = subprocess.run(
                [TOP / "tools" / "demo"],
                cwd=TOP,
                check=False,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                text=True,
                env={**os.environ, "TMPDIR": folder},
            )
            said = done.stdout
            print(said, flush=True)
            done.check_returncode()
            missing = [words for words in DEMO_SAYS if not re.search(words, said)]
            if missing:
                raise RuntimeError(f"the {turn} run does not say {missing[0]!r}")
            left = sandboxes_running(CACHE / "demo")
            if left:
                raise RuntimeError(f"the {turn} run left a sandbox running: {', '.join(left)}")


def sandboxes_running(folder: pathlib.Path) -> list[str]:
    """Give the processes whose command line names a folder; none where the system has no /proc."""
    found = []
    for path in pathlib.Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = path.read_bytes().split(b"\0")
        except OSError:
            continue
        if any(word.startswith(os.fsencode(f"{folder}{os.sep}")) for word in words):
            found.append(path.parent.name)
    return found


def sanity() -> None:
    """Run ansible-test's sanity tests on every Python found.

    :raises RuntimeError: it found nothing to test, which it takes for a success.
    """
    command = ["tools/ansible-test", "sanity", "--color", "no"]
    with subprocess.Popen(
        command, cwd=TOP, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as process:
        said = []
        for line in process.stdout or ():
            print(line, end="", flush=True)
            said.append(line)
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, command)
    if any("All targets skipped" in line for line in said):
        raise RuntimeError("ansible-test found nothing to test")


def matrix_() -> None:
    """Run what the oldest, a middle and the newest ansible-core may change, and every module from a playbook."""
    if not matrix.run_all():
        raise Skipped("none of its Pythons is on this machine")


def bench() -> None:
    """Measure: run every script of tests/benchmarks, which print their figures.

    :raises Skipped: there is none yet.
    """
    scripts = sorted((TOP / "tests" / "benchmarks").glob("bench_*.py"))
    if not scripts:
        raise Skipped("tests/benchmarks holds no script")
    for script in scripts:
        print(f"\n-- {script.name}")
        run(BIN / "python", script, env={"PATH": path_with(BIN)})


DEMO_SAYS = (
    r"(?m)^subject: +CN=www\.example\.com",
    r"work order wo-[0-9a-f]+ is submitted",
    r"0 of 2 approvals are given",
    r"approval 1 of 2 by bob at 20\d\d-",
    r"approval 2 of 2 by carol at 20\d\d-",
    r"(?m)^20\S+Z  approval_1 +bob  names and chain are as ordered$",
    r"(?m)^20\S+Z  approval_2 +carol$",
    r"(?m)^work order wo-[0-9a-f]+ is completed$",
    r"request req-[0-9a-f]+ is issued",
    r"certificates in the inventory: www\.example\.com",
    r"(?m)failed=0 ",
    r"(?m)^  \|--@managed:\n  \|  \|--www\.example\.com",
    r"The sandbox has stopped",
)


GATES: dict[str, Callable[[], None]] = {
    "rules": rules,
    "lint": lint,
    "types": types,
    "unit": unit,
    "contract": contract,
    "docs": docs,
    "build": build,
    "integration": integration,
    "molecule": molecule,
    "demonstration": demonstration,
    "sanity": sanity,
    "matrix": matrix_,
    "bench": bench,
}
ASKED_FOR_ONLY = {"bench"}
# What keeps one core busy: these are run side by side, before the ones that use every core.
ONE_CORE = ("rules", "types", "docs", "lint", "sanity", "build", "molecule", "demonstration")


def attempt(name: str) -> tuple[str, str]:
    """Run one gate.

    :returns: ``passed``, ``failed`` or ``skipped``, and why it was not passed.
    """
    try:
        GATES[name]()
    except Skipped as reason:
        return "skipped", str(reason)
    except subprocess.CalledProcessError as error:
        return "failed", f"{pathlib.Path(str(error.cmd[0])).name} ended with status {error.returncode}"
    except (OSError, RuntimeError) as error:
        return "failed", str(error)
    return "passed", ""


def outcomes(names: Sequence[str]) -> Iterator[tuple[str, str, str, float]]:
    """Run gates and give of each, as it ends: name, outcome, reason, seconds."""
    narrow = [name for name in ONE_CORE if name in names]
    narrow = narrow if len(narrow) > 1 else []
    yield from side_by_side.rows(narrow)
    for name in names:
        if name in narrow:
            continue
        print(f"\n== {name}", flush=True)
        started = time.monotonic()
        outcome, reason = attempt(name)
        yield name, outcome, reason, time.monotonic() - started


def main(arguments: Sequence[str]) -> int:
    """Run the gates named and sum up; the last line counts them."""
    parser = argparse.ArgumentParser(prog="tools/check", description="Run the gates named, or every one but bench.")
    parser.add_argument("gates", nargs="*", metavar="GATE", help=", ".join(GATES))
    parser.add_argument("--list", action="store_true", help="say what each gate does")
    parser.add_argument("--alone", metavar="GATE", help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if options.alone:
        return side_by_side.alone(options.alone, attempt)
    if options.list:
        print("\n".join(f"{name:12} {str(gate.__doc__).splitlines()[0]}" for name, gate in GATES.items()))
        return 0
    unknown = sorted(set(options.gates) - set(GATES))
    if unknown:
        parser.error(f"no such gate: {', '.join(unknown)}; there are {', '.join(GATES)}")
    rows = []
    wanted = options.gates or [name for name in GATES if name not in ASKED_FOR_ONLY]
    for name, outcome, reason, seconds in outcomes(wanted):
        rows.append((name, outcome, reason, seconds))
        print(f"== {name} {outcome} after {seconds:.1f} s{': ' if reason else ''}{reason}", flush=True)
    print("\nGates:")
    for name, outcome, reason, seconds in rows:
        print(f"  {name:12} {outcome:8} {seconds:7.1f} s  {reason}".rstrip())
    failed = [name for name, outcome, _reason, _seconds in rows if outcome == "failed"]
    if failed:
        print(f"Failed: {', '.join(failed)}. Run one alone with: make {failed[0]}")
    passed = sum(outcome == "passed" for _name, outcome, _reason, _seconds in rows)
    print(f"{passed} passed, {len(failed)} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
