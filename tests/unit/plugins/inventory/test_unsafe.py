# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Marking of remote values: what may be a template is marked on every core, and nothing gets lost on the way."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from jinja2 import Environment

from ansible_collections.edgecert.clm.plugins.plugin_utils._unsafe import make_unsafe, marked, plain_name

VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.text(max_size=8)
    | st.sampled_from(["{{ 1 }}", "{% x %}", "#jinja2:"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


class Marked(str):
    """Stands for what a core marks a text with."""

    __slots__ = ()


def texts(value: Any) -> list[str]:
    """Give every text in a value, names of members among them."""
    if isinstance(value, dict):
        return [text for pair in value.items() for part in pair for text in texts(part)]
    if isinstance(value, list):
        return [text for entry in value for text in texts(entry)]
    return [value] if isinstance(value, str) else []


@given(VALUES)
def test_what_may_be_a_template_is_marked_and_everything_else_stays_what_it_is(value: Any) -> None:
    """Design §8: on a core that takes every text for a template unless it is marked."""
    found = marked(value, lambda text: text, Marked)
    assert found == value
    for text in texts(found):
        assert isinstance(text, Marked) is ("{" in text or "#" in text)


@given(VALUES)
def test_this_core_gets_the_same_values(value: Any) -> None:
    assert make_unsafe(value) == value


@given(st.text(max_size=30))
def test_a_text_that_is_handed_on_as_harmless_renders_as_itself(text: str) -> None:
    """Design §8: were it a template after all, it would say the same."""
    harmless: list[str] = []
    marked(text, harmless.append, lambda _text: None)
    environment = Environment(autoescape=False, keep_trailing_newline=True, newline_sequence="\n")
    for one in harmless:
        same = one.replace("\r\n", "\n").replace("\r", "\n")
        assert environment.from_string(one).render() == same


@given(st.text(max_size=40))
def test_the_name_of_a_host_can_be_printed_and_is_no_template(text: str) -> None:
    """V3, design §8."""
    name = plain_name(text)
    assert name.__class__ is str and name.isprintable() and not set("{}") & set(name) and name == name.strip()


def test_usual_names_stay_what_they_are() -> None:
    """V3: wildcards, other scripts, ids with a blank."""
    for name in ("www.example.com", "*.example.com", "xn--bcher-kva.example.com", "bücher.example.com", "my id~2"):
        assert plain_name(name) == name
