# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reading what CPS sends in all its variants, and writing what it takes."""

from __future__ import annotations

import copy
from datetime import datetime, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.edgecert.clm.plugins.module_utils._core.errors import RemoteError
from ansible_collections.edgecert.clm.plugins.module_utils._cps import changes, deployments, media, models, validations
from ansible_collections.edgecert.clm.plugins.module_utils._cps.enrollment_wire import (
    READ_ONLY,
    Contact,
    NewEnrollment,
    NewNetwork,
    Organization,
    enrollment_to_wire,
    enrollment_update,
    subject_of,
)
from ansible_collections.edgecert.clm.plugins.module_utils._cps.models import (
    ActiveRecord,
    EnrollmentRecord,
    PendingChange,
)

EXPIRY = datetime(2027, 1, 2, 3, 4, 5, tzinfo=timezone.utc)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=6),
    lambda part: st.lists(part, max_size=3) | st.dictionaries(st.text(max_size=6), part, max_size=3),
    max_leaves=12,
)


def enrollment(**more: Any) -> dict[str, Any]:
    return {
        "id": 10002,
        "location": "/cps/v2/enrollments/10002",
        "ra": "third-party",
        "validationType": "third-party",
        "certificateType": "third-party",
        "csr": {"cn": "www.example.com", "sans": ["a.example.com", "www.example.com"], "c": "US"},
        "networkConfiguration": {"secureNetwork": "standard-tls", "sniOnly": True, "geography": "core"},
        "changeManagement": True,
        "enableMultiStackedCertificates": False,
        "pendingChanges": [],
        **more,
    }


@pytest.mark.parametrize(
    "ids",
    [
        {"id": 10002},
        {"id": "10002"},
        {"id": None},
        {"id": None, "location": "/cps-api/enrollments/10002"},
        {"id": None, "location": "https://akab-x.luna.akamaiapis.net:443/cps/v2/enrollments/10002?a=1"},
    ],
)
def test_enrollment_id_is_read_in_every_form(ids: dict[str, Any]) -> None:
    assert EnrollmentRecord.from_wire(enrollment(**ids)).id == 10002


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, ()),
        ([], ()),
        (
            ["/cps/v2/enrollments/10002/changes/5", "/cps-api/enrollments/10002/changes/6"],
            (PendingChange(5), PendingChange(6)),
        ),
        ([{"location": "/cps/v2/enrollments/1/changes/7", "changeType": "renewal"}], (PendingChange(7, "renewal"),)),
        (
            [{"location": "https://h/cps/v2/enrollments/1/changes/8", "changeType": "brand-new"}],
            (PendingChange(8, "brand-new"),),
        ),
        ([{"location": "/cps/v2/enrollments/1/changes/9"}, {}], (PendingChange(9),)),
    ],
)
def test_pending_changes_of_old_and_new_versions_are_read(value: Any, expected: tuple[PendingChange, ...]) -> None:
    record = EnrollmentRecord.from_wire(enrollment(pendingChanges=value))
    assert record.pending_changes == expected
    assert record.newest_change == (expected[-1] if expected else None)


@pytest.mark.parametrize(
    ("member", "sni_only"),
    [
        ({"sniOnly": "true"}, True),
        ({"sniOnly": "false"}, False),
        ({"sni": {"cloneDnsNames": True}}, True),
        ({"sni": None}, False),
        ({}, None),
    ],
)
def test_sni_is_read_in_every_form(member: dict[str, Any], sni_only: bool | None) -> None:
    assert EnrollmentRecord.from_wire(enrollment(networkConfiguration=member)).sni_only is sni_only


def test_enrollment_with_unknown_words_and_missing_members_is_kept() -> None:
    wire = enrollment(validationType="quantum", certificateType=None, orgId="77", slots=[3], maxAllowedSanNames="100")
    del wire["enableMultiStackedCertificates"], wire["networkConfiguration"], wire["csr"]["sans"]
    record = EnrollmentRecord.from_wire(wire, "C-1")
    assert (record.validation_type, record.certificate_type, record.secure_network) == ("quantum", "", "")
    assert (record.sans, record.multi_stacked, record.org_id, record.max_sans) == ((), False, "77", 100)
    assert record.assigned_slots == (3,) and record.contract_id == "C-1" and record.raw is wire


@pytest.mark.parametrize("wire", [{}, {"id": 1}, {"id": 1, "csr": {"cn": ""}}, {"csr": {"cn": "a.example.com"}}])
def test_enrollment_without_id_or_name_is_refused(wire: dict[str, Any]) -> None:
    with pytest.raises(RemoteError) as caught:
        EnrollmentRecord.from_wire(wire)
    assert caught.value.code == "unreadable_answer"


def facts(**more: Any) -> dict[str, Any]:
    return {
        "sha256Fingerprint": "AA:BB:0C",
        "serial": "0A:1B",
        "expiry": "2027-01-02T03:04:05z",
        "issuer": "CN=I",
        **more,
    }


def test_active_record_is_read_with_normalised_facts() -> None:
    network = {"primaryCertificate": facts(keyAlgorithm="ECDSA"), "multiStackedCertificates": [facts(), None]}
    wire = {"id": "9", "csr": {"cn": "a.example.com", "sans": None}, "production": network, "staging": None}
    record = ActiveRecord.from_wire(wire)
    assert record.staging is None and record.production is not None and record.production.primary is not None
    primary, other = record.production.certificates
    assert (primary.fingerprint, primary.serial, primary.expiry) == ("aabb0c", "0a1b", EXPIRY)
    assert (primary.key_algorithm, other.key_algorithm) == ("ECDSA", None)


@pytest.mark.parametrize("empty", [None, {}, {"primaryCertificate": None}, {"primaryCertificate": {"expiry": None}}])
def test_network_without_a_certificate_is_none(empty: Any) -> None:
    assert ActiveRecord.from_wire({"id": 1, "production": empty}).production is None
    assert deployments.DeploymentRecord.from_wire(empty) is None


@given(JSON)
def test_any_json_is_read_or_refused_and_nothing_else(value: Any) -> None:
    wire = value if isinstance(value, dict) else {"csr": value, "production": value, "pendingChanges": value}
    readers = (
        lambda: EnrollmentRecord.from_wire({**enrollment(), **wire}),
        lambda: ActiveRecord.from_wire({"id": 1, **wire}),
        lambda: list(models.listed(value, "it")),
        lambda: changes.ChangeRecord.from_wire({"statusInfo": value, "allowedInput": value}),
        lambda: changes.ChangeManagementInfo.from_wire({"validationResult": value, "pendingState": value}),
        lambda: changes.Csr.all_from_wire(value),
        lambda: deployments.DeploymentsRecord.from_wire({"production": value}),
        lambda: validations.challenges({"dv": value}),
        lambda: validations.history({"results": value}),
        lambda: deployments.certificate_history({"certificates": value}),
        lambda: models.papi_contracts(value),
    )
    for reader in readers:
        try:
            reader()
        except RemoteError as error:
            assert error.code == "unreadable_answer"


@pytest.mark.parametrize("version", ["object", "flat"])
def test_deployment_of_old_and_new_versions_is_read(version: str) -> None:
    certificate = {"certificate": "PEM", "trustChain": "CHAIN", "expiry": "2027-01-02T03:04:05Z"}
    wire = {"primaryCertificate": certificate} if version == "object" else certificate
    record = deployments.DeploymentsRecord.from_wire({"staging": wire, "production": None}).staging
    assert record is not None
    assert [(one.certificate, one.trust_chain, one.expiry, one.key_algorithm) for one in record.certificates] == [
        ("PEM", "CHAIN", EXPIRY, None)
    ]


FLAT = {
    "domain": "dv.example.com",
    "status": "Awaiting user",
    "error": "The domain is not ready for validation.",
    "requestTimestamp": "2021-04-11T18:15:07z",
    "fullPath": "http://dv.example.com/.well-known/acme-challenge/abc",
    "responseBody": "abc.def",
    "token": "abc",
}


@pytest.mark.parametrize("wire", [{"challenges": [FLAT]}, {"dv": [{**FLAT, "challenges": []}]}], ids=["v1", "v2"])
def test_a_validation_without_a_list_of_challenges_has_the_one_in_itself(wire: dict[str, Any]) -> None:
    """cps-protocol §2.1, §2.6: version 1 knows http-01 only; a later one may have prepared none yet."""
    [found] = validations.challenges(wire)
    assert (found.domain, found.status, found.validated) == ("dv.example.com", "Awaiting user", None)
    [challenge] = found.challenges
    assert (challenge.type, challenge.content, challenge.path) == ("http-01", "abc.def", FLAT["fullPath"])


@pytest.mark.parametrize("member", ["data", "results"])
def test_the_validation_history_is_read_under_either_name(member: str) -> None:
    """cps-protocol §2.6"""
    tries = [{"domain": "dv.example.com", "status": "Preparing", "challenges": [], "token": None}, FLAT]
    found = validations.history({member: [{"domain": "dv.example.com", "domainHistory": tries}]})
    assert [(one.status, len(one.challenges)) for one in found["dv.example.com"]] == [
        ("Preparing", 0),
        ("Awaiting user", 1),
    ]


@pytest.mark.parametrize(
    ("wire", "kind"),
    [
        ({"type": "third-party-certificate", "update": "/cps/v2/x/third-party-cert-and-trust-chain"}, changes.CSR),
        ({"type": "third-party-csr"}, changes.CSR),
        ({"type": "?", "update": "/cps-api/x/post-verification-warnings-ack/"}, changes.POST_WARNINGS),
        ({"type": "pre-verification-warnings-acknowledgement"}, changes.PRE_WARNINGS),
        ({"type": "third-party-certificate", "update": "/x/change-management-ack"}, changes.CHANGE_MANAGEMENT),
        ({"type": "lets-encrypt-challenges"}, changes.DV_CHALLENGES),
        ({"type": "new", "update": "/x/new-ack"}, None),
    ],
)
def test_kind_of_input_is_told_by_the_update_path_then_by_the_type(wire: dict[str, Any], kind: Any) -> None:
    assert changes.AllowedInput.from_wire(wire).kind is kind


def test_change_gives_the_input_that_is_required() -> None:
    inputs = [
        {"type": "lets-encrypt-challenges", "requiredToProceed": False},
        {"type": "change-management", "requiredToProceed": "true"},
    ]
    error = {"code": "E1", "description": "It broke", "timestamp": "2027-01-02T03:04:05.123456789Z"}
    schedule = {"notBefore": "2027-01-02T03:04:05Z", "notAfter": None}
    info = {"status": "s", "state": "awaiting-input", "error": error, "deploymentSchedule": schedule}
    record = changes.ChangeRecord.from_wire({"statusInfo": info, "allowedInput": inputs})
    assert record.needed is not None and record.needed.kind is changes.CHANGE_MANAGEMENT
    assert record.error is not None and (record.error.code, record.error.description) == ("E1", "It broke")
    assert record.schedule == changes.Schedule(EXPIRY, None)
    waiting = changes.ChangeRecord.from_wire({"statusInfo": info, "allowedInput": []})
    assert waiting.needed is None and not waiting.takes(changes.CHANGE_MANAGEMENT)


def test_change_management_info_is_read_with_booleans_as_text_and_single_certificates() -> None:
    state = {
        "pendingCertificate": {"fullCertificate": "PEM", "keyAlgorithm": "RSA"},
        "pendingNetworkConfiguration": {"sniOnly": "true", "quicEnabled": "false", "networkType": "standard-tls"},
    }
    wire = {
        "acknowledgementDeadline": "2027-01-02T03:04:05Z",
        "validationResultHash": "da39",
        "validationResult": {"errors": None, "warnings": [{"message": "Careful", "messageCode": "w-1"}]},
        "pendingState": state,
    }
    info = changes.ChangeManagementInfo.from_wire(wire)
    assert (info.hash, info.deadline, info.errors) == ("da39", EXPIRY, ())
    assert info.warnings == (changes.ValidationMessage("Careful", "w-1"),)
    assert [one.certificate for one in info.certificates] == ["PEM"]
    assert (info.network.sni_only, info.network.quic, info.network.secure_network) == (True, False, "standard-tls")


def test_upload_is_written_without_carriage_returns() -> None:
    one = changes.UploadCertificate("A\r\nB\r\n", "C\r\n", "RSA")
    assert changes.upload_to_wire([one]) == {
        "certificatesAndTrustChains": [{"certificate": "A\nB", "trustChain": "C", "keyAlgorithm": "RSA"}]
    }


def test_status_without_a_body_keeps_the_known_id() -> None:
    assert models.EnrollmentStatus.from_wire(None, 200, 7) == models.EnrollmentStatus(7, (), 200)
    wire = {"enrollment": "/cps-api/enrollments/8", "changes": ["/cps-api/enrollments/8/changes/9"]}
    assert models.EnrollmentStatus.from_wire(wire, 202) == models.EnrollmentStatus(8, (9,), 202)
    with pytest.raises(RemoteError):
        models.EnrollmentStatus.from_wire({}, 202)


def test_new_enrollment_bears_only_what_was_given() -> None:
    """E9, S2 to S4"""
    wire = enrollment_to_wire(
        NewEnrollment(
            "www.example.com",
            ("a.example.com",),
            country="GB",
            org=Organization(name="Example"),
            admin_contact=Contact("Ann", "Lee", "a@example.com", "1"),
            tech_contact=Contact("Tom", "Ray", "t@akamai.com", "2"),
        )
    )
    assert wire["csr"] == {"cn": "www.example.com", "sans": ["a.example.com"], "c": "GB"}
    assert wire["org"] == {"name": "Example"}
    assert wire["adminContact"] == {"firstName": "Ann", "lastName": "Lee", "email": "a@example.com", "phone": "1"}
    assert wire["thirdParty"] == {"excludeSans": False}
    assert wire["networkConfiguration"]["dnsNameSettings"] == {"cloneDnsNames": True, "dnsNames": None}


def test_the_subject_is_read_as_it_was_written() -> None:
    """E3: what CPS has none of is empty, in whichever of its ways it says so."""
    written = NewEnrollment("www.example.com", country="GB", state="Kent", organization="Example")
    subject = {"country": "GB", "state_or_province": "Kent", "locality": "", "organization": "Example"}
    assert subject_of(enrollment_to_wire(written)) == {**subject, "organizational_unit": ""}
    assert subject_of({"csr": {"c": " GB ", "st": "Kent", "l": None, "o": "Example", "ou": ""}}) == {
        **subject,
        "organizational_unit": "",
    }
    assert set(subject_of({}).values()) == {""}


@pytest.mark.parametrize(
    ("network", "expected"),
    [
        (NewNetwork(sni_only=False), None),
        (
            NewNetwork(clone_dns_names=False, dns_names=("b.example.com",)),
            {"cloneDnsNames": False, "dnsNames": ["b.example.com"]},
        ),
    ],
)
def test_dns_names_are_sent_with_sni_only(network: NewNetwork, expected: Any) -> None:
    assert network.to_wire().get("dnsNameSettings") == expected


def test_enrollment_of_other_kinds_has_no_third_party_and_an_organization_id_no_contacts() -> None:
    wire = enrollment_to_wire(NewEnrollment("a.example.com", validation_type="ov", ra="symantec", org_id=5))
    assert wire["orgId"] == 5
    assert not {"thirdParty", "org", "adminContact", "techContact"} & set(wire)


@given(st.dictionaries(st.text(max_size=8), JSON, max_size=5))
def test_update_keeps_what_it_does_not_know_and_drops_what_is_read_only(unknown: dict[str, Any]) -> None:
    raw = {**enrollment(stagingSlots=[1], maxAllowedSanNames=100), **unknown}
    before = copy.deepcopy(raw)
    body = enrollment_update(raw, {"csr": {"sans": ["x.example.com"]}})
    assert raw == before
    assert not set(READ_ONLY) & set(body)
    if isinstance(raw["networkConfiguration"], dict):
        assert body["networkConfiguration"] is not raw["networkConfiguration"]
    assert {name: body[name] for name in unknown if name not in (*READ_ONLY, "csr")} == {
        name: value for name, value in unknown.items() if name not in (*READ_ONLY, "csr")
    }
    if "csr" not in unknown:
        assert body["csr"] == {**before["csr"], "sans": ["x.example.com"]}


def test_media_types_are_exact() -> None:
    assert media.media_type("enrollment") == "application/vnd.akamai.cps.enrollment.v11+json"
    assert media.media_type("active-certificates") == "application/vnd.akamai.cps.active-certificates.v2+json"
