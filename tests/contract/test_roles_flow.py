# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A push from the wish to production and a rollback, each person with a login of the restricted roles on PostgreSQL."""

from __future__ import annotations

import pathlib
from collections.abc import Iterator
from typing import Any

import pytest

from ansible_collections.edgecert.clm.plugins.module_utils._core.errors import StoreError
from ansible_collections.edgecert.clm.plugins.module_utils._core.redact import Secret
from ansible_collections.edgecert.clm.plugins.module_utils._store.seal import StoreKey
from ansible_collections.edgecert.clm.tests.contract.test_store_roles import LOGINS, psql
from ansible_collections.edgecert.clm.tests.support.flow import Account, Bench
from ansible_collections.edgecert.clm.tests.support.lives import instant_account
from ansible_collections.edgecert.clm.tests.support.stores import KEY, StorePlace

pytestmark = pytest.mark.postgres

APPROVERS = ("ada_approves", "bob_approves")


@pytest.fixture(scope="module")
def account() -> Iterator[Account]:
    """Start a sandbox where nothing takes time."""
    with instant_account() as made:
        yield made


class Team:
    """People with a login each, on one store."""

    def __init__(self, account: Account, folder: pathlib.Path, url: str) -> None:
        self._account, self._folder, self._url = account, folder, url
        self._key = StoreKey(Secret(KEY))
        self.owner = Bench(account, folder, actor="otto_owns", url=url, key=self._key)
        self._benches = [self.owner]

    def member(self, login: str) -> Bench:
        """Give somebody's way to the store, who acts in their own name."""
        url = self._url.replace("clm@", f"{login}@")
        bench = Bench(self._account, self._folder, actor=login, url=url, key=self._key)
        bench.contract = self.owner.contract
        self._benches.append(bench)
        return bench

    def close(self) -> None:
        """Close every connection."""
        for bench in self._benches:
            bench.close()


@pytest.fixture
def team(account: Account, tmp_path: pathlib.Path, postgres_url: str) -> Iterator[Team]:
    """Give a store with device, settings, CA and policy, and the logins."""
    made, admin = Team(account, tmp_path, postgres_url), StorePlace(postgres_url)
    made.owner.prepare()
    made.owner.group(approvals={"push": 2})
    psql(postgres_url, "-v", "personal_logins=on")
    for name, role in LOGINS.items():
        admin.execute(f"DROP ROLE IF EXISTS {name}")
        more = ", clm_caller" if role == "clm_requester" else ""
        admin.execute(f"CREATE ROLE {name} LOGIN IN ROLE {role}{more}")
        if role not in ("clm_operator", "clm_owner"):
            admin.execute(f"ALTER ROLE {name} SET search_path = public_masked, public")
    yield made
    made.close()
    for name in LOGINS:
        admin.execute(f"DROP OWNED BY {name}")
        admin.execute(f"DROP ROLE {name}")


def done(team: Team, **wanted: Any) -> dict[str, Any]:
    """Have rita ask, ada and bob approve, olga do it; give the work order."""
    record = team.member("rita_requests").push(wait=False, **wanted).record
    assert record is not None and record["state"] == "submitted", record
    for login in APPROVERS:
        team.member(login).act(login, "approve", work_order_id=record["work_order_id"])
    olga = team.member("olga_runs")
    for _run in range(10):
        report = olga.run_due()
        assert report["failures"] == [], report
        if not report["waiting"]:
            break
        olga.advance(60)
    with team.owner.store.read() as unit:
        stored = unit.work_orders.get(record["work_order_id"])
    assert stored is not None
    return {"state": stored.state, "network": stored.network, "by": [entry["actor"] for entry in stored.approvals]}


def test_people_with_restricted_logins_bring_a_certificate_to_production(team: Team) -> None:
    """W2, W4, U2, U3+: each does a part and none could do another's; the audit's chain holds."""
    olga = team.member("olga_runs")
    assert dict(olga.enroll().record or {})["state"] == "issued"
    olga.connector()
    for network in ("staging", "production"):
        assert done(team, network=network) == {"state": "completed", "network": network, "by": list(APPROVERS)}
    assert team.owner.store.verify_audit() == []
    with team.owner.store.read() as unit:
        certificate = unit.certificates.get(olga.name())
    assert certificate is not None and certificate.production["fingerprint"] == certificate.fingerprint


def test_who_may_only_ask_is_refused_what_nobody_approves_and_it_is_done_by_who_runs(team: Team) -> None:
    """W2: what was asked for is kept; asked again once it is done, it is told."""
    rita, olga = team.member("rita_requests"), team.member("olga_runs")
    with pytest.raises(StoreError) as refused:
        rita.enroll()
    assert refused.value.code == "store_refused"
    assert olga.run_due()["failures"] == []
    assert dict(rita.enroll().record or {})["state"] == "issued"


def test_people_with_restricted_logins_take_a_push_back(team: Team) -> None:
    """W2, U5."""
    olga = team.member("olga_runs")
    olga.enroll()
    olga.connector()
    assert done(team)["state"] == "completed"
    assert done(team, action="rollback")["state"] == "completed"
    assert team.owner.store.verify_audit() == []


def test_the_one_who_runs_cannot_approve_and_the_one_who_approves_cannot_run(team: Team) -> None:
    """W2: it is the server that refuses it, whatever a module is told."""
    olga = team.member("olga_runs")
    olga.enroll()
    olga.connector()
    record = team.member("rita_requests").push(wait=False).record
    assert record is not None
    with pytest.raises(StoreError):
        olga.act("ada_approves", "approve", work_order_id=record["work_order_id"])
    for login in APPROVERS:
        team.member(login).act(login, "approve", work_order_id=record["work_order_id"])
    report = team.member("ada_approves").run_due()
    # Nor may such a login write down what became of certificates.
    assert [entry["kind"] for entry in report["failures"]] == ["revocation_checks", "implementations"], report
    with team.owner.store.read() as unit:
        stored = unit.work_orders.get(record["work_order_id"])
    assert stored is not None and stored.state == "approved"
