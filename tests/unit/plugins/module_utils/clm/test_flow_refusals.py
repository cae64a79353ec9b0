# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What edges do no more, proved by handshakes: TLS versions that are refused, certificates that are removed (U6)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from ansible_collections.edgecert.clm.plugins.module_utils._core.errors import InputError, PolicyError, TransportError
from ansible_collections.edgecert.clm.plugins.module_utils._target.edge_base import Presented
from ansible_collections.edgecert.clm.tests.support.edges import LoopbackEdges, TableResolver
from ansible_collections.edgecert.clm.tests.support.flow import Bench
from ansible_collections.edgecert.clm.tests.support.undoing import line, live, undo

NETWORKS = ("staging", "production")
OLD = ["TLSv1", "TLSv1_1"]
TLS = {"disallowed_tls_versions": OLD}


class Edges(LoopbackEdges):
    """The sandbox's edges as a test wants them to be, for as many handshakes as it says.

    :ivar versions: what is answered for versions, in place of a handshake; ``left`` counts down to the truth.
    :ivar present: likewise the fingerprint that is presented.
    """

    def __init__(self) -> None:
        super().__init__(TableResolver(), {})
        self.versions: dict[str, bool | None] = {}
        self.left = 0
        self.present: Callable[[], str] | None = None

    def takes_version(self, address: str, server_name: str, version: str) -> bool | None:
        """Say so, or shake hands."""
        if version in self.versions and self.left:
            self.left -= 1
            return self.versions[version]
        return super().takes_version(address, server_name, version)

    def presented(self, address: str, server_name: str, key_algorithm: str) -> Presented:
        """Say so, or shake hands."""
        if self.present is not None and self.left:
            self.left -= 1
            return Presented(self.present())
        return super().presented(address, server_name, key_algorithm)


@pytest.fixture
def edges(bench: Bench) -> Edges:
    """Let a bench have these edges."""
    made = Edges()
    bench.ports = replace(bench.ports, probe=lambda: made)
    return made


def places(bench: Bench, *networks: str) -> dict[str, list[str]]:
    """Give the option ``edge``: the sandbox's edges."""
    return {network: [bench.sandbox.edge(network)] for network in networks or NETWORKS}


def configure(bench: Bench, **changes: Any) -> dict[str, Any]:
    """Disallow the old versions, or go on; give the work order."""
    wanted = {"action": "configure", "network_settings": TLS, "network": "production", "edge": places(bench)}
    return dict(bench.push(**{**wanted, **changes}).record or {})


def remove(bench: Bench, **changes: Any) -> dict[str, Any]:
    """Remove, or go on; give the work order."""
    return undo(bench, "remove", **{"edge": places(bench), **changes})


def handshakes(order: dict[str, Any]) -> list[dict[str, Any]]:
    """Give the evidence that is of handshakes."""
    return [entry for entry in order["evidence"] if entry["kind"] == "handshake"]


# -- versions of TLS -------------------------------------------------------------------------------------------------


def test_disallowed_versions_are_refused_by_the_edges_of_both_networks(bench: Bench, edges: Edges) -> None:
    """U6: and one that is allowed is taken; the deployments API is evidence beside it."""
    live(bench)
    before = edges.takes_version(bench.sandbox.edge("production"), bench.name(), "TLSv1")
    assert before is True, "the sandbox's edges speak what is not disallowed"
    plan = bench.plan_push(action="configure", network_settings=TLS, network="production", edge=places(bench))
    assert "by the deployments API and by a handshake with 127.0.0.1" in plan.steps[-1].sentence
    order = configure(bench)
    assert order["state"] == "completed", order["message"]
    found = handshakes(order)
    assert [entry["network"] for entry in found] == list(NETWORKS)
    for entry in found:
        assert (entry["refused"], entry["not_told"], entry["taken"]) == (OLD, [], "TLSv1_3")
        assert (entry["names"], entry["address"]) == ([bench.name()], bench.sandbox.edge(entry["network"]))
        assert entry["fingerprint"] and entry["at"]
    assert {entry["network"] for entry in order["evidence"] if entry["kind"] == "api"} == set(NETWORKS)
    assert bench.plan_push(action="configure", network_settings=TLS, network="production").steps == ()


def test_an_edge_that_still_takes_a_version_is_waited_for(bench: Bench, edges: Edges) -> None:
    """U6: until it does not; the order says which address took what."""
    live(bench)
    edges.versions, edges.left = {"TLSv1": True}, 10_000
    order = configure(bench)
    assert (order["state"], order["reason"]) == ("on_staging", "not_proven")
    said = f"{bench.sandbox.edge('staging')} still takes TLSv1 for {bench.name()}"
    assert said in order["message"] and handshakes(order) == []
    edges.left = 3
    assert configure(bench, wait_timeout=7200)["state"] == "completed"
    assert edges.left == 0


def test_an_edge_that_presents_another_certificate_shows_anothers_settings(bench: Bench, edges: Edges) -> None:
    """U6: it refuses what it should, and proves nothing of this enrollment."""
    live(bench)
    edges.present, edges.left = (lambda: "f" * 64), 10_000
    order = configure(bench)
    assert order["reason"] == "not_proven" and f"presents {'f' * 64} for {bench.name()}" in order["message"]
    assert handshakes(order) == []


def test_an_edge_that_is_down_refuses_everything_and_proves_nothing(bench: Bench, edges: Edges) -> None:
    """U6: a version that is allowed has to be taken."""
    live(bench)
    edges.versions, edges.left = dict.fromkeys(("TLSv1", "TLSv1_1", "TLSv1_2", "TLSv1_3"), False), 10_000
    order = configure(bench)
    assert order["reason"] == "not_proven" and "takes none of TLSv1_3, TLSv1_2 for" in order["message"]


@pytest.mark.parametrize(
    ("rule", "untold", "state"),
    [
        ("", ["TLSv1"], "completed"),
        ("", OLD, "on_staging"),
        ("handshake", ["TLSv1"], "on_staging"),
        ("api", OLD, "completed"),
    ],
)
def test_what_this_machine_cannot_offer_is_told_and_not_claimed(
    bench: Bench, edges: Edges, rule: str, untold: list[str], state: str
) -> None:
    """U6: nothing is proved by what was not asked; a group that wants handshakes waits for a machine that can."""
    if rule:
        bench.group(proof=dict.fromkeys(NETWORKS, rule))
    live_with = {"edge": places(bench)}
    bench.issued()
    assert dict(bench.push(network="production", **live_with).record or {})["state"] == "completed"
    edges.versions, edges.left = dict.fromkeys(untold), 10_000
    order = configure(bench)
    if rule == "api":
        # Each network is asked as long as the call waits.
        assert order["state"] == "deploying_production"
        order = configure(bench)
    assert order["state"] == state
    if state == "on_staging":
        assert "does not offer it" in order["message"]
    elif rule == "api":
        assert all("does not offer it" in entry["not_proved"] for entry in order["evidence"])
    else:
        assert {(*entry["refused"], *entry["not_told"]) for entry in handshakes(order)} == {("TLSv1_1", "TLSv1")}


def test_a_group_that_wants_handshakes_refuses_versions_without_an_edge(bench: Bench) -> None:
    """U6: before anything is sent; other settings are shown by no handshake, and not held up."""
    live(bench)
    bench.group(proof={"production": "handshake"})
    with pytest.raises(PolicyError, match="Cannot configure .* wants production proved by a handshake") as caught:
        configure(bench, edge=None)
    assert caught.value.code == "edge_needed"
    assert [method for method, _path in bench.calls() if method != "GET"] == []
    order = configure(bench, edge=None, network_settings={"ocsp_stapling": "off"})
    assert order["state"] == "completed"


def test_an_edge_is_refused_for_settings_that_no_handshake_shows(bench: Bench) -> None:
    """U6: silence would be a lie."""
    live(bench)
    with pytest.raises(InputError, match="edge goes with disallowed_tls_versions alone"):
        configure(bench, network_settings={"ocsp_stapling": "off"})


# -- removed certificates --------------------------------------------------------------------------------------------


def test_a_removed_certificate_is_presented_by_no_edge_any_more(bench: Bench, edges: Edges) -> None:
    """U5, U6: for each of its names, on both networks, beside CPS's own answer."""
    other = f"api.{bench.contract.lower()}.example.com"
    live(bench, subject_alternative_names={"dns": [other]})
    certificate = line(bench)
    order = remove(bench)
    assert order["state"] == "completed", order["message"]
    found = handshakes(order)
    assert [(entry["network"], entry["absent"], entry["fingerprint"]) for entry in found] == [
        (network, certificate.fingerprint, "") for network in NETWORKS
    ]
    assert {tuple(sorted(entry["names"])) for entry in found} == {tuple(sorted([bench.name(), other]))}
    assert [entry["network"] for entry in order["evidence"] if entry["kind"] == "api"] == list(NETWORKS)


def test_an_edge_that_still_presents_it_is_waited_for_and_nothing_is_sent_again(bench: Bench, edges: Edges) -> None:
    """U6, W5: the order waits as not proven, and the inventory is told when it is proved."""
    live(bench)
    certificate = line(bench)
    edges.present, edges.left = (lambda: certificate.fingerprint), 10_000
    order = remove(bench)
    assert (order["state"], order["reason"]) == ("implementing", "not_proven")
    assert f"still presents {certificate.fingerprint} for {bench.name()}" in order["message"]
    assert [method for method, _path in bench.calls()].count("DELETE") == 1
    edges.left = 0
    order = remove(bench)
    assert order["state"] == "completed"
    assert [method for method, _path in bench.calls()].count("DELETE") == 0
    assert line(bench).state == "vanished"


def test_an_address_that_does_not_answer_proves_no_removal(bench: Bench, edges: Edges) -> None:
    """U6: under proof api the order ends, and keeps what was not proved."""
    live(bench)
    nowhere = {"production": ["192.0.2.1"]}
    order = remove(bench, edge=nowhere)
    assert order["reason"] == "not_proven" and "192.0.2.1" in order["message"]
    bench.calls()


def test_a_group_content_with_the_api_completes_and_says_what_was_not_proved(bench: Bench, edges: Edges) -> None:
    """U6."""
    live(bench)
    bench.group(proof={"production": "api"})
    order = remove(bench, edge={"production": ["192.0.2.1"]})
    assert order["state"] == "completed"
    said = {entry["network"]: entry.get("not_proved", "") for entry in order["evidence"]}
    assert said["staging"] == "" and "192.0.2.1" in said["production"]


def test_a_group_that_wants_handshakes_refuses_a_removal_without_an_edge(bench: Bench) -> None:
    """U6: before anything is sent."""
    live(bench)
    bench.group(proof={"staging": "handshake"})
    with pytest.raises(PolicyError, match="Cannot remove .* wants staging proved by a handshake"):
        remove(bench, edge=None)
    assert [method for method, _path in bench.calls() if method != "GET"] == []


def test_the_dns_of_what_is_removed_leads_to_no_edge(bench: Bench) -> None:
    """U6: asked for all the same, it is refused with the reason."""
    live(bench)
    with pytest.raises(InputError, match="edge.from_dns goes with a push"):
        remove(bench, edge={"from_dns": True})


def test_an_unreachable_edge_says_nothing_about_versions(bench: Bench) -> None:
    """U6: no connection is no refusal."""
    with pytest.raises(TransportError):
        Edges().takes_version("127.0.0.1:1", "www.example.com", "TLSv1_2")
