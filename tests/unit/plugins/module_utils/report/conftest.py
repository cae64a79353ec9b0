# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The report of a small estate with every state and names that try to be markup, out of a real store."""

from __future__ import annotations

import pathlib
from collections.abc import Iterator
from datetime import datetime, timezone
from typing import Any

import pytest

from ansible_collections.edgecert.clm.plugins.module_utils._clm.filters import Filters
from ansible_collections.edgecert.clm.plugins.module_utils._clm.report_data import gather
from ansible_collections.edgecert.clm.plugins.module_utils._core.clock import SystemClock
from ansible_collections.edgecert.clm.plugins.module_utils._store.base import Store
from ansible_collections.edgecert.clm.plugins.module_utils._store.open import open_store
from ansible_collections.edgecert.clm.plugins.module_utils._store.seal import StoreKey
from ansible_collections.edgecert.clm.tests.support import report_seed

NOW = datetime(2026, 11, 30, 18, 0, tzinfo=timezone.utc)


@pytest.fixture(scope="session")
def estate(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """Give the filled store."""
    folder: pathlib.Path = tmp_path_factory.mktemp("estate")
    store = open_store(f"sqlite:///{folder}/clm.db", StoreKey(), SystemClock(), "tester", create=True)
    report_seed.fill(store, NOW)
    yield store
    store.close()


@pytest.fixture
def report(estate: Store) -> dict[str, Any]:
    """Give the whole report."""
    with estate.read() as unit:
        return gather(unit, Filters(), NOW, "Certificates at <Akamai> & elsewhere")
