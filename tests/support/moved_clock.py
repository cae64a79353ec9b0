# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Playbooks that do not wait: a clock that jumps where it should sleep, and takes the sandbox's clock with it.

The collection itself knows nothing of it. :func:`moved_tree` is the collection as it is in the checkout, but for one
name: ``SystemClock`` of ``_core/clock.py`` is that of ``jumping_clock.py`` there. Every process of a run reads the same
file, which says how far the clock is ahead of the machine's.
"""

from __future__ import annotations

import json
import pathlib
import sys
from datetime import timedelta

from edgecert_sandbox.control import read_state
from edgecert_sandbox.handle import Handle

from ansible_collections.edgecert.clm.plugins.module_utils._core.clock import to_text
from ansible_collections.edgecert.clm.tests.support.jumping_clock import SystemClock

HERE = pathlib.Path(__file__).resolve().parent
TOP = HERE.parents[1]
REPLACED = pathlib.PurePosixPath("plugins/module_utils/_core/clock.py")


def moved_tree(folder: pathlib.Path) -> pathlib.Path:
    """Make the tree in a folder, of links; gives what ``ANSIBLE_COLLECTIONS_PATH`` has to be."""
    here, target = TOP, folder / "ansible_collections" / "edgecert" / "clm"
    for part in REPLACED.parts:
        target.mkdir(parents=True)
        for path in here.iterdir():
            if path.name != part and path.name not in (".git", "__pycache__"):
                (target / path.name).symlink_to(path)
        here, target = here / part, target / part
    (target.parent / "jumping_clock.py").symlink_to(HERE / "jumping_clock.py")
    target.write_text(
        f"{here.read_text(encoding='utf-8')}\n\nfrom .jumping_clock import SystemClock\n", encoding="utf-8"
    )
    return folder


class MovedClock(SystemClock):
    """The clock that playbooks and a sandbox share, for the test to read and to move.

    :param folder: an empty one, for the tree and for how far the clock was moved.
    :param sandbox: has its clock moved by whoever moves this one; or the state folder of one that others started.
    """

    def __init__(self, folder: pathlib.Path, sandbox: Handle | pathlib.Path) -> None:
        state_dir = sandbox if isinstance(sandbox, pathlib.Path) else sandbox.state_dir
        path, running = folder / "clock.json", read_state(state_dir)
        path.touch(mode=0o600)
        state = {"ahead_s": 0.0, "admin_url": running.admin_url, "admin_token": running.admin_token}
        path.write_text(json.dumps(state), encoding="utf-8")
        super().__init__(str(path))
        self.environment = {"ANSIBLE_COLLECTIONS_PATH": str(moved_tree(folder / "tree")), "CLM_MOVED_CLOCK": str(path)}
        """What a run of a playbook has to have in its environment."""
        self.command = f"{sys.executable} {HERE / 'jumping_clock.py'} {path}"
        """Prints the seconds since the epoch, as ``date +%s`` does of the machine's clock."""

    def soon(self, **delta: float) -> str:
        """Give a time to come, ISO 8601."""
        return to_text(self.now() + timedelta(**delta))
