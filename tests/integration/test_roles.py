# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The roles as users run them, on a CPS that takes as long as the real one: what the scenarios of molecule do not show.

The clock jumps where a module waits, and takes the sandbox's clock with it.
"""

from __future__ import annotations

import itertools
import json
import pathlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
import yaml
from edgecert_sandbox.handle import Handle, SandboxOptions, start

from ansible_collections.edgecert.clm.tests.support.moved_clock import MovedClock
from ansible_collections.edgecert.clm.tests.support.playbooks import Result, run_playbook
from ansible_collections.edgecert.clm.tests.support.post_office import Chat, PostOffice, chat, plain_text, post_office

CONTRACT = "C-T01"
PERSON = {"first_name": "Ada", "last_name": "Admin", "phone": "+1-617-555-0101", "email": "ada@example.com"}
AKAMAI = {**PERSON, "email": "tess@akamai.com"}
ORGANIZATION = {
    **{"name": "Example Ltd", "address": "1 Example Street", "city": "Cambridge", "state": "MA"},
    **{"postal_code": "02142", "country": "US", "phone": "+1-617-555-0100"},
}
_numbers = itertools.count()


@dataclass
class House:
    """A team with one store, on an account whose changes take their time."""

    sandbox: Handle
    clock: MovedClock
    folder: pathlib.Path

    def play(self, tasks: list[dict[str, Any]], *arguments: str, actor: str = "ada", **env: str) -> Result:
        """Run tasks on localhost as a person."""
        path = self.folder / f"play{next(_numbers)}.yml"
        path.write_text(yaml.safe_dump([{"hosts": "localhost", "gather_facts": False, "tasks": tasks}]))
        return run_playbook(path, {}, {**self.env(actor), **env}, arguments=arguments)

    def playbook(self, name: str, *arguments: str, actor: str = "ada", **variables: Any) -> Result:
        """Run a playbook of the collection as a person."""
        return run_playbook(f"edgecert.clm.{name}", variables, self.env(actor), arguments=arguments)

    def env(self, actor: str) -> dict[str, str]:
        """Give the environment of a person."""
        store = f"sqlite:///{self.folder}/clm.db"
        return {"EDGECERT_STORE": store, "EDGECERT_ACTOR": actor, **self.clock.environment}

    @property
    def wanted(self) -> dict[str, Any]:
        """Give the variables of a team that has nothing yet."""
        device = {"name": "edge", "edgerc": self.sandbox.edgerc, "ca_path": self.sandbox.ca_path}
        people = {"organization": ORGANIZATION, "admin_contact": PERSON, "tech_contact": AKAMAI}
        own = {"key_type": "ec", "crl_path": str(self.folder / "own.crl")}
        return {
            "onboard_devices": [{**device, "contracts": [CONTRACT]}],
            "onboard_vendor_settings": [{"contract_id": CONTRACT, **people}],
            "onboard_ca_accounts": [{"name": "own", "type": "own_ca", "options": own}],
            "onboard_groups": [
                {"name": "default", "approvals": {"push": 0}},
                {"name": "careful", "approvals": {"enroll": 0, "push": 2}},
            ],
        }


def role(name: str, variables: dict[str, Any], tasks_from: str = "main") -> dict[str, Any]:
    """Give the task that runs a role."""
    wanted = {"name": f"edgecert.clm.{name}", "tasks_from": tasks_from}
    return {"name": "Role", "ansible.builtin.include_role": wanted, "vars": variables}


def enrolled(name: str, **variables: Any) -> dict[str, Any]:
    """Give the variables of a certificate that is enrolled and pushed."""
    request = {"common_name": name, "ca": "own", "key_type": "ec", **variables.pop("request", {})}
    return {"enroll_request": request, "enroll_connector": "edge", "enroll_round": 900, **variables}


def progress(done: Result) -> list[str]:
    """Give the lines that say how far it is, in their order."""
    return re.findall(r'"msg": "(\S+: [^"]+ for \d+ min, since [^"]+; next: [^"]+)"', done.stdout)


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    folder = tmp_path_factory.mktemp("roles")
    (folder / "clock").mkdir()
    slow = SandboxOptions(limits=False, instant=False, contracts=[CONTRACT], extra=("--real-durations",))
    with start(slow) as sandbox:
        made = House(sandbox, MovedClock(folder / "clock", sandbox), folder)
        made.play([role("onboard", made.wanted)]).ok()
        yield made


# -- onboard -------------------------------------------------------------------------------------------------------


def test_what_is_onboarded_is_not_changed_by_the_same_variables(house: House) -> None:
    """D1, S1: and in check mode a difference is told, and not made."""
    again = house.play([role("onboard", house.wanted)]).ok()
    assert not again.stats["localhost"]["changed"]
    assert "device edge is managed" in again.stdout and "0 of them were changed" in again.stdout
    other = {**house.wanted, "onboard_groups": [{"name": "default", "approvals": {"push": 1}}]}
    predicted = house.play([role("onboard", other)], "--check", "--diff").ok()
    assert predicted.stats["localhost"]["changed"] == 1 and "1 of them would be changed" in predicted.stdout
    fresh = {"EDGECERT_STORE": f"sqlite:///{house.folder}/fresh.db"}
    new = {
        "onboard_ca_accounts": [{"name": "own", "type": "own_ca"}],
        "onboard_groups": [{"name": "plain"}, {"name": "shop", "ca_accounts": ["own"]}],
    }
    predicted = house.play([role("onboard", new)], "--check", **fresh).ok()
    assert "group shop names CA accounts" in predicted.stdout and "2 of them would be changed" in predicted.stdout
    assert not house.play([role("onboard", house.wanted)]).ok().stats["localhost"]["changed"]


@pytest.mark.parametrize(
    ("variables", "words"),
    [
        ({}, "Give onboard_devices, onboard_vendor_settings"),
        ({"onboard_devices": [{"name": "edge", "cert_synch": "managed"}]}, "cert_synch"),
        ({"onboard_groups": [{"name": "x"}, {"name": "x"}]}, "onboard_groups names an entry twice"),
        ({"onboard_devices": [{"name": "bad", "host": "https://x", "client_secret": "S3cret"}]}, "it has a scheme"),
    ],
)
def test_wrong_entries_are_told_and_no_secret_with_them(house: House, variables: dict[str, Any], words: str) -> None:
    done = house.play([role("onboard", variables)], "-vvv")
    assert done.rc and words in done.stdout
    assert "S3cret" not in re.sub(r"(?s)task path.*?\n", "", done.stdout)


# -- enroll, and waiting -------------------------------------------------------------------------------------------


def test_a_long_wait_says_each_round_at_which_stage_it_is_for_how_long_and_what_is_next(house: House) -> None:
    """Issue 7: from nothing to staging on a CPS that takes its time; one enrollment and upload, however many rounds."""
    house.sandbox.calls(reset=True)
    name = "wait.example.com"
    variables = enrolled(name, enroll_wait_timeout=40000, enroll_round=120, enroll_push=edges(house))
    done = house.play([role("enroll", variables)]).ok()
    assert f"for {name} is issued" in done.stdout and f"for {name} is completed" in done.stdout
    lines = progress(done)
    assert [line for line in lines if "Deploying to staging" in line and "next: it is proved on staging" in line]
    minutes = [int(re.sub(r".* for (\d+) min.*", r"\1", line)) for line in lines]
    assert max(minutes) > 5 and len(lines) < 60, "a line for a tenth of the time so far, not one each round for hours"
    made = [(call["method"], call["path"]) for call in house.sandbox.calls(reset=True)]
    writes = [path for method, path in made if method in ("POST", "PUT")]
    assert len([path for path in writes if path.partition("?")[0] == "/cps/v2/enrollments"]) == 1
    assert len([path for path in writes if "third-party-cert-and-trust-chain" in path]) == 1
    again = house.play([role("enroll", variables)]).ok()
    assert not again.stats["localhost"]["changed"] and progress(again) == []
    assert not [call for call in house.sandbox.calls(reset=True) if call["method"] in ("POST", "PUT", "DELETE")]


def edges(house: House) -> dict[str, Any]:
    """Give where a push is proved."""
    found = {network: [house.sandbox.edge(network)] for network in ("staging", "production")}
    return {"edge": found}


def test_a_wait_that_is_too_short_ends_well_and_is_gone_on_with(house: House) -> None:
    """W5: where it stands is said, and the same call goes on from there."""
    variables = enrolled("short.example.com", enroll_network="staging", enroll_wait_timeout=70)
    first = house.play([role("enroll", {**variables, "enroll_round": 60})]).ok()
    assert "for short.example.com is implementing" in first.stdout and len(progress(first)) <= 2
    longer = {**variables, "enroll_wait_timeout": 40000, "enroll_push": edges(house)}
    done = house.play([role("enroll", longer)]).ok()
    assert "for short.example.com is completed" in done.stdout


def test_who_has_to_approve_is_said_and_nothing_is_waited_for(house: House) -> None:
    """W2: in words that can be copied; after the approvals the runner follows it to its end, in rounds, too."""
    variables = enrolled("asked.example.com", request={"group": "careful"}, enroll_wait_timeout=40000)
    variables["enroll_push"] = edges(house)
    done = house.play([role("enroll", variables)]).ok()
    told = done.task("Show where it stands").result["msg"]
    assert told[1] == "0 of 2 approvals are given" and "by somebody other than ada" in told[2]
    order = re.findall(r"-e clm_work_order_id=(wo-\w+)", told[3])[0]
    for actor in ("bob", "carol"):
        house.playbook("approve", actor=actor, clm_work_order_id=order).ok()
    predicted = house.playbook("run_due", "--check").ok()
    assert "1 done" in predicted.stdout
    dest = house.folder / "due.json"
    run = house.playbook("run_due", actor="robot", clm_wait_timeout=40000, clm_round=600, clm_dest=str(dest)).ok()
    # At which stage a round of ten minutes meets it depends on the moment; what comes next is staging either way.
    assert [line for line in progress(run) if "staging" in line and " min, since " in line], run.stdout
    held = json.loads(dest.read_text(encoding="utf-8"))
    assert held["failures"] == [] and "completed" in [one.get("state") for one in held["done"]]
    assert held["rounds"] > 2 and held["calls"] < 30, "a round in which nothing is due calls nobody"


def test_check_mode_asks_for_nothing(house: House) -> None:
    done = house.play([role("enroll", enrolled("checked.example.com"))], "--check", "--diff").ok()
    assert done.task("Enrol").changed and "checked.example.com" in done.stdout
    listed = house.play([{"name": "Look", "edgecert.clm.cert_info": {"certificate": "checked.example.com"}}]).ok()
    assert listed.task("Look").result["certificates"] == []


@pytest.mark.parametrize(
    ("variables", "words"),
    [
        ({"enroll_request": {"comon_name": "x.example.com"}}, "comon_name"),
        ({"enroll_request": {"common_name": "bad name", "ca": "own"}}, "Cannot enrol"),
    ],
)
def test_wrong_requests_are_told(house: House, variables: dict[str, Any], words: str) -> None:
    done = house.play([role("enroll", variables)])
    assert done.rc and words in done.stdout


def test_what_fails_while_it_is_followed_fails_the_play(house: House) -> None:
    """A push whose change somebody cancels at CPS does not end well because only a round saw it."""
    variables = enrolled("gone.example.com", enroll_network="none", enroll_wait_timeout=40000)
    house.play([role("enroll", variables)]).ok()
    push = {"certificate": "gone.example.com", "connector": "edge"}
    begun = house.play([{"name": "Push", "edgecert.clm.cert_push": push}]).ok().task("Push").result["work_order"]
    assert begun["state"] in ("implementing", "deploying_staging")
    house.sandbox.fault("forbidden", path="/cps/v2/", times=0)
    try:
        followed = {"run_due_record": begun, "run_due_wait_timeout": 7200, "run_due_round": 900}
        done = house.play([role("run_due", followed, "follow")])
    finally:
        house.sandbox.clear_faults()
    assert done.rc and begun["work_order_id"] in done.task("Fail if it failed").result["msg"]


# -- other playbooks -----------------------------------------------------------------------------------------------


def test_what_waits_is_cancelled_and_what_is_approved_implemented(house: House) -> None:
    """W5: by the playbooks for that, safe in check mode."""
    variables = enrolled("manual.example.com", request={"group": "careful"}, enroll_wait_timeout=40000)
    variables["enroll_push"] = {**edges(house), "manual_implementation": True}
    told = house.play([role("enroll", variables)]).ok().task("Push").result["work_order"]["work_order_id"]
    for actor in ("bob", "carol"):
        house.playbook("approve", actor=actor, clm_work_order_id=told).ok()
    assert "would be cancelled" in house.playbook("cancel", "--check", clm_work_order_id=told).ok().stdout
    done = house.playbook("implement", actor="dave", clm_work_order_id=told, clm_wait_timeout=40000, clm_round=900).ok()
    assert f"work order {told} for manual.example.com is completed" in done.stdout
    refused = house.playbook("cancel", clm_work_order_id=told)
    assert refused.rc and "it is completed" in refused.stdout
    assert house.playbook("cancel").rc and house.playbook("retry").rc and house.playbook("implement").rc


def test_what_production_serves_is_rolled_forward_in_rounds(house: House) -> None:
    """U5, W4: a certificate is waited for, and then its push, in one play that tells each round how far it is."""
    name = "forward.example.com"
    variables = enrolled(name, enroll_network="production", enroll_wait_timeout=40000)
    house.play([role("enroll", {**variables, "enroll_push": edges(house)})]).ok()
    given: dict[str, Any] = {"clm_certificate": name, "clm_network": "production", "clm_round": 900}
    given.update(clm_wait_timeout=40000, clm_renewal_timeout=40000)
    given.update({f"clm_{network}_edges": edges_ for network, edges_ in edges(house)["edge"].items()})
    house.playbook("renew", **given).ok()
    done = house.playbook("rollback", **{**given, "clm_round": 60}, clm_roll_forward=True).ok()
    assert done.task("Push").result["work_order"] is None
    assert done.task("Push what it rolled forward to").result["work_order"]["action"] == "push"
    assert len([line for line in progress(done) if line.startswith(name)]) > 1
    assert f"for {name} is completed" in done.stdout


def test_a_certificate_is_revoked_and_accounts_are_looked_at_again(house: House) -> None:
    """C, D7, S1."""
    house.play([role("enroll", enrolled("old.example.com", enroll_network="none", enroll_wait_timeout=40000))]).ok()
    assert house.playbook("revoke", clm_certificate="old.example.com").rc, "a reason is needed"
    given = {"clm_certificate": "old.example.com", "clm_reason": "superseded"}
    assert house.playbook("revoke", "--check", **given).ok().task("Enrol").changed
    assert "for old.example.com is revoked" in house.playbook("revoke", **given).ok().stdout
    found = house.playbook("discover", clm_discover="none").ok()
    assert "edge is managed" in found.stdout
    assert "Not onboarded: nowhere; there are edge" in house.playbook("discover", clm_device="nowhere").stdout
    wrong = house.playbook("discover", clm_discover="none", clm_budget="plenty", clm_fail=False)
    assert wrong.rc and "plenty" in wrong.stdout, "an answer that cannot be is no device that cannot be reached"
    saved = house.playbook("settings", clm_organization=ORGANIZATION).ok()
    assert "all is saved as wanted" in saved.stdout


# -- notify --------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def people(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[PostOffice, Chat]]:
    with post_office(tmp_path_factory.mktemp("mail")) as office, chat(tmp_path_factory.mktemp("chat")) as receiver:
        yield office, receiver


def test_people_are_told_once_who_has_to_approve_what_by_when(house: House, people: tuple[PostOffice, Chat]) -> None:
    """W2, W4: by the playbook a schedule runs; the second run says nothing, a channel that fails hides nothing."""
    office, receiver = people
    variables = enrolled("told.example.com", request={"group": "careful"}, enroll_wait_timeout=40000)
    house.play([role("enroll", variables)]).ok()
    hook = {"url": receiver.url, "ca_path": receiver.ca_path, "format": "slack"}
    given: dict[str, Any] = {
        "clm_mail": office.mail(),
        "clm_webhooks": [hook],
        "clm_state_path": str(house.folder / "told.json"),
        "clm_notify_events": [{"event_id": "drift:1", "kind": "drift", "certificate": "x.example.com"}],
    }
    predicted = house.playbook("notify", "--check", **given).ok()
    assert predicted.task("Tell them").changed and office.box.letters == []
    done = house.playbook("notify", "-vvv", **given).ok()
    [letter] = office.box.letters
    text = plain_text(letter)
    assert "told.example.com: push to staging, asked for by ada: waits for approval 1 of 2" in text
    assert "who: somebody other than ada" in text and "x.example.com: drift" in text
    assert "told.example.com" in receiver.calls[0][2]["text"]
    for secret in ("S3cret-of-mail", "S3cret-of-hook"):
        assert secret not in done.task("Tell them").result.__repr__()
    again = house.playbook("notify", **given).ok()
    assert len(office.box.letters) == 1 and "0 told, " in again.stdout
    secrets = {"EDGECERT_MAIL_PASSWORD": given["clm_mail"]["password"], "EDGECERT_WEBHOOK_URL": hook.pop("url")}
    shown = {name: value for name, value in given["clm_mail"].items() if name != "password"}
    worse = [{**given["clm_notify_events"][0], "severity": "error"}]
    injected = {**given, "clm_mail": shown, "clm_notify_events": worse}
    run_playbook("edgecert.clm.notify", injected, {**house.env("ada"), **secrets}).ok()
    assert (len(office.box.letters), len(receiver.calls)) == (2, 2), "with what a credential of AWX injects"
    hook["url"] = receiver.url
    receiver.status = 500
    changed = [{"event_id": "drift:1", "kind": "drift", "certificate": "x.example.com", "severity": "critical"}]
    broken = house.playbook("notify", **{**given, "clm_notify_events": changed}).ok()
    assert "it answered 500" in broken.stdout and len(office.box.letters) == 3
    assert house.playbook("notify", **{**given, "clm_notify_events": changed, "clm_notify_fail": True}).rc
    over: dict[str, Any] = {"clm_notify_events": changed, "clm_notify_status": "cleared", "clm_run_due": False}
    house.playbook("notify", clm_mail=office.mail(), **over).ok()
    text = plain_text(office.box.letters[-1])
    assert "x.example.com: over: drift" in text and "told.example.com" not in text, "the event source said so"


def test_people_are_told_that_the_store_cannot_be_reached(house: House, people: tuple[PostOffice, Chat]) -> None:
    """And the play fails, so that its schedule sees it."""
    office, _receiver = people
    before = len(office.box.letters)
    (house.folder / "no_folder").touch()
    env = {**house.env("ada"), "EDGECERT_STORE": f"sqlite:///{house.folder}/no_folder/clm.db"}
    done = run_playbook("edgecert.clm.notify", {"clm_mail": office.mail()}, env)
    assert done.rc and "what waits for people is not told" in done.stdout
    [letter] = office.box.letters[before:]
    assert "Cannot create the store" in plain_text(letter) and "an operator" in plain_text(letter)


def test_telling_nobody_and_telling_wrongly_fails(house: House) -> None:
    assert "Give notify_mail, notify_webhooks" in house.playbook("notify", clm_run_due=False).stdout
    mail = {"host": "x", "sender": "a@b.example", "to": ["nobody"]}
    done = house.playbook("notify", clm_run_due=False, clm_mail=mail)
    assert done.rc and "is no address" in done.stdout
