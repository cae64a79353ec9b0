# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Store URLs: reading them, and showing them without the password."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping

from .._core.errors import StoreError

_SQLITE = "sqlite:///"
_POSTGRES = re.compile(r"(?:postgresql|postgres)(?:\+psycopg)?://")
_USER_INFO = re.compile(r"(://[^:/?#@]*):.*@", re.DOTALL)
_QUERY_SECRET = re.compile(r"([?&][^=&]*password=)[^&]*", re.IGNORECASE)


def data_folder(environ: Mapping[str, str]) -> str:
    """Give the folder of the collection in the user's data directory."""
    data = environ.get("XDG_DATA_HOME", "")
    if not os.path.isabs(data):
        # The specification of the variable says: a relative one is to be ignored.
        data = os.path.join(os.path.expanduser("~"), ".local", "share")
    return os.path.join(data, "edgecert")


def default_url(environ: Mapping[str, str]) -> str:
    """Give the URL of the user's own SQLite store."""
    return f"{_SQLITE}{os.path.join(data_folder(environ), 'clm.db')}"


def masked(url: str) -> str:
    """Show a URL without any password, also one that is written wrongly; rather too much is hidden than too little."""
    return _QUERY_SECRET.sub(r"\1***", _USER_INFO.sub(r"\1:***@", url))


def sqlite_path(url: str) -> str | None:
    """Give the absolute path a SQLite URL names; None for a URL of another kind.

    :raises StoreError: it names no file.
    """
    if not url.startswith("sqlite:"):
        return None
    path = url.removeprefix(_SQLITE) if url.startswith(_SQLITE) else ""
    if not path or path == ":memory:" or "?" in path:
        raise StoreError(
            f"Cannot open the store {masked(url)}: a SQLite store needs a file and takes no parameters; write "
            "sqlite:////absolute/path.db or sqlite:///relative.db",
            code="store_url",
        )
    return os.path.abspath(os.path.expanduser(path))


def postgres_uri(url: str) -> str | None:
    """Give the URI as PostgreSQL's own library reads it; None for a URL of another kind."""
    match = _POSTGRES.match(url)
    return url.replace(match.group(0), "postgresql://", 1) if match else None
