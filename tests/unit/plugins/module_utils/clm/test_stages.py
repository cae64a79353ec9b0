# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whoever waits is told at which stage it is, since when, and what comes next, in every state there is (W3)."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timezone
from typing import Any

import pytest

from ansible_collections.edgecert.clm.plugins.module_utils._clm import stages, states
from ansible_collections.edgecert.clm.plugins.module_utils._core.types import CertRequest, WorkOrder

AT = datetime(2026, 11, 23, 12, tzinfo=timezone.utc)


def request(state: str, **changes: Any) -> CertRequest:
    """Give a request in a state."""
    return replace(CertRequest("req-1", "www", "enroll", state, "house", "endpoint"), **changes)


def order(state: str, **changes: Any) -> WorkOrder:
    """Give a work order in a state."""
    return replace(WorkOrder("wo-1", "www", "app", "edge", "push", "production", state), **changes)


@pytest.mark.parametrize("state", list(states.REQUEST))
def test_a_request_says_what_is_next_unless_it_has_ended(state: str) -> None:
    told = stages.stage(request(state, updated_at=AT))
    assert bool(told["next"]) is not states.is_final(state)
    assert (told["since"], "{" in told["next"]) == ("2026-11-23T12:00:00Z", False)


@pytest.mark.parametrize("state", list(states.WORK_ORDER))
def test_a_work_order_says_what_is_next_unless_it_has_ended(state: str) -> None:
    told = stages.stage(order(state, updated_at=AT))
    assert bool(told["next"]) is not states.is_final(state)
    assert told["is_moving"] is (state in stages.MOVING)


def test_a_request_whose_ca_asks_for_something_does_not_go_on_by_itself() -> None:
    asked = {"EC": {"actions": [{"kind": "dns-01", "name": "_acme-challenge.www"}]}}
    told = stages.stage(request("retrieval_in_progress", ca_progress=asked))
    assert (told["is_moving"], told["next"]) == (False, "somebody does what the CA asks for in its actions")


def test_since_is_when_the_last_step_was_and_not_when_it_was_looked_at() -> None:
    times = ("2026-11-23T10:00:00Z", "2026-11-23T11:00:00Z")
    steps = tuple({"type": word, "at": at} for word, at in zip(("submitted", "implementing"), times, strict=True))
    assert stages.stage(order("implementing", conditions=steps, updated_at=AT))["since"] == "2026-11-23T11:00:00Z"


def test_what_takes_something_back_is_told_as_that() -> None:
    assert stages.stage(order("implementing", action="remove"))["next"] == "CPS removes the enrollment"
    assert stages.stage(request("implementing", action="revoke"))["next"] == "the CA revokes it"


def test_a_push_to_staging_goes_no_further() -> None:
    assert stages.stage(order("on_staging"))["next"] == "it goes on to production"
    assert stages.stage(order("on_staging", network="staging"))["next"] == "it is completed"
