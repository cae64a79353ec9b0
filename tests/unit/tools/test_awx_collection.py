# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The collection that the tests of the AWX pack need is fetched, or it is said why it cannot be."""

from __future__ import annotations

import pathlib

import awx_collection
import pytest


@pytest.fixture(autouse=True)
def elsewhere(monkeypatch: pytest.MonkeyPatch, tmp_path: pathlib.Path) -> None:
    monkeypatch.setattr(awx_collection, "HOME", tmp_path)


def test_what_cannot_be_fetched_is_said(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """A machine without an index: the tests that need it are skipped with this reason."""
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    with pytest.raises(awx_collection.Unavailable, match=r"awx\.awx comes with ansible==13\.8\.0, which cannot be"):
        awx_collection.path()
    assert awx_collection.main() == 1 and "cannot be fetched" in capsys.readouterr().err


def test_what_is_there_is_not_fetched_again(monkeypatch: pytest.MonkeyPatch, tmp_path: pathlib.Path) -> None:
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    there = tmp_path / "ansible_collections" / "awx" / "awx"
    there.mkdir(parents=True)
    (there / "MANIFEST.json").write_text("{}", encoding="utf-8")
    assert awx_collection.path() == tmp_path
