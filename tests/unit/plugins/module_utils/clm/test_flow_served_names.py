# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Network settings that list the names to answer for: those alone are proved, the others are told (U6)."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.edgecert.clm.plugins.module_utils._clm import edges
from ansible_collections.edgecert.clm.tests.support.flow import Bench

NETWORKS = ("staging", "production")


def listed(bench: Bench) -> tuple[str, str]:
    """Have an issued certificate with two names, of which the network settings list one."""
    bench.prepare()
    www, img = bench.name("www"), bench.name("img")
    bench.settings(network={"clone_dns_names": False, "dns_names": [www]})
    bench.enroll(subject_alternative_names={"dns": [img]})
    bench.connector()
    return www, img


def test_a_push_is_proved_for_the_names_the_network_answers_for_and_tells_the_others(bench: Bench) -> None:
    """U6, S1: it ends, and nothing is taken as proved that nobody asked for."""
    www, img = listed(bench)
    places = {network: [bench.sandbox.edge(network)] for network in NETWORKS}
    order: dict[str, Any] = dict(bench.push(network="production", edge=places, wait_timeout=7200).record or {})
    assert (order["state"], order["reason"]) == ("completed", ""), order["message"]
    told = {(one["network"], one["kind"], tuple(one["names"]), tuple(one["not_served"])) for one in order["evidence"]}
    assert told == {(network, "handshake", (www,), (img,)) for network in NETWORKS}


def test_an_added_name_that_will_not_be_served_is_told_in_the_plan_of_the_edit(bench: Bench) -> None:
    """E13, S1: the list is somebody's choice and stays as it is."""
    www, img = listed(bench)
    bench.push(network="production", wait_timeout=7200)
    new = bench.name("new")
    plan = bench.plan_enroll(action="renew", force=True, subject_alternative_names={"dns": [www, img, new]})
    [said] = [step.sentence for step in plan.steps if step.sentence.startswith("Edit enrollment")]
    assert f"list dns_names one by one, and without {new}:" in said and img not in said.partition("dns_names")[2]


@pytest.mark.parametrize(
    ("sans", "served", "asked", "left"),
    [
        (["www.example.com", "img.example.com"], [], ["www.example.com", "img.example.com"], []),
        (["www.example.com", "img.example.com"], ["www.example.com"], ["www.example.com"], ["img.example.com"]),
        (["*.example.com"], ["*.example.com"], ["edgecert-probe.example.com"], []),
        (["*.example.com"], ["b.example.com"], ["b.example.com"], []),
        (["*.example.com", "example.org"], ["example.org"], ["example.org"], ["*.example.com"]),
        (["www.example.com"], ["*.example.com"], ["www.example.com"], []),
    ],
)
def test_no_name_is_asked_for_that_is_not_served(
    sans: list[str], served: list[str], asked: list[str], left: list[str]
) -> None:
    """U6: and each name that is served is asked for, a wildcard by what stands for it there."""
    assert edges.server_names({}, sans, served) == asked
    assert edges.not_served(sans, served) == left
