# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What people can get wrong about groups, approvals, schedules and scripts: one clear error each, by the modules."""

from __future__ import annotations

import pathlib
from collections.abc import Iterator
from typing import Any

import pytest
from edgecert_sandbox.handle import Handle

from ansible_collections.edgecert.clm.tests.integration.conftest import variables
from ansible_collections.edgecert.clm.tests.support.flow import section
from ansible_collections.edgecert.clm.tests.support.mistakes import Row, ids, judge
from ansible_collections.edgecert.clm.tests.support.watch import Watched, run_watched

HERE = pathlib.Path(__file__).resolve().parent
CONTRACT = "C-T34"
TOKEN = "hush-4b7e-token-of-the-environment"
PEM_LINE = "MIIBhushhushhushhushhushhushhushhushhushhushhushhushhushhushhush"

WAITS = "which allows approve, reject, cancel"
POLICY = [
    Row("Enrol in a group nobody knows", "group_missing", ("'nobody'", "default, frozen, shop", "cert_group")),
    Row(
        "Enrol against every rule of a group",
        "policy_refused",
        ("www.example.org", "api.example.org", "key_type", "country", "120", "100", "ca_accounts"),
    ),
    Row("Enrol in a frozen group without a reason", "frozen", ("window always until 2038", "freeze_override")),
    Row("Enrol in a frozen group with a blank reason", "frozen", ("window always",)),
    Row("Push while its group is frozen", "frozen", ("group default is frozen", "freeze_override"), 6),
    Row("Remove the group of a certificate", "group_needed", ("default",)),
]
TIMES = [
    Row("Enrol at a time that has passed", "time_passed", ("schedule_at 2026-01-01T00:00:00Z is in the past",)),
    Row("Enrol at a time that is none", "invalid_input", ("'next sunday' is no time", "ISO 8601")),
    Row("Push at a time that has passed", "time_passed", ("schedule_at 2026-01-01T00:00:00Z is in the past",)),
    Row("Approve from a time on that has passed", "time_passed", ("at 2026-01-01T00:00:00Z is in the past",)),
    Row("Schedule for a time that has passed", "time_passed", ("is in the past",)),
    Row("Schedule without a time", "invalid_input", ("at is missing", "say when")),
    Row("Reject at a time", "invalid_input", ("at goes with approve and schedule only",)),
    Row("Schedule for a time after the approvals expire", "approval_expires", ("expire at 20", "an earlier time")),
    Row("Run what is due until a time that has passed", "time_passed", ("until", "is in the past")),
]
DECISIONS = [
    Row("Approve what one has asked for", "own_request", ("ada asked for it", "somebody else")),
    Row("Approve twice", "approved_twice", ("bob has approved a level already", "somebody else")),
    Row("Implement before it is approved", "wrong_state", ("it is submitted", WAITS)),
    Row("Schedule before it is approved", "wrong_state", ("it is submitted", WAITS)),
    Row("Retry what has not failed", "wrong_state", ("it is submitted", WAITS)),
    Row("Approve what is approved", "wrong_state", ("it is approved", "schedule, implement, cancel")),
    Row("Reject what is approved", "wrong_state", ("it is approved", "schedule, implement, cancel")),
    Row("Cancel what has ended", "wrong_state", ("it is cancelled, which allows nothing",)),
    Row("Implement what has ended", "wrong_state", ("it is cancelled, which allows nothing",)),
    Row("Approve a work order nobody knows", "work_order_missing", ("'wo-nobody'", "open ones are wo-")),
    Row("Approve a request nobody knows", "request_missing", ("'req-nobody'", "open ones are none")),
    Row("Approve nothing", "invalid_input", ("give either request_id or work_order_id",)),
    Row("Approve two things at once", "invalid_input", ("give either request_id or work_order_id",)),
    Row("Draft a renewal of what is not there", "certificate_missing", ("nobody",)),
    Row("Run what is due within no budget", "invalid_input", ("budget is 0", "a number from 1")),
]
# The work order that ends with its script stays as history, with what the script wrote.
KEPT = ("audit", "meta", "work_orders")
SCRIPTS = [
    Row("Push with a script that hangs", "pre_push_failed", ("hangs", "1 s"), 6, KEPT),
    Row("Push with a script that floods", "pre_push_failed", ("floods", "3"), 6, KEPT),
    Row("Push with a script that prints secrets", "pre_push_failed", ("tells", "4"), 6, KEPT),
]
ROWS = [*POLICY, *TIMES, *DECISIONS, *SCRIPTS]


def scripts(folder: pathlib.Path, secret: str) -> None:
    """Write scripts that misbehave."""
    pem = f"-----BEGIN PRIVATE KEY-----\\n{PEM_LINE}\\n-----END PRIVATE KEY-----"
    texts = {
        "hangs": "trap '' TERM\necho waiting\nwhile :; do sleep 1; done\n",
        "floods": "head -c 20000000 /dev/zero | tr '\\0' 'x'\necho the end\nexit 3\n",
        "tells": f"echo the client secret is {secret}\nprintf '{pem}\\n'\necho {TOKEN}\nexit 4\n",
    }
    for name, text in texts.items():
        script = folder / name
        script.write_text(f"#!/bin/sh\n{text}", encoding="utf-8")
        script.chmod(0o755)


@pytest.fixture(scope="module")
def work(tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    """Give the folder of store and scripts."""
    return tmp_path_factory.mktemp("bad-decisions")


@pytest.fixture(scope="module")
def run(sandbox: Handle, work: pathlib.Path) -> Iterator[Watched]:
    """Run everything people can get wrong, once."""
    scripts(work, section(sandbox)["client_secret"])
    options = {"store": f"sqlite:///{work}/clm.db"}
    wanted = {**variables(sandbox, options, CONTRACT), "clm_work": str(work)}
    env = {"ANSIBLE_ROLES_PATH": str(HERE / "targets"), "TEAM_TOKEN": TOKEN}
    path = HERE / "playbooks" / "bad_decisions.yml"
    done = run_watched(path, wanted, work / "watch", [sandbox], [work / "clm.db"], env)
    done.run.ok()
    yield done


@pytest.mark.parametrize("row", ROWS, ids=ids)
def test_one_clear_error_and_nothing_is_changed(row: Row, run: Watched) -> None:
    """G, W2, W4, W5, E24, A4: each is refused by a code of its own, and no call of it writes at Akamai."""
    judge(row, run)
    assert {call["method"] for call in run.after(row.task)[1].calls} <= {"GET"}


def test_every_row_that_failed_is_judged(run: Watched) -> None:
    """No bad input is run without a row that says what is to come of it."""
    assert {task.task for task in run.run.results if task.status == "failed"} == {row.task for row in ROWS}


def test_every_rule_that_was_broken_is_named_at_once(run: Watched) -> None:
    """G: two names, key, country, life and CA; each with the rule and what it permits."""
    found = run.task("Enrol against every rule of a group").result["failure"]["details"]["violations"]
    rules = ("subject_alternative_names.dns", "key_type", "country", "validity_days_max", "ca_accounts")
    for rule in rules:
        assert any(rule in violation for violation in found), rule
    assert all("shop" in violation for violation in found)


def script_entry(run: Watched, work: pathlib.Path, name: str) -> dict[str, Any]:
    """Give what is kept of a failed script, by the history of its work orders in the store."""
    from ansible_collections.edgecert.clm.plugins.module_utils._core.clock import SystemClock
    from ansible_collections.edgecert.clm.plugins.module_utils._store.open import open_store
    from ansible_collections.edgecert.clm.plugins.module_utils._store.seal import StoreKey

    store = open_store(f"sqlite:///{work}/clm.db", StoreKey(), SystemClock(), "the test")
    try:
        with store.read() as unit:
            entries = [dict(entry) for order in unit.work_orders.find() for entry in order.scripts]
    finally:
        store.close()
    return next(entry for entry in entries if entry["path"].endswith(name))


def test_a_script_that_hangs_is_ended(run: Watched, work: pathlib.Path) -> None:
    """A4: it bears SIGTERM, and is killed all the same."""
    entry = script_entry(run, work, "hangs")
    assert (entry["timed_out"], entry["failed"], entry["output"]) == (True, True, "waiting\n")
    assert 1_000 <= entry["duration_ms"] < 60_000


def test_of_a_script_that_floods_beginning_and_end_are_kept(run: Watched, work: pathlib.Path) -> None:
    """A4."""
    entry = script_entry(run, work, "floods")
    assert entry["truncated"] and len(entry["output"]) < 20_000
    assert entry["output"].startswith("xxx") and entry["output"].endswith("the end\n")


def test_no_secret_that_a_script_prints_is_kept_or_shown(run: Watched, work: pathlib.Path, sandbox: Handle) -> None:
    """A4, design §8: of the device, of the environment, a private key; before the push and after it."""
    entry = script_entry(run, work, "tells")
    assert entry["output"].startswith("the client secret is ***")
    pushed = run.task("Push, and have the script fail after it").result["work_order"]
    assert (pushed["state"], pushed["reason"]) == ("completed", "post_push_failed")
    written = {
        "output": (run.run.stdout + run.run.stderr).encode(),
        "results": repr([task.result for task in run.run.results]).encode(),
        **{path.name: path.read_bytes() for path in work.glob("clm.db*") if path.suffix != ".key"},
    }
    for secret in (section(sandbox)["client_secret"], TOKEN, PEM_LINE):
        assert [place for place, content in written.items() if secret.encode() in content] == []
