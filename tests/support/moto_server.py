# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A real moto server over TLS, started and stopped by the tests that use it; they skip where it is not installed.

Its AWS Private CA really signs, and knows neither tokens, nor lifetimes, nor "in progress": that is the fake's part.
"""

from __future__ import annotations

import contextlib
import importlib.util
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from ansible_collections.edgecert.clm.plugins.module_utils._http.base import Request, Response, TransportOptions
from ansible_collections.edgecert.clm.plugins.module_utils._http.transport import RequestsTransport
from ansible_collections.edgecert.clm.tests.support.lab_pki import make

SKIP = "moto is not installed (pip install 'moto[server,acmpca]', of requirements-dev.txt)"


@dataclass(frozen=True)
class Moto:
    """A running server."""

    url: str
    ca_path: str


class Transport(RequestsTransport):
    """The real transport, but what moto calls a web page is what AWS says of it: JSON, or XML of STS."""

    def __init__(self, options: TransportOptions) -> None:
        super().__init__(options)

    def send(self, request: Request) -> Response:
        """Send, and name the answer as AWS does."""
        answer = super().send(request)
        kind = {b"{": "application/x-amz-json-1.1", b"<": "text/xml"}.get(answer.body.lstrip()[:1], "text/plain")
        is_page = b"<!doctype" in answer.body[:100].lower() or b"<html" in answer.body[:100].lower()
        return answer if is_page else replace(answer, headers={**answer.headers, "content-type": kind})


@contextlib.contextmanager
def running(folder: Path) -> Iterator[Moto]:
    """Run it for the time of a block."""
    if importlib.util.find_spec("moto") is None or importlib.util.find_spec("flask") is None:
        pytest.skip(SKIP)
    ca = make("moto's server CA", ca=True)
    server = make("localhost", ca)
    for name, text in (("ca", ca.pem), ("cert", server.pem), ("key", server.key_pem())):
        (folder / f"{name}.pem").write_text(text)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    command += ["-c", str(folder / "cert.pem"), "-k", str(folder / "key.pem")]
    with (folder / "moto.log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log)
    try:
        _wait(port, process)
        yield Moto(f"https://127.0.0.1:{port}", str(folder / "ca.pem"))
    finally:
        process.terminate()
        process.wait(timeout=20)


def _wait(port: int, process: subprocess.Popen[bytes]) -> None:
    for _turn in range(300):
        if process.poll() is not None:
            raise RuntimeError(f"moto ended with {process.returncode}")
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return
        time.sleep(0.1)
    raise RuntimeError("moto did not begin to listen")
