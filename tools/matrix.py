# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The matrix gate: what another ansible-core or an older Python may change, on several of them.

The newest pair is what every other gate runs on. On each other one every module runs as its documentation says, some
playbooks run, and what speaks to ansible-core is tested; the oldest Python has what rests on its standard library
beside that. The flows are in the other gates: no ansible-core reaches them, and the sanity gate imports every file on
each Python.

Each has its own environment; they are kept under .cache and made anew when what goes into them changes.
"""

from __future__ import annotations

import pathlib
import subprocess
import sys
import zlib
from importlib import metadata

from common import CACHE, TOP, link_collection, parallel, path_with, run

PAIRS = (("2.16", "3.10"), ("2.19", "3.11"), ("2.21", "3.13"))
TOOLS = ("aiosmtpd", "pytest", "pytest-xdist", "hypothesis", "jsonschema", "PyYAML", "prometheus-client")
# What speaks to ansible-core: the glue, modules and plugins, and playbooks; the last runs every module.
ON_CORE = (
    "tests/unit/plugins/modules",
    "tests/unit/plugins/inventory",
    "tests/unit/plugins/module_utils/glue",
    "tests/unit/test_options.py",
    "tests/unit/test_playbooks_null.py",
    "tests/integration/test_each_core.py",
    "tests/integration/test_examples.py",
)
# A contract that rests on the standard library: the store on sqlite3. What CAs, keys and edges do no Python changes.
ON_PYTHON = ("tests/contract/test_store_*.py",)
# Flows from end to end that the oldest Python has as well: each way to a certificate and to a network.
FLOWS = ("enroll", "push", "production", "renewal_keys")


def interpreter(version: str) -> str | None:
    """Give the path of a Python of this version, or None."""
    found = subprocess.run(["tools/find-python", version], cwd=TOP, capture_output=True, text=True, check=False)
    return found.stdout.strip() or None


def environment(core: str, version: str, python: str) -> pathlib.Path:
    """Make or find the environment of a pair, link the collection into it, and give its bin folder."""
    folder = CACHE / "matrix" / f"core{core}-py{version}"
    wanted = [f"ansible-core~={core}.0", *TOOLS]
    stamp = folder / ".stamp"
    content = [(TOP / "requirements.txt").read_text(encoding="utf-8"), python, *wanted]
    mark = str(zlib.crc32("\n".join(content).encode()))
    if not stamp.exists() or stamp.read_text(encoding="utf-8") != mark:
        run(python, "-m", "venv", "--clear", folder)
        pip = (folder / "bin" / "python", "-m", "pip", "-qq", "--disable-pip-version-check")
        run(*pip, "install", "-r", "requirements.txt", *wanted)
        stamp.write_text(mark, encoding="utf-8")
    link_collection(folder / "lib" / f"python{version}" / "site-packages")
    return folder / "bin"


def chosen(is_oldest: bool) -> list[str]:
    """Name the tests of a pair."""
    if not is_oldest:
        return list(ON_CORE)
    found = [path.relative_to(TOP) for path in sorted((TOP / "tests/unit/plugins").rglob("test_*.py"))]
    names = [
        str(path) for path in found if not path.name.startswith("test_flow_") or path.stem[len("test_flow_") :] in FLOWS
    ]
    stores = [str(path.relative_to(TOP)) for glob in ON_PYTHON for path in sorted(TOP.glob(glob))]
    return list(dict.fromkeys([*(name for name in names if not name.startswith(ON_CORE)), *ON_CORE, *stores]))


def check(core: str, version: str, python: str) -> None:
    """Run the tests of one pair; PostgreSQL is the contract gate's business and stays off here."""
    path = environment(core, version, python)
    imported(path, version)
    env = {"EDGECERT_TEST_POSTGRES": "off", "PATH": path_with(path)}
    # The slow ones are about the store and the clock, which no ansible-core changes; the newest one runs them.
    words = (*parallel(), "-m", "not slow", "--hypothesis-profile=few", *chosen((core, version) == PAIRS[0]))
    run(path / "python", "-m", "pytest", "-q", "-p", "no:cacheprovider", *words, env=env)


def imported(path: pathlib.Path, version: str) -> None:
    """Have the pair's own ansible-test import and compile every file; the newest one's runs all it has in a gate."""
    command = ("tools/ansible-test", "sanity", "--color", "no", "--python", version)
    run(*command, "--test", "import", "--test", "compile", env={"ANSIBLE_TEST_VENV": str(path.parent)})


def is_own(core: str, version: str) -> bool:
    """Tell whether a pair is what runs these gates: the others have tested it, and more of it."""
    here = ".".join(map(str, sys.version_info[:2]))
    return version == here and metadata.version("ansible-core").startswith(f"{core}.")


def run_all() -> int:
    """Run every pair whose Python is here and give their number.

    :raises RuntimeError: one or more failed; names them, after all have run.
    """
    ran, failed = 0, []
    for core, version in PAIRS:
        pair = f"ansible-core {core} on Python {version}"
        if is_own(core, version):
            print(f"\n-- {pair} is what the other gates have run on", flush=True)
            ran += 1
            continue
        python = interpreter(version)
        if python is None:
            print(f"\n-- {pair} skipped: no Python {version} on this machine", flush=True)
            continue
        print(f"\n-- {pair}", flush=True)
        ran += 1
        try:
            check(core, version, python)
        except subprocess.CalledProcessError as error:
            failed.append(f"{pair} (status {error.returncode})")
    if failed:
        raise RuntimeError("failed: " + ", ".join(failed))
    return ran
