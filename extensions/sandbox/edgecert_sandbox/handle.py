# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Start, drive and stop a sandbox from Python, as tests and the demonstration do.

Standard library only; the sandbox itself runs in a process of its own.
"""

from __future__ import annotations

import dataclasses
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

from .control import STATE_NAME, Running, SandboxError, call_admin, read_state

SANDBOX_FOLDER = Path(__file__).resolve().parent.parent


@dataclasses.dataclass(frozen=True)
class SandboxOptions:
    """How to start a sandbox; the defaults are those of ``serve``.

    :ivar state_dir: folder for CA, credentials and state; None makes one that :meth:`Handle.stop` removes.
    :ivar port: port of the API; 0 lets the system choose.
    :ivar limits: count calls against CPS's rate limits.
    :ivar limit_style: ``rotate``, ``retry-after``, ``next`` or ``text``.
    :ivar instant: changes go from step to step at once instead of taking CPS's minutes.
    :ivar contracts: contract ids of the account; empty means the sandbox's own.
    :ivar seed: number of enrollments made at the start, spread over the contracts.
    :ivar skew_s: seconds by which the gateway's clock is ahead of this machine's.
    :ivar python: interpreter that has the sandbox's requirements.
    :ivar extra: further ``serve`` arguments, as typed.
    :ivar ready_timeout_s: how long to wait until it listens.
    """

    state_dir: Path | None = None
    port: int = 0
    limits: bool = True
    limit_style: str = "rotate"
    instant: bool = False
    contracts: Sequence[str] = ()
    seed: int = 0
    skew_s: float = 0.0
    python: str = sys.executable
    extra: Sequence[str] = ()
    ready_timeout_s: float = 60.0

    def arguments(self, state_dir: Path) -> list[str]:
        """Give the command line that starts such a sandbox."""
        line = [self.python, str(SANDBOX_FOLDER), "serve", "--state-dir", str(state_dir), "--port", str(self.port)]
        line += ["--limit-style", self.limit_style, "--skew", str(self.skew_s), "--seed", str(self.seed)]
        line += [] if self.limits else ["--no-limits"]
        line += ["--instant"] if self.instant else []
        for contract in self.contracts:
            line += ["--contract", contract]
        return [*line, *self.extra]


class Handle:
    """A running sandbox. Use it in a ``with`` statement, or call :meth:`stop`."""

    def __init__(self, process: subprocess.Popen[bytes], state_dir: Path, running: Running, *, remove: bool) -> None:
        self._process = process
        self._running = running
        self._remove = remove
        self.state_dir = state_dir

    def __enter__(self) -> Handle:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def host(self) -> str:
        """``name:port`` of the API, to be used as an API client's ``host``."""
        return self._running.host

    @property
    def base_url(self) -> str:
        """URL of the API without a trailing slash."""
        return f"https://{self._running.host}"

    @property
    def ca_path(self) -> str:
        """PEM file with the CA of the API's server certificate."""
        return self._running.ca_path

    @property
    def edgerc(self) -> str:
        """Credentials file: sections default, readonly, no-cps, no-contracts, no-papi, no-dns, inactive, partner."""
        return self._running.edgerc

    @property
    def pid(self) -> int:
        """Process id of the sandbox."""
        return self._running.pid

    def edge(self, network: str) -> str:
        """``address:port`` of the TLS edge of ``staging`` or ``production``."""
        return self._running.edges[network]

    @property
    def name_server(self) -> str:
        """``address:port`` of the name server of the zones in Edge DNS."""
        return self._running.name_server

    def admin(self, method: str, path: str, body: object = None) -> Any:
        """Call the admin interface; see the guide for its calls.

        :raises SandboxError: it refused or does not answer.
        """
        return call_admin(self._running, method, path, body)

    def state(self) -> dict[str, Any]:
        """Give what the sandbox knows about itself, secrets left out."""
        answer: dict[str, Any] = self.admin("GET", "/state")
        return answer

    def advance(self, seconds: float) -> dict[str, Any]:
        """Move the clock of the change engine forward; signatures and limits stay on the real clock."""
        answer: dict[str, Any] = self.admin("POST", "/clock", {"advance_seconds": seconds})
        return answer

    def fault(self, kind: str, *, method: str = "*", path: str = ".*", **more: object) -> dict[str, Any]:
        """Order a fault for calls to come.

        :param kind: one of the kinds the guide lists, as ``lost_after``.
        :param path: regular expression, searched in the path with its query.
        :param more: ``nth`` (first match hit, from 1), ``times``, ``seconds``, ``status``, ``style``, ``location``.
        """
        order = {"kind": kind, "method": method, "path": path, **more}
        answer: dict[str, Any] = self.admin("POST", "/faults", order)
        return answer

    def clear_faults(self) -> None:
        """Forget all faults ordered."""
        self.admin("DELETE", "/faults")

    def seed(self, count: int, **more: object) -> dict[str, Any]:
        """Make enrollments at once."""
        answer: dict[str, Any] = self.admin("POST", "/seed", {"count": count, **more})
        return answer

    def configure(self, settings: Mapping[str, object]) -> dict[str, Any]:
        """Change how the change engine behaves; see ``POST /config`` in the guide."""
        answer: dict[str, Any] = self.admin("POST", "/config", dict(settings))
        return answer

    def limits(self, **settings: object) -> dict[str, Any]:
        """Change the rate limits; the names are those of ``limits.LimitSettings``, and ``reset=True`` forgets calls."""
        answer: dict[str, Any] = self.admin("POST", "/limits", settings)
        return answer

    def calls(self, *, reset: bool = False) -> list[dict[str, Any]]:
        """Give the API calls made so far, oldest first: method, path, status, client, fault.

        :param reset: forget them afterwards.
        """
        answer = self.admin("GET", "/calls?reset=true" if reset else "/calls")
        calls: list[dict[str, Any]] = answer["calls"]
        return calls

    def stop(self) -> None:
        """End the sandbox and wait for its end; a second call does nothing."""
        if self._process.poll() is None:
            self._process.terminate()
            try:
                self._process.wait(timeout=10)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        if self._remove:
            shutil.rmtree(self.state_dir, ignore_errors=True)


def start(options: SandboxOptions | None = None) -> Handle:
    """Start a sandbox and wait until it listens.

    :raises SandboxError: it ended or was not ready in time; what it said is in the text.
    """
    chosen = options or SandboxOptions()
    state_dir = chosen.state_dir or Path(tempfile.mkdtemp(prefix="edgecert-sandbox-"))
    state_dir.mkdir(parents=True, exist_ok=True)
    (state_dir / STATE_NAME).unlink(missing_ok=True)
    log_path = state_dir / "sandbox.log"
    with log_path.open("ab") as log:
        process = subprocess.Popen(
            chosen.arguments(state_dir), stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT
        )
    try:
        running = _wait(process, state_dir, log_path, chosen.ready_timeout_s)
    except BaseException:
        process.kill()
        process.wait()
        raise
    return Handle(process, state_dir, running, remove=chosen.state_dir is None)


def _wait(process: subprocess.Popen[bytes], state_dir: Path, log_path: Path, timeout_s: float) -> Running:
    deadline = time.monotonic() + timeout_s
    while time.monotonic() < deadline:
        if process.poll() is not None:
            said = log_path.read_text(encoding="utf-8", errors="replace")[-2000:]
            raise SandboxError(f"The sandbox ended with status {process.returncode} before it was ready:\n{said}")
        if (state_dir / STATE_NAME).exists():
            running = read_state(state_dir)
            if running.pid == process.pid:
                return running
        time.sleep(0.02)
    raise SandboxError(f"The sandbox was not ready within {timeout_s:g} seconds; see {log_path}.")
