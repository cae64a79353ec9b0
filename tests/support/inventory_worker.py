# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Parses inventory sources as ansible does, in a process where ansible's own loader imports the collection.

Run as a script it reads requests, a JSON line each, and answers each with a JSON line.
"""

from __future__ import annotations

import json
import os
import pathlib
import subprocess
import sys
from dataclasses import dataclass, field
from typing import Any

PLUGIN = "edgecert.clm.akamai_cps"


@dataclass(frozen=True)
class Parsed:
    """What came of one source.

    :ivar hosts: variables by host.
    :ivar groups: names of the hosts by group.
    :ivar error: name and text of the exception, empty for none.
    """

    taken: bool
    hosts: dict[str, dict[str, Any]] = field(default_factory=dict)
    groups: dict[str, list[str]] = field(default_factory=dict)
    error: str = ""


class Worker:
    """A running process; use it in a ``with`` statement."""

    def __enter__(self) -> Worker:
        self._process = subprocess.Popen(
            [sys.executable, __file__],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={name: value for name, value in os.environ.items() if not name.startswith(("EDGECERT_", "ANSIBLE_"))},
        )
        return self

    def __exit__(self, *_exception: object) -> None:
        self._process.communicate()

    def parse(self, source: pathlib.Path, *, cache: bool = True) -> Parsed:
        """Parse one source file."""
        assert self._process.stdin and self._process.stdout
        self._process.stdin.write(json.dumps({"source": str(source), "cache": cache}) + "\n")
        self._process.stdin.flush()
        return Parsed(**json.loads(self._process.stdout.readline()))


def _parse(source: str, cache: bool) -> Parsed:
    from ansible.errors import AnsibleError
    from ansible.inventory.data import InventoryData
    from ansible.parsing.dataloader import DataLoader
    from ansible.plugins.loader import inventory_loader

    plugin = inventory_loader.get(PLUGIN)
    if not plugin.verify_file(source):
        return Parsed(False)
    inventory = InventoryData()
    try:
        plugin.parse(inventory, DataLoader(), source, cache)
        if plugin.get_option("cache"):
            plugin.update_cache_if_changed()
    except AnsibleError as exc:
        return Parsed(True, error=f"{type(exc).__name__}: {exc}")
    return Parsed(
        True,
        {name: host.get_vars() for name, host in inventory.hosts.items()},
        {name: [host.name for host in group.get_hosts()] for name, group in inventory.groups.items()},
    )


def main() -> None:
    """Answer requests until there are no more."""
    from ansible.plugins.loader import init_plugin_loader

    init_plugin_loader([])
    for line in sys.stdin:
        request = json.loads(line)
        print(json.dumps(vars(_parse(request["source"], request["cache"])), default=str), flush=True)


if __name__ == "__main__":
    main()
