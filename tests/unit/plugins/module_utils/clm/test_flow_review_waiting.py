# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Enrolments that only wait: what a module says of them, and when it says to look again."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from ansible_collections.edgecert.clm.plugins.module_utils._ca.answer_base import Answer, Pending
from ansible_collections.edgecert.clm.plugins.module_utils._glue import run as glue
from ansible_collections.edgecert.clm.plugins.modules import cert_enroll
from ansible_collections.edgecert.clm.tests.support import run_module
from ansible_collections.edgecert.clm.tests.support.flow import Bench, StubCa
from ansible_collections.edgecert.clm.tests.support.meanwhile import issued, park_too_soon, signing


def call(bench: Bench, monkeypatch: pytest.MonkeyPatch, **options: Any) -> Any:
    """Call the module on the bench's clock."""
    monkeypatch.setattr(glue, "SystemClock", lambda: bench.clock)
    wanted = {"common_name": bench.name(), "ca": "house", "device": "edge", "store": bench.url, "wait": False}
    return run_module.run(cert_enroll.main, {**wanted, **options})


@pytest.mark.parametrize("wait", [{}, {"wait": True, "wait_timeout": 30}], ids=["at-once", "waiting"])
@pytest.mark.parametrize("reason", ["create_too_soon", "csr_pending"])
def test_a_call_that_only_waits_changes_nothing_and_tells_no_step(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, reason: str, wait: dict[str, Any]
) -> None:
    """E24: steps are what was done, not what was tried."""
    bench.prepare()
    if reason == "create_too_soon":
        park_too_soon(bench)
    else:
        bench.sandbox.configure({"csr_s": 3000})
        bench.enroll(wait=False)
    result = call(bench, monkeypatch, **wait)
    assert result["changed"] is False and result["steps"] == [], result
    assert result["request"]["state"] == "implementing"
    bench.sandbox.configure({"create_interval_s": 0, "csr_s": 1})
    bench.advance(3100)
    result = call(bench, monkeypatch, wait=True, wait_timeout=900)
    assert result["changed"] is True and len(result["steps"]) >= 2 and result["request"]["state"] == "issued"
    result = call(bench, monkeypatch)
    assert result["changed"] is False and result["steps"] == []


def test_a_first_call_whose_create_comes_too_soon_tells_only_the_record(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """E24."""
    bench.prepare()
    bench.enroll(common_name=bench.name("first"))
    bench.sandbox.configure({"create_interval_s": 300})
    result = call(bench, monkeypatch)
    assert result["changed"] is True and [step.split()[0] for step in result["steps"]] == ["Record"]


def test_the_time_to_look_again_is_kept_renewed_and_cleared(bench: Bench) -> None:
    """E24."""
    bench.prepare()
    bench.sandbox.configure({"csr_s": 300})
    first = bench.enroll(wait=False).record
    bench.advance(60)
    plan = bench.plan_enroll(wait=False)
    assert not plan.changed
    second = plan.execute().record
    assert first is not None and second is not None
    assert first["next_look_at"] and second["next_look_at"] > first["next_look_at"]
    kept = ("state", "reason", "message")
    assert [second[name] for name in kept] == [first[name] for name in kept]
    bench.advance(400)
    assert issued(bench.enroll())["next_look_at"] is None


class SlowCa(StubCa):
    """A CA that has an order looked at twice before it signs."""

    looks = 0

    def collect(self, handle: Mapping[str, Any]) -> Answer:
        """Say pending twice."""
        self.looks += 1
        return Pending(handle, "a person signs", 60.0) if self.looks < 3 else super().collect(handle)


def test_the_time_to_ask_the_ca_again_is_gone_once_it_has_signed(bench: Bench) -> None:
    """E24."""
    bench.prepare()
    bench.use_ca(SlowCa(signing(bench), immediate=False))
    waiting = bench.enroll(wait=True, wait_timeout=30).record
    assert waiting is not None and waiting["reason"] == "ca_pending" and waiting["next_look_at"]
    assert issued(bench.enroll(wait=False))["next_look_at"] is None
