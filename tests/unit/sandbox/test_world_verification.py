# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The upload check over the sandbox's API: what is refused, what is warned about, and in which words."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID
from edgecert_sandbox.world import Problem, WorldConfig

from ansible_collections.edgecert.clm.plugins.module_utils._cps.warnings import recognise
from ansible_collections.edgecert.clm.tests.support.sandbox_world import (
    CERTIFICATE,
    START,
    Lab,
    LabAuthority,
    body_of,
    pem,
)

NAMES = ["www.example.com", "api.example.com"]
SUBJECT = [
    (NameOID.COUNTRY_NAME, "US"),
    (NameOID.STATE_OR_PROVINCE_NAME, "MA"),
    (NameOID.LOCALITY_NAME, "Cambridge"),
    (NameOID.ORGANIZATION_NAME, "Example"),
    (NameOID.COMMON_NAME, "www.example.com"),
]
Chain = Callable[[Lab, str], str]


@pytest.fixture
def lab() -> Lab:
    return Lab()


def outcome(lab: Lab, chain: Chain | None = None, **wishes: Any) -> tuple[int, int]:
    """Upload one certificate made as wished and let the check finish."""
    eid, cid = lab.create()
    lab.wait(eid, cid, "wait-upload-third-party")
    signed = lab.sign(lab.csrs(eid, cid)["RSA"], **wishes)
    lab.upload(eid, cid, {"RSA": signed}, None if chain is None else chain(lab, signed))
    lab.clock.advance(6)
    return eid, cid


def warnings(lab: Lab, eid: int, cid: int) -> list[str]:
    assert lab.status(eid, cid) == "wait-review-third-party-cert"
    answer = lab.world.get_input_info(eid, cid, "post-verification-warnings", "warnings", 1)
    lines = str(body_of(answer)["warnings"]).split("\n")
    assert lines.pop(0) == "[WARNINGS]"
    return lines


def issuing(lab: Lab) -> str:
    return str(pem(lab.ca.issuing))


def root(lab: Lab) -> str:
    return str(pem(lab.ca.root))


LOCALITY = [*SUBJECT[:2], (NameOID.LOCALITY_NAME, "Boston"), *SUBJECT[3:]]
NO_ORGANIZATION = [*SUBJECT[:3], SUBJECT[4]]
UNIT = [*SUBJECT, (NameOID.ORGANIZATIONAL_UNIT_NAME, "IT")]
CASED = [NAMES[0], "API.example.com"]

WARNED: list[tuple[str, dict[str, Any], Chain | None, str]] = [
    ("missing SAN", {"names": NAMES[:1]}, None, "SAN name [api.example.com] is missing from the certificate."),
    ("added SAN", {"names": [*NAMES, "x.example.com"]}, None, "SAN name [x.example.com] was added to the certificate."),
    ("case of a SAN", {"names": CASED}, None, "API.example.com [api.example.com] differs in case on the 'RSA'"),
    ("case of the CN", {"cn": "WWW.example.com"}, None, "The case of the Common Name (CN) on the certificate"),
    ("other L", {"subject": LOCALITY}, None, "Value for L differs between the CSR and the certificate: [Cambridge] vs"),
    ("no O", {"subject": NO_ORGANIZATION}, None, "the certificate: [Example] vs missing."),
    ("extra OU", {"subject": UNIT}, None, "Value for OU differs between the CSR and the certificate: missing vs [IT]."),
    ("short life", {"days": 20}, None, "This certificate has a short lifetime and will expire soon."),
    ("soon over", {"start": START - timedelta(days=85)}, None, "This certificate will expire in the near future."),
    ("not yet valid", {"start": START + timedelta(days=2)}, None, "The certificate is not yet valid."),
    ("too long", {"days": 398}, None, "greater than 397 days"),
    ("standard root", {}, lambda lab, _leaf: issuing(lab) + root(lab), "The trust chain includes a standard root"),
    ("unsorted", {}, lambda lab, _leaf: root(lab) + issuing(lab), "The trust chain was unsorted"),
    ("leaf in chain", {}, lambda lab, leaf: leaf + issuing(lab), "The end-entity certificate appears in the trust"),
    ("extra", {}, lambda lab, _leaf: issuing(lab) + pem(LabAuthority().root), "Extra certificates were found in the"),
]


@pytest.mark.parametrize(("name", "wishes", "chain", "words"), WARNED, ids=[row[0] for row in WARNED])
def test_a_questionable_upload_is_warned_about(
    lab: Lab, name: str, wishes: dict[str, Any], chain: Chain | None, words: str
) -> None:
    found = warnings(lab, *outcome(lab, chain, **wishes))
    assert any(words in line for line in found), name
    assert all(notice.code for notice in recognise("\n".join(found)))


@pytest.mark.parametrize("days", [31, 90, 397])
def test_a_clean_upload_is_not_warned_about(lab: Lab, days: int) -> None:
    eid, cid = outcome(lab, days=days)
    lab.wait(eid, cid, "wait-ack-change-management")


def test_a_private_root_is_warned_about_with_the_chain_written_out() -> None:
    lab = Lab(trusted=False)
    found = warnings(lab, *outcome(lab, lambda lab, _leaf: issuing(lab) + root(lab)))
    assert found[0] == "The trust chain terminates with a non-standard root certificate."
    assert found[1] == "Trust Chain"
    assert "The chain that will be used is:" in found
    assert any(line.startswith("2. Subject: CN=Lab Root") for line in found)


def test_an_empty_chain_under_a_private_root_is_warned_about() -> None:
    lab = Lab(trusted=False)
    found = warnings(lab, *outcome(lab, lambda _lab, _leaf: ""))
    (only,) = found
    assert only.startswith("The trust chain is empty and the end-entity certificate may have been signed by a non-sta")


def test_what_is_deployed_is_the_sorted_chain_without_the_leaf(lab: Lab) -> None:
    eid, cid = outcome(lab, lambda lab, leaf: root(lab) + leaf + issuing(lab))
    lab.post(eid, cid, "post-verification-warnings-ack", {"acknowledgement": "acknowledge"})
    lab.wait(eid, cid, "wait-ack-change-management")
    deployed = body_of(lab.world.get_deployment(eid, "staging", 7))["primaryCertificate"]
    assert deployed["trustChain"].strip() == (issuing(lab) + root(lab)).strip()


REFUSED: list[tuple[str, dict[str, Any], Chain | None, str]] = [
    (
        "another RSA key",
        {"key": rsa.generate_private_key(65537, 2048).public_key()},
        None,
        "not generated from the CSR",
    ),
    ("an EC key", {"key": ec.generate_private_key(ec.SECP256R1()).public_key()}, None, "not generated from the CSR"),
    ("another CN", {"cn": "evil.example.com"}, None, "(CN) on this certificate does not match the CSR"),
    ("expired", {"start": START - timedelta(days=91)}, None, "already expired"),
    ("a gap in the chain", {}, lambda lab, _leaf: root(lab), "failed to verify"),
    ("a foreign chain", {}, lambda _lab, _leaf: pem(LabAuthority().issuing), "failed to verify"),
    ("a chain that is no PEM", {}, lambda _lab, _leaf: "garbage", "trust chain format is not supported"),
    ("a broken chain", {}, lambda lab, _leaf: issuing(lab).replace("MII", "MIX"), "Failed to parse trust chain"),
]


@pytest.mark.parametrize(("name", "wishes", "chain", "words"), REFUSED, ids=[row[0] for row in REFUSED])
def test_a_wrong_upload_is_an_error_and_the_change_waits_again(
    lab: Lab, name: str, wishes: dict[str, Any], chain: Chain | None, words: str
) -> None:
    eid, cid = outcome(lab, chain, **wishes)
    view = lab.change(eid, cid)
    assert view["statusInfo"]["status"] == "wait-upload-third-party", name
    assert words in view["statusInfo"]["error"]["description"]
    assert lab.fingerprints(eid, "staging") == []
    before = lab.csrs(eid, cid)
    lab.upload_signed(eid, cid)
    lab.wait(eid, cid, "wait-ack-change-management")
    assert lab.change(eid, cid)["statusInfo"]["error"] is None
    assert body_of(lab.world.get_change_history(eid, 5))["changes"][0]["primaryCertificate"]["csr"] == before["RSA"]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "blank or missing for 'RSA'"),
        ("not a certificate", "format is not supported"),
        ("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----", "Error parsing certificate"),
    ],
)
def test_what_is_no_certificate_is_an_error(lab: Lab, text: str, words: str) -> None:
    eid, cid = lab.create()
    lab.wait(eid, cid, "wait-upload-third-party")
    lab.upload(eid, cid, {"RSA": text})
    lab.clock.advance(6)
    assert words in lab.change(eid, cid)["statusInfo"]["error"]["description"]


def test_only_offered_key_algorithms_are_taken_and_each_once(lab: Lab) -> None:
    eid, cid = lab.create()
    lab.wait(eid, cid, "wait-upload-third-party")
    with pytest.raises(Problem, match=r"400 .*ECDSA; offered: RSA"):
        lab.upload(eid, cid, {"ECDSA": "x"})
    entry = {"certificate": "x", "trustChain": "", "keyAlgorithm": "RSA"}
    for entries in ([], [entry, entry]):
        with pytest.raises(Problem, match="400 .*one certificate per key algorithm"):
            lab.post(eid, cid, CERTIFICATE, {"certificatesAndTrustChains": entries})


def test_a_certificate_for_an_earlier_csr_cannot_be_uploaded_to_a_later_change(lab: Lab) -> None:
    eid = lab.live()
    old = body_of(lab.world.get_deployment(eid, "production", 7))["primaryCertificate"]["certificate"]
    cid = lab.opened(lab.put(eid, {"force-renewal": "true"}))
    lab.wait(eid, cid, "wait-upload-third-party")
    lab.upload(eid, cid, {"RSA": old})
    lab.clock.advance(6)
    assert "not generated from the CSR" in lab.change(eid, cid)["statusInfo"]["error"]["description"]


def test_version_one_of_the_upload_carries_one_certificate(lab: Lab) -> None:
    eid, cid = lab.create()
    lab.wait(eid, cid, "wait-upload-third-party")
    signed = lab.sign(lab.csrs(eid, cid)["RSA"])
    lab.post(eid, cid, CERTIFICATE, {"certificate": signed.replace("\n", "\r\n"), "trustChain": issuing(lab)})
    lab.wait(eid, cid, "wait-ack-change-management")


def test_configured_warnings_are_added_to_what_is_found() -> None:
    lab = Lab(WorldConfig(create_interval_s=0, post_verification_warnings=["No KMI data is available for %s."]))
    assert warnings(lab, *outcome(lab)) == ["No KMI data is available for %s."]
