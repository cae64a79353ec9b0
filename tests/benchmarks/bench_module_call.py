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
import pathlib
import re
import resource
import subprocess
import sys
import tempfile
import time
import zipfile
from base64 import b64decode
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
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


@dataclass(frozen=True)
class Spent:
    """Milliseconds by the clock and of the processor."""

    wall: float
    cpu: float

    def less(self, other: Spent, parts: int) -> Spent:
        """Give one of the parts by which this exceeds another."""
        return Spent((self.wall - other.wall) / parts, (self.cpu - other.cpu) / parts)


def in_turn(names: Sequence[str], run: Callable[[str], Spent], rounds: int) -> dict[str, Spent]:
    """Run each name so many times, one after the other, and give the medians of each."""
    taken: dict[str, list[Spent]] = defaultdict(list)
    for _round in range(rounds):
        for name in names:
            taken[name].append(run(name))
    return {
        name: Spent(measuring.median([one.wall for one in all_of]), measuring.median([one.cpu for one in all_of]))
        for name, all_of in taken.items()
    }


def spent(run: Callable[[], Any]) -> Spent:
    """Give what a call and the processes it starts take."""
    began, before = time.perf_counter(), resource.getrusage(resource.RUSAGE_CHILDREN)
    run()
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    used = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return Spent((time.perf_counter() - began) * 1000, used * 1000)


def alone(path: pathlib.Path) -> None:
    """Run an AnsiballZ file as Ansible does on a local connection."""
    done = subprocess.run([sys.executable, str(path)], stdin=subprocess.DEVNULL, capture_output=True, check=True)
    assert b'"changed": true' not in done.stdout, done.stdout.decode()


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
        [sys.executable, "-X", "importtime", str(path)],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
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
    plays = in_turn(
        ["", *calls],
        lambda name: spent(lambda: runner.play([(name, calls[name])] * TASKS if name else [])),
        rounds,
    )
    ways = {
        "ad-hoc": in_turn(list(calls), lambda name: spent(lambda: runner.ad_hoc(name, calls[name])), rounds),
        "task": {name: plays[name].less(plays[""], TASKS) for name in calls},
        "process": in_turn(list(calls), lambda name: spent(lambda: alone(kept[name])), rounds),
    }
    for kind, title in (("wall", "by the clock"), ("cpu", "of the processor")):
        rows = []
        for name in calls:
            row: list[Any] = [name.rpartition(".")[2]]
            for way in ways.values():
                taken = getattr(way[name], kind)
                row += [round(taken), taken / getattr(way[PING], kind)]
            rows.append(row)
        print(
            f"\nMilliseconds {title}, and how many times ping (aim: {AIM} and libraries); {NETWORK} asks CPS and edge"
        )
        measuring.print_table(["", *(head for way in ways for head in (way, "x ping"))], rows)


def measure_parts(calls: Calls, kept: Mapping[str, pathlib.Path], rounds: int) -> None:
    """Print what is shipped, and where the time of importing goes."""
    command = [sys.executable, "-c", ""]
    empty = in_turn([""], lambda _name: spent(lambda: subprocess.run(command, check=True)), rounds)[""]
    print(f"\nPayload, and milliseconds of imports; an interpreter that does nothing takes {empty.cpu:.0f} ms")
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
