# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Compares what it costs a fresh process to import this and that, in turn: why the store does without SQLAlchemy.

Run with the project's Python: ``python tests/benchmarks/bench_imports.py [--rounds 7]``. What is not installed is named
and left out; ``--python`` measures another interpreter, one that has SQLAlchemy for example.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from collections import defaultdict

from ansible_collections.edgecert.clm.tests.benchmarks import measuring

OURS = "from ansible_collections.edgecert.clm.plugins.module_utils._store import open, sqlite, store, schema, tables"
STATEMENTS = {
    "nothing": "",
    "sqlite3": "import sqlite3",
    "our store, all of it, on SQLite": OURS,
    "SQLAlchemy Core": "import sqlalchemy",
    "SQLAlchemy Core with its SQLite dialect": "import sqlalchemy; sqlalchemy.create_engine('sqlite://').connect()",
    "psycopg": "import psycopg",
    "requests": "import requests",
    "edgegrid-python": "import akamai.edgegrid",
    "cryptography: the cipher": "from cryptography.hazmat.primitives.ciphers.aead import AESGCM",
    "cryptography: X.509": "from cryptography import x509",
}


def used(python: str, statement: str) -> float | None:
    """Run a statement in a fresh process; give its processor time in milliseconds, None when it fails."""
    process = subprocess.Popen(
        [python, "-c", statement], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    _pid, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    return (usage.ru_utime + usage.ru_stime) * 1000 if process.returncode == 0 else None


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=7, help="times each is imported, in turn (default: 7)")
    parser.add_argument("--python", default=sys.executable, help="interpreter to measure (default: this one)")
    options = parser.parse_args()
    measuring.print_machine()
    taken: dict[str, list[float]] = defaultdict(list)
    missing = [name for name, statement in STATEMENTS.items() if used(options.python, statement) is None]
    for _round in range(options.rounds):
        for name, statement in STATEMENTS.items():
            if name not in missing and (spent := used(options.python, statement)) is not None:
                taken[name].append(spent)
    bare = measuring.median(taken["nothing"])
    print("\nProcessor time of a process that imports it, bytecode cached (in a module ours is compiled each time)")
    rows = [[name, measuring.median(all_of), measuring.median(all_of) - bare] for name, all_of in taken.items()]
    measuring.print_table(["", "ms", "over nothing"], rows)
    if missing:
        print(f"not installed for {options.python}, left out: {', '.join(missing)}")


if __name__ == "__main__":
    main()
