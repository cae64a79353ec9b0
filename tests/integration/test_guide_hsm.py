# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The walk-through of the guide to keys in an HSM, run as written (E8)."""

from __future__ import annotations

import os
import pathlib
import re
import subprocess
import textwrap

import pytest

from ansible_collections.edgecert.clm.tests.support import softhsm
from ansible_collections.edgecert.clm.tests.support.playbooks import run_playbook

GUIDE = pathlib.Path(__file__).resolve().parents[2] / "docs" / "docsite" / "rst" / "guide_hsm.rst"
BLOCK = re.compile(r"(?m)^\.\. code-block:: (\w+)\n\n((?:(?:    .*)?\n)+)")


def blocks() -> list[tuple[str, str]]:
    """Give the blocks of the guide in order, each with its language."""
    return [(found[1], textwrap.dedent(found[2])) for found in BLOCK.finditer(GUIDE.read_text(encoding="utf-8"))]


def test_the_walk_through_runs_as_written(tmp_path: pathlib.Path) -> None:
    """Token, key device, enrolment, regeneration, and what another tool sees of it."""
    try:
        module = softhsm.module_path()
    except softhsm.NoTokens as reason:
        pytest.skip(str(reason))
    # What stands after it is a task, for who has a CA of his own in the token; the contract suite has one.
    (first, make_token), (second, play), (third, look), *_tasks = blocks()
    assert (first, second, third) == ("sh", "yaml", "sh")
    env = {
        "CLM_OFFICER_PIN": softhsm.SO_PIN,
        "CLM_TOKEN_PIN": softhsm.PIN,
        "EDGECERT_STORE": f"sqlite:///{tmp_path}/clm.db",
        "SOFTHSM2_CONF": f"{tmp_path}/clm-softhsm2.conf",
    }

    def shell(script: str) -> str:
        written = script.replace("/usr/lib/softhsm/libsofthsm2.so", module)
        done = subprocess.run(
            ["sh", "-euc", written],
            env={**os.environ, **env, "HOME": str(tmp_path)},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    shell(make_token)
    playbook = tmp_path / "site.yml"
    playbook.write_text(play.replace("/usr/lib/softhsm/libsofthsm2.so", module), encoding="utf-8")
    run = run_playbook(playbook, {}, env).ok()
    for task in ("Enrol", "Regenerate now, with a new key"):
        assert run.task(task).result["request"]["state"] == "issued"
    seen = shell(look)
    labels = set(re.findall(r"label: +(\S+)", seen))
    assert labels == {"app", "app.2"}
    assert seen.count("sensitive, always sensitive, never extractable, local") == 2
    assert softhsm.PIN not in run.stdout + seen
