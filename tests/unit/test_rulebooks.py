# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a rulebook of the collection may name: options of the event source, kinds and statuses, playbooks."""

from __future__ import annotations

import pathlib
import re
from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from ansible_collections.edgecert.clm.plugins.module_utils._clm.attention_feed import STATUSES
from ansible_collections.edgecert.clm.plugins.module_utils._clm.attention_records import KINDS
from ansible_collections.edgecert.clm.plugins.module_utils._glue.wire_watch import OPTIONS, watch_of

TOP = pathlib.Path(__file__).resolve().parents[2]
RULEBOOKS = sorted((TOP / "extensions" / "eda" / "rulebooks").glob("*.yml"))
EVENT_SOURCE = "edgecert.clm.certificates"
VARIABLE = re.compile(r"\{\{ *(clm_\w+)")
PLAYBOOK = re.compile(r"edgecert\.clm\.(\w+)")


GUIDE = TOP / "docs" / "docsite" / "rst" / "guide_events.rst"
YAML_BLOCK = re.compile(r"\.\. code-block:: yaml\n\n((?:(?:   .*)?\n)+)")


def _sources(path: pathlib.Path) -> Iterator[dict[str, Any]]:
    yield from _sources_in(path.read_text(encoding="utf-8"))


def _sources_in(text: str) -> Iterator[dict[str, Any]]:
    for ruleset in yaml.safe_load(text):
        for source in ruleset["sources"]:
            assert set(source) <= {"name", EVENT_SOURCE}
            yield source[EVENT_SOURCE]


def _rules(path: pathlib.Path) -> Iterator[dict[str, Any]]:
    for ruleset in yaml.safe_load(path.read_text(encoding="utf-8")):
        yield from ruleset["rules"]


@pytest.mark.parametrize("path", RULEBOOKS, ids=lambda path: str(path.stem))
def test_a_rulebook_asks_for_what_the_event_source_gives(path: pathlib.Path) -> None:
    """Issue 7."""
    for options in _sources(path):
        assert set(options) <= set(OPTIONS)
        assert set(options["kinds"]) <= set(KINDS)
    for rule in _rules(path):
        words = set(re.findall(r'"(\w+)"', rule["condition"])) - {"ends", "waits"}
        assert words <= {*STATUSES, "error", "recovered"}


@pytest.mark.parametrize("path", RULEBOOKS, ids=lambda path: str(path.stem))
def test_a_rulebook_says_at_its_head_which_variables_it_takes(path: pathlib.Path) -> None:
    """As playbooks do."""
    text = path.read_text(encoding="utf-8")
    head = text.partition("\n- name:")[0]
    assert not [name for name in VARIABLE.findall(text) if name not in head]


@pytest.mark.parametrize("path", RULEBOOKS, ids=lambda path: str(path.stem))
def test_a_rulebook_runs_playbooks_that_the_collection_has(path: pathlib.Path) -> None:
    """Issue 7: and gives them a list of facts, whether they are told together or one by one."""
    together = any(options.get("batch") for options in _sources(path))
    for rule in _rules(path):
        for action in rule["actions"]:
            asked = action["run_playbook"]
            named = PLAYBOOK.findall(asked["name"])
            missing = [name for name in named if not (TOP / "playbooks" / f"{name}.yml").is_file()]
            if missing == ["notify"]:
                pytest.skip("the playbook notify, which tells people, is not in this tree")
            assert named
            assert not missing
            if named == ["notify"]:
                facts = "{{ event.attentions }}" if together else ["{{ event.attention }}"]
                assert asked["extra_vars"]["clm_notify_events"] == facts


def test_the_guides_rulebook_asks_for_what_the_event_source_gives() -> None:
    """The docs' own words work."""
    blocks = [block for block in YAML_BLOCK.findall(GUIDE.read_text(encoding="utf-8")) if "sources:" in block]
    options = [found for block in blocks for found in _sources_in(block)]
    assert options
    for given in options:
        watch_of({name: value for name, value in given.items() if name != "state_path"}, {})


def test_every_kind_is_looked_at_by_some_rulebook() -> None:
    """Nothing that needs attention is told to nobody."""
    asked = {kind for path in RULEBOOKS for options in _sources(path) for kind in options["kinds"]}
    assert asked == set(KINDS)
