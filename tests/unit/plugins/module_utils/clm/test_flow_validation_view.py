# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What DV certificates wait for, as ``cert_info`` tells it: asked of CPS on demand, never written (V2)."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from ansible_collections.edgecert.clm.plugins.module_utils._clm import queries
from ansible_collections.edgecert.clm.plugins.module_utils._core.errors import InputError
from ansible_collections.edgecert.clm.plugins.module_utils._glue.run import _Meter
from ansible_collections.edgecert.clm.tests.support.flow import Bench

KINDS = ("dv", "dv-pending", "third-party", "ov")


@pytest.fixture
def mixed(bench: Bench) -> Bench:
    """Give a discovered contract with one certificate of each kind, the ids following each other."""
    bench.sandbox.seed(len(KINDS), contracts=[bench.contract], kinds=list(KINDS))
    # A change that has just begun waits for nothing yet.
    bench.advance(30)
    bench.device()
    return bench


def asked(bench: Bench, **params: Any) -> list[dict[str, Any]]:
    """Ask for the view, as a call of its own that counts its calls."""
    meter = _Meter()
    made = bench.make_ports(bench.store)
    ports = replace(made, target=meter.watched(made.target), calls=meter.calls)
    bench.calls()
    plan = queries.plan_certificates({"view": "validation", **params}, ports)
    assert plan.steps == ()
    return list(plan.extra["validation"])


def test_challenges_and_history_of_dv_certificates_are_shown(mixed: Bench) -> None:
    """V2, cps-protocol §2.5: with the state of each domain; other kinds have none; read only."""
    live, pending = asked(mixed)
    calls = mixed.calls()
    assert {method for method, _path in calls} == {"GET"} and len(calls) == 2 + 3
    assert live["looked"] and live["domains"] == []
    [line] = live["history"]
    assert line["domain"] in live["certificate"] and line["attempts"][0]["requested_at"]
    shown = {one["domain"]: one for one in pending["domains"]}
    assert len(shown) == 2
    domain = shown[pending["certificate"]]
    assert domain["change_id"] and domain["status"] and domain["requested_at"]
    by_type = {challenge["type"]: challenge for challenge in domain["challenges"]}
    assert by_type["dns-01"]["path"] == f"_acme-challenge.{domain['domain']}." and by_type["dns-01"]["content"]
    assert by_type["http-01"]["redirect"].startswith("http://dcv.akamai.com/")
    assert [one["certificate"] for one in asked(mixed, certificate=pending["certificate"])] == [pending["certificate"]]


def test_a_monitored_device_is_read_and_an_ignored_one_is_not_asked(mixed: Bench) -> None:
    """D5: reading is no action."""
    mixed.again(cert_sync="monitored", discover="none", validate=False).execute()
    assert [one["looked"] for one in asked(mixed)] == [True, True]
    mixed.again(cert_sync="ignored", discover="none", validate=False).execute()
    assert asked(mixed) == []
    found = asked(mixed, sync=["ignored"])
    assert mixed.calls() == [] and all("is ignored" in one["problem"] and not one["looked"] for one in found)


def test_a_budget_ends_the_look_and_is_of_views_that_ask(mixed: Bench) -> None:
    """Design §6."""
    live, pending = asked(mixed, budget=2)
    assert live["looked"] and not pending["looked"] and "budget of 2 calls" in pending["problem"]
    assert len(mixed.calls()) == 2
    with pytest.raises(InputError, match="give a number from 1"):
        asked(mixed, budget=0)
    with pytest.raises(InputError, match="usage and validation"):
        queries.plan_certificates({"view": "list", "budget": 5}, mixed.ports)


def test_an_enrollment_that_is_gone_is_said_and_the_others_are_read(mixed: Bench) -> None:
    """D7: it went since the last discovery."""
    first = asked(mixed)[0]["enrollment_id"]
    mixed.sandbox.configure({"hidden_enrollments": [str(first)]})
    gone, pending = asked(mixed)
    assert not gone["looked"] and f"enrollment {first}" in gone["problem"] and "HTTP 404" in gone["problem"]
    assert pending["looked"] and pending["domains"]
    mixed.sandbox.configure({"hidden_enrollments": []})


def test_a_device_that_cannot_be_asked_is_asked_once(mixed: Bench) -> None:
    """W5: one refusal says it for all of its certificates."""
    mixed.sandbox.fault("forbidden", method="GET", path="/enrollments/", times=0)
    found = asked(mixed)
    mixed.sandbox.clear_faults()
    assert len(mixed.calls()) == 1
    assert [one["looked"] for one in found] == [False, False]
    assert {one["problem"] for one in found} == {found[0]["problem"]} and "grant" in found[0]["problem"]
