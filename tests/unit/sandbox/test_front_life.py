# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whole lives of enrollments over real TLS, with edgegrid-python and plain requests; answers against the schema."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from edgecert_sandbox import schemas
from edgecert_sandbox.handle import Handle, SandboxOptions, start
from edgecert_sandbox.handshake import presented_certificate
from jsonschema import Draft202012Validator

from ansible_collections.edgecert.clm.tests.support.sandbox_client import ApiClient, SmallCa, enrollment, media, split

CONTRACT = "C-1AAAA"
PUBLISHED = Path(__file__).resolve().parents[3].parent / "shared" / "openapi" / "cps-v2.bundled.json"
WARNING = "The sandbox was told to warn."

# Where real answers break the published schema, as the published examples do: entity, member, what is wrong with it.
CONTRADICTIONS = {
    ("enrollment", "id", "integer"),
    ("change-management-info", "ocspStapled", "text"),
    ("change-management-info", "quicEnabled", "text"),
    ("change-management-info", "sniOnly", "text"),
    ("certificate-history", "geography", "core"),
    ("deployments", "production", "null"),
    ("deployments", "staging", "null"),
}


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Handle]:
    extra = ("--set", "create_interval_s=0", "--set", f'post_verification_warnings=["{WARNING}"]')
    with start(SandboxOptions(limits=False, contracts=(CONTRACT,), extra=extra)) as handle:
        yield handle


class Life:
    """One enrollment on its way; keeps every answer with the media type asked for."""

    def __init__(self, sandbox: Handle, name: str, **changed: Any) -> None:
        self.sandbox = sandbox
        self.api = ApiClient(sandbox)
        self.answers: list[tuple[str, Any]] = []
        made = self.call(
            "POST",
            f"/cps/v2/enrollments?contractId={CONTRACT}",
            "enrollment-status.v1",
            enrollment(name, **changed),
            "enrollment.v11",
            status=202,
        )
        self.eid = int(made["enrollment"].rpartition("/")[2])
        self.cid = int(made["changes"][0].rpartition("/")[2])

    @property
    def path(self) -> str:
        return f"/cps/v2/enrollments/{self.eid}"

    @property
    def change(self) -> str:
        return f"{self.path}/changes/{self.cid}"

    def call(
        self, method: str, path: str, accept: str, body: Any = None, sent: str | None = None, status: int = 200
    ) -> Any:
        answer = self.api.call(method, path, accept, body, sent)
        assert answer.status_code == status, answer.text
        assert answer.headers["Content-Type"] == media(*split(accept))
        self.answers.append((accept, answer.json()))
        return answer.json()

    def until(self, update: str) -> dict[str, Any]:
        """Move the clock until the change waits for an input, or has ended (``update`` empty)."""
        for _round in range(60):
            status: dict[str, Any] = self.call("GET", self.change, "change.v2")
            tails = [one["update"].rpartition("/")[2] for one in status["allowedInput"]]
            if update in tails or (not update and status["statusInfo"]["state"] == "completed"):
                return status
            self.sandbox.advance(5)
        raise AssertionError(status)

    def info(self, tail: str, accept: str) -> Any:
        return self.call("GET", f"{self.change}/input/info/{tail}", accept)

    def update(self, tail: str, sent: str, body: Any) -> Any:
        return self.call("POST", f"{self.change}/input/update/{tail}", "change-id.v1", body, sent)

    def upload(self, authority: SmallCa) -> dict[str, x509.Certificate]:
        """Have all CSRs signed and upload the certificates."""
        self.until("third-party-cert-and-trust-chain")
        csrs = self.info("third-party-csr", "csr.v2")["csrs"]
        entries = [{**one, "certificate": authority.sign(one["csr"]), "trustChain": authority.pem} for one in csrs]
        for entry in entries:
            del entry["csr"]
        self.update(
            "third-party-cert-and-trust-chain",
            "certificate-and-trust-chain.v2",
            {"certificatesAndTrustChains": entries},
        )
        return {e["keyAlgorithm"]: x509.load_pem_x509_certificate(e["certificate"].encode()) for e in entries}

    def acknowledge(self) -> str:
        """Acknowledge the warnings and give them."""
        self.until("post-verification-warnings-ack")
        warnings: str = self.info("post-verification-warnings", "warnings.v1")["warnings"]
        self.update("post-verification-warnings-ack", "acknowledgement.v1", {"acknowledgement": "acknowledge"})
        return warnings


def old_enrollment(name: str) -> dict[str, Any]:
    """Give an enrollment as templates of Akamai's command line have it: version 4, SNI as an object."""
    body = enrollment(name, changeManagement=False, signatureAlgorithm="SHA-256", thirdParty={"excludeSans": True})
    body["networkConfiguration"] = {
        "preferredCiphers": "ak-akamai-default-2017q3",
        "mustHaveCiphers": "ak-akamai-default-2017q3",
        "disallowedTlsVersions": [],
        "sni": {"cloneDnsNames": True, "dnsNames": [name]},
        "secureNetwork": "enhanced-tls",
        "geography": "core",
    }
    return body


def test_the_calls_of_akamais_command_line_get_their_answers(sandbox: Handle) -> None:
    """Lists, creates, follows, updates and deletes with the media types and queries that cli-cps 2.0.7 sends."""
    api = ApiClient(sandbox)
    assert api.get("/contract-api/v1/contracts/identifiers?depth=TOP", headers={"Accept": "*/*"}).json() == [CONTRACT]
    made = api.call(
        "POST",
        f"/cps/v2/enrollments?contractId={CONTRACT}&allow-duplicate-cn=true",
        "enrollment-status.v1",
        old_enrollment("old.example.com"),
        "enrollment.v4",
    )
    assert made.status_code == 202, made.text
    eid = made.json()["enrollment"].split("/")[-1]
    listed = api.get(f"/cps/v2/enrollments?contractId={CONTRACT}", "enrollments.v4").json()["enrollments"]
    assert "old.example.com" in [one["csr"]["cn"] for one in listed]
    read = api.get(f"/cps/v2/enrollments/{eid}", "enrollment.v4").json()
    assert read["networkConfiguration"]["sni"]["cloneDnsNames"] is True
    sandbox.advance(60)
    change = f"/cps/v2/enrollments/{eid}/changes/{read['pendingChanges'][0].split('/')[-1]}"
    status = api.get(change, "change.v1").json()
    assert status["statusInfo"]["status"] == "wait-upload-third-party"
    csrs = api.get(status["allowedInput"][0]["info"], "csr.v2").json()["csrs"]
    assert [one["keyAlgorithm"] for one in csrs] == ["RSA"]
    assert api.get(f"/cps/v2/enrollments/{eid}/history/changes", "change-history.v3").status_code == 200
    assert api.get(f"/cps/v2/enrollments/{eid}/deployments/production", "deployment.v3").status_code == 404
    updated = api.call(
        "PUT",
        f"/cps/v2/enrollments/{eid}?allow-cancel-pending-changes=true",
        "enrollment-status.v1",
        {**read, "changeManagement": True},
        "enrollment.v4",
    )
    assert updated.status_code in (200, 202), updated.text
    deleted = api.call("DELETE", f"/cps/v2/enrollments/{eid}?allow-cancel-pending-changes=true", "enrollment-status.v1")
    assert deleted.status_code in (200, 202), deleted.text
    sandbox.advance(60)
    assert api.get(f"/cps/v2/enrollments/{eid}", "enrollment.v4").status_code == 404


def test_a_certificate_goes_from_create_to_production(sandbox: Handle) -> None:
    """U1, U2: the way a first certificate takes, by clients that know nothing of the sandbox."""
    life = Life(sandbox, "whole-life.example.com")
    signed = life.upload(SmallCa())["RSA"]
    assert WARNING in life.acknowledge()
    life.until("change-management-ack")
    assert presented_certificate(sandbox.edge("staging"), "whole-life.example.com") == signed
    assert presented_certificate(sandbox.edge("production"), "whole-life.example.com") != signed
    info = life.info("change-management-info", "change-management-info.v5")
    wrong = life.api.call(
        "POST",
        f"{life.change}/input/update/change-management-ack",
        "change-id.v1",
        {"acknowledgement": "acknowledge", "hash": "0" * 40},
        "acknowledgement-with-hash.v1",
    )
    assert wrong.status_code == 409
    life.update(
        "change-management-ack",
        "acknowledgement-with-hash.v1",
        {"acknowledgement": "acknowledge", "hash": info["validationResultHash"]},
    )
    life.until("")
    assert presented_certificate(sandbox.edge("production"), "whole-life.example.com") == signed
    assert life.call("GET", life.path, "enrollment.v11")["pendingChanges"] == []


def test_both_kinds_of_key_are_served_side_by_side(sandbox: Handle) -> None:
    life = Life(sandbox, "dual.example.com", enableMultiStackedCertificates=True, changeManagement=False)
    signed = life.upload(SmallCa())
    life.acknowledge()
    life.until("")
    edge = sandbox.edge("production")
    ciphers = {"RSA": "ECDHE-RSA-AES128-GCM-SHA256", "ECDSA": "ECDHE-ECDSA-AES128-GCM-SHA256"}
    presented = {kind: presented_certificate(edge, "dual.example.com", ciphers=text) for kind, text in ciphers.items()}
    assert presented == signed
    assert isinstance(presented["RSA"].public_key(), rsa.RSAPublicKey)
    assert isinstance(presented["ECDSA"].public_key(), ec.EllipticCurvePublicKey)


def test_a_wildcard_is_served_for_names_one_label_below_it(sandbox: Handle) -> None:
    life = Life(sandbox, "*.wild.example.com", changeManagement=False)
    signed = life.upload(SmallCa())["RSA"]
    life.acknowledge()
    life.until("")
    edge = sandbox.edge("staging")
    assert presented_certificate(edge, "a.wild.example.com") == signed
    assert presented_certificate(edge, "a.b.wild.example.com") != signed


def errors(entity: str, body: Any, schema: dict[str, Any]) -> set[tuple[str, str, str]]:
    """Give what of a body breaks a schema, in the words of the table above."""
    found = set()
    for error in Draft202012Validator(schema).iter_errors(body):
        names = ["", *(part for part in error.absolute_path if isinstance(part, str))]
        if error.validator == "required":
            missing = set(error.validator_value) - set(error.instance)
            found |= {(entity, name, "absent") for name in missing}
            continue
        kinds = {int: "integer", type(None): "null", str: "text"}
        what = str(error.instance) if error.validator == "enum" else kinds.get(type(error.instance), error.message)
        found.add((entity, names[-1], what))
    return found


def lifetime_of_answers(sandbox: Handle) -> list[tuple[str, Any]]:
    """Ask every published route in every version while an enrollment goes through its life."""
    life = Life(sandbox, "schema.example.com")
    for version in (1, 2, 3, 6, 7):
        life.call("GET", f"{life.path}/deployments", f"deployments.v{version}")
    life.upload(SmallCa())
    life.acknowledge()
    life.until("change-management-ack")
    for version in (4, 5):
        life.info("change-management-info", f"change-management-info.v{version}")
    for version in (1, 2, 3, 6, 7):
        life.info("change-management-info", f"deployment.v{version}")
        life.call("GET", f"{life.path}/deployments/staging", f"deployment.v{version}")
    life.call("GET", f"{life.change}/deployment-schedule", "deployment-schedule.v1")
    life.call(
        "PUT",
        f"{life.change}/deployment-schedule",
        "change-id.v1",
        {"notBefore": "2026-01-01T00:00:00Z", "notAfter": None},
        "deployment-schedule.v1",
    )
    info = life.info("change-management-info", "change-management-info.v5")
    life.update(
        "change-management-ack",
        "acknowledgement-with-hash.v1",
        {"acknowledgement": "acknowledge", "hash": info["validationResultHash"]},
    )
    life.until("")
    after_production(life)
    return life.answers


def after_production(life: Life) -> None:
    for version in (3, 4, 7, 9, 10, 11):
        life.call("GET", f"/cps/v2/enrollments?contractId={CONTRACT}", f"enrollments.v{version}")
        body = life.call("GET", life.path, f"enrollment.v{version}")
    for version in (1, 2, 3, 6, 7):
        life.call("GET", f"{life.path}/deployments", f"deployments.v{version}")
        life.call("GET", f"{life.path}/deployments/production", f"deployment.v{version}")
    for version in (1, 2):
        life.call("GET", f"{life.path}/history/certificates", f"certificate-history.v{version}")
        life.call("GET", life.change, f"change.v{version}")
    for version in (3, 5):
        life.call("GET", f"{life.path}/history/changes", f"change-history.v{version}")
    renewed = life.call("PUT", f"{life.path}?force-renewal=true", "enrollment-status.v1", body, "enrollment.v11", 202)
    life.cid = int(renewed["changes"][-1].rpartition("/")[2])
    life.call("GET", life.path, "enrollment.v9")
    life.until("third-party-cert-and-trust-chain")
    life.info("third-party-csr", "csr.v1")
    life.call("DELETE", life.change, "change-id.v1")
    life.call("DELETE", life.path, "enrollment-status.v1", status=202)


def test_every_answer_fits_the_published_schema_but_for_the_known_contradictions(sandbox: Handle) -> None:
    answers = lifetime_of_answers(sandbox)
    found: set[tuple[str, str, str]] = set()
    for name, body in answers:
        entity = {"enrollments": "enrollment"}.get(split(name)[0], split(name)[0])
        found |= errors(entity, body, schemas.published()[name])
    assert found == CONTRADICTIONS
    asked = {name for name, _body in answers}
    unasked = {name for name in schemas.published() if split(name)[0] not in REQUEST_ONLY} - asked
    assert unasked == NEVER_HERE


# Bodies of requests, and answers of other lives: domain validation; versions of ours that the description has not.
REQUEST_ONLY = {"acknowledgement", "acknowledgement-with-hash", "certificate-and-trust-chain"}
NEVER_HERE = {
    "dv-challenges.v1",
    "dv-challenges.v2",
    "dv-history.v1",
    "enrollment.v12",
    "enrollments.v12",
    "deployment.v8",
    "deployments.v8",
}


def test_answers_of_domain_validation_fit_the_schema(sandbox: Handle) -> None:
    sandbox.seed(2, kinds=["dv", "dv-pending"])
    api = ApiClient(sandbox)
    found = set()
    listed = api.get("/cps/v2/enrollments", "enrollments.v11").json()["enrollments"]
    domain_validated = [one for one in listed if one["validationType"] == "dv"]
    assert len(domain_validated) == 2
    for one in domain_validated:
        answer = api.get(f"/cps/v2/enrollments/{one['id']}/dv-history", "dv-history.v1")
        found |= errors("dv-history", answer.json(), schemas.published()["dv-history.v1"])
    assert found == set()


def test_newer_versions_and_active_certificates_carry_what_clients_read(sandbox: Handle) -> None:
    sandbox.seed(1)
    api = ApiClient(sandbox)
    listed = api.get(f"/cps/v2/active-certificates?contractId={CONTRACT}", "active-certificates.v2").json()
    live = [one for one in listed["enrollments"] if one["production"]]
    certificate = live[-1]["production"]["primaryCertificate"]
    assert {"expiry", "issuer", "keyAlgorithm", "serial", "sha256Fingerprint", "signatureAlgorithm"} == set(certificate)
    body = api.get(f"/cps/v2/enrollments/{live[-1]['id']}", "enrollment.v12").json()
    assert "fipsMode" in body["networkConfiguration"]
    deployment = api.get(f"/cps/v2/enrollments/{live[-1]['id']}/deployments/production", "deployment.v8")
    assert deployment.status_code == 200


@pytest.mark.published
@pytest.mark.skipif(not PUBLISHED.exists(), reason="the published API documents do not lie beside this checkout")
def test_the_list_of_contradictions_is_about_published_members() -> None:
    bundle = json.loads(PUBLISHED.read_text(encoding="utf-8"))
    for entity, member, _what in CONTRADICTIONS:
        texts = [json.dumps(s) for name, s in bundle["components"]["schemas"].items() if name.startswith(f"{entity}.v")]
        assert any(f'"{member}"' in text for text in texts)
