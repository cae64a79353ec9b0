# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every operation of the CPS client against the sandbox, from the new enrollment to its end."""

from __future__ import annotations

import itertools
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from edgecert_sandbox.handle import Handle

from ansible_collections.edgecert.clm.plugins.module_utils._cps import changes
from ansible_collections.edgecert.clm.plugins.module_utils._cps.client import CpsClient
from ansible_collections.edgecert.clm.plugins.module_utils._cps.enrollment_wire import (
    Contact,
    NewEnrollment,
    NewNetwork,
    Organization,
    enrollment_to_wire,
    enrollment_update,
)
from ansible_collections.edgecert.clm.plugins.module_utils._cps.errors import RemoteConflict, RemoteNotFound

_NUMBER = itertools.count(1)
_ADDRESS = {"address": "1 Main Street", "city": "Cambridge", "state": "MA", "postal_code": "02142", "country": "US"}


def wanted(name: str, **more: Any) -> NewEnrollment:
    return NewEnrollment(
        **{
            "cn": name,
            "sans": (f"www.{name}",),
            "organization": "Example Ltd",
            "country": "GB",
            "org": Organization(name="Example Ltd", phone="+1 617 444 0000", **_ADDRESS),
            "admin_contact": Contact("Ann", "Lee", "ann@example.com", "+1 617 444 0001"),
            "tech_contact": Contact("Tom", "Ray", "tom@akamai.com", "+1 617 444 0002"),
            **more,
        }
    )


def new_name() -> str:
    return f"host{next(_NUMBER)}.example.com"


def create(client: CpsClient, contract: str = "C-1", **more: Any) -> tuple[int, int]:
    status = client.create_enrollment(enrollment_to_wire(wanted(new_name(), **more)), contract)
    return status.enrollment_id, status.change_ids[0]


def signed(csr_pem: str) -> changes.UploadCertificate:
    csr = x509.load_pem_x509_csr(csr_pem.encode())
    root_key = ec.generate_private_key(ec.SECP256R1())
    root_name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Test Root")])
    now = datetime.now(timezone.utc)
    base = x509.CertificateBuilder().not_valid_before(now - timedelta(hours=1)).issuer_name(root_name)
    root = (
        base.subject_name(root_name)
        .public_key(root_key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_after(now + timedelta(days=400))
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(root_key, hashes.SHA256())
    )
    leaf = (
        base.subject_name(csr.subject)
        .public_key(csr.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_after(now + timedelta(days=90))
        .add_extension(csr.extensions.get_extension_for_class(x509.SubjectAlternativeName).value, critical=False)
        .sign(root_key, hashes.SHA256())
    )
    algorithm = "ECDSA" if isinstance(csr.public_key(), ec.EllipticCurvePublicKey) else "RSA"
    pem = serialization.Encoding.PEM
    return changes.UploadCertificate(
        leaf.public_bytes(pem).decode().replace("\n", "\r\n"), root.public_bytes(pem).decode(), algorithm
    )


def drive(client: CpsClient, enrollment: int, change: int, until: changes.InputKind | None) -> changes.ChangeRecord:
    """Acknowledge warnings until the change waits for the input named, or is over."""
    for _round in range(30):
        record = client.get_change(enrollment, change)
        needed = record.needed
        if record.state in ("completed", "cancelled", "error"):
            return record
        if needed is None or needed.kind is None:
            continue
        if needed.kind is until:
            return record
        assert needed.kind in (changes.PRE_WARNINGS, changes.POST_WARNINGS), needed
        assert client.get_warnings(needed.kind, enrollment, change)
        client.acknowledge(needed.kind, enrollment, change)
    raise AssertionError(f"the change does not get on: {record}")


@pytest.fixture
def client(make_client: Any) -> CpsClient:
    made: CpsClient = make_client()
    return made


def test_enrollment_goes_from_create_through_upload_and_staging_to_production(client: CpsClient) -> None:
    """E9, U1: every call on the way, with what each record says."""
    enrollment, change = create(client)
    drive(client, enrollment, change, changes.CSR)
    csr = client.get_csrs(enrollment, change)[0]
    assert csr.key_algorithm == "RSA"
    certificate = signed(csr.pem)
    assert client.upload_certificates(enrollment, change, [certificate]) == change

    record = drive(client, enrollment, change, changes.CHANGE_MANAGEMENT)
    assert record.takes(changes.CHANGE_MANAGEMENT)
    info = client.get_change_management_info(enrollment, change)
    assert info.hash and info.errors == ()
    assert info.certificates[0].certificate.strip() == changes.UploadCertificate.to_wire(certificate)["certificate"]
    staged = client.get_deployments(enrollment)
    assert staged.staging is not None and staged.staging.certificates[0].key_algorithm == "RSA"
    assert staged.production is None and staged.staging.certificates[0].trust_chain.startswith("-----BEGIN")

    with pytest.raises(RemoteConflict) as caught:
        client.acknowledge(changes.CHANGE_MANAGEMENT, enrollment, change, hash_text="another")
    assert caught.value.code == "conflict" and caught.value.request_id
    client.acknowledge(changes.CHANGE_MANAGEMENT, enrollment, change, hash_text=info.hash)
    assert drive(client, enrollment, change, None).state == "completed"

    both = client.get_deployments(enrollment)
    assert both.production is not None and both.staging is not None
    assert both.production.certificates[0].certificate == both.staging.certificates[0].certificate
    active = next(one for one in client.active_certificates("C-1") if one.id == enrollment)
    assert active.production is not None and active.production.primary is not None
    leaf = x509.load_pem_x509_certificate(certificate.certificate.encode())
    assert active.production.primary.fingerprint == leaf.fingerprint(hashes.SHA256()).hex()
    assert active.production.primary.expiry == leaf.not_valid_after_utc
    assert client.certificate_history(enrollment)[0].certificates
    assert client.get_enrollment(enrollment).newest_change is None


def test_enrollment_read_alone_and_in_the_list_is_the_same(client: CpsClient) -> None:
    enrollment, change = create(client, "C-2")
    alone = client.get_enrollment(enrollment)
    listed = next(one for one in client.list_enrollments("ctr_C-2") if one.id == enrollment)

    assert alone.contract_id is None and listed.contract_id == "C-2"
    assert (alone.cn, set(alone.sans), alone.validation_type) == (listed.cn, set(listed.sans), "third-party")
    assert alone.newest_change is not None and alone.newest_change.change_id == change
    assert alone.secure_network == "standard-tls" and alone.sni_only is True and alone.change_management is True
    assert enrollment in {one.id for one in client.list_enrollments()}
    assert enrollment not in {one.id for one in client.list_enrollments("C-1")}
    assert enrollment in {one.id for one in client.active_certificates()}


def test_dual_stack_enrollment_offers_both_csrs(client: CpsClient) -> None:
    """E10"""
    enrollment, change = create(client, multi_stacked=True)
    drive(client, enrollment, change, changes.CSR)
    assert {one.key_algorithm for one in client.get_csrs(enrollment, change)} == {"RSA", "ECDSA"}


def test_enrollment_without_sni_is_taken_because_dns_names_are_left_out(client: CpsClient) -> None:
    network = NewNetwork(secure_network="enhanced-tls", sni_only=False)
    enrollment, _change = create(client, network=network)
    assert client.get_enrollment(enrollment).sni_only is False


def test_update_that_needs_no_certificate_is_done_at_once(client: CpsClient) -> None:
    enrollment, change = create(client)
    client_record = client.get_enrollment(enrollment)
    body = enrollment_update(client_record.raw, {"adminContact": {"firstName": "Zoë"}})
    status = client.update_enrollment(enrollment, body, allow_cancel_pending_changes=True)
    assert status.enrollment_id == enrollment
    if client.get_enrollment(enrollment).newest_change is not None:
        assert status.http_status in (200, 202)
    assert client.get_enrollment(enrollment).raw["adminContact"]["firstName"] == "Zoë"
    assert change


def test_update_with_a_change_open_is_refused_with_its_code(client: CpsClient) -> None:
    enrollment, _change = create(client)
    raw = client.get_enrollment(enrollment).raw
    body = enrollment_update(raw, {"csr": {"sans": [*raw["csr"]["sans"], "more.example.com"]}})
    with pytest.raises(RemoteConflict) as caught:
        client.update_enrollment(enrollment, body)
    assert caught.value.code == "pending_change" and caught.value.status == 409


def test_cancelled_first_change_takes_the_enrollment_with_it(client: CpsClient) -> None:
    enrollment, change = create(client)
    assert client.cancel_change(enrollment, change) == change
    with pytest.raises(RemoteNotFound) as caught:
        client.get_enrollment(enrollment)
    assert caught.value.code == "not_found" and str(enrollment) in caught.value.message


def test_deleted_enrollment_is_gone(client: CpsClient) -> None:
    enrollment, _change = create(client)
    status = client.delete_enrollment(enrollment, allow_cancel_pending_changes=True)
    assert status.enrollment_id == enrollment and status.http_status in (200, 202)
    assert enrollment not in {one.id for one in client.list_enrollments("C-1")}


def test_schedule_is_read_back_as_set(client: CpsClient) -> None:
    enrollment, change = create(client)
    drive(client, enrollment, change, changes.CSR)
    moment = (datetime.now(timezone.utc) + timedelta(days=3)).replace(microsecond=0)
    client.set_schedule(enrollment, change, changes.Schedule(not_before=moment))
    assert client.get_schedule(enrollment, change).not_before == moment


def test_challenges_and_history_of_a_domain_validation_are_read(client: CpsClient) -> None:
    enrollment, change = create(client, validation_type="dv", certificate_type="san", ra="lets-encrypt")
    assert client.get_enrollment(enrollment).ra == "lets-encrypt"
    now_open = {one.domain: one for one in client.get_dv_challenges(enrollment, change)}
    assert {tuple(way.type for way in one.challenges) for one in now_open.values()} == {("http-01", "dns-01")}
    earlier = client.dv_history(enrollment)
    assert {name: [one.requested for one in tries] for name, tries in earlier.items()} == {
        name: [one.requested] for name, one in now_open.items()
    }


def test_contracts_come_without_prefixes(client: CpsClient) -> None:
    """P2, P4"""
    assert set(client.contract_ids()) == {"C-1", "C-2"}
    contracts = client.papi_contracts()
    assert {one.contract_id for one in contracts.contracts} == {"C-1", "C-2"}


def test_account_switch_key_goes_with_every_call_and_is_signed(make_client: Any) -> None:
    """D10: the key has a colon in it, which is sent percent-encoded; the sandbox checks the signature over it."""
    partner = make_client("partner")
    partner.contract_ids()
    enrollments = partner.list_enrollments()
    assert isinstance(enrollments, tuple)


def test_calls_are_counted_as_they_went_out(client: CpsClient, cps_sandbox: Handle) -> None:
    cps_sandbox.calls(reset=True)
    client.contract_ids()
    for contract in ("C-1", "C-2"):
        client.list_enrollments(contract)
        client.active_certificates(contract)
    assert client.calls == 5 == len(cps_sandbox.calls())
    assert client.log[("GET", "/cps/v2/enrollments")] == 2
    assert client.log[("GET", "/contract-api/v1/contracts/identifiers")] == 1


def test_duplicate_common_name_is_refused_with_its_code(client: CpsClient) -> None:
    body = enrollment_to_wire(wanted(new_name()))
    client.create_enrollment(body, "C-1")
    with pytest.raises(RemoteConflict) as caught:
        client.create_enrollment(body, "C-1")
    assert caught.value.code == "duplicate_common_name"
    again = client.create_enrollment(body, "C-1", allow_duplicate_cn=True)
    assert again.enrollment_id


def test_create_too_soon_after_another_has_its_code(client: CpsClient, cps_sandbox: Handle) -> None:
    cps_sandbox.advance(400)
    cps_sandbox.configure({"create_interval_s": 300})
    try:
        create(client, "C-2")
        with pytest.raises(RemoteConflict) as caught:
            create(client, "C-2")
    finally:
        cps_sandbox.configure({"create_interval_s": 0})
    assert caught.value.code == "create_too_soon" and caught.value.retryable


def test_live_certificate_is_not_deleted(client: CpsClient, cps_sandbox: Handle) -> None:
    enrollment, change = create(client, change_management=False)
    drive(client, enrollment, change, changes.CSR)
    client.upload_certificates(enrollment, change, [signed(client.get_csrs(enrollment, change)[0].pem)])
    assert drive(client, enrollment, change, None).state == "completed"
    name = client.get_enrollment(enrollment).cn
    cps_sandbox.configure({"traffic_names": [name]})
    try:
        with pytest.raises(RemoteConflict) as caught:
            client.delete_enrollment(enrollment)
    finally:
        cps_sandbox.configure({"traffic_names": []})
    assert caught.value.code == "certificate_live"
