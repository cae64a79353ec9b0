# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Discovery through the modules: every validation type, a bad enrollment, PEM and history bit by bit, vanishing."""

from __future__ import annotations

import pathlib
from typing import Any

from edgecert_sandbox.handle import SandboxOptions, start

from ansible_collections.edgecert.clm.tests.support.playbooks import run_playbook

PLAY = """
- hosts: localhost
  gather_facts: false
  module_defaults:
    group/edgecert.clm.clm: {store: "{{ clm_store }}"}
  tasks:
    - name: onboard
      edgecert.clm.akamai_cps_device: &device
        name: edge
        edgerc: "{{ clm_edgerc }}"
        section: default
        ca_path: "{{ clm_ca_path }}"
        discover: "{{ clm_discover | default('full') }}"
        history: true
        budget: "{{ clm_budget }}"
    - name: predict
      edgecert.clm.akamai_cps_device: *device
      check_mode: true
    - name: go on
      edgecert.clm.akamai_cps_device: *device
    - name: list
      edgecert.clm.cert_info:
    - name: lines
      edgecert.clm.cert_info:
        view: holistic
    - name: vanished
      edgecert.clm.cert_info:
        state: [vanished]
"""


def test_an_account_of_every_kind_is_discovered_bit_by_bit(tmp_path: pathlib.Path) -> None:
    """D5, D7, D9, V1, V2: five enrollments, one of them broken, each with an earlier certificate."""
    play = tmp_path / "discover.yml"
    play.write_text(PLAY, encoding="utf-8")
    with start(SandboxOptions(limits=False, contracts=["C-1"])) as sandbox:
        kinds = ["third-party", "dv", "ov", "ev", "third-party"]
        first = sandbox.seed(5, contracts=["C-1"], kinds=kinds, former=1)["first"]
        sandbox.configure({"broken_enrollments": [f"{first + 4}=no-name"]})
        place = {"clm_edgerc": sandbox.edgerc, "clm_ca_path": sandbox.ca_path}
        place["clm_store"] = f"sqlite:///{tmp_path}/clm.db"

        def run(**more: Any) -> Any:
            return run_playbook(play, {**place, **more}).ok()

        done = run(clm_budget=8)
        found = done.task("onboard").result["discovery"]
        assert (found["enrollments"], found["unreadable"], found["fetched"], found["pems_left"]) == (4, 1, 3, 1)
        assert found["histories_left"] == 4 and str(first + 4) in found["notes"][0]
        assert done.task("onboard").result["calls"] == 8
        assert done.task("onboard").result["device"]["status_log"][-1]["result"] == "warning"
        assert done.task("predict").changed and len(done.task("predict").result["steps"]) == 2
        assert done.task("go on").result["discovery"]["former"] == 2
        rows = done.task("list").result["certificates"]
        assert sorted(row["validation_type"] for row in rows) == ["dv", "ev", "ov", "third-party"]
        done = run(clm_budget=100)
        assert done.task("onboard").result["discovery"]["histories_left"] == 0
        assert not done.task("go on").changed and not done.task("predict").changed
        lines = {row["certificate"]["certificate"]: row["lineage"] for row in done.task("lines").result["holistic"]}
        assert {len(line) for line in lines.values()} == {1}
        sandbox.configure({"hidden_enrollments": [str(first)]})
        done = run(clm_budget=100, clm_discover="changes")
        assert [row["enrollment_id"] for row in done.task("vanished").result["certificates"]] == [first]
        assert done.task("onboard").changed and not done.task("go on").changed
