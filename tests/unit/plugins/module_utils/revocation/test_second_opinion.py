# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A second opinion: answers of OpenSSL's responder, and CRLs that OpenSSL signed, fetched by HTTP and read by us."""

from __future__ import annotations

import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timezone
from pathlib import Path

import pytest

from ansible_collections.edgecert.clm.plugins.module_utils._core.errors import InputError, TransportError
from ansible_collections.edgecert.clm.plugins.module_utils._http.transport import RequestsTransport
from ansible_collections.edgecert.clm.plugins.module_utils._pki.revocation import (
    Finding,
    ocsp_request,
    read_ocsp,
    subject_of,
)
from ansible_collections.edgecert.clm.plugins.module_utils._pki.revocation_lists import RevocationList
from ansible_collections.edgecert.clm.plugins.module_utils._revocation.documents import HttpDocuments
from ansible_collections.edgecert.clm.tests.support.document_host import document_host
from ansible_collections.edgecert.clm.tests.support.ports import free_port

CONFIG = """
[ca]
default_ca = lab
[lab]
dir = {folder}
database = $dir/index.txt
new_certs_dir = $dir
certificate = $dir/ca.pem
private_key = $dir/ca.key
serial = $dir/serial
crlnumber = $dir/crlnumber
default_md = sha256
default_days = 30
default_crl_days = 7
policy = any
copy_extensions = copy
[any]
commonName = supplied
[leaf]
authorityInfoAccess = OCSP;URI:http://127.0.0.1:{ocsp}/
crlDistributionPoints = URI:http://127.0.0.1:{web}/ca.crl
[signer]
extendedKeyUsage = OCSPSigning
[root]
basicConstraints = critical,CA:true
keyUsage = critical,keyCertSign,cRLSign,digitalSignature
"""
NAMES = ("good", "bad", "held", "signer")

pytestmark = pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl is not installed")


class OpensslCa:
    """A CA that is OpenSSL alone."""

    def __init__(self, folder: Path, web: int) -> None:
        self.folder, self.port = folder, free_port()
        (folder / "index.txt").touch()
        (folder / "serial").write_text("1000\n")
        (folder / "crlnumber").write_text("01\n")
        (folder / "c.cnf").write_text(CONFIG.format(folder=folder, ocsp=self.port, web=web))
        new = ("req", "-config", "c.cnf", "-newkey", "rsa:2048", "-nodes")
        (folder / "c.cnf").open("a").write("[req]\ndistinguished_name = dn\n[dn]\n")
        self.run(*new, "-x509", "-extensions", "root", "-subj", "/CN=OpenSSL CA", "-keyout", "ca.key", "-out", "ca.pem")
        for name in NAMES:
            self.run(*new, "-subj", f"/CN={name}.example.com", "-keyout", f"{name}.key", "-out", f"{name}.csr")
            kind = ("-extensions", "signer" if name == "signer" else "leaf")
            self.run("ca", "-config", "c.cnf", "-batch", *kind, "-in", f"{name}.csr", "-out", f"{name}.pem")
        self.run("ca", "-config", "c.cnf", "-revoke", "bad.pem", "-crl_reason", "keyCompromise")
        self.run("ca", "-config", "c.cnf", "-revoke", "held.pem", "-crl_hold", "holdInstructionReject")

    def run(self, *arguments: str) -> None:
        """Run OpenSSL."""
        subprocess.run(("openssl", *arguments), cwd=self.folder, check=True, capture_output=True)

    def crl(self) -> bytes:
        """Have it sign its CRL, PEM."""
        self.run("ca", "-config", "c.cnf", "-gencrl", "-out", "ca.crl")
        return (self.folder / "ca.crl").read_bytes()

    @contextmanager
    def responder(self, signer: str) -> Iterator[None]:
        """Run its responder for a block."""
        command = ("openssl", "ocsp", "-index", "index.txt", "-port", str(self.port), "-CA", "ca.pem", "-ndays", "1")
        key = ("-rsigner", f"{signer}.pem", "-rkey", f"{signer}.key")
        running = subprocess.Popen(
            (*command, *key), cwd=self.folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        try:
            yield
        finally:
            running.terminate()
            running.wait()


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OpensslCa]:
    with document_host() as host:
        made = OpensslCa(tmp_path_factory.mktemp("openssl"), host.port)
        host.pages["/ca.crl"] = made.crl()
        yield made


def by_responder(ca: OpensslCa, name: str) -> Finding:
    """Ask, as long as the responder is not up."""
    seen = subject_of((ca.folder / f"{name}.pem").read_text(), [(ca.folder / "ca.pem").read_text()])
    [url] = seen.ocsp
    for _try in range(50):
        try:
            content = HttpDocuments(RequestsTransport).fetch(url, ocsp_request(seen), "application/ocsp-request")
            return read_ocsp(content, seen, url, datetime.now(timezone.utc))
        except TransportError:
            time.sleep(0.1)
    raise AssertionError("the responder does not answer")


def by_list(ca: OpensslCa, name: str) -> Finding:
    """Fetch the CRL, and look."""
    seen = subject_of((ca.folder / f"{name}.pem").read_text(), [(ca.folder / "ca.pem").read_text()])
    assert seen.issuer is not None
    [point] = seen.points
    content = HttpDocuments(RequestsTransport).fetch(point.url)
    return RevocationList(content, seen.issuer, point.url, datetime.now(timezone.utc)).finding(seen, point)


def told(found: Finding) -> tuple[str, str]:
    """Give what counts."""
    return found.state, found.reason


@pytest.mark.parametrize("signer", ["ca", "signer"])
def test_openssls_responder_is_understood(world: OpensslCa, signer: str) -> None:
    """E4: good, revoked and on hold, signed by the CA itself and by a responder that it certified."""
    with world.responder(signer):
        assert told(by_responder(world, "good")) == ("good", "")
        assert told(by_responder(world, "bad")) == ("revoked", "key_compromise")
        assert told(by_responder(world, "held")) == ("suspended", "")


def test_a_responder_that_the_ca_did_not_certify_is_not_believed(world: OpensslCa) -> None:
    with world.responder("good"), pytest.raises(InputError, match="signed neither by the issuer"):
        by_responder(world, "good")


def test_openssls_crl_is_understood(world: OpensslCa) -> None:
    """E4."""
    assert told(by_list(world, "good")) == ("good", "")
    assert told(by_list(world, "bad")) == ("revoked", "key_compromise")
    assert told(by_list(world, "held")) == ("suspended", "")
