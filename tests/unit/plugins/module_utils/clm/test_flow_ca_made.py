# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Certificates whose key the CA makes, as AWS Certificate Manager does: without a CSR, and never for CPS (E2, E7)."""

from __future__ import annotations

import pathlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import pytest
from cryptography import x509

from ansible_collections.edgecert.clm.plugins.module_utils._ca.answer_base import (
    CANCELLED,
    Answer,
    CannotTell,
    Found,
    Handle,
    Issued,
    NotThere,
    Pending,
    Rejected,
    Revocation,
)
from ansible_collections.edgecert.clm.plugins.module_utils._ca.base import Order
from ansible_collections.edgecert.clm.plugins.module_utils._ca.capability_base import Capabilities
from ansible_collections.edgecert.clm.plugins.module_utils._clm import exporting, push, queries
from ansible_collections.edgecert.clm.plugins.module_utils._core.errors import (
    InputError,
    PolicyError,
    RemoteError,
    StateError,
)
from ansible_collections.edgecert.clm.plugins.module_utils._core.types import Bundle
from ansible_collections.edgecert.clm.tests.support import lab_pki
from ansible_collections.edgecert.clm.tests.support.csrs import KEYS, make_csr
from ansible_collections.edgecert.clm.tests.support.fake_ca.signing import SigningCore
from ansible_collections.edgecert.clm.tests.support.flow import Bench, StubCa


class KeyMaker(StubCa):
    """A CA that makes the keys, on P-256.

    :ivar orders: handed over, by id, the first one first.
    :ivar waits: orders stay pending; ``cancels`` says whether such a one is taken back at once.
    :ivar drops: names that it leaves out.
    :ivar key_types: that it takes orders for.
    :ivar is_rsa: makes RSA keys of 2048 bits instead.
    :ivar loses: raised after an order was taken; None to answer.
    :ivar tells: what ``find`` answers.
    """

    def __init__(self, now: Callable[[], Any]) -> None:
        super().__init__(lambda _csr: self._no())
        self._now, self.root = now, lab_pki.make("Key Maker Root", ca=True, now=now(), days=3000)
        self.orders: dict[str, Order] = {}
        self.made: dict[str, Bundle] = {}
        self.waits, self.drops, self.key_types, self.cancels = False, (), ("ec",), False
        self.is_rsa = False
        self.loses: Exception | None = None
        self.tells: Found = NotThere("a stub keeps no lists")

    drops: Sequence[str]
    key_types: tuple[str, ...]

    @staticmethod
    def _no() -> Answer:
        raise AssertionError("nothing is signed here")

    def capabilities(self) -> Capabilities:
        """Take no CSR from anywhere."""
        able = replace(super().capabilities(), csr_sources=("ca",), key_types=self.key_types)
        return replace(able, is_immediate=False, can_adopt=True, can_cancel=True, revoke_reasons=("unspecified",))

    def revoke(self, handle: Handle, reason: str, comment: str) -> Revocation:
        """Revoke."""
        return Revocation()

    def submit(self, order: Order, csr_pem: str) -> Answer:
        """Take the order."""
        assert csr_pem == ""
        number = f"arn-{len(self.orders) + 1}"
        self.orders[number] = order
        if self.loses is not None:
            raise self.loses
        return Pending({"order_id": number}, "it is being made", 1.0)

    def find(self, order: Order, csr_pem: str) -> Found:
        """Answer as the test wants."""
        assert csr_pem == ""
        return self.tells

    def adopt(self, order_id: str, order: Order, csr_pem: str) -> Answer:
        """Take over what is there."""
        return self.collect({"order_id": order_id})

    def collect(self, handle: Mapping[str, Any]) -> Answer:
        """Give the certificate of the order, always the same."""
        if self.waits:
            return Pending(handle, "it is being made", 60.0)
        number = handle["order_id"]
        order = self.orders[number]
        if number not in self.made:
            self.made[number] = self._make_one(order)
        return Issued(self.made[number], {**handle, "serial": "01"})

    def _make_one(self, order: Order) -> Bundle:
        names = [name for name in order.spec.dns_names if name not in self.drops]
        if self.is_rsa:
            core, csr = SigningCore(self._now()), make_csr(KEYS["rsa"](), tuple(names), order.spec.common_name)
            leaf, _serial = core.sign(csr, names, self._now(), order.validity_days or 0)
            return Bundle(leaf, (core.issuing.pem,), core.root.pem)
        more = {"now": self._now(), "days": order.validity_days, "names": [x509.DNSName(name) for name in names]}
        return Bundle(lab_pki.make(order.spec.common_name, self.root, **more).pem, (), self.root.pem)

    def cancel(self, handle: Handle) -> Answer:
        """Take back what waits."""
        if not self.waits:
            return self.collect(handle)
        return Rejected("taken back", handle, CANCELLED) if self.cancels else Pending(handle, "not now", 60.0)


@pytest.fixture
def maker(bench: Bench) -> KeyMaker:
    """Give the CA of the bench's account."""
    bench.ca()
    bench.free()
    made = KeyMaker(bench.ports.clock.now)
    bench.use_ca(made)
    return made


WANTED: Mapping[str, Any] = {"csr_source": "ca", "device": None, "key_type": "ec"}


def enroll(bench: Bench, **changes: Any) -> dict[str, Any]:
    return dict(bench.enroll(**{**WANTED, **changes}).record or {})


def test_it_is_issued_without_a_csr_and_shown_like_any_other(bench: Bench, maker: KeyMaker) -> None:
    """E2, E6, E12: what is to be in it goes with the order; nothing is made here, and no device is asked."""
    plan = bench.plan_enroll(**WANTED, subject_alternative_names={"dns": [bench.name("api")]})
    assert [step.sentence for step in plan.steps][1:] == [
        f"Leave the key of {bench.name()} to the CA",
        "Go on without a CSR",
        "Have CA account house make key and certificate",
        "Retrieve the certificate",
    ]
    assert maker.orders == {}
    record = plan.execute().record or {}
    assert record["state"] == "issued" and record["csrs"] == {} and record["csr_source"] == "ca"
    [order] = maker.orders.values()
    assert order.spec.dns_names == (bench.name(), bench.name("api")) and order.spec.key_type == "ec"
    assert bench.records()["held_secrets"] == 0
    [shown] = queries.plan_certificates({"view": "list", "compare": True}, bench.ports).extra["certificates"]
    assert shown["comparison"]["csr"] == {} and shown["comparison"]["unreadable"] == []
    assert shown["comparison"]["differences"] == [] and "ECDSA" in shown["comparison"]["certificate"]
    again = bench.plan_enroll(**WANTED, subject_alternative_names={"dns": [bench.name("api")]})
    assert again.steps == () and len(maker.orders) == 1


@pytest.mark.parametrize("source", ["endpoint", "local", None])
def test_such_a_ca_takes_no_csr_and_says_what_does(bench: Bench, maker: KeyMaker, source: str | None) -> None:
    """E7: refused before anything is stored."""
    bench.device()
    bench.settings()
    with pytest.raises(InputError) as caught:
        bench.plan_enroll(csr_source=source, device=None if source == "local" else "edge", organization="Example")
    told = caught.value.message
    assert f"csr_source {source or 'endpoint'} is not to be had with CA account house" in told
    assert "makes the key itself and takes no CSR; give csr_source: ca" in told and maker.orders == {}


def test_another_ca_makes_no_keys(bench: Bench) -> None:
    """E7: the other way round."""
    bench.ca()
    bench.free()
    with pytest.raises(InputError, match="csr_source ca is not to be had with CA account house, which takes endp"):
        bench.plan_enroll(**WANTED)


def test_what_only_a_csr_could_say_is_refused_all_at_once(bench: Bench, maker: KeyMaker) -> None:
    """E10, E14, E16, E17: nothing is left out silently."""
    asked: dict[str, Any] = {
        "organization": "Example",
        "country": "DE",
        "email": "ada@example.com",
        "hash": "sha384",
        "challenge_password": "Secret-1",
        "challenge_password_confirm": "Secret-1",
        "extensions": {"must_staple": True},
        "dual_stack": True,
        "reuse_key": True,
        "csr": "-----BEGIN",
        "contract_id": "C-1",
        "auto_regenerate": {"enabled": True, "force_local_csr": True},
    }
    with pytest.raises(InputError) as caught:
        bench.plan_enroll(**{**WANTED, **asked})
    told = caught.value.message
    assert "Secret-1" not in told
    for option in ("organization", "country", "email", "hash", "challenge_password", "extensions", "dual_stack"):
        assert f"{option} does not go with csr_source ca" in told, option
    for option in ("reuse_key", "contract_id", "auto_regenerate.force_local_csr"):
        assert f"{option} does not go with csr_source ca" in told, option


def test_a_group_fills_what_goes_with_it_and_nothing_else(bench: Bench, maker: KeyMaker) -> None:
    """E1: subjects and contracts of a policy are for CSRs and enrollments."""
    bench.group(defaults={"organization": "Example AG", "country": "DE", "contract_id": "C-1", "key_type": "ec"})
    assert enroll(bench)["wish"]["organization"] == ""


def test_it_can_never_go_to_cps(bench: Bench, maker: KeyMaker) -> None:
    """A1, U1, E7: and says why."""
    bench.device()
    enroll(bench)
    for act in (bench.connector, bench.plan_push):
        with pytest.raises(PolicyError, match="the CA makes the key and keeps it") as caught:
            act()
        assert caught.value.code == "key_elsewhere"


def test_its_key_cannot_be_exported_but_its_certificate_can(
    bench: Bench, maker: KeyMaker, tmp_path: pathlib.Path
) -> None:
    """E6: the CA keeps it."""
    enroll(bench)
    wanted = {"certificate": bench.name(), "dest": str(tmp_path / "www.pem"), "format": "pem"}
    with pytest.raises(StateError, match="the CA makes the key and keeps it") as caught:
        exporting.plan({**wanted, "content": "bundle"}, bench.ports).execute()
    assert caught.value.code == "key_not_here"
    exporting.plan({**wanted, "content": "fullchain"}, bench.ports).execute()
    assert "BEGIN CERTIFICATE" in (tmp_path / "www.pem").read_text()


def test_what_waits_at_the_ca_is_retrieved_by_a_later_run(bench: Bench, maker: KeyMaker) -> None:
    """E24: with one order."""
    maker.waits = True
    assert enroll(bench, wait=False)["state"] == "retrieval_in_progress"
    maker.waits = False
    bench.advance(120)
    assert enroll(bench)["state"] == "issued" and len(maker.orders) == 1


def test_a_certificate_without_a_name_is_not_used_and_not_bought_again(bench: Bench, maker: KeyMaker) -> None:
    """U6: there is no CSR to tell orders apart by, so names and key do."""
    maker.drops = (bench.name("api"),)
    names = {"dns": [bench.name("api")]}
    with pytest.raises(StateError, match="issued for the ECDSA key that it makes: .*lack the DNS names"):
        enroll(bench, subject_alternative_names=names)
    with pytest.raises(StateError, match="for this very order of a key of the kind ECDSA") as caught:
        enroll(bench, subject_alternative_names=names)
    assert caught.value.code == "certificate_unusable" and len(maker.orders) == 1
    assert enroll(bench)["state"] == "issued" and len(maker.orders) == 2


def test_a_certificate_of_another_kind_of_key_is_not_used(bench: Bench, maker: KeyMaker) -> None:
    """U6, E17."""
    maker.key_types = ("rsa", "ec")
    with pytest.raises(StateError, match="the certificate's key is of the kind ECDSA, RSA is wanted"):
        enroll(bench, key_type="rsa")


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"curve": "secp384r1"}, "secp256r1, secp384r1 is wanted"),
        ({"key_type": "rsa", "key_size": 3072}, "2048 bits, 3072 are wanted"),
    ],
)
def test_another_measure_of_key_than_was_asked_for_is_not_used(
    bench: Bench, maker: KeyMaker, asked: dict[str, Any], said: str
) -> None:
    """E17, U6: elsewhere the key of the CSR says it."""
    maker.key_types, maker.is_rsa = ("ec", "rsa"), "key_size" in asked
    with pytest.raises(StateError, match=said):
        enroll(bench, **asked)


def test_a_cancelled_order_is_gone_on_with_for_the_same_names_alone(bench: Bench, maker: KeyMaker) -> None:
    """E24: what was bought is not bought twice, and what is another order is not taken for it."""
    maker.waits = True
    first = enroll(bench, wait=False)
    bench.act("ada", "cancel", request_id=first["request_id"])
    other = enroll(bench, wait=False, subject_alternative_names={"dns": [bench.name("api")]})
    assert len(maker.orders) == 2
    bench.act("ada", "cancel", request_id=other["request_id"])
    maker.waits = False
    assert enroll(bench)["state"] == "issued" and len(maker.orders) == 2


def test_an_order_that_came_to_a_certificate_is_no_order_of_a_later_request(bench: Bench, maker: KeyMaker) -> None:
    """E24: nothing that was revoked comes back as new."""
    maker.waits = True
    first = enroll(bench, wait=False)
    bench.act("ada", "cancel", request_id=first["request_id"])
    maker.waits = False
    assert enroll(bench)["state"] == "issued" and len(maker.orders) == 1
    bench.enroll_action("revoke", bench.name(), reason="unspecified")
    push.plan(
        {"certificate": bench.name(), "action": "remove", "remove_from": "store", "network": "staging"}, bench.ports
    ).execute()
    assert enroll(bench)["state"] == "issued" and len(maker.orders) == 2


def test_what_was_issued_by_the_time_it_was_cancelled_is_revoked_and_not_used(bench: Bench, maker: KeyMaker) -> None:
    """E24: a person was told to revoke it."""
    enroll(bench)
    wanted = {"action": "regenerate", "certificate": bench.name(), "force": True, "device": None, "common_name": None}
    maker.waits = True
    again = bench.enroll(**wanted, wait=False).record or {}
    maker.waits = False
    ended = bench.act("ada", "cancel", request_id=again["request_id"]).record or {}
    assert "had issued for the ECDSA key that it makes already; revoke that certificate there" in ended["message"]
    assert (bench.enroll(**wanted).record or {})["state"] == "issued" and len(maker.orders) == 3


@pytest.mark.parametrize("other", [{"validity": {"count": 30, "unit": "days"}}, {"ca_options": {"issuer": "another"}}])
def test_an_order_in_doubt_is_looked_for_by_the_same_request_to_the_ca_alone(
    bench: Bench, maker: KeyMaker, other: dict[str, Any]
) -> None:
    """E24: another private CA is asked for another certificate."""
    maker.loses = RemoteError("the answer was lost", code="transport", retryable=True)
    maker.tells = CannotTell("its lists cannot be read", "in the console")
    first = enroll(bench)
    bench.act("ada", "cancel", request_id=first["request_id"])
    maker.loses = None
    assert enroll(bench, **other)["state"] == "issued" and len(maker.orders) == 2


def test_a_lost_answer_is_in_doubt_and_taken_over_by_a_person(bench: Bench, maker: KeyMaker) -> None:
    """E24: one order, whatever the CA can tell of it."""
    maker.loses = RemoteError("the answer was lost", code="transport", retryable=True)
    maker.tells = CannotTell("its lists cannot be read", "in the console")
    assert enroll(bench)["state"] == "in_doubt"
    [number] = maker.orders
    request = enroll(bench)
    assert request["state"] == "in_doubt"
    bench.act("ada", "retry", request_id=request["request_id"], order_id=number)
    assert enroll(bench)["state"] == "issued" and len(maker.orders) == 1


def test_the_certificate_of_before_is_not_taken_over_for_its_successor(bench: Bench, maker: KeyMaker) -> None:
    """E4, U6: a person names the wrong order, and the doubt stays."""
    first = enroll(bench)
    maker.loses = RemoteError("the answer was lost", code="transport", retryable=True)
    maker.tells = CannotTell("its lists cannot be read", "in the console")
    wanted = {"action": "regenerate", "certificate": bench.name(), "force": True, "device": None, "common_name": None}
    request = bench.enroll(**wanted).record or {}
    assert request["state"] == "in_doubt" and "the order for the ECDSA key that it makes" in request["message"]
    with pytest.raises(InputError, match="Cannot take over order arn-1: it has the key of the certificate it is to"):
        bench.act("ada", "retry", request_id=request["request_id"], order_id="arn-1")
    after = bench.act("ada", "retry", request_id=request["request_id"], order_id="arn-2").record or {}
    assert after["state"] == "issued" and after["fingerprints"] != first["fingerprints"] and len(maker.orders) == 2


def test_a_renewal_whose_certificate_could_not_be_used_is_refused_before_it_is_recorded(
    bench: Bench, maker: KeyMaker
) -> None:
    """U6: check mode promises nothing that the run does not keep."""
    names = {"dns": [bench.name("api")]}
    enroll(bench, subject_alternative_names=names)
    maker.drops = (bench.name("api"),)
    wanted = {"action": "renew", "certificate": bench.name(), "force": True, "device": None, "common_name": None}
    with pytest.raises(StateError, match="lack the DNS names"):
        bench.enroll(**wanted)
    with pytest.raises(StateError, match="for this very order of a key") as caught:
        bench.plan_enroll(**wanted)
    assert caught.value.code == "certificate_unusable" and len(maker.orders) == 2


def test_a_group_that_rules_the_hash_of_csrs_lets_it_be_asked_for(bench: Bench, maker: KeyMaker) -> None:
    """E1, E17: without a CSR there is no hash to ask for; who the subject is, is another matter."""
    bench.group(defaults={"hash": "sha384"}, allowed={"hash": ["sha384"]})
    assert enroll(bench)["state"] == "issued"
    bench.group(allowed={"organization": ["Example AG"]})
    with pytest.raises(PolicyError, match="organization"):
        bench.plan_enroll(**{**WANTED, "common_name": bench.name("b")})


def test_a_draft_that_goes_to_cps_after_all_is_filled_like_any_other(bench: Bench, maker: KeyMaker) -> None:
    """E9, E14: what the source of before had not is not given as empty."""
    bench.device()
    bench.settings()
    enroll(bench, submit=False)
    bench.ports = bench.make_ports(bench.store)
    plan = bench.plan_enroll(csr_source="endpoint", submit=False, contract_id=bench.contract, key_type="ec")
    assert (plan.execute().record or {})["wish"]["organization"] == "Example GmbH"


@pytest.mark.parametrize("action", ["renew", "regenerate"])
def test_a_successor_is_a_new_order_with_a_new_key(bench: Bench, maker: KeyMaker, action: str) -> None:
    """E3, E4: also one whose predecessor's order looks just alike."""
    first = enroll(bench)
    plan = bench.plan_enroll(action=action, certificate=bench.name(), force=True, device=None, common_name=None)
    prediction = plan.extra["prediction"]
    assert (prediction["csrs"], prediction["ca_orders"], prediction["networks"]) == ([], 1, [])
    after = plan.execute().record or {}
    assert after["state"] == "issued" and after["fingerprints"] != first["fingerprints"] and len(maker.orders) == 2


def test_due_work_renews_it(bench: Bench, maker: KeyMaker) -> None:
    """E3: and the successor inherits."""
    enroll(bench, auto_renew={"enabled": True, "days_before": 30})
    bench.advance(70 * 86400)
    done = bench.run_due()
    assert [one["kind"] for one in done["done"]] == ["renewals"], done
    [line] = [one for one in bench.certificates() if one["certificate"] == bench.name()]
    assert line["state"] == "issued" and line["auto_renew"]["enabled"] and len(maker.orders) == 2


def test_it_stays_with_its_kind_of_ca(bench: Bench, maker: KeyMaker) -> None:
    """E4, E7: a key made here is no key that the CA makes."""
    enroll(bench)
    with pytest.raises(InputError, match="csr_source local is not to be had with CA account house"):
        bench.plan_enroll(
            **{**WANTED, "action": "regenerate", "csr_source": "local", "organization": "Example"}, force=True
        )


def test_an_uploaded_csr_is_told_apart_from_it(bench: Bench, maker: KeyMaker) -> None:
    """E7: what has no CSR is no CSR of another request."""
    enroll(bench)
    bench.ports = bench.make_ports(bench.store)
    csr = make_csr(KEYS["p256"](), (bench.name("up"),), bench.name("up"))
    uploaded = bench.enroll(csr_source="upload", csr=csr, device=None, common_name=bench.name("up"))
    assert (uploaded.record or {})["state"] == "issued"
