# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The one way a module runs: check mode, diff, failures, masking, the store; through the real AnsibleModule."""

from __future__ import annotations

import pathlib
import types
from typing import Any

import pytest

from ansible_collections.edgecert.clm.plugins.module_utils._clm.ports import Params, Ports
from ansible_collections.edgecert.clm.plugins.module_utils._core.errors import (
    ClmError,
    ConflictError,
    InputError,
    RemoteError,
)
from ansible_collections.edgecert.clm.plugins.module_utils._core.masks import maskable
from ansible_collections.edgecert.clm.plugins.module_utils._core.plan import Outcome, Plan, Step
from ansible_collections.edgecert.clm.plugins.module_utils._core.redact import Secret
from ansible_collections.edgecert.clm.plugins.module_utils._core.types import AuditEntry, Device
from ansible_collections.edgecert.clm.plugins.module_utils._glue.run import Wires, run_module
from ansible_collections.edgecert.clm.plugins.module_utils._glue.wire_store import own_files
from ansible_collections.edgecert.clm.tests.support.run_module import run

SPEC: dict[str, dict[str, Any]] = {"name": {"type": "str"}, "proxy": {"type": "str", "no_log": True}}

# What ansible-core 2.19 puts for every argument that is no_log, however harmless.
MASKED = "VALUE_SPECIFIED_IN_NO_LOG_PARAMETER"
TRICKY = (
    "postgresql://u:pa#s3cret@db/clm",
    "postgresql://u:pa?s3cret@db/clm",
    "postgresql://db/clm?user=u&password=s3cret",
    "postgresql://u:pw@db/clm?sslPassword=s3cret",
    "http://u:pa/s3cret@proxy:3128",
    "http://u:p@s/s3cret@proxy:3128",
    "http://db/clm?pass%77ord=s3cret",
    "http://s3cret@proxy:3128",
)


def _url(tmp_path: pathlib.Path) -> str:
    return f"sqlite:///{tmp_path}/clm.db"


def _module(plan: Any, record: str | None = "thing", wires: Wires | None = None, **more: Any) -> Any:
    return lambda: run_module(SPEC, plan, record, wires, **more)


class _Counter:
    """A use case with one step that can be seen to have run."""

    def __init__(self, failure: ClmError | None = None) -> None:
        self.done: list[str] = []
        self.failure = failure

    def plan(self, params: Params, ports: Ports) -> Plan:
        def step() -> bool:
            self.done.append("step")
            with ports.store.write() as unit:
                unit.audit(AuditEntry("me", "thing_done", "thing", "real"))
            return True

        def finish() -> Outcome:
            return Outcome({"name": "real", "updated_at": "now"}, {"more": ("a", Secret("hidden"))})

        return Plan(
            {"name": "old", "updated_at": "then"},
            {"name": "predicted"},
            (Step("Do the thing", step),),
            finish,
            note=lambda: self.done.append("note"),
            extra={"early": 1},
            failure=self.failure,
        )


def test_outside_check_mode_the_steps_run_and_the_real_outcome_is_returned(tmp_path: pathlib.Path) -> None:
    use = _Counter()
    result = run(_module(use.plan), {"store": _url(tmp_path)})
    assert use.done == ["step", "note"]
    assert result["changed"] is True
    assert result["thing"]["name"] == "real"
    assert (result["early"], result["more"], result["steps"]) == (1, ["a", "***"], ["Do the thing"])
    assert "diff" not in result
    assert "calls" not in result


def test_check_mode_predicts_runs_nothing_and_makes_no_store(tmp_path: pathlib.Path) -> None:
    use = _Counter()
    result = run(_module(use.plan), {"store": _url(tmp_path)}, check=True)
    assert use.done == []
    assert result["changed"] is True
    assert result["thing"] == {"name": "predicted"}
    assert result["steps"] == ["Do the thing"]
    assert list(tmp_path.iterdir()) == []


def test_a_use_case_knows_the_files_of_the_store_and_of_its_key(tmp_path: pathlib.Path) -> None:
    """E6, W6: so that it writes nothing over them."""
    use, found = _Counter(), list[str]()

    def plan(params: Params, ports: Ports) -> Plan:
        found.extend(ports.own_files)
        return use.plan(params, ports)

    run(_module(plan), {"store": _url(tmp_path)})
    assert {f"{tmp_path}/clm.db", f"{tmp_path}/clm.db-wal", f"{tmp_path}/clm.db.key"} <= set(found)
    named = {"store": "postgresql://db/clm", "store_key_file": f"{tmp_path}/own.key"}
    assert own_files(named, {}) == [f"{tmp_path}/own.key"]
    assert f"{tmp_path}/edgecert/clm.db" in own_files({}, {"XDG_DATA_HOME": str(tmp_path)})


def test_diff_shows_what_was_changed_and_no_bookkeeping(tmp_path: pathlib.Path) -> None:
    use = _Counter()
    assert run(_module(use.plan), {"store": _url(tmp_path)}, diff=True)["diff"] == {
        "before": {"name": "old"},
        "after": {"name": "real"},
    }
    predicted = run(_module(use.plan), {"store": _url(tmp_path)}, check=True, diff=True)["diff"]
    assert predicted["after"] == {"name": "predicted"}


def test_a_run_that_only_waited_has_changed_nothing_and_tells_no_step(tmp_path: pathlib.Path) -> None:
    def plan(params: Params, ports: Ports) -> Plan:
        steps = (Step("Wait for somebody", lambda: False), Step("Never reached", lambda: True))
        return Plan({"state": "waiting"}, {"state": "done"}, steps, lambda: Outcome({"state": "waiting"}))

    result = run(_module(plan), {"store": _url(tmp_path)}, diff=True)
    assert (result["changed"], result["steps"]) == (False, [])
    assert result["diff"]["before"] == result["diff"]["after"]


def test_what_a_look_left_behind_is_no_difference(tmp_path: pathlib.Path) -> None:
    def seen(at: str) -> dict[str, Any]:
        log = [{"name": "Device communication", "at": at, "duration_ms": 7}]
        return {
            "name": "edge",
            "status_log": log,
            "discovery": {"enrollments": 6, "at": at},
            "staging": [{"fingerprint": "aa", "checked_at": at}],
        }

    def plan(params: Params, ports: Ports) -> Plan:
        return Plan(seen("then"), seen("now"), (Step("Do", lambda: True),), lambda: Outcome(seen("now")))

    diff = run(_module(plan), {"store": _url(tmp_path)}, diff=True)["diff"]
    assert diff["before"] == diff["after"] == {"name": "edge", "staging": [{"fingerprint": "aa"}]}


def test_without_a_step_nothing_changed_and_the_diff_is_empty(tmp_path: pathlib.Path) -> None:
    def plan(params: Params, ports: Ports) -> Plan:
        return Plan({"name": "a", "status": "old"}, None, (), lambda: Outcome({"name": "a", "status": "new"}))

    result = run(_module(plan), {"store": _url(tmp_path)}, diff=True)
    assert result["changed"] is False
    assert result["diff"]["before"] == result["diff"]["after"]


@pytest.mark.parametrize("check", [False, True])
def test_a_planned_failure_comes_with_what_was_seen(tmp_path: pathlib.Path, check: bool) -> None:
    use = _Counter(RemoteError("Device is failed: no grant", code="device_failed", request_id="r-1", status=403))
    result = run(_module(use.plan), {"store": _url(tmp_path)}, check=check)
    assert result["msg"] == "Device is failed: no grant"
    assert result["failure"]["code"] == "device_failed"
    assert result["failure"]["request_id"] == "r-1"
    assert result["failure"]["details"]["status"] == 403
    assert result["thing"] == {"name": "predicted"}
    assert use.done == ([] if check else ["step", "note"])


def test_a_refusal_while_planning_is_one_message_and_a_failure_for_programs(tmp_path: pathlib.Path) -> None:
    def plan(params: Params, ports: Ports) -> Plan:
        raise InputError.of_problems("Cannot do it", ["a is missing", "b is wrong"])

    result = run(_module(plan), {"store": _url(tmp_path)})
    assert result["msg"] == "Cannot do it: (1) a is missing; (2) b is wrong"
    assert result["failure"] == {
        "code": "invalid_input",
        "details": {"problems": ["a is missing", "b is wrong"]},
        "request_id": None,
        "retryable": False,
    }
    assert "exception" not in result


def test_a_step_that_fails_fails_the_module_without_a_made_up_record(tmp_path: pathlib.Path) -> None:
    def fail() -> bool:
        raise ConflictError("somebody else is at it")

    def plan(params: Params, ports: Ports) -> Plan:
        return Plan(None, {"name": "predicted"}, (Step("Try", fail),), lambda: Outcome(None))

    result = run(_module(plan), {"store": _url(tmp_path)})
    assert result["failure"]["retryable"] is True
    assert "thing" not in result


def test_an_unexpected_exception_keeps_its_traceback_and_shows_no_secret(tmp_path: pathlib.Path) -> None:
    secret = Secret("s3cr3t-of-the-store")

    def plan(params: Params, ports: Ports) -> Plan:
        raise ValueError(f"cannot parse {secret.reveal()}")

    result = run(_module(plan), {"store": _url(tmp_path)})
    assert result["failure"]["code"] == "internal_error"
    assert "Traceback" in result["failure"]["details"]["traceback"][0]
    assert "s3cr3t-of-the-store" not in str(result)


def test_every_secret_revealed_during_the_call_is_masked_in_its_result(tmp_path: pathlib.Path) -> None:
    secret = Secret("s3cr3t-of-the-store")

    def plan(params: Params, ports: Ports) -> Plan:
        record = {"header": f"token {secret.reveal()}"}
        return Plan(record, record, (), lambda: Outcome(record))

    assert "s3cr3t" not in str(run(_module(plan), {"store": _url(tmp_path)}, diff=True))


def test_of_a_url_only_the_password_is_masked(tmp_path: pathlib.Path) -> None:
    def plan(params: Params, ports: Ports) -> Plan:
        record = {"proxy": params["proxy"]}
        return Plan(record, record, (), lambda: Outcome(record))

    proxy = "http://user:pa55w0rd@proxy.example.com:3128"
    result = run(_module(plan), {"store": _url(tmp_path), "proxy": proxy})
    assert result["thing"]["proxy"] == "http://user:********@proxy.example.com:3128"
    assert "pa55w0rd" not in str(result)


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("plain", {"plain"}),
        ("", set()),
        ("http://proxy:3128", set()),
        ("http://user:word@proxy", {"word"}),
        ("http://user:p%40ss@proxy", {"p%40ss", "p@ss"}),
        ("http://user:p@ss@proxy", {"p@ss"}),
        ("sqlite:////var/lib/clm.db", set()),
        *((url, {url}) for url in TRICKY),
        ("host=db password=s3cret", {"host=db password=s3cret"}),
        ("http://[broken", {"http://[broken"}),
        ("-----BEGIN KEY-----\nhttp://x", {"-----BEGIN KEY-----\nhttp://x"}),
    ],
)
def test_what_is_masked_of_a_text(text: str, masked: set[str]) -> None:
    assert maskable([text]) == masked


@pytest.mark.parametrize("url", TRICKY)
def test_a_url_whose_password_is_not_surely_found_is_masked_as_a_whole(tmp_path: pathlib.Path, url: str) -> None:
    """Design §8; the arguments are in the result, too."""

    def plan(params: Params, ports: Ports) -> Plan:
        return Plan(None, None, (), lambda: Outcome({"proxy": params["proxy"]}))

    result = run(_module(plan), {"store": _url(tmp_path), "proxy": url}, invocation=True)
    assert result["invocation"]["module_args"]["store"] in (_url(tmp_path), MASKED)
    assert "s3cret" not in str(result)
    assert "s3cret" not in str(run(_module(plan), {"store": url}, invocation=True))


def test_a_private_key_is_masked_wherever_it_was_pasted(tmp_path: pathlib.Path) -> None:
    """Design §8: as a whole, and line by line where only a part is shown."""
    body = "MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQg"
    key = f"-----BEGIN PRIVATE KEY-----\n{body}\n-----END PRIVATE KEY-----\n"

    def plan(params: Params, ports: Ports) -> Plan:
        raise InputError(f"Cannot use {params['options']!r}")

    spec = {
        "options": {"type": "dict", "no_log": True},
        "name": {"type": "str"},
        "word": {"type": "str", "no_log": True},
    }
    options = {
        "common_name": "house",
        "curve": "shared",
        "certificate": f"some text {key}",
        "deep": [{"private_key": key}],
    }
    arguments = {"store": _url(tmp_path), "name": key, "word": "shared", "options": options}
    result = run(lambda: run_module(spec, plan, "thing"), arguments, invocation=True)
    assert body not in str(result)
    shown = result["invocation"]["module_args"]["options"]
    assert shown["common_name"] in ("house", MASKED)
    assert shown["curve"] != "shared", "what is secret elsewhere stays masked"


def test_a_store_key_is_masked(tmp_path: pathlib.Path) -> None:
    def plan(params: Params, ports: Ports) -> Plan:
        return Plan(None, None, (), lambda: Outcome({"leak": "key-of-the-store"}))

    result = run(_module(plan), {"store": _url(tmp_path), "store_key": "key-of-the-store"})
    assert "key-of-the-store" not in str(result)


def test_calls_of_every_target_are_counted(tmp_path: pathlib.Path) -> None:
    part: Any = types.SimpleNamespace(calls=3)

    def plan(params: Params, ports: Ports) -> Plan:
        ports.target(Device("a"))
        ports.target(Device("b"))
        return Plan(None, None, (), lambda: Outcome(None))

    wires = Wires(target=lambda store, clock, environment: lambda device: part)
    assert run(_module(plan, wires=wires), {"store": _url(tmp_path)})["calls"] == 6


@pytest.mark.parametrize("check", [False, True])
def test_planning_is_told_of_check_mode(tmp_path: pathlib.Path, check: bool) -> None:
    seen: list[bool] = []

    def plan(params: Params, ports: Ports) -> Plan:
        seen.append(ports.check_mode)
        return Plan(None, None, (), lambda: Outcome(None))

    run(_module(plan), {"store": _url(tmp_path)}, check=check)
    assert seen == [check]


def test_calls_are_counted_in_a_failed_result(tmp_path: pathlib.Path) -> None:
    """Design §6: a call count is part of every result."""
    part: Any = types.SimpleNamespace(calls=3)

    def plan(params: Params, ports: Ports) -> Plan:
        ports.target(Device("a"))
        raise InputError("no")

    wires = Wires(target=lambda store, clock, environment: lambda device: part)
    result = run(_module(plan, wires=wires), {"store": _url(tmp_path)})
    assert (result["failed"], result["calls"]) == (True, 3)


def test_a_part_that_is_not_wired_fails_loudly(tmp_path: pathlib.Path) -> None:
    def plan(params: Params, ports: Ports) -> Plan:
        ports.target(Device("a"))
        raise AssertionError("unreachable")

    result = run(_module(plan), {"store": _url(tmp_path)})
    assert "not wired" in result["msg"]


def test_common_options_fall_back_to_the_environment(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: dict[str, Any] = {}

    def plan(params: Params, ports: Ports) -> Plan:
        seen.update(params=dict(params), actor=ports.actor)
        return Plan(None, None, (), lambda: Outcome(None))

    monkeypatch.setenv("EDGECERT_STORE", _url(tmp_path))
    monkeypatch.setenv("EDGECERT_ACTOR", "ada")
    run(_module(plan), {"name": "x"})
    assert seen == {"params": {"name": "x", "proxy": None}, "actor": "ada"}
    assert (tmp_path / "clm.db").exists()


def test_a_module_that_only_reads_makes_no_store(tmp_path: pathlib.Path) -> None:
    use = _Counter()
    result = run(_module(use.plan, reads_only=True), {"store": _url(tmp_path)})
    assert result["failure"]["code"] == "store_missing"
    assert list(tmp_path.iterdir()) == []
