# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the sandbox refuses, opens, cancels and removes: creation, update, renewal, cancelling, deletion."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from edgecert_sandbox import rules
from edgecert_sandbox.world import Problem, WorldConfig
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.edgecert.clm.tests.support.sandbox_world import (
    ACKNOWLEDGE,
    ALLOW_CANCEL,
    CONTRACT,
    FORCE,
    Lab,
    body_of,
    document,
    id_of,
)

OVERRIDE = {"renewal-date-check-override": "true"}


@pytest.fixture
def lab() -> Lab:
    return Lab()


@pytest.fixture(scope="module")
def settled() -> Lab:
    """One account with a live enrollment, for tests that only get refusals from it."""
    lab = Lab()
    lab.live(document("settled.example.com"))
    return lab


def refused(status: int, words: str = "") -> Any:
    return pytest.raises(Problem, match=f"(?s)^{status} .*{words}")


def kinds(lab: Lab, eid: int) -> list[str]:
    return [one["changeType"] for one in lab.read(eid)["pendingChanges"]]


NETWORK = "networkConfiguration"
BAD_DOCUMENTS: list[tuple[str, dict[str, Any]]] = [
    ("longer than 64", {"csr": {"cn": f"{'a' * 60}.example.com"}}),
    ("Domain name is invalid", {"csr": {"cn": "bad$name.example.com"}}),
    ("Domain name is invalid", {"csr": {"sans": ["10.0.0.1"]}}),
    ("Domain name is invalid", {"csr": {"sans": ["ada@example.com"]}}),
    ("Domain name is invalid", {"csr": {"sans": ["a.*.example.com"]}}),
    ("exceed the maximum of 100", {"csr": {"sans": [f"h{number}.example.com" for number in range(100)]}}),
    ("two-letter", {"csr": {"c": "USA"}}),
    ("VIP", {NETWORK: {"sniOnly": False, "secureNetwork": "enhanced-tls"}}),
    ("enhanced-tls", {NETWORK: {"sniOnly": False, "dnsNameSettings": None}}),
    ("client mutual authentication", {NETWORK: {"clientMutualAuthentication": {"setId": "x"}}}),
    ("certificateType", {"certificateType": "san"}),
    ("certificateType", {"ra": "lets-encrypt"}),
    ("org.name", {"org": None}),
    ("adminContact lacks phone", {"adminContact": {"phone": ""}}),
    ("techContact lacks", {"techContact": None}),
    ("@akamai.com", {"techContact": {"email": "tech@example.com"}}),
]


@pytest.mark.parametrize(
    ("words", "changes"), BAD_DOCUMENTS, ids=[f"{n}-{w}" for n, (w, _c) in enumerate(BAD_DOCUMENTS)]
)
def test_an_unusable_document_is_refused_and_leaves_nothing(lab: Lab, words: str, changes: dict[str, Any]) -> None:
    with refused(400, words):
        lab.create(document(**changes))
    assert lab.world.describe()["counts"]["enrollments"] == 0


def test_ninety_nine_sans_beside_the_common_name_are_taken(lab: Lab) -> None:
    eid, _cid = lab.create(document(csr={"sans": [f"h{number}.example.com" for number in range(99)]}))
    assert len(lab.read(eid)["csr"]["sans"]) == 100


@pytest.mark.parametrize(
    ("contract", "status"), [("C-NONE", 400), ("", 400), ("C-CLOSED", 403), ("C-NOCPS", 400), ("ctr_C-0N7RAC7", 202)]
)
def test_the_contract_decides_whether_an_enrollment_is_taken(contract: str, status: int) -> None:
    lab = Lab(WorldConfig(inaccessible_contracts=["C-CLOSED"], contracts_without_cps=["C-NOCPS"]))
    if status == 202:
        assert lab.world.post_enrollment(contract, document(), {}, 11).status == 202
        return
    with refused(status):
        lab.world.post_enrollment(contract, document(), {}, 11)
    with refused(status):
        lab.world.get_enrollments(contract, 11)


def test_a_second_create_on_the_contract_is_refused_for_five_minutes() -> None:
    lab = Lab(WorldConfig(contracts=[CONTRACT, "C-2"]))
    lab.create()
    with refused(409, "five minutes"):
        lab.create(document("b.example.com"))
    lab.world.post_enrollment("C-2", document("c.example.com"), {}, 11)
    lab.clock.advance(299)
    with refused(409):
        lab.create(document("b.example.com"))
    lab.clock.advance(1)
    lab.create(document("b.example.com"))


def test_a_duplicate_common_name_needs_to_be_allowed(lab: Lab) -> None:
    lab.create(document("www.example.com"))
    with refused(409, "duplicate"):
        lab.create(document("WWW.example.com"))
    lab.create(document("WWW.example.com"), allow_duplicate_cn="true")
    with refused(400, "allow-duplicate-cn"):
        lab.create(document("z.example.com"), allow_duplicate_cn="maybe")


@pytest.mark.parametrize("text", ["2026-1-1", "tomorrow", "2026-13-01", "2026-01-01T00:00:00Z"])
def test_deployment_dates_of_a_create_are_plain_dates(lab: Lab, text: str) -> None:
    with refused(400, "deploy-not-before"):
        lab.create(deploy_not_before=text)


IMMUTABLE: list[dict[str, Any]] = [
    {"csr": {"cn": "new.example.com"}},
    {"csr": {"cn": "Settled.example.com"}},
    {NETWORK: {"secureNetwork": "enhanced-tls"}},
    {NETWORK: {"sniOnly": False, "dnsNameSettings": None, "secureNetwork": "enhanced-tls"}},
    {"ra": "symantec", "validationType": "ov", "certificateType": "san"},
]


@pytest.mark.parametrize("changes", IMMUTABLE)
def test_what_an_enrollment_is_cannot_be_changed(settled: Lab, changes: dict[str, Any]) -> None:
    eid = settled.world.describe()["enrollments"][0]["id"]
    with refused(400, "cannot be changed"):
        settled.put(eid, **changes)
    assert settled.read(eid)["pendingChanges"] == []


UPDATES: list[tuple[str, dict[str, Any], dict[str, str], str | None]] = [
    ("nothing", {}, {}, None),
    ("contact", {"adminContact": {"phone": "+1-617-555-0199"}}, {}, None),
    ("change management alone", {"changeManagement": False}, {}, None),
    ("SANs in another order and case", {"csr": {"sans": ["API.EXAMPLE.COM"]}}, {}, None),
    ("forced renewal", {}, FORCE, "renewal"),
    ("SANs", {"csr": {"sans": ["api.example.com", "new.example.com"]}}, {}, "modify-san"),
    ("SANs and forced", {"csr": {"sans": ["new.example.com"]}}, FORCE, "modify-san"),
    ("subject", {"csr": {"o": "Other"}}, {}, "modify-certificate"),
    ("dual stack", {"enableMultiStackedCertificates": True}, {}, "modify-certificate"),
    ("network", {NETWORK: {"quicEnabled": True}}, {}, "modify-certificate"),
]


@pytest.mark.parametrize(("name", "changes", "query", "opened"), UPDATES, ids=[row[0] for row in UPDATES])
def test_an_update_opens_what_it_needs(
    lab: Lab, name: str, changes: dict[str, Any], query: dict[str, str], opened: str | None
) -> None:
    eid = lab.live()
    answer = lab.put(eid, query, **changes)
    assert answer.entity == "enrollment-status"
    assert answer.status == (202 if opened else 200), name
    assert kinds(lab, eid) == ([opened] if opened else [])
    assert len(body_of(answer)["changes"]) == len(kinds(lab, eid))
    for member, value in changes.items():
        stored = lab.read(eid)[member]
        if isinstance(value, dict):
            assert {key for key in value if stored[key] != value[key]} <= {"sans"}
        else:
            assert stored == value


def test_a_network_change_needs_no_certificate_and_has_none_in_the_history(lab: Lab) -> None:
    eid = lab.live()
    before = lab.fingerprints(eid, "production")
    cid = lab.opened(lab.put(eid, networkConfiguration={"quicEnabled": True}))
    lab.wait(eid, cid, "deploy-changes-to-staging")
    lab.wait(eid, cid, "wait-ack-change-management")
    lab.approve(eid, cid)
    lab.wait(eid, cid, "complete")
    assert body_of(lab.world.get_deployment(eid, "production", 7))["networkConfiguration"]["quicEnabled"] is True
    assert lab.fingerprints(eid, "production") == before
    newest, oldest = body_of(lab.world.get_change_history(eid, 5))["changes"]
    assert (newest["action"], newest["primaryCertificate"]) == ("renew", None)
    assert oldest["primaryCertificate"]["csr"].startswith("-----BEGIN CERTIFICATE REQUEST")


def test_a_network_change_may_be_made_to_want_a_certificate(lab: Lab) -> None:
    lab.config.network_change_wants_certificate = True
    eid = lab.live()
    cid = lab.opened(lab.put(eid, networkConfiguration={"quicEnabled": True}))
    assert kinds(lab, eid) == ["modify-certificate"]
    lab.to_staging(eid, cid)
    lab.approve(eid, cid)
    lab.wait(eid, cid, "complete")
    assert body_of(lab.world.get_deployment(eid, "production", 7))["networkConfiguration"]["quicEnabled"] is True


def test_client_mutual_authentication_is_for_an_enrollment_that_is_there(lab: Lab) -> None:
    eid = lab.live()
    wanted = {"setId": "s1", "authenticationOptions": {"sendCaListToClient": True, "ocsp": {"enabled": False}}}
    cid = lab.opened(lab.put(eid, networkConfiguration={"clientMutualAuthentication": wanted}))
    lab.wait(eid, cid, "wait-ack-change-management")
    lab.approve(eid, cid)
    lab.wait(eid, cid, "complete")
    assert lab.read(eid)[NETWORK]["clientMutualAuthentication"] == wanted
    told = body_of(lab.world.get_deployment(eid, "production", 7))[NETWORK]
    assert "clientMutualAuthentication" not in told, "get-deployment has no such member"


@pytest.mark.parametrize(("keeps", "left"), [(False, False), (True, True)])
def test_a_cancelled_change_may_leave_what_it_asked_for(lab: Lab, keeps: bool, left: bool) -> None:
    lab.config.cancel_keeps_document = keeps
    eid = lab.live()
    cid = lab.opened(lab.put(eid, networkConfiguration={"quicEnabled": True}))
    lab.world.delete_change(eid, cid)
    assert lab.read(eid)[NETWORK]["quicEnabled"] is left


def test_a_network_change_may_bypass_staging_and_a_certificate_may_not(lab: Lab) -> None:
    bypass = {"allow-staging-bypass": "true"}
    eid = lab.live()
    cid = lab.opened(lab.put(eid, bypass, networkConfiguration={"quicEnabled": True}))
    lab.wait(eid, cid, "deploy-cert-to-production")
    lab.wait(eid, cid, "complete")
    assert body_of(lab.world.get_deployment(eid, "production", 7))["networkConfiguration"]["quicEnabled"] is True
    lab.to_staging(eid, lab.opened(lab.put(eid, {**bypass, **FORCE})))


def test_an_old_media_version_leaves_alone_what_it_cannot_say(lab: Lab) -> None:
    eid = lab.live(document(networkConfiguration={"quicEnabled": True, "ocspStapling": "on", "fipsMode": False}))
    before = lab.read(eid, 12)
    assert lab.world.put_enrollment(eid, lab.read(eid, 4), {}, 4).status == 200
    assert lab.read(eid, 12) == before


def test_a_renewal_has_a_new_key_and_keeps_the_slot(lab: Lab) -> None:
    eid = lab.live()
    slots = lab.read(eid)["productionSlots"]
    old = lab.fingerprints(eid, "production")
    cid = lab.opened(lab.put(eid, FORCE))
    lab.to_staging(eid, cid)
    assert lab.fingerprints(eid, "staging") != lab.fingerprints(eid, "production") == old
    lab.approve(eid, cid)
    lab.wait(eid, cid, "complete")
    assert lab.fingerprints(eid, "production") == lab.fingerprints(eid, "staging") != old
    assert lab.read(eid)["productionSlots"] == slots
    csrs = [one["primaryCertificate"]["csr"] for one in body_of(lab.world.get_change_history(eid, 5))["changes"]]
    assert len(set(csrs)) == 2


def test_slots_are_assigned_when_something_is_deployed(lab: Lab) -> None:
    eid, cid = lab.create()
    lab.wait(eid, cid, "wait-upload-third-party")
    assert lab.read(eid)["assignedSlots"] == []
    lab.to_staging(eid, cid)
    read = lab.read(eid)
    assert len(read["assignedSlots"]) == 1
    assert (read["stagingSlots"], read["productionSlots"]) == (read["assignedSlots"], [])


def test_a_pending_change_blocks_an_update_unless_it_may_be_cancelled(lab: Lab) -> None:
    eid = lab.live()
    first = lab.opened(lab.put(eid, FORCE))
    with refused(409, "pending change"):
        lab.put(eid, FORCE)
    second = lab.opened(lab.put(eid, {**FORCE, **ALLOW_CANCEL}))
    assert lab.change(eid, first)["statusInfo"]["state"] == "cancelled"
    assert [id_of(one["location"]) for one in lab.read(eid)["pendingChanges"]] == [second]


def test_updating_a_never_deployed_enrollment_starts_its_first_change_over(lab: Lab) -> None:
    eid, cid = lab.create()
    again = lab.opened(lab.put(eid, ALLOW_CANCEL, csr={"sans": ["more.example.com"]}))
    assert again != cid
    assert kinds(lab, eid) == ["new-certificate"]
    assert "more.example.com" in lab.read(eid)["csr"]["sans"]


def test_a_change_on_its_way_to_production_can_neither_be_cancelled_nor_replaced(lab: Lab) -> None:
    eid, cid = lab.create()
    lab.to_staging(eid, cid)
    lab.approve(eid, cid)
    with refused(409, "can no longer be cancelled"):
        lab.world.delete_change(eid, cid)
    with refused(409, "can no longer be cancelled"):
        lab.put(eid, {**FORCE, **ALLOW_CANCEL})
    with refused(409, "can no longer be cancelled"):
        lab.world.delete_enrollment(eid, ALLOW_CANCEL)
    lab.config.put_mid_deployment_500 = True
    with refused(500):
        lab.put(eid, {**FORCE, **ALLOW_CANCEL})
    lab.wait(eid, cid, "complete")
    with refused(409, "cannot-cancel-pending-change|has ended"):
        lab.world.delete_change(eid, cid)


def test_cancelling_the_first_change_takes_the_enrollment_with_it(lab: Lab) -> None:
    eid, cid = lab.create()
    lab.to_staging(eid, cid)
    generation = lab.world.generation("staging")
    answer = lab.world.delete_change(eid, cid)
    assert (answer.status, answer.entity, id_of(body_of(answer)["change"])) == (200, "change-id", cid)
    with refused(404):
        lab.read(eid)
    assert lab.world.served("staging") == []
    assert lab.world.generation("staging") > generation


@pytest.mark.parametrize("restores", [True, False])
def test_cancelling_a_renewal_leaves_production_and_puts_the_document_back(restores: bool) -> None:
    lab = Lab(WorldConfig(create_interval_s=0, cancel_restores_staging=restores))
    eid = lab.live()
    before, live = lab.read(eid), lab.fingerprints(eid, "production")
    cid = lab.opened(lab.put(eid, csr={"sans": ["new.example.com"]}))
    lab.to_staging(eid, cid)
    tried = lab.fingerprints(eid, "staging")
    lab.world.delete_change(eid, cid)
    assert lab.read(eid) == before
    assert lab.fingerprints(eid, "production") == live
    assert lab.fingerprints(eid, "staging") == (live if restores else tried)
    assert body_of(lab.world.get_change_history(eid, 5))["changes"][0]["status"] == "cancelled"


def test_a_never_deployed_enrollment_is_gone_at_once(lab: Lab) -> None:
    eid, _cid = lab.create()
    with refused(409, "pending change"):
        lab.world.delete_enrollment(eid, {})
    answer = lab.world.delete_enrollment(eid, ALLOW_CANCEL)
    assert (answer.status, body_of(answer)["changes"]) == (200, [])
    with refused(404):
        lab.world.delete_enrollment(eid, {})


def test_a_live_enrollment_is_deprovisioned(lab: Lab) -> None:
    eid = lab.live()
    answer = lab.world.delete_enrollment(eid, {})
    assert answer.status == 202
    cid = id_of(body_of(answer)["changes"][0])
    assert lab.status(eid, cid) == "deprovision-cert"
    with refused(409, "being deleted"):
        lab.world.delete_enrollment(eid, ALLOW_CANCEL)
    lab.clock.advance(3)
    with refused(404):
        lab.read(eid)
    assert lab.world.served("production") == []


def test_names_with_traffic_stop_a_deletion_and_are_named(lab: Lab) -> None:
    eid = lab.live()
    lab.config.traffic_names.append("API.example.com")
    with refused(409, "api.example.com"):
        lab.world.delete_enrollment(eid, {})
    lab.config.traffic_names.clear()
    assert lab.world.delete_enrollment(eid, {}).status == 202


def test_a_deletion_may_halt_on_warnings_until_they_are_acknowledged(lab: Lab) -> None:
    eid = lab.live()
    lab.config.deprovision_warnings.append("A SAN name is scheduled to be removed.")
    cid = id_of(body_of(lab.world.delete_enrollment(eid, {}))["changes"][0])
    lab.clock.advance(60)
    assert lab.status(eid, cid) == "wait-review-cert-warning"
    told = lab.world.get_input_info(eid, cid, "post-verification-warnings", "warnings", 1)
    assert "scheduled to be removed" in body_of(told)["warnings"]
    lab.post(eid, cid, "post-verification-warnings-ack", ACKNOWLEDGE)
    lab.clock.advance(5)
    with refused(404):
        lab.read(eid)


def test_a_deletion_may_stop_after_staging_until_change_management_is_acknowledged(lab: Lab) -> None:
    """cps-protocol §3.4, §3.8; that it stops is assumed: staging is without it, production serves it still."""
    eid = lab.live()
    lab.config.deprovision_stops = True
    cid = id_of(body_of(lab.world.delete_enrollment(eid, {}))["changes"][0])
    lab.clock.advance(60)
    assert lab.status(eid, cid) == "wait-ack-change-management"
    found = body_of(lab.world.get_deployments(eid, 7))
    assert found["staging"] is None and found["production"] is not None
    with refused(409, "deleted already"):
        lab.world.delete_enrollment(eid, {})
    info = body_of(lab.world.get_input_info(eid, cid, "change-management-info", "change-management-info", 5))
    assert info["pendingState"]["pendingCertificates"] == []
    with refused(409, "validation result has changed"):
        lab.post(eid, cid, "change-management-ack", {**ACKNOWLEDGE, "hash": "another"})
    lab.post(eid, cid, "change-management-ack", {**ACKNOWLEDGE, "hash": info["validationResultHash"]})
    lab.clock.advance(5)
    with refused(404):
        lab.read(eid)


def test_a_deletion_does_not_stop_without_change_management_and_may_be_cancelled_where_it_does(lab: Lab) -> None:
    lab.config.deprovision_stops = True
    free, held = lab.live(), lab.live(document("held.example.com"))
    lab.put(free, changeManagement=False)
    lab.world.delete_enrollment(free, {})
    cid = id_of(body_of(lab.world.delete_enrollment(held, {}))["changes"][0])
    lab.clock.advance(60)
    with refused(404):
        lab.read(free)
    lab.world.delete_change(held, cid)
    assert kinds(lab, held) == [] and body_of(lab.world.get_deployments(held, 7))["production"] is not None


def test_cps_opens_a_renewal_by_itself_when_its_time_comes(lab: Lab) -> None:
    eid = lab.live(days=365)
    assert lab.read(eid)["autoRenewalStartTime"].startswith("2027-08-25")
    lab.clock.advance(timedelta(days=274).total_seconds())
    assert kinds(lab, eid) == []
    lab.clock.advance(timedelta(days=2).total_seconds())
    assert kinds(lab, eid) == ["renewal"]
    cid = id_of(lab.read(eid)["pendingChanges"][-1]["location"])
    assert body_of(lab.world.get_change_history(eid, 5))["changes"][0]["createdBy"] == "CPS"
    lab.to_staging(eid, cid, days=365)
    lab.approve(eid, cid)
    lab.wait(eid, cid, "complete")
    assert lab.read(eid)["autoRenewalStartTime"] > "2028"


def test_the_renewal_window_refuses_updates_without_the_override(lab: Lab) -> None:
    eid = lab.live(days=90)
    lab.clock.advance(timedelta(days=70).total_seconds())
    lab.world.delete_change(eid, id_of(lab.read(eid)["pendingChanges"][-1]["location"]))
    with refused(409, "renewal-date-check-override"):
        lab.put(eid, FORCE)
    assert lab.put(eid, adminContact={"phone": "1"}).status == 200
    assert lab.put(eid, {**FORCE, **OVERRIDE}).status == 202


def test_third_party_renewal_times_can_be_hidden() -> None:
    lab = Lab(WorldConfig(create_interval_s=0, third_party_auto_renewal_shown=False))
    eid = lab.live()
    assert lab.read(eid)["autoRenewalStartTime"] is None


def test_removed_names_that_are_still_live_are_told_before_approval(lab: Lab) -> None:
    eid = lab.live()
    cid = lab.opened(lab.put(eid, csr={"sans": []}))
    lab.to_staging(eid, cid)
    warning = lab.management(eid, cid)["validationResult"]["warnings"][0]["message"]
    assert "[api.example.com] removed from certificate is still live on the network" in warning


def test_client_authentication_is_taken_after_creation(lab: Lab) -> None:
    eid = lab.live()
    assert lab.put(eid, networkConfiguration={"clientMutualAuthentication": {"setId": "x"}}).status == 202


labels = st.text("abcdefghijklmnopqrstuvwxyz0123456789_", min_size=1, max_size=20)


@given(st.lists(labels, min_size=1, max_size=5), st.booleans())
def test_host_names_are_taken_and_their_broken_forms_are_not(parts: list[str], wild: bool) -> None:
    name = ("*." if wild else "") + ".".join([*parts, "example"])
    assert rules.is_dns_name(name)
    for broken in (f"{name}.", f".{name}", f"{name} ", f"x.*.{name}", f"-{name}", parts[0], f"{name}/x", f"a@{name}"):
        assert not rules.is_dns_name(broken)
