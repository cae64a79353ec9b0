# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A push to production for a date: all is done before it, and CPS deploys by itself then (U3+; cps-protocol §4.5)."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from ansible_collections.edgecert.clm.plugins.module_utils._core.clock import to_text
from ansible_collections.edgecert.clm.plugins.module_utils._core.errors import ClmError, InputError, StateError
from ansible_collections.edgecert.clm.plugins.module_utils._cps.client import CpsClient
from ansible_collections.edgecert.clm.tests.support.flow import Bench

DAY_S = 86_400


def renewed(bench: Bench) -> None:
    """Have a certificate on production for 47 days, and a successor issued."""
    bench.issued(validity={"count": 47, "unit": "days"})
    bench.push(network="production", wait_timeout=7200)
    bench.enroll(action="renew", force=True, validity={"count": 47, "unit": "days"})


def in_days(bench: Bench, days: float) -> datetime:
    """Give a moment to come, whole seconds."""
    return (bench.clock.now() + timedelta(days=days)).replace(microsecond=0)


def push(bench: Bench, **changes: Any) -> dict[str, Any]:
    """Push to production, or go on; give the work order."""
    outcome = bench.push(**{"network": "production", "wait_timeout": 1800, **changes})
    assert outcome.record is not None
    return dict(outcome.record)


def acknowledged(bench: Bench) -> int:
    """Count the acknowledgements of change management since the last look."""
    return sum(method == "POST" and path.endswith("change-management-ack") for method, path in bench.calls())


def test_cps_deploys_at_the_date_and_nothing_is_asked_until_then(bench: Bench) -> None:
    renewed(bench)
    date = in_days(bench, 3)
    bench.calls()
    order = push(bench, deploy_not_before=to_text(date))
    assert (order["state"], order["deploy_not_before"]) == ("deploying_production", to_text(date))
    assert f"CPS puts it on production at {to_text(date)}" in order["message"]
    assert acknowledged(bench) == 1
    assert push(bench, deploy_not_before=to_text(date), wait=False)["state"] == "deploying_production"
    looks = 0
    # The last hour is left out: the clock goes on by itself, too.
    while bench.clock.now() < date - timedelta(hours=2):
        bench.advance(3600)
        report = bench.run_due()
        assert report["failures"] == [] and report["done"] == [], report
        looks += len(bench.calls())
    assert looks <= 2 * 72, "it is looked at once an hour, for somebody may cancel it"
    bench.advance(3 * 3600)
    bench.run_due()
    [certificate] = bench.certificates(state="issued")
    again = push(bench, deploy_not_before=to_text(date), wait=False)
    assert again["state"] == "completed" and again["work_order_id"] == order["work_order_id"]
    assert certificate["production"]["fingerprint"] == certificate["fingerprint"]
    assert acknowledged(bench) == 0


def test_cps_that_takes_no_date_is_not_let_go_on(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """It would deploy at once."""
    renewed(bench)
    write = CpsClient.set_schedule

    def refuse(client: CpsClient, *args: Any) -> Any:
        write(client, 1, 1, args[-1])

    monkeypatch.setattr(CpsClient, "set_schedule", refuse)
    bench.calls()
    date = to_text(in_days(bench, 3))
    with pytest.raises(ClmError):
        push(bench, deploy_not_before=date)
    assert acknowledged(bench) == 0
    monkeypatch.undo()
    assert push(bench, deploy_not_before=date)["state"] == "deploying_production"
    assert acknowledged(bench) == 1


def test_approvals_are_bound_to_the_date(bench: Bench) -> None:
    """E24: another date is to be approved again."""
    renewed(bench)
    bench.group(approvals={"push": 1})
    first, other = to_text(in_days(bench, 3)), to_text(in_days(bench, 4))
    order = push(bench, deploy_not_before=first, wait=False)
    assert order["state"] == "submitted"
    changed = push(bench, deploy_not_before=other, wait=False)
    assert (changed["work_order_id"], changed["deploy_not_before"]) == (order["work_order_id"], other)
    bench.act("bob", "approve", work_order_id=order["work_order_id"])
    again = push(bench, deploy_not_before=first, wait=False)
    assert (again["state"], again["deploy_not_before"]) == ("submitted", first)
    assert "date" in again["message"]
    bench.act("bob", "approve", work_order_id=order["work_order_id"])
    assert push(bench, deploy_not_before=first)["state"] == "deploying_production"
    with pytest.raises(StateError, match="Cannot change deploy_not_before") as caught:
        push(bench, deploy_not_before=other)
    assert caught.value.code == "order_in_progress"


@pytest.mark.parametrize(
    ("wanted", "code", "words"),
    [
        ({"deploy_not_before": "tomorrow"}, "input", "is no time"),
        ({"deploy_not_before": -1}, "time_passed", "is in the past"),
        ({"deploy_not_before": 60}, "date_too_late", "what production serves ends at"),
        ({"deploy_not_before": 3, "network": "staging"}, "input", "is a date for production"),
        ({"deploy_not_before": 3, "action": "rollback"}, "input", "is a date for production"),
        ({"deploy_not_before": 3, "schedule_at": 4}, "input", "is not before"),
    ],
)
def test_a_date_that_cannot_be_is_refused_before_anything_is_asked(
    bench: Bench, wanted: dict[str, Any], code: str, words: str
) -> None:
    renewed(bench)
    bench.calls()
    given = {k: to_text(in_days(bench, v)) if isinstance(v, int) else v for k, v in wanted.items()}
    with pytest.raises((InputError, StateError), match=words) as caught:
        push(bench, **given)
    assert code in (caught.value.code, "input")
    assert bench.calls() == []


def test_what_is_not_live_yet_gets_no_date(bench: Bench) -> None:
    bench.issued()
    with pytest.raises(StateError, match="production serves nothing") as caught:
        push(bench, deploy_not_before=to_text(in_days(bench, 3)))
    assert caught.value.code == "nothing_live"


def test_a_run_that_finds_nothing_to_do_looks_again_in_an_hour(bench: Bench) -> None:
    """U3+: the pace of production says nothing about a date that is days away."""
    renewed(bench)
    date = in_days(bench, 3)
    order = push(bench, deploy_not_before=to_text(date))
    assert order["state"] == "deploying_production"
    bench.advance(7200)
    bench.run_due()
    with bench.store.read() as unit:
        stored = unit.work_orders.get(order["work_order_id"])
    assert stored is not None and stored.next_look_at is not None
    assert (stored.next_look_at - bench.clock.now()).total_seconds() >= 3590
