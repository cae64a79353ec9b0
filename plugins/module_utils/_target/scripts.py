# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs pre- and post-push scripts as processes of this host. Knows no certificate: variables and files come as given.

CPS runs no scripts, so a script of the device, too, is a file of the host that runs the task.
"""

from __future__ import annotations

import asyncio
import os
import signal
import stat
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence, Set
from contextlib import asynccontextmanager, suppress
from pathlib import Path, PurePosixPath

from .script_base import ScriptCall, ScriptResult, ScriptRunner
from .script_output import BoundedOutput, printable

GRACE_S = 5.0
"""From SIGTERM to SIGKILL, seconds."""

_LOCALE = "C.UTF-8"
# What was killed is gone in no time, unless the system hangs.
_KILLED_S = 5.0
# How long, and how much, to read on from a process that left the group and holds the output open; a pipe holds less.
_DRAIN_S = 0.25
_DRAIN_BYTES = 1_048_576
_PIECE = 65_536


def base_environment(environment: Mapping[str, str]) -> dict[str, str]:
    """Give the variables every process needs, out of the module's own environment or by default."""
    language = environment.get("LANG") or _LOCALE
    return {
        "PATH": environment.get("PATH") or os.defpath,
        "HOME": environment.get("HOME") or os.path.expanduser("~"),
        "LANG": language,
        "LC_ALL": environment.get("LC_ALL") or language,
    }


class LocalScripts(ScriptRunner):
    """Runs scripts here.

    :param library: absolute folder of the controller's scripts.
    :param environment: the module's own; only ``base_environment`` is passed on.
    :param secrets: gives the texts to mask, asked for when a script is begun.
    :param grace_s: from SIGTERM to SIGKILL.
    """

    def __init__(
        self,
        library: str,
        environment: Mapping[str, str],
        secrets: Callable[[], Set[str]],
        *,
        grace_s: float = GRACE_S,
    ) -> None:
        self._library, self._grace_s = library, grace_s
        self._environment, self._secrets = base_environment(environment), secrets

    def problems(self, location: str, path: str) -> Sequence[str]:
        """Say why a script cannot be run."""
        return self._found(location, path)[1]

    def run(self, call: ScriptCall) -> ScriptResult:
        """Run a script to its end."""
        script, problems = self._found(call.location, call.path)
        if problems:
            return ScriptResult("unusable", f"cannot be run: {'; '.join(problems)}")
        began = time.monotonic()
        output = BoundedOutput(self._secrets())
        try:
            # Whatever the script leaves there goes with the folder, or stays if it cannot be removed.
            with tempfile.TemporaryDirectory(prefix="edgecert-", ignore_cleanup_errors=True) as folder:
                reason, message, status = asyncio.run(self._run_in(folder, script, call, output))
        except (OSError, ValueError) as exc:
            # ValueError: a variable that no environment can hold.
            why = f"{type(exc).__name__}: {exc}"
            reason, message, status = "not_started", f"could not be started or followed ({printable(why)})", None
        text, truncated = output.text()
        duration_ms = round((time.monotonic() - began) * 1000)
        return ScriptResult(reason, message, status, text, truncated, duration_ms)

    # -- looking -----------------------------------------------------------------------------------------------------

    def _found(self, location: str, path: str) -> tuple[Path, list[str]]:
        """Give the file a path leads to, and what speaks against running it."""
        refused = _path_problem(location, path)
        named = Path(path)
        if not refused and location == "controller":
            named = Path(self._library) / path
            refused = self._library_problem()
        if refused:
            return named, [refused]
        try:
            real = named.resolve(strict=True)
            status = real.stat()
            problems = [*_open_to_others(named, real)]
        except (OSError, RuntimeError) as exc:
            # Python before 3.13 tells of a loop of symbolic links by a RuntimeError.
            reason = exc.strerror if isinstance(exc, OSError) and exc.strerror else str(exc)
            return named, [f"{named} cannot be found ({reason})"]
        if location == "controller" and not real.is_relative_to(Path(self._library).resolve()):
            return real, [f"{named} leads out of the script library {self._library}"]
        if not stat.S_ISREG(status.st_mode):
            return real, [f"{named} is not a regular file"]
        if not os.access(real, os.X_OK):
            problems.insert(0, f"{named} may not be executed; chmod +x it")
        return real, problems

    def _library_problem(self) -> str:
        if not os.path.isabs(self._library):
            return f"the script library {self._library} is not an absolute path; correct EDGECERT_SCRIPT_LIBRARY"
        if not os.path.isdir(self._library):
            return (
                f"there is no script library {self._library} on this host; make the folder, or name another one in "
                "EDGECERT_SCRIPT_LIBRARY"
            )
        return ""

    # -- running -----------------------------------------------------------------------------------------------------

    async def _run_in(
        self, folder: str, script: Path, call: ScriptCall, output: BoundedOutput
    ) -> tuple[str, str, int | None]:
        variables = {**call.variables, **self._environment}
        for file in call.files:
            path = os.path.join(folder, file.name)
            with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as stream:
                stream.write(file.text)
            variables[file.variable] = path
        async with _watched(script, folder, variables, output) as watch:
            in_time = await watch.until(call.timeout_s)
            if not in_time:
                watch.send(signal.SIGTERM)
                await watch.until(self._grace_s)
        return _ending(watch.status, in_time=in_time, timeout_s=call.timeout_s)


@asynccontextmanager
async def _watched(
    script: Path, folder: str, variables: Mapping[str, str], output: BoundedOutput
) -> AsyncIterator[_Watch]:
    """Start a script in a process group of its own, and leave nothing of the group behind.

    The pipe is ours, not asyncio's: a process that left the group may hold it open, and is not waited for.

    :raises OSError: the script cannot be started; ValueError when the environment cannot.
    """
    pipe, writing = os.pipe()
    try:
        try:
            process = await asyncio.create_subprocess_exec(
                str(script),
                cwd=folder,
                env=variables,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=writing,
                stderr=writing,
                start_new_session=True,
            )
        finally:
            os.close(writing)
        watch = _Watch(process, pipe, output)
        try:
            yield watch
        finally:
            await watch.close()
    finally:
        os.close(pipe)


class _Watch:
    """A script that runs: reads what its process group writes, and ends it."""

    def __init__(self, process: asyncio.subprocess.Process, pipe: int, output: BoundedOutput) -> None:
        self._process, self._pipe, self._output = process, pipe, output
        self._loop, self._read_all = asyncio.get_running_loop(), asyncio.Event()
        self._enough: int | None = None
        self._loop.add_reader(pipe, self._read)

    @property
    def status(self) -> int | None:
        """Give how the leader ended, as Popen tells it; None when it did not."""
        return self._process.returncode

    async def until(self, seconds: float) -> bool:
        """Read until the leader ended, True then, or for so many seconds."""
        with suppress(asyncio.TimeoutError):
            await asyncio.wait_for(self._process.wait(), seconds)
        return self.status is not None

    def send(self, number: signal.Signals) -> None:
        """Send a signal to the whole group; one that is gone, or runs as somebody else, gets none."""
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, number)

    async def close(self) -> None:
        """End what is left of the group, and read what it wrote before; nothing runs on unwatched."""
        self.send(signal.SIGKILL)
        await self.until(_KILLED_S)
        self._enough = self._output.size + _DRAIN_BYTES
        with suppress(asyncio.TimeoutError):
            await asyncio.wait_for(self._read_all.wait(), _DRAIN_S)
        self._loop.remove_reader(self._pipe)

    def _read(self) -> None:
        piece = os.read(self._pipe, _PIECE)
        self._output.feed(piece)
        if not piece or (self._enough is not None and self._output.size >= self._enough):
            self._loop.remove_reader(self._pipe)
            self._read_all.set()


def _ending(status: int | None, *, in_time: bool, timeout_s: float) -> tuple[str, str, int | None]:
    """Give reason, message and exit status of a run.

    :param status: as Popen tells it: below zero for a signal, None for a process that not even SIGKILL ended yet.
    """
    if not in_time or status is None:
        left = "" if status is not None else ", and runs on although it was sent SIGKILL"
        return "timed_out", f"did not end within {timeout_s:g} seconds and was ended{left}", None
    if status < 0:
        try:
            name = signal.Signals(-status).name
        except ValueError:
            name = str(-status)
        return "killed", f"was killed by signal {name}", None
    if status:
        return "exit_status", f"ended with exit status {status}", status
    return "", "succeeded", 0


def _path_problem(location: str, path: str) -> str:
    """Say what is wrong with a path as it is written, or nothing."""
    if location not in ("controller", "device"):
        return f"script_location {location!r} is none; there are controller and device"
    if printable(path) != path or "\n" in path or not path.strip():
        return f"{path!r} is no path"
    parts = PurePosixPath(path).parts
    if ".." in parts:
        return f"{path} has .. in it; write the path without"
    is_absolute = os.path.isabs(path)
    if location == "controller" and is_absolute:
        return f"{path} is absolute; a script of the controller is named relative to the script library"
    if location == "device" and not is_absolute:
        return f"{path} is relative; a script of the device is named by its absolute path"
    return ""


def _open_to_others(named: Path, real: Path) -> Iterator[str]:
    """Say where everybody could change the script, or put another one or another link in its place.

    A folder that everybody may write to is no danger when it is sticky, as the folder for temporary files is: there
    only the owner of a file may replace it.
    """
    if real.stat().st_mode & stat.S_IWOTH:
        yield f"{named} can be changed by everybody; chmod o-w it"
    folders = {*Path(os.path.abspath(named)).parents, *real.parents}
    for folder in sorted(folders):
        mode = folder.stat().st_mode
        if mode & stat.S_IWOTH and not mode & stat.S_ISVTX:
            yield f"{named} can be replaced by everybody, for the folder {folder} can be written to; chmod o-w it"
