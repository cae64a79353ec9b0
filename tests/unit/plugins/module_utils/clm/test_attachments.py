# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Attachments over a real store: read from the form, kept once, changed, removed, given back as they were."""

from __future__ import annotations

import base64
import hashlib
import os
import pathlib
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timezone
from typing import Any

import pytest

from ansible_collections.edgecert.clm.plugins.module_utils._clm import attachments
from ansible_collections.edgecert.clm.plugins.module_utils._clm.attachments import Draft
from ansible_collections.edgecert.clm.plugins.module_utils._core import limits
from ansible_collections.edgecert.clm.plugins.module_utils._core.clock import SystemClock
from ansible_collections.edgecert.clm.plugins.module_utils._core.errors import InputError, StoreError
from ansible_collections.edgecert.clm.plugins.module_utils._core.redact import Secret
from ansible_collections.edgecert.clm.plugins.module_utils._core.types import CertRequest
from ansible_collections.edgecert.clm.plugins.module_utils._store.open import open_store
from ansible_collections.edgecert.clm.plugins.module_utils._store.seal import StoreKey
from ansible_collections.edgecert.clm.plugins.module_utils._store.store import SqlStore

NOW = datetime(2026, 11, 23, 12, tzinfo=timezone.utc)
ORDER = Draft("order.txt", b"as agreed\n", "signed")


@pytest.fixture
def store(tmp_path: pathlib.Path) -> Iterator[SqlStore]:
    """Give a store with a request of a tracking id."""
    opened = open_store(f"sqlite:///{tmp_path}/clm.db", StoreKey(), SystemClock(), "test", create=True)
    with opened.write() as unit:
        request = CertRequest("req-1", "www", "enroll", "submitted", "own", "endpoint", tracking_id="CHG-1")
        unit.requests.add(request)
    yield opened
    opened.close()


def keep(store: SqlStore, *drafts: Draft) -> list[str]:
    """Keep drafts for the certificate."""
    with store.write() as unit:
        return attachments.keep(unit, drafts, "www", "req-1", "ada", NOW)


def kept(store: SqlStore) -> dict[str, tuple[str, str]]:
    """Give comments and content of what is kept, by name."""
    with store.read() as unit:
        found = unit.attachments.find(certificate_id="www")
        return {
            one.name: (one.comments, base64.b64decode(attachments.content_of(one)).decode("latin-1")) for one in found
        }


def audited(store: SqlStore) -> list[tuple[str, str, Any, Any]]:
    """Give action, tracking id, before and after of each line."""
    with store.read() as unit:
        rows = [row.entry for row in unit.audit_rows(noun="certificate", key="www")]
    return [(entry.action, entry.tracking_id, entry.before, entry.after) for entry in rows]


def test_the_same_attachment_is_kept_once(store: SqlStore) -> None:
    """E18, W6: each change is one audit line with name, digest, size and tracking id, and nothing of the content."""
    assert keep(store, ORDER) == ["Keep attachment 'order.txt'"]
    assert keep(store, ORDER) == []
    assert keep(store, replace(ORDER, comments=None)) == []
    assert kept(store) == {"order.txt": ("signed", "as agreed\n")}
    digest = hashlib.sha256(b"as agreed\n").hexdigest()
    brief = {"name": "order.txt", "comments": "signed", "digest": digest, "size": 10}
    assert audited(store) == [("attachment_added", "CHG-1", None, brief)]


def test_comments_change_without_the_content(store: SqlStore) -> None:
    """E18."""
    keep(store, ORDER)
    assert keep(store, replace(ORDER, comments="signed by both")) == ["Change attachment 'order.txt'"]
    assert kept(store) == {"order.txt": ("signed by both", "as agreed\n")}
    assert keep(store, replace(ORDER, comments="")) == ["Change attachment 'order.txt'"]
    assert kept(store) == {"order.txt": ("", "as agreed\n")}
    assert [line[0] for line in audited(store)] == ["attachment_added", "attachment_changed", "attachment_changed"]


def test_another_content_takes_the_place_of_the_earlier_one(store: SqlStore) -> None:
    """E18: comments left out stay."""
    keep(store, ORDER)
    assert keep(store, Draft("order.txt", b"as changed\n")) == ["Change attachment 'order.txt'"]
    assert kept(store) == {"order.txt": ("signed", "as changed\n")}
    _action, _id, before, after = audited(store)[-1]
    assert (before["digest"], after["digest"]) == (ORDER.digest, hashlib.sha256(b"as changed\n").hexdigest())


def test_an_attachment_is_removed_by_its_name(store: SqlStore) -> None:
    """E18."""
    keep(store, ORDER)
    assert keep(store, Draft("order.txt")) == ["Remove attachment 'order.txt'"]
    assert keep(store, Draft("order.txt")) == []
    assert kept(store) == {}
    assert audited(store)[-1][0] == "attachment_removed" and audited(store)[-1][3] is None


def test_two_attachments_can_change_places_and_a_content_its_name(store: SqlStore) -> None:
    keep(store, Draft("a", b"1"), Draft("b", b"2"))
    keep(store, Draft("a", b"2"), Draft("b", b"1"))
    assert {name: content for name, (_comments, content) in kept(store).items()} == {"a": "2", "b": "1"}
    assert keep(store, Draft("c", b"2"), Draft("a")) == ["Remove attachment 'a'", "Keep attachment 'c'"]
    assert {name: content for name, (_comments, content) in kept(store).items()} == {"b": "1", "c": "2"}


def test_a_content_is_kept_under_one_name(store: SqlStore) -> None:
    """E18."""
    keep(store, ORDER)
    with pytest.raises(InputError, match=r"'copy.txt' has the content of attachment 'order.txt'"):
        keep(store, replace(ORDER, name="copy.txt"))
    assert list(kept(store)) == ["order.txt"]


def test_a_certificate_has_so_many_attachments_at_most(store: SqlStore) -> None:
    """E18: those kept already count, those removed in the same call do not."""
    keep(store, *(Draft(f"a{number}", str(number).encode()) for number in range(20)))
    with pytest.raises(InputError, match="there would be 21 attachments, 20 are allowed"):
        keep(store, Draft("one more", b"x"))
    assert keep(store, Draft("one more", b"x"), Draft("a0")) == [
        "Remove attachment 'a0'",
        "Keep attachment 'one more'",
    ]
    assert len(kept(store)) == 20


def test_a_content_that_is_not_what_was_attached_is_not_given(store: SqlStore) -> None:
    """E18: the digest is checked on reading."""
    keep(store, ORDER)
    with store.write() as unit:
        (one,) = unit.attachments.find()
        unit.attachments.put(replace(one, content=Secret(base64.b64encode(b"other").decode())))
    with store.read() as unit, pytest.raises(StoreError, match="restore a backup") as caught:
        attachments.content_of(unit.attachments.find()[0])
    assert caught.value.code == "store_damaged"


# -- the form ----------------------------------------------------------------------------------------------------------


def read(*entries: dict[str, Any]) -> list[Draft]:
    """Read entries as the module hands them over."""
    blank = {"name": "", "comments": None, "path": None, "content": None, "state": "present"}
    return attachments.read({"attachments": [{**blank, **entry} for entry in entries]})


def test_a_file_is_read_as_it_is_and_a_text_as_utf_8(tmp_path: pathlib.Path) -> None:
    """E18."""
    file = tmp_path / "scan.bin"
    file.write_bytes(bytes(range(256)))
    scan, note, gone = read(
        {"name": "scan", "path": str(file), "comments": "c"},
        {"name": "note", "content": "Straße"},
        {"name": "old", "state": "absent"},
    )
    assert (scan.content, scan.comments) == (bytes(range(256)), "c")
    assert (note.content, note.comments) == ("Straße".encode(), None)
    assert (gone.content, gone.digest) == (None, "")
    assert "Straße" not in repr(note)
    assert attachments.read({}) == attachments.read({"attachments": None}) == []


def test_the_largest_content_is_kept_and_one_byte_more_is_not(store: SqlStore, tmp_path: pathlib.Path) -> None:
    """E18: 1 MiB."""
    file = tmp_path / "large"
    file.write_bytes(b"x" * limits.MAX_BYTES)
    keep(store, *read({"name": "large", "path": str(file)}))
    assert len(kept(store)["large"][1]) == 1024 * 1024
    file.write_bytes(b"x" * (limits.MAX_BYTES + 1))
    for entry in ({"path": str(file)}, {"content": "x" * (limits.MAX_BYTES + 1)}):
        with pytest.raises(InputError, match="larger than 1048576 bytes"):
            read({"name": "large", **entry})


BAD: list[tuple[Sequence[dict[str, Any]], str]] = [
    ([{"name": "", "content": "x"}], "has no name"),
    ([{"name": " ", "content": "x"}], "has no name"),
    ([{"name": "a ", "content": "x"}], "blank"),
    ([{"name": "a\nb", "content": "x"}], "cannot be seen"),
    ([{"name": "x" * 256, "content": "x"}], "255 are allowed"),
    ([{"name": "a", "content": "x", "comments": "x" * 2001}], "2000 are allowed"),
    ([{"name": "a"}], "either path or content"),
    ([{"name": "a", "content": "x", "path": "/x"}], "either path or content"),
    ([{"name": "a", "content": ""}], "is empty"),
    ([{"name": "a", "content": "\ud800"}], "no text in Unicode"),
    ([{"name": "a", "path": "/nowhere/at/all"}], "No such file"),
    ([{"name": "a", "path": "/tmp"}], "no plain file"),
    ([{"name": "a", "path": "/dev/zero"}], "no plain file"),
    ([{"name": "a", "path": "/proc/self/environ"}], "no plain file"),
    ([{"name": "a", "path": "a\0b"}], "cannot be read"),
    ([{"name": "a", "state": "absent", "content": "x"}], "is to be absent"),
    ([{"name": "a", "content": "x"}, {"name": "a", "content": "y"}], "is there twice"),
    ([{"name": "a", "content": "x"}, {"name": "a", "state": "absent"}], "is there twice"),
    ([{"name": "a", "content": "x"}, {"name": "b", "content": "x"}], "has the content of"),
]


@pytest.mark.parametrize(("entries", "reason"), BAD, ids=[reason for _entries, reason in BAD])
def test_an_attachment_that_cannot_be_kept_is_refused_with_the_reason(
    entries: Sequence[dict[str, Any]], reason: str
) -> None:
    """E18."""
    with pytest.raises(InputError, match=reason) as caught:
        read(*entries)
    assert len(caught.value.details["problems"]) == 1


def test_all_that_is_wrong_with_attachments_is_said_at_once() -> None:
    """E18."""
    with pytest.raises(InputError) as caught:
        read({"name": "a"}, {"name": "a ", "content": "", "comments": "x" * 2001}, {"name": "b", "path": "/nowhere"})
    assert len(caught.value.details["problems"]) == 5


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read every file")
def test_a_file_that_may_not_be_read_is_named(tmp_path: pathlib.Path) -> None:
    file = tmp_path / "locked"
    file.write_text("x")
    file.chmod(0)
    with pytest.raises(InputError, match="Permission denied"):
        read({"name": "a", "path": str(file)})


def test_a_pipe_is_not_waited_for(tmp_path: pathlib.Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(InputError, match="no plain file"):
        read({"name": "a", "path": str(tmp_path / "pipe")})
