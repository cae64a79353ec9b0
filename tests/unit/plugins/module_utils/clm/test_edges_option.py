# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The option ``edge`` as it is read, and the names that are asked for: for every certificate, whatever was chosen."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.edgecert.clm.plugins.module_utils._clm import edges
from ansible_collections.edgecert.clm.plugins.module_utils._core.errors import ClmError, InputError
from ansible_collections.edgecert.clm.plugins.module_utils._target.akamai_edges import AkamaiEdges

LABEL = st.from_regex(r"[a-z]([a-z0-9-]{0,5}[a-z0-9])?", fullmatch=True)
DOMAIN = st.lists(LABEL, min_size=2, max_size=3).map(".".join)
SAN = st.builds(lambda mark, domain: mark + domain, st.sampled_from(["", "", "*.", "www."]), DOMAIN)


def covers(san: str, name: str) -> bool:
    """Say whether a certificate's name is good for a host name."""
    first, _dot, rest = name.partition(".")
    return san == name or (san == f"*.{rest}" and "*" not in first)


@given(st.lists(SAN, min_size=1, max_size=8, unique=True), st.lists(LABEL, max_size=3), st.data())
def test_every_name_is_asked_for_by_a_host_name_that_it_covers(sans: list[str], labels: list[str], data: Any) -> None:
    """U6: no name is left out, none is asked for that the certificate is not good for, no wildcard is sent."""
    wildcards = [san for san in sans if san.startswith("*.")]
    chosen = [data.draw(st.sampled_from(wildcards)).replace("*", label, 1) for label in labels if wildcards]
    read = edges.read({"names": chosen}, "Cannot push", sans, ("staging",), AkamaiEdges)
    names = edges.server_names(read, sans)
    assert len(set(names)) == len(names) and not any("*" in name for name in names)
    assert all(any(covers(san, name) for name in names) for san in sans)
    assert all(any(covers(san, name) for san in sans) for name in names)
    for wildcard in wildcards:
        made_up = wildcard.replace("*", edges.PROBE_LABEL, 1)
        assert (made_up in names) == (not any(covers(wildcard, name) for name in chosen))


@given(st.lists(st.text(max_size=20), max_size=3), st.lists(st.text(max_size=20), max_size=3))
def test_whatever_is_given_is_read_or_refused_with_all_its_reasons(addresses: list[str], names: list[str]) -> None:
    """U6: never another error, never in part."""
    given_ = {"staging": addresses, "hostnames": addresses, "names": names}
    try:
        read = edges.read(given_, "Cannot push", ("*.example.com",), ("staging",), AkamaiEdges)
    except InputError as exc:
        assert exc.details["problems"]
    except ClmError as exc:
        raise AssertionError(f"another error: {exc}") from exc
    else:
        assert read["staging"] == addresses and edges.plain(read) == read


def test_what_is_left_out_is_not_read_and_another_network_s_addresses_neither() -> None:
    """U6: so that what is stored with the work order stays."""
    given_ = {"staging": None, "production": ["192.0.2.1"], "from_dns": False, "names": None, "family": "ipv4"}
    read = edges.read(given_, "Cannot push", ("www.example.com",), ("staging",), AkamaiEdges)
    assert read == {"from_dns": False, "family": "ipv4"}
    assert edges.read(None, "Cannot push", (), ("staging",), AkamaiEdges) == {}


@pytest.mark.parametrize(
    ("kept", "is_known"),
    [
        ({}, False),
        ({"staging": []}, False),
        ({"production": ["192.0.2.1"]}, False),
        ({"names": ["www.example.com"], "family": "ipv6", "from_dns": False}, False),
        ({"staging": ["192.0.2.1"]}, True),
        ({"hostnames": ["x.edgekey.net"]}, True),
        ({"from_dns": True}, True),
    ],
)
def test_an_edge_is_known_where_there_is_a_place_to_ask(kept: dict[str, Any], is_known: bool) -> None:
    """U6."""
    assert edges.is_known(kept, "staging") is is_known
