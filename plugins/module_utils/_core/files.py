# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Files for their owner alone that appear whole or not at all: backups, exports, keys; and files that people name."""

from __future__ import annotations

import contextlib
import os
import stat
from collections.abc import Iterable, Iterator

from .errors import InputError, StoreError

# What the kernel shows as files: the environment of this very process, with its secrets, is one of them.
_KERNEL = ("/proc", "/sys", "/dev")


class NoPlainFile(ValueError):
    """What is named is no regular file on a file system for files."""


def read_plain(path: str, at_most: int) -> bytes:
    """Read a file that somebody named, who may be anybody that may ask for a certificate.

    :param at_most: bytes; of a larger file one more is given.
    :raises NoPlainFile: a folder, a pipe, a device, or what a kernel shows of itself and its processes, by any path.
    :raises OSError: it cannot be read. :raises ValueError: no path can be so.
    """
    real = os.path.realpath(path)
    # A pipe or a device is not opened: reading it may never end.
    _check_plain(real, os.stat(real))
    with open(os.open(real, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC), "rb") as file:
        _check_plain(real, os.fstat(file.fileno()))
        return file.read(at_most + 1)


def _check_plain(real: str, status: os.stat_result) -> None:
    is_named = any(real == folder or real.startswith(f"{folder}/") for folder in _KERNEL)
    # It may be mounted anywhere.
    shown = {os.stat(folder).st_dev for folder in ("/proc", "/sys") if os.path.ismount(folder)}
    if is_named or status.st_dev in shown or not stat.S_ISREG(status.st_mode):
        raise NoPlainFile(real)


def check_new(path: str, what: str, *, force: bool, taken: Iterable[str]) -> None:
    """Refuse a place where a file cannot, or must not, be written; writes nothing.

    :param path: absolute.
    :param what: names the file, as "the backup".
    :param force: a file that is there may be overwritten.
    :param taken: files that are never overwritten: the store's own.
    :raises InputError: codes ``invalid_input``, ``file_exists``, ``file_unwritable``.
    """
    folder, real = os.path.dirname(path), os.path.realpath(path)
    if real in {os.path.realpath(file) for file in taken}:
        raise InputError(f"Cannot write {what} {path}: that file belongs to the store itself; choose another path")
    if os.path.isdir(path):
        raise InputError(f"Cannot write {what} {path}: that is a folder; name a file in it")
    if os.path.lexists(path) and not force:
        raise InputError(
            f"Cannot write {what} {path}: there is such a file already; choose another path, or overwrite it with "
            "force: true",
            code="file_exists",
        )
    if not os.path.isdir(folder):
        raise InputError(
            f"Cannot write {what} {path}: there is no folder {folder}; make it, or choose another path",
            code="file_unwritable",
        )
    if not os.access(folder, os.W_OK | os.X_OK):
        raise InputError(
            f"Cannot write {what} {path}: the user who runs the module may not write the folder {folder}; allow it, or "
            "choose another path",
            code="file_unwritable",
        )


@contextlib.contextmanager
def replacing(path: str, what: str) -> Iterator[str]:
    """Give the path of an empty file of mode 0600 beside; it takes the place of ``path`` when the block ends well.

    :raises StoreError: it cannot be written; what stood at ``path`` still stands.
    """
    part = f"{path}.{os.urandom(4).hex()}.part"
    try:
        os.close(os.open(part, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
        try:
            yield part
            sync(part)
            os.replace(part, path)
        except BaseException:
            with contextlib.suppress(OSError):
                os.unlink(part)
            raise
        sync(os.path.dirname(path))
    except OSError as exc:
        raise StoreError(
            f"Cannot write {what} {path}: {exc.strerror}; make room, or make the folder writable",
            code="file_unwritable",
        ) from exc


def sync(path: str) -> None:
    """Have a file, or a folder's list of files, reach the disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
