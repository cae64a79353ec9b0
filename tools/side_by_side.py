# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Gates that keep one core busy: as many at a time as there are cores, what each printed shown whole at its end."""

from __future__ import annotations

import concurrent.futures
import json
import os
import pathlib
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence

GATES = pathlib.Path(__file__).with_name("gates.py")


def rows(names: Sequence[str]) -> Iterator[tuple[str, str, str, float]]:
    """Run gates, each in a process of its own.

    :returns: of each, as it ends: name, outcome, reason, seconds; its output has been printed then.
    """
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        running = [pool.submit(_one, name) for name in names]
        for done in concurrent.futures.as_completed(running):
            name, said, outcome, reason, seconds = done.result()
            print(f"\n== {name}\n{said}", end="", flush=True)
            yield name, outcome, reason, seconds


def _one(name: str) -> tuple[str, str, str, str, float]:
    started = time.monotonic()
    command = [sys.executable, str(GATES), "--alone", name]
    done = subprocess.run(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
    )
    said, _line, last = done.stdout.rstrip("\n").rpartition("\n")
    try:
        outcome, reason = json.loads(last)
    except ValueError:
        # It was killed, or never came to its end.
        said, outcome, reason = done.stdout, "failed", f"the gate ended with status {done.returncode}"
    return name, f"{said}\n" if said else "", outcome, reason, time.monotonic() - started


def alone(name: str, attempt: Callable[[str], tuple[str, str]]) -> int:
    """Run one gate as the process that ``rows`` starts, and give the process's status."""
    outcome, reason = attempt(name)
    print(json.dumps([outcome, reason]), flush=True)
    return 1 if outcome == "failed" else 0
