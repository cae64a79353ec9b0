# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What can be asked of the store: filters by all that is kept with a certificate, and what waits for whom."""

from __future__ import annotations

import base64
import pathlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from ansible_collections.edgecert.clm.plugins.module_utils._clm import attachments, filters
from ansible_collections.edgecert.clm.plugins.module_utils._clm.attachments import Draft
from ansible_collections.edgecert.clm.plugins.module_utils._core.clock import SystemClock, to_text
from ansible_collections.edgecert.clm.plugins.module_utils._core.errors import InputError
from ansible_collections.edgecert.clm.plugins.module_utils._core.governance import Group
from ansible_collections.edgecert.clm.plugins.module_utils._core.types import (
    AuditEntry,
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

_DAY = timedelta(days=1)


@dataclass
class Scene:
    """A store with certificates, and ``cert_info`` on it."""

    url: str
    store: SqlStore
    now: datetime

    def ask(self, **options: Any) -> Any:
        """Run the module."""
        return run(cert_info.main, {"store": self.url, **options})

    def ids(self, **options: Any) -> list[str]:
        """Give the ids of the listed certificates."""
        return [one["certificate"] for one in self.ask(**options)["certificates"]]

    def approval(self, level: int, actor: str, *, hours: float = 168.0, later: float = 0.0) -> dict[str, Any]:
        """Give an approval that holds for so many hours, counted from so many hours on."""
        begins = self.now + timedelta(hours=later)
        return {
            "level": level,
            "actor": actor,
            "at": to_text(self.now),
            "effective_at": to_text(begins),
            "expires_at": to_text(self.now + timedelta(hours=hours)),
            "digest": "d" * 64,
            "binds": {"wish": "0" * 64},
            "comment": "fine",
        }

    def order(self, number: int, certificate: str, state: str = "submitted", **members: Any) -> WorkOrder:
        """Give a work order of two approval levels, asked for by ada."""
        policy = {"group": "default", "kind": "push", "levels": 2, "distinct_approvers": True}
        wanted = WorkOrder(
            f"wo-{number}", certificate, "edge", "main", "push", "production", state, actor="ada", policy=policy
        )
        return replace(wanted, created_at=self.now + timedelta(seconds=number), **members)


@pytest.fixture
def scene(tmp_path: pathlib.Path) -> Iterator[Scene]:
    """Store five certificates of two groups, one superseded, one vanished, with requests and attachments."""
    url, clock = f"sqlite:///{tmp_path}/clm.db", SystemClock()
    store, now = open_store(url, StoreKey(), clock, "test", create=True), clock.now()
    rows: list[tuple[str, str, int, dict[str, Any]]] = [
        ("a", "issued", 20, {"attributes": {"team": "edge", "tier": 1, "is_public": True}, "enrollment_id": 10001}),
        ("b", "issued", 20, {"attributes": {"team": "edges"}, "group": "slow"}),
        ("c", "issued", -1, {"attributes": {"team": "core", "tier": "1"}, "parent": "c~1", "group": "gone"}),
        ("c~1", "superseded", -5, {"successor": "c", "attributes": {"team": "core"}}),
        ("d", "vanished", 5, {}),
        ("e", "pending", 0, {"auto_renew": {"enabled": True}}),
    ]
    with store.write() as unit:
        unit.devices.add(Device("main"))
        unit.groups.add(Group("slow", expiry_warning_days=10))
        for name, state, days, members in rows:
            end = now + days * _DAY + timedelta(hours=1) if days else None
            served = {"fingerprint": "f", "not_after": to_text(end)} if end and state == "issued" else {}
            one = Certificate(name, "enrolled", "www", state, device="main", not_after=end, production=served)
            unit.certificates.add(replace(one, **members))
        request = CertRequest("req-1", "a", "enroll", "issued", "own", "endpoint", tracking_id="CHG-1", device="main")
        unit.requests.add(request)
        attachments.keep(unit, [Draft("Order 7.txt", b"seven"), Draft("mail.eml", b"mail")], "a", "req-1", "ada", now)
        attachments.keep(unit, [Draft("order 8.txt", b"eight")], "b", "", "ada", now)
    yield Scene(url, store, now)
    store.close()


# -- filters -----------------------------------------------------------------------------------------------------------

FILTERS: list[tuple[dict[str, Any], list[str]]] = [
    ({}, ["a", "b", "c", "e"]),
    ({"group": ["slow"]}, ["b"]),
    ({"group": ["default"]}, ["a", "e"]),
    ({"group": ["default", "slow"]}, ["a", "b", "e"]),
    ({"group": ["default"], "state": ["superseded"]}, ["c~1"]),
    ({"attributes": {"team": "edge"}}, ["a"]),
    ({"attributes": {"team": "~edge"}}, ["a"]),
    ({"attributes": {"team": "~edges?"}}, ["a", "b"]),
    ({"attributes": {"team": "~.*", "tier": 1}}, ["a", "c"]),
    ({"attributes": {"tier": "~\\d"}}, ["a", "c"]),
    ({"attributes": {"is_public": True}}, ["a"]),
    ({"attributes": {"is_public": "true"}}, ["a"]),
    ({"attributes": {"is_public": False}}, []),
    ({"attributes": {"nothing": ""}}, []),
    ({"attributes": {"nothing": "~.*"}}, []),
    ({"tracking_id": "CHG-1"}, ["a"]),
    ({"tracking_id": "CHG"}, []),
    ({"attachment": "order"}, ["a", "b"]),
    ({"attachment": "MAIL"}, ["a"]),
    ({"attachment": "order", "tracking_id": "CHG-1"}, ["a"]),
    ({"attachment": "order", "certificate": "b"}, ["b"]),
    ({"attachment": "nothing"}, []),
    ({"enrollment_id": 10001}, ["a"]),
    ({"enrollment_id": 0}, []),
    ({"expiring": True}, ["a", "c"]),
    ({"expiring": False}, ["a", "b", "c", "e"]),
    ({"expiring": True, "group": ["slow"]}, []),
    ({"expires_within_days": 30}, ["a", "b", "c"]),
    ({"state": ["superseded"]}, ["c~1"]),
    ({"state": ["superseded", "issued"]}, ["a", "b", "c", "c~1"]),
    ({"certificate": "c~1"}, ["c~1"]),
    ({"certificate": "d"}, ["d"]),
]


@pytest.mark.parametrize(("options", "expected"), FILTERS, ids=[str(options) for options, _ids in FILTERS])
def test_certificates_are_found_by_what_is_kept_with_them(
    scene: Scene, options: dict[str, Any], expected: list[str]
) -> None:
    """E1, E18, E19, E20, V1: the default group holds what is in no other one; expiring goes by the group's days, and
    by the built-in ones where the group is gone."""
    assert scene.ids(**options) == expected


def test_what_is_revoked_and_followed_is_left_out_as_what_is_superseded(scene: Scene) -> None:
    """E4: after an incident the list holds the line, not each certificate it had; a line that is revoked stays."""
    gone = Certificate("c~2", "enrolled", "www", "revoked", device="main", successor="c~1")
    with scene.store.write() as unit:
        unit.certificates.add(gone)
        unit.certificates.add(replace(gone, certificate_id="r", successor=""))
    assert scene.ids() == ["a", "b", "c", "e", "r"]
    assert scene.ids(state=["revoked"]) == ["c~2", "r"] and scene.ids(certificate="c~2") == ["c~2"]
    assert scene.ask(view="groups")["groups"][0]["certificates"] == 3


def test_all_mistakes_in_the_new_filters_are_said_at_once() -> None:
    with pytest.raises(InputError) as caught:
        filters.Filters.from_options(
            {"enrollment_id": "x", "expiring": "soon", "attributes": {"a": "~(", "b": ["c"]}, "state": 5}
        )
    assert len(caught.value.details["problems"]) == 5
    with pytest.raises(InputError, match="attributes is no mapping"):
        filters.Filters.from_options({"attributes": "team=edge"})


def test_a_certificate_shows_what_is_kept_with_it(scene: Scene) -> None:
    """E1, E3, E18, E19."""
    a, b, c, e = scene.ask()["certificates"]
    assert [one["attachments"] for one in (a, b, c, e)] == [2, 1, 0, 0]
    assert [one["group"] for one in (a, b, c, e)] == ["default", "slow", "gone", "default"]
    assert [one["expiry_warning_days"] for one in (a, b, c, e)] == [30, 10, 30, 30]
    assert [one["production_days_left"] for one in (a, b, c, e)] == [20, 20, -1, None]
    assert (c["parent"], c["successor"]) == ("c~1", "")
    assert (e["auto_renew"], e["auto_regenerate"]) == ({"enabled": True}, {})
    assert a["attributes"] == {"team": "edge", "tier": 1, "is_public": True}
    (holistic,) = scene.ask(view="holistic", certificate="b")["holistic"]
    assert (holistic["certificate"]["attachments"], holistic["certificate"]["group"]) == (1, "slow")


# -- attachments -------------------------------------------------------------------------------------------------------


def test_attachments_are_listed_without_their_content(scene: Scene) -> None:
    """E18."""
    found = scene.ask(view="attachments")["attachments"]
    assert [(one["certificate"], one["name"]) for one in found] == [
        ("a", "Order 7.txt"),
        ("a", "mail.eml"),
        ("b", "order 8.txt"),
    ]
    assert all("content" not in one for one in found)
    assert found[0]["size"] == 5 and found[0]["actor"] == "ada" and found[0]["request_id"] == "req-1"


@pytest.mark.parametrize(
    ("options", "names"),
    [
        ({"attachment": "ORDER"}, ["Order 7.txt", "order 8.txt"]),
        ({"attachment": "order", "group": ["slow"]}, ["order 8.txt"]),
        ({"certificate": "a"}, ["Order 7.txt", "mail.eml"]),
        ({"certificate": "a", "attachment": "mail"}, ["mail.eml"]),
        ({"tracking_id": "CHG-1"}, ["Order 7.txt", "mail.eml"]),
        ({"certificate": "nobody"}, []),
    ],
)
def test_attachments_are_found_by_a_part_of_their_name(scene: Scene, options: dict[str, Any], names: list[str]) -> None:
    """E18."""
    assert [one["name"] for one in scene.ask(view="attachments", **options)["attachments"]] == names


def test_an_attachment_is_there_before_its_certificate(scene: Scene) -> None:
    """E18: a request that waits for approval has its attachments already."""
    with scene.store.write() as unit:
        attachments.keep(unit, [Draft("early.txt", b"early")], "new", "", "ada", scene.now)
    found = scene.ask(view="attachments", certificate="new", attachment="early.txt", with_content=True)["attachments"]
    assert base64.b64decode(found[0]["content"]) == b"early"


def test_the_content_is_given_when_it_is_asked_for(scene: Scene) -> None:
    """E18: a large one, which holds a private key, too; it is not masked."""
    content = b"-----BEGIN PRIVATE KEY-----\n" + b"x" * 900_000
    with scene.store.write() as unit:
        attachments.keep(unit, [Draft("large", content)], "a", "", "ada", scene.now)
    (one,) = scene.ask(view="attachments", certificate="a", attachment="large", with_content=True)["attachments"]
    assert base64.b64decode(one["content"]) == content


@pytest.mark.parametrize(
    ("options", "code"),
    [
        ({"view": "attachments", "certificate": "a", "attachment": "mail"}, "attachment_missing"),
        ({"view": "attachments", "certificate": "b", "attachment": "mail.eml"}, "attachment_missing"),
        ({"view": "attachments", "certificate": "a"}, "invalid_input"),
        ({"view": "attachments", "attachment": "mail.eml"}, "invalid_input"),
        ({"view": "list", "certificate": "a", "attachment": "mail.eml"}, "invalid_input"),
    ],
)
def test_a_content_that_is_not_named_whole_is_not_given(scene: Scene, options: dict[str, Any], code: str) -> None:
    """E18."""
    assert scene.ask(with_content=True, **options)["failure"]["code"] == code


# -- what waits --------------------------------------------------------------------------------------------------------


def add(scene: Scene, *records: CertRequest | WorkOrder) -> None:
    """Store requests and work orders."""
    with scene.store.write() as unit:
        for record in records:
            if isinstance(record, CertRequest):
                unit.requests.add(record)
            else:
                unit.work_orders.add(record)


def test_what_waits_is_shown_the_nearest_expiry_first(scene: Scene) -> None:
    """W1, W2: a request that renews goes by what it renews; what ended is left out; what has no expiry is last."""
    soon = {"fingerprints": [], "not_after": to_text(scene.now + 2 * _DAY), "automatic": True}
    first = CertRequest("req-2", "e", "enroll", "submitted", "own", "endpoint", actor="ada")
    add(
        scene,
        first,
        replace(first, request_id="req-3", action="renew", renews=soon, state="implementing"),
        scene.order(1, "a"),
        scene.order(2, "c", "needs_decision", message="CPS warns"),
        scene.order(3, "a", "completed"),
        scene.order(4, "a", "failed"),
    )
    found = scene.ask(view="pending")["pending"]
    assert [one["request_id"] or one["work_order_id"] for one in found] == ["wo-2", "req-3", "wo-1", "req-2"]
    assert [one["days_left"] for one in found] == [-1, 1, 20, None]
    assert [one["kind"] for one in found] == ["work_order", "request", "work_order", "request"]
    assert found[0]["waits_for"] == "CPS warns"
    assert found[2]["actions"] == ["approve", "reject", "cancel"]
    assert (found[2]["network"], found[3]["network"]) == ("production", None)


def test_who_has_to_approve_and_who_may_not_any_more(scene: Scene) -> None:
    """W2, W3: the level reached of those needed, and until when the given ones hold."""
    safe = scene.now + 13 * _DAY
    given = (scene.approval(1, "bob", hours=48),)
    add(scene, scene.order(1, "a", "review_in_progress", approvals=given, last_safe_at=safe))
    (one,) = scene.ask(view="pending")["pending"]
    assert (one["approvals_given"], one["approvals_needed"]) == (1, 2)
    assert one["may_not_approve"] == ["ada", "bob"]
    assert one["approvals_expire_at"] == given[0]["expires_at"] and one["last_safe_at"] == to_text(safe)
    assert "approval 2 of 2" in one["waits_for"]
    assert one["label"] == "Push-Review In Progress"


@pytest.mark.parametrize(
    ("policy", "barred"),
    [
        ({"levels": 2, "requester_may_approve": True, "distinct_approvers": True}, ["bob"]),
        ({"levels": 2, "requester_may_approve": True, "distinct_approvers": False}, []),
        ({"levels": 2, "requester_may_approve": False, "distinct_approvers": False}, ["ada"]),
        ({"levels": 1, "requester_may_approve": False, "distinct_approvers": True}, []),
    ],
)
def test_the_policy_of_the_order_says_who_may_not_approve(
    scene: Scene, policy: dict[str, Any], barred: list[str]
) -> None:
    """W2."""
    given = (scene.approval(1, "bob"),)
    add(scene, replace(scene.order(1, "a", "review_in_progress", approvals=given), policy=policy))
    assert scene.ask(view="pending")["pending"][0]["may_not_approve"] == barred
    people = {"ada", "bob", "eve"}
    may = {actor for actor in people if scene.ask(view="pending", actor=actor)["pending"][0]["may_approve"]}
    assert may == (people - set(barred) if policy["levels"] > 1 else set())


def test_an_expired_approval_counts_no_more_and_a_later_one_not_yet(scene: Scene) -> None:
    """W2, W4."""
    add(
        scene,
        scene.order(1, "a", "review_in_progress", approvals=(scene.approval(1, "bob", hours=-1),)),
        scene.order(
            2, "a", "review_in_progress", approvals=(scene.approval(1, "bob"), scene.approval(2, "eve", later=5))
        ),
    )
    expired, later = scene.ask(view="pending")["pending"]
    assert (expired["approvals_given"], expired["may_not_approve"]) == (0, ["ada"])
    assert expired["approvals_expire_at"] is None
    assert (later["approvals_given"], later["may_not_approve"]) == (1, [])
    assert "approved by eve from" in later["waits_for"]


def test_what_waits_is_filtered_by_what_it_bears_itself(scene: Scene) -> None:
    """E1, E20: a first enrolment has no certificate before it is approved, and is found all the same."""
    fresh = CertRequest("req-9", "new", "enroll", "submitted", "own", "endpoint", device="main", group="slow")
    add(scene, replace(fresh, tracking_id="CHG-9"), scene.order(1, "a"), scene.order(2, "b"))

    def found(**options: Any) -> list[str]:
        pending = scene.ask(view="pending", **options)["pending"]
        return [one["request_id"] or one["work_order_id"] for one in pending]

    assert found(group=["slow"]) == found(tracking_id="CHG-9") == found(certificate="new") == ["req-9"]
    assert found(group=["default"]) == ["wo-1", "wo-2"]
    assert found(device=["main"], attributes={"team": "edge"}) == ["wo-1"]
    assert found(device=["other"]) == []
    history = scene.ask(view="history", tracking_id="CHG-1")
    assert [one["request_id"] for one in history["requests"]] == ["req-1"] and history["work_orders"] == []


# -- the rest ----------------------------------------------------------------------------------------------------------


def test_the_audit_is_filtered_by_tracking_id(scene: Scene) -> None:
    """W6: alone it gives every line that bears it, beside other filters those of the others that bear it."""
    with scene.store.write() as unit:
        unit.audit(AuditEntry("bob", "elsewhere", "device", "main", tracking_id="CHG-1"))
        unit.audit(AuditEntry("bob", "looked_at", "certificate", "a"))
        unit.audit(AuditEntry("bob", "group_changed", "group", "slow"))

    def actions(**options: Any) -> list[str]:
        return [line["action"] for line in scene.ask(view="audit", **options)["audit"]]

    both = ["attachment_added", "attachment_added"]
    assert actions(tracking_id="CHG-1") == [*both, "elsewhere"]
    assert actions(tracking_id="CHG-1", certificate="a") == both
    assert actions(certificate="a") == [*both, "looked_at"]
    assert actions(tracking_id="CHG-1", limit=1) == ["elsewhere"]
    assert actions(group=["slow"]) == ["attachment_added", "group_changed"]
    assert actions(certificate="nobody") == []


def test_groups_are_shown_with_their_policy_and_the_default_one_always(scene: Scene) -> None:
    """G: with what hangs on them."""
    default, slow = scene.ask(view="groups")["groups"]
    assert (default["name"], default["certificates"], default["expiry_warning_days"]) == ("default", 2, 30)
    assert (slow["name"], slow["certificates"], slow["expiry_warning_days"]) == ("slow", 1, 10)
    assert default["approvals"]["push"] == 2
    assert {one["is_frozen"] for one in default["freeze"]} == {False}
    assert [one["name"] for one in scene.ask(view="groups", group=["slow"])["groups"]] == ["slow"]
