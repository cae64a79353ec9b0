# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a watcher tells and when: each fact once, again when it changes or was not told for long, and when it ended."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.edgecert.clm.plugins.module_utils._clm import attention_feed as feed
from ansible_collections.edgecert.clm.plugins.module_utils._clm.attention_feed import CLEARED, STATUSES, News, Told
from ansible_collections.edgecert.clm.tests.support.stores import NOON

HOUR = timedelta(hours=1)


def view(event_id: str, severity: str = "warning") -> dict[str, Any]:
    return {"event_id": event_id, "severity": severity}


def told(
    known: dict[str, Told], *found: dict[str, Any], hours: float = 0, repeat: timedelta | None = None
) -> list[str]:
    """Look at a moment, tell all news, and give it as ``status id``."""
    now = NOON + hours * HOUR
    news = feed.news(known, found, now, repeat)
    for one in news:
        feed.note(known, one, now)
    return [f"{one.status} {one.view['event_id']}" for one in news]


def test_a_fact_is_told_once_again_when_it_changes_and_when_it_has_ended() -> None:
    """Issue 7: an incident is opened once, and closed."""
    known: dict[str, Told] = {}
    assert told(known, view("a"), view("b")) == ["raised a", "raised b"]
    assert told(known, view("a"), view("b"), hours=1) == []
    assert told(known, view("a", "critical"), view("b"), hours=2) == ["changed a"]
    assert told(known, view("b"), hours=3) == ["cleared a"]
    assert told(known, view("b"), hours=4) == []
    assert told(known, view("a"), view("b"), hours=5) == ["raised a"]


def test_what_stands_is_told_again_after_the_time_that_is_asked_for_and_not_before() -> None:
    """Issue 7: a change is telling it, too."""
    known: dict[str, Told] = {}
    assert told(known, view("a"), repeat=2 * HOUR) == ["raised a"]
    assert told(known, view("a"), hours=1.9, repeat=2 * HOUR) == []
    assert told(known, view("a"), hours=2, repeat=2 * HOUR) == ["repeated a"]
    assert told(known, view("a", "critical"), hours=3, repeat=2 * HOUR) == ["changed a"]
    assert told(known, view("a", "critical"), hours=4.9, repeat=2 * HOUR) == []
    assert told(known, view("a", "critical"), hours=5, repeat=2 * HOUR) == ["repeated a"]


def test_what_ended_goes_before_what_took_its_place() -> None:
    """An end that was near and has passed: the ticket of the first is closed, then that of the second opened."""
    known: dict[str, Told] = {}
    told(known, view("expiring"))
    assert told(known, view("expired")) == ["cleared expiring", "raised expired"]


def test_what_ended_is_told_as_it_stood_last() -> None:
    """Whoever closes the ticket knows what of."""
    known = {"a": Told(view("a", "critical"), NOON)}
    assert feed.news(known, [], NOON, None) == [News(CLEARED, view("a", "critical"))]


def test_what_is_told_together_has_one_status_and_no_more_than_fits() -> None:
    """Issue 7: one mail for a look, not a hundred."""
    known: dict[str, Told] = {}
    told(known, view("a"), view("b"), view("c"))
    found = [view("x"), view("a", "critical"), view("y"), view("b", "critical"), view("z")]
    news = feed.news(known, found, NOON, None)
    bundles = [[f"{one.status} {one.view['event_id']}" for one in bundle] for bundle in feed.bundles(news, 2)]
    assert bundles == [["cleared c"], ["raised x", "raised y"], ["raised z"], ["changed a", "changed b"]]
    assert [one for bundle in feed.bundles(news, 1) for one in bundle] == news


LOOKS = st.lists(st.dictionaries(st.sampled_from("abc"), st.sampled_from(["info", "critical"])), max_size=8)


@given(LOOKS, st.none() | st.integers(1, 4), st.sets(st.integers(0, 8)))
def test_who_follows_the_news_knows_at_every_moment_what_is_so(
    looks: list[dict[str, str]], repeat: int | None, restarts: set[int]
) -> None:
    """Whatever comes and goes, with restarts between: no fact is lost, none is told twice in one look."""
    known: dict[str, Told] = {}
    followed: dict[str, str] = {}
    for number, looked in enumerate(looks):
        if number in restarts:
            known = feed.from_plain(json.loads(json.dumps(feed.to_plain(known))))
        found = [view(event_id, severity) for event_id, severity in looked.items()]
        news = feed.news(known, found, NOON + number * HOUR, repeat * HOUR if repeat else None)
        assert len({str(one.view["event_id"]) for one in news}) == len(news)
        for one in news:
            assert one.status in STATUSES
            feed.note(known, one, NOON + number * HOUR)
            if one.status == CLEARED:
                del followed[one.view["event_id"]]
            else:
                assert (one.status == "raised") is (one.view["event_id"] not in followed)
                followed[one.view["event_id"]] = one.view["severity"]
        assert followed == looked
        assert {event_id: entry.view["severity"] for event_id, entry in known.items()} == looked


@given(st.dictionaries(st.text(max_size=5), st.text(max_size=5), max_size=4))
def test_what_is_known_goes_through_a_file_and_back(facts: dict[str, str]) -> None:
    known = {event_id: Told(view(event_id, severity), NOON) for event_id, severity in facts.items()}
    assert feed.from_plain(json.loads(json.dumps(feed.to_plain(known)))) == known


@pytest.mark.parametrize(
    "data",
    [None, [], "x", {"a": 1}, {"a": {"view": {}, "at": "now"}}, {"a": {"at": "2026-01-01T00:00:00Z"}}]
    + [{"a": {"view": {"event_id": "b"}, "at": "2026-01-01T00:00:00Z"}}]
    + [{"a": {"view": {"event_id": "a"}, "at": 7}}, {"a": {"view": {"event_id": "a"}, "at": "soon"}}],
)
def test_a_file_that_holds_something_else_is_refused(data: Any) -> None:
    with pytest.raises(ValueError, match=r"."):
        feed.from_plain(data)


# -- texts of others ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "dead"),
    [
        ("www.example.com", "www.example.com"),
        ("{a} {", "{a} {"),
        ("{{ lookup('pipe', 'id') }}", "{ { lookup('pipe', 'id') }}"),
        ("{% raw %}{# x #}{{{", "{ % raw %}{ # x #}{ { {"),
        ("#jinja2: variable_start_string:'[%'", " #jinja2: variable_start_string:'[%'"),
        (["{{", {"{{": "{%"}], ["{ {", {"{ {": "{ %"}]),
        ((1, None, True), [1, None, True]),
    ],
)
def test_no_text_of_an_event_is_a_template(text: Any, dead: Any) -> None:
    """Design §8: other people's texts become variables of a playbook."""
    assert feed.harmless(text) == dead


@given(st.text(alphabet="{%#} a", max_size=12))
def test_no_mark_of_a_template_is_left(text: str) -> None:
    """Design §8: nor is one made by what is put between."""
    assert not any(mark in feed.harmless(text) for mark in ("{{", "{%", "{#"))
