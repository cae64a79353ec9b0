# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The exported audit: verified here with nothing but the standard library, as an auditor would."""

from __future__ import annotations

import hashlib
import json
import pathlib
from typing import Any

import pytest

from ansible_collections.edgecert.clm.plugins.module_utils._core.redact import Secret
from ansible_collections.edgecert.clm.plugins.module_utils._core.types import AuditEntry
from ansible_collections.edgecert.clm.tests.support.stores import StorePlace, care

MEMBERS = [
    *("action", "actor", "after", "at", "before", "comment", "hash", "key", "noun", "previous_hash", "sequence"),
    "tracking_id",
]


def faults(path: pathlib.Path, previous: str = "0" * 64) -> list[int]:
    """Verify an export: the rule of the guide, word by word; give the numbers of the lines that do not hold.

    :param previous: hash of the line before the first.
    """
    found = []
    for line in path.read_bytes().splitlines():
        members = json.loads(line)
        claimed = members.pop("hash")
        text = json.dumps(members, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
        if hashlib.sha256(text.encode("ascii")).hexdigest() != claimed or members["previous_hash"] != previous:
            found.append(members["sequence"])
        previous = claimed
    return found


@pytest.fixture
def audited(place: StorePlace) -> StorePlace:
    """Give a store with six lines in its audit."""
    with place.open() as store, store.write() as unit:
        for number in range(1, 7):
            after = {"number": number, "text": "ä\u2028€", "token": Secret("hush"), "none": None, "deep": [{"b": 1.5}]}
            unit.audit(
                AuditEntry("ada", "changed", "device", "edge", None if number == 1 else {"n": 1}, after, "ß", "T-1")
            )
    return place


def exported(place: StorePlace, path: pathlib.Path, **options: Any) -> Any:
    """Export and give the result."""
    return care(place, "export_audit", path=str(path), **options)


def test_every_line_has_every_member_and_is_verified_by_others(audited: StorePlace, tmp_path: pathlib.Path) -> None:
    """W6+: exportable as JSON lines, verifiable."""
    file = tmp_path / "audit.jsonl"
    told = exported(audited, file, check=True)
    assert not file.exists()
    done = exported(audited, file)
    assert (done["changed"], done["store"]) == (True, told["store"])
    assert done["store"]["file"] == {"path": str(file), "lines": 6, "last": 6}
    assert file.stat().st_mode & 0o777 == 0o600
    lines = [json.loads(line) for line in file.read_text(encoding="ascii").splitlines()]
    assert [line["sequence"] for line in lines] == [1, 2, 3, 4, 5, 6]
    assert [list(line) for line in lines] == [MEMBERS] * 6
    assert lines[1]["after"] == {"number": 2, "text": "ä\u2028€", "token": "***", "none": None, "deep": [{"b": 1.5}]}
    assert faults(file) == []


def test_an_export_goes_on_after_the_last_one(audited: StorePlace, tmp_path: pathlib.Path) -> None:
    first, second = tmp_path / "1.jsonl", tmp_path / "2.jsonl"
    last = exported(audited, first)["store"]["file"]["last"]
    with audited.open() as store, store.write() as unit:
        for _line in range(2):
            unit.audit(AuditEntry("ada", "changed", "device", "edge"))
    done = exported(audited, second, since=last)
    assert done["store"]["file"] == {"path": str(second), "lines": 2, "last": 8}
    end = json.loads(first.read_text().splitlines()[-1])["hash"]
    assert faults(second, end) == []
    none = exported(audited, tmp_path / "3.jsonl", since=8)
    assert none["store"]["file"]["lines"] == 0
    assert none["store"]["file"]["last"] == 8
    assert (tmp_path / "3.jsonl").read_text() == ""
    assert exported(audited, tmp_path / "4.jsonl", since=-1)["failure"]["code"] == "invalid_input"


def test_a_changed_member_of_any_exported_line_is_found_by_others(audited: StorePlace, tmp_path: pathlib.Path) -> None:
    file = tmp_path / "audit.jsonl"
    exported(audited, file)
    lines = file.read_text().splitlines()
    for number in range(6):
        for name in MEMBERS:
            members = json.loads(lines[number])
            members[name] = 99 if name == "sequence" else "forged"
            file.write_text("\n".join([*lines[:number], json.dumps(members), *lines[number + 1 :]]))
            assert faults(file), (number, name)
    file.write_text("\n".join([*lines[:2], *lines[3:]]))
    assert faults(file) == [4]


@pytest.mark.parametrize(
    "damage",
    [
        "UPDATE audit SET actor = 'eve' WHERE sequence = 3",
        "UPDATE audit SET after = 'no JSON' WHERE sequence = 3",
        "UPDATE audit SET sequence = 0 WHERE sequence = 3",
    ],
)
def test_a_broken_audit_is_exported_as_found_and_the_call_fails(
    damage: str, audited: StorePlace, tmp_path: pathlib.Path
) -> None:
    file = tmp_path / "audit.jsonl"
    audited.execute(damage)
    done = exported(audited, file)
    assert (done["failure"]["code"], done["changed"]) == ("audit_broken", True)
    assert len(file.read_text().splitlines()) == 6
    assert faults(file)


def test_a_file_that_is_there_is_replaced_only_when_told_to(audited: StorePlace, tmp_path: pathlib.Path) -> None:
    file = tmp_path / "audit.jsonl"
    file.write_text("kept")
    assert exported(audited, file)["failure"]["code"] == "file_exists"
    assert file.read_text() == "kept"
    assert exported(audited, file, force=True)["changed"] is True
    assert faults(file) == []
