# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Proofs of control at an ACME CA: what somebody has to do, and when the CA is told to look."""

from __future__ import annotations

import pathlib
from collections.abc import Iterator

import pytest

from ansible_collections.edgecert.clm.plugins.module_utils._ca import acme_look
from ansible_collections.edgecert.clm.plugins.module_utils._ca.answer_base import (
    Issued,
    Pending,
    Rejected,
)
from ansible_collections.edgecert.clm.plugins.module_utils._core.csr_spec import CsrSpec
from ansible_collections.edgecert.clm.tests.support.acme_world import World, of, running
from ansible_collections.edgecert.clm.tests.support.csrs import KEYS, make_csr


@pytest.fixture
def world(tmp_path: pathlib.Path) -> Iterator[World]:
    with running(tmp_path) as made:
        yield made


def test_wildcards_are_proved_by_dns_and_addresses_by_http_whatever_is_wanted(world: World) -> None:
    """RFC 8555 §7.1.4, RFC 8738 §4; E22: the choice stands for the other names."""
    world.orders.polls, world.vendor.is_generous = 1, True
    names = ("www.example.com", "*.example.com", "192.0.2.7", "2001:db8::7")
    spec = CsrSpec("www.example.com", names[:2], ip_addresses=names[2:])
    csr = make_csr(KEYS["p256"](), names=names)
    for wanted in ("http-01", "dns-01"):
        order = world.order(spec=spec, options={"dcv_type": wanted})
        assert list(world.connect().validate(order)) == []
        answer = of(Pending, world.connect().submit(order, csr))
        assert answer.state == "pending_validation"
        kinds = {(one.domain, one.kind) for one in answer.actions}
        sure = {("example.com", "dns-01"), ("192.0.2.7", "http-01"), ("2001:db8::7", "http-01")}
        assert kinds == {*sure, ("www.example.com", wanted)}
        by_kind = {one.domain: one for one in answer.actions}
        assert by_kind["example.com"].name == "_acme-challenge.example.com"
        assert by_kind["2001:db8::7"].url.startswith("http://[2001:db8::7]/.well-known/acme-challenge/")
        assert by_kind["192.0.2.7"].value.startswith(by_kind["192.0.2.7"].name.rsplit("/", 1)[1] + ".")


def test_a_name_and_its_wildcard_are_two_values_at_one_record(world: World) -> None:
    """A playbook has to publish both."""
    world.orders.polls = 1
    spec = CsrSpec("example.com", ("example.com", "*.example.com"))
    answer = world.connect().submit(world.order(spec=spec), make_csr(KEYS["p256"](), spec.dns_names, "example.com"))
    actions = of(Pending, answer).actions
    assert len({one.value for one in actions}) == 2 and {one.name for one in actions} == {"_acme-challenge.example.com"}


def test_what_is_to_be_done_is_told_in_one_order_whatever_the_cas(world: World) -> None:
    """A dozen names; told in another order, each look would count as news and be written down."""
    world.orders.polls = 1
    names = tuple(f"w{number}.example.com" for number in range(12))
    connector = world.connect()
    answer = connector.submit(world.order(spec=CsrSpec(names[0], names)), make_csr(KEYS["p256"](), names, names[0]))
    for _time in range(2):
        assert of(Pending, connector.peek(of(Pending, answer).handle)).actions == of(Pending, answer).actions


def test_the_ca_is_told_when_its_time_has_come_and_not_before(world: World) -> None:
    """A proof that fails ends an order, so that the run that ordered tells nothing, nor any before the time."""
    world.orders.polls = 2
    connector = world.connect()
    answer = of(Pending, world.submitted(connector))
    assert 59 <= answer.look_again_s <= 60 and len(answer.actions) == 1
    for ask in (connector.peek, connector.collect):
        early = of(Pending, ask(answer.handle))
        assert early.actions == answer.actions and early.look_again_s > 50
    world.orders.clock.sleep(61)
    assert of(Pending, connector.peek(answer.handle)).look_again_s == 0
    assert not world.vendor.proofs[0].is_asked, "planning changes nothing"
    asked = of(Pending, connector.collect(answer.handle))
    assert world.vendor.proofs[0].is_asked and asked.look_again_s > 0
    assert asked.actions == answer.actions, "the CA still looks at what was published"
    world.vendor.proofs[0].left = 2
    again = of(Pending, connector.peek(asked.handle))
    assert again.actions == answer.actions and again.look_again_s > 0, "it is told once"
    assert isinstance(connector.collect(asked.handle), Issued)


def test_what_the_ca_looks_at_stays_to_be_done_until_it_is_valid(world: World) -> None:
    """Whoever publishes takes away what is no more asked for: one name's proof must not go with another's."""
    world.orders.polls = 2
    names = tuple(f"w{number}.example.com" for number in range(3))
    connector = world.connect(dcv_wait_s=0)
    answer = connector.submit(world.order(spec=CsrSpec(names[0], names)), make_csr(KEYS["p256"](), names, names[0]))
    told = of(Pending, answer).actions
    asked = of(Pending, connector.collect(of(Pending, answer).handle))
    assert asked.actions == told and "has to stay" in asked.message
    for one in world.vendor.proofs:
        one.left = 3
    world.vendor.proofs[0].status = "valid"
    assert {one.domain for one in of(Pending, connector.peek(asked.handle)).actions} == set(names[1:])


def test_looking_at_many_proofs_ends_in_time(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """A silent name server must not outlast the lease of the request."""
    world.orders.polls = 1
    names = tuple(f"w{number}.example.com" for number in range(40))
    connector = world.connect(dcv_check="look")
    answer = connector.submit(world.order(spec=CsrSpec(names[0], names)), make_csr(KEYS["p256"](), names, names[0]))
    looked = []

    def silent(name: str, _value: str, _servers: object) -> str:
        looked.append(name)
        world.orders.clock.sleep(10)
        return "name server 192.0.2.53 does not answer"

    monkeypatch.setattr(acme_look, "txt_reason", silent)
    again = of(Pending, connector.collect(of(Pending, answer).handle))
    assert len(looked) == 7 and len(again.actions) == 40 and "does not answer" in again.message


def test_planning_says_that_a_proved_order_can_go_on_and_changes_nothing(world: World) -> None:
    """The contract of peek."""
    world.orders.polls = 1
    connector = world.connect(dcv_wait_s=0)
    answer = of(Pending, world.submitted(connector))
    world.vendor.proofs[0].status = "valid"
    for _twice in range(2):
        assert of(Pending, connector.peek(answer.handle)).look_again_s == 0
    assert world.vendor.placed[0].leaf == ""


def test_the_cas_own_time_for_looking_again_is_kept(world: World) -> None:
    """ca-connectors §3.3: Retry-After."""
    world.orders.polls = 3
    connector = world.connect(dcv_wait_s=0)
    answer = of(Pending, world.submitted(connector))
    world.vendor.retry_after = "37"
    assert of(Pending, connector.collect(answer.handle)).look_again_s == 37


def test_a_proof_that_failed_ends_the_order_with_the_cas_reason(world: World) -> None:
    """State table: invalid, told at once or later."""
    world.orders.polls, world.orders.ends = 2, "refused"
    connector = world.connect(dcv_wait_s=0)
    answer = of(Pending, world.submitted(connector))
    asked = of(Pending, connector.collect(answer.handle))
    for _twice in range(2):
        ended = of(Rejected, connector.collect(asked.handle))
        assert "refused: no TXT record" in ended.reason and "www.example.com" in ended.reason


def test_a_ca_without_a_proof_that_can_be_given_is_told(world: World) -> None:
    """It names what the CA offers."""
    world.orders.polls, world.vendor.offered = 1, ("tls-alpn-01",)
    assert "tls-alpn-01" in of(Rejected, world.submitted(world.connect())).reason
    world.vendor.offered = ("http-01",)
    assert of(Pending, world.submitted(world.connect())).actions[0].kind == "http-01", "the other one serves"
