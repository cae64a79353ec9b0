# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Groups in the store: saved, kept, changed, refused, removed. No traffic."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timezone
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from ansible_collections.edgecert.clm.plugins.module_utils._clm import groups, policy, rules
from ansible_collections.edgecert.clm.plugins.module_utils._core.errors import InputError, NotFoundError, StateError
from ansible_collections.edgecert.clm.plugins.module_utils._core.governance import Group
from ansible_collections.edgecert.clm.plugins.module_utils._core.plan import Outcome, Plan
from ansible_collections.edgecert.clm.plugins.module_utils._core.types import Certificate, CertRequest, WorkOrder
from ansible_collections.edgecert.clm.tests.support.flow import Bench

NIGHT = {"name": "night", "weekdays": ["sun", "Mon"], "from": 1320, "until": "06:00", "time_zone": "Europe/Berlin"}
WEB: dict[str, Any] = {
    "description": "Web",
    "defaults": {"organizational_unit": " Web ", "key_type": "EC", "validity": {"count": "90"}},
    "allowed": {"dns": [r"~.*\.example\.com"], "key_type": "ec", "validity_days_max": 100},
    "approvals": {"enroll": 1, "distinct_approvers": True},
    "renewal_window": 20,
    "expiry_warning_days": 25,
    "freeze_windows": [NIGHT],
    "warnings": {"block": ["re:no such thing", "re:no such thing"]},
}


def planned(bench: Bench, **changes: Any) -> Plan:
    return groups.plan({"name": "web", "state": "present", **changes}, bench.ports)


def saved(bench: Bench, **changes: Any) -> dict[str, Any]:
    outcome = planned(bench, **changes).execute()
    assert outcome.record is not None
    return dict(outcome.record)


def stored(bench: Bench, name: str = "web") -> Group | None:
    with bench.store.read() as unit:
        return unit.groups.get(name)


def problems_of(bench: Bench, **changes: Any) -> list[str]:
    with pytest.raises(InputError) as caught:
        planned(bench, **changes)
    assert stored(bench) is None
    return list(caught.value.details["problems"])


def test_a_group_is_saved_once_kept_and_changed(bench: Bench) -> None:
    """G: everything that may be set is stored, and the same again is no change."""
    assert planned(bench, **WEB).changed and stored(bench) is None
    record = saved(bench, **WEB)
    assert record["defaults"] == {
        "organizational_unit": "Web",
        "key_type": "ec",
        "validity": {"count": 90, "unit": "days"},
    }
    assert record["allowed"] == {
        "subject_alternative_names.dns": [r"~.*\.example\.com"],
        "key_type": ["ec"],
        "validity_days_max": 100,
    }
    assert record["approvals"] == {**policy.APPROVALS, "enroll": 1}
    assert (record["renewal_window"], record["expiry_warning_days"]) == (20, 25)
    assert record["freeze_windows"][0]["from"] == "22:00"
    assert record["freeze_windows"][0]["weekdays"] == ["mon", "sun"]
    assert record["warnings"] == {"allow": [], "ask": [], "block": ["re:no such thing"]}
    assert not planned(bench, **WEB).changed and not planned(bench).changed
    plan = planned(bench, description="Shop", auto_approve=True)
    assert [step.sentence for step in plan.steps] == ["Change description, auto_approve of group web"]
    assert plan.before is not None and plan.before["description"] == "Web"
    changed = plan.execute().record
    assert changed is not None
    record.update(description="Shop", auto_approve=True)
    assert [name for name in record if changed[name] != record[name]] in ([], ["updated_at"])
    assert planned(bench, state="absent").execute().record is None
    assert not planned(bench, state="absent").changed
    assert bench.audit() == ["group_added", "group_changed", "group_removed"]


def test_the_audit_tells_what_a_policy_was_and_is(bench: Bench) -> None:
    """G: before and after of each change, and of the removal."""
    saved(bench, **WEB)
    saved(bench, approvals={"push": 3})
    planned(bench, state="absent").execute()
    with bench.store.read() as unit:
        added, changed, removed = (row.entry for row in unit.audit_rows(noun="group", key="web"))
    assert added.before is None and added.after is not None and added.after["approvals"]["push"] == 2
    assert changed.before == added.after
    assert changed.after is not None and changed.after["approvals"] == {**policy.APPROVALS, "enroll": 1, "push": 3}
    assert removed.before == changed.after and removed.after is None


def test_an_option_left_out_keeps_what_is_stored_and_an_empty_one_clears_it(bench: Bench) -> None:
    """G, style §6: so do the members of an option."""
    bench.ca()
    full = {**WEB, "ca_accounts": ["house"], "push_automatically": True}
    before = saved(bench, **full)
    nothing = {**dict.fromkeys(full), "approvals": {}, "warnings": {"allow": None, "ask": None, "block": None}}
    cleared = saved(bench, **{**nothing, "approvals": {"enroll": None, "push": None}})
    assert cleared["approvals"] == policy.APPROVALS and cleared["warnings"]["block"] == []
    for option in ("description", "defaults", "allowed", "ca_accounts", "freeze_windows", "push_automatically"):
        assert cleared[option] == before[option], option
    members = {"defaults": {"key_type": "", "organization": "Shop"}, "allowed": {"dns": [], "key_type": None}}
    partly = saved(bench, **members, approvals={"enroll": 2}, renewal_window=0)
    assert partly["defaults"] == {
        "organization": "Shop",
        "organizational_unit": "Web",
        "validity": {"count": 90, "unit": "days"},
    }
    assert partly["allowed"] == {"key_type": ["ec"], "validity_days_max": 100}
    assert partly["approvals"]["enroll"] == 2 and partly["renewal_window"] is None
    empty: dict[str, Any] = {"description": "", "defaults": {}, "allowed": {}, "ca_accounts": [], "freeze_windows": []}
    record = saved(bench, **empty, approvals={}, expiry_warning_days=0)
    assert {name: record[name] for name in empty} == empty
    assert record["expiry_warning_days"] == 0 and record["approvals"] == policy.APPROVALS


def test_the_default_group_exists_without_being_stored(bench: Bench) -> None:
    """G: shown, not stored; changed, it is stored; removed, never."""
    shown = planned(bench, name="default")
    assert not shown.changed and shown.after is not None and shown.after["approvals"] == policy.APPROVALS
    assert shown.execute().record is not None and stored(bench, "default") is None and bench.audit() == []
    plan = planned(bench, name="default", approvals={"push": 1})
    assert plan.before is not None and plan.before["approvals"]["push"] == 2
    plan.execute()
    assert not planned(bench, name="default", approvals={"push": 1}).changed
    assert bench.audit() == ["group_changed"]
    with bench.store.read() as unit:
        assert policy.group_of(unit, "").approvals == policy.group_of(unit, "default").approvals == {"push": 1}
    with pytest.raises(StateError, match="clear its options") as caught:
        planned(bench, name="default", state="absent")
    assert caught.value.code == "group_needed"


def test_a_group_is_looked_up_by_its_name(bench: Bench) -> None:
    """G, E1: one nobody knows is refused with those there are."""
    saved(bench, description="stored")
    with bench.store.read() as unit:
        assert policy.group_of(unit, "") == policy.group_of(unit, "default") == Group("default")
        assert policy.group_of(unit, " web ").description == "stored"
        with pytest.raises(NotFoundError, match="there is: default, web") as caught:
            policy.group_of(unit, "shop")
    assert caught.value.code == "group_missing"
    assert caught.value.details == {"group": "shop", "groups": ["default", "web"]}


def user(noun: str) -> Any:
    """Give a record of that noun that belongs to group web."""
    if noun == "certificates":
        return Certificate("cert-1", "enrolled", "www.example.com", group="web")
    if noun == "requests":
        return CertRequest("req-1", "cert-1", "enroll", "submitted", "house", "endpoint", group="web")
    return WorkOrder("wo-1", "cert-1", "app", "edge", "push", "staging", "scheduled", group="web")


@pytest.mark.parametrize("noun", ["certificates", "requests", "work_orders"])
def test_a_group_that_is_used_is_not_removed(bench: Bench, noun: str) -> None:
    """G: what hangs on it is named; also what came since it was planned."""
    saved(bench)
    plan = planned(bench, state="absent")
    record = user(noun)
    with bench.store.write() as unit:
        getattr(unit, noun).add(record)
    key = next(iter(vars(record).values()))
    for attempt in (plan.execute, lambda: planned(bench, state="absent")):
        with pytest.raises(StateError, match=key) as caught:
            attempt()
        assert caught.value.code == "group_needed" and caught.value.details == {noun: [key]}
    assert stored(bench) is not None


@pytest.mark.parametrize(("noun", "end"), [("requests", "issued"), ("work_orders", "rejected")])
def test_what_has_ended_keeps_no_group(bench: Bench, noun: str, end: str) -> None:
    """G."""
    saved(bench)
    with bench.store.write() as unit:
        getattr(unit, noun).add(replace(user(noun), state=end))
    assert planned(bench, state="absent").execute().record is None


BAD: list[tuple[dict[str, Any], list[str]]] = [
    ({"name": "  "}, ["is no name"]),
    ({"name": "a\tb"}, ["is no name"]),
    ({"defaults": {"colour": "red", "common_name": "x"}}, ["colour, common_name; known are organization"]),
    ({"allowed": {"colour": ["red"]}}, ["colour; known are common_name"]),
    ({"allowed": {"subject_alternative_names": {"rid": ["1"]}}}, ["subject_alternative_names.rid; known are"]),
    ({"defaults": {"country": False}}, ["defaults.country False is no text; put it in quotes"]),
    ({"defaults": {"country": "Germany"}}, ["defaults.country 'Germany'"]),
    ({"defaults": {"email": "nobody"}}, ["defaults.email 'nobody'"]),
    ({"defaults": {"key_type": "dsa"}}, ["defaults.key_type 'dsa' is none of rsa, ec"]),
    ({"defaults": {"key_size": "big"}}, ["defaults.key_size 'big' is not a whole number"]),
    ({"defaults": {"key_size": True}}, ["defaults.key_size True is not a whole number"]),
    ({"defaults": {"dual_stack": "maybe"}}, ["defaults.dual_stack 'maybe' is neither true nor false"]),
    ({"defaults": {"validity": 90}}, ["defaults.validity 90 is not of the form"]),
    ({"defaults": {"validity": {"count": 0}}}, ["defaults.validity: "]),
    ({"defaults": {"validity": {"count": 1, "unit": "eons"}}}, ["eons"]),
    ({"defaults": {"subject_alternative_names": ["a"]}}, ["defaults.subject_alternative_names ['a'] is not"]),
    ({"defaults": {"organization": ["a"]}}, ["defaults.organization ['a'] is no text"]),
    ({"allowed": {"common_name": ["~("]}}, ["allowed.common_name '~(' is not a regular expression"]),
    ({"allowed": {"organization": ["~a{99999999999}"]}}, ["is not a regular expression"]),
    ({"allowed": {"key_size": ["~2.*"]}}, ["allowed.key_size '~2.*' is a pattern"]),
    ({"allowed": {"hash": ["md5"]}}, ["allowed.hash 'md5' is none of sha256"]),
    ({"allowed": {"validity_days_max": 0}}, ["allowed.validity_days_max 0 is not a whole number from 1"]),
    ({"allowed": {"validity_days_max": [90]}}, ["allowed.validity_days_max [90] is not"]),
    ({"ca_accounts": ["nowhere"]}, ["ca_accounts nowhere not in the store; there is none yet"]),
    ({"approvals": {"enroll": 6}}, ["approvals.enroll 6 is not one of 0 to 5"]),
    ({"approvals": {"push": -1}}, ["approvals.push -1 is not one of 0 to 5"]),
    ({"approvals": {"valid_hours": 2161}}, ["approvals.valid_hours 2161 is not one of 1 to 2160"]),
    ({"approvals": {"valid_hours": 0}}, ["approvals.valid_hours 0 is not one of 1 to 2160"]),
    ({"renewal_window": 121}, ["renewal_window 121 is not one of 1 to 120"]),
    ({"renewal_window": -1}, ["renewal_window -1 is not one of 1 to 120"]),
    ({"expiry_warning_days": 401}, ["expiry_warning_days 401 is not one of 0 to 400"]),
    ({"revocation_checks": {"every_hours": 721}}, ["revocation_checks.every_hours 721 is not one of 0 to 720"]),
    ({"revocation_checks": {"every_hours": -1}}, ["revocation_checks.every_hours -1 is not one of 0 to 720"]),
    ({"revocation_checks": {"proxy": "socks5://p"}}, ["revocation_checks.proxy: it does not begin with http"]),
    ({"revocation_checks": {"proxy": "http://a:b@p.example.com"}}, ["revocation_checks.proxy: it bears a user name"]),
    ({"warnings": {"allow": ["no-such-id"]}}, ["warnings.allow: 'no-such-id'"]),
    ({"freeze_windows": [{"name": "x"}]}, ["freeze_windows[1] (x): it needs either"]),
]


@pytest.mark.parametrize(("changes", "words"), BAD, ids=[str(b[0])[:50] for b in BAD])
def test_a_policy_that_cannot_be_is_refused(bench: Bench, changes: dict[str, Any], words: list[str]) -> None:
    """G: with what is wrong and what there is."""
    (problem,) = problems_of(bench, **changes)
    assert all(word in problem for word in words), problem


def test_everything_wrong_is_said_at_once(bench: Bench) -> None:
    """G: fifteen mistakes, one answer."""
    bench.ca()
    found = problems_of(
        bench,
        defaults={"colour": "red", "key_type": "dsa"},
        allowed={"size": [1], "common_name": ["~["], "hash": ["md5", "sha1"]},
        ca_accounts=["house", "nowhere"],
        approvals={"enroll": 9, "push": 9},
        renewal_window=500,
        expiry_warning_days=500,
        freeze_windows=[{"name": "w", "weekdays": ["xxx"], "from": "1", "until": "2"}],
        warnings={"ask": ["?"]},
    )
    assert len(found) == 15
    assert any("there is house" in problem for problem in found)


CONTRADICTIONS: list[tuple[dict[str, Any], dict[str, Any], str]] = [
    ({"key_type": "rsa"}, {"key_type": ["ec"]}, "defaults.key_type rsa is not among allowed.key_type, ec"),
    ({"dual_stack": True}, {"dual_stack": [False]}, "defaults.dual_stack true is not among allowed.dual_stack, false"),
    ({"key_size": 2048}, {"key_size": [3072, "4096"]}, "defaults.key_size 2048 is not among"),
    ({"validity": {"count": 91}}, {"validity_days_max": 90}, "defaults.validity 91 days is more than"),
    (
        {"validity": {"count": 3, "unit": "months"}},
        {"validity_days_max": 91},
        "defaults.validity 3 months (up to 92 days) is more than",
    ),
    (
        {"subject_alternative_names": {"dns": ["a.example.org", "a.example.com"]}},
        {"dns": [r"~.*\.com"]},
        "defaults.subject_alternative_names.dns a.example.org is not among",
    ),
]


@pytest.mark.parametrize(("defaults", "allowed", "words"), CONTRADICTIONS, ids=[c[2][:40] for c in CONTRADICTIONS])
def test_a_default_that_is_not_allowed_is_refused_when_saved(
    bench: Bench, defaults: dict[str, Any], allowed: dict[str, Any], words: str
) -> None:
    """G: whichever of the two comes second."""
    (problem,) = problems_of(bench, defaults=defaults, allowed=allowed)
    assert words in problem
    saved(bench, defaults=defaults)
    with pytest.raises(InputError, match="defaults"):
        planned(bench, allowed=allowed)


def test_what_is_allowed_but_hardly_meant_is_said(bench: Bench) -> None:
    """G, W2."""
    alone = {"distinct_approvers": False, "requester_may_approve": True}
    plan = planned(bench, approvals={**alone, "enroll": 2})
    assert "enroll and push can all be given by whoever asks" in plan.extra["warnings_found"][0]
    assert plan.execute().extra == plan.extra
    assert planned(bench, approvals={"enroll": 0, "push": 0}).extra["warnings_found"] == []
    (note,) = planned(bench, approvals={"enroll": 0, "distinct_approvers": True}, auto_approve=True).extra[
        "warnings_found"
    ]
    assert note.startswith("auto_approve gives the approvals for push")


def test_changing_a_policy_changes_no_request_submitted_before(bench: Bench) -> None:
    """G: a request keeps the part of the policy that held for it when it was submitted."""
    saved(bench, **WEB)
    with bench.store.write() as unit:
        kept = policy.snapshot(policy.group_of(unit, "web"), "enroll")
        unit.requests.add(replace(user("requests"), policy=kept))
    saved(bench, approvals={"enroll": 5, "requester_may_approve": True, "valid_hours": 1}, auto_approve=True)
    with bench.store.read() as unit:
        request = unit.requests.get("req-1")
        now = policy.snapshot(policy.group_of(unit, "web"), "enroll")
    assert request is not None and request.policy == kept
    assert (kept["levels"], kept["requester_may_approve"], kept["valid_hours"]) == (1, False, 168)
    assert not kept["auto_approve"]
    assert (now["levels"], now["requester_may_approve"], now["valid_hours"], now["auto_approve"]) == (5, True, 1, True)


def test_a_record_says_whether_it_is_frozen_and_until_when(bench: Bench) -> None:
    """W2: at this moment, for each kind of implementation."""
    now = bench.clock.now()
    window = {"name": "now", "starts_at": f"{now.year}-01-01T00:00:00Z", "ends_at": f"{now.year + 2}-01-01T00:00:00Z"}
    coming = {"name": "coming", "starts_at": f"{now.year + 3}-01-01", "ends_at": f"{now.year + 3}-01-02"}
    record = saved(bench, freeze_windows=[{**window, "networks": ["production"]}, coming])
    enrolment, staging, production = record["freeze"]
    assert (enrolment["kind"], enrolment["is_frozen"], enrolment["next_start_at"]) == ("enroll", False, None)
    start = f"{now.year + 3}-01-01T00:00:00Z"
    assert (staging["is_frozen"], staging["until"], staging["next_start_at"]) == (False, None, start)
    assert (production["is_frozen"], production["window"]) == (True, "now")
    assert (production["until"], production["next_start_at"]) == (f"{now.year + 2}-01-01T00:00:00Z", start)


def test_the_order_of_what_is_a_set_is_no_change(bench: Bench) -> None:
    """Style §6: windows, CA accounts and warnings."""
    bench.ca()
    bench.ca(name="other")
    days = {"name": "days", "starts_at": "2030-01-01", "ends_at": "2030-01-02"}
    sets = {"ca_accounts": ["other", "house"], "freeze_windows": [NIGHT, days], "warnings": {"ask": ["re:a", "re:b"]}}
    saved(bench, **sets)
    turned: dict[str, Any] = {
        "ca_accounts": ["house", "other"],
        "freeze_windows": [days, NIGHT],
        "warnings": {"ask": ["re:b", "re:a"]},
    }
    assert not planned(bench, **turned).changed


ANY = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.text(max_size=8),
    st.lists(st.text(max_size=5), max_size=2),
    st.dictionaries(st.text(max_size=4), st.text(max_size=4), max_size=2),
)


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    defaults=st.dictionaries(st.sampled_from([*rules.DEFAULTS, "colour"]), ANY, max_size=4),
    allowed=st.dictionaries(st.sampled_from([*rules.ALLOWED, "dns", "subject_alternative_names"]), ANY, max_size=4),
)
@example(defaults={"organization": "\r"}, allowed={})
def test_whatever_is_typed_is_saved_or_refused(bench: Bench, defaults: dict[str, Any], allowed: dict[str, Any]) -> None:
    """G: no input makes a traceback, and what is taken can be taken again without a change."""
    name = "any"
    try:
        plan = groups.plan({"name": name, "state": "present", "defaults": defaults, "allowed": allowed}, bench.ports)
    except InputError as exc:
        assert exc.details["problems"]
        return
    outcome: Outcome = plan.execute()
    assert outcome.record is not None
    again = {key: outcome.record[key] for key in ("defaults", "allowed")}
    assert not groups.plan({"name": name, "state": "present", **again}, bench.ports).changed
    if plan.changed:
        groups.plan({"name": name, "state": "absent"}, bench.ports).execute()


def test_the_moment_of_a_change_is_kept(bench: Bench) -> None:
    """G."""
    record = saved(bench)
    assert record["created_at"] == record["updated_at"]
    bench.advance(60)
    changed = saved(bench, description="Later")
    assert changed["created_at"] == record["created_at"] < changed["updated_at"]
    assert datetime.fromisoformat(changed["updated_at"][:-1]).replace(tzinfo=timezone.utc) <= bench.clock.now()
