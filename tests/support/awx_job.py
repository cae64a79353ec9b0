# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Jobs as AWX runs them, with ansible-runner: transmitted, worked at in what stands for the container, and processed.

What AWX itself would do stands here as its tasks do it: a private data directory with inventory script, settings,
command line and extra variables whose texts are marked unsafe, and an environment that credentials were injected into.
There is no container: the worker has a folder, a home and a bare environment of its own. Knows nothing of ours.
"""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import ansible_runner

from ansible_collections.edgecert.clm.tests.support.marked import marked
from ansible_collections.edgecert.clm.tests.support.playbooks import TaskResult

_COLORS = re.compile(r"\x1b\[[0-9;]*m")
_STATUS = {"runner_on_ok": "ok", "runner_on_failed": "failed", "runner_on_skipped": "skipped"}
# The one local host, as AWX's own demonstration inventory has it.
_HOSTS = {
    "all": {"hosts": ["localhost"]},
    "_meta": {
        "hostvars": {
            "localhost": {
                "ansible_connection": "local",
                "ansible_python_interpreter": "{{ ansible_playbook_python }}",
                "remote_tower_enabled": "true",
                "remote_tower_id": 1,
            }
        }
    },
}


@dataclass(frozen=True)
class Credential:
    """What a credential type injects into a job: variables, and files whose paths are variables."""

    env: Mapping[str, str] = field(default_factory=dict)
    files: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Job:
    """A job that has ended.

    :ivar status: ``successful``, ``failed``, ``canceled``, or ``error`` where nothing was heard of its end.
    :ivar artifacts: what ``set_stats`` left for the jobs after it.
    :ivar written: every file that is left of it, by a name that begins with ``artifacts/`` or ``worker/``.
    """

    number: int
    status: str
    rc: int | None
    said: str
    results: list[TaskResult]
    artifacts: Mapping[str, Any]
    written: Mapping[str, bytes]

    def ok(self) -> Job:
        """Give this job, or fail the test with all it said when it was not successful."""
        assert self.status == "successful" and self.rc == 0, f"job {self.number} is {self.status}:\n{self.said}"
        return self

    def task(self, name: str) -> TaskResult:
        """Give the last result of a task.

        :raises AssertionError: no such task ended.
        """
        found = [one for one in self.results if one.task == name]
        assert found, f"no task {name!r} ended in job {self.number}, which is {self.status}:\n{self.said}"
        return found[-1]


class Awx:
    """Launches jobs of one project.

    :param folder: an empty one.
    :param image: the environment that the execution environment itself sets, beside a path and a home.
    """

    def __init__(self, folder: pathlib.Path, project: pathlib.Path, image: Mapping[str, str]) -> None:
        self._folder, self._project, self._image = folder, project, dict(image)
        self._numbers = itertools.count(1)

    def launch(
        self,
        playbook: str,
        credential: Credential,
        answers: Mapping[str, Any] | None = None,
        *,
        user: str = "",
    ) -> Running:
        """Launch a job template.

        :param answers: of the survey, and the template's own extra variables.
        :param user: who launches it; empty for a schedule.
        """
        number, private = self._prepared()
        inventory = _inputs(private, {**(answers or {}), **_meta_variables(number, playbook, user)}, "-u root")
        env = {"JOB_ID": str(number), "INVENTORY_ID": "1", "AWX_HOST": "https://towerhost", "MAX_EVENT_RES": "700000"}
        return self._started(number, private, credential, env, {"playbook": playbook, "inventory": inventory})

    def ad_hoc(self, module: str, arguments: str, credential: Credential, *, user: str) -> Running:
        """Run an ad hoc command, on all hosts; AWX allows no templates in its arguments."""
        number, private = self._prepared()
        inventory = _inputs(private, _meta_variables(number, module, user), "-u root all")
        env = {
            "AD_HOC_COMMAND_ID": str(number),
            "INVENTORY_ID": "1",
            "INVENTORY_HOSTVARS": "True",
            "ANSIBLE_LOAD_CALLBACK_PLUGINS": "1",
            "ANSIBLE_SFTP_BATCH_MODE": "False",
        }
        params = {"module": module, "module_args": arguments, "inventory": inventory}
        return self._started(number, private, credential, env, params)

    def update_inventory(self, source: str, credential: Credential) -> Running:
        """Update an inventory source of the project; ``output.json`` of the artifacts are its hosts."""
        number, private = self._prepared()
        worker = self._worker(number)
        output = _artifacts(worker, number) / "output.json"
        words = ["ansible-inventory", "--list", "--export", "-i", str(worker / "project" / source)]
        words += ["--output", str(output), "--playbook-dir", str(worker / "project"), "-v"]
        _write(private / "args", " ".join(words))
        env = {
            "INVENTORY_SOURCE_ID": "1",
            "INVENTORY_UPDATE_ID": str(number),
            "ANSIBLE_INVENTORY_UNPARSED_FAILED": "True",
            "ANSIBLE_INVENTORY_EXPORT": "True",
            "ANSIBLE_VERBOSE_TO_STDERR": "True",
        }
        return self._started(number, private, credential, env, {})

    def _worker(self, number: int) -> pathlib.Path:
        return self._folder / f"worker_{number}"

    def _prepared(self) -> tuple[int, pathlib.Path]:
        number = next(self._numbers)
        private = pathlib.Path(tempfile.mkdtemp(prefix=f"awx_{number}_", dir=self._folder))
        for name in ("inventory", "env"):
            (private / name).mkdir()
        shutil.copytree(self._project, private / "project")
        settings = {"job_timeout": 0, "suppress_ansible_output": True, "suppress_output_file": True}
        _write(private / "env" / "settings", json.dumps(settings))
        self._worker(number).mkdir(mode=0o700)
        return number, private

    def _started(
        self,
        number: int,
        private: pathlib.Path,
        credential: Credential,
        env: Mapping[str, str],
        params: Mapping[str, str],
    ) -> Running:
        worker = self._worker(number)
        for variable, content in credential.files.items():
            _write(private / "env" / f"tmp{variable.lower()}", content)
        injected = {**credential.env, **{name: f"{worker}/env/tmp{name.lower()}" for name in credential.files}}
        standard = {
            "ANSIBLE_FORCE_COLOR": "True",
            "ANSIBLE_HOST_KEY_CHECKING": "False",
            "ANSIBLE_INVENTORY_UNPARSED_FAILED": "True",
            "ANSIBLE_RETRY_FILES_ENABLED": "False",
            "AWX_PRIVATE_DATA_DIR": str(private),
        }
        envvars = {**standard, **env, **injected}
        sent = self._folder / f"sent_{number}"
        with sent.open("wb") as stream:
            ansible_runner.interface.run(
                streamer="transmit",
                _output=stream,
                ident=str(number),
                private_data_dir=str(private),
                suppress_env_files=True,
                envvars=envvars,
                fact_cache_type="",
                # Otherwise runner puts handlers of signals into the process of the tests.
                cancel_callback=_never,
                **params,
            )
        # The job's home is where AWX's own name for its directory says: gone with it, on any machine of a test.
        home = private / "home"
        home.mkdir(mode=0o700)
        path = f"{pathlib.Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', os.defpath)}"
        image = {"PATH": path, "LC_ALL": "C.UTF-8", "HOME": str(home), **self._image}
        return Running(number, private, worker, sent, image)


class Running:
    """A job that a worker is at."""

    def __init__(
        self, number: int, private: pathlib.Path, worker: pathlib.Path, sent: pathlib.Path, image: Mapping[str, str]
    ) -> None:
        self.number, self._private, self._worker = number, private, worker
        self._mark = f"HOME={image['HOME']}".encode()
        self._heard = private / "heard"
        with sent.open("rb") as source, self._heard.open("wb") as heard:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "ansible_runner", "worker", "--private-data-dir", str(worker)],
                stdin=source,
                stdout=heard,
                stderr=subprocess.PIPE,
                env=dict(image),
                cwd=worker,
            )

    @property
    def is_over(self) -> bool:
        """Tell whether the worker has ended."""
        return self._process.poll() is not None

    def cancel(self) -> None:
        """Have it cancelled, as the button does: the worker is told to end, and ends the job."""
        self._process.send_signal(signal.SIGTERM)

    def lose(self) -> None:
        """Lose the node it runs on: worker and job are gone at once, and nothing is heard of it any more."""
        while inside := [pid for pid in _processes(self._mark) if pid != os.getpid()]:
            for pid in inside:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            # A dead child stays in the list until it is asked for.
            self._process.poll()

    def ended(self, timeout_s: float = 300) -> Job:
        """Wait for its end, and give what is left of it."""
        try:
            _nothing, errors = self._process.communicate(timeout=timeout_s)
        finally:
            # The container ends with its worker, whatever else is still running in it.
            self.lose()
        with self._heard.open("rb") as stream:
            ended = ansible_runner.interface.run(
                streamer="process",
                _input=stream,
                ident=str(self.number),
                private_data_dir=str(self._private),
                quiet=True,
                cancel_callback=_never,
            )
        artifacts, at_worker = (_artifacts(folder, self.number) for folder in (self._private, self._worker))
        rc = (artifacts / "rc").read_text(encoding="ascii") if (artifacts / "rc").exists() else ""
        events = _events(artifacts / "job_events")
        said = _COLORS.sub("", "\n".join(str(one.get("stdout", "")) for one in events)) + errors.decode()
        stats = [one["event_data"] for one in events if one["event"] == "playbook_on_stats"]
        return Job(
            number=self.number,
            status=ended.status,
            rc=int(rc) if rc else None,
            said=said,
            results=[one for event in events for one in _result(event)],
            artifacts=stats[-1].get("artifact_data", {}) if stats else {},
            written={**_files(artifacts, "artifacts"), **_files(at_worker, "worker")},
        )


def _artifacts(folder: pathlib.Path, number: int) -> pathlib.Path:
    return folder / "artifacts" / str(number)


def _never() -> bool:
    return False


def _inputs(private: pathlib.Path, variables: Mapping[str, Any], words: str) -> str:
    """Write extra variables, words of the command line, and the inventory, whose path is given."""
    _write(private / "env" / "extravars", marked(variables))
    _write(private / "env" / "cmdline", words)
    script = f"#! /usr/bin/env python3\n# -*- coding: utf-8 -*-\nprint({json.dumps(_HOSTS)!r})\n"
    _write(private / "inventory" / "hosts", script, 0o700)
    return str(private / "inventory" / "hosts")


def _meta_variables(number: int, template: str, user: str) -> dict[str, Any]:
    """Give the variables that AWX adds; in newer ones they go before those of a survey of the same name."""
    about: dict[str, Any] = {
        "job_id": number,
        "job_launch_type": "manual" if user else "scheduled",
        "job_template_id": 7,
        "job_template_name": template,
        "inventory_id": 1,
        "inventory_name": "Localhost",
        "project_revision": "0" * 40,
    }
    if user:
        about.update(user_id=3, user_name=user, user_email=f"{user}@example.com", user_first_name="", user_last_name="")
    else:
        about.update(schedule_id=5, schedule_name="every quarter of an hour")
    return {f"{prefix}_{name}": value for prefix in ("awx", "tower") for name, value in about.items()}


def _write(path: pathlib.Path, content: str, mode: int = 0o600) -> None:
    path.touch(mode=mode)
    path.write_text(content, encoding="utf-8")


def _events(folder: pathlib.Path) -> list[dict[str, Any]]:
    """Read a job's events, in order."""
    events = [json.loads(path.read_text(encoding="utf-8")) for path in folder.glob("*.json")]
    return sorted(events, key=lambda event: int(event["counter"]))


def _result(event: Mapping[str, Any]) -> Iterator[TaskResult]:
    data = event.get("event_data", {})
    if event["event"] in _STATUS:
        ignored = bool(data.get("ignore_errors"))
        yield TaskResult(
            data["host"], data["task"], data["task_action"], _STATUS[event["event"]], ignored, data.get("res", {})
        )


def _files(folder: pathlib.Path, name: str) -> dict[str, bytes]:
    """Read every file in a folder."""
    return {f"{name}/{path.relative_to(folder)}": path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def _processes(mark: bytes) -> list[int]:
    """Give the processes that have this in their environment; newer cores run modules in sessions of their own."""
    found = []
    for path in pathlib.Path("/proc").glob("[0-9]*/environ"):
        with contextlib.suppress(OSError):
            if mark in path.read_bytes().split(b"\0"):
                found.append(int(path.parent.name))
    return found
