# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A real Pebble on loopback, over TLS, with its own DNS and web server, in which actions can be taken.

Started and stopped by the tests that use it; they are skipped, by this name, where it is not installed.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import ssl
import subprocess
import time
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.edgecert.clm.plugins.module_utils._ca.answer_base import Action
from ansible_collections.edgecert.clm.tests.support.lab_pki import make
from ansible_collections.edgecert.clm.tests.support.ports import free_port

SKIP = "Pebble is not installed (Debian: apt-get install pebble)"
EAB_KID, EAB_KEY = "kid-1", "zWNDZM6eQGHWpSRTPal5eIUYFTu7EajVIoguysqZ9wG44nMEtx3MUAsUDkMTQ12W"
DAYS = 90


@dataclass
class Pebble:
    """A running server.

    :ivar url: of its directory; ``ca_path`` the file that it is trusted by.
    :ivar dns: address of the name server it asks, as ``127.0.0.1:5353``; ``http_port`` where it looks for http-01.
    :ivar published: TXT records by name.
    """

    url: str
    ca_path: str
    dns: str
    http_port: int
    management: str
    helper: str
    log: Path
    published: dict[str, set[str]] = field(default_factory=dict)

    def options(self, **changes: Any) -> dict[str, Any]:
        """Give the options of an account."""
        looked = {"dns_servers": [self.dns], "http_port": self.http_port}
        return {"url": self.url, "ca_path": self.ca_path, "terms_agreed": True, **looked, **changes}

    def act(self, actions: Sequence[Action]) -> None:
        """Do what the CA wants to see done, and undo what earlier orders wanted: an answer of its DNS has to fit.

        What is there already is left alone: the CA may look at it now.
        """
        wanted: dict[str, set[str]] = {}
        for action in actions:
            if action.kind == "dns-01":
                wanted.setdefault(action.name, set()).add(action.value)
            else:
                token = action.name.rsplit("/", 1)[1]
                self.tell("add-http01", {"token": token, "content": action.value})
        for name, values in wanted.items():
            if not values <= self.published.get(name, set()):
                self.tell("clear-txt", {"host": f"{name}."})
                for value in values:
                    self.tell("set-txt", {"host": f"{name}.", "value": value})
                self.published[name] = values

    def tell(self, what: str, body: Mapping[str, Any]) -> None:
        """Set up the helper's DNS or web server."""
        request = urllib.request.Request(f"{self.helper}/{what}", json.dumps(body).encode(), method="POST")
        with urllib.request.urlopen(request, timeout=30) as answer:
            answer.read()

    def orders(self) -> int:
        """Count the orders it took."""
        return self.log.read_text().count("Added order ")

    def root(self, number: int = 0) -> str:
        """Give one of its roots, PEM."""
        context = ssl.create_default_context(cafile=self.ca_path)
        with urllib.request.urlopen(f"{self.management}/roots/{number}", timeout=30, context=context) as answer:
            return str(answer.read().decode())


@contextlib.contextmanager
def running(
    folder: Path, *, binding: bool = False, name_server: str = "", settings: Mapping[str, str] | None = None
) -> Iterator[Pebble]:
    """Run a server for the time of a block.

    :param name_server: that it asks, address and port; its own helper's where it is left out.
    :param binding: accounts have to be bound to one elsewhere.
    :param settings: more of them, by the name of an environment variable.
    """
    if not shutil.which("pebble") or not shutil.which("pebble-challtestsrv"):
        pytest.skip(SKIP)
    ca = make("Pebble test CA", ca=True)
    server = make("localhost", ca)
    for name, text in (("ca", ca.pem), ("cert", server.pem), ("key", server.key_pem())):
        (folder / f"{name}.pem").write_text(text)
    acme, management, dns, http, tls, helper = (free_port() for _one in range(6))
    config: dict[str, Any] = {
        "listenAddress": f"127.0.0.1:{acme}",
        "managementListenAddress": f"127.0.0.1:{management}",
        "certificate": str(folder / "cert.pem"),
        "privateKey": str(folder / "key.pem"),
        "httpPort": http,
        "tlsPort": tls,
        "externalAccountBindingRequired": binding,
        "certificateValidityPeriod": DAYS * 86400,
    }
    if binding:
        config["externalAccountMACKeys"] = {EAB_KID: EAB_KEY}
    (folder / "pebble.json").write_text(json.dumps({"pebble": config}))
    helping = ["pebble-challtestsrv", "-defaultIPv6", "", "-defaultIPv4", "127.0.0.1", "-https01", ""]
    helping += ["-dns01", f"127.0.0.1:{dns}", "-http01", f"127.0.0.1:{http}", "-tlsalpn01", f"127.0.0.1:{tls}"]
    helping += ["-management", f"127.0.0.1:{helper}"]
    serving = ["pebble", "-config", str(folder / "pebble.json"), "-dnsserver", name_server or f"127.0.0.1:{dns}"]
    found = Pebble(
        f"https://127.0.0.1:{acme}/dir",
        str(folder / "ca.pem"),
        name_server or f"127.0.0.1:{dns}",
        http,
        f"https://127.0.0.1:{management}",
        f"http://127.0.0.1:{helper}",
        folder / "pebble.log",
    )
    environment = {**os.environ, "PEBBLE_VA_NOSLEEP": "1", **(settings or {})}
    with found.log.open("w") as log, (folder / "helper.log").open("w") as other:
        processes = [
            subprocess.Popen(helping, stdout=other, stderr=other),
            subprocess.Popen(serving, stdout=log, stderr=log, env=environment),
        ]
    try:
        _wait(found, processes)
        yield found
    finally:
        for process in processes:
            process.terminate()
        for process in processes:
            process.wait(timeout=30)


def _wait(pebble: Pebble, processes: Sequence[subprocess.Popen[bytes]]) -> None:
    context = ssl.create_default_context(cafile=pebble.ca_path)
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline and all(one.poll() is None for one in processes):
        with contextlib.suppress(OSError):
            urllib.request.urlopen(pebble.url, timeout=5, context=context).close()
            pebble.tell("clear-txt", {"host": "nothing.example.com."})
            return
        time.sleep(0.1)
    raise RuntimeError(f"Pebble did not start: {pebble.log.read_text()[-2000:]}")
