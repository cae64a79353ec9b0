# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Warnings as data: told with what is new since the last time, decided on at order, connector call and group."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.edgecert.clm.plugins.module_utils._clm import decisions, novelty, queries
from ansible_collections.edgecert.clm.plugins.module_utils._core.clock import to_text
from ansible_collections.edgecert.clm.plugins.module_utils._core.errors import InputError, StateError
from ansible_collections.edgecert.clm.plugins.module_utils._core.types import Notice
from ansible_collections.edgecert.clm.plugins.module_utils._core.warning_ids import (
    DEFAULT_ALLOW,
    DEFAULT_BLOCK,
    PRIVATE_CA_ALLOW,
    SHORT_VALIDITY_ALLOW,
    WARNING_IDS,
)
from ansible_collections.edgecert.clm.plugins.module_utils._core.warning_policy import WarningPolicy, decide
from ansible_collections.edgecert.clm.tests.support.flow import Bench

ADDED = "CERTIFICATE_ADDED_TO_TRUST_CHAIN"
ROOT = "CROSS_SIGNED_ROOT_IN_TRUST_CHAIN"
KEY = "CSR_VS_CERTIFICATE_KEY_MISMATCH"
QUIET = DEFAULT_ALLOW | PRIVATE_CA_ALLOW | SHORT_VALIDITY_ALLOW
DAY_S = 86_400
LATER = datetime(2030, 1, 1, tzinfo=timezone.utc)


def pushed(bench: Bench, **changes: Any) -> dict[str, Any]:
    """Push, or go on; give the work order."""
    record = bench.push(**changes).record
    assert record is not None
    return dict(record)


def warned(bench: Bench, *texts: str) -> None:
    """Let CPS warn of these after each upload."""
    bench.sandbox.configure({"post_verification_warnings": list(texts)})


def new(order: Mapping[str, Any]) -> dict[str, bool]:
    """Give by id, or text where there is none, whether a warning that is not allowed is new."""
    return {n["code"] or n["text"]: n["is_new"] for n in order["notices"] if n["decision"] != "allowed"}


def renewed(bench: Bench) -> None:
    """Renew the certificate after twenty days."""
    bench.advance(20 * DAY_S)
    assert (bench.enroll(action="renew", force=True).record or {})["state"] == "issued"


def test_a_push_says_which_warnings_are_new_since_the_last_one(bench: Bench) -> None:
    """U2: texts and news, in the work order, its message and the view of the certificate."""
    bench.issued(validity={"count": 47, "unit": "days"})
    known = "Slot 17 was last changed on 2026-11-20T10:00:00Z."
    warned(bench, ADDED, known)
    order = pushed(bench)
    assert order["state"] == "needs_decision" and new(order) == {ADDED: True, known: True}
    assert "(2 warnings, 2 of them new since the last time)" in order["message"]
    lists = {"allow": [ADDED, r"re:^Slot \d+ was last changed"]}
    order = pushed(bench, network="staging", warnings=lists)
    assert order["state"] == "completed"
    assert pushed(bench, network="production", warnings=lists)["state"] == "completed"
    renewed(bench)
    later = known.replace("17", "18").replace("2026-11-20", "2026-12-20")
    warned(bench, ADDED, later, ROOT)
    order = pushed(bench)
    assert order["state"] == "needs_decision" and new(order) == {ADDED: False, later: False, ROOT: True}
    assert "(3 warnings, 1 of them new since the last time)" in order["message"]
    assert f"{ROOT} (asked, new): " in order["message"] and f"{ADDED} (asked): " in order["message"]
    found = queries.plan_certificates({"view": "holistic", "certificate": bench.name()}, bench.ports)
    [shown] = found.extra["holistic"]
    [device] = shown["connectors"][0]["devices"]
    assert new(device["work_orders"][0]) == new(order)


def test_every_warning_there_is_comes_through_with_its_id(bench: Bench) -> None:
    """U2: sent by CPS before the CSR and after the upload, all in one text, with one that nobody knows."""
    ids = sorted(WARNING_IDS)
    bench.prepare()
    bench.sandbox.configure({"pre_verification_warnings": [*ids, "Quite new."]})
    record = bench.enroll().record
    assert record is not None and "unknown (asked, new): Quite new." in record["message"]
    asked = [code for code in ids if f"{code} (asked, new): " in record["message"]]
    blocked = [code for code in ids if f"{code} (blocked, new): " in record["message"]]
    assert blocked == sorted(DEFAULT_BLOCK) and len(asked) + len(blocked) + len(QUIET) == len(ids)
    everything = {"allow": [*ids, "re:^Quite new"]}
    assert (bench.enroll(warnings=everything).record or {})["state"] == "issued"
    bench.connector()
    warned(bench, *ids, "Quite new.")
    order = pushed(bench)
    assert order["state"] == "needs_decision" and {n["code"] for n in order["notices"]} == {*ids, ""}
    assert pushed(bench, warnings=everything)["state"] == "completed"


def test_what_a_failed_or_cancelled_push_met_is_new_all_the_same(bench: Bench) -> None:
    """U2: the last successful one counts."""
    bench.issued(validity={"count": 47, "unit": "days"})
    assert pushed(bench, network="production")["state"] == "completed"
    renewed(bench)
    warned(bench, ADDED)
    order = pushed(bench)
    assert new(order) == {ADDED: True}
    bench.act("tester", "cancel", work_order_id=order["work_order_id"])
    assert new(pushed(bench)) == {ADDED: True}


def test_what_cps_warns_of_before_production_is_compared_with_the_push_before(bench: Bench) -> None:
    """U3+: warnings of the validation, known by their code where their words are not."""
    bench.issued()
    order = pushed(bench)
    wanted = {"enrollment": order["enrollment_id"], "change": order["change_id"], "error": False}
    for text in (ADDED, "Nobody knows this one."):
        bench.sandbox.admin("POST", "/validation", {**wanted, "message": text})
    order = pushed(bench, network="production")
    assert order["state"] == "needs_decision"
    assert new(order) == {ADDED: True, "Nobody knows this one.": True}
    allow = [ADDED, "re:^Nobody knows"]
    assert pushed(bench, network="production", warnings={"allow": allow})["state"] == "completed"


@pytest.mark.parametrize("level", ["order", "connector", "group"])
def test_a_warning_is_decided_on_at_each_level(bench: Bench, level: str) -> None:
    """U2, G, A1: by id or pattern, at the order, the application connector and the group."""
    bench.issued()
    warned(bench, ADDED, ROOT)
    lists = {"allow": [ADDED], "block": ["re:crossed signed"]}
    if level == "group":
        bench.group(warnings=lists)
        order = pushed(bench)
    elif level == "connector":
        bench.connector(warnings=lists)
        order = pushed(bench)
    else:
        order = pushed(bench, warnings=lists)
    assert {n["code"]: n["decision"] for n in order["notices"] if n["code"] in (ADDED, ROOT)} == {
        ADDED: "allowed",
        ROOT: "blocked",
    }
    assert order["state"] == "needs_decision"


def test_the_order_goes_before_the_connector_and_both_before_the_group_but_for_what_that_blocks(bench: Bench) -> None:
    """U2, G, A1."""
    bench.issued()
    bench.group(warnings={"allow": [ADDED], "ask": [ROOT], "block": [KEY]})
    bench.connector(warnings={"ask": [ADDED], "allow": [ROOT, KEY]})
    warned(bench, ADDED, ROOT, KEY)
    order = pushed(bench)
    found = {n["code"]: n["decision"] for n in order["notices"]}
    assert (found[ADDED], found[ROOT], found[KEY]) == ("asked", "allowed", "blocked")
    order = pushed(bench, warnings={"allow": [ADDED], "block": [ROOT]})
    assert order["warnings"]["allow"][0] == ADDED and order["warnings"]["ask"] == []
    assert sorted(order["warnings"]["block"]) == sorted([KEY, ROOT])


def test_lists_of_an_application_connector_are_kept_cleared_and_held_against_the_ids(bench: Bench) -> None:
    """A1: one left out stays, an empty one is cleared; a wrong entry is refused with what is near it."""
    bench.issued()
    bench.connector(warnings={"allow": [ADDED], "block": [ROOT]})
    record = bench.connector(warnings={"allow": []}).record
    assert record is not None and record["warnings"] == {"allow": [], "ask": [], "block": [ROOT]}
    assert (bench.connector(description="of the shop").record or {})["warnings"] == record["warnings"]
    with pytest.raises(InputError, match=r"warnings\.ask: 'CSR_EXPIRD' is no known warning id; near it: CSR_EXPIRED"):
        bench.connector(warnings={"ask": ["CSR_EXPIRD"]})
    record = bench.connector(warnings={}).record
    assert record is not None and record["warnings"] == {"allow": [], "ask": [], "block": []}


def test_warnings_before_the_csr_say_what_is_new_too(bench: Bench) -> None:
    """U2: of a renewal, compared with what was acknowledged when it was enrolled."""
    bench.prepare()
    bench.sandbox.configure({"pre_verification_warnings": ["DNS_NAME_NOT_CNAMED"]})
    allow = {"allow": ["DNS_NAME_NOT_CNAMED"]}
    record = bench.enroll(validity={"count": 47, "unit": "days"}).record
    assert record is not None and "1 of them new since the last time" in record["message"]
    assert (bench.enroll(warnings=allow).record or {})["state"] == "issued"
    bench.connector()
    assert pushed(bench, network="production")["state"] == "completed"
    bench.sandbox.configure({"pre_verification_warnings": ["DNS_NAME_NOT_CNAMED", "DNS_UNKNOWN_HOST"]})
    bench.advance(20 * DAY_S)
    record = bench.enroll(action="renew", force=True, warnings={"ask": ["DNS_NAME_NOT_CNAMED"]}).record
    assert record is not None and "(2 warnings, 1 of them new since the last time)" in record["message"]
    assert "DNS_UNKNOWN_HOST (asked, new)" in record["message"]


def test_a_dangerous_one_stops_the_push_though_it_was_met_before(bench: Bench) -> None:
    """U2: known is not allowed."""
    bench.issued(validity={"count": 47, "unit": "days"})
    warned(bench, KEY)
    order = pushed(bench, network="production", warnings={"allow": [KEY]})
    assert order["state"] == "completed"
    renewed(bench)
    order = pushed(bench)
    assert order["state"] == "needs_decision" and new(order) == {KEY: False}
    with pytest.raises(StateError):
        bench.act("tester", "retry", work_order_id=order["work_order_id"])


# -- what has no id -------------------------------------------------------------------------------------------------


def test_a_warning_without_an_id_is_told_with_the_pattern_that_allows_it(bench: Bench) -> None:
    """U2: taken from the message as it stands, it lets the push go on; where all have ids there is none."""
    bench.issued()
    warned(bench, ADDED, "It's new, [quite] new: 100% (a.example.com).")
    message = pushed(bench)["message"]
    assert "name them in warnings.allow, by their ids or, where unknown, as shown behind the text" in message
    [pattern] = re.findall(r"\[allow it as '(re:[^']*)'\]", message)
    assert "{" not in pattern and pattern.startswith(r"re:^It\x27s\snew\x2c\s\[quite\]")
    assert pushed(bench, warnings={"allow": [ADDED, pattern]})["state"] == "completed"


def test_where_every_warning_has_an_id_no_pattern_is_shown(bench: Bench) -> None:
    """U2: nor for one that a list blocks, which another entry does not lift."""
    bench.issued()
    warned(bench, ADDED, KEY)
    message = pushed(bench)["message"]
    assert "name them in warnings.allow by their ids and run again" in message and "allow it as" not in message
    warned(bench, "Quite new.")
    assert "allow it as" not in pushed(bench, warnings={"block": ["re:quite"]})["message"]


@given(st.text(min_size=1).filter(lambda text: text.strip()))
def test_the_pattern_of_a_text_fits_it_and_stands_in_every_list(text: str) -> None:
    """U2: in YAML between single quotes, and in a survey that divides a list at blanks and commas."""
    pattern = decisions.pattern_of(text)
    assert not re.search(r"[\s,']", pattern)
    found = decide([Notice("", text.strip())], WarningPolicy(allow=(pattern,)))
    assert found.allowed and not decide([Notice("", f"x{text.strip()}")], WarningPolicy(allow=(pattern,))).blocked


# -- what is the same ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("before", "after", "is_same"),
    [
        ("expires in [1] years, [2] months", "expires in [0] years, [11] months", True),
        ("Root: serial 0f:1a:2b:3c:\nSubject: CN=a", "Root: serial 1f:1a:2b:3d:\nSubject: CN=b", True),
        ("changed at 2026-11-20T10:00:00Z", "changed at 2027-01-02T03:04:05Z", True),
        ("SAN name [a1.example.com] was added", "SAN name [a2.example.com] was added", False),
        ("SAN name [1.example.com] was added", "SAN name [2.example.com] was added", False),
        ("SAN name [x-1] was added", "SAN name [x-2] was added", False),
        ("Value for O differs", "Value for OU differs", False),
        ("The  CSR has expired", "the CSR has\texpired", True),
    ],
)
def test_numbers_and_times_make_no_other_warning_and_names_do(before: str, after: str, is_same: bool) -> None:
    """U2."""
    assert (novelty.same(before) == novelty.same(after)) is is_same


@given(st.text(), st.datetimes())
def test_any_text_is_the_same_as_itself_at_another_time(text: str, moment: datetime) -> None:
    """U2."""
    first, later = (f"{text} at {to_text(one)}" for one in (moment.replace(tzinfo=timezone.utc), LATER))
    assert novelty.same(first) == novelty.same(later)
