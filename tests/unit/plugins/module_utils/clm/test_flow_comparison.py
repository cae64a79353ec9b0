# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What was asked, what the CSR says, what the certificate says: through a real flow, and side by side (E12 to E17)."""

from __future__ import annotations

import copy
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest

from ansible_collections.edgecert.clm.plugins.module_utils._ca.answer_base import Answer
from ansible_collections.edgecert.clm.plugins.module_utils._ca.base import Order
from ansible_collections.edgecert.clm.plugins.module_utils._ca.own_ca import OwnCa
from ansible_collections.edgecert.clm.plugins.module_utils._clm import comparison, queries
from ansible_collections.edgecert.clm.plugins.module_utils._core.clock import to_text
from ansible_collections.edgecert.clm.plugins.module_utils._core.errors import InputError
from ansible_collections.edgecert.clm.tests.support.flow import Bench


def ask(bench: Bench, **options: Any) -> dict[str, Any]:
    """Ask ``cert_info``."""
    return dict(queries.plan_certificates({"view": "list", **options}, bench.ports).extra)


def compared(bench: Bench) -> dict[str, Any]:
    """Give the comparison of the bench's certificate."""
    [certificate] = ask(bench, certificate=bench.name(), compare=True)["certificates"]
    return dict(certificate["comparison"])


def local(bench: Bench, **wish: Any) -> None:
    """Enrol with a key made here."""
    bench.ca()
    bench.free()
    wanted = {"csr_source": "local", "device": None, "organization": "Example Ltd", "country": "GB"}
    outcome = bench.enroll(**{**wanted, **wish})
    assert outcome.record is not None and outcome.record["state"] == "issued"


def test_nothing_differs_where_the_ca_does_what_was_asked(bench: Bench) -> None:
    """E12 to E17: all three say the same, names by kind and counted."""
    names = {"dns": [bench.name("api")], "ip": ["192.0.2.7"], "other": ["ada@example.com"]}
    local(
        bench, subject_alternative_names=names, organizational_unit="Web", key_type="ec", curve="P-384", hash="sha384"
    )
    found = compared(bench)
    assert found["differences"] == [] and found["unreadable"] == []
    sides = [found["asked"], found["csr"]["ECDSA"], found["certificate"]["ECDSA"]]
    assert [side["san_count"] for side in sides] == [4, 4, 4]
    assert [side["organizational_unit"] for side in sides] == ["Web", "Web", "Web"]
    kinds = [side["subject_alternative_names"] for side in sides]
    assert kinds[0] == kinds[1] == kinds[2]
    assert (sides[1]["curve"], sides[2]["hash"], sides[2]["validity"]["days"]) == ("secp384r1", "sha384", 90)
    assert sides[2]["extensions"]["extended_key_usage"] == ["server_auth"]


def test_what_the_ca_leaves_out_or_cuts_short_is_shown(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """E14, E15: the unit does not matter, the life does."""
    whole = OwnCa.submit

    def sparse(self: OwnCa, order: Order, csr_pem: str) -> Answer:
        """Sign as public CAs do: without the organizational unit, and for fewer days."""
        less = replace(order, spec=replace(order.spec, organizational_unit=""), validity_days=7)
        return whole(self, less, csr_pem)

    monkeypatch.setattr(OwnCa, "submit", sparse)
    local(bench, organizational_unit="Web")
    found = {entry["field"]: entry for entry in compared(bench)["differences"]}
    assert set(found) == {"organizational_unit", "validity"}
    unit, life = found["organizational_unit"], found["validity"]
    assert (unit["asked"], unit["csr"], unit["certificate"], unit["matters"]) == ("Web", "Web", "", False)
    assert unit["why"] == comparison.LEFT_OUT and unit["algorithm"] == "RSA"
    assert life["matters"] and (life["asked"]["days"], life["certificate"]["days"]) == (90, 7)


def test_an_endpoints_csr_is_laid_beside_what_was_asked(bench: Bench) -> None:
    """E9, E13: CPS's CSR without names, as exclude_sans wants it, is told and does not matter; so in every view."""
    bench.issued(exclude_sans=True, subject_alternative_names={"dns": [bench.name("api")]})
    [holistic] = ask(bench, view="holistic", certificate=bench.name())["holistic"]
    found = holistic["certificate"]["comparison"]
    [names] = [entry for entry in found["differences"] if entry["field"] == "subject_alternative_names.dns"]
    assert (names["csr"], names["matters"], names["why"]) == ([], False, comparison.IN_ORDER)
    assert not any(entry["matters"] for entry in found["differences"])
    [request] = ask(bench, view="history", compare=True)["requests"]
    assert request["comparison"] == found
    # Most looks read no X.509.
    assert "comparison" not in ask(bench, view="holistic")["holistic"][0]["certificate"]
    assert "comparison" not in ask(bench, certificate=bench.name())["certificates"][0]
    assert "comparison" not in ask(bench, view="history")["requests"][0]
    with pytest.raises(InputError, match="compare goes with"):
        ask(bench, view="audit", compare=True)


def test_what_is_not_issued_yet_is_compared_as_far_as_it_is(bench: Bench) -> None:
    """E13: the certificate's side is empty; what cannot be read is told, and breaks no list."""
    bench.prepare()
    bench.enroll(submit=False)
    [request] = ask(bench, view="history", compare=True)["requests"]
    found = request["comparison"]
    assert (found["csr"], found["certificate"], found["differences"]) == ({}, {}, [])
    assert found["asked"]["san_count"] == 1
    with bench.store.write() as unit:
        [stored] = unit.requests.find()
        unit.requests.put(replace(stored, csrs={"RSA": "no PEM"}))
    [request] = ask(bench, view="history", compare=True)["requests"]
    assert len(request["comparison"]["unreadable"]) == 1


def life(days: int, begin: datetime = datetime(2030, 2, 1, tzinfo=timezone.utc)) -> dict[str, Any]:
    return {"not_before": to_text(begin), "not_after": to_text(begin + timedelta(days=days)), "days": days}


SIDE: dict[str, Any] = {
    "common_name": "www.example.com",
    "subject_alternative_names": {"dns": ["www.example.com"], "ip": [], "email": [], "uri": []},
    **dict.fromkeys(("organizational_unit", "locality", "state_or_province", "country", "email"), ""),
    "organization": "Example",
    "key_type": "rsa",
    "key_size": 2048,
    "curve": None,
    "key_id": "aa",
    "hash": "sha256",
    "extensions": {"key_usage": [], "extended_key_usage": ["server_auth"], "must_staple": False, "more": []},
    "validity": life(90),
}
ASKED = {**SIDE, "dual_stack": False, "extensions": {}, "validity": {"count": 90, "unit": "days", "days": 90}}
SANS = "subject_alternative_names"
# What of the certificate, or of what was asked, is another; the field, and whether it matters.
CASES: list[tuple[str, dict[str, Any], dict[str, Any], str, bool]] = [
    ("no common name", {}, {"common_name": ""}, "common_name", False),
    ("another common name", {}, {"common_name": "x.example.com"}, "common_name", True),
    ("a name more", {}, {SANS: {"dns": ["www.example.com", "x.example.com"]}}, f"{SANS}.dns", True),
    ("a name less", {SANS: {"dns": ["www.example.com", "a.example.com"]}}, {}, f"{SANS}.dns", True),
    ("an address less", {SANS: {"dns": ["www.example.com"], "ip": ["192.0.2.1"]}}, {}, f"{SANS}.ip", True),
    ("no organization", {}, {"organization": ""}, "organization", False),
    ("another organization", {}, {"organization": "Other"}, "organization", True),
    ("a country nobody asked for", {}, {"country": "DE"}, "country", True),
    ("a smaller key", {"key_size": 3072}, {}, "key_size", True),
    ("another key", {}, {"key_id": "bb"}, "key_id", True),
    ("another hash", {}, {"hash": "sha384"}, "hash", False),
    ("a broken hash", {}, {"hash": "sha1"}, "hash", True),
    ("a shorter life", {}, {"validity": life(47)}, "validity", True),
    ("a longer life", {}, {"validity": life(92)}, "validity", False),
    ("no must-staple", {"extensions": {"must_staple": True}}, {}, "extensions.must_staple", True),
    (
        "no client usage",
        {"extensions": {"extended_key_usage": ["client_auth"]}},
        {},
        "extensions.extended_key_usage",
        True,
    ),
    ("no such extension", {"extensions": {"custom": [{"oid": "1.2.3", "value": ""}]}}, {}, "extensions.custom", True),
]


@pytest.mark.parametrize(("asked", "given", "field", "matters"), [c[1:] for c in CASES], ids=[c[0] for c in CASES])
def test_each_difference_is_told_and_judged(
    asked: dict[str, Any], given: dict[str, Any], field: str, matters: bool
) -> None:
    """E12 to E17."""
    whole = {**ASKED, **asked}
    csr = {**copy.deepcopy(SIDE), **{name: value for name, value in asked.items() if name in (SANS, "key_size")}}
    found = comparison.differences(whole, csr, {**copy.deepcopy(SIDE), **given}, "RSA")
    assert [(entry["field"], entry["matters"]) for entry in found if entry["field"] == field] == [(field, matters)]
    assert all(entry["why"] for entry in found)


def test_equal_sides_differ_in_nothing() -> None:
    assert comparison.differences(ASKED, SIDE, SIDE, "RSA") == []
    assert comparison.differences(ASKED, None, None, "RSA") == []


LIVES = [(1, "months", 28), (1, "months", 29), (12, "months", 365), (90, "days", 91)]


@pytest.mark.parametrize(("count", "unit", "days"), LIVES)
def test_a_life_is_counted_from_where_the_certificate_begins(count: int, unit: str, days: int) -> None:
    """E15: a month asked for in March and begun in February has the days of February; a day more is nobody's doing."""
    asked = {**ASKED, "validity": {"count": count, "unit": unit, "days": 31}}
    assert comparison.differences(asked, SIDE, {**SIDE, "validity": life(days)}, "RSA") == []
    [entry] = comparison.differences(asked, SIDE, {**SIDE, "validity": life(days - 5)}, "RSA")
    assert entry["field"] == "validity" and entry["matters"]


@pytest.mark.parametrize("usage", ["server_auth", "1.3.6.1.5.5.7.3.1"])
def test_a_usage_may_be_asked_for_by_word_or_object_id(usage: str) -> None:
    """E17."""
    asked = {**ASKED, "extensions": {"extended_key_usage": [usage]}}
    assert comparison.differences(asked, SIDE, SIDE, "RSA") == []


def test_fewer_days_do_not_matter_where_they_were_asked_for_as_well() -> None:
    """E15."""
    asked = {**ASKED, "validity": {**ASKED["validity"], "at_most": True}}
    short = {**SIDE, "validity": life(47)}
    [entry] = comparison.differences(asked, SIDE, short, "RSA")
    assert (entry["field"], entry["matters"]) == ("validity", False)
