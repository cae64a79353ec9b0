# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a playbook of the collection may not do by itself: send data that nobody gave, or end well without the end."""

from __future__ import annotations

import pathlib
from typing import Any

import yaml

PLAYBOOK = pathlib.Path(__file__).resolve().parents[2] / "playbooks" / "first_certificate.yml"


def _tasks() -> dict[str, Any]:
    [play] = yaml.safe_load(PLAYBOOK.read_text(encoding="utf-8"))
    modules = {key: value for task in play["tasks"] for key, value in task.items() if "." in key}
    return {"vars": play["vars"], **modules, "last": play["tasks"][-1]}


def test_the_first_certificate_is_of_given_names_and_given_people_only() -> None:
    found = _tasks()
    assert found["vars"]["clm_names"] == ["{{ clm_common_name }}"]
    given = ("clm_common_name", "clm_organization", "clm_admin_contact", "clm_tech_contact")
    assert not set(given) & set(found["vars"])
    saved = found["edgecert.clm.akamai_vendor_settings"]
    for name in ("organization", "admin_contact", "tech_contact"):
        assert saved[name] == f"{{{{ clm_{name} | default(omit) }}}}", "what is not given must stay as it is saved"
    assert "change_management" not in saved


def test_the_first_certificate_ends_well_only_on_staging() -> None:
    assert _tasks()["last"]["ansible.builtin.assert"]["that"] == "clm_pushed.work_order.state == 'completed'"
