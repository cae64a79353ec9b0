# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every module's EXAMPLES, run as written; what is specific to a site comes from the environment, as they say."""

from __future__ import annotations

import importlib
import pathlib
from typing import Any

import yaml
from edgecert_sandbox.handle import SandboxOptions, start

from ansible_collections.edgecert.clm.tests.support import softhsm
from ansible_collections.edgecert.clm.tests.support.module_docs import plugin_names
from ansible_collections.edgecert.clm.tests.support.moved_clock import MovedClock
from ansible_collections.edgecert.clm.tests.support.playbooks import run_playbook
from ansible_collections.edgecert.clm.tests.support.post_office import post_office

# A module's examples are run whole and in order; a number stands for one of them, run to lay ground for the next.
ORDER: list[tuple[str, int | None]] = [
    ("clm_store", None),
    ("akamai_cps_device", None),
    ("akamai_cps_device", 0),
    ("akamai_cps_device_info", None),
    ("akamai_vendor_settings", None),
    ("akamai_vendor_settings", 0),
    ("ca_account", None),
    ("ca_account", 0),
    ("key_device", None),
    ("cert_group", None),
    ("cert_enroll", None),
    ("cert_export", None),
    ("cert_connector", 0),
    ("cert_push", None),
    ("cert_workflow", None),
    ("cert_lifecycle", None),
    ("cert_info", None),
    ("cert_report", None),
    ("clm_notify", None),
    ("edge_dns_record", None),
    ("cert_push", 1),
    ("cert_connector", None),
]


def examples(module: str) -> list[dict[str, Any]]:
    """Give the tasks in a module's EXAMPLES."""
    code = importlib.import_module(f"ansible_collections.edgecert.clm.plugins.modules.{module}")
    tasks: list[dict[str, Any]] = yaml.safe_load(code.EXAMPLES)
    return tasks


def script_library(folder: pathlib.Path) -> pathlib.Path:
    """Make a script library with the scripts that the examples name; they do nothing."""
    library = folder / "scripts"
    library.mkdir(mode=0o755)
    for name in ("check-change-calendar", "tell-the-team"):
        script = library / name
        script.write_text("#!/bin/sh\n")
        script.chmod(0o755)
    return library


def token_environment(folder: pathlib.Path) -> dict[str, str]:
    """Make the token that the examples name; empty where none can be made."""
    try:
        token = softhsm.new_token(folder)
    except softhsm.NoTokens as reason:
        print(f"the examples of key_device are left out: {reason}")
        return {}
    return {**token.environment, "CLM_PKCS11_MODULE": token.module, "CLM_TOKEN_PIN": softhsm.PIN}


def test_every_example_runs_as_written(tmp_path: pathlib.Path) -> None:
    """One play on a sandbox with one contract, as in the documentation of each module."""
    tasks = []
    of_token = token_environment(tmp_path)
    for module, number in ORDER:
        if module == "key_device" and not of_token:
            continue
        tasks += examples(module) if number is None else [examples(module)[number]]
    playbook = tmp_path / "examples.yml"
    playbook.write_text(yaml.safe_dump([{"hosts": "localhost", "gather_facts": False, "tasks": tasks}]))
    options = SandboxOptions(
        limits=False, instant=True, contracts=["C-EXAMPLE"], extra=("--set", "create_interval_s=0")
    )
    (tmp_path / "mail").mkdir()
    with start(options) as sandbox, post_office(tmp_path / "mail") as office:
        clock = MovedClock(tmp_path, sandbox)
        env = {
            **of_token,
            **clock.environment,
            "EDGECERT_STORE": f"sqlite:///{tmp_path}/clm.db",
            "EDGECERT_BACKUPS": str(tmp_path),
            "EDGECERT_EXPORTS": str(tmp_path),
            "EDGECERT_REPORTS": str(tmp_path),
            "EDGECERT_STATE": str(tmp_path),
            "EDGECERT_MAIL_PORT": str(office.ports["none"]),
            "EDGECERT_PASSPHRASE": "a passphrase of the examples",
            "LB1_PASSWORD": "a password of the examples",
            "EDGECERT_EDGERC": sandbox.edgerc,
            "EDGECERT_CA_PATH": sandbox.ca_path,
            "EDGECERT_NAME_SERVERS": sandbox.name_server,
            "EDGECERT_STAGING_EDGE": sandbox.edge("staging"),
            "EDGECERT_SCRIPT_LIBRARY": str(script_library(tmp_path)),
            "EDGECERT_SUNDAY": clock.soon(days=3),
        }
        run = run_playbook(playbook, {}, env, timeout_s=600).ok()
    assert run.task("Enroll a certificate with key and CSR made by CPS").result["request"]["state"] == "issued"
    pushed = run.task("Push the certificate to staging and prove it at a staging edge").result["work_order"]
    assert (pushed["state"], pushed["approvals_needed"]) == ("submitted", 1)
    pushed = run.task("Implement it now after all, and wait until staging serves it").result["work_order"]
    assert (pushed["state"], [given["actor"] for given in pushed["approvals"]]) == ("completed", ["bob"])
    assert {proof["kind"] for proof in pushed["evidence"]} == {"handshake"}
    # An example that waits for what is live is passed over where people have to approve first.
    assert {task.status for task in run.results} <= {"ok", "skipped"}


def test_every_module_has_its_examples_run() -> None:
    """A new module's examples are among those that are run."""
    assert {module for module, number in ORDER if number is None} == set(plugin_names("modules"))
