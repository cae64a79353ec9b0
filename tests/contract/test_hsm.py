# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Keys in a real token of SoftHSM: made there, never to leave, found again; OpenSC and OpenSSL give second opinions."""

from __future__ import annotations

import errno
import fcntl
import os
import pathlib
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from functools import partial
from typing import Any
from unittest import mock

import pytest

from ansible_collections.edgecert.clm.plugins.module_utils._core.errors import (
    AuthError,
    ClmError,
    NotFoundError,
    RemoteError,
    StateError,
    TransportError,
)
from ansible_collections.edgecert.clm.plugins.module_utils._core.redact import Secret
from ansible_collections.edgecert.clm.plugins.module_utils._keys import pkcs11_keys
from ansible_collections.edgecert.clm.plugins.module_utils._keys.base import CsrReady, Reference
from ansible_collections.edgecert.clm.plugins.module_utils._keys.device_base import DeviceKeys
from ansible_collections.edgecert.clm.plugins.module_utils._pki.csr_building import build_csr
from ansible_collections.edgecert.clm.plugins.module_utils._pki.x509 import csr_facts
from ansible_collections.edgecert.clm.plugins.module_utils._token import access, library
from ansible_collections.edgecert.clm.plugins.module_utils._token.access import TokenAccess, TokenPlace
from ansible_collections.edgecert.clm.plugins.module_utils._token.keypairs import KeyPairs
from ansible_collections.edgecert.clm.tests.support import softhsm
from ansible_collections.edgecert.clm.tests.support.children import barrier, in_children
from ansible_collections.edgecert.clm.tests.support.softhsm import PIN, Remembered, SoftToken, order

DUAL: dict[str, Any] = {"dual_stack": True, "key_size": 2048, "curve": "secp256r1"}


@pytest.fixture
def token(tmp_path: pathlib.Path) -> SoftToken:
    try:
        return softhsm.new_token(tmp_path)
    except softhsm.NoTokens as reason:
        pytest.skip(str(reason))


def session_of(token: SoftToken, pin: str = PIN, **changes: Any) -> Any:
    """Open a session the way the product does."""
    place = TokenPlace(token.module, token.label, environment=token.environment)
    return TokenAccess(place, Secret(pin), Remembered()).session(**changes)


def openssl(csr: str) -> str:
    """Have OpenSSL verify a CSR, and give how it reads it."""
    command = ["openssl", "req", "-verify", "-noout", "-text"]
    done = subprocess.run(command, input=csr, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "verify OK" in done.stderr + done.stdout
    return done.stdout


def refused(work: Any, kind: type[ClmError], code: str) -> ClmError:
    """Give the error of something that has to fail with a code."""
    with pytest.raises(kind) as caught:
        work()
    assert caught.value.code == code
    assert PIN not in str(caught.value) + str(caught.value.failure())
    return caught.value


# -- what is made ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        ({"key_size": 2048, "hash_name": "sha256"}, ["(2048 bit)", "sha256WithRSAEncryption"]),
        ({"key_size": 3072, "hash_name": "sha384"}, ["(3072 bit)", "sha384WithRSAEncryption"]),
        ({"key_size": 4096, "hash_name": "sha512"}, ["(4096 bit)", "sha512WithRSAEncryption"]),
        ({"key_type": "ec"}, ["prime256v1", "ecdsa-with-SHA256"]),
        ({"key_type": "ec", "curve": "secp384r1", "hash_name": "sha384"}, ["secp384r1", "ecdsa-with-SHA384"]),
        ({"key_type": "ec", "curve": "secp521r1", "hash_name": "sha512"}, ["secp521r1", "ecdsa-with-SHA512"]),
        ({"key_type": "ed25519"}, ["ED25519"]),
    ],
)
def test_openssl_accepts_the_csr_of_every_kind_of_key(token: SoftToken, spec: dict[str, Any], words: list[str]) -> None:
    """E8, E16, E17: key type, size or curve and hash are as asked for; names and challenge password are in it."""
    keys = token.keys()
    wanted = order(challenge_password=Secret("Aa1!secret"), organization="Example Ltd", **spec)
    assert keys.validate(wanted) == []
    assert keys.conflicts(wanted) == []
    reference = keys.begin(wanted)
    answer = keys.collect(reference)
    assert isinstance(answer, CsrReady)
    [text] = [openssl(csr) for csr in answer.csrs.values()]
    for word in (*words, "CN = www.example.com", "O = Example Ltd", "DNS:a.example.com"):
        assert word in text
    [bearing] = keys.made()
    assert bearing.name == f"csr/{reference['keys'][0]['algorithm']}"
    assert "Aa1!secret" in openssl(bearing.value.disclose()) and "Aa1!secret" not in text
    assert csr_facts(bearing.value.disclose()).key == csr_facts(next(iter(answer.csrs.values()))).key


def test_a_dual_stack_is_two_keys_and_two_csrs(token: SoftToken) -> None:
    """E10."""
    reference = token.keys().begin(order(**DUAL))
    assert list(reference["csrs"]) == ["RSA", "ECDSA"]
    assert token.labels() == ["www.ecdsa", "www.rsa"]
    ids = {one["label"]: one["ID"] for one in token.listed()}
    assert {key["label"]: key["id"] for key in reference["keys"]} == ids
    for csr in reference["csrs"].values():
        openssl(csr)


def test_what_is_missing_of_a_dual_stack_is_made_alone(token: SoftToken) -> None:
    """E10: the certificate that is there keeps its key."""
    keys = token.keys()
    first = keys.begin(order("req-1", **DUAL))
    wanted = replace(order("req-2", renews=True, **DUAL), renews={"adds": ["ECDSA"]})
    second = keys.begin(wanted)
    assert list(second["csrs"]) == ["ECDSA"]
    assert token.labels() == ["www.ecdsa", "www.ecdsa.2", "www.rsa"]
    assert second["keys"][0]["id"] not in {key["id"] for key in first["keys"]}


def test_opensc_sees_label_and_id_and_a_key_for_signing_alone_that_cannot_leave(token: SoftToken) -> None:
    """E8: a second opinion; what a reference says is what is in the token."""
    reference = token.keys().begin(order())
    [private], [public] = token.listed("privkey"), token.listed("pubkey")
    [key] = reference["keys"]
    assert private["label"] == public["label"] == key["label"] == "www"
    assert private["ID"] == public["ID"] == key["id"]
    assert private["Usage"] == "sign"
    assert private["Access"] == "sensitive, always sensitive, never extractable, local"
    assert "www on key device hsm" in reference["label"]


@pytest.mark.parametrize("spec", [{}, {"key_type": "ec"}, {"key_type": "ed25519"}])
def test_the_key_cannot_be_read_out(token: SoftToken, spec: dict[str, Any]) -> None:
    """E8: neither its value, nor wrapped by another key, nor by OpenSC's tool, nor can it be made readable."""
    import pkcs11
    from pkcs11.constants import Attribute

    [key] = token.keys().begin(order(**spec))["keys"]
    read = token.tool("--read-object", "--type", "privkey", "--id", key["id"])
    assert read.stdout == "", "the tool gave something, whatever it says about it"
    secrets = [Attribute.VALUE]
    if not spec:
        secrets = [Attribute.PRIVATE_EXPONENT, Attribute.PRIME_1, Attribute.PRIME_2, Attribute.COEFFICIENT]
    with session_of(token, write=True) as session:
        [private] = session.get_objects({Attribute.ID: bytes.fromhex(key["id"]), Attribute.CLASS: 3})
        for name in secrets:
            with pytest.raises(pkcs11.exceptions.AttributeSensitive):
                private[name]
        wrapping = session.generate_key(pkcs11.KeyType.AES, 256, capabilities=pkcs11.MechanismFlag.WRAP)
        with pytest.raises(pkcs11.exceptions.KeyUnextractable):
            wrapping.wrap_key(private, mechanism=pkcs11.Mechanism.AES_KEY_WRAP)
        for name, value in ((Attribute.EXTRACTABLE, True), (Attribute.SENSITIVE, False)):
            with pytest.raises(pkcs11.exceptions.PKCS11Error):
                private[name] = value
            assert private[name] is not value


def test_nothing_that_would_bring_the_private_part_out_is_answered(token: SoftToken) -> None:
    """E8: the key that is handed to builders of CSRs and certificates signs and tells its public part, and no more."""
    import copy
    import pickle

    token.keys().begin(order())
    with session_of(token) as session:
        pairs = KeyPairs(session, "token clm")
        signer = pairs.signer(pairs.entries(label="www")[0])
        for act in (signer.private_bytes, signer.private_numbers, signer.decrypt):
            refused(act, StateError, "key_stays_in_token")
        for act in (copy.copy, copy.deepcopy, pickle.dumps):
            refused(partial(act, signer), StateError, "key_stays_in_token")


# -- generations and reuse ---------------------------------------------------------------------------------------------


def spki(reference: Reference) -> list[str]:
    """Give the public keys of a reference's CSRs."""
    return [csr_facts(csr).key.spki_sha256 for csr in reference["csrs"].values()]


def test_a_renewal_makes_the_next_generation_or_reuses_the_newest_key(token: SoftToken) -> None:
    """E8, E4: rotate or reuse; the CSR of a reused key says what this request asks for."""
    keys = token.keys()
    first = keys.begin(order("req-1"))
    second = keys.begin(order("req-2", renews=True))
    third = keys.begin(order("req-3", renews=True, reuse=True, dns_names=("www.example.com", "new.example.com")))
    assert token.labels() == ["www", "www.2"]
    assert spki(first) != spki(second) == spki(third)
    assert "new.example.com" in openssl(third["csrs"]["RSA"])
    assert keys.begin(order("req-4", renews=True))["keys"][0]["label"] == "www.3"


def test_reuse_makes_the_key_of_a_first_request_and_refuses_one_that_is_gone_or_differs(token: SoftToken) -> None:
    """E8: a key that is asked to be reused is never replaced silently."""
    keys = token.keys()
    wanted = order("req-0", reuse=True, renews=True)
    assert [one.code for one in keys.conflicts(wanted)] == ["key_gone"]
    refused(lambda: keys.begin(wanted), StateError, "key_gone")
    assert token.labels() == []
    keys.begin(order("req-1", reuse=True))
    assert token.labels() == ["www"]
    [differs] = keys.conflicts(order("req-2", reuse=True, renews=True, key_size=4096))
    assert differs.code == "key_differs" and "RSA 2048" in differs.sentence and "RSA 4096" in differs.sentence
    assert [one.code for one in keys.conflicts(order("req-3", reuse=True, renews=True, key_type="ec"))] == ["key_gone"]


def test_a_change_of_algorithm_takes_a_label_of_its_own(token: SoftToken) -> None:
    """E8: people tell keys apart by their labels."""
    keys = token.keys()
    keys.begin(order("req-1"))
    keys.begin(order("req-2", renews=True, key_type="ec"))
    keys.begin(order("req-3", renews=True, **DUAL))
    labels = token.labels()
    assert labels == ["www", "www.2", "www.ecdsa.3", "www.rsa.2"]


def test_a_handler_name_that_is_taken_is_refused_and_the_key_there_stays_as_it_is(token: SoftToken) -> None:
    """E8: by a key that was made elsewhere, or by one of another certificate."""
    made = token.tool("--keypairgen", "--key-type", "rsa:2048", "--label", "ours", "--id", "77", "--sensitive")
    assert made.returncode == 0, made.stderr
    keys = token.keys()
    keys.begin(order("req-1", handler="other", certificate_id="other.example.com"))
    before = token.listed()
    for handler, words in (("ours", "was not made here"), ("other", "of another certificate")):
        [taken] = keys.conflicts(order(f"req-{handler}", handler=handler))
        assert taken.code == "key_taken" and words in taken.sentence
        refused(partial(keys.begin, order("req-x", handler=handler)), StateError, "key_taken")
    assert [one.code for one in keys.conflicts(order("req-y", handler="other", reuse=True))] == ["key_taken"]
    assert token.listed() == before


def test_a_handler_named_like_the_next_generation_of_another_does_not_stop_its_renewal(token: SoftToken) -> None:
    """E4, E8: the number is passed over; neither key is touched, and generations go on from there."""
    keys = token.keys()
    keys.begin(order("req-1"))
    keys.begin(order("req-b", handler="www.2", certificate_id="b.example.com", key_type="ec"))
    made = token.tool("--keypairgen", "--key-type", "rsa:2048", "--label", "www.3", "--id", "77", "--sensitive")
    assert made.returncode == 0, made.stderr
    before = token.listed()
    renewal = order("req-2", renews=True)
    assert keys.conflicts(renewal) == []
    assert keys.begin(renewal)["keys"][0]["label"] == "www.4"
    assert [one for one in token.listed() if one["label"] != "www.4"] == before
    assert keys.begin(renewal)["keys"][0]["label"] == "www.4"
    assert keys.begin(order("req-3", renews=True))["keys"][0]["label"] == "www.5"
    assert keys.begin(order("req-c", handler="www.2", certificate_id="b.example.com", renews=True))["keys"]


def test_a_key_from_a_ceremony_is_used_where_reuse_says_so_unless_it_can_leave(token: SoftToken) -> None:
    """E8: reuse names a key that is there, whoever made it; one that can be read out is refused."""
    for label, number, more in (("kept", "71", ["--sensitive"]), ("loose", "72", ["--extractable"])):
        made = token.tool("--keypairgen", "--key-type", "EC:prime256v1", "--label", label, "--id", number, *more)
        assert made.returncode == 0, made.stderr
    keys = token.keys()
    reference = keys.begin(order(handler="kept", reuse=True, key_type="ec"))
    assert reference["keys"] == [{"algorithm": "ECDSA", "label": "kept", "id": "71"}]
    openssl(reference["csrs"]["ECDSA"])
    loose = order("req-2", handler="loose", reuse=True, key_type="ec")
    assert [one.code for one in keys.conflicts(loose)] == ["key_not_protected"]


def test_a_label_that_nobody_here_would_give_is_used_where_reuse_says_so(token: SoftToken) -> None:
    """E8: who made the key named it; no key is made under such a name."""
    label = "Web key 1 (ceremony 2026)"
    made = token.tool("--keypairgen", "--key-type", "rsa:2048", "--label", label, "--id", "73", "--sensitive")
    assert made.returncode == 0, made.stderr
    keys, wanted = token.keys(), order(handler=label, reuse=True)
    assert keys.validate(wanted) == [] and keys.conflicts(wanted) == []
    assert keys.begin(wanted)["keys"] == [{"algorithm": "RSA", "label": label, "id": "73"}]
    [told] = keys.validate(order("req-2", handler=label))
    assert "cannot be the name of a key that is made" in told
    [gone] = keys.conflicts(order("req-3", handler="no such key", reuse=True))
    assert gone.code == "key_gone" and "there is no RSA key no such key" in gone.sentence


# -- crashes, and others at work ---------------------------------------------------------------------------------------


def killed_at_csr(token: SoftToken, number: int, **spec: Any) -> None:
    """Begin in a child that is killed, as by ``kill -9``, before it signs its CSR of that number."""
    signed: list[int] = []

    def build(*arguments: Any) -> str:
        signed.append(1)
        if len(signed) == number:
            os.kill(os.getpid(), signal.SIGKILL)
        return build_csr(*arguments)

    def work() -> None:
        with mock.patch.object(pkcs11_keys, "build_csr", build):
            token.keys().begin(order(**spec))

    [ended] = in_children([work])
    assert ended.is_killed, ended.error


def test_a_run_killed_between_key_and_csr_is_gone_on_with_and_makes_no_second_key(token: SoftToken) -> None:
    """E8, W5: the next run finds the key by the request's id, and signs for it."""
    killed_at_csr(token, 1)
    assert token.labels() == ["www"]
    keys = token.keys()
    [found] = keys.find(order(challenge_password=Secret("Aa1!secret")))
    openssl(found["csrs"]["RSA"])
    assert "Aa1!secret" in openssl(keys.made()[0].value.disclose())
    begun = token.keys().begin(order())
    assert begun["keys"] == found["keys"] and spki(begun) == spki(found)
    assert token.labels() == ["www"]
    assert token.keys().find(order("req-other")) == []


def test_a_run_killed_between_two_keys_makes_only_the_one_that_is_missing(token: SoftToken) -> None:
    """E8, E10, W5."""
    plain = KeyPairs.make

    def make(self: Any, kind: Any, *arguments: Any) -> Any:
        if kind.algorithm == "ECDSA":
            os.kill(os.getpid(), signal.SIGKILL)
        return plain(self, kind, *arguments)

    def work() -> None:
        with mock.patch.object(KeyPairs, "make", make):
            token.keys().begin(order(**DUAL))

    [ended] = in_children([work])
    assert ended.is_killed, ended.error
    [left] = token.listed()
    assert left["label"] == "www.rsa"
    assert token.keys().find(order(**DUAL)) == []
    assert token.keys().begin(order(**DUAL))["keys"][0]["id"] == left["ID"]
    assert token.labels() == ["www.ecdsa", "www.rsa"]


def test_of_two_processes_that_make_the_same_key_at_once_never_both_keep_one(token: SoftToken) -> None:
    """W5: on two machines, where no lock helps, whoever sees another one yields; running again makes exactly one."""
    together = barrier(2)
    plain = KeyPairs.make

    def make(self: Any, *arguments: Any) -> Any:
        together()
        made = plain(self, *arguments)
        together()
        return made

    def work() -> str:
        unlocked = mock.patch.object(library, "_one_at_a_time", lambda _path: nullcontext())
        with unlocked, mock.patch.object(KeyPairs, "make", make):
            try:
                return str(token.keys().begin(order())["label"])
            except ClmError as exc:
                return exc.code

    ended = in_children([work, work])
    assert not any(one.error for one in ended), ended
    assert "conflict" in {one.value for one in ended}
    assert len(token.labels()) <= 1
    token.keys().begin(order())
    assert token.labels() == ["www"]


def test_processes_that_work_in_one_token_at_the_same_time_make_what_each_was_asked_for(token: SoftToken) -> None:
    """W5: one after the other, for SoftHSM fails now and then when several write."""

    def work(number: int) -> list[str]:
        keys, csrs = token.keys(), []
        for turn in range(3):
            name = f"key-{number}-{turn}"
            wanted = order(f"req-{name}", name, certificate_id=name, key_type="ec")
            csrs.append(str(keys.begin(wanted)["csrs"]["ECDSA"]))
        return csrs

    ended = in_children([partial(work, number) for number in range(3)])
    assert [one.error for one in ended] == ["", "", ""]
    assert len({openssl(csr) for one in ended for csr in one.value}) == 9
    assert len(token.labels()) == 9


def test_a_module_that_another_process_does_not_let_go_is_told(
    token: SoftToken, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The wait has an end, and what was asked for can be asked for again."""
    monkeypatch.setattr(library, "_LONGEST_WAIT_S", 0.1)
    held = os.open(token.module, os.O_RDONLY)
    try:
        fcntl.flock(held, fcntl.LOCK_EX)
        error = refused(lambda: token.keys().begin(order()), TransportError, "token_busy")
        assert error.retryable and token.module in error.message
    finally:
        os.close(held)
    token.keys().begin(order())


def test_a_module_whose_file_cannot_be_locked_is_used_all_the_same(
    token: SoftToken, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Some file systems lock nothing, or no file that is only read."""

    def no_lock(_file: int, _how: int) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(fcntl, "flock", no_lock)
    token.keys().begin(order("req-1"))

    def no_file(*_arguments: Any) -> int:
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(os, "open", no_file)
    assert len(token.keys().find(order("req-1"))) == 1


@pytest.mark.parametrize("half", ["privkey", "pubkey"])
@pytest.mark.parametrize("spec", [{}, {"key_type": "ec"}])
def test_half_a_pair_that_was_left_is_replaced_by_a_whole_one(
    token: SoftToken, half: str, spec: dict[str, Any]
) -> None:
    """W5: the token stopped while it made the pair; nothing was signed with it yet."""
    [key] = token.keys().begin(order(**spec))["keys"]
    assert token.tool("--delete-object", "--type", half, "--id", key["id"]).returncode == 0
    # An RSA private key tells its public part itself, and so it is whole.
    is_whole = half == "pubkey" and not spec
    assert bool(token.keys().find(order(**spec))) is is_whole
    again = token.keys().begin(order(**spec))
    for csr in again["csrs"].values():
        openssl(csr)
    assert again["keys"] == [key]
    assert token.labels() == ["www"]
    assert len(token.listed("pubkey")) == (0 if is_whole else 1)


def test_a_child_that_is_forked_amid_a_session_has_sessions_of_its_own(token: SoftToken) -> None:
    """PKCS#11 2.40, C_Initialize: what the parent opened is not the child's."""
    with session_of(token) as session:
        [ended] = in_children([lambda: token.keys().begin(order())["label"]])
        assert ended.error == "" and ended.value == "www on key device hsm"
        assert len(list(session.get_objects())) == 2


def test_no_session_stays_open_after_a_use_also_not_after_a_failed_login(token: SoftToken) -> None:
    """The module is finalised, and so whatever was open in it is closed."""
    import pkcs11

    token.keys().begin(order())
    with pytest.raises(AuthError):
        token.keys("wrong").find(order())
    assert pkcs11.lib(token.module).initialized
    pkcs11.lib(token.module).finalize()
    with library.loaded(token.module, token.environment) as loaded:
        assert loaded.initialized
        assert os.environ["SOFTHSM2_CONF"] == str(token.settings)
        with session_of(token):
            assert loaded.initialized
        assert loaded.initialized, "an inner use must not end the outer one"
    assert not loaded.initialized
    assert os.environ.get("SOFTHSM2_CONF") != str(token.settings)


# -- the PIN -----------------------------------------------------------------------------------------------------------


def logins(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Note each login from now on."""
    tried: list[str] = []
    plain = access._logged_in

    def logged_in(token: Any, pin: Secret, **words: Any) -> Any:
        tried.append(pin.disclose())
        return plain(token, pin, **words)

    monkeypatch.setattr(access, "_logged_in", logged_in)
    return tried


def test_a_wrong_pin_is_tried_once_over_all_runs_until_another_one_is_given(
    token: SoftToken, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Tokens lock after a few wrong PINs: a schedule that runs on must not be what locks one."""
    tried, memory = logins(monkeypatch), Remembered()
    for _run in range(5):
        error = refused(lambda: token.keys("wrong", memory).find(order()), AuthError, "pin_incorrect")
        assert "edgecert.clm.key_device" in error.message and not error.retryable
    assert tried == ["wrong"]
    assert token.keys(PIN, memory).find(order()) == []
    refused(lambda: token.keys("wrong", memory).find(order()), AuthError, "pin_incorrect")
    assert tried == ["wrong", PIN]


def test_a_test_tries_a_refused_pin_once_more_and_clears_its_name_when_it_is_right(
    token: SoftToken, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The security officer may have set the PIN to what was refused."""
    tried, memory = logins(monkeypatch), Remembered()
    memory.refused(Secret(PIN))
    refused(lambda: token.keys(PIN, memory).find(order()), AuthError, "pin_incorrect")
    assert all(check.passed for check in token.keys(PIN, memory).test())
    assert token.keys(PIN, memory).find(order()) == []
    assert tried == [PIN, PIN]


def test_a_missing_pin_is_told_with_where_to_give_it(token: SoftToken) -> None:
    error = refused(lambda: token.keys(None).find(order()), AuthError, "pin_missing")
    assert "secrets.pin" in error.message and "pin_env" in error.message


class Changed:
    """A token, or a session, that is as another one, but for what a test changes."""

    def __init__(self, real: Any, **changes: Any) -> None:
        self._real, self._changes = real, changes

    def __getattr__(self, name: str) -> Any:
        return self._changes[name] if name in self._changes else getattr(self._real, name)


def tokens_with(monkeypatch: pytest.MonkeyPatch, *, add: str = "", drop: str = "", **changes: Any) -> None:
    """Have every token bear a flag more or less: SoftHSM has no PIN that locks, and no token that is read-only."""
    from pkcs11.constants import TokenFlag

    plain = access._tokens

    def tokens(library: Any) -> Iterator[Any]:
        for token in plain(library):
            flags = token.flags
            flags = (flags | TokenFlag[add]) if add else flags
            flags = (flags & ~TokenFlag[drop]) if drop else flags
            yield Changed(token, flags=flags, **changes)

    monkeypatch.setattr(access, "_tokens", tokens)


@pytest.mark.parametrize(
    ("add", "drop", "code"),
    [
        ("USER_PIN_LOCKED", "", "pin_locked"),
        ("USER_PIN_FINAL_TRY", "", "pin_last_try"),
        ("", "USER_PIN_INITIALIZED", "pin_not_set"),
    ],
)
def test_a_token_that_is_locked_or_about_to_be_is_not_tried(
    token: SoftToken, monkeypatch: pytest.MonkeyPatch, add: str, drop: str, code: str
) -> None:
    """The flags of CK_TOKEN_INFO tell before a login; the last try is left to a person."""
    tried = logins(monkeypatch)
    tokens_with(monkeypatch, add=add, drop=drop)
    refused(lambda: token.keys().find(order()), AuthError, code)
    [login] = [check for check in token.keys().test() if check.name == "login"]
    assert not login.passed
    assert tried == []


# -- what is missing ---------------------------------------------------------------------------------------------------


def test_a_token_that_is_not_there_is_told_with_those_that_are(token: SoftToken) -> None:
    error = refused(lambda: token.keys(token_label="spare").conflicts(order()), NotFoundError, "token_not_found")
    assert "clm (serial " in error.message and "slot 1, not initialised" in error.message
    assert len(error.details["tokens"]) == 2


def test_a_token_is_found_by_label_serial_or_slot_and_told_when_there_are_several(
    token: SoftToken, tmp_path: pathlib.Path
) -> None:
    softhsm.new_token(tmp_path)
    with library.loaded(token.module, token.environment) as loaded:
        there = {one.serial.decode(): one.slot.slot_id for one in access._tokens(loaded) if one.label == "clm"}
    error = refused(lambda: token.keys().find(order()), StateError, "token_ambiguous")
    assert all(serial in error.message for serial in there)
    [one, other] = there
    for found in ({"token_serial": one}, {"slot": there[one]}, {"token_label": "", "slot": str(there[one])}):
        token.keys(**found).begin(order())
    refused(lambda: token.keys(token_serial=one, slot=there[other]).find(order()), NotFoundError, "token_not_found")
    with library.loaded(token.module, token.environment) as loaded:
        empty = [one.slot.slot_id for one in access._tokens(loaded) if not one.label]
    uninitialised = token.keys(token_label="", slot=empty[0])
    refused(lambda: uninitialised.find(order()), RemoteError, "token_not_initialized")


def test_a_module_that_is_missing_or_no_module_is_told_with_its_path(token: SoftToken, tmp_path: pathlib.Path) -> None:
    missing = str(tmp_path / "nothing.so")
    error = refused(lambda: token.keys(module_path=missing).find(order()), RemoteError, "module_missing")
    assert missing in error.message
    (tmp_path / "text.so").write_text("no module", encoding="utf-8")
    refused(lambda: token.keys(module_path=str(tmp_path / "text.so")).find(order()), RemoteError, "module_unusable")
    [check] = token.keys(module_path=missing).test()
    assert not check.passed and missing in check.detail


def test_what_the_token_has_no_mechanism_for_is_told_before_a_key_is_made(
    token: SoftToken, monkeypatch: pytest.MonkeyPatch
) -> None:
    """E8: the mechanisms are the token's, and their limits, too."""
    token.keys().begin(order("req-0", "ed", key_type="ed25519"))
    mechanisms = f"{token.settings.read_text()}slots.mechanisms = -CKM_NONE,CKM_EC_KEY_PAIR_GEN,CKM_EDDSA\n"
    token.settings.write_text(mechanisms)
    keys = token.keys()
    [missing] = keys.conflicts(order(key_type="ec"))
    assert missing.code == "mechanism_missing" and "CKM_EC_KEY_PAIR_GEN" in missing.sentence
    refused(lambda: keys.begin(order(key_type="ec")), StateError, "mechanism_missing")
    [missing] = keys.conflicts(order("req-2", "ed2", key_type="ed25519"))
    assert "CKM_EDDSA" in missing.sentence
    assert keys.conflicts(order("req-3")) == []
    checks = {check.name: check.passed for check in keys.test()}
    assert checks == {"token": True, "RSA keys": True, "ECDSA keys": False, "Ed25519 keys": False, "login": True}
    assert token.labels() == ["ed"]


def test_a_read_only_token_is_told_before_anything_is_made(token: SoftToken, monkeypatch: pytest.MonkeyPatch) -> None:
    tokens_with(monkeypatch, add="WRITE_PROTECTED")
    refused(lambda: token.keys().begin(order()), RemoteError, "token_read_only")
    assert token.keys().find(order()) == []


# -- what goes wrong midway --------------------------------------------------------------------------------------------


@contextmanager
def broken(keys: DeviceKeys, **methods: Any) -> Iterator[None]:
    """Have sessions do something else; each method is given the real session first."""
    plain = TokenAccess.session

    @contextmanager
    def session(self: TokenAccess, **words: Any) -> Iterator[Any]:
        with plain(self, **words) as real:
            changes = {name: (lambda *a, _m=method, **k: _m(real, *a, **k)) for name, method in methods.items()}
            yield Changed(real, **changes)

    with mock.patch.object(TokenAccess, "session", session):
        yield


def raising(name: str, *, after: bool = False) -> Any:
    """Give a ``generate_keypair`` that fails as PKCS#11 does, before or after the key is there."""

    def generate(session: Any, *arguments: Any, **words: Any) -> Any:
        from pkcs11 import exceptions

        if after:
            session.generate_keypair(*arguments, **words)
        raise getattr(exceptions, name)()

    return generate


@pytest.mark.parametrize(
    ("name", "code", "passes"),
    [
        ("DeviceMemory", "token_full", False),
        ("TokenWriteProtected", "token_read_only", False),
        ("SessionReadOnly", "token_read_only", False),
        ("KeySizeRange", "key_not_taken", False),
        ("TemplateInconsistent", "template_refused", False),
        ("MechanismInvalid", "mechanism_missing", False),
        ("DeviceRemoved", "token_gone", True),
        ("SessionHandleInvalid", "token_gone", True),
        ("SessionCount", "session_limit", True),
        ("GeneralError", "token_error", True),
    ],
)
def test_a_failure_midway_is_told_by_its_code_and_whether_it_passes(
    token: SoftToken, name: str, code: str, passes: bool
) -> None:
    """E8: what passes may have been done, so that it counts as sent and is looked for; what does not is final."""
    keys = token.keys()
    with broken(keys, generate_keypair=raising(name)):
        error = refused(lambda: keys.begin(order()), RemoteError, code)
    assert error.retryable is passes
    assert isinstance(error, TransportError) is passes
    assert getattr(error, "sent", passes) is passes
    assert error.details["pkcs11"] == name and "Cannot make an RSA 2048 key www in token clm" in error.message


def test_a_token_that_went_away_after_the_key_was_made_has_it_when_it_is_back(token: SoftToken) -> None:
    """W5: a lost answer; the next run finds the key and makes no second one."""
    keys = token.keys()
    with broken(keys, generate_keypair=raising("DeviceRemoved", after=True)):
        refused(lambda: keys.begin(order()), TransportError, "token_gone")
    assert token.labels() == ["www"]
    [found] = keys.find(order())
    assert keys.begin(order())["keys"] == found["keys"]
    assert token.labels() == ["www"]


def test_a_second_key_that_cannot_be_made_leaves_no_first_one(token: SoftToken) -> None:
    """E10: nothing is left of an order that is refused for good."""

    def no_domain(_session: Any, *_arguments: Any, **_words: Any) -> Any:
        from pkcs11.exceptions import DomainParamsInvalid

        raise DomainParamsInvalid()

    keys = token.keys()
    with broken(keys, create_domain_parameters=no_domain):
        refused(lambda: keys.begin(order(**DUAL)), RemoteError, "key_not_taken")
    assert token.labels() == [] and token.listed("pubkey") == []


def test_what_nobody_thought_of_leaves_no_key(token: SoftToken, monkeypatch: pytest.MonkeyPatch) -> None:
    """E8: a key that no request knows would stay in the token for ever."""

    def unforeseen(*_arguments: Any) -> str:
        raise ValueError("unforeseen")

    monkeypatch.setattr(pkcs11_keys, "build_csr", unforeseen)
    with pytest.raises(ValueError, match="unforeseen"):
        token.keys().begin(order())
    assert token.labels() == [] and token.listed("pubkey") == []


def test_a_token_that_makes_keys_that_can_leave_is_refused_and_the_key_removed(token: SoftToken) -> None:
    """E8: what the token says of the key counts, not what it was asked for."""

    def generate(session: Any, *arguments: Any, **words: Any) -> Any:
        from pkcs11.constants import Attribute

        return session.generate_keypair(
            *arguments, **{**words, "private_template": {Attribute.SENSITIVE: True, Attribute.EXTRACTABLE: True}}
        )

    keys = token.keys()
    with broken(keys, generate_keypair=generate):
        refused(lambda: keys.begin(order()), RemoteError, "key_not_protected")
    assert token.labels() == []


def test_an_ec_key_whose_public_half_is_gone_is_not_used_again(token: SoftToken) -> None:
    """E8: it tells nobody what it is, as after a restore of the private keys alone."""
    made = token.tool("--keypairgen", "--key-type", "EC:prime256v1", "--label", "alone", "--id", "72", "--sensitive")
    assert made.returncode == 0, made.stderr
    assert token.tool("--delete-object", "--type", "pubkey", "--id", "72").returncode == 0
    wanted = order("req-1", "alone", reuse=True, key_type="ec")
    refused(lambda: token.keys().begin(wanted), StateError, "public_key_missing")


def test_a_signature_that_is_not_of_the_public_key_is_not_handed_out(token: SoftToken) -> None:
    """E8: a pair whose halves do not belong together, as after a restore that mixed them up."""
    keys = token.keys()
    keys.begin(order("req-0", "other", certificate_id="other"))
    [other] = token.listed("pubkey")
    make = token.tool("--keypairgen", "--key-type", "rsa:2048", "--label", "mixed", "--id", "71", "--sensitive")
    assert make.returncode == 0
    assert token.tool("--delete-object", "--type", "pubkey", "--id", "71").returncode == 0
    moved = token.tool("--set-id", "71", "--id", other["ID"], "--type", "pubkey")
    assert moved.returncode == 0, moved.stderr
    refused(lambda: keys.begin(order("req-1", "mixed", reuse=True)), StateError, "key_mismatch")
