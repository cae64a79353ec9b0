# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Network settings of live enrollments: changed in place, proved, never twice, never over what others began (U3)."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from ansible_collections.edgecert.clm.plugins.module_utils._clm import queries
from ansible_collections.edgecert.clm.plugins.module_utils._core.errors import (
    ClmError,
    ConflictError,
    InputError,
    PolicyError,
    StateError,
    TransportError,
)
from ansible_collections.edgecert.clm.plugins.module_utils._core.plan import Plan
from ansible_collections.edgecert.clm.plugins.module_utils._cps import changes as cps_changes
from ansible_collections.edgecert.clm.plugins.module_utils._cps.client import CpsClient
from ansible_collections.edgecert.clm.plugins.module_utils._cps.enrollment_wire import enrollment_update
from ansible_collections.edgecert.clm.plugins.module_utils._cps.network_wire import deployed_words
from ansible_collections.edgecert.clm.plugins.module_utils._glue.wire_target import client_of
from ansible_collections.edgecert.clm.plugins.module_utils._target.akamai_cps import AkamaiCpsTarget
from ansible_collections.edgecert.clm.plugins.module_utils._target.base import PushState, Standing
from ansible_collections.edgecert.clm.tests.support.flow import Bench

TLS = {"disallowed_tls_versions": ["TLSv1", "TLSv1_1"]}
MUTUAL = {"client_mutual_authentication": {"set_id": "trust-1", "send_ca_list_to_client": True}}
ENROLLMENT = r"/enrollments/\d+$"
DAY_S = 86_400


def plan_of(bench: Bench, settings: dict[str, Any], **changes: Any) -> Plan:
    """Plan a change of settings."""
    return bench.plan_push(**{"action": "configure", "network_settings": settings, "network": "production", **changes})


def configure(bench: Bench, settings: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """Change settings, or go on; give the work order."""
    outcome = plan_of(bench, settings, **changes).execute()
    assert outcome.record is not None
    return dict(outcome.record)


def live(bench: Bench, **changes: Any) -> None:
    """Have a certificate on production, and forget the calls."""
    bench.issued(**changes)
    assert dict(bench.push(network="production").record or {})["state"] == "completed"
    bench.calls()


def writes(bench: Bench) -> list[str]:
    """Give methods and last segments of the writes since the last look."""
    return [f"{method} {path.rsplit('/', 1)[1]}" for method, path in bench.calls() if method != "GET"]


def puts(bench: Bench) -> int:
    """Count the updates of enrollments since the last look."""
    return sum(1 for method, path in bench.calls() if method == "PUT" and "changes" not in path)


def client(bench: Bench) -> tuple[CpsClient, int]:
    """Be somebody else at CPS: client and enrollment."""
    with bench.store.read() as unit:
        [device] = unit.devices.find()
        certificate = unit.certificates.get(bench.name())
    assert certificate is not None and certificate.enrollment_id is not None
    return client_of(device, bench.store, bench.clock, bench.environment), certificate.enrollment_id


def edit(bench: Bench, network: dict[str, Any], **members: Any) -> tuple[int, ...]:
    """Change an enrollment as somebody at Control Center does; give the changes this opened."""
    somebody, number = client(bench)
    raw = somebody.get_enrollment(number).raw
    changed = enrollment_update(raw, {"networkConfiguration": network, **members})
    return somebody.update_enrollment(number, changed).change_ids


def deployed(bench: Bench, network: str) -> dict[str, Any]:
    """Give the settings a network tells."""
    somebody, number = client(bench)
    found = getattr(somebody.get_deployments(number), network)
    return deployed_words(found.network)


def at_cps(bench: Bench) -> dict[str, Any]:
    """Give the network configuration of the enrollment as CPS writes it."""
    somebody, number = client(bench)
    return dict(somebody.get_enrollment(number).raw["networkConfiguration"])


def refused(bench: Bench, error: type[ClmError], code: str, settings: dict[str, Any], **changes: Any) -> str:
    """Have a call refused before anything is written; give what it says."""
    bench.calls()
    with pytest.raises(error) as caught:
        plan_of(bench, settings, **changes).execute()
    assert caught.value.code == code, caught.value.message
    assert writes(bench) == []
    return caught.value.message


def test_settings_of_a_live_enrollment_are_changed_in_place(bench: Bench) -> None:
    """U3: one update, followed by way of staging to production, and proved there before the order completes."""
    live(bench)
    plan = plan_of(bench, TLS)
    words = [step.sentence.split()[0] for step in plan.steps]
    assert words == ["Record", "Change", "Follow", "Prove", "Acknowledge", "Follow", "Prove"]
    order = configure(bench, TLS)
    assert (order["state"], order["action"], order["network"]) == ("completed", "configure", "production"), order
    assert [write.split()[0] for write in writes(bench)] == ["PUT", "POST"]
    assert order["network_settings"] == {"before": {"disallowed_tls_versions": []}, "after": TLS}
    assert [(entry["network"], entry["where"], entry["settings"]) for entry in order["evidence"]] == [
        ("staging", "deployments", "disallowed_tls_versions"),
        ("production", "deployments", "disallowed_tls_versions"),
    ]
    for network in ("staging", "production"):
        assert deployed(bench, network)["disallowed_tls_versions"] == ["TLSv1", "TLSv1_1"]
    assert "settings_changed" in bench.audit() and bench.audit()[-1] == "push_completed"


def test_a_second_run_sends_nothing(bench: Bench) -> None:
    """No perpetual difference: another order and case of what is a set is no change, and what is so is told."""
    live(bench)
    first = configure(bench, {**TLS, "preferred_ciphers": "ak-akamai-2020q1", "ocsp_stapling": "on"})
    bench.calls()
    again = {"disallowed_tls_versions": ["TLSv1_1", "TLSv1"], "preferred_ciphers": "AK-Akamai-2020q1"}
    plan = plan_of(bench, {**again, "ocsp_stapling": "on"})
    assert (plan.changed, plan.steps) == (False, ())
    assert dict(plan.execute().record or {})["work_order_id"] == first["work_order_id"]
    assert writes(bench) == []


def test_what_is_so_already_needs_no_order(bench: Bench) -> None:
    """A setting that CPS shows by its default is not set: no cipher profile is the default one."""
    live(bench)
    plan = plan_of(bench, {"must_have_ciphers": "", "disallowed_tls_versions": [], "quic": False, "dns_names": []})
    assert plan.steps == () and plan.execute().record is None
    assert writes(bench) == []
    assert bench.records()["work_orders"] == 1


def test_check_mode_shows_the_settings_before_and_after(bench: Bench) -> None:
    """The difference is of settings only, and of those that are asked for."""
    live(bench)
    plan = plan_of(bench, {**TLS, "quic": True})
    before = {"quic": False, "disallowed_tls_versions": []}
    assert plan.diff == ({"network_settings": before}, {"network_settings": {"quic": True, **TLS}})
    assert dict(plan.after or {})["state"] == "completed"
    assert writes(bench) == [] and bench.records()["work_orders"] == 1


@pytest.mark.parametrize(
    ("settings", "member", "wire"),
    [
        ({"must_have_ciphers": "ak-akamai-2020q1"}, "mustHaveCiphers", "ak-akamai-2020q1"),
        ({"preferred_ciphers": "ak-akamai-2020q1"}, "preferredCiphers", "ak-akamai-2020q1"),
        ({"ocsp_stapling": "on"}, "ocspStapling", "on"),
        ({"quic": True}, "quicEnabled", True),
        ({"geography": "china+core"}, "geography", "china+core"),
    ],
)
def test_each_setting_reaches_the_network_and_can_be_taken_back(
    bench: Bench, settings: dict[str, Any], member: str, wire: Any
) -> None:
    """U3: what was before is set again by a call of its own."""
    live(bench)
    [word] = settings
    before = at_cps(bench)[member]
    assert configure(bench, settings)["state"] == "completed"
    assert at_cps(bench)[member] == wire
    assert deployed(bench, "production")[word] == settings[word]
    assert configure(bench, {word: before})["state"] == "completed"
    assert at_cps(bench)[member] == before


def test_names_to_serve_are_chosen_and_cloned_again(bench: Bench) -> None:
    """U3: a list of names, in any order; an empty one goes back to the names of the certificate."""
    names = [bench.name("api"), bench.name()]
    live(bench, subject_alternative_names={"dns": [bench.name("api"), bench.name("web")]})
    assert configure(bench, {"dns_names": names})["state"] == "completed"
    assert at_cps(bench)["dnsNameSettings"] == {"cloneDnsNames": False, "dnsNames": sorted(names)}
    assert deployed(bench, "production")["dns_names"] == sorted(names)
    bench.calls()
    assert plan_of(bench, {"dns_names": list(reversed([n.upper() for n in names]))}).steps == ()
    assert configure(bench, {"clone_dns_names": True})["state"] == "completed"
    assert at_cps(bench)["dnsNameSettings"]["cloneDnsNames"] is True


def test_client_mutual_authentication_is_added_to_a_live_enrollment_changed_and_cleared(bench: Bench) -> None:
    """U3: CPS takes it for no new enrollment; the second step is an update of the live one."""
    live(bench)
    order = configure(bench, MUTUAL)
    assert order["state"] == "completed"
    assert [entry["where"] for entry in order["evidence"] if entry["network"] == "production"][-1] == "enrollment"
    options = {"sendCaListToClient": True, "ocsp": {"enabled": False}}
    assert at_cps(bench)["clientMutualAuthentication"] == {"setId": "trust-1", "authenticationOptions": options}
    assert plan_of(bench, MUTUAL).steps == ()
    only_ocsp = {"client_mutual_authentication": {"ocsp": True}}
    assert configure(bench, only_ocsp)["network_settings"]["after"] == {
        "client_mutual_authentication": {"set_id": "trust-1", "send_ca_list_to_client": True, "ocsp": True}
    }
    assert configure(bench, {"client_mutual_authentication": {"set_id": ""}})["state"] == "completed"
    assert at_cps(bench)["clientMutualAuthentication"] is None


def test_client_mutual_authentication_needs_a_set(bench: Bench) -> None:
    """U3: refused before the write."""
    live(bench)
    text = refused(bench, InputError, "invalid_input", {"client_mutual_authentication": {"ocsp": True}})
    assert "set_id is missing" in text


def test_staging_stops_there_and_production_goes_on_with_the_same_change(bench: Bench) -> None:
    """U2, U3: production keeps its settings, is held back, and goes on later by the hash, with no second update."""
    live(bench, validity={"count": 47, "unit": "days"})
    order = configure(bench, TLS, network="staging")
    assert order["state"] == "completed" and order["last_safe_at"] is not None
    assert deployed(bench, "staging")["disallowed_tls_versions"] == ["TLSv1", "TLSv1_1"]
    assert deployed(bench, "production")["disallowed_tls_versions"] == []
    assert writes(bench) == [f"PUT {order['enrollment_id']}", "PUT deployment-schedule"]
    assert plan_of(bench, TLS, network="staging").steps == ()
    bench.advance(45 * DAY_S)
    assert deployed(bench, "production")["disallowed_tls_versions"] == []
    bench.calls()
    onward = configure(bench, TLS)
    assert (onward["state"], onward["change_id"]) == ("completed", order["change_id"]), onward
    assert onward["network_settings"]["before"] == {"disallowed_tls_versions": []}
    assert "PUT change-management-ack" not in (found := writes(bench)) and "POST change-management-ack" in found
    assert not any(write.startswith("PUT 1") for write in found)
    assert deployed(bench, "production")["disallowed_tls_versions"] == ["TLSv1", "TLSv1_1"]


def test_another_ones_change_is_named_and_never_cancelled(bench: Bench) -> None:
    """U3: whoever opened a change finishes it; the error names it and says how."""
    live(bench)
    [change] = edit(bench, {"quicEnabled": True})
    text = refused(bench, StateError, "change_pending", TLS)
    assert str(change) in text and "modify-certificate" in text
    [found] = bench.enrollments()
    assert [one["change_id"] for one in found["pending_changes"]] == [change]


@pytest.mark.parametrize(
    ("settings", "text"),
    [
        ({"secure_network": "enhanced-tls"}, "secure_network is standard-tls"),
        ({"sni_only": False}, "sni_only is true"),
    ],
)
def test_what_an_enrollment_has_for_life_is_refused_before_the_write(
    bench: Bench, settings: dict[str, Any], text: str
) -> None:
    """U3: with the reason, and that a new enrollment is needed; naming what is there already is no error."""
    live(bench)
    said = refused(bench, InputError, "needs_new_enrollment", {**TLS, **settings})
    assert text in said and "have a new enrollment under another certificate id" in said
    assert configure(bench, {**TLS, "secure_network": "standard-tls", "sni_only": True})["state"] == "completed"


@pytest.mark.parametrize(
    ("settings", "text"),
    [
        ({}, "names nothing"),
        ({"sni_only": True}, "names nothing"),
        ({"clone_dns_names": False}, "needs dns_names"),
        ({"clone_dns_names": True, "dns_names": ["www.example.com"]}, "leave out one"),
        ({"dns_names": ["not a name"]}, "not a name"),
        ({"disallowed_tls_versions": ["SSLv3"]}, "SSLv3"),
        ({"disallowed_tls_versions": ["TLSv1", "TLSv1_1", "TLSv1_2", "TLSv1_3"]}, "no client"),
        ({"sni_only": False, "dns_names": ["www.example.com"]}, "CPS refuses them"),
    ],
)
def test_settings_that_cannot_be_had_are_refused_before_any_traffic(
    bench: Bench, settings: dict[str, Any], text: str
) -> None:
    """U3: without a call."""
    live(bench)
    with pytest.raises(InputError, match=text):
        plan_of(bench, settings)
    assert bench.calls() == []


def test_an_edge_is_no_proof_of_settings(bench: Bench) -> None:
    """U6: what a handshake cannot show is not asked of it."""
    live(bench)
    with pytest.raises(InputError, match="edge goes with disallowed_tls_versions alone"):
        plan_of(bench, {"quic": True}, edge={"production": [bench.sandbox.edge("production")]})
    with pytest.raises(InputError, match="deploy_not_before goes with a push"):
        plan_of(bench, TLS, deploy_not_before="2027-01-01T00:00:00Z")
    with pytest.raises(InputError, match="action: configure only"):
        bench.plan_push(network_settings=TLS)


def test_without_change_management_staging_alone_is_refused(bench: Bench) -> None:
    """U2: CPS would go on by itself; to production it may."""
    live(bench)
    edit(bench, {}, changeManagement=False)
    text = refused(bench, PolicyError, "would_reach_production", TLS, network="staging")
    assert "network: production" in text
    assert configure(bench, TLS)["state"] == "completed"
    assert deployed(bench, "production")["disallowed_tls_versions"] == ["TLSv1", "TLSv1_1"]


def test_in_the_last_days_of_what_is_live_staging_alone_is_refused(bench: Bench) -> None:
    """U2, cps-protocol §3.4: CPS would go on by itself; to production it may."""
    bench.sandbox.configure({"auto_renewal_days": 1})
    live(bench, validity={"count": 90, "unit": "days"})
    bench.sandbox.configure({"auto_renewal_days": 90})
    bench.advance(84 * 86_400)
    assert "discover the device" in refused(bench, PolicyError, "too_late_for_staging", TLS, network="staging")
    assert puts(bench) == 0 and configure(bench, TLS)["state"] == "completed"


def test_what_is_not_live_yet_has_nothing_to_configure(bench: Bench) -> None:
    """U3: a certificate whose change is still open, and one on staging only."""
    bench.issued()
    refused(bench, StateError, "change_pending", TLS)
    bench.push()
    refused(bench, StateError, "change_pending", TLS)


def test_what_has_no_enrollment_is_told_where_its_settings_come_from(bench: Bench) -> None:
    """U3."""
    bench.issued()
    with bench.store.write() as unit:
        [certificate] = unit.certificates.find()
        unit.certificates.put(replace(certificate, enrollment_id=None))
    assert "akamai_vendor_settings" in refused(bench, StateError, "not_live", TLS)


def test_an_approval_is_bound_to_the_settings_and_to_what_they_were(bench: Bench) -> None:
    """W2: what changes at CPS before it is implemented makes the approval void; what is approved then is what is so."""
    live(bench)
    bench.group(approvals={"push": 1})
    order = configure(bench, TLS)
    assert order["state"] == "submitted" and writes(bench) == []
    approved = bench.act("bob", "approve", work_order_id=order["work_order_id"]).record
    assert dict(approved or {})["approvals"][0]["actor"] == "bob"
    edit(bench, {"disallowedTlsVersions": ["TLSv1"]})
    bench.advance(60)
    somebody, number = client(bench)
    change = somebody.get_enrollment(number).pending_changes[-1].change_id
    info = somebody.get_change_management_info(number, change)
    somebody.acknowledge(cps_changes.CHANGE_MANAGEMENT, number, change, hash_text=info.hash)
    bench.advance(60)
    bench.calls()
    with pytest.raises(StateError) as caught:
        configure(bench, TLS)
    assert caught.value.code == "approval_void" and "network settings" in caught.value.message
    assert puts(bench) == 0
    bench.act("bob", "approve", work_order_id=order["work_order_id"])
    done = configure(bench, TLS)
    assert done["state"] == "completed"
    assert done["network_settings"]["before"] == {"disallowed_tls_versions": ["TLSv1"]}


def test_an_approved_change_goes_to_production_by_due_work(bench: Bench) -> None:
    """W4: nobody calls again; the runner takes it up, looks, and completes it."""
    live(bench)
    bench.group(approvals={"push": 1})
    order = configure(bench, TLS, wait=False)
    bench.act("bob", "approve", work_order_id=order["work_order_id"])
    for _look in range(12):
        bench.run_due()
        bench.advance(120)
    with bench.store.read() as unit:
        stored = unit.work_orders.get(order["work_order_id"])
    assert stored is not None and stored.state == "completed", stored
    assert puts(bench) == 1


@pytest.mark.parametrize("kind", ["lost_after", "lost_before"])
def test_a_lost_answer_is_looked_for_and_nothing_is_sent_twice(bench: Bench, kind: str) -> None:
    """W5: the change that was opened is taken up; where none was, it is asked for again."""
    live(bench)
    bench.sandbox.fault(kind, method="PUT", path=ENROLLMENT)
    with pytest.raises(TransportError):
        configure(bench, TLS)
    [order] = [one for one in orders_of(bench) if one.action == "configure"]
    assert order.state == "in_doubt" and "run again" in order.message
    done = configure(bench, TLS)
    assert (done["state"], done["work_order_id"]) == ("completed", order.work_order_id)
    assert puts(bench) == (1 if kind == "lost_after" else 2)
    with bench.store.read() as unit:
        assert unit.intents.find(finished_at=None) == []


def orders_of(bench: Bench) -> list[Any]:
    """Give the work orders."""
    with bench.store.read() as unit:
        return list(unit.work_orders.find(certificate_id=bench.name()))


def test_where_cps_wants_a_certificate_the_way_on_is_said_and_works(bench: Bench) -> None:
    """U3: the order ends, the change stays, a regeneration takes it up, and the settings go live with its push."""
    live(bench)
    bench.sandbox.configure({"network_change_wants_certificate": True})
    with pytest.raises(StateError) as caught:
        configure(bench, TLS)
    assert caught.value.code == "certificate_wanted" and "action: regenerate" in caught.value.message
    change = caught.value.details["change_id"]
    request = dict(bench.enroll(action="regenerate", force=True).record or {})
    assert (request["state"], request["change_id"]) == ("issued", change)
    assert puts(bench) == 1
    assert dict(bench.push(network="production").record or {})["state"] == "completed"
    assert deployed(bench, "production")["disallowed_tls_versions"] == ["TLSv1", "TLSv1_1"]
    assert plan_of(bench, TLS).steps == ()


def test_warnings_before_the_change_are_decided_by_the_lists(bench: Bench) -> None:
    """U2: an unknown one is asked about, and acknowledged once it is allowed."""
    live(bench)
    bench.sandbox.configure({"pre_verification_warnings": ["Something nobody has seen before."]})
    order = configure(bench, TLS)
    assert order["state"] == "needs_decision" and order["notices"][0]["decision"] == "asked"
    done = configure(bench, TLS, warnings={"allow": ["re:Something nobody has seen.*"]})
    assert done["state"] == "completed", done
    assert sum(1 for write in writes(bench) if write.startswith("PUT 1")) == 1


def test_a_change_that_somebody_cancels_ends_the_order_and_can_be_begun_anew(bench: Bench) -> None:
    """U3: nothing is taken for done that is not; the next call makes another order."""
    live(bench)
    order = configure(bench, TLS, wait=False)
    somebody, number = client(bench)
    bench.advance(300)
    somebody.cancel_change(number, int(order["change_id"]))
    with pytest.raises(StateError) as caught:
        configure(bench, TLS)
    assert caught.value.code == "change_failed"
    again = configure(bench, TLS)
    assert again["state"] == "completed" and again["work_order_id"] != order["work_order_id"]


def test_settings_that_somebody_set_otherwise_since_are_set_again(bench: Bench) -> None:
    """U3: drift is corrected by the same call, with an order of its own."""
    live(bench, validity={"count": 47, "unit": "days"})
    first = configure(bench, TLS)
    edit(bench, {}, changeManagement=False)
    edit(bench, {"disallowedTlsVersions": []})
    bench.advance(600)
    second = configure(bench, TLS)
    assert second["state"] == "completed" and second["work_order_id"] != first["work_order_id"]
    assert deployed(bench, "production")["disallowed_tls_versions"] == ["TLSv1", "TLSv1_1"]


def test_one_order_about_settings_at_a_time(bench: Bench) -> None:
    """W1: others are refused while one is open, naming it; a push that waits is left alone."""
    live(bench)
    bench.group(approvals={"push": 1})
    order = configure(bench, TLS)
    text = refused(bench, ConflictError, "order_open", {"quic": True})
    assert order["work_order_id"] in text
    assert order["work_order_id"] in refused(bench, ConflictError, "order_open", TLS, network="staging")


def test_a_certificate_that_was_found_is_configured_too(bench: Bench) -> None:
    """U3: no certificate has to have been issued here."""
    live(bench)
    with bench.store.write() as unit:
        stored = unit.certificates.get(bench.name())
        assert stored is not None
        unit.certificates.put(replace(stored, request_id="", origin="discovered"))
    assert configure(bench, TLS)["state"] == "completed"


def test_a_monitored_device_is_not_configured(bench: Bench) -> None:
    """D5: read only."""
    live(bench)
    bench.device(cert_sync="monitored", discover="none")
    with pytest.raises(PolicyError):
        plan_of(bench, TLS)
    assert puts(bench) == 0


def test_cancelling_an_order_says_what_stays_at_cps(bench: Bench) -> None:
    """W5: the change is not taken back by it."""
    live(bench)
    order = configure(bench, TLS, wait=False)
    ended = dict(bench.act("tester", "cancel", work_order_id=order["work_order_id"]).record or {})
    assert ended["state"] == "cancelled" and str(order["change_id"]) in ended["message"]
    bench.advance(300)
    assert configure(bench, TLS)["state"] == "completed"


def test_a_dedicated_address_takes_settings_but_no_names_to_serve(bench: Bench) -> None:
    """U3: CPS answers 400 where an enrollment without SNI bears DNS names; that is said before."""
    bench.prepare()
    place = {"secure_network": "enhanced-tls"}
    bench.settings(**place, network={"sni_only": False})
    bench.enroll(**place)
    bench.connector()
    assert dict(bench.push(network="production").record or {})["state"] == "completed"
    for settings in ({"clone_dns_names": True}, {"dns_names": [bench.name()]}):
        assert "SNI only" in refused(bench, InputError, "invalid_input", settings)
    assert configure(bench, TLS)["state"] == "completed"
    assert at_cps(bench)["dnsNameSettings"] is None


def test_a_push_that_waits_is_left_alone_by_an_order_about_settings(bench: Bench) -> None:
    """W1: settings are of the enrollment, not of the certificate; neither overtakes the other."""
    live(bench)
    bench.group(approvals={"push": 1})
    order = configure(bench, TLS)
    bench.act("tester", "cancel", work_order_id=order["work_order_id"])
    waiting = configure(bench, TLS)
    bench.enroll(action="renew", force=True)
    pushed = dict(bench.push().record or {})
    with bench.store.read() as unit:
        states = {one: unit.work_orders.get(one) for one in (waiting["work_order_id"], pushed["work_order_id"])}
    assert [one.state for one in states.values() if one is not None] == ["submitted", "submitted"]


def test_what_a_cancelled_change_left_in_the_enrollment_is_not_taken_for_deployed(bench: Bench) -> None:
    """U6: the enrollment asks for it and no network has it: sent once more, and told when nothing comes of that."""
    live(bench)
    bench.sandbox.configure({"cancel_keeps_document": True})
    [change] = edit(bench, {"disallowedTlsVersions": ["TLSv1", "TLSv1_1"]})
    somebody, number = client(bench)
    somebody.cancel_change(number, change)
    bench.calls()
    order = configure(bench, TLS)
    assert order["state"] == "implementing" and order["reason"] == "not_proven"
    assert "no change is open" in order["message"] and puts(bench) == 1
    assert configure(bench, TLS)["reason"] == "not_proven"
    assert puts(bench) == 0


def test_the_inventory_shows_what_differs_from_what_was_set(bench: Bench) -> None:
    """V2: what production has of the settings that were set here, as the last look at the device found it."""

    def shown() -> Any:
        plan = queries.plan_certificates({"view": "holistic", "certificate": bench.name()}, bench.ports)
        return plan.extra["holistic"][0]["certificate"]["network_settings"]

    def drifted() -> list[str]:
        plan = queries.plan_certificates({"view": "attention"}, bench.ports)
        return [one["kind"] for one in plan.extra["attention"]]

    live(bench)
    assert shown() is None
    configure(bench, {**TLS, "ocsp_stapling": "on"})
    wanted = {**TLS, "ocsp_stapling": "on"}
    assert shown() == {"wanted": wanted, "production": wanted, "differing": []}
    assert bench.again().steps == (), "a discovery finds no difference"
    edit(bench, {}, changeManagement=False)
    edit(bench, {"ocspStapling": "off"})
    bench.advance(600)
    bench.again().execute()
    assert shown() == {"wanted": wanted, "production": {**TLS, "ocsp_stapling": "off"}, "differing": ["ocsp_stapling"]}
    assert drifted() == ["drift"]
    assert configure(bench, wanted)["state"] == "completed"
    assert shown()["differing"] == [] and drifted() == []


def test_the_holistic_view_shows_orders_about_settings_beside_the_push(bench: Bench) -> None:
    """V2: one about settings hides no push, nor the other way round."""

    def shown() -> tuple[list[str], list[str]]:
        plan = queries.plan_certificates({"view": "holistic", "certificate": bench.name()}, bench.ports)
        [device] = plan.extra["holistic"][0]["connectors"][0]["devices"]
        keys = ("work_orders", "settings_orders")
        orders, settings = ([f"{o['action']} {o['network']}" for o in device[key]] for key in keys)
        return orders, settings

    live(bench)
    assert shown() == (["push production"], [])
    configure(bench, TLS, network="staging")
    assert shown() == (["push production"], ["configure staging"])
    bench.push(action="rollback")
    assert shown() == (["push production"], ["rollback staging"])
    configure(bench, {"quic": True})
    bench.push(action="remove")
    assert shown() == (["remove production"], ["rollback staging", "configure production"])


@pytest.mark.parametrize("action", ["enroll", "renew"])
@pytest.mark.parametrize(
    "changes",
    [
        {"common_name": "other.example.com"},
        {"secure_network": "enhanced-tls"},
        {"validation_type": "ov", "vendor_certificate_type": "san"},
    ],
)
def test_an_enrolment_changes_nothing_that_is_for_life(bench: Bench, changes: dict[str, Any], action: str) -> None:
    """E9, E12: refused before the write, with the way: a new enrolment under another id."""
    live(bench)
    bench.settings(secure_network="enhanced-tls")
    bench.settings(validation_type="ov", vendor_certificate_type="san")
    with pytest.raises(ClmError, match=f"{next(iter(changes))}.*another certificate id"):
        bench.enroll(certificate=bench.name(), action=action, force=True, **changes)
    assert writes(bench) == []


def test_client_mutual_authentication_is_refused_where_new_enrollments_take_their_settings_from(bench: Bench) -> None:
    """S1: CPS refuses it on creation; the second step is named, and nothing is saved."""
    with pytest.raises(InputError, match="action: configure"):
        bench.settings(network=MUTUAL)
    assert bench.records()["vendor_settings"] == 0


def test_an_order_is_not_completed_before_the_network_shows_the_settings(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """U6: that the change stopped on staging is no proof; what staging has is."""
    live(bench)
    plain, is_behind = AkamaiCpsTarget.observe, [True]

    def observe(self: AkamaiCpsTarget, *arguments: Any, **options: Any) -> PushState:
        state = plain(self, *arguments, **options)
        behind = replace(state.staging, settings={**state.staging.settings, "disallowed_tls_versions": []})
        return replace(state, staging=behind) if is_behind[0] and state.phase == "on_staging" else state

    monkeypatch.setattr(AkamaiCpsTarget, "observe", observe)
    order = configure(bench, TLS, network="staging", wait_timeout=120)
    assert (order["state"] != "completed", order["reason"]) == (True, "not_proven"), order
    assert "disallowed_tls_versions" in order["message"]
    is_behind[0] = False
    assert configure(bench, TLS, network="staging")["state"] == "completed"


def test_what_no_network_tells_is_not_taken_for_deployed_while_cps_lags(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """U6: right after the update CPS may not list the change yet; nothing tells then that it is over."""
    live(bench)
    plain, plain_standing, is_behind = AkamaiCpsTarget.observe, AkamaiCpsTarget.standing, [True]

    def observe(self: AkamaiCpsTarget, reference: Any, fingerprints: Any, **options: Any) -> PushState:
        hidden = {**reference, "change_id": None} if is_behind[0] else reference
        return plain(self, hidden, fingerprints, **options)

    def standing(self: AkamaiCpsTarget, enrollment_id: int) -> Standing:
        found = plain_standing(self, enrollment_id)
        return replace(found, changes=()) if is_behind[0] else found

    monkeypatch.setattr(AkamaiCpsTarget, "observe", observe)
    monkeypatch.setattr(AkamaiCpsTarget, "standing", standing)
    order = configure(bench, MUTUAL, wait_timeout=60)
    assert (order["state"], order["reason"]) == ("implementing", "not_proven"), order
    is_behind[0] = False
    assert configure(bench, MUTUAL)["state"] == "completed"
