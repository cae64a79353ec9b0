# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Makes an environment with ansible-rulebook under .cache, which the tests of the rulebooks run in, and prints where.

It is one of its own, as a decision environment is: what runs rulebooks has other requirements than what runs modules.
"""

from __future__ import annotations

import fcntl
import os
import pathlib
import shutil
import subprocess
import sys
import sysconfig
import zlib

from common import CACHE, TOP, link_collection

PLACE = CACHE / "rulebook"
REQUIREMENTS = ("requirements.txt", "requirements-postgres.txt")
PACKAGES = ("ansible-rulebook>=1.1", "ansible-core>=2.16")


class NotHere(Exception):
    """It cannot be had on this machine; the text says why."""


def programs() -> pathlib.Path:
    """Give the folder of ansible-rulebook and of the ansible-core it uses; makes them at the first call.

    :raises NotHere: Java or a package is missing.
    """
    if not (shutil.which("java") or os.path.exists(f"{os.environ.get('JAVA_HOME', '')}/bin/java")):
        raise NotHere("ansible-rulebook needs Java 17 or newer, which is not installed (tools/bootstrap does it)")
    CACHE.mkdir(exist_ok=True)
    with open(CACHE / "rulebook.lock", "w", encoding="utf-8") as lock:
        # Tests in several processes ask for it at once.
        fcntl.flock(lock, fcntl.LOCK_EX)
        _make()
    return PLACE / "bin"


def _make() -> None:
    texts = [*PACKAGES, sys.version, *((TOP / name).read_text(encoding="utf-8") for name in REQUIREMENTS)]
    wanted, stamp = str(zlib.crc32("\n".join(texts).encode())), PLACE / ".stamp"
    if not stamp.exists() or stamp.read_text(encoding="utf-8") != wanted:
        _call(sys.executable, "-m", "venv", "--clear", str(PLACE))
        files = [word for name in REQUIREMENTS for word in ("-r", str(TOP / name))]
        python = str(PLACE / "bin" / "python")
        _call(python, "-m", "pip", "install", "-qq", "--disable-pip-version-check", *PACKAGES, *files)
        stamp.write_text(wanted, encoding="utf-8")
    link_collection(pathlib.Path(sysconfig.get_path("purelib", vars={"base": str(PLACE)})))


def _call(*command: str) -> None:
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    if done.returncode:
        said = [line for line in done.stderr.splitlines() if line.strip()]
        why = said[-1] if said else f"status {done.returncode}"
        raise NotHere(f"an environment with ansible-rulebook cannot be made: {why}")


if __name__ == "__main__":
    try:
        print(programs())
    except NotHere as reason:
        sys.exit(str(reason))
