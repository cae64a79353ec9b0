# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Approvals as tables: who may give one, from when to when it counts, and what it is bound to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest

from ansible_collections.edgecert.clm.plugins.module_utils._clm import approvals, form, requests
from ansible_collections.edgecert.clm.plugins.module_utils._core.clock import to_text
from ansible_collections.edgecert.clm.plugins.module_utils._core.errors import ClmError, InputError, StateError
from ansible_collections.edgecert.clm.plugins.module_utils._core.types import CaAccount, CertRequest, WorkOrder

NOW = datetime(2030, 1, 7, 8, tzinfo=timezone.utc)
HOUR, SECOND = timedelta(hours=1), timedelta(seconds=1)
PARTS: dict[str, Any] = {
    "fingerprints": {"RSA": "ab"},
    "chain": "c1",
    "network": "staging",
    "place": {"enrollment_id": 1, "change_id": 2},
    "warnings": "w1",
    "settings": "s1",
    "scripts": "p1",
    "validation_hash": "v1",
}


def order(**changes: Any) -> WorkOrder:
    """Give an order of tester's, of two levels that hold for ten hours."""
    policy = {"group": "web", "levels": 2, "distinct_approvers": True, "requester_may_approve": False}
    made = WorkOrder("wo-1", "www", "app", "edge", "push", "staging", "submitted", actor="tester")
    return replace(made, policy={**policy, "valid_hours": 10, **changes.pop("policy", {})}, **changes)


def approved(record: WorkOrder, actor: str, *, at: datetime | None = None, now: datetime = NOW) -> WorkOrder:
    """Give the record with one more approval."""
    entry = approvals.given(record, actor=actor, at=at, comment="", parts=PARTS, now=now)
    return replace(record, approvals=(*record.approvals, entry))


def approved_by(record: WorkOrder, actors: Sequence[str]) -> WorkOrder:
    """Give the record with an approval of each."""
    for actor in actors:
        record = approved(record, actor)
    return record


# -- how many, and who ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("levels", range(6))
def test_every_level_has_to_be_approved_and_no_more(levels: int) -> None:
    """W2: none to five levels; one more is refused."""
    record = order(policy={"levels": levels})
    for number in range(levels):
        assert not approvals.is_complete(record, NOW)
        assert f"approval {number + 1} of {levels}" in approvals.missing(record, NOW)
        record = approved(record, f"person-{number}")
    assert approvals.is_complete(record, NOW) and approvals.missing(record, NOW) == ""
    with pytest.raises(StateError) as caught:
        approved(record, "one-more")
    assert caught.value.code == "wrong_state"
    assert [entry["level"] for entry in record.approvals] == list(range(1, levels + 1))


@pytest.mark.parametrize("levels", [1, 5])
def test_a_policy_that_approves_by_itself_asks_nobody(levels: int) -> None:
    """G: automatic approval goes before any number of levels."""
    assert approvals.levels(order(policy={"levels": levels, "auto_approve": True})) == 0


PEOPLE = [
    # distinct, requester may, who approves, code of the last one's refusal
    (True, False, ["bob", "carol"], ""),
    (True, False, ["bob", "bob"], "approved_twice"),
    (True, False, ["tester"], "own_request"),
    (True, False, ["bob", "tester"], "own_request"),
    (True, True, ["tester", "bob"], ""),
    (True, True, ["bob", "tester"], ""),
    (True, True, ["tester", "tester"], "approved_twice"),
    (False, False, ["bob", "bob"], ""),
    (False, False, ["bob", "tester"], "own_request"),
    (False, True, ["tester", "tester"], ""),
]


@pytest.mark.parametrize(("distinct", "own", "people", "code"), PEOPLE)
def test_who_may_approve_is_the_policys_word(distinct: bool, own: bool, people: list[str], code: str) -> None:
    """W2: approvers differ, and the requester is none of them, unless the group says otherwise."""
    record = order(policy={"distinct_approvers": distinct, "requester_may_approve": own})
    *first, last = people
    record = approved_by(record, first)
    assert (last in approvals.barred(record)) == bool(code)
    if not code:
        assert approvals.is_complete(approved(record, last), NOW)
        return
    with pytest.raises(ClmError) as caught:
        approved(record, last)
    assert caught.value.code == code and last in caught.value.message and "web" in caught.value.message


# -- from when, until when -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("after", "holds"), [(10 * HOUR - SECOND, True), (10 * HOUR, False), (10 * HOUR + SECOND, False)]
)
def test_an_approval_holds_until_it_expires_and_not_a_second_longer(after: timedelta, holds: bool) -> None:
    """Design §5: before, at and after the moment."""
    record = approved_by(order(), ["bob", "carol"])
    assert approvals.expires_at(record) == NOW + 10 * HOUR
    assert (approvals.why_unusable(record, PARTS, NOW + after) is None) == holds
    assert bool(approvals.without_expired(record, NOW + after).approvals) == holds
    if not holds:
        told = approvals.why_unusable(record, PARTS, NOW + after)
        assert told is not None and told[0] == "approval_expired" and "bob" in told[1]


def test_with_the_first_approval_that_expires_all_are_gone() -> None:
    """Design §5: two people never approved it at one time."""
    record = approved(approved(order(), "bob"), "carol", now=NOW + 9 * HOUR)
    assert approvals.expires_at(record) == NOW + 10 * HOUR
    assert approvals.without_expired(record, NOW + 11 * HOUR).approvals == ()


def test_an_approval_for_a_later_time_counts_from_then_on_and_expires_later_too() -> None:
    """W2: approval scheduling."""
    record = approved(approved(order(), "bob"), "carol", at=NOW + 3 * HOUR)
    assert not approvals.is_complete(record, NOW + 3 * HOUR - SECOND)
    assert f"approved by carol from {to_text(NOW + 3 * HOUR)} on" in approvals.missing(record, NOW)
    assert approvals.is_complete(record, NOW + 3 * HOUR)
    assert record.approvals[1]["expires_at"] == to_text(NOW + 13 * HOUR)
    with pytest.raises(InputError) as caught:
        approved(order(), "bob", at=NOW - SECOND)
    assert caught.value.code == "time_passed"


@pytest.mark.parametrize(
    ("at", "code"), [(9 * HOUR, ""), (10 * HOUR, "approval_expires"), (11 * HOUR, "approval_expires")]
)
def test_nothing_is_scheduled_for_when_its_approvals_have_expired(at: timedelta, code: str) -> None:
    """W4: said when it is scheduled, not when it should have been done."""
    record = approved_by(order(), ["bob", "carol"])
    if not code:
        approvals.check_schedule(record, NOW + at, NOW)
        return
    with pytest.raises(InputError) as caught:
        approvals.check_schedule(record, NOW + at, NOW)
    assert caught.value.code == code and to_text(NOW + 10 * HOUR) in caught.value.message


@pytest.mark.parametrize(
    ("at", "code"), [(9 * HOUR, ""), (10 * HOUR, "approval_too_early"), (20 * HOUR, "approval_too_early")]
)
def test_an_approval_that_would_expire_before_the_schedule_is_not_given(at: timedelta, code: str) -> None:
    """W4: the other way round, with the time from which it may be given."""
    record = order(scheduled_at=NOW + at)
    if not code:
        assert approved(record, "bob").approvals
        return
    with pytest.raises(InputError) as caught:
        approved(record, "bob")
    assert caught.value.code == code
    allowed = NOW + at - 10 * HOUR + SECOND
    assert to_text(allowed) in caught.value.message
    assert approved(record, "bob", at=allowed).approvals


# -- what it is bound to -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", list(PARTS))
def test_each_part_that_changes_voids_the_approval_and_is_named(name: str) -> None:
    """Design §5: approval bound to what deploys."""
    record = approved(order(), "bob")
    for present in ({**PARTS, name: "another"}, {**PARTS, name: None}, {n: v for n, v in PARTS.items() if n != name}):
        told = approvals.why_unusable(record, present, NOW)
        assert told is not None and told[0] == "approval_void"
        assert told[1].startswith(f"{approvals._CALLED[name]} changed since bob approved it")
    assert approvals.why_unusable(record, PARTS, NOW) is None


def test_what_nobody_knew_when_it_was_approved_binds_nothing() -> None:
    """Design §5: a validation result comes after the upload."""
    record = order()
    entry = approvals.given(record, actor="bob", at=None, comment="", parts={**PARTS, "validation_hash": None}, now=NOW)
    assert approvals.why_unusable(replace(record, approvals=(entry,)), PARTS, NOW) is None


def test_every_part_has_a_name_for_people_and_changes_the_digest() -> None:
    """Design §5: all parts are in the digest, and the order of keys is not."""
    digests = {approvals.given(order(), actor="bob", at=None, comment="", parts=PARTS, now=NOW)["digest"]}
    for name in PARTS:
        assert name in approvals._CALLED
        parts = {**PARTS, name: "another"}
        digests.add(approvals.given(order(), actor="bob", at=None, comment="", parts=parts, now=NOW)["digest"])
    assert len(digests) == len(PARTS) + 1
    assert approvals.sha256(PARTS) == approvals.sha256(dict(reversed(list(PARTS.items()))))


def request() -> CertRequest:
    """Give a request with a bit of everything in its wish."""
    wish: dict[str, dict[str, Any]] = {name: {"a": 1} for name in form.METADATA}
    wish |= {"common_name": {"cn": "www"}, "validity": {"count": 47}, "settings": {"change_management": True}}
    return CertRequest("req-1", "www", "enroll", "submitted", "house", "endpoint", wish=wish, ca_options={"x": 1})


ACCOUNT = CaAccount("house", "own_ca", {"max_validity_days": 90})


@pytest.mark.parametrize("name", sorted(request().wish))
def test_metadata_voids_no_approval_of_a_request_and_all_else_does(name: str) -> None:
    """E24: what is in no CSR and no order may change; the lists of warnings decide what is acknowledged."""
    before = requests.parts(request(), ACCOUNT)
    after = requests.parts(replace(request(), wish={**request().wish, name: {"b": 2}}), ACCOUNT)
    is_free = name in form.METADATA and name != "warnings"
    assert (before == after) == is_free
    if not is_free:
        [named] = approvals.changes(before, after)
        assert named == ("the lists of warnings" if name == "warnings" else "what is asked for")


@pytest.mark.parametrize(
    ("changed", "account", "named"),
    [
        ({"action": "regenerate"}, ACCOUNT, "the action"),
        ({"ca_options": {"x": 2}}, ACCOUNT, "the options for the CA"),
        ({}, replace(ACCOUNT, name="other"), "the CA account"),
        ({}, replace(ACCOUNT, type="other_ca"), "the CA account"),
        ({}, replace(ACCOUNT, options={"max_validity_days": 398}), "the CA account"),
    ],
)
def test_another_ca_or_another_order_to_it_voids_the_approval_of_a_request(
    changed: dict[str, Any], account: CaAccount, named: str
) -> None:
    """E24: an approver approved who signs, and what for."""
    before = requests.parts(request(), ACCOUNT)
    assert approvals.changes(before, requests.parts(replace(request(), **changed), account)) == [named]
