# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The own CA as more than a signer: its CRL, and the approval it rehearses."""

from __future__ import annotations

import subprocess
import threading
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from ansible_collections.edgecert.clm.plugins.module_utils._ca import own_ca_account, own_ca_signing
from ansible_collections.edgecert.clm.plugins.module_utils._ca.answer_base import Issued, Pending, Rejected
from ansible_collections.edgecert.clm.plugins.module_utils._ca.base import CaConnector, Order, StoredAccount
from ansible_collections.edgecert.clm.plugins.module_utils._ca.registry import connector_type
from ansible_collections.edgecert.clm.plugins.module_utils._core.csr_spec import CsrSpec
from ansible_collections.edgecert.clm.plugins.module_utils._core.errors import InputError, StateError
from ansible_collections.edgecert.clm.plugins.module_utils._core.redact import Secret
from ansible_collections.edgecert.clm.plugins.module_utils._core.vocabulary import REVOCATION_REASONS
from ansible_collections.edgecert.clm.plugins.module_utils._pki.signing_parts import signing_hash
from ansible_collections.edgecert.clm.tests.support.csrs import KEYS, make_csr
from ansible_collections.edgecert.clm.tests.support.fake_ca.core import FakeClock

NOW = datetime(2026, 11, 23, 12, tzinfo=timezone.utc)
SPEC = CsrSpec("www.example.com", ("www.example.com",))


class Account:
    """An account of the own CA whose options change."""

    def __init__(self, **options: Any) -> None:
        self.clock = FakeClock(NOW)
        self.kind = connector_type("own_ca", self.clock)
        self.kept = StoredAccount(*self.kind.prepare("lab", options, {}, StoredAccount()))

    def connect(self, **options: Any) -> CaConnector:
        """Change options, and give the connector."""
        self.kept = StoredAccount(*self.kind.prepare("lab", {**self.kept.options, **options}, {}, self.kept))
        secrets = {name: Secret(text) for name, text in self.kept.secrets.items()}
        return self.kind.connect("lab", self.kept.options, secrets)


def order(number: int = 1) -> Order:
    return Order(SPEC, 90, f"intent-{number}", NOW)


def signed(connector: CaConnector, number: int = 1) -> Issued:
    answer = connector.submit(order(number), make_csr(KEYS["p256"](), names=SPEC.dns_names))
    assert isinstance(answer, Issued), answer
    return answer


def test_the_crl_says_what_was_revoked_and_openssl_believes_it(tmp_path: Path) -> None:
    """ca-connectors §4.1: revoke rewrites the CRL; a second opinion refuses what is on it."""
    path = tmp_path / "own.crl.pem"
    account = Account(crl_path=str(path), crl_url="http://crl.example.com/own.crl")
    connector = account.connect()
    good, bad = signed(connector, 1), signed(connector, 2)
    connector.revoke(bad.handle, "key_compromise", "")
    for name, text in (("good", good.bundle.leaf), ("bad", bad.bundle.leaf), ("mid", good.bundle.chain[0])):
        (tmp_path / f"{name}.pem").write_text(text)
    (tmp_path / "root.pem").write_text(good.bundle.root)
    command = ["openssl", "verify", "-attime", str(int(NOW.timestamp())), "-crl_check", "-CAfile", "root.pem"]
    command += ["-untrusted", "mid.pem", "-CRLfile", str(path)]
    said = {
        name: subprocess.run([*command, f"{name}.pem"], cwd=tmp_path, capture_output=True, text=True, check=False)
        for name in ("good", "bad")
    }
    assert said["good"].returncode == 0, said["good"].stderr
    assert said["bad"].returncode != 0 and "certificate revoked" in said["bad"].stderr
    leaf = x509.load_pem_x509_certificate(good.bundle.leaf.encode())
    points = leaf.extensions.get_extension_for_class(x509.CRLDistributionPoints).value
    assert points[0].full_name is not None and points[0].full_name[0].value == "http://crl.example.com/own.crl"


def test_every_reason_stands_on_it_and_its_number_grows(tmp_path: Path) -> None:
    """RFC 5280 §5.2.3, §5.3.1."""
    path = tmp_path / "own.crl"
    account = Account(crl_path=str(path), crl_days=30)
    connector = account.connect()
    for number, reason in enumerate(REVOCATION_REASONS, 1):
        connector.revoke(signed(connector, number).handle, reason, "")
        crl = x509.load_der_x509_crl(path.read_bytes())
        assert crl.extensions.get_extension_for_class(x509.CRLNumber).value.crl_number == number
    assert len(crl) == len(REVOCATION_REASONS) and crl.next_update_utc == NOW + timedelta(days=30)
    reasons = [entry.extensions.get_extension_for_class(x509.CRLReason).value.reason.name for entry in list(crl)[1:]]
    assert sorted(reasons) == sorted(REVOCATION_REASONS[1:])


def crl_of(path: Path) -> x509.CertificateRevocationList:
    return x509.load_der_x509_crl(path.read_bytes())


def number_of(crl: x509.CertificateRevocationList) -> int:
    return crl.extensions.get_extension_for_class(x509.CRLNumber).value.crl_number


def test_a_revocation_that_is_repeated_signs_the_crl_anew_and_changes_no_entry(tmp_path: Path) -> None:
    """RFC 5280 §5.1.2.5: what is on it stays, with its time; the CRL is good for its whole life again."""
    path = tmp_path / "own.crl"
    account = Account(crl_path=str(path))
    connector = account.connect()
    handle = signed(connector).handle
    connector.revoke(handle, "key_compromise", "")
    account.clock.sleep(5 * 86_400)
    assert connector.revoke(handle, "superseded", "").at == NOW
    crl = crl_of(path)
    assert number_of(crl) == 2 and crl.next_update_utc == NOW + timedelta(days=12)
    [entry] = list(crl)
    assert entry.revocation_date_utc == NOW
    assert entry.extensions.get_extension_for_class(x509.CRLReason).value.reason is x509.ReasonFlags.key_compromise


def test_the_crl_wants_to_be_signed_anew_once_half_of_its_life_is_over(tmp_path: Path) -> None:
    """Nobody revokes weekly, and a CRL that has ended is believed by no strict verifier."""
    path = tmp_path / "own.crl"
    account = Account(crl_path=str(path))
    connector = account.connect()
    assert connector.care_due() == "" and "none yet" in connector.test()[-1].detail
    connector.revoke(signed(connector).handle, "superseded", "")
    account.clock.sleep(3 * 86_400)
    assert connector.care_due() == ""
    account.clock.sleep(86_400)
    assert "which ends 2026-11-30T12:00:00Z" in connector.care_due()
    connector.care()
    crl = crl_of(path)
    assert (number_of(crl), len(crl), crl.next_update_utc) == (2, 1, NOW + timedelta(days=11))
    assert connector.care_due() == "" and connector.test()[-1].detail == "good until 2026-12-04T12:00:00Z"
    path.write_text("a letter")
    assert connector.care_due() == "" and not connector.test()[-1].passed


def test_a_crl_without_a_number_is_taken_over(tmp_path: Path) -> None:
    """Made by a tool that writes none: its entries stay, and numbers begin with 1."""
    path = tmp_path / "own.crl"
    account = Account(crl_path=str(path))
    connector = account.connect()
    secrets = dict(account.kept.secrets)
    cert = own_ca_account.issuer_of(account.kept.options)
    key = own_ca_signing.load_key(secrets["private_key"], "")
    entry = x509.RevokedCertificateBuilder().serial_number(7).revocation_date(NOW).build()
    builder = x509.CertificateRevocationListBuilder().issuer_name(cert.subject)
    builder = builder.last_update(NOW).next_update(NOW + timedelta(days=7)).add_revoked_certificate(entry)
    made = builder.sign(key, signing_hash(key, "sha256"))
    path.write_bytes(made.public_bytes(Encoding.DER))
    connector.revoke(signed(connector).handle, "superseded", "")
    assert number_of(crl_of(path)) == 1 and len(crl_of(path)) == 2


def test_two_at_once_lose_no_entry(tmp_path: Path) -> None:
    """Two workers, one file."""
    path = tmp_path / "own.crl"
    account = Account(crl_path=str(path))
    connector = account.connect()
    handles = [signed(connector, number).handle for number in range(12)]
    workers = [threading.Thread(target=connector.revoke, args=(handle, "superseded", "")) for handle in handles]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert len(x509.load_der_x509_crl(path.read_bytes())) == 12
    assert {one.name for one in tmp_path.iterdir()} == {"own.crl", "own.crl.lock"}


def test_a_file_that_is_no_crl_of_this_ca_stays_as_it_is(tmp_path: Path) -> None:
    """Bad input: nothing is overwritten."""
    path = tmp_path / "own.crl"
    first = Account(crl_path=str(path)).connect()
    first.revoke(signed(first).handle, "superseded", "")
    content = path.read_bytes()
    other = Account(crl_path=str(path)).connect()
    with pytest.raises(StateError, match="CRL of another CA"):
        other.revoke(signed(other).handle, "superseded", "")
    path.write_text("a letter")
    with pytest.raises(StateError, match="it is no CRL"):
        first.revoke(signed(first).handle, "superseded", "")
    assert path.read_text() == "a letter" and content
    gone = Account(crl_path=str(tmp_path / "none" / "own.crl")).connect()
    with pytest.raises(InputError, match="a folder that is there"):
        gone.revoke(signed(gone).handle, "superseded", "")


def test_without_a_crl_nothing_can_be_revoked_and_that_is_said() -> None:
    """Honest capabilities."""
    connector = Account().connect()
    assert connector.capabilities().revoke_reasons == ()
    with pytest.raises(InputError, match="crl_path"):
        connector.revoke(signed(connector).handle, "superseded", "")


def test_an_approval_is_rehearsed() -> None:
    """ca-connectors §4.1: it doubles as a CA that waits for a person, who grants or denies."""
    account = Account(approval="waiting")
    connector = account.connect()
    assert connector.capabilities().may_need_approval and not connector.capabilities().is_immediate
    answer = connector.submit(order(), make_csr(KEYS["p256"](), names=SPEC.dns_names))
    assert isinstance(answer, Pending) and answer.state == "pending_approval"
    [action] = answer.actions
    assert (action.kind, action.name, action.value) == ("approval", "approval", "granted")
    ended = connector.cancel(answer.handle)
    assert isinstance(ended, Rejected) and ended.state == "cancelled"
    assert isinstance(account.connect(approval="denied").collect(answer.handle), Rejected)
    assert isinstance(account.connect(approval="granted").collect(answer.handle), Issued)
    assert replace(account.kept).options["approval"] == "granted"
