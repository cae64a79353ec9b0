# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The options of a watcher of the store, and the file that keeps what it told."""

from __future__ import annotations

import ast
import importlib
import json
import pathlib
import stat
import subprocess
import sys
from typing import Any

import pytest
import yaml

from ansible_collections.edgecert.clm.extensions.eda.plugins.event_source import certificates
from ansible_collections.edgecert.clm.plugins.module_utils._clm.attention_feed import Told
from ansible_collections.edgecert.clm.plugins.module_utils._clm.attention_records import KINDS
from ansible_collections.edgecert.clm.plugins.module_utils._core.errors import ClmError, StoreError
from ansible_collections.edgecert.clm.plugins.module_utils._glue import wire_watch
from ansible_collections.edgecert.clm.plugins.module_utils._glue.wire_watch import OPTIONS, watch_of
from ansible_collections.edgecert.clm.tests.support.stores import NOON

STORE = {"store": "sqlite:////srv/clm.db"}


def test_options_are_read_and_texts_of_a_rulebooks_variables_count_as_numbers_and_lists(tmp_path: pathlib.Path) -> None:
    """Issue 7: a rulebook's variable is a text where it is quoted."""
    given = {"batch": "True", "interval": "90", "repeat_after": "3600", "expires_within_days": "21"}
    given["kinds"] = "expired, revoked"
    watch = watch_of({**STORE, **given, "devices": ["main"], "groups": "shop", "state_path": f"{tmp_path}/s.json"}, {})
    assert (watch.url, watch.interval_s, watch.kinds) == (STORE["store"], 90.0, ("expired", "revoked"))
    assert watch.repeat_after is not None
    assert watch.repeat_after.total_seconds() == 3600
    assert (watch.filters.device, watch.filters.group, watch.filters.expires_within_days) == (("main",), ("shop",), 21)
    assert (watch.state_path, watch.batch) == (f"{tmp_path}/s.json", True)


def test_what_is_left_out_or_empty_has_its_default() -> None:
    """A rulebook's variable may be null, or empty."""
    watch = watch_of({**STORE, **dict.fromkeys(("interval", "kinds", "repeat_after", "devices")), "groups": ""}, {})
    assert watch == watch_of(STORE, {})
    assert (watch.interval_s, watch.kinds, watch.repeat_after, watch.state_path) == (60.0, (), None, "")
    assert watch.batch is False


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"intervall": 5}, "there is no option intervall; there are store, store_key"),
        ({"interval": 0}, "interval 0 is no number from 1 to"),
        ({"interval": "often"}, "interval 'often' is no number"),
        ({"interval": True}, "interval True is no number"),
        ({"interval": float("nan")}, "interval nan is no number"),
        ({"repeat_after": -1}, "repeat_after -1 is no number"),
        ({"expires_within_days": 40000}, "expires_within_days 40000 is no number from 0 to 36500"),
        ({"kinds": ["late"]}, "no kind of attention late; there are expiring"),
        ({"kinds": {"expired": True}}, "kinds {'expired': True} is no list of words"),
        ({"devices": ["a", 7]}, "devices ['a', 7] is no list of words"),
        ({"batch": "maybe"}, "batch 'maybe' is neither true nor false"),
        ({"batch": 1}, "batch 1 is neither true nor false"),
        ({"groups": "a,,b"}, "groups 'a,,b' is no list of words"),
        ({"store": ["x"]}, "store is no text"),
        ({"store": "mysql://x"}, "no back end has such URLs"),
        ({"store": "postgresql://u:pw@db/x"}, "PostgreSQL store keeps no key by itself"),
        ({"store_key": "k", "store_key_file": "/f"}, "given twice"),
        ({"state_path": "/no/such/folder/s.json"}, "there is no folder /no/such/folder"),
    ],
)
def test_an_option_that_cannot_be_used_is_an_error_that_says_so(options: dict[str, Any], text: str) -> None:
    """Issue 7: before anything is looked at; no password is in it."""
    with pytest.raises(ClmError) as caught:
        watch_of({**STORE, **options}, {})
    assert text in caught.value.message
    assert "pw@" not in caught.value.message


def test_all_problems_are_told_at_once() -> None:
    with pytest.raises(ClmError) as caught:
        watch_of({"interval": 0, "kinds": 7, "x": 1}, {})
    assert len(caught.value.details["problems"]) == 3


def test_the_environment_stands_in_for_the_store_and_a_key_that_is_given_holds_over_both_of_its() -> None:
    """Design §3."""
    environment = {"EDGECERT_STORE": "sqlite:////env.db", "EDGECERT_STORE_KEY": "text"}
    watch = watch_of({}, environment)
    assert (watch.url, watch.key.text is not None, watch.key.path) == ("sqlite:////env.db", True, "")
    watch = watch_of({"store_key_file": "/key"}, environment)
    assert (watch.key.text, watch.key.path) == (None, "/key")
    assert watch_of(STORE, environment).url == STORE["store"]


def test_documentation_and_options_are_the_same() -> None:
    """What is documented is read, what is read is documented."""
    options = yaml.safe_load(certificates.DOCUMENTATION)["options"]
    assert tuple(sorted(options)) == tuple(sorted(OPTIONS))
    assert options["kinds"]["choices"] == list(KINDS)
    assert options["interval"]["default"] == wire_watch.INTERVAL_S
    for example in yaml.safe_load(certificates.EXAMPLES):
        given = {name: value for name, value in example["edgecert.clm.certificates"].items() if name != "state_path"}
        watch_of(given, {})


# -- the state ---------------------------------------------------------------------------------------------------------


def test_the_state_is_a_file_for_its_owner_that_the_next_run_reads(tmp_path: pathlib.Path) -> None:
    """Design §8: names of certificates are nobody else's business."""
    watch = watch_of({**STORE, "state_path": f"{tmp_path}/state.json"}, {})
    known = {"ev-1": Told({"event_id": "ev-1", "kind": "drift"}, NOON)}
    assert wire_watch.load_state(watch) == ({}, "")
    wire_watch.save_state(watch, known)
    assert stat.S_IMODE((tmp_path / "state.json").stat().st_mode) == 0o600
    assert wire_watch.load_state(watch) == (known, "")
    assert [path.name for path in tmp_path.iterdir()] == ["state.json"]


@pytest.mark.parametrize("other", [{"kinds": "drift"}, {"devices": "x"}, {"groups": "x"}, {"expires_within_days": 3}])
def test_a_state_of_other_options_is_not_used(tmp_path: pathlib.Path, other: dict[str, Any]) -> None:
    """What is not asked for any more has not ended by that."""
    path = {"state_path": f"{tmp_path}/state.json"}
    wire_watch.save_state(watch_of({**STORE, **path}, {}), {})
    known, why = wire_watch.load_state(watch_of({**STORE, **path, **other}, {}))
    assert (known, why) == ({}, "it is of a watcher that was asked for something else")


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"shape": 2}', "\x00", '{"shape": 1, "scope": {}, "facts": 5}'])
def test_a_damaged_state_is_not_used(tmp_path: pathlib.Path, text: str) -> None:
    (tmp_path / "state.json").write_text(text, encoding="utf-8")
    known, why = wire_watch.load_state(watch_of({**STORE, "state_path": f"{tmp_path}/state.json"}, {}))
    assert known == {}
    assert why


def test_a_damaged_fact_in_a_state_is_seen(tmp_path: pathlib.Path) -> None:
    watch = watch_of({**STORE, "state_path": f"{tmp_path}/state.json"}, {})
    data = {"shape": 1, "scope": watch.scope, "facts": {"a": {}}}
    (tmp_path / "state.json").write_text(json.dumps(data), encoding="utf-8")
    assert wire_watch.load_state(watch)[1].startswith("it is no state of a watcher")


def test_a_state_that_cannot_be_written_is_an_error_that_says_so(tmp_path: pathlib.Path) -> None:
    (tmp_path / "sub").mkdir()
    watch = watch_of({**STORE, "state_path": f"{tmp_path}/sub/state.json"}, {})
    (tmp_path / "sub").rmdir()
    with pytest.raises(StoreError, match="Cannot write the state"):
        wire_watch.save_state(watch, {})


# -- what it stands on -------------------------------------------------------------------------------------------------


def test_the_event_source_needs_no_ansible() -> None:
    """Issue 7: a decision environment has ansible-rulebook, and not always ansible-core."""
    code = (
        "import sys\n"
        "from ansible_collections.edgecert.clm.plugins.module_utils._glue import wire_watch\n"
        "import ansible_collections.edgecert.clm.extensions.eda.plugins.event_source.certificates\n"
        "print([n for n in sys.modules if n == 'ansible' or n.startswith('ansible.')])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_the_event_source_reaches_the_collection_by_the_layers_that_plugins_may_use() -> None:
    """Style §4: _glue, _clm and _core."""
    path = pathlib.Path(str(importlib.import_module(certificates.__name__).__file__))
    tree = ast.parse(path.read_text(encoding="utf-8"))
    names = {node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    own = {name.split(".module_utils.")[1].split(".")[0] for name in names if ".module_utils." in name}
    assert own <= {"_glue", "_clm", "_core"}
    tops = {name.split(".")[0] for name in names} | {
        alias.name.split(".")[0] for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names
    }
    assert {top for top in tops if top not in sys.stdlib_module_names} == {"ansible_collections"}
