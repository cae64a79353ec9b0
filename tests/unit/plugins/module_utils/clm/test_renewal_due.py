# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""When and why a certificate is due: as tables, and for any life and setting."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.edgecert.clm.plugins.module_utils._ca.base import RenewalHint
from ansible_collections.edgecert.clm.plugins.module_utils._clm import renewal
from ansible_collections.edgecert.clm.plugins.module_utils._core.governance import DEFAULT_GROUP, Group
from ansible_collections.edgecert.clm.plugins.module_utils._core.types import Certificate

BORN = datetime(2026, 1, 1, tzinfo=timezone.utc)
GROUP = Group(DEFAULT_GROUP)
ON: Mapping[str, Any] = {"enabled": True, "days_before": None}
SECOND, DAY = timedelta(seconds=1), timedelta(days=1)


def certificate(life: timedelta = 90 * DAY, **changes: Any) -> Certificate:
    """Give an issued certificate born at ``BORN`` that renews by itself."""
    base = Certificate(
        "www", "enrolled", "www.example.com", state="issued", fingerprint="ab" * 32, not_before=BORN, auto_renew=ON
    )
    return replace(base, **{"not_after": BORN + life, **changes})


def on(days: int | None = None) -> dict[str, Any]:
    """Give a setting that is on."""
    return {"enabled": True, "days_before": days}


# -- the window ----------------------------------------------------------------------------------------------------

WINDOWS = [
    # life, days of the certificate, days of its group, days lived when it opens, reason
    (90, 30, None, 60, "window_open"),
    (90, 30, 10, 60, "window_open"),
    (90, None, 10, 80, "window_open"),
    (90, None, None, 60, "life_spent"),
    (10, None, None, 20 / 3, "life_spent"),
    (9, None, None, 4.5, "life_spent"),
    (47, 30, None, 17, "window_open"),
    (90, 60, None, 30, "window_open"),
    (90, 61, None, 30, "window_open"),
    (90, 90, None, 30, "window_open"),
    (90, 120, None, 30, "window_open"),
    (6, None, 30, 2, "window_open"),
    (1 / 24, 1, None, 1 / 72, "window_open"),
]


@pytest.mark.parametrize(("life", "own", "groups", "lived", "reason"), WINDOWS)
@pytest.mark.parametrize("kind", ["renew", "regenerate"])
def test_the_window_opens_by_the_certificates_days_its_groups_or_the_share_of_its_life(
    life: float, own: int | None, groups: int | None, lived: float, reason: str, kind: str
) -> None:
    """E3, E4: 1 to 120 days, more than the life too; never before a third of the life has passed."""
    off, group = {"enabled": False, "days_before": 5}, replace(GROUP, renewal_window_days=groups)
    settings = {"auto_renew": off, "auto_regenerate": off, f"auto_{kind}": on(own)}
    one = certificate(life * DAY, **settings)
    opens = BORN + lived * DAY
    found = renewal.window_opens(one, group, None, kind)
    assert found is not None and abs(found - opens) < SECOND
    assert renewal.next_at(one, group) == found
    assert renewal.due(one, group, found - SECOND) is None
    reached = renewal.due(one, group, found)
    assert reached is not None
    assert (reached.action, reached.since, reached.reason) == (kind, found, reason)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"auto_renew": on(30)}, "it ends 2026-04-01T00:00:00Z; its window of 30 days opened 2026-03-02T00:00:00Z"),
        ({"auto_renew": on(100)}, "its window of 100 days is most of its life, so it opened 2026-01-31T00:00:00Z"),
        ({}, "a third of its life was left at 2026-03-02T00:00:00Z"),
        ({"not_after": BORN + 6 * DAY}, "half of its life was left at 2026-01-04T00:00:00Z"),
    ],
)
def test_why_it_is_due_is_said_as_a_sentence(changes: dict[str, Any], words: str) -> None:
    """E3: also where the days that were asked for could not be kept."""
    one = certificate(**changes)
    assert one.not_after is not None
    found = renewal.due(one, GROUP, one.not_after - SECOND)
    assert found is not None and words in found.message


OFF = [
    {"auto_renew": {}},
    {"auto_renew": {"enabled": False, "days_before": 30}},
    {"state": "pending"},
    {"state": "superseded"},
    {"state": "revoked"},
    {"state": "vanished"},
    {"successor": "www-2"},
    {"not_after": None},
    {"not_before": None},
]


@pytest.mark.parametrize("changes", OFF, ids=str)
@pytest.mark.parametrize("kind", ["renew", "regenerate"])
def test_what_is_not_in_use_or_not_asked_for_is_never_due(changes: dict[str, Any], kind: str) -> None:
    """E3, E4: also what was renewed already."""
    renamed = {f"auto_{kind}" if name == "auto_renew" else name: value for name, value in changes.items()}
    toggles: dict[str, Any] = {"auto_renew": {}, "auto_regenerate": {}, f"auto_{kind}": ON}
    one = replace(certificate(), **{**toggles, **renamed})
    hint = RenewalHint(BORN + DAY, None, "ARI")
    assert renewal.next_at(one, GROUP, hint=hint) is None
    assert renewal.window_opens(one, GROUP, hint, kind) is None
    assert renewal.due(one, GROUP, BORN + 89 * DAY, hint=hint) is None
    assert renewal.due(one, GROUP, BORN + 99 * DAY, hint=hint) is None


@pytest.mark.parametrize(
    ("lived", "renew", "regenerate", "action", "since"),
    [
        (59, 30, 20, None, None),
        (60, 30, 20, "renew", 60),
        (70, 30, 20, "regenerate", 70),
        (70, 20, 30, "regenerate", 60),
        (60, 20, 30, "regenerate", 60),
        (90, 30, 20, "regenerate", 70),
        (91, 30, 20, "renew", 60),
        (91, None, 20, None, None),
    ],
)
def test_regenerating_covers_a_renewal_and_is_for_valid_certificates_alone(
    lived: int, renew: int | None, regenerate: int, action: str | None, since: int | None
) -> None:
    """E3, E4: an expired one is renewed, and it is said that it expired."""
    one = certificate(auto_renew=on(renew) if renew else {}, auto_regenerate=on(regenerate))
    found = renewal.due(one, GROUP, BORN + lived * DAY)
    assert (found.action if found else None) == action
    if found is not None and since is not None:
        assert found.since == BORN + since * DAY
        assert found.reason == ("expired" if lived > 90 else "window_open")
        assert ("it ended 2026-04-01" in found.message) == (lived > 90)


# -- what the CA asks for ------------------------------------------------------------------------------------------


def hinted(one: Certificate, at: datetime, until: datetime | None = None) -> datetime | None:
    """Give when a certificate becomes due under a hint."""
    return renewal.next_at(one, GROUP, hint=RenewalHint(at, until, "ARI, https://ca.example.com/why"))


def test_the_earlier_of_window_and_hint_wins() -> None:
    """RFC 9773 §4.2: a CA may ask for an earlier renewal; a later one never lets a certificate run out."""
    one = certificate()
    assert hinted(one, BORN + 20 * DAY) == BORN + 20 * DAY
    assert hinted(one, BORN + 80 * DAY) == BORN + 60 * DAY
    assert hinted(one, BORN + 400 * DAY) == BORN + 60 * DAY


def test_a_hint_in_the_past_means_now() -> None:
    """RFC 9773 §4.2: as before a revocation."""
    hint = RenewalHint(BORN + 2 * DAY, BORN + 3 * DAY, "ARI, https://ca.example.com/why")
    found = renewal.due(certificate(), GROUP, BORN + 5 * DAY, hint=hint)
    assert found is not None
    assert (found.action, found.reason) == ("renew", "ca_asks")
    assert BORN + 2 * DAY <= found.since <= BORN + 3 * DAY
    assert "https://ca.example.com/why" in found.message


def test_a_suggested_time_is_drawn_by_the_certificate_and_stays_drawn() -> None:
    """RFC 9773 §4.2: anywhere in it, spread over all certificates, the same with every look."""
    begin, length = BORN + 10 * DAY, 2 * DAY
    ones = [certificate(fingerprint=f"{number:064x}") for number in range(400)]
    drawn = [hinted(one, begin, begin + length) for one in ones]
    assert drawn == [hinted(one, begin, begin + length) for one in ones]
    parts = [(at - begin) / length for at in drawn if at is not None]
    assert len(parts) == 400 and min(parts) >= 0 and max(parts) < 1
    # Ten equal parts of the time hold forty each, on average.
    counts = [sum(int(part * 10) == tenth for part in parts) for tenth in range(10)]
    assert min(counts) > 15 and max(counts) < 70


@pytest.mark.parametrize("length", [timedelta(0), -DAY])
def test_a_suggested_time_that_ends_before_it_begins_counts_as_none(length: timedelta) -> None:
    """RFC 9773 §4.2."""
    begin = BORN + 10 * DAY
    assert hinted(certificate(), begin, begin + length) == BORN + 60 * DAY


@pytest.mark.parametrize(
    ("life", "settled"), [(90 * DAY, timedelta(hours=6)), (timedelta(hours=8), timedelta(hours=2))]
)
def test_a_ca_that_always_says_now_is_not_followed_in_a_loop(life: timedelta, settled: timedelta) -> None:
    """E3: the successor has time to settle."""
    assert hinted(certificate(life), BORN - DAY) == BORN + settled


# -- any life, any setting -----------------------------------------------------------------------------------------

LIVES = st.timedeltas(min_value=timedelta(hours=1), max_value=400 * DAY)
DAYS = st.none() | st.integers(1, 120)
SETTINGS = st.builds(on, DAYS)
ANY_SETTING = st.one_of(st.just({}), SETTINGS, st.builds(lambda d: {"enabled": False, "days_before": d}, DAYS))
GROUPS = st.builds(lambda days: replace(GROUP, renewal_window_days=days), DAYS)


@st.composite
def hints(draw: st.DrawFn) -> RenewalHint | None:
    """Give what a CA may say, sense or not."""
    if draw(st.booleans()):
        return None
    at = BORN + draw(st.timedeltas(min_value=-400 * DAY, max_value=800 * DAY))
    length = draw(st.none() | st.timedeltas(min_value=-DAY, max_value=30 * DAY))
    return RenewalHint(at, None if length is None else at + length, "ARI")


@given(LIVES, SETTINGS, ANY_SETTING, GROUPS, hints())
def test_one_that_renews_by_itself_is_due_strictly_between_its_birth_and_its_end(
    life: timedelta, renew: dict[str, Any], regenerate: dict[str, Any], group: Group, hint: RenewalHint | None
) -> None:
    """E3."""
    one = certificate(life, auto_renew=renew, auto_regenerate=regenerate)
    at = renewal.next_at(one, group, hint=hint)
    assert at is not None and BORN < at < BORN + life
    assert renewal.due(one, group, BORN, hint=hint) is None


@given(LIVES, ANY_SETTING, ANY_SETTING, GROUPS, hints())
def test_a_successor_issued_at_the_moment_of_renewal_is_not_due_at_once(
    life: timedelta, renew: dict[str, Any], regenerate: dict[str, Any], group: Group, hint: RenewalHint | None
) -> None:
    """E3, E4: windows longer than the life, and a CA that goes on saying the same, do not renew in a loop."""
    one = certificate(life, auto_renew=renew, auto_regenerate=regenerate)
    at = renewal.next_at(one, group, hint=hint)
    if at is None:
        return
    bare = replace(one, fingerprint="cd" * 32, not_before=at, not_after=at + life, auto_renew={}, auto_regenerate={})
    child = replace(bare, **renewal.inherited(one, automatic=True))
    assert renewal.due(child, group, at, hint=hint) is None
    least = min(timedelta(hours=6), life / 4)
    again = renewal.next_at(child, group, hint=hint)
    assert again is not None and again - at >= least - SECOND


@given(LIVES, ANY_SETTING, ANY_SETTING, GROUPS, hints(), st.timedeltas(min_value=timedelta(0), max_value=400 * DAY))
def test_due_and_next_at_agree(
    life: timedelta,
    renew: dict[str, Any],
    regenerate: dict[str, Any],
    group: Group,
    hint: RenewalHint | None,
    lived: timedelta,
) -> None:
    """E3, E4: while it is valid, it is due exactly from then on, and for what has been asked for."""
    one, now = certificate(life, auto_renew=renew, auto_regenerate=regenerate), BORN + min(lived, life)
    at, found = renewal.next_at(one, group, hint=hint), renewal.due(one, group, now, hint=hint)
    assert (found is not None) == (at is not None and at <= now)
    if found is not None:
        assert (one.auto_renew if found.action == "renew" else one.auto_regenerate)["enabled"]
        assert found.since == renewal.window_opens(one, group, hint, found.action)
        assert found.since <= now and found.reason in ("window_open", "life_spent", "ca_asks")


# -- the form and the successor ------------------------------------------------------------------------------------

GOOD = [
    ({}, {}, 90),
    (None, None, None),
    (on(1), on(120), 90),
    (on(89), on(90), 90),
    (on(120), {}, None),
    (on(), on(), 1),
    ({"enabled": False, "days_before": 120}, {}, 90),
]


@pytest.mark.parametrize(("renew", "regenerate", "life"), GOOD)
def test_what_can_be_kept_is_taken(renew: Any, regenerate: Any, life: int | None) -> None:
    """E3, E4: a regeneration may begin earlier than a short life lasts."""
    assert renewal.problems(renew, regenerate, lifetime_days=life, csr_source="endpoint") == []


@pytest.mark.parametrize("days", [0, -1, 121, 1.5, True, "30"])
def test_days_are_a_whole_number_from_1_to_120(days: Any) -> None:
    """E3, E4: both are named, also where a toggle is off."""
    setting = {"enabled": False, "days_before": days}
    found = renewal.problems(setting, setting, lifetime_days=90, csr_source="endpoint")
    assert [sentence.split(":")[0] for sentence in found] == ["auto_renew", "auto_regenerate"]
    assert all("1 to 120" in sentence for sentence in found)


@pytest.mark.parametrize("days", [47, 48, 120])
def test_a_renewal_cannot_begin_before_the_certificate_does(days: int) -> None:
    """E3: a guard against windows longer than the life, named beside every other problem."""
    [first, second] = renewal.problems(on(days), on(0), lifetime_days=47, csr_source="endpoint")
    assert "auto_regenerate" in first and f"days_before {days}" in second and "47 days" in second


@pytest.mark.parametrize("state", ["revoked", "suspended", "superseded", "vanished"])
def test_regenerating_is_turned_on_for_valid_certificates_alone(state: str) -> None:
    """E4: neither for revoked, suspended and expired ones; one that has it on keeps it."""
    valid = certificate()
    assert valid.not_after is not None
    ended = valid.not_after + timedelta(seconds=1)
    assert renewal.toggle_problems(valid, on(10), valid.not_after) == []
    for one, now in ((valid, ended), (replace(valid, state=state), valid.not_after)):
        [told] = renewal.toggle_problems(one, on(10), now)
        assert "action: renew" in told and "(E4)" in told
        assert renewal.toggle_problems(one, {"enabled": False}, now) == []
        assert renewal.toggle_problems(replace(one, auto_regenerate=on(20)), on(10), now) == []
    assert renewal.toggle_problems(None, on(10), ended) == []


def test_settings_go_to_the_successor_only_when_the_toggle_made_it() -> None:
    """E3, E4."""
    both = certificate(auto_renew=on(30), auto_regenerate={**on(10), "force_local_csr": False})
    assert renewal.inherited(both, automatic=False) == {}
    assert renewal.inherited(both, automatic=True) == {
        "auto_renew": both.auto_renew,
        "auto_regenerate": both.auto_regenerate,
    }
    assert renewal.inherited(certificate(), automatic=True) == {"auto_renew": ON}
