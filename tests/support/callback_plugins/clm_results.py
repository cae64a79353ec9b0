# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A callback plugin for tests: writes results of tasks, and the counts at the end, as JSON lines to a file."""

from __future__ import annotations

DOCUMENTATION = r"""
name: clm_results
type: aggregate
short_description: Write results of tasks as JSON lines
description:
  - Used by the tests of this collection alone.
requirements:
  - The environment variable E(CLM_RESULTS_FILE) with the path of the file to append to.
"""

import json
import os
from typing import Any

from ansible import constants
from ansible.parsing.ajson import AnsibleJSONEncoder
from ansible.plugins.callback import CallbackBase


class CallbackModule(CallbackBase):
    """Append one line a result."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "aggregate"
    CALLBACK_NAME = "clm_results"
    CALLBACK_NEEDS_ENABLED = True

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # Where this run would keep the modules it bundles; it finds those of the runs before it there.
        bundles = os.environ["CLM_BUNDLES"]
        os.makedirs(bundles, exist_ok=True)
        os.symlink(bundles, os.path.join(constants.DEFAULT_LOCAL_TMP, "ansiballz_cache"))

    def _write(self, record: dict[str, Any]) -> None:
        with open(os.environ["CLM_RESULTS_FILE"], "a", encoding="utf-8") as output:
            output.write(json.dumps(record, cls=AnsibleJSONEncoder) + "\n")

    def _result(self, status: str, result: Any, ignored: bool = False) -> None:
        # Names without underscore came with ansible-core 2.19; 2.16 has the others alone.
        task = getattr(result, "task", None) or result._task
        host = getattr(result, "host", None) or result._host
        content = getattr(result, "result", None)
        self._write(
            {
                "host": host.get_name(),
                "task": task.get_name(),
                "action": task.action,
                "status": status,
                "ignored": ignored,
                "result": dict(result._result if content is None else content),
            }
        )

    def v2_runner_on_ok(self, result: Any) -> None:
        """Record a task that succeeded."""
        self._result("ok", result)

    def v2_runner_on_failed(self, result: Any, ignore_errors: bool = False) -> None:
        """Record a task that failed."""
        self._result("failed", result, ignore_errors)

    def v2_runner_on_skipped(self, result: Any) -> None:
        """Record a task that was passed over."""
        self._result("skipped", result)

    def v2_runner_on_unreachable(self, result: Any) -> None:
        """Record a host that did not answer."""
        self._result("unreachable", result)

    def v2_playbook_on_stats(self, stats: Any) -> None:
        """Record the counts of the run."""
        self._write({"stats": {host: stats.summarize(host) for host in sorted(stats.processed)}})
