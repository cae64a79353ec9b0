# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs a playbook and tells, for each task, the API calls it made and whether store and account are as they were."""

from __future__ import annotations

import json
import pathlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from edgecert_sandbox.control import read_state
from edgecert_sandbox.handle import Handle

from ansible_collections.edgecert.clm.tests.support.playbooks import Result, TaskResult, run_playbook


@dataclass(frozen=True)
class Seen:
    """What stood there after a task; ``calls`` are those the task made."""

    calls: list[dict[str, Any]]
    stores: list[dict[str, list[str]]]
    accounts: list[dict[str, Any]]


@dataclass(frozen=True)
class Watched:
    """A run, and what was seen before it and after each of its tasks."""

    run: Result
    seen: list[tuple[str, Seen]]

    def task(self, name: str) -> TaskResult:
        """Give the last result of a task."""
        return self.run.task(name)

    def after(self, name: str) -> tuple[Seen, Seen]:
        """Give what stood there before and after the one task of this name."""
        at = [number for number, (task, _seen) in enumerate(self.seen) if task == name]
        assert len(at) == 1, f"task {name!r} ran {len(at)} times:\n{self.run.stdout}\n{self.run.stderr}"
        return self.seen[at[0] - 1][1], self.seen[at[0]][1]


def run_watched(
    playbook: pathlib.Path,
    variables: Mapping[str, Any],
    work: pathlib.Path,
    sandboxes: Sequence[Handle],
    stores: Sequence[pathlib.Path],
    env: Mapping[str, str] | None = None,
) -> Watched:
    """Run a playbook; the calls the sandboxes have counted so far are forgotten.

    :param work: an empty folder for what the watch needs.
    :param stores: SQLite files; they need not be there yet.
    """
    running = [read_state(sandbox.state_dir) for sandbox in sandboxes]
    order = {"sandboxes": [[one.admin_url, one.admin_token] for one in running], "stores": [str(one) for one in stores]}
    work.mkdir(parents=True, exist_ok=True)
    (work / "watch.json").write_text(json.dumps(order), encoding="utf-8")
    output = work / "watched.jsonl"
    watch = {
        "ANSIBLE_CALLBACKS_ENABLED": "clm_results,clm_watch",
        "CLM_WATCH": str(work / "watch.json"),
        "CLM_WATCH_FILE": str(output),
    }
    run = run_playbook(playbook, variables, {**(env or {}), **watch})
    lines = output.read_text(encoding="utf-8").splitlines() if output.exists() else []
    seen = []
    for line in lines:
        record = json.loads(line)
        seen.append((record.pop("task"), Seen(**record)))
    return Watched(run, seen)
