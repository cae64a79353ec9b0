# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The table of the form's fields: whole against the manual and the module, and each row refuses what it should."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.edgecert.clm.plugins.module_utils._ca.capability_base import Capabilities
from ansible_collections.edgecert.clm.plugins.module_utils._clm import form
from ansible_collections.edgecert.clm.plugins.module_utils._core import csr_sources, fields, vocabulary
from ansible_collections.edgecert.clm.plugins.module_utils._core.field_records import (
    ANYTIME,
    FLAG,
    NUMBER,
    SOURCES,
    Field,
)
from ansible_collections.edgecert.clm.plugins.modules import cert_enroll

SANS = ("dns", "ip", "email", "uri", "other", "directory")
CA = Capabilities(
    is_public=False,
    is_immediate=True,
    san_types=SANS,
    key_types=vocabulary.KEY_TYPES,
    registration_authority=True,
)
# What is fine with every source and CA.
PLAIN: dict[str, Any] = {"common_name": "www.example.com", "organization": "Example", "ca": "house"}
# Options of the module that say what is done, and are no fields of the certificate.
DEEDS = frozenset(
    ("action", "force", "only_missing", "from_snapshot", "take_settings", "allow_names_in_use", "submit")
    + ("manual_implementation", "schedule_at", "freeze_override", "warnings", "wait", "wait_timeout", "reason")
)
# Everything the manual's tables 4 to 6 and 8 to 11 name for the form, by number; category and vendor are fixed.
MANUAL: Mapping[str, int] = {"4": 17, "5": 6, "6": 5, "8": 21, "9": 4, "10": 9, "11": 1}


def leaves(spec: Mapping[str, Any], before: str = "") -> dict[str, dict[str, Any]]:
    """Give the options of a spec that hold values, members behind a dot."""
    found: dict[str, dict[str, Any]] = {}
    for name, option in spec.items():
        marked = f"{before}{name}" + ("[]" if option.get("elements") == "dict" and option.get("options") else "")
        if option.get("options") and not marked.startswith("extensions.custom"):
            found.update(leaves(option["options"], f"{marked}."))
        else:
            found[marked.removesuffix("[]")] = option
    return found


OPTIONS = {name: one for name, one in leaves(cert_enroll.SPEC).items() if name.partition(".")[0] not in DEEDS}


def test_every_option_of_the_form_has_a_row_and_every_row_an_option() -> None:
    """E1 to E22: nothing of the form is outside the table, and nothing in it is made up."""
    own = {row.option for row in fields.ROWS if row.top != "ca_options"}
    assert sorted(set(OPTIONS) - own - {"ca_options", "attachments[].state"}) == []
    assert sorted(own - set(OPTIONS)) == []
    assert len(fields.BY_OPTION) == len(fields.ROWS)


@pytest.mark.parametrize("table", sorted(MANUAL))
def test_every_field_of_the_manuals_tables_is_there(table: str) -> None:
    """Tables 4, 5, 6, 8, 9, 10 and 11 of the manual."""
    rows = [row for row in fields.ROWS if table in row.table.split(", ")]
    assert len(rows) >= MANUAL[table], [row.option for row in rows]
    assert all(row.requirement.startswith("E") and row.meaning and row.label for row in fields.ROWS)


@pytest.mark.parametrize("row", [row for row in fields.ROWS if row.option in OPTIONS], ids=lambda row: str(row.option))
def test_a_row_is_as_the_module_reads_it(row: Field) -> None:
    """One rule, one place: choices and kinds of the table are those of the argument spec."""
    spec = OPTIONS[row.option]
    if spec.get("choices"):
        assert tuple(spec["choices"]) == row.choices
    assert (spec["type"] == "bool") == (row.kind == FLAG)
    assert (spec["type"] == "int") == (row.kind == NUMBER)


def test_what_may_change_at_any_time_is_the_metadata_of_a_wish() -> None:
    """E3, E4, E19, E20."""
    late = {row.top for row in fields.ROWS if row.changes == ANYTIME} - {"attachments", "group"}
    assert late == set(form.METADATA) - {"warnings"}


def told(params: Mapping[str, Any], source: str = "local", ca: Capabilities = CA) -> list[str]:
    """Give what is wrong with a form."""
    plain = {name: value for name, value in PLAIN.items() if fields.applies(name, source)}
    return fields.problems({**plain, **params}, source, ca, ca="CA account house")


@pytest.mark.parametrize("source", SOURCES)
def test_a_plain_form_has_nothing_wrong_with_it(source: str) -> None:
    assert told({}, source) == []


# By option: one value that cannot be, and a word of the reason. What others check has its tests there.
BAD: list[tuple[str, Any, str]] = [
    ("certificate", "x" * 256, "255 are allowed"),
    ("certificate", " www", "blank"),
    ("group", "a\nb", "control character"),
    ("ca_connector_name", "x" * 256, "255 are allowed"),
    ("description", "x" * 2001, "2000 are allowed"),
    ("csr_source", "usb", "none of endpoint, local, upload, hsm, adc"),
    ("organization", "x" * 65, "64 are allowed"),
    ("organizational_unit", "x" * 65, "64 are allowed"),
    ("locality", "x" * 129, "128 are allowed"),
    ("state_or_province", "a\tb", "control character"),
    ("country", "de", "DE"),
    ("country", "UK", "GB"),
    ("email", "nobody", "'@'"),
    ("hash", "md5", "sha256, sha384, sha512"),
    ("key_type", "dsa", "takes no dsa keys"),
    ("key_size", 1024, "2048 to 8192"),
    ("key_size", 2049, "steps of 8"),
    ("curve", "secp192r1", "none of secp256r1"),
    ("attributes", {"a b": 1}, "no usable name"),
    ("generic.device_name", "x" * 256, "255 are allowed"),
    ("generic.application_ip", "10.0.0.0/8", "network"),
    ("generic.tracking_id", "a\nb", "control character"),
    ("generic.holder_email", "nobody", "'@'"),
    ("generic.first_name", "x" * 256, "255 are allowed"),
    ("generic.last_name", "x" * 256, "255 are allowed"),
    ("generic.organization", "x" * 256, "255 are allowed"),
    ("generic.comment", "x" * 2001, "2000 are allowed"),
    ("generic.uuid", "123", "no UUID"),
    ("comment", "bell \x07", "control character"),
]


def form_with(option: str, value: Any) -> dict[str, Any]:
    """Give a form with one option, a member in its mapping."""
    top, _dot, member = option.partition(".")
    return {top: {member: value} if member else value}


@pytest.mark.parametrize(("option", "value", "reason"), BAD, ids=[f"{o}-{str(v)[:12]!a}" for o, v, _r in BAD])
def test_a_bad_value_of_each_field_is_told(option: str, value: Any, reason: str) -> None:
    """E1 to E21."""
    [sentence] = told(form_with(option, value))
    assert reason in sentence


def test_everything_wrong_is_told_at_once() -> None:
    """E1 to E21: one problem for each bad field, whatever else is wrong."""
    wrong: dict[str, Any] = {}
    for option, value, _reason in BAD:
        for top, part in form_with(option, value).items():
            wrong[top] = {**wrong.get(top, {}), **part} if isinstance(part, dict) else part
    found = told(wrong)
    assert len(found) == len({option for option, _value, _reason in BAD})


@pytest.mark.parametrize("option", [row.option for row in fields.ROWS if row.checked_by == "" and row.limit])
def test_a_limit_is_where_the_table_says(option: str) -> None:
    """The highest that is allowed is not refused for its length, one more is."""
    row = fields.field(option)
    if row.unit != "characters" or row.kind == NUMBER:
        assert fields.limit(option) > 0
        return
    assert "are allowed" not in fields.reason(option, "x" * fields.limit(option))
    assert "are allowed" in fields.reason(option, "x" * (fields.limit(option) + 1))


@pytest.mark.parametrize("source", SOURCES)
@pytest.mark.parametrize("row", [row for row in fields.ROWS if len(row.sources) < len(SOURCES)], ids=lambda r: r.option)
def test_what_does_not_go_with_a_source_is_refused_with_the_reason(row: Field, source: str) -> None:
    """E6, E7, E8, E9, E14, E16: each field by each source."""
    value: Any = True if row.kind == FLAG else ["x"] if row.kind in ("texts",) else "x"
    given_form = {**PLAIN, **form_with(row.option, value)}
    found = fields.problems({}, source, asked=given_form, rows=[row])
    if source in row.sources:
        assert found == []
    else:
        assert len(found) == 1 and source in found[0] and row.whys[source] in found[0]
        assert csr_sources.applies(row.option, source) is False


def test_a_flag_that_is_off_asks_for_nothing() -> None:
    """E4: the key of an endpoint cannot be made here, and not wanting that is fine."""
    assert told({"auto_regenerate": {"enabled": True, "force_local_csr": False}}, "endpoint") == []
    [sentence] = told({"auto_regenerate": {"enabled": True, "force_local_csr": True}}, "endpoint")
    assert "force_local_csr" in sentence and "never be pushed" in sentence


def test_what_cps_makes_is_narrower() -> None:
    """E10, E17."""
    found = told({"hash": "sha384", "key_type": "ed25519", "key_size": 4096, "curve": "P-384"}, "endpoint")
    assert len(found) == 4 and all("CPS" in sentence for sentence in found)
    assert told({"hash": "sha256", "key_type": "ec", "curve": "prime256v1"}, "endpoint") == []


def test_what_a_ca_does_not_take_is_told_by_its_capabilities() -> None:
    """E5, E13, E17, E20: never by a CA's name."""
    narrow = replace(CA, san_types=("dns",), key_types=("rsa",), hashes=("sha256",), registration_authority=False)
    sans = {"dns": ["a.example.com"], "ip": ["192.0.2.1"], "uri": ["https://example.com/"]}
    asked = {"subject_alternative_names": sans, "dual_stack": True, "hash": "sha384"}
    uuid = "123e4567-e89b-12d3-a456-426614174000"
    found = told({**asked, "generic": {"uuid": uuid, "tracking_id": "CHG-1"}}, ca=narrow)
    assert sorted(found) == [
        "CA account house takes no ec keys; it takes rsa",
        "CA account house takes no hash sha384; it takes sha256",
        "CA account house takes no ip names (192.0.2.1)",
        "CA account house takes no uri names (https://example.com/)",
        "generic.uuid goes with a RA setting of the CA, and this CA has none; leave it out",
    ]
    assert told({**asked, "generic": {"uuid": uuid}}) == []
    assert fields.source_problems("hsm", replace(CA, csr_sources=("local", "upload")), "CA account house") == [
        "csr_source hsm is not to be had with CA account house, which takes local, upload"
    ]


def is_offered(name: str, ca: Capabilities) -> bool:
    """Say whether a CA takes an option of its own."""
    offer = fields.field(f"ca_options.{name}").offer
    return offer is not None and offer.has(ca)


def test_options_of_a_ca_are_checked_where_it_takes_them() -> None:
    """E11, E22: EJBCA's details, CSC's telephone number; which of them there are is the CA's own data."""
    ejbca = ("end_entity_profile", "end_entity_username", "issuer_common_name", "certificate_profile")
    assert all("E11" in fields.field(f"ca_options.{name}").requirement for name in ejbca)
    taking = replace(CA, request_options={name: {"required": True} for name in ejbca})
    assert all(is_offered(name, taking) for name in ejbca)
    [sentence] = told({"ca_options": {"phone": "030 1234567"}})
    assert "+<country code>-<number>" in sentence
    assert told({"ca_options": {"phone": "+49-301234567", "expiry_emails": ["ada@example.com"]}}) == []


def test_a_country_is_needed_where_it_is_renewed() -> None:
    """E14."""
    assert told({"country": ""}) == []
    assert told({"action": "renew"}) == ["country is missing (E14)"]
    assert told({"auto_renew": {"enabled": True}}) == ["country is missing (E14)"]
    assert told({"auto_renew": {"enabled": True}, "country": "DE"}) == []
    assert told({"action": "renew"}, "upload") == []


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
)


@given(st.dictionaries(st.sampled_from(sorted({row.top for row in fields.ROWS})), anything), st.sampled_from(SOURCES))
def test_whatever_stands_in_a_form_makes_no_traceback(params: dict[str, Any], source: str) -> None:
    """All rows."""
    assert all(isinstance(sentence, str) and sentence for sentence in fields.problems(params, source, CA))


GOOD_NAMES, BAD_NAMES = ("web-1.key_A", "a" * 64), ("a" * 102, "web 1", ".web", "wéb")
KEY_NAMES = [*((name, True) for name in GOOD_NAMES), *((name, False) for name in BAD_NAMES)]


@pytest.mark.parametrize(("name", "is_taken"), KEY_NAMES, ids=[one[0][:12] for one in KEY_NAMES])
def test_a_key_is_made_under_a_plain_name_and_used_again_under_any(name: str, is_taken: bool) -> None:
    """E8: in a token; a controller keeps it as a file."""
    for source, option, member in (("hsm", "hsm", "key_handler"), ("adc", "adc", "key_reference")):
        for is_reused in (False, True):
            form = {option: {"device": "d", member: name, "reuse": is_reused}}
            found = [one for one in fields.problems(form, source) if member in one]
            assert (found == []) == (is_taken or (is_reused and source == "hsm")), found
    line = {"hsm": {"device": "d", "key_handler": "two\nlines", "reuse": True}}
    assert any("line break" in one for one in fields.problems(line, "hsm"))


@pytest.mark.parametrize(
    ("source", "bits", "is_taken"),
    [("hsm", 3072, True), ("hsm", 8192, True), ("hsm", 2056, False), ("adc", 3072, True), ("adc", 8192, False)],
)
def test_the_size_of_a_key_is_held_against_its_source(source: str, bits: int, is_taken: bool) -> None:
    """E17: told with the rest of the form, before a device is asked."""
    found = [one for one in fields.problems({"key_size": bits}, source) if "key_size" in one]
    assert (found == []) == is_taken
