# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Before a name goes: who uses it, who has to approve, and what means the same and so is no edit at all."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from ansible_collections.edgecert.clm.plugins.module_utils._clm.usage import ALLOWED
from ansible_collections.edgecert.clm.plugins.module_utils._core.clock import to_text
from ansible_collections.edgecert.clm.plugins.module_utils._core.errors import (
    ConflictError,
    InputError,
    PolicyError,
    RemoteError,
)
from ansible_collections.edgecert.clm.plugins.module_utils._cps.caller import Answer, Caller
from ansible_collections.edgecert.clm.plugins.module_utils._cps.client import CpsClient
from ansible_collections.edgecert.clm.plugins.module_utils._cps.models import EnrollmentRecord
from ansible_collections.edgecert.clm.tests.support.editing import ALLOW, Edited
from ansible_collections.edgecert.clm.tests.support.flow import Bench


@pytest.fixture
def edited(bench: Bench) -> Edited:
    bench.sandbox.configure({"property_hostnames": [], "san_removal_review": ""})
    return Edited(bench)


def without_old(one: Edited) -> dict[str, Any]:
    """Give the options that drop one name."""
    return {"subject_alternative_names": one.sans(one.www, one.api), "warnings": ALLOW}


# -- names in use --------------------------------------------------------------------------------------------------


def test_a_name_that_properties_serve_is_not_dropped(edited: Edited) -> None:
    """cps-protocol §4.4: property, networks and edge hostname are told; nothing is written and nothing recorded."""
    edited.use(f"{edited.old} site-a", f"{edited.api} site-b", "else.example.org site-c")
    with pytest.raises(ConflictError) as caught:
        edited.edit(**without_old(edited))
    assert caught.value.code == "names_in_use" and not caught.value.retryable
    [use] = caught.value.details["hostnames"]
    assert (use["hostname"], use["property"]) == (edited.old, "site-a")
    assert use["networks"] == ["staging", "production"] and set(use["edge_hostnames"]) == {"staging", "production"}
    assert f"{edited.old} (site-a, staging and production)" in caught.value.message and ALLOWED in caught.value.message
    assert [method for method, _path in edited.bench.calls()] == ["GET"]
    assert edited.bench.audit().count("request_submitted") == 1 and edited.names() == {edited.api, edited.old}


def test_a_name_in_use_is_dropped_where_a_person_says_so(edited: Edited) -> None:
    """cps-protocol §4.4: and the result tells of the use all the same."""
    edited.use(f"{edited.old} site-a production")
    done = edited.edit(**without_old(edited), allow_names_in_use=True)
    assert done.record is not None and done.record["state"] == "issued" and edited.names() == {edited.api}
    plan = edited.plan()
    assert not plan.changed and "names_in_use" not in plan.extra


def test_a_roll_forward_drops_names_in_use_where_a_person_says_so(edited: Edited) -> None:
    """U5, cps-protocol §4.4: the names of the snapshot are those from before; one that came since may serve."""
    bench, new = edited.bench, edited.bench.name("new")
    edited.edit(subject_alternative_names=edited.sans(edited.www, edited.api, edited.old, new))
    assert dict(bench.push(network="production").record or {})["state"] == "completed"
    edited.use(f"{new} site-a production")
    back: dict[str, Any] = {"action": "rollback", "roll_forward": True, "network": "production"}
    with pytest.raises(InputError, match="goes with roll_forward: true only"):
        bench.plan_push(allow_names_in_use=True)
    with pytest.raises(ConflictError) as caught:
        bench.plan_push(**back)
    assert caught.value.code == "names_in_use" and new in caught.value.message
    done = bench.push(**back, allow_names_in_use=True, warnings=ALLOW)
    assert (done.record or {})["state"] == "completed" and edited.names() == {edited.api, edited.old}


USES = [
    ("{old} site-a both DEFAULT", False),
    ("{old} site-a both CCM", False),
    ("{old} site-a staging", True),
    ("{OLD} site-a production CPS_MANAGED", True),
    ("x.{old} site-a", False),
    ("{api} site-a", False),
]


@pytest.mark.parametrize(("text", "is_in_use"), USES, ids=[text for text, _in_use in USES])
def test_what_counts_as_use(edited: Edited, text: str, is_in_use: bool) -> None:
    """cps-protocol §4.4: a host name with a certificate that CPS does not manage is in no danger."""
    edited.use(text.format(old=edited.old, OLD=edited.old.upper(), api=edited.api))
    if is_in_use:
        with pytest.raises(ConflictError):
            edited.plan(**without_old(edited))
    else:
        plan = edited.plan(**without_old(edited))
        assert plan.changed and plan.extra["names_in_use"]["hostnames"] == []


def test_a_wildcard_that_stays_keeps_what_it_covers_and_one_that_goes_does_not(bench: Bench) -> None:
    """cps-protocol §4.4, RFC 6125 §6.4.3."""
    bench.sandbox.configure({"property_hostnames": [], "san_removal_review": ""})
    one = Edited(bench)
    star = one.www.replace("www.", "*.", 1)
    one.use(f"{one.old} site-a", f"shop{star[1:]} site-b", f"deep.shop{star[1:]} site-c")
    done = one.edit(subject_alternative_names=one.sans(one.www, star))
    assert done.record is not None and done.record["state"] == "issued"
    one.bench.push(network="production", warnings=ALLOW)
    with pytest.raises(ConflictError) as caught:
        one.plan(subject_alternative_names=one.sans(one.www))
    assert [use["hostname"] for use in caught.value.details["hostnames"]] == sorted([one.old, f"shop{star[1:]}"])


def test_many_names_that_go_cost_one_list_and_not_a_call_each(bench: Bench) -> None:
    """D10, cps-protocol §5.3: page by page."""
    bench.sandbox.configure({"property_hostnames": [], "san_removal_review": ""})
    one = Edited(bench)
    many = [bench.name(f"n{number}") for number in range(8)]
    one.edit(subject_alternative_names=one.sans(*many, one.api, one.old))
    one.bench.push(network="production", warnings=ALLOW)
    one.use(*(f"h{number}.example.org" for number in range(1500)), f"{many[7]} site-z staging")
    with pytest.raises(ConflictError) as caught:
        one.plan(subject_alternative_names=one.sans(one.api, one.old))
    assert [use["property"] for use in caught.value.details["hostnames"]] == ["site-z"]
    assert [path for _method, path in one.bench.calls()] == [
        "/papi/v1/hostnames?limit=999&offset=0",
        "/papi/v1/hostnames?limit=999&offset=999",
    ]


def test_where_nobody_may_look_it_is_said_and_the_name_may_go(edited: Edited) -> None:
    """P4, cps-protocol §1.4: the grant for Property Manager is missing."""
    edited.use(f"{edited.old} site-a")
    edited.bench.again(section="no-papi", discover="none", validate=False).execute()
    plan = edited.plan(**without_old(edited))
    assert plan.changed and plan.extra["names_in_use"]["looked"] is False
    [warning] = plan.extra["warnings"]
    assert f"whether {edited.old} is in use could not be looked at" in warning and "Property Manager" in warning
    plan.execute()
    assert edited.names() == {edited.api}


def test_a_look_that_fails_otherwise_fails_the_call(edited: Edited) -> None:
    """P4: an error of the moment is no missing grant."""
    edited.bench.sandbox.fault("server_error", method="GET", path="/papi/v1/hostnames", times=0)
    with pytest.raises(RemoteError) as caught:
        edited.plan(**without_old(edited))
    edited.bench.sandbox.clear_faults()
    assert caught.value.code != "names_in_use" and edited.names() == {edited.api, edited.old}


# -- approvals -----------------------------------------------------------------------------------------------------


def test_approvals_are_foretold_and_traffic_that_came_meanwhile_is_seen(edited: Edited) -> None:
    """E24, W2: levels and who may not give them; the names are looked at again before they go."""
    edited.bench.group(approvals={"enroll": 2, "push": 1})
    plan = edited.plan(**without_old(edited))
    enroll, push = plan.extra["prediction"]["approvals"]
    assert (enroll["kind"], enroll["levels"], enroll["given"]) == ("enroll", 2, 0)
    assert enroll["may_not_approve"] == ["tester"] and enroll["distinct_approvers"]
    assert (push["kind"], push["levels"]) == ("push", 1)
    assert plan.extra["prediction"]["calls"] == {"at_least": 1, "at_most": 1, "is_exact": True}
    done = plan.execute()
    assert done.record is not None and done.record["state"] == "submitted"
    assert [path for _method, path in edited.bench.calls()] == [
        f"/papi/v1/hostnames?hostname={edited.old}&limit=999&offset=0"
    ]
    edited.use(f"{edited.old} site-a")
    number = str(done.record["request_id"])
    edited.bench.act("ada", "approve", request_id=number)
    with pytest.raises(PolicyError):
        edited.bench.act("ada", "approve", request_id=number)
    with pytest.raises(ConflictError) as caught:
        edited.bench.act("bob", "approve", request_id=number)
        edited.edit(**without_old(edited))
    assert caught.value.code == "names_in_use"
    assert edited.names() == {edited.api, edited.old} and edited.pending() == []
    with edited.bench.store.read() as unit:
        waiting = unit.requests.get(number)
    assert waiting is not None and waiting.reason == "names_in_use" and waiting.state == "implementing"
    with pytest.raises(PolicyError) as alone:
        edited.edit(**without_old(edited), allow_names_in_use=True)
    assert alone.value.code == "approval_needed"
    edited.use()
    edited.bench.advance(3600)
    done = edited.edit(**without_old(edited))
    assert not edited.plan(**without_old(edited)).changed
    assert done.record is not None and (done.record["request_id"], done.record["state"]) == (number, "issued")


def test_a_request_that_waits_may_drop_names_in_use_where_nobody_had_to_approve(edited: Edited) -> None:
    """E24: a date lay between; whoever asked says it then."""
    at = to_text(edited.bench.clock.now() + timedelta(hours=1))
    asked = edited.edit(**without_old(edited), schedule_at=at)
    assert asked.record is not None and asked.record["state"] == "scheduled"
    edited.use(f"{edited.old} site-a")
    edited.bench.advance(3700)
    plan = edited.plan(**without_old(edited))
    assert [use["hostname"] for use in plan.extra["names_in_use"]["hostnames"]] == [edited.old]
    with pytest.raises(ConflictError):
        plan.execute()
    done = edited.edit(**without_old(edited), allow_names_in_use=True)
    assert done.record is not None and done.record["state"] == "issued" and edited.names() == {edited.api}


@pytest.mark.parametrize("wait", [True, False], ids=["waiting", "not waiting"])
def test_calls_are_foretold_at_every_step_of_the_way(edited: Edited, wait: bool) -> None:
    """U3: what is left of them, each time the same call is made again."""
    edited.edit(organization="Other GmbH", wait=False)
    for _call in range(6):
        edited.bench.advance(20)
        plan = edited.plan(organization="Other GmbH", wait=wait)
        done, calls = plan.execute(), plan.extra["prediction"]["calls"]
        assert calls["at_least"] <= len(edited.bench.calls()) <= calls["at_most"]
        if done.record is not None and done.record["state"] == "issued":
            return
    raise AssertionError("it was never issued")


def test_a_draft_of_an_edit_is_edited_itself_before_anything_is_sent(edited: Edited) -> None:
    """E24: what the edit is counted from stays the certificate, not the draft."""
    new = edited.bench.name("new")
    drafted = edited.edit(subject_alternative_names=edited.sans(edited.api, edited.old, new), submit=False)
    assert drafted.record is not None and drafted.record["state"] == "draft" and edited.bench.calls() == []
    plan = edited.plan(subject_alternative_names=edited.sans(edited.api, new), warnings=ALLOW)
    told = plan.extra["prediction"]["edits"]
    assert (told["names_added"], told["names_dropped"]) == ([new], [edited.old])
    done = plan.execute()
    assert done.record is not None and done.record["request_id"] == drafted.record["request_id"]
    assert done.record["state"] == "issued" and edited.names() == {edited.api, new}


# -- what means the same -------------------------------------------------------------------------------------------


def same_here(one: Edited) -> dict[str, dict[str, Any]]:
    """Give ways in which a user may write what there is."""
    return {
        "case of names": {"subject_alternative_names": one.sans(one.api.upper(), one.old.title())},
        "order of names": {"subject_alternative_names": one.sans(one.old, one.api, one.www)},
        "without the common name": {"subject_alternative_names": one.sans(one.api, one.old)},
        "twice": {"subject_alternative_names": one.sans(one.api, one.old, one.api.upper())},
        "common name in capitals": {"common_name": one.www.upper()},
        "blank round the subject": {"organization": "  Example GmbH ", "locality": "Berlin "},
        "empty where there is nothing": {"organizational_unit": "", "email": ""},
        "left out": {},
        "default measure": {"key_size": 2048, "hash": "sha256"},
        "contract with prefix": {"contract_id": f"ctr_{one.bench.contract}"},
        "friendly spellings": {"validation_type": "Third-party", "secure_network": "Standard TLS"},
    }


SAME_HERE = (
    "case of names",
    "order of names",
    "without the common name",
    "twice",
    "common name in capitals",
    "blank round the subject",
    "empty where there is nothing",
    "left out",
    "default measure",
    "contract with prefix",
    "friendly spellings",
)


def test_what_a_user_writes_otherwise_and_means_the_same_is_no_edit(edited: Edited) -> None:
    """cps-protocol §5.4: whatever way it is written, the second run changes nothing and calls nobody."""
    assert set(same_here(edited)) == set(SAME_HERE)
    for case, options in same_here(edited).items():
        for action in ("regenerate", "enroll"):
            if action == "enroll" and case == "default measure":
                continue
            plan = edited.plan(**{"action": action, "certificate": edited.www, **options})
            assert not plan.changed, (case, action)
            assert edited.bench.calls() == [], (case, action)


A_LABEL, U_LABEL = "xn--bcher-kva", "b\u00fccher"
SAME_THERE = {
    "order and case of names": lambda csr: {**csr, "sans": [name.upper() for name in reversed(csr["sans"])]},
    "without the common name": lambda csr: {**csr, "sans": [name for name in csr["sans"] if name != csr["cn"]]},
    "empty for nothing": lambda csr: {**csr, "ou": ""},
    "nothing for nothing": lambda csr: {name: value for name, value in csr.items() if value is not None},
    "international names": lambda csr: {**csr, "sans": [name.replace(A_LABEL, U_LABEL) for name in csr["sans"]]},
    "blanks": lambda csr: {**csr, "o": f" {csr['o']} "},
}


@pytest.mark.parametrize("case", SAME_THERE)
def test_what_cps_writes_otherwise_and_means_the_same_is_no_difference(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, case: str
) -> None:
    """cps-protocol §5.4: a renewal finds its enrollment as it was, and lays nothing over it."""
    bench.sandbox.configure({"property_hostnames": [], "san_removal_review": ""})
    one = Edited(bench)
    idn = f"{A_LABEL}.{bench.contract.lower()}.example.com"
    one.edit(subject_alternative_names=one.sans(one.api, one.old, idn))
    bench.push(network="production")
    read, sent = CpsClient.get_enrollment, []

    def otherwise(self: CpsClient, number: int) -> EnrollmentRecord:
        raw = read(self, number).raw
        return EnrollmentRecord.from_wire({**raw, "csr": SAME_THERE[case](raw["csr"])})

    def update(_self: CpsClient, _number: int, body: Any, **flags: Any) -> Any:
        sent.append((body["csr"], {name: value for name, value in flags.items() if value}))
        raise RemoteError("seen", code="seen")

    as_it_was = one.live()["csr"]
    monkeypatch.setattr(CpsClient, "get_enrollment", otherwise)
    monkeypatch.setattr(CpsClient, "update_enrollment", update)
    with pytest.raises(RemoteError):
        one.edit(force=True)
    assert sent == [(SAME_THERE[case](as_it_was), {"force_renewal": True})]
    sent.clear()
    with pytest.raises(RemoteError):
        one.edit(organization="Other GmbH")
    assert sent == [({**SAME_THERE[case](as_it_was), "o": "Other GmbH"}, {})]


@pytest.mark.parametrize("written", ["\r\n", "\n\n", " \n"], ids=["CRLF", "blank lines", "blanks at the end"])
def test_a_certificate_that_cps_shows_with_other_line_ends_is_the_same_one(
    edited: Edited, monkeypatch: pytest.MonkeyPatch, written: str
) -> None:
    """cps-protocol §5.4: PEM is compared by what it holds; pushing again does nothing."""
    call = Caller.call

    def rewritten(self: Caller, operation: Any) -> Answer:
        answer = call(self, operation)
        return Answer(answer.status, _with_line_ends(answer.value, written))

    monkeypatch.setattr(Caller, "call", rewritten)
    edited.fresh()
    pushed = edited.bench.plan_push(network="production")
    assert not pushed.changed and {method for method, _path in edited.bench.calls()} <= {"GET"}


def _with_line_ends(value: Any, ends: str) -> Any:
    if isinstance(value, str):
        return value.replace("\n", ends) if value.startswith("-----BEGIN") else value
    if isinstance(value, dict):
        return {name: _with_line_ends(entry, ends) for name, entry in value.items()}
    return [_with_line_ends(entry, ends) for entry in value] if isinstance(value, list) else value
