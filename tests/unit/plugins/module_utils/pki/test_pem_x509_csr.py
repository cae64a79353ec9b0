# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""PEM texts and the facts of certificates and CSRs; openssl is the second opinion."""

from __future__ import annotations

import ipaddress
import re
import subprocess
import sys
from datetime import timezone
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed25519, rsa
from cryptography.x509.oid import NameOID
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.edgecert.clm.plugins.module_utils._core.errors import InputError, MissingLibrary
from ansible_collections.edgecert.clm.plugins.module_utils._pki import csr, pem
from ansible_collections.edgecert.clm.plugins.module_utils._pki.x509 import certificate_facts, csr_facts


def openssl(*arguments: str, text: str) -> str:
    done = subprocess.run(["openssl", *arguments], input=text, capture_output=True, text=True, check=True)
    return done.stdout + done.stderr


@given(st.lists(st.binary(min_size=1, max_size=200), max_size=4), st.sampled_from(["\n", "\r\n", "\r"]))
def test_what_is_joined_is_split_again(ders: list[bytes], line_end: str) -> None:
    pems = tuple(pem.Block("CERTIFICATE", der).pem for der in ders)
    text = "\ufeff# a comment" + line_end + pem.join(pems).replace("\n", line_end)
    assert pem.split_certificates(text) == pems


def test_pem_is_written_as_openssl_writes_it(tree: Any) -> None:
    one_line = "-----BEGIN X509 CERTIFICATE-----\n" + "".join(tree.leaf.pem.splitlines()[1:-1])
    text = one_line + "\n-----END X509 CERTIFICATE-----"
    assert pem.one_certificate(text) == openssl("x509", text=tree.leaf.pem) == tree.leaf.pem


def test_joined_chain_has_no_blank_line(tree: Any) -> None:
    """CPS §3.5: PEM concatenated, no blank tail."""
    text = pem.join([tree.lower.pem + "\n\n", "", tree.upper.pem.replace("\n", "\r\n")]).replace("\r\n", "\n")
    assert "\n\n" not in text and text.count("BEGIN") == 2 and text.endswith("-----\n")
    assert pem.join([]) == ""


@pytest.mark.parametrize("label", ["PRIVATE KEY", "RSA PRIVATE KEY", "EC PRIVATE KEY", "ENCRYPTED PRIVATE KEY"])
@pytest.mark.parametrize("is_cut", [False, True])
def test_private_key_is_refused_and_never_shown(tree: Any, label: str, is_cut: bool) -> None:
    secret = "c2VjcmV0IGtleSBtYXRlcmlhbA=="
    text = f"{tree.leaf.pem}-----BEGIN {label}-----\n{secret}\n" + ("" if is_cut else f"-----END {label}-----\n")
    for read in (pem.one_certificate, pem.one_csr, pem.split_certificates):
        with pytest.raises(InputError) as caught:
            read(text)
        assert caught.value.code == "private_key_given"
        assert secret not in f"{caught.value!r}{caught.value.details}"
    assert secret not in repr(pem.Block(label, b"secret key material"))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "no block"),
        ("hello", "no block"),
        ("-----BEGIN CERTIFICATE-----\nAAAA", "cut off"),
        ("-----BEGIN CERTIFICATE-----\nA*A\n-----END CERTIFICATE-----", "is not base64"),
        ("-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----", "is empty"),
        ("-----BEGIN CERTIFICATE-----\nAAAA\n-----END PKCS7-----", "begins as CERTIFICATE ends as PKCS7"),
        ("-----BEGIN PKCS7-----\nAAAA\n-----END PKCS7-----", "a block PKCS7"),
        ("-----BEGIN CERTIFICATE REQUEST-----\nAAAA\n-----END CERTIFICATE REQUEST-----", "CERTIFICATE REQUEST"),
    ],
)
def test_text_that_is_no_certificate_is_told(text: str, words: str) -> None:
    with pytest.raises(InputError, match=re.escape(words)):
        pem.one_certificate(text)


def test_two_certificates_are_not_one(tree: Any) -> None:
    with pytest.raises(InputError, match="2 blocks"):
        pem.one_certificate(tree.leaf.pem + tree.lower.pem)


def test_bytes_that_are_no_certificate_are_told() -> None:
    with pytest.raises(InputError, match=r"not an X\.509 certificate"):
        certificate_facts(pem.Block("CERTIFICATE", b"hello").pem)
    with pytest.raises(InputError, match="not a PKCS#10 request"):
        csr_facts(pem.Block("CERTIFICATE REQUEST", b"hello").pem)


def test_facts_are_those_that_openssl_tells(tree: Any) -> None:
    facts = certificate_facts(tree.leaf.pem)
    told = openssl("x509", "-noout", "-fingerprint", "-sha256", "-serial", "-subject", "-issuer", text=tree.leaf.pem)
    fingerprint = re.search(r"Fingerprint=(\S+)", told)
    serial = re.search(r"serial=(\S+)", told)
    assert fingerprint and facts.fingerprint == fingerprint.group(1).replace(":", "").lower()
    assert serial and facts.serial == serial.group(1).lower()
    assert facts.subject == "CN=www.example.com" and facts.issuer == "CN=Test Lower CA"
    assert facts.issuer_common_name == "Test Lower CA"
    assert facts.sans.dns == ("www.example.com", "*.example.com") and facts.sans.count == 2
    assert facts.not_before.tzinfo == timezone.utc
    assert not facts.is_ca and not facts.is_self_signed
    assert certificate_facts(tree.root.pem).is_ca and certificate_facts(tree.root.pem).is_self_signed


@pytest.mark.parametrize(
    ("key", "algorithm", "size", "curve", "is_fit"),
    [
        (rsa.generate_private_key(65537, 2048), "RSA", 2048, "", True),
        (rsa.generate_private_key(65537, 1024), "RSA", 1024, "", False),
        (ec.generate_private_key(ec.SECP256R1()), "ECDSA", 256, "secp256r1", True),
        (ec.generate_private_key(ec.SECP384R1()), "ECDSA", 384, "secp384r1", True),
        (ec.generate_private_key(ec.SECP224R1()), "ECDSA", 224, "secp224r1", False),
        (ed25519.Ed25519PrivateKey.generate(), "Ed25519", None, "", True),
        (dsa.generate_private_key(2048), "DSA", 2048, "", False),
    ],
)
def test_kinds_of_keys_are_told_and_weak_ones_refused(
    key: Any, algorithm: str, size: int | None, curve: str, is_fit: bool
) -> None:
    """E7: key strength."""
    builder = x509.CertificateSigningRequestBuilder().subject_name(x509.Name([]))
    digest = None if algorithm == "Ed25519" else hashes.SHA256()
    text = builder.sign(key, digest).public_bytes(serialization.Encoding.PEM).decode()
    facts = csr_facts(text)
    assert (facts.key.algorithm, facts.key.size, facts.key.curve) == (algorithm, size, curve)
    assert facts.is_signature_valid
    assert "verify OK" in openssl("req", "-verify", "-noout", text=text)
    assert (csr.strength_problems(facts) == []) is is_fit


def broken(text: str) -> str:
    """Change one letter of the common name; the signature no longer fits."""
    der = bytearray(pem.der_of(text))
    der[der.index(b"www.example.com")] = ord("v")
    return pem.Block("CERTIFICATE REQUEST", bytes(der)).pem


def test_csr_whose_signature_does_not_fit_is_refused(pki: Any) -> None:
    """E7: the signature is checked, as openssl checks it."""
    text = broken(pki.csr(pki.key()))
    [problem] = csr.strength_problems(csr_facts(text))
    assert "signature was not made by the key it names" in problem
    done = subprocess.run(
        ["openssl", "req", "-verify", "-noout"], input=text, capture_output=True, text=True, check=False
    )
    assert "OK" not in done.stdout + done.stderr


def test_csr_from_elsewhere_is_held_against_what_was_asked_for(pki: Any) -> None:
    """E9, E10: names and kind of key."""
    names = ("www.example.com", "b.example.com")
    good = csr_facts(pki.csr(pki.key(), dns=names))
    asked: dict[str, Any] = {"common_name": "www.example.com", "dns_names": names, "key_algorithm": "ECDSA"}
    assert csr.csr_problems(good, **asked) == ()
    assert csr.csr_problems(good, **{**asked, "key_algorithm": "RSA"}) == (
        "its key is of the kind ECDSA, RSA was asked for",
    )
    assert csr.csr_problems(good, **{**asked, "dns_names": ("WWW.example.com", "c.example.com")}) == (
        "it lacks the names c.example.com",
        "it has names that were not asked for: b.example.com",
    )
    assert csr.csr_problems(good, **{**asked, "common_name": "b.example.com"}) == (
        "its common name is 'www.example.com', 'b.example.com' was asked for",
    )


def test_csr_without_names_is_fine_only_where_that_was_asked_for(pki: Any) -> None:
    bare = csr_facts(pki.csr(pki.key()))
    asked: dict[str, Any] = {"common_name": "www.example.com", "dns_names": ("www.example.com",)}
    assert csr.csr_problems(bare, **asked, may_omit_sans=True) == ()
    assert csr.csr_problems(bare, **asked) == ("it lacks the names www.example.com",)


def test_a_csr_for_a_key_that_was_used_before_is_told(pki: Any) -> None:
    """E3, E4: whatever else the CSRs say."""
    key = pki.key()
    before, again = pki.csr(key, dns=("www.example.com",)), pki.csr(key)
    assert csr.same_key(before, again) and csr.same_key(before, before)
    assert not csr.same_key(before, pki.csr(pki.key(), dns=("www.example.com",)))


def test_all_kinds_of_names_and_subject_fields_are_read() -> None:
    """E13, E14."""
    key = ec.generate_private_key(ec.SECP256R1())
    oids = {
        NameOID.COUNTRY_NAME: "US",
        NameOID.ORGANIZATION_NAME: "Example, Ltd",
        NameOID.EMAIL_ADDRESS: "a@example.com",
        NameOID.COMMON_NAME: "www.example.com",
    }
    names = [
        x509.DNSName("www.example.com"),
        x509.IPAddress(ipaddress.ip_address("2001:db8::1")),
        x509.RFC822Name("b@example.com"),
        x509.UniformResourceIdentifier("https://example.com/"),
        x509.DirectoryName(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "x")])),
        x509.OtherName(x509.ObjectIdentifier("1.3.6.1.4.1.311.20.2.3"), b"\x0c\x01u"),
    ]
    text = (
        x509.CertificateSigningRequestBuilder()
        .subject_name(x509.Name([x509.NameAttribute(oid, value) for oid, value in oids.items()]))
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .sign(key, hashes.SHA384())
        .public_bytes(serialization.Encoding.PEM)
        .decode()
    )
    facts = csr_facts(text)
    assert facts.subject_fields == {"country": "US", "organization": "Example, Ltd", "email": "a@example.com"}
    assert facts.sans.ips == ("2001:db8::1",) and facts.sans.emails == ("b@example.com",)
    assert facts.sans.uris == ("https://example.com/",)
    assert facts.sans.others == ("directory:CN=x", "other:1.3.6.1.4.1.311.20.2.3:u")
    assert facts.signature_hash == "sha384" and facts.sans.count == 6


def test_missing_library_is_told_with_what_needs_it(tree: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "cryptography", None)
    with pytest.raises(MissingLibrary, match="cryptography is needed for reading certificates"):
        certificate_facts(tree.leaf.pem)
