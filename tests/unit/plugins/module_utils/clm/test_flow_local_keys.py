# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Enrolling with a key made here: sealed beside its request, renewed, regenerated (E3, E6, E10, E13-E17)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from ansible_collections.edgecert.clm.plugins.module_utils._ca.answer_base import Answer, Issued, Pending, Rejected
from ansible_collections.edgecert.clm.plugins.module_utils._ca.base import Order
from ansible_collections.edgecert.clm.plugins.module_utils._core.errors import InputError, StateError, TransportError
from ansible_collections.edgecert.clm.tests.support.doubtful_ca import CANNOT, DoubtfulCa
from ansible_collections.edgecert.clm.tests.support.flow import Bench
from ansible_collections.edgecert.clm.tests.support.meanwhile import signing


def enroll(bench: Bench, **changes: Any) -> Any:
    """Enrol, and give the outcome as a test reads it."""
    return bench.enroll(**changes)


@pytest.fixture
def house(bench: Bench) -> Bench:
    """Give a bench with a CA and a group that knows the organization; no device is onboarded."""
    bench.ca()
    bench.group(approvals={"push": 0}, defaults={"organization": "Example AG", "country": "DE"})
    return bench


def local(bench: Bench, **changes: Any) -> Any:
    return bench.enroll(**{"device": None, "csr_source": "local", **changes})


def held(bench: Bench, request_id: str) -> dict[str, str]:
    with bench.store.read() as unit:
        found = unit.held_secrets.find(noun="request", owner=request_id)
        return {one.name: one.value.reveal() if one.value else "" for one in found}


def spki(pem: str, *, is_key: bool = False) -> Any:
    if is_key:
        return load_pem_private_key(pem.encode(), None).public_key()
    return x509.load_pem_x509_certificate(pem.encode()).public_key()


CHALLENGE = x509.ObjectIdentifier("1.2.840.113549.1.9.7")
KEYS: list[tuple[dict[str, Any], set[str]]] = [
    ({}, {"RSA"}),
    ({"key_size": 3072}, {"RSA"}),
    ({"key_type": "ec", "curve": "secp384r1", "hash": "sha384"}, {"ECDSA"}),
    ({"key_type": "ec", "curve": "P-521"}, {"ECDSA"}),
    ({"key_type": "ed25519"}, {"Ed25519"}),
    ({"dual_stack": True, "curve": "secp256r1"}, {"RSA", "ECDSA"}),
]


@pytest.mark.parametrize(("wish", "algorithms"), KEYS, ids=[str(k[0]) for k in KEYS])
def test_a_certificate_is_issued_for_each_key_made_here(
    house: Bench, wish: dict[str, Any], algorithms: set[str]
) -> None:
    """E6, E10, E17: the sealed key is the certificate's; no device and no call is needed."""
    house.calls()
    outcome = local(house, **wish)
    record = outcome.record
    assert record["state"] == "issued" and set(record["fingerprints"]) == algorithms
    assert record["device"] == "" and record["csr_source"] == "local" and house.calls() == []
    kept = held(house, record["request_id"])
    assert set(kept) == {f"private_key/{name}" for name in algorithms}
    for name in algorithms:
        leaf = outcome.extra["certificate"]["pem"][name]["certificate"]
        assert spki(leaf) == spki(kept[f"private_key/{name}"], is_key=True)
    assert "PRIVATE KEY" not in repr(outcome)
    again = house.plan_enroll(device=None, csr_source="local", **wish)
    assert again.steps == () and house.records()["requests"] == 1


def test_all_that_is_asked_for_is_in_csr_and_certificate(house: Bench) -> None:
    """E13, E14: every category of names, the group's organization, the options beside it."""
    names = {
        "dns": [house.name("api")],
        "ip": ["192.0.2.7"],
        "email": ["ops@example.com"],
        "uri": ["spiffe://example.com/edge"],
        "other": ["upn:ada@example.com", "1.3.6.1.4.1.99:note"],
        "directory": ["CN=edge,O=Example AG,C=DE"],
    }
    outcome = local(house, subject_alternative_names=names, organizational_unit="Edge", email="pki@example.com")
    leaf = x509.load_pem_x509_certificate(outcome.extra["certificate"]["pem"]["RSA"]["certificate"].encode())
    found = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert len(list(found)) == 8 == outcome.extra["certificate"]["san_count"]
    assert found.get_values_for_type(x509.DirectoryName)[0].rfc4514_string() == "CN=edge,O=Example AG,C=DE"
    assert "O=Example AG" in leaf.subject.rfc4514_string() and "OU=Edge" in leaf.subject.rfc4514_string()
    assert (
        house.plan_enroll(
            device=None, csr_source="local", subject_alternative_names=dict(reversed(names.items()))
        ).steps
        == ()
    )


def test_everything_wrong_is_told_at_once_and_nothing_is_stored(house: Bench) -> None:
    """E6, E9, E12, E13, E16, E17: options of other sources with the reason, names, key and password."""
    bad = {
        "device": "edge",
        "contract_id": "C-1",
        "exclude_sans": True,
        "csr": "x",
        "key_size": 1024,
        "country": "UK",
        "challenge_password": "short",
        "challenge_password_confirm": "other",
        "subject_alternative_names": {"other": ["nobody"], "directory": ["no name"], "ip": ["x"]},
    }
    with pytest.raises(InputError) as caught:
        house.plan_enroll(csr_source="local", **bad)
    told = "\n".join(caught.value.details["problems"])
    for part in (
        "device does not go with csr_source local",
        "contract_id does not go",
        "exclude_sans does not go",
        "csr does not go with csr_source local",
        "'UK' is not the code",
        "lacks an upper-case letter, a digit, a special character",
        "challenge_password_confirm is not the same",
        "other name 'nobody'",
        "'no name' cannot be read",
        "IP address 'x'",
    ):
        assert part in told, part
    assert "short" not in told and house.records()["requests"] == 0
    with pytest.raises(InputError, match="key_size 1024: RSA keys made here have 2048 to 8192"):
        house.plan_enroll(csr_source="local", device=None, key_size=1024)


def test_organization_is_asked_for_where_no_policy_has_it(bench: Bench) -> None:
    """E14."""
    bench.ca()
    bench.free()
    with pytest.raises(InputError, match="organization is missing"):
        bench.plan_enroll(csr_source="local", device=None)


def test_challenge_password_goes_into_the_csr_and_is_kept_sealed(house: Bench) -> None:
    """E16: the CSR has it, no view has it; another one is refused, the same one changes nothing."""
    secret = "Chall3nge!pw"
    given = {"challenge_password": secret, "challenge_password_confirm": secret}
    outcome = local(house, **given)
    kept = held(house, outcome.record["request_id"])
    sent = x509.load_pem_x509_csr(kept["csr/RSA"].encode())
    assert sent.attributes.get_attribute_for_oid(CHALLENGE).value == secret.encode()
    assert kept["challenge_password"] == secret
    shown = x509.load_pem_x509_csr(outcome.record["csrs"]["RSA"].encode())
    assert shown.public_key() == sent.public_key() and CHALLENGE not in [one.oid for one in shown.attributes]
    lines = set(kept["csr/RSA"].split()) - set(outcome.record["csrs"]["RSA"].split())
    assert lines and not any(line in repr(outcome) for line in lines)
    assert secret not in repr(outcome) and outcome.record["wish"]["challenge_password"] is True
    assert house.plan_enroll(device=None, csr_source="local", **given).steps == ()
    other = "0ther!Password"
    with pytest.raises(StateError, match="challenge_password") as caught:
        house.plan_enroll(device=None, csr_source="local", challenge_password=other, challenge_password_confirm=other)
    assert caught.value.code == "challenge_password_differs"
    assert other not in caught.value.message and secret not in caught.value.message


class Forgetful(DoubtfulCa):
    """Keeps nothing: it knows an order by the very CSR that it got, as EST servers do."""

    def __init__(self, bench: Bench) -> None:
        super().__init__(signing(bench))
        self.asked: list[str] = []

    def submit(self, order: Order, csr_pem: str) -> Answer:
        """Take the order."""
        return self.collect({"order": csr_pem})

    def collect(self, handle: Mapping[str, Any]) -> Answer:
        """Have it wait for ever, or sign it."""
        self.asked.append(str(handle["order"]))
        return Pending(handle, "it waits", 60.0) if not self.signs else self._make(self.asked[-1])


def test_an_order_is_asked_for_by_the_csr_that_was_sent_and_that_is_in_no_plain_place(house: Bench) -> None:
    """E16, W5: handles are kept in plain columns without it; asked by another CSR, such a CA would sign once more."""
    secret = "Chall3nge!pw"
    ca = Forgetful(house)
    house.use_ca(ca)
    ca.signs = False
    outcome = local(house, challenge_password=secret, challenge_password_confirm=secret)
    for _round in range(2):
        outcome = local(house)
    sent = held(house, outcome.record["request_id"])["csr/RSA"]
    assert len(ca.asked) > 2 and {one.strip() for one in ca.asked} == {sent.strip()}
    with house.store.read() as unit:
        [request] = unit.requests.find()
    assert request.ca_handles["RSA"]["order"].strip() == request.csrs["RSA"].strip()
    ca.signs = True
    assert local(house).record["state"] == "issued"


@pytest.mark.parametrize(
    ("action", "reuse", "same"), [("renew", False, False), ("renew", True, True), ("regenerate", True, False)]
)
def test_a_renewal_has_a_new_key_unless_the_form_keeps_it(house: Bench, action: str, reuse: bool, same: bool) -> None:
    """E3, E4, E6: reuse_key is for renewals; regenerating means a new key. A challenge password is inherited."""
    secret = "Chall3nge!pw"
    first = local(house, challenge_password=secret, challenge_password_confirm=secret)
    second = enroll(
        house, device=None, csr_source=None, action=action, force=True, reuse_key=reuse, certificate=house.name()
    )
    assert second.record["state"] == "issued" and second.record["csr_source"] == "local"
    keys = [held(house, one.record["request_id"]) for one in (first, second)]
    assert (keys[0]["private_key/RSA"] == keys[1]["private_key/RSA"]) is same
    assert keys[1]["challenge_password"] == secret
    leaf = second.extra["certificate"]["pem"]["RSA"]["certificate"]
    assert spki(leaf) == spki(keys[1]["private_key/RSA"], is_key=True)
    assert first.record["fingerprints"] != second.record["fingerprints"]


def test_check_mode_makes_no_key(house: Bench) -> None:
    """E6."""
    plan = house.plan_enroll(csr_source="local", device=None, dual_stack=True, key_size=4096)
    assert any("an RSA key of 4096 bits and an EC key on secp256r1" in step.sentence for step in plan.steps)
    assert house.records()["held_secrets"] == 0 == house.records()["requests"]


def test_several_local_certificates_stand_beside_each_other(house: Bench) -> None:
    """E6, E21: none is taken for another one's enrollment."""
    for first in ("a", "b", "c"):
        assert local(house, common_name=house.name(first)).record["state"] == "issued"
    assert {one["certificate"] for one in house.certificates()} == {house.name(one) for one in "abc"}


def test_ca_that_takes_its_time_keeps_no_challenge_password(house: Bench) -> None:
    """E16: what it goes on with stands in a plain column, and is for the same key."""
    house.ca(options={"key_type": "ec", "delay_s": 60})
    secret = "Chall3nge!pw"
    asked = local(house, challenge_password=secret, challenge_password_confirm=secret, wait=False)
    assert asked.record["state"] == "retrieval_in_progress"
    kept = held(house, asked.record["request_id"])
    assert asked.record["ca_handles"]["RSA"]["csr"] == asked.record["csrs"]["RSA"] != kept["csr/RSA"]
    house.advance(61)
    assert local(house).record["state"] == "issued"


OTHER = "0ther!Password"


def challenge(secret: str) -> dict[str, str]:
    return {"challenge_password": secret, "challenge_password_confirm": secret}


@pytest.mark.parametrize("secret", ["Chall3nge!pw", OTHER], ids=["same", "other"])
def test_a_new_challenge_password_after_a_refusal_is_in_the_csr(house: Bench, secret: str) -> None:
    """E16: the key of the refused request has its CSR with the password of then; it does for the same one alone."""
    ca = DoubtfulCa(lambda _csr: Rejected("not with this password"))
    house.use_ca(ca)
    with pytest.raises(StateError):
        local(house, **challenge("Chall3nge!pw"))
    willing = DoubtfulCa(signing(house))
    house.use_ca(willing)
    done = local(house, **challenge(secret))
    assert done.record["state"] == "issued"
    [refused], [signed] = ca.orders.values(), willing.orders.values()
    sent = x509.load_pem_x509_csr(signed.encode())
    assert sent.attributes.get_attribute_for_oid(CHALLENGE).value == secret.encode()
    assert (signed == refused) is (secret != OTHER)


class Recalling(DoubtfulCa):
    """Keeps the CSR in its handle, as some do to go on with."""

    def adopt(self, order_id: str, order: Order, csr_pem: str) -> Answer:
        """Give the order with its CSR."""
        answer = super().adopt(order_id, order, csr_pem)
        assert isinstance(answer, Issued)
        return replace(answer, handle={"order_id": order_id, "csr": csr_pem})


def test_an_order_that_a_person_found_keeps_no_challenge_password(house: Bench) -> None:
    """E16, W5: what is kept of it stands in a plain column, and is for the same key."""
    ca = Recalling(signing(house))
    house.use_ca(ca)
    ca.loses, ca.tells = TransportError("no answer", kind="timeout", sent=True), CANNOT
    asked = local(house, **challenge("Chall3nge!pw"))
    assert asked.record["state"] == "in_doubt"
    ca.loses = None
    done: Any = house.act("tester", "retry", request_id=asked.record["request_id"], order_id=next(iter(ca.orders)))
    sent = held(house, asked.record["request_id"])["csr/RSA"]
    assert done.record["state"] == "issued" and ca.orders == {"4711": sent}
    assert done.record["ca_handles"]["RSA"]["csr"] == done.record["csrs"]["RSA"] != sent


def test_a_csr_that_lost_its_challenge_password_goes_to_no_ca(house: Bench) -> None:
    """E16: said with what to do, and nothing is ordered."""
    ca = DoubtfulCa(signing(house))
    house.use_ca(ca)
    ca.loses, ca.tells = TransportError("no answer", kind="connect", sent=False), CANNOT
    with pytest.raises(TransportError):
        local(house, **challenge("Chall3nge!pw"))
    ca.loses, ca.orders, ca.tells = None, {}, None
    with house.store.write() as unit:
        [sealed] = unit.held_secrets.find(name="csr/RSA")
        unit.held_secrets.remove(sealed)
    with pytest.raises(StateError, match="the CSR with its challenge password is gone from the store") as caught:
        local(house)
    assert caught.value.code == "challenge_password_missing" and ca.orders == {}


def test_regenerating_by_itself_is_not_turned_on_after_the_end(house: Bench) -> None:
    """E4: nobody would see that it does nothing; where it was on, the same call says nothing."""
    short = {"validity": {"count": 2, "unit": "days"}}
    on = {"auto_regenerate": {"enabled": True, "days_before": 1}}
    local(house, **short)
    local(house, certificate="other", common_name=house.name("other"), **short, **on)
    house.advance(3 * 86400)
    with pytest.raises(InputError, match=r"auto_regenerate cannot be turned on: the certificate ended"):
        local(house, **short, **on)
    assert not house.plan_enroll(device=None, csr_source="local", **short).changed
    again = house.plan_enroll(
        device=None, csr_source="local", certificate="other", common_name=house.name("other"), **short, **on
    )
    assert not again.changed
