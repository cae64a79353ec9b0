# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Fields of RA workflows, and the messages they travel in."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from dataclasses import replace
from datetime import datetime, timezone
from typing import Any

import pytest

from ansible_collections.edgecert.clm.plugins.module_utils._ca import idnomic_message as message
from ansible_collections.edgecert.clm.plugins.module_utils._ca.base import Order
from ansible_collections.edgecert.clm.plugins.module_utils._ca.idnomic_fields import (
    DEFAULT_MAP,
    FOR_RA,
    OURS,
    RaField,
    fields_of,
    filled,
    map_of,
    map_problems,
)
from ansible_collections.edgecert.clm.plugins.module_utils._core.csr_spec import CsrSpec
from ansible_collections.edgecert.clm.plugins.module_utils._core.vocabulary import GENERIC_FIELDS

SPEC = CsrSpec(
    "www.example.com",
    ("www.example.com", "a.example.com"),
    ip_addresses=("192.0.2.1",),
    organization="Example Ltd",
    country="FR",
    email="pki@example.com",
)
ORDER = Order(SPEC, 90, "intent", datetime(2026, 11, 23, 12, tzinfo=timezone.utc))


def listed(*names: str) -> list[RaField]:
    """Give fields; those with a ``!`` must have a value."""
    told = [{"id": name.rstrip("!"), "optional": "0" if name.endswith("!") else "1"} for name in names]
    return fields_of({"fields": told})


@pytest.mark.parametrize(
    "value",
    ["text", "", "é & <ü>", [], ["a", ["b"], {}], {"a": "1", "b": {"c": ["d"]}, "e": ""}],
)
def test_a_message_is_read_as_it_was_written(value: Any) -> None:
    """ca-connectors §4.11: texts, arrays and tables in each other."""
    made = message.written("Message", value)
    assert message.read(ET.fromstring(ET.tostring(made))) == value
    assert all(one.tag.startswith(f"{{{message.MESSAGE_NS}}}") for one in made.iter())


def test_a_message_with_nothing_in_it_is_an_empty_text() -> None:
    assert message.read(ET.fromstring(f'<Message xmlns="{message.MESSAGE_NS}"/>')) == ""
    assert message.rows("x") == [] and message.rows([{"a": "1"}, "b"]) == [{"a": "1"}]


def test_fields_are_read_with_their_numbers() -> None:
    found = listed("subjectAltNameDNS10", "subjectAltNameDNS2!", "zone")
    assert [(one.field_id, one.stem, one.number, one.is_optional) for one in found] == [
        ("subjectAltNameDNS2", "subjectaltnamedns", 2, False),
        ("subjectAltNameDNS10", "subjectaltnamedns", 10, True),
        ("zone", "zone", 0, True),
    ]
    assert fields_of("nothing") == [] and fields_of({}) == []


def test_each_field_gets_its_value_by_its_number() -> None:
    """csr_is_truth is false: the order's names are repeated in the fields."""
    fields = listed(
        *("commonName1!", "organizationName1", "countryName1", "localityName1", "adminEmail1!", "revocationCode1!"),
        *("subjectAltNameDNS2", "subjectAltNameDNS1", "subjectAltNameDNS3", "subjectAltNameIP1", "zone1", "pkcs10!"),
    )
    found = filled("web", fields, ORDER, DEFAULT_MAP, {"zone": "Europe", "revocationCode": "c-7"})
    assert found.problems == ()
    assert found.values == {
        "commonName1": "www.example.com",
        "organizationName1": "Example Ltd",
        "countryName1": "FR",
        "adminEmail1": "pki@example.com",
        "revocationCode1": "c-7",
        "subjectAltNameDNS1": "www.example.com",
        "subjectAltNameDNS2": "a.example.com",
        "subjectAltNameIP1": "192.0.2.1",
        "zone1": "Europe",
    }


def test_a_mandatory_field_without_a_value_is_told() -> None:
    """E15."""
    found = filled("web", listed("localityName1!", "siteCode7!", "commonName1!"), ORDER, DEFAULT_MAP, {})
    assert found.problems == (
        "RA workflow web wants localityName1, and the order has no value for it",
        "RA workflow web wants siteCode7, and the order has no value for it",
    )


def test_a_revocation_code_may_come_by_the_map_and_is_missed_once() -> None:
    """A site may have its own code in a generic field."""
    fields, field_map = listed("revocationCode1!"), map_of(["comment=revocationCode"])
    coded = replace(ORDER, generic={"comment": "c-7"})
    assert filled("web", fields, coded, field_map, {}).values == {"revocationCode1": "c-7"}
    assert filled("web", fields, coded, field_map, {}).problems == ()
    (problem,) = filled("web", fields, ORDER, field_map, {"revocationCode": ""}).problems
    assert "give it among its secrets" in problem


def test_names_that_have_too_few_fields_are_told_and_those_without_any_are_the_csrs() -> None:
    found = filled("web", listed("commonName1", "subjectAltNameDNS1"), ORDER, DEFAULT_MAP, {})
    assert found.problems == ("RA workflow web has fields for 1 of the 2 values of subjectAltNameDNS",)
    assert filled("web", listed("commonName1"), ORDER, DEFAULT_MAP, {}).problems == ()


def test_generic_fields_go_where_the_map_says() -> None:
    """E20, Table 10: the site names its fields, with a number or without."""
    generic = {"tracking_id": "T-1", "holder_email": "ada@example.com", "uuid": "u", "device_name": "edge"}
    fields = listed("ownerMail1", "ticket", "uuid1")
    field_map = map_of(["holder_email=ownerMail", "tracking_id=ticket"])
    found = filled("web", fields, replace(ORDER, generic=generic), field_map, {})
    assert found.problems == () and found.values == {"ownerMail1": "ada@example.com", "ticket": "T-1", "uuid1": "u"}


@pytest.mark.parametrize("name", FOR_RA)
def test_what_is_for_the_ra_and_has_no_field_is_told_with_those_there_are(name: str) -> None:
    """E20: never dropped in silence."""
    wanted = replace(ORDER, generic={name: "x"})
    (problem,) = filled("web", listed("commonName1"), wanted, DEFAULT_MAP, {}).problems
    assert f"generic.{name}" in problem and "ra_field_map" in problem and "there are commonName1" in problem


def test_what_is_ours_needs_no_field() -> None:
    """The tracking id is in our audit whatever the RA has."""
    wanted = replace(ORDER, generic=dict.fromkeys(OURS, "x"))
    assert filled("web", listed("commonName1"), wanted, DEFAULT_MAP, {}).problems == ()
    assert set(FOR_RA) | set(OURS) == set(GENERIC_FIELDS)


def test_the_holders_address_is_the_administrators_too() -> None:
    wanted = replace(ORDER, generic={"holder_email": "ada@example.com"})
    found = filled("web", listed("adminEmail1"), wanted, DEFAULT_MAP, {})
    assert found.problems == () and found.values == {"adminEmail1": "ada@example.com"}


def test_a_map_that_cannot_be_read_is_told() -> None:
    found = map_problems(["uuid=x", "nobody=x", "comment", "comment="])
    assert len(found) == 3 and all("name=field is wanted" in one for one in found)
