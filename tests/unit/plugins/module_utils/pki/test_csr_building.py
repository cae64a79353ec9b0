# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""CSRs as they are written; openssl is the second opinion (E6, E13, E16)."""

from __future__ import annotations

import base64
import subprocess
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.edgecert.clm.plugins.module_utils._core.csr_spec import UPN_OID, CsrSpec
from ansible_collections.edgecert.clm.plugins.module_utils._core.errors import InputError
from ansible_collections.edgecert.clm.plugins.module_utils._core.redact import Secret
from ansible_collections.edgecert.clm.plugins.module_utils._pki.csr_building import build_csr, der_utf8
from ansible_collections.edgecert.clm.plugins.module_utils._pki.x509 import asn1_utf8, csr_facts

FULL = CsrSpec(
    common_name="www.example.com",
    dns_names=("www.example.com", "*.example.com"),
    ip_addresses=("192.0.2.1", "2001:db8::1"),
    emails=("ops@example.com",),
    uris=("spiffe://example.com/edge",),
    other_names=((UPN_OID, "jörg@example.com"),),
    directory_names=("CN=edge,O=Example\\, Ltd.,C=DE",),
    organization="Example AG",
    organizational_unit="Edge",
    locality="München",
    state_or_province="Bayern",
    country="DE",
    email="pki@example.com",
    extensions={
        "key_usage": ["digital_signature", "key_encipherment"],
        "extended_key_usage": ["server_auth", "1.3.6.1.5.5.7.3.2"],
        "must_staple": True,
        "custom": [{"oid": "1.3.6.1.4.1.311.20.2", "value": base64.b64encode(b"\x0c\x03Web").decode()}],
    },
)


class KeptRsa(rsa.RSAPrivateKey):
    """A key whose private part cannot be had: only signing and what is public works, as in a token."""

    def __init__(self) -> None:
        self._key = rsa.generate_private_key(65537, 2048)

    def public_key(self) -> rsa.RSAPublicKey:
        return self._key.public_key()

    @property
    def key_size(self) -> int:
        return self._key.key_size

    def sign(self, data: Any, padding: Any, algorithm: Any) -> bytes:
        return self._key.sign(data, padding, algorithm)

    def decrypt(self, ciphertext: bytes, padding: Any) -> bytes:
        raise AssertionError("a CSR decrypts nothing")

    def private_numbers(self) -> rsa.RSAPrivateNumbers:
        raise AssertionError("the key cannot be read out")

    def private_bytes(self, encoding: Any, format: Any, encryption_algorithm: Any) -> bytes:
        raise AssertionError("the key cannot be read out")

    def __copy__(self) -> KeptRsa:
        return self

    def __deepcopy__(self, memo: Any) -> KeptRsa:
        return self


def shown(text: str) -> str:
    command = ["openssl", "req", "-verify", "-noout", "-text", "-nameopt", "utf8,sep_comma_plus", "-in", "-"]
    done = subprocess.run(command, input=text, capture_output=True, text=True, check=True)
    assert "verify OK" in done.stdout + done.stderr
    return done.stdout


def test_openssl_reads_back_all_that_was_asked_for() -> None:
    """E13, E14, E16: every category of names, the subject, extensions and the challenge password."""
    text = shown(build_csr(FULL, ec.generate_private_key(ec.SECP384R1()), Secret("Chall3nge!")))
    for part in (
        "DNS:www.example.com, DNS:*.example.com, IP Address:192.0.2.1, IP Address:2001:DB8:0:0:0:0:0:1",
        "email:ops@example.com, URI:spiffe://example.com/edge",
        "DirName:/C=DE/O=Example, Ltd./CN=edge",
        "C=DE,ST=Bayern,L=München,O=Example AG,OU=Edge,CN=www.example.com,emailAddress=pki@example.com",
        "challengePassword",
        "Chall3nge!",
        "Digital Signature, Key Encipherment",
        "TLS Web Server Authentication, TLS Web Client Authentication",
        "status_request",
        "1.3.6.1.4.1.311.20.2",
        "ASN1 OID: secp384r1",
    ):
        assert part in text, part
    # Older ones do not know the value of an otherName.
    assert "jörg@example.com" in text or "othername: UPN::<unsupported>" in text


@pytest.mark.parametrize(
    ("key", "hash_name", "signature"),
    [
        (rsa.generate_private_key(65537, 2048), "sha512", "sha512"),
        (ec.generate_private_key(ec.SECP256R1()), "sha384", "sha384"),
        (ec.generate_private_key(ec.SECP521R1()), "sha256", "sha256"),
        (ed25519.Ed25519PrivateKey.generate(), "sha512", ""),
        (KeptRsa(), "sha256", "sha256"),
    ],
    ids=["rsa", "p256", "p521", "ed25519", "kept"],
)
def test_each_kind_of_key_signs_even_when_it_cannot_be_read_out(key: Any, hash_name: str, signature: str) -> None:
    """E6, E8, E17: only the public key and signing are used; Ed25519 takes no hash."""
    text = build_csr(CsrSpec("a.example.com", ("a.example.com",), hash_name=hash_name), key)
    shown(text)
    facts = csr_facts(text)
    assert facts.is_signature_valid and facts.signature_hash == signature
    assert facts.sans.dns == ("a.example.com",) and facts.common_name == "a.example.com"
    assert not x509.load_pem_x509_csr(text.encode()).attributes or "challenge" not in text


@given(st.text(max_size=300))
def test_utf8_strings_read_back(text: str) -> None:
    """E13: an otherName's value reads back as it was given."""
    assert asn1_utf8(der_utf8(text)) == text


@pytest.mark.parametrize("size", [0, 1, 127, 128, 255, 256, 65535, 65536])
def test_utf8_strings_are_der_at_every_length(size: int) -> None:
    """E13: openssl is the second opinion on the length that stands before the value."""
    der = der_utf8("x" * size)
    done = subprocess.run(["openssl", "asn1parse", "-inform", "DER"], input=der, capture_output=True, check=True)
    [line] = done.stdout.decode().splitlines()
    assert f"l={size:4d} prim: UTF8STRING" in line


@pytest.mark.parametrize("der", [b"", b"\x0c", b"\x13\x01u", b"\x0c\x02u", b"\x0c\x01\xff", b"\x0c\x81"])
def test_what_is_no_utf8_string_is_not_read_as_one(der: bytes) -> None:
    """E13."""
    with pytest.raises(ValueError):
        asn1_utf8(der)


@pytest.mark.parametrize(
    ("extensions", "said"),
    [
        ({"key_usage": ["sign"]}, "key usage sign is not known"),
        ({"key_usage": ["encipher_only"]}, "go with key_agreement"),
        ({"extended_key_usage": ["web"]}, "'web' is neither a known word"),
        ({"custom": [{"oid": "1.2.3.4", "value": "%%"}]}, "not base64"),
        ({"custom": [{"oid": "1.2.3.4", "value": "AQID"}]}, "not base64 of DER"),
        ({"custom": [{"oid": "1.2.3.4", "value": "MAMCAgE="}]}, "not base64 of DER"),
        ({"custom": [{"oid": "1.2.3.4", "value": "BQA="}] * 2}, "extension 1.2.3.4 is given 2 times"),
        ({"custom": [{"oid": "2.5.29.17", "value": "MAA="}]}, "is written by subject_alternative_names"),
        ({"custom": [{"oid": "2.5.29.15", "value": "AwIFoA=="}]}, "is written by extensions.key_usage"),
        ({"custom": [{"oid": "2.5.29.19", "value": "BQA="}]}, "is not what that extension holds"),
        ({"custom": [{"oid": "2.5.29.19", "value": "MAMBAf8="}]}, "asks for basicConstraints CA:TRUE"),
        ({"staple": True}, "extension 'staple' is not known"),
    ],
)
def test_extension_that_cannot_be_written_is_refused(extensions: dict[str, Any], said: str) -> None:
    spec = CsrSpec("a.example.com", ("a.example.com",), extensions={**extensions, "x": 1})
    with pytest.raises(InputError, match="extension 'x' is not known") as caught:
        build_csr(spec, ed25519.Ed25519PrivateKey.generate())
    assert said in caught.value.message


def test_directory_name_that_cannot_be_read_is_refused() -> None:
    spec = CsrSpec("a.example.com", ("a.example.com",), directory_names=("no name",))
    with pytest.raises(InputError, match="'no name' cannot be read"):
        build_csr(spec, ed25519.Ed25519PrivateKey.generate())
