# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Changes of settings, pushes and removals that somebody at Control Center, or a script, comes between (U3, U5)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from ansible_collections.edgecert.clm.plugins.module_utils._clm import push_stages
from ansible_collections.edgecert.clm.plugins.module_utils._clm.deployment import Deployer
from ansible_collections.edgecert.clm.plugins.module_utils._core.clock import to_text
from ansible_collections.edgecert.clm.plugins.module_utils._core.errors import ClmError
from ansible_collections.edgecert.clm.plugins.module_utils._core.types import WorkOrder
from ansible_collections.edgecert.clm.plugins.module_utils._cps.client import CpsClient
from ansible_collections.edgecert.clm.tests.support.flow import Bench
from ansible_collections.edgecert.clm.tests.support.meanwhile import Elsewhere, writes

TLS = {"disallowed_tls_versions": ["TLSv1", "TLSv1_1"]}


def live(bench: Bench, **changes: Any) -> Elsewhere:
    """Have a certificate on production; give somebody at Control Center."""
    bench.issued(**changes)
    assert dict(bench.push(network="production").record or {})["state"] == "completed"
    bench.calls()
    return Elsewhere(bench)


def configure(bench: Bench, **changes: Any) -> dict[str, Any]:
    """Change settings, or go on; give the work order."""
    wanted = {"action": "configure", "network_settings": TLS, "network": "production", **changes}
    return dict(bench.push(**wanted).record or {})


def edited(somebody: Elsewhere, **network: Any) -> int:
    """Change network settings at Control Center; give the change."""
    return somebody.put(edit=lambda body: body["networkConfiguration"].update(network))


def stored(bench: Bench, order: dict[str, Any]) -> WorkOrder:
    """Give a work order as stored."""
    with bench.store.read() as unit:
        found = unit.work_orders.get(order["work_order_id"])
    assert found is not None
    return found


def test_a_change_of_others_is_not_taken_for_the_one_that_was_refused(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """U3: CPS refuses our update for a change that asks for the same and more; that one stays theirs."""
    somebody, plain, theirs = live(bench), CpsClient.update_enrollment, list[int]()

    def racing(client: CpsClient, *args: Any, **more: Any) -> Any:
        if client is not somebody.client and not theirs:
            theirs.append(edited(somebody, disallowedTlsVersions=["TLSv1", "TLSv1_1"], quicEnabled=True))
        return plain(client, *args, **more)

    monkeypatch.setattr(CpsClient, "update_enrollment", racing)
    with pytest.raises(ClmError):
        configure(bench)
    bench.advance(600)
    writes(bench)
    with pytest.raises(ClmError) as caught:
        configure(bench)
    assert caught.value.code == "change_pending" and theirs == somebody.open_changes()
    assert not writes(bench)

def scripted(bench: Bench, monkeypatch: pytest.MonkeyPatch, act: Callable[[], None]) -> None:
    """Have a pre-push script during which somebody acts."""

    def run(deployer: Deployer, stage: str, _result: str) -> dict[str, Any]:
        act()
        return {"stage": stage, "exit_code": 0, "failed": False}

    monkeypatch.setattr(push_stages, "_run", run)
    bench.connector(pre_push_script="/bin/true", script_location="device", script_timeout=30)


def test_a_removal_looks_again_after_its_script_and_cancels_no_change_that_nobody_named(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """U5: the change that was named is over by then, and another one is open."""
    somebody = live(bench)
    named, theirs = edited(somebody, quicEnabled=True), list[int]()

    def act() -> None:
        somebody.client.cancel_change(somebody.enrollment_id, named)
        bench.advance(60)
        theirs.append(edited(somebody, disallowedTlsVersions=["TLSv1"]))
        writes(bench)

    scripted(bench, monkeypatch, act)
    with pytest.raises(ClmError) as caught:
        bench.push(action="remove", network="production", cancel_changes=[named])
    assert caught.value.code == "pending_change" and theirs == somebody.open_changes()
    assert not writes(bench)


def test_a_freeze_that_begins_while_the_script_runs_keeps_the_certificate_from_being_uploaded(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """W2: the script may take an hour."""
    bench.issued()

    def act() -> None:
        begin, end = bench.clock.now() - timedelta(minutes=1), bench.clock.now() + timedelta(days=1)
        window = {"name": "holidays", "starts_at": to_text(begin), "ends_at": to_text(end), "kinds": ["push"]}
        bench.group(freeze_windows=[window])

    scripted(bench, monkeypatch, act)
    bench.calls()
    with pytest.raises(ClmError) as caught:
        bench.push(network="staging")
    assert caught.value.code == "frozen" and not writes(bench)
