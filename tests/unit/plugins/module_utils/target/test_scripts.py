# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Pre- and post-push scripts as real processes: what they see, how they end, what they cannot do to us (A4)."""

from __future__ import annotations

import contextlib
import json
import os
import pathlib
import re
import resource
import select
import signal
import sys
import tempfile
import time
from collections.abc import Iterator
from typing import Any

import pytest

from ansible_collections.edgecert.clm.plugins.module_utils._target import scripts
from ansible_collections.edgecert.clm.plugins.module_utils._target.script_base import (
    ScriptCall,
    ScriptFile,
    ScriptResult,
)
from ansible_collections.edgecert.clm.plugins.module_utils._target.script_output import KEPT_CHARACTERS
from ansible_collections.edgecert.clm.plugins.module_utils._target.scripts import LocalScripts

SECRET = "s3cret-token-of-the-api"
OWN = {
    "PATH": os.environ["PATH"],
    "HOME": "/home/tester",
    "LANG": "de_DE.UTF-8",
    "LC_ALL": "C.UTF-8",
    "EDGECERT_STORE_KEY": "the-store-key",
    "AKAMAI_CLIENT_SECRET": SECRET,
}
# Far above what a call takes, far below what the scripts would take.
SOON_S = 30.0


@pytest.fixture
def library(tmp_path: pathlib.Path) -> pathlib.Path:
    folder = tmp_path / "library"
    folder.mkdir(mode=0o755)
    return folder


@pytest.fixture(autouse=True)
def scratch(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> pathlib.Path:
    """Where temporary folders are made, for this test alone."""
    folder = tmp_path / "scratch"
    folder.mkdir(mode=0o755)
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


@pytest.fixture
def runner(library: pathlib.Path) -> LocalScripts:
    return LocalScripts(str(library), OWN, lambda: {SECRET}, grace_s=0.2)


def write(folder: pathlib.Path, text: str, *, name: str = "script", mode: int = 0o755) -> str:
    """Make a script: of sh, or as its first line says; gives its name."""
    path = folder / name
    path.write_text(text if text.startswith("#!") else f"#!/bin/sh\n{text}\n", encoding="utf-8")
    path.chmod(mode)
    return name


def python(text: str) -> str:
    """Make the text of a script in Python."""
    return f"#!{sys.executable}\n{text}\n"


def call(path: str = "script", **changes: Any) -> ScriptCall:
    wanted: dict[str, Any] = {"location": "controller", "timeout_s": SOON_S, "variables": {"CLM_STAGE": "pre"}}
    return ScriptCall(path=path, **{**wanted, **changes})


def run(runner: LocalScripts, library: pathlib.Path, text: str, **changes: Any) -> ScriptResult:
    write(library, text)
    began = time.monotonic()
    result = runner.run(call(**changes))
    assert time.monotonic() - began < SOON_S
    return result


@pytest.fixture
def witness(tmp_path: pathlib.Path) -> Iterator[Any]:
    """Give a pipe with a name; a process that has opened it for writing is seen until it is gone."""
    path = tmp_path / "witness"
    os.mkfifo(path)
    reading = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    watch = select.poll()
    watch.register(reading, select.POLLIN)

    class Witness:
        name = str(path)

        def sees_end(self) -> bool:
            """Wait for the last writer to be gone."""
            while found := watch.poll(SOON_S * 1000):
                if not found[0][1] & select.POLLIN:
                    return True
                os.read(reading, 100)
            return False

    yield Witness()
    os.close(reading)


# -- how scripts end -----------------------------------------------------------------------------------------------


def test_a_script_that_ends_well_succeeds_and_its_output_is_kept_in_order(
    runner: LocalScripts, library: pathlib.Path
) -> None:
    result = run(runner, library, "echo one; echo two >&2; echo three")
    assert (result.reason, result.message, result.exit_status) == ("", "succeeded", 0)
    assert (result.output, result.truncated) == ("one\ntwo\nthree\n", False)


def test_another_exit_status_than_0_is_a_failure(runner: LocalScripts, library: pathlib.Path) -> None:
    result = run(runner, library, "echo not today; exit 3")
    assert (result.reason, result.exit_status, result.output) == ("exit_status", 3, "not today\n")
    assert result.message == "ended with exit status 3"


def test_a_script_killed_by_a_signal_has_no_exit_status(runner: LocalScripts, library: pathlib.Path) -> None:
    result = run(runner, library, "echo so far; kill -KILL $$")
    assert (result.reason, result.exit_status, result.output) == ("killed", None, "so far\n")
    assert result.message == "was killed by signal SIGKILL"


def test_a_script_that_hangs_is_ended_with_its_children(
    runner: LocalScripts, library: pathlib.Path, witness: Any
) -> None:
    text = f"exec 3>{witness.name}\necho begun\nsleep 600 &\nsleep 600"
    result = run(runner, library, text, timeout_s=1)
    assert (result.reason, result.exit_status, result.output) == ("timed_out", None, "begun\n")
    assert result.message == "did not end within 1 seconds and was ended"
    assert result.duration_ms >= 1_000
    assert witness.sees_end()


def test_a_script_may_clean_up_when_its_time_is_over_and_has_failed_all_the_same(
    runner: LocalScripts, library: pathlib.Path
) -> None:
    text = "trap 'echo cleaned; exit 0' TERM\necho begun\nwhile :; do sleep 0.01; done"
    result = run(runner, library, text, timeout_s=0.5)
    assert (result.reason, result.exit_status) == ("timed_out", None)
    assert result.output.startswith("begun\n") and result.output.endswith("cleaned\n")


@pytest.mark.parametrize("who", ["script", "child"])
def test_who_ignores_the_signal_to_end_is_killed(
    runner: LocalScripts, library: pathlib.Path, witness: Any, who: str
) -> None:
    stubborn = "(trap '' TERM; while :; do sleep 1; done)"
    text = f"exec 3>{witness.name}\n" + (f"{stubborn} &\nwait" if who == "child" else f"trap '' TERM\n{stubborn}")
    result = run(runner, library, text, timeout_s=0.5)
    assert (result.reason, result.exit_status) == ("timed_out", None)
    assert witness.sees_end()


def test_a_child_left_behind_is_ended_and_does_not_hold_us_up(
    runner: LocalScripts, library: pathlib.Path, witness: Any
) -> None:
    result = run(runner, library, f"exec 3>{witness.name}\nsleep 600 &\necho done")
    assert (result.reason, result.output) == ("", "done\n")
    assert witness.sees_end()


@pytest.mark.parametrize("does", ["time.sleep(600)", "[os.write(1, b'x' * 2**24) for _ in range(4)]"])
def test_a_daemon_that_holds_the_output_open_does_not_hold_us_up(
    runner: LocalScripts, library: pathlib.Path, tmp_path: pathlib.Path, does: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It left the process group, so it runs on; one that writes, even faster than we read, meets a closed pipe."""
    monkeypatch.setattr(scripts, "_PIECE", 512)
    note = tmp_path / "pid"
    text = (
        "import os, pathlib, time\nprint('begun', flush=True)\n"
        "reading, writing = os.pipe()\n"
        "if os.fork() == 0:\n    os.setsid()\n"
        f"    pathlib.Path({str(note)!r}).write_text(str(os.getpid()))\n"
        f"    os.write(writing, b'x')\n    {does}\n"
        "os.read(reading, 1)\n"
    )
    try:
        result = run(runner, library, python(text))
    finally:
        with contextlib.suppress(ProcessLookupError, FileNotFoundError):
            os.kill(int(note.read_text()), signal.SIGKILL)
    assert (result.reason, result.exit_status) == ("", 0)
    assert result.output.startswith("begun\n")
    if result.truncated:
        [size] = re.findall(r"the middle of (\d+) bytes", result.output)
        assert int(size) < 2**22


def test_a_flood_neither_blocks_nor_eats_memory(runner: LocalScripts, library: pathlib.Path) -> None:
    """A hundred megabytes, on both streams."""
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    text = "echo first\nhead -c 50000000 /dev/zero >&2\nhead -c 50000000 /dev/zero | tr '\\0' x\necho\necho last"
    result = run(runner, library, text)
    grown_kib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert (result.reason, result.truncated) == ("", True)
    assert result.output.startswith("first\n\\x00") and result.output.endswith("\nlast\n")
    assert len(result.output) < KEPT_CHARACTERS + 100
    assert grown_kib < 20_000


def test_an_endless_flood_ends_with_the_time(runner: LocalScripts, library: pathlib.Path) -> None:
    result = run(runner, library, "exec yes flood", timeout_s=0.5)
    assert (result.reason, result.truncated) == ("timed_out", True)
    assert len(result.output) < KEPT_CHARACTERS + 100


def test_a_secret_in_the_output_is_masked(runner: LocalScripts, library: pathlib.Path) -> None:
    result = run(runner, library, f"echo token {SECRET}")
    assert result.output == "token ***\n"


# -- what scripts see ----------------------------------------------------------------------------------------------


def test_the_environment_is_what_the_call_says_and_nothing_of_ours(
    runner: LocalScripts, library: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EDGECERT_STORE_KEY", "the-store-key-of-the-process")
    seen = json.loads(run(runner, library, python("import json, os\nprint(json.dumps(dict(os.environ)))")).output)
    assert seen == {"CLM_STAGE": "pre", **{name: OWN[name] for name in ("PATH", "HOME", "LANG", "LC_ALL")}}


def test_what_every_process_needs_is_there_though_we_have_none(library: pathlib.Path) -> None:
    bare = LocalScripts(str(library), {}, set)
    seen = json.loads(run(bare, library, python("import json, os\nprint(json.dumps(dict(os.environ)))")).output)
    assert seen == {
        "CLM_STAGE": "pre",
        "PATH": os.defpath,
        "HOME": os.path.expanduser("~"),
        "LANG": "C.UTF-8",
        "LC_ALL": "C.UTF-8",
    }


def test_a_call_cannot_change_the_search_path(runner: LocalScripts, library: pathlib.Path) -> None:
    result = run(runner, library, "echo $PATH", variables={"PATH": "/tmp"})
    assert result.output == f"{OWN['PATH']}\n"


def test_a_script_has_a_session_an_empty_input_and_a_private_folder_of_its_own(
    runner: LocalScripts, library: pathlib.Path, scratch: pathlib.Path
) -> None:
    text = python(
        "import json, os, sys\n"
        "print(json.dumps([os.getsid(0) == os.getpid() == os.getpgid(0), sys.stdin.read(), sys.argv,"
        " os.getcwd(), os.stat('.').st_mode & 0o777]))"
    )
    saved = os.dup(0)
    reading, writing = os.pipe()
    os.write(writing, b"what we are to read")
    os.close(writing)
    os.dup2(reading, 0)
    try:
        leads, read, argv, folder, mode = json.loads(run(runner, library, text).output)
    finally:
        os.dup2(saved, 0)
        for number in (saved, reading):
            os.close(number)
    assert leads and read == "" and argv == [str(library / "script")]
    assert pathlib.Path(folder).parent == scratch and mode == 0o700


def test_files_are_readable_by_the_owner_alone_and_gone_after(
    runner: LocalScripts, library: pathlib.Path, scratch: pathlib.Path
) -> None:
    text = 'cat "$CLM_CHAIN_FILE"; ls -l "$CLM_CHAIN_FILE"; mkdir left; chmod 500 left; echo more > more'
    file = ScriptFile("CLM_CHAIN_FILE", "chain.pem", "the chain\n")
    result = run(runner, library, text, files=(file,))
    lines = result.output.splitlines()
    assert lines[0] == "the chain" and lines[1].startswith("-rw-------")
    assert lines[1].endswith("/chain.pem") and str(scratch) in lines[1]
    assert list(scratch.iterdir()) == []


def test_files_are_gone_after_a_script_that_was_killed(
    runner: LocalScripts, library: pathlib.Path, scratch: pathlib.Path
) -> None:
    run(runner, library, "sleep 600", timeout_s=0.2, files=(ScriptFile("CLM_CHAIN_FILE", "chain.pem", "x"),))
    assert list(scratch.iterdir()) == []


# -- what is not begun ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "why"),
    [("echo no first line", "Exec format error"), ("#!/no/such/interpreter\n", "No such file")],
)
def test_a_script_that_cannot_be_started_is_a_failure_with_the_reason(
    runner: LocalScripts, library: pathlib.Path, text: str, why: str
) -> None:
    (library / "script").write_text(text)
    (library / "script").chmod(0o755)
    result = runner.run(call())
    assert (result.reason, result.exit_status) == ("not_started", None)
    assert why in result.message


def test_without_a_folder_for_its_files_a_script_is_not_begun(
    runner: LocalScripts, library: pathlib.Path, monkeypatch: pytest.MonkeyPatch, tmp_path: pathlib.Path
) -> None:
    write(library, f"touch {tmp_path}/begun")
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "nowhere"))
    assert runner.run(call()).reason == "not_started"
    assert not (tmp_path / "begun").exists()


def test_a_variable_that_no_environment_can_hold_is_a_failure(runner: LocalScripts, library: pathlib.Path) -> None:
    assert run(runner, library, "true", variables={"CLM_ACTOR": "nul\0"}).reason == "not_started"


def test_a_script_with_problems_is_not_begun(runner: LocalScripts, library: pathlib.Path, scratch: Any) -> None:
    write(library, f"touch {scratch}/begun", mode=0o757)
    result = runner.run(call())
    assert result.reason == "unusable" and "changed by everybody" in result.message
    assert list(scratch.iterdir()) == []


@pytest.mark.parametrize(
    ("location", "path", "problem"),
    [
        ("controller", "good", ""),
        ("controller", "inner/good", ""),
        ("controller", "link", ""),
        ("controller", "missing", "cannot be found (No such file or directory)"),
        ("controller", "good/more", "cannot be found (Not a directory)"),
        ("controller", "loop", "cannot be found"),
        ("controller", "dangling", "cannot be found"),
        ("controller", "plain", "may not be executed"),
        ("controller", "open", "can be changed by everybody"),
        ("controller", "shared/good", "can be replaced by everybody"),
        ("controller", "sticky/good", ""),
        ("controller", "inner", "is not a regular file"),
        ("controller", "pipe", "is not a regular file"),
        ("controller", "../outside", "has .. in it"),
        ("controller", "inner/../good", "has .. in it"),
        ("controller", "way-out", "leads out of the script library"),
        ("controller", "folder-out/outside", "leads out of the script library"),
        ("controller", "/bin/sh", "is absolute"),
        ("controller", " ", "is no path"),
        ("controller", "good\n", "is no path"),
        ("controller", "go\0od", "is no path"),
        ("device", "/bin/sh", ""),
        ("device", "good", "is relative"),
        ("device", "~/good", "is relative"),
        ("device", "/bin/../bin/sh", "has .. in it"),
        ("device", "/no/such/script", "cannot be found"),
        ("device", "/dev/null", "is not a regular file"),
        ("elsewhere", "/bin/sh", "there are controller and device"),
    ],
)
def test_a_script_is_refused_for_what_is_wrong_with_it(
    runner: LocalScripts, library: pathlib.Path, location: str, path: str, problem: str
) -> None:
    for folder, mode in (("", 0o755), ("inner", 0o755), ("shared", 0o777), ("sticky", 0o1777)):
        (library / folder).mkdir(exist_ok=True)
        (library / folder).chmod(mode)
        write(library / folder, "true", name="good")
    write(library, "true", name="plain", mode=0o644)
    write(library, "true", name="open", mode=0o757)
    write(library.parent, "true", name="outside")
    os.mkfifo(library / "pipe")
    links = {"link": "inner/good", "loop": "loop", "dangling": "nowhere", "way-out": "../outside", "folder-out": ".."}
    for name, to in links.items():
        (library / name).symlink_to(to)
    found = " ".join(runner.problems(location, path))
    assert problem in found if problem else found == ""


def test_everything_that_is_wrong_with_a_script_is_said(runner: LocalScripts, library: pathlib.Path) -> None:
    write(library, "true", mode=0o646)
    library.chmod(0o777)
    assert len(runner.problems("controller", "script")) == 3


def test_a_link_that_everybody_could_turn_elsewhere_is_refused(
    runner: LocalScripts, library: pathlib.Path, tmp_path: pathlib.Path
) -> None:
    write(library, "true")
    shared = tmp_path / "shared"
    shared.mkdir()
    shared.chmod(0o777)
    (shared / "link").symlink_to(library / "script")
    [problem] = runner.problems("device", str(shared / "link"))
    assert "can be replaced by everybody" in problem and str(shared) in problem


@pytest.mark.parametrize(
    ("library", "problem"),
    [("/no/such/library", "there is no script library /no/such/library"), ("scripts", "is not an absolute path")],
)
def test_a_script_library_that_cannot_be_used_is_named(library: str, problem: str) -> None:
    [found] = LocalScripts(library, {}, set).problems("controller", "script")
    assert problem in found and "EDGECERT_SCRIPT_LIBRARY" in found


def test_no_open_file_of_ours_is_handed_on(runner: LocalScripts, library: pathlib.Path) -> None:
    """The store's file, its lock and connections stay ours."""
    reading, writing = os.pipe()
    os.set_inheritable(writing, True)
    try:
        result = run(runner, library, python(f"import os\nos.fstat({writing})"))
    finally:
        os.close(reading)
        os.close(writing)
    assert "Bad file descriptor" in result.output
