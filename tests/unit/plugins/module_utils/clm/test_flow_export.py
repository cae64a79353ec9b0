# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Exporting keys and certificates: on demand, into a file of mode 0600, on record; openssl reads back each (E6)."""

from __future__ import annotations

import pathlib
import stat
import subprocess
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from ansible_collections.edgecert.clm.plugins.module_utils._ca import own_ca_signing as signing
from ansible_collections.edgecert.clm.plugins.module_utils._clm import exporting
from ansible_collections.edgecert.clm.plugins.module_utils._core.errors import (
    ClmError,
    InputError,
    NotFoundError,
    PolicyError,
    StateError,
    StoreError,
)
from ansible_collections.edgecert.clm.plugins.module_utils._core.plan import Plan
from ansible_collections.edgecert.clm.plugins.module_utils._pki.private_keys import make_key
from ansible_collections.edgecert.clm.tests.support.flow import Bench

PASSPHRASE = "correct horse battery"
GROUP = {"organization": "Example AG", "country": "DE"}


@pytest.fixture
def house(bench: Bench) -> Bench:
    """Give a bench with an issued certificate whose key was made here."""
    bench.ca()
    bench.group(approvals={"push": 0}, defaults=GROUP)
    bench.enroll(device=None, csr_source="local")
    return bench


def plan(bench: Bench, dest: pathlib.Path, **changes: Any) -> Plan:
    wanted = {"certificate": bench.name(), "dest": str(dest), "format": "pem", "content": "bundle", **changes}
    return exporting.plan(wanted, bench.ports)


def export(bench: Bench, dest: pathlib.Path, **changes: Any) -> Any:
    return plan(bench, dest, **changes).execute()


def openssl(*arguments: str) -> str:
    done = subprocess.run(["openssl", *arguments], capture_output=True, text=True, check=True)
    return done.stdout + done.stderr


def key_of(bench: Bench) -> str:
    with bench.store.read() as unit:
        [held] = unit.held_secrets.find(name="private_key/RSA")
        return held.value.reveal() if held.value else ""


def test_pem_bundle_is_key_certificate_and_chain_for_the_owner_alone(house: Bench, tmp_path: pathlib.Path) -> None:
    """E6: written whole, mode 0600; again it changes nothing; nothing of it is in the result."""
    dest = tmp_path / "app.pem"
    outcome = export(house, dest, comment="rollout")
    text = dest.read_text()
    assert stat.S_IMODE(dest.stat().st_mode) == 0o600 and text.startswith(key_of(house))
    assert text.count("BEGIN CERTIFICATE") == 2
    assert openssl("pkey", "-in", str(dest), "-pubout") == openssl("x509", "-in", str(dest), "-pubkey", "-noout")
    assert "PRIVATE KEY" not in repr(outcome) and outcome.record["has_key"] and not outcome.record["encrypted"]
    assert plan(house, dest).steps == ()
    dest.chmod(0o644)
    assert [step.sentence for step in plan(house, dest).steps] == [f"Let {dest} be read by its owner alone"]
    export(house, dest)
    assert stat.S_IMODE(dest.stat().st_mode) == 0o600
    with house.store.read() as unit:
        lines: list[Any] = [row.entry for row in unit.audit_rows() if row.entry.action == "key_exported"]
    assert len(lines) == 2 and lines[0].comment == "rollout" and lines[0].after["dest"] == str(dest)
    assert "PRIVATE" not in repr(lines)


def test_encrypted_key_is_pkcs8_that_opens_with_the_passphrase_only(house: Bench, tmp_path: pathlib.Path) -> None:
    """E6: and it is compared by what is in it."""
    dest = tmp_path / "key.pem"
    export(house, dest, content="key", passphrase=PASSPHRASE)
    assert "ENCRYPTED" in dest.read_text() and "BEGIN PRIVATE" not in dest.read_text()
    opened = openssl("pkey", "-in", str(dest), "-passin", f"pass:{PASSPHRASE}")
    assert key_of(house).strip() in opened
    with pytest.raises(subprocess.CalledProcessError):
        openssl("pkey", "-in", str(dest), "-passin", "pass:wrong")
    assert plan(house, dest, content="key", passphrase=PASSPHRASE).steps == ()
    with pytest.raises(InputError, match="there is such a file already"):
        plan(house, dest, content="key", passphrase="another one")


def test_pkcs12_holds_key_certificate_and_chain(house: Bench, tmp_path: pathlib.Path) -> None:
    """E6: openssl reads it; a second writing differs and changes nothing."""
    dest = tmp_path / "app.p12"
    export(house, dest, format="pkcs12", passphrase=PASSPHRASE)
    text = openssl("pkcs12", "-in", str(dest), "-passin", f"pass:{PASSPHRASE}", "-nodes")
    assert key_of(house).split("\n")[1] in text and text.count("BEGIN CERTIFICATE") == 2
    assert f"friendlyName: {house.name()}" in text
    assert plan(house, dest, format="pkcs12", passphrase=PASSPHRASE).steps == ()
    again = tmp_path / "again.p12"
    export(house, again, format="pkcs12", passphrase=PASSPHRASE)
    assert again.read_bytes() != dest.read_bytes()


@pytest.mark.parametrize("content", ["certificate", "chain", "fullchain"])
def test_certificate_and_chain_need_no_key(house: Bench, tmp_path: pathlib.Path, content: str) -> None:
    """E6."""
    dest = tmp_path / "x.pem"
    record = export(house, dest, content=content).record
    assert record["has_key"] is False and "PRIVATE" not in dest.read_text()
    assert dest.read_text().count("BEGIN") == {"certificate": 1, "chain": 1, "fullchain": 2}[content]
    assert plan(house, dest, content=content).steps == ()


def test_another_file_is_overwritten_only_by_force(house: Bench, tmp_path: pathlib.Path) -> None:
    """E6: what is there stays, also a link and what cannot be written."""
    dest = tmp_path / "app.pem"
    dest.write_text("mine")
    with pytest.raises(InputError, match="force: true") as caught:
        plan(house, dest)
    assert caught.value.code == "file_exists" and dest.read_text() == "mine"
    export(house, dest, force=True)
    assert dest.read_text().startswith("-----BEGIN PRIVATE KEY-----")
    other = tmp_path / "other"
    other.write_text("theirs")
    link = tmp_path / "link.pem"
    link.symlink_to(other)
    export(house, link, force=True)
    assert other.read_text() == "theirs" and not link.is_symlink()
    with pytest.raises(InputError, match="there is no folder"):
        plan(house, tmp_path / "no" / "app.pem")
    with pytest.raises(InputError, match="no absolute path"):
        exporting.plan({"certificate": house.name(), "dest": "app.pem", "format": "pem", "content": "key"}, house.ports)


def test_group_may_keep_its_keys_in(house: Bench, tmp_path: pathlib.Path) -> None:
    """E6, G: the rule exportable is about keys; certificates may leave."""
    house.group(allowed={"exportable": [False]}, defaults=GROUP)
    with pytest.raises(PolicyError, match=r"allowed\.exportable"):
        plan(house, tmp_path / "app.pem")
    assert export(house, tmp_path / "x.pem", content="fullchain").record["has_key"] is False
    # Asking for a certificate is not what the rule is about.
    assert house.plan_enroll(device=None, csr_source="local").steps == ()


def test_a_key_that_a_group_keeps_in_does_not_leave_by_a_move(bench: Bench, tmp_path: pathlib.Path) -> None:
    """E6, G: neither by moving the certificate, nor by changing its group."""
    bench.ca()
    bench.group(defaults=GROUP)
    bench.group("keep", allowed={"exportable": [False]}, defaults=GROUP)
    bench.enroll(device=None, csr_source="local", group="keep")
    with pytest.raises(PolicyError, match=r"group keep does not \(rule allowed\.exportable"):
        bench.enroll(device=None, csr_source="local", group="default")
    # A group that is changed for a moment.
    bench.group("keep", allowed={"exportable": [True]}, defaults=GROUP)
    bench.enroll(device=None, csr_source="local", group="default")
    with pytest.raises(PolicyError, match=r"made in group keep for request .*allowed\.exportable") as caught:
        plan(bench, tmp_path / "app.pem")
    assert caught.value.code == "policy_refused" and not (tmp_path / "app.pem").exists()
    # Another key, made where keys may leave, leaves.
    bench.advance(120)
    bench.enroll(certificate=bench.name(), device=None, csr_source=None, action="regenerate", force=True)
    assert export(bench, tmp_path / "app.pem").record["has_key"] is True


def test_what_does_not_go_together_is_refused_at_once(house: Bench, tmp_path: pathlib.Path) -> None:
    """E6."""
    with pytest.raises(InputError, match="content key is to be had as pem") as caught:
        plan(house, tmp_path / "a", format="pkcs12", content="key")
    assert "passphrase is missing" in caught.value.message
    with pytest.raises(InputError, match="leave it out"):
        plan(house, tmp_path / "a", content="chain", passphrase="x")
    with pytest.raises(InputError, match="no ECDSA certificate; it has RSA"):
        plan(house, tmp_path / "a", key_algorithm="ECDSA")
    with pytest.raises(NotFoundError, match="cert_enroll"):
        plan(house, tmp_path / "a", certificate="nobody.example.com")


def test_dual_stack_names_which_key(house: Bench, tmp_path: pathlib.Path) -> None:
    """E6, E10."""
    house.enroll(device=None, csr_source="local", dual_stack=True, common_name=house.name("two"))
    with pytest.raises(InputError, match="name one with key_algorithm"):
        plan(house, tmp_path / "a", certificate=house.name("two"))
    dest = tmp_path / "ec.pem"
    export(house, dest, certificate=house.name("two"), key_algorithm="ECDSA")
    assert "id-ecPublicKey" in openssl("x509", "-in", str(dest), "-noout", "-text")


def test_key_that_is_elsewhere_is_refused_with_the_reason(bench: Bench, tmp_path: pathlib.Path) -> None:
    """E6, E9: a key made by CPS never left it; the certificate can be had."""
    bench.issued()
    with pytest.raises(StateError, match="Akamai CPS makes the key, and it never leaves CPS") as caught:
        plan(bench, tmp_path / "a")
    assert caught.value.code == "key_not_here"
    assert export(bench, tmp_path / "x.pem", content="fullchain").record["key_algorithm"] == "RSA"


def test_a_ca_that_is_its_own_root_has_no_chain_to_export(house: Bench, tmp_path: pathlib.Path) -> None:
    """E6: a root alone, as a user may bring it."""
    span = signing.Span(house.clock.now() - timedelta(days=1), house.clock.now() + timedelta(days=900))
    root = signing.make_ca({"common_name": "Root"}, make_key("ec", 0, "secp256r1"), None, span, "sha256")
    house.ca(
        options={"certificate": signing.certificate_pem(root)},
        secrets={"private_key": signing.key_to_pem(root.key)},
    )
    name = house.name("root")
    house.enroll(device=None, csr_source="local", common_name=name)
    with pytest.raises(StateError, match="its CA signed with its root") as caught:
        plan(house, tmp_path / "a.pem", certificate=name, content="chain")
    assert caught.value.code == "chain_missing"


def test_a_certificate_whose_text_was_not_fetched_is_not_exported(bench: Bench, tmp_path: pathlib.Path) -> None:
    """E6, D8: a discovery by changes has its fingerprint alone."""
    bench.sandbox.seed(1, contracts=[bench.contract])
    bench.device(discover="changes")
    [found] = bench.certificates()
    with pytest.raises(StateError, match="have the device discovered") as caught:
        plan(bench, tmp_path / "a.pem", certificate=found["certificate"], content="certificate")
    assert caught.value.code == "pem_missing"


def test_a_file_that_cannot_be_looked_at_is_not_overwritten(
    house: Bench, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """E6: root reads every file, so that its answer is made."""
    dest = tmp_path / "app.pem"
    dest.write_text("mine")

    def denied(_path: pathlib.Path) -> bytes:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(pathlib.Path, "read_bytes", denied)
    with pytest.raises(InputError, match=r"cannot be read \(Permission denied\)") as caught:
        plan(house, dest)
    assert caught.value.code == "file_unreadable" and dest.read_text() == "mine"


def test_file_that_cannot_be_written_is_on_record_too(
    house: Bench, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """E6, W6: the audit says that an export failed; no part of a file stays."""
    found = plan(house, tmp_path / "app.pem")

    def full(*_args: Any) -> bytes:
        raise StoreError("no space left")

    monkeypatch.setattr(exporting, "_data", full)
    with pytest.raises(ClmError, match="no space left"):
        found.execute()
    assert house.audit()[-2:] == ["key_exported", "export_failed"]
    assert [one.name for one in tmp_path.iterdir() if one.name.startswith("app.pem")] == []


@pytest.mark.parametrize("content", ["bundle", "key", "fullchain"])
def test_an_empty_passphrase_writes_no_key_in_clear(house: Bench, tmp_path: pathlib.Path, content: str) -> None:
    """E6: as a look-up gives it that came to nothing; left out altogether, the key is asked for in clear."""
    dest = tmp_path / "app.pem"
    with pytest.raises(InputError, match="passphrase is empty"):
        plan(house, dest, content=content, passphrase="")
    export(house, dest, content=content, passphrase=None)
    assert ("BEGIN PRIVATE KEY" in dest.read_text()) is (content != "fullchain")


def test_a_passphrase_that_no_pem_key_takes_is_refused_before_anything_is_on_record(
    house: Bench, tmp_path: pathlib.Path
) -> None:
    """E6: counted in bytes; the longest one that goes is taken."""
    audited = house.audit()
    with pytest.raises(InputError, match="passphrase has 1024 bytes, and a PEM key takes 1023") as caught:
        plan(house, tmp_path / "a.pem", passphrase="\u00e9" * 512)
    assert "\u00e9" not in caught.value.message and house.audit() == audited
    export(house, tmp_path / "a.pem", passphrase="x" * 1023)
    assert plan(house, tmp_path / "a.pem", passphrase="x" * 1023).steps == ()
    export(house, tmp_path / "a.p12", format="pkcs12", passphrase="x" * 1024)


def test_a_file_of_somebody_else_that_others_may_read_is_told_and_on_record(
    house: Bench, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """E6, W6: its mode alone is to change, and that is refused; the key did not leave by it."""
    dest = tmp_path / "app.pem"
    export(house, dest)
    dest.chmod(0o644)
    found = plan(house, dest)

    def refuse(_path: pathlib.Path, _mode: int) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(pathlib.Path, "chmod", refuse)
    with pytest.raises(StoreError, match="Operation not permitted") as caught:
        found.execute()
    assert caught.value.code == "file_unwritable" and str(dest) in caught.value.message
    assert house.audit()[-2:] == ["key_exported", "export_failed"]


def test_an_error_that_nobody_thought_of_is_on_record_too(
    house: Bench, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """E6, W6: the line before says that the key left."""
    found = plan(house, tmp_path / "app.pem", passphrase=PASSPHRASE)

    def broken(*_args: Any) -> bytes:
        raise ValueError(f"not {PASSPHRASE}")

    monkeypatch.setattr(exporting, "_data", broken)
    with pytest.raises(ValueError, match="not"):
        found.execute()
    with house.store.read() as unit:
        [*_before, last] = [row.entry for row in unit.audit_rows()]
    assert last.action == "export_failed" and "ValueError" in repr(last.after) and PASSPHRASE not in repr(last.after)


def test_the_store_is_never_overwritten(house: Bench, tmp_path: pathlib.Path) -> None:
    """E6, W6: nor its key, by force or through a link."""
    own = tmp_path / "clm.db"
    own.write_text("the store")
    link = tmp_path / "link"
    link.symlink_to(own)
    house.ports = replace(house.ports, own_files=[str(own), f"{own}.key"])
    for dest in (own, tmp_path / "clm.db.key", link):
        with pytest.raises(InputError, match="belongs to the store itself"):
            plan(house, dest, force=True)
    assert own.read_text() == "the store"


def test_renewed_key_needs_force_and_the_earlier_one_stays_exportable(house: Bench, tmp_path: pathlib.Path) -> None:
    """E6, E3: after a renewal the file holds another certificate; what it followed can still be had."""
    dest = tmp_path / "app.pem"
    export(house, dest)
    before = dest.read_text()
    house.enroll(device=None, action="regenerate", force=True, certificate=house.name())
    with pytest.raises(InputError, match="force"):
        plan(house, dest)
    export(house, dest, force=True)
    assert dest.read_text() != before
    [parent] = [one["parent"] for one in house.certificates() if one["parent"]]
    export(house, tmp_path / "old.pem", certificate=parent)
    assert (tmp_path / "old.pem").read_text() == before
