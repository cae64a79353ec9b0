# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs each target under targets/ against the sandbox, on SQLite and on PostgreSQL."""

from __future__ import annotations

import contextlib
import itertools
import pathlib

import pytest
from edgecert_sandbox.handle import Handle

from ansible_collections.edgecert.clm.tests.integration.conftest import new_sandbox, variables
from ansible_collections.edgecert.clm.tests.support import softhsm
from ansible_collections.edgecert.clm.tests.support.adc import devices_of_target
from ansible_collections.edgecert.clm.tests.support.moved_clock import MovedClock
from ansible_collections.edgecert.clm.tests.support.playbooks import run_playbook

HERE = pathlib.Path(__file__).resolve().parent
TARGETS = sorted(path.parent.parent.name for path in HERE.glob("targets/*/tasks/main.yml"))
TOKENS = ("key_device", "csr_hsm")
RUNNABLE = [name for name in TARGETS if not name.startswith("setup_")]
# Fixtures that run what a target speaks to beside the sandbox; skipped, by name, where that is not installed.
SERVERS = {"ca_acme": "acme_server", "ca_vault_pki": "openbao"}
_numbers = itertools.count()

PLAY = """
- hosts: localhost
  gather_facts: false
  module_defaults:
    group/edgecert.clm.clm: "{{{{ clm_store_options }}}}"
  roles:
    - {target}
"""


def token_variables(target: str, folder: pathlib.Path) -> dict[str, str]:
    """Make the token that a target works in, and give what its tasks want to know; skips where none can be made."""
    if target not in TOKENS:
        return {}
    try:
        token = softhsm.new_token(folder)
    except softhsm.NoTokens as reason:
        pytest.skip(str(reason))
    return {
        "clm_pkcs11_module": token.module,
        "clm_token_label": token.label,
        "clm_token_settings": str(token.settings),
        "clm_token_pin": softhsm.PIN,
    }


@pytest.mark.parametrize("target", RUNNABLE)
def test_target_passes(
    target: str,
    sandbox: Handle,
    store: dict[str, str],
    clock: MovedClock,
    tmp_path: pathlib.Path,
    request: pytest.FixtureRequest,
) -> None:
    """One target, each with a contract of its own, so that no target meets another's enrollments."""
    playbook = tmp_path / "site.yml"
    playbook.write_text(PLAY.format(target=target), encoding="utf-8")
    contract = f"C-T{next(_numbers):02d}"
    work: dict[str, str] = {}
    with contextlib.ExitStack() as stack:
        if target in SERVERS:
            work.update(request.getfixturevalue(SERVERS[target]))
            # Its clock is the machine's, so that another run may not have moved the sandbox's.
            (clocks := tmp_path / "clock").mkdir()
            sandbox = stack.enter_context(new_sandbox())
            clock = MovedClock(clocks, sandbox)
        devices = stack.enter_context(devices_of_target(target, tmp_path))
        work = {"clm_work": str(tmp_path), "clm_now": clock.command, **token_variables(target, tmp_path), **work}
        run_playbook(
            playbook,
            {**variables(sandbox, store, contract), **work, **devices},
            {"ANSIBLE_ROLES_PATH": str(HERE / "targets"), **clock.environment},
        ).ok()
