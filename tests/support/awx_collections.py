# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The collection awx.awx for tests: fetched once, its modules run inside Ansible's own worker where many of them run.

A module in a process of its own costs a third of a second and more, and the pack is some hundred of them, twice. The
code of the modules is theirs, unchanged, with its own check of arguments, and speaks HTTP as ever.
"""

from __future__ import annotations

import os
import pathlib
import shutil
import sys

import awx_collection
import pytest

ACTION = """\
from __future__ import annotations

import contextlib
import importlib
import io
import json

from ansible.module_utils import basic
from ansible.plugins.action import ActionBase


class ActionModule(ActionBase):
    def run(self, tmp=None, task_vars=None):
        result = super().run(tmp, task_vars)
        name = self._task.resolved_action or self._task.action
        internal = {"_ansible_check_mode": self._task.check_mode, "_ansible_no_log": self._task.no_log}
        given = {"ANSIBLE_MODULE_ARGS": {**self._task.args, **internal}}
        basic._ANSIBLE_ARGS = json.dumps(given).encode()
        basic._ANSIBLE_PROFILE = "legacy"
        module = importlib.import_module("ansible_collections.awx.awx.plugins.modules." + name.rpartition(".")[2])
        said = io.StringIO()
        with contextlib.redirect_stdout(said), contextlib.suppress(SystemExit):
            module.main()
        return {**result, **json.loads(said.getvalue())}
"""


def collection_path() -> pathlib.Path:
    """Give the folder that has awx.awx in it, or skip the test with the reason why there is none."""
    try:
        return awx_collection.path()
    except awx_collection.Unavailable as reason:
        pytest.skip(str(reason))


def tree(folder: pathlib.Path) -> str:
    """Make a copy whose modules run inside Ansible's worker; gives what ANSIBLE_COLLECTIONS_PATH has to be."""
    copy = folder / "ansible_collections" / "awx" / "awx"
    if not copy.exists():
        shutil.copytree(collection_path() / "ansible_collections" / "awx" / "awx", copy)
        (copy / "plugins" / "action").mkdir()
        for path in (copy / "plugins" / "modules").glob("*.py"):
            if path.stem != "__init__":
                (copy / "plugins" / "action" / path.name).write_text(ACTION, encoding="utf-8")
    own = next(path for path in map(pathlib.Path, sys.path) if (path / "ansible_collections" / "edgecert").exists())
    return os.pathsep.join((str(folder), str(own)))
