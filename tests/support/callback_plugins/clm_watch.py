# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A callback plugin for tests: after each task, what stands in the stores and the sandboxes, and the calls it made."""

from __future__ import annotations

DOCUMENTATION = r"""
name: clm_watch
type: aggregate
short_description: Write what each task left behind as JSON lines
description:
  - Used by the tests of this collection alone. It reads under the modules, the tables themselves.
requirements:
  - The environment variables E(CLM_WATCH), a file that names the SQLite files and sandboxes to look at, and
    E(CLM_WATCH_FILE), the file to append to.
"""

import contextlib
import hashlib
import json
import os
import pathlib
import sqlite3
import urllib.request
from typing import Any

from ansible.plugins.callback import CallbackBase

# What a call may leave behind: that it was made counts against the budget of calls, and leases come and go.
NOT_LOOKED_AT = ("ledger", "leases")


def rows_of(path: str) -> dict[str, list[str]]:
    """Give a digest of every row, by table; nothing when there is no such file."""
    if not pathlib.Path(path).exists():
        return {}
    with contextlib.closing(sqlite3.connect(path)) as database:
        names = [
            row[0] for row in database.execute("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name")
        ]
        return {
            name: sorted(
                hashlib.sha256(repr(row).encode()).hexdigest() for row in database.execute(f'SELECT * FROM "{name}"')
            )
            for name in names
            if name not in NOT_LOOKED_AT
        }


def asked(url: str, token: str) -> Any:
    """Give the answer of a sandbox's admin interface, which is on loopback: no proxy stands between."""
    request = urllib.request.Request(url, headers={"Authorization": f"Bearer {token}"})
    with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=60) as answer:
        return json.load(answer)


class CallbackModule(CallbackBase):
    """Append one line a task."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "aggregate"
    CALLBACK_NAME = "clm_watch"
    CALLBACK_NEEDS_ENABLED = True

    def __init__(self) -> None:
        super().__init__()
        self._watch = json.loads(pathlib.Path(os.environ["CLM_WATCH"]).read_text(encoding="utf-8"))
        self._look("")

    def _look(self, task: str) -> None:
        calls, accounts = [], []
        for url, token in self._watch["sandboxes"]:
            calls += asked(f"{url}/calls?reset=true", token)["calls"]
            world = asked(f"{url}/state", token)["world"]
            accounts.append({name: value for name, value in world.items() if name != "now"})
        stores = [rows_of(path) for path in self._watch["stores"]]
        with open(os.environ["CLM_WATCH_FILE"], "a", encoding="utf-8") as output:
            output.write(json.dumps({"task": task, "calls": calls, "stores": stores, "accounts": accounts}) + "\n")

    def v2_runner_on_ok(self, result: Any) -> None:
        """Look after a task that succeeded."""
        self._look((getattr(result, "task", None) or result._task).get_name())

    def v2_runner_on_failed(self, result: Any, ignore_errors: bool = False) -> None:
        """Look after a task that failed."""
        self._look((getattr(result, "task", None) or result._task).get_name())
