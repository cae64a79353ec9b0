# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is kept with a certificate and is in none, through enrolments: attributes, fields, attachments, ids."""

from __future__ import annotations

import pathlib
from typing import Any

import pytest
from ansible.module_utils.basic import AnsibleModule

from ansible_collections.edgecert.clm.plugins.module_utils._clm import queries
from ansible_collections.edgecert.clm.plugins.module_utils._core.errors import InputError
from ansible_collections.edgecert.clm.plugins.modules import cert_enroll
from ansible_collections.edgecert.clm.tests.support.flow import Bench
from ansible_collections.edgecert.clm.tests.support.run_module import run

EXTRAS: dict[str, Any] = {
    "attributes": {"team": "edge", "tier": 1},
    "generic": {"tracking_id": "CHG-7", "holder_email": "ada@example.com"},
    "auto_renew": {"enabled": True, "days_before": 20},
    "attachments": [{"name": "order.txt", "content": "as agreed\n", "state": "present"}],
}


def attachments_of(bench: Bench) -> list[dict[str, Any]]:
    """Ask ``cert_info`` for the attachments."""
    plan = queries.plan_certificates({"view": "attachments"}, bench.ports)
    return list(plan.extra["attachments"])


def test_an_enrolment_keeps_what_is_in_no_csr(bench: Bench) -> None:
    """E18, E19, E20: in the same call; the tracking id goes into every line of the audit."""
    bench.prepare()
    before = len(bench.audit())
    outcome = bench.enroll(**EXTRAS)
    assert outcome.record is not None and outcome.record["state"] == "issued"
    assert outcome.record["tracking_id"] == "CHG-7"
    assert outcome.record["wish"]["generic"]["holder_email"] == "ada@example.com"
    (certificate,) = bench.certificates()
    assert certificate["attributes"] == {"team": "edge", "tier": 1}
    assert certificate["auto_renew"] == {"enabled": True, "days_before": 20}
    assert certificate["attachments"] == 1
    (attachment,) = attachments_of(bench)
    assert (attachment["name"], attachment["request_id"]) == ("order.txt", outcome.record["request_id"])
    with bench.store.read() as unit:
        rows = list(unit.audit_rows())[before:]
        csrs = "".join(unit.requests.find()[0].csrs.values())
    assert {row.entry.tracking_id for row in rows if row.entry.noun in ("request", "certificate")} == {"CHG-7"}
    assert "attachment_added" in {row.entry.action for row in rows}
    assert "as agreed" not in str(rows) and "CHG-7" not in csrs


def test_the_same_again_changes_nothing_and_asks_nobody(bench: Bench) -> None:
    """E18, E19, E20; left out is as good as the same."""
    bench.prepare()
    bench.enroll(**EXTRAS)
    bench.calls()
    calls: list[dict[str, Any]] = [EXTRAS, {}, {"generic": None, "attributes": None, "attachments": []}]
    for again in calls:
        assert not bench.plan_enroll(**again).changed
    assert bench.calls() == []


def test_an_issued_certificate_gets_other_attributes_without_a_new_request(bench: Bench) -> None:
    """E3, E19, E20: what is left out stays, an empty mapping clears."""
    bench.prepare()
    bench.enroll(**EXTRAS)
    bench.calls()
    changed = bench.enroll(
        attributes={"team": "core"},
        generic={"holder_email": ""},
        auto_renew={"days_before": 10},
        attachments=[
            {"name": "order.txt", "state": "absent"},
            {"name": "mail.eml", "content": "hi", "state": "present"},
        ],
    )
    assert bench.calls() == []
    assert changed.record is not None and changed.record["state"] == "issued"
    (certificate,) = bench.certificates()
    assert certificate["attributes"] == {"team": "core"}
    assert certificate["auto_renew"] == {"enabled": True, "days_before": 10}
    assert changed.record["wish"]["generic"] == {"tracking_id": "CHG-7"}
    assert [one["name"] for one in attachments_of(bench)] == ["mail.eml"]
    bench.enroll(attributes={}, generic={}, auto_renew={})
    (certificate,) = bench.certificates()
    assert (certificate["attributes"], certificate["auto_renew"]) == ({}, {})
    assert bench.records()["requests"] == 1


@pytest.mark.parametrize(
    ("wish", "reason"),
    [
        ({"attributes": {"te am": "x"}}, "no usable name"),
        ({"generic": {"uuid": "1"}}, "RA setting"),
        ({"auto_renew": {"enabled": True, "days_before": 0}}, "1 to 120"),
        ({"auto_renew": {"enabled": True, "days_before": 121}}, "1 to 120"),
        ({"auto_regenerate": {"enabled": True, "days_before": 121}}, "1 to 120"),
        ({"auto_regenerate": {"enabled": True, "force_local_csr": True}}, "force_local_csr"),
        ({"auto_renew": {"enabled": True, "days_before": 90}, "validity": {"count": 90, "unit": "days"}}, "auto_renew"),
        ({"certificate": "a\nb"}, "cannot be seen"),
        ({"certificate": "x" * 256}, "255"),
        ({"certificate": " www"}, "blank"),
        ({"attachments": [{"name": "a", "state": "present"}]}, "path or content"),
    ],
)
def test_what_cannot_be_kept_is_refused_before_any_traffic(bench: Bench, wish: dict[str, Any], reason: str) -> None:
    """E3, E4, E18, E19, E20, E21."""
    bench.prepare()
    bench.calls()
    with pytest.raises(InputError, match=reason):
        bench.plan_enroll(**wish)
    assert bench.calls() == [] and bench.records()["requests"] == 0


def test_regenerating_may_begin_earlier_than_a_short_life_lasts(bench: Bench) -> None:
    """E4."""
    bench.prepare()
    plan = bench.plan_enroll(
        auto_regenerate={"enabled": True, "days_before": 120}, validity={"count": 7, "unit": "days"}
    )
    assert plan.changed


def test_the_id_is_the_common_name_unless_it_is_named_or_deleted(bench: Bench) -> None:
    """E21: by default the common name; edited as it is; deleted, common name and time."""
    bench.prepare()
    plain = bench.plan_enroll().after
    assert plain is not None and plain["certificate"] == bench.name()
    odd = "Straße 7 / {{ #2 }}"
    named = bench.plan_enroll(certificate=odd).after
    assert named is not None and named["certificate"] == odd
    deleted = bench.plan_enroll(certificate="  ").after
    assert deleted is not None
    assert deleted["certificate"].startswith(f"{bench.name()}-20") and deleted["certificate"].endswith("Z")


def test_an_odd_id_is_found_again(bench: Bench) -> None:
    """E21."""
    bench.prepare()
    odd = "Straße 7 / {{ #2 }} 'x' ~1"
    bench.enroll(certificate=odd, attachments=[{"name": "a", "content": "x", "state": "present"}])
    assert [one["certificate"] for one in bench.certificates(certificate=odd)] == [odd]
    assert [one["certificate"] for one in attachments_of(bench)] == [odd]
    assert not bench.plan_enroll(certificate=odd).changed


def test_a_private_key_that_is_attached_shows_in_no_result_log_or_database(
    bench: Bench, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """E18, design §8: neither the arguments repeated nor the system's log nor the files of the store hold it; what else
    is attached masks nothing of the result, which it would where a word of it is a word of an attachment."""
    logged: list[str] = []

    def log(_module: AnsibleModule, message: str, log_args: Any = None) -> None:
        logged.append(f"{message} {log_args}")

    monkeypatch.setattr(AnsibleModule, "log", log)
    bench.prepare()
    line = "MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQg"
    key = f"-----BEGIN PRIVATE KEY-----\n{line}\n-----END PRIVATE KEY-----\n"
    options: dict[str, Any] = {
        "store": bench.url,
        "common_name": bench.name(),
        "ca": "house",
        "device": "edge",
        "wait": True,
        "attachments": [{"name": "key.pem", "content": key}, {"name": "enroll", "content": "issued"}],
    }
    result = run(cert_enroll.main, options, check=True, diff=True, invocation=True)
    assert "failed" not in result, result
    assert result["request"]["state"] == "issued" and result["request"]["action"] == "enroll"
    assert line not in str(result) and not any(line in text for text in logged)
    bench.enroll(attachments=[{**one, "state": "present"} for one in options["attachments"]])
    assert [one["name"] for one in attachments_of(bench)] == ["enroll", "key.pem"]
    for file in tmp_path.glob("clm.db*"):
        assert line.encode() not in file.read_bytes(), file.name


def test_what_is_only_asked_for_stands_in_the_holistic_view_with_its_csr_source_and_ca(bench: Bench) -> None:
    """E23: from the wish on, CSR and CA as a connector; application connectors follow."""
    bench.prepare()
    bench.enroll(wait=False, ca_connector_name="house for the shop")
    plan = queries.plan_certificates({"view": "holistic", "certificate": bench.name()}, bench.ports)
    [shown] = plan.extra["holistic"]
    told = shown["ca_connector"]
    assert (told["name"], told["ca"], told["type"]) == ("house for the shop", "house", "own_ca")
    assert told["csr_source"] == "endpoint" and told["request"]["state"] not in ("issued", "failed")
    assert shown["connectors"] == []
