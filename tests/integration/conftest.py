# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The sandbox that every integration test speaks to, and the stores they use."""

from __future__ import annotations

import pathlib
from collections.abc import Iterator
from typing import Any

import pytest
from edgecert_sandbox.handle import Handle, SandboxOptions, start
from xdist.scheduler import LoadScopeScheduling

from ansible_collections.edgecert.clm.tests.support import pebble
from ansible_collections.edgecert.clm.tests.support.moved_clock import MovedClock
from ansible_collections.edgecert.clm.tests.support.openbao import running

HERE = pathlib.Path(__file__).resolve().parent
STORE_KEY = "integration store key, kept by nobody"


class ByRun(LoadScopeScheduling):
    """Keeps in one process the tests that look at the same run of a playbook, a file each; targets share nothing.

    ``xdist_group`` says the same, and is not heard: newer pytest takes no other node id from a plugin.
    """

    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.partition("::")[0]
        return nodeid if file.endswith("test_targets.py") else file


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> ByRun:
    """Spread the tests over processes."""
    return ByRun(config, log)


def new_sandbox() -> Handle:
    """Start a sandbox; changes take no time there, limits are off."""
    contracts = [f"C-T{number:02d}" for number in range(40)]
    options = SandboxOptions(limits=False, instant=True, contracts=contracts, extra=("--set", "create_interval_s=0"))
    return start(options)


@pytest.fixture(scope="session")
def sandbox() -> Iterator[Handle]:
    """Start one sandbox for the whole run."""
    with new_sandbox() as handle:
        yield handle


@pytest.fixture(scope="session")
def clock(sandbox: Handle, tmp_path_factory: pytest.TempPathFactory) -> MovedClock:
    """Give the clock that lets nobody wait for this sandbox."""
    return MovedClock(tmp_path_factory.mktemp("clock"), sandbox)


@pytest.fixture(scope="session")
def openbao(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """Run an OpenBao, and give what a playbook has to know of it."""
    with running(tmp_path_factory.mktemp("openbao")) as bao:
        options, secrets = bao.credentials["approle"]
        yield {
            "clm_vault_url": bao.url,
            "clm_vault_ca_path": bao.ca_path,
            "clm_vault_role_id": options["role_id"],
            "clm_vault_secret_id": secrets["secret_id"],
        }


@pytest.fixture(scope="session")
def acme_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """Run a Pebble, and give what a playbook has to know of it."""
    with pebble.running(tmp_path_factory.mktemp("pebble"), binding=True) as server:
        yield {
            "clm_acme_url": server.url,
            "clm_acme_ca_path": server.ca_path,
            "clm_acme_dns": server.dns,
            "clm_acme_helper": server.helper,
            "clm_acme_eab_kid": pebble.EAB_KID,
            "clm_acme_eab_key": pebble.EAB_KEY,
        }


@pytest.fixture(params=["sqlite", "postgresql"])
def store(request: pytest.FixtureRequest, tmp_path: pathlib.Path) -> dict[str, str]:
    """Give the store options of a run, on either back end."""
    if request.param == "sqlite":
        return {"store": f"sqlite:///{tmp_path}/clm.db"}
    return {"store": request.getfixturevalue("postgres_url"), "store_key": STORE_KEY}


def variables(sandbox: Handle, store: dict[str, str], contract: str) -> dict[str, Any]:
    """Give what every playbook of the tests wants to know."""
    return {
        "clm_host": sandbox.host,
        "clm_edgerc": sandbox.edgerc,
        "clm_ca_path": sandbox.ca_path,
        "clm_contract": contract,
        "clm_edge_staging": sandbox.edge("staging"),
        "clm_edge_production": sandbox.edge("production"),
        "clm_name_server": sandbox.name_server,
        "clm_store_options": store,
    }
