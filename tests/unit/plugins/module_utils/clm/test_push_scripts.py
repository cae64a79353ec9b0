# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Scripts and automatic pushes in application connectors, and what a script is told and leaves (A4, A5)."""

from __future__ import annotations

import json
import pathlib
import re
import sys
from dataclasses import replace
from datetime import datetime, timezone
from typing import Any

import pytest

from ansible_collections.edgecert.clm.plugins.module_utils._clm import connectors, push_scripts
from ansible_collections.edgecert.clm.plugins.module_utils._core.errors import InputError, ScriptError
from ansible_collections.edgecert.clm.plugins.module_utils._core.governance import Group
from ansible_collections.edgecert.clm.plugins.module_utils._core.redact import Secret
from ansible_collections.edgecert.clm.plugins.module_utils._core.types import Certificate, Connector, WorkOrder
from ansible_collections.edgecert.clm.plugins.module_utils._glue.wire_scripts import library_folder, secrets_of
from ansible_collections.edgecert.clm.plugins.module_utils._target.script_base import ScriptResult, ScriptRunner
from ansible_collections.edgecert.clm.plugins.module_utils._target.scripts import base_environment
from ansible_collections.edgecert.clm.tests.support.flow import Bench

GUIDE = pathlib.Path(__file__).resolve().parents[5] / "docs" / "docsite" / "rst" / "guide_scripts.rst"
NOW = datetime(2026, 11, 23, 12, tzinfo=timezone.utc)
FINGERPRINT = "0a" * 32
STORE_KEY = "store-key-of-nobody"

CERTIFICATE = Certificate(
    "web",
    "enrolled",
    "www.example.com",
    sans=("example.com", "www.example.com"),
    serial="4711",
    fingerprint=FINGERPRINT,
    not_after=NOW,
)
CONNECTOR = Connector("web", "app", devices=("edge",), pre_push_script="before", post_push_script="after")
ORDER = WorkOrder(
    "wo-1",
    "web",
    "app",
    "edge",
    "push",
    "staging",
    "implementing",
    fingerprints={"RSA": FINGERPRINT, "ECDSA": "1b" * 32},
    tracking_id="track-1",
)
# Shows the environment, and of the files not where they are, but what is in them.
DUMP = """
import json, os
files = {name: open(os.environ[name]).read() for name in ("CLM_CERTIFICATE_FILE", "CLM_CHAIN_FILE")}
print(json.dumps({**os.environ, **files}))
"""


@pytest.fixture
def library(bench: Bench, tmp_path: pathlib.Path) -> pathlib.Path:
    """Give the script library of the bench, with a script of each stage that succeeds."""
    folder = tmp_path / "library"
    folder.mkdir(mode=0o755)
    bench.environment["EDGECERT_SCRIPT_LIBRARY"] = str(folder)
    bench.environment["EDGECERT_STORE_KEY"] = STORE_KEY
    for name in ("before", "after"):
        write(folder, name, "true")
    return folder


def write(folder: pathlib.Path, name: str, text: str) -> None:
    """Make a script of sh, or as its first line says."""
    path = folder / name
    path.write_text(text if text.startswith("#!") else f"#!/bin/sh\n{text}\n", encoding="utf-8")
    path.chmod(0o755)


def stage(bench: Bench, name: str = "pre", result: str = "", **changes: Any) -> dict[str, Any]:
    """Run the script of a stage; the entry can be stored as JSON."""
    connector = replace(CONNECTOR, **changes)
    entry = push_scripts.run_stage(bench.ports, connector, ORDER, CERTIFICATE, "leaf\n", "chain\n", name, result)
    loaded: dict[str, Any] = json.loads(json.dumps(entry))
    assert loaded == entry
    return loaded


# -- what a script is told -----------------------------------------------------------------------------------------


def test_the_environment_of_a_script_is_exactly_the_documented_one(bench: Bench, library: pathlib.Path) -> None:
    """A4: the whole of it; the store key and credentials of the module are not in it."""
    bench.environment["AKAMAI_CLIENT_SECRET"] = "secret-of-akamai"
    write(library, "after", f"#!{sys.executable}\n{DUMP}\n")
    entry = stage(bench, "post", "completed")
    assert json.loads(entry["output"]) == {
        "CLM_STAGE": "post",
        "CLM_CERTIFICATE": "web",
        "CLM_COMMON_NAME": "www.example.com",
        "CLM_SANS": "example.com www.example.com",
        "CLM_SERIAL": "4711",
        "CLM_NOT_AFTER": "2026-11-23T12:00:00Z",
        "CLM_FINGERPRINTS": f"ECDSA={'1b' * 32} RSA={FINGERPRINT}",
        "CLM_CERTIFICATE_FILE": "leaf\n",
        "CLM_CHAIN_FILE": "chain\n",
        "CLM_DEVICE": "edge",
        "CLM_NETWORK": "staging",
        "CLM_ACTION": "push",
        "CLM_CONNECTOR": "app",
        "CLM_WORK_ORDER_ID": "wo-1",
        "CLM_TRACKING_ID": "track-1",
        "CLM_ACTOR": "tester",
        "CLM_STATE": "implementing",
        "CLM_RESULT": "completed",
        **base_environment(bench.environment),
    }


def test_the_guide_names_each_variable_and_no_other() -> None:
    """A4: the table of the guide against the code."""
    documented = re.findall(r"^    \* - ``([A-Z_]+)``$", GUIDE.read_text(encoding="utf-8"), re.MULTILINE)
    told = push_scripts.variables("me", ORDER, CERTIFICATE, "", "pre")
    files = (push_scripts.CERTIFICATE_FILE, push_scripts.CHAIN_FILE)
    assert sorted(documented) == sorted([*told, *files, *base_environment({})])


def test_the_guide_tells_the_limits_that_hold() -> None:
    text = GUIDE.read_text(encoding="utf-8")
    from ansible_collections.edgecert.clm.plugins.module_utils._target import script_output, scripts

    shortest, longest = connectors.SCRIPT_TIMEOUTS_S
    assert f"{shortest} to {longest} seconds, {Connector('', '').script_timeout_s} unless set" in text
    assert f"{scripts.GRACE_S:g} seconds later" in text
    assert f"At most {script_output.KEPT_CHARACTERS} characters" in text


def test_a_value_that_could_mislead_a_script_is_made_plain() -> None:
    told = push_scripts.variables("me\nCLM_STAGE=post\0\x1b", ORDER, CERTIFICATE, "", "pre")
    assert told["CLM_ACTOR"] == "me?CLM_STAGE=post??"


def test_in_a_rollback_serial_and_expiry_are_those_of_what_is_pushed(bench: Bench) -> None:
    """U5: the inventory tells of another certificate then."""
    issued = bench.issued()
    assert issued.record is not None
    with bench.store.read() as unit:
        certificate = unit.certificates.get(bench.name())
        [fingerprint] = issued.record["fingerprints"].values()
        pem = unit.pems.get(fingerprint)
    assert certificate is not None and pem is not None and certificate.not_after is not None
    order = replace(ORDER, fingerprints={"RSA": fingerprint})
    other = replace(certificate, fingerprint="other", serial="other", not_after=NOW)
    told = push_scripts.variables("me", order, other, pem.leaf + pem.chain, "pre")
    assert told["CLM_SERIAL"] == certificate.serial
    assert told["CLM_NOT_AFTER"] == certificate.not_after.strftime("%Y-%m-%dT%H:%M:%SZ")
    unreadable = push_scripts.variables("me", order, other, "no PEM", "pre")
    assert (unreadable["CLM_SERIAL"], unreadable["CLM_NOT_AFTER"]) == ("", "")


# -- what is kept --------------------------------------------------------------------------------------------------


def test_a_run_leaves_an_entry_for_the_work_order(bench: Bench, library: pathlib.Path) -> None:
    write(library, "before", "echo fine")
    entry = stage(bench)
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", entry.pop("at"))
    assert isinstance(entry.pop("duration_ms"), int)
    assert entry == {
        "stage": "pre",
        "path": "before",
        "location": "controller",
        "exit_status": 0,
        "timed_out": False,
        "output": "fine\n",
        "truncated": False,
        "failed": False,
        "reason": "",
        "message": "succeeded",
    }
    assert not push_scripts.failed(entry)


FAILING = [
    ("exit 7", "exit_status", 7),
    ("kill -KILL $$", "killed", None),
    ("sleep 600", "timed_out", None),
    ("#!/no/interpreter\n", "not_started", None),
]


@pytest.mark.parametrize(("text", "reason", "status"), FAILING, ids=[reason for _text, reason, _status in FAILING])
@pytest.mark.parametrize("name", ["pre", "post"])
def test_a_failing_script_raises_nothing_and_its_error_says_what_to_do(
    bench: Bench, library: pathlib.Path, text: str, reason: str, status: int | None, name: str
) -> None:
    """A4: the failure of each stage has a code of its own."""
    write(library, "before" if name == "pre" else "after", text)
    entry = stage(bench, name, script_timeout_s=1)
    assert push_scripts.failed(entry) and entry["failed"] is True
    assert (entry["reason"], entry["exit_status"], entry["timed_out"]) == (reason, status, reason == "timed_out")
    error = push_scripts.error_of(entry, ORDER)
    assert error.code == f"{name}_push_failed"
    assert error.details["work_order_id"] == "wo-1" and error.details["exit_status"] == status
    assert entry["message"] in error.message and "web" in error.message and "staging" in error.message
    assert ("Nothing was sent" in error.message) == (name == "pre")
    assert ("made and stays" in error.message) == (name == "post")


def test_the_last_lines_of_the_output_are_in_the_error(bench: Bench, library: pathlib.Path) -> None:
    write(library, "before", "seq 1 20; echo; echo the calendar says no; exit 1")
    error = push_scripts.error_of(stage(bench), ORDER)
    assert "its last lines are: 17 | 18 | 19 | 20 | the calendar says no" in error.message
    silent = {**stage(bench), "output": ""}
    assert "wrote nothing" in push_scripts.error_of(silent, ORDER).message


def test_a_script_that_went_away_since_it_was_named_is_a_failure(bench: Bench, library: pathlib.Path) -> None:
    (library / "before").unlink()
    entry = stage(bench)
    assert (entry["reason"], entry["output"]) == ("unusable", "") and "cannot be found" in entry["message"]
    with pytest.raises(ScriptError, match="pre_push_script") as caught:
        push_scripts.refuse_unusable(bench.ports, CONNECTOR)
    assert caught.value.code == "script_unusable" and len(caught.value.details["problems"]) == 1


def test_scripts_that_can_be_run_are_not_refused(bench: Bench, library: pathlib.Path) -> None:
    push_scripts.refuse_unusable(bench.ports, CONNECTOR)
    push_scripts.refuse_unusable(bench.ports, Connector("web", "app"))


@pytest.mark.parametrize(
    "secret",
    ["plain-secret-text", '{"token": "secret-in-an-object"}', "http://user:secret-of-a-proxy@proxy:3128"],
)
def test_a_secret_that_was_used_is_masked_in_what_is_kept(
    bench: Bench, library: pathlib.Path, secret: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A4: a secret of the store, of a CA account, of a proxy, and the store key itself."""
    monkeypatch.setattr(Secret, "revealed", set())
    Secret(secret).reveal()
    word = re.findall(r"[a-z-]*secret[a-z-]*", secret)[0]
    write(library, "before", f"echo it is {word} and {STORE_KEY}; exit 1")
    entry = stage(bench)
    assert entry["output"] == "it is *** and ***\n"
    assert word not in push_scripts.error_of(entry, ORDER).message


# -- wiring --------------------------------------------------------------------------------------------------------


def test_the_library_is_beside_the_default_store_or_where_the_environment_says() -> None:
    assert library_folder({"XDG_DATA_HOME": "/data"}) == "/data/edgecert/scripts"
    assert library_folder({"EDGECERT_SCRIPT_LIBRARY": "/srv/scripts"}) == "/srv/scripts"


def test_secrets_in_the_environment_are_told_by_their_names() -> None:
    environment = {
        "EDGECERT_STORE_KEY": "store-key-text",
        "AKAMAI_CLIENT_SECRET": "client-secret",
        "VAULT_TOKEN": "vault-token",
        "PGPASSWORD": "database-password",
        "EDGECERT_STORE": "postgresql://me:url-password@db/clm",
        "API_KEY": "short",
        "HOME": "/home/somebody",
        "SSH_AUTH_SOCK": "/tmp/agent.socket",
    }
    assert secrets_of(environment) == {
        "store-key-text",
        "client-secret",
        "vault-token",
        "database-password",
        "url-password",
    }


# -- the application connector -------------------------------------------------------------------------------------


def plan(bench: Bench, **changes: Any) -> Any:
    """Plan a change of the application connector."""
    wanted = {"certificate": bench.name(), "name": "app", "state": "present"}
    return connectors.plan({**wanted, **changes}, bench.ports)


def test_scripts_are_kept_shown_changed_and_cleared(bench: Bench, library: pathlib.Path) -> None:
    """A4: unset keeps, an empty text clears; a repetition changes nothing."""
    bench.issued()
    assert plan(bench).after["pre_push_script"] == "" and plan(bench).after["script_timeout"] == 60
    given = {"pre_push_script": "before", "post_push_script": "after", "script_timeout": 120}
    predicted = plan(bench, **given).after
    record = plan(bench, **given).execute().record
    shown = {**given, "script_location": "controller"}
    assert {name: record[name] for name in shown} == shown
    assert {name: predicted[name] for name in shown} == shown
    assert not plan(bench, **given).changed and not plan(bench).changed
    moved = {"script_location": "device", "pre_push_script": str(library / "before"), "post_push_script": ""}
    record = plan(bench, **moved).execute().record
    assert {name: record[name] for name in moved} == moved and record["script_timeout"] == 120


def test_category_and_vendor_are_fixed(bench: Bench) -> None:
    """A1."""
    bench.issued()
    assert (plan(bench).after["category"], plan(bench).after["vendor"]) == ("Server", "Akamai CPS")


def test_everything_wrong_with_a_connector_is_said_at_once(bench: Bench, library: pathlib.Path) -> None:
    """A2, A3, A4."""
    bench.issued()
    wrong = {
        "certificate_type": "pfx",
        "pre_push_script": "missing",
        "post_push_script": "../after",
        "script_timeout": 3601,
        "devices": ["edge", "nowhere"],
    }
    with pytest.raises(InputError) as caught:
        plan(bench, **wrong)
    problems = caught.value.details["problems"]
    parts = ("PEM only", "script_timeout 3601", "pre_push_script: ", "post_push_script: ", "nowhere")
    assert len(problems) == len(parts)
    assert all(part in problem for part, problem in zip(parts, problems, strict=True))
    assert bench.records()["connectors"] == 1


@pytest.mark.parametrize("timeout", [0, -1, 3601])
def test_a_time_limit_out_of_range_is_refused(bench: Bench, timeout: int) -> None:
    """A4."""
    bench.issued()
    with pytest.raises(InputError, match="not between 1 and 3600"):
        plan(bench, script_timeout=timeout)


def test_other_options_can_be_changed_where_a_script_is_not(bench: Bench, library: pathlib.Path) -> None:
    """A4: a script is looked at when it is named; the push looks again."""
    bench.issued()
    plan(bench, pre_push_script="before").execute()
    (library / "before").unlink()
    assert plan(bench, description="changed").execute().record["pre_push_script"] == "before"
    for named in ({"pre_push_script": "before"}, {"script_location": "controller"}, {"post_push_script": "after"}):
        with pytest.raises(InputError, match="cannot be found"):
            plan(bench, **named)
    assert plan(bench, pre_push_script="").execute().record["pre_push_script"] == ""


@pytest.mark.parametrize(
    ("group", "named", "effective"),
    [
        (None, "", False),
        (Group("default"), "", False),
        (Group("default", push_automatically=True), "", True),
        (Group("default", push_automatically=True), "other", False),
        (Group("other", push_automatically=True), "other", True),
    ],
)
def test_an_automatic_push_has_an_effect_only_when_the_group_allows_it(
    bench: Bench, group: Group | None, named: str, effective: bool
) -> None:
    """A5: it is saved in any case, and the result says whether it has."""
    bench.issued()
    with bench.store.write() as unit:
        if group is not None:
            stored = unit.groups.get(group.name)
            unit.groups.add(group) if stored is None else unit.groups.put(replace(group, version=stored.version))
        certificate = unit.certificates.get(bench.name())
        assert certificate is not None
        unit.certificates.put(replace(certificate, group=named))
    assert plan(bench).after["push_automatically_effective"] is False
    asked = plan(bench, push_automatically=True)
    assert asked.after["push_automatically_effective"] is effective
    record = asked.execute().record
    assert (record["push_automatically"], record["push_automatically_effective"]) == (True, effective)
    assert not plan(bench, push_automatically=True).changed
    assert plan(bench, push_automatically=False).execute().record["push_automatically_effective"] is False


def test_what_a_runner_answers_is_what_is_kept(bench: Bench) -> None:
    """The use case judges nothing: a runner elsewhere could be put in the place of this one."""

    class Runner(ScriptRunner):
        def problems(self, location: str, path: str) -> list[str]:
            return [f"{location} has no {path}"]

        def run(self, call: Any) -> ScriptResult:
            assert (call.location, call.path, call.timeout_s) == ("controller", "after", 90.0)
            return ScriptResult("timed_out", "took too long", None, "out", True, 5)

    ports = replace(bench.ports, scripts=Runner)
    entry = push_scripts.run_stage(ports, replace(CONNECTOR, script_timeout_s=90), ORDER, CERTIFICATE, "", "", "post")
    assert entry["timed_out"] and entry["truncated"] and entry["duration_ms"] == 5
    assert push_scripts.script_problems(ports, CONNECTOR) == [
        "pre_push_script: controller has no before",
        "post_push_script: controller has no after",
    ]
