# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A request's whole way at CertCentral: approvers, lost answers, renewals, revocations, over the real connector."""

from __future__ import annotations

import pathlib
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from ansible_collections.edgecert.clm.plugins.module_utils._ca.base import CaConnector, StoredAccount, Tools
from ansible_collections.edgecert.clm.plugins.module_utils._ca.digicert import DigiCertType
from ansible_collections.edgecert.clm.plugins.module_utils._clm import ca_accounts, enroll
from ansible_collections.edgecert.clm.plugins.module_utils._clm.ports import Ports
from ansible_collections.edgecert.clm.plugins.module_utils._core.errors import TransportError
from ansible_collections.edgecert.clm.plugins.module_utils._core.redact import Secret
from ansible_collections.edgecert.clm.plugins.module_utils._glue.wire_target import key_provider_maker
from ansible_collections.edgecert.clm.plugins.module_utils._http.transport import RequestsTransport
from ansible_collections.edgecert.clm.plugins.module_utils._store.store import SqlStore
from ansible_collections.edgecert.clm.tests.support.fake_ca import core
from ansible_collections.edgecert.clm.tests.support.fake_ca.digicert import CertCentral
from ansible_collections.edgecert.clm.tests.support.faulty_transport import Script
from ansible_collections.edgecert.clm.tests.support.virtual import VirtualClock
from ansible_collections.edgecert.clm.tests.support.virtual_bench import VirtualBench

NAME = "www.example.com"


class SharedClock(core.FakeClock):
    """The bench's clock, as a fake wants it."""

    def __init__(self, clock: VirtualClock) -> None:
        self._clock = clock
        super().__init__(clock.now())

    def now(self) -> datetime:
        """Give the bench's time."""
        return self._clock.now()


class LocalBench(VirtualBench):
    """A bench whose keys are made here."""

    def make_ports(self, store: SqlStore, actor: str = "tester") -> Ports:
        """Wire the parts, those for keys the real ones."""
        ports = super().make_ports(store, actor)
        return replace(ports, key_provider=key_provider_maker(store, self.clock, {}))


@dataclass
class Lab:
    """A bench whose CA is CertCentral."""

    bench: VirtualBench
    vendor: CertCentral
    options: dict[str, Any]
    script: Script = field(default_factory=Script)

    def account(self, **changes: Any) -> CaConnector:
        """Let the account be of these options."""
        made = self.script.over(RequestsTransport)
        kind = DigiCertType(Tools(self.bench.clock, made))
        secrets = {"api_key": self.vendor.key}
        options, opened = kind.prepare("house", {**self.options, **changes}, secrets, StoredAccount())
        connector = kind.connect("house", options, {name: Secret(text) for name, text in opened.items()})
        self.bench.use_ca(connector)
        return connector

    def enroll(self, **changes: Any) -> dict[str, Any]:
        """Enrol, or go on, and give the request."""
        wanted = {"validity": {"count": 30, "unit": "days"}, "csr_source": "local", "wait_timeout": 120}
        return dict(
            self.bench.enroll(**{**wanted, "organization": "Example Ltd", "country": "DE", **changes}).record or {}
        )

    @property
    def paid(self) -> int:
        """Count what CertCentral took."""
        return len(self.vendor.orders.found)


@pytest.fixture
def lab(tmp_path: pathlib.Path) -> Iterator[Lab]:
    bench = LocalBench(tmp_path)
    bench.prepare()
    vendor = CertCentral(core.Orders(SharedClock(bench.clock)))
    with core.running(vendor, vendor.orders, tmp_path) as fake:
        own = {"url": f"{fake.url}/services/v2", "ca_path": fake.ca_path, "organization_id": "501"}
        made = Lab(bench, vendor, {**own, "certificate_type": "ssl_basic", "skip_approval": True})
        made.account()
        yield made
    bench.close()


def test_an_account_is_kept_with_its_test_and_its_lists(lab: Lab) -> None:
    """C rows: as the module does it; no secret is shown."""
    lab.bench.wrap_ca = lambda connector: connector
    wanted = {"name": "certcentral", "state": "present", "type": "digicert", "options": lab.options, "test": True}
    choices = ["division", "server_type"]
    outcome = ca_accounts.plan(
        {**wanted, "secrets": {"api_key": lab.vendor.key}, "choices": choices}, lab.bench.ports
    ).execute()
    assert [one["value"] for one in outcome.extra["choices"]["division"]] == ["12", "13"]
    assert all(check["passed"] for check in outcome.extra["checks"])
    assert lab.vendor.key not in repr(outcome)


def test_a_certificate_is_issued_at_once(lab: Lab) -> None:
    """E2, E24: of public trust, so within what it allows on that day."""
    record = lab.enroll()
    assert record["state"] == "issued" and lab.paid == 1
    assert record["ca_progress"]["ECDSA"]["differences"] == []


def test_an_order_waits_for_its_approver_over_runs(lab: Lab) -> None:
    """W5: nothing is ordered twice, and what is waited for is shown."""
    lab.account(skip_approval=False)
    record = lab.enroll()
    assert record["state"] == "retrieval_in_progress"
    assert record["ca_progress"]["ECDSA"]["state"] == "pending_approval"
    lab.bench.advance(hours=2)
    lab.bench.run_due()
    lab.vendor.decide(9000, "approved")
    lab.bench.advance(hours=2)
    lab.bench.run_due()
    assert lab.bench.certificate().state == "issued" and lab.paid == 1


def test_what_proves_control_is_shown_until_it_is_proved(lab: Lab) -> None:
    """E22: actions as data."""
    lab.vendor.proves = True
    lab.account(dcv_type="dns-cname-token", certificate_type="ssl_dv_rapidssl", organization_id="")
    record = lab.enroll()
    [action] = record["ca_progress"]["ECDSA"]["actions"]
    assert (action["kind"], action["name"]) == ("cname", f"_dnsauth.{NAME}")
    lab.vendor.orders.finish(lab.vendor.orders.found["1000"])
    lab.bench.advance(hours=1)
    lab.bench.run_due()
    assert lab.bench.certificate().state == "issued"


def test_an_order_whose_answer_is_lost_is_found_in_the_same_run(lab: Lab) -> None:
    """Paid orders: looked for, not sent again."""
    lab.script.add("lost_after", "POST", "/order/certificate/")
    assert lab.enroll()["state"] == "issued" and lab.paid == 1


@pytest.mark.parametrize("is_there", [True, False])
def test_an_order_that_no_list_has_yet_is_in_doubt_and_settled_by_a_later_run(lab: Lab, is_there: bool) -> None:
    """in_doubt: it ends by itself, found where it is there, and sent once more where it is not."""
    lab.vendor.is_listed = False
    lab.script.add("lost_after" if is_there else "server_error_before", "POST", "/order/certificate/")
    record = lab.enroll(wait=False)
    assert record["state"] == "in_doubt" and NAME in record["message"]
    assert lab.paid == (1 if is_there else 0)
    lab.bench.run_due()
    assert lab.bench.requests()[-1].state == "in_doubt" and lab.paid == (1 if is_there else 0)
    lab.vendor.is_listed = True
    lab.bench.advance(minutes=10)
    lab.bench.run_due()
    assert lab.bench.certificate().state == "issued" and lab.paid == 1


def test_a_refused_connection_leaves_nothing_in_doubt(lab: Lab) -> None:
    """It never reached CertCentral: the next run orders."""
    for _each in range(3):
        lab.script.add("refused", "POST", "/order/certificate/")
    with pytest.raises(TransportError):
        lab.enroll()
    assert lab.enroll()["state"] == "issued" and lab.paid == 1


def test_renewals_and_regenerations_follow_the_order_before(lab: Lab) -> None:
    """E3, E4: a renewal names it, an early regeneration is a reissue in it."""
    lab.enroll()
    lab.bench.advance(days=2)
    assert lab.enroll(action="regenerate", force=True)["state"] == "issued"
    assert lab.vendor.bodies[-1].get("reissue_of") == "1000"
    lab.bench.advance(days=23)
    assert lab.enroll(action="renew", force=True)["state"] == "issued"
    assert lab.vendor.bodies[-1]["renewal_of_order_id"] == 1000
    assert lab.paid == 3 and lab.bench.store.verify_audit() == []


def test_a_revocation_waits_for_its_approver_over_runs(lab: Lab) -> None:
    """Requests that wait for an approver: asked for once."""
    lab.enroll()
    outcome = enroll.plan(
        {"action": "revoke", "certificate": NAME, "submit": True, "reason": "superseded"}, lab.bench.ports
    ).execute()
    assert outcome.record is not None and outcome.record["ca_progress"]["ECDSA"]["state"] == "revocation_pending"
    lab.bench.advance(hours=1)
    lab.bench.run_due()
    [number] = [number for number, one in lab.vendor.requests.items() if one["type"] == "revoke"]
    lab.vendor.decide(number, "approved")
    lab.bench.clock.moment += timedelta(hours=1)
    lab.bench.run_due()
    assert lab.bench.certificate().state == "revoked"
