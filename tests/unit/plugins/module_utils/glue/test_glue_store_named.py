# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""In a job of AWX no store is made in passing: the container goes, and what was asked for would go with it."""

from __future__ import annotations

import pathlib

import pytest

from ansible_collections.edgecert.clm.plugins.module_utils._core.clock import SystemClock
from ansible_collections.edgecert.clm.plugins.module_utils._core.errors import StoreError
from ansible_collections.edgecert.clm.plugins.module_utils._glue.wire_store import IN_AWX, opened


@pytest.fixture(autouse=True)
def no_awx(monkeypatch: pytest.MonkeyPatch, tmp_path: pathlib.Path) -> None:
    for name in (name for names in IN_AWX for name in names):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))


@pytest.mark.parametrize("names", IN_AWX)
def test_without_a_store_that_is_named_a_job_of_awx_is_refused(
    monkeypatch: pytest.MonkeyPatch, tmp_path: pathlib.Path, names: tuple[str, ...]
) -> None:
    """Issue 7: a missing credential, an inventory source without store."""
    for name in names:
        monkeypatch.setenv(name, "12")
    refused = pytest.raises(StoreError, match="a credential that sets EDGECERT_STORE")
    with refused as caught, opened({}, SystemClock(), "ada", create=True):
        raise AssertionError("it was opened")
    assert caught.value.code == "store_not_named" and list(tmp_path.iterdir()) == []
    with opened({"store": f"sqlite:///{tmp_path}/named.db"}, SystemClock(), "ada", create=True):
        assert (tmp_path / "named.db").exists()


def test_elsewhere_it_is_made_where_it_always_was(monkeypatch: pytest.MonkeyPatch, tmp_path: pathlib.Path) -> None:
    """Other job runners set a variable of one of these names, too."""
    monkeypatch.setenv("JOB_ID", "12")
    with opened({}, SystemClock(), "ada", create=True):
        assert list(tmp_path.iterdir())
