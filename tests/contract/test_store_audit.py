# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The store's contract: the audit's chain, and that no change of it goes unseen."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest

from ansible_collections.edgecert.clm.plugins.module_utils._core.errors import InputError, StoreError
from ansible_collections.edgecert.clm.plugins.module_utils._core.redact import Secret
from ansible_collections.edgecert.clm.plugins.module_utils._core.types import AuditEntry, AuditRow
from ansible_collections.edgecert.clm.tests.support.stores import NOON, StorePlace

LINES = 6
FIRST = "0" * 64


def entry(number: int, **changes: Any) -> AuditEntry:
    """Give an entry; odd ones are about device ``a``, even ones about ``b``."""
    members: dict[str, Any] = {
        "actor": "alice",
        "action": "device_changed",
        "noun": "device",
        "key": "a" if number % 2 else "b",
        "before": None if number == 1 else {"number": number - 1},
        "after": {"number": number, "deep": [{"z": 1, "a": None}], "text": "ä"},
        "comment": f"line {number}",
        "tracking_id": "T-1",
    }
    return AuditEntry(**{**members, **changes})


def filled(place: StorePlace, lines: int = LINES) -> None:
    """Write the audit's first lines, in two units."""
    with place.open() as store:
        for numbers in (range(1, 4), range(4, lines + 1)):
            with store.write() as unit:
                for number in numbers:
                    unit.audit(entry(number))
                    place.clock.sleep(60)


def broken(place: StorePlace) -> Sequence[str]:
    """Verify the audit."""
    with place.open() as store:
        return store.verify_audit()


def rows_of(place: StorePlace, **options: Any) -> list[AuditRow]:
    """Read the audit."""
    with place.open() as store, store.read() as unit:
        return list(unit.audit_rows(**options))


def test_lines_are_counted_timed_and_chained(place: StorePlace) -> None:
    filled(place)
    rows = rows_of(place)
    assert [row.sequence for row in rows] == list(range(1, LINES + 1))
    assert [row.at for row in rows] == [NOON + timedelta(minutes=number) for number in range(LINES)]
    assert [row.entry for row in rows] == [entry(number) for number in range(1, LINES + 1)]
    assert [row.previous_hash for row in rows] == [FIRST, *(row.hash for row in rows[:-1])]
    assert broken(place) == []


def test_the_hash_can_be_computed_by_anybody(place: StorePlace) -> None:
    """Written out here, as an auditor with the exported lines would."""
    filled(place)
    for row in rows_of(place):
        members = {"sequence": row.sequence, "at": row.at.isoformat(timespec="microseconds"), **vars(row.entry)}
        text = json.dumps({**members, "previous_hash": row.previous_hash}, sort_keys=True, separators=(",", ":"))
        assert hashlib.sha256(text.encode()).hexdigest() == row.hash


def test_an_empty_audit_holds(place: StorePlace) -> None:
    assert broken(place) == []
    assert rows_of(place) == []


def test_a_rolled_back_unit_leaves_no_line(place: StorePlace) -> None:
    filled(place)
    with place.open() as store:
        with pytest.raises(KeyError), store.write() as unit:
            unit.audit(entry(7))
            raise KeyError("a bug")
        with store.write() as unit:
            assert unit.audit(entry(7)).sequence == LINES + 1
    assert broken(place) == []


def test_lines_are_found_by_noun_and_key_and_newest_first_cut(place: StorePlace) -> None:
    filled(place)

    def numbers(**options: Any) -> list[int]:
        return [row.sequence for row in rows_of(place, **options)]

    assert numbers(noun="device", key="a") == [1, 3, 5]
    assert numbers(key="b", limit=2) == [4, 6]
    assert numbers(limit=2) == [5, 6]
    assert numbers(limit=100) == [1, 2, 3, 4, 5, 6]
    assert numbers(noun="request") == []


def test_a_unit_reads_the_lines_it_wrote(place: StorePlace) -> None:
    with place.open() as store, store.write() as unit:
        written = unit.audit(entry(1))
        assert list(unit.audit_rows()) == [written]


def test_a_long_audit_is_read_and_verified_to_its_end(place: StorePlace) -> None:
    filled(place, 1_201)
    assert len(rows_of(place)) == 1_201
    assert len(rows_of(place, key="a")) == 601
    assert broken(place) == []
    place.execute("UPDATE audit SET comment = 'x' WHERE sequence = 1201")
    assert len(broken(place)) == 1


def test_secrets_and_odd_keys_are_made_plain_before_hashing(place: StorePlace) -> None:
    with place.open() as store, store.write() as unit:
        unit.audit(entry(1, before={"token": Secret("hush")}, after={10: "x", 9: [Secret("hush")], "at": NOON}))
    row = rows_of(place)[0]
    assert row.entry.before == {"token": "***"}
    assert row.entry.after == {"10": "x", "9": ["***"], "at": "2026-11-23T12:00:00.000000+00:00"}
    assert broken(place) == []


def test_text_that_no_database_can_keep_is_refused(place: StorePlace) -> None:
    with place.open() as store, store.write() as unit, pytest.raises(InputError):
        unit.audit(entry(1, comment="with\0NUL"))


ALTERATIONS = {
    "at": "'2026-11-23T12:00:00.000001+00:00'",
    "actor": "'mallory'",
    "action": "'device_removed'",
    "noun": "'request'",
    "key": "'c'",
    "before": """'{"number":99}'""",
    "after": "NULL",
    "comment": "comment || ' '",
    "tracking_id": "''",
    "previous_hash": f"'{'1' * 64}'",
    "hash": f"'{'2' * 64}'",
}


@pytest.mark.parametrize("column", ALTERATIONS)
def test_an_altered_column_of_any_line_shows(column: str, place: StorePlace) -> None:
    filled(place)
    for number in range(1, LINES + 1):
        kept = place.execute(f'SELECT "{column}" FROM audit WHERE sequence = ?', number)[0][0]
        place.execute(f'UPDATE audit SET "{column}" = {ALTERATIONS[column]} WHERE sequence = ?', number)
        assert any(f"udit line {number} " in sentence for sentence in broken(place)), number
        place.execute(f'UPDATE audit SET "{column}" = ? WHERE sequence = ?', kept, number)
    assert broken(place) == []


@pytest.mark.parametrize("text", ['{"number": 2}', "no JSON", '{"number":2,"number":2}', "2"])
def test_a_record_written_another_way_shows(text: str, place: StorePlace) -> None:
    filled(place)
    place.execute('UPDATE audit SET "before" = ? WHERE sequence = 3', text)
    assert broken(place) == ["Audit line 3 was altered, or moved there: its hash is not that of its content."]


@pytest.mark.parametrize("number", range(1, LINES + 1))
def test_a_removed_line_shows(number: int, place: StorePlace) -> None:
    filled(place)
    place.execute("DELETE FROM audit WHERE sequence = ?", number)
    assert broken(place) == [f"Audit line {number} is missing."]


def test_a_removed_line_shows_when_the_others_are_renumbered(place: StorePlace) -> None:
    filled(place)
    place.execute("DELETE FROM audit WHERE sequence = 3")
    for number in range(4, LINES + 1):
        place.execute("UPDATE audit SET sequence = ? WHERE sequence = ?", number - 1, number)
    sentences = broken(place)
    assert sentences[0] == "Audit line 3 does not follow line 2: one of them was replaced or moved."
    assert sentences[-1] == "Audit line 6 is missing."


@pytest.mark.parametrize(("first", "second"), [(1, 2), (2, 3), (2, 5), (1, LINES)])
def test_swapped_lines_show(first: int, second: int, place: StorePlace) -> None:
    filled(place)
    place.execute("UPDATE audit SET sequence = 99 WHERE sequence = ?", first)
    place.execute("UPDATE audit SET sequence = ? WHERE sequence = ?", first, second)
    place.execute("UPDATE audit SET sequence = ? WHERE sequence = 99", second)
    sentences = " ".join(broken(place))
    assert f"Audit line {first} was altered, or moved there" in sentences
    assert f"Audit line {second} was altered, or moved there" in sentences


@pytest.mark.parametrize("left", range(LINES))
def test_a_cut_off_end_shows(left: int, place: StorePlace) -> None:
    filled(place)
    place.execute("DELETE FROM audit WHERE sequence > ?", left)
    lines = f"line {LINES} is" if left == LINES - 1 else f"lines {left + 1} to {LINES} are"
    assert broken(place) == [f"Audit {lines} missing."]


@pytest.mark.parametrize("sequence", [-3, 0, LINES + 1, LINES + 9])
def test_an_inserted_line_shows(sequence: int, place: StorePlace) -> None:
    filled(place)
    place.execute("UPDATE audit SET sequence = ? WHERE sequence = 6", sequence)
    with place.open() as store, pytest.raises(StoreError), store.write() as unit:
        # The store goes on after the number it noted itself, so a line made up for the next number is found at once.
        unit.audit(entry(7))
        assert sequence != LINES + 1
        raise StoreError("undo")
    inserted = f"Audit line {sequence} was inserted: the store wrote lines 1 to 6."
    assert set(broken(place)) == {"Audit line 6 is missing.", inserted}


def test_a_line_replaced_with_its_hash_shows_at_the_next_and_at_the_end(place: StorePlace) -> None:
    """The forger knows how hashes are made."""
    for number, sentence in (
        (3, "Audit line 4 does not follow line 3: one of them was replaced or moved."),
        (LINES, f"The last audit line, {LINES}, was replaced: its hash is not the one the store noted."),
    ):
        if number == 3:
            filled(place)
        row = rows_of(place)[number - 1]
        kept = row.entry.actor, row.hash
        members = {**vars(row.entry), "actor": "mallory", "sequence": number, "previous_hash": row.previous_hash}
        members["at"] = row.at.isoformat(timespec="microseconds")
        text = json.dumps(members, sort_keys=True, separators=(",", ":"))
        forged = "mallory", hashlib.sha256(text.encode()).hexdigest()
        place.execute("UPDATE audit SET actor = ?, hash = ? WHERE sequence = ?", *forged, number)
        assert broken(place) == [sentence]
        place.execute("UPDATE audit SET actor = ?, hash = ? WHERE sequence = ?", *kept, number)


@pytest.mark.parametrize("statement", ["DELETE FROM meta WHERE name = 'audit_head'", "UPDATE meta SET value = 'x y'"])
def test_a_lost_note_of_the_end_shows(statement: str, place: StorePlace) -> None:
    filled(place)
    with place.open() as store:
        place.execute(statement)
        assert "has lost its note of the audit's end" in store.verify_audit()[0]
        with pytest.raises(StoreError, match="lost its note"), store.write() as unit:
            unit.audit(entry(7))


@pytest.mark.parametrize("number", range(1, LINES + 1))
def test_a_line_put_between_others_that_move_on_shows(number: int, place: StorePlace) -> None:
    filled(place)
    columns = 'at, actor, action, noun, "key", "before", "after", comment, tracking_id, previous_hash, hash'
    for moved in range(LINES, number - 1, -1):
        place.execute("UPDATE audit SET sequence = ? WHERE sequence = ?", moved + 1, moved)
    place.execute(
        f"INSERT INTO audit (sequence, {columns}) SELECT ?, {columns} FROM audit WHERE sequence = ?", number, number + 1
    )
    place.execute("UPDATE audit SET actor = 'mallory' WHERE sequence = ?", number)
    sentences = broken(place)
    assert f"Audit line {number} was altered, or moved there: its hash is not that of its content." in sentences
    assert f"Audit line {LINES + 1} was inserted: the store wrote lines 1 to {LINES}." in sentences
