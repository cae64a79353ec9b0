# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A new certificate's way through the sandbox: statuses, waiting, lag, warnings, approval, schedule, deadline."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from edgecert_sandbox.phases import PHASES
from edgecert_sandbox.world import Problem, WorldConfig

from ansible_collections.edgecert.clm.tests.support.sandbox_world import (
    ACKNOWLEDGE,
    CERTIFICATE,
    FORCE,
    Lab,
    body_of,
    document,
    pem,
)


@pytest.fixture
def lab() -> Lab:
    return Lab()


def refused(status: int, slug: str = "") -> Any:
    return pytest.raises(Problem, match=f"^{status} {slug}")


def seen_statuses(lab: Lab, eid: int, cid: int, until: str) -> list[str]:
    """Read the status every quarter of a second and give each new one."""
    seen: list[str] = []
    for _step in range(400):
        status = lab.status(eid, cid)
        if not seen or seen[-1] != status:
            seen.append(status)
        if status == until:
            return seen
        lab.clock.advance(0.25)
    raise AssertionError(seen)


def test_a_new_certificate_walks_the_published_statuses(lab: Lab) -> None:
    eid, cid = lab.create()
    assert seen_statuses(lab, eid, cid, "wait-upload-third-party") == [
        "pre-verification-safety-checks",
        "generate-csr",
        "wait-upload-third-party",
    ]
    lab.upload_signed(eid, cid)
    assert seen_statuses(lab, eid, cid, "wait-ack-change-management") == [
        "wait-upload-third-party",
        "verify-third-party-cert",
        "create-slot-files",
        "deploy-cert-to-staging",
        "live-check-action",
        "wait-ack-change-management",
    ]
    lab.clock.advance(1)
    lab.approve(eid, cid)
    assert seen_statuses(lab, eid, cid, "complete") == [
        "wait-ack-change-management",
        "deploy-cert-to-production",
        "live-check-action",
        "complete",
    ]
    assert lab.read(eid)["pendingChanges"] == []
    assert lab.change(eid, cid)["statusInfo"]["state"] == "completed"


def test_every_following_phase_of_the_table_exists() -> None:
    for name, phase in PHASES.items():
        assert phase.then in PHASES or phase.then == "" or phase.then.startswith("decide_"), name
        assert not (phase.inputs and phase.then), name
        assert phase.state == "completed" or phase.state == "cancelled" or phase.then or phase.inputs or not phase.lasts


def test_the_csr_is_not_found_until_it_is_ready(lab: Lab) -> None:
    eid, cid = lab.create()
    for _second in range(4):
        with refused(404, "not-found"):
            lab.csrs(eid, cid)
        lab.clock.advance(1)
    lab.clock.advance(1)
    assert list(lab.csrs(eid, cid)) == ["RSA"]


def test_awaiting_input_is_said_before_the_input_is_offered(lab: Lab) -> None:
    eid, cid = lab.create()
    lab.clock.advance(4)
    view = lab.change(eid, cid)
    assert (view["statusInfo"]["state"], view["allowedInput"]) == ("awaiting-input", [])
    with refused(409, "invalid-enrollment-state"):
        lab.upload(eid, cid, {"RSA": "x"})
    lab.clock.advance(1)
    assert lab.offered(eid, cid) == [CERTIFICATE]


def test_the_old_status_is_still_shown_for_a_while_after_a_post(lab: Lab) -> None:
    eid, cid = lab.create()
    lab.upload_signed(eid, cid)
    assert lab.status(eid, cid) == "wait-upload-third-party"
    assert lab.offered(eid, cid) == [CERTIFICATE]
    with refused(409, "invalid-enrollment-state"):
        lab.upload(eid, cid, {"RSA": "again"})
    lab.clock.advance(1)
    assert lab.status(eid, cid) == "verify-third-party-cert"


def test_with_every_duration_zero_a_change_stops_only_where_input_is_needed() -> None:
    names = ("pre_verification", "csr", "verify", "staging", "production", "lag", "empty_input", "deprovision")
    config = WorldConfig(create_interval_s=0)
    for name in names:
        setattr(config, f"{name}_s", 0.0)
    lab = Lab(config)
    eid, cid = lab.create()
    signed = {algorithm: lab.sign(csr) for algorithm, csr in lab.csrs(eid, cid).items()}
    lab.upload(eid, cid, signed)
    assert lab.status(eid, cid) == "wait-ack-change-management"
    lab.approve(eid, cid)
    assert lab.status(eid, cid) == "complete"
    lab.world.delete_enrollment(eid, {})
    with refused(404):
        lab.read(eid)


def test_rsa_and_ec_keys_are_made_for_a_dual_stack_enrollment(lab: Lab) -> None:
    eid, cid = lab.create(document(enableMultiStackedCertificates=True))
    lab.wait(eid, cid, "wait-upload-third-party")
    loaded = {name: x509.load_pem_x509_csr(text.encode()) for name, text in lab.csrs(eid, cid).items()}
    assert sorted(loaded) == ["ECDSA", "RSA"]
    assert isinstance(loaded["RSA"].public_key(), rsa.RSAPublicKey)
    assert isinstance(loaded["ECDSA"].public_key(), ec.EllipticCurvePublicKey)
    for csr in loaded.values():
        assert csr.is_signature_valid
        sans = csr.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        assert sorted(sans.get_values_for_type(x509.DNSName)) == ["api.example.com", "www.example.com"]
    assert loaded["RSA"].subject.rfc4514_string() == "CN=www.example.com,O=Example,L=Cambridge,ST=MA,C=US"


def test_the_csr_has_no_sans_when_they_are_excluded(lab: Lab) -> None:
    eid, cid = lab.create(document(thirdParty={"excludeSans": True}))
    lab.wait(eid, cid, "wait-upload-third-party")
    csr = x509.load_pem_x509_csr(lab.csrs(eid, cid)["RSA"].encode())
    assert len(csr.extensions) == 0
    assert lab.read(eid)["csr"]["sans"] != []


def test_version_one_of_the_csr_is_a_single_text(lab: Lab) -> None:
    eid, cid = lab.create()
    lab.wait(eid, cid, "wait-upload-third-party")
    assert body_of(lab.world.get_input_info(eid, cid, "third-party-csr", "csr", 1)) == {
        "csr": lab.csrs(eid, cid)["RSA"]
    }


def test_one_certificate_of_a_dual_stack_may_be_uploaded_alone_and_the_other_added_later(lab: Lab) -> None:
    eid, cid = lab.create(document(enableMultiStackedCertificates=True, changeManagement=False))
    lab.wait(eid, cid, "wait-upload-third-party")
    lab.upload(eid, cid, {"ECDSA": lab.sign(lab.csrs(eid, cid)["ECDSA"])})
    lab.wait(eid, cid, "complete")
    first = lab.fingerprints(eid, "production")
    assert len(first) == 1
    assert lab.put(eid).status == 200
    addition = lab.opened(lab.put(eid, {"allow-missing-certificate-addition": "true"}))
    lab.wait(eid, addition, "wait-upload-third-party")
    assert list(lab.csrs(eid, addition)) == ["RSA"]
    lab.upload_signed(eid, addition)
    lab.wait(eid, addition, "complete")
    assert len(lab.fingerprints(eid, "production")) == 2
    deployed = body_of(lab.world.get_deployments(eid, 7))["production"]
    assert deployed["primaryCertificate"]["keyAlgorithm"] == "ECDSA"
    assert [one["keyAlgorithm"] for one in deployed["multiStackedCertificates"]] == ["RSA"]
    assert first[0] in lab.fingerprints(eid, "production")


def test_pre_verification_warnings_stop_a_change_until_acknowledged() -> None:
    lab = Lab(WorldConfig(create_interval_s=0, pre_verification_warnings=True))
    eid, cid = lab.create()
    lab.wait(eid, cid, "wait-review-pre-verification-safety-checks")
    assert lab.offered(eid, cid) == ["pre-verification-warnings-ack"]
    told = lab.world.get_input_info(eid, cid, "pre-verification-warnings", "warnings", 1)
    assert "exist on another certificate" in body_of(told)["warnings"]
    lab.post(eid, cid, "pre-verification-warnings-ack", ACKNOWLEDGE)
    with refused(404):
        lab.world.get_input_info(eid, cid, "pre-verification-warnings", "warnings", 1)
    lab.wait(eid, cid, "wait-upload-third-party")


def test_post_verification_warnings_can_be_acknowledged_or_answered_with_a_better_certificate() -> None:
    lab = Lab(trusted=False)
    eid, cid = lab.create()
    signed = lab.upload_signed(eid, cid)
    lab.wait(eid, cid, "wait-review-third-party-cert")
    assert lab.offered(eid, cid) == ["post-verification-warnings-ack", CERTIFICATE]
    text = body_of(lab.world.get_input_info(eid, cid, "post-verification-warnings", "warnings", 1))["warnings"]
    assert text.startswith(
        "[WARNINGS]\nThe trust chain terminates with a non-standard root certificate.\nTrust Chain\n"
    )
    lab.config.standard_roots.append(pem(lab.ca.root))
    lab.upload(eid, cid, signed)
    lab.wait(eid, cid, "wait-ack-change-management")
    lab.config.standard_roots.clear()
    again = lab.create(document("other.example.com"))
    lab.upload_signed(*again)
    lab.wait(*again, "wait-review-third-party-cert")
    lab.post(*again, "post-verification-warnings-ack", ACKNOWLEDGE)
    lab.wait(*again, "wait-ack-change-management")


def test_denying_cancels_the_change(lab: Lab) -> None:
    eid, cid = lab.create()
    lab.to_staging(eid, cid)
    lab.post(eid, cid, "change-management-ack", {"acknowledgement": "deny"})
    with refused(404):
        lab.read(eid)


def test_without_change_management_the_certificate_goes_straight_to_production(lab: Lab) -> None:
    eid, cid = lab.create(document(changeManagement=False))
    lab.upload_signed(eid, cid)
    assert "wait-ack-change-management" not in seen_statuses(lab, eid, cid, "complete")
    assert lab.fingerprints(eid, "production") == lab.fingerprints(eid, "staging") != []


def test_staging_has_the_certificate_while_production_waits_for_approval(lab: Lab) -> None:
    eid, cid = lab.create()
    signed = lab.to_staging(eid, cid)
    deployed = body_of(lab.world.get_deployments(eid, 7))
    assert deployed["production"] is None
    assert deployed["staging"]["primaryCertificate"]["certificate"] == signed["RSA"].strip()
    assert (
        lab.management(eid, cid)["pendingState"]["pendingCertificates"][0]["fullCertificate"] == signed["RSA"].strip()
    )
    shown = lab.world.get_input_info(eid, cid, "change-management-info", "deployment", 7)
    assert shown.entity == "deployment"
    assert shown.body == deployed["staging"]
    with refused(404):
        lab.world.get_deployment(eid, "production", 7)


def test_an_acknowledgement_with_a_stale_hash_is_refused(lab: Lab) -> None:
    eid, cid = lab.create()
    lab.to_staging(eid, cid)
    stale = lab.management(eid, cid)["validationResultHash"]
    lab.world.add_validation(eid, cid, "A name is live elsewhere.")
    fresh = lab.management(eid, cid)["validationResultHash"]
    assert fresh != stale
    with refused(409):
        lab.post(eid, cid, "change-management-ack", {**ACKNOWLEDGE, "hash": stale})
    lab.post(eid, cid, "change-management-ack", {**ACKNOWLEDGE, "hash": fresh})
    lab.wait(eid, cid, "complete")


def test_validation_errors_cannot_be_acknowledged_away(lab: Lab) -> None:
    eid, cid = lab.create()
    lab.to_staging(eid, cid)
    lab.world.add_validation(eid, cid, "The staging network refused it.", error=True)
    assert lab.management(eid, cid)["validationResult"]["errors"][0]["message"] == "The staging network refused it."
    with refused(409):
        lab.post(eid, cid, "change-management-ack", ACKNOWLEDGE)


def test_an_acknowledgement_without_a_hash_is_taken(lab: Lab) -> None:
    eid, cid = lab.create()
    lab.to_staging(eid, cid)
    lab.post(eid, cid, "change-management-ack", ACKNOWLEDGE)
    lab.wait(eid, cid, "complete")


def test_the_approval_deadline_is_null_until_something_is_live(lab: Lab) -> None:
    eid, cid = lab.create()
    lab.to_staging(eid, cid)
    assert lab.management(eid, cid)["acknowledgementDeadline"] is None
    lab.approve(eid, cid)
    lab.wait(eid, cid, "complete")
    renewal = lab.opened(lab.put(eid, FORCE))
    lab.to_staging(eid, renewal)
    assert lab.management(eid, renewal)["acknowledgementDeadline"].startswith("2027-02-14")


def test_seven_days_before_the_live_certificate_ends_cps_pushes_by_itself(lab: Lab) -> None:
    eid = lab.live(days=90)
    renewal = lab.opened(lab.put(eid, FORCE))
    signed = lab.to_staging(eid, renewal)
    lab.clock.advance(timedelta(days=82).total_seconds())
    assert lab.status(eid, renewal) == "wait-ack-change-management"
    lab.clock.advance(timedelta(days=1).total_seconds())
    lab.wait(eid, renewal, "complete")
    live = body_of(lab.world.get_deployment(eid, "production", 7))["primaryCertificate"]["certificate"]
    assert live == signed["RSA"].strip()
    assert "auto-push" in [event.kind for event in lab.world.events]


def test_a_deployment_date_keeps_cps_from_pushing_by_itself(lab: Lab) -> None:
    eid = lab.live(days=90)
    renewal = lab.opened(lab.put(eid, FORCE))
    lab.to_staging(eid, renewal)
    lab.world.put_deployment_schedule(eid, renewal, {"notBefore": "2027-03-31T00:00:00Z", "notAfter": None})
    lab.clock.advance(timedelta(days=89).total_seconds())
    assert lab.status(eid, renewal) == "wait-ack-change-management"


def test_an_approved_change_waits_for_its_date(lab: Lab) -> None:
    eid, cid = lab.create()
    lab.to_staging(eid, cid)
    lab.world.put_deployment_schedule(eid, cid, {"notBefore": "2026-11-24T12:00:00Z"})
    assert body_of(lab.world.get_deployment_schedule(eid, cid)) == {
        "notBefore": "2026-11-24T12:00:00Z",
        "notAfter": None,
    }
    lab.approve(eid, cid)
    lab.clock.advance(3600)
    assert lab.fingerprints(eid, "production") == []
    assert lab.change(eid, cid)["statusInfo"]["deploymentSchedule"]["notBefore"] == "2026-11-24T12:00:00Z"
    lab.clock.advance(24 * 3600)
    assert lab.status(eid, cid) == "complete"
    assert lab.fingerprints(eid, "production") != []


def test_clearing_the_date_of_a_scheduled_change_deploys_it(lab: Lab) -> None:
    eid, cid = lab.create(deploy_not_before="2026-12-24")
    lab.to_staging(eid, cid)
    lab.approve(eid, cid)
    lab.clock.advance(3600)
    assert lab.fingerprints(eid, "production") == []
    lab.world.put_deployment_schedule(eid, cid, {"notBefore": None, "notAfter": None})
    lab.wait(eid, cid, "complete")
    with refused(409):
        lab.world.put_deployment_schedule(eid, cid, {"notBefore": None})


def test_a_change_lapses_after_its_last_date(lab: Lab) -> None:
    eid = lab.live(days=365)
    renewal = lab.opened(lab.put(eid, {**FORCE, "deploy-not-after": "2026-11-30"}))
    before = lab.fingerprints(eid, "production")
    lab.to_staging(eid, renewal)
    lab.clock.advance(timedelta(days=8).total_seconds())
    assert lab.change(eid, renewal)["statusInfo"]["state"] == "cancelled"
    assert lab.fingerprints(eid, "production") == before


@pytest.mark.parametrize("body", [{"notBefore": "soon"}, {"notBefore": "2027-01-02", "notAfter": "2027-01-01"}])
def test_an_impossible_schedule_is_refused(lab: Lab, body: dict[str, Any]) -> None:
    eid, cid = lab.create()
    with refused(400):
        lab.world.put_deployment_schedule(eid, cid, body)


def test_an_input_that_is_not_waited_for_is_refused(lab: Lab) -> None:
    eid, cid = lab.create()
    lab.wait(eid, cid, "wait-upload-third-party")
    with refused(409, "invalid-enrollment-state"):
        lab.post(eid, cid, "change-management-ack", ACKNOWLEDGE)
    with refused(404):
        lab.post(eid, cid, "no-such-input", ACKNOWLEDGE)
    with refused(404):
        lab.world.get_input_info(eid, cid, "change-management-info", "change-management-info", 5)
    with refused(406):
        lab.world.get_input_info(eid, cid, "third-party-csr", "warnings", 1)
