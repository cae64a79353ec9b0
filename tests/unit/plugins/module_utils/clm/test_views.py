# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How records look to users: plain data, no secret, days counted right."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest

from ansible_collections.edgecert.clm.plugins.module_utils._clm import views, work_views
from ansible_collections.edgecert.clm.plugins.module_utils._clm.filters import Filters
from ansible_collections.edgecert.clm.plugins.module_utils._core.errors import InputError
from ansible_collections.edgecert.clm.plugins.module_utils._core.redact import Secret
from ansible_collections.edgecert.clm.plugins.module_utils._core.types import (
    CaAccount,
    Certificate,
    CertRequest,
    Connector,
    Device,
    VendorSettings,
    WorkOrder,
)
from ansible_collections.edgecert.clm.plugins.module_utils._core.vocabulary import REQUEST_LABELS, WORK_ORDER_LABELS

NOW = datetime(2026, 11, 23, 12, tzinfo=timezone.utc)
TOKEN = Secret("hidden-token")


def test_a_device_shows_where_its_credential_is_from_and_nothing_of_it() -> None:
    """D6."""
    proxy = Secret("http://user:hidden-word@proxy:3128")
    device = Device("main", proxy=proxy, client_token=TOKEN, client_secret=TOKEN, access_token=TOKEN)
    view = views.device_view(device)
    assert "hidden" not in json.dumps(view)
    assert view["proxy"] == "http://***@proxy:3128"
    assert view["credential"] == {
        "source": "inline",
        "edgerc": "",
        "section": "",
        "client_token_set": True,
        "client_secret_set": True,
        "access_token_set": True,
    }


def test_a_ca_account_shows_only_that_it_has_secrets() -> None:
    view = views.ca_account_view(CaAccount("own", "own_ca", {"pin": Secret("hidden")}, Secret('{"key": "hidden"}')))
    assert "hidden" not in json.dumps(view)
    assert view["secrets_set"] is True


@pytest.mark.parametrize(
    ("left", "days", "expired"),
    [
        (timedelta(days=10), 10, False),
        (timedelta(days=10, seconds=-1), 9, False),
        (timedelta(seconds=1), 0, False),
        (timedelta(0), 0, True),
        (timedelta(seconds=-1), -1, True),
        (timedelta(days=-2), -2, True),
    ],
)
def test_days_left_are_whole_days_and_negative_once_expired(left: timedelta, days: int, expired: bool) -> None:
    certificate = Certificate("a", "enrolled", "a", not_after=NOW + left)
    view = views.certificate_view(certificate, NOW, Device("akamai", data_center="FRA"))
    assert (view["days_left"], view["expired"], view["cert_sync"]) == (days, expired, "managed")
    assert view["data_center"] == "FRA", "D3"


def test_a_certificate_that_is_not_there_yet_has_no_days() -> None:
    view = views.certificate_view(Certificate("a", "enrolled", "a", staging={"fingerprint": "f"}), NOW)
    assert (view["days_left"], view["expired"], view["not_after"]) == (None, False, None)
    assert view["networks"] == ["staging"]


@pytest.mark.parametrize("state", REQUEST_LABELS)
def test_a_request_bears_the_label_of_its_state(state: str) -> None:
    """W3."""
    view = work_views.request_view(CertRequest("req-1", "a", "enroll", state, "own", "endpoint"))
    assert view["label"] == REQUEST_LABELS[state]


@pytest.mark.parametrize("state", WORK_ORDER_LABELS)
def test_a_work_order_bears_the_label_of_its_state(state: str) -> None:
    """W3."""
    view = work_views.work_order_view(WorkOrder("wo-1", "a", "edge", "main", "push", "staging", state, created_at=NOW))
    assert (view["label"], view["created_at"]) == (WORK_ORDER_LABELS[state], "2026-11-23T12:00:00Z")


APPROVAL = {
    "level": 1,
    "actor": "bob",
    "at": "2026-11-23T12:00:00Z",
    "effective_at": "2026-11-23T12:00:00Z",
    "expires_at": "2026-11-30T12:00:00Z",
    "digest": "d" * 64,
    "binds": {"wish": "w" * 64},
    "comment": "fine",
}


def test_requests_and_work_orders_show_what_was_approved_by_whom_and_until_when() -> None:
    """W2, E24: not what the digest is over, which would repeat the record."""
    policy = {"group": "slow", "levels": 2}
    request = CertRequest("req-1", "a", "enroll", "submitted", "own", "endpoint", group="slow", policy=policy)
    order = WorkOrder("wo-1", "a", "edge", "main", "push", "staging", "submitted", policy=policy, last_safe_at=NOW)
    governed: dict[str, Any] = {"approvals": (APPROVAL,), "manual_implementation": True, "scheduled_at": NOW}
    for view in (
        work_views.request_view(replace(request, **governed)),
        work_views.work_order_view(replace(order, **governed)),
    ):
        assert view["approvals"] == [{name: value for name, value in APPROVAL.items() if name != "binds"}]
        assert (view["approvals_needed"], view["approvals_expire_at"]) == (2, "2026-11-30T12:00:00Z")
        assert (view["manual_implementation"], view["scheduled_at"]) == (True, "2026-11-23T12:00:00Z")
        assert view["policy"] == policy
        assert json.loads(json.dumps(view)) == view
    assert work_views.request_view(request)["group"] == "slow"
    view = work_views.work_order_view(order)
    assert (view["group"], view["last_safe_at"]) == ("default", "2026-11-23T12:00:00Z")
    assert (view["edges"], view["scripts"], view["is_automatic"], view["approvals_expire_at"]) == ({}, [], False, None)


def test_every_view_is_json() -> None:
    for view in (
        views.settings_view(VendorSettings("third-party", "standard-tls", "third-party", {}, {}, {})),
        views.connector_view(Connector("a", "edge", devices=("main",))),
    ):
        assert json.loads(json.dumps(view)) == view


def test_all_mistakes_in_filters_are_said_at_once() -> None:
    with pytest.raises(InputError) as caught:
        Filters.from_options(
            {"colour": "red", "sync": "x", "state": ["y"], "network": "z", "expires_within_days": True}
        )
    assert len(caught.value.details["problems"]) == 5
