# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is particular to the own CA: its accounts, an existing CA taken in, its extensions and serial numbers."""

from __future__ import annotations

import contextlib
import subprocess
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.edgecert.clm.plugins.module_utils._ca import own_ca_signing as signing
from ansible_collections.edgecert.clm.plugins.module_utils._ca.answer_base import Issued
from ansible_collections.edgecert.clm.plugins.module_utils._ca.base import (
    CaConnector,
    CaConnectorType,
    Order,
    StoredAccount,
    Tools,
)
from ansible_collections.edgecert.clm.plugins.module_utils._ca.registry import connector_type, type_names
from ansible_collections.edgecert.clm.plugins.module_utils._core.csr_spec import CsrSpec
from ansible_collections.edgecert.clm.plugins.module_utils._core.errors import InputError
from ansible_collections.edgecert.clm.plugins.module_utils._core.redact import Secret
from ansible_collections.edgecert.clm.plugins.module_utils._http.transport import RequestsTransport
from ansible_collections.edgecert.clm.plugins.module_utils._pki.private_keys import make_key
from ansible_collections.edgecert.clm.plugins.module_utils._pki.x509 import certificate_facts

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=timezone.utc)
SPEC = CsrSpec(
    common_name="www.example.com",
    dns_names=("www.example.com",),
    ip_addresses=("192.0.2.1",),
    emails=("a@example.com",),
    uris=("https://example.com/",),
    organization="Example Ltd",
    organizational_unit="Edge",
    locality="Cambridge",
    state_or_province="MA",
    country="US",
)
PASSPHRASE = "a long passphrase 1!"


class FixedClock:
    def __init__(self, time: datetime = NOW) -> None:
        self.time = time

    def now(self) -> datetime:
        return self.time

    def sleep(self, seconds: float) -> None:
        self.time += timedelta(seconds=seconds)

    def monotonic(self) -> float:
        return self.time.timestamp()


def make_csr(key: Any) -> str:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "www.example.com")])
    request = x509.CertificateSigningRequestBuilder().subject_name(name).sign(key, hashes.SHA256())
    return request.public_bytes(serialization.Encoding.PEM).decode()


def make_order(**changes: Any) -> Order:
    return replace(Order(spec=SPEC, validity_days=90, intent_id="intent-1", at=NOW), **changes)


def own_ca(clock: FixedClock | None = None) -> CaConnectorType:
    return connector_type("own_ca", clock or FixedClock())


def connect(options: Any, secrets: Any, clock: FixedClock | None = None) -> CaConnector:
    sealed = {name: Secret(text) for name, text in secrets.items()}
    return own_ca(clock).connect("lab", options, sealed)


def leaf_of(connector: CaConnector, order: Order, key: Any = None) -> str:
    answer = connector.submit(order, make_csr(key or ec.generate_private_key(ec.SECP256R1())))
    assert isinstance(answer, Issued), answer
    return answer.bundle.leaf


def as_text(pem: str) -> str:
    command = ["openssl", "x509", "-noout", "-text"]
    return subprocess.run(command, input=pem, capture_output=True, text=True, check=True).stdout


@pytest.fixture(scope="module")
def made() -> tuple[dict[str, Any], dict[str, str]]:
    options, secrets = own_ca().prepare("lab", {}, {}, StoredAccount())
    return dict(options), dict(secrets)


def existing(passphrase: str = PASSPHRASE, *, depth: int = 2, **changes: Any) -> tuple[dict[str, Any], dict[str, str]]:
    """Make a CA as a user would bring it: a root alone, or an issuing CA with its root."""
    span = signing.Span(changes.get("begin", NOW - timedelta(days=1)), changes.get("end", NOW + timedelta(days=365)))
    root = signing.make_ca({"common_name": "Corp Root"}, make_key("ec", 0, "secp384r1"), None, span, "sha384")
    issuing = root
    if depth > 1:
        key = make_key("rsa", 2048, "")
        issuing = signing.make_ca({"common_name": "Corp Issuing"}, key, root, span, "sha256")
    lock = serialization.BestAvailableEncryption(passphrase.encode()) if passphrase else serialization.NoEncryption()
    key_pem = issuing.key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, lock).decode()
    options = {"certificate": signing.certificate_pem(issuing), "chain": signing.certificate_pem(root)}
    secrets = {"private_key": key_pem, **({"passphrase": passphrase} if passphrase else {})}
    return options, secrets


def test_account_without_options_makes_root_and_issuing_ca(made: tuple[dict[str, Any], dict[str, str]]) -> None:
    """C: ``type: own_ca`` with no options makes a root and an issuing CA."""
    options, secrets = made
    issuing, root = certificate_facts(options["certificate"]), certificate_facts(options["chain"])
    assert issuing.subject == "CN=lab Issuing CA" and root.subject == issuing.issuer == "CN=lab Root CA"
    assert root.is_self_signed and issuing.is_ca and issuing.key.curve == "secp256r1"
    assert sorted(secrets) == ["private_key", "root_private_key"]
    assert all("PRIVATE KEY" in secret for secret in secrets.values())
    assert "PRIVATE KEY" not in str(options)
    text = as_text(options["certificate"])
    assert "CA:TRUE, pathlen:0" in text and "Certificate Sign, CRL Sign" in text


def test_options_shape_the_ca() -> None:
    wish = {
        "key_type": "rsa",
        "key_size": "2048",
        "hash": "sha512",
        "common_name": "Example",
        "organization": "Example Ltd",
        "country": "US",
        "root_validity_days": 100,
        "issuing_validity_days": 400,
    }
    options, _secrets = own_ca().prepare("lab", wish, {}, StoredAccount())
    facts = certificate_facts(options["certificate"])
    assert facts.subject == "CN=Example Issuing CA,O=Example Ltd,C=US"
    assert facts.key.algorithm == "RSA" and facts.key.size == 2048 and facts.signature_hash == "sha512"
    assert facts.not_after == NOW + timedelta(days=100), "an issuing CA never outlives its root"


def test_leaf_bears_what_a_server_certificate_needs(made: tuple[dict[str, Any], dict[str, str]]) -> None:
    connector = connect(*made)
    text = as_text(leaf_of(connector, make_order()))
    assert "Basic Constraints: critical" in text and "CA:FALSE" in text
    assert "Key Usage: critical\n                Digital Signature\n" in text
    assert "TLS Web Server Authentication\n" in text and "Client Authentication" not in text
    assert "Subject Key Identifier" in text and "Authority Key Identifier" in text
    assert "DNS:www.example.com, IP Address:192.0.2.1, email:a@example.com, URI:https://example.com/" in text
    assert "C = US, ST = MA, L = Cambridge, O = Example Ltd, OU = Edge, CN = www.example.com" in text
    rsa_text = as_text(leaf_of(connector, make_order(), rsa.generate_private_key(65537, 2048)))
    assert "Digital Signature, Key Encipherment" in rsa_text


def test_profile_adds_client_authentication(made: tuple[dict[str, Any], dict[str, str]]) -> None:
    order = make_order(options={"certificate_profile": "server_client"})
    assert "TLS Web Client Authentication" in as_text(leaf_of(connect(*made), order))


@pytest.mark.parametrize("name", ["sha256", "sha384", "sha512"])
def test_hash_of_the_order_signs(made: tuple[dict[str, Any], dict[str, str]], name: str) -> None:
    order = make_order(spec=replace(SPEC, hash_name=name))
    assert certificate_facts(leaf_of(connect(*made), order)).signature_hash == name


def test_lifetime_begins_before_the_order_and_never_outlives_the_ca() -> None:
    wish = {"issuing_validity_days": 30, "backdate_minutes": 10}
    options, secrets = own_ca().prepare("lab", wish, {}, StoredAccount())
    short = certificate_facts(leaf_of(connect(options, secrets), make_order(validity_days=20)))
    assert (short.not_before, short.not_after) == (NOW - timedelta(minutes=10), NOW + timedelta(days=20))
    long = certificate_facts(leaf_of(connect(options, secrets), make_order(validity_days=90)))
    assert long.not_after == NOW + timedelta(days=30)


def test_expired_ca_says_so_and_signs_nothing() -> None:
    options, secrets = own_ca().prepare("lab", {"issuing_validity_days": 10}, {}, StoredAccount())
    later = NOW + timedelta(days=11)
    connector = connect(options, secrets, FixedClock(later))
    problems = connector.validate(make_order(at=later))
    assert len(problems) == 1 and "expired on 2026-12-03" in problems[0]
    assert not any(check.passed for check in connector.test())


@pytest.mark.parametrize("depth", [1, 2])
@pytest.mark.parametrize("passphrase", ["", PASSPHRASE])
def test_existing_ca_is_taken_in(depth: int, passphrase: str) -> None:
    options, secrets = existing(passphrase, depth=depth)
    stored, sealed = own_ca().prepare("corp", options, secrets, StoredAccount())
    assert sealed == secrets
    answer = connect(stored, sealed).submit(make_order(), make_csr(ec.generate_private_key(ec.SECP256R1())))
    assert isinstance(answer, Issued)
    assert len(answer.bundle.chain) == depth - 1
    assert certificate_facts(answer.bundle.root).common_name == "Corp Root"


def without_key(options: dict[str, Any], secrets: dict[str, str]) -> None:
    secrets.clear()


def without_certificate(options: dict[str, Any], secrets: dict[str, str]) -> None:
    options.clear()


def wrong_passphrase(options: dict[str, Any], secrets: dict[str, str]) -> None:
    secrets["passphrase"] = "not the one"


def no_passphrase(options: dict[str, Any], secrets: dict[str, str]) -> None:
    del secrets["passphrase"]


def without_chain(options: dict[str, Any], secrets: dict[str, str]) -> None:
    options["chain"] = ""


def other_key(options: dict[str, Any], secrets: dict[str, str]) -> None:
    secrets.update(existing()[1])


def key_in_the_chain(options: dict[str, Any], secrets: dict[str, str]) -> None:
    options["chain"] += secrets["private_key"]


def damaged_key(options: dict[str, Any], secrets: dict[str, str]) -> None:
    secrets["private_key"] = secrets["private_key"].replace("M", "N")


def leaf_for_a_ca(options: dict[str, Any], secrets: dict[str, str]) -> None:
    made = own_ca().prepare("lab", {}, {}, StoredAccount())
    key = ec.generate_private_key(ec.SECP256R1())
    upper = made[0]["certificate"] + made[0]["chain"]
    options.update({"certificate": leaf_of(connect(*made), make_order(), key), "chain": upper})
    secrets.clear()
    secrets["private_key"] = signing.key_to_pem(key)


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (without_key, "without private_key"),
        (without_certificate, "without certificate"),
        (wrong_passphrase, "passphrase is wrong"),
        (no_passphrase, "is encrypted; give its passphrase"),
        (without_chain, "the certificate of CN=Corp Root is missing"),
        (other_key, "is not the key of the certificate"),
        (key_in_the_chain, "holds a private key"),
        (damaged_key, "cannot be read"),
        (leaf_for_a_ca, "is not a CA certificate"),
    ],
)
def test_existing_ca_that_cannot_sign_is_refused_without_showing_a_secret(spoil: Any, words: str) -> None:
    options, secrets = existing()
    spoil(options, secrets)
    with pytest.raises(InputError) as caught:
        own_ca().prepare("corp", options, secrets, StoredAccount())
    shown = f"{caught.value!r} {caught.value.details}"
    assert words in shown
    lines = [line for secret in secrets.values() for line in secret.splitlines() if "PRIVATE KEY" not in line]
    assert [line for line in lines if line in shown] == []


@pytest.mark.parametrize("is_made_here", [False, True])
def test_the_key_of_a_ca_that_is_there_moves_into_a_device(is_made_here: bool) -> None:
    """Issue 6: an empty text clears the key; passphrase and root key go with it, as they are of no use then."""
    given, brought = ({}, {}) if is_made_here else existing()
    options, secrets = own_ca().prepare("corp", given, brought, StoredAccount())
    key = signing.load_key(secrets["private_key"], secrets.get("passphrase", ""))
    tools = Tools(FixedClock(), RequestsTransport, lambda _device, _label: contextlib.nullcontext(key))
    kind, before = connector_type("own_ca", tools), StoredAccount(options, secrets)
    moved = {**options, "key_device": "hsm", "key_label": "issuing"}
    with pytest.raises(InputError, match="clear one of them with an empty text"):
        kind.prepare("corp", moved, {}, before)
    stored, sealed = kind.prepare("corp", moved, {"private_key": ""}, before)
    assert sealed == {} and stored["certificate"] == options["certificate"]
    answer = kind.connect("corp", stored, {}).submit(make_order(), make_csr(ec.generate_private_key(ec.SECP256R1())))
    assert isinstance(answer, Issued)


def test_a_key_that_is_cleared_is_missed_where_no_device_has_it(made: tuple[dict[str, Any], dict[str, str]]) -> None:
    """Bad input: nothing is stored."""
    with pytest.raises(InputError, match="certificate is given without private_key"):
        own_ca().prepare("lab", made[0], {"private_key": ""}, StoredAccount(*made))


def test_all_wrong_options_are_told_at_once() -> None:
    wrong = {"key_type": "dsa", "key_size": 1024, "curve": "p256", "delay_s": -1, "country": "us", "no_such": 1}
    with pytest.raises(InputError) as caught:
        own_ca().prepare("lab", wrong, {"token": "x"}, StoredAccount())
    problems = caught.value.details["problems"]
    assert len(problems) == 7
    assert any("no_such is no option" in problem for problem in problems)
    assert any("token is no secret" in problem for problem in problems)


def test_options_are_described_for_the_user() -> None:
    described = own_ca().options()
    options, _secrets = own_ca().prepare("lab", {}, {}, StoredAccount())
    assert set(options) == {name for name, entry in described.items() if not entry["secret"]}
    for entry in described.values():
        assert {"type", "required", "secret", "default", "description"} <= set(entry)


@given(st.text(max_size=60), st.binary(max_size=60))
def test_serial_is_positive_short_and_always_the_same(intent: str, spki: bytes) -> None:
    serial = signing.serial_for(intent, spki)
    assert 0 < serial < 2**159
    assert serial == signing.serial_for(intent, spki)
    assert serial != signing.serial_for(f"{intent}x", spki)
    assert serial != signing.serial_for(intent, spki + b"x")


def test_authority_does_not_show_its_key(made: tuple[dict[str, Any], dict[str, str]]) -> None:
    key = signing.load_key(made[1]["private_key"], "")
    cert = x509.load_pem_x509_certificate(made[0]["certificate"].encode())
    assert repr(signing.Authority(cert, key)) == "Authority('CN=lab Issuing CA')"


def test_registry_gives_every_type_and_names_them_on_a_wrong_one() -> None:
    assert list(type_names()) == sorted(type_names())
    for name in type_names():
        assert connector_type(name, FixedClock()).name == name
    with pytest.raises(InputError, match="own_ca") as caught:
        connector_type("no_such_ca")
    assert caught.value.code == "unknown_ca_type"


@pytest.mark.parametrize(
    ("option", "value"), [("key_type", "rsa"), ("common_name", "Other"), ("root_validity_days", 3650)]
)
def test_what_a_ca_was_made_with_is_not_changed_in_silence(
    made: tuple[dict[str, Any], dict[str, str]], option: str, value: Any
) -> None:
    options, secrets = made
    with pytest.raises(InputError) as caught:
        own_ca().prepare("lab", {**options, option: value}, {}, StoredAccount(options, secrets))
    assert f"{option} was" in caught.value.message


def test_what_a_ca_does_from_now_on_can_be_changed(made: tuple[dict[str, Any], dict[str, str]]) -> None:
    options, secrets = made
    changed, kept = own_ca().prepare("lab", {**options, "max_validity_days": 47}, {}, StoredAccount(options, secrets))
    assert changed["max_validity_days"] == 47
    assert changed["certificate"] == options["certificate"]
    assert kept == secrets
