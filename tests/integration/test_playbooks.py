# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The flows as users run them: the collection's playbooks by their full names, each person in a process of their own.

One store and one account for all; each test has a certificate of its own in it. Nobody waits: the clock jumps.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
from edgecert_sandbox.handle import Handle, SandboxOptions, start

from ansible_collections.edgecert.clm.plugins.module_utils._core.clock import from_text, to_text
from ansible_collections.edgecert.clm.plugins.module_utils._cps import changes
from ansible_collections.edgecert.clm.plugins.module_utils._glue.wire_target import client_of
from ansible_collections.edgecert.clm.plugins.module_utils._store.open import open_store
from ansible_collections.edgecert.clm.plugins.module_utils._store.seal import StoreKey
from ansible_collections.edgecert.clm.plugins.module_utils._store.store import SqlStore
from ansible_collections.edgecert.clm.tests.support.moved_clock import MovedClock
from ansible_collections.edgecert.clm.tests.support.playbooks import Result, run_playbook
from ansible_collections.edgecert.clm.tests.support.stores import StorePlace

CONTRACT = "C-T35"
FIRST = "first.example.com"
WAIT_S = 240
ORGANIZATION = {
    "name": "Example Ltd",
    "address": "1 Example Street",
    "city": "Cambridge",
    "state": "MA",
    "postal_code": "02142",
    "country": "US",
    "phone": "+1-617-555-0100",
}
ADMIN = {"first_name": "Ada", "last_name": "Admin", "phone": "+1-617-555-0101", "email": "ada@example.com"}


@dataclass
class House:
    """A team with one store: ada asks, bob and carol approve, a schedule runs what is due."""

    sandbox: Handle
    clock: MovedClock
    url: str
    first: Result

    def play(self, name: str, actor: str, *arguments: str, **variables: Any) -> Result:
        """Run a playbook of the collection as a person; whether it went well is the test's to say."""
        env = {"EDGECERT_STORE": self.url, "EDGECERT_ACTOR": actor, **self.clock.environment}
        return run_playbook(f"edgecert.clm.{name}", variables, env, arguments=arguments)

    def run_due(self, **variables: Any) -> dict[str, Any]:
        """Run what is due, as a schedule does."""
        return dict(self.play("run_due", "schedule", **variables).ok().task("Do it").result)

    def enrol(self, name: str, **variables: Any) -> None:
        """Have an issued certificate with an application connector."""
        wanted = {"clm_common_name": name, "clm_ca": "own", "clm_contract": CONTRACT, "clm_connector": "edge"}
        done = self.play("enroll", "ada", **{**wanted, **variables}).ok()
        assert done.task("Enrol").result["request"]["state"] == "issued"

    def push(self, name: str, **variables: Any) -> dict[str, Any]:
        """Ask for a push; give the work order."""
        edges = [self.sandbox.edge("staging")]
        done = self.play("push", "ada", clm_certificate=name, clm_staging_edges=edges, **variables).ok()
        order = dict(done.task("Push").result["work_order"])
        told = done.task("Tell the jobs behind this one what waits").result["ansible_stats"]["data"]
        wanted = {"clm_work_order_id": order["work_order_id"], "clm_request_id": "", "clm_enrolled_certificate": name}
        assert told == wanted
        return order

    def approve(self, work_order_id: str, *actors: str) -> dict[str, Any]:
        """Have people approve it, one after the other; give the work order."""
        for actor in actors:
            done = self.play("approve", actor, clm_work_order_id=work_order_id).ok()
        return dict(done.task("Approve").result["results"][0]["work_order"])

    @contextlib.contextmanager
    def store(self) -> Iterator[SqlStore]:
        """Open the store."""
        with contextlib.closing(open_store(self.url, StoreKey(), self.clock, "the test")) as store:
            yield store

    def order(self, work_order_id: str) -> Any:
        """Read a work order."""
        with self.store() as store, store.read() as unit:
            return unit.work_orders.get(work_order_id)

    def certificate(self, name: str) -> Any:
        """Read a certificate."""
        with self.store() as store, store.read() as unit:
            return unit.certificates.get(name)


@pytest.fixture(scope="module")
def account() -> Iterator[Handle]:
    """Start a sandbox with one contract: with forty the first discovery would wait for the limits four minutes."""
    options = SandboxOptions(limits=False, instant=True, contracts=[CONTRACT], extra=("--set", "create_interval_s=0"))
    with start(options) as handle:
        yield handle


@pytest.fixture(scope="module")
def house(account: Handle, tmp_path_factory: pytest.TempPathFactory) -> House:
    """Have a first certificate, and with it a device, settings, a CA and a work order that waits."""
    folder = tmp_path_factory.mktemp("house")
    house = House(account, MovedClock(folder, account), f"sqlite:///{folder}/clm.db", Result(0, "", "", {}, []))
    wanted = {
        "clm_device": "edge",
        "clm_edgerc": account.edgerc,
        "clm_ca_path": account.ca_path,
        "clm_contract": CONTRACT,
        "clm_common_name": FIRST,
        "clm_staging_edges": [account.edge("staging")],
        "clm_organization": ORGANIZATION,
        "clm_admin_contact": ADMIN,
        "clm_tech_contact": {**ADMIN, "email": "tess@akamai.com"},
    }
    # U5: on an empty store it says what it can, where what comes next needs what check mode does not make.
    predicted = house.play("first_certificate", "ada", "--check", **wanted).ok()
    assert "after that first.example.com would be enrolled" in " ".join(predicted.stdout.split())
    house.first = house.play("first_certificate", "ada", **wanted).ok()
    return house


def pushed(house: House) -> dict[str, Any]:
    """Give the work order of the first certificate as it was left."""
    task = house.first.task("Ask for a push to staging, and prove it there once it is approved")
    return dict(task.result["work_order"])


def test_a_first_certificate_waits_for_two_people_and_then_reaches_staging(house: House) -> None:
    """U4, W1, W2, W3, W4: listed for those who may, approved by two, done by the runner, proved by a handshake."""
    order = pushed(house)
    assert (order["state"], order["approvals_needed"]) == ("submitted", 2)
    assert "0 of 2 approvals are given" in house.first.stdout
    assert f"edgecert.clm.approve -e clm_work_order_id={order['work_order_id']}" in house.first.stdout
    listed = house.play("approve", "bob").ok()
    assert "waits for approval 1 of 2" in listed.stdout and "0 approved; 1 waited" in listed.stdout
    assert "0 approved; 0 waited" in house.play("approve", "ada").ok().stdout, "who asked is not asked"
    predicted = house.play("approve", "bob", "--check", clm_work_order_id=order["work_order_id"]).ok()
    assert predicted.task("Approve").result["results"][0]["work_order"]["state"] == "review_in_progress"
    assert house.order(order["work_order_id"]).approvals == ()
    assert "would be review_in_progress" in predicted.stdout and "1 would be approved" in predicted.stdout
    first = house.play("approve", "bob", clm_work_order_id=order["work_order_id"], clm_comment="looks right").ok()
    assert "approval 1 of 2 by bob at 20" in first.stdout
    second = house.play("approve", "carol", clm_approve_all=True).ok()
    assert "approval 2 of 2 by carol at 20" in second.stdout and "is approved" in second.stdout
    due = house.run_due(clm_until=house.clock.soon(seconds=WAIT_S))
    assert [entry["state"] for entry in due["done"] if "work_order_id" in entry][-1] == "completed"
    done = house.order(order["work_order_id"])
    assert done.state == "completed"
    assert {proof["kind"] for proof in done.evidence} == {"handshake"}
    assert [(given["actor"], given["comment"]) for given in done.approvals] == [("bob", "looks right"), ("carol", "")]


def test_the_job_user_of_awx_is_the_actor_of_every_playbook(house: House) -> None:
    """W2: what AWX says goes before what the environment says."""
    house.enrol("awx.example.com")
    order = house.push("awx.example.com")
    done = house.play("approve", "ada", clm_work_order_id=order["work_order_id"], awx_user_name="bob").ok()
    assert done.task("Approve").result["results"][0]["work_order"]["approvals"][0]["actor"] == "bob"


def test_nobody_approves_their_own_or_twice_and_nothing_is_implemented_before(house: House) -> None:
    """W2."""
    house.enrol("own.example.com")
    order = house.push("own.example.com")["work_order_id"]
    for actor, code in (("ada", "own_request"), ("bob", ""), ("bob", "approved_twice")):
        done = house.play("approve", actor, clm_work_order_id=order)
        [result] = done.task("Approve").result["results"]
        assert result.get("failure", {}).get("code", "") == code
        assert bool(done.rc) is bool(code)
    assert house.run_due(clm_only=["implementations", "pushes"])["done"] == []
    assert [given["actor"] for given in house.order(order).approvals] == ["bob"]


def test_an_approved_push_is_implemented_when_it_is_scheduled(house: House) -> None:
    """W2, W4: not by who approves last, not by a run before its time, but by the run that its time falls into."""
    house.enrol("later.example.com")
    order = house.push("later.example.com", clm_manual_implementation=True)["work_order_id"]
    assert house.approve(order, "bob", "carol")["state"] == "approved"
    at = house.clock.soon(seconds=45)
    done = house.play("schedule", "dave", clm_work_order_id=order, clm_at=at).ok()
    assert f"is scheduled for {at}" in done.stdout
    early = house.run_due()
    assert early["done"] == [] and early["next_due_at"] <= at
    house.run_due(clm_until=house.clock.soon(seconds=WAIT_S))
    stored = house.order(order)
    assert stored.state == "completed"
    begun = next(step for step in stored.conditions if step["type"] == "implementing")
    assert from_text(begun["at"]) >= from_text(at)


def test_a_rejected_push_ends_with_its_reason_and_asking_again_is_a_new_one(house: House) -> None:
    """W2, W5."""
    house.enrol("no.example.com")
    order = house.push("no.example.com")["work_order_id"]
    assert house.play("reject", "bob", clm_work_order_id=order).rc, "a reason is needed"
    assert house.order(order).state == "submitted"
    done = house.play("reject", "bob", clm_work_order_id=order, clm_comment="not this week").ok()
    assert "is rejected rejected by bob: not this week" in done.stdout
    again = house.push("no.example.com")
    assert again["state"] == "submitted" and again["work_order_id"] != order


def test_a_push_goes_on_to_production_after_two_people_approved_it(house: House) -> None:
    """U3+, W2: what is on staging is approved with CPS's validation result, and not uploaded again."""
    name = "live.example.com"
    house.enrol(name)
    staged = house.push(name)["work_order_id"]
    house.approve(staged, "bob", "carol")
    house.run_due(clm_until=house.clock.soon(seconds=WAIT_S))
    edges = {f"clm_{net}_edges": [house.sandbox.edge(net)] for net in ("staging", "production")}
    chosen = {"clm_edge_names": [name], "clm_edge_family": "ipv4"}
    done = house.play("push_production", "ada", clm_certificate=name, **edges, **chosen).ok()
    order = done.task("Push").result["work_order"]
    assert (order["edges"]["names"], order["edges"]["family"], "hostnames" in order["edges"]) == ([name], "ipv4", False)
    assert (order["state"], order["network"]) == ("submitted", "production") and "0 of 2 approvals" in done.stdout
    house.approve(order["work_order_id"], "bob", "carol")
    assert all(given["binds"]["validation_hash"] for given in house.order(order["work_order_id"]).approvals)
    house.run_due(clm_until=house.clock.soon(seconds=WAIT_S))
    stored = house.order(order["work_order_id"])
    assert stored.state == "completed"
    assert {(e["kind"], e["network"]) for e in stored.evidence} == {
        ("handshake", "staging"),
        ("handshake", "production"),
    }
    assert house.certificate(name).production["fingerprint"] == house.certificate(name).fingerprint


def test_a_push_is_rolled_back_after_two_people_approved_that(house: House) -> None:
    """U5, W2: check mode says that it can be; the change is cancelled, the work order that waits ends with it."""
    name = "back.example.com"
    house.enrol(name)
    waiting = house.push(name)["work_order_id"]
    predicted = house.play("rollback", "ada", "--check", clm_certificate=name).ok()
    [step] = predicted.task("Push").result["steps"]
    assert "back by cancelling change" in step
    order = house.play("rollback", "ada", clm_certificate=name).ok().task("Push").result["work_order"]
    assert (order["state"], order["action"]) == ("submitted", "rollback")
    house.approve(order["work_order_id"], "bob", "carol")
    house.run_due(clm_until=house.clock.soon(seconds=WAIT_S))
    assert house.order(order["work_order_id"]).state == "completed"
    assert (house.order(waiting).state, house.order(waiting).reason) == ("cancelled", "rolled_back")
    assert house.certificate(name).state == "vanished", "it was the first change of its enrollment"


def to_production(house: House, name: str) -> None:
    """Have a certificate on production, after two people approved that."""
    order = house.push(name, clm_network="production")["work_order_id"]
    house.approve(order, "bob", "carol")
    house.run_due(clm_until=house.clock.soon(seconds=WAIT_S))
    assert house.order(order).state == "completed"


def test_a_certificate_is_renewed_now_pushed_and_in_the_end_removed(house: House) -> None:
    """U3+, U5, D5, W2: one renewal however often it is run; a removal by two people, with the change it may cancel."""
    name = "closed.example.com"
    house.enrol(name)
    to_production(house, name)
    before = house.certificate(name)
    predicted = house.play("renew", "ada", "--check", clm_certificate=name).ok()
    assert any("to renew" in step for step in predicted.task("Renew").result["steps"])
    assert house.certificate(name) == before
    done = house.play("renew", "ada", clm_certificate=name).ok()
    order = done.task("Push").result["work_order"]
    assert (done.task("Renew").result["request"]["state"], order["state"]) == ("issued", "submitted")
    stats = [one.result["ansible_stats"]["data"] for one in done.results if one.task.startswith("Tell the jobs behind")]
    told = [(one["clm_request_id"], one["clm_work_order_id"]) for one in stats]
    assert told == [(done.task("Renew").result["request"]["request_id"], ""), ("", order["work_order_id"])]
    assert {one["clm_enrolled_certificate"] for one in stats} == {name}
    assert f"-e clm_work_order_id={order['work_order_id']}" in done.stdout, "where the push stands is told"
    again = house.play("renew", "ada", clm_certificate=name).ok()
    assert again.task("Push").result["work_order"]["work_order_id"] == order["work_order_id"]
    assert not again.stats["localhost"]["changed"]
    after = house.certificate(name)
    assert (after.enrollment_id, after.fingerprint == before.fingerprint) == (before.enrollment_id, False)
    house.approve(order["work_order_id"], "bob", "carol")
    house.run_due(clm_until=house.clock.soon(seconds=WAIT_S))
    assert house.order(order["work_order_id"]).state == "completed"
    in_the_way = house.play("remove", "ada", clm_certificate=name)
    failure = in_the_way.task("Push").result["failure"]
    assert in_the_way.rc and failure["code"] == "pending_change"
    wanted = {"clm_certificate": name, "clm_cancel_changes": failure["details"]["pending"]}
    [told] = house.play("remove", "ada", "--check", **wanted).ok().task("Push").result["steps"]
    assert "by a change of its own" in told and f"open change {failure['details']['pending'][0]}" in told
    removal = house.play("remove", "ada", **wanted).ok().task("Push").result["work_order"]
    assert (removal["state"], removal["action"]) == ("submitted", "remove")
    house.approve(removal["work_order_id"], "bob", "carol")
    house.run_due(clm_until=house.clock.soon(seconds=WAIT_S))
    assert house.order(removal["work_order_id"]).state == "completed"
    assert house.certificate(name).state == "vanished"
    forgotten = house.play("remove", "ada", clm_certificate=name, clm_remove_from="store").ok()
    assert f"{name}, {after.parent}" in forgotten.stdout and house.certificate(name) is None


def test_network_settings_are_changed_taken_back_and_brought_back(house: House) -> None:
    """U3+, U5, W2: said beforehand, approved by two people, not sent twice; a rollback sets them back."""
    name, wanted = "settings.example.com", {"disallowed_tls_versions": ["TLSv1", "TLSv1_1"]}
    house.enrol(name)
    to_production(house, name)
    given = {"clm_certificate": name, "clm_network": "production", "clm_network_settings": wanted}
    [told] = house.play("configure", "ada", "--check", "--diff", **given).ok().task("Push").result["steps"]
    assert "to change disallowed_tls_versions" in told
    order = house.play("configure", "ada", **given).ok().task("Push").result["work_order"]
    assert (order["state"], order["action"]) == ("submitted", "configure")
    house.approve(order["work_order_id"], "bob", "carol")
    house.run_due(clm_until=house.clock.soon(seconds=WAIT_S))
    assert house.order(order["work_order_id"]).state == "completed"
    assert not house.play("configure", "ada", **given).ok().stats["localhost"]["changed"]
    back = {"clm_certificate": name, "clm_network": "production", "clm_rollback_of": "configure"}
    refused = house.play("rollback", "ada", **back)
    assert refused.rc and refused.task("Push").result["failure"]["code"] == "rollback_impossible"
    again = house.play("rollback", "ada", **back, clm_roll_forward=True).ok().task("Push").result["work_order"]
    assert (again["state"], again["action"]) == ("submitted", "configure")
    assert again["network_settings"] == {"before": wanted, "after": {"disallowed_tls_versions": []}}
    house.approve(again["work_order_id"], "bob", "carol")
    house.run_due(clm_until=house.clock.soon(seconds=WAIT_S))
    assert house.order(again["work_order_id"]).state == "completed"


def test_names_of_a_live_certificate_are_edited_and_none_that_is_in_use_is_dropped(house: House) -> None:
    """E9, cps-protocol §4.4: said beforehand, refused while a property serves the name, done once."""
    name, old, new = "names.example.com", "old.names.example.com", "new.names.example.com"
    house.enrol(name, clm_names=[old])
    house.approve(house.push(name)["work_order_id"], "bob", "carol")
    house.run_due(clm_until=house.clock.soon(seconds=WAIT_S))
    reach_production(house, name)
    enrollment = house.certificate(name).enrollment_id
    wanted: dict[str, Any] = {"clm_certificate": name, "clm_names": [new]}
    house.sandbox.configure({"property_hostnames": [f"{old} shop production"]})
    refused = house.play("edit_names", "ada", **wanted)
    assert refused.rc and f"properties still serve {old} (shop, production)" in refused.stdout
    house.sandbox.configure({"property_hostnames": []})
    checked = house.play("edit_names", "ada", "--check", **wanted).ok()
    assert f"new_certificate; names that come: ['{new}'], names that go: ['{old}']" in checked.stdout
    assert house.certificate(name).sans == (name, old)
    done = house.play("edit_names", "ada", **wanted).ok().task("Edit the names").result
    assert done["changed"] and done["request"]["state"] == "issued"
    stored = house.certificate(name)
    assert (stored.sans, stored.enrollment_id) == ((name, new), enrollment)
    again = house.play("edit_names", "ada", **wanted).ok().task("Edit the names").result
    assert not again["changed"] and again["prediction"]["outcome"] == "nothing"


def test_a_mistaken_edit_is_taken_back_by_the_cancel_playbook(house: House) -> None:
    """W1, cps-protocol §6.5: in check mode it is told; its change goes at CPS, and a second run changes nothing."""
    name = "mistaken.example.com"
    house.enrol(name)
    to_production(house, name)
    house.sandbox.configure({"csr_s": 5000})
    wanted: dict[str, Any] = {"clm_certificate": name, "clm_names": ["mistyped.example.com"], "clm_wait_timeout": 1}
    request = house.play("edit_names", "ada", **wanted).task("Edit the names").result["request"]
    back: dict[str, Any] = {"clm_request_id": request["request_id"], "clm_cancel_change": True}
    checked = house.play("cancel", "ada", "--check", **back).ok().task("Cancel").result
    assert [step.split()[0] for step in checked["steps"]] == ["Cancel", "Cancel"]
    done = house.play("cancel", "ada", **back).ok().task("Cancel").result
    house.sandbox.configure({"csr_s": 3})
    assert (done["changed"], done["request"]["state"], done["request"]["change_id"]) == (True, "cancelled", None)
    again = house.play("cancel", "ada", **back).ok().task("Cancel").result
    assert not again["changed"]
    wanted.update(clm_names=["right.example.com"], clm_wait_timeout=900)
    assert house.play("edit_names", "ada", **wanted).ok().task("Edit the names").result["request"]["state"] == "issued"


def reach_production(house: House, name: str) -> None:
    """Acknowledge at Control Center, as a person does there, what is on staging, and wait for production."""
    enrollment = house.certificate(name).enrollment_id
    with house.store() as store:
        with store.read() as unit:
            [device] = unit.devices.find()
        client = client_of(device, store, house.clock, {})
        [change] = client.get_enrollment(enrollment).pending_changes
        info = client.get_change_management_info(enrollment, change.change_id)
        client.acknowledge(changes.CHANGE_MANAGEMENT, enrollment, change.change_id, hash_text=info.hash)
        until(lambda: not client.get_enrollment(enrollment).pending_changes, house.clock)


def until(reached: Callable[[], bool], clock: MovedClock) -> None:
    """Let time pass until something is so."""
    for _look in range(60):
        if reached():
            return
        clock.sleep(5)
    raise AssertionError("it never came to that")


def let_pass(house: House, name: str, days: int) -> None:
    """Make a stored certificate older, as if so many days had passed since it was issued."""
    certificate = house.certificate(name)
    moved = [to_text(moment - timedelta(days=days)) for moment in (certificate.not_before, certificate.not_after)]
    sql = "UPDATE certificates SET not_before = ?, not_after = ? WHERE certificate_id = ?"
    StorePlace(house.url).execute(sql, *moved, name)


def test_a_renewal_happens_by_itself_and_reaches_staging_by_itself(house: House) -> None:
    """E3, A5, W4: nothing before its window, then one renewal with a new key in the same enrollment, and its push.

    The window's timing is proved in virtual time by the unit tests; here the store is told that 20 days have passed.
    """
    name = "renewed.example.com"
    house.enrol(name, clm_validity_days=47)
    order = house.push(name)["work_order_id"]
    house.approve(order, "bob", "carol")
    house.run_due(clm_until=house.clock.soon(seconds=WAIT_S))
    assert house.order(order).state == "completed"
    reach_production(house, name)
    before = house.certificate(name)
    wanted = {"clm_certificate": name, "clm_group": "automatic", "clm_days_before": 30}
    predicted = house.play("auto_renewal", "ada", "--check", **wanted).ok()
    assert "would be changed first" in predicted.stdout
    done = house.play("auto_renewal", "ada", **wanted).ok()
    assert "pushed by itself through edge: True" in done.stdout
    assert not house.play("auto_renewal", "ada", **wanted).ok().stats["localhost"]["changed"]
    assert house.run_due(clm_only=["renewals", "automatic_pushes"])["done"] == []
    let_pass(house, name, days=20)
    due = house.run_due(clm_until=house.clock.soon(seconds=WAIT_S))
    assert due["failures"] == []
    after = house.certificate(name)
    assert after.enrollment_id == before.enrollment_id
    assert after.fingerprint != before.fingerprint
    with house.store() as store, store.read() as unit:
        requests = unit.requests.find(certificate_id=name)
        orders = [one for one in unit.work_orders.find(certificate_id=name) if one.work_order_id != order]
    assert [request.action for request in requests] == ["enroll", "renew"]
    assert [(one.state, one.is_automatic, one.approvals) for one in orders] == [("completed", True, ())]
    assert orders[0].fingerprints == requests[1].fingerprints
    assert house.run_due()["done"] == [], "nothing is renewed twice"


def test_the_certificate_of_a_ca_is_replaced_by_one_of_another(house: House) -> None:
    """E3, W4: planned in check mode, done once, in the same enrollment, by the schedule as by hand."""
    name = "incident.example.com"
    house.enrol(name)
    to_production(house, name)
    before = house.certificate(name)
    wanted = {"clm_replacement": "incident", "clm_select": {"certificate": name}, "clm_renewal": "regenerate"}
    planned = house.play("replace_ca", "ada", "--check", **wanted).ok().task("Do it").result["replacement"]
    [line] = planned["certificates"]
    assert (line["status"], line["to_ca"], line["ca_orders"], line["approvals"]["push"]) == ("to_do", "own", 1, 2)
    assert house.certificate(name) == before
    house.play("replace_ca", "ada", **wanted, clm_until=house.clock.soon(seconds=WAIT_S)).ok()
    after = house.certificate(name)
    assert (after.enrollment_id, after.fingerprint == before.fingerprint) == (before.enrollment_id, False)
    again = house.play("replace_ca", "ada", clm_replacement="incident").ok()
    assert not again.stats["localhost"]["changed"]
    assert again.task("Do it").result["replacement"]["counts"]["replaced"] == 1
    stopped = house.play("replace_ca", "bob", clm_replacement="incident", clm_action="abort").ok()
    assert stopped.task("Do it").result["replacement"]["state"] == "aborted"


def test_every_playbook_says_what_it_wants_to_know(house: House) -> None:
    """A variable that is missing is asked for by its name, and nothing is done."""
    for name, words in (
        ("first_certificate", "clm_common_name"),
        ("enroll", "clm_common_name"),
        ("push", "clm_certificate"),
        ("renew", "clm_certificate"),
        ("remove", "clm_certificate"),
        ("configure", "clm_certificate"),
        ("reject", "clm_comment"),
        ("schedule", "clm_at"),
        ("auto_renewal", "clm_group"),
        ("replace_ca", "clm_replacement"),
    ):
        done = house.play(name, "ada")
        assert done.rc and words in done.stdout
        assert not done.stats["localhost"]["changed"]
