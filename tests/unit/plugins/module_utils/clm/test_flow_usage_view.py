# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where certificates are used, as ``cert_info`` tells it: looked for at Property Manager, never written (V2)."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.edgecert.clm.plugins.module_utils._clm import queries
from ansible_collections.edgecert.clm.plugins.module_utils._core.errors import InputError
from ansible_collections.edgecert.clm.tests.support.editing import Edited
from ansible_collections.edgecert.clm.tests.support.flow import Bench


@pytest.fixture
def edited(bench: Bench) -> Edited:
    bench.sandbox.configure({"property_hostnames": [], "san_removal_review": ""})
    return Edited(bench)


def used(one: Edited, **params: Any) -> list[dict[str, Any]]:
    """Ask for the view, as a call of its own."""
    one.fresh()
    plan = queries.plan_certificates({"view": "usage", **params}, one.bench.ports)
    assert plan.steps == ()
    return list(plan.extra["usage"])


def test_each_certificate_is_shown_with_what_uses_its_names(edited: Edited) -> None:
    """V2, cps-protocol §4.4: host names with property, networks and edge; names that nothing uses; calls counted."""
    edited.use(f"{edited.www} site-a", f"{edited.old} site-b production", "else.example.org site-c")
    [found] = used(edited)
    assert (found["certificate"], found["looked"], found["problem"]) == (edited.www, True, "")
    shown = {use["hostname"]: use for use in found["hostnames"]}
    assert set(shown) == {edited.www, edited.old} and found["unused_names"] == [edited.api]
    assert (shown[edited.www]["property"], shown[edited.www]["networks"]) == ("site-a", ["staging", "production"])
    assert shown[edited.old]["networks"] == ["production"] and shown[edited.old]["names"] == [edited.old]
    assert edited.bench.ports.calls() == 3
    assert {method for method, _path in edited.bench.calls()} == {"GET"}


def test_a_monitored_device_is_read_and_an_ignored_one_is_not_asked(edited: Edited) -> None:
    """D5: reading is no action; ignored is left alone, and it is said."""
    edited.use(f"{edited.www} site-a")
    edited.bench.again(cert_sync="monitored", discover="none", validate=False).execute()
    [found] = used(edited)
    assert found["looked"] and [use["hostname"] for use in found["hostnames"]] == [edited.www]
    edited.bench.again(cert_sync="ignored", discover="none", validate=False).execute()
    assert used(edited) == []
    [found] = used(edited, sync=["ignored"])
    assert not found["looked"] and "is ignored" in found["problem"] and found["unused_names"] == []
    assert edited.bench.ports.calls() == 0


def test_many_names_cost_a_call_for_each_page(edited: Edited) -> None:
    """Design §6: a second certificate of the device makes it more than five names, which one list answers."""
    others = [edited.bench.name(f"n{number}") for number in range(4)]
    edited.bench.enroll(common_name=others[0], subject_alternative_names=edited.sans(*others))
    edited.use(f"{others[2]} site-d", f"{edited.api} site-a")
    found = {entry["certificate"]: entry for entry in used(edited)}
    assert {name: [use["hostname"] for use in entry["hostnames"]] for name, entry in found.items()} == {
        edited.www: [edited.api],
        others[0]: [others[2]],
    }
    assert edited.bench.ports.calls() == 1


def test_a_budget_that_is_used_up_leaves_devices_unasked_and_says_so(edited: Edited) -> None:
    """Design §6: nothing new is begun beyond it."""
    [device] = [entry["device"] for entry in used(edited)]
    ports = edited.bench.ports
    spent = ports.calls()
    plan = queries.plan_certificates({"view": "usage", "budget": spent}, ports)
    [found] = plan.extra["usage"]
    assert not found["looked"] and f"device {device} was not asked" in found["problem"]
    assert ports.calls() == spent
    [found] = used(edited, budget=1)
    assert found["looked"], "a device that was begun is looked at to the end"


def test_what_may_not_be_looked_at_is_said_and_not_guessed(edited: Edited) -> None:
    """P4: no grant for Property Manager; nothing is told as unused."""
    edited.bench.again(section="no-papi", discover="none", validate=False).execute()
    [found] = used(edited)
    assert not found["looked"] and found["unused_names"] == [] and "could not be looked at" in found["problem"]


def test_trouble_with_a_device_is_told_with_its_certificates(edited: Edited) -> None:
    """V2: the view of the others is not lost by it."""
    edited.bench.sandbox.fault("server_error", method="GET", path="/papi/", when="before", times=50)
    [found] = used(edited)
    assert not found["looked"] and found["problem"]
    edited.bench.sandbox.clear_faults()


@pytest.mark.parametrize(
    ("params", "words"),
    [({"budget": 0}, "budget is 0"), ({"view": "list", "budget": 5}, "budget goes with view: usage")],
)
def test_a_budget_that_is_none_is_refused(bench: Bench, params: dict[str, Any], words: str) -> None:
    """Before any call."""
    with pytest.raises(InputError, match=words):
        queries.plan_certificates({"view": "usage", **params}, bench.ports)
