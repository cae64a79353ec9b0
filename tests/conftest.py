# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Fixtures for every test: PostgreSQL databases and the published API documents; absent, they skip with a reason."""

from __future__ import annotations

import contextlib
import pathlib
from collections.abc import Iterator

import hypothesis
import pytest

from ansible_collections.edgecert.clm.plugins.module_utils._core.redact import Secret
from ansible_collections.edgecert.clm.tests.support import postgres

TOP = pathlib.Path(__file__).resolve().parent.parent

# How long an example takes is not what these tests are about, and a busy machine must not fail them.
hypothesis.settings.register_profile("project", deadline=None)
# For a Python and ansible-core on which the same examples are not looked for once more.
hypothesis.settings.register_profile("few", deadline=None, max_examples=10)
hypothesis.settings.load_profile("project")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the slow tests, so that no process is left alone with one at the end."""
    items.sort(key=lambda item: item.get_closest_marker("slow") is None)


@pytest.fixture(autouse=True)
def own_secrets() -> Iterator[None]:
    """Let each test mask what it revealed itself, as a module's process does: another one's secret may be any word."""
    before = set(Secret.revealed)
    yield
    Secret.revealed.intersection_update(before)


@pytest.fixture(scope="session")
def postgres_cluster() -> Iterator[postgres.Cluster]:
    """Start one server for the whole run, at the first test that wants it."""
    pytest.importorskip("psycopg", reason="psycopg, the driver of requirements-postgres.txt, is not installed")
    with contextlib.ExitStack() as stack:
        try:
            cluster = stack.enter_context(postgres.cluster())
        except postgres.NoServer as reason:
            pytest.skip(str(reason))
        yield cluster


@pytest.fixture
def postgres_url(postgres_cluster: postgres.Cluster) -> Iterator[str]:
    """Give the URL of an empty database of this test's own."""
    url = postgres_cluster.new_database()
    yield url
    postgres_cluster.drop(url)


@pytest.fixture(scope="module")
def postgres_module_url(postgres_cluster: postgres.Cluster) -> Iterator[str]:
    """Give the URL of a database that the tests of one file share."""
    url = postgres_cluster.new_database()
    yield url
    postgres_cluster.drop(url)


@pytest.fixture(scope="session")
def shared_openapi() -> pathlib.Path:
    """Give the folder of the published API documents beside the checkout."""
    path = TOP.parent / "shared" / "openapi"
    if not path.is_dir():
        pytest.skip("the published API documents (shared/openapi beside the checkout) are not here")
    return path
