# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What needs attention, as a table of facts: which record in the store is told of, how, and when it is not."""

from __future__ import annotations

import pathlib
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, TypeAlias

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.edgecert.clm.plugins.module_utils._clm import attention, attention_work, usage
from ansible_collections.edgecert.clm.plugins.module_utils._clm.attention_records import KINDS, SEVERITIES, Attention
from ansible_collections.edgecert.clm.plugins.module_utils._clm.filters import Filters
from ansible_collections.edgecert.clm.plugins.module_utils._core.clock import to_text
from ansible_collections.edgecert.clm.plugins.module_utils._core.errors import InputError
from ansible_collections.edgecert.clm.plugins.module_utils._core.governance import Group
from ansible_collections.edgecert.clm.plugins.module_utils._core.types import (
    Certificate,
    CertRequest,
    Device,
    WorkOrder,
)
from ansible_collections.edgecert.clm.plugins.module_utils._store.open import open_store
from ansible_collections.edgecert.clm.plugins.module_utils._store.seal import StoreKey
from ansible_collections.edgecert.clm.plugins.module_utils._store.store import SqlStore
from ansible_collections.edgecert.clm.plugins.modules import cert_info
from ansible_collections.edgecert.clm.tests.support.run_module import run
from ansible_collections.edgecert.clm.tests.support.stores import NOON, StandingClock

Record: TypeAlias = "Device | Certificate | CertRequest | WorkOrder | Group"
DAY, HOUR = timedelta(days=1), timedelta(hours=1)
LEVELS = {"group": "default", "levels": 2, "distinct_approvers": True}


def step(kind: str, at: datetime) -> dict[str, Any]:
    return {"type": kind, "at": to_text(at), "actor": "ada", "comment": ""}


def served(fingerprint: str, days: float, **more: Any) -> dict[str, Any]:
    return {"fingerprint": fingerprint, "not_after": to_text(NOON + days * DAY), **more}


def certificate(days: float = 200, **members: Any) -> Certificate:
    """Give a certificate that production serves and that nothing is to be done about."""
    end = NOON + days * DAY
    one = Certificate("www", "enrolled", "www.example.com", "issued", device="main", fingerprint="aa", enrollment_id=7)
    one = replace(one, not_before=end - 90 * DAY, not_after=end, validation_type="third-party", updated_at=NOON - HOUR)
    return replace(one, **{"production": served("aa", days), "staging": served("aa", days), **members})


def order(state: str, **members: Any) -> WorkOrder:
    """Give a push to production that came to its state two hours ago."""
    since = NOON - 2 * HOUR
    one = WorkOrder("wo-1", "www", "app", "main", "push", "production", state, actor="ada", policy=LEVELS)
    one = replace(one, conditions=(step(state, since),), created_at=since, updated_at=since, fingerprints={"RSA": "aa"})
    return replace(one, **members)


def request(state: str, **members: Any) -> CertRequest:
    """Give a request that came to its state two hours ago."""
    since = NOON - 2 * HOUR
    one = CertRequest("req-1", "www", "enroll", state, "own", "endpoint", device="main", actor="ada", policy=LEVELS)
    return replace(one, **{"conditions": (step(state, since),), "created_at": since, "updated_at": since, **members})


def approval(actor: str, ends: timedelta, life: timedelta = 7 * DAY) -> dict[str, Any]:
    begin = NOON + ends - life
    return {"level": 1, "actor": actor, "at": to_text(begin), "effective_at": to_text(begin), "binds": {}} | {
        "expires_at": to_text(NOON + ends),
        "digest": "d",
        "comment": "",
    }


REPOSITORIES = {
    Device: "devices",
    Certificate: "certificates",
    CertRequest: "requests",
    WorkOrder: "work_orders",
    Group: "groups",
}


@pytest.fixture
def store(tmp_path: pathlib.Path) -> Iterator[SqlStore]:
    made = open_store(f"sqlite:///{tmp_path}/clm.db", StoreKey(), StandingClock(), "test", create=True)
    yield made
    made.close()


def keep(store: SqlStore, *kept: Record) -> None:
    with store.write() as unit:
        if not any(isinstance(one, Device) for one in kept):
            unit.devices.add(Device("main", status="managed"))
        for one in kept:
            getattr(unit, REPOSITORIES[type(one)]).add(one)


def look(store: SqlStore, now: datetime = NOON, **options: Any) -> list[Attention]:
    with store.read() as unit:
        return attention.collect(unit, now, **options)


# What is in the store, and which kind, severity and reason is told of it.
Facts = Sequence[tuple[str, str, str]]
RENEWED: dict[str, Any] = {"fingerprint": "bb", "not_after": NOON + 300 * DAY}
QUIC_ON = {"settings": {"before": {"quic": False}, "after": {"quic": True}}}
PROVE = {"kind": "dns-01", "domain": "example.com"}
UNPROVED = [{"network": "production", "not_proved": "203.0.113.9 presents something else"}]
TABLE: dict[str, tuple[Sequence[Record], Facts]] = {
    "nothing is told of what is well": ([certificate()], []),
    # expiring, expired
    "an end is near": ([certificate(20)], [("expiring", "warning", "")]),
    "an end is very near": ([certificate(6)], [("expiring", "critical", "")]),
    "an end is very near and nobody is served": ([certificate(6, production={})], [("expiring", "warning", "")]),
    "an end has passed": ([certificate(-1)], [("expired", "critical", "")]),
    "an end has passed and nobody is served": ([certificate(-1, production={})], [("expired", "warning", "")]),
    "a group warns later": ([certificate(20, group="late"), Group("late", expiry_warning_days=10)], []),
    "a group warns earlier": (
        [certificate(80, group="early"), Group("early", expiry_warning_days=90)],
        [("expiring", "warning", "")],
    ),
    "it was renewed and production still serves the old one": (
        [certificate(production=served("aa", 5), staging={}, **RENEWED)],
        [("expiring", "critical", "")],
    ),
    "what was superseded ends": ([certificate(5, state="superseded", successor="x")], []),
    "a device is ignored": ([certificate(5), Device("main", "ignored")], []),
    "a device is monitored": ([certificate(5), Device("main", "monitored")], [("expiring", "critical", "")]),
    # approvals
    "an approval is wanted": ([certificate(), order("submitted")], [("awaiting_approval", "info", "")]),
    "a second approval is wanted": (
        [certificate(), order("review_in_progress", approvals=(approval("bob", 5 * DAY),))],
        [("awaiting_approval", "info", "")],
    ),
    "approvals are about to expire": (
        [certificate(), order("review_in_progress", approvals=(approval("bob", 20 * HOUR),))],
        [("approval_deadline_near", "warning", "approvals_expire"), ("awaiting_approval", "info", "")],
    ),
    "short approvals are not near their end as soon as they are given": (
        [certificate(), order("review_in_progress", approvals=(approval("bob", 3 * HOUR, 4 * HOUR),))],
        [("awaiting_approval", "info", "")],
    ),
    "what is live ends before the approval comes": (
        [certificate(production=served("aa", 2), **RENEWED), order("submitted", fingerprints={"RSA": "bb"})],
        [
            ("expiring", "critical", ""),
            ("approval_deadline_near", "warning", "live_ends"),
            ("awaiting_approval", "info", ""),
        ],
    ),
    "the last safe moment of an approval is near": (
        [certificate(), order("submitted", last_safe_at=NOON + 2 * DAY)],
        [("approval_deadline_near", "warning", "last_safe_moment"), ("awaiting_approval", "info", "")],
    ),
    "the last safe moment of an approval has passed": (
        [certificate(), order("submitted", last_safe_at=NOON - HOUR)],
        [("approval_deadline_near", "critical", "last_safe_moment"), ("awaiting_approval", "info", "")],
    ),
    "all are given, one for later": (
        [certificate(), order("submitted", approvals=(approval("bob", 5 * DAY), approval("carol", 9 * DAY)))],
        [],
    ),
    "a draft waits for who wrote it": ([request("draft")], []),
    "somebody has to implement it": (
        [certificate(), order("approved", manual_implementation=True, policy={})],
        [("awaiting_implementation", "info", "")],
    ),
    "it is implemented at its time": (
        [certificate(), order("approved", manual_implementation=True, scheduled_at=NOON + HOUR, policy={})],
        [],
    ),
    # decisions, and what is done at a CA
    "warnings wait for a decision": (
        [certificate(), order("needs_decision", reason="needs_decision", message="2 warnings")],
        [("awaiting_decision", "warning", "needs_decision")],
    ),
    "a request waits for a decision": (
        [request("implementing", reason="needs_decision", message="1 warning")],
        [("awaiting_decision", "warning", "needs_decision")],
    ),
    "an answer was lost": (
        [request("in_doubt", reason="order_in_doubt")],
        [("awaiting_decision", "warning", "order_in_doubt")],
    ),
    "names are in use": (
        [request("implementing", reason="names_in_use")],
        [("awaiting_decision", "warning", "names_in_use")],
    ),
    "another tool uploaded": (
        [certificate(), order("implementing", reason="uploaded_elsewhere")],
        [("awaiting_decision", "warning", "uploaded_elsewhere")],
    ),
    "CPS is at work": ([certificate(), order("deploying_staging", reason="busy")], []),
    "a CA wants a name proved": (
        [request("retrieval_in_progress", ca_progress={"RSA": {"actions": [PROVE]}})],
        [("awaiting_action", "warning", "ca_action")],
    ),
    # what others did
    "a change of another tool": (
        [certificate(pending_changes=({"change_id": 9, "change_type": "modify-san"},))],
        [("foreign_change", "warning", "not_ours")],
    ),
    "a renewal that CPS opened": (
        [certificate(pending_changes=({"change_id": 9, "change_type": "renewal"},))],
        [("foreign_change", "info", "renewal_of_cps")],
    ),
    "a change of ours": (
        [certificate(pending_changes=({"change_id": 9},)), order("deploying_staging", change={"change_id": 9})],
        [],
    ),
    "a change of ours for a CSR": (
        [certificate(pending_changes=({"change_id": 9},)), request("issued", key_reference={"change_id": 9})],
        [],
    ),
    "a change at a monitored device": (
        [certificate(pending_changes=({"change_id": 9},)), Device("main", "monitored")],
        [],
    ),
    "a change of CPS itself": ([certificate(pending_changes=({"change_id": 9},), validation_type="dv")], []),
    "settings are otherwise": (
        [
            certificate(production=served("aa", 200, network_settings={"quic": False})),
            order("completed", action="configure", change=QUIC_ON),
        ],
        [("drift", "warning", "settings_differ")],
    ),
    "settings are as they were set": (
        [
            certificate(production=served("aa", 200, network_settings={"quic": True})),
            order("completed", action="configure", change=QUIC_ON),
        ],
        [],
    ),
    # what the edge serves
    "production serves something else than was pushed": (
        [certificate(production=served("cc", 200)), order("completed")],
        [("edge_mismatch", "critical", "served_otherwise")],
    ),
    "staging serves something else than was pushed": (
        [certificate(staging=served("cc", 200)), order("completed")],
        [("edge_mismatch", "warning", "served_otherwise")],
    ),
    "production serves what was pushed before the renewal": (
        [certificate(production=served("aa", 200), staging={}, **RENEWED), order("completed")],
        [],
    ),
    "a rollback brought it back": (
        [
            certificate(production=served("cc", 200)),
            order("completed"),
            order("completed", work_order_id="wo-2", action="rollback", updated_at=NOON - HOUR),
        ],
        [],
    ),
    "edge servers do not show it yet": (
        [certificate(), order("on_staging", reason="not_proven", conditions=(step("on_staging", NOON - HOUR / 2),))],
        [("edge_mismatch", "warning", "not_proven")],
    ),
    "edge servers do not show it for long": (
        [certificate(), order("on_staging", reason="not_proven", message="203.0.113.9 presents something else")],
        [("edge_mismatch", "critical", "not_proven")],
    ),
    "CPS's word was enough, and edge servers said otherwise": (
        [certificate(), order("completed", reason="not_proven", evidence=tuple(UNPROVED))],
        [("edge_mismatch", "warning", "not_proven")],
    ),
    "edge servers said otherwise long ago": (
        [
            certificate(),
            order("completed", reason="not_proven", evidence=tuple(UNPROVED), updated_at=NOON - 31 * DAY),
        ],
        [],
    ),
    "it was pushed again and proved": (
        [
            certificate(),
            order("completed", reason="not_proven", evidence=tuple(UNPROVED)),
            order("completed", work_order_id="wo-2", updated_at=NOON - HOUR),
        ],
        [],
    ),
    "staging alone has it, and CPS goes on soon": (
        [certificate(production=served("00", 9), **RENEWED, staging=served("bb", 300), auto_renew={})]
        + [order("completed", network="staging", fingerprints={"RSA": "bb"}, last_safe_at=NOON + 2 * DAY)],
        [("approval_deadline_near", "warning", "held_on_staging"), ("expiring", "warning", "")],
    ),
    "staging alone has it, and CPS goes on much later": (
        [certificate(production=served("00", 90), **RENEWED, staging=served("bb", 300))]
        + [order("completed", network="staging", fingerprints={"RSA": "bb"}, last_safe_at=NOON + 80 * DAY)],
        [],
    ),
    # what is gone
    "it is revoked": ([certificate(state="revoked", production={}, staging={})], [("revoked", "warning", "revoked")]),
    "it is revoked and has ended since": ([certificate(-1, state="revoked", production={}, staging={})], []),
    "it is revoked and has ended, and production serves it": (
        [certificate(-1, state="revoked")],
        [("revoked", "critical", "revoked")],
    ),
    "it is revoked and production serves it": (
        [certificate(state="revoked"), request("revoked", action="revoke", fingerprints={"RSA": "aa"})],
        [("revoked", "critical", "revoked")],
    ),
    "it was followed after it was revoked": (
        [certificate(), certificate(certificate_id="www~0", state="revoked", fingerprint="00", successor="www")],
        [],
    ),
    "production serves what was revoked before it was followed": (
        [
            certificate(production=served("00", 200), staging={}, **RENEWED),
            certificate(certificate_id="www~0", state="revoked", fingerprint="00", successor="www", production={}),
        ],
        [("revoked", "critical", "revoked")],
    ),
    "it vanished": (
        [certificate(state="vanished", production={}, staging={})],
        [("vanished", "warning", "not_listed")],
    ),
    "it vanished and has ended since": ([certificate(-1, state="vanished", production={}, staging={})], []),
    "it vanished long ago without an end": (
        [certificate(state="vanished", not_after=None, production={}, staging={}, updated_at=NOON - 31 * DAY)],
        [],
    ),
    "it was removed from here": (
        [
            certificate(state="vanished", production={}, staging={}),
            order("completed", action="remove", change={"enrollment_id": 7}),
        ],
        [],
    ),
    # failures
    "a push failed": (
        [certificate(), order("failed", reason="change_failed", message="it broke")],
        [("failed", "warning", "change_failed")],
    ),
    "a push failed and was made again": (
        [certificate(), order("failed"), order("completed", work_order_id="wo-2", created_at=NOON)],
        [],
    ),
    "a push to staging failed, and one to production came by there since": (
        [
            certificate(),
            order("failed", network="staging"),
            order("completed", work_order_id="wo-2", created_at=NOON),
        ],
        [],
    ),
    "a push failed, and settings alone were set since": (
        [
            certificate(),
            order("failed", reason="change_failed"),
            order("completed", action="configure", work_order_id="wo-2", created_at=NOON, change=QUIC_ON),
        ],
        [("failed", "warning", "change_failed")],
    ),
    "settings were not set, and a certificate was pushed since": (
        [
            certificate(),
            order("failed", action="configure", reason="change_failed", change=QUIC_ON),
            order("completed", work_order_id="wo-2", created_at=NOON),
        ],
        [("failed", "warning", "change_failed")],
    ),
    "a push of what was followed since failed": ([certificate(**RENEWED), order("failed")], []),
    "a first enrolment failed": ([request("failed", reason="order_refused")], [("failed", "warning", "order_refused")]),
    "an enrolment failed and another one is open": (
        [request("failed"), request("implementing", request_id="req-2", created_at=NOON)],
        [],
    ),
    "a renewal was rejected": (
        [
            certificate(10, request_id="req-0", auto_renew={"enabled": True}),
            request("rejected", action="renew", renews={"request_id": "req-0"}),
        ],
        [("renewal_stopped", "warning", "renewal_stopped"), ("expiring", "warning", "")],
    ),
    "a device refuses": (
        [Device("main", status="failed", status_log=({"name": "x", "result": "failed", "detail": "401"},))],
        [("device_failed", "critical", "device_failed")],
    ),
    "a monitored device does not answer": (
        [Device("main", "monitored", status="unresolved")],
        [("device_failed", "warning", "device_unresolved")],
    ),
}


@pytest.mark.parametrize("case", TABLE)
def test_each_fact_is_told_once_with_its_severity_and_reason(store: SqlStore, case: str) -> None:
    """W5, D8, U6, issue 7."""
    kept, expected = TABLE[case]
    keep(store, *kept)
    found = look(store)
    assert [(one.kind, one.severity, one.reason) for one in found] == list(expected)
    for one in found:
        assert one.message
        assert one.todo
        assert one.who in ("requester", "approver", "operator")
        assert one.since is None or one.since <= NOON


def test_the_table_tells_of_every_kind() -> None:
    """No kind is listed that nothing can be."""
    assert {kind for _kept, facts in TABLE.values() for kind, _severity, _reason in facts} == set(KINDS)


def test_words_that_are_copied_are_those_they_were_copied_from() -> None:
    """Copied because the other file brings more with it than a look needs."""
    assert attention_work.NAMES_IN_USE == usage.IN_USE


# -- what a record says ------------------------------------------------------------------------------------------------


def test_an_approval_says_who_may_not_give_it_until_when_and_where_it_stands(store: SqlStore) -> None:
    """W2: the one who asked and the one who approved a level are named."""
    given_by_bob = order("review_in_progress", approvals=(approval("bob", 5 * DAY),), tracking_id="CHG-1")
    keep(store, certificate(40, attributes={"team": "edge"}), replace(given_by_bob, last_safe_at=NOON + 9 * DAY))
    (one,) = look(store)
    shown = one.view()
    assert (shown["who"], shown["may_not_act"]) == ("approver", ["ada", "bob"])
    assert (shown["work_order_id"], shown["request_id"], shown["network"]) == ("wo-1", None, "production")
    assert (shown["since"], shown["deadline"]) == (to_text(NOON - 2 * HOUR), to_text(NOON + 9 * DAY))
    assert (shown["tracking_id"], shown["attributes"], shown["group"]) == ("CHG-1", {"team": "edge"}, "default")
    assert "waits for approval 2 of 2" in shown["message"]
    assert "wo-1" in shown["what_to_do"]


@pytest.mark.parametrize(
    ("members", "words"),
    [
        ({}, "action: renew"),
        ({"auto_renew": {"enabled": True, "days_before": 15}}, to_text(NOON + 5 * DAY)),
        ({**RENEWED, "production": served("aa", 20)}, "cert_push"),
        ({"validation_type": "dv"}, "Akamai Control Center"),
        ({"origin": "discovered"}, "the tool that enrolled it"),
    ],
)
def test_an_end_says_what_can_be_done_about_it(store: SqlStore, members: dict[str, Any], words: str) -> None:
    """E3: what renews by itself needs no hand, what was renewed already needs a push."""
    keep(store, certificate(20, **members))
    assert words in look(store)[0].todo


def test_work_that_is_open_is_named_where_an_end_is_near(store: SqlStore) -> None:
    """W3: nobody is told to renew what is being renewed."""
    keep(store, certificate(20), request("implementing", action="renew"), order("implementing"))
    assert look(store)[0].todo == "see what request req-1 and work order wo-1 of it wait for"


def test_a_device_that_fails_says_since_when_and_why(store: SqlStore) -> None:
    """D9."""
    entry = {"name": "Device communication", "result": "failed", "detail": "401", "since": to_text(NOON - DAY)}
    keep(store, Device("main", status="failed", status_log=(entry,)))
    (one,) = look(store)
    assert (one.since, one.message) == (NOON - DAY, "device main is failed: 401")


def test_the_days_of_a_look_go_before_those_of_groups(store: SqlStore) -> None:
    """V1: both ways."""
    keep(store, certificate(20))
    assert [one.kind for one in look(store, within_days=19)] == []
    assert [one.kind for one in look(store, within_days=20)] == ["expiring"]


def test_the_worst_comes_first_then_what_ends_first(store: SqlStore) -> None:
    """V1."""
    keep(
        store,
        *(certificate(days, certificate_id=f"c{days}") for days in (25, 3, 20, -2)),
        Device("main", status="failed"),
    )
    assert [one.certificate_id for one in look(store)] == ["c-2", "c3", "", "c20", "c25"]


def test_nothing_in_a_record_is_counted_from_the_moment_of_the_look(store: SqlStore) -> None:
    """A poller would take each day less for news."""
    keep(store, certificate(20), order("submitted"), Device("main", status="failed"))
    first = [one.view() for one in look(store)]
    assert [one.view() for one in look(store, NOON + DAY)] == first


# -- ids ---------------------------------------------------------------------------------------------------------------


def test_what_cps_lists_twice_is_one_fact(store: SqlStore) -> None:
    """Or each look would take the one for a change of the other."""
    change_ = {"change_id": 9, "change_type": "modify-san"}
    keep(store, certificate(pending_changes=(change_, {**change_, "change_type": "other"})))
    assert len(look(store)) == 1


def test_open_changes_are_held_against_work_that_is_read_at_once(
    store: SqlStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Rule of the issue: while ten thousand are renewed each has an open change, and a look takes no longer for it."""
    changes = ({"change_id": 5, "change_type": "renewal"},)
    several = [certificate(certificate_id=f"site{n}", pending_changes=changes) for n in range(9)]
    keep(store, *several, request("issued", certificate_id="site0", key_reference={"change_id": 5}))
    with store.read() as unit:
        looks: list[dict[str, Any]] = []
        real = unit.requests.find

        def counted(**equal: Any) -> list[CertRequest]:
            looks.append(equal)
            return real(**equal)

        monkeypatch.setattr(unit.requests, "find", counted, raising=False)
        found = attention.collect(unit, NOON)
    assert [one.certificate_id for one in found] == [f"site{n}" for n in range(1, 9)]
    assert len(looks) <= 6, looks


def test_a_renewed_certificate_that_ends_again_is_another_fact(store: SqlStore) -> None:
    """A ticket of last year is not opened again."""
    keep(store, certificate(20))
    (first,) = look(store)
    (later,) = look(store, NOON + 5 * DAY)
    assert later.event_id == first.event_id
    with store.write() as unit:
        kept = unit.certificates.get("www")
        assert kept is not None
        unit.certificates.put(replace(kept, not_after=NOON + 110 * DAY, production=served("dd", 110)))
    (again,) = look(store, NOON + 100 * DAY)
    assert (again.kind, again.event_id == first.event_id) == ("expiring", False)


TEXTS = st.text(max_size=8)
FACTS = st.builds(
    Attention,
    st.sampled_from(KINDS),
    st.sampled_from(SEVERITIES),
    st.lists(TEXTS, min_size=1, max_size=4).map(tuple),
    TEXTS,
    TEXTS,
    st.sampled_from(["requester", "approver", "operator"]),
)


@given(FACTS, FACTS)
def test_an_id_is_of_the_fact_alone(one: Attention, other: Attention) -> None:
    """How bad it is, what is said of it, since and until when change; the fact stays the same one."""
    changed = replace(one, severity="critical", message="else", todo="else", since=NOON, deadline=NOON, reason="else")
    assert changed.event_id == one.event_id
    is_same = (one.kind, one.identity) == (other.kind, other.identity)
    assert (one.event_id == other.event_id) is is_same


@given(st.lists(TEXTS, min_size=1, max_size=3), st.lists(TEXTS, min_size=1, max_size=3))
def test_parts_of_an_identity_do_not_run_into_one_another(left: list[str], right: list[str]) -> None:
    """``a, bc`` is not ``ab, c``."""
    one, other = (Attention("drift", "info", tuple(parts), "m", "t", "operator") for parts in (left, right))
    assert (one.event_id == other.event_id) is (left == right)


@pytest.mark.parametrize(("kind", "severity"), [("late", "info"), ("expired", "bad")])
def test_a_record_of_an_unknown_kind_or_severity_is_a_fault(kind: str, severity: str) -> None:
    with pytest.raises(ValueError, match="is no kind of attention"):
        Attention(kind, severity, ("x",), "m", "t", "operator")


# -- cert_info ---------------------------------------------------------------------------------------------------------


def test_cert_info_shows_it_by_kind_device_group_and_what_certificates_are_filtered_by(
    store: SqlStore, tmp_path: pathlib.Path
) -> None:
    """V1: a vanished one is hidden from lists, and told of here."""
    keep(
        store,
        Device("main", status="failed"),
        Device("other"),
        certificate(3650, certificate_id="gone", state="vanished", production={}, staging={}, attributes={"team": "b"}),
        certificate(-1, certificate_id="old", device="other", group="slow", attributes={"team": "a"}),
    )

    def told(**options: Any) -> list[tuple[str, str | None]]:
        result = run(cert_info.main, {"store": f"sqlite:///{tmp_path}/clm.db", "view": "attention", **options})
        return sorted((one["kind"], one["certificate"]) for one in result["attention"])

    everything = [("device_failed", None), ("expired", "old"), ("vanished", "gone")]
    assert told() == everything
    assert told(kinds=["vanished", "expired"]) == everything[1:]
    assert told(device=["main"]) == [everything[0], everything[2]]
    assert told(group=["slow"]) == [everything[1]]
    assert told(certificate="gone") == [everything[2]]
    assert told(attributes={"team": "b"}) == [everything[2]]
    assert told(sync=["managed"], expires_within_days=0) == everything[1:]
    result = run(cert_info.main, {"store": f"sqlite:///{tmp_path}/clm.db", "kinds": ["drift"]})
    assert result["msg"] == "Cannot choose kinds in view list: kinds go with view attention"


def test_a_first_request_is_found_by_what_was_asked_for(store: SqlStore) -> None:
    """E19, W4: before its first approval there is no certificate that could bear attributes or a tracking id."""
    wish = {"attributes": {"team": "b"}}
    keep(store, request("submitted", certificate_id="new", wish=wish, tracking_id="CHG-7"), certificate(5))
    cases: list[tuple[Filters, list[str]]] = [
        (Filters(attributes={"team": "b"}), ["new"]),
        (Filters(attributes={"team": "c"}), []),
        (Filters(tracking_id="CHG-7"), ["new"]),
        (Filters(tracking_id="CHG-8"), []),
        (Filters(ca=("own",)), []),
        (Filters(state=("issued",)), ["www"]),
    ]
    with store.read() as unit:
        for filters, expected in cases:
            found = attention.select_attention(unit, filters, [], NOON)
            assert [one.certificate_id for one in found] == expected, filters


def test_an_unknown_kind_is_refused_with_those_there_are(store: SqlStore) -> None:
    with store.read() as unit, pytest.raises(InputError, match="no kind of attention late; there are expiring"):
        attention.select_attention(unit, Filters(), ["late"], NOON)
