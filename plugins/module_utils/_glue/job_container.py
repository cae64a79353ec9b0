# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Stores that would be gone with the container of the job that makes them: refused before anything is done.

AWX, automation controller and ansible-navigator run a job in a container that is removed with it. An SQLite store in
it would take with it what was opened at CPS or ordered from a CA, and the key to every secret. What is mounted into
the container stays; the kernel's list of mounts tells the two apart. Where there is no such list, nothing is refused.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping

from .._core.errors import StoreError
from .._store.url import default_url, masked, sqlite_path

MOUNTS = "/proc/self/mountinfo"
# Where ansible-runner, and with it all three, mounts a job's private data directory.
_RUNNER_ROOT = "/runner"
# AWX and automation controller set this one for every job; the other is ansible-runner's own.
_AWX, _RUNNER = "AWX_PRIVATE_DATA_DIR", "AWX_ISOLATED_DATA_DIR"
# What is kept in memory does not outlive the container either.
_IN_MEMORY = frozenset(["tmpfs", "ramfs"])
_OCTAL = re.compile(r"\\([0-7]{3})")


def refuse_vanishing(url: str, environment: Mapping[str, str], mounts: str | None = None, *, create: bool) -> None:
    """Refuse an SQLite store that is not there yet and would be gone with this job's container.

    :param url: as the user gave it; empty for the default.
    :param environment: as ``os.environ``.
    :param mounts: the text of the kernel's list; read when it is left out.
    :param create: the store is to be made. One that is named and only to be read is looked for, and missed, elsewhere.
    :raises StoreError: code ``store_vanishes``.
    """
    is_awx = bool(environment.get(_AWX))
    if not is_awx and not environment.get(_RUNNER, "").startswith(f"{_RUNNER_ROOT}/"):
        return
    path = sqlite_path(url or default_url(environment))
    if path is None or os.path.exists(path) or (url and not create):
        return
    if not _vanishes(os.path.realpath(path), environment, _read(MOUNTS) if mounts is None else mounts):
        return
    raise StoreError(_sentence(url, "AWX" if is_awx else "ansible-runner"), code="store_vanishes")


def _sentence(url: str, runner: str) -> str:
    if url:
        return (
            f"The store {masked(url)} would be gone with the container of this job of {runner}: name a PostgreSQL "
            "store, or a file in a folder that is mounted into the container"
        )
    where = "by a credential of the job" if runner == "AWX" else "in the environment that is passed into the container"
    return (
        f"No store is named, and the default, a file in the home of this job's container, would be gone with it: set "
        f"EDGECERT_STORE {where}, to a PostgreSQL store"
    )


def _vanishes(path: str, environment: Mapping[str, str], mounts: str) -> bool:
    private = environment.get(_AWX, "")
    if private and _is_below(path, os.path.realpath(private)):
        return True
    found = [(point, kind) for point, kind in map(_mount, mounts.splitlines()) if point and _is_below(path, point)]
    if not found:
        return False
    # Of two that are mounted at one place, the later one is seen.
    point, kind = max(reversed(found), key=lambda one: len(one[0]))
    return point == "/" or kind in _IN_MEMORY or (bool(private) and point == _RUNNER_ROOT)


def _is_below(path: str, folder: str) -> bool:
    return folder == "/" or path == folder or path.startswith(f"{folder}/")


def _mount(line: str) -> tuple[str, str]:
    """Give mount point and kind of file system of a line of the list; empty texts for one that is none.

    :source: proc_pid_mountinfo(5): the fifth field, blanks in it as octal numbers, and the first one after the hyphen.
    """
    before, _hyphen, after = line.partition(" - ")
    fields, kinds = before.split(), after.split()
    if len(fields) < 5 or not kinds:
        return "", ""
    return _OCTAL.sub(lambda found: chr(int(found.group(1), 8)), fields[4]), kinds[0]


def _read(path: str) -> str:
    try:
        with open(path, encoding="utf-8", errors="surrogateescape") as file:
            return file.read()
    except OSError:
        return ""
