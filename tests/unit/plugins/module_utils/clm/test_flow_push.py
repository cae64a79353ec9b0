# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Application connectors and pushes to staging, proved at the sandbox's edge."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from ansible_collections.edgecert.clm.plugins.module_utils._clm import connectors
from ansible_collections.edgecert.clm.plugins.module_utils._core.errors import (
    ClmError,
    ConflictError,
    InputError,
    NotFoundError,
    PolicyError,
    RemoteError,
    StateError,
)
from ansible_collections.edgecert.clm.plugins.module_utils._cps.changes import PRE_WARNINGS, ChangeRecord
from ansible_collections.edgecert.clm.plugins.module_utils._cps.client import CpsClient
from ansible_collections.edgecert.clm.tests.support.flow import Bench
from ansible_collections.edgecert.clm.tests.support.meanwhile import Elsewhere

WARNING = "A warning nobody has seen before."
LISTS: dict[str, list[str]] = {"allow": [], "ask": [], "block": []}
NETWORKS = ("staging", "production")
UPLOAD = "third-party-cert-and-trust-chain"


def edge(bench: Bench, network: str = "staging") -> dict[str, list[str]]:
    """Give the edge option of a push to staging, with the address of an edge of that network."""
    return {"staging": [bench.sandbox.edge(network)]}


def posts(bench: Bench) -> list[str]:
    """Give the last segments of the POSTs since the last look."""
    return [path.rsplit("/", 1)[1] for method, path in bench.calls() if method == "POST"]


def order_of(outcome: Any) -> Any:
    """Give the work order of an outcome."""
    assert outcome.record is not None
    return outcome.record


def deployed(bench: Bench) -> tuple[list[str], list[str]]:
    """Give the fingerprints that staging and production serve."""
    [found] = bench.enrollments()
    staging, production = ([facts["fingerprint"] for facts in found[net].certificates] for net in NETWORKS)
    return staging, production


# -- connectors ----------------------------------------------------------------------------------------------------


def test_a_connector_is_added_kept_changed_and_removed(bench: Bench) -> None:
    """A1, A2, A3."""
    bench.issued()
    named = {"certificate": bench.name(), "name": "app", "state": "present"}
    assert not connectors.plan({**named, "devices": ["edge"]}, bench.ports).changed
    assert not connectors.plan(named, bench.ports).changed
    plan = connectors.plan({**named, "description": "the shop"}, bench.ports)
    assert plan.changed and plan.execute().record
    fixed = {"certificate_type": "pem", "private_key_in_device": True, "push_chain": True}
    assert not connectors.plan({**named, **fixed}, bench.ports).changed
    gone = {**named, "state": "absent"}
    assert connectors.plan(gone, bench.ports).execute().record is None
    assert not connectors.plan(gone, bench.ports).changed
    assert bench.audit()[-3:] == ["connector_added", "connector_changed", "connector_removed"]


REFUSED: list[tuple[dict[str, Any], type[ClmError], str]] = [
    ({"certificate_type": "pkcs12"}, InputError, "PEM only"),
    ({"private_key_in_device": False}, InputError, "never leaves"),
    ({"push_chain": False}, InputError, "chain"),
    ({"devices": []}, InputError, "empty"),
    ({"devices": ["edge", "nowhere"]}, NotFoundError, "nowhere"),
    ({"devices": ["edge", "other"]}, PolicyError, "monitored"),
    ({"devices": ["third"]}, PolicyError, "key is in enrollment"),
    ({"certificate": "nothing"}, NotFoundError, "nothing"),
]


def test_a_connector_that_cannot_be_is_refused_with_the_reason(bench: Bench) -> None:
    """A2, A3: devices exist and are managed, fixed values stay fixed."""
    bench.issued()
    bench.device(name="other", cert_sync="monitored", discover="none")
    bench.device(name="third", discover="none")
    bench.calls()
    for changes, kind, reason in REFUSED:
        with pytest.raises(kind, match=reason):
            bench.connector(name="next", **{"devices": ["edge"], **changes})
    assert bench.calls() == [] and bench.records()["connectors"] == 1


# -- the way to staging --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("wish", [{}, {"dual_stack": True}, {"key_type": "ec"}], ids=["rsa", "dual", "ec"])
def test_a_certificate_is_on_staging_and_proved_by_handshakes(bench: Bench, wish: dict[str, Any]) -> None:
    """U2, U6, E10: what the edge presents is what was pushed; production is untouched."""
    issued = bench.issued(**wish)
    assert issued.record is not None
    plan = bench.plan_push(edge=edge(bench))
    assert [step.sentence.split()[0] for step in plan.steps] == ["Record", "Upload", "Follow", "Prove"]
    order = order_of(plan.execute())
    assert order["state"] == "completed" and order["label"] == "Completed"
    assert {e["kind"] for e in order["evidence"]} == {"handshake"}
    wanted = set(issued.record["fingerprints"].values())
    assert {e["fingerprint"] for e in order["evidence"]} == wanted
    staging, production = deployed(bench)
    assert set(staging) == wanted and production == []
    [shown] = bench.certificates(network="staging")
    assert shown["staging"]["fingerprint"] in wanted and not shown["production"]


def test_the_same_push_again_makes_no_step(bench: Bench) -> None:
    """U2: two calls look, nothing is sent."""
    bench.issued()
    first = order_of(bench.push())
    posts(bench)
    plan = bench.plan_push()
    assert not plan.changed and plan.execute().record == first
    assert posts(bench) == []
    assert {e["kind"] for e in first["evidence"]} == {"api"}


def test_check_mode_sends_and_stores_nothing(bench: Bench) -> None:
    """U2."""
    bench.issued()
    posts(bench)
    plan = bench.plan_push()
    assert plan.after is not None and plan.after["state"] == "completed"
    assert posts(bench) == [] and bench.records()["work_orders"] == 0


def test_without_waiting_each_call_goes_as_far_as_it_can(bench: Bench) -> None:
    """U2, E24: upload, verification, deployment, proof."""
    bench.sandbox.configure({"verify_s": 120, "staging_s": 300})
    bench.issued()
    order = order_of(bench.push(wait=False))
    assert order["state"] == "implementing" and order["message"] and order["next_look_at"]
    assert not bench.plan_push(wait=False).changed
    bench.advance(150)
    order = order_of(bench.push(wait=False))
    assert order["state"] in ("implementing", "deploying_staging")
    bench.advance(70)
    order = order_of(bench.push(wait_timeout=20))
    assert order["state"] == "deploying_staging"
    bench.advance(400)
    order = order_of(bench.push(wait=False))
    assert order["state"] == "completed"
    assert [c["type"] for c in order["conditions"]][-3:] == ["deploying_staging", "on_staging", "completed"]
    assert posts(bench).count(UPLOAD) == 1


def test_a_push_needs_a_connector_an_issued_certificate_and_a_managed_device(bench: Bench) -> None:
    """U1, D5, E24."""
    bench.prepare()
    with pytest.raises(NotFoundError):
        bench.plan_push()
    bench.sandbox.configure({"csr_s": 120})
    bench.enroll(wait=False)
    with pytest.raises(StateError, match="no application connector"):
        bench.plan_push()
    bench.connector()
    with pytest.raises(StateError, match="is implementing"):
        bench.plan_push()
    bench.advance(150)
    bench.enroll()
    with pytest.raises(NotFoundError, match="other"):
        bench.plan_push(connector="other")
    bench.connector(name="second")
    with pytest.raises(InputError, match="name one"):
        bench.plan_push()
    bench.again(cert_sync="monitored", discover="none").execute()
    bench.calls()
    with pytest.raises(PolicyError, match="monitored"):
        bench.plan_push(connector="app")
    assert bench.calls() == []


def test_a_push_that_would_reach_production_is_refused_before_the_upload(bench: Bench) -> None:
    """U2: stops at staging, or does not start."""
    bench.device(discover="none")
    bench.settings(change_management=False)
    bench.ca()
    bench.enroll()
    bench.connector()
    posts(bench)
    with pytest.raises(PolicyError) as caught:
        bench.plan_push()
    assert caught.value.code == "would_reach_production"
    assert posts(bench) == [] and bench.records()["work_orders"] == 0


def test_an_expired_certificate_is_refused_before_the_upload(bench: Bench) -> None:
    """U6."""
    bench.issued(validity={"count": 1, "unit": "days"})
    bench.advance(2 * 86400)
    posts(bench)
    with pytest.raises(PolicyError, match="expired") as caught:
        bench.plan_push()
    assert caught.value.code == "certificate_unusable" and posts(bench) == []


def test_a_certificate_of_another_key_is_refused_before_the_upload(bench: Bench) -> None:
    """U6, design §8: whatever happened to the store."""
    bench.issued()
    other = bench.enroll(common_name=bench.name("other")).record
    assert other is not None
    with bench.store.write() as unit:
        [request] = [r for r in unit.requests.find() if r.certificate_id == bench.name()]
        unit.requests.put(replace(request, fingerprints=other["fingerprints"]))
    posts(bench)
    with pytest.raises(PolicyError, match="key"):
        bench.plan_push()
    assert posts(bench) == []


# -- warnings ------------------------------------------------------------------------------------------------------


def test_an_unknown_warning_is_never_acknowledged_by_itself(bench: Bench) -> None:
    """U2, design §8; resumed once the policy of a later call names it."""
    bench.sandbox.configure({"post_verification_warnings": [WARNING]})
    bench.issued()
    posts(bench)
    order = order_of(bench.push())
    assert order["state"] == "needs_decision" and WARNING in order["message"]
    assert {n["text"]: n["decision"] for n in order["notices"]}[WARNING] == "asked"
    assert posts(bench) == [UPLOAD]
    again = bench.plan_push()
    assert order_of(again.execute())["state"] == "needs_decision"
    with pytest.raises(InputError):
        bench.plan_push(warnings={**LISTS, "allow": ["A_WORD"]})
    order = order_of(bench.push(warnings={**LISTS, "allow": ["re:nobody has seen"]}))
    assert order["state"] == "completed"
    assert {n["text"]: n["decision"] for n in order["notices"]}[WARNING] == "allowed"
    assert posts(bench) == ["post-verification-warnings-ack"]


@pytest.mark.parametrize("word", ["ask", "block"])
def test_a_warning_that_is_to_be_asked_or_blocked_waits(bench: Bench, word: str) -> None:
    """U2: the known warning of a private root, which is allowed by default."""
    bench.issued()
    policy = {**LISTS, word: ["TRUST_CHAIN_TERMINATES_WITH_NON_STANDARD_CERTIFICATE"]}
    order = order_of(bench.push(warnings=policy))
    assert order["state"] == "needs_decision"
    assert [n["decision"] for n in order["notices"]] == [{"ask": "asked", "block": "blocked"}[word]]
    assert deployed(bench) == ([], [])


# -- lost replies --------------------------------------------------------------------------------------------------

LOST = [
    ("lost_before", {}, 2),
    ("lost_after", {}, 1),
    ("truncated", {}, 1),
    ("garbage", {}, 1),
    ("server_error", {"when": "before"}, 2),
    ("server_error", {"when": "after"}, 1),
]


@pytest.mark.parametrize(("kind", "more", "uploads"), LOST, ids=[f"{k}-{n}" for k, _m, n in LOST])
def test_a_lost_reply_to_the_upload_is_looked_into_and_not_repeated(
    bench: Bench, kind: str, more: dict[str, Any], uploads: int
) -> None:
    """U2, W5."""
    bench.issued()
    posts(bench)
    bench.sandbox.fault(kind, method="POST", path=UPLOAD, **more)
    try:
        bench.push()
    except RemoteError:
        bench.advance(30)
        order = order_of(bench.push())
    else:
        order = order_of(bench.push())
    assert order["state"] == "completed"
    assert posts(bench).count(UPLOAD) == uploads
    assert bench.records()["work_orders"] == 1
    with bench.store.read() as unit:
        assert all(intent.finished_at for intent in unit.intents.find())


def test_an_upload_that_still_shows_its_old_state_is_not_repeated(bench: Bench) -> None:
    """U2: CPS shows the old state for a while after an upload."""
    bench.issued()
    bench.sandbox.configure({"lag_s": 60})
    posts(bench)
    order = order_of(bench.push(wait=False))
    assert order["state"] == "implementing"
    order = order_of(bench.push(wait=False))
    assert posts(bench).count(UPLOAD) == 1
    bench.sandbox.configure({"lag_s": 1})
    bench.advance(100)
    assert order_of(bench.push())["state"] == "completed"


def test_a_lost_reply_to_the_acknowledgement_is_looked_into(bench: Bench) -> None:
    """U2, W5."""
    bench.issued()
    bench.sandbox.fault("lost_after", method="POST", path="post-verification-warnings-ack")
    try:
        order = order_of(bench.push())
    except RemoteError:
        order = order_of(bench.push())
    assert order["state"] == "completed"


def test_two_pushes_planned_at_once_upload_once(bench: Bench) -> None:
    """W5."""
    bench.issued()
    plans = [bench.plan_push(), bench.plan_push()]
    posts(bench)
    assert order_of(plans[0].execute())["state"] == "completed"
    with pytest.raises(ConflictError):
        plans[1].execute()
    assert posts(bench).count(UPLOAD) == 1


# -- proof ---------------------------------------------------------------------------------------------------------


def test_what_the_edge_does_not_serve_is_not_proved_and_the_order_waits(bench: Bench) -> None:
    """U6: CPS says deployed, the edge asked presents something else."""
    bench.issued(key_type="ec")
    order = order_of(bench.push(edge=edge(bench, "production"), wait_timeout=60))
    assert order["state"] == "on_staging" and order["reason"] == "not_proven"
    assert "presents" in order["message"] and bench.name() in order["message"]
    order = order_of(bench.push(edge=edge(bench)))
    assert order["state"] == "completed" and order["evidence"][0]["kind"] == "handshake"
    assert order["reason"] == "" and order["message"] == ""


def test_an_edge_that_does_not_answer_is_not_a_proof(bench: Bench) -> None:
    """U6."""
    bench.issued()
    order = order_of(bench.push(edge={"staging": ["127.0.0.1:1"]}, wait_timeout=60))
    assert order["state"] == "on_staging" and order["reason"] == "not_proven" and "127.0.0.1" in order["message"]


def test_every_action_of_a_push_leaves_a_line(bench: Bench) -> None:
    """W6: and the chain holds."""
    bench.issued()
    bench.push(comment="go")
    assert bench.audit()[-5:] == [
        "work_order_submitted",
        "certificate_uploaded",
        "warnings_acknowledged",
        "certificate_on_staging",
        "push_completed",
    ]


def test_a_change_that_is_gone_is_told(bench: Bench) -> None:
    """U2: nothing is pushed into a change that is not ours."""
    bench.issued()
    Elsewhere(bench).cancel()
    with pytest.raises(StateError) as caught:
        bench.plan_push()
    assert caught.value.code == "no_open_change"


def test_a_change_that_went_back_to_before_its_csr_is_for_the_request(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """U2, design §1: a change is gone by its inputs, in whatever order CPS asks for them."""
    bench.issued()
    read = CpsClient.get_change

    def get_change(client: CpsClient, enrollment_id: int, change_id: int) -> ChangeRecord:
        change = read(client, enrollment_id, change_id)
        [wanted] = change.allowed_inputs
        return replace(change, allowed_inputs=(replace(wanted, kind=PRE_WARNINGS),))

    monkeypatch.setattr(CpsClient, "get_change", get_change)
    bench.calls()
    with pytest.raises(StateError, match="before the CSR was made .*; run edgecert.clm.cert_enroll") as caught:
        bench.push()
    assert caught.value.code == "change_not_ready"
    assert {method for method, _path in bench.calls()} == {"GET"}
