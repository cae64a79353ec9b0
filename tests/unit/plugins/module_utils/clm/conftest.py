# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One sandbox for all flows, and for each test a fresh bench with contracts that no other test has; or virtual time."""

from __future__ import annotations

import pathlib
from collections.abc import Iterator

import pytest
from edgecert_sandbox.handle import SandboxOptions, start

from ansible_collections.edgecert.clm.tests.support.flow import ENGINE, Bench, FlowClock, LeanAccount, contract_names
from ansible_collections.edgecert.clm.tests.support.virtual_bench import VirtualBench


@pytest.fixture(scope="session")
def account() -> Iterator[LeanAccount]:
    with start(SandboxOptions(limits=False)) as sandbox:
        yield LeanAccount(sandbox, contract_names(3000), FlowClock(sandbox))


@pytest.fixture
def bench(account: LeanAccount, tmp_path: pathlib.Path) -> Iterator[Bench]:
    account.sandbox.clear_faults()
    account.sandbox.configure(ENGINE)
    account.sandbox.calls(reset=True)
    account.clock.catch_up()
    made = Bench(account, tmp_path)
    yield made
    made.close()
    account.end()


@pytest.fixture
def virtual(tmp_path: pathlib.Path) -> Iterator[VirtualBench]:
    made = VirtualBench(tmp_path)
    yield made
    made.close()
