# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Attributes, fields and automatic renewal on the form: what is kept, what is refused, what a member left out means."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.edgecert.clm.plugins.module_utils._ca.capability_base import Capabilities
from ansible_collections.edgecert.clm.plugins.module_utils._clm import form, form_extras
from ansible_collections.edgecert.clm.plugins.module_utils._core import fields
from ansible_collections.edgecert.clm.plugins.module_utils._core.types import Certificate

PRIVATE = Capabilities(is_public=False, is_immediate=True)
ROWS = [row for row in fields.ROWS if row.top in form_extras.EXTRAS]
EMPTY: dict[str, Any] = {"attributes": {}, "generic": {}, "auto_renew": {}, "auto_regenerate": {}}
KEY = "-----BEGIN PRIVATE KEY-----\nMIGHAgEAMBMGByqG\n-----END PRIVATE KEY-----\n"


def read(**params: Any) -> tuple[dict[str, Any], list[str]]:
    """Give the parts of the wish and the problems."""
    problems: list[str] = []
    wish = form_extras.extras(params, problems)
    whole = {**params, **wish, "attributes": params.get("attributes")}
    return wish, problems + fields.problems(whole, "local", PRIVATE, rows=ROWS)


def test_every_part_is_there_and_empty_where_nothing_was_given() -> None:
    assert read() == (EMPTY, [])
    assert read(attributes=None, generic={}, auto_renew={"enabled": None, "days_before": None}) == (EMPTY, [])


def test_attributes_keep_their_values_as_they_are() -> None:
    """E19."""
    given = {"team": "edge", "tier": 1, "share": 0.5, "is_public": True, "Straße": "", "a.b-c_d": "x" * 1024}
    wish, problems = read(attributes=given)
    assert problems == [] and wish["attributes"] == given
    assert wish["attributes"]["is_public"] is True


# What is wrong with an attribute, and a word of the reason.
BAD_ATTRIBUTES = [
    ({"": "x"}, "no usable name"),
    ({" team": "x"}, "no usable name"),
    ({"te am": "x"}, "no usable name"),
    ({"-team": "x"}, "no usable name"),
    ({"x" * 65: "x"}, "no usable name"),
    ({"te\nam": "x"}, "no usable name"),
    ({5: "x"}, "no usable name"),
    ({"team": None}, "has no value"),
    ({"team": ["x"]}, "is nested"),
    ({"team": {"a": "b"}}, "is nested"),
    ({"team": float("nan")}, "no finite number"),
    ({"team": float("-inf")}, "no finite number"),
    ({"team": "x" * 1025}, "1024 are allowed"),
    ({"team": "a\nb"}, "control character"),
    ({"team": "a\x00b"}, "control character"),
    ({"team": "\ud800"}, "control character"),
    ({"db_password": "x"}, "named as a secret"),
    ({"Token": "x"}, "named as a secret"),
    ({"tls.private-key": "x"}, "named as a secret"),
    ({"note": KEY}, "private key"),
    ({f"a{number}": "x" for number in range(101)}, "100 are allowed"),
    ("team=edge", "no mapping"),
]


@pytest.mark.parametrize(("attributes", "reason"), BAD_ATTRIBUTES, ids=[reason for _given, reason in BAD_ATTRIBUTES])
def test_an_attribute_that_cannot_be_kept_is_refused_with_the_reason(attributes: Any, reason: str) -> None:
    """E19; the value is quoted in no reason, as it may be a secret."""
    _wish, problems = read(attributes=attributes)
    assert len(problems) == 1 and reason in problems[0]
    assert "MIGHAgEAMBMGByqG" not in problems[0]


def test_a_name_may_speak_of_a_secret_that_it_is_not() -> None:
    assert read(attributes={"token_owner": "ada", "secret_rotation": "yearly", "monkey": "x"})[1] == []


def test_generic_fields_are_kept_and_empty_ones_are_not() -> None:
    """E20."""
    given = {
        "device_name": "adc-1",
        "application_ip": "2001:db8::1",
        "tracking_id": " CHG-1 ",
        "holder_email": "ada@example.com",
        "first_name": "Ada",
        "last_name": "",
        "organization": None,
        "comment": "two\nlines",
    }
    wish, problems = read(generic=given)
    assert problems == []
    assert wish["generic"] == {
        "device_name": "adc-1",
        "application_ip": "2001:db8::1",
        "tracking_id": "CHG-1",
        "holder_email": "ada@example.com",
        "first_name": "Ada",
        "comment": "two\nlines",
    }
    assert form_extras.tracking_id(wish) == "CHG-1"
    assert form_extras.tracking_id({}) == ""


@pytest.mark.parametrize(
    ("field", "text", "reason"),
    [
        ("application_ip", "192.0.2.1/24", "network"),
        ("application_ip", "300.0.0.1", "not an IP address"),
        ("holder_email", "nobody", "no '@'"),
        ("first_name", "a\nb", "control character"),
        ("first_name", "x" * 256, "255 are allowed"),
        ("comment", "x" * 2001, "2000 are allowed"),
        ("comment", "bell \x07", "control character"),
        ("comment", KEY, "private key"),
        ("uuid", "0b7c", "RA setting"),
        ("fax", "1", "is no field"),
    ],
)
def test_a_generic_field_that_cannot_be_kept_is_refused_with_the_reason(field: str, text: str, reason: str) -> None:
    """E20."""
    _wish, problems = read(generic={field: text})
    assert len(problems) == 1 and problems[0].startswith(f"generic.{field} ") and reason in problems[0]


@pytest.mark.parametrize(
    ("option", "given", "reason"),
    [
        ("auto_renew", {"days_before": 30}, "enabled is missing"),
        ("auto_renew", {"enabled": "maybe"}, "enabled is missing"),
        ("auto_renew", {"enabled": True, "force_local_csr": True}, "force_local_csr is none of"),
        ("auto_regenerate", {"enabled": True, "days": 3}, "days is none of"),
        ("auto_regenerate", [1], "no mapping"),
    ],
)
def test_a_toggle_that_cannot_be_read_is_refused(option: str, given: Any, reason: str) -> None:
    """E3, E4."""
    _wish, problems = read(**{option: given})
    assert len(problems) == 1 and reason in problems[0]


def test_the_toggles_keep_what_was_given_and_nothing_else() -> None:
    """E3, E4."""
    wish, problems = read(
        auto_renew={"enabled": True, "days_before": None},
        auto_regenerate={"enabled": False, "days_before": 120, "force_local_csr": False},
    )
    assert problems == []
    assert wish["auto_renew"] == {"enabled": True}
    assert wish["auto_regenerate"] == {"enabled": False, "days_before": 120, "force_local_csr": False}


STORED = {**EMPTY, "attributes": {"a": 1}, "generic": {"tracking_id": "CHG-1", "comment": "old"}}


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({}, {"tracking_id": "CHG-1", "comment": "old"}),
        ({"generic": None}, {"tracking_id": "CHG-1", "comment": "old"}),
        ({"generic": {"comment": "new", "uuid": None}}, {"tracking_id": "CHG-1", "comment": "new"}),
        ({"generic": {"comment": ""}}, {"tracking_id": "CHG-1"}),
        ({"generic": {}}, {}),
        ({"generic": {"comment": None, "tracking_id": None}}, {}),
    ],
)
def test_left_out_is_not_empty(given: dict[str, Any], expected: dict[str, str]) -> None:
    """E20: a field left out stays, an empty text clears it, an empty mapping clears all."""
    wish, problems = read(**form.overlaid(given, STORED))
    assert problems == [] and wish["generic"] == expected
    assert wish["attributes"] == {"a": 1}


def test_attributes_are_given_whole() -> None:
    """E19."""
    assert read(**form.overlaid({"attributes": {"b": 2}}, STORED))[0]["attributes"] == {"b": 2}
    assert read(**form.overlaid({"attributes": {}}, STORED))[0]["attributes"] == {}


def test_a_request_of_an_older_store_has_nothing_to_change() -> None:
    wish: dict[str, Any] = {"description": "", "ca_connector_name": "own", "warnings": {}}
    now = {**wish, "allow_missing": False, **EMPTY}
    assert form.changed_metadata(now, wish) == {}
    assert form.changed_metadata({**now, "attributes": {"a": 1}}, wish) == {"attributes": {"a": 1}}


def test_true_and_one_are_two_values() -> None:
    """E19."""
    base = {"description": "", "ca_connector_name": "own", "warnings": {}, "allow_missing": False, **EMPTY}
    assert form.changed_metadata({**base, "attributes": {"a": True}}, {**base, "attributes": {"a": 1}}) != {}


def test_a_certificate_gets_what_the_wish_says_and_keeps_what_an_old_wish_does_not_name() -> None:
    known = Certificate("a", "enrolled", "a", attributes={"a": 1}, auto_renew={"enabled": True})
    assert form_extras.on_certificate(known, {}) == known
    changed = form_extras.on_certificate(known, {**EMPTY, "attributes": {"b": 2}})
    assert (changed.attributes, changed.auto_renew) == ({"b": 2}, {})


# Ids that can be, and such that cannot with a word of the reason.
IDS = [
    ("www.example.com", ""),
    ("Straße 7 / Haus #2 {{ x }}", ""),
    ("{% raw %}", ""),
    ("x" * 255, ""),
    ("x" * 256, "255 are allowed"),
    (" www", "blank"),
    ("www ", "blank"),
    ("a\nb", "cannot be seen"),
    ("a\tb", "cannot be seen"),
    ("a\x00b", "cannot be seen"),
    ("a\u200bb", "cannot be seen"),
    ("a\ud800", "cannot be seen"),
]


@pytest.mark.parametrize(("certificate_id", "reason"), IDS, ids=[ascii(one)[:30] for one, _reason in IDS])
def test_an_id_can_be_seen_typed_and_found_again(certificate_id: str, reason: str) -> None:
    """E21."""
    found = fields.reason("certificate", certificate_id)
    assert (reason in found) if reason else (found == "")


scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=12)
anything = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3)
)


@given(attributes=anything, generic=anything, auto_renew=anything)
def test_whatever_is_given_is_kept_or_refused(attributes: Any, generic: Any, auto_renew: Any) -> None:
    """E3, E19, E20: no input makes a traceback, and what is kept reads the same again."""
    wish, problems = read(attributes=attributes, generic=generic, auto_renew=auto_renew)
    if not problems:
        assert read(**wish) == (wish, [])
