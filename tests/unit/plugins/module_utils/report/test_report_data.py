# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a report gathers: certificates with what is around them, devices, and who must do what by when (V1, V2, E23)."""

from __future__ import annotations

import json
import pathlib
import re
from collections import Counter
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest

from ansible_collections.edgecert.clm.plugins.module_utils._clm import report_work
from ansible_collections.edgecert.clm.plugins.module_utils._clm.filters import Filters
from ansible_collections.edgecert.clm.plugins.module_utils._clm.report_data import gather
from ansible_collections.edgecert.clm.plugins.module_utils._core.clock import to_text
from ansible_collections.edgecert.clm.plugins.module_utils._store.base import Store
from ansible_collections.edgecert.clm.plugins.module_utils._store.open import open_store
from ansible_collections.edgecert.clm.plugins.module_utils._store.seal import StoreKey
from ansible_collections.edgecert.clm.tests.support import report_seed
from ansible_collections.edgecert.clm.tests.support.stores import StandingClock

NOW = datetime(2026, 11, 30, 18, 0, tzinfo=timezone.utc)
GUIDE = pathlib.Path(__file__).resolve().parents[5] / "docs" / "docsite" / "rst" / "guide_report.rst"


def gathered(store: Store, **filters: Any) -> dict[str, Any]:
    """Gather a report of the estate."""
    with store.read() as unit:
        return gather(unit, Filters.from_options(filters), NOW, "x")


def one(report: dict[str, Any], name: str) -> dict[str, Any]:
    """Give one certificate of a report."""
    [found] = [each for each in report["certificates"] if each["certificate"] == name]
    return dict(found)


def test_a_certificate_stands_between_its_ca_and_its_networks(estate: Store) -> None:
    """V2, E23: CA connector, application connectors, devices with the status of their work orders, what it follows."""
    www = one(gathered(estate), "www.example.com")
    assert (www["ca_connector"]["name"], www["ca_connector"]["request"]["label"]) == ("in-house", "Completed")
    devices = {device["name"]: device for each in www["connectors"] for device in each["devices"]}
    assert [order["label"] for order in devices["edge-emea"]["work_orders"]] == ["Completed", "Completed"]
    assert (devices["edge-old"]["status"], devices["edge-gone"]["status"]) == ("failed", None)
    assert [former["certificate"] for former in www["lineage"]] == ["www.example.com~5a1c"]
    assert [step["step"] for step in www["history"]][0] in ("completed", "issued")
    assert {step["comment"] for step in www["history"]} == {"", "for the relaunch", "go", "chain is right"}


def test_devices_are_listed_with_their_status_log(estate: Store) -> None:
    """V1, D8, D9: also those that could not be read, and those without a certificate."""
    devices = {each["name"]: each for each in gathered(estate)["devices"]}
    assert [each["result"] for each in devices["edge-emea"]["status_log"]] == ["ok"] * 4
    assert devices["edge-old"]["status_log"][0]["detail"] == "Akamai answered 403"
    assert {name: each["certificates"] for name, each in devices.items()} == {
        "edge-emea": 7,
        "edge-us": 14,
        "edge-old": 0,
        "edge-lab": 0,
    }


def test_a_filtered_report_has_what_belongs_to_what_is_asked_for_alone(estate: Store) -> None:
    """V1: the filters are those of cert_info, and stand in the report."""
    report = gathered(estate, device=["edge-us"], expires_within_days=20)
    assert report["filters"] == {"device": ["edge-us"], "expires_within_days": 20}
    assert [each["certificate"] for each in report["certificates"]] == [f"site{n:02d}.example.net" for n in range(4)]
    assert [each["name"] for each in report["devices"]] == ["edge-us"]
    assert report["pending"] == []
    payments = gathered(estate, attributes={"team": "payments"})
    assert [each["certificate"] for each in payments["pending"]] == ["pay.example.com"]


def test_what_is_counted_is_what_is_in_use(estate: Store) -> None:
    """V1: a revoked certificate expires nobody, a pending one not yet; groups warn at their own time."""
    summary = gathered(estate)["summary"]
    assert (summary["certificates"], summary["expired"], summary["expiring"]) == (21, 1, 6)
    assert summary["by_state"] == {"issued": 19, "pending": 1, "revoked": 1}
    assert summary["devices_by_status"] == {"failed": 1, "managed": 1, "monitored": 1, "unresolved": 1}
    assert (summary["pending"], summary["waiting_for_people"]) == (5, 5)


def test_what_production_still_serves_is_counted_though_it_was_renewed(tmp_path: pathlib.Path) -> None:
    """V1: clients see what production serves, and that may end although there is a successor already."""
    store = open_store(f"sqlite:///{tmp_path}/clm.db", StoreKey(), StandingClock(), "tester", create=True)
    with store.write() as unit:
        for name, days in (("renewed", 3), ("late", -2)):
            seen = {"fingerprint": "00", "not_after": to_text(NOW + timedelta(days=days, hours=1))}
            unit.certificates.add(report_seed.certificate(f"{name}.example.org", NOW, 88, production=seen))
    summary = gathered(store)["summary"]
    filtered = [gathered(store, **asked) for asked in ({"expiring": True}, {"expires_within_days": 2})]
    store.close()
    assert (summary["certificates"], summary["expired"], summary["expiring"]) == (2, 1, 1)
    found = [[each["certificate"] for each in report["certificates"]] for report in filtered]
    assert found == [["late.example.org", "renewed.example.org"], ["late.example.org"]]


def test_all_is_read_in_a_few_looks_at_the_store(estate: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """Rule of the issue: ten thousand certificates are read in as many queries as ten."""
    looks: Counter[str] = Counter()
    with estate.read() as unit:
        for name in (
            *("certificates", "requests", "work_orders", "connectors", "devices", "groups", "pems", "attachments"),
        ):
            repository = getattr(unit, name)
            for method in ("find", "get", "outlines"):
                real = getattr(repository, method)

                def counted(*key: Any, _real: Any = real, _name: str = name, **equal: Any) -> Any:
                    looks[_name] += 1
                    return _real(*key, **equal)

                monkeypatch.setattr(repository, method, counted, raising=False)
        gather(unit, Filters(), NOW, "x")
    assert looks["pems"] == 0
    assert max(looks.values()) <= 3, looks


WAITING: dict[str, Any] = {
    "state": "submitted",
    "actions": ["approve", "reject", "cancel"],
    "approvals_given": 0,
    "approvals_needed": 1,
    "may_not_approve": [],
    "manual_implementation": False,
    "reason": "",
    "scheduled_at": None,
    "last_safe_at": None,
    "not_after": None,
}


@pytest.mark.parametrize(
    ("change", "what", "who"),
    [
        ({}, "approve", "an approver"),
        ({"may_not_approve": ["ada", "bob"]}, "approve", "an approver other than ada, bob"),
        ({"approvals_given": 1}, "wait", "nobody: cert_lifecycle goes on with it"),
        ({"state": "needs_decision", "actions": ["implement", "cancel"]}, "decide", "an operator"),
        ({"state": "in_doubt", "actions": ["retry"]}, "decide", "an operator"),
        ({"state": "implementing", "actions": ["implement"], "reason": "needs_decision"}, "decide", "an operator"),
        ({"state": "implementing", "actions": ["cancel"], "reason": "uploaded_elsewhere"}, "decide", "an operator"),
        (
            {"state": "scheduled", "actions": [], "manual_implementation": True, "scheduled_at": "2026-12-02"},
            "wait",
            "nobody: cert_lifecycle goes on with it",
        ),
        ({"state": "approved", "actions": ["implement"], "manual_implementation": True}, "implement", "an operator"),
        ({"state": "approved", "actions": ["implement"]}, "wait", "nobody: cert_lifecycle goes on with it"),
        ({"state": "deploying_staging", "actions": ["implement"]}, "wait", "nobody: cert_lifecycle goes on with it"),
    ],
)
def test_who_must_do_what_is_said_of_each_open_record(change: dict[str, Any], what: str, who: str) -> None:
    """W2, W4."""
    task = report_work.task({**WAITING, **change})
    assert (task["what"], task["who"]) == (what, who)


def test_somebody_has_to_act_where_the_ca_waits_for_it(estate: Store) -> None:
    """E24: the record to publish stands with the request that waits for it."""
    [found] = [each for each in gathered(estate)["pending"] if each["certificate"] == "new.example.com"]
    assert found["task"]["what"] == "ca_action"
    assert found["ca_actions"][0]["name"] == "_dnsauth.new.example.com"
    assert found["ca_connector"] == {"name": "digicert", "ca": "digicert", "type": "digicert", "csr_source": "endpoint"}


@pytest.mark.parametrize(
    ("safe", "ends", "by", "reason"),
    [
        (None, None, None, ""),
        (None, "2027-01-02T00:00:00Z", "2027-01-02T00:00:00Z", "the certificate in use expires"),
        ("2026-12-26T00:00:00Z", "2027-01-02T00:00:00Z", "2026-12-26T00:00:00Z", "CPS deploys by itself"),
        ("2027-02-01T00:00:00Z", "2027-01-02T00:00:00Z", "2027-01-02T00:00:00Z", "expires"),
    ],
)
def test_until_when_is_the_first_of_what_may_happen(safe: Any, ends: Any, by: Any, reason: str) -> None:
    """Design §5."""
    task = report_work.task({**WAITING, "last_safe_at": safe, "not_after": ends})
    assert task["by"] == by and reason in task["by_reason"]


def test_a_long_history_keeps_its_newest_steps() -> None:
    """A renewal each month leaves steps by the hundred."""
    steps = tuple(
        {"type": f"step_{n}", "at": f"2026-01-01T00:{n // 60:02d}:{n % 60:02d}Z", "actor": "ada"} for n in range(90)
    )
    request = report_seed.request("a.example.com", NOW, "issued", conditions=steps)
    history = report_work.history([request], [])
    assert len(history) == report_work.HISTORY_LIMIT
    assert (history[0]["step"], history[-1]["step"]) == ("step_89", "step_30")


def test_no_secret_and_no_who_asks_is_in_a_report(estate: Store) -> None:
    """Design §8: what redaction masks stays masked, and two people get the same report."""
    text = json.dumps(gathered(estate))
    assert "may_approve" not in text and "client_secret" not in text


@pytest.mark.parametrize("section", ["summary", "devices", "pending", "certificates"])
def test_no_member_goes_away_without_a_new_version(section: str, estate: Store) -> None:
    """V1: the guide promises these to readers of version 1."""
    text = GUIDE.read_text(encoding="utf-8").partition("\nJSON\n")[2]
    [promised] = re.findall(rf"(?m)^``{section}``\n((?:    .*\n)+)", text)
    no_members = {
        *("cert_info", "view: pending", "what", "who", "by", "by_reason"),
        *("approve", "decide", "implement", "ca_action", "wait", "network_settings"),
    }
    found = gathered(estate)[section]
    members = set(found if isinstance(found, dict) else found[0])
    assert set(re.findall(r"``([^`]+)``", promised)) - no_members == members - {"network_settings"}


def test_every_member_is_described_in_the_guide(estate: Store) -> None:
    """V1: whoever reads the JSON finds each member of the report in the guide, and none that is not there."""
    report = gathered(estate)
    text = GUIDE.read_text(encoding="utf-8").partition("JSON\n----")[2]
    missing = []
    for name, value in report.items():
        inner = value[0] if isinstance(value, list) and value else value if isinstance(value, dict) else {}
        missing += [word for word in (name, *inner) if name != "filters" and f"``{word}``" not in text]
    assert missing == []
    told = re.search(r"``version`` is (\d+)", text)
    assert told and told[1] == str(report["version"])


def test_a_moment_later_only_the_days_and_the_moment_differ(estate: Store) -> None:
    """Changed means more than the moment: see the formats' settled."""
    first = gathered(estate)
    with estate.read() as unit:
        later = gather(unit, Filters(), NOW + timedelta(hours=1), "x")
    assert first["certificates"] == later["certificates"]
    assert first["generated_at"] != later["generated_at"]
