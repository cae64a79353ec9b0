# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the benchmarks share: where they ran, tables, a sandbox, and a meter around the Python that runs modules."""

from __future__ import annotations

import importlib.metadata
import json
import os
import pathlib
import platform
import resource
import stat
import statistics
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

TOP = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(TOP / "extensions" / "sandbox"))

from edgecert_sandbox import handle as sandbox_handle
from edgecert_sandbox.handle import SandboxOptions, start

Handle = sandbox_handle.Handle

# Stands in for the interpreter: runs it, and notes what the process took.
_METER = """#!{python}
import json, os, subprocess, sys, time
began = time.monotonic()
process = subprocess.Popen([{python!r}, *sys.argv[1:]])
_pid, status, used = os.wait4(process.pid, 0)
wall = time.monotonic() - began
record = {{"wall": wall, "cpu": used.ru_utime + used.ru_stime, "peak": used.ru_maxrss}}
with open({notes!r}, "a") as notes:
    notes.write(json.dumps(record) + "\\n")
sys.exit(os.waitstatus_to_exitcode(status))
"""


@dataclass(frozen=True)
class Taken:
    """What one process took: seconds by the clock, seconds of processor, MiB at its peak."""

    wall: float
    cpu: float
    peak: float


class Meter:
    """An interpreter for ``ansible_python_interpreter`` that measures each process it runs.

    :ivar path: of the script that stands in for the interpreter.
    """

    def __init__(self, folder: pathlib.Path) -> None:
        self._notes = folder / "meter.jsonl"
        self.path = folder / "python-with-meter"
        self.path.write_text(_METER.format(python=sys.executable, notes=str(self._notes)), encoding="utf-8")
        self.path.chmod(self.path.stat().st_mode | stat.S_IXUSR)

    def taken(self) -> list[Taken]:
        """Give what the processes since the last time took, in order."""
        lines = self._notes.read_text(encoding="utf-8").splitlines() if self._notes.exists() else []
        self._notes.unlink(missing_ok=True)
        records = [json.loads(line) for line in lines]
        return [Taken(one["wall"], one["cpu"], mebibytes(one["peak"])) for one in records]


def mebibytes(maxrss: float) -> float:
    """Give ``ru_maxrss`` in MiB; Linux counts in KiB, macOS in bytes."""
    return maxrss / (1024 * 1024 if sys.platform == "darwin" else 1024)


def own_peak() -> float:
    """Give this process's peak memory in MiB."""
    return mebibytes(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)


def print_machine() -> None:
    """Say on what is measured, and how busy it is."""
    core = importlib.metadata.version("ansible-core")
    load = ", ".join(f"{value:.1f}" for value in os.getloadavg())
    print(f"Python {platform.python_version()}, ansible-core {core}, {os.cpu_count()} cores, load {load}")


def _shown(cell: Any) -> str:
    return f"{cell:.2f}" if isinstance(cell, float) else str(cell)


def print_table(header: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    """Print rows under a header: the first column to the left, numbers to the right."""
    texts = [[*map(str, header)], *([_shown(cell) for cell in row] for row in rows)]
    widths = [max(len(row[number]) for row in texts) for number in range(len(header))]
    for row in texts:
        rest = "".join(f"  {cell:>{width}}" for cell, width in zip(row[1:], widths[1:], strict=True))
        print(f"{row[0]:<{widths[0]}}{rest}")


def median(values: Sequence[float]) -> float:
    """Give the median."""
    return statistics.median(values)


@contextmanager
def sandbox_of_pace(contracts: Sequence[str], pace: Mapping[str, float]) -> Iterator[Handle]:
    """Run a sandbox with CPS's limits.

    :param pace: how long the parts of a change take, seconds, by the names of the sandbox's settings.
    """
    extra = tuple(f"--set={name}={value}" for name, value in pace.items())
    with start(SandboxOptions(contracts=contracts, extra=extra)) as handle:
        yield handle


@contextmanager
def sandbox(contracts: Sequence[str], seed: int = 0) -> Iterator[Handle]:
    """Run a sandbox without limits whose changes take no time."""
    options = SandboxOptions(
        limits=False,
        instant=True,
        contracts=contracts,
        seed=seed,
        extra=("--set", "create_interval_s=0"),
        ready_timeout_s=300.0,
    )
    with start(options) as handle:
        yield handle
