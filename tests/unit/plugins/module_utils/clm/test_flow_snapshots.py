# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Snapshots of an enrollment before each write, and rolling forward from one: old names and settings, a new key."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from ansible_collections.edgecert.clm.plugins.module_utils._clm import queries, snapshots
from ansible_collections.edgecert.clm.plugins.module_utils._core.errors import (
    ClmError,
    ConflictError,
    InputError,
    NotFoundError,
    StateError,
)
from ansible_collections.edgecert.clm.plugins.module_utils._core.snapshots import Snapshot
from ansible_collections.edgecert.clm.plugins.module_utils._cps import changes
from ansible_collections.edgecert.clm.plugins.module_utils._cps.enrollment_wire import enrollment_update
from ansible_collections.edgecert.clm.plugins.module_utils._glue.wire_target import client_of
from ansible_collections.edgecert.clm.tests.support.flow import Bench


def kept(bench: Bench) -> list[dict[str, Any]]:
    """Ask ``cert_info`` for the snapshots."""
    plan = queries.plan_certificates({"view": "snapshots", "certificate": bench.name()}, bench.ports)
    return list(plan.extra["snapshots"])


def regenerate(bench: Bench, **changes: Any) -> dict[str, Any]:
    """Regenerate until it is issued."""
    record = bench.enroll(certificate=bench.name(), action="regenerate", ca=None, **changes).record
    assert record is not None
    return dict(record)


def to_production(bench: Bench) -> None:
    """Push what is issued to production."""
    record = bench.push(network="production").record
    assert record is not None and record["state"] == "completed"


def served(bench: Bench) -> str:
    """Give the primary certificate of production."""
    [found] = bench.enrollments()
    return str(found["production"].certificates[0]["fingerprint"])


class Twice:
    """A certificate on production that was followed by another, whose enrollment was edited along with it.

    :ivar first: fingerprint of the one before; ``second`` of the one that is served now.
    """

    def __init__(self, bench: Bench) -> None:
        self.bench = bench
        bench.issued()
        to_production(bench)
        self.first = served(bench)
        regenerate(bench, dual_stack=True)
        to_production(bench)
        self.second = served(bench)
        with bench.store.read() as unit:
            [device], [certificate] = unit.devices.find(), unit.certificates.find(state="issued")
        self.client = client_of(device, bench.store, bench.clock, bench.environment)
        self.enrollment_id = certificate.enrollment_id or 0

    def raw(self) -> dict[str, Any]:
        """Read the enrollment as CPS has it."""
        return dict(self.client.get_enrollment(self.enrollment_id).raw)


@pytest.fixture
def twice(bench: Bench) -> Twice:
    return Twice(bench)


def test_the_enrollment_is_kept_before_each_write_and_costs_no_call(bench: Bench) -> None:
    """U5, cps-protocol 6.5: before the upload, before the renewal is forced, before a change is cancelled."""
    bench.issued()
    assert kept(bench) == []
    bench.push()
    [upload] = kept(bench)
    assert (upload["before"], upload["production"], upload["enrollment"]["csr"]["cn"]) == ("upload", {}, bench.name())
    to_production(bench)
    first = served(bench)
    regenerate(bench, force=True)
    bench.push()
    bench.calls()
    bench.push(action="rollback")
    assert [method for method, _path in bench.calls()].count("DELETE") == 1
    shown = kept(bench)
    assert [one["before"] for one in shown] == ["upload", "update", "upload", "cancel"]
    assert [one["production"].get("fingerprint") for one in shown] == [None, first, first, first]
    assert shown[1]["request_id"] == shown[2]["request_id"] != shown[0]["request_id"]
    assert shown[1]["work_order_id"] == "" != shown[2]["work_order_id"]


def test_a_snapshot_holds_no_key_and_goes_with_a_backup(twice: Twice, tmp_path: Any) -> None:
    """U5, design 8: CPS keeps the keys; what is kept here is in the count of records that a backup compares."""
    shown = kept(twice.bench)
    assert "PRIVATE KEY" not in str(shown) and "secret" not in str(shown).lower()
    assert twice.bench.records()["snapshots"] == len(shown) > 0


def test_the_newest_ten_are_kept_and_the_same_one_is_not_kept_twice(bench: Bench) -> None:
    """U5: the table does not grow with the years."""
    bench.issued()
    bench.push()
    with bench.store.write() as unit:
        [first] = unit.snapshots.find()
        assert first.created_at is not None
        for number in range(26):
            at = first.created_at + timedelta(minutes=number + 1)
            one = replace(first, snapshot_id=f"snap-{number:02d}", request_id=f"req-{number // 2:02d}", created_at=at)
            snapshots.keep(unit, one)
            assert len(unit.snapshots.find()) == min(2 + number // 2, snapshots.KEPT)
        found = [snapshot.request_id for snapshot in unit.snapshots.find()]
    assert len(found) == snapshots.KEPT and found == [f"req-{number:02d}" for number in range(3, 13)]


def test_an_answer_that_is_lost_still_leaves_the_snapshot(bench: Bench) -> None:
    """U5, design 3: it is written before the write it is about."""
    bench.issued()
    to_production(bench)
    bench.sandbox.fault(kind="lost_before", method="PUT", path="force-renewal", times=0)
    with pytest.raises(Exception, match="Cannot|No answer|connection"):
        bench.enroll(certificate=bench.name(), action="regenerate", ca=None, force=True)
    assert [one["before"] for one in kept(bench)] == ["upload", "update"]


# -- rolling forward -----------------------------------------------------------------------------------------------


def test_rollback_after_production_names_the_call_that_rolls_forward(twice: Twice) -> None:
    """U5: it is said beforehand, orders nothing, and names the snapshot of the time before."""
    bench = twice.bench
    with pytest.raises(StateError, match="CPS has no key") as caught:
        bench.plan_push(action="rollback", network="production")
    snapshot_id = caught.value.details["from_snapshot"]
    assert f"from_snapshot: {snapshot_id}" in caught.value.message
    [before] = [one for one in kept(bench) if one["snapshot_id"] == snapshot_id]
    assert before["production"]["fingerprint"] == twice.first and before["before"] == "update"
    assert before["enrollment"]["enableMultiStackedCertificates"] is False


@pytest.mark.parametrize("word", ["previous", "id"])
def test_rolling_forward_restores_settings_with_a_new_key_and_is_not_done_twice(twice: Twice, word: str) -> None:
    """U5, cps-protocol 6.5: one enrollment, the stack and network settings of before, a certificate nobody had yet."""
    bench = twice.bench
    network = {"networkConfiguration": {"quicEnabled": True}}
    body = enrollment_update(twice.raw(), network)
    twice.client.update_enrollment(twice.enrollment_id, body)
    bench.advance(30)
    [change] = twice.raw()["pendingChanges"]
    change_id = int(str(change["location"]).rpartition("/")[2])
    info = twice.client.get_change_management_info(twice.enrollment_id, change_id)
    twice.client.acknowledge(changes.CHANGE_MANAGEMENT, twice.enrollment_id, change_id, hash_text=info.hash)
    bench.advance(60)
    assert twice.raw()["networkConfiguration"]["quicEnabled"] is True
    wanted = word
    if word == "id":
        wanted = next(one["snapshot_id"] for one in kept(bench) if one["before"] == "update")
    plan = bench.plan_enroll(certificate=bench.name(), action="regenerate", ca=None, from_snapshot=wanted)
    assert any(step.sentence.startswith(f"Restore enrollment {twice.enrollment_id} from snap-") for step in plan.steps)
    told = plan.extra["prediction"]
    assert told["from_snapshot"].startswith("snap-") and (told["csrs"], told["ca_orders"]) == (["RSA"], 1)
    assert told["edits"]["changed"] == {"dual_stack": {"before": True, "after": False}}
    record = regenerate(bench, from_snapshot=wanted)
    assert record["state"] == "issued" and set(record["fingerprints"]) == {"RSA"}
    assert not {twice.first, twice.second} & set(record["fingerprints"].values())
    to_production(bench)
    raw = twice.raw()
    assert raw["enableMultiStackedCertificates"] is False and raw["networkConfiguration"]["quicEnabled"] is False
    assert served(bench) == record["fingerprints"]["RSA"] and len(bench.enrollments()) == 1
    again = bench.plan_enroll(certificate=bench.name(), action="regenerate", ca=None, from_snapshot=wanted)
    assert not again.changed and "was made from snap-" in str(again.extra["not_due"])
    # Named by its id, another one is gone to: the one with both kinds of keys.
    dual = [one for one in kept(bench) if one["enrollment"]["enableMultiStackedCertificates"]]
    other = bench.plan_enroll(
        certificate=bench.name(), action="regenerate", ca=None, from_snapshot=dual[-1]["snapshot_id"]
    )
    assert any(f"from {dual[-1]['snapshot_id']}" in step.sentence for step in other.steps)


def test_rolling_forward_brings_names_back_that_were_taken_away(bench: Bench) -> None:
    """U5, cps-protocol 6.5: a SAN edit needs a certificate, and gets one."""
    more = bench.name("api")
    bench.prepare()
    bench.enroll(subject_alternative_names={"dns": [more]})
    bench.connector()
    to_production(bench)
    regenerate(bench, force=True)
    to_production(bench)
    with bench.store.read() as unit:
        [device], [certificate] = unit.devices.find(), unit.certificates.find(state="issued")
    client = client_of(device, bench.store, bench.clock, bench.environment)
    number = certificate.enrollment_id or 0
    # The record says what was enrolled; at CPS somebody took a name away, and cancelled the change that this opened.
    body = enrollment_update(client.get_enrollment(number).raw, {"csr": {"sans": [bench.name()]}})
    client.update_enrollment(number, body)
    with pytest.raises(ConflictError, match="lacks|is open"):
        regenerate(bench, force=True)
    [change] = client.get_enrollment(number).pending_changes
    client.cancel_change(number, change.change_id)
    record = regenerate(bench, from_snapshot="previous")
    assert record["state"] == "issued" and record["wish"]["subject_alternative_names"]["dns"] == [bench.name(), more]


def test_a_lost_answer_to_rolling_forward_is_taken_up(twice: Twice) -> None:
    """U5, design 3: no second update beside the first."""
    bench = twice.bench
    bench.sandbox.fault(kind="lost_after", method="PUT", path="force-renewal")
    bench.calls()
    record = regenerate(bench, from_snapshot="previous")
    assert record["state"] == "issued"
    assert len([path for method, path in bench.calls() if method == "PUT"]) == 1


def test_an_approval_is_for_the_snapshot_too(twice: Twice) -> None:
    """U5, E24: what is gone back to is part of what is approved."""
    bench = twice.bench
    bench.group(approvals={"enroll": 1, "push": 0})
    asked = regenerate(bench, from_snapshot="previous")
    assert asked["state"] == "submitted" and asked["renews"]["restores"]["snapshot_id"].startswith("snap-")
    bench.act("ben", "approve", request_id=asked["request_id"])
    with bench.store.read() as unit:
        request = unit.requests.get(asked["request_id"])
    assert request is not None and request.approvals[0]["binds"]["restores"]
    assert regenerate(bench, from_snapshot="previous")["state"] == "issued"


UNUSABLE: list[tuple[dict[str, Any], type[ClmError], str]] = [
    ({"from_snapshot": "previous", "dual_stack": False}, InputError, "leave dual_stack out"),
    ({"from_snapshot": "previous", "organization": "Other"}, InputError, "leave organization out"),
    ({"from_snapshot": "previous", "only_missing": True}, InputError, "only_missing"),
    ({"from_snapshot": "previous", "action": "renew"}, InputError, "give action: regenerate"),
    ({"from_snapshot": "previous", "action": "enroll"}, InputError, "give action: regenerate"),
]


def test_what_cannot_be_gone_back_to_is_said_before_any_call(twice: Twice) -> None:
    """U5."""
    bench = twice.bench
    bench.calls()
    for options, kind, message in UNUSABLE:
        with pytest.raises(kind, match=message):
            bench.plan_enroll(**{"certificate": bench.name(), "action": "regenerate", "ca": None, **options})
    with pytest.raises(NotFoundError, match="it has no snapshot 'snap-none'") as caught:
        bench.plan_enroll(action="regenerate", ca=None, from_snapshot="snap-none")
    assert caught.value.code == "snapshot_missing"
    assert bench.calls() == []


def test_the_first_certificate_of_an_enrollment_has_nothing_before_it(bench: Bench) -> None:
    """U5."""
    bench.issued()
    to_production(bench)
    with pytest.raises(StateError, match="none is from a time when production served another certificate") as caught:
        regenerate(bench, from_snapshot="previous")
    assert caught.value.code == "snapshot_missing"
    with pytest.raises(StateError, match="force: true"):
        bench.plan_push(action="rollback", network="production")


def test_a_snapshot_of_the_time_with_other_fixed_settings_is_refused(twice: Twice) -> None:
    """U5, cps-protocol 2.4: CPS changes some members in no enrollment."""
    bench = twice.bench
    with bench.store.write() as unit:
        one: Snapshot = next(s for s in unit.snapshots.find() if s.before == "update")
        network = {**one.enrollment["networkConfiguration"], "secureNetwork": "enhanced-tls"}
        unit.snapshots.put(replace(one, enrollment={**one.enrollment, "networkConfiguration": network}))
    bench.calls()
    with pytest.raises(ConflictError, match="secureNetwork.*changes that in no enrollment"):
        regenerate(bench, from_snapshot=one.snapshot_id)
    assert not [call for call in bench.calls() if call[0] == "PUT"]


# -- in one call ---------------------------------------------------------------------------------------------------

FORWARD: dict[str, Any] = {"action": "rollback", "network": "production", "roll_forward": True}


def test_a_rollback_that_may_roll_forward_does_both_in_one_call_and_says_so_before(twice: Twice) -> None:
    """U5: what is on production is followed by a new certificate with the settings from before it."""
    bench = twice.bench
    plan = bench.plan_push(**FORWARD)
    sentences = [step.sentence for step in plan.steps]
    assert any("from snap-" in sentence for sentence in sentences)
    assert sentences[-1] == "Push what was issued to production" and (plan.extra["request"] or {})["state"] == "issued"
    outcome = plan.execute()
    assert outcome.record is not None and (outcome.record["action"], outcome.record["state"]) == ("push", "completed")
    assert outcome.extra["request"]["renews"]["restores"]["snapshot_id"].startswith("snap-")
    assert served(bench) not in (twice.first, twice.second) and twice.raw()["enableMultiStackedCertificates"] is False
    again = bench.plan_push(**FORWARD)
    assert not again.changed and (again.finish().record or {})["work_order_id"] == outcome.record["work_order_id"]
    assert len(bench.enrollments()) == 1


def test_a_roll_forward_waits_for_its_approvals_and_goes_on_by_the_same_call(twice: Twice) -> None:
    """U5, E24, W2: the order of the certificate is approved, and so is its push."""
    bench = twice.bench
    bench.group(approvals={"enroll": 1, "push": 1})
    first = bench.push(**FORWARD)
    request = first.extra["request"]
    assert first.record is None and request["state"] == "submitted"
    assert not bench.plan_push(**FORWARD).changed
    bench.act("ben", "approve", request_id=request["request_id"])
    second = bench.push(**FORWARD)
    assert second.extra["request"]["state"] == "issued"
    assert second.record is not None and second.record["state"] == "submitted"
    assert served(bench) == twice.second
    bench.act("ben", "approve", work_order_id=second.record["work_order_id"])
    third = bench.push(**FORWARD).record
    assert third is not None and third["state"] == "completed"
    assert third["work_order_id"] == second.record["work_order_id"]


def test_before_production_it_cancels_and_orders_nothing(bench: Bench) -> None:
    """U5: rolling forward is for what CPS cannot take back."""
    bench.issued()
    to_production(bench)
    first = served(bench)
    regenerate(bench, force=True)
    bench.push()
    plan = bench.plan_push(**{**FORWARD, "network": "staging"})
    assert any(step.sentence.startswith("Cancel change") for step in plan.steps)
    record = plan.execute().record
    assert record is not None and (record["action"], record["state"]) == ("rollback", "completed")
    assert served(bench) == first and bench.records()["requests"] == 2


def test_a_roll_forward_without_a_snapshot_or_with_a_push_is_refused(bench: Bench) -> None:
    """U5: before anything is ordered."""
    bench.issued()
    to_production(bench)
    with pytest.raises(StateError, match="force: true") as caught:
        bench.plan_push(**FORWARD)
    assert caught.value.code == "rollback_impossible"
    with pytest.raises(InputError, match="goes with action: rollback only"):
        bench.plan_push(roll_forward=True)
