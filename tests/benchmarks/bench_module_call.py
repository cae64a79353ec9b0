# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Compares one module call that finds nothing to do with ``ansible.builtin.ping``, and shows what it is spent on.

Run with the project's Python: ``python tests/benchmarks/bench_module_call.py [--rounds 5]``. Everything is measured in
turn, ping among it, in one run: ad-hoc, as one more task of a playbook, and as a process alone.
"""

from __future__ import annotations

import argparse
import io
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import time
import zipfile
from base64 import b64decode
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ansible_collections.edgecert.clm.tests.benchmarks import measuring, module_scene
from ansible_collections.edgecert.clm.tests.benchmarks.module_scene import PING, Runner

AIM = 1.5
MODULES = ("akamai_vendor_settings", "cert_connector", "cert_enroll", "cert_info", "cert_push")
NETWORK = "cert_push"
TASKS = 5
OWN = "ansible_collections.edgecert.clm.plugins."
# What a module cannot avoid, by the first word of its name.
LIBRARIES = ("requests", "urllib3", "akamai", "cryptography", "idna", "certifi", "charset_normalizer", "_cffi_backend")
Calls = Mapping[str, Mapping[str, Any]]


def in_turn(names: Sequence[str], run: Callable[[str], float], rounds: int) -> dict[str, float]:
    """Run each name so many times, one after the other, and give the median of each in milliseconds."""
    taken: dict[str, list[float]] = defaultdict(list)
    for _round in range(rounds):
        for name in names:
            taken[name].append(run(name) * 1000)
    return {name: measuring.median(values) for name, values in taken.items()}


def timed(run: Callable[[], Any]) -> float:
    """Give the seconds a call takes."""
    began = time.perf_counter()
    run()
    return time.perf_counter() - began


def alone(path: pathlib.Path) -> float:
    """Run an AnsiballZ file as Ansible does on a local connection; give its processor seconds."""
    process = subprocess.Popen([sys.executable, str(path)], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
    assert process.stdout is not None
    printed = process.stdout.read()
    process.stdout.close()
    _pid, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0, printed.decode()
    assert b'"changed": true' not in printed, printed.decode()
    return used.ru_utime + used.ru_stime


def payload(path: pathlib.Path) -> tuple[int, int, int]:
    """Give size of the AnsiballZ file in KiB, files in it, and files of ours."""
    text = path.read_text(encoding="utf-8")
    blobs = sorted(re.findall(r"['\"]([A-Za-z0-9+/=\n]{5000,})['\"]", text), key=len)
    with zipfile.ZipFile(io.BytesIO(b64decode(blobs[-1]))) as archive:
        names = archive.namelist()
    return path.stat().st_size // 1024, len(names), sum("edgecert" in name for name in names)


def imports(path: pathlib.Path) -> dict[str, float]:
    """Give milliseconds of importing by what is imported: Ansible and Python, libraries, our packages."""
    done = subprocess.run(
        [sys.executable, "-X", "importtime", str(path)], stdin=subprocess.DEVNULL, capture_output=True, text=True
    )
    sums: dict[str, float] = defaultdict(float)
    for own_us, name in re.findall(r"^import time:\s+(\d+) \|\s+\d+ \|\s+(\S+)$", done.stderr, re.MULTILINE):
        if name.startswith(OWN):
            words = name[len(OWN) :].split(".")
            part = words[1] if words[0] == "module_utils" and len(words) > 1 else "module"
        elif name.split(".")[0] in LIBRARIES:
            part = "libraries"
        else:
            part = "python, ansible"
        sums[part] += int(own_us) / 1000
    return dict(sums)


def measure_ways(runner: Runner, calls: Calls, kept: Mapping[str, pathlib.Path], rounds: int) -> None:
    """Print the three ways of running each call, and how many times ping's time each is."""

    def played(name: str) -> float:
        return timed(lambda: runner.play([(name, calls[name])] * TASKS if name else []))

    ad_hoc = in_turn(list(calls), lambda name: timed(lambda: runner.ad_hoc(name, calls[name])), rounds)
    plays = in_turn(["", *calls], played, rounds)
    task = {name: (plays[name] - plays[""]) / TASKS for name in calls}
    process = in_turn(list(calls), lambda name: alone(kept[name]), rounds)
    rows = []
    for name in calls:
        row: list[Any] = [name.rpartition(".")[2]]
        for ways in (ad_hoc, task, process):
            row += [round(ways[name]), ways[name] / ways[PING]]
        rows.append(row)
    print(f"\nMilliseconds, and how many times ping (aim: {AIM}, plus libraries); {NETWORK} asks CPS and the edge")
    measuring.print_table(["", "ad-hoc", "x ping", "task", "x ping", "process cpu", "x ping"], rows)


def measure_parts(calls: Calls, kept: Mapping[str, pathlib.Path], rounds: int) -> None:
    """Print what is shipped, and where the time of importing goes."""
    command = [sys.executable, "-c", ""]
    empty = in_turn([""], lambda _name: timed(lambda: subprocess.run(command, check=True)), rounds)[""]
    print(f"\nPayload and imports; an interpreter that does nothing takes {empty:.0f} ms")
    taken = {name: [imports(kept[name]) for _round in range(rounds)] for name in calls}
    heads = ["python, ansible", "libraries"]
    ours = sorted({part for all_of in taken.values() for one in all_of for part in one} - set(heads))
    rows = []
    for name in calls:
        medians = [measuring.median([one.get(part, 0.0) for one in taken[name]]) for part in (*heads, *ours)]
        rows.append([name.rpartition(".")[2], *payload(kept[name]), *(round(value) for value in medians)])
    measuring.print_table(["", "KiB", "files", "ours", *heads, *ours], rows)


def main() -> None:
    """Make the scene and measure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5, help="times each is run, in turn (default: 5)")
    parser.add_argument("--module", action="append", help="measure this module beside ping, without edgecert.clm.")
    options = parser.parse_args()
    measuring.print_machine()
    chosen: Sequence[str] = options.module or MODULES
    with (
        tempfile.TemporaryDirectory(prefix="edgecert-bench-") as name,
        measuring.sandbox([module_scene.CONTRACT]) as sandbox,
    ):
        folder = pathlib.Path(name)
        runner, store = Runner(folder), f"sqlite:///{folder}/clm.db"
        module_scene.make(sandbox, runner, store)
        everything = module_scene.calls(sandbox, store)
        calls = {PING: {}, **{f"edgecert.clm.{one}": everything[f"edgecert.clm.{one}"] for one in chosen}}
        kept = runner.kept(list(calls.items()))
        measure_ways(runner, calls, kept, options.rounds)
        measure_parts(calls, kept, min(options.rounds, 3))


if __name__ == "__main__":
    main()
