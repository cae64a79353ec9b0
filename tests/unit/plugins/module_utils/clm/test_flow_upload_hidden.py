# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an uploaded CSR holds beside what the form can say: refused, or shown; never passed on unseen (E7, E16, G)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from ansible_collections.edgecert.clm.plugins.module_utils._clm import comparison
from ansible_collections.edgecert.clm.plugins.module_utils._core.errors import InputError
from ansible_collections.edgecert.clm.plugins.module_utils._pki.readings import csr_reading
from ansible_collections.edgecert.clm.tests.support.copying_ca import CopyingCa
from ansible_collections.edgecert.clm.tests.support.flow import Bench

KEY = ec.generate_private_key(ec.SECP256R1())
Attribute = tuple[x509.ObjectIdentifier, str]


def usage(*words: str) -> x509.KeyUsage:
    every = (
        *("digital_signature", "content_commitment", "key_encipherment", "data_encipherment", "key_agreement"),
        *("key_cert_sign", "crl_sign", "encipher_only", "decipher_only"),
    )
    return x509.KeyUsage(**{word: word in words for word in every})


def csr(
    name: str,
    more: Sequence[Attribute] = (),
    extensions: Sequence[x509.ExtensionType] = (),
    password: bytes = b"",
) -> str:
    subject = [x509.NameAttribute(oid, value) for oid, value in more]
    builder = x509.CertificateSigningRequestBuilder().subject_name(
        x509.Name([*subject, x509.NameAttribute(NameOID.COMMON_NAME, name)])
    )
    for extension in (x509.SubjectAlternativeName([x509.DNSName(name)]), *extensions):
        builder = builder.add_extension(extension, critical=False)
    if password:
        builder = builder.add_attribute(x509.ObjectIdentifier("1.2.840.113549.1.9.7"), password)
    return builder.sign(KEY, hashes.SHA256()).public_bytes(Encoding.PEM).decode()


@pytest.fixture
def house(bench: Bench) -> Bench:
    """Give a bench with a CA and a strict group."""
    bench.ca()
    allowed = {"common_name": ["~.*[.]example[.]com"], "organization": ["Example AG"], "organizational_unit": ["Web"]}
    bench.group(approvals={"push": 0}, allowed=allowed)
    return bench


def upload(bench: Bench, text: str) -> Any:
    return bench.enroll(common_name=None, device=None, csr_source="upload", csr=text)


GOOD = ((NameOID.ORGANIZATION_NAME, "Example AG"), (NameOID.ORGANIZATIONAL_UNIT_NAME, "Web"))
HIDDEN: list[tuple[Sequence[Attribute], Sequence[x509.ExtensionType], str]] = [
    ([(NameOID.COMMON_NAME, "secret.bank.test")], (), "has CN='secret.bank.test' in its subject, beside "),
    ([(NameOID.ORGANIZATION_NAME, "Big Bank Inc")], (), "has O='Big Bank Inc' in its subject, beside 'Example AG'"),
    ([(NameOID.ORGANIZATIONAL_UNIT_NAME, "Forbidden")], (), "has OU='Forbidden' in its subject, beside 'Web'"),
    ([(NameOID.SERIAL_NUMBER, "HRB 1")], (), "has serialNumber='HRB 1' in its subject, which no option can say"),
    ([(NameOID.TITLE, "Dr")], (), "has title='Dr' in its subject, which no option can say"),
    ([(NameOID.DOMAIN_COMPONENT, "bank")], (), "has DC='bank' in its subject, which no option can say"),
    ([], [x509.BasicConstraints(ca=True, path_length=None)], "asks for basicConstraints CA:TRUE"),
    ([], [usage("key_cert_sign")], "asks for the key usage keyCertSign"),
    ([], [usage("crl_sign")], "asks for the key usage cRLSign"),
]


@pytest.mark.parametrize(("more", "extensions", "said"), HIDDEN, ids=[one[2][:40] for one in HIDDEN])
def test_what_no_option_can_say_is_refused_before_anything_is_stored(
    house: Bench, more: Sequence[Attribute], extensions: Sequence[x509.ExtensionType], said: str
) -> None:
    """E7, G: a CA that copies the CSR would sign what the group's rules never saw."""
    text = csr(house.name(), (*GOOD, *more), extensions)
    with pytest.raises(InputError) as caught:
        upload(house, text)
    assert said in caught.value.message and "make a new CSR without it" in caught.value.message
    assert house.records()["requests"] == 0
    assert upload(house, csr(house.name(), GOOD)).record["state"] == "issued"


def test_what_else_a_csr_asks_for_is_shown_and_compared(house: Bench) -> None:
    """E7, E23: usages by their words, everything else by object id; none of it makes another wish of the same CSR."""
    client = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH])
    other = x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.3.4"), b"\x05\x00")
    staple = x509.TLSFeature([x509.TLSFeatureType.status_request])
    text = csr(house.name(), GOOD, [client, usage("digital_signature"), staple, other])
    house.use_ca(CopyingCa(house.clock.now))
    record = upload(house, text).record
    assert record["wish"]["csr_extensions"] == {
        "extended_key_usage": ["client_auth", "server_auth"],
        "key_usage": ["digital_signature"],
        "must_staple": True,
        "custom": [{"oid": "1.2.3.4", "value": "BQA=", "critical": False}],
    }
    assert house.plan_enroll(common_name=None, device=None, csr_source="upload", csr=text).steps == ()
    with house.store.read() as unit:
        [request] = unit.requests.find()
        told = comparison.of_request(unit, request)
    assert told["asked"]["extensions"] == record["wish"]["csr_extensions"] and told["differences"] == []


def test_what_a_subject_has_beside_the_options_is_compared(house: Bench) -> None:
    """E23: an older request may have such a CSR, and a CA may add to a subject."""
    reading = csr_reading(csr("www.example.com", (*GOOD, (NameOID.ORGANIZATIONAL_UNIT_NAME, "Forbidden"))))
    assert reading["more_subject"] == ["OU='Forbidden' in its subject, beside 'Web'"]
    upload(house, csr(house.name(), GOOD))
    with house.store.read() as unit:
        [request] = unit.requests.find()
        asked = comparison.asked_of(request)
    own = csr_reading(csr(house.name(), GOOD))
    assert comparison.differences(asked, own, None, "ECDSA") == []
    [told] = comparison.differences(asked, {**own, "more_subject": reading["more_subject"]}, None, "ECDSA")
    assert (told["field"], told["matters"]) == ("more_subject", True)


def test_a_csr_with_a_challenge_password_is_refused_without_quoting_it(house: Bench) -> None:
    """E16: CSRs of requests are shown to everybody, and no password may be in clear anywhere."""
    text = csr(house.name(), GOOD, password=b"Geheim-123-Wort")
    with pytest.raises(InputError) as caught:
        upload(house, text)
    assert caught.value.code == "csr_with_password" and "Make a new CSR without one" in caught.value.message
    assert "Geheim" not in str(caught.value.failure()) and house.records()["requests"] == 0
    lines = text.splitlines()
    assert not any(line in str(caught.value.failure()) for line in lines[1:-1])


def test_what_a_csr_says_is_taken_as_it_is_or_told_with_the_way_out(bench: Bench) -> None:
    """E7, E14: nothing in a CSR is mended by typing it otherwise."""
    bench.ca()
    bench.group(approvals={"push": 0})
    with pytest.raises(InputError, match=r"country 'de' is to be written in capitals: DE \(.*a new CSR\)") as caught:
        upload(bench, csr(bench.name("a"), [(NameOID.COUNTRY_NAME, "de")]))
    assert len(caught.value.details["problems"]) == 1
    record = upload(bench, csr(bench.name(), [(NameOID.ORGANIZATION_NAME, " Example AG ")])).record
    assert record["state"] == "issued" and record["wish"]["organization"] == " Example AG "
