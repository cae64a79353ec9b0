# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Signatures, proofs, chains and names of ACME: published vectors, and what the library of certbot says to them."""

from __future__ import annotations

import datetime
import json
from collections.abc import Callable
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.x509.oid import NameOID

from ansible_collections.edgecert.clm.plugins.module_utils._ca import acme_certificates, acme_jws
from ansible_collections.edgecert.clm.plugins.module_utils._ca.acme_proof import proof_of
from ansible_collections.edgecert.clm.plugins.module_utils._ca.rest import Answer
from ansible_collections.edgecert.clm.plugins.module_utils._core.errors import InputError
from ansible_collections.edgecert.clm.tests.support.csrs import KEYS, SPEC, make_csr
from ansible_collections.edgecert.clm.tests.support.fake_ca.acme_jws import checked
from ansible_collections.edgecert.clm.tests.support.fake_ca.signing import SigningCore

URL = "https://ca.example.com/new-order"
NOW = datetime.datetime(2026, 11, 23, 12, tzinfo=datetime.timezone.utc)


def pem_of(key: Any) -> str:
    """Write a key as PEM."""
    plain = serialization.NoEncryption()
    return str(key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain).decode())


KINDS: dict[str, Callable[[], Any]] = {
    "ES256": lambda: ec.generate_private_key(ec.SECP256R1()),
    "ES384": lambda: ec.generate_private_key(ec.SECP384R1()),
    "RS256": lambda: rsa.generate_private_key(65537, 2048),
}


@pytest.mark.parametrize("alg", sorted(KINDS))
def test_signatures_verify_by_two_other_implementations(alg: str) -> None:
    """RFC 7515: the library of certbot, and our fake."""
    josepy = pytest.importorskip("josepy", reason="josepy, a second opinion, is not installed")
    key = acme_jws.AccountKey(pem_of(KINDS[alg]()))
    assert key.alg == alg
    for _time in range(5):
        signed = key.jws(b'{"a": 1}', url=URL, nonce="n-1")
        assert checked(signed, {}).payload == {"a": 1}
        message = josepy.JWS.from_json(
            {"payload": signed["payload"], "signatures": [{one: signed[one] for one in ("protected", "signature")}]}
        )
        assert message.verify(josepy.JWK.from_json(dict(key.jwk)))
    other = josepy.JWK.from_json(dict(key.jwk))
    assert acme_jws.b64(other.thumbprint()) == key.thumbprint


def test_keys_of_other_kinds_are_refused_without_being_quoted() -> None:
    """Security, C rows."""
    bad = (
        rsa.generate_private_key(65537, 1024),
        ec.generate_private_key(ec.SECP521R1()),
        ed25519.Ed25519PrivateKey.generate(),
    )
    for text in (*map(pem_of, bad), "rubbish"):
        with pytest.raises(InputError, match="account_key") as caught:
            acme_jws.AccountKey(text)
        assert text.strip().splitlines()[-1] not in caught.value.message


def test_a_number_with_leading_zeros_keeps_its_length() -> None:
    """RFC 7518 §6.2.1.2: coordinates have the curve's size."""
    while True:
        key = ec.generate_private_key(ec.SECP256R1())
        if key.public_key().public_numbers().x >> 248 == 0:
            break
    found = acme_jws.AccountKey(pem_of(key))
    assert len(acme_jws.unb64(found.jwk["x"])) == 32


def test_a_signature_with_leading_zeros_keeps_its_length() -> None:
    """RFC 7518 §3.4: one in 128 has a short half."""
    key = acme_jws.AccountKey(pem_of(KINDS["ES256"]()))
    sizes = {len(acme_jws.unb64(key.jws(b"", url=URL, nonce=str(n))["signature"])) for n in range(2000)}
    assert sizes == {64}


def test_proofs_are_what_the_library_of_certbot_makes_of_them() -> None:
    """RFC 8555 §8.1 to §8.4."""
    challenges = pytest.importorskip("acme.challenges", reason="acme, a second opinion, is not installed")
    josepy = pytest.importorskip("josepy", reason="josepy, a second opinion, is not installed")
    key = KINDS["ES256"]()
    theirs, ours = josepy.JWKEC(key=key), acme_jws.AccountKey(pem_of(key))
    token = acme_jws.b64(b"x" * 32)
    same = {"url": "https://ca/1", "status": "pending", "token": token}
    told = [{"type": kind, **same} for kind in ("dns-01", "http-01")]
    authorization = {"identifier": {"type": "dns", "value": "example.com"}, "challenges": told}
    by_dns, by_http = proof_of(authorization, "dns-01", ours), proof_of(authorization, "http-01", ours)
    assert by_dns is not None and by_http is not None
    dns, http = challenges.DNS01.from_json(told[0]), challenges.HTTP01.from_json(told[1])
    assert by_dns.action.value == dns.validation(theirs)
    assert by_dns.action.name == dns.validation_domain_name("example.com")
    assert by_http.action.value == http.validation(theirs)
    assert (by_http.action.name, by_http.action.url) == (http.path, http.uri("example.com"))


def test_a_binding_is_what_the_library_of_certbot_makes_of_it() -> None:
    """RFC 8555 §7.3.4."""
    messages = pytest.importorskip("acme.messages", reason="acme, a second opinion, is not installed")
    josepy = pytest.importorskip("josepy", reason="josepy, a second opinion, is not installed")
    key, mac = KINDS["ES256"](), b"m" * 32
    ours = acme_jws.binding(acme_jws.AccountKey(pem_of(key)), "kid-1", mac, URL)
    directory = messages.Directory({"newAccount": URL})
    public = josepy.JWKEC(key=key).public_key()
    theirs = messages.ExternalAccountBinding.from_data(public, "kid-1", acme_jws.b64(mac), directory)
    for name in ("protected", "payload"):
        one, other = (json.loads(acme_jws.unb64(found[name])) for found in (ours, theirs))
        assert one == other
    signed = josepy.JWS.from_json(
        {"payload": ours["payload"], "signatures": [{one: ours[one] for one in ("protected", "signature")}]}
    )
    assert signed.verify(josepy.JWKOct(key=mac))


@pytest.mark.parametrize(
    ("serial", "name"),
    [(0x8765_4321, "aYhba4dGQEHhs3uEe6CuLN4ByNQ.AIdlQyE"), (0x7F, "aYhba4dGQEHhs3uEe6CuLN4ByNQ.fw")],
)
def test_the_name_for_renewal_information_is_that_of_the_rfc(serial: int, name: str) -> None:
    """E3: RFC 9773 §4.1, its own example among them."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "example.com")])
    issuer = bytes.fromhex("69885b6b87464041e1b37b847ba0ae2cde01c8d4")
    builder = x509.CertificateBuilder(subject, subject, key.public_key(), serial, NOW, NOW + datetime.timedelta(days=9))
    builder = builder.add_extension(x509.AuthorityKeyIdentifier(issuer, None, None), critical=False)
    text = builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM).decode()
    assert acme_certificates.renewal_id(text) == name


@pytest.mark.parametrize(
    "found",
    [
        None,
        [],
        {},
        {"suggestedWindow": "soon"},
        {"suggestedWindow": {"start": "soon", "end": "later"}},
        {"suggestedWindow": {"start": "2026-11-23T12:00:00Z"}},
        {"suggestedWindow": {"start": "2026-11-23T12:00:00Z", "end": "2026-11-22T12:00:00Z"}},
    ],
)
def test_renewal_information_that_cannot_be_read_counts_as_none(found: Any) -> None:
    """E3: RFC 9773 §4.2; the certificate's own window holds then."""
    assert acme_certificates.hint_of(found) is None


def test_renewal_information_is_read_with_fractions_and_its_explanation() -> None:
    """E3."""
    window = {"start": "2026-11-23T12:00:00.123456789Z", "end": "2026-11-25T12:00:00Z"}
    hint = acme_certificates.hint_of({"suggestedWindow": window, "explanationURL": "https://ca.example.com/why"})
    assert hint is not None and hint.source == "ARI, https://ca.example.com/why"
    assert hint.at.year == 2026 and hint.until is not None and hint.at < hint.until


def test_other_chains_are_found_among_links() -> None:
    """RFC 8288: several in one header, with and without quotes."""
    header = '<https://ca/dir>;rel="index", <https://ca/cert/1/1>;rel="alternate", <https://ca/cert/1/2>; rel=alternate'
    assert acme_certificates.alternates(header) == ["https://ca/cert/1/1", "https://ca/cert/1/2"]


def test_the_chain_to_the_wanted_root_is_taken_and_else_the_cas_own() -> None:
    """RFC 8555 §7.4.2; a wish that cannot be met is told, and no failure."""
    one = SigningCore(NOW)
    leaf = one.sign(make_csr(KEYS["p256"]()), list(SPEC.dns_names), NOW, 90)[0]
    link = {"link": '<https://ca/alt>;rel="alternate"'}
    short = Answer(200, link, (leaf + one.issuing.pem).encode())
    # Of the fake's two roots one bears the issuing CA's own name: a chain that ends there.
    other = Answer(200, {}, leaf.encode())
    for wanted, length, told in (("", 1, 0), ("Fake root", 1, 0), ("Fake issuing", 0, 0), ("No such root", 1, 1)):
        bundle, notes = acme_certificates.chosen(short, wanted, lambda _url: other, NOW)
        assert (len(bundle.chain), len(notes)) == (length, told)
        assert not notes or ("'Fake root', 'Fake issuing'" in notes[0] and "No such root" in notes[0])
