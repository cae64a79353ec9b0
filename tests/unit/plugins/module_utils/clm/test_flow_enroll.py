# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Enrolling at CPS with the own CA: forms, keys, waiting, warnings, going on and repeating."""

from __future__ import annotations

from typing import Any

import pytest
from cryptography import x509

from ansible_collections.edgecert.clm.plugins.module_utils._core.errors import (
    ClmError,
    ConflictError,
    InputError,
    NotFoundError,
    PolicyError,
    StateError,
)
from ansible_collections.edgecert.clm.plugins.module_utils._glue.wire_target import client_of
from ansible_collections.edgecert.clm.tests.support.flow import Bench

SLOW_CSR = {"csr_s": 120}


def leaves(outcome: Any) -> dict[str, x509.Certificate]:
    """Give the issued certificates of an outcome by key algorithm."""
    pems = outcome.extra["certificate"]["pem"]
    return {alg: x509.load_pem_x509_certificate(entry["certificate"].encode()) for alg, entry in pems.items()}


def names_of(certificate: x509.Certificate) -> set[str]:
    """Give a certificate's DNS names."""
    found = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    return set(found.get_values_for_type(x509.DNSName))


KEYS = [
    ({}, {"RSA"}),
    ({"key_type": "rsa", "key_size": 2048}, {"RSA"}),
    ({"key_type": "ec"}, {"ECDSA"}),
    ({"key_type": "ec", "curve": "secp256r1"}, {"ECDSA"}),
    ({"dual_stack": True}, {"RSA", "ECDSA"}),
]


@pytest.mark.parametrize(("wish", "algorithms"), KEYS, ids=[str(k[0]) for k in KEYS])
def test_a_certificate_is_issued_for_each_key_asked_for(
    bench: Bench, wish: dict[str, Any], algorithms: set[str]
) -> None:
    """E9, E10, E13, E24: CSRs and certificates by key type, all names in, conditions on record."""
    bench.prepare()
    names = {bench.name(), bench.name("api"), bench.name("*")}
    outcome = bench.enroll(subject_alternative_names={"dns": sorted(names, reverse=True)}, comment="please", **wish)
    record = outcome.record
    assert record is not None and record["state"] == "issued"
    assert set(record["csrs"]) == set(record["fingerprints"]) == algorithms
    for leaf in leaves(outcome).values():
        assert names_of(leaf) == names
    certificate = outcome.extra["certificate"]
    assert certificate["san_count"] == 3 and certificate["state"] == "issued"
    assert certificate["key_algorithm"] == ("RSA" if "RSA" in algorithms else "ECDSA")
    steps = [condition["type"] for condition in record["conditions"]]
    assert steps == ["submitted", "approved", "implementing", "retrieval_in_progress", "issued"]
    assert record["conditions"][0]["comment"] == "please" and record["conditions"][0]["actor"] == "tester"


def test_the_subject_comes_from_the_settings_and_can_be_given(bench: Bench) -> None:
    """E14."""
    bench.prepare()
    outcome = bench.enroll(organizational_unit="Web", locality="Hamburg")
    subject = leaves(outcome)["RSA"].subject.rfc4514_string()
    assert "O=Example GmbH" in subject and "L=Hamburg" in subject and "OU=Web" in subject and "C=DE" in subject


def test_more_names_than_cps_takes_are_refused_before_the_create(bench: Bench) -> None:
    """E13."""
    bench.prepare()
    bench.enroll(common_name=bench.name("first"))
    bench.calls()
    names = [bench.name(f"n{number}") for number in range(100)]
    with pytest.raises(InputError, match="101 names"):
        bench.enroll(subject_alternative_names={"dns": names})
    assert not [call for call in bench.calls() if call[0] == "POST"]
    assert [c["certificate"] for c in bench.certificates()] == [bench.name("first")]


@pytest.mark.parametrize("sync", ["monitored", "ignored"])
def test_a_device_that_is_not_managed_is_refused_before_any_traffic(bench: Bench, sync: str) -> None:
    """D5."""
    bench.prepare(cert_sync=sync)
    bench.calls()
    with pytest.raises(PolicyError, match=sync) as caught:
        bench.plan_enroll()
    assert caught.value.code == "device_not_managed" and bench.calls() == []


def test_what_an_enrolment_needs_is_named_when_it_is_missing(bench: Bench) -> None:
    """S5, E2, E9: device, settings and CA in turn."""
    with pytest.raises(NotFoundError, match="akamai_cps_device"):
        bench.plan_enroll()
    bench.device(discover="none")
    with pytest.raises(NotFoundError, match="third-party.*standard-tls.*third-party.*akamai_vendor_settings"):
        bench.plan_enroll()
    bench.settings()
    with pytest.raises(NotFoundError, match="ca_account"):
        bench.plan_enroll()


def test_check_mode_says_what_would_be_done_and_does_nothing(bench: Bench) -> None:
    """E9, E24: the plan is a prediction."""
    bench.prepare()
    bench.calls()
    plan = bench.plan_enroll(dual_stack=True)
    sentences = [step.sentence for step in plan.steps]
    assert any("Create an enrollment" in s and "RSA and ECDSA" in s and bench.contract in s for s in sentences)
    assert plan.before is None and plan.after is not None and plan.after["state"] == "issued"
    # One look whether the name is free: a prediction that the run would not keep is worth nothing.
    assert [method for method, _path in bench.calls()] == ["GET"] and bench.records()["requests"] == 0


def test_the_same_call_after_it_was_issued_makes_no_step_and_no_call(bench: Bench) -> None:
    """E24: what is as wanted stays, and costs nothing."""
    bench.prepare()
    bench.enroll()
    bench.calls()
    plan = bench.plan_enroll()
    assert not plan.changed
    outcome = plan.execute()
    assert outcome.record is not None and outcome.record["state"] == "issued"
    assert bench.calls() == []
    assert not bench.plan_enroll(common_name=bench.name().upper(), key_type="rsa").changed


OTHER: list[dict[str, Any]] = [
    {"subject_alternative_names": {"dns": ["more.example.com"]}},
    {"key_type": "ec"},
    {"dual_stack": True},
    {"validity": {"count": 30, "unit": "days"}},
    {"organization": "Other"},
    {"ca": "second"},
    {"ca_options": {"certificate_profile": "server_client"}},
]


def test_other_values_are_refused_while_it_is_open_and_after_it_was_issued(bench: Bench) -> None:
    """E24: silence would be a lie."""
    bench.prepare()
    bench.ca(name="second")
    bench.sandbox.configure(SLOW_CSR)
    bench.enroll(wait=False)
    for wish in OTHER:
        with pytest.raises(StateError) as caught:
            bench.plan_enroll(**wish)
        assert caught.value.code == "request_open" and caught.value.details["differing"] == list(wish)
    bench.advance(150)
    bench.enroll()
    for wish in OTHER:
        with pytest.raises(StateError) as caught:
            bench.plan_enroll(**wish)
        assert caught.value.code == "already_enrolled", wish


def test_description_may_change_at_any_time(bench: Bench) -> None:
    """E5: it is in no CSR."""
    bench.prepare()
    bench.enroll(description="one")
    plan = bench.plan_enroll(description="two")
    assert [step.sentence.startswith("Change description") for step in plan.steps] == [True]
    record = plan.execute().record
    assert record is not None and record["wish"]["description"] == "two" and record["state"] == "issued"
    assert not bench.plan_enroll().changed


def test_ids_are_the_common_name_or_as_named_or_stamped(bench: Bench) -> None:
    """E21: default, edited, emptied; each again changes nothing."""
    bench.prepare()
    default = bench.enroll(common_name=bench.name("A").upper()).record
    assert default is not None and default["certificate"] == bench.name("a")
    edited = bench.enroll(common_name=bench.name("b"), certificate="shop").record
    assert edited is not None and edited["certificate"] == "shop"
    stamped = bench.enroll(common_name=bench.name("c"), certificate="").record
    assert stamped is not None and stamped["certificate"].startswith(f"{bench.name('c')}-20")
    bench.advance(120)
    again: list[dict[str, Any]] = [
        {"common_name": bench.name("a")},
        {"common_name": bench.name("b"), "certificate": "shop"},
        {"common_name": None, "certificate": "shop"},
        {"common_name": bench.name("c"), "certificate": ""},
    ]
    for wish in again:
        assert not bench.plan_enroll(**wish).changed, wish
    assert bench.records()["requests"] == 3


def test_an_id_that_is_taken_by_a_discovered_certificate_is_refused(bench: Bench) -> None:
    """E21: nothing is overwritten."""
    bench.sandbox.seed(1, contracts=[bench.contract])
    bench.prepare()
    bench.device()
    [found] = bench.certificates()
    with pytest.raises(ConflictError) as caught:
        bench.plan_enroll(common_name=found["common_name"])
    assert caught.value.code == "certificate_exists"


def test_the_same_common_name_at_cps_is_a_conflict_that_leaves_nothing(bench: Bench) -> None:
    """E9: no second enrollment of a name, in check mode as in the run; nothing is stored for it."""
    bench.sandbox.seed(1, contracts=[bench.contract])
    bench.prepare()
    bench.device(discover="none")
    name = bench.enrollments()[0]["common_name"]
    audit = bench.audit()
    with pytest.raises(ConflictError) as caught:
        bench.plan_enroll(common_name=name)
    assert caught.value.code == "enrollment_exists" and not caught.value.retryable
    assert bench.records()["requests"] == bench.records()["intents"] == bench.records()["certificates"] == 0
    assert bench.audit() == audit
    assert len(bench.enrollments()) == 1


def test_without_waiting_the_state_reached_is_answered_and_the_next_call_goes_on(bench: Bench) -> None:
    """E24: no process is kept alive."""
    bench.prepare()
    bench.sandbox.configure(SLOW_CSR)
    record = bench.enroll(wait=False).record
    assert record is not None and record["state"] == "implementing" and record["reason"] == "csr_pending"
    assert record["next_look_at"]
    waiting = bench.plan_enroll(wait=False)
    assert not waiting.changed
    assert waiting.execute().record
    bench.advance(150)
    plan = bench.plan_enroll(wait=False)
    assert [step.sentence.split()[0] for step in plan.steps] == ["Fetch", "Have", "Retrieve"]
    outcome = plan.execute()
    assert outcome.record is not None and outcome.record["state"] == "issued" and outcome.record["reason"] == ""


def test_waiting_ends_with_its_time(bench: Bench) -> None:
    """E24."""
    bench.prepare()
    bench.sandbox.configure({"csr_s": 5000})
    before = bench.clock.monotonic()
    record = bench.enroll(wait=True, wait_timeout=60).record
    assert record is not None and record["reason"] == "csr_pending"
    assert 58 <= bench.clock.monotonic() - before <= 80


def test_a_ca_that_takes_its_time_is_waited_for_over_several_calls(bench: Bench) -> None:
    """E24: retrieval in progress until the CA issues."""
    bench.prepare()
    bench.ca(options={"delay_s": 86400})
    record = bench.enroll(wait_timeout=120).record
    assert record is not None and record["state"] == "retrieval_in_progress" and record["reason"] == "ca_pending"
    assert record["label"] == "Submit certificate - retrieval in progress"
    assert not bench.plan_enroll(wait=False).changed
    bench.advance(86400)
    outcome = bench.enroll(wait=False)
    assert outcome.record is not None and outcome.record["state"] == "issued"
    assert outcome.extra["certificate"]["state"] == "issued"
    assert bench.audit().count("certificate_ordered") == 1


WARNING = "A warning nobody has seen before."
ALLOWED = {"allow": ["re:nobody has seen before"], "ask": [], "block": []}


def test_a_warning_before_the_csr_waits_for_a_decision_and_is_allowed_later(bench: Bench) -> None:
    """E9, design §8: nothing unknown is acknowledged; the next run's options decide."""
    bench.prepare()
    bench.sandbox.configure({"pre_verification_warnings": [WARNING]})
    record = bench.enroll().record
    assert record is not None and record["reason"] == "needs_decision" and WARNING in record["message"]
    assert not [call for call in bench.calls() if call[1].endswith("-ack")]
    assert not bench.plan_enroll().changed
    outcome = bench.enroll(warnings=ALLOWED)
    assert outcome.record is not None and outcome.record["state"] == "issued"


def test_a_warning_that_is_allowed_beforehand_stops_nothing(bench: Bench) -> None:
    """E9."""
    bench.prepare()
    bench.sandbox.configure({"pre_verification_warnings": [WARNING]})
    outcome = bench.enroll(warnings=ALLOWED)
    assert outcome.record is not None and outcome.record["state"] == "issued"
    assert len([call for call in bench.calls() if call[1].endswith("-ack")]) == 1


def test_a_create_that_comes_too_soon_is_parked_and_goes_on(bench: Bench) -> None:
    """E9, W5: CPS takes one create of a contract in five minutes."""
    bench.prepare()
    bench.enroll(common_name=bench.name("first"))
    bench.sandbox.configure({"create_interval_s": 300})
    record = bench.enroll(wait=False).record
    assert record is not None and record["state"] == "implementing" and record["reason"] == "create_too_soon"
    bench.advance(310)
    outcome = bench.enroll(wait=False)
    assert outcome.record is not None and outcome.record["enrollment_id"]
    outcome = bench.enroll()
    assert outcome.record is not None and outcome.record["state"] == "issued"


def test_a_create_that_comes_too_soon_is_waited_for(bench: Bench) -> None:
    """E9."""
    bench.prepare()
    bench.enroll(common_name=bench.name("first"))
    bench.sandbox.configure({"create_interval_s": 300})
    outcome = bench.enroll(wait_timeout=1200)
    assert outcome.record is not None and outcome.record["state"] == "issued"
    assert len(bench.enrollments()) == 2


def test_a_change_that_somebody_cancels_fails_the_request(bench: Bench) -> None:
    """W5: the end is told, not waited for."""
    bench.prepare()
    bench.sandbox.configure(SLOW_CSR)
    record = bench.enroll(wait=False).record
    assert record is not None
    with bench.store.read() as unit:
        device = unit.devices.get("edge")
    assert device is not None
    client = client_of(device, bench.store, bench.clock, bench.environment)
    client.cancel_change(record["enrollment_id"], record["change_id"])
    with pytest.raises(StateError) as caught:
        bench.enroll()
    assert caught.value.code == "csr_refused"


def test_no_secret_is_in_any_record_or_audit_line(bench: Bench) -> None:
    """Design §8: keys and tokens are in no view."""
    bench.prepare()
    outcome = bench.enroll()
    with bench.store.read() as unit:
        shown = str([row.entry for row in unit.audit_rows()]) + str(outcome)
        account = unit.ca_accounts.get("house")
    assert "PRIVATE KEY" not in shown and account is not None and account.secrets is not None
    assert bench.audit()[-5:] == [
        "request_submitted",
        "key_place_opened",
        "csr_fetched",
        "certificate_ordered",
        "certificate_issued",
    ]


def test_settings_changed_later_change_no_open_request(bench: Bench) -> None:
    """S1, E9."""
    bench.prepare()
    bench.sandbox.configure(SLOW_CSR)
    bench.enroll(wait=False)
    bench.settings(organization={"name": "Another GmbH"})
    bench.advance(150)
    outcome = bench.enroll()
    assert "O=Example GmbH" in leaves(outcome)["RSA"].subject.rfc4514_string()


def test_an_actor_is_on_each_condition_and_audit_line(bench: Bench) -> None:
    """E24, W6."""
    bench.prepare()
    bench.sandbox.configure(SLOW_CSR)
    bench.enroll(wait=False)
    bench.ports = bench.make_ports(bench.store, "second-person")
    bench.advance(150)
    record = bench.enroll().record
    assert record is not None and record["conditions"][-1]["actor"] == "second-person"
    with bench.store.read() as unit:
        actors = [row.entry.actor for row in unit.audit_rows()]
    assert actors[-1] == "second-person" and "tester" in actors


def test_errors_of_an_enrolment_are_all_of_our_kind(bench: Bench) -> None:
    """E9: CPS refuses the create outright; nothing is left."""
    bench.prepare()
    bench.sandbox.fault("forbidden", method="POST", path=r"/enrollments\?")
    with pytest.raises(ClmError):
        bench.enroll()
    assert bench.records()["requests"] == bench.records()["intents"] == 0
    assert bench.enroll().record
