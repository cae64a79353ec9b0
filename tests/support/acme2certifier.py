# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A real acme2certifier on loopback, over TLS: an ACME server with renewal information (ARI) and profiles.

A process of its own, started and stopped by the tests that use it; they are skipped, by this name, where it is not
installed. It believes every proof, as it is told to.
"""

from __future__ import annotations

import contextlib
import importlib.util
import json
import os
import ssl
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.edgecert.clm.tests.support.lab_pki import Pair, make
from ansible_collections.edgecert.clm.tests.support.ports import free_port

SKIP = "acme2certifier is not installed (pip install acme2certifier)"
PROFILES = {"tlsserver": "https://ca.example.com/docs/tlsserver", "short": "https://ca.example.com/docs/short"}
EAB_KID, EAB_KEY = "keyid_00", "V2VfbmVlZF9hbm90aGVyX3ZlcnkfbG9uZ19obWFjX3RvX2NoZWNrX2VhYl9mb3Jfa2V5aWRfMDBfYXNfbGVn"
DAYS = 90
_SERVER = """
import ssl, sys
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer
from acme2certifier.share.acme2certifier_wsgi import application

class Handler(WSGIRequestHandler):
    def get_environ(self):
        return {**super().get_environ(), "wsgi.url_scheme": "https", "HTTPS": "on"}

class Server(WSGIServer):
    address_family = 2

def serve(environ, start):
    environ["wsgi.url_scheme"] = "https"
    return application(environ, start)

server = Server(("127.0.0.1", int(sys.argv[1])), Handler)
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(sys.argv[2], sys.argv[3])
server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
server.set_app(serve)
server.serve_forever()
"""


@dataclass
class Acme2Certifier:
    """A running server.

    :ivar url: of its directory; ``ca_path`` the file that it is trusted by; ``root`` PEM of what it signs below.
    """

    url: str
    ca_path: str
    root: str
    log: Path

    def options(self, **changes: Any) -> dict[str, Any]:
        """Give the options of an account; no proof is looked at there."""
        quick = {"dcv_check": "wait", "dcv_wait_s": 0}
        account = {"eab_kid": EAB_KID, "contact": ["pki@example.com"]}
        return {"url": self.url, "ca_path": self.ca_path, **account, **quick, **changes}


@contextlib.contextmanager
def running(folder: Path) -> Iterator[Acme2Certifier]:
    """Run a server for the time of a block."""
    if importlib.util.find_spec("acme2certifier") is None:
        pytest.skip(SKIP)
    ca = make("acme2certifier's server CA", ca=True)
    server, root = make("localhost", ca), make("Signing root", ca=True, days=7000)
    issuing = make("Signing issuing", root, ca=True, days=3000)
    _write(folder, ca, server, root, issuing)
    port = free_port()
    environment = {
        **{"PATH": os.environ.get("PATH", ""), "HOME": str(folder), "PYTHONPATH": os.pathsep.join(sys.path)},
        **{"ACME_SRV_CONFIGFILE": str(folder / "acme_srv.cfg"), "ACME2CERTIFIER_BASE_DIR": str(folder)},
        "ACME2CERTIFIER_I_KNOW_THE_RISK": "1",
    }
    command = [sys.executable, str(folder / "serve.py"), str(port), str(folder / "cert.pem"), str(folder / "key.pem")]
    found = Acme2Certifier(
        f"https://127.0.0.1:{port}/directory", str(folder / "ca.pem"), root.pem, folder / "server.log"
    )
    with found.log.open("w") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log, env=environment, cwd=folder)
    try:
        _wait(found, process)
        yield found
    finally:
        process.terminate()
        process.wait(timeout=30)


def _write(folder: Path, ca: Pair, server: Pair, root: Pair, issuing: Pair) -> None:
    (folder / "certs").mkdir()
    texts = {
        **{"ca.pem": ca.pem, "cert.pem": server.pem, "key.pem": server.key_pem(), "serve.py": _SERVER},
        **{"root.pem": root.pem, "issuing.pem": issuing.pem, "issuing-key.pem": issuing.key_pem()},
        "eab.json": json.dumps({EAB_KID: EAB_KEY}),
        "acme_srv.cfg": f"""
[DEFAULT]
debug: False
[CAhandler]
handler_module: acme2certifier.cahandlers.openssl_ca_handler
issuing_ca_key: {folder}/issuing-key.pem
issuing_ca_cert: {folder}/issuing.pem
issuing_ca_crl: {folder}/crl.pem
ca_cert_chain_list: ["{folder}/root.pem"]
cert_validity_days: {DAYS}
cert_save_path: {folder}/certs
[DBhandler]
handler: wsgi
dbfile: {folder}/acme.db
[Challenge]
challenge_validation_disable: True
[EABhandler]
eab_handler_module: acme2certifier.eabhandlers.json_handler
key_file: {folder}/eab.json
[Order]
profiles: {json.dumps(PROFILES)}
""",
    }
    for name, text in texts.items():
        (folder / name).write_text(text)


def _wait(server: Acme2Certifier, process: subprocess.Popen[bytes]) -> None:
    context = ssl.create_default_context(cafile=server.ca_path)
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and process.poll() is None:
        with contextlib.suppress(OSError):
            urllib.request.urlopen(server.url, timeout=10, context=context).close()
            return
        time.sleep(0.2)
    raise RuntimeError(f"acme2certifier did not start: {server.log.read_text()[-3000:]}")
