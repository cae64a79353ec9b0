# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Network settings that come back: their change cancelled, set to what they were, or as a snapshot has them (U5)."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.edgecert.clm.plugins.module_utils._core.errors import (
    ClmError,
    InputError,
    NotFoundError,
    RemoteError,
    StateError,
)
from ansible_collections.edgecert.clm.plugins.module_utils._core.snapshots import Snapshot
from ansible_collections.edgecert.clm.plugins.module_utils._core.types import WorkOrder
from ansible_collections.edgecert.clm.plugins.module_utils._cps.client import CpsClient
from ansible_collections.edgecert.clm.plugins.module_utils._cps.enrollment_wire import enrollment_update
from ansible_collections.edgecert.clm.plugins.module_utils._glue.wire_target import client_of
from ansible_collections.edgecert.clm.tests.support.flow import Bench

OLD: dict[str, Any] = {"disallowed_tls_versions": []}
TLS = {"disallowed_tls_versions": ["TLSv1", "TLSv1_1"]}
MUTUAL = {"client_mutual_authentication": {"set_id": "trust-1", "send_ca_list_to_client": True}}


def client(bench: Bench) -> tuple[CpsClient, int]:
    """Be somebody else at CPS: client and enrollment."""
    with bench.store.read() as unit:
        [device], certificate = unit.devices.find(), unit.certificates.get(bench.name())
    assert certificate is not None and certificate.enrollment_id is not None
    return client_of(device, bench.store, bench.clock, bench.environment), certificate.enrollment_id


def asked(bench: Bench) -> dict[str, Any]:
    """Give the network configuration that the enrollment asks for, and what production has."""
    there, number = client(bench)
    found, live = there.get_enrollment(number), there.get_deployments(number).production
    assert live is not None
    return {
        "wanted": list(found.raw["networkConfiguration"]["disallowedTlsVersions"] or ()),
        "live": list(live.network.disallowed_tls_versions),
        "pending": [change.change_id for change in found.pending_changes],
        "mutual": found.raw["networkConfiguration"].get("clientMutualAuthentication"),
    }


def configured(bench: Bench, network: str, settings: dict[str, Any] | None = None, **changes: Any) -> dict[str, Any]:
    """Set settings of a certificate that production serves; give the work order."""
    with bench.store.read() as unit:
        is_new = unit.certificates.get(bench.name()) is None
    if is_new:
        bench.issued()
        assert dict(bench.push(network="production").record or {})["state"] == "completed"
    wanted = {"action": "configure", "network": network, "network_settings": settings or TLS, **changes}
    order = dict(bench.push(**wanted).record or {})
    bench.calls()
    return order


def back(bench: Bench, **changes: Any) -> dict[str, Any]:
    """Roll back, or go on; give the work order."""
    return dict(bench.push(**{"action": "rollback", **changes}).record or {})


def writes(bench: Bench) -> list[str]:
    """Give the methods of the writes since the last look, those of dates left out."""
    return [method for method, path in bench.calls() if method != "GET" and "schedule" not in path]


def orders(bench: Bench, action: str) -> list[WorkOrder]:
    """Give the work orders of an action, the oldest first."""
    with bench.store.read() as unit:
        return unit.work_orders.find(action=action)


def snapshot_before(bench: Bench, order: dict[str, Any]) -> Snapshot:
    """Give the snapshot that was taken before an order's settings were sent."""
    with bench.store.read() as unit:
        [found] = [s for s in unit.snapshots.find() if s.work_order_id == order["work_order_id"]]
    return found


def refused(bench: Bench, error: type[ClmError], code: str, **changes: Any) -> str:
    """Have a rollback refused before anything is written; give what it says."""
    bench.calls()
    with pytest.raises(error) as caught:
        back(bench, **changes)
    assert caught.value.code == code and writes(bench) == [], caught.value.message
    return caught.value.message


# -- before production -----------------------------------------------------------------------------------------------


def test_settings_on_staging_are_taken_back_by_cancelling_their_change(bench: Bench) -> None:
    """U5, cps-protocol §6.5: said beforehand, done once; production is as it was, and the order of before is told."""
    done = configured(bench, "staging")
    assert (done["state"], asked(bench)["wanted"]) == ("completed", TLS["disallowed_tls_versions"])
    plan = bench.plan_push(action="rollback")
    assert [step.sentence.split()[0] for step in plan.steps] == ["Record", "Cancel"]
    assert "take back disallowed_tls_versions" in plan.steps[0].sentence
    bench.calls()
    order = back(bench)
    assert (order["state"], order["action"], order["message"]) == ("completed", "rollback", "")
    assert order["network_settings"] == {"before": TLS, "after": OLD} and writes(bench) == ["DELETE"]
    assert asked(bench) == {"wanted": [], "live": [], "pending": [], "mutual": None}
    assert bench.audit()[-2:] == ["settings_rolled_back", "certificate_settings_rolled_back"]
    assert back(bench)["work_order_id"] == order["work_order_id"] and writes(bench) == [], "once"
    assert len(orders(bench, "rollback")) == 1


def test_an_order_under_way_ends_with_its_change(bench: Bench) -> None:
    """U5: one that waits for a decision, a network or a person is over then, and another may follow."""
    bench.issued()
    bench.push(network="production")
    bench.sandbox.configure({"staging_s": 3600})
    going = configured(bench, "production", wait=False)
    assert going["state"] == "implementing"
    assert back(bench)["state"] == "completed"
    [ended] = orders(bench, "configure")
    assert (ended.state, ended.reason) == ("cancelled", "rolled_back")
    bench.sandbox.configure({"staging_s": 5})
    assert configured(bench, "production", wait_timeout=7200)["state"] == "completed"


def test_an_approval_is_bound_to_the_change_and_the_settings(bench: Bench) -> None:
    """W2: and the runner does it once it is approved."""
    done = configured(bench, "staging")
    bench.group(approvals={"push": 1})
    order = back(bench)
    assert order["state"] == "submitted" and writes(bench) == []
    bench.act("alice", "approve", work_order_id=order["work_order_id"])
    [stored] = orders(bench, "rollback")
    assert stored.approvals[0]["binds"]["place"]["change_id"] == done["change_id"]
    bench.run_due()
    [stored] = orders(bench, "rollback")
    assert stored.state == "completed" and asked(bench)["pending"] == []


def test_the_change_of_somebody_else_is_never_cancelled(bench: Bench) -> None:
    """cps-protocol §5.5: a change that was opened after ours was cancelled at Control Center stays."""
    done = configured(bench, "staging")
    there, number = client(bench)
    there.cancel_change(number, done["change_id"])
    raw = there.get_enrollment(number).raw
    [theirs] = there.update_enrollment(
        number, enrollment_update(raw, {"networkConfiguration": {"quicEnabled": True}})
    ).change_ids
    assert "nothing to take back" in refused(bench, StateError, "nothing_to_roll_back")
    assert asked(bench)["pending"] == [theirs]


def test_a_lost_answer_to_the_cancellation_is_looked_into(bench: Bench) -> None:
    """W5: it is cancelled once, also where no network tells of the settings."""
    configured(bench, "staging", MUTUAL)
    bench.sandbox.configure({"cancel_keeps_document": True})
    bench.sandbox.fault("lost_after", method="DELETE", path="/changes/")
    with pytest.raises(RemoteError):
        back(bench)
    order = back(bench)
    assert order["state"] == "completed" and "client_mutual_authentication" in order["message"]
    assert writes(bench) == ["DELETE"]
    with bench.store.read() as unit:
        assert unit.intents.find(finished_at=None) == []


def test_what_cps_keeps_in_the_enrollment_is_told_and_set_back_where_that_is_asked_for(bench: Bench) -> None:
    """cps-protocol §6.5: a cancelled change may leave its settings for the next one to bring."""
    configured(bench, "staging")
    bench.sandbox.configure({"cancel_keeps_document": True})
    order = back(bench)
    assert "keeps disallowed_tls_versions in the enrollment" in order["message"]
    assert asked(bench)["wanted"] == TLS["disallowed_tls_versions"]
    forward = back(bench, roll_forward=True, network="production")
    assert (forward["state"], forward["action"]) == ("completed", "configure")
    assert asked(bench) == {"wanted": [], "live": [], "pending": [], "mutual": None}


# -- after production ------------------------------------------------------------------------------------------------


def test_settings_on_production_are_set_to_what_they_were_where_that_is_asked_for(bench: Bench) -> None:
    """U5: an order of its own, that names where they come from; the same again changes nothing, nor goes to and fro."""
    done = configured(bench, "production")
    before = snapshot_before(bench, done)
    assert "roll_forward: true" in refused(bench, StateError, "rollback_impossible", rollback_of="configure")
    again = {"rollback_of": "configure", "roll_forward": True, "network": "production"}
    plan = bench.plan_push(action="rollback", **again)
    assert "to change disallowed_tls_versions" in plan.steps[0].sentence
    assert before.snapshot_id in plan.steps[0].sentence
    order = back(bench, **again)
    assert (order["state"], order["action"]) == ("completed", "configure")
    assert order["network_settings"] == {"before": TLS, "after": OLD}
    assert asked(bench) == {"wanted": [], "live": [], "pending": [], "mutual": None}
    stored = orders(bench, "configure")[-1]
    assert stored.change["restores"] == {"work_order_id": done["work_order_id"], "snapshot_id": before.snapshot_id}
    bench.calls()
    plan = bench.plan_push(action="rollback", **again)
    assert not plan.changed and (plan.finish().record or {})["work_order_id"] == order["work_order_id"]
    assert writes(bench) == []


def test_a_way_back_to_staging_goes_on_to_production(bench: Bench) -> None:
    """U5: one change, one PUT; approvals are bound to where the settings come from."""
    configured(bench, "production")
    again = {"rollback_of": "configure", "roll_forward": True}
    assert back(bench, **again)["state"] == "completed" and asked(bench)["live"] == TLS["disallowed_tls_versions"]
    bench.group(approvals={"push": 1})
    order = back(bench, **again, network="production")
    bench.act("alice", "approve", work_order_id=order["work_order_id"])
    binds = orders(bench, "configure")[-1].approvals[0]["binds"]
    assert binds["restores"] == orders(bench, "configure")[-1].change["restores"]
    assert back(bench, **again, network="production")["state"] == "completed"
    assert asked(bench)["live"] == [] and writes(bench).count("PUT") == 1


def test_mutual_authentication_is_taken_away_again(bench: Bench) -> None:
    """U5: what was not there before is cleared, not left out."""
    configured(bench, "production", MUTUAL)
    assert asked(bench)["mutual"] is not None
    order = back(bench, rollback_of="configure", roll_forward=True, network="production")
    assert order["state"] == "completed" and asked(bench)["mutual"] is None


def test_without_a_word_a_rollback_is_of_what_is_under_way(bench: Bench) -> None:
    """U5: settings that are on production are not what somebody means who takes a push back."""
    configured(bench, "production")
    message = refused(bench, StateError, "rollback_impossible", network="production")
    assert "regenerate" in message
    configured(bench, "staging", {"quic": True})
    assert "regenerate" in refused(bench, StateError, "rollback_impossible", rollback_of="push", network="production")
    assert back(bench)["network_settings"]["before"] == {"quic": True}


def test_settings_that_nobody_set_cannot_be_taken_back(bench: Bench) -> None:
    bench.issued()
    bench.push(network="production")
    message = refused(bench, StateError, "nothing_to_roll_back", rollback_of="configure")
    assert "no work order changed any" in message


def test_options_of_a_push_say_nothing_with_it(bench: Bench) -> None:
    configured(bench, "staging")
    for given in ({"edge": {"staging": ["edge.example.com"]}}, {"deploy_not_before": "2030-01-01"}):
        with pytest.raises(InputError, match="goes with a push only"):
            back(bench, **given)


def test_what_was_taken_back_may_be_forgotten(bench: Bench) -> None:
    """U5: the change is known to be over."""
    configured(bench, "staging")
    back(bench)
    assert bench.push(action="remove", remove_from="store").extra["forgotten"] == [bench.name()]


# -- from a snapshot -------------------------------------------------------------------------------------------------


def restore(bench: Bench, word: str, **changes: Any) -> dict[str, Any]:
    """Set the settings to those of a snapshot; give the work order."""
    wanted = {"action": "configure", "from_snapshot": word, "network": "production", **changes}
    return dict(bench.push(**wanted).record or {})


def test_settings_alone_come_back_from_a_snapshot(bench: Bench) -> None:
    """U5: no new certificate, one PUT of what differs, and none where nothing does."""
    first = configured(bench, "production")
    second = configured(bench, "production", {"quic": True, "ocsp_stapling": "on"})
    word = snapshot_before(bench, first).snapshot_id
    order = restore(bench, word)
    assert order["state"] == "completed" and writes(bench).count("PUT") == 1
    assert order["network_settings"]["after"] == {"quic": False, "ocsp_stapling": "not-set", **OLD}
    assert order["restores"] == {"snapshot_id": word}
    assert restore(bench, word)["work_order_id"] == order["work_order_id"] and writes(bench) == []
    assert restore(bench, snapshot_before(bench, second).snapshot_id)["network_settings"]["after"] == TLS
    with bench.store.read() as unit:
        assert len(unit.requests.find()) == 1


def test_a_snapshot_brought_back_to_staging_goes_on_to_production(bench: Bench) -> None:
    """U3, U5: by the same snapshot, and without another PUT."""
    word = snapshot_before(bench, configured(bench, "production")).snapshot_id
    assert restore(bench, word, network="staging")["state"] == "completed"
    assert restore(bench, word)["state"] == "completed"
    assert asked(bench)["live"] == [] and writes(bench).count("PUT") == 1


def test_a_snapshot_that_is_not_there_or_said_twice_is_refused(bench: Bench) -> None:
    configured(bench, "production")
    with pytest.raises(NotFoundError, match="no snapshot 'snap-none'"):
        restore(bench, "snap-none")
    with pytest.raises(InputError, match="leave out one"):
        restore(bench, "snap-none", network_settings=TLS)
    with pytest.raises(InputError, match="from_snapshot goes with action: configure only"):
        bench.push(from_snapshot="snap-none")
