# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Going back to a snapshot whose names are other ones: that is an edit, with all that holds for edits (U5, E9)."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.edgecert.clm.plugins.module_utils._core.errors import ConflictError, InputError, StateError
from ansible_collections.edgecert.clm.tests.support.editing import ALLOW, Edited
from ansible_collections.edgecert.clm.tests.support.flow import Bench

BACK: dict[str, Any] = {"from_snapshot": "previous"}


@pytest.fixture
def edited(bench: Bench) -> Edited:
    """Give a certificate on production that lost one name and got another since the one before it."""
    one = Edited(bench)
    names = one.sans(one.www, one.api, bench.name("new"))
    one.edit(subject_alternative_names=names, warnings=ALLOW)
    pushed = bench.push(network="production", warnings=ALLOW).record
    assert pushed is not None and pushed["state"] == "completed"
    one.fresh()
    return one


def test_names_that_come_and_go_with_a_snapshot_are_foretold_and_done(edited: Edited) -> None:
    """U5, E9, cps-protocol §4.4: the names of then, one update, and the calls that were foretold."""
    new = edited.bench.name("new")
    plan = edited.plan(**BACK)
    told = plan.extra["prediction"]
    assert told["edits"] == {"names_added": [edited.old], "names_dropped": [new], "changed": {}}
    assert told["from_snapshot"].startswith("snap-") and (told["csrs"], told["ca_orders"]) == (["RSA"], 1)
    assert plan.extra["names_in_use"]["names"] == [new]
    assert any(f"(add {edited.old}, drop {new})" in step.sentence for step in plan.steps)
    done = plan.execute()
    assert done.record is not None and done.record["state"] == "issued"
    assert edited.puts() == ["force-renewal=true"] and edited.names() == {edited.api, edited.old}
    assert told["calls"]["at_least"] <= edited.bench.ports.calls() <= told["calls"]["at_most"]


def test_a_name_in_use_is_not_dropped_by_going_back_either(edited: Edited) -> None:
    """U5, cps-protocol §4.4: refused before anything is written, and done where a person says so."""
    new = edited.bench.name("new")
    edited.use(f"{new} site-a production")
    with pytest.raises(ConflictError, match="site-a, production") as caught:
        edited.edit(**BACK)
    assert caught.value.code == "names_in_use" and edited.puts() == [] and new in edited.names()
    done = edited.edit(**BACK, allow_names_in_use=True)
    assert done.record is not None and done.record["state"] == "issued" and new not in edited.names()


@pytest.mark.parametrize("options", [{"key_type": "ec"}, {"organization": "Other"}], ids=["key", "subject"])
def test_what_a_snapshot_fills_is_not_given_beside_it(edited: Edited, options: dict[str, Any]) -> None:
    """U5: silence would be a lie."""
    edited.bench.calls()
    with pytest.raises(InputError, match="the snapshot fills"):
        edited.plan(**BACK, **options)
    assert edited.bench.calls() == []


def test_nothing_else_is_edited_along_with_what_is_missing(edited: Edited) -> None:
    """E10: nothing but what is missing would be sent, so it is refused before any call."""
    edited.bench.calls()
    with pytest.raises(InputError, match="edits nothing else") as caught:
        edited.plan(only_missing=True, organization="Other")
    assert caught.value.code == "return_differs" and edited.bench.calls() == []


def test_a_draft_goes_back_to_what_it_was_made_for(edited: Edited) -> None:
    """U5, E24: submitted without the snapshot's name it is the same; another one, or an edit beside it, is refused."""
    draft = edited.edit(**BACK, submit=False).record
    assert draft is not None and draft["state"] == "draft"
    snapshot_id = draft["renews"]["restores"]["snapshot_id"]
    with pytest.raises(StateError, match="from_snapshot"):
        edited.plan(from_snapshot="snap-other")
    with pytest.raises(InputError, match="leave subject_alternative_names out"):
        edited.plan(subject_alternative_names=edited.sans(edited.www))
    done = edited.edit(comment="now").record
    assert done is not None and (done["request_id"], done["state"]) == (draft["request_id"], "issued")
    assert done["renews"]["restores"]["snapshot_id"] == snapshot_id and edited.names() == {edited.api, edited.old}
