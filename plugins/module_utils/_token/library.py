# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A vendor's PKCS#11 module: loaded, initialised while it is used, finalised after. Knows no token.

A process initialises such a module once, and a forked child has to do so itself (PKCS#11 2.40, C_Initialize). So
nothing stays open between uses: a child inherits no session, and whatever a failed login left behind ends here.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import threading
import time
from collections.abc import Iterator, Mapping
from typing import Any

from .._core.deps import needed
from .._core.errors import RemoteError, TransportError
from .failures import told

PACKAGE, FEATURE = "python-pkcs11", "keys in a token behind PKCS#11"
_LONGEST_WAIT_S, _LOOK_AGAIN_S = 120.0, 0.05


class _Uses:
    """The modules in use in this process, and how deep: the outermost use initialises and finalises."""

    def __init__(self) -> None:
        self.forget()
        self.is_child = False

    def forget(self) -> None:
        """Begin anew: what a parent holds, its lock among it, means nothing in a child."""
        self.is_child = True
        before: dict[str, int] = getattr(self, "depths", {})
        self.parents = {path for path, depth in before.items() if depth}
        self.renewed: set[str] = set()
        self.lock = threading.RLock()
        self.depths: dict[str, int] = {}


_USES = _Uses()
os.register_at_fork(after_in_child=_USES.forget)


@contextlib.contextmanager
def loaded(path: str, environment: Mapping[str, str]) -> Iterator[Any]:
    """Give the module at a path, initialised, for the length of a ``with`` block.

    Only one thread of one process on this machine uses it at a time: no module has to allow several threads, SoftHSM
    fails now and then when several processes write, and some tokens have few sessions.

    :param path: absolute.
    :param environment: variables that the module reads, set while it is in use.
    :raises MissingLibrary: the Python package is not there.
    :raises RemoteError: code ``module_missing`` or ``module_unusable``, or ``token_busy`` when others do not end.
    """
    with needed(PACKAGE, FEATURE):
        import pkcs11
    if not os.path.isfile(path):
        raise RemoteError(
            f"Cannot use PKCS#11 module {path}: there is no such file on the machine that runs the task; install the "
            "vendor's client there, or set module_path",
            code="module_missing",
        )
    with _USES.lock:
        depth = _USES.depths.get(path, 0)
        with contextlib.ExitStack() as stack:
            if not depth:
                stack.enter_context(_one_at_a_time(path))
                stack.enter_context(_variables(environment))
            library = _initialised(pkcs11, path, is_outer=not depth)
            _USES.depths[path] = depth + 1
            try:
                yield library
            finally:
                _USES.depths[path] = depth
                if not depth:
                    # Sessions end with it. One that is gone with its device cannot be ended in any better way.
                    with contextlib.suppress(pkcs11.exceptions.PKCS11Error):
                        library.finalize()


def _initialised(pkcs11: Any, path: str, *, is_outer: bool) -> Any:
    what = f"Cannot initialise PKCS#11 module {path}"
    try:
        library = pkcs11.lib(path)
    except pkcs11.exceptions.PKCS11Error as exc:
        raise RemoteError(
            f"{what}: {exc or exc.__class__.__name__}; see that it is a PKCS#11 module for this machine's processor, "
            "and that the variables it reads are set (library_environment)",
            code="module_unusable",
            details={"pkcs11": exc.__class__.__name__},
        ) from exc
    if is_outer and _USES.is_child and path not in _USES.renewed:
        # Perhaps forked while the parent had it open: what is initialised would be the parent's.
        with told(what):
            library.reinitialize()
        _USES.renewed.add(path)
    return library


@contextlib.contextmanager
def _one_at_a_time(path: str) -> Iterator[None]:
    """Hold the lock of a module, its file's; a child that was forked amid a use is in its parent's."""
    if path in _USES.parents:
        yield
        return
    try:
        file = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        # Whether it can be loaded all the same is told by loading it.
        yield
        return
    try:
        _lock(file, path)
        yield
    finally:
        os.close(file)


def _lock(file: int, path: str) -> None:
    give_up = time.monotonic() + _LONGEST_WAIT_S
    while True:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as exc:
            # A file system that locks nothing, or no file that is only read: then the token has to cope by itself.
            if exc.errno not in (errno.EAGAIN, errno.EACCES):
                return
            if time.monotonic() > give_up:
                raise TransportError(
                    f"Cannot use PKCS#11 module {path}: another process on this machine has used it for "
                    f"{_LONGEST_WAIT_S:.0f} seconds; see what it waits for, then run again",
                    kind="timeout",
                    sent=False,
                    code="token_busy",
                ) from exc
            time.sleep(_LOOK_AGAIN_S)
        else:
            return


@contextlib.contextmanager
def _variables(environment: Mapping[str, str]) -> Iterator[None]:
    before = {name: os.environ.get(name) for name in environment}
    os.environ.update(environment)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
