# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Playbooks of the collection with nothing but what they need, which the matrix runs on each ansible-core (R).

One ansible-core looks at variables that another one passes over: what was left out is what is tried here.
"""

from __future__ import annotations

import json
import pathlib

from ansible_collections.edgecert.clm.tests.support.playbooks import run_playbook

# A CA and keys of our own; nothing beside the store is asked.
LIFE = """\
- ansible.builtin.import_playbook: edgecert.clm.ca_account
- ansible.builtin.import_playbook: edgecert.clm.enroll
- ansible.builtin.import_playbook: edgecert.clm.run_due
- ansible.builtin.import_playbook: edgecert.clm.remove
  vars: {clm_certificate: www.example.com, clm_remove_from: store}
"""
WANTED = {
    "clm_ca": "own",
    "clm_ca_type": "own_ca",
    "clm_common_name": "www.example.com",
    "clm_csr_source": "local",
    "clm_subject_organization": "Example Ltd",
    "clm_subject_country": "GB",
}


def test_a_certificate_is_enrolled_what_is_due_is_done_and_it_leaves_the_inventory(tmp_path: pathlib.Path) -> None:
    (tmp_path / "life.yml").write_text(LIFE, encoding="utf-8")
    env = {"EDGECERT_STORE": f"sqlite:///{tmp_path}/clm.db", "EDGECERT_ACTOR": "ada"}
    done = run_playbook(tmp_path / "life.yml", {**WANTED, "clm_dest": str(tmp_path / "due.json")}, env).ok()
    assert done.task("Enrol").result["request"]["state"] == "issued"
    assert done.task("Do it").result["failures"] == []
    told = json.loads((tmp_path / "due.json").read_text(encoding="utf-8"))
    assert (told["rounds"], told["calls"], told["next_due_at"]) == (1, 0, None), "numbers stay numbers"
    assert done.task("Push").result["forgotten"] == ["www.example.com"]
