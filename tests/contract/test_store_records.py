# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The store's contract: records, units of work, versions; the same on every back end."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ansible_collections.edgecert.clm.plugins.module_utils._core.errors import ConflictError, InputError, StoreError
from ansible_collections.edgecert.clm.plugins.module_utils._core.redact import Secret
from ansible_collections.edgecert.clm.plugins.module_utils._core.types import (
    AuditEntry,
    Certificate,
    Connector,
    Device,
    StoredPem,
    VendorSettings,
)
from ansible_collections.edgecert.clm.plugins.module_utils._store.tables import (
    INTENTS,
    REQUESTS,
    TABLES,
    WORK_ORDERS,
    Kind,
    Table,
)
from ansible_collections.edgecert.clm.tests.support.stores import NOON, StorePlace, count_up, in_processes, mixed_work

WORDS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=20)
PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
MAPS = st.dictionaries(st.text(max_size=8), PLAIN, max_size=3)
VALUES: dict[Kind, st.SearchStrategy[Any]] = {
    Kind.TEXT: WORDS,
    Kind.INTEGER: st.integers(-(2**63), 2**63 - 1),
    Kind.BOOLEAN: st.booleans(),
    Kind.TIME: st.datetimes(timezones=st.just(timezone.utc)),
    Kind.MAP: MAPS,
    Kind.MAPS: st.lists(MAPS, max_size=3).map(tuple),
    Kind.WORDS: st.lists(WORDS, max_size=3).map(tuple),
    Kind.SECRET: st.text(max_size=20).map(Secret),
}


def records_of(table: Table[Any]) -> st.SearchStrategy[Any]:
    """Give any record of a table, at version 0."""
    fields = {c.name: VALUES[c.kind] | st.none() if c.nullable else VALUES[c.kind] for c in table.columns}
    return st.builds(table.record, **{**fields, "version": st.just(0)})


def certificate(name: str = "www.example.com", **changes: Any) -> Certificate:
    """Give a certificate record."""
    return replace(Certificate(name, "enrolled", name, sans=(name,), san_count=1), **changes)


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.name)
def test_every_record_comes_back_as_it_was_stored(table: Table[Any], place: StorePlace) -> None:
    with place.open() as store:

        @settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.too_slow])
        @given(record=records_of(table), changed=records_of(table))
        def comes_back(record: Any, changed: Any) -> None:
            key = table.key_of(record)
            with store.write() as unit:
                repository = getattr(unit, table.name)
                stored = repository.add(record)
                assert stored == replace(record, version=1) == repository.get(*key)
                moved = replace(changed, version=1, **dict(zip(table.key, key, strict=True)))
                assert repository.put(moved) == replace(moved, version=2) == repository.get(*key)
                repository.remove(replace(moved, version=2))
                assert repository.get(*key) is None

        comes_back()


def test_a_stored_record_is_seen_by_another_connection(place: StorePlace) -> None:
    with place.open() as one, place.open() as other:
        with one.write() as unit:
            unit.certificates.add(certificate(not_after=NOON))
        with other.read() as unit:
            assert unit.certificates.get("www.example.com") == certificate(not_after=NOON, version=1)


def test_an_exception_leaves_nothing_behind(place: StorePlace) -> None:
    with place.open() as store:
        with pytest.raises(KeyError), store.write() as unit:
            unit.certificates.add(certificate())
            raise KeyError("a bug")
        with store.read() as unit:
            assert unit.certificates.count() == 0


def test_the_second_of_two_writers_of_one_version_is_refused(place: StorePlace) -> None:
    with place.open() as one, place.open() as other:
        with one.write() as unit:
            first = unit.certificates.add(certificate())
        with other.read() as unit:
            seen = unit.certificates.get("www.example.com")
        assert seen is not None
        with one.write() as unit:
            unit.certificates.put(replace(first, ca="ours"))
        refused = pytest.raises(ConflictError, match=r"changed \(version 2\) it since it was read \(version 1\)")
        with refused, other.write() as unit:
            unit.certificates.put(replace(seen, ca="theirs"))
        with pytest.raises(ConflictError), other.write() as unit:
            unit.certificates.remove(seen)
        with one.read() as unit:
            assert unit.certificates.get("www.example.com") == replace(first, ca="ours", version=2)


def test_a_removed_record_cannot_be_changed(place: StorePlace) -> None:
    with place.open() as store, store.write() as unit:
        stored = unit.certificates.add(certificate())
        unit.certificates.remove(stored)
        with pytest.raises(ConflictError, match="removed"):
            unit.certificates.put(stored)


def test_a_unit_goes_on_after_a_refused_record(place: StorePlace) -> None:
    with place.open() as store:
        with store.write() as unit:
            unit.certificates.add(certificate())
            with pytest.raises(ConflictError, match="Cannot store certificate www.example.com: the store has one"):
                unit.certificates.add(certificate(ca="other"))
            unit.certificates.add(certificate("b.example.com"))
        with store.read() as unit:
            assert [(c.certificate_id, c.ca) for c in unit.certificates.find()] == [
                ("b.example.com", ""),
                ("www.example.com", ""),
            ]


def test_a_batch_with_one_taken_key_stores_none_and_names_it(place: StorePlace) -> None:
    with place.open() as store, store.write() as unit:
        unit.certificates.add(certificate("b.example.com"))
        wanted = [certificate(f"{letter}.example.com") for letter in "abc"]
        with pytest.raises(ConflictError, match=r"certificate b\.example\.com"):
            unit.certificates.add_many(wanted)
        with pytest.raises(ConflictError, match=r"certificate c\.example\.com"):
            unit.certificates.add_many([certificate("c.example.com"), certificate("c.example.com")])
        assert unit.certificates.count() == 1
        unit.certificates.add_many([])
        unit.certificates.add_many([wanted[0], wanted[2]])
        assert [c.version for c in unit.certificates.find()] == [1, 1, 1]


def test_a_batch_with_one_clash_changes_none_and_names_it(place: StorePlace) -> None:
    with place.open() as store, store.write() as unit:
        unit.certificates.add_many([certificate(f"{letter}.example.com") for letter in "abc"])
        read = unit.certificates.find()
        unit.certificates.put(read[1])
        with pytest.raises(ConflictError, match=r"certificate b\.example\.com"):
            unit.certificates.put_many([replace(one, ca="new") for one in read])
        assert unit.certificates.count(ca="new") == 0
        unit.certificates.put_many([replace(one, ca="new") for one in unit.certificates.find()])
        assert [c.version for c in unit.certificates.find(ca="new")] == [2, 3, 2]


def test_records_are_found_by_values_lists_and_none(place: StorePlace) -> None:
    later = NOON + timedelta(days=1)
    with place.open() as store, store.write() as unit:
        unit.certificates.add(certificate("a", enrollment_id=1, change_management=True, not_after=NOON))
        unit.certificates.add(certificate("b", enrollment_id=2, change_management=False, not_after=later))
        unit.certificates.add(certificate("c"))

        def found(**equal: Any) -> str:
            names = "".join(c.certificate_id for c in unit.certificates.find(**equal))
            assert unit.certificates.count(**equal) == len(names)
            return names

        assert found() == "abc"
        assert found(enrollment_id=2) == "b"
        assert found(enrollment_id=None) == "c"
        assert found(enrollment_id=[1, 2, 99]) == "ab"
        assert found(enrollment_id=(1, None)) == "ac"
        assert found(certificate_id=[]) == ""
        assert found(certificate_id=["c", "a"], origin="enrolled") == "ac"
        assert found(change_management=False) == "b"
        assert found(change_management=[True]) == "a"
        assert found(not_after=later) == "b"
        assert found(not_after=[NOON, later.astimezone(timezone(timedelta(hours=2)))]) == "ab"
        assert found(certificate_id=[str(number) for number in range(40_000)]) == ""
        with pytest.raises(ValueError, match="cannot be searched by sans"):
            unit.certificates.find(sans=("a",))
        with pytest.raises(ValueError, match="cannot be searched by nothing"):
            unit.certificates.find(nothing=1)


def test_records_are_ordered_by_code_point_of_their_key(place: StorePlace) -> None:
    names = ["Z", "a", "_", "ä", "-", "zz", "é", "\U0001f511", "0", "\uffee"]
    with place.open() as store, store.write() as unit:
        unit.certificates.add_many([certificate(name) for name in names])
        assert [c.certificate_id for c in unit.certificates.find()] == sorted(names)


@pytest.mark.parametrize("table", [REQUESTS, WORK_ORDERS, INTENTS], ids=lambda table: table.name)
def test_what_was_done_is_found_the_oldest_first(table: Table[Any], place: StorePlace) -> None:
    """Their keys are random: that order would be another one in each run."""
    filled: dict[Kind, Any] = {
        Kind.TEXT: "", Kind.INTEGER: 0, Kind.BOOLEAN: False, Kind.TIME: NOON, Kind.MAP: {}, Kind.MAPS: (),
        Kind.WORDS: (), Kind.SECRET: Secret(""),
    }  # fmt: skip
    fields = {column.name: filled[column.kind] for column in table.columns}
    ages = {"b": 3, "a": 2, "d": 2, "c": 1}
    with place.open() as store, store.write() as unit:
        repository = getattr(unit, table.name)
        for name, minutes in ages.items():
            made = {table.key[0]: name, "created_at": NOON - timedelta(minutes=minutes)}
            repository.add(table.record(**{**fields, **made}))
        assert [table.key_of(record)[0] for record in repository.find()] == ["b", "a", "d", "c"]


def test_a_key_of_several_parts_identifies_a_record(place: StorePlace) -> None:
    settings_of: dict[str, Any] = {"organization": {}, "admin_contact": {}, "tech_contact": {}}
    with place.open() as store, store.write() as unit:
        unit.vendor_settings.add(VendorSettings("dv", "enhanced-tls", "san", **settings_of))
        unit.vendor_settings.add(VendorSettings("ov", "enhanced-tls", "san", **settings_of))
        unit.connectors.add(Connector("www.example.com", "akamai", devices=("one",)))
        assert unit.vendor_settings.get("ov", "enhanced-tls", "san") is not None
        assert unit.vendor_settings.get("ov", "standard-tls", "san") is None
        with pytest.raises(ConflictError, match="vendor settings dv / enhanced-tls / san"):
            unit.vendor_settings.add(VendorSettings("dv", "enhanced-tls", "san", **settings_of))
        with pytest.raises(ValueError, match="not 1 values"):
            unit.connectors.get("www.example.com")


def test_a_reading_unit_refuses_to_write(place: StorePlace) -> None:
    with place.open() as store, store.read() as unit:
        for write in (
            lambda: unit.certificates.add(certificate()),
            lambda: unit.certificates.put(certificate(version=1)),
            lambda: unit.certificates.add_many([certificate()]),
            lambda: unit.certificates.put_many([]),
            lambda: unit.certificates.remove(certificate(version=1)),
            lambda: unit.audit(AuditEntry("a", "b", "c", "d")),
        ):
            with pytest.raises(StoreError, match="only reads"):
                write()


def test_a_reading_unit_keeps_its_view_while_another_writes(place: StorePlace) -> None:
    with place.open() as reader, place.open() as writer:
        with reader.read() as unit:
            assert unit.certificates.count() == 0
            with writer.write() as other:
                other.certificates.add(certificate())
            assert unit.certificates.count() == 0
        with reader.read() as unit:
            assert unit.certificates.count() == 1


def test_units_leases_and_the_ledger_do_not_nest(place: StorePlace) -> None:
    with place.open() as store, store.write() as unit:
        unit.certificates.add(certificate())
        with pytest.raises(RuntimeError, match="do not nest"), store.read():
            pass
        with pytest.raises(RuntimeError, match="do not nest"), store.lease("x", 1):
            pass
        with pytest.raises(RuntimeError, match="do not nest"):
            store.ledger.block("x", datetime.now(timezone.utc))
    with place.open() as store, store.read() as unit:
        assert unit.certificates.count() == 1


@pytest.mark.parametrize("name", ["with\0NUL", "\ud800"])
def test_text_that_no_database_can_keep_is_refused(name: str, place: StorePlace) -> None:
    with place.open() as store, pytest.raises(InputError, match="Cannot store certificate_id"), store.write() as unit:
        unit.certificates.add(certificate(name))


def test_values_that_json_cannot_hold_are_refused(place: StorePlace) -> None:
    with place.open() as store, store.write() as unit:
        for value in (float("nan"), object()):
            with pytest.raises(InputError, match="Cannot keep a value"):
                unit.certificates.add(certificate(attributes={"odd": value}))


def test_a_number_too_large_for_a_column_is_a_store_error(place: StorePlace) -> None:
    with place.open() as store, pytest.raises(StoreError), store.write() as unit:
        unit.certificates.add(certificate(enrollment_id=2**70))


def test_a_damaged_row_is_named(place: StorePlace) -> None:
    with place.open() as store:
        with store.write() as unit:
            unit.certificates.add(certificate())
        place.execute("UPDATE certificates SET sans = 'no JSON'")
        with pytest.raises(StoreError, match=r"Cannot read certificate www\.example\.com"), store.read() as unit:
            unit.certificates.find()


def test_describe_counts_every_kind(place: StorePlace) -> None:
    with place.open() as store:
        with store.write() as unit:
            unit.devices.add(Device("cps"))
            unit.pems.add_many([StoredPem("aa", "pem"), StoredPem("bb", "pem")])
        told = store.describe()
        assert told["backend"] == ("sqlite" if place.is_sqlite else "postgresql")
        assert told["url"] == place.url
        assert told["records"] == {**{table.name: 0 for table in TABLES}, "audit": 0, "devices": 1, "pems": 2}


@pytest.mark.slow
def test_eight_processes_lose_no_update_and_meet_no_lock(place: StorePlace) -> None:
    with place.open() as store, store.write() as unit:
        unit.certificates.add(certificate("shared", san_count=0))
    in_processes(count_up, place.url, 8, 15)
    with place.open() as store:
        with store.read() as unit:
            shared = unit.certificates.get("shared")
            assert shared is not None
            assert (shared.san_count, shared.version) == (120, 121)
            assert unit.certificates.count(common_name="own.example.com") == 120
            assert [row.sequence for row in unit.audit_rows()] == list(range(1, 121))
        assert store.verify_audit() == []


@pytest.mark.slow
def test_eight_processes_that_do_everything_at_once_lose_nothing_and_meet_no_lock(place: StorePlace) -> None:
    """Reads, writes that clash, leases, the ledger and the audit, mixed; a deadlock or a busy store would raise."""
    turns = 12
    names = ["shared", *(f"leased-{n}" for n in range(3)), *(f"of-{n}" for n in range(8))]
    with place.open() as store, store.write() as unit:
        unit.certificates.add_many([certificate(name, san_count=0) for name in names])
    met = in_processes(mixed_work, place.url, 8, turns)
    assert all(one["waits"] == 0 and one["reads"] == turns for one in met)
    refused = sum(one["leases"] for one in met)
    with place.open() as store:
        with store.read() as unit:
            counted = {one.certificate_id: one for one in unit.certificates.find()}
            lines = list(unit.audit_rows())
        assert store.verify_audit() == []
    assert counted["shared"].san_count == refused
    assert sum(counted[f"leased-{n}"].san_count for n in range(3)) == 8 * turns - refused
    assert [counted[f"of-{n}"].san_count for n in range(8)] == [turns - one["leases"] for one in met]
    assert all(one.version == one.san_count + 1 for one in counted.values())
    assert len(lines) == sum(one.san_count for one in counted.values())
    assert place.execute("SELECT COUNT(*) FROM leases") == [(0,)]
    calls = json.loads(place.execute("SELECT calls FROM ledger")[0][0])
    assert len(calls) == 8 * turns
