# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The store's contract: attachments, which are large and sealed, and records without their secrets."""

from __future__ import annotations

import base64
import pathlib
import subprocess
from dataclasses import replace
from datetime import datetime, timezone

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from ansible_collections.edgecert.clm.plugins.module_utils._clm import attachments
from ansible_collections.edgecert.clm.plugins.module_utils._clm.attachments import Draft
from ansible_collections.edgecert.clm.plugins.module_utils._core import limits
from ansible_collections.edgecert.clm.plugins.module_utils._core.errors import ConflictError
from ansible_collections.edgecert.clm.plugins.module_utils._core.redact import Secret
from ansible_collections.edgecert.clm.plugins.module_utils._core.types import Device
from ansible_collections.edgecert.clm.plugins.module_utils._store.store import SqlStore
from ansible_collections.edgecert.clm.tests.support.postgres import server_binaries
from ansible_collections.edgecert.clm.tests.support.stores import StorePlace

NOW = datetime(2026, 11, 23, 12, tzinfo=timezone.utc)


def keep(store: SqlStore, *drafts: Draft) -> None:
    """Keep drafts for a certificate."""
    with store.write() as unit:
        attachments.keep(unit, drafts, "www", "", "ada", NOW)


def dump_of(place: StorePlace) -> bytes:
    """Give all that somebody finds who has the database and not its key."""
    if place.is_sqlite:
        folder = pathlib.Path(place.url[len("sqlite:///") :]).parent
        return b"".join(file.read_bytes() for file in sorted(folder.iterdir()))
    command = [str(server_binaries() / "pg_dump"), "--inserts", place.url]
    return subprocess.run(command, capture_output=True, check=True).stdout


def test_a_dump_shows_nothing_of_a_private_key_that_was_attached(place: StorePlace) -> None:
    """E18: it may be attached, since attachments are sealed; the audit has its digest alone."""
    key = ec.generate_private_key(ec.SECP256R1())
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    with place.open() as store:
        keep(store, Draft("key.pem", pem, "from the old server"))
        dump = dump_of(place)
        with store.read() as unit:
            (kept,) = unit.attachments.find()
            assert base64.b64decode(attachments.content_of(kept)) == pem
    assert b"key.pem" in dump
    lines = [line for line in pem.splitlines() if b"-----" not in line]
    encoded = base64.b64encode(pem)
    for secret in (*lines, encoded[:40], encoded[40:80], encoded.hex().encode()[:40], b"PRIVATE KEY"):
        assert secret not in dump


def test_the_largest_attachment_is_given_back_as_it_was(place: StorePlace) -> None:
    """E18: also by a store opened anew."""
    content = bytes(range(256)) * (limits.MAX_BYTES // 256)
    with place.open() as store:
        keep(store, Draft("large.bin", content))
    with place.open() as store, store.read() as unit:
        assert base64.b64decode(attachments.content_of(unit.attachments.find()[0])) == content


def test_outlines_are_the_records_without_their_secrets(place: StorePlace) -> None:
    with place.open() as store:
        keep(store, Draft("b", b"2"), Draft("a", b"1", "first"))
        with store.read() as unit:
            found, outlines = (
                unit.attachments.find(certificate_id="www"),
                unit.attachments.outlines(certificate_id="www"),
            )
            assert [replace(one, content=None, version=0) for one in found] == outlines
            assert [one.content for one in outlines] == [None, None]
            assert unit.attachments.outlines(certificate_id="other") == []


def test_outlines_open_nothing_and_cannot_take_the_place_of_the_record(place: StorePlace) -> None:
    """What was left out would be lost."""
    with place.open() as store, store.write() as unit:
        unit.devices.add(Device("cps", client_secret=Secret("hush-a-long-secret")))
    with place.open() as store:
        with store.read() as unit:
            (outline,) = unit.devices.outlines()
            assert (outline.name, outline.client_secret) == ("cps", None)
        with store.write() as unit:
            for change in (unit.devices.put, unit.devices.remove):
                with pytest.raises(ConflictError):
                    change(outline)
        with store.read() as unit:
            kept = unit.devices.get("cps")
            assert kept is not None and kept.client_secret == Secret("hush-a-long-secret")


def test_a_replaced_attachment_leaves_no_content_behind(place: StorePlace) -> None:
    """E18."""
    with place.open() as store:
        keep(store, Draft("a", b"x" * 1000))
        keep(store, Draft("a", b"y" * 1000))
        keep(store, Draft("a"))
    assert place.execute("SELECT COUNT(*) FROM attachments")[0][0] == 0
