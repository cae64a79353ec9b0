# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Enrolling with a key on a device, HSM or ADC alike: the form, crashes, renewals, a device that is gone (E4, E8, E16).

The device is a token in memory behind the contract; real ones have suites of their own.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any
from unittest import mock

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from ansible_collections.edgecert.clm.plugins.module_utils._clm import intents, opening, requests
from ansible_collections.edgecert.clm.plugins.module_utils._core.errors import (
    ClmError,
    InputError,
    NotFoundError,
    StateError,
    TransportError,
)
from ansible_collections.edgecert.clm.plugins.module_utils._core.key_records import KeyDevice
from ansible_collections.edgecert.clm.plugins.module_utils._core.redact import Secret
from ansible_collections.edgecert.clm.plugins.module_utils._core.types import Notice
from ansible_collections.edgecert.clm.plugins.module_utils._keys.base import (
    CsrAnswer,
    CsrReady,
    KeyOrder,
    MadeSecret,
    Obstacle,
    Reference,
)
from ansible_collections.edgecert.clm.plugins.module_utils._keys.device_base import (
    DeviceAbilities,
    DeviceCheck,
    DeviceKeys,
)
from ansible_collections.edgecert.clm.plugins.module_utils._pki.csr_building import build_csr
from ansible_collections.edgecert.clm.plugins.module_utils._pki.x509 import csr_facts
from ansible_collections.edgecert.clm.tests.support.flow import Bench


def enroll(bench: Bench, **changes: Any) -> Any:
    """Enrol, and give the outcome as a test reads it."""
    return bench.enroll(**changes)


PASSWORD = "Chall3nge!pw"


class Token(DeviceKeys):
    """A token in memory: keys by name, CSRs by request; answers may get lost."""

    def __init__(self) -> None:
        self.keys: dict[str, rsa.RSAPrivateKey] = {}
        self.orders: dict[str, tuple[str, str]] = {}
        self.loses_answers = False
        self._made: tuple[MadeSecret, ...] = ()

    def abilities(self) -> DeviceAbilities:
        return DeviceAbilities(("rsa",), (2048,), (), ("sha256",), ("dns", "ip"), True, True)

    def test(self) -> Sequence[DeviceCheck]:
        return ()

    def validate(self, order: KeyOrder) -> Sequence[str]:
        return [] if order.spec.key_type == "rsa" else [f"key_type {order.spec.key_type}: the token makes rsa only"]

    def predict(self, order: KeyOrder) -> str:
        return f"Make a key {order.place['name']} for {order.spec.common_name} on the token"

    def find(self, order: KeyOrder) -> Sequence[Reference]:
        found = self.orders.get(order.request_id)
        return [{"label": order.place["name"], "request": order.request_id}] if found else []

    def conflicts(self, order: KeyOrder) -> Sequence[Obstacle]:
        return ()

    def begin(self, order: KeyOrder) -> Reference:
        name = order.place["name"]
        if not order.place["reuse"] or name not in self.keys:
            self.keys[name] = rsa.generate_private_key(65537, 2048)
        plain = build_csr(order.spec, self.keys[name])
        self.orders[order.request_id] = (name, plain)
        self._made = ()
        if order.challenge_password:
            self._made = (
                MadeSecret("csr/RSA", Secret(build_csr(order.spec, self.keys[name], order.challenge_password))),
            )
        if self.loses_answers:
            self.loses_answers = False
            raise TransportError("the token went away", kind="reset", sent=True)
        return {"label": name, "request": order.request_id}

    def made(self) -> Sequence[MadeSecret]:
        return self._made

    def calls_ahead(self, order: KeyOrder, move: str, wait_s: float) -> tuple[int, int]:
        return 0, 0

    def amend(self, order: KeyOrder) -> None:
        raise AssertionError("nothing of a key on a device is amended")

    def collect(self, reference: Reference) -> CsrAnswer:
        return CsrReady({"RSA": self.orders[str(reference["request"])][1]})

    def acknowledge(self, reference: Reference, notices: Sequence[Notice]) -> bool:
        return True


@pytest.fixture(params=["hsm", "adc"])
def source(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def token() -> Token:
    return Token()


@pytest.fixture
def house(bench: Bench, token: Token) -> Bench:
    """Give a bench with a CA and a key device."""
    bench.ca()
    bench.group(approvals={"push": 0}, defaults={"organization": "Example AG", "country": "DE"})
    with bench.store.write() as unit:
        unit.key_devices.add(KeyDevice("vault", "pkcs11"))
    real = bench.ports.key_provider

    def make(csr_source: str, device: Any) -> Any:
        if csr_source not in ("hsm", "adc"):
            return real(csr_source, device)
        assert isinstance(device, KeyDevice) and device.name == "vault"
        return token

    bench.ports = replace(bench.ports, key_provider=make)
    return bench


def wanted(source: str, **changes: Any) -> dict[str, Any]:
    member = {"hsm": "key_handler", "adc": "key_reference"}[source]
    place = {"device": "vault", member: "www-key", **changes.pop("place", {})}
    return {"device": None, "csr_source": source, source: place, **changes}


def csr_key(outcome: Any) -> str:
    return csr_facts(outcome.record["csrs"]["RSA"]).key.spki_sha256


def test_a_certificate_is_issued_for_a_key_on_the_device(house: Bench, token: Token, source: str) -> None:
    """E8: no key is in the store, and the same call again changes nothing."""
    outcome = enroll(house, **wanted(source))
    assert outcome.record["state"] == "issued" and list(token.keys) == ["www-key"]
    assert house.records()["held_secrets"] == 0 and outcome.record["wish"][source]["device"] == "vault"
    assert house.plan_enroll(**wanted(source)).steps == ()
    assert len(token.orders) == 1


def test_form_wants_device_and_name_of_the_key(house: Bench, source: str) -> None:
    """E8, table 5: all at once; options of the other kind are refused."""
    other, member = {"hsm": ("adc", "key_handler"), "adc": ("hsm", "key_reference")}[source]
    with pytest.raises(InputError) as caught:
        house.plan_enroll(device=None, csr_source=source, **{other: {"device": "x"}}, csr="x", reuse_key=True)
    told = "\n".join(caught.value.details["problems"])
    assert f"{source}.device is missing" in told and f"{source}.{member} is missing" in told
    assert f"{other} does not go with csr_source {source}" in told
    assert "csr does not go" in told and "reuse_key does not go" in told
    with pytest.raises(NotFoundError, match=r"'nowhere'.*there is: vault.*key_device") as missing:
        house.plan_enroll(**wanted(source, place={"device": "nowhere"}))
    assert missing.value.code == "key_device_missing"


def test_what_the_device_cannot_make_is_refused_before_anything_is_stored(
    house: Bench, token: Token, source: str
) -> None:
    """E8, E17."""
    with pytest.raises(InputError, match="the token makes rsa only"):
        house.plan_enroll(**wanted(source, key_type="ec"))
    assert token.keys == {} and house.records()["requests"] == 0


def test_lost_answer_is_looked_for_and_no_second_key_made(house: Bench, token: Token, source: str) -> None:
    """E8, W5: the token made the key, and the answer was lost."""
    token.loses_answers = True
    outcome = enroll(house, **wanted(source))
    assert outcome.record["state"] == "issued" and len(token.orders) == 1


def test_killed_run_goes_on_with_the_key_it_made(
    house: Bench, token: Token, source: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """E8, W5: killed between key and store; other certificates without an enrollment are no hindrance."""
    enroll(house, **wanted(source, common_name=house.name("other"), place={}))
    with monkeypatch.context() as patched:
        patched.setattr(opening, "_keep", mock.Mock(side_effect=KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            enroll(house, **wanted(source))
    before = dict(token.orders)
    done = enroll(house, **wanted(source))
    assert done.record["state"] == "issued" and token.orders == before


@pytest.mark.parametrize("action", ["renew", "regenerate"])
@pytest.mark.parametrize("reuse", [False, True])
def test_renewal_rotates_or_reuses_as_the_option_says(
    house: Bench, token: Token, source: str, action: str, reuse: bool
) -> None:
    """E4, E8: for renewals and regenerations alike."""
    first = enroll(house, **wanted(source, place={"reuse": reuse}))
    again = {"device": None, "certificate": house.name(), "action": action, "force": True, "common_name": None}
    second = enroll(house, **again)
    assert second.record["state"] == "issued" and second.record["csr_source"] == source
    assert (csr_key(first) == csr_key(second)) is reuse
    fresh = enroll(house, **again, **{source: {**first.record["wish"][source], "reuse": not reuse}})
    assert (csr_key(second) == csr_key(fresh)) is not reuse


def test_challenge_password_reaches_the_ca_and_is_in_no_plain_place(house: Bench, source: str) -> None:
    """E16: sealed beside the request, also the CSR that bears it."""
    given = {"challenge_password": PASSWORD, "challenge_password_confirm": PASSWORD}
    outcome = enroll(house, **wanted(source, **given))
    with house.store.read() as unit:
        held = {one.name for one in unit.held_secrets.find(owner=outcome.record["request_id"])}
    assert held == {"challenge_password", "csr/RSA"} and PASSWORD not in repr(outcome)


def test_device_that_was_removed_stops_the_request_with_a_sentence(house: Bench, source: str) -> None:
    """E8: between approval and implementation."""
    enroll(house, **wanted(source, manual_implementation=True))
    with house.store.write() as unit:
        [device] = unit.key_devices.find()
        unit.key_devices.remove(device)
    with pytest.raises(NotFoundError, match="key device 'vault'|Key device 'vault'"):
        enroll(house, **wanted(source))


def test_cancelled_request_says_what_stays_on_the_device(house: Bench, source: str) -> None:
    """E8, W5: the key by its own name on the device, or by its request; never the name that the one in service has."""
    enroll(house, **wanted(source, manual_implementation=True))
    with house.store.read() as unit:
        [request] = unit.requests.find()
    with house.store.write() as unit:
        assert requests.left_behind(unit, request, {}) == ""
        intents.add(unit, intents.OPEN_ENROLLMENT, "request", request.request_id, {}, house.clock.now())
        told = requests.left_behind(unit, request, {})
        assert f"the key made for request {request.request_id} stays on key device vault" in told
        assert "www-key" not in told
        keys = [{"label": "www-key.2"}]
        begun = replace(request, key_reference={"label": "www-key", "keys": keys}, renews={"request_id": "req-1"})
        told = requests.left_behind(unit, begun, {})
        assert "key 'www-key.2' stays on key device vault" in told and "'www-key'" not in told
        twice = replace(begun, key_reference={"keys": [*keys, {"label": "www-key.3"}]})
        assert "keys 'www-key.2' and 'www-key.3' stay on" in requests.left_behind(unit, twice, {})


def test_a_cancelled_request_never_has_the_key_in_service_removed(house: Bench, source: str) -> None:
    """E8, W5: with reuse, the key behind the new CSR is the one of the certificate that goes on."""
    enroll(house, **wanted(source, place={"reuse": True}, manual_implementation=True))
    with house.store.read() as unit:
        [request] = unit.requests.find()
        begun = replace(request, key_reference={"label": "www-key", "keys": [{"label": "www-key"}]})
        assert requests.left_behind(unit, begun, {}) == ""


def test_key_moves_here_and_to_the_device_with_a_new_certificate(house: Bench, token: Token, source: str) -> None:
    """E6, E8: between sources that are not at CPS a regeneration may move; the key itself never does."""
    first = enroll(house, device=None, csr_source="local")
    again: Mapping[str, Any] = {"certificate": house.name(), "action": "regenerate", "common_name": None}
    moved = enroll(house, **{**wanted(source), **again})
    assert moved.record["csr_source"] == source and csr_key(first) != csr_key(moved)
    back = enroll(house, device=None, csr_source="local", **again)
    assert back.record["csr_source"] == "local" and source not in back.record["wish"]


def test_a_draft_that_moves_to_the_device_goes_there_once_submitted(house: Bench, token: Token, source: str) -> None:
    """E6, E8: until it is submitted, everything of a draft may change, and what is stored is what was asked for."""
    enroll(house, device=None, csr_source="local")
    again: Mapping[str, Any] = {"certificate": house.name(), "action": "regenerate", "common_name": None}
    draft = enroll(house, device=None, csr_source="local", **again, force=True, submit=False).record
    moved = enroll(house, **{**wanted(source), **again}, submit=False).record
    assert (draft["csr_source"], moved["csr_source"]) == ("local", source)
    assert moved["request_id"] == draft["request_id"] and token.keys == {}
    done = enroll(house, **{**wanted(source), **again}).record
    assert (done["request_id"], done["state"], done["csr_source"]) == (draft["request_id"], "issued", source)
    assert list(token.keys) == ["www-key"]


def test_automatic_regeneration_is_made_here_where_the_form_forces_it(house: Bench, source: str) -> None:
    """E4: force_local_csr, whatever the source was."""
    forced = {"enabled": True, "days_before": 30, "force_local_csr": True}
    enroll(house, **wanted(source, auto_regenerate=forced))
    house.advance(70 * 86400)
    done = house.run_due()
    assert [one["kind"] for one in done["done"]] == ["renewals"], done
    with house.store.read() as unit:
        certificate: Any = unit.certificates.get(house.name())
        request: Any = unit.requests.get(certificate.request_id)
    assert (request.csr_source, request.state) == ("local", "issued") and source not in request.wish


@pytest.mark.parametrize("is_named", [False, True])
def test_a_regeneration_by_hand_is_made_here_too_unless_it_names_another_place(
    house: Bench, source: str, is_named: bool
) -> None:
    """E4: force_local_csr holds at every regeneration; who names the place this time is not overruled."""
    enroll(house, **wanted(source, auto_regenerate={"enabled": True, "days_before": 30, "force_local_csr": True}))
    asked: dict[str, Any] = {"certificate": house.name(), "action": "regenerate", "common_name": None, "force": True}
    if is_named:
        done = enroll(house, **{**wanted(source), **asked}).record
    else:
        done = house.enroll_action("regenerate", house.name(), force=True).record
    assert done is not None
    assert (done["csr_source"], done["state"]) == (source if is_named else "local", "issued")
    assert (source in done["wish"]) is is_named


def test_without_a_kind_that_can_connect_it_is_refused(bench: Bench, source: str) -> None:
    """E8: never a traceback."""
    bench.ca()
    bench.group(approvals={"push": 0}, defaults={"organization": "Example AG"})
    with bench.store.write() as unit:
        unit.key_devices.add(KeyDevice("vault", "no_such_kind"))
    with pytest.raises(ClmError) as caught:
        bench.plan_enroll(**wanted(source))
    assert not isinstance(caught.value, StateError)
