# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Keys of a token in the shape of cryptography's own, over a token that does with a software key what PKCS#11 says.

SoftHSM has every mechanism; other tokens lack those that hash, or the bare ones. What is signed has to be the same.
"""

from __future__ import annotations

import hashlib
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa, utils

from ansible_collections.edgecert.clm.plugins.module_utils._core.csr_spec import CsrSpec
from ansible_collections.edgecert.clm.plugins.module_utils._core.errors import StateError
from ansible_collections.edgecert.clm.plugins.module_utils._pki.csr_building import build_csr
from ansible_collections.edgecert.clm.plugins.module_utils._pki.x509 import csr_facts
from ansible_collections.edgecert.clm.plugins.module_utils._token.kinds import DIGEST_INFO
from ansible_collections.edgecert.clm.plugins.module_utils._token.private_keys import as_private_key

pytest.importorskip("pkcs11", reason="python-pkcs11, of requirements-hsm.txt, is not installed")
SPEC = CsrSpec("www.example.com", ("www.example.com",))


class RsaObject:
    """A private key object: RSA_PKCS pads what it is given, SHAn_RSA_PKCS hashes before."""

    def __init__(self, key: rsa.RSAPrivateKey) -> None:
        self.key, self.used = key, ""

    def sign(self, data: bytes, mechanism: Any) -> bytes:
        self.used = mechanism.name
        if self.used != "RSA_PKCS":
            name = self.used.partition("_")[0].lower()
            data = DIGEST_INFO[name] + hashlib.new(name, data).digest()
        numbers, size = self.key.private_numbers(), self.key.key_size // 8
        padded = b"\x00\x01" + b"\xff" * (size - len(data) - 3) + b"\x00" + data
        return pow(int.from_bytes(padded, "big"), numbers.d, numbers.public_numbers.n).to_bytes(size, "big")


class EcObject:
    """A private key object: answers r and s side by side, each as long as the curve."""

    def __init__(self, key: ec.EllipticCurvePrivateKey) -> None:
        self.key, self.used = key, ""

    def sign(self, data: bytes, mechanism: Any) -> bytes:
        self.used = mechanism.name
        name = self.used.partition("_")[2].lower()
        digest = hashlib.new(name, data).digest() if name else data
        algorithm = {32: hashes.SHA256(), 48: hashes.SHA384(), 64: hashes.SHA512()}[len(digest)]
        signature = self.key.sign(digest, ec.ECDSA(utils.Prehashed(algorithm)))
        size = (self.key.key_size + 7) // 8
        return b"".join(part.to_bytes(size, "big") for part in utils.decode_dss_signature(signature))


@pytest.mark.parametrize("hash_name", ["sha256", "sha384", "sha512"])
@pytest.mark.parametrize("hashes_itself", [True, False])
def test_an_rsa_csr_verifies_whether_the_token_hashes_or_not(hash_name: str, hashes_itself: bool) -> None:
    """E8, E17."""
    there = {"RSA_PKCS", f"{hash_name.upper()}_RSA_PKCS"} if hashes_itself else {"RSA_PKCS"}
    private = RsaObject(rsa.generate_private_key(65537, 2048))
    key = as_private_key("RSA", private, private.key.public_key(), there, "Cannot sign")
    facts = csr_facts(build_csr(CsrSpec("a.example.com", ("a.example.com",), hash_name=hash_name), key))
    assert facts.is_signature_valid and facts.signature_hash == hash_name
    assert private.used == (f"{hash_name.upper()}_RSA_PKCS" if hashes_itself else "RSA_PKCS")


@pytest.mark.parametrize("curve", [ec.SECP256R1(), ec.SECP384R1(), ec.SECP521R1()])
@pytest.mark.parametrize("there", [{"ECDSA"}, {"ECDSA_SHA384"}])
def test_an_ec_csr_verifies_whether_the_token_hashes_or_not(curve: ec.EllipticCurve, there: set[str]) -> None:
    private = EcObject(ec.generate_private_key(curve))
    key = as_private_key("ECDSA", private, private.key.public_key(), there, "Cannot sign")
    facts = csr_facts(build_csr(CsrSpec("a.example.com", ("a.example.com",), hash_name="sha384"), key))
    assert facts.is_signature_valid and facts.key.curve == curve.name
    assert private.used in there


def test_certificates_are_signed_with_it_too() -> None:
    """An issuing CA may have its key in a token."""
    private = EcObject(ec.generate_private_key(ec.SECP256R1()))
    key = as_private_key("ECDSA", private, private.key.public_key(), {"ECDSA"}, "Cannot sign")
    now = datetime.now(timezone.utc)
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "CA")])
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    builder = builder.serial_number(1).not_valid_before(now).not_valid_after(now + timedelta(days=1))
    builder.sign(key, hashes.SHA256()).verify_directly_issued_by(builder.sign(key, hashes.SHA256()))


def test_another_padding_is_refused_and_nothing_is_signed() -> None:
    private = RsaObject(rsa.generate_private_key(65537, 2048))
    key = as_private_key("RSA", private, private.key.public_key(), {"RSA_PKCS"}, "Cannot sign")
    with pytest.raises(StateError) as caught:
        key.sign(b"x", padding.PSS(padding.MGF1(hashes.SHA256()), 32), hashes.SHA256())
    assert caught.value.code == "padding_not_taken" and private.used == ""
