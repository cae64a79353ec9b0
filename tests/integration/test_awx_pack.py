# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The AWX pack, applied to a fake AWX with the collection awx.awx, twice, and read back with awxkit (R, W2).

The fake is as strict as AWX: fields, surveys, injectors, playbooks of the project, and who may launch and approve what.
"""

from __future__ import annotations

import json
import pathlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
import yaml

from ansible_collections.edgecert.clm.tests.support.awx_collections import tree
from ansible_collections.edgecert.clm.tests.support.fake_awx.server import TOKEN, FakeAwx, fake_awx
from ansible_collections.edgecert.clm.tests.support.fake_awx.state import Refused
from ansible_collections.edgecert.clm.tests.support.playbooks import Result, run_playbook

TOP = pathlib.Path(__file__).resolve().parents[2]
SURVEYS = TOP / "extensions" / "awx" / "surveys"
PLAYBOOKS = sorted(path.stem for path in (TOP / "playbooks").glob("*.yml"))
STORES = ("requesters", "approvers", "operators", "inventory")
PEOPLE = {"requesters": ["ada"], "approvers": ["bob", "carol"], "operators": ["dora"]}
SECRETS = (
    "a password of the store",
    "a key of the store",
    "a token for who approved",
    "a key of the CA",
    "https://chat.example.com/a-secret-path",
)
GIVEN: dict[str, Any] = {
    "awx_execution_environment_image": "registry.example.com/edgecert-clm:1",
    "awx_credentials": [
        *(
            {
                "name": f"store of {team}",
                "type": "Store",
                "inputs": {
                    "store": f"postgresql://{team}@db.example.com/clm",
                    "password": SECRETS[0],
                    "store_key": SECRETS[1],
                },
            }
            for team in STORES
        ),
        {
            "name": "who approved",
            "type": "Red Hat Ansible Automation Platform",
            "inputs": {"host": "https://awx.example.com", "oauth_token": SECRETS[2]},
        },
        {"name": "key of digicert", "type": "CA digicert", "inputs": {"api_key": SECRETS[3]}},
    ],
    "awx_store_credentials": {team: f"store of {team}" for team in STORES},
    "awx_controller_credential": "who approved",
    "awx_team_members": PEOPLE,
    "awx_variables": {"run_due": {"clm_fail": False}, "report": {"clm_dest": "/reports/index.html"}},
    "awx_schedules": {
        "run_due": "DTSTART:20260101T000000Z RRULE:FREQ=MINUTELY;INTERVAL=15",
        "discover": "DTSTART:20260101T030000Z RRULE:FREQ=DAILY;INTERVAL=1",
        "report": "DTSTART:20260105T060000Z RRULE:FREQ=WEEKLY;INTERVAL=1;BYDAY=MO",
        "inventory": "DTSTART:20260101T001000Z RRULE:FREQ=HOURLY;INTERVAL=1",
    },
    "awx_notification_templates": [
        {"name": "on call", "type": "webhook", "configuration": {"url": SECRETS[4], "headers": {}}},
    ],
    "awx_notify_error": ["on call"],
    "awx_notify_approvals": ["on call"],
}


@dataclass
class Place:
    """A fake AWX, and what the runs against it need."""

    awx: FakeAwx
    env: dict[str, str]
    folder: pathlib.Path

    def run(self, *arguments: str, **variables: Any) -> Result:
        """Apply the pack."""
        return run_playbook("edgecert.clm.awx", {**GIVEN, **variables}, self.env, arguments=arguments)

    def id(self, kind: str, name: str) -> int:
        """Give the id of the one thing of a name."""
        [found] = self.awx.state.found(kind, {"username" if kind == "users" else "name": name})
        return found

    def launch(self, user: str, name: str, **variables: Any) -> int:
        """Launch a template as a user, over the API's own rules."""
        kind = "workflow_job_templates" if "approvals" in name or name == "Enroll and push" else "job_templates"
        return self.awx.runs.launch(self.id(kind, f"CLM {name}"), self.id("users", user), variables)


def prepared(awx: FakeAwx) -> None:
    """Give AWX what it has of its own, and people."""
    fields: list[dict[str, Any]]
    fields = [{"id": name, "label": name, "type": "string"} for name in ("host", "username")]
    fields += [{"id": name, "label": name, "type": "string", "secret": True} for name in ("password", "oauth_token")]
    own = {"name": "Red Hat Ansible Automation Platform", "kind": "cloud", "inputs": {"fields": fields}}
    awx.state.add("credential_types", own)
    for name in ("ada", "bob", "carol", "dora", "eve"):
        awx.state.add("users", {"username": name})


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    folder = tmp_path_factory.mktemp("awx")
    paths = tree(folder / "collections")
    with fake_awx([f"playbooks/{name}.yml" for name in PLAYBOOKS]) as awx:
        prepared(awx)
        yield Place(awx, {**awx.environment, "ANSIBLE_COLLECTIONS_PATH": paths}, folder)


@pytest.fixture(scope="module")
def applied(place: Place) -> Result:
    """Apply the pack for the first time."""
    return place.run("-v").ok()


def rows() -> list[dict[str, Any]]:
    """Give the rows of the job templates whose playbook is there."""
    found = yaml.safe_load((TOP / "roles" / "awx" / "vars" / "main.yml").read_text(encoding="utf-8"))["__awx_rows"]
    return [row for row in found if row["playbook"] in PLAYBOOKS]


@pytest.mark.parametrize(
    ("variables", "words"),
    [
        ({"awx_store_credentials": {"approvers": "a", "operators": "b", "inventory": "c"}}, "templates of requesters"),
        ({"awx_store_credentials": {"requesters": "a", "approvers": "b", "operators": "c"}}, "the inventory source"),
        ({"awx_controller_credential": ""}, "awx_controller_credential is missing"),
        ({"awx_approval_timeout_s": 30}, "60 to 31536000 seconds are allowed"),
        ({"awx_approval_levels": {"enroll": 0, "push": 9}}, "value of push must be one of"),
        ({"awx_schedules": {"nightly": "x"}}, "awx_schedules has nightly"),
        ({"awx_variables": {"push": {"awx_user_name": "bob"}}}, "neither the store nor who acts"),
        ({"awx_variables": {"fly": {}}}, "awx_variables.fly cannot be"),
        ({"awx_variables": {}}, "awx_schedules.report needs awx_variables.report"),
    ],
)
def test_what_cannot_work_is_refused_before_anything_is_made(
    place: Place, variables: dict[str, Any], words: str
) -> None:
    """Issue 7: a missing credential, an inventory source without store."""
    before = len(place.awx.calls)
    done = place.run(**variables)
    assert done.rc and words in " ".join(done.stdout.split())
    assert len(place.awx.calls) == before


def test_in_check_mode_nothing_is_made(place: Place) -> None:
    before = len(place.awx.writes())
    done = place.run("--check").ok()
    assert done.task("edgecert.clm.awx : Make the organization").changed
    assert len(place.awx.writes()) == before


def test_a_second_run_changes_nothing_and_no_secret_is_told(place: Place, applied: Result) -> None:
    assert applied.stats["localhost"]["changed"] > 20
    refused = [call for call in place.awx.calls if call[2] >= 400]
    assert refused == []
    writes = len(place.awx.writes())
    again = place.run().ok()
    assert again.stats["localhost"]["changed"] == 0 and len(place.awx.writes()) == writes
    assert not [secret for secret in SECRETS if secret in applied.stdout + again.stdout]


@pytest.fixture
def v2(place: Place, applied: Result) -> Any:
    """Log in with awxkit, AWX's own client: a second reader of what was made."""
    assert applied.rc == 0
    from awxkit import api, config

    config.base_url = place.awx.url
    root = api.Api()
    root.connection.login(token=TOKEN)
    return root.get().current_version.get()


def test_awxkit_reads_a_job_template_for_every_playbook_with_its_survey(v2: Any) -> None:
    found = {one.name: one for one in v2.job_templates.get(page_size=100).results}
    assert set(found) == {f"CLM {row['name']}" for row in rows()}
    assert {one.playbook for one in found.values()} == {f"playbooks/{row['playbook']}.yml" for row in rows()}
    for row in rows():
        made, survey = found[f"CLM {row['name']}"], row.get("survey", row["playbook"])
        assert json.loads(made.extra_vars) == GIVEN["awx_variables"].get(row["playbook"], {})
        assert not made.ask_variables_on_launch and made.survey_enabled is bool(survey)
        if survey:
            asked = json.loads((SURVEYS / f"{survey}.json").read_text(encoding="utf-8"))
            assert made.get_related("survey_spec").json == asked
        names = [one.name for one in made.get_related("credentials").results]
        assert f"store of {row.get('login') or row['team']}" in names
        assert ("who approved" in names) is (row["playbook"] == "awx_approve")
        assert {one.name for one in made.get_related("labels").results} == {"edgecert.clm", row["team"]} - {""}
        assert [one.name for one in made.get_related("notification_templates_error").results] == ["on call"]


def test_awxkit_reads_the_rest(v2: Any) -> None:
    assert {one.name for one in v2.teams.get().results} == {f"CLM {team}" for team in PEOPLE}
    [source] = v2.inventory_sources.get().results
    assert (source.source, source.source_path) == ("scm", "extensions/awx/certificates.akamai_cps.yml")
    rules = {one.name: one.rrule for one in v2.schedules.get().results}
    scheduled = {"run_due": "Do what is due", "discover": "Discover", "report": "Report", "inventory": "Certificates"}
    assert rules == {f"CLM {scheduled[name]}": rule for name, rule in GIVEN["awx_schedules"].items()}
    [kept] = v2.credentials.get(name="store of requesters").results
    assert set(kept.inputs.values()) == {"$encrypted$"}
    types = {one.name: one for one in v2.credential_types.get(page_size=100).results}
    assert types["CLM Store"].injectors.env == {
        "EDGECERT_STORE": "{{ store }}",
        "PGPASSWORD": "{{ password }}",
        "EDGECERT_STORE_KEY": "{{ store_key }}",
    }
    assert types["CLM CA digicert"].injectors.env.EDGECERT_CA_API_KEY == "{{ api_key }}"


def test_a_workflow_leads_from_the_request_by_its_approvals_to_what_is_due(v2: Any) -> None:
    [workflow] = v2.workflow_job_templates.get(name="CLM Enroll and push").results
    nodes = {one.id: one for one in v2.workflow_job_template_nodes.get(workflow_job_template=workflow.id).results}
    later = {one.identifier: [nodes[key].identifier for key in one.success_nodes] for one in nodes.values()}
    way = ["enroll"]
    while later[way[-1]]:
        [one] = later[way[-1]]
        way.append(one)
    levels = [f"push_{what}_{level}" for level in (1, 2) for what in ("approval", "approve")]
    assert way == ["enroll", "push", *levels, "push_do"]
    assert len(nodes) == len(way) and not any(one.failure_nodes or one.always_nodes for one in nodes.values())


def test_what_is_enrolled_reaches_the_push_of_the_same_workflow(place: Place, applied: Result) -> None:
    """Beside what the survey has by default, which goes before what the first job tells."""
    assert applied.rc == 0
    runs = place.awx.runs
    asked = {"clm_common_name": "www.example.com", "clm_csr_source": "endpoint", "clm_connector": "edge"}
    workflow = place.launch("ada", "Enroll and push", **asked)
    told = {"clm_certificate": "www.example.com", "clm_enrolled_certificate": "www.example.com"}
    runs.end(int(runs.nodes[runs.node(workflow, "enroll")]["job"]), told)
    given = runs.jobs[int(runs.nodes[runs.node(workflow, "push")]["job"])]["extra_vars"]
    wanted = {"clm_certificate": "", "clm_enrolled_certificate": "www.example.com", "clm_network": "staging"}
    assert {name: given[name] for name in (*wanted, "clm_connector")} == {**wanted, "clm_connector": "edge"}


def test_a_renewal_is_pushed_by_a_workflow_of_its_own(place: Place, applied: Result) -> None:
    """E3, W2: what its survey asks reaches both jobs, and the push is told what the first one renewed."""
    assert applied.rc == 0
    runs = place.awx.runs
    asked = {"clm_certificate": "www.example.com", "clm_network": "production"}
    workflow = place.launch("ada", "Renew with approvals", **asked)
    told = {"clm_enrolled_certificate": "www.example.com", "clm_request_id": "req-1", "clm_work_order_id": ""}
    runs.end(int(runs.nodes[runs.node(workflow, "enroll")]["job"]), told)
    given = runs.jobs[int(runs.nodes[runs.node(workflow, "push")]["job"])]["extra_vars"]
    assert {name: given[name] for name in asked} == asked


@pytest.mark.parametrize(
    ("user", "allowed", "barred"),
    [
        ("ada", ["Push", "Push with approvals"], ["Approve", "Do what is due", "Approve from a workflow"]),
        ("bob", ["Approve", "Reject"], ["Push", "Push with approvals", "Do what is due", "Approve from a workflow"]),
        ("dora", ["Do what is due"], ["Push", "Approve", "Approve from a workflow"]),
        ("eve", [], ["Push", "Approve", "Do what is due", "Push with approvals"]),
    ],
)
def test_who_asks_approves_and_runs_are_other_people(
    place: Place, applied: Result, user: str, allowed: list[str], barred: list[str]
) -> None:
    """W2: a right of one team opens no template of another."""
    assert applied.rc == 0
    answers = {
        "Push": {"clm_certificate": "www.example.com", "clm_network": "staging"},
        "Push with approvals": {"clm_certificate": "www.example.com", "clm_network": "staging"},
        "Reject": {"clm_comment": "not so"},
    }
    for name in allowed:
        assert place.launch(user, name, **answers.get(name, {}))
    for name in barred:
        with pytest.raises(Refused, match="403"):
            place.launch(user, name, **answers.get(name, {}))


def test_operators_alone_give_a_job_the_credential_of_a_ca(place: Place, applied: Result) -> None:
    """C, W2: a prompt for a credential lets through what who launches may use; and no other template asks for one."""
    assert applied.rc == 0
    key, store = place.id("credentials", "key of digicert"), place.id("credentials", "store of operators")
    template = place.id("job_templates", "CLM Keep an account at a CA")
    runs, answers = place.awx.runs, {"clm_ca": "digicert"}
    assert runs.launch(template, place.id("users", "dora"), answers, [store, key])
    for stranger in (place.id("credentials", "store of approvers"), place.id("credentials", "who approved")):
        with pytest.raises(Refused, match="403"):
            runs.launch(template, place.id("users", "dora"), answers, [store, key, stranger])
    with pytest.raises(Refused, match="without replacement"):
        runs.launch(template, place.id("users", "dora"), answers, [key])
    with pytest.raises(Refused, match="not configured to prompt"):
        runs.launch(place.id("job_templates", "CLM Do what is due"), place.id("users", "dora"), {}, [store, key])


@pytest.mark.parametrize(
    ("answers", "words"),
    [
        ({"clm_certificate": "www.example.com", "clm_network": "moon"}, "expected to be one of"),
        ({"clm_network": "staging"}, "'clm_certificate' value missing"),
        ({"clm_certificate": "a", "clm_network": "staging", "awx_user_name": "bob"}, "awx_user_name are not allowed"),
        ({"clm_certificate": "a", "clm_network": "staging", "clm_store": "sqlite:///x"}, "clm_store are not allowed"),
        ({"clm_certificate": "a", "clm_network": "staging", "clm_manual_implementation": "maybe"}, "to be one of"),
    ],
)
def test_an_answer_out_of_range_or_not_asked_for_starts_nothing(
    place: Place, applied: Result, answers: dict[str, Any], words: str
) -> None:
    """Issue 7: a survey answer out of range; and nobody gives a variable that is not asked for."""
    assert applied.rc == 0
    with pytest.raises(Refused, match=words):
        place.launch("ada", "Push", **answers)


def test_fewer_approvals_take_their_nodes_away(place: Place, applied: Result) -> None:
    """The last test of this file, as the workflow is another one afterwards; of one, as others are made alike.

    And a rule that is emptied takes its schedule away.
    """
    assert applied.rc == 0
    [first, *_others] = yaml.safe_load((TOP / "roles" / "awx" / "vars" / "main.yml").read_text())["__awx_workflows"]
    play = [
        {
            "hosts": "localhost",
            "gather_facts": False,
            "tasks": [
                {"ansible.builtin.include_role": {"name": "edgecert.clm.awx", "tasks_from": f"{part}.yml"}}
                for part in ("workflows", "schedules")
            ],
        }
    ]
    path = place.folder / "workflows.yml"
    path.write_text(yaml.safe_dump(play), encoding="utf-8")
    fewer = {"awx_approval_levels": {"enroll": 1, "push": 1}, "__awx_workflows": [first]}
    rules = {"awx_schedules": {**GIVEN["awx_schedules"], "discover": "", "inventory": ""}}
    run_playbook(path, {**GIVEN, **fewer, **rules}, place.env).ok()
    left = {place.awx.state.thing(key)["name"] for key in place.awx.state.found("schedules", {})}
    assert left == {"CLM Do what is due", "CLM Report"}
    workflow = place.id("workflow_job_templates", "CLM Enroll and push")
    nodes = place.awx.state.found("workflow_job_template_nodes", {"workflow_job_template": str(workflow)})
    names = {place.awx.state.thing(key)["identifier"] for key in nodes}
    wanted = "enroll enroll_approval_1 enroll_approve_1 enroll_do enroll_on push push_approval_1 push_approve_1 push_do"
    assert names == set(wanted.split())
