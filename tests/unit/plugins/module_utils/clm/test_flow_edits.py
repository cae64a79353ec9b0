# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Names, subject and kind of key of a live enrollment, edited in place: foretold, done once, undone for nobody."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from ansible_collections.edgecert.clm.plugins.module_utils._core.errors import (
    ClmError,
    ConflictError,
    InputError,
    RemoteError,
    StateError,
)
from ansible_collections.edgecert.clm.plugins.module_utils._core.plan import Outcome
from ansible_collections.edgecert.clm.plugins.module_utils._cps import changes
from ansible_collections.edgecert.clm.plugins.module_utils._cps.client import CpsClient
from ansible_collections.edgecert.clm.plugins.module_utils._cps.enrollment_wire import READ_ONLY
from ansible_collections.edgecert.clm.plugins.module_utils._pki import x509
from ansible_collections.edgecert.clm.tests.support.editing import ALLOW, LIVE, SAN_REMOVED, Edited
from ansible_collections.edgecert.clm.tests.support.flow import Bench
from ansible_collections.edgecert.clm.tests.support.sandbox_client import ApiClient


@pytest.fixture
def edited(bench: Bench) -> Edited:
    bench.sandbox.configure({"property_hostnames": [], "san_removal_review": ""})
    return Edited(bench)


def facts(outcome: Outcome, algorithm: str = "RSA") -> x509.CertificateFacts:
    """Read the certificate that was issued."""
    return x509.certificate_facts(outcome.extra["certificate"]["pem"][algorithm]["certificate"])


# -- what is foretold is what happens ------------------------------------------------------------------------------


def table(one: Edited) -> dict[str, tuple[dict[str, Any], str, str | None, str | None]]:
    """Give each kind of edit: options, outcome, flags of the update, type of the change."""
    keep = (one.www, one.api, one.old)
    return {
        "nothing": ({}, "nothing", None, None),
        "same names, written otherwise": (
            {"subject_alternative_names": one.sans(one.old.upper(), one.api)},
            "nothing",
            None,
            None,
        ),
        "the measure a key has anyway": ({"key_size": 2048}, "nothing", None, None),
        "add a name": (
            {"subject_alternative_names": one.sans(*keep, one.bench.name("new"))},
            "new_certificate",
            "",
            "modify-san",
        ),
        "drop a name": (
            {"subject_alternative_names": one.sans(one.www, one.api), "warnings": ALLOW},
            "new_certificate",
            "",
            "modify-san",
        ),
        "organization": ({"organization": "Other GmbH"}, "new_certificate", "", "modify-certificate"),
        "no locality": ({"locality": ""}, "new_certificate", "", "modify-certificate"),
        "both kinds of key": ({"dual_stack": True}, "new_certificate", "force-renewal=true", "modify-certificate"),
        "the other kind of key": ({"key_type": "ec"}, "new_certificate", "force-renewal=true", "modify-certificate"),
        "names out of the CSR": ({"exclude_sans": True}, "new_certificate", "force-renewal=true", "modify-certificate"),
        "a new key and no edit": ({"force": True}, "new_certificate", "force-renewal=true", "renewal"),
    }


KINDS = (
    "nothing",
    "same names, written otherwise",
    "the measure a key has anyway",
    "add a name",
    "drop a name",
    "organization",
    "no locality",
    "both kinds of key",
    "the other kind of key",
    "names out of the CSR",
    "a new key and no edit",
)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("wait", [True, False], ids=["waiting", "not waiting"])
def test_what_check_mode_foretells_is_what_then_happens(edited: Edited, kind: str, wait: bool) -> None:
    """E9, E10, U3: outcome, CSRs, orders, calls as the sandbox counts them, and what the push still has to do."""
    options, outcome, flags, change = table(edited)[kind]
    options = {**options, "wait": wait}
    before = edited.live()
    foretold = edited.plan(**options)
    told = foretold.extra["prediction"]
    assert edited.puts() == [] and told["outcome"] == outcome
    plan = edited.plan(**options)
    assert plan.extra["prediction"] == told and plan.changed == (outcome != "nothing")
    done = plan.execute()
    calls = told["calls"]
    assert calls["at_least"] <= len(edited.bench.sandbox.calls()) <= calls["at_most"]
    assert calls["is_exact"] == (outcome == "nothing") and (wait or calls["at_most"] <= 9)
    assert edited.puts() == ([] if flags is None else [flags])
    while done.record is not None and done.record["state"] != "issued":
        assert not wait
        edited.bench.advance(30)
        done = edited.plan(**options).execute()
        assert edited.puts() == []
    assert done.record is not None and done.record["state"] == "issued"
    assert edited.pending() == ([] if change is None else [change])
    if outcome == "nothing":
        assert edited.live() == before and told["csrs"] == [] and told["ca_orders"] == 0 and told["networks"] == []
        return
    assert set(told["csrs"]) == set(done.record["csrs"]) and told["ca_orders"] == len(done.record["fingerprints"])
    assert told["networks"] == ["staging", "production"]
    served = set(done.record["fingerprints"].values())
    pushed = edited.bench.push(network="production", warnings=ALLOW)
    assert pushed.record is not None and pushed.record["state"] == "completed"
    found = edited.client.get_deployments(int(edited.live()["id"]))
    for network in (found.staging, found.production):
        assert network is not None
        assert {x509.certificate_facts(c.certificate).fingerprint for c in network.certificates} == served
    assert {name for name, value in edited.live().items() if value != before.get(name)} <= {
        "csr",
        "enableMultiStackedCertificates",
        "thirdParty",
        "autoRenewalStartTime",
        "pendingChanges",
    }
    # The same call once more does nothing, at CPS and here.
    again = edited.plan(**{name: value for name, value in options.items() if name != "force"})
    assert not again.changed and again.extra["prediction"]["outcome"] == "nothing"
    assert edited.bench.calls() == []


# -- what cannot be edited -----------------------------------------------------------------------------------------

IMMUTABLE = [
    ({"common_name": "other.example.com"}, "common_name"),
    ({"contract_id": "C-OTHER"}, "contract_id"),
    ({"device": "another"}, "device"),
    ({"secure_network": "Enhanced TLS"}, "secure_network"),
    ({"validation_type": "ov", "vendor_certificate_type": "san"}, "validation_type"),
]


@pytest.mark.parametrize(("options", "name"), IMMUTABLE, ids=[name for _options, name in IMMUTABLE])
@pytest.mark.parametrize("action", ["regenerate", "renew"])
def test_what_an_enrollment_never_changes_is_refused_before_any_traffic(
    edited: Edited, options: dict[str, Any], name: str, action: str
) -> None:
    """E9, cps-protocol §5.4: with the reason, whether it is due or not."""
    with pytest.raises(InputError) as caught:
        edited.plan(certificate=edited.www, action=action, **options)
    assert caught.value.code == "needs_new_enrollment" and "needs a new enrollment" in caught.value.message
    assert name in caught.value.details["differing"]
    assert edited.bench.calls() == []


def test_a_certificate_that_cps_knows_nothing_of_keeps_its_name_too(bench: Bench) -> None:
    """E9: its id and its line are those of that name."""
    bench.prepare()
    given = {"device": None, "csr_source": "local", "certificate": "shop"}
    bench.group(defaults={"organization": "Example AG", "country": "DE"})
    bench.enroll(**given)
    with pytest.raises(InputError, match="enrol the other one under another certificate id") as caught:
        bench.plan_enroll(action="regenerate", **given, common_name="other.example.com")
    assert caught.value.code == "needs_new_certificate" and caught.value.details["differing"] == ["common_name"]


def test_a_kind_of_key_or_name_that_cps_does_not_have_is_refused_before_any_traffic(edited: Edited) -> None:
    """E13, E17."""
    for options in (
        {"key_size": 4096},
        {"key_type": "ec", "curve": "p-384"},
        {"hash": "sha384"},
        {"email": "ada@example.com"},
        {"subject_alternative_names": {**edited.sans(edited.api), "ip": ["192.0.2.1"]}},
        {"subject_alternative_names": edited.sans("b\u00fccher.example.com")},
    ):
        with pytest.raises(InputError):
            edited.plan(**options)
        assert edited.bench.calls() == []


@pytest.mark.parametrize("option", ["take_settings", "allow_names_in_use"])
def test_options_of_an_edit_are_refused_where_nothing_is_edited(bench: Bench, option: str) -> None:
    """E9: never ignored in silence."""
    bench.prepare()
    with pytest.raises(InputError) as caught:
        bench.plan_enroll(**{option: True})
    assert option in caught.value.message


def test_the_size_of_an_rsa_key_does_not_stay_with_another_kind_of_key(edited: Edited) -> None:
    """E10: the size was for the kind of key it was given with."""
    edited.edit(key_size=2048, force=True)
    edited.bench.push(network="production")
    done = edited.edit(key_type="ec")
    assert done.record is not None and done.record["wish"]["key_size"] is None and set(done.record["csrs"]) == {"ECDSA"}


def test_renewing_by_itself_does_not_end_in_silence(bench: Bench) -> None:
    """E3: the successor of a person's request does not inherit it; whoever gives it again keeps it."""
    one = Edited(bench, auto_renew={"enabled": True, "days_before": 20})
    [warning] = one.plan(organization="Other GmbH").extra["warnings"]
    assert "auto_renew" in warning and "does not inherit it" in warning
    kept = one.plan(organization="Other GmbH", auto_renew={"enabled": True, "days_before": 20})
    assert "warnings" not in kept.extra
    kept.execute()
    [line] = [entry for entry in bench.certificates() if entry["certificate"] == one.www]
    assert line["auto_renew"]["enabled"] is True


# -- what stands in the way ----------------------------------------------------------------------------------------


def test_an_edit_is_refused_beside_the_renewal_that_cps_opened_and_no_edit_takes_it_up(bench: Bench) -> None:
    """E3, cps-protocol §3.7: nothing is ever cancelled unasked; the message names the change."""
    one = Edited(bench, validity={"count": 1, "unit": "days"})
    bench.advance(86400 * 0.7)
    [change] = one.live()["pendingChanges"]
    number = change["location"].rpartition("/")[2]
    with pytest.raises(ConflictError) as caught:
        one.edit(organization="Other GmbH")
    assert caught.value.code == "change_pending" and f"change {number} of enrollment" in caught.value.message
    assert "CPS edits nothing beside it" in caught.value.message
    assert one.puts() == [] and one.pending() == ["renewal"] and bench.audit().count("request_submitted") == 1
    done = one.edit(force=True)
    assert done.record is not None and str(done.record["change_id"]) == number and one.puts() == []


def test_an_edit_in_cps_own_window_overrides_its_check_once_it_was_met(bench: Bench) -> None:
    """cps-protocol §3.7: somebody cancelled CPS's renewal; names that go need no force."""
    one = Edited(bench, validity={"count": 1, "unit": "days"})
    bench.advance(86400 * 0.7)
    [change] = one.client.get_enrollment(int(one.live()["id"])).pending_changes
    one.client.cancel_change(int(one.live()["id"]), change.change_id)
    plan = one.plan(subject_alternative_names=one.sans(one.www, one.api))
    plan.execute()
    assert len(bench.sandbox.calls()) <= plan.extra["prediction"]["calls"]["at_most"]
    assert one.puts() == ["", "renewal-date-check-override=true"]
    assert one.names() == {one.api}


def test_an_enrollment_that_was_edited_to_something_else_is_left_alone(edited: Edited) -> None:
    """E9, cps-protocol §5.5: neither what it was nor what is asked for."""
    body = {**edited.live(), "csr": {**edited.live()["csr"], "o": "Third GmbH"}}
    edited.client.update_enrollment(int(edited.live()["id"]), body)
    with pytest.raises(ConflictError) as caught:
        edited.edit(organization="Other GmbH")
    assert caught.value.code == "enrollment_differs" and "'Third GmbH' there" in caught.value.message
    assert edited.puts() == [] and edited.pending() == ["modify-certificate"]


def test_an_edit_that_somebody_made_at_control_center_is_taken_up(edited: Edited) -> None:
    """E9: the same edit is not sent twice."""
    raw = edited.live()
    edited.client.update_enrollment(int(raw["id"]), {**raw, "csr": {**raw["csr"], "o": "Other GmbH"}})
    done = edited.edit(organization="Other GmbH")
    assert edited.puts() == [] and edited.pending() == ["modify-certificate"]
    assert done.record is not None and done.record["state"] == "issued"


LOST = ["lost_after", "truncated", "garbage", "empty"]


@pytest.mark.parametrize("kind", [*LOST, "lost_before"])
def test_a_lost_reply_to_an_edit_leads_to_exactly_one_change(edited: Edited, kind: str) -> None:
    """W5: the next run looks before it writes."""
    wanted = edited.sans(edited.www, edited.api, edited.old, edited.bench.name("new"))
    edited.bench.sandbox.fault(kind, method="PUT", path="/enrollments/")
    try:
        edited.edit(subject_alternative_names=wanted)
    except RemoteError:
        done = edited.edit(subject_alternative_names=wanted)
    else:
        done = edited.edit(subject_alternative_names=wanted)
    assert done.record is not None and done.record["state"] == "issued"
    assert edited.pending() == ["modify-san"] and len(edited.names()) == 3
    found = ApiClient(edited.bench.sandbox).call(
        "GET", f"/cps/v2/enrollments/{edited.live()['id']}/history/changes", "change-history.v5"
    )
    assert [change["action"] for change in found.json()["changes"]].count("modify-san") == 1


def test_members_that_are_unknown_here_survive_and_only_what_was_asked_for_is_sent(
    edited: Edited, monkeypatch: pytest.MonkeyPatch
) -> None:
    """cps-protocol §2.1: from the raw object, the member that is edited and no other one."""
    read, sent = CpsClient.get_enrollment, []

    def with_unknown(self: CpsClient, number: int) -> Any:
        found = read(self, number)
        return replace(found, raw={**found.raw, "mayBeNew": {"a": [1]}})

    def update(_self: CpsClient, _number: int, body: Any, **flags: Any) -> Any:
        sent.append((body, {name: value for name, value in flags.items() if value}))
        raise RemoteError("seen", code="seen")

    raw = edited.live()
    monkeypatch.setattr(CpsClient, "get_enrollment", with_unknown)
    monkeypatch.setattr(CpsClient, "update_enrollment", update)
    with pytest.raises(ClmError):
        edited.edit(subject_alternative_names=edited.sans(edited.www, edited.api))
    [(body, flags)] = sent
    expected = {name: value for name, value in raw.items() if name not in READ_ONLY}
    expected = {**expected, "mayBeNew": {"a": [1]}, "csr": {**raw["csr"], "sans": sorted([edited.www, edited.api])}}
    assert body == expected and flags == {}


# -- names that go -------------------------------------------------------------------------------------------------


def test_names_that_go_are_reviewed_before_the_csr_and_by_name_only(edited: Edited) -> None:
    """cps-protocol §3.7: CPS asks instead of making the CSR; nothing is acknowledged unless its id is allowed."""
    edited.bench.sandbox.configure({"san_removal_review": "csr"})
    wanted = {"subject_alternative_names": edited.sans(edited.www, edited.api)}
    plan = edited.plan(**wanted)
    told = {entry["code"]: entry for entry in plan.extra["prediction"]["warnings"]}
    assert told[SAN_REMOVED]["decision"] == told[LIVE]["decision"] == "blocked" and told[LIVE]["is_certain"]
    waits = plan.execute()
    assert waits.record is not None and waits.record["reason"] == "needs_decision"
    assert SAN_REMOVED in waits.record["message"] and edited.old in waits.record["message"]
    assert edited.names() == {edited.api}
    again = edited.plan(**wanted)
    assert not again.changed and edited.puts() == []
    done = edited.edit(**wanted, warnings=ALLOW)
    assert done.record is not None and done.record["state"] == "issued" and edited.puts() == []
    assert "warnings_acknowledged" in edited.bench.audit()
    assert set(facts(done).sans.dns) == {edited.www, edited.api}
    assert done.extra["certificate"]["sans"] == sorted([edited.www, edited.api])
    assert done.extra["certificate"]["san_count"] == 2


def test_a_review_that_a_lost_reply_opened_is_found_again(edited: Edited) -> None:
    """W5: it has no CSR to be known by."""
    edited.bench.sandbox.configure({"san_removal_review": "csr"})
    edited.bench.sandbox.fault("lost_after", method="PUT", path="/enrollments/")
    wanted = {"subject_alternative_names": edited.sans(edited.www, edited.api), "warnings": ALLOW}
    try:
        edited.edit(**wanted)
    except RemoteError:
        edited.bench.advance(60)
    done = edited.edit(**wanted)
    assert done.record is not None and done.record["state"] == "issued" and edited.pending() == ["modify-san"]


def test_names_that_go_without_any_csr_end_the_request_and_the_next_one_has_a_certificate(edited: Edited) -> None:
    """cps-protocol §3.7: CPS takes the names out and deploys no certificate; said so, and no order was placed."""
    edited.bench.sandbox.configure({"san_removal_review": "deploy"})
    wanted = {"subject_alternative_names": edited.sans(edited.www, edited.api), "warnings": ALLOW}
    with pytest.raises(StateError) as caught:
        edited.edit(**wanted)
    assert caught.value.code == "csr_refused" and "regenerate to have a new certificate" in caught.value.message
    with pytest.raises(ConflictError) as pending:
        edited.edit(**wanted)
    assert pending.value.code == "change_pending"
    enrollment = edited.client.get_enrollment(int(edited.live()["id"]))
    [change] = enrollment.pending_changes
    info = edited.client.get_change_management_info(enrollment.id, change.change_id)
    edited.client.acknowledge(changes.CHANGE_MANAGEMENT, enrollment.id, change.change_id, hash_text=info.hash)
    edited.bench.advance(120)
    done = edited.edit(**wanted)
    assert done.record is not None and done.record["state"] == "issued" and edited.puts() == ["force-renewal=true"]
    assert set(facts(done).sans.dns) == {edited.www, edited.api}


def test_a_push_that_dropped_a_name_is_rolled_back_with_its_names(edited: Edited) -> None:
    """U5: the inventory tells of the names again that production serves."""
    wanted = {"subject_alternative_names": edited.sans(edited.www, edited.api), "warnings": ALLOW}
    edited.edit(**wanted)
    edited.bench.push(network="staging", warnings=ALLOW)
    edited.bench.push(action="rollback")
    [line] = [one for one in edited.bench.certificates() if one["certificate"] == edited.www]
    assert line["san_count"] == 3 and edited.names() == {edited.api, edited.old}
    assert not edited.plan().changed
    assert edited.plan(**wanted).changed
