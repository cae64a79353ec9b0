# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs a playbook as a user would and hands back what every task returned; knows no module of ours."""

from __future__ import annotations

import hashlib
import json
import os
import pathlib
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ansible_collections.edgecert.clm.tests.support.marked import marked

TOP = pathlib.Path(__file__).resolve().parents[2]
CALLBACKS = pathlib.Path(__file__).resolve().parent / "callback_plugins"
# What a developer's shell may hold must not reach a test: credentials, stores, another configuration.
NOT_HANDED_ON = ("AKAMAI_", "ANSIBLE_", "EDGECERT_", "AWX_", "TOWER_")
# ansible-core bundles a module with what it imports once a run, which takes longer than the module does. The runs of
# one process of tests, whose sources stay as they are, bundle it once together; see the callback.
_BUNDLES = tempfile.TemporaryDirectory(prefix="clm-bundles-")


@dataclass(frozen=True)
class TaskResult:
    """The outcome of one task on one host.

    ``status`` is ``ok``, ``failed``, ``skipped`` or ``unreachable``; ``result`` is what the module returned.
    """

    host: str
    task: str
    action: str
    status: str
    ignored: bool
    result: dict[str, Any]

    @property
    def changed(self) -> bool:
        """Tell whether the task says that it changed something."""
        return bool(self.result.get("changed", False))


@dataclass(frozen=True)
class Result:
    """The outcome of one run: status, output, counts for each host, every task in order."""

    rc: int
    stdout: str
    stderr: str
    stats: dict[str, dict[str, int]]
    results: list[TaskResult]

    def task(self, name: str) -> TaskResult:
        """Give the last result of the task with this name, of the play or of a role.

        :raises AssertionError: no such task ran; lists those that did.
        """
        for found in reversed(self.results):
            if found.task == name or found.task.endswith(f" : {name}"):
                return found
        raise AssertionError(
            f"no task {name!r} ran, but {[found.task for found in self.results]}\n{self.stdout}{self.stderr}"
        )

    def ok(self) -> Result:
        """Give this run, or fail the test with its whole output when the run failed."""
        assert self.rc == 0, f"the playbook ended with status {self.rc}:\n{self.stdout}\n{self.stderr}"
        return self


def environment(work: pathlib.Path, env: Mapping[str, str] | None = None) -> dict[str, str]:
    """Give the environment of a run: the configuration of the tests, a home of its own under ``work``, ``env`` last."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(NOT_HANDED_ON)}
    tree = (env or {}).get("ANSIBLE_COLLECTIONS_PATH", "")
    return {
        **kept,
        "ANSIBLE_CONFIG": str(TOP / "tests" / "integration" / "ansible.cfg"),
        "ANSIBLE_CALLBACK_PLUGINS": str(CALLBACKS),
        "ANSIBLE_CALLBACKS_ENABLED": "clm_results",
        "ANSIBLE_HOME": str(work / "ansible-home"),
        "ANSIBLE_LOCAL_TEMP": str(work / "ansible-local"),
        "ANSIBLE_REMOTE_TEMP": str(work / "ansible-remote"),
        "ANSIBLE_NOCOLOR": "1",
        "ANSIBLE_NOCOWS": "1",
        "CLM_BUNDLES": str(pathlib.Path(_BUNDLES.name, hashlib.sha256(tree.encode()).hexdigest()[:12])),
        "CLM_RESULTS_FILE": str(work / "results.jsonl"),
        "LC_ALL": "C.UTF-8",
        "PATH": f"{pathlib.Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', os.defpath)}",
        **(env or {}),
    }


def read_results(path: pathlib.Path) -> tuple[list[TaskResult], dict[str, dict[str, int]]]:
    """Read what the callback wrote: results in order, and the counts for each host (empty when the run broke off)."""
    results: list[TaskResult] = []
    stats: dict[str, dict[str, int]] = {}
    for line in path.read_text(encoding="utf-8").splitlines() if path.exists() else ():
        record = json.loads(line)
        if "stats" in record:
            stats = record["stats"]
        else:
            results.append(TaskResult(**record))
    return results, stats


def run_playbook(
    path: str | pathlib.Path,
    extra_vars: Mapping[str, Any] | None = None,
    env: Mapping[str, str] | None = None,
    *,
    arguments: tuple[str, ...] = (),
    timeout_s: float = 900,
    as_awx: bool = False,
) -> Result:
    """Run one playbook on localhost with the Python and ansible-core that run the tests.

    :param path: a file, or the full name of a playbook of the collection.
    :param extra_vars: handed over in a file, so that no value shows in the process list.
    :param env: added to the environment; ``None`` adds nothing.
    :param arguments: more words for ansible-playbook: ``("--check", "--diff")``.
    :param timeout_s: seconds after which the run is ended and the test fails.
    :param as_awx: write ``extra_vars`` as AWX does, each text marked unsafe.
    """
    with tempfile.TemporaryDirectory(prefix="clm-play-") as name:
        work = pathlib.Path(name)
        given = dict(extra_vars or {})
        variables = {"ansible_connection": "local", "ansible_python_interpreter": sys.executable}
        (work / "vars.json").write_text(json.dumps({**variables, **({} if as_awx else given)}), encoding="utf-8")
        (work / "marked.yml").write_text(marked(given) if as_awx and given else "{}", encoding="utf-8")
        command = [sys.executable, "-m", "ansible", "playbook", "-i", "localhost,"]
        command += [word for name in ("vars.json", "marked.yml") for word in ("-e", f"@{work / name}")]
        done = subprocess.run(
            [*command, *arguments, str(path)],
            cwd=work,
            env=environment(work, env),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=timeout_s,
            check=False,
        )
        results, stats = read_results(work / "results.jsonl")
    return Result(done.returncode, done.stdout, done.stderr, stats, results)
