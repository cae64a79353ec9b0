# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the scripts of this folder share: where things are, how a command is run, the link to the collection."""

from __future__ import annotations

import os
import pathlib
import subprocess
from collections.abc import Mapping

TOP = pathlib.Path(__file__).resolve().parent.parent
BIN = TOP / ".venv" / "bin"
CACHE = TOP / ".cache"


def run(*command: str | pathlib.Path, cwd: pathlib.Path = TOP, env: Mapping[str, str] | None = None) -> None:
    """Run a command with its output shown and ``env`` added to the environment.

    :raises subprocess.CalledProcessError: it ended with another status than 0.
    """
    arguments = [str(part) for part in command]
    subprocess.run(arguments, cwd=cwd, check=True, stdin=subprocess.DEVNULL, env={**os.environ, **(env or {})})


def path_with(folder: pathlib.Path) -> str:
    """Give PATH with a folder before all others."""
    return f"{folder}{os.pathsep}{os.environ['PATH']}"


def tests_in(folder: str) -> bool:
    """Tell whether a folder holds a test file that pytest would collect."""
    return any((TOP / folder).rglob("test_*.py"))


def parallel() -> tuple[str, ...]:
    """Give the words for pytest that spread tests over a process for each core."""
    return ("-n", str(os.cpu_count() or 1), "--dist", "worksteal")


def link_collection(parent: pathlib.Path) -> None:
    """Make the checkout known as edgecert.clm under ``parent``/ansible_collections."""
    link = parent / "ansible_collections" / "edgecert" / "clm"
    link.parent.mkdir(parents=True, exist_ok=True)
    if not link.is_symlink() or link.resolve() != TOP:
        link.unlink(missing_ok=True)
        link.symlink_to(TOP)
