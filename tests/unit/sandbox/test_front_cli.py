# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The sandbox's command line, run as a user runs it."""

from __future__ import annotations

import argparse
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from edgecert_sandbox import cli
from edgecert_sandbox.control import STATE_NAME, SandboxError, is_alive, read_state
from edgecert_sandbox.handle import SANDBOX_FOLDER, Handle, SandboxOptions, start

from ansible_collections.edgecert.clm.tests.support.sandbox_client import ApiClient


def run(*arguments: str, state_dir: Path | None = None) -> subprocess.CompletedProcess[str]:
    """Run one command to its end."""
    line = [sys.executable, str(SANDBOX_FOLDER), *arguments]
    line += ["--state-dir", str(state_dir)] if state_dir else []
    return subprocess.run(line, capture_output=True, text=True, timeout=60, check=False)


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Handle]:
    with start(SandboxOptions(state_dir=tmp_path_factory.mktemp("state"), limits=False, seed=2)) as handle:
        yield handle


def said(sandbox: Handle, *arguments: str) -> str:
    done = run(*arguments, state_dir=sandbox.state_dir)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_help_names_every_command_and_that_state_is_in_memory() -> None:
    done = run("--help")
    assert done.returncode == 0
    for command in ("serve", "status", "advance", "seed", "fault", "config", "limits", "calls", "edge", "stop"):
        assert f"\n    {command} " in done.stdout
    assert "in memory" in " ".join(done.stdout.split())


def test_every_command_has_help() -> None:
    for command in ("serve", "fault", "edge"):
        assert "--state-dir" in run(command, "--help").stdout


def test_status_shows_where_it_listens_and_no_token(sandbox: Handle) -> None:
    text = said(sandbox, "status")
    assert sandbox.host in text
    assert sandbox.edge("staging") in text
    assert ": 0 with a change under way, 2 on staging, 2 on production" in text
    assert text.count(".seed.example.com  staging+production") == 2
    assert read_state(sandbox.state_dir).admin_token not in text + said(sandbox, "status", "--json")


def test_advance_moves_the_clock(sandbox: Handle) -> None:
    before = sandbox.state()["now"]
    assert said(sandbox, "advance", "10d").strip() > before
    assert run("advance", "soon", state_dir=sandbox.state_dir).returncode == 2


def test_seed_makes_enrollments(sandbox: Handle) -> None:
    assert said(sandbox, "seed", "3", "--kind", "dv", "--contract", "C-NEW").startswith("3 enrollments made")
    listed = ApiClient(sandbox).get("/cps/v2/enrollments?contractId=C-NEW", "enrollments.v11").json()["enrollments"]
    assert [one["validationType"] for one in listed] == ["dv"] * 3


def test_a_fault_is_ordered_and_calls_are_listed(sandbox: Handle) -> None:
    assert "server_error" in said(sandbox, "fault", "server_error", "--path", "/enrollments", "--status", "503")
    assert ApiClient(sandbox).get("/cps/v2/enrollments", "enrollments.v11").status_code == 503
    assert "503  GET    /cps/v2/enrollments" in said(sandbox, "calls", "--reset")
    assert said(sandbox, "calls") == "0 calls\n"
    said(sandbox, "fault", "empty")
    assert said(sandbox, "fault", "clear") == "1 faults forgotten\n"


def test_settings_and_limits_are_changed(sandbox: Handle) -> None:
    said(sandbox, "config", "csr_s=0.5", 'traffic_names=["www.example.com"]')
    said(sandbox, "limits", "style=text")
    state = sandbox.state()
    assert (state["config"]["csr_s"], state["limits"]["style"]) == (0.5, "text")
    assert state["config"]["traffic_names"] == ["www.example.com"]
    refused = run("config", "speed=1", state_dir=sandbox.state_dir)
    assert (refused.returncode, "unknown setting 'speed'" in refused.stderr) == (1, True)


def test_edge_shows_subject_issuer_and_fingerprint(sandbox: Handle) -> None:
    listed = ApiClient(sandbox).get("/cps/v2/enrollments", "enrollments.v11").json()["enrollments"]
    name = listed[0]["csr"]["cn"]
    text = said(sandbox, "edge", name, "production")
    assert f"CN={name}" in text
    assert text.count("\n") == 4
    assert "not deployed here" in said(sandbox, "edge", "nowhere.example.com", "staging")


def test_without_a_sandbox_a_command_says_what_to_do(tmp_path: Path) -> None:
    done = run("status", state_dir=tmp_path)
    assert (done.returncode, done.stdout) == (1, "")
    assert "start one with 'serve'" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_second_sandbox_in_the_same_folder_is_refused(sandbox: Handle) -> None:
    done = run("serve", state_dir=sandbox.state_dir)
    assert done.returncode == 1
    assert "runs with state directory" in done.stderr


def test_a_taken_port_and_a_wrong_setting_are_said_in_a_sentence(sandbox: Handle, tmp_path: Path) -> None:
    port = sandbox.host.rpartition(":")[2]
    for arguments in (("--port", port), ("--set", "speed=1")):
        done = run("serve", *arguments, state_dir=tmp_path)
        assert done.returncode == 1
        assert done.stderr.startswith("sandbox: The sandbox cannot start:")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_cleanly(tmp_path: Path, number: signal.Signals) -> None:
    handle = start(SandboxOptions(state_dir=tmp_path))
    os.kill(handle.pid, number)
    assert handle._process.wait(10) == 0
    assert not (tmp_path / STATE_NAME).exists()
    assert not (tmp_path / "edgerc").exists()
    assert "Traceback" not in (tmp_path / "sandbox.log").read_text(encoding="utf-8")


def test_daemon_goes_to_the_background_and_stop_ends_it(tmp_path: Path) -> None:
    done = run("serve", "--daemon", state_dir=tmp_path)
    assert done.returncode == 0, done.stderr
    running = read_state(tmp_path)
    assert f"process {running.pid}" in done.stdout
    assert (tmp_path / "sandbox.pid").read_text(encoding="ascii") == f"{running.pid}\n"
    assert run("stop", state_dir=tmp_path).returncode == 0
    assert not is_alive(running.pid)
    assert not (tmp_path / "sandbox.pid").exists()


def test_starting_says_why_it_could_not(tmp_path: Path) -> None:
    with pytest.raises(SandboxError, match="unknown setting 'speed'"):
        start(SandboxOptions(state_dir=tmp_path, extra=("--set", "speed=1")))


@pytest.mark.parametrize(
    ("text", "seconds"), [("90", 90), ("90s", 90), ("10m", 600), ("1.5h", 5400), ("10d", 864000), ("1w", 604800)]
)
def test_spans_of_time_are_read(text: str, seconds: float) -> None:
    assert cli.duration(text) == seconds


@pytest.mark.parametrize("text", ["", "d", "-1d", "1y", "1d2h"])
def test_other_spans_are_refused(text: str) -> None:
    with pytest.raises(argparse.ArgumentTypeError):
        cli.duration(text)
