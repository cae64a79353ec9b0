# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An approval given at an approval node of AWX becomes that person's approval in the store, and nobody else's (W2, W3).

The workflow runs in a fake AWX; its jobs are the collection's own playbooks, each with what AWX would hand it.
"""

from __future__ import annotations

import contextlib
import pathlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from ansible_collections.edgecert.clm.plugins.module_utils._core.clock import SystemClock
from ansible_collections.edgecert.clm.plugins.module_utils._store.open import open_store
from ansible_collections.edgecert.clm.plugins.module_utils._store.seal import StoreKey
from ansible_collections.edgecert.clm.tests.support.fake_awx.server import TOKEN, FakeAwx, fake_awx
from ansible_collections.edgecert.clm.tests.support.playbooks import Result, run_playbook

PREPARE = """\
- name: Prepare
  hosts: localhost
  gather_facts: false
  tasks:
    - name: Add a CA
      edgecert.clm.ca_account: {name: house, type: own_ca, options: {key_type: ec}}
    - name: Want an approval
      edgecert.clm.cert_group:
        name: default
        defaults: {organization: Example Ltd, key_type: ec}
        approvals: {enroll: 1}
"""


@dataclass
class Place:
    """An AWX with one workflow, ask, approval, approve; and a store."""

    awx: FakeAwx
    env: dict[str, str]
    folder: pathlib.Path
    workflow: int
    users: dict[str, int]

    def run(self, playbook: str, job: int, **variables: Any) -> Result:
        """Run a job as AWX does: its number in the environment, what it was launched with before what AWX says."""
        kept = self.awx.runs.jobs[job]
        given = {**self.awx.runs.meta_variables(job), **kept["extra_vars"], **variables}
        return run_playbook(f"edgecert.clm.{playbook}", given, {**self.env, "JOB_ID": str(job)}, as_awx=True)

    def asked(self, name: str) -> dict[str, Any]:
        """Run the first job of a workflow that ada launched; gives what it tells the jobs behind it."""
        job = self.job(self.awx.runs.launch(self.workflow, self.users["ada"], {}), "ask")
        wanted = {"clm_common_name": name, "clm_ca": "house", "clm_csr_source": "local", "clm_wait": False}
        done = self.run("enroll", job, **wanted).ok()
        assert done.task("Enrol").result["request"]["state"] == "submitted"
        task = done.task("Tell the jobs behind this one what was asked for")
        return dict(task.result["ansible_stats"]["data"])

    def waits(self, told: dict[str, Any], workflow: int = 0) -> tuple[int, int]:
        """Launch a workflow as ada whose first job told this; gives workflow job and the approval that is next."""
        launched = self.awx.runs.launch(workflow or self.workflow, self.users["ada"], {})
        self.awx.runs.end(self.job(launched, "ask"), told)
        return launched, self.job(launched, "look")

    def job(self, workflow: int, identifier: str) -> int:
        """Give the job of a node."""
        return int(self.awx.runs.nodes[self.awx.runs.node(workflow, identifier)]["job"])

    def decide(self, approval: int, user: str, *, approve: bool = True) -> None:
        """Decide as a user."""
        self.awx.runs.decide(approval, self.users[user], approve=approve)

    def request(self, told: dict[str, Any]) -> Any:
        """Read the request."""
        opened = open_store(self.env["EDGECERT_STORE"], StoreKey(), SystemClock(), "the test")
        with contextlib.closing(opened) as store, store.read() as unit:
            return unit.requests.get(told["clm_request_id"])

    def refused(self, done: Result, told: dict[str, Any], words: str) -> None:
        """See that a job failed with these words, that nothing was approved, and that no token was told."""
        assert done.rc and words in " ".join(done.stdout.split()), done.stdout
        assert not self.request(told).approvals
        assert TOKEN not in done.stdout


def workflow_of(awx: FakeAwx, links: dict[str, str]) -> int:
    """Make a workflow of three nodes; ``links`` say of each of the first two by which list it leads on."""
    add = awx.state.add
    suffix = f" {awx.state.number()}"
    if not awx.state.found("organizations", {}):
        house = add("organizations", {"name": "House"})
        place = {"organization": house}
        project = add("projects", {"name": "p", "scm_type": "git", "scm_url": "https://example.com/x.git", **place})
        inventory = add("inventories", {"name": "i", **place})
        for name in ("enroll", "awx_approve"):
            playbook = {"project": project, "inventory": inventory, "playbook": f"playbooks/{name}.yml"}
            add("job_templates", {"name": name, **playbook})
    [house] = awx.state.found("organizations", {})
    workflow = add("workflow_job_templates", {"name": f"workflow{suffix}", "organization": house})
    templates = {name: awx.state.found("job_templates", {"name": name})[0] for name in ("enroll", "awx_approve")}
    of = {"ask": templates["enroll"], "approve": templates["awx_approve"]}
    of["look"] = add("workflow_approval_templates", {"name": f"Look{suffix}", "timeout": 600})
    nodes = {
        name: add(
            "workflow_job_template_nodes",
            {"identifier": name, "workflow_job_template": workflow, "unified_job_template": of[name]},
        )
        for name in ("ask", "look", "approve")
    }
    awx.state.attach(nodes["ask"], links["ask"], nodes["look"])
    awx.state.attach(nodes["look"], links["look"], nodes["approve"])
    return workflow


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    folder = tmp_path_factory.mktemp("approvals")
    with fake_awx(["playbooks/enroll.yml", "playbooks/awx_approve.yml"]) as awx:
        users = {name: awx.state.add("users", {"username": name}) for name in ("ada", "bob", "carol")}
        made = workflow_of(awx, {"ask": "success_nodes", "look": "success_nodes"})
        env = {**awx.environment, "EDGECERT_STORE": f"sqlite:///{folder}/clm.db", "EDGECERT_ACTOR": "the container"}
        path = folder / "prepare.yml"
        path.write_text(PREPARE, encoding="utf-8")
        run_playbook(path, {}, env).ok()
        found = Place(awx, env, folder, made, users)
        rights(found, made)
        yield found


def rights(place: Place, workflow: int) -> None:
    """Let ada launch it, and all of them approve in it: it is the store that refuses one's own request."""
    roles = place.awx.state.roles(workflow)
    place.awx.state.grant(roles["execute_role"], "users", place.users["ada"])
    for user in place.users.values():
        place.awx.state.grant(roles["approval_role"], "users", user)


@pytest.fixture(scope="module")
def told(place: Place) -> dict[str, Any]:
    """Have one request that waits, and that no test of a refusal may approve."""
    return place.asked("shared.example.com")


def test_the_approver_is_who_approved_in_awx(place: Place) -> None:
    """W2: ada launched, bob approved; the approval is bob's, with where it comes from."""
    told = place.asked("one.example.com")
    workflow, approval = place.waits(told)
    place.decide(approval, "bob")
    done = place.run("awx_approve", place.job(workflow, "approve")).ok()
    [given] = place.request(told).approvals
    assert (given["actor"], given["level"]) == ("bob", 1)
    assert f"approval {approval}" in given["comment"] and f"workflow job {workflow}" in given["comment"]
    assert "by bob" in done.stdout and TOKEN not in done.stdout


def test_a_reason_that_a_job_reads_as_a_number_is_a_reason(place: Place) -> None:
    """V1: the text of a survey's answer, which is marked, is read by what it looks like."""
    told = place.asked("never.example.com")
    run_playbook("edgecert.clm.reject", {**told, "clm_comment": "4711"}, place.env, as_awx=True).ok()
    assert place.request(told).state == "rejected"


def test_who_asked_cannot_approve_by_way_of_awx(place: Place, told: dict[str, Any]) -> None:
    """An administrator of AWX may approve anything there, an own request too; not here."""
    workflow, approval = place.waits(told)
    place.decide(approval, "ada")
    done = place.run("awx_approve", place.job(workflow, "approve"))
    assert done.task("Approve").result["failure"]["code"] == "own_request"
    place.refused(done, told, "ada")


def test_an_approval_that_is_not_given_yet_is_none(place: Place, told: dict[str, Any]) -> None:
    """Somebody starts the job by hand, and it is taken for the node's."""
    workflow, approval = place.waits(told)
    key = place.awx.runs.node(workflow, "approve")
    early = place.awx.runs.start(place.awx.runs.nodes[key]["template"], place.users["ada"], told)
    place.awx.runs.nodes[key]["job"], place.awx.runs.jobs[early]["node"] = early, key
    place.refused(place.run("awx_approve", early), told, f"Approval {approval} (")


@pytest.mark.parametrize(
    ("links", "how", "words"),
    [("failure_nodes", "expired", "has expired"), ("always_nodes", "denied", "was denied by carol")],
)
def test_an_approval_that_expired_or_was_denied_approves_nothing(
    place: Place, told: dict[str, Any], links: str, how: str, words: str
) -> None:
    """Issue 7: a workflow may be built so that it goes on after an expired approval."""
    other = workflow_of(place.awx, {"ask": "success_nodes", "look": links})
    rights(place, other)
    workflow, approval = place.waits(told, other)
    if how == "expired":
        place.awx.runs.time_out(approval)
    else:
        place.decide(approval, "carol", approve=False)
    place.refused(place.run("awx_approve", place.job(workflow, "approve")), told, words)


def test_a_job_behind_no_approval_node_approves_nothing(place: Place, told: dict[str, Any]) -> None:
    workflow, approval = place.waits(told)
    place.decide(approval, "bob")
    place.awx.runs.nodes[place.awx.runs.node(workflow, "look")]["success_nodes"] = []
    done = place.run("awx_approve", place.job(workflow, "approve"))
    place.refused(done, told, "0 approval nodes lead to node approve")


@pytest.fixture(scope="module")
def approved(place: Place, told: dict[str, Any]) -> tuple[int, int]:
    """Have an approval that bob gave; gives its workflow job and the job behind it."""
    workflow, approval = place.waits(told)
    place.decide(approval, "bob")
    return workflow, place.job(workflow, "approve")


def test_an_approval_of_another_workflow_job_counts_for_nothing(
    place: Place, told: dict[str, Any], approved: tuple[int, int]
) -> None:
    """Issue 7: by a variable that names the other one, and by a node that has the other one's approval."""
    workflow, _approval = place.waits(told)
    given = {"awx_workflow_job_id": workflow, "tower_workflow_job_id": workflow}
    place.refused(place.run("awx_approve", approved[1], **given), told, f"is no node of workflow job {workflow}")
    node = place.awx.runs.nodes[place.awx.runs.node(workflow, "look")]
    node["job"] = place.job(approved[0], "look")
    place.awx.runs.go_on(place.awx.runs.node(workflow, "look"), True, {})
    done = place.run("awx_approve", place.job(workflow, "approve"))
    place.refused(done, told, f"is of workflow job {approved[0]}, and this one is {workflow}")


@pytest.mark.parametrize(
    ("variables", "env", "words"),
    [
        ({}, {"JOB_ID": ""}, "This is no job of a workflow of AWX"),
        ({}, {"CONTROLLER_OAUTH_TOKEN": ""}, "The credential for AWX itself is missing"),
        ({}, {"CONTROLLER_HOST": ""}, "The credential for AWX itself is missing"),
        ({}, {"CONTROLLER_OAUTH_TOKEN": "another"}, "it does not accept the credential"),
        ({}, {"CONTROLLER_HOST": "http://127.0.0.1:9"}, "does not tell of workflow job"),
        ({"awx_approval_by": "carol"}, {}, "awx_approval_by is given already"),
        ({"__awx_approval_kept": {"by": "carol"}}, {}, "__awx_approval_kept is given already"),
        ({"clm_work_order_id": "wo-000000000000"}, {}, "or of two things"),
        ({"clm_request_id": ""}, {}, "told of nothing that waits"),
    ],
)
def test_without_what_awx_hands_a_job_nothing_is_approved(
    place: Place,
    told: dict[str, Any],
    approved: tuple[int, int],
    variables: dict[str, Any],
    env: dict[str, str],
    words: str,
) -> None:
    """Issue 7: a missing credential; a job that somebody runs otherwise; an answer given in advance."""
    job = approved[1]
    given = {**place.awx.runs.meta_variables(job), **told, **variables}
    done = run_playbook("edgecert.clm.awx_approve", given, {**place.env, "JOB_ID": str(job), **env}, as_awx=True)
    place.refused(done, told, words)


def test_an_approval_of_nobody_or_of_a_workflow_that_is_over_counts_for_nothing(
    place: Place, told: dict[str, Any], approved: tuple[int, int]
) -> None:
    """AWX keeps no name of a user who was removed."""
    workflow, job = approved
    kept = place.awx.runs.approvals[place.job(workflow, "look")]
    kept["by"] = None
    place.refused(place.run("awx_approve", job), told, "AWX does not say who gave approval")
    kept["by"] = place.users["bob"]
    place.awx.runs.workflow_jobs[workflow]["status"] = "successful"
    place.refused(place.run("awx_approve", job), told, f"Workflow job {workflow} is successful")
