# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The answers of a survey as AWX sends them, all texts, through the playbook: what is empty is left out (E1 to E21)."""

from __future__ import annotations

import json
import pathlib
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from ansible_collections.edgecert.clm.tests.support import csrs
from ansible_collections.edgecert.clm.tests.support.playbooks import Result, run_playbook

TOP = pathlib.Path(__file__).resolve().parents[2]
SURVEY = json.loads((TOP / "extensions" / "awx" / "surveys" / "enroll_local.json").read_text(encoding="utf-8"))
PREPARE = """\
- name: Prepare
  hosts: localhost
  gather_facts: false
  tasks:
    - name: Add a CA
      edgecert.clm.ca_account:
        name: house
        type: own_ca
        options: {key_type: ec}
    - name: Give defaults
      edgecert.clm.cert_group:
        name: default
        defaults:
          organization: Example Ltd
          key_type: ec
"""


@pytest.fixture(scope="module")
def env(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Have a store with a CA and a group."""
    folder = tmp_path_factory.mktemp("surveys")
    found = {"EDGECERT_STORE": f"sqlite:///{folder}/clm.db", "EDGECERT_ACTOR": "ada"}
    playbook = folder / "prepare.yml"
    playbook.write_text(PREPARE, encoding="utf-8")
    run_playbook(str(playbook), {}, found).ok()
    return found


def answers(**given: str) -> dict[str, Any]:
    """Give every answer of the survey: those given, and what AWX sends where nobody answered."""
    found = {asked["variable"]: asked["default"] for asked in SURVEY["spec"]}
    assert set(given) <= set(found)
    return {**found, "clm_ca": "house", **given}


def attachments(env: dict[str, str], certificate: str) -> list[dict[str, Any]]:
    """Look at what is kept with a certificate."""
    path = pathlib.Path(env["EDGECERT_STORE"].removeprefix("sqlite:///")).parent / "look.yml"
    task = {"name": "Look", "edgecert.clm.cert_info": {"view": "attachments", "certificate": certificate}}
    path.write_text(json.dumps([{"hosts": "localhost", "gather_facts": False, "tasks": [task]}]), encoding="utf-8")
    return list(run_playbook(path, {}, env).ok().task("Look").result["attachments"])


def enrol(env: dict[str, str], **given: str) -> Result:
    """Run the playbook with a survey's answers."""
    return run_playbook("edgecert.clm.enroll", answers(**given), env)


def test_what_nobody_answered_is_left_out(env: dict[str, str]) -> None:
    """E1: the group's defaults hold then, and the same answers once more change nothing."""
    done = enrol(env, clm_common_name="plain.example.com").ok().task("Enrol")
    request = done.result["request"]
    wish = request["wish"]
    assert (request["state"], request["csr_source"], request["comment"]) == ("issued", "local", "")
    assert (wish["organization"], wish["key_type"], wish["validity"]) == (
        "Example Ltd",
        "ec",
        {"count": 90, "unit": "days"},
    )
    assert wish["generic"] == wish["attributes"] == wish["auto_renew"] == {}
    assert wish["subject_alternative_names"]["dns"] == ["plain.example.com"]
    assert not enrol(env, clm_common_name="plain.example.com").ok().task("Enrol").changed


def test_an_answer_that_a_job_reads_as_nothing_is_left_out_too(env: dict[str, str]) -> None:
    """AWX marks answers as unsafe in its file of variables, and an empty text so marked is read as null."""
    given = answers(clm_common_name="null.example.com")
    done = run_playbook("edgecert.clm.enroll", {name: value or None for name, value in given.items()}, env).ok()
    wish = done.task("Enrol").result["request"]["wish"]
    assert wish["generic"] == wish["attributes"] == wish["auto_renew"] == {} and not wish.get("extensions")


def test_every_kind_of_answer_is_understood(env: dict[str, str]) -> None:
    """E3, E4, E13 to E20: lists and mappings a line each, numbers and truth values as texts."""
    given = {
        "clm_common_name": "full.example.com",
        "clm_names": "a.example.com\nb.example.com, c.example.com\n",
        "clm_ips": "192.0.2.1 2001:db8::1",
        "clm_directory_names": "CN=edge,O=Example Ltd\n",
        "clm_subject_country": "GB",
        "clm_validity_count": "2",
        "clm_validity_unit": "months",
        "clm_validity_at_most": "true",
        "clm_key_type": "rsa",
        "clm_key_size": "3072",
        "clm_hash": "sha384",
        "clm_challenge_password": "Chall3nge!pw",
        "clm_challenge_password_confirm": "Chall3nge!pw",
        "clm_auto_renew": "true",
        "clm_auto_renew_days": "30",
        "clm_attributes": "team = edge\r\ncost_center=4711=x\n\n",
        "clm_ca_options": "certificate_profile=server_client",
        "clm_tracking_id": "CHG-1",
        "clm_generic_application_ip": "192.0.2.9",
        "clm_extension_key_usage": "digital_signature\r\nkey_encipherment\n",
        "clm_extension_extended_key_usage": "server_auth",
        "clm_extension_must_staple": "true",
        "clm_extension_custom": "1.3.6.1.4.1.55555.1=BQA=\r\n1.3.6.1.4.1.55555.2 = critical: BQA=\n",
        "clm_attachment_name": "order.txt",
        "clm_attachment_comments": "signed by both",
        "clm_attachment_content": "One certificate,\r\nas agreed",
    }
    done = enrol(env, **given).ok()
    request = done.task("Enrol").result["request"]
    wish = request["wish"]
    assert wish["subject_alternative_names"] == {
        "dns": ["full.example.com", "a.example.com", "b.example.com", "c.example.com"],
        "ip": ["192.0.2.1", "2001:db8::1"],
        "email": [],
        "uri": [],
        "directory": ["CN=edge,O=Example Ltd"],
    }
    assert wish["validity"] == {"count": 2, "unit": "months", "at_most": True}
    assert (wish["key_size"], wish["hash"], wish["country"]) == (3072, "sha384", "GB")
    assert wish["attributes"] == {"team": "edge", "cost_center": "4711=x"}
    assert wish["auto_renew"] == {"enabled": True, "days_before": 30}
    assert wish["generic"] == {"application_ip": "192.0.2.9", "tracking_id": "CHG-1"}
    assert request["ca_options"] == {"certificate_profile": "server_client"}
    assert wish["extensions"] == {
        "key_usage": ["digital_signature", "key_encipherment"],
        "extended_key_usage": ["server_auth"],
        "must_staple": True,
        "custom": [
            {"oid": "1.3.6.1.4.1.55555.1", "value": "BQA=", "critical": False},
            {"oid": "1.3.6.1.4.1.55555.2", "value": "BQA=", "critical": True},
        ],
    }
    [kept] = attachments(env, "full.example.com")
    assert (kept["name"], kept["comments"]) == ("order.txt", "signed by both")
    assert "Chall3nge!pw" not in done.stdout


def test_csr_and_attachment_come_from_files_where_the_job_runs(env: dict[str, str], tmp_path: pathlib.Path) -> None:
    """E7, E18: by their paths, which a survey may ask for; an attachment is named as its file where nobody names it."""
    made = csrs.make_csr(ec.generate_private_key(ec.SECP256R1()), ("file.example.com",), "file.example.com")
    (tmp_path / "file.csr").write_text(made, encoding="utf-8")
    (tmp_path / "order.txt").write_text("as agreed", encoding="utf-8")
    survey = json.loads((TOP / "extensions" / "awx" / "surveys" / "enroll_upload.json").read_text(encoding="utf-8"))
    given = {asked["variable"]: asked["default"] for asked in survey["spec"]}
    files = {"clm_csr_path": str(tmp_path / "file.csr"), "clm_attachment_path": str(tmp_path / "order.txt")}
    done = run_playbook("edgecert.clm.enroll", {**given, "clm_ca": "house", **files}, env).ok()
    result = done.task("Enrol").result
    assert result["request"]["certificate"] == "file.example.com" and result["request"]["csr_source"] == "upload"
    assert [one["name"] for one in attachments(env, "file.example.com")] == ["order.txt"]


def test_a_line_that_says_nothing_is_refused(env: dict[str, str]) -> None:
    """E19: read as nothing, it would remove the attributes there are."""
    done = enrol(env, clm_common_name="bad.example.com", clm_attributes="team=edge\ncost center")
    assert done.rc != 0 and "clm_attributes as name=value" in done.stdout
    assert "Give the name to enroll" in enrol(env).stdout


def test_everything_wrong_with_the_answers_is_told_at_once(env: dict[str, str]) -> None:
    """E12 to E20."""
    done = enrol(
        env, clm_common_name="bad name", clm_subject_country="UK", clm_key_size="1000", clm_auto_renew_days="x"
    )
    assert done.rc != 0 and "clm_auto_renew_days" not in done.stdout
    done = enrol(
        env, clm_common_name="bad name", clm_subject_country="UK", clm_generic_uuid="1", clm_description="\x07"
    )
    failure = done.task("Enrol").result["failure"]
    assert failure["code"] == "invalid_input" and len(failure["details"]["problems"]) == 4
