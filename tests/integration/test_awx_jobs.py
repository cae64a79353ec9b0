# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Jobs as AWX runs them, on PostgreSQL: a life, two at once, cancelled and lost ones, inventories, what is missing.

Everybody launches the playbooks by job templates, with what their credentials inject. Nobody waits: the clock jumps.
"""

from __future__ import annotations

import configparser
import contextlib
import json
import pathlib
import shutil
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import pytest
from edgecert_sandbox.handle import Handle, SandboxOptions, start

from ansible_collections.edgecert.clm.plugins.module_utils._core.redact import Secret
from ansible_collections.edgecert.clm.plugins.module_utils._store.open import open_store
from ansible_collections.edgecert.clm.plugins.module_utils._store.seal import StoreKey
from ansible_collections.edgecert.clm.plugins.module_utils._store.store import SqlStore
from ansible_collections.edgecert.clm.tests.integration.test_playbooks import ADMIN, ORGANIZATION
from ansible_collections.edgecert.clm.tests.integration.test_secrets import forms, private_keys
from ansible_collections.edgecert.clm.tests.support.awx_job import Awx, Credential, Job, Running
from ansible_collections.edgecert.clm.tests.support.moved_clock import MovedClock
from ansible_collections.edgecert.clm.tests.support.playbooks import environment

pytestmark = [pytest.mark.slow, pytest.mark.postgres]

TOP = pathlib.Path(__file__).resolve().parents[2]
PROJECT = pathlib.Path(__file__).resolve().parent / "playbooks" / "awx_project"
SURVEY = json.loads((TOP / "extensions" / "awx" / "surveys" / "enroll_endpoint.json").read_text(encoding="utf-8"))
CONTRACT = "C-T35"
STORE_KEY = "hush-4c7e-key of the store of jobs"
# Runner writes the environment there; AWX leaves the file out, and shows it with secrets masked.
HOLDS_THE_ENVIRONMENT = "/command"
# Bundling a module takes longer than running it: the jobs share what one of them has bundled.
BUNDLED_ONCE = ("ANSIBLE_CALLBACK_PLUGINS", "ANSIBLE_CALLBACKS_ENABLED", "CLM_BUNDLES", "CLM_RESULTS_FILE")
OUTPUT = "output.json"
UPLOAD = "third-party-cert-and-trust-chain"
# A job has to begin meanwhile, on a busy machine too.
SOON_S = 45
WAIT_S = 60
MOST_DUE = 12
# What two certificates, of which one is pushed, come to.
ONCE = {
    "key_place_opened": 2,
    "certificate_ordered": 2,
    "certificate_issued": 2,
    "work_order_approval_given": 2,
    "certificate_uploaded": 1,
    "push_completed": 1,
}
# A lost job's lease has ended by then.
LEASE_S = 600
# Longer than a test takes: the answer never comes.
NEVER_S = 900
TEMPLATE = "{{ lookup('ansible.builtin.env', 'EDGECERT_STORE_KEY') }}"


@dataclass
class Tower:
    """An AWX with its project, an account, a store, and a credential for each."""

    folder: pathlib.Path
    awx: Awx
    sandbox: Handle
    clock: MovedClock
    url: str
    akamai: dict[str, str]
    secrets: dict[str, str]

    @property
    def store(self) -> dict[str, str]:
        """Give the variables of the store's credential."""
        return {"EDGECERT_STORE": self.url, "EDGECERT_STORE_KEY": STORE_KEY}

    def launch(self, template: str, user: str = "", given: Credential | None = None, **answers: Any) -> Running:
        """Launch a job template.

        :param user: who does; empty for a schedule.
        :param given: what its credentials inject; left out, those of store and account.
        """
        credential = Credential({**self.store, **self.akamai}) if given is None else given
        return self.awx.launch(f"{template}.yml", credential, answers, user=user)

    def ended(self, running: Running) -> Job:
        """Wait for a job; whatever is left of it holds no secret."""
        job = running.ended()
        assert self.leaks(job) == []
        return job

    def run(self, template: str, user: str = "", given: Credential | None = None, **answers: Any) -> Job:
        """Launch a job template and wait for the job."""
        return self.ended(self.launch(template, user, given, **answers))

    def at_once(self, *launches: Callable[[], Running]) -> list[Job]:
        """Launch jobs together, and wait for all of them."""
        return [self.ended(running) for running in [launch() for launch in launches]]

    def leaks(self, job: Job, *, everywhere: bool = False) -> list[str]:
        """Name the secrets, and where they stand, in what is left of a job."""
        return [
            f"{name} in {place}"
            for name, secret in self.secrets.items()
            for place, content in {**job.written, "what it said": job.said.encode()}.items()
            if everywhere or not place.endswith(HOLDS_THE_ENVIRONMENT)
            if any(form in content for form in forms(secret))
        ]

    def seen(self, kind: str) -> list[int]:
        """Give the enrollments to which something has happened at Akamai, by id, each as often as it has."""
        events = self.sandbox.admin("GET", "/events")["events"]
        return [one["enrollment_id"] for one in events if one["kind"] == kind]

    @contextlib.contextmanager
    def opened(self) -> Iterator[SqlStore]:
        """Open the store."""
        with contextlib.closing(open_store(self.url, StoreKey(Secret(STORE_KEY)), self.clock, "the test")) as store:
            yield store

    def audited(self) -> int:
        """Give the number of the audit's last line."""
        with self.opened() as store, store.audit_lines(0) as lines:
            return max(number for number, _line in lines)


def answers(**given: str) -> dict[str, Any]:
    """Give every answer of the survey: those given, and what AWX sends where nobody answered."""
    found = {asked["variable"]: asked["default"] for asked in SURVEY["spec"]}
    assert set(given) <= set(found)
    return {**found, "clm_ca": "own", "clm_contract": CONTRACT, **given}


def credentials(edgerc: str) -> dict[str, str]:
    """Give the variables that a credential of an account injects."""
    parser = configparser.RawConfigParser()
    parser.read(edgerc, encoding="utf-8")
    names = ("host", "client_token", "client_secret", "access_token")
    return {f"AKAMAI_{name.upper()}": parser.get("default", name) for name in names}


@pytest.fixture(scope="module")
def tower(postgres_module_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tower]:
    """Have an account onboarded by a job."""
    folder = tmp_path_factory.mktemp("awx")
    project = folder / "project"
    shutil.copytree(PROJECT, project)
    for source in (TOP / "extensions" / "awx").glob("*.yml"):
        shutil.copy(source, project)
    options = SandboxOptions(limits=False, instant=True, contracts=[CONTRACT], extra=("--set", "create_interval_s=0"))
    with start(options) as sandbox:
        clock = MovedClock(folder, sandbox)
        akamai = credentials(sandbox.edgerc)
        secrets = {name: value for name, value in akamai.items() if name != "AKAMAI_HOST"}
        shared = environment(folder, clock.environment)
        awx = Awx(folder, project, {**clock.environment, **{name: shared[name] for name in BUNDLED_ONCE}})
        tower = Tower(folder, awx, sandbox, clock, postgres_module_url, akamai, {**secrets, "the store key": STORE_KEY})
        wanted: dict[str, Any] = {
            "clm_ca_path": sandbox.ca_path,
            "clm_organization": ORGANIZATION,
            "clm_admin_contact": ADMIN,
            "clm_tech_contact": {**ADMIN, "email": "tess@akamai.com"},
        }
        tower.run("onboard", "root", **wanted).ok()
        for number, line in enumerate(sorted(private_keys({"store": tower.url, "store_key": STORE_KEY}))):
            tower.secrets[f"line {number} of the CA's keys"] = line
        yield tower


@dataclass(frozen=True)
class Life:
    """What became of a certificate, job by job.

    :ivar cancelled: asked for it, and was cancelled when CPS had opened the enrollment.
    :ivar met: asked for it at once again.
    :ivar resumed: asked for it when the lease of the first one had ended.
    :ivar approved: two people's, launched together, and once more where they met.
    :ivar lost: ran what is due, and its node was lost when CPS had taken the certificate.
    :ivar due: those that ran what is due afterwards, two and two together.
    """

    cancelled: Job
    met: Job
    resumed: Job
    pushed: Job
    approved: list[Job]
    lost: Job
    due: list[Job]
    order: Any


@pytest.fixture(scope="module")
def life(tower: Tower) -> Life:
    """Bring a certificate to staging against all odds; a second one is asked for, for later."""
    wanted = {**answers(clm_common_name="www.example.com", clm_description=TEMPLATE), "clm_connector": "edge"}
    cancelled = interrupted(tower, "/enrollments\\?", "enrollment-created", Running.cancel, "enroll", "ada", **wanted)
    met = tower.run("enroll", "ada", **wanted)
    tower.clock.sleep(LEASE_S)
    resumed = tower.run("enroll", "ada", **wanted).ok()
    edges = [tower.sandbox.edge("staging")]
    pushed = tower.run("push", "ada", clm_certificate="www.example.com", clm_staging_edges=edges).ok()
    order_id = pushed.task("Push").result["work_order"]["work_order_id"]
    approved = both_approve(tower, order_id)
    lost = interrupted(tower, UPLOAD, "uploaded", Running.lose, "run_due")
    tower.clock.sleep(LEASE_S)
    later = answers(clm_common_name="shop.example.com")
    tower.run("enroll", "ada", **later, clm_schedule_at=tower.clock.soon(seconds=SOON_S), clm_wait=False).ok()
    due: list[Job] = []
    with tower.opened() as store:
        while len(due) < MOST_DUE:
            tower.clock.sleep(WAIT_S)
            due += tower.at_once(*[lambda: tower.launch("run_due")] * 2)
            with store.read() as unit:
                order = unit.work_orders.get(order_id)
            if order is not None and order.state == "completed":
                break
    return Life(cancelled, met, resumed, pushed, approved, lost, due, order)


def interrupted(
    tower: Tower, path: str, kind: str, how: Callable[[Running], None], template: str, user: str = "", **answers: Any
) -> Job:
    """Launch a job, and end it when Akamai has done something whose answer the job does not get."""
    before = len(tower.seen(kind))
    tower.sandbox.fault("slow", method="POST", path=path, seconds=NEVER_S)
    running = tower.launch(template, user, **answers)
    deadline = time.monotonic() + 240
    while len(tower.seen(kind)) == before:
        assert not running.is_over and time.monotonic() < deadline, running.ended().said
        time.sleep(0.05)
    how(running)
    return tower.ended(running)


def both_approve(tower: Tower, order_id: str) -> list[Job]:
    """Have two people approve at the same moment; who met the other launches once more."""
    people = ("bob", "carol")
    # Theirs is a credential of another type: the key is a file, and there is nothing of the account in it.
    theirs = Credential({"EDGECERT_STORE": tower.url}, files={"EDGECERT_STORE_KEY_FILE": STORE_KEY})
    approve = partial(tower.launch, "approve", given=theirs, clm_work_order_id=order_id)
    jobs = tower.at_once(*(partial(approve, one) for one in people))
    return [
        job if job.status == "successful" else tower.ended(approve(person))
        for job, person in zip(jobs, people, strict=True)
    ]


def test_a_cancelled_job_is_gone_on_with_by_the_next_one(tower: Tower, life: Life) -> None:
    """W5: the enrollment that the first one opened is adopted, and no second one opened."""
    assert (life.cancelled.status, life.cancelled.results[-1].status) == ("canceled", "ok")
    failure = life.met.task("Enrol").result["failure"]
    assert (failure["code"], failure["retryable"]) == ("lease_held", True)
    assert "ada on " in life.met.said and "run the task again later" in life.met.said
    request = life.resumed.task("Enrol").result["request"]
    assert (request["state"], request["actor"], request["certificate"]) == ("issued", "ada", "www.example.com")
    assert tower.seen("enrollment-created").count(request["enrollment_id"]) == 1


def test_an_answer_of_a_survey_is_no_template(life: Life) -> None:
    """R: AWX marks what people typed, and the playbooks leave it so: nobody reads the job's environment that way."""
    assert life.resumed.task("Enrol").result["request"]["wish"]["description"] == TEMPLATE


def test_two_people_approve_in_jobs_of_theirs(life: Life) -> None:
    """U4, W2: AWX's own variable says who launched each; who asked was somebody else."""
    asked = life.pushed.task("Push").result["work_order"]
    assert (asked["state"], asked["actor"], asked["approvals_needed"]) == ("submitted", "ada", 2)
    assert [job.status for job in life.approved] == ["successful", "successful"]
    assert sorted(one["actor"] for one in life.order.approvals) == ["bob", "carol"]


def test_a_job_whose_node_is_lost_is_gone_on_with_and_nothing_is_done_twice(tower: Tower, life: Life) -> None:
    """W4, W5: two schedules run at the same moment after it, again and again: one upload, one deployment, one order."""
    assert (life.lost.status, life.lost.rc) == ("error", None)
    assert life.order.state == "completed"
    assert [job.status for job in life.due] == ["successful"] * len(life.due)
    assert len(tower.seen("enrollment-created")) == len(set(tower.seen("enrollment-created"))) == 2
    assert len(tower.seen("uploaded")) == len(tower.seen("deployed-staging")) == 1
    with tower.opened() as store, store.read() as unit:
        states = {one.certificate_id: one.state for one in unit.requests.find()}
        done = Counter(row.entry.action for row in unit.audit_rows())
    assert states == {"www.example.com": "issued", "shop.example.com": "issued"}
    assert {action: done[action] for action in ONCE} == ONCE


def test_the_numbers_of_due_work_are_artifacts_of_the_job(life: Life) -> None:
    """W4, R: what a workflow of AWX hands to its next node."""
    for job in life.due:
        found = job.task("Do it").result
        assert job.artifacts == {
            "clm_done_count": len(found["done"]),
            "clm_waiting_count": len(found["waiting"]),
            "clm_failed_count": 0,
            "clm_next_due_at": found["next_due_at"],
        }
    assert sum(job.artifacts["clm_done_count"] for job in life.due) > 0


def test_only_the_file_with_the_environment_holds_secrets(tower: Tower, life: Life) -> None:
    """Design §8: every job is searched when it ends; that the search finds something is seen in the one exception."""
    places = {leak.partition(" in ")[2] for leak in tower.leaks(life.resumed, everywhere=True)}
    assert places == {f"{side}{HOLDS_THE_ENVIRONMENT}" for side in ("artifacts", "worker")}
    assert {leak.partition(" in ")[0] for leak in tower.leaks(life.resumed, everywhere=True)} >= {
        "the store key",
        "AKAMAI_CLIENT_SECRET",
    }
    assert len(tower.secrets) > len(tower.akamai)


def test_an_ad_hoc_command_looks_into_the_store(tower: Tower, life: Life) -> None:
    """R: a module alone, with what the command's credential injects."""
    command = tower.awx.ad_hoc(
        "edgecert.clm.cert_info", "certificate=www.example.com", Credential(tower.store), user="ada"
    )
    found = tower.ended(command).ok().results[-1].result["certificates"]
    assert [(one["certificate"], one["state"]) for one in found] == [("www.example.com", "issued")]


def test_inventory_sources_are_updated_by_what_their_credentials_inject(tower: Tower, life: Life) -> None:
    """V3: out of the store, and live; without a store the update fails, and says what to do."""
    live = {**tower.akamai, "EDGECERT_CA_PATH": tower.sandbox.ca_path}
    sources: list[tuple[str, Mapping[str, str]]] = [("certificates", tower.store), ("live", live), ("certificates", {})]
    update = tower.awx.update_inventory
    jobs = tower.at_once(*(partial(update, f"{name}.akamai_cps.yml", Credential(env)) for name, env in sources))
    for job in jobs[:2]:
        found = json.loads(job.ok().written[f"artifacts/{OUTPUT}"])
        assert set(found["_meta"]["hostvars"]) >= {"www.example.com"}
    assert jobs[2].status == "failed" and f"artifacts/{OUTPUT}" not in jobs[2].written
    assert "No store is named" in jobs[2].said and "set EDGECERT_STORE by a credential of the job" in jobs[2].said


def test_what_is_missing_or_out_of_range_is_told_before_anything_is_done(tower: Tower) -> None:
    """E3, E12, E15, W4, P1: a missing credential, and answers of a survey; nothing is asked of Akamai, nothing kept."""
    calls, audited = len(tower.sandbox.calls()), tower.audited()
    no_key = {"EDGECERT_STORE": tower.url, **tower.akamai}
    asked = answers(clm_common_name="new.example.com")
    wrong = {**asked, "clm_auto_renew": "true", "clm_auto_renew_days": "500", "clm_subject_country": "UK"}
    rows: list[tuple[str, Mapping[str, str], dict[str, Any], str, str]] = [
        ("run_due", tower.akamai, {}, "store_vanishes", "by a credential of the job"),
        ("run_due", no_key, {}, "store_key_missing", "EDGECERT_STORE_KEY"),
        ("enroll", tower.store, asked, "invalid_input", "AKAMAI_CLIENT_SECRET"),
        ("enroll", {**tower.store, **tower.akamai}, wrong, "invalid_input", "1 to 120"),
    ]
    jobs = tower.at_once(
        *(partial(tower.launch, name, "ada", Credential(env), **given) for name, env, given, *_said in rows)
    )
    for job, (_name, _env, _given, code, words) in zip(jobs, rows, strict=True):
        assert job.status == "failed" and words in job.said, job.said
        assert job.results[-1].result["failure"]["code"] == code, job.said
    assert tower.sandbox.calls()[calls:] == []
    assert tower.audited() == audited
