# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From the common options to an open store."""

from __future__ import annotations

import os
import socket
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from typing import Any

from .._core.clock import Clock
from .._core.errors import StoreError
from .._core.redact import Secret
from .._store.open import open_store
from .._store.seal import StoreKey
from .._store.store import SqlStore
from .._store.url import default_url, sqlite_path
from .job_container import refuse_vanishing
from .options import COMMON

_BESIDE = ("", "-wal", "-shm", "-journal", ".key", ".key.new", ".key.old")


def key_of(options: Mapping[str, Any]) -> StoreKey:
    """Give the store key the common options name; empty when they name none.

    An option holds over an environment variable, so a key file that a task names is not in conflict with a key that
    the environment happens to hold, and the other way round.
    """
    text, path = options.get("store_key") or "", options.get("store_key_file") or ""
    if text and path:
        is_text_inherited = text == os.environ.get(COMMON["store_key"].env)
        is_path_inherited = path == os.environ.get(COMMON["store_key_file"].env)
        if is_text_inherited != is_path_inherited:
            text, path = ("", path) if is_text_inherited else (text, "")
    return StoreKey(Secret(text) if text else None, path)


def own_files(options: Mapping[str, Any], environment: Mapping[str, str]) -> list[str]:
    """Give the paths of the store's files and of its key, whether they are there or not.

    :param options: the common options.
    """
    path = sqlite_path(options.get("store") or default_url(environment))
    key_file = key_of(options).path
    beside = [f"{path}{suffix}" for suffix in _BESIDE] if path else []
    return [*beside, *([os.path.expanduser(key_file)] if key_file else [])]


def holder_of(actor: str) -> str:
    """Name this call where it holds a lease, so that another one can say who is at it."""
    return f"{actor} on {socket.gethostname()}, process {os.getpid()}"


@contextmanager
def opened(
    options: Mapping[str, Any],
    clock: Clock,
    actor: str,
    *,
    create: bool,
    migrate: bool = False,
    or_empty: bool = False,
) -> Iterator[SqlStore]:
    """Open the store for a block.

    :param options: the common options.
    :param create: make the store where there is none yet.
    :param or_empty: look at an empty store that is gone afterwards where there is none yet, as in check mode.
    :raises StoreError: it cannot be opened.
    """
    url, holder = options.get("store") or "", holder_of(actor)
    # Check mode tells of it as well: what it would show of an empty store is not what a run would do.
    refuse_vanishing(url, os.environ, create=create or or_empty)
    try:
        store = open_store(url, key_of(options), clock, holder, create=create, migrate=migrate)
    except StoreError as exc:
        if not or_empty or exc.code != "store_missing":
            raise
    else:
        with closing(store):
            yield store
        return
    with (
        tempfile.TemporaryDirectory(prefix="edgecert-") as folder,
        closing(open_store(f"sqlite:///{folder}/clm.db", StoreKey(), clock, holder)) as empty,
    ):
        yield empty
