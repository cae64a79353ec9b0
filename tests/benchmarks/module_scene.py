# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A store in which nothing is left to do, the module calls that find so, and their AnsiballZ files to run alone."""

from __future__ import annotations

import json
import pathlib
import re
import subprocess
import sys
from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.edgecert.clm.tests.benchmarks.measuring import Handle
from ansible_collections.edgecert.clm.tests.support.playbooks import environment

CONTRACT = "C-BENCH"
NAME = "www.bench.example.com"
_PERSON = {"first_name": "Ada", "last_name": "Admin", "phone": "+1-617-555-0101", "email": "ada@akamai.com"}
_ORGANIZATION = {
    "name": "Example Ltd",
    "address": "1 Example Street",
    "city": "Cambridge",
    "state": "MA",
    "postal_code": "02142",
    "country": "US",
    "phone": "+1-617-555-0100",
}
_PREFIX = "edgecert.clm."
PING = "ansible.builtin.ping"


def calls(sandbox: Handle, store: str) -> dict[str, dict[str, Any]]:
    """Give each module call by its full name, in the order in which they make the scene."""
    own: dict[str, dict[str, Any]] = {
        "akamai_cps_device": {
            "name": "edge",
            "edgerc": sandbox.edgerc,
            "section": "default",
            "ca_path": sandbox.ca_path,
            "contracts": [CONTRACT],
        },
        "akamai_vendor_settings": {
            "contract_id": CONTRACT,
            "organization": _ORGANIZATION,
            "admin_contact": _PERSON,
            "tech_contact": _PERSON,
        },
        "ca_account": {"name": "own", "type": "own_ca"},
        "cert_enroll": {"common_name": NAME, "ca": "own"},
        "cert_connector": {"certificate": NAME, "name": "edge", "devices": ["edge"]},
        "cert_push": {"certificate": NAME, "edge": {"staging": [sandbox.edge("staging")]}, "wait": True},
        "cert_info": {},
        "akamai_cps_device_info": {},
        "clm_store": {"action": "info"},
    }
    return {f"{_PREFIX}{name}": {**options, "store": store} for name, options in own.items()}


class Runner:
    """Runs playbooks of plain tasks; keeps the AnsiballZ files when asked to.

    :param folder: everything it writes goes here.
    """

    def __init__(self, folder: pathlib.Path) -> None:
        self._folder = folder
        self.environment = environment(folder)
        for name in ("ANSIBLE_CALLBACKS_ENABLED", "ANSIBLE_CALLBACK_PLUGINS"):
            del self.environment[name]

    def play(self, tasks: Sequence[tuple[str, Mapping[str, Any]]], **more: str) -> str:
        """Run tasks on localhost and give what was printed.

        :raises RuntimeError: one failed.
        """
        play = [
            {
                "hosts": "localhost",
                "connection": "local",
                "gather_facts": False,
                "vars": {"ansible_python_interpreter": sys.executable},
                "tasks": [{"name": name, name: dict(options)} for name, options in tasks],
            }
        ]
        path = self._folder / "play.yml"
        path.write_text(json.dumps(play), encoding="utf-8")
        return self.run(["playbook", "-i", "localhost,", str(path)], **more)

    def ad_hoc(self, name: str, options: Mapping[str, Any]) -> str:
        """Run one module as ``ansible localhost -m`` does."""
        interpreter = f"ansible_python_interpreter={sys.executable}"
        words = ["adhoc", "-i", "localhost,", "-c", "local", "-e", interpreter, "localhost", "-m", name]
        return self.run([*words, *(["-a", json.dumps(dict(options))] if options else [])])

    def run(self, words: list[str], **more: str) -> str:
        """Run one of Ansible's commands."""
        done = subprocess.run(
            [sys.executable, "-m", "ansible", *words],
            cwd=self._folder,
            env={**self.environment, **more},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise RuntimeError(f"{words} ended with status {done.returncode}:\n{done.stdout}\n{done.stderr}")
        return done.stdout

    def kept(self, tasks: Sequence[tuple[str, Mapping[str, Any]]]) -> dict[str, pathlib.Path]:
        """Run tasks and give the AnsiballZ file of each, by module."""
        printed = self.play(tasks, ANSIBLE_KEEP_REMOTE_FILES="1", ANSIBLE_VERBOSITY="3")
        paths = dict.fromkeys(re.findall(r"(/\S+/AnsiballZ_(\w+)\.py)", printed))
        return {(PING if name == "ping" else f"{_PREFIX}{name}"): pathlib.Path(path) for path, name in paths}


def make(sandbox: Handle, runner: Runner, store: str) -> None:
    """Make the scene: a device, settings, a CA, an issued certificate, its connector, a completed push."""
    tasks = list(calls(sandbox, store).items())
    runner.play(tasks[:6])
