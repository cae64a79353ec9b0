# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the sandbox answers: shapes by media version, held against the published schemas; lists, histories, edges."""

from __future__ import annotations

import hashlib
import json
import pathlib
import threading
from datetime import timedelta
from typing import Any

import jsonschema
import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, load_pem_private_key
from edgecert_sandbox.clock import parse_iso
from edgecert_sandbox.world import Answer, Problem, SandboxClock, World, WorldConfig

from ansible_collections.edgecert.clm.tests.support.sandbox_world import (
    CONTRACT,
    FORCE,
    START,
    Lab,
    body_of,
    document,
    id_of,
)

DUAL: dict[str, Any] = {"enableMultiStackedCertificates": True}


def strict(schema: Any) -> Any:
    """Turn an OpenAPI 3.0 schema into JSON Schema: ``nullable`` becomes a second type."""
    if isinstance(schema, list):
        return [strict(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    result = {name: strict(value) for name, value in schema.items() if name not in ("nullable", "example")}
    if schema.get("nullable") is True:
        if isinstance(schema.get("type"), str):
            result["type"] = [schema["type"], "null"]
        if "enum" in schema:
            result["enum"] = [*schema["enum"], None]
    return result


class Published:
    """The published schemas, loosened only where the real service is known to differ from them."""

    def __init__(self, folder: pathlib.Path) -> None:
        text = (folder / "cps-v2.bundled.json").read_text(encoding="utf-8")
        self.schemas = strict(json.loads(text)["components"]["schemas"])
        for version in ("v10", "v11"):
            # Real ids are numbers.
            if "id" in self.schemas[f"enrollment.{version}"]["properties"]:
                self.schemas[f"enrollment.{version}"]["properties"]["id"] = {"type": "integer"}
        for version in ("v4", "v5"):
            pending = self.schemas[f"change-management-info.{version}"]["properties"]["pendingState"]["properties"]
            texts = {"enum": ["true", "false"]}
            # Real booleans are texts here.
            pending["pendingNetworkConfiguration"]["properties"].update(quicEnabled=texts, sniOnly=texts)
            certificate = pending.get("pendingCertificate") or pending["pendingCertificates"]["items"]
            certificate["properties"]["ocspStapled"] = texts
        challenge = self.schemas["dv-challenges.v2"]["properties"]["dv"]["items"]["properties"]["challenges"]["items"]
        # A real challenge says "pending" in lower case.
        challenge["properties"]["status"]["enum"].append("pending")
        geography = self.schemas["certificate-history.v2"]["properties"]["certificates"]["items"]["properties"]
        # Real histories say "core".
        geography["geography"]["enum"].append("core")
        for version in ("v6", "v7"):
            networks = self.schemas[f"deployments.{version}"]["properties"]
            for name in networks:
                # A network that serves nothing is null.
                networks[name]["type"] = ["object", "null"]

    def hold(self, answer: Answer, version: int) -> None:
        """Fail unless an answer is valid."""
        schema = {
            **self.schemas[f"{answer.entity}.v{version}"],
            "components": {"schemas": self.schemas},
        }
        jsonschema.Draft202012Validator(schema).validate(answer.body)


@pytest.fixture(scope="module")
def published(shared_openapi: pathlib.Path) -> Published:
    return Published(shared_openapi)


@pytest.fixture
def lab() -> Lab:
    return Lab()


@pytest.mark.published
def test_answers_about_enrollments_are_as_published(published: Published) -> None:
    lab = Lab(WorldConfig(create_interval_s=0, location_style="mixed"))
    lab.world.seed(6, kinds=["third-party", "dv", "ov", "ev", "dv-pending", "third-party-pending"])
    lab.live(document(**DUAL))
    published.hold(lab.world.post_enrollment(CONTRACT, document("new.example.com"), {}, 11), 1)
    for version in (4, 7, 9, 10, 11):
        published.hold(lab.world.get_enrollments(None, version), version)
    for entry in lab.world.describe()["enrollments"]:
        eid = entry["id"]
        for version in (4, 7, 9, 10, 11):
            published.hold(lab.world.get_enrollment(eid, version), version)
        for version in (6, 7):
            published.hold(lab.world.get_deployments(eid, version), version)
        for version in (1, 2):
            published.hold(lab.world.get_certificate_history(eid, version), version)
        for version in (3, 5):
            published.hold(lab.world.get_change_history(eid, version), version)
        if entry["production"]:
            for version in (3, 6, 7):
                published.hold(lab.world.get_deployment(eid, "production", version), version)
            published.hold(lab.put(eid, {}), 1)
        if entry["validationType"] == "dv":
            published.hold(lab.world.get_dv_history(eid), 1)
        for one in entry["pending"]:
            published.hold(lab.world.get_change(eid, one["id"], 2), 2)
    published.hold(lab.world.delete_enrollment(lab.world.describe()["enrollments"][0]["id"], {}), 1)


@pytest.mark.published
def test_answers_along_a_change_are_as_published(published: Published) -> None:
    config = WorldConfig(create_interval_s=0, pre_verification_warnings=True, post_verification_warnings=["Odd."])
    lab = Lab(config)
    eid, cid = lab.create(document(**DUAL))

    def step(status: str, info: str, versions: tuple[int, ...], entity: str, tail: str, body: dict[str, Any]) -> None:
        lab.wait(eid, cid, status)
        for version in versions:
            published.hold(lab.world.get_input_info(eid, cid, info, entity, version), version)
        published.hold(lab.world.get_change(eid, cid, 2), 2)
        if tail:
            published.hold(lab.post(eid, cid, tail, body), 1)

    ack = {"acknowledgement": "acknowledge"}
    pre, post = "pre-verification-warnings", "post-verification-warnings"
    step("wait-review-pre-verification-safety-checks", pre, (1,), "warnings", f"{pre}-ack", ack)
    step("wait-upload-third-party", "third-party-csr", (1, 2), "csr", "", {})
    lab.upload_signed(eid, cid, cn="other.example.com")
    lab.clock.advance(10)
    assert lab.change(eid, cid)["statusInfo"]["error"] is not None
    published.hold(lab.world.get_change(eid, cid, 2), 2)
    lab.upload_signed(eid, cid)
    step("wait-review-third-party-cert", post, (1,), "warnings", f"{post}-ack", ack)
    info = "change-management-info"
    step("wait-ack-change-management", info, (3, 6, 7), "deployment", "", {})
    published.hold(lab.world.put_deployment_schedule(eid, cid, {"notBefore": "2026-12-01T00:00:00Z"}), 1)
    published.hold(lab.world.get_deployment_schedule(eid, cid), 1)
    step("wait-ack-change-management", info, (4, 5), info, "change-management-ack", ack)
    renewal_lab = Lab(WorldConfig(create_interval_s=0))
    live = renewal_lab.live()
    renewal = renewal_lab.opened(renewal_lab.put(live, FORCE))
    published.hold(renewal_lab.world.delete_change(live, renewal), 1)


@pytest.mark.published
def test_domain_validation_challenges_are_as_published(published: Published, lab: Lab) -> None:
    (eid,) = lab.world.seed(1, kinds=["dv-pending"])
    lab.clock.advance(2)
    view = lab.change(eid, eid)
    assert (view["statusInfo"]["state"], view["statusInfo"]["status"]) == ("suspended", "coodinate-domain-validation")
    assert view["allowedInput"][0]["requiredToProceed"] is False
    for version in (1, 2):
        tail = "lets-encrypt-challenges"
        published.hold(lab.world.get_input_info(eid, eid, tail, "dv-challenges", version), version)
    lab.post(eid, eid, "lets-encrypt-challenges-completed", {"acknowledgement": "acknowledge"})
    lab.wait(eid, eid, "wait-ack-change-management")
    published.hold(lab.world.get_deployments(eid, 7), 7)


def test_version_twelve_adds_fips_mode_and_earlier_ones_keep_it(lab: Lab) -> None:
    eid, _cid = lab.create(document(networkConfiguration={"fipsMode": True}))
    assert lab.read(eid, 12)["networkConfiguration"]["fipsMode"] is True
    assert "fipsMode" not in lab.read(eid, 11)["networkConfiguration"]
    lab.put(eid, {"allow-cancel-pending-changes": "true"})
    assert lab.read(eid, 12)["networkConfiguration"]["fipsMode"] is True


def test_pending_changes_are_addresses_up_to_version_nine(lab: Lab) -> None:
    eid, cid = lab.create()
    assert [id_of(text) for text in lab.read(eid, 9)["pendingChanges"]] == [cid]
    assert lab.read(eid, 11)["pendingChanges"][0]["changeType"] == "new-certificate"


def test_version_four_knows_an_sni_object_and_writes_with_it(lab: Lab) -> None:
    doc = document()
    network = doc["networkConfiguration"]
    for member in ("sniOnly", "quicEnabled", "dnsNameSettings"):
        del network[member]
    network["sni"] = {"cloneDnsNames": False, "dnsNames": ["www.example.com"]}
    del doc["enableMultiStackedCertificates"]
    eid = id_of(body_of(lab.world.post_enrollment(CONTRACT, doc, {}, 4))["enrollment"])
    assert lab.read(eid, 4)["networkConfiguration"]["sni"] == network["sni"]
    assert lab.read(eid, 11)["networkConfiguration"]["sniOnly"] is True
    assert lab.read(eid, 11)["networkConfiguration"]["dnsNameSettings"] == network["sni"]


def test_names_read_back_lower_case_with_the_common_name_in_another_order(lab: Lab) -> None:
    sans = ["B.Example.com", "a.example.com", "c.example.net"]
    eid, _cid = lab.create(document("WWW.Example.com", csr={"sans": sans}))
    read = lab.read(eid)["csr"]
    assert read["cn"] == "WWW.Example.com"
    assert sorted(read["sans"]) == ["a.example.com", "b.example.com", "c.example.net", "www.example.com"]
    assert read["sans"] != [name.lower() for name in [*sans, "www.example.com"]]


def test_the_signature_algorithm_of_a_third_party_enrollment_reads_back_null(lab: Lab) -> None:
    eid, _cid = lab.create(document(signatureAlgorithm="SHA-256"))
    assert lab.read(eid)["signatureAlgorithm"] is None


def test_a_document_read_can_be_written_back_as_it_is(lab: Lab) -> None:
    eid = lab.live()
    for version in (9, 10, 11, 12):
        assert lab.world.put_enrollment(eid, lab.read(eid, version), {}, version).status == 200
    assert lab.read(eid)["pendingChanges"] == []


def test_changing_an_answer_changes_nothing_inside(lab: Lab) -> None:
    eid, _cid = lab.create()
    lab.read(eid)["org"]["name"] = "spoiled"
    lab.read(eid)["networkConfiguration"]["disallowedTlsVersions"].append("spoiled")
    assert lab.read(eid)["org"]["name"] == "Example"
    assert lab.read(eid)["networkConfiguration"]["disallowedTlsVersions"] == []


def test_locations_come_in_three_styles_and_end_with_the_ids() -> None:
    lab = Lab(WorldConfig(create_interval_s=0, base_url="https://sandbox.test"))
    styles = set()
    for number in range(3):
        answer = body_of(lab.world.post_enrollment(CONTRACT, document(f"w{number}.example.com"), {}, 11))
        styles.add(answer["enrollment"].split("/enrollments/")[0])
        eid, cid = id_of(answer["enrollment"]), id_of(answer["changes"][0])
        assert isinstance(lab.read(eid)["id"], int)
        lab.change(eid, cid)
    assert styles == {"/cps/v2", "/cps-api", "https://sandbox.test/cps/v2"}
    lab.config.location_style = "plain"
    found = body_of(lab.world.get_enrollments(CONTRACT, 11))["enrollments"]
    assert all(one["location"].startswith("/cps/v2/enrollments/") for one in found)


def test_booleans_of_change_management_are_texts(lab: Lab) -> None:
    eid, cid = lab.create(document(**DUAL))
    lab.to_staging(eid, cid)
    five, four = lab.management(eid, cid, 5), lab.management(eid, cid, 4)
    assert five["pendingState"]["pendingNetworkConfiguration"]["sniOnly"] == "true"
    assert five["pendingState"]["pendingNetworkConfiguration"]["quicEnabled"] == "false"
    shown = five["pendingState"]["pendingCertificates"]
    assert [(one["keyAlgorithm"], one["ocspStapled"]) for one in shown] == [("ECDSA", "false"), ("RSA", "false")]
    assert four["pendingState"]["pendingCertificate"]["fullCertificate"] == shown[0]["fullCertificate"]
    assert "pendingCertificates" not in four["pendingState"]


def test_histories_are_newest_first_and_say_what_is_active(lab: Lab) -> None:
    eid = lab.live()
    old = body_of(lab.world.get_deployment(eid, "production", 7))["primaryCertificate"]["certificate"]
    cid = lab.opened(lab.put(eid, FORCE))
    new = lab.to_staging(eid, cid)["RSA"].strip()
    listed = body_of(lab.world.get_certificate_history(eid, 2))["certificates"]
    assert [one["primaryCertificate"]["certificate"] for one in listed] == [new, old]
    assert [(one["stagingStatus"], one["deploymentStatus"]) for one in listed] == [
        ("active", "inactive"),
        ("inactive", "active"),
    ]
    changes = body_of(lab.world.get_change_history(eid, 5))["changes"]
    assert [(one["action"], one["status"]) for one in changes] == [
        ("renew", "incomplete"),
        ("new-certificate", "completed"),
    ]
    assert changes[0]["primaryCertificate"]["certificate"] == new


def test_a_change_just_opened_has_no_certificate_and_no_last_update(lab: Lab) -> None:
    eid, cid = lab.create()
    (entry,) = body_of(lab.world.get_change_history(eid, 5))["changes"]
    assert (entry["primaryCertificate"], entry["lastUpdated"]) == (None, None)
    lab.wait(eid, cid, "wait-upload-third-party")
    (entry,) = body_of(lab.world.get_change_history(eid, 5))["changes"]
    assert entry["primaryCertificate"]["csr"] == lab.csrs(eid, cid)["RSA"]
    assert entry["primaryCertificate"]["certificate"] is None


def test_active_certificates_tell_the_fingerprint_of_the_deployed_pem(lab: Lab) -> None:
    eid = lab.live(document(**DUAL))
    fresh, _cid = lab.create(document("fresh.example.com"))
    seeded = lab.world.seed(4, kinds=["third-party", "dv", "ov", "ev"])
    listed = {one["id"]: one for one in body_of(lab.world.get_active_certificates(CONTRACT, 2))["enrollments"]}
    assert listed[fresh]["production"] is None
    for one in (eid, *seeded):
        told = listed[one]["production"]
        pems = body_of(lab.world.get_deployment(one, "production", 7))
        pairs = [(told["primaryCertificate"], pems["primaryCertificate"])]
        pairs += zip(told["multiStackedCertificates"], pems["multiStackedCertificates"], strict=True)
        for summary, full in pairs:
            certificate = x509.load_pem_x509_certificate(full["certificate"].encode())
            digest = hashlib.sha256(certificate.public_bytes(Encoding.DER)).hexdigest()
            assert summary["sha256Fingerprint"].replace(":", "").lower() == digest
            assert int(summary["serial"].replace(":", ""), 16) == certificate.serial_number
            assert parse_iso(summary["expiry"]) == certificate.not_valid_after_utc
            assert summary["keyAlgorithm"] == full["keyAlgorithm"]
            issuer = x509.load_pem_x509_certificate(full["trustChain"].encode())
            certificate.verify_directly_issued_by(issuer)
    first = body_of(lab.world.get_active_certificates(CONTRACT, 1))["enrollments"][0]
    assert "issuer" not in first["production"]["primaryCertificate"]
    lab.config.active_certificates_available = False
    with pytest.raises(Problem, match="^404"):
        lab.world.get_active_certificates(CONTRACT, 2)


def test_edges_get_what_is_deployed_with_the_matching_key(lab: Lab) -> None:
    before = {network: lab.world.generation(network) for network in ("staging", "production")}
    eid, cid = lab.create()
    signed = lab.to_staging(eid, cid)["RSA"].strip()
    assert lab.world.served("production") == []
    (served,) = lab.world.served("staging")
    assert served.names == ["www.example.com", "api.example.com"] or set(served.names) == {
        "www.example.com",
        "api.example.com",
    }
    assert served.chain_pem.startswith(signed)
    assert served.chain_pem.count("BEGIN CERTIFICATE") == 2
    key = load_pem_private_key(served.key_pem.encode(), None)
    leaf = x509.load_pem_x509_certificate(served.chain_pem.encode())
    assert key.public_key() == leaf.public_key()
    assert served.key_pem not in repr(served)
    assert lab.world.generation("staging") > before["staging"]
    assert lab.world.generation("production") == before["production"]


def test_edges_answer_for_the_names_that_were_set(lab: Lab) -> None:
    settings = {"cloneDnsNames": False, "dnsNames": ["API.example.com"]}
    eid, cid = lab.create(document(networkConfiguration={"dnsNameSettings": settings}))
    lab.to_staging(eid, cid)
    assert lab.world.served("staging")[0].names == ["api.example.com"]
    assert body_of(lab.world.get_deployment(eid, "staging", 7))["networkConfiguration"]["dnsNames"] == [
        "api.example.com"
    ]


def test_no_private_key_is_in_any_answer_event_or_description(lab: Lab) -> None:
    eid = lab.live(document(**DUAL))
    lab.opened(lab.put(eid, FORCE))
    world = lab.world
    shown = [
        world.describe(),
        [str(event) for event in world.events],
        world.get_enrollments(None, 12).body,
        world.get_deployments(eid, 7).body,
        world.get_change_history(eid, 5).body,
        world.get_certificate_history(eid, 2).body,
        world.get_active_certificates(None, 2).body,
        repr(world._account),  # the state's own repr must be safe to print
    ]
    assert "PRIVATE KEY" not in json.dumps(shown)


def test_contracts_and_groups_are_listed_without_prefixes() -> None:
    config = WorldConfig(contracts=["C-1", "C-2"], inaccessible_contracts=["C-3"], contracts_without_cps=["C-4"])
    world = World(config, SandboxClock(START, frozen=True))
    assert world.get_contract_identifiers("ALL").body == ["C-1", "C-2", "C-3", "C-4"]
    with pytest.raises(Problem, match="^400"):
        world.get_contract_identifiers("MIDDLE")
    config.child_contracts = ["C-5=C-1"]
    assert world.get_contract_identifiers("ALL").body == ["C-1", "C-2", "C-3", "C-4", "C-5"]
    assert world.get_contract_identifiers("TOP").body == ["C-1", "C-2", "C-3", "C-4"]
    contracts = body_of(world.get_papi_contracts())
    assert contracts["accountId"] == "A-CCT1234"
    assert contracts["contracts"]["items"][0] == {"contractId": "C-1", "contractTypeName": "DIRECT_CUSTOMER"}
    groups = body_of(world.get_papi_groups())
    assert groups["groups"]["items"][0]["contractIds"] == ["C-1", "C-2", "C-3", "C-4"]


def test_enrollments_are_listed_by_contract_and_all_together() -> None:
    lab = Lab(WorldConfig(contracts=["C-1", "C-2"], inaccessible_contracts=["C-3"]))
    ids = lab.world.seed(10, contracts=["C-1", "C-2"])
    by_contract = [body_of(lab.world.get_enrollments(one, 11))["enrollments"] for one in ("C-1", "C-2")]
    assert [len(found) for found in by_contract] == [5, 5]
    assert sorted(one["id"] for found in by_contract for one in found) == ids
    assert len(body_of(lab.world.get_enrollments(None, 11))["enrollments"]) == 10


def test_a_child_contract_lists_its_own_and_a_parent_what_it_is_told_to() -> None:
    lab = Lab(WorldConfig(contracts=["C-1"], child_contracts=["C-5=C-1"]))
    ids = lab.world.seed(4, contracts=["C-1", "C-5"])

    def listed(contract: str) -> list[int]:
        return [one["id"] for one in body_of(lab.world.get_enrollments(contract, 11))["enrollments"]]

    assert (listed("C-1"), listed("C-5")) == (ids[::2], ids[1::2])
    lab.config.parents_list_children = True
    assert (listed("C-1"), listed("C-5")) == (ids, ids[1::2])
    assert lab.config.contracts == ["C-1"]


@pytest.mark.parametrize("kind", ["third-party", "dv", "ov", "ev"])
def test_every_kind_can_be_seeded_read_and_deleted(lab: Lab, kind: str) -> None:
    (eid,) = lab.world.seed(1, kinds=[kind])
    assert lab.read(eid)["validationType"] == kind
    assert lab.read(eid)["assignedSlots"] != []
    entry = body_of(lab.world.get_change_history(eid, 5))["changes"][0]["primaryCertificate"]
    csr = x509.load_pem_x509_csr(entry["csr"].encode())
    assert csr.public_key() == x509.load_pem_x509_certificate(entry["certificate"].encode()).public_key()
    lab.world.delete_enrollment(eid, {})
    lab.clock.advance(5)
    with pytest.raises(Problem, match="^404"):
        lab.read(eid)


def test_seeding_expiring_ones_makes_cps_renew_them(lab: Lab) -> None:
    ids = lab.world.seed(20, expiring=3)
    soon = START + timedelta(days=30)
    ends = [parse_iso(_expiry(lab, eid)) for eid in ids]
    assert sum(1 for end in ends if START < end < soon) == 3
    assert sum(1 for one in lab.world.describe()["enrollments"] if one["pending"]) == 3
    with pytest.raises(ValueError, match="unknown kinds"):
        lab.world.seed(1, kinds=["magic"])


def _expiry(lab: Lab, eid: int) -> str:
    return str(body_of(lab.world.get_deployment(eid, "production", 7))["primaryCertificate"]["expiry"])


def test_a_seeded_certificate_can_be_renewed(lab: Lab) -> None:
    (eid,) = lab.world.seed(1)
    cid = lab.opened(lab.put(eid, FORCE))
    lab.to_staging(eid, cid)
    lab.approve(eid, cid)
    lab.wait(eid, cid, "complete")
    assert len(body_of(lab.world.get_certificate_history(eid, 2))["certificates"]) == 2


def test_several_threads_may_use_one_world() -> None:
    lab = Lab()
    created: list[int] = []

    def work(number: int) -> None:
        for turn in range(5):
            created.append(lab.create(document(f"w{turn}.t{number}.example.com"))[0])
            lab.world.get_enrollments(CONTRACT, 11)
            lab.clock.advance(0.5)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(created)) == 20 == lab.world.describe()["counts"]["enrollments"]


def test_the_clock_runs_on_stands_still_and_never_goes_back() -> None:
    standing = SandboxClock(START, frozen=True)
    assert standing.now() == standing.now() == START
    assert standing.advance(90) == START + timedelta(seconds=90)
    with pytest.raises(ValueError, match="only moves forward"):
        standing.advance(-1)
    running = SandboxClock(START)
    assert START <= running.now() < START + timedelta(minutes=5)
    assert parse_iso("2026-11-23T12:00:00z") == parse_iso("2026-11-23T13:00:00+01:00") == START
