# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where one kind of work order meets another: pushes, rollbacks, removals, changes of settings, dates at CPS."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from ansible_collections.edgecert.clm.plugins.module_utils._core.clock import to_text
from ansible_collections.edgecert.clm.plugins.module_utils._core.errors import (
    ConflictError,
    InputError,
    PolicyError,
    StateError,
)
from ansible_collections.edgecert.clm.tests.support.flow import Bench

VALID = {"count": 47, "unit": "days"}
TLS = {"network_settings": {"disallowed_tls_versions": ["TLSv1"]}}


def live(bench: Bench, name: str = "") -> None:
    """Have a certificate on production."""
    name = name or bench.name()
    bench.enroll(common_name=name, validity=VALID)
    bench.connector(certificate=name)
    bench.push(certificate=name, network="production", wait_timeout=7200)


def renew(bench: Bench, name: str = "") -> None:
    """Have its successor issued."""
    name = name or bench.name()
    bench.enroll(common_name=name, certificate=name, action="renew", force=True, validity=VALID)


def push(bench: Bench, **changes: Any) -> dict[str, Any]:
    """Push, or do something else with it; give the work order."""
    record = bench.push(wait_timeout=7200, **changes).record
    assert record is not None
    return dict(record)


def in_days(bench: Bench, days: int) -> datetime:
    """Give a moment to come, whole seconds."""
    return (bench.clock.now() + timedelta(days=days)).replace(microsecond=0)


def test_a_rollback_that_is_done_stays_done_when_settings_were_changed_since(bench: Bench) -> None:
    """U5: the same call again orders no certificate."""
    bench.prepare()
    live(bench)
    renew(bench)
    push(bench, network="production")
    renew(bench)
    push(bench)
    back: dict[str, Any] = {"action": "rollback", "roll_forward": True}
    assert push(bench, **back)["state"] == "completed"
    assert bench.plan_push(**back).steps == ()
    assert push(bench, action="configure", network="production", **TLS)["state"] == "completed"
    assert bench.plan_push(**back).steps == ()


@pytest.mark.parametrize("every_s", [880, 1800])
def test_many_that_were_held_back_are_let_go_however_rarely_somebody_looks(bench: Bench, every_s: int) -> None:
    """W4, design §6: no list tells of the date that is set at CPS."""
    bench.prepare()
    names = [bench.name(f"c{number}") for number in range(4)]
    for name in names:
        live(bench, name)
        renew(bench, name)
        assert "held back" in push(bench, certificate=name)["message"]
        bench.push(certificate=name, network="production", wait=False)
    for _round in range(8):
        bench.advance(every_s)
        assert bench.run_due()["failures"] == []
    with bench.store.read() as unit:
        assert {order.state for order in unit.work_orders.find(network="production")} == {"completed"}


def test_a_date_is_refused_where_cps_would_not_wait_for_it(bench: Bench) -> None:
    """Without change management CPS goes on to production by itself."""
    bench.device(discover="none")
    bench.settings(change_management=False)
    bench.ca()
    bench.free()
    live(bench)
    renew(bench)
    bench.calls()
    with pytest.raises(PolicyError, match="change management is off") as caught:
        push(bench, network="production", deploy_not_before=to_text(in_days(bench, 3)))
    assert caught.value.code == "would_reach_production"
    assert [call for call in bench.calls() if call[0] != "GET"] == []


def test_a_date_of_the_order_takes_the_place_of_the_one_that_held_it_back(bench: Bench) -> None:
    """Somebody acknowledged at Control Center meanwhile: clearing our date would deploy at once."""
    bench.prepare()
    live(bench)
    renew(bench)
    push(bench)
    with bench.store.read() as unit:
        [device], order = unit.devices.find(), unit.work_orders.find()[-1]
    target = bench.ports.target(device)
    review = target.review(order.change)
    assert review is not None
    target.go_on(order.change, review.validation_hash)
    bench.advance(30)
    date = in_days(bench, 3)
    pushed = push(bench, network="production", deploy_not_before=to_text(date))
    assert pushed["state"] in ("on_staging", "deploying_production") and to_text(date) in pushed["message"]
    assert bench.clock.now() < date
    bench.advance((date - bench.clock.now()).total_seconds() + 600)
    assert push(bench, network="production", deploy_not_before=to_text(date))["state"] == "completed"


def test_a_push_that_was_planned_before_cancels_no_removal(bench: Bench) -> None:
    """A removal that people are asked about is not what another certificate has followed."""
    bench.prepare()
    live(bench)
    renew(bench)
    planned = bench.plan_push()
    bench.group(approvals={"push": 1})
    [found] = bench.enrollments()
    changes = [change["change_id"] for change in found["pending_changes"]]
    removal = push(bench, action="remove", cancel_changes=changes, wait=False)
    with pytest.raises((StateError, ConflictError)) as caught:
        planned.execute()
    assert caught.value.code == "removal_open"
    with bench.store.read() as unit:
        stored = unit.work_orders.get(removal["work_order_id"])
    assert stored is not None and stored.state == "submitted"


def test_settings_are_refused_beside_a_removal_in_check_mode_too(bench: Bench) -> None:
    bench.prepare()
    live(bench)
    bench.group(approvals={"push": 1})
    push(bench, action="remove", wait=False)
    with pytest.raises((StateError, ConflictError)) as caught:
        bench.plan_push(action="configure", network="staging", **TLS)
    assert caught.value.code == "removal_open"


def test_settings_may_be_changed_with_the_empty_edges_that_a_playbook_gives(bench: Bench) -> None:
    """The playbook of a push gives each option, empty where nobody named an edge."""
    bench.prepare()
    live(bench)
    empty: dict[str, Any] = {"staging": [], "production": []}
    assert push(bench, action="configure", network="staging", edge=empty, **TLS)["state"] == "completed"
    quic: dict[str, Any] = {"network_settings": {"quic": True}}
    with pytest.raises(InputError, match="edge goes with disallowed_tls_versions alone"):
        bench.plan_push(action="configure", network="staging", edge={"staging": ["192.0.2.1"]}, **quic)


def test_what_has_settings_on_their_way_is_not_forgotten(bench: Bench) -> None:
    """Nobody here would know the change any more, and CPS takes no other one beside it."""
    bench.prepare()
    live(bench)
    push(bench, action="configure", network="staging", **TLS)
    with pytest.raises(StateError, match="which work order") as caught:
        bench.plan_push(action="remove", remove_from="store")
    assert caught.value.code == "pending_change"
    push(bench, action="configure", network="production", **TLS)
    assert bench.plan_push(action="remove", remove_from="store").steps != ()


@pytest.mark.parametrize(
    "options",
    [
        {"action": "remove", "roll_forward": True},
        {"action": "configure", "roll_forward": True, **TLS},
        {"roll_forward": True},
        TLS,
        {"remove_from": "store"},
        {"from_snapshot": "previous"},
        {"rollback_of": "configure"},
        {"action": "rollback", "from_snapshot": "previous"},
        {"action": "rollback", "cancel_changes": [1]},
        {"action": "rollback", "roll_forward": True, "deploy_not_before": "2099-01-01T00:00:00Z"},
    ],
)
def test_an_option_of_another_action_is_refused_before_anything_is_asked(bench: Bench, options: dict[str, Any]) -> None:
    bench.prepare()
    live(bench)
    bench.calls()
    with pytest.raises(InputError, match="goes with action"):
        bench.plan_push(**options)
    assert bench.calls() == []
