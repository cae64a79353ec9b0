# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The rulebooks as ansible-rulebook runs them: by their full names, over a store, with playbooks of the collection."""

from __future__ import annotations

import contextlib
import json
import os
import pathlib
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
import rulebook

from ansible_collections.edgecert.clm.plugins.module_utils._core.types import Certificate, Device, WorkOrder
from ansible_collections.edgecert.clm.plugins.module_utils._store.store import SqlStore
from ansible_collections.edgecert.clm.plugins.modules import ca_account, cert_enroll, cert_group, cert_workflow
from ansible_collections.edgecert.clm.tests.support.playbooks import NOT_HANDED_ON
from ansible_collections.edgecert.clm.tests.support.post_office import plain_text, post_office
from ansible_collections.edgecert.clm.tests.support.run_module import run
from ansible_collections.edgecert.clm.tests.support.stores import KEY, StorePlace

HERE = pathlib.Path(__file__).resolve().parent
NAME, OTHER = "www.example.com", "shop.example.com"
# Far more than it takes, on a machine that does other things as well.
PATIENCE_S = 90.0


@pytest.fixture(scope="module")
def programs() -> pathlib.Path:
    """Give the folder of ansible-rulebook."""
    try:
        return rulebook.programs()
    except rulebook.NotHere as reason:
        pytest.skip(str(reason))


class Running:
    """A rulebook that runs."""

    def __init__(self, process: subprocess.Popen[bytes], said: pathlib.Path) -> None:
        self._process, self._said = process, said

    def has_said(self, text: str) -> bool:
        """Tell whether a text is in what it printed so far, events among it."""
        return text in self._said.read_text(encoding="utf-8", errors="replace")

    def until(self, is_so: Callable[[], Any]) -> Any:
        """Wait until something is so, and give it."""
        deadline = time.monotonic() + PATIENCE_S
        while not (found := is_so()):
            said = self._said.read_text(encoding="utf-8", errors="replace")
            assert self._process.poll() is None, f"the rulebook ended:\n{said}"
            assert time.monotonic() < deadline, f"nothing came of it:\n{said}"
            time.sleep(0.1)
        return found


@contextlib.contextmanager
def running(
    programs: pathlib.Path, folder: pathlib.Path, name: str, env: Mapping[str, str], **variables: Any
) -> Iterator[Running]:
    """Run a rulebook of the collection as an operator would, until the block ends."""
    (folder / "inventory.ini").write_text("localhost ansible_connection=local\n", encoding="utf-8")
    (folder / "vars.json").write_text(json.dumps(variables), encoding="utf-8")
    kept = {key: value for key, value in os.environ.items() if not key.startswith(NOT_HANDED_ON)}
    environment = {**kept, "PATH": f"{programs}{os.pathsep}{kept['PATH']}", "HOME": str(folder), **env}
    command = [str(programs / "ansible-rulebook"), "--rulebook", f"edgecert.clm.{name}", "-i", "inventory.ini"]
    command.append("--print-events")
    said = folder / "said.txt"
    with open(said, "wb") as output:
        process = subprocess.Popen(
            [*command, "--vars", "vars.json"],
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            yield Running(process, said)
        finally:
            # A playbook of it may be under way.
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def stored(store: SqlStore) -> Certificate:
    with store.read() as unit:
        kept = unit.certificates.get(NAME)
    assert kept is not None
    return kept


def is_issued(store: SqlStore, name: str) -> bool:
    with store.read() as unit:
        kept = unit.certificates.get(name)
    return kept is not None and kept.state == "issued"


def change(store: SqlStore, **members: Any) -> None:
    with store.write() as unit:
        kept = unit.certificates.get(NAME)
        assert kept is not None
        unit.certificates.put(replace(kept, **members))


class Scene:
    """A folder of its own with a store at the present time, in which a rulebook runs beside those of other scenes."""

    def __init__(self, programs: pathlib.Path, folder: pathlib.Path) -> None:
        folder.mkdir()
        self.programs, self.folder = programs, folder
        self.place = StorePlace(f"sqlite:///{folder}/clm/store.db")
        self.place.clock.moment = datetime.now(timezone.utc)

    @contextlib.contextmanager
    def running(self, name: str, env: Mapping[str, str], **variables: Any) -> Iterator[Running]:
        """Run a rulebook over the store, which it looks at every second."""
        where = {"EDGECERT_STORE": self.place.url, "EDGECERT_STORE_KEY": KEY}
        with running(self.programs, self.folder, name, {**where, **env}, clm_interval=1, **variables) as found:
            yield found


class Renewal(Scene):
    """A certificate that renews by itself comes near its end, and another one waits for an approval."""

    def __init__(self, programs: pathlib.Path, folder: pathlib.Path) -> None:
        super().__init__(programs, folder)
        common = {"store": self.place.url, "store_key": KEY, "actor": "ada"}
        run(ca_account.main, {**common, "name": "own", "type": "own_ca", "options": {"key_type": "ec"}})
        wanted: dict[str, Any] = {"common_name": NAME, "ca": "own", "csr_source": "local", "key_type": "ec"}
        wanted.update(organization="Example Ltd", country="US", validity={"count": 90, "unit": "days"})
        wanted.update(auto_renew={"enabled": True, "days_before": 30}, wait=True)
        assert run(cert_enroll.main, {**common, **wanted})["request"]["state"] == "issued"
        run(cert_group.main, {**common, "name": "careful", "approvals": {"enroll": 1}})
        waiting = run(cert_enroll.main, {**common, **wanted, "common_name": OTHER, "group": "careful"})["request"]
        assert waiting["state"] == "submitted"
        self._approval = {**common, "actor": "bob", "action": "approve", "request_id": waiting["request_id"]}

    def play(self) -> tuple[Certificate, Certificate]:
        """Let eighty days pass in the store, and bob approve; give the certificate before and after."""
        with self.place.open() as store:
            first, ago = stored(store), timedelta(days=80)
            assert first.not_before is not None
            assert first.not_after is not None
            change(store, not_before=first.not_before - ago, not_after=first.not_after - ago)
            with self.running("run_due", {}) as rules:
                rules.until(lambda: rules.has_said("awaiting_approval"))
                rules.until(lambda: stored(store).request_id != first.request_id)
                # The run that renewed looked for what is due before: this takes one of its own.
                assert run(cert_workflow.main, self._approval)["request"]["state"] == "approved"
                rules.until(lambda: is_issued(store, OTHER))
            return first, stored(store)


class Waiting(Scene):
    """An approval is waited for, and a device refuses; people are told by the playbook that the rulebook has."""

    def play(self) -> list[str]:
        """Give the letters that came, as texts."""
        policy = {"group": "default", "levels": 2}
        order = WorkOrder("wo-1", NAME, "app", "main", "push", "production", "submitted", actor="ada", policy=policy)
        with self.place.open() as store:
            with store.write() as unit:
                unit.devices.add(Device("main", status="failed"))
                unit.work_orders.add(replace(order, created_at=self.place.clock.now()))
            with post_office(self.folder) as office, self.running("notify", {}, clm_mail=office.mail("none")) as rules:
                rules.until(lambda: office.box.letters)
                return [plain_text(letter, "plain") for letter in office.box.letters]


class Incident(Scene):
    """A certificate has ended, and is replaced; one of its attributes would do harm, were it a template."""

    playbook = str(HERE / "playbooks" / "incident.yml")

    @property
    def env(self) -> dict[str, str]:
        """Say where the playbook keeps it."""
        return {"CLM_INCIDENTS": str(self.folder / "incidents.jsonl")}

    def told(self) -> list[dict[str, Any]]:
        """Give what the playbook was told so far."""
        kept = self.folder / "incidents.jsonl"
        return [json.loads(line) for line in kept.read_text(encoding="utf-8").splitlines()] if kept.exists() else []

    @property
    def attribute(self) -> str:
        """Give what somebody wrote into it."""
        return f"{{{{ lookup('ansible.builtin.pipe', 'touch {self.folder}/owned') }}}}"

    def play(self) -> list[dict[str, Any]]:
        """Give what the playbook was told in the end."""
        with self.place.open() as store:
            with store.write() as unit:
                unit.devices.add(Device("main"))
                one = Certificate(NAME, "discovered", NAME, "issued", device="main")
                ended, team = self.place.clock.now() - timedelta(days=1), {"team": self.attribute}
                unit.certificates.add(replace(one, not_after=ended, attributes=team))
            with self.running("incidents", self.env, clm_incident_playbook=self.playbook) as rules:
                rules.until(self.told)
                change(store, not_after=self.place.clock.now() + timedelta(days=300))
                rules.until(lambda: len(self.told()) > 1)
        return self.told()


class Mistake(Scene):
    """The environment names a store that nothing can open."""

    def play(self) -> str:
        """Give what the rulebook said when it ended."""
        with self.running("incidents", {"EDGECERT_STORE": "mysql://user:hush-hush@db/x"}) as rules:
            try:
                rules.until(lambda: False)
            except AssertionError as ended:
                return str(ended)
        raise AssertionError("it cannot have been so")


@pytest.fixture(scope="module")
def played(programs: pathlib.Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[type[Scene], Any]]:
    """Play all scenes side by side, for most of the time of one is that of Java, or of waiting."""
    folder = tmp_path_factory.mktemp("rulebooks")
    scenes: list[Renewal | Waiting | Incident | Mistake] = [
        made(programs, folder / made.__name__.lower()) for made in (Renewal, Waiting, Incident, Mistake)
    ]
    with ThreadPoolExecutor(len(scenes)) as pool:
        yield {type(scene): (scene, pool.submit(scene.play)) for scene in scenes}


def test_a_certificate_that_ends_soon_is_renewed_by_the_rulebook(played: dict[type[Scene], Any]) -> None:
    """Issue 7, E3, W4: from the event to the renewed certificate, by a playbook of the collection; nobody is at it.

    What was approved meanwhile was done by it, too.
    """
    first, renewed = played[Renewal][1].result()
    assert renewed.not_after >= first.not_after
    assert renewed.parent.startswith(f"{NAME}~")
    assert renewed.fingerprint != first.fingerprint


def test_all_that_waits_for_people_is_told_in_one_letter(played: dict[type[Scene], Any]) -> None:
    """Issue 7: who has to do what, and who may not; nothing that is due is done for that."""
    [letter] = played[Waiting][1].result()
    assert "kind: awaiting_approval" in letter and "who: approver, but not ada" in letter
    assert "kind: device_failed" in letter


def test_an_incident_is_opened_once_and_closed_and_no_text_of_others_is_run(played: dict[type[Scene], Any]) -> None:
    """Issue 7, design §8: by the id that all events about a fact share; an attribute stays a text in the playbook."""
    scene, playing = played[Incident]
    opened, closed = playing.result()
    assert (opened["status"], closed["status"]) == ("raised", "cleared")
    assert [fact["kind"] for fact in opened["events"]] == ["expired"]
    assert opened["events"] == closed["events"]
    assert opened["events"][0]["attributes"] == {"team": scene.attribute.replace("{{", "{ {")}
    assert not (scene.folder / "owned").exists()


def test_a_rulebook_over_a_store_that_cannot_be_used_says_so_and_ends(played: dict[type[Scene], Any]) -> None:
    """Issue 7: bad input."""
    said = played[Mistake][1].result()
    assert "the rulebook ended" in said
    assert "no back end has such URLs" in said
    assert "hush-hush" not in said
