# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What credentials of AWX deliver reaches the playbooks by the environment, and what is missing is told (R, C)."""

from __future__ import annotations

import os
import pathlib
import subprocess
import sys
from typing import Any

import awx_pack
import pytest

from ansible_collections.edgecert.clm.tests.support.playbooks import Result, environment, run_playbook

TOP = pathlib.Path(__file__).resolve().parents[2]
SECRET = "a key of the API that nobody may see"


def injected(name: str, **inputs: str) -> dict[str, str]:
    """Give the environment that AWX makes of a credential: what was not filled in is empty."""
    [made] = [one for one in awx_pack.credential_types() if one["name"] == name]
    known = {one["id"] for one in made["inputs"]["fields"]}
    assert set(inputs) <= known and set(made["inputs"]["required"]) <= set(inputs)
    return {variable: inputs.get(text.strip("{} "), "") for variable, text in made["injectors"]["env"].items()}


@pytest.fixture
def store(tmp_path: pathlib.Path) -> dict[str, str]:
    return injected("Store", store=f"sqlite:///{tmp_path}/clm.db")


def account(env: dict[str, str], *arguments: str, **variables: Any) -> Result:
    """Run the playbook with what a survey sends."""
    given = {"clm_ca": "digicert", "clm_ca_type": "digicert", "clm_ca_options": "", "clm_ca_test": "false"}
    return run_playbook("edgecert.clm.ca_account", {**given, **variables}, env, arguments=arguments)


def test_a_secret_of_a_ca_comes_from_its_credential_and_shows_nowhere(store: dict[str, str]) -> None:
    """No secret is in extra variables, nor in the output of a job, at the highest verbosity; and it stays as stored."""
    env = {**store, **injected("CA digicert", api_key=SECRET)}
    done = account(env, "-vvv", clm_ca_options="division = shop\r\n").ok()
    kept = done.task("Keep it").result["ca_account"]
    assert kept["secrets_set"] and kept["options"]["division"] == "shop"
    assert SECRET not in done.stdout + done.stderr
    again = account(store).ok()
    assert again.task("Keep it").result["ca_account"]["secrets_set"] and not again.task("Keep it").changed


def test_without_the_credential_of_the_ca_it_is_said_what_is_missing(store: dict[str, str]) -> None:
    """Issue 7: a missing credential."""
    done = account(store)
    assert done.rc and "api_key is missing among the secrets" in done.stdout


def test_an_inventory_source_without_store_says_so(tmp_path: pathlib.Path) -> None:
    """Issue 7: an inventory source without store; in AWX's own settings, where what is not read is an error."""
    env = {
        **environment(tmp_path),
        **{"INVENTORY_SOURCE_ID": "3", "INVENTORY_UPDATE_ID": "9", "HOME": str(tmp_path)},
        **{"ANSIBLE_INVENTORY_UNPARSED_FAILED": "true", "ANSIBLE_INVENTORY_ENABLED": "auto,edgecert.clm.akamai_cps"},
    }
    source = TOP / "extensions" / "awx" / "certificates.akamai_cps.yml"
    command = [sys.executable, "-m", "ansible", "inventory", "-i", str(source), "--list"]
    done = subprocess.run(command, env=env, cwd=tmp_path, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode and "Cannot open the store" in " ".join(done.stderr.split())
    assert not os.path.exists(tmp_path / ".local")
