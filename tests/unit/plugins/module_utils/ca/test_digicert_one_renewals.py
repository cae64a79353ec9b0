# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Renewals at Trust Lifecycle Manager: when they are, and when another order is placed instead."""

from __future__ import annotations

import pathlib
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import pytest

from ansible_collections.edgecert.clm.plugins.module_utils._ca.answer_base import Issued, Pending
from ansible_collections.edgecert.clm.plugins.module_utils._clm.ca_orders import is_surely_not_taken
from ansible_collections.edgecert.clm.plugins.module_utils._core.errors import RemoteError
from ansible_collections.edgecert.clm.plugins.module_utils._pki.x509 import certificate_facts
from ansible_collections.edgecert.clm.tests.support.ca_sites.digicert import csr, issued
from ansible_collections.edgecert.clm.tests.support.ca_sites.digicert_one import Bench, running
from ansible_collections.edgecert.clm.tests.support.csrs import SPEC
from ansible_collections.edgecert.clm.tests.support.fake_ca.digicert_one import AT_ONCE
from ansible_collections.edgecert.clm.tests.support.faulty_transport import Script


@pytest.fixture
def bench(tmp_path: pathlib.Path) -> Iterator[Bench]:
    with running(tmp_path) as made:
        yield made


def test_a_renewal_within_the_period_is_one(bench: Bench) -> None:
    """E3: by its own call, with the CSR as base64, on the same seat."""
    connector = bench.connect()
    first = issued(connector, bench.order(), csr())
    bench.site.clock.sleep(70 * 86400)
    answer = connector.renew(first.handle, bench.order(action="renew", parent=first.handle), csr())
    assert isinstance(answer, Issued) and answer.handle["seat_id"] == first.handle["seat_id"]
    assert set(bench.last) == {"csr", "validity", "delivery_format", "include_ca_chain"}
    assert certificate_facts(answer.bundle.leaf).serial != certificate_facts(first.bundle.leaf).serial


CHANGES: Mapping[str, Mapping[str, Any]] = {
    "dns names": {"dns_names": (*SPEC.dns_names, "more.example.com")},
    "addresses": {"ip_addresses": ("192.0.2.1", "192.0.2.2")},
    "e-mail addresses": {"emails": ("a@example.com",)},
    "uris": {"uris": ("https://example.com/x",)},
    "other names": {"other_names": (("1.3.6.1.4.1.311.20.2.3", "a@example.com"),)},
    "common name": {"common_name": "shop.example.com"},
    "organization": {"organization": "Example Ltd"},
}


@pytest.mark.parametrize("why", ["early", "revoked", *CHANGES])
def test_a_renewal_that_the_profile_would_refuse_is_another_order_on_the_seat(bench: Bench, why: str) -> None:
    """E3: too early, of a certificate that is revoked, or with any other name or part of the subject."""
    told = bench.vendor.profiles[AT_ONCE]["certificate"]["subject"]["attributes"]
    told.append({"type": "organization_name", "mandatory": False, "sources": [{"source": "REST_REQUEST"}]})
    connector = bench.connect()
    spec = replace(SPEC, organization="", ip_addresses=("192.0.2.1",))
    first = issued(connector, bench.order(spec=spec), csr())
    bench.site.clock.sleep((10 if why == "early" else 70) * 86400)
    order = bench.order(action="renew", parent=first.handle, spec=replace(spec, **CHANGES.get(why, {})))
    if why == "revoked":
        connector.revoke(first.handle, "superseded", "")
    answer = connector.renew(first.handle, order, csr())
    assert isinstance(answer, Issued) and answer.handle["seat_id"] == first.handle["seat_id"]
    assert bench.last["seat"] == {"seat_id": first.handle["seat_id"]}


def test_what_the_profile_does_not_take_keeps_no_renewal_back(bench: Bench) -> None:
    """E3: the profile takes no country, and the certificate has none."""
    connector = bench.connect()
    spec = replace(SPEC, country="DE", ip_addresses=("192.0.2.1",))
    first = issued(connector, bench.order(spec=spec), csr())
    bench.site.clock.sleep(70 * 86400)
    answer = connector.renew(first.handle, bench.order(spec=spec, parent=first.handle), csr())
    assert isinstance(answer, Issued) and "seat" not in bench.last


@pytest.mark.parametrize(("path", "call"), [("/profile", "submit"), ("/profile", "renew"), ("/certificate/", "renew")])
def test_a_question_before_the_order_that_fails_left_no_order(bench: Bench, path: str, call: str) -> None:
    """W5: nothing was sent, so nothing is in doubt."""
    first = issued(bench.connect(), bench.order(), csr())
    script, order = Script(), bench.order(parent=first.handle)
    script.add("lost_after", "GET", path, times=9)
    connector = bench.connect(script)
    with pytest.raises(RemoteError) as caught:
        connector.submit(order, csr()) if call == "submit" else connector.renew(first.handle, order, csr())
    assert is_surely_not_taken(caught.value) and len(bench.vendor.orders.found) == 1


@pytest.mark.parametrize("is_revoked", [True, False])
def test_a_certificate_that_cannot_be_read_is_followed_by_another_order(bench: Bench, is_revoked: bool) -> None:
    """W5: the order is placed, for what cannot be read cannot be renewed."""
    connector = bench.connect()
    first = issued(connector, bench.order(), csr())
    bench.site.clock.sleep(70 * 86400)
    if is_revoked:
        connector.revoke(first.handle, "superseded", "")
    bench.vendor.orders.is_garbled = True
    answer = connector.renew(first.handle, bench.order(parent=first.handle), csr())
    assert isinstance(answer, Pending) and bench.last["seat"] == {"seat_id": first.handle["seat_id"]}
