# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Fixtures of the contract suites: a place for a store, on each back end."""

from __future__ import annotations

import pathlib

import pytest

from ansible_collections.edgecert.clm.tests.support.stores import StorePlace


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def place(request: pytest.FixtureRequest, tmp_path: pathlib.Path) -> StorePlace:
    """Give a place for a store, empty; once for each back end."""
    if request.param == "sqlite":
        return StorePlace(f"sqlite:///{tmp_path}/clm/store.db")
    return StorePlace(request.getfixturevalue("postgres_url"))
