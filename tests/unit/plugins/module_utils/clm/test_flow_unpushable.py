# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What can never go to Akamai says so wherever a push is asked for; all else works without a device (E6-E9, A1, U1)."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from ansible_collections.edgecert.clm.plugins.module_utils._ca.answer_base import Rejected
from ansible_collections.edgecert.clm.plugins.module_utils._ca.capability_base import Capabilities
from ansible_collections.edgecert.clm.plugins.module_utils._clm import push
from ansible_collections.edgecert.clm.plugins.module_utils._core import csr_sources
from ansible_collections.edgecert.clm.plugins.module_utils._core.errors import InputError, PolicyError, StateError
from ansible_collections.edgecert.clm.tests.support.flow import Bench, StubCa


def enroll(bench: Bench, **changes: Any) -> Any:
    """Enrol, and give the outcome as a test reads it."""
    return bench.enroll(**changes)


GROUP = {"organization": "Example AG", "country": "DE", "contract_id": "C-1", "validation_type": "third-party"}


@pytest.fixture
def house(bench: Bench) -> Bench:
    """Give a bench with a device and a certificate whose key was made here."""
    bench.prepare()
    bench.group(approvals={"push": 0}, defaults=GROUP)
    enroll(bench, device=None, csr_source="local")
    return bench


@pytest.mark.parametrize("source", [one for one in csr_sources.WHERE if one not in csr_sources.PUSHABLE])
def test_each_source_says_why_it_cannot_go_to_cps(source: str) -> None:
    """E6-E9: as data."""
    told = csr_sources.unpushable(source)
    assert f"csr_source {source}" in told and csr_sources.WHERE[source] in told and "csr_source: endpoint" in told
    assert csr_sources.unpushable("endpoint") == "" == csr_sources.unpushable("")


def test_an_application_connector_is_refused(house: Bench) -> None:
    """A1, E6: before anything is stored."""
    with pytest.raises(PolicyError, match="the key is made here and kept sealed in the store") as caught:
        house.connector()
    assert caught.value.code == "key_elsewhere" and house.records()["connectors"] == 0


@pytest.mark.parametrize("changes", [{}, {"action": "rollback"}, {"action": "remove"}, {"action": "configure"}])
def test_a_push_and_all_that_goes_with_it_is_refused(house: Bench, changes: dict[str, Any]) -> None:
    """U1, E6: no call is made."""
    house.calls()
    if changes.get("action") == "configure":
        changes = {**changes, "network_settings": {"quic": True}}
    with pytest.raises(PolicyError, match="CPS takes a certificate only for a key of its own"):
        house.plan_push(**changes)
    assert house.calls() == []


def test_it_is_taken_out_of_the_inventory_like_any_other(house: Bench) -> None:
    """U: nothing is at CPS, and nothing is said of it."""
    wanted = {"certificate": house.name(), "action": "remove", "remove_from": "store", "network": "staging"}
    plan = push.plan(wanted, house.ports)
    assert "CPS" not in plan.steps[0].sentence
    plan.execute()
    assert house.certificates() == []
    assert enroll(house, device=None, csr_source="local").record["state"] == "issued"


def test_options_of_cps_are_refused_and_policy_does_not_bring_them(house: Bench) -> None:
    """E9, E14: a group's contract is for enrollments; given beside another source it is a mistake."""
    with pytest.raises(InputError, match="contract_id does not go with csr_source local"):
        house.plan_enroll(device=None, csr_source="local", contract_id="C-1", common_name=house.name("b"))
    with pytest.raises(InputError, match="from_snapshot"):
        house.plan_enroll(
            device=None, action="regenerate", from_snapshot="previous", certificate=house.name(), force=True
        )
    with pytest.raises(InputError, match="take_settings does not go with csr_source local"):
        house.plan_enroll(device=None, action="regenerate", take_settings=True, certificate=house.name(), force=True)


def test_a_key_does_not_move_to_cps_or_away(house: Bench) -> None:
    """E9: an enrollment keeps its keys."""
    with pytest.raises(InputError, match="enrol it under another certificate id") as caught:
        house.plan_enroll(action="regenerate", csr_source="endpoint", certificate=house.name(), force=True)
    assert caught.value.code == "needs_new_enrollment"
    enroll(house, common_name=house.name("edge"), contract_id=house.contract)
    with pytest.raises(InputError, match="an enrollment at CPS keeps its keys there"):
        house.plan_enroll(
            device=None, action="regenerate", csr_source="local", certificate=house.name("edge"), force=True
        )


def test_another_source_under_the_same_id_is_refused(house: Bench) -> None:
    """E7, E9: an issued request says where its key was made."""
    with pytest.raises(StateError, match="csr_source is 'local', not 'endpoint'"):
        house.plan_enroll(csr_source="endpoint")


def test_edits_need_no_look_at_akamai(house: Bench) -> None:
    """E13: names come and go with a new certificate; properties at Akamai are no matter of it."""
    house.calls()
    plan = house.plan_enroll(
        device=None,
        action="regenerate",
        certificate=house.name(),
        subject_alternative_names={"dns": [house.name("api")], "ip": ["192.0.2.9"]},
    )
    outcome: Any = plan.execute()
    assert outcome.record["state"] == "issued" and house.calls() == []
    prediction = plan.extra["prediction"]
    assert prediction["edits"]["names_added"] == [house.name("api")] and prediction["warnings"] == []
    assert [one["kind"] for one in prediction["approvals"]] == ["enroll"]
    assert outcome.extra["certificate"]["san_count"] == 3


def test_requests_go_through_approval_and_schedule_like_any_other(house: Bench) -> None:
    """W1, E24: the key is made when it is implemented, not before."""
    house.group(approvals={"enroll": 1, "push": 0}, defaults=GROUP)
    asked = enroll(house, device=None, csr_source="local", common_name=house.name("b"))
    assert asked.record["state"] == "submitted"
    with house.store.read() as unit:
        assert unit.held_secrets.find(owner=asked.record["request_id"]) == []
    house.act("ada", "approve", request_id=asked.record["request_id"], wait=True, wait_timeout=60)
    done = enroll(house, device=None, csr_source="local", common_name=house.name("b"))
    assert done.record["state"] == "issued"


def test_automatic_renewal_makes_a_new_key_here(house: Bench) -> None:
    """E3: due work needs no device, and the successor inherits."""
    on = {"enabled": True, "days_before": 30}
    enroll(house, device=None, csr_source="local", auto_renew=on)
    house.advance(70 * 86400)
    done = house.run_due()
    assert [one["kind"] for one in done["done"]] == ["renewals"], done
    [line] = [one for one in house.certificates() if one["certificate"] == house.name()]
    assert line["state"] == "issued" and line["parent"] and line["auto_renew"]["enabled"]
    assert house.records()["held_secrets"] == 2


class Choosy(StubCa):
    """A CA that takes keys from two sources."""

    def capabilities(self) -> Capabilities:
        """Promise nothing else."""
        return replace(super().capabilities(), csr_sources=("local", "upload"))


def test_sources_that_a_ca_does_not_take_are_refused_with_those_it_does(house: Bench) -> None:
    """E7-E9: what a CA takes is data of it."""
    house.use_ca(Choosy(lambda csr: Rejected("not asked")))
    with pytest.raises(InputError, match="csr_source endpoint is not to be had with .*, which takes local, upload"):
        house.plan_enroll(common_name=house.name("b"), contract_id=house.contract)
    assert house.plan_enroll(common_name=house.name("b"), device=None, csr_source="local").changed


def test_a_source_that_no_device_stands_behind_is_refused(house: Bench) -> None:
    """E9: a request whose key device was taken out of the store meanwhile among them."""
    for source in ("endpoint", "hsm"):
        with pytest.raises(InputError, match=f"csr_source '{source}' is not to be had") as caught:
            house.ports.key_provider(source, None)
        assert caught.value.code == "csr_source_missing"


def test_csr_without_its_source_is_told_beside_what_else_is_missing(bench: Bench) -> None:
    """E7: a forgotten csr_source is not hidden behind a device that nobody needs."""
    bench.ca()
    with pytest.raises(InputError, match="csr does not go with csr_source endpoint") as caught:
        bench.plan_enroll(device=None, hsm={"device": "x"}, csr_source="endpoint", csr="x")
    told = caught.value.details["problems"]
    assert len(told) == 3 and "hsm does not go" in told[1] and "device is missing" in told[2]
