# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Host names of properties as Property Manager lists them: filters, pages, ids, and what is refused."""

from __future__ import annotations

from typing import Any

import pytest
from edgecert_sandbox import api, property_manager
from edgecert_sandbox.model import WorldConfig
from edgecert_sandbox.problems import Problem
from edgecert_sandbox.routes import Match, check_query, find
from jsonschema import Draft202012Validator

from ansible_collections.edgecert.clm.plugins.module_utils._cps.hostnames import hostname_page

TEXT = {"type": "string", "minLength": 1}
NETWORK = ("CertType", "CnameTo", "CnameType", "EdgeHostnameId")
ITEM: dict[str, Any] = {
    "type": "object",
    "additionalProperties": False,
    "required": ["cnameFrom", "contractId", "groupId", "propertyId", "propertyName", "propertyType"],
    "properties": {
        **dict.fromkeys(("cnameFrom", "propertyName"), TEXT),
        "contractId": {"type": "string", "pattern": "^ctr_"},
        "groupId": {"type": "string", "pattern": "^grp_"},
        "propertyId": {"type": "string", "pattern": "^prp_[0-9]+$"},
        "propertyType": {"enum": ["TRADITIONAL", "HOSTNAME_BUCKET"]},
        "latestVersion": {"type": "integer"},
        **{f"{network}{part}": TEXT for network in ("staging", "production") for part in NETWORK},
    },
    "dependentRequired": {
        f"{network}CnameTo": [f"{network}{part}" for part in NETWORK] for network in ("staging", "production")
    },
}
# As Akamai's documentation and its Go client have get-hostnames; ids with their prefixes.
LIST: dict[str, Any] = {
    "type": "object",
    "additionalProperties": False,
    "required": ["accountId", "availableSort", "currentSort", "defaultSort", "hostnames"],
    "properties": {
        "accountId": {"type": "string", "pattern": "^act_"},
        "availableSort": {"const": ["hostname:a", "hostname:d"]},
        "currentSort": {"enum": ["hostname:a", "hostname:d"]},
        "defaultSort": {"const": "hostname:a"},
        "hostnames": {
            "type": "object",
            "additionalProperties": False,
            "required": ["currentItemCount", "items", "totalItems"],
            "properties": {
                "currentItemCount": {"type": "integer"},
                "totalItems": {"type": "integer"},
                "items": {"type": "array", "items": ITEM},
                "nextLink": {"type": "string", "pattern": "^/papi/v1/hostnames[?]"},
                "previousLink": {"type": "string", "pattern": "^/papi/v1/hostnames[?]"},
            },
        },
    },
}
CONFIG = WorldConfig(
    property_hostnames=[
        "www.example.com",
        "api.example.com site-a staging",
        "Shop.Example.com site-b production DEFAULT",
        "*.wild.example.com site-c",
    ]
)


def listed(**query: str) -> list[str]:
    """Give the host names of one page; the answer is as published."""
    body = property_manager.hostnames(CONFIG, query)
    Draft202012Validator(LIST).validate(api.prefixed(body))
    assert body["hostnames"]["currentItemCount"] == len(body["hostnames"]["items"])
    return [item["cnameFrom"] for item in body["hostnames"]["items"]]


ALL = ["*.wild.example.com", "api.example.com", "shop.example.com", "www.example.com"]
FILTERS: list[tuple[dict[str, str], list[str]]] = [
    ({}, ALL),
    ({"sort": "hostname:d"}, ALL[::-1]),
    ({"hostname": "API.example.com"}, ["api.example.com"]),
    ({"hostname": "*.example.com"}, ALL),
    ({"hostname": "?pi.example.com"}, []),
    ({"network": "STAGING"}, ["*.wild.example.com", "api.example.com", "www.example.com"]),
    ({"network": "PRODUCTION", "hostname": "api*"}, []),
    ({"cnameTo": "shop*"}, ["shop.example.com"]),
    ({"contractId": "C-OTHER"}, []),
    ({"contractId": "ctr_C-0N7RAC7", "groupId": "grp_15225", "limit": "1", "offset": "1"}, ["api.example.com"]),
]


@pytest.mark.parametrize(("query", "names"), FILTERS, ids=[str(query) for query, _names in FILTERS])
def test_host_names_are_filtered_and_paged(query: dict[str, str], names: list[str]) -> None:
    assert listed(**query) == names


def test_pages_lead_to_one_another_and_are_read_to_their_end() -> None:
    found: list[str] = []
    offset: int | None = 0
    while offset is not None:
        body = property_manager.hostnames(CONFIG, {"limit": "3", "offset": str(offset)})
        page = hostname_page(api.prefixed(body), offset)
        found += [item.hostname for item in page.items]
        offset = page.next_offset
    assert found == ALL
    assert hostname_page({"hostnames": {"items": [], "totalItems": 9, "nextLink": "/x"}}, 0).next_offset is None


def test_what_is_active_on_one_network_has_no_member_of_the_other() -> None:
    [item] = hostname_page(api.prefixed(property_manager.hostnames(CONFIG, {"hostname": "shop.example.com"})), 0).items
    assert dict(item.edges) == {"production": "shop.example.com.edgekey.net"}
    assert dict(item.certificate_types) == {"production": "DEFAULT"}
    assert (item.property_id, item.property_name, item.contract_id, item.group_id) == (
        "170002",
        "site-b",
        "C-0N7RAC7",
        "15225",
    )


@pytest.mark.parametrize("limit", ["0", "1000"])
def test_a_page_that_cannot_be_is_refused(limit: str) -> None:
    with pytest.raises(Problem, match="^400"):
        property_manager.hostnames(CONFIG, {"limit": limit})


@pytest.mark.parametrize(
    "pair", [("offset", "-1"), ("limit", "x"), ("network", "production"), ("sort", "name"), ("propertyId", "1")]
)
def test_a_parameter_that_is_not_published_is_refused(pair: tuple[str, str]) -> None:
    match = find("GET", "/papi/v1/hostnames")
    assert isinstance(match, Match)
    with pytest.raises(ValueError, match=pair[0]):
        check_query(match.route, [pair])
