# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Values as columns, tables from records, and the store key's forms."""

from __future__ import annotations

import base64
import json
import subprocess
import sys
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.edgecert.clm.plugins.module_utils._core.redact import Secret
from ansible_collections.edgecert.clm.plugins.module_utils._store.codec import (
    canonical,
    json_text,
    place_of,
    time_of,
    time_text,
)
from ansible_collections.edgecert.clm.plugins.module_utils._store.seal import StoreKey, wrapping_key
from ansible_collections.edgecert.clm.plugins.module_utils._store.tables import DEVICES, TABLES, Table

ZONES = st.sampled_from([timezone.utc, timezone(timedelta(hours=14)), timezone(-timedelta(hours=12))])
MOMENTS = st.datetimes(datetime(2, 1, 1), datetime(9998, 12, 31), timezones=ZONES)


@given(MOMENTS, MOMENTS)
def test_times_sort_as_their_text_does(one: datetime, other: datetime) -> None:
    assert (one < other) == (time_text(one) < time_text(other))


@given(MOMENTS)
def test_a_time_comes_back_in_utc(moment: datetime) -> None:
    read = time_of(time_text(moment))
    assert read == moment
    assert read.tzinfo is timezone.utc


def test_a_naive_time_is_taken_as_utc() -> None:
    assert time_text(datetime(2026, 1, 2, 3, 4, 5)) == "2026-01-02T03:04:05.000000+00:00"


@given(st.dictionaries(st.integers() | st.text(), st.integers(), max_size=5))
def test_the_canonical_text_does_not_depend_on_order_or_on_a_way_through_json(value: dict[Any, int]) -> None:
    text = canonical(value)
    assert text == canonical(json.loads(text))
    if len({str(key) for key in value}) == len(value):
        assert text == canonical(dict(reversed(list(value.items()))))


def test_a_secret_in_a_plain_value_is_masked() -> None:
    assert json_text({"a": [Secret("hush")]}) == '{"a":["***"]}'


@given(st.lists(st.text(st.characters(exclude_characters="\0")), min_size=2, max_size=2))
def test_no_two_places_have_one_name(parts: list[str]) -> None:
    names = {place_of(DEVICES, parts, "x"), place_of(DEVICES, ["".join(parts)], "x"), place_of(DEVICES, parts, "y")}
    assert len(names) == 3


def test_every_table_ends_with_the_version_and_starts_with_its_key() -> None:
    for table in TABLES:
        assert table.names[-1] == "version"
        assert table.names[: len(table.key)] == table.key
        assert set(table.indexed) <= set(table.names)
    assert len({table.name for table in TABLES}) == len(TABLES)


def test_a_field_the_store_cannot_keep_is_refused_at_once() -> None:
    from dataclasses import make_dataclass

    record = make_dataclass("Odd", [("name", "str"), ("size", "float")])
    with pytest.raises(TypeError, match="field size: the store has no column kind for float"):
        assert Table("odd", "odd thing", record, ("name",)).columns


RAW = bytes(range(224, 256))


@pytest.mark.parametrize(
    "text",
    [
        RAW.hex(),
        RAW.hex().upper(),
        base64.b64encode(RAW).decode(),
        base64.b64encode(RAW).decode().rstrip("="),
        base64.urlsafe_b64encode(RAW).decode(),
    ],
)
def test_a_key_of_full_strength_is_used_as_it_is(text: str) -> None:
    assert wrapping_key(text, b"salt") == RAW


@pytest.mark.parametrize("text", ["a", "some words as a key", RAW.hex()[:-2], RAW.hex() + "00", "ä" * 32, "é" * 43])
def test_any_other_key_is_stretched_with_the_salt(text: str) -> None:
    derived = wrapping_key(text, b"salt")
    assert len(derived) == 32
    assert derived == wrapping_key(text, b"salt")
    assert derived != wrapping_key(text, b"tlas")
    assert derived != wrapping_key(f"{text}x", b"salt")


def test_a_store_key_does_not_show_itself() -> None:
    assert "hush" not in repr(StoreKey(Secret("hush")))
    assert not StoreKey()
    assert StoreKey(path="/some/file")


def test_the_store_can_be_imported_without_any_library() -> None:
    program = (
        "import importlib, pkgutil, sys\n"
        "for name in ('cryptography', 'psycopg', 'sqlalchemy'):\n"
        "    sys.modules[name] = None\n"
        "base = 'ansible_collections.edgecert.clm.plugins.module_utils._store'\n"
        "package = importlib.import_module(base)\n"
        "names = [f'{base}.{found.name}' for found in pkgutil.iter_modules(package.__path__)]\n"
        "assert len(names) > 10\n"
        "for name in names:\n"
        "    importlib.import_module(name)\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True)
