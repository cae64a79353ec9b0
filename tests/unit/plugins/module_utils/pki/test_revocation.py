# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What OCSP answers and CRLs say, and what is not believed."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from ansible_collections.edgecert.clm.plugins.module_utils._core.errors import InputError
from ansible_collections.edgecert.clm.plugins.module_utils._core.vocabulary import REASON_NAMES
from ansible_collections.edgecert.clm.plugins.module_utils._pki.revocation import (
    Finding,
    Point,
    Subject,
    ocsp_request,
    read_ocsp,
    subject_of,
)
from ansible_collections.edgecert.clm.plugins.module_utils._pki.revocation_lists import RevocationList
from ansible_collections.edgecert.clm.tests.support import lab_pki
from ansible_collections.edgecert.clm.tests.support.lab_pki import Pair
from ansible_collections.edgecert.clm.tests.support.revoking_ca import (
    LIST,
    RESPONDER,
    RevokingCa,
    issuing_point,
    point_of,
)

NOW = datetime(2030, 1, 7, 8, tzinfo=timezone.utc)
AT = NOW - timedelta(days=2)


@pytest.fixture(scope="module")
def leaf_and_ca() -> tuple[Pair, RevokingCa]:
    ca = RevokingCa(NOW)
    return ca.leaf(ocsp_urls=[RESPONDER], points=[[LIST]]), ca


@pytest.fixture
def ca(leaf_and_ca: tuple[Pair, RevokingCa]) -> RevokingCa:
    leaf_and_ca[1].revoked.clear()
    return leaf_and_ca[1]


@pytest.fixture
def leaf(leaf_and_ca: tuple[Pair, RevokingCa]) -> Pair:
    return leaf_and_ca[0]


def subject(leaf: Pair, ca: RevokingCa) -> Subject:
    return subject_of(leaf.pem, [ca.root.pem])


def by_ocsp(leaf: Pair, ca: RevokingCa, content: bytes, now: datetime = NOW) -> Finding:
    return read_ocsp(content, subject(leaf, ca), RESPONDER, now)


def by_crl(leaf: Pair, ca: RevokingCa, content: bytes, now: datetime = NOW) -> Finding:
    seen = subject(leaf, ca)
    return RevocationList(content, ca.root.cert, LIST, now).finding(seen, seen.points[0])


# -- where it is told --------------------------------------------------------------------------------------------------


def test_a_certificate_names_who_can_be_asked() -> None:
    """Only http and https are asked at; a point of some reasons alone is left out."""
    ca = RevokingCa(NOW)
    leaf = ca.leaf(
        ocsp_urls=[RESPONDER, "ldap://x/ocsp", RESPONDER],
        points=[["ldap://x/cn=ca", LIST], ["https://b.example.net/b"]],
    )
    seen = subject(leaf, ca)
    assert seen.ocsp == (RESPONDER,) and seen.has_sources and seen.issuer == ca.root.cert
    assert seen.points == (
        Point(LIST, frozenset(["ldap://x/cn=ca", LIST])),
        Point("https://b.example.net/b", frozenset(["https://b.example.net/b"])),
    )
    some = x509.CRLDistributionPoints([point_of([LIST], frozenset([x509.ReasonFlags.key_compromise]))])
    partly = lab_pki.make("www.example.com", ca.root, now=NOW, more=[some])
    assert not subject(partly, ca).has_sources


def test_an_issuer_is_found_by_its_signature_not_its_name(ca: RevokingCa, leaf: Pair) -> None:
    other = RevokingCa(NOW).root
    assert subject_of(leaf.pem, [other.pem + ca.root.pem]).issuer == ca.root.cert
    assert subject_of(leaf.pem, [other.pem]).issuer is None


def test_the_question_names_the_certificate_by_sha1(ca: RevokingCa, leaf: Pair) -> None:
    asked = ocsp.load_der_ocsp_request(ocsp_request(subject(leaf, ca)))
    assert asked.serial_number == leaf.cert.serial_number and isinstance(asked.hash_algorithm, hashes.SHA1)
    assert not list(asked.extensions)


# -- what both say -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("read", [by_ocsp, by_crl])
def test_good_revoked_and_on_hold_are_told_apart(ca: RevokingCa, leaf: Pair, read: Any) -> None:
    """E4: every reason has our word; a hold is no revocation, and its end is none at all."""
    document = ca.answer if read is by_ocsp else lambda _leaf, now: ca.crl(now)
    source = RESPONDER if read is by_ocsp else LIST
    assert read(leaf, ca, document(leaf, NOW)).state == "good"
    for word, name in REASON_NAMES.items():
        ca.revoke(leaf, name, AT)
        told = read(leaf, ca, document(leaf, NOW))
        assert (told.state, told.reason, told.revoked_at, told.source) == ("revoked", word, AT, source)
        assert told.next_update is not None and told.next_update > NOW
    ca.revoke(leaf, None, AT)
    assert read(leaf, ca, document(leaf, NOW)).reason == ""
    ca.revoke(leaf, "certificateHold", AT)
    told = read(leaf, ca, document(leaf, NOW))
    assert (told.state, told.reason, told.revoked_at) == ("suspended", "", AT)
    ca.revoke(leaf, "removeFromCRL", AT)
    assert read(leaf, ca, document(leaf, NOW)).state == "good"


# -- what is not believed: OCSP ----------------------------------------------------------------------------------------


def refused(leaf: Pair, ca: RevokingCa, content: bytes, now: datetime = NOW) -> str:
    with pytest.raises(InputError) as caught:
        by_ocsp(leaf, ca, content, now)
    return caught.value.message


def test_an_answer_is_believed_in_its_time_alone(ca: RevokingCa, leaf: Pair) -> None:
    """Clocks may be ten minutes apart; one without an end holds for a day."""
    content = ca.answer(leaf, NOW)
    assert by_ocsp(leaf, ca, content, NOW - timedelta(minutes=9)).state == "good"
    assert by_ocsp(leaf, ca, content, NOW + timedelta(days=4, minutes=9)).state == "good"
    assert "it is of 2030-01-07T07:59:00Z, which is to come" in refused(leaf, ca, content, NOW - timedelta(minutes=12))
    assert "it ended 2030-01-11T08:00:00Z" in refused(leaf, ca, content, NOW + timedelta(days=4, minutes=11))
    endless = ca.answer(leaf, NOW, next_update=None)
    assert by_ocsp(leaf, ca, endless, NOW + timedelta(hours=23)).next_update is None
    assert "it ended" in refused(leaf, ca, endless, NOW + timedelta(hours=25))


def test_an_answer_about_another_certificate_is_none(ca: RevokingCa, leaf: Pair) -> None:
    """Wrong serial number; wrong issuer."""
    assert "about another certificate" in refused(leaf, ca, ca.answer(ca.leaf(), NOW))
    stranger = lab_pki.make("Lab Root", ca=True, now=NOW)
    assert "about another certificate" in refused(leaf, ca, ca.answer(leaf, NOW, issuer=stranger.cert))


def test_an_answer_is_signed_by_the_issuer_or_who_has_its_word(ca: RevokingCa, leaf: Pair) -> None:
    """RFC 6960 §4.2.2.2: a delegated responder has the usage, of this issuer, and is valid."""
    assert by_ocsp(leaf, ca, ca.answer(leaf, NOW, ca.responder())).state == "good"
    neither = "signed neither by the issuer nor by a responder"
    assert neither in refused(leaf, ca, ca.answer(leaf, NOW, ca.responder(may=False)))
    assert neither in refused(leaf, ca, ca.answer(leaf, NOW, ca.responder(now=NOW - timedelta(days=60))))
    assert neither in refused(leaf, ca, ca.answer(leaf, NOW, RevokingCa(NOW).responder()))
    stranger = lab_pki.make("Lab Root", ca=True, now=NOW)
    assert neither in refused(leaf, ca, ca.answer(leaf, NOW, stranger))
    content = bytearray(ca.answer(leaf, NOW))
    content[-4] ^= 1
    assert neither in refused(leaf, ca, bytes(content))


def test_an_answer_of_sha256_is_taken_as_well(ca: RevokingCa, leaf: Pair) -> None:
    ca.revoke(leaf, "keyCompromise", AT)
    assert by_ocsp(leaf, ca, ca.answer(leaf, NOW, algorithm=hashes.SHA256())).state == "revoked"


def test_a_responder_that_says_nothing_is_told_with_its_word(ca: RevokingCa, leaf: Pair) -> None:
    later = ocsp.OCSPResponseBuilder.build_unsuccessful(ocsp.OCSPResponseStatus.TRY_LATER).public_bytes(Encoding.DER)
    assert refused(leaf, ca, later) == "Cannot use the OCSP answer: the responder says try later"
    unknown = ca.answer(leaf, NOW, cert_status=ocsp.OCSPCertStatus.UNKNOWN)
    assert "does not know the certificate" in refused(leaf, ca, unknown)


# -- what is not believed: CRLs ----------------------------------------------------------------------------------------


def crl_refused(leaf: Pair, ca: RevokingCa, content: bytes, now: datetime = NOW) -> str:
    with pytest.raises(InputError) as caught:
        by_crl(leaf, ca, content, now)
    return caught.value.message


def test_a_crl_is_taken_as_pem_as_well(ca: RevokingCa, leaf: Pair) -> None:
    ca.revoke(leaf)
    assert by_crl(leaf, ca, ca.crl(NOW, encoding=Encoding.PEM)).state == "revoked"


def test_a_crl_is_believed_in_its_time_and_of_its_issuer_alone(ca: RevokingCa, leaf: Pair) -> None:
    assert "it ended 2030-01-14T08:00:00Z" in crl_refused(leaf, ca, ca.crl(NOW), NOW + timedelta(days=8))
    assert "which is to come" in crl_refused(leaf, ca, ca.crl(NOW), NOW - timedelta(hours=1))
    stranger = lab_pki.make("Lab Root", ca=True, now=NOW)
    assert "not signed by the issuer" in crl_refused(leaf, ca, ca.crl(NOW, signer=stranger))
    content = bytearray(ca.crl(NOW))
    content[-4] ^= 1
    assert "not signed by the issuer" in crl_refused(leaf, ca, bytes(content))


def test_the_issuers_key_must_be_one_for_crls(ca: RevokingCa, leaf: Pair) -> None:
    """RFC 5280 §6.3.3 (f)."""
    key = ca.root.key
    usage = dict.fromkeys(
        (
            *("digital_signature", "content_commitment", "key_encipherment", "data_encipherment"),
            *("key_agreement", "crl_sign", "encipher_only", "decipher_only"),
        ),
        False,
    )
    name = ca.root.cert.subject
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    builder = builder.serial_number(1).not_valid_before(NOW).not_valid_after(NOW + timedelta(days=9))
    builder = builder.add_extension(x509.KeyUsage(key_cert_sign=True, **usage), critical=True)
    with pytest.raises(InputError, match="does not allow its key to sign CRLs"):
        RevocationList(ca.crl(NOW), builder.sign(key, hashes.SHA256()), LIST, NOW)


@pytest.mark.parametrize(
    ("point", "words"),
    [
        (issuing_point(["http://crl.example.net/other.crl"]), "for another distribution point"),
        (issuing_point([LIST], only_contains_ca_certs=True), "certificates of another kind"),
        (issuing_point([LIST], indirect_crl=True), "an indirect one"),
        (issuing_point(None, only_some_reasons=frozenset([x509.ReasonFlags.key_compromise])), "of some reasons"),
        (issuing_point(None, only_contains_attribute_certs=True), "not of certificates"),
    ],
)
def test_a_crl_that_is_for_others_says_nothing(
    ca: RevokingCa, leaf: Pair, point: x509.IssuingDistributionPoint, words: str
) -> None:
    """RFC 5280 §6.3.3 (b): else what stands on another part would look good here."""
    assert words in crl_refused(leaf, ca, ca.crl(NOW, point=point))


def test_a_part_of_the_crl_is_taken_under_any_name_of_its_point(ca: RevokingCa) -> None:
    leaf = ca.leaf(points=[[LIST, "ldap://x/cn=part"]])
    ca.revoke(leaf)
    for point in (issuing_point(["ldap://x/cn=part"], only_contains_user_certs=True), issuing_point([LIST])):
        assert by_crl(leaf, ca, ca.crl(NOW, point=point)).state == "revoked"


def test_delta_crls_and_what_is_not_understood_are_not_taken(ca: RevokingCa, leaf: Pair) -> None:
    assert "delta CRL" in crl_refused(leaf, ca, ca.crl(NOW, more=[x509.DeltaCRLIndicator(1)]))
    strange = x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.3.4"), b"\x05\x00")
    assert "not understood: 1.2.3.4" in crl_refused(leaf, ca, ca.crl(NOW, more=[strange]))


# -- anything ----------------------------------------------------------------------------------------------------------


@settings(max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.binary(max_size=400), st.integers(0, 10**6), st.integers(1, 255))
@example(b"", 0, 1)
@example(b"-----BEGIN X509 CRL-----\nAAAA\n-----END X509 CRL-----\n", 0, 1)
def test_bytes_of_any_kind_are_our_error_or_an_answer(
    leaf_and_ca: tuple[Pair, RevokingCa], noise: bytes, place: int, turned: int
) -> None:
    """Whatever a host sends: noise, and true documents with a byte turned or cut off."""
    leaf, ca = leaf_and_ca
    for document, read in ((ca.answer(leaf, NOW), by_ocsp), (ca.crl(NOW), by_crl)):
        bent = bytearray(document)
        bent[place % len(bent)] ^= turned
        for content in (noise, bytes(bent), document[: place % len(document)]):
            try:
                assert read(leaf, ca, content).state == "good"
            except InputError as exc:
                assert exc.message


def test_other_kinds_of_keys_sign_as_well() -> None:
    """P-384 here; the second tool answers with RSA."""
    ca = RevokingCa(NOW)
    key = ec.generate_private_key(ec.SECP384R1())
    name = x509.Name([])
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    builder = builder.serial_number(1).not_valid_before(NOW).not_valid_after(NOW + timedelta(days=9))
    ca.root = Pair(builder.sign(key, hashes.SHA384()), key)
    leaf = ca.leaf(ocsp_urls=[RESPONDER], points=[[LIST]])
    ca.revoke(leaf)
    assert by_ocsp(leaf, ca, ca.answer(leaf, NOW)).state == by_crl(leaf, ca, ca.crl(NOW)).state == "revoked"
