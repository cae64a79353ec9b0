# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""EST's words in ours, without a server: PKCS#7 of other tools, and attributes of CSRs, whole and broken."""

from __future__ import annotations

import base64
import pathlib
import subprocess

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.edgecert.clm.plugins.module_utils._ca import est_wire as wire
from ansible_collections.edgecert.clm.plugins.module_utils._core.errors import RemoteError
from ansible_collections.edgecert.clm.plugins.module_utils._pki.x509 import certificate_facts
from ansible_collections.edgecert.clm.tests.support.csrs import KEYS, make_csr
from ansible_collections.edgecert.clm.tests.support.lab_pki import make


@pytest.mark.filterwarnings("error")
def test_pkcs7_that_openssl_made_is_read(tmp_path: pathlib.Path) -> None:
    """Second opinion: what a server with another library answers, its certificates not sorted as DER has sets."""
    root = make("Root", ca=True)
    (tmp_path / "all.pem").write_text(make("leaf", root).pem + root.pem)
    for form in ("DER", "PEM"):
        command = ["openssl", "crl2pkcs7", "-nocrl", "-certfile", "all.pem", "-outform", form]
        made = subprocess.run(command, cwd=tmp_path, capture_output=True, check=True).stdout
        for content in (made, base64.b64encode(made), base64.encodebytes(made)) if form == "DER" else (made,):
            found = wire.certificates(content, "answer")
            assert {certificate_facts(one).subject for one in found} == {"CN=leaf", "CN=Root"}


@pytest.mark.parametrize("content", [b"", b"no base64!", b"\x30\x03\x02\x01\x01", base64.b64encode(b"\x30\x00"), b"{}"])
def test_what_is_no_pkcs7_says_nothing_about_the_order(content: bytes) -> None:
    with pytest.raises(RemoteError) as caught:
        wire.certificates(content, "answer")
    assert caught.value.code == "not_pkcs7" and caught.value.status is None


def test_the_leaf_is_the_certificate_of_the_csrs_key() -> None:
    root = make("Root", ca=True)
    leaf, other = make("leaf", root), make("other", root)
    spki = certificate_facts(leaf.pem).key.spki_sha256
    assert wire.leaf_of([root.pem, other.pem, leaf.pem], spki) == leaf.pem
    assert wire.leaf_of([root.pem, other.pem], spki) == other.pem, "another key is for its keeper to refuse"
    assert wire.leaf_of([root.pem], spki) == root.pem


def test_a_csr_is_sent_as_one_line_that_openssl_reads() -> None:
    """RFC 8951: base64 of RFC 4648 §4."""
    body = wire.csr_body(make_csr(KEYS["rsa"]()))
    command = ["openssl", "req", "-inform", "DER", "-noout", "-verify"]
    done = subprocess.run(command, input=base64.b64decode(body, validate=True), capture_output=True, check=False)
    assert done.returncode == 0 and b"\n" not in body


@pytest.mark.parametrize(
    ("der", "told"),
    [
        ("3000", []),
        ("300b06092a864886f70d010907", ["challengePassword"]),
        ("3009060760857601020304", ["2.16.758.1.2.3.4"]),
        ("3014301206072a8648ce3d0201310706052b81040022", ["EC keys (secp384r1)"]),
        ("3015301306092a864886f70d0101013106020210000c00", ["RSA keys (4096, )"]),
        ("300f300d06092a864886f70d0109073100", ["challengePassword"]),
    ],
)
def test_wishes_of_a_server_are_read(der: str, told: list[str]) -> None:
    """RFC 7030 §4.5.2."""
    assert wire.wishes(bytes.fromhex(der)) == told
    assert wire.wishes(base64.encodebytes(bytes.fromhex(der))) == told


@given(st.binary(max_size=60))
def test_broken_wishes_are_told_and_nothing_else(content: bytes) -> None:
    for one in (content, b"\x30" + bytes([len(content)]) + content):
        check = wire.wishes_told(200, one)
        assert check.passed and check.detail


def test_only_plain_text_is_taken_for_what_a_server_says() -> None:
    assert wire.said({"content-type": "text/plain"}, " held for review\nby two ") == "held for review"
    assert wire.said({}, "held") == "held"
    assert wire.said({"content-type": "application/json"}, "{}") == ""
