# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Uploads whose outcome CPS does not tell: none within the lag, few in all, and an end that says so (U2, W5)."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest

from ansible_collections.edgecert.clm.plugins.module_utils._core.errors import RemoteError
from ansible_collections.edgecert.clm.plugins.module_utils._core.types import WorkOrder
from ansible_collections.edgecert.clm.plugins.module_utils._cps.client import CpsClient
from ansible_collections.edgecert.clm.plugins.module_utils._target.akamai_cps import AkamaiCpsTarget
from ansible_collections.edgecert.clm.plugins.module_utils._target.base import NetworkFacts, PushState
from ansible_collections.edgecert.clm.tests.support.flow import Bench

UPLOAD = r"third-party-cert-and-trust-chain$"


def stored(bench: Bench, record: Any) -> WorkOrder:
    """Give the work order of a push as it is stored now."""
    with bench.store.read() as unit:
        order = unit.work_orders.get(record["work_order_id"])
    assert order is not None
    return order


def watch_uploads(bench: Bench, monkeypatch: pytest.MonkeyPatch, *, is_sent: bool = True) -> list[datetime]:
    """Keep when something was uploaded; CPS takes it, or says that it does and forgets it."""
    sent: list[datetime] = []
    plain = CpsClient.upload_certificates

    def upload(client: CpsClient, *arguments: Any, **options: Any) -> Any:
        sent.append(bench.clock.now())
        return plain(client, *arguments, **options) if is_sent else None

    monkeypatch.setattr(CpsClient, "upload_certificates", upload)
    return sent


def test_an_upload_whose_answer_was_lost_is_not_repeated_while_cps_may_show_its_old_status(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """U2, W5: it may have been taken."""
    bench.issued()
    bench.sandbox.configure({"lag_s": 60})
    sent = watch_uploads(bench, monkeypatch)
    bench.sandbox.fault("lost_after", method="POST", path=UPLOAD)
    with pytest.raises(RemoteError):
        bench.push(network="staging", wait=False)
    record = dict(bench.push(network="staging", wait=False).record or {})
    assert (record["state"], len(sent)) == ("in_doubt", 1)
    bench.sandbox.configure({"lag_s": 1})
    bench.advance(100)
    assert dict(bench.push(network="staging").record or {})["state"] == "completed" and len(sent) == 1


def test_an_upload_that_never_arrived_is_sent_again_by_the_call_that_waits_after_the_lag(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """U2, W5."""
    bench.issued()
    sent = watch_uploads(bench, monkeypatch)
    bench.sandbox.fault("lost_before", method="POST", path=UPLOAD)
    with pytest.raises(RemoteError):
        bench.push(network="staging", wait=False)
    assert dict(bench.push(network="staging").record or {})["state"] == "completed"
    first, second = sent
    assert (second - first).total_seconds() > 120


def test_a_change_that_goes_on_to_ask_for_a_certificate_is_not_given_it_for_ever(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """U2, W3: the runner waits in no call, and ends the order all the same; a retry begins anew."""
    bench.issued()
    sent = watch_uploads(bench, monkeypatch, is_sent=False)
    record = dict(bench.push(network="staging", wait=False).record or {})
    for _round in range(12):
        bench.advance(300)
        bench.run_due(fail=False)
    order = stored(bench, record)
    assert (order.state, order.reason, len(sent)) == ("failed", "upload_refused", 3)
    assert "was given it 3 times" in order.message and str(order.change["change_id"]) in order.message
    bench.advance(300)
    bench.act("bob", "retry", work_order_id=order.work_order_id)
    bench.run_due(fail=False)
    assert stored(bench, record).state == "implementing" and len(sent) == 4


def test_an_error_that_the_runner_finds_late_ends_the_order_and_is_not_answered_by_another_upload(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """U2, W3: what CPS says of an upload is what ends it, also where it said the same of the one before."""
    bench.issued()
    sent = watch_uploads(bench, monkeypatch, is_sent=False)
    state = PushState("wants_certificate", "wait-upload-third-party", error="the chain does not fit")
    monkeypatch.setattr(AkamaiCpsTarget, "observe", lambda *_arguments, **_options: state)
    record = dict(bench.push(network="staging", wait=False).record or {})
    for _round in range(4):
        bench.advance(300)
        bench.run_due(fail=False)
    order = stored(bench, record)
    assert (order.state, order.reason, order.message) == ("failed", "upload_refused", "the chain does not fit")
    assert len(sent) == 1


def test_the_runner_tells_that_staging_serves_another_certificate(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """U6, W3: it waits in no call, so the time since the upload counts; before that CPS may show an old list."""
    bench.issued()
    record = dict(bench.push(network="staging", wait=False).record or {})
    others = NetworkFacts(({"fingerprint": "AA:BB"},))
    state = PushState("on_staging", "wait-ack-change-management", staging=others)
    monkeypatch.setattr(AkamaiCpsTarget, "observe", lambda *_arguments, **_options: state)
    bench.advance(60)
    record = dict(bench.push(network="staging", wait=False).record or {})
    assert record["state"] == "implementing"
    for _round in range(4):
        bench.advance(900)
        bench.run_due(fail=False)
    order = stored(bench, record)
    assert (order.state, order.reason) == ("failed", "deployed_otherwise")
    assert "staging serves AA:BB" in order.message
