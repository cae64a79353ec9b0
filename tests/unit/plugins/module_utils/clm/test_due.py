# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is due and when the next thing will be, worked out from stored records alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from ansible_collections.edgecert.clm.plugins.module_utils._clm import due
from ansible_collections.edgecert.clm.plugins.module_utils._core.clock import to_text
from ansible_collections.edgecert.clm.plugins.module_utils._core.governance import Group
from ansible_collections.edgecert.clm.plugins.module_utils._core.types import (
    Certificate,
    CertRequest,
    Connector,
    WorkOrder,
)
from ansible_collections.edgecert.clm.plugins.module_utils._store import codec, repository
from ansible_collections.edgecert.clm.tests.support.virtual_bench import START, VirtualBench

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
ON = {"enabled": True}
FREE = {"group": "default", "levels": 0}
TWO = {"group": "default", "levels": 2}


def certificate(name: str, ends: timedelta = 60 * DAY, **changes: Any) -> Certificate:
    """Give an issued certificate that was born 30 days ago."""
    made = Certificate(name, "enrolled", name, state="issued", fingerprint=f"{name}-now", device="edge")
    born, request_id = START - 30 * DAY, f"req-{name}-first"
    return replace(made, **{"request_id": request_id, "not_before": born, "not_after": START + ends, **changes})


def request(name: str, state: str, **changes: Any) -> CertRequest:
    """Give a request."""
    made = CertRequest(f"req-{name}-{state}", name, "enroll", state, "house", "endpoint", policy=FREE)
    return replace(made, **changes)


def order(name: str, state: str, **changes: Any) -> WorkOrder:
    """Give a work order."""
    return replace(WorkOrder(f"wo-{name}", name, "app", "edge", "push", "staging", state, policy=FREE), **changes)


def approval(at: datetime, hours: float = 24) -> dict[str, Any]:
    """Give an approval that counts from then on."""
    times = {"at": to_text(START - HOUR), "effective_at": to_text(at), "expires_at": to_text(at + hours * HOUR)}
    return {"level": 1, "actor": "bob", "digest": "", "binds": {}, "comment": "", **times}


def renewed(bench: VirtualBench, **changes: Any) -> None:
    """Store a renewed certificate that waits for its automatic push."""
    name = "renewed"
    first = request(name, "issued", request_id=f"req-{name}-first", fingerprints={"ECDSA": f"{name}-now"})
    connector = Connector(name, "app", devices=("edge",), push_automatically=True)
    store(bench, certificate(name, **{"parent": f"{name}~old", **changes}), first, connector)


def store(bench: VirtualBench, *records: Any) -> None:
    """Store records of any kind."""
    kinds = {Certificate: "certificates", CertRequest: "requests", WorkOrder: "work_orders", Connector: "connectors"}
    with bench.store.write() as unit:
        for record in records:
            getattr(unit, kinds[type(record)]).add(record)


def groups(bench: VirtualBench, **changes: Any) -> None:
    """Store the group, which lets renewed certificates be pushed."""
    with bench.store.write() as unit:
        unit.groups.add(Group("default", push_automatically=True, **changes))


def agenda(bench: VirtualBench, only: Sequence[str] = due.KINDS, now: datetime = START) -> due.Agenda:
    """Work out what is due."""
    with bench.store.read() as unit:
        return due.collect(unit, now, only)


def everything(bench: VirtualBench) -> None:
    """Store one thing of every kind that is due."""
    groups(bench)
    counted = {"policy": {**FREE, "levels": 1}, "approvals": (approval(START),)}
    store(
        bench,
        order("approved-later", "submitted", **counted),
        request("scheduled", "scheduled", scheduled_at=START),
        request("ordered", "retrieval_in_progress", next_look_at=START),
        order("pushing", "implementing"),
        certificate("old", 10 * DAY, auto_renew=ON),
    )
    renewed(bench)


KINDS = {
    "approvals": ("work_order", "wo-approved-later"),
    "implementations": ("request", "req-scheduled-scheduled"),
    "retrievals": ("request", "req-ordered-retrieval_in_progress"),
    "pushes": ("work_order", "wo-pushing"),
    "renewals": ("certificate", "old"),
    "automatic_pushes": ("connector", "renewed/app"),
}


def test_each_kind_of_work_is_found_and_can_be_asked_for_alone(virtual: VirtualBench) -> None:
    """W4."""
    everything(virtual)
    assert {item.kind: (item.noun, item.key) for item in agenda(virtual).items} == KINDS
    assert {*KINDS, due.LEASES, due.REVOCATION_CHECKS} == set(due.KINDS)
    for kind, wanted in KINDS.items():
        [item] = agenda(virtual, [kind]).items
        assert (item.kind, item.noun, item.key) == (kind, *wanted)
    assert agenda(virtual, [due.LEASES]).items == []


def test_what_ends_next_comes_first_and_what_nobody_knows_last(virtual: VirtualBench) -> None:
    """W4: by what clients see, which may end before the newest certificate."""
    served = {"not_after": to_text(START + 3 * DAY), "fingerprint": "old"}
    ends = {"late": 50, "soon": 5, "served": 80, "middle": 20}
    for name, days in ends.items():
        production = served if name == "served" else {}
        store(virtual, certificate(name, days * DAY, production=production), order(name, "implementing"))
    store(virtual, order("unknown", "implementing"))
    found = [item.certificate_id for item in agenda(virtual).items]
    assert found == ["served", "soon", "middle", "late", "unknown"]


NEXT: list[tuple[str, Any, Any]] = [
    # what, record, when it is due: None for never by itself
    ("a draft", request("www", "draft"), None),
    ("what waits for a first approval", order("www", "submitted", policy=TWO), None),
    (
        "an approval of two, until it expires",
        order("www", "review_in_progress", policy=TWO, approvals=(approval(START, 5),)),
        5 * HOUR,
    ),
    (
        "an approval given for later",
        order("www", "submitted", policy={**TWO, "levels": 1}, approvals=(approval(START + 2 * HOUR),)),
        2 * HOUR,
    ),
    ("a schedule", request("www", "scheduled", scheduled_at=START + 3 * HOUR), 3 * HOUR),
    ("what somebody has to implement", request("www", "approved", manual_implementation=True), None),
    (
        "the same, until its approval expires",
        request("www", "approved", manual_implementation=True, approvals=(approval(START, 7),)),
        7 * HOUR,
    ),
    ("what is approved", request("www", "approved"), timedelta()),
    ("what was looked at", request("www", "implementing", next_look_at=START + HOUR), HOUR),
    ("what was never looked at", order("www", "deploying_staging"), timedelta()),
    ("a decision that is missing", order("www", "needs_decision", next_look_at=START + HOUR), HOUR),
    ("what has ended", order("www", "completed"), None),
    ("a failure", request("www", "failed"), None),
]


@pytest.mark.parametrize(("record", "after"), [entry[1:] for entry in NEXT], ids=[entry[0] for entry in NEXT])
def test_a_record_is_due_when_time_or_somebody_else_is(
    virtual: VirtualBench, record: CertRequest | WorkOrder, after: timedelta | None
) -> None:
    """W4: next_due_at is right for each state; what hangs on a person has no time."""
    store(virtual, record)
    found = agenda(virtual)
    if after is None:
        assert (found.items, found.next_at) == ([], None)
    elif after:
        assert (found.items, found.next_at) == ([], START + after)
        assert len(agenda(virtual, now=START + after).items) == 1
        assert agenda(virtual, now=START + after - timedelta(seconds=1)).items == []
    else:
        assert len(found.items) == 1 and found.next_at is None


def test_the_next_time_is_the_earliest_of_all(virtual: VirtualBench) -> None:
    """W4: among renewals to come and records that wait."""
    store(virtual, certificate("www", 60 * DAY, auto_renew={"enabled": True, "days_before": 20}))
    assert agenda(virtual).next_at == START + 40 * DAY
    store(virtual, request("other", "implementing", next_look_at=START + 2 * HOUR))
    assert agenda(virtual).next_at == START + 2 * HOUR
    assert agenda(virtual, [due.RENEWALS]).next_at == START + 40 * DAY


# -- renewals ------------------------------------------------------------------------------------------------------


def failed_before(bench: VirtualBench, times: int, state: str = "failed") -> datetime:
    """Store a certificate that is due and whose renewal came to nothing so often; gives when it did last."""
    last = START - 2 * DAY + times * HOUR
    earlier = [
        request(
            "www",
            state,
            request_id=f"req-{number}",
            renews={"request_id": "req-www-first"},
            updated_at=last - (times - number - 1) * HOUR,
            message="the CA is away",
        )
        for number in range(times)
    ]
    store(bench, certificate("www", 10 * DAY, auto_renew=ON), *earlier)
    return last


@pytest.mark.parametrize(("times", "hours"), [(1, 1), (2, 2), (3, 4), (4, 8)])
def test_a_renewal_that_failed_is_tried_again_later_and_later(virtual: VirtualBench, times: int, hours: int) -> None:
    """E3, W4: an hour after the last failure, then twice as long each time."""
    at = failed_before(virtual, times) + hours * HOUR
    assert agenda(virtual, now=at - timedelta(seconds=1)).next_at == at
    [item] = agenda(virtual, now=at).items
    assert (item.kind, item.due_at) == (due.RENEWALS, at)


def test_after_five_failures_a_person_has_to_look(virtual: VirtualBench) -> None:
    """E3: an order may cost money each time; it is told, with why and what to do."""
    failed_before(virtual, due.MOST_FAILURES)
    found = agenda(virtual)
    assert (found.items, found.next_at) == ([], None)
    [told] = found.stuck
    assert (told["certificate"], told["reason"], told["request_id"]) == ("www", "renewal_stopped", "req-4")
    assert "failed 5 times, the last time with: the CA is away" in told["message"] and "renew" in told["message"]


@pytest.mark.parametrize("state", ["rejected", "cancelled"])
def test_a_renewal_that_a_person_stopped_is_not_tried_again_by_itself(virtual: VirtualBench, state: str) -> None:
    """E3, W5."""
    failed_before(virtual, 1, state)
    found = agenda(virtual)
    assert found.items == [] and f"was {state}" in found.stuck[0]["message"]


def cancelled_after(virtual: VirtualBench, *types: str, reason: str = "ca_rejected") -> datetime:
    """Have a renewal that came to an end by these steps, a day apart; gives when the first was."""
    at = START - 10 * DAY
    steps = tuple(
        {"type": name, "at": to_text(at + number * DAY), "actor": "bob", "comment": f"why {name}"}
        for number, name in enumerate(types)
    )
    parent = {"request_id": "req-www-first"}
    changes = {"renews": parent, "updated_at": START, "conditions": steps, "reason": reason, "message": "tidied up"}
    store(virtual, certificate("www", 10 * DAY, auto_renew=ON), request("www", types[-1], **changes))
    return at


def test_what_failed_and_was_cancelled_then_counts_as_failed_from_when_it_did(virtual: VirtualBench) -> None:
    """E3, W4: a step that is no state stands between."""
    at = cancelled_after(virtual, "failed", "freeze_overridden", "cancelled")
    [item] = agenda(virtual).items
    assert (item.kind, item.due_at) == (due.RENEWALS, at + HOUR)


def test_what_was_taken_up_again_and_cancelled_then_is_stopped(virtual: VirtualBench) -> None:
    """E3, W5: whoever cancels what is under way stops it."""
    cancelled_after(virtual, "failed", "approved", "implementing", "cancelled")
    found = agenda(virtual)
    assert found.items == [] and "was cancelled" in found.stuck[0]["message"]


def test_a_certificate_that_cannot_be_used_is_not_ordered_again_once_its_request_is_cancelled(
    virtual: VirtualBench,
) -> None:
    """E3: it is paid for; what is told is what was wrong with it."""
    cancelled_after(virtual, "failed", "cancelled", reason="certificate_unusable")
    found = agenda(virtual)
    assert found.items == [] and found.stuck[0]["message"].startswith(
        "its renewal failed with a certificate that was issued and cannot be used: why failed"
    )


def test_what_came_of_the_renewal_before_counts_no_more(virtual: VirtualBench) -> None:
    """E3: each certificate has its own failures."""
    other = request("www", "failed", renews={"request_id": "req-of-the-parent"}, updated_at=START)
    store(virtual, certificate("www", 10 * DAY, auto_renew=ON), other)
    assert [item.kind for item in agenda(virtual).items] == [due.RENEWALS]


@pytest.mark.parametrize("state", ["submitted", "approved", "implementing", "retrieval_in_progress"])
def test_a_certificate_with_an_open_request_is_not_renewed_beside_it(virtual: VirtualBench, state: str) -> None:
    """E3."""
    store(virtual, certificate("www", 10 * DAY, auto_renew=ON), request("www", state, policy={**FREE, "levels": 1}))
    assert agenda(virtual, [due.RENEWALS]).items == []


def test_a_draft_in_the_way_of_a_renewal_is_told(virtual: VirtualBench) -> None:
    """E3: else the certificate would end in silence."""
    store(virtual, certificate("www", 10 * DAY, auto_renew=ON), request("www", "draft"))
    [told] = agenda(virtual).stuck
    assert (told["reason"], told["request_id"]) == ("draft_in_the_way", "req-www-draft")


# -- automatic pushes ----------------------------------------------------------------------------------------------


def push_is_due(bench: VirtualBench) -> bool:
    return [item.kind for item in agenda(bench, [due.AUTOMATIC_PUSHES]).items] == [due.AUTOMATIC_PUSHES]


@pytest.mark.parametrize(
    ("changes", "is_due"),
    [
        ({}, True),
        ({"parent": ""}, False),
        ({"state": "vanished"}, False),
        ({"staging": {"fingerprint": "renewed-now"}}, False),
        ({"production": {"fingerprint": "renewed-now"}}, False),
        ({"staging": {"fingerprint": "renewed-before"}}, True),
        ({"device": "other"}, False),
        ({"group": "elsewhere"}, False),
    ],
)
def test_a_certificate_is_pushed_by_itself_only_when_all_is_right(
    virtual: VirtualBench, changes: dict[str, Any], is_due: bool
) -> None:
    """A5: renewed, issued, not served yet, its key where the application connector goes, its group allowing it."""
    groups(virtual)
    renewed(virtual, **changes)
    assert push_is_due(virtual) == is_due


@pytest.mark.parametrize(("connector", "group"), [(True, False), (False, True), (False, False)])
def test_application_connector_and_group_both_have_to_allow_it(
    virtual: VirtualBench, connector: bool, group: bool
) -> None:
    """A5."""
    with virtual.store.write() as unit:
        unit.groups.add(Group("default", push_automatically=group))
    renewed(virtual)
    with virtual.store.write() as unit:
        stored = unit.connectors.get("renewed", "app")
        assert stored is not None
        unit.connectors.put(replace(stored, push_automatically=connector))
    assert not push_is_due(virtual)


@pytest.mark.parametrize("state", ["failed", "cancelled", "rejected", "completed", "implementing"])
def test_whatever_came_of_a_push_it_is_not_begun_again_by_itself(virtual: VirtualBench, state: str) -> None:
    """A5: once for each certificate; a person decides about another one."""
    groups(virtual)
    renewed(virtual)
    store(virtual, order("renewed", state, fingerprints={"ECDSA": "renewed-now"}))
    assert not push_is_due(virtual)


def test_a_push_of_the_certificate_before_is_no_push_of_this_one(virtual: VirtualBench) -> None:
    """A5."""
    groups(virtual)
    renewed(virtual)
    store(virtual, order("renewed", "completed", fingerprints={"ECDSA": "renewed-before"}))
    assert push_is_due(virtual)


# -- what it costs -------------------------------------------------------------------------------------------------


def test_what_is_superseded_and_ended_costs_nothing(virtual: VirtualBench, monkeypatch: pytest.MonkeyPatch) -> None:
    """W4: a store that grows with the years is looked through as fast as a new one."""
    groups(virtual)
    for number in range(5):
        name = f"host-{number}"
        staging = {"fingerprint": f"{name}-now"}
        first = request(name, "issued", request_id=f"req-{name}-first", fingerprints={"ECDSA": f"{name}-now"})
        connector = Connector(name, "app", devices=("edge",), push_automatically=True)
        store(virtual, certificate(name, auto_renew=ON, parent="x", staging=staging), first, connector)
    read = [0]
    honest = codec.decode_all

    def counted(table: Any, rows: Any, sealing: Any) -> Any:
        read[0] += len(rows)
        return honest(table, rows, sealing)

    monkeypatch.setattr(repository, "decode_all", counted)
    agenda(virtual)
    fresh, read[0] = read[0], 0
    for year in range(20):
        for number in range(5):
            name = f"host-{number}"
            old = certificate(f"{name}~{year}", state="superseded", successor=name)
            ended = request(name, "issued", request_id=f"req-{name}-{year}")
            pushed = order(name, "completed", work_order_id=f"wo-{name}-{year}", fingerprints={"ECDSA": str(year)})
            store(virtual, old, ended, pushed)
    read[0] = 0
    agenda(virtual)
    assert read[0] == fresh <= 5 + 1


def test_what_failed_before_is_read_at_once_for_all_that_is_due(
    virtual: VirtualBench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """W4: after an outage of a CA ten thousand are due and have failed; that takes as many queries as one does."""
    looks = [0]
    honest = codec.decode_all

    def counted(*args: Any) -> Any:
        looks[0] += 1
        return honest(*args)

    monkeypatch.setattr(repository, "decode_all", counted)
    took = []
    groups(virtual)
    for number in range(6):
        name, renews = f"host-{number}", {"request_id": f"req-host-{number}-first"}
        earlier = request(name, "failed", request_id=f"req-{number}", renews=renews, updated_at=START - 2 * DAY)
        store(virtual, certificate(name, 10 * DAY, auto_renew=ON), earlier)
        looks[0] = 0
        assert len(agenda(virtual, [due.RENEWALS]).items) == number + 1
        took.append(looks[0])
    assert len(set(took)) == 1, took
