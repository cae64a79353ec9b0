# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an order means at a controller: names that cannot meet, and a CSR held against everything that was asked for."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.edgecert.clm.plugins.module_utils._core.redact import Secret
from ansible_collections.edgecert.clm.plugins.module_utils._keys import adc_orders as orders
from ansible_collections.edgecert.clm.plugins.module_utils._pki.csr_building import build_csr
from ansible_collections.edgecert.clm.tests.support.adc import SPEC, order

KEY = rsa.generate_private_key(65537, 2048)
FULL = replace(
    SPEC,
    ip_addresses=("192.0.2.7",),
    emails=("a@example.com",),
    uris=("https://x.example.com/",),
    email="a@example.com",
)
IDS = st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=40)


@given(IDS, IDS, IDS)
def test_names_follow_from_the_ids_alone(certificate: str, request: str, other: str) -> None:
    """E8: the same request gives the same names, another one others, and whose they are can be told."""
    mine = order(certificate_id=certificate, request_id=request)
    (part,) = orders.parts_of(mine)
    assert (
        orders.parts_of(order(replace(SPEC, organization="X"), certificate_id=certificate, request_id=request))[0].key
        == part.key
    )
    assert orders.is_own(part.key, mine)
    assert not orders.is_anothers(part.key, mine)
    if other != request:
        assert orders.parts_of(order(certificate_id=certificate, request_id=other))[0].key != part.key
    if other != certificate:
        (theirs,) = orders.parts_of(order(certificate_id=other, request_id=request))
        assert orders.is_anothers(theirs.key, mine)


@given(st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._-]{0,60}", fullmatch=True), st.booleans())
def test_names_fit_where_the_reference_is_taken(name: str, dual: bool) -> None:
    """NetScaler: 63 characters with the longest ending."""
    if orders.reference_problems(name, 63):
        return
    for part in orders.parts_of(order(replace(SPEC, dual_stack=dual), name=name)):
        assert len(part.key) <= 63
        assert len(part.sealed_csr) <= 63


@given(st.text(max_size=20))
def test_reference_that_could_mean_anything_else_is_refused(name: str) -> None:
    """No shell, path or query reads a name that is taken as anything but a name."""
    if not orders.reference_problems(name, 63):
        assert not set(name) & set(" '\"\\/$`;|&<>(){}[]*?~,:%#\n\r")
        assert name[0].isalnum()


@pytest.mark.parametrize("name", ["", None, 5, "../x", "-x", "a b", "a/b", "x" * 38, "ü"])
def test_bad_references_are_told(name: Any) -> None:
    """A table of those users write."""
    assert len(orders.reference_problems(name, 63)) == 1


def test_csr_that_says_what_was_asked_has_no_differences() -> None:
    """By every kind of name and every field."""
    wanted, challenge = order(FULL), Secret("Chall-1")
    (part,) = orders.parts_of(wanted)
    assert orders.mismatches(build_csr(FULL, KEY), part, wanted, None) == []
    assert orders.mismatches(build_csr(FULL, KEY, challenge), part, wanted, challenge) == []


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"common_name": "other.example.com"}, ["common name", "not asked for: other.example.com"]),
        ({"organization": "Other"}, ["organization"]),
        ({"organizational_unit": ""}, ["organizational_unit"]),
        ({"locality": "X", "state_or_province": "Y", "country": "DE"}, ["locality", "state_or_province", "country"]),
        ({"email": ""}, ["email"]),
        ({"dns_names": ("www.example.com",)}, ["lacks the DNS names shop.example.com"]),
        ({"dns_names": (*FULL.dns_names, "evil.example.com")}, ["not asked for: evil.example.com"]),
        ({"ip_addresses": ()}, ["lacks the IP addresses 192.0.2.7"]),
        ({"emails": ("b@example.com",)}, ["lacks the e-mail addresses a@example.com", "not asked for: b@example.com"]),
        ({"uris": ()}, ["https://x.example.com/"]),
        ({"directory_names": ("CN=x",)}, ["not asked for"]),
        ({"hash_name": "sha384"}, ["signed with sha384"]),
    ],
)
def test_every_difference_of_a_csr_is_told(changes: dict[str, Any], words: list[str]) -> None:
    """E13, E14, E17."""
    wanted = order(FULL)
    (part,) = orders.parts_of(wanted)
    found = orders.mismatches(build_csr(replace(FULL, **changes), KEY), part, wanted, None)
    assert len(found) == len(words)
    assert [word for number, word in enumerate(words) if word not in found[number]] == []
    assert orders.mismatches(build_csr(FULL, KEY), part, wanted, None) == []


def test_key_of_another_kind_size_or_curve_is_told() -> None:
    """E17: the weak one is told as weak, too."""
    wanted = order(FULL)
    (part,) = orders.parts_of(wanted)
    weak = orders.mismatches(build_csr(FULL, rsa.generate_private_key(65537, 1024)), part, wanted, None)
    assert any("at least 2048" in problem for problem in weak)
    assert any("1024 bits, 2048" in problem for problem in weak)
    curve = build_csr(FULL, ec.generate_private_key(ec.SECP384R1()))
    assert "ECDSA, RSA was asked for" in orders.mismatches(curve, part, wanted, None)[0]
    spec = replace(FULL, key_type="ec", curve="secp256r1")
    (ec_part,) = orders.parts_of(order(spec))
    assert "secp384r1" in orders.mismatches(curve, ec_part, order(spec), None)[0]


def test_challenge_password_is_held_against_the_order_without_being_shown() -> None:
    """E16: missing, another one, and one that was not asked for."""
    wanted, challenge = order(FULL), Secret("Chall-1")
    (part,) = orders.parts_of(wanted)
    assert "lacks" in orders.mismatches(build_csr(FULL, KEY), part, wanted, challenge)[0]
    other = orders.mismatches(build_csr(FULL, KEY, Secret("Other-2")), part, wanted, challenge)
    assert len(other) == 1
    assert "Chall-1" not in other[0]
    assert "Other-2" not in other[0]
    assert len(orders.mismatches(build_csr(FULL, KEY, Secret("Other-2")), part, wanted, None)) == 1
