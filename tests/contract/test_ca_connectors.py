# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What every CA connector owes, whoever signs; each way a connector can be set up is one line of WAYS."""

from __future__ import annotations

import ipaddress
import json
import subprocess
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.x509.oid import NameOID

from ansible_collections.edgecert.clm.plugins.module_utils._ca.answer_base import Issued, Pending, Rejected
from ansible_collections.edgecert.clm.plugins.module_utils._ca.base import CaConnector, Order, StoredAccount
from ansible_collections.edgecert.clm.plugins.module_utils._ca.registry import connector_type
from ansible_collections.edgecert.clm.plugins.module_utils._core.redact import Secret
from ansible_collections.edgecert.clm.plugins.module_utils._core.types import CsrSpec
from ansible_collections.edgecert.clm.plugins.module_utils._pki.preflight import WantedNames, check_bundle
from ansible_collections.edgecert.clm.plugins.module_utils._pki.x509 import certificate_facts

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=timezone.utc)
SPEC = CsrSpec(
    common_name="www.example.com",
    dns_names=("www.example.com", "*.shop.example.com"),
    organization="Example Ltd",
    country="US",
)


class MovingClock:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.time = NOW

    def now(self) -> datetime:
        return self.time

    def sleep(self, seconds: float) -> None:
        self.time += timedelta(seconds=seconds)

    def monotonic(self) -> float:
        return self.time.timestamp()


@dataclass(frozen=True)
class Way:
    """One connector as a user may set it up."""

    type_name: str
    options: dict[str, Any]


WAYS = {
    "own_ca at once": Way("own_ca", {}),
    "own_ca after a delay": Way("own_ca", {"delay_s": 3600}),
    "own_ca with RSA": Way("own_ca", {"key_type": "rsa", "key_size": 2048, "hash": "sha384"}),
    "own_ca with Ed25519": Way("own_ca", {"key_type": "ed25519"}),
}
KEYS: dict[str, Callable[[], Any]] = {
    "rsa": lambda: rsa.generate_private_key(65537, 2048),
    "p256": lambda: ec.generate_private_key(ec.SECP256R1()),
    "p384": lambda: ec.generate_private_key(ec.SECP384R1()),
    "p521": lambda: ec.generate_private_key(ec.SECP521R1()),
    "ed25519": ed25519.Ed25519PrivateKey.generate,
}


def make_csr(key: Any, names: tuple[str, ...] = SPEC.dns_names, common_name: str = SPEC.common_name) -> str:
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])
    builder = x509.CertificateSigningRequestBuilder().subject_name(subject)
    if names:
        entries: list[x509.GeneralName] = []
        for name in names:
            try:
                entries.append(x509.IPAddress(ipaddress.ip_address(name)))
            except ValueError:
                entries.append(x509.DNSName(name))
        builder = builder.add_extension(x509.SubjectAlternativeName(entries), critical=False)
    digest = None if isinstance(key, ed25519.Ed25519PrivateKey) else hashes.SHA256()
    return builder.sign(key, digest).public_bytes(serialization.Encoding.PEM).decode()


@dataclass
class Setting:
    """A connector with its clock and its account."""

    connector: CaConnector
    clock: MovingClock
    options: dict[str, Any]
    secrets: dict[str, str]

    def issued(self, order: Order, csr_pem: str) -> Issued:
        """Submit, and wait as long as the connector says."""
        answer = self.connector.submit(order, csr_pem)
        for _round in range(5):
            if not isinstance(answer, Pending):
                break
            self.clock.sleep(answer.look_again_s)
            answer = self.connector.collect(json.loads(json.dumps(dict(answer.handle))))
        assert isinstance(answer, Issued), answer
        return answer


@pytest.fixture(params=sorted(WAYS), scope="module")
def account(request: pytest.FixtureRequest) -> tuple[str, dict[str, Any], dict[str, str]]:
    way = WAYS[request.param]
    options, secrets = connector_type(way.type_name, MovingClock()).prepare("lab", way.options, {}, StoredAccount())
    return way.type_name, dict(options), dict(secrets)


@pytest.fixture
def setting(account: tuple[str, dict[str, Any], dict[str, str]]) -> Setting:
    type_name, options, secrets = account
    clock = MovingClock()
    sealed = {name: Secret(text) for name, text in secrets.items()}
    return Setting(connector_type(type_name, clock).connect("lab", options, sealed), clock, options, secrets)


def make_order(**changes: Any) -> Order:
    return replace(Order(spec=SPEC, validity_days=90, intent_id="intent-1", at=NOW), **changes)


@pytest.mark.parametrize("kind", sorted(KEYS))
def test_issued_bundle_passes_the_check_before_a_push(setting: Setting, kind: str) -> None:
    """E2, U6: key, names, dates and chain are what was asked for."""
    csr = make_csr(KEYS[kind]())
    bundle = setting.issued(make_order(), csr).bundle
    names = WantedNames(SPEC.common_name, SPEC.dns_names)
    found = check_bundle(bundle, csr_pem=csr, names=names, at=setting.clock.now(), is_public=False)
    assert found.problems == () and found.notes == ()
    assert found.bundle == bundle, "a connector answers with the chain in order and the root apart"
    assert found.facts is not None and found.facts.not_after == NOW + timedelta(days=90)


def test_openssl_accepts_the_issued_chain(setting: Setting, tmp_path: Path) -> None:
    bundle = setting.issued(make_order(), make_csr(KEYS["p256"]())).bundle
    for name, text in (("leaf", bundle.leaf), ("mid", "".join(bundle.chain)), ("root", bundle.root)):
        (tmp_path / f"{name}.pem").write_text(text)
    moment = str(int(setting.clock.now().timestamp()))
    command = ["openssl", "verify", "-x509_strict", "-attime", moment, "-purpose", "sslserver"]
    command += ["-verify_hostname", "www.example.com", "-CAfile", "root.pem", "-untrusted", "mid.pem", "leaf.pem"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_handle_and_capabilities_are_ready_for_json_and_hold_no_secret(setting: Setting) -> None:
    answer = setting.connector.submit(make_order(), make_csr(KEYS["p256"]()))
    assert isinstance(answer, (Issued, Pending))
    text = json.dumps([dict(answer.handle), setting.options, vars(setting.connector.capabilities())], default=list)
    assert "PRIVATE KEY" not in text
    for secret in setting.secrets.values():
        assert secret not in text


def test_connector_that_says_it_is_immediate_is(setting: Setting) -> None:
    answer = setting.connector.submit(make_order(), make_csr(KEYS["p256"]()))
    assert isinstance(answer, Issued) is setting.connector.capabilities().is_immediate


def test_pending_order_says_what_it_waits_for_and_stays_pending_until_then(setting: Setting) -> None:
    answer = setting.connector.submit(make_order(), make_csr(KEYS["p256"]()))
    if not isinstance(answer, Pending):
        assert isinstance(answer, Issued)
        return
    assert answer.look_again_s > 0 and answer.message
    setting.clock.sleep(answer.look_again_s - 1)
    again = setting.connector.collect(answer.handle)
    assert isinstance(again, Pending) and again.look_again_s == pytest.approx(1)
    setting.clock.sleep(1)
    assert isinstance(setting.connector.collect(again.handle), Issued)


def test_order_sent_twice_is_one_certificate(setting: Setting) -> None:
    """After a crash the caller asks find, then submits again: never a second certificate."""
    csr = make_csr(KEYS["p256"]())
    first = certificate_facts(setting.issued(make_order(), csr).bundle.leaf)
    found = setting.connector.find(make_order(), csr)
    again = found if isinstance(found, Issued) else setting.issued(make_order(), csr)
    second = certificate_facts(again.bundle.leaf)
    same = ("serial", "subject", "sans", "not_before", "not_after", "key")
    assert [getattr(first, word) for word in same] == [getattr(second, word) for word in same]


def test_a_wish_for_a_renewal_is_a_time_or_none(setting: Setting) -> None:
    """E3: RFC 9773; a CA without it has no say in that."""
    hint = setting.connector.renewal_hint(setting.issued(make_order(), make_csr(KEYS["p256"]())).bundle.leaf)
    assert hint is None or (hint.source and (hint.until is None or hint.at < hint.until))


def test_other_intent_is_another_certificate(setting: Setting) -> None:
    csr = make_csr(KEYS["p256"]())
    first = setting.issued(make_order(), csr).bundle.leaf
    second = setting.issued(make_order(intent_id="intent-2"), csr).bundle.leaf
    assert certificate_facts(first).serial != certificate_facts(second).serial


def test_csr_without_names_gets_the_names_of_the_order(setting: Setting) -> None:
    """CPS leaves the SANs out of its CSR when told so."""
    leaf = setting.issued(make_order(), make_csr(KEYS["rsa"](), names=())).bundle.leaf
    assert certificate_facts(leaf).sans.dns == SPEC.dns_names


def test_name_in_the_csr_that_was_not_ordered_is_rejected(setting: Setting) -> None:
    csr = make_csr(KEYS["p256"](), names=(*SPEC.dns_names, "evil.example.net"))
    answer = setting.connector.submit(make_order(), csr)
    assert isinstance(answer, Rejected) and "evil.example.net" in answer.reason


def test_csr_whose_signature_is_broken_is_rejected(setting: Setting) -> None:
    good = x509.load_pem_x509_csr(make_csr(KEYS["p256"]()).encode())
    der = bytearray(good.public_bytes(serialization.Encoding.DER))
    der[der.index(b"www.example.com")] = ord("v")
    broken = x509.load_der_x509_csr(bytes(der)).public_bytes(serialization.Encoding.PEM).decode()
    spec = replace(SPEC, common_name="vww.example.com", dns_names=("vww.example.com", *SPEC.dns_names))
    answer = setting.connector.submit(make_order(spec=spec), broken)
    assert isinstance(answer, Rejected) and "signature" in answer.reason


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"validity_days": 100_000}, "a validity of 100000 days"),
        ({"validity_days": 0}, "a validity of 0 days"),
        ({"spec": replace(SPEC, common_name="a" * 65, dns_names=())}, "65 characters, 64 are allowed"),
        ({"spec": replace(SPEC, dns_names=("192.0.2.1",))}, "is an IP address"),
        ({"spec": replace(SPEC, country="ZZ")}, "country 'ZZ'"),
        ({"spec": replace(SPEC, hash_name="sha1")}, "sha1"),
        ({"options": {"no_such_option": 1}}, "no_such_option"),
    ],
)
def test_order_that_cannot_be_is_told_before_anything_is_sent(
    setting: Setting, changes: dict[str, Any], words: str
) -> None:
    """E5, E12, E13, E15."""
    problems = setting.connector.validate(make_order(**changes))
    assert len(problems) == 1 and words in problems[0]


def test_good_order_has_no_problem_and_every_check_passes(setting: Setting) -> None:
    assert list(setting.connector.validate(make_order())) == []
    checks = setting.connector.test()
    assert checks and all(check.passed for check in checks)


def test_every_choice_that_is_announced_can_be_listed_and_ordered(setting: Setting) -> None:
    """E5: options of a request, with the choices read from the CA."""
    capabilities = setting.connector.capabilities()
    for name, option in capabilities.request_options.items():
        kind = option["choices_from"]
        assert kind in capabilities.choices
        for choice in setting.connector.choices(kind):
            assert list(setting.connector.validate(make_order(options={name: choice.value}))) == []
        wrong = setting.connector.validate(make_order(options={name: "no such"}))
        assert len(wrong) == 1 and setting.connector.choices(kind)[0].value in wrong[0]


def test_account_prepared_again_is_unchanged(account: tuple[str, dict[str, Any], dict[str, str]]) -> None:
    type_name, options, secrets = account
    again = connector_type(type_name, MovingClock()).prepare("lab", options, {}, StoredAccount(options, secrets))
    assert again == (options, secrets)
