# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The clock that playbooks of tests share with a sandbox, and the tree in which modules find it."""

from __future__ import annotations

import pathlib
import subprocess
import time
from datetime import datetime, timedelta, timezone

from edgecert_sandbox.handle import SandboxOptions, start

from ansible_collections.edgecert.clm.tests.support.jumping_clock import SystemClock
from ansible_collections.edgecert.clm.tests.support.moved_clock import REPLACED, TOP, MovedClock, moved_tree


def test_whoever_sleeps_moves_all_clocks_and_waits_for_nothing(tmp_path: pathlib.Path) -> None:
    """The sandbox's as well; a wait for another process of the machine stays one."""
    with start(SandboxOptions(limits=False)) as sandbox:
        clock = MovedClock(tmp_path, sandbox)
        other = SystemClock(clock.environment["CLM_MOVED_CLOCK"])
        began, then = time.monotonic(), other.monotonic()
        clock.sleep(3600)
        other.sleep(1800)
        clock.sleep(0.02)
        clock.sleep(-5)
        assert time.monotonic() - began < 30
        assert other.monotonic() - then >= 5400
        soon = datetime.now(timezone.utc) + timedelta(seconds=5390)
        assert clock.now() >= soon and other.now() >= soon
        assert sandbox.state()["now"] >= soon.strftime("%Y-%m-%dT%H:%M:%SZ")
        said = subprocess.run(clock.command.split(), check=True, capture_output=True, text=True).stdout
        assert int(said) >= int(soon.timestamp())


def test_the_tree_is_the_collection_but_for_the_clock(tmp_path: pathlib.Path) -> None:
    """Every module is the one of the checkout."""
    tree = moved_tree(tmp_path) / "ansible_collections" / "edgecert" / "clm"
    ours = {path.relative_to(TOP): path.read_bytes() for path in (TOP / "plugins").rglob("*.py")}
    theirs = {path: (tree / path).read_bytes() for path in ours}
    assert [path for path, content in ours.items() if theirs[path] != content] == [pathlib.Path(REPLACED)]
    assert (tree / REPLACED).read_text(encoding="utf-8").endswith("\nfrom .jumping_clock import SystemClock\n")
    assert (tree / "playbooks" / "push.yml").is_file()
