# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Compares an inventory of certificates from the store with the same hosts in a static YAML file.

Run with the project's Python: ``python tests/benchmarks/bench_inventory.py [--count 10000] [--rounds 1]``. Both are
read by ``ansible-inventory --list`` in turn, in the same run; the aim is at most twice the time of the YAML file.
With ``--live`` the same number of certificates is read from a sandbox instead, without a store; calls are asserted.
"""

from __future__ import annotations

import argparse
import json
import os
import pathlib
import resource
import subprocess
import sys
import tempfile
import time

import yaml

from ansible_collections.edgecert.clm.plugins.module_utils._clm.filters import Filters, certificate_list
from ansible_collections.edgecert.clm.plugins.module_utils._core.clock import SystemClock
from ansible_collections.edgecert.clm.plugins.module_utils._store.open import open_store
from ansible_collections.edgecert.clm.plugins.module_utils._store.seal import StoreKey
from ansible_collections.edgecert.clm.tests.benchmarks import inventory_seed, measuring

AIM = 2.0


def listed(source: pathlib.Path, plugins: str) -> tuple[float, float, int]:
    """Let ansible list a source; give wall and processor seconds and the number of hosts."""
    tool = pathlib.Path(sys.executable).with_name("ansible-inventory")
    environment = {**os.environ, "ANSIBLE_INVENTORY_ENABLED": plugins, "ANSIBLE_INVENTORY_UNPARSED_FAILED": "true"}
    began, used = time.monotonic(), resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(
        [str(tool), "-i", str(source), "--list"], env=environment, check=True, capture_output=True, text=True
    )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    spent = after.ru_utime + after.ru_stime - used.ru_utime - used.ru_stime
    return time.monotonic() - began, spent, len(json.loads(done.stdout)["_meta"]["hostvars"])


def prepare(folder: pathlib.Path, count: int) -> tuple[pathlib.Path, pathlib.Path]:
    """Fill a store, and write a source of the plugin and a YAML file with the same hosts and variables."""
    url, clock = f"sqlite:///{folder}/clm.db", SystemClock()
    store = open_store(url, StoreKey(), clock, "benchmark")
    inventory_seed.fill(store, count, clock.now())
    began = time.monotonic()
    with store.read() as unit:
        rows = certificate_list(unit, Filters(), clock.now())
    print(f"reading {len(rows)} certificates from the store alone: {time.monotonic() - began:.2f} s")
    store.close()
    plugin = folder / "bench.akamai_cps.yml"
    plugin.write_text(yaml.safe_dump({"plugin": "edgecert.clm.akamai_cps", "store": url}))
    static = folder / "static.yml"
    hosts = {row["certificate"]: {f"cert_{name}": value for name, value in row.items()} for row in rows}
    # Anchors would make the file shorter than one written by hand or by another tool.
    text = json.dumps({"all": {"hosts": hosts}})
    static.write_text(yaml.dump(json.loads(text), Dumper=getattr(yaml, "CSafeDumper", yaml.SafeDumper)))
    return plugin, static


def read_live(folder: pathlib.Path, count: int) -> None:
    """Print what reading them at once takes; the number of calls is asserted."""
    contracts = [f"C-B{number}" for number in range(5)]
    with measuring.sandbox(contracts) as sandbox:
        sandbox.seed(count)
        sandbox.calls(reset=True)
        device = {"name": "bench", "edgerc": sandbox.edgerc, "section": "default", "ca_path": sandbox.ca_path}
        source = folder / "live.akamai_cps.yml"
        source.write_text(yaml.safe_dump({"plugin": "edgecert.clm.akamai_cps", "live": True, "devices": [device]}))
        wall, spent, hosts = listed(source, "edgecert.clm.akamai_cps")
        calls = len(sandbox.calls())
    assert (hosts, calls) == (count, 2 * len(contracts) + 1), (hosts, calls)
    print(f"live: {hosts} hosts in {wall:.1f} s, {spent:.1f} s of processor, {calls} calls")


def main() -> int:
    """Print the figures; 1 when the aim is missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=10_000, help="certificates in the store")
    parser.add_argument("--rounds", type=int, default=1, help="times each is read, in turn")
    parser.add_argument("--live", action="store_true", help="read them at once from a sandbox instead")
    options = parser.parse_args()
    if options.live:
        with tempfile.TemporaryDirectory(prefix="edgecert-bench-") as name:
            read_live(pathlib.Path(name), options.count)
        return 0
    best: dict[str, float] = {}
    with tempfile.TemporaryDirectory(prefix="edgecert-bench-") as name:
        plugin, static = prepare(pathlib.Path(name), options.count)
        for _round in range(options.rounds):
            for label, source, plugins in (("store", plugin, "edgecert.clm.akamai_cps"), ("yaml", static, "yaml")):
                wall, spent, hosts = listed(source, plugins)
                print(f"{label}: {hosts} hosts in {wall:.1f} s, {spent:.1f} s of processor")
                best[label] = min(spent, best.get(label, spent))
    ratio = best["store"] / best["yaml"]
    print(f"store / yaml = {ratio:.2f} by processor time (aim: at most {AIM:.0f})")
    return 0 if ratio <= AIM else 1


if __name__ == "__main__":
    sys.exit(main())
