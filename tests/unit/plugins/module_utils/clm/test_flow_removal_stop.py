# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Removals that CPS stops after staging, for the acknowledgement of change management; that it stops is assumed."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from ansible_collections.edgecert.clm.plugins.module_utils._core.errors import RemoteError, StateError
from ansible_collections.edgecert.clm.plugins.module_utils._core.types import Intent, WorkOrder
from ansible_collections.edgecert.clm.plugins.module_utils._target.akamai_cps import AkamaiCpsTarget
from ansible_collections.edgecert.clm.plugins.module_utils._target.base import Presence, Review
from ansible_collections.edgecert.clm.tests.support.flow import Bench

ACK = "change-management-ack"
CODE = "CERTIFICATE_VS_NETWORK_SAN_REMOVED_FROM_CERT_LIVE_ON_NETWORK"
WARNING, ERROR = (
    "SAN name [a.example] removed from certificate is still live on the network.",
    "The enrollment is locked.",
)


def stopping(bench: Bench, **engine: Any) -> None:
    """Have a certificate that production serves, and a CPS that stops its removal."""
    bench.issued()
    assert dict(bench.push(network="production").record or {})["state"] == "completed"
    bench.sandbox.configure({"deprovision_stops": True, **engine})
    bench.calls()


def remove(bench: Bench, **changes: Any) -> dict[str, Any]:
    """Remove, or go on; give the work order."""
    return dict(bench.push(**{"action": "remove", **changes}).record or {})


def begun(bench: Bench) -> WorkOrder:
    """Have a removal that has come to the stop, and was looked at last before; give it."""
    order = remove(bench, wait=False)
    bench.advance(30)
    return stored(bench, order)


def stored(bench: Bench, order: dict[str, Any]) -> WorkOrder:
    """Give a work order as stored."""
    with bench.store.read() as unit:
        found = unit.work_orders.get(order["work_order_id"])
    assert found is not None
    return found


def found(bench: Bench, order: WorkOrder, message: str, *, is_error: bool = False) -> None:
    """Let CPS's validation of the removal find something."""
    ids = {"enrollment": order.change["enrollment_id"], "change": order.change["change_id"]}
    bench.sandbox.admin("POST", "/validation", {**ids, "message": message, "error": is_error})


def acknowledged(bench: Bench) -> int:
    """Count the acknowledgements that were sent since the last look."""
    return sum(path.endswith(ACK) for method, path in bench.calls() if method == "POST")


def told(bench: Bench) -> list[Any]:
    """Give what the audit says of the removal's acknowledgements."""
    with bench.store.read() as unit:
        keys = [order.work_order_id for order in unit.work_orders.find(action="remove")]
        rows = [row.entry for row in unit.audit_rows() if row.entry.action == "production_acknowledged"]
        return [entry.after for entry in rows if entry.key in keys]


def intended(bench: Bench) -> list[Intent]:
    """Give the intents of the removal's acknowledgements."""
    with bench.store.read() as unit:
        [order] = unit.work_orders.find(action="remove")
        return unit.intents.find(kind="go_to_production", key=order.work_order_id)


def test_a_removal_that_stops_after_staging_is_acknowledged_once_with_the_hash_that_was_seen(bench: Bench) -> None:
    """U5, cps-protocol §3.4, §3.8: and followed until CPS knows it no more."""
    stopping(bench)
    order = remove(bench)
    assert order["state"] == "completed" and bench.enrollments() == []
    assert acknowledged(bench) == 1
    [entry] = told(bench)
    assert entry["validation_hash"] and entry["validation_hash"] == stored(bench, order).change["validation_hash"]
    assert bench.audit()[-4:] == [
        "removal_begun",
        "production_acknowledged",
        "enrollment_removed",
        "certificate_removed",
    ]


def test_the_runner_acknowledges_it_too(bench: Bench) -> None:
    """W4: no process waits."""
    stopping(bench)
    order = begun(bench)
    assert bench.run_due()["failures"] == []
    bench.advance(300)
    bench.run_due()
    assert stored(bench, {"work_order_id": order.work_order_id}).state == "completed" and acknowledged(bench) == 1


def test_what_cps_warns_of_there_goes_by_the_lists_of_warnings(bench: Bench) -> None:
    """cps-protocol §3.6: unknown to all lists it blocks; allowed, it goes on."""
    stopping(bench)
    found(bench, begun(bench), WARNING)
    order = remove(bench)
    assert (order["state"], order["reason"]) == ("needs_decision", "needs_decision") and WARNING in order["message"]
    assert "rollback" not in order["message"] and acknowledged(bench) == 0
    done = remove(bench, warnings={"allow": [CODE]})
    assert done["state"] == "completed" and done["notices"][0]["decision"] == "allowed" and acknowledged(bench) == 1


def test_an_error_of_the_validation_ends_the_removal(bench: Bench) -> None:
    """cps-protocol §3.4: an acknowledgement would not help."""
    stopping(bench)
    order = begun(bench)
    found(bench, order, ERROR, is_error=True)
    with pytest.raises(StateError, match=ERROR) as caught:
        remove(bench)
    assert caught.value.code == "removal_failed" and acknowledged(bench) == 0
    with bench.store.read() as unit:
        assert unit.intents.find(finished_at=None) == []


def test_an_approval_given_at_the_stop_is_bound_to_cps_validation_result(bench: Bench) -> None:
    """Design §5: what CPS finds after it makes it void, and nothing is acknowledged."""
    stopping(bench)
    bench.group(approvals={"push": 1})
    order = remove(bench, wait=False)
    key = order["work_order_id"]
    bench.act("alice", "approve", work_order_id=key)
    bench.run_due()
    bench.advance(8 * 86_400)
    with pytest.raises(StateError) as caught:
        remove(bench)
    assert caught.value.code == "approval_expired" and acknowledged(bench) == 0
    bench.act("tester", "retry", work_order_id=key)
    bench.act("alice", "approve", work_order_id=key)
    bound = stored(bench, order).approvals[0]["binds"]["validation_hash"]
    assert bound and bound == stored(bench, order).change["validation_hash"]
    found(bench, stored(bench, order), "This certificate has a short lifetime.")
    with pytest.raises(StateError, match="CPS's validation result changed") as caught:
        remove(bench)
    assert caught.value.code == "approval_void" and acknowledged(bench) == 0
    bench.act("alice", "approve", work_order_id=key)
    assert remove(bench)["state"] == "completed" and acknowledged(bench) == 1


def test_a_409_at_the_acknowledgement_is_looked_at_again_and_the_intent_is_not_left_open(bench: Bench) -> None:
    """cps-protocol §5.2: invalid-enrollment-state may pass a moment later."""
    stopping(bench)
    begun(bench)
    bench.sandbox.fault("conflict", method="POST", path=ACK)
    order = remove(bench, wait=False)
    assert order["state"] == "implementing" and "took no acknowledgement" in order["message"]
    [intent] = intended(bench)
    assert "refused" in intent.result
    assert remove(bench)["state"] == "completed" and acknowledged(bench) == 2


@pytest.mark.parametrize("fault", ["lost_after", "lost_before"])
def test_a_lost_answer_to_the_acknowledgement_is_settled_by_looking(bench: Bench, fault: str) -> None:
    """W5: taken, it is put on record late; not taken, it is sent again."""
    stopping(bench)
    begun(bench)
    bench.sandbox.fault(fault, method="POST", path=ACK)
    with pytest.raises(RemoteError):
        remove(bench)
    assert remove(bench)["state"] == "completed"
    assert acknowledged(bench) == (1 if fault == "lost_after" else 2)
    assert len(told(bench)) == 1
    with bench.store.read() as unit:
        assert unit.intents.find(finished_at=None) == []


def test_a_409_after_a_lost_answer_leaves_the_doubt_to_the_next_look(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """cps-protocol §3.3, W5: CPS took the first one, and shows the stop for a while."""
    stopping(bench, deprovision_s=600)
    begun(bench)
    bench.advance(600)
    bench.sandbox.fault("lost_after", method="POST", path=ACK)
    with pytest.raises(RemoteError):
        remove(bench, wait=False)
    look, shown = AkamaiCpsTarget.presence, list[Presence]()

    def late(target: AkamaiCpsTarget, reference: Any, **kwargs: Any) -> Presence:
        """Show the stop twice more."""
        shown.append(look(target, reference, **kwargs))
        state = replace(shown[-1].state, phase="on_staging")
        return replace(shown[-1], state=state) if len(shown) < 3 else shown[-1]

    monkeypatch.setattr(AkamaiCpsTarget, "presence", late)
    monkeypatch.setattr(AkamaiCpsTarget, "review", lambda target, reference: Review("hash"))
    remove(bench, wait=False)
    monkeypatch.undo()
    [intent] = intended(bench)
    assert intent.finished_at is None and acknowledged(bench) == 2
    assert remove(bench)["state"] == "completed" and len(told(bench)) == 1 and acknowledged(bench) == 0


@pytest.mark.parametrize("fault", ["empty", "other_json"])
def test_an_answer_that_names_no_change_is_looked_into(bench: Bench, fault: str) -> None:
    """cps-protocol §5.1: bodies are empty, or others, at times; the change that was opened is found and followed."""
    stopping(bench)
    bench.sandbox.fault(fault, method="DELETE")
    order = remove(bench, wait=False)
    assert order["state"] == "implementing"
    bench.advance(300)
    done = remove(bench)
    assert (done["work_order_id"], done["state"]) == (order["work_order_id"], "completed") and done["change_id"]
    assert [method for method, _path in bench.calls()].count("DELETE") == 1
