# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Keys made on controllers (E8): one suite over each vendor, against fakes with TLS, real keys, the vendor's errors."""

from __future__ import annotations

import json
import pathlib
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Any

import pytest

from ansible_collections.edgecert.clm.plugins.module_utils._core.errors import AuthError, RemoteError, TransportError
from ansible_collections.edgecert.clm.plugins.module_utils._core.redact import Secret
from ansible_collections.edgecert.clm.plugins.module_utils._keys import f5_bigip as vendor_bigip
from ansible_collections.edgecert.clm.plugins.module_utils._keys import netscaler as vendor_netscaler
from ansible_collections.edgecert.clm.plugins.module_utils._keys.base import CsrReady
from ansible_collections.edgecert.clm.plugins.module_utils._keys.device_base import DeviceKeys
from ansible_collections.edgecert.clm.plugins.module_utils._keys.device_registry import device_type
from ansible_collections.edgecert.clm.plugins.module_utils._pki.csr import same_key
from ansible_collections.edgecert.clm.plugins.module_utils._pki.x509 import csr_facts, load_csr
from ansible_collections.edgecert.clm.tests.support import adc
from ansible_collections.edgecert.clm.tests.support.adc import SPEC, order
from ansible_collections.edgecert.clm.tests.support.fake_adc import bigip, netscaler
from ansible_collections.edgecert.clm.tests.support.fake_adc.server import Fault, Reply, html

CHALLENGE = "Chall-Enge-7xq"
KILLED = """
import sys
from types import SimpleNamespace
from ansible_collections.edgecert.clm.tests.support import adc
kind, host, ca_path, user, password = sys.argv[1:]
fake = SimpleNamespace(host=host, ca_path=ca_path)
adc.connect(kind, fake, secrets={"user": user, "password": password}, timeout=60).begin(adc.order())
"""


@dataclass
class Bench:
    """One vendor's fake, and what differs between vendors.

    :ivar key_path: end of the path that makes a key; ``csr_path`` likewise; ``read_path`` where a CSR is read.
    :ivar taken: what the vendor answers for a name that is taken; ``exact`` has a key made by hand.
    """

    kind: str
    fake: Any
    key_path: str
    csr_path: str
    read_path: str
    read_method: str
    forbid: Callable[[], None]
    end_sessions: Callable[[], None]
    demote: Callable[[], None]
    key_count: Callable[[], int]
    csrs: Callable[[], dict[str, str]]

    def keys(self, **options: Any) -> DeviceKeys:
        """Connect as a run does."""
        return adc.connect(self.kind, self.fake, **options)


def _bigip(folder: pathlib.Path) -> Bench:
    fake = bigip.FakeBigIp(folder)
    options = fake.options
    return Bench(
        "f5_bigip",
        fake,
        "/sys/crypto/key",
        "/sys/crypto/csr",
        "/util/bash",
        "POST",
        lambda: setattr(options, "role", "guest"),
        fake.end_tokens,
        lambda: setattr(options, "state", "STANDBY"),
        lambda: len(fake.keys),
        lambda: {name: text for (_partition, name), text in fake.csrs.items()},
    )


def _netscaler(folder: pathlib.Path, *, with_200: bool) -> Bench:
    fake = netscaler.FakeNetScaler(folder, netscaler.NetScalerOptions(errors_with_200=with_200))
    options = fake.options
    return Bench(
        "netscaler",
        fake,
        "/config/sslrsakey",
        "/config/sslcertreq",
        "/config/systemfile",
        "GET",
        lambda: setattr(options, "may_create", False),
        fake.end_sessions,
        lambda: setattr(options, "role", "Secondary"),
        lambda: len(fake.keys),
        lambda: {path.rpartition("/")[2]: text for path, text in fake.files.items() if path.endswith(".csr")},
    )


BENCHES: dict[str, Callable[[pathlib.Path], Bench]] = {
    "f5_bigip": _bigip,
    "netscaler": lambda folder: _netscaler(folder, with_200=False),
    "netscaler, errors with HTTP 200": lambda folder: _netscaler(folder, with_200=True),
}


@pytest.fixture(params=sorted(BENCHES))
def bench(request: pytest.FixtureRequest, tmp_path: pathlib.Path) -> Iterator[Bench]:
    made = BENCHES[request.param](tmp_path / "device")
    with made.fake:
        yield made


def openssl_says(pem: str) -> str:
    """Have OpenSSL verify a CSR and print it."""
    command = ["openssl", "req", "-verify", "-noout", "-text"]
    done = subprocess.run(command, input=pem, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "OK" in done.stderr + done.stdout
    return done.stdout


def test_key_and_csr_are_made_once_and_say_what_was_asked(bench: Bench) -> None:
    """E8, E13, E14: the CSR is verified by OpenSSL, and asking again makes nothing."""
    spec = replace(SPEC, ip_addresses=("192.0.2.7", "2001:db8::7"), emails=("a@example.com",), uris=("https://x.y/z",))
    keys, wanted = bench.keys(), order(spec)
    assert keys.validate(wanted) == []
    assert keys.conflicts(wanted) == ()
    assert keys.find(wanted) == []
    reference = keys.begin(wanted)
    answer = keys.collect(json.loads(json.dumps(reference)))
    assert isinstance(answer, CsrReady)
    facts, text = csr_facts(answer.csrs["RSA"]), openssl_says(answer.csrs["RSA"])
    assert facts.is_signature_valid
    assert (facts.key.algorithm, facts.key.size, facts.signature_hash) == ("RSA", 2048, "sha256")
    assert set(facts.sans.dns) == set(spec.dns_names)
    assert set(facts.sans.ips) == set(spec.ip_addresses)
    assert (facts.sans.emails, facts.sans.uris) == (spec.emails, spec.uris)
    assert facts.subject_fields["organizational_unit"] == "Web"
    assert "Subject: C=US" in text.replace(" = ", "=")
    assert bench.keys().find(wanted) == [reference]
    assert bench.keys().begin(wanted) == reference
    assert bench.key_count() == 1
    assert len(bench.fake.calls("POST", bench.key_path)) == 1
    assert len(bench.fake.calls("POST", bench.csr_path)) == 1


@pytest.mark.parametrize("curve", ["secp256r1", "secp384r1"])
def test_ec_keys_are_made_on_the_curve_asked_for(bench: Bench, curve: str) -> None:
    """E17."""
    csrs = bench.keys().begin(order(replace(SPEC, key_type="ec", curve=curve)))["csrs"]
    facts = csr_facts(csrs["ECDSA"])
    assert (facts.key.algorithm, facts.key.curve) == ("ECDSA", curve)


def test_dual_stack_makes_two_keys(bench: Bench) -> None:
    """E10."""
    wanted = order(replace(SPEC, dual_stack=True))
    reference = bench.keys().begin(wanted)
    assert set(reference["csrs"]) == {"RSA", "ECDSA"}
    assert len({key["label"] for key in reference["keys"]}) == bench.key_count() == 2
    assert bench.keys().find(wanted) == [reference]


def test_challenge_password_goes_into_a_csr_of_its_own_and_nowhere_else(bench: Bench) -> None:
    """E16: the reference has one for the same key without it; a CSR with another password is not taken for ours."""
    wanted, keys = order(challenge_password=Secret(CHALLENGE)), bench.keys()
    reference = keys.begin(wanted)
    (made,) = keys.made()
    open_one, sealed = reference["csrs"]["RSA"], made.value.reveal()
    assert made.name == "csr/RSA"
    assert CHALLENGE.encode() in [attribute.value for attribute in load_csr(sealed).attributes]
    assert CHALLENGE not in openssl_says(open_one) + json.dumps(reference)
    assert same_key(open_one, sealed)
    assert list(bench.csrs()) == [reference["keys"][0]["csr"]]
    assert CHALLENGE not in openssl_says(next(iter(bench.csrs().values())))
    other = bench.keys()
    assert other.find(wanted) == []
    assert other.begin(wanted) == reference
    assert same_key(open_one, other.made()[0].value.reveal())
    assert bench.key_count() == len(bench.csrs()) == 1


def test_csr_with_a_password_that_cannot_be_removed_is_told(bench: Bench) -> None:
    """E16: the certificate does not wait for it, but somebody has to remove it; the next run tries again."""
    reply = Reply(400, {"message": "no right to remove", "errorcode": 1, "errorStack": []})
    bench.fake.faults.append(Fault("DELETE", "-c.csr", reply=reply))
    wanted = order(challenge_password=Secret(CHALLENGE))
    reference = bench.keys().begin(wanted)
    (left,) = reference["left"]
    assert "-c.csr" in left and "challenge password" in left and bench.fake.host in left
    assert "no right to remove" in left and CHALLENGE not in json.dumps(reference)
    assert "left" not in bench.keys().begin(wanted)
    assert len(bench.csrs()) == bench.key_count() == 1


def test_csr_with_a_password_whose_removal_got_no_answer_is_removed(bench: Bench) -> None:
    """E16: asked for once more; that it is gone is no failure."""
    bench.fake.faults.append(Fault("DELETE", "-c.csr", "lost"))
    assert "left" not in bench.keys().begin(order(challenge_password=Secret(CHALLENGE)))
    assert len(bench.fake.calls("DELETE", "-c.csr")) == 2
    assert len(bench.csrs()) == 1


def test_csr_with_another_password_is_not_taken_for_ours(bench: Bench) -> None:
    """E16: one that a broken-off run left there."""
    bench.fake.faults.append(Fault("DELETE", "-c.csr", reply=Reply(400, {"message": "no", "errorcode": 1})))
    bench.keys().begin(order(challenge_password=Secret(CHALLENGE)))
    with pytest.raises(RemoteError) as raised:
        bench.keys().begin(order(challenge_password=Secret("Another-One-1")))
    assert raised.value.code == "csr_differs"


def test_run_killed_between_key_and_csr_makes_no_second_key(bench: Bench) -> None:
    """E8: the next run finds the key by its name and goes on."""
    bench.fake.faults.append(Fault("POST", bench.csr_path, reply=Reply(500, {"message": "killed", "errorcode": 1})))
    with pytest.raises(RemoteError):
        bench.keys().begin(order())
    assert bench.key_count() == 1
    keys = bench.keys()
    assert keys.find(order()) == []
    assert keys.conflicts(order()) == ()
    keys.begin(order())
    assert bench.key_count() == 1
    assert len(bench.fake.calls("POST", bench.key_path)) == 1


def test_process_killed_between_key_and_csr_makes_no_second_key(bench: Bench) -> None:
    """W5, E8: the same with a process that really dies, while the device has its request for a CSR."""
    bench.fake.faults.append(Fault("POST", bench.csr_path, "hang", seconds=60))
    command = [sys.executable, "-c", KILLED, bench.kind, bench.fake.host, bench.fake.ca_path]
    command += [bench.fake.options.user, bench.fake.options.password]
    with subprocess.Popen(command) as child:
        assert bench.fake.is_hanging.wait(60)
        child.kill()
    bench.fake.is_released.set()
    assert bench.key_count() == 1
    keys = bench.keys()
    assert keys.find(order()) == []
    assert keys.begin(order())["csrs"]
    assert bench.key_count() == 1


@pytest.mark.parametrize("what", ["key", "csr"])
def test_lost_answer_is_looked_for_and_nothing_made_twice(bench: Bench, what: str) -> None:
    """The device did it, and its answer was lost."""
    path = bench.key_path if what == "key" else bench.csr_path
    bench.fake.faults.append(Fault("POST", path, "lost"))
    reference = bench.keys().begin(order())
    assert openssl_says(reference["csrs"]["RSA"])
    assert bench.key_count() == 1
    assert len(bench.fake.calls("POST", path)) == 1


def test_two_runs_at_once_make_one_key(bench: Bench) -> None:
    """W5: should the lease ever fail, the one that comes second takes what the first made."""
    begun = threading.Barrier(2)

    def run(_number: int) -> Any:
        keys = bench.keys()
        begun.wait(10)
        return keys.begin(order())

    with ThreadPoolExecutor(2) as pool:
        first, second = pool.map(run, range(2))
    assert first == second
    assert bench.key_count() == 1


def test_write_that_was_not_done_is_not_repeated_by_itself(bench: Bench) -> None:
    """A 503 says nothing about what was done; the caller's next run looks."""
    bench.fake.faults.append(Fault("POST", bench.key_path, reply=html(503, "Service Unavailable")))
    with pytest.raises(RemoteError) as raised:
        bench.keys().begin(order())
    assert (raised.value.code, raised.value.retryable) == ("device_busy", True)
    assert len(bench.fake.calls("POST", bench.key_path)) == 1
    bench.keys().begin(order())
    assert bench.key_count() == 1


def test_reads_are_repeated_while_the_management_restarts(bench: Bench) -> None:
    """The CSR is read by a POST on one of the vendors, which is a read all the same."""
    clock = adc.StillClock()
    bench.fake.faults.append(Fault(bench.read_method, bench.read_path, reply=html(503, "Service Unavailable"), times=2))
    assert bench.keys(clock=clock).begin(order())["csrs"]
    assert clock.waited > 0


def test_session_that_ends_midway_is_opened_again(bench: Bench) -> None:
    """Between any two calls the token may end."""
    keys = bench.keys()
    keys.conflicts(order())
    bench.end_sessions()
    assert keys.begin(order())["csrs"]
    if isinstance(bench.fake, bigip.FakeBigIp):
        bench.fake.options.token_lasts_calls = 2
        assert bench.keys().begin(order(request_id="req-2"))["csrs"]


def test_token_that_was_given_and_has_ended_is_told(bench: Bench) -> None:
    """A token alone cannot be renewed."""
    with pytest.raises(AuthError) as raised:
        bench.keys(secrets={"token": "Stale-Token-55"}).begin(order())
    assert raised.value.code == "session_ended"
    assert "Stale-Token-55" not in raised.value.message


def test_wrong_password_is_told_and_never_tried_again(bench: Bench) -> None:
    """Scheduled runs must not lock the account; a test by a person tries once more."""
    secrets, memory = {"user": "clm", "password": "Wrong-Pass-77"}, adc.Memory()
    with pytest.raises(AuthError) as first:
        bench.keys(secrets=secrets, memory=memory).begin(order())
    tries = len(bench.fake.log)
    with pytest.raises(AuthError) as second:
        bench.keys(secrets=secrets, memory=memory).find(order())
    assert first.value.code == second.value.code == "login_refused"
    assert len(bench.fake.log) == tries == 1
    assert "Wrong-Pass-77" not in first.value.message + second.value.message
    checks = bench.keys(secrets=secrets, memory=memory).test()
    assert [check.passed for check in checks] == [False]
    assert len(bench.fake.log) == tries + 1
    assert all(check.passed for check in bench.keys(memory=memory).test())
    assert memory.known == set()


def test_missing_credentials_are_told_when_they_are_used(bench: Bench) -> None:
    """A secret from the environment may be missing in one run."""
    maker = device_type(bench.kind, adc.tools())
    prepared = maker.prepare("lb1", {"host": bench.fake.host, "user_env": "U", "password_env": "P"}, {})
    with pytest.raises(AuthError) as raised:
        maker.connect("lb1", prepared, {}).find(order())
    assert raised.value.code == "credentials_missing"
    assert bench.fake.log == []


def test_missing_right_is_told_with_what_to_grant(bench: Bench) -> None:
    """It is no wrong password, and is not remembered as one."""
    bench.forbid()
    memory = adc.Memory()
    with pytest.raises(AuthError) as raised:
        bench.keys(memory=memory).begin(order())
    assert raised.value.code == "not_permitted"
    assert "Administrator" in raised.value.message or "command policy" in raised.value.message
    assert len(bench.fake.calls("POST", bench.key_path)) == len(bench.fake.calls("POST", "/login")) == 1
    assert memory.known == set()


def test_name_of_another_certificate_is_refused(bench: Bench) -> None:
    """E8: a key reference name belongs to one certificate."""
    bench.keys().begin(order())
    (found,) = bench.keys().conflicts(order(certificate_id="other.example.com", request_id="req-9"))
    assert found.code == "key_name_taken"
    assert bench.keys().conflicts(order(request_id="req-2")) == ()


def test_key_made_by_hand_is_never_taken_unasked_and_used_when_asked(bench: Bench) -> None:
    """E8: a foreign key of the name is refused; with reuse a CSR is made for it, and no key."""
    bench.fake.add_key("shop.key")
    (found,) = bench.keys().conflicts(order())
    assert found.code == "key_name_taken"
    keys = bench.keys()
    assert keys.conflicts(order(reuse=True)) == ()
    reference = keys.begin(order(reuse=True))
    assert reference["keys"][0]["label"] == "shop.key"
    assert bench.key_count() == 1
    assert bench.keys().find(order(reuse=True)) == [reference]
    renews = {"not_after": "2027-01-01T00:00:00Z"}
    rotated = bench.keys().begin(order(renews=renews, request_id="req-2"))["keys"][0]["label"]
    again = bench.keys().begin(order(renews=renews, request_id="req-3", reuse=True))
    assert again["keys"][0]["label"] == rotated


def test_rotation_makes_a_new_key_and_reuse_takes_the_newest(bench: Bench) -> None:
    """E4, E8: the key a service uses stays until its successor is there."""
    first = bench.keys().begin(order())
    renews = {"not_after": "2027-01-01T00:00:00Z"}
    second = bench.keys().begin(order(renews=renews, request_id="req-2"))
    assert bench.key_count() == 2
    third = bench.keys().begin(order(renews=renews, request_id="req-3", reuse=True))
    assert bench.key_count() == 2
    spki = [csr_facts(one["csrs"]["RSA"]).key.spki_sha256 for one in (first, second, third)]
    assert spki[0] != spki[1] == spki[2]


def test_reuse_of_keys_that_the_device_does_not_date_is_refused(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """E4, E8: a guess might be the key that is to be left."""
    bench.keys().begin(order())
    renews = {"not_after": "2027-01-01T00:00:00Z"}
    bench.keys().begin(order(renews=renews, request_id="req-2"))
    for vendor in (vendor_bigip, vendor_netscaler):
        monkeypatch.setattr(vendor, "_moment", lambda _text: None)
    (found,) = bench.keys().conflicts(order(renews=renews, request_id="req-3", reuse=True))
    assert found.code == "key_ambiguous" and "which of the keys" in found.sentence
    assert bench.key_count() == 2


def test_reuse_without_a_key_makes_one_at_first_and_is_refused_later(bench: Bench) -> None:
    """E8: a first request may say how its renewals are to be; a renewal whose key is gone must not get another."""
    assert bench.keys().conflicts(order(reuse=True)) == ()
    reference = bench.keys().begin(order(reuse=True))
    assert bench.key_count() == 1
    assert bench.keys().find(order(reuse=True)) == [reference]
    elsewhere = order(renews={"not_after": "2027-01-01T00:00:00Z"}, reuse=True, name="store")
    (found,) = bench.keys().conflicts(elsewhere)
    assert found.code == "key_missing"
    with pytest.raises(RemoteError) as raised:
        bench.keys().begin(elsewhere)
    assert raised.value.code == "key_missing"
    assert bench.key_count() == 1


def test_dual_stack_reuses_each_key_for_its_own_csr(bench: Bench) -> None:
    """E8, E10: also where the device does not tell a key's kind."""
    dual = replace(SPEC, dual_stack=True)
    first = bench.keys().begin(order(dual, reuse=True))
    renews = {"not_after": "2027-01-01T00:00:00Z"}
    keys, wanted = bench.keys(), order(dual, renews=renews, request_id="req-2", reuse=True)
    assert keys.conflicts(wanted) == ()
    second = keys.begin(wanted)
    assert [key["label"] for key in second["keys"]] == [key["label"] for key in first["keys"]]
    assert bench.key_count() == 2


def test_dual_stack_with_reuse_that_was_broken_off_between_its_keys_is_gone_on_with(bench: Bench) -> None:
    """E8, W5: the first key is not taken for the second."""
    path = bench.key_path if bench.kind == "f5_bigip" else "/config/sslecdsakey"
    skip = 1 if bench.kind == "f5_bigip" else 0
    reply = Reply(400, {"message": "killed", "errorcode": 1, "errorStack": []})
    bench.fake.faults.append(Fault("POST", path, reply=reply, skip=skip))
    wanted = order(replace(SPEC, dual_stack=True), reuse=True)
    with pytest.raises(RemoteError):
        bench.keys().begin(wanted)
    assert bench.key_count() == 1
    assert set(bench.keys().begin(wanted)["csrs"]) == {"RSA", "ECDSA"}
    assert bench.key_count() == 2


def test_standby_unit_makes_no_keys(bench: Bench) -> None:
    """The next synchronisation would take them away."""
    bench.demote()
    (found,) = bench.keys().conflicts(order())
    assert found.code == "device_standby"
    assert [check.name for check in bench.keys().test() if not check.passed] == ["role"]


def test_test_of_a_good_device_passes_and_makes_nothing(bench: Bench) -> None:
    """Reach, login, version, role, rights."""
    checks = bench.keys().test()
    assert all(check.passed for check in checks)
    assert {"reach and log in", "version", "role", "keys"} <= {check.name for check in checks}
    assert bench.key_count() == 0


def test_page_in_place_of_json_is_told(bench: Bench) -> None:
    """A login form or a proxy stands before the API."""
    bench.fake.faults.append(Fault("POST", "/login", reply=html(200, "Please log in")))
    with pytest.raises(RemoteError) as raised:
        bench.keys().find(order())
    assert raised.value.code == "not_the_api"
    assert "Please log in" in raised.value.message


def test_redirect_is_not_followed(bench: Bench) -> None:
    """Credentials would go to another host."""
    target = {"Location": "https://elsewhere.example.com/mgmt?token=abc"}
    bench.fake.faults.append(Fault("POST", "/login", reply=Reply(302, None, headers=target)))
    with pytest.raises(RemoteError) as raised:
        bench.keys().find(order())
    assert raised.value.code == "redirected"
    assert "elsewhere.example.com" in raised.value.message
    assert "abc" not in raised.value.message
    assert len(bench.fake.log) == 1


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("write failed: No space left on device", "disk_full"),
        ("The FIPS card is not initialized", "not_licensed"),
        ("This feature is not licensed", "not_licensed"),
    ],
)
def test_what_the_device_says_is_told_in_its_words(bench: Bench, text: str, code: str) -> None:
    """Each with a stable code; nothing else is tried."""
    body = {"code": 400, "message": text, "errorcode": 1, "errorStack": [], "severity": "ERROR"}
    bench.fake.faults.append(Fault("POST", bench.key_path, reply=Reply(400, body)))
    with pytest.raises(RemoteError) as raised:
        bench.keys().begin(order())
    assert raised.value.code == code
    assert text in raised.value.message
    assert bench.fake.host in raised.value.message


def test_secret_that_the_device_repeats_is_not_shown(bench: Bench) -> None:
    """Some devices quote the request in their errors."""
    text = f"bad request: password {bench.fake.options.password} and {CHALLENGE}"
    body = {"code": 400, "message": text, "errorcode": 1, "errorStack": []}
    # The first CSR bears no challenge password.
    bench.fake.faults.append(Fault("POST", bench.csr_path, reply=Reply(400, body), skip=1))
    with pytest.raises(RemoteError) as raised:
        bench.keys().begin(order(challenge_password=Secret(CHALLENGE)))
    shown = raised.value.message + json.dumps(raised.value.failure())
    assert bench.fake.options.password not in shown
    assert CHALLENGE not in shown
    assert "bad request" in shown


def test_secrets_are_in_no_url_and_no_reference(bench: Bench) -> None:
    """Neither the password nor a session's token, in any call that was made."""
    reference = bench.keys().begin(order(challenge_password=Secret(CHALLENGE)))
    headers = [one.headers for one in bench.fake.log]
    tokens = {value for one in headers for name, value in one.items() if name in ("x-f5-auth-token", "cookie")}
    tokens = {token.partition("=")[2] or token for token in tokens}
    assert tokens
    hidden = {*tokens, bench.fake.options.password, CHALLENGE}
    urls = [f"{one.path}?{one.raw_query}" for one in bench.fake.log]
    assert not [url for url in urls for secret in hidden if secret in url]
    assert not [secret for secret in hidden if secret in json.dumps(reference)]
    assert "PRIVATE KEY" not in json.dumps(reference)


def test_csr_that_differs_from_the_order_is_not_handed_on(bench: Bench) -> None:
    """A CSR of the name that says something else, as an administrator may have made it."""
    bench.keys().begin(order())
    changed = order(replace(SPEC, organization="Another Ltd"))
    assert bench.keys().find(changed) == []
    with pytest.raises(RemoteError) as raised:
        bench.keys().begin(changed)
    assert raised.value.code == "csr_differs"
    assert "Another Ltd" in raised.value.message


def test_certificate_of_another_name_is_refused(bench: Bench, tmp_path: pathlib.Path) -> None:
    """TLS is verified against the name; nothing is sent."""
    other = type(bench.fake)(tmp_path / "other", names=("lb2.example.com",))
    with other:
        with pytest.raises(TransportError) as raised:
            adc.connect(bench.kind, other).find(order())
        assert raised.value.kind == "tls"
        assert not raised.value.sent
        with pytest.raises(TransportError):
            adc.connect(bench.kind, other, ca_path=bench.fake.ca_path).find(order())
        assert other.log == []
        checks = adc.connect(bench.kind, other).test()
        assert [check.passed for check in checks] == [False]
        assert "not trusted" in checks[0].detail
        assert adc.connect(bench.kind, other, validate_certs=False).find(order()) == []


def test_slow_device_is_given_up_after_the_timeout(bench: Bench) -> None:
    """And a change that may have been made is looked for."""
    bench.fake.faults.append(Fault("POST", bench.key_path, "slow", seconds=1.6))
    reference = bench.keys(timeout=1).begin(order())
    assert bench.key_count() == 1
    assert reference["csrs"]


def test_everything_wrong_with_an_order_is_told_at_once_and_nothing_sent(bench: Bench) -> None:
    """E13, E16, E17: by what the vendor can make."""
    spec = replace(
        SPEC,
        key_type="ed25519",
        hash_name="sha512",
        other_names=(("1.3.6.1.4.1.311.20.2.3", "u@example.com"),),
        directory_names=("CN=x",),
        uris=("https://x.example.com/a,b",),
        extensions={"must_staple": True},
    )
    problems = bench.keys().validate(order(spec, name="a b"))
    text = "\n".join(problems)
    for word in ("key reference name", "ed25519", "sha512", "other", "directory", "a,b", "must_staple"):
        assert word in text
    assert len(problems) == 7
    assert bench.fake.log == []
