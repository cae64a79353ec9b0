# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The role that proves names by DNS, as users run it: from the order to the certificate, and every way it can end.

E22: what a CA asks for is data, and a playbook acts on it. The CA looks at DNS itself before it signs.
"""

from __future__ import annotations

import itertools
import json
import pathlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
import yaml
from edgecert_sandbox.handle import Handle

from ansible_collections.edgecert.clm.tests.integration.conftest import new_sandbox
from ansible_collections.edgecert.clm.tests.support import pebble
from ansible_collections.edgecert.clm.tests.support.looking_ca import LookingCa, add_toy, looking_ca
from ansible_collections.edgecert.clm.tests.support.moved_clock import MovedClock
from ansible_collections.edgecert.clm.tests.support.playbooks import Result, TaskResult, run_playbook

ROLE = "edgecert.clm.acme_dns01"
_numbers = itertools.count()


@dataclass
class Place:
    """A store with the CA's account, and an account at Akamai with the zone."""

    sandbox: Handle
    ca: LookingCa
    folder: pathlib.Path
    env: dict[str, str]

    def play(self, tasks: list[dict[str, Any]], *arguments: str) -> Result:
        """Run tasks on localhost."""
        path = self.folder / f"play{next(_numbers)}.yml"
        path.write_text(yaml.safe_dump([{"hosts": "localhost", "gather_facts": False, "tasks": tasks}]))
        return run_playbook(path, {}, self.env, arguments=arguments)

    def role(self, *arguments: str, **variables: Any) -> Result:
        """Run the role alone."""
        return self.play([include(self, **variables)], *arguments)

    def enrol(self) -> str:
        """Order a certificate of a new name that nobody has proved; gives its id."""
        name = f"role{next(_numbers)}.example.com"
        done = self.play([enrol_task(name)]).ok()
        request = done.task("Enrol").result["request"]
        assert (request["state"], [one["kind"] for one in request["actions"]]) == ("retrieval_in_progress", ["txt"])
        return name

    def records(self) -> list[str]:
        """Give the names of the records in Edge DNS."""
        return [record["name"] for record in self.sandbox.state()["records"]]

    def state(self, name: str) -> str:
        """Give the state of the newest request."""
        task = {"name": "Look", "edgecert.clm.cert_info": {"view": "history", "certificate": name}}
        return str(self.play([task]).ok().task("Look").result["requests"][-1]["state"])


def enrol_task(name: str) -> dict[str, Any]:
    """Give the task that orders without waiting."""
    options = {"common_name": name, "organization": "Example Ltd", "country": "GB", "csr_source": "local"}
    of_ca = {"ca": "toy", "ca_options": {"profile": "p-1"}}
    return {"name": "Enrol", "edgecert.clm.cert_enroll": {**options, **of_ca}, "register": "enrolled"}


def include(place: Place, **variables: Any) -> dict[str, Any]:
    """Give the task that runs the role."""
    given = {"device": "edge", "name_servers": [place.sandbox.name_server], "wait_timeout": 60, "ca_timeout": 300}
    wanted = {f"acme_dns01_{name}": value for name, value in {**given, **variables}.items()}
    return {"name": "Prove", "ansible.builtin.include_role": {"name": ROLE}, "vars": wanted}


def of_role(done: Result, name: str) -> TaskResult:
    """Give the last result of a task of the role that was not passed over."""
    found = [one for one in done.results if one.task == f"{ROLE} : {name}" and one.status != "skipped"]
    assert found, done.stdout
    return found[-1]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    folder = tmp_path_factory.mktemp("role")
    for name in ("clock", "ca"):
        (folder / name).mkdir()
    with new_sandbox() as sandbox, looking_ca(folder / "ca", sandbox.name_server) as ca:
        clock = MovedClock(folder / "clock", sandbox)
        add_toy(clock.environment["ANSIBLE_COLLECTIONS_PATH"])
        made = Place(sandbox, ca, folder, {**clock.environment, "EDGECERT_STORE": f"sqlite:///{folder}/clm.db"})
        device = {"name": "edge", "edgerc": sandbox.edgerc, "ca_path": sandbox.ca_path, "contracts": ["C-T01"]}
        made.play(
            [
                {"name": "Onboard", "edgecert.clm.akamai_cps_device": device},
                {"name": "Add the CA", "edgecert.clm.ca_account": {**ca.account, "test": True}},
            ]
        ).ok()
        yield made


@pytest.fixture(autouse=True)
def afresh(place: Place) -> Iterator[None]:
    yield
    place.sandbox.configure({"dns_lag_s": 0})
    place.sandbox.clear_faults()
    place.ca.vendor.looks, place.ca.fake.orders.ends = True, ""
    assert place.records() == [], "a test left records"


def test_from_the_order_to_the_certificate(place: Place) -> None:
    """One play: order, prove, have it; the CA saw the record, and it is gone afterwards."""
    place.sandbox.configure({"dns_lag_s": 20})
    name = f"role{next(_numbers)}.example.com"
    done = place.play([enrol_task(name), include(place, request="{{ enrolled }}")]).ok()
    assert of_role(done, "Go on with the request").result["request"]["state"] == "issued"
    assert [seen for seen in place.ca.vendor.seen if seen.startswith(f"_toy.{name} proof-")]
    assert of_role(done, "Take the records away").status == "ok"
    again = place.play([enrol_task(name), include(place, request="{{ enrolled }}")]).ok()
    assert not again.stats["localhost"]["changed"], "what is issued is not proved again"


def test_a_renewal_is_proved_by_its_certificate_alone(place: Place) -> None:
    """As a schedule does it: whoever asked for it, the open request is looked up and gone on with."""
    name = place.enrol()
    place.role(certificate=name).ok()
    renew = {"certificate": name, "action": "renew", "force": True}
    done = place.play([{"name": "Renew", "edgecert.clm.cert_enroll": renew}]).ok()
    assert len(done.task("Renew").result["request"]["actions"]) == 1
    place.role(certificate=name).ok()
    assert place.state(name) == "issued"
    assert len({seen for seen in place.ca.vendor.seen if seen.startswith(f"_toy.{name} ")}) == 2


def test_acme_issues_for_what_the_role_publishes(place: Place, tmp_path: pathlib.Path) -> None:
    """Issue 6: ACME, Edge DNS and the role together; a real Pebble asks the zone's name server, for a wildcard too."""
    name = f"role{next(_numbers)}.example.com"
    with pebble.running(tmp_path, name_server=place.sandbox.name_server) as server:
        account = {"name": "acme", "type": "acme", "options": server.options()}
        wanted = {"common_name": name, "subject_alternative_names": {"dns": [f"*.{name}"]}, "csr_source": "local"}
        of_ca = {"ca": "acme", "key_type": "ec", "organization": "Example Ltd", "country": "GB", "wait": True}
        done = place.play(
            [
                {"name": "Add the CA", "edgecert.clm.ca_account": account},
                {"name": "Enrol", "edgecert.clm.cert_enroll": {**wanted, **of_ca}, "register": "enrolled"},
                include(place, request="{{ enrolled }}"),
            ]
        ).ok()
    asked = done.task("Enrol").result["request"]
    assert [one["kind"] for one in asked["actions"]] == ["dns-01", "dns-01"]
    assert {one["name"] for one in asked["actions"]} == {f"_acme-challenge.{name}"}
    assert of_role(done, "Go on with the request").result["request"]["state"] == "issued"
    assert of_role(done, "Take the records away").changed


def test_a_challenge_that_is_answered_at_another_name_is_put_there(place: Place) -> None:
    """C rows: the CA follows the CNAME, and so does the role."""
    name = place.enrol()
    alias = {"device": "edge", "name": f"_toy.{name}", "type": "CNAME", "value": f"{name}.proofs.example.com"}
    task = {"name": "Delegate", "edgecert.clm.edge_dns_record": alias}
    place.play([task]).ok()
    done = place.role(certificate=name).ok()
    assert of_role(done, "Publish the records").result["results"][0]["followed"] == [f"_toy.{name}"]
    assert place.state(name) == "issued" and place.records() == [f"_toy.{name}"]
    place.play([{**task, "edgecert.clm.edge_dns_record": {**alias, "state": "absent"}}]).ok()


def test_in_check_mode_nothing_is_done_and_it_is_said_what_would_be(place: Place) -> None:
    name = place.enrol()
    done = place.role("--check", "--diff", certificate=name).ok()
    published = of_role(done, "Publish the records").result["results"][0]
    assert published["changed"] and published["record"]["name"] == f"_toy.{name}"
    assert place.records() == [] and place.state(name) == "retrieval_in_progress"
    place.role(certificate=name).ok()
    assert place.state(name) == "issued"


def test_a_ca_that_refuses_fails_the_play_and_the_records_are_gone(place: Place) -> None:
    name = place.enrol()
    for order in place.ca.fake.orders.found.values():
        order.ends = "refused" if name in order.wanted["names"] else order.ends
    done = place.role(certificate=name)
    assert done.rc and "the CA says refused" in done.stdout
    assert of_role(done, "Publish the records").changed and of_role(done, "Take the records away").changed


def test_name_servers_that_do_not_show_it_end_it_before_the_ca_is_told(place: Place) -> None:
    name = place.enrol()
    place.sandbox.configure({"dns_lag_s": 3000})
    asked = len(place.ca.fake.calls)
    done = place.role(certificate=name)
    assert done.rc and "not every name server shows it" in done.stdout
    assert len(place.ca.fake.calls) == asked and of_role(done, "Take the records away").changed


def test_a_refused_write_ends_it(place: Place) -> None:
    name = place.enrol()
    place.sandbox.fault("forbidden", method="POST", path="/config-dns/", times=0)
    done = place.role(certificate=name)
    said = json.dumps(of_role(done, "Publish the records").result, ensure_ascii=False)
    assert done.rc and "DNS—Zone Record Management" in said
    assert not of_role(done, "Take the records away").changed


def test_a_ca_that_takes_its_time_keeps_its_records_where_that_is_wanted(place: Place) -> None:
    """C(when_done) leaves them until a run sees it through."""
    name = place.enrol()
    place.ca.vendor.looks = False
    early = place.role(certificate=name, remove="when_done").ok()
    assert "issued" not in of_role(early, "Go on with the request").result["request"]["state"]
    assert place.records() == [f"_toy.{name}"]
    place.ca.vendor.looks = True
    place.role(certificate=name, remove="when_done").ok()
    assert place.state(name) == "issued" and place.records() == []


def test_a_ca_that_takes_too_long_is_told(place: Place) -> None:
    name = place.enrol()
    place.ca.vendor.looks = False
    done = place.role(certificate=name)
    assert done.rc and "The CA still asks for DNS records" in done.stdout and "acme_dns01_ca_timeout" in done.stdout


def test_given_actions_are_published_beside_what_others_have_there(place: Place) -> None:
    """Only those that are DNS records; others' values stay, and so does what an action says of itself."""
    other = {"device": "edge", "name": "_acme-challenge.given.example.com", "value": "of somebody else"}
    actions = [
        {"kind": "dns-01", "name": other["name"], "value": "mine"},
        {"kind": "dns-01", "name": other["name"], "value": "mine for the wildcard"},
        {"kind": "cname", "name": "_proof.given.example.com", "value": "proof.example.net"},
        {"kind": "cname", "name": "_stays.given.example.com", "value": "stays.example.net", "stays": True},
        {"kind": "email", "who": "admin@example.com"},
    ]
    look = {
        "name": "Look",
        "edgecert.clm.edge_dns_record": {**other, "value": "nothing", "state": "absent"},
    }

    def still(label: str, value: str) -> dict[str, Any]:
        record = {"device": "edge", "name": f"{label}.given.example.com", "type": "CNAME", "value": value}
        return {"name": f"Look at {label}", "edgecert.clm.edge_dns_record": {**record, "state": "absent"}}

    done = place.play(
        [
            {"name": "Have another", "edgecert.clm.edge_dns_record": other},
            include(place, actions=actions),
            look,
            include(place, actions=actions, remove="always"),
            {"name": "Look again", **{key: value for key, value in look.items() if key != "name"}},
            still("_proof", "proof.example.net"),
            still("_stays", "stays.example.net"),
            {"name": "Remove the other", "edgecert.clm.edge_dns_record": {**other, "state": "absent"}},
        ]
    ).ok()
    assert done.task("Look").result["record"]["contents"] == ["mine", "mine for the wildcard", "of somebody else"]
    assert done.task("Look again").result["record"]["contents"] == ["of somebody else"]
    # What a CA looks at again at its own renewals is not taken away.
    assert not done.task("Look at _proof").changed and done.task("Look at _stays").changed


@pytest.mark.parametrize(
    ("variables", "words"),
    [
        ({}, "Give acme_dns01_certificate, acme_dns01_request or acme_dns01_actions"),
        ({"certificate": "x", "remove": "sometimes"}, "always, when_done, never"),
        ({"certificate": "x", "wait_timeout": "soon"}, "acme_dns01_wait_timeout"),
    ],
)
def test_wrong_variables_are_told_by_name(place: Place, variables: dict[str, Any], words: str) -> None:
    done = place.role(**variables)
    assert done.rc and words in done.stdout


def test_a_certificate_that_nobody_asked_for_is_nothing_to_prove(place: Place) -> None:
    done = place.role(certificate="unknown.example.com").ok()
    assert not done.stats["localhost"]["changed"]
