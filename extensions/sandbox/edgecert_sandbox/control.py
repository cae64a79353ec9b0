# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a running sandbox tells the world: its state file, and calls to its admin interface.

Standard library only; knows nothing of how the sandbox works inside.
"""

from __future__ import annotations

import dataclasses
import json
import os
import tempfile
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

STATE_NAME = "state.json"


class SandboxError(Exception):
    """The sandbox could not be started, found or told something; the text says what to do."""


@dataclasses.dataclass(frozen=True)
class Running:
    """Where a running sandbox is reached.

    :ivar host: ``name:port`` of the API, as an API client's ``host``.
    :ivar edges: network name to ``address:port`` of the TLS edge.
    :ivar name_server: ``address:port`` of the name server of the zones in Edge DNS.
    :ivar ca_path: PEM file with the CA of the API's server certificate.
    :ivar edgerc: credentials file, one section per API client.
    """

    pid: int
    host: str
    admin_url: str
    admin_token: str = dataclasses.field(repr=False)
    ca_path: str
    edgerc: str
    edges: dict[str, str]
    name_server: str
    started_at: str


def default_state_dir() -> Path:
    """Give the folder used when none is named: ``EDGECERT_SANDBOX_STATE_DIR``, else the user's state folder."""
    named = os.environ.get("EDGECERT_SANDBOX_STATE_DIR")
    if named:
        return Path(named)
    base = os.environ.get("XDG_STATE_HOME") or str(Path.home() / ".local" / "state")
    return Path(base) / "edgecert-sandbox"


def write_private(path: Path, text: str) -> None:
    """Write a file of mode 0600 so that a reader sees the old content or the new, never a part."""
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
        stream.write(text)
    Path(name).replace(path)


def write_state(state_dir: Path, running: Running) -> None:
    """Say that the sandbox is ready; this is the last thing it does before it serves."""
    write_private(state_dir / STATE_NAME, json.dumps(dataclasses.asdict(running), indent=2) + "\n")


def read_state(state_dir: Path) -> Running:
    """Read the state file of a running sandbox.

    :raises SandboxError: there is none, or its process is gone.
    """
    path = state_dir / STATE_NAME
    try:
        running = Running(**json.loads(path.read_text(encoding="utf-8")))
    except FileNotFoundError as exc:
        raise SandboxError(f"No sandbox runs with state directory {state_dir}; start one with 'serve'.") from exc
    except (ValueError, TypeError) as exc:
        raise SandboxError(f"{path} is not a state file of this sandbox: {exc}. Remove it and start again.") from exc
    if not is_alive(running.pid):
        raise SandboxError(f"The sandbox of {state_dir} (process {running.pid}) is gone; start one with 'serve'.")
    return running


def is_alive(pid: int) -> bool:
    """Tell whether a process with this id exists."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def call_admin(running: Running, method: str, path: str, body: object = None, timeout_s: float = 120.0) -> Any:
    """Call the admin interface and give its JSON answer.

    :param path: path with query, as ``/calls?reset=true``.
    :raises SandboxError: it refused, with its own words, or cannot be reached.
    """
    data = None if body is None else json.dumps(body).encode()
    headers = {"Authorization": f"Bearer {running.admin_token}", "Content-Type": "application/json"}
    request = urllib.request.Request(running.admin_url + path, data=data, headers=headers, method=method)
    # The interface is plain HTTP on loopback: a proxy from the environment must not get between, and a handler for
    # HTTPS would read the machine's trusted certificates for each call.
    opener = urllib.request.OpenerDirector()
    for handler in (
        urllib.request.HTTPHandler,
        urllib.request.HTTPErrorProcessor,
        urllib.request.HTTPDefaultErrorHandler,
    ):
        opener.add_handler(handler())
    try:
        with opener.open(request, timeout=timeout_s) as answer:
            return json.loads(answer.read())
    except urllib.error.HTTPError as exc:
        raise SandboxError(f"The sandbox refused {method} {path}: {_reason(exc)}") from exc
    except OSError as exc:
        raise SandboxError(f"The sandbox's admin interface {running.admin_url} does not answer: {exc}") from exc


def _reason(exc: urllib.error.HTTPError) -> str:
    text = exc.read().decode("utf-8", "replace")
    try:
        return str(json.loads(text)["error"])
    except (ValueError, KeyError, TypeError):
        return f"{exc.code} {text[:200]}"
