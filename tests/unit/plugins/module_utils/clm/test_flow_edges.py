# Copyright: (c) 2026, the edgecert.clm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where a push is proved: edges found by name and by the DNS, wildcards, the group's rule, what is kept as evidence."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import pytest

from ansible_collections.edgecert.clm.plugins.module_utils._clm import attention, groups, queries
from ansible_collections.edgecert.clm.plugins.module_utils._core.errors import InputError, PolicyError
from ansible_collections.edgecert.clm.tests.support.edges import LoopbackEdges, TableResolver
from ansible_collections.edgecert.clm.tests.support.flow import Bench

NETWORKS = ("staging", "production")
HOST = "www.example.com.edgekey.net"
STAGING_HOST = "www.example.com.edgekey-staging.net"


@dataclass
class Internet:
    """What a test's edges are reached by."""

    dns: TableResolver
    edges: LoopbackEdges


@pytest.fixture
def internet(bench: Bench) -> Internet:
    """Two addresses of staging and two of production, one each by IPv6."""
    dns = TableResolver(
        addresses={
            HOST: ["192.0.2.20", "2001:db8::20"],
            STAGING_HOST: ["192.0.2.10", "2001:db8::10"],
            "e1.a.akamaiedge.net": ["192.0.2.20"],
            "e1.a.akamaiedge-staging.net": ["192.0.2.10"],
            "old.example.net": ["203.0.113.9"],
        }
    )
    staging, production = (bench.sandbox.edge(network) for network in NETWORKS)
    routes = dict.fromkeys(("192.0.2.10", "2001:db8::10"), staging) | dict.fromkeys(
        ("192.0.2.20", "2001:db8::20", "203.0.113.9"), production
    )
    found = Internet(dns, LoopbackEdges(dns, routes))
    bench.ports = replace(bench.ports, probe=lambda: found.edges)
    return found


def pushed(bench: Bench, **changes: Any) -> dict[str, Any]:
    """Push, or go on; give the work order."""
    record = bench.push(**changes).record
    assert record is not None
    return dict(record)


def proofs(order: Mapping[str, Any], *members: str) -> set[tuple[Any, ...]]:
    """Give members of the evidence."""
    return {tuple(entry[name] for name in members) for entry in order["evidence"]}


def edge_of(bench: Bench, network: str) -> dict[str, list[str]]:
    """Give the sandbox's own edge."""
    return {network: [bench.sandbox.edge(network)]}


# -- where -----------------------------------------------------------------------------------------------------------


def test_an_edge_hostname_leads_to_every_edge_of_both_networks(bench: Bench, internet: Internet) -> None:
    """U6: each address of the edge hostname, and of its form for staging, is asked for each kind of key."""
    bench.issued(dual_stack=True)
    plan = bench.plan_push(network="production", edge={"hostnames": [HOST]})
    assert any(
        f"Prove that staging serves {bench.name()}, by a handshake with {HOST}" in s.sentence for s in plan.steps
    )
    order = plan.execute().record
    assert order is not None and order["state"] == "completed"
    by_network = {"staging": ("192.0.2.10", "2001:db8::10"), "production": ("192.0.2.20", "2001:db8::20")}
    assert proofs(order, "network", "address", "key_algorithm", "chain") == {
        (network, address, algorithm, "complete")
        for network, addresses in by_network.items()
        for address in addresses
        for algorithm in ("RSA", "ECDSA")
    }
    assert {entry["via"] for entry in order["evidence"]} == {HOST, STAGING_HOST}
    assert all(entry["names"] == [bench.name()] and entry["at"] for entry in order["evidence"])
    [shown] = queries.plan_certificates({"view": "holistic"}, bench.ports).extra["holistic"]
    assert shown["connectors"][0]["devices"][0]["work_orders"][0]["evidence"] == order["evidence"]
    assert order["edges"] == {"hostnames": [HOST]}


@pytest.mark.parametrize(("family", "wanted"), [("ipv4", "192.0.2.10"), ("ipv6", "2001:db8::10")])
def test_only_addresses_of_the_family_are_asked(bench: Bench, internet: Internet, family: str, wanted: str) -> None:
    """U6."""
    bench.issued()
    order = pushed(bench, edge={"hostnames": [STAGING_HOST], "family": family})
    assert proofs(order, "address") == {(wanted,)}


def test_a_name_that_is_served_leads_to_its_edges(bench: Bench, internet: Internet) -> None:
    """U6: by the DNS of the SAN itself, looked up when the proof is made; staging stands beside production."""
    bench.issued()
    order = pushed(bench, edge={"from_dns": True}, network="production", wait_timeout=120)
    assert (order["state"], order["reason"]) == ("on_staging", "not_proven")
    assert f"{bench.name()}: the name cannot be resolved" in order["message"]
    internet.dns.aliases.update(
        {bench.name(): "to.example.com.edgekey.net", "to.example.com.edgekey.net": "e1.a.akamaiedge.net"}
    )
    order = pushed(bench, network="production")
    assert order["state"] == "completed"
    assert proofs(order, "network", "address", "via") == {
        ("staging", "192.0.2.10", "e1.a.akamaiedge-staging.net"),
        ("production", "192.0.2.20", "e1.a.akamaiedge.net"),
    }


def test_a_name_that_does_not_lead_to_akamai_is_proved_nowhere(bench: Bench, internet: Internet) -> None:
    """U6: what answers there may well present the certificate, and is no edge of Akamai."""
    bench.issued()
    internet.dns.aliases[bench.name()] = "old.example.net"
    order = pushed(bench, edge={"from_dns": True}, wait_timeout=60)
    assert (order["state"], order["reason"], order["evidence"]) == ("on_staging", "not_proven", [])
    assert "old.example.net, 203.0.113.9, which is not known to be Akamai's" in order["message"]
    assert internet.edges.asked == []


def test_an_edge_hostname_that_does_not_resolve_is_waited_for(bench: Bench, internet: Internet) -> None:
    """U6: never a silent skip, though another address proves it."""
    bench.issued()
    missing = "new.example.com.edgesuite.net"
    order = pushed(bench, edge={"hostnames": [HOST, missing]}, wait_timeout=60)
    assert (order["state"], order["reason"]) == ("on_staging", "not_proven")
    assert "new.example.com.edgesuite-staging.net: the name cannot be resolved" in order["message"]
    internet.dns.addresses["new.example.com.edgesuite-staging.net"] = ["192.0.2.10"]
    assert pushed(bench)["state"] == "completed"


def test_an_edge_that_still_presents_the_certificate_before_is_asked_again(bench: Bench, internet: Internet) -> None:
    """U6: Akamai distributes it for a while; one address of two lags behind."""
    bench.issued(validity={"count": 47, "unit": "days"})
    pushed(bench, network="production", edge={"hostnames": [HOST]})
    bench.advance(20 * 86_400)
    assert (bench.enroll(action="renew", force=True).record or {})["state"] == "issued"
    internet.edges.routes["2001:db8::10"] = bench.sandbox.edge("production")
    order = pushed(bench, network="production", edge={"hostnames": [HOST]}, wait_timeout=300)
    assert (order["state"], order["reason"]) == ("on_staging", "not_proven")
    assert f"2001:db8::10 ({STAGING_HOST}) presents " in order["message"]
    assert ", the certificate before, for " in order["message"] and "192.0.2.10" not in order["message"]
    assert "production_acknowledged" not in bench.audit()[-10:]
    internet.edges.routes["2001:db8::10"] = bench.sandbox.edge("staging")
    assert pushed(bench, network="production")["state"] == "completed"


@pytest.mark.parametrize(
    ("edge", "said"),
    [
        ({"hostnames": ["www.example.org"]}, "it is no edge hostname of Akamai"),
        ({"hostnames": ["https://x.edgekey.net"]}, "it has a scheme"),
        ({"hostnames": ["edgekey.net"]}, "it is no edge hostname of Akamai"),
        ({"staging": ["x.edgekey.net:443"]}, "other network; that of staging is x.edgekey-staging.net:443"),
        ({"production": ["X.akamaiedge-staging.net"]}, "other network; that of production is x.akamaiedge.net"),
        ({"names": ["www.example.org"]}, "is covered by no name of the certificate"),
        ({"names": ["*.example.com"]}, "is a wildcard"),
        ({"names": [""]}, "is empty"),
    ],
)
def test_what_no_edge_can_be_asked_by_is_refused_before_anything_is_sent(
    bench: Bench, internet: Internet, edge: dict[str, Any], said: str
) -> None:
    """U6."""
    bench.issued()
    bench.calls()
    with pytest.raises(InputError, match=said):
        bench.push(edge=edge)
    assert bench.calls() == [] and bench.records()["work_orders"] == 0


# -- for which names -------------------------------------------------------------------------------------------------


def test_every_name_is_asked_for_and_a_wildcard_by_the_name_chosen(bench: Bench, internet: Internet) -> None:
    """U6."""
    wildcard = bench.name("*")
    bench.issued(subject_alternative_names={"dns": [bench.name("shop"), wildcard]})
    order = pushed(bench, edge={**edge_of(bench, "staging"), "names": [bench.name("Basket")]})
    assert order["state"] == "completed"
    [entry] = order["evidence"]
    assert set(entry["names"]) == {bench.name(), bench.name("shop"), bench.name("basket")}
    assert {name for _address, name, _kind in internet.edges.asked} == set(entry["names"])
    assert entry["where"].startswith("3 names at ")


def test_a_wildcard_without_a_chosen_name_is_asked_for_by_a_label_of_ours(bench: Bench, internet: Internet) -> None:
    """U6: at an address it proves the wildcard; in the DNS there has to be such a name, and what to do is said."""
    bench.issued(subject_alternative_names={"dns": [bench.name("*")]})
    internet.dns.aliases[bench.name()] = "e1.a.akamaiedge.net"
    order = pushed(bench, edge={"from_dns": True}, wait_timeout=60)
    assert (order["state"], order["reason"]) == ("on_staging", "not_proven")
    assert f"{bench.name('edgecert-probe')}: the name cannot be resolved" in order["message"]
    assert "choose a host name for the wildcard in edge.names" in order["message"]
    order = pushed(bench, edge={"from_dns": False, "hostnames": [HOST], "family": "ipv4"})
    assert order["state"] == "completed"
    [entry] = order["evidence"]
    assert set(entry["names"]) == {bench.name(), bench.name("edgecert-probe")}


# -- the group's rule ------------------------------------------------------------------------------------------------


def rule(bench: Bench, **proof: str) -> None:
    """Set the rule of the default group as the module does."""
    groups.plan({"name": "default", "state": "present", "proof": proof}, bench.ports).execute()


def test_a_group_that_wants_a_handshake_refuses_a_push_without_an_edge(bench: Bench, internet: Internet) -> None:
    """W2, U6: before anything is sent, for staging on the way to production, too."""
    bench.issued()
    rule(bench, staging="handshake")
    bench.calls()
    for network in NETWORKS:
        with pytest.raises(PolicyError, match=r"rule proof\.staging") as caught:
            bench.push(network=network, edge=edge_of(bench, "production"))
        assert caught.value.code == "edge_needed"
    assert bench.calls() == [] and bench.records()["work_orders"] == 0
    order = pushed(bench, edge=edge_of(bench, "staging"))
    assert order["state"] == "completed" and order["policy"]["proof"] == {"staging": "handshake"}
    # What is proved at edges on staging is not, by that, on production.
    rule(bench, production="handshake")
    with pytest.raises(PolicyError, match=r"rule proof\.production"):
        bench.push(network="production", edge=edge_of(bench, "staging"))


def test_a_push_to_production_is_completed_by_the_api_alone_where_the_group_has_no_rule_and_no_edge_is_known(
    bench: Bench, internet: Internet
) -> None:
    """U6: as the guides say, and the evidence says so, too."""
    bench.issued(dual_stack=True)
    order = pushed(bench, network="production")
    assert proofs(order, "kind", "network", "where") == {("api", network, "deployments") for network in NETWORKS}
    assert {tuple(entry["names"]) for entry in order["evidence"]} == {(bench.name(),)}
    assert internet.edges.asked == []


def test_a_group_content_with_the_api_keeps_what_the_edges_did_not_prove(bench: Bench, internet: Internet) -> None:
    """U6: relaxed by the group, recorded as such."""
    bench.issued()
    rule(bench, staging="api")
    internet.edges.routes.pop("2001:db8::10")
    order = pushed(bench, edge={"hostnames": [HOST]}, wait_timeout=60)
    assert order["state"] == "completed"
    assert proofs(order, "kind", "where") == {
        ("handshake", f"{bench.name()} at 192.0.2.10"),
        ("api", "deployments"),
    }
    [told] = [entry["not_proved"] for entry in order["evidence"] if entry["kind"] == "api"]
    assert "2001:db8::10" in told and "no route to host" in told
    # And somebody is told to look.
    with bench.store.read() as unit:
        [found] = attention.collect(unit, bench.clock.now())
    assert (order["reason"], found.kind, found.network) == ("not_proven", "edge_mismatch", "staging")
    assert "no route to host" in found.message


def test_a_rule_that_changes_later_changes_no_push_that_was_submitted(bench: Bench, internet: Internet) -> None:
    """G, W2: as every other rule of a group."""
    bench.issued()
    order = pushed(bench, edge={"hostnames": [HOST]}, wait=False)
    internet.edges.routes.clear()
    rule(bench, staging="api")
    order = pushed(bench, wait_timeout=300)
    assert (order["state"], order["reason"]) == ("on_staging", "not_proven")


def test_a_rule_is_part_of_what_is_approved(bench: Bench, internet: Internet) -> None:
    """W2: the approval names it, and a work order whose rule was taken away is not implemented."""
    bench.issued()
    bench.group(approvals={"push": 1})
    rule(bench, staging="handshake")
    order = pushed(bench, edge=edge_of(bench, "staging"))
    bench.act("bob", "approve", work_order_id=order["work_order_id"])
    with bench.store.write() as unit:
        stored = unit.work_orders.get(order["work_order_id"])
        assert stored is not None and stored.approvals[0]["binds"]["proof"] == {"staging": "handshake"}
        unit.work_orders.put(replace(stored, policy={**stored.policy, "proof": {"staging": "api"}}))
    with pytest.raises(Exception, match="what proves the push changed since bob approved it"):
        bench.act("ada", "implement", work_order_id=order["work_order_id"])


def test_a_rule_is_shown_cleared_and_held_against_nonsense(bench: Bench) -> None:
    """G."""
    rule(bench, staging="handshake", production="api")
    plan = groups.plan({"name": "default", "state": "present", "proof": {"staging": ""}}, bench.ports)
    shown = plan.execute().record
    assert shown is not None and shown["proof"] == {"staging": "", "production": "api"}
    with pytest.raises(InputError, match="'trust' is none of handshake, api"):
        rule(bench, staging="trust")
