# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Store URLs: what they name, and that no password is shown."""

from __future__ import annotations

import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.edgecert.clm.plugins.module_utils._core.errors import StoreError
from ansible_collections.edgecert.clm.plugins.module_utils._store.url import (
    default_url,
    masked,
    postgres_uri,
    sqlite_path,
)


@pytest.mark.parametrize(
    ("url", "path"),
    [
        ("sqlite:////abs/clm.db", "/abs/clm.db"),
        ("sqlite:///rel/clm.db", f"{os.getcwd()}/rel/clm.db"),
        ("sqlite:///~/clm.db", os.path.expanduser("~/clm.db")),
        ("sqlite:////with space/ä@b:c.db", "/with space/ä@b:c.db"),
        ("postgresql://h/d", None),
    ],
)
def test_a_sqlite_url_names_a_file(url: str, path: str | None) -> None:
    assert sqlite_path(url) == path


@pytest.mark.parametrize("url", ["sqlite:", "sqlite://", "sqlite:///", "sqlite:///:memory:", "sqlite:///a.db?x=1"])
def test_a_sqlite_url_without_a_plain_file_is_refused(url: str) -> None:
    with pytest.raises(StoreError):
        sqlite_path(url)


@pytest.mark.parametrize("scheme", ["postgresql", "postgresql+psycopg", "postgres"])
def test_postgresql_urls_become_what_libpq_reads(scheme: str) -> None:
    assert postgres_uri(f"{scheme}://u:p@h:1/d?sslmode=require") == "postgresql://u:p@h:1/d?sslmode=require"


def test_other_urls_are_not_postgresql() -> None:
    assert postgres_uri("postgresql+asyncpg://h/d") is None
    assert postgres_uri("mysql://h/d") is None


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("postgresql://u:p@h/d", "postgresql://u:***@h/d"),
        ("postgresql://u@h/d", "postgresql://u@h/d"),
        ("postgresql://h/d", "postgresql://h/d"),
        ("postgresql://u:p/w@h/d", "postgresql://u:***@h/d"),
        ("postgresql://u:p@w@h/d", "postgresql://u:***@h/d"),
        ("postgresql://u:p\n@h/d", "postgresql://u:***@h/d"),
        ("postgresql://h/d?user=u&password=p&x=1", "postgresql://h/d?user=u&password=***&x=1"),
        ("postgresql://h/d?sslpassword=p", "postgresql://h/d?sslpassword=***"),
        ("mysql://u:p@h/d", "mysql://u:***@h/d"),
        ("sqlite:////a/clm.db", "sqlite:////a/clm.db"),
    ],
)
def test_a_url_is_shown_without_its_password(url: str, shown: str) -> None:
    assert masked(url) == shown


@given(st.text(min_size=1), st.sampled_from(["postgresql", "postgresql+psycopg", "mysql", "x"]))
def test_no_password_survives_masking(password: str, scheme: str) -> None:
    assert masked(f"{scheme}://user:{password}SECRET@host/db").count("SECRET") == 0


@pytest.mark.parametrize(
    ("environ", "url"),
    [
        ({"XDG_DATA_HOME": "/data"}, "sqlite:////data/edgecert/clm.db"),
        ({"XDG_DATA_HOME": "relative"}, f"sqlite:///{os.path.expanduser('~')}/.local/share/edgecert/clm.db"),
        ({}, f"sqlite:///{os.path.expanduser('~')}/.local/share/edgecert/clm.db"),
    ],
)
def test_the_default_is_a_file_of_the_user(environ: dict[str, str], url: str) -> None:
    assert default_url(environ) == url
